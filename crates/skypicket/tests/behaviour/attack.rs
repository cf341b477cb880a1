//! Attacks, each by its name; what they are for stands in `docs/security/threat-model.md`. Those on sign-in, TLS and
//! machines stand beside those features.

use crate::support::{Centre, Client, Events, SOON, id, items, position, sighting, text, until};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Every operation of the document that changes something: method and path, with ids that exist nowhere.
fn changes(document: &Value) -> Vec<(String, String)> {
    let nothing = "018f0000-0000-7000-8000-000000000000";
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |m| (m.to_uppercase(), path.clone())))
        .filter(|(method, _)| method != "GET")
        .map(|(method, path)| {
            let path = path.replace("people/{id}", "people/agent-a2").replace("{id}", nothing).replace("{v}", "1");
            (method, path)
        })
        .collect()
}

#[test]
fn csrf_another_sites_page_changes_nothing_in_anybodys_name() {
    let mut centre = Centre::start();
    let watch = centre.person("watch");
    let document = watch.see("/api/v1/openapi.json");
    let all = changes(&document);
    assert!(all.len() > 10);
    let forms = [("content-type", "text/plain"), ("content-type", "application/x-www-form-urlencoded"), JSON];
    for (method, path) in &all {
        if path.contains("/observations") {
            continue; // by token only: a browser never adds one by itself; one in a password is tested with feeds
        }
        for from in [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")] {
            for form in forms {
                let answer = watch.send(method, path, &[from, form], b"{\"id\":\"x\"}");
                assert_eq!(answer.status, 403, "{method} {path} {from:?} {form:?}: {answer}");
            }
        }
        // Nor does it sign its visitor in as somebody else.
        let nobody = centre.anybody();
        nobody.send(method, path, &[("origin", "https://evil.example"), JSON], b"{}").problem(403, "forbidden");
    }
    watch.see("/api/v1/me");
}

#[test]
fn clickjacking_no_page_or_answer_can_be_framed() {
    let mut centre = Centre::start();
    let watch = centre.person("watch");
    for path in ["/", "/field/", "/office/", "/nothing", "/api/v1/me", "/api/v1/nothing", "/healthz"] {
        let answer = watch.get(path);
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("unsafe-eval"), "{path}: {policy}");
    }
}

#[test]
fn path_traversal_gives_nothing_but_the_pages() {
    let centre = Centre::start();
    let nobody = centre.anybody();
    let secret = std::fs::read(centre.record().join("checkpoint.key")).unwrap();
    for path in [
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/record.db",
        "/assets/../../record.db",
        "/assets/..%5c..%5crecord.db",
        "/field/../checkpoint.key",
        "/field/%00index.html",
        "//etc/passwd",
        "/etc/passwd",
        "/data/live/checkpoint.key",
        "/api/v1/../../checkpoint.key",
        "/api/v1/basemap/../../../checkpoint.key",
        "/index.html%00.png",
        "/C:/windows/win.ini",
        "/.git/config",
    ] {
        let answer = nobody.knock("GET", path, &[], b"");
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        let whole = nobody.try_send("GET", path, &[], b"").unwrap();
        assert!(!whole.body.windows(secret.len()).any(|w| w == secret), "{path}");
        assert!(!whole.text().contains("root:"), "{path}");
    }
}

