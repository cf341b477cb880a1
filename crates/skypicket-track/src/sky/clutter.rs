//! [`Clutter`]: where a radar shows more that is nothing than it is said to, and where less.
//!
//! A radar gives one density of false plots for all that it sees. Over trees, a road or water there are many more, and
//! elsewhere fewer. So each radar has a map of cells, in range, azimuth and elevation, and in each it is counted what came to nothing:
//! plots of no track, and those of tracks that ended without ever being believed. Against that stands what was to be expected
//! by what the sensor says, which also counts as so many plots that were seen (a gamma prior of a Poisson rate), so that a
//! few plots change little. What was counted is forgotten slowly.
//!
//! Where plots come by themselves nobody says how often the radar looked, and nothing is learned.

use super::sensor::{Measured, Sensor, wrap};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Cells outwards, and around.
const RINGS: usize = 16;
const SECTORS: usize = 36;
/// Cells upwards end at these shares of all that it sees: what stands on the ground is low.
const LAYERS: [f64; 3] = [0.125, 0.375, 1.0];
const CELLS: usize = RINGS * SECTORS * LAYERS.len();
/// What a sensor says of itself is worth as much as so many plots in each cell.
const WORTH: f64 = 3.0;
/// What was counted is worth 1/e after so long, s.
const LASTS_S: f64 = 600.0;
/// Nowhere less or more than these times what the sensor says.
const FACTOR: [f64; 2] = [0.1, 30.0];
/// One that is said to see farther than this is not said to see evenly, m.
const FARTHEST_M: f64 = 200_000.0;
/// No count is larger, since nothing more follows from it.
const MOST: f64 = 1e6;

/// What a radar showed that was nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Clutter {
    /// Plots in each cell, ring by ring, the older the less. Empty until the radar has looked once.
    seen: Box<[f32]>,
    /// How many were to be expected in each, all layers together.
    expected: f64,
    /// When it looked last, s.
    at: f64,
}

/// A plot's cell, and its layer's share; none of what lies outside.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // held to what there is before
fn cell(from: &Sensor, m: &Measured) -> Option<(usize, f64)> {
    let [near, far] = from.range;
    let out = (m.z[0] - near) / (far - near);
    let [middle, half] = from.sector;
    let around = (wrap(m.z[1] - middle) + half.min(PI)) / (2.0 * half.min(PI));
    let [low, high] = elevations(from);
    let up = (m.z[2] - low) / (high - low);
    let layer = LAYERS.iter().position(|end| up <= *end)?;
    if !(0.0..=1.0).contains(&out) || !(0.0..=1.0).contains(&around) || up.is_nan() || up < 0.0 {
        return None;
    }
    let number = |share: f64, n: usize| ((share * n as f64) as usize).min(n - 1);
    let share = LAYERS[layer] - if layer > 0 { LAYERS[layer - 1] } else { 0.0 };
    Some(((layer * RINGS + number(out, RINGS)) * SECTORS + number(around, SECTORS), share))
}

/// Lowest and highest that it sees.
fn elevations(from: &Sensor) -> [f64; 2] {
    from.elevation.map(|e| e.clamp(-PI / 2.0, PI / 2.0))
}

impl Clutter {
    /// How many times what the sensor says of itself is false where this was measured.
    pub(super) fn factor(&self, from: &Sensor, m: &Measured) -> f64 {
        let here = cell(from, m).and_then(|(k, share)| Some((f64::from(*self.seen.get(k)?), share)));
        here.map_or(1.0, |(seen, share)| (WORTH + seen) / (WORTH + self.expected * share)).clamp(FACTOR[0], FACTOR[1])
    }

    /// The radar looked.
    pub(super) fn looked(&mut self, from: &Sensor, t: f64) {
        if from.range[1] > FARTHEST_M {
            return;
        }
        if self.seen.is_empty() {
            (self.seen, self.at) = (vec![0.0; CELLS].into(), t);
        }
        if t > self.at {
            let kept = libm::exp(-(t - self.at) / LASTS_S);
            self.at = t;
            self.expected *= kept;
            #[allow(clippy::cast_possible_truncation)] // it is a share
            let kept = kept as f32;
            self.seen.iter_mut().for_each(|n| *n *= kept);
        }
        let [low, high] = elevations(from);
        let all = (from.range[1] - from.range[0]) * 2.0 * from.sector[1].min(PI) * (high - low);
        self.expected = (self.expected + from.clutter * all / (RINGS * SECTORS) as f64).min(MOST);
    }

