//! [`Engines`]: dispatch and the desk's bulletins as one machine, wired as the running centre wires them; in the place of
//! track and warn stands a [`Sky`] that is told what flies.
//!
//! This is the centre's own wiring written a second time, since the program cannot be imported here. What the program
//! does around it (what leaves when, what comes back after a crash) is in `centre.rs`.

use serde::{Deserialize, Serialize};
use skypicket_desk::Desk;
use skypicket_dispatch::{Dispatcher, Input, Situation};
use skypicket_model::{
    About, Act, Body, Codes, DeskEvent, Directory, Entry, IdMaker, LatLon, Level, LogId, Marking, Notice, NoticeId,
    NoticeState, PersonId, Position, ProtectedId, Time, TrackId, Warning,
    entry::{ActEntry, ChannelState, Upkeep},
    notice::NoticeFacts,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What flies: the truth outside, which a crash of the centre does not change.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sky {
    pub(crate) drones: BTreeMap<u32, Drone>,
}

/// A drone and whom it endangers.
#[derive(Debug, Clone)]
pub(crate) struct Drone {
    pub(crate) whom: ProtectedId,
    pub(crate) level: Level,
    pub(crate) gone: bool,
}

/// The track of a drone: the same whatever the centre forgot, so that the ledger knows a warning again.
pub(crate) fn track_of(drone: u32) -> TrackId {
    TrackId(Uuid::from_u128(u128::from(drone)))
}

/// The engines, and what they share.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Engines {
    log: LogId,
    pub(crate) directory: Directory,
    pub(crate) dispatcher: Dispatcher,
    pub(crate) desk: Desk,
    positions: BTreeMap<PersonId, Position>,
    /// The newest version of each warning, by its track.
    warnings: BTreeMap<TrackId, Notice>,
    /// The codes of warnings, as the warner keeps them.
    codes: Codes,
    /// The newest version of each notice.
    pub(crate) notices: BTreeMap<NoticeId, Notice>,
}

impl Engines {
    pub(crate) fn new(log: LogId) -> Self {
        Self {
            log,
            directory: Directory::default(),
            dispatcher: Dispatcher::new(skypicket_dispatch::Policy::default()),
            desk: Desk::new(),
            positions: BTreeMap::new(),
            warnings: BTreeMap::new(),
            codes: Codes::default(),
            notices: BTreeMap::new(),
        }
    }

    /// The versions of warnings that the sky asks for now.
    pub(crate) fn warn(&self, sky: &Sky, entry: u64, now: Time) -> Vec<Notice> {
        // Ids of their own, so that the ids of what dispatch decides do not depend on how many warnings there are.
        let mut ids = IdMaker::new(self.log, entry | 1 << 62);
        let mut given: BTreeSet<String> = BTreeSet::new();
        let mut out = Vec::new();
        for (drone, d) in &sky.drones {
            let track = track_of(*drone);
            let (id, version, state, needs_ack) = match self.warnings.get(&track) {
                None if !d.gone => (NoticeId(ids.make()), 1, NoticeState::Raised, true),
                Some(n) if n.state.ended() => continue,
                Some(n) if d.gone => (n.id, n.version + 1, NoticeState::Cleared, false),
                Some(n) if n.level != d.level => (n.id, n.version + 1, NoticeState::Updated, d.level > n.level),
                _ => continue,
            };
            let at = LatLon { lat_deg: 31.7, lon_deg: -106.4 };
            let facts = NoticeFacts {
                distance_m: 400.0,
                bearing_deg: 90.0,
                earliest_s: 20.0,
                cpa_m: 10.0,
                p_within_30: 0.9,
                track_at: at,
                height_unknown: true,
                by_people_only: false,
            };
            let code = self.codes.free_for(id, version, 4, |c| given.contains(c));
            given.insert(code.clone());
            out.push(Notice {
                id,
                version,
                state,
                level: d.level,
                at: now,
                needs_ack,
                marking: Marking::default(),
                exercise: None,
                code,
                text: String::new(),
                text_es: String::new(),
                expires_at: None,
                about: About::Warning(Warning {
                    track,
                    protected_name: d.whom.to_string(),
                    protected: d.whom.clone(),
                    facts,
                    reasons: Vec::new(),
                    because: Vec::new(),
                }),
            });
        }
        out
    }

    /// Takes an input with the warnings that follow from it, and gives its decisions, already applied.
    pub(crate) fn step(&mut self, entry: &Entry, warnings: Vec<Notice>) -> Vec<Body> {
        let mut ids = IdMaker::new(self.log, entry.index);
        let now = entry.recorded_at;
        self.absorb(entry);
        let mut out = Vec::new();
        match &entry.body {
            Body::Upkeep(Upkeep::Restored { .. }) => {
                self.dispatch(&Input::Restored, &mut ids, now, &mut out);
                return out;
            }
            Body::Upkeep(_) => return out,
            Body::Act(a) => {
                let events = self.desk.decide(a, now);
                self.bulletins(events, &mut ids, now, &mut out);
            }
            Body::Tick => {
                let events = self.desk.expired(now);
                self.bulletins(events, &mut ids, now, &mut out);
            }
            _ => {}
        }
        for notice in warnings {
            self.issue(&notice, &mut ids, now, &mut out);
        }
        let input = match &entry.body {
            Body::Provider(r) => Some(Input::Provider(r)),
            Body::Reach { person, channel, up } => Some(Input::Reach { person, channel: *channel, up: *up }),
            Body::Channel { channel, state } => {
                Some(Input::Channel { channel: *channel, up: !matches!(state, ChannelState::Down { .. }) })
            }
            Body::Tick => Some(Input::Tick),
            Body::Started(_) => Some(Input::Started),
            // Of another centre.
            Body::Notice(n) => Some(Input::Notice(n)),
            Body::Act(a) => act_input(a),
            _ => None,
        };
        if let Some(input) = input {
            self.dispatch(&input, &mut ids, now, &mut out);
        }
        out
    }

