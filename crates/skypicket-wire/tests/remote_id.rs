//! Remote ID: round trips, hostile inputs by their number in spec/remote-id-trust.md section 5, and any bytes at all.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says when it is skipped"
)]

use proptest::prelude::*;
use serde_json::{Value, json};
use skypicket_model::{Measurement, Place, Signal, SourceId, Time, kinematics::AirClass, observation::IdKind};
use skypicket_wire::remote_id::{
    As, Authentication, BasicId, Decoded, ErrorKind, Flags, Location, Message, OperatorId, SelfId, System,
    authentication::FirstPage, beacon, decode_line, decode_payload, observe, observe::nearest_hour, pack, text,
};
use uuid::Uuid;

fn location() -> Location {
    Location { status: 2, ..Location::UNKNOWN }.with_position(31.76, -106.49).with_alt_geo_m(Some(1_200.0))
}

fn serial(s: &str) -> Message {
    BasicId::of_text(BasicId::SERIAL, 2, s).into()
}

fn packed(messages: &[Message]) -> Decoded {
    pack::decode(&pack::encode(2, messages).unwrap())
}

fn kind(d: &Decoded) -> Option<&'static str> {
    d.error.map(|e| e.kind.word())
}

fn line(bytes: &[u8], form: As) -> Value {
    decode_line(&text::hex(bytes), form)
}

#[test]
fn hostile_01_a_pack_of_0_to_2_bytes_is_short() {
    for n in 0..3 {
        let d = pack::decode(&[0xF2, 25, 1][..n]);
        assert_eq!(d.error, Some(ErrorKind::Short { need: 3, have: n }.at(n)));
    }
}

#[test]
fn hostile_02_a_pack_of_none_is_a_presence() {
    let d = pack::decode(&[0xF2, 25, 0, 1, 2, 3]);
    assert!(d.is_ok() && d.messages.is_empty());
    assert_eq!(d.flags, Flags::PACK_COUNT_ZERO);
    let o = seen(&d, Time::from_micros(0)).unwrap();
    assert!(matches!(o.measurement, Measurement::Presence { .. }));
    assert_eq!(o.flags, ["pack_count_zero"]);
}

#[test]
fn hostile_03_a_count_over_nine_is_refused_whole() {
    for count in 10..=255 {
        let mut b = vec![0xF2, 25, count];
        b.resize(3 + 25 * 12, 0);
        let d = pack::decode(&b);
        assert_eq!((d.error, d.messages.len()), (Some(ErrorKind::PackCount(count).at(2)), 0));
    }
}

#[test]
fn hostile_04_whole_members_of_a_clipped_pack_come_out() {
    let b = pack::encode(2, &[serial("A"), location().into(), SelfId::of_text("x").into()]).unwrap();
    for (cut, whole) in [(1, 2), (25, 2), (26, 1), (50, 1), (75, 0)] {
        let d = pack::decode(&b[..b.len() - cut]);
        assert_eq!(d.messages.len(), whole);
        assert!(d.flags.has(Flags::PACK_CLIPPED) && !d.is_ok());
        assert_eq!(d.error.unwrap().offset, b.len() - cut);
    }
}

#[test]
fn hostile_05_a_member_size_other_than_25_is_refused() {
    for size in (0..=255).filter(|s| *s != 25) {
        let mut b = vec![0xF2, size, 2];
        b.resize(600, 0);
        assert_eq!(pack::decode(&b).error, Some(ErrorKind::PackSize(size).at(1)));
    }
}

#[test]
fn hostile_06_a_pack_in_a_pack_is_passed_over() {
    let mut b = pack::encode(2, &[serial("A"), serial("B"), location().into()]).unwrap();
    b[28] = 0xF2;
    let d = pack::decode(&b);
    assert_eq!(d.messages.len(), 2);
    assert_eq!((d.error, d.flags), (Some(ErrorKind::NestedPack.at(28)), Flags::MEMBER_IS_PACK));
    assert_eq!(kind(&pack::decode_message(&[0xF2; 25])), Some("nested_pack"));
}

