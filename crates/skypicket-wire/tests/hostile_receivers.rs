//! Hostile input 20, and the others that reach a receiver's feed: what the robust answer is, item by item.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::{Value, json};
use skypicket_model::{Observation, SourceId, Time, observation::IdKind};
use skypicket_wire::{
    adsb::{framing::encode_beast, message::encode_position},
    feed::{FeedFormat, Heard, Moment, Piece, open},
    mavlink::{self, Frame, frame::NoFrame, open_drone_id},
    receivers::{As, Lines},
    relayed::{BasicId, Location, Message},
};
use std::io::Write as _;
use uuid::Uuid;

fn now() -> Time {
    Time::from_unix_s(1_735_677_520.0).unwrap()
}

/// What a feed of a format hears of pieces.
fn heard(format: FeedFormat, pieces: &[&[u8]], piece: Piece) -> Vec<Heard> {
    let source = SourceId::new("gate").unwrap();
    let mut n = 0u128;
    let mut new_id = || {
        n += 1;
        Uuid::from_u128(n)
    };
    let mut at = Moment::new(&source, now(), &mut new_id);
    let mut feed = open(format);
    let mut out = Vec::new();
    for p in pieces {
        feed.hear(p, piece, &mut at, &mut |h| out.push(h));
    }
    out
}

fn observations(heard: &[Heard]) -> Vec<&Observation> {
    let mut out = Vec::new();
    for h in heard {
        if let Heard::Observation { observation, .. } = h {
            out.push(&**observation);
        }
    }
    out
}

fn reasons(heard: &[Heard]) -> Vec<&'static str> {
    heard.iter().filter_map(|h| if let Heard::Refused { reason, .. } = h { Some(*reason) } else { None }).collect()
}

fn lines(text: &[u8], form: As) -> Vec<Value> {
    let (mut l, mut out) = (Lines::new(form), Vec::new());
    l.push(text, &mut |v| out.push(v));
    l.finish(&mut |v| out.push(v));
    out
}

/// A good line of a node, with a serial of its own.
fn good(n: u32) -> String {
    json!({"t": 1_735_677_519.5, "mac": "fa:0b:bc:12:34:56", "radio": "ble_coded", "rssi": -68, "type": "Location/Vector",
           "lat": 31.75, "lon": -106.5, "alt": 1200.5, "speed": 8.25, "hdg": 270.0, "id": format!("SKYP1RST0GHTH{n:04}")})
    .to_string()
}

#[test]
fn hostile_20_a_line_without_end_is_refused_once_and_the_next_is_read() {
    let chunk = vec![b'x'; 1 << 20];
    let mut pieces: Vec<&[u8]> = vec![b"{\"mac\":\""];
    pieces.resize(65, &chunk);
    let tail = format!("\"}}\n{}\n", good(1));
    pieces.push(tail.as_bytes());
    let heard = heard(FeedFormat::DroneCot, &pieces, Piece::Stream);
    assert_eq!(reasons(&heard), ["json_too_large"]);
    assert_eq!(observations(&heard)[0].claims.id(IdKind::Serial), Some("SKYP1RST0GHTH0001"));
}

#[test]
fn hostile_20_depth_of_ten_thousand_is_refused_without_recursion() {
    for open in ["[", "{\"a\":"] {
        let text = format!("{}\n{}\n", open.repeat(10_000), good(1));
        let heard = heard(FeedFormat::Receivers, &[text.as_bytes()], Piece::Stream);
        assert_eq!(reasons(&heard), ["json_too_deep"], "{open}");
        assert_eq!(observations(&heard).len(), 1);
    }
}

#[test]
fn hostile_20_numbers_that_are_not_finite_never_come_out() {
    for bad in ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"] {
        let text = good(1).replace("31.75", bad);
        let got = lines(text.as_bytes(), As::Auto);
        assert_eq!(got[0]["ok"], false, "{bad}");
        assert!(["json_syntax", "json_number"].contains(&got[0]["error"]["kind"].as_str().unwrap()), "{bad}");
        // The same as a text: a value out of range, flagged.
        let text = good(1).replace("31.75", &format!("\"{bad}\""));
        let got = lines(text.as_bytes(), As::Auto);
        let m = &got[0]["messages"][1];
        assert_eq!(
            (&m["lat_deg"], &m["lon_deg"], &m["speed_h_mps"]),
            (&Value::Null, &Value::Null, &json!(8.25)),
            "{bad}"
        );
        let heard = heard(FeedFormat::DroneCot, &[text.as_bytes()], Piece::Whole);
        assert!(observations(&heard)[0].measurement.position().is_none(), "{bad}");
    }
    // The same in the binary structure.
    let bad = Message::Location(Box::new(Location {
        position: Some((f64::NAN, f64::INFINITY)),
        alt_geo_m: Some(f64::NAN),
        speed_h_mps: Some(f64::INFINITY),
        ..Location::default()
    }));
    let text = dronescout(&[bad]);
    let got = lines(text.as_bytes(), As::Auto);
    let m = &got[0]["messages"][0];
    assert_eq!(
        m["flags"],
        json!(["lat_out_of_range", "lon_out_of_range", "speed_h_out_of_range", "alt_geo_out_of_range"])
    );
    assert_eq!((&m["lat_deg"], &m["alt_geo_m"], &m["speed_h_mps"]), (&Value::Null, &Value::Null, &Value::Null));
}

