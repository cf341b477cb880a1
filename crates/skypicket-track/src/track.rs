//! [`Live`]: what is kept of a track that is not over.

use crate::{
    identity::{Ballot, Emitter, names_one_thing},
    settings::Settings,
    sky::{
        gauss::{AT, Sym3},
        lone::Stands,
    },
    trust::{Doubt, Doubts, Word},
};
use serde::{Deserialize, Serialize};
use skypicket_model::{
    ObservationId, OwnFlight, PersonId, SightingId, SourceId, Time, Track, TrackChange, TrackClass, TrackEvent,
    TrackId, TrackState,
    kinematics::AirClass,
    lineage::{Believed, Decided},
    observation::{IdClaim, IdKind},
    track::{Affiliation, TrackIdentity},
};
use std::collections::BTreeMap;

/// Sources, addresses and sightings remembered at most, each.
const REMEMBERED: usize = 32;
/// Of whom each name and address came, at most.
const SAID: usize = 24;

/// What a source said that tells who something is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Said {
    /// That it claims to be this.
    Name(IdClaim),
    /// That it sends from there.
    Address(Emitter),
}

/// What a person decided that a track is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Decision {
    pub(crate) class: Option<TrackClass>,
    pub(crate) affiliation: Option<Affiliation>,
    pub(crate) by: PersonId,
    pub(crate) at: Time,
    pub(crate) why: String,
}

/// A track that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Live {
    pub(crate) id: TrackId,
    /// Its number in the sky.
    pub(crate) body: u64,
    pub(crate) since: Time,
    pub(crate) measured_at: Time,
    /// The moment of its newest state.
    pub(crate) at: Time,
    /// Newest `observed_at` by source.
    pub(crate) seen: BTreeMap<SourceId, Time>,
    pub(crate) addresses: BTreeMap<Emitter, Time>,
    pub(crate) ids: Ballot<IdClaim>,
    pub(crate) classes: Ballot<AirClass>,
    pub(crate) height_takeoff_m: Option<f64>,
    pub(crate) doubts: Doubts,
    /// What it claims over time.
    #[serde(default)]
    pub(crate) word: Box<Word>,
    pub(crate) because: Vec<ObservationId>,
    pub(crate) sightings: Vec<(SightingId, SourceId)>,
    /// Radar plots that it took.
    pub(crate) plots: u32,
    /// Reports of machines that it took.
    pub(crate) machine: u64,
    /// Reports of machines other than radar.
    pub(crate) not_radar: u64,
    /// Reports of people that are of no sighting.
    pub(crate) unsighted: u64,
    pub(crate) confirmed: bool,
    /// A person at the desk confirmed it.
    pub(crate) by_desk: bool,
    /// How it began, and the newest that happened to it after that.
    #[serde(default)]
    pub(crate) lineage: Vec<TrackEvent>,
    /// What a person decided that it is.
    #[serde(default)]
    pub(crate) decided: Option<Box<Decision>>,
    /// The name of each register that it is known by, as the lineage has it.
    #[serde(default)]
    pub(crate) called: Vec<IdClaim>,
    /// Which source gave which name and address.
    #[serde(default)]
    pub(crate) said: Vec<(SourceId, Said)>,
    /// Its emitter was heard before it began.
    #[serde(default)]
    pub(crate) returned: bool,
    /// It makes room for others when there are too many: what speaks for it all the same, and since when it is there.
    #[serde(default)]
    pub(crate) weak: Option<(u8, Time)>,
}

impl Live {
    pub(crate) fn new(id: TrackId, body: u64, at: Time) -> Self {
        Self {
            id,
            body,
            since: at,
            measured_at: at,
            at,
            seen: BTreeMap::new(),
            addresses: BTreeMap::new(),
            ids: Ballot::default(),
            classes: Ballot::default(),
            height_takeoff_m: None,
            doubts: Doubts::default(),
            word: Box::default(),
            because: Vec::new(),
            sightings: Vec::new(),
            plots: 0,
            machine: 0,
            not_radar: 0,
            unsighted: 0,
            confirmed: false,
            by_desk: false,
            lineage: Vec::new(),
            decided: None,
            called: Vec::new(),
            said: Vec::new(),
            returned: false,
            weak: None,
        }
    }

    /// Something happened to it.
    pub(crate) fn happened(&mut self, at: Time, what: TrackChange) {
        tell(&mut self.lineage, TrackEvent { at, what });
    }

    /// A source gave a name or an address.
    pub(crate) fn said_by(&mut self, source: &SourceId, said: Said) {
        if self.said.iter().any(|(s, what)| s == source && *what == said) {
            return;
        }
        if self.said.len() >= SAID {
            self.said.remove(0);
        }
        self.said.push((source.clone(), said));
    }

