//! Search: each finds what they may see and nothing else; searches that are kept tell of what is new; and a report that
//! people purged leaves the record, also when the centre was killed in between.

use crate::support::{Centre, Client, Events, Scene, id, items, run, sighting, text, until};
use serde_json::{Value, json};
use std::time::Duration;

/// A loaded machine has this long.
const LONG: Duration = Duration::from_mins(1);

fn said(words: &str) -> Value {
    let mut report = sighting(0.0, 0.0, 5.0, "to1000");
    report["words"] = json!(words);
    report
}

fn found(by: &Client, query: &str) -> Vec<String> {
    items(&by.see(&format!("/api/v1/search?{query}"))).iter().map(|h| text(h, "/id").to_owned()).collect()
}

fn keep(by: &Client, name: &str, q: &str) -> Value {
    by.post("/api/v1/searches", &json!({"id": id(), "name": name, "search": {"q": q}})).ok(201)
}

#[test]
fn each_finds_what_they_may_see_by_words_place_and_time_and_it_is_audited() {
    let mut centre = Centre::start();
    let [analyst, auditor, lead_a, lead_b, agent, other] =
        ["analyst", "auditor", "lead-a", "lead-b", "agent-a1", "agent-b1"].map(|p| centre.person(p));
    let (one, two) = (said("carrying a grey canister"), said("a canister, painted black"));
    agent.post("/api/v1/sightings", &one).ok(201);
    other.post("/api/v1/sightings", &two).ok(201);
    let mut content = super::bulletins::content("Canisters under drones");
    content["marking"] = json!({"tlp": "TLP:AMBER", "owner": "north"});
    let bulletin = super::bulletins::propose(&analyst, &content);
    let [one, two] = [&one, &two].map(|r| text(r, "/id"));
    let notice = text(&bulletin, "/notice");

    assert_eq!(found(&analyst, "q=canister"), [notice, two, one], "the newest first");
    assert_eq!(found(&auditor, "q=canister&kind=sighting"), [two, one]);
    assert_eq!(found(&lead_a, "q=canister"), [notice, one], "a supervisor finds their own people's");
    assert_eq!(found(&lead_b, "q=canister"), [two], "and what is released to their agency");
    agent.get("/api/v1/search?q=canister").problem(403, "forbidden");
    assert_eq!(found(&analyst, "q=canister%20-black&kind=sighting"), [one]);
    assert_eq!(found(&analyst, "q=%22grey%20canister%22"), [one]);
    assert_eq!(found(&analyst, "q=canister&kind=sighting&near=31.76,-106.49&within_m=100"), [two, one]);
    assert!(found(&analyst, "q=canister&near=31.86,-106.49&within_m=100").is_empty());
    assert!(found(&analyst, "q=canister&kind=sighting&until=2020-01-01T00:00:00Z").is_empty());
    // Pages.
    let first = analyst.see("/api/v1/search?q=canister&limit=2&order=best");
    let rest = analyst.see(&format!("/api/v1/search?q=canister&limit=2&order=best&cursor={}", text(&first, "/next")));
    assert_eq!((items(&first).len(), items(&rest).len(), &rest["next"]), (2, 1, &Value::Null));
    let hit = items(&first).iter().chain(items(&rest)).find(|h| h["id"] == *one).unwrap().clone();
    assert_eq!(
        (text(&hit, "/snippet"), &hit["snippet_hits"]),
        ("carrying a grey canister", &json!([{"from": 16, "to": 24}]))
    );
    assert_eq!((text(&hit, "/person"), text(&hit, "/person_name")), ("agent-a1", "AGENT-A1"));
    analyst.get("/api/v1/search?q=%3F").problem(422, "invalid");
    analyst.get("/api/v1/search?q=x&cursor=zz").problem(422, "invalid");

    // Where a reporter stood is in it: who looked stands in the record.
    let rows = auditor.see("/api/v1/audit?limit=500&deed=read_positions&person=analyst");
    let shown = |r: &Value| r["what"] == "GET /api/v1/search" && r["about"].to_string().contains("agent-a1");
    assert!(items(&rows).iter().any(shown), "{rows}");
    assert!(!rows.to_string().contains("canister"), "what was looked for is nobody's business");

    // The same by command.
    let data = centre.data();
    let out = run(&[
        "search".as_ref(),
        "canister".as_ref(),
        "--kind".as_ref(),
        "sighting".as_ref(),
        "--data".as_ref(),
        data.as_os_str(),
    ]);
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success() && said.lines().count() == 3 && said.contains("AGENT-A1: carrying a grey"), "{said}");
    let none = run(&["search".as_ref(), "nothing-like-it".as_ref(), "--data".as_ref(), data.as_os_str()]);
    assert!(String::from_utf8(none.stdout).unwrap().contains("Nothing that you may see fits."));
}

