//! The whole engine.

use proptest::prelude::*;
use skypicket_model::{Place, geo::Enu};
use skypicket_track::sky::{
    Belief, MOST_PLOTS, Measured, Plot, Refused, Report, Sense, Sensor, Settings, Sky, Unfit,
    gauss::{AT, Gauss},
};
use std::{collections::HashMap, f64::consts::PI};

const FLAT: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

fn sensor(sense: Sense, at: [f64; 3], sound: Option<f64>) -> Sensor {
    Sensor {
        sense,
        at,
        axes: FLAT,
        over: at[2],
        pd: 0.9,
        clutter: if sense == Sense::Radar { 1e-6 } else { 1e-2 },
        range: [30.0, 5_000.0],
        sector: [0.0, PI],
        elevation: [-0.2, 1.3],
        floor: f64::NEG_INFINITY,
        sound,
        sight: None,
    }
}

/// A radar, two direction finders, a pair of ears, Remote ID, a person.
fn sensors() -> Vec<Sensor> {
    vec![
        sensor(Sense::Radar, [0.0; 3], None),
        sensor(Sense::Bearing, [800.0, 0.0, 2.0], None),
        sensor(Sense::Bearing, [-600.0, 300.0, 2.0], None),
        sensor(Sense::Bearing, [0.0, 900.0, 2.0], Some(343.0)),
        sensor(Sense::Claim, [0.0; 3], None),
        sensor(Sense::Person, [100.0, 0.0, 2.0], None),
    ]
}

fn sky() -> Sky {
    Sky::new(Settings::default(), sensors()).unwrap()
}

fn radar_plot(p: [f64; 3]) -> Plot {
    let [r, az, el] = sensor(Sense::Radar, [0.0; 3], None).sees(&p);
    Plot { m: Measured { z: [r, az, el], r: [25.0, 1e-4, 1e-4] }, name: None }
}

/// A thing that flies straight, at a time.
fn flies(k: usize, t: f64) -> [f64; 3] {
    let k = k as f64;
    [600.0 + 150.0 * k - 12.0 * t, -400.0 + 310.0 * k + (7.0 - k) * t, 60.0 + 10.0 * k]
}

fn sound(reports: &[Report]) -> Result<(), TestCaseError> {
    for r in reports {
        prop_assert!(r.state.is_sound(), "{r:?}");
        prop_assert!((0.0..=1.0).contains(&r.existence) && r.t.is_finite(), "{r:?}");
    }
    Ok(())
}

/// A number that may be anything, mostly one that can be.
fn wild(tame: std::ops::Range<f64>) -> impl Strategy<Value = f64> {
    prop_oneof![
        12 => tame,
        1 => any::<f64>(),
        1 => prop_oneof![
            Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(0.0), Just(-1.0), Just(1e300), Just(1e9),
            Just(5e-324), Just(1e-7), Just(1e-6), Just(1e-10), Just(2.5e7), Just(10.0)
        ],
    ]
}

