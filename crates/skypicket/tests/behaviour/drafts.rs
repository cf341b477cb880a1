//! Drafts of bulletins over HTTP and by command: several write, comment, submit and send back; what it rests on is shown
//! only to whom it opens.

use crate::{
    bulletins::{act, approve, content, propose},
    intelligence,
    support::{Centre, Client, Scene, centre::signal, id, items, run, text},
};
use serde_json::{Value, json};

/// What a bulletin says, with the fields of an Officer Safety Alert.
pub(crate) fn sheet(title: &str, rests_on: &Value, release_why: &str) -> Value {
    let mut c = content(title);
    c["sheet"] = json!({
        "template": "osa@1", "series": "OSA", "kind": {"en": "Officer Safety Alert"}, "issuer": "Sector centre",
        "known": [{"text": {"en": "One was seen."}, "grade": {"reliability": "B", "credibility": 2}}],
        "not_known": [{"en": "Where it came from."}], "measures": [{"id": "cover", "text": {"en": "Take cover."}}],
        "report_to": {"en": "Your leader and the centre."}, "rests_on": rests_on, "release_why": release_why,
    });
    c
}

/// Keeps a draft; the answer.
pub(crate) fn draft(by: &Client, content: &Value) -> Value {
    by.post("/api/v1/bulletins", &json!({"id": id(), "content": content, "draft": true})).ok(201)
}

fn one(by: &Client, b: &Value) -> Value {
    by.see(&format!("/api/v1/bulletins/{}", text(b, "/notice")))
}

