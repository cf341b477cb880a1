//! Who may call what, for every operation of the document; and that every answer is as the document says.

use super::schema::{named, problems};
use crate::support::{Centre, Client, Event, Events, Flight, Scene, id, items, position, sighting, text, time_text};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One person of the scene for each role, and only that role.
const ROLES: [(&str, &str); 7] = [
    ("field", "agent-a1"),
    ("supervisor", "supervisor"),
    ("watch", "watch2"),
    ("analyst", "analyst"),
    ("integrator", "integrator"),
    ("auditor", "auditor"),
    ("administrator", "administrator"),
];

const ANYONE: &str = "anyone";
const SIGNED_IN: &str = "signed in";
const SOURCE: &str = "source";
const PARTNER: &str = "partner";
/// Callers without a session.
const MACHINES: [&str; 3] = ["nobody", "token", "partner"];

/// What the design says, written again by hand: a row that is changed in the program must be changed here on purpose.
const MAY: &[(&str, &str, &str)] = &[
    ("get", "/healthz", ANYONE),
    ("get", "/readyz", ANYONE),
    ("get", "/metrics", ANYONE),
    ("get", "/api/v1/openapi.json", ANYONE),
    ("post", "/api/v1/sessions", ANYONE),
    ("delete", "/api/v1/sessions/current", SIGNED_IN),
    ("get", "/api/v1/me", SIGNED_IN),
    ("put", "/api/v1/me/password", SIGNED_IN),
    ("get", "/api/v1/status", SIGNED_IN),
    ("get", "/api/v1/events", SIGNED_IN),
    ("post", "/api/v1/sightings", "field supervisor watch"),
    ("get", "/api/v1/sightings", SIGNED_IN),
    ("get", "/api/v1/sightings/{id}", SIGNED_IN),
    ("post", "/api/v1/sightings/{id}/seen", "supervisor watch analyst"),
    ("post", "/api/v1/sightings/{id}/triage", "watch"),
    ("post", "/api/v1/sightings/{id}/retraction", "field supervisor watch"),
    ("post", "/api/v1/positions", "field supervisor watch"),
    ("post", "/api/v1/observations", SOURCE),
    ("post", "/api/v1/observations/{format}", SOURCE),
    ("get", "/api/v1/tracks", "supervisor watch analyst integrator auditor"),
    ("post", "/api/v1/tracks/{id}/merges", "watch supervisor"),
    ("post", "/api/v1/tracks/{id}/splits", "watch supervisor"),
    ("post", "/api/v1/tracks/{id}/classifications", "watch supervisor"),
    ("get", "/api/v1/dangers", SIGNED_IN),
    ("get", "/api/v1/notices", SIGNED_IN),
    ("get", "/api/v1/notices/{id}", SIGNED_IN),
    ("post", "/api/v1/notices/{id}/versions/{v}/receipts", SIGNED_IN),
    ("post", "/api/v1/notices/{id}/versions/{v}/acknowledgements", SIGNED_IN),
    ("get", "/api/v1/deliveries", "watch analyst auditor"),
    ("get", "/api/v1/people", "supervisor watch auditor administrator"),
    ("post", "/api/v1/people/{id}/sign-in-links", "watch administrator"),
    ("get", "/api/v1/sites", "supervisor watch analyst integrator auditor"),
    ("get", "/api/v1/own-flights", "supervisor watch analyst integrator auditor"),
    ("post", "/api/v1/own-flights", "supervisor watch"),
    ("get", "/api/v1/sources", "watch integrator auditor administrator"),
    ("get", "/api/v1/channels", "watch supervisor integrator auditor administrator"),
    ("get", "/api/v1/tokens", "integrator administrator"),
    ("post", "/api/v1/tokens", "integrator administrator"),
    ("delete", "/api/v1/tokens/{id}", "integrator administrator"),
    // ---- accounts ----
    ("get", "/api/v1/sign-in", ANYONE),
    ("post", "/api/v1/passkeys/challenges", ANYONE),
    ("get", "/api/v1/oidc/start", ANYONE),
    ("get", "/api/v1/oidc/callback", ANYONE),
    ("get", "/api/v1/me/sign-in", SIGNED_IN),
    ("post", "/api/v1/me/totp", SIGNED_IN),
    ("put", "/api/v1/me/totp", SIGNED_IN),
    ("post", "/api/v1/me/totp/removal", SIGNED_IN),
    ("post", "/api/v1/me/recovery-codes", SIGNED_IN),
    ("post", "/api/v1/me/passkeys/challenges", SIGNED_IN),
    ("post", "/api/v1/me/passkeys", SIGNED_IN),
    ("delete", "/api/v1/me/passkeys/{id}", SIGNED_IN),
    ("get", "/api/v1/me/sessions", SIGNED_IN),
    ("delete", "/api/v1/me/sessions", SIGNED_IN),
    ("delete", "/api/v1/me/sessions/{id}", SIGNED_IN),
    ("delete", "/api/v1/me/reset", SIGNED_IN),
    ("get", "/api/v1/people/{id}/account", "administrator"),
    ("delete", "/api/v1/people/{id}/sessions", "administrator"),
    ("delete", "/api/v1/people/{id}/sessions/{session}", "administrator"),
    ("post", "/api/v1/people/{id}/resets", "administrator"),
    ("delete", "/api/v1/people/{id}/resets", "administrator"),
    ("post", "/api/v1/people/{id}/resets/confirmation", SIGNED_IN),
    ("post", "/api/v1/people/{id}/lost-phone", SIGNED_IN),
    ("get", "/api/v1/resets", SIGNED_IN),
    // (end of accounts)
    // ---- people ----
    ("get", "/api/v1/directory", "auditor administrator"),
    ("post", "/api/v1/directory", "administrator"),
    ("get", "/api/v1/directory/people", "auditor administrator"),
    ("get", "/api/v1/directory/people/{id}", "auditor administrator"),
    ("post", "/api/v1/directory/imports", "administrator"),
    ("get", "/api/v1/directory.csv", "auditor administrator"),
    ("get", "/api/v1/rosters", "supervisor watch auditor administrator"),
    ("post", "/api/v1/rosters", "supervisor administrator"),
    // (end of people)
    // ---- audit ----
    ("get", "/api/v1/audit", "auditor"),
    ("get", "/api/v1/me/reads", SIGNED_IN),
    // (end of audit)
    // ---- alarms ----
    ("get", "/api/v1/alarms", "watch analyst auditor"),
    ("post", "/api/v1/alarms/take", "watch"),
    ("post", "/api/v1/alarms/hand-back", "watch"),
    ("post", "/api/v1/alarms/take-over", "watch"),
    ("post", "/api/v1/alarms/shelve", "watch"),
    ("post", "/api/v1/alarms/unshelve", "watch"),
    ("get", "/api/v1/alarms/figures", "watch analyst auditor supervisor"),
    // (end of alarms)
    // ---- bulletins ----
    ("get", "/api/v1/bulletins", "watch analyst supervisor auditor"),
    ("post", "/api/v1/bulletins", "watch analyst supervisor"),
    ("post", "/api/v1/bulletins/preview", "watch analyst supervisor"),
    ("get", "/api/v1/bulletins/{id}", "watch analyst supervisor auditor"),
    ("post", "/api/v1/bulletins/{id}/drafts", "watch analyst supervisor"),
    ("post", "/api/v1/bulletins/{id}/submissions", "watch analyst supervisor"),
    ("post", "/api/v1/bulletins/{id}/comments", "watch analyst supervisor"),
    ("post", "/api/v1/bulletins/{id}/returns", "watch supervisor"),
    ("post", "/api/v1/bulletins/{id}/corrections", "watch analyst supervisor"),
    ("post", "/api/v1/bulletins/{id}/approvals", "watch supervisor"),
    ("post", "/api/v1/bulletins/{id}/break-glass", "watch supervisor"),
    ("post", "/api/v1/bulletins/{id}/withdrawals", "watch analyst supervisor"),
    ("post", "/api/v1/bulletins/{id}/recalls", "watch supervisor"),
    ("get", "/api/v1/me/subscriptions", SIGNED_IN),
    ("put", "/api/v1/me/subscriptions", SIGNED_IN),
    // (end of bulletins)
    // ---- search ----
    ("get", "/api/v1/search", "watch analyst supervisor auditor"),
    ("get", "/api/v1/searches", "watch analyst supervisor auditor"),
    ("post", "/api/v1/searches", "watch analyst supervisor auditor"),
    ("delete", "/api/v1/searches/{id}", "watch analyst supervisor auditor"),
    ("get", "/api/v1/searches/{id}/hits", "watch analyst supervisor auditor"),
    ("put", "/api/v1/searches/{id}/read", "watch analyst supervisor auditor"),
    // (end of search)
    // ---- intelligence ----
    ("get", "/api/v1/intelligence", "watch analyst supervisor auditor administrator"),
    ("post", "/api/v1/intelligence", "watch analyst supervisor"),
    ("get", "/api/v1/intelligence/choices", "watch analyst supervisor"),
    ("get", "/api/v1/intelligence/{id}", "watch analyst supervisor auditor administrator"),
    ("post", "/api/v1/intelligence/{id}/versions", "watch analyst supervisor"),
    ("post", "/api/v1/intelligence/{id}/vettings", "analyst supervisor"),
    ("post", "/api/v1/intelligence/{id}/individual-approvals", "supervisor"),
    ("post", "/api/v1/intelligence/{id}/reviews", "analyst supervisor"),
    ("post", "/api/v1/intelligence/{id}/purge-requests", "watch analyst supervisor auditor"),
    ("post", "/api/v1/intelligence/{id}/purges", "auditor administrator"),
    // (end of intelligence)
    // ---- renderings ----
    ("get", "/api/v1/notices/{id}/versions/{v}/renderings/{name}", SIGNED_IN),
    ("post", "/api/v1/bulletins/preview/renderings", "watch analyst supervisor"),
    // (end of renderings)
    // ---- library ----
    ("get", "/api/v1/library", "watch analyst supervisor auditor"),
    ("post", "/api/v1/library/drafts", "watch analyst supervisor"),
    // (end of library)
    // ---- board ----
    ("get", "/api/v1/notices/{id}/board", "watch analyst supervisor auditor"),
    ("get", "/api/v1/notices/{id}/recipients", "watch analyst supervisor auditor"),
    ("post", "/api/v1/notices/{id}/versions/{v}/calls", "watch supervisor"),
    ("get", "/api/v1/notices/{id}/export", "watch analyst supervisor auditor"),
    ("post", "/api/v1/notices/{id}/versions/{v}/measures", SIGNED_IN),
    // (end of board)
    // ---- machines ----
    ("get", "/api/v1/machines", "integrator auditor administrator"),
    ("post", "/api/v1/sources/{id}/certificates", "integrator administrator"),
    ("delete", "/api/v1/certificates/{serial}", "integrator administrator"),
    ("delete", "/api/v1/people/{id}/certificates", "administrator"),
    ("post", "/api/v1/people/{id}/tak-packages", "administrator"),
    // (end of machines)
    // ---- upkeep ----
    ("get", "/api/v1/upkeep", "auditor administrator"),
    ("post", "/api/v1/upkeep/purge", "administrator"),
    ("post", "/api/v1/upkeep/backups", "administrator"),
    ("get", "/api/v1/doctor", "integrator auditor administrator"),
    // (end of upkeep)
    // ---- channels ----
    ("get", "/api/v1/channels", "watch supervisor integrator administrator auditor"),
    // (end of channels)
    // ---- inbound ----
    ("post", "/api/v1/inbound/sms", ANYONE),
    ("post", "/api/v1/inbound/mail", ANYONE),
    // (end of inbound)
    // ---- links ----
    ("get", "/a", ANYONE),
    ("get", "/a/link.css", ANYONE),
    ("get", "/a/link.js", ANYONE),
    ("post", "/api/v1/links/read", ANYONE),
    ("post", "/api/v1/links/acknowledge", ANYONE),
    // (end of links)
    // ---- enrolment ----
    ("get", "/trust", ANYONE),
    ("get", "/trust/trust.css", ANYONE),
    ("get", "/trust/ca.crt", ANYONE),
    ("get", "/trust/skypicket.mobileconfig", ANYONE),
    ("get", "/api/v1/trust", SIGNED_IN),
    ("post", "/api/v1/people/{id}/enrolments", "watch administrator"),
    ("get", "/api/v1/people/{id}/enrolments/{link}", "watch administrator"),
    ("delete", "/api/v1/people/{id}/enrolments/{link}", "watch administrator"),
    // (end of enrolment)
    // ---- push ----
    ("get", "/api/v1/push", SIGNED_IN),
    ("post", "/api/v1/push/subscriptions", SIGNED_IN),
    ("delete", "/api/v1/push/subscriptions/{id}", SIGNED_IN),
    ("post", "/api/v1/push/test", SIGNED_IN),
    // (end of push)
    // ---- cap ----
    ("get", "/cap/feed.atom", PARTNER),
    ("get", "/cap/alerts/{alert}", PARTNER),
    ("get", "/api/v1/cap/certificates", SIGNED_IN),
    ("get", "/api/v1/partners", "integrator auditor administrator"),
    ("post", "/api/v1/partners", "integrator administrator"),
    ("delete", "/api/v1/partners/{id}", "integrator administrator"),
    // (end of cap)
    ("get", "/api/v1/basemap", SIGNED_IN),
];

