//! [`Engines`]: the four pure engines as one machine: an input entry in, decisions out.
//!
//! An input is first *absorbed* by all of them (what follows from inputs alone), then they *decide* in one direction,
//! track → warn → dispatch beside desk, and each decision is *applied* before the next engine decides. Recovery reads
//! history: inputs are absorbed, recorded decisions are applied, nothing is decided again.

use serde::{Deserialize, Serialize};
use skypicket_desk::Desk;
use skypicket_dispatch::{Dispatcher, Input as DispatchInput};
use skypicket_model::{
    Act, Body, DeskEvent, Directory, Entry, IdMaker, LogId, Notice, NoticeId, NoticeState, ObservationId, OwnFlight,
    PersonId, Position, SightingId, SourceId, Time, Track, TrackId, Verdict,
    entry::{ActEntry, Configured, Snapshot, Started},
};
use skypicket_track::Tracker;
use skypicket_warn::Warner;
use std::collections::{BTreeMap, BTreeSet};

/// Version of the engines' rules. A result is the same, bit for bit, only within one; raise it with every change of
/// what an engine decides.
pub const ENGINES: u32 = 1;

/// The policies of the engines, as they stand in the configuration and in the record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policies {
    /// Tracker.
    pub track: skypicket_track::Settings,
    /// Danger and warning.
    pub warn: skypicket_warn::Policy,
    /// Delivery and escalation.
    pub dispatch: skypicket_dispatch::Policy,
}

impl Policies {
    /// As recorded: JSON text by engine.
    pub fn to_record(&self) -> anyhow::Result<BTreeMap<String, String>> {
        Ok([
            ("track".to_owned(), serde_json::to_string(&self.track)?),
            ("warn".to_owned(), serde_json::to_string(&self.warn)?),
            ("dispatch".to_owned(), serde_json::to_string(&self.dispatch)?),
        ]
        .into())
    }

    fn from_record(texts: &BTreeMap<String, String>) -> anyhow::Result<Self> {
        fn one<T: for<'a> Deserialize<'a> + Default>(
            texts: &BTreeMap<String, String>,
            name: &str,
        ) -> anyhow::Result<T> {
            texts.get(name).map_or_else(|| Ok(T::default()), |t| Ok(serde_json::from_str(t)?))
        }
        Ok(Self { track: one(texts, "track")?, warn: one(texts, "warn")?, dispatch: one(texts, "dispatch")? })
    }
}

/// The engines and what they share.
#[derive(Serialize, Deserialize)]
pub struct Engines {
    log: LogId,
    exercise: Option<String>,
    directory: Directory,
    policies: Policies,
    own_flights: BTreeMap<String, OwnFlight>,
    positions: BTreeMap<PersonId, Position>,
    tracker: Tracker,
    warner: Warner,
    dispatcher: Dispatcher,
    desk: Desk,
    /// When each track last stood in a `tracks` entry.
    recorded_tracks: BTreeMap<TrackId, Time>,
    /// The newest version of every notice that is open or was cleared within the hour.
    notices: BTreeMap<NoticeId, Notice>,
    /// The tracks that the last input changed: for `replay`, which prints them.
    #[serde(skip)]
    changed: Vec<Track>,
}

/// What absorbing an input left for deciding.
#[derive(Default)]
struct Absorbed {
    tracks: Vec<Track>,
    fed: Option<(SightingId, TrackId)>,
}

impl Engines {
    /// Engines at rest, for a log that begins or continues with `started`.
    pub fn new(started: &Started) -> Self {
        let policies = Policies::default();
        Self {
            log: started.log,
            exercise: started.exercise.clone(),
            directory: Directory::default(),
            own_flights: BTreeMap::new(),
            positions: BTreeMap::new(),
            tracker: Tracker::new(policies.track.clone()),
            warner: Warner::new(policies.warn.clone(), started.exercise.clone()),
            dispatcher: Dispatcher::new(policies.dispatch.clone()),
            desk: Desk::new(),
            policies,
            recorded_tracks: BTreeMap::new(),
            notices: BTreeMap::new(),
            changed: Vec::new(),
        }
    }

    /// Who is who.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }
    /// Where things fly.
    pub fn tracker(&self) -> &Tracker {
        &self.tracker
    }
    /// Who is in danger.
    pub fn warner(&self) -> &Warner {
        &self.warner
    }
    /// Who has it and who confirmed.
    pub fn dispatcher(&self) -> &Dispatcher {
        &self.dispatcher
    }
    /// What people decided.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }
    /// Where people last said they are.
    pub fn positions(&self) -> &BTreeMap<PersonId, Position> {
        &self.positions
    }
    /// Own flights filed and not long over.
    pub fn own_flights(&self) -> &BTreeMap<String, OwnFlight> {
        &self.own_flights
    }

    /// The policies in force.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }
    /// The newest version of a notice that is open or was cleared within the hour.
    pub fn notice(&self, id: NoticeId) -> Option<&Notice> {
        self.notices.get(&id)
    }
    /// All of those.
    pub fn notices(&self) -> impl Iterator<Item = &Notice> {
        self.notices.values()
    }
    /// The tracks that the last input changed.
    pub fn changed(&self) -> &[Track] {
        &self.changed
    }

