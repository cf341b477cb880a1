//! [`Hub`]: the open event streams of pages, and what goes down each.
//!
//! Every stream has a bounded queue; a client that does not read is cut off, so that it costs the others nothing. Each
//! event is checked against its reader as it is put into their queue (promise 5: checked again at each send).
//!
//! What goes to few costs only those few, however many streams are open: streams are found by person and by unit, an
//! event is made into text once for each kind of reader, and never while the table of streams is locked. What goes to
//! all (heartbeats, the status) goes round in slices, so that no warning waits behind ten thousand of them.

use crate::{
    bulletins::BulletinView,
    http::permission::Event,
    intelligence::ReportNews,
    news::{Kind, News},
    views::{AlarmView, FloodView, PersonItem, Picture, ShiftView, SightingView, StatusView},
};
use axum::body::Bytes;
use serde::Serialize;
use skypicket_model::{Danger, PersonId, ProtectedId, Reader, Role, Time, UnitId, may_see};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};
use tokio::sync::mpsc;

/// Events that wait in one stream before its client is cut off.
const QUEUE: usize = 256;
/// Most streams of one person: a console, a phone, the office and some that are not yet known to be gone. One more
/// closes the oldest.
const STREAMS: usize = 16;
/// Durable events kept for streams that resume.
const RING: usize = 2_048;
/// Rows of people that those events may hold in all (about 250 bytes each): a warning to 10,000 holds 10,000.
const RING_ROWS: usize = 100_000;
/// Bytes that wait in one stream before its client is cut off: some seconds of a sky full of tracks.
const QUEUE_BYTES: usize = 32 << 20;
/// Pages that are sent something at once; what goes to more goes to them a little later.
pub const AT_ONCE: usize = 500;
/// Slices into which what goes to everybody is cut.
pub const SLICES: u64 = 20;
/// A phone's status that says nothing new goes out each so many rounds.
const QUIET_ROUNDS: u64 = 6;

/// What a reader's roles let them be sent.
#[allow(clippy::struct_excessive_bools)] // an answer to each question
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
    /// That the directory changed, and who is on duty.
    pub directory: bool,
}

impl Sees {
    /// By roles.
    pub fn of(roles: &BTreeSet<Role>) -> Self {
        // Notices, sightings and dangers go to the same roles; a test holds that their rows of the table agree.
        Self {
            all: Event::Notice.whole(roles),
            people: Event::Person.whole(roles),
            tracks: Event::Tracks.whole(roles),
            led: roles.contains(&Role::Supervisor),
            directory: Event::Directory.whole(roles),
        }
    }

    /// Something of what goes to whole roles.
    fn wide(self) -> bool {
        self.all || self.people || self.tracks || self.directory
    }
}

/// Something that happened, for whoever may see it.
#[derive(Debug, Clone)]
pub enum Happened {
    /// A notice or who has it changed; and whether it goes out before it is durable.
    Notice(Arc<News>, bool),
    /// A sighting changed.
    Sighting(SightingView),
    /// A person's position or channels changed.
    Person(PersonItem),
    /// Agencies, units, people or rosters changed.
    Directory,
    /// Who has an alarm in hand changed.
    Alarm(AlarmView),
    /// One watch officer took over from another.
    Shift(ShiftView),
    /// A flood of alarms began or ended.
    Flood(FloodView),
    /// A bulletin was proposed, decided about, or is over.
    Bulletin(Box<BulletinView>),
    /// An intelligence report changed.
    Report(ReportNews),
}

/// A stream's frames in order, ready for the socket: what it missed, then what happens.
pub struct Frames {
    missed: VecDeque<Bytes>,
    queue: mpsc::Receiver<Bytes>,
    /// Bytes in the queue.
    waiting: Arc<AtomicUsize>,
}

impl Frames {
    /// The next, when there is one; nothing after the end.
    pub async fn recv(&mut self) -> Option<Bytes> {
        match self.missed.pop_front() {
            Some(f) => Some(f),
            None => self.queue.recv().await.map(|f| self.out(f)),
        }
    }

    fn out(&self, f: Bytes) -> Bytes {
        self.waiting.fetch_sub(f.len(), Ordering::Relaxed);
        f
    }

    /// The next, if it is there already.
    pub fn try_recv(&mut self) -> Result<Bytes, mpsc::error::TryRecvError> {
        match self.missed.pop_front() {
            Some(f) => Ok(f),
            None => self.queue.try_recv().map(|f| self.out(f)),
        }
    }

    /// Nothing more will be put in.
    #[cfg(test)]
    fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }
}

/// A stream's end for the HTTP side.
pub struct Subscription {
    /// Frames in order, ready for the socket.
    pub frames: Frames,
    /// Its number, for [`Hub::leave`].
    pub number: u64,
    /// It is the person's first open stream.
    pub first: bool,
}

/// One open stream.
struct Stream {
    number: u64,
    reader: Reader,
    unit: UnitId,
    sees: Sees,
    /// Nothing when it was ended; its HTTP side leaves when it has noticed.
    queue: Mutex<Option<mpsc::Sender<Bytes>>>,
    /// Bytes in it.
    waiting: Arc<AtomicUsize>,
    /// Id of the session that it was opened with.
    session: Mutex<String>,
    /// The [`Inner::news`] of the status that it has.
    status: AtomicU64,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Put {
    Taken,
    /// Its client does not read.
    Full,
    /// It ended, or is about to.
    Gone,
}

impl Stream {
    fn put(&self, bytes: Bytes) -> Put {
        let queue = locked(&self.queue);
        let Some(queue) = queue.as_ref() else { return Put::Gone };
        // One that is longer than the bound goes when nothing else waits.
        let n = bytes.len();
        let before = self.waiting.fetch_add(n, Ordering::Relaxed);
        let put = if before > 0 && before + n > QUEUE_BYTES {
            Put::Full
        } else {
            match queue.try_send(bytes) {
                Ok(()) => return Put::Taken,
                Err(mpsc::error::TrySendError::Full(_)) => Put::Full,
                Err(mpsc::error::TrySendError::Closed(_)) => Put::Gone,
            }
        };
        self.waiting.fetch_sub(n, Ordering::Relaxed);
        put
    }

