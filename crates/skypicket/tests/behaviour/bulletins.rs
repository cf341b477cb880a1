//! Bulletins: one proposes, another approves, exactly those get it whom its rules mean; correction, recall and expiry.

use crate::support::{Centre, Client, Events, SOON, Scene, id, items, run, tak, text, time_text, until};
use serde_json::{Value, json};
use std::time::Duration;

/// What a bulletin says, for unit a and everybody of agency south.
pub(crate) fn content(title: &str) -> Value {
    json!({
        "title": title, "title_es": "Explosivos en drones", "text": "Do not touch a drone that came down.",
        "text_es": "No toque un dron caído.", "level": "caution", "expires_at": time_text(3_600.0),
        "audience": [{"to": "unit", "unit": "a"}, {"to": "agency", "agency": "south"}],
        "recall_text": "This was wrong: no explosives were found.",
    })
}

/// Proposes; the answer.
pub(crate) fn propose(by: &Client, content: &Value) -> Value {
    by.post("/api/v1/bulletins", &json!({"id": id(), "content": content})).ok(201)
}

/// An act about a bulletin; a correction begins with what its author reads now, unless it says what they read.
pub(crate) fn act(by: &Client, bulletin: &Value, what: &str, mut body: Value) -> crate::support::Answer {
    body["id"] = json!(id());
    if what == "corrections" && body["read"].is_null() {
        let now = by.get(&format!("/api/v1/bulletins/{}", text(bulletin, "/notice")));
        // Where there is nothing to read for them: any time.
        let now = if now.status == 200 { now.json() } else { json!({"at": time_text(0.0)}) };
        body["read"] = written_at(&now);
    }
    by.post(&format!("/api/v1/bulletins/{}/{what}", text(bulletin, "/notice")), &body)
}

/// When that was written which a correction begins with.
pub(crate) fn written_at(bulletin: &Value) -> Value {
    if bulletin["correction"].is_object() { bulletin["correction"]["at"].clone() } else { bulletin["at"].clone() }
}

/// Approves what waits.
pub(crate) fn approve(by: &Client, bulletin: &Value) -> Value {
    act(by, bulletin, "approvals", json!({"read": bulletin["waiting"]["at"]})).ok(200)
}

/// Proposed by one and approved by another.
pub(crate) fn issue(centre: &mut Centre, content: &Value) -> Value {
    let [analyst, supervisor] = ["analyst", "supervisor"].map(|p| centre.person(p));
    approve(&supervisor, &propose(&analyst, content))
}

fn of(bulletin: &Value) -> impl Fn(&Value) -> bool {
    let id = bulletin["notice"].clone();
    move |n: &Value| n["notice"]["id"] == id
}

/// How many notices of this bulletin came to a stream.
fn got(events: &mut Events, bulletin: &Value) -> Vec<Value> {
    events.heartbeat();
    let is = of(bulletin);
    events.seen.iter().filter(|e| e.name == "notice" && is(&e.data)).map(|e| e.data.clone()).collect()
}

