//! [`Hub`]: the open event streams of pages, and what goes down each.
//!
//! Every stream has a bounded queue; a client that does not read is cut off, so that it costs the others nothing. Each
//! event is checked against its reader as it is put into their queue (promise 5: checked again at each send).

use crate::views::{NoticeView, PersonItem, Picture, SightingView, StatusView};
use axum::body::Bytes;
use serde::Serialize;
use skypicket_model::{PersonId, Reader, Role, Time, UnitId, may_see};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write as _,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc;

/// Events that wait in one stream before its client is cut off.
const QUEUE: usize = 256;
/// Durable events kept for streams that resume.
const RING: usize = 2_048;

/// What a reader's roles let them be sent.
#[allow(clippy::struct_excessive_bools)] // four answers to four questions
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sees {
    /// Every notice, sighting and danger.
    pub all: bool,
    /// Where everybody is; the same roles as for the list of people.
    pub people: bool,
    /// Tracks.
    pub tracks: bool,
    /// Where those whom they lead are.
    pub led: bool,
}

impl Sees {
    /// By roles.
    pub fn of(roles: &BTreeSet<Role>) -> Self {
        let any = |list: &[Role]| list.iter().any(|r| roles.contains(r));
        Self {
            all: any(&[Role::Watch, Role::Analyst, Role::Auditor]),
            people: any(&[Role::Watch, Role::Auditor]),
            tracks: any(&[Role::Watch, Role::Analyst, Role::Auditor, Role::Supervisor, Role::Integrator]),
            led: any(&[Role::Supervisor]),
        }
    }
}

/// Something that happened, for whoever may see it.
#[derive(Debug, Clone)]
pub enum Happened {
    /// A notice or who has it changed.
    Notice(NoticeView),
    /// A sighting changed.
    Sighting(SightingView),
    /// A person's position or channels changed.
    Person(PersonItem),
}

/// A stream's end for the HTTP side.
pub struct Subscription {
    /// Frames in order, ready for the socket.
    pub frames: mpsc::Receiver<Bytes>,
    /// Its number, for [`Hub::leave`].
    pub number: u64,
    /// It is the person's first open stream.
    pub first: bool,
}

struct Subscriber {
    reader: Reader,
    unit: UnitId,
    sees: Sees,
    queue: mpsc::Sender<Bytes>,
}

#[derive(Default)]
struct Inner {
    subscribers: BTreeMap<u64, Subscriber>,
    by_person: BTreeMap<PersonId, BTreeSet<u64>>,
    ring: VecDeque<(u64, Happened)>,
    /// Events up to this index may be missing from the ring.
    forgotten: u64,
    /// The newest index that was sent.
    newest: u64,
    next: u64,
    cut_off: u64,
}

/// The open event streams.
#[derive(Default)]
pub struct Hub {
    inner: Mutex<Inner>,
}

/// One server-sent event as bytes (WHATWG HTML, section 9.2).
pub fn frame(event: &str, id: Option<u64>, data: &impl Serialize) -> Bytes {
    let json = serde_json::to_string(data).unwrap_or_else(|_| "null".into());
    let mut out = String::with_capacity(json.len() + 48);
    let _ = writeln!(out, "event: {event}");
    if let Some(id) = id {
        let _ = writeln!(out, "id: {id}");
    }
    let _ = write!(out, "data: {json}\n\n");
    Bytes::from(out)
}

impl Happened {
    /// Whether its marking lets a reader see it at all.
    fn released_to(&self, reader: &Reader) -> bool {
        match self {
            Self::Notice(v) => may_see(reader, &v.notice.marking),
            Self::Sighting(v) => may_see(reader, &v.state.sighting.marking),
            Self::Person(_) => true,
        }
    }