    fn is_open(&self) -> bool {
        locked(&self.queue).as_ref().is_some_and(|q| !q.is_closed())
    }

    /// Ends it; whether it was open.
    fn end(&self) -> bool {
        locked(&self.queue).take().is_some_and(|q| !q.is_closed())
    }
}

fn locked<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Inner {
    streams: BTreeMap<u64, Arc<Stream>>,
    by_person: BTreeMap<PersonId, BTreeSet<u64>>,
    by_unit: BTreeMap<UnitId, BTreeSet<u64>>,
    /// Those that are sent what goes to whole roles.
    wide: BTreeSet<u64>,
    /// Those whose page may still show a danger: they had one at the last picture, or are new.
    in_danger: BTreeSet<u64>,
    /// What waits for [`Hub::pace`].
    paced: VecDeque<(Arc<Stream>, Bytes)>,
    ring: VecDeque<(u64, Arc<Happened>)>,
    /// Rows of people in the ring.
    ring_rows: usize,
    /// Events up to this index may be missing from the ring.
    forgotten: u64,
    /// The newest index that was sent.
    newest: u64,
    next: u64,
    cut_off: u64,
    /// Whose rights changed, and the newest index sent then: a stream that resumes after an older one starts anew.
    renewed: BTreeMap<PersonId, u64>,
    /// What the last status said, and how often that changed.
    said: Option<StatusView>,
    news: u64,
}

/// The open event streams.
#[derive(Default)]
pub struct Hub {
    inner: Mutex<Inner>,
}

/// One server-sent event as bytes (WHATWG HTML, section 9.2).
pub fn frame(event: Event, id: Option<u64>, data: &impl Serialize) -> Bytes {
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(event.name().as_bytes());
    let mut head = String::new();
    if let Some(id) = id {
        let _ = write!(head, "\nid: {id}");
    }
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    let from = out.len();
    if serde_json::to_writer(&mut out, data).is_err() {
        out.truncate(from);
        out.extend_from_slice(b"null");
    }
    out.extend_from_slice(b"\n\n");
    Bytes::from(out)
}

impl Happened {
    /// Whether its marking lets a reader see it at all.
    fn released_to(&self, reader: &Reader) -> bool {
        match self {
            Self::Notice(v, _) => may_see(reader, &v.notice.marking),
            Self::Sighting(v) => may_see(reader, &v.state.sighting.marking),
            Self::Alarm(v) => may_see(reader, &v.marking),
            Self::Bulletin(v) => may_see(reader, &v.state.content.marking),
            Self::Report(v) => v.to(reader).is_some(),
            Self::Person(_) | Self::Directory | Self::Shift(_) | Self::Flood(_) => true,
        }
    }

    /// As this reader gets it: nothing that its marking, their roles or their place on no list keep from them. One text
    /// serves all readers of a kind.
    fn frame_for(&self, index: u64, s: &Stream, made: &mut Made) -> Option<Bytes> {
        let (reader, sees) = (&s.reader, s.sees);
        if !self.released_to(reader) {
            return None;
        }
        let person = &reader.person;
        let index = Some(index);
        match self {
            Self::Notice(v, unrecorded) => {
                if sees.all && v.quiet {
                    return None;
                }
                if sees.all {
                    let kind = v.kind(person);
                    let beside = v.beside(person);
                    if beside.is_some() {
                        return Some(frame(Event::Notice, index, &v.whole(kind, beside, *unrecorded)));
                    }
                    let whole = made.whole.entry(kind);
                    return Some(
                        whole.or_insert_with(|| frame(Event::Notice, index, &v.whole(kind, None, *unrecorded))).clone(),
                    );
                }
                // Their own part is theirs alone; a second page of theirs gets the same.
                match &made.part {
                    Some((of, bytes)) if of == person => Some(bytes.clone()),
                    _ => {
                        let bytes = frame(Event::Notice, index, &v.part(person, *unrecorded)?);
                        made.part = Some((person.clone(), bytes.clone()));
                        Some(bytes)
                    }
                }
            }
            Self::Sighting(v) => {
                may_see_sighting(v, person, sees).then(|| made.one(|| frame(Event::Sighting, index, v)))
            }
            Self::Person(p) => (sees.people || p.id == *person || sees.led && p.leaders.contains(person))
                .then(|| made.one(|| frame(Event::Person, index, p))),
            Self::Directory => sees
                .directory
                .then(|| made.one(|| frame(Event::Directory, index, &serde_json::json!({"entry": index})))),
            // What the desks have in hand is the centre's own business.
            Self::Alarm(v) => sees.all.then(|| made.one(|| frame(Event::Alarm, index, v))),
            Self::Shift(v) => sees.all.then(|| made.one(|| frame(Event::Shift, index, v))),
            Self::Flood(v) => sees.all.then(|| made.one(|| frame(Event::Flood, index, v))),
            // What one may do about a bulletin is each reader's own.
            Self::Bulletin(v) => Some(frame(Event::Bulletin, index, &v.for_reader(reader)?)),
            Self::Report(v) => Some(frame(Event::Intelligence, index, &v.to(reader)?)),
        }
    }

    /// People to whom it may go, beside whole roles.
    fn people(&self) -> Vec<&PersonId> {
        match self {
            Self::Notice(v, _) => v.own.keys().collect(),
            Self::Sighting(v) => std::iter::once(&v.state.sighting.reporter).chain(&v.state.leaders).collect(),
            Self::Person(p) => std::iter::once(&p.id).chain(&p.leaders).collect(),
            Self::Directory
            | Self::Alarm(_)
            | Self::Shift(_)
            | Self::Flood(_)
            | Self::Bulletin(_)
            | Self::Report(_) => Vec::new(),
        }
    }

