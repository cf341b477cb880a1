//! [`Crowd`]: thousands of people with a page open each, on loopback, as the benches with many phones need them: signed
//! in over the control socket, their event streams read by a few threads, their answers posted over connections of
//! their own.

#![allow(dead_code)] // each bench uses its own part
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a bench: a failure ends it
#![allow(unreachable_pub)] // `pub` marks what it offers the benches

use super::support::{id, now_s};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    task::JoinSet,
};

/// File descriptors kept free for everything but phones.
const SPARE: u64 = 500;
/// Sign-ins under way at once.
const SIGNING_IN: usize = 256;

/// How many phones the limit of open files lets: the soft limit is raised to the hard one first (the centre, a child,
/// has the same). Says what it found.
pub fn phones(wanted: u32) -> u32 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let now = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let most = u32::try_from(now.saturating_sub(SPARE)).unwrap_or(u32::MAX);
    let n = wanted.min(most);
    println!("open files: {now} (raised from {:?}); phones: {n} of {wanted} wanted", limit.current);
    n
}

/// A number from the environment.
pub fn setting(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(otherwise)
}

/// Sorted times and what is asked of them, milliseconds.
pub fn spread(mut ms: Vec<f64>) -> String {
    if ms.is_empty() {
        return "none".into();
    }
    ms.sort_by(f64::total_cmp);
    let at = |per_cent: f64| ms[((ms.len() - 1) as f64 * per_cent / 100.0).round() as usize];
    format!(
        "n {}: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms, max {:.1} ms",
        ms.len(),
        at(50.0),
        at(90.0),
        at(99.0),
        at(99.9),
        at(100.0)
    )
}

/// The value at a percentage, milliseconds.
pub fn quantile(ms: &[f64], per_cent: f64) -> f64 {
    let mut ms = ms.to_vec();
    ms.sort_by(f64::total_cmp);
    ms.get(((ms.len().max(1) - 1) as f64 * per_cent / 100.0).round() as usize).copied().unwrap_or(f64::NAN)
}

/// What a process has used: CPU seconds and resident KiB.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    /// CPU seconds, user and system.
    pub cpu_s: f64,
    /// Resident memory, KiB.
    pub rss_kib: f64,
    /// Highest resident memory, KiB.
    pub peak_kib: f64,
}

/// Of a process, from /proc.
pub fn used(pid: u32) -> Used {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let kib = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap()
    };
    Used { cpu_s: ticks / 100.0, rss_kib: kib("VmRSS"), peak_kib: kib("VmHWM") }
}

/// Load average of the last minute.
pub fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default().to_owned()
}

/// An answer's status, its first cookies, and its body.
struct Said {
    status: u16,
    cookies: Vec<String>,
    body: Vec<u8>,
}

async fn exchange<S: AsyncReadExt + AsyncWriteExt + Unpin>(stream: &mut S, request: &[u8]) -> std::io::Result<Said> {
    stream.write_all(request).await?;
    let mut buffer = Vec::with_capacity(2_048);
    loop {
        if let Some(end) = find(&buffer, b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let header =
                |name: &str| head.lines().find_map(|l| l.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case(name)));
            let length: usize = header("content-length").and_then(|(_, v)| v.trim().parse().ok()).unwrap_or(0);
            while buffer.len() < end + 4 + length {
                if stream.read_buf(&mut buffer).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
            let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
            let set =
                head.lines().filter_map(|l| l.split_once(':')).filter(|(n, _)| n.eq_ignore_ascii_case("set-cookie"));
            let cookies = set.map(|(_, v)| v.trim().split(';').next().unwrap().to_owned()).collect();
            return Ok(Said { status, cookies, body: buffer[end + 4..end + 4 + length].to_vec() });
        }
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|w| w == what)
}

fn post(path: &str, host: &str, cookie: Option<&str>, body: &Value, as_whom: Option<&str>) -> Vec<u8> {
    let body = body.to_string();
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: {host}\r\n");
    if let Some(c) = cookie {
        let _ = write!(head, "cookie: {c}\r\n");
    }
    if let Some(p) = as_whom {
        let _ = write!(head, "skypicket-as: {p}\r\n");
    }
    let _ = write!(head, "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    head.into_bytes()
}

/// One person's session.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who.
    pub person: String,
    /// Their cookies.
    pub cookie: Arc<str>,
}

