//! One suite that every way to tell who is who passes, and one that every filter passes: what must hold of any of them, so
//! that a new one is written into a table here and into no test.

use super::{
    Measured, Registration, Sense, Sensor, Sight,
    assign::{Assignment, Pair, Way},
    charts::Move,
    gauss::{AT, Gauss, M3, V3, dot, minus, times, turn},
    join,
    lone::{Odds, blank},
    motion::{MODELS, Motion},
    sensor::Component,
    settings::Settings,
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use std::f64::consts::PI;

/// Every way to tell who is who.
const WAYS: [(&str, Way); 4] = [
    ("all ways added up, the best of all", Way { exact: true, best: true }),
    ("all ways added up, the likeliest first", Way { exact: true, best: false }),
    ("messages, the best of all", Way { exact: false, best: true }),
    ("messages, the likeliest first", Way { exact: false, best: false }),
];

/// A cluster: which track and plot can belong together, and the odds of that.
fn cluster() -> impl Strategy<Value = (usize, usize, Vec<Pair>)> {
    (1..7usize, 1..7usize).prop_flat_map(|(tracks, plots)| {
        let odds = prop_oneof![1 => Just(None), 2 => (-9.0..9.0f64).prop_map(Some)];
        prop::collection::vec(odds, tracks * plots).prop_map(move |all| {
            let pair = |(k, ln): (usize, Option<f64>)| {
                let odds = libm::exp(ln?);
                Some(Pair { track: k / plots, plot: k % plots, odds, chance: 0.0, best: false })
            };
            (tracks, plots, all.into_iter().enumerate().filter_map(pair).collect())
        })
    })
}

/// What a way makes of a cluster: the pairs, and of each plot the chance that it is of no track.
fn solved(way: Way, pairs: &[Pair], tracks: usize, plots: usize) -> (Vec<Pair>, Vec<f64>) {
    let (mut pairs, mut assignment) = (pairs.to_vec(), Assignment::default());
    assignment.solve_by(Some(way), &mut pairs, tracks, plots);
    (pairs, assignment.free)
}

/// Sums by track and by plot.
fn sums(pairs: &[Pair], tracks: usize, plots: usize, of: impl Fn(&Pair) -> f64) -> (Vec<f64>, Vec<f64>) {
    let (mut by_track, mut by_plot) = (vec![0.0; tracks], vec![0.0; plots]);
    for p in pairs {
        by_track[p.track] += of(p);
        by_plot[p.plot] += of(p);
    }
    (by_track, by_plot)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn chances_are_some_and_come_to_1_in_all_at_most((tracks, plots, pairs) in cluster()) {
        for (name, way) in WAYS {
            let (pairs, free) = solved(way, &pairs, tracks, plots);
            // Messages stop when they hardly change any more.
            let off = if way.exact { 1e-9 } else { 2e-2 };
            prop_assert!(pairs.iter().all(|p| (0.0..=1.0).contains(&p.chance)), "{name}: {pairs:?}");
            prop_assert!(free.iter().all(|f| (0.0..=1.0).contains(f)), "{name}: {free:?}");
            let (by_track, by_plot) = sums(&pairs, tracks, plots, |p| p.chance);
            prop_assert!(by_track.iter().all(|s| *s <= 1.0 + off), "{name}: {by_track:?}");
            for (s, f) in by_plot.iter().zip(&free) {
                prop_assert!((s + f - 1.0).abs() <= off, "{name}: {s} and {f}");
            }
        }
    }

    #[test]
    fn each_track_is_given_one_plot_at_most_and_each_plot_to_one((tracks, plots, pairs) in cluster()) {
        let product = |pairs: &[Pair]| pairs.iter().filter(|p| p.best).map(|p| libm::log(p.odds)).sum::<f64>();
        let best = product(&solved(WAYS[0].1, &pairs, tracks, plots).0);
        for (name, way) in WAYS {
            let (pairs, _) = solved(way, &pairs, tracks, plots);
            let (by_track, by_plot) = sums(&pairs, tracks, plots, |p| f64::from(u8::from(p.best)));
            prop_assert!(by_track.iter().chain(&by_plot).all(|n| *n <= 1.0), "{name}: {pairs:?}");
            prop_assert!(product(&pairs) <= best + 1e-9, "{name} is better than the best");
            prop_assert!(!way.best || product(&pairs) >= best - 1e-9, "{name} is not the best");
        }
    }

    #[test]
    fn in_whatever_order_tracks_and_plots_come_the_answer_is_theirs(
        (tracks, plots, pairs) in cluster(), orders in prop::array::uniform3(prop::collection::vec(any::<u32>(), 36)),
    ) {
        // Where each goes, by random numbers.
        let place = |n: usize, by: &[u32]| {
            let mut order: Vec<usize> = (0..n).collect();
            order.sort_by_key(|k| by[*k]);
            order
        };
        let (to_track, to_plot, order) =
            (place(tracks, &orders[0]), place(plots, &orders[1]), place(pairs.len(), &orders[2]));
        let turned: Vec<Pair> = order
            .iter()
            .map(|k| Pair { track: to_track[pairs[*k].track], plot: to_plot[pairs[*k].plot], ..pairs[*k] })
            .collect();
        for (name, way) in WAYS {
            let (one, free) = solved(way, &pairs, tracks, plots);
            let (two, free_too) = solved(way, &turned, tracks, plots);
            for (k, b) in order.iter().zip(&two) {
                prop_assert!((one[*k].chance - b.chance).abs() < 1e-6, "{name}: {:?} {b:?}", one[*k]);
                prop_assert_eq!(one[*k].best, b.best, "{}", name);
            }
            for (k, f) in free.iter().enumerate() {
                prop_assert!((f - free_too[to_plot[k]]).abs() < 1e-6, "{name}");
            }
        }
    }

    #[test]
    fn a_lone_pair_is_as_likely_as_its_odds_say(ln in -12.0..12.0f64) {
        let odds = libm::exp(ln);
        let pair = [Pair { track: 0, plot: 0, odds, chance: 0.0, best: false }];
        for way in WAYS.map(|w| Some(w.1)).into_iter().chain([None]) {
            let (mut pair, mut assignment) = (pair, Assignment::default());
            assignment.solve_by(way, &mut pair, 1, 1);
            prop_assert!((pair[0].chance - odds / (1.0 + odds)).abs() < 1e-9, "{way:?}: {pair:?}");
            prop_assert!((assignment.free[0] - 1.0 / (1.0 + odds)).abs() < 1e-9, "{way:?}: {:?}", assignment.free);
            prop_assert_eq!(pair[0].best, odds > 1.0);
        }
    }

    /// Each track has a plot that is far likelier its own than any other.
    #[test]
    fn where_it_is_plain_who_is_who_every_way_says_so(
        n in 1..7usize, own in prop::collection::vec(8.0..20.0f64, 7), others in prop::collection::vec(-20.0..-4.0f64, 49),
    ) {
        let mut pairs = Vec::new();
        for track in 0..n {
            for plot in 0..n {
                let odds = libm::exp(if track == plot { own[track] } else { others[track * n + plot] });
                pairs.push(Pair { track, plot, odds, chance: 0.0, best: false });
            }
        }
        for (name, way) in WAYS {
            let (pairs, free) = solved(way, &pairs, n, n);
            for p in &pairs {
                prop_assert_eq!(p.best, p.track == p.plot, "{}", name);
                prop_assert!(if p.best { p.chance > 0.99 } else { p.chance < 0.01 }, "{name}: {p:?}");
            }
            prop_assert!(free.iter().all(|f| *f < 0.01), "{name}");
        }
    }
}

/// Messages are exact where there is no loop; where there are, in clusters so small that they are never asked, they are off by
/// far at times and hardly ever. The same clusters at each run.
#[test]
fn messages_say_nearly_what_all_ways_added_up_do() {
    let mut runner = TestRunner::deterministic();
    let (mut n, mut sum, mut far, mut worst) = (0.0, 0.0, 0.0, 0.0_f64);
    for _ in 0..2_000 {
        let (tracks, plots, pairs) = cluster().new_tree(&mut runner).unwrap().current();
        let (exact, _) = solved(WAYS[0].1, &pairs, tracks, plots);
        let (near, _) = solved(WAYS[2].1, &pairs, tracks, plots);
        for (a, b) in exact.iter().zip(&near) {
            let off = (a.chance - b.chance).abs();
            (n, sum, worst) = (n + 1.0, sum + off, worst.max(off));
            far += f64::from(u8::from(off > 0.1));
        }
    }
    println!("messages are off by {:.4}, by more than 0.1 in {:.4}, at worst by {worst:.3}", sum / n, far / n);
    assert!(sum / n < 0.004 && far / n < 0.008 && worst < 0.4);
}

const UPRIGHT: M3 = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
const FAR: f64 = f64::INFINITY;

/// What measures, and how exactly.
struct Filter {
    name: &'static str,
    sensor: Sensor,
    r: V3,
    /// All that it measures is a straight line of the place.
    straight: bool,
    /// It is one Gaussian, and no mixture that is taken for one.
    one: bool,
}

/// Every filter.
fn filters() -> Vec<Filter> {
    let of = |sense: Sense| Sensor { at: [120.0, -80.0, 5.0], ..blank(sense, Odds { pd: 0.9, untrue: 1e-9, who: 0 }) };
    let aslant = {
        let (s, c) = (libm::sin(0.4), libm::cos(0.4));
        [[c, s, 0.0], [-s * c, c * c, s], [s * s, -s * c, c]]
    };
    let sight =
        |stray: f64| Sensor { sight: Some(Sight { own: 3.0, level: true, stray: [stray, 0.44] }), ..of(Sense::Sight) };
    let filter = |name, sensor, r| Filter { name, sensor, r, straight: false, one: true };
    vec![
        filter("radar", of(Sense::Radar), [100.0, 1e-4, 1e-4]),
        filter("bearing", of(Sense::Bearing), [1.0, 1e-3, 1.0]),
        filter("bearing of sound", Sensor { sound: Some(343.0), ..of(Sense::Bearing) }, [1.0, 3e-3, 1.0]),
        Filter { straight: true, ..filter("claim", of(Sense::Claim), [25.0, 36.0, 49.0]) },
        filter("person", of(Sense::Person), [1e4, 0.02, 1.0]),
        Filter { straight: true, ..filter("fix", Sensor { axes: aslant, ..of(Sense::Fix) }, [25.0, 400.0, 49.0]) },
        filter("fix over ground", of(Sense::Fix), [25.0, 36.0, FAR]),
        filter("sight", sight(0.0), [FAR, 8e-3, FAR]),
        filter("sight with a range", sight(0.0), [0.25, 8e-3, FAR]),
        filter("sight with a range and an angle up", sight(0.0), [0.25, 8e-3, 0.03]),
        Filter { one: false, ..filter("sight that may be far out", sight(0.1), [FAR, 8e-3, FAR]) },
        Filter { one: false, ..filter("sight far out with all", sight(0.1), [0.25, 8e-3, 0.03]) },
    ]
}

impl Filter {
    /// What it would measure of a place, were it exact.
    fn of(&self, p: &V3) -> Measured {
        let own = turn(&self.sensor.axes, &minus(p, &self.sensor.at));
        let z = match self.sensor.sense {
            Sense::Claim => *p,
            Sense::Fix => own,
            Sense::Radar | Sense::Bearing | Sense::Person | Sense::Sight => self.sensor.sees(p),
        };
        Measured { z, r: self.r }
    }

    fn join(&self, motion: &Motion, m: &Measured) -> (Motion, f64, f64) {
        let mut joined = *motion;
        let (ln, d2) = join(&mut joined, &self.sensor, &Registration::default(), m);
        (joined, ln, d2)
    }

    /// The same, everything turned about the scene's origin and shifted.
    fn moved(&self, to: &Move) -> Self {
        let axes = self.sensor.axes.map(|row| turn(&to.turn, &row));
        Self { sensor: Sensor { axes, at: to.place(&self.sensor.at), ..self.sensor.clone() }, ..*self }
    }
}

prop_compose! {
    /// Something that flies some hundred metres off, known to some metres.
    fn flying()(
        away in 250.0..900.0f64, around in -3.0..3.0f64, up in 20.0..200.0f64,
        v in prop::array::uniform3(-15.0..15.0f64), sigma in prop::array::uniform3(3.0..20.0f64), fast in 1.0..6.0f64,
        dt in 0.1..2.0f64, off in prop::array::uniform3(-6.0..6.0f64), mu in 0.05..0.95f64,
    ) -> Motion {
        let p = [120.0 + away * libm::sin(around), -80.0 + away * libm::cos(around), up];
        let mut state = Gauss::standing(p, [0.0; 6], fast, fast);
        (0..3).for_each(|k| state.pp[AT[k][k]] = sigma[k] * sigma[k]);
        state.v = v;
        let flight = Settings::default().flight;
        let mut motion = Motion::of(state, &flight);
        motion.mu = [mu, 1.0 - mu];
        (0..3).for_each(|k| motion.states[1].p[k] += off[k]);
        // Models differ, and places depend on velocities.
        motion.predict(dt, &flight)
    }
}

/// Upwards a sight and a bearing have nothing to say, but nothing is forgotten.
fn spread(g: &Gauss, along: &V3) -> f64 {
    dot(along, &times(&g.pp, along))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_was_joined_is_sound(motion in flying(), off in prop::array::uniform3(-60.0..60.0f64)) {
        for filter in filters() {
            let truth: V3 = std::array::from_fn(|k| motion.place()[k] + off[k]);
            let (joined, ln, d2) = filter.join(&motion, &filter.of(&truth));
            // One that says that it cannot be of this at all has said so by both.
            if d2.is_infinite() {
                prop_assert!(ln == f64::NEG_INFINITY, "{}", filter.name);
                continue;
            }
            prop_assert!(ln.is_finite() && d2 >= -1e-9, "{}: {ln} {d2}", filter.name);
            prop_assert!(joined.is_sound(), "{}: {joined:?}", filter.name);
            prop_assert!((joined.mu[0] + joined.mu[1] - 1.0).abs() < 1e-9 && joined.mu.iter().all(|m| *m > 0.0));
        }
    }

    /// What is one Gaussian is no less sure of any direction afterwards.
    #[test]
    fn nothing_is_forgotten_by_looking(
        motion in flying(), off in prop::array::uniform3(-10.0..10.0f64), along in prop::array::uniform3(-1.0..1.0f64),
    ) {
        for filter in filters().iter().filter(|f| f.one) {
            let truth: V3 = std::array::from_fn(|k| motion.place()[k] + off[k]);
            let (joined, _, d2) = filter.join(&motion, &filter.of(&truth));
            prop_assume!(d2.is_finite());
            for k in 0..MODELS {
                let (before, after) = (spread(&motion.states[k], &along), spread(&joined.states[k], &along));
                prop_assert!(after <= before * (1.0 + 1e-9), "{}: {before} {after}", filter.name);
            }
        }
    }

    /// What is measured where it was expected is likelier than what is measured well beside that, and leads less astray.
    #[test]
    fn what_is_measured_where_it_was_expected_is_the_likelier(motion in flying(), side in prop::bool::ANY) {
        for filter in filters() {
            let here = motion.place();
            // Across the line of sight, 60 m: everything here measures that.
            let d = minus(&here, &filter.sensor.at);
            let (flat, turn) = (libm::hypot(d[0], d[1]), if side { 60.0 } else { -60.0 });
            let there = [here[0] + turn * d[1] / flat, here[1] - turn * d[0] / flat, here[2]];
            let (near, ln_near, d2_near) = filter.join(&motion, &filter.of(&here));
            let (far, ln_far, d2_far) = filter.join(&motion, &filter.of(&there));
            prop_assert!(ln_near > ln_far && d2_near < d2_far, "{}: {ln_near} {ln_far}, {d2_near} {d2_far}", filter.name);
            let moved = |m: &Motion| { let d = minus(&m.place(), &here); dot(&d, &d) };
            prop_assert!(d2_far.is_infinite() || moved(&near) < moved(&far), "{}", filter.name);
        }
    }

    /// The gradients are those of what is expected, by taking a small step.
    #[test]
    fn how_a_measurement_changes_with_the_place_is_as_said(motion in flying()) {
        for filter in filters().iter().filter(|f| f.sensor.sense != Sense::Sight) {
            let g = motion.states[0];
            let m = filter.of(&g.p);
            let parts = |g: &Gauss| {
                let mut parts = [Component::default(); 3];
                let n = filter.sensor.components(&m, g, &mut parts);
                parts[..n].to_vec()
            };
            for k in 0..3 {
                let step = 1e-3;
                let (mut low, mut high) = (g, g);
                low.p[k] -= step;
                high.p[k] += step;
                for ((c, a), b) in parts(&g).iter().zip(parts(&low)).zip(parts(&high)) {
                    let by_steps = (a.nu - b.nu) / (2.0 * step);
                    prop_assert!((c.h[k] - by_steps).abs() < 1e-5 * (1.0 + c.h[k].abs()), "{}: {} {by_steps}", filter.name, c.h[k]);
                }
            }
        }
    }

    /// A straight line of the place and a place of independent errors: the mean of both by how sure they are.
    #[test]
    fn what_is_straight_has_the_answer_of_the_book(motion in flying(), off in prop::array::uniform3(-10.0..10.0f64)) {
        for filter in filters().iter().filter(|f| f.straight) {
            let mut g = motion.states[0];
            g.pp = [100.0, 0.0, 0.0, 100.0, 0.0, 100.0];
            g.pv = [[0.0; 3]; 3];
            let motion = Motion { states: [g; MODELS], ..motion };
            let m = filter.of(&std::array::from_fn(|k| g.p[k] + off[k]));
            let (joined, ln, d2) = filter.join(&motion, &m);
            // In the sensor's axes.
            let along = if filter.sensor.sense == Sense::Claim { UPRIGHT } else { filter.sensor.axes };
            let (off, got) = (turn(&along, &off), turn(&along, &minus(&joined.states[0].p, &g.p)));
            let (mut told, mut far) = (0.0, 0.0);
            for k in 0..3 {
                let s = 100.0 + filter.r[k];
                prop_assert!((got[k] - off[k] * 100.0 / s).abs() < 1e-9, "{}: {got:?}", filter.name);
                prop_assert!((spread(&joined.states[0], &along[k]) - 100.0 * filter.r[k] / s).abs() < 1e-9, "{}", filter.name);
                far += off[k] * off[k] / s;
                told -= 0.5 * (off[k] * off[k] / s + libm::log(2.0 * PI * s));
            }
            prop_assert!((d2 - far).abs() < 1e-9 && (ln - told).abs() < 1e-9, "{}: {d2} {far} {ln} {told}", filter.name);
        }
    }

    /// Nothing in a scene is special: everything turned and shifted gives what there was, turned and shifted.
    #[test]
    fn a_scene_that_is_turned_gives_the_same_turned(
        motion in flying(), off in prop::array::uniform3(-10.0..10.0f64), angle in -3.0..3.0f64, shift in prop::array::uniform3(-1e3..1e3f64),
    ) {
        let (s, c) = (libm::sin(angle), libm::cos(angle));
        let to = Move { turn: [[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]], shift };
        for filter in filters() {
            let truth: V3 = std::array::from_fn(|k| motion.place()[k] + off[k]);
            // What a claim says is in the scene's axes; with errors that are not alike in all directions it would be another.
            if filter.sensor.sense == Sense::Claim {
                continue;
            }
            let m = filter.of(&truth);
            let (joined, ln, d2) = filter.join(&motion, &m);
            let (mut there, turned) = (motion, filter.moved(&to));
            there.moved(&to);
            let (other, ln_too, d2_too) = turned.join(&there, &m);
            let mut expected = joined;
            expected.moved(&to);
            prop_assert_eq!(ln.is_finite(), ln_too.is_finite(), "{}", filter.name);
            if !ln.is_finite() {
                continue;
            }
            prop_assert!((ln - ln_too).abs() < 1e-6 && (d2 - d2_too).abs() < 1e-6, "{}: {ln} {ln_too}", filter.name);
            for (a, b) in expected.states.iter().zip(&other.states) {
                prop_assert!((0..3).all(|k| (a.p[k] - b.p[k]).abs() < 1e-6 && (a.v[k] - b.v[k]).abs() < 1e-6), "{}", filter.name);
                prop_assert!((0..6).all(|k| (a.pp[k] - b.pp[k]).abs() < 1e-5 && (a.vv[k] - b.vv[k]).abs() < 1e-5), "{}", filter.name);
            }
        }
    }
}
