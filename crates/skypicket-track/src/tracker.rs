//! [`Tracker`]: the sky with a book about it.
//!
//! Where things fly, how surely, and what belongs to what by its place is for the [sky](crate::sky) to say. The book is
//! about the rest: an observation goes through the door, to the track of its emitter or identity if their places agree,
//! else to the track that explains it best, else it starts one; then names are settled: two tracks of one name that
//! agree in place become the older one, two that do not both stay, with evidence. A second's tick shows every track
//! where it is by now and ends those that nobody has seen for long. People at the centre can say that two are one, that
//! one is two, and what one is ([`Tracker::act`]).

mod acts;

use crate::{
    identity::{self, Emitter, Fix, Memory, emitter},
    measurement::{Kind, Plot, Ray, Unusable, examine},
    settings::{FORGET_S, Settings},
    sky::{
        self, Registration, Sky,
        lone::{Joined, Lone, Odds},
    },
    track::{Live, Said, tell},
    trust::{self, Doubt, Flood, Floods, Radios, radio},
    unresolved::UnresolvedList,
};
use acts::Decisions;
use serde::{Deserialize, Serialize};
use skypicket_model::{
    IdMaker, Observation, OwnFlight, PersonId, Place, SightingId, SourceId, Time, Track, TrackChange, TrackEvent,
    TrackId, TrackState,
    kinematics::AirClass,
    lineage::DropReason,
    observation::{IdClaim, IdKind},
};
use std::collections::{BTreeMap, BTreeSet};

/// Tracks of one name that are compared with each other at most: bounds what a flood of one name costs.
const NAMESAKES: usize = 16;
/// What somebody else's word is worth, what the same person's next one is, and what a presence is: odds.
const ANOTHER_PERSON: f64 = 20.0;
const HARDLY_MORE: f64 = 1.2;
/// A report in which so much speaks for a track is of it.
const LIKELIER: f64 = 0.5;

/// The tracker. Its whole state serializes (to formats with any map key, such as CBOR); one that was read back goes on
/// bit for bit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tracker {
    settings: Settings,
    now: Option<Time>,
    sky: Sky,
    tracks: BTreeMap<TrackId, Box<Live>>,
    /// Which track a thing in the sky is.
    of_body: BTreeMap<u64, TrackId>,
    memory: Memory,
    /// Who was heard lately, receiver by receiver.
    #[serde(default)]
    radios: Radios,
    /// New names, source by source.
    #[serde(default)]
    floods: Floods,
    /// Tracks that make room when there are too many, the least trusted first, then the oldest.
    #[serde(default)]
    weak: BTreeSet<(u8, Time, TrackId)>,
    /// Those that did so just now, as they ended.
    #[serde(skip)]
    made_room: Vec<Track>,
    unresolved: UnresolvedList,
    own_flights: Vec<OwnFlight>,
    refused_starts: u64,
    refused: BTreeMap<String, u64>,
    /// How far off sources are, as each was when something was last learned of it.
    #[serde(default)]
    registrations: BTreeMap<SourceId, Registration>,
    /// What people decided that holds from then on.
    #[serde(default)]
    decisions: Decisions,
    /// Room for what is near: in the sky, and as tracks.
    #[serde(skip)]
    near: (Vec<u64>, Vec<TrackId>),
}

/// An observation at work.
struct Report<'a> {
    o: &'a Observation,
    plot: Plot,
    /// The same for the sky; none of a presence.
    lone: Option<Lone>,
    kind: Kind,
    at: Time,
    now: Time,
    emitter: Option<Emitter>,
    /// The emitter was heard before.
    returns: bool,
    /// What it claims, or what its emitter claimed in other frames.
    ids: Vec<IdClaim>,
}

/// What ties a report to a track besides their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tie {
    /// Nothing.
    Place,
    /// The same emitter or identity.
    Identity,
}

/// How a report is joined to a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Its measurement updates the state.
    Update,
    /// Same emitter, out of the gate but within flying distance: the state starts again there.
    Restart,
    /// It speaks for existence and identity; the state stays.
    Support,
    /// The same message again: nothing new but that it is still heard.
    Repeat,
}

impl Tracker {
    /// An empty tracker. Settings are to be [checked](Settings::check) where they are read: instead of what the sky cannot work
    /// with it goes by its defaults, all of them, and [says](Self::settings) so.
    pub fn new(settings: Settings) -> Self {
        let made = [settings, Settings::default()].into_iter().find_map(|s| Some((Sky::world(s.sky()).ok()?, s)));
        let (sky, settings) = made.unwrap_or_else(|| (Sky::of_defaults(), Settings::default()));
        Self {
            sky,
            settings,
            now: None,
            tracks: BTreeMap::new(),
            of_body: BTreeMap::new(),
            memory: Memory::default(),
            radios: Radios::default(),
            floods: Floods::default(),
            weak: BTreeSet::new(),
            made_room: Vec::new(),
            unresolved: UnresolvedList::default(),
            own_flights: Vec::new(),
            refused_starts: 0,
            refused: BTreeMap::new(),
            registrations: BTreeMap::new(),
            decisions: Decisions::default(),
            near: (Vec::new(), Vec::new()),
        }
    }

