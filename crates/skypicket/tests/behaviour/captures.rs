//! Captures, JSON lines and single messages through `replay` and `decode`: the contract that outside programs rely on,
//! numbers checked by hand, and damage that costs only what it hit.

use crate::support::{Centre, Folder, Scene, centre::run, line::metres, now_s, number, program, tak, text};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::{Duration, Instant},
};

/// The capture of this project: 60 s of one drone flying north at 12 m/s, 60 m up, towards 31.76 N 106.49 W.
fn approach() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/captures/approach.pcap")
}
const SERIAL: &str = "SKYPF1RSTL1GHT000001";

/// A file of the corpus, which is not part of the repository; says so when it is not there.
fn corpus(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SKYPICKET_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join("remote-id/captures").join(name);
    if !path.is_file() {
        // Past the capture of the test harness: a test that checked nothing must say so.
        let _ = writeln!(std::io::stdout(), "skipped: no corpus ({name})");
        return None;
    }
    Some(path)
}

/// Every line as JSON; the summary is the last, and the only one.
fn lines(out: &Output) -> Vec<Value> {
    let text = String::from_utf8(out.stdout.clone()).expect("UTF-8");
    assert!(text.ends_with('\n'));
    let lines: Vec<Value> =
        text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{l}: {e}"))).collect();
    let summaries = lines.iter().filter(|l| l["type"] == "summary").count();
    assert_eq!((summaries, &lines.last().unwrap()["type"]), (1, &json!("summary")));
    lines
}

fn of<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|l| l["type"] == kind).collect()
}

fn replay(file: &Path, more: &[&str]) -> Output {
    program().arg("replay").arg(file).args(more).stdin(Stdio::null()).output().unwrap()
}

/// East, north and up of `b` from `a`, metres: a flat measure of our own, good to 0.1 % within some kilometres.
fn enu(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    let north = metres((a[0], a[1]), (b[0], a[1])).copysign(b[0] - a[0]);
    let east = metres((b[0], a[1]), (b[0], b[1])).copysign(b[1] - a[1]);
    [east, north, b[2] - a[2]]
}

