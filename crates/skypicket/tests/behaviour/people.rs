//! The directory: changed while the centre runs, in force at once, kept over restarts; rosters, CSV, commands.

use crate::support::{
    Centre, Events, Flight, SOON, Scene, id, items, position, run, sighting, tak, text, time_text, until,
};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    process::Output,
    time::{Duration, Instant},
};

fn put_person(person: &str, unit: &str, roles: &[&str]) -> Value {
    let named = json!({"id": person, "name": person.to_uppercase(), "unit": unit, "roles": roles});
    json!({"change": "put_person", "person": named})
}

fn put_unit(unit: &str, agency: &str, leadership: &[&str]) -> Value {
    let named = json!({"id": unit, "name": format!("Unit {unit}"), "agency": agency, "leadership": leadership});
    json!({"change": "put_unit", "unit": named})
}

fn changes(all: &[Value]) -> Value {
    json!({"id": id(), "changes": all})
}

/// The command line's answer from the running centre.
fn cli(centre: &Centre, args: &[&str]) -> (i32, String, String) {
    let data = centre.data();
    let mut all: Vec<&std::ffi::OsStr> = args.iter().map(std::ffi::OsStr::new).collect();
    all.extend(["--data".as_ref(), data.as_os_str()]);
    let Output { status, stdout, stderr } = run(&all);
    let words = |b: Vec<u8>| String::from_utf8(b).unwrap();
    (status.code().unwrap(), words(stdout), words(stderr))
}

