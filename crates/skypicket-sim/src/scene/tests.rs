//! Scenes hold what their own header promises; files come back as they went; bad files are refused by line.

use super::*;
use crate::scene::make::Scene;
use skypicket_model::geo::Enu;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    f64::consts::{PI, TAU},
};

const DEG: f64 = PI / 180.0;

fn scene(family: Family, seed: u64) -> Scene {
    make(&Request::new(family, seed)).unwrap()
}

fn truth(scene: &Scene) -> Truth {
    read_truth(&scene.write_truth(Vec::new()).unwrap()[..], true).unwrap()
}

fn sigma(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt())
}

fn wrap(a: f64) -> f64 {
    (a + PI).rem_euclid(TAU) - PI
}

/// A point in a sensor's own axes: range, azimuth, elevation.
fn polar(sensor: &Sensor, frame: &Enu, p: [f64; 3]) -> [f64; 3] {
    let [e, n, u] = Enu::at(sensor.place()).carry(frame, p);
    let range = (e * e + n * n + u * u).sqrt();
    [range, e.atan2(n), (u / range).asin()]
}

/// Residuals of true detections in units of their own sigma, by sensor.
fn residuals(scene: &Scene) -> BTreeMap<String, Vec<Vec<f64>>> {
    let (truth, frame) = (truth(scene), scene.header.origin.frame());
    let by_id: HashMap<&str, &Target> = truth.targets.iter().map(|t| (&*t.id, t)).collect();
    let mut found: BTreeMap<String, Vec<Vec<f64>>> = BTreeMap::new();
    for (k, arrival) in scene.arrivals.iter().enumerate() {
        let (Arrival::Meas(m), Some(origin)) = (arrival, scene.origin(k)) else { continue };
        let sensor = &scene.header.sensors[m.sensor];
        // Spoofs are nowhere; sound is late; both are looked at elsewhere.
        let Some(at) = by_id.get(origin).and_then(|t| t.at(m.t)).filter(|_| !sensor.acoustic) else { continue };
        let [range, az, el] = polar(sensor, &frame, at.p);
        let off = match m.reading {
            Reading::Radar { range: r, az: a, el: e, var } => {
                vec![(r - range) / var[0].sqrt(), wrap(a - az) / var[1].sqrt(), (e - el) / var[2].sqrt()]
            }
            Reading::Bearing { az: a, var } => vec![wrap(a - az) / var.sqrt()],
            Reading::Sighting { range: r, az: a, var } => {
                vec![(r - range) / var[0].sqrt(), wrap(a - az) / var[1].sqrt()]
            }
            Reading::Position { lla: [lat, lon, h], var } => {
                let q = frame.from_place(Place { lat_deg: lat, lon_deg: lon, alt_hae_m: Some(h) });
                (0..3).map(|i| (q[i] - at.p[i]) / var[i].sqrt()).collect()
            }
        };
        let values = found.entry(sensor.id.clone()).or_insert_with(|| vec![Vec::new(); off.len()]);
        values.iter_mut().zip(off).for_each(|(v, x)| v.push(x));
    }
    found
}

#[test]
fn the_same_request_gives_the_same_bytes_and_another_seed_others() {
    for family in Family::ALL {
        let request =
            Request { duration_s: Some(12.0), targets: family.targets().map(|n| n.min(12)), ..Request::new(family, 4) };
        let files = |r: &Request| {
            let s = make(r).unwrap();
            (s.write_measurements(Vec::new()).unwrap(), s.write_truth(Vec::new()).unwrap())
        };
        let (here, other) = (files(&request), files(&Request { seed: 5, ..request }));
        assert_eq!(here, files(&request), "{family:?}");
        // The head names the seed: what follows it must differ too.
        let body = |file: &[u8]| file[file.iter().position(|b| *b == b'\n').unwrap()..].to_vec();
        assert_ne!(body(&here.0), body(&other.0), "{family:?}");
    }
}

/// The same JSON, but for the last digit of a number, which the reader does not promise.
fn alike(a: &serde_json::Value, b: &serde_json::Value) -> bool {
    use serde_json::Value::{Array, Number, Object};
    match (a, b) {
        (Number(a), Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-15 * a.abs()
        }
        (Array(a), Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Object(a), Object(b)) => a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && alike(a, b)),
        _ => a == b,
    }
}

