//! [`AirClass`]: what kind of thing flies, and the [`Limits`] of how it can move.
//!
//! The limits are the starting policy for "earliest possible time to reach": generous for the class, so that a time is
//! never promised that the thing could beat. Unknown counts as the most agile class, FPV.

use serde::{Deserialize, Serialize};

/// Kind of aircraft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AirClass {
    /// Multirotor or helicopter drone.
    Rotor,
    /// First-person-view drone: small, fast, agile.
    Fpv,
    /// Fixed-wing drone.
    FixedWing,
    /// Crewed aircraft.
    Crewed,
    /// Bird.
    Bird,
}

/// How a class can move.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Highest speed, m/s.
    pub speed_mps: f64,
    /// Highest acceleration, m/s².
    pub accel_mps2: f64,
}

/// The limits of a class; `None` is unknown and counts as FPV.
pub const fn limits(class: Option<AirClass>) -> Limits {
    match class {
        Some(AirClass::Rotor | AirClass::Bird) => Limits { speed_mps: 25.0, accel_mps2: 5.0 },
        Some(AirClass::FixedWing) => Limits { speed_mps: 45.0, accel_mps2: 10.0 },
        Some(AirClass::Crewed) => Limits { speed_mps: 350.0, accel_mps2: 30.0 },
        Some(AirClass::Fpv) | None => Limits { speed_mps: 40.0, accel_mps2: 10.0 },
    }
}