    /// Rows of people that it holds.
    fn rows(&self) -> usize {
        match self {
            Self::Notice(v, _) => v.weight(),
            _ => 0,
        }
    }
}

/// Texts of one event that were made already.
#[derive(Default)]
struct Made {
    whole: BTreeMap<Kind, Bytes>,
    part: Option<(PersonId, Bytes)>,
    one: Option<Bytes>,
}

impl Made {
    /// The same to all who may see it.
    fn one(&mut self, make: impl FnOnce() -> Bytes) -> Bytes {
        self.one.get_or_insert_with(make).clone()
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
        locked(&self.inner)
    }

    /// Returns when the table of streams can be used; not where something holds it for ever.
    pub fn answers(&self) {
        drop(self.lock());
    }

    /// Opens a stream. With `after`, what happened since that entry comes first, or a `reset` when it is no longer
    /// known.
    pub fn join(&self, (reader, unit): (Reader, UnitId), sees: Sees, after: Option<u64>, hello: Bytes) -> Subscription {
        let (queue, frames) = mpsc::channel(QUEUE);
        let mut inner = self.lock();
        let missed = after.map(|after| inner.missed(after, &reader.person));
        inner.next += 1;
        let number = inner.next;
        let oldest = inner.by_person.get(&reader.person).filter(|mine| mine.len() >= STREAMS);
        if let Some(oldest) = oldest.and_then(|mine| mine.first().copied()) {
            inner.cut(&[oldest]);
            // It stays in the table until its end has noticed; it no longer counts.
            if let Some(mine) = inner.by_person.get_mut(&reader.person) {
                mine.remove(&oldest);
            }
        }
        let mine = inner.by_person.entry(reader.person.clone()).or_default();
        let first = mine.is_empty();
        mine.insert(number);
        inner.by_unit.entry(unit.clone()).or_default().insert(number);
        if sees.wide() {
            inner.wide.insert(number);
        }
        inner.in_danger.insert(number);
        let waiting = Arc::new(AtomicUsize::new(0));
        let stream = Arc::new(Stream {
            number,
            waiting: Arc::clone(&waiting),
            reader,
            unit,
            sees,
            queue: Mutex::new(Some(queue)),
            session: Mutex::default(),
            status: AtomicU64::new(0),
        });
        inner.streams.insert(number, Arc::clone(&stream));
        drop(inner);
        // What happens from here on waits in the queue behind these.
        let mut first_frames = VecDeque::from([hello]);
        let reset = || frame(Event::Reset, None, &serde_json::json!({}));
        match missed {
            None => {}
            Some(None) => first_frames.push_back(reset()),
            Some(Some(missed)) => {
                let made = missed.iter().filter_map(|(i, h)| h.frame_for(*i, &stream, &mut Made::default()));
                first_frames.extend(made.take(QUEUE));
                if first_frames.len() > QUEUE {
                    first_frames.truncate(1);
                    first_frames.push_back(reset());
                }
            }
        }
        Subscription { frames: Frames { missed: first_frames, queue: frames, waiting }, number, first }
    }

    /// Says with which session a stream was opened: it ends with it.
    pub fn of_session(&self, number: u64, session: &str) {
        if let Some(s) = self.lock().streams.get(&number) {
            session.clone_into(&mut locked(&s.session));
        }
    }

    /// Ends the streams of these sessions; how many.
    pub fn end_sessions(&self, sessions: &BTreeSet<String>) -> usize {
        self.end(|s| sessions.contains(&*locked(&s.session)))
    }

    /// Ends a person's streams; how many.
    pub fn end_person(&self, person: &PersonId) -> usize {
        self.end(|s| s.reader.person == *person)
    }

    /// Ends one stream.
    pub fn end_one(&self, number: u64) {
        if let Some(s) = self.lock().streams.get(&number) {
            s.end();
        }
    }

    /// Sessions with an open stream.
    pub fn sessions(&self) -> BTreeSet<String> {
        self.lock().streams.values().filter(|s| s.is_open()).map(|s| locked(&s.session).clone()).collect()
    }

    fn end(&self, which: impl Fn(&Stream) -> bool) -> usize {
        self.lock().streams.values().filter(|s| which(s) && s.end()).count()
    }

    /// Closes a stream; the person when it was their last.
    pub fn leave(&self, number: u64) -> Option<PersonId> {
        self.lock().remove(number)
    }

    /// Sends `happened` to all who may see it, and keeps it for those who resume. Says whose pages took it, of the
    /// people named in it.
    pub fn publish(&self, index: u64, happened: Happened) -> BTreeSet<PersonId> {
        let happened = Arc::new(happened);
        let to = {
            let mut inner = self.lock();
            inner.newest = inner.newest.max(index);
            inner.keep(index, Arc::clone(&happened));
            inner.interested(&happened)
        };
        let mut made = Made::default();
        let mut full = Vec::new();
        let mut taken = BTreeSet::new();
        for s in to {
            let Some(bytes) = happened.frame_for(index, &s, &mut made) else { continue };
            match s.put(bytes) {
                Put::Taken => drop(taken.insert(s.reader.person.clone())),
                Put::Full => full.push(s.number),
                Put::Gone => {}
            }
        }
        self.cut(&full);
        taken
    }

    /// Sends what is nobody else's business to a person's own pages, as far as what they were opened with lets them see it.
    /// It has no place in the log: whoever missed it reads it.
    pub fn to_person(&self, person: &PersonId, bytes: &Bytes, released: impl Fn(&Reader) -> bool) {
        let to: Vec<Arc<Stream>> = {
            let inner = self.lock();
            let numbers = inner.by_person.get(person).into_iter().flatten();
            numbers.filter_map(|n| inner.streams.get(n)).map(Arc::clone).collect()
        };
        let mut full = Vec::new();
        for s in to.iter().filter(|s| released(&s.reader)) {
            if s.put(bytes.clone()) == Put::Full {
                full.push(s.number);
            }
        }
        self.cut(&full);
    }