    /// Takes an entry of history: an input is absorbed, a decision applied.
    pub(crate) fn recover(&mut self, entry: &Entry) {
        match &entry.body {
            Body::Dispatch(e) => self.dispatcher.apply(e),
            Body::Desk(e) => self.desk.apply(e, entry.recorded_at),
            _ => self.absorb(entry),
        }
    }

    /// The whole state, as a snapshot holds it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to memory cannot fail; an empty snapshot would be found by whoever reads it.
        let _ = ciborium::into_writer(self, &mut bytes);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        ciborium::from_reader(bytes).ok()
    }

    fn absorb(&mut self, entry: &Entry) {
        let now = entry.recorded_at;
        let d = &mut self.dispatcher;
        match &entry.body {
            Body::Configured(c) => {
                self.directory = c.directory.clone();
                if let Some(policy) = c.policies.get("dispatch").and_then(|t| serde_json::from_str(t).ok()) {
                    d.set_policy(policy);
                }
                self.tell_directory();
            }
            Body::Positions { items } => {
                for p in items.iter().filter(|p| self.directory.active(&p.person).is_some()) {
                    self.positions.insert(p.person.clone(), p.clone());
                }
            }
            Body::Act(a) => {
                if let Act::Directory { changes } = &a.act
                    && let Ok(directory) = self.directory.changed(changes)
                {
                    self.directory = directory;
                    self.tell_directory();
                } else if let Some(input) = act_input(a) {
                    d.absorb(&input, now);
                }
            }
            Body::Notice(n) => {
                d.absorb(&Input::Notice(n), now);
                self.keep(n);
            }
            Body::Provider(r) => d.absorb(&Input::Provider(r), now),
            Body::Reach { person, channel, up } => {
                d.absorb(&Input::Reach { person, channel: *channel, up: *up }, now);
            }
            Body::Channel { channel, state } => {
                let up = !matches!(state, ChannelState::Down { .. });
                d.absorb(&Input::Channel { channel: *channel, up }, now);
            }
            Body::Tick => {
                d.absorb(&Input::Tick, now);
                self.codes.forget(now);
            }
            // Entries after it may have numbers that others had whose ids people's devices know.
            Body::Started(_) => {
                self.log = again(self.log, now);
                d.absorb(&Input::Started, now);
            }
            Body::Upkeep(Upkeep::Restored { .. }) => {
                self.log = again(self.log, now);
                d.absorb(&Input::Restored, now);
            }
            _ => {}
        }
    }

    fn tell_directory(&mut self) {
        let directory = &self.directory;
        self.positions.retain(|p, _| directory.active(p).is_some());
        self.dispatcher.configure(directory);
        self.desk.configure(directory);
    }

    fn keep(&mut self, notice: &Notice) {
        if let Some(track) = notice.track() {
            self.warnings.insert(track, notice.clone());
            self.codes.hear(notice, 3_600.0);
        }
        self.notices.insert(notice.id, notice.clone());
        self.desk.hear(notice);
    }

    fn bulletins(&mut self, events: Vec<DeskEvent>, ids: &mut IdMaker, now: Time, out: &mut Vec<Body>) {
        for event in events {
            let version = self.desk.version(&event, None, now);
            self.desk.apply(&event, now);
            out.push(Body::Desk(event));
            if let Some(notice) = version {
                self.issue(&notice, ids, now, out);
            }
        }
    }

    fn issue(&mut self, notice: &Notice, ids: &mut IdMaker, now: Time, out: &mut Vec<Body>) {
        self.keep(notice);
        out.push(Body::Notice(Box::new(notice.clone())));
        let input = Input::Notice(notice);
        self.dispatcher.absorb(&input, now);
        self.dispatch(&input, ids, now, out);
    }

    fn dispatch(&mut self, input: &Input<'_>, ids: &mut IdMaker, now: Time, out: &mut Vec<Body>) {
        let situation = Situation { positions: &self.positions, dangers: &Vec::new };
        for event in self.dispatcher.decide(input, situation, ids, now) {
            self.dispatcher.apply(&event);
            out.push(Body::Dispatch(event));
        }
    }
}

/// What ids are made from after a start or restore at a time.
fn again(log: LogId, now: Time) -> LogId {
    LogId(IdMaker::new(log, now.as_micros().cast_unsigned()).make())
}

/// What an act is to dispatch.
fn act_input(a: &ActEntry) -> Option<Input<'_>> {
    match &a.act {
        Act::Receipt { notice, version, channel, shown } => {
            Some(Input::Receipt { person: &a.by, notice: *notice, version: *version, channel: *channel, shown: *shown })
        }
        Act::Acknowledge { notice, version, channel } => {
            Some(Input::Acknowledge { person: &a.by, notice: *notice, version: *version, channel: *channel })
        }
        Act::Measures { notice, version, done } => {
            Some(Input::Measures { person: &a.by, notice: *notice, version: *version, done })
        }
        Act::Call { notice, version, person, status, .. } => {
            Some(Input::Call { by: &a.by, person, notice: *notice, version: *version, status: *status })
        }
        _ => None,
    }
}