prop_compose! {
    fn plot()(
        kind in 0..3u8,
        z in (wild(40.0..3000.0), wild(-3.0..3.0), wild(-0.1..1.0)),
        place in (wild(-900.0..900.0), wild(-900.0..900.0), wild(0.0..200.0)),
        metres in (wild(1.0..400.0), wild(1.0..400.0), wild(1.0..400.0)),
        angle in (wild(1e-5..1e-2), wild(1e-5..1e-2)),
        name in prop::option::of(0..3u32),
    ) -> Plot {
        let m = if kind == 0 {
            Measured { z: [place.0, place.1, place.2], r: [metres.0, metres.1, metres.2] }
        } else {
            Measured { z: [z.0, z.1, z.2], r: [metres.0, angle.0, angle.1] }
        };
        Plot { m, name }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_every_state_stays_sound(
        scans in prop::collection::vec((0..7usize, wild(-3.0..4.0), prop::collection::vec(plot(), 0..5), any::<bool>()), 1..60),
    ) {
        let mut sky = sky();
        let mut out = Vec::new();
        let mut t = 100.0;
        for (from, dt, plots, tick) in &scans {
            // Late ones and early ones; absurd moments are given and the clock goes on from the last that was not.
            let at = t + dt;
            sky.scan(*from, at, plots, &mut out);
            if at.abs() < 1e6 {
                t = f64::max(t, at);
            }
            if *tick {
                sky.tick(t, &mut out);
            }
            sound(&out)?;
            out.clear();
        }
    }

    #[test]
    fn the_same_input_gives_the_same_bytes(
        scans in prop::collection::vec((0..6usize, -1.0..2.0f64, prop::collection::vec(plot(), 0..5)), 1..30),
    ) {
        let run = || {
            let (mut sky, mut out, mut t) = (sky(), Vec::new(), 0.0);
            for (from, dt, plots) in &scans {
                t += dt;
                sky.scan(*from, t, plots, &mut out);
                sky.tick(t, &mut out);
            }
            format!("{out:?}")
        };
        prop_assert_eq!(run(), run());
    }

    /// But for the numbers that new tracks get.
    #[test]
    fn the_order_of_plots_in_a_scan_changes_nothing(
        noise in prop::collection::vec(-8.0..8.0f64, 12 * 5 * 3), clutter in prop::collection::vec((-900.0..900.0f64, 50.0..900.0f64), 12),
    ) {
        let run = |turned: bool| {
            let (mut sky, mut out) = (sky(), Vec::new());
            for s in 0..12 {
                let t = f64::from(u32::try_from(s).unwrap());
                let mut plots: Vec<Plot> = (0..5)
                    .map(|k| {
                        let p = flies(k, t);
                        radar_plot(std::array::from_fn(|i| p[i] + noise[(s * 5 + k) * 3 + i]))
                    })
                    .collect();
                plots.push(radar_plot([clutter[s].0, clutter[s].1, 80.0]));
                if turned {
                    plots.reverse();
                    plots.swap(0, 2);
                }
                out.clear();
                sky.scan(0, t, &plots, &mut out);
            }
            out.retain(|r| r.belief != Belief::Deleted);
            out.sort_by(|a, b| a.state.p[0].total_cmp(&b.state.p[0]));
            out
        };
        let (one, two) = (run(false), run(true));
        prop_assert!(one.len() >= 5);
        prop_assert_eq!(one.len(), two.len());
        for (a, b) in one.iter().zip(&two) {
            prop_assert!((0..3).all(|i| (a.state.p[i] - b.state.p[i]).abs() < 1e-3), "{:?} {:?}", a, b);
            prop_assert!((a.existence - b.existence).abs() < 1e-3 && a.belief == b.belief);
        }
    }
}

/// What is believed at the end, by place.
fn confirmed(out: &[Report], t: f64) -> Vec<Report> {
    let mut now: Vec<Report> =
        out.iter().filter(|r| r.belief == Belief::Confirmed && r.t >= t - 0.01).copied().collect();
    now.sort_by(|a, b| a.id.cmp(&b.id).then(a.t.total_cmp(&b.t)));
    now.dedup_by(|b, a| a.id == b.id);
    now
}

#[test]
fn a_scan_that_comes_late_counts_as_if_it_had_been_in_time() {
    let scan = |s: usize| -> (f64, Vec<Plot>) {
        let t = 0.5 * s as f64;
        // Errors that a table of sines makes: no two alike, the same at each run.
        let off = |k: usize, i: usize| 6.0 * libm::sin((s * 7 + k * 3 + i) as f64 * 1.7);
        (t, (0..3).map(|k| radar_plot(std::array::from_fn(|i| flies(k, t)[i] + off(k, i)))).collect())
    };
    let run = |order: &[usize]| {
        let (mut sky, mut out) = (sky(), Vec::new());
        for s in order {
            let (t, plots) = scan(*s);
            sky.scan(0, t, &plots, &mut out);
        }
        out.clear();
        sky.tick(16.0, &mut out);
        (confirmed(&out, 16.0), sky.refused().all())
    };
    let in_time: Vec<usize> = (0..30).collect();
    // The 24th comes after the 28th.
    let late: Vec<usize> = (0..24).chain(25..29).chain([24, 29]).collect();
    let without: Vec<usize> = (0..24).chain(25..30).collect();
    let ((a, _), (b, refused), (c, _)) = (run(&in_time), run(&late), run(&without));
    assert_eq!((a.len(), b.len(), c.len(), refused), (3, 3, 3, 0));
    let apart = |x: &[Report], y: &[Report]| {
        x.iter().zip(y).fold(0.0, |m: f64, (x, y)| (0..3).fold(m, |m, i| m.max((x.state.p[i] - y.state.p[i]).abs())))
    };
    // Not a bit more than rounding: the steps after it are worked through again.
    assert!(apart(&a, &b) < 1e-6, "{} m", apart(&a, &b));
    assert!(apart(&a, &c) > 1e-3, "without it the place is another: {} m", apart(&a, &c));
}

#[test]
fn what_nothing_can_measure_is_refused_and_counted_and_the_rest_of_the_scan_is_taken() {
    let (mut one, mut two) = (sky(), sky());
    let (mut out, mut other) = (Vec::new(), Vec::new());
    let mut refused = 0;
    for s in 0..8 {
        let t = f64::from(s);
        let good = radar_plot(flies(1, t));
        let mut plots = vec![good];
        for bad in [f64::NAN, f64::INFINITY, -1.0] {
            let mut p = good;
            p.m.z[0] = bad;
            plots.insert(0, p);
            let mut p = good;
            p.m.r[1] = bad;
            plots.push(p);
            refused += 2;
        }
        one.scan(0, t, &plots, &mut out);
        two.scan(0, t, &[good], &mut other);
    }
    assert_eq!(one.refused(), Refused { unfit: refused, ..Refused::default() });
    assert_eq!(two.refused().all(), 0);
    assert_eq!(format!("{out:?}"), format!("{other:?}"));
    assert!(out.iter().any(|r| r.belief == Belief::Confirmed));
    // Of nobody, at no time, and of long ago.
    out.clear();
    for (from, t) in [(99, 8.0), (0, f64::NAN), (0, 1e11), (0, -300.0)] {
        one.scan(from, t, &[radar_plot(flies(1, 8.0))], &mut out);
    }
    one.tick(f64::NAN, &mut out);
    assert_eq!((one.refused(), out.len()), (Refused { unknown: 4, late: 1, unfit: refused, many: 0 }, 0));
}

#[test]
fn a_track_of_which_nothing_came_for_minutes_is_over_and_said_to_be() {
    let (mut sky, mut out) = (sky(), Vec::new());
    for s in 0..8 {
        sky.scan(0, f64::from(s), &[radar_plot(flies(1, f64::from(s)))], &mut out);
    }
    assert!(!sky.is_empty());
    out.clear();
    sky.tick(1e9, &mut out);
    assert!(sky.is_empty());
    assert!(!out.is_empty() && out.iter().all(|r| r.belief == Belief::Deleted && r.state.is_sound()));
}

#[test]
fn a_sensor_that_cannot_be_is_refused_by_its_field() {
    type Wrong = fn(&mut Sensor);
    let wrong: &[(Wrong, &str)] = &[
        (|s| s.pd = 1.5, "pd"),
        (|s| s.clutter = 0.0, "clutter"),
        (|s| s.axes[1] = [0.0; 3], "axes"),
        (|s| s.range = [10.0, 5.0], "range"),
        (|s| s.at[2] = f64::NAN, "at"),
        (|s| s.sound = Some(0.0), "sound"),
    ];
    for (spoil, field) in wrong {
        let mut all = sensors();
        spoil(&mut all[3]);
        assert_eq!(Sky::new(Settings::default(), all).err(), Some(Unfit::Sensor { number: 3, field }));
    }
    assert!(matches!(
        Sky::new(Settings { gate: -1.0, ..Settings::default() }, sensors()).err(),
        Some(Unfit::Settings(p)) if p.name == "gate"
    ));
}

#[test]
fn there_are_only_so_many_tracks_and_what_is_seen_finds_room_beside_what_is_said() {
    let settings = Settings { tracks: 100, ..Settings::default() };
    let (mut sky, mut out) = (Sky::new(settings, sensors()).unwrap(), Vec::new());
    let ids = |out: &[Report]| out.iter().map(|r| r.id).collect::<std::collections::BTreeSet<_>>().len();
    // On a grid, each 60 m from the next.
    let spot = |k: u32| [200.0 + 60.0 * f64::from(k % 30), -900.0 + 60.0 * f64::from(k / 30), 80.0];
    let said = |k: u32| Plot { m: Measured { z: spot(k), r: [25.0; 3] }, name: Some(k) };
    for k in 0..300 {
        sky.scan(4, 0.0, &[said(k)], &mut out);
    }
    assert_eq!((ids(&out), sky.refused().many), (50, 250));
    out.clear();
    let seen: Vec<Plot> = (300..500).map(|k| radar_plot(spot(k))).collect();
    sky.scan(0, 0.1, &seen, &mut out);
    let many = sky.refused().many;
    // Some of what is said is over at once, since the radar does not see it.
    assert!((400..=450).contains(&many), "{many}");
    sound(&out).unwrap();
    // Nothing of it is there any more a minute later: others have their turn.
    sky.tick(400.0, &mut out);
    assert!(sky.is_empty());
    for t in [400.0, 401.0, 402.0, 403.0] {
        out.clear();
        sky.scan(0, t, &[radar_plot(spot(7))], &mut out);
    }
    assert!(out.iter().any(|r| r.belief == Belief::Confirmed));
    assert_eq!(sky.refused().many, many);
}

#[test]
fn a_scan_has_only_so_many_plots_and_a_bearing_only_so_many_to_meet() {
    let (mut sky, mut out) = (sky(), Vec::new());
    sky.scan(4, 0.0, &vec![radar_plot(flies(1, 0.0)); MOST_PLOTS + 7], &mut out);
    assert_eq!(sky.refused().many, 7);
    // Three times as many bearings squared would be worked on for hours.
    let fan = |n: u32| -> Vec<Plot> {
        (0..n)
            .map(|k| Plot { m: Measured { z: [0.0, f64::from(k) * 1e-3, 0.0], r: [1.0, 1e-5, 1.0] }, name: None })
            .collect()
    };
    let mut crossed = Sky::new(Settings::default(), sensors()).unwrap();
    for (s, t) in [(1, 0.0), (2, 0.1), (3, 0.2)] {
        crossed.scan(s, t, &fan(2_000), &mut out);
    }
    assert_eq!(crossed.refused().many, 3 * 1_960);
}

fn said(p: [f64; 3], name: u32) -> Plot {
    Plot { m: Measured { z: p, r: [25.0; 3] }, name: Some(name) }
}

fn bearing(sensor: usize, to: [f64; 3]) -> Plot {
    Plot { m: Measured { z: [0.0, sensors()[sensor].sees(&to)[1], 0.0], r: [1.0, 1e-4, 1.0] }, name: None }
}

#[test]
fn a_word_holds_while_it_is_repeated_and_fades_when_it_is_not() {
    // A clock may count from any moment.
    for begin in [0.0, 1.7e9, -5_000.0] {
        let (mut sky, mut out) = (sky(), Vec::new());
        // Where no radar sees it, for minutes.
        let there = |t: f64| [9_000.0 + 5.0 * (t - begin), 0.0, 80.0];
        let mut t = begin;
        while t < begin + 300.0 {
            out.clear();
            sky.scan(4, t, &[said(there(t), 7)], &mut out);
            sky.tick(t + 0.5, &mut out);
            t += 1.0;
        }
        assert!(out.iter().all(|r| r.belief == Belief::Confirmed && r.existence > 0.7), "{out:?}");
        let mut before = f64::INFINITY;
        for _ in 0..28 {
            out.clear();
            sky.tick(t, &mut out);
            assert!(out.len() == 1 && out[0].existence < before, "{out:?}");
            before = out[0].existence;
            t += 1.0;
        }
        assert!(before < 0.2 && out[0].belief == Belief::Tentative, "{out:?}");
        (0..4).for_each(|k| sky.tick(t + f64::from(k), &mut out));
        assert!(sky.is_empty() && out.iter().any(|r| r.belief == Belief::Deleted), "begin {begin}");
    }
}

#[test]
fn a_name_that_is_not_said_any_more_gives_way_to_the_one_that_is() {
    let (mut sky, mut out) = (sky(), Vec::new());
    let mut name = |from: u32, to: u32, name: u32| {
        for t in from..to {
            out.clear();
            sky.scan(4, f64::from(t), &[said([600.0, 100.0, 80.0], name)], &mut out);
        }
        let shown: Vec<_> = out.iter().map(|r| (r.id, r.name)).collect();
        shown
    };
    assert_eq!(name(0, 600, 7), [(1, Some(7))]);
    // The same place, another name: at first it may be another thing, which then says nothing.
    let later = name(600, 720, 8);
    assert!(later.iter().all(|(_, n)| *n == Some(8)), "{later:?}");
}

#[test]
fn a_scan_that_is_older_than_what_is_kept_is_left_out_and_counted() {
    let run = |late: &[f64]| {
        let (mut sky, mut out) = (sky(), Vec::new());
        for s in 0..20 {
            let t = f64::from(s);
            sky.scan(0, t, &[radar_plot(flies(1, t)), radar_plot(flies(2, t))], &mut out);
        }
        for t in late {
            // Somebody else, then.
            sky.scan(0, *t, &[radar_plot(flies(4, *t))], &mut out);
        }
        out.clear();
        sky.tick(21.0, &mut out);
        (format!("{out:?}"), sky.refused())
    };
    let rewind = Settings::default().rewind;
    let (without, none) = run(&[]);
    let (with, two) = run(&[19.0 - rewind - 0.1, 2.0]);
    assert_eq!((none.all(), two), (0, Refused { late: 2, ..Refused::default() }));
    assert_eq!(with, without);
    let (kept, none) = run(&[19.0 - rewind + 0.1]);
    assert!(none.all() == 0 && kept != without);
}

#[test]
fn a_late_look_does_not_take_from_bearings_what_they_can_meet() {
    let (mut sky, mut out) = (sky(), Vec::new());
    let thing = [200.0, 250.0, 60.0];
    sky.scan(1, 10.0, &[bearing(1, thing)], &mut out);
    sky.scan(2, 10.1, &[bearing(2, thing)], &mut out);
    sky.scan(1, 8.0, &[], &mut out);
    assert!(sky.is_empty());
    sky.scan(3, 10.2, &[bearing(3, thing)], &mut out);
    assert!(!sky.is_empty());
}

#[test]
fn a_word_that_is_older_than_its_track_starts_no_twin() {
    let ids = |out: &[Report]| out.iter().map(|r| r.id).collect::<std::collections::BTreeSet<_>>().len();
    // By its word, and by what a radar saw first.
    for seen in [false, true] {
        let (mut sky, mut out) = (sky(), Vec::new());
        if seen {
            for t in 10..13 {
                sky.scan(0, f64::from(t), &[radar_plot(flies(1, f64::from(t)))], &mut out);
            }
        } else {
            sky.scan(4, 10.0, &[said(flies(1, 10.0), 7)], &mut out);
        }
        for late in [9.4, 8.0, 9.0] {
            sky.scan(4, late, &[said(flies(1, late), 7)], &mut out);
        }
        assert_eq!(ids(&out), 1, "seen {seen}");
        // Its name is known from then on, and where it is stays as it was.
        let last = out.last().unwrap();
        assert_eq!(last.name, Some(7));
        let t = if seen { 12.0 } else { 10.0 };
        assert!(
            (0..3).all(|i| (last.state.p[i] - flies(1, t)[i]).abs() < 10.0) && (last.t - t).abs() < 1e-9,
            "{last:?}"
        );
    }
    // One that rests on its word alone and goes wherever it says: an old word does not lead it back.
    let (mut sky, mut out) = (sky(), Vec::new());
    sky.scan(4, 10.0, &[said([900.0, 0.0, 80.0], 7)], &mut out);
    sky.scan(4, 8.0, &[said([-900.0, 0.0, 80.0], 7)], &mut out);
    assert_eq!((ids(&out), out[1].state.p[0] > 800.0), (1, true), "{out:?}");
    // Another's word is another's.
    sky.scan(4, 8.5, &[said([-900.0, 0.0, 80.0], 8)], &mut out);
    assert_eq!(ids(&out), 2);
}

/// A hundred kilometres from the origin its plane is 780 m over the ground, and north is another.
#[test]
fn bearings_meet_over_the_ground_wherever_it_is() {
    let origin = Place { lat_deg: 31.76, lon_deg: -106.49, alt_hae_m: Some(1140.0) };
    let frame = Enu::at(origin);
    for far in [[0.0, 0.0], [100_000.0, 0.0], [0.0, 100_000.0], [-70_000.0, -70_000.0]] {
        // Places of there, by their own plane.
        let there = Place { alt_hae_m: Some(1140.0), ..frame.to_place([far[0], far[1], 0.0]) };
        let near = Enu::at(there);
        let all: Vec<Sensor> = [[800.0, 0.0], [-600.0, 300.0], [0.0, 900.0]]
            .map(|[e, n]| {
                let own = Enu::at(near.to_place([e, n, 2.0]));
                let at = frame.from_place(own.origin());
                Sensor { axes: own.turn_from(&frame), over: 2.0, ..sensor(Sense::Bearing, at, None) }
            })
            .into();
        let thing = frame.from_place(near.to_place([200.0, 250.0, 60.0]));
        let mut sky = Sky::new(Settings::default(), all.clone()).unwrap();
        let mut out = Vec::new();
        for (k, s) in all.iter().enumerate() {
            let m = Measured { z: [0.0, s.sees(&thing)[1], 0.0], r: [1.0, 1e-4, 1.0] };
            sky.scan(k, 10.0, &[Plot { m, name: None }], &mut out);
        }
        sky.tick(10.0, &mut out);
        assert_eq!(out.len(), 1, "{far:?}");
        let place = near.from_place(frame.to_place(out[0].state.p));
        let off: [f64; 3] = std::array::from_fn(|i| place[i] - [200.0, 250.0, 60.0][i]);
        assert!(off[0].abs() < 0.5 && off[1].abs() < 0.5 && off[2].abs() < 0.5, "{far:?}: off by {off:?}");
        // Over ground it is as sure as the bearings; upwards nobody knows, along the plumb line of there.
        let up = near.turn_from(&frame)[2];
        let var: f64 = (0..3).map(|i| up[i] * (0..3).map(|j| out[0].state.pp[AT[i][j]] * up[j]).sum::<f64>()).sum();
        assert!((var - 900.0).abs() < 1.0, "{far:?}: {var} m²");
    }
}

/// Three radio finders, and an ear that could hear what they find.
fn finders(gives: f64) -> (Sky, Vec<Report>, [f64; 3]) {
    let at = [[800.0, 0.0, 2.0], [-600.0, 300.0, 2.0], [0.0, 900.0, 2.0], [100.0, 100.0, 2.0]];
    let ear = |k: usize| (k == 3).then_some(343.0);
    let all: Vec<Sensor> = (0..4).map(|k| sensor(Sense::Bearing, at[k], ear(k))).collect();
    let (mut sky, mut out) = (Sky::new(Settings { gives, ..Settings::default() }, all.clone()).unwrap(), Vec::new());
    let thing = [200.0, 250.0, 60.0];
    for (k, s) in all.iter().take(3).enumerate() {
        let m = Measured { z: [0.0, s.sees(&thing)[1], 0.0], r: [1.0, 1e-4, 1.0] };
        sky.scan(k, 10.0, &[Plot { m, name: None }], &mut out);
    }
    sky.tick(10.0, &mut out);
    assert_eq!(out.len(), 1);
    (sky, out, thing)
}

#[test]
fn what_radio_finders_find_need_not_be_heard() {
    let (mut sky, mut out, _) = finders(0.95);
    let before = out[0].existence;
    out.clear();
    sky.scan(3, 10.0, &[], &mut out);
    let after = out[0].existence;
    // By how much it fell says what chance it was given to be heard: half of what the ear would hear.
    let chance = (before - after) / (before * (1.0 - after));
    assert!(chance < 0.9 * 0.5 + 1e-6 && chance > 0.3, "{chance}");
}

#[test]
fn whatever_is_assumed_to_give_off_what_can_be_found_is_worked_with() {
    for gives in [0.999, 0.9995, 1.0] {
        let (mut sky, mut out, thing) = finders(gives);
        for k in 0..3 {
            sky.scan(k, 11.0, &[], &mut out);
            let at = [[800.0, 0.0, 2.0], [-600.0, 300.0, 2.0], [0.0, 900.0, 2.0]][k];
            let m = Measured { z: [0.0, sensor(Sense::Bearing, at, None).sees(&thing)[1], 0.0], r: [1.0, 1e-4, 1.0] };
            sky.scan(k, 11.5, &[Plot { m, name: None }], &mut out);
        }
        sound(&out).unwrap();
    }
}

/// What three drones give the sensors of [`sensors`] until `t`: scans of a radar and of the finders, and one that says
/// its name.
fn a_scene(steps: std::ops::Range<usize>, sky: &mut Sky) -> Vec<Report> {
    let mut out = Vec::new();
    for s in steps {
        let t = 0.5 * s as f64;
        let off = |k: usize, i: usize| 6.0 * libm::sin((s * 7 + k * 3 + i) as f64 * 1.7);
        let plots: Vec<Plot> =
            (0..3).map(|k| radar_plot(std::array::from_fn(|i| flies(k, t)[i] + off(k, i)))).collect();
        sky.scan(0, t, &plots, &mut out);
        let at = |k: usize, finder: usize| {
            let [_, az, _] = sensors()[finder].sees(&flies(k, t));
            let name = (finder == 1 && k == 0).then_some(7);
            Plot { m: Measured { z: [0.0, az + 1e-3 * off(k, finder), 0.0], r: [1.0, 1e-3, 1.0] }, name }
        };
        // And a bearing of nothing that is known.
        let mut bearings: Vec<Plot> = (0..3).map(|k| at(k, 1 + s % 3)).collect();
        bearings.push(Plot { m: Measured { z: [0.0, -2.5, 0.0], r: [1.0, 1e-3, 1.0] }, name: None });
        sky.scan(1 + s % 3, t, &bearings, &mut out);
        sky.scan(4, t, &[Plot { m: Measured { z: flies(0, t), r: [100.0, 100.0, 225.0] }, name: Some(7) }], &mut out);
        // One that rests on its word alone, and one that nothing can have said.
        let word = |x: f64| Plot { m: Measured { z: [x, 30_000.0, 90.0], r: [100.0; 3] }, name: Some(9) };
        sky.scan(4, t, &[word(20_000.0 + 5.0 * t), word(f64::NAN)], &mut out);
        if s % 2 == 1 {
            sky.tick(t, &mut out);
        }
    }
    out
}

fn kept(sky: &Sky) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(sky, &mut bytes).unwrap();
    bytes
}

