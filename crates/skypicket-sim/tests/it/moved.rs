//! What must change nothing: where the scene's metres begin, how the scene is turned, on which meridian it lies, and in
//! which order a look's plots are listed.

use skypicket_model::{
    Place,
    geo::{Enu, bearing_deg},
};
use skypicket_sim::{
    follow::Follower,
    scene::{Arrival, Family, Header, Origin, Reading, Request, Scene, Sensor, make},
};
use skypicket_track::sky::{Belief, Settings};
use std::collections::BTreeMap;

/// A report: when it was made, whose, of when, where, how sure.
#[derive(Debug, Clone)]
struct Said {
    ta: f64,
    id: String,
    t: f64,
    p: [f64; 3],
    var: f64,
    confirmed: bool,
}

fn followed(header: &Header, arrivals: &[Arrival]) -> Vec<Said> {
    let mut said = Vec::new();
    let mut follower = Follower::new(header, Settings::default(), |ta, r, _| {
        let var = r.state.pp[0] + r.state.pp[3] + r.state.pp[5];
        let confirmed = r.belief == Belief::Confirmed;
        said.push(Said { ta, id: r.id.to_string(), t: r.t, p: r.state.p, var, confirmed });
        Ok(())
    })
    .unwrap();
    for a in arrivals {
        follower.take(a).unwrap();
    }
    follower.finish().unwrap();
    said
}

fn scene(family: Family, seconds: f64, targets: Option<usize>) -> Scene {
    make(&Request { duration_s: Some(seconds), targets, ..Request::new(family, 41) }).unwrap()
}

/// Small scenes of every kind of measurement.
fn scenes() -> Vec<Scene> {
    vec![
        scene(Family::PopUp, 25.0, None),
        scene(Family::Crossing, 25.0, Some(3)),
        scene(Family::Swarm, 15.0, Some(4)),
        scene(Family::Bearings, 25.0, Some(1)),
        scene(Family::Mixed, 20.0, None),
    ]
}

fn far(a: [f64; 3], b: [f64; 3]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}

/// The same reports in the same order, of tracks at places that `back` brings to the first ones' within `near`, metres.
#[track_caller]
fn same(what: &str, first: &[Said], moved: &[Said], back: impl Fn([f64; 3]) -> [f64; 3], near: f64) {
    let confirmed = |said: &[Said]| said.iter().filter(|s| s.confirmed).count();
    assert!(confirmed(first) > 20, "{what}: {} confirmed reports", confirmed(first));
    assert_eq!((first.len(), confirmed(first)), (moved.len(), confirmed(moved)), "{what}: as many reports");
    let mut worst = 0.0_f64;
    for (a, b) in first.iter().zip(moved) {
        assert_eq!((&a.id, a.confirmed), (&b.id, b.confirmed), "{what}: at {}", a.ta);
        assert!((a.ta - b.ta).abs() < 1e-9 && (a.t - b.t).abs() < 1e-9, "{what}: at {}", a.ta);
        worst = worst.max(far(a.p, back(b.p)));
        assert!((b.var / a.var - 1.0).abs() < 0.01, "{what}: at {}: {} m², {} m²", a.ta, a.var, b.var);
    }
    println!("{what}: {} reports, {} of them confirmed, farthest {worst:.1e} m", first.len(), confirmed(first));
    assert!(worst < near, "{what}: {worst} m");
}

#[test]
fn another_origin_moves_the_tracks_and_nothing_else() {
    for scene in scenes() {
        let old = scene.header.origin;
        // At the same height: the origin's is where the engine takes the ground to be, and what comes from nowhere starts near it.
        let new = Origin { lat: old.lat + 0.02, lon: old.lon - 0.03, h: old.h };
        let (a, b) = (old.frame(), new.frame());
        // The same places, written in the other metres; what a sensor says is in its own and stays.
        let moved = |s: &Sensor| Sensor { enu: b.from_place(s.place()), ..s.clone() };
        let sensors = scene.header.sensors.iter().map(moved);
        let header = Header { origin: new, sensors: sensors.collect(), ..scene.header.clone() };
        let (first, moved) = (followed(&scene.header, &scene.arrivals), followed(&header, &scene.arrivals));
        same(&format!("family {:?}", scene.header.family), &first, &moved, |p| a.carry(&b, p), 0.5);
    }
}

#[test]
fn another_meridian_changes_nothing() {
    let turned = |lon: f64| (lon + 250.0 + 180.0).rem_euclid(360.0) - 180.0;
    for scene in scenes() {
        let old = &scene.header;
        let mut header = old.clone();
        header.origin.lon = turned(old.origin.lon);
        header.sensors.iter_mut().for_each(|s| s.lon = turned(s.lon));
        let mut arrivals = scene.arrivals.clone();
        for a in &mut arrivals {
            if let Arrival::Meas(m) = a
                && let Reading::Position { lla, .. } = &mut m.reading
            {
                lla[1] = turned(lla[1]);
            }
        }
        let (first, moved) = (followed(old, &scene.arrivals), followed(&header, &arrivals));
        same(&format!("family {:?}", old.family), &first, &moved, |p| p, 0.1);
    }
}