fn dronescout(messages: &[Message]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let structure = STANDARD.encode(skypicket_wire::receivers::uas_data::encode(messages));
    json!({"protocol": 1.0, "data": {"sensor ID": "gate-1", "RSSI": -70, "channel": 6, "timestamp": 1_735_677_519_500u64,
           "MAC address": "7E:60:B8:80:BE:E4", "type": "WiFi beacon", "UASdata": structure}})
    .to_string()
}

#[test]
fn hostile_20_a_key_given_twice_is_refused_and_not_read_one_way_or_the_other() {
    let twice = good(1).replace("\"rssi\":-68", "\"lat\":10.0,\"rssi\":-68");
    let text = format!("{twice}\n{}\n", good(2));
    let heard = heard(FeedFormat::Receivers, &[text.as_bytes()], Piece::Stream);
    assert_eq!(reasons(&heard), ["json_duplicate_key"]);
    assert_eq!(observations(&heard)[0].claims.id(IdKind::Serial), Some("SKYP1RST0GHTH0002"));
}

#[test]
fn hostile_20_objects_run_together_are_read_one_by_one() {
    for between in ["", "\n", "\0", "\0\n", " , "] {
        let text = [good(1), good(2), good(3)].join(between);
        for end in ["", "\n", "\0"] {
            let got = lines(format!("{text}{end}").as_bytes(), As::Auto);
            assert_eq!(got.iter().map(|l| l["ok"] == true).collect::<Vec<_>>(), [true; 3], "{between:?} {end:?}");
        }
    }
    let array = format!("[{},{}]", good(1), good(2));
    assert_eq!(lines(array.as_bytes(), As::Auto).len(), 2);
}

#[test]
fn hostile_20_numbers_as_texts_are_read_with_their_units() {
    let text =
        json!({"Basic ID": {"id_type": "Serial Number (ANSI/CTA-2063-A)", "id": "SKYP1RST0GHTH0001", "ua_type": "2"},
        "Location/Vector Message": {"latitude": "31.75", "longitude": "-106.5", "speed": "12.25 m/s",
            "geodetic_altitude": "1200.5 m", "pressure_altitude": "1190.0 m", "height_agl": "60 m", "direction": "270",
            "horizontal_accuracy": "<10 m", "vertical_accuracy": "<3 m", "speed_accuracy": "<1 m/s"}})
        .to_string();
    let got = lines(text.as_bytes(), As::Auto);
    let m = &got[0]["messages"][1];
    for (key, want) in [
        ("lat_deg", 31.75),
        ("lon_deg", -106.5),
        ("speed_h_mps", 12.25),
        ("alt_geo_m", 1200.5),
        ("alt_baro_m", 1190.0),
        ("height_m", 60.0),
        ("direction_deg", 270.0),
        ("horiz_acc", 10.0),
        ("vert_acc", 5.0),
        ("speed_acc", 3.0),
    ] {
        assert_eq!(m[key].as_f64(), Some(want), "{key} of {m}");
    }
}

