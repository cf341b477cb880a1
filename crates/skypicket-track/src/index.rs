//! [`Index`]: which tracks can be near a place, at a cost that does not grow with how many tracks there are.
//!
//! A hash of cubic cells over the ellipsoid's normals (so a height, known or not, does not matter, and neither poles nor
//! the date line are special), in levels of growing cell: a track lies in the finest level whose cell is not smaller
//! than its *reach*, the farthest from its entry that it can be compared with anything. A search looks at the few cells
//! of each level that hold any track. It may find too much, never too little; the gate decides.

use crate::state::EARTH_RADIUS_M;
use skypicket_model::{Place, TrackId};
use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasherDefault, Hasher},
};

/// Cell sizes, metres. What reaches farther than the last is compared with everything.
const SIZES_M: [f64; 6] = [256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0];

type Cell = [i32; 3];

/// Multiplies and folds: cells are not chosen by anybody hostile to more than their own neighbourhood, and the order of
/// a map never shows (results are sorted).
#[derive(Debug, Clone, Copy, Default)]
struct CellHasher(u64);

impl Hasher for CellHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u64(u64::from(*b));
        }
    }
    fn write_u64(&mut self, x: u64) {
        self.0 = (self.0.rotate_left(21) ^ x).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    fn write_i32(&mut self, x: i32) {
        self.write_u64(u64::from(x.cast_unsigned()));
    }
}

#[derive(Debug, Clone, Default)]
struct Level {
    cells: HashMap<Cell, Vec<TrackId>, BuildHasherDefault<CellHasher>>,
    count: usize,
}

/// The index. Not part of a snapshot: it follows from the tracks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Index {
    levels: [Level; SIZES_M.len()],
    everywhere: Vec<TrackId>,
    entries: BTreeMap<TrackId, Option<(usize, Cell)>>,
}

#[allow(clippy::cast_possible_truncation)] // Earth-centred metres over 256 fit
fn cell_of(p: [f64; 3], size: f64) -> Cell {
    p.map(|x| libm::floor(x / size) as i32)
}

/// The index address of a place: the ellipsoid's normal there, times the mean Earth radius.
pub(crate) fn normal_m(p: Place) -> [f64; 3] {
    let (lat, lon) = (p.lat_deg.to_radians(), p.lon_deg.to_radians());
    let c = libm::cos(lat) * EARTH_RADIUS_M;
    [c * libm::cos(lon), c * libm::sin(lon), libm::sin(lat) * EARTH_RADIUS_M]
}

impl Index {
    /// Puts a track at `at` with `reach_m`, in place of where it was.
    pub(crate) fn put(&mut self, id: TrackId, at: [f64; 3], reach_m: f64) {
        let entry = SIZES_M.iter().position(|s| reach_m <= *s).map(|level| (level, cell_of(at, SIZES_M[level])));
        match self.entries.insert(id, entry) {
            Some(old) if old == entry => return,
            Some(old) => self.take_out(id, old),
            None => {}
        }
        match entry {
            None => self.everywhere.push(id),
            Some((level, cell)) => {
                self.levels[level].cells.entry(cell).or_default().push(id);
                self.levels[level].count += 1;
            }
        }
    }

    /// Takes a track out.
    pub(crate) fn remove(&mut self, id: TrackId) {
        if let Some(entry) = self.entries.remove(&id) {
            self.take_out(id, entry);
        }
    }

    fn take_out(&mut self, id: TrackId, entry: Option<(usize, Cell)>) {
        let Some((level, cell)) = entry else {
            self.everywhere.retain(|t| *t != id);
            return;
        };
        let level = &mut self.levels[level];
        if let Some(ids) = level.cells.get_mut(&cell) {
            ids.retain(|t| *t != id);
            if ids.is_empty() {
                level.cells.remove(&cell);
            }
            level.count -= 1;
        }
    }

    /// The tracks that can be within their reach plus `reach_m` of `at`, and some that are not; by id.
    pub(crate) fn near(&self, at: [f64; 3], reach_m: f64) -> Vec<TrackId> {
        let mut found = self.everywhere.clone();
        for (level, size) in self.levels.iter().zip(SIZES_M) {
            if level.count == 0 {
                continue;
            }
            // The sphere stands in for the ellipsoid: at most 0.6 % of a distance, and 16 m of a frame's own.
            let r = (reach_m + size) * 1.01 + 32.0;
            let (low, high) = (cell_of(at.map(|x| x - r), size), cell_of(at.map(|x| x + r), size));
            let span = |k: usize| i64::from(high[k]) - i64::from(low[k]) + 1;
            let cells = span(0).saturating_mul(span(1)).saturating_mul(span(2));
            if i64::try_from(level.cells.len()).is_ok_and(|n| cells > 4 * n) {
                let inside = |c: &Cell| (0..3).all(|k| low[k] <= c[k] && c[k] <= high[k]);
                found.extend(level.cells.iter().filter(|(c, _)| inside(c)).flat_map(|(_, ids)| ids));
                continue;
            }
            // A cell that the globe's surface does not pass through is empty.
            let (near, far) = (EARTH_RADIUS_M - size, EARTH_RADIUS_M + size);
            for x in low[0]..=high[0] {
                for y in low[1]..=high[1] {
                    for z in low[2]..=high[2] {
                        let centre = [x, y, z].map(|c| (f64::from(c) + 0.5) * size);
                        let r2 = centre[0] * centre[0] + centre[1] * centre[1] + centre[2] * centre[2];
                        if (near * near..=far * far).contains(&r2)
                            && let Some(ids) = level.cells.get(&[x, y, z])
                        {
                            found.extend(ids);
                        }
                    }
                }
            }
        }
        found.sort_unstable();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    proptest! {
        /// Whatever is within reach is found, wherever on Earth, also over the date line and at the poles.
        #[test]
        fn nothing_within_reach_is_missed(
            lat in -90.0..90.0f64, lon in -180.0..180.0f64, az in 0.0..360.0f64,
            share in 0.0..0.99f64, own in 1.0..9_000.0f64, reach in 1.0..20_000.0f64,
        ) {
            let here = Place::new(lat, lon, Some(0.0)).unwrap();
            let d = share * (own + reach);
            let (s, c) = (libm::sin(az.to_radians()), libm::cos(az.to_radians()));
            let there = skypicket_model::Enu::at(here).to_place([d * s, d * c, 0.0]);
            let id = TrackId(Uuid::from_u128(7));
            let mut index = Index::default();
            index.put(id, normal_m(here), own);
            prop_assert_eq!(index.near(normal_m(there), reach), vec![id]);
            index.remove(id);
            prop_assert!(index.near(normal_m(there), reach).is_empty());
        }
    }

    #[test]
    fn what_is_far_is_not_found() {
        let mut index = Index::default();
        for n in 0..100u32 {
            let place = Place::new(47.0, 8.0 + f64::from(n) * 0.1, None).unwrap();
            index.put(TrackId(Uuid::from_u128(u128::from(n))), normal_m(place), 100.0);
        }
        assert_eq!(index.near(normal_m(Place::new(47.0, 8.5, None).unwrap()), 100.0).len(), 1);
    }
}
