//! What the watch decides about tracks: two are one, one is two, and what one is. It is an input like any other: it lasts,
//! also over a crash, and the record says who did it.

use crate::support::{Centre, Client, Flight, Scene, id, position, text, until};
use serde_json::{Value, json};
use std::time::Duration;

/// The tracks that are there now.
fn tracks(client: &Client) -> Vec<Value> {
    client.see("/api/v1/tracks")["features"].as_array().unwrap().clone()
}

fn has(track: &Value, serial: &str) -> bool {
    track["properties"]["ids"].as_array().is_some_and(|ids| ids.iter().any(|i| i["value"] == serial))
}

/// The confirmed track of a serial, as soon as there is one.
pub(crate) fn of(client: &Client, serial: &str) -> Value {
    until(&format!("a track of {serial}"), Duration::from_secs(20), || {
        tracks(client).into_iter().find(|t| has(t, serial) && t["properties"]["state"] == "confirmed")
    })
}

fn path(track: &Value, what: &str) -> String {
    format!("/api/v1/tracks/{}/{what}", text(track, "/id"))
}

/// What a track's story tells of a kind.
fn told<'a>(track: &'a Value, what: &str) -> Vec<&'a Value> {
    let lineage = track["properties"]["lineage"].as_array().unwrap_or_else(|| panic!("no lineage in {track}"));
    lineage.iter().map(|e| &e["what"]).filter(|w| w["is"] == what).collect()
}

/// The two drones of these tests, 200 m apart.
fn twins(centre: &Centre) -> [Flight; 2] {
    [("1581F4TWIN0001", 0.0), ("1581F4TWIN0002", 200.0)]
        .map(|(serial, east)| Flight::start(centre.scene.tcp, serial, [east, 2_000.0, 60.0], [0.0, 0.0, 0.0]))
}

/// Waits until each of the serials was reported after this moment, and gives the tracks.
fn after(client: &Client, moment: &str, serials: [&str; 2]) -> Vec<Value> {
    until("later reports of both", Duration::from_secs(20), || {
        let all = tracks(client);
        let later = |s: &str| {
            all.iter().any(|t| has(t, s) && t["properties"]["measured_at"].as_str().is_some_and(|m| m > moment))
        };
        serials.iter().all(|s| later(s)).then_some(all)
    })
}

const SERIALS: [&str; 2] = ["1581F4TWIN0001", "1581F4TWIN0002"];

#[test]
fn a_merge_holds_over_a_crash_and_a_split_takes_it_apart_again() {
    let mut centre = Centre::start();
    let [watch, supervisor, analyst, agent] = ["watch", "supervisor", "analyst", "agent-a1"].map(|p| centre.person(p));
    let flights = twins(&centre);
    let [one, two] = SERIALS.map(|s| of(&watch, s));
    assert_eq!(told(&one, "started").len(), 1, "{one}");
    assert_eq!(told(&one, "named")[0]["value"], SERIALS[0]);

    // Who may not, may not; what cannot be is refused with what to do.
    let merge = json!({"id": id(), "with": two["id"], "why": "one light, two names"});
    for stranger in [&analyst, &agent] {
        stranger.post(&path(&one, "merges"), &merge).problem(403, "forbidden");
    }
    let with = |id_: &Value| json!({"id": id(), "with": id_, "why": "x"});
    watch.post(&path(&one, "merges"), &with(&one["id"])).problem(422, "merge_into_itself");
    watch.post(&path(&one, "merges"), &with(&json!(id()))).problem(404, "not_found");
    let without = json!({"id": id(), "with": two["id"], "why": " "});
    watch.post(&path(&one, "merges"), &without).problem(422, "why_needed");
    let alone = json!({"id": id(), "part": {"of": "source", "source": "radar"}, "why": "x"});
    watch.post(&path(&one, "splits"), &alone).problem(409, "one_source");
    assert_eq!(tracks(&watch).len(), 2, "what is refused changes nothing");

    // Merged, once, however often it is asked.
    let merged = watch.post(&path(&one, "merges"), &merge).ok(200);
    let left = merged["track"].clone();
    assert!(has(&left, SERIALS[0]) && has(&left, SERIALS[1]), "{left}");
    let over = if left["id"] == one["id"] { &two } else { &one };
    assert_eq!(
        told(&left, "took_over"),
        [&json!({
            "is": "took_over", "track": over["id"], "by": "watch", "why": "one light, two names",
        })]
    );
    assert_eq!(watch.post(&path(&one, "merges"), &merge).ok(200)["track"]["id"], left["id"]);
    let otherwise = json!({"id": merge["id"], "with": two["id"], "why": "another reason"});
    watch.post(&path(&one, "merges"), &otherwise).problem(409, "id_reused");
    let refused = watch.post(&path(over, "classifications"), &json!({"id": id(), "class": "bird", "why": "x"}));
    let refused = refused.problem(409, "track_over");
    assert!(text(&refused, "/detail").contains(text(&left, "/id")), "it says where it went: {refused}");
    let moment = text(&left, "/properties/measured_at").to_owned();
    let all = after(&watch, &moment, SERIALS);
    assert_eq!(all.len(), 1, "{all:#?}");

    // Killed without a word: the answer was given, so the merge holds.
    centre.kill();
    drop(flights);
    centre.start_again();
    let _flights = twins(&centre);
    let moment = text(&all[0], "/properties/measured_at").to_owned();
    let all = after(&watch, &moment, SERIALS);
    assert_eq!((all.len(), &all[0]["id"]), (1, &left["id"]), "{all:#?}");
    assert_eq!(told(&all[0], "took_over").len(), 1);

    // A supervisor takes it apart.
    let part = json!({"of": "identity", "kind": "serial", "value": SERIALS[1]});
    let split = json!({"id": id(), "part": part, "why": "two lights after all"});
    let both = supervisor.post(&path(&left, "splits"), &split).ok(200);
    assert_eq!(both["track"]["id"], left["id"]);
    let new = &both["other"];
    assert!(has(new, SERIALS[1]) && !has(&both["track"], SERIALS[1]), "{both}");
    assert_eq!(told(new, "split_from")[0]["by"], "supervisor");
    let moment = text(new, "/properties/measured_at").to_owned();
    let all = after(&watch, &moment, SERIALS);
    assert_eq!(all.len(), 2, "{all:#?}");
    centre.terminate();

    // It stands in the record with who did it, and the engines make the same of it again.
    let verified = centre.verify(&["--recompute"]);
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("\"differences\":0"), "{said}");
    let export = centre.export();
    let acts: Vec<&Value> = export.iter().filter(|e| e["body"]["act"]["act"] == "track").map(|e| &e["body"]).collect();
    assert_eq!(acts.len(), 2, "{acts:#?}");
    assert_eq!((text(acts[0], "/by"), text(acts[0], "/act/do")), ("watch", "merge"));
    assert_eq!((text(acts[1], "/by"), text(acts[1], "/act/do")), ("supervisor", "split"));
    // How the other ended, too.
    let ended = |t: &&Value| t["id"] == over["id"] && t["state"] == "deleted";
    let items = export.iter().filter(|e| e["body"]["body"] == "tracks").filter_map(|e| e["body"]["items"].as_array());
    let last: Vec<&Value> = items.flatten().filter(ended).collect();
    assert_eq!(last.len(), 1, "{last:#?}");
    assert_eq!(last[0]["lineage"].as_array().unwrap().last().unwrap()["what"]["is"], "merged_into");
}