    /// Takes an observation; `now` is the entry's time. Gives the tracks changed by it, by id: started, updated, and
    /// merged away (state deleted). What cannot be used changes nothing and is counted.
    pub fn observe(&mut self, o: &Observation, ids: &mut IdMaker, now: Time) -> Vec<Track> {
        let now = self.advance(now);
        let (plot, at) = match examine(o, now, &self.settings) {
            Ok(fine) => fine,
            Err(why) => {
                self.refuse(why);
                return Vec::new();
            }
        };
        let emitter = emitter(o);
        let known = emitter.as_ref().and_then(|e| self.memory.recent(e, now, self.settings.address_s));
        // An emitter's earlier claims hold for frames that claim nothing.
        let ids_claimed = match known {
            Some(h) if o.claims.ids.is_empty() => h.ids.clone(),
            _ => o.claims.ids.clone(),
        };
        let before = known.and_then(|h| h.fix);
        let returns = known.is_some();
        let kind = Kind::of(o);
        let lone = self.lone(&plot, kind, &o.source, at);
        if lone.is_none() && !matches!(plot, Plot::Presence { .. }) {
            self.refuse(Unusable::Unsound);
            return Vec::new();
        }
        let report = Report { o, plot, lone, kind, at, now, emitter, returns, ids: ids_claimed };
        let mut changed = BTreeSet::new();
        let joined = match self.associate(&report) {
            Some((id, how)) => {
                self.join(id, &report, how);
                Some(id)
            }
            None => self.begin(&report, ids),
        };
        self.learn(&report);
        self.remember(&report, joined);
        let mut ended = std::mem::take(&mut self.made_room);
        if let Some(id) = joined {
            changed.insert(id);
            self.doubt(&report, id, before.as_ref(), &mut changed);
            let survivor = self.settle(id, now, &mut changed, &mut ended);
            changed.insert(survivor);
        }
        for id in &changed {
            self.rank(*id, now);
        }
        let mut out = ended;
        out.extend(changed.iter().filter_map(|id| self.tracks.get(id)).filter_map(|t| self.show(t, t.at, now)));
        out.sort_by_key(|t| t.id);
        out
    }

    /// A second passed: every live track predicted to `now`, and those that end now (state deleted, once), by id.
    pub fn tick(&mut self, now: Time) -> Vec<Track> {
        let now = self.advance(now);
        self.unresolved.expire(now, self.settings.unresolved_s);
        self.floods.pass(now, &self.settings.trust);
        let mut over = Vec::new();
        let mut out = Vec::with_capacity(self.tracks.len());
        for t in self.tracks.values() {
            let Some((stands, existence)) = self.sky.look_at(t.body, now.unix_s()) else { continue };
            let mut shown = t.to_track((&stands, now), existence, now, &self.settings, &self.own_flights);
            if !self.lasts(t, existence, now) {
                over.push(t.id);
                let quiet = t.confirmed || now.since_s(t.at) >= FORGET_S;
                let why = if quiet { DropReason::Silence } else { DropReason::Doubt };
                shown = shown.map(|t| dropped(t, now, why));
            }
            out.extend(shown);
        }
        for id in over {
            self.forget(id);
        }
        out
    }

    /// A live track as it was last updated.
    pub fn track(&self, id: TrackId) -> Option<Track> {
        self.tracks.get(&id).and_then(|t| self.show(t, t.at, self.now.unwrap_or(t.at)))
    }

    /// Every live track as it was last updated, by id.
    pub fn tracks(&self) -> Vec<Track> {
        self.tracks.values().filter_map(|t| self.show(t, t.at, self.now.unwrap_or(t.at))).collect()
    }

    /// A person takes a sighting back. A track that rests on nothing else ends (it is given with state deleted); any
    /// other stays where it is, and one that is left resting on a single person is tentative again.
    pub fn retract(&mut self, sighting: SightingId, now: Time) -> Vec<Track> {
        let now = self.advance(now);
        self.unresolved.retract(sighting);
        let touched: Vec<TrackId> =
            self.tracks.values().filter(|t| t.sightings.iter().any(|s| s.0 == sighting)).map(|t| t.id).collect();
        let mut out = Vec::new();
        for id in touched {
            let Some(t) = self.tracks.get_mut(&id) else { continue };
            if t.by_people_only() && t.unsighted == 0 && t.sightings.iter().all(|s| s.0 == sighting) {
                out.extend(self.end(id, now, DropReason::Retracted));
                continue;
            }
            let person = t.sightings.iter().find(|s| s.0 == sighting).map(|s| s.1.clone());
            t.sightings.retain(|s| s.0 != sighting);
            if let Some(person) = person
                && !t.sightings.iter().any(|s| s.1 == person)
            {
                t.seen.remove(&person);
            }
            if t.by_people_only() && t.seen.len() < 2 && !t.by_desk {
                if std::mem::take(&mut t.confirmed) {
                    t.happened(now, TrackChange::Doubted);
                }
                let existence = self.sky.existence(t.body).unwrap_or(0.0);
                self.sky.believe(t.body, existence.min(self.settings.kinds.person.start));
            }
            out.extend(self.tracks.get(&id).and_then(|t| self.show(t, t.at, now)));
        }
        out
    }

    /// A person at the desk confirmed a sighting: the tracks that it feeds are confirmed.
    pub fn confirm(&mut self, sighting: SightingId, now: Time) -> Vec<Track> {
        let now = self.advance(now);
        let mut out = Vec::new();
        let fed: Vec<TrackId> =
            self.tracks.values().filter(|t| t.sightings.iter().any(|s| s.0 == sighting)).map(|t| t.id).collect();
        for id in fed {
            let Some(t) = self.tracks.get_mut(&id) else { continue };
            t.by_desk = true;
            let existence = self.sky.existence(t.body).unwrap_or(0.0).max(self.settings.confirm);
            self.sky.believe(t.body, existence);
            t.confirm_if_due(existence, now, &self.settings);
            out.extend(self.tracks.get(&id).and_then(|t| self.show(t, t.at, now)));
        }
        out
    }

