//! [`Tracker`]: the roles composed.
//!
//! An observation goes through the door, to the track of its emitter or identity if their places agree, else to the
//! track that explains it best, else it starts one; then names are settled: two tracks of one name that agree in place
//! become the older one, two that do not both stay, with evidence. A second's tick shows every track where it is by now
//! and ends those that nobody has seen for long.

use crate::{
    associator::{Associator, Hypothesis, NearestNeighbour},
    deleter::{Deleter, Fading, Heard, after_report, ratio},
    gater::{Ellipsoid, Gater, Tie},
    identity::{self, Emitter, Fix, Memory, emitter},
    index::{Index, normal_m},
    initiator::{Initiator, OnePoint, UnresolvedList},
    matrix::{Cholesky, build},
    measurement::{Kind, Plot, Ray, Unusable, examine},
    predictor::{Predictor, WhiteNoiseAcceleration},
    settings::Settings,
    state::State,
    track::Live,
    trust::{self, Doubt},
    updater::{Kalman, Updater},
};
use serde::{Deserialize, Serialize};
use skypicket_model::{
    IdMaker, Observation, OwnFlight, SightingId, Time, Track, TrackId, TrackState, observation::IdClaim,
};
use std::collections::{BTreeMap, BTreeSet};

/// Reports at most this late find tracks through the index, seconds; later ones look at every track.
const LOOK_BACK_S: f64 = 2.5;
/// How far ahead the index holds, seconds.
const LOOK_AHEAD_S: f64 = 1.5;
/// Tracks of one name that are compared with each other at most: bounds what a flood of one name costs.
const NAMESAKES: usize = 16;

/// The tracker. Its whole state serializes (to formats with any map key, such as CBOR); one that was read back goes on
/// bit for bit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tracker {
    settings: Settings,
    now: Option<Time>,
    tracks: BTreeMap<TrackId, Box<Live>>,
    memory: Memory,
    unresolved: UnresolvedList,
    own_flights: Vec<OwnFlight>,
    refused_starts: u64,
    refused: BTreeMap<String, u64>,
    /// The index holds until here. It follows from this and the tracks, so it is rebuilt and not kept.
    indexed_until: Option<Time>,
    #[serde(skip)]
    index: Option<Index>,
}

/// An observation at work.
struct Report<'a> {
    o: &'a Observation,
    plot: Plot,
    kind: Kind,
    at: Time,
    now: Time,
    emitter: Option<Emitter>,
    /// What it claims, or what its emitter claimed in other frames.
    ids: Vec<IdClaim>,
}

/// How a report is joined to a track.
#[derive(Debug, Clone, Copy, PartialEq)]
enum How {
    /// Its measurement updates the state.
    Update(f64),
    /// Same emitter, out of the gate but within flying distance: the state starts again there.
    Restart,
    /// It speaks for existence and identity; the state stays.
    Support,
    /// The same message again: nothing new but that it is still heard.
    Repeat,
}

