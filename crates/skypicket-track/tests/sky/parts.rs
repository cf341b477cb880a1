//! Each part by itself.

use proptest::prelude::*;
use skypicket_model::{Enu, Place};
use skypicket_track::sky::{
    Sense, Sensor, Settings,
    assign::{Assignment, Pair},
    gauss::{AT, Gauss},
    motion::Motion,
};

type M6 = [[f64; 6]; 6];

/// A covariance of six numbers as a whole matrix.
fn whole(g: &Gauss) -> M6 {
    std::array::from_fn(|i| {
        std::array::from_fn(|j| match (i < 3, j < 3) {
            (true, true) => g.pp[AT[i][j]],
            (true, false) => g.pv[i][j - 3],
            (false, true) => g.pv[j][i - 3],
            (false, false) => g.vv[AT[i - 3][j - 3]],
        })
    })
}

fn mean(g: &Gauss) -> [f64; 6] {
    [g.p[0], g.p[1], g.p[2], g.v[0], g.v[1], g.v[2]]
}

/// Largest difference as a share of the largest entry.
fn apart(a: &Gauss, b: &Gauss) -> f64 {
    let (ma, mb) = (whole(a), whole(b));
    let size = ma.iter().flatten().fold(1.0, |s: f64, x| s.max(x.abs()));
    let of = ma.iter().flatten().zip(mb.iter().flatten()).fold(0.0, |d: f64, (x, y)| d.max((x - y).abs())) / size;
    mean(a).iter().zip(mean(b)).fold(of, |d: f64, (x, y)| d.max((x - y).abs() / x.abs().max(1.0)))
}

proptest! {
    /// Where a scene's plane has long left the ground, too: it is over the ellipsoid that heights are.
    #[test]
    fn a_height_near_a_sensor_is_over_the_ground_there_however_far_away_the_origin_is(
        lat in -60.0..60.0f64, lon in -179.0..179.0f64, dlat in -25.0..25.0f64, dlon in -35.0..35.0f64,
        east in -10e3..10e3f64, north in -10e3..10e3f64, up in 0.0..1_000.0f64,
    ) {
        let scene = Enu::at(Place { lat_deg: lat, lon_deg: lon, alt_hae_m: Some(1_140.0) });
        let stands = Place { lat_deg: lat + dlat, lon_deg: lon + dlon, alt_hae_m: Some(500.0) };
        let own = Enu::at(stands);
        let sensor = Sensor {
            sense: Sense::Radar,
            at: scene.from_place(stands),
            axes: own.turn_from(&scene),
            over: 500.0 - 1_140.0,
            pd: 0.9,
            clutter: 1e-6,
            range: [30.0, 10_000.0],
            sector: [0.0, 3.2],
            elevation: [-0.2, 1.3],
            floor: 8.0,
            sound: None,
            sight: None,
        };
        let p = scene.carry(&own, [east, north, up]);
        let truth = scene.to_place(p).alt_hae_m.unwrap() - 1_140.0;
        let height = sensor.height(&p);
        prop_assert!((height - truth).abs() < 0.12, "{height} {truth}");
    }
}

prop_compose! {
    /// L · Lᵀ of a lower triangle is a covariance.
    fn gauss()(
        p in prop::array::uniform3(-1e3..1e3f64),
        v in prop::array::uniform3(-30.0..30.0f64),
        low in prop::collection::vec(-3.0..3.0f64, 15),
        diagonal in prop::array::uniform6(0.5..20.0f64),
    ) -> Gauss {
        let mut l = [[0.0; 6]; 6];
        let mut rest = low.iter();
        for i in 0..6 {
            l[i].iter_mut().take(i).for_each(|x| *x = *rest.next().unwrap());
            l[i][i] = diagonal[i];
        }
        let c: M6 = std::array::from_fn(|i| std::array::from_fn(|j| (0..6).map(|k| l[i][k] * l[j][k]).sum()));
        let mut g = Gauss { p, v, pp: [0.0; 6], pv: [[0.0; 3]; 3], vv: [0.0; 6] };
        for i in 0..3 {
            for j in 0..3 {
                g.pp[AT[i][j]] = c[i][j];
                g.pv[i][j] = c[i][j + 3];
                g.vv[AT[i][j]] = c[i + 3][j + 3];
            }
        }
        g
    }
}