#[test]
fn a_bulletin_goes_out_only_by_a_second_person_and_to_exactly_those_whom_its_rules_mean() {
    let mut centre = Centre::start();
    let mut at: Vec<Events> = Scene::PEOPLE.iter().map(|p| centre.events(p)).collect();
    let [analyst, watch, supervisor, auditor, agent] =
        ["analyst", "watch2", "supervisor", "auditor", "agent-a1"].map(|p| centre.person(p));

    // Whom it would go to, before anybody is told.
    let content = content("Explosives on drones");
    let seen = analyst.post("/api/v1/bulletins/preview", &json!({"content": content})).ok(200);
    assert_eq!((&seen["people"], &seen["unreachable"], &seen["not_releasable"]), (&json!(5), &json!(0), &json!(0)));
    assert_eq!(seen["rules"], json!([{"rule": "unit", "people": 3}, {"rule": "agency", "people": 2}]));
    assert_eq!(seen["agencies"][1], json!({"id": "south", "name": "Agency South", "people": 2}));

    // The analyst may write and not issue; the same request again is the same bulletin.
    let body = json!({"id": id(), "content": content});
    let proposed = analyst.post("/api/v1/bulletins", &body).ok(201);
    assert_eq!(analyst.post("/api/v1/bulletins", &body).ok(201)["notice"], body["id"]);
    let mut other = body.clone();
    other["content"]["title"] = json!("Other");
    analyst.post("/api/v1/bulletins", &other).problem(409, "id_reused");
    assert_eq!((text(&proposed, "/step"), text(&proposed, "/waiting/by_name")), ("proposed", "ANALYST"));
    assert_eq!(
        proposed["may"],
        json!({"edit": false, "submit": false, "comment": true, "send_back": false, "approve": false,
            "break_glass": false, "correct": false, "withdraw": true, "recall": false})
    );
    act(&analyst, &proposed, "approvals", json!({"read": proposed["waiting"]["at"]})).problem(403, "forbidden");
    // Whoever watches is told that it waits; nobody has it.
    let told = at[1].wait("the proposal", |e| e.name == "bulletin").data;
    assert_eq!((&told["notice"], &told["may"]["approve"]), (&proposed["notice"], &json!(true)));
    let told = at[4].wait("the proposal, to the auditor", |e| e.name == "bulletin").data;
    assert_eq!(told["may"]["approve"], false, "what one may is each reader's own");
    assert!(at.iter_mut().all(|e| got(e, &proposed).is_empty()), "nobody has what nobody approved");
    // Those who work outside know nothing of it.
    agent.get("/api/v1/bulletins").problem(403, "forbidden");
    assert_eq!(at[8].count("bulletin"), 0);
    assert_eq!(items(&auditor.see("/api/v1/bulletins")).len(), 1);

    let issued = approve(&watch, &proposed);
    assert_eq!((text(&issued, "/step"), &issued["version"]), ("issued", &json!(1)));
    assert_eq!(
        (text(&issued, "/issued_by_name"), text(&issued, "/approved_by_name"), &issued["waiting"]),
        ("ANALYST", "WATCH2", &Value::Null)
    );
    act(&supervisor, &proposed, "approvals", json!({"read": proposed["waiting"]["at"]})).problem(409, "nothing_waits");
    // Exactly those: unit a by its unit, south by its agency. The centre sees it, and is not on its list.
    let meant = ["lead-a", "agent-a1", "agent-a2", "lead-b", "agent-b1"];
    for e in &mut at {
        if meant.contains(&e.person.as_str()) {
            let n = e.notice("the bulletin", |n| of(&issued)(n) && n["mine"] == true);
            assert_eq!((text(&n, "/notice/kind"), text(&n, "/notice/title")), ("bulletin", "Explosives on drones"));
            assert_eq!((&n["owes"], &n["notice"]["approved_by"]), (&json!(true), &json!("watch2")), "{}", e.person);
        } else {
            let wrong: Vec<Value> = got(e, &issued).into_iter().filter(|n| n["mine"] == true).collect();
            assert!(wrong.is_empty(), "{}: {wrong:?}", e.person);
        }
    }
    let board = supervisor.see(&format!("/api/v1/notices/{}/board", text(&issued, "/notice")));
    assert_eq!((&board["counts"]["recipients"], text(&board, "/notice/title")), (&json!(5), "Explosives on drones"));

    // All of it stands in the record, and the engines make the same of it again.
    centre.terminate();
    let verified = centre.verify(&["--recompute"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn its_author_approves_nothing_nor_does_anybody_what_they_did_not_read_and_glass_that_is_broken_is_seen() {
    let mut centre = Centre::start();
    let [watch, watch2, supervisor] = ["watch", "watch2", "supervisor"].map(|p| centre.person(p));
    let mut at_agent = centre.events("agent-a1");
    let one = propose(&watch, &content("One"));
    assert_eq!(one["may"]["approve"], false, "its author");
    act(&watch, &one, "approvals", json!({"read": one["waiting"]["at"]})).problem(409, "second_person");
    act(&watch2, &one, "approvals", json!({"read": time_text(0.0)})).problem(409, "changed");
    let one = approve(&watch2, &one);

    // A correction waits while what is in force stays so; written again, the one before is not approved.
    let mut better = content("One, better");
    better["audience"] = json!([{"to": "unit", "unit": "a"}]);
    let first = act(&watch, &one, "corrections", json!({"content": better, "why": "a better title"})).ok(201);
    assert_eq!((text(&first, "/content/title"), text(&first, "/waiting/content/title")), ("One", "One, better"));
    // Whoever has not read that overwrites it no more than what they read of no version at all.
    let best = json!({"read": written_at(&one), "content": content("One, best"), "why": "best"});
    let problem = act(&watch2, &one, "corrections", best).problem(409, "changed");
    assert!(text(&problem, "/detail").contains("read it again"), "{problem}");
    let path = format!("/api/v1/bulletins/{}/corrections", text(&one, "/notice"));
    let blind = json!({"id": id(), "content": content("One, best"), "why": "best"});
    assert_eq!(watch2.post(&path, &blind).status, 422);
    assert_eq!(text(&supervisor.see(&path.replace("/corrections", "")), "/waiting/content/title"), "One, better");
    let best = json!({"read": written_at(&first), "content": content("One, best"), "why": "best"});
    let second = act(&watch2, &one, "corrections", best).ok(201);
    act(&supervisor, &first, "approvals", json!({"read": first["waiting"]["at"]})).problem(409, "changed");
    act(&watch2, &second, "approvals", json!({"read": second["waiting"]["at"]})).problem(409, "second_person");
    let two = approve(&supervisor, &second);
    assert_eq!((&two["version"], text(&two, "/content/title"), text(&two, "/why")), (&json!(2), "One, best", "best"));
    at_agent.notice("the correction", |n| of(&two)(n) && n["notice"]["version"] == 2);

    // Nothing that waits, or a reason that is none.
    act(&watch, &two, "withdrawals", json!({"why": "x"})).problem(409, "nothing_waits");
    let alone = propose(&watch, &content("Alone"));
    act(&watch, &alone, "break-glass", json!({"why": "  "})).problem(422, "why");
    act(&watch, &alone, "recalls", json!({"why": "x"})).problem(409, "not_in_force");
    let alone = act(&watch, &alone, "break-glass", json!({"why": "alone at the desk at 03:00"})).ok(200);
    assert_eq!(
        (text(&alone, "/break_glass"), &alone["approved_by"], text(&alone, "/step")),
        ("alone at the desk at 03:00", &Value::Null, "issued")
    );
    let n = at_agent.notice("what one issued alone", of(&alone));
    assert_eq!(text(&n, "/notice/break_glass"), "alone at the desk at 03:00", "everybody who gets it sees that");
    let gone = propose(&watch, &content("Gone"));
    let gone = act(&watch2, &gone, "withdrawals", json!({"why": "no need"})).ok(200);
    assert_eq!((text(&gone, "/step"), text(&gone, "/why")), ("withdrawn", "no need"));

    // What does not fit is refused in words, all of it at once.
    let mut bad = content("");
    bad["audience"] = json!([{"to": "unit", "unit": "zoo"}]);
    let said = watch.post("/api/v1/bulletins", &json!({"id": id(), "content": bad})).problem(422, "unfit");
    assert!(text(&said, "/detail").contains("title") && text(&said, "/detail").contains("'zoo'"), "{said}");
    watch.post("/api/v1/bulletins/preview", &json!({"content": bad})).problem(422, "unfit");
    let nobody = json!({"notice": "018f0000-0000-7000-8000-000000000000"});
    act(&watch, &nobody, "recalls", json!({"why": "x"})).problem(404, "not_found");
    // Those in force come before those that are over.
    let steps: Vec<String> =
        items(&watch.see("/api/v1/bulletins")).iter().map(|b| text(b, "/step").to_owned()).collect();
    assert_eq!(steps, ["issued", "issued", "withdrawn"]);
    let page = watch.see("/api/v1/bulletins?limit=2");
    let next = watch.see(&format!("/api/v1/bulletins?limit=2&cursor={}", text(&page, "/next")));
    assert_eq!((items(&page).len(), items(&next).len(), &next["next"]), (2, 1, &Value::Null));
    centre.terminate();
    let export = centre.export();
    let did = |what: &str| export.iter().filter(|e| e.to_string().contains(&format!("\"do\":\"{what}\""))).count();
    assert_eq!((did("break_glass"), did("approve"), did("correct")), (1, 2, 2));
}

#[test]
fn what_a_reader_may_not_see_of_a_bulletin_is_not_there_for_them() {
    let mut centre = Centre::start();
    let [watch, watch2, lead_b, lead_a] = ["watch", "watch2", "lead-b", "lead-a"].map(|p| centre.person(p));
    let mut at_lead_b = centre.events("lead-b");
    let mut at_agent_b = centre.events("agent-b1");
    let mut secret = content("Only for north");
    secret["marking"] = json!({"tlp": "TLP:AMBER", "owner": "north", "releasable_to": [], "named": []});
    // One counts whom it cannot be released to before it is issued.
    let seen = watch.post("/api/v1/bulletins/preview", &json!({"content": secret})).ok(200);
    assert_eq!((&seen["people"], &seen["not_releasable"]), (&json!(5), &json!(2)));
    let mut theirs = secret.clone();
    theirs["marking"]["owner"] = json!("south");
    let refused = watch.post("/api/v1/bulletins", &json!({"id": id(), "content": theirs})).problem(422, "invalid");
    assert!(text(&refused, "/detail").contains("could not see it yourself"), "{refused}");

    let b = approve(&watch2, &propose(&watch, &secret));
    let path = format!("/api/v1/bulletins/{}", text(&b, "/notice"));
    let board = format!("/api/v1/notices/{}/board", text(&b, "/notice"));
    assert_eq!(items(&lead_b.see("/api/v1/bulletins")).len(), 0);
    lead_b.get(&path).problem(404, "not_found");
    lead_b.get(&board).problem(404, "not_found");
    lead_b.get(&board.replace("board", "recipients")).problem(404, "not_found");
    act(&lead_b, &b, "recalls", json!({"why": "x"})).problem(404, "not_found");
    let call = json!({"id": id(), "person": "agent-b1", "status": "acknowledged"});
    lead_b.post(&format!("/api/v1/notices/{}/versions/1/calls", text(&b, "/notice")), &call).problem(404, "not_found");
    assert_eq!(text(&lead_a.see(&path), "/content/title"), "Only for north");
    // At each send, too: listed as not releasable, and nothing came.
    assert!(got(&mut at_lead_b, &b).is_empty() && got(&mut at_agent_b, &b).is_empty());
    assert_eq!(at_lead_b.count("bulletin"), 0);
    let rows = watch.see(&format!("/api/v1/notices/{}/recipients?agency=south", text(&b, "/notice")));
    let why: Vec<&str> = items(&rows).iter().map(|r| text(r, "/trouble")).collect();
    assert_eq!(why, ["not_releasable", "not_releasable"], "{rows}");

    // Released to south, and corrected under a stricter marking: to south nothing waits.
    let open = approve(&watch2, &propose(&watch, &content("For all")));
    let waits = act(&watch, &open, "corrections", json!({"content": secret, "why": "less"})).ok(201);
    let seen = lead_b.see(&format!("/api/v1/bulletins/{}", text(&open, "/notice")));
    assert_eq!(
        (&seen["waiting"], &seen["correction"], &seen["may"]["approve"]),
        (&Value::Null, &Value::Null, &json!(false))
    );
    act(&lead_b, &open, "approvals", json!({"read": waits["waiting"]["at"]})).problem(409, "nothing_waits");
    act(&lead_b, &open, "break-glass", json!({"why": "x"})).problem(409, "nothing_waits");
    // Nor do they overwrite what they cannot read.
    assert_eq!(seen["may"]["correct"], false);
    let over = act(&lead_b, &open, "corrections", json!({"content": content("Over it"), "why": "x"}));
    assert!(!over.problem(409, "changed").to_string().contains("Only for north"));
    assert_eq!(lead_a.see(&format!("/api/v1/bulletins/{}", text(&open, "/notice")))["waiting"], waits["waiting"]);
    let told = at_lead_b.wait("the one for all", |e| e.name == "bulletin" && e.data["notice"] == open["notice"]);
    assert!(!told.data.to_string().contains("Only for north"));
    at_lead_b.heartbeat();
    assert!(at_lead_b.seen.iter().all(|e| !e.data.to_string().contains("Only for north")), "nothing of it came");

    // The one for north corrected to one for all: south reads that, and no version from before.
    let wider = act(&watch, &b, "corrections", json!({"content": content("For all, too"), "why": "wider"})).ok(201);
    act(&watch2, &b, "approvals", json!({"read": wider["waiting"]["at"]})).ok(200);
    let notice = format!("/api/v1/notices/{}", text(&b, "/notice"));
    let versions = |reader: &crate::support::Client| -> Vec<Value> {
        items_of(&reader.see(&notice)["versions"]).iter().map(|v| v["version"].clone()).collect()
    };
    assert_eq!(versions(&lead_a), [json!(1), json!(2)]);
    assert_eq!(versions(&lead_b), [json!(2)]);
}

fn items_of(list: &Value) -> &[Value] {
    list.as_array().unwrap()
}

#[test]
fn who_may_not_see_places_learns_none_from_a_preview_and_who_may_stands_in_the_audit() {
    let mut centre = Centre::start();
    let [analyst, watch, auditor, agent] = ["analyst", "watch", "auditor", "agent-a1"].map(|p| centre.person(p));
    agent.post("/api/v1/positions", &crate::support::position(0.0, 0.0)).ok(201);
    let (lat, lon) = crate::support::at(0.0, 0.0);
    let mut near = content("Near");
    let circle = json!({"shape": "circle", "centre": {"lat_deg": lat, "lon_deg": lon}, "radius_m": 200.0});
    near["audience"] = json!([{"to": "in_area", "area": circle}]);
    let seen = watch.post("/api/v1/bulletins/preview", &json!({"content": near})).ok(200);
    assert_eq!((&seen["people"], text(&seen, "/sample/0/id")), (&json!(1), "agent-a1"));
    let rows = auditor.see("/api/v1/audit?about=agent-a1&deed=read_positions");
    let row = items(&rows).iter().find(|r| text(r, "/what").contains("bulletins/preview"));
    assert_eq!(row.map(|r| text(r, "/by/id")), Some("watch"), "{rows}");
    let seen = analyst.post("/api/v1/bulletins/preview", &json!({"content": near})).ok(200);
    assert_eq!((&seen["people"], &seen["sample"], &seen["left_out"]), (&json!(0), &json!([]), &json!(["in_area"])));
    // It is worked out all the same when it is issued.
    let b = approve(&watch, &propose(&analyst, &near));
    let board = watch.see(&format!("/api/v1/notices/{}/recipients", text(&b, "/notice")));
    assert_eq!((text(&board, "/items/0/person"), text(&board, "/items/0/rule")), ("agent-a1", "area"));
}

/// Fault 12: superseded while half delivered.
#[test]
fn a_correction_goes_to_whoever_had_the_old_version_and_the_others_get_only_the_new_one() {
    let mut centre = Centre::start();
    let watch = centre.person("watch");
    let mut had = centre.events("agent-a1");
    // Two ways to them: without a receipt of the page the old version goes over TAK, too.
    let mut at_watch = centre.events("watch");
    let mut client = centre.tak();
    let (lat, lon) = crate::support::at(0.0, 0.0);
    client.send(&tak::sa("TAK-agent-a1", "AGENT-A1", (lat, lon, 1_200.0)));
    at_watch.wait("both ways", |e| {
        e.name == "person" && e.data["id"] == "agent-a1" && e.data["channels_up"] == json!(["web", "tak"])
    });
    let one = issue(&mut centre, &content("One"));
    let version = |v: u64| format!("/api/v1/notices/{}/versions/{v}", text(&one, "/notice"));
    let n = had.notice("version 1", |n| of(&one)(n) && n["notice"]["version"] == 1);
    client.wait("version 1", |e| e.contains(text(&n, "/notice/code")));
    let agent = centre.person("agent-a1");
    agent.post(&format!("{}/receipts", version(1)), &json!({"id": id(), "shown": true})).ok(204);
    agent.post(&format!("{}/acknowledgements", version(1)), &json!({"id": id()})).ok(201);

    // Fewer people are meant now: whoever had it is told all the same.
    let mut better = content("Two");
    better["audience"] = json!([{"to": "agency", "agency": "south"}]);
    act(&watch, &one, "corrections", json!({"content": better, "why": "wrong place"})).ok(201);
    let two = centre.person("supervisor").see(&format!("/api/v1/bulletins/{}", text(&one, "/notice")));
    let two = approve(&centre.person("supervisor"), &two);
    let n = had.notice("version 2", |n| of(&two)(n) && n["notice"]["version"] == 2);
    assert_eq!((text(&n, "/notice/why"), &n["owes"], &n["acknowledged"]), ("wrong place", &json!(true), &json!(false)));
    // The page says at once that it shows it; TAK had the old version, and is corrected all the same.
    agent.post(&format!("{}/receipts", version(2)), &json!({"id": id(), "shown": true})).ok(204);
    client.wait("version 2", |e| e.contains(text(&n, "/notice/code")));
    // An acknowledgement is bound to its version.
    agent.post(&format!("{}/acknowledgements", version(1)), &json!({"id": id()})).problem(409, "superseded");
    agent.post(&format!("{}/acknowledgements", version(2)), &json!({"id": id()})).ok(201);
    // Who opens a page only now gets version 2 and never version 1.
    let mut late = centre.events("agent-b1");
    late.notice("version 2", |n| of(&two)(n) && n["notice"]["version"] == 2);
    assert!(got(&mut late, &one).iter().all(|n| n["notice"]["version"] == 2));
}

/// Fault 11: the recall overtakes the original.
#[test]
fn a_page_that_opens_after_the_recall_shows_it_recalled_and_asks_for_nothing() {
    let mut centre = Centre::start();
    let mut had = centre.events("agent-a1");
    let b = issue(&mut centre, &content("Wrong"));
    had.notice("the original", of(&b));
    let recalled = act(&centre.person("supervisor"), &b, "recalls", json!({"why": "it was a weather balloon"})).ok(200);
    assert_eq!((text(&recalled, "/step"), &recalled["version"]), ("recalled", &json!(2)));
    let n = had.notice("the recall", |n| of(&b)(n) && n["notice"]["state"] == "recalled");
    assert_eq!(text(&n, "/notice/text"), "This was wrong: no explosives were found.", "as prepared with it");
    assert_eq!((&n["owes"], &n["notice"]["needs_ack"]), (&json!(false), &json!(false)));

    // Somebody who was away never sees the original, in events or lists, and owes nothing.
    let away = centre.person("agent-a2");
    let mut late = centre.events("agent-a2");
    let n = late.notice("the tombstone", of(&b));
    assert_eq!((text(&n, "/notice/state"), &n["owes"]), ("recalled", &json!(false)));
    assert!(got(&mut late, &b).iter().all(|n| n["notice"]["state"] == "recalled"));
    assert_eq!(items(&away.see("/api/v1/notices?open=true")).len(), 0);
    // The old version cannot be acknowledged into life again, and nothing of it changes any more.
    let path = format!("/api/v1/notices/{}/versions/1/acknowledgements", text(&b, "/notice"));
    let answer = away.post(&path, &json!({"id": id()}));
    assert!([201, 409].contains(&answer.status), "{answer}");
    act(&centre.person("watch"), &b, "recalls", json!({"why": "again"})).problem(409, "over");
    act(&centre.person("watch"), &b, "corrections", json!({"content": content("x"), "why": "x"}))
        .problem(409, "not_in_force");
    // A restart brings nothing of it back.
    centre.kill();
    centre.start_again();
    let mut again = Events::open(&away);
    assert!(got(&mut again, &b).iter().all(|n| n["notice"]["state"] == "recalled"));
}

/// Fault 10: expired while it waited for somebody.
#[test]
fn what_expired_while_somebody_was_away_does_not_alarm_them() {
    let mut centre = Centre::start();
    let watch = centre.person("watch");
    let mut at_agent = centre.events("agent-a1");
    let mut soon = content("Soon over");
    soon["expires_at"] = json!(time_text(4.0));
    let b = issue(&mut centre, &soon);
    at_agent.notice("it", of(&b));
    let n = at_agent.notice("that its time is over", |n| of(&b)(n) && n["notice"]["state"] == "expired");
    assert_eq!((&n["owes"], &n["notice"]["needs_ack"]), (&json!(false), &json!(false)));
    assert_eq!(text(&watch.see(&format!("/api/v1/bulletins/{}", text(&b, "/notice"))), "/step"), "expired");
    let mut late = centre.events("agent-b1");
    let open = centre.person("agent-b1").see("/api/v1/notices?open=true");
    assert_eq!(items(&open).len(), 0);
    assert!(got(&mut late, &b).iter().all(|n| n["notice"]["state"] == "expired" && n["owes"] == false));
    // Whoever never had it is listed so.
    let rows = watch.see(&format!("/api/v1/notices/{}/recipients?unit=b", text(&b, "/notice")));
    assert!(items(&rows).iter().all(|r| r["acknowledged_at"].is_null() && r["owes"] == false), "{rows}");
    // What is over before it is approved is not issued.
    let mut brief = content("Too brief");
    brief["expires_at"] = json!(time_text(1.0));
    let brief = propose(&watch, &brief);
    let supervisor = centre.person("supervisor");
    until("its time to be over", SOON, || {
        let b = supervisor.see(&format!("/api/v1/bulletins/{}", text(&brief, "/notice")));
        (b["may"]["approve"] == false).then_some(())
    });
    act(&supervisor, &brief, "approvals", json!({"read": brief["waiting"]["at"]})).problem(409, "expired");
}

/// Fault 1, for a bulletin: killed between the approval and the sends.
#[test]
fn a_bulletin_that_was_approved_reaches_everybody_also_after_a_kill() {
    let mut centre = Centre::start();
    let people: Vec<Client> =
        ["lead-a", "agent-a1", "agent-a2", "lead-b", "agent-b1"].iter().map(|p| centre.person(p)).collect();
    let [analyst, watch] = ["analyst", "watch"].map(|p| centre.person(p));
    // Nobody's page is open: all of it still waits at the kill.
    let b = approve(&watch, &propose(&analyst, &content("Kept")));
    centre.kill();
    centre.start_again();
    let board = format!("/api/v1/notices/{}/board", text(&b, "/notice"));
    assert_eq!(watch.see(&board)["counts"]["queued"], 5);
    for person in &people {
        let mut at = Events::open(person);
        let n = at.notice("the bulletin", |n| of(&b)(n) && n["mine"] == true);
        assert_eq!(n["owes"], true, "{}", person.person);
        let done = format!("/api/v1/notices/{}/versions/1/acknowledgements", text(&b, "/notice"));
        person.post(&done, &json!({"id": id()})).ok(201);
    }
    let counts = &watch.see(&board)["counts"];
    assert_eq!((&counts["acknowledged"], &counts["owing"]), (&json!(5), &json!(0)), "{counts}");
    // Killed again: no acknowledgement is lost, nobody is asked again.
    centre.kill();
    centre.start_again();
    assert_eq!(watch.see(&board)["counts"]["acknowledged"], 5);
    let mut at = Events::open(&people[0]);
    assert!(got(&mut at, &b).iter().all(|n| n["owes"] == false));
}

#[test]
fn the_commands_do_the_same_acts_under_the_names_of_those_who_act() {
    let mut centre = Centre::start();
    let watch = centre.person("watch");
    let mut at_agent = centre.events("agent-a1");
    let file = centre.folder().join("bulletin.json");
    std::fs::write(&file, content("By command").to_string()).unwrap();
    let data = centre.data();
    let skypicket = |args: &[&str]| {
        let at = ["--data", data.to_str().unwrap()];
        let all: Vec<&str> = args.iter().copied().chain(at).collect();
        let out = run(&all);
        let said = String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap();
        (out.status.code().unwrap(), said)
    };
    let file = file.to_str().unwrap();
    let (status, said) = skypicket(&["bulletin", "propose", file]);
    assert!(status == 1 && said.contains("--as PERSON"), "{said}");
    let (status, said) = skypicket(&["bulletin", "preview", file, "--as", "analyst"]);
    assert!(status == 0 && said.contains("5 people; "), "{said}");
    let (status, said) = skypicket(&["bulletin", "propose", file, "--as", "analyst", "--json"]);
    assert_eq!(status, 0, "{said}");
    let proposed: Value = serde_json::from_str(&said).unwrap();
    let (bulletin, read) = (text(&proposed, "/notice"), text(&proposed, "/waiting/at"));
    let (status, said) = skypicket(&["bulletin", "show", bulletin]);
    assert!(status == 0 && said.contains("By command") && said.contains(read), "{said}");
    let (status, said) = skypicket(&["bulletin", "approve", bulletin, "--read", read, "--as", "analyst"]);
    assert!(status == 1 && said.contains("do not allow"), "{said}");
    let (status, said) = skypicket(&["bulletin", "approve", bulletin, "--read", read, "--as", "supervisor"]);
    assert!(status == 0 && said.starts_with("Issued "), "{said}");
    at_agent.notice("it", of(&proposed));
    let (_, said) = skypicket(&["bulletin", "list"]);
    assert!(said.contains("issued") && said.contains("ANALYST"), "{said}");
    let (_, said) = skypicket(&["notice", "list", "--open"]);
    assert!(said.contains(bulletin) && said.contains("By command"), "{said}");
    let (_, said) = skypicket(&["notice", "board", bulletin]);
    assert!(said.contains("Agency South") && said.contains("  Unit A"), "{said}");
    let call = ["notice", "call", bulletin, "agent-b1", "--status", "acknowledged", "--note", "by phone"];
    assert_eq!(skypicket(&call).0, 1, "nobody is named");
    let (status, said) = skypicket(&[&call[..], &["--as", "watch"]].concat());
    assert!(status == 0 && said.contains("WATCH called: they know"), "{said}");
    let (_, said) = skypicket(&["notice", "recipients", bulletin, "--state", "acknowledged"]);
    assert!(said.contains("agent-b1") && !said.contains("agent-a1"), "{said}");
    let (status, said) = skypicket(&["notice", "show", "018f0000-0000-7000-8000-000000000000"]);
    assert!(status == 1 && said.contains("there is no notice"), "{said}");
    let read = text(&watch.see(&format!("/api/v1/bulletins/{bulletin}")), "/at").to_owned();
    let (_, said) = skypicket(&["bulletin", "show", bulletin]);
    assert!(said.contains(&format!("correct it with --read {read}")), "{said}");
    let correct = ["bulletin", "correct", bulletin, file, "--read", &read, "--why", "again", "--as", "watch"];
    assert_eq!(skypicket(&correct).0, 0);
    assert_eq!(skypicket(&["bulletin", "withdraw", bulletin, "--why", "no", "--as", "watch"]).0, 0);
    let (status, said) = skypicket(&["bulletin", "recall", bulletin, "--why", "wrong", "--as", "watch2"]);
    assert!(status == 0 && said.starts_with("Recalled "), "{said}");
    at_agent.notice("the recall", |n| of(&proposed)(n) && n["notice"]["state"] == "recalled");
    let b = watch.see(&format!("/api/v1/bulletins/{bulletin}"));
    assert_eq!((text(&b, "/step"), text(&b, "/why"), &b["issued_by"]), ("recalled", "wrong", &json!("watch2")));
}

#[test]
fn whoever_asked_to_be_told_is_told_and_only_of_what_they_asked_for() {
    let mut centre = Centre::start();
    let [agent, admin, auditor] = ["agent-b1", "administrator", "auditor"].map(|p| centre.person(p));
    let put = |wish: &Value| {
        agent.send(
            "PUT",
            "/api/v1/me/subscriptions",
            &[("content-type", "application/json")],
            wish.to_string().as_bytes(),
        )
    };
    assert_eq!(agent.see("/api/v1/me/subscriptions"), json!({"items": []}));
    let (lat, lon) = crate::support::at(0.0, 0.0);
    let circle = json!({"shape": "circle", "centre": {"lat_deg": lat, "lon_deg": lon}, "radius_m": 5_000.0});
    let wish = json!({"items": [{"level": "caution", "area": circle}]});
    assert_eq!(put(&wish).ok(200), wish);
    assert_eq!(agent.see("/api/v1/me/subscriptions"), wish);
    let mut wide = wish.clone();
    wide["items"][0]["area"]["radius_m"] = json!(0.0);
    put(&wide).problem(422, "invalid");
    // Whoever keeps people sees what they asked for, and changing somebody keeps it.
    let entry = admin.see("/api/v1/directory/people/agent-b1");
    assert_eq!((&entry["subscriptions"], &entry["addresses"]), (&wish["items"], &json!({})));
    assert_eq!(auditor.see("/api/v1/directory/people/agent-b1").get("addresses"), None);
    let mut at_agent = centre.events("agent-b1");
    let mut there = content("There");
    there["audience"] = json!([{"to": "subscribers"}]);
    there["area"] = circle;
    let mut mild = there.clone();
    mild["level"] = json!("advisory");
    let (mild, there) = (issue(&mut centre, &mild), issue(&mut centre, &there));
    at_agent.notice("what they asked for", of(&there));
    assert!(got(&mut at_agent, &mild).is_empty(), "too mild");
    assert_eq!(put(&json!({"items": []})).ok(200), json!({"items": []}));
    let none = issue(&mut centre, &{
        let mut c = content("None");
        c["audience"] = json!([{"to": "subscribers"}]);
        c
    });
    let board = centre.person("watch").see(&format!("/api/v1/notices/{}/board", text(&none, "/notice")));
    assert_eq!(board["counts"]["recipients"], 0);
}

#[test]
fn a_device_signs_in_nowhere_and_addresses_are_seen_only_by_whoever_keeps_them_and_their_owner() {
    let mut centre = Centre::start();
    let [admin, auditor, agent] = ["administrator", "auditor", "agent-a1"].map(|p| centre.person(p));
    let siren = json!({"id": "siren", "name": "Siren", "unit": "a", "roles": ["device"], "channels": ["relay"],
        "addresses": {"relay": "north-siren"}});
    let mut person = admin.see("/api/v1/directory/people/agent-a1");
    person["addresses"] = json!({"mail": "a1@example.org", "sms": "+19155550123"});
    let keep = ["id", "name", "unit", "roles", "channels", "addresses", "tak_uid", "language"];
    let person: serde_json::Map<String, Value> = keep.iter().map(|k| ((*k).to_owned(), person[*k].clone())).collect();
    let changes = json!([{"change": "put_person", "person": siren}, {"change": "put_person", "person": person}]);
    admin.post("/api/v1/directory", &json!({"id": id(), "changes": changes})).ok(200);

    let link = json!({"id": id()});
    admin.post("/api/v1/people/siren/sign-in-links", &link).problem(409, "device");
    admin.post("/api/v1/people/siren/resets", &link).problem(409, "device");
    let unreachable = centre.person("watch").see("/api/v1/people?unreachable=true");
    assert!(items(&unreachable).iter().all(|p| p["id"] != "siren"), "nobody calls a siren: {unreachable}");
    let entry = admin.see("/api/v1/directory/people/siren");
    assert!(!text(&entry, "/why").contains("never seen"), "{entry}");
    let data = centre.data();
    let out = run(&["bulletin", "list", "--as", "siren", "--data", data.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(1), "nobody acts as a siren");

    assert_eq!(agent.see("/api/v1/me")["person"]["addresses"]["mail"], "a1@example.org");
    assert_eq!(admin.see("/api/v1/directory/people/agent-a1")["addresses"]["sms"], "+19155550123");
    let seen = |c: &Client, path: &str| c.get(path).text().contains("example.org");
    for path in ["/api/v1/directory/people", "/api/v1/directory/people/agent-a1", "/api/v1/directory.csv"] {
        assert!(seen(&admin, path) && !seen(&auditor, path), "{path}");
    }
    assert!(!seen(&centre.person("watch2"), "/api/v1/people"));
    assert!(!centre.log().contains("example.org"));
    // A change by command keeps them; an empty one takes one away.
    let user = |args: &[&str]| {
        let out = run(&[&["user"], args, &["--data", data.to_str().unwrap()]].concat());
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    user(&["change", "agent-a1", "--name", "North one", "--sms", "", "--webhook", "dispatch-desk"]);
    let entry = admin.see("/api/v1/directory/people/agent-a1");
    assert_eq!(entry["addresses"], json!({"mail": "a1@example.org", "webhook": "dispatch-desk"}));
    until("the change to be told", Duration::from_secs(5), || {
        (agent.see("/api/v1/me")["person"]["name"] == "North one").then_some(())
    });
}
