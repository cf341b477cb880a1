//! TAK, both ways: a bound client is a person in danger, is warned by chat, gives receipts, and acknowledges only with
//! the code; its drone markers are reports; tracks come and go on its map; an unbound client gets nothing.

use crate::support::{
    Centre, Events, Flight, Scene, Tak, at, attribute, id, items, metres, number, position, scene::HERE, tak, text,
};
use serde_json::{Value, json};

/// Tracks end 4 s after they were last heard, so that the test sees the end.
fn scene() -> Scene {
    Scene::new().and("[policy.track.kinds.cooperative]\nstart = 0.9\ninterval_s = 1.0\nhold_s = 1.0\n")
}

fn here(uid: &str, east_m: f64, north_m: f64) -> String {
    let (lat, lon) = at(east_m, north_m);
    tak::sa(uid, &uid.replace("TAK-", "").to_uppercase(), (lat, lon, 1_200.0))
}

/// A client's chat event to the centre.
fn chat(from: &str, kind: &str, element: &str, message: &str, words: &str) -> String {
    let detail = format!(
        "<{element} id=\"skypicket\" messageId=\"{message}\" chatroom=\"PICKET\" senderCallsign=\"X\" parent=\"RootContactGroup\" groupOwner=\"false\"><chatgrp id=\"skypicket\" uid0=\"{from}\" uid1=\"skypicket\"/></{element}><link uid=\"{from}\" type=\"a-f-G-U-C\" relation=\"p-p\"/><remarks source=\"BAO.F.ATAK.{from}\" to=\"skypicket\">{words}</remarks>"
    );
    tak::event(&format!("GeoChat.{from}.skypicket.{message}"), kind, "h-g-i-g-o", None, &detail)
}

fn row(notice: &Value, person: &str) -> Option<Value> {
    notice["recipients"].as_array()?.iter().find(|r| r["person"] == person).cloned()
}

fn is_chat(e: &str) -> bool {
    attribute(e, "event", "type") == Some("b-t-f")
}

fn words(e: &str) -> &str {
    e.split("<remarks")
        .nth(1)
        .and_then(|r| r.split_once('>'))
        .and_then(|(_, r)| r.split("</remarks>").next())
        .unwrap_or("")
}

/// The code that a warning's chat line asks for.
fn code_in(words: &str) -> String {
    let (_, after) = words.split_once("Reply with code ").unwrap_or_else(|| panic!("no code in {words}"));
    after.chars().take(4).collect()
}

