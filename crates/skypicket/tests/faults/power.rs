//! Power loss, which `kill -9` does not show: the page cache dies with the machine.
//!
//! The real binary runs under strace while people report and sensors are heard. From the trace the data folder is made as
//! a disk may hold it after a cut at some moment, and the record in it is opened: whatever was called received before
//! the cut must be in it, and it must verify.
//!
//! # What a disk may do (the model)
//! - What was written to a file before a sync of it began is there once that sync has ended.
//! - Of everything written to it since, each write is there, or not, or torn: each of its sectors of 512 bytes is the new
//!   or the old one, on its own; and any of them without those before. A change of the file's length may be missing too.
//!   A write changes nothing beyond its own bytes.
//! - A name made, changed or taken away is so for sure once its folder was synced; before that it may be or not. (Kinder
//!   than this, most file systems keep a new name with its file's sync.)
//! - The index beside SQLite's log (`-shm`) is written through a map and promised by nobody: it is missing or rubbish.

use crate::{
    load::{Drones, POSTS, Shared, page, position, receiver, reporter, source, walker},
    say,
    seed::Seed,
    support::{Centre, Folder, Scene},
    trace::{Step, Trace, Traced},
};
use serde_json::Value;
use skypicket_model::{Act, Body};
use skypicket_record::{Options, Record, SqliteRecord};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const SECTOR: usize = 512;

#[test]
fn what_was_called_received_survives_a_power_cut() {
    let _alone = crate::alone();
    if !Traced::is_possible() {
        say("power loss: skipped: ptrace not permitted");
        return;
    }
    let cuts = usize::try_from(crate::setting("SKYPICKET_CUTS").unwrap_or(200)).unwrap();
    let begun = Instant::now();
    let run = Run::traced(250, &[]);
    let traced = begun.elapsed();
    let outcome = run.cut(&mut Seed::new("power"), cuts);
    assert_eq!(outcome.lost, Vec::<String>::new(), "called received before the cut, and not there after it");
    assert_eq!(outcome.damaged, Vec::<String>::new());
    say(&format!(
        "power loss: {} cuts, {} of them right after a reply; {} replies, {} looked for after the cuts, none lost; every record verifies; {} writes of {} KiB, {} of them folded into the database, {} syncs; traced in {} ms, {} ms in all",
        cuts,
        outcome.after_reply,
        run.replies.len(),
        outcome.looked_for,
        run.writes(),
        run.bytes() >> 10,
        run.folded(),
        run.syncs(),
        traced.as_millis(),
        begun.elapsed().as_millis(),
    ));

    // The same without syncs must lose something, or this test sees nothing.
    let unsafely = Run::traced(25, &["--unsafe-no-sync"]);
    let outcome = unsafely.cut(&mut Seed::new("power unsafe"), cuts / 5);
    assert!(!outcome.lost.is_empty(), "nothing was lost without syncs: the test cannot see a loss");
    say(&format!(
        "power loss without syncs: {} of {} looked for were lost in {} cuts, as they should be ({} records did not open or verify)",
        outcome.lost.len(),
        outcome.looked_for,
        cuts / 5,
        outcome.damaged.len(),
    ));
}

/// What was called received, and where in the trace the answer was handed to the connection.
#[derive(Debug, Clone)]
struct Said {
    at: usize,
    kind: &'static str,
    /// The request's id, or where the person said they are.
    what: String,
}

/// A traced run.
struct Run {
    trace: Trace,
    /// The folder that the trace is about.
    data: PathBuf,
    /// What was in it before.
    before: BTreeMap<PathBuf, Vec<u8>>,
    replies: Vec<Said>,
}