fn recomputes(centre: &Centre) {
    let out = centre.verify(&["--recompute"]);
    assert!(out.status.success(), "{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
}

#[test]
fn changes_are_taken_all_or_none_once_and_kept_over_a_restart() {
    let mut centre = Centre::start();
    let admin = centre.person("administrator");
    let mut at_watch = centre.events("watch2");
    let good = put_person("agent-a3", "a", &["field"]);
    let bad = put_person("agent-a4", "nowhere", &["field"]);
    let refused = admin.post("/api/v1/directory", &changes(&[good.clone(), bad])).problem(409, "does_not_fit");
    assert!(text(&refused, "/detail").contains("person 'agent-a4' is in unit 'nowhere'"), "{refused}");
    admin.get("/api/v1/directory/people/agent-a3").problem(404, "not_found");
    for (change, says) in [
        (json!({"change": "remove_unit", "unit": "a"}), "in it 3 people (agent-a1, agent-a2, lead-a)"),
        (json!({"change": "remove_agency", "agency": "south"}), "it has unit 'b'"),
        (json!({"change": "remove_person", "person": "lead-a"}), "they lead unit 'a'"),
    ] {
        let refused = admin.post("/api/v1/directory", &changes(&[change])).problem(409, "does_not_fit");
        assert!(text(&refused, "/detail").contains(says), "{refused}");
    }
    // Nobody keeps the last administrator from being shut out but the rule.
    let shut = |person: &str| {
        let mut p = put_person(person, "centre", &["administrator"]);
        p["person"]["disabled"] = json!(true);
        p
    };
    let both = changes(&[shut("administrator"), shut("watch")]);
    let refused = admin.post("/api/v1/directory", &both).problem(409, "does_not_fit");
    assert!(text(&refused, "/detail").contains("last administrator"), "{refused}");

    let body = changes(&[good]);
    let first = admin.post("/api/v1/directory", &body).ok(200);
    assert_eq!(admin.post("/api/v1/directory", &body).ok(200), first, "a repeat gets the first answer");
    let mut other = body.clone();
    other["changes"][0]["person"]["name"] = json!("Another");
    admin.post("/api/v1/directory", &other).problem(409, "id_reused");
    at_watch.wait("the pages are told", |e| e.name == "directory");

    centre.terminate();
    centre.start_again();
    let admin = centre.person("administrator");
    assert_eq!(text(&admin.see("/api/v1/directory/people/agent-a3"), "/name"), "AGENT-A3");
    let acts = {
        centre.terminate();
        let entries = centre.export();
        entries.iter().filter(|e| e.to_string().contains("\"act\":\"directory\"")).count()
    };
    assert_eq!(acts, 1, "one act, whoever repeated it");
    recomputes(&centre);
}

#[test]
fn who_leads_whom_changes_at_once_and_an_open_report_stays_with_whom_it_went_to() {
    let mut centre = Centre::start();
    let admin = centre.person("administrator");
    let agent = centre.person("agent-a1");
    let mut old_lead = centre.events("lead-a");
    let mut new_lead = centre.events("agent-a2");
    let open = sighting(0.0, 0.0, 5.0, "to1000");
    agent.post("/api/v1/sightings", &open).ok(201);
    old_lead.wait("the report", |e| e.name == "sighting");

    let change = changes(&[put_unit("a", "north", &["agent-a2"])]);
    admin.post("/api/v1/directory", &change).ok(200);
    old_lead.forget();
    let next = sighting(0.0, 0.0, 40.0, "to1000");
    agent.post("/api/v1/sightings", &next).ok(201);
    new_lead.wait("the next report", |e| e.name == "sighting" && e.data["sighting"]["id"] == next["id"]);
    let seen = |person: &str, report: &Value, centre: &mut Centre| {
        centre.person(person).get(&format!("/api/v1/sightings/{}", text(report, "/id"))).status
    };
    assert_eq!(seen("lead-a", &next, &mut centre), 404, "the one before leads nobody any more");
    assert_eq!((seen("lead-a", &open, &mut centre), seen("agent-a2", &open, &mut centre)), (200, 404));
    assert!(old_lead.maybe(Duration::from_millis(1), |e| e.name == "sighting").is_none());
    // What is decided of the open one still goes to whom it went first.
    let verdict = json!({"id": id(), "verdict": {"is": "confirmed"}, "why": "camera"});
    let triage = format!("/api/v1/sightings/{}/triage", text(&open, "/id"));
    centre.person("watch").post(&triage, &verdict).ok(200);
    old_lead.wait("the decision", |e| e.name == "sighting" && e.data["sighting"]["id"] == open["id"]);
    centre.terminate();
    recomputes(&centre);
}

#[test]
fn whoever_is_disabled_is_cut_off_at_once_forgotten_where_they_were_and_never_warned() {
    let mut centre = Centre::start_with(Scene::new().and("[policy.warn]\nhold_s = 2.0\n"), &[]);
    let admin = centre.person("administrator");
    let agent = centre.person("agent-a1");
    let mut at_agent = Events::open(&agent);
    let mut at_watch = centre.events("watch");
    let mut client = centre.tak();
    client.send(&tak::sa("TAK-agent-a1", "A1", (31.76, -106.49, 1_200.0)));
    at_watch.wait("the TAK client", |e| {
        e.name == "person" && e.data["id"] == "agent-a1" && e.data["channels_up"] == json!(["web", "tak"])
    });
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let flight = Flight::start(centre.scene.tcp, "1581F4SHUT0001", [0.0, 600.0, 30.0], [0.0, -12.0, 0.0]);
    let raised = at_watch.notice("the warning", |n| n["notice"]["protected"]["person"] == "agent-a1");
    at_agent.notice("the warning", |n| n["notice"]["id"] == raised["notice"]["id"]);

    let (status, said, wrong) = cli(&centre, &["user", "disable", "agent-a1", "--as", "administrator"]);
    assert_eq!((status, said.as_str()), (0, "Disabled agent-a1: no sign-in, no warnings.\n"), "{wrong}");
    assert!(at_agent.ended(SOON), "their page's stream ends");
    agent.get("/api/v1/me").problem(401, "signed_out");
    at_watch.notice("nobody is in danger", |n| {
        n["notice"]["id"] == raised["notice"]["id"] && n["notice"]["state"] == "cleared"
    });
    let watch = centre.person("watch");
    let listed = |watch: &crate::support::Client| {
        let all = watch.see("/api/v1/people");
        items(&all).iter().find(|p| p["id"] == "agent-a1").unwrap().clone()
    };
    until("both channels are down", SOON, || (listed(&watch)["channels_up"] == json!([])).then_some(()));
    let p = listed(&watch);
    assert!(p["position"].is_null(), "{p}");
    assert_eq!((&p["unreachable"], &p["disabled"]), (&json!(true), &json!(true)));
    assert!(text(&p, "/why").starts_with("disabled"), "{p}");
    // Their client comes back and is nobody; their link does not open anything.
    let mut again = centre.tak();
    again.send(&tak::sa("TAK-agent-a1", "A1", (31.76, -106.49, 1_200.0)));
    at_watch.forget();
    again.ping();
    flight.turn([0.0, 0.0, 0.0]);
    at_watch.heartbeat();
    at_watch.heartbeat();
    let about = |n: &Value| n["notice"]["protected"]["person"] == "agent-a1" && n["notice"]["state"] == "raised";
    assert!(at_watch.maybe(Duration::from_millis(1), |e| e.name == "notice" && about(&e.data)).is_none());
    assert!(listed(&watch)["position"].is_null());
    flight.end();

    // Let in again: they may sign in anew; what they had open stays ended.
    assert_eq!(cli(&centre, &["user", "enable", "agent-a1"]).0, 0);
    agent.get("/api/v1/me").problem(401, "signed_out");
    centre.person("agent-a1").get("/api/v1/me").ok(200);
    drop(admin);
    centre.terminate();
    let entries = centre.export();
    let disabled = entries.iter().position(|e| e.to_string().contains("\"disabled\":true")).unwrap();
    let enabled = entries.iter().rposition(|e| e.to_string().contains("\"act\":\"directory\"")).unwrap();
    let sent = entries[disabled..enabled].iter().filter(|e| {
        let text = e.to_string();
        text.contains("\"event\":\"attempt\"") && text.contains("\"person\":\"agent-a1\"")
    });
    assert_eq!(sent.count(), 0, "nothing was sent to them while they were shut out");
    recomputes(&centre);
}

#[test]
fn a_tak_uid_that_is_entered_while_the_centre_runs_binds_the_next_connection() {
    let mut centre = Centre::start();
    let admin = centre.person("administrator");
    let mut at_watch = centre.events("watch");
    let mut p = put_person("newcomer", "a", &["field"]);
    p["person"]["tak_uid"] = json!("ANDROID-77");
    admin.post("/api/v1/directory", &changes(&[p.clone()])).ok(200);
    let mut client = centre.tak();
    client.send(&tak::sa("ANDROID-77", "New", (31.76, -106.49, 1_200.0)));
    let up = |e: &crate::support::Event, up: bool| {
        e.name == "person"
            && e.data["id"] == "newcomer"
            && e.data["channels_up"] == json!(if up { vec!["tak"] } else { vec![] })
    };
    at_watch.wait("the client is theirs", |e| up(e, true));
    at_watch.forget();
    // Another's uid from now on: the connection that came as theirs is closed.
    p["person"]["tak_uid"] = json!("ANDROID-78");
    admin.post("/api/v1/directory", &changes(&[p])).ok(200);
    at_watch.wait("the old client is cut off", |e| up(e, false));
}

#[test]
fn a_supervisor_writes_only_rosters_of_their_own_units_and_the_status_says_who_is_missing() {
    let mut centre = Centre::start();
    let lead = centre.person("lead-a");
    let duty = |person: &str| json!({"person": person, "from": time_text(-60.0), "until": time_text(3_600.0)});
    let roster = |name: &str, unit: &str, duties: Vec<Value>| json!({"id": id(), "roster": {"id": name, "name": name, "unit": unit, "duties": duties}});
    lead.post("/api/v1/rosters", &roster("night-b", "b", vec![])).problem(403, "forbidden");
    let stranger = roster("night", "a", vec![duty("agent-b1")]);
    let refused = lead.post("/api/v1/rosters", &stranger).problem(422, "invalid");
    assert!(text(&refused, "/detail").contains("'agent-b1' is not of unit 'a'"), "{refused}");
    lead.post("/api/v1/rosters", &roster("night", "a", vec![duty("agent-a1"), duty("agent-a2")])).ok(200);
    let mine = lead.see("/api/v1/rosters");
    assert_eq!((items(&mine).len(), &items(&mine)[0]["may_write"]), (1, &json!(true)));
    assert_eq!(items(&centre.person("lead-b").see("/api/v1/rosters")).len(), 0);
    // One is here, one is not.
    let here = centre.events("agent-a1");
    let status = centre.person("watch").see("/api/v1/status");
    let on: Vec<(&str, bool)> =
        status["on_duty"].as_array().unwrap().iter().map(|d| (text(d, "/id"), d["here"] == true)).collect();
    assert_eq!(on, [("agent-a1", true), ("agent-a2", false)]);
    assert_eq!(centre.person("agent-a2").see("/api/v1/status")["on_duty"], json!([]), "not for everybody");
    drop(here);
    // Moved into another unit, it is no longer theirs to touch.
    centre.person("administrator").post("/api/v1/rosters", &roster("night", "b", vec![])).ok(200);
    lead.post("/api/v1/rosters", &json!({"id": id(), "remove": "night"})).problem(403, "forbidden");
}

#[test]
fn the_centre_lists_who_cannot_be_reached_and_why_and_a_leader_sees_their_own() {
    let mut centre = Centre::start();
    let watch = centre.person("watch");
    let lost = centre.events("agent-a1");
    let stays = centre.events("agent-a2");
    let why =
        |all: &Value, person: &str| items(all).iter().find(|p| p["id"] == person).map(|p| text(p, "/why").to_owned());
    drop(lost);
    let list = "/api/v1/people?unreachable=true";
    let all = until("the lost one is listed", SOON, || {
        let all = watch.see(list);
        why(&all, "agent-a1").filter(|w| w.contains("connection lost")).map(|_| all)
    });
    assert_eq!(text(&items(&all)[0], "/id"), "agent-a1", "who was here and is lost comes first: {all}");
    assert!(items(&all)[0]["since"].is_string());
    assert!(why(&all, "agent-b1").unwrap().contains("never seen here"), "{all}");
    assert_eq!(why(&all, "agent-a2"), None);
    let mine = centre.person("lead-a").see(list);
    let mine: Vec<&str> = items(&mine).iter().map(|p| text(p, "/id")).collect();
    assert_eq!(mine, ["agent-a1"]);
    // Page by page the same list.
    let mut paged = Vec::new();
    let mut next = String::new();
    loop {
        let page = watch.see(&format!("{list}&limit=3{next}"));
        paged.extend(items(&page).iter().map(|p| text(p, "/id").to_owned()));
        let Some(cursor) = page["next"].as_str() else { break };
        next = format!("&cursor={cursor}");
    }
    let whole: Vec<&str> = items(&all).iter().map(|p| text(p, "/id")).collect();
    assert_eq!(paged, whole);
    centre.terminate();
    drop(stays);
    centre.start_again();
    let again = centre.person("watch").see(list);
    assert!(why(&again, "agent-a2").unwrap().contains("since the centre started again"), "{again}");
}

#[test]
fn ten_thousand_people_are_imported_in_seconds_once_while_warnings_go_on() {
    let mut centre = Centre::start();
    let admin = centre.person("administrator");
    let mut csv = String::from("\u{feff}id;name;unit;agency;roles;leads\r\n");
    for n in 0..10_000 {
        let lead = if n % 100 == 0 { format!("u{}:1", n / 100) } else { String::new() };
        write!(csv, "p{n:05};Person {n};u{};west;field supervisor;{lead}\r\n", n / 100).unwrap();
    }
    let body = |preview: bool| json!({"id": id(), "csv": csv, "preview": preview, "create": true});
    let preview = admin.post("/api/v1/directory/imports", &body(true)).ok(200);
    assert_eq!((&preview["counts"]["new"], &preview["more"]), (&json!(10_000), &json!(9_000)));
    assert_eq!(preview["new_units"].as_array().unwrap().len(), 100);
    assert_eq!(admin.see("/api/v1/directory")["people"], 12, "a preview changes nothing");
    let refused = json!({"id": id(), "csv": csv, "preview": false});
    let refused = admin.post("/api/v1/directory/imports", &refused).problem(409, "does_not_fit");
    assert!(text(&refused, "/detail").contains("line 2: there is no unit 'u0'"), "{refused}");

    let agent = centre.person("agent-a1");
    let mut at_agent = Events::open(&agent);
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let import = body(false);
    let began = Instant::now();
    let done = admin.post("/api/v1/directory/imports", &import).ok(200);
    let took = began.elapsed();
    println!("10,000 people imported in {took:?}");
    assert!(took < Duration::from_secs(8), "{took:?}");
    assert_eq!(done["counts"]["new"], 10_000);
    assert_eq!(admin.post("/api/v1/directory/imports", &import).ok(200), done, "a repeat gets the first answer");
    let flight = Flight::start(centre.scene.tcp, "1581F4MANY0001", [0.0, 500.0, 30.0], [0.0, -12.0, 0.0]);
    at_agent.notice("a warning among ten thousand", |n| n["notice"]["protected"]["person"] == "agent-a1");
    flight.end();

    let d = admin.see("/api/v1/directory");
    assert_eq!(d["people"], 10_012);
    let page = admin.see("/api/v1/directory/people?limit=50&q=person%2099&unit=u99");
    assert_eq!((&page["total"], items(&page).len()), (&json!(100), 50));
    let next =
        admin.see(&format!("/api/v1/directory/people?limit=50&q=person%2099&unit=u99&cursor={}", text(&page, "/next")));
    assert_eq!((items(&next).len(), &next["next"]), (50, &Value::Null));
    let led = items(&page).iter().find(|p| p["id"] == "p09900").unwrap();
    assert_eq!(led["leads"], json!([{"unit": "u99", "place": 1}]));
    // What is exported is, imported again, no change.
    let csv = admin.get("/api/v1/directory.csv").text();
    let again = json!({"id": id(), "csv": csv, "preview": true});
    let again = admin.post("/api/v1/directory/imports", &again).ok(200);
    assert_eq!((&again["counts"]["unchanged"], &again["counts"]["changed"]), (&json!(10_012), &json!(0)));

    centre.terminate();
    centre.start_again();
    assert_eq!(centre.person("administrator").see("/api/v1/directory")["people"], 10_012);
}

#[test]
fn a_body_larger_than_an_import_takes_is_refused_and_elsewhere_nothing_larger_is_taken_than_before() {
    let mut centre = Centre::start();
    let admin = centre.person("administrator");
    let csv = "x".repeat(11_000_000);
    let body = json!({"id": id(), "csv": csv, "preview": true});
    assert_eq!(admin.post("/api/v1/directory/imports", &body).status, 413);
    let name = "x".repeat(300_000);
    let other = changes(&[json!({"change": "put_agency", "agency": {"id": "x", "name": name}})]);
    assert_eq!(admin.post("/api/v1/directory", &other).status, 413);
}

#[test]
fn the_command_line_does_what_the_pages_do_and_says_how_it_ended() {
    let mut centre = Centre::start();
    let user = |args: &[&str]| cli(&centre, args);
    let (status, out, _) =
        user(&["user", "add", "gate-1", "--name", "Gate 1", "--unit", "a", "--role", "field", "--language", "es"]);
    assert_eq!((status, out.as_str()), (0, "Added gate-1.\n"));
    let (status, _, wrong) = user(&["user", "add", "gate-1", "--unit", "a", "--role", "field"]);
    assert_eq!(status, 1);
    assert!(wrong.contains("is there already"), "{wrong}");
    assert_eq!(user(&["user", "change", "gate-1", "--tak-uid", "T1", "--channel", "tak", "--channel", "web"]).0, 0);
    let (_, out, _) = user(&["user", "show", "gate-1", "--json"]);
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&shown["tak_uid"], &shown["channels"], &shown["name"]),
        (&json!("T1"), &json!(["tak", "web"]), &json!("Gate 1"))
    );
    let (_, out, _) = user(&["user", "show", "gate-1"]);
    assert!(out.contains("a (Unit A, agency north)") && out.contains("never seen here"), "{out}");
    let (_, out, _) = user(&["user", "list", "gate"]);
    assert!(out.starts_with("ID      NAME    UNIT  ROLES  REACHABLE\ngate-1  Gate 1  a     field"), "{out}");
    let (_, out, _) = user(&["user", "list", "--json", "--role", "supervisor"]);
    assert_eq!(out.lines().count(), 3);
    // Who acts must be allowed to.
    let (status, _, wrong) = user(&["user", "remove", "gate-1", "--as", "agent-a1"]);
    assert_eq!(status, 1);
    assert!(wrong.contains("roles"), "{wrong}");
    let (status, _, wrong) = user(&["user", "show", "nobody"]);
    assert_eq!((status, wrong.as_str()), (1, "skypicket: there is no person 'nobody'\n"));
    assert_eq!(user(&["user", "add"]).0, 2);
    let elsewhere = run(&["user", "list", "--data", "/nonexistent"]);
    assert_eq!(elsewhere.status.code(), Some(3));

    let file = centre.folder().join("people.csv");
    let path = file.to_str().unwrap().to_owned();
    std::fs::write(&file, "id,name,unit,agency,roles\ngate-1,Gate One,a,,field\ngate-2,Gate 2,c,north,field\n")
        .unwrap();
    let (status, out, wrong) = user(&["user", "import", &path, "--dry-run"]);
    assert_eq!(status, 1);
    assert!(out.contains("there is no unit 'c'") && out.contains("name: 'Gate 1' > 'Gate One'"), "{out}");
    assert!(wrong.contains("nothing was imported"), "{wrong}");
    let (status, out, wrong) = user(&["user", "import", &path, "--create"]);
    assert_eq!(status, 1, "nobody is asked where nobody can answer");
    assert!(out.contains("1 new, 1 changed, 0 unchanged, 0 refused") && wrong.contains("--yes"), "{out}{wrong}");
    let (status, out, _) = user(&["user", "import", &path, "--create", "--yes"]);
    assert_eq!(status, 0);
    assert!(out.ends_with("Imported: 1 new, 1 changed.\n"), "{out}");
    std::fs::write(&file, b"id,name\ngate-1,\xff\n").unwrap();
    let (status, _, wrong) = user(&["user", "import", &path]);
    assert_eq!(status, 1);
    assert!(wrong.contains("byte 15 is not UTF-8"), "{wrong}");
    let (_, out, _) = user(&["user", "export"]);
    assert!(out.contains("gate-2,Gate 2,c,north,field,,web push tak,,,,,en,,no\r\n"), "{out}");

    assert_eq!(user(&["unit", "lead", "c", "gate-1", "gate-2"]).0, 0);
    let (_, out, _) = user(&["unit", "list"]);
    assert!(out.lines().any(|l| l.starts_with("c ") && l.ends_with("gate-1 > gate-2")), "{out}");
    let (status, _, wrong) = user(&["agency", "remove", "north"]);
    assert_eq!(status, 1);
    assert!(wrong.contains("agency 'north' cannot be removed"), "{wrong}");
    assert_eq!(user(&["roster", "add", "gates", "--name", "Gates", "--unit", "c"]).0, 0);
    let (from, to) = (time_text(-60.0), time_text(600.0));
    let duty = ["roster", "duty", "gates", "--person", "gate-2", "--from", &from, "--until", &to];
    let (status, _, wrong) = user(&duty);
    assert_eq!(status, 0, "{wrong}");
    let (_, out, _) = user(&["roster", "list"]);
    assert!(out.contains("Gate 2 (no page open)"), "{out}");
    assert_eq!(user(&["roster", "off-duty", "gates", "--person", "gate-2", "--from", &from]).0, 0);
    let (_, out, _) = user(&["roster", "list"]);
    assert!(out.contains("nobody"), "{out}");

    let (status, out, _) = user(&["user", "link", "gate-1"]);
    assert_eq!(status, 0);
    let secret = out.lines().next().unwrap().split_once("#sign-in=").unwrap().1.to_owned();
    let (_, qr, _) = user(&["user", "enrol", "gate-2"]);
    assert!(qr.contains('█') && qr.contains("/field/#sign-in="), "{qr}");
    let mut client = centre.anybody();
    client.sign_in(&secret);
    assert_eq!(client.person, "gate-1");
    // The acts are in the record, with who did them and through what.
    centre.terminate();
    let acts = centre.export();
    let acts: Vec<&Value> = acts.iter().filter(|e| e.to_string().contains("\"act\":\"directory\"")).collect();
    assert!(acts.iter().all(|e| e.to_string().contains("\"via\":\"cli\"")), "{acts:?}");
}

