//! Memory of the engine of scans on a border line of family 6, counted by the allocator: bytes of a track, and how often an
//! arrival allocates once nothing new appears. `-- --json FILE` also writes it as a line of JSON, for `make eval`.
//!
//! Two scenes. *Alone*: without clutter, so that all there is to keep is of targets: the bytes of a track can be read off.
//! *As it is*: with clutter, whose tentative tracks come and go and have to be kept too.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a tool of ours: it says what it measured, and may stop

use serde_json::{Value, json};
use skypicket_sim::{
    follow::Follower,
    scene::{Arrival, Family, Request, Scene, make},
};
use skypicket_track::sky::{Belief, Settings};
use stats_alloc::{INSTRUMENTED_SYSTEM, Stats, StatsAlloc};
use std::{alloc::System, cell::RefCell, collections::HashMap, env, fs, hint::black_box};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Long enough that everything is confirmed and the rewind is full.
const SECONDS: f64 = 60.0;
/// From here on nothing new appears, where there is no clutter.
const STEADY_S: f64 = 30.0;
const TARGETS: usize = 300;

/// Bytes that are held. What grows or shrinks in place is in both sums already: `bytes_reallocated` would count it twice.
fn held(s: Stats) -> i64 {
    let whole = |n: usize| i64::try_from(n).unwrap();
    whole(s.bytes_allocated) - whole(s.bytes_deallocated)
}

/// A list that grows to a known size has that size: else nothing here is worth anything.
fn check() {
    let before = held(COUNTED.stats());
    let mut list: Vec<u64> = Vec::with_capacity(2);
    (0..1_000).for_each(|k| list.push(black_box(k)));
    let grown = held(COUNTED.stats()) - before;
    assert_eq!(grown, i64::try_from(list.capacity() * size_of::<u64>()).unwrap(), "bytes of a list that grew");
    drop(list);
    assert_eq!(held(COUNTED.stats()), before, "nothing of it is left");
}

fn run(scene: &Scene, clutter: bool) -> Value {
    let kept: Vec<&Arrival> = scene
        .arrivals
        .iter()
        .enumerate()
        .filter(|(k, a)| clutter || matches!(a, Arrival::Scan(_)) || scene.origin(*k).is_some())
        .map(|(_, a)| a)
        .collect();
    // What is alive, by its number. Made large beforehand, so that counting allocates nothing itself.
    let alive: RefCell<HashMap<String, (Belief, f64)>> = RefCell::new(HashMap::with_capacity(100_000));
    // Two passes: the first tells what is alive, the second is measured and does nothing with what it is told.
    let mut watcher = Follower::new(&scene.header, Settings::default(), |ta, r, _| {
        let mut alive = alive.borrow_mut();
        if r.belief == Belief::Deleted {
            alive.remove(&r.id.to_string());
        } else {
            alive.insert(r.id.to_string(), (r.belief, ta));
        }
        Ok(())
    })
    .unwrap();
    for a in &kept {
        watcher.take(a).unwrap();
    }
    drop(watcher);
    let alive = alive.into_inner();
    let of = |belief: Belief| alive.values().filter(|(b, _)| *b == belief).count();
    let (confirmed, tentative) = (of(Belief::Confirmed), of(Belief::Tentative));

    let before = COUNTED.stats();
    let mut follower = Follower::new(&scene.header, Settings::default(), |ta, report, name| {
        black_box((ta, report, name));
        Ok(())
    })
    .unwrap();
    let empty = held(COUNTED.stats()) - held(before);
    let (mut arrivals, mut allocating, mut allocations, mut bytes) = (0_u64, 0_u64, 0_u64, 0_u64);
    for arrival in &kept {
        let before = COUNTED.stats();
        follower.take(arrival).unwrap();
        let after = COUNTED.stats();
        if arrival.ta() < STEADY_S {
            continue;
        }
        let more = after.allocations - before.allocations + after.reallocations - before.reallocations;
        arrivals += 1;
        allocating += u64::from(more > 0);
        allocations += more as u64;
        bytes += (after.bytes_allocated - before.bytes_allocated) as u64;
    }
    let full = held(COUNTED.stats()) - held(before);
    drop(follower);
    json!({
        "clutter": clutter,
        "confirmed": confirmed,
        "tentative": tentative,
        "empty_bytes": empty,
        "held_bytes": full - empty,
        "bytes_a_confirmed_track": (full - empty) as f64 / confirmed.max(1) as f64,
        "bytes_a_track": (full - empty) as f64 / (confirmed + tentative).max(1) as f64,
        "steady_arrivals": arrivals,
        "allocating_arrivals": allocating,
        "allocations": allocations,
        "allocated_bytes": bytes,
    })
}

fn main() {
    check();
    let args: Vec<String> = env::args().collect();
    let scene = make(&Request {
        targets: Some(TARGETS),
        duration_s: Some(SECONDS),
        grow: true,
        ..Request::new(Family::BorderLine, 1)
    })
    .unwrap();
    let mut lines = String::new();
    for clutter in [false, true] {
        let row = run(&scene, clutter);
        println!("{row}");
        lines += &(row.to_string() + "\n");
    }
    if let Some(file) = args.iter().position(|a| a == "--json").and_then(|k| args.get(k + 1)) {
        fs::write(file, lines).unwrap();
    }
}
