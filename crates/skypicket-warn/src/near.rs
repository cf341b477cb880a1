//! [`Near`]: everybody and every place to protect, found by where they are.
//!
//! A grid over latitude and longitude, so that a track looks at those within its reach and not at everybody. It is
//! rebuilt from positions and sites, never stored.

use skypicket_model::{Enu, Place, Protected, ProtectedId};
use std::collections::BTreeMap;

/// Cells per degree: 0.02° is 2.2 km of latitude.
const PER_DEG: f64 = 50.0;
/// Metres of a degree of latitude, the least anywhere (at the equator 110,574).
const LAT_DEG_M: f64 = 110_500.0;
/// Metres of a degree of longitude at the equator, the least figure used so that nothing is missed.
const LON_DEG_M: f64 = 111_300.0;

/// One to protect, with the local frame there.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) protected: Protected,
    pub(crate) frame: Enu,
    cell: (i32, i32),
}

/// Everybody and every place to protect.
#[derive(Debug, Default)]
pub(crate) struct Near {
    targets: Vec<Target>,
    of: BTreeMap<ProtectedId, usize>,
    cells: BTreeMap<(i32, i32), Vec<usize>>,
    sites: Vec<usize>,
    /// Largest stand-off radius of all, metres.
    widest_m: f64,
}

#[allow(clippy::cast_possible_truncation)] // degrees times 50 fit
fn cell(deg: f64) -> i32 {
    libm::floor(deg * PER_DEG) as i32
}

fn cell_of(p: Place) -> (i32, i32) {
    (cell(p.lat_deg), cell(p.lon_deg))
}

impl Near {
    /// Adds one, or moves it to where it is now.
    pub(crate) fn put(&mut self, protected: Protected) {
        let new = cell_of(protected.at);
        self.widest_m = self.widest_m.max(protected.standoff_m);
        let frame = Enu::at(protected.at);
        if let Some(&k) = self.of.get(&protected.id)
            && let Some(t) = self.targets.get_mut(k)
        {
            let old = std::mem::replace(t, Target { protected, frame, cell: new }).cell;
            if old != new {
                if let Some(list) = self.cells.get_mut(&old) {
                    list.retain(|x| *x != k);
                    if list.is_empty() {
                        self.cells.remove(&old);
                    }
                }
                self.cells.entry(new).or_default().push(k);
            }
            return;
        }
        let k = self.targets.len();
        self.of.insert(protected.id.clone(), k);
        if matches!(protected.id, ProtectedId::Site(_)) {
            self.sites.push(k);
        }
        self.cells.entry(new).or_default().push(k);
        self.targets.push(Target { protected, frame, cell: new });
    }

    pub(crate) fn get(&self, id: &ProtectedId) -> Option<&Target> {
        self.targets.get(*self.of.get(id)?)
    }

    pub(crate) fn at(&self, k: usize) -> Option<&Target> {
        self.targets.get(k)
    }

    pub(crate) fn widest_m(&self) -> f64 {
        self.widest_m
    }

    /// Those within `people_m` (people) and `sites_m` (sites) of a place, and perhaps a few a little farther.
    pub(crate) fn around(&self, place: Place, people_m: f64, sites_m: f64) -> Vec<usize> {
        let mut found = Vec::new();
        let reach_deg = people_m / LAT_DEG_M;
        let rows = cell((place.lat_deg - reach_deg).max(-90.0))..=cell((place.lat_deg + reach_deg).min(90.0));
        let wide = lon_reach_deg(place, people_m);
        // Across the antimeridian the span is cut in two; all the way round near a pole.
        let (from, to) = (place.lon_deg - wide, place.lon_deg + wide);
        let spans = if wide >= 180.0 {
            [Some((-180.0, 180.0)), None]
        } else if from < -180.0 {
            [Some((-180.0, to)), Some((from + 360.0, 180.0))]
        } else if to > 180.0 {
            [Some((from, 180.0)), Some((-180.0, to - 360.0))]
        } else {
            [Some((from, to)), None]
        };
        for row in rows {
            for (from, to) in spans.into_iter().flatten() {
                for list in self.cells.range((row, cell(from))..=(row, cell(to))).map(|(_, l)| l) {
                    found.extend(list.iter().copied().filter(|k| {
                        self.at(*k).is_some_and(|t| {
                            matches!(t.protected.id, ProtectedId::Person(_)) && within(place, t.protected.at, people_m)
                        })
                    }));
                }
            }
        }
        found.extend(
            self.sites.iter().copied().filter(|k| self.at(*k).is_some_and(|t| within(place, t.protected.at, sites_m))),
        );
        found
    }
}