#[test]
fn what_was_kept_goes_on_as_if_nothing_had_been_between() {
    let mut whole = sky();
    a_scene(0..25, &mut whole);
    let mut again: Sky = ciborium::from_reader(&kept(&whole)[..]).unwrap();
    // Nothing is lost, also of what this scene has no more use for.
    assert_eq!(kept(&whole), kept(&again));
    let (one, two) = (a_scene(25..60, &mut whole), a_scene(25..60, &mut again));
    assert!(one.len() > 100 && one.iter().any(|r| r.name == Some(7)));
    // Debug writes every bit of a float that matters.
    assert_eq!(format!("{one:?}"), format!("{two:?}"));
    assert_eq!(kept(&whole), kept(&again));
}

#[test]
fn what_was_kept_and_is_damaged_is_refused() {
    let mut sky = sky();
    a_scene(0..9, &mut sky);
    let value: ciborium::Value = ciborium::from_reader(&kept(&sky)[..]).unwrap();
    let read = |v: &ciborium::Value| {
        let mut bytes = Vec::new();
        ciborium::into_writer(v, &mut bytes).unwrap();
        ciborium::from_reader::<Sky, _>(&bytes[..]).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(read(&value), Ok(()));
    let number = |v: f64| ciborium::Value::Float(v);
    // Every number that is not a count may be anything on a bad disk: none of it may panic, and what is not finite, or no
    // chance, is refused wherever it would be worked with.
    for (field, bad) in [("now", number(f64::NAN)), ("swept", number(f64::NAN)), ("next", 1.into())] {
        let mut v = value.clone();
        let map = v.as_map_mut().unwrap();
        map.iter_mut().find(|(k, _)| k.as_text() == Some(field)).unwrap().1 = bad;
        let why = read(&v).unwrap_err();
        assert!(why.contains("damaged"), "{field}: {why}");
    }
    let with = |field: &str, change: &dyn Fn(&mut ciborium::Value)| {
        let mut v = value.clone();
        let map = v.as_map_mut().unwrap();
        let bodies = &mut map.iter_mut().find(|(k, _)| k.as_text() == Some("bodies")).unwrap().1;
        let body = bodies.as_array_mut().unwrap()[0].as_map_mut().unwrap();
        change(&mut body.iter_mut().find(|(k, _)| k.as_text() == Some(field)).unwrap().1);
        read(&v)
    };
    for (field, bad) in [("r", number(2.0)), ("past", ciborium::Value::Array(Vec::new()))] {
        assert!(with(field, &|v| *v = bad.clone()).unwrap_err().contains("damaged"), "{field}");
    }
    // The state at the newest step, and the first block with the state at its first: strings of bytes, whichever of their
    // numbers is none.
    let part = |k: usize, change: &dyn Fn(&mut Vec<u8>)| {
        with("past", &|v| change(v.as_array_mut().unwrap()[k].as_bytes_mut().unwrap()))
    };
    for k in 0..2 + 2 * 27 {
        for place in [0, 1] {
            let why = part(place, &|s| s[8 * k..8 * k + 8].copy_from_slice(&f64::NAN.to_le_bytes())).unwrap_err();
            assert!(why.contains("damaged"), "{place} {k}: {why}");
        }
    }
    // When the first step was, and by what: a sensor that there is not.
    let first = 8 * 56 + 1;
    assert!(
        part(1, &|s| s[first..first + 8].copy_from_slice(&f64::NAN.to_le_bytes())).unwrap_err().contains("damaged")
    );
    assert!(
        part(1, &|s| s[first + 8..first + 12].copy_from_slice(&99_u32.to_le_bytes())).unwrap_err().contains("damaged")
    );
    for k in [0, 1] {
        assert!(part(k, &|s| s.truncate(s.len() - 1)).unwrap_err().contains("bytes of a state"));
        assert!(part(k, &|s| s.push(0)).is_err());
    }
    // Steps where there are none, none where there are some, and a block that is not full before another.
    let parts = |change: &dyn Fn(&mut Vec<ciborium::Value>)| with("past", &|v| change(v.as_array_mut().unwrap()));
    assert!(parts(&|v| v[0] = v[1].clone()).is_err());
    assert!(parts(&|v| v[1] = v[0].clone()).is_err());
    assert!(parts(&|v| v.truncate(1)).is_err());
    assert!(parts(&|v| v[1].as_bytes_mut().unwrap().truncate(first + 84)).is_err());
}

/// A track that was followed for long keeps many steps; thousands of them are written while warnings wait.
#[test]
fn the_steps_that_are_kept_take_hardly_more_than_their_numbers() {
    let mut sky = sky();
    a_scene(0..9, &mut sky);
    let value: ciborium::Value = ciborium::from_reader(&kept(&sky)[..]).unwrap();
    let bodies = value.as_map().unwrap().iter().find(|(k, _)| k.as_text() == Some("bodies")).unwrap().1.clone();
    let mut steps = 0;
    for body in bodies.as_array().unwrap() {
        let all = &body.as_map().unwrap().iter().find(|(k, _)| k.as_text() == Some("past")).unwrap().1;
        // The state at the newest, and each four steps with the state at their first.
        for part in all.as_array().unwrap() {
            let mut bytes = Vec::new();
            ciborium::into_writer(part, &mut bytes).unwrap();
            assert!(bytes.len() <= 4 + 449 + 4 * 84, "{}", bytes.len());
            steps += 1;
        }
    }
    assert!(steps > 6);
}

#[test]
fn a_flock_that_was_kept_and_is_damaged_is_refused() {
    use ciborium::Value;
    fn at<'a>(v: &'a mut Value, key: &str) -> &'a mut Value {
        &mut v.as_map_mut().unwrap().iter_mut().find(|(k, _)| k.as_text() == Some(key)).unwrap().1
    }
    let (mut sky, mut out) = (sky(), Vec::new());
    swarm(&mut sky, 0..9, &[], &mut out);
    let whole: Value = ciborium::from_reader(&kept(&sky)[..]).unwrap();
    let read = |v: &Value| {
        let mut bytes = Vec::new();
        ciborium::into_writer(v, &mut bytes).unwrap();
        ciborium::from_reader::<Sky, _>(&bytes[..]).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(read(&whole), Ok(()));
    let damages: [fn(&mut Value); 4] = [
        |body| *at(at(body, "common"), "t") = f64::NAN.into(),
        |body| at(at(body, "common"), "mu").as_array_mut().unwrap()[0] = 1.5.into(),
        |body| at(at(at(body, "common"), "g"), "vv").as_array_mut().unwrap()[0] = (-1.0).into(),
        |body| {
            // What its flock did is the last six numbers of a step: so the second of its velocity.
            let step = at(body, "past").as_array_mut().unwrap().last_mut().unwrap().as_bytes_mut().unwrap();
            let from = step.len() - 8;
            step[from..from + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
        },
    ];
    for (n, damage) in damages.iter().enumerate() {
        let mut v = whole.clone();
        damage(&mut at(&mut v, "bodies").as_array_mut().unwrap()[0]);
        assert!(read(&v).is_err_and(|why| why.contains("damaged")), "{n}");
    }
}

/// A radar that is `off` (m, rad, rad, s) sees a thing that says where it is; what it is then known to be off by.
fn registered(off: [f64; 4]) -> skypicket_track::sky::Registration {
    let mut sky = sky();
    let mut out = Vec::new();
    // Round in a circle: ranges, directions and speeds of all kinds.
    let at = |t: f64| [900.0 + 500.0 * libm::cos(t / 30.0), 700.0 + 500.0 * libm::sin(t / 30.0), 120.0];
    for s in 0..240 {
        let t = f64::from(s);
        let wave = |k: i32| libm::sin(f64::from(s * 7 + k * 13) * 1.7);
        let p = at(t);
        let said = std::array::from_fn(|i| p[i] + 5.0 * wave(i32::try_from(i).unwrap()));
        sky.scan(4, t, &[Plot { m: Measured { z: said, r: [50.0, 50.0, 50.0] }, name: Some(1) }], &mut out);
        let [r, az, el] = sensor(Sense::Radar, [0.0; 3], None).sees(&at(t - off[3]));
        let z = [r + off[0] + 3.0 * wave(4), az + off[1] + 5e-3 * wave(5), el + off[2] + 5e-3 * wave(6)];
        sky.scan(0, t, &[Plot { m: Measured { z, r: [25.0, 5e-5, 5e-5] }, name: None }], &mut out);
    }
    *sky.registration(0).unwrap()
}

#[test]
fn a_radar_that_points_aside_is_found_out_by_what_says_where_it_is() {
    let off = [25.0, 0.0175, -0.01, 0.15];
    let known = registered(off);
    assert!(known.is_known() && known.is_applied() && known.rests_on > 100);
    for (k, within) in [3.0, 2e-3, 2e-3, 0.05].into_iter().enumerate() {
        assert!((known.off[k] - off[k]).abs() < within, "{k}: {known:?}");
        // And it knows how well it knows.
        assert!((known.off[k] - off[k]).abs() < 4.0 * known.cov[k][k].sqrt(), "{k}: {known:?}");
    }
}

#[test]
fn a_radar_that_is_right_is_left_as_it_is_and_one_that_is_far_out_is_not_put_right_in_silence() {
    let right = registered([0.0; 4]);
    assert!((0..4).all(|k| right.off[k].abs() < 3.0 * right.cov[k][k].sqrt()), "{right:?}");
    // Seven degrees are no error of setting up: it has turned, and somebody has to look.
    let turned = registered([0.0, 0.12, 0.0, 0.0]);
    assert!(!turned.is_applied() || turned.off[1].abs() < 0.087, "{turned:?}");
}

/// What the first finder, which is turned by `off`, is known to be off by once a thing that says who and where it is flew
/// about; which a radar sees as well, or none does.
fn finder_registered(off: f64, radar: bool) -> (skypicket_track::sky::Registration, Sky) {
    let mut sky = sky();
    let mut out = Vec::new();
    let at = |t: f64| [200.0 + 500.0 * libm::cos(t / 30.0), 700.0 + 500.0 * libm::sin(t / 30.0), 120.0];
    for s in 0..200 {
        let t = f64::from(s);
        let wave = |k: i32| libm::sin(f64::from(s * 7 + k * 13) * 1.7);
        let p = at(t);
        let said = std::array::from_fn(|i| p[i] + 5.0 * wave(i32::try_from(i).unwrap()));
        sky.scan(4, t, &[Plot { m: Measured { z: said, r: [50.0, 50.0, 50.0] }, name: Some(1) }], &mut out);
        if radar {
            sky.scan(0, t, &[radar_plot(p)], &mut out);
        }
        let [_, az, _] = sensors()[1].sees(&p);
        let m = Measured { z: [0.0, az + off + 0.03 * wave(4), 0.0], r: [1.0, 1.2e-3, 1.0] };
        sky.scan(1, t, &[Plot { m, name: Some(1) }], &mut out);
    }
    (*sky.registration(1).unwrap(), sky)
}

#[test]
fn a_finder_that_is_turned_is_found_out_by_emissions_of_what_says_where_it_is() {
    let (known, _) = finder_registered(0.06, true);
    assert!(known.is_applied() && (known.off[1] - 0.06).abs() < 0.01, "{known:?}");
    assert!((known.off[1] - 0.06).abs() < 4.0 * known.cov[1][1].sqrt(), "{known:?}");
    // Of a range or an elevation it measured nothing.
    assert!(known.off[0] == 0.0 && known.off[2] == 0.0, "{known:?}");
    let (right, _) = finder_registered(0.0, true);
    assert!(right.sure(1) == (0.0, 0.0), "{right:?}");
    // Where no radar sees the thing it may lie about where it is: nothing is learned from a mere word.
    assert_eq!(finder_registered(0.06, false).0.rests_on, 0);
}

#[test]
fn what_a_turned_finder_finds_is_met_where_it_is() {
    // Bearings of three to a thing that nobody else sees: it begins where they meet once they are put right.
    let begins = |taught: f64| {
        let (_, mut sky) = finder_registered(taught, true);
        let p = [-500.0, 900.0, 60.0];
        let mut out = Vec::new();
        for k in 0..8 {
            let t = 260.0 + f64::from(k);
            for s in [1, 2, 3] {
                let [_, az, _] = sensors()[s].sees(&p);
                let az = if s == 1 { az + 0.085 } else { az };
                sky.scan(
                    s,
                    t,
                    &[Plot { m: Measured { z: [0.0, az, 0.0], r: [1.0, 4e-4, 1.0] }, name: None }],
                    &mut out,
                );
            }
        }
        let near = |r: &Report| libm::hypot(r.state.p[0] - p[0], r.state.p[1] - p[1]);
        out.iter().filter(|r| r.t > 265.0 && r.name.is_none()).map(near).fold(f64::INFINITY, f64::min)
    };
    let (taught, untaught) = (begins(0.085), begins(0.0));
    assert!(taught < 25.0 && untaught > 2.0 * taught, "{taught} {untaught}");
}

#[test]
fn what_others_are_near_does_not_matter_for_where_a_track_is_kept() {
    // Far apart, and crossing squares of the ground as they fly.
    let run = |crowd: usize| {
        let (mut sky, mut out) = (sky(), Vec::new());
        for s in 0..40 {
            let t = f64::from(s);
            let one =
                Plot { m: Measured { z: [60.0 * t - 900.0, 2_050.0 - 3.0 * t, 90.0], r: [100.0; 3] }, name: Some(1) };
            let mut plots = vec![one];
            for k in 0..crowd {
                let z = [20_000.0 + 900.0 * k as f64 + 40.0 * t, -30_000.0 - 700.0 * k as f64, 100.0];
                plots.push(Plot { m: Measured { z, r: [100.0; 3] }, name: Some(2 + u32::try_from(k).unwrap()) });
            }
            sky.scan(4, t, &plots, &mut out);
            sky.tick(t, &mut out);
        }
        let of = out.iter().filter(|r| r.name == Some(1));
        of.map(|r| (r.state.p, r.t, r.existence)).collect::<Vec<_>>()
    };
    let (alone, among) = (run(0), run(300));
    assert!(alone.len() >= 40);
    assert_eq!(alone, among);
}

/// What somebody at a sensor would say of a place: to 50 m and 5°, a third of the distance and 8° uncertain.
fn said_of(p: [f64; 3], from: &Sensor) -> Plot {
    let [r, az, _] = from.sees(&p);
    let (r, step) = ((r / 50.0).round() * 50.0, 5f64.to_radians());
    Plot {
        m: Measured { z: [r, (az / step).round() * step, 0.0], r: [(0.3 * r).powi(2), 8f64.to_radians().powi(2), 1.0] },
        name: None,
    }
}

/// The scene's sensors, with somebody who sees what flies there and seldom what does not.
fn with_a_person() -> Vec<Sensor> {
    let mut all = sensors();
    all[5] = Sensor { pd: 0.5, clutter: 3e-6, range: [50.0, 1_500.0], ..all[5].clone() };
    all
}

#[test]
fn what_somebody_alone_saw_is_an_area_that_is_not_believed_until_others_bear_it_out() {
    let all = with_a_person();
    let (mut sky, mut out) = (Sky::new(Settings::default(), all.clone()).unwrap(), Vec::new());
    let thing = |t: f64| [500.0 - 8.0 * t, 300.0, 60.0];
    sky.tick(6.0, &mut out);
    sky.scan(5, 1.0, &[said_of(thing(1.0), &all[5])], &mut out);
    let [first] = out[..] else { panic!("{out:?}") };
    assert!(first.belief == Belief::Tentative && (0.1..0.6).contains(&first.existence), "{first:?}");
    let d: f64 = (0..2).map(|i| (first.state.p[i] - thing(6.0)[i]).powi(2)).sum::<f64>().sqrt();
    let spread = (first.state.pp[0] + first.state.pp[3]).sqrt();
    assert!(d < 2.0 * spread && (80.0..500.0).contains(&spread), "{d} {spread}");
    // However often the same person says it, it is one word.
    for s in 2..6 {
        sky.scan(5, f64::from(s), &[said_of(thing(f64::from(s)), &all[5])], &mut out);
    }
    sky.tick(7.0, &mut out);
    assert!(out.iter().all(|r| r.id == first.id && r.belief != Belief::Confirmed), "{out:?}");
    // A radar sees it: the same track, and now it is one.
    for s in 8..14 {
        let t = f64::from(s);
        let plot = radar_plot(thing(t));
        sky.scan(0, t, &[plot], &mut out);
    }
    let seen = confirmed(&out, 13.0);
    assert_eq!(seen.iter().map(|r| r.id).collect::<Vec<_>>(), [first.id]);
}

#[test]
fn a_late_sighting_bears_a_track_out_and_does_not_lead_it_aside() {
    let all = with_a_person();
    let thing = |t: f64| [700.0 - 8.0 * t, 300.0, 60.0];
    let run = |sighted: Option<(f64, [f64; 3])>| {
        let (mut sky, mut out) = (Sky::new(Settings::default(), all.clone()).unwrap(), Vec::new());
        for s in 0..=30 {
            let t = f64::from(s);
            // Seen for long, and then no more.
            let plots: Vec<Plot> = if s <= 28 { vec![radar_plot(thing(t))] } else { Vec::new() };
            sky.scan(0, t, &plots, &mut out);
        }
        if let Some((t, p)) = sighted {
            sky.scan(5, t, &[said_of(p, &all[5])], &mut out);
        }
        out.clear();
        sky.tick(31.0, &mut out);
        assert_eq!(sky.refused().all(), 0);
        out
    };
    let (without, with) = (run(None), run(Some((10.0, thing(10.0)))));
    let (without, with) = (&without[0], &with[0]);
    assert!(with.existence > without.existence + 0.05, "{} {}", without.existence, with.existence);
    // Twenty seconds ago, to a third of the distance: its place is known far better.
    assert!((0..3).all(|i| (with.state.p[i] - without.state.p[i]).abs() < 1e-9), "{with:?} {without:?}");
    // Of somewhere else it bears nothing out; and what was there so long ago starts nothing now.
    let elsewhere = run(Some((10.0, [-900.0, -600.0, 60.0])));
    assert_eq!(elsewhere.len(), 1);
    assert!((elsewhere[0].existence - without.existence).abs() < 1e-6);
}

#[test]
fn a_sighting_of_long_ago_is_left_out_and_counted() {
    let all = with_a_person();
    let (mut sky, mut out) = (Sky::new(Settings::default(), all.clone()).unwrap(), Vec::new());
    sky.tick(200.0, &mut out);
    sky.scan(5, 100.0, &[said_of([300.0, 300.0, 60.0], &all[5])], &mut out);
    assert_eq!((sky.refused(), out.len()), (Refused { late: 1, ..Refused::default() }, 0));
}

/// Numbers about nought with variance 1, always the same ones.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut x = seed;
    move || {
        let mut sum = -6.0;
        for _ in 0..12 {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (x >> 40) as f64 / (1u64 << 24) as f64;
        }
        sum
    }
}