    /// The friendly flights, whole. A track is `own` while its serial is a flight's, it is inside that flight's area
    /// (give or take its three sigmas) and time, and its name is neither disputed nor suspect.
    pub fn set_own_flights(&mut self, flights: &[OwnFlight]) {
        self.own_flights = flights.to_vec();
    }

    /// Other settings from here on; what is tracked stays. Those that the sky cannot work with change nothing:
    /// [`Self::settings`] says which hold.
    pub fn set_settings(&mut self, settings: Settings) {
        if self.sky.set_settings(settings.sky()).is_ok() {
            self.settings = settings;
        }
    }

    /// The settings it goes by.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Tracks that were not started because there were too many.
    pub fn refused_starts(&self) -> u64 {
        self.refused_starts
    }

    /// Observations that could not be used.
    pub fn refused_measurements(&self) -> u64 {
        self.refused.values().sum()
    }

    /// The same by reason (`place`, `covariance`, `range`, `angle`, `components`, `identity`, `stale`, `unsound`).
    pub fn refused_by_reason(&self) -> &BTreeMap<String, u64> {
        &self.refused
    }

    /// How far off sources are whose reports could be held against things that say where they are: radars, and finders of
    /// directions that read who it is; each as it was when something was last learned of it.
    pub fn registrations(&self) -> &BTreeMap<SourceId, Registration> {
        &self.registrations
    }

    /// Floods of new names that are on, by source.
    pub fn floods(&self) -> impl Iterator<Item = (&SourceId, Flood)> {
        self.floods.on()
    }

    /// Directions kept that no track explains yet.
    pub fn unresolved(&self) -> usize {
        self.unresolved.len()
    }

    fn refuse(&mut self, why: Unusable) {
        *self.refused.entry(why.word().into()).or_default() += 1;
    }

    /// A track as it is shown: where it was, or will be, at `at`.
    fn show(&self, t: &Live, at: Time, now: Time) -> Option<Track> {
        let (stands, existence) = self.sky.look_at(t.body, at.unix_s())?;
        t.to_track((&stands, at.max(t.at)), existence, now, &self.settings, &self.own_flights)
    }

    /// The latest `now` so far: it never goes back.
    fn advance(&mut self, now: Time) -> Time {
        let now = self.now.map_or(now, |t| t.max(now));
        self.now = Some(now);
        self.sky.pass(now.unix_s());
        now
    }

    /// Enough speaks for a track to keep it.
    fn is_there(&self, t: &Live, now: Time) -> bool {
        self.sky.existence(t.body).is_some_and(|r| self.lasts(t, r, now))
    }

    /// The same, as sure as it is.
    fn lasts(&self, t: &Live, existence: f64, now: Time) -> bool {
        existence > self.settings.delete && now.since_s(t.at) < FORGET_S
    }

    /// A measurement for the sky, with what its source is mistaken about.
    fn lone(&mut self, plot: &Plot, kind: Kind, source: &SourceId, at: Time) -> Option<Lone> {
        let (own, s) = (self.settings.sources.get(source), &self.settings);
        let odds = match kind {
            Kind::Radar => Odds {
                pd: own.and_then(|o| o.detection_probability).unwrap_or(s.detection_probability),
                untrue: own.and_then(|o| o.clutter_density_per_m2).unwrap_or(s.clutter_density_per_m2),
                who: number(source),
            },
            _ => Odds {
                pd: 1.0,
                untrue: own.and_then(|o| o.clutter_density_per_m2).unwrap_or(0.0),
                who: if kind == Kind::Direction { number(source) } else { 0 },
            },
        };
        let (t, reach) = (at.unix_s(), s.ray_reach_m);
        match plot {
            Plot::Point(p) => self.sky.lone_place(t, p.place, &p.cov, odds),
            Plot::Echo { from, m } => self.sky.lone_plot(t, *from, *m, odds),
            Plot::Ray(r) => self.sky.lone_look(t, r.from, r.sight(), r.measured(), r.reach_m(reach), odds),
            Plot::Presence { .. } => None,
        }
    }

    /// Tracks of things in the sky.
    fn tracks_of(&self, (bodies, tracks): &mut (Vec<u64>, Vec<TrackId>)) {
        tracks.clear();
        tracks.extend(bodies.iter().filter_map(|b| self.of_body.get(b)));
    }

    /// How a report compares with a track, if it can be of it.
    fn admits(&mut self, id: TrackId, r: &Report, tie: Tie) -> Option<sky::lone::Compared> {
        let t = self.tracks.get(&id)?;
        let lone = r.lone.as_ref()?;
        if !self.is_there(t, r.now) {
            return None;
        }
        let c = self.sky.compare(t.body, lone, tie == Tie::Identity)?;
        let s = &self.settings;
        let fine = match (&r.plot, tie) {
            (Plot::Ray(_), Tie::Place) => c.d2 <= s.ray_gate_d2,
            (Plot::Ray(_), Tie::Identity) => c.d2 <= 2.0 * s.ray_gate_d2,
            (_, Tie::Identity) => c.d2 <= s.identity_gate_sigma * s.identity_gate_sigma,
            // Without an identity it must be likelier the track's than false or of something new: so a vague track does not
            // swallow everything that appears within its four sigmas.
            (_, Tie::Place) => c.d2 <= s.gate_sigma * s.gate_sigma && c.chance > LIKELIER,
        };
        fine.then_some(c)
    }