/// Degrees of longitude that hold `reach_m` anywhere within `reach_m` of a place; 180 near a pole.
pub(crate) fn lon_reach_deg(place: Place, reach_m: f64) -> f64 {
    let highest = place.lat_deg.abs() + reach_m / LAT_DEG_M;
    if highest >= 89.9 { 180.0 } else { (reach_m / (LON_DEG_M * libm::cos(highest.to_radians()))).min(180.0) }
}

/// Whether `b` may be within `reach_m` of `a`: sure of a no, not of a yes.
pub(crate) fn within(a: Place, b: Place, reach_m: f64) -> bool {
    let north_m = (a.lat_deg - b.lat_deg) * LAT_DEG_M;
    let mut east_deg = (a.lon_deg - b.lon_deg).abs();
    if east_deg > 180.0 {
        east_deg = 360.0 - east_deg;
    }
    let highest = a.lat_deg.abs().max(b.lat_deg.abs()).min(90.0);
    let east_m = east_deg * LON_DEG_M * libm::cos(highest.to_radians()).max(0.0);
    north_m.abs() <= reach_m && (highest > 85.0 || north_m * north_m + east_m * east_m <= reach_m * reach_m)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use skypicket_model::{PersonId, UnitId};

    fn person(k: usize, at: Place) -> Protected {
        let id = PersonId::new(&format!("p{k}")).unwrap();
        Protected {
            id: ProtectedId::Person(id),
            name: String::new(),
            at,
            accuracy_m: 1.0,
            at_time: None,
            standoff_m: 150.0,
        }
    }

    proptest! {
        /// Against looking at everybody, everywhere on Earth, after each was moved once.
        #[test]
        fn everybody_in_reach_is_found(
            lat in -90.0..90.0f64, lon in -180.0..180.0f64, reach in 100.0..20_000.0f64,
            people in prop::collection::vec((0.0..360.0f64, 0.0..30_000.0f64), 40),
        ) {
            let here = Place { lat_deg: lat, lon_deg: lon, alt_hae_m: Some(0.0) };
            let frame = Enu::at(here);
            let mut near = Near::default();
            for (k, (b, d)) in people.iter().enumerate() {
                near.put(person(k, here));
                let (e, n) = (d * libm::sin(b.to_radians()), d * libm::cos(b.to_radians()));
                near.put(person(k, frame.to_place([e, n, 0.0])));
            }
            let found = near.around(here, reach, 0.0);
            for (k, (_, d)) in people.iter().enumerate() {
                let there = near.at(k).unwrap().protected.at;
                if *d < reach * 0.999 {
                    prop_assert!(found.contains(&k), "{d} {there:?}");
                } else if *d > reach * 1.1 && lat.abs() < 80.0 {
                    prop_assert!(!found.contains(&k), "{d} {there:?}");
                }
            }
        }
    }

    #[test]
    fn sites_are_found_in_their_own_reach() {
        let mut near = Near::default();
        let at = Place { lat_deg: 31.76, lon_deg: -106.49, alt_hae_m: None };
        near.put(Protected { id: ProtectedId::Site(UnitId::new("gate").unwrap()), ..person(0, at) });
        let off = Place { lat_deg: 31.85, ..at };
        assert_eq!(near.around(off, 2_000.0, 15_000.0), [0]);
        assert!(near.around(off, 2_000.0, 5_000.0).is_empty());
    }
}