#[test]
fn hostile_07_a_reserved_type_is_passed_over() {
    for t in 6..15u8 {
        let mut b = pack::encode(2, &[serial("A"), serial("B"), location().into()]).unwrap();
        b[28] = t << 4 | 2;
        let d = pack::decode(&b);
        assert_eq!(d.messages.len(), 2);
        assert_eq!((d.error, d.flags), (Some(ErrorKind::ReservedType(t).at(28)), Flags::MEMBER_RESERVED));
        let lone = line(&b[28..53], As::Auto);
        assert_eq!((&lone["ok"], &lone["error"]["kind"]), (&json!(false), &json!("reserved_type")));
    }
}

#[test]
fn hostile_08_two_locations_or_systems_conflict_and_the_first_counts() {
    let other = location().with_position(40.0, -100.0);
    let d = packed(&[location().into(), other.into()]);
    assert_eq!((d.messages.len(), d.flags, kind(&d)), (2, Flags::CONFLICT_LOCATION, Some("conflict")));
    let o = seen(&d, Time::from_micros(0)).unwrap();
    assert!((o.measurement.position().unwrap().lat_deg - 31.76).abs() < 1e-9);
    assert!(o.flags.contains(&"conflict_location".to_owned()));
    let d = packed(&[System::UNKNOWN.into(), System::UNKNOWN.with_unix_s(1_700_000_000).into()]);
    assert_eq!((d.messages.len(), d.flags, kind(&d)), (2, Flags::CONFLICT_SYSTEM, Some("conflict")));
}

#[test]
fn hostile_09_basic_ids_that_contradict_each_other_are_kept_and_flagged() {
    let caa = BasicId::of_text(BasicId::CAA, 2, "US.X").into();
    assert_eq!(packed(&[serial("A"), caa]).flags, Flags::NONE);
    assert_eq!(packed(&[serial("A"), serial("A")]).flags, Flags::NONE);
    assert_eq!(packed(&[serial("A"), serial("B")]).flags, Flags::CONFLICT_BASIC_ID);
    let d = packed(&[serial("A"), serial("B"), caa, serial("C"), serial("D")]);
    assert_eq!((d.messages.len(), d.flags), (5, Flags::CONFLICT_BASIC_ID));
    assert_eq!(seen(&d, Time::from_micros(0)).unwrap().claims.ids.len(), 5);
}

#[test]
fn hostile_10_an_impossible_position_costs_only_the_position() {
    for (lat, lon, flag) in [
        (i32::MIN, 0, Flags::LAT_OUT_OF_RANGE),
        (900_000_001, 5, Flags::LAT_OUT_OF_RANGE),
        (5, 1_800_000_001, Flags::LON_OUT_OF_RANGE),
        (5, i32::MIN, Flags::LON_OUT_OF_RANGE),
    ] {
        let l = Location::decode(&Location { lat_e7: lat, lon_e7: lon, ..location() }.encode());
        assert_eq!((l.position(), l.flags, l.alt_geo_m()), (None, flag, Some(1_200.0)));
    }
    let edge = Location { lat_e7: 900_000_000, lon_e7: -1_800_000_000, ..location() };
    assert_eq!(Location::decode(&edge.encode()).position(), Some((90.0, -180.0)));
}

#[test]
fn hostile_11_directions_beyond_a_circle_are_unknown() {
    for raw in 0..=255u8 {
        for west in [false, true] {
            let l = Location::decode(&Location { direction_raw: raw, west, ..location() }.encode());
            let degrees = u16::from(raw) + if west { 180 } else { 0 };
            assert_eq!(l.direction_deg(), (degrees < 360).then_some(degrees));
            assert_eq!(l.flags.has(Flags::DIRECTION_OUT_OF_RANGE), degrees > 359 && degrees != 361);
            assert_eq!(l.flags.has(Flags::DIRECTION_NONCANONICAL), raw >= 180 && !west);
        }
    }
}

