//! [`DroneMarker`]: a drone that a person put on their map.
//!
//! Taken as a person's report: a point of a drone's type (or of unspecified air), or any point whose name or remarks
//! call it a drone, placed by a human (`how` = `h-…`); or such a point with a `sensor` azimuth, which is a bearing from
//! where the observer stands. A drone reported by a machine (`m-…`, without a bearing) is not a person's report.

use super::super::event::Event;
use skypicket_model::{Place, Time, sighting::DroneKind};
use std::fmt::Write as _;

/// A drone on a person's map.
#[derive(Debug, Clone, PartialEq)]
pub struct DroneMarker {
    /// The marker's uid.
    pub uid: String,
    /// Type as sent; its affiliation is a claim.
    pub kind: String,
    /// What kind of drone the type says.
    pub drone: DroneKind,
    /// How it was placed, as `h-e`.
    pub how: String,
    /// The marker's point: the drone, or with `bearing` the observer.
    pub at: Place,
    /// Circular error, metres, as written.
    pub ce_m: Option<f64>,
    /// The direction in which it is seen from `at`.
    pub bearing: Option<Bearing>,
    /// Name given to it.
    pub callsign: Option<String>,
    /// Words.
    pub remarks: String,
    /// When it was made, by our clock.
    pub observed_at: Time,
}

/// A direction from an observer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bearing {
    /// From true north, degrees, 0 ≤ a < 360.
    pub azimuth_deg: f64,
    /// Width of the cone, degrees.
    pub fov_deg: Option<f64>,
    /// Reach of the wedge as drawn, metres; rarely a distance that anyone measured.
    pub range_m: Option<f64>,
    /// Above the horizon, degrees.
    pub elevation_deg: Option<f64>,
    /// The device's magnetometer gave it (`how` = `m-m`).
    pub by_device: bool,
}

impl DroneMarker {
    /// All that it says but its time: two markers alike in this are one report.
    pub fn content(&self) -> String {
        let Self { uid, kind, drone: _, how, at, ce_m, bearing, callsign, remarks, observed_at: _ } = self;
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = write!(text, "{uid}\n{kind}\n{how}\n{at:?}\n{ce_m:?}\n{bearing:?}\n{callsign:?}\n{remarks}");
        text
    }
}

/// The drone marker that an event is; `observed_at` is still the device's time.
pub(super) fn of(event: &Event) -> Option<DroneMarker> {
    let kind = event.kind.split(';').next().unwrap_or_default();
    let callsign = event.detail.contact().and_then(|c| c.callsign);
    let remarks = event.detail.remarks().map(|r| r.text.trim().to_owned()).unwrap_or_default();
    let typed = drone_type(kind);
    let is_point = kind.starts_with("a-") || kind.starts_with("b-m-p-");
    let named = is_point && (names_drone(&remarks) || callsign.as_deref().is_some_and(names_drone));
    let drone = match typed {
        Some(drone) => drone,
        None if named => DroneKind::Unsure,
        None => return None,
    };
    let bearing = event.detail.sensor().and_then(|s| {
        Some(Bearing {
            azimuth_deg: s.azimuth_deg?,
            fov_deg: s.fov_deg.filter(|f| *f > 0.0),
            range_m: s.range_m.filter(|r| *r > 0.0),
            elevation_deg: s.elevation_deg,
            by_device: event.how.starts_with("m-m"),
        })
    });
    let by_person = event.how.starts_with('h');
    if !by_person && !bearing.is_some_and(|b| b.by_device) {
        return None;
    }
    Some(DroneMarker {
        uid: event.uid.clone(),
        kind: event.kind.clone(),
        drone,
        how: event.how.clone(),
        at: event.point.place()?,
        ce_m: event.point.ce_m,
        bearing,
        callsign,
        remarks,
        observed_at: event.time,
    })
}