    /// The directory changed: whoever may no longer be here, or may something else now, is cut off; their page comes back
    /// as whoever they are then.
    pub fn renew(&self, who: impl Fn(&PersonId) -> Option<(Reader, UnitId)>) {
        let mut inner = self.lock();
        let mut whose = BTreeSet::new();
        for s in inner.streams.values() {
            if who(&s.reader.person).is_none_or(|(reader, unit)| reader != s.reader || unit != s.unit) {
                s.end();
                whose.insert(s.reader.person.clone());
            }
        }
        let newest = inner.newest;
        inner.renewed.retain(|p, _| who(p).is_some());
        inner.renewed.extend(whose.into_iter().map(|p| (p, newest)));
    }

    /// Sends dangers to those in danger, and once more to those who were; the centre's pages get them by
    /// [`Hub::picture_whole`]. Where they are many, not to all at once: says whether some wait for [`Hub::pace`].
    pub fn picture(&self, picture: &Picture) -> bool {
        let mut to_people: BTreeMap<&PersonId, Vec<&Danger>> = BTreeMap::new();
        let mut to_units: BTreeMap<&UnitId, Vec<&Danger>> = BTreeMap::new();
        for d in &picture.dangers {
            match &d.protected {
                ProtectedId::Person(p) => to_people.entry(p).or_default().push(d),
                ProtectedId::Site(s) => {
                    if let Some(unit) = picture.sites.get(s) {
                        to_units.entry(unit).or_default().push(d);
                    }
                }
            }
        }
        let to: Vec<Arc<Stream>> = {
            let mut inner = self.lock();
            let people = to_people.keys().filter_map(|p| inner.by_person.get(*p));
            let units = to_units.keys().filter_map(|u| inner.by_unit.get(*u));
            let now: BTreeSet<u64> = people.chain(units).flatten().copied().collect();
            // Who still waits for the picture before gets this one instead.
            let mut before = std::mem::take(&mut inner.in_danger);
            before.extend(inner.paced.drain(..).map(|(s, _)| s.number));
            before.extend(&now);
            inner.in_danger = now;
            before.iter().filter_map(|n| inner.streams.get(n)).filter(|s| !s.sees.all).map(Arc::clone).collect()
        };
        let none = frame(Event::Dangers, None, &serde_json::json!({"items": []}));
        let mut by_unit: BTreeMap<&UnitId, Bytes> = BTreeMap::new();
        let mut frames = to.into_iter().map(|s| {
            let unit = to_units.get_key_value(&s.unit);
            let bytes = match (to_people.get(&s.reader.person), unit) {
                (None, None) => none.clone(),
                (None, Some((unit, dangers))) => by_unit
                    .entry(unit)
                    .or_insert_with(|| frame(Event::Dangers, None, &serde_json::json!({"items": dangers})))
                    .clone(),
                (Some(_), _) => {
                    let own = picture.dangers_for(&s.reader.person, &s.unit, false);
                    frame(Event::Dangers, None, &serde_json::json!({"items": own}))
                }
            };
            (s, bytes)
        });
        let first: Vec<_> = frames.by_ref().take(AT_ONCE).collect();
        let rest: VecDeque<_> = frames.collect();
        self.put_all(first);
        let waits = !rest.is_empty();
        self.lock().paced = rest;
        waits
    }

    /// Sends what waits to the next [`AT_ONCE`] pages; whether some still wait.
    pub fn pace(&self) -> bool {
        let (some, waits) = {
            let mut inner = self.lock();
            let n = inner.paced.len().min(AT_ONCE);
            let some: Vec<_> = inner.paced.drain(..n).collect();
            (some, !inner.paced.is_empty())
        };
        self.put_all(some);
        waits
    }

    fn put_all(&self, frames: Vec<(Arc<Stream>, Bytes)>) {
        let full: Vec<u64> =
            frames.into_iter().filter_map(|(s, bytes)| (s.put(bytes) == Put::Full).then_some(s.number)).collect();
        self.cut(&full);
    }

    /// Sends the whole sky: tracks to those who may see them, every danger to the centre.
    pub fn picture_whole(&self, picture: &Picture) {
        let wide: Vec<Arc<Stream>> = {
            let inner = self.lock();
            inner.wide.iter().filter_map(|n| inner.streams.get(n)).map(Arc::clone).collect()
        };
        let (mut tracks, mut dangers) = (None, None);
        let mut frames = Vec::new();
        for s in wide {
            if s.sees.tracks {
                let f = tracks.get_or_insert_with(|| frame(Event::Tracks, None, &picture.tracks_event()));
                frames.push((Arc::clone(&s), f.clone()));
            }
            if s.sees.all {
                let f = dangers
                    .get_or_insert_with(|| frame(Event::Dangers, None, &serde_json::json!({"items": picture.dangers})));
                frames.push((s, f.clone()));
            }
        }
        self.put_all(frames);
    }

    /// Sends the same to everybody.
    #[cfg(test)]
    fn everybody(&self, bytes: &Bytes) {
        for slice in 0..SLICES {
            self.to_slice(slice, |_| Some(bytes.clone()));
        }
    }

    /// Sends to one slice of all streams.
    fn to_slice(&self, slice: u64, what: impl Fn(&Stream) -> Option<Bytes>) {
        let to: Vec<Arc<Stream>> = {
            let inner = self.lock();
            inner.streams.values().filter(|s| s.number % SLICES == slice).map(Arc::clone).collect()
        };
        let full: Vec<u64> =
            to.iter().filter(|s| what(s).is_some_and(|bytes| s.put(bytes) == Put::Full)).map(|s| s.number).collect();
        self.cut(&full);
    }

