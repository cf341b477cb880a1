//! Intelligence reports with the real program: filed, graded, vetted by another, refused, hidden, reviewed and purged.

use crate::support::{Answer, Centre, Client, Events, id, items, run, text, time_text};
use serde_json::{Value, json};

const DAY_S: f64 = 86_400.0;

/// What an analyst files.
pub(crate) fn content(title: &str) -> Value {
    json!({
        "title": title, "text": "Two quadcopters stood over the yard.", "about": ["drone"],
        "provenance": {
            "kind": "officer", "obtained": "observed", "at": time_text(-60.0), "source": "patrol North 3", "lawful": true,
        },
        "grade": {"reliability": "B", "credibility": 3},
        "review_by": time_text(30.0 * DAY_S), "purge_by": time_text(80.0 * DAY_S),
    })
}

fn only_north() -> Value {
    json!({"tlp": "TLP:AMBER+STRICT", "owner": "north", "releasable_to": [], "named": []})
}

/// Files it; the answer.
pub(crate) fn file(by: &Client, content: &Value) -> Value {
    by.post("/api/v1/intelligence", &json!({"id": id(), "content": content})).ok(201)
}

fn path(report: &Value) -> String {
    format!("/api/v1/intelligence/{}", text(report, "/report"))
}

/// An act about a report.
pub(crate) fn act(by: &Client, report: &Value, what: &str, mut body: Value) -> Answer {
    body["id"] = json!(id());
    by.post(&format!("{}/{what}", path(report)), &body)
}

fn titles(by: &Client, query: &str) -> Vec<String> {
    items(&by.see(&format!("/api/v1/intelligence{query}"))).iter().map(|r| text(r, "/title").to_owned()).collect()
}

