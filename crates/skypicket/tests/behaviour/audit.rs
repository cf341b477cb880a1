//! Who read what: every look at people's positions stands in the record before it is answered, other reads soon after;
//! the auditor finds them, and everybody finds those of themself.

use crate::support::{Centre, Client, Feed, SOON, Scene, drone_line, items, position, program, sighting, text, until};
use serde_json::{Value, json};
use std::process::Stdio;

/// The rows that the auditor finds.
fn audit(auditor: &Client, query: &str) -> Vec<Value> {
    items(&auditor.see(&format!("/api/v1/audit?limit=500&{query}"))).to_vec()
}

fn names(row: &Value, field: &str) -> Vec<String> {
    row[field].as_array().unwrap().iter().map(|p| text(p, "/id").to_owned()).collect()
}

#[test]
fn every_answer_that_shows_where_people_are_stands_in_the_record_before_it_goes_out() {
    let mut centre = Centre::start();
    let [watch, lead, analyst, auditor, agent, other] =
        ["watch2", "lead-a", "analyst", "auditor", "agent-a1", "agent-b1"].map(|p| centre.person(p));
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    other.post("/api/v1/positions", &position(900.0, 0.0)).ok(201);
    let seen = sighting(0.0, 0.0, 5.0, "to1000");
    agent.post("/api/v1/sightings", &seen).ok(201);
    assert!(items(&agent.see("/api/v1/me/reads")).is_empty(), "nobody looked yet");

    watch.see("/api/v1/people");
    lead.see("/api/v1/people");
    analyst.see("/api/v1/sightings");
    watch.see(&format!("/api/v1/sightings/{}", text(&seen, "/id")));
    // Killed right after the answers: nothing had time to be flushed.
    centre.kill();
    centre.start_again();
    let rows = audit(&auditor, "deed=read_positions");
    let of = |by: &str, what: &str| {
        let found = rows.iter().find(|r| r["by"]["id"] == by && r["what"] == what);
        found.cloned().unwrap_or_else(|| panic!("{by} {what}: {rows:#?}"))
    };
    assert_eq!(names(&of("watch2", "GET /api/v1/people"), "about"), ["agent-a1", "agent-b1"]);
    assert_eq!(names(&of("lead-a", "GET /api/v1/people"), "about"), ["agent-a1"], "only whom they lead");
    assert_eq!(names(&of("analyst", "GET /api/v1/sightings"), "about"), ["agent-a1"]);
    of("watch2", &format!("GET /api/v1/sightings/{}", text(&seen, "/id")));
    assert!(of("watch2", "GET /api/v1/people")["session"].as_str().is_some_and(|s| s.len() == 16));
    assert!(rows.iter().all(|r| r["by"]["id"] != "agent-a1"), "one's own position is no read of it");
    assert_eq!(audit(&auditor, "deed=read_positions&about=agent-b1").len(), 1);

    // An event stream: at its opening and at its end, about everybody.
    drop(centre.events("watch2"));
    drop(centre.events("lead-a"));
    drop(centre.events("agent-b1"));
    until("the ends of the streams", SOON, || {
        let rows = audit(&auditor, "deed=read_positions");
        let ended = |r: &&Value| text(r, "/what").starts_with("GET /api/v1/events, ended");
        (rows.iter().filter(ended).count() == 2).then_some(())
    });
    let rows = audit(&auditor, "deed=read_positions&person=watch2");
    let opened = rows.iter().find(|r| r["what"] == "GET /api/v1/events, everybody").unwrap();
    assert_eq!((&opened["everybody"], opened["about"].as_array().unwrap().len()), (&json!(true), 0));
    let rows = audit(&auditor, "deed=read_positions&person=lead-a");
    let opened = rows.iter().find(|r| r["what"] == "GET /api/v1/events").unwrap();
    assert!(names(opened, "about").contains(&"agent-a1".to_owned()), "{opened}");
    assert!(audit(&auditor, "deed=read_positions&person=agent-b1").is_empty(), "nobody else's place goes there");

    // Each finds who was shown where they are, and not who else was in it.
    let mine = agent.see("/api/v1/me/reads");
    let by: Vec<&str> = items(&mine).iter().filter_map(|r| r["by"]["id"].as_str()).collect();
    assert!(["watch2", "lead-a", "analyst"].iter().all(|p| by.contains(p)) && !by.contains(&"agent-a1"), "{mine}");
    assert!(items(&mine).iter().all(|r| r.get("about").is_none() && r.get("session").is_none()));
    let theirs = other.see("/api/v1/me/reads");
    assert!(items(&theirs).iter().all(|r| r["by"]["id"] != "lead-a"), "{theirs}");
}

