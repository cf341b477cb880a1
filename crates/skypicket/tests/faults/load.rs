//! What people and sensors do while a fault happens: reports, positions, acknowledgements, drones that approach; and the
//! [`Ledger`] of everything that the centre said it had received.

use crate::{
    seed::Seed,
    support::{Client, Event, Events, at, drone_line, id, items, text, time_text},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// A request that got a 2xx.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    /// Who.
    pub(crate) person: String,
    /// `sighting`, `position`, `receipt` or `acknowledgement`.
    pub(crate) kind: &'static str,
    /// Where it was posted.
    pub(crate) path: String,
    /// What was posted; holds the client-made `id`.
    pub(crate) body: Value,
    /// The status answered.
    pub(crate) status: u16,
    /// The body answered.
    pub(crate) answer: String,
}

impl Done {
    /// The client-made id.
    pub(crate) fn id(&self) -> &str {
        text(&self.body, "/id")
    }
}

/// Everything that the centre said it had received, in no order.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Vec<Done>>);

impl Ledger {
    /// Adds one.
    pub(crate) fn add(&self, done: Done) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(done);
    }

    /// What was added from the `from`th on.
    pub(crate) fn since(&self, from: usize) -> Vec<Done> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().skip(from).cloned().collect()
    }

    /// All of it.
    pub(crate) fn all(&self) -> Vec<Done> {
        self.since(0)
    }

    /// How much by kind.
    pub(crate) fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for d in self.all() {
            *counts.entry(d.kind).or_insert(0) += 1;
        }
        counts
    }
}

/// What the threads of a load share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// What was received.
    pub(crate) ledger: Ledger,
    /// Ends reporters and sensors.
    pub(crate) enough: AtomicBool,
    /// Ends the open pages.
    pub(crate) close: AtomicBool,
    /// Observations that the centre took.
    pub(crate) observations: AtomicU64,
    /// Answers other than 2xx, by status and code.
    pub(crate) refused: Mutex<BTreeMap<String, u64>>,
    /// What each person's page was sent.
    pub(crate) pages: Mutex<BTreeMap<String, Page>>,
}

/// What a person's page was sent, over all its connections.
#[derive(Debug, Clone, Default)]
pub(crate) struct Page {
    /// The versions of each notice, with how it was first sent; `true` is unrecorded.
    pub(crate) notices: BTreeMap<String, BTreeMap<u64, (Value, bool)>>,
    /// Sightings, from events or fetched after a `reset`.
    pub(crate) sightings: BTreeSet<String>,
    /// How often the page connected.
    pub(crate) connections: usize,
    /// How often it was told `reset`.
    pub(crate) resets: usize,
}

impl Shared {
    /// Waits a little, less when there is enough.
    fn pause(&self, ms: u64) {
        if !self.enough.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(ms));
        }
    }

    fn refuse(&self, status: u16, answer: &Value) {
        let code = answer.get("code").and_then(Value::as_str).unwrap_or_default();
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused.entry(format!("{status} {code}")).or_insert(0) += 1;
    }

    /// A person's page so far.
    pub(crate) fn page(&self, person: &str) -> Page {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).get(person).cloned().unwrap_or_default()
    }

    fn on_page(&self, person: &str, change: impl FnOnce(&mut Page)) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        change(pages.entry(person.to_owned()).or_default());
    }

    /// Posts until the centre answers something else than "try again", as an outbox does; notes a 2xx.
    pub(crate) fn post(&self, client: &Client, kind: &'static str, path: &str, body: &Value) -> Option<u16> {
        for _ in 0..2_000 {
            match client.try_post(path, body) {
                Ok(a) if a.status / 100 == 2 => {
                    self.ledger.add(Done {
                        person: client.person.clone(),
                        kind,
                        path: path.to_owned(),
                        body: body.clone(),
                        status: a.status,
                        answer: a.text(),
                    });
                    return Some(a.status);
                }
                Ok(a) if a.status == 503 || a.status == 507 => {
                    self.refuse(a.status, &a.json());
                    std::thread::sleep(Duration::from_millis(20));
                }
                Ok(a) => {
                    self.refuse(a.status, &a.json());
                    return Some(a.status);
                }
                // The centre is down, or went down midway: the same again.
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        None
    }
}

/// A report as a phone sends it. One in three has a bearing and a range, near `around`; the others are far off and
/// measure nothing.
pub(crate) fn sighting(seed: &mut Seed, around: (f64, f64)) -> Value {
    let measured = seed.chance(0.33);
    let (east, north) = if measured {
        (around.0 + seed.between(-200.0, 200.0), around.1 + seed.between(-200.0, 200.0))
    } else {
        (seed.between(-20_000.0, 20_000.0), seed.between(3_000.0, 20_000.0))
    };
    let (lat, lon) = at(east, north);
    let bearing = measured.then(|| json!({"azimuth_deg": seed.between(0.0, 359.0), "how": "compass"}));
    json!({
        "id": id(), "from": {"lat_deg": lat, "lon_deg": lon, "alt_hae_m": null}, "from_accuracy_m": 8.0,
        "bearing": bearing, "range": if measured { "to300" } else { "unknown" }, "kind": "multirotor",
        "words": format!("seen {}", seed.next()), "first_seen": time_text(-3.0), "last_seen": time_text(-1.0),
    })
}

/// A position of a person.
pub(crate) fn position(east_m: f64, north_m: f64) -> Value {
    let (lat, lon) = at(east_m, north_m);
    json!({
        "id": id(), "at": {"lat_deg": lat, "lon_deg": lon, "alt_hae_m": 1_200.0}, "accuracy_m": 8.0,
        "observed_at": time_text(-0.1),
    })
}

/// Where the people of the load stand, metres east and north.
pub(crate) const POSTS: [(&str, f64, f64); 3] =
    [("agent-a1", 0.0, 0.0), ("agent-a2", 600.0, -300.0), ("agent-b1", -700.0, 500.0)];

/// A thread that posts sightings; one in eight is posted again at once on another connection while the first may still
/// wait for the disk: both answers count as "received".
pub(crate) fn reporter(shared: &Arc<Shared>, client: Client, mut seed: Seed, pause_ms: u64) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        while !shared.enough.load(Ordering::Acquire) {
            let body = sighting(&mut seed, (0.0, 0.0));
            if seed.chance(0.125) {
                let (other, shared, body) = (client.clone(), Arc::clone(&shared), body.clone());
                let twin = std::thread::spawn(move || shared.post(&other, "sighting", "/api/v1/sightings", &body));
                drop(twin);
            }
            shared.post(&client, "sighting", "/api/v1/sightings", &body);
            shared.pause(pause_ms);
        }
    })
}