/// Signs people in: a link made over the control socket, used over TCP.
pub async fn sign_in(address: &str, record: &Path, people: Vec<String>) -> Vec<Signed> {
    let socket: PathBuf = record.join("control.sock");
    let left = Arc::new(Mutex::new(people.into_iter().enumerate().collect::<Vec<_>>()));
    let done = Arc::new(Mutex::new(Vec::new()));
    let mut workers = JoinSet::new();
    for _ in 0..SIGNING_IN {
        let (left, done, socket, address) = (Arc::clone(&left), Arc::clone(&done), socket.clone(), address.to_owned());
        workers.spawn(async move {
            let mut control = UnixStream::connect(&socket).await.unwrap();
            let mut web = TcpStream::connect(&address).await.unwrap();
            web.set_nodelay(true).unwrap();
            loop {
                let Some((n, person)) = left.lock().unwrap().pop() else { return };
                let path = format!("/api/v1/people/{person}/sign-in-links");
                let ask = post(&path, "localhost", None, &json!({"id": id()}), Some("watch-1"));
                let made = exchange(&mut control, &ask).await.unwrap();
                assert_eq!(made.status, 201, "{}", String::from_utf8_lossy(&made.body));
                let made: Value = serde_json::from_slice(&made.body).unwrap();
                let link = made["url"].as_str().unwrap().split_once("#sign-in=").unwrap().1.to_owned();
                let ask = post("/api/v1/sessions", &address, None, &json!({"link": link}), None);
                let welcome = exchange(&mut web, &ask).await.unwrap();
                assert_eq!(welcome.status, 200, "{}", String::from_utf8_lossy(&welcome.body));
                done.lock().unwrap().push((n, Signed { person, cookie: welcome.cookies.join("; ").into() }));
            }
        });
    }
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    let mut done = std::mem::take(&mut *done.lock().unwrap());
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, s)| s).collect()
}

/// One notice at one phone, the first time that its version came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Got {
    /// Whose phone, by its number.
    pub phone: u32,
    /// The notice.
    pub notice: String,
    /// Its version.
    pub version: u32,
}

/// What all phones have got.
#[derive(Default)]
pub struct Heard {
    /// Bytes at the sockets.
    pub bytes: AtomicU64,
    /// Events.
    pub events: AtomicU64,
    /// Notices that came before they were durable: the record took over 250 ms.
    pub unrecorded: AtomicU64,
    /// Streams that ended before they were asked to.
    pub ended: AtomicU64,
    /// First sight of each notice version at each phone, with milliseconds from its decision.
    pub notices: Mutex<Vec<(Got, f64)>>,
    /// Where they are told at once as well.
    pub tell: Mutex<Option<tokio::sync::mpsc::UnboundedSender<Got>>>,
}

impl Heard {
    /// Takes what came so far: milliseconds from decision to socket.
    pub fn take(&self) -> Vec<(Got, f64)> {
        std::mem::take(&mut *self.notices.lock().unwrap())
    }
}