#[test]
fn a_scene_read_back_is_the_scene() {
    for family in Family::ALL {
        let s = make(&Request { duration_s: Some(20.0), ..Request::new(family, 2) }).unwrap();
        let bytes = s.write_measurements(Vec::new()).unwrap();
        let file = MeasurementFile::open(&bytes[..]).unwrap();
        let mut again = MeasurementWriter::new(Vec::new(), file.header()).unwrap();
        let mut count = 0;
        for arrival in file {
            again.write(&arrival.unwrap()).unwrap();
            count += 1;
        }
        assert_eq!(count, s.arrivals.len());
        let lines = |bytes: &[u8]| -> Vec<serde_json::Value> {
            bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect()
        };
        let (went, came) = (lines(&bytes), lines(&again.finish().unwrap()));
        assert!(went.iter().zip(&came).all(|(a, b)| alike(a, b)) && went.len() == came.len(), "{family:?}");

        let (t, samples) = (truth(&s), s.truth().count());
        assert_eq!(t.header.spoofers.len(), s.truth_header.spoofers.len());
        assert_eq!(t.first.len(), s.first.len());
        assert_eq!(t.targets.iter().map(|t| t.t.len()).sum::<usize>(), samples);
        let origins = t.origins.unwrap().by_seq;
        assert!(origins.iter().enumerate().all(|(k, o)| o.as_deref() == s.origin(k)));
        assert_eq!(origins.len(), count);
    }
}

#[test]
fn arrivals_are_in_order_and_as_late_as_the_header_says() {
    for family in Family::ALL {
        let s = make(&Request { duration_s: Some(30.0), ..Request::new(family, 3) }).unwrap();
        assert!(s.arrivals.is_sorted_by(|a, b| a.ta() <= b.ta()), "{family:?}");
        let mut looks: BTreeMap<(usize, u64), (u64, Option<u64>)> = BTreeMap::new();
        for (k, a) in s.arrivals.iter().enumerate() {
            match a {
                Arrival::Meas(m) => {
                    assert_eq!(m.seq, k as u64);
                    let [least, most] = s.header.sensors[m.sensor].latency;
                    let late = m.ta - m.t;
                    assert!(late >= least - 1e-3 && late <= most + 1e-3, "{family:?} {m:?}");
                    looks.entry((m.sensor, m.scan)).or_default().0 += 1;
                }
                Arrival::Scan(e) => looks.entry((e.sensor, e.scan)).or_default().1 = Some(e.n),
            }
        }
        for ((sensor, scan), (measured, said)) in looks {
            let scans = matches!(s.header.sensors[sensor].kind, SensorKind::Radar | SensorKind::Bearing);
            assert_eq!(said, scans.then_some(measured), "{family:?} sensor {sensor} look {scan}");
        }
    }
}

#[test]
fn noise_is_what_the_header_says_and_only_the_second_radar_of_the_mixed_scene_is_crooked() {
    let mut all: BTreeMap<(Family, String), Vec<Vec<f64>>> = BTreeMap::new();
    for (family, seeds) in [(Family::PopUp, 6), (Family::Swarm, 1), (Family::Bearings, 4), (Family::Mixed, 5)] {
        for seed in 1..=seeds {
            for (sensor, values) in residuals(&scene(family, seed)) {
                let sum = all.entry((family, sensor)).or_insert_with(|| vec![Vec::new(); values.len()]);
                sum.iter_mut().zip(values).for_each(|(s, v)| s.extend(v));
            }
        }
    }
    assert_eq!(all.len(), 2 + 2 + 2 + 7, "{:?}", all.keys());
    for ((family, sensor), values) in &all {
        for (k, v) in values.iter().enumerate() {
            let (mean, sd) = sigma(v);
            let told = format!("{family:?} {sensor} value {k}: {mean:.3} ± {sd:.3} of {}", v.len());
            // 1 degree of bias is 2 sigmas of that radar.
            let bias = if *family == Family::Mixed && sensor == "R2" && k == 1 { 2.0 } else { 0.0 };
            // A person's guess is log-normal: its mean is not quite the range.
            let (off, wide) = if sensor == "EYE1" { (0.35, 0.35) } else { (5.0 / (v.len() as f64).sqrt(), 0.06) };
            assert!((mean - bias).abs() < off.max(0.02), "{told}");
            assert!((sd - 1.0).abs() < wide, "{told}");
            assert!(v.len() > 60, "{told}");
        }
    }
}

