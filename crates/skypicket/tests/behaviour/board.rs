//! The board: who has a notice and who has not, why, and what happens next; and calls on somebody's behalf.

use super::bulletins::{act, content, issue};
use crate::support::{Centre, Events, Flight, SOON, Scene, id, items, position, text, until};
use serde_json::{Value, json};
use std::time::Instant;

fn row(page: &Value, person: &str) -> Value {
    items(page).iter().find(|r| r["person"] == person).cloned().unwrap_or(Value::Null)
}

/// Short times for bulletins.
fn quick() -> Scene {
    let times = "[policy.dispatch.bulletin]\nacknowledge_s = { urgent = 2.0, caution = 2.0, advisory = 2.0 }\n\
                 remind_s = { urgent = 60.0, caution = 60.0, advisory = 60.0 }\nsupervisor_s = 2.0\n";
    Scene::new().and(times)
}

#[test]
fn the_board_counts_by_agency_and_unit_what_its_rows_and_the_deliveries_say() {
    let mut centre = Centre::start();
    let [watch, agent] = ["watch", "agent-a1"].map(|p| centre.person(p));
    let mut at_agent = centre.events("agent-a1");
    let mut at_lead = centre.events("lead-b");
    let b = issue(&mut centre, &content("Board"));
    let notice = text(&b, "/notice").to_owned();
    let (board, rows) = (format!("/api/v1/notices/{notice}/board"), format!("/api/v1/notices/{notice}/recipients"));
    for e in [&mut at_agent, &mut at_lead] {
        e.notice("it", |n| n["notice"]["id"] == notice.as_str());
    }
    agent.post(&format!("/api/v1/notices/{notice}/versions/1/receipts"), &json!({"id": id(), "shown": true})).ok(204);
    agent.post(&format!("/api/v1/notices/{notice}/versions/1/acknowledgements"), &json!({"id": id()})).ok(201);
    let seen = until("what was handed over to be counted", SOON, || {
        let b = watch.see(&board);
        (b["counts"]["queued"] == 3).then_some(b)
    });
    let c = &seen["counts"];
    let said = ["recipients", "shown", "sent", "acknowledged", "owing"].map(|k| c[k].as_u64().unwrap());
    assert_eq!(said, [5, 1, 1, 1, 4], "{c}");
    let agencies = seen["agencies"].as_array().unwrap();
    assert_eq!(agencies.iter().map(|a| text(a, "/name")).collect::<Vec<_>>(), ["Agency North", "Agency South"]);
    assert_eq!(
        agencies[0]["units"],
        json!([{"id": "a", "name": "Unit A", "counts": agencies[0]["counts"], "done": {}}])
    );
    assert_eq!((&agencies[0]["counts"]["acknowledged"], &agencies[1]["counts"]["sent"]), (&json!(1), &json!(1)));
    assert_eq!(seen["troubles"], json!([{"trouble": "no_channel_up", "people": 3}]));
    assert!(seen["next"]["at"].is_string(), "{seen}");

    // Every count is the length of the list behind it.
    for (state, n) in c.as_object().unwrap().iter().filter(|(k, _)| *k != "recipients") {
        let page = watch.see(&format!("{rows}?state={state}"));
        assert_eq!(items(&page).len() as u64, n.as_u64().unwrap(), "{state}: {page}");
    }
    // Who needs somebody comes first; who acknowledged, last; and each says why.
    let all = watch.see(&rows);
    let order: Vec<&str> = items(&all).iter().map(|r| text(r, "/person")).collect();
    assert_eq!(order.last(), Some(&"agent-a1"), "{order:?}");
    let first = row(&all, "agent-a2");
    assert_eq!((text(&first, "/reached"), &first["owes"], text(&first, "/rule")), ("queued", &json!(true), "unit"));
    assert!(text(&first, "/why").contains("no way to them is up"), "{first}");
    assert_eq!(text(&row(&all, "agent-a1"), "/why"), "acknowledged over web");
    // They agree with the deliveries, person by person.
    let deliveries = watch.see(&format!("/api/v1/deliveries?notice={notice}"));
    for r in items(&all) {
        let theirs: Vec<&Value> = items(&deliveries).iter().filter(|d| d["person"] == r["person"]).collect();
        let mine = r["deliveries"].as_array().unwrap();
        assert_eq!(mine.len(), theirs.len(), "{r}");
        for (m, t) in mine.iter().zip(&theirs) {
            for key in ["channel", "reached", "attempts", "may_repeat", "trouble"] {
                assert_eq!(m[key], t[key], "{}: {key}", r["person"]);
            }
        }
    }
    // Pages are parts of the same order, and narrowing finds the same people.
    let mut paged: Vec<String> = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = watch.see(&format!("{rows}?limit=2{cursor}"));
        assert!(items(&page).len() <= 2);
        paged.extend(items(&page).iter().map(|r| text(r, "/person").to_owned()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, order);
    let of = |query: &str| {
        let page = watch.see(&format!("{rows}?{query}"));
        items(&page).iter().map(|r| text(r, "/person").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(of("q=unit%20b%20agent"), ["agent-b1"]);
    assert_eq!(of("agency=south&state=sent"), ["lead-b"]);
    assert_eq!(of("unit=a&state=acknowledged"), ["agent-a1"]);
    watch.get(&format!("{rows}?cursor=x")).problem(422, "invalid");
    assert_eq!(watch.get(&format!("{rows}?state=lost")).status, 400);
    // Nobody else's business, and nothing that is not there.
    agent.get(&board).problem(403, "forbidden");
    let nothing = "/api/v1/notices/018f0000-0000-7000-8000-000000000000/board";
    watch.get(nothing).problem(404, "not_found");
}

#[test]
fn the_silent_are_escalated_and_then_called_and_who_called_is_named() {
    let mut centre = Centre::start_with(quick(), &[]);
    let [watch, watch2, lead_a] = ["watch", "watch2", "lead-a"].map(|p| centre.person(p));
    let mut streams: Vec<Events> =
        ["lead-a", "agent-a1", "agent-a2", "lead-b", "agent-b1"].iter().map(|p| centre.events(p)).collect();
    let b = issue(&mut centre, &content("Call round"));
    let notice = text(&b, "/notice").to_owned();
    let rows = format!("/api/v1/notices/{notice}/recipients");
    for e in &mut streams {
        e.notice("it", |n| n["notice"]["id"] == notice.as_str() && n["mine"] == true);
    }
    let told = until("agent-a1's silence to be told", SOON, || {
        let r = row(&watch.see(&rows), "agent-a1");
        r["escalated_to"].is_string().then_some(r)
    });
    assert_eq!(text(&told, "/escalated_to_name"), "LEAD-A");
    assert!(text(&told, "/why").contains("LEAD-A was told"), "{told}");
    let silent = until("nobody to be left to tell", SOON, || {
        let page = watch.see(&format!("{rows}?state=silent"));
        (items(&page).len() == 5).then_some(page)
    });
    assert!(text(&silent, "/items/0/why").contains("call them"), "{silent}");

    // The call-round: each status stands with the name of who called.
    let calls = format!("/api/v1/notices/{notice}/versions/1/calls");
    let call = |person: &str, status: &str| json!({"id": id(), "person": person, "status": status, "note": "by phone"});
    let body = call("agent-a1", "acknowledged");
    let r = watch.post(&calls, &body).ok(201);
    assert_eq!(
        (text(&r, "/acknowledged_by_name"), text(&r, "/call/status"), &r["silent"], &r["owes"]),
        ("WATCH", "acknowledged", &json!(false), &json!(false))
    );
    assert_eq!(text(&r, "/why"), "WATCH called: they know");
    watch.post(&calls, &body).ok(201);
    let r = watch.post(&calls, &call("agent-a2", "no_answer")).ok(201);
    assert_eq!((&r["silent"], text(&r, "/call/by_name")), (&json!(true), "WATCH"));
    let r = watch2.post(&calls, &call("agent-b1", "unavailable")).ok(201);
    assert!(text(&r, "/why").contains("WATCH2 called: off duty or away"), "{r}");
    // A leader calls their own people, and nobody speaks for themself.
    lead_a.post(&calls, &call("agent-b1", "acknowledged")).problem(404, "not_found");
    lead_a.post(&calls, &call("agent-a2", "acknowledged")).ok(201);
    watch.post(&calls, &call("watch", "acknowledged")).problem(409, "own");
    watch.post(&calls, &call("analyst", "acknowledged")).problem(404, "not_found");
    let later = calls.replace("versions/1", "versions/2");
    watch.post(&later, &call("lead-a", "acknowledged")).problem(409, "superseded");
    let long = json!({"id": id(), "person": "lead-a", "status": "acknowledged", "note": "x".repeat(501)});
    watch.post(&calls, &long).problem(422, "invalid");
    let c = &watch.see(&format!("/api/v1/notices/{notice}/board"))["counts"];
    assert_eq!((&c["acknowledged"], &c["excused"]), (&json!(2), &json!(1)), "{c}");

    // Whose name it was stays known when it is over, from the record when dispatch forgets it.
    act(&watch, &b, "recalls", json!({"why": "enough"})).ok(200);
    watch.post(&later, &call("lead-a", "acknowledged")).problem(409, "over");
    centre.terminate();
    let export = centre.export();
    let called: Vec<&Value> = export.iter().filter(|e| e.to_string().contains("\"act\":\"call\"")).collect();
    assert_eq!(called.len(), 4, "once each");
}

#[test]
fn a_notice_that_dispatch_has_forgotten_still_has_its_board_from_the_record() {
    let times = "[policy.dispatch.bulletin]\nretention_s = 60.0\n";
    let mut centre = Centre::start_with(Scene::new().and(times), &["--test-clock-offset-file", "/dev/null"]);
    drop(centre.person("watch"));
    centre.terminate();
    // The clock goes on while the centre stands still.
    let offset = centre.folder().join("offset");
    std::fs::write(&offset, "0").unwrap();
    centre.set_flags(&["--test-clock-offset-file", offset.to_str().unwrap()]);
    centre.start_again();
    let [watch, agent] = ["watch", "agent-a1"].map(|p| centre.person(p));
    let mut at_agent = Events::open(&agent);
    let b = issue(&mut centre, &content("Forgotten"));
    let notice = text(&b, "/notice").to_owned();
    at_agent.notice("it", |n| n["notice"]["id"] == notice.as_str());
    agent.post(&format!("/api/v1/notices/{notice}/versions/1/acknowledgements"), &json!({"id": id()})).ok(201);
    let call = json!({"id": id(), "person": "agent-b1", "status": "unavailable"});
    watch.post(&format!("/api/v1/notices/{notice}/versions/1/calls"), &call).ok(201);
    act(&watch, &b, "recalls", json!({"why": "over"})).ok(200);
    let rows = format!("/api/v1/notices/{notice}/recipients");
    let live = watch.see(&rows);
    std::fs::write(&offset, "7200").unwrap();
    let past = until("dispatch to forget it", SOON, || {
        let page = watch.see(&rows);
        (row(&page, "agent-a2")["next"].is_null()
            && items(&page).iter().all(|r| r["carries"].is_null())
            && watch.see(&format!("/api/v1/notices/{notice}/board"))["next"].is_null())
        .then_some(page)
    });
    for person in ["agent-a1", "agent-b1", "agent-a2"] {
        let (a, b) = (row(&live, person), row(&past, person));
        for key in ["acknowledged_at", "acknowledged_via", "call", "rule", "reached", "name", "unit"] {
            assert_eq!(a[key], b[key], "{person}: {key}");
        }
    }
    let board = watch.see(&format!("/api/v1/notices/{notice}/board"));
    assert_eq!((text(&board, "/notice/state"), &board["counts"]["recipients"]), ("recalled", &json!(5)));
    assert_eq!((&board["counts"]["acknowledged"], &board["counts"]["excused"]), (&json!(1), &json!(1)));
}

#[test]
fn a_supervisor_sees_of_a_warning_only_those_whom_they_lead() {
    let mut centre = Centre::start();
    let [watch, lead_a, lead_b, agent] = ["watch", "lead-a", "lead-b", "agent-a1"].map(|p| centre.person(p));
    let mut at_watch = centre.events("watch");
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let drone = Flight::start(centre.scene.tcp, "1581F4BOARD001", [0.0, 500.0, 30.0], [0.0, -12.0, 0.0]);
    let n = at_watch.notice("the warning", |n| n["notice"]["state"] == "raised");
    let board = format!("/api/v1/notices/{}/board", text(&n, "/notice/id"));
    let seen = watch.see(&board);
    assert_eq!((text(&seen, "/notice/kind"), text(&seen, "/notice/title")), ("warning", "AGENT-A1"));
    assert!(seen["counts"]["recipients"].as_u64().unwrap() >= 3, "agent-a1 and the watch: {seen}");
    let theirs = lead_a.see(&board.replace("board", "recipients"));
    assert_eq!(items(&theirs).iter().map(|r| text(r, "/person")).collect::<Vec<_>>(), ["agent-a1"]);
    assert_eq!(text(&lead_a.see(&board), "/notice/title"), "AGENT-A1");
    lead_b.get(&board).problem(404, "not_found");
    drone.end();
}

#[test]
fn of_a_notice_to_many_the_centres_pages_hear_four_times_a_second_and_at_the_end_everything() {
    const MANY: usize = 120;
    let mut scene = quick();
    for n in 0..MANY {
        scene = scene
            .and(&format!("[[person]]\nid = \"many-{n:03}\"\nname = \"M {n}\"\nunit = \"a\"\nroles = [\"field\"]\n"));
    }
    // Nobody is escalated meanwhile.
    let scene = scene.with("acknowledge_s = { urgent = 2.0, caution = 2.0, advisory = 2.0 }", "");
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.person("watch");
    let mut at_watch = centre.events("watch2");
    let b = issue(&mut centre, &content("To many"));
    let notice = text(&b, "/notice").to_owned();
    let of = |n: &Value| n["notice"]["id"] == notice.as_str();
    at_watch.notice("it", of);
    at_watch.forget();
    let (before, began) = (at_watch.seen.len(), Instant::now());
    let calls = format!("/api/v1/notices/{notice}/versions/1/calls");
    for n in 0..MANY {
        let person = format!("many-{n:03}");
        let body = json!({"id": id(), "person": person, "status": "acknowledged", "note": ""});
        watch.post(&calls, &body).ok(201);
    }
    at_watch.notice("all of them", |n| of(n) && n["counts"]["acknowledged"].as_u64() >= Some(MANY as u64));
    let took_s = began.elapsed().as_secs_f64();
    at_watch.drain();
    let events: Vec<Value> =
        at_watch.seen[before..].iter().filter(|e| e.name == "notice" && of(&e.data)).map(|e| e.data.clone()).collect();
    // One at once, and then at most one in a quarter of a second, however many acts came in it.
    let most = 2.0 + took_s * 4.0;
    assert!(events.len() as f64 <= most, "{} events in {took_s} s for {MANY} acts", events.len());
    // Every row that changed was in one of them.
    let mut known = std::collections::BTreeSet::new();
    for row in events.iter().flat_map(|e| e["recipients"].as_array().unwrap()) {
        if row["acknowledged_at"].is_string() {
            known.insert(text(row, "/person").to_owned());
        }
    }
    assert_eq!(known.len(), MANY, "{known:?}");
}
