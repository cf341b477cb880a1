//! [`Settings`]: what is assumed of things that fly, and when they are believed. One set for all scenes.

use super::motion::Flight;
use serde::{Deserialize, Serialize};

/// The assumptions. Chances and shares are 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Models of flight.
    pub flight: Flight,
    /// The same for what rests on bearings alone. These tell a turn too late to say much of it: there a manoeuvre counts as
    /// longer, and the velocity in it as gone sooner.
    pub by_bearings: Flight,
    /// Sigma of an unknown velocity over ground and upwards, m/s.
    pub unknown_speed: [f64; 2],
    /// Things in the air that nobody has noticed yet, per m² of ground.
    pub unnoticed: f64,
    /// Of these, the share that flies low, and how high that reaches, m; the rest is spread up to [`Self::high`].
    pub low: (f64, f64),
    /// Up to here things are expected, m over the scene's origin.
    pub high: f64,
    /// Made-up claims of places, per m³.
    pub untrue: f64,
    /// Chance that a claim which nothing speaks for or against is true.
    pub word: f64,
    /// How long a thing stays about on average while nobody looks, s.
    pub stay: f64,
    /// The same of a thing that rests on its own word alone, while it says nothing, s.
    pub word_stay: f64,
    /// Gate: largest squared distance, in sigmas, at which a measurement can be a track's.
    pub gate: f64,
    /// Chance from which on a track is shown at all; what says where it is is shown at once.
    pub worth: f64,
    /// Chance from which on a track is believed.
    pub confirm: f64,
    /// Chance under which a believed track is believed no longer.
    pub doubt: f64,
    /// Chance under which a track is over.
    pub over: f64,
    /// A place less certain than this is not believed, m (root of the summed variances over ground).
    pub lost: f64,
    /// Nothing begins where the place is less certain than this, m (root of the summed variances).
    pub vague: f64,
    /// Things at most this far from one another can be a flock, m, and whose velocities differ by no more than
    /// [`Self::like`].
    pub flock: f64,
    /// m/s.
    pub like: f64,
    /// With this many others at least, a number.
    pub mates: f64,
    /// Velocities in a flock differ by this much, m/s.
    pub alike: f64,
    /// Bearings within this time can meet, s.
    pub crossing: f64,
    /// They meet within this squared distance, in sigmas.
    pub meets: f64,
    /// No crossing counts as near to a track as this, m.
    pub apart: f64,
    /// Least chance that what began where bearings met gives off what made them.
    pub gives: f64,
    /// How far back late reports are joined at their own time, s. What comes later is refused.
    pub rewind: f64,
    /// Steps kept for that at most, a number; at least one is always kept. Up to three more lead up to the first of them.
    pub steps: usize,
    /// Most tracks at a time, tentative ones too; what rests on its own word alone has at most half of these. Beyond,
    /// nothing new begins.
    pub tracks: usize,
    /// A track of which nothing was measured for so long is over, s.
    pub forget: f64,
}

/// A setting that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{name} is {value}: give {least} to {most}")]
pub struct SkySettingsProblem {
    /// Of the setting.
    pub name: &'static str,
    /// What it is.
    pub value: f64,
    /// Least that it may be.
    pub least: f64,
    /// Most.
    pub most: f64,
}

impl Default for Settings {
    fn default() -> Self {
        let flight = Flight { q: [0.1, 15.0], up: 0.5, stay: [15.0, 5.0], level: 6.0, turn: 20.0 };
        Self {
            flight,
            by_bearings: Flight { stay: [15.0, 10.0], turn: 8.0, ..flight },
            unknown_speed: [12.0, 4.0],
            unnoticed: 1e-7,
            low: (0.85, 150.0),
            high: 1500.0,
            untrue: 1e-12,
            word: 0.8,
            stay: 120.0,
            word_stay: 15.0,
            gate: 20.0,
            worth: 0.05,
            confirm: 0.9,
            doubt: 0.35,
            over: 0.002,
            lost: 70.0,
            vague: 5000.0,
            flock: 100.0,
            like: 4.0,
            mates: 4.0,
            alike: 2.5,
            crossing: 1.3,
            meets: 5.0,
            apart: 50.0,
            gives: 0.95,
            rewind: 6.5,
            steps: 28,
            tracks: 50_000,
            forget: 300.0,
        }
    }
}

impl Settings {
    /// Whether this can be worked with: every number within its bounds, and none that contradicts another.
    pub fn check(&self) -> Result<(), SkySettingsProblem> {
        let within = |name, value: f64, least: f64, most: f64| {
            if value >= least && value <= most { Ok(()) } else { Err(SkySettingsProblem { name, value, least, most }) }
        };
        let chances = [
            ("low (share)", self.low.0),
            ("word", self.word),
            ("worth", self.worth),
            ("confirm", self.confirm),
            ("gives", self.gives),
        ];
        chances.iter().try_for_each(|(name, x)| within(name, *x, 0.0, 1.0))?;
        // A track must be able to be doubted before it is over, and believed before it is doubted again.
        within("doubt", self.doubt, 0.0, self.confirm)?;
        within("over", self.over, 1e-9, self.doubt)?;
        let names = [
            ["flight.q", "flight.stay", "flight.up", "flight.level", "flight.turn"],
            ["by_bearings.q", "by_bearings.stay", "by_bearings.up", "by_bearings.level", "by_bearings.turn"],
        ];
        for (flight, [q, stay, up, level, turn]) in [&self.flight, &self.by_bearings].into_iter().zip(names) {
            flight.q.iter().try_for_each(|x| within(q, *x, 1e-6, 1e6))?;
            flight.stay.iter().try_for_each(|x| within(stay, *x, 1e-3, 1e6))?;
            within(up, flight.up, 1e-6, 1e3)?;
            within(level, flight.level, 1e-3, 1e6)?;
            within(turn, flight.turn, 1e-3, 1e6)?;
        }
        self.unknown_speed.iter().try_for_each(|x| within("unknown_speed", *x, 1e-3, 1e4))?;
        within("unnoticed", self.unnoticed, 0.0, 1.0)?;
        within("low (height)", self.low.1, 1.0, self.high)?;
        within("high", self.high, 1.0, 1e5)?;
        within("untrue", self.untrue, 1e-30, 1.0)?;
        within("stay", self.stay, 1e-3, 1e9)?;
        within("word_stay", self.word_stay, 1e-3, 1e9)?;
        within("gate", self.gate, 1e-3, 1e3)?;
        within("lost", self.lost, 1e-3, 1e6)?;
        within("vague", self.vague, self.lost, 1e5)?;
        within("flock", self.flock, 0.0, 1e6)?;
        // With one other alone there would be no spread to judge by.
        within("mates", self.mates, 2.0, 1e6)?;
        within("like", self.like, 0.0, 1e4)?;
        within("alike", self.alike, 1e-3, 1e4)?;
        within("crossing", self.crossing, 0.0, 1e3)?;
        within("meets", self.meets, 0.0, 1e3)?;
        within("apart", self.apart, 0.0, 1e6)?;
        within("rewind", self.rewind, 0.0, 1e3)?;
        within("steps", self.steps as f64, 1.0, 1e4)?;
        within("tracks", self.tracks as f64, 1.0, 1e6)?;
        // Longer than this a place that is only predicted says nothing, and its covariance leaves what f64 can hold.
        within("forget", self.forget, self.rewind.max(1.0), 1e3)
    }

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
