//! Reports that come by themselves, of things anywhere on Earth.

use proptest::prelude::*;
use skypicket_model::{Enu, Place};
use skypicket_track::sky::{
    Belief, MOST_SENSORS, Measured, Plot, Sense, Sensor, Settings, Sight, Sky,
    lone::{Joined, Lone, Odds},
};
use std::{f64::consts::PI, fmt::Write};

const SURELY: Odds = Odds { pd: 1.0, untrue: 0.0, who: 0 };
const RADAR: Odds = Odds { pd: 0.9, untrue: 1e-6, who: 0 };

fn sky() -> Sky {
    let mut sky = Sky::world(Settings { forget: 1_000.0, ..Settings::default() }).unwrap();
    sky.pass(0.0);
    sky
}

fn home() -> Place {
    Place::new(47.0, 8.0, Some(500.0)).unwrap()
}

/// East, north and up of home.
fn there(p: [f64; 3]) -> Place {
    Enu::at(home()).to_place(p)
}

fn round(sigma: f64) -> [[f64; 3]; 3] {
    let v = sigma * sigma;
    [[v, 0.0, 0.0], [0.0, v, 0.0], [0.0, 0.0, v]]
}

fn fix(sky: &mut Sky, t: f64, place: Place, sigma: f64) -> Lone {
    sky.lone_place(t, place, &round(sigma), SURELY).unwrap()
}

/// Where a thing is, from home, and how fast.
fn of(sky: &Sky, id: u64, t: f64) -> ([f64; 3], [f64; 3]) {
    let (place, state) = sky.state_at(id, t).unwrap().on_earth().unwrap();
    let frame = Enu::at(home());
    let v = frame.turn_from(&Enu::at(place)).map(|row| (0..3).map(|k| row[k] * state.v[k]).sum());
    (frame.from_place(place), v)
}

fn apart(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|k| (a[k] - b[k]) * (a[k] - b[k])).sum::<f64>().sqrt()
}

/// 40 m/s over 12 km and so over several squares of the Earth: as in one flat scene, as far as that is flat.
#[test]
fn a_thing_that_flies_over_borders_is_followed_as_in_one_scene() {
    let mut sky = sky();
    let frame = Enu::at(home());
    let word = Sensor {
        sense: Sense::Claim,
        at: [0.0; 3],
        axes: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        over: 0.0,
        pd: 1.0,
        clutter: 1e-3,
        range: [0.0, 1e6],
        sector: [0.0, PI],
        elevation: [-PI, PI],
        floor: f64::NEG_INFINITY,
        sound: None,
        sight: None,
    };
    let mut scene = Sky::new(Settings::default(), vec![word]).unwrap();
    let mut id = None;
    let mut out = Vec::new();
    for k in 0..300 {
        let t = f64::from(k);
        let wobble = [7.0 * libm::sin(3.1 * t), 6.0 * libm::cos(5.3 * t), 4.0 * libm::sin(1.7 * t)];
        let p = [40.0 * t - 6_000.0 + wobble[0], 0.3 * t + wobble[1], 120.0 + wobble[2]];
        let place = frame.to_place(p);
        sky.pass(t);
        let lone = fix(&mut sky, t, place, 8.0);
        match id {
            None => id = sky.begin_lone(&lone, None, 0.9),
            Some(id) => {
                let mut near = Vec::new();
                sky.near(&lone, &mut near);
                assert_eq!(near, [id], "{k}");
                assert_eq!(sky.join_lone(id, &lone, true), Joined::Moved);
            }
        }
        out.clear();
        scene.scan(0, t, &[Plot { m: Measured { z: p, r: [64.0; 3] }, name: Some(1) }], &mut out);
        let (at, v) = of(&sky, id.unwrap(), t);
        let flat = out.iter().find(|r| r.belief != Belief::Deleted).unwrap();
        assert!(apart(at, flat.state.p) < 0.1 && apart(v, flat.state.v) < 0.1, "{k}: {at:?} {:?}", flat.state);
    }
}

/// A radar whose whole scans are known, at home.
fn radar() -> Sensor {
    Sensor {
        sense: Sense::Radar,
        at: [0.0; 3],
        axes: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        over: 0.0,
        pd: 0.9,
        clutter: 1e-6,
        range: [30.0, 8_000.0],
        sector: [0.0, PI],
        elevation: [-0.2, 1.3],
        floor: f64::NEG_INFINITY,
        sound: None,
        sight: None,
    }
}