#[test]
fn hostile_12_an_impossible_time_falls_back_to_the_receipt() {
    let now = Time::from_unix_s(1_700_000_000.0).unwrap();
    for ts_raw in [36_001, 50_000, 65_534] {
        let l = Location { ts_raw, ..location() };
        let d = packed(&[l.into()]);
        let o = seen(&d, now).unwrap();
        assert_eq!((o.observed_at, o.claims.claimed_at), (now, None));
        assert!(o.flags.contains(&"ts_out_of_range".to_owned()));
    }
}

#[test]
fn hostile_13_impossible_vertical_speeds_are_unknown() {
    for raw in i8::MIN..=i8::MAX {
        let l = Location::decode(&Location { speed_v_raw: raw, ..location() }.encode());
        let possible = (-124..=124).contains(&raw);
        assert_eq!(l.speed_v_mps().is_some(), possible);
        assert_eq!(l.flags.has(Flags::SPEED_V_OUT_OF_RANGE), !possible && raw != 126);
    }
}

#[test]
fn hostile_14_hostile_text_is_escaped_in_claims() {
    let d = packed(&[
        serial("=1+\"<b>\x1b\u{7f}"),
        SelfId { desc: *b"\xE2\x80\xAE txt.exe\0\0\0\0\0\0\0\0\0\0\0\0", ..SelfId::of_text("") }.into(),
    ]);
    let o = seen(&d, Time::from_micros(0)).unwrap();
    assert_eq!(o.claims.id(IdKind::Serial), Some("=1+\"<b>\\x1b\\x7f"));
    assert_eq!(o.claims.text.as_deref(), Some("\\xe2\\x80\\xae txt.exe"));
}

#[test]
fn hostile_15_authentication_lengths_that_cannot_be_are_refused() {
    let page = |last, length| {
        let first = Some(FirstPage { last_page_index: last, length, timestamp_2019_s: 1 });
        Message::from(Authentication { version: 2, auth_type: 1, page: 0, first, data: [0; 23], flags: Flags::NONE })
    };
    let later = |p| {
        Message::from(Authentication {
            version: 2,
            auth_type: 1,
            page: p,
            first: None,
            data: [9; 23],
            flags: Flags::NONE,
        })
    };
    for (last, length, offset) in [(16, 10, 2), (255, 255, 2), (0, 18, 3), (1, 41, 3), (10, 248, 3)] {
        assert_eq!(Message::decode(&page(last, length).encode()).unwrap_err().offset, offset);
        let d = packed(&[page(last, length), location().into()]);
        assert_eq!((d.messages.len(), d.flags), (1, Flags::AUTH_PAGE_REFUSED));
    }
    assert!(packed(&[page(10, 247), later(1), later(10)]).flags.is_empty());
    assert_eq!(packed(&[page(1, 40), later(2)]).flags, Flags::AUTH_ORPHAN_PAGE);
    assert_eq!(packed(&[later(2)]).flags, Flags::AUTH_ORPHAN_PAGE);
}

#[test]
fn hostile_16_extreme_timestamps_do_not_overflow() {
    let s = System { timestamp_2019_s: u32::MAX, ..System::UNKNOWN };
    assert_eq!(s.timestamp_unix_s(), Some(5_841_268_095));
    assert_eq!(System::UNKNOWN.timestamp_unix_s(), None);
    assert_eq!(Message::from(System::UNKNOWN).to_json()["timestamp_unix_s"], Value::Null);
}

#[test]
fn hostile_17_an_element_past_the_end_stops_the_walk_and_what_was_whole_stays() {
    let payload = pack::encode(2, &[serial("A"), serial("B")]).unwrap();
    let frame = beacon::encode([2; 6], "ssid", 9, &payload);
    // The element says 255 bytes, or is cut.
    let mut long = frame.clone();
    let len_at = frame.len() - payload.len() - 6;
    long[len_at] = 255;
    let l = line(&long, As::Beacon);
    assert_eq!((&l["ok"], &l["flags"]), (&json!(true), &json!(["conflict_basic_id", "element_clipped"])));
    let l = line(&frame[..frame.len() - 1], As::Beacon);
    assert_eq!((&l["ok"], l["messages"].as_array().unwrap().len()), (&json!(false), 1));
    // An element before it that runs over it hides it: nothing can be told.
    let mut hidden = frame.clone();
    hidden[37] = 255;
    let l = line(&hidden, As::Beacon);
    assert_eq!((&l["ok"], &l["messages"]), (&json!(true), &json!([])));
    for n in 0..frame.len() {
        let _ = line(&frame[..n], As::Beacon);
    }
}