#[test]
fn a_tak_client_is_protected_warned_gives_receipts_and_acknowledges_only_with_the_code() {
    let mut centre = Centre::start_with(scene(), &[]);
    let watch = centre.person("watch");
    let mut at_watch = centre.events("watch");
    let mut agent = centre.tak();
    let mut other = centre.tak();
    let mut stranger = centre.tak();
    agent.send(&here("TAK-agent-a1", 0.0, 0.0));
    other.send(&here("TAK-agent-b1", -9_000.0, 0.0));
    stranger.send(&here("ANDROID-unknown", 10.0, 0.0));
    // Positions become protected people, through TAK.
    let person = at_watch
        .wait("where agent-a1 is", |e| {
            e.name == "person" && e.data["id"] == "agent-a1" && !e.data["position"].is_null()
        })
        .data;
    let place = (number(&person, "/position/at/lat_deg"), number(&person, "/position/at/lon_deg"));
    assert!(metres(place, HERE) < 1.0, "{person}");
    assert_eq!((&person["channels_up"], &person["unreachable"]), (&json!(["tak"]), &json!(false)));
    at_watch.wait("where agent-b1 is", |e| {
        e.name == "person" && e.data["id"] == "agent-b1" && !e.data["position"].is_null()
    });

    let drone = Flight::start(centre.scene.tcp, "1581F4TAK00001", [0.0, 500.0, 30.0], [0.0, -10.0, 0.0]);
    let warned = agent.wait("the warning", is_chat);
    let said = words(&warned).to_owned();
    assert!(said.contains(" m from you.") && said.contains("cover") && !said.contains("EXERCISE"), "{said}");
    assert!(!warned.contains("EXERCISE") && attribute(&warned, "event", "opex") == Some("o"), "{warned}");
    let code = code_in(&said);
    assert_eq!(attribute(&warned, "__chat", "id"), Some("TAK-agent-a1"));
    let delivery = attribute(&warned, "__chat", "messageId").unwrap().to_owned();
    let board = at_watch.notice("the warning", |n| row(n, "agent-a1").is_some_and(|r| r["channel"] == "tak"));
    assert_eq!(board["notice"]["code"], code.as_str());
    let warning = text(&board, "/notice/id").to_owned();
    let version = board["notice"]["version"].clone();
    let reached = |at_watch: &mut Events, how: &str| {
        at_watch.notice(how, |n| {
            n["notice"]["id"] == warning.as_str() && row(n, "agent-a1").is_some_and(|r| r["reached"] == how)
        })
    };
    // A stranger's receipt for it moves nothing.
    stranger.send(&chat("ANDROID-unknown", "b-t-f-r", "__chatreceipt", &delivery, ""));
    other.send(&chat("TAK-agent-b1", "b-t-f-r", "__chatreceipt", &delivery, ""));
    other.ping();
    stranger.ping();
    let now = watch.see(&format!("/api/v1/notices/{warning}"));
    assert!(["queued", "sent"].contains(&text(&row(&now, "agent-a1").unwrap(), "/reached")), "{now}");

    agent.send(&chat("TAK-agent-a1", "b-t-f-d", "__chatreceipt", &delivery, ""));
    reached(&mut at_watch, "delivered");
    agent.send(&chat("TAK-agent-a1", "b-t-f-r", "__chatreceipt", &delivery, ""));
    let board = reached(&mut at_watch, "shown");
    assert!(row(&board, "agent-a1").unwrap()["acknowledged_at"].is_null(), "shown is not acknowledged");

    // Words are no acknowledgement, nor is another number, nor somebody else's reply with the right one.
    let wrong = if code == "4321" { "1234" } else { "4321" };
    agent.send(&chat("TAK-agent-a1", "b-t-f", "__chat", "c-1", "Roger, understood"));
    agent.send(&chat("TAK-agent-a1", "b-t-f", "__chat", "c-2", &format!("ok {wrong}")));
    agent.wait("that the code is none", |e| {
        is_chat(e) && words(e).contains(&format!("No open warning has the code {wrong}"))
    });
    other.send(&chat("TAK-agent-b1", "b-t-f", "__chat", "c-3", &code));
    other.wait("that it is none of theirs", |e| is_chat(e) && words(e).contains("No open warning has the code"));
    // In her name, by another's connection: not taken.
    other.send(&chat("TAK-agent-a1", "b-t-f", "__chat", "c-4", &code));
    other.ping();
    let now = watch.see(&format!("/api/v1/notices/{warning}"));
    assert!(row(&now, "agent-a1").unwrap()["acknowledged_at"].is_null(), "{now}");

    // With the code of the newest version that she was told of.
    agent.forget();
    let newest = agent.seen.iter().rev().find(|e| words(e).contains("Reply with code ")).unwrap();
    let code = code_in(words(newest));
    agent.send(&chat("TAK-agent-a1", "b-t-f", "__chat", "c-5", &format!("ok {code}, taking cover")));
    agent.wait("that it is acknowledged", |e| is_chat(e) && words(e).contains(&format!("Acknowledged {code}")));
    at_watch.notice("acknowledged", |n| {
        n["notice"]["id"] == warning.as_str() && row(n, "agent-a1").is_some_and(|r| r["acknowledged_at"].is_string())
    });
    assert!(version.as_u64() >= Some(1));

    // Tracks are on both maps, as unknown, without serial, where they are.
    let track = |e: &str| {
        attribute(e, "event", "uid").is_some_and(|u| u.starts_with("skypicket.track."))
            && attribute(e, "event", "type") != Some("t-x-d-d")
    };
    other.forget();
    let on_map = other.wait("the track", track);
    let now = drone.now();
    let place = ["lat", "lon"].map(|a| attribute(&on_map, "point", a).unwrap().parse::<f64>().unwrap());
    assert!((metres(HERE, (place[0], place[1])) - now[0].hypot(now[1])).abs() < 60.0, "{on_map}");
    assert!(attribute(&on_map, "event", "type").unwrap().starts_with("a-u-A"), "{on_map}");
    assert!(!on_map.contains("1581F4TAK00001"), "a serial is not for every map");
    let uid = attribute(&on_map, "event", "uid").unwrap().to_owned();
    drone.end();
    for client in [&mut other, &mut agent] {
        let gone = client.wait("that the track is gone", |e| attribute(e, "event", "type") == Some("t-x-d-d"));
        assert_eq!(attribute(&gone, "link", "uid"), Some(uid.as_str()), "{gone}");
    }

    // The chat of a warning went to her alone; a stranger heard nothing but the answer to a ping.
    let warnings = |t: &Tak| t.seen.iter().filter(|e| words(e).contains("Reply with code")).count();
    assert_eq!(warnings(&other), 0);
    assert!(warnings(&agent) >= 1);
    stranger.ping();
    assert!(stranger.seen.iter().all(|e| attribute(e, "event", "type") == Some("t-x-c-t-r")), "{:?}", stranger.seen);
    let sources = watch.see("/api/v1/sources");
    let row = items(&sources).iter().find(|s| s["id"] == "tak").unwrap();
    assert!(row["refused"]["uid_not_bound"].as_u64() >= Some(2), "{row}");
    assert_eq!(row["refused"]["receipt_not_own"], 1, "{row}");

    // When her client goes, she cannot be reached, and the centre sees it.
    drop(agent);
    at_watch.wait("that agent-a1 is gone", |e| {
        e.name == "person" && e.data["id"] == "agent-a1" && e.data["unreachable"] == true
    });
}

