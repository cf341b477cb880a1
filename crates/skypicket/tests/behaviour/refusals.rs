//! What is refused at the door, how, and what stands in every answer's headers.

use crate::support::{Answer, Centre, Client, Feed, SOON, drone_line, id, items, position, sighting, text, until};
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");

fn post(client: &Client, path: &str, body: &str) -> Answer {
    client.send("POST", path, &[JSON], body.as_bytes())
}

/// A problem document of one of these statuses; its code.
#[track_caller]
fn refused(what: &str, answer: &Answer, statuses: &[u16]) -> String {
    assert!(statuses.contains(&answer.status), "{what}: {answer}");
    let code = text(&answer.json(), "/code").to_owned();
    answer.problem(answer.status, &code);
    code
}

#[test]
fn bodies_that_are_not_strict_json_or_do_not_fit_are_refused_with_a_problem_document() {
    let mut centre = Centre::start();
    let agent = centre.person("agent-a1");
    let report = sighting(0.0, 0.0, 10.0, "to300");
    let good = report.to_string();
    let with = |old: &str, new: &str| {
        assert!(good.contains(old), "{old} is not in {good}");
        good.replacen(old, new, 1)
    };
    let deep = format!("{}{}", "[".repeat(1_000), "]".repeat(1_000));
    let many = format!("[{}0]", "0,".repeat(100_000));
    // What is not strict JSON.
    for (what, body) in [
        ("nothing", String::new()),
        ("half", good.chars().take(good.len() / 2).collect()),
        ("a key twice", good.replacen('{', "{\"count\":1,", 1)),
        ("a key twice, inside", with("\"lat_deg\":", "\"lat_deg\":1.0,\"lat_deg\":")),
        ("a key twice, written differently", good.replacen('{', "{\"\\u0063ount\":1,", 1)),
        ("NaN", with("\"count\":1", "\"count\":NaN")),
        ("Infinity", with("\"from_accuracy_m\":8.0", "\"from_accuracy_m\":Infinity")),
        ("a huge number", with("\"from_accuracy_m\":8.0", "\"from_accuracy_m\":1e400")),
        ("1,000 deep", with("\"words\":\"over the wash, slow\"", &format!("\"words\":{deep}"))),
        ("100,000 numbers", many),
        ("something after the end", format!("{good} true")),
        ("a comment", format!("/* */ {good}")),
        ("single quotes", good.replace('"', "'")),
    ] {
        let code = refused(what, &post(&agent, "/api/v1/sightings", &body), &[400]);
        assert_eq!(code, "bad_json", "{what}");
    }
    let not_utf8 = agent.send("POST", "/api/v1/sightings", &[JSON], &[good.as_bytes(), b"\xff"].concat());
    assert_eq!(refused("not UTF-8", &not_utf8, &[400]), "bad_json");
    // What does not fit.
    for (what, body) in [
        ("a wrong type", with("\"count\":1", "\"count\":\"one\"")),
        ("a number out of its type", with("\"count\":1", "\"count\":70000")),
        ("a fraction of a drone", with("\"count\":1", "\"count\":1.5")),
        ("no drone", with("\"count\":1", "\"count\":0")),
        ("an unknown field", good.replacen('{', "{\"colour\":\"red\",", 1)),
        ("an unknown kind", with("\"multirotor\"", "\"balloon\"")),
        ("no id", with(text(&report, "/id"), "")),
        ("a missing field", with("\"from_accuracy_m\":8.0,", "")),
        ("a place that is none", with("\"lat_deg\":31.76", "\"lat_deg\":91.76")),
        ("an accuracy of nothing", with("\"from_accuracy_m\":8.0", "\"from_accuracy_m\":0.0")),
        ("an azimuth beyond the circle", with("\"azimuth_deg\":10.0", "\"azimuth_deg\":360.0")),
        ("too many words", with("over the wash, slow", &"x".repeat(2_001))),
        ("an array", format!("[{good}]")),
        ("null", "null".into()),
    ] {
        refused(what, &post(&agent, "/api/v1/sightings", &body), &[422]);
    }
    let large = with("over the wash, slow", &"x".repeat(300_000));
    assert_eq!(refused("300 kB", &post(&agent, "/api/v1/sightings", &large), &[413]), "too_large");
    // And said so before it is sent, it is not taken either; the next request still gets its answer.
    let claims = agent.knock("POST", "/api/v1/sightings", &[JSON, ("x-pad", "y")], large.as_bytes());
    assert_eq!(claims.status, 413);

    assert!(items(&agent.see("/api/v1/sightings")).is_empty(), "none of it was taken");
    agent.post("/api/v1/sightings", &report).ok(201);

    let mut far = position(0.0, 0.0);
    far["accuracy_m"] = json!(-1.0);
    refused("accuracy", &agent.post("/api/v1/positions", &far), &[422]);
    let lead = centre.person("lead-a");
    let mut flight = json!({
        "id": id(), "unit": "nowhere", "serial": "X", "centre": {"lat_deg": 1.0, "lon_deg": 1.0}, "radius_m": 10.0,
        "from": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z",
    });
    refused("no such unit", &lead.post("/api/v1/own-flights", &flight), &[422]);
    flight["unit"] = json!("a");
    flight["until"] = json!("2025-01-01T00:00:00Z");
    refused("ends before it begins", &lead.post("/api/v1/own-flights", &flight), &[422]);
}