    /// As this reader gets it: nothing that its marking, their roles or their place on no list keep from them.
    fn frame_for(&self, index: u64, reader: &Reader, sees: Sees) -> Option<Bytes> {
        if !self.released_to(reader) {
            return None;
        }
        let person = &reader.person;
        match self {
            Self::Notice(v) => Some(frame("notice", Some(index), &v.for_reader(person, sees.all)?)),
            Self::Sighting(v) => may_see_sighting(v, person, sees).then(|| frame("sighting", Some(index), v)),
            Self::Person(p) => (sees.people || p.id == *person || sees.led && p.leaders.contains(person))
                .then(|| frame("person", Some(index), p)),
        }
    }
}

/// The reporter, their leaders and the centre.
pub fn may_see_sighting(v: &SightingView, person: &PersonId, sees: Sees) -> bool {
    sees.all || v.state.sighting.reporter == *person || v.state.leaders.contains(person)
}

impl Hub {
    /// For a log whose next entry is `next`. What happened before may never have been sent: a stream that resumes after
    /// anything older starts anew. So does one that resumes after an entry which this log never had: it was acted on
    /// before it was durable, and lost with the run before.
    pub fn new(next: u64) -> Self {
        let before = next.saturating_sub(1);
        Self { inner: Mutex::new(Inner { forgotten: before, newest: before, ..Inner::default() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a stream. With `after`, what happened since that entry comes first, or a `reset` when it is no longer
    /// known.
    pub fn join(&self, (reader, unit): (Reader, UnitId), sees: Sees, after: Option<u64>, hello: Bytes) -> Subscription {
        let (queue, frames) = mpsc::channel(QUEUE);
        let mut inner = self.lock();
        let mut first_frames = vec![hello];
        if let Some(after) = after {
            if after < inner.forgotten || after > inner.newest {
                first_frames.push(frame("reset", None, &serde_json::json!({})));
            } else {
                let missed = inner.ring.iter().filter(|(i, _)| *i > after);
                first_frames.extend(missed.filter_map(|(i, h)| h.frame_for(*i, &reader, sees)));
            }
            if first_frames.len() > QUEUE {
                first_frames.truncate(1);
                first_frames.push(frame("reset", None, &serde_json::json!({})));
            }
        }
        for f in first_frames {
            // The queue is empty and at least as long as this list.
            let _ = queue.try_send(f);
        }
        inner.next += 1;
        let number = inner.next;
        let mine = inner.by_person.entry(reader.person.clone()).or_default();
        let first = mine.is_empty();
        mine.insert(number);
        inner.subscribers.insert(number, Subscriber { reader, unit, sees, queue });
        Subscription { frames, number, first }
    }

    /// Closes a stream; the person when it was their last.
    pub fn leave(&self, number: u64) -> Option<PersonId> {
        self.lock().remove(number)
    }

    /// Sends `happened` to all who may see it, and keeps it for those who resume.
    pub fn publish(&self, index: u64, happened: Happened) {
        let mut inner = self.lock();
        inner.newest = inner.newest.max(index);
        // One serialisation serves all who see everything.
        let mut whole: BTreeMap<(bool, bool), Option<Bytes>> = BTreeMap::new();
        let mut full = Vec::new();
        for (number, s) in &inner.subscribers {
            let own =
                matches!(&happened, Happened::Notice(v) if v.recipients.iter().any(|r| r.person == s.reader.person));
            if !happened.released_to(&s.reader) {
                continue;
            }
            let bytes = if s.sees.all && !own {
                whole
                    .entry((s.sees.people, s.sees.tracks))
                    .or_insert_with(|| happened.frame_for(index, &s.reader, s.sees))
                    .clone()
            } else {
                happened.frame_for(index, &s.reader, s.sees)
            };
            if bytes.is_some_and(|b| s.queue.try_send(b).is_err()) {
                full.push(*number);
            }
        }
        inner.cut(full);
        if inner.ring.len() == RING
            && let Some((i, _)) = inner.ring.pop_front()
        {
            inner.forgotten = i;
        }
        inner.ring.push_back((index, happened));
    }

    /// Hands a notice to a person's open pages; how many took it.
    pub fn deliver(&self, index: u64, person: &PersonId, view: &NoticeView) -> usize {
        let mut inner = self.lock();
        inner.newest = inner.newest.max(index);
        let numbers: Vec<u64> = inner.by_person.get(person).into_iter().flatten().copied().collect();
        let mut taken = 0;
        let mut full = Vec::new();
        for n in numbers {
            let Some(s) = inner.subscribers.get(&n) else { continue };
            if !may_see(&s.reader, &view.notice.marking) {
                continue;
            }
            let Some(own) = view.for_reader(person, s.sees.all) else { continue };
            if s.queue.try_send(frame("notice", Some(index), &own)).is_ok() {
                taken += 1;
            } else {
                full.push(n);
            }
        }
        inner.cut(full);
        taken
    }

    /// Sends the sky: tracks to those who may see them, dangers to those in danger and the centre.
    pub fn picture(&self, picture: &Picture) {
        let mut inner = self.lock();
        let mut tracks: Option<Bytes> = None;
        let mut dangers: Option<Bytes> = None;
        let mut full = Vec::new();
        for (number, s) in &inner.subscribers {
            let mut ok = true;
            if s.sees.tracks {
                let f = tracks
                    .get_or_insert_with(|| frame("tracks", None, &serde_json::json!({"features": picture.features()})));
                ok = s.queue.try_send(f.clone()).is_ok();
            }
            let f = if s.sees.all {
                dangers
                    .get_or_insert_with(|| frame("dangers", None, &serde_json::json!({"items": picture.dangers})))
                    .clone()
            } else {
                frame(
                    "dangers",
                    None,
                    &serde_json::json!({"items": picture.dangers_for(&s.reader.person, &s.unit, false)}),
                )
            };
            if !(ok && s.queue.try_send(f).is_ok()) {
                full.push(*number);
            }
        }
        inner.cut(full);
    }

    /// Sends the same to everybody.
    pub fn everybody(&self, bytes: &Bytes) {
        let mut inner = self.lock();
        let full: Vec<u64> = inner
            .subscribers
            .iter()
            .filter(|(_, s)| s.queue.try_send(bytes.clone()).is_err())
            .map(|(n, _)| *n)
            .collect();
        inner.cut(full);
    }

    /// Sends a status.
    pub fn status(&self, status: &StatusView) {
        self.everybody(&frame("status", None, status));
    }

    /// Sends a heartbeat.
    pub fn heartbeat(&self, now: Time) {
        self.everybody(&frame("heartbeat", None, &serde_json::json!({"now": now})));
    }

    /// People with an open stream.
    pub fn present(&self) -> BTreeSet<PersonId> {
        self.lock().by_person.keys().cloned().collect()
    }

    /// Open streams, and how many were cut off since the start.
    pub fn counts(&self) -> (usize, u64) {
        let inner = self.lock();
        (inner.subscribers.len(), inner.cut_off)
    }

    /// Ends every stream (shut-down).
    pub fn close(&self) {
        let mut inner = self.lock();
        inner.subscribers.clear();
        inner.by_person.clear();
    }
}

impl Inner {
    fn remove(&mut self, number: u64) -> Option<PersonId> {
        let person = self.subscribers.remove(&number)?.reader.person;
        let mine = self.by_person.get_mut(&person)?;
        mine.remove(&number);
        if mine.is_empty() {
            self.by_person.remove(&person);
            return Some(person);
        }
        None
    }

    /// Cuts clients off whose queue is full: dropping the sender ends the stream, and the HTTP side, which holds the
    /// subscription, then leaves and says that the channel is down.
    fn cut(&mut self, numbers: Vec<u64>) {
        for n in numbers {
            // One that was cut off, or went away by itself, stays listed until the HTTP side has noticed: counted once.
            if let Some(s) = self.subscribers.get_mut(&n).filter(|s| !s.queue.is_closed()) {
                let (closed, _) = mpsc::channel(1);
                s.queue = closed;
                self.cut_off += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::{
        AgencyId, LatLon, Level, Marking, Notice, NoticeId, NoticeState, ProtectedId, Tlp, TrackId, notice::NoticeFacts,
    };

    fn reader(person: &str, agency: &str, role: Role) -> Reader {
        Reader { person: PersonId::new(person).unwrap(), agency: AgencyId::new(agency).unwrap(), roles: [role].into() }
    }

    fn notice(marking: Marking) -> NoticeView {
        let notice = Notice {
            id: NoticeId(uuid::Uuid::from_u128(1)),
            version: 1,
            state: NoticeState::Raised,
            level: Level::Urgent,
            at: Time::default(),
            track: TrackId(uuid::Uuid::from_u128(2)),
            protected: ProtectedId::Person(PersonId::new("p").unwrap()),
            protected_name: "P".into(),
            needs_ack: true,
            facts: NoticeFacts {
                distance_m: 1.0,
                bearing_deg: 0.0,
                earliest_s: 0.0,
                cpa_m: 0.0,
                p_within_30: 1.0,
                track_at: LatLon { lat_deg: 0.0, lon_deg: 0.0 },
                height_unknown: true,
                by_people_only: false,
            },
            reasons: Vec::new(),
            because: Vec::new(),
            marking,
            exercise: None,
            code: "1234".into(),
            text: String::new(),
            text_es: String::new(),
        };
        NoticeView { notice, unrecorded: false, recipients: Vec::new(), mine: false, acknowledged: false, owes: false }
    }

    #[test]
    fn where_people_are_goes_only_to_roles_that_may_list_them() {
        let item = PersonItem {
            id: PersonId::new("p").unwrap(),
            name: "P".into(),
            unit: UnitId::new("u").unwrap(),
            unit_name: "U".into(),
            agency: None,
            roles: [Role::Field].into(),
            position: None,
            channels_up: Vec::new(),
            unreachable: true,
            why: None,
            leaders: Vec::new(),
        };
        let hub = Hub::new(1);
        let roles = [
            Role::Analyst,
            Role::Watch,
            Role::Auditor,
            Role::Field,
            Role::Integrator,
            Role::Supervisor,
            Role::Administrator,
        ];
        let mut streams: Vec<(Role, Subscription)> = roles
            .into_iter()
            .map(|role| {
                let r = reader(&format!("{role:?}").to_lowercase(), "own", role);
                let sees = Sees::of(&r.roles);
                (role, hub.join((r, UnitId::new("v").unwrap()), sees, None, frame("hello", None, &())))
            })
            .collect();
        hub.publish(5, Happened::Person(item));
        for (role, s) in &mut streams {
            let got = std::iter::from_fn(|| s.frames.try_recv().ok()).any(|f| f.starts_with(b"event: person"));
            assert_eq!(got, matches!(role, Role::Watch | Role::Auditor), "{role:?}");
        }
    }

    #[test]
    fn a_marking_is_checked_again_at_each_send() {
        let hub = Hub::new(1);
        let unit = || UnitId::new("u").unwrap();
        let watch = |agency: &str| {
            let r = reader(&format!("watch-{agency}"), agency, Role::Watch);
            let sees = Sees::of(&r.roles);
            hub.join((r, unit()), sees, None, frame("hello", None, &()))
        };
        let (mut own, mut other) = (watch("own"), watch("other"));
        let amber = Marking { tlp: Tlp::Amber, owner: Some(AgencyId::new("own").unwrap()), ..Marking::default() };
        hub.publish(5, Happened::Notice(notice(amber)));
        hub.publish(6, Happened::Notice(notice(Marking::default())));
        let got = |s: &mut Subscription| {
            std::iter::from_fn(|| s.frames.try_recv().ok())
                .filter(|f| f.starts_with(b"event: notice"))
                .map(|f| String::from_utf8(f.to_vec()).unwrap().contains("id: 5"))
                .collect::<Vec<bool>>()
        };
        assert_eq!(got(&mut own), [true, false], "its owner sees both");
        assert_eq!(got(&mut other), [false], "another agency sees only what is released to all");
        // The same holds for what a stream gets that resumes.
        let r = reader("watch-late", "other", Role::Watch);
        let sees = Sees::of(&r.roles);
        let mut late = hub.join((r, unit()), sees, Some(4), frame("hello", None, &()));
        assert_eq!(got(&mut late), [false]);
    }
}
