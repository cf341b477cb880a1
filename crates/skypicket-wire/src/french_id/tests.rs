use super::*;
use proptest::prelude::*;

pub(crate) fn sample() -> FrenchId {
    FrenchId {
        version: Some(1),
        fr_id: Some(*b"SKYEXR000000000000000000000001"),
        ansi_id: Some(text::padded("SKYPF1RSTL1GHT000001")),
        lat_e5: Some(3_176_000),
        lon_e5: Some(-10_649_000),
        alt_m: Some(1_200),
        height_m: Some(60),
        takeoff_lat_e5: Some(3_175_150),
        takeoff_lon_e5: Some(-10_649_000),
        speed_h_mps: Some(12),
        course_raw: Some(90),
        flags: Flags::NONE,
    }
}

#[test]
fn every_field_goes_out_and_comes_back() {
    let m = sample();
    assert_eq!(decode(&m.encode()), Decoded { message: Some(m), error: None });
    let j = m.to_json();
    assert_eq!((&j["lat_deg"], &j["lon_deg"], &j["alt_m"]), (&31.76.into(), &(-106.49).into(), &1_200.into()));
    assert_eq!((&j["fr_id"], &j["flags"]), (&"SKYEXR000000000000000000000001".into(), &json!([])));
}

#[test]
fn a_field_past_the_end_stops_the_walk_and_keeps_what_was_whole() {
    let b = sample().encode();
    for cut in 1..=3 {
        let d = decode(&b[..b.len() - cut]);
        assert_eq!(d.message.unwrap().speed_h_mps, Some(12));
        assert_eq!(d.message.unwrap().course_raw, None);
        assert_eq!(d.error.map(|e| e.offset), Some(b.len() - 4));
    }
}

#[test]
fn wrong_lengths_repeats_and_unknown_fields_cost_only_themselves() {
    let b = [&START[..], &[1, 1, 1, 4, 2, 0, 1, 10, 1, 5, 10, 1, 6, 77, 2, 9, 9, 11, 2, 1, 104]].concat();
    let m = decode(&b).message.unwrap();
    assert_eq!((m.lat_e5, m.speed_h_mps, m.course_raw, m.direction_deg()), (None, Some(5), Some(360), None));
    let want = Flags::FIELD_LENGTH.with(Flags::FIELD_REPEATED).with(Flags::FIELD_UNKNOWN);
    assert_eq!(m.flags, want.with(Flags::DIRECTION_OUT_OF_RANGE));
}

#[test]
fn what_cannot_be_is_null_under_its_flag() {
    let m = FrenchId { lat_e5: Some(9_000_001), takeoff_lon_e5: Some(i32::MIN), version: Some(2), ..sample() };
    let m = decode(&m.encode()).message.unwrap();
    let j = m.to_json();
    assert!(j["lat_deg"].is_null() && j["takeoff_lat_deg"].is_null());
    assert_eq!(j["flags"], json!(["lat_out_of_range", "version_unassigned", "takeoff_out_of_range"]));
}

#[test]
fn its_altitude_is_no_height_above_the_ellipsoid() {
    let seen = observe(&sample());
    let (at, _) = seen.measured.unwrap();
    assert_eq!((at.alt_hae_m, seen.claims.height_takeoff_m), (None, Some(60.0)));
    assert_eq!(seen.flags, ["accuracy_unknown"]);
    assert_eq!(seen.claims.ids.len(), 2);
    let [e, n, u] = seen.claims.velocity_enu_mps.unwrap();
    assert!((e - 12.0).abs() < 1e-9 && n.abs() < 1e-9 && u.abs() < 1e-9);
    let nowhere = FrenchId { lat_e5: Some(0), lon_e5: Some(0), ..sample() };
    assert!(observe(&nowhere).measured.is_none());
}

proptest! {
    #[test]
    fn any_bytes_are_taken(tail in prop::collection::vec(any::<u8>(), 0..260)) {
        let b = [&START[..], &tail].concat();
        let m = decode(&b).message.unwrap();
        let again = decode(&m.encode());
        // What was understood says itself again; what was not is not invented.
        prop_assert_eq!(again.error, None);
        prop_assert_eq!(FrenchId { flags: Flags::NONE, ..again.message.unwrap() }.to_json()["lat_deg"].clone(), m.to_json()["lat_deg"].clone());
        let _ = observe(&m);
        decode(&tail);
    }
}