    /// Sends a status to all at once, since what it says must be known; who is on duty goes only to those who may see
    /// people.
    pub fn status(&self, status: &StatusView) {
        for slice in 0..SLICES {
            self.status_to(slice, None, status);
        }
    }

    /// Sends a status to one slice, in the `round`th round. A phone whose status says nothing new gets it only each
    /// [`QUIET_ROUNDS`]; that the centre is there, its heartbeats tell.
    pub fn status_to(&self, slice: u64, round: Option<u64>, status: &StatusView) {
        let whole = frame(Event::Status, None, status);
        let bare = frame(Event::Status, None, &status.without_duty());
        let news = self.lock().news_of(status);
        self.to_slice(slice, |s| {
            let known = s.status.swap(news, Ordering::Relaxed) == news;
            let quiet = round.is_some_and(|r| known && !s.sees.wide() && r % QUIET_ROUNDS != s.number % QUIET_ROUNDS);
            let bytes = if s.sees.directory { &whole } else { &bare };
            (!quiet).then(|| bytes.clone())
        });
    }

    /// Sends a heartbeat to one slice.
    pub fn beat(&self, slice: u64, now: Time) {
        let bytes = frame(Event::Heartbeat, None, &serde_json::json!({"now": now}));
        self.to_slice(slice, |_| Some(bytes.clone()));
    }

    /// Sends a heartbeat to everybody.
    #[cfg(test)]
    fn heartbeat(&self, now: Time) {
        self.everybody(&frame(Event::Heartbeat, None, &serde_json::json!({"now": now})));
    }

    /// People with an open stream.
    pub fn present(&self) -> BTreeSet<PersonId> {
        self.lock().by_person.keys().cloned().collect()
    }

    /// Whether a person has an open stream.
    pub fn here(&self, person: &PersonId) -> bool {
        self.lock().by_person.contains_key(person)
    }

    /// Open streams, and how many were cut off since the start.
    pub fn counts(&self) -> (usize, u64) {
        let inner = self.lock();
        (inner.streams.len(), inner.cut_off)
    }

    fn cut(&self, full: &[u64]) {
        if !full.is_empty() {
            self.lock().cut(full);
        }
    }

    /// Ends every stream (shut-down); each is told `bye`, so that a page knows it from a broken line.
    pub fn close(&self) {
        let bye = frame(Event::Bye, None, &serde_json::json!({"why": "closing"}));
        let mut inner = self.lock();
        for s in inner.streams.values() {
            // A queue that is full ends without it.
            s.put(bye.clone());
            s.end();
        }
        inner.streams.clear();
        inner.by_person.clear();
        inner.by_unit.clear();
        inner.wide.clear();
        inner.in_danger.clear();
        inner.paced.clear();
    }
}

impl Inner {
    fn remove(&mut self, number: u64) -> Option<PersonId> {
        let stream = self.streams.remove(&number)?;
        self.wide.remove(&number);
        self.in_danger.remove(&number);
        if let Some(unit) = self.by_unit.get_mut(&stream.unit) {
            unit.remove(&number);
            if unit.is_empty() {
                self.by_unit.remove(&stream.unit);
            }
        }
        let person = stream.reader.person.clone();
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
    fn cut(&mut self, numbers: &[u64]) {
        // One that was cut off, or went away by itself, stays listed until the HTTP side has noticed: counted once.
        let cut = numbers.iter().filter(|n| self.streams.get(n).is_some_and(|s| s.end())).count();
        self.cut_off += cut as u64;
    }

    /// What happened after an index, as a stream of this person must be told; nothing when that is no longer known.
    fn missed(&self, after: u64, person: &PersonId) -> Option<Vec<(u64, Arc<Happened>)>> {
        let other_rights = self.renewed.get(person).is_some_and(|since| after <= *since);
        if other_rights || after < self.forgotten || after > self.newest {
            return None;
        }
        Some(self.ring.iter().filter(|(i, _)| *i > after).map(|(i, h)| (*i, Arc::clone(h))).collect())
    }

    /// Keeps what happened for those who resume.
    fn keep(&mut self, index: u64, happened: Arc<Happened>) {
        self.ring_rows += happened.rows();
        self.ring.push_back((index, happened));
        while self.ring.len() > RING || self.ring_rows > RING_ROWS {
            let Some((i, old)) = self.ring.pop_front() else { break };
            self.ring_rows -= old.rows();
            self.forgotten = i;
        }
    }

    /// The streams that it may go to.
    fn interested(&self, happened: &Happened) -> Vec<Arc<Stream>> {
        // Who may know of a bulletin or an intelligence report depends on more than roles; they are rare events.
        if matches!(happened, Happened::Bulletin(_) | Happened::Report(_)) {
            return self.streams.values().map(Arc::clone).collect();
        }
        let theirs = happened.people().into_iter().filter_map(|p| self.by_person.get(p)).flatten();
        let narrow = theirs.filter(|n| !self.wide.contains(n));
        self.wide.iter().chain(narrow).filter_map(|n| self.streams.get(n)).map(Arc::clone).collect()
    }

    /// The number of this status among those that said something new.
    fn news_of(&mut self, status: &StatusView) -> u64 {
        let old = self.said.as_ref();
        let same = old.is_some_and(|o| {
            (&o.exercise, o.record.state, o.record.unrecorded, &o.on_watch, &o.on_duty, &o.warnings)
                == (
                    &status.exercise,
                    status.record.state,
                    status.record.unrecorded,
                    &status.on_watch,
                    &status.on_duty,
                    &status.warnings,
                )
        });
        if !same {
            self.said = Some(status.clone());
            self.news += 1;
        }
        self.news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{news::Own, views::RecipientRow};
    use skypicket_dispatch::Counts;
    use skypicket_model::{
        AgencyId, LatLon, Level, Marking, Notice, NoticeId, NoticeState, ProtectedId, Reached, Tlp, TrackId,
        delivery::Rule, notice::NoticeFacts, people::Language,
    };

    fn reader(person: &str, agency: &str, role: Role) -> Reader {
        Reader { person: PersonId::new(person).unwrap(), agency: AgencyId::new(agency).unwrap(), roles: [role].into() }
    }

    fn notice(marking: Marking) -> Happened {
        Happened::Notice(Arc::new(news(marking, &[])), false)
    }

    fn row(person: &PersonId) -> RecipientRow {
        RecipientRow {
            person: person.clone(),
            name: person.to_string(),
            rule: Rule::InDanger,
            reached: Reached::Queued,
            channel: None,
            acknowledged_at: None,
            owes: true,
            escalated_to: None,
            silent: false,
            trouble: None,
            may_repeat: false,
            language: Language::En,
            reminder: 0,
            done: Vec::new(),
        }
    }

    /// Of a notice; the rows of these people changed.
    fn news(marking: Marking, changed: &[&str]) -> News {
        let people = changed.iter().map(|p| PersonId::new(p).unwrap());
        let own: BTreeMap<PersonId, Own> =
            people.map(|p| (p.clone(), Own { rows: vec![row(&p)], more: false })).collect();
        let notice = Notice {
            id: NoticeId(uuid::Uuid::from_u128(1)),
            version: 1,
            state: NoticeState::Raised,
            level: Level::Urgent,
            at: Time::default(),
            needs_ack: true,
            marking,
            exercise: None,
            code: "1234".into(),
            text: String::new(),
            text_es: String::new(),
            expires_at: None,
            about: skypicket_model::About::Warning(skypicket_model::Warning {
                track: TrackId(uuid::Uuid::from_u128(2)),
                protected: ProtectedId::Person(PersonId::new("p").unwrap()),
                protected_name: "P".into(),
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
            }),
        };
        let rows = own.values().flat_map(|o| o.rows.clone()).collect();
        let issuers = crate::views::Issuers::default();
        News { notice, issuers, counts: Counts::default(), quiet: false, rows, more: false, own }
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
            since: None,
            disabled: false,
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
                (role, hub.join((r, UnitId::new("v").unwrap()), sees, None, frame(Event::Hello, None, &())))
            })
            .collect();
        hub.publish(5, Happened::Person(item));
        for (role, s) in &mut streams {
            let got = std::iter::from_fn(|| s.frames.try_recv().ok()).any(|f| f.starts_with(b"event: person"));
            assert_eq!(got, matches!(role, Role::Watch | Role::Auditor), "{role:?}");
        }
    }

