//! What people at the centre decide about tracks: two are one, one is two, and what one is.
//!
//! A decision holds from then on. Of tracks that were merged, what is reported of either goes to the one that is left: by
//! name and address while it is said to be near it, by a source that gives none where that saw the other beside it. What
//! is reported elsewhere starts a track, so that no decision can hide a second thing. Of a track that was parted, names and
//! addresses are never of the other part, and a source is of its own part while that can be; the two are not merged by
//! themselves. A split takes both parts' votes of class away: nobody knows whose they were, and what is of no class counts
//! as the most agile.

use super::{Emitter, Live, Plot, Report, Said, Time, Tracker};
use crate::{settings::FORGET_S, track::Decision};
use serde::{Deserialize, Serialize};
use skypicket_model::{
    Enu, IdMaker, PersonId, Place, Refusal, SourceId, Track, TrackAct, TrackChange, TrackClass, TrackId, TrackPart,
    lineage::MOST_WHY, observation::IdClaim, track::Affiliation,
};

/// Decisions of a kind kept at most; the oldest goes first. People make a few an hour.
const MOST: usize = 256;
/// Two tracks that are farther apart than this and three sigmas are not one thing, m.
pub(super) const APART_M: f64 = 5_000.0;
/// What is said of a merged track is of it within twice as far as the two were apart, and this, m.
const NEAR_M: f64 = 500.0;
/// A source sees a merged track beside itself within this, a quarter of how far off that was, and three sigmas, m.
const BESIDE_M: f64 = 30.0;
/// Until so long after it last did, s.
const BESIDE_S: f64 = 60.0;

/// What people decided that holds from then on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Decisions {
    bonds: Vec<Bond>,
    parted: Vec<[Share; 2]>,
    /// The tracks that were over last, when, and which they ended in.
    over: Vec<(TrackId, Time, Option<TrackId>)>,
}

/// What belongs to a track because a person said that two were one.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Bond {
    track: TrackId,
    names: Vec<IdClaim>,
    addresses: Vec<Emitter>,
    /// As far from the track as this, m.
    reach_m: f64,
    beside: Vec<Beside>,
}

/// A source that sees a track beside where that is.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Beside {
    source: SourceId,
    /// How far east and north, m.
    by_m: [f64; 2],
    /// When it last did.
    at: Time,
}

/// What a part of a parted track is known by, and the other is not.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Share {
    track: TrackId,
    over: bool,
    names: Vec<IdClaim>,
    addresses: Vec<Emitter>,
    sources: Vec<SourceId>,
}

/// What leaves a track that is parted, and what both keep.
#[derive(Debug, Default)]
struct Leaving {
    names: Vec<IdClaim>,
    addresses: Vec<Emitter>,
    sources: Vec<SourceId>,
    /// Names, addresses and sources of both parts.
    both: (Vec<IdClaim>, Vec<Emitter>, Vec<SourceId>),
}

impl Decisions {
    /// Nothing holds.
    pub(super) fn is_empty(&self) -> bool {
        self.bonds.is_empty() && self.parted.is_empty()
    }

    /// Adds the tracks that a report is of by what people said.
    pub(super) fn tie(&self, r: &Report, out: &mut Vec<TrackId>) {
        for bond in self.bonds.iter().filter(|b| b.names_it(r)) {
            if !out.contains(&bond.track) {
                out.push(bond.track);
            }
        }
    }

    /// A report of such names or from there cannot be of a track.
    pub(super) fn bars(&self, track: TrackId, names: &[IdClaim], emitter: Option<&Emitter>) -> bool {
        self.shares(track).any(|(_, other)| {
            names.iter().any(|n| other.names.contains(n)) || emitter.is_some_and(|e| other.addresses.contains(e))
        })
    }

    /// The part of a track that a source was given to, where that was parted.
    pub(super) fn other(&self, track: TrackId, source: &SourceId) -> Option<TrackId> {
        let given = |(_, other): &(&Share, &Share)| !other.over && other.sources.contains(source);
        self.shares(track).find(given).map(|(_, other)| other.track)
    }

    /// A person parted the two.
    pub(super) fn parted(&self, a: TrackId, b: TrackId) -> bool {
        self.shares(a).any(|(_, other)| other.track == b)
    }

