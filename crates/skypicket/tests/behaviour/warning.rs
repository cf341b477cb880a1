//! The main loop: a drone is heard, the person in danger is warned, takes the warning, or is escalated; and the end.

use crate::support::{Centre, Events, Flight, Scene, id, items, metres, number, position, scene::HERE, text};
use serde_json::{Value, json};
use std::time::Duration;

/// The warning's own levels go down after 2 s instead of 10, so that the test sees the end.
fn scene() -> Scene {
    Scene::new().and("[policy.warn]\nhold_s = 2.0\n")
}

/// A person's row on a notice's list.
fn row<'a>(notice: &'a Value, person: &str) -> Option<&'a Value> {
    notice["recipients"].as_array()?.iter().find(|r| r["person"] == person)
}

fn path(notice: &Value, what: &str) -> String {
    format!("/api/v1/notices/{}/versions/{}/{what}", text(notice, "/notice/id"), notice["notice"]["version"])
}

#[test]
fn a_drone_that_comes_near_warns_the_person_in_danger_and_only_them_until_they_take_it_and_it_is_over() {
    let mut centre = Centre::start_with(scene(), &[]);
    let watch = centre.person("watch");
    let agent = centre.person("agent-a1");
    let mut streams: Vec<Events> =
        ["watch", "agent-a1", "agent-a2", "lead-a", "agent-b1"].map(|p| centre.events(p)).into();
    let [at_watch, at_agent, at_other, at_lead, at_b] = &mut streams[..] else { unreachable!() };
    // Everybody stands somewhere; only agent-a1 where the drone goes.
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    centre.person("agent-a2").post("/api/v1/positions", &position(9_000.0, 0.0)).ok(201);
    centre.person("agent-b1").post("/api/v1/positions", &position(-9_000.0, 0.0)).ok(201);
    at_watch.wait("where agent-a1 is", |e| {
        e.name == "person" && e.data["id"] == "agent-a1" && !e.data["position"].is_null()
    });

    let flight = Flight::start(centre.scene.tcp, "1581F4LIGHT001", [0.0, 720.0, 30.0], [0.0, -15.0, 0.0]);
    let first = at_agent.notice("the warning", |n| n["notice"]["version"] == 1);
    let there = flight.now();
    assert_eq!(first["notice"]["state"], "raised");
    assert_eq!(first["notice"]["protected"]["person"], "agent-a1");
    assert_eq!(first["notice"]["needs_ack"], true);
    assert_eq!(
        (&first["mine"], &first["acknowledged"], &first["unrecorded"]),
        (&json!(true), &json!(false), &json!(false))
    );
    assert_eq!(first["recipients"].as_array().unwrap().len(), 1, "others' rows are not hers to see: {first}");
    assert!(first["notice"]["exercise"].is_null());
    // What it is, where from here, how soon, what to do.
    let said = text(&first, "/notice/text");
    let distance_m = number(&first, "/notice/facts/distance_m");
    assert!((distance_m - there[1].hypot(there[0])).abs() < 60.0, "it says {distance_m} m, the drone is at {there:?}");
    let bearing = number(&first, "/notice/facts/bearing_deg");
    assert!(!(10.0..=350.0).contains(&bearing), "it is due north: {bearing}");
    let three_digits =
        said.split_once('°').map(|(before, _)| before.chars().rev().take(3).collect::<String>()).unwrap();
    assert!(three_digits.chars().all(|c| c.is_ascii_digit()), "{said}");
    assert!(said.contains(" m from you.") && said.contains("coming closer") && said.contains("cover"), "{said}");
    assert!(!text(&first, "/notice/text_es").is_empty());
    assert_eq!(text(&first, "/notice/code").len(), 4);
    assert!(!first["notice"]["because"].as_array().unwrap().is_empty());

    // The centre has it too, and sees who has it.
    let warning = text(&first, "/notice/id").to_owned();
    let same = |n: &Value| n["notice"]["id"] == warning.as_str();
    let board = at_watch.notice("the same warning", |n| same(n) && row(n, "agent-a1").is_some());
    assert_eq!(row(&board, "agent-a1").unwrap()["rule"], "in_danger");
    assert_eq!(row(&board, "watch").unwrap()["rule"], "centre");
    assert!(row(&board, "agent-a2").is_none() && row(&board, "agent-b1").is_none() && row(&board, "lead-a").is_none());
    // The live danger goes to whom it is, by number.
    let live = at_agent.wait("the danger", |e| e.name == "dangers" && !items(&e.data).is_empty());
    let live = &items(&live.data)[0];
    assert_eq!(live["protected"]["person"], "agent-a1");
    assert!(number(live, "/distance_m") < 720.0 && number(live, "/earliest_s") < 60.0, "{live}");

    // Shown is not acknowledged.
    agent.post(&path(&first, "receipts"), &json!({"id": id(), "shown": true})).ok(204);
    let board = at_watch.notice("shown", |n| same(n) && row(n, "agent-a1").is_some_and(|r| r["reached"] == "shown"));
    assert!(row(&board, "agent-a1").unwrap()["acknowledged_at"].is_null());
    let taken = agent.post(&path(&first, "acknowledgements"), &json!({"id": id()})).ok(201);
    text(&taken, "/acknowledged_at");
    at_watch
        .notice("acknowledged", |n| same(n) && row(n, "agent-a1").is_some_and(|r| r["acknowledged_at"].is_string()));
    at_agent.notice("that it is acknowledged", |n| same(n) && n["notice"]["version"] == 1 && n["acknowledged"] == true);

    // Worse: another version, which wants its own acknowledgement. She stays silent.
    let worse = at_agent.notice("urgent", |n| same(n) && n["notice"]["level"] == "urgent");
    assert!(worse["notice"]["version"].as_u64().unwrap() > 1);
    assert_eq!((&worse["notice"]["needs_ack"], &worse["acknowledged"]), (&json!(true), &json!(false)));
    assert_eq!(at_lead.count("notice"), 0, "nobody was silent yet");
    let told = at_lead.notice("that agent-a1 is silent", same);
    assert_eq!(row(&told, "lead-a").unwrap()["rule"], "escalation");
    assert_eq!(row(&told, "agent-a1").unwrap()["escalated_to"], "lead-a");
    let board =
        at_watch.notice("red", |n| same(n) && row(n, "agent-a1").is_some_and(|r| r["escalated_to"] == "lead-a"));
    assert!(row(&board, "agent-a1").unwrap()["acknowledged_at"].is_null());
    // The version that is over cannot be taken any more, the newest can.
    agent.post(&path(&worse, "acknowledgements"), &json!({"id": id()})).ok(201);
    at_watch.notice("taken late", |n| {
        same(n)
            && n["notice"]["level"] == "urgent"
            && row(n, "agent-a1").is_some_and(|r| r["acknowledged_at"].is_string())
    });

    // The picture of the one drone.
    let tracks = watch.see("/api/v1/tracks");
    let [track] = &tracks["features"].as_array().unwrap()[..] else { panic!("{tracks}") };
    assert_eq!(track["properties"]["ids"][0]["value"], "1581F4LIGHT001");
    let place = (number(track, "/geometry/coordinates/1"), number(track, "/geometry/coordinates/0"));
    let now = flight.now();
    assert!((metres(HERE, place) - now[0].hypot(now[1])).abs() < 60.0, "{place:?} {now:?}");

    // It flies away: down, then over.
    flight.turn([0.0, 25.0, 0.0]);
    let over = at_agent
        .wait_for("the end", Duration::from_secs(40), |e| {
            e.name == "notice" && same(&e.data) && e.data["notice"]["state"] == "cleared"
        })
        .data;
    assert_eq!(over["notice"]["needs_ack"], false);
    assert!(text(&over, "/notice/text").starts_with("Warning over"));
    at_watch.notice("the end", |n| same(n) && n["notice"]["state"] == "cleared");
    assert!(items(&watch.see("/api/v1/notices?open=true")).is_empty());
    flight.end();

    // Nobody else was told anything of it.
    for other in [at_other, at_b] {
        other.heartbeat();
        let told: Vec<_> = other
            .seen
            .iter()
            .filter(|e| e.name == "notice" || e.name == "tracks" || (e.name == "dangers" && !items(&e.data).is_empty()))
            .collect();
        assert!(told.is_empty(), "{} was told {told:?}", other.person);
    }
    assert_eq!(at_agent.count("tracks"), 0, "field people see no tracks");
    let agent_b = centre.person("agent-b1");
    agent_b.get(&format!("/api/v1/notices/{warning}")).problem(404, "not_found");
    assert!(items(&agent_b.see("/api/v1/notices")).is_empty());
    agent_b.post(&path(&worse, "acknowledgements"), &json!({"id": id()})).problem(404, "not_found");

    // It can explain itself: each version is there, and rests on observations that are in the record.
    let whole = watch.see(&format!("/api/v1/notices/{warning}"));
    let versions = whole["versions"].as_array().unwrap().clone();
    assert!(versions.len() >= 3, "{whole}");
    let deliveries = watch.see(&format!("/api/v1/deliveries?notice={warning}"));
    let to_agent: Vec<_> = items(&deliveries).iter().filter(|d| d["person"] == "agent-a1").collect();
    assert!(to_agent.iter().any(|d| d["version"] == 1 && d["reached"] == "shown"), "{deliveries}");
    assert!(items(&deliveries).iter().all(|d| d["person"] != "agent-b1" && d["person"] != "agent-a2"));
    assert_eq!(centre.terminate().status.code(), Some(0));
    let entries = centre.export();
    let kept: Vec<&str> = entries
        .iter()
        .filter(|e| e["body"]["body"] == "observations")
        .flat_map(|e| e["body"]["items"].as_array().unwrap())
        .map(|o| text(o, "/id"))
        .collect();
    for v in &versions {
        for o in v["because"].as_array().unwrap() {
            assert!(
                kept.contains(&o.as_str().unwrap()),
                "version {} rests on {o}, which is not in the record",
                v["version"]
            );
        }
    }
    let verified = centre.verify(&["--recompute"]);
    let said = String::from_utf8(verified.stdout).unwrap();
    assert_eq!(verified.status.code(), Some(0), "{said}");
    let summary: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&summary["faults"], &summary["differences"], &summary["recomputed"]),
        (&json!(0), &json!(0), &json!(true))
    );
    assert_eq!(summary["entries"], json!(entries.len()));
}