/// Opens one stream; returns when its first byte is there, and reads on beside.
async fn listen(address: Arc<str>, phone: u32, cookie: Arc<str>, heard: Arc<Heard>) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(&*address).await?;
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\naccept: text/event-stream\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = Vec::with_capacity(1_024);
    while find(&buffer, b"\n\n").is_none() {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer));
    tokio::spawn(async move {
        let mut seen = HashSet::new();
        let mut looked = 0;
        loop {
            // A long event comes in many pieces: what was looked at has no end in it.
            while let Some(end) = find(&buffer[looked..], b"\n\n").map(|n| looked + n) {
                take(phone, &buffer[..end], &mut seen, &heard);
                buffer.drain(..end + 2);
                looked = 0;
            }
            looked = buffer.len().saturating_sub(1);
            // The last chunk: the stream was ended, though the connection is not.
            if buffer.ends_with(b"\r\n0\r\n\r\n") {
                heard.ended.fetch_add(1, Ordering::Relaxed);
                return;
            }
            match stream.read_buf(&mut buffer).await {
                Ok(n) if n > 0 => drop(heard.bytes.fetch_add(n as u64, Ordering::Relaxed)),
                _ => {
                    heard.ended.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
        }
    });
    Ok(())
}

fn take(phone: u32, event: &[u8], seen: &mut HashSet<(String, u32)>, heard: &Heard) {
    let now = now_s();
    heard.events.fetch_add(1, Ordering::Relaxed);
    if find(event, b"event: notice").is_none() {
        return;
    }
    let from = find(event, b"data: ").unwrap() + 6;
    let v: Value = serde_json::from_slice(&event[from..]).unwrap();
    let n = &v["notice"];
    let at: skypicket_model::Time = serde_json::from_value(n["at"].clone()).unwrap();
    let version = u32::try_from(n["version"].as_u64().unwrap()).unwrap();
    let notice = n["id"].as_str().unwrap().to_owned();
    if seen.insert((notice.clone(), version)) {
        if v["unrecorded"] == true {
            heard.unrecorded.fetch_add(1, Ordering::Relaxed);
        }
        let got = Got { phone, notice, version };
        if let Some(tell) = &*heard.tell.lock().unwrap() {
            let _ = tell.send(got.clone());
        }
        heard.notices.lock().unwrap().push((got, (now - at.as_micros() as f64 / 1e6) * 1e3));
    }
}

/// Opens everybody's stream.
pub async fn listen_all(address: &str, signed: &[Signed], heard: &Arc<Heard>) {
    let address: Arc<str> = address.into();
    for (chunk, some) in signed.chunks(256).enumerate() {
        let mut opening = JoinSet::new();
        for (k, s) in some.iter().enumerate() {
            let phone = u32::try_from(chunk * 256 + k).unwrap();
            opening.spawn(listen(Arc::clone(&address), phone, Arc::clone(&s.cookie), Arc::clone(heard)));
        }
        while let Some(opened) = opening.join_next().await {
            opened.unwrap().unwrap();
        }
    }
}

/// People who answer: posts over `connections` kept connections, in the order of their coming.
pub struct Answers {
    /// Jobs: path, cookie; an answer other than 2xx ends the bench.
    pub queue: tokio::sync::mpsc::UnboundedSender<(String, Arc<str>)>,
    /// Answers that came.
    pub done: Arc<AtomicU64>,
    /// How long each took, milliseconds.
    pub took: Arc<Mutex<Vec<f64>>>,
}

impl Answers {
    /// Starts the posters.
    pub fn start(address: &str, connections: usize, body: fn() -> Value) -> Self {
        let (queue, jobs) = tokio::sync::mpsc::unbounded_channel::<(String, Arc<str>)>();
        let jobs = Arc::new(tokio::sync::Mutex::new(jobs));
        let (done, took) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Vec::new())));
        for _ in 0..connections {
            let (jobs, done, took, address) =
                (Arc::clone(&jobs), Arc::clone(&done), Arc::clone(&took), address.to_owned());
            tokio::spawn(async move {
                let mut web = TcpStream::connect(&address).await.unwrap();
                web.set_nodelay(true).unwrap();
                loop {
                    let Some((path, cookie)) = jobs.lock().await.recv().await else { return };
                    let request = post(&path, &address, Some(&cookie), &body(), None);
                    let began = Instant::now();
                    loop {
                        let Ok(said) = exchange(&mut web, &request).await else {
                            web = TcpStream::connect(&address).await.unwrap();
                            continue;
                        };
                        match said.status {
                            200..300 => break,
                            // Refused at the door: the same again, as a phone does.
                            503 | 507 => tokio::time::sleep(Duration::from_millis(200)).await,
                            other => panic!("{path}: {other} {}", String::from_utf8_lossy(&said.body)),
                        }
                    }
                    took.lock().unwrap().push(began.elapsed().as_secs_f64() * 1e3);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        Self { queue, done, took }
    }
}

/// Waits until a condition holds, at most so long; whether it does.
pub async fn until(within: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + within;
    while !holds() {
        if Instant::now() > end {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    true
}
