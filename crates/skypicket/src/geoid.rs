//! [`Geoid`]: metres above mean sea level, by EGM96, of a height above the ellipsoid.
//!
//! The model is evaluated whole (degree and order 360, by the crate `egm96`, whose coefficients are NGA's), which takes
//! a while: so it is asked only at the corners of cells of 0.05°, and between them goes straight. That is off by less
//! than 5 cm where the geoid is steepest; the model itself is good to half a metre to a metre.

use egm96::{Egm96Scratch, egm96_compute_altitude_offset_with_scratch as undulation};
use skypicket_model::Place;
use std::collections::HashMap;

/// Side of a cell, degrees.
const CELL_DEG: f64 = 0.05;

/// Heights above mean sea level. Remembers the corners that it asked for.
pub struct Geoid {
    corners: HashMap<(i32, i32), f64>,
    scratch: Egm96Scratch,
}

impl Geoid {
    /// Nothing is asked yet.
    pub fn new() -> Self {
        Self { corners: HashMap::new(), scratch: Egm96Scratch::new() }
    }

    /// Metres above mean sea level; `None` where the height of the place is unknown.
    pub fn amsl_m(&mut self, place: Place) -> Option<f64> {
        Some(place.alt_hae_m? - self.undulation_m(place.lat_deg, place.lon_deg))
    }

    /// Height of the geoid above the ellipsoid, metres.
    fn undulation_m(&mut self, lat_deg: f64, lon_deg: f64) -> f64 {
        let (y, x) = (lat_deg / CELL_DEG, lon_deg / CELL_DEG);
        let (south, west) = (y.floor(), x.floor());
        let (north_share, east_share) = (y - south, x - west);
        #[allow(clippy::cast_possible_truncation)] // ±3,600 cells at most
        let (j, i) = (south as i32, west as i32);
        let mut at = |dj: i32, di: i32| {
            let scratch = &mut self.scratch;
            *self.corners.entry((j + dj, i + di)).or_insert_with(|| {
                let lat = (f64::from(j + dj) * CELL_DEG).clamp(-90.0, 90.0);
                undulation(lat, f64::from(i + di) * CELL_DEG, scratch)
            })
        };
        let [sw, se, nw, ne] = [at(0, 0), at(0, 1), at(1, 0), at(1, 1)];
        let (south, north) = (sw + (se - sw) * east_share, nw + (ne - nw) * east_share);
        south + (north - south) * north_share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_are_those_of_the_makers_of_the_model() {
        let mut geoid = Geoid::new();
        // The test points of NIMA's own program F477 (INPUT.DAT, OUTF477.DAT), and places that lie on a corner, a seam, a pole.
        for (lat, lon, n) in [
            (38.628155, -90.220845, -31.628),
            (-14.621217, -54.978886, -2.969),
            (46.874319, 102.448729, -43.575),
            (-23.617446, 133.874712, 15.871),
            (38.625473, -0.0005, 50.066),
            (-0.466744, 0.0023, 17.329),
        ] {
            let place = Place { lat_deg: lat, lon_deg: lon, alt_hae_m: Some(100.0) };
            let h = geoid.amsl_m(place).unwrap();
            assert!((h - (100.0 - n)).abs() < 0.05, "{lat} {lon}: {h}, not {}", 100.0 - n);
        }
        for (lat, lon) in [(90.0, 0.0), (-90.0, 10.0), (10.0, 180.0), (10.0, -180.0), (0.0, 0.0)] {
            let exact = undulation(lat, lon, &mut Egm96Scratch::new());
            assert!((geoid.undulation_m(lat, lon) - exact).abs() < 1e-6, "{lat} {lon}");
        }
        assert_eq!(geoid.amsl_m(Place { lat_deg: 1.0, lon_deg: 1.0, alt_hae_m: None }), None, "unknown stays unknown");
    }

    #[test]
    fn between_corners_it_is_straight_and_near_enough() {
        let mut geoid = Geoid::new();
        // Where the geoid is steep: the Hindu Kush, the Puerto Rico trench, the Andes; and where the exercises are.
        for (lat, lon) in [(36.52, 71.37), (19.77, -66.43), (-22.46, -68.33), (31.773, -106.488)] {
            let exact = undulation(lat, lon, &mut Egm96Scratch::new());
            let off = geoid.undulation_m(lat, lon) - exact;
            assert!(off.abs() < 0.05, "{lat} {lon}: {off} m off {exact}");
        }
    }
}