#[test]
fn a_drone_marker_is_a_sighting_once_and_the_first_receipt_is_said_by_chat() {
    let mut centre = Centre::start();
    let mut at_watch = centre.events("watch");
    let mut at_lead = centre.events("lead-a");
    let watch = centre.person("watch");
    let mut agent = centre.tak();
    agent.send(&here("TAK-agent-a1", 0.0, 0.0));
    let (lat, lon) = at(200.0, 0.0);
    let marker = |words: &str| {
        let detail = format!(
            "<contact callsign=\"U.1\"/><remarks>{words}</remarks><link uid=\"TAK-agent-a1\" relation=\"p-p\" type=\"a-f-G-U-C\"/>"
        );
        tak::event("marker-1", "a-u-A-M-H-Q", "h-g-i-g-o", Some((lat, lon, 1_250.0)), &detail)
    };
    agent.send(&marker("hovering over the gate"));
    // A warning of what was reported so near may come before it.
    agent.wait("the first receipt", |e| is_chat(e) && words(e).contains("Drone report stored"));
    for stream in [&mut at_watch, &mut at_lead] {
        let s = stream.wait("the report", |e| e.name == "sighting").data;
        assert_eq!((&s["sighting"]["reporter"], &s["sighting"]["kind"]), (&json!("agent-a1"), &json!("multirotor")));
        assert!(text(&s, "/sighting/words").contains("hovering over the gate"));
        // A direction and a class from where she stands: due east, 100 to 300 m.
        let azimuth = number(&s, "/sighting/bearing/azimuth_deg");
        assert!((azimuth - 90.0).abs() < 1.0, "{s}");
        assert_eq!(s["sighting"]["range"], "to300");
    }
    // ATAK repeats its markers; so does a client that comes again.
    agent.send(&marker("hovering over the gate"));
    agent.ping();
    let mut again = centre.tak();
    again.send(&here("TAK-agent-a1", 0.0, 0.0));
    again.send(&marker("hovering over the gate"));
    again.wait("the receipt again", |e| is_chat(e) && words(e).contains("Drone report stored"));
    // A friend, a neutral vehicle: no report of a drone.
    again.send(&tak::event("car", "a-n-G-E-V-C", "h-e", Some((lat, lon, 1_200.0)), "<contact callsign=\"Car 7\"/>"));
    again.ping();
    assert_eq!(items(&watch.see("/api/v1/sightings")).len(), 1);
    // Another mark is another report.
    again.send(&marker("it dropped something"));
    at_watch.wait("the second report", |e| {
        e.name == "sighting" && e.data["sighting"]["words"].to_string().contains("dropped")
    });
    assert_eq!(items(&watch.see("/api/v1/sightings")).len(), 2);
}

#[test]
fn a_person_with_page_and_tak_is_warned_on_the_page_and_without_a_receipt_on_tak_too() {
    let mut centre = Centre::start_with(scene(), &[]);
    let agent = centre.person("agent-a1");
    let mut at_watch = centre.events("watch");
    let mut at_agent = centre.events("agent-a1");
    let mut client = centre.tak();
    client.send(&here("TAK-agent-a1", 0.0, 0.0));
    at_watch.wait("both channels", |e| {
        e.name == "person" && e.data["id"] == "agent-a1" && e.data["channels_up"] == json!(["web", "tak"])
    });
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let _drone = Flight::start(centre.scene.tcp, "1581F4BOTH0002", [0.0, 100.0, 30.0], [0.0, -1.0, 0.0]);
    let first = at_agent.notice("the warning on the page", |_| true);
    // The page gives no receipt: after 1.5 s the next channel is tried, with the same warning.
    let chat = client.wait("the warning by chat", |e| is_chat(e) && words(e).contains("Reply with code"));
    assert!(words(&chat).contains(text(&first, "/notice/code")), "{chat}");
    let path = format!(
        "/api/v1/notices/{}/versions/{}/acknowledgements",
        text(&first, "/notice/id"),
        first["notice"]["version"]
    );
    agent.post(&path, &json!({"id": id()})).ok(201);
    at_watch.notice("acknowledged", |n| row(n, "agent-a1").is_some_and(|r| r["acknowledged_at"].is_string()));
}
