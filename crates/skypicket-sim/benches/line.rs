//! The engine of scans on border lines of family 6 (200 km, 60 sensors and 300 targets, or as dense and shorter or
//! longer): measurements a second of one core, the time of one arrival, and what a measurement costs from 10 to 10,000
//! targets. `-- SECONDS` makes the scenes longer than the 30 s of a quick look; `-- --json FILE` also writes the table as
//! JSON lines, for `skypicket plot growth` and `make eval`.
//!
//! Not with a harness: the tail of single arrivals is asked for as well as their sum. Rates are of processor time, which others
//! on the machine do not take away; the time of one arrival is by the clock.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a tool of ours: it says what it measured, and may stop

use rustix::time::{ClockId, clock_gettime};
use skypicket_sim::{
    follow::Follower,
    plot::Growth,
    scene::{Arrival, Family, Request, Scene, make},
};
use skypicket_track::sky::Settings;
use std::{env, fs, hint::black_box, time::Instant};

/// As often, and the fastest counts: the others had somebody beside them.
const ROUNDS: usize = 3;

struct Run {
    measurements: usize,
    /// The fastest round, s of the processor.
    took: f64,
    /// Time of each arrival in that round, s, the longest last.
    each: Vec<f64>,
    reports: u64,
}

/// Processor time of this thread, s.
fn processor_s() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

fn run(scene: &Scene) -> Run {
    let measurements = scene.arrivals.iter().filter(|a| matches!(a, Arrival::Meas(_))).count();
    let mut best: Option<Run> = None;
    for _ in 0..ROUNDS {
        let mut each = Vec::with_capacity(scene.arrivals.len());
        let begun = processor_s();
        let mut follower = Follower::new(&scene.header, Settings::default(), |ta, report, name| {
            black_box((ta, report, name));
            Ok(())
        })
        .unwrap();
        for arrival in &scene.arrivals {
            let begun = Instant::now();
            follower.take(black_box(arrival)).unwrap();
            each.push(begun.elapsed().as_secs_f64());
        }
        let done = follower.finish().unwrap();
        let took = processor_s() - begun;
        if best.as_ref().is_none_or(|b| took < b.took) {
            each.sort_by(f64::total_cmp);
            best = Some(Run { measurements, took, each, reports: done.reports });
        }
    }
    best.unwrap()
}

fn main() {
    let args: Vec<String> = env::args().collect();
    let seconds = args.iter().find_map(|a| a.parse::<f64>().ok()).unwrap_or(30.0);
    let json = args.iter().position(|a| a == "--json").and_then(|k| args.get(k + 1));
    let mut table = String::new();
    println!("targets  measurements  reports  measurements/s  ns a measurement  p50 us  p99 us  worst us");
    for targets in [10, 30, 100, 300, 1_000, 3_000, 10_000] {
        let scene = make(&Request {
            targets: Some(targets),
            duration_s: Some(seconds),
            grow: true,
            ..Request::new(Family::BorderLine, 1)
        })
        .unwrap();
        let run = run(&scene);
        let at = |share: f64| {
            let k = ((run.each.len() - 1) as f64 * share).round();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // an index
            let k = k as usize;
            run.each[k] * 1e6
        };
        println!(
            "{targets:7}  {:12}  {:7}  {:14.0}  {:16.0}  {:6.1}  {:6.1}  {:8.0}",
            run.measurements,
            run.reports,
            run.measurements as f64 / run.took,
            run.took / run.measurements as f64 * 1e9,
            at(0.5),
            at(0.99),
            at(1.0)
        );
        let row = Growth {
            targets: targets as u64,
            measurements: run.measurements as u64,
            ns: run.took / run.measurements as f64 * 1e9,
            p99_us: at(0.99),
            worst_us: at(1.0),
        };
        table += &(serde_json::to_string(&row).unwrap() + "\n");
    }
    if let Some(file) = json {
        fs::write(file, table).unwrap();
    }
}
