//! [`Gater`]: whether a measurement can be of a track at all.

use crate::{settings::Settings, updater::Innovation};

/// What joins the measurement and the track besides their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// Nothing.
    Place,
    /// The same emitter or identity.
    Identity,
}

/// Lets hypotheses through, or not.
pub trait Gater {
    /// The measurement can be of the track.
    fn admits(&self, innovation: &Innovation, tie: Tie, existence: f64) -> bool;
}

/// An ellipsoid around the prediction; and, without an identity, the track must explain the measurement better than
/// something new would: `r·N(z) > birth density`. So a vague track (a person's report, minutes old) does not swallow
/// everything that appears within its four sigmas.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ellipsoid {
    /// Largest squared distance of a point without identity.
    pub point_d2: f64,
    /// The same with identity.
    pub identity_d2: f64,
    /// Largest squared distance of a ray.
    pub ray_d2: f64,
    /// Log of the density of new things, per m².
    pub ln_birth: f64,
    /// Whether the measurement is a ray.
    pub ray: bool,
}

impl Ellipsoid {
    /// For points, or for rays.
    pub fn new(s: &Settings, ray: bool) -> Self {
        Self {
            point_d2: s.gate_sigma * s.gate_sigma,
            identity_d2: s.identity_gate_sigma * s.identity_gate_sigma,
            ray_d2: s.ray_gate_d2,
            ln_birth: libm::log(s.birth_density_per_m2),
            ray,
        }
    }
}

impl Gater for Ellipsoid {
    fn admits(&self, i: &Innovation, tie: Tie, existence: f64) -> bool {
        match (self.ray, tie) {
            (true, Tie::Place) => i.d2 <= self.ray_d2,
            (true, Tie::Identity) => i.d2 <= 2.0 * self.ray_d2,
            (false, Tie::Identity) => i.d2 <= self.identity_d2,
            (false, Tie::Place) => {
                i.d2 <= self.point_d2 && libm::log(existence.max(1e-12)) + i.ln_likelihood > self.ln_birth
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vague_track_does_not_swallow_what_is_likelier_new() {
        let gate = Ellipsoid::new(&Settings::default(), false);
        // Two sigmas off: of a track known to 20 m, and of one known to 2 km.
        let at = |sigma: f64| Innovation {
            d2: 4.0,
            dims: 2,
            ln_likelihood: -2.0 - libm::log(core::f64::consts::TAU * sigma * sigma),
        };
        assert!(gate.admits(&at(20.0), Tie::Place, 0.6));
        assert!(!gate.admits(&at(2_000.0), Tie::Place, 0.6));
        assert!(gate.admits(&at(2_000.0), Tie::Identity, 0.6));
    }
}
