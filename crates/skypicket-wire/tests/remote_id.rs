//! Remote ID: round trips, observations, and any bytes at all. Hostile inputs by their number are in `hostile.rs`.
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
    As, BasicId, Decoded, Flags, Location, Message, OperatorId, System, beacon, decode_line, decode_payload, observe,
    observe::nearest_hour, pack, text,
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

fn line(bytes: &[u8], form: As) -> Value {
    decode_line(&text::hex(bytes), form)
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
        prop_assert_eq!((d.version, d.messages.iter().collect::<Vec<_>>()), (Some(version), good.clone()));
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
