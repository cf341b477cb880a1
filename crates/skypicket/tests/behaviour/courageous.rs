//! `export courageous`: a record as a document for a trial of counter-drone systems: whole by the schema as we read it,
//! right in its heights, and with nobody's place in it.

use crate::support::{Centre, Event, Feed, Flight, Folder, at, centre::run, id, metres, now_s, sighting, text};
use serde_json::{Value, json};
use std::{collections::BTreeSet, path::Path, process::Output};

/// Where the documents' system stands.
const AT: &str = "31.76,-106.49,1140";

fn export(data: &Path, more: &[&str]) -> Output {
    let mut args: Vec<&std::ffi::OsStr> =
        vec!["export".as_ref(), "courageous".as_ref(), "--data".as_ref(), data.as_os_str()];
    args.extend(["--at", AT].iter().chain(more).map(std::ffi::OsStr::new));
    run(&args)
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[track_caller]
fn document(out: &Output) -> Value {
    assert_eq!(out.status.code(), Some(0), "{}", said(out));
    let document = serde_json::from_slice(&out.stdout).unwrap();
    whole(&document);
    document
}

/// Exactly these fields, the first ones needed.
#[track_caller]
fn fields<'a>(of: &'a Value, needed: &[&str], more: &[&str]) -> &'a serde_json::Map<String, Value> {
    let map = of.as_object().unwrap_or_else(|| panic!("no object: {of}"));
    for k in needed {
        assert!(map.contains_key(*k), "no {k}: {of}");
    }
    for k in map.keys() {
        assert!(needed.contains(&k.as_str()) || more.contains(&k.as_str()), "{k}: {of}");
    }
    map
}

#[track_caller]
fn number(of: &Value, low: f64, high: f64) {
    let x = of.as_f64().unwrap_or_else(|| panic!("no number: {of}"));
    assert!(x >= low && x <= high, "{x} is not within {low} to {high}");
}

#[track_caller]
fn place(of: &Value) {
    number(&of["lat"], -90.0, 90.0);
    number(&of["lon"], -180.0, 180.0);
}

#[track_caller]
fn location(of: &Value) {
    match of["$type"].as_str() {
        Some("Position3d") => {
            fields(of, &["$type", "lat", "lon", "height_amsl"], &[]);
            number(&of["height_amsl"], -500.0, 20_000.0);
            place(of);
        }
        Some("Position2d") => {
            fields(of, &["$type", "lat", "lon"], &[]);
            place(of);
        }
        Some("Bearing") => {
            fields(of, &["$type", "bearing"], &[]);
            number(&of["bearing"], 0.0, 360.0);
        }
        Some("BearingElevation") => {
            fields(of, &["$type", "bearing", "elevation"], &[]);
            number(&of["bearing"], 0.0, 360.0);
            number(&of["elevation"], -90.0, 90.0);
        }
        _ => panic!("no location: {of}"),
    }
}

/// Schema 0.4.1, as far as we write it.
#[track_caller]
fn whole(d: &Value) {
    fields(d, &["version", "vendor_name", "system_name", "static_cuas_location", "detection", "tracks"], &[]);
    assert_eq!(d["version"], "0.4.1");
    fields(&d["static_cuas_location"], &["lat", "lon", "height_amsl"], &[]);
    let mut numbers = BTreeSet::new();
    for (set, track) in sets(d) {
        let needed: &[&str] = if track { &["uas_id", "records"] } else { &["records"] };
        fields(set, needed, &["uas_id", "name"]);
        let mut before = 0;
        for r in set["records"].as_array().unwrap() {
            let basic = ["time", "record_number", "classification"];
            let more = ["alarm", "location", "velocity", "identification", "cuas_location"];
            fields(r, &basic, &more);
            if track {
                fields(r, &["alarm", "location"], &[&basic[..], &more[..]].concat());
            }
            let time = r["time"].as_u64().unwrap();
            assert!(time >= before && time > 1_500_000_000_000 && time < 4_000_000_000_000, "{time} ms");
            before = time;
            assert!(numbers.insert(r["record_number"].as_u64().unwrap()), "a number twice: {r}");
            assert!(["Unknown", "UAV", "Other"].contains(&text(r, "/classification")), "{r}");
            if let Some(a) = r.get("alarm") {
                fields(a, &["active", "certainty"], &[]);
                assert!(a["active"].is_boolean());
                number(&a["certainty"], 0.0, 1.0);
            }
            r.get("location").into_iter().for_each(location);
            if let Some(v) = r.get("velocity") {
                fields(v, &["east", "north", "up"], &[]).values().for_each(|x| number(x, -400.0, 400.0));
            }
            if let Some(c) = r.get("cuas_location") {
                fields(c, &["lat", "lon", "height_amsl"], &[]);
                place(c);
            }
        }
    }
}