impl Run {
    /// Starts on a new folder, lets people post so many sightings beside positions, acknowledgements and sensors, and
    /// ends it.
    fn traced(sightings: usize, flags: &[&str]) -> Self {
        let mut seed = Seed::new("power load");
        let scene = Scene::new().with("reserve_mib = 1", "reserve_mib = 1\nsnapshot_s = 2\ncheckpoint_s = 1");
        let mut centre = Centre::start_with(scene, &[]);
        centre.kill();
        let mut before = BTreeMap::new();
        if flags.is_empty() {
            // From the very beginning: an empty folder.
            std::fs::remove_dir_all(centre.data()).unwrap();
            std::fs::create_dir(centre.data()).unwrap();
        } else {
            // A record that was made with care is there: what is lost was lost since.
            for file in std::fs::read_dir(centre.record()).unwrap() {
                let path = file.unwrap().path();
                if !path.is_file() {
                    continue; // the socket for commands holds nothing
                }
                let content = std::fs::read(&path).unwrap();
                before.insert(path, content);
            }
        }
        centre.forget_first();
        centre.set_flags(flags);
        let traced = Traced::start(&mut centre);
        let shared = Arc::new(Shared::default());
        let watch = centre.first();
        let agents: Vec<_> = POSTS.iter().map(|(p, e, n)| (centre.person(p), *e, *n)).collect();
        for (agent, east, north) in &agents {
            shared.post(agent, "position", "/api/v1/positions", &position(*east, *north));
        }
        let pages = vec![page(&shared, agents[0].0.clone(), true), page(&shared, watch.clone(), true)];
        let load = vec![
            walker(&shared, agents.clone(), seed.split(), 100),
            receiver(&shared, source(&watch, "receiver-1"), Drones::new(seed.split(), 3), 50),
            reporter(&shared, agents[0].0.clone(), seed.split(), 10),
            reporter(&shared, agents[1].0.clone(), seed.split(), 10),
        ];
        let begun = Instant::now();
        while shared.ledger.counts().get("sighting").copied().unwrap_or(0) < sightings {
            assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", shared.ledger.counts());
            std::thread::sleep(Duration::from_millis(20));
        }
        shared.enough.store(true, Ordering::Release);
        for thread in load {
            thread.join().unwrap();
        }
        shared.close.store(true, Ordering::Release);
        for thread in pages {
            thread.join().unwrap();
        }
        let trace = traced.end(&mut centre);

        // Each answer in the trace is one that a client got: that says what it was about.
        let mut waiting: BTreeMap<String, (&'static str, String)> = BTreeMap::new();
        for done in shared.ledger.all().into_iter().filter(|d| !d.answer.is_empty()) {
            let what = match done.kind {
                "position" => place(&done.person, &done.body["at"]),
                _ => done.id().to_owned(),
            };
            waiting.insert(done.answer, (done.kind, what));
        }
        let all = waiting.len();
        let mut replies = Vec::new();
        let mut halves: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
        for (at, step) in trace.steps.iter().enumerate() {
            let Step::Send(connection, bytes) = step else { continue };
            let sent = halves.entry(connection).or_default();
            sent.extend_from_slice(bytes);
            while let Some((body, rest)) = answered(sent) {
                if let Some((kind, what)) = waiting.remove(&body) {
                    replies.push(Said { at, kind, what });
                }
                *sent = rest;
            }
        }
        assert!(waiting.is_empty(), "{} of {all} answers are not in the trace", waiting.len());
        Self { trace, data: centre.data(), before, replies }
    }

    fn writes(&self) -> usize {
        self.trace.steps.iter().filter(|s| matches!(s, Step::Write(..))).count()
    }

    fn bytes(&self) -> usize {
        let size = |s: &Step| if let Step::Write(_, _, b) = s { b.len() } else { 0 };
        self.trace.steps.iter().map(size).sum()
    }

    /// Writes to the database itself, not to its log.
    fn folded(&self) -> usize {
        let to_database = |s: &&Step| matches!(s, Step::Write(p, ..) if p.ends_with(skypicket_record::FILE_NAME));
        self.trace.steps.iter().filter(to_database).count()
    }

    fn syncs(&self) -> usize {
        self.trace.steps.iter().filter(|s| matches!(s, Step::SyncEnds(..))).count()
    }

    /// Cuts at so many moments: most right after a reply was handed over, the others anywhere.
    fn cut(&self, seed: &mut Seed, cuts: usize) -> Outcome {
        let mut moments = Vec::new();
        let mut after_reply = 0;
        for n in 0..cuts {
            let biased = n % 5 < 3;
            after_reply += usize::from(biased);
            let at = if biased {
                self.replies[seed.below(self.replies.len())].at + 1
            } else {
                seed.below(self.trace.steps.len() + 1)
            };
            moments.push((at, seed.split()));
        }
        moments.sort_by_key(|(at, _)| *at);

        // The disk as it grows, looked at on the way; the records are opened by two threads.
        let root = Folder::new();
        let next = AtomicUsize::new(0);
        let found = std::sync::Mutex::new(Outcome { after_reply, ..Outcome::default() });
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut disk = Disk::new(&self.before);
                    let mut done = 0;
                    loop {
                        let n = next.fetch_add(1, Ordering::Relaxed);
                        let Some((at, seed)) = moments.get(n) else { return };
                        for (place, step) in self.trace.steps.iter().enumerate().take(*at).skip(done) {
                            disk.step(place, step);
                        }
                        done = *at;
                        let folder = root.path().join(n.to_string());
                        disk.after_a_cut(&mut seed.clone(), &self.data, &folder);
                        let outcome = self.look(*at, &folder);
                        std::fs::remove_dir_all(&folder).unwrap();
                        found.lock().unwrap().add(outcome);
                    }
                });
            }
        });
        found.into_inner().unwrap()
    }

    /// Opens what is left after a cut at `at` and looks for everything that was called received before.
    fn look(&self, at: usize, folder: &Path) -> Outcome {
        let before: Vec<&Said> = self.replies.iter().take_while(|s| s.at < at).collect();
        let mut outcome = Outcome { looked_for: before.len(), ..Outcome::default() };
        let there = match contents(&folder.join("live")) {
            Ok(there) => there,
            Err(e) => {
                // Nothing was promised yet: a folder of which nothing is left is a new one at the next start.
                if !before.is_empty() {
                    outcome.damaged.push(format!("cut at step {at}: {e}"));
                }
                BTreeSet::new()
            }
        };
        let lost = before.iter().filter(|s| !there.contains(&s.what));
        outcome.lost = lost.map(|s| format!("cut at step {at}: {} {} of step {}", s.kind, s.what, s.at)).collect();
        outcome
    }
}