#[test]
fn an_own_flight_in_its_area_warns_nobody_and_outside_its_area_it_does() {
    let mut centre = Centre::start();
    let watch = centre.person("watch");
    let agent = centre.person("agent-a1");
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let (lat, lon) = HERE;
    let mut flight = json!({
        "id": id(), "unit": "a", "serial": "OWNDRONE01", "centre": {"lat_deg": lat, "lon_deg": lon}, "radius_m": 1_500.0,
        "from": crate::support::time_text(-60.0), "until": crate::support::time_text(3_600.0),
    });
    let filed = watch.post("/api/v1/own-flights", &flight).ok(201);
    let mut at_agent = centre.events("agent-a1");
    let mut at_watch = centre.events("watch2");
    let air = Flight::start(centre.scene.tcp, "OWNDRONE01", [0.0, 300.0, 30.0], [0.0, -15.0, 0.0]);
    let own = |e: &crate::support::Event| {
        e.name == "tracks"
            && e.data["features"]
                .as_array()
                .unwrap()
                .iter()
                .any(|f| f["properties"]["affiliation"] == "own" && f["properties"]["state"] == "confirmed")
    };
    at_watch.wait("the own track", own);
    // It passes right over her: three pictures more, and still no warning.
    at_watch.forget();
    for _ in 0..5 {
        at_watch.wait("another picture", |e| e.name == "tracks");
        at_watch.forget();
    }
    at_agent.heartbeat();
    assert_eq!(at_agent.count("notice") + at_watch.count("notice"), 0);
    assert!(items(&watch.see("/api/v1/notices?open=true")).is_empty());
    // The flight is ended by the centre: the same drone in the same place is a stranger now.
    flight["id"] = json!(id());
    flight["flight"] = filed["id"].clone();
    flight["until"] = json!(crate::support::time_text(-1.0));
    watch.post("/api/v1/own-flights", &flight).ok(201);
    air.turn([0.0, -1.0, 0.0]);
    let n = at_agent.notice("a warning", |_| true);
    assert_eq!(n["notice"]["protected"]["person"], "agent-a1");
}