    /// The live tracks of the report's emitter and identities, the emitter's first.
    fn tied(&self, r: &Report) -> Vec<TrackId> {
        let by_address = r
            .emitter
            .as_ref()
            .and_then(|e| self.memory.recent(e, r.now, self.settings.address_s))
            .and_then(|h| h.track)
            .filter(|id| self.tracks.get(id).is_some_and(|t| !t.contradicts(&r.o.claims.ids)));
        let mut out: Vec<TrackId> = by_address.into_iter().collect();
        for id in r.ids.iter().filter(|c| identity::names_one_thing(c.kind)) {
            for track in self.memory.under(id).take(NAMESAKES) {
                if !out.contains(&track) && self.tracks.get(&track).is_some_and(|t| t.established().any(|c| c == *id)) {
                    out.push(track);
                }
            }
        }
        if !self.decisions.is_empty() {
            self.decisions.tie(r, &mut out);
            let bars = |id: &TrackId| self.decisions.bars(*id, &r.ids, r.emitter.as_ref());
            out.retain(|id| self.tracks.contains_key(id) && !bars(id));
        }
        out
    }

    /// Which track a report is of, and how it joins it.
    fn associate(&mut self, r: &Report) -> Option<(TrackId, How)> {
        let tied = self.tied(r);
        let Some(lone) = &r.lone else {
            let Plot::Presence { from, radius_m } = &r.plot else { return None };
            return self.associate_presence(r, &tied, from.zip(*radius_m));
        };
        let known = r.emitter.as_ref().and_then(|e| self.memory.recent(e, r.now, self.settings.address_s));
        let last = known.and_then(|h| h.fix.zip(h.track)).filter(|(_, id)| self.tracks.contains_key(id));
        if let Some((fix, track)) = last
            && tied.contains(&track)
            && repeats(&fix, r)
            && self.decisions.other(track, &r.o.source).is_none()
        {
            return Some((track, How::Repeat));
        }
        if let Some(found) = self.likeliest(&tied, r, Tie::Identity) {
            return Some((found, How::Update));
        }
        if let Some(found) = self.bound(r) {
            return Some((found, How::Support));
        }
        if let Some(found) = self.part_of_its_own(&tied, r) {
            return Some((found, How::Restart));
        }
        // The emitter's own track, out of the gate: it turned harder than anybody thinks, or was not heard for long.
        if let (Some((before, track)), Plot::Point(_)) = (last, &r.plot)
            && let track = self.decisions.other(track, &r.o.source).unwrap_or(track)
            && tied.contains(&track)
            && let Some(t) = self.tracks.get(&track)
            && let Some(after) = fix(r)
        {
            let limit = trust::limit_mps(t.class().map(|c| c.0), r.o, &self.settings.trust);
            if !trust::jumped(&before, &after, limit, &self.settings.trust) {
                return Some((track, if r.at >= t.at { How::Restart } else { How::Support }));
            }
        }
        let mut near = std::mem::take(&mut self.near);
        self.sky.near(lone, &mut near.0);
        self.tracks_of(&mut near);
        let found = self.likeliest(&near.1, r, Tie::Place);
        self.near = near;
        found.map(|found| (found, How::Update)).or_else(|| Some((self.shifted(r)?, How::Support)))
    }

    /// Of these the one that was part of another until somebody split the two, and was not heard of since: until then both are
    /// where the whole was thought to be, and each is where it says itself.
    fn part_of_its_own(&self, tied: &[TrackId], r: &Report) -> Option<TrackId> {
        let Plot::Point(p) = &r.plot else { return None };
        let split = |e: &&TrackEvent| matches!(e.what, TrackChange::SplitFrom { .. } | TrackChange::SplitOff { .. });
        let waits =
            |t: &&Live| t.lineage.iter().rev().find(split).is_some_and(|e| t.measured_at <= e.at && r.at >= t.at);
        let all = tied.iter().filter_map(|id| self.tracks.get(id).map(|t| &**t)).filter(waits);
        let fits = |t: &Live| {
            let (there, _) = self.sky.state_at(t.body, r.at.unix_s()).and_then(|m| m.on_earth())?;
            Some(there.distance_and_bearing(p.place).0 < acts::APART_M)
        };
        all.filter(|t| fits(t) == Some(true)).map(|t| t.id).min()
    }

    /// Of these the likeliest that the report can be of, weighed by existence; the smaller id on a tie, so that order never
    /// matters.
    fn likeliest(&mut self, ids: &[TrackId], r: &Report, tie: Tie) -> Option<TrackId> {
        let mut best: Option<(f64, TrackId)> = None;
        let same_scan_s = self.settings.same_scan_s;
        let taken = |t: &Live| {
            let same_scan = |last: &Time| r.at.since_s(*last).abs() < same_scan_s;
            r.kind == Kind::Radar && t.seen.get(&r.o.source).is_some_and(same_scan)
        };
        for id in ids {
            let Some(t) = self.tracks.get(id) else { continue };
            if taken(t) || (tie == Tie::Place && self.is_other(t, r)) {
                continue;
            }
            let Some(c) = self.admits(*id, r, tie) else { continue };
            // What a person parted: a source is of the one that it was given to, while that can be.
            if let Some(other) = self.decisions.other(*id, &r.o.source)
                && ids.contains(&other)
                && self.tracks.get(&other).is_some_and(|t| !taken(t))
                && self.admits(other, r, tie).is_some()
            {
                continue;
            }
            if best.is_none_or(|(ln, other)| c.ln > ln || (c.ln.total_cmp(&ln).is_eq() && *id < other)) {
                best = Some((c.ln, *id));
            }
        }
        best.map(|b| b.1)
    }