/// What the looks found.
#[derive(Debug, Default)]
struct Outcome {
    after_reply: usize,
    looked_for: usize,
    lost: Vec<String>,
    damaged: Vec<String>,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.looked_for += other.looked_for;
        self.lost.extend(other.lost);
        self.damaged.extend(other.damaged);
    }
}

/// The body of the first answer on a connection, once all of it was sent, and what was sent after it.
fn answered(sent: &[u8]) -> Option<(String, Vec<u8>)> {
    let head = sent.windows(4).position(|w| w == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&sent[..head]).ok()?.to_ascii_lowercase();
    let length = match text.lines().find_map(|l| l.strip_prefix("content-length:")) {
        Some(n) => n.trim().parse().ok()?,
        None if text.starts_with("http/1.1 204") => 0,
        // An event stream: it ends with its connection.
        None => return None,
    };
    let (body, rest) = sent[head + 4..].split_at_checked(length)?;
    Some((String::from_utf8_lossy(body).into_owned(), rest.to_vec()))
}

/// Where a person said they are, as one word.
fn place(person: &str, at: &Value) -> String {
    format!("{person} {} {}", at["lat_deg"], at["lon_deg"])
}

/// Opens a record as the program does, verifies it, and lists the requests and positions in it.
fn contents(folder: &Path) -> Result<BTreeSet<String>, String> {
    if !folder.join(skypicket_record::FILE_NAME).exists() {
        return Err("there is no record".into());
    }
    // How fast it is read on a machine that does other things too is not what is asked here.
    let options = Options { reserve_bytes: 0, read_timeout: Duration::from_mins(1), ..Options::default() };
    let record = SqliteRecord::open(folder, options).map_err(|e| format!("does not open: {e}"))?;
    let report = record.verify(&mut |_, _| {}).map_err(|e| format!("cannot be verified: {e}"))?;
    if let Some(fault) = report.faults.first() {
        return Err(format!("does not verify: {}", fault.message));
    }
    let mut there = BTreeSet::new();
    let mut from = 0;
    loop {
        let entries = record.read(from, 1_000).wait().map_err(|e| e.to_string())?;
        let Some(last) = entries.last() else { return Ok(there) };
        from = last.index + 1;
        for e in entries {
            match e.body {
                Body::Act(a) => {
                    there.extend(a.request.as_ref().map(|r| r.id.to_string()));
                    if let Act::Sighting { sighting } = a.act {
                        there.insert(sighting.id.to_string());
                    }
                }
                Body::Positions { items } => {
                    for p in items {
                        let at = serde_json::to_value(p.at).unwrap();
                        there.insert(place(p.person.as_str(), &at));
                    }
                }
                _ => {}
            }
        }
    }
}

