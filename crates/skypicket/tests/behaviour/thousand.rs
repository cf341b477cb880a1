//! One Officer Safety Alert to a thousand people in four agencies, from its proposal to its recall: board, dissemination
//! log and ledger agree to the person, nobody outside its release gets a word of it, and a crash loses no acknowledgement.

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small numbers
#[path = "../../benches/crowd/mod.rs"]
mod crowd;

use super::{
    bulletins::{act, approve, propose},
    measures::{log, with_checklist},
};
use crate::support::{self, Centre, Client, Scene, id, text, time_text, until};
use crowd::Signed;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io::{Read, Write as _},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// People; a fourth of them in each agency.
const PEOPLE: usize = 1_000;
const AGENCIES: [&str; 4] = ["north", "south", "east", "west"];
/// The first of those to whom it is not released: all of the fourth agency.
const OUTSIDE: usize = PEOPLE / 4 * 3;
/// Long, since test machines are slow at times: each wait ends as soon as what is waited for is there.
const PATIENCE: Duration = Duration::from_mins(2);
/// Words of each version that stand nowhere else.
const WORDS: [&str; 3] = ["quetzalone", "quetzaltwo", "quetzalthree"];
const FIRST: [&str; 3] = ["body-armour", "first-aid-kit", "report-every-sighting"];
const SECOND: [&str; 3] = ["first-aid-kit", "report-every-sighting", "take-cover"];

/// What one person is to do, and what must be known of them in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Told {
    acknowledged: BTreeSet<u64>,
    /// By version, what they have done of its checklist.
    done: BTreeMap<u64, BTreeSet<String>>,
}

fn scene() -> Scene {
    let scene = Scene::new();
    let mut text = String::from(
        "[record]\nreserve_mib = 1\n[policy.dispatch]\nreceipt_s = { web = 3600.0, tak = 3600.0 }\n\
         [policy.dispatch.bulletin]\nacknowledge_s = { urgent = 3600.0, caution = 3600.0, advisory = 3600.0 }\n\
         remind_s = { urgent = 3600.0, caution = 3600.0, advisory = 3600.0 }\n",
    );
    for a in AGENCIES {
        let _ = write!(text, "[[agency]]\nid = \"{a}\"\nname = \"Agency {a}\"\n");
        for u in 0..5 {
            let _ = write!(
                text,
                "[[unit]]\nid = \"{a}-{u}\"\nname = \"Unit {u} of {a}\"\nagency = \"{a}\"\nleadership = []\n"
            );
        }
    }
    text.push_str("[[unit]]\nid = \"centre\"\nname = \"Centre\"\nagency = \"north\"\nleadership = []\n");
    let mut person = |id: &str, unit: &str, roles: &str| {
        let name = id.to_uppercase();
        let _ = write!(text, "[[person]]\nid = \"{id}\"\nname = \"{name}\"\nunit = \"{unit}\"\nroles = [{roles}]\n");
    };
    person("watch-1", "centre", "\"watch\", \"administrator\"");
    person("analyst-1", "centre", "\"analyst\"");
    person("auditor-1", "centre", "\"auditor\"");
    for k in 0..PEOPLE {
        let (agency, unit) = (AGENCIES[k / (PEOPLE / 4)], k % (PEOPLE / 4) / (PEOPLE / 20));
        person(&name(k), &format!("{agency}-{unit}"), "\"field\"");
    }
    Scene { text, ..scene }
}

fn name(k: usize) -> String {
    format!("p{k}")
}

fn alert(word: &str, measures: &[&str]) -> Value {
    let mut c = with_checklist(&format!("Explosive drones {word}"), measures);
    for key in ["text", "text_es", "title_es"] {
        c[key] = json!(format!("Drones may be used against personnel: {word}."));
    }
    c["recall_text"] = json!(format!("The source was mistaken: {}.", WORDS[2]));
    c["level"] = json!("urgent");
    c["expires_at"] = json!(time_text(86_400.0));
    c["audience"] = json!([{"to": "everybody"}]);
    c["marking"] =
        json!({"tlp": "TLP:AMBER", "owner": "north", "releasable_to": ["north", "south", "east"], "named": []});
    c
}