/// What the design says of events, by hand as above: who gets all of a kind; what is in it about somebody of another
/// unit goes to nobody else.
const EVENTS: &[(&str, &str)] = &[
    ("hello", SIGNED_IN),
    ("heartbeat", SIGNED_IN),
    ("reset", SIGNED_IN),
    ("bye", SIGNED_IN),
    ("status", SIGNED_IN),
    ("tracks", "supervisor watch analyst integrator auditor"),
    ("dangers", "watch analyst auditor"),
    ("notice", "watch analyst auditor"),
    ("sighting", "watch analyst auditor"),
    ("person", "watch auditor"),
    ("directory", "supervisor watch auditor administrator"),
    ("alarm", "watch analyst auditor"),
    ("shift", "watch analyst auditor"),
    ("flood", "watch analyst auditor"),
    ("search", "watch analyst supervisor auditor"),
    ("bulletin", "watch analyst supervisor auditor"),
    ("intelligence", "watch analyst supervisor auditor"),
];

/// Every operation: method, path, itself.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of = |(path, methods): (&String, &Value)| {
        let path = path.clone();
        methods.as_object().unwrap().clone().into_iter().map(move |(m, o)| (m, path.clone(), o)).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of).collect()
}

/// Whether an event says something: an empty list says nothing about anybody.
fn says_something(e: &Event) -> bool {
    match e.name.as_str() {
        "dangers" => !items(&e.data).is_empty(),
        "tracks" => e.data["features"].as_array().is_some_and(|f| !f.is_empty()),
        _ => true,
    }
}

