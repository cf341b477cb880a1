//! Alarms in hand: one watch officer takes one, the other sees it taken; hand-back, a crash, a shift change.

use crate::support::{Centre, Events, Flight, SOON, Scene, id, items, sighting, text, until};
use serde_json::{Value, json};
use std::time::Duration;

/// Takes, hands back or takes over.
fn body(mut more: Value) -> Value {
    more["id"] = json!(id());
    more
}

fn of(list: &Value, alarm: &Value) -> Value {
    items(list).iter().find(|a| a["alarm"] == *alarm).cloned().unwrap_or(Value::Null)
}

fn alarm(events: &mut Events, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    events.wait(what, |e| e.name == "alarm" && fits(&e.data)).data
}

#[test]
fn one_officer_takes_an_alarm_the_other_sees_it_and_takes_it_over_after_a_crash() {
    let scene = Scene::new().and("[policy.desk]\naway_s = 3.0\n");
    let mut centre = Centre::start_with(scene, &[]);
    let [north, south, auditor, agent] = ["watch", "watch2", "auditor", "agent-a1"].map(|p| centre.person(p));
    let mut at_south = centre.events("watch2");
    let mut at_north = centre.events("watch");
    let mut at_agent = centre.events("agent-a1");

    // A report, and a warning.
    let seen = sighting(0.0, 0.0, 5.0, "to1000");
    agent.post("/api/v1/sightings", &seen).ok(201);
    let reported = json!({"of": "sighting", "id": seen["id"]});
    agent.post("/api/v1/positions", &crate::support::position(0.0, 0.0)).ok(201);
    let drone = Flight::start(centre.scene.tcp, "1581F4ALARM001", [0.0, 120.0, 30.0], [0.0, -1.0, 0.0]);
    let warned = at_south.notice("the warning, urgent", |n| n["notice"]["level"] == "urgent");
    let warning = json!({"of": "notice", "id": warned["notice"]["id"]});
    let list = auditor.see("/api/v1/alarms");
    for a in [&reported, &warning] {
        assert_eq!((&of(&list, a)["in_hand"], &of(&list, a)["holder"]), (&json!(false), &Value::Null), "{list}");
    }
    let owed = |n: &Value, who: &str| {
        n["recipients"].as_array().unwrap().iter().any(|r| r["person"] == who && r["owes"] == true)
    };
    assert!(owed(&warned, "watch") && owed(&warned, "watch2"), "both are asked: {warned}");

    // North takes both in one touch. Repeated, it is answered and not done again.
    let both = body(json!({"alarms": [&warning, &reported]}));
    let taken = north.post("/api/v1/alarms/take", &both).ok(200);
    assert_eq!(of(&taken, &warning)["holder"]["id"], "watch");
    north.post("/api/v1/alarms/take", &both).ok(200);
    let told = alarm(&mut at_south, "that north has it", |a| a["alarm"] == warning && a["in_hand"] == true);
    assert_eq!(
        (text(&told, "/holder/name"), text(&told, "/how"), &told["level"]),
        ("WATCH", "taken", &json!("urgent"))
    );
    alarm(&mut at_south, "the report too", |a| a["alarm"] == reported && a["in_hand"] == true);
    // Taken is acknowledged: nobody of the watch owes it any more.
    let board =
        at_south.notice("that it is acknowledged", |n| n["notice"]["id"] == warning["id"] && !owed(n, "watch2"));
    let row = board["recipients"].as_array().unwrap().iter().find(|r| r["person"] == "watch").cloned().unwrap();
    assert!(row["acknowledged_at"].is_string() && !owed(&board, "watch"), "{board}");
    // It is the centre's own business.
    at_agent.heartbeat();
    assert_eq!((at_agent.count("alarm"), agent.get("/api/v1/alarms").status), (0, 403));

    // South cannot take it just so.
    let refused = south.post("/api/v1/alarms/take", &body(json!({"alarms": [&warning]}))).problem(409, "taken");
    assert!(text(&refused, "/detail").starts_with("WATCH has it in hand since "), "{refused}");
    south.post("/api/v1/alarms/hand-back", &body(json!({"alarms": [&warning], "why": "x"}))).problem(409, "not_holder");
    north.post("/api/v1/alarms/hand-back", &body(json!({"alarms": [&warning], "why": " "}))).problem(422, "why_needed");

    // North hands the report back; south takes that.
    let back = body(json!({"alarms": [&reported], "why": "two things at once"}));
    north.post("/api/v1/alarms/hand-back", &back).ok(200);
    let told = alarm(&mut at_south, "the hand-back", |a| a["alarm"] == reported && a["how"] == "handed_back");
    assert_eq!((text(&told, "/why"), text(&told, "/before/id")), ("two things at once", "watch"));
    assert_eq!((&told["holder"], &told["in_hand"]), (&Value::Null, &json!(false)));
    south.post("/api/v1/alarms/take", &body(json!({"alarms": [&reported]}))).ok(200);
    alarm(&mut at_north, "that south has the report", |a| a["alarm"] == reported && a["holder"]["id"] == "watch2");

    // A crash forgets nothing of it. North's page does not come back: in nobody's hand, and free to take.
    centre.kill();
    centre.start_again();
    let list = auditor.see("/api/v1/alarms");
    assert_eq!(
        (&of(&list, &warning)["holder"]["id"], &of(&list, &reported)["holder"]["id"]),
        (&json!("watch"), &json!("watch2"))
    );
    let mut at_south = Events::open(&south);
    let gone = until("north to be gone", Duration::from_secs(20), || {
        let a = of(&auditor.see("/api/v1/alarms"), &warning);
        a["gone_at"].is_string().then_some(a)
    });
    assert_eq!((&gone["in_hand"], &gone["holder"]["id"]), (&json!(false), &json!("watch")));
    assert_eq!(of(&auditor.see("/api/v1/alarms"), &reported)["in_hand"], true, "south is here");
    south.post("/api/v1/alarms/take-over", &body(json!({"from": "watch2"}))).problem(422, "from_yourself");
    let over = body(json!({"from": "watch", "note": "one drone, from the north"}));
    let list = south.post("/api/v1/alarms/take-over", &over).ok(200);
    assert_eq!(
        (&of(&list, &warning)["holder"]["id"], &of(&list, &warning)["how"]),
        (&json!("watch2"), &json!("taken_over"))
    );
    assert_eq!((&list["shift"]["alarms"], text(&list, "/shift/note")), (&json!(1), "one drone, from the north"));
    let shift = at_south.wait("the shift change", |e| e.name == "shift").data;
    assert_eq!((text(&shift, "/from/name"), text(&shift, "/by/name")), ("WATCH", "WATCH2"));

    // Decided and over: no alarm any more.
    let verdict = json!({"id": id(), "verdict": {"is": "confirmed"}, "why": ""});
    south.post(&format!("/api/v1/sightings/{}/triage", text(&seen, "/id")), &verdict).ok(200);
    assert_eq!(of(&auditor.see("/api/v1/alarms"), &reported), Value::Null);
    south.post("/api/v1/alarms/take", &body(json!({"alarms": [&reported]}))).problem(404, "unknown_alarm");
    drone.end();
    centre.terminate();

    // All of it stands in the record, and the engines make the same of it again.
    let verified = centre.verify(&["--recompute"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let export = centre.export();
    let acts = |name: &str| export.iter().filter(|e| e.to_string().contains(&format!("\"act\":\"{name}\""))).count();
    assert_eq!((acts("take_alarm"), acts("hand_back"), acts("take_over")), (2, 1, 1));
}

#[test]
fn an_acknowledgement_by_a_watch_officer_takes_the_warning() {
    let mut centre = Centre::start();
    let [north, agent] = ["watch", "agent-a1"].map(|p| centre.person(p));
    let mut at_south = centre.events("watch2");
    agent.post("/api/v1/positions", &crate::support::position(0.0, 0.0)).ok(201);
    let drone = Flight::start(centre.scene.tcp, "1581F4ALARM002", [0.0, 500.0, 30.0], [0.0, -12.0, 0.0]);
    let warned = at_south.notice("the warning", |n| n["notice"]["needs_ack"] == true);
    let n = &warned["notice"];
    let path = format!("/api/v1/notices/{}/versions/{}/acknowledgements", text(n, "/id"), n["version"]);
    let done = north.post(&path, &json!({"id": id()}));
    // A newer version may have come meanwhile: then that one.
    if done.status != 201 {
        let n = &north.see(&format!("/api/v1/notices/{}", text(n, "/id")))["notice"];
        let path = format!("/api/v1/notices/{}/versions/{}/acknowledgements", text(n, "/id"), n["version"]);
        north.post(&path, &json!({"id": id()})).ok(201);
    }
    let told = at_south.wait_for("that north has it", SOON, |e| e.name == "alarm" && e.data["holder"]["id"] == "watch");
    assert_eq!(told.data["alarm"]["id"], n["id"]);
    drone.end();
}
