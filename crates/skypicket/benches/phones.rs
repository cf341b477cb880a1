//! Event streams to 10,000 phones on loopback, the real binary: idle, and with 200 warnings a second to five people
//! each. Prints the time from decision to bytes at the phone's socket, the centre's CPU and memory, and bytes a phone;
//! then the same bytes from a bare broadcast server in the same run.
//!
//! `SKYPICKET_BENCH_PHONES` (default 10,000, at most what the limit of open files lets), `SKYPICKET_BENCH_SECONDS` of
//! load (default 15), `SKYPICKET_BENCH_RATE` warnings a second (default 200), `SKYPICKET_BENCH_ANSWERS=1`: each phone
//! posts its receipt.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a bench: a failure ends it, and printing is what it is for
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small numbers

mod crowd;
#[path = "crowd/scene.rs"]
mod scene;
#[path = "../tests/support/mod.rs"]
mod support;

use crowd::{Answers, Heard, Signed, listen_all, load, phones, quantile, setting, sign_in, spread, until, used};
use skypicket_model::Time;
use skypicket_wire::observation_line;
use std::{
    io::BufRead as _,
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};
use support::{Centre, Feed, id, now_s};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::broadcast,
};

/// People of a site's unit; with the watch officer five have each warning.
const AT_EACH: u32 = 4;
/// Seconds of nothing.
const IDLE: Duration = Duration::from_secs(10);

/// Set in the child that is the bare server: phones, rate, seconds, bytes of a message.
const BARE: &str = "SKYPICKET_BENCH_BARE";