    /// This was nothing, with such a chance.
    pub(super) fn count(&mut self, from: &Sensor, m: &Measured, share: f64) {
        if let Some(seen) = cell(from, m).and_then(|(k, _)| self.seen.get_mut(k)) {
            #[allow(clippy::cast_possible_truncation)] // it is a count of some plots
            let share = share as f32;
            *seen = (*seen + share).min(1e6);
        }
    }

    /// It can have been counted.
    pub(super) fn is_sound(&self) -> bool {
        (self.seen.is_empty() || self.seen.len() == CELLS)
            && self.seen.iter().all(|n| (0.0..=1e6).contains(n))
            && (0.0..=MOST).contains(&self.expected)
            && self.at.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sky::{
        Sense,
        lone::{Odds, blank},
    };

    fn radar() -> Sensor {
        let (range, elevation) = ([100.0, 5_000.0], [0.0, 1.0]);
        let clutter = 10.0 / (4_900.0 * 2.0 * PI);
        Sensor { clutter, range, elevation, ..blank(Sense::Radar, Odds { pd: 0.9, untrue: 0.0, who: 0 }) }
    }

    fn at(range: f64, az: f64, el: f64) -> Measured {
        Measured { z: [range, az, el], r: [25.0, 1e-4, 1e-4] }
    }

    #[test]
    fn a_radar_is_taken_at_its_word_until_it_has_shown_something_else() {
        let (from, mut map) = (radar(), Clutter::default());
        assert!((map.factor(&from, &at(1_000.0, 1.0, 0.1)) - 1.0).abs() < 1e-12);
        map.looked(&from, 0.0);
        assert!((map.factor(&from, &at(1_000.0, 1.0, 0.1)) - 1.0).abs() < 0.01);
        // What lies outside of all cells counts nowhere and for nothing.
        for out in [at(5_200.0, 1.0, 0.1), at(50.0, 1.0, 0.1), at(1_000.0, 1.0, 1.2), at(1_000.0, 1.0, -0.1)] {
            map.count(&from, &out, 1.0);
            assert!((map.factor(&from, &out) - 1.0).abs() < 1e-12);
        }
        assert!(map.seen.iter().all(|n| *n == 0.0));
    }

    #[test]
    fn more_is_expected_where_more_was_nothing_and_less_elsewhere_within_bounds() {
        let (from, mut map) = (radar(), Clutter::default());
        let (here, beside, above) = (at(1_000.0, 1.0, 0.1), at(1_000.0, 1.3, 0.1), at(1_000.0, 1.0, 0.9));
        let mut before = 1.0;
        for s in 0..3_000 {
            map.looked(&from, f64::from(s));
            map.count(&from, &here, 1.0);
            let now = map.factor(&from, &here);
            assert!(now >= before - 1e-9 && (FACTOR[0]..=FACTOR[1]).contains(&now), "{now}");
            before = now;
        }
        assert!(before >= FACTOR[1] - 1e-9);
        for clean in [beside, above] {
            assert!(map.factor(&from, &clean) < 0.9, "{}", map.factor(&from, &clean));
        }
        // What was long ago does not count for ever.
        map.looked(&from, 3_000.0 + 10.0 * LASTS_S);
        assert!(map.factor(&from, &here) < 1.5, "{}", map.factor(&from, &here));
        assert!(map.is_sound());
    }

    /// As many as the radar says, wherever they fall.
    #[test]
    fn where_plots_are_as_even_as_it_says_little_changes() {
        let (from, mut map) = (radar(), Clutter::default());
        let mut x = 7_u64;
        let mut even = || {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (x >> 40) as f64 / (1u64 << 24) as f64
        };
        let (mut worst, mut sum, mut n) = (0.0_f64, 0.0, 0.0);
        for s in 0..600 {
            for _ in 0..10 {
                let m = at(100.0 + 4_900.0 * even(), 2.0 * PI * even() - PI, even());
                let ln = libm::log(map.factor(&from, &m));
                (worst, sum, n) = (worst.max(ln.abs()), sum + ln.abs(), n + 1.0);
                map.count(&from, &m, 1.0);
            }
            map.looked(&from, f64::from(s));
        }
        assert!(worst < libm::log(3.5) && sum / n < libm::log(1.5), "{worst} {}", sum / n);
    }

    /// Nothing is said of a radar that is said to see everything.
    #[test]
    fn one_that_is_said_to_see_farther_than_any_is_taken_at_its_word() {
        let (from, mut map) = (Sensor { range: [0.0, 1e7], ..radar() }, Clutter::default());
        for s in 0..1_000 {
            map.looked(&from, f64::from(s));
            map.count(&from, &at(1_000.0, 1.0, 0.1), 1.0);
        }
        assert_eq!(map, Clutter::default());
    }
}