#[test]
fn a_file_that_names_people_whom_the_record_does_not_have_is_told_of_and_a_site_without_its_unit_warns() {
    let mut centre = Centre::start();
    centre.terminate();
    centre.scene = centre.scene.clone().and(
        "[[unit]]\nid = \"late\"\nname = \"Late\"\nagency = \"north\"\n[[person]]\nid = \"late-1\"\nname = \"Late\"\nunit = \"late\"\nroles = [\"field\"]\n\
         [[site]]\nid = \"late-post\"\nname = \"Late post\"\nat = { lat_deg = 31.9, lon_deg = -106.4 }\nunit = \"late\"\n",
    );
    centre.start_again();
    let admin = centre.person("administrator");
    let notes = admin.see("/api/v1/directory")["notes"].to_string();
    assert!(notes.contains("people that the record does not have (late-1)"), "{notes}");
    assert!(
        notes.contains("units that the record does not have (late)") && notes.contains("skypicket unit add"),
        "{notes}"
    );
    assert!(centre.log().contains("the configuration and the record differ about people"));
    let status = admin.see("/api/v1/status");
    assert!(
        status["warnings"].to_string().contains("site 'late-post' belongs to unit 'late', which is not defined"),
        "{status}"
    );
    // It does not stand in the way of what puts it right.
    admin.post("/api/v1/directory", &changes(&[put_unit("late", "north", &[])])).ok(200);
    let config = centre.config();
    let (status, said, wrong) = {
        let out = crate::support::program()
            .args(["config", "check"])
            .arg(&config)
            .env("SKYPICKET_DATA", centre.data())
            .output()
            .unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
    };
    assert_eq!(status, Some(0), "{wrong}");
    assert!(said.contains("kept in it since the first start") && said.contains("late-1"), "{said}");
    centre.terminate();
    centre.start_again();
    let status = centre.person("administrator").see("/api/v1/status");
    assert!(!status["warnings"].to_string().contains("late-post"), "{status}");
}