    /// A track's own share of what it was parted from, and the other's.
    fn shares(&self, track: TrackId) -> impl Iterator<Item = (&Share, &Share)> {
        self.parted.iter().filter_map(move |[a, b]| {
            if a.track == track {
                Some((a, b))
            } else if b.track == track {
                Some((b, a))
            } else {
                None
            }
        })
    }

    /// A track ended in another.
    pub(super) fn merged(&mut self, lost: TrackId, keep: TrackId, now: Time) {
        self.remember(lost, now, Some(keep));
        for bond in self.bonds.iter_mut().filter(|b| b.track == lost) {
            bond.track = keep;
        }
        for share in self.parted.iter_mut().flatten().filter(|s| s.track == lost) {
            share.track = keep;
        }
        self.parted.retain(|[a, b]| a.track != b.track);
    }

    /// A track is over.
    pub(super) fn ended(&mut self, t: &Live, now: Time) {
        if t.confirmed {
            self.remember(t.id, now, None);
        }
        if self.is_empty() {
            return;
        }
        self.bonds.retain(|b| b.track != t.id);
        for share in self.parted.iter_mut().flatten().filter(|s| s.track == t.id) {
            share.over = true;
        }
        // What named it is still not of the other.
        self.clear();
    }

    /// Two that are one now are of each other's names, also of those that were parted from one of them and are over.
    fn allow(&mut self, tracks: [TrackId; 2], names: &[IdClaim], addresses: &[Emitter]) {
        for [a, b] in &mut self.parted {
            let own = [b.track, a.track];
            for (own, other) in own.into_iter().zip([a, b]) {
                if other.over && tracks.contains(&own) {
                    other.names.retain(|n| !names.contains(n));
                    other.addresses.retain(|e| !addresses.contains(e));
                }
            }
        }
        self.clear();
    }

    /// Nothing is kept of what holds nobody from anything any more.
    fn clear(&mut self) {
        let done =
            |own: &Share, other: &Share| own.over && (own.names.is_empty() && own.addresses.is_empty() || other.over);
        self.parted.retain(|[a, b]| !done(a, b) && !done(b, a));
    }

    fn remember(&mut self, track: TrackId, now: Time, into: Option<TrackId>) {
        bounded(&mut self.over);
        self.over.push((track, now, into));
    }

    /// When a track was over, and what it ended in, by now.
    fn over(&self, track: TrackId) -> Option<(Time, Option<TrackId>)> {
        let of = |id: TrackId| self.over.iter().rev().find(|o| o.0 == id).map(|o| (o.1, o.2));
        let (at, mut into) = of(track)?;
        // A chain of merges is short.
        for _ in 0..8 {
            let Some((_, next)) = into.and_then(of) else { break };
            into = next;
        }
        Some((at, into))
    }
}

impl Bond {
    /// A report is of a name or from an address that belongs to the track.
    fn names_it(&self, r: &Report) -> bool {
        r.ids.iter().any(|n| self.names.contains(n)) || r.emitter.as_ref().is_some_and(|e| self.addresses.contains(e))
    }
}

/// Makes room for one more.
fn bounded<T>(list: &mut Vec<T>) {
    if list.len() >= MOST {
        list.remove(0);
    }
}

/// A person, as a source.
fn is_person(source: &SourceId) -> bool {
    source.as_str().starts_with("person.")
}

/// Where a report says that something is, and one sigma over ground, m; nothing of a direction or a presence.
fn said_place(r: &Report) -> Option<(Place, f64)> {
    match &r.plot {
        Plot::Point(p) => Some((p.place, (p.cov[0][0] + p.cov[1][1]).max(0.0).sqrt())),
        Plot::Echo { from, m } => {
            let [range, azimuth, elevation] = m.z;
            let flat = range * libm::cos(elevation);
            let (east, north) = (flat * libm::sin(azimuth), flat * libm::cos(azimuth));
            let place = Enu::at(*from).to_place([east, north, range * libm::sin(elevation)]);
            Some((place, (m.r[0] + flat * flat * m.r[1]).max(0.0).sqrt()))
        }
        Plot::Ray(_) | Plot::Presence { .. } => None,
    }
}

/// Metres east and north from one place to another.
fn between(a: Place, b: Place) -> [f64; 2] {
    let [east, north, _] = Enu::at(a).from_place(Place { alt_hae_m: a.alt_hae_m, ..b });
    [east, north]
}

// ---- what holds ----

impl Tracker {
    /// Where a track was at a moment, and one sigma over ground, m.
    fn stood(&self, t: &Live, at: Time) -> Option<(Place, f64)> {
        let then = self.sky.state_then(t.body, at.unix_s())?;
        Some((then.on_earth()?.0, then.over_ground()))
    }

