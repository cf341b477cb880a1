//! [`Observation`]: what a source said, as *measurement* + *claims* + *signal*.
//!
//! The three are never mixed: a measurement says where something was and how surely; claims are what the thing (or a
//! gateway) says about itself, believed by nobody yet; the signal is how it was heard.

use crate::{LatLon, ObservationId, Place, SightingId, SourceId, Time, kinematics::AirClass};
use serde::{Deserialize, Serialize};

/// A symmetric 3 × 3 covariance in east, north, up, m².
pub type EnuCovariance = [[f64; 3]; 3];

/// What a source said once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Its id.
    pub id: ObservationId,
    /// Who said it.
    pub source: SourceId,
    /// When it was so: the source's claimed time where that is plausible, else `received_at`.
    pub observed_at: Time,
    /// When its bytes reached us.
    pub received_at: Time,
    /// Where something was.
    pub measurement: Measurement,
    /// What it says about itself.
    #[serde(default, skip_serializing_if = "Claims::is_empty")]
    pub claims: Claims,
    /// How it was heard.
    #[serde(default, skip_serializing_if = "Signal::is_empty")]
    pub signal: Signal,
    /// The sighting that it is the measurement of, where a person reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sighting: Option<SightingId>,
    /// What was doubtful about it (`accuracy_unknown`, `clock_suspect`, decoder flags …), sorted, no repeats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
}

/// Where something was, always with how surely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Measurement {
    /// A position. With an unknown height the third row and column of the covariance mean nothing and are zero.
    Position {
        /// Where.
        at: Place,
        /// East-north-up covariance at `at`, m².
        cov_enu_m2: EnuCovariance,
    },
    /// Slant range, true azimuth and elevation from a sensor of known place (a radar plot).
    RangeAzEl {
        /// The sensor; its height is known.
        from: Place,
        /// Slant range, metres, > 0.
        range_m: f64,
        /// From true north clockwise, degrees, 0 ≤ a < 360.
        azimuth_deg: f64,
        /// Above the sensor's own horizon, degrees; `None` for a two-dimensional radar (then `range_m` is horizontal).
        elevation_deg: Option<f64>,
        /// One sigma: range (m), azimuth (deg), elevation (deg).
        sigma: [f64; 3],
    },
    /// A direction from a known place, with or without an idea of the distance.
    Bearing {
        /// The observer.
        from: Place,
        /// One sigma of the observer's own position, metres.
        from_sigma_m: f64,
        /// From true north clockwise, degrees.
        azimuth_deg: f64,
        /// Error components `(weight, sigma in degrees)`; weights sum to 1. A phone's compass needs two.
        azimuth_error: Vec<(f64, f64)>,
        /// Above the horizon, degrees, and its sigma in degrees.
        elevation_deg: Option<(f64, f64)>,
        /// Log-normal distance: median in metres and sigma of its natural logarithm.
        range: Option<LogNormalRange>,
    },
    /// Something is there, within a radius of a place, or just somewhere that the source can hear.
    Presence {
        /// Around where; `None` when the source's own place is unknown.
        from: Option<Place>,
        /// One sigma of the distance, metres.
        radius_m: Option<f64>,
    },
}

/// A log-normal distance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LogNormalRange {
    /// Median, metres, > 0.
    pub median_m: f64,
    /// Sigma of ln(range), > 0.
    pub sigma_ln: f64,
}

impl Measurement {
    /// The position measured, where it is one.
    pub fn position(&self) -> Option<Place> {
        match self {
            Self::Position { at, .. } => Some(*at),
            _ => None,
        }
    }
}

/// What a thing says about itself. Nothing here is believed; each field is unknown unless said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Claims {
    /// Identities claimed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<IdClaim>,
    /// Kind of aircraft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<AirClass>,
    /// Velocity east, north, up, m/s; where only the ground speed is claimed, up is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub velocity_enu_mps: Option<[f64; 3]>,
    /// Height above take-off, metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_takeoff_m: Option<f64>,
    /// Height above ground, metres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_agl_m: Option<f64>,
    /// Barometric altitude, metres against 1013.25 hPa.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alt_baro_m: Option<f64>,
    /// Where its operator, or its take-off point, is claimed to be. Role-gated: never on field users' maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_at: Option<LatLon>,
    /// Operator registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_id: Option<String>,
    /// Operational status in the standard's word (`undeclared`, `ground`, `airborne`, `emergency`, `rid_failure`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Free text of the sender, attacker-controlled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Types of the authentication sets that were heard whole (ASTM F3411: 1 UAS ID signature, 2 operator ID signature,
    /// 3 message set signature, 4 network Remote ID, 5 specific method; 6 to 15 reserved and private). None of them was
    /// verified: a set says only that something is signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auth_types: Vec<u8>,
    /// The time that the sender claims for its position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Time>,
}

impl Claims {
    /// Nothing was claimed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The first claimed id of a kind.
    pub fn id(&self, kind: IdKind) -> Option<&str> {
        self.ids.iter().find(|c| c.kind == kind).map(|c| c.value.as_str())
    }
}

/// One claimed identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdClaim {
    /// Of which register.
    pub kind: IdKind,
    /// Its text (binary ids as lower-case hex), escaped for display by whoever shows it.
    pub value: String,
}

/// Which register a claimed identity is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdKind {
    /// ANSI/CTA-2063-A serial number.
    Serial,
    /// Registration with a civil aviation authority.
    Caa,
    /// UTM-assigned UUID.
    Utm,
    /// Specific session id.
    Session,
    /// ICAO 24-bit address.
    Icao,
    /// TAK uid.
    TakUid,
}

/// How something was heard.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Signal {
    /// Bearer or feed: `wifi_beacon`, `wifi_nan`, `ble_legacy`, `ble_extended`, `relayed`, `radar`, `cot`, `person`, `json` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<String>,
    /// Link-layer address of the emitter. Not an identity: it may be random at each start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Received power, dBm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rssi_dbm: Option<f64>,
    /// Message counter of the bearer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<u8>,
    /// Where the receiver was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receiver_at: Option<Place>,
}

impl Signal {
    /// Nothing is known of how it was heard.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