/// The kind of drone of an atom's type: military rotary or fixed-wing drone (2525 MHQ, MFQ; MHR as DragonSync sends it),
/// or air without saying what.
fn drone_type(kind: &str) -> Option<DroneKind> {
    let mut parts = kind.split('-');
    if parts.next() != Some("a") {
        return None;
    }
    let _affiliation = parts.next()?;
    if parts.next() != Some("A") {
        return None;
    }
    let rest: Vec<&str> = parts.collect();
    match rest.as_slice() {
        [] => Some(DroneKind::Unsure),
        ["M", "H", "Q" | "R", ..] => Some(DroneKind::Multirotor),
        ["M", "F", "Q", ..] => Some(DroneKind::FixedWing),
        _ => None,
    }
}

/// Whether words call something a drone, in English or Spanish.
fn names_drone(words: &str) -> bool {
    const NAMES: [&str; 16] = [
        "drone",
        "drones",
        "dron",
        "uas",
        "suas",
        "uav",
        "uavs",
        "fpv",
        "rpa",
        "rpas",
        "quad",
        "quadcopter",
        "multirotor",
        "quadcoptero",
        "cuadricoptero",
        "cuadricóptero",
    ];
    words.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).any(|w| NAMES.contains(&w.as_str()))
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::{
            detail::{Contact, Remarks, Sensor},
            event::Point,
        },
        *,
    };

    fn event(kind: &str, how: &str) -> Event {
        let mut e = Event::new("m-1", kind, how, Time::from_unix_s(1e9).unwrap(), 60.0);
        e.point = Point::of(Place { lat_deg: 31.0, lon_deg: -106.0, alt_hae_m: None });
        e
    }

    fn with_words(mut e: Event, callsign: &str, remarks: &str) -> Event {
        e.detail = e
            .detail
            .with(Contact { callsign: Some(callsign.into()), endpoint: None })
            .with(Remarks { text: remarks.into(), ..Remarks::default() });
        e
    }

    #[test]
    fn what_a_person_marks_as_a_drone_is_a_report_and_nothing_else_is() {
        for (e, expect) in [
            (event("a-u-A-M-H-Q", "h-e"), Some(DroneKind::Multirotor)),
            (event("a-h-A-M-H-Q", "h-g-i-g-o"), Some(DroneKind::Multirotor)),
            (event("a-u-A-M-F-Q-k", "h-e"), Some(DroneKind::FixedWing)),
            (event("a-u-A", "h-e"), Some(DroneKind::Unsure)),
            (event("a-u-A-M-H-Q", "m-g"), None),
            (event("a-n-A-C-F", "h-e"), None),
            (event("a-u-G", "h-e"), None),
            (with_words(event("a-u-G", "h-e"), "U.16.1", "Dron sobre el puente"), Some(DroneKind::Unsure)),
            (with_words(event("b-m-p-s-m", "h-g-i-g-o"), "UAS 1", ""), Some(DroneKind::Unsure)),
            (with_words(event("b-m-p-s-m", "h-g-i-g-o"), "R 1", "parking, no droning"), None),
            (with_words(event("b-t-f", "h-g-i-g-o"), "drone", "drone"), None),
        ] {
            assert_eq!(of(&e).map(|m| m.drone), expect, "{} {}", e.kind, e.how);
        }
    }

    #[test]
    fn a_wedge_is_a_bearing_from_the_observer() {
        let mut e = event("a-u-A-M-H-Q", "m-m");
        e.detail = e.detail.with(Sensor { azimuth_deg: Some(45.0), fov_deg: Some(10.0), ..Sensor::default() });
        let b = of(&e).unwrap().bearing.unwrap();
        assert_eq!((b.azimuth_deg, b.fov_deg, b.range_m, b.by_device), (45.0, Some(10.0), None, true));
        e.how = "m-g".into();
        assert_eq!(of(&e), None);
    }

    #[test]
    fn a_marker_without_a_place_is_none() {
        let mut e = event("a-u-A-M-H-Q", "h-e");
        e.point = Point::default();
        assert_eq!(of(&e), None);
    }

    #[test]
    fn the_content_is_the_same_whenever_it_is_sent() {
        let (a, mut b) = (of(&event("a-u-A", "h-e")).unwrap(), of(&event("a-u-A", "h-e")).unwrap());
        b.observed_at = b.observed_at.plus_s(60.0);
        assert_eq!(a.content(), b.content());
        b.at.lat_deg += 0.001;
        assert_ne!(a.content(), b.content());
    }
}
