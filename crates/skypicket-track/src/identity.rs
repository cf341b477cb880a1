//! Identity: which emitter said what, and who is known under a name.
//!
//! A link-layer address is not an identity: it may be random at each start, and forged. It ties frames together for a
//! minute, so that a serial heard in one frame belongs to the position heard in the next (two of three real beacons
//! carry a position alone). A serial, session or registry id ties tracks together for as long as they live.

use serde::{Deserialize, Serialize};
use skypicket_model::{
    Observation, Place, Time, TrackId,
    observation::{IdClaim, IdKind},
};
use std::collections::{BTreeMap, BTreeSet};

/// A bearer and an address on it.
pub type Emitter = (String, String);

/// The emitter that an observation was heard from, where an address was.
pub(crate) fn emitter(o: &Observation) -> Option<Emitter> {
    let address = o.signal.address.clone()?;
    Some((o.signal.transport.clone().unwrap_or_default(), address))
}

/// Whether one id of a kind names one thing. A registration may be its operator's, shared by a fleet.
pub(crate) fn names_one_thing(kind: IdKind) -> bool {
    !matches!(kind, IdKind::Caa)
}

/// What is remembered of an emitter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// When it was last heard, by our clock.
    pub at: Time,
    /// The identities it claimed last.
    pub ids: Vec<IdClaim>,
    /// The track that its reports went to.
    pub track: Option<TrackId>,
    /// The place that it claimed last.
    pub fix: Option<Fix>,
}

/// A claimed place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    /// Where.
    pub place: Place,
    /// One sigma, metres.
    pub sigma_m: f64,
    /// When it was so.
    pub observed_at: Time,
    /// When it was received.
    pub received_at: Time,
}

/// Emitters by address, and live tracks by name. Bounded: the emitter heard longest ago goes first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    emitters: BTreeMap<Emitter, Heard>,
    by_age: BTreeSet<(Time, Emitter)>,
    named: BTreeMap<IdClaim, BTreeSet<TrackId>>,
}

impl Memory {
    /// What is remembered of an emitter heard within `max_s`.
    pub fn recent(&self, e: &Emitter, now: Time, max_s: f64) -> Option<&Heard> {
        self.emitters.get(e).filter(|h| now.since_s(h.at) <= max_s)
    }

    /// How many emitters are remembered.
    pub fn len(&self) -> usize {
        self.emitters.len()
    }

    /// None are.
    pub fn is_empty(&self) -> bool {
        self.emitters.is_empty()
    }

    /// Remembers an emitter, in place of what was known of it.
    pub(crate) fn remember(&mut self, e: &Emitter, heard: Heard, max: usize) {
        if let Some(old) = self.emitters.get(e) {
            self.by_age.remove(&(old.at, e.clone()));
        } else {
            while self.emitters.len() >= max.max(1) {
                let Some((_, oldest)) = self.by_age.pop_first() else { break };
                self.emitters.remove(&oldest);
            }
        }
        self.by_age.insert((heard.at, e.clone()));
        self.emitters.insert(e.clone(), heard);
    }

    /// The live tracks known under a name, by id.
    pub fn under(&self, id: &IdClaim) -> impl Iterator<Item = TrackId> + '_ {
        self.named.get(id).into_iter().flatten().copied()
    }

    /// A track is known under a name.
    pub(crate) fn name(&mut self, id: &IdClaim, track: TrackId) {
        self.named.entry(id.clone()).or_default().insert(track);
    }

    /// A track is gone.
    pub(crate) fn forget<'a>(&mut self, track: TrackId, ids: impl Iterator<Item = &'a IdClaim>) {
        for id in ids {
            if let Some(tracks) = self.named.get_mut(id) {
                tracks.remove(&track);
                if tracks.is_empty() {
                    self.named.remove(id);
                }
            }
        }
    }
}

/// The identities and classes that a track's reports claimed, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ballot<T> {
    votes: Vec<(T, f64)>,
}

// Not derived: a value need not have a default for there to be no votes.
impl<T> Default for Ballot<T> {
    fn default() -> Self {
        Self { votes: Vec::new() }
    }
}

impl<T: Clone + Ord> Ballot<T> {
    /// Different values kept at most.
    const MAX: usize = 8;
    /// Votes counted at most, all together: older ones fade as new ones come.
    const FULL: f64 = 50.0;

    /// Counts a vote. A value that no vote is left for goes.
    pub(crate) fn vote(&mut self, value: &T, weight: f64) -> Option<T> {
        match self.votes.iter_mut().find(|v| v.0 == *value) {
            Some(v) => v.1 += weight,
            None => self.votes.push((value.clone(), weight)),
        }
        let total: f64 = self.votes.iter().map(|v| v.1).sum();
        if total > Self::FULL {
            for v in &mut self.votes {
                v.1 *= Self::FULL / total;
            }
        }
        if self.votes.len() <= Self::MAX {
            return None;
        }
        let least = (0..self.votes.len() - 1).min_by(|a, b| self.votes[*a].1.total_cmp(&self.votes[*b].1))?;
        Some(self.votes.remove(least).0)
    }

    /// Adds another's votes.
    pub(crate) fn join(&mut self, other: &Self) {
        for (value, weight) in &other.votes {
            self.vote(value, *weight);
        }
    }

    /// The votes for a value.
    pub(crate) fn votes(&self, value: &T) -> f64 {
        self.votes.iter().find(|v| v.0 == *value).map_or(0.0, |v| v.1)
    }

    /// A value is out of the question from now on.
    pub(crate) fn strike(&mut self, value: &T) {
        self.votes.retain(|v| v.0 != *value);
    }

    /// Values with their share of the votes that `same` counts together with them; half a vote is always for
    /// something else, so that a single claim is never certain. Likeliest first.
    pub fn shares(&self, same: impl Fn(&T, &T) -> bool) -> Vec<(T, f64)> {
        let mut out: Vec<(T, f64)> = self
            .votes
            .iter()
            .map(|(v, w)| {
                let all: f64 = self.votes.iter().filter(|o| same(&o.0, v)).map(|o| o.1).sum();
                (v.clone(), w / (all + 0.5))
            })
            .collect();
        out.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        out
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.votes.iter().map(|v| &v.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_and_the_longest_unheard_goes_first() {
        let mut m = Memory::default();
        let emitter = |n: usize| ("wifi_beacon".to_owned(), format!("{n:012x}"));
        for n in 0..10 {
            let at = Time::from_micros(i64::try_from(n).unwrap());
            m.remember(&emitter(n), Heard { at, ids: Vec::new(), track: None, fix: None }, 4);
        }
        assert_eq!(m.len(), 4);
        let now = Time::from_micros(10);
        assert!(m.recent(&emitter(5), now, 60.0).is_none() && m.recent(&emitter(6), now, 60.0).is_some());
        assert!(m.recent(&emitter(9), now.plus_s(61.0), 60.0).is_none());
    }

    #[test]
    fn one_claim_is_not_certain_and_many_nearly_are() {
        let mut b = Ballot::default();
        b.vote(&"a", 1.0);
        assert!((b.shares(|_, _| true)[0].1 - 2.0 / 3.0).abs() < 1e-12);
        for _ in 0..100 {
            b.vote(&"a", 1.0);
        }
        assert!(b.shares(|_, _| true)[0].1 > 0.98);
        for n in ["b", "c", "d", "e", "f", "g", "h", "i", "j"] {
            b.vote(&n, 1.0);
        }
        assert!(b.values().count() <= 8 && b.shares(|_, _| true)[0].0 == "a");
    }
}