    /// A presence goes to the track of its emitter or name; or to the only one that is near.
    fn associate_presence(
        &mut self,
        r: &Report,
        tied: &[TrackId],
        around: Option<(Place, f64)>,
    ) -> Option<(TrackId, How)> {
        if let Some(id) = tied.iter().find(|id| self.tracks.get(id).is_some_and(|t| self.is_there(t, r.now))) {
            return Some((*id, How::Support));
        }
        let (from, radius) = around?;
        let mut near = std::mem::take(&mut self.near);
        self.sky.near_place(from, 4.0 * radius, &mut near.0);
        self.tracks_of(&mut near);
        let mut inside = near.1.iter().copied().filter(|id| {
            self.tracks.get(id).is_some_and(|t| {
                let then = self.sky.state_then(t.body, r.at.unix_s());
                let at = then.and_then(|s| Some((s.on_earth()?.0, s.over_ground())));
                let within = |(place, spread): (Place, f64)| {
                    from.distance_and_bearing(place).0 <= 2.0 * libm::hypot(radius, spread)
                };
                self.is_there(t, r.now) && !self.is_other(t, r) && at.is_some_and(within)
            })
        });
        let found = match (inside.next(), inside.next()) {
            (Some(only), None) => Some((only, How::Support)),
            _ => None,
        };
        self.near = near;
        found
    }

    /// The track is known to be something else than the report is of: another identity, or another address on the same
    /// bearer heard just now.
    fn is_other(&self, t: &Live, r: &Report) -> bool {
        let other_address = |e: &Emitter| {
            let recent = |at: &Time| r.now.since_s(*at) <= self.settings.address_s;
            !t.addresses.contains_key(e) && t.addresses.iter().any(|(own, at)| own.0 == e.0 && recent(at))
        };
        t.contradicts(&r.ids)
            || r.emitter.as_ref().is_some_and(other_address)
            || self.decisions.bars(t.id, &r.ids, r.emitter.as_ref())
    }

    /// Joins a report to a live track.
    fn join(&mut self, id: TrackId, r: &Report, how: How) {
        self.hear(id, r);
        let Some(t) = self.tracks.get_mut(&id) else { return };
        let new_source = !t.seen.contains_key(&r.o.source);
        // People are believed by how many they are, not by how well they point.
        let witness = r.kind != Kind::Person;
        let joined = match (how, &r.lone) {
            (How::Update, Some(lone)) => self.sky.join_lone(t.body, lone, witness),
            (How::Restart, Some(lone)) if self.sky.restart(t.body, lone, velocity(r)) => Joined::Moved,
            (How::Restart, Some(_)) => Joined::Unsound,
            _ => Joined::Late,
        };
        match joined {
            Joined::Moved => {
                t.at = t.at.max(r.at);
                t.measured_at = t.measured_at.max(r.at);
                // What is doubted is no measure for others.
                if r.kind == Kind::Cooperative
                    && let Some(lone) = &r.lone
                    && !t.doubts.any(r.now, self.settings.trust.hold_s)
                {
                    self.sky.says_itself(t.body, lone);
                }
            }
            Joined::Late => {}
            Joined::Unsound => *self.refused.entry(Unusable::Unsound.word().into()).or_default() += 1,
        }
        if how != How::Repeat && joined != Joined::Unsound {
            match (how, r.kind) {
                (How::Update, Kind::Person) if new_source => self.sky.support(t.body, ANOTHER_PERSON),
                (How::Update, Kind::Person) | (How::Support, _) => self.sky.support(t.body, HARDLY_MORE),
                _ => {}
            }
        }
        self.credit(id, r, how);
        self.name(id, r);
    }

    /// What a report tells of how far off its own source is.
    fn learn(&mut self, r: &Report) {
        let Some(lone) = r.lone.as_ref().filter(|_| matches!(r.kind, Kind::Radar | Kind::Direction)) else { return };
        if r.kind == Kind::Direction && !r.o.claims.ids.is_empty() {
            // A finder that read in the emission who it is cannot have taken it for another, also where it points far beside
            // it; where it read nothing, it can. What is doubted is no measure for others.
            let read = |t: &Live| t.established().any(|own| r.o.claims.ids.contains(&own));
            let trusted = |t: &Live| !t.doubts.any(r.now, self.settings.trust.hold_s);
            let of = self.tied(r).into_iter().filter_map(|id| self.tracks.get(&id));
            let bodies: Vec<u64> = of.filter(|t| read(t) && trusted(t)).map(|t| t.body).collect();
            // Two of one name: nobody knows which of them it was.
            if let [body] = bodies[..] {
                self.sky.learn_direction(body, lone);
            }
        }
        if let Some(learned) = self.sky.registration_of(lone) {
            let room = self.registrations.len() < sky::MOST_SENSORS;
            match self.registrations.get_mut(&r.o.source) {
                Some(known) => *known = *learned,
                None if room => drop(self.registrations.insert(r.o.source.clone(), *learned)),
                None => {}
            }
        }
    }

    /// A track is heard of: until now it faded, and from now on somebody else may take as long again.
    fn hear(&mut self, id: TrackId, r: &Report) {
        let Some(t) = self.tracks.get(&id) else { return };
        let interval = self.settings.interval_s(r.kind, &r.o.source);
        self.sky.heard(t.body, r.kind as u8, interval, self.settings.kind(r.kind).hold_s);
    }

