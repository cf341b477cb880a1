//! What a tracker does with whole stories: one person, a beacon, a radar in clutter, a forger.

use crate::common::*;
use proptest::prelude::*;
use skypicket_model::{
    LatLon, Measurement, Observation, OwnFlight, Place, SightingId, SourceId, Track, TrackState, UnitId,
    kinematics::AirClass,
    observation::{IdClaim, IdKind},
    sighting::RangeClass,
    track::Affiliation,
};
use skypicket_track::Settings;
use uuid::Uuid;

#[test]
fn one_persons_report_starts_a_tentative_track_with_a_wide_place() {
    let mut d = Desk::new();
    let eye = place(31.76, -106.49, Some(1_150.0));
    let out = d.see(report(&sighting("agent-1", 1, 0.0, eye, 45.0, RangeClass::To300), 2.0), 2.0);
    assert_eq!(out.len(), 1);
    let t = &out[0];
    assert!(t.by_people_only && t.state == TrackState::Tentative && (t.existence - 0.6).abs() < 1e-9, "{t:?}");
    assert!(t.place.alt_hae_m.is_none() && t.vel_enu_mps[2] == 0.0);
    let sigma = (t.cov_enu_m2[0][0] + t.cov_enu_m2[1][1]).sqrt();
    assert!((60.0..200.0).contains(&sigma), "{sigma}");
    let (distance, bearing) = eye.distance_and_bearing(t.place);
    assert!((150.0..260.0).contains(&distance) && (bearing - 45.0).abs() < 1.0);
    // The same person again does not confirm it, ever.
    for k in 2..12u32 {
        let at = f64::from(k) * 3.0;
        d.see(report(&sighting("agent-1", u128::from(k), at, eye, 46.0, RangeClass::To300), at), at);
    }
    assert_eq!(d.live().len(), 1);
    assert_eq!(d.live()[0].state, TrackState::Tentative);
    assert!(d.live()[0].existence < Settings::default().confirm, "{}", d.live()[0].existence);
    // A second one does.
    let other = offset(eye, 150.0, -80.0);
    let (_, bearing) = other.distance_and_bearing(d.live()[0].place);
    d.see(report(&sighting("agent-2", 20, 36.0, other, bearing + 3.0, RangeClass::To300), 37.0), 37.0);
    assert_eq!(d.live().len(), 1, "{:?}", d.live());
    assert_eq!(d.live()[0].state, TrackState::Confirmed);
    assert!(d.live()[0].by_people_only && d.live()[0].sources.len() == 2);
}

#[test]
fn the_desk_confirms_a_single_persons_track() {
    let mut d = Desk::new();
    let s = sighting("agent-1", 1, 0.0, place(31.76, -106.49, None), 45.0, RangeClass::To1000);
    d.see(report(&s, 1.0), 1.0);
    let out = d.tracker.confirm(s.id, time(5.0));
    assert_eq!((out.len(), out[0].state), (1, TrackState::Confirmed));
}

#[test]
fn a_direction_without_range_or_a_mere_presence_starts_nothing() {
    let mut d = Desk::new();
    let eye = place(47.0, 8.0, None);
    assert!(d.see(report(&sighting("agent-1", 1, 0.0, eye, 45.0, RangeClass::Unknown), 0.0), 0.0).is_empty());
    assert_eq!(d.tracker.unresolved(), 1);
    let mut s = sighting("agent-2", 2, 0.0, eye, 0.0, RangeClass::To300);
    s.bearing = None;
    assert!(d.see(report(&s, 0.0), 0.0).is_empty());
    assert!(d.live().is_empty());
    // It is not remembered for longer than a minute.
    d.tracker.tick(time(61.0));
    assert_eq!(d.tracker.unresolved(), 0);
}

#[test]
fn two_directions_that_cross_start_a_track_where_they_cross() {
    let mut d = Desk::new();
    let a = place(47.0, 8.0, None);
    let (b, drone) = (offset(a, 600.0, 0.0), offset(a, 250.0, 400.0));
    let az = |from: skypicket_model::Place| from.distance_and_bearing(drone).1;
    assert!(d.see(report(&sighting("agent-1", 1, 0.0, a, az(a) + 2.0, RangeClass::Unknown), 0.0), 0.0).is_empty());
    // The same person again is no second line.
    assert!(
        d.see(report(&sighting("agent-1", 2, 5.0, offset(a, 0.0, -90.0), az(a), RangeClass::Unknown), 5.0), 5.0)
            .is_empty()
    );
    let out = d.see(report(&sighting("agent-2", 3, 20.0, b, az(b) - 2.0, RangeClass::Unknown), 20.0), 20.0);
    assert_eq!(out.len(), 1);
    assert!(apart(out[0].place, drone) < 120.0, "{}", apart(out[0].place, drone));
    assert!(out[0].by_people_only && out[0].sources.len() == 2 && out[0].because.len() == 2, "{:?}", out[0]);
    assert_eq!(out[0].state, TrackState::Tentative);
    // Lines that only cross behind an observer make nothing.
    let mut d = Desk::new();
    d.see(report(&sighting("agent-1", 1, 0.0, a, az(a) + 180.0, RangeClass::Unknown), 0.0), 0.0);
    assert!(d.see(report(&sighting("agent-2", 2, 1.0, b, az(b), RangeClass::Unknown), 1.0), 1.0).is_empty());
}

