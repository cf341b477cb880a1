//! [`Warner`]: who is in danger from what, and which warnings are open.
//!
//! State of two kinds. What follows from inputs alone (positions, tracks, levels with their hysteresis) is *absorbed*;
//! what was told (the open warnings) is *applied*. [`Warner::decide`] looks at both and says what should be told now:
//! for the same state, input and time always the same, and nothing once it has been applied.

use crate::{
    Assessment, Policy, Reasons,
    danger::{assess_in, is_sound, reckoned},
    level::Steady,
    near::{Near, lon_reach_deg, within},
    nodes::NODES,
    words,
};
use serde::{Deserialize, Serialize};
use skypicket_model::{
    About, Codes, Danger, Directory, IdMaker, Level, Marking, Notice, NoticeId, NoticeState, PersonId, Position,
    Protected, ProtectedId, Time, Track, TrackId, TrackState, Warning, Within,
    notice::NoticeFacts,
    observation::{EnuCovariance, IdKind},
    people::Language,
};
use std::collections::{BTreeMap, BTreeSet};

/// Somebody whom a track cannot reach within this many seconds is judged again only when the track was not judged
/// against everybody for [`CALM_S`], or at the tick: far-off traffic would otherwise take the whole core at thousands
/// of observations a second. An urgent level looks 30 s ahead, so that none is late.
const FAR_OFF_S: f64 = 40.0;
/// See [`FAR_OFF_S`].
const CALM_S: f64 = 1.0;
/// With this many pairs in reach of all tracks together each track is still judged against everybody in its reach each
/// second; with more, ever more rarely.
const FULL_LOAD: u64 = 20_000;
/// At least this often, seconds: those farther than [`FAR_OFF_S`] hear of a turn towards them that much later.
const FULL_LONGEST_S: u64 = 5;
/// A deleted track that was measured this recently was merged rather than lost, seconds.
const MERGED_WITHIN_S: f64 = 5.0;

/// A cleared warning's codes mean no other warning for so long, seconds: late replies are about it.
const CODES_S: f64 = 3_600.0;

/// The engine.
#[derive(Debug, Serialize, Deserialize)]
#[serde(from = "Stored")]
pub struct Warner {
    policy: Policy,
    exercise: Option<String>,
    /// Everybody's name; only these are protected.
    people: BTreeMap<PersonId, String>,
    sites: Vec<Protected>,
    positions: BTreeMap<PersonId, Position>,
    tracks: BTreeMap<TrackId, Known>,
    pairs: BTreeMap<TrackId, BTreeMap<ProtectedId, Pair>>,
    /// Which track a merged-away one lives on in.
    heirs: BTreeMap<TrackId, TrackId>,
    /// The newest version of each open warning.
    open: BTreeMap<NoticeId, Notice>,
    /// How many pairs were in reach of all tracks together at the last tick.
    load: u64,
    /// The codes of warnings that are open or were a short time ago.
    codes: Codes,
    #[serde(skip)]
    near: Near,
    #[serde(skip)]
    told: Told,
    #[serde(skip)]
    counts: Counts,
}

/// [`Warner`] as stored; where everybody is gets indexed again.
#[derive(Deserialize)]
struct Stored {
    policy: Policy,
    exercise: Option<String>,
    people: BTreeMap<PersonId, String>,
    sites: Vec<Protected>,
    positions: BTreeMap<PersonId, Position>,
    tracks: BTreeMap<TrackId, Known>,
    pairs: BTreeMap<TrackId, BTreeMap<ProtectedId, Pair>>,
    heirs: BTreeMap<TrackId, TrackId>,
    open: BTreeMap<NoticeId, Notice>,
    load: u64,
    #[serde(default)]
    codes: Codes,
}