fn main() {
    if let Ok(how) = std::env::var(BARE) {
        return bare_server(&how.split(',').map(|n| n.parse().unwrap()).collect::<Vec<u32>>());
    }
    let people = phones(setting("SKYPICKET_BENCH_PHONES", 10_000));
    let seconds = setting("SKYPICKET_BENCH_SECONDS", 15);
    let rate = setting("SKYPICKET_BENCH_RATE", 200);
    let answer = setting("SKYPICKET_BENCH_ANSWERS", 0) == 1;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("load at the start: {}", load());

    let scene = scene::scene(people, AT_EACH);
    let tcp = scene.tcp;
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.first();
    let address = watch.address();
    let before = used(centre.pid());
    let began = Instant::now();
    let names = (0..people).map(|k| format!("p{k}")).collect();
    let signed = runtime.block_on(sign_in(&address, &centre.record(), names));
    let with_sessions = used(centre.pid());
    println!("{people} people signed in in {:.1} s", began.elapsed().as_secs_f64());
    let began = Instant::now();
    let heard = Arc::new(Heard::default());
    runtime.block_on(listen_all(&address, &signed, &heard));
    println!("{people} streams opened in {:.1} s", began.elapsed().as_secs_f64());
    let console = Arc::new(Heard::default());
    let watching = Signed { person: "watch-1".into(), cookie: watch.cookie().unwrap().into() };
    runtime.block_on(listen_all(&address, &[watching], &console));

    // Nothing happens: what does a phone cost?
    std::thread::sleep(Duration::from_secs(2));
    let (idle, bytes, events) =
        (used(centre.pid()), heard.bytes.load(Ordering::Relaxed), heard.events.load(Ordering::Relaxed));
    std::thread::sleep(IDLE);
    let after = used(centre.pid());
    let idle_bytes = (heard.bytes.load(Ordering::Relaxed) - bytes) as f64;
    let idle_events = (heard.events.load(Ordering::Relaxed) - events) as f64;
    let hour = |n: f64, s: f64| n / s * 3_600.0 / f64::from(people) / 1_024.0;
    println!(
        "idle: {:.1} KiB of memory a phone ({:.0} MiB before anybody came, {:.0} with sessions, {:.0} with streams); {:.0} % of a core; {:.1} KiB a phone and hour ({:.2} events/s a phone)",
        (after.rss_kib - with_sessions.rss_kib) / f64::from(people),
        before.rss_kib / 1_024.0,
        with_sessions.rss_kib / 1_024.0,
        after.rss_kib / 1_024.0,
        (after.cpu_s - idle.cpu_s) / IDLE.as_secs_f64() * 100.0,
        hour(idle_bytes, IDLE.as_secs_f64()),
        idle_events / IDLE.as_secs_f64() / f64::from(people),
    );

    // Warnings, each to five.
    let answers = answer.then(|| {
        let _in = runtime.enter();
        Answers::start(&address, 64, || serde_json::json!({"id": id(), "shown": true}))
    });
    if let Some(a) = &answers {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        *heard.tell.lock().unwrap() = Some(tell);
        let (queue, signed) = (a.queue.clone(), signed.clone());
        runtime.spawn(async move {
            while let Some(got) = told.recv().await {
                let path = format!("/api/v1/notices/{}/versions/{}/receipts", got.notice, got.version);
                let _ = queue.send((path, Arc::clone(&signed[got.phone as usize].cookie)));
            }
        });
    }
    drop(heard.take());
    let (at, bytes) = (used(centre.pid()), heard.bytes.load(Ordering::Relaxed));
    let mut feed = Feed::connect(tcp);
    let sites = people / AT_EACH;
    let began = Instant::now();
    let warnings = rate * seconds;
    for n in 0..warnings {
        let due = began + Duration::from_secs_f64(f64::from(n) / f64::from(rate));
        if let Some(wait) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(wait);
        }
        // 7,919 is prime: one site after the other, far from each other.
        let o = scene::intruder((n * 7_919) % sites, n, Time::from_unix_s(now_s()).unwrap());
        feed.send(&observation_line::encode(&o));
    }
    let sent_s = began.elapsed().as_secs_f64();
    let expected = (warnings * AT_EACH) as usize;
    let raised = || heard.notices.lock().unwrap().iter().filter(|(g, _)| g.version == 1).count();
    let all = runtime.block_on(until(Duration::from_secs(15), || raised() >= expected));
    let (now, took) = (used(centre.pid()), began.elapsed().as_secs_f64());
    let load_bytes = (heard.bytes.load(Ordering::Relaxed) - bytes) as f64;
    let got = heard.take();
    let raised: Vec<f64> = got.iter().filter(|(g, _)| g.version == 1).map(|(_, ms)| *ms).collect();
    let later: Vec<f64> = got.iter().filter(|(g, _)| g.version > 1).map(|(_, ms)| *ms).collect();
    println!(
        "load: {warnings} warnings in {sent_s:.1} s to {AT_EACH} phones and the watch each; all there: {all} ({} of {expected})",
        raised.len()
    );
    println!("decision -> bytes at the phone's socket, raised: {}", spread(raised.clone()));
    println!("the same, later versions: {}", spread(later));
    println!(
        "of them {} went out before they were durable (the record took over 250 ms)",
        heard.unrecorded.load(Ordering::Relaxed)
    );
    println!(
        "centre: {:.0} % of a core, {:.0} MiB resident (highest {:.0}); {:.1} KiB a phone and hour at this load",
        (now.cpu_s - at.cpu_s) / took * 100.0,
        now.rss_kib / 1_024.0,
        now.peak_kib / 1_024.0,
        hour(load_bytes, took),
    );
    println!(
        "streams that ended: {}; the watch's page got {:.1} MiB and {} of {warnings} warnings",
        heard.ended.load(Ordering::Relaxed) + console.ended.load(Ordering::Relaxed),
        console.bytes.load(Ordering::Relaxed) as f64 / 1_048_576.0,
        console.take().iter().filter(|(g, _)| g.version == 1).count()
    );
    if let Some(a) = &answers {
        runtime.block_on(until(Duration::from_secs(10), || a.done.load(Ordering::Relaxed) as usize >= got.len()));
        println!(
            "receipts: {} of {}, {}",
            a.done.load(Ordering::Relaxed),
            got.len(),
            spread(a.took.lock().unwrap().clone())
        );
    }
    println!("load at the end: {}", load());
    let size = runtime.block_on(notice_bytes(&address, &signed[0].cookie));
    drop(centre);
    runtime.block_on(until(Duration::from_secs(10), || heard.ended.load(Ordering::Relaxed) >= u64::from(people)));

    // The limit: the same bytes to the same number of phones from a server that does nothing else.
    let bare = runtime.block_on(bare(people, rate, seconds.min(8), size));
    println!("bare broadcast server, the same phones and rate: {}", spread(bare.clone()));
    println!(
        "ratio of p99, centre / bare server: {:.1} ({:.1} ms / {:.1} ms)",
        quantile(&raised, 99.0) / quantile(&bare, 99.0),
        quantile(&raised, 99.0),
        quantile(&bare, 99.0)
    );
    runtime.shutdown_background();
}