#[test]
fn several_elements_and_a_header_with_ht_control_are_walked() {
    let one = beacon::encode([2; 6], "", 1, &pack::encode(2, &[serial("A")]).unwrap());
    let two = beacon::encode([2; 6], "", 2, &pack::encode(2, &[location().into()]).unwrap());
    let mut both = one.clone();
    both.extend(&two[36..]);
    let l = line(&both, As::Auto);
    assert_eq!((l["messages"].as_array().unwrap().len(), &l["counters"]), (2, &json!([1, 2])));
    let mut ht = one.clone();
    ht[0] = beacon::PROBE_RESPONSE;
    ht[1] |= 0x88;
    ht.splice(24..24, [0; 4]);
    assert_eq!(line(&ht, As::Auto)["messages"], line(&one, As::Auto)["messages"]);
}

#[test]
fn schemes_that_are_not_built_are_refused_by_name() {
    for element in [&[0x6A, 0x5C, 0x35, 0x01, 1, 1, 1][..], &[0x26, 0x37, 0x12, 0x58, 0x62, 0x13, 0x10]] {
        let mut frame = beacon::encode([2; 6], "", 0, &[]);
        frame.truncate(frame.len() - 7);
        frame.extend([0xDD, 7]);
        frame.extend(element);
        let l = line(&frame, As::Auto);
        assert_eq!((&l["ok"], &l["error"]["kind"]), (&json!(false), &json!("not_built_yet")), "{l}");
    }
}

#[test]
fn plain_messages_without_a_pack_header_are_taken() {
    let b = [serial("A").encode(), Message::from(location()).encode()].concat();
    let d = decode_payload(&b);
    assert_eq!((d.messages.len(), d.flags, d.is_ok()), (2, Flags::NO_PACK_HEADER, true));
    let d = decode_payload(&[&b[..], &[0xFF, 1, 2]].concat());
    assert_eq!((d.messages.len(), d.flags), (2, Flags::NO_PACK_HEADER.with(Flags::TRAILING_BYTES)));
}

#[test]
fn lines_that_are_no_hexadecimal_say_where() {
    for (text, kind, offset) in
        [("0x12", "bad_hex", 1), ("123", "odd_hex", 2), ("", "short", 0), ("12é4", "bad_hex", 2)]
    {
        let l = decode_line(text, As::Message);
        assert_eq!(
            (&l["ok"], &l["error"]["kind"], &l["error"]["offset"]),
            (&json!(false), &json!(kind), &json!(offset))
        );
    }
    assert_eq!(decode_line(&"00".repeat(5_000), As::Auto)["error"]["kind"], "too_long");
    assert_eq!(decode_line(&format!(" {}\r\n", text::hex(&serial("A").encode())), As::Auto)["ok"], true);
}

fn seen(d: &Decoded, at: Time) -> Option<skypicket_model::Observation> {
    observe::observe(d, &SourceId::new("rid").unwrap(), at, Signal::default(), &mut || Uuid::from_u128(1))
}

#[test]
fn an_unknown_accuracy_is_15_m_and_flagged() {
    let d = packed(&[location().into()]);
    let o = seen(&d, Time::from_micros(0)).unwrap();
    let Measurement::Position { cov_enu_m2, .. } = o.measurement else { panic!() };
    assert_eq!(cov_enu_m2, [[225.0, 0.0, 0.0], [0.0, 225.0, 0.0], [0.0, 0.0, 225.0]]);
    assert_eq!(o.flags, ["accuracy_unknown"]);
    // Without a height there is no vertical variance, and the height is not zero but unknown.
    let d = packed(&[location().with_alt_geo_m(None).with_accuracy_m(2.0, 500.0).into()]);
    let o = seen(&d, Time::from_micros(0)).unwrap();
    let Measurement::Position { at, cov_enu_m2 } = o.measurement else { panic!() };
    assert_eq!((at.alt_hae_m, cov_enu_m2[2][2]), (None, 0.0));
    assert!(o.flags.is_empty());
}