fn norm(v: [f64; 3]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn three(v: &Value) -> [f64; 3] {
    [0, 1, 2].map(|k| v[k].as_f64().unwrap_or(f64::NAN))
}

#[track_caller]
fn near(what: &str, got: f64, want: f64, share: f64, slack: f64) {
    assert!((got - want).abs() <= want.abs() * share + slack, "{what}: {got}, by hand {want}");
}

/// Earliest time to close a gap by the limits of a class: speed up all the way, then go on at the highest speed.
fn earliest(gap: f64, closing: f64, (fastest, accel): (f64, f64)) -> f64 {
    if gap <= 0.0 {
        return 0.0;
    }
    let to_fastest_s = (fastest - closing) / accel;
    let to_fastest_m = closing * to_fastest_s + accel * to_fastest_s * to_fastest_s / 2.0;
    if to_fastest_m < gap {
        return to_fastest_s + (gap - to_fastest_m) / fastest;
    }
    // gap = closing t + accel t² / 2
    ((closing * closing + 2.0 * accel * gap).sqrt() - closing) / accel
}

/// The types and fields that the contract names, with their kinds, on every line.
fn check_contract(lines: &[Value]) {
    let mut observed: BTreeSet<&str> = BTreeSet::new();
    for l in lines {
        assert!(l["t"].is_number(), "{l}");
        let kind = text(l, "/type");
        match kind {
            "observation" => {
                observed.insert(text(l, "/id"));
                assert!(l["source"].is_string() && l["transport"].is_string() && l["claims"].is_object(), "{l}");
                assert!(
                    l["lla"].is_null()
                        || l["lla"].as_array().is_some_and(|a| a.len() == 3 && a[0].is_number() && a[1].is_number()),
                    "{l}"
                );
                assert!(l["lla"].is_null() || l["cov_enu_m2"].is_array(), "{l}");
            }
            "track" => {
                assert!(["tentative", "confirmed", "deleted"].contains(&text(l, "/state")), "{l}");
                assert!(
                    l["lla"][0].is_number() && l["vel_enu_mps"][2].is_number() && l["cov_enu_m2"][2][2].is_number(),
                    "{l}"
                );
                let existence = number(l, "/existence");
                assert!((0.0..=1.0).contains(&existence), "{l}");
                for id in l["ids"].as_array().unwrap() {
                    assert!(
                        id["kind"].is_string() && id["value"].is_string() && (0.0..=1.0).contains(&number(id, "/p")),
                        "{l}"
                    );
                }
                assert!(l["sources"].is_array() && l["suspect"].is_boolean() && l["evidence"].is_array(), "{l}");
            }
            "danger" => {
                text(l, "/track");
                text(l, "/protected");
                for field in ["distance_m", "cpa_m", "cpa_in_s", "earliest_s"] {
                    assert!(l[field].as_f64().is_some_and(|n| n >= 0.0), "{field}: {l}");
                }
                let p = ["30", "60", "120", "300"].map(|s| l["p_within"][s].as_f64().unwrap_or(-1.0));
                assert!(p.windows(2).all(|w| w[0] <= w[1] + 1e-9) && p[0] >= 0.0 && p[3] <= 1.0, "{l}");
                assert!(l["level"].is_null() || ["advisory", "caution", "urgent"].contains(&text(l, "/level")), "{l}");
                assert!(l["reasons"].is_array());
            }
            "warning" => {
                assert!(["raised", "updated", "cleared"].contains(&text(l, "/state")), "{l}");
                assert!(l["version"].as_u64() >= Some(1) && !text(l, "/text").is_empty());
                text(l, "/level");
                text(l, "/protected");
                let because = l["because"].as_array().unwrap();
                assert!(l["state"] == "cleared" || !because.is_empty(), "{l}");
                // It rests on what was printed before it.
                assert!(because.iter().all(|o| observed.contains(o.as_str().unwrap())), "{l}");
            }
            "summary" => assert!(l["refused"].is_object(), "{l}"),
            other => panic!("an unknown line {other}"),
        }
    }
    // Versions count from one; the first is raised, the last cleared.
    for id in of(lines, "warning").iter().map(|w| text(w, "/id")).collect::<BTreeSet<_>>() {
        let all: Vec<_> = of(lines, "warning").into_iter().filter(|w| w["id"] == id).collect();
        for (n, w) in all.iter().enumerate() {
            assert_eq!(w["version"], json!(n + 1));
            assert_eq!(w["state"] == "raised", n == 0);
            assert_eq!(w["state"] == "cleared", n + 1 == all.len());
        }
    }
}

/// Every danger, computed again from the track line before it and the place.
fn check_dangers_by_hand(lines: &[Value], place: [f64; 3], standoff_m: f64) -> usize {
    let mut checked = 0;
    let mut track: Option<&Value> = None;
    for l in lines {
        if l["type"] == "track" {
            track = Some(l);
        }
        let Some(t) = track
            .filter(|t| l["type"] == "danger" && t["id"] == l["track"] && t["t"] == l["t"] && t["state"] != "deleted")
        else {
            continue;
        };
        let mut r = enu(place, three(&t["lla"]));
        let mut v = three(&t["vel_enu_mps"]);
        let flat = r[2].is_nan();
        if flat {
            (r[2], v[2]) = (0.0, 0.0);
        }
        let reasons = l["reasons"].to_string();
        assert_eq!(reasons.contains("height_unknown"), flat, "{l}");
        let distance = norm(r);
        near("distance_m", number(l, "/distance_m"), distance, 0.002, 0.5);
        let bearing = r[0].atan2(r[1]).to_degrees().rem_euclid(360.0);
        let off = (number(l, "/bearing_deg") - bearing + 180.0).rem_euclid(360.0) - 180.0;
        assert!(distance < 5.0 || off.abs() < 1.0, "bearing {off} off: {l}");
        let speed = norm(v);
        let dot: f64 = r.iter().zip(v).map(|(a, b)| a * b).sum();
        if speed > 0.5 {
            let in_s = (-dot / (speed * speed)).max(0.0);
            near("cpa_in_s", number(l, "/cpa_in_s"), in_s, 0.01, 0.2);
            near("cpa_m", number(l, "/cpa_m"), norm([0, 1, 2].map(|k| r[k] + v[k] * in_s)), 0.02, 1.5);
        }
        let closing = -dot / distance.max(0.001);
        // FPV counts until the class is believed.
        let by_class = [(40.0, 10.0), (25.0, 5.0)].map(|limits| earliest(distance - standoff_m, closing, limits));
        let said = number(l, "/earliest_s");
        assert!(
            by_class.iter().any(|e| (said - e).abs() <= e * 0.01 + 0.1),
            "earliest_s {said}, by hand {by_class:?}: {l}"
        );
        // A level is never under what the probabilities say; above it only for the time it is held.
        let p = |s: &str| number(l, &format!("/p_within/{s}"));
        assert!(p("300") <= number(t, "/existence") + 1e-9, "{l}");
        let least = if p("30") >= 0.5 {
            3
        } else if p("120") >= 0.5 {
            2
        } else {
            i32::from(p("300") >= 0.5)
        };
        let level = match l["level"].as_str() {
            Some("urgent") => 3,
            Some("caution") => 2,
            Some("advisory") => 1,
            _ => 0,
        };
        assert!(level >= least, "{l}");
        checked += 1;
    }
    checked
}

/// The confirmed tracks' ids, and the serial of the likeliest.
fn confirmed(lines: &[Value]) -> (BTreeSet<&str>, String) {
    let all = of(lines, "track");
    let ids = all.iter().filter(|t| t["state"] == "confirmed").map(|t| text(t, "/id")).collect();
    let last = all.iter().rev().find(|t| t["state"] == "confirmed").expect("a confirmed track");
    let mut serials: Vec<&Value> = last["ids"].as_array().unwrap().iter().filter(|i| i["kind"] == "serial").collect();
    serials.sort_by(|a, b| number(b, "/p").total_cmp(&number(a, "/p")));
    (ids, text(serials[0], "/value").to_owned())
}

#[test]
fn the_projects_own_capture_is_one_track_with_its_serial_and_dangers_that_can_be_checked_by_hand() {
    for (height, place) in [("", [31.76, -106.49, f64::NAN]), ("1140", [31.76, -106.49, 1_140.0])] {
        let out = replay(&approach(), &["--protect", &format!("31.76,-106.49,{height},post")]);
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
        let lines = lines(&out);
        check_contract(&lines);
        let (ids, serial) = confirmed(&lines);
        assert_eq!((ids.len(), serial.as_str()), (1, SERIAL));
        assert_eq!(of(&lines, "observation").len(), 180);
        assert!(check_dangers_by_hand(&lines, place, 150.0) >= 170);
        // It flies from 900 m towards the post: what must be said, and in which order.
        let warnings = of(&lines, "warning");
        let levels: Vec<&str> =
            warnings.iter().filter(|w| w["state"] != "cleared").map(|w| text(w, "/level")).collect();
        assert!(levels.contains(&"urgent") && levels[0] != "urgent", "{levels:?}");
        assert_eq!(warnings.iter().map(|w| text(w, "/id")).collect::<BTreeSet<_>>().len(), 1);
        assert_eq!(warnings[0]["protected"], "post");
        let summary = lines.last().unwrap();
        assert_eq!(
            (&summary["frames"], &summary["elements"], &summary["observations"], &summary["tracks"]),
            (&json!(180), &json!(180), &json!(180), &json!(1))
        );
        assert_eq!((&summary["warnings"], &summary["refused"]), (&json!(warnings.len()), &json!({})));
    }
    // A larger stand-off is reached sooner.
    let out = replay(&approach(), &["--protect", "31.76,-106.49,,post", "--standoff", "400"]);
    let wide = lines(&out);
    assert!(check_dangers_by_hand(&wide, [31.76, -106.49, f64::NAN], 400.0) >= 170);
    // With nobody to protect there is no danger.
    let none = lines(&replay(&approach(), &[]));
    assert!(of(&none, "danger").is_empty() && of(&none, "warning").is_empty());
}

#[test]
fn real_captures_are_one_track_each_with_the_right_serial() {
    // 395 m west of where the Anafi hovered; some 120 m from where the Air 3 was.
    for (file, serial, place, observations) in [
        ("parrot-anafi-real-a.pcapng", "1588E040445AC004418", [47.1987, 8.7250, f64::NAN], 559),
        ("dji-air3-beacon.pcapng", "1581F6N8A23B2ML3Y3KR", [33.6660, -82.1910, 80.0], 9),
    ] {
        let Some(path) = corpus(file) else { continue };
        let [lat, lon, hae] = place;
        let height = if hae.is_nan() { String::new() } else { hae.to_string() };
        let out = replay(&path, &["--protect", &format!("{lat},{lon},{height},post")]);
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
        let lines = lines(&out);
        check_contract(&lines);
        let (ids, found) = confirmed(&lines);
        assert_eq!((ids.len(), found.as_str()), (1, serial), "{file}");
        assert_eq!(of(&lines, "observation").len(), observations, "{file}");
        assert_eq!(lines.last().unwrap()["refused"], json!({}));
        assert!(check_dangers_by_hand(&lines, place, 150.0) >= observations * 9 / 10, "{file}");
        assert!(of(&lines, "track").iter().all(|t| t["suspect"] == false), "{file}");
        if hae.is_nan() {
            // No absolute height, accuracies unknown: sigma 15 m, and said so.
            for o in of(&lines, "observation").iter().filter(|o| !o["lla"].is_null()) {
                assert!(o["lla"][2].is_null() && o["flags"].to_string().contains("accuracy_unknown"), "{o}");
                near("variance", number(o, "/cov_enu_m2/0/0"), 225.0, 1e-9, 0.0);
            }
            assert!(of(&lines, "track").iter().all(|t| t["lla"][2].is_null()));
        }
    }
}

#[test]
fn a_replay_prints_the_same_bytes_each_time_at_any_speed_and_leaves_nothing_behind() {
    let args = ["--protect", "31.76,-106.49,,post"];
    let first = replay(&approach(), &args);
    assert!(first.stdout == replay(&approach(), &args).stdout, "not the same bytes");
    let begun = Instant::now();
    let paced = replay(&approach(), &[&args[..], &["--speed", "150"]].concat());
    // 60 s of flight and two minutes for the end.
    assert!(begun.elapsed() > Duration::from_secs(1), "{:?}", begun.elapsed());
    assert!(first.stdout == paced.stdout, "not the same bytes at another speed");
    let from_stdin =
        program().args(["replay", "-"]).args(args).stdin(std::fs::File::open(approach()).unwrap()).output().unwrap();
    assert!(first.stdout == from_stdin.stdout, "not the same bytes from standard input");

    // Its record is kept only where it is asked for, in a folder of its own, and verifies.
    let folder = Folder::new();
    let data = folder.path().join("kept");
    let kept = replay(&approach(), &[&args[..], &["--data", data.to_str().unwrap()]].concat());
    assert_eq!(kept.status.code(), Some(0), "{}", String::from_utf8_lossy(&kept.stderr));
    // Ids of tracks and warnings are made from the log's own id: all else is the same.
    assert_eq!(lines(&kept).len(), lines(&first).len());
    let verified = run(&["record", "verify", "--recompute", "--data", data.to_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(0), "{}", String::from_utf8_lossy(&verified.stdout));
    let again = replay(&approach(), &["--data", data.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(2), "never into a record that exists");

    for bad in [
        &["--speed", "0"][..],
        &["--speed", "fast"],
        &["--standoff", "-1"],
        &["--protect", "91,0"],
        &["--protect", "1,2,,a", "--protect", "1,2,,a"],
    ] {
        let out = replay(&approach(), bad);
        assert!(matches!(out.status.code(), Some(2 | 3)) && out.stdout.is_empty(), "{bad:?}: {out:?}");
    }
    assert_eq!(replay(Path::new("no-such-file.pcap"), &[]).status.code(), Some(3));
}

#[test]
fn json_lines_are_replayed_and_what_is_not_built_yet_is_refused_by_name() {
    let folder = Folder::new();
    let first = replay(&approach(), &["--protect", "31.76,-106.49,,post"]);
    // What replay prints is what it reads.
    let file = folder.file("printed.jsonl", &first.stdout);
    let out = replay(&file, &["--protect", "31.76,-106.49,,post"]);
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    let again = lines(&out);
    check_contract(&again);
    assert_eq!(confirmed(&again).1, SERIAL);
    assert_eq!((confirmed(&again).0.len(), of(&again, "observation").len()), (1, 180));
    assert!(!of(&again, "warning").is_empty());
    assert!(check_dangers_by_hand(&again, [31.76, -106.49, f64::NAN], 150.0) >= 170);

    // Bad lines are counted, by reason, and the good ones come out.
    let mut mixed = Vec::new();
    for (n, line) in
        first.stdout.split(|b| *b == b'\n').filter(|l| l.windows(13).any(|w| w == b"\"observation\"")).enumerate()
    {
        mixed.extend_from_slice(line);
        mixed.push(b'\n');
        if n % 30 == 0 {
            mixed.extend_from_slice(
                b"{\"type\":\"observation\",\"t\":1}\n{\"type\":\"observation\",\"t\":NaN}\nnonsense\n",
            );
        }
    }
    let out = replay(&folder.file("mixed.jsonl", &mixed), &[]);
    assert_eq!(out.status.code(), Some(1), "something was refused");
    let mixed = lines(&out);
    let refused = mixed.last().unwrap()["refused"].as_object().unwrap();
    assert!(refused.values().map(|n| n.as_u64().unwrap()).sum::<u64>() >= 12, "{refused:?}");
    assert!(of(&mixed, "observation").len() >= 180);
    assert_eq!(confirmed(&mixed).1, SERIAL);

    for (name, content, word) in [
        (
            "meas.jsonl",
            "{\"type\":\"header\",\"family\":\"f1\"}\n",
            "an evaluation-kit file as input of replay is not built yet",
        ),
        ("other.bin", "GIF89a", "neither pcap, pcapng nor JSON lines"),
    ] {
        let out = replay(&folder.file(name, content), &[]);
        let said = String::from_utf8_lossy(&out.stderr);
        assert!(said.contains(word) && matches!(out.status.code(), Some(2 | 3)), "{name}: {:?} {said}", out.status);
    }
}

/// Where each record of the capture begins, and its end: 24 bytes of header, then 16 and its length each.
fn records(pcap: &[u8]) -> Vec<(usize, usize)> {
    let mut at = 24;
    let mut found = Vec::new();
    while at + 16 <= pcap.len() {
        let n = u32::from_le_bytes(pcap[at + 8..at + 12].try_into().unwrap()) as usize;
        found.push((at, at + 16 + n));
        at += 16 + n;
    }
    found
}

/// A line without the number of its frame, which moves when one before it is lost.
fn unnumbered(l: &Value) -> String {
    let mut l = l.clone();
    l.as_object_mut().unwrap().remove("frame");
    l.to_string()
}

#[test]
fn damage_to_a_capture_costs_what_it_hit_and_is_counted() {
    let folder = Folder::new();
    let pcap = std::fs::read(approach()).unwrap();
    let frames = records(&pcap);
    assert_eq!(frames.len(), 180);
    let decode = |bytes: &[u8]| {
        let file = folder.file("damaged.pcap", bytes);
        let out = run(&["decode".as_ref(), "capture".as_ref(), file.as_os_str()]);
        assert!(matches!(out.status.code(), Some(0 | 1)), "{out:?}");
        (out.status.code().unwrap(), lines(&out), file)
    };
    let (status, whole, _) = decode(&pcap);
    assert_eq!((status, whole.len()), (0, 181));
    let whole: Vec<String> = whole.iter().map(unnumbered).collect();

    // Cut in the middle of a frame.
    let (status, cut, file) = decode(&pcap[..frames[100].0 + 40]);
    assert_eq!((status, cut.len()), (1, 101));
    assert_eq!(cut.last().unwrap()["refused"], json!({"truncated": 1}));
    let out = replay(&file, &["--protect", "31.76,-106.49,,post"]);
    assert_eq!(out.status.code(), Some(1));
    let replayed = lines(&out);
    check_contract(&replayed);
    assert_eq!((of(&replayed, "observation").len(), confirmed(&replayed).1.as_str()), (100, SERIAL));
    assert_eq!(replayed.last().unwrap()["refused"], json!({"truncated": 1}));

    // Ten random bytes of ten frames, from their record's header to their end: the other frames are as before.
    let mut seed = 0x5EED_u64;
    let mut next = move |below: usize| {
        // xorshift64 (Marsaglia 2003)
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    for round in 0..12 {
        let mut bytes = pcap.clone();
        let mut hit = BTreeSet::new();
        for _ in 0..10 {
            let n = next(frames.len());
            let (from, to) = frames[n];
            for _ in 0..10 {
                bytes[from + next(to - from)] ^= 1 << next(8);
            }
            hit.insert(n);
        }
        let (_, damaged, file) = decode(&bytes);
        let kept: BTreeSet<String> = damaged.iter().map(unnumbered).collect();
        // A record that claims to be longer than it is takes with it what begins within its claim.
        let claimed = |n: usize| {
            let at = frames[n].0;
            at + 16 + u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize
        };
        let swallowed = |n: usize| hit.iter().any(|h| *h < n && claimed(*h) > frames[n].0 && claimed(*h) < pcap.len());
        let lost: Vec<usize> =
            (0..180).filter(|n| !hit.contains(n) && !swallowed(*n) && !kept.contains(&whole[*n])).collect();
        assert!(lost.is_empty(), "round {round}: frames {lost:?} were lost with {hit:?}");
        let out = replay(&file, &[]);
        assert!(matches!(out.status.code(), Some(0 | 1)), "{out:?}");
        let replayed = lines(&out);
        let refused = replayed.last().unwrap()["refused"].as_object().unwrap().len();
        assert_eq!(out.status.code(), Some(i32::from(refused > 0)));
        assert!(of(&replayed, "observation").len() >= 160, "round {round}");
        // The flight is followed to its end all the same, also over a stamp that was hit.
        let (_, serial) = confirmed(&replayed);
        let last = of(&replayed, "track")
            .iter()
            .filter(|t| t["state"] == "confirmed")
            .map(|t| number(t, "/t"))
            .fold(0.0, f64::max);
        assert_eq!(serial, SERIAL, "round {round}");
        assert!((1_780_282_855.0..1_780_282_900.0).contains(&last), "round {round}: {last}");
    }
}

#[test]
fn decode_gives_a_line_for_each_input_and_refuses_other_formats_by_name() {
    let out = run(&["decode".as_ref(), "capture".as_ref(), approach().as_os_str()]);
    let elements = lines(&out);
    let mut input = String::new();
    for e in &elements[..elements.len() - 1] {
        for field in [
            "frame",
            "time_unix",
            "transport",
            "src",
            "rssi_dbm",
            "counter",
            "clipped",
            "payload_hex",
            "messages",
            "flags",
        ] {
            assert!(e.get(field).is_some(), "{field}: {e}");
        }
        assert_eq!(e["transport"], "wifi_beacon");
        input.push_str(text(e, "/payload_hex"));
        input.push('\n');
    }
    let frames: Vec<u64> = elements.iter().filter_map(|e| e["frame"].as_u64()).collect();
    assert_eq!(frames, (1..=180).collect::<Vec<_>>());
    let summary = elements.last().unwrap();
    assert_eq!(
        (&summary["frames"], &summary["elements"], &summary["crc_bad"], &summary["refused"]),
        (&json!(180), &json!(180), &json!(0), &json!({}))
    );

    // The same packs as hex lines are the same messages; a bad line is its own line and no other's.
    let piped = |args: &[&str], input: &[u8]| {
        let mut child =
            program().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writing = std::thread::spawn(move || stdin.write_all(&input));
        let out = child.wait_with_output().unwrap();
        writing.join().unwrap().unwrap();
        out
    };
    let parsed = |out: &Output| -> Vec<Value> {
        String::from_utf8(out.stdout.clone()).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    };
    let good = piped(&["decode", "remote-id", "--as", "pack"], input.as_bytes());
    assert_eq!(good.status.code(), Some(0));
    let decoded = parsed(&good);
    assert_eq!(decoded.len(), 180);
    for (d, e) in decoded.iter().zip(&elements) {
        assert_eq!((&d["ok"], &d["messages"], &d["error"]), (&json!(true), &e["messages"], &Value::Null));
        assert!(d["flags"].is_array());
    }
    let mixed = format!(
        "{}zz\n{}\n{}",
        input.lines().next().unwrap().to_owned() + "\n",
        input.get(..30).unwrap(),
        input.lines().nth(1).unwrap()
    );
    let out = piped(&["decode", "remote-id"], mixed.as_bytes());
    assert_eq!(out.status.code(), Some(1));
    let mixed = parsed(&out);
    assert_eq!(mixed.iter().map(|l| l["ok"].as_bool().unwrap()).collect::<Vec<_>>(), [true, false, false, true]);
    for bad in &mixed[1..3] {
        assert!(
            bad["error"]["kind"].is_string() && bad["error"]["offset"].is_u64() && bad["error"]["message"].is_string(),
            "{bad}"
        );
    }

    let event = |uid: &str| tak::sa(uid, "RAVEN", (31.76, -106.49, 1_200.0));
    let stream = format!("{}\n{}{}", event("A"), event("B").replace("lat=\"31.76\"", "lat=\"north\""), event("C"));
    let out = piped(&["decode", "cot"], stream.as_bytes());
    assert_eq!(out.status.code(), Some(1));
    let events = parsed(&out);
    assert_eq!(events.iter().map(|l| l["ok"].as_bool().unwrap()).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!((&events[0]["messages"][0]["uid"], &events[2]["messages"][0]["uid"]), (&json!("A"), &json!("C")));
    assert_eq!(events[1]["error"]["offset"].as_u64().map(|o| o > event("A").len() as u64), Some(true));
    // Nothing at all is nothing wrong.
    let out = piped(&["decode", "cot"], b"");
    assert_eq!((out.status.code(), out.stdout.len()), (Some(0), 0));

    let out = run(&["decode", "sapient"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("decode sapient is not built yet"));
    assert_eq!(run(&["decode", "jpeg"]).status.code(), Some(2));
    assert_eq!(run(&["decode", "remote-id", "--as", "smoke-signals"]).status.code(), Some(2));
    assert_eq!(run(&["decode", "capture", "no-such-file"]).status.code(), Some(3));
}

#[test]
fn messages_of_an_mqtt_log_are_replayed_and_bad_ones_are_counted() {
    let mut log = String::new();
    for k in 0..20 {
        let t = 1_780_282_800.0 + f64::from(k);
        let drone = json!({"id": "drone-SKYP1", "lat": 31.75 + 1e-4 * f64::from(k), "lon": -106.5, "observed_at": t - 0.5, "seen_by": "kit"});
        let payload = STANDARD.encode(drone.to_string());
        log += &json!({"t": t, "topic": "wardragon/drone/drone-SKYP1", "payload_b64": payload}).to_string();
        log.push('\n');
    }
    log += "{\"t\":1780282821.5,\"topic\":\"x\",\"payload_b64\":\"!!\"}\n";
    log += "{\"t\":1780282822.5,\"topic\":\"x\",\"payload_b64\":\"e30=\"}\n";
    let out = replay(&Folder::new().file("log.jsonl", log), &[]);
    assert_eq!(out.status.code(), Some(1), "{}", String::from_utf8_lossy(&out.stderr));
    let all = lines(&out);
    check_contract(&all);
    assert_eq!(of(&all, "observation").len(), 20);
    assert_eq!(confirmed(&all).1, "SKYP1");
    let refused = all.last().unwrap()["refused"].as_object().unwrap();
    assert!(refused["line_field"] == 1 && refused.len() == 2, "{refused:?}");
}

#[test]
fn a_capture_that_another_program_is_writing_becomes_a_track() {
    let folder = Folder::new();
    let path = folder.path().join("growing.pcap");
    let pcap = std::fs::read(approach()).unwrap();
    let frames = records(&pcap);
    let stamped = |n: usize, t: f64| {
        let (from, to) = frames[n];
        let mut record = pcap[from..to].to_vec();
        let us = skypicket_model::Time::from_unix_s(t).unwrap().as_micros();
        record[..4].copy_from_slice(&u32::try_from(us / 1_000_000).unwrap().to_le_bytes());
        record[4..8].copy_from_slice(&u32::try_from(us % 1_000_000).unwrap().to_le_bytes());
        record
    };
    // An hour-old part is there before the start: of that nothing may come.
    let mut old = pcap[..24].to_vec();
    for n in 0..30 {
        old.extend(stamped(n, now_s() - 3_600.0));
    }
    std::fs::write(&path, &old).unwrap();
    let scene = Scene::new()
        .and(&format!("[[source.capture]]\nid = \"rid-box\"\npath = \"{}\"\npoll_ms = 20\n", path.display()));
    let mut centre = Centre::start_with(scene, &[]);
    let mut at_watch = centre.events("watch");
    let watch = centre.person("watch");
    at_watch.wait("a picture", |e| e.name == "tracks");
    at_watch.heartbeat();
    assert!(
        at_watch.seen.iter().filter(|e| e.name == "tracks").all(|e| e.data["features"].as_array().unwrap().is_empty())
    );

    let mut file = std::fs::File::options().append(true).open(&path).unwrap();
    for n in 30..40 {
        let record = stamped(n, now_s());
        // A writer's buffer ends anywhere.
        let (head, tail) = record.split_at(record.len() / 3);
        file.write_all(head).unwrap();
        file.flush().unwrap();
        std::thread::sleep(Duration::from_millis(150));
        file.write_all(tail).unwrap();
        std::thread::sleep(Duration::from_millis(150));
    }
    let seen =
        at_watch.wait("the track", |e| {
            e.name == "tracks"
                && e.data["features"].as_array().unwrap().iter().any(|f| {
                    f["properties"]["state"] == "confirmed" && f["properties"]["ids"].to_string().contains(SERIAL)
                })
        });
    let [track] = &seen.data["features"].as_array().unwrap()[..] else { panic!("{}", seen.data) };
    assert_eq!(track["properties"]["sources"], json!(["rid-box"]));
    let sources = watch.see("/api/v1/sources");
    let row = crate::support::items(&sources).iter().find(|s| s["id"] == "rid-box").unwrap().clone();
    assert_eq!(
        (row["decoded"].as_u64(), &row["kind"], &row["silent"]),
        (Some(10), &json!("capture"), &json!(false)),
        "{row}"
    );
}

/// Of each drone of a capture: its names, when it was first heard and last, by frames, when it became suspect, and why.
struct Judged {
    first_s: f64,
    last_s: f64,
    suspect_s: Option<f64>,
    kinds: BTreeSet<String>,
}

fn judge(path: &Path) -> BTreeMap<String, Judged> {
    let out = replay(path, &[]);
    assert!(out.status.success());
    let lines = lines(&out);
    let mut all: BTreeMap<String, Judged> = BTreeMap::new();
    for l in &lines {
        let t = number(l, "/t");
        if l["type"] == "observation" {
            for id in l["claims"]["ids"].as_array().into_iter().flatten() {
                let new = Judged { first_s: t, last_s: t, suspect_s: None, kinds: BTreeSet::new() };
                all.entry(text(id, "/value").to_owned()).or_insert(new).last_s = t;
            }
        }
        if l["type"] == "track" {
            for id in l["ids"].as_array().unwrap() {
                let Some(j) = all.get_mut(text(id, "/value")) else { continue };
                j.kinds.extend(l["evidence"].as_array().unwrap().iter().map(|e| text(e, "/kind").to_owned()));
                if l["suspect"] == true {
                    j.suspect_s.get_or_insert(t);
                }
            }
        }
    }
    all
}

#[test]
fn each_drone_of_a_forged_capture_is_soon_suspect_and_no_real_one_ever() {
    if let Some(path) = corpus("dji-droneid-spoofed-multiple.pcapng") {
        let all = judge(&path);
        assert_eq!(all.len(), 15, "{:?}", all.keys());
        for (name, j) in &all {
            let by = (j.first_s + 10.0).min(j.last_s);
            let suspect_s = j.suspect_s.unwrap_or_else(|| panic!("{name} is never suspect: {:?}", j.kinds));
            assert!(suspect_s <= by + 1e-6, "{name}: after {} s, {:?}", suspect_s - j.first_s, j.kinds);
            assert!(j.kinds.len() >= 2, "{name}: {:?}", j.kinds);
        }
    }
    for name in [
        "parrot-anafi-real-a.pcapng",
        "dji-air3-beacon.pcapng",
        "espressif-beacon.pcap",
        "espressif-nan-and-beacon.pcap",
        "ble5-coded-a.pcapng",
    ] {
        if let Some(path) = corpus(name) {
            let out = replay(&path, &[]);
            let lines = lines(&out);
            let suspect = of(&lines, "track").into_iter().find(|t| t["suspect"] == true);
            assert!(suspect.is_none(), "{name}: {suspect:?}");
        }
    }
}
