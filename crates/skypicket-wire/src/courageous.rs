//! [`Document`]: what a trial of counter-drone systems reads, in the interchange format of the COURAGEOUS project, schema
//! 0.4.1 (2024-02-28), made for CWA 18150:2024. Only written, never read: nothing comes into a centre this way.
//!
//! Heights are metres above mean sea level by EGM96, angles degrees clockwise from true north, times whole milliseconds
//! since 1970 in UTC, positions WGS-84 degrees. There is no field for how sure a position is.

use serde::Serialize;
use skypicket_model::Time;

/// Version of the schema.
pub const VERSION: &str = "0.4.1";

/// All that one system saw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// [`VERSION`].
    pub version: &'static str,
    /// Who makes the system.
    pub vendor_name: String,
    /// The system.
    pub system_name: String,
    /// Where it stands; a record's own place stands before it.
    pub static_cuas_location: Position3d,
    /// What was seen once, or from one direction.
    pub detection: Vec<DetectionSet>,
    /// What was followed: a piece for each unbroken stretch.
    pub tracks: Vec<Track>,
}

/// An unbroken stretch of one target. After a loss the next piece has the same `uas_id`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Track {
    /// The target; the number says nothing else.
    pub uas_id: u64,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// In the order of time.
    pub records: Vec<TrackingRecord>,
}

/// Detections that belong together, of a known target or of none.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DetectionSet {
    /// The target, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uas_id: Option<u64>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// In the order of time.
    pub records: Vec<DetectionRecord>,
}

/// A target at a moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrackingRecord {
    /// Milliseconds since 1970, UTC.
    pub time: u64,
    /// Unique in the document.
    pub record_number: u64,
    /// What it is.
    pub classification: Classification,
    /// Whether somebody is alerted because of it.
    pub alarm: Alarm,
    /// Where it is.
    pub location: Location,
    /// How it moves, where all three parts are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub velocity: Option<VelocityEnu>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identification: Option<String>,
    /// Where the system is at that moment, if not at its usual place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cuas_location: Option<Position3d>,
}

/// A detection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DetectionRecord {
    /// Milliseconds since 1970, UTC.
    pub time: u64,
    /// Unique in the document.
    pub record_number: u64,
    /// What it is.
    pub classification: Classification,
    /// Whether somebody is alerted because of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Alarm>,
    /// Where it is; left out where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// In words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identification: Option<String>,
    /// From where it was seen, if not from the system's usual place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cuas_location: Option<Position3d>,
}

/// What a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Classification {
    /// Nobody can say.
    Unknown,
    /// A drone.
    #[serde(rename = "UAV")]
    Uav,
    /// A drone's pilot. Never written: it is where a person stands.
    #[serde(rename = "GCS")]
    Gcs,
    /// Something else that flies.
    Other,
}

/// Whether the system alerts somebody.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Alarm {
    /// It does.
    pub active: bool,
    /// How sure it is, 0 to 1.
    pub certainty: f64,
}

/// Metres a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct VelocityEnu {
    /// To the east.
    pub east: f64,
    /// To the north.
    pub north: f64,
    /// Upwards.
    pub up: f64,
}

/// A place with its height.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Position3d {
    /// Degrees, WGS-84.
    pub lat: f64,
    /// Degrees, WGS-84.
    pub lon: f64,
    /// Metres above mean sea level by EGM96: never above the ellipsoid.
    pub height_amsl: f64,
}

/// Where a thing is; the system's place is where angles are measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "$type")]
pub enum Location {
    /// With its height.
    Position3d(Position3d),
    /// Where the height is not known.
    Position2d {
        /// Degrees, WGS-84.
        lat: f64,
        /// Degrees, WGS-84.
        lon: f64,
    },
    /// A direction.
    Bearing {
        /// Degrees from true north.
        bearing: f64,
    },
    /// A direction with its height above the horizon.
    BearingElevation {
        /// Degrees from true north.
        bearing: f64,
        /// Degrees above the horizon.
        elevation: f64,
    },
}

/// Whole milliseconds; `None` before 1970, which the format cannot say.
pub fn millis(at: Time) -> Option<u64> {
    u64::try_from(at.as_micros().div_euclid(1_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_is_written_as_the_schema_has_it() {
        let place = Position3d { lat: 31.76, lon: -106.49, height_amsl: 1_164.0 };
        let record = |location| TrackingRecord {
            time: 1_696_255_068_480,
            record_number: 4,
            classification: Classification::Uav,
            alarm: Alarm { active: true, certainty: 0.75 },
            location,
            velocity: Some(VelocityEnu { east: 1.0, north: -2.0, up: 0.5 }),
            identification: None,
            cuas_location: None,
        };
        let document = Document {
            version: VERSION,
            vendor_name: "v".into(),
            system_name: "s".into(),
            static_cuas_location: place,
            detection: vec![DetectionSet {
                uas_id: None,
                name: None,
                records: vec![DetectionRecord {
                    time: 5,
                    record_number: 6,
                    classification: Classification::Unknown,
                    alarm: None,
                    location: Some(Location::BearingElevation { bearing: 43.5, elevation: 2.25 }),
                    identification: None,
                    cuas_location: Some(place),
                }],
            }],
            tracks: vec![Track {
                uas_id: 1,
                name: None,
                records: vec![
                    record(Location::Position3d(place)),
                    record(Location::Position2d { lat: 1.0, lon: 2.0 }),
                    record(Location::Bearing { bearing: 359.0 }),
                ],
            }],
        };
        let at = json!({"lat": 31.76, "lon": -106.49, "height_amsl": 1164.0});
        let flown = |location: serde_json::Value| {
            json!({"time": 1_696_255_068_480_u64, "record_number": 4, "classification": "UAV",
                "alarm": {"active": true, "certainty": 0.75}, "location": location,
                "velocity": {"east": 1.0, "north": -2.0, "up": 0.5}})
        };
        let want = json!({"version": "0.4.1", "vendor_name": "v", "system_name": "s", "static_cuas_location": at,
        "detection": [{"records": [{"time": 5, "record_number": 6, "classification": "Unknown",
            "location": {"$type": "BearingElevation", "bearing": 43.5, "elevation": 2.25}, "cuas_location": at}]}],
        "tracks": [{"uas_id": 1, "records": [
            flown(json!({"$type": "Position3d", "lat": 31.76, "lon": -106.49, "height_amsl": 1164.0})),
            flown(json!({"$type": "Position2d", "lat": 1.0, "lon": 2.0})),
            flown(json!({"$type": "Bearing", "bearing": 359.0})),
        ]}]});
        assert_eq!(serde_json::to_value(document).unwrap(), want);
    }

    #[test]
    fn times_are_whole_milliseconds_and_never_before_1970() {
        assert_eq!(millis(Time::from_micros(1_999)), Some(1));
        assert_eq!(millis(Time::from_micros(-1)), None);
    }
}
