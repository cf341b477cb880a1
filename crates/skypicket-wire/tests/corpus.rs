//! Against the reference vectors and the real captures, where the corpus is there (`SKYPICKET_CORPUS`).
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says when it is skipped"
)]

use serde_json::{Map, Value, json};
use skypicket_wire::{
    capture,
    remote_id::{As, decode_line},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The corpus folder `remote-id`, or nothing, said plainly.
fn corpus() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("SKYPICKET_CORPUS").map_or(default, PathBuf::from).join("remote-id");
    if root.is_dir() {
        return Some(root);
    }
    println!("skipped: no corpus");
    None
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// The expected message with what is unknown or out of range made null, and without the raw integers.
fn expected(m: &Value) -> Map<String, Value> {
    let mut o = m.as_object().unwrap().clone();
    o.remove("raw");
    let unknown = o.remove("unknown").unwrap_or_default();
    let mut null = |k: &str| drop(o.insert(k.to_owned(), Value::Null));
    let place = |m: &Value| {
        if m["msg"] == "system" { ["operator_lat_deg", "operator_lon_deg"] } else { ["lat_deg", "lon_deg"] }
    };
    for u in unknown.as_array().into_iter().flatten() {
        match u.as_str().unwrap() {
            "position" | "operator_position" => place(m).iter().for_each(|k| null(k)),
            "timestamp_2019_s" => ["timestamp_2019_s", "timestamp_unix_s"].iter().for_each(|k| null(k)),
            k => null(k),
        }
    }
    for f in m["flags"].as_array().unwrap() {
        match f.as_str().unwrap() {
            "lat_out_of_range" | "lon_out_of_range" => place(m).iter().for_each(|k| null(k)),
            "direction_out_of_range" => null("direction_deg"),
            "speed_v_out_of_range" => null("speed_v_mps"),
            "ts_out_of_range" => null("ts_after_hour_s"),
            _ => {}
        }
    }
    o
}

/// What differs between an expected message and ours; flags may be more than expected.
fn difference(want: &Value, got: &Value) -> Option<String> {
    let want = expected(want);
    let got = got.as_object().unwrap();
    for (k, w) in &want {
        let g = got.get(k).cloned().unwrap_or_else(|| "(missing)".into());
        let same = match (w, &g) {
            _ if k == "flags" => {
                let has = g.as_array().unwrap();
                w.as_array().unwrap().iter().all(|f| has.contains(f))
            }
            (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
            _ => *w == g,
        };
        if !same {
            return Some(format!("{k}: want {w}, got {g}"));
        }
    }
    let more: Vec<_> = got.keys().filter(|k| !want.contains_key(*k)).collect();
    (!more.is_empty()).then(|| format!("more fields: {more:?}"))
}

fn differences(want: &[Value], got: &[Value]) -> Option<String> {
    // A member that the reference refuses stands there as null; ours leaves it out.
    let want: Vec<_> = want.iter().filter(|m| !m.is_null()).collect();
    if want.len() != got.len() {
        return Some(format!("{} messages, want {}", got.len(), want.len()));
    }
    want.iter().zip(got).find_map(|(w, g)| difference(w, g))
}

/// The reference has no decoder of the French scheme: what its one vector says was read from its bytes by hand.
fn french_difference(got: &Value) -> Option<String> {
    let want = json!([{
        "msg": "french_id", "version": 1, "fr_id": "123ABC000000000000001234", "ansi_id": "1581TEST0001",
        "lat_deg": 48.85837, "lon_deg": 2.29448, "alt_m": 150, "height_m": 120,
        "takeoff_lat_deg": 48.857, "takeoff_lon_deg": 2.293, "speed_h_mps": 9, "direction_deg": 270, "flags": [],
    }]);
    (got["ok"] != true || got["messages"] != want).then(|| got.to_string())
}

fn form(kind: &str) -> Option<As> {
    Some(match kind {
        "basic_id" | "location" | "auth" | "self_id" | "system" | "operator_id" => As::Message,
        k if k.starts_with("reserved_") => As::Message,
        "pack" => As::Pack,
        "wifi_beacon_frame" | "wifi_nan_sync_beacon" | "wifi_beacon_french" => As::Beacon,
        "wifi_nan_action_frame" => As::Nan,
        "ble_legacy_adv_data" => As::BleLegacy,
        "ble_extended_adv_data" | "ble_malformed_adv_data" => As::BleExtended,
        _ => return None,
    })
}

#[test]
fn reference_vectors_agree() {
    let Some(root) = corpus() else { return };
    let (mut agree, mut bad) = (0, Vec::new());
    for v in lines(&root.join("vectors.jsonl")) {
        let Some(form) = form(v["type"].as_str().unwrap()) else {
            panic!("{} is of no form", v["name"]);
        };
        for form in [form, As::Auto] {
            // A pack that says it is a Location is only known for a pack when told so.
            if form == As::Auto && v["name"] == "v-pack-wrong-type" {
                continue;
            }
            let got = decode_line(v["hex"].as_str().unwrap(), form);
            let messages = got["messages"].as_array().unwrap();
            let decoded = &v["decoded"];
            let problem = if v["type"] == "wifi_beacon_french" {
                french_difference(&got)
            } else if decoded.is_null() {
                // What the reference refuses is refused here too, or salvaged under a flag; or there is nothing in it.
                let plain = got["ok"] == true && !messages.is_empty() && got["flags"].as_array().unwrap().is_empty();
                plain.then(|| "taken without a flag".to_owned())
            } else if got["ok"] != true {
                Some(format!("refused: {}", got["error"]))
            } else {
                match decoded.get("messages") {
                    Some(want) => differences(want.as_array().unwrap(), messages),
                    None => differences(std::slice::from_ref(decoded), messages),
                }
            };
            match problem {
                None => agree += 1,
                Some(p) => bad.push(format!("{} as {form:?}: {p}", v["name"])),
            }
        }
    }
    println!("{agree} decodings agree (each vector told and untold)");
    assert!(bad.is_empty(), "{} differ:\n{}", bad.len(), bad.join("\n"));
    assert!(agree > 700, "{agree}");
}

/// A DJI element's fields are all there and the same, but for the message's own name and flags.
fn dji_difference(want: &Value, got: &[Value]) -> Option<String> {
    let [got] = got else { return Some(format!("{} messages", got.len())) };
    let mut got = got.as_object().unwrap().clone();
    let name = (got.remove("msg"), got.remove("flags"));
    if name != (Some("dji_droneid".into()), Some(json!([]))) {
        return Some(format!("{name:?}"));
    }
    (Value::Object(got.clone()) != *want).then(|| format!("want {want}, got {got:?}"))
}

fn capture_agrees(name: &str, file: &str, bad: u64) {
    let Some(root) = corpus() else { return };
    let bytes = fs::read(root.join("captures").join(file)).unwrap();
    // What was received with a bad checksum stands there to be dropped (where it still looked like Remote ID).
    let want = lines(&root.join("captures").join(format!("{name}.expected.jsonl")));
    let want: Vec<_> = want.into_iter().filter(|w| w["crc_ok"] != false).collect();
    let mut elements = capture::elements(&bytes);
    let got: Vec<_> = elements.by_ref().map(|e| e.to_json()).collect();
    assert_eq!(got.len(), want.len());
    let counts = elements.counts();
    assert_eq!((counts.elements, counts.crc_bad), (want.len() as u64, bad));
    assert!(counts.refused.is_empty(), "{:?}", counts.refused);
    for (w, g) in want.iter().zip(&got) {
        for key in ["frame", "time_unix", "transport", "src", "rssi_dbm", "counter", "clipped", "payload_hex"] {
            assert_eq!(w[key], g[key], "{name} frame {} {key}", w["frame"]);
        }
        let messages = g["messages"].as_array().unwrap();
        let problem = match &w["dji"] {
            Value::Null => {
                let none = Vec::new();
                differences(w["decoded"]["messages"].as_array().unwrap_or(&none), messages)
            }
            dji => dji_difference(dji, messages),
        };
        assert_eq!(problem, None, "{name} frame {}", w["frame"]);
    }
    println!("{name}: {} elements agree", got.len());
}

#[test]
fn a_real_flight_agrees() {
    capture_agrees("parrot-anafi-real-a", "parrot-anafi-real-a.pcapng", 0);
}

#[test]
fn a_real_dji_air_3_agrees() {
    capture_agrees("dji-air3-beacon", "dji-air3-beacon.pcapng", 0);
}

#[test]
fn a_demonstration_transmitter_agrees() {
    capture_agrees("espressif-beacon", "espressif-beacon.pcap", 0);
}

#[test]
fn nan_frames_among_beacons_agree() {
    capture_agrees("espressif-nan-and-beacon", "espressif-nan-and-beacon.pcap", 0);
}

#[test]
fn a_real_long_range_transmitter_agrees() {
    capture_agrees("ble5-coded-a", "ble5-coded-a.pcapng", 25);
}

#[test]
fn forged_dji_elements_agree() {
    capture_agrees("dji-droneid-spoofed-multiple", "dji-droneid-spoofed-multiple.pcapng", 0);
}

/// The vectors that a capture was made from, by the bytes of their frames.
fn made_capture_agrees(file: &str, types: &[&str], elements: usize) {
    let Some(root) = corpus() else { return };
    let vectors: Vec<_> = lines(&root.join("vectors.jsonl"));
    let vectors: Vec<_> = vectors.iter().filter(|v| types.contains(&v["type"].as_str().unwrap())).collect();
    let bytes = fs::read(root.join("captures").join(file)).unwrap();
    let got: Vec<_> = capture::elements(&bytes).map(|e| e.to_json()).collect();
    assert_eq!(got.len(), elements);
    let (mut frames, mut agree) = (0, 0);
    for frame in capture::frames(&bytes) {
        frames += 1;
        let hex = text_hex(frame.data);
        let v = vectors.iter().find(|v| hex.contains(v["hex"].as_str().unwrap())).unwrap();
        let of_frame: Vec<_> = got.iter().filter(|g| g["frame"] == frame.number).collect();
        let decoded = &v["decoded"];
        let want = match (v["type"].as_str().unwrap(), decoded) {
            ("wifi_beacon_french", _) => {
                let d = french_difference(of_frame[0]);
                assert_eq!(d, None);
                agree += 1;
                continue;
            }
            (_, Value::Null) => {
                // Refused, salvaged under a flag, or of no element at all.
                for g in of_frame {
                    let plain = g["ok"] == true && g["flags"] == json!([]) && g["messages"] != json!([]);
                    assert!(!plain, "{} {g}", v["name"]);
                }
                continue;
            }
            (_, d) => d.get("messages").map_or(vec![d.clone()], |m| m.as_array().unwrap().clone()),
        };
        let messages: Vec<_> = of_frame.iter().flat_map(|g| g["messages"].as_array().unwrap().clone()).collect();
        assert_eq!(differences(&want, &messages), None, "{}", v["name"]);
        if let Some(counter) = v["transport"]["counter"].as_u64() {
            assert_eq!(of_frame[0]["counter"], counter, "{}", v["name"]);
        }
        agree += 1;
    }
    println!("{file}: {agree} of {frames} frames agree, the others are refused as they must be");
}

fn text_hex(bytes: &[u8]) -> String {
    skypicket_wire::remote_id::text::hex(bytes)
}

#[test]
fn a_made_bluetooth_capture_agrees() {
    made_capture_agrees("synth-ble.pcap", &["ble_legacy_adv_data", "ble_extended_adv_data"], 17);
}

#[test]
fn a_made_wifi_capture_agrees() {
    let types = ["wifi_beacon_frame", "wifi_beacon_french", "wifi_nan_action_frame", "wifi_nan_sync_beacon"];
    made_capture_agrees("synth-wifi.pcap", &types, 18);
}
