//! [`Chart`]: a flat piece of the Earth that things are followed in.
//!
//! A scene of a few hundred kilometres is one chart. Where things may fly anywhere, the Earth is cut into squares of a
//! fixed lattice, each with the plane that touches it in its middle; a thing is followed in the square of whatever
//! reported it last. So the plane never curves away from a thing, and no border exists for it to cross: what two
//! charts have of one thing differs by a turn and a shift, exactly, without an angle in between.

use super::{
    gauss::{M3, V3, turn},
    numbers::Numbers,
    sensor::EARTH_M,
};
use serde::{Deserialize, Serialize};
use skypicket_model::{Enu, Place, geo::ecef};

/// Side of a square of the lattice, degrees of latitude: 2.2 km. Upright in its middle is upright at its corners to within
/// a seventieth of a degree, so that what is said of climbing and of flying level holds.
const SIDE_DEG: f64 = 0.02;
/// Frames kept at most; they are worked out again where they are not.
const MOST_KEPT: usize = 4_096;

/// Which piece: row and column of the lattice, or the whole of a scene.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Chart(Option<(u16, u16)>);

impl Chart {
    /// The whole of a scene, in its own axes.
    pub const SCENE: Self = Self(None);

    /// The square that a place lies in.
    pub fn of(place: Place) -> Self {
        let row = whole((place.lat_deg + 90.0) / SIDE_DEG, rows());
        let columns = columns(row);
        Self(Some((row, whole((place.lon_deg + 180.0) / 360.0 * f64::from(columns), columns))))
    }

    /// Its frame: in the middle of the square, on the ellipsoid. None of a scene, which alone knows where it is.
    pub fn frame(self) -> Option<Enu> {
        let (row, column) = self.0?;
        let lat_deg = middle(row);
        let lon_deg = (f64::from(column) + 0.5) * 360.0 / f64::from(columns(row)) - 180.0;
        Some(Enu::at(Place { lat_deg, lon_deg, alt_hae_m: Some(0.0) }))
    }

    /// It is one of the lattice.
    pub(super) fn is_sound(self) -> bool {
        self.0.is_none_or(|(row, column)| row < rows() && column < columns(row))
    }
}

/// Latitude in the middle of a row, degrees.
fn middle(row: u16) -> f64 {
    (f64::from(row) + 0.5) * SIDE_DEG - 90.0
}

fn rows() -> u16 {
    whole(180.0 / SIDE_DEG, u16::MAX)
}

/// Columns of a row: fewer towards the poles, so that squares stay as wide as they are high.
fn columns(row: u16) -> u16 {
    whole(360.0 / SIDE_DEG * libm::cos(middle(row).to_radians()), u16::MAX).max(1)
}

/// The whole number below, from nought to under `end`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturating is what is meant
fn whole(x: f64, end: u16) -> u16 {
    (libm::floor(x).max(0.0) as u16).min(end.saturating_sub(1))
}

/// From one chart to another: `p` there is `turn · p + shift`, and a velocity is turned.
#[derive(Debug, Clone, Copy)]
pub struct Move {
    /// Rows: the other's axes in these.
    pub turn: M3,
    /// Where this one's origin is in the other, m.
    pub shift: V3,
}

impl Move {
    /// Into `to` out of `from`.
    pub fn between(from: &Enu, to: &Enu) -> Self {
        Self { turn: to.turn_from(from), shift: to.carry(from, [0.0; 3]) }
    }

    /// A place.
    pub fn place(&self, p: &V3) -> V3 {
        let q = turn(&self.turn, p);
        std::array::from_fn(|k| q[k] + self.shift[k])
    }
}

/// The frames of charts, as far as they were needed lately.
#[derive(Debug, Clone, Default)]
pub(super) struct Charts(Numbers<Chart, (Enu, V3)>);

impl Charts {
    /// The frame of a chart; none of a scene.
    pub(super) fn frame(&mut self, chart: Chart) -> Option<Enu> {
        self.known(chart).map(|k| k.0)
    }

    /// The same for whoever only looks.
    pub(super) fn peek(&self, chart: Chart) -> Option<Enu> {
        self.0.get(&chart).map(|k| k.0).or_else(|| chart.frame())
    }

    /// The same, and its origin from the Earth's centre, m.
    fn known(&mut self, chart: Chart) -> Option<(Enu, V3)> {
        if let Some(known) = self.0.get(&chart) {
            return Some(*known);
        }
        let frame = chart.frame()?;
        if self.0.len() >= MOST_KEPT {
            self.0.clear();
        }
        let known = (frame, ecef(frame.origin()));
        self.0.insert(chart, known);
        Some(known)
    }

    /// From one into another; none where they are one, or where there is no way.
    pub(super) fn between(&mut self, from: Chart, to: Chart) -> Option<Move> {
        if from == to {
            return None;
        }
        let (from, to) = (self.frame(from)?, self.frame(to)?);
        Some(Move::between(&from, &to))
    }

    /// Where a place is for whoever looks for what is near, whatever the charts: of a scene itself, over ground; else below or
    /// above it on the Earth's surface, from its centre, m.
    pub(super) fn address(&mut self, chart: Chart, p: &V3) -> V3 {
        let Some((frame, centre)) = self.known(chart) else { return [p[0], p[1], 0.0] };
        let [e, n, u] = frame.axes();
        let down = -(p[0] * p[0] + p[1] * p[1]) / (2.0 * EARTH_M);
        std::array::from_fn(|k| centre[k] + p[0] * e[k] + p[1] * n[k] + down * u[k])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_place_is_near_the_middle_of_its_square(lat in -90.0..=90.0f64, lon in -180.0..=180.0f64) {
            let place = Place { lat_deg: lat, lon_deg: lon, alt_hae_m: Some(0.0) };
            let chart = Chart::of(place);
            prop_assert!(chart.is_sound());
            let [e, n, _] = chart.frame().unwrap().from_place(place);
            prop_assert!(libm::hypot(e, n) < 2_000.0, "{chart:?}: {e} {n}");
        }

        /// Whoever looks for what is near finds it, in whatever chart either is.
        #[test]
        fn a_place_has_one_address_in_all_charts_near_it(
            lat in -85.0..85.0f64, lon in -180.0..180.0f64, east in -60e3..60e3f64, north in -60e3..60e3f64,
        ) {
            let here = Place { lat_deg: lat, lon_deg: lon, alt_hae_m: Some(900.0) };
            let there = Enu::at(here).to_place([east, north, 0.0]);
            let (a, b) = (Chart::of(here), Chart::of(there));
            let mut charts = Charts::default();
            let [p, q] = [a, b].map(|c| {
                let own = c.frame().unwrap().from_place(here);
                charts.address(c, &own)
            });
            let apart = (0..3).map(|k| (p[k] - q[k]) * (p[k] - q[k])).sum::<f64>().sqrt();
            prop_assert!(apart < 20.0, "{apart}");
            // As far apart as they are over ground, give or take the Earth's flatness.
            let far = charts.address(b, &b.frame().unwrap().from_place(there));
            let d = (0..3).map(|k| (p[k] - far[k]) * (p[k] - far[k])).sum::<f64>().sqrt();
            let truth = libm::hypot(east, north);
            prop_assert!((d - truth).abs() < 0.001 * truth + 20.0, "{d} {truth}");
        }
    }
}
