//! [`State`]: where something is and how it moves, as a Gaussian in a local frame.
//!
//! Every track has its own east-north-up frame, set where it starts and moved after it when it has flown far
//! ([`State::recentred`]). So one run holds tracks all round the Earth, the plane never curves away from a track, and no
//! region borders exist for a track to cross. A measurement is carried into the frame of each track that it is compared
//! with: two small matrix products, no angles.

use crate::matrix::{Matrix, Vector, build, congruence, is_finite};
use serde::{Deserialize, Serialize};
use skypicket_model::{Enu, Place, Time};

/// Index of the height in a state.
pub(crate) const UP: usize = 2;
/// Index of the climb rate in a state.
pub(crate) const CLIMB: usize = 5;

/// A Gaussian over position and velocity at one moment.
///
/// Order: east, north, up (m), then their rates (m/s), in `frame`. While the height is unknown its two entries, rows and
/// columns are zero and take part in nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The track's own frame.
    pub frame: Enu,
    /// The moment.
    pub at: Time,
    /// Mean.
    pub mean: [f64; 6],
    /// Covariance, symmetric.
    pub cov: [[f64; 6]; 6],
    /// Something measured the height.
    pub height_known: bool,
}

impl State {
    /// The place of the mean; its height only when that is known.
    pub fn place(&self) -> Place {
        let p = self.frame.to_place([self.mean[0], self.mean[1], self.mean[2]]);
        // Far above the poles a longitude may round past 180; the model's range is kept.
        Place {
            lat_deg: p.lat_deg.clamp(-90.0, 90.0),
            lon_deg: p.lon_deg.clamp(-180.0, 180.0),
            alt_hae_m: if self.height_known { p.alt_hae_m } else { None },
        }
    }

    /// Speed over ground, m/s.
    pub fn speed_mps(&self) -> f64 {
        (self.mean[3] * self.mean[3] + self.mean[4] * self.mean[4]).sqrt()
    }

    /// One sigma of the horizontal position along its worst direction, from above (square root of the trace), metres.
    pub fn spread_m(&self) -> f64 {
        (self.cov[0][0] + self.cov[1][1]).max(0.0).sqrt()
    }

    /// The height is measured for the first time: `up` metres in this frame with variance `var`, m².
    pub(crate) fn learn_height(&mut self, up: f64, var: f64, climb_sigma_mps: f64) {
        for k in 0..6 {
            for axis in [UP, CLIMB] {
                self.cov[axis][k] = 0.0;
                self.cov[k][axis] = 0.0;
            }
        }
        (self.mean[UP], self.mean[CLIMB]) = (up, 0.0);
        (self.cov[UP][UP], self.cov[CLIMB][CLIMB]) = (var, climb_sigma_mps * climb_sigma_mps);
        self.height_known = true;
    }

    /// The height is not known.
    pub(crate) fn forget_height(&mut self) {
        self.learn_height(0.0, 0.0, 0.0);
        self.height_known = false;
    }

    /// The same estimate in a frame at its own place, when it has left `limit_m` around the present origin.
    #[must_use]
    pub(crate) fn recentred(self, limit_m: f64) -> Self {
        let from_origin2 = self.mean[0] * self.mean[0] + self.mean[1] * self.mean[1];
        if from_origin2 <= limit_m * limit_m { self } else { self.in_frame(Enu::at(self.place())) }
    }

    /// The same estimate in another frame.
    #[must_use]
    pub(crate) fn in_frame(&self, frame: Enu) -> Self {
        let turn = frame.turn_from(&self.frame);
        let turn6: Matrix<6, 6> = build(|i, j| if i / 3 == j / 3 { turn[i % 3][j % 3] } else { 0.0 });
        let p = frame.carry(&self.frame, [self.mean[0], self.mean[1], self.mean[2]]);
        let v = crate::matrix::apply(&turn, &[self.mean[3], self.mean[4], self.mean[5]]);
        let mut moved = Self {
            frame,
            at: self.at,
            mean: [p[0], p[1], p[2], v[0], v[1], v[2]],
            cov: congruence(&turn6, &self.cov),
            height_known: self.height_known,
        };
        if !moved.height_known {
            moved.forget_height();
        }
        moved
    }

    /// All numbers are finite, and the position and speed are such that something on Earth could have them.
    pub(crate) fn is_sane(&self) -> bool {
        let far = |x: &f64| !(x.is_finite() && x.abs() < 1e6);
        !self.mean.iter().any(far)
            && is_finite(&self.cov)
            && (0..6).all(|i| self.cov[i][i] > 0.0 || (!self.height_known && (i == UP || i == CLIMB)))
    }

    /// Unit normal of the ellipsoid at the track times the mean Earth radius, Earth-centred metres: its address in the
    /// spatial index. Independent of the height.
    pub(crate) fn normal_m(&self) -> Vector<3> {
        let [e, n, u] = self.frame.axes();
        std::array::from_fn(|k| u[k] * EARTH_RADIUS_M + e[k] * self.mean[0] + n[k] * self.mean[1])
    }
}

/// Mean Earth radius, metres (IUGG).
pub(crate) const EARTH_RADIUS_M: f64 = 6_371_009.0;