#[test]
fn no_position_is_a_presence_at_the_receiver_with_its_claims() {
    let post = Place::new(31.0, -106.0, None).unwrap();
    let signal = Signal { receiver_at: Some(post), ..Signal::default() };
    let uuid = BasicId { id_type: BasicId::UTM, id: [0xAB; 20], ..BasicId::of_text(1, 4, "") };
    let d = packed(&[
        serial("1581F6N8A23B2ML3Y3KR"),
        uuid.into(),
        Location { status: 3, ..Location::UNKNOWN }.with_height_agl_m(Some(12.0)).into(),
        OperatorId::of_text("FIN87astrdge12k8").into(),
        System::UNKNOWN.with_operator(31.5, -106.5, None).into(),
    ]);
    let source = SourceId::new("rid").unwrap();
    let o = observe::observe(&d, &source, Time::from_micros(0), signal, &mut || Uuid::from_u128(1)).unwrap();
    assert_eq!(o.measurement, Measurement::Presence { from: Some(post), radius_m: None });
    assert_eq!(o.claims.id(IdKind::Utm), Some("ab".repeat(16).as_str()));
    assert_eq!((o.claims.class, o.claims.status.as_deref()), (Some(AirClass::Rotor), Some("emergency")));
    assert_eq!((o.claims.height_agl_m, o.claims.height_takeoff_m), (Some(12.0), None));
    assert_eq!(o.claims.operator_id.as_deref(), Some("FIN87astrdge12k8"));
    assert_eq!(o.claims.operator_at.map(|p| (p.lat_deg, p.lon_deg)), Some((31.5, -106.5)));
    assert_eq!(o.claims.velocity_enu_mps, None);
}

#[test]
fn a_claimed_time_is_used_only_while_plausible() {
    let now = Time::from_unix_s(1_700_000_123.4).unwrap();
    for (lag, used) in [(0.5, true), (4.9, true), (-0.9, true), (6.0, false), (-2.0, false), (900.0, false)] {
        let claimed = now.plus_s(-lag);
        let d = packed(&[location().with_unix_micros(claimed.as_micros()).into()]);
        let o = seen(&d, now).unwrap();
        assert!((o.claims.claimed_at.unwrap().since_s(claimed)).abs() <= 0.1);
        assert_eq!(o.observed_at == o.claims.claimed_at.unwrap(), used, "{lag}");
        assert_eq!(o.flags.contains(&"clock_suspect".to_owned()), !used);
    }
}

#[test]
fn time_of_hour_is_resolved_across_the_hour() {
    let lag_us = |r: Time, tenths| r.as_micros() - nearest_hour(r, tenths).as_micros();
    // 2023-04-01T17:00:00.2Z; a position of 16:59:59.5 is not an hour in the future.
    let r = Time::from_unix_s(1_680_368_400.2).unwrap();
    assert_eq!(lag_us(r, 35_995), 700_000);
    assert_eq!(lag_us(r, 36_000), 200_000);
    let before = r.plus_s(-1.0);
    assert_eq!(lag_us(before, 5), -1_300_000);
}

fn raw() -> impl Strategy<Value = [u8; 25]> {
    (any::<[u8; 25]>(), 0u8..6).prop_map(|(mut b, t)| {
        b[0] = t << 4 | b[0] & 15;
        b
    })
}

