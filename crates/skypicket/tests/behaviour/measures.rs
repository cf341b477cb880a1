//! Protective measures on a bulletin's checklist: each person ticks their own, the board counts them, and the dissemination
//! log says what everybody was sent and did.

use super::bulletins::{act, approve, content, issue};
use crate::support::{Centre, Client, Events, SOON, Scene, id, items, run, text, until};
use serde_json::{Value, json};

/// The measures of the checklist below.
pub(crate) const MEASURES: [&str; 3] = ["body-armour", "first-aid-kit", "report-every-sighting"];

/// A bulletin with a checklist.
pub(crate) fn with_checklist(title: &str, measures: &[&str]) -> Value {
    let mut c = content(title);
    let measures: Vec<Value> = measures
        .iter()
        .map(|m| json!({"id": m, "text": {"en": format!("Do {m}."), "es": format!("Haga {m}.")}}))
        .collect();
    c["sheet"] = json!({
        "series": "OSA", "kind": {"en": "Officer Safety Alert", "es": "Alerta"}, "issuer": "Centre", "measures": measures,
        "report_to": {"en": "Your leader and the centre", "es": "Su jefe y el centro"},
    });
    c
}

/// Says what one has done; the answer.
pub(crate) fn tick(by: &Client, notice: &str, version: u32, done: &[&str]) -> crate::support::Answer {
    by.post(&format!("/api/v1/notices/{notice}/versions/{version}/measures"), &json!({"id": id(), "done": done}))
}