#[test]
fn targets_are_detected_and_clutter_falls_as_often_as_the_header_says() {
    let (mut could, mut did) = (BTreeMap::new(), BTreeMap::new());
    let (mut clutter, mut looks) = (BTreeMap::new(), BTreeMap::new());
    for seed in 1..=4 {
        let s = scene(Family::Crossing, seed);
        let t = truth(&s);
        for (k, a) in s.arrivals.iter().enumerate() {
            match a {
                Arrival::Meas(m) if s.origin(k).is_some() => *did.entry(m.sensor).or_insert(0) += 1,
                Arrival::Meas(m) => *clutter.entry(m.sensor).or_insert(0) += 1,
                Arrival::Scan(e) => {
                    *looks.entry(e.sensor).or_insert(0) += 1;
                    let seen = t.targets.iter().filter(|g| g.at(e.t).is_some_and(|at| at.covered)).count();
                    *could.entry(e.sensor).or_insert(0) += seen;
                }
            }
        }
    }
    let share = f64::from(did[&0]) / could[&0] as f64;
    assert!((share - 0.9).abs() < 0.015, "P_d {share}");
    let rate = f64::from(clutter[&0]) / f64::from(looks[&0]);
    assert!((rate - 40.0).abs() < 1.0, "clutter {rate}");
}

#[test]
fn clutter_is_even_over_the_field_of_view() {
    let s = scene(Family::PopUp, 1);
    let r = &s.header.sensors[0];
    let mut parts = [[0u32; 4]; 3];
    for (k, a) in s.arrivals.iter().enumerate() {
        let (Arrival::Meas(m), None) = (a, s.origin(k)) else { continue };
        let Reading::Radar { range, az, el, .. } = m.reading else { continue };
        let share = [
            (range - r.rmin) / (r.rmax - r.rmin),
            wrap(az - r.az0) / r.az_width + 0.5,
            (el - r.el_min) / (r.el_max - r.el_min),
        ];
        for (part, x) in parts.iter_mut().zip(share) {
            assert!((-1e-6..=1.0 + 1e-6).contains(&x), "outside the field of view: {m:?}");
            let quarter = [0.25, 0.5, 0.75].iter().filter(|q| x >= **q).count();
            part[quarter] += 1;
        }
    }
    let all: u32 = parts[0].iter().sum();
    for part in parts {
        // Five sigmas of a quarter of them.
        let (quarter, wide) = (f64::from(all) / 4.0, 5.0 * (f64::from(all) * 0.25 * 0.75).sqrt());
        assert!(part.iter().all(|n| (f64::from(*n) - quarter).abs() < wide), "{part:?}");
    }
    let volume = (r.rmax - r.rmin) * r.az_width * (r.el_max - r.el_min);
    assert!((r.clutter_density.unwrap() * volume - r.clutter).abs() < 1e-9);
}

