//! [`Engines`]: the four pure engines as one machine: an input entry in, decisions out.
//!
//! An input is first *absorbed* by all of them (what follows from inputs alone), then they *decide* in one direction,
//! track → warn → dispatch beside desk, and each decision is *applied* before the next engine decides. Recovery reads
//! history: inputs are absorbed, recorded decisions are applied, nothing is decided again.

use serde::{Deserialize, Serialize};
use skypicket_desk::Desk;
use skypicket_dispatch::{Dispatcher, Input as DispatchInput, Situation};
use skypicket_model::{
    Act, AlarmId, Body, Channel, DeskEvent, Directory, Entry, IdMaker, LogId, Notice, NoticeId, ObservationId,
    OwnFlight, PersonId, Position, SightingId, SourceId, Time, Track, TrackAct, TrackChange, TrackId, TrackPart,
    TrackState, Verdict,
    delivery::Rule,
    entry::{ActEntry, ChannelState, Configured, Snapshot, Started, Upkeep},
};
use skypicket_track::Tracker;
use skypicket_warn::Warner;
use std::collections::{BTreeMap, BTreeSet};

/// Version of the engines' rules. A result is the same, bit for bit, only within one; raise it with every change of
/// what an engine decides.
pub const ENGINES: u32 = 8;

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
    /// Alarms in hand.
    pub desk: skypicket_desk::Policy,
}

