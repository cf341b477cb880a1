//! As a service: the service manager is told, a stop finishes what is under way, numbers are there for alarms, the doctor
//! says what is wrong; and the program explains itself to `man` and to shells.

use crate::support::{
    Centre, Events, Feed, Flight, Folder, SOON, Scene, centre::signal, id, position, program, run, text, until,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// The service manager's end of `sd_notify`.
struct Manager {
    socket: UnixDatagram,
    folder: Folder,
}

impl Manager {
    fn new() -> Self {
        let folder = Folder::new();
        let socket = UnixDatagram::bind(folder.path().join("notify")).unwrap();
        socket.set_read_timeout(Some(SOON)).unwrap();
        Self { socket, folder }
    }

    /// The next message; its lines.
    fn told(&self) -> Vec<String> {
        let mut buffer = [0; 4_096];
        let n = self.socket.recv(&mut buffer).expect("the service manager is told something");
        String::from_utf8_lossy(&buffer[..n]).lines().map(str::to_owned).collect()
    }

    fn until(&self, line: &str) -> Vec<String> {
        for _ in 0..100 {
            let told = self.told();
            if told.iter().any(|l| l == line) {
                return told;
            }
        }
        panic!("never told {line}");
    }
}

#[test]
fn the_service_manager_is_told_that_it_is_ready_lives_and_stops_and_a_stuck_disk_is_not_its_death() {
    let manager = Manager::new();
    let mut centre = Centre::start();
    assert_eq!(centre.terminate().status.code(), Some(0));
    // Once more, with a disk that takes most of a second for each commit.
    centre.set_flags(&["--test-commit-delay-ms", "700"]);
    let mut command = centre.command();
    command.env("NOTIFY_SOCKET", manager.folder.path().join("notify")).env("WATCHDOG_USEC", "600000");
    centre.start_command(&mut command);
    let told = manager.told();
    assert_eq!(told[0], "READY=1", "the first thing that is told: {told:?}");
    assert!(told[1].starts_with("STATUS=Answers at http://127.0.0.1:"), "{told:?}");
    let began = Instant::now();
    for _ in 0..8 {
        let told = manager.until("WATCHDOG=1");
        assert!(told.iter().any(|l| l.starts_with("STATUS=") && l.contains("pages open")), "{told:?}");
    }
    assert!(began.elapsed() > Duration::from_secs(1), "a beat a third of the watchdog's time, not as fast as can be");
    assert!(began.elapsed() < Duration::from_secs(4), "three beats in each time: {:?}", began.elapsed());
    // Between two commits it is well for a moment.
    let slow = |told: Vec<String>| told.iter().any(|l| l.contains("record slow"));
    assert!((0..50).any(|_| slow(manager.until("WATCHDOG=1"))), "it says so");
    // SIGUSR1 makes the disk quick again, so that the end does not take long.
    signal(centre.pid(), "USR1");
    signal(centre.pid(), "TERM");
    manager.until("STOPPING=1");
}

#[test]
fn a_watchdog_is_not_fed_while_the_process_is_stopped() {
    let manager = Manager::new();
    let mut centre = Centre::start();
    centre.terminate();
    let mut command = centre.command();
    command.env("NOTIFY_SOCKET", manager.folder.path().join("notify")).env("WATCHDOG_USEC", "300000");
    centre.start_command(&mut command);
    manager.until("WATCHDOG=1");
    signal(centre.pid(), "STOP");
    // What was on its way comes still; then nothing for longer than the watchdog waits.
    manager.socket.set_read_timeout(Some(Duration::from_millis(600))).unwrap();
    let mut buffer = [0; 4_096];
    let still = (0..10).take_while(|_| manager.socket.recv(&mut buffer).is_ok()).count();
    assert!(still < 3, "{still}");
    signal(centre.pid(), "CONT");
    manager.until("WATCHDOG=1");
}

/// A request whose body is not all sent.
fn half(centre: &Centre, cookie: &str, path: &str, body: &[u8]) -> (TcpStream, Vec<u8>) {
    let mut stream = TcpStream::connect(centre.address.get()).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let (first, rest) = body.split_at(body.len() / 2);
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        centre.address.get(),
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(first).unwrap();
    (stream, rest.to_vec())
}

#[test]
fn a_stop_answers_what_is_under_way_says_bye_to_pages_and_ends_though_clients_are_stuck() {
    let mut centre = Centre::start();
    let agent = centre.person("agent-a1");
    let anybody = centre.anybody();
    let mut pages: Vec<Events> = ["watch", "agent-a1", "agent-a2", "lead-a"].map(|p| centre.events(p)).into();
    let cookie = agent.cookie().unwrap().to_owned();
    // A page that reads nothing, a report that is half sent and will be finished, one that never will.
    let mut deaf = TcpStream::connect(centre.address.get()).unwrap();
    deaf.write_all(format!("GET /api/v1/events HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\n\r\n").as_bytes()).unwrap();
    let report = crate::support::sighting(0.0, 0.0, 5.0, "to1000");
    let (mut slow, rest) = half(&centre, &cookie, "/api/v1/sightings", report.to_string().as_bytes());
    let (_stuck, _) = half(&centre, &cookie, "/api/v1/positions", position(0.0, 0.0).to_string().as_bytes());
    until("both to be under way", SOON, || {
        metric(&anybody.get("/metrics").text(), "skypicket_requests_in_flight").filter(|n| *n >= 2.0)
    });

    let pid = centre.pid();
    signal(pid, "TERM");
    until("not to be ready any more", SOON, || {
        let answer = anybody.get("/readyz");
        (answer.status == 503).then(|| answer.problem(503, "closing"))
    });
    assert_eq!(anybody.get("/healthz").status, 200, "it still runs");
    let late = agent.post("/api/v1/positions", &position(1.0, 1.0));
    late.problem(503, "closing");
    assert!(late.header("retry-after").is_some());
    slow.write_all(&rest).unwrap();
    let mut answer = String::new();
    BufReader::new(&slow).read_line(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "what was under way is answered: {answer}");
    for page in &mut pages {
        page.wait("bye", |e| e.name == "bye");
        assert!(page.ended(SOON), "{}'s stream ends", page.person);
    }
    // 3 s for requests, 5 s for connections, and the record.
    let ended = centre.ended(Instant::now());
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(ended.took < Duration::from_secs(12), "{ended:?}");
    deaf.set_read_timeout(Some(SOON)).unwrap();
    // It was cut off, with what the kernel still held for it.
    while matches!(deaf.read(&mut [0; 4_096]), Ok(1..)) {}

    centre.start_again();
    let kept = centre.person("agent-a1").see(&format!("/api/v1/sightings/{}", text(&report, "/id")));
    assert_eq!(kept["sighting"]["id"], report["id"], "and what was answered is there: {kept}");
}

/// A metric's value, all labels of it together.
fn metric(all: &str, name: &str) -> Option<f64> {
    let values: Vec<f64> = all
        .lines()
        .filter(|l| l.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])))
        .filter_map(|l| l.rsplit_once(' ')?.1.parse().ok())
        .collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