impl Tracker {
    /// An empty tracker. Settings are to be [checked](Settings::check) where they are read.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            now: None,
            tracks: BTreeMap::new(),
            memory: Memory::default(),
            unresolved: UnresolvedList::default(),
            own_flights: Vec::new(),
            refused_starts: 0,
            refused: BTreeMap::new(),
            indexed_until: None,
            index: None,
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
        let report = Report { o, plot, kind: Kind::of(o), at, now, emitter, ids: ids_claimed };
        let mut changed = BTreeSet::new();
        let joined = match self.associate(&report) {
            Some((id, how)) => {
                self.join(id, &report, how);
                Some(id)
            }
            None => self.begin(&report, ids),
        };
        self.remember(&report, joined);
        let mut ended = Vec::new();
        if let Some(id) = joined {
            changed.insert(id);
            self.doubt(&report, id, before.as_ref(), &mut changed);
            let survivor = self.settle(id, now, &mut changed, &mut ended);
            changed.insert(survivor);
        }
        let mut out = ended;
        out.extend(changed.iter().filter_map(|id| self.tracks.get(id)).map(|t| self.show(t, &t.state, now)));
        out.sort_by_key(|t| t.id);
        out
    }

    /// A second passed: every live track predicted to `now`, and those that end now (state deleted, once), by id.
    pub fn tick(&mut self, now: Time) -> Vec<Track> {
        let now = self.advance(now);
        self.unresolved.expire(now, self.settings.unresolved_s);
        let fading = Fading(&self.settings);
        let over: Vec<TrackId> =
            self.tracks.values().filter(|t| fading.ends(t.existence_at(now, &self.settings))).map(|t| t.id).collect();
        let mut out: Vec<Track> = over.into_iter().filter_map(|id| self.end(id, now)).collect();
        let motion = self.motion();
        out.extend(self.tracks.values().map(|t| self.show(t, &motion.predict(&t.state, now), now)));
        out.sort_by_key(|t| t.id);
        out
    }

    /// Every live track as it was last updated, by id.
    pub fn tracks(&self) -> Vec<Track> {
        let now = |t: &Live| self.now.unwrap_or(t.state.at);
        self.tracks.values().map(|t| self.show(t, &t.state, now(t))).collect()
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
                out.extend(self.end(id, now));
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
                t.confirmed = false;
                t.existence = t.existence.min(self.settings.kinds.person.start);
            }
            let t: &Live = t;
            out.push(t.to_track(&t.state, now, &self.settings, &self.own_flights));
        }
        out
    }

    /// A person at the desk confirmed a sighting: the tracks that it feeds are confirmed.
    pub fn confirm(&mut self, sighting: SightingId, now: Time) -> Vec<Track> {
        let now = self.advance(now);
        let mut out = Vec::new();
        for t in self.tracks.values_mut().filter(|t| t.sightings.iter().any(|s| s.0 == sighting)) {
            t.by_desk = true;
            t.existence = t.existence.max(self.settings.confirm);
            t.confirm_if_due(&self.settings);
            out.push(t.to_track(&t.state, now, &self.settings, &self.own_flights));
        }
        out
    }

    /// The friendly flights, whole. A track is `own` while its serial is a flight's, it is inside that flight's area
    /// (give or take its three sigmas) and time, and its name is neither disputed nor suspect.
    pub fn set_own_flights(&mut self, flights: &[OwnFlight]) {
        self.own_flights = flights.to_vec();
    }

    /// Other settings from here on; what is tracked stays.
    pub fn set_settings(&mut self, settings: Settings) {
        self.settings = settings;
        // The index rests on the gates of the old ones.
        self.indexed_until = None;
        self.index = None;
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

    /// Directions kept that no track explains yet.
    pub fn unresolved(&self) -> usize {
        self.unresolved.len()
    }

    fn refuse(&mut self, why: Unusable) {
        *self.refused.entry(why.word().into()).or_default() += 1;
    }

    fn motion(&self) -> WhiteNoiseAcceleration {
        WhiteNoiseAcceleration { q_horizontal: self.settings.q_horizontal, q_vertical: self.settings.q_vertical }
    }

    fn updater(&self) -> Kalman {
        Kalman {
            motion: self.motion(),
            climb_sigma_mps: self.settings.start_climb_sigma_mps,
            height_spread_m: self.settings.clutter_height_m,
        }
    }

    fn initiator(&self) -> OnePoint {
        OnePoint {
            speed_sigma_mps: self.settings.start_speed_sigma_mps,
            climb_sigma_mps: self.settings.start_climb_sigma_mps,
        }
    }

    fn show(&self, t: &Live, state: &State, now: Time) -> Track {
        t.to_track(state, now, &self.settings, &self.own_flights)
    }

    /// The latest `now` so far (it never goes back), with the index good for it.
    fn advance(&mut self, now: Time) -> Time {
        let now = self.now.map_or(now, |t| t.max(now));
        self.now = Some(now);
        let renew = self.indexed_until.is_none_or(|t| t < now);
        if renew {
            self.indexed_until = Some(now.plus_s(LOOK_AHEAD_S));
        }
        if renew || self.index.is_none() {
            let mut index = self.index.take().unwrap_or_default();
            for t in self.tracks.values() {
                index.put(t.id, t.state.normal_m(), self.reach_m(&t.state));
            }
            self.index = Some(index);
        }
        now
    }

    /// How far from where the index has it a track can be compared with a point: what it may have flown since (or
    /// before, for late reports), plus the gate over its spread by then. An upper bound, without predicting.
    fn reach_m(&self, s: &State) -> f64 {
        let ahead = self.indexed_until.map_or(0.0, |t| t.since_s(s.at));
        let dt = ahead.max(LOOK_BACK_S);
        let speed_spread = (s.cov[3][3] + s.cov[4][4]).max(0.0).sqrt();
        let [x, y, _] = self.motion().position_noise(dt);
        s.speed_mps() * dt + self.settings.gate_sigma * (s.spread_m() + dt * speed_spread + (x + y).sqrt())
    }

    fn reindex(&mut self, id: TrackId) {
        let Some(t) = self.tracks.get(&id) else {
            if let Some(index) = &mut self.index {
                index.remove(id);
            }
            return;
        };
        let (at, reach) = (t.state.normal_m(), self.reach_m(&t.state));
        if let Some(index) = &mut self.index {
            index.put(id, at, reach);
        }
    }

    /// The tracks that a report can be of, and some more.
    fn near(&self, r: &Report) -> Vec<TrackId> {
        let (at, reach) = match &r.plot {
            Plot::Point(p) => {
                let spread = (p.cov[0][0] + p.cov[1][1]).sqrt();
                (normal_m(p.place), self.settings.gate_sigma * spread)
            }
            Plot::Ray(ray) => (normal_m(ray.frame.origin()), ray.reach_m(self.settings.ray_reach_m)),
            Plot::Presence { from: Some(from), radius_m: Some(radius) } => (normal_m(*from), 4.0 * radius),
            Plot::Presence { .. } => return Vec::new(),
        };
        match &self.index {
            Some(index) if r.now.since_s(r.at) <= LOOK_BACK_S => index.near(at, reach),
            _ => self.tracks.keys().copied().collect(),
        }
    }

    /// The state of a track to compare a report with: predicted to it, or as it is with how late the report comes.
    fn facing(&self, t: &Live, at: Time) -> (State, f64) {
        (self.motion().predict(&t.state, at), t.state.at.since_s(at).max(0.0))
    }

    fn hypothesis(&self, t: &Live, r: &Report, tie: Tie) -> Option<Hypothesis> {
        let existence = t.existence_at(r.now, &self.settings);
        if Fading(&self.settings).ends(existence) {
            return None;
        }
        let (state, late_s) = self.facing(t, r.at);
        let ray = match &r.plot {
            Plot::Ray(ray) => Some(ray),
            _ => None,
        };
        if ray.is_some_and(|ray| tie == Tie::Place && !self.within(&state, late_s, ray)) {
            return None;
        }
        let innovation = self.updater().compare(&state, &r.plot, late_s)?;
        let gate = Ellipsoid::new(&self.settings, ray.is_some());
        gate.admits(&innovation, tie, existence).then_some(Hypothesis { track: t.id, existence, innovation })
    }

    /// A track is near enough to an observer to be what they mean, whatever the direction.
    fn within(&self, state: &State, late_s: f64, ray: &Ray) -> bool {
        let m = std::array::from_fn(|k| state.mean[k] - late_s * state.mean[k + 3]);
        let [e, n, _] = ray.frame.carry(&state.frame, m);
        libm::hypot(e, n) <= ray.reach_m(self.settings.ray_reach_m)
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
        out
    }

    /// Which track a report is of, and how it joins it.
    fn associate(&self, r: &Report) -> Option<(TrackId, How)> {
        let tied = self.tied(r);
        if let Plot::Presence { from, radius_m } = &r.plot {
            return self.associate_presence(r, &tied, from.zip(*radius_m));
        }
        let known = r.emitter.as_ref().and_then(|e| self.memory.recent(e, r.now, self.settings.address_s));
        let last = known.and_then(|h| h.fix.zip(h.track)).filter(|(_, id)| self.tracks.contains_key(id));
        if let Some((fix, track)) = last
            && tied.contains(&track)
            && repeats(&fix, r)
        {
            return Some((track, How::Repeat));
        }
        let free = |t: &Live| {
            let same_scan = |last: &Time| r.at.since_s(*last).abs() < self.settings.same_scan_s;
            !(r.kind == Kind::Radar && t.seen.get(&r.o.source).is_some_and(same_scan))
        };
        let judge = |ids: &[TrackId], tie: Tie| -> Option<(TrackId, How)> {
            let open = |t: &&Live| free(t) && (tie == Tie::Identity || !self.is_other(t, r));
            let candidates = ids.iter().filter_map(|id| self.tracks.get(id)).map(|t| &**t).filter(open);
            let hypotheses: Vec<Hypothesis> = candidates.filter_map(|t| self.hypothesis(t, r, tie)).collect();
            let best = NearestNeighbour.choose(&hypotheses)?;
            let too_late = self.tracks.get(&best.track)?.state.at.since_s(r.at) > self.settings.late_max_s;
            let how = if too_late { How::Support } else { How::Update(best.innovation.ln_likelihood) };
            Some((best.track, how))
        };
        if let Some(found) = judge(&tied, Tie::Identity) {
            return Some(found);
        }
        // The emitter's own track, out of the gate: it turned harder than the model thinks, or was not heard for long.
        if let (Some((before, track)), Plot::Point(_)) = (last, &r.plot)
            && tied.contains(&track)
            && let Some(t) = self.tracks.get(&track)
            && let Some(after) = fix(r)
        {
            let limit = trust::limit_mps(t.class().map(|c| c.0), r.o, &self.settings.trust);
            if !trust::jumped(&before, &after, limit, &self.settings.trust) {
                return Some((track, if r.at >= t.state.at { How::Restart } else { How::Support }));
            }
        }
        judge(&self.near(r), Tie::Place)
    }

    /// A presence goes to the track of its emitter or name; or to the only one that is near.
    fn associate_presence(
        &self,
        r: &Report,
        tied: &[TrackId],
        around: Option<(skypicket_model::Place, f64)>,
    ) -> Option<(TrackId, How)> {
        let fading = Fading(&self.settings);
        let alive = |t: &Live| !fading.ends(t.existence_at(r.now, &self.settings));
        if let Some(id) = tied.iter().find(|id| self.tracks.get(id).is_some_and(|t| alive(t))) {
            return Some((*id, How::Support));
        }
        let (from, radius) = around?;
        let mut inside = self.near(r).into_iter().filter(|id| {
            self.tracks.get(id).is_some_and(|t| {
                let (state, _) = self.facing(t, r.at);
                let (distance, _) = from.distance_and_bearing(state.place());
                alive(t) && !self.is_other(t, r) && distance <= 2.0 * libm::hypot(radius, state.spread_m())
            })
        });
        match (inside.next(), inside.next()) {
            (Some(only), None) => Some((only, How::Support)),
            _ => None,
        }
    }

    /// The track is known to be something else than the report is of: another identity, or another address on the same
    /// bearer heard just now.
    fn is_other(&self, t: &Live, r: &Report) -> bool {
        let other_address = |e: &Emitter| {
            let recent = |at: &Time| r.now.since_s(*at) <= self.settings.address_s;
            !t.addresses.contains_key(e) && t.addresses.iter().any(|(own, at)| own.0 == e.0 && recent(at))
        };
        t.contradicts(&r.ids) || r.emitter.as_ref().is_some_and(other_address)
    }

    /// Joins a report to a live track.
    fn join(&mut self, id: TrackId, r: &Report, how: How) {
        let (updater, initiator, motion) = (self.updater(), self.initiator(), self.motion());
        let settings = &self.settings;
        let Some(t) = self.tracks.get_mut(&id) else { return };
        let next = match how {
            How::Update(_) => {
                let late_s = t.state.at.since_s(r.at).max(0.0);
                updater.update(&motion.predict(&t.state, r.at), &r.plot, late_s)
            }
            How::Restart => initiator.start(&r.plot, r.at, r.o.claims.velocity_enu_mps),
            How::Support | How::Repeat => None,
        };
        let unsound = next.is_none() && matches!(how, How::Update(_) | How::Restart);
        let new_source = !t.seen.contains_key(&r.o.source);
        let mut existence = t.existence_at(r.now, settings);
        let likelihood = match how {
            How::Update(ln) => ratio(settings, r.kind, &r.o.source, ln, new_source),
            How::Restart => 1.0,
            How::Support => ratio(settings, Kind::Presence, &r.o.source, 0.0, false),
            How::Repeat => 0.0,
        };
        if how != How::Repeat && !unsound {
            existence = after_report(existence, likelihood);
        }
        t.existence = existence;
        if let Some(next) = next {
            t.state = next.recentred(settings.recentre_m);
            t.measured_at = t.measured_at.max(r.at);
        }
        credit(t, r, how, settings);
        if unsound {
            *self.refused.entry("unsound".into()).or_default() += 1;
        }
        self.name(id, r);
        self.reindex(id);
    }

    /// Starts a track from a report that no track explains, or keeps it for later.
    fn begin(&mut self, r: &Report, ids: &mut IdMaker) -> Option<TrackId> {
        let room = match r.kind {
            Kind::Person => self.settings.max_tracks,
            _ => self.settings.max_tracks.saturating_sub(self.settings.people_reserve),
        };
        let start = self.initiator().start(&r.plot, r.at, r.o.claims.velocity_enu_mps);
        let full = self.tracks.len() >= room;
        let mut supporters = Vec::new();
        let state = match (start, &r.plot) {
            (Some(state), Plot::Ray(_)) if !full => {
                supporters = self.unresolved.take(|u| u.observation.source != r.o.source);
                state
            }
            (Some(state), _) => state,
            (None, Plot::Ray(ray)) if ray.range.is_none() => {
                if full {
                    self.unresolved.keep(self.settings.unresolved_max, r.at, r.o, ray);
                    self.refused_starts += 1;
                    return None;
                }
                let Some((state, other)) = self.unresolved.crossing(ray, r.at, &r.o.source, &self.settings) else {
                    self.unresolved.keep(self.settings.unresolved_max, r.at, r.o, ray);
                    return None;
                };
                supporters.push(other);
                state
            }
            (None, _) => return None,
        };
        if full {
            self.refused_starts += 1;
            return None;
        }
        let crossed = matches!(&r.plot, Plot::Ray(ray) if ray.range.is_none());
        let id = TrackId(ids.make());
        let mut t = Live::new(id, state, self.settings.kind(r.kind).start);
        credit(&mut t, r, How::Update(0.0), &self.settings);
        self.tracks.insert(id, Box::new(t));
        self.name(id, r);
        self.reindex(id);
        // Earlier directions that the new track explains speak for it; those that it does not are kept on.
        for u in supporters {
            let earlier = Report {
                o: &u.observation,
                plot: Plot::Ray(u.ray.clone()),
                kind: Kind::of(&u.observation),
                at: u.at,
                now: r.now,
                emitter: None,
                ids: Vec::new(),
            };
            let explained = self.tracks.get(&id).and_then(|t| self.hypothesis(t, &earlier, Tie::Place));
            match explained {
                // Where two cross, the state holds both already.
                _ if crossed => {
                    if let Some(t) = self.tracks.get_mut(&id) {
                        t.since = t.since.min(u.at);
                        credit(t, &earlier, How::Support, &self.settings);
                    }
                }
                Some(h) => self.join(id, &earlier, How::Update(h.innovation.ln_likelihood)),
                None => self.unresolved.keep(self.settings.unresolved_max, u.at, &u.observation, &u.ray),
            }
        }
        Some(id)
    }

    /// The track is known under the report's names from now on.
    fn name(&mut self, id: TrackId, r: &Report) {
        let Some(t) = self.tracks.get_mut(&id) else { return };
        for claim in &r.ids {
            // A frame without claims repeats what its emitter said: it ties, but is no new claim.
            let weight = if r.o.claims.ids.is_empty() { 0.0 } else { 1.0 };
            if weight == 0.0 && t.ids.values().any(|own| own == claim) {
                continue;
            }
            if let Some(gone) = t.ids.vote(claim, if weight > 0.0 { weight } else { 0.5 }) {
                self.memory.forget(id, std::iter::once(&gone));
            }
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
            for doubt in found {
                t.doubts.note(doubt, r.now);
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
            let at = a.state.at.max(b.state.at);
            let (pa, pb) = (self.motion().predict(&a.state, at), self.motion().predict(&b.state, at));
            let (d2, apart_m) = separation(&pa, &pb);
            let s = &self.settings;
            if d2 <= s.merge_gate_d2 {
                let (keep, lose) = if (a.since, a.id) <= (b.since, b.id) { (a.id, b.id) } else { (b.id, a.id) };
                let better = if pa.spread_m() <= pb.spread_m() { pa } else { pb };
                let existence = a.existence_at(now, s).max(b.existence_at(now, s));
                let Some(lost) = self.tracks.get(&lose).cloned() else { continue };
                for e in lost.addresses.keys() {
                    if let Some(h) = self.memory.recent(e, now, s.address_s).cloned() {
                        let heard = identity::Heard { track: Some(keep), ..h };
                        self.memory.remember(e, heard, s.emitters_max);
                    }
                }
                let names: Vec<IdClaim> = lost.ids.values().cloned().collect();
                ended.extend(self.end(lose, now));
                changed.remove(&lose);
                if let Some(t) = self.tracks.get_mut(&keep) {
                    t.take_over(*lost, better, existence);
                    t.confirm_if_due(&self.settings);
                    for n in names.iter().filter(|n| t.ids.values().any(|own| own == *n)) {
                        self.memory.name(n, keep);
                    }
                }
                self.reindex(keep);
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

    /// Ends a track and gives it as it was, deleted.
    fn end(&mut self, id: TrackId, now: Time) -> Option<Track> {
        let t = self.tracks.remove(&id)?;
        self.memory.forget(id, t.ids.values());
        self.reindex(id);
        let last = self.show(&t, &self.motion().predict(&t.state, now), now);
        Some(Track { state: TrackState::Deleted, ..last })
    }
}

/// What a report adds to a track besides its state.
fn credit(t: &mut Live, r: &Report, how: How, settings: &Settings) {
    t.heard.insert(r.kind, Heard { at: r.now, interval_s: settings.interval_s(r.kind, &r.o.source) });
    t.saw(&r.o.source, r.at);
    if let Some(e) = &r.emitter {
        t.heard_from(e, r.now);
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
        t.classes.vote(&class, if person { 0.4 } else { 1.0 });
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
    t.confirm_if_due(settings);
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

/// Squared Mahalanobis distance of two states' places, and metres between them over ground.
fn separation(a: &State, b: &State) -> (f64, f64) {
    let there = b.in_frame(a.frame);
    let d: [f64; 3] = std::array::from_fn(|k| there.mean[k] - a.mean[k]);
    let apart_m = libm::hypot(d[0], d[1]);
    let sum = |i: usize, j: usize| a.cov[i][j] + there.cov[i][j];
    let d2 = if a.height_known && b.height_known {
        Cholesky::of(&build(sum)).map(|c| c.distance2(&d))
    } else {
        Cholesky::of(&build(sum)).map(|c| c.distance2(&[d[0], d[1]]))
    };
    (d2.unwrap_or(f64::INFINITY), apart_m)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use skypicket_model::{Claims, Enu, LogId, Measurement, ObservationId, Place, Signal, SourceId};
    use uuid::Uuid;

    fn fix(t: f64, at: Place, sigma: f64, velocity: Option<[f64; 3]>) -> Observation {
        let when = Time::from_unix_s(1_000_000.0 + t).unwrap();
        let s2 = sigma * sigma;
        Observation {
            id: ObservationId(Uuid::nil()),
            source: SourceId::new("s").unwrap(),
            observed_at: when,
            received_at: when,
            measurement: Measurement::Position { at, cov_enu_m2: [[s2, 0.0, 0.0], [0.0, s2, 0.0], [0.0; 3]] },
            claims: Claims { velocity_enu_mps: velocity, ..Claims::default() },
            signal: Signal::default(),
            sighting: None,
            flags: Vec::new(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        /// The index only saves work: no track that the gate would admit is left out, however it flew since.
        #[test]
        fn the_index_leaves_no_candidate_out(
            lat in -80.0..80.0f64, lon in -180.0..180.0f64,
            starts in proptest::collection::vec(
                (-4e3..4e3f64, -4e3..4e3f64, 2.0..300.0f64, -80.0..80.0f64, -80.0..80.0f64, 0.0..12.0f64), 1..25),
            asks in proptest::collection::vec((-5e3..5e3f64, -5e3..5e3f64, 2.0..200.0f64, 0.0..2.5f64), 1..25),
        ) {
            let home = Place::new(lat, lon, None).unwrap();
            let at = |e: f64, n: f64| Place { alt_hae_m: None, ..Enu::at(home).to_place([e, n, 0.0]) };
            let mut tracker = Tracker::new(Settings { birth_density_per_m2: 1e-12, ..Settings::default() });
            let now = |t: f64| Time::from_unix_s(1_000_000.0 + t).unwrap();
            let mut starts = starts;
            starts.sort_by(|a, b| a.5.total_cmp(&b.5));
            for (k, (e, n, sigma, ve, vn, t)) in starts.iter().enumerate() {
                let mut ids = IdMaker::new(LogId(Uuid::nil()), k as u64);
                tracker.observe(&fix(*t, at(*e, *n), *sigma, Some([*ve, *vn, 0.0])), &mut ids, now(*t));
            }
            for (k, (e, n, sigma, late)) in asks.iter().enumerate() {
                let t = 12.0 + 0.2 * k as f64;
                tracker.advance(now(t));
                let o = fix(t - late, at(*e, *n), *sigma, None);
                let (plot, when) = examine(&o, now(t), &tracker.settings).unwrap();
                let r = Report { o: &o, plot, kind: Kind::Fix, at: when, now: now(t), emitter: None, ids: Vec::new() };
                let near = tracker.near(&r);
                for t in tracker.tracks.values() {
                    if tracker.hypothesis(t, &r, Tie::Place).is_some() {
                        prop_assert!(near.contains(&t.id), "{:?} left out for {:?}", t.state, o.measurement);
                    }
                }
            }
        }
    }
}
