//! [`Registration`]: how far a sensor's own directions, ranges and clock are off, learned from things that say where
//! they are.
//!
//! Four numbers a sensor with their covariance, a small Kalman filter (Bar-Shalom, Li and Kirubarajan 2001, 11.5 in
//! spirit): of a thing that says where it is and is seen there, what the radar measured beyond what was expected is the
//! sensor's error plus noise whose variance is known. What is still uncertain of the error is added to the noise of
//! each measurement, so that nothing is surer than the sensor's own registration is. A sensor that has met nothing that
//! says where it is is taken at its word.
//!
//! A finder of directions learns its azimuth, its elevation where it measures one, and nothing of a range; its clock only
//! where its reports come in scans.

use super::{
    gauss::{Gauss, V3, dot, times},
    sensor::{Component, Measured, Sense, Sensor, wrap},
};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Components of a radar's measurement: range, azimuth, elevation.
const PARTS: usize = 3;
/// Those and the clock.
const STATES: usize = 4;
/// Of these the azimuth.
pub(super) const AZIMUTH: usize = 1;

/// How far off a sensor is: range (m), azimuth and elevation (rad), clock (s; positive where its stamps are late).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// Estimate.
    pub off: [f64; STATES],
    /// Its covariance.
    pub cov: [[f64; STATES]; STATES],
    /// What it rests on: measurements of things that said where they were.
    pub rests_on: u64,
    /// When it learned last, s.
    at: f64,
}

/// One sigma of what nobody knows yet: 30 m, 1.5°, 1.5°, 0.1 s.
const AT_FIRST: [f64; STATES] = [30.0, 0.026, 0.026, 0.1];
/// An hour later it may be off by so much more: 5 m, 0.1°, 0.1°, 0.02 s.
const HOURLY: [f64; STATES] = [5.0, 0.0017, 0.0017, 0.02];
/// So much is put right: 300 m, 5°, 5°.
const MOST: [f64; PARTS] = [300.0, 0.087, 0.087];
/// Sigmas from which on something is surely off.
const SURELY: f64 = 4.0;
/// Measurements from which on an estimate is believed.
const ENOUGH: u64 = 5;

impl Default for Registration {
    fn default() -> Self {
        let cov =
            std::array::from_fn(|i| std::array::from_fn(|j| if i == j { AT_FIRST[i] * AT_FIRST[i] } else { 0.0 }));
        Self { off: [0.0; STATES], cov, rests_on: 0, at: f64::NEG_INFINITY }
    }
}

impl Registration {
    /// Enough was learned for it to be believed.
    pub fn is_known(&self) -> bool {
        self.rests_on >= ENOUGH
    }

    /// Known, and within what is put right: more than that is a fault that somebody has to mend.
    pub fn is_applied(&self) -> bool {
        self.is_known() && (0..PARTS).all(|k| self.off[k].abs() <= MOST[k])
    }

    /// What a number (of [`Self::off`]) is off by and one sigma of that; none where next to nothing was learned of it.
    pub fn learned(&self, k: usize) -> Option<(f64, f64)> {
        let var = *self.cov.get(k)?.get(k)?;
        (var < 0.5 * AT_FIRST[k] * AT_FIRST[k]).then(|| (self.off[k], var.sqrt()))
    }

    /// What a number (of [`Self::off`]) is surely off by, and the variance of that; nought where it may as well be right. A
    /// sensor that is well set up is not made worse by a guess.
    pub fn sure(&self, k: usize) -> (f64, f64) {
        let var = self.cov[k][k];
        if self.off[k] * self.off[k] > SURELY * SURELY * var { (self.off[k], var) } else { (0.0, 0.0) }
    }

    /// Components put right for a thing that flies at `v`, and less sure for what is not known of the error. The first of
    /// them is the number `first` of [`Self::off`], the others follow it.
    pub(super) fn put_right(&self, first: usize, parts: &mut [Component], v: &V3) {
        if !self.is_applied() {
            return;
        }
        let (late, late_var) = self.sure(3);
        for (k, part) in parts.iter_mut().enumerate() {
            let rate = dot(&part.h, v);
            let (off, var) = self.sure(first + k);
            part.nu -= off - rate * late;
            part.r += var + rate * rate * late_var;
        }
    }