    /// What a report adds to a track besides its state.
    fn credit(&mut self, id: TrackId, r: &Report, how: How) {
        let Some(t) = self.tracks.get_mut(&id) else { return };
        t.saw(&r.o.source, r.at);
        if let Some(e) = &r.emitter {
            t.heard_from(e, r.now);
            t.said_by(&r.o.source, Said::Address(e.clone()));
        }
        if r.o.claims.height_takeoff_m.is_some_and(f64::is_finite) {
            t.height_takeoff_m = r.o.claims.height_takeoff_m;
        }
        if how == How::Repeat {
            return;
        }
        t.rests_on(r.o.id);
        let person = r.kind == Kind::Person;
        if let Some(class) = r.o.claims.class {
            // Aircraft with a transponder say at once what they are: the first message must not alarm anybody. Of what others saw
            // before that, one message must not make an aircraft: it would silence the warnings of a drone.
            let first = t.machine == 0 && t.sightings.is_empty() && t.unsighted == 0;
            let transponder = first && class == AirClass::Crewed && r.o.claims.id(IdKind::Icao).is_some();
            t.classes.vote(
                &class,
                if person {
                    0.4
                } else if transponder {
                    3.0
                } else {
                    1.0
                },
            );
        }
        match (person, r.o.sighting) {
            (true, Some(sighting)) => t.sighted(sighting, &r.o.source),
            (true, None) => t.unsighted += 1,
            (false, _) => t.machine += 1,
        }
        if r.kind == Kind::Radar {
            t.plots = t.plots.saturating_add(1);
        } else if !person && how != How::Support {
            t.not_radar += 1;
        }
        let existence = self.sky.existence(t.body).unwrap_or(0.0);
        t.confirm_if_due(existence, r.now, &self.settings);
    }

    /// Starts a track from a report that no track explains, or keeps it for later.
    fn begin(&mut self, r: &Report, ids: &mut IdMaker) -> Option<TrackId> {
        let room = match r.kind {
            Kind::Person => self.settings.max_tracks,
            _ => self.settings.max_tracks.saturating_sub(self.settings.people_reserve),
        };
        let full = self.tracks.len() >= room && !self.make_room(r);
        let start = self.settings.kind(r.kind).start;
        let mut supporters = Vec::new();
        let crossed = matches!(&r.plot, Plot::Ray(ray) if ray.range.is_none());
        let body = match (&r.plot, &r.lone) {
            (Plot::Presence { .. }, _) | (_, None) => return None,
            (Plot::Ray(ray), _) if crossed => {
                if full {
                    self.unresolved.keep(self.settings.unresolved_max, r.at, r.o, ray);
                    self.refused_starts += 1;
                    return None;
                }
                let sky = &self.sky;
                let right = |source: &SourceId, ray: &Ray| {
                    ray.as_measured(&sky.look_put_right(number(source), ray.from, ray.sight(), &ray.measured()))
                };
                let found = self.unresolved.crossing(ray, r.at, &r.o.source, &self.settings, right);
                let Some((crossing, other)) = found else {
                    self.unresolved.keep(self.settings.unresolved_max, r.at, r.o, ray);
                    return None;
                };
                supporters.push(other);
                self.sky.begin_at(r.at.unix_s(), crossing.place, crossing.cov, start)
            }
            _ if full => {
                self.refused_starts += 1;
                return None;
            }
            (_, Some(lone)) => {
                let body = self.sky.begin_lone(lone, velocity(r), start);
                if body.is_some() && matches!(&r.plot, Plot::Ray(_)) {
                    supporters = self.unresolved.take(|u| u.observation.source != r.o.source);
                }
                body
            }
        };
        let Some(body) = body else {
            self.refuse(Unusable::Unsound);
            return None;
        };
        let id = TrackId(ids.make());
        let mut live = Live::new(id, body, r.at);
        let met = supporters.iter().filter(|_| crossed).map(|u| &u.observation.source);
        let sources = std::iter::once(&r.o.source).chain(met).cloned().collect();
        live.happened(r.now, TrackChange::Started { by: r.kind, sources });
        live.returned = r.returns;
        self.tracks.insert(id, Box::new(live));
        self.of_body.insert(body, id);
        self.hear(id, r);
        self.credit(id, r, How::Update);
        self.name(id, r);
        if r.kind == Kind::Cooperative
            && !r.returns
            && self.floods.begins(&r.o.source, r.now, &self.settings.trust)
            && let Some(t) = self.tracks.get_mut(&id)
        {
            t.doubts.note(Doubt::IdentityFlood, r.now);
        }
        // Earlier directions that the new track explains speak for it; those that it does not are kept on.
        for u in supporters {
            let kind = Kind::of(&u.observation);
            let plot = Plot::Ray(u.ray.clone());
            let lone = self.lone(&plot, kind, &u.observation.source, u.at);
            let earlier = Report {
                o: &u.observation,
                plot,
                lone,
                kind,
                at: u.at,
                now: r.now,
                emitter: None,
                returns: false,
                ids: Vec::new(),
            };
            if crossed {
                // Where two cross, the state holds both already.
                if let Some(t) = self.tracks.get_mut(&id) {
                    t.since = t.since.min(u.at);
                }
                self.hear(id, &earlier);
                self.credit(id, &earlier, How::Support);
            } else if self.admits(id, &earlier, Tie::Place).is_some() {
                self.join(id, &earlier, How::Update);
            } else {
                self.unresolved.keep(self.settings.unresolved_max, u.at, &u.observation, &u.ray);
            }
        }
        Some(id)
    }

    /// The least trusted of those that only claim to be there ends, so that something new finds room: whether one did.
    fn make_room(&mut self, r: &Report) -> bool {
        if matches!(r.plot, Plot::Presence { .. }) {
            return false;
        }
        while let Some((strength, since, id)) = self.weak.pop_first() {
            let weak = self.tracks.get(&id).is_some_and(|t| t.weak == Some((strength, since)));
            if weak {
                let ended = self.end(id, r.now, DropReason::Doubt);
                self.made_room.extend(ended);
                return true;
            }
        }
        false
    }

    /// Where a track stands among those that make room.
    fn rank(&mut self, id: TrackId, now: Time) {
        let Some(t) = self.tracks.get_mut(&id) else { return };
        let is = t.weakness(now, &self.settings);
        if t.weak == is {
            return;
        }
        if let Some((strength, since)) = std::mem::replace(&mut t.weak, is) {
            self.weak.remove(&(strength, since, id));
        }
        self.weak.extend(is.map(|(strength, since)| (strength, since, id)));
    }

