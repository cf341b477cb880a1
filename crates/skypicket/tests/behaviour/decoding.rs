//! `decode receivers`, `mavlink`, `adsb` and `netrid`: a line for each input, in order, and the exit status that says
//! whether anything was refused.

use crate::support::program;
use serde_json::{Value, json};
use std::{
    io::Write as _,
    path::PathBuf,
    process::{Output, Stdio},
};

fn testdata(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/receivers").join(name)
}

fn decode(args: &[&str], input: &[u8]) -> Output {
    let mut child = program()
        .arg("decode")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One that refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn lines(out: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&out.stdout).unwrap();
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// Status, and of each line whether it was ok and what its messages are.
fn said(out: &Output) -> (Option<i32>, Vec<(bool, Vec<String>)>) {
    let kinds = |l: &Value| {
        let messages = l["messages"].as_array().unwrap();
        (l["ok"] == true, messages.iter().map(|m| m["msg"].as_str().unwrap().to_owned()).collect())
    };
    (out.status.code(), lines(out).iter().map(kinds).collect())
}

#[test]
fn every_kind_of_input_gives_its_lines_and_its_status() {
    let drone = |l: &[&str]| (true, l.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>());
    let whole = ["basic_id", "location", "system"];
    let file = |name: &str| std::fs::read(testdata(name)).unwrap();
    let scout = file("dronescout.json");
    let expected = (Some(0), vec![drone(&whole)]);
    assert_eq!(said(&decode(&["receivers"], &scout)), expected);
    assert_eq!(said(&decode(&["receivers", "--as", "dronescout"], &scout)), expected);
    let array = [b"[".as_slice(), scout.trim_ascii(), b",", scout.trim_ascii(), b"]\0"].concat();
    assert_eq!(said(&decode(&["receivers"], &array)), (Some(0), vec![drone(&whole), drone(&whole)]));
    let dji = ["basic_id", "self_id", "location", "system"];
    let frames = file("antsdr.bin");
    assert_eq!(said(&decode(&["receivers", "--as", "antsdr"], &frames)), (Some(0), vec![drone(&dji), drone(&dji)]));

    let mavlink = testdata("mavlink.hex");
    let out = decode(&["mavlink", mavlink.to_str().unwrap()], b"");
    let each = ["heartbeat", "global_position", "basic_id", "location", "system"];
    assert_eq!(said(&out), (Some(0), each.iter().map(|m| drone(&[m])).collect()));

    let (status, got) = said(&decode(&["adsb"], &file("adsb.avr")));
    let each = ["identification", "airborne_position", "airborne_position"];
    assert_eq!((status, got), (Some(0), each.iter().map(|m| drone(&[m])).collect()));
    let polled = json!({"now": 1.0, "aircraft": [{"hex": "a1b2c3", "lat": 1.0, "lon": 2.0}, {"hex": "~2abcde"}]});
    let pretty = serde_json::to_vec_pretty(&polled).unwrap();
    assert_eq!(said(&decode(&["adsb"], &pretty)), (Some(0), vec![drone(&["aircraft", "aircraft"])]));

    let details = json!({"details": {"id": "f1", "serial_number": "SKYP1RST0GHTH0001", "operator_id": "CHE-1"}});
    let out = decode(&["netrid"], details.to_string().as_bytes());
    assert_eq!(said(&out), (Some(0), vec![drone(&["basic_id", "operator_id"])]));
}

#[test]
fn what_is_refused_costs_itself_and_the_status_says_so() {
    let good = "{\"mac\":\"aa\",\"radio\":\"ble\",\"lat\":1.0,\"lon\":2.0}";
    let text = format!("{good}\n{{\"mac\":\"aa\",\"mac\":\"bb\"}}\nnonsense\n{good}{good}");
    let (status, got) = said(&decode(&["receivers"], text.as_bytes()));
    assert_eq!((status, got.iter().map(|l| l.0).collect::<Vec<_>>()), (Some(1), vec![true, false, false, true, true]));
    let out = decode(&["mavlink"], b"fd00\nzz\n");
    assert_eq!((out.status.code(), lines(&out).len()), (Some(1), 2));
    let out = decode(&["adsb"], b"8D4840D6202CC371C32CE0576099\n");
    assert_eq!((out.status.code(), &lines(&out)[0]["error"]["kind"]), (Some(1), &json!("mode_s_parity")));
    let out = decode(&["netrid"], b"{\"flights\":[{\"states\":[]}]}");
    assert_eq!(out.status.code(), Some(1));
    assert_eq!(lines(&out)[0]["error"]["message"], "flights[0].reference_time: is missing");
    let out = decode(&["receivers", "--as", "radar"], b"");
    assert_eq!((out.status.code(), out.stdout.is_empty()), (Some(2), true));
    assert!(String::from_utf8_lossy(&out.stderr).contains("dronescout"));
}