#[test]
fn every_metric_of_the_guide_is_there_and_says_what_happened_without_naming_anybody() {
    let scene = Scene::new().with("id = \"radar\"\n", "id = \"radar\"\nexpected_interval_s = 60.0\n").and(
        "[[source.udp]]\nid = \"dead\"\nlisten = \"127.0.0.1:0\"\nexpected_interval_s = 0.2\n\
             [[source.tcp]]\nid = \"secure\"\nlisten = \"127.0.0.1:0\"\ntls = true\n",
    );
    let mut centre = Centre::start_with(scene, &[]);
    let agent = centre.person("agent-a1");
    let watch = centre.person("watch");
    let mut at_agent = centre.events("agent-a1");
    let _at_watch = centre.events("watch");
    for p in ["agent-a1", "agent-a2", "lead-a"] {
        centre.person(p).post("/api/v1/positions", &position(5_000.0, 0.0)).ok(201);
    }
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let mut feed = Feed::connect(centre.scene.tcp);
    feed.raw(b"{\"no\": \"observation\"}");
    let flight = Flight::start(centre.scene.tcp, "1581F4METRIC01", [0.0, 500.0, 30.0], [0.0, -12.0, 0.0]);
    at_agent.notice("the warning", |n| n["notice"]["state"] == "raised");

    let backup = json!({
        "id": id(), "backup": id(), "entries": 3, "to": "/mnt/stick/backup.age", "recipients": ["age1somebody"],
    });
    watch.post("/api/v1/upkeep/backups", &backup).ok(201);
    let anybody = centre.anybody();
    let all = until("what happened to be counted", SOON, || {
        let all = anybody.get("/metrics").text();
        let counted = metric(&all, "skypicket_warning_sent_seconds_count").unwrap_or(0.0) >= 1.0
            && metric(&all, "skypicket_source_refused_total").unwrap_or(0.0) >= 1.0
            && metric(&all, "skypicket_sources_silent") == Some(1.0);
        counted.then_some(all)
    });
    flight.end();

    // Of the guide's names each is there, and there is none besides.
    let guide = include_str!("../../../../docs/guide/administrator.md");
    let mut named: BTreeSet<&str> = BTreeSet::new();
    for row in guide.lines().filter(|l| l.starts_with("| `skypicket_") || l.starts_with("| `process_")) {
        named.insert(row.split('`').nth(1).unwrap().split('{').next().unwrap());
    }
    let there: BTreeSet<&str> =
        all.lines().filter_map(|l| l.strip_prefix("# TYPE ")).map(|l| l.split(' ').next().unwrap()).collect();
    assert_eq!(named, there);
    let help: BTreeSet<&str> =
        all.lines().filter_map(|l| l.strip_prefix("# HELP ")).map(|l| l.split(' ').next().unwrap()).collect();
    assert_eq!(help, there, "each says what it is");

    for (name, expect) in [
        ("skypicket_ready", 1.0),
        ("skypicket_exercise", 0.0),
        ("skypicket_record_state", 0.0),
        ("skypicket_on_watch", 1.0),
        ("skypicket_people", 12.0),
        ("skypicket_people_unreachable", 10.0),
        ("skypicket_event_streams", 2.0),
        ("skypicket_sources_silent", 1.0),
        ("skypicket_build_info", 1.0),
        ("skypicket_silent_people", 0.0),
    ] {
        assert_eq!(metric(&all, name), Some(expect), "{name}");
    }
    for (name, least) in [
        ("skypicket_warnings_open", 1.0),
        ("skypicket_unacknowledged", 1.0),
        ("skypicket_deliveries", 1.0),
        ("skypicket_sessions", 2.0),
        ("skypicket_record_commit_seconds_count", 5.0),
        ("process_resident_memory_bytes", 1e6),
        ("process_open_fds", 5.0),
    ] {
        assert!(metric(&all, name).unwrap() >= least, "{name}: {:?}", metric(&all, name));
    }
    let took = metric(&all, "skypicket_warning_sent_seconds_sum").unwrap()
        / metric(&all, "skypicket_warning_sent_seconds_count").unwrap();
    assert!(took < 2.0, "{took} s from raised to sent");
    assert!(metric(&all, "skypicket_backup_age_seconds").unwrap() < 60.0);
    assert!(metric(&all, "skypicket_certificate_end_seconds").unwrap() > crate::support::now_s() + 86_400.0);
    assert!(metric(&all, "skypicket_clock_behind_seconds").unwrap().abs() < 2.0);
    for person in Scene::PEOPLE.iter().filter(|p| p.contains('-')) {
        assert!(!all.contains(person), "{person} is named");
    }
    assert!(!all.contains("31.7") && !all.contains("106.4"), "a place is in it");

    // And acknowledged, nothing is waited for from them.
    let owed = metric(&all, "skypicket_unacknowledged").unwrap();
    let n = watch.see("/api/v1/notices?open=true");
    let n = crate::support::items(&n)[0].clone();
    let path =
        format!("/api/v1/notices/{}/versions/{}/acknowledgements", text(&n, "/notice/id"), n["notice"]["version"]);
    agent.post(&path, &json!({"id": id()})).ok(201);
    until("one less to be waited for", SOON, || {
        let now = metric(&anybody.get("/metrics").text(), "skypicket_unacknowledged")?;
        (now < owed).then_some(())
    });
}

