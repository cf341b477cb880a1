//! From a marker on a person's map to their [`Sighting`].
//!
//! A wedge is a bearing from the marker's point. A marker without one is where the person thinks the drone is: as seen
//! from where they stand that is a direction and a range class, and as uncertain as people's places on a map are. Where
//! nobody knows where they stand, it is a presence around the marker. The marker's own place is kept in the words.

use crate::ids;
use skypicket_model::{
    Marking, PersonId, Place, Sighting, Time,
    sighting::{Activity, BearingHow, RangeClass, SightingBearing},
};
use skypicket_wire::cot::{render::CE90, session::DroneMarker};

/// Sigma of a position that came without accuracy, metres.
pub(super) const UNKNOWN_ACCURACY_M: f64 = 50.0;
/// A person's position older than this says no more from where they looked, seconds.
const STANDPOINT_S: f64 = 120.0;
/// Nearer to the person than this a marker gives no direction, metres.
const TOO_NEAR_M: f64 = 15.0;
/// Sigma of a direction that was read off a map, degrees.
const MAP_SIGMA_DEG: f64 = 10.0;

/// Where a person stood, by their client.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standpoint {
    pub(super) at: Place,
    pub(super) accuracy_m: f64,
    pub(super) observed_at: Time,
}

/// One sigma of a circular error as TAK clients write it (90 %), metres; at least 1.
pub(super) fn sigma_m(ce_m: Option<f64>) -> f64 {
    ce_m.map_or(UNKNOWN_ACCURACY_M, |ce| (ce / CE90).clamp(1.0, 50_000.0))
}

pub(super) fn of(marker: &DroneMarker, person: &PersonId, stood: Option<Standpoint>) -> Sighting {
    let stood = stood.filter(|s| libm::fabs(marker.observed_at.since_s(s.observed_at)) <= STANDPOINT_S);
    let mut from = marker.at;
    let mut from_accuracy_m = sigma_m(marker.ce_m);
    let mut bearing = None;
    let mut range = RangeClass::Under100;
    let mut elevation_deg = None;
    if let Some(b) = marker.bearing {
        // The cone's half width as two sigma.
        let sigma_deg = b.fov_deg.map(|f| (f / 4.0).clamp(1.0, 90.0));
        let how = if b.by_device { BearingHow::Compass } else { BearingHow::Sight };
        bearing = Some(SightingBearing { azimuth_deg: b.azimuth_deg, how, sigma_deg });
        // The wedge's reach is how far it is drawn, not a distance that anyone saw.
        range = RangeClass::Unknown;
        elevation_deg = b.elevation_deg.filter(|e| (-30.0..=90.0).contains(e));
    } else if let Some(s) = stood {
        let (distance_m, azimuth_deg) = s.at.distance_and_bearing(marker.at);
        if distance_m > TOO_NEAR_M {
            let off_deg = libm::atan2(sigma_m(marker.ce_m).max(s.accuracy_m), distance_m).to_degrees();
            let sigma_deg =
                Some(if marker.ce_m.is_some() { off_deg.clamp(MAP_SIGMA_DEG, 90.0) } else { MAP_SIGMA_DEG });
            bearing = Some(SightingBearing { azimuth_deg, how: BearingHow::Sight, sigma_deg });
            range = class_of(distance_m);
        }
        from = s.at;
        from_accuracy_m = s.accuracy_m;
    }
    Sighting {
        id: ids::sighting(person, &marker.content()),
        reporter: person.clone(),
        from: from.check().unwrap_or(Place { alt_hae_m: None, ..from }),
        from_accuracy_m,
        bearing,
        range,
        elevation_deg,
        kind: marker.drone,
        count: None,
        activity: Activity::Unknown,
        lights: None,
        sound: None,
        payload: None,
        words: words(marker),
        first_seen: marker.observed_at,
        last_seen: marker.observed_at,
        marking: Marking::default(),
    }
}

fn class_of(distance_m: f64) -> RangeClass {
    match distance_m {
        d if d < 100.0 => RangeClass::Under100,
        d if d < 300.0 => RangeClass::To300,
        d if d < 1_000.0 => RangeClass::To1000,
        _ => RangeClass::Farther,
    }
}