/// A radar's whole scans find things that other reports had in other squares of the Earth.
#[test]
fn whole_scans_of_a_radar_that_came_go_on_with_what_is_in_any_square() {
    let mut sky = sky();
    let radar = Sensor { range: [30.0, 20_000.0], ..radar() };
    let slot = sky.admit(&radar, home()).unwrap();
    let starts = [[5_000.0, 100.0, 90.0], [-6_000.0, 2_000.0, 130.0]];
    let at = |k: usize, t: f64| [starts[k][0] + 12.0 * t, starts[k][1] - 7.0 * t, starts[k][2]];
    let ids: Vec<u64> = (0..2)
        .map(|k| {
            let lone = fix(&mut sky, 0.0, there(at(k, 0.0)), 8.0);
            sky.begin_lone(&lone, None, 0.9).unwrap()
        })
        .collect();
    let mut out = Vec::new();
    for s in 1..30 {
        let t = f64::from(s);
        out.clear();
        let plots: Vec<Plot> = (0..2)
            .map(|k| Plot { m: Measured { z: radar.sees(&at(k, t)), r: [100.0, 1e-5, 1e-5] }, name: None })
            .collect();
        sky.scan(slot, t, &plots, &mut out);
        let seen: Vec<u64> = out.iter().map(|r| r.id).collect();
        assert_eq!(seen, ids, "{s}");
    }
    for (k, id) in ids.iter().enumerate() {
        assert!(apart(of(&sky, *id, 29.0).0, at(k, 29.0)) < 20.0, "{:?}", of(&sky, *id, 29.0));
        assert!(sky.existence(*id).unwrap() > 0.99);
    }
    // What it does not see any more is not there any more.
    for s in 30..40 {
        sky.scan(slot, f64::from(s), &[], &mut out);
    }
    assert!(sky.existence(ids[0]).is_none_or(|r| r < 0.01));
}

#[test]
fn a_report_that_comes_late_leaves_the_same_state_as_in_its_turn() {
    let run = |late: Option<usize>| {
        let mut sky = sky();
        let mut id = 0;
        let mut order: Vec<usize> = (0..20).collect();
        if let Some(late) = late {
            order.remove(late);
            order.push(late);
        }
        for k in order {
            let t = k as f64 * 0.5;
            sky.pass(t);
            // A radar here, a fix there: what was joined after it is joined again, each in its own way.
            // Far enough from the radar to be in another square than that.
            let p = there([3_900.0 + 9.0 * t, 2_300.0 - 4.0 * t, 80.0]);
            let lone = if k % 2 == 0 {
                fix(&mut sky, t, p, 10.0)
            } else {
                let [e, n, u] = Enu::at(home()).from_place(p);
                let r = (e * e + n * n + u * u).sqrt();
                let z = [r + 3.0, libm::atan2(e, n) + 0.004, libm::asin(u / r)];
                sky.lone_plot(t, home(), Measured { z, r: [100.0, 1e-4, 1e-4] }, RADAR).unwrap()
            };
            if id == 0 {
                id = sky.begin_lone(&lone, None, 0.9).unwrap();
            } else {
                assert_eq!(sky.join_lone(id, &lone, true), Joined::Moved, "{k}");
            }
        }
        of(&sky, id, 9.5)
    };
    let straight = run(None);
    for late in [12, 13, 17] {
        let again = run(Some(late));
        assert!(apart(straight.0, again.0) < 1e-6 && apart(straight.1, again.1) < 1e-6, "{straight:?} {again:?}");
    }
}

#[test]
fn what_is_older_than_the_rewind_moves_nothing_and_still_speaks_for_it() {
    let mut sky = sky();
    let first = fix(&mut sky, 0.0, home(), 10.0);
    let id = sky.begin_lone(&first, None, 0.5).unwrap();
    for k in 1..30 {
        let t = f64::from(k);
        sky.pass(t);
        let lone = fix(&mut sky, t, home(), 10.0);
        sky.join_lone(id, &lone, false);
    }
    let before = of(&sky, id, 29.0);
    let lone = fix(&mut sky, 20.0, there([30.0, 0.0, 0.0]), 10.0);
    let r = sky.existence(id).unwrap();
    assert_eq!(sky.join_lone(id, &lone, true), Joined::Late);
    let after = of(&sky, id, 29.0);
    assert!(apart(before.0, after.0) < 1e-6 && apart(before.1, after.1) < 1e-6, "{before:?} {after:?}");
    assert!(sky.existence(id).unwrap() > r);
}