fn searches(by: &Client) -> Vec<Value> {
    items(&by.see("/api/v1/searches")).to_vec()
}

fn news(events: &Events, search: &Value) -> Vec<String> {
    let mine = events.seen.iter().filter(|e| e.name == "search" && e.data["search"] == search["id"]);
    mine.map(|e| text(&e.data, "/id").to_owned()).collect()
}

#[test]
fn a_search_that_is_kept_tells_its_owner_of_what_is_new_and_not_of_their_own() {
    let mut centre = Centre::start();
    let [analyst, watch, agent, lead_b] = ["analyst", "watch2", "agent-a1", "lead-b"].map(|p| centre.person(p));
    agent.post("/api/v1/sightings", &said("a canister, before")).ok(201);
    let kept = keep(&analyst, " Canisters ", "canister");
    assert_eq!((text(&kept, "/name"), &kept["unread"], &kept["notify"]), ("Canisters", &json!(0), &json!(true)));
    let theirs = keep(&watch, "Mine", "canister");
    let elsewhere = keep(&lead_b, "South", "canister");
    let path = |s: &Value, what: &str| format!("/api/v1/searches/{}{what}", text(s, "/id"));
    watch.get(&path(&kept, "/hits")).problem(404, "not_found");
    assert_eq!(watch.send("DELETE", &path(&kept, ""), &[], b"").status, 404, "another's");

    let mut at = ["analyst", "watch2", "lead-b"].map(|p| centre.events(p));
    let own = said("a canister, my own");
    watch.post("/api/v1/sightings", &own).ok(201);
    let new = said("a canister, after");
    agent.post("/api/v1/sightings", &new).ok(201);
    for (events, search) in at.iter_mut().zip([&kept, &theirs]) {
        let is = |e: &crate::support::Event| {
            e.name == "search" && e.data["search"] == search["id"] && e.data["id"] == new["id"]
        };
        let e = events.wait_for("the new sighting", LONG, is);
        assert_eq!((text(&e.data, "/kind"), &e.id), ("sighting", &None));
    }
    assert_eq!(news(&at[0], &kept), [text(&own, "/id"), text(&new, "/id")], "once each, and nothing from before");
    assert_eq!(news(&at[1], &theirs), [text(&new, "/id")], "not their own");
    assert!(news(&at[2], &elsewhere).is_empty(), "nor what they may not see");
    let unread = |by: &Client| searches(by).iter().map(|s| s["unread"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!((unread(&analyst), unread(&watch), unread(&lead_b)), (vec![2], vec![1], vec![0]));

    // It is kept, and so is what was read of it.
    let hits = analyst.see(&path(&kept, "/hits"));
    assert_eq!(items(&hits).len(), 3);
    // What is unread is what came since the entry that the search says was read.
    let read = |by: &Client| searches(by)[0]["read"].clone();
    let ids = |page: &Value| items(page).iter().map(|h| text(h, "/id").to_owned()).collect::<Vec<_>>();
    let unseen = analyst.see(&path(&kept, &format!("/hits?since={}", read(&analyst))));
    assert_eq!(ids(&unseen), [text(&new, "/id"), text(&own, "/id")]);
    assert_eq!(read(&analyst), kept["read"], "listing it is not reading it");
    analyst
        .send(
            "PUT",
            &path(&kept, "/read"),
            &[("content-type", "application/json")],
            json!({"head": hits["head"]}).to_string().as_bytes(),
        )
        .ok(200);
    assert_eq!(read(&analyst), hits["head"]);
    centre.kill();
    centre.start_again();
    assert_eq!((unread(&analyst), unread(&watch)), (vec![0], vec![1]));
    let since = |at: &Value| items(&analyst.see(&path(&kept, &format!("/hits?since={at}")))).len();
    assert_eq!(since(&hits["head"]), 0);
    let mut again = Events::open(&analyst);
    let last = said("one more canister");
    agent.post("/api/v1/sightings", &last).ok(201);
    again.wait_for("it tells after a start too", LONG, |e| e.name == "search" && e.data["id"] == last["id"]);
    assert_eq!((unread(&analyst), since(&hits["head"])), (vec![1], 1));

    // Changed, quiet, and dropped.
    let body = json!({"id": id(), "of": kept["id"], "name": "Quiet", "search": {"q": "thermite"}, "notify": false});
    let changed = analyst.post("/api/v1/searches", &body).ok(201);
    assert_eq!((&changed["id"], text(&changed, "/search/q"), searches(&analyst).len()), (&kept["id"], "thermite", 1));
    assert_eq!(analyst.send("DELETE", &path(&kept, ""), &[], b"").status, 204);
    assert!(searches(&analyst).is_empty());
    analyst.post("/api/v1/searches", &json!({"id": id(), "name": "x", "search": {"q": "?"}})).problem(422, "unfit");
    for n in 0..20 {
        keep(&analyst, &format!("{n}"), "x");
    }
    analyst.post("/api/v1/searches", &json!({"id": id(), "name": "x", "search": {}})).problem(409, "too_many");
}

/// Words that stand nowhere else.
const WORDS: &str = "ZANZIBARQUX";

fn holds(folder: &std::path::Path) -> bool {
    let files = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).filter(|p| p.is_file());
    let bytes: Vec<u8> = files.flat_map(|p| std::fs::read(p).unwrap()).collect();
    bytes.to_ascii_lowercase().windows(WORDS.len()).any(|w| w == WORDS.to_ascii_lowercase().as_bytes())
}

#[test]
fn a_report_is_found_and_once_two_people_purged_it_no_file_of_the_centre_holds_a_word_of_it() {
    let mut centre = Centre::start();
    let [analyst, watch, auditor, administrator] =
        ["analyst", "watch2", "auditor", "administrator"].map(|p| centre.person(p));
    let kept = keep(&watch, "It", "yard");
    let mut at_watch = centre.events("watch2");
    let mut content = super::intelligence::content(&format!("{WORDS} over the yard"));
    content["text"] = json!(format!("More of {WORDS} than can be said. ").repeat(60));
    let filed = super::intelligence::file(&analyst, &content);
    let report = text(&filed, "/report");
    let told = at_watch.wait_for("the report", LONG, |e| e.name == "search").data;
    assert_eq!((&told["search"], text(&told, "/kind"), text(&told, "/id")), (&kept["id"], "report", report));
    let mut changed = content.clone();
    changed["text"] = json!(format!("Only {WORDS}."));
    let change = json!({"read": 1, "content": changed, "why": format!("{WORDS} was too much")});
    super::intelligence::act(&analyst, &filed, "versions", change).ok(201);
    assert_eq!(found(&watch, &format!("q={WORDS}&kind=report&reliability=B&credibility=3")), [report]);
    assert!(found(&watch, &format!("q={WORDS}&reliability=A")).is_empty(), "graded B3");
    // A snippet is a look at it.
    let rows = auditor.see("/api/v1/audit?limit=500&person=watch2");
    let look = |r: &Value| r["what"] == "GET /api/v1/search" && r["deed"] == "read_intelligence";
    assert!(items(&rows).iter().any(look), "{rows}");
    // Whom its marking leaves out finds nothing.
    let mut red = super::intelligence::content("Only for north: thermite");
    red["marking"] = json!({"tlp": "TLP:AMBER", "owner": "north"});
    super::intelligence::file(&analyst, &red);
    assert_eq!((found(&watch, "q=thermite").len(), found(&centre.person("lead-b"), "q=thermite").len()), (1, 0));

    // A snapshot that holds it: the centre makes one when it ends and starts.
    centre.terminate();
    centre.start_again();
    assert!(holds(&centre.record()));
    let ask = json!({"why": format!("{WORDS} is over")});
    super::intelligence::act(&watch, &filed, "purge-requests", ask).ok(200);
    super::intelligence::act(&auditor, &filed, "purges", json!({"why": "no longer needed"})).ok(200);
    assert!(found(&watch, &format!("q={WORDS}")).is_empty(), "at once");
    let purge = until("the purge", LONG, || {
        let seen = administrator.see("/api/v1/upkeep");
        seen["purges"].as_array().unwrap().iter().find(|p| p["report"] == report).cloned()
    });
    assert!(purge["items"]["act"].as_u64() >= Some(3) && purge["items"]["desk"].as_u64() >= Some(3), "{purge}");
    assert!(!holds(&centre.record()), "a word of it is still in a file of the running centre");
    assert_eq!(text(&auditor.see(&format!("/api/v1/intelligence/{report}")), "/sight"), "tombstone");
    centre.terminate();
    let verified = centre.verify(&["--recompute"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    assert!(!holds(&centre.record()));
}

/// Puts a report into a record at rest, as it stands when the centre was killed after its purge was decided.
fn decided(folder: &std::path::Path) -> String {
    use skypicket_model::{Act, Body, DeskEvent, Entry, PersonId, ReportAct, ReportId, entry::ActEntry};
    use skypicket_record::{Options, Record, SqliteRecord};
    let report: ReportId = id().parse().unwrap();
    let now = crate::support::time_text(0.0);
    let content = json!({
        "title": WORDS, "text": format!("about {WORDS}"), "about": ["drone"],
        "provenance": {"kind": "officer", "obtained": "observed", "at": now, "source": "patrol", "lawful": true},
        "review_by": crate::support::time_text(1e6), "purge_by": crate::support::time_text(2e6),
    });
    let state = |content: Value, step: &str| {
        let state = json!({
            "id": report, "version": 1, "step": step, "content": content, "filed_by": "analyst", "filed_at": now,
            "history": [], "at": now,
            "tombstone": if step == "purged" {
                json!({"sha256": "00", "why": "w", "asked_by": "analyst", "approved_by": "auditor", "at": now})
            } else {
                Value::Null
            },
        });
        Body::Desk(DeskEvent::Intelligence { state: serde_json::from_value(state).unwrap() })
    };
    let act = |by: &str, act| {
        Body::Act(ActEntry {
            by: PersonId::new(by).unwrap(),
            via: "web".into(),
            request: None,
            act: Act::Intelligence(act),
        })
    };
    let file = ReportAct::File { report, content: serde_json::from_value(content.clone()).unwrap(), salt: "00".into() };
    let bodies = [
        act("analyst", file),
        state(content, "raw"),
        act("auditor", ReportAct::Purge { report, why: "w".into() }),
        state(Value::Null, "purged"),
    ];
    let record = SqliteRecord::open(folder, Options { reserve_bytes: 0, ..Options::default() }).unwrap();
    let (next, at) = (record.head().next, record.last_recorded_at().unwrap());
    let entries = (next..).zip(bodies).map(|(index, body)| Entry { index, recorded_at: at, cause: None, body });
    record.append(entries.collect()).wait().unwrap();
    report.to_string()
}

#[test]
fn a_report_whose_purge_was_decided_when_the_centre_was_killed_leaves_the_record_at_the_next_start() {
    let mut centre = Centre::start_with(Scene::new(), &[]);
    let administrator = centre.person("administrator");
    centre.kill();
    let report = decided(&centre.record());
    assert!(holds(&centre.record()));
    centre.start_again();
    let purge = until("the purge", LONG, || {
        let seen = administrator.see("/api/v1/upkeep");
        seen["purges"].as_array().unwrap().iter().find(|p| p["report"] == report.as_str()).cloned()
    });
    assert_eq!((&purge["items"]["act"], &purge["items"]["desk"], &purge["by"]), (&json!(1), &json!(1), &Value::Null));
    assert!(!holds(&centre.record()), "its words are still in a file of the running centre");
    // A second start finds nothing more to do, and everything verifies.
    centre.kill();
    centre.start_again();
    assert!(!holds(&centre.record()));
    let seen = administrator.see("/api/v1/upkeep");
    assert_eq!(seen["purges"].as_array().unwrap().len(), 1);
    centre.terminate();
    let verified = centre.verify(&[]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let tombstones = centre.export().iter().filter(|e| e["body"]["purged"] == true).count();
    assert!(tombstones >= 2, "{tombstones}");
}