    /// A measurement put right as if of a thing that stands still.
    pub(super) fn without_motion(&self, m: &Measured) -> Measured {
        let mut m = *m;
        if self.is_applied() {
            for k in 0..PARTS {
                let (off, var) = self.sure(k);
                m.z[k] -= off;
                m.r[k] += var;
            }
            m.z = [m.z[0].max(0.0), wrap(m.z[1]), m.z[2].clamp(-PI / 2.0, PI / 2.0)];
        }
        m
    }

    /// Learns from a measurement, as it came, of a thing that says where it is and is believed to be at `g`.
    pub(super) fn learn_from(&mut self, sensor: &Sensor, m: &Measured, g: &Gauss, t: f64) {
        let mut parts = [Component::default(); PARTS];
        let mut used = [true; STATES];
        let is_finder = sensor.sense != Sense::Radar;
        if is_finder {
            let radar = Sensor { sense: Sense::Radar, ..sensor.clone() };
            radar.components(m, g, &mut parts);
            // A single look of which nobody says when the scan was cannot tell a late stamp from a turned antenna.
            used = [false, true, sensor.sense == Sense::Sight && m.r[2].is_finite(), sensor.sense == Sense::Bearing];
            if let Some(sight) = sensor.sight {
                let [share, stray] = sight.stray;
                let away = 1.0 / dot(&parts[AZIMUTH].h, &parts[AZIMUTH].h).max(1e-18);
                parts[AZIMUTH].r =
                    (1.0 - share) * m.r[1] + share * stray * stray + sight.own * sight.own / away.max(1.0);
                used[2] &= sight.level;
            }
        } else {
            sensor.components(m, g, &mut parts);
        }
        let spread = std::array::from_fn(|k| dot(&parts[k].h, &times(&g.pp, &parts[k].h)) + parts[k].r);
        let rate = std::array::from_fn(|k| if used[3] { dot(&parts[k].h, &g.v) } else { 0.0 });
        self.learn(&parts, used, &spread, &rate, t);
    }

    /// Learns from one measurement of a thing whose place is known: its components against that place as measured,
    /// as far as these are used, `spread` of each (variance that is expected of it by state and noise), and the thing's speed along each gradient.
    fn learn(
        &mut self,
        parts: &[Component; PARTS],
        used: [bool; STATES],
        spread: &[f64; PARTS],
        rate: &[f64; PARTS],
        t: f64,
    ) {
        let dt = if self.at > f64::NEG_INFINITY { t - self.at } else { 0.0 };
        self.at = self.at.max(t);
        for i in 0..STATES {
            let drift = HOURLY[i] * HOURLY[i] * dt.clamp(0.0, 3_600.0) / 3_600.0;
            self.cov[i][i] = (self.cov[i][i] + drift).min(AT_FIRST[i] * AT_FIRST[i]);
        }
        for k in (0..PARTS).filter(|k| used[*k]) {
            // A late stamp shows the thing where it was before: behind, by its speed.
            let mut h = [0.0; STATES];
            h[k] = 1.0;
            h[3] = -rate[k];
            let a: [f64; STATES] = std::array::from_fn(|i| (0..STATES).map(|j| self.cov[i][j] * h[j]).sum());
            let s: f64 = (0..STATES).map(|i| h[i] * a[i]).sum::<f64>() + spread[k];
            let nu = parts[k].nu - (0..STATES).map(|i| h[i] * self.off[i]).sum::<f64>();
            // What is far out is of something else.
            if nu * nu > 16.0 * s {
                continue;
            }
            for i in 0..STATES {
                self.off[i] += a[i] * nu / s;
                for j in 0..STATES {
                    self.cov[i][j] -= a[i] * a[j] / s;
                }
            }
        }
        self.rests_on += 1;
    }
}
