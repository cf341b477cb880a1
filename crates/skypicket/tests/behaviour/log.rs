//! The log of a whole day with everything in it, at its most talkative: no secret, no session, nobody's words, nobody's place.

use crate::support::{
    Centre, Events, Feed, Flight, SOON, Scene, Tak, at, drone_line, id, items, position, sighting, tak, text, until,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
};

/// What must not be in a log.
#[derive(Default)]
struct Never {
    words: BTreeSet<(String, String)>,
}

impl Never {
    /// A secret, or something that was typed.
    fn say(&mut self, what: &str, word: &str) {
        assert!(word.len() >= 4, "too short to look for: {what}");
        self.words.insert((what.to_owned(), word.to_owned()));
    }

    /// A secret, its hash, and the id of a session that is made from that.
    fn say_secret(&mut self, what: &str, secret: &str) {
        self.say(what, secret);
        let hash = Sha256::digest(secret.as_bytes()).iter().fold(String::new(), |s, b| format!("{s}{b:02x}"));
        self.say(&format!("{what}, the id made of it"), hash.get(..16).unwrap());
    }

    /// Every number of degrees in an answer or a message: as it stands there, and cut to four decimals.
    fn say_places(&mut self, value: &Value) {
        match value {
            Value::Number(n) => {
                let text = n.to_string();
                if let Some((whole, decimals)) = text.split_once('.')
                    && ["31", "-106", "32", "-107"].contains(&whole)
                    && decimals.len() >= 4
                {
                    self.say("a place", &format!("{whole}.{}", decimals.get(..4).unwrap()));
                }
            }
            Value::Array(all) => all.iter().for_each(|v| self.say_places(v)),
            Value::Object(all) => all.values().for_each(|v| self.say_places(v)),
            _ => {}
        }
    }

    fn say_event(&mut self, event: &Value) {
        self.say_places(event);
        if let Some(t) = event["notice"]["text"].as_str() {
            self.say("a warning's words", t);
        }
    }

    /// Where each is found, with the line.
    fn found(&self, log: &str) -> Vec<String> {
        let found = self.words.iter().filter_map(|(what, word)| {
            let line = log.lines().find(|l| l.contains(word.as_str()))?;
            Some(format!("{what} ({word}): {line}"))
        });
        found.collect()
    }
}

/// Numbers that look like degrees in this scene or the exercise's, however they came there.
fn degrees(log: &str) -> Vec<&str> {
    let number = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
    log.split(|c: char| !number(c))
        .filter(|w| {
            w.split_once('.').is_some_and(|(_, d)| d.len() >= 3)
                && w.parse::<f64>().is_ok_and(|x| (31.0..33.0).contains(&x) || (-108.0..-105.0).contains(&x))
        })
        .collect()
}

/// Without each line's own time: a second 31 or 32 with its decimals looks like degrees.
fn without_times(log: &str) -> String {
    let mut out = String::new();
    for line in log.lines() {
        match line.split_once("\"timestamp\":\"").and_then(|(before, rest)| Some((before, rest.split_once('"')?.1))) {
            Some((before, after)) => out.extend([before, after, "\n"]),
            None => out.extend([line, "\n"]),
        }
    }
    out
}

fn start(centre: &mut Centre) {
    let mut command = centre.command();
    command.env("SKYPICKET_LOG", "debug");
    centre.start_command(&mut command);
}

/// Every field of text that an input can carry.
const WORDS: &str = "zebra-words-of-a-report";