#[test]
fn silence_tells_only_after_the_interval_and_the_longest_hold_counts() {
    let mut sky = sky();
    let lone = fix(&mut sky, 0.0, home(), 10.0);
    let id = sky.begin_lone(&lone, None, 0.99).unwrap();
    sky.heard(id, 0, 1.5, 1.5);
    let at = |sky: &mut Sky, t: f64| {
        sky.pass(t);
        sky.existence(id).unwrap()
    };
    assert!((at(&mut sky, 1.4) - 0.99).abs() < 1e-12);
    let mut patient = sky.clone();
    assert!(at(&mut sky, 8.0) < 0.05);
    patient.heard(id, 1, 3.0, 10.0);
    assert!(at(&mut patient, 8.0) > 0.5);
    assert!(at(&mut patient, 45.0) < 0.05);
}

#[test]
fn a_vague_track_does_not_swallow_what_is_likelier_new() {
    // A place two sigmas off: of a thing known to 20 m, and of one known to 2 km.
    let chance = |sigma: f64| {
        let mut sky = sky();
        let lone = fix(&mut sky, 0.0, home(), sigma);
        let id = sky.begin_lone(&lone, None, 0.6).unwrap();
        let lone = fix(&mut sky, 0.0, there([2.0 * sigma, 0.0, 0.0]), 5.0);
        sky.compare(id, &lone, false).unwrap().chance
    };
    assert!(chance(20.0) > 0.9, "{}", chance(20.0));
    assert!(chance(2_000.0) < 0.5, "{}", chance(2_000.0));
}

/// Someone looks from 250 m south.
fn look(sky: &mut Sky, t: f64, azimuth: f64, range: Option<(f64, f64)>, elevation: Option<f64>) -> Lone {
    let sight = Sight { own: 5.0, level: true, stray: [0.1, 25.0_f64.to_radians()] };
    let (median, var) = range.map_or((0.0, f64::INFINITY), |(m, s)| (m, s * s));
    let (el, var_el) = elevation.map_or((0.0, f64::INFINITY), |e| (e.to_radians(), 0.03));
    let m = Measured { z: [median, azimuth.to_radians(), el], r: [var, 5.0_f64.to_radians().powi(2), var_el] };
    sky.lone_look(t, there([0.0, -250.0, 0.0]), sight, m, 10_000.0, SURELY).unwrap()
}

/// A thing at home, of unknown height.
fn flat(sky: &mut Sky, sigma: f64) -> u64 {
    let place = Place { alt_hae_m: None, ..home() };
    let lone = sky.lone_place(0.0, place, &round(sigma), SURELY).unwrap();
    sky.begin_lone(&lone, None, 0.9).unwrap()
}

#[test]
fn an_outlier_bearing_moves_a_thing_less_than_a_plausible_one() {
    let moved = |azimuth: f64| {
        let mut sky = sky();
        let id = flat(&mut sky, 15.0);
        let lone = look(&mut sky, 0.0, azimuth, None, None);
        let d2 = sky.compare(id, &lone, false).unwrap().d2;
        assert_eq!(sky.join_lone(id, &lone, true), Joined::Moved);
        (of(&sky, id, 0.0).0[0], d2)
    };
    let ((fair, near), (outlier, far)) = (moved(6.0), moved(30.0));
    assert!(fair > 5.0, "{fair}");
    // Were the better component believed alone, it would be drawn by a third of 131 m.
    assert!(outlier < fair && outlier > 0.0, "{outlier}");
    assert!(moved(0.0).1 < 0.1 && near < 1.5 && far > near && far < 9.5, "{near} {far}");
}