    /// The track that a report is of because a person said so: it is said to be near it, though not where something else
    /// says that it is. When nothing else does any more nobody knows for long where the track is, and the report moves it
    /// as any other.
    pub(super) fn bound(&self, r: &Report) -> Option<TrackId> {
        let bonds = self.decisions.bonds.iter().filter(|b| b.names_it(r));
        bonds.map(|b| (b, self.tracks.get(&b.track))).find_map(|(bond, t)| {
            let t = t.filter(|t| self.is_there(t, r.now))?;
            let (said, sigma) = said_place(r)?;
            let (place, spread) = self.stood(t, r.at)?;
            let near = place.distance_and_bearing(said).0 <= bond.reach_m + 3.0 * libm::hypot(sigma, spread);
            near.then_some(t.id)
        })
    }

    /// The track that a source, which gives no names, sees beside where that is, because a person said so.
    pub(super) fn shifted(&mut self, r: &Report) -> Option<TrackId> {
        if self.decisions.bonds.is_empty() || !r.ids.is_empty() || r.emitter.is_some() {
            return None;
        }
        let (said, sigma) = said_place(r)?;
        let mut best: Option<(f64, usize, usize, [f64; 2])> = None;
        for (k, bond) in self.decisions.bonds.iter().enumerate() {
            let Some(t) = self.tracks.get(&bond.track).filter(|t| self.is_there(t, r.now)) else { continue };
            for (n, beside) in bond.beside.iter().enumerate() {
                if beside.source != r.o.source || r.at.since_s(beside.at).abs() > BESIDE_S {
                    continue;
                }
                let Some((place, spread)) = self.stood(t, r.at) else { continue };
                let by_m = between(place, said);
                let off = libm::hypot(by_m[0] - beside.by_m[0], by_m[1] - beside.by_m[1]);
                let quarter = 0.25 * libm::hypot(beside.by_m[0], beside.by_m[1]);
                let within = off <= BESIDE_M + quarter + 3.0 * libm::hypot(sigma, spread);
                if within && best.is_none_or(|b| off < b.0) {
                    best = Some((off, k, n, by_m));
                }
            }
        }
        let (_, k, n, by_m) = best?;
        let bond = self.decisions.bonds.get_mut(k)?;
        let beside = bond.beside.get_mut(n)?;
        // What a source is mistaken by turns with where it looks.
        for (own, seen) in beside.by_m.iter_mut().zip(by_m) {
            *own += 0.3 * (seen - *own);
        }
        beside.at = beside.at.max(r.at);
        Some(bond.track)
    }
}

// ---- acts ----

impl Tracker {
    /// Whether an act of a person on tracks can be done now, and where not, why and what to do.
    pub fn check(&self, act: &TrackAct) -> Result<(), Refusal> {
        let (why, needed) = match act {
            TrackAct::Merge { why, .. } | TrackAct::Split { why, .. } => (why, true),
            TrackAct::Classify { class, affiliation, why, .. } => (why, class.is_some() || affiliation.is_some()),
        };
        if needed && why.trim().is_empty() {
            return Err(Refusal::new("why_needed", "Say in a few words why."));
        }
        if why.chars().count() > MOST_WHY {
            return Err(Refusal::new("why_too_long", format!("The reason may have {MOST_WHY} characters at most.")));
        }
        self.fits(act)?;
        if let TrackAct::Merge { track, with, .. } = act
            && let (Some(a), Some(b)) = (self.tracks.get(track), self.tracks.get(with))
        {
            let at = self.now.unwrap_or(a.at).max(a.at).max(b.at);
            if let (Some((pa, sa)), Some((pb, sb))) = (self.stood(a, at), self.stood(b, at)) {
                let apart = pa.distance_and_bearing(pb).0;
                if apart > APART_M + 3.0 * libm::hypot(sa, sb) {
                    let km = apart / 1_000.0;
                    return Err(Refusal::new(
                        "too_far_apart",
                        format!(
                            "These tracks are {km:.0} km apart, and one thing is not in two places. If one of them is \
                             false, classify it instead."
                        ),
                    ));
                }
            }
        }
        Ok(())
    }