/// The bytes that a message means: reserved ones zero.
fn without_reserved(mut b: [u8; 25]) -> [u8; 25] {
    match b[0] >> 4 {
        0 | 5 => b[22..].fill(0),
        1 => {
            b[1] &= !8;
            b[23] &= 15;
            b[24] = 0;
        }
        4 => {
            b[1] &= 0x1F;
            b[24] = 0;
        }
        _ => {}
    }
    b
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_decoded_encodes_to_the_same_bytes(b in raw()) {
        if let Ok(m) = Message::decode_raw(&b) {
            prop_assert_eq!(m.encode(), without_reserved(b));
            let again = Message::decode_raw(&m.encode()).unwrap();
            prop_assert_eq!(again.encode(), m.encode());
        }
    }

    #[test]
    fn a_pack_of_good_messages_comes_back(list in prop::collection::vec(raw(), 1..=9), version in 0u8..16) {
        let good: Vec<_> = list.iter().filter_map(|b| Message::decode_raw(&without_reserved(*b)).ok()).collect();
        prop_assume!(!good.is_empty());
        let d = pack::decode(&pack::encode(version, &good).unwrap());
        prop_assert_eq!((d.version, &*d.messages), (Some(version), &good[..]));
        let frame = beacon::encode([1; 6], "a drone", 3, &pack::encode(version, &good).unwrap());
        let e = beacon::walk(&frame).unwrap().next().unwrap();
        prop_assert_eq!(decode_payload(e.payload), d);
    }

    #[test]
    fn quantities_come_back_within_their_step(
        lat in -90.0..=90.0f64, lon in -180.0..=180.0f64, alt in -999.0..31_000.0f64, course in -720.0..720.0f64,
        speed in 0.0..254.0f64, up in -62.0..=62.0f64, us in 0i64..4_000_000_000_000_000,
    ) {
        let l = Location::UNKNOWN.with_position(lat, lon).with_alt_geo_m(Some(alt)).with_alt_baro_m(Some(alt))
            .with_height_takeoff_m(Some(alt)).with_ground_velocity(course, speed).with_speed_v_mps(up).with_unix_micros(us);
        let l = Location::decode(&l.encode());
        prop_assert_eq!(l.flags, Flags::NONE);
        let p = l.position().unwrap();
        prop_assert!((p.0 - lat).abs() <= 0.6e-7 && (p.1 - lon).abs() <= 1.1e-7);
        for m in [l.alt_geo_m(), l.alt_baro_m(), l.height_m()] {
            prop_assert!((m.unwrap() - alt).abs() <= 0.2501);
        }
        let turn = (f64::from(l.direction_deg().unwrap()) - course).rem_euclid(360.0);
        prop_assert!(!(0.5001..=359.4999).contains(&turn), "{turn}");
        let step = if speed > 63.75 { 0.376 } else { 0.126 };
        prop_assert!((l.speed_h_mps().unwrap() - speed).abs() <= step);
        prop_assert!((l.speed_v_mps().unwrap() - up).abs() <= 0.2501);
        let received = Time::from_micros(us + 300_000);
        prop_assert!((0..100_000).contains(&(us - nearest_hour(received, l.ts_raw).as_micros())));
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(b in prop::collection::vec(any::<u8>(), 0..320), h in prop::sample::select(
        vec![&[][..], &[0xF2, 25, 9], &[0xF2, 25, 3], &[0x80, 0], &[0x80, 0x80], &[0x50], &[0xD0], &[0x1E, 0x16, 0xFA, 0xFF, 0x0D]],
    )) {
        let b = [h, &b].concat();
        for form in [As::Auto, As::Message, As::Pack, As::Beacon, As::Nan, As::BleLegacy, As::BleExtended] {
            let l = line(&b, form);
            prop_assert_eq!(l["ok"].as_bool().unwrap(), l["error"].is_null());
            let offset = l["error"]["offset"].as_u64().unwrap_or(0);
            prop_assert!(offset <= b.len() as u64, "{l}");
        }
        for d in [decode_payload(&b), pack::decode(&b), pack::decode_message(&b)] {
            if let Some(o) = seen(&d, Time::from_micros(1_700_000_000_000_000)) {
                if let Measurement::Position { at, cov_enu_m2 } = o.measurement {
                    prop_assert!(at.check().is_ok() && cov_enu_m2[0][0] > 0.0);
                }
                prop_assert!(o.claims.text.is_none_or(|t| t.bytes().all(|c| (0x20..=0x7E).contains(&c))));
            }
        }
    }

    #[test]
    fn a_value_used_again_keeps_nothing(list in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..240), 1..6)) {
        let mut again = Decoded::empty();
        for b in &list {
            let b = [&[0xF2, 25, 7], &b[..]].concat();
            pack::decode_into(&b, &mut again);
            prop_assert_eq!(again, pack::decode(&b));
        }
    }

    #[test]
    fn any_line_of_text_gives_an_object(s in any::<String>()) {
        prop_assert!(decode_line(&s, As::Auto)["ok"].is_boolean());
    }
}

