//! A person's sighting: who gets it, its three receipts, what is decided about it, and that a repeat is no second one.

use crate::support::{Answer, Centre, Client, Events, Flight, id, items, position, sighting, text};
use serde_json::{Value, json};
use std::thread;

fn about(sighting: &Value, what: &str) -> String {
    format!("/api/v1/sightings/{}/{what}", text(sighting, "/id"))
}

/// Waits for a state of a sighting on a stream.
#[track_caller]
fn state(stream: &mut Events, of: &Value, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    let id = text(of, "/id").to_owned();
    stream.wait(what, |e| e.name == "sighting" && e.data["sighting"]["id"] == id.as_str() && fits(&e.data)).data
}

#[test]
fn a_sighting_goes_to_the_centre_and_to_the_reporters_own_leadership_at_once_and_the_reporter_sees_three_receipts() {
    let mut centre = Centre::start();
    let [watch, lead, lead_b, agent, other] =
        ["watch", "lead-a", "lead-b", "agent-a1", "agent-a2"].map(|p| centre.person(p));
    let mut streams: Vec<Events> =
        ["watch", "lead-a", "lead-b", "agent-a1", "agent-a2"].map(|p| centre.events(p)).into();
    let [at_watch, at_lead, at_lead_b, at_agent, at_other] = &mut streams[..] else { unreachable!() };

    let report = sighting(0.0, 0.0, 90.0, "to300");
    let answer = agent.post("/api/v1/sightings", &report).ok(201);
    assert_eq!(answer["id"], report["id"]);
    text(&answer, "/receipts/stored_at");
    assert!(answer["receipts"]["seen_by_centre"].is_null() && answer["receipts"]["seen_by_leadership"].is_null());

    // The same moment to both, with every field as it was said.
    let new = state(at_watch, &report, "the report", |s| s["verdict"]["is"] == "new");
    let led = state(at_lead, &report, "the report", |s| s["verdict"]["is"] == "new");
    assert_eq!(led["leaders"], json!(["lead-a"]));
    for field in [
        "from",
        "from_accuracy_m",
        "bearing",
        "range",
        "elevation_deg",
        "kind",
        "count",
        "activity",
        "lights",
        "sound",
        "payload",
        "words",
    ] {
        assert_eq!(new["sighting"][field], report[field], "{field}");
    }
    assert_eq!((&new["sighting"]["reporter"], &new["reporter_name"]), (&json!("agent-a1"), &json!("AGENT-A1")));
    let own = state(at_agent, &report, "the receipt of storing", |s| s["stored_at"].is_string());
    assert!(own["seen_by_centre"].is_null());

    watch.post(&about(&report, "seen"), &json!({"id": id()})).ok(200);
    let seen = state(at_agent, &report, "seen by the centre", |s| !s["seen_by_centre"].is_null());
    assert_eq!((&seen["seen_by_centre"][0], &seen["seen_by_leadership"]), (&json!("watch"), &Value::Null));
    lead.post(&about(&report, "seen"), &json!({"id": id()})).ok(200);
    let seen = state(at_agent, &report, "seen by leadership", |s| !s["seen_by_leadership"].is_null());
    assert_eq!(seen["seen_by_leadership"][0], "lead-a");
    assert_eq!(agent.see("/api/v1/sightings?mine=true")["items"][0]["seen_by_leadership"][0], "lead-a");

    // Another agency's leader and a colleague have nothing of it, live or on request.
    at_lead_b.heartbeat();
    at_other.heartbeat();
    assert_eq!(at_lead_b.count("sighting") + at_other.count("sighting"), 0);
    for stranger in [&lead_b, &other] {
        stranger.get(&format!("/api/v1/sightings/{}", text(&report, "/id"))).problem(404, "not_found");
        assert!(items(&stranger.see("/api/v1/sightings")).is_empty());
    }
    // lead-b may say "seen" of some sightings, but not of one that is not hers to see.
    lead_b.post(&about(&report, "seen"), &json!({"id": id()})).problem(404, "not_found");

    // A report that names another reporter is refused whole: who reports is who is signed in.
    let mut forged = sighting(0.0, 0.0, 90.0, "to300");
    forged["reporter"] = json!("agent-a2");
    let refused = agent.post("/api/v1/sightings", &forged);
    assert_eq!(refused.status, 422, "{refused}");
}

