//! Hostile input to a running centre: captures whose lengths lie, blocks without end, floods of rubbish, lines that are
//! too long, connections that want nothing. Every good frame and line still comes out, every bad one is counted with its
//! reason and offset, memory stays bounded, and warnings go on.

use crate::{
    load::{position, source},
    say,
    seed::Seed,
    stuck::resident_kib,
    support::{Centre, Client, Event, Events, Feed, Scene, drone_line, items, now_s, text, until},
};
use serde_json::{Value, json};
use skypicket_model::Time;
use skypicket_wire::capture::PcapWriter;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Growth of memory that none of this may reach, KiB.
const MEMORY_KIB: u64 = 96 << 10;

/// Captures with random damage.
const DAMAGED: usize = 40;

/// How a source does.
fn health(watch: &Client, id: &str) -> Value {
    let list = watch.see("/api/v1/sources");
    items(&list).iter().find(|s| s["id"] == id).unwrap_or_else(|| panic!("no source {id} in {list}")).clone()
}

fn count(source: &Value, reason: &str) -> u64 {
    source["refused"].get(reason).and_then(Value::as_u64).unwrap_or(0)
}

/// The frames of this project's capture, without their records.
fn frames() -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/captures/approach.pcap");
    let pcap = std::fs::read(path).unwrap();
    let mut frames = Vec::new();
    let mut at = 24;
    while at + 16 <= pcap.len() {
        let n = u32::from_le_bytes(pcap[at + 8..at + 12].try_into().unwrap()) as usize;
        // After the radiotap header, whose length it says itself.
        let frame = &pcap[at + 16..at + 16 + n];
        let head = usize::from(u16::from_le_bytes(frame[2..4].try_into().unwrap()));
        frames.push(frame[head..].to_vec());
        at += 16 + n;
    }
    assert_eq!(frames.len(), 180);
    frames
}

/// The record of one frame heard just now.
fn record(frame: &[u8]) -> Vec<u8> {
    let mut one = PcapWriter::new();
    one.frame(Time::from_unix_s(now_s()).unwrap(), -60, frame);
    one.as_bytes()[24..].to_vec()
}

fn scene(capture: &Path) -> Scene {
    let table = format!("[[source.capture]]\nid = \"sniffer\"\npath = \"{}\"\npoll_ms = 20\n", capture.display());
    Scene::new().and(&table)
}

/// A folder and a file in it that does not exist yet.
struct Tail {
    _folder: crate::support::Folder,
    path: PathBuf,
}

impl Tail {
    fn new() -> Self {
        let folder = crate::support::Folder::new();
        Self { path: folder.path().join("live.pcap"), _folder: folder }
    }

    fn begin(&self, bytes: &[u8]) -> File {
        // Another file under the same name, as a rotation makes it.
        let new = self.path.with_extension("new");
        let mut file = File::create(&new).unwrap();
        file.write_all(bytes).unwrap();
        std::fs::rename(&new, &self.path).unwrap();
        file
    }
}