    /// A live track, or why there is none.
    fn live(&self, id: TrackId) -> Result<&Live, Refusal> {
        if let Some(t) = self.tracks.get(&id) {
            return Ok(t);
        }
        Err(match self.decisions.over(id) {
            Some((at, Some(into))) => Refusal::new(
                "track_over",
                format!("This track is over: it was merged into track {into} at {at}. Choose that one."),
            ),
            Some((at, None)) => Refusal::new(
                "track_over",
                format!(
                    "This track is over: it was dropped at {at}. If the thing is back, it has a new track: choose that \
                     one on the map."
                ),
            ),
            None => Refusal::new(
                "not_found",
                "There is no such track, or it is long over. Choose one that is on the map now.",
            ),
        })
    }

    /// What does not depend on where things are by now: an act that fitted once is done.
    fn fits(&self, act: &TrackAct) -> Result<(), Refusal> {
        match act {
            TrackAct::Merge { track, with, .. } => {
                self.live(*track)?;
                self.live(*with)?;
                if track == with {
                    return Err(Refusal::new(
                        "merge_into_itself",
                        "This is one track already. Choose another that is the same thing.",
                    ));
                }
            }
            TrackAct::Split { track, part, .. } => {
                let t = self.live(*track)?;
                self.leaving(t, part)?;
                if self.tracks.len() >= self.settings.max_tracks {
                    return Err(Refusal::new(
                        "tracks_full",
                        "There are as many tracks as there can be. Try again when some are over.",
                    ));
                }
            }
            TrackAct::Classify { track, class, affiliation, .. } => {
                let t = self.live(*track)?;
                if *affiliation == Some(Affiliation::Own) {
                    return Err(Refusal::new(
                        "own_is_filed",
                        "A drone is our own by its filed flight: file the own flight, with its serial, area and time.",
                    ));
                }
                if class.is_none() && affiliation.is_none() && t.decided.is_none() {
                    return Err(Refusal::new(
                        "nothing_decided",
                        "Nobody decided what this track is: there is nothing to take back.",
                    ));
                }
            }
        }
        Ok(())
    }

    /// Does what a person decided, and gives the tracks changed by it, by id; nothing where it does not fit.
    pub fn act(&mut self, act: &TrackAct, by: &PersonId, ids: &mut IdMaker, now: Time) -> Vec<Track> {
        let now = self.advance(now);
        if self.fits(act).is_err() {
            return Vec::new();
        }
        let mut out = match act {
            TrackAct::Merge { track, with, why } => self.merge(*track, *with, (by, why.trim()), now),
            TrackAct::Split { track, part, why } => self.split(*track, part, (by, why.trim()), ids, now),
            TrackAct::Classify { track, class, affiliation, why } => {
                self.classify(*track, *class, *affiliation, (by, why.trim()), now)
            }
        };
        out.sort_by_key(|t| t.id);
        out
    }

    fn merge(&mut self, a: TrackId, b: TrackId, said: (&PersonId, &str), now: Time) -> Vec<Track> {
        let (keep, lose) = self.elder(a, b);
        let mut bond =
            Bond { track: keep, names: Vec::new(), addresses: Vec::new(), reach_m: NEAR_M, beside: Vec::new() };
        let mut stood = Vec::new();
        for t in [keep, lose].iter().filter_map(|id| self.tracks.get(id)) {
            bond.names.extend(t.ids.values().cloned());
            bond.addresses.extend(t.addresses.keys().cloned());
            let machines: Vec<SourceId> = t.seen.keys().filter(|s| !is_person(s)).cloned().collect();
            stood.push((self.stood(t, now.max(t.at)), machines));
        }
        // One that was parted from the other goes with it: whoever says that it is one now says so of all of it.
        self.decisions.allow([keep, lose], &bond.names, &bond.addresses);
        let ended = self.unite(keep, lose, now, Some(said));
        let Some(t) = self.tracks.get(&keep) else { return ended.into_iter().collect() };
        let at = now.max(t.at);
        if let Some((place, _)) = self.stood(t, at) {
            for (was, sources) in stood {
                let Some((was, _)) = was else { continue };
                let by_m = between(place, was);
                let off = libm::hypot(by_m[0], by_m[1]);
                bond.reach_m = bond.reach_m.max(NEAR_M + 2.0 * off);
                // Where it is known to be, it is seen without help.
                if off > 1.0 {
                    bond.beside.extend(sources.into_iter().map(|source| Beside { source, by_m, at }));
                }
            }
        }
        let shown = self.show(t, t.at, now);
        bounded(&mut self.decisions.bonds);
        self.decisions.bonds.push(bond);
        ended.into_iter().chain(shown).collect()
    }