fn a_day(centre: &mut Centre, never: &mut Never) {
    let first_link = text(&centre.first_line, "/sign_in").split_once("#sign-in=").unwrap().1.to_owned();
    never.say_secret("the first link", &first_link);
    let watch = centre.person("watch");
    let agent = centre.person("agent-a1");
    for c in [&watch, &agent] {
        never.say_secret("a session", c.cookie().unwrap().split_once('=').unwrap().1);
    }
    // Passwords, right and wrong; a link that was used and one that never was.
    for (word, status) in [("short", 422), ("correct-horse-battery", 204)] {
        never.say("a password", word);
        assert_eq!(
            agent
                .send(
                    "PUT",
                    "/api/v1/me/password",
                    &[("content-type", "application/json")],
                    json!({"password": word}).to_string().as_bytes()
                )
                .status,
            status,
            "{word}"
        );
    }
    let mut again = centre.anybody();
    let answer = again.post("/api/v1/sessions", &json!({"name": "agent-a1", "password": "correct-horse-battery"}));
    answer.ok(200);
    again.take_session(&answer);
    never.say_secret("a session", again.cookie().unwrap().split_once('=').unwrap().1);
    // A new password ends the sessions that there were.
    let agent = again.clone();
    let again = centre.anybody();
    for (name, password) in [("agent-a1", "wrong-horse-battery"), ("typed-name-of-nobody", "another-wrong-one")] {
        never.say("a wrong password", password);
        again.post("/api/v1/sessions", &json!({"name": name, "password": password})).problem(401, "wrong_sign_in");
    }
    never.say("a name that was typed", "typed-name-of-nobody");
    again.post("/api/v1/sessions", &json!({"link": "a-link-of-nobodys-making"})).problem(401, "wrong_sign_in");
    never.say("a wrong link", "a-link-of-nobodys-making");
    let link = watch.post("/api/v1/people/agent-a2/sign-in-links", &json!({"id": id()})).ok(201);
    never.say_secret("a link", text(&link, "/url").split_once("#sign-in=").unwrap().1);
    let forged =
        centre.anybody().send("GET", "/api/v1/me", &[("cookie", "skypicket_session=a-session-of-nobodys")], b"");
    forged.problem(401, "signed_out");
    never.say("a forged session", "a-session-of-nobodys");

    // A source's token, right and wrong; its lines, good and bad.
    let token = watch.post("/api/v1/tokens", &json!({"id": id(), "name": "box", "source": "api"})).ok(201);
    never.say_secret("a token", text(&token, "/secret"));
    let good = drone_line("1581F4LOGHTTP1", 400.0, 300.0, 50.0, [0.0; 3]);
    never.say_places(&good);
    let bad = good.to_string().replace("\"t\":", "\"tt\":");
    let source = centre.anybody().with_token(text(&token, "/secret"));
    source.send("POST", "/api/v1/observations", &[], format!("{good}\n{bad}\n").as_bytes()).ok(202);
    centre.anybody().with_token("a-token-of-nobodys").send("POST", "/api/v1/observations", &[], b"{}");
    never.say("a forged token", "a-token-of-nobodys");

    // Places and words of people, right, wrong and cut off.
    let mut at_watch = centre.events("watch");
    let mut at_agent = Events::open(&agent);
    // Not on round degrees: all decimals count.
    let here = position(3.0, 4.0);
    let before = never.words.len();
    never.say_places(&here);
    assert_eq!(never.words.len(), before + 2, "it can be looked for");
    agent.post("/api/v1/positions", &here).ok(201);
    for spoil in ["lat_deg", "accuracy_m"] {
        let text = position(11.0, 12.0).to_string().replace(spoil, &format!("{spoil}_x"));
        agent.send("POST", "/api/v1/positions", &[("content-type", "application/json")], text.as_bytes());
    }
    let mut report = sighting(20.0, 30.0, 5.0, "to1000");
    report["words"] = json!(WORDS);
    never.say_places(&report);
    never.say("a report's words", WORDS);
    agent.post("/api/v1/sightings", &report).ok(201);
    let mut other = report.clone();
    other["words"] = json!(format!("{WORDS}, changed"));
    agent.post("/api/v1/sightings", &other).problem(409, "id_reused");
    agent.send(
        "POST",
        "/api/v1/sightings",
        &[("content-type", "application/json")],
        &report.to_string().as_bytes()[..90],
    );
    let path = format!("/api/v1/sightings/{}/triage", text(&report, "/id"));
    watch.post(&path, &json!({"id": id(), "verdict": {"is": "confirmed"}, "why": "why-words-of-the-watch"})).ok(200);
    never.say("why", "why-words-of-the-watch");

    // Lines over TCP and UDP, good, bad and too long; a frame that is none.
    let mut feed = Feed::connect(centre.scene.tcp);
    for line in [bad.as_bytes(), b"{\"lla\":[31.761234,-106.491234,1]}", b"31.767654 -106.497654 not json"] {
        feed.raw(line);
    }
    never.say("a bad line's place", "31.7612");
    never.say("a bad line's place", "-106.4976");
    feed.raw("x".repeat(300_000).as_bytes());
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    for line in [good.to_string(), bad, "\u{0}\u{1}31.763333".to_owned()] {
        udp.send_to(line.as_bytes(), centre.scene.udp).unwrap();
    }
    never.say("a datagram's place", "31.7633");

    // TAK: a client's place, its chat, and XML that is none.
    let mut client = centre.tak();
    let (lat, lon) = at(5.0, 6.0);
    never.say_places(&json!([lat, lon]));
    client.send(&tak::sa("TAK-agent-a1", "AGENT-A1", (lat, lon, 1_200.0)));
    client.ping();
    let mut broken = Tak::connect(centre.scene.tak);
    broken.send("<event version=\"2.0\" uid=\"TAK-agent-a2\" type=\"a-f-G\" how=\"m-g\" time=\"31.764444\"><point lat=\"31.764444\" lon=\"-106.494444\" hae=\"x\"/></evnt>");
    never.say("bad XML's place", "31.7644");

    // A drone, a warning, its receipts and its acknowledgement; a page that goes away in the middle.
    let flight = Flight::start(centre.scene.tcp, "1581F4LOGTCP01", [0.0, 500.0, 30.0], [0.0, -12.0, 0.0]);
    let n = at_agent.notice("the warning", |n| n["notice"]["state"] == "raised");
    let version = format!("/api/v1/notices/{}/versions/{}", text(&n, "/notice/id"), n["notice"]["version"]);
    agent.post(&format!("{version}/receipts"), &json!({"id": id(), "shown": true})).ok(204);
    agent.post(&format!("{version}/acknowledgements"), &json!({"id": id()})).ok(201);
    never.say("a warning's code", &format!("code {}", text(&n, "/notice/code")));
    client.wait("the warning by chat", |e| e.contains("type=\"b-t-f\"") || e.contains("type='b-t-f'"));
    at_watch.wait("tracks", |e| e.name == "tracks" && !e.data["features"].as_array().unwrap().is_empty());
    for stream in [&mut at_watch, &mut at_agent] {
        stream.heartbeat();
        stream.drain();
        stream.seen.iter().for_each(|e| never.say_event(&e.data));
    }
    flight.end();
    drop(at_agent);
    for path in ["people", "tracks", "sightings", "notices", "dangers", "sites", "deliveries", "doctor"] {
        never.say_places(&watch.see(&format!("/api/v1/{path}")));
    }

    // HTTP that is none, with something in it; a path and a query that hold what they should not.
    for raw in [
        "GET /?password=query-secret-1234 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GET /api/v1/people/31.765555?token=query-secret-1234 HTTP/1.1\r\nhost: x\r\nauthorization: Basic header-secret-1234\r\nconnection: close\r\n\r\n",
        "PUSH garbage-secret-1234\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(centre.address.get()).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(raw.as_bytes()).unwrap();
        let _ = stream.read(&mut [0; 4_096]);
    }
    for word in ["query-secret-1234", "header-secret-1234", "garbage-secret-1234", "31.7655"] {
        never.say("something in HTTP", word);
    }
    let key = std::fs::read_to_string(centre.record().join("checkpoint.key")).unwrap();
    // `PRIVATE+KEY+<name>+<number>+<base64>`: the last part may hold a plus of its own.
    never.say("the checkpoint key", key.trim().splitn(5, '+').last().unwrap());
}