/// Everybody's event stream, whole, over every connection that they had.
struct Streams(Vec<Arc<Mutex<Vec<u8>>>>);

impl Streams {
    fn none() -> Self {
        Self((0..PEOPLE).map(|_| Arc::default()).collect())
    }

    /// Opens one for each person; all have said hello when it returns.
    fn open(&self, address: &str, signed: &[Signed]) {
        for (said, s) in self.0.iter().zip(signed) {
            let mut stream = TcpStream::connect(address).unwrap();
            let request = format!("GET /api/v1/events HTTP/1.1\r\nhost: {address}\r\ncookie: {}\r\n\r\n", s.cookie);
            stream.write_all(request.as_bytes()).unwrap();
            let said = Arc::clone(said);
            let read = move || {
                let mut piece = [0; 4_096];
                // Ends with the connection.
                while let Ok(n) = stream.read(&mut piece)
                    && n > 0
                {
                    said.lock().unwrap().extend_from_slice(&piece[..n]);
                }
            };
            thread::Builder::new().stack_size(64 << 10).spawn(read).unwrap();
        }
    }

    fn holds(&self, k: usize, what: &str, from: usize) -> bool {
        let said = self.0[k].lock().unwrap();
        said[from.min(said.len())..].windows(what.len()).any(|w| w == what.as_bytes())
    }

    /// Waits until everybody of these has got something since.
    fn wait(&self, what: &str, whose: std::ops::Range<usize>, from: &[usize]) {
        let mut left: Vec<usize> = whose.collect();
        until(what, PATIENCE, || {
            left.retain(|k| !self.holds(*k, what, from.get(*k).copied().unwrap_or_default()));
            left.is_empty().then_some(())
        });
    }

    fn lengths(&self) -> Vec<usize> {
        self.0.iter().map(|s| s.lock().unwrap().len()).collect()
    }
}

/// Something that a person posts: until it is answered, whatever happens to the centre meanwhile.
struct Post {
    who: usize,
    path: String,
    body: Value,
}