    /// Notes in the lineage what it is called, where that is new.
    pub(crate) fn call(&mut self, claim: &IdClaim, now: Time) {
        if self.called.contains(claim) || !self.established().any(|c| c == *claim) {
            return;
        }
        let at = self.called.iter().position(|c| c.kind == claim.kind);
        let before = at.map(|k| self.called.remove(k).value);
        self.called.push(claim.clone());
        self.happened(now, TrackChange::Named { kind: claim.kind, value: claim.value.clone(), before });
    }

    /// Nothing but its own word says that it is there, and that hardly: what speaks for it all the same (its emitter
    /// was heard before, 2; nothing is doubted, 1), and since when it is there.
    pub(crate) fn weakness(&self, now: Time, settings: &Settings) -> Option<(u8, Time)> {
        let claims_only =
            self.plots == 0 && self.sightings.is_empty() && self.unsighted == 0 && !self.addresses.is_empty();
        let weak = claims_only && !self.confirmed && !self.by_desk && self.decided.is_none();
        let doubted = self.doubts.any(now, settings.trust.hold_s);
        weak.then(|| (2 * u8::from(self.returned) + u8::from(!doubted), self.since))
    }

    pub(crate) fn by_people_only(&self) -> bool {
        self.machine == 0
    }

    /// Believed from here on, if all that it takes is there.
    pub(crate) fn confirm_if_due(&mut self, existence: f64, now: Time, settings: &Settings) {
        let enough = if self.by_people_only() {
            self.by_desk || self.seen.len() >= 2
        } else {
            self.not_radar > 0 || !self.sightings.is_empty() || self.plots >= settings.radar_confirm_plots
        };
        if !self.confirmed && enough && existence >= settings.confirm {
            self.confirmed = true;
            self.happened(now, TrackChange::Confirmed { by_desk: self.by_desk });
        }
    }

    pub(crate) fn saw(&mut self, source: &SourceId, at: Time) {
        remember(&mut self.seen, source, at);
    }

    pub(crate) fn heard_from(&mut self, emitter: &Emitter, now: Time) {
        remember(&mut self.addresses, emitter, now);
    }

    pub(crate) fn rests_on(&mut self, observation: ObservationId) {
        if self.because.len() >= Track::BECAUSE {
            self.because.remove(0);
        }
        self.because.push(observation);
    }

    pub(crate) fn sighted(&mut self, sighting: SightingId, source: &SourceId) {
        if !self.sightings.iter().any(|s| s.0 == sighting) {
            if self.sightings.len() >= REMEMBERED {
                self.sightings.remove(0);
                self.unsighted += 1;
            }
            self.sightings.push((sighting, source.clone()));
        }
    }

    /// The identities that name one thing and are likelier than not.
    pub(crate) fn established(&self) -> impl Iterator<Item = IdClaim> {
        let shares = self.ids.shares(|a, b| a.kind == b.kind);
        shares.into_iter().filter(|(c, p)| *p >= 0.5 && names_one_thing(c.kind)).map(|(c, _)| c)
    }

    /// A claim that cannot be of this track: it has another identity of the same kind.
    pub(crate) fn contradicts(&self, claims: &[IdClaim]) -> bool {
        claims.iter().any(|c| {
            names_one_thing(c.kind)
                && !self.ids.values().any(|own| own == c)
                && self.established().any(|own| own.kind == c.kind)
        })
    }

    /// The likeliest class and its probability.
    pub(crate) fn class(&self) -> Option<(AirClass, f64)> {
        self.classes.shares(|_, _| true).first().copied()
    }