impl Policies {
    /// As recorded: JSON text by engine.
    pub fn to_record(&self) -> anyhow::Result<BTreeMap<String, String>> {
        Ok([
            ("track".to_owned(), serde_json::to_string(&self.track)?),
            ("warn".to_owned(), serde_json::to_string(&self.warn)?),
            ("dispatch".to_owned(), serde_json::to_string(&self.dispatch)?),
            ("desk".to_owned(), serde_json::to_string(&self.desk)?),
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
        Ok(Self {
            track: texts.get("track").map_or_else(|| Ok(skypicket_track::Settings::default()), |t| track(t))?,
            warn: one(texts, "warn")?,
            dispatch: one(texts, "dispatch")?,
            desk: one(texts, "desk")?,
        })
    }
}

/// The tracker's settings of a record, without those that there are no more.
fn track(text: &str) -> anyhow::Result<skypicket_track::Settings> {
    let mut value: serde_json::Value = serde_json::from_str(text)?;
    if let Some(all) = value.as_object_mut() {
        all.retain(|key, _| !skypicket_track::settings::RETIRED.iter().any(|(retired, _)| retired == key));
    }
    Ok(serde_json::from_value(value)?)
}

/// The engines and what they share.
#[derive(Serialize, Deserialize)]
pub struct Engines {
    /// What ids are made from: the log's own, another after each start and restore.
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
    /// Who was connected before and over what they were seen last; whoever is not in it was never seen.
    #[serde(default)]
    lost: BTreeMap<PersonId, Lost>,
    /// The newest version of every notice that is open or was cleared within the hour.
    notices: BTreeMap<NoticeId, Notice>,
    /// The tracks that the last input changed: for `replay`, which prints them.
    #[serde(skip)]
    changed: Vec<Track>,
}

/// The end of a person's last connection over a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Over what.
    pub channel: Channel,
    /// When.
    pub at: Time,
    /// The centre itself stopped then.
    pub by_restart: bool,
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
            lost: BTreeMap::new(),
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
    /// Name of the exercise; `None` is live.
    pub fn exercise(&self) -> Option<&str> {
        self.exercise.as_deref()
    }
    /// What people decided.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }
    /// Where people last said they are.
    pub fn positions(&self) -> &BTreeMap<PersonId, Position> {
        &self.positions
    }
    /// How a person's last connection ended; `None` for whoever never had one, or has the first still.
    pub fn lost(&self, person: &PersonId) -> Option<Lost> {
        self.lost.get(person).copied()
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

    /// Ids that an entry makes.
    pub fn ids(&self, entry: u64) -> IdMaker {
        IdMaker::new(self.log, entry)
    }

    /// Takes an input entry and gives its decisions, already applied.
    pub fn step(&mut self, entry: &Entry) -> Vec<Body> {
        let mut ids = self.ids(entry.index);
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
                self.desk.hear(n);
                self.dispatcher.absorb(&DispatchInput::Notice(n), entry.recorded_at);
            }
            Body::Dispatch(e) => self.dispatcher.apply(e),
            Body::Desk(e) => self.desk.apply(e, entry.recorded_at),
            Body::Tracks { items } => self.remember_recorded(items),
            Body::Snapshot(_) => {}
            _ => {
                let mut ids = self.ids(entry.index);
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

    /// The state from the record; `None` where another version of the rules wrote it and it no longer fits. Of an older
    /// tracker all else is taken over, and tracks begin anew.
    pub fn restore(snapshot: &Snapshot) -> Option<Self> {
        let bytes = snapshot.state.get("engines")?.as_slice();
        let mut engines: Self = ciborium::from_reader(bytes).ok().or_else(|| Self::without_tracks(bytes))?;
        // A desk of before alarms were taken in hand knows no warnings yet.
        for notice in engines.notices.values() {
            engines.desk.hear(notice);
        }
        Some(engines)
    }

    /// The state of before the sky was the tracker's, but for the tracks: what flies is reported again within seconds, and
    /// what people decided is not.
    fn without_tracks(bytes: &[u8]) -> Option<Self> {
        use ciborium::Value;
        let mut whole: Value = ciborium::from_reader(bytes).ok()?;
        let entry = |map: &mut Value, key: &str| {
            let all = map.as_map_mut()?;
            all.iter().position(|(k, _)| k.as_text() == Some(key))
        };
        let at = entry(&mut whole, "policies")?;
        let policies = &mut whole.as_map_mut()?[at].1;
        let at = entry(policies, "track")?;
        let track = policies.as_map_mut()?[at].1.as_map_mut()?;
        let retired = |k: &Value| skypicket_track::settings::RETIRED.iter().any(|(name, _)| k.as_text() == Some(name));
        track.retain(|(k, _)| !retired(k));
        let at = entry(&mut whole, "tracker")?;
        whole.as_map_mut()?[at].1 = Value::serialized(&Tracker::new(skypicket_track::Settings::default())).ok()?;
        let mut engines: Self = whole.deserialized().ok()?;
        engines.tracker = Tracker::new(engines.policies.track.clone());
        engines.policies.track = engines.tracker.settings().clone();
        let flights: Vec<OwnFlight> = engines.own_flights.values().cloned().collect();
        engines.tracker.set_own_flights(&flights);
        Some(engines)
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
                // Who was shut out while it was on its way is nowhere.
                for p in items.iter().filter(|p| self.directory.active(&p.person).is_some()) {
                    self.warner.absorb_position(p, now);
                    self.positions.insert(p.person.clone(), p.clone());
                }
            }
            Body::Act(a) => self.absorb_act(a, ids, now, &mut out),
            Body::Provider(r) => self.dispatcher.absorb(&DispatchInput::Provider(r), now),
            Body::Reach { person, channel, up } => {
                if !up && self.dispatcher.channels_up(person).contains(channel) {
                    self.lost.insert(person.clone(), Lost { channel: *channel, at: now, by_restart: false });
                }
                self.dispatcher.absorb(&DispatchInput::Reach { person, channel: *channel, up: *up }, now);
                if *channel == Channel::Web {
                    self.desk.absorb_page(person, *up, now);
                }
            }
            Body::Tick => {
                let keep_s = self.policies.warn.position.keep_s;
                self.positions.retain(|_, p| now.since_s(p.observed_at) < keep_s);
                // An own flight that ended an hour ago explains nothing any more.
                self.own_flights.retain(|_, f| now.since_s(f.until) < 3_600.0);
                // As long as dispatch may still have to hand it over.
                let dispatcher = &self.dispatcher;
                self.notices.retain(|id, n| {
                    !n.state.ended() || now.since_s(n.at) < 3_600.0 || dispatcher.version_of(*id).is_some()
                });
                out.tracks = self.tracker.tick(now);
                self.warner.absorb_tracks(&out.tracks, now);
                self.warner.tick(now);
                self.dispatcher.absorb(&DispatchInput::Tick, now);
                self.desk.absorb_tick(now);
            }
            Body::Started(started) => {
                self.begin_ids(now);
                for person in self.directory.people.keys() {
                    let connected = |c: &Channel| matches!(c, Channel::Web | Channel::Tak);
                    let channel = self.dispatcher.channels_up(person).into_iter().find(connected);
                    if let Some(channel) = channel {
                        self.lost.insert(person.clone(), Lost { channel, at: now, by_restart: true });
                    }
                }
                self.dispatcher.absorb(&DispatchInput::Started, now);
                self.desk.absorb_start(started.exercise.is_some(), now);
            }
            Body::Upkeep(Upkeep::Forgot { before }) => {
                if let Some(before) = before.get("acts") {
                    self.desk.forget(*before);
                }
            }
            Body::Upkeep(Upkeep::Restored { .. }) => {
                self.begin_ids(now);
                self.dispatcher.absorb(&DispatchInput::Restored, now);
            }
            Body::Channel { channel, state } => {
                let up = !matches!(state, ChannelState::Down { .. });
                // The others are up for each person apart.
                if !channel.is_personal() {
                    self.dispatcher.absorb(&DispatchInput::Channel { channel: *channel, up }, now);
                }
                self.desk.absorb_channel(*channel, state, now);
            }
            Body::Shed { .. }
            | Body::Access { .. }
            | Body::Upkeep(_)
            | Body::Unrecorded { .. }
            | Body::Tracks { .. }
            | Body::Notice(_)
            | Body::Dispatch(_)
            | Body::Desk(_)
            | Body::Snapshot(_) => {}
        }
        out
    }

    /// From a start or restore on, ids are other ones. Entries after it may have the numbers of entries that were lost
    /// (after a restore, or when warnings left before they were durable and the centre was killed), and people's devices
    /// know the ids that were made from those.
    fn begin_ids(&mut self, now: Time) {
        let again = now.as_micros().cast_unsigned();
        self.log = LogId(IdMaker::new(self.log, again).make());
    }

    fn absorb_act(&mut self, a: &ActEntry, ids: &mut IdMaker, now: Time, out: &mut Absorbed) {
        match &a.act {
            Act::Sighting { sighting } => {
                let observation = sighting.observation(ObservationId(ids.make()), now);
                out.tracks = self.tracker.observe(&observation, ids, now);
                out.fed = out
                    .tracks
                    .iter()
                    .find(|t| t.because.contains(&observation.id) && t.state != TrackState::Deleted)
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
            Act::Receipt { .. } | Act::Acknowledge { .. } | Act::Call { .. } | Act::Measures { .. } => {
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
            Act::Track(act) => {
                out.tracks = self.tracker.act(act, &a.by, ids, now);
                self.warner.absorb_tracks(&out.tracks, now);
            }
            // Refused at the door when it does not fit; from history it fits.
            Act::Directory { changes } => {
                if let Ok(directory) = self.directory.changed(changes) {
                    self.directory = directory;
                    self.tell_directory();
                }
            }
            Act::SeeSighting { .. }
            | Act::TakeAlarm { .. }
            | Act::HandBack { .. }
            | Act::TakeOver { .. }
            | Act::ShelveAlarm { .. }
            | Act::UnshelveAlarm { .. }
            | Act::Bulletin(_)
            | Act::Intelligence(_)
            | Act::SaveSearch { .. }
            | Act::DropSearch { .. }
            | Act::Conflict { .. } => {}
        }
    }

    fn decide(&mut self, entry: &Entry, absorbed: Absorbed, ids: &mut IdMaker) -> Vec<Body> {
        let now = entry.recorded_at;
        let mut out = Vec::new();
        // What is done to the record as a whole decides nothing about the sky; it may be written without a centre running.
        if let Body::Upkeep(upkeep) = &entry.body {
            if let Upkeep::Restored { .. } = upkeep {
                self.dispatch(&DispatchInput::Restored, ids, now, &mut out);
            }
            return out;
        }
        if let Body::Act(a) = &entry.body {
            let events = self.desk.decide(a, now);
            self.apply_bulletins(events, ids, now, &mut out);
            if let Some((sighting, track)) = absorbed.fed {
                let events = self.desk.fed(sighting, track);
                self.apply_desk(events, now, &mut out);
            }
            match &a.act {
                // To acknowledge a warning is to take it, and the other way round.
                Act::TakeAlarm { alarms, .. } => self.acknowledge_taken(&a.by, alarms, ids, now, &mut out),
                Act::Acknowledge { notice, .. } => {
                    let events = self.desk.acknowledged(&a.by, *notice, now);
                    self.apply_desk(events, now, &mut out);
                }
                Act::Track(TrackAct::Split { track, part: TrackPart::Source { source }, .. }) => {
                    for new in absorbed.tracks.iter().filter(|t| t.id != *track) {
                        let events = self.desk.parted(*track, new.id, source);
                        self.apply_desk(events, now, &mut out);
                    }
                }
                _ => {}
            }
        }
        for (ended, into) in absorbed.tracks.iter().filter_map(merged) {
            let events = self.desk.feeds_on(ended, into);
            self.apply_desk(events, now, &mut out);
        }
        if matches!(entry.body, Body::Reach { .. } | Body::Tick) {
            let events = self.desk.absences(now);
            self.apply_desk(events, now, &mut out);
        }
        if matches!(entry.body, Body::Tick) {
            let events = self.desk.expired(now);
            self.apply_bulletins(events, ids, now, &mut out);
        }
        for notice in self.warner.decide(ids, now) {
            self.warner.apply(&notice);
            let id = notice.id;
            self.issue(&notice, ids, now, &mut out);
            let events = self.desk.raised(id, now);
            self.apply_desk(events, now, &mut out);
        }
        let input = match &entry.body {
            Body::Provider(r) => Some(DispatchInput::Provider(r)),
            Body::Reach { person, channel, up } => Some(DispatchInput::Reach { person, channel: *channel, up: *up }),
            Body::Channel { channel, state } if !channel.is_personal() => {
                Some(DispatchInput::Channel { channel: *channel, up: !matches!(state, ChannelState::Down { .. }) })
            }
            Body::Tick => Some(DispatchInput::Tick),
            Body::Started(_) => Some(DispatchInput::Started),
            Body::Act(a) => dispatch_input(a),
            _ => None,
        };
        if let Some(input) = input {
            self.dispatch(&input, ids, now, &mut out);
        }
        self.call_alarms(entry, &mut out);
        let items = match &entry.body {
            Body::Tick => self.due_for_record(absorbed.tracks),
            // What a person did stands in the record as it came out, at once.
            Body::Act(ActEntry { act: Act::Track(_), .. }) => absorbed.tracks,
            // Of a track that stood in it, how it ended.
            _ => {
                let ended = |t: &Track| t.state == TrackState::Deleted && self.recorded_tracks.contains_key(&t.id);
                absorbed.tracks.into_iter().filter(ended).collect()
            }
        };
        if !items.is_empty() {
            self.remember_recorded(&items);
            out.push(Body::Tracks { items });
        }
        out
    }

    /// Asks every alarm that something happened to, and those whose time has come, whether it calls for a person.
    fn call_alarms(&mut self, entry: &Entry, out: &mut Vec<Body>) {
        let now = entry.recorded_at;
        let mut touched: Vec<AlarmId> = out.iter().filter_map(alarm_of).collect();
        match entry.body {
            Body::Tick => {
                let ended = self.desk.flood_end(now);
                self.apply_desk(ended.into_iter().collect(), now, out);
                touched.extend(self.desk.due(now));
            }
            // A record of before alarms called has open ones that never did.
            Body::Started(_) => touched.extend(self.desk.alarms().map(|a| a.alarm)),
            Body::Channel { channel, .. } => touched.push(AlarmId::Channel(channel)),
            _ => {}
        }
        for alarm in self.desk.in_calling_order(&touched) {
            let events = self.desk.call(alarm, now);
            self.apply_desk(events, now, out);
        }
    }

    fn apply_desk(&mut self, events: Vec<DeskEvent>, now: Time, out: &mut Vec<Body>) {
        for event in events {
            self.desk.apply(&event, now);
            out.push(Body::Desk(event));
        }
    }

    /// As [`Self::apply_desk`], with the notices that decisions about bulletins bring.
    fn apply_bulletins(&mut self, events: Vec<DeskEvent>, ids: &mut IdMaker, now: Time, out: &mut Vec<Body>) {
        for event in events {
            let version = self.desk.version(&event, self.exercise.as_deref(), now);
            self.apply_desk(vec![event], now, out);
            if let Some(notice) = version {
                self.issue(&notice, ids, now, out);
            }
        }
    }

    /// Who took warnings in hand has acknowledged those of them that they owe: one act, one touch.
    fn acknowledge_taken(
        &mut self,
        by: &PersonId,
        alarms: &[AlarmId],
        ids: &mut IdMaker,
        now: Time,
        out: &mut Vec<Body>,
    ) {
        let once: BTreeSet<AlarmId> = alarms.iter().copied().collect();
        for alarm in once {
            let AlarmId::Notice(notice) = alarm else { continue };
            let held = self.desk.alarm(alarm).and_then(|a| a.state).and_then(|s| s.holder.as_ref()) == Some(by);
            let owes = self.dispatcher.recipient(notice, by).is_some_and(|r| r.owes);
            let Some(version) = self.dispatcher.version_of(notice).filter(|_| held && owes) else { continue };
            let input = DispatchInput::Acknowledge { person: by, notice, version, channel: Channel::Web };
            self.dispatch(&input, ids, now, out);
        }
    }

    /// A new version of a notice: everybody who keeps notices hears of it, and it goes on its way.
    fn issue(&mut self, notice: &Notice, ids: &mut IdMaker, now: Time, out: &mut Vec<Body>) {
        self.notices.insert(notice.id, notice.clone());
        self.desk.hear(notice);
        out.push(Body::Notice(Box::new(notice.clone())));
        let input = DispatchInput::Notice(notice);
        self.dispatcher.absorb(&input, now);
        self.dispatch(&input, ids, now, out);
    }

    /// What dispatch decides about an input that it absorbed, applied.
    fn dispatch(&mut self, input: &DispatchInput<'_>, ids: &mut IdMaker, now: Time, out: &mut Vec<Body>) {
        let warner = &self.warner;
        let dangers = || warner.dangers();
        let situation = Situation { positions: &self.positions, dangers: &dangers };
        for event in self.dispatcher.decide(input, situation, ids, now) {
            self.dispatcher.apply(&event);
            out.push(Body::Dispatch(event));
        }
    }

    /// Whom a notice would go to if it were issued now, and by which rule.
    pub fn audience(&self, notice: &Notice, now: Time) -> BTreeMap<PersonId, Rule> {
        let dangers = || self.warner.dangers();
        self.dispatcher.audience(notice, Situation { positions: &self.positions, dangers: &dangers }, now)
    }

    /// Of the tracks at a tick, those that were measured since they last stood in the record, and those that ended.
    fn due_for_record(&self, tracks: Vec<Track>) -> Vec<Track> {
        tracks
            .into_iter()
            .filter(|t| {
                t.state == TrackState::Deleted
                    || self.recorded_tracks.get(&t.id).is_none_or(|last| t.measured_at > *last)
            })
            .collect()
    }

    fn remember_recorded(&mut self, items: &[Track]) {
        for t in items {
            if t.state == TrackState::Deleted {
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
            self.desk.set_policy(policies.desk.clone());
            // What is said to be in force is what the tracker goes by: a record may hold what it cannot work with any more.
            self.policies = Policies { track: self.tracker.settings().clone(), ..policies };
        }
        self.tell_directory();
    }

    fn tell_directory(&mut self) {
        let directory = &self.directory;
        self.positions.retain(|p, _| directory.active(p).is_some());
        self.lost.retain(|p, _| directory.people.contains_key(p));
        self.warner.configure(&self.directory);
        self.dispatcher.configure(&self.directory);
        self.desk.configure(&self.directory);
    }

    /// Whose rows of which notices changed since this was last asked.
    pub fn take_changed(&mut self) -> BTreeMap<NoticeId, BTreeSet<PersonId>> {
        self.dispatcher.take_changed()
    }

    /// The people on the list of a notice version.
    pub fn recipients(&self, notice: NoticeId) -> BTreeSet<PersonId> {
        self.dispatcher.board(notice).into_iter().map(|r| r.person).collect()
    }
}

/// The track that one ended in, where it did.
fn merged(t: &Track) -> Option<(TrackId, TrackId)> {
    match t.lineage.last().map(|e| &e.what) {
        Some(TrackChange::MergedInto { track, .. }) if t.state == TrackState::Deleted => Some((t.id, *track)),
        _ => None,
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

/// The alarm that a decision may have changed.
fn alarm_of(decision: &Body) -> Option<AlarmId> {
    match decision {
        Body::Notice(n) => Some(AlarmId::Notice(n.id)),
        Body::Desk(DeskEvent::Sighting { state }) => Some(AlarmId::Sighting(state.sighting.id)),
        Body::Desk(DeskEvent::Alarm { state }) => Some(state.alarm),
        Body::Desk(DeskEvent::Shelf { change }) => Some(change.alarm),
        _ => None,
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
        Act::Call { notice, version, person, status, .. } => {
            Some(DispatchInput::Call { by: &a.by, person, notice: *notice, version: *version, status: *status })
        }
        Act::Measures { notice, version, done } => {
            Some(DispatchInput::Measures { person: &a.by, notice: *notice, version: *version, done })
        }
        _ => None,
    }
}

/// The source that a desk event or observation came from is never free text; kept here so that shed counts can name it.
pub type ShedCounts = BTreeMap<SourceId, u64>;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use skypicket_model::{
        Agency, AgencyId, DirectoryChange, DispatchEvent, Person, Place, ProtectedId, Role, TrackClass, Unit, UnitId,
        people::Language,
    };

    #[test]
    fn a_position_is_forgotten_when_it_is_as_old_as_it_may_be_kept_also_by_what_is_recovered() {
        let started =
            Started { log: LogId(uuid::Uuid::nil()), software: String::new(), engines: ENGINES, exercise: None };
        let (person, unit) = (PersonId::new("p").unwrap(), UnitId::new("u").unwrap());
        let mut directory = Directory::default();
        let agency = AgencyId::new("a").unwrap();
        directory.agencies.insert(agency.clone(), Agency { id: agency.clone(), name: "A".into() });
        directory
            .units
            .insert(unit.clone(), Unit { id: unit.clone(), name: "U".into(), agency, leadership: Vec::new() });
        let somebody: Person = serde_json::from_value(
            serde_json::json!({"id": "p", "name": "P", "unit": "u", "roles": [Role::Field, Role::Administrator]}),
        )
        .unwrap();
        directory.people.insert(person.clone(), somebody);
        let t = |s: f64| Time::from_micros(1_000_000_000).plus_s(s);
        let policies = Policies::default().to_record().unwrap();
        let at = Place { lat_deg: 31.76, lon_deg: -106.49, alt_hae_m: None };
        let position = Position {
            person: person.clone(),
            at,
            accuracy_m: 5.0,
            observed_at: t(0.0),
            via: SourceId::new("web").unwrap(),
        };
        let inputs = [
            (t(0.0), Body::Configured(Configured { directory, policies })),
            (t(1.0), Body::Positions { items: vec![position] }),
            (t(86_399.0), Body::Tick),
            (t(86_400.0), Body::Tick),
        ];
        let (mut running, mut recovered) = (Engines::new(&started), Engines::new(&started));
        for (index, (recorded_at, body)) in (0..).zip(inputs) {
            let entry = Entry { index, recorded_at, cause: None, body };
            running.step(&entry);
            recovered.recover(&entry);
            for e in [&running, &recovered] {
                let known = e.warner().protected().count();
                assert_eq!(
                    (e.positions().len(), known),
                    if (1..3).contains(&index) { (1, 1) } else { (0, 0) },
                    "{index}"
                );
            }
        }
        // Nothing of it in what a snapshot keeps either.
        let kept = running.snapshot().unwrap();
        assert!(Engines::restore(&kept).unwrap().positions().is_empty());
    }

    #[test]
    fn policies_of_an_older_record_hold_but_for_what_there_is_no_more() {
        let mut texts = Policies::default().to_record().unwrap();
        texts.insert(
            "track".into(),
            r#"{"q_horizontal":4.0,"q_vertical":2.0,"recentre_m":5000.0,"late_max_s":30.0,"confirm":0.9}"#.into(),
        );
        texts.insert("warn".into(), r#"{"standoff_m":222.0}"#.into());
        let policies = Policies::from_record(&texts).unwrap();
        assert_eq!((policies.track.confirm, policies.track.late_max_s, policies.warn.standoff_m), (0.9, 30.0, 222.0));
        texts.insert("track".into(), r#"{"never_was":1.0}"#.into());
        assert!(Policies::from_record(&texts).is_err());
    }

    #[test]
    fn the_policies_that_are_said_to_be_in_force_are_those_that_the_engines_go_by() {
        let mut run = run(&[]);
        for (late_max_s, held) in [(20.0, 20.0), (1_000_000.0, 20.0)] {
            let mut policies = Policies::default();
            policies.track.late_max_s = late_max_s;
            policies.warn.standoff_m = 222.0;
            let policies = policies.to_record().unwrap();
            run.input(Body::Configured(Configured { directory: directory(), policies }));
            let (said, held_to) = (run.engines.policies(), run.engines.tracker().settings());
            assert_eq!((said.track.late_max_s, held_to.late_max_s, said.warn.standoff_m), (held, held, 222.0));
        }
    }

    #[test]
    fn a_snapshot_of_an_older_tracker_keeps_all_but_the_tracks() {
        use ciborium::Value;
        let at = |seconds: f64| Time::from_micros(1_800_000_000_000_000).plus_s(seconds);
        let mut run = run(&[Step::Stand { who: 2, east: 10 }, Step::Reach { who: 2, web: true, up: true }]);
        run.step(2, &Step::Report { who: 3, azimuth: 90.0 });
        assert!(!run.engines.tracker().tracks().is_empty() && !run.engines.notices.is_empty());
        let mut snapshot = run.engines.snapshot().unwrap();
        // As it was written before: other settings, and another tracker.
        let mut whole: Value = ciborium::from_reader(snapshot.state["engines"].as_slice()).unwrap();
        for (key, value) in whole.as_map_mut().unwrap() {
            match key.as_text() {
                Some("tracker") => *value = Value::Map(vec![(Value::Text("index".into()), Value::Null)]),
                Some("policies") => {
                    let track = value.as_map_mut().unwrap().iter_mut().find(|(k, _)| k.as_text() == Some("track"));
                    let retired = (Value::Text("q_vertical".into()), Value::Float(2.0));
                    track.unwrap().1.as_map_mut().unwrap().push(retired);
                }
                _ => {}
            }
        }
        let mut bytes = Vec::new();
        ciborium::into_writer(&whole, &mut bytes).unwrap();
        snapshot.state.insert("engines".into(), bytes);
        let mut restored = Engines::restore(&snapshot).unwrap();
        assert!(restored.tracker().tracks().is_empty());
        assert_eq!(restored.positions(), run.engines.positions());
        assert!(restored.notices().eq(run.engines.notices()));
        assert_eq!(restored.directory(), run.engines.directory());
        // It goes on: the next second is worked on.
        restored.step(&Entry { index: 999, recorded_at: at(60.0), cause: None, body: Body::Tick });
        // What is no snapshot at all is none.
        snapshot.state.insert("engines".into(), vec![1, 2, 3]);
        assert!(Engines::restore(&snapshot).is_none());
    }

    #[test]
    fn what_left_before_it_was_durable_and_was_lost_shares_no_id_with_what_comes_after() {
        let started =
            Started { log: LogId(uuid::Uuid::nil()), software: String::new(), engines: ENGINES, exercise: None };
        let start = |at_s: f64| Entry {
            index: 7,
            recorded_at: Time::from_micros(1_000_000_000).plus_s(at_s),
            cause: None,
            body: Body::Started(started.clone()),
        };
        let (mut lost, mut next, mut read) = (Engines::new(&started), Engines::new(&started), Engines::new(&started));
        lost.step(&start(0.0));
        next.step(&start(0.001));
        assert_ne!(lost.ids(9).make(), next.ids(9).make());
        // The record alone says which they are.
        read.recover(&start(0.001));
        assert_eq!(read.ids(9).make(), next.ids(9).make());
    }

    const PEOPLE: [&str; 5] = ["admin", "lead", "a1", "a2", "watch"];

    fn pid(s: &str) -> PersonId {
        PersonId::new(s).unwrap()
    }
    fn unit_of(id: &str, leadership: &[&str]) -> Unit {
        Unit {
            id: UnitId::new(id).unwrap(),
            name: id.into(),
            agency: AgencyId::new("x").unwrap(),
            leadership: leadership.iter().map(|l| pid(l)).collect(),
        }
    }
    fn person(id: &str, unit: &str, disabled: bool) -> Person {
        let roles: BTreeSet<Role> = match id {
            "admin" => [Role::Administrator].into(),
            "watch" => [Role::Watch, Role::Administrator].into(),
            "lead" => [Role::Field, Role::Supervisor].into(),
            _ => [Role::Field].into(),
        };
        Person {
            id: pid(id),
            name: id.into(),
            unit: UnitId::new(unit).unwrap(),
            roles,
            channels: vec![Channel::Web, Channel::Tak],
            addresses: skypicket_model::people::Addresses::default(),
            subscriptions: Vec::new(),
            tak_uid: None,
            language: Language::En,
            disabled,
        }
    }
    fn directory() -> Directory {
        let mut d = Directory::default();
        let agency = Agency { id: AgencyId::new("x").unwrap(), name: "X".into() };
        d.agencies.insert(agency.id.clone(), agency);
        for u in [unit_of("u", &["lead"]), unit_of("v", &[])] {
            d.units.insert(u.id.clone(), u);
        }
        for p in PEOPLE {
            d.people.insert(pid(p), person(p, "u", false));
        }
        d
    }

    #[derive(Debug, Clone)]
    enum Step {
        Put { who: usize, unit: bool, disabled: bool },
        Remove { who: usize },
        Lead { first: usize, second: usize },
        Stand { who: usize, east: i32 },
        Reach { who: usize, web: bool, up: bool },
        Report { who: usize, azimuth: f64 },
        Decide { kind: u8, one: usize, other: usize },
        Seconds(u8),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let who = || 0..PEOPLE.len();
        prop_oneof![
            2 => (who(), any::<bool>(), any::<bool>())
                .prop_map(|(who, unit, disabled)| Step::Put { who, unit, disabled }),
            1 => who().prop_map(|who| Step::Remove { who }),
            1 => (who(), who()).prop_map(|(first, second)| Step::Lead { first, second }),
            4 => (who(), -300..300).prop_map(|(who, east)| Step::Stand { who, east }),
            3 => (who(), any::<bool>(), any::<bool>()).prop_map(|(who, web, up)| Step::Reach { who, web, up }),
            5 => (who(), 0.0..360.0).prop_map(|(who, azimuth)| Step::Report { who, azimuth }),
            3 => (0u8..3, any::<usize>(), any::<usize>())
                .prop_map(|(kind, one, other)| Step::Decide { kind, one, other }),
            3 => (1u8..40).prop_map(Step::Seconds),
        ]
    }

    /// The log of a run: every entry, as the record has it.
    struct Run {
        engines: Engines,
        entries: Vec<Entry>,
        now: Time,
    }

    impl Run {
        fn input(&mut self, body: Body) -> Vec<Body> {
            let entry = Entry { index: self.entries.len() as u64, recorded_at: self.now, cause: None, body };
            let decisions = self.engines.step(&entry);
            let cause = Some(entry.index);
            self.entries.push(entry);
            for body in &decisions {
                let index = self.entries.len() as u64;
                self.entries.push(Entry { index, recorded_at: self.now, cause, body: body.clone() });
            }
            decisions
        }

        fn act(&mut self, by: &str, act: Act) -> Vec<Body> {
            self.input(Body::Act(ActEntry { by: pid(by), via: "web".into(), request: None, act }))
        }

        fn directory(&mut self, change: DirectoryChange) -> Vec<Body> {
            let changes = vec![change];
            if self.engines.directory().changed(&changes).is_err() {
                return Vec::new();
            }
            self.act("admin", Act::Directory { changes })
        }

        fn step(&mut self, n: usize, step: &Step) -> Vec<Body> {
            let at = |east: i32| Place {
                lat_deg: 31.76,
                lon_deg: -106.49 + f64::from(east) * 1e-5,
                alt_hae_m: Some(1_200.0),
            };
            match step {
                Step::Put { who, unit, disabled } => {
                    let person = person(PEOPLE[*who], if *unit { "u" } else { "v" }, *disabled);
                    self.directory(DirectoryChange::PutPerson { person })
                }
                Step::Remove { who } => self.directory(DirectoryChange::RemovePerson { person: pid(PEOPLE[*who]) }),
                Step::Lead { first, second } => {
                    let unit = unit_of("u", &[PEOPLE[*first], PEOPLE[*second]]);
                    self.directory(DirectoryChange::PutUnit { unit })
                }
                Step::Stand { who, east } => {
                    let person = pid(PEOPLE[*who]);
                    let via = SourceId::of_person(&person);
                    let position = Position { person, at: at(*east), accuracy_m: 8.0, observed_at: self.now, via };
                    self.input(Body::Positions { items: vec![position] })
                }
                Step::Reach { who, web, up } => {
                    let channel = if *web { Channel::Web } else { Channel::Tak };
                    self.input(Body::Reach { person: pid(PEOPLE[*who]), channel, up: *up })
                }
                Step::Report { who, azimuth } => {
                    let place = at(0);
                    let said = serde_json::json!({
                        "id": uuid::Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0000 + n as u128),
                        "reporter": PEOPLE[*who], "from": place, "from_accuracy_m": 8.0,
                        "bearing": {"azimuth_deg": azimuth, "how": "compass", "sigma_deg": 6.0}, "range": "under100",
                        "elevation_deg": 20.0, "kind": "multirotor", "count": 1, "activity": "approaching",
                        "lights": true, "sound": false, "payload": null, "words": "", "first_seen": self.now,
                        "last_seen": self.now, "marking": skypicket_model::Marking::default(),
                    });
                    let sighting = serde_json::from_value(said).unwrap();
                    self.act(PEOPLE[*who], Act::Sighting { sighting: Box::new(sighting) })
                }
                Step::Decide { kind, one, other } => {
                    let live = self.engines.tracker().tracks();
                    let pick = |n: usize| live.get(n % live.len().max(1)).map(|t| (t.id, t.sources.clone()));
                    let (Some((track, sources)), Some((with, _))) = (pick(*one), pick(*other)) else {
                        return Vec::new();
                    };
                    let why = "as seen".to_owned();
                    let act = match kind {
                        0 => TrackAct::Merge { track, with, why },
                        1 => {
                            let Some(source) = sources.get(other % sources.len().max(1)).cloned() else {
                                return Vec::new();
                            };
                            TrackAct::Split { track, part: TrackPart::Source { source }, why }
                        }
                        _ => {
                            let class = [None, Some(TrackClass::Crewed), Some(TrackClass::Drone)][other % 3];
                            TrackAct::Classify { track, class, affiliation: None, why }
                        }
                    };
                    // As at the door.
                    if self.engines.tracker().check(&act).is_err() {
                        return Vec::new();
                    }
                    self.act("watch", Act::Track(act))
                }
                Step::Seconds(s) => {
                    let mut all = Vec::new();
                    for _ in 0..*s {
                        self.now = self.now.plus_s(1.0);
                        all.extend(self.input(Body::Tick));
                    }
                    all
                }
            }
        }
    }

    fn run(steps: &[Step]) -> Run {
        let log = LogId(uuid::Uuid::from_u128(7));
        let started = Started { log, software: "t".into(), engines: ENGINES, exercise: None };
        let now = Time::from_micros(1_800_000_000_000_000);
        let mut run = Run { engines: Engines::new(&started), entries: Vec::new(), now };
        run.input(Body::Started(started));
        let policies = Policies::default().to_record().unwrap();
        run.input(Body::Configured(Configured { directory: directory(), policies }));
        for (n, step) in steps.iter().enumerate() {
            run.now = run.now.plus_s(0.25);
            let decided = run.step(n, step);
            let d = run.engines.directory();
            // Nobody is where they are not, in danger, or sent anything, who is not in the directory or is shut out.
            assert!(run.engines.positions().keys().all(|p| d.active(p).is_some()), "{step:?}");
            for p in run.engines.warner().protected() {
                let ProtectedId::Person(p) = &p.id else { continue };
                assert!(d.active(p).is_some(), "{p} is protected after {step:?}");
            }
            for body in decided {
                if let Body::Dispatch(DispatchEvent::Attempt { delivery }) = body {
                    assert!(d.active(&delivery.person).is_some(), "{delivery:?} after {step:?}");
                }
            }
            for p in d.people.keys() {
                assert!(d.leaders_of(p).iter().all(|l| d.active(l).is_some()));
            }
        }
        run
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

        /// However people come, go and lead while drones fly: the engines agree with one another, history gives the
        /// same state, and doing it all again decides the same.
        #[test]
        fn the_engines_stay_consistent_while_the_directory_changes(steps in prop::collection::vec(any_step(), 1..40)) {
            let run = run(&steps);
            let Body::Started(started) = &run.entries[0].body else { unreachable!() };
            let mut recovered = Engines::new(started);
            run.entries.iter().for_each(|e| recovered.recover(e));
            prop_assert!(recovered.snapshot().unwrap() == run.engines.snapshot().unwrap(), "recovery differs");
            let mut again = Engines::new(started);
            let mut decided = Vec::new();
            for e in run.entries.iter().filter(|e| e.body.is_input()) {
                decided.extend(again.step(e).into_iter().map(|b| (e.index, b)));
            }
            let recorded: Vec<(u64, Body)> =
                run.entries.iter().filter_map(|e| Some((e.cause?, e.body.clone()))).collect();
            prop_assert!(decided == recorded, "recomputing differs");
        }
    }

    #[test]
    fn the_reports_of_a_track_that_is_merged_feed_the_other_and_how_it_ended_stands_in_the_record() {
        let mut run = run(&[]);
        // A drone that says where it is, and what somebody reports half a kilometre from there.
        let heard: skypicket_model::Observation = serde_json::from_value(serde_json::json!({
            "id": uuid::Uuid::from_u128(5), "source": "rid-1", "observed_at": run.now, "received_at": run.now,
            "measurement": {"kind": "position", "at": {"lat_deg": 31.765, "lon_deg": -106.49, "alt_hae_m": 1_250.0},
                "cov_enu_m2": [[25.0, 0.0, 0.0], [0.0, 25.0, 0.0], [0.0, 0.0, 25.0]]},
            "claims": {"ids": [{"kind": "serial", "value": "S1"}]}, "signal": {},
        }))
        .unwrap();
        run.input(Body::Observations { items: vec![heard] });
        let drone = run.engines.tracker().tracks()[0].id;
        run.now = run.now.plus_s(1.0);
        run.step(8, &Step::Report { who: 3, azimuth: 90.0 });
        run.step(0, &Step::Seconds(1));
        let fed = |run: &Run| run.engines.desk().sightings().next().unwrap().track.unwrap();
        let reported = fed(&run);
        assert_ne!(reported, drone);
        let decided = run.step(9, &Step::Decide { kind: 0, one: 0, other: 1 });
        assert_eq!((run.engines.tracker().tracks().len(), fed(&run)), (1, drone));
        let tracks = decided.iter().filter_map(|b| if let Body::Tracks { items } = b { Some(items) } else { None });
        let ended = tracks.flatten().find(|t| t.id == reported).unwrap();
        assert_eq!((ended.state, merged(ended)), (TrackState::Deleted, Some((reported, drone))));
        // Parted again, the report feeds the new one.
        run.step(10, &Step::Decide { kind: 1, one: 0, other: 0 });
        let new = run.engines.tracker().tracks().into_iter().find(|t| t.id != drone).unwrap();
        assert_eq!((fed(&run), &new.sources[..]), (new.id, &[SourceId::of_person(&pid("a2"))][..]));
    }

    #[test]
    fn the_runs_above_do_warn_somebody() {
        let at = |k: usize| Step::Stand { who: k, east: 10 };
        let up = |k: usize| Step::Reach { who: k, web: true, up: true };
        let report = |azimuth: f64| Step::Report { who: 3, azimuth };
        let steps = [at(2), up(2), report(90.0), Step::Seconds(1), report(91.0), Step::Seconds(3)];
        let warned = |run: &Run| {
            run.entries.iter().any(|e| {
                matches!(&e.body, Body::Dispatch(DispatchEvent::Attempt { delivery }) if delivery.person == pid("a1"))
            })
        };
        assert!(warned(&run(&steps)));
        let shut = [Step::Put { who: 2, unit: true, disabled: true }];
        assert!(!warned(&run(&[&shut, &steps[..]].concat())));
    }
}