#[test]
fn hostile_20_raw_and_scaled_latitude_are_told_by_their_range() {
    let of = |lat: Value, lon: Value, alt: Value| {
        let text = json!([{"Basic ID": {"id_type": "Serial Number", "id": "SKYP1RST0GHTH0001"}},
            {"Location/Vector Message": {"latitude": lat, "longitude": lon, "geodetic_altitude": alt}}])
        .to_string();
        lines(text.as_bytes(), As::Auto)[0]["messages"][1].clone()
    };
    let scaled = of(json!(33.657_700_4), json!(-106.5), json!(76.0));
    let raw = of(json!(336_577_004), json!(-1_065_000_000), json!(2152));
    for key in ["lat_deg", "lon_deg", "alt_geo_m"] {
        assert_eq!(scaled[key], raw[key], "{key}");
    }
    assert_eq!(raw["flags"], json!(["raw_scaled"]));
    // A degree too many is neither.
    let bad = of(json!(91), json!(8.0), json!(76.0));
    assert_eq!((&bad["lat_deg"], &bad["flags"]), (&Value::Null, &json!(["lat_out_of_range"])));
    let bad = of(json!(9_000_000_001i64), json!(8.0), json!(76.0));
    assert_eq!((&bad["lat_deg"], &bad["flags"]), (&Value::Null, &json!(["lat_out_of_range"])));
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut w = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(6)).unwrap();
    w.write_all(bytes).unwrap();
    w.finish().unwrap()
}

#[test]
fn hostile_20_an_lzma_bomb_is_refused_and_an_honest_payload_is_read() {
    let payload = xz(format!("{}\0", dronescout(&[identity()])).as_bytes());
    let ok = heard(FeedFormat::DroneScout, &[&payload], Piece::Whole);
    assert_eq!(observations(&ok)[0].claims.id(IdKind::Serial), Some("SKYP1RST0GHTH0001"));
    let bomb = xz(&vec![b' '; 32 << 20]);
    assert!(bomb.len() < 10_000);
    assert_eq!(reasons(&heard(FeedFormat::DroneScout, &[&bomb], Piece::Whole)), ["lzma_too_large"]);
}

fn identity() -> Message {
    let id = b"SKYP1RST0GHTH0001".to_vec();
    Message::BasicId(BasicId { id_type: Some(1), ua_type: Some(2), id, flags: vec![] })
}

#[test]
fn hostile_20_mavlink_packets_with_trimmed_zeros_are_whole_again() {
    // An id that ends early leaves up to 20 zeros out.
    for n in 1..=20 {
        let id = vec![b'A'; n];
        let m = Message::BasicId(BasicId { id_type: Some(1), ua_type: Some(2), id: id.clone(), flags: vec![] });
        let (message, payload) = open_drone_id::encode(&m, [0; 20]).unwrap();
        let frame =
            Frame { version: 2, sequence: 1, system: 1, component: 1, message, signed: false, checked: true, payload };
        let bytes = frame.encode();
        assert_eq!(bytes.len(), 12 + 24 + n);
        let line = mavlink::decode_line(&hex(&bytes));
        assert_eq!(line["messages"][0]["uas_id"], String::from_utf8(id).unwrap(), "{line}");
        assert_eq!((&line["ok"], &line["messages"][0]["ua_type"]), (&json!(true), &json!(2)));
    }
    // All of a payload is zeros: one byte is sent.
    let frame = Frame {
        version: 2,
        sequence: 1,
        system: 1,
        component: 1,
        message: mavlink::LOCATION,
        signed: false,
        checked: true,
        payload: vec![],
    };
    let bytes = frame.encode();
    assert_eq!(bytes.len(), 13);
    let line = mavlink::decode_line(&hex(&bytes));
    assert_eq!((&line["messages"][0]["lat_deg"], &line["messages"][0]["direction_deg"]), (&Value::Null, &json!(0.0)));
    assert_eq!(Frame::decode(&bytes[..12]), Err(NoFrame::Short(13)));
}

