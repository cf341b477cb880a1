//! [`Shelf`]: the sightings that the desk keeps: all that are open, and the newest of those that are settled.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use skypicket_model::{SightingId, SightingState, Time, Verdict};
use std::collections::{BTreeMap, BTreeSet};

/// A sighting is settled once it is decided or taken back.
pub(crate) fn is_settled(s: &SightingState) -> bool {
    s.verdict != Verdict::New || s.retracted_at.is_some()
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Shelf {
    /// By the order in which they were stored.
    kept: BTreeMap<u64, SightingState>,
    next: u64,
    /// Where a sighting stands in `kept`.
    places: BTreeMap<SightingId, u64>,
    /// The places of those settled, which may go.
    settled: BTreeSet<u64>,
}

#[derive(Deserialize)]
struct Stored {
    next: u64,
    kept: BTreeMap<u64, SightingState>,
}

impl Shelf {
    pub(crate) fn get(&self, id: SightingId) -> Option<&SightingState> {
        self.kept.get(self.places.get(&id)?)
    }

    /// In the order in which they were stored.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &SightingState> {
        self.kept.values()
    }

    pub(crate) fn open(&self) -> usize {
        self.kept.len() - self.settled.len()
    }

    /// Puts a new state in, and lets the oldest of the settled go beyond `most`.
    pub(crate) fn put(&mut self, state: &SightingState, most: usize) {
        let place = *self.places.entry(state.sighting.id).or_insert_with(|| {
            self.next += 1;
            self.next
        });
        if is_settled(state) {
            self.settled.insert(place);
        } else {
            self.settled.remove(&place);
        }
        self.kept.insert(place, state.clone());
        while self.settled.len() > most {
            let Some(oldest) = self.settled.pop_first() else { return };
            if let Some(gone) = self.kept.remove(&oldest) {
                self.places.remove(&gone.sighting.id);
            }
        }
    }
}

impl Shelf {
    /// Forgets what nothing happened to since `before`; gives the ids.
    pub(crate) fn forget(&mut self, before: Time) -> Vec<SightingId> {
        let last = |s: &SightingState| {
            [Some(s.stored_at), s.decided_at, s.retracted_at].into_iter().flatten().max().unwrap_or(s.stored_at)
        };
        let old: Vec<u64> = self.kept.iter().filter(|(_, s)| last(s) < before).map(|(place, _)| *place).collect();
        let mut gone = Vec::new();
        for place in old {
            self.settled.remove(&place);
            if let Some(s) = self.kept.remove(&place) {
                self.places.remove(&s.sighting.id);
                gone.push(s.sighting.id);
            }
        }
        gone
    }
}

impl Serialize for Shelf {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Borrowed<'a> {
            next: u64,
            kept: &'a BTreeMap<u64, SightingState>,
        }
        Borrowed { next: self.next, kept: &self.kept }.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Shelf {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let Stored { next, kept } = Stored::deserialize(d)?;
        let places = kept.iter().map(|(place, s)| (s.sighting.id, *place)).collect();
        let settled = kept.iter().filter(|(_, s)| is_settled(s)).map(|(place, _)| *place).collect();
        Ok(Self { kept, next, places, settled })
    }
}