    /// Takes an input entry and gives its decisions, already applied.
    pub fn step(&mut self, entry: &Entry) -> Vec<Body> {
        let mut ids = IdMaker::new(self.log, entry.index);
        let absorbed = self.absorb(entry, &mut ids);
        self.changed.clone_from(&absorbed.tracks);
        self.decide(entry, absorbed, &mut ids)
    }

    /// Takes an entry of history: an input is absorbed, a decision applied.
    pub fn recover(&mut self, entry: &Entry) {
        match &entry.body {
            Body::Notice(n) => {
                self.warner.apply(n);
                self.notices.insert(n.id, (**n).clone());
                self.dispatcher.absorb(&DispatchInput::Notice(n), entry.recorded_at);
            }
            Body::Dispatch(e) => self.dispatcher.apply(e),
            Body::Desk(e) => self.desk.apply(e),
            Body::Tracks { items } => self.remember_recorded(items),
            Body::Snapshot(_) => {}
            _ => {
                let mut ids = IdMaker::new(self.log, entry.index);
                let _decided_once_already = self.absorb(entry, &mut ids);
            }
        }
    }

    /// The state, for the record.
    pub fn snapshot(&self) -> anyhow::Result<Snapshot> {
        let mut bytes = Vec::new();
        ciborium::into_writer(self, &mut bytes)?;
        Ok(Snapshot { engines: ENGINES, state: [("engines".to_owned(), bytes)].into() })
    }

    /// The state from the record; `None` where another version of the rules wrote it and it no longer fits.
    pub fn restore(snapshot: &Snapshot) -> Option<Self> {
        ciborium::from_reader(snapshot.state.get("engines")?.as_slice()).ok()
    }

    fn absorb(&mut self, entry: &Entry, ids: &mut IdMaker) -> Absorbed {
        let now = entry.recorded_at;
        let mut out = Absorbed::default();
        match &entry.body {
            Body::Configured(c) => self.configure(c),
            Body::Observations { items } => {
                for o in items {
                    merge_changes(&mut out.tracks, self.tracker.observe(o, ids, now));
                }
                self.warner.absorb_tracks(&out.tracks, now);
            }
            Body::Positions { items } => {
                for p in items {
                    self.warner.absorb_position(p, now);
                    self.positions.insert(p.person.clone(), p.clone());
                }
            }
            Body::Act(a) => self.absorb_act(a, ids, now, &mut out),
            Body::Provider(r) => self.dispatcher.absorb(&DispatchInput::Provider(r), now),
            Body::Reach { person, channel, up } => {
                self.dispatcher.absorb(&DispatchInput::Reach { person, channel: *channel, up: *up }, now);
            }
            Body::Tick => {
                // An own flight that ended an hour ago explains nothing any more.
                self.own_flights.retain(|_, f| now.since_s(f.until) < 3_600.0);
                self.notices.retain(|_, n| n.state != NoticeState::Cleared || now.since_s(n.at) < 3_600.0);
                out.tracks = self.tracker.tick(now);
                self.warner.absorb_tracks(&out.tracks, now);
                self.warner.tick(now);
                self.dispatcher.absorb(&DispatchInput::Tick, now);
            }
            Body::Started(_) => self.dispatcher.absorb(&DispatchInput::Started, now),
            Body::Shed { .. }
            | Body::Unrecorded { .. }
            | Body::Tracks { .. }
            | Body::Notice(_)
            | Body::Dispatch(_)
            | Body::Desk(_)
            | Body::Snapshot(_) => {}
        }
        out
    }

    fn absorb_act(&mut self, a: &ActEntry, ids: &mut IdMaker, now: Time, out: &mut Absorbed) {
        match &a.act {
            Act::Sighting { sighting } => {
                let observation = sighting.observation(ObservationId(ids.make()), now);
                out.tracks = self.tracker.observe(&observation, ids, now);
                out.fed = out
                    .tracks
                    .iter()
                    .find(|t| t.because.contains(&observation.id) && t.state != skypicket_model::TrackState::Deleted)
                    .map(|t| (sighting.id, t.id));
                self.warner.absorb_tracks(&out.tracks, now);
            }
            Act::Retract { sighting } => {
                out.tracks = self.tracker.retract(*sighting, now);
                self.warner.absorb_tracks(&out.tracks, now);
            }
            Act::OwnFlight(f) => {
                self.own_flights.insert(f.id.clone(), f.clone());
                let flights: Vec<OwnFlight> = self.own_flights.values().cloned().collect();
                self.tracker.set_own_flights(&flights);
            }
            Act::Receipt { .. } | Act::Acknowledge { .. } => {
                if let Some(input) = dispatch_input(a) {
                    self.dispatcher.absorb(&input, now);
                }
            }
            // A confirmed sighting confirms what it feeds; a dismissed one no longer speaks for anything.
            Act::Triage(t) => {
                out.tracks = match t.verdict {
                    Verdict::Confirmed => self.tracker.confirm(t.sighting, now),
                    Verdict::Dismissed => self.tracker.retract(t.sighting, now),
                    Verdict::New | Verdict::Merged { .. } => Vec::new(),
                };
                self.warner.absorb_tracks(&out.tracks, now);
            }
            Act::SeeSighting { .. } | Act::Conflict { .. } => {}
        }
    }