    fn directory(role: Option<Role>) -> skypicket_model::Directory {
        let agency = skypicket_model::Agency { id: AgencyId::new("own").unwrap(), name: "Own".into() };
        let unit = skypicket_model::Unit {
            id: UnitId::new("u").unwrap(),
            name: "U".into(),
            agency: agency.id.clone(),
            leadership: Vec::new(),
        };
        let mut d = skypicket_model::Directory::default();
        if let Some(role) = role {
            let person = skypicket_model::Person {
                id: PersonId::new("p").unwrap(),
                name: "P".into(),
                unit: unit.id.clone(),
                roles: [role].into(),
                channels: Vec::new(),
                addresses: skypicket_model::people::Addresses::default(),
                subscriptions: Vec::new(),
                tak_uid: None,
                language: skypicket_model::people::Language::En,
                disabled: false,
            };
            d.people.insert(person.id.clone(), person);
        }
        d.agencies.insert(agency.id.clone(), agency);
        d.units.insert(unit.id.clone(), unit);
        d
    }

    #[test]
    fn a_stream_ends_when_its_persons_rights_change_and_one_that_resumes_with_others_starts_anew() {
        let join = |hub: &Hub, role: Role, after: Option<u64>| {
            let r = reader("p", "own", role);
            let sees = Sees::of(&r.roles);
            hub.join((r, UnitId::new("u").unwrap()), sees, after, frame(Event::Hello, None, &()))
        };
        let ended = |s: &mut Subscription| {
            while s.frames.try_recv().is_ok() {}
            s.frames.is_closed() || matches!(s.frames.try_recv(), Err(mpsc::error::TryRecvError::Disconnected))
        };
        for (before, after, ends) in [
            (Role::Watch, Some(Role::Watch), false),
            (Role::Watch, Some(Role::Field), true),
            (Role::Field, Some(Role::Watch), true),
            (Role::Watch, None, true),
        ] {
            let hub = Hub::new(1);
            let mut s = join(&hub, before, None);
            hub.publish(5, notice(Marking::default()));
            let d = directory(after);
            hub.renew(|p| Some((d.reader(p)?, d.people.get(p)?.unit.clone())));
            assert_eq!(ended(&mut s), ends, "{before:?} to {after:?}");
            let mut again = join(&hub, after.unwrap_or(before), Some(5));
            let reset = std::iter::from_fn(|| again.frames.try_recv().ok()).any(|f| f.starts_with(b"event: reset"));
            assert_eq!(reset, ends, "{before:?} to {after:?}");
        }
    }

    #[test]
    fn a_stream_ends_with_its_session_and_no_other_does() {
        let hub = Hub::new(1);
        let mut streams: Vec<Subscription> = ["a", "b"]
            .into_iter()
            .map(|session| {
                let r = reader("p", "own", Role::Watch);
                let sees = Sees::of(&r.roles);
                let s = hub.join((r, UnitId::new("u").unwrap()), sees, None, frame(Event::Hello, None, &()));
                hub.of_session(s.number, session);
                s
            })
            .collect();
        assert_eq!(hub.end_sessions(&["a".to_owned()].into()), 1);
        assert_eq!(hub.end_sessions(&["a".to_owned()].into()), 0, "once");
        hub.heartbeat(Time::default());
        let got: Vec<usize> =
            streams.iter_mut().map(|s| std::iter::from_fn(|| s.frames.try_recv().ok()).count()).collect();
        assert_eq!(got, [1, 2], "the other goes on");
        assert_eq!(hub.counts().1, 0, "ending on purpose is not being cut off");
    }