#[test]
fn a_request_from_another_sites_page_a_wrong_method_and_an_unknown_path_are_problems_too() {
    let mut centre = Centre::start();
    let agent = centre.person("agent-a1");
    let body = position(0.0, 0.0).to_string();
    let own = format!("http://{}", agent.address());
    for (headers, status) in [
        (vec![("origin", "https://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("sec-fetch-site", "cross-site")], 403),
        (vec![("sec-fetch-site", "same-site")], 403),
        (vec![("origin", own.as_str()), ("sec-fetch-site", "cross-site")], 403),
        (vec![("origin", own.as_str()), ("sec-fetch-site", "same-origin")], 201),
    ] {
        let mut headers = headers;
        headers.push(JSON);
        let answer = agent.send("POST", "/api/v1/positions", &headers, body.as_bytes());
        if status == 403 {
            answer.problem(403, "forbidden");
        } else {
            answer.ok(status);
        }
    }
    // Reading from elsewhere is harmless: the answer does not reach the other page.
    assert_eq!(agent.send("GET", "/api/v1/me", &[("origin", "https://evil.example")], b"").status, 200);

    agent.send("PATCH", "/api/v1/me", &[], b"").problem(405, "method_not_allowed");
    agent.send("DELETE", "/api/v1/sightings", &[], b"").problem(405, "method_not_allowed");
    agent.get("/api/v1/nothing").problem(404, "not_found");
    agent.get("/api/v2/me").problem(404, "not_found");
    agent.get("/api/").problem(404, "not_found");
    for bad in [
        "/api/v1/sightings/not-an-id",
        "/api/v1/notices/1/versions/x/receipts",
        "/api/v1/sightings?limit=lots",
        "/api/v1/sightings?colour=red",
    ] {
        let answer = if bad.ends_with("receipts") {
            agent.post(bad, &json!({"id": id(), "shown": true}))
        } else {
            agent.get(bad)
        };
        assert!((400..500).contains(&answer.status), "{bad}: {answer}");
        answer.problem(answer.status, text(&answer.json(), "/code"));
    }
    let nobody = centre.anybody();
    nobody.get("/api/v1/me").problem(401, "signed_out");
    nobody.send("GET", "/api/v1/me", &[("cookie", "skypicket_session=forged")], b"").problem(401, "signed_out");
    nobody.send("POST", "/api/v1/sessions", &[JSON], b"{\"link\":\"x\"}").problem(401, "wrong_sign_in");
    nobody
        .send("POST", "/api/v1/sessions", &[JSON], b"{\"name\":\"watch\",\"password\":\"0123456789\"}")
        .problem(401, "wrong_sign_in");
}

#[test]
fn the_pages_are_served_and_every_answer_keeps_a_page_to_itself() {
    let mut centre = Centre::start();
    let agent = centre.person("agent-a1");
    for path in ["/", "/field/", "/api/v1/me", "/api/v1/nothing", "/healthz", "/nothing"] {
        let answer = agent.get(path);
        let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{path} has no policy"));
        for rule in ["default-src '", "script-src 'self';", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert!(
            !policy.contains("unsafe-eval") && !policy.contains('*') && !policy.contains("http"),
            "{path}: {policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(answer.header("x-request-id").map(str::len), Some(36), "{path}");
        assert!(answer.header("server").is_none() && answer.header("access-control-allow-origin").is_none());
        if path.starts_with("/api/") {
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        }
    }
    for page in ["/", "/field/"] {
        let answer = centre.anybody().get(page);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")), "{page}");
        let html = answer.text();
        assert!(html.to_lowercase().contains("skypicket"), "{html}");
        // Every script and style that it names is there, as what it is.
        let mut named = 0;
        for part in html.split(['"', '\'']) {
            let kind = match std::path::Path::new(part).extension().and_then(|e| e.to_str()) {
                Some("js") => "text/javascript",
                Some("css") => "text/css",
                _ => continue,
            };
            let path = if part.starts_with('/') {
                part.to_owned()
            } else {
                format!("{page}{}", part.trim_start_matches("./"))
            };
            let file = centre.anybody().get(&path);
            assert_eq!(file.status, 200, "{page} names {part}");
            assert!(file.header("content-type").unwrap().starts_with(kind), "{part}");
            named += 1;
        }
        assert!(named >= 2, "{page} names no script and style: {html}");
        let etag = answer.header("etag").unwrap().to_owned();
        assert_eq!(agent.send("GET", page, &[("if-none-match", &etag)], b"").status, 304);
    }
    assert_eq!(agent.get("/field").status, 308);
    assert_eq!(agent.get("/../../etc/passwd").status, 404);
    assert_eq!(agent.get("/healthz").status, 200);
    assert_eq!(agent.get("/readyz").status, 200);
    let metrics = agent.get("/metrics").text();
    assert!(metrics.contains("skypicket_record_entries_total"), "{metrics}");
    for name in ["agent-a1", "31.76"] {
        assert!(!metrics.contains(name), "metrics hold {name}");
    }
    // The session's cookie cannot be read by a script nor sent from elsewhere.
    let link = centre.person("watch").post("/api/v1/people/agent-a2/sign-in-links", &json!({"id": id()})).ok(201);
    let secret = text(&link, "/url").split_once("#sign-in=").unwrap().1.to_owned();
    let answer = centre.anybody().post("/api/v1/sessions", &json!({"link": secret}));
    let cookie = answer.header("set-cookie").unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict") && cookie.contains("Path=/"), "{cookie}");
    // A link is for one time.
    centre.anybody().post("/api/v1/sessions", &json!({"link": secret})).problem(401, "wrong_sign_in");
}

#[test]
fn a_password_signs_in_a_wrong_one_does_not_and_signing_out_ends_the_session() {
    let mut centre = Centre::start();
    let mut agent = centre.person("agent-a1");
    assert_eq!(agent.see("/api/v1/me")["must_set_password"], true);
    let short = agent.send("PUT", "/api/v1/me/password", &[JSON], b"{\"password\":\"short\"}");
    refused("a short password", &short, &[422]);
    let body = json!({"password": "correct horse battery"}).to_string();
    let set = agent.send("PUT", "/api/v1/me/password", &[JSON], body.as_bytes());
    assert_eq!(set.status, 204);
    agent.get("/api/v1/me").problem(401, "signed_out");
    agent.take_cookie(&set);
    assert_eq!(agent.see("/api/v1/me")["must_set_password"], false);
    let mut again = centre.anybody();
    let answer = again.post("/api/v1/sessions", &json!({"name": "agent-a1", "password": "correct horse battery"}));
    answer.ok(200);
    again.take_session(&answer);
    let wrong = centre.anybody().post("/api/v1/sessions", &json!({"name": "agent-a1", "password": "correct horse"}));
    wrong.problem(401, "wrong_sign_in");
    // The password is nowhere in the folder.
    assert_eq!(again.send("DELETE", "/api/v1/sessions/current", &[], b"").status, 204);
    again.get("/api/v1/me").problem(401, "signed_out");
    assert_eq!(agent.see("/api/v1/me")["person"]["id"], "agent-a1", "the other session goes on");
    assert_eq!(centre.terminate().status.code(), Some(0));
    for file in std::fs::read_dir(centre.record()).unwrap() {
        let file = file.unwrap();
        if !file.file_type().unwrap().is_file() {
            continue; // the control socket of the centre that ran here
        }
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(!bytes.windows(21).any(|w| w == b"correct horse battery"));
    }
}

#[test]
fn a_source_that_sends_nonsense_is_counted_by_reason_and_its_good_lines_are_taken() {
    let mut centre = Centre::start();
    let watch = centre.person("watch");
    let mut at_watch = centre.events("watch");
    let mut feed = Feed::connect(centre.scene.tcp);
    let good = drone_line("1581F4GOOD0001", 400.0, 400.0, 40.0, [0.0; 3]).to_string();
    for line in [
        "garbage",
        "{\"type\":\"observation\"}",
        &good.replace("wifi_beacon\"", "wifi_beacon\",\"transport\":\"x\""),
        &good.replace("\"lla\"", "\"colour\":1,\"lla\""),
        &good.replacen('{', "{\"source\":\"someone-else\",", 1),
        &"[".repeat(2_000),
        &"y".repeat(70_000),
    ] {
        feed.raw(line.as_bytes());
        feed.raw(good.as_bytes());
    }
    at_watch.wait("the good lines", |e| e.name == "tracks" && !e.data["features"].as_array().unwrap().is_empty());
    let row = until("all lines counted", SOON, || {
        let sources = watch.see("/api/v1/sources");
        let row = items(&sources).iter().find(|s| s["id"] == "radar").cloned()?;
        (row["decoded"].as_u64()? >= 7).then_some(row)
    });
    let refused: u64 = row["refused"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!((row["decoded"].as_u64(), refused), (Some(7), 7), "{row}");
    assert!(row["refused"].as_object().unwrap().len() >= 4, "by reason: {row}");
    assert_eq!(row["refused"]["source"], json!(1), "{row}");

    // The same over UDP, a datagram each.
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for datagram in ["nonsense", good.as_str()] {
        socket.send_to(datagram.as_bytes(), centre.scene.udp).unwrap();
    }
    let row: Value = until("both datagrams counted", SOON, || {
        let sources = watch.see("/api/v1/sources");
        let row = items(&sources).iter().find(|s| s["id"] == "field-rid").cloned()?;
        (row["decoded"] == 1 && row["refused"].as_object()?.values().map(|n| n.as_u64().unwrap_or(0)).sum::<u64>() == 1)
            .then_some(row)
    });
    assert!(row["last_heard"].is_string());
    assert!(centre.runs());
}
