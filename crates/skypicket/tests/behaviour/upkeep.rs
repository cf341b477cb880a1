//! Backup, restore, purge, and clocks that are set: nothing is lost, nothing goes out again, and nothing stays that may
//! not.

use crate::support::{
    Centre, Events, Feed, Flight, Folder, Scene, drone_line, id, items, number, position, program, run, sighting, text,
    until,
};
use age::secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

const SOON: Duration = Duration::from_secs(20);

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// The last line of a command's output.
fn summary(out: &Output) -> Value {
    assert!(out.status.success(), "{} {}", out.status, said(out));
    serde_json::from_str(String::from_utf8_lossy(&out.stdout).lines().last().unwrap()).unwrap()
}

/// A key pair: the public half, and the file with the secret one.
fn key(folder: &Path, name: &str) -> (String, PathBuf) {
    let secret = age::x25519::Identity::generate();
    let file = folder.join(name);
    std::fs::write(&file, format!("# made for a test\n{}\n", secret.to_string().expose_secret())).unwrap();
    (secret.to_public().to_string(), file)
}

fn backup(centre: &Centre, to: &Path, recipient: &str) -> Output {
    let (to, data) = (to.to_str().unwrap(), centre.data());
    run(&["record", "backup", "--to", to, "--recipient", recipient, "--data", data.to_str().unwrap()])
}

fn restore(from: &Path, data: &Path, identity: &Path) -> Output {
    let [from, data, identity] = [from, data, identity].map(|p| p.to_str().unwrap());
    run(&["record", "restore", from, "--data", data, "--identity-file", identity])
}

fn verify(data: &Path, flags: &[&str]) -> Value {
    let mut args = vec!["record", "verify", "--data", data.to_str().unwrap()];
    args.extend(flags);
    summary(&run(&args))
}

/// The centre runs no more; from its next start on it has this folder.
fn move_to(centre: &Centre, data: &Path) {
    std::fs::rename(centre.data(), centre.folder().join(format!("before-{}", id()))).unwrap();
    std::fs::rename(data, centre.data()).unwrap();
}

/// Every byte of the record's files.
fn holds(folder: &Path, words: &str) -> bool {
    ["record.db", "record.db-wal"]
        .iter()
        .filter_map(|f| std::fs::read(folder.join(f)).ok())
        .any(|bytes| bytes.windows(words.len()).any(|w| w == words.as_bytes()))
}