#[test]
fn a_mavlink_pack_that_says_more_than_nine_or_another_size_is_refused() {
    let (message, payload) =
        open_drone_id::encode_pack(&[skypicket_wire::remote_id::OperatorId::of_text("FIN87").into()], [0; 20]).unwrap();
    for (at, value, ok) in
        [(23, 1, true), (23, 0, false), (23, 10, false), (23, 255, false), (22, 24, false), (22, 0, false)]
    {
        let mut payload = payload.clone();
        payload[at] = value;
        let frame =
            Frame { version: 2, sequence: 1, system: 1, component: 1, message, signed: false, checked: true, payload };
        let line = mavlink::decode_line(&hex(&frame.encode()));
        assert_eq!(line["ok"], ok, "{at} {value}: {line}");
        if !ok {
            assert_eq!(
                (&line["error"]["offset"], line["messages"].as_array().unwrap().len()),
                (&json!(at), 0),
                "{line}"
            );
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    skypicket_wire::remote_id::text::hex(bytes)
}

#[test]
fn hostile_texts_come_out_escaped_and_as_claims_only() {
    let text = good(1).replace("SKYP1RST0GHTH0001", "\\u001b[31m<b>\\u202e=cmd|' /C calc'!A0");
    let heard = heard(FeedFormat::DroneCot, &[text.as_bytes()], Piece::Whole);
    let claims = &observations(&heard)[0].claims;
    let id = claims.id(IdKind::Serial).unwrap();
    assert!(id.bytes().all(|b| (0x20..=0x7E).contains(&b)) && id.starts_with("\\x1b[31m<b>"), "{id}");
}

#[test]
fn a_flood_of_aircraft_on_a_beast_stream_is_bounded_work() {
    let mut bytes = Vec::new();
    for icao in 0..20_000u32 {
        bytes.extend(encode_beast(&encode_position(icao, 31.75, -106.5, 2_000.0, icao % 2 == 0), 0, 1));
    }
    assert!(observations(&heard(FeedFormat::Beast, &[&bytes], Piece::Stream)).is_empty(), "no pair, no place");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_bytes_to_any_feed_never_panic_and_never_say_what_is_not_finite(
        format in prop::sample::select(FeedFormat::ALL.to_vec()),
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..4),
        whole in any::<bool>(),
    ) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        for h in heard(format, &pieces, if whole { Piece::Whole } else { Piece::Stream }) {
            let said = format!("{h:?}");
            prop_assert!(!said.contains("NaN"), "{}", said);
        }
    }

    #[test]
    fn any_values_under_the_known_keys_never_panic_and_never_say_what_is_not_finite(
        fields in proptest::collection::vec((prop::sample::select(KEYS.to_vec()), value()), 0..12),
        inner in proptest::collection::vec((prop::sample::select(KEYS.to_vec()), value()), 0..12),
        form in prop::sample::select(vec![FeedFormat::Receivers, FeedFormat::DroneScout, FeedFormat::DragonSync, FeedFormat::DroneCot,
            FeedFormat::MeshMapper, FeedFormat::AircraftJson, FeedFormat::NetRid]),
        under in prop::sample::select(vec!["data", "Basic ID", "Location/Vector Message", "System Message", "current_state", "details", "x"]),
    ) {
        let mut o: serde_json::Map<String, Value> = fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        o.insert(under.to_owned(), inner.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
        let text = Value::Object(o).to_string();
        for h in heard(form, &[text.as_bytes()], Piece::Whole) {
            if let Heard::Observation { observation, .. } = &h {
                let said = format!("{observation:?}");
                prop_assert!(!said.contains("NaN") && !said.contains("inf,") && !said.contains("inf)"), "{}", said);
            }
        }
        for l in lines(text.as_bytes(), As::Auto) {
            prop_assert!(l["ok"].is_boolean() && l["messages"].is_array() && l["flags"].is_array());
        }
    }
}

const KEYS: &[&str] = &[
    "protocol",
    "data",
    "UASdata",
    "raw",
    "MAC address",
    "sensor ID",
    "timestamp",
    "RSSI",
    "channel",
    "type",
    "address",
    "category",
    "altitude",
    "altitude type",
    "latitude",
    "longitude",
    "speed",
    "vert_speed",
    "geodetic_altitude",
    "direction",
    "id",
    "id_type",
    "ua_type",
    "lat",
    "lon",
    "alt",
    "hdg",
    "radio",
    "mac",
    "t",
    "icao",
    "drone_lat",
    "drone_long",
    "drone_altitude",
    "basic_id",
    "pilot_lat",
    "pilot_lon",
    "home_lat",
    "home_lon",
    "center_hz",
    "radius_m",
    "hex",
    "alt_baro",
    "alt_geom",
    "gs",
    "track",
    "nac_p",
    "rc",
    "seen_pos",
    "now",
    "flights",
    "observed_at",
    "seen_by",
    "gps_fix",
    "BasicID",
    "UAType",
    "TimeStamp",
    "Latitude",
    "Longitude",
    "operator_lat",
    "operator_lon",
    "frequency",
];

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-400.0..400.0f64).prop_map(Value::from),
        prop::sample::select(vec![1e308, -1e308, 65_535.0, 361.0, 255.0, -1000.0, 0.0]).prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "1e400",
            "-5 m",
            "<10 m",
            "drone-alert",
            "ground",
            "AAAA",
            "2022-01-01T00:00:00Z",
            "~2abcde",
            "\u{202e}x"
        ])
        .prop_map(Value::from),
        Just(json!([1, 2, 3])),
        Just(json!([{"lat": 1.0, "lon": 2.0, "id": "x"}])),
    ]
}