#[test]
fn a_draft_is_written_by_several_commented_sent_back_submitted_and_issued_by_who_wrote_none_of_it() {
    let mut centre = Centre::start();
    let [analyst, watch, supervisor, auditor] = ["analyst", "watch", "supervisor", "auditor"].map(|p| centre.person(p));
    let mut at_agent = centre.events("agent-a1");
    let mut at_watch = centre.events("watch");
    // It may be unfinished; nobody outside the centre learns of it.
    let empty =
        json!({"title": "", "text": "", "level": "caution", "audience": [], "expires_at": content("x")["expires_at"]});
    let b = draft(&analyst, &empty);
    assert_eq!((text(&b, "/step"), &b["waiting"], &b["version"]), ("draft", &Value::Null, &json!(0)));
    assert_eq!(
        (&b["may"]["edit"], &b["may"]["submit"], &b["may"]["withdraw"], &b["may"]["recall"]),
        (&json!(true), &json!(true), &json!(true), &json!(false))
    );
    at_watch.wait("the draft", |e| e.name == "bulletin" && e.data["notice"] == b["notice"]);
    assert_eq!(one(&auditor, &b)["may"]["comment"], false);
    act(&analyst, &b, "submissions", json!({"read": b["proposed_at"]})).problem(422, "unfit");
    // Another writes on at it; who has not read that overwrites nothing.
    let written = json!({"read": b["proposed_at"], "content": sheet("Drones", &json!([]), "")});
    let second = act(&watch, &b, "drafts", written.clone()).ok(200);
    assert_eq!(second["authors"], json!(["analyst", "watch"]));
    assert_eq!(second["names"]["watch"], "WATCH");
    act(&analyst, &b, "drafts", written).problem(409, "changed");
    act(&analyst, &b, "submissions", json!({"read": b["proposed_at"]})).problem(409, "changed");
    // A comment leaves what was read as it is.
    let said = act(&supervisor, &b, "comments", json!({"text": "Say which road."})).ok(201);
    assert_eq!((text(&said, "/comments/0/by"), text(&said, "/names/supervisor")), ("supervisor", "SUPERVISOR"));
    let waits = act(&analyst, &b, "submissions", json!({"read": second["proposed_at"]})).ok(200);
    assert_eq!((text(&waits, "/step"), text(&waits, "/waiting/by")), ("proposed", "analyst"));
    let of = |c: &Client| one(c, &b)["may"]["approve"].clone();
    assert_eq!((of(&watch), of(&supervisor)), (json!(false), json!(true)), "who wrote at it may not");
    act(&watch, &b, "approvals", json!({"read": waits["waiting"]["at"]})).problem(409, "second_person");
    let back = act(&supervisor, &b, "returns", json!({"why": "no road is named"})).ok(200);
    assert_eq!((text(&back, "/step"), &back["comments"][1]["returned"]), ("draft", &json!(true)));
    let again = json!({"read": back["proposed_at"], "content": sheet("Drones at Route 9", &json!([]), "")});
    let again = act(&analyst, &b, "drafts", again).ok(200);
    let waits = act(&watch, &b, "submissions", json!({"read": again["proposed_at"]})).ok(200);
    let issued = approve(&supervisor, &waits);
    let number = text(&issued, "/number").to_owned();
    assert!(number.contains("OSA-") && number.ends_with("-0001"), "{number}");
    let n = at_agent.notice("the bulletin", |n| n["notice"]["id"] == b["notice"]);
    assert_eq!((text(&n, "/notice/number"), text(&n, "/notice/title")), (number.as_str(), "Drones at Route 9"));
    assert_eq!(text(&n, "/notice/sheet/known/0/grade/reliability"), "B");
    assert!(!n.to_string().contains("which road"), "what was said at the centre stays there: {n}");
    // A draft comes before what is in force, and behind what waits.
    let kept = draft(&watch, &sheet("Kept", &json!([]), ""));
    let waits = propose(&watch, &content("Waits"));
    let order: Vec<Value> = items(&watch.see("/api/v1/bulletins")).iter().map(|b| b["notice"].clone()).collect();
    assert_eq!(order, [waits["notice"].clone(), kept["notice"].clone(), b["notice"].clone()]);
    centre.terminate();
    let verified = centre.verify(&["--recompute"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn what_a_bulletin_rests_on_is_counted_and_not_shown_to_whom_it_does_not_open_and_is_not_lost_when_they_write_on() {
    let mut centre = Centre::start();
    let [watch, watch2, supervisor, lead_b, auditor] =
        ["watch", "watch2", "supervisor", "lead-b", "auditor"].map(|p| centre.person(p));
    let mut secret = content("Only for north");
    secret["marking"] = json!({"tlp": "TLP:AMBER", "owner": "north", "releasable_to": [], "named": []});
    let secret = approve(&watch2, &propose(&watch, &secret));
    let link = json!({"to": "notice", "id": secret["notice"]});

    let b = draft(&watch, &sheet("For all", &json!([link]), ""));
    assert_eq!(b["content"]["sheet"]["rests_on"], json!([link]));
    assert_eq!((text(&b, "/basis/items/0/title"), &b["basis"]["hidden"]), ("Only for north", &json!(0)));
    assert_eq!((&b["basis"]["wider"], text(&b, "/basis/marking/tlp")), (&json!(true), "TLP:AMBER"));
    act(&watch, &b, "submissions", json!({"read": b["proposed_at"]})).problem(422, "unfit");

    // To south it is one that they may not see; they cannot name it either.
    let seen = one(&lead_b, &b);
    assert_eq!((&seen["basis"]["items"], &seen["basis"]["hidden"]), (&json!([]), &json!(1)));
    assert_eq!((&seen["content"]["sheet"]["rests_on"], &seen["basis"]["wider"]), (&json!([]), &json!(true)));
    let whole = seen.to_string();
    assert!(!whole.contains("Only for north") && !whole.contains(text(&secret, "/notice")), "{whole}");
    let refused = json!({"id": id(), "draft": true, "content": sheet("x", &json!([link]), "")});
    lead_b.post("/api/v1/bulletins", &refused).problem(422, "unfit");
    // They write on at what they see: nothing is taken off.
    let mine = json!({"read": seen["proposed_at"], "content": sheet("For all, better", &json!([]), "")});
    let after = act(&lead_b, &b, "drafts", mine).ok(200);
    assert_eq!(after["basis"]["hidden"], 1);
    let after = one(&watch, &b);
    assert_eq!(after["content"]["sheet"]["rests_on"], json!([link]));

    // Released with a reason, by a second person only, and that stands in the audit.
    let why = sheet("For all, better", &json!([link]), "the source agreed");
    let after = act(&watch, &b, "drafts", json!({"read": after["proposed_at"], "content": why})).ok(200);
    let waits = act(&watch, &b, "submissions", json!({"read": after["proposed_at"]})).ok(200);
    assert_eq!(waits["may"]["break_glass"], false);
    act(&supervisor, &b, "break-glass", json!({"why": "x"})).problem(409, "second_person");
    assert_eq!(text(&one(&supervisor, &b), "/waiting/content/sheet/release_why"), "the source agreed");
    approve(&supervisor, &waits);
    let alone = propose(&watch, &content("Alone"));
    act(&watch, &alone, "break-glass", json!({"why": "alone at night"})).ok(200);
    for (deed, by, what) in [("release_widened", "supervisor", &b), ("glass_broken", "watch", &alone)] {
        let row = items(&auditor.see(&format!("/api/v1/audit?deed={deed}")))[0].clone();
        assert_eq!(text(&row, "/by/id"), by);
        assert!(text(&row, "/what").contains(text(what, "/notice")), "{row}");
    }
}

#[test]
fn who_approves_without_seeing_all_that_it_rests_on_is_told_how_much_says_so_and_it_stands_there() {
    let mut centre = Centre::start();
    let [watch, watch2, lead_b, auditor] = ["watch", "watch2", "lead-b", "auditor"].map(|p| centre.person(p));
    let mut secret = content("Only for north");
    secret["marking"] = json!({"tlp": "TLP:AMBER", "owner": "north", "releasable_to": [], "named": []});
    let secret = approve(&watch2, &propose(&watch, &secret));
    let link = json!([{"to": "notice", "id": secret["notice"]}]);
    let waits = propose(&watch, &sheet("For all", &link, "the source agreed"));

    let seen = one(&lead_b, &waits);
    assert_eq!((&seen["may"]["approve"], &seen["basis"]["hidden"]), (&json!(true), &json!(1)));
    assert_eq!(text(&seen, "/basis/hidden_marking/tlp"), "TLP:AMBER");
    let approval = |unseen: Value, marking: &Value| {
        let mut body = json!({"read": seen["waiting"]["at"], "unseen_marking": marking});
        if unseen.is_number() {
            body["unseen"] = unseen;
        }
        act(&lead_b, &waits, "approvals", body)
    };
    let shown = seen["basis"]["hidden_marking"].clone();
    // Too few; or not how it is marked, or something freer.
    let green = json!({"tlp": "TLP:GREEN"});
    for (unseen, marking) in [(Value::Null, &shown), (json!(0), &shown), (json!(1), &Value::Null), (json!(1), &green)] {
        let problem = approval(unseen, marking).problem(409, "unseen");
        let said = text(&problem, "/detail").to_owned();
        assert!(said.contains("one thing") && said.contains("TLP:AMBER") && !said.contains("Only for"), "{said}");
    }
    assert_eq!(one(&watch, &waits)["step"], "proposed", "nothing went out");
    // Marked more strictly since they were shown it: they read again.
    let mut strict = content("Only for north");
    strict["marking"] = json!({"tlp": "TLP:AMBER+STRICT", "owner": "north", "releasable_to": [], "named": []});
    let body = json!({"content": strict, "why": "w"});
    approve(&watch2, &act(&watch, &secret, "corrections", body).ok(201));
    approval(json!(1), &shown).problem(409, "unseen");
    let again = one(&lead_b, &waits)["basis"]["hidden_marking"].clone();
    assert_eq!(again["tlp"], "TLP:AMBER+STRICT");
    let how = run(&["bulletin", "show", text(&waits, "/notice"), "--data", centre.data().to_str().unwrap()]);
    let how = String::from_utf8(how.stdout).unwrap();
    assert!(!how.contains("--unseen"), "the watch sees all of it: {how}");
    let issued = approval(json!(1), &again).ok(200);
    assert_eq!((text(&issued, "/approved_by"), &issued["unseen"]["count"]), ("lead-b", &json!(1)));
    assert_eq!(text(&issued, "/unseen/marking/tlp"), "TLP:AMBER+STRICT");
    let row = items(&auditor.see("/api/v1/audit?deed=approved_unseen"))[0].clone();
    assert_eq!(text(&row, "/by/id"), "lead-b");
    let what = text(&row, "/what");
    assert!(what.contains(text(&waits, "/notice")) && what.contains("1 of") && what.contains("TLP:AMBER"), "{what}");
    let shown = run(&["bulletin", "show", text(&waits, "/notice"), "--data", centre.data().to_str().unwrap()]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("1 of what it rests on, TLP:AMBER+STRICT at the strictest"), "{shown}");

    // Corrected, and approved by somebody who sees all of it, also after a crash: the new version says nothing of it.
    centre.kill();
    centre.start_again();
    assert_eq!(one(&watch, &waits)["unseen"], issued["unseen"]);
    let waits =
        act(&watch, &waits, "corrections", json!({"content": sheet("For all, too", &link, "agreed"), "why": "w"}));
    let two = approve(&watch2, &waits.ok(201));
    assert_eq!((&two["version"], &two["unseen"]), (&json!(2), &Value::Null));
    centre.terminate();
    let verified = centre.verify(&["--recompute"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

#[test]
fn that_somebody_issued_with_less_than_the_usual_care_is_on_the_disk_before_they_are_answered() {
    let mut centre = Centre::start_with(Scene::new(), &["--test-commit-delay-ms", "500"]);
    // Quick for the beginning.
    signal(centre.pid(), "USR1");
    let [watch, watch2, lead_b] = ["watch", "watch2", "lead-b"].map(|p| centre.person(p));
    let mut secret = content("Only for north");
    secret["marking"] = json!({"tlp": "TLP:AMBER", "owner": "north", "releasable_to": [], "named": []});
    let secret = approve(&watch2, &propose(&watch, &secret));
    let link = json!([{"to": "notice", "id": secret["notice"]}]);
    let wide = propose(&watch, &sheet("For all", &link, "the source agreed"));
    let mut closed = sheet("Alone", &link, "");
    closed["marking"] = secret["content"]["marking"].clone();
    let alone = propose(&watch, &closed);
    let seen = one(&lead_b, &wide);
    signal(centre.pid(), "USR1");
    let body = json!({"read": seen["waiting"]["at"], "unseen": 1, "unseen_marking": seen["basis"]["hidden_marking"]});
    act(&lead_b, &wide, "approvals", body).ok(200);
    act(&watch, &alone, "break-glass", json!({"why": "alone at night"})).ok(200);
    // The machine stops in that moment.
    centre.kill();
    centre.set_flags(&[]);
    centre.start_again();
    let auditor = centre.person("auditor");
    for (deed, what) in [("release_widened", &wide), ("approved_unseen", &wide), ("glass_broken", &alone)] {
        let rows = auditor.see(&format!("/api/v1/audit?deed={deed}"));
        let [row] = items(&rows) else { panic!("{deed}: {rows}") };
        assert!(text(row, "/what").contains(text(what, "/notice")), "{row}");
    }
}

#[test]
fn a_correction_that_was_sent_back_can_be_withdrawn_by_who_may_not_see_it() {
    let mut centre = Centre::start();
    let [watch, watch2, lead_b] = ["watch", "watch2", "lead-b"].map(|p| centre.person(p));
    let b = approve(&watch2, &propose(&watch, &content("For all")));
    let mut secret = content("Only for north");
    secret["marking"] = json!({"tlp": "TLP:AMBER", "owner": "north", "releasable_to": [], "named": []});
    act(&watch, &b, "corrections", json!({"content": secret, "why": "w"})).ok(201);
    let may = || one(&lead_b, &b)["may"].clone();
    assert_eq!((&may()["correct"], &may()["withdraw"]), (&json!(false), &json!(false)), "it waits for others");
    act(&watch2, &b, "returns", json!({"why": "no"})).ok(200);
    assert_eq!((&may()["correct"], &may()["withdraw"]), (&json!(false), &json!(true)));
    let after = act(&lead_b, &b, "withdrawals", json!({"why": "its author is gone"})).ok(200);
    assert_eq!((text(&after, "/step"), &after["may"]["correct"]), ("issued", &json!(true)));
    assert!(!after.to_string().contains("Only for north"));
}

#[test]
fn a_report_that_is_gone_is_counted_by_itself_and_approved_without_more_ado() {
    let mut centre = Centre::start();
    let [analyst, watch, supervisor, auditor] = ["analyst", "watch", "supervisor", "auditor"].map(|p| centre.person(p));
    let report = intelligence::file(&analyst, &intelligence::content("A kite"));
    let link = json!([{"to": "report", "id": report["report"]}]);
    let waits = propose(&watch, &sheet("For all", &link, ""));
    assert_eq!((&waits["basis"]["gone"], &waits["basis"]["hidden"]), (&json!(0), &json!(0)));
    intelligence::act(&watch, &report, "purge-requests", json!({"why": "not so"})).ok(200);
    intelligence::act(&auditor, &report, "purges", json!({"why": "not needed"})).ok(200);
    let seen = one(&supervisor, &waits);
    assert_eq!((&seen["basis"]["gone"], &seen["basis"]["hidden"]), (&json!(1), &json!(0)));
    assert!(!seen.to_string().contains(text(&report, "/report")), "{seen}");
    let issued = approve(&supervisor, &seen);
    assert_eq!(issued["unseen"], Value::Null);
    assert!(items(&auditor.see("/api/v1/audit?deed=approved_unseen")).is_empty());
    // Corrected by somebody who writes what they see: it is left out.
    let body = json!({"content": sheet("For all, too", &json!([]), ""), "why": "w"});
    let waits = act(&watch, &issued, "corrections", body).ok(201);
    assert_eq!(waits["basis"]["gone"], 0);
}

#[test]
fn drafts_are_kept_commented_submitted_and_sent_back_by_command_too() {
    let mut centre = Centre::start();
    let watch = centre.person("watch");
    let file = centre.folder().join("draft.json");
    std::fs::write(&file, sheet("By command", &json!([]), "").to_string()).unwrap();
    let (data, file) = (centre.data(), file.to_str().unwrap().to_owned());
    let bulletin = |args: &[&str]| {
        let out = run(&[&["bulletin"], args, &["--data", data.to_str().unwrap()]].concat());
        let said = String::from_utf8(out.stdout).unwrap() + &String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(0), "{args:?}: {said}");
        said
    };
    let kept: Value = serde_json::from_str(&bulletin(&["draft-save", &file, "--as", "analyst", "--json"])).unwrap();
    let b = text(&kept, "/notice");
    let shown = bulletin(&["show", b]);
    assert!(shown.contains(&format!("--read {}", text(&kept, "/proposed_at"))), "{shown}");
    let save = ["draft-save", &file, "--id", b, "--read", text(&kept, "/proposed_at"), "--as", "watch"];
    assert!(bulletin(&save).starts_with("Kept draft "));
    assert!(bulletin(&["comment", b, "Which road?", "--as", "supervisor"]).starts_with("Commented on "));
    let read = text(&one(&watch, &kept), "/proposed_at").to_owned();
    assert!(bulletin(&["submit", b, "--read", &read, "--as", "analyst"]).starts_with("Submitted "));
    assert!(bulletin(&["return", b, "--why", "no road", "--as", "supervisor"]).starts_with("Sent back "));
    let shown = bulletin(&["show", b]);
    assert!(shown.contains("SUPERVISOR said") && shown.contains("SUPERVISOR sent it back"), "{shown}");
    assert_eq!(text(&one(&watch, &kept), "/step"), "draft");
}