#[test]
fn a_guessed_range_pulls_gently_and_says_nothing_of_a_height() {
    let mut sky = sky();
    let id = flat(&mut sky, 20.0);
    let lone = look(&mut sky, 0.0, 0.0, Some((175.0, 0.5)), None);
    sky.join_lone(id, &lone, true);
    let north = of(&sky, id, 0.0).0[1];
    assert!(north < 0.0 && north > -10.0, "{north}");
    assert!(sky.state_at(id, 0.0).unwrap().on_earth().unwrap().0.alt_hae_m.is_none());
}

#[test]
fn the_first_measured_height_is_taken_over_from_a_place_and_from_an_angle_up() {
    let mut sky = sky();
    let id = flat(&mut sky, 10.0);
    let lone = fix(&mut sky, 0.0, there([0.0, 0.0, 480.0]), 20.0);
    sky.join_lone(id, &lone, true);
    let (place, state) = sky.state_at(id, 0.0).unwrap().on_earth().unwrap();
    assert!((place.alt_hae_m.unwrap() - 980.0).abs() < 0.5, "{place:?}");
    assert!((state.pp[5].sqrt() - 20.0).abs() < 0.1, "{}", state.pp[5]);
    let mut sky = self::sky();
    let id = flat(&mut sky, 10.0);
    for k in 1..60 {
        let t = f64::from(k);
        sky.pass(t);
        let lone = sky.lone_place(t, Place { alt_hae_m: None, ..home() }, &round(10.0), SURELY).unwrap();
        sky.join_lone(id, &lone, true);
    }
    let lone = look(&mut sky, 59.0, 0.0, None, Some(30.0));
    assert_eq!(sky.join_lone(id, &lone, true), Joined::Moved);
    let (place, state) = sky.state_at(id, 59.0).unwrap().on_earth().unwrap();
    // 250 m away, at 30° up.
    assert!((place.alt_hae_m.unwrap() - 644.3).abs() < 3.0, "{place:?}");
    assert!((40.0..80.0).contains(&state.pp[5].sqrt()), "{}", state.pp[5]);
}

/// The same latitude and longitude at another height is the same place over ground, wherever in its square.
#[test]
fn what_is_known_with_and_without_a_height_is_over_the_same_ground() {
    let mut sky = sky();
    let high = Place { alt_hae_m: Some(4_000.0), ..there([900.0, -900.0, 0.0]) };
    let lone = sky.lone_place(0.0, Place { alt_hae_m: None, ..high }, &round(3.0), SURELY).unwrap();
    let id = sky.begin_lone(&lone, None, 0.9).unwrap();
    let (before, _) = sky.state_at(id, 0.0).unwrap().on_earth().unwrap();
    let lone = sky.lone_place(0.0, high, &round(3.0), SURELY).unwrap();
    assert!(sky.compare(id, &lone, false).unwrap().d2 < 1e-3);
    sky.join_lone(id, &lone, true);
    let lone = sky.lone_place(0.0, Place { alt_hae_m: None, ..high }, &round(3.0), SURELY).unwrap();
    assert!(sky.compare(id, &lone, false).unwrap().d2 < 1e-3);
    let (after, _) = sky.state_at(id, 0.0).unwrap().on_earth().unwrap();
    for p in [before, after] {
        assert!(high.distance_and_bearing(p).0 < 0.05, "{p:?}");
    }
}

/// A covariance may lie in any direction: the state has it, and what comes across it moves it as far as it should.
#[test]
fn a_covariance_that_lies_aslant_is_joined_as_it_lies() {
    // Long to the north-east, narrow across.
    let cov = [[500.0, 480.0, 0.0], [480.0, 500.0, 0.0], [0.0, 0.0, 100.0]];
    let mut sky = sky();
    let lone = sky.lone_place(0.0, home(), &cov, SURELY).unwrap();
    let id = sky.begin_lone(&lone, None, 0.9).unwrap();
    let (_, state) = sky.state_at(id, 0.0).unwrap().on_earth().unwrap();
    for (k, (i, j)) in [(0, (0, 0)), (1, (0, 1)), (2, (0, 2)), (3, (1, 1)), (4, (1, 2)), (5, (2, 2))] {
        assert!((state.pp[k] - cov[i][j]).abs() < 1e-6, "{:?}", state.pp);
    }
    let at = |sky: &mut Sky, e: f64, n: f64| {
        let lone = sky.lone_place(0.0, there([e, n, 0.0]), &cov, SURELY).unwrap();
        sky.compare(id, &lone, false).unwrap().d2
    };
    // (d · u)² over the sum of both variances along u: 980 and 20 each.
    assert!((at(&mut sky, 20.0, 20.0) - 800.0 / 1_960.0).abs() < 1e-3);
    assert!((at(&mut sky, 5.0, -5.0) - 50.0 / 40.0).abs() < 1e-3);
}

