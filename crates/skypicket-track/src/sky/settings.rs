//! [`Settings`]: what is assumed of things that fly, and when they are believed. One set for all scenes.

use super::motion::Flight;
use serde::{Deserialize, Serialize};

/// The assumptions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Models of flight.
    pub flight: Flight,
    /// Sigma of an unknown velocity over ground and upwards, m/s.
    pub unknown_speed: [f64; 2],
    /// Things in the air that nobody has noticed yet, per m² of ground.
    pub unnoticed: f64,
    /// Of these, the share that flies low, and how high that reaches, m; the rest is spread up to `high`, m.
    pub low: (f64, f64),
    /// See `low`.
    pub high: f64,
    /// Made-up claims of places, per m³.
    pub untrue: f64,
    /// Chance that a claim which nothing speaks for or against is true.
    pub word: f64,
    /// How long a thing stays about, s.
    pub stay: f64,
    /// Gate: squared distance in sigmas.
    pub gate: f64,
    /// Believed from here on.
    pub confirm: f64,
    /// No longer believed under this.
    pub doubt: f64,
    /// Over under this.
    pub over: f64,
    /// Place too uncertain to be believed, m (one sigma over ground).
    pub lost: f64,
    /// Two tracks are rivals for a plot when both could have it at least with this chance.
    pub rival: f64,
    /// Steps are exchanged when that fits better by this much (natural logarithm).
    pub untangle: f64,
    /// Things at most this far from one another can be a flock, m.
    pub flock: f64,
    /// With this many others at least.
    pub mates: f64,
    /// How far a flock manoeuvres together, 0 to 1.
    pub together: f64,
    /// Velocities in a flock differ by this much, m/s.
    pub alike: f64,
    /// Bearings within this time can meet, s.
    pub crossing: f64,
    /// They meet within this squared distance in sigmas.
    pub meets: f64,
    /// Chance that where three meet there is something.
    pub met: f64,
    /// The same as a share of that, where the bearings are explained by tracks already.
    pub taken: f64,
    /// No crossing counts as near to a track as this, m.
    pub apart: f64,
    /// Least chance that what began where bearings met gives off what made them.
    pub gives: f64,
    /// How far back late reports are joined at their own time, s.
    pub rewind: f64,
    /// Steps kept for that at most.
    pub steps: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flight: Flight { q: [envf("Q0", 0.1), envf("Q1", 10.0)], up: envf("UP", 0.5), stay: [envf("S0", 15.0), envf("S1", 5.0)], level: 6.0 },
            unknown_speed: [envf("US", 12.0), 4.0],
            unnoticed: 1e-7,
            low: (0.85, 150.0),
            high: 1500.0,
            untrue: 1e-12,
            word: 0.8,
            stay: 120.0,
            gate: 20.0,
            confirm: 0.9,
            doubt: 0.35,
            over: 0.002,
            lost: 70.0,
            rival: 0.01,
            untangle: envf("UNT", 99.0),
            flock: envf("FLOCK", 100.0),
            mates: envf("MATES", 4.0),
            together: envf("TOG", 0.8),
            alike: envf("ALIKE", 2.5),
            crossing: envf("CROSS", 1.3),
            meets: envf("MEETS", 5.0),
            met: envf("MET", 0.3),
            taken: envf("TAKEN", 0.3),
            apart: envf("APART", 50.0),
            gives: envf("GIVES", 0.95),
            rewind: envf("REW", 6.5),
            steps: envf("STEPS", 28.0) as usize,
        }
    }
}

impl Settings {
    /// Density of unnoticed things at a height, per m³.
    pub fn unnoticed_at(&self, height: f64) -> f64 {
        let (share, low) = self.low;
        let edge = |x: f64| 1.0 / (1.0 + libm::exp(-x.clamp(-30.0, 30.0)));
        // Nothing flies under the ground, but the ground is not everywhere at the origin's height.
        let over_ground = edge((height + 15.0) / 10.0);
        let is_low = edge((low - height) / (low / 10.0));
        let is_high = edge((self.high - height) / (self.high / 10.0));
        self.unnoticed * over_ground * (share * is_low / low + (1.0 - share) * is_high / self.high)
    }
}

fn envf(name: &str, or: f64) -> f64 {
    std::env::var(name).ok().and_then(|x| x.parse().ok()).unwrap_or(or)
}