/// Posts all of it over a few connections, each person's in their order; `half` is called when half of it is done.
fn post_all(clients: &[Client], posts: Vec<Post>, half: impl FnOnce()) {
    const CONNECTIONS: usize = 16;
    let (all, done) = (posts.len(), Arc::new(AtomicUsize::new(0)));
    let mut queues: Vec<Vec<Post>> = (0..CONNECTIONS).map(|_| Vec::new()).collect();
    for p in posts {
        queues[p.who % CONNECTIONS].push(p);
    }
    let workers = queues.into_iter().map(|queue| {
        let clients: BTreeMap<usize, Client> = queue.iter().map(|p| (p.who, clients[p.who].clone())).collect();
        let done = Arc::clone(&done);
        thread::spawn(move || {
            for p in queue {
                let end = Instant::now() + PATIENCE;
                loop {
                    match clients[&p.who].try_post(&p.path, &p.body) {
                        Ok(answer) if (200..300).contains(&answer.status) => break,
                        // Refused at the door, or gone: the same again, as a phone does.
                        Ok(answer) => assert!([503, 507].contains(&answer.status), "{}: {answer}", p.path),
                        Err(_) => {}
                    }
                    assert!(Instant::now() < end, "{} was not answered", p.path);
                    thread::sleep(Duration::from_millis(50));
                }
                done.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    let workers: Vec<_> = workers.collect();
    until("half of the answers", PATIENCE, || (done.load(Ordering::Relaxed) * 2 >= all).then_some(()));
    half();
    for w in workers {
        w.join().unwrap();
    }
}

/// What of a checklist person `k` has done.
fn done(k: usize, of: &[&str]) -> BTreeSet<String> {
    let picked = of.iter().enumerate().filter(|(n, _)| !(k + n).is_multiple_of(3));
    picked.map(|(_, m)| (*m).to_owned()).collect()
}

/// Compares the board of a version with what everybody was told to do.
fn board_agrees(watch: &Client, notice: &str, version: u64, told: &[Told]) {
    let path = format!("/api/v1/notices/{notice}");
    let board = watch.see(&format!("{path}/board"));
    assert_eq!(
        (&board["counts"]["recipients"], text(&board, "/notice/marking/tlp")),
        (&json!(PEOPLE + 3), "TLP:AMBER")
    );
    let list = board["measures"].as_array().unwrap();
    for (a, agency) in AGENCIES.iter().enumerate() {
        let part = board["agencies"].as_array().unwrap().iter().find(|p| p["id"] == *agency).unwrap();
        let people = &told[a * PEOPLE / 4..(a + 1) * PEOPLE / 4];
        let acknowledged = people.iter().filter(|t| t.acknowledged.contains(&version)).count();
        assert_eq!(part["counts"]["acknowledged"], acknowledged, "{agency}: {}", part["counts"]);
        for m in list {
            let id = text(m, "/id");
            let n = people.iter().filter(|t| t.done.get(&version).is_some_and(|d| d.contains(id))).count();
            assert_eq!(part["done"][id], n, "{agency}: {id}");
        }
    }
    for m in list {
        let id = text(m, "/id");
        let n = told.iter().filter(|t| t.done.get(&version).is_some_and(|d| d.contains(id))).count();
        assert_eq!(m["done"], n, "{id}");
    }
    // Person by person, and the same by the filters.
    let rows = all(watch, &format!("{path}/recipients?limit=500"));
    assert_eq!(rows.len(), PEOPLE + 3);
    let kit = "first-aid-kit";
    let unchecked = all(watch, &format!("{path}/recipients?limit=500&state=acknowledged&not_done={kit}"));
    let unchecked: BTreeSet<&str> = unchecked.iter().map(|r| text(r, "/person")).collect();
    let by_person: BTreeMap<&str, &Value> = rows.iter().map(|r| (text(r, "/person"), r)).collect();
    for (k, t) in told.iter().enumerate() {
        let (name, t) = (name(k), t.clone());
        let r = by_person[name.as_str()];
        let knows = t.acknowledged.contains(&version);
        assert_eq!(r["acknowledged_at"].is_string(), knows, "{r}");
        let said: BTreeSet<String> = serde_json::from_value(r["done"].clone()).unwrap();
        let expected = t.done.get(&version).cloned().unwrap_or_default();
        assert_eq!(said, expected, "{name}");
        assert_eq!(unchecked.contains(name.as_str()), knows && !expected.contains(kit), "{name}");
        if k >= OUTSIDE {
            assert_eq!((text(r, "/trouble"), &r["attempts"]), ("not_releasable", &json!(0)), "{r}");
        }
    }
}

/// Every item of a list, page after page.
fn all(by: &Client, path: &str) -> Vec<Value> {
    let (mut out, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = by.see(&format!("{path}{cursor}"));
        out.extend(support::items(&page).iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return out,
        }
    }
}

/// What the record's own entries say, by person: acknowledged versions, and the last list of measures of each.
fn ledger(entries: &[Value], notice: &str) -> BTreeMap<String, Told> {
    let mut said: BTreeMap<String, Told> = BTreeMap::new();
    for b in entries.iter().map(|e| &e["body"]).filter(|b| b["body"] == "dispatch" && b["notice"] == notice) {
        let version = b["version"].as_u64();
        match b["event"].as_str() {
            Some("acknowledged") => {
                said.entry(text(b, "/person").into()).or_default().acknowledged.extend(version);
            }
            Some("measures") => {
                let done = serde_json::from_value(b["done"].clone()).unwrap();
                said.entry(text(b, "/person").into()).or_default().done.insert(version.unwrap(), done);
            }
            _ => {}
        }
    }
    said
}

#[test]
fn an_alert_to_a_thousand_people_in_four_agencies_is_known_to_the_person_from_its_approval_to_its_recall() {
    let began = Instant::now();
    let step = |what: &str| eprintln!("{what}: {:.1} s", began.elapsed().as_secs_f64());
    let mut centre = Centre::start_with(scene(), &[]);
    let watch = centre.first();
    let [analyst, auditor] = ["analyst-1", "auditor-1"].map(|p| centre.person(p));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let signed = runtime.block_on(crowd::sign_in(&watch.address(), &centre.record(), (0..PEOPLE).map(name).collect()));
    runtime.shutdown_background();
    let client = |s: &Signed| {
        let mut c = centre.anybody();
        c.set_cookie(&s.cookie);
        c
    };
    let clients: Vec<Client> = signed.iter().map(client).collect();
    let streams = Streams::none();
    streams.open(&watch.address(), &signed);
    streams.wait("event: hello", 0..PEOPLE, &[]);
    step("signed in, a page open each");

    // Written, approved by a second person, and at everybody to whom it is released.
    let one = approve(&watch, &propose(&analyst, &alert(WORDS[0], &FIRST)));
    let notice = text(&one, "/notice").to_owned();
    let path = format!("/api/v1/notices/{notice}");
    streams.wait(WORDS[0], 0..OUTSIDE, &[]);
    step("version 1 is everywhere");

    // Most say what they have done, most acknowledge; the centre is killed in the middle of it.
    let mut told = vec![Told::default(); PEOPLE];
    let mut posts = Vec::new();
    for (k, t) in told.iter_mut().enumerate().take(OUTSIDE) {
        let mut post =
            |what: &str, body: Value| posts.push(Post { who: k, path: format!("{path}/versions/1/{what}"), body });
        if k % 10 < 8 {
            let list = done(k, &FIRST);
            post("measures", json!({"id": id(), "done": list}));
            t.done.insert(1, list);
        }
        if k % 10 < 7 {
            post("acknowledgements", json!({"id": id()}));
            t.acknowledged.insert(1);
        }
    }
    post_all(&clients, posts, || {
        centre.kill();
        centre.start_again();
    });
    step("acknowledged, over a crash");
    board_agrees(&watch, &notice, 1, &told);
    let before = streams.lengths();
    streams.open(&watch.address(), &signed);
    streams.wait("event: hello", 0..PEOPLE, &before);

    // Superseded: what is on both checklists stays done, and everybody is asked anew.
    let two = act(&analyst, &one, "corrections", json!({"content": alert(WORDS[1], &SECOND), "why": "cover"})).ok(201);
    approve(&watch, &two);
    streams.wait(WORDS[1], 0..OUTSIDE, &[]);
    for t in &mut told {
        if let Some(before) = t.done.get(&1).cloned() {
            t.done.insert(2, before.into_iter().filter(|m| SECOND.contains(&m.as_str())).collect());
        }
    }
    let mut posts = Vec::new();
    for k in (0..OUTSIDE).filter(|k| k % 10 < 4) {
        let list = done(k + 1, &SECOND);
        let mut post =
            |what: &str, body: Value| posts.push(Post { who: k, path: format!("{path}/versions/2/{what}"), body });
        post("acknowledgements", json!({"id": id()}));
        told[k].acknowledged.insert(2);
        if k % 10 < 3 {
            post("measures", json!({"id": id(), "done": list}));
            told[k].done.insert(2, list);
        }
    }
    post_all(&clients, posts, || {});
    // Some who are silent are called.
    for k in (9..OUTSIDE).step_by(100) {
        let call = json!({"id": id(), "person": name(k), "status": "acknowledged"});
        watch.post(&format!("{path}/versions/2/calls"), &call).ok(201);
        told[k].acknowledged.insert(2);
    }
    step("corrected, and acknowledged again by some");
    board_agrees(&watch, &notice, 2, &told);

    // Recalled, with the correction that was written with it.
    act(&watch, &one, "recalls", json!({"why": "the source was mistaken"})).ok(200);
    streams.wait(WORDS[2], 0..OUTSIDE, &[]);
    let late = clients[0].post(&format!("{path}/versions/2/measures"), &json!({"id": id(), "done": []}));
    late.problem(409, "over");
    // The last version asks nothing: who knows is who knew the one before.
    for t in &mut told {
        if t.acknowledged.contains(&2) {
            t.acknowledged.insert(3);
        }
        if let Some(before) = t.done.get(&2).cloned() {
            t.done.insert(3, before);
        }
    }
    board_agrees(&watch, &notice, 3, &told);
    step("recalled");

    // Nobody outside its release got a word of any version: their streams are read to a heartbeat after the recall.
    let after = streams.lengths();
    streams.wait("event: heartbeat", OUTSIDE..PEOPLE, &after);
    for k in OUTSIDE..PEOPLE {
        for word in WORDS.iter().chain([&"Explosive drones", &notice.as_str()]) {
            assert!(!streams.holds(k, word, 0), "{} got {word}", name(k));
        }
    }
    for k in [OUTSIDE, PEOPLE - 1] {
        clients[k].get(&path).problem(404, "not_found");
        assert!(!clients[k].get("/api/v1/notices").text().contains(WORDS[2]));
    }
    step("nobody outside got a word");

    // The dissemination log says the same of everybody and every version, in both its forms.
    let lines = log(&auditor, &notice);
    let rows: Vec<&Value> = lines.iter().filter(|l| l["type"] == "recipient").collect();
    assert_eq!(rows.len(), 3 * (PEOPLE + 3));
    assert_eq!(lines.last().unwrap()["recipients"], rows.len());
    let number: BTreeMap<String, usize> = (0..PEOPLE).map(|k| (name(k), k)).collect();
    for r in &rows {
        let Some(k) = number.get(text(r, "/person")) else { continue };
        let (t, version) = (&told[*k], r["version"].as_u64().unwrap());
        let knows = version < 3 && t.acknowledged.contains(&version);
        assert_eq!(r["acknowledged_at"].is_string(), knows, "{r}");
        let called = version == 2 && knows && k % 100 == 9;
        assert_eq!(r["acknowledged_by"] == "watch-1", called, "{r}");
        let said: BTreeSet<String> = serde_json::from_value(r["measures"].clone()).unwrap();
        assert_eq!(said, t.done.get(&version).cloned().unwrap_or_default(), "{r}");
        let tried = r["deliveries"].as_array().unwrap().iter().any(|d| d["attempts"] != 0);
        assert_eq!(tried, *k < OUTSIDE, "{r}");
    }
    let csv = auditor.get(&format!("{path}/export?format=csv"));
    assert_eq!((csv.status, csv.text().lines().count()), (200, rows.len() + 1));
    step("the log agrees");

    // So do the entries themselves, and the engines make the same of them again.
    centre.terminate();
    let said = ledger(&centre.export(), &notice);
    for (k, t) in told.iter().enumerate() {
        let of = said.get(&name(k)).cloned().unwrap_or_default();
        let acknowledged: BTreeSet<u64> = t.acknowledged.iter().copied().filter(|v| *v < 3).collect();
        assert_eq!(of.acknowledged, acknowledged, "{}", name(k));
        // What was kept is no entry of its own.
        for (version, done) in &of.done {
            assert_eq!(Some(done), t.done.get(version), "{}, version {version}", name(k));
        }
    }
    assert!(said.keys().all(|p| number.get(p).is_some_and(|k| *k < OUTSIDE)), "nobody else said anything");
    let verified = centre.verify(&["--recompute"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    step("the ledger agrees");
}