/// The doctor's report, and whether it found something bad.
fn doctor(centre: &Centre) -> (Value, i32) {
    let out = run(&[
        "doctor".as_ref(),
        "--json".as_ref(),
        "--config".as_ref(),
        centre.config().as_os_str(),
        "--data".as_ref(),
        centre.data().as_os_str(),
    ]);
    let text = String::from_utf8(out.stdout).unwrap();
    let report = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text} {:?}", out.stderr));
    (report, out.status.code().unwrap())
}

/// What it says that is not well, of one thing.
fn wrong(report: &Value, check: &str) -> Vec<String> {
    let items = report["items"].as_array().unwrap();
    let not = items.iter().filter(|i| i["check"] == check && i["state"] != "ok");
    not.map(|i| format!("{}: {}", i["state"].as_str().unwrap(), i["says"].as_str().unwrap())).collect()
}

#[test]
fn the_doctor_finds_what_is_wrong_with_a_running_and_with_a_stopped_centre() {
    let scene = Scene::new().with("id = \"radar\"\n", "id = \"radar\"\nexpected_interval_s = 0.5\n");
    let mut centre = Centre::start_with(scene, &[]);
    let (report, status) = doctor(&centre);
    assert_eq!(report["running"], true);
    assert_eq!(status, 1, "nobody is on watch: {report}");
    assert_eq!(wrong(&report, "people")[0], "bad: Nobody is on watch: no one with the role watch has a page open.");
    assert_eq!(wrong(&report, "ports"), [""; 0], "each listener is really there, and no other");
    assert_eq!(wrong(&report, "files"), [""; 0]);
    let silent = until("the radar to be missed", SOON, || wrong(&doctor(&centre).0, "sensors").into_iter().next());
    assert!(silent.starts_with("bad: radar was never heard"), "{silent}");

    // Somebody watches, the radar speaks, and nothing is bad any more.
    let _watch = centre.events("watch");
    let flight = Flight::start(centre.scene.tcp, "1581F4DOCTOR01", [0.0, 9_000.0, 100.0], [0.0, 0.0, 0.0]);
    until("all to be well", SOON, || (doctor(&centre).1 == 0).then_some(()));
    // A phone whose clock is a day slow, and another thing each time.
    let mut late = position(0.0, 0.0);
    late["sent_at"] = json!(crate::support::time_text(-86_400.0));
    centre.person("agent-a1").post("/api/v1/positions", &late).ok(201);
    let key = centre.record().join("checkpoint.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (report, status) = doctor(&centre);
    assert_eq!(status, 1);
    assert!(wrong(&report, "files")[0].contains("checkpoint.key can be opened by others"), "{report}");
    let clock = wrong(&report, "clock").join("\n");
    assert!(clock.contains("a phone is 86400") && clock.contains("behind"), "{clock}");
    assert!(!report.to_string().contains("agent-a1"), "nobody is named");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    flight.end();

    // In words: a line each, what to do under it, and a sum.
    let out = run(&["doctor".as_ref(), "--data".as_ref(), centre.data().as_os_str()]);
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(said.lines().any(|l| l.starts_with("ok    centre          Runs for ")), "{said}");
    assert!(said.lines().any(|l| l.trim_start().starts_with("-> ")), "{said}");
    assert!(said.lines().last().unwrap().contains(" to look at, "), "{said}");

    assert_eq!(centre.terminate().status.code(), Some(0));
    let (report, _) = doctor(&centre);
    assert_eq!(report["running"], false);
    assert!(wrong(&report, "centre")[0].contains("No centre runs"), "{report}");
    assert_eq!(wrong(&report, "checkpoint"), [""; 0], "the last checkpoint is verified from the files");
}

#[test]
fn the_doctor_finds_a_checkpoint_of_another_key_and_a_port_that_is_taken() {
    let mut centre = Centre::start();
    centre.terminate();
    // Another program where the radar's listener should be.
    let other = std::net::TcpListener::bind(centre.scene.tcp).unwrap();
    // A key of the right form for this log, and not the one that signed.
    let key = centre.record().join("checkpoint.key");
    let kept = std::fs::read_to_string(&key).unwrap();
    let (head, secret) = kept.trim_end().rsplit_once('+').unwrap();
    let (_, name) = head.split_once("skypicket/").unwrap();
    let name = format!("skypicket/{}", name.split('+').next().unwrap());
    let forged = skypicket_record::checkpoint::NoteSigner::new(&name, &[7; 32]).to_secret_text();
    assert_ne!(forged.trim_end(), kept.trim_end(), "{secret}");
    std::fs::write(&key, forged).unwrap();
    let (report, status) = doctor(&centre);
    assert_eq!(status, 1);
    assert!(wrong(&report, "checkpoint")[0].contains("no signature by a key of this record"), "{report}");
    assert!(wrong(&report, "ports").iter().any(|w| w.contains("Another program listens on")), "{report}");
    drop(other);
    std::fs::write(&key, kept).unwrap();
    let (report, _) = doctor(&centre);
    assert_eq!(wrong(&report, "checkpoint"), [""; 0]);
}

#[test]
fn man_pages_and_completions_are_made_for_every_command_that_is_shown() {
    let folder = Folder::new();
    let out = run(&["man".as_ref(), folder.path().join("man1").as_os_str()]);
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    let pages: BTreeMap<String, String> = std::fs::read_dir(folder.path().join("man1"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .map(|p| (p.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(p).unwrap()))
        .collect();
    for name in ["skypicket", "skypicket-serve", "skypicket-doctor", "skypicket-record-verify"] {
        assert!(pages[&format!("{name}.1")].contains(".TH "), "{name}");
    }
    assert!(!pages.contains_key("skypicket-man.1"), "what is hidden has no page");

    let out = run(&["completions", "bash"]);
    let script = folder.file("skypicket.bash", out.stdout);
    let ask = format!(
        "source '{}'; COMP_WORDS=(skypicket doc); COMP_CWORD=1; _skypicket skypicket doc skypicket; echo \"${{COMPREPLY[*]}}\"; \
         COMP_WORDS=(skypicket doctor --j); COMP_CWORD=2; _skypicket skypicket --j doctor; echo \"${{COMPREPLY[*]}}\"",
        script.display()
    );
    let out = Command::new("bash").args(["--norc", "-c", &ask]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stdout), "doctor\n--json\n", "{out:?}");
    for shell in ["zsh", "fish"] {
        let out = run(&["completions", shell]);
        assert!(out.status.success() && String::from_utf8_lossy(&out.stdout).contains("doctor"), "{shell}");
    }
    assert_eq!(run(&["completions", "csh"]).status.code(), Some(2));
}

#[test]
fn the_log_is_text_or_json_as_asked_and_a_wrong_word_for_it_is_refused() {
    let folder = Folder::new();
    for (name, value) in [("SKYPICKET_LOG_FORMAT", "xml"), ("SKYPICKET_LOG", "skypicket=louder")] {
        let out = program()
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path().join("data"))
            .env(name, value)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(2), "{out:?}");
        assert!(String::from_utf8_lossy(&out.stderr).contains(name), "{out:?}");
    }
    let mut centre = Centre::start();
    centre.terminate();
    assert!(centre.log().lines().all(|l| serde_json::from_str::<Value>(l).is_ok()), "JSON where no person reads it");
    let before = centre.log().len();
    let mut command = centre.command();
    command.env("SKYPICKET_LOG_FORMAT", "text");
    centre.start_command(&mut command);
    centre.terminate();
    let log = centre.log();
    assert!(log.get(before..).unwrap().lines().any(|l| l.contains(" INFO ") && !l.starts_with('{')), "{log}");
}
