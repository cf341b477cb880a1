//! Receivers, MAVLink, ADS-B and network Remote ID against real messages (where the corpus is there, `SKYPICKET_CORPUS`)
//! and against messages made here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::{Value, json};
use skypicket_model::{
    Measurement, Observation, Place, SourceId, Time,
    kinematics::AirClass,
    observation::{IdClaim, IdKind},
};
use skypicket_wire::{
    adsb::{
        self,
        framing::encode_beast,
        message::{encode_identification, encode_position},
    },
    feed::{Feed, FeedFormat, Heard, Moment, OwnAircraft, Piece, open},
    mavlink::{self, Frame, open_drone_id},
    netrid,
    receivers::{As, Lines, antsdr, uas_data},
    relayed::{self, Message},
};
use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// A file of a corpus folder, or nothing, said plainly.
fn corpus(folder: &str, name: &str) -> Option<Vec<u8>> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("SKYPICKET_CORPUS").map_or(default, PathBuf::from).join(folder);
    if !root.is_dir() {
        // Past the capture of the test harness: a test that checked nothing must say so.
        let _ = writeln!(std::io::stdout(), "skipped: no corpus ({folder})");
        return None;
    }
    Some(fs::read(root.join(name)).unwrap())
}

fn lines(bytes: &[u8], form: As) -> Vec<Value> {
    let (mut l, mut out) = (Lines::new(form), Vec::new());
    l.push(bytes, &mut |v| out.push(v));
    l.finish(&mut |v| out.push(v));
    out
}

/// A feed with a clock that the test sets.
struct Post {
    feed: Box<dyn Feed>,
    now: Time,
    receiver_at: Option<Place>,
    topic: &'static str,
    retained: bool,
    own: Vec<OwnAircraft>,
}

impl Post {
    fn new(format: FeedFormat, now_s: f64) -> Self {
        let now = Time::from_unix_s(now_s).unwrap();
        Self { feed: open(format), now, receiver_at: None, topic: "", retained: false, own: vec![] }
    }

    fn hear(&mut self, bytes: &[u8], piece: Piece) -> Vec<Heard> {
        let source = SourceId::new("gate").unwrap();
        let mut n = 0u128;
        let mut new_id = || {
            n += 1;
            Uuid::from_u128(n)
        };
        let mut at = Moment {
            receiver_at: self.receiver_at,
            topic: self.topic,
            retained: self.retained,
            own: &self.own,
            ..Moment::new(&source, self.now, &mut new_id)
        };
        let mut out = Vec::new();
        self.feed.hear(bytes, piece, &mut at, &mut |h| out.push(h));
        out
    }

    fn whole(&mut self, bytes: &[u8]) -> Vec<Heard> {
        self.hear(bytes, Piece::Whole)
    }
}

fn observations(heard: Vec<Heard>) -> Vec<Observation> {
    let observation = |h| if let Heard::Observation { observation, .. } = h { Some(*observation) } else { None };
    heard.into_iter().filter_map(observation).collect()
}

fn message<'a>(line: &'a Value, kind: &str) -> &'a Value {
    line["messages"].as_array().unwrap().iter().find(|m| m["msg"] == kind).unwrap_or(&Value::Null)
}

// ---- DroneScout and dronecot ----

const REAL: [(&str, usize, &str); 4] = [
    ("WiFi-beacon.json", 2, "wifi_beacon"),
    ("WiFi-NaN.json", 3, "wifi_nan"),
    ("BLE-legacy.json", 19, "ble_legacy"),
    ("BLE-long_range.json", 4, "ble_extended"),
];

#[test]
fn all_real_dronescout_messages_decode_whole() {
    let mut total = 0;
    for (name, _, transport) in REAL {
        let Some(bytes) = corpus("dronecot", name) else { return };
        let got = lines(&bytes, As::Auto);
        total += got.len();
        for l in &got {
            assert_eq!(
                (&l["ok"], &l["error"], &l["as"]),
                (&json!(true), &Value::Null, &json!("dronescout")),
                "{name}: {l}"
            );
            assert_eq!(l["reception"]["transport"], transport);
            assert_eq!(l["reception"]["receiver"], "SNSTAC-CUAS-0002");
            let id = message(l, "basic_id");
            assert_eq!(
                (&id["uas_id"], &id["id_type"], &id["ua_type"]),
                (&json!("1787F04BM24010011195"), &json!(1), &json!(2))
            );
            let at = message(l, "location");
            assert!(
                (at["lat_deg"].as_f64().unwrap() - 37.76).abs() < 0.01 && at["lon_deg"].as_f64().unwrap() < -122.0,
                "{at}"
            );
            assert_eq!(
                (&at["alt_baro_m"], &at["height_m"]),
                (&Value::Null, message(l, "location").get("height_m").unwrap())
            );
            assert!(message(l, "system")["operator_lat_deg"].is_number(), "{l}");
            for m in l["messages"].as_array().unwrap() {
                assert_eq!(m["flags"], json!([]), "{name}: {m}");
            }
        }
        assert_eq!(lines(&bytes, As::DroneScout).len(), got.len());
    }
    assert_eq!(total, 28);
}

#[test]
fn real_dronescout_messages_become_observations_with_their_own_times() {
    for (name, _, transport) in REAL {
        let Some(bytes) = corpus("dronecot", name) else { return };
        for value in serde_json::from_slice::<Value>(&bytes)
            .map(|v| if v.is_array() { v } else { json!([v]) })
            .into_iter()
            .flat_map(|v| v.as_array().unwrap().clone())
        {
            let sensor_s = value["data"]["timestamp"].as_f64().unwrap() / 1000.0;
            let mut post = Post::new(FeedFormat::DroneScout, sensor_s + 0.5);
            let heard = post.whole(value.to_string().as_bytes());
            let Heard::Observation { receiver, .. } = &heard[0] else { panic!() };
            assert_eq!(receiver.as_deref(), Some("SNSTAC-CUAS-0002"));
            let all = observations(heard);
            let o = &all[0];
            assert_eq!((all.len(), o.claims.id(IdKind::Serial)), (1, Some("1787F04BM24010011195")));
            assert_eq!((o.claims.class, o.signal.transport.as_deref()), (Some(AirClass::Rotor), Some(transport)));
            assert!(matches!(o.measurement, Measurement::Position { .. }) && o.signal.rssi_dbm.unwrap() < 0.0);
            let lag = sensor_s - o.claims.claimed_at.unwrap().unix_s();
            assert!((0.0..3.0).contains(&lag) && o.observed_at == o.claims.claimed_at.unwrap(), "{lag}");
            assert_eq!(o.signal.address.as_deref(), value["data"]["MAC address"].as_str(), "an address, no identity");
        }
    }
}

#[test]
fn a_real_status_is_a_sign_of_life() {
    let Some(bytes) = corpus("dronecot", "sensor_status.json") else { return };
    let l = &lines(&bytes, As::Auto)[0];
    assert_eq!(
        (&l["ok"], &l["messages"][0]["msg"], &l["messages"][0]["status"]),
        (&json!(true), &json!("status"), &json!("normal"))
    );
    let heard = Post::new(FeedFormat::DroneScout, 1_735_677_526.0).whole(&bytes);
    assert_eq!(heard, [Heard::Alive { receiver: Some("test_sensor_id_001".into()), at: None }]);
}