#[test]
fn the_centre_confirms_dismisses_or_merges_and_a_reporter_takes_back_what_was_not_decided() {
    let mut centre = Centre::start();
    let [watch, agent, other] = ["watch", "agent-a1", "agent-a2"].map(|p| centre.person(p));
    let mut at_agent = centre.events("agent-a1");
    let reports = [30.0, 120.0, 210.0, 300.0].map(|az| sighting(0.0, 0.0, az, "to1000"));
    for r in &reports {
        agent.post("/api/v1/sightings", r).ok(201);
    }
    let [confirmed, dismissed, merged, taken_back] = &reports;
    let decide = |of: &Value, verdict: Value, why: &str| {
        watch.post(&about(of, "triage"), &json!({"id": id(), "verdict": verdict, "why": why}))
    };
    decide(confirmed, json!({"is": "confirmed"}), "seen on camera 2").ok(200);
    let s = state(&mut at_agent, confirmed, "confirmed", |s| s["verdict"]["is"] == "confirmed");
    assert_eq!((&s["decided_by"], &s["why"]), (&json!("watch"), &json!("seen on camera 2")));
    text(&s, "/decided_at");

    // To dismiss without a reason is refused; the sighting stays as it was.
    let no = decide(dismissed, json!({"is": "dismissed"}), " ");
    assert!((400..500).contains(&no.status), "{no}");
    assert_eq!(watch.see(&format!("/api/v1/sightings/{}", text(dismissed, "/id")))["verdict"]["is"], "new");
    decide(dismissed, json!({"is": "dismissed"}), "a crane").ok(200);
    state(&mut at_agent, dismissed, "dismissed", |s| s["verdict"]["is"] == "dismissed");

    decide(merged, json!({"is": "merged", "into": confirmed["id"]}), "same one").ok(200);
    let s = state(&mut at_agent, merged, "merged", |s| s["verdict"]["is"] == "merged");
    assert_eq!(s["verdict"]["into"], confirmed["id"]);
    let itself = decide(taken_back, json!({"is": "merged", "into": taken_back["id"]}), "x");
    assert!((400..500).contains(&itself.status), "{itself}");

    // Taken back by its reporter, and only by them, and not what was decided.
    let not_hers = other.post(&about(taken_back, "retraction"), &json!({"id": id()}));
    not_hers.problem(404, "not_found");
    agent.post(&about(taken_back, "retraction"), &json!({"id": id()})).ok(200);
    state(&mut at_agent, taken_back, "taken back", |s| s["retracted_at"].is_string());
    let decided = agent.post(&about(confirmed, "retraction"), &json!({"id": id()}));
    assert!((400..500).contains(&decided.status), "{decided}");

    // Nobody but the centre decides.
    let lead = centre.person("lead-a");
    let verdict = json!({"id": id(), "verdict": {"is": "confirmed"}, "why": ""});
    lead.post(&about(taken_back, "triage"), &verdict).problem(403, "forbidden");

    // History keeps who and why.
    assert_eq!(centre.terminate().status.code(), Some(0));
    let acts: Vec<Value> = centre.export().into_iter().filter(|e| e["body"]["body"] == "act").collect();
    let triage = acts.iter().filter(|e| e["body"]["act"]["act"] == "triage").count();
    assert_eq!(triage, 3);
}

