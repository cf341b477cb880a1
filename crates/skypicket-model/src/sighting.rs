//! [`Sighting`]: a person's observation, and how it measures a drone.
//!
//! The form is SALUTE (size, activity, location, unit, time, equipment) cut down to three touches; every field but the
//! reporter's position, the kind and the times may be unknown. The error model is spec/people.md section 2: a phone's
//! compass is off by 5° one sigma, and by 25° one time in ten; ranges are log-normal classes, not numbers.

use crate::{
    Claims, Marking, Measurement, Observation, ObservationId, PersonId, Place, SightingId, Signal, SourceId, Time,
    kinematics::AirClass, observation::LogNormalRange,
};
use serde::{Deserialize, Serialize};

/// A person's report of a drone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// Made by the client, so that a repeat is known.
    pub id: SightingId,
    /// Who reports. Set by the server from the session, never taken from the body.
    pub reporter: PersonId,
    /// Where the reporter stands.
    pub from: Place,
    /// One sigma of `from`, metres, 0 < a ≤ 50,000.
    pub from_accuracy_m: f64,
    /// Direction in which the drone is seen.
    #[serde(default)]
    pub bearing: Option<SightingBearing>,
    /// How far.
    #[serde(default)]
    pub range: RangeClass,
    /// Above the horizon, degrees, -30 to 90.
    #[serde(default)]
    pub elevation_deg: Option<f64>,
    /// What kind.
    pub kind: DroneKind,
    /// How many; `None` is not said.
    #[serde(default)]
    pub count: Option<u16>,
    /// What it does.
    #[serde(default)]
    pub activity: Activity,
    /// Lights seen.
    #[serde(default)]
    pub lights: Option<bool>,
    /// Sound heard.
    #[serde(default)]
    pub sound: Option<bool>,
    /// A payload seen under it.
    #[serde(default)]
    pub payload: Option<bool>,
    /// In the reporter's own words, at most 2,000 characters.
    #[serde(default)]
    pub words: String,
    /// First seen, by the server's clock (the device's clock corrected by its measured offset).
    pub first_seen: Time,
    /// Last seen.
    pub last_seen: Time,
    /// Who may see the report.
    #[serde(default)]
    pub marking: Marking,
}

/// Direction in which a drone is seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SightingBearing {
    /// True azimuth, degrees, 0 ≤ a < 360.
    pub azimuth_deg: f64,
    /// How it was taken.
    pub how: BearingHow,
    /// One sigma in degrees where the device gives it (0 < s ≤ 180).
    #[serde(default)]
    pub sigma_deg: Option<f64>,
}

/// How a bearing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BearingHow {
    /// The phone's compass.
    Compass,
    /// A hand compass or sight read by a person.
    Sight,
    /// A clock position (±15°).
    Clock,
    /// One of eight compass directions (±22.5°).
    Octant,
}

/// How far a drone seems: a class, since people's numbers are orders of magnitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeClass {
    /// Under 100 m.
    Under100,
    /// 100 to 300 m.
    To300,
    /// 300 to 1,000 m.
    To1000,
    /// Farther than 1,000 m.
    Farther,
    /// Not said.
    #[default]
    Unknown,
}

impl RangeClass {
    /// Its log-normal: the median is the geometric middle of the class; sigma 0.5 (untrained observers, spec/people.md
    /// section 2) and wider where the class is open.
    pub fn log_normal(self) -> Option<LogNormalRange> {
        let (median_m, sigma_ln) = match self {
            Self::Under100 => (60.0, 0.5),
            Self::To300 => (175.0, 0.5),
            Self::To1000 => (550.0, 0.5),
            Self::Farther => (1_500.0, 0.6),
            Self::Unknown => return None,
        };
        Some(LogNormalRange { median_m, sigma_ln })
    }
}

/// The kind of drone, as a person can tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DroneKind {
    /// Several rotors, hovers.
    Multirotor,
    /// Small and very fast.
    Fpv,
    /// Wings.
    FixedWing,
    /// Not sure.
    Unsure,
}