fn apart(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

/// One of 25 on a grid of 28 m that fly in a circle together, at 12 m/s and nearly as hard as such things turn.
fn in_a_swarm(k: usize, t: f64) -> [f64; 3] {
    let (i, j) = ((k % 5) as f64, (k / 5) as f64);
    let turned = 0.3 * t;
    [-100.0 + 28.0 * i + 40.0 * (1.0 - turned.cos()), 1_400.0 + 28.0 * j + 40.0 * turned.sin(), 80.0]
}

/// Takes looks at that swarm from 0 s on, two a second, with noise of 5 to 7 m; in each another is missed. And at what
/// else there is.
fn swarm(sky: &mut Sky, looks: std::ops::Range<usize>, else_there: &[[f64; 3]], out: &mut Vec<Report>) {
    for look in looks {
        let mut n = noise(look as u64 + 7);
        let t = look as f64 * 0.5;
        let seen = (0..25).filter(|k| *k != look % 25).map(|k| in_a_swarm(k, t)).chain(else_there.iter().copied());
        let mut plots: Vec<Plot> = seen.map(radar_plot).collect();
        for p in &mut plots {
            p.m.r = [25.0, 2.5e-5, 2.5e-5];
            (0..3).for_each(|k| p.m.z[k] += n() * p.m.r[k].sqrt());
        }
        sky.scan(0, t, &plots, out);
    }
}

#[test]
fn tracks_of_a_swarm_that_turns_together_stay_with_whom_they_are() {
    let run = |mates: f64| {
        let settings = Settings { mates, ..Settings::default() };
        let (mut sky, mut whom, mut slips) = (Sky::new(settings, sensors()).unwrap(), HashMap::new(), 0);
        for look in 0..80 {
            let mut out = Vec::new();
            swarm(&mut sky, look..look + 1, &[], &mut out);
            for r in out.iter().filter(|r| r.belief == Belief::Confirmed) {
                let at = |k: usize| apart(&r.state.p, &in_a_swarm(k, look as f64 * 0.5));
                let nearest = (0..25).min_by(|a, b| at(*a).total_cmp(&at(*b)));
                slips += usize::from(whom.insert(r.id, nearest).is_some_and(|before| before != nearest));
            }
        }
        (slips, whom.len())
    };
    // As many together as never fly: everyone by itself.
    let ((slips, tracks), (alone, tracks_alone)) = (run(Settings::default().mates), run(1e5));
    assert!(slips * 4 < alone && tracks <= 28 && tracks < tracks_alone, "{slips} {tracks}, {alone} {tracks_alone}");
}

#[test]
fn what_comes_late_of_one_in_a_flock_does_not_undo_what_the_flock_did() {
    let run = |late: bool| {
        let (mut sky, mut out) = (sky(), Vec::new());
        swarm(&mut sky, 0..40, &[], &mut out);
        if late {
            // Where it was two seconds ago, which tells nothing new.
            let k = 12;
            let p = in_a_swarm(k, 17.5);
            sky.scan(4, 17.5, &[Plot { m: Measured { z: p, r: [2_500.0; 3] }, name: Some(1) }], &mut out);
        }
        out.clear();
        sky.tick(20.5, &mut out);
        confirmed(&out, 20.5)
    };
    let (without, with) = (run(false), run(true));
    let it = with.iter().find(|r| r.name == Some(1)).expect("it is one of them");
    let before = without.iter().find(|r| r.id == it.id).unwrap();
    let (p, v) = (apart(&before.state.p, &it.state.p), apart(&before.state.v, &it.state.v));
    assert!(p < 1.5 && v < 1.0, "{p} m, {v} m/s");
}

#[test]
fn what_begins_beside_a_flock_flies_as_it_does() {
    let (mut sky, mut out) = (sky(), Vec::new());
    swarm(&mut sky, 0..20, &[], &mut out);
    out.clear();
    let [x, y, z] = in_a_swarm(22, 10.0);
    let new = [x, y + 60.0, z];
    swarm(&mut sky, 20..21, &[new], &mut out);
    sky.tick(10.0, &mut out);
    let it = out.iter().find(|r| apart(&r.state.p, &new) < 25.0).expect("it is shown");
    let v: [f64; 3] = std::array::from_fn(|i| (in_a_swarm(22, 10.1)[i] - in_a_swarm(22, 9.9)[i]) / 0.2);
    assert!(apart(&it.state.v, &v) < 5.0, "{:?} {v:?}", it.state.v);
}

#[test]
fn a_flock_that_was_kept_flies_on() {
    let (mut whole, mut out) = (sky(), Vec::new());
    swarm(&mut whole, 0..20, &[], &mut out);
    let mut again: Sky = ciborium::from_reader(&kept(&whole)[..]).unwrap();
    assert_eq!(kept(&whole), kept(&again));
    let (mut one, mut two) = (Vec::new(), Vec::new());
    swarm(&mut whole, 20..40, &[], &mut one);
    swarm(&mut again, 20..40, &[], &mut two);
    assert_eq!(format!("{one:?}"), format!("{two:?}"));
}

#[test]
fn a_finder_that_hears_all_around_hears_what_is_straight_above_it() {
    let all_around = Sensor { elevation: [-PI / 2.0, PI / 2.0], ..sensor(Sense::Bearing, [0.0; 3], None) };
    let up_to_half = Sensor { elevation: [-PI / 2.0, PI / 4.0], ..all_around.clone() };
    let above = Gauss::standing([0.0, 0.0, 500.0], [4.0, 0.0, 0.0, 4.0, 0.0, 4.0], 1.0, 1.0);
    assert!((all_around.chance(&above) - all_around.pd).abs() < 1e-9);
    assert!(up_to_half.chance(&above) < 1e-9);
}

/// Everywhere something says that it is there, a million times: what was followed before is followed on, and each that finds
/// no room is counted.
#[test]
fn a_million_that_begin_are_refused_beyond_the_room_there_is_and_what_flies_is_followed_on() {
    let (mut sky, mut out) = (sky(), Vec::new());
    for s in 0..10 {
        let t = f64::from(s);
        sky.scan(0, t, &[radar_plot(flies(2, t))], &mut out);
    }
    let before = confirmed(&out, 9.0);
    assert_eq!(before.len(), 1);
    let mut told = 0;
    for k in 0..100_u32 {
        let t = 10.0 + 0.05 * f64::from(k);
        let plots: Vec<Plot> = (0..10_000_u32)
            .map(|n| {
                let z = [20_000.0 + 150.0 * f64::from(k), 150.0 * f64::from(n), 100.0];
                Plot { m: Measured { z, r: [100.0; 3] }, name: Some(10 + 10_000 * k + n) }
            })
            .collect();
        out.clear();
        sky.scan(4, t, &plots, &mut out);
        told += out.len() as u64;
        if k % 20 == 0 {
            out.clear();
            sky.scan(0, t, &[radar_plot(flies(2, t))], &mut out);
            assert!(out.iter().any(|r| r.id == before[0].id), "{t}: still followed");
        }
    }
    let refused = sky.refused().many;
    assert_eq!(told + refused, 1_000_000, "each was told of or counted");
    // Words have half of the room, so that what is seen finds some.
    assert_eq!(told, Settings::default().tracks as u64 / 2);
    out.clear();
    for s in 0..8 {
        let t = 15.5 + f64::from(s);
        sky.scan(0, t, &[radar_plot(flies(2, t)), radar_plot(flies(0, t))], &mut out);
    }
    assert_eq!(confirmed(&out, 22.5).len(), 2, "and what is seen now finds room");
}

/// A scan: the sensor, when it was made, and what it saw.
type Scan = (usize, f64, Vec<Plot>);

/// What a scene's sensors of all kinds say of eight things, five of them a flock, in the order in which it comes: radars' and
/// finders' scans, words that come up to two seconds late, and what somebody saw some seconds ago; with false plots and
/// bearings of nothing.
fn mixed(seed: u64, steps: usize) -> Vec<Scan> {
    let (all, mut off) = (with_a_person(), noise(seed));
    let at = |k: usize, t: f64| if k < 5 { in_a_swarm(k, t) } else { flies(k - 5, t) };
    (0..steps)
        .map(|s| {
            let now = 0.2 * s as f64;
            let mut near = |k: usize, t: f64, m: f64| -> [f64; 3] { at(k, t).map(|x| x + m * off()) };
            let sensor = [0, 1, 4, 2, 0, 3, 4, 1, 2, 5][s % 10];
            let t = now - [0.0, 0.3, 0.5, 0.2, 1.5 * ((s / 10) % 2) as f64, 0.1, 2.0, 0.0, 0.0, 8.0][s % 10];
            let plots = match all[sensor].sense {
                Sense::Radar => {
                    let mut plots: Vec<Plot> =
                        (0..8).filter(|k| (s + 3 * k) % 7 != 0).map(|k| radar_plot(near(k, t, 5.0))).collect();
                    plots.push(radar_plot(near(0, 40.0 + 7.0 * t, 300.0)));
                    plots
                }
                Sense::Bearing => (0..8)
                    .filter(|k| (s + k) % 3 == 0)
                    .map(|k| Plot { name: (sensor == 1 && k == 6).then_some(7), ..bearing(sensor, near(k, t, 12.0)) })
                    .collect(),
                Sense::Claim => {
                    vec![said(near(6, t, 6.0), 7), said(near(5, t, 6.0), 8), said(near(5, 30.0 + t, 3_000.0), 8)]
                }
                _ => vec![said_of(at(7, t), &all[5])],
            };
            (sensor, t, plots)
        })
        .collect()
}

/// All of these, with a second's tick where one falls due.
fn take(sky: &mut Sky, scans: &[Scan], ticked: &mut f64) -> Vec<Report> {
    let mut out = Vec::new();
    for (sensor, t, plots) in scans {
        sky.scan(*sensor, *t, plots, &mut out);
        if *t >= *ticked + 1.0 {
            *ticked = t.floor();
            sky.tick(*ticked, &mut out);
        }
    }
    out
}

/// A scene that finds everything at work: late words, bearings that meet, flocks, claims, somebody's sightings.
#[test]
fn the_mixed_scene_is_one() {
    let mut sky = Sky::new(Settings::default(), with_a_person()).unwrap();
    let out = take(&mut sky, &mixed(1, 200), &mut 0.0);
    let believed = confirmed(&out, 39.0);
    assert!(believed.len() >= 7, "{} are believed", believed.len());
    assert!(believed.iter().any(|r| r.name == Some(7)));
    assert!(sky.refused().many == 0 && sky.refused().unfit == 0, "{:?}", sky.refused());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_scene_of_all_sensors_that_was_kept_anywhere_goes_on_as_if_nothing_had_been_between(
        seed in any::<u64>(), cuts in prop::collection::vec(0..200usize, 1..4),
    ) {
        let scans = mixed(seed, 200);
        let mut whole = Sky::new(Settings::default(), with_a_person()).unwrap();
        let (mut again, mut from) = (whole.clone(), 0);
        let (mut ticked, mut ticked_again, mut out) = (0.0, 0.0, Vec::new());
        let mut cuts = cuts;
        cuts.push(scans.len());
        cuts.sort_unstable();
        for to in cuts {
            out.extend(take(&mut again, &scans[from..to], &mut ticked_again));
            again = ciborium::from_reader(&kept(&again)[..]).unwrap();
            from = to;
        }
        let once = take(&mut whole, &scans, &mut ticked);
        prop_assert_eq!(format!("{once:?}"), format!("{out:?}"));
        prop_assert_eq!(kept(&whole), kept(&again));
    }
}

/// The engine has no threads of its own and nothing that two of it could share.
#[test]
fn two_skies_at_the_same_time_are_each_as_one_alone() {
    let run = |seed: u64| {
        let mut sky = Sky::new(Settings::default(), with_a_person()).unwrap();
        let out = take(&mut sky, &mixed(seed, 300), &mut 0.0);
        (format!("{out:?}"), kept(&sky))
    };
    let alone = [run(1), run(2)];
    let together =
        std::thread::scope(|s| [1, 2, 1, 2].map(|seed| s.spawn(move || run(seed))).map(|t| t.join().unwrap()));
    for (k, it) in together.iter().enumerate() {
        assert!(*it == alone[k % 2], "{k}");
    }
}

/// A radar that says that it shows five false plots a scan; beside these it shows five more over a patch of trees. A drone
/// flies across that. Gives, of the last two minutes of four, how many tracks of nothing were shown and how many believed, and
/// how many seconds the drone had a believed track.
fn over_trees(seed: u64, patch: bool, learns: bool) -> [usize; 3] {
    let radar = Sensor { clutter: 1.1e-4, elevation: [0.0, 1.5], ..sensor(Sense::Radar, [0.0; 3], None) };
    let mut sky = Sky::new(Settings::default(), vec![radar]).unwrap();
    let (mut off, mut out) = (noise(seed), Vec::new());
    let drone = |t: f64| [1_480.0 - 6.0 * (t - 120.0), 1_000.0 + 2.0 * (t - 120.0), 110.0];
    let (mut shown, mut believed, mut followed) = (Vec::new(), Vec::new(), 0);
    for s in 0..240 {
        let t = f64::from(s);
        // Even from nought to one, nearly: what is beyond three sigmas wraps around.
        let mut even = || (off() * 7.0).rem_euclid(1.0);
        let all = [[30.0, 4_970.0], [-PI, 2.0 * PI], [0.0, 1.5]];
        let trees = [[900.0, 1_700.0], [0.2, 1.4], [0.0, 0.18]];
        let mut plots = Vec::new();
        for (n, within) in [(5, all), (if patch { 5 } else { 0 }, trees)] {
            for _ in 0..n {
                let z = within.map(|[from, wide]| from + wide * even());
                plots.push(Plot { m: Measured { z, r: [100.0, 4e-5, 4e-5] }, name: None });
            }
        }
        let p = drone(t);
        if t >= 90.0 && even() < 0.9 {
            let [r, az, el] = sensor(Sense::Radar, [0.0; 3], None).sees(&p);
            let z = [r + 10.0 * off(), az + 0.006 * off(), el + 0.006 * off()];
            plots.push(Plot { m: Measured { z, r: [100.0, 4e-5, 4e-5] }, name: None });
        }
        if !learns {
            // As if nothing had ever been counted.
            let mut whole: ciborium::Value = ciborium::from_reader(&kept(&sky)[..]).unwrap();
            for (key, value) in whole.as_map_mut().unwrap() {
                if key.as_text() == Some("clutter") {
                    let map = value.as_array_mut().unwrap()[0].as_map_mut().unwrap();
                    map[0].1 = ciborium::Value::Array(Vec::new());
                    map[1].1 = ciborium::Value::Float(0.0);
                }
            }
            sky = whole.deserialized().unwrap();
        }
        out.clear();
        sky.scan(0, t, &plots, &mut out);
        if t < 120.0 {
            continue;
        }
        let is_drone = |r: &Report| apart(&r.state.p, &p) < 60.0;
        followed += usize::from(out.iter().any(|r| is_drone(r) && r.belief == Belief::Confirmed));
        for r in out.iter().filter(|r| !is_drone(r)) {
            shown.push(r.id);
            if r.belief == Belief::Confirmed {
                believed.push(r.id);
            }
        }
    }
    let distinct = |mut ids: Vec<u64>| {
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    };
    [distinct(shown), distinct(believed), followed]
}

#[test]
fn over_trees_a_radar_is_believed_less_and_what_flies_there_is_followed() {
    let add = |patch: bool, learns: bool| {
        let mut sum = [0; 3];
        for seed in 0..4 {
            let one = over_trees(seed, patch, learns);
            (0..3).for_each(|k| sum[k] += one[k]);
        }
        sum
    };
    let (learned, never) = (add(true, true), add(true, false));
    let (plain, plain_never) = (add(false, true), add(false, false));
    let said = format!("trees {learned:?} {never:?}, none {plain:?} {plain_never:?}");
    assert!(3 * learned[1] < 2 * never[1] && learned[0] < never[0], "{said}");
    assert!(learned[2] > 460 && learned[2] + 10 > never[2], "{said}");
    // Where there is no more than the radar says, nothing gets worse.
    assert!(plain[0].abs_diff(plain_never[0]) < 25 && plain[1] == plain_never[1] && plain[2] > 460, "{said}");
}

#[test]
fn what_a_radar_showed_that_was_nothing_is_kept_and_refused_where_it_is_damaged() {
    use ciborium::Value;
    let mut sky = sky();
    a_scene(0..9, &mut sky);
    let whole: Value = ciborium::from_reader(&kept(&sky)[..]).unwrap();
    let damages: [fn(&mut Vec<Value>); 6] = [
        |all| all.truncate(1),
        |all| all[0].as_map_mut().unwrap()[0].1.as_array_mut().unwrap().truncate(7),
        |all| all[0].as_map_mut().unwrap()[0].1.as_array_mut().unwrap()[3] = Value::Float(f64::NAN),
        |all| all[0].as_map_mut().unwrap()[0].1.as_array_mut().unwrap()[3] = Value::Float(-1.0),
        |all| all[0].as_map_mut().unwrap()[1].1 = Value::Float(f64::INFINITY),
        |all| all[0].as_map_mut().unwrap()[2].1 = Value::Float(f64::NAN),
    ];
    for (n, damage) in damages.iter().enumerate() {
        let mut v = whole.clone();
        let map = v.as_map_mut().unwrap();
        damage(map.iter_mut().find(|(k, _)| k.as_text() == Some("clutter")).unwrap().1.as_array_mut().unwrap());
        assert!(v.deserialized::<Sky>().is_err_and(|e| e.to_string().contains("damaged")), "{n}");
    }
    assert!(whole.deserialized::<Sky>().is_ok());
}

/// What is there at the end, by place: what begins first is numbered first.
fn by_place(sky: &mut Sky, t: f64) -> Vec<Report> {
    let mut out = Vec::new();
    sky.tick(t, &mut out);
    out.retain(|r| r.belief != Belief::Deleted);
    out.sort_by(|a, b| a.state.p[0].total_cmp(&b.state.p[0]));
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Plots of radars, bearings, words and sightings, all of them that came at once.
    #[test]
    fn in_whatever_order_a_scan_of_any_sensor_says_it_all_it_is_the_same(
        seed in any::<u64>(), turn in 1..5usize,
    ) {
        let scans = mixed(seed, 100);
        let mut turned = scans.clone();
        for (_, _, plots) in &mut turned {
            plots.reverse();
            let n = plots.len().max(1);
            plots.rotate_left(turn % n);
        }
        let [one, two] = [scans, turned].map(|scans| {
            let mut sky = Sky::new(Settings::default(), with_a_person()).unwrap();
            let out = take(&mut sky, &scans, &mut 0.0);
            (format!("{out:?}"), kept(&sky))
        });
        prop_assert!(one == two, "to the last bit, and for whatever comes after");
    }

    /// Of two that see the same thing at the same moment the first to come is joined first, and the second compared with what
    /// that left: there the order counts. Where nothing is seen by both it does not, to the last bit.
    #[test]
    fn sensors_that_have_no_thing_in_common_may_come_in_any_order(noise in prop::collection::vec(-8.0..8.0f64, 120)) {
        let far = [60_000.0, 20_000.0, 0.0];
        let radars = vec![sensor(Sense::Radar, [0.0; 3], None), sensor(Sense::Radar, far, None)];
        let run = |swapped: bool| {
            let mut sky = Sky::new(Settings::default(), radars.clone()).unwrap();
            let mut out = Vec::new();
            for s in 0..10_usize {
                let t = s as f64;
                let mut both = [0, 1];
                if swapped {
                    both.reverse();
                }
                for k in both {
                    // The same things, seen from there with errors of their own.
                    let plots: Vec<Plot> = (0..4)
                        .map(|j| radar_plot(flies(j, t).map(|x| x + noise[(12 * s + 3 * k + j) % noise.len()])))
                        .collect();
                    sky.scan(k, t, &plots, &mut out);
                }
            }
            by_place(&mut sky, 10.0)
        };
        let (one, two) = (run(false), run(true));
        prop_assert!(one.len() >= 8);
        let all = |reports: &[Report]| reports.iter().map(|r| (r.state, r.existence.to_bits(), r.belief)).collect::<Vec<_>>();
        prop_assert_eq!(all(&one), all(&two));
    }
}
