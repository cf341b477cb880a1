//! Areas as H3 cells: the portable way to ask "what is near here" of any store that can compare integers.
//!
//! A place is stored as its cell of resolution 10 (edge about 76 m). A circle is asked for as ranges of such cells: the
//! cells below one coarser cell are consecutive numbers. Ranges only narrow the search; an exact test follows.

use h3o::{CellIndex, LatLng, Resolution};
use skypicket_model::{LatLon, Place};

/// The resolution of stored cells.
const STORED: u8 = 10;

/// Largest radius that can be asked for, metres: distances are measured in the tangent plane.
pub const MAX_RADIUS_M: f64 = 100_000.0;

/// A circle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// Its middle.
    pub at: LatLon,
    /// Its radius, metres, 0 < r ≤ [`MAX_RADIUS_M`].
    pub radius_m: f64,
}

impl Near {
    /// The exact test.
    pub fn holds(&self, place: Place) -> bool {
        let middle = Place { lat_deg: self.at.lat_deg, lon_deg: self.at.lon_deg, alt_hae_m: None };
        middle.distance_and_bearing(place).0 <= self.radius_m
    }

    /// Ranges of stored cells that hold every place in the circle; `None` when it is no circle on Earth.
    pub(crate) fn cells(&self) -> Option<Vec<(i64, i64)>> {
        if !(self.radius_m > 0.0 && self.radius_m <= MAX_RADIUS_M) {
            return None;
        }
        let middle = LatLng::new(self.at.lat_deg, self.at.lon_deg).ok()?;
        // Between the edge of a cell and the outside of the ring around it lies at least one edge's length; half the
        // average allows for how much cells differ over the globe.
        let resolution = Resolution::range(Resolution::Zero, Resolution::Ten)
            .rev()
            .find(|r| r.edge_length_m() * 0.5 >= self.radius_m)?;
        Some(middle.to_cell(resolution).grid_disk::<Vec<_>>(1).into_iter().map(children).collect())
    }
}

/// The stored cell of a place; `None` when it is no place.
pub(crate) fn cell_of(lat_deg: f64, lon_deg: f64) -> Option<i64> {
    let cell = LatLng::new(lat_deg, lon_deg).ok()?.to_cell(Resolution::Ten);
    i64::try_from(u64::from(cell)).ok()
}

/// First and last number that a cell of the stored resolution below `cell` can have. H3 keeps the resolution in bits
/// 52 to 55 and one three-bit digit (0 to 6) a resolution below bit 45, the coarsest first.
fn children(cell: CellIndex) -> (i64, i64) {
    let mut first = u64::from(cell) & !(0xF << 52) | u64::from(STORED) << 52;
    let mut last = first;
    for digit in u8::from(cell.resolution()) + 1..=STORED {
        let shift = 3 * (15 - u32::from(digit));
        first &= !(7 << shift);
        last = last & !(7 << shift) | 6 << shift;
    }
    (first.cast_signed(), last.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use skypicket_model::Enu;

    proptest! {
        #[test]
        fn every_place_in_a_circle_is_in_its_cells(
            lat in -85.0..85.0f64, lon in -180.0..180.0f64, r in 1.0..50_000.0f64,
            bearing in 0.0..std::f64::consts::TAU, part in 0.0..1.0f64,
        ) {
            let near = Near { at: LatLon::new(lat, lon).unwrap(), radius_m: r };
            let frame = Enu::at(Place::new(lat, lon, Some(0.0)).unwrap());
            let d = r * part;
            let p = Place { alt_hae_m: None, ..frame.to_place([d * bearing.sin(), d * bearing.cos(), 0.0]) };
            prop_assume!(near.holds(p));
            let cell = cell_of(p.lat_deg, p.lon_deg).unwrap();
            let cells = near.cells().unwrap();
            prop_assert!(cells.len() <= 7);
            prop_assert!(cells.iter().any(|(a, b)| (*a..=*b).contains(&cell)));
        }
    }

    #[test]
    fn cells_narrow_the_search() {
        let near = Near { at: LatLon::new(31.76, -106.49).unwrap(), radius_m: 500.0 };
        let far = cell_of(31.9, -106.49).unwrap();
        assert!(!near.cells().unwrap().iter().any(|(a, b)| (*a..=*b).contains(&far)));
        assert!(Near { radius_m: f64::NAN, ..near }.cells().is_none());
        assert!(Near { radius_m: 1e6, ..near }.cells().is_none());
    }
}