impl DroneKind {
    /// The class that it suggests.
    pub fn class(self) -> Option<AirClass> {
        match self {
            Self::Multirotor => Some(AirClass::Rotor),
            Self::Fpv => Some(AirClass::Fpv),
            Self::FixedWing => Some(AirClass::FixedWing),
            Self::Unsure => None,
        }
    }
}

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Hovering.
    Hovering,
    /// Coming closer.
    Approaching,
    /// Passing.
    Passing,
    /// Going away.
    Leaving,
    /// Circling.
    Circling,
    /// Came down or dropped something.
    Dropped,
    /// Not said.
    #[default]
    Unknown,
}

/// Why a sighting cannot be taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct SightingProblem {
    /// The field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl Sighting {
    /// Most characters in `words`.
    pub const MAX_WORDS: usize = 2_000;

    /// Checks every field against its range.
    pub fn check(&self) -> Result<(), SightingProblem> {
        let bad = |field, problem: String| Err(SightingProblem { field, problem });
        if let Err(e) = self.from.check() {
            return bad("from", e.to_string());
        }
        if !(self.from_accuracy_m > 0.0 && self.from_accuracy_m <= 50_000.0) {
            return bad("from_accuracy_m", "must be over 0 and at most 50000 m".into());
        }
        if let Some(b) = self.bearing {
            if !(0.0..360.0).contains(&b.azimuth_deg) {
                return bad("bearing.azimuth_deg", "must be from 0 to under 360 degrees".into());
            }
            if b.sigma_deg.is_some_and(|s| !(s > 0.0 && s <= 180.0)) {
                return bad("bearing.sigma_deg", "must be over 0 and at most 180 degrees".into());
            }
        }
        if self.elevation_deg.is_some_and(|e| !(-30.0..=90.0).contains(&e)) {
            return bad("elevation_deg", "must be from -30 to 90 degrees".into());
        }
        if self.words.chars().count() > Self::MAX_WORDS {
            return bad("words", format!("at most {} characters", Self::MAX_WORDS));
        }
        if self.count == Some(0) {
            return bad("count", "must be at least 1, or left out".into());
        }
        if self.last_seen < self.first_seen {
            return bad("last_seen", "must not be before first_seen".into());
        }
        Ok(())
    }

    /// The observation that a tracker can use: the reporter's place and the bearing mixture with the range class; a
    /// presence where no direction was given.
    pub fn observation(&self, id: ObservationId, received_at: Time) -> Observation {
        let range = self.range.log_normal();
        let measurement = match self.bearing {
            Some(b) => Measurement::Bearing {
                from: self.from,
                from_sigma_m: self.from_accuracy_m,
                azimuth_deg: b.azimuth_deg,
                azimuth_error: match b.how {
                    BearingHow::Compass => vec![(0.9, b.sigma_deg.unwrap_or(5.0).max(5.0)), (0.1, 25.0)],
                    BearingHow::Sight => vec![(1.0, b.sigma_deg.unwrap_or(3.0).max(1.0))],
                    // A uniform ±w has sigma w/√3.
                    BearingHow::Clock => vec![(1.0, 15.0 / 1.732_050_807_568_877_2)],
                    BearingHow::Octant => vec![(1.0, 22.5 / 1.732_050_807_568_877_2)],
                },
                // People judge heights badly (over by a half and more); a phone's tilt is better, 10° is fair to both.
                elevation_deg: self.elevation_deg.map(|e| (e, 10.0)),
                range,
            },
            None => Measurement::Presence {
                from: Some(self.from),
                radius_m: range.map(|r| libm::hypot(r.median_m * libm::exp(r.sigma_ln), self.from_accuracy_m)),
            },
        };
        Observation {
            id,
            source: SourceId::of_person(&self.reporter),
            observed_at: self.last_seen.min(received_at),
            received_at,
            measurement,
            claims: Claims { class: self.kind.class(), ..Claims::default() },
            signal: Signal { transport: Some("person".into()), ..Signal::default() },
            sighting: Some(self.id),
            flags: Vec::new(),
        }
    }
}