    /// What leaves a track with a part of it, or why it cannot be parted so.
    fn leaving(&self, t: &Live, part: &TrackPart) -> Result<Leaving, Refusal> {
        let list = |items: Vec<String>| if items.is_empty() { "none".to_owned() } else { items.join(", ") };
        let mut out = Leaving::default();
        let whole = "This track rests on that alone: nothing of it would be left. Classify it instead, if it is not what it \
                     seems.";
        match part {
            TrackPart::Source { source } => {
                if !t.seen.contains_key(source) {
                    let sources = list(t.seen.keys().map(ToString::to_string).collect());
                    return Err(Refusal::new(
                        "unknown_part",
                        format!("{source} is no source of this track. Choose one of these: {sources}."),
                    ));
                }
                if t.seen.len() < 2 {
                    return Err(Refusal::new("one_source", whole));
                }
                out.sources.push(source.clone());
                for (_, said) in t.said.iter().filter(|(s, _)| s == source) {
                    let both = t.said.iter().any(|(s, what)| s != source && what == said);
                    out.put(said, both);
                }
            }
            TrackPart::Identity { .. } => {
                let Some(name) = part.identity().filter(|n| t.ids.values().any(|own| own == n)) else {
                    let names = list(t.ids.values().map(|n| n.value.clone()).collect());
                    return Err(Refusal::new(
                        "unknown_part",
                        format!("This track has no such identity. Choose one of these: {names}."),
                    ));
                };
                let here = Said::Name(name.clone());
                for (source, said) in &t.said {
                    if *said == here {
                        // A source that named nothing else saw only that part.
                        let own =
                            |(s, what): &(SourceId, Said)| s == source && matches!(what, Said::Name(n) if *n != name);
                        let both = t.said.iter().any(own);
                        let list = if both { &mut out.both.2 } else { &mut out.sources };
                        if t.seen.contains_key(source) && !list.contains(source) {
                            list.push(source.clone());
                        }
                    }
                }
                for e in t.addresses.keys() {
                    let heard = self.memory.recent(e, self.now.unwrap_or(t.at), FORGET_S.max(self.settings.address_s));
                    if heard.is_some_and(|h| h.ids.contains(&name)) {
                        out.addresses.push(e.clone());
                    }
                }
                let rest = t.ids.values().any(|n| *n != name);
                if !rest && t.seen.keys().all(|s| out.sources.contains(s)) {
                    return Err(Refusal::new("one_source", whole));
                }
                out.names.push(name);
            }
        }
        Ok(out)
    }