#[test]
fn nothing_flies_faster_or_harder_than_its_class() {
    let mut seen = BTreeSet::new();
    for family in Family::ALL {
        for target in &truth(&scene(family, 1)).targets {
            let (speed, accel) = match &*target.cls {
                "drone" => (25.0, 5.0),
                "fpv" => (40.0, 10.0),
                "crewed" => (75.0, 1.5),
                "bird" => (14.0, 3.0),
                other => panic!("{other}"),
            };
            seen.insert(target.cls.to_string());
            let norm = |v: [f64; 3]| (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt();
            for (k, v) in target.v.iter().enumerate() {
                // The swarm keeps its grid with some wobble.
                assert!(norm(*v) <= speed + 0.8, "{family:?} {} {} m/s", target.id, norm(*v));
                // Touching the ground stops a fall at once, as ground does.
                let low = target.p[k][2] < 3.0 || target.p[k.saturating_sub(1)][2] < 3.0;
                if k > 0 && !low && family != Family::Swarm {
                    let dt = target.t[k] - target.t[k - 1];
                    let a: [f64; 3] = std::array::from_fn(|i| (v[i] - target.v[k - 1][i]) / dt);
                    assert!(norm(a) <= accel + 0.3, "{family:?} {} {} m/s²", target.id, norm(a));
                }
            }
        }
    }
    assert_eq!(seen.len(), 4);
}

#[test]
fn the_crossing_meets_and_the_swarm_splits() {
    let at =
        |t: &Truth, when: f64| -> Vec<[f64; 3]> { t.targets.iter().filter_map(|x| x.at(when)).map(|a| a.p).collect() };
    let spread = |p: &[[f64; 3]]| {
        let (e, n): (Vec<f64>, Vec<f64>) = p.iter().map(|p| (p[0], p[1])).unzip();
        sigma(&e).1.hypot(sigma(&n).1)
    };
    let t = truth(&scene(Family::Crossing, 1));
    assert!(spread(&at(&t, 60.0)) < 200.0, "{}", spread(&at(&t, 60.0)));
    assert!(spread(&at(&t, 20.0)) > 400.0 && spread(&at(&t, 110.0)) > 400.0);
    let t = truth(&scene(Family::Swarm, 1));
    // 7 × 6 places on a grid of 28 m.
    assert!((60.0..110.0).contains(&spread(&at(&t, 50.0))), "{}", spread(&at(&t, 50.0)));
    assert!(spread(&at(&t, 140.0)) > 250.0, "{}", spread(&at(&t, 140.0)));
    // Nobody jumps where the split begins.
    for x in &t.targets {
        assert!(x.p.windows(2).all(|w| (w[0][0] - w[1][0]).hypot(w[0][1] - w[1][1]) < 5.6), "{}", x.id);
    }
}

#[test]
fn sound_points_where_the_drone_was() {
    // How much of the way that a drone made while its sound travelled is in the bearings: all of it.
    let (mut together, mut alone) = (0.0, 0.0);
    for seed in 1..=6 {
        let s = scene(Family::Bearings, seed);
        let (t, frame) = (truth(&s), s.header.origin.frame());
        let by_id: HashMap<&str, &Target> = t.targets.iter().map(|t| (&*t.id, t)).collect();
        for (k, a) in s.arrivals.iter().enumerate() {
            let (Arrival::Meas(m), Some(id)) = (a, s.origin(k)) else { continue };
            let sensor = &s.header.sensors[m.sensor];
            let (Reading::Bearing { az, .. }, true) = (m.reading, sensor.acoustic) else { continue };
            let at = |when: f64| by_id[id].at(when).map(|at| polar(sensor, &frame, at.p));
            let Some([range, straight, _]) = at(m.t) else { continue };
            let Some([_, delayed, _]) = at(m.t - range / 343.0) else { continue };
            let way = wrap(delayed - straight);
            together += wrap(az - straight) * way;
            alone += way * way;
        }
    }
    assert!((together / alone - 1.0).abs() < 0.2, "{}", together / alone);
}

#[test]
fn spoofs_are_claims_without_a_drone_and_finders_hear_their_sender() {
    let s = scene(Family::Mixed, 2);
    assert_eq!(s.truth_header.spoofers.len(), 2);
    assert!(s.truth().all(|t| !t.id.starts_with('X')), "no spoof is true");
    let frame = s.header.origin.frame();
    let (mut claims, mut bearings) = (0, 0);
    for (k, a) in s.arrivals.iter().enumerate() {
        let (Arrival::Meas(m), Some(spoofer)) =
            (a, s.origin(k).and_then(|o| s.truth_header.spoofers.iter().find(|x| x.id == o)))
        else {
            continue;
        };
        let sensor = &s.header.sensors[m.sensor];
        assert_eq!(m.id.as_deref(), spoofer.claimed.as_deref());
        match m.reading {
            Reading::Position { .. } => claims += 1,
            Reading::Bearing { az, var } => {
                bearings += 1;
                let [_, there, _] = polar(sensor, &frame, spoofer.emitter);
                assert!(wrap(az - there).abs() < 5.0 * var.sqrt(), "{m:?}");
            }
            _ => panic!("nothing else can know of a spoof: {m:?}"),
        }
    }
    assert!(claims > 50 && bearings > 50, "{claims} {bearings}");
    // Sightings are said in round numbers.
    for a in &s.arrivals {
        if let Arrival::Meas(Meas { reading: Reading::Sighting { range, az, .. }, .. }) = a {
            let round = |x: f64, step: f64| (x / step - (x / step).round()).abs() < 1e-4;
            assert!(round(*range, 50.0) && round(*az, 5.0 * DEG), "{a:?}");
        }
    }
    // Broadcasts fall silent for a while now and then.
    let heard: Vec<f64> = s
        .arrivals
        .iter()
        .enumerate()
        .filter_map(|(k, a)| match a {
            Arrival::Meas(m) if s.header.sensors[m.sensor].kind == SensorKind::RemoteId => {
                (s.origin(k) == Some("T1")).then_some(m.t)
            }
            _ => None,
        })
        .collect();
    let mut sorted = heard;
    sorted.sort_by(f64::total_cmp);
    assert!(sorted.windows(2).any(|w| w[1] - w[0] > 3.5), "a gap of several broadcasts");
}

#[test]
fn the_border_line_is_200_km_or_grows_with_its_targets_and_follows_the_earth() {
    let s = make(&Request { duration_s: Some(4.0), ..Request::new(Family::BorderLine, 1) }).unwrap();
    let mut kinds: BTreeMap<(SensorKind, bool), usize> = BTreeMap::new();
    s.header.sensors.iter().for_each(|x| *kinds.entry((x.kind, x.acoustic)).or_default() += 1);
    assert_eq!(kinds.into_values().collect::<Vec<_>>(), [20, 20, 4, 12, 4]);
    let grown =
        Request { targets: Some(3_000), grow: true, duration_s: Some(2.0), ..Request::new(Family::BorderLine, 1) };
    let g = make(&grown).unwrap();
    assert_eq!(g.header.sensors.len(), 600);
    let per = |s: &Scene, n: f64| s.arrivals.len() as f64 / n / s.header.t1;
    let ratio = per(&g, 3_000.0) / per(&s, 300.0);
    assert!((0.8..1.25).contains(&ratio), "the density stays: {ratio}");
    // 2,000 km of line, and every sensor stands 5 m over its ground.
    let first = g.header.sensors.iter().map(|x| x.lon).fold(f64::INFINITY, f64::min);
    let last = g.header.sensors.iter().map(|x| x.lon).fold(f64::NEG_INFINITY, f64::max);
    assert!(((last - first) * 94.7 - 2_000.0).abs() < 100.0, "{}", (last - first) * 94.7);
    assert!(g.header.sensors.iter().all(|x| (x.h - 1_145.0).abs() < 1e-3));
    let heights = g.truth().filter(|t| &*t.cls == "drone").map(|t| t.lla.unwrap()[2] - 1_140.0);
    assert!(heights.into_iter().all(|h| (-0.5..200.0).contains(&h)));
}

#[test]
fn requests_that_cannot_be_are_refused_with_what_can() {
    let r = Request::new(Family::Crossing, 1);
    assert_eq!(make(&Request { targets: Some(0), ..r }).unwrap_err(), NoSuchScene::Targets(0));
    assert_eq!(make(&Request { targets: Some(20_001), ..r }).unwrap_err(), NoSuchScene::Targets(20_001));
    assert_eq!(
        make(&Request { duration_s: Some(f64::NAN), ..r }).unwrap_err().to_string(),
        "NaN seconds: give 1 to 3600"
    );
    assert_eq!(make(&Request { grow: true, ..r }).unwrap_err(), NoSuchScene::Grows);
    let pop_up = Request { targets: Some(2), ..Request::new(Family::PopUp, 1) };
    assert_eq!(make(&pop_up).unwrap_err(), NoSuchScene::FixedTargets(1));
    // Any length that may be is a scene, also one that ends before some of its targets come.
    for family in Family::ALL {
        for duration in [1.0, 7.3, 61.0] {
            let request =
                Request { duration_s: Some(duration), targets: family.targets().map(|_| 1), ..Request::new(family, 1) };
            let s = make(&request).unwrap();
            assert!(s.arrivals.iter().all(|a| a.ta() < duration + 41.0));
            truth(&s);
        }
    }
    assert_eq!("f3".parse(), Ok(Family::Swarm));
    assert_eq!("border-line".parse(), Ok(Family::BorderLine));
    assert_eq!("f7".parse::<Family>(), Err(()));
}

const HEAD: &str = r#"{"type":"header","version":"x","origin":{"lat":31.76,"lon":-106.49,"h":1140},"t0":0,"t1":9,"score_dims":3,"sensors":[{"id":"R1","kind":"radar","lat":31.76,"lon":-106.49,"h":1145,"enu":[0,0,5],"period":1,"phase":0,"pd":0.9,"clutter":5,"rmin":30,"rmax":4000,"az0":0,"az_width":6.28,"el_min":-0.02,"el_max":0.7,"sigma":{"range":5,"az":0.01,"el":0.01},"latency":[0.1,0.1],"new_field":7}]}"#;
const MEAS: &str = r#"{"type":"meas","sensor":"R1","kind":"radar","scan":0,"t":0.5,"ta":0.6,"z":{"range":100,"az":-3.1,"el":0.3},"R":[25,1e-4,1e-4],"id":null,"seq":0}"#;

#[test]
fn a_bad_line_of_measurements_is_refused_by_number_and_the_next_is_read() {
    let long = format!(r#"{{"type":"meas","x":"{}"}}"#, "x".repeat(70_000));
    let cases = [
        ("", "", true),
        ("nonsense", "line 2: byte 2: expected ident", false),
        ("{}", "line 2: the type is '', not meas or scan", false),
        (long.as_str(), "line 2: longer than 65536 bytes", false),
        (&MEAS.replace("R1", "R2"), "line 2: sensor: not in the header", false),
        (&MEAS.replace("radar", "adsb"), "line 2: kind: not the one that the header gives this sensor", false),
        (&MEAS.replace("100,", "-1,"), "line 2: z.range: -1 is not 0 to 10000000", false),
        (&MEAS.replace(r#""range":100,"#, ""), "line 2: z.range: missing", false),
        (&MEAS.replace("25,", ""), "line 2: R: 2 numbers, not 3", false),
        (&MEAS.replace("25,", "0,"), "line 2: R: 0 is not", false),
        (&MEAS.replace("0.6", "1e999"), "line 2: byte", false),
        (&MEAS.replace("0.6", "1e300"), "line 2: ta: ", false),
        (r#"{"type":"scan","sensor":"R1","scan":0,"t":0.5,"ta":0.1,"seq":1}"#, "line 2: byte", false),
    ];
    for (bad, why, fine) in cases {
        let text = format!("{HEAD}\n{bad}\n{MEAS}\n\n{MEAS}");
        let read: Vec<_> = MeasurementFile::open(text.as_bytes()).unwrap().collect();
        let (good, refused): (Vec<_>, Vec<_>) = read.into_iter().partition(Result::is_ok);
        assert_eq!((good.len(), refused.len()), (2, usize::from(!fine)), "{bad:.60}");
        for e in refused {
            let said = e.unwrap_err().to_string();
            assert!(said.starts_with(why), "{said} for {bad:.60}");
        }
    }
    let late = format!("{HEAD}\n{MEAS}\n{}\n{MEAS}", MEAS.replace("0.6", "0.55"));
    let read: Vec<_> = MeasurementFile::open(late.as_bytes()).unwrap().collect();
    assert_eq!(read[1].as_ref().unwrap_err().to_string(), "line 3: ta: 0.55 is before the line above, 0.6");
    assert!(read[0].is_ok() && read[2].is_ok());
}

#[test]
fn a_head_that_cannot_be_is_refused() {
    let why = |text: &str| match MeasurementFile::open(text.as_bytes()) {
        Ok(_) => String::new(),
        Err(e) => e.to_string(),
    };
    assert_eq!(why(HEAD), "");
    assert_eq!(why(""), "line 1: the file ends before header");
    assert!(why(MEAS).starts_with("line 1: the type is 'meas', not header"));
    for (from, to, said) in [
        ("31.76", "131.76", "line 1: place: latitude 131.76"),
        (r#""t1":9"#, r#""t1":-9"#, "line 1: t1: before t0"),
        (r#""score_dims":3"#, r#""score_dims":4"#, "line 1: score_dims: 4 is not 2 or 3"),
        (r#""pd":0.9"#, r#""pd":1.9"#, "line 1: sensor R1: pd: 1.9 is not 0 to 1"),
        (r#""az":0.01,"#, "", "line 1: sensor R1: sigma.az: missing"),
        (r#""rmax":4000"#, r#""rmax":4"#, "line 1: sensor R1: rmax: 4 is not 30 to 10000000"),
        ("radar", "laser", "line 1: byte"),
        (r#""id":"R1""#, r#""id":"""#, "line 1: sensor : id: 0 bytes"),
    ] {
        let said_of_it = why(&HEAD.replacen(from, to, 1));
        assert!(said_of_it.starts_with(said), "{said_of_it} for {to}");
    }
}

#[test]
fn a_truth_or_track_file_is_read_whole_or_refused_by_line() {
    let head = r#"{"type":"truth_header","origin":{"lat":31.76,"lon":-106.49,"h":1140},"t0":0,"t1":9,"score_dims":3}"#;
    let sample = r#"{"type":"truth","id":"A","t":1,"p":[0,10,50],"v":[0,10,0],"cls":"drone","uas_id":null,"cov":1,"ignore":false}"#;
    let long = format!(r#"{{"type":"origin","by_seq":[{}null]}}"#, "null,".repeat(20_000));
    let text =
        format!("{head}\n{}\n{sample}\n{long}\n", sample.replace("\"t\":1", "\"t\":3").replace("10,50", "30,50"));
    let t = read_truth(text.as_bytes(), true).unwrap();
    assert_eq!(t.targets[0].t, [1.0, 3.0], "in the order of time");
    assert_eq!(t.origins.unwrap().by_seq.len(), 20_001);
    assert!(read_truth(text.as_bytes(), false).unwrap().origins.is_none());
    let at = t.targets[0].at(2.0).unwrap();
    assert!((at.p[1] - 20.0).abs() < 1e-12 && at.covered);
    assert!(t.targets[0].at(3.1).is_none());
    let refused = read_truth(format!("{head}\n{sample}\n{{\"type\":\"x\"}}").as_bytes(), false).unwrap_err();
    assert_eq!(refused.to_string(), "line 3: the type is 'x', not truth, first_det or origin");

    let origin = Origin { lat: 31.76, lon: -106.49, h: 1140.0 };
    let tracks = concat!(
        r#"{"type":"summary"}"#,
        "\n",
        r#"{"t":1}"#,
        "\n",
        r#"{"t":2,"ta":2.5,"id":7,"p":[0,0,0],"v":null,"P":[[1,0,0],[0,1,0],[0,0,1]],"state":"tentative"}"#,
        "\n",
        r#"{"t":1,"id":"7","lla":[31.76,-106.49,1150],"v":[1,2,3],"P":[1,0,0,0,2,0,0,0,3],"suspect":true}"#,
        "\n"
    );
    let got = read_tracks(tracks.as_bytes(), origin).unwrap();
    assert_eq!((got.passed_over, got.tracks.len()), (2, 1));
    let [first, second] = &got.tracks[0][..] else { panic!("{got:?}") };
    assert_eq!((first.ta, second.ta), (1.0, 2.5), "by the time of arrival");
    assert!((first.p.unwrap()[2] - 10.0).abs() < 1e-6 && first.suspect && first.state == State::Confirmed);
    assert_eq!(first.cov, Some(Cov::Position([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 3.0]])));
    for (bad, why) in [
        (r#"{"t":1,"id":1,"p":[1,2]}"#, "line 1: byte"),
        (r#"{"id":1}"#, "line 1: t: missing"),
        (r#"{"t":1,"id":1,"P":[[1,2],[3,4]]}"#, "line 1: P: neither 3 × 3 nor 6 × 6"),
        (r#"{"t":1,"id":1,"state":"perhaps"}"#, "line 1: byte"),
        (r#"{"t":1,"id":[]}"#, "line 1: id: neither text nor a number"),
    ] {
        let said = read_tracks(bad.as_bytes(), origin).unwrap_err().to_string();
        assert!(said.starts_with(why), "{said} for {bad}");
    }
}

#[test]
fn tracks_written_are_the_tracks_read() {
    let line = TrackLine {
        id: "a".into(),
        t: 1.25,
        ta: 1.5,
        p: Some([1.0, -2.0, 3.5]),
        v: [0.5, 0.0, -1.0],
        cov: Some(Cov::State(Box::new(std::array::from_fn(|i| std::array::from_fn(|j| (i * 6 + j) as f64))))),
        state: State::Deleted,
        uas_id: Some("U".into()),
        suspect: true,
    };
    let mut out = TrackWriter::new(Vec::new());
    out.write(&line).unwrap();
    let origin = Origin { lat: 31.76, lon: -106.49, h: 1140.0 };
    assert_eq!(read_tracks(&out.finish().unwrap()[..], origin).unwrap().tracks, [[line]]);
}