/// A NAN frame with the attributes given.
fn nan_frame(attributes: &[u8]) -> Vec<u8> {
    let mut f = vec![0xD0, 0, 0, 0, 0x51, 0x6F, 0x9A, 1, 0, 0, 2, 2, 2, 2, 2, 2, 0x50, 0x6F, 0x9A, 1, 0, 0xFF, 0, 0];
    f.extend([0x04, 0x09, 0x50, 0x6F, 0x9A, 0x13]);
    f.extend(attributes);
    f
}

/// Hostile input 17, in NAN: attributes before and after, other control bits, lengths past the end.
#[test]
fn nan_attributes_are_walked() {
    let payload = pack::encode(2, &[serial("A"), location().into()]).unwrap();
    let attribute =
        |id: u8, content: &[u8]| [&[id][..], &u16::try_from(content.len()).unwrap().to_le_bytes(), content].concat();
    let info = [&[u8::try_from(payload.len() + 1).unwrap(), 42][..], &payload].concat();
    let service = [0x88, 0x69, 0x19, 0x9D, 0x92, 0x09, 1, 0];
    let plain = attribute(3, &[&service[..], &[0x10], &info].concat());
    let extension = attribute(0x0E, &[1, 0, 2, 42]);
    let filters = attribute(3, &[&service[..], &[0x5C, 7, 7, 2, 8, 8, 1, 9], &info].concat());
    for attributes in [
        [&plain[..], &extension].concat(),
        [&attribute(0x7F, &[1, 2, 3]), &extension[..], &plain].concat(),
        [&filters[..], &extension].concat(),
        [&plain[..], &extension, &[9, 0xFF, 0xFF, 1]].concat(),
    ] {
        let l = line(&nan_frame(&attributes), As::Auto);
        assert_eq!((&l["ok"], &l["flags"], &l["counters"]), (&json!(true), &json!([]), &json!([42])), "{l}");
        assert_eq!(l["messages"].as_array().unwrap().len(), 2);
    }
    let l = line(&nan_frame(&plain), As::Nan);
    assert_eq!((&l["ok"], &l["flags"]), (&json!(true), &json!(["nan_no_extension"])));
    // Cut within the pack: the whole member comes out.
    let l = line(&nan_frame(&plain[..plain.len() - 1]), As::Nan);
    assert_eq!((&l["ok"], l["messages"].as_array().unwrap().len()), (&json!(false), 1));
    // A length of 0xFFFF hides what follows.
    let l = line(&nan_frame(&[&[9, 0xFF, 0xFF][..], &plain].concat()), As::Nan);
    assert_eq!((&l["ok"], &l["messages"]), (&json!(true), &json!([])));
}

/// Hostile input 17, in Bluetooth.
#[test]
fn advertising_structures_are_walked() {
    let message = serial("A").encode();
    let service = [&[30, 0x16, 0xFA, 0xFF, 0x0D, 7][..], &message].concat();
    for before in [&[][..], &[2, 1, 6], &[2, 1, 6, 2, 0x0A, 0xF4]] {
        let l = line(&[before, &service].concat(), As::Auto);
        assert_eq!((&l["ok"], &l["messages"][0]["uas_id"], &l["counters"]), (&json!(true), &json!("A"), &json!([7])));
    }
    for (before, clipped) in [(&[0][..], false), (&[200, 1][..], true)] {
        let l = line(&[before, &service].concat(), As::BleLegacy);
        assert_eq!((&l["ok"], &l["messages"]), (&json!(true), &json!([])));
        assert_eq!(l["flags"] == json!(["element_clipped"]), clipped);
    }
}