#[test]
fn a_backup_taken_under_load_is_sealed_and_restores_on_another_folder_and_verifies() {
    let mut centre = Centre::start();
    let place = Folder::new();
    let (public, secret) = key(place.path(), "key.txt");
    let (_, other) = key(place.path(), "other.txt");
    // The authority stands beside the records: phones trust it, so it comes along.
    std::fs::create_dir(centre.data().join("tls")).unwrap();
    std::fs::write(centre.data().join("tls/authority.pem"), "the authority's key").unwrap();
    let administrator = centre.person("administrator");
    assert_eq!(items(&json!({"items": administrator.see("/api/v1/upkeep")["backups"]})).len(), 0);

    let stop = Arc::new(AtomicBool::new(false));
    let flight = Flight::start(centre.scene.tcp, "1581F4BACKUP01", [0.0, 720.0, 30.0], [0.0, -2.0, 0.0]);
    let load: Vec<_> = ["agent-a1", "agent-a2", "lead-a"]
        .into_iter()
        .map(|person| {
            let (client, stop) = (centre.person(person), Arc::clone(&stop));
            thread::spawn(move || {
                let mut sent = 0;
                while !stop.load(Ordering::Relaxed) {
                    client.post("/api/v1/positions", &position(f64::from(sent), 0.0)).ok(201);
                    client.post("/api/v1/sightings", &sighting(f64::from(sent), 0.0, 90.0, "to300")).ok(201);
                    sent += 1;
                }
                sent
            })
        })
        .collect();
    let entries = || number(&administrator.see("/api/v1/upkeep"), "/entries");
    until("some load", SOON, || (entries() > 300.0).then_some(()));
    let file = place.path().join("backup.age");
    let made = summary(&backup(&centre, &file, &public));
    stop.store(true, Ordering::Relaxed);
    let sent: i32 = load.into_iter().map(|t| t.join().unwrap()).sum();
    flight.end();
    assert!(sent > 10, "{sent}");
    assert_eq!((&made["written_down"], &made["world"]), (&json!(true), &json!("live")));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let left: Vec<_> = std::fs::read_dir(place.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "nothing half-made is left: {left:?}");
    let sealed = std::fs::read(&file).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1"));
    for plain in [&b"agent-a1"[..], b"backup.json", b"PRIVATE+KEY", b"SQLite format"] {
        assert!(!sealed.windows(plain.len()).any(|w| w == plain), "{}", String::from_utf8_lossy(plain));
    }
    let seen = administrator.see("/api/v1/upkeep");
    assert_eq!(seen["backups"][0]["id"], made["id"]);
    assert_eq!(seen["backups"][0]["recipients"], json!([public]));
    // It takes the place of nothing.
    let again = backup(&centre, &file, &public);
    assert_eq!(again.status.code(), Some(3));
    assert!(said(&again).contains("there is a file already"), "{}", said(&again));

    centre.terminate();
    let before = centre.export();
    let new = place.path().join("new");
    for (what, from, with) in [
        ("another key", sealed.clone(), &other),
        ("cut short", sealed[..sealed.len() - 100].to_vec(), &secret),
        (
            "one bit",
            {
                let mut s = sealed.clone();
                let at = s.len() / 2;
                s[at] ^= 1;
                s
            },
            &secret,
        ),
    ] {
        let bad = place.file("bad.age", from);
        let out = restore(&bad, &new, with);
        assert_eq!(out.status.code(), Some(3), "{what}: {}", said(&out));
        assert!(said(&out).contains("nothing was restored"), "{what}: {}", said(&out));
        assert!(!new.join("live").exists() && !new.join("live.restoring").exists(), "{what}");
    }
    let done = summary(&restore(&file, &new, &secret));
    assert_eq!((&done["entries"], &done["root"], &done["verified"]), (&made["entries"], &made["root"], &json!(true)));
    let n = usize::try_from(made["entries"].as_u64().unwrap()).unwrap();
    assert_eq!(verify(&new, &["--recompute"])["differences"], 0);
    let files = new.join("live");
    assert_eq!(std::fs::read_to_string(new.join("tls/authority.pem")).unwrap(), "the authority's key");
    assert_eq!(done["authority"], "restored");
    assert_eq!(
        std::fs::read(files.join("checkpoint.key")).unwrap(),
        std::fs::read(centre.record().join("checkpoint.key")).unwrap()
    );
    for name in ["live", "live/record.db", "live/checkpoint.key", "tls", "tls/authority.pem"] {
        assert_eq!(std::fs::metadata(new.join(name)).unwrap().permissions().mode() & 0o077, 0, "{name}");
    }
    let names: Vec<_> = std::fs::read_dir(&files).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert!(!names.iter().any(|n| n.to_string_lossy().contains("restoring")), "{names:?}");
    let full = restore(&file, &new, &secret);
    assert_eq!(full.status.code(), Some(2));
    assert!(said(&full).contains("not empty"), "{}", said(&full));
    move_to(&centre, &new);
    let after = centre.export();
    assert_eq!(before[..n], after[..n]);
    assert_eq!(after[n]["body"]["upkeep"], "restored");
    // People are who they were, and their sessions hold.
    centre.start_again();
    assert_eq!(administrator.see("/api/v1/me")["person"]["id"], "administrator");
    let seen = administrator.see("/api/v1/upkeep");
    assert_eq!(seen["restored"]["id"], made["id"]);
}