#[test]
fn a_hostile_capture_costs_what_is_bad_of_it() {
    let _alone = crate::alone();
    let begun = Instant::now();
    let tail = Tail::new();
    let mut centre = Centre::start_with(scene(&tail.path), &[]);
    let watch = centre.first();
    let before = resident_kib(centre.pid());
    let frames = frames();
    let mut seed = Seed::new("hostile capture");

    // ---- good frames with bad ones between ----
    let mut file = tail.begin(PcapWriter::new().as_bytes());
    let mut at = 24u64;
    let mut good = 0;
    let mut bad: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (n, frame) in frames.iter().enumerate() {
        let whole = record(frame);
        let mut hostile = whole.clone();
        let reason = match n % 6 {
            // A length that cannot be, and one that could be but is not.
            1 => {
                let lie: u32 = [u32::MAX, 0x7FFF_FFFF, 300_000][seed.below(3)];
                hostile[8..12].copy_from_slice(&lie.to_le_bytes());
                Some("record_length")
            }
            // A radiotap header longer than its frame.
            3 => {
                hostile[18..20].copy_from_slice(&u16::MAX.to_le_bytes());
                Some("radiotap")
            }
            // A beacon cut before its fixed part ends, its record saying so.
            5 => {
                let kept = 16 + 10 + 8;
                hostile.truncate(kept);
                let length = u32::try_from(kept - 16).unwrap().to_le_bytes();
                hostile[8..12].copy_from_slice(&length);
                hostile[12..16].copy_from_slice(&length);
                Some("frame_short")
            }
            _ => None,
        };
        if let Some(reason) = reason {
            bad.entry(reason).or_default().push(at);
            file.write_all(&hostile).unwrap();
            at += hostile.len() as u64;
        } else {
            good += 1;
            // In two halves, so that the reader meets an unfinished one.
            let half = seed.below(whole.len());
            file.write_all(&whole[..half]).unwrap();
            if seed.chance(0.1) {
                std::thread::sleep(Duration::from_millis(25));
            }
            file.write_all(&whole[half..]).unwrap();
            at += whole.len() as u64;
        }
    }
    let sniffer = until("every good frame", Duration::from_secs(10), || {
        let s = health(&watch, "sniffer");
        (s["decoded"].as_u64().unwrap() >= good).then_some(s)
    });
    assert_eq!(sniffer["decoded"], good, "{sniffer}");
    let mut total = 0;
    for (reason, offsets) in &bad {
        assert_eq!(count(&sniffer, reason), offsets.len() as u64, "{reason}: {sniffer}");
        total += offsets.len();
    }
    assert_eq!(sniffer["refused"].as_object().unwrap().len(), bad.len(), "{sniffer}");
    let samples = sniffer["samples"].as_array().unwrap();
    assert!(!samples.is_empty());
    for sample in samples {
        let offset = sample["offset"].as_u64().unwrap_or_else(|| panic!("no offset: {sample}"));
        assert!(bad[text(sample, "/reason")].contains(&offset), "nothing bad of that kind is there: {sample}");
    }

    // ---- a block without end, and random damage: the file is replaced each time ----
    let mut endless = vec![0x0A, 0x0D, 0x0D, 0x0A];
    endless.extend(0x0FFF_FFF0u32.to_le_bytes());
    let mut file = tail.begin(&endless);
    let megabyte = vec![0x41; 1 << 20];
    for _ in 0..64 {
        file.write_all(&megabyte).unwrap();
    }
    let refused = |s: &Value| s["refused"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum::<u64>();
    until("the endless block to be refused", Duration::from_secs(10), || {
        (refused(&health(&watch, "sniffer")) > total as u64).then_some(())
    });
    let mut whole = PcapWriter::new();
    for frame in &frames {
        whole.frame(Time::from_unix_s(now_s()).unwrap(), -60, frame);
    }
    for _ in 0..DAMAGED {
        let mut bytes = whole.as_bytes().to_vec();
        for _ in 0..=seed.below(40) {
            let at = seed.below(bytes.len());
            bytes[at] = u8::try_from(seed.next() & 0xFF).unwrap();
        }
        bytes.truncate(1 + seed.below(bytes.len()));
        tail.begin(&bytes);
        std::thread::sleep(Duration::from_millis(45));
    }
    let after = resident_kib(centre.pid());
    assert!(after < before + MEMORY_KIB, "memory grew from {before} to {after} KiB");

    // ---- and a good one still comes out, whole ----
    let sure = health(&watch, "sniffer")["decoded"].as_u64().unwrap();
    let mut last = PcapWriter::new();
    for frame in &frames {
        last.frame(Time::from_unix_s(now_s()).unwrap(), -60, frame);
    }
    tail.begin(last.as_bytes());
    until("all frames of a good capture", Duration::from_secs(10), || {
        (health(&watch, "sniffer")["decoded"].as_u64().unwrap() >= sure + 180).then_some(())
    });
    assert!(centre.runs() && centre.terminate().status.success());
    say(&format!(
        "hostile captures: {good} good frames all out beside {total} bad ones ({}), each counted with its reason, samples with true offsets; a block of 256 MiB that never ends, {DAMAGED} captures with random damage; memory {before} KiB before, {after} KiB after; {} ms",
        bad.iter().map(|(r, o)| format!("{} {r}", o.len())).collect::<Vec<_>>().join(", "),
        begun.elapsed().as_millis(),
    ));
}

/// Rubbish of all sorts, as a line.
fn rubbish(seed: &mut Seed) -> Vec<u8> {
    match seed.below(7) {
        0 => (0..seed.below(400)).map(|_| u8::try_from(seed.next() & 0xFF).unwrap()).filter(|b| *b != b'\n').collect(),
        1 => [vec![b'['; 300], vec![b']'; 300]].concat(),
        2 => br#"{"type":"observation","t":1,"t":2}"#.to_vec(),
        3 => br#"{"type":"observation","t":NaN,"lla":[0,0,0]}"#.to_vec(),
        4 => br#"{"type":"observation","t":1e999,"lla":[0,0,0]}"#.to_vec(),
        5 => format!(r#"{{"type":"observation","t":{},"lla":[91,0,0]}}"#, now_s()).into_bytes(),
        _ => format!(r#"{{"type":"observation","t":{},"lla":[0,0,0],"colour":"red"}}"#, now_s()).into_bytes(),
    }
}

fn far_off(n: usize) -> Value {
    drone_line(&format!("FLOOD{n:07}"), 20_000.0 + (n % 100) as f64 * 300.0, 20_000.0, 80.0, [0.0; 3])
}

#[test]
fn floods_of_rubbish_and_of_connections_do_no_harm() {
    let _alone = crate::alone();
    let begun = Instant::now();
    let mut centre = Centre::start();
    let mut seed = Seed::new("hostile floods");
    let watch = centre.first();
    let agent = centre.person("agent-a1");
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    let mut page = Events::open(&agent);
    let before = resident_kib(centre.pid());

    // ---- connections: to the source beyond its bound, to the API thousands that say nothing or dribble ----
    let tcp = centre.scene.tcp;
    let mut feed = Feed::connect(tcp);
    feed.send(&far_off(0));
    until("the first line", Duration::from_secs(5), || (health(&watch, "radar")["decoded"] == 1).then_some(()));
    let held: Vec<TcpStream> = (0..60).map(|_| TcpStream::connect(tcp).unwrap()).collect();
    until("connections beyond the bound to be refused", Duration::from_secs(5), || {
        (count(&health(&watch, "radar"), "too_many_connections") == 45).then_some(())
    });
    let address = centre.address.get();
    let silent: Vec<TcpStream> = (0..1_500).filter_map(|_| TcpStream::connect(&address).ok()).collect();
    assert_eq!(silent.len(), 1_500);
    let mut dribble = TcpStream::connect(&address).unwrap();
    let opened = Instant::now();
    // A header without end.
    let mut huge = TcpStream::connect(&address).unwrap();
    huge.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: ").unwrap();
    let refused = (0..64).find_map(|_| huge.write_all(&[b'a'; 8_192]).err().map(drop).or_else(|| ended(&mut huge)));
    assert!(refused.is_some(), "a header without end was taken");
    let asked = Instant::now();
    centre.anybody().send("GET", "/healthz", &[], b"").text();
    let (view, warned) = warn(&mut feed, &mut page, "FLOOD-A");
    assert_eq!(view["unrecorded"], false);
    let answered = asked.elapsed();

    // ---- lines: rubbish, too long, without end, over both transports, with good ones between ----
    let (mut good, mut bad) = (0, 0);
    let decoded_before = health(&watch, "radar")["decoded"].as_u64().unwrap();
    for n in 0..3_000 {
        if n % 10 == 0 {
            feed.send(&far_off(n));
            good += 1;
        } else {
            let line = rubbish(&mut seed);
            bad += usize::from(!line.trim_ascii().is_empty());
            feed.raw(&line);
        }
    }
    let too_long = vec![b'x'; 70_000];
    for _ in 0..5 {
        feed.raw(&too_long);
        feed.send(&far_off(1));
        good += 1;
    }
    // 32 MiB without a line's end.
    for _ in 0..32 {
        feed.raw(b"");
        let _ = feed.without_end(&vec![b'y'; 1 << 20]);
    }
    feed.raw(b"");
    feed.send(&far_off(2));
    good += 1;
    let radar = until("every good line", Duration::from_secs(15), || {
        let s = health(&watch, "radar");
        (s["decoded"].as_u64().unwrap() >= decoded_before + good).then_some(s)
    });
    assert_eq!(radar["decoded"], decoded_before + good, "{radar}");
    assert_eq!(count(&radar, "line_too_long"), 5 + 32, "{radar}");
    let refused: u64 = radar["refused"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(refused, bad as u64 + 5 + 32 + 45, "{radar}");
    for reason in ["json_duplicate_key", "json_too_deep", "json_number"] {
        assert!(count(&radar, reason) > 0, "no {reason}: {radar}");
    }
    assert!(items_have_offsets(&radar), "{radar}");

    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..20_000 {
        // The system drops what the centre has no time for: that is no one's promise.
        let _ = socket.send_to(&rubbish(&mut seed), centre.scene.udp);
    }
    let before_good = until("the flood to be over", Duration::from_secs(15), || {
        let received = |s: &Value| s["received"].as_u64().unwrap();
        let one = health(&watch, "field-rid");
        std::thread::sleep(Duration::from_millis(200));
        (received(&health(&watch, "field-rid")) == received(&one)).then_some(one)
    });
    for n in 0..50 {
        socket.send_to(far_off(n).to_string().as_bytes(), centre.scene.udp).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    until("every good datagram", Duration::from_secs(10), || {
        (health(&watch, "field-rid")["decoded"].as_u64().unwrap() == before_good["decoded"].as_u64().unwrap() + 50)
            .then_some(())
    });
    let (_, warned_after) = warn(&mut feed, &mut page, "FLOOD-B");
    let after = resident_kib(centre.pid());
    assert!(after < before + MEMORY_KIB, "memory grew from {before} to {after} KiB");

    // ---- who says nothing is cut off; others come in ----
    let _ = dribble.write_all(b"GET /healthz HT");
    dribble.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert!(ended(&mut dribble).is_some(), "a request that never ends is kept");
    let cut_off = opened.elapsed();
    drop((silent, held));
    centre.anybody().send("GET", "/healthz", &[], b"").text();
    assert!(centre.terminate().status.success());
    let out = centre.verify(&["--recompute"]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stdout));
    say(&format!(
        "hostile floods: {good} good lines all out beside {} bad ones, {} datagrams of rubbish of 20000 taken and refused; 1500 silent connections, a dribbling one cut off after {:.1} s; answer and warning beside them in {} ms, warning after the flood in {} ms; memory {before} KiB before, {after} KiB after; {} ms",
        refused,
        before_good["received"],
        cut_off.as_secs_f64(),
        (answered + warned).as_millis(),
        warned_after.as_millis(),
        begun.elapsed().as_millis(),
    ));
}

/// The connection has ended, or ends within its read timeout.
fn ended(stream: &mut TcpStream) -> Option<()> {
    if stream.read_timeout().unwrap().is_none() {
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    }
    let mut sink = [0u8; 4_096];
    loop {
        match stream.read(&mut sink) {
            Ok(0) => return Some(()),
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return None,
            Err(_) => return Some(()),
        }
    }
}

fn items_have_offsets(source: &Value) -> bool {
    source["samples"].as_array().is_some_and(|s| !s.is_empty() && s.iter().all(|s| s["offset"].is_u64()))
}

/// Sends a drone over agent-a1 until their page shows a warning of it.
fn warn(feed: &mut Feed, page: &mut Events, serial: &str) -> (Value, Duration) {
    let begun = Instant::now();
    page.forget();
    let fits = |e: &Event| e.name == "notice" && e.data["notice"]["state"] == "raised";
    for _ in 0..100 {
        feed.send(&drone_line(serial, 10.0, 10.0, 50.0, [0.0; 3]));
        if let Some(e) = page.maybe(Duration::from_millis(100), fits) {
            return (e.data, begun.elapsed());
        }
    }
    panic!("not warned within {:?}", begun.elapsed());
}

#[test]
fn overload_is_shed_before_the_record_and_every_observation_is_accounted_for() {
    let _alone = crate::alone();
    let mut centre = Centre::start();
    let watch = centre.first();
    let source = source(&watch, "flood");
    let begun = Instant::now();
    let before = resident_kib(centre.pid());
    // Four connections that send whole requests of 800 lines as fast as they are answered.
    let lines: Vec<String> = (0..800).map(|n| far_off(n).to_string()).collect();
    let body = lines.join("\n");
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (source, body) = (source.clone(), body.clone());
            std::thread::spawn(move || {
                let begun = Instant::now();
                let mut taken = 0;
                while begun.elapsed() < Duration::from_secs(4) {
                    let answer = source.send("POST", "/api/v1/observations", &[], body.as_bytes()).ok(202);
                    taken += answer["taken"].as_u64().unwrap();
                }
                taken
            })
        })
        .collect();
    // People get through beside it.
    let agent = centre.person("agent-a1");
    let mut slowest = Duration::ZERO;
    while begun.elapsed() < Duration::from_secs(4) {
        let asked = Instant::now();
        agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
        slowest = slowest.max(asked.elapsed());
    }
    let taken: u64 = threads.into_iter().map(|t| t.join().unwrap()).sum();
    let after = resident_kib(centre.pid());
    let shown = until("the queue to be empty", Duration::from_mins(1), || {
        (crate::stuck::metric(&watch, "skypicket_waiting_observations") == Some(0.0)).then(|| health(&watch, "flood"))
    });
    assert!(centre.terminate().status.success());
    let (mut recorded, mut shed) = (0, 0);
    for e in centre.export() {
        match text(&e["body"], "/body") {
            "observations" => {
                let items = e["body"]["items"].as_array().unwrap();
                recorded += items.iter().filter(|o| o["source"] == "flood").count() as u64;
            }
            "shed" => shed += e["body"]["counts"]["flood"].as_u64().unwrap_or(0),
            _ => {}
        }
    }
    assert_eq!((recorded + shed, &shown["shed"]), (taken, &json!(shed)), "{shown}");
    assert!(after < before + 2 * MEMORY_KIB, "memory grew from {before} to {after} KiB");
    say(&format!(
        "overload: {taken} observations taken in 4 s: {recorded} recorded, {shed} shed and counted in the record; slowest answer to a person beside it {} ms; memory {before} KiB before, {after} KiB after",
        slowest.as_millis(),
    ));
}