#[test]
fn a_real_dronecot_payload_is_read() {
    let Some(bytes) = corpus("dronecot", "ua_payload.json") else { return };
    let l = &lines(&bytes, As::Auto)[0];
    assert_eq!((&l["ok"], &l["as"]), (&json!(true), &json!("dronecot")), "{l}");
    assert_eq!(message(l, "basic_id")["uas_id"], "1581F4QWB22CC00302LV");
    let at = message(l, "location");
    assert_eq!(
        (&at["lat_deg"], &at["alt_geo_m"], &at["direction_deg"]),
        (&json!(37.828_807_8), &json!(-32.0), &Value::Null)
    );
    assert_eq!((&at["horiz_acc"], &at["baro_acc"]), (&json!(9), &Value::Null));
    assert!((at["ts_after_hour_s"].as_f64().unwrap() - 3254.6).abs() < 1e-9, "{at}");
    assert_eq!(message(l, "system")["timestamp_unix_s"], 1_767_218_054);
    let o = observations(Post::new(FeedFormat::DroneCot, 1_767_218_056.0).whole(&bytes)).remove(0);
    assert!((o.observed_at.unix_s() - 1_767_218_054.6).abs() < 1e-6 && o.claims.height_agl_m == Some(0.0), "{o:?}");
}

#[test]
fn authentication_counts_only_as_a_whole_set() {
    let page = |page: u8, first| {
        let data = vec![1; if page == 0 { 17 } else { 23 }];
        Message::Authentication(relayed::Authentication { auth_type: Some(1), page, first, data, flags: vec![] })
    };
    let first = page(0, Some((1, 40, 200_000_000)));
    let of = |messages: &[Message]| {
        let source = SourceId::new("gate").unwrap();
        let mut new_id = Uuid::nil;
        let mut at = Moment::new(&source, Time::from_micros(0), &mut new_id);
        relayed::observe(messages, &relayed::Reception::default(), &mut at).unwrap().claims.auth_types
    };
    assert!(of(std::slice::from_ref(&first)).is_empty());
    assert!(of(&[page(1, None)]).is_empty());
    assert_eq!(of(&[page(1, None), first]), [1]);
}

#[test]
fn raw_is_preferred_to_the_structure_and_a_bad_raw_falls_back_to_it() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let structure = STANDARD.encode(uas_data::encode(&[identity("OLD")]));
    let air =
        skypicket_wire::remote_id::pack::encode(2, &[skypicket_wire::remote_id::BasicId::of_text(1, 2, "NEW").into()])
            .unwrap();
    for (raw, want) in [(STANDARD.encode(&air), "NEW"), (STANDARD.encode([9; 40]), "OLD"), ("*".into(), "OLD")] {
        let text = json!({"protocol": 1.0, "data": {"MAC address": "x", "UASdata": structure, "raw": raw}}).to_string();
        let l = &lines(text.as_bytes(), As::Auto)[0];
        assert_eq!((&l["ok"], &message(l, "basic_id")["uas_id"]), (&json!(true), &json!(want)), "{l}");
    }
}

fn identity(id: &str) -> Message {
    Message::BasicId(relayed::BasicId { id_type: Some(1), ua_type: Some(2), id: id.as_bytes().to_vec(), flags: vec![] })
}

#[test]
fn what_a_dronescout_says_beside_drones_is_told_by_its_content() {
    let of = |v: Value| lines(v.to_string().as_bytes(), As::Auto).remove(0);
    let l = of(
        json!({"protocol": 1.0, "aircraft": {"sensor ID": "s1", "timestamp": 1_735_677_525_000u64, "type": "ADSB",
        "address": "3C6444", "address type": 0, "flight": "DLH400 ", "flight state": 1, "category": 14, "altitude": 120.5,
        "altitude type": 2, "speed": 15.0, "track": 90, "vertical rate": 0.5, "latitude": 47.4, "longitude": 8.5}}),
    );
    let a = message(&l, "aircraft");
    assert_eq!(
        (&a["icao"], &a["category"], &a["alt_hae_m"], &a["callsign"]),
        (&json!("3c6444"), &json!("B6"), &json!(120.5), &json!("DLH400")),
        "{l}"
    );
    let l = of(json!({"protocol": 1.0, "location": {"sensor ID": "s1", "latitude": 47.4, "longitude": 8.5}}));
    assert_eq!((&l["messages"][0]["msg"], &l["messages"][0]["lat_deg"]), (&json!("status"), &json!(47.4)));
    let l = of(json!({"protocol": 1.0, "mobile network": {"sensor ID": "s1", "operator": "x"}}));
    assert_eq!(l["messages"][0]["status"], "mobile network");
    let l = of(json!({"protocol": 1.0, "something": 1}));
    assert_eq!(l["error"]["kind"], "receiver_unknown");
}

#[test]
fn a_nodes_line_is_one_message() {
    let line = json!({"t": 1_745_000_000.0, "mac": "fa:0b:bc:12:34:56", "radio": "wifi_beacon", "rssi": -68,
        "type": "Location/Vector", "lat": 40.7128, "lon": -74.006, "alt": 120.5, "speed": 8.25, "hdg": 270.0, "id": null});
    let o = observations(Post::new(FeedFormat::DroneCot, 1_745_000_000.4).whole(line.to_string().as_bytes())).remove(0);
    assert_eq!(o.measurement.position(), Place::new(40.7128, -74.006, Some(120.5)).ok());
    assert_eq!((o.claims.ids.len(), o.signal.rssi_dbm), (0, Some(-68.0)));
    assert!((o.observed_at.unix_s() - 1_745_000_000.0).abs() < 1e-6);
    let [e, n, u] = o.claims.velocity_enu_mps.unwrap();
    assert!((e + 8.25).abs() < 1e-9 && n.abs() < 1e-9 && u.abs() < 1e-9);
    let line =
        json!({"t": 1_745_000_000.0, "mac": "fa:0b:bc:12:34:56", "radio": "ble", "type": "Operator ID", "id": "FIN87"});
    let o = observations(Post::new(FeedFormat::DroneCot, 1_745_000_000.4).whole(line.to_string().as_bytes())).remove(0);
    assert_eq!((o.claims.operator_id.as_deref(), o.claims.ids.len()), (Some("FIN87"), 0));
    assert!(matches!(o.measurement, Measurement::Presence { .. }));
}

// ---- DragonSync ----

/// The two shapes in which a drone of a scenario comes over ZMQ, at one of its way points.
fn zmq(track: &Value, point: &Value) -> [Value; 2] {
    let c = &track["drone_config"];
    let mut basic = c["Basic ID"].clone();
    basic["transport"] = json!("WiFi beacon");
    let location = json!({"latitude": point["latitude"], "longitude": point["longitude"],
        "speed": track["flight_path"]["cruise_speed"], "vert_speed": 0.5, "geodetic_altitude": point["altitude"],
        "height_agl": track["flight_path"]["altitude_agl"], "direction": 90, "op_status": "Airborne",
        "height_type": "Above Takeoff", "speed_multiplier": "0.25 m/s", "pressure_altitude": "12.3 m",
        "horizontal_accuracy": "<3 m", "vertical_accuracy": "<10 m", "speed_accuracy": "<1 m/s", "timestamp": "1834.5"});
    let (pilot, home) = (&c["pilot_location"], &c["home_location"]);
    let operator = json!({"operator_id_type": c["operator_id_type"], "operator_id": c["operator_id"]});
    let text = json!({"text": c["self_id_text"]});
    let list = json!([
        {"Basic ID": basic}, {"Location/Vector Message": location}, {"Self-ID Message": text},
        {"System Message": {"latitude": pilot["latitude"], "longitude": pilot["longitude"],
            "home_lat": home["latitude"], "home_lon": home["longitude"]}},
        {"Operator ID Message": operator}, {"Frequency Message": {"frequency": c["frequency"]}},
    ]);
    basic.as_object_mut().unwrap().remove("transport");
    let mac = format!("{} random", c["Basic ID"]["MAC"].as_str().unwrap());
    let dict = json!({
        "index": 42, "runtime": 12_345, "AUX_ADV_IND": {"rssi": c["Basic ID"]["RSSI"]}, "aext": {"AdvA": mac},
        "Basic ID": basic, "Location/Vector Message": location, "Self-ID Message": text,
        "System Message": {"operator_lat": pilot["latitude"], "operator_lon": pilot["longitude"]},
        "Operator ID Message": operator, "Frequency Message": {"frequency": c["frequency"].as_f64().unwrap() / 1e6},
    });
    [list, dict]
}

