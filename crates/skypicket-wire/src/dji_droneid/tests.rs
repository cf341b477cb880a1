use super::*;
use proptest::prelude::*;

pub(crate) fn sample() -> FlightInfo {
    FlightInfo {
        seq: 7,
        state: State(State::SERIAL.0 | State::HOME.0 | State::MOTORS.0 | State::IN_AIR.0 | State::GPS.0),
        serial: *b"SKYPICKETEXER001",
        at: Angles::of_degrees(31.76, -106.49),
        altitude_raw: 89,
        height_raw: 228,
        velocity_raw: [1_200, 0, -5],
        yaw_raw: 90,
        version: Version::Two { app_time_ms: 1_780_282_800_250, app: Angles::of_degrees(31.7515, -106.49) },
        home: Angles::of_degrees(31.7516, -106.4901),
        product_type: 16,
        uuid_len: 5,
        uuid: *b"12345\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        flags: Flags::NONE,
    }
}

fn decoded(m: FlightInfo) -> FlightInfo {
    match DroneId::decode(&DroneId::FlightInfo(m).encode()) {
        Ok(DroneId::FlightInfo(m)) => m,
        other => panic!("{other:?}"),
    }
}

#[test]
fn both_versions_go_out_and_come_back() {
    let two = sample();
    assert_eq!(decoded(two), two);
    let one = FlightInfo { version: Version::One { pitch_raw: -3, roll_raw: 4 }, ..two };
    assert_eq!(decoded(one), one);
    let j = DroneId::FlightInfo(one).to_json();
    assert_eq!((&j["version"], &j["pitch_raw"], j.get("app_lat_deg")), (&1.into(), &(-3).into(), None));
}

#[test]
fn positions_are_radians_to_a_hundredth_of_a_metre() {
    let (lat, lon) = sample().at.degrees().unwrap();
    assert!((lat - 31.76).abs() < 4e-6 && (lon + 106.49).abs() < 4e-6);
    assert_eq!(Angles { lat_raw: 15_707_964, lon_raw: 0 }.lat_deg(), None);
    assert_eq!(Angles { lat_raw: i32::MIN, lon_raw: i32::MIN }.degrees(), None);
}

#[test]
fn each_field_is_checked_for_itself() {
    let bad = Angles { lat_raw: 20_000_000, lon_raw: 5 };
    let m = decoded(FlightInfo { home: bad, uuid_len: 21, ..sample() });
    let j = DroneId::FlightInfo(m).to_json();
    assert!(j["home_lat_deg"].is_null() && j["uuid"].is_null() && !j["lat_deg"].is_null());
    assert_eq!(j["flags"], json!(["home_out_of_range", "text_length"]));
}

#[test]
fn without_the_valid_bit_a_position_is_vague_and_flagged() {
    let with = observe(&DroneId::FlightInfo(sample()));
    assert!(with.measured.is_some() && with.flags == ["accuracy_unknown"]);
    let state = State(sample().state.0 & !State::GPS.0 & !State::SERIAL.0);
    let without = observe(&DroneId::FlightInfo(FlightInfo { state, ..sample() }));
    assert!(without.claims.ids.is_empty());
    assert_eq!(without.flags, ["accuracy_unknown", "position_not_valid"]);
    let sigma_m = |seen: &crate::remote_id::observe::Seen| seen.measured.map(|(_, cov)| cov[0][0].sqrt());
    assert_eq!((sigma_m(&with), sigma_m(&without)), (Some(15.0), Some(100.0)));
}

#[test]
fn the_operator_is_at_the_app_and_else_at_home() {
    let at = |m| observe(&DroneId::FlightInfo(m)).claims.operator_at.map(|p| p.lat_deg);
    assert!((at(sample()).unwrap() - 31.7515).abs() < 1e-5);
    let one = FlightInfo { version: Version::One { pitch_raw: 0, roll_raw: 0 }, ..sample() };
    assert!((at(one).unwrap() - 31.7516).abs() < 1e-5);
    assert_eq!(at(FlightInfo { state: State(State::SERIAL.0), ..one }), None);
}

#[test]
fn flight_purpose_keeps_its_texts_as_they_came() {
    let content =
        [&OUI[..], &TYPE, &[FLIGHT_PURPOSE], b"SKYPICKETEXER001", &[4], b"EXER", &[0; 6], &[3], b"fly"].concat();
    let m = DroneId::decode(&content).unwrap();
    assert_eq!(m.encode(), content);
    let j = m.to_json();
    assert_eq!((&j["serial"], &j["id_len"]), (&"SKYPICKETEXER001".into(), &4.into()));
    assert_eq!(observe(&m).claims.id(skypicket_model::observation::IdKind::Serial), Some("SKYPICKETEXER001"));
}

#[test]
fn what_is_cut_or_unknown_is_refused_at_its_byte() {
    let whole = DroneId::FlightInfo(sample()).encode();
    for cut in 0..whole.len() - 20 {
        let e = DroneId::decode(&whole[..cut]).unwrap_err();
        assert_eq!((e.kind.word(), e.offset), ("short", cut));
    }
    let mut version = whole.clone();
    version[7] = 3;
    assert_eq!(DroneId::decode(&version), Err(ErrorKind::DroneIdVersion(3).at(7)));
    let mut element = whole;
    element[6] = 0x12;
    assert_eq!(DroneId::decode(&element), Err(ErrorKind::DroneIdElement(0x12).at(6)));
}

proptest! {
    #[test]
    fn any_bytes_are_taken(element in 0x10u8..0x13, tail in prop::collection::vec(any::<u8>(), 0..250)) {
        let b = [&OUI[..], &TYPE, &[element], &tail].concat();
        if let Ok(m) = DroneId::decode(&b) {
            let again = DroneId::decode(&m.encode());
            prop_assert!(again.is_ok());
            let _ = (m.to_json(), observe(&m));
        }
    }
}