#[test]
fn the_log_of_a_day_at_its_most_talkative_holds_no_secret_no_session_no_words_and_no_place() {
    let mut never = Never::default();
    let mut centre = Centre::start_with(Scene::new(), &[]);
    centre.terminate();
    start(&mut centre);
    a_day(&mut centre, &mut never);
    centre.terminate();
    // A start that recovers, and an end that is none.
    start(&mut centre);
    centre.person("lead-a");
    centre.kill();

    // The exercise, whose cast reports and moves by itself.
    centre.set_flags(&["--exercise", "first-light"]);
    centre.forget_first();
    start(&mut centre);
    let link = text(&centre.first_line, "/sign_in").split_once("#sign-in=").unwrap().1.to_owned();
    never.say_secret("the exercise's link", &link);
    let watch = centre.first();
    let mut stream = Events::open(&watch);
    until("a track of the exercise", SOON * 2, || {
        let tracks = watch.see("/api/v1/tracks");
        (!tracks["features"].as_array().unwrap().is_empty()).then_some(())
    });
    for path in ["people", "tracks", "sightings", "notices", "dangers", "sites"] {
        never.say_places(&watch.see(&format!("/api/v1/{path}")));
    }
    assert!(!items(&watch.see("/api/v1/people")).is_empty());
    stream.heartbeat();
    stream.seen.iter().for_each(|e| never.say_event(&e.data));
    centre.terminate();

    let log = centre.log();
    assert!(log.contains("\"level\":\"DEBUG\""), "it is at its most talkative:\n{log}");
    assert!(log.lines().count() > 10, "{log}");
    assert!(never.words.len() > 60, "{}", never.words.len());
    let found = never.found(&log);
    assert!(found.is_empty(), "{} things that must not be in a log:\n{}", found.len(), found.join("\n"));
    assert_eq!(degrees(&without_times(&log)), Vec::<&str>::new());
    // Nothing runs on in a line: fixed sentences, and what varies in fields.
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let message = text(&line, "/fields/message");
        assert!(message.len() < 200 && !message.contains("://"), "{message}");
    }
}

#[test]
fn what_is_looked_for_in_a_log_would_be_found() {
    let mut never = Never::default();
    never.say_secret("a session", "abcd1234");
    never.say_places(&json!({"at": [31.761_234_5, {"lon": -106.487_654}], "not": [1.5, 99.123_456]}));
    assert_eq!(never.words.len(), 4, "{:?}", never.words);
    let hash = Sha256::digest(b"abcd1234").iter().fold(String::new(), |s, b| format!("{s}{b:02x}"));
    for line in ["cookie=abcd1234", "at 31.76123", "lon=-106.4876", &format!("session {}", hash.get(..16).unwrap())] {
        assert_eq!(never.found(line).len(), 1, "{line}");
    }
    assert!(never.found("31.7699, took 1.234567 s").is_empty());
    let line = "{\"timestamp\":\"2026-11-26T16:02:32.392069Z\",\"a\":31.123}\n";
    assert_eq!((degrees(line).len(), degrees(&without_times(line))), (2, vec!["31.123"]));
    assert_eq!(
        degrees("{\"a\":31.123,\"t\":\"2026-11-26T16:02:48.392069Z\",\"b\":-106.50,\"c\":-106.5012}"),
        ["31.123", "-106.5012"]
    );
}
