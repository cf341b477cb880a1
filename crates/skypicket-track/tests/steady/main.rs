//! Once nothing new appears, nothing is allocated any more. Alone in its program, since the allocator counts for all of it.

use skypicket_track::sky::{Belief, Measured, Plot, Sense, Sensor, Settings, Sky};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::{alloc::System, f64::consts::PI};

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Everything comes again after so many seconds.
const PERIOD_S: usize = 60;
/// How often until there is room for all that ever comes at a time, and how often it is then watched.
const PERIODS: [usize; 2] = [6, 3];

fn sensors() -> Vec<Sensor> {
    let of = |sense: Sense, at: [f64; 3], sound: Option<f64>| Sensor {
        sense,
        at,
        axes: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        over: at[2],
        pd: 0.9,
        clutter: if sense == Sense::Radar { 1e-4 } else { 0.3 },
        range: [30.0, 6_000.0],
        sector: [0.0, PI],
        elevation: [-0.1, 1.4],
        floor: f64::NEG_INFINITY,
        sound,
        sight: None,
    };
    vec![
        of(Sense::Radar, [0.0; 3], None),
        of(Sense::Radar, [900.0, 400.0, 0.0], None),
        of(Sense::Bearing, [-800.0, 0.0, 2.0], None),
        of(Sense::Bearing, [600.0, -700.0, 2.0], None),
        of(Sense::Bearing, [0.0, 900.0, 2.0], Some(343.0)),
        of(Sense::Claim, [0.0; 3], None),
    ]
}

/// Twelve that fly round by themselves, and eight as a flock.
fn flies(k: usize, t: f64) -> [f64; 3] {
    let turn = |phase: f64| 2.0 * PI * t / PERIOD_S as f64 + phase;
    if k < 12 {
        let (n, middle) = (k as f64, [-1_500.0 + 300.0 * k as f64, -1_200.0 + 700.0 * (k % 4) as f64]);
        return [middle[0] + 110.0 * turn(n).cos(), middle[1] + 110.0 * turn(n).sin(), 60.0 + 10.0 * n];
    }
    let (row, column) = ((k - 12) / 3, (k - 12) % 3);
    // The last two leave it and come back.
    let away = if k < 18 { 0.0 } else { 400.0 * turn(0.0).sin().max(0.0) };
    [2_500.0 + 28.0 * row as f64 + 120.0 * turn(0.0).cos() + away, 28.0 * column as f64 + 120.0 * turn(0.0).sin(), 90.0]
}

/// What comes in one period: the sensor, when, and what it saw.
fn period() -> Vec<(usize, f64, Vec<Plot>)> {
    let all = sensors();
    let mut x = 5_u64;
    let mut even = move || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 40) as f64 / (1u64 << 24) as f64
    };
    let mut scans = Vec::new();
    for s in 0..PERIOD_S {
        for (sensor, from) in all.iter().enumerate() {
            let now = s as f64 + 0.15 * sensor as f64;
            // Words come late; what is heard was given off before.
            let t = if from.sense == Sense::Claim { now - 1.7 } else { now };
            let mut plots = Vec::new();
            for (k, name) in (0..20).zip(0_u32..).filter(|k| from.sense != Sense::Claim || k.0 < 4) {
                if even() > 0.9 || (from.sense == Sense::Bearing && k > 5) {
                    continue;
                }
                let off: [f64; 3] = std::array::from_fn(|_| 8.0 * (even() - 0.5));
                let p = flies(k, t);
                let p = std::array::from_fn(|i| p[i] + off[i]);
                let m = match from.sense {
                    Sense::Claim => Measured { z: p, r: [25.0; 3] },
                    _ => Measured { z: from.sees(&p), r: [25.0, 1e-4, 1e-4] },
                };
                plots.push(Plot { m, name: (from.sense == Sense::Claim).then_some(name) });
            }
            if from.sense == Sense::Radar {
                // False ones: tracks begin and end.
                for _ in 0..6 {
                    let z = [200.0 + 4_000.0 * even(), 2.0 * PI * even() - PI, 0.5 * even()];
                    plots.push(Plot { m: Measured { z, r: [25.0, 1e-4, 1e-4] }, name: None });
                }
            }
            scans.push((sensor, t, plots));
        }
    }
    scans
}

#[test]
fn what_goes_on_as_it_did_allocates_nothing() {
    let scans = period();
    let mut sky = Sky::new(Settings::default(), sensors()).unwrap();
    let mut out = Vec::with_capacity(10_000);
    let (mut watched, mut begun, mut believed) = (0, 0, 0);
    for round in 0..PERIODS[0] + PERIODS[1] {
        let start = (10 + round * PERIOD_S) as f64;
        for (k, (sensor, t, plots)) in scans.iter().enumerate() {
            out.clear();
            let region = Region::new(COUNTED);
            sky.scan(*sensor, start + t, plots, &mut out);
            if k % 6 == 5 {
                sky.tick(start + t, &mut out);
            }
            let done = region.change();
            if round < PERIODS[0] {
                continue;
            }
            watched += 1;
            begun += out.iter().filter(|r| r.belief == Belief::Deleted).count();
            believed = believed.max(out.iter().filter(|r| r.belief == Belief::Confirmed).count());
            assert_eq!(
                (done.allocations, done.reallocations, done.deallocations),
                (0, 0, 0),
                "round {round}, scan {k} of sensor {sensor}: {done:?}"
            );
        }
    }
    // It was no empty sky.
    assert!(watched == PERIODS[1] * scans.len() && begun > 20 && believed >= 18, "{watched} {begun} {believed}");
}