#[test]
fn other_reads_are_folded_refused_ones_are_none_and_looking_at_the_audit_is_a_read() {
    let mut centre = Centre::start();
    let [watch, auditor] = ["watch2", "auditor"].map(|p| centre.person(p));
    for _ in 0..50 {
        watch.see("/api/v1/status");
    }
    watch.get("/api/v1/tokens").problem(403, "forbidden");
    watch.get("/api/v1/sightings/018f0000-0000-7000-8000-000000000000").problem(404, "not_found");
    for look in ["person=watch2", "about=agent-a1&deed=read_positions"] {
        audit(&auditor, look);
    }
    // Shut down within the minute: what was still being folded is written too.
    centre.terminate();
    centre.start_again();
    let rows = audit(&auditor, "person=watch2&deed=read");
    let status: Vec<&Value> = rows.iter().filter(|r| r["what"] == "GET /api/v1/status").collect();
    let times: u64 = status.iter().map(|r| r["times"].as_u64().unwrap()).sum();
    assert_eq!(times, 50, "{rows:#?}");
    assert!(status.len() <= 3, "{status:#?}");
    assert!(rows.iter().all(|r| !text(r, "/what").contains("tokens") && !text(r, "/what").contains("sightings")));
    let looks = audit(&auditor, "person=auditor");
    assert!(looks.iter().any(|r| text(r, "/what").ends_with("about=agent-a1&deed=read_positions")), "{looks:#?}");
    // Asked for in time.
    assert!(audit(&auditor, "until=2020-01-01T00:00:00Z").is_empty());
    assert!(!audit(&auditor, "from=2020-01-01T00:00:00Z").is_empty());
    for bad in ["deed=peeked", "cursor=zz", "person=No%20Name", "colour=red"] {
        let status = auditor.get(&format!("/api/v1/audit?{bad}")).status;
        assert!(status == 400 || status == 422, "{bad}: {status}");
    }
    // Page by page, nothing twice.
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = auditor.see(&format!("/api/v1/audit?limit=2&until=2100-01-01T00:00:00Z{cursor}"));
        all.extend(items(&page).iter().map(|r| (r["entry"].clone(), r["what"].clone(), r["first"].clone())));
        match page["next"].as_str() {
            Some(next) if all.len() < 100 => cursor = format!("&cursor={next}"),
            _ => break,
        }
    }
    let mut once = all.clone();
    once.dedup();
    assert!(all.len() > 4 && once.len() == all.len(), "{all:?}");
}

#[test]
fn where_nothing_can_be_recorded_nobody_is_shown_where_people_are() {
    let mut centre = Centre::start_with(Scene::new(), &["--test-max-pages", "400"]);
    let [watch, agent] = ["watch2", "agent-a1"].map(|p| centre.person(p));
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    // Until the disk takes nothing more.
    until("the disk to be full", std::time::Duration::from_mins(1), || {
        let mut report = sighting(0.0, 0.0, 5.0, "to1000");
        report["words"] = json!("x".repeat(900));
        (agent.post("/api/v1/sightings", &report).status == 507).then_some(())
    });
    let refused = watch.get("/api/v1/people");
    assert_eq!(refused.status, 507, "{}", refused.text());
    assert!(!refused.text().contains("accuracy_m"), "{}", refused.text());
    // What shows nobody's place is still answered, and whoever is to be warned is not cut off (promise 10).
    watch.see("/api/v1/status");
    watch.see("/api/v1/notices");
    watch.see("/api/v1/dangers");
    let mut stream = crate::support::Events::open(&watch);
    stream.heartbeat();
}