#[test]
fn a_radar_that_is_off_is_put_right_by_what_says_where_it_is() {
    let mut sky = sky();
    let mut id = 0;
    let at = |t: f64| [3_000.0 + 10.0 * t, 2_500.0 - 12.0 * t, 150.0];
    let off = 0.02;
    for k in 0..40 {
        let t = f64::from(k);
        sky.pass(t);
        let lone = fix(&mut sky, t, there(at(t)), 4.0);
        if id == 0 {
            id = sky.begin_lone(&lone, None, 0.9).unwrap();
        } else {
            sky.join_lone(id, &lone, true);
        }
        sky.says_itself(id, &lone);
        let p = at(t + 0.3);
        let r = (p[0] * p[0] + p[1] * p[1] + p[2] * p[2]).sqrt();
        let z = [r, libm::atan2(p[0], p[1]) + off, libm::asin(p[2] / r)];
        sky.pass(t + 0.3);
        let plot = sky.lone_plot(t + 0.3, home(), Measured { z, r: [100.0, 3e-4, 3e-4] }, RADAR).unwrap();
        sky.join_lone(id, &plot, true);
    }
    let known = (0..MOST_SENSORS).find_map(|k| sky.registration(k).filter(|r| r.is_known())).unwrap();
    assert!((known.off[1] - off).abs() < 0.003, "{:?}", known.off);
    // And the thing itself is not drawn aside: 0.02 rad of 3.9 km is 78 m.
    assert!(apart(of(&sky, id, 39.3).0, at(39.3)) < 6.0, "{:?}", of(&sky, id, 39.3));
}

/// A scan that shows nothing tells of whatever it could have shown, as far as the radar sees and no farther.
#[test]
fn an_empty_scan_speaks_against_what_is_in_reach_and_nothing_else() {
    let mut sky = sky();
    let radar = Sensor { range: [50.0, 6_000.0], elevation: [-PI, PI], ..radar() };
    let radar = sky.admit(&radar, home()).unwrap();
    let ids = [300.0, 2_900.0, 5_700.0, 6_900.0, 9_000.0].map(|north| {
        let lone = fix(&mut sky, 0.0, there([0.0, north, 100.0]), 10.0);
        sky.begin_lone(&lone, None, 0.9).unwrap()
    });
    let mut out = Vec::new();
    sky.pass(1.0);
    sky.scan(radar, 1.0, &[], &mut out);
    let seen = ids.map(|id| sky.existence(id).unwrap() < 0.6);
    assert_eq!(seen, [true, true, true, false, false]);
}