#[test]
fn an_earlier_direction_supports_a_later_report_with_range() {
    let mut d = Desk::new();
    let a = place(47.0, 8.0, None);
    let (b, drone) = (offset(a, 300.0, 0.0), offset(a, 100.0, 180.0));
    d.see(report(&sighting("agent-1", 1, 0.0, a, a.distance_and_bearing(drone).1, RangeClass::Unknown), 0.0), 0.0);
    let out =
        d.see(report(&sighting("agent-2", 2, 10.0, b, b.distance_and_bearing(drone).1, RangeClass::To300), 10.0), 10.0);
    assert_eq!((out.len(), out[0].sources.len(), out[0].state), (1, 2, TrackState::Confirmed), "{out:?}");
    assert_eq!(d.tracker.unresolved(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    /// A sighting and a Remote ID track of the same drone are one track with two sources, whichever came first.
    #[test]
    fn a_sighting_and_a_beacon_of_one_drone_are_one_track(
        lat in -70.0..70.0f64, lon in -180.0..180.0f64, around in 0.0..360.0f64, distance in 160.0..290.0f64,
        off in -8.0..8.0f64, delay in 0.0..20.0f64, person_first in any::<bool>(),
        ve in -8.0..8.0f64, vn in -8.0..8.0f64, seed in any::<u64>(),
    ) {
        let mut d = Desk::new();
        let mut noise = Noise(seed);
        let eye = place(lat, lon, None);
        let (s, c) = (libm::sin(around.to_radians()), libm::cos(around.to_radians()));
        // It is at that distance and bearing when it is seen, at time 10.
        let drone = |t: f64| offset(eye, distance * s + ve * (t - 10.0), distance * c + vn * (t - 10.0));
        let seen = report(&sighting("agent-1", 1, 10.0, eye, around + off, RangeClass::To300), 10.0 + delay);
        let start = if person_first { 10.0 } else { 0.0 };
        let mut told = false;
        for k in 0..40 {
            let t = start + f64::from(k) + 0.5;
            if !told && t > 10.0 + if person_first { 0.0 } else { delay } {
                told = true;
                let when = if person_first { 10.0 } else { 10.0 + delay };
                d.see(seen.clone(), when);
            }
            let at = offset(drone(t), 5.0 * noise.normal(), 5.0 * noise.normal());
            d.see(beacon(t, at, "aa:01", (k % 3 == 0).then_some("SN1")), t + 0.3);
        }
        prop_assert!(told);
        let live = d.live();
        prop_assert_eq!(live.len(), 1, "{:?}", live);
        prop_assert_eq!(live[0].sources.len(), 2);
        prop_assert!(!live[0].by_people_only && live[0].state == TrackState::Confirmed && !live[0].suspect);
        prop_assert!(apart(live[0].place, drone(start + 39.5)) < 25.0);
    }
}

#[test]
fn a_report_far_off_in_direction_is_another_drone() {
    let mut d = Desk::new();
    let eye = place(47.0, 8.0, None);
    for k in 0..5 {
        d.see(beacon(f64::from(k), offset(eye, 0.0, 250.0), "aa:01", Some("SN1")), f64::from(k));
    }
    d.see(report(&sighting("agent-1", 1, 5.0, eye, 90.0, RangeClass::To300), 5.0), 5.0);
    assert_eq!(d.live().len(), 2);
}

#[test]
fn an_identity_heard_in_other_frames_belongs_to_the_position() {
    let mut d = Desk::new();
    let here = place(47.2, 8.73, None);
    let mut name = beacon(0.0, here, "90:3a", Some("1588E0"));
    name.measurement = Measurement::Presence { from: None, radius_m: None };
    // The name alone starts nothing.
    assert!(d.see(name, 0.0).is_empty());
    let out = d.see(beacon(0.5, here, "90:3a", None), 0.5);
    assert_eq!(out[0].id_of(IdKind::Serial).unwrap().value, "1588E0");
    assert_eq!(out[0].state, TrackState::Tentative);
    let out = d.see(beacon(1.5, offset(here, 2.0, 0.0), "90:3a", Some("1588E0")), 1.5);
    assert_eq!((out.len(), out[0].state), (1, TrackState::Confirmed));
    assert!(out[0].id_of(IdKind::Serial).unwrap().p > 0.7);
}

#[test]
fn one_serial_on_two_addresses_is_one_track_when_the_places_agree() {
    let mut d = Desk::new();
    let here = place(47.2, 8.73, None);
    // The other address is heard without a name first, so there are two tracks for a while.
    for k in 0..4 {
        let t = f64::from(k);
        d.see(beacon(t, here, "aa:01", Some("SN1")), t);
        d.see(beacon(t + 0.5, offset(here, 3.0, 0.0), "bb:02", None), t + 0.5);
    }
    assert_eq!(d.live().len(), 2);
    let first = d.live().iter().find(|t| !t.ids.is_empty()).unwrap().id;
    let out = d.see(beacon(4.5, offset(here, 3.0, 0.0), "bb:02", Some("SN1")), 4.5);
    let deleted: Vec<_> = out.iter().filter(|t| t.state == TrackState::Deleted).collect();
    assert_eq!((out.len(), deleted.len(), d.live().len()), (2, 1, 1), "{out:?}");
    assert_eq!(d.live()[0].id, first);
    // The other address goes on in the same track, also without the name.
    let out = d.see(beacon(5.5, offset(here, 3.0, 0.0), "bb:02", None), 5.5);
    assert_eq!((out.len(), out[0].id), (1, first));
    assert!(d.live()[0].evidence.is_empty());
}

#[test]
fn one_serial_in_two_places_stays_two_tracks_with_evidence() {
    let mut d = Desk::new();
    let here = place(47.2, 8.73, None);
    for k in 0..6 {
        let t = f64::from(k);
        d.see(beacon(t, here, "aa:01", Some("SN1")), t);
        let mut far = beacon(t + 0.4, offset(here, 900.0, 0.0), "bb:02", Some("SN1"));
        far.claims.claimed_at = Some(time(t - 600.0));
        d.see(far, t + 0.4);
    }
    let live = d.live();
    assert_eq!(live.len(), 2);
    assert!(live.iter().all(|t| t.evidence.iter().any(|e| e.kind == "duplicate_identity")), "{live:?}");
    // One kind of evidence is not enough: only the one with the false clock as well is suspect. Both are still shown.
    let suspect: Vec<_> = live.iter().filter(|t| t.suspect).collect();
    assert_eq!(suspect.len(), 1);
    assert!(apart(suspect[0].place, here) > 800.0);
    assert!(live.iter().all(|t| t.id_of(IdKind::Serial).unwrap().p < 0.5));
}

#[test]
fn an_emitter_that_jumps_is_two_tracks_and_both_are_doubted() {
    let mut d = Desk::new();
    let here = place(47.2, 8.73, None);
    for k in 0..8 {
        let t = f64::from(k);
        let at = if k % 2 == 0 { here } else { offset(here, 1_000.0, 0.0) };
        d.see(beacon(t, at, "aa:01", Some("SN1")), t);
    }
    let live = d.live();
    assert_eq!(live.len(), 2, "{live:?}");
    assert!(live.iter().all(|t| t.suspect && t.evidence.len() == 2), "{live:?}");
}

#[test]
fn a_hard_turn_of_a_known_emitter_keeps_its_track() {
    let mut d = Desk::new();
    let here = place(47.2, 8.73, None);
    // 40 m/s east for 20 s, then at once 40 m/s west: 40 m/s2 for two seconds and more than the model thinks.
    for k in 0..40 {
        let t = f64::from(k);
        let east = if t < 20.0 { 40.0 * t } else { 40.0 * (40.0 - t) };
        d.see(beacon(t, offset(here, east, 0.0), "aa:01", Some("SN1")), t);
    }
    assert_eq!(d.live().len(), 1);
    assert!(d.live()[0].evidence.is_empty() && (d.live()[0].vel_enu_mps[0] + 40.0).abs() < 8.0, "{:?}", d.live()[0]);
}

#[test]
fn the_same_message_again_adds_nothing() {
    let mut d = Desk::new();
    let here = place(47.2, 8.73, None);
    d.see(beacon(0.0, here, "aa:01", Some("SN1")), 0.1);
    let one = d.live()[0].clone();
    for k in 1..10 {
        d.see(beacon(0.0, here, "aa:01", Some("SN1")), 0.1 + 0.05 * f64::from(k));
    }
    let ten = d.live()[0].clone();
    assert_eq!((one.cov_enu_m2, one.because, one.state), (ten.cov_enu_m2, ten.because, ten.state));
}

#[test]
fn two_drones_of_different_names_side_by_side_stay_two() {
    let mut d = Desk::new();
    let here = place(47.2, 8.73, None);
    for k in 0..20 {
        let t = f64::from(k);
        d.see(beacon(t, here, "aa:01", Some("SN1")), t);
        d.see(beacon(t + 0.3, offset(here, 12.0, 0.0), "bb:02", Some("SN2")), t + 0.3);
    }
    assert_eq!(d.confirmed().len(), 2);
    assert!(d.live().iter().all(|t| t.ids.len() == 1 && t.evidence.is_empty()));
}

#[test]
fn silence_ends_a_track_once_and_a_person_is_held_longer_than_a_plot() {
    let mut d = Desk::new();
    let here = place(47.2, 8.73, Some(400.0));
    let mut noise = Noise(5);
    for k in 0..6 {
        let t = f64::from(k);
        d.see(plot("radar-1", t, here, offset(here, 2_000.0, 500.0), &mut noise, [10.0, 0.5, 0.5]), t);
        d.see(beacon(t, offset(here, -3_000.0, 0.0), "aa:01", Some("SN1")), t);
    }
    d.see(report(&sighting("agent-1", 1, 5.0, offset(here, 0.0, 9_000.0), 0.0, RangeClass::To300), 5.0), 5.0);
    assert_eq!(d.live().len(), 3);
    let mut ended = Vec::new();
    for s in 6..400 {
        for t in d.tracker.tick(time(f64::from(s))) {
            if t.state == TrackState::Deleted {
                ended.push((s, t));
            } else {
                assert!((t.at.unix_s() - T0 - f64::from(s)).abs() < 1e-6);
            }
        }
    }
    let at: Vec<i32> = ended.iter().map(|e| e.0).collect();
    assert_eq!(at.len(), 3, "{at:?}");
    assert!(at[0] < 13 && (30..45).contains(&at[1]) && (120..240).contains(&at[2]), "{at:?}");
    assert!(ended[2].1.by_people_only && d.live().is_empty());
}

#[test]
fn a_sighting_taken_back_ends_only_what_rests_on_it() {
    let mut d = Desk::new();
    let eye = place(47.2, 8.73, None);
    let s = |n: u128| SightingId(Uuid::from_u128(n));
    d.see(report(&sighting("agent-1", 1, 0.0, eye, 10.0, RangeClass::To300), 0.0), 0.0);
    d.see(report(&sighting("agent-1", 2, 0.0, offset(eye, 5_000.0, 0.0), 10.0, RangeClass::To300), 0.0), 0.0);
    d.see(report(&sighting("agent-2", 3, 1.0, offset(eye, 5_020.0, 10.0), 10.0, RangeClass::To300), 1.0), 1.0);
    assert_eq!((d.live().len(), d.confirmed().len()), (2, 1), "{:?}", d.live());
    let out = d.tracker.retract(s(1), time(2.0));
    assert_eq!((out.len(), out[0].state), (1, TrackState::Deleted));
    let out = d.tracker.retract(s(2), time(2.0));
    assert_eq!((out.len(), out[0].state, out[0].sources.len()), (1, TrackState::Tentative, 1));
    let out = d.tracker.retract(s(3), time(2.0));
    assert_eq!((out.len(), out[0].state), (1, TrackState::Deleted));
    assert!(d.live().is_empty() && d.tracker.retract(s(3), time(3.0)).is_empty());
}

#[test]
fn an_own_flight_is_own_inside_its_area_and_time_and_only_while_undisputed() {
    let mut d = Desk::new();
    let here = place(31.76, -106.49, None);
    d.tracker.set_own_flights(&[OwnFlight {
        id: "f1".into(),
        unit: UnitId::new("air").unwrap(),
        serial: Some("OWN1".into()),
        centre: LatLon { lat_deg: here.lat_deg, lon_deg: here.lon_deg },
        radius_m: 1_000.0,
        from: time(0.0),
        until: time(100.0),
    }]);
    let whose = |d: &Desk| d.live()[0].affiliation;
    for k in 0..5 {
        d.see(beacon(f64::from(k), offset(here, 400.0, 0.0), "aa:01", Some("OWN1")), f64::from(k));
    }
    assert_eq!(whose(&d), Affiliation::Own);
    // Somebody else uses the name a kilometre away.
    d.see(beacon(5.2, offset(here, -700.0, 0.0), "bb:02", Some("OWN1")), 5.2);
    assert!(d.live().iter().all(|t| t.affiliation == Affiliation::Unknown));
    // Outside the time.
    let mut late = Desk::new();
    late.tracker.set_own_flights(&[]);
    late.see(beacon(0.0, here, "aa:01", Some("OWN1")), 0.0);
    assert_eq!(whose(&late), Affiliation::Unknown);
    let other = Desk::new();
    assert!(other.live().is_empty());
}

#[test]
fn too_many_tracks_refuse_new_ones_but_people_keep_a_reserve() {
    let mut d = Desk::with(Settings { max_tracks: 50, people_reserve: 5, ..Settings::default() });
    let here = place(31.76, -106.49, None);
    for k in 0..200 {
        d.see(position("feed-1", 0.0, offset(here, 500.0 * f64::from(k), 0.0), 5.0), 0.0);
    }
    assert_eq!((d.live().len(), d.tracker.refused_starts()), (45, 155));
    for k in 0..8 {
        let from = offset(here, 3_000.0 * f64::from(k), 20_000.0);
        d.see(report(&sighting("agent-1", k.try_into().unwrap(), 0.0, from, 0.0, RangeClass::To300), 0.0), 0.0);
    }
    assert_eq!((d.live().len(), d.tracker.refused_starts()), (50, 158));
}

#[test]
fn drones_on_two_continents_are_tracked_in_one_run() {
    let mut d = Desk::new();
    let homes = [place(47.0, 8.0, Some(500.0)), place(31.0, -106.0, Some(1_200.0)), place(-17.0, 179.9999, Some(10.0))];
    for k in 0..300u32 {
        let t = f64::from(k) / 3.0;
        let home = homes[(k % 3) as usize];
        // 20 m/s east: the third one crosses the date line, all leave their first frame.
        d.see(position(&format!("feed-{}", k % 3), t, offset(home, 60.0 * t, 5.0 * t), 5.0), t);
    }
    let mut live = d.live();
    assert_eq!(live.len(), 3);
    live.sort_by(|a, b| a.sources.cmp(&b.sources));
    for (t, (home, k)) in live.iter().zip(homes.into_iter().zip([297.0, 298.0, 299.0f64])) {
        let truth = offset(home, 20.0 * k, 5.0 / 3.0 * k);
        assert!(apart(t.place, truth) < 3.0, "{} {:?}", apart(t.place, truth), t.place);
        assert!((t.vel_enu_mps[0] - 60.0).abs() < 0.7 && (t.vel_enu_mps[1] - 5.0).abs() < 0.7, "{:?}", t.vel_enu_mps);
        assert!(t.place.lon_deg.abs() <= 180.0);
    }
}

#[test]
fn a_late_report_neither_runs_time_back_nor_starts_a_second_track() {
    let mut d = Desk::new();
    let eye = place(47.0, 8.0, None);
    let drone = |t: f64| offset(eye, -200.0 + 10.0 * t, 150.0);
    for k in 0..60 {
        d.see(beacon(f64::from(k), drone(f64::from(k)), "aa:01", Some("SN1")), f64::from(k));
    }
    let before = d.live()[0].clone();
    // Seen at 40 and told at 59; seen at 20, told at 59: too late to move anything, and still the same drone.
    for (n, seen) in [(1, 40.0), (2, 20.0)] {
        let (_, az) = eye.distance_and_bearing(drone(seen));
        let range = if seen > 30.0 { RangeClass::To300 } else { RangeClass::Under100 };
        let out = d.see(report(&sighting("agent-1", n, seen, eye, az, range), 59.2), 59.2);
        assert_eq!((out.len(), out[0].id), (1, before.id), "{seen}");
        assert!(out[0].at >= before.at && out[0].measured_at == before.measured_at);
    }
    assert!(apart(d.live()[0].place, before.place) < 5.0);
    assert_eq!(d.live()[0].sources.len(), 2);
    // Older than two minutes is not taken.
    d.see(report(&sighting("agent-1", 3, -90.0, eye, 0.0, RangeClass::To300), 60.0), 60.0);
    assert_eq!(d.tracker.refused_by_reason().get("stale"), Some(&1));
}

/// Radar in clutter: an approaching drone among 12 false plots a scan.
#[test]
fn radar_in_clutter_confirms_the_drone_and_hardly_anything_else() {
    let radar = place(47.0, 8.0, Some(450.0));
    let (mut false_steps, mut seen_steps, mut steps) = (0usize, 0usize, 0usize);
    for seed in 0..3 {
        let mut d = Desk::new();
        let mut noise = Noise(seed);
        for scan in 0..60 {
            let t = f64::from(scan);
            let drone = offset(radar, 3_000.0 - 15.0 * t, 2_000.0 - 10.0 * t);
            let drone = skypicket_model::Place { alt_hae_m: Some(600.0), ..drone };
            let mut scans = Vec::new();
            if noise.even() < 0.9 {
                scans.push(plot("radar-1", t, radar, drone, &mut noise, [10.0, 0.6, 0.8]));
            }
            for _ in 0..12 {
                let (e, n, u) = (noise.even() * 8e3 - 4e3, noise.even() * 8e3 - 4e3, noise.even() * 900.0);
                let at = skypicket_model::Place { alt_hae_m: Some(450.0 + u), ..offset(radar, e, n) };
                scans.push(plot("radar-1", t, radar, at, &mut noise, [10.0, 0.6, 0.8]));
            }
            for o in scans {
                d.see(o, t);
            }
            d.tracker.tick(time(t));
            if scan >= 5 {
                let near = d.confirmed().iter().filter(|c| apart(c.place, drone) < 150.0).count();
                steps += 1;
                seen_steps += usize::from(near == 1);
                false_steps += d.confirmed().len() - near.min(1);
            }
        }
    }
    println!("radar in clutter: seen {seen_steps} of {steps}, false confirmed track-steps {false_steps}");
    assert!(seen_steps * 100 >= steps * 95, "{seen_steps} of {steps}");
    assert!(false_steps * 20 <= steps, "{false_steps} of {steps}");
}

/// A radar's plots come one by one, and nobody says which are of one scan: those of one moment are.
#[test]
fn two_plots_of_one_moment_are_never_both_of_one_track() {
    let radar = place(47.0, 8.0, Some(450.0));
    let mut d = Desk::new();
    let mut noise = Noise(3);
    let at = |e: f64| skypicket_model::Place { alt_hae_m: Some(600.0), ..offset(radar, e, 2_000.0) };
    for scan in 0..8 {
        let t = f64::from(scan);
        d.see(plot("radar-1", t, radar, at(0.0), &mut noise, [8.0, 0.4, 0.6]), t);
    }
    assert_eq!(d.live().len(), 1);
    let one = d.live()[0].id;
    // 15 m beside it: within the gate of the one track, and clearly something else.
    for t in [8.0, 9.0, 10.0] {
        for e in [0.0, 15.0] {
            d.see(plot("radar-1", t, radar, at(e), &mut noise, [8.0, 0.4, 0.6]), t + 0.01);
        }
    }
    assert_eq!(d.live().len(), 2, "{:?}", d.live());
    assert!(d.live().iter().any(|t| t.id == one));
    // Another radar's plot of that moment can be of the same.
    d.see(plot("radar-2", 10.0, offset(radar, 500.0, 0.0), at(0.0), &mut noise, [8.0, 0.4, 0.6]), 10.02);
    assert_eq!(d.live().len(), 2);
}

#[test]
fn two_crossing_targets_are_both_tracked() {
    let radar = place(47.0, 8.0, Some(450.0));
    let mut both = 0;
    for seed in 0..10 {
        let mut d = Desk::new();
        let mut noise = Noise(100 + seed);
        for scan in 0..60 {
            let t = f64::from(scan);
            let at = |e: f64, n: f64| skypicket_model::Place { alt_hae_m: Some(550.0), ..offset(radar, e, n) };
            for p in [at(-600.0 + 20.0 * t, 1_500.0), at(0.0, 900.0 + 20.0 * t)] {
                d.see(plot("radar-1", t, radar, p, &mut noise, [8.0, 0.4, 0.6]), t);
            }
            d.tracker.tick(time(t));
        }
        let live = d.confirmed();
        let end = [offset(radar, 580.0, 1_500.0), offset(radar, 0.0, 2_080.0)];
        both += usize::from(live.len() == 2 && end.iter().all(|e| live.iter().any(|t| apart(t.place, *e) < 60.0)));
    }
    println!("crossing: both tracked to the end in {both} of 10");
    assert!(both >= 9, "{both}");
}

#[test]
fn evidence_speaks_but_never_hides() {
    let mut d = Desk::new();
    let here = place(47.2, 8.73, None);
    for k in 0..5 {
        let mut o = beacon(f64::from(k), here, "aa:01", Some("SN1"));
        o.signal.receiver_at = Some(offset(here, 0.0, 30_000.0));
        o.signal.rssi_dbm = Some(-20.0);
        d.see(o, f64::from(k));
    }
    let t = &d.live()[0];
    let kinds: Vec<&str> = t.evidence.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(kinds, ["far_from_receiver", "too_loud"]);
    assert!(t.suspect && t.state == TrackState::Confirmed);
}

/// People tell what they saw up to a minute late, and seldom: what lies between two of their reports still moves the track,
/// however far apart these were.
#[test]
fn a_late_sighting_between_two_others_tells_of_the_place() {
    let drone = place(47.0, 8.0, None);
    let run = |late: bool| {
        let mut d = Desk::new();
        let mut tell = |n: u128, who: &str, seen: f64, told: f64, from: (f64, f64)| {
            let from = offset(drone, from.0, from.1);
            let (_, az) = from.distance_and_bearing(drone);
            d.see(report(&sighting(who, n, seen, from, az, RangeClass::To300), told), told).len()
        };
        tell(1, "agent-1", 0.0, 0.2, (0.0, -180.0));
        tell(2, "agent-2", 30.0, 30.2, (0.0, -200.0));
        // Seen before that from another side, and told after it.
        if late {
            assert_eq!(tell(3, "agent-3", 22.0, 35.0, (-190.0, 0.0)), 1);
        }
        let [track] = <[_; 1]>::try_from(d.live()).unwrap();
        (libm::sqrt(track.cov_enu_m2[1][1]), track.sources.len())
    };
    let ((before, two), (after, three)) = (run(false), run(true));
    assert_eq!((two, three), (2, 3));
    assert!(after < 0.8 * before, "{before} {after}");
}

/// A minute late is too late to move a track that others have told of since, and not to believe in it.
#[test]
fn a_sighting_a_minute_late_starts_a_track_and_confirms_one() {
    let drone = place(47.0, 8.0, None);
    let mut d = Desk::new();
    let see = |d: &mut Desk, n: u128, who: &str, seen: f64, told: f64, south: f64| {
        let from = offset(drone, 0.0, -south);
        d.see(report(&sighting(who, n, seen, from, 0.0, RangeClass::To300), told), told)
    };
    let out = see(&mut d, 1, "agent-1", 0.0, 60.0, 200.0);
    assert_eq!((out.len(), out[0].state), (1, TrackState::Tentative));
    // It may be anywhere by now, and says so.
    d.tracker.tick(time(61.0));
    // This one was seen before all that is known of it, and is believed all the same.
    let out = see(&mut d, 2, "agent-2", -2.0, 62.0, 220.0);
    assert_eq!((out.len(), out[0].state, out[0].sources.len()), (1, TrackState::Confirmed, 2));
    assert_eq!(d.live().len(), 1);
    let shown = d.tracker.tick(time(63.0));
    assert!(libm::sqrt(shown[0].cov_enu_m2[0][0]) > 300.0, "{:?}", shown[0].cov_enu_m2);
}

/// Two that nothing tells apart: which of them a report goes to hangs on their ids and not on who came first.
#[test]
fn on_a_tie_the_smaller_id_wins() {
    let eye = place(47.0, 8.0, Some(400.0));
    let at = Place { alt_hae_m: Some(500.0), ..offset(eye, 800.0, 600.0) };
    let mut first_won = Vec::new();
    for n in 0..12 {
        let mut d = Desk::new();
        d.entry = 100 * n;
        // Two plots of one scan are of two things, also where they are the same.
        let mut started = Vec::new();
        for _ in 0..2 {
            let mut noise = Noise(1);
            let out = d.see(plot("radar", 0.0, eye, at, &mut noise, [20.0, 1.0, 1.0]), 0.0);
            started.extend(out.iter().map(|t| t.id).filter(|id| !started.contains(id)).collect::<Vec<_>>());
        }
        let [first, second] = <[_; 2]>::try_from(started).unwrap();
        let out = d.see(position("camera", 0.0, at, 20.0), 0.0);
        assert_eq!((out.len(), out[0].id), (1, first.min(second)));
        first_won.push(first < second);
    }
    assert!(first_won.contains(&true) && first_won.contains(&false), "{first_won:?}");
}

/// A direction from a finder that is turned by so many degrees; with the serial that it read in the emission.
fn direction(source: &str, t: f64, from: Place, to: Place, turned_deg: f64, serial: Option<&str>) -> Observation {
    let azimuth_deg = from.distance_and_bearing(to).1 + turned_deg;
    let azimuth_error = vec![(1.0, 2.0)];
    let measurement =
        Measurement::Bearing { from, from_sigma_m: 3.0, azimuth_deg, azimuth_error, elevation_deg: None, range: None };
    let mut o = observation(source, t, measurement);
    o.claims.ids = serial.iter().map(|s| IdClaim { kind: IdKind::Serial, value: (*s).into() }).collect();
    o
}

/// A drone flies by that says who and where it is; a finder that is turned by 4° reads its serial (or does not).
fn by_a_turned_finder(read: bool, evidence: bool) -> (Desk, Place, Place) {
    let mut d = Desk::new();
    let home = place(47.0, 8.0, Some(400.0));
    let finder = Place { alt_hae_m: Some(402.0), ..offset(home, 900.0, 0.0) };
    for k in 0..120 {
        let t = f64::from(k);
        let at = Place { alt_hae_m: Some(480.0), ..offset(home, 300.0 - 8.0 * t, 700.0 + 300.0 * libm::sin(t / 20.0)) };
        let mut o = beacon(t, at, "aa:01", Some("SN1"));
        if evidence {
            o.signal.receiver_at = Some(offset(home, 0.0, 40_000.0));
        }
        d.see(o, t);
        d.see(direction("df-1", t + 0.2, finder, at, 4.0, read.then_some("SN1")), t + 0.2);
        d.tracker.tick(time(t + 0.3));
    }
    (d, home, finder)
}

#[test]
fn a_turned_finder_is_found_out_by_the_serials_that_it_reads_and_shown_with_its_error() {
    let (d, ..) = by_a_turned_finder(true, false);
    let known = d.tracker.registrations().get(&SourceId::new("df-1").unwrap()).expect("learned");
    let off = known.off[1].to_degrees();
    assert!(known.is_applied() && (off - 4.0).abs() < 0.6, "{off} {known:?}");
    assert_eq!(d.confirmed().len(), 1, "and what it finds is no second drone");
}

#[test]
fn a_finder_learns_nothing_from_what_it_cannot_have_read_nor_from_a_drone_that_is_doubted() {
    for (read, evidence) in [(false, false), (true, true)] {
        let (d, ..) = by_a_turned_finder(read, evidence);
        assert!(d.tracker.registrations().is_empty(), "{read} {evidence}: {:?}", d.tracker.registrations());
    }
}

#[test]
fn of_two_antennas_on_one_mast_only_the_one_that_is_turned_is_put_right() {
    let mut d = Desk::new();
    let home = place(47.0, 8.0, Some(400.0));
    let mast = Place { alt_hae_m: Some(402.0), ..offset(home, 900.0, 0.0) };
    for k in 0..60 {
        let t = f64::from(k);
        let at = Place { alt_hae_m: Some(480.0), ..offset(home, 300.0 - 8.0 * t, 700.0 + 300.0 * libm::sin(t / 20.0)) };
        d.see(beacon(t, at, "aa:01", Some("SN1")), t);
        d.see(direction("df-turned", t + 0.2, mast, at, 4.0, Some("SN1")), t + 0.2);
        d.see(direction("df-right", t + 0.3, mast, at, 0.0, Some("SN1")), t + 0.3);
    }
    let known = |source: &str| d.tracker.registrations()[&SourceId::new(source).unwrap()];
    assert!((known("df-turned").off[1].to_degrees() - 4.0).abs() < 0.8, "{:?}", known("df-turned"));
    assert!(known("df-right").sure(1) == (0.0, 0.0) && known("df-right").rests_on > 20, "{:?}", known("df-right"));
}

#[test]
fn directions_of_a_turned_finder_cross_where_the_thing_is() {
    let crossing = |taught: bool| {
        let (mut d, home, finder) = by_a_turned_finder(taught, false);
        let other = Place { alt_hae_m: Some(401.0), ..offset(home, -900.0, 0.0) };
        let dark = Place { alt_hae_m: Some(460.0), ..offset(home, 0.0, 2_500.0) };
        d.see(direction("df-2", 300.0, other, dark, 0.0, None), 300.0);
        let out = d.see(direction("df-1", 300.3, finder, dark, 4.0, None), 300.3);
        assert_eq!(out.len(), 1);
        apart(out[0].place, dark)
    };
    let (taught, untaught) = (crossing(true), crossing(false));
    assert!(taught < 80.0 && untaught > 150.0, "{taught} {untaught}");
}

#[test]
fn a_transponder_makes_an_aircraft_of_what_it_began_and_not_of_what_a_radar_saw_before() {
    let aircraft = |t: f64, at: Place| {
        let mut o = position("ads-b", t, at, 20.0);
        o.signal.transport = Some("adsb".into());
        o.signal.address = Some("a1b2c3".into());
        o.claims.ids = vec![IdClaim { kind: IdKind::Icao, value: "A1B2C3".into() }];
        o.claims.class = Some(AirClass::Crewed);
        o.claims.claimed_at = Some(time(t));
        o
    };
    let crewed = |t: &Track| t.class == Some(AirClass::Crewed) && t.class_p >= 0.8;
    let here = place(31.76, -106.49, Some(1_200.0));
    let mut d = Desk::new();
    let first = d.see(aircraft(0.0, offset(here, 3_000.0, 0.0)), 0.0);
    assert!(crewed(&first[0]), "{:?}", first[0].class_p);
    // A radar has a drone, and somebody says over its place that an aircraft is there.
    let (mut d, mut noise) = (Desk::new(), Noise(1));
    for k in 0..6 {
        let t = f64::from(k);
        d.see(plot("radar-1", t, here, offset(here, 0.0, 600.0), &mut noise, [5.0, 0.3, 0.3]), t);
    }
    d.see(aircraft(5.1, offset(here, 0.0, 600.0)), 5.1);
    let live = d.live();
    let by = |t: &&Track, source: &str| t.sources.iter().any(|s| s.as_str() == source);
    let drone = live.iter().find(|t| by(t, "radar-1")).unwrap();
    assert!(by(&drone, "ads-b"), "the message is joined to it: {live:?}");
    assert!(!crewed(drone), "{:?} {}", drone.class, drone.class_p);
}