#[test]
fn the_command_prints_the_audit_as_an_auditor_and_no_more() {
    let mut centre = Centre::start();
    let watch = centre.person("watch2");
    let agent = centre.person("agent-a1");
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    watch.see("/api/v1/people");
    let run = |more: &[&str]| {
        let mut c = program();
        c.arg("audit").arg("--data").arg(centre.data()).args(more).stdin(Stdio::null());
        c.output().unwrap()
    };
    let csv = run(&["--deed", "read_positions"]);
    let out = String::from_utf8(csv.stdout).unwrap();
    assert!(csv.status.success(), "{}", String::from_utf8_lossy(&csv.stderr));
    let mut lines = out.lines();
    assert!(lines.next().unwrap().starts_with("first,last,times,by,by_name,deed,what,about,"), "{out}");
    let row = lines.next().unwrap();
    assert!(row.contains(",watch2,WATCH2,read_positions,GET /api/v1/people,agent-a1,false,"), "{row}");
    let json = run(&["--json", "--person", "auditor"]);
    let rows: Vec<Value> =
        String::from_utf8(json.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(
        rows.iter().any(|r| text(r, "/what").starts_with("GET /api/v1/audit?") && r["session"] == "cli"),
        "{rows:?}"
    );
    let refused = run(&["--as", "watch2"]);
    assert_eq!((refused.status.code(), refused.stdout.is_empty()), (Some(1), true));
    assert_eq!(run(&["--from", "yesterday"]).status.code(), Some(1));
    let nobody = program().args(["audit", "--data", "/nowhere"]).output().unwrap();
    assert_eq!(nobody.status.code(), Some(3));
}

#[test]
fn no_answer_shows_a_position_that_the_audit_does_not_know_of() {
    let mut centre = Centre::start();
    let document = centre.anybody().see("/api/v1/openapi.json");
    let auditor = centre.person("auditor");
    let agent = centre.person("agent-a1");
    let here = position(3.3, 7.7);
    agent.post("/api/v1/positions", &here).ok(201);
    let seen = sighting(3.3, 7.7, 5.0, "to1000");
    agent.post("/api/v1/sightings", &seen).ok(201);
    let place = here["at"]["lat_deg"].to_string();
    assert_eq!(place, seen["from"]["lat_deg"].to_string());
    // A drone says where its operator stands: for nobody's eyes.
    let mut at_watch = centre.events("watch2");
    let mut feed = Feed::connect(centre.scene.tcp);
    let mut line = drone_line("1581F4OPERATOR", 900.0, 900.0, 50.0, [0.0; 3]);
    line["claims"]["operator_at"] = json!([31.5555, -106.5555]);
    feed.send(&line);
    let has = |data: &Value, what: &str| data.to_string().contains(what);
    at_watch.wait("its track", |e| e.name == "tracks" && has(&e.data, "1581F4OPERATOR"));
    let mut shown = 0;
    for who in ["watch", "watch2", "supervisor", "lead-a", "analyst", "integrator", "administrator", "auditor"] {
        let client = centre.person(who);
        for (path, methods) in document["paths"].as_object().unwrap() {
            if methods.get("get").is_none() || path.ends_with("/events") {
                continue;
            }
            let path = path
                .replace("sightings/{id}", &format!("sightings/{}", text(&seen, "/id")))
                .replace("{id}", "agent-a1");
            let answer = client.get(&path);
            assert!(!answer.text().contains("31.5555"), "{who} is shown an operator by {path}");
            // The latitude of the only person who said where they are.
            if answer.status != 200 || !answer.text().contains(&place) {
                continue;
            }
            shown += 1;
            let rows = audit(&auditor, &format!("deed=read_positions&about=agent-a1&person={who}"));
            let what = format!("GET {path}");
            let found = rows.iter().any(|r| text(r, "/what") == what);
            assert!(found, "{who} was shown a position by {path}, and the audit has no row of it: {rows:#?}");
        }
    }
    assert!(shown >= 8, "{shown}");
    at_watch.heartbeat();
    assert!(at_watch.seen.iter().all(|e| !has(&e.data, "31.5555")));
}