#[test]
fn slow_clients_are_cut_off_and_cost_the_others_nothing() {
    let mut centre = Centre::start();
    let agent = centre.person("agent-a1");
    let connect = || {
        let stream = TcpStream::connect(agent.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        stream
    };
    let cookie = agent.cookie().unwrap();
    let mut slow = Vec::new();
    for n in 0..100 {
        let mut stream = connect();
        // Half of them never end their head, half never send the body that they promised.
        let text = if n % 2 == 0 {
            "POST /api/v1/sightings HTTP/1.1\r\nhost: x\r\nx-slow: ".to_owned()
        } else {
            format!(
                "POST /api/v1/sightings HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\n{}: {}\r\ncontent-length: 4096\r\n\r\n{{\"id\":",
                agent.address(),
                JSON.0,
                JSON.1
            )
        };
        stream.write_all(text.as_bytes()).unwrap();
        slow.push(stream);
    }
    let began = Instant::now();
    agent.post("/api/v1/sightings", &sighting(0.0, 0.0, 10.0, "to300")).ok(201);
    assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    // Each is told, or simply closed, in bounded time.
    for mut stream in slow {
        let mut answer = Vec::new();
        // A reset is an end too.
        #[allow(clippy::disallowed_methods)] // bounded by `take`
        let _ = (&mut stream).take(4_096).read_to_end(&mut answer);
        assert!(began.elapsed() < Duration::from_secs(35), "{:?}", began.elapsed());
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 4"), "{text}");
    }
}

#[test]
fn a_flood_of_event_streams_of_one_person_closes_their_own_oldest_and_nobody_elses() {
    let mut centre = Centre::start();
    let agent = centre.person("agent-a1");
    let mut at_watch = centre.events("watch");
    let mut mine: Vec<Events> = (0..40).map(|_| Events::open(&agent)).collect();
    let newest = mine.last_mut().unwrap();
    newest.heartbeat();
    at_watch.heartbeat();
    let ended = |e: &mut Events| loop {
        match e.next(Duration::from_millis(300)) {
            Ok(Some(_)) => {}
            Ok(None) => return false,
            Err(_) => return true,
        }
    };
    let closed = mine.iter_mut().take(24).filter_map(|e| ended(e).then_some(())).count();
    assert_eq!(closed, 24, "the oldest end");
    // The person is still reached by those that are left, and by a new one.
    let metrics = centre.anybody().get("/metrics").text();
    let open = metrics.lines().find_map(|l| l.strip_prefix("skypicket_event_streams ")).unwrap();
    assert!(open.parse::<f64>().unwrap() <= 17.0, "{open}");
    drop(mine);
    let watch = centre.person("watch");
    until("nothing reaches the agent any more", SOON, || {
        let people = watch.see("/api/v1/people");
        items(&people).iter().any(|p| p["id"] == "agent-a1" && p["unreachable"] == true).then_some(())
    });
}

#[test]
fn enumeration_what_is_not_yours_answers_as_what_is_not_there() {
    let mut centre = Centre::start();
    let [theirs, mine] = ["agent-b1", "agent-a1"].map(|p| centre.person(p));
    let report = sighting(0.0, 0.0, 10.0, "to300");
    theirs.post("/api/v1/sightings", &report).ok(201);
    let there = text(&report, "/id").to_owned();
    let nowhere = id();
    let same = |client: &Client, method: &str, path: &dyn Fn(&str) -> String, body: &Value| {
        let ask = |which: &str| {
            let answer = client.send(method, &path(which), &[JSON], body.to_string().as_bytes());
            let mut problem = answer.json();
            problem["request_id"] = Value::Null;
            (answer.status, problem.to_string().replace(which, "ID"))
        };
        assert_eq!(ask(&there), ask(&nowhere), "{method} {}", path("ID"));
    };
    same(&mine, "GET", &|i| format!("/api/v1/sightings/{i}"), &Value::Null);
    same(&mine, "POST", &|i| format!("/api/v1/sightings/{i}/retraction"), &json!({"id": id()}));
    same(&mine, "POST", &|i| format!("/api/v1/notices/{i}/versions/1/receipts"), &json!({"id": id(), "shown": true}));
    same(&mine, "POST", &|i| format!("/api/v1/notices/{i}/versions/1/acknowledgements"), &json!({"id": id()}));
    // An id that somebody else used for a request says no more than one that nobody used.
    let mut again = position(0.0, 0.0);
    again["id"] = report["id"].clone();
    let answer = mine.post("/api/v1/positions", &again);
    assert!([201, 404].contains(&answer.status), "{answer}");
}