/// A change to a file that no sync covers yet.
#[derive(Debug, Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Length(u64),
}

/// A file, under whatever names.
#[derive(Debug, Clone, Default)]
struct File {
    /// What is surely there.
    durable: Vec<u8>,
    /// Changes since, with their places in the trace.
    since: Vec<(usize, Change)>,
}

/// A change to the names in a folder that no sync covers yet.
#[derive(Debug, Clone)]
struct Renaming {
    place: usize,
    name: PathBuf,
    /// The file that has the name from then on; `None`: the name is gone.
    file: Option<usize>,
    /// Belongs to the same change as the one before (both ends of a rename).
    with_before: bool,
}

/// A disk: what is surely on it, and what may be.
#[derive(Debug, Clone)]
struct Disk {
    files: Vec<File>,
    /// Names as the running program sees them.
    names: BTreeMap<PathBuf, usize>,
    /// Names that are surely there.
    durable: BTreeMap<PathBuf, usize>,
    /// Changes of names since, oldest first.
    since: Vec<Renaming>,
    /// Syncs under way: where they began.
    syncing: BTreeMap<u64, usize>,
}

impl Disk {
    fn new(before: &BTreeMap<PathBuf, Vec<u8>>) -> Self {
        let files = before.values().map(|c| File { durable: c.clone(), since: Vec::new() }).collect();
        let names: BTreeMap<PathBuf, usize> = before.keys().cloned().zip(0..).collect();
        Self { files, durable: names.clone(), names, since: Vec::new(), syncing: BTreeMap::new() }
    }

    fn file(&mut self, path: &Path) -> Option<&mut File> {
        let n = *self.names.get(path)?;
        self.files.get_mut(n)
    }

    fn rename(&mut self, place: usize, name: &Path, file: Option<usize>, with_before: bool) {
        match file {
            Some(f) => self.names.insert(name.to_owned(), f),
            None => self.names.remove(name),
        };
        self.since.push(Renaming { place, name: name.to_owned(), file, with_before });
    }

    fn step(&mut self, place: usize, step: &Step) {
        match step {
            Step::Create(path) => {
                if !self.names.contains_key(path) {
                    self.files.push(File::default());
                    self.rename(place, path, Some(self.files.len() - 1), false);
                }
            }
            // A write to a file without a name changes nothing that can be found again.
            Step::Write(path, offset, bytes) => {
                if let Some(f) = self.file(path) {
                    f.since.push((place, Change::Write(*offset, bytes.clone())));
                }
            }
            Step::Truncate(path, length) => {
                if let Some(f) = self.file(path) {
                    f.since.push((place, Change::Length(*length)));
                }
            }
            Step::Unlink(path) => self.rename(place, path, None, false),
            Step::Rename(from, to) => {
                if let Some(f) = self.names.get(from).copied() {
                    self.rename(place, to, Some(f), false);
                    self.rename(place, from, None, true);
                }
            }
            Step::SyncBegins(number) => drop(self.syncing.insert(*number, place)),
            Step::SyncEnds(path, number) => {
                let Some(began) = self.syncing.remove(number) else { return };
                if let Some(f) = self.file(path) {
                    f.settle(began);
                } else {
                    self.settle(path, began);
                }
            }
            Step::Send(..) => {}
        }
    }

    /// The names in a folder as they were at `before` are there for sure.
    fn settle(&mut self, folder: &Path, before: usize) {
        let (sure, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.since)
            .into_iter()
            .partition(|r| r.place < before && r.name.parent() == Some(folder));
        self.since = open;
        for r in sure {
            apply(&mut self.durable, &r);
        }
    }