    fn split(
        &mut self,
        id: TrackId,
        part: &TrackPart,
        (by, why): (&PersonId, &str),
        ids: &mut IdMaker,
        now: Time,
    ) -> Vec<Track> {
        let Some(leaving) = self.tracks.get(&id).and_then(|t| self.leaving(t, part).ok()) else { return Vec::new() };
        let Some(body) = self.tracks.get(&id).and_then(|t| self.sky.branch(t.body)) else { return Vec::new() };
        let new = TrackId(ids.make());
        let Some(t) = self.tracks.get_mut(&id) else { return Vec::new() };
        let mut n = Live::new(new, body, t.at);
        n.since = now;
        n.confirmed = t.confirmed;
        n.doubts = t.doubts.clone();
        n.because.clone_from(&t.because);
        n.height_takeoff_m = t.height_takeoff_m;
        t.classes = crate::identity::Ballot::default();
        n.happened(now, TrackChange::SplitFrom { track: id, part: part.clone(), by: by.clone(), why: why.to_owned() });
        t.happened(now, TrackChange::SplitOff { track: new, part: part.clone(), by: by.clone(), why: why.to_owned() });
        for source in leaving.sources.iter().chain(&leaving.both.2) {
            if let Some(at) = t.seen.get(source) {
                n.seen.insert(source.clone(), *at);
            }
        }
        for source in &leaving.sources {
            t.seen.remove(source);
        }
        n.measured_at = n.seen.values().max().copied().unwrap_or(t.measured_at);
        t.measured_at = t.seen.values().max().copied().unwrap_or(t.measured_at);
        for e in leaving.addresses.iter().chain(&leaving.both.1) {
            if let Some(at) = t.addresses.get(e) {
                n.addresses.insert(e.clone(), *at);
            }
        }
        for e in &leaving.addresses {
            t.addresses.remove(e);
        }
        for name in leaving.names.iter().chain(&leaving.both.0) {
            let votes = t.ids.votes(name);
            if votes > 0.0 {
                n.ids.vote(name, votes);
                n.call(name, now);
            }
        }
        for name in &leaving.names {
            t.ids.strike(name);
            t.called.retain(|c| c != name);
        }
        let leaves = |(source, said): &(SourceId, Said)| {
            leaving.sources.contains(source)
                || match said {
                    Said::Name(name) => leaving.names.contains(name),
                    Said::Address(e) => leaving.addresses.contains(e),
                }
        };
        n.said = t.said.iter().filter(|s| leaves(s)).cloned().collect();
        t.said.retain(|s| !leaves(s));
        n.sightings = t.sightings.iter().filter(|s| leaving.sources.contains(&s.1)).cloned().collect();
        t.sightings.retain(|s| !leaving.sources.contains(&s.1));
        counted_by_sources(&mut n, t);
        let share = |track: TrackId, x: &Live, y: &Live| Share {
            track,
            over: false,
            names: x.ids.values().filter(|v| !y.ids.values().any(|w| w == *v)).cloned().collect(),
            addresses: x.addresses.keys().filter(|e| !y.addresses.contains_key(e)).cloned().collect(),
            sources: x.seen.keys().filter(|s| !y.seen.contains_key(s)).cloned().collect(),
        };
        let shares = [share(id, t, &n), share(new, &n, t)];
        for name in &leaving.names {
            self.memory.forget(id, std::iter::once(name));
        }
        for name in n.ids.values() {
            self.memory.name(name, new);
        }
        for e in &leaving.addresses {
            if let Some(h) = self.memory.recent(e, now, self.settings.address_s).cloned() {
                let heard = crate::identity::Heard { track: Some(new), ..h };
                self.memory.remember(e, heard, self.settings.emitters_max);
            }
        }
        for bond in self.decisions.bonds.iter_mut().filter(|b| b.track == id) {
            bond.names.retain(|x| !leaving.names.contains(x));
            bond.addresses.retain(|x| !leaving.addresses.contains(x));
            bond.beside.retain(|x| !leaving.sources.contains(&x.source));
        }
        bounded(&mut self.decisions.parted);
        self.decisions.parted.push(shares);
        self.tracks.insert(new, Box::new(n));
        self.of_body.insert(body, new);
        [id, new].iter().filter_map(|id| self.tracks.get(id)).filter_map(|t| self.show(t, t.at, now)).collect()
    }

    fn classify(
        &mut self,
        id: TrackId,
        class: Option<TrackClass>,
        affiliation: Option<Affiliation>,
        (by, why): (&PersonId, &str),
        now: Time,
    ) -> Vec<Track> {
        let Some(t) = self.tracks.get_mut(&id) else { return Vec::new() };
        let by = by.clone();
        let decided = class.is_some() || affiliation.is_some();
        t.decided =
            decided.then(|| Box::new(Decision { class, affiliation, by: by.clone(), at: now, why: why.to_owned() }));
        t.happened(now, TrackChange::Classified { class, affiliation, by, why: why.to_owned() });
        self.tracks.get(&id).and_then(|t| self.show(t, t.at, now)).into_iter().collect()
    }
}

impl Leaving {
    fn put(&mut self, said: &Said, both: bool) {
        match (said, both) {
            (Said::Name(n), false) => self.names.push(n.clone()),
            (Said::Name(n), true) => self.both.0.push(n.clone()),
            (Said::Address(e), false) => self.addresses.push(e.clone()),
            (Said::Address(e), true) => self.both.1.push(e.clone()),
        }
    }
}

/// Shares out how often a parted track was reported: nobody counted by whom, so that each part that a machine saw has
/// the machines' reports, and one that none saw has none.
fn counted_by_sources(new: &mut Live, old: &mut Live) {
    let by_machine = |t: &Live| t.seen.keys().any(|s| !is_person(s));
    if by_machine(new) {
        (new.machine, new.plots, new.not_radar) = (old.machine.max(1), old.plots, old.not_radar);
    } else {
        new.by_desk = old.by_desk;
        new.unsighted = u64::from(new.sightings.is_empty());
    }
    if !by_machine(old) && !old.seen.is_empty() {
        (old.machine, old.plots, old.not_radar) = (0, 0, 0);
    }
}