#[test]
fn what_the_watch_says_that_a_track_is_decides_who_is_warned_until_it_is_taken_back() {
    let mut centre = Centre::start_with(Scene::new().and("[policy.warn]\nhold_s = 2.0\n"), &[]);
    let watch = centre.person("watch");
    let agent = centre.person("agent-a1");
    let mut at_agent = centre.events("agent-a1");
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let drone = Flight::start(centre.scene.tcp, "1581F4CALLED01", [0.0, 250.0, 30.0], [0.0, 0.0, 0.0]);
    drone.turn([0.0, -1.0, 0.0]);
    let first = at_agent.notice("the warning", |n| n["notice"]["state"] == "raised");
    let track = of(&watch, "1581F4CALLED01");
    let call = |body: Value| {
        let mut body = body;
        body["id"] = json!(id());
        watch.post(&path(&track, "classifications"), &body)
    };
    agent
        .post(&path(&track, "classifications"), &json!({"id": id(), "class": "bird", "why": "x"}))
        .problem(403, "forbidden");
    call(json!({"affiliation": "own", "why": "ours"})).problem(422, "own_is_filed");
    call(json!({})).problem(409, "nothing_decided");

    // Crewed: nobody is warned of it, it stays on the map, and the tracker's belief stays beside it.
    let crewed = call(json!({"class": "crewed", "why": "seen through glasses"})).ok(200);
    let decided = &crewed["track"]["properties"]["decided"];
    assert_eq!(
        (text(decided, "/by"), text(decided, "/why"), text(decided, "/believed/class")),
        ("watch", "seen through glasses", "rotor")
    );
    let over = at_agent
        .notice("the end of it", |n| n["notice"]["id"] == first["notice"]["id"] && n["notice"]["state"] == "cleared");
    assert!(over["notice"]["reasons"].as_array().unwrap().iter().any(|r| r == "crewed"), "{over}");
    let shown = until("the decision on the map", Duration::from_secs(10), || {
        let t = of(&watch, "1581F4CALLED01");
        (t["properties"]["class"] == "crewed").then_some(t)
    });
    assert_eq!((&shown["properties"]["class_p"], &shown["id"]), (&json!(1.0), &track["id"]));

    // Taken back: the tracker's own belief counts, and she is warned again.
    let undone = call(json!({})).ok(200);
    assert!(undone["track"]["properties"].get("decided").is_none(), "{undone}");
    assert_eq!(undone["track"]["properties"]["class"], "rotor");
    at_agent
        .notice("a new warning", |n| n["notice"]["state"] == "raised" && n["notice"]["id"] != first["notice"]["id"]);
    // A bird is slower, and no reason to be silent.
    let bird = call(json!({"class": "bird", "why": "flaps"})).ok(200);
    assert_eq!(bird["track"]["properties"]["class"], "bird");
    at_agent.heartbeat();
    assert!(
        !tracks(&watch).is_empty() && !watch.see("/api/v1/dangers")["items"].as_array().unwrap().is_empty(),
        "she is in danger of it still"
    );
    drone.end();
    centre.terminate();
    let verified = centre.verify(&["--recompute"]);
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && said.contains("\"differences\":0"), "{said}");
}
