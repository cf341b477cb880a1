//! `kill -9` at random moments, under load of reports, observations and acknowledgements.
//!
//! After each restart everything that the centre had called received is there, and a repeat of the request gets the same
//! answer. At the end the record verifies, also recomputed; every warning in it reached the open pages of its people;
//! no page was shown, as recorded, what the record does not hold; each delivery has one id and at most one more attempt
//! for each crash or lost connection.
//!
//! `SKYPICKET_KILLS` sets how many kills; without it as many as fit in `SKYPICKET_KILL_SECONDS` (200).

use crate::{
    load::{Done, Drones, POSTS, Page, Shared, fetch, page, receiver, reporter, sighting, source, walker},
    say,
    seed::Seed,
    support::{Centre, Client, Scene, text},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Stdio,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

/// Everybody with an open page.
const PAGES: [&str; 5] = ["watch", "lead-a", "agent-a1", "agent-a2", "agent-b1"];

/// Signed-in people, by id.
type Clients = BTreeMap<String, Client>;

#[test]
fn what_was_called_received_survives_kill_9_and_every_warning_arrives() {
    let _alone = crate::alone();
    let kills = crate::setting("SKYPICKET_KILLS");
    let seconds = crate::setting("SKYPICKET_KILL_SECONDS").unwrap_or(200);
    let until_then = Instant::now() + Duration::from_secs(seconds);
    let mut seed = Seed::new("kill");
    // Snapshots every second: a kill may then come during one, and recovery from one is tried each time.
    let scene = Scene::new().with("reserve_mib = 1", "reserve_mib = 1\nsnapshot_s = 1\ncheckpoint_s = 1");
    let mut centre = Centre::start_with(scene, &[]);
    let shared = Arc::new(Shared::default());
    let watch = centre.first();

    let mut clients: Clients = PAGES.iter().map(|p| ((*p).to_owned(), centre.person(p))).collect();
    clients.insert("lead-b".into(), centre.person("lead-b"));
    // One page never says that it has anything: what it is sent is sent again at each of its connections.
    let pages: Vec<_> = PAGES.iter().map(|p| page(&shared, clients[*p].clone(), *p != "agent-a2")).collect();
    let people = POSTS.iter().map(|(p, e, n)| (clients[*p].clone(), *e, *n)).collect();
    let drones = Drones::new(seed.split(), 3);
    let mut load = vec![
        walker(&shared, people, seed.split(), 300),
        receiver(&shared, source(&watch, "receiver-1"), drones, 200),
        reporter(&shared, clients["agent-a1"].clone(), seed.split(), 40),
        reporter(&shared, clients["lead-b"].clone(), seed.split(), 40),
    ];

    let mut killed = 0;
    let mut checked = 0;
    let mut slowest = Duration::ZERO;
    // The end needs its time too: a tenth.
    let spare = Duration::from_secs(seconds / 10);
    while kills.map_or(Instant::now() + spare < until_then, |k| killed < k) {
        std::thread::sleep(Duration::from_secs_f64(seed.between(0.0, 1.8)));
        centre.kill();
        killed += 1;
        // Sometimes it does not even get up again before the next.
        while seed.chance(0.2) {
            let mut starting =
                centre.command().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_secs_f64(seed.between(0.0, 0.15)));
            starting.kill().unwrap();
            starting.wait().unwrap();
            killed += 1;
        }
        // What a request hears from now on is from after the restart.
        let received = shared.ledger.since(checked);
        let begun = Instant::now();
        centre.start_again();
        slowest = slowest.max(begun.elapsed());
        if killed % 20 == 0 {
            verified(&centre, &[]);
        }
        checked += received.len();
        for done in &received {
            is_there(&clients, done);
        }
    }

    // Nothing new any more; what is under way arrives.
    shared.enough.store(true, Ordering::Release);
    for thread in load.drain(..) {
        thread.join().unwrap();
    }
    for done in shared.ledger.since(checked) {
        is_there(&clients, &done);
    }
    let mut waiting = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(15) {
        waiting = missing(&watch, &shared);
        if waiting.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(waiting.is_empty(), "never arrived on an open page:\n{}", waiting.join("\n"));
    shared.close.store(true, Ordering::Release);
    for thread in pages {
        thread.join().unwrap();
    }
    centre.kill();
    killed += 1;

    verified(&centre, &["--recompute"]);
    let record = Recorded::of(&centre.export());
    record.holds(&shared.ledger.all());
    record.held_what_pages_showed(&shared);
    record.raised_once();
    let repeats = record.attempts_are_few();
    say(&format!(
        "kill: {killed} kills (slowest restart {} ms); received {:?}, all there; {} entries verified and recomputed; {} warnings in {} versions, all arrived; {repeats} attempts repeated; {} observations; refused {:?}",
        slowest.as_millis(),
        shared.ledger.counts(),
        record.entries,
        record.raised.len(),
        record.notices.len(),
        shared.observations.load(Ordering::Relaxed),
        shared.refused.lock().unwrap(),
    ));
    assert!(killed >= kills.unwrap_or(if seconds >= 200 { 60 } else { 2 }), "only {killed} kills");
    let counts = shared.ledger.counts();
    for kind in ["sighting", "position", "receipt", "acknowledgement"] {
        assert!(counts.get(kind).is_some_and(|n| *n > 0), "the load had no {kind}: {counts:?}");
    }
}

#[test]
fn a_repeat_is_called_received_no_sooner_than_the_first() {
    let _alone = crate::alone();
    let mut centre = Centre::start_with(Scene::new(), &["--test-commit-delay-ms", "700"]);
    let agent = centre.person("agent-a1");
    let body = sighting(&mut Seed::new("repeat"), (0.0, 0.0));
    let (first, again) = (agent.clone(), agent.clone());
    let (told, answers) = std::sync::mpsc::channel();
    let posted = body.clone();
    let threads: Vec<_> = [(0, first), (200, again)]
        .into_iter()
        .map(|(wait_ms, client)| {
            let (told, body) = (told.clone(), posted.clone());
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(wait_ms));
                if let Ok(answer) = client.try_post("/api/v1/sightings", &body) {
                    let _ = told.send(answer);
                }
            })
        })
        .collect();
    let answer = answers.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(answer.status, 201, "{answer}");
    // At the first word of "received", whoever got it, it survives.
    centre.kill();
    for thread in threads {
        thread.join().unwrap();
    }
    centre.set_flags(&[]);
    centre.start_again();
    let kept = agent.get(&format!("/api/v1/sightings/{}", text(&body, "/id"))).ok(200);
    assert_eq!(kept["sighting"]["words"], body["words"]);
}