    /// The track is known under the report's names from now on.
    fn name(&mut self, id: TrackId, r: &Report) {
        let Some(t) = self.tracks.get_mut(&id) else { return };
        for claim in &r.ids {
            t.said_by(&r.o.source, Said::Name(claim.clone()));
            // A frame without claims repeats what its emitter said: it ties, but is no new claim.
            let weight = if r.o.claims.ids.is_empty() { 0.0 } else { 1.0 };
            if weight == 0.0 && t.ids.values().any(|own| own == claim) {
                continue;
            }
            if let Some(gone) = t.ids.vote(claim, if weight > 0.0 { weight } else { 0.5 }) {
                self.memory.forget(id, std::iter::once(&gone));
            }
            t.call(claim, r.now);
            self.memory.name(claim, id);
        }
    }

    /// Keeps what an emitter said and where.
    fn remember(&mut self, r: &Report, joined: Option<TrackId>) {
        let Some(e) = &r.emitter else { return };
        let old = self.memory.recent(e, r.now, self.settings.address_s);
        let last = old.and_then(|h| h.fix);
        // The place of an old message that comes again says nothing of when it was there.
        let place = if last.is_some_and(|f| repeats(&f, r)) { last } else { fix(r).or(last) };
        let heard = identity::Heard {
            at: r.now,
            ids: r.ids.clone(),
            track: joined.or_else(|| old.and_then(|h| h.track)),
            fix: place,
        };
        self.memory.remember(e, heard, self.settings.emitters_max);
    }

    /// Evidence from a report, and from where its emitter was before.
    fn doubt(&mut self, r: &Report, id: TrackId, before: Option<&Fix>, changed: &mut BTreeSet<TrackId>) {
        if r.kind != Kind::Cooperative {
            return;
        }
        let class = self.tracks.get(&id).and_then(|t| t.class()).map(|c| c.0);
        let mut found = trust::of_claim(r.o, &self.settings.trust);
        let limit = trust::limit_mps(class, r.o, &self.settings.trust);
        if let (Some(before), Some(after)) = (before, fix(r))
            && !repeats(before, r)
            && trust::jumped(before, &after, limit, &self.settings.trust)
        {
            found.push(Doubt::ImpliedSpeed);
            // The place it jumped from is as doubtful as the one it jumped to.
            for (other, t) in &mut self.tracks {
                if *other != id && r.emitter.as_ref().is_some_and(|e| t.addresses.contains_key(e)) {
                    t.doubts.note(Doubt::ImpliedSpeed, r.now);
                    changed.insert(*other);
                }
            }
        }
        if let Some(t) = self.tracks.get_mut(&id) {
            if let Some(fix) = fix(r) {
                found.extend(t.word.take(r.o, &fix, &self.settings.trust));
            }
            for doubt in found {
                t.doubts.note(doubt, r.now);
            }
        }
        self.doubt_radio(r, changed);
    }

    /// Many names that are one radio: all of them are doubted, also those that had their turn.
    fn doubt_radio(&mut self, r: &Report, changed: &mut BTreeSet<TrackId>) {
        let (Some(emitter), Some(dbm)) = (&r.emitter, r.o.signal.rssi_dbm) else { return };
        let receiver = r.o.signal.receiver_at.and_then(|p| p.check().ok());
        let range_m = receiver.zip(r.o.measurement.position()).map(|(from, at)| from.distance_and_bearing(at).0);
        let frame = radio::Frame { emitter, ids: &r.ids, dbm, range_m };
        for e in self.radios.hear(&r.o.source, &frame, r.now, &self.settings.trust) {
            let track = self.memory.recent(&e, r.now, self.settings.address_s).and_then(|h| h.track);
            if let Some((id, t)) = track.and_then(|id| Some((id, self.tracks.get_mut(&id)?))) {
                t.doubts.note(radio::DOUBT, r.now);
                changed.insert(id);
            }
        }
    }

    /// Settles a track's names with others of the same name. Gives the track that is left.
    fn settle(&mut self, id: TrackId, now: Time, changed: &mut BTreeSet<TrackId>, ended: &mut Vec<Track>) -> TrackId {
        let mut survivor = id;
        let names: Vec<IdClaim> = self.tracks.get(&id).map(|t| t.established().collect()).unwrap_or_default();
        let others: BTreeSet<TrackId> =
            names.iter().flat_map(|name| self.memory.under(name).take(NAMESAKES)).filter(|o| *o != id).collect();
        for other in others {
            let (Some(a), Some(b)) = (self.tracks.get(&survivor), self.tracks.get(&other)) else { continue };
            // Both must be known by the name, not merely have heard it once.
            if !b.established().any(|n| names.contains(&n)) {
                continue;
            }
            let at = a.at.max(b.at).unix_s();
            let place = |t: &Live| Some(self.sky.state_at(t.body, at)?.on_earth()?.0);
            let (Some(pa), Some(pb)) = (place(a), place(b)) else { continue };
            let (apart_m, _) = pa.distance_and_bearing(pb);
            let d2 = self.sky.distance2(a.body, b.body);
            let s = &self.settings;
            if d2 <= s.merge_gate_d2 && !self.decisions.parted(survivor, other) {
                let (keep, lose) = self.elder(survivor, other);
                ended.extend(self.unite(keep, lose, now, None));
                changed.remove(&lose);
                survivor = keep;
            } else if apart_m > s.trust.duplicate_m
                && a.measured_at.since_s(b.measured_at).abs() <= s.trust.duplicate_s
                && now.since_s(b.measured_at) <= s.trust.duplicate_s
            {
                for id in [survivor, other] {
                    if let Some(t) = self.tracks.get_mut(&id) {
                        t.doubts.note(Doubt::DuplicateIdentity, now);
                        changed.insert(id);
                    }
                }
            }
        }
        survivor
    }

