//! No warning waits for a disk: while commits are slow it goes out marked UNRECORDED, "received" still waits for the
//! disk, and when that is quick again the record says what was acted on before it was durable.

use crate::support::{Centre, Flight, SOON, Scene, centre::signal, id, now_s, position, sighting, text, until};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const COMMIT: Duration = Duration::from_millis(1_500);

#[test]
fn while_the_disk_is_slow_warnings_go_out_unrecorded_and_once_it_is_quick_the_record_says_so() {
    let mut centre = Centre::start_with(Scene::new(), &["--test-commit-delay-ms", "1500"]);
    // Quick for the beginning: people come.
    signal(centre.pid(), "USR1");
    let [watch, agent, other] = ["watch", "agent-a1", "agent-a2"].map(|p| centre.person(p));
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let mut at_agent = centre.events("agent-a1");
    let mut at_watch = centre.events("watch");
    let state = |wanted: &str| {
        until(wanted, SOON, || {
            let s = watch.see("/api/v1/status");
            (s["record"]["state"] == wanted).then(|| s["record"]["unrecorded"].clone())
        })
    };
    assert_eq!(state("ok"), json!(false));
    let quick = Instant::now();
    agent.post("/api/v1/sightings", &sighting(20_000.0, 0.0, 90.0, "to300")).ok(201);
    assert!(quick.elapsed() < COMMIT / 2, "{:?}", quick.elapsed());

    signal(centre.pid(), "USR1");
    assert_eq!(state("slow"), json!(true));
    let drone = Flight::start(centre.scene.tcp, "1581F4SLOW0001", [0.0, 100.0, 30.0], [0.0, -3.0, 0.0]);
    let warned = at_agent.notice("the warning", |_| true);
    let decided = serde_json::from_value::<skypicket_model::Time>(warned["notice"]["at"].clone()).unwrap();
    let waited_s = now_s() - decided.unix_s();
    assert_eq!(warned["unrecorded"], true, "{warned}");
    // 250 ms for the disk and the way to here; no commit is as quick.
    assert!(waited_s < 0.8, "{waited_s} s from the decision");
    let board = at_watch.notice("the warning", |_| true);
    assert_eq!(board["unrecorded"], true);

    // A report is received when it is durable, and no sooner.
    let asked = Instant::now();
    other.post("/api/v1/sightings", &sighting(20_050.0, 0.0, 90.0, "to300")).ok(201);
    assert!(asked.elapsed() >= COMMIT, "told after {:?}", asked.elapsed());

    signal(centre.pid(), "USR1");
    assert_eq!(state("ok"), json!(false));
    let same = |n: &Value| n["notice"]["id"] == warned["notice"]["id"];
    at_watch.notice("that it is recorded now", |n| same(n) && n["unrecorded"] == false);
    let path = format!(
        "/api/v1/notices/{}/versions/{}/acknowledgements",
        text(&warned, "/notice/id"),
        warned["notice"]["version"]
    );
    agent.post(&path, &json!({"id": id()})).ok(201);
    drone.end();

    assert_eq!(centre.terminate().status.code(), Some(0));
    let entries = centre.export();
    let raised = entries
        .iter()
        .find(|e| e["body"]["body"] == "notice" && e["body"]["id"] == warned["notice"]["id"])
        .expect("the warning is in the record");
    let late: Vec<&Value> = entries.iter().filter(|e| e["body"]["body"] == "unrecorded").collect();
    let holds = |e: &&Value| {
        let index = raised["index"].as_u64();
        e["body"]["first"].as_u64() <= index && index <= e["body"]["last"].as_u64()
    };
    assert!(late.iter().any(holds), "entry {} is in none of {late:?}", raised["index"]);
    let verified = centre.verify(&["--recompute"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}