    /// Writes to `folder` what the disk may hold of `data` after a cut now.
    fn after_a_cut(&self, seed: &mut Seed, data: &Path, folder: &Path) {
        // Sometimes everything is there that was written, sometimes nothing but what is sure; mostly some of it.
        let kept = [0.0, 0.0, 0.3, 0.7, 1.0][seed.below(5)];
        let mut names = self.durable.clone();
        let mut keep = false;
        for r in &self.since {
            if !r.with_before {
                keep = seed.chance(kept);
            }
            if keep {
                apply(&mut names, r);
            }
        }
        std::fs::create_dir_all(folder).unwrap();
        for (name, file) in names {
            let at = folder.join(name.strip_prefix(data).unwrap());
            std::fs::create_dir_all(at.parent().unwrap()).unwrap();
            let content = if name.to_string_lossy().ends_with("-shm") {
                (0..seed.below(70_000)).map(|_| u8::try_from(seed.next() & 0xFF).unwrap()).collect()
            } else {
                self.files[file].after_a_cut(seed, kept)
            };
            std::fs::write(&at, content).unwrap();
        }
    }
}

fn apply(names: &mut BTreeMap<PathBuf, usize>, r: &Renaming) {
    match r.file {
        Some(f) => drop(names.insert(r.name.clone(), f)),
        None => drop(names.remove(&r.name)),
    }
}

impl File {
    /// Everything changed before `place` is there for sure.
    fn settle(&mut self, place: usize) {
        let (sure, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.since).into_iter().partition(|(p, _)| *p < place);
        self.since = open;
        for (_, change) in sure {
            match change {
                Change::Write(offset, bytes) => write(&mut self.durable, offset, &bytes, |_| true),
                Change::Length(n) => self.durable.resize(usize::try_from(n).unwrap(), 0),
            }
        }
    }

    fn after_a_cut(&self, seed: &mut Seed, kept: f64) -> Vec<u8> {
        let mut content = self.durable.clone();
        for (_, change) in &self.since {
            let (whole, torn) = (seed.chance(kept), seed.chance(kept));
            match change {
                Change::Write(offset, bytes) if whole => write(&mut content, *offset, bytes, |_| true),
                Change::Write(offset, bytes) if torn => write(&mut content, *offset, bytes, |_| seed.chance(0.5)),
                Change::Length(n) if whole => content.resize(usize::try_from(*n).unwrap(), 0),
                Change::Write(..) | Change::Length(_) => {}
            }
        }
        content
    }
}

/// Writes those sectors for which `keep` says so; the file grows in any case.
fn write(content: &mut Vec<u8>, offset: u64, bytes: &[u8], mut keep: impl FnMut(usize) -> bool) {
    let from = usize::try_from(offset).unwrap();
    if content.len() < from + bytes.len() {
        content.resize(from + bytes.len(), 0);
    }
    let mut at = from;
    while at < from + bytes.len() {
        let end = ((at / SECTOR + 1) * SECTOR).min(from + bytes.len());
        if keep(at / SECTOR) {
            content[at..end].copy_from_slice(&bytes[at - from..end - from]);
        }
        at = end;
    }
}

#[test]
fn a_disk_keeps_what_was_synced_and_may_lose_the_rest() {
    let file = PathBuf::from("/d/f");
    let steps = [
        Step::Create(file.clone()),
        Step::Write(file.clone(), 0, vec![1; 2_048]),
        Step::SyncBegins(1),
        Step::Write(file.clone(), 0, vec![2; 2_048]),
        Step::SyncEnds(file.clone(), 1),
        Step::SyncBegins(2),
        Step::SyncEnds("/d".into(), 2),
        Step::Unlink(file.clone()),
    ];
    let mut disk = Disk::new(&BTreeMap::new());
    for (n, s) in steps.iter().enumerate() {
        disk.step(n, s);
    }
    let mut seen = BTreeSet::new();
    let root = Folder::new();
    for n in 0..200 {
        let folder = root.path().join(n.to_string());
        disk.after_a_cut(&mut Seed::new(&format!("disk {n}")), Path::new("/d"), &folder);
        match std::fs::read(folder.join("f")) {
            Err(_) => drop(seen.insert("gone")),
            Ok(c) if c == vec![1; 2_048] => drop(seen.insert("old")),
            Ok(c) if c == vec![2; 2_048] => drop(seen.insert("new")),
            Ok(c) => {
                assert!(c.chunks(SECTOR).all(|s| s == [1; SECTOR] || s == [2; SECTOR]), "a sector is never torn");
                seen.insert("torn");
            }
        }
    }
    assert_eq!(seen, ["gone", "new", "old", "torn"].into());
}