fn words(marker: &DroneMarker) -> String {
    let place = format!("[TAK {} {:.5} {:.5}]", marker.kind, marker.at.lat_deg, marker.at.lon_deg);
    let parts = [marker.remarks.as_str(), marker.callsign.as_deref().unwrap_or_default(), &place];
    let all = parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ");
    let over = all.chars().count().saturating_sub(Sighting::MAX_WORDS);
    if over == 0 {
        return all;
    }
    // What is cut is of the remarks: name and place stay.
    let keep = marker.remarks.chars().count().saturating_sub(over);
    let cut: String = marker.remarks.chars().take(keep).collect();
    let tail = all.chars().skip(marker.remarks.chars().count());
    cut.chars().chain(tail).take(Sighting::MAX_WORDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use skypicket_model::{Measurement, ObservationId, sighting::DroneKind};
    use skypicket_wire::cot::session::Bearing;

    fn at(lat_deg: f64, lon_deg: f64) -> Place {
        Place { lat_deg, lon_deg, alt_hae_m: None }
    }

    fn now() -> Time {
        Time::from_unix_s(1.7e9).unwrap()
    }

    fn marker() -> DroneMarker {
        DroneMarker {
            uid: "m".into(),
            kind: "a-u-A-M-H-Q".into(),
            drone: DroneKind::Multirotor,
            how: "h-e".into(),
            at: at(31.7645, -106.49),
            ce_m: None,
            bearing: None,
            callsign: Some("U.1".into()),
            remarks: "hovering".into(),
            observed_at: now(),
        }
    }

    fn person() -> PersonId {
        PersonId::new("agent-1").unwrap()
    }

    fn stood(age_s: f64) -> Standpoint {
        Standpoint { at: at(31.76, -106.49), accuracy_m: 5.0, observed_at: now().plus_s(-age_s) }
    }

    #[test]
    fn a_marker_is_a_direction_and_a_range_class_from_where_the_person_stands() {
        let s = of(&marker(), &person(), Some(stood(30.0)));
        assert_eq!(s.check(), Ok(()));
        let b = s.bearing.unwrap();
        assert!(b.azimuth_deg < 0.01 || b.azimuth_deg > 359.99, "{b:?}");
        assert_eq!((b.sigma_deg, s.range, s.kind), (Some(10.0), RangeClass::To1000, DroneKind::Multirotor));
        assert_eq!(s.words, "hovering U.1 [TAK a-u-A-M-H-Q 31.76450 -106.49000]");
        assert_eq!((s.from, s.last_seen), (at(31.76, -106.49), now()));
    }

    #[test]
    fn without_a_fresh_standpoint_it_is_a_presence_around_the_marker() {
        for stood in [None, Some(stood(600.0))] {
            let s = of(&marker(), &person(), stood);
            assert_eq!((s.check(), s.from, s.bearing), (Ok(()), marker().at, None));
            let o = s.observation(ObservationId(uuid::Uuid::nil()), now());
            assert!(matches!(o.measurement, Measurement::Presence { from: Some(p), radius_m: Some(r) }
                if p == marker().at && r > 50.0 && r < 150.0));
        }
    }

    #[test]
    fn a_wedge_is_a_bearing_from_its_own_point_without_a_distance() {
        let wedge = Bearing {
            azimuth_deg: 45.0,
            fov_deg: Some(20.0),
            range_m: Some(500.0),
            elevation_deg: Some(12.0),
            by_device: true,
        };
        let s = of(&DroneMarker { bearing: Some(wedge), ce_m: Some(21.46), ..marker() }, &person(), Some(stood(1.0)));
        let b = s.bearing.unwrap();
        assert_eq!((b.azimuth_deg, b.how, b.sigma_deg), (45.0, BearingHow::Compass, Some(5.0)));
        assert_eq!((s.from, s.range, s.elevation_deg), (marker().at, RangeClass::Unknown, Some(12.0)));
        assert!((s.from_accuracy_m - 10.0).abs() < 1e-9);
    }

    proptest! {
        /// Whatever a client can write gives a sighting within its ranges.
        #[test]
        fn every_marker_gives_a_sound_sighting(
            lat in -90.0..=90.0f64, lon in -180.0..=180.0f64, ce in proptest::option::of(0.0..999_999.0f64),
            wedge in proptest::option::of((0.0..360.0f64, 0.0..360.0f64, -90.0..=90.0f64)),
            words in "\\PC{0,40}", long in any::<bool>(), known in any::<bool>(),
        ) {
            let bearing = wedge.map(|(azimuth_deg, f, e)| Bearing {
                azimuth_deg, fov_deg: (f > 0.0).then_some(f), range_m: None, elevation_deg: Some(e), by_device: f > 90.0,
            });
            let remarks = if long { words.repeat(200) } else { words };
            let m = DroneMarker { at: at(lat, lon), ce_m: ce, bearing, remarks, ..marker() };
            let s = of(&m, &person(), known.then(|| stood(1.0)));
            prop_assert_eq!(s.check(), Ok(()));
            prop_assert!(s.words.ends_with(']'));
        }
    }
}