#[test]
fn scenarios_as_both_zmq_shapes_decode_to_their_values() {
    let mut seen = 0;
    for name in ["test_refactor_scenario.json", "scenario_4236_-7106.json"] {
        let Some(bytes) = corpus("dragonsync", name) else { return };
        let scenario: Value = serde_json::from_slice(&bytes).unwrap();
        for track in scenario["scenarios"]["animated_tracks"].as_array().unwrap() {
            for point in track["flight_path"]["waypoints"].as_array().unwrap() {
                for (shape, m) in zmq(track, point).into_iter().enumerate() {
                    check_scenario(track, point, shape, &m);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 50, "{seen}");
}

fn check_scenario(track: &Value, point: &Value, shape: usize, m: &Value) {
    let c = &track["drone_config"];
    let got = lines(m.to_string().as_bytes(), As::Auto);
    assert_eq!(got.len(), 1, "{m}");
    let l = &got[0];
    assert_eq!((&l["ok"], &l["as"]), (&json!(true), &json!("dragonsync")), "{l}");
    let (id, at, system) = (message(l, "basic_id"), message(l, "location"), message(l, "system"));
    assert_eq!(
        (&id["uas_id"], &id["id_type"], &id["ua_type"]),
        (&c["Basic ID"]["id"], &json!(1), &c["Basic ID"]["ua_type"])
    );
    assert_eq!(
        (&at["lat_deg"], &at["lon_deg"], &at["alt_geo_m"]),
        (&point["latitude"], &point["longitude"], &point["altitude"])
    );
    assert_eq!(
        (&at["speed_h_mps"], &at["height_m"], &at["height_ref"]),
        (&track["flight_path"]["cruise_speed"], &track["flight_path"]["altitude_agl"], &json!(0))
    );
    assert_eq!(
        (&at["horiz_acc"], &at["vert_acc"], &at["status"], &at["alt_baro_m"]),
        (&json!(11), &json!(4), &json!(2), &json!(12.3))
    );
    assert_eq!(
        (&system["operator_lat_deg"], &system["operator_lon_deg"]),
        (&c["pilot_location"]["latitude"], &c["pilot_location"]["longitude"])
    );
    let home = if shape == 0 { &c["home_location"]["latitude"] } else { &Value::Null };
    assert_eq!(system.get("home_lat_deg").unwrap_or(&Value::Null), home);
    assert_eq!(message(l, "self_id")["desc"], c["self_id_text"]);
    assert_eq!(message(l, "operator_id")["operator_id"], c["operator_id"]);
    let r = &l["reception"];
    assert_eq!((&r["address"], &r["rssi_dbm"].as_f64()), (&c["Basic ID"]["MAC"], &c["Basic ID"]["RSSI"].as_f64()));
    assert!((r["frequency_mhz"].as_f64().unwrap() - c["frequency"].as_f64().unwrap() / 1e6).abs() < 1e-6);
    let o = observations(Post::new(FeedFormat::DragonSync, 1_700_001_835.0).whole(m.to_string().as_bytes())).remove(0);
    assert_eq!(o.claims.id(IdKind::Serial), c["Basic ID"]["id"].as_str());
    assert!(o.claims.operator_at.is_some() && o.claims.height_takeoff_m.is_some());
}

#[test]
fn topics_of_a_kit_are_told_by_their_content() {
    let mut post = Post::new(FeedFormat::DragonSync, 1_700_000_000.0);
    let mut one = |topic: &'static str, v: Value| {
        post.topic = topic;
        post.whole(if let Value::String(s) = &v { s.clone() } else { v.to_string() }.as_bytes())
    };
    // A drone: 65531 m is a wrapped integer, 0, 0 is no pilot.
    let heard = one(
        "wardragon/drones",
        json!({"id": "drone-SKYP1RST0GHTH0001", "id_type": "Serial Number (ANSI/CTA-2063-A)",
        "track_type": "drone", "lat": 31.75, "lon": -106.5, "alt": 65_531.0, "height": 0.0, "speed": 0.0, "vspeed": 0.0,
        "pilot_lat": 0.0, "pilot_lon": 0.0, "mac": "60:60:1F:2E:67:72", "rssi": -70.0, "freq": 2_437_000_000.0,
        "observed_at": 1_699_999_999.0, "seen_by": "wardragon-7", "timestamp": "", "caa_id": ""}),
    );
    let Heard::Observation { receiver, observation: o } = &heard[0] else { panic!("{heard:?}") };
    assert_eq!((receiver.as_deref(), o.claims.id(IdKind::Serial)), (Some("wardragon-7"), Some("SKYP1RST0GHTH0001")));
    assert_eq!(
        (o.measurement.position(), o.claims.velocity_enu_mps, o.claims.operator_at),
        (Place::new(31.75, -106.5, None).ok(), None, None)
    );
    assert!(
        (o.observed_at.unix_s() - 1_699_999_999.0).abs() < 1e-6 && o.flags.iter().any(|f| f == "alt_out_of_range"),
        "{o:?}"
    );
    // A height that may be above the sea or above the ellipsoid is none.
    let heard = one("wardragon/drone/x", json!({"id": "x", "lat": 31.75, "lon": -106.5, "alt": 1200.0}));
    let Heard::Observation { observation: o, .. } = &heard[0] else { panic!() };
    assert_eq!(o.measurement.position(), Place::new(31.75, -106.5, None).ok());
    assert!(o.flags.iter().any(|f| f == "altitude_reference_unknown"));
    // Something that could not be decoded is there.
    let heard = one("wardragon/drones", json!({"id": "drone-alert", "lat": 0.0, "lon": 0.0, "freq": 5_776.5}));
    let Heard::Observation { observation: o, .. } = &heard[0] else { panic!() };
    assert!(matches!(o.measurement, Measurement::Presence { .. }) && o.claims.ids.is_empty());
    // Feet and knots.
    let heard = one(
        "wardragon/aircraft",
        json!({"icao": "A1B2C3", "track_type": "aircraft", "lat": 31.75, "lon": -106.5,
        "alt": 10_000.0, "speed": 100.0, "track": 90.0, "category": "A3", "nac_p": 9}),
    );
    let Heard::Observation { observation: o, .. } = &heard[0] else { panic!() };
    assert_eq!(
        (o.claims.class, o.claims.id(IdKind::Icao), o.signal.transport.as_deref()),
        (Some(AirClass::Crewed), Some("A1B2C3"), Some("adsb"))
    );
    assert!(
        (o.claims.alt_baro_m.unwrap() - 3048.0).abs() < 1e-9
            && (o.claims.velocity_enu_mps.unwrap()[0] - 51.444).abs() < 1e-2
    );
    assert_eq!(o.measurement.position().unwrap().alt_hae_m, None, "it does not say by what it was measured");
    // A video signal.
    let heard = one(
        "wardragon/signals",
        json!({"uid": "fpv-5800", "signal_type": "fpv", "center_hz": 5_800_000_000.0,
        "sensor_lat": 31.75, "sensor_lon": -106.5, "lat": 31.75, "lon": -106.5, "radius_m": 500.0, "rssi": -60}),
    );
    let Heard::Observation { observation: o, .. } = &heard[0] else { panic!() };
    assert_eq!(
        (o.claims.class, &o.measurement),
        (
            Some(AirClass::Fpv),
            &Measurement::Presence { from: Place::new(31.75, -106.5, None).ok(), radius_m: Some(500.0) }
        )
    );
    // The kit itself.
    let at = Place::new(31.7, -106.4, Some(1150.0)).ok();
    let heard = one(
        "wardragon/system/attrs",
        json!({"id": "wardragon-7", "latitude": 31.7, "longitude": -106.4, "hae": 1150.0, "cpu_usage": 5.0, "gps_fix": true}),
    );
    assert_eq!(heard, [Heard::Alive { receiver: Some("wardragon-7".into()), at }]);
    let heard = one("wardragon/service/kit-7/availability", json!("offline"));
    assert_eq!(heard, [Heard::Gone { receiver: Some("kit-7".into()) }]);
    let heard = one("wardragon/service/availability", json!("online"));
    assert_eq!(heard, [Heard::Alive { receiver: None, at: None }]);
    assert_eq!(one("wardragon/drone/x/availability", json!("offline")), []);
}

#[test]
fn what_a_broker_kept_is_no_news_unless_its_own_time_says_so() {
    let drone = |t: f64| json!({"id": "x", "lat": 31.75, "lon": -106.5, "observed_at": t}).to_string();
    let mut post = Post::new(FeedFormat::DragonSync, 1_700_000_000.0);
    post.retained = true;
    assert_eq!(observations(post.whole(drone(1_699_999_990.0).as_bytes())).len(), 1);
    assert_eq!(post.whole(drone(1_699_990_000.0).as_bytes()), [Heard::Refused { reason: "retained", offset: 0 }]);
    post.retained = false;
    let o = observations(post.whole(drone(1_699_990_000.0).as_bytes())).remove(0);
    assert!(
        o.observed_at == post.now && o.flags.iter().any(|f| f == "receiver_clock_suspect"),
        "a kit with a bad clock is heard"
    );
}

#[test]
fn a_time_is_read_as_what_it_is_written_as() {
    let of = |t: Value| {
        let text =
            json!({"Location/Vector Message": {"latitude": 31.75, "longitude": -106.5, "timestamp": t}}).to_string();
        let l = lines(text.as_bytes(), As::Auto).remove(0);
        let m = message(&l, "location").clone();
        (m["ts_after_hour_s"].as_f64(), m.get("time_unix").and_then(Value::as_f64), m["flags"].clone())
    };
    assert_eq!(of(json!("1834.5 s")), (Some(1834.5), None, json!([])));
    assert_eq!(of(json!("2026-11-28T05:00:00Z")), (None, Some(1_795_842_000.0), json!([])));
    assert_eq!(of(json!(1_795_842_000)), (None, Some(1_795_842_000.0), json!([])));
    assert_eq!(of(json!("2026-11-28 05:00")), (None, None, json!([])));
    assert_eq!(of(json!(3700)), (None, None, json!(["ts_out_of_range"])));
    assert_eq!(of(json!("")), (None, None, json!([])));
}

#[test]
fn a_list_over_http_is_its_drones() {
    let d = |id: &str| json!({"id": id, "lat": 31.75, "lon": -106.5});
    let got = lines(json!({"drones": [d("a"), d("b")]}).to_string().as_bytes(), As::DragonSync);
    assert_eq!(
        got.iter().map(|l| message(l, "basic_id")["uas_id"].clone()).collect::<Vec<_>>(),
        [json!("a"), json!("b")]
    );
}

// ---- mesh-mapper and AntSDR ----

#[test]
fn mesh_mapper_lines_and_heartbeats() {
    let line = json!({"mac": "8c:1e:d9:c8:c9:f7", "rssi": -81, "drone_lat": 25.784279, "drone_long": -80.14901,
        "drone_altitude": 118, "pilot_lat": 25.767196, "pilot_long": -80.137115, "basic_id": "1581F8LQC255L00227P5",
        "faa_data": {"status": "x"}});
    let o =
        observations(Post::new(FeedFormat::MeshMapper, 1_700_000_000.0).whole(line.to_string().as_bytes())).remove(0);
    assert_eq!(o.measurement.position(), Place::new(25.784279, -80.14901, Some(118.0)).ok());
    assert_eq!(
        (o.claims.id(IdKind::Serial), o.claims.operator_at.map(|p| p.lat_deg)),
        (Some("1581F8LQC255L00227P5"), Some(25.767196))
    );
    let empty = json!({"mac": "8c:1e:d9:c8:c9:f7", "rssi": -81, "drone_lat": 0.0, "drone_long": 0.0, "drone_altitude": 0,
        "pilot_lat": 0.0, "pilot_long": 0.0, "basic_id": ""});
    let o =
        observations(Post::new(FeedFormat::MeshMapper, 1_700_000_000.0).whole(empty.to_string().as_bytes())).remove(0);
    assert!(matches!(o.measurement, Measurement::Presence { .. }) && o.claims.is_empty(), "heard, and nothing known");
    let heard = Post::new(FeedFormat::MeshMapper, 1_700_000_000.0)
        .whole(b"{\"heartbeat\":\"Device is active and running.\"}\n");
    assert_eq!(heard, [Heard::Alive { receiver: None, at: None }]);
}

fn dji() -> antsdr::Frame {
    antsdr::Frame {
        serial: "1581F4QWB22CC00302LV".into(),
        model: "DJI Mini 3 pro".into(),
        numbers: [31.76, -106.49, 31.75, -106.5, 60.0, 1200.0, 31.761, -106.491, 2414.5, 3.0, 4.0, 1.5],
        rssi: -41,
    }
}

#[test]
fn antsdr_frames_read_back_and_an_unreadable_serial_is_a_presence() {
    let bytes = antsdr::encode(&dji());
    let l = antsdr::decode(&bytes).to_json();
    assert_eq!((&l["ok"], &message(&l, "basic_id")["uas_id"]), (&json!(true), &json!("1581F4QWB22CC00302LV")), "{l}");
    let at = message(&l, "location");
    assert_eq!(
        (&at["lat_deg"], &at["speed_h_mps"], &at["speed_v_mps"], &at["height_m"]),
        (&json!(31.75), &json!(5.0), &json!(1.5), &json!(60.0))
    );
    assert!((at["direction_deg"].as_f64().unwrap() - 36.8699).abs() < 1e-3);
    assert_eq!((&l["reception"]["rssi_dbm"], &l["reception"]["frequency_mhz"]), (&json!(-41.0), &json!(2414.5)));
    let mut hidden = bytes;
    hidden[5..20].fill(0xA7);
    let l = antsdr::decode(&hidden).to_json();
    assert_eq!((&l["ok"], &l["messages"][0]["msg"]), (&json!(true), &json!("presence")));
    assert_eq!(antsdr::decode(&hidden[..100]).error.unwrap().kind, "short");
}

#[test]
fn antsdr_input_is_lines_of_hexadecimal_or_the_stream() {
    let frame = antsdr::encode(&dji());
    let hex = skypicket_wire::remote_id::text::hex(&frame);
    for input in [format!("{hex}\n{hex}\n").into_bytes(), [&frame[..], &[0; 7], &frame].concat()] {
        let (mut l, mut out) = (antsdr::Lines::default(), Vec::new());
        l.push(&input, &mut |v| out.push(v));
        l.finish(&mut |v| out.push(v));
        assert_eq!(out.iter().map(|v| v["ok"] == true).collect::<Vec<_>>(), [true, true]);
    }
}

// ---- MAVLink ----

fn frame(message: u32, payload: Vec<u8>) -> Vec<u8> {
    Frame { version: 2, sequence: 3, system: 7, component: 1, message, signed: false, checked: true, payload }.encode()
}

fn global_position(lat: f64, lon: f64) -> Vec<u8> {
    let mut p = vec![0u8; 28];
    let at = skypicket_wire::remote_id::Location::UNKNOWN.with_position(lat, lon);
    // That encoder never says 0, 0.
    let (lat_e7, lon_e7) = if lat.abs() + lon.abs() > 0.0 { (at.lat_e7, at.lon_e7) } else { (0, 0) };
    p[4..8].copy_from_slice(&lat_e7.to_le_bytes());
    p[8..12].copy_from_slice(&lon_e7.to_le_bytes());
    p[12..16].copy_from_slice(&1_234_500i32.to_le_bytes());
    p[16..20].copy_from_slice(&60_000i32.to_le_bytes());
    p[20..22].copy_from_slice(&300i16.to_le_bytes());
    p[22..24].copy_from_slice(&400i16.to_le_bytes());
    p[24..26].copy_from_slice(&(-150i16).to_le_bytes());
    p[26..28].copy_from_slice(&u16::MAX.to_le_bytes());
    frame(mavlink::GLOBAL_POSITION_INT, p)
}

#[test]
fn an_own_aircraft_has_the_identity_of_its_configuration_and_no_height_above_the_ellipsoid() {
    let mut post = Post::new(FeedFormat::Mavlink, 1_700_000_000.0);
    let heartbeat = frame(mavlink::HEARTBEAT, vec![0, 0, 0, 0, 2, 3, 129, 4, 3]);
    assert_eq!(post.whole(&heartbeat), [Heard::Alive { receiver: Some("mavlink-7".into()), at: None }]);
    let o = observations(post.whole(&global_position(31.75, -106.5))).remove(0);
    assert!(o.claims.ids.is_empty() && o.flags.iter().any(|f| f == "identity_not_configured"));
    let own = IdClaim { kind: IdKind::Serial, value: "OWN1".into() };
    post.own = vec![OwnAircraft { system: Some(7), id: own.clone() }];
    let o = observations(post.whole(&global_position(31.75, -106.5))).remove(0);
    assert_eq!((o.claims.ids.as_slice(), o.claims.class), (&[own.clone()][..], Some(AirClass::Rotor)));
    assert_eq!(o.measurement.position().unwrap().alt_hae_m, None, "its altitude is above the sea");
    assert_eq!((o.claims.velocity_enu_mps, o.claims.height_takeoff_m), (Some([4.0, 3.0, 1.5]), Some(60.0)));
    // What it broadcasts of itself is not believed either.
    let (message, payload) = open_drone_id::encode(&identity("FALSE"), [0; 20]).unwrap();
    let o = observations(post.whole(&frame(message, payload))).remove(0);
    assert_eq!(o.claims.ids, [own]);
    // Another aircraft that its receiver heard keeps its own.
    let mut mac = [0; 20];
    mac[..6].copy_from_slice(&[0xFA, 0x0B, 0xBC, 1, 2, 3]);
    let (message, payload) = open_drone_id::encode(&identity("OTHER"), mac).unwrap();
    let o = observations(post.whole(&frame(message, payload))).remove(0);
    assert_eq!((o.claims.id(IdKind::Serial), o.signal.address.as_deref()), (Some("OTHER"), Some("FA:0B:BC:01:02:03")));
    assert!(observations(post.whole(&global_position(0.0, 0.0))).is_empty(), "0, 0 is no place");
}

fn relayed_messages() -> impl Strategy<Value = Vec<Message>> {
    let code = |most: u8| proptest::option::of(1..=most);
    let location = (
        proptest::option::of((-900_000_000i32..900_000_000, -1_800_000_000i32..1_800_000_000)),
        (proptest::option::of(0..360u16), proptest::option::of(0..1017u16), proptest::option::of(-124..=124i16)),
        (
            proptest::option::of(-1999..30_000i32),
            proptest::option::of(-1999..30_000i32),
            proptest::option::of(-1999..30_000i32),
        ),
        (code(12), code(6), code(6), code(4), code(15)),
        (0..5u8, 0..2u8, proptest::option::of(0..=36_000u16)),
    )
        .prop_map(|(p, (d, s, v), (baro, geo, h), (ha, va, ba, sa, ta), (status, href, ts))| {
            relayed::Location {
                status: Some(status),
                height_ref: Some(href),
                direction_deg: d.map(f64::from),
                speed_h_mps: s.map(|s| f64::from(s) * 0.25),
                speed_v_mps: v.map(|v| f64::from(v) * 0.5),
                position: p.map(|(a, b)| (f64::from(a) / 1e7, f64::from(b) / 1e7)),
                alt_baro_m: baro.map(|a| f64::from(a) * 0.5),
                alt_geo_m: geo.map(|a| f64::from(a) * 0.5),
                alt_m: None,
                height_m: h.map(|a| f64::from(a) * 0.5),
                horiz_acc: ha,
                vert_acc: va,
                baro_acc: ba,
                speed_acc: sa,
                ts_after_hour_s: ts.map(|t| f64::from(t) / 10.0),
                ts_acc: ta,
                at: None,
                flags: vec![],
            }
            .checked()
        });
    let system = (
        proptest::option::of((-900_000_000i32..900_000_000, 1..1_800_000_000i32)),
        0..3u8,
        0..1000u16,
        63_158_400..u32::MAX,
    )
        .prop_map(|(p, t, r, time)| {
            relayed::System {
                operator_location_type: Some(t),
                classification_type: Some(1),
                operator: p.map(|(a, b)| (f64::from(a) / 1e7, f64::from(b) / 1e7)),
                area_count: Some(1),
                area_radius_m: Some(f64::from(r)),
                category_eu: Some(1),
                class_eu: Some(2),
                timestamp_2019_s: Some(time),
                ..relayed::System::default()
            }
            .checked()
        });
    (location, system, "[A-Z0-9]{1,20}", "[ -~]{0,22}[!-~]").prop_map(|(l, s, id, text)| {
        vec![
            identity(&id),
            Message::Location(Box::new(l)),
            Message::System(Box::new(s)),
            Message::SelfId(relayed::SelfId { desc_type: Some(0), desc: text.as_bytes().to_vec(), flags: vec![] }),
            Message::OperatorId(relayed::OperatorId {
                operator_id_type: Some(0),
                id: id.as_bytes().to_vec(),
                flags: vec![],
            }),
        ]
    })
}

proptest! {
    #[test]
    fn open_drone_id_over_mavlink_reads_back(messages in relayed_messages()) {
        for m in messages {
            let (id, payload) = open_drone_id::encode(&m, [0; 20]).unwrap();
            let (f, _) = Frame::decode(&frame(id, payload)).unwrap();
            let mavlink::Content::DroneId { messages, error, other, .. } = mavlink::content(&f) else { panic!() };
            prop_assert_eq!((messages, error, other), (vec![m], None, None));
        }
    }

    #[test]
    fn structures_of_dronescout_read_back(messages in relayed_messages()) {
        let mut want = messages.clone();
        // The structure's own order.
        want.swap(2, 3);
        prop_assert_eq!(uas_data::decode(&uas_data::encode(&messages)).unwrap(), want);
    }

    #[test]
    fn streams_split_anywhere_say_the_same(
        messages in relayed_messages(),
        format in prop::sample::select(vec![FeedFormat::Mavlink, FeedFormat::DroneCot, FeedFormat::AntSdr, FeedFormat::Beast, FeedFormat::Avr, FeedFormat::Sbs]),
        noise in proptest::collection::vec(prop::sample::select(b"\xFD\xFE\x1A{}\"\n*;,MSG0".to_vec()), 0..10),
        cuts in proptest::collection::vec(0..2000usize, 0..6),
    ) {
        let mut bytes = Vec::new();
        for (k, m) in messages.iter().enumerate() {
            match format {
                FeedFormat::Mavlink => {
                    let (id, payload) = open_drone_id::encode(m, [0; 20]).unwrap();
                    bytes.extend(frame(id, payload));
                }
                FeedFormat::AntSdr => bytes.extend(antsdr::encode(&dji())),
                FeedFormat::Beast => bytes.extend(encode_beast(&encode_position(1, 31.75, -106.5, 1000.0, k % 2 == 0), 5, 6)),
                FeedFormat::Avr => {
                    let hex = skypicket_wire::remote_id::text::hex(&encode_position(1, 31.75, -106.5, 1000.0, k % 2 == 0));
                    bytes.extend(format!("*{hex};\n").bytes());
                }
                FeedFormat::Sbs => bytes.extend(b"MSG,3,1,1,A1B2C3,1,,,,,,1000,,,31.75,-106.5,,,,,,0\r\n"),
                _ => bytes.extend(json!({"mac": format!("m{k}"), "radio": "ble", "lat": 31.75, "lon": -106.5}).to_string().bytes()),
            }
            bytes.extend(&noise);
        }
        let whole = Post::new(format, 1_700_000_000.0).hear(&bytes, Piece::Stream);
        let mut post = Post::new(format, 1_700_000_000.0);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
        cuts.sort_unstable();
        let (mut from, mut got) = (0, Vec::new());
        for c in cuts.into_iter().chain([bytes.len()]) {
            got.extend(post.hear(&bytes[from..c], Piece::Stream));
            from = c;
        }
        // The test's ids begin anew with each call.
        let plain = |all: Vec<Heard>| all.into_iter().map(|h| match h {
            Heard::Observation { receiver, mut observation } => {
                observation.id = skypicket_model::ObservationId(Uuid::nil());
                Heard::Observation { receiver, observation }
            }
            h => h,
        }).collect::<Vec<_>>();
        prop_assert_eq!(plain(got), plain(whole));
    }
}

#[test]
fn every_mavlink_line_says_what_it_is() {
    let hex = |b: &[u8]| skypicket_wire::remote_id::text::hex(b);
    let l = mavlink::decode_line(&hex(&global_position(31.75, -106.5)));
    let m = &l["messages"][0];
    assert_eq!(
        (&m["msg"], &m["lat_deg"], &m["alt_msl_m"], &m["heading_deg"]),
        (&json!("global_position"), &json!(31.75), &json!(1234.5), &Value::Null),
        "{l}"
    );
    assert_eq!((&l["frame"]["system"], &l["frame"]["message_id"]), (&json!(7), &json!(33)));
    let l = mavlink::decode_line(&hex(&frame(mavlink::HEARTBEAT, vec![0, 0, 0, 0, 2, 3, 129, 4, 3])));
    assert_eq!((&l["messages"][0]["msg"], &l["messages"][0]["armed"]), (&json!("heartbeat"), &json!(true)));
    let mut p = vec![1];
    p.extend(b"no GNSS");
    let l = mavlink::decode_line(&hex(&frame(mavlink::ARM_STATUS, p)));
    assert_eq!((&l["messages"][0]["status"], &l["messages"][0]["error"]), (&json!(1), &json!("no GNSS")));
    let mut p = vec![0u8; 18];
    p[0..4].copy_from_slice(&317_500_000i32.to_le_bytes());
    p[4..8].copy_from_slice(&(-1_065_000_000i32).to_le_bytes());
    let l = mavlink::decode_line(&hex(&frame(mavlink::SYSTEM_UPDATE, p)));
    assert_eq!(
        (&l["messages"][0]["msg"], &l["messages"][0]["operator_lat_deg"]),
        (&json!("system_update"), &json!(31.75))
    );
    // A message that is not read is sound content, but nothing vouches for it; the older number of the pack is one.
    let l = mavlink::decode_line(&hex(&frame(12_906, vec![1, 2, 3])));
    assert_eq!((&l["ok"], &l["messages"], &l["flags"]), (&json!(true), &json!([]), &json!(["checksum_unchecked"])));
    for (text, kind) in [("zz", "bad_hex"), ("fd", "short"), ("00", "mavlink_magic"), ("", "short")] {
        assert_eq!(mavlink::decode_line(text)["error"]["kind"], kind, "{text}");
    }
}

#[test]
fn a_time_since_boot_is_no_time() {
    let m =
        Message::System(Box::new(relayed::System { timestamp_2019_s: Some(12_345_678), ..relayed::System::default() }));
    let (id, payload) = open_drone_id::encode(&m, [0; 20]).unwrap();
    let l = mavlink::decode_line(&skypicket_wire::remote_id::text::hex(&frame(id, payload)));
    assert_eq!(l["messages"][0]["flags"], json!(["timestamp_implausible"]));
}

// ---- ADS-B ----

#[test]
fn a_beast_stream_gives_crewed_aircraft_and_drones_that_say_so() {
    let mut post = Post::new(FeedFormat::Beast, 1_700_000_000.0);
    let mut bytes = Vec::new();
    for (icao, category) in [(0xA1B2C3, "A3"), (0xB1B2C3, "B6"), (0xC1B2C3, "C1"), (0xD1B2C3, "B1"), (0xE1B2C3, "B4")] {
        for f in [
            encode_identification(icao, category, "TEST1"),
            encode_position(icao, 31.75, -106.5, 5_000.0, false),
            encode_position(icao, 31.75, -106.5, 5_000.0, true),
        ] {
            bytes.extend(encode_beast(&f, 7, 8));
        }
    }
    let all = observations(post.hear(&bytes, Piece::Stream));
    let classes: Vec<_> = all.iter().map(|o| (o.claims.id(IdKind::Icao).unwrap().to_owned(), o.claims.class)).collect();
    let crewed = Some(AirClass::Crewed);
    assert_eq!(
        classes,
        [("A1B2C3".into(), crewed), ("B1B2C3".into(), None), ("D1B2C3".into(), crewed), ("E1B2C3".into(), crewed)],
        "a surface vehicle is no aircraft"
    );
    assert!(all.iter().all(|o| o.signal.transport.as_deref() == Some("adsb")));
    assert!(all[1].flags.iter().any(|f| f == "category_uav"));
}

fn aircraft_json(now: f64, seen_pos: f64, lat: f64) -> Value {
    json!({"now": now, "messages": 5, "aircraft": [
        {"hex": "a1b2c3", "flight": "TEST1   ", "lat": lat, "lon": -106.5, "seen_pos": seen_pos, "alt_baro": 10_000,
         "alt_geom": 10_300, "gs": 100.0, "track": 90.0, "baro_rate": 640, "category": "A3", "nac_p": 9, "rc": 186,
         "type": "adsb_icao", "rssi": -12.3},
        {"hex": "~2abcde", "lat": 31.8, "lon": -106.6, "seen_pos": 1.0, "alt_baro": "ground", "type": "tisb_other", "tisb": ["lat", "lon"]},
        {"hex": "a9b9c9", "lat": 31.9, "lon": -106.7, "seen_pos": 2.0, "mlat": ["lat", "lon"], "alt_baro": 2_000},
        {"hex": "c00001", "lat": 31.75, "lon": -106.5, "seen_pos": 0.1, "category": "C2"},
        {"hex": "a00000", "seen": 5.0, "rssi": -30.0},
        {"hex": "b00000", "lat": 31.75, "lon": -106.5, "seen_pos": 300.0}
    ]})
}

#[test]
fn a_polled_file_gives_each_new_position_once_with_its_age() {
    let mut post = Post::new(FeedFormat::AircraftJson, 1_700_000_001.0);
    let mut poll = |now: f64, file: Value| {
        post.now = Time::from_unix_s(now).unwrap();
        observations(post.whole(file.to_string().as_bytes()))
    };
    let all = poll(1_700_000_001.0, aircraft_json(1_700_000_000.0, 0.5, 31.75));
    assert_eq!(all.len(), 3, "no place, an old one, a vehicle: none; {all:#?}");
    let o = &all[0];
    assert!((o.observed_at.unix_s() - 1_699_999_999.5).abs() < 1e-6);
    assert_eq!((o.claims.id(IdKind::Icao), o.claims.class), (Some("A1B2C3"), Some(AirClass::Crewed)));
    let Measurement::Position { at, cov_enu_m2 } = &o.measurement else { panic!() };
    assert!(
        (at.alt_hae_m.unwrap() - 10_300.0 * 0.3048).abs() < 1e-9
            && (cov_enu_m2[0][0].sqrt() - 30.0 / 2.45).abs() < 1e-9
    );
    assert!((o.claims.velocity_enu_mps.unwrap()[2] - 640.0 * 0.3048 / 60.0).abs() < 1e-9);
    assert_eq!((all[1].claims.ids.len(), all[1].claims.status.as_deref()), (0, Some("ground")));
    assert!(all[1].flags.iter().any(|f| f == "tisb") && all[2].flags.iter().any(|f| f == "mlat"));
    let Measurement::Position { cov_enu_m2, at } = &all[2].measurement else { panic!() };
    assert!(cov_enu_m2[0][0] >= 150.0 * 150.0 && at.alt_hae_m.is_none(), "a pressure altitude is no height");
    // Without an accuracy category the integrity category bounds it.
    let one = json!({"hex": "a1b2c9", "lat": 31.75, "lon": -106.5, "nic": 8});
    let all_nic = poll(1_700_000_001.5, one);
    let Measurement::Position { cov_enu_m2, .. } = &all_nic[0].measurement else { panic!() };
    assert!((cov_enu_m2[0][0].sqrt() - 185.2 / 2.45).abs() < 1e-9);
    // Three seconds later nothing has moved but the first.
    let mut again = aircraft_json(1_700_000_003.0, 0.4, 31.751);
    again["aircraft"][1]["seen_pos"] = json!(4.0);
    again["aircraft"][2]["seen_pos"] = json!(5.0);
    let all = poll(1_700_000_004.0, again);
    assert_eq!(all.iter().map(|o| o.claims.id(IdKind::Icao)).collect::<Vec<_>>(), [Some("A1B2C3")]);
}

#[test]
fn lines_of_aircraft_of_every_kind() {
    let mut input = serde_json::to_vec_pretty(&aircraft_json(1_700_000_000.0, 0.5, 31.75)).unwrap();
    input.extend(b"\n\n*8D4840D6202CC371C32CE0576098;\n8D40621D58C382D690C8AC2863A7\n{\"hex\":\"a1b2c3\",\"lat\":1.0,\"lon\":2.0}\n");
    input
        .extend(b"MSG,3,1,1,A1B2C3,1,2026/01/01,00:00:00.000,2026/01/01,00:00:00.000,,1000,,,31.75,-106.5,,,0,0,0,0\n");
    input.extend(b"8D4840D6202CC371C32CE0576099\nnonsense\n{\"x\":1}\n");
    for n in [1, 7, 10_000] {
        let (mut l, mut out) = (adsb::Lines::default(), Vec::new());
        input.chunks(n).for_each(|c| l.push(c, &mut |v| out.push(v)));
        l.finish(&mut |v| out.push(v));
        let got: Vec<_> = out.iter().map(|v| (v["ok"] == true, v["messages"].as_array().unwrap().len())).collect();
        assert_eq!(
            got,
            [(true, 6), (true, 1), (true, 1), (true, 1), (true, 1), (false, 0), (false, 0), (false, 0)],
            "{n}"
        );
        assert_eq!(out[1]["messages"][0]["callsign"], "KLM1023");
        assert_eq!(out[5]["error"]["kind"], "mode_s_parity");
    }
}

#[test]
fn base_station_lines_join_what_their_types_say() {
    let mut post = Post::new(FeedFormat::Sbs, 1_700_000_000.0);
    let text = "MSG,1,1,1,A1B2C3,1,,,,,TEST1,,,,,,,,,,,\r\nMSG,4,1,1,A1B2C3,1,,,,,,,100,90,,,640,,,,,\r\n\
                MSG,3,1,1,A1B2C3,1,,,,,,10000,,,31.75,-106.5,,,0,0,0,0\r\nSTA,,5,179,400AE7,10103,,,,,RM\r\nbad\r\n";
    let heard = post.hear(text.as_bytes(), Piece::Stream);
    assert_eq!(heard.iter().filter(|h| matches!(h, Heard::Refused { reason: "sbs_line", .. })).count(), 1);
    let o = observations(heard).remove(0);
    assert_eq!((o.claims.text.as_deref(), o.claims.id(IdKind::Icao)), (Some("TEST1"), Some("A1B2C3")));
    assert!((o.claims.velocity_enu_mps.unwrap()[0] - 51.444).abs() < 1e-2, "{o:?}");
}

// ---- network Remote ID ----

#[test]
fn recorded_test_flights_decode_whole_and_each_broken_one_names_its_field() {
    let Some(bytes) = corpus("interuss", "zurich.json") else { return };
    let v = netrid::decode(&bytes);
    assert_eq!((&v["ok"], &v["flights"], &v["error"]), (&json!(true), &json!(2), &Value::Null));
    let of = |kind: &str| v["messages"].as_array().unwrap().iter().filter(|m| m["msg"] == kind).count();
    assert_eq!((of("basic_id"), of("location"), of("system"), of("self_id"), of("operator_id")), (2, 30, 2, 2, 2));
    let at = message(&v, "location");
    assert_eq!(
        (&at["lat_deg"], &at["alt_geo_m"], &at["speed_h_mps"], &at["speed_acc"]),
        (&json!(47.370_637_246_198_98), &json!(496.0), &json!(5.0), &json!(2))
    );
    assert_eq!((&at["time_unix"], &at["height_ref"], &at["status"]), (&json!(1_640_995_201.0), &json!(0), &json!(2)));
    assert_eq!(
        (&message(&v, "basic_id")["uas_id"], &message(&v, "basic_id")["ua_type"]),
        (&json!("1AKGAAN8G70R7JS"), &json!(2))
    );
    for (name, field) in [
        ("invalid_no_alt.json", "flights[0].states[0].position.alt"),
        ("invalid_no_uas_id.json", "flights[0].flight_details.serial_number"),
        ("invalid_wrong_speed.json", "flights[0].states[0].speed"),
        ("invalid_wrong_timestamp.json", "flights[0].states[0].timestamp"),
    ] {
        let v = netrid::decode(&corpus("interuss", name).unwrap());
        assert_eq!((&v["ok"], &v["messages"]), (&json!(false), &json!([])), "{name}");
        assert!(v["error"]["message"].as_str().unwrap().starts_with(&format!("{field}: ")), "{name}: {}", v["error"]);
    }
    let heard = Post::new(FeedFormat::NetRid, 1_640_995_202.0).whole(&bytes);
    assert!(observations(heard).is_empty(), "a recorded flight does not fly");
}

fn state(v22: bool, t: &str, lat: f64) -> Value {
    let time = if v22 { json!({"value": t, "format": "RFC3339"}) } else { json!(t) };
    let height = json!({"distance": 60.0, "reference": "TakeoffLocation"});
    let mut position = json!({"lat": lat, "lng": 8.49, "alt": 496.5, "accuracy_h": "HA10m", "accuracy_v": "VA10m", "extrapolated": false});
    let mut s = json!({"timestamp": time, "timestamp_accuracy": 0.5, "operational_status": "Airborne", "track": 361.0,
        "speed": 5.25, "speed_accuracy": "SA3mps", "vertical_speed": 63.0});
    if v22 {
        position["height"] = height;
    } else {
        s["height"] = height;
    }
    s["position"] = position;
    s
}

#[test]
fn both_versions_of_the_standard_say_the_same() {
    for v22 in [false, true] {
        let t = "2026-11-28T05:00:00Z";
        let time = if v22 { json!({"value": t, "format": "RFC3339"}) } else { json!(t) };
        let flights = json!({"timestamp": time, "flights": [
            {"id": "f1", "aircraft_type": "Helicopter", "current_state": state(v22, t, 47.37), "simulated": false,
             "recent_positions": [{"time": if v22 { json!({"value": "2026-11-28T04:59:58Z", "format": "RFC3339"}) } else { json!("2026-11-28T04:59:58Z") },
                "position": {"lat": 47.369, "lng": 8.49, "alt": 495.0}}]},
            {"id": "broken", "current_state": {"position": {"lat": 1}}},
            {"id": "f2", "aircraft_type": "Aeroplane", "current_state": state(v22, t, 47.38), "simulated": true}
        ]});
        let details = if v22 {
            json!({"details": {"id": "f1", "uas_id": {"serial_number": "SKYP1RST0GHTH0001", "specific_session_id": "02-a1b2"}, "operator_id": "CHE-1",
                "operator_location": {"position": {"lat": 47.36, "lng": 8.48}, "altitude": {"value": 450.0, "reference": "W84", "units": "M"}, "altitude_type": "Takeoff"},
                "operation_description": "survey", "eu_classification": {"category": "Open", "class": "EUClass1"}}})
        } else {
            json!({"details": {"id": "f1", "serial_number": "SKYP1RST0GHTH0001", "operator_id": "CHE-1",
                "operator_location": {"lat": 47.36, "lng": 8.48}, "operation_description": "survey"}})
        };
        let v = netrid::decode(flights.to_string().as_bytes());
        assert_eq!((&v["ok"], &v["flights"], &v["flags"]), (&json!(false), &json!(2), &json!(["simulated"])), "{v}");
        assert!(v["error"]["message"].as_str().unwrap().starts_with("flights[1].current_state.timestamp: "), "{v}");
        let at = &v["messages"][2];
        assert_eq!(
            (
                &at["direction_deg"],
                &at["speed_v_mps"],
                &at["speed_h_mps"],
                &at["height_m"],
                &at["horiz_acc"],
                &at["ts_acc"]
            ),
            (&Value::Null, &Value::Null, &json!(5.25), &json!(60.0), &json!(10), &json!(5)),
            "{at}"
        );

        let mut post = Post::new(FeedFormat::NetRid, "2026-11-28T05:00:02Z".parse::<Time>().unwrap().unix_s());
        assert_eq!(post.whole(details.to_string().as_bytes()), [Heard::Alive { receiver: None, at: None }]);
        let heard = post.whole(flights.to_string().as_bytes());
        assert!(heard.contains(&Heard::Refused { reason: "simulated", offset: 0 }));
        let all = observations(heard);
        assert_eq!(all.len(), 1);
        let o = &all[0];
        assert_eq!((o.claims.id(IdKind::Serial), o.claims.class), (Some("SKYP1RST0GHTH0001"), Some(AirClass::Rotor)));
        assert_eq!(
            (o.measurement.position(), o.observed_at.to_string()),
            (Place::new(47.37, 8.49, Some(496.5)).ok(), "2026-11-28T05:00:00Z".into())
        );
        assert_eq!(
            (o.claims.operator_at.map(|p| p.lat_deg), o.claims.height_takeoff_m, o.claims.text.as_deref()),
            (Some(47.36), Some(60.0), Some("survey"))
        );
        assert!(
            observations(post.whole(flights.to_string().as_bytes())).is_empty(),
            "the same state polled again is no news"
        );
    }
}

#[test]
fn every_format_has_its_word_and_opens() {
    for f in FeedFormat::ALL {
        assert_eq!(f.as_str().parse::<FeedFormat>(), Ok(f));
        assert_eq!(serde_json::to_value(f).unwrap(), f.as_str());
        assert!(Post::new(f, 1_700_000_000.0).whole(b"").iter().all(|h| !matches!(h, Heard::Observation { .. })));
    }
    assert!("radio".parse::<FeedFormat>().is_err());
}

// ---- files for the manual and for tests of the program ----

/// The files of `testdata/receivers`, made by the encoders: what stands there is what they make. To make them anew, run
/// this test with `SKYPICKET_MAKE_TESTDATA=1`.
#[test]
fn files_of_testdata_are_what_the_encoders_make() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let hex = |b: &[u8]| skypicket_wire::remote_id::text::hex(b);
    let location = relayed::Location {
        status: Some(2),
        height_ref: Some(0),
        direction_deg: Some(270.0),
        speed_h_mps: Some(12.25),
        speed_v_mps: Some(-0.5),
        position: Some((31.751_841_6, -106.489_577_9)),
        alt_geo_m: Some(1200.5),
        height_m: Some(60.0),
        horiz_acc: Some(11),
        vert_acc: Some(4),
        speed_acc: Some(3),
        ts_after_hour_s: Some(1234.5),
        ts_acc: Some(2),
        ..relayed::Location::default()
    };
    let system = relayed::System {
        operator_location_type: Some(1),
        classification_type: Some(0),
        operator: Some((31.76, -106.49)),
        area_count: Some(1),
        area_radius_m: Some(0.0),
        category_eu: Some(0),
        class_eu: Some(0),
        timestamp_2019_s: Some(200_000_000),
        ..relayed::System::default()
    };
    let messages =
        [identity("SKYP1RST0GHTH0001"), Message::Location(Box::new(location)), Message::System(Box::new(system))];
    let data = json!({"sensor ID": "gate-1", "RSSI": -71, "channel": 6, "timestamp": 1_790_000_435_000u64,
        "MAC address": "7E:60:B8:80:BE:E4", "type": "WiFi beacon", "UASdata": STANDARD.encode(uas_data::encode(&messages))});
    let dronescout = format!("{}\n", json!({"protocol": 1.0, "data": data}));

    let heartbeat = frame(mavlink::HEARTBEAT, vec![0, 0, 0, 0, 2, 3, 129, 4, 3]);
    let mut frames = vec![heartbeat, global_position(31.751_841_6, -106.489_577_9)];
    for m in &messages {
        let (id, payload) = open_drone_id::encode(m, [0; 20]).unwrap();
        frames.push(frame(id, payload));
    }
    let mavlink: String = frames.iter().map(|f| hex(f) + "\n").collect();

    let squitters = [
        encode_identification(0xA1B2C3, "B6", "UAV01"),
        encode_position(0xA1B2C3, 31.751_841_6, -106.489_577_9, 4_000.0, false),
        encode_position(0xA1B2C3, 31.751_841_6, -106.489_577_9, 4_000.0, true),
    ];
    let adsb: String =
        squitters.iter().flat_map(|f| ["*".to_owned(), hex(f).to_uppercase(), ";\n".to_owned()]).collect();
    let beast: Vec<u8> = squitters.iter().zip(1u64..).flat_map(|(f, k)| encode_beast(f, 12_000_000 * k, 99)).collect();

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/receivers");
    for (name, content) in [
        ("dronescout.json", dronescout.into_bytes()),
        ("antsdr.bin", [antsdr::encode(&dji()), antsdr::encode(&dji())].concat()),
        ("mavlink.hex", mavlink.into_bytes()),
        ("adsb.avr", adsb.into_bytes()),
        ("adsb.beast", beast),
    ] {
        let file = root.join(name);
        if std::env::var_os("SKYPICKET_MAKE_TESTDATA").is_some() {
            fs::create_dir_all(&root).unwrap();
            fs::write(&file, &content).unwrap();
        }
        assert!(fs::read(&file).unwrap() == content, "{name} is not what the encoders make");
    }
}