#[test]
fn each_kind_of_event_goes_to_those_whom_the_document_names_and_to_nobody_else() {
    // Three alarms are a flood here.
    let scene = Scene::new().and("[policy.desk]\nflood_over = 2\nflood_end = 1\n");
    let mut centre = Centre::start_with(scene, &[]);
    let document = centre.anybody().see("/api/v1/openapi.json");
    let kinds = document["paths"]["/api/v1/events"]["get"]["x-events"].as_object().unwrap().clone();
    let named: BTreeSet<&str> = kinds.keys().map(String::as_str).collect();
    let here: BTreeSet<&str> = EVENTS.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(named, here, "kinds of events without a row here, or rows without a kind");
    for (kind, who) in EVENTS {
        let roles = kinds[*kind].get("x-roles").map(|roles| {
            let has = |r: &str| roles.as_array().unwrap().iter().any(|x| x == r);
            ROLES.iter().map(|(r, _)| *r).filter(|r| has(r)).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(sorted(roles.as_deref().unwrap_or(SIGNED_IN)), sorted(who), "{kind}");
    }

    // agent-b1 is on duty, stands somewhere, reports, and is in danger: nobody of the callers leads them.
    let admin = centre.person("administrator");
    let agent = centre.person("agent-b1");
    let roster = |name: &str| {
        let duty = json!({"person": "agent-b1", "from": time_text(-60.0), "until": time_text(3_600.0)});
        json!({"id": id(), "roster": {"id": "post-b", "name": name, "unit": "b", "duties": [duty]}})
    };
    admin.post("/api/v1/rosters", &roster("Post B")).ok(200);
    let mut streams: Vec<(&str, Events)> = ROLES
        .iter()
        // Resumed after an entry that this record never had: the first thing said is that all must be read anew.
        .map(|(role, person)| (*role, Events::open_after(&centre.person(person), Some("999999999999"))))
        .collect();
    admin.post("/api/v1/rosters", &roster("Post B, north")).ok(200);
    for person in ["watch2", "analyst", "supervisor", "auditor"] {
        let all = json!({"id": id(), "name": "All", "search": {}});
        centre.person(person).post("/api/v1/searches", &all).ok(201);
    }
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let report = sighting(0.0, 0.0, 5.0, "to1000");
    agent.post("/api/v1/sightings", &report).ok(201);
    let taken = json!({"id": id(), "alarms": [{"of": "sighting", "id": report["id"]}]});
    centre.person("watch").post("/api/v1/alarms/take", &taken).ok(200);
    let over = json!({"id": id(), "from": "watch", "note": "quiet"});
    centre.person("watch2").post("/api/v1/alarms/take-over", &over).ok(200);
    for _ in 0..2 {
        agent.post("/api/v1/sightings", &sighting(0.0, 9_000.0, 5.0, "to1000")).ok(201);
    }
    super::bulletins::propose(&centre.person("watch"), &super::bulletins::content("Of it"));
    super::intelligence::file(&centre.person("watch"), &super::intelligence::content("Of it"));
    let drone = Flight::start(centre.scene.tcp, "1581F4EVENTS01", [0.0, 500.0, 30.0], [0.0, -12.0, 0.0]);
    // Somebody who gets all of it has got it; a kind that nobody gets would fail here.
    let mut at_watch = centre.events("watch");
    let about_b1 = |e: &Event| match e.name.as_str() {
        "notice" => e.data["notice"]["protected"]["person"] == "agent-b1",
        "sighting" => e.data["sighting"]["reporter"] == "agent-b1",
        "person" => e.data["id"] == "agent-b1",
        _ => says_something(e),
    };
    at_watch.notice("the warning", |n| n["notice"]["protected"]["person"] == "agent-b1");
    let mut wrong = Vec::new();
    for (role, stream) in &mut streams {
        // The status comes every ten seconds; what was sent before the next heartbeat has come with it.
        stream.wait_for("status", std::time::Duration::from_secs(20), |e| e.name == "status");
        if sorted("watch analyst auditor").contains(role) {
            stream.wait("dangers", |e| e.name == "dangers" && says_something(e));
            stream.notice("the warning", |n| n["notice"]["protected"]["person"] == "agent-b1");
        }
        if sorted("watch analyst supervisor auditor").contains(role) {
            stream.wait("something for the search", |e| e.name == "search");
        }
        stream.heartbeat();
        // The last of all comes at the end, below.
        for (kind, who) in EVENTS.iter().filter(|(kind, _)| *kind != "bye") {
            let may = *who == SIGNED_IN || sorted(who).contains(role);
            let got = stream.seen.iter().any(|e| e.name == *kind && about_b1(e));
            if may != got {
                wrong.push(format!("{role}: {kind}: {}", if got { "came and must not" } else { "did not come" }));
            }
        }
        let unnamed = stream.seen.iter().find(|e| !here.contains(e.name.as_str()));
        assert!(unnamed.is_none(), "{role}: an event that the document does not name: {unnamed:?}");
        // Who is on duty goes to those who may see rosters.
        let duty = stream.seen.iter().rev().find(|e| e.name == "status").unwrap();
        let told = !duty.data["on_duty"].as_array().unwrap().is_empty();
        assert_eq!(told, sorted("supervisor watch auditor administrator").contains(role), "{role}: {}", duty.data);
    }
    drone.end();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    centre.terminate();
    for (role, stream) in &mut streams {
        stream.wait(&format!("bye to {role}"), |e| e.name == "bye");
    }
}

/// Who the document says may.
fn documented(operation: &Value) -> String {
    let security = operation["security"].as_array().unwrap();
    match (security.first(), operation.get("x-roles")) {
        (None, None) => ANYONE.into(),
        (Some(s), None) if s.get("token").is_some() => SOURCE.into(),
        (Some(s), None) if s.get("partner").is_some() => PARTNER.into(),
        (Some(s), None) if s.get("session").is_some() => SIGNED_IN.into(),
        (Some(_), Some(roles)) => {
            let has = |r: &str| roles.as_array().unwrap().iter().any(|x| x == r);
            ROLES.iter().map(|(r, _)| *r).filter(|r| has(r)).collect::<Vec<_>>().join(" ")
        }
        other => panic!("{other:?}"),
    }
}

fn sorted(words: &str) -> BTreeSet<&str> {
    words.split(' ').collect()
}

#[test]
fn each_endpoint_is_open_to_those_whom_the_document_names_and_closed_to_all_others() {
    let mut centre = Centre::start();
    let admin = centre.person("administrator");
    let made = admin.post("/api/v1/tokens", &json!({"id": id(), "name": "test", "source": "api-source"})).ok(201);
    let document = centre.anybody().see("/api/v1/openapi.json");
    let mut callers: Vec<(&str, Client)> = ROLES.iter().map(|(role, person)| (*role, centre.person(person))).collect();
    callers.push(("nobody", centre.anybody()));
    callers.push(("token", centre.anybody().with_token(text(&made, "/secret"))));
    let made = admin.post("/api/v1/partners", &json!({"id": id(), "name": "test", "agency": "south"})).ok(201);
    callers.push(("partner", centre.anybody().with_token(text(&made, "/secret"))));
    let design: BTreeMap<(&str, &str), &str> = MAY.iter().map(|(m, p, who)| ((*m, *p), *who)).collect();
    let all = operations(&document);
    assert_eq!(all.len(), design.len(), "operations without a row here, or rows without an operation");

    let mut wrong = Vec::new();
    for (method, template, operation) in &all {
        let who = documented(operation);
        let design = design
            .get(&(method.as_str(), template.as_str()))
            .unwrap_or_else(|| panic!("no row here for {method} {template}"));
        assert_eq!(sorted(&who), sorted(design), "{method} {template}");
        // Signing out is tried last: it ends the session.
        if method == "delete" && template.ends_with("/sessions/current") {
            continue;
        }
        let nothing = "018f0000-0000-7000-8000-000000000000";
        let path = template.replace("people/{id}", "people/agent-a2").replace("{id}", nothing).replace("{v}", "1");
        let path = path.replace("{session}", "0000000000000000").replace("{format}", "lines");
        for (caller, client) in &callers {
            let may = match who.as_str() {
                ANYONE => true,
                SIGNED_IN => !MACHINES.contains(caller),
                SOURCE => *caller == "token",
                PARTNER => *caller == "partner",
                roles => sorted(roles).contains(caller),
            };
            // The one rule that the table cannot hold: live, a watch officer makes no links.
            let links = template.ends_with("/sign-in-links") || template.contains("/enrolments");
            let may = may && !(*caller == "watch" && links);
            // A body that is refused as such, by whoever is let in.
            let body: &[u8] = if method == "get" || method == "delete" { b"" } else { b"{\"no\":1}" };
            let answer = client.knock(&method.to_uppercase(), &path, &[("content-type", "application/json")], body);
            let closed = if MACHINES.contains(caller) || who == SOURCE || who == PARTNER { 401 } else { 403 };
            let fits =
                if may { ![401, 403].contains(&answer.status) && answer.status < 500 } else { answer.status == closed };
            // Making a link with a wrong body is refused before the rule above is asked.
            let fits = fits || *caller == "watch" && links && answer.status == 422;
            if !fits {
                wrong.push(format!("{caller}: {method} {path}: {}", answer.status));
            }
            if method == "get" {
                let head = client.knock("HEAD", &path, &[], b"");
                if head.status != answer.status {
                    wrong.push(format!("{caller}: HEAD {path}: {} but GET {}", head.status, answer.status));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // With a right body too, a watch officer makes no links in a live centre.
    let watch = centre.person("watch2");
    watch.post("/api/v1/people/agent-a2/sign-in-links", &json!({"id": id()})).problem(403, "forbidden");
    for (caller, client) in &callers {
        let status = client.knock("DELETE", "/api/v1/sessions/current", &[], b"").status;
        assert_eq!(status, if MACHINES.contains(caller) { 401 } else { 204 }, "{caller}");
        client.get("/api/v1/me").problem(401, "signed_out");
    }
}

#[test]
fn every_answer_and_event_is_as_the_document_says() {
    let mut centre = Centre::start_with(Scene::new(), &[]);
    let document = centre.anybody().see("/api/v1/openapi.json");
    let [watch, lead, agent, auditor] = ["watch", "lead-a", "agent-a1", "auditor"].map(|p| centre.person(p));
    // Somebody looks at everybody, so that each finds it among the reads of themself.
    drop(centre.events("auditor"));
    let mut at_watch = centre.events("watch");
    let mut at_agent = centre.events("agent-a1");
    let check = |what: &str, schema: &str, value: &Value| {
        let found = problems(&document, named(&document, schema), value);
        assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
    };

    // A search that what is reported next fits.
    let near = json!({"at": {"lat_deg": 31.76, "lon_deg": -106.49}, "within_m": 1e5});
    let kept = json!({"id": id(), "name": "All", "search": {"near": near}});
    let kept = watch.post("/api/v1/searches", &kept).ok(201);
    check("a search", "SavedSearch", &kept);

    // One of everything.
    let report = sighting(0.0, 0.0, 5.0, "to1000");
    let about = |what: &str| format!("/api/v1/sightings/{}/{what}", text(&report, "/id"));
    check("sighting receipt", "SightingReceipt", &agent.post("/api/v1/sightings", &report).ok(201));
    check("seen", "SightingView", &lead.post(&about("seen"), &json!({"id": id()})).ok(200));
    let verdict = json!({"id": id(), "verdict": {"is": "confirmed"}, "why": "camera"});
    check("triage", "SightingView", &watch.post(&about("triage"), &verdict).ok(200));
    let bare = json!({
        "id": id(), "from": {"lat_deg": 31.7, "lon_deg": -106.5}, "from_accuracy_m": 30.0, "kind": "unsure",
        "first_seen": time_text(-1.0), "last_seen": time_text(-1.0),
    });
    check("bare sighting receipt", "SightingReceipt", &agent.post("/api/v1/sightings", &bare).ok(201));
    let retraction = format!("/api/v1/sightings/{}/retraction", text(&bare, "/id"));
    check("retraction", "SightingView", &agent.post(&retraction, &json!({"id": id()})).ok(200));
    at_watch.wait("the news", |e| e.name == "search" && e.data["id"] == bare["id"]);
    check("position", "Only", &agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201));
    let token = watch.post("/api/v1/tokens", &json!({"id": id(), "name": "t", "source": "api"})).ok(201);
    check("token", "Token", &token);
    let partner = json!({"id": id(), "name": "t", "agency": "south"});
    check("partner's token", "PartnerTokenMade", &watch.post("/api/v1/partners", &partner).ok(201));
    let own = json!({
        "id": id(), "unit": "b", "serial": "OWN1", "centre": {"lat_deg": 31.9, "lon_deg": -106.49}, "radius_m": 100.0,
        "from": time_text(0.0), "until": time_text(600.0),
    });
    check("own flight", "OwnFlight", &watch.post("/api/v1/own-flights", &own).ok(201));
    let duty = json!({"person": "agent-a1", "from": time_text(-60.0), "until": time_text(3_600.0)});
    let roster = json!({"id": id(), "roster": {"id": "r", "name": "R", "unit": "a", "duties": [duty]}});
    check("roster", "DirectoryDone", &watch.post("/api/v1/rosters", &roster).ok(200));
    let put = json!({"id": id(), "changes": [{"change": "put_agency", "agency": {"id": "west", "name": "West"}}]});
    check("directory", "DirectoryDone", &watch.post("/api/v1/directory", &put).ok(200));
    let import = json!({"id": id(), "preview": true, "csv": "id,name\nagent-a1,New\nagent-a2,\nwatch,WATCH\n"});
    check("import", "ImportDone", &watch.post("/api/v1/directory/imports", &import).ok(200));
    check("link", "SignInLink", &watch.post("/api/v1/people/agent-a2/sign-in-links", &json!({"id": id()})).ok(201));
    let source = centre.anybody().with_token(text(&token, "/secret"));
    let taken = source.send("POST", "/api/v1/observations", &[], b"{\"bad\":1}\n{\"t\":1}\n").ok(202);
    check("observations", "Taken", &taken);
    assert_eq!((&taken["taken"], taken["refused"].as_array().unwrap().len()), (&json!(0), 2));

    let content = super::bulletins::content("Of all");
    let preview = watch.post("/api/v1/bulletins/preview", &json!({"content": content})).ok(200);
    check("preview", "BulletinPreview", &preview);
    let bulletin = super::bulletins::propose(&watch, &content);
    check("proposal", "Bulletin", &bulletin);
    let bulletin = super::bulletins::approve(&lead, &bulletin);
    check("approval", "Bulletin", &bulletin);
    let why = json!({"content": content, "why": "better"});
    let waiting = super::bulletins::act(&watch, &bulletin, "corrections", why).ok(201);
    check("correction", "Bulletin", &waiting);
    let link = json!([{"to": "notice", "id": bulletin["notice"]}]);
    let draft = super::drafts::draft(&watch, &super::drafts::sheet("Draft", &link, "asked"));
    check("draft", "Bulletin", &draft);
    let said = super::bulletins::act(&lead, &draft, "comments", json!({"text": "Which road?"})).ok(201);
    check("comment", "Bulletin", &said);
    let known = super::intelligence::content("Known");
    let known = super::intelligence::file(&watch, &known);
    check("intelligence report", "Report", &known);
    let called = json!({"id": id(), "person": "agent-a2", "status": "no_answer"});
    let calls = format!("/api/v1/notices/{}/versions/1/calls", text(&bulletin, "/notice"));
    check("call", "BoardLine", &watch.post(&calls, &called).ok(201));
    let wish = json!({"items": [{"level": "urgent"}]}).to_string();
    let headers = [("content-type", "application/json")];
    let wish = watch.send("PUT", "/api/v1/me/subscriptions", &headers, wish.as_bytes()).ok(200);
    check("subscriptions", "SubscriptionList", &wish);

    let drone = Flight::start(centre.scene.tcp, "1581F4SCHEMA", [0.0, 500.0, 30.0], [0.0, -12.0, 0.0]);
    let n = at_agent.notice("a warning", |n| n["notice"]["state"] == "raised");
    check("notice event of the person in danger", "NoticeView", &n);
    let version = format!("/api/v1/notices/{}/versions/{}", text(&n, "/notice/id"), n["notice"]["version"]);
    agent.post(&format!("{version}/receipts"), &json!({"id": id(), "shown": false})).ok(204);
    let taken = json!({"id": id(), "alarms": [{"of": "notice", "id": n["notice"]["id"]}]});
    check("alarms taken", "AlarmList", &watch.post("/api/v1/alarms/take", &taken).ok(200));
    let over = json!({"id": id(), "from": "watch2", "note": "nothing"});
    check("shift change", "AlarmList", &watch.post("/api/v1/alarms/take-over", &over).ok(200));
    let open = sighting(0.0, 9_000.0, 5.0, "to1000");
    agent.post("/api/v1/sightings", &open).ok(201);
    let shelved = json!({"id": id(), "alarms": [{"of": "sighting", "id": open["id"]}], "for_s": 60, "why": "x"});
    check("alarms shelved", "AlarmList", &watch.post("/api/v1/alarms/shelve", &shelved).ok(200));
    check("figures of alarms", "AlarmFigures", &watch.see("/api/v1/alarms/figures"));
    at_watch.wait("the alarm in hand", |e| e.name == "alarm");
    at_watch.wait("the shift change", |e| e.name == "shift");
    let done = agent.post(&format!("{version}/acknowledgements"), &json!({"id": id()})).ok(201);
    check("acknowledgement", "Acknowledged", &done);
    at_watch.wait("tracks", |e| e.name == "tracks" && !e.data["features"].as_array().unwrap().is_empty());
    at_watch.wait("dangers", |e| e.name == "dangers" && !items(&e.data).is_empty());

    let other = Flight::start(centre.scene.tcp, "1581F4SCHEMB", [300.0, 900.0, 30.0], [0.0, 0.0, 0.0]);
    let [one, two] = ["1581F4SCHEMA", "1581F4SCHEMB"].map(|serial| super::tracks::of(&watch, serial));
    let on = |track: &Value, what: &str| format!("/api/v1/tracks/{}/{what}", text(track, "/id"));
    let called = json!({"id": id(), "class": "drone", "affiliation": "suspect", "why": "seen"});
    check("classification", "TrackDecided", &watch.post(&on(&two, "classifications"), &called).ok(200));
    let same = json!({"id": id(), "with": two["id"], "why": "one light"});
    let merged = watch.post(&on(&one, "merges"), &same).ok(200);
    check("merge", "TrackDecided", &merged);
    let part = json!({"of": "identity", "kind": "serial", "value": "1581F4SCHEMB"});
    let split = json!({"id": id(), "part": part, "why": "two lights"});
    check("split", "TrackDecided", &watch.post(&on(&merged["track"], "splits"), &split).ok(200));
    other.end();

    // Every GET, by each who may.
    let mut checked = 0;
    for (method, template, operation) in operations(&document) {
        let Some((kind, content)) = operation["responses"]["200"]["content"].as_object().and_then(|c| c.iter().next())
        else {
            continue;
        };
        // The state of a link that nobody has made is tried with enrolment.
        if method != "get" || template.contains("{link}") {
            continue;
        }
        let path = template
            .replace("people/{id}", "people/agent-a1")
            .replace("sightings/{id}", &format!("sightings/{}", text(&report, "/id")))
            .replace("intelligence/{id}", &format!("intelligence/{}", text(&known, "/report")))
            .replace("bulletins/{id}", &format!("bulletins/{}", text(&bulletin, "/notice")))
            .replace("searches/{id}", &format!("searches/{}", text(&kept, "/id")))
            .replace("notices/{id}", &format!("notices/{}", text(&n, "/notice/id")));
        for client in [&watch, &lead, &agent, &auditor] {
            let answer = client.get(&path);
            if answer.status == 403 {
                continue;
            }
            if answer.status == 404 && client.person != "watch" && path.contains("/searches/") {
                continue;
            }
            // lead-a is not on the warning's list while nobody is silent.
            if answer.status == 404 && client.person == "lead-a" && path.contains("/notices/") {
                continue;
            }
            let value = if kind.starts_with("text/") { json!(answer.text()) } else { answer.ok(200) };
            let found = problems(&document, &content["schema"], &value);
            assert!(found.is_empty(), "{} {path}:\n{}", client.person, found.join("\n"));
            assert_eq!(answer.header("content-type"), Some(kind.as_str()), "{path}");
            // Nobody's sign-in is being reset here: that list has its own test.
            if client.person == "watch" && value.get("items").is_some() && path != "/api/v1/resets" {
                assert!(!items(&value).is_empty(), "{path} has nothing to check");
            }
            checked += 1;
        }
    }
    assert!(checked > 25, "{checked}");
    drone.end();

    for stream in [&mut at_watch, &mut at_agent] {
        stream.heartbeat();
        for e in &stream.seen {
            let schema = match e.name.as_str() {
                "notice" => "NoticeView",
                "sighting" => "SightingView",
                "dangers" => "DangerList",
                "status" => "Status",
                "person" => "Person",
                "directory" => "DirectoryChanged",
                "alarm" => "Alarm",
                "shift" => "Shift",
                "flood" => "Flood",
                "search" => "SearchNews",
                "bulletin" => "Bulletin",
                "intelligence" => "ReportChanged",
                "tracks" => "FeatureCollection",
                "hello" | "heartbeat" => continue,
                other => panic!("an event that the API does not name: {other}"),
            };
            let mut value = e.data.clone();
            if e.name == "tracks" {
                value["type"] = json!("FeatureCollection");
            }
            check(&e.name, schema, &value);
        }
    }
    check("problem", "Problem", &agent.get("/api/v1/tracks").problem(403, "forbidden"));
    centre.anybody().get("/api/v1/me").problem(401, "signed_out");
}

#[test]
fn a_source_speaks_with_its_token_only_for_itself_and_a_revoked_token_says_nothing() {
    let mut centre = Centre::start();
    let integrator = centre.person("integrator");
    let mut at_watch = centre.events("watch");
    let made = integrator.post("/api/v1/tokens", &json!({"id": id(), "name": "box 1", "source": "box-1"})).ok(201);
    let listed = integrator.see("/api/v1/tokens");
    assert!(!listed.to_string().contains(text(&made, "/secret")), "a secret is shown once");
    let source = centre.anybody().with_token(text(&made, "/secret"));
    let good = crate::support::drone_line("1581F4TOKEN01", 500.0, 0.0, 50.0, [0.0; 3]).to_string();
    let forged = good.replacen("{\"", "{\"source\":\"radar\",\"", 1);
    let taken =
        source.send("POST", "/api/v1/observations", &[], format!("{good}\n{forged}\nnonsense\n").as_bytes()).ok(202);
    assert_eq!(taken["taken"], 1);
    let reasons: Vec<(u64, &str)> = taken["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| (r["line"].as_u64().unwrap(), text(r, "/reason")))
        .collect();
    assert_eq!(reasons[0], (2, "source"));
    assert_eq!(reasons[1].0, 3);
    let seen = at_watch.wait("the track", |e| e.name == "tracks" && !e.data["features"].as_array().unwrap().is_empty());
    assert_eq!(seen.data["features"][0]["properties"]["sources"], json!(["box-1"]));
    let sources = integrator.see("/api/v1/sources");
    let row = items(&sources).iter().find(|s| s["id"] == "box-1").unwrap();
    assert_eq!((&row["received"], &row["decoded"], &row["refused"]["source"]), (&json!(3), &json!(1), &json!(1)));

    let tokens = integrator.see("/api/v1/tokens");
    let token = text(&items(&tokens)[0], "/id").to_owned();
    assert_eq!(integrator.send("DELETE", &format!("/api/v1/tokens/{token}"), &[], b"").status, 204);
    source.send("POST", "/api/v1/observations", &[], good.as_bytes()).problem(401, "signed_out");
}