/// The dissemination log, line by line.
pub(crate) fn log(by: &Client, notice: &str) -> Vec<Value> {
    let answer = by.get(&format!("/api/v1/notices/{notice}/export?format=jsonl"));
    assert_eq!(answer.status, 200, "{answer}");
    answer.text().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn names(page: &Value) -> Vec<String> {
    items(page).iter().map(|r| text(r, "/person").to_owned()).collect()
}

#[test]
fn each_person_ticks_their_own_measures_and_the_board_counts_them_by_agency_unit_and_person() {
    let mut centre = Centre::start();
    let [watch, agent, other, lead_b] = ["watch", "agent-a1", "agent-a2", "lead-b"].map(|p| centre.person(p));
    let mut at_agent = centre.events("agent-a1");
    let b = issue(&mut centre, &with_checklist("Checked", &MEASURES));
    let notice = text(&b, "/notice").to_owned();
    let path = format!("/api/v1/notices/{notice}");
    let own = |n: &Value| {
        let of = |r: &&Value| r["person"] == "agent-a1";
        n["recipients"].as_array().unwrap().iter().find(of).map_or(Value::Null, |r| r["done"].clone())
    };
    let n = at_agent.notice("it", |n| n["notice"]["id"] == notice.as_str() && n["mine"] == true);
    assert_eq!((&own(&n), &n["notice"]["sheet"]["measures"][1]["id"]), (&json!([]), &json!("first-aid-kit")));
    assert_eq!((text(&n, "/issued_by_name"), text(&n, "/approved_by_name")), ("ANALYST", "SUPERVISOR"));

    // Before the acknowledgement, the whole list each time; the same again is the same answer, and no acknowledgement.
    let body = json!({"id": id(), "done": ["first-aid-kit", "body-armour"]});
    let first = agent.post(&format!("{path}/versions/1/measures"), &body);
    assert_eq!(first.ok(200)["done"], json!(["body-armour", "first-aid-kit"]));
    assert_eq!(agent.post(&format!("{path}/versions/1/measures"), &body).ok(200), first.json());
    let n = at_agent.notice("what they ticked", |n| own(n) == json!(["body-armour", "first-aid-kit"]));
    assert_eq!((&n["owes"], &n["acknowledged"]), (&json!(true), &json!(false)));
    tick(&other, &notice, 1, &["first-aid-kit"]).ok(200);
    for (person, done) in [(&agent, true), (&lead_b, false)] {
        let acks = format!("{path}/versions/1/acknowledgements");
        person.post(&acks, &json!({"id": id()})).ok(201);
        let seen = person.see(&path);
        assert_eq!(seen["acknowledged"], true);
        let row = seen["recipients"].as_array().unwrap().iter().find(|r| r["person"] == person.person.as_str());
        assert_eq!(row.unwrap()["done"].as_array().unwrap().len(), if done { 2 } else { 0 });
    }

    let board = watch.see(&format!("{path}/board"));
    let done: Vec<(&str, u64)> =
        board["measures"].as_array().unwrap().iter().map(|m| (text(m, "/id"), m["done"].as_u64().unwrap())).collect();
    assert_eq!(done, [("body-armour", 1), ("first-aid-kit", 2), ("report-every-sighting", 0)]);
    assert_eq!(text(&board, "/measures/1/text/es"), "Haga first-aid-kit.");
    let part = |at: &str| board.pointer(at).cloned().unwrap();
    assert_eq!(part("/agencies/0/done/first-aid-kit"), 2);
    assert_eq!(part("/agencies/0/units/0/done/body-armour"), 1);
    assert_eq!(part("/agencies/1/done/first-aid-kit"), 0);
    let of = |query: &str| names(&watch.see(&format!("{path}/recipients?{query}")));
    assert_eq!(of("state=acknowledged&not_done=first-aid-kit"), ["lead-b"], "acknowledged, kit not checked");
    assert_eq!(of("done=first-aid-kit"), ["agent-a2", "agent-a1"], "who still owes comes first");
    assert_eq!(of("done=first-aid-kit&not_done=body-armour"), ["agent-a2"]);
    watch.get(&format!("{path}/recipients?not_done=zoo")).problem(422, "invalid");
    let row = watch.see(&format!("{path}/recipients?q=agent-a1"));
    assert_eq!(row["items"][0]["done"], json!(["body-armour", "first-aid-kit"]));

    // What nobody may tick.
    tick(&agent, &notice, 1, &["zoo"]).problem(422, "unknown_measure");
    tick(&agent, &notice, 2, &[]).problem(404, "unknown_version");
    tick(&watch, &notice, 1, &[]).problem(404, "not_found");
    let many: Vec<String> = (0..33).map(|n| format!("m{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    tick(&agent, &notice, 1, &many).problem(422, "invalid");
    assert_eq!(agent.get(&format!("{path}/export?format=jsonl")).status, 403);

    // A correction keeps what is on its checklist too; a recall keeps it for the record and takes no more.
    let two = with_checklist("Checked again", &["first-aid-kit", "take-cover"]);
    let analyst = centre.person("analyst");
    let waits = act(&analyst, &b, "corrections", json!({"content": two, "why": "cover"})).ok(201);
    approve(&watch, &waits);
    at_agent.notice("version 2", |n| n["notice"]["version"] == 2 && own(n) == json!(["first-aid-kit"]));
    tick(&agent, &notice, 2, &["first-aid-kit", "take-cover"]).ok(200);
    // A phone that was away says what it had done of version 1.
    tick(&agent, &notice, 1, &["body-armour"]).ok(200);
    let board = watch.see(&format!("{path}/board"));
    let done: Vec<u64> = board["measures"].as_array().unwrap().iter().map(|m| m["done"].as_u64().unwrap()).collect();
    assert_eq!(done, [1, 1], "agent-a2's kit, agent-a1's cover: {board}");
    centre.kill();
    centre.start_again();
    assert_eq!(watch.see(&format!("{path}/board"))["measures"], board["measures"]);
    act(&watch, &b, "recalls", json!({"why": "enough"})).ok(200);
    tick(&agent, &notice, 2, &["first-aid-kit"]).problem(409, "over");
    assert_eq!(watch.see(&format!("{path}/board"))["measures"], board["measures"]);
    centre.terminate();
    let verified = centre.verify(&["--recompute"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn the_dissemination_log_says_who_got_which_version_over_what_and_what_they_did_and_who_asked_for_it() {
    let mut centre = Centre::start();
    let [watch, agent, lead_b, auditor] = ["watch", "agent-a1", "lead-b", "auditor"].map(|p| centre.person(p));
    let mut at_agent = centre.events("agent-a1");
    let mut secret = with_checklist("=Log", &MEASURES);
    secret["marking"] = json!({"tlp": "TLP:AMBER", "owner": "north", "releasable_to": [], "named": []});
    let b = issue(&mut centre, &secret);
    let notice = text(&b, "/notice").to_owned();
    at_agent.notice("it", |n| n["notice"]["id"] == notice.as_str() && n["mine"] == true);
    let path = format!("/api/v1/notices/{notice}");
    let shown = json!({"id": id(), "shown": true});
    agent.post(&format!("{path}/versions/1/receipts"), &shown).ok(204);
    agent.post(&format!("{path}/versions/1/acknowledgements"), &json!({"id": id()})).ok(201);
    tick(&agent, &notice, 1, &["first-aid-kit"]).ok(200);
    let call = json!({"id": id(), "person": "agent-a2", "status": "acknowledged"});
    watch.post(&format!("{path}/versions/1/calls"), &call).ok(201);

    // Who may not see the notice, or works outside, has no log of it.
    lead_b.get(&format!("{path}/export?format=csv")).problem(404, "not_found");
    assert_eq!(auditor.get(&format!("{path}/export?format=xml")).status, 400);
    auditor.get("/api/v1/notices/018f0000-0000-7000-8000-000000000000/export?format=csv").problem(404, "not_found");

    let lines = log(&auditor, &notice);
    let (head, rows, end) = (&lines[0], &lines[1..lines.len() - 1], &lines[lines.len() - 1]);
    assert_eq!((text(head, "/type"), text(head, "/exported_by")), ("notice", "auditor"));
    assert_eq!((head["number"].as_str(), text(head, "/marking/tlp")), (b["number"].as_str(), "TLP:AMBER"));
    let of = |person: &str| rows.iter().find(|r| r["person"] == person).unwrap();
    let first = of("agent-a1");
    assert_eq!(
        (&first["rule"], &first["reached"], &first["measures"]),
        (&json!("unit"), &json!("shown"), &json!(["first-aid-kit"]))
    );
    let d = &first["deliveries"][0];
    assert_eq!((&d["channel"], &d["attempts"], &d["trouble"]), (&json!("web"), &json!(1), &Value::Null));
    assert!(["first_at", "last_at", "delivered_at", "shown_at"].iter().all(|k| d[*k].is_string()), "{d}");
    assert!(first["acknowledged_at"].is_string() && first["measures_at"].is_string());
    let called = of("agent-a2");
    assert_eq!(
        (text(called, "/acknowledged_by"), text(called, "/acknowledged_via"), text(called, "/call/by")),
        ("watch", "voice", "watch")
    );
    let not_released = of("agent-b1");
    assert_eq!(
        (text(not_released, "/deliveries/0/trouble"), &not_released["deliveries"][0]["attempts"]),
        ("not_releasable", &json!(0))
    );
    assert_eq!((text(end, "/type"), &end["recipients"]), ("summary", &json!(rows.len())));
    assert_eq!(end["versions"][0]["acknowledged"], 2);
    assert_eq!(end["versions"][0]["measures"]["first-aid-kit"], 1);

    // For a spreadsheet: nothing in it is a formula.
    let csv = auditor.get(&format!("{path}/export?format=csv"));
    assert!(csv.header("content-disposition").unwrap().contains(".csv"), "{csv}");
    let csv = csv.text();
    assert_eq!(csv.lines().count(), rows.len() + 1);
    assert!(
        csv.lines()
            .next()
            .unwrap()
            .ends_with("measure:body-armour,measure:first-aid-kit,measure:report-every-sighting")
    );
    assert!(csv.contains(",no,yes,no"), "{csv}");
    let audit = auditor.see("/api/v1/audit?person=auditor&deed=read");
    let asked: Vec<&str> = items(&audit).iter().map(|r| text(r, "/what")).filter(|w| w.contains("export?")).collect();
    assert_eq!(asked, [format!("GET {path}/export?format=csv"), format!("GET {path}/export?format=jsonl")]);

    // The same by command.
    let (data, file) = (centre.data(), centre.folder().join("log.csv"));
    let at = ["--data", data.to_str().unwrap()];
    let out = run(&[&["notice", "export", &notice][..], &at].concat());
    let said = String::from_utf8(out.stdout).unwrap();
    assert_eq!(said.lines().count(), lines.len(), "{said}");
    let to = ["notice", "export", &notice, "--format", "csv", "--to", file.to_str().unwrap()];
    assert!(run(&[&to[..], &at].concat()).status.success());
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), rows.len() + 1);
    let out = run(&[&["notice", "board", &notice][..], &at].concat());
    assert!(String::from_utf8(out.stdout).unwrap().contains("1 of 5 have done first-aid-kit: Do first-aid-kit."));
    let out =
        run(&[&["notice", "recipients", &notice, "--not-done", "first-aid-kit", "--state", "acknowledged"][..], &at]
            .concat());
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(said.contains("agent-a2") && !said.contains("agent-a1"), "{said}");
}

#[test]
fn what_was_ticked_is_still_known_when_dispatch_has_forgotten_the_notice() {
    let times = "[policy.dispatch.bulletin]\nretention_s = 60.0\n";
    let mut centre = Centre::start_with(Scene::new().and(times), &["--test-clock-offset-file", "/dev/null"]);
    drop(centre.person("watch"));
    centre.terminate();
    let offset = centre.folder().join("offset");
    std::fs::write(&offset, "0").unwrap();
    centre.set_flags(&["--test-clock-offset-file", offset.to_str().unwrap()]);
    centre.start_again();
    let [watch, agent, other] = ["watch", "agent-a1", "agent-a2"].map(|p| centre.person(p));
    let mut at_agent = Events::open(&agent);
    let b = issue(&mut centre, &with_checklist("Forgotten", &MEASURES));
    let notice = text(&b, "/notice").to_owned();
    at_agent.notice("it", |n| n["notice"]["id"] == notice.as_str() && n["mine"] == true);
    tick(&agent, &notice, 1, &["body-armour", "first-aid-kit"]).ok(200);
    tick(&other, &notice, 1, &["body-armour"]).ok(200);
    let two = with_checklist("Forgotten soon", &["first-aid-kit", "take-cover"]);
    let waits = act(&centre.person("analyst"), &b, "corrections", json!({"content": two, "why": "cover"})).ok(201);
    approve(&watch, &waits);
    tick(&other, &notice, 2, &["take-cover"]).ok(200);
    agent.post(&format!("/api/v1/notices/{notice}/versions/2/acknowledgements"), &json!({"id": id()})).ok(201);
    act(&watch, &b, "recalls", json!({"why": "over"})).ok(200);
    let path = format!("/api/v1/notices/{notice}");
    let live = watch.see(&format!("{path}/board"));
    assert!(live["next"].is_object(), "{live}");
    std::fs::write(&offset, "7200").unwrap();
    let past = until("dispatch to forget it", SOON * 3, || {
        let b = watch.see(&format!("{path}/board"));
        b["next"].is_null().then_some(b)
    });
    assert_eq!(live["measures"], past["measures"]);
    for k in 0..2 {
        for key in ["/done", "/units/0/done", "/counts/acknowledged"] {
            let at = format!("/agencies/{k}{key}");
            assert_eq!(live.pointer(&at), past.pointer(&at), "{at}");
        }
    }
    assert_eq!(past["measures"][0]["done"], 1, "{past}");
    assert_eq!(names(&watch.see(&format!("{path}/recipients?done=take-cover"))), ["agent-a2"]);
    let own = agent.see(&path);
    let row = own["recipients"].as_array().unwrap().iter().find(|r| r["person"] == "agent-a1").unwrap();
    assert_eq!(row["done"], json!(["first-aid-kit"]));
}