fn sets(d: &Value) -> Vec<(&Value, bool)> {
    let of = |key: &str, track: bool| d[key].as_array().unwrap().iter().map(move |s| (s, track)).collect::<Vec<_>>();
    [of("tracks", true), of("detection", false)].concat()
}

fn named<'a>(d: &'a Value, name: &str) -> Vec<&'a Value> {
    let of = |s: &&(&Value, bool)| s.0["name"] == name;
    sets(d).iter().filter(of).flat_map(|s| s.0["records"].as_array().unwrap()).collect()
}

#[test]
fn a_replayed_capture_becomes_a_document_with_heights_above_the_sea() {
    let folder = Folder::new();
    let data = folder.path().join("record");
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/captures/approach.pcap");
    let replayed = run(&[
        "replay".as_ref(),
        capture.as_os_str(),
        "--protect".as_ref(),
        "31.7590,-106.49,1140,gate".as_ref(),
        "--data".as_ref(),
        data.as_os_str(),
    ]);
    assert_eq!(replayed.status.code(), Some(0), "{}", said(&replayed));
    let lines: Vec<Value> =
        String::from_utf8(replayed.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let d = document(&export(&data, &[]));

    let [track] = &d["tracks"].as_array().unwrap()[..] else { panic!("one drone, one piece: {}", d["tracks"]) };
    let records = track["records"].as_array().unwrap();
    assert!(records.len() > 40, "{} seconds of 60", records.len());
    assert_eq!((&track["uas_id"], &records[0]["record_number"]), (&json!(1), &json!(1)));
    // EGM96 at El Paso: the geoid lies 24.91 m under the ellipsoid (NGA's grid of 15', read by another program), so that
    // heights above the sea are greater by so much.
    number(&d["static_cuas_location"]["height_amsl"], 1_164.8, 1_165.0);
    for r in records {
        // The same second as the replay said it, moved from the ellipsoid to the sea.
        let t = r["time"].as_f64().unwrap() / 1e3;
        let line = lines.iter().filter(|l| l["type"] == "track").find(|l| (l["t"].as_f64().unwrap() - t).abs() < 0.002);
        let Some(line) = line else { continue };
        let (lla, here) = (&line["lla"], &r["location"]);
        assert!(
            metres(
                (lla[0].as_f64().unwrap(), lla[1].as_f64().unwrap()),
                (here["lat"].as_f64().unwrap(), here["lon"].as_f64().unwrap())
            ) < 0.5
        );
        number(&json!(here["height_amsl"].as_f64().unwrap() - lla[2].as_f64().unwrap()), 24.8, 25.0);
    }
    let last = records.last().unwrap();
    assert_eq!(
        (&last["classification"], &last["identification"]),
        (&json!("UAV"), &json!("serial SKYPF1RSTL1GHT000001"))
    );
    // It flies towards the gate, and the gate is warned.
    assert_eq!(last["alarm"]["active"], true, "{last}");
    number(&last["velocity"]["north"], 6.0, 18.0);
    // A part of it, in a file.
    let from = text(&lines.iter().find(|l| l["type"] == "track").unwrap().clone(), "/id").to_owned();
    assert_eq!(track["name"], format!("track {from}"));
    let out = folder.path().join("out.json");
    let part = export(
        &data,
        &["--until", "1999-01-01T00:00:00Z", "--to", out.to_str().unwrap(), "--system", "s", "--vendor", "v"],
    );
    assert_eq!((part.status.code(), part.stdout.len()), (Some(0), 0), "{}", said(&part));
    let part: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!((&part["tracks"], &part["vendor_name"]), (&json!([]), &json!("v")));
    assert!(text(&part, "/system_name").starts_with("s (EXERCISE "), "a replay is an exercise: {part}");
    // What is there stays, the record itself too: nothing is written over it.
    let record = data.join("record.db");
    for there in [&out, &record] {
        let before = std::fs::read(there).unwrap();
        let again = export(&data, &["--to", there.to_str().unwrap()]);
        assert_eq!(again.status.code(), Some(1), "{}", said(&again));
        assert!(said(&again).contains("is there already"), "{}", said(&again));
        assert_eq!(std::fs::read(there).unwrap(), before);
    }
}

/// A confirmed track of this serial is among those of a second.
fn follows(e: &Event, serial: &str) -> bool {
    let of = |f: &Value| f["properties"]["state"] == "confirmed" && f["properties"]["ids"].to_string().contains(serial);
    e.name == "tracks" && e.data["features"].as_array().is_some_and(|all| all.iter().any(of))
}

#[test]
fn bearings_and_reports_are_detections_and_nobodys_place_goes_out() {
    let mut centre = Centre::start();
    let agent = centre.person("agent-a1");
    let mut watch = centre.events("watch");
    // A drone over the post, heard by radio; a direction finder that stands, with another beside it that somebody carries.
    let (lat, lon) = at(100.0, -50.0);
    let finder = |east: f64, azimuth: f64| {
        let (lat, lon) = at(east, -50.0);
        json!({"type": "observation", "t": now_s(), "claims": {"serial": "FINDER1"},
            "bearing": {"from": [lat, lon, 1_150.0], "from_sigma_m": 3.0, "azimuth_deg": azimuth, "azimuth_error": [[1.0, 2.5]],
                "elevation_deg": [12.0, 3.0], "range": null}})
    };
    let flight = Flight::start(centre.scene.tcp, "COURAGEOUS1", [0.0, 900.0, 80.0], [0.0, -5.0, 0.0]);
    let mut feed = Feed::connect(centre.scene.tcp);
    feed.send(&finder(100.0, 350.0));
    feed.send(&finder(100.0, 10.5));
    // Three reports, of which one is taken back.
    let reports = [-2_000.0, -2_400.0, -2_800.0].map(|east| sighting(east, 40.0, 90.0, "to300"));
    for r in &reports {
        agent.post("/api/v1/sightings", r).ok(201);
    }
    let back = format!("/api/v1/sightings/{}/retraction", text(&reports[2], "/id"));
    agent.post(&back, &json!({"id": id()})).ok(200);
    watch.wait("the drone's track", |e| follows(e, "COURAGEOUS1"));
    // Its entry in the record comes with the next tick.
    watch.heartbeat();
    watch.heartbeat();
    flight.end();
    // Beside the running centre too.
    let beside = document(&export(&centre.data(), &[]));
    assert_eq!(named(&beside, "sensor 1").len(), 2, "{beside}");
    assert!(centre.terminate().status.success());

    let anybody = export(&centre.data(), &[]);
    let d = document(&anybody);
    assert!(!d["tracks"].as_array().unwrap().is_empty(), "{}", said(&anybody));
    let bearings = named(&d, "sensor 1");
    assert_eq!(bearings.len(), 2, "{d}");
    assert_eq!(bearings[0]["location"], json!({"$type": "BearingElevation", "bearing": 350.0, "elevation": 12.0}));
    assert_eq!(bearings[1]["location"]["bearing"], json!(10.5));
    assert_eq!(bearings[0]["identification"], "claims serial FINDER1");
    number(
        &json!(metres(
            (lat, lon),
            (
                bearings[0]["cuas_location"]["lat"].as_f64().unwrap(),
                bearings[0]["cuas_location"]["lon"].as_f64().unwrap()
            )
        )),
        0.0,
        0.1,
    );
    number(&bearings[0]["cuas_location"]["height_amsl"], 1_174.7, 1_175.1);
    assert_eq!(named(&d, "people's reports").len(), 2, "{d}");
    assert!(said(&anybody).contains("1 sightings left out that were taken back"), "{}", said(&anybody));
    for r in named(&d, "people's reports") {
        fields(r, &["time", "record_number", "classification", "identification"], &[]);
        assert_eq!((&r["classification"], &r["identification"]), (&json!("UAV"), &json!("reported by a person")));
    }
    // No number of the document is where somebody stands, none of its words says who they are.
    let mut coordinates = Vec::new();
    pairs(&d, &mut coordinates);
    assert!(coordinates.len() > 3);
    for r in &reports {
        let from = (r["from"]["lat_deg"].as_f64().unwrap(), r["from"]["lon_deg"].as_f64().unwrap());
        let nearest = coordinates.iter().map(|c| metres(*c, from)).fold(f64::INFINITY, f64::min);
        assert!(nearest > 5.0, "{nearest} m from a person");
    }
    let all = d.to_string();
    for word in ["agent", "AGENT", "wash", "uav_home_location", "GCS", "radar"] {
        assert!(!all.contains(word), "{word}: {all}");
    }

    // The same sensor heard from elsewhere may be in somebody's hand: neither its place nor its directions go out.
    centre.start_again();
    Feed::connect(centre.scene.tcp).send(&finder(400.0, 20.0));
    let probe = Flight::start(centre.scene.tcp, "COURAGEOUS2", [0.0, 900.0, 80.0], [0.0, -5.0, 0.0]);
    let mut watch = centre.events("watch");
    watch.wait("a track after it", |e| follows(e, "COURAGEOUS2"));
    probe.end();
    assert!(centre.terminate().status.success());
    let moved = export(&centre.data(), &[]);
    let d = document(&moved);
    let bearings = named(&d, "sensor 1");
    assert_eq!(bearings.len(), 3, "{}", said(&moved));
    for b in bearings {
        assert!(b.get("location").is_none() && b.get("cuas_location").is_none(), "{b}");
    }
    assert!(said(&moved).contains("3 bearings without their direction"), "{}", said(&moved));
}

/// Every latitude with its longitude.
fn pairs(of: &Value, into: &mut Vec<(f64, f64)>) {
    match of {
        Value::Object(map) => {
            if let (Some(lat), Some(lon)) =
                (map.get("lat").and_then(Value::as_f64), map.get("lon").and_then(Value::as_f64))
            {
                into.push((lat, lon));
            }
            map.values().for_each(|v| pairs(v, into));
        }
        Value::Array(list) => list.iter().for_each(|v| pairs(v, into)),
        _ => {}
    }
}

#[test]
fn an_exercise_is_never_taken_for_what_is_live() {
    let folder = Folder::new();
    let data = folder.path();
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/captures/approach.pcap");
    let exercise = data.join("exercise-night");
    let replayed = run(&["replay".as_ref(), capture.as_os_str(), "--data".as_ref(), exercise.as_os_str()]);
    assert_eq!(replayed.status.code(), Some(0), "{}", said(&replayed));
    // Who does not ask for the exercise does not get it, nor another's.
    for more in [&[][..], &["--exercise", "day"]] {
        let none = export(data, more);
        assert_eq!((none.status.code(), none.stdout.len()), (Some(3), 0), "{}", said(&none));
    }
    let d = document(&export(data, &["--exercise", "night", "--system", "s"]));
    assert!(text(&d, "/system_name").starts_with("s (EXERCISE "), "{}", d["system_name"]);
    // Beside a live record that is damaged: only who asks for that one hears of it, and gets no part of a document.
    std::fs::create_dir(data.join("live")).unwrap();
    std::fs::write(data.join("live/record.db"), "no record").unwrap();
    document(&export(data, &["--exercise", "night"]));
    let out = data.join("out.json");
    let damaged = export(data, &["--to", out.to_str().unwrap()]);
    assert_eq!((damaged.status.code(), out.exists()), (Some(3), false), "{}", said(&damaged));
}

#[test]
fn what_cannot_be_exported_says_why() {
    let folder = Folder::new();
    let none = export(folder.path(), &[]);
    assert_eq!(none.status.code(), Some(3), "{}", said(&none));
    assert!(said(&none).contains("there is no record here"), "{}", said(&none));
    for (args, why) in [
        (&["export", "courageous"][..], "--at"),
        (&["export", "courageous", "--at", "31.7,-106.4"], "with the height in metres above the ellipsoid"),
        (&["export", "courageous", "--at", "91,0,0"], "latitude 91"),
        (&["export", "courageous", "--at", AT, "--from", "today"], "--from"),
        (&["export", "courageous", "--at", AT, "--agency", "No Name"], "--agency"),
    ] {
        let out = run(args);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {}", said(&out));
        assert!(said(&out).contains(why), "{args:?}: {}", said(&out));
    }
}