    #[test]
    fn a_marking_is_checked_again_at_each_send() {
        let hub = Hub::new(1);
        let unit = || UnitId::new("u").unwrap();
        let watch = |agency: &str| {
            let r = reader(&format!("watch-{agency}"), agency, Role::Watch);
            let sees = Sees::of(&r.roles);
            hub.join((r, unit()), sees, None, frame(Event::Hello, None, &()))
        };
        let (mut own, mut other) = (watch("own"), watch("other"));
        let amber = Marking { tlp: Tlp::Amber, owner: Some(AgencyId::new("own").unwrap()), ..Marking::default() };
        hub.publish(5, notice(amber));
        hub.publish(6, notice(Marking::default()));
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
        let mut late = hub.join((r, unit()), sees, Some(4), frame(Event::Hello, None, &()));
        assert_eq!(got(&mut late), [false]);
    }

    fn field(hub: &Hub, person: &str, after: Option<u64>) -> Subscription {
        let r = reader(person, "own", Role::Field);
        let sees = Sees::of(&r.roles);
        hub.join((r, UnitId::new("u").unwrap()), sees, after, frame(Event::Hello, None, &()))
    }

    fn watch(hub: &Hub, person: &str) -> Subscription {
        let r = reader(person, "own", Role::Watch);
        let sees = Sees::of(&r.roles);
        hub.join((r, UnitId::new("u").unwrap()), sees, None, frame(Event::Hello, None, &()))
    }

    /// What came of one name, as JSON.
    fn came(s: &mut Subscription, name: &str) -> Vec<serde_json::Value> {
        let head = format!("event: {name}\n");
        std::iter::from_fn(|| s.frames.try_recv().ok())
            .map(|f| String::from_utf8(f.to_vec()).unwrap())
            .filter(|f| f.starts_with(&head))
            .map(|f| serde_json::from_str(f.split("data: ").nth(1).unwrap().trim_end()).unwrap())
            .collect()
    }

    fn changed(hub: &Hub, index: u64, people: &[&str]) -> BTreeSet<PersonId> {
        hub.publish(index, Happened::Notice(Arc::new(news(Marking::default(), people)), false))
    }

    #[test]
    fn a_phone_hears_of_its_own_row_only_and_of_nothing_that_is_others() {
        let hub = Hub::new(1);
        let (mut a, mut b, mut centre) = (field(&hub, "a", None), field(&hub, "b", None), watch(&hub, "w"));
        let took = changed(&hub, 5, &["a", "away"]);
        assert!(took.contains(&PersonId::new("a").unwrap()) && !took.contains(&PersonId::new("away").unwrap()));
        let own = came(&mut a, "notice");
        assert_eq!(own.len(), 1);
        assert_eq!((own[0]["mine"].as_bool(), own[0]["owes"].as_bool()), (Some(true), Some(true)));
        assert_eq!(own[0]["recipients"].as_array().unwrap().len(), 1, "others' rows are not theirs to see");
        assert!(own[0]["counts"].is_null());
        assert!(came(&mut b, "notice").is_empty());
        let whole = came(&mut centre, "notice");
        assert_eq!((whole.len(), whole[0]["recipients"].as_array().unwrap().len()), (1, 2));
        assert_eq!(whole[0]["mine"], false);
    }