/// The scene turned about the upright axis of its origin: sensors, what they say, and where broadcasts are.
fn turned(scene: &Scene, by: f64) -> (Header, Vec<Arrival>) {
    let frame = scene.header.origin.frame();
    let (s, c) = by.sin_cos();
    let turn = |p: [f64; 3]| [c * p[0] + s * p[1], c * p[1] - s * p[0], p[2]];
    let mut header = scene.header.clone();
    for sensor in &mut header.sensors {
        sensor.enu = turn(frame.from_place(sensor.place()));
        let at = frame.to_place(sensor.enu);
        (sensor.lat, sensor.lon, sensor.h) = (at.lat_deg, at.lon_deg, at.alt_hae_m.unwrap());
        sensor.az0 = (sensor.az0 + by + std::f64::consts::PI).rem_euclid(std::f64::consts::TAU) - std::f64::consts::PI;
    }
    let frames = |h: &Header| h.sensors.iter().map(|s| Enu::at(s.place())).collect::<Vec<_>>();
    let (own, new) = (frames(&scene.header), frames(&header));
    let mut arrivals = scene.arrivals.clone();
    for a in &mut arrivals {
        let Arrival::Meas(m) = a else { continue };
        let k = m.sensor;
        // From the sensor's metres into the scene's, turned, and back: the planes at two places differ by a little.
        let there = |range: f64, az: f64, el: f64| {
            let level = range * el.cos();
            new[k].carry(&frame, turn(frame.carry(&own[k], [level * az.sin(), level * az.cos(), range * el.sin()])))
        };
        match &mut m.reading {
            Reading::Radar { range, az, el, .. } => {
                let [e, n, u] = there(*range, *az, *el);
                (*range, *az, *el) = (far([e, n, u], [0.0; 3]), e.atan2(n), u.atan2(e.hypot(n)));
            }
            Reading::Bearing { az, .. } => {
                let [e, n, _] = there(1_000.0, *az, 0.0);
                *az = bearing_deg(e, n).to_radians();
            }
            Reading::Sighting { range, az, .. } => {
                let [e, n, _] = there(*range, *az, 0.0);
                *az = bearing_deg(e, n).to_radians();
            }
            Reading::Position { lla, .. } => {
                let at = Place { lat_deg: lla[0], lon_deg: lla[1], alt_hae_m: Some(lla[2]) };
                let at = frame.to_place(turn(frame.from_place(at)));
                *lla = [at.lat_deg, at.lon_deg, at.alt_hae_m.unwrap()];
            }
        }
    }
    (header, arrivals)
}

#[test]
fn a_turned_scene_gives_turned_tracks() {
    for scene in scenes() {
        let first = followed(&scene.header, &scene.arrivals);
        for by in [1.0_f64, -2.2] {
            let (header, arrivals) = turned(&scene, by);
            let moved = followed(&header, &arrivals);
            let (s, c) = by.sin_cos();
            let back = |p: [f64; 3]| [c * p[0] - s * p[1], c * p[1] + s * p[0], p[2]];
            same(&format!("family {:?} turned by {by}", scene.header.family), &first, &moved, back, 1.0);
        }
    }
}

/// What was said at each moment, whatever the order and the ids.
fn at_each(said: &[Said]) -> BTreeMap<String, Vec<&Said>> {
    let mut all: BTreeMap<String, Vec<&Said>> = BTreeMap::new();
    for s in said {
        all.entry(format!("{:.6}", s.ta)).or_default().push(s);
    }
    for v in all.values_mut() {
        v.sort_by(|a, b| a.p[0].total_cmp(&b.p[0]).then(a.p[1].total_cmp(&b.p[1])));
    }
    all
}

#[test]
fn the_order_of_a_looks_plots_changes_nothing() {
    for scene in scenes() {
        let mut arrivals = scene.arrivals.clone();
        // Plots of one look come one after the other: each such run is turned round.
        let mut from = 0;
        while from < arrivals.len() {
            let look = |a: &Arrival| match a {
                Arrival::Meas(m) => Some((m.sensor, m.scan)),
                Arrival::Scan(_) => None,
            };
            let mut to = from + 1;
            while to < arrivals.len() && look(&arrivals[from]).is_some() && look(&arrivals[to]) == look(&arrivals[from])
            {
                to += 1;
            }
            arrivals[from..to].reverse();
            from = to;
        }
        let what = format!("family {:?}", scene.header.family);
        let (first, other) = (followed(&scene.header, &scene.arrivals), followed(&scene.header, &arrivals));
        let (a, b) = (at_each(&first), at_each(&other));
        assert_eq!(a.len(), b.len(), "{what}: as many moments");
        let mut worst = 0.0_f64;
        for ((ta, a), (tb, b)) in a.iter().zip(&b) {
            assert_eq!((ta, a.len()), (tb, b.len()), "{what}");
            for (a, b) in a.iter().zip(b) {
                assert_eq!(a.confirmed, b.confirmed, "{what}: at {}", a.ta);
                worst = worst.max(far(a.p, b.p));
            }
        }
        println!("{what}: {} reports, farthest {worst:.1e} m", first.len());
        assert!(worst < 0.01, "{what}: {worst} m");
    }
}