    /// Of two tracks of one thing the one that goes on, and the other: the older does, and the smaller id where both are as
    /// old.
    fn elder(&self, a: TrackId, b: TrackId) -> (TrackId, TrackId) {
        let age = |id: TrackId| (self.tracks.get(&id).map(|t| t.since), id);
        if age(a) <= age(b) { (a, b) } else { (b, a) }
    }

    /// Two tracks are one thing: one takes over all that was known of the other, which ends and is given as it was, deleted.
    /// Who said so, and why, where somebody did.
    fn unite(&mut self, keep: TrackId, lose: TrackId, now: Time, said: Option<(&PersonId, &str)>) -> Option<Track> {
        let (by, why) = (said.map(|s| s.0.clone()), said.map_or("", |s| s.1).to_owned());
        let lost = self.tracks.get_mut(&lose)?;
        lost.happened(now, TrackChange::MergedInto { track: keep, by: by.clone(), why: why.clone() });
        let lost = lost.clone();
        for e in lost.addresses.keys() {
            if let Some(h) = self.memory.recent(e, now, self.settings.address_s).cloned() {
                let heard = identity::Heard { track: Some(keep), ..h };
                self.memory.remember(e, heard, self.settings.emitters_max);
            }
        }
        let names: Vec<IdClaim> = lost.ids.values().cloned().collect();
        let ended = self.gone(lose, now);
        self.decisions.merged(lose, keep, now);
        let t = self.tracks.get_mut(&keep)?;
        let hold_s = self.settings.trust.hold_s;
        let (own, theirs) = (t.doubts.any(now, hold_s), lost.doubts.any(now, hold_s));
        if by.is_some() && own != theirs {
            // What is doubted says less of where the thing is, however exact it claims to be.
            let (stays, goes) = if own { (lost.body, t.body) } else { (t.body, lost.body) };
            self.sky.absorb(stays, goes);
            self.of_body.remove(&goes);
            self.of_body.insert(stays, keep);
            t.body = stays;
        } else {
            self.sky.merge(t.body, lost.body);
        }
        t.at = t.at.max(lost.at);
        t.take_over(*lost);
        t.happened(now, TrackChange::TookOver { track: lose, by, why });
        t.confirm_if_due(self.sky.existence(t.body).unwrap_or(0.0), now, &self.settings);
        for n in names.iter().filter(|n| t.ids.values().any(|own| own == *n)) {
            self.memory.name(n, keep);
        }
        ended
    }

    /// Ends a track and gives it as it was, deleted.
    fn end(&mut self, id: TrackId, now: Time, why: DropReason) -> Option<Track> {
        let t = self.tracks.get(&id)?;
        let last = self.show(t, now, now);
        self.forget(id);
        Some(dropped(last?, now, why))
    }

    /// Nothing is known of a track any more, nor of what flew there.
    fn forget(&mut self, id: TrackId) {
        if let Some(t) = self.tracks.remove(&id) {
            if let Some((strength, since)) = t.weak {
                self.weak.remove(&(strength, since, id));
            }
            self.memory.forget(id, t.ids.values());
            self.of_body.remove(&t.body);
            self.sky.remove(t.body);
            self.decisions.ended(&t, self.now.unwrap_or(t.at));
        }
    }

    /// The same, while what flies there goes on under another name.
    fn gone(&mut self, id: TrackId, now: Time) -> Option<Track> {
        let t = self.tracks.remove(&id)?;
        if let Some((strength, since)) = t.weak {
            self.weak.remove(&(strength, since, id));
        }
        self.memory.forget(id, t.ids.values());
        self.of_body.remove(&t.body);
        let last = self.show(&t, now, now)?;
        Some(Track { state: TrackState::Deleted, ..last })
    }
}

/// A track at its end.
fn dropped(mut track: Track, now: Time, why: DropReason) -> Track {
    track.state = TrackState::Deleted;
    tell(&mut track.lineage, TrackEvent { at: now, what: TrackChange::Dropped { why } });
    track
}

/// A number for a source (FNV-1a, 64 bits), so that sensors at one place are told apart.
fn number(source: &SourceId) -> u64 {
    source.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// The velocity that a report claims: a hint at where to look next, no more.
fn velocity(r: &Report) -> Option<[f64; 3]> {
    r.o.claims.velocity_enu_mps.filter(|v| v.iter().all(|x| x.is_finite() && x.abs() < 350.0))
}

/// The place that a report claims.
fn fix(r: &Report) -> Option<Fix> {
    let (Plot::Point(p), Some(_)) = (&r.plot, r.o.measurement.position()) else { return None };
    let sigma_m = (p.cov[0][0] + p.cov[1][1]).sqrt();
    Some(Fix { place: p.place, sigma_m, observed_at: r.at, received_at: r.o.received_at })
}

/// The same message again: the same place to the last bit, of the same time; or, from a sender without a clock, within
/// a second.
fn repeats(fix: &Fix, r: &Report) -> bool {
    let Some(at) = r.o.measurement.position() else { return false };
    let bits = |p: skypicket_model::Place| (p.lat_deg.to_bits(), p.lon_deg.to_bits());
    let clockless = r.o.claims.claimed_at.is_none() && r.at.since_s(fix.observed_at).abs() < 1.0;
    bits(at) == bits(fix.place) && (fix.observed_at == r.at || clockless)
}