/// `record verify`, which must find nothing.
fn verified(centre: &Centre, flags: &[&str]) {
    let out = centre.verify(flags);
    assert!(
        out.status.success(),
        "record verify {flags:?}: {}\n{}{}",
        out.status,
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
}

/// The centre has it, and answers a repeat as it answered first.
fn is_there(clients: &Clients, done: &Done) {
    let client = &clients[&done.person];
    if done.kind == "sighting" {
        let seen = client.see(&format!("/api/v1/sightings/{}", done.id()));
        assert_eq!(seen["sighting"]["words"], done.body["words"], "{seen}");
        assert_eq!(text(&seen, "/sighting/reporter"), done.person);
    }
    let again = client.post(&done.path, &done.body);
    assert_eq!((again.status, again.text()), (done.status, done.answer.clone()), "repeat of {done:?}");
}

/// What should be on an open page and is not yet: the newest version of every warning, and for the watch every sighting.
fn missing(watch: &Client, shared: &Shared) -> Vec<String> {
    let mut missing = Vec::new();
    let pages: BTreeMap<&str, Page> = PAGES.iter().map(|p| (*p, shared.page(p))).collect();
    fetch(watch, "notices", &mut |view| {
        let (notice, version) = (text(view, "/notice/id"), view["notice"]["version"].as_u64().unwrap());
        for row in view["recipients"].as_array().unwrap() {
            let person = text(row, "/person");
            let seen = |page: &Page| page.notices.get(notice).is_some_and(|seen| seen.contains_key(&version));
            if pages.get(person).is_some_and(|page| !seen(page)) {
                missing.push(format!("{person}: notice {notice} version {version}: {row}"));
            }
        }
    })
    .unwrap();
    for done in shared.ledger.all() {
        if done.kind == "sighting" && !pages["watch"].sightings.contains(done.id()) {
            missing.push(format!("watch: sighting {} of {}", done.id(), done.person));
        }
    }
    missing
}

/// What the record holds, by what is asked of it.
struct Recorded {
    entries: usize,
    starts: usize,
    /// Request ids of acts, with person and answer.
    requests: BTreeMap<String, (String, String)>,
    /// Person, latitude and longitude of positions.
    positions: BTreeSet<(String, String, String)>,
    /// Each version of each notice.
    notices: BTreeMap<(String, u64), Value>,
    /// Notices, with track and protected, in order.
    raised: Vec<(String, Value)>,
    entries_in_order: Vec<Value>,
}

impl Recorded {
    fn of(entries: &[Value]) -> Self {
        let mut r = Self {
            entries: entries.len(),
            starts: 0,
            requests: BTreeMap::new(),
            positions: BTreeSet::new(),
            notices: BTreeMap::new(),
            raised: Vec::new(),
            entries_in_order: entries.to_vec(),
        };
        for (n, e) in entries.iter().enumerate() {
            assert_eq!(e["index"].as_u64(), Some(n as u64));
            let body = &e["body"];
            match text(body, "/body") {
                "started" => r.starts += 1,
                "act" if body["request"].is_object() => {
                    let kept = (text(body, "/by").to_owned(), text(body, "/request/answer").to_owned());
                    let before = r.requests.insert(text(body, "/request/id").to_owned(), kept);
                    assert!(before.is_none(), "request {} was done twice", body["request"]["id"]);
                }
                "positions" => {
                    for p in body["items"].as_array().unwrap() {
                        let number = |k: &str| p["at"][k].to_string();
                        r.positions.insert((text(p, "/person").to_owned(), number("lat_deg"), number("lon_deg")));
                    }
                }
                "notice" => {
                    let (id, version) = (text(body, "/id").to_owned(), body["version"].as_u64().unwrap());
                    if version == 1 {
                        r.raised.push((id.clone(), body.clone()));
                    }
                    let before = r.notices.insert((id, version), body.clone());
                    assert!(before.is_none(), "a version was raised twice: {body}");
                }
                _ => {}
            }
        }
        r
    }

    /// Everything that was called received is in it, under its answer.
    fn holds(&self, ledger: &[Done]) {
        for done in ledger {
            if done.kind == "position" {
                let number = |k: &str| done.body["at"][k].to_string();
                let kept = (done.person.clone(), number("lat_deg"), number("lon_deg"));
                assert!(self.positions.contains(&kept), "lost: {done:?}");
            } else {
                let (by, answer) = self.requests.get(done.id()).unwrap_or_else(|| panic!("lost: {done:?}"));
                assert_eq!((by, answer), (&done.person, &done.answer), "{done:?}");
            }
        }
    }

    /// No page was shown anything as recorded that is not.
    fn held_what_pages_showed(&self, shared: &Shared) {
        for person in PAGES {
            for (notice, versions) in shared.page(person).notices {
                for (version, (shown, unrecorded)) in versions {
                    let kept = self.notices.get(&(notice.clone(), version));
                    assert!(unrecorded || kept.is_some(), "{person} was shown what is not recorded: {shown}");
                    if let (false, Some(kept)) = (unrecorded, kept) {
                        assert_eq!(kept["text"], shown["text"], "{person}: another text than recorded");
                    }
                }
            }
        }
    }

    /// A warning that stands is not raised again by a restart: one notice at a time for a track and whom it endangers.
    fn raised_once(&self) {
        let mut open: BTreeMap<String, String> = BTreeMap::new();
        for e in &self.entries_in_order {
            let body = &e["body"];
            if text(body, "/body") != "notice" {
                continue;
            }
            let pair = format!("{} {}", body["track"], body["protected"]);
            let id = text(body, "/id");
            match text(body, "/state") {
                "raised" => {
                    let before = open.insert(pair, id.to_owned());
                    assert!(before.is_none(), "raised again while {before:?} stands: {body}");
                }
                "cleared" => {
                    assert_eq!(open.remove(&pair).as_deref(), Some(id), "{body}");
                }
                _ => assert_eq!(open.get(&pair).map(String::as_str), Some(id), "{body}"),
            }
        }
    }

    /// One delivery id for a notice version, person and channel; and attempts at it only anew after a crash, a lost
    /// connection or a sure failure, or because another's silence came to them in the same moment: whoever has a notice
    /// then is given it again under the next reminder number. Here everybody acknowledges long before they would be
    /// reminded of their own silence. How many were repeated.
    fn attempts_are_few(&self) -> usize {
        let mut ids: BTreeMap<String, String> = BTreeMap::new();
        // For each delivery: attempts so far, and whether something came since that may have lost the last one.
        let mut tried: BTreeMap<String, (u64, bool, String, String)> = BTreeMap::new();
        let mut reminded: BTreeMap<String, u64> = BTreeMap::new();
        // Notice, leader and cause of each escalation.
        let mut told: BTreeSet<(String, String, u64)> = BTreeSet::new();
        let mut repeated = 0;
        for e in &self.entries_in_order {
            let body = &e["body"];
            match text(body, "/body") {
                "started" => tried.values_mut().for_each(|t| t.1 = true),
                "reach" => {
                    for t in tried.values_mut() {
                        t.1 |= t.2 == text(body, "/person") && t.3 == text(body, "/channel");
                    }
                }
                "provider" => {
                    if body["outcome"] != "accepted"
                        && let Some(t) = tried.get_mut(text(body, "/delivery"))
                    {
                        t.1 = true;
                    }
                }
                "dispatch" if body["event"] == "escalated" => {
                    let cause = e["cause"].as_u64().unwrap();
                    told.insert((text(body, "/notice").to_owned(), text(body, "/to").to_owned(), cause));
                }
                "dispatch" if body["event"] == "attempt" => {
                    let d = &body["delivery"];
                    let id = text(d, "/id").to_owned();
                    let key = format!("{} {} {} {}", d["notice"], d["version"], d["person"], d["channel"]);
                    let kept = ids.entry(key).or_insert_with(|| id.clone());
                    assert_eq!(*kept, id, "another delivery id: {d}");
                    let attempts = d["attempts"].as_u64().unwrap();
                    let (person, channel) = (text(d, "/person").to_owned(), text(d, "/channel").to_owned());
                    let reminder = d["reminder"].as_u64().unwrap_or(0);
                    let next = reminded.insert(id.clone(), reminder).is_some_and(|before| reminder == before + 1);
                    let cause = e["cause"].as_u64().unwrap_or(0);
                    let asked = next && told.contains(&(text(d, "/notice").to_owned(), person.clone(), cause));
                    let entry = tried.entry(id).or_insert((0, true, person, channel));
                    assert!(entry.1 || asked, "attempted again although nothing was lost, entry {}: {d}", e["index"]);
                    assert_eq!(attempts, entry.0 + 1, "{d}");
                    repeated += usize::from(entry.0 > 0);
                    (entry.0, entry.1) = (attempts, false);
                }
                _ => {}
            }
        }
        assert!(self.starts > 1);
        repeated
    }
}