#[test]
fn a_backup_can_be_sealed_by_a_passphrase_and_is_written_down_with_no_centre_running() {
    let mut centre = Centre::start();
    centre.person("administrator");
    centre.terminate();
    let place = Folder::new();
    let words = place.file("words", "correct horse battery\n");
    let data = centre.data();
    let [file, words, data] = [place.path().join("b.age"), words, data].map(|p| p.to_str().unwrap().to_owned());
    let none = run(&["record", "backup", "--to", &file, "--data", &data]);
    assert_eq!(none.status.code(), Some(2));
    assert!(said(&none).contains("say who may open the backup"), "{}", said(&none));
    let inside = format!("{data}/live/b.age");
    let out = run(&["record", "backup", "--to", &inside, "--passphrase-file", &words, "--data", &data]);
    assert!(said(&out).contains("does not belong into the folder"), "{}", said(&out));
    let made = summary(&run(&["record", "backup", "--to", &file, "--passphrase-file", &words, "--data", &data]));
    let wrote = centre.export().pop().unwrap();
    assert_eq!((&wrote["body"]["upkeep"], &wrote["body"]["id"]), (&json!("backed_up"), &made["id"]));
    let new = place.path().join("new");
    let to = new.to_str().unwrap();
    let wrong =
        run(&["record", "restore", &file, "--data", to, "--passphrase-file", &words, "--exercise", "first-light"]);
    assert!(said(&wrong).contains("exercise and live never mix"), "{}", said(&wrong));
    let done = summary(&run(&["record", "restore", &file, "--data", to, "--passphrase-file", &words]));
    assert_eq!(done["may_repeat"], 0);
    assert_eq!(verify(&new, &["--recompute"])["differences"], 0);
}