proptest! {
    #[test]
    fn two_predictions_are_one_over_ground(g in gauss(), a in 0.01..5.0f64, b in 0.01..5.0f64) {
        // A climb dies away, and the noise upwards is not faded with it: there it holds only where nothing fades.
        let (q, level) = ([0.7, 0.3], [f64::INFINITY, 1e6]);
        let once = g.predict(a + b, q, level);
        let twice = g.predict(a, q, level).predict(b, q, level);
        prop_assert!(apart(&once, &twice) < 1e-4, "{once:?} {twice:?}");
        prop_assert!(once.is_sound());
    }

    #[test]
    fn a_velocity_that_dies_away_goes_as_far_in_two_steps_as_in_one(g in gauss(), a in 0.01..5.0f64, b in 0.01..5.0f64) {
        let lasts = [9.0, 6.0];
        let once = g.predict(a + b, [0.0; 2], lasts);
        let twice = g.predict(a, [0.0; 2], lasts).predict(b, [0.0; 2], lasts);
        prop_assert!(apart(&once, &twice) < 1e-9);
        prop_assert!((0..3).all(|k| once.v[k].abs() < g.v[k].abs() || g.v[k] == 0.0));
        prop_assert!((once.v[0] - g.v[0] * (-(a + b) / 9.0).exp()).abs() < 1e-9, "over ground as long as it lasts there");
    }

    /// x + K ν and (I − K H) P, with whole matrices.
    #[test]
    fn joining_is_the_kalman_update(
        g in gauss(), h in prop::array::uniform3(-1.0..1.0f64), nu in -50.0..50.0f64, r in 0.01..100.0f64,
    ) {
        let (c, x) = (whole(&g), mean(&g));
        let full = [h[0], h[1], h[2], 0.0, 0.0, 0.0];
        let ph: [f64; 6] = std::array::from_fn(|i| (0..6).map(|j| c[i][j] * full[j]).sum());
        let s: f64 = (0..6).map(|i| full[i] * ph[i]).sum::<f64>() + r;
        let mut joined = g;
        let said = joined.join(&h, nu, r);
        prop_assert!((said.s - s).abs() < 1e-9 * s && (said.d2 - nu * nu / s).abs() < 1e-9 * said.d2.max(1.0));
        for i in 0..6 {
            prop_assert!((mean(&joined)[i] - (x[i] + ph[i] / s * nu)).abs() < 1e-8);
            for j in 0..6 {
                prop_assert!((whole(&joined)[i][j] - (c[i][j] - ph[i] * ph[j] / s)).abs() < 1e-7);
            }
        }
        prop_assert!(joined.is_sound());
    }

    #[test]
    fn what_is_believed_of_a_velocity_can_be_said_twice(
        g in gauss(), said in prop::array::uniform3(-20.0..20.0f64), var in prop::array::uniform3(1.0..50.0f64),
    ) {
        let mut once = g;
        once.believe_velocity(&said, &var);
        prop_assert!(once.is_sound());
        let mut twice = once;
        twice.believe_velocity(&said, &var);
        prop_assert!(apart(&once, &twice) < 1e-3, "{once:?} {twice:?}");
        for axis in 0..3 {
            prop_assert!(once.vv[AT[axis][axis]] <= (var[axis] * 1.0002).max(g.vv[AT[axis][axis]].min(var[axis])));
        }
    }

    #[test]
    fn models_are_probable_to_1_in_all(
        g in gauss(), steps in prop::collection::vec((0.0..20.0f64, -900.0..50.0f64, -900.0..50.0f64), 1..20),
    ) {
        let flight = Settings::default().flight;
        let mut m = Motion::of(g, &flight);
        for (dt, a, b) in steps {
            m = m.predict(dt, &flight);
            prop_assert!((m.mu[0] + m.mu[1] - 1.0).abs() < 1e-9);
            m.weigh(&[a, b]);
            prop_assert!((m.mu[0] + m.mu[1] - 1.0).abs() < 1e-9);
            prop_assert!(m.mu.iter().all(|x| *x > 0.0) && m.is_sound());
        }
    }

    /// Against all there is: every way to give each track one plot or none, and each plot to one track at most.
    #[test]
    fn who_is_who_is_as_by_enumeration(
        tracks in 1..4usize, plots in 1..4usize, odds in prop::collection::vec(prop_oneof![1 => Just(0.0), 3 => -9.0..9.0f64], 9),
    ) {
        let mut pairs = Vec::new();
        for track in 0..tracks {
            for plot in 0..plots {
                let ln = odds[track * 3 + plot];
                if ln != 0.0 {
                    pairs.push(Pair { track, plot, odds: libm::exp(ln), chance: 0.0, best: false });
                }
            }
        }
        let mut all = Enumerated { tracks, pairs: &pairs, total: 0.0, chance: vec![0.0; pairs.len()], most: 0.0, best: Vec::new() };
        all.go(0, &mut Vec::new(), 1.0);
        let (total, chance, best) = (all.total, all.chance.clone(), all.best.clone());
        let mut solved = pairs.clone();
        let mut assignment = Assignment::default();
        assignment.solve(&mut solved, tracks, plots);
        let found: Vec<usize> = (0..solved.len()).filter(|k| solved[*k].best).collect();
        prop_assert_eq!(&found, &best);
        let off = 1e-9;
        for (p, exact) in solved.iter().zip(&chance) {
            prop_assert!((p.chance - exact / total).abs() < off, "{} instead of {}", p.chance, exact / total);
        }
        for plot in 0..plots {
            let taken: f64 = solved.iter().zip(&chance).filter(|(p, _)| p.plot == plot).map(|(_, c)| c / total).sum();
            prop_assert!((assignment.free[plot] - (1.0 - taken)).abs() < 3.0 * off);
        }
        // In another order, after another use of the same buffers.
        let mut turned: Vec<Pair> = pairs.iter().rev().copied().collect();
        assignment.solve(&mut turned, tracks, plots);
        for (a, b) in solved.iter().zip(turned.iter().rev()) {
            prop_assert!((a.chance - b.chance).abs() < 1e-6 && a.best == b.best);
        }
    }
}