#[test]
fn sensors_come_and_go_and_their_number_is_bounded() {
    let mut sky = sky();
    let lone = fix(&mut sky, 0.0, home(), 10.0);
    let id = sky.begin_lone(&lone, None, 0.9).unwrap();
    sky.says_itself(id, &lone);
    // A radar that has learned something.
    let plot = Measured { z: [400.0, 0.1, 0.0], r: [100.0, 1e-4, 1e-4] };
    let plot = sky.lone_plot(0.0, there([-40.0, -398.0, 0.0]), plot, RADAR).unwrap();
    assert_eq!(sky.join_lone(id, &plot, true), Joined::Moved);
    let learned = |sky: &Sky| (0..MOST_SENSORS).any(|k| sky.registration(k).is_some_and(|r| r.rests_on > 0));
    assert!(learned(&sky));
    // Phones that move: each look is from elsewhere.
    let mut kept = 0;
    for k in 0..MOST_SENSORS + 500 {
        let from = there([f64::from(u32::try_from(k).unwrap()) * 0.01, -200.0, 0.0]);
        let sight = Sight { own: 5.0, level: true, stray: [0.0, 0.4] };
        let m = Measured { z: [0.0, 0.1, 0.0], r: [f64::INFINITY, 0.01, f64::INFINITY] };
        kept += usize::from(sky.lone_look(0.0, from, sight, m, 10_000.0, SURELY).is_some());
    }
    // One that finds no room is taken all the same.
    assert_eq!(kept, MOST_SENSORS + 500);
    assert!(learned(&sky), "what is still needed was forgotten");
    assert!(sky.registration(MOST_SENSORS).is_none() && sky.registration(MOST_SENSORS - 1).is_some());
    let mut bytes = Vec::new();
    ciborium::into_writer(&sky, &mut bytes).unwrap();
    let mut again: Sky = ciborium::from_reader(bytes.as_slice()).unwrap();
    // Long after, the places of old ones are free: what comes then is worked through again as if there had been none.
    let later = |sky: &mut Sky| {
        let at = |e: f64| there([50_000.0 + e, 0.0, 0.0]);
        sky.pass(2_002.0);
        let lone = fix(sky, 2_000.0, at(0.0), 10.0);
        let id = sky.begin_lone(&lone, None, 0.9).unwrap();
        for (t, e) in [(2_002.0, 30.0), (2_001.0, 4.0)] {
            let lone = fix(sky, t, at(e), 10.0);
            assert_eq!(sky.join_lone(id, &lone, true), Joined::Moved);
        }
        of(sky, id, 2_002.0)
    };
    let fresh = later(&mut self::sky());
    for sky in [&mut sky, &mut again] {
        assert!(apart(later(sky).0, fresh.0) < 1e-6);
    }
    let mut more = Vec::new();
    ciborium::into_writer(&sky, &mut more).unwrap();
    bytes.clear();
    ciborium::into_writer(&again, &mut bytes).unwrap();
    assert!(bytes == more);
}

#[test]
fn two_that_are_one_go_on_as_the_one_with_the_better_place() {
    let mut sky = sky();
    let vague = fix(&mut sky, 0.0, there([20.0, 0.0, 0.0]), 60.0);
    let first = sky.begin_lone(&vague, None, 0.5).unwrap();
    // In another square of the Earth's lattice, as may be.
    let sure = fix(&mut sky, 0.0, there([0.0, 0.0, 0.0]), 5.0);
    let second = sky.begin_lone(&sure, None, 0.8).unwrap();
    assert!(sky.distance2(first, second) < 1.0);
    sky.merge(first, second);
    assert!(sky.existence(second).is_none() && (sky.existence(first).unwrap() - 0.8).abs() < 1e-12);
    assert!(apart(of(&sky, first, 0.0).0, [0.0; 3]) < 0.01);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Looking only among what is near saves work and nothing else: what a report can be of is found, however it flew since,
    /// and from whatever square of the Earth.
    #[test]
    fn no_thing_is_left_out_that_a_report_can_be_of(
        lat in -80.0..80.0f64, lon in -180.0..180.0f64,
        starts in proptest::collection::vec(
            (-4e3..4e3f64, -4e3..4e3f64, 2.0..300.0f64, -60.0..60.0f64, -60.0..60.0f64, 0.0..12.0f64), 1..25),
        asks in proptest::collection::vec((-5e3..5e3f64, -5e3..5e3f64, 2.0..200.0f64, 0.0..2.5f64), 1..25),
    ) {
        let home = Place::new(lat, lon, None).unwrap();
        let at = |e: f64, n: f64| Place { alt_hae_m: None, ..Enu::at(home).to_place([e, n, 0.0]) };
        let mut sky = sky();
        let mut starts = starts;
        starts.sort_by(|a, b| a.5.total_cmp(&b.5));
        let mut ids = Vec::new();
        for (e, n, sigma, ve, vn, t) in starts {
            sky.pass(t);
            let lone = fix(&mut sky, t, at(e, n), sigma);
            ids.extend(sky.begin_lone(&lone, Some([ve, vn, 0.0]), 0.9));
        }
        for (k, (e, n, sigma, late)) in asks.into_iter().enumerate() {
            let t = 12.0 + 0.2 * k as f64;
            sky.pass(t);
            let lone = fix(&mut sky, t - late, at(e, n), sigma);
            let mut near = Vec::new();
            sky.near(&lone, &mut near);
            for id in &ids {
                if let Some(c) = sky.compare(*id, &lone, false)
                    && c.d2 < 16.0 && c.chance > 0.5
                {
                    prop_assert!(near.contains(id), "{c:?}");
                }
            }
        }
    }
}