impl From<Stored> for Warner {
    fn from(s: Stored) -> Self {
        let Stored { policy, exercise, people, sites, positions, tracks, pairs, heirs, open, load, mut codes } = s;
        // Stored before older codes were kept.
        if codes.is_empty() {
            for n in open.values() {
                codes.hear(n, CODES_S);
            }
        }
        let mut warner = Self {
            policy,
            exercise,
            people,
            sites,
            positions,
            tracks,
            pairs,
            heirs,
            open,
            load,
            codes,
            near: Near::default(),
            told: Told::default(),
            counts: Counts::default(),
        };
        warner.index();
        warner.told = Told::of(&warner.open, &warner.pairs);
        warner
    }
}

/// A track and what the engine knows beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Known {
    track: Track,
    /// When it was last judged.
    judged_at: Option<Time>,
    /// When it is next to be judged against everybody in reach; `None` is now.
    full_due: Option<Time>,
    /// How many were in reach then.
    found: u32,
}

/// What was told of each pair and where that differs from its level: so that deciding looks only at what changed. It
/// follows from the open warnings and the pairs, and is not stored.
#[derive(Debug, Default)]
struct Told {
    by_pair: BTreeMap<(TrackId, ProtectedId), (NoticeId, Level)>,
    due: BTreeSet<(TrackId, ProtectedId)>,
}

/// Which track a warning is about, and whom it is for.
fn pair_of(n: &Notice) -> Option<(TrackId, ProtectedId)> {
    n.warning().map(|w| (w.track, w.protected.clone()))
}

impl Told {
    fn of(open: &BTreeMap<NoticeId, Notice>, pairs: &BTreeMap<TrackId, BTreeMap<ProtectedId, Pair>>) -> Self {
        let by_pair = open.values().filter_map(|n| Some((pair_of(n)?, (n.id, n.level)))).collect();
        let mut told = Self { by_pair, due: BTreeSet::new() };
        for (track, pairs) in pairs {
            for (who, pair) in pairs {
                told.compare(*track, who, pair.steady.level);
            }
        }
        for key in told.by_pair.keys() {
            if pairs.get(&key.0).is_none_or(|p| !p.contains_key(&key.1)) {
                told.due.insert(key.clone());
            }
        }
        told
    }

    /// Notes whether a pair's level is what was told.
    fn compare(&mut self, track: TrackId, who: &ProtectedId, level: Option<Level>) {
        let key = (track, who.clone());
        if self.by_pair.get(&key).map(|(_, l)| *l) == level {
            self.due.remove(&key);
        } else {
            self.due.insert(key);
        }
    }
}

/// A track and a protected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pair {
    seen: Assessment,
    steady: Steady,
    judged_at: Time,
}

/// Work done since the engine was made, for metrics; not part of its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Pairs judged.
    pub judged: u64,
    /// Pairs within reach but so far off that they were left until the tick.
    pub left: u64,
    /// Tracks and positions ignored because a number of theirs could not be used.
    pub unsound: u64,
}

impl Warner {
    /// An engine that knows nobody yet. `exercise` is the exercise's name; `None` is live.
    pub fn new(policy: Policy, exercise: Option<String>) -> Self {
        Self {
            policy,
            exercise,
            people: BTreeMap::new(),
            sites: Vec::new(),
            positions: BTreeMap::new(),
            tracks: BTreeMap::new(),
            pairs: BTreeMap::new(),
            heirs: BTreeMap::new(),
            open: BTreeMap::new(),
            load: 0,
            codes: Codes::default(),
            near: Near::default(),
            told: Told::default(),
            counts: Counts::default(),
        }
    }

    /// Takes who and what there is to protect. Positions of people no longer in it, or shut out, are forgotten.
    pub fn configure(&mut self, directory: &Directory) {
        let active = directory.people.values().filter(|p| !p.disabled);
        self.people = active.map(|p| (p.id.clone(), p.name.clone())).collect();
        self.positions.retain(|id, _| self.people.contains_key(id));
        self.sites = directory
            .sites
            .values()
            .filter(|s| s.at.check().is_ok())
            .map(|s| Protected {
                id: ProtectedId::Site(s.id.clone()),
                name: s.name.clone(),
                at: s.at,
                accuracy_m: 0.0,
                at_time: None,
                standoff_m: s.standoff_m.filter(|r| *r > 0.0 && *r <= 50_000.0).unwrap_or(self.policy.standoff_m),
            })
            .collect();
        self.index();
        for pairs in self.pairs.values_mut() {
            pairs.retain(|id, _| self.near.get(id).is_some());
        }
        self.told = Told::of(&self.open, &self.pairs);
    }

