//! A full disk. Its reserve is given up for what people do; once that is spent, reports, positions and acknowledgements
//! are refused with 507 before "received", a warning still reaches whom it is for, marked UNRECORDED, and when there is
//! room again the centre goes on by itself: what was refused is then taken once, and the record verifies.
//!
//! The disk is a small tmpfs in a user and mount namespace of the test's own, filled up by a file. Where the system
//! allows no such namespace, only the limit of pages (`--test-max-pages`) is tried, which can be lifted by a restart
//! only; it is tried in any case. The test says what ran.

use crate::{
    load::{POSTS, position, sighting, source},
    say,
    seed::Seed,
    support::{Answer, Centre, Client, Event, Events, Scene, centre::signal, drone_line, id, text, until},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// A small file system that only this test and what it starts can see.
struct SmallDisk {
    holder: Child,
    at: PathBuf,
}

impl SmallDisk {
    const MIB: u64 = 48;

    /// Mounts it over a folder; `None` where the system does not allow that.
    fn mount(at: &Path) -> Option<Self> {
        let script = format!("mount -t tmpfs -o size={}m,mode=700 tmpfs \"$0\" && echo mounted && exec cat", Self::MIB);
        let mut holder = Command::new("unshare")
            .args(["-U", "-r", "-m", "sh", "-c", &script])
            .arg(at)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut line = String::new();
        BufReader::new(holder.stdout.take()?).read_line(&mut line).ok()?;
        let disk = Self { holder, at: at.to_owned() };
        (line == "mounted\n").then_some(disk)
    }

    /// The same command, where the disk is seen.
    fn inside(&self, command: &Command) -> Command {
        let mut c = Command::new("nsenter");
        c.args(["-t", &self.holder.id().to_string(), "-U", "-m", "--preserve-credentials", "--"]);
        c.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(v) => c.env(name, v),
                None => c.env_remove(name),
            };
        }
        c
    }

    /// The disk's root as seen from outside.
    fn root(&self) -> PathBuf {
        let inside = self.at.strip_prefix("/").unwrap();
        Path::new("/proc").join(self.holder.id().to_string()).join("root").join(inside)
    }

    /// Fills what is left, to the last block.
    fn fill(&self) -> u64 {
        let mut file = std::fs::File::create(self.root().join("filler")).unwrap();
        let (mut size, mut written) = (1 << 20, 0);
        while size >= 4_096 {
            match file.write(&vec![1; size]) {
                Ok(n @ 1..) => written += n as u64,
                _ => size /= 2,
            }
        }
        written
    }

    /// Makes room again.
    fn free(&self) {
        std::fs::remove_file(self.root().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Its input ends, and with the last process in it the namespace.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// Which disk is full, and how it is made and freed.
enum Disk {
    Small(SmallDisk),
    Pages,
}

/// A limit that is soon reached: the record begins with about 60 pages, the reserve is 256.
const PAGES: u32 = 600;

impl Disk {
    fn program(&self, command: &Command) -> Command {
        match self {
            Self::Small(d) => d.inside(command),
            Self::Pages => {
                let mut c = Command::new(command.get_program());
                c.args(command.get_args());
                c
            }
        }
    }

    fn record(&self, centre: &Centre, what: &[&str]) -> Output {
        let mut c = crate::support::program();
        c.arg("record").args(what).arg("--data").arg(centre.record());
        self.program(&c).output().unwrap()
    }
}

#[test]
fn a_full_disk_refuses_reports_but_holds_no_warning_back() {
    let _alone = crate::alone();
    let mut centre = Centre::start();
    centre.kill();
    match SmallDisk::mount(&centre.data()) {
        Some(disk) => {
            let mut command = disk.inside(&centre.command());
            centre.forget_first();
            centre.start_command(&mut command);
            fills_up_and_recovers(&mut centre, &Disk::Small(disk));
        }
        None => say("full disk: skipped in a small tmpfs: no user and mount namespace permitted here"),
    }
    let mut centre = Centre::start_with(Scene::new(), &["--test-max-pages", &PAGES.to_string()]);
    fills_up_and_recovers(&mut centre, &Disk::Pages);
}

/// A sensor that is heard all the time, in a thread.
struct Noise {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Noise {
    fn start(source: Client) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            for n in 0.. {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                // Far from everybody: it raises nothing.
                let lines: Vec<String> = (0..20)
                    .map(|k| {
                        let (serial, east) = (format!("FAR{k:08}"), 30_000.0 + f64::from(k) * 500.0);
                        drone_line(&serial, east + f64::from(n % 10), 30_000.0, 100.0, [0.0; 3]).to_string()
                    })
                    .collect();
                let _ = source.try_send("POST", "/api/v1/observations", &[], lines.join("\n").as_bytes());
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Noise {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

/// A long report.
fn report(seed: &mut Seed) -> Value {
    let mut body = sighting(seed, (5_000.0, 5_000.0));
    body["words"] = json!(format!("{} {}", body["words"], "a dark thing over the wash. ".repeat(60)));
    body
}

fn state(watch: &Client) -> (String, bool) {
    let record = &watch.see("/api/v1/status")["record"];
    (text(record, "/state").to_owned(), record["unrecorded"].as_bool().unwrap())
}

/// Sends a drone over somebody until their page shows the warning; how long that took.
fn warned(receiver: &Client, page: &mut Events, serial: &str, at: (f64, f64)) -> (Value, Duration) {
    let begun = Instant::now();
    page.forget();
    let ours = format!("\"{}\"", page.person);
    let fits = |e: &Event| e.name == "notice" && e.data["notice"]["protected"].to_string().contains(&ours);
    for _ in 0..100 {
        let line = drone_line(serial, at.0, at.1, 40.0, [0.0; 3]).to_string();
        assert_eq!(receiver.send("POST", "/api/v1/observations", &[], line.as_bytes()).status, 202);
        if let Some(e) = page.maybe(Duration::from_millis(100), fits) {
            return (e.data, begun.elapsed());
        }
    }
    panic!("{} was not warned within {:?}", page.person, begun.elapsed());
}

fn refused(answer: &Answer) {
    answer.problem(507, "record_full");
    assert!(answer.header("retry-after").is_some_and(|s| s.parse::<u32>().is_ok()), "{answer}");
}

fn fills_up_and_recovers(centre: &mut Centre, disk: &Disk) {
    let mut seed = Seed::new("full");
    let watch = centre.first();
    let receiver = source(&watch, "receiver-1");
    let (agent, other) = (centre.person("agent-a1"), centre.person("agent-a2"));
    let (mut page, mut others) = (Events::open(&agent), Events::open(&other));
    for ((_, east, north), client) in POSTS.iter().zip([&agent, &other]) {
        client.post("/api/v1/positions", &position(*east, *north)).ok(201);
    }
    let (first, _) = warned(&receiver, &mut page, "BEFORE01", (POSTS[0].1, POSTS[0].2));
    assert_eq!(first["unrecorded"], false, "{first}");
    assert_eq!(state(&watch), ("ok".into(), false));
    let noise = Noise::start(receiver.clone());

    // ---- full, with the reserve ----
    let filled = match disk {
        Disk::Small(d) => d.fill(),
        Disk::Pages => 0,
    };
    let begun = Instant::now();
    // What was taken, and what was refused.
    let (mut taken, mut denied) = (Vec::new(), Vec::new());
    let mut taken_from_reserve = 0;
    let mut briefly = 0;
    let mut reserve_at = None;
    loop {
        assert!(begun.elapsed() < Duration::from_mins(1), "never full: {:?}", state(&watch));
        let body = report(&mut seed);
        let answer = agent.post("/api/v1/sightings", &body);
        let now = state(&watch).0;
        if now == "reserve" && reserve_at.is_none() {
            reserve_at = Some(begun.elapsed());
        }
        match answer.status {
            201 => {
                taken.push(body);
                taken_from_reserve += usize::from(reserve_at.is_some());
            }
            _ if now == "full" => {
                assert_eq!(answer.status, 507, "{answer}");
                denied.push(body);
                break;
            }
            _ => {
                // The change to the reserve: the first writes that it was given up for are tried anew.
                answer.problem(507, "record_unwritten");
                briefly += 1;
                denied.push(body);
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
    assert!(reserve_at.is_some() && taken_from_reserve > 0, "the reserve was not used: {reserve_at:?}");

    // ---- full, nothing left ----
    let body = report(&mut seed);
    refused(&agent.post("/api/v1/sightings", &body));
    agent.get(&format!("/api/v1/sightings/{}", text(&body, "/id"))).problem(404, "not_found");
    denied.push(body);
    let here = position(POSTS[0].1, POSTS[0].2);
    refused(&agent.post("/api/v1/positions", &here));
    let version = first["notice"]["version"].as_u64().unwrap();
    let path = format!("/api/v1/notices/{}/versions/{version}/acknowledgements", text(&first, "/notice/id"));
    let acknowledgement = json!({"id": id()});
    refused(&agent.post(&path, &acknowledgement));
    assert_eq!(state(&watch).0, "full");
    let (late, took) = warned(&receiver, &mut others, "LATE0001", (POSTS[1].1, POSTS[1].2));
    assert_eq!(late["unrecorded"], true, "{late}");
    let late_id = text(&late, "/notice/id").to_owned();
    assert_eq!(state(&watch), ("full".into(), true));
    assert!(
        page.maybe(Duration::from_secs(12), |e| e.name == "status" && e.data["record"]["state"] == "full").is_some()
    );

    // ---- room again ----
    let freed = Instant::now();
    match disk {
        Disk::Small(d) => d.free(),
        Disk::Pages => {
            centre.kill();
            centre.set_flags(&[]);
            centre.start_again();
        }
    }
    until("the record to be ok again", Duration::from_secs(40), || {
        (state(&watch) == ("ok".into(), false)).then_some(())
    });
    let recovered = freed.elapsed();
    for body in &denied {
        let answer = agent.post("/api/v1/sightings", body);
        answer.ok(201);
        let again = agent.post("/api/v1/sightings", body);
        assert_eq!((again.status, again.text()), (201, answer.text()));
    }
    agent.post("/api/v1/positions", &here).ok(201);
    let answer = agent.post(&path, &acknowledgement);
    assert!(answer.status == 201 || answer.json()["code"] == "superseded", "{answer}");
    drop(noise);
    if matches!(disk, Disk::Small(_)) {
        let now = other.see(&format!("/api/v1/notices/{late_id}"));
        assert_eq!(now["unrecorded"], false, "{now}");
    } else {
        // That run's memory is gone, and with it a warning that was never recorded: the danger stands, so it is raised.
        warned(&receiver, &mut Events::open(&other), "LATE0001", (POSTS[1].1, POSTS[1].2));
    }
    signal(centre.pid(), "TERM");
    until("its end", Duration::from_secs(20), || (!centre.runs()).then_some(()));

    let out = disk.record(centre, &["verify", "--recompute"]);
    assert!(out.status.success(), "{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    let entries = disk.record(centre, &["export"]).stdout;
    let entries: Vec<Value> =
        String::from_utf8(entries).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let mut reported: BTreeMap<String, usize> = BTreeMap::new();
    let mut notices = BTreeSet::new();
    let mut unrecorded = 0;
    for e in &entries {
        let body = &e["body"];
        match text(body, "/body") {
            "act" if body["act"]["act"] == "sighting" => {
                *reported.entry(text(body, "/act/sighting/id").to_owned()).or_default() += 1;
            }
            "notice" => drop(notices.insert(text(body, "/id").to_owned())),
            "unrecorded" => unrecorded += 1,
            _ => {}
        }
    }
    for body in taken.iter().chain(&denied) {
        assert_eq!(reported.get(text(body, "/id")), Some(&1), "{body}");
    }
    if matches!(disk, Disk::Small(_)) {
        assert!(notices.contains(&late_id), "the late warning was not written");
        assert!(unrecorded > 0, "the record does not say what was late");
    }
    say(&format!(
        "full disk ({}): reserve given up {} ms after the disk was full, {taken_from_reserve} reports taken from it ({briefly} put off while changing over), then 507; a warning arrived UNRECORDED in {} ms; ok {} ms after there was room, by {}; {} reports taken once each; record verified and recomputed",
        match disk {
            Disk::Small(_) => format!("tmpfs of {} MiB in a namespace, {} MiB filled", SmallDisk::MIB, filled >> 20),
            Disk::Pages => format!("--test-max-pages {PAGES}"),
        },
        reserve_at.unwrap_or_default().as_millis(),
        took.as_millis(),
        recovered.as_millis(),
        if matches!(disk, Disk::Small(_)) { "itself" } else { "a restart without the limit" },
        taken.len() + denied.len(),
    ));
}