#[test]
fn a_report_is_filed_graded_and_vetted_by_another_and_is_there_after_kill_9() {
    let mut centre = Centre::start();
    let [analyst, watch, supervisor, auditor] =
        ["analyst", "watch2", "supervisor", "auditor"].map(|p| centre.person(p));
    let mut at_watch = centre.events("watch2");
    let mut at_agent = centre.events("agent-a1");
    let mut at_administrator = centre.events("administrator");

    let body = json!({"id": id(), "content": content("Drones over the yard")});
    let filed = analyst.post("/api/v1/intelligence", &body).ok(201);
    // The same request again is the same report; another body under its id is another's business.
    assert_eq!(analyst.post("/api/v1/intelligence", &body).ok(201)["report"], body["id"]);
    let mut other = body.clone();
    other["content"]["text"] = json!("a word that nobody kept");
    analyst.post("/api/v1/intelligence", &other).problem(409, "id_reused");
    assert_eq!((text(&filed, "/step"), &filed["version"], text(&filed, "/sight")), ("raw", &json!(1), "whole"));
    assert_eq!(text(&filed, "/filed_by_agency"), "Agency North");
    assert_eq!(
        filed["may"],
        json!({
            "change": true, "vet": false, "approve_individual": false, "review": false, "ask_purge": true, "purge": false,
        })
    );
    let told = at_watch.wait("the report", |e| e.name == "intelligence").data;
    assert_eq!(told, json!({"report": filed["report"], "version": 1, "step": "raw", "gone": false}));

    // A grade is two judgements; each change of it stands with why.
    let mut better = filed["content"].clone();
    better["grade"] = json!({"reliability": "A", "credibility": 2});
    let change = |read: u32| json!({"read": read, "content": better, "why": "seen by a second camera"});
    act(&watch, &filed, "versions", change(2)).problem(409, "changed");
    let changed = act(&watch, &filed, "versions", change(1)).ok(201);
    let last = changed["history"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["grade_from"], &last["grade_to"], text(&last, "/why"), text(&last, "/by/name")),
        (
            &json!({"reliability": "B", "credibility": 3}),
            &json!({"reliability": "A", "credibility": 2}),
            "seen by a second camera",
            "WATCH2"
        )
    );
    let mut alone = better.clone();
    alone["grade"]["credibility"] = json!(1);
    let alone = json!({"read": 2, "content": alone, "why": "sure"});
    let refused = act(&watch, &filed, "versions", alone).problem(422, "not_independent");
    assert!(text(&refused, "/detail").contains("two linked reports"), "{refused}");

    act(&analyst, &filed, "vettings", json!({"read": 2})).problem(409, "second_person");
    act(&watch, &filed, "vettings", json!({"read": 2})).problem(403, "forbidden");
    act(&supervisor, &filed, "vettings", json!({"read": 1})).problem(409, "changed");
    let vetted = act(&supervisor, &filed, "vettings", json!({"read": 2})).ok(200);
    assert_eq!(text(&vetted, "/step"), "vetted");
    let later =
        json!({"review_by": time_text(200.0 * DAY_S), "purge_by": time_text(1_000.0 * DAY_S), "why": "goes on"});
    let reviewed = act(&supervisor, &filed, "reviews", later).ok(200);
    assert_eq!(reviewed["version"], 3);

    // What was sent to them by now has come.
    at_agent.heartbeat();
    at_administrator.heartbeat();
    // Killed right after the answer: a look at a report stands in the audit before it is answered.
    auditor.see(&path(&filed));
    centre.kill();
    centre.start_again();
    let again = analyst.see(&path(&filed));
    for field in ["version", "step", "content", "history", "filed_at"] {
        assert_eq!(again[field], reviewed[field], "{field}");
    }
    let rows = auditor.see("/api/v1/audit?deed=read_intelligence&person=auditor");
    assert_eq!(text(&rows, "/items/0/what"), format!("GET {}", path(&filed)));
    let told = |events: &Events| events.seen.iter().any(|e| e.name == "intelligence");
    assert!(told(&at_watch) && !told(&at_agent) && !told(&at_administrator), "neither may know of it");
    centre.terminate();
    let verified = centre.verify(&["--recompute"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let export = centre.export();
    assert!(export.iter().any(|e| e.to_string().contains("\"do\":\"vet\"")));
    assert!(!export.iter().any(|e| e.to_string().contains("a word that nobody kept")), "no purge would find it");
}

#[test]
fn what_28_cfr_23_20_forbids_is_refused_with_its_paragraph() {
    let mut centre = Centre::start();
    let analyst = centre.person("analyst");
    let mut somebody = content("x");
    somebody["individual"] = json!({"text": "drives a red van", "basis": "", "approver": "supervisor"});
    let with = |pointer: &str, value: Value| {
        let mut c = content("x");
        *c.pointer_mut(pointer).unwrap() = value;
        c
    };
    for (content, code, cites) in [
        (somebody, "no_basis", "28 CFR 23.20(a)"),
        (with("/about", json!(["views"])), "views", "28 CFR 23.20(b)"),
        (with("/provenance/lawful", json!(false)), "not_lawful", "28 CFR 23.20(d)"),
        (with("/purge_by", json!(time_text(1_830.0 * DAY_S))), "kept_too_long", "28 CFR 23.20(h)"),
        (with("/review_by", json!(time_text(85.0 * DAY_S))), "bad_dates", "28 CFR 23.20(h)"),
        (with("/purge_by", json!(time_text(100.0 * DAY_S))), "tips_time", "90 days"),
        (with("/title", json!("")), "unfit", "title"),
    ] {
        let said = analyst.post("/api/v1/intelligence", &json!({"id": id(), "content": content})).problem(422, code);
        assert!(text(&said, "/detail").contains(cites), "{code}: {said}");
    }
    // A half grade is none, and a field that nobody knows is refused.
    let half = with("/grade", json!({"reliability": "B"}));
    analyst.post("/api/v1/intelligence", &json!({"id": id(), "content": half})).problem(422, "invalid");
    let mut ungraded = content("Ungraded");
    ungraded.as_object_mut().unwrap().remove("grade");
    assert_eq!(file(&analyst, &ungraded)["content"]["grade"], json!({"reliability": "F", "credibility": 6}));
}

#[test]
fn what_is_said_about_an_individual_is_hidden_until_it_is_approved_and_markings_hold_on_every_way_out() {
    let mut centre = Centre::start();
    let [analyst, watch, supervisor, lead_b, auditor] =
        ["analyst", "watch2", "supervisor", "lead-b", "auditor"].map(|p| centre.person(p));
    let mut at_lead_b = centre.events("lead-b");
    let mut somebody = content("A van near the yard");
    somebody["individual"] =
        json!({"text": "The pilot drives a red van.", "basis": "Seen loading a charge.", "approver": "supervisor"});
    let filed = file(&analyst, &somebody);
    let knows = |by: &Client| by.get(&path(&filed)).text().contains("red van");
    assert!(knows(&analyst) && knows(&supervisor) && !knows(&watch) && !knows(&auditor) && !knows(&lead_b));
    let hidden = watch.see(&path(&filed));
    assert_eq!(
        (text(&hidden, "/individual"), text(&hidden, "/individual_approver/id"), &hidden["content"]["individual"]),
        ("waits", "supervisor", &Value::Null)
    );
    act(&lead_b, &filed, "vettings", json!({"read": 1})).problem(409, "individual_waits");
    act(&lead_b, &filed, "individual-approvals", json!({"read": 1})).problem(403, "forbidden");
    act(&supervisor, &filed, "individual-approvals", json!({"read": 1})).ok(200);
    assert!(knows(&watch) && knows(&auditor));

    // Marked for north alone: to south it is gone, on every way.
    at_lead_b.wait("the report", |e| e.name == "intelligence" && e.data["gone"] == false);
    let mut narrow = somebody.clone();
    narrow["marking"] = only_north();
    narrow["title"] = json!("For north");
    act(&analyst, &filed, "versions", json!({"read": 1, "content": narrow, "why": "less"})).ok(201);
    let told = at_lead_b.wait("that it is gone", |e| e.name == "intelligence" && e.data["gone"] == true).data;
    assert_eq!(told, json!({"report": filed["report"], "version": null, "step": null, "gone": true}));
    lead_b.get(&path(&filed)).problem(404, "not_found");
    act(&lead_b, &filed, "purge-requests", json!({"why": "x"})).problem(404, "not_found");
    assert!(titles(&lead_b, "").is_empty());
    // Nor does a report that rests on it tell of it, and none may be marked wider.
    let mut resting = content("It rests on that");
    resting["links"] = json!([{"to": "report", "id": filed["report"]}]);
    analyst.post("/api/v1/intelligence", &json!({"id": id(), "content": resting})).problem(422, "marking_wider");
    lead_b.post("/api/v1/intelligence", &json!({"id": id(), "content": resting})).problem(422, "unfit");
    resting["marking"] = only_north();
    let resting = file(&analyst, &resting);
    assert_eq!(text(&resting, "/links/0/title"), "For north");
    assert_eq!(text(&watch.see(&path(&filed)), "/linked_by/0/title"), "It rests on that");
    let mut south = content("For south");
    south["marking"] = json!({"tlp": "TLP:AMBER+STRICT", "owner": "south", "releasable_to": [], "named": []});
    analyst.post("/api/v1/intelligence", &json!({"id": id(), "content": south})).problem(422, "unfit");
    let south = file(&lead_b, &south);
    analyst.get(&path(&south)).problem(404, "not_found");
    at_lead_b.heartbeat();
    assert!(at_lead_b.seen.iter().all(|e| !e.data.to_string().contains("For north")));
}

#[test]
fn a_purge_takes_a_second_person_and_leaves_a_tombstone() {
    let mut centre = Centre::start();
    let [analyst, watch, supervisor, auditor, admin] =
        ["analyst", "watch2", "supervisor", "auditor", "administrator"].map(|p| centre.person(p));
    for title in ["One", "Two", "Three"] {
        file(&analyst, &content(title));
    }
    let mut soon = content("It was a kite");
    soon["review_by"] = json!(time_text(1.0));
    let filed = file(&analyst, &soon);
    // Pages, newest first; and the queues.
    let page = watch.see("/api/v1/intelligence?limit=3");
    let rest = watch.see(&format!("/api/v1/intelligence?limit=3&cursor={}", text(&page, "/next")));
    let of = |page: &Value| items(page).iter().map(|r| text(r, "/title").to_owned()).collect::<Vec<_>>();
    assert_eq!((of(&page).join(" "), of(&rest).join(" ")), ("It was a kite Three Two".into(), "One".into()));
    assert_eq!(rest["next"], Value::Null);
    watch.get("/api/v1/intelligence?cursor=no").problem(422, "invalid");
    crate::support::until("the review to be due", crate::support::SOON, || {
        (titles(&supervisor, "?due=review") == ["It was a kite"]).then_some(())
    });
    assert!(titles(&admin, "").is_empty(), "an administrator reads nothing that does not wait for a purge");
    admin.get(&path(&filed)).problem(404, "not_found");

    act(&auditor, &filed, "purges", json!({"why": "x"})).problem(409, "not_asked");
    let mut at_admin = centre.events("administrator");
    act(&watch, &filed, "purge-requests", json!({"why": "not what it said"})).ok(200);
    act(&analyst, &filed, "purge-requests", json!({"why": "x"})).problem(409, "already_asked");
    at_admin.wait("that it waits for a purge", |e| e.name == "intelligence" && e.data["gone"] == false);
    assert_eq!(titles(&admin, "?due=purge"), ["It was a kite"]);
    assert_eq!(admin.see(&path(&filed))["may"]["purge"], true);
    act(&watch, &filed, "purges", json!({"why": "x"})).problem(403, "forbidden");
    let purged = act(&auditor, &filed, "purges", json!({"why": "not needed"})).ok(200);
    assert_eq!(
        (text(&purged, "/sight"), text(&purged, "/step"), &purged["content"]),
        ("tombstone", "purged", &Value::Null)
    );
    assert_eq!(
        (
            text(&purged, "/tombstone/why"),
            text(&purged, "/tombstone/asked_by/id"),
            text(&purged, "/tombstone/approved_by/id")
        ),
        ("not needed", "watch2", "auditor")
    );
    assert_eq!(text(&purged, "/tombstone/sha256").len(), 64);
    analyst.get(&path(&filed)).problem(404, "not_found");
    assert!(titles(&auditor, "").iter().all(|t| t != "It was a kite"));
    assert_eq!(items(&auditor.see("/api/v1/intelligence?step=purged")).len(), 1);
    assert!(items(&analyst.see("/api/v1/intelligence?step=purged")).is_empty());
    centre.kill();
    centre.start_again();
    assert_eq!(auditor.see(&path(&filed))["tombstone"], purged["tombstone"]);
}

#[test]
fn a_row_says_since_when_it_is_due_and_what_of_it_waits_for_its_reader() {
    let mut centre = Centre::start();
    let [analyst, watch, supervisor, auditor] =
        ["analyst", "watch2", "supervisor", "auditor"].map(|p| centre.person(p));
    let row = |by: &Client| by.see("/api/v1/intelligence")["items"][0].clone();
    let asks = |by: &Client| row(by)["asks"].clone();
    let mut soon = content("It was a kite");
    soon["review_by"] = json!(time_text(1.0));
    soon["individual"] = json!({"text": "A red van.", "basis": "Seen loading a charge.", "approver": "supervisor"});
    let filed = file(&analyst, &soon);
    assert_eq!(
        [asks(&supervisor), asks(&analyst), asks(&watch)],
        [json!("approve_individual"), json!(null), json!(null)]
    );
    act(&supervisor, &filed, "individual-approvals", json!({"read": 1})).ok(200);
    assert_eq!([asks(&supervisor), asks(&analyst), asks(&watch)], [json!("vet"), json!(null), json!(null)]);
    act(&supervisor, &filed, "vettings", json!({"read": 1})).ok(200);
    let due = crate::support::until("the review to be due", crate::support::SOON, || {
        Some(row(&analyst)).filter(|r| r["due"] == "review")
    });
    assert_eq!((&due["asks"], &due["due_since"]), (&json!("review"), &filed["content"]["review_by"]));
    assert_eq!(asks(&watch), json!(null), "the watch reviews nothing");
    let asked = act(&watch, &filed, "purge-requests", json!({"why": "not what it said"})).ok(200);
    let going = row(&auditor);
    assert_eq!((&going["asks"], &going["due_since"]), (&json!("purge"), &asked["purge_request"]["at"]));
    assert_eq!(
        [asks(&supervisor), asks(&analyst)],
        [json!(null), json!(null)],
        "what goes is nobody else's to look at"
    );

    // What can be named: never oneself as approver.
    let approvers = |by: &Client| -> Vec<String> {
        let choices = by.see("/api/v1/intelligence/choices");
        assert!(choices["agencies"].as_array().unwrap().iter().any(|a| a["name"] == "Agency North"), "{choices}");
        choices["approvers"].as_array().unwrap().iter().map(|p| text(p, "/id").to_owned()).collect()
    };
    assert!(approvers(&analyst).iter().any(|p| p == "supervisor"));
    assert!(!approvers(&supervisor).iter().any(|p| p == "supervisor"));
    assert!(!approvers(&analyst).iter().any(|p| p == "watch2"));
}

#[test]
fn the_commands_do_the_same_under_the_names_of_those_who_act() {
    let mut centre = Centre::start();
    let analyst = centre.person("analyst");
    let path_of = centre.folder().join("report.json");
    let mut told = content("By command");
    std::fs::write(&path_of, told.to_string()).unwrap();
    let file = path_of.to_str().unwrap();
    let data = centre.data();
    let skypicket = |args: &[&str]| {
        let at = ["--data", data.to_str().unwrap()];
        let all: Vec<&str> = ["intelligence"].iter().chain(args).copied().chain(at).collect();
        let out = run(&all);
        let said = String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap();
        (out.status.code().unwrap(), said)
    };
    let (status, said) = skypicket(&["file", file]);
    assert!(status == 1 && said.contains("--as PERSON"), "{said}");
    let (status, said) = skypicket(&["file", file, "--as", "analyst", "--json"]);
    assert_eq!(status, 0, "{said}");
    let filed: Value = serde_json::from_str(&said).unwrap();
    let report = text(&filed, "/report");
    told["grade"] = json!({"reliability": "C", "credibility": 2});
    std::fs::write(&path_of, told.to_string()).unwrap();
    let (status, said) = skypicket(&["change", report, file, "--read", "1", "--why", "read again", "--as", "analyst"]);
    assert!(status == 0 && said.starts_with("Changed "), "{said}");
    let (status, said) = skypicket(&["vet", report, "--read", "2", "--as", "analyst"]);
    assert!(status == 1 && said.contains("did not write"), "{said}");
    let (status, said) = skypicket(&["vet", report, "--read", "2", "--as", "supervisor"]);
    assert!(status == 0 && said.starts_with("Vetted "), "{said}");
    let (review, purge) = (time_text(100.0 * DAY_S), time_text(400.0 * DAY_S));
    let dates = ["--review-by", &review, "--purge-by", &purge];
    let (status, said) =
        skypicket(&[&["review", report], &dates[..], &["--why", "goes on", "--as", "supervisor"]].concat());
    assert!(status == 0 && said.starts_with("Reviewed "), "{said}");
    let (_, said) = skypicket(&["list", "--step", "vetted"]);
    assert!(said.contains("By command") && said.contains("C2"), "{said}");
    let (_, said) = skypicket(&["show", report]);
    assert!(said.contains("B3 to C2: read again") && said.contains("patrol North 3"), "{said}");
    assert_eq!(skypicket(&["ask-purge", report, "--why", "done", "--as", "watch2"]).0, 0);
    let (_, said) = skypicket(&["list", "--due", "purge"]);
    assert!(said.contains("By command"), "{said}");
    let (status, said) = skypicket(&["purge", report, "--why", "done", "--as", "auditor"]);
    assert!(status == 0 && said.starts_with("Purged "), "{said}");
    let (status, said) = skypicket(&["show", report, "--as", "auditor"]);
    assert!(status == 0 && said.contains("sha256") && !said.contains("patrol North 3"), "{said}");
    let (status, said) = skypicket(&["show", report]);
    assert!(status == 1 && said.contains("there is no report"), "{said}");
    analyst.get(&format!("/api/v1/intelligence/{report}")).problem(404, "not_found");
}
