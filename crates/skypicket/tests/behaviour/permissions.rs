//! Who may call what, for every operation of the document; and that every answer is as the document says.

use super::schema::{named, problems};
use crate::support::{Centre, Client, Flight, Scene, id, items, position, sighting, text, time_text};
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
    ("get", "/api/v1/tracks", "supervisor watch analyst integrator auditor"),
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
    ("get", "/api/v1/tokens", "integrator administrator"),
    ("post", "/api/v1/tokens", "integrator administrator"),
    ("delete", "/api/v1/tokens/{id}", "integrator administrator"),
    ("get", "/api/v1/basemap", SIGNED_IN),
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

/// Who the document says may.
fn documented(operation: &Value) -> String {
    let security = operation["security"].as_array().unwrap();
    match (security.first(), operation.get("x-roles")) {
        (None, None) => ANYONE.into(),
        (Some(s), None) if s.get("token").is_some() => SOURCE.into(),
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
        for (caller, client) in &callers {
            let may = match who.as_str() {
                ANYONE => true,
                SIGNED_IN => !["nobody", "token"].contains(caller),
                SOURCE => *caller == "token",
                roles => sorted(roles).contains(caller),
            };
            // The one rule that the table cannot hold: live, a watch officer makes no links.
            let may = may && !(*caller == "watch" && template.ends_with("/sign-in-links"));
            // A body that is refused as such, by whoever is let in.
            let body: &[u8] = if method == "get" || method == "delete" { b"" } else { b"{\"no\":1}" };
            let answer = client.knock(&method.to_uppercase(), &path, &[("content-type", "application/json")], body);
            let closed = if ["nobody", "token"].contains(caller) || who == SOURCE { 401 } else { 403 };
            let fits =
                if may { ![401, 403].contains(&answer.status) && answer.status < 500 } else { answer.status == closed };
            // Making a link with a wrong body is refused before the rule above is asked.
            let fits = fits || *caller == "watch" && template.ends_with("/sign-in-links") && answer.status == 422;
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
        assert_eq!(status, if ["nobody", "token"].contains(caller) { 401 } else { 204 }, "{caller}");
        client.get("/api/v1/me").problem(401, "signed_out");
    }
}

#[test]
fn every_answer_and_event_is_as_the_document_says() {
    let mut centre = Centre::start_with(Scene::new(), &[]);
    let document = centre.anybody().see("/api/v1/openapi.json");
    let [watch, lead, agent] = ["watch", "lead-a", "agent-a1"].map(|p| centre.person(p));
    let mut at_watch = centre.events("watch");
    let mut at_agent = centre.events("agent-a1");
    let check = |what: &str, schema: &str, value: &Value| {
        let found = problems(&document, named(&document, schema), value);
        assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
    };

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
    check("position", "Only", &agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201));
    let token = watch.post("/api/v1/tokens", &json!({"id": id(), "name": "t", "source": "api"})).ok(201);
    check("token", "Token", &token);
    let own = json!({
        "id": id(), "unit": "b", "serial": "OWN1", "centre": {"lat_deg": 31.9, "lon_deg": -106.49}, "radius_m": 100.0,
        "from": time_text(0.0), "until": time_text(600.0),
    });
    check("own flight", "OwnFlight", &watch.post("/api/v1/own-flights", &own).ok(201));
    check("link", "SignInLink", &watch.post("/api/v1/people/agent-a2/sign-in-links", &json!({"id": id()})).ok(201));
    let source = centre.anybody().with_token(text(&token, "/secret"));
    let taken = source.send("POST", "/api/v1/observations", &[], b"{\"bad\":1}\n{\"t\":1}\n").ok(202);
    check("observations", "Taken", &taken);
    assert_eq!((&taken["taken"], taken["refused"].as_array().unwrap().len()), (&json!(0), 2));

    let drone = Flight::start(centre.scene.tcp, "1581F4SCHEMA1", [0.0, 500.0, 30.0], [0.0, -12.0, 0.0]);
    let n = at_agent.notice("a warning", |n| n["notice"]["state"] == "raised");
    check("notice event of the person in danger", "NoticeView", &n);
    let version = format!("/api/v1/notices/{}/versions/{}", text(&n, "/notice/id"), n["notice"]["version"]);
    agent.post(&format!("{version}/receipts"), &json!({"id": id(), "shown": false})).ok(204);
    let done = agent.post(&format!("{version}/acknowledgements"), &json!({"id": id()})).ok(201);
    check("acknowledgement", "Acknowledged", &done);
    at_watch.wait("tracks", |e| e.name == "tracks" && !e.data["features"].as_array().unwrap().is_empty());
    at_watch.wait("dangers", |e| e.name == "dangers" && !items(&e.data).is_empty());

    // Every GET, by each who may.
    let mut checked = 0;
    for (method, template, operation) in operations(&document) {
        let Some((kind, content)) = operation["responses"]["200"]["content"].as_object().and_then(|c| c.iter().next())
        else {
            continue;
        };
        if method != "get" {
            continue;
        }
        let path = template
            .replace("sightings/{id}", &format!("sightings/{}", text(&report, "/id")))
            .replace("notices/{id}", &format!("notices/{}", text(&n, "/notice/id")));
        for client in [&watch, &lead, &agent] {
            let answer = client.get(&path);
            if answer.status == 403 {
                continue;
            }
            // lead-a is not on the warning's list while nobody is silent.
            if answer.status == 404 && client.person == "lead-a" && path.contains("/notices/") {
                continue;
            }
            let value = answer.ok(200);
            let found = problems(&document, &content["schema"], &value);
            assert!(found.is_empty(), "{} {path}:\n{}", client.person, found.join("\n"));
            assert_eq!(answer.header("content-type"), Some(kind.as_str()), "{path}");
            if client.person == "watch" && value.get("items").is_some() {
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
