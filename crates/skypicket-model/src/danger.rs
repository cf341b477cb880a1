//! [`Danger`]: a track and a protected person or place, and how near and how soon.

use crate::{Level, Time, TrackId, people::ProtectedId};
use serde::{Deserialize, Serialize};

/// How a track endangers someone, at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Danger {
    /// The track.
    pub track: TrackId,
    /// Who or what.
    pub protected: ProtectedId,
    /// The moment.
    pub at: Time,
    /// Distance now, metres (horizontal where the reasons say `height_unknown`).
    pub distance_m: f64,
    /// True bearing from the protected to the track, degrees.
    pub bearing_deg: f64,
    /// Closest point of approach at the present velocity, metres.
    pub cpa_m: f64,
    /// Time until then, seconds; 0 when it is going away.
    pub cpa_in_s: f64,
    /// Earliest possible time to reach the stand-off radius within the class's limits, seconds; 0 inside it.
    pub earliest_s: f64,
    /// Probability of being within the stand-off radius in so many seconds.
    pub p_within: Within,
    /// Level after hysteresis; `None` below advisory.
    pub level: Option<Level>,
    /// Why this level: fixed words (`inside_standoff`, `within_30_s`, `height_unknown`, `own_flight`, …).
    pub reasons: Vec<String>,
}

/// Probability of being within the stand-off radius at some moment of the next so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Within {
    /// 30 s.
    #[serde(rename = "30")]
    pub s30: f64,
    /// 60 s.
    #[serde(rename = "60")]
    pub s60: f64,
    /// 120 s.
    #[serde(rename = "120")]
    pub s120: f64,
    /// 300 s.
    #[serde(rename = "300")]
    pub s300: f64,
}