/// Too many tracks and plots in one cluster to be enumerated while somebody waits: on a row without a loop messages are
/// exact, but for when they stop.
#[test]
fn a_long_row_is_solved_by_messages() {
    let (tracks, plots) = (10, 11);
    let mut pairs = Vec::new();
    for track in 0..tracks {
        for plot in [track, track + 1] {
            let odds = libm::exp(((track * 7 + plot * 5) % 9) as f64 - 3.0);
            pairs.push(Pair { track, plot, odds, chance: 0.0, best: false });
        }
    }
    let mut all =
        Enumerated { tracks, pairs: &pairs, total: 0.0, chance: vec![0.0; pairs.len()], most: 0.0, best: Vec::new() };
    all.go(0, &mut Vec::new(), 1.0);
    let (total, chance, best) = (all.total, all.chance.clone(), all.best.clone());
    let mut solved = pairs.clone();
    Assignment::default().solve(&mut solved, tracks, plots);
    assert_eq!((0..solved.len()).filter(|k| solved[*k].best).collect::<Vec<_>>(), best);
    for (p, exact) in solved.iter().zip(&chance) {
        assert!((p.chance - exact / total).abs() < 1e-3, "{p:?} instead of {}", exact / total);
    }
}

/// For the best of all ways there would be neither memory nor time: 20,000 tracks in one cluster.
#[test]
fn a_cluster_that_is_too_large_gives_each_track_one_plot_all_the_same() {
    let tracks = 20_000;
    let mut pairs = Vec::new();
    for track in 0..tracks {
        // Its own is the likelier, the next one's can be.
        pairs.push(Pair { track, plot: track, odds: 50.0, chance: 0.0, best: false });
        pairs.push(Pair { track, plot: track + 1, odds: 2.0, chance: 0.0, best: false });
    }
    Assignment::default().solve(&mut pairs, tracks, tracks + 1);
    for p in &pairs {
        assert_eq!(p.best, p.track == p.plot, "{p:?}");
        assert!((0.0..=1.0).contains(&p.chance));
    }
}

struct Enumerated<'a> {
    tracks: usize,
    pairs: &'a [Pair],
    total: f64,
    chance: Vec<f64>,
    most: f64,
    best: Vec<usize>,
}

impl Enumerated<'_> {
    fn go(&mut self, track: usize, chosen: &mut Vec<usize>, weight: f64) {
        if track == self.tracks {
            self.total += weight;
            for k in chosen.iter() {
                self.chance[*k] += weight;
            }
            if weight > self.most {
                self.most = weight;
                self.best.clone_from(chosen);
            }
            return;
        }
        self.go(track + 1, chosen, weight);
        for k in 0..self.pairs.len() {
            let p = self.pairs[k];
            if p.track == track && chosen.iter().all(|c| self.pairs[*c].plot != p.plot) {
                chosen.push(k);
                self.go(track + 1, chosen, weight * p.odds);
                chosen.pop();
            }
        }
    }
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    type Wrong = fn(&mut Settings);
    assert_eq!(Settings::default().check(), Ok(()));
    let wrong: &[(Wrong, &str)] = &[
        (|s| s.gate = f64::NAN, "gate"),
        (|s| s.flight.q[1] = -1.0, "flight.q"),
        (|s| s.by_bearings.q[0] = 0.0, "by_bearings.q"),
        (|s| s.by_bearings.stay[1] = 0.0, "by_bearings.stay"),
        (|s| s.by_bearings.up = f64::NAN, "by_bearings.up"),
        (|s| s.by_bearings.level = -6.0, "by_bearings.level"),
        (|s| s.by_bearings.turn = 0.0, "by_bearings.turn"),
        (|s| s.doubt = 0.95, "doubt"),
        (|s| s.over = 0.5, "over"),
        (|s| s.steps = 0, "steps"),
        (|s| s.forget = 2.0, "forget"),
        (|s| s.mates = 1.0, "mates"),
        (|s| s.word = 1.2, "word"),
        (|s| s.low.1 = 2000.0, "low (height)"),
    ];
    for (spoil, name) in wrong {
        let mut s = Settings::default();
        spoil(&mut s);
        let problem = s.check().unwrap_err();
        assert_eq!(problem.name, *name);
        assert!(problem.to_string().contains(name), "{problem}");
    }
}