#[test]
fn a_sighting_and_remote_id_of_the_same_drone_are_one_track_with_two_sources() {
    let mut centre = Centre::start();
    let agent = centre.person("agent-a1");
    let mut at_watch = centre.events("watch");
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    // 180 m east of her, hovering 65 m up: about 20 degrees above the horizon.
    let drone = Flight::start(centre.scene.tcp, "1581F4BOTH0001", [180.0, 0.0, 65.0], [0.0, 0.0, 0.0]);
    at_watch.wait("a track", |e| {
        e.name == "tracks"
            && e.data["features"].as_array().unwrap().iter().any(|f| f["properties"]["state"] == "confirmed")
    });
    let report = sighting(0.0, 0.0, 88.0, "to300");
    agent.post("/api/v1/sightings", &report).ok(201);
    let fed = state(&mut at_watch, &report, "the track that it fed", |s| s["track"].is_string());
    let tracks = at_watch
        .wait("one track with both", |e| {
            e.name == "tracks"
                && e.data["features"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|f| f["properties"]["sources"].as_array().unwrap().len() == 2)
        })
        .data;
    let live: Vec<&Value> =
        tracks["features"].as_array().unwrap().iter().filter(|f| f["properties"]["state"] != "deleted").collect();
    assert_eq!(live.len(), 1, "{live:?}");
    assert_eq!(live[0]["id"], fed["track"]);
    let mut sources: Vec<&str> =
        live[0]["properties"]["sources"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    sources.sort_unstable();
    assert_eq!(sources, ["person.agent-a1", "radar"]);
    assert_eq!(live[0]["properties"]["by_people_only"], false);
    drone.end();
}

/// The same request from five connections at once.
fn five_times(client: &Client, path: &str, body: &Value) -> Vec<Answer> {
    let threads: Vec<_> = (0..5)
        .map(|_| {
            let (client, path, body) = (client.clone(), path.to_owned(), body.clone());
            thread::spawn(move || client.post(&path, &body))
        })
        .collect();
    threads.into_iter().map(|t| t.join().unwrap()).collect()
}

#[test]
fn five_equal_posts_at_once_are_one_sighting_with_one_answer_another_body_is_refused_and_kept() {
    let mut centre = Centre::start();
    let [watch, agent, other] = ["watch", "agent-a1", "agent-a2"].map(|p| centre.person(p));
    let report = sighting(0.0, 0.0, 10.0, "to300");
    let answers = five_times(&agent, "/api/v1/sightings", &report);
    let first = answers[0].ok(201);
    assert!(answers.iter().all(|a| a.ok(201) == first), "{answers:?}");
    // Again much later, with the keys in another order and another clock at sending: still the same.
    let mut again = json!({});
    for (k, v) in report.as_object().unwrap().iter().rev() {
        again[k] = v.clone();
    }
    again["sent_at"] = json!(crate::support::time_text(3.0));
    assert_eq!(agent.post("/api/v1/sightings", &again).ok(201), first);
    assert_eq!(items(&watch.see("/api/v1/sightings")).len(), 1);

    let mut changed = report.clone();
    changed["words"] = json!("two of them");
    agent.post("/api/v1/sightings", &changed).problem(409, "id_reused");
    // Somebody else's id says nothing about itself.
    other.post("/api/v1/sightings", &report).problem(404, "not_found");
    // The same id on another endpoint is another request.
    let seen = json!({"id": report["id"]});
    agent.post(&about(&report, "retraction"), &seen).problem(409, "id_reused");
    // Acts are repeatable too: an id, one act.
    let see = json!({"id": id()});
    let answers = five_times(&watch, &about(&report, "seen"), &see);
    assert!(answers.iter().all(|a| a.ok(200)["seen_by_centre"][0] == "watch"), "{answers:?}");
    let place = position(0.0, 0.0);
    let answers = five_times(&agent, "/api/v1/positions", &place);
    assert!(answers.iter().all(|a| a.ok(201) == json!({"id": place["id"]})), "{answers:?}");
    other.post("/api/v1/positions", &place).problem(404, "not_found");

    // It holds after a crash as well.
    centre.kill();
    centre.start_again();
    assert_eq!(agent.post("/api/v1/sightings", &report).ok(201), first);
    agent.post("/api/v1/sightings", &changed).problem(409, "id_reused");
    other.post("/api/v1/sightings", &report).problem(404, "not_found");

    assert_eq!(centre.terminate().status.code(), Some(0));
    let entries = centre.export();
    let acts = |act: &str| entries.iter().filter(|e| e["body"]["act"]["act"] == act).collect::<Vec<_>>();
    assert_eq!(acts("sighting").len(), 1);
    assert_eq!(acts("see_sighting").len(), 1);
    let kept = acts("conflict");
    assert!(kept.iter().all(|e| e["body"]["act"]["request"] == report["id"] && e["body"]["by"] == "agent-a1"));
    assert!(kept.iter().any(|e| text(e, "/body/act/body").contains("two of them")), "{kept:?}");
    let positions: usize = entries
        .iter()
        .filter(|e| e["body"]["body"] == "positions")
        .map(|e| e["body"]["items"].as_array().unwrap().len())
        .sum();
    assert_eq!(positions, 1, "five equal positions are one");
    let desk = entries.iter().filter(|e| e["body"]["body"] == "desk").count();
    assert!(desk >= 2, "{desk}");
}

#[test]
fn at_most_ten_other_bodies_of_one_id_are_kept() {
    let mut centre = Centre::start();
    let agent = centre.person("agent-a1");
    let mut report = sighting(0.0, 0.0, 10.0, "to300");
    agent.post("/api/v1/sightings", &report).ok(201);
    for n in 0..14 {
        report["words"] = json!(format!("other {n}"));
        agent.post("/api/v1/sightings", &report).problem(409, "id_reused");
    }
    assert_eq!(centre.terminate().status.code(), Some(0));
    let kept = centre.export().into_iter().filter(|e| e["body"]["act"]["act"] == "conflict").count();
    assert_eq!(kept, 10);
}

#[test]
fn a_page_that_was_away_gets_what_it_missed_and_after_a_restart_is_told_to_fetch_everything() {
    let mut centre = Centre::start();
    let [watch, agent, other] = ["watch", "agent-a1", "agent-a2"].map(|p| centre.person(p));
    let mut page = centre.events("agent-a1");
    let first = sighting(0.0, 0.0, 90.0, "to300");
    agent.post("/api/v1/sightings", &first).ok(201);
    state(&mut page, &first, "the report", |_| true);
    let last = page.last_id().expect("durable events have an id");
    drop(page);
    // Meanwhile: hers is seen, and somebody else reports.
    watch.post(&about(&first, "seen"), &json!({"id": id()})).ok(200);
    other.post("/api/v1/sightings", &sighting(0.0, 0.0, 10.0, "to300")).ok(201);
    let mut page = Events::open_after(&agent, Some(&last));
    state(&mut page, &first, "what she missed", |s| !s["seen_by_centre"].is_null());
    page.heartbeat();
    let others =
        page.seen.iter().filter(|e| e.name == "sighting" && e.data["sighting"]["reporter"] != "agent-a1").count();
    assert_eq!((page.count("reset"), others), (0, 0), "nothing of others, and no need to fetch everything");
    drop(page);

    centre.kill();
    centre.start_again();
    let mut page = Events::open_after(&agent, Some(&last));
    page.wait("that what she missed is gone", |e| e.name == "reset");
    // A number that no entry ever had is no way past that.
    let mut page = Events::open_after(&agent, Some("99999999999"));
    page.wait("a reset", |e| e.name == "reset");
}