    #[test]
    fn a_watch_officer_on_a_long_list_finds_their_own_row_in_every_event() {
        let hub = Hub::new(1);
        let (mut on, mut off) = (watch(&hub, "w1"), watch(&hub, "w2"));
        let mut long = news(Marking::default(), &["a", "b", "w1"]);
        long.rows.truncate(2);
        hub.publish(5, Happened::Notice(Arc::new(long), false));
        let who = |s: &mut Subscription| -> Vec<String> {
            let v = came(s, "notice").remove(0);
            v["recipients"].as_array().unwrap().iter().map(|r| r["person"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(
            (who(&mut on), who(&mut off)),
            (vec!["a".into(), "b".into(), "w1".into()], vec!["a".into(), "b".into()])
        );
    }

    #[test]
    fn news_that_only_those_must_know_whose_they_are_do_not_go_to_the_centre() {
        let hub = Hub::new(1);
        let (mut a, mut centre) = (field(&hub, "a", None), watch(&hub, "w"));
        let quiet = News { quiet: true, ..news(Marking::default(), &["a"]) };
        let took = hub.publish(5, Happened::Notice(Arc::new(quiet), false));
        assert_eq!(took, [PersonId::new("a").unwrap()].into());
        assert_eq!((came(&mut a, "notice").len(), came(&mut centre, "notice").len()), (1, 0));
    }

    #[test]
    fn who_resumes_gets_every_own_event_that_was_missed_once_and_nobody_elses() {
        let hub = Hub::new(1);
        drop(field(&hub, "a", None));
        for index in 5..25 {
            changed(&hub, index, &[if index % 2 == 0 { "a" } else { "b" }]);
        }
        let mut again = field(&hub, "a", Some(8));
        changed(&hub, 26, &["a"]);
        assert_eq!(came(&mut again, "notice").len(), 8 + 1, "10, 12 … 24, and what came since");
        let mut late = field(&hub, "a", Some(3));
        assert_eq!(came(&mut late, "notice").len(), 10 + 1);
    }

    #[test]
    fn events_of_long_lists_leave_the_ring_sooner_and_who_missed_one_starts_anew() {
        let hub = Hub::new(1);
        let people: Vec<String> = (0..30_000).map(|k| format!("p{k}")).collect();
        let people: Vec<&str> = people.iter().map(String::as_str).collect();
        for index in 5..9 {
            changed(&hub, index, &people);
        }
        // Each holds 30,000 rows for the centre and 30,000 parts: one fits.
        assert_eq!(hub.lock().ring.len(), 1);
        assert!(hub.lock().ring_rows <= RING_ROWS);
        let resets = |after| came(&mut field(&hub, "p7", Some(after)), "reset").len();
        assert_eq!((resets(6), resets(7), resets(8)), (1, 0, 0));
    }

    #[test]
    fn a_reader_who_does_not_read_is_cut_off_and_costs_nobody() {
        let hub = Hub::new(1);
        let (mut stuck, mut good) = (field(&hub, "stuck", None), field(&hub, "good", None));
        for index in 5..5 + 2 * QUEUE as u64 {
            changed(&hub, index, &["stuck", "good"]);
            assert_eq!(came(&mut good, "notice").len(), 1);
        }
        assert_eq!(hub.counts().1, 1);
        assert!(stuck.frames.is_closed());
        // What was in its queue is there, and then it ends.
        assert_eq!(came(&mut stuck, "notice").len(), QUEUE);
        assert!(matches!(stuck.frames.try_recv(), Err(mpsc::error::TryRecvError::Disconnected)));
    }

    #[test]
    fn a_queue_is_bounded_in_bytes_as_well() {
        let hub = Hub::new(1);
        let mut s = watch(&hub, "w");
        let mega = Bytes::from(vec![b'x'; 1 << 20]);
        let taken = (0..64).filter(|_| hub.lock().streams[&s.number].put(mega.clone()) == Put::Taken).count();
        assert_eq!(taken, QUEUE_BYTES >> 20);
        for _ in 0..4 {
            let _ = s.frames.try_recv();
        }
        assert_eq!(hub.lock().streams[&s.number].put(mega), Put::Taken, "what was read makes room");
    }

    #[test]
    fn dangers_go_to_whom_they_are_to_and_once_more_when_they_are_over() {
        let danger = |to: &str| -> Danger {
            serde_json::from_value(serde_json::json!({
                "track": uuid::Uuid::from_u128(9), "protected": {"person": to}, "distance_m": 1.0, "bearing_deg": 0.0,
                "at": "2026-11-26T12:00:00Z", "cpa_m": 1.0, "cpa_in_s": 0.0, "earliest_s": 0.0,
                "p_within": {"30": 0.1, "60": 0.1, "120": 0.1, "300": 0.1}, "level": "urgent", "reasons": [],
            }))
            .unwrap()
        };
        let hub = Hub::new(1);
        let (mut a, mut b, mut centre) = (field(&hub, "a", None), field(&hub, "b", None), watch(&hub, "w"));
        let paint = |dangers: Vec<Danger>| {
            let p = Picture { dangers, ..Picture::default() };
            hub.picture(&p);
            hub.picture_whole(&p);
        };
        // What the page shows may be of before its stream broke: the first picture says that there is none.
        paint(Vec::new());
        let sizes = |s: &mut Subscription| -> Vec<usize> {
            came(s, "dangers").iter().map(|d| d["items"].as_array().unwrap().len()).collect()
        };
        assert_eq!((sizes(&mut a), sizes(&mut b), sizes(&mut centre)), (vec![0], vec![0], vec![0]));
        paint(vec![danger("a")]);
        paint(vec![danger("a")]);
        paint(Vec::new());
        paint(Vec::new());
        assert_eq!(sizes(&mut a), [1, 1, 0], "to the end, and then no more");
        assert!(sizes(&mut b).is_empty());
        assert_eq!(sizes(&mut centre), [1, 1, 0, 0]);
    }

    #[test]
    fn what_many_get_at_once_is_spread_and_nobody_is_left_out() {
        let hub = Hub::new(1);
        let mut all: Vec<Subscription> = (0..AT_ONCE * 2 + 7).map(|k| field(&hub, &format!("p{k}"), None)).collect();
        assert!(hub.picture(&Picture::default()), "the first picture goes to every new page");
        let got = |all: &mut Vec<Subscription>| all.iter_mut().map(|s| came(s, "dangers").len()).sum::<usize>();
        assert_eq!(got(&mut all), AT_ONCE);
        assert!(hub.pace());
        // The next picture finds some waiting: they get that one.
        assert!(!hub.picture(&Picture::default()));
        assert_eq!(got(&mut all), AT_ONCE + 7);
        assert!(!hub.pace() && !hub.picture(&Picture::default()));
        assert_eq!(got(&mut all), 0);
    }

    #[test]
    fn every_page_hears_each_heartbeat_round_and_a_status_that_says_something_new() {
        let hub = Hub::new(1);
        let mut all: Vec<Subscription> = (0..50).map(|k| field(&hub, &format!("p{k}"), None)).collect();
        for slice in 0..SLICES {
            hub.beat(slice, Time::default());
        }
        assert!(all.iter_mut().all(|s| came(s, "heartbeat").len() == 1));
        let status = |unrecorded| StatusView {
            exercise: None,
            software: "0",
            now: Time::default(),
            started_at: Time::default(),
            record: crate::views::RecordView { state: "ok", unrecorded, entries: 1, checkpoint_at: None },
            on_watch: Vec::new(),
            on_duty: Vec::new(),
            place: crate::config::MapPlace { name: String::new(), lat_deg: 0.0, lon_deg: 0.0, zoom: 1.0 },
            basemap: false,
            warnings: Vec::new(),
        };
        let round = |n: u64, unrecorded| (0..SLICES).for_each(|k| hub.status_to(k, Some(n), &status(unrecorded)));
        let each = |all: &mut Vec<Subscription>| -> BTreeSet<usize> {
            all.iter_mut().map(|s| came(s, "status").len()).collect()
        };
        round(0, false);
        assert_eq!(each(&mut all), [1].into(), "the first is new to everybody");
        (1..=QUIET_ROUNDS).for_each(|n| round(n, false));
        assert_eq!(each(&mut all), [1].into(), "then one in so many rounds");
        round(7, true);
        assert_eq!(each(&mut all), [1].into(), "news go to all");
        hub.status(&status(true));
        assert_eq!(each(&mut all), [1].into(), "and at once when asked");
    }
}