/// A thread that says where people are.
pub(crate) fn walker(
    shared: &Arc<Shared>,
    people: Vec<(Client, f64, f64)>,
    mut seed: Seed,
    pause_ms: u64,
) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        while !shared.enough.load(Ordering::Acquire) {
            for (client, east, north) in &people {
                let body = position(east + seed.between(-5.0, 5.0), north + seed.between(-5.0, 5.0));
                shared.post(client, "position", "/api/v1/positions", &body);
                shared.pause(pause_ms);
            }
        }
    })
}

/// Drones that fly past people, each under a new serial: what a receiver tells of them.
#[derive(Debug)]
pub(crate) struct Drones {
    seed: Seed,
    made: u64,
    flying: Vec<Flight>,
}

#[derive(Debug)]
struct Flight {
    serial: String,
    from: (f64, f64),
    velocity: (f64, f64),
    began: std::time::Instant,
}

impl Drones {
    /// So many at a time.
    pub(crate) fn new(seed: Seed, at_once: usize) -> Self {
        let mut drones = Self { seed, made: 0, flying: Vec::new() };
        for _ in 0..at_once {
            let flight = drones.next();
            drones.flying.push(flight);
        }
        drones
    }

    /// Starts 300 m from somebody and passes within some metres of them at 15 m/s.
    fn next(&mut self) -> Flight {
        self.made += 1;
        let (_, east, north) = POSTS[self.seed.below(POSTS.len())];
        let course = self.seed.between(0.0, std::f64::consts::TAU);
        Flight {
            serial: format!("KILL{:012}", self.made),
            from: (east - 300.0 * course.sin(), north - 300.0 * course.cos()),
            velocity: (15.0 * course.sin(), 15.0 * course.cos()),
            began: std::time::Instant::now(),
        }
    }

    /// A line for each; one that flew for 25 s is followed by another.
    pub(crate) fn lines(&mut self) -> String {
        let mut text = String::new();
        for n in 0..self.flying.len() {
            if self.flying[n].began.elapsed() > Duration::from_secs(25) {
                self.flying[n] = self.next();
            }
            let f = &self.flying[n];
            let t = f.began.elapsed().as_secs_f64();
            let (east, north) = (f.from.0 + f.velocity.0 * t, f.from.1 + f.velocity.1 * t);
            let line = drone_line(&f.serial, east, north, 60.0, [f.velocity.0, f.velocity.1, 0.0]);
            text.push_str(&line.to_string());
            text.push('\n');
        }
        text
    }
}