/// About as long as one warning's event is.
async fn notice_bytes(address: &str, cookie: &str) -> usize {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /api/v1/notices?open=true HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
    answer.len().clamp(600, 2_000)
}

/// A server that copies what is said to whoever listens, with a heartbeat each 2 s to all, and messages to
/// [`AT_EACH`] each: milliseconds from saying to hearing.
async fn bare(phones: u32, rate: u32, seconds: u32, size: usize) -> Vec<f64> {
    let mut server = std::process::Command::new(std::env::current_exe().unwrap())
        .env(BARE, format!("{phones},{rate},{seconds},{size}"))
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut address = String::new();
    std::io::BufReader::new(server.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let took = Arc::new(Mutex::new(Vec::new()));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..phones {
        let mut stream = TcpStream::connect(address.trim()).await.unwrap();
        let took = Arc::clone(&took);
        readers.spawn(async move {
            let mut buffer = Vec::with_capacity(1_024);
            while stream.read_buf(&mut buffer).await.is_ok_and(|n| n > 0) {
                while let Some(end) = buffer.windows(2).position(|w| w == b"\n\n") {
                    if buffer.starts_with(b"m ") {
                        let text = String::from_utf8_lossy(&buffer[2..end]).into_owned();
                        let sent: f64 = text.split(' ').next().unwrap().parse().unwrap();
                        took.lock().unwrap().push((now_s() - sent) * 1e3);
                    }
                    buffer.drain(..end + 2);
                }
            }
        });
    }
    while readers.join_next().await.is_some() {}
    server.wait().unwrap();
    let mut took = took.lock().unwrap();
    std::mem::take(&mut *took)
}

/// The child: serves until everything is said, then ends.
fn bare_server(how: &[u32]) {
    let [phones, rate, seconds, size] = how else { return };
    let (phones, rate, seconds, size) = (*phones, *rate, *seconds, *size as usize);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async move {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let (all, _) = broadcast::channel::<Arc<Vec<u8>>>(64);
        let mut own = Vec::new();
        for _ in 0..phones {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (to, mut from) = tokio::sync::mpsc::channel::<Arc<Vec<u8>>>(256);
            own.push(to);
            let mut everybody = all.subscribe();
            tokio::spawn(async move {
                loop {
                    let next = tokio::select! {
                        m = from.recv() => m,
                        m = everybody.recv() => m.ok(),
                    };
                    let Some(m) = next else { return };
                    if stream.write_all(&m).await.is_err() {
                        return;
                    }
                }
            });
        }
        let began = tokio::time::Instant::now();
        let mut beat = tokio::time::interval(Duration::from_secs(2));
        let mut n = 0u32;
        while n < rate * seconds {
            let due = began + Duration::from_secs_f64(f64::from(n) / f64::from(rate));
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(due) => {
                    let line = format!("m {:.6} {}\n\n", now_s(), "x".repeat(size));
                    let message = Arc::new(line.into_bytes());
                    for k in 0..AT_EACH {
                        let phone = (n.wrapping_mul(7_919).wrapping_add(k)) % phones;
                        let _ = own[phone as usize].try_send(Arc::clone(&message));
                    }
                    n += 1;
                }
                _ = beat.tick() => drop(all.send(Arc::new([&[b'.'; 90][..], b"\n\n"].concat()))),
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    });
    runtime.shutdown_background();
}
