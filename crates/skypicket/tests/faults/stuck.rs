//! Clients that open the event stream and never read: they are shed and cost the others nothing.

use crate::{
    load::sighting,
    say,
    seed::Seed,
    support::{Centre, Client, Events, text, until},
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// Readers, by person; each sees every report.
const READERS: [(&str, usize); 4] = [("watch", 5), ("watch2", 5), ("analyst", 5), ("auditor", 5)];
const STUCK: usize = 5;
/// Reports in each half.
const REPORTS: usize = 200;
/// Between two reports.
const PACE: Duration = Duration::from_millis(15);

#[test]
fn a_client_that_never_reads_is_shed_and_the_others_wait_no_longer() {
    let _alone = crate::alone();
    let mut centre = Centre::start();
    let mut seed = Seed::new("stuck");
    let reporter = centre.person("lead-b");
    let watch = centre.person("watch");
    let mut readers = Vec::new();
    for (person, streams) in READERS {
        let client = centre.person(person);
        readers.extend((0..streams).map(|_| Events::open(&client)));
    }

    // Once to warm up, once to compare with.
    delays(&reporter, &mut readers, &mut seed, REPORTS / 4, PACE);
    let alone = delays(&reporter, &mut readers, &mut seed, REPORTS, PACE);
    let memory_before = resident_kib(centre.pid());
    let mut stuck: Vec<TcpStream> = (0..STUCK).map(|_| never_reads(&watch)).collect();
    until("the stuck streams to be open", Duration::from_secs(5), || {
        (metric(&watch, "skypicket_event_streams") == Some((readers.len() + STUCK) as f64)).then_some(())
    });
    let beside = delays(&reporter, &mut readers, &mut seed, REPORTS, PACE);
    // More, until they are cut off.
    let begun = Instant::now();
    let mut more = 0;
    while metric(&watch, "skypicket_event_streams_cut_off_total").unwrap_or(0.0) < STUCK as f64 {
        assert!(begun.elapsed() < Duration::from_secs(20), "never cut off, after {more} more reports");
        delays(&reporter, &mut readers, &mut seed, 50, Duration::ZERO);
        more += 50;
    }
    let memory_after = resident_kib(centre.pid());
    // Their connections end too: what waits in them is not kept for ever.
    until("the stuck connections to be closed", Duration::from_secs(25), || {
        (metric(&watch, "skypicket_event_streams") == Some(readers.len() as f64)).then_some(())
    });
    assert_eq!(metric(&watch, "skypicket_event_streams_cut_off_total"), Some(STUCK as f64), "each is counted once");
    for stream in &mut stuck {
        // What the system still holds, then the end, clean or not.
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut sink = vec![0u8; 65_536];
        let ended = (0..10_000).any(|_| match stream.read(&mut sink) {
            Ok(0) => true,
            Ok(_) => false,
            Err(e) => e.kind() != std::io::ErrorKind::WouldBlock,
        });
        assert!(ended, "a stuck connection is still open");
    }
    assert!(readers.iter_mut().all(|r| !r.ended(Duration::ZERO)), "a reader was cut off");

    let (p99_alone, p99_beside) = (p99(&alone), p99(&beside));
    say(&format!(
        "stuck readers: {STUCK} beside {} that read; delay of {} events p99 {:.1} ms without them, {:.1} ms with (p50 {:.1} and {:.1}); cut off after {} reports; memory {} KiB before, {} KiB after",
        readers.len(),
        beside.len(),
        p99_alone * 1e3,
        p99_beside * 1e3,
        quantile(&alone, 0.5) * 1e3,
        quantile(&beside, 0.5) * 1e3,
        REPORTS + more,
        memory_before,
        memory_after,
    ));
    assert!(p99_beside <= 2.0 * p99_alone + 0.020, "p99 was {p99_alone} s without and is {p99_beside} s with them");
    assert!(memory_after < memory_before + (64 << 10), "memory grew from {memory_before} to {memory_after} KiB");
}

/// Posts reports; how long each took from the post's beginning to each reader's page, in seconds.
fn delays(reporter: &Client, readers: &mut [Events], seed: &mut Seed, reports: usize, pace: Duration) -> Vec<f64> {
    let mut posted = BTreeMap::new();
    for _ in 0..reports {
        let begun = Instant::now();
        let mut body = sighting(seed, (0.0, 0.0));
        // Long, and without a bearing: nothing but the event is to be measured.
        body["words"] = json!("x".repeat(1_900));
        body["bearing"] = json!(null);
        reporter.post("/api/v1/sightings", &body).ok(201);
        posted.insert(text(&body, "/id").to_owned(), begun);
        std::thread::sleep(pace.saturating_sub(begun.elapsed()));
    }
    let mut delays = Vec::new();
    for reader in readers {
        let mut wanted = posted.clone();
        while !wanted.is_empty() {
            let event = reader
                .next(Duration::from_secs(10))
                .expect("a reader is not cut off")
                .unwrap_or_else(|| panic!("{} waits for {} reports", reader.person, wanted.len()));
            if event.name == "sighting"
                && let Some(begun) = wanted.remove(text(&event.data, "/sighting/id"))
            {
                delays.push((event.came - begun).as_secs_f64());
            }
        }
    }
    delays
}

/// Opens the stream with a small receive buffer and reads nothing, ever.
fn never_reads(client: &Client) -> TcpStream {
    let address = client.address();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        socket.connect(address.parse().unwrap()).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    let cookie = client.cookie().unwrap();
    let request = format!("GET /api/v1/events HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\n\r\n");
    (&stream).write_all(request.as_bytes()).unwrap();
    stream
}

/// A number of `/metrics`, without labels.
pub(crate) fn metric(client: &Client, name: &str) -> Option<f64> {
    let text = client.get("/metrics").text();
    text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

/// Memory of a process that is really in use, KiB.
pub(crate) fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

fn p99(delays: &[f64]) -> f64 {
    quantile(delays, 0.99)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an index
fn quantile(delays: &[f64], q: f64) -> f64 {
    let mut sorted = delays.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * q).round() as usize]
}