    fn decide(&mut self, entry: &Entry, absorbed: Absorbed, ids: &mut IdMaker) -> Vec<Body> {
        let now = entry.recorded_at;
        let mut out = Vec::new();
        if let Body::Act(a) = &entry.body {
            for event in self.desk.decide(a, now) {
                self.desk.apply(&event);
                out.push(Body::Desk(event));
            }
            if let Some((sighting, track)) = absorbed.fed {
                for event in self.desk.fed(sighting, track) {
                    self.desk.apply(&event);
                    out.push(Body::Desk(event));
                }
            }
        }
        for notice in self.warner.decide(ids, now) {
            self.warner.apply(&notice);
            self.notices.insert(notice.id, notice.clone());
            let input = DispatchInput::Notice(&notice);
            self.dispatcher.absorb(&input, now);
            let events = self.dispatcher.decide(&input, ids, now);
            out.push(Body::Notice(Box::new(notice.clone())));
            self.apply_dispatch(events, &mut out);
        }
        let input = match &entry.body {
            Body::Provider(r) => Some(DispatchInput::Provider(r)),
            Body::Reach { person, channel, up } => Some(DispatchInput::Reach { person, channel: *channel, up: *up }),
            Body::Tick => Some(DispatchInput::Tick),
            Body::Started(_) => Some(DispatchInput::Started),
            Body::Act(a) => dispatch_input(a),
            _ => None,
        };
        if let Some(input) = input {
            let events = self.dispatcher.decide(&input, ids, now);
            self.apply_dispatch(events, &mut out);
        }
        if matches!(entry.body, Body::Tick) {
            let items = self.due_for_record(absorbed.tracks);
            if !items.is_empty() {
                self.remember_recorded(&items);
                out.push(Body::Tracks { items });
            }
        }
        out
    }

    fn apply_dispatch(&mut self, events: Vec<skypicket_model::DispatchEvent>, out: &mut Vec<Body>) {
        for event in events {
            self.dispatcher.apply(&event);
            out.push(Body::Dispatch(event));
        }
    }

    /// Of the tracks at a tick, those that were measured since they last stood in the record, and those that ended.
    fn due_for_record(&self, tracks: Vec<Track>) -> Vec<Track> {
        tracks
            .into_iter()
            .filter(|t| {
                t.state == skypicket_model::TrackState::Deleted
                    || self.recorded_tracks.get(&t.id).is_none_or(|last| t.measured_at > *last)
            })
            .collect()
    }

    fn remember_recorded(&mut self, items: &[Track]) {
        for t in items {
            if t.state == skypicket_model::TrackState::Deleted {
                self.recorded_tracks.remove(&t.id);
            } else {
                self.recorded_tracks.insert(t.id, t.measured_at);
            }
        }
    }

    fn configure(&mut self, c: &Configured) {
        self.directory = c.directory.clone();
        // A policy text that this version cannot read keeps the policy in force; `config check` refused it at the door.
        if let Ok(policies) = Policies::from_record(&c.policies) {
            self.tracker.set_settings(policies.track.clone());
            self.warner.set_policy(policies.warn.clone());
            self.dispatcher.set_policy(policies.dispatch.clone());
            self.policies = policies;
        }
        self.warner.configure(&self.directory);
        self.dispatcher.configure(&self.directory);
        self.desk.configure(&self.directory);
    }

    /// The people on the list of a notice version.
    pub fn recipients(&self, notice: NoticeId) -> BTreeSet<PersonId> {
        self.dispatcher.board(notice).into_iter().map(|r| r.person).collect()
    }
}

/// Keeps the newest form of each track that several observations of one block changed.
fn merge_changes(into: &mut Vec<Track>, newer: Vec<Track>) {
    for t in newer {
        match into.iter_mut().find(|o| o.id == t.id) {
            Some(old) => *old = t,
            None => into.push(t),
        }
    }
}

fn dispatch_input(a: &ActEntry) -> Option<DispatchInput<'_>> {
    match &a.act {
        Act::Receipt { notice, version, channel, shown } => Some(DispatchInput::Receipt {
            person: &a.by,
            notice: *notice,
            version: *version,
            channel: *channel,
            shown: *shown,
        }),
        Act::Acknowledge { notice, version, channel } => {
            Some(DispatchInput::Acknowledge { person: &a.by, notice: *notice, version: *version, channel: *channel })
        }
        _ => None,
    }
}

/// The source that a desk event or observation came from is never free text; kept here so that shed counts can name it.
pub type ShedCounts = BTreeMap<SourceId, u64>;

/// Which sighting a desk event is about.
pub fn sighting_of(event: &DeskEvent) -> SightingId {
    match event {
        DeskEvent::Sighting { state } => state.sighting.id,
    }
}
