//! [`Ticks`]: which measures of a bulletin's checklist somebody has done.

use serde::{Deserialize, Serialize};

/// A bit for each measure of the newest version's checklist, in its order; a checklist has at most 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ticks(u32);

impl Ticks {
    /// Measures on a checklist that are counted; a bulletin with more is refused where it is written.
    pub(crate) const MOST: usize = 32;

    /// Those measures of a checklist for which this holds: given its place and its name.
    pub fn those(list: &[String], is: impl Fn(usize, &str) -> bool) -> Self {
        let done = list.iter().take(Self::MOST).enumerate().filter(|(k, id)| is(*k, id));
        Self(done.fold(0, |bits, (k, _)| bits | 1 << k))
    }

    /// Whether the measure at this place is done.
    pub fn has(self, place: usize) -> bool {
        place < Self::MOST && self.0 & (1 << place) != 0
    }

    /// Nothing is.
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// The names of those that are done, in the order of the checklist.
    pub fn of(self, list: &[String]) -> impl Iterator<Item = &String> {
        list.iter().enumerate().filter(move |(k, _)| self.has(*k)).map(|(_, id)| id)
    }

    /// The same on another checklist: what is on both stays done.
    #[must_use]
    pub fn moved(self, from: &[String], to: &[String]) -> Self {
        if self.is_empty() || from == to {
            return self;
        }
        Self::those(to, |_, id| self.of(from).any(|done| done == id))
    }
}