    /// The track as others see it, as it stands at a moment.
    pub(crate) fn to_track(
        &self,
        (stands, at): (&Stands, Time),
        existence: f64,
        now: Time,
        settings: &Settings,
        own: &[OwnFlight],
    ) -> Option<Track> {
        let (place, state) = stands.on_earth()?;
        let evidence = self.doubts.held(now, settings.trust.hold_s);
        let disputed = self.doubts.holds(Doubt::DuplicateIdentity, now, settings.trust.hold_s);
        let suspect = evidence.len() >= 2;
        let (class, class_p) = self.class().map_or((None, 0.0), |(c, p)| (Some(c), p));
        let ids: Vec<TrackIdentity> = self
            .ids
            .shares(|a, b| a.kind == b.kind)
            .into_iter()
            // Where two claim one name, each is it with half the probability.
            .map(|(c, p)| TrackIdentity { kind: c.kind, value: c.value, p: if disputed { p / 2.0 } else { p } })
            .collect();
        let spread = 3.0 * stands.over_ground();
        // A name alone is easily copied: what is disputed or suspect is nobody's until a person says so.
        let is_own = !suspect
            && !disputed
            && own.iter().any(|f| {
                let centre =
                    skypicket_model::Place { lat_deg: f.centre.lat_deg, lon_deg: f.centre.lon_deg, alt_hae_m: None };
                let named = f
                    .serial
                    .as_deref()
                    .is_some_and(|s| ids.iter().any(|i| i.kind == IdKind::Serial && i.value == s && i.p >= 0.5));
                named
                    && (f.from..=f.until).contains(&now)
                    && centre.check().is_ok()
                    && centre.distance_and_bearing(place).0 <= f.radius_m + spread
            });
        let believed =
            Believed { class, class_p, affiliation: if is_own { Affiliation::Own } else { Affiliation::Unknown } };
        let decided = self.decided.as_deref();
        let (class, class_p) = match decided.and_then(|d| d.class) {
            // Nobody knows which it is: no class, and so the most agile one.
            Some(c) => (c.air_class(), if c.air_class().is_some() { 1.0 } else { 0.0 }),
            None => (class, class_p),
        };
        let affiliation = decided.and_then(|d| d.affiliation).unwrap_or(believed.affiliation);
        // What is not known of the height is nought.
        let known = |i: usize, j: usize, x: f64| if stands.flat && (i == 2 || j == 2) { 0.0 } else { x };
        let square = |s: &Sym3| std::array::from_fn(|i| std::array::from_fn(|j| known(i, j, s[AT[i][j]])));
        Some(Track {
            id: self.id,
            state: if self.confirmed { TrackState::Confirmed } else { TrackState::Tentative },
            at,
            measured_at: self.measured_at,
            since: self.since,
            place,
            vel_enu_mps: std::array::from_fn(|k| known(k, k, state.v[k])),
            cov_enu_m2: square(&state.pp),
            vel_cov_enu: square(&state.vv),
            cross_cov_enu: std::array::from_fn(|i| std::array::from_fn(|j| known(i, j, state.pv[i][j]))),
            existence,
            ids,
            class,
            class_p,
            affiliation,
            suspect,
            evidence,
            sources: self.seen.keys().cloned().collect(),
            because: self.because.clone(),
            height_takeoff_m: if stands.flat { self.height_takeoff_m } else { None },
            by_people_only: self.by_people_only(),
            decided: decided.map(|d| {
                let (by, why) = (d.by.clone(), d.why.clone());
                Box::new(Decided { class: d.class, affiliation: d.affiliation, by, at: d.at, why, believed })
            }),
            lineage: self.lineage.clone(),
        })
    }

    /// Takes over all that was known of another track of the same thing.
    pub(crate) fn take_over(&mut self, other: Self) {
        self.since = self.since.min(other.since);
        self.measured_at = self.measured_at.max(other.measured_at);
        for (source, at) in &other.seen {
            self.saw(source, *at);
        }
        for (emitter, at) in &other.addresses {
            self.heard_from(emitter, *at);
        }
        self.ids.join(&other.ids);
        self.classes.join(&other.classes);
        self.height_takeoff_m = other.height_takeoff_m.or(self.height_takeoff_m);
        self.doubts.join(&other.doubts);
        for o in other.because {
            self.rests_on(o);
        }
        for (sighting, source) in &other.sightings {
            self.sighted(*sighting, source);
        }
        self.plots = self.plots.saturating_add(other.plots);
        self.machine = self.machine.saturating_add(other.machine);
        self.not_radar = self.not_radar.saturating_add(other.not_radar);
        self.unsighted = self.unsighted.saturating_add(other.unsighted);
        self.confirmed |= other.confirmed;
        self.by_desk |= other.by_desk;
        for (source, said) in other.said {
            self.said_by(&source, said);
        }
        for claim in other.called {
            if !self.called.iter().any(|c| c.kind == claim.kind) {
                self.called.push(claim);
            }
        }
        // Whoever decided last decided knowing more.
        if let Some(theirs) = other.decided
            && self.decided.as_ref().is_none_or(|own| own.at < theirs.at)
        {
            self.decided = Some(theirs);
        }
    }
}

/// Puts an event behind those of a lineage. The first, how it began, stays; of the rest the oldest goes.
pub(crate) fn tell(lineage: &mut Vec<TrackEvent>, event: TrackEvent) {
    if lineage.len() >= Track::LINEAGE {
        lineage.remove(1);
    }
    lineage.push(event);
}

/// Keeps the newest time of a key; the key with the oldest goes when there are too many.
fn remember<K: Ord + Clone>(map: &mut BTreeMap<K, Time>, key: &K, at: Time) {
    if let Some(t) = map.get_mut(key) {
        *t = at.max(*t);
        return;
    }
    if map.len() >= REMEMBERED
        && let Some(oldest) = map.iter().min_by_key(|(_, t)| **t).map(|(k, _)| k.clone())
    {
        map.remove(&oldest);
    }
    map.insert(key.clone(), at);
}
