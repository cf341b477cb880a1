//! [`Rows`]: everybody on a notice's list, found by id in constant time and walked in order of id; with the counts over
//! them, kept as they change.

use crate::{
    state::{Head, Row},
    view::{Counts, Tally},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use skypicket_model::PersonId;
use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
};

/// A table that is only looked up, never walked: its order is chance.
pub(crate) type Table<K, V> = HashMap<K, V, BuildHasherDefault<NameHasher>>;

/// Hashes configured names and the ids that engines make, eight bytes at a time. Nobody outside chooses those, so that it
/// need not withstand chosen ones.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct NameHasher(u64);

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(w, b)| *w = *b);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.write_u64(u64::from(n));
    }

    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// Writes a table in order, so that the same state is always the same bytes.
pub(crate) fn in_order<K: Ord + Serialize, V: Serialize, S: Serializer>(
    table: &Table<K, V>,
    s: S,
) -> Result<S::Ok, S::Error> {
    s.collect_map(table.iter().collect::<std::collections::BTreeMap<_, _>>())
}

/// The rows of one notice. Nobody ever leaves a list, so that a place stays good until the notice is forgotten.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows {
    /// In the order in which they were added.
    list: Vec<(PersonId, Row)>,
    /// Where each is.
    places: Table<PersonId, u32>,
    /// The places in order of id.
    sorted: Vec<u32>,
    counts: Counts,
    /// Leaders who were told of somebody's silence, now or before.
    told: HashSet<PersonId>,
}

impl Rows {
    pub(crate) fn place(&self, person: &PersonId) -> Option<u32> {
        self.places.get(person).copied()
    }

    pub(crate) fn get(&self, person: &PersonId) -> Option<&Row> {
        self.at(self.place(person)?).map(|(_, row)| row)
    }

    pub(crate) fn at(&self, place: u32) -> Option<(&PersonId, &Row)> {
        self.list.get(place as usize).map(|(p, row)| (p, row))
    }

    /// To change it; [`Self::recount`] afterwards.
    pub(crate) fn at_mut(&mut self, place: u32) -> Option<&mut Row> {
        self.list.get_mut(place as usize).map(|(_, row)| row)
    }

    /// Everybody, in order of id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&PersonId, &Row)> {
        self.after(None)
    }

    /// Everybody whose id comes after this one.
    pub(crate) fn after(&self, person: Option<&PersonId>) -> impl Iterator<Item = (&PersonId, &Row)> {
        let from = person.map_or(0, |p| self.sorted.partition_point(|k| self.id(*k).is_some_and(|id| id <= p)));
        self.sorted.get(from..).unwrap_or_default().iter().filter_map(|k| self.at(*k))
    }

    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.list.len()).unwrap_or(u32::MAX)
    }

    /// Adds somebody new, or puts another row in their place; where they are.
    pub(crate) fn insert(&mut self, person: &PersonId, row: Row) -> u32 {
        if let Some(place) = self.place(person) {
            if let Some((_, old)) = self.list.get_mut(place as usize) {
                self.counts.take(old.tally);
                *old = row;
                old.tally = Tally::default();
            }
            return place;
        }
        let place = self.len();
        self.places.insert(person.clone(), place);
        let last = self.sorted.last().and_then(|k| self.id(*k));
        let at = if last.is_none_or(|l| l < person) {
            self.sorted.len()
        } else {
            self.sorted.partition_point(|k| self.id(*k).is_some_and(|id| id < person))
        };
        self.sorted.insert(at, place);
        self.list.push((person.clone(), row));
        place
    }

    /// Counts a row as it is now.
    pub(crate) fn recount(&mut self, place: u32, head: &Head) {
        if let Some((person, row)) = self.list.get_mut(place as usize) {
            let now = Tally::of(person, head, row);
            if now != row.tally {
                self.counts.take(row.tally);
                self.counts.give(now);
                row.tally = now;
            }
            if let Some(e) = row.escalation.as_ref().filter(|e| !self.told.contains(&e.to)) {
                self.told.insert(e.to.clone());
            }
        }
    }

    /// A row is no longer new to whoever asked; whose it is.
    pub(crate) fn unmark(&mut self, place: u32) -> Option<PersonId> {
        let (person, row) = self.list.get_mut(place as usize)?;
        row.changed = false;
        Some(person.clone())
    }

    /// At most `most` of those who need somebody, the most pressing first, then in order of id.
    pub(crate) fn needing(&self, most: usize) -> Vec<&PersonId> {
        let mut by_need: [Vec<&PersonId>; Tally::NEEDS] = Default::default();
        for (person, row) in self.iter() {
            let Some(of_that) = row.tally.need().and_then(|need| by_need.get_mut(need)) else { continue };
            if of_that.len() < most {
                of_that.push(person);
            }
        }
        by_need.into_iter().flatten().take(most).collect()
    }

    /// Those of whose silence this leader was told last, in order of id.
    pub(crate) fn told(&self, leader: &PersonId) -> impl Iterator<Item = &PersonId> {
        let some = self.told.contains(leader).then(|| self.iter()).into_iter().flatten();
        some.filter(|(_, r)| r.escalation.as_ref().is_some_and(|e| e.to == *leader)).map(|(p, _)| p)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    fn id(&self, place: u32) -> Option<&PersonId> {
        self.list.get(place as usize).map(|(p, _)| p)
    }
}

impl Serialize for Rows {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let read = std::collections::BTreeMap::<PersonId, Row>::deserialize(d)?;
        let mut rows = Self::default();
        for (person, row) in read {
            rows.insert(&person, row);
        }
        Ok(rows)
    }
}