/// A thread that posts what a receiver hears, with a source's token.
pub(crate) fn receiver(shared: &Arc<Shared>, source: Client, mut drones: Drones, pause_ms: u64) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        while !shared.enough.load(Ordering::Acquire) {
            let text = drones.lines();
            match source.try_send("POST", "/api/v1/observations", &[], text.as_bytes()) {
                Ok(a) if a.status == 202 => {
                    let taken = a.json().get("taken").and_then(Value::as_u64).unwrap_or(0);
                    assert_eq!(taken, text.lines().count() as u64, "{a}");
                    shared.observations.fetch_add(taken, Ordering::Relaxed);
                }
                Ok(a) => shared.refuse(a.status, &a.json()),
                Err(_) => {}
            }
            shared.pause(pause_ms);
        }
    })
}

/// A token for a source, as its client.
pub(crate) fn source(administrator: &Client, source: &str) -> Client {
    let made = administrator.post("/api/v1/tokens", &json!({"id": id(), "name": source, "source": source})).ok(201);
    administrator.clone().without_session().with_token(text(&made, "/secret"))
}

/// A thread that is a person's open page: it connects again whenever it is cut, resumes after the newest event it had,
/// fetches everything after a `reset`, sends a receipt for each notice, and acknowledges what it owes.
pub(crate) fn page(shared: &Arc<Shared>, client: Client, answers: bool) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        let mut last: Option<String> = None;
        let mut answered = BTreeSet::new();
        while !shared.close.load(Ordering::Acquire) {
            let Ok(mut events) = Events::try_open_after(&client, last.as_deref()) else {
                std::thread::sleep(Duration::from_millis(20));
                continue;
            };
            shared.on_page(&client.person, |p| p.connections += 1);
            while let Ok(next) = events.next(Duration::from_millis(50)) {
                if shared.close.load(Ordering::Acquire) {
                    return;
                }
                let Some(event) = next else { continue };
                if event.id.is_some() {
                    last.clone_from(&event.id);
                }
                if heard(&shared, &client, &event).is_err() {
                    // It went down before everything was fetched: from the beginning again.
                    last = Some("0".into());
                    break;
                }
                if answers {
                    answer(&shared, &client, &event, &mut answered);
                }
            }
        }
    })
}

/// Notes an event, and what a page fetches because of it.
fn heard(shared: &Shared, client: &Client, event: &Event) -> io::Result<()> {
    match event.name.as_str() {
        "notice" => note(shared, client, &event.data),
        "sighting" => shared.on_page(&client.person, |p| {
            p.sightings.insert(text(&event.data, "/sighting/id").to_owned());
        }),
        "reset" => {
            shared.on_page(&client.person, |p| p.resets += 1);
            fetch(client, "sightings", &mut |s| {
                shared.on_page(&client.person, |p| {
                    p.sightings.insert(text(s, "/sighting/id").to_owned());
                });
            })?;
        }
        _ => {}
    }
    Ok(())
}

fn note(shared: &Shared, client: &Client, view: &Value) {
    let id = text(view, "/notice/id").to_owned();
    let version = view["notice"]["version"].as_u64().unwrap();
    let unrecorded = view["unrecorded"].as_bool().unwrap();
    shared.on_page(&client.person, |p| {
        let versions = p.notices.entry(id).or_default();
        let kept = versions.entry(version).or_insert_with(|| (view["notice"].clone(), unrecorded));
        // Sent again as recorded: then that is what counts.
        if kept.1 && !unrecorded {
            *kept = (view["notice"].clone(), false);
        }
    });
}

/// Every page of a list.
pub(crate) fn fetch(client: &Client, what: &str, sink: &mut dyn FnMut(&Value)) -> io::Result<()> {
    let mut cursor = String::new();
    loop {
        let list = client.try_send("GET", &format!("/api/v1/{what}?limit=200{cursor}"), &[], b"")?;
        let list = list.ok(200);
        items(&list).iter().for_each(&mut *sink);
        match list["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(()),
        }
    }
}

/// A receipt for each version that is the reader's own, an acknowledgement for each that is owed.
fn answer(shared: &Shared, client: &Client, event: &Event, answered: &mut BTreeSet<(String, u64, &'static str)>) {
    if event.name != "notice" || event.data["mine"] != true {
        return;
    }
    let notice = text(&event.data, "/notice/id").to_owned();
    let version = event.data["notice"]["version"].as_u64().unwrap();
    let base = format!("/api/v1/notices/{notice}/versions/{version}");
    if answered.insert((notice.clone(), version, "receipt")) {
        shared.post(client, "receipt", &format!("{base}/receipts"), &json!({"id": id(), "shown": true}));
    }
    if event.data["owes"] == true && answered.insert((notice, version, "acknowledgement")) {
        shared.post(client, "acknowledgement", &format!("{base}/acknowledgements"), &json!({"id": id()}));
    }
}
