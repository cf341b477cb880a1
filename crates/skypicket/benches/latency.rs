//! From the observation that decides to the warning on the person's socket: the real binary, 1,000 sources, 1,000
//! people with positions, a stream of observations beside. Prints p50 and p99, and the memory of the centre.
//!
//! `SKYPICKET_BENCH_RATE` sets the observations a second beside (default 1,000).

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a bench: a failure ends it, and printing is what it is for

#[path = "../tests/support/mod.rs"]
mod support;

use skypicket_model::{Directory, Time};
use skypicket_sim::exercise::border_load;
use skypicket_wire::observation_line;
use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use support::{Centre, Client, Events, Feed, Scene, id, now_s, time_text};

const SOURCES: u32 = 1_000;
const PEOPLE: u32 = 1_000;
/// People with an open page, spread over the line.
const PAGES: u32 = 100;
/// Warnings timed.
const TRIALS: u32 = 300;

fn configuration(scene: &Scene, directory: &Directory, sources: &[String]) -> String {
    let mut text = String::from("[record]\nreserve_mib = 8\n");
    for a in directory.agencies.values() {
        let _ = write!(text, "[[agency]]\nid = \"{}\"\nname = \"{}\"\n", a.id, a.name);
    }
    for u in directory.units.values() {
        let leaders: Vec<String> = u.leadership.iter().map(|l| format!("\"{l}\"")).collect();
        let _ = write!(
            text,
            "[[unit]]\nid = \"{}\"\nname = \"{}\"\nagency = \"{}\"\nleadership = [{}]\n",
            u.id,
            u.name,
            u.agency,
            leaders.join(", ")
        );
    }
    for p in directory.people.values() {
        let roles = if p.id.as_str() == "watch-1" { "\"watch\", \"administrator\"" } else { "\"field\"" };
        let _ = write!(
            text,
            "[[person]]\nid = \"{}\"\nname = \"{}\"\nunit = \"{}\"\nroles = [{roles}]\n",
            p.id, p.name, p.unit
        );
    }
    let _ = write!(
        text,
        "[[source.tcp]]\nid = \"border\"\nlisten = \"{}\"\nsources = [{}]\n",
        scene.tcp,
        sources.join(", ")
    );
    text
}

fn at_now() -> Time {
    Time::from_unix_s(now_s()).unwrap()
}

fn say_position(client: &Client, load: &skypicket_sim::load::BorderLoad, k: u32) {
    let p = load.position(k, at_now());
    let body = serde_json::json!({"id": id(), "at": p.at, "accuracy_m": p.accuracy_m, "observed_at": time_text(0.0)});
    client.post("/api/v1/positions", &body).ok(201);
}

fn main() {
    let rate: f64 = std::env::var("SKYPICKET_BENCH_RATE").ok().and_then(|r| r.parse().ok()).unwrap_or(1_000.0);
    let load = border_load(7, SOURCES, PEOPLE, rate, at_now());
    let sources: Vec<String> = load.sources().map(|s| format!("\"{s}\"")).collect();
    let mut scene = Scene::new();
    scene.text = configuration(&scene, &load.directory(), &sources);
    let tcp = scene.tcp;
    let mut centre = Centre::start_with(scene, &[]);

    let began = Instant::now();
    let people: Vec<Client> = (0..PEOPLE).map(|k| centre.person(&format!("p{k}"))).collect();
    for (k, client) in (0..PEOPLE).zip(&people) {
        say_position(client, &load, k);
    }
    println!("{PEOPLE} people signed in and placed in {:.1} s", began.elapsed().as_secs_f64());
    let step = PEOPLE / PAGES;
    let mut pages: Vec<(u32, Events)> =
        (0..PAGES).map(|n| (n * step, Events::open(&people[(n * step) as usize]))).collect();
    let _watch = centre.events("watch-1");

    // The stream beside, in real time, and people who move.
    let stop = Arc::new(AtomicBool::new(false));
    let intruders = load.clone();
    let beside = {
        let stop = Arc::clone(&stop);
        thread::spawn(move || {
            let mut feed = Feed::connect(tcp);
            let mut sent = 0u64;
            let mut load = border_load(7, SOURCES, PEOPLE, rate, at_now());
            while !stop.load(Ordering::Relaxed) {
                for o in load.observations_until(at_now()) {
                    feed.send(&observation_line::encode(&o));
                    sent += 1;
                }
                thread::sleep(Duration::from_millis(5));
            }
            sent
        })
    };
    let movers = {
        let (stop, people, load) = (Arc::clone(&stop), people.clone(), intruders.clone());
        thread::spawn(move || {
            let mut told = 0u32;
            while !stop.load(Ordering::Relaxed) {
                let k = (told * 37) % PEOPLE;
                say_position(&people[k as usize], &load, k);
                told += 1;
                thread::sleep(Duration::from_millis(10));
            }
            told
        })
    };
    thread::sleep(Duration::from_secs(3));

    let mut feed = Feed::connect(tcp);
    let mut took: Vec<f64> = Vec::new();
    for n in 0..TRIALS {
        let which = (n % PAGES) as usize;
        let (k, events) = &mut pages[which];
        events.drain();
        events.forget();
        let o = intruders.intruder(*k, n, at_now());
        let sent = Instant::now();
        feed.send(&observation_line::encode(&o));
        let e = events.wait_for("the warning", Duration::from_secs(5), |e| {
            e.name == "notice" && e.data["notice"]["version"] == 1 && e.data["notice"]["because"][0] == o.id.to_string()
        });
        took.push(e.came.duration_since(sent).as_secs_f64() * 1e3);
    }
    stop.store(true, Ordering::Relaxed);
    let (sent, told) = (beside.join().unwrap(), movers.join().unwrap());
    took.sort_by(f64::total_cmp);
    let at = |per_cent: usize| took[(took.len() - 1) * per_cent / 100];
    let status = std::fs::read_to_string(format!("/proc/{}/status", centre.pid())).unwrap();
    let rss = status.lines().find(|l| l.starts_with("VmRSS")).unwrap_or("VmRSS unknown");
    println!("beside: {sent} observations from {SOURCES} sources, {told} positions, {PAGES} open pages");
    println!(
        "observation -> warning on the socket, {TRIALS} warnings: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, worst {:.1} ms",
        at(50),
        at(90),
        at(99),
        at(100)
    );
    println!("centre: {rss}");
    let ended = centre.terminate();
    println!("ended: {ended:?}");
}