/// A report that comes by itself: what it is of, when it was made, and how far off it is, in sigmas.
type One = (u8, u8, f64, [f64; 3]);

/// Takes reports as whoever keeps a book would: to the thing that it is likeliest of, else it is new; and a radar's scan at
/// times. Gives all that it saw of the sky.
fn keep_book(sky: &mut Sky, now: &mut f64, ones: &[One]) -> String {
    let (mut said, mut ids, mut out) = (String::new(), Vec::new(), Vec::new());
    for (kind, thing, age, off) in ones {
        *now += 0.25;
        let t = *now - age;
        let (k, p) = (f64::from(*thing), f64::from(*thing) * 300.0);
        let at = [p + 9.0 * t + 8.0 * off[0], 500.0 - k * 7.0 * t + 8.0 * off[1], 120.0 + 6.0 * off[2]];
        sky.pass(*now);
        let r = apart(at, [0.0; 3]);
        let seen = Measured { z: [r, libm::atan2(at[0], at[1]), libm::asin(at[2] / r)], r: [100.0, 1e-4, 1e-4] };
        let lone = match kind {
            0 | 1 => sky.lone_place(t, there(at), &round(8.0), SURELY),
            2 => sky.lone_place(t, Place { alt_hae_m: None, ..there(at) }, &round(12.0), SURELY),
            3 | 4 => sky.lone_plot(t, home(), seen, RADAR),
            5 | 6 => {
                let south = libm::atan2(at[0], at[1] + 250.0).to_degrees();
                Some(look(sky, t, south, (*kind == 5).then_some((400.0, 0.5)), (off[2] > 0.0).then_some(8.0)))
            }
            _ => {
                let slot = sky.admit(&radar(), home()).unwrap();
                sky.scan(slot, t, &[Plot { m: seen, name: None }], &mut out);
                None
            }
        };
        let Some(lone) = lone else { continue };
        sky.near(&lone, &mut ids);
        let best = ids
            .iter()
            .filter_map(|id| Some((*id, sky.compare(*id, &lone, false)?)))
            .max_by(|a, b| a.1.ln.total_cmp(&b.1.ln).then(b.0.cmp(&a.0)));
        let _ = write!(said, "{ids:?} {best:?} ");
        let id = match best {
            Some((id, c)) if c.chance > 0.3 => {
                sky.heard(id, *kind, 5.0, 20.0);
                let _ = write!(said, "{:?} ", sky.join_lone(id, &lone, true));
                Some(id)
            }
            _ => sky.begin_lone(&lone, None, 0.4),
        };
        if let Some(id) = id {
            if *kind == 0 {
                sky.says_itself(id, &lone);
            }
            let _ = writeln!(said, "{id} {:?} {:?}", sky.look_at(id, *now), sky.existence(id));
        }
    }
    said + &format!("{out:?}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn reports_by_themselves_go_on_over_what_was_kept_as_if_nothing_had_been_between(
        ones in proptest::collection::vec(
            (0..8u8, 0..5u8, prop_oneof![2 => Just(0.0), 1 => 0.0..9.0f64], proptest::array::uniform3(-2.0..2.0f64)), 1..120,
        ),
        cut in any::<prop::sample::Index>(),
    ) {
        let cut = cut.index(ones.len());
        let (mut whole, mut now) = (sky(), 100.0);
        let kept = |sky: &Sky| {
            let mut bytes = Vec::new();
            ciborium::into_writer(sky, &mut bytes).unwrap();
            bytes
        };
        keep_book(&mut whole, &mut now, &ones[..cut]);
        let mut again: Sky = ciborium::from_reader(&kept(&whole)[..]).unwrap();
        prop_assert_eq!(kept(&whole), kept(&again));
        let mut later = now;
        let (one, two) = (keep_book(&mut whole, &mut now, &ones[cut..]), keep_book(&mut again, &mut later, &ones[cut..]));
        prop_assert_eq!(one, two);
        prop_assert_eq!(kept(&whole), kept(&again));
    }
}