/// A drone heard by the radar, whose clock is the machine's.
struct Heard {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Heard {
    fn start(centre: &Centre, wrong: &Path, serial: &'static str, north_m: f64, velocity: f64) -> Self {
        let (stop, feed, wrong) = (Arc::new(AtomicBool::new(false)), centre.scene.tcp, wrong.to_owned());
        let over = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut feed = Feed::connect(feed);
            let begun = std::time::Instant::now();
            while !over.load(Ordering::Relaxed) {
                let north = north_m + velocity * begun.elapsed().as_secs_f64();
                let mut line = drone_line(serial, 0.0, north, 30.0, [0.0, velocity, 0.0]);
                let text = std::fs::read_to_string(&wrong).unwrap_or_default();
                line["t"] = json!(number(&line, "/t") + text.parse().unwrap_or(0.0));
                if !feed.try_send(&line) {
                    return;
                }
                // The sensor's own rhythm, not a synchronisation.
                thread::sleep(Duration::from_millis(200));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

/// A centre whose clock a test sets; sessions outlast whatever it is set to.
fn with_clock(scene: Scene) -> (Centre, PathBuf, Folder) {
    let days = "field_session_days = 365.0\nfield_idle_days = 365.0\ncentre_session_days = 365.0\ncentre_idle_hours = 8760.0\n";
    let scene = scene.and(&format!("[sign_in]\n{days}"));
    let folder = Folder::new();
    let file = folder.file("wrong", "0");
    let flag = file.to_str().unwrap().to_owned();
    (Centre::start_with(scene, &["--test-clock-offset-file", &flag]), file, folder)
}

/// An urgent warning of agent-a1 that is on their page, not confirmed by it.
fn warned(centre: &mut Centre, wrong: &Path, serial: &'static str) -> (Heard, Value) {
    let agent = centre.person("agent-a1");
    let mut at_agent = centre.events("agent-a1");
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let drone = Heard::start(centre, wrong, serial, 500.0, -15.0);
    let notice = at_agent.notice("a warning", |n| n["mine"] == true && n["notice"]["state"] != "cleared");
    (drone, notice)
}

/// What dispatch did from an entry on: attempts of versions that ask for something, escalations, silences.
fn alarming(entries: &[Value]) -> Vec<String> {
    let mut asks: BTreeMap<(String, u64), bool> = BTreeMap::new();
    let mut found = Vec::new();
    for e in entries {
        let body = &e["body"];
        match body["body"].as_str().unwrap() {
            "notice" => {
                asks.insert((text(body, "/id").into(), body["version"].as_u64().unwrap()), body["needs_ack"] == true);
            }
            "dispatch" if body["event"] == "attempt" => {
                let d = &body["delivery"];
                // A version from before counts as one that asks.
                let key = (text(d, "/notice").to_owned(), d["version"].as_u64().unwrap());
                if asks.get(&key).copied().unwrap_or(true) {
                    found.push(format!("{}: attempt {d}", e["index"]));
                }
            }
            "dispatch" if body["event"] == "escalated" || body["event"] == "silent" => {
                found.push(format!("{}: {body}", e["index"]));
            }
            _ => {}
        }
    }
    found
}

#[test]
fn a_restore_hours_later_alarms_nobody_of_what_was_open_in_the_backup() {
    let (mut centre, wrong, place) = with_clock(Scene::new());
    let (public, secret) = key(place.path(), "key.txt");
    // Everybody has signed in before the backup: sessions made since are not in it.
    let agent = centre.person("agent-a1");
    let people = ["agent-a1", "lead-a", "watch", "supervisor"].map(|p| centre.person(p));
    let (drone, notice) = warned(&mut centre, &wrong, "1581F4RESTORE1");
    let file = place.path().join("backup.age");
    let made = summary(&backup(&centre, &file, &public));
    // What happens after the backup is not in it.
    let path = format!("/api/v1/notices/{}/versions/{}", text(&notice, "/notice/id"), notice["notice"]["version"]);
    let taken = agent.post(&format!("{path}/acknowledgements"), &json!({"id": id()}));
    assert!([201, 409].contains(&taken.status), "{}", taken.text());
    centre.kill();
    drop(drone);

    let new = place.path().join("new");
    let done = summary(&restore(&file, &new, &secret));
    assert!(done["may_repeat"].as_u64().unwrap() >= 1, "{done}");
    let open = &done["notices"][0];
    assert_eq!(open["id"], notice["notice"]["id"], "{done}");
    move_to(&centre, &new);
    let before = centre.export();
    let n = usize::try_from(made["entries"].as_u64().unwrap()).unwrap();
    let moved: Vec<&Value> = before[n + 1..].iter().map(|e| &e["body"]).filter(|b| b["body"] == "dispatch").collect();
    assert!(!moved.is_empty() && moved.iter().all(|b| b["event"] == "moved" && b["delivery"]["may_repeat"] == true));
    assert_eq!(verify(&centre.data(), &["--recompute"])["differences"], 0);

    // Six hours later the centre starts, and everybody's pages come back.
    std::fs::write(&wrong, "21600").unwrap();
    centre.start_again();
    let mut pages: Vec<Events> = people.iter().map(Events::open).collect();
    for _ in 0..2 {
        pages.iter_mut().for_each(Events::heartbeat);
    }
    for page in &mut pages {
        let loud: Vec<_> = page
            .drain()
            .iter()
            .filter(|e| e.name == "notice" && e.data["notice"]["state"] != "cleared")
            .map(|e| e.data.clone())
            .collect();
        assert!(loud.is_empty(), "{}: {loud:?}", page.person);
    }
    let open = agent.see("/api/v1/notices?open=true");
    assert!(items(&open).iter().all(|n| n["notice"]["state"] == "cleared"), "{open}");
    drop(pages);
    centre.terminate();
    let after = centre.export();
    assert_eq!(alarming(&after[n..]), Vec::<String>::new());
    assert_eq!(verify(&centre.data(), &["--recompute"])["differences"], 0);
    // What is raised from now on has ids that nothing before the restore had, also where the numbers of entries were
    // used before.
    centre.start_again();
    let mut at_agent = Events::open(&agent);
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let _drone = Heard::start(&centre, &wrong, "1581F4RESTORE2", 500.0, -15.0);
    let fresh = at_agent.notice("a new warning", |n| n["mine"] == true && n["notice"]["state"] == "raised");
    assert_ne!(fresh["notice"]["id"], notice["notice"]["id"]);
}

#[test]
fn a_restore_of_what_is_still_going_on_sends_it_marked_as_may_repeat() {
    let (mut centre, wrong, place) = with_clock(Scene::new());
    let (public, secret) = key(place.path(), "key.txt");
    // A drone that hovers near enough.
    let agent = centre.person("agent-a1");
    let mut at_agent = centre.events("agent-a1");
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let drone = Heard::start(&centre, &wrong, "1581F4RESTORE3", 60.0, 0.0);
    let notice = at_agent.notice("a warning", |n| n["mine"] == true);
    let file = place.path().join("backup.age");
    summary(&backup(&centre, &file, &public));
    centre.kill();
    drop((drone, at_agent));
    let new = place.path().join("new");
    let done = summary(&restore(&file, &new, &secret));
    assert!(done["may_repeat"].as_u64().unwrap() >= 1, "{done}");
    move_to(&centre, &new);
    centre.start_again();
    let _drone = Heard::start(&centre, &wrong, "1581F4RESTORE3", 60.0, 0.0);
    let mut at_agent = centre.events("agent-a1");
    let again = at_agent.notice("the warning again", |n| n["notice"]["id"] == notice["notice"]["id"]);
    let same = again["notice"]["version"] == notice["notice"]["version"];
    let watch = centre.person("watch");
    let deliveries = watch.see(&format!("/api/v1/deliveries?notice={}", text(&notice, "/notice/id")));
    let mine: Vec<&Value> = items(&deliveries)
        .iter()
        .filter(|d| d["person"] == "agent-a1" && d["version"] == notice["notice"]["version"])
        .collect();
    assert!(!mine.is_empty() && mine.iter().all(|d| d["may_repeat"] == true), "{deliveries}");
    assert!(same || again["notice"]["version"].as_u64() > notice["notice"]["version"].as_u64());
}

#[test]
fn what_is_too_old_is_purged_at_the_start_when_that_is_overdue_and_the_rest_still_verifies() {
    let scene = Scene::new().and("[record.retention]\nacts_days = 2.0\nnotices_days = 2.0\nobservations_days = 1.5\n");
    let (mut centre, wrong, place) = with_clock(scene);
    let administrator = centre.person("administrator");
    let agent = centre.person("agent-a1");
    let mut report = sighting(9_000.0, 0.0, 90.0, "to300");
    report["words"] = json!("WORDS-OF-AN-OLD-REPORT over the wash");
    agent.post("/api/v1/sightings", &report).ok(201);
    let watch = centre.person("watch");
    assert_eq!(items(&watch.see("/api/v1/sightings")).len(), 1);
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let (public, secret) = key(place.path(), "key.txt");
    let file = place.path().join("backup.age");
    let made = summary(&backup(&centre, &file, &public));
    {
        let (_drone, _) = warned(&mut centre, &wrong, "1581F4PURGED01");
    }
    assert_eq!(administrator.see("/api/v1/upkeep")["purges"], json!([]), "nothing is overdue in a new record");
    centre.terminate();
    let words = "WORDS-OF-AN-OLD-REPORT";
    assert!(holds(&centre.record(), words), "{words} is not on the disk: the test would prove nothing");

    std::fs::write(&wrong, (3 * 86_400).to_string()).unwrap();
    centre.start_again();
    let seen = until("the overdue purge", SOON, || {
        let seen = administrator.see("/api/v1/upkeep");
        (!items(&json!({"items": seen["purges"]})).is_empty()).then_some(seen)
    });
    let purge = &seen["purges"][0];
    assert!(purge["by"].is_null(), "{purge}");
    for kind in ["act", "positions", "observations", "notice", "dispatch", "snapshot"] {
        assert!(purge["items"][kind].as_u64().is_some_and(|n| n > 0), "{kind}: {purge}");
    }
    assert_eq!(purge["backups"], json!([made["id"]]), "the backup from before still holds it");
    assert_eq!(seen["due"], json!({}));
    assert!(seen["rebuild_from"].is_u64(), "{seen}");
    assert!(!holds(&centre.record(), words), "{words} is still on the disk");
    let people = administrator.see("/api/v1/people");
    assert!(items(&people).iter().all(|p| p["position"].is_null()), "{people}");
    let reports = watch.see("/api/v1/sightings");
    assert_eq!(items(&reports).len(), 0, "{reports}");
    // People are still who they are, and the centre goes on.
    let mut again = sighting(9_000.0, 0.0, 90.0, "to300");
    again["words"] = json!("words of today");
    agent.post("/api/v1/sightings", &again).ok(201);
    centre.terminate();
    let report = verify(&centre.data(), &["--recompute"]);
    assert_eq!((&report["faults"], &report["differences"]), (&json!(0), &json!(0)), "{report}");
    assert!(report["purged"].as_u64().unwrap() > 0 && report["rebuild_from"].is_u64(), "{report}");
    let tombstones = centre.export().iter().filter(|e| e["body"]["purged"] == true).count();
    assert!(tombstones > 5, "{tombstones}");
    // Views made again hold no more than they did.
    let rebuilt = run(&["record", "rebuild-views", "--data", centre.data().to_str().unwrap()]);
    assert!(rebuilt.status.success(), "{}", said(&rebuilt));
    centre.start_again();
    assert_eq!(items(&watch.see("/api/v1/sightings")).len(), 1);
    // The old backup brings it back, and the restored centre purges it again by itself.
    centre.terminate();
    let new = place.path().join("new");
    summary(&restore(&file, &new, &secret));
    move_to(&centre, &new);
    centre.start_again();
    until("the purge of the restored record", SOON, || {
        (!holds(&centre.record(), "WORDS-OF-AN-OLD-REPORT")).then_some(())
    });
}

#[test]
fn an_administrator_purges_by_command_or_page_and_without_a_running_centre() {
    let (mut centre, wrong, _place) = with_clock(Scene::new());
    let agent = centre.person("agent-a1");
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let data = centre.data();
    let data = data.to_str().unwrap();
    let dry = summary(&run(&["record", "purge", "--dry-run", "--data", data]));
    assert_eq!((&dry["type"], &dry["items"]), (&json!("due"), &json!({})), "{dry}");
    std::fs::write(&wrong, "90000").unwrap();
    until("that positions are due", SOON, || {
        let dry = summary(&run(&["record", "purge", "--dry-run", "--data", data]));
        (dry["items"]["positions"].as_u64() == Some(1)).then_some(())
    });
    let administrator = centre.person("administrator");
    let body = json!({"id": id()});
    let done = administrator.post("/api/v1/upkeep/purge", &body).ok(200);
    assert_eq!((&done["items"]["positions"], &done["by"]), (&json!(1), &json!("administrator")), "{done}");
    let repeated = administrator.post("/api/v1/upkeep/purge", &body).ok(200);
    assert!(repeated["items"]["positions"].is_null(), "a repeat does nothing twice: {repeated}");
    let by_command = summary(&run(&["record", "purge", "--data", data]));
    assert_eq!(by_command["type"], "purged");
    let seen = administrator.see("/api/v1/upkeep");
    assert_eq!(items(&json!({"items": seen["purges"]})).len(), 3);
    centre.terminate();
    // The same with nobody running.
    assert_eq!(summary(&run(&["record", "purge", "--data", data]))["type"], "purged");
    assert_eq!(verify(&centre.data(), &["--recompute"])["differences"], 0);
    let last = centre.export().pop().unwrap();
    assert_eq!(last["body"]["upkeep"], "purged");
}

#[test]
fn a_second_centre_on_the_same_folder_is_refused_and_takes_nothing_from_the_first() {
    let centre = Centre::start();
    let data = centre.data();
    let data = data.to_str().unwrap();
    let config = centre.config();
    let out = program()
        .args(["serve", "--listen", "127.0.0.1:0", "--data", data, "--config", config.to_str().unwrap()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(3));
    assert!(out.stdout.is_empty());
    assert!(said(&out).contains("another process is using this data folder"), "{}", said(&out));
    // Commands still reach the first by its socket.
    assert_eq!(summary(&run(&["record", "purge", "--dry-run", "--data", data]))["type"], "due");
}

#[test]
fn a_record_of_a_later_program_is_refused_in_words() {
    let mut centre = Centre::start();
    centre.terminate();
    let db = centre.record().join("record.db");
    // The number of the words stands as text in the table: found and raised in the file itself.
    let mut bytes = std::fs::read(&db).unwrap();
    let says = |w: &[u8]| w.starts_with(b"words") && w[5].is_ascii_digit();
    let at = bytes.windows(6).position(says).expect("the record says its words");
    bytes[at + 5] = b'9';
    std::fs::write(&db, bytes).unwrap();
    let out = centre.command().stdin(Stdio::null()).output().unwrap();
    assert_eq!(out.status.code(), Some(3));
    let text = said(&out);
    assert!(text.contains("does not know") && text.contains("or newer"), "{text}");
}

/// A time with all six decimals, so that texts are in the order of their times: zeros at the end are not written.
fn to_the_microsecond(time: &str) -> String {
    let bare = time.trim_end_matches('Z');
    let (whole, decimals) = bare.split_once('.').unwrap_or((bare, ""));
    format!("{whole}.{decimals:0<6}")
}

#[test]
fn the_clock_may_jump_and_nothing_goes_off_at_once_nor_does_time_stand_still() {
    let (mut centre, wrong, _place) = with_clock(Scene::new().and("[policy.warn]\nhold_s = 2.0\n"));
    let watch = centre.person("watch");
    let mut at_watch = centre.events("watch");
    // Ten minutes and a day, forward and back; after each one a drone is warned of as always, and a silence is told of.
    for (n, seconds) in [600, 0, 86_400, 0, -86_400].into_iter().enumerate() {
        let serial = ["1581F4CLOCK0", "1581F4CLOCK1", "1581F4CLOCK2", "1581F4CLOCK3", "1581F4CLOCK4"][n];
        let (drone, notice) = warned(&mut centre, &wrong, serial);
        at_watch.forget();
        std::fs::write(&wrong, seconds.to_string()).unwrap();
        let id = text(&notice, "/notice/id").to_owned();
        // Whether it goes on or was ended by the jump: the drone is still there, and somebody is warned of it.
        at_watch.notice(&format!("a warning after {seconds} s"), |n| n["notice"]["state"] != "cleared");
        at_watch.notice("that agent-a1 is silent", |n| {
            n["recipients"]
                .as_array()
                .is_some_and(|r| r.iter().any(|r| r["person"] == "agent-a1" && r["escalated_to"] == "lead-a"))
        });
        drop(drone);
        at_watch.forget();
        // And it ends, too.
        until("the end of every warning", Duration::from_secs(40), || {
            items(&watch.see("/api/v1/notices?open=true")).is_empty().then_some(())
        });
        assert!(!id.is_empty());
    }
    for person in items(&watch.see("/api/v1/people")) {
        let age = person.pointer("/position/age_s").and_then(Value::as_f64).unwrap_or(0.0);
        assert!(age >= 0.0, "{person}");
    }
    centre.terminate();
    let entries = centre.export();
    let times: Vec<String> = entries.iter().map(|e| to_the_microsecond(text(e, "/recorded_at"))).collect();
    assert!(times.is_sorted(), "time runs back in the record");
    // At no one entry were more than the few people of this scene told.
    let mut by_cause: BTreeMap<u64, BTreeSet<String>> = BTreeMap::new();
    for e in entries.iter().filter(|e| e["body"]["event"] == "escalated" || e["body"]["event"] == "silent") {
        by_cause.entry(e["cause"].as_u64().unwrap()).or_default().insert(e["body"].to_string());
    }
    assert!(by_cause.values().all(|told| told.len() <= 3), "{by_cause:?}");
    assert_eq!(verify(&centre.data(), &["--recompute"])["differences"], 0);
}

#[test]
fn the_record_of_every_released_version_starts_and_goes_on() {
    for version in ["v1", "v2"] {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/record").join(version);
        let mut centre = Centre::start();
        centre.terminate();
        let before = centre.record();
        std::fs::remove_dir_all(&before).unwrap();
        std::fs::create_dir(&before).unwrap();
        std::fs::copy(kept.join("record.db"), before.join("record.db")).unwrap();
        centre.forget_first();
        centre.start_again();
        let watch = centre.first();
        assert_eq!(watch.see("/api/v1/me")["person"]["id"], "watch", "{version}");
        until("a tick", SOON, || (centre.anybody().get("/readyz").status == 200).then_some(()));
        centre.terminate();
        assert_eq!(verify(&centre.data(), &["--recompute"])["faults"], 0, "{version}");
        // Told who is needed for going back, by its number.
        let bytes = std::fs::read(before.join("record.db")).unwrap();
        assert_eq!(
            u32::from_be_bytes(bytes[60..64].try_into().unwrap()),
            2,
            "{version}: programs that know 1 refuse it"
        );
    }
}

/// `SKYPICKET_ENTRIES` sets how many; a million takes about a minute to make in a debug build.
#[test]
#[ignore = "a minute: make soak"]
fn a_record_of_a_million_entries_starts_in_under_two_seconds_and_is_purged_and_backed_up() {
    use skypicket_model::{Body, Entry};
    use skypicket_record::{Options, Record, SqliteRecord};
    let wanted: u64 = std::env::var("SKYPICKET_ENTRIES").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let mut centre = Centre::start();
    let flight = Flight::start(centre.scene.tcp, "1581F4MANY0001", [0.0, 2_000.0, 30.0], [0.0, -5.0, 0.0]);
    let watch = centre.person("watch");
    until("a track", SOON, || (!watch.see("/api/v1/tracks")["features"].as_array().unwrap().is_empty()).then_some(()));
    flight.end();
    centre.terminate();
    {
        let record = SqliteRecord::open(&centre.record(), Options { reserve_bytes: 0, ..Options::default() }).unwrap();
        let head = record.head();
        let block: Vec<Body> = record
            .read(0, 10_000)
            .wait()
            .unwrap()
            .into_iter()
            .map(|e| e.body)
            .filter(|b| matches!(b, Body::Observations { items } if !items.is_empty()))
            .collect();
        let snapshot = Body::Snapshot(record.latest_snapshot().wait().unwrap().unwrap().snapshot);
        let (mut next, begun) = (head.next, head.last_recorded_at.unwrap());
        let begin = next;
        while next < wanted {
            let until = (next + 5_000).min(wanted);
            let bodies = (next..until).map(|n| match n % 20 {
                0 => Body::Tick,
                _ if n + 1 == wanted || n % 30_000 == 7 => snapshot.clone(),
                k => block[usize::try_from(k).unwrap() % block.len()].clone(),
            });
            let at = |n: u64| begun.plus_s((n - begin) as f64 * 1e-3);
            let entries =
                (next..).zip(bodies).map(|(index, body)| Entry { index, recorded_at: at(index), cause: None, body });
            record.append(entries.collect()).wait().unwrap();
            next = until;
        }
        record.checkpoint().wait().unwrap();
    }
    let size = std::fs::metadata(centre.record().join("record.db")).unwrap().len();
    let begun = std::time::Instant::now();
    centre.start_again();
    let first_line = begun.elapsed();
    until("readiness", SOON, || (centre.anybody().get("/readyz").status == 200).then_some(()));
    let ready = begun.elapsed();
    eprintln!("{wanted} entries, {} MB: first line after {first_line:?}, ready after {ready:?}", size >> 20);
    assert!(ready < Duration::from_secs(2), "{ready:?}");
    // Beside it, with the centre running: a backup, and back.
    let place = Folder::new();
    let (public, secret) = key(place.path(), "key.txt");
    let file = place.path().join("b.age");
    let begun = std::time::Instant::now();
    summary(&backup(&centre, &file, &public));
    eprintln!("backup: {:?}, {} MB", begun.elapsed(), std::fs::metadata(&file).unwrap().len() >> 20);
    centre.terminate();
    let begun = std::time::Instant::now();
    summary(&restore(&file, &place.path().join("new"), &secret));
    eprintln!("restore with verifying: {:?}", begun.elapsed());
}
