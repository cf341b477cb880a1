//! What interrupts the watch: the shelf, a flood, and the figures; over a crash, and made again from the record.

use crate::support::{Centre, Events, Flight, Scene, id, items, sighting, text, until};
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};

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
fn a_shelved_alarm_is_silent_by_another_than_its_reporter_and_comes_back_once_by_itself_also_after_a_crash() {
    let mut centre = Centre::start();
    let [north, south, lead, agent] = ["watch", "watch2", "lead-a", "agent-a1"].map(|p| centre.person(p));
    let mut at_south = centre.events("watch2");
    let seen = sighting(0.0, 0.0, 5.0, "to1000");
    north.post("/api/v1/sightings", &seen).ok(201);
    let reported = json!({"of": "sighting", "id": seen["id"]});
    let told = alarm(&mut at_south, "that it interrupts", |a| a["alarm"] == reported && a["sounds"] == true);
    assert_eq!(
        (&told["action"], &told["call"]["how"], &told["call"]["why"]),
        (&json!("decide"), &json!("interrupts"), &json!("new"))
    );

    let shelve = |for_s: u32, why: &str| body(json!({"alarms": [&reported], "for_s": for_s, "why": why}));
    // Not by who reported it, not without a reason or an end, not by others than the watch.
    let refused = north.post("/api/v1/alarms/shelve", &shelve(60, "mine")).problem(403, "own_alarm");
    assert!(text(&refused, "/detail").contains("somebody else of the watch"), "{refused}");
    south.post("/api/v1/alarms/shelve", &shelve(60, " ")).problem(422, "why_needed");
    south.post("/api/v1/alarms/shelve", &shelve(1_801, "x")).problem(422, "bad_shelf_time");
    south.post("/api/v1/alarms/shelve", &body(json!({"alarms": [&reported], "why": "x"}))).problem(422, "invalid");
    lead.post("/api/v1/alarms/shelve", &shelve(60, "x")).problem(403, "forbidden");
    agent.post("/api/v1/alarms/unshelve", &body(json!({"alarms": [&reported]}))).problem(403, "forbidden");
    south.post("/api/v1/alarms/unshelve", &body(json!({"alarms": [&reported]}))).problem(409, "not_shelved");

    // Shelved for ten seconds. Repeated, it is answered and not done again.
    let ten = shelve(10, "a survey, they say");
    let list = south.post("/api/v1/alarms/shelve", &ten).ok(200);
    let a = of(&list, &reported);
    assert_eq!(
        (text(&a, "/shelved_by/id"), text(&a, "/shelved_why"), &a["sounds"]),
        ("watch2", "a survey, they say", &json!(false))
    );
    south.post("/api/v1/alarms/shelve", &ten).ok(200);
    alarm(&mut at_south, "that it is shelved", |a| a["alarm"] == reported && a["shelved_until"].is_string());
    south.post("/api/v1/alarms/shelve", &shelve(60, "longer")).problem(409, "already_shelved");
    assert_eq!(lead.see("/api/v1/alarms/figures")["shelved"], 1);
    agent.get("/api/v1/alarms/figures").problem(403, "forbidden");

    // The crash forgets neither it nor its end.
    centre.kill();
    centre.start_again();
    assert_eq!(of(&south.see("/api/v1/alarms"), &reported)["shelved_until"], a["shelved_until"]);
    let mut at_south = Events::open(&south);
    let back = until("it to be back", Duration::from_secs(20), || {
        let a = of(&south.see("/api/v1/alarms"), &reported);
        (a["shelved_until"].is_null() && a["sounds"] == true).then_some(a)
    });
    assert_eq!((&back["call"]["why"], &back["call"]["how"]), (&json!("back"), &json!("interrupts")));
    assert!(text(&back, "/call/at") >= text(&a, "/shelved_until"), "not before its time: {back}");
    // Once: the ticks after that say nothing of it.
    alarm(&mut at_south, "that it is back", |a| a["call"]["why"] == "back");
    at_south.heartbeat();
    at_south.heartbeat();
    assert_eq!(at_south.count("alarm"), 1);
    // Shelved again, and ended by the other.
    south.post("/api/v1/alarms/shelve", &shelve(600, "again")).ok(200);
    let list = north.post("/api/v1/alarms/unshelve", &body(json!({"alarms": [&reported]}))).ok(200);
    // Two advisories have interrupted in these ten minutes: the third time it waits its turn.
    let ended = of(&list, &reported);
    assert_eq!(
        (&ended["shelved_until"], &ended["call"]["how"], &ended["sounds"]),
        (&Value::Null, &json!("waits"), &json!(false))
    );
    // On paper at the shift change.
    south.post("/api/v1/alarms/shelve", &shelve(600, "again")).ok(200);
    let over = north.post("/api/v1/alarms/take-over", &body(json!({"from": "watch2"}))).ok(200);
    assert_eq!(over["shift"]["shelved"], 1);
    centre.terminate();

    let verified = centre.verify(&["--recompute"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let export: Vec<String> = centre.export().iter().map(Value::to_string).collect();
    let count = |word: &str| export.iter().filter(|e| e.contains(word)).count();
    assert_eq!((count("\"act\":\"shelve_alarm\""), count("\"act\":\"unshelve_alarm\"")), (3, 1));
    assert_eq!((count("\"ended\":\"expired\""), count("\"ended\":\"unshelved\"")), (1, 1));
}

#[test]
fn a_flood_loses_no_alarm_sounds_no_more_than_people_can_bear_and_is_still_on_after_a_crash() {
    let mut centre = Centre::start();
    let [north, auditor, agent] = ["watch", "auditor", "agent-a1"].map(|p| centre.person(p));
    let mut at_south = centre.events("watch2");
    let mut reported = BTreeSet::new();
    // Twelve reports in a moment, from places far apart: twelve alarms.
    for k in 0..12 {
        let far = sighting(f64::from(k) * 3_000.0, 20_000.0, 5.0, "to300");
        agent.post("/api/v1/sightings", &far).ok(201);
        reported.insert(text(&far, "/id").to_owned());
    }
    let flood = at_south.wait("the flood", |e| e.name == "flood").data;
    assert!(flood["since"].is_string() && flood["calls_in_10_min"] == 11, "{flood}");
    let list = auditor.see("/api/v1/alarms");
    assert_eq!(list["flood"]["since"], flood["since"]);
    let listed: Vec<&Value> = items(&list).iter().collect();
    assert_eq!(
        listed.iter().map(|a| text(a, "/alarm/id").to_owned()).collect::<BTreeSet<_>>(),
        reported,
        "none is dropped"
    );
    let interrupts = listed.iter().filter(|a| a["call"]["how"] == "interrupts").count();
    assert!((1..=2).contains(&interrupts), "{interrupts} sounds for twelve reports: {list}");
    assert!(listed.iter().all(|a| a["call"]["how"] != Value::Null && a["in_hand"] == false));

    // What is dangerous breaks through.
    agent.post("/api/v1/positions", &crate::support::position(0.0, 0.0)).ok(201);
    let drone = Flight::start(centre.scene.tcp, "1581F4ALARM003", [0.0, 120.0, 30.0], [0.0, -1.0, 0.0]);
    let loud = alarm(&mut at_south, "the warning", |a| a["level"] == "urgent" && a["sounds"] == true);
    assert_eq!(loud["incident"]["of"], "track");

    let figures = north.see("/api/v1/alarms/figures");
    assert_eq!((&figures["flood_since"], &figures["calls"]["advisory"]), (&flood["since"], &json!(12)));
    assert_eq!((&figures["exercise"], figures["untaken"].as_u64() >= Some(13)), (&Value::Null, true));
    let interruptions = figures["interruptions"].as_u64().unwrap();
    let south = figures["officers"].as_array().unwrap().iter().find(|o| o["id"] == "watch2").unwrap();
    assert_eq!(south["interruptions"].as_u64(), Some(interruptions), "watch2 was here all the time");

    centre.kill();
    centre.start_again();
    drone.end();
    let again = north.see("/api/v1/alarms");
    assert_eq!(again["flood"]["since"], flood["since"]);
    let still = north.see("/api/v1/alarms/figures");
    assert_eq!((&still["calls"]["advisory"], &still["since"]), (&json!(12), &figures["since"]));
    // Taken all at once; with how long they waited.
    let all: Vec<&Value> =
        items(&again).iter().filter(|a| a["alarm"]["of"] == "sighting").map(|a| &a["alarm"]).collect();
    let taken = north.post("/api/v1/alarms/take", &body(json!({"alarms": all}))).ok(200);
    assert!(
        items(&taken)
            .iter()
            .filter(|a| a["alarm"]["of"] == "sighting")
            .all(|a| a["in_hand"] == true && a["sounds"] == false)
    );
    let figures = north.see("/api/v1/alarms/figures");
    assert!(figures["taken"].as_u64() >= Some(12) && figures["taken_p50_s"].is_number(), "{figures}");
    centre.terminate();
    let verified = centre.verify(&["--recompute"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn the_metrics_count_what_interrupts() {
    let mut centre = Centre::start_with(Scene::new(), &[]);
    let agent = centre.person("agent-a1");
    agent.post("/api/v1/sightings", &sighting(0.0, 0.0, 5.0, "to1000")).ok(201);
    let metrics = centre.anybody().get("/metrics").text();
    for line in [
        "skypicket_alarms_open 1",
        "skypicket_alarms_untaken 1",
        "skypicket_alarm_interruptions_total 1",
        "skypicket_alarm_calls_total{level=\"advisory\"} 1",
        "skypicket_alarms_flood 0",
    ] {
        assert!(metrics.lines().any(|l| l == line), "no '{line}' in {metrics}");
    }
}