    /// Takes a policy that replaces the one before.
    pub fn set_policy(&mut self, policy: Policy) {
        for s in &mut self.sites {
            // A site without a radius of its own follows the policy.
            if s.standoff_m.to_bits() == self.policy.standoff_m.to_bits() {
                s.standoff_m = policy.standoff_m;
            }
        }
        self.policy = policy;
        self.index();
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Work done so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn index(&mut self) {
        self.near = Near::default();
        for s in &self.sites {
            self.near.put(s.clone());
        }
        for p in self.positions.values() {
            if let Some(name) = self.people.get(&p.person) {
                self.near.put(protected_person(p, name, &self.policy));
            }
        }
    }

    /// Where everybody and everything protected is, people first, each in order of id.
    pub fn protected(&self) -> impl Iterator<Item = &Protected> {
        let people = self.positions.keys().filter_map(|p| self.near.get(&ProtectedId::Person(p.clone())));
        people.map(|t| &t.protected).chain(&self.sites)
    }

    // ---- absorb ----

    /// Takes a person's position. One that is older than what is known, of somebody unknown or not usable is ignored.
    pub fn absorb_position(&mut self, position: &Position, now: Time) {
        let Some(name) = self.people.get(&position.person) else { return };
        if position.at.check().is_err() || !(position.accuracy_m >= 0.0 && position.accuracy_m <= 1e6) {
            self.counts.unsound += 1;
            return;
        }
        if self.positions.get(&position.person).is_some_and(|known| known.observed_at > position.observed_at) {
            return;
        }
        self.near.put(protected_person(position, name, &self.policy));
        self.positions.insert(position.person.clone(), position.clone());
        let id = ProtectedId::Person(position.person.clone());
        let widest = self.near.widest_m();
        let wide_deg = lon_reach_deg(position.at, self.policy.prune_m + widest);
        let close: Vec<TrackId> = self
            .tracks
            .iter()
            .filter(|(t, known)| {
                let track = &known.track;
                let aside_deg = (track.place.lon_deg - position.at.lon_deg).abs();
                // Deleted tracks are judged by the tick alone.
                track.state != TrackState::Deleted
                    && (aside_deg.min(360.0 - aside_deg) <= wide_deg
                        && within(track.place, position.at, reach_m(&self.policy, track) + widest)
                        || self.pairs.get(t).is_some_and(|p| p.contains_key(&id)))
            })
            .map(|(t, _)| *t)
            .collect();
        for t in close {
            self.judge_pair(t, &id, now);
        }
    }

    /// Takes tracks as the tracker gave them: changed, started, predicted or deleted.
    pub fn absorb_tracks(&mut self, tracks: &[Track], now: Time) {
        for t in tracks {
            if !is_sound(t) {
                self.counts.unsound += 1;
                continue;
            }
            match self.tracks.get_mut(&t.id) {
                Some(known) => known.track = t.clone(),
                // One that began and ended unseen never mattered.
                None if t.state == TrackState::Deleted => {}
                None => {
                    self.tracks.insert(t.id, Known { track: t.clone(), judged_at: None, full_due: None, found: 0 });
                }
            }
        }
        for t in tracks {
            if t.state == TrackState::Deleted {
                self.inherit(t.id, now);
            }
        }
        for t in tracks {
            if t.state != TrackState::Deleted {
                self.judge_track(t.id, now, false);
            }
        }
    }

    /// A second passed: judges every track that was not judged at `now`, so that levels fall and lost tracks end.
    pub fn tick(&mut self, now: Time) {
        self.codes.forget(now);
        self.forget_positions(now);
        let all: Vec<TrackId> = self.tracks.keys().copied().collect();
        for t in all {
            self.judge_track(t, now, true);
        }
        // A deleted track stays while somebody is still held in a warning of it.
        let open: BTreeSet<TrackId> = self.open.values().filter_map(Notice::track).collect();
        let pairs = &self.pairs;
        self.tracks.retain(|id, known| {
            let over =
                known.track.state == TrackState::Deleted || now.since_s(known.track.at) > self.policy.track_lost_s;
            !over || open.contains(id) || pairs.contains_key(id)
        });
        self.heirs.retain(|id, _| open.contains(id));
        self.load = self.tracks.values().map(|k| u64::from(k.found)).sum();
    }

    /// Forgets positions older than they may be kept, and with them what was judged by them.
    fn forget_positions(&mut self, now: Time) {
        let before = self.positions.len();
        let keep_s = self.policy.position.keep_s;
        self.positions.retain(|_, p| now.since_s(p.observed_at) < keep_s);
        if self.positions.len() == before {
            return;
        }
        self.index();
        for pairs in self.pairs.values_mut() {
            pairs.retain(|id, _| self.near.get(id).is_some());
        }
        self.pairs.retain(|_, pairs| !pairs.is_empty());
        self.told = Told::of(&self.open, &self.pairs);
    }

    /// Judges a track: against everybody in reach when that is due, else against those near and those with a level.
    /// The tick judges each of them, an observation leaves out those who may wait.
    fn judge_track(&mut self, id: TrackId, now: Time, tick: bool) {
        let Self { policy, tracks, pairs, near, told, counts, load, .. } = self;
        let Some(known) = tracks.get_mut(&id) else { return };
        if tick && known.judged_at == Some(now) {
            return;
        }
        let track = &known.track;
        let gone = track.state == TrackState::Deleted || now.since_s(track.at) > policy.track_lost_s;
        let full = gone || known.full_due.is_none_or(|t| now >= t);
        let widest = near.widest_m();
        let found = if gone {
            Vec::new()
        } else {
            let soon = fastest(policy, track) * FAR_OFF_S + NODES.reach * largest(&track.cov_enu_m2);
            let soon = soon.min(policy.prune_m) + widest;
            let people = if full { reach_m(policy, track) + widest } else { soon };
            near.around(track.place, people, if full || tick { policy.prune_m + widest } else { soon })
        };
        let count = u32::try_from(found.len()).unwrap_or(u32::MAX);
        let list = pairs.entry(id).or_default();
        for k in found {
            let Some(target) = near.at(k) else { continue };
            let who = &target.protected.id;
            if !full && !tick && list.get(who).is_some_and(|pair| may_wait(pair, now)) {
                counts.left += 1;
                continue;
            }
            counts.judged += 1;
            let seen = assess_in(policy, track, &target.protected, &target.frame, now);
            note(list, told, id, who, seen, policy, now);
        }
        // Out of reach this time: a level left there still has to fall, and without one it is listed no longer.
        list.retain(|who, pair| {
            if pair.judged_at != now && pair.steady.level.is_some() {
                let Some(target) = near.get(who) else { return false };
                counts.judged += 1;
                let seen = assess_in(policy, track, &target.protected, &target.frame, now);
                if pair.take(seen, policy, now) {
                    told.compare(id, who, pair.steady.level);
                }
            }
            pair.steady.level.is_some() || (!full || pair.judged_at == now) && is_listed(&pair.seen, policy, who)
        });
        if list.is_empty() {
            pairs.remove(&id);
        }
        known.judged_at = Some(now);
        if full {
            // Each load of FULL_LOAD pairs more makes it rarer by a second; the first wait is cut by id, so that not
            // all tracks are due in the same second.
            let period = (*load / FULL_LOAD + 1).min(FULL_LONGEST_S);
            let cut = if known.full_due.is_none() { id.0.as_u64_pair().1 % period } else { 0 };
            // A tick may come a little early.
            known.full_due = Some(now.plus_s((period - cut) as f64 - 0.1));
            known.found = count;
        }
    }

    /// Judges one pair, after the protected moved.
    fn judge_pair(&mut self, id: TrackId, who: &ProtectedId, now: Time) {
        let (Some(known), Some(target)) = (self.tracks.get(&id), self.near.get(who)) else { return };
        let list = self.pairs.entry(id).or_default();
        if list.get(who).is_some_and(|pair| may_wait(pair, now)) {
            self.counts.left += 1;
            return;
        }
        self.counts.judged += 1;
        let seen = assess_in(&self.policy, &known.track, &target.protected, &target.frame, now);
        note(list, &mut self.told, id, who, seen, &self.policy, now);
        if list.is_empty() {
            self.pairs.remove(&id);
        }
    }

    /// When a deleted track was merged into a live one, that one takes over its levels, so that nobody is alarmed
    /// anew for the same drone. The tracker does not say into which; it shows in shared observations or identity, or
    /// in lying on top of each other just after a measurement.
    fn inherit(&mut self, dead: TrackId, now: Time) {
        let Some(old) = self.tracks.get(&dead).map(|k| &k.track) else { return };
        if self.pairs.get(&dead).is_none_or(|p| p.values().all(|p| p.steady.level.is_none())) {
            return;
        }
        let serial = old.id_of(IdKind::Serial).map(|i| &i.value);
        let fresh = now.since_s(old.measured_at) <= MERGED_WITHIN_S;
        let apart = |t: &Track| {
            let (d, _) = old.place.distance_and_bearing(t.place);
            let spread = |c: &EnuCovariance| c[0][0].max(0.0) + c[1][1].max(0.0);
            d / libm::sqrt(spread(&old.cov_enu_m2) + spread(&t.cov_enu_m2) + 1.0)
        };
        let best = self
            .tracks
            .values()
            .map(|k| &k.track)
            .filter(|t| t.id != dead && t.state != TrackState::Deleted && within(old.place, t.place, 10_000.0))
            .filter_map(|t| {
                let shared = t.because.iter().any(|o| old.because.contains(o));
                let same = serial.is_some() && t.id_of(IdKind::Serial).map(|i| &i.value) == serial;
                let far = apart(t);
                (shared || same || fresh && far <= 3.0).then_some((!(shared || same), far, t.id))
            })
            .min_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
        let Some((_, _, heir)) = best else { return };
        self.heirs.insert(dead, heir);
        let left = self.pairs.remove(&dead).unwrap_or_default();
        let list = self.pairs.entry(heir).or_default();
        for (who, old) in left.into_iter().filter(|(_, p)| p.steady.level.is_some()) {
            self.told.compare(dead, &who, None);
            let level = if let Some(new) = list.get_mut(&who) {
                new.steady.join(old.steady);
                new.steady.level
            } else {
                old.steady.level
            };
            self.told.compare(heir, &who, level);
            list.entry(who).or_insert(old);
        }
    }

    // ---- look ----

    /// Every danger listed: to people within [`Policy::near_m`] or with any chance of being reached, to sites within
    /// [`Policy::prune_m`]; in order of track, then protected.
    pub fn dangers(&self) -> Vec<Danger> {
        self.pairs
            .iter()
            .flat_map(|(t, pairs)| {
                pairs.iter().map(|(who, p)| p.seen.danger(*t, who.clone(), p.judged_at, p.steady.level))
            })
            .collect()
    }

    /// The newest version of each open warning, in order of id.
    pub fn open(&self) -> impl Iterator<Item = &Notice> {
        self.open.values()
    }

    // ---- decide ----

    /// What should be told now that has not been told: at most one version of each warning.
    pub fn decide(&self, ids: &mut IdMaker, now: Time) -> Vec<Notice> {
        if self.told.due.is_empty() {
            return Vec::new();
        }
        let mut told = Vec::new();
        // What gets a warning of its own here; a merged track's warning may only take a place that is free.
        let mut taken: BTreeSet<(TrackId, &ProtectedId)> = BTreeSet::new();
        let mut codes: BTreeSet<String> = BTreeSet::new();
        let changed = self.told.due.iter().filter_map(|key| self.open.get(&self.told.by_pair.get(key)?.0));
        for notice in changed {
            let Some(told_of) = notice.warning() else { continue };
            let mut at = told_of.track;
            // A chain of merges is short; the bound only keeps a ring of them from going on for ever.
            for _ in 0..8 {
                at = self.heirs.get(&at).copied().unwrap_or(at);
            }
            let moved = at != told_of.track;
            let key = (at, told_of.protected.clone());
            let merged = moved && (self.told.by_pair.contains_key(&key) || taken.contains(&(at, &told_of.protected)));
            let pair = self.pairs.get(&at).and_then(|p| p.get(&told_of.protected));
            let level = pair.filter(|_| !merged).and_then(|p| p.steady.level);
            if level.is_some() {
                taken.insert((at, &told_of.protected));
            }
            // A track stays known while a warning of it is open; an heir may be gone before the warning followed it.
            let known = self.tracks.get(&at).or_else(|| self.tracks.get(&told_of.track));
            let seen = match (pair, known, self.near.get(&told_of.protected)) {
                (Some(p), ..) if merged => Assessment { reasons: Reasons::MERGED, ..p.seen },
                (Some(p), ..) => p.seen,
                // A pair is dropped as soon as it has no level: what became of it is seen again from the track.
                (None, Some(k), Some(t)) => assess_in(&self.policy, &k.track, &t.protected, &t.frame, now),
                (None, _, None) => seen_before(told_of, Reasons::NOT_PROTECTED),
                (None, None, _) => seen_before(told_of, Reasons::TRACK_LOST),
            };
            if let Some(known) = known {
                told.push(self.version(
                    Some(notice),
                    notice.id,
                    &known.track,
                    &told_of.protected,
                    &seen,
                    level,
                    &mut codes,
                    now,
                ));
            } else {
                told.push(self.last(notice, told_of, &seen, &mut codes, now));
            }
        }
        for key in &self.told.due {
            let (track, who) = (&key.0, &key.1);
            if !self.told.by_pair.contains_key(key)
                && !taken.contains(&(*track, who))
                && let Some(pair) = self.pairs.get(track).and_then(|p| p.get(who))
                && let Some(level) = pair.steady.level
                && let Some(known) = self.tracks.get(track)
            {
                let id = NoticeId(ids.make());
                told.push(self.version(None, id, &known.track, who, &pair.seen, Some(level), &mut codes, now));
            }
        }
        told
    }

    /// One version of a warning; without a level it is the last one.
    #[allow(clippy::too_many_arguments)] // each is another thing, and there are two callers
    fn version(
        &self,
        before: Option<&Notice>,
        id: NoticeId,
        track: &Track,
        who: &ProtectedId,
        seen: &Assessment,
        level: Option<Level>,
        codes: &mut BTreeSet<String>,
        now: Time,
    ) -> Notice {
        let version = before.map_or(1, |n| n.version + 1);
        let state = match (before, level) {
            (_, None) => NoticeState::Cleared,
            (None, _) => NoticeState::Raised,
            (Some(_), _) => NoticeState::Updated,
        };
        let was = before.map(|n| n.level);
        let shown = level.or(was).unwrap_or(Level::Advisory);
        let name = self.near.get(who).map(|t| t.protected.name.clone());
        let name =
            name.or_else(|| before.and_then(Notice::warning).map(|w| w.protected_name.clone())).unwrap_or_default();
        let held = level.is_some() && level > seen.level;
        let seen = Assessment { reasons: seen.reasons.with(Reasons::HELD, held), ..*seen };
        let say = |language| {
            let about = words::About {
                policy: &self.policy,
                state,
                level: shown,
                before: was,
                track,
                seen: &seen,
                protected: who,
                name: &name,
                exercise: self.exercise.is_some(),
                now,
            };
            words::text(&about, language)
        };
        let (text, text_es) = (say(Language::En), say(Language::Es));
        Notice {
            id,
            version,
            state,
            level: shown,
            at: now,
            needs_ack: level.is_some() && level > was,
            marking: Marking::default(),
            exercise: self.exercise.clone(),
            code: self.code(id, version, codes),
            text,
            text_es,
            expires_at: None,
            about: About::Warning(Warning {
                track: track.id,
                protected: who.clone(),
                protected_name: name,
                facts: NoticeFacts {
                    distance_m: seen.distance_m,
                    bearing_deg: seen.bearing_deg,
                    earliest_s: seen.earliest_s,
                    cpa_m: seen.cpa_m,
                    p_within_30: seen.p_within.s30,
                    track_at: track.place.lat_lon(),
                    height_unknown: seen.reasons.has(Reasons::HEIGHT_UNKNOWN),
                    by_people_only: track.by_people_only,
                },
                reasons: seen.reasons.words(),
                because: track.because.clone(),
            }),
        }
    }

    /// The last version of a warning whose track is not known at all any more: as it was, and over.
    fn last(
        &self,
        notice: &Notice,
        about: &Warning,
        seen: &Assessment,
        codes: &mut BTreeSet<String>,
        now: Time,
    ) -> Notice {
        let version = notice.version + 1;
        let over = |language| words::over(seen.reasons, self.exercise.is_some(), language);
        Notice {
            version,
            state: NoticeState::Cleared,
            at: now,
            needs_ack: false,
            about: About::Warning(Warning { reasons: seen.reasons.words(), ..about.clone() }),
            code: self.code(notice.id, version, codes),
            text: over(Language::En),
            text_es: over(Language::Es),
            ..notice.clone()
        }
    }

    /// The code of a version; `given` are those of this decision.
    fn code(&self, id: NoticeId, version: u32, given: &mut BTreeSet<String>) -> String {
        let free = self.codes.free_for(id, version, 4, |c| given.contains(c));
        given.insert(free.clone());
        free
    }

    // ---- apply ----

    /// Takes a version as told.
    pub fn apply(&mut self, notice: &Notice) {
        // A bulletin is none of this engine's.
        let Some(pair) = pair_of(notice) else { return };
        self.codes.hear(notice, CODES_S);
        let before = if notice.state == NoticeState::Cleared {
            self.open.remove(&notice.id)
        } else {
            self.open.insert(notice.id, notice.clone())
        };
        let told = &mut self.told;
        let old = before.as_ref().and_then(pair_of);
        if let Some(old) = &old {
            told.by_pair.remove(old);
        }
        if notice.state != NoticeState::Cleared {
            told.by_pair.insert(pair.clone(), (notice.id, notice.level));
        }
        for (track, who) in old.iter().chain([&pair]) {
            let level = self.pairs.get(track).and_then(|p| p.get(who)).and_then(|p| p.steady.level);
            told.compare(*track, who, level);
        }
    }
}

impl Pair {
    /// Takes a new assessment; true when the level held is another one now.
    fn take(&mut self, seen: Assessment, policy: &Policy, now: Time) -> bool {
        let before = self.steady.level;
        let over = seen.reasons.has(Reasons::NO_LEVEL);
        let near_m = policy.linger * seen.standoff_m;
        let lingers = before.is_some() && !over && (seen.distance_m <= near_m || seen.closing && seen.cpa_m <= near_m);
        let judged = seen.level.or(lingers.then_some(Level::Advisory));
        self.steady.take(judged, over, policy.hold_s, now.since_s(self.judged_at), now);
        let reasons = seen.reasons.with(Reasons::LINGERS, lingers && seen.level.is_none());
        let seen = Assessment { level: judged, reasons, ..seen };
        self.seen = seen;
        self.judged_at = now;
        self.steady.level != before
    }
}

/// Notes what a pair looks like now, listing it when it is new and worth it.
fn note(
    list: &mut BTreeMap<ProtectedId, Pair>,
    told: &mut Told,
    track: TrackId,
    who: &ProtectedId,
    seen: Assessment,
    policy: &Policy,
    now: Time,
) {
    if let Some(pair) = list.get_mut(who) {
        if pair.take(seen, policy, now) {
            told.compare(track, who, pair.steady.level);
        }
    } else if is_listed(&seen, policy, who) {
        let mut pair = Pair { seen, steady: Steady::default(), judged_at: now };
        if pair.take(seen, policy, now) {
            told.compare(track, who, pair.steady.level);
        }
        list.insert(who.clone(), pair);
    }
}

/// A bound of the standard deviation in any direction: the largest eigenvalue is at most the largest sum of a row.
fn largest(c: &EnuCovariance) -> f64 {
    libm::sqrt(c.iter().map(|row| row.iter().map(|x| x.abs()).sum::<f64>()).fold(0.0, f64::max))
}

fn speed(t: &Track) -> f64 {
    libm::sqrt(t.vel_enu_mps.iter().map(|v| v * v).sum())
}

/// How fast it may fly: its class's limit or what it does now, whichever is more.
fn fastest(policy: &Policy, t: &Track) -> f64 {
    reckoned(policy, t).speed_mps.max(speed(t))
}

/// How far from a track somebody may matter, beside their stand-off: where its present motion with all its uncertainty
/// can bring it within the longest time ahead, or near enough to be listed.
fn reach_m(policy: &Policy, t: &Track) -> f64 {
    let ahead_s = policy.advisory.within_s.max(300.0);
    let spread = speed(t) + NODES.reach * (largest(&t.vel_cov_enu) + policy.wander.sigma_mps);
    let ahead_m = spread.min(fastest(policy, t)) * ahead_s + NODES.reach * largest(&t.cov_enu_m2);
    ahead_m.clamp(policy.near_m, policy.prune_m)
}

/// See [`FAR_OFF_S`].
fn may_wait(pair: &Pair, now: Time) -> bool {
    pair.steady.level.is_none() && pair.seen.earliest_s > FAR_OFF_S && now.since_s(pair.judged_at) < CALM_S
}

/// See [`Warner::dangers`].
fn is_listed(seen: &Assessment, policy: &Policy, who: &ProtectedId) -> bool {
    let far = if matches!(who, ProtectedId::Site(_)) { policy.prune_m } else { policy.near_m };
    !seen.reasons.has(Reasons::TRACK_LOST) && (seen.distance_m <= far + seen.standoff_m || seen.p_within.s300 > 0.0)
}

fn protected_person(p: &Position, name: &str, policy: &Policy) -> Protected {
    Protected {
        id: ProtectedId::Person(p.person.clone()),
        name: name.to_owned(),
        at: p.at,
        accuracy_m: p.accuracy_m,
        at_time: Some(p.observed_at),
        standoff_m: policy.standoff_m,
    }
}

/// What a version said, for the last one of a warning whose track or protected is no longer known.
fn seen_before(w: &Warning, why: Reasons) -> Assessment {
    Assessment {
        distance_m: w.facts.distance_m,
        bearing_deg: w.facts.bearing_deg,
        cpa_m: w.facts.cpa_m,
        cpa_in_s: 0.0,
        earliest_s: w.facts.earliest_s,
        standoff_m: 0.0,
        distance_sigma_m: 0.0,
        closing: false,
        p_now: 0.0,
        p_within: Within::default(),
        level: None,
        reasons: why.with(Reasons::HEIGHT_UNKNOWN, w.facts.height_unknown),
    }
}

#[cfg(test)]
mod tests;
