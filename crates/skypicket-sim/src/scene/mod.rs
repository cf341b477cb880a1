//! A scene to try a tracker on: what its sensors report (the *measurement file*), what is true (the *truth file*), and
//! what a tracker made of it (the *track file*).
//!
//! All three are JSON lines. A tracker reads only the measurement file, in the order of arrival. The formats are those of
//! the evaluation kit, written down in `docs/formats/evaluation.md`; angles are radians, but latitudes and longitudes are
//! degrees; local metres are east, north, up of the scene's origin.

mod family;
mod lines;
mod make;
mod measurements;
mod motion;
#[cfg(test)]
mod tests;
mod tracks;
mod truth;

pub use family::{Family, LONGEST_S, MOST_TARGETS, NoSuchScene, Request};
pub use lines::{Problem, SceneError};
pub use make::{Scene, make};
pub use measurements::{Arrival, MeasurementFile, MeasurementWriter};
pub use tracks::{Cov, State, TrackLine, TrackWriter, Tracks, read_tracks};
pub use truth::{
    At, FirstDetection, Origins, Spoofer, Target, Truth, TruthHeader, TruthSample, TruthWriter, read_truth,
};

use serde::{Deserialize, Serialize};
use skypicket_model::{Place, geo::Enu};

/// What the files say they are.
pub const VERSION: &str = "skypicket-eval-1";

/// Where a scene's local metres begin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Geodetic latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// Metres above the ellipsoid.
    pub h: f64,
}

impl Origin {
    /// As a place.
    pub fn place(self) -> Place {
        Place { lat_deg: self.lat, lon_deg: self.lon, alt_hae_m: Some(self.h) }
    }

    /// The local frame.
    pub fn frame(self) -> Enu {
        Enu::at(self.place())
    }
}

/// Head of a measurement file: what somebody who set the sensors up knows. Biases are not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Of the format.
    pub version: String,
    /// Of scenes, where it is one of the families.
    #[serde(default)]
    pub family: Option<u32>,
    /// That it was made from.
    #[serde(default)]
    pub seed: Option<u64>,
    /// In words.
    #[serde(default)]
    pub notes: String,
    /// Of local metres.
    pub origin: Origin,
    /// Begin, seconds.
    pub t0: f64,
    /// End, seconds.
    pub t1: f64,
    /// 3, or 2 where heights do not count.
    pub score_dims: usize,
    /// What is to be protected.
    #[serde(default)]
    pub sites: Vec<Site>,
    /// Who measures.
    pub sensors: Vec<Sensor>,
}

/// Something to protect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Its name.
    pub id: String,
    /// Where, metres.
    pub enu: [f64; 3],
    /// Stand-off, metres.
    pub radius: f64,
}

/// What a sensor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SensorKind {
    /// Range, azimuth, elevation, with clutter, in scans.
    Radar,
    /// Azimuth alone (radio direction finder, or microphones: then `acoustic`), in scans.
    Bearing,
    /// A person: azimuth and a guessed range.
    Sighting,
    /// A drone's own broadcast of where it says it is.
    #[serde(rename = "remoteid")]
    RemoteId,
    /// An aircraft's own broadcast.
    Adsb,
}

/// A sensor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sensor {
    /// Its name.
    pub id: String,
    /// What it is.
    pub kind: SensorKind,
    /// Geodetic latitude, degrees.
    pub lat: f64,
    /// Longitude, degrees.
    pub lon: f64,
    /// Metres above the ellipsoid.
    pub h: f64,
    /// The same place in the scene's metres.
    pub enu: [f64; 3],
    /// Seconds between looks.
    pub period: f64,
    /// Time of the first look, seconds.
    pub phase: f64,
    /// Probability that a look sees what is in the field of view.
    pub pd: f64,
    /// Mean number of false measurements a look.
    pub clutter: f64,
    /// Nearest, metres.
    pub rmin: f64,
    /// Farthest, metres.
    pub rmax: f64,
    /// Middle of the field of view, radians clockwise from true north.
    pub az0: f64,
    /// Its whole width, radians.
    pub az_width: f64,
    /// Lowest, radians above the sensor's own horizon.
    pub el_min: f64,
    /// Highest.
    pub el_max: f64,
    /// Standard deviations.
    pub sigma: Sigma,
    /// Least and most time from measuring to arriving, seconds.
    pub latency: [f64; 2],
    /// Blind below so many metres above the origin's height (radar).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_height: Option<f64>,
    /// Bursts of silence (broadcasts).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropout: Option<Dropout>,
    /// Bearings are of sound: they point where it came from, so late by the way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acoustic: bool,
    /// Metres a second, where `acoustic`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed_of_sound: Option<f64>,
    /// False measurements a look and unit: radar per metre and radian and radian, bearing per radian.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clutter_density: Option<f64>,
}

impl Sensor {
    /// Where it stands.
    pub fn place(&self) -> Place {
        Place { lat_deg: self.lat, lon_deg: self.lon, alt_hae_m: Some(self.h) }
    }
}

/// Standard deviations of a sensor: those that its kind has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Sigma {
    /// Metres (radar).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<f64>,
    /// Radians (radar, bearing, sighting).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub az: Option<f64>,
    /// Radians (radar).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub el: Option<f64>,
    /// Metres east and north (broadcasts).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub h: Option<f64>,
    /// Metres up (broadcasts).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v: Option<f64>,
    /// Of the natural logarithm of the range (sighting).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_frac: Option<f64>,
}

/// Bursts of silence: exponential times of speaking and of silence.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dropout {
    /// Mean seconds of speaking.
    pub mean_up: f64,
    /// Mean seconds of silence.
    pub mean_down: f64,
}

/// One measurement.
#[derive(Debug, Clone, PartialEq)]
pub struct Meas {
    /// Number of the line among measurements and scans, from 0.
    pub seq: u64,
    /// Index into [`Header::sensors`].
    pub sensor: usize,
    /// Number of the look.
    pub scan: u64,
    /// When it was so, seconds.
    pub t: f64,
    /// When it arrived, seconds.
    pub ta: f64,
    /// What was measured.
    pub reading: Reading,
    /// Claimed or decoded identity.
    pub id: Option<Box<str>>,
}

/// What a measurement says, with the diagonal of its covariance in the same order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reading {
    /// Of a radar.
    Radar {
        /// Metres.
        range: f64,
        /// Radians clockwise from true north, in the sensor's own tangent plane.
        az: f64,
        /// Radians above it.
        el: f64,
        /// m², rad², rad².
        var: [f64; 3],
    },
    /// Of a direction finder or microphones.
    Bearing {
        /// Radians clockwise from true north, in the sensor's own tangent plane.
        az: f64,
        /// rad².
        var: f64,
    },
    /// Of a person.
    Sighting {
        /// Guessed, metres.
        range: f64,
        /// Radians clockwise from true north.
        az: f64,
        /// m², rad².
        var: [f64; 2],
    },
    /// A broadcast position (Remote ID or ADS-B, as the sensor's kind says).
    Position {
        /// Degrees, degrees, metres above the ellipsoid.
        lla: [f64; 3],
        /// East, north, up, m².
        var: [f64; 3],
    },
}

/// A look is over, also one that saw nothing. Only radars and bearings have these.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scan {
    /// Number of the line among measurements and scans, from 0.
    pub seq: u64,
    /// Index into [`Header::sensors`].
    pub sensor: usize,
    /// Number of the look.
    pub scan: u64,
    /// When, seconds.
    pub t: f64,
    /// When it arrived, seconds.
    pub ta: f64,
    /// How many measurements it had.
    pub n: u64,
}
