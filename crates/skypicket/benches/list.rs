//! One warning to 10,000 people, the real binary on loopback: a site whose unit has them all, each with a page open.
//! Prints how soon it was queued (durable, the first phone has it) and handed over (the last has it), how long 10,000
//! receipts and then 10,000 acknowledgements take, what the console got meanwhile, how long the board and a page of it
//! take, and the centre's memory; then kills
//! the centre, starts it again, and counts the acknowledgements that are there.
//!
//! `SKYPICKET_BENCH_PEOPLE` (default 10,000, at most what the limit of open files lets).

#![allow(clippy::unwrap_used, clippy::print_stdout)] // a bench: a failure ends it, and printing is what it is for
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small numbers

mod crowd;
#[path = "crowd/scene.rs"]
mod scene;
#[path = "../tests/support/mod.rs"]
mod support;

use crowd::{Answers, Heard, Signed, listen_all, load, phones, setting, sign_in, spread, until, used};
use skypicket_model::Time;
use skypicket_wire::observation_line;
use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use support::{Centre, Feed, id, now_s};

/// Connections over which people answer, beside the streams.
const CONNECTIONS: usize = 400;

fn main() {
    let people = phones(setting("SKYPICKET_BENCH_PEOPLE", 10_000));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!("load at the start: {}", load());
    let scene = scene::scene(people, people);
    let tcp = scene.tcp;
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.first();
    let address = watch.address();
    let began = Instant::now();
    let names = (0..people).map(|k| format!("p{k}")).collect();
    let signed = runtime.block_on(sign_in(&address, &centre.record(), names));
    let heard = Arc::new(Heard::default());
    runtime.block_on(listen_all(&address, &signed, &heard));
    let console = Arc::new(Heard::default());
    let watching = Signed { person: "watch-1".into(), cookie: watch.cookie().unwrap().into() };
    runtime.block_on(listen_all(&address, &[watching], &console));
    println!("{people} people signed in, with a page each, in {:.1} s", began.elapsed().as_secs_f64());
    let before = used(centre.pid());

    let mut feed = Feed::connect(tcp);
    let began = Instant::now();
    feed.send(&observation_line::encode(&scene::intruder(0, 0, Time::from_unix_s(now_s()).unwrap())));
    let all = runtime.block_on(until(Duration::from_mins(1), || {
        heard.notices.lock().unwrap().iter().filter(|(g, _)| g.version == 1).count() >= people as usize
    }));
    let handed_s = began.elapsed().as_secs_f64();
    let got: Vec<_> = heard.take().into_iter().filter(|(g, _)| g.version == 1).collect();
    let first = got.iter().map(|(_, ms)| *ms).fold(f64::INFINITY, f64::min);
    println!("queued and durable, the first phone has it: {first:.0} ms after the decision (bar 1,000 ms)");
    println!(
        "handed to all {people}: {all}, {handed_s:.2} s (bar 30 s); {}",
        spread(got.iter().map(|(_, ms)| *ms).collect())
    );
    let notice = got[0].0.notice.clone();
    report(&centre, before, "handed over");

    for (what, path, body) in [
        ("receipts", "receipts", (|| serde_json::json!({"id": id(), "shown": true})) as fn() -> serde_json::Value),
        ("acknowledgements", "acknowledgements", || serde_json::json!({"id": id()})),
    ] {
        let answers = {
            let _in = runtime.enter();
            Answers::start(&address, CONNECTIONS, body)
        };
        let (bytes, events) = (console.bytes.load(Ordering::Relaxed), console.events.load(Ordering::Relaxed));
        let at = used(centre.pid());
        let began = Instant::now();
        for s in &signed {
            let _ = answers.queue.send((format!("/api/v1/notices/{notice}/versions/1/{path}"), Arc::clone(&s.cookie)));
        }
        let all = runtime
            .block_on(until(Duration::from_mins(1), || answers.done.load(Ordering::Relaxed) >= u64::from(people)));
        let took = began.elapsed().as_secs_f64();
        println!(
            "{what}: {} of {people} answered durably (all: {all}) in {took:.1} s (bar 60 s); {}",
            answers.done.load(Ordering::Relaxed),
            spread(answers.took.lock().unwrap().clone())
        );
        println!(
            "  centre {:.0} % of a core; the console got {} events, {:.1} MiB",
            (used(centre.pid()).cpu_s - at.cpu_s) / took * 100.0,
            console.events.load(Ordering::Relaxed) - events,
            (console.bytes.load(Ordering::Relaxed) - bytes) as f64 / 1_048_576.0
        );
        report(&centre, before, what);
    }
    for (what, path) in [("board", "board"), ("page of 50 of the board", "recipients?limit=50")] {
        let ask = || {
            let began = Instant::now();
            watch.see(&format!("/api/v1/notices/{notice}/{path}"));
            began.elapsed().as_secs_f64() * 1e3
        };
        println!("{what} of {people}: {}", spread((0..50).map(|_| ask()).collect()));
    }
    println!(
        "streams that ended: {}; load at the end: {}",
        heard.ended.load(Ordering::Relaxed) + console.ended.load(Ordering::Relaxed),
        load()
    );

    // What was answered is durable.
    centre.kill();
    let began = Instant::now();
    centre.start_again();
    let first = centre.first();
    let view = first.see(&format!("/api/v1/notices/{notice}"));
    let acknowledged = match view["counts"]["acknowledged"].as_u64() {
        Some(n) => n,
        None => {
            view["recipients"].as_array().unwrap().iter().filter(|r| !r["acknowledged_at"].is_null()).count() as u64
        }
    };
    println!(
        "killed and started again in {:.1} s: {acknowledged} acknowledgements of {people} are there",
        began.elapsed().as_secs_f64()
    );
    runtime.shutdown_background();
}

fn report(centre: &Centre, before: crowd::Used, when: &str) {
    let now = used(centre.pid());
    println!(
        "  memory when {when}: {:.0} MiB resident, highest {:.0}; {:.0} before the warning",
        now.rss_kib / 1_024.0,
        now.peak_kib / 1_024.0,
        before.rss_kib / 1_024.0
    );
}
