//! What rests on bearings alone: several guesses beside one another.

use ciborium::Value;
use skypicket_track::sky::{Belief, Measured, Plot, Report, Sense, Sensor, Settings, Sky};
use std::f64::consts::PI;

const CORNERS: [[f64; 2]; 4] = [[-900.0, -900.0], [900.0, -900.0], [900.0, 900.0], [-900.0, 900.0]];
const FLAT: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
/// One sigma of a bearing, rad.
const SIGMA: f64 = 0.035;

/// Four finders of directions at the corners of a square, and a radar beside it.
fn sensors() -> Vec<Sensor> {
    let finder = |[x, y]: [f64; 2]| Sensor {
        sense: Sense::Bearing,
        at: [x, y, 5.0],
        axes: FLAT,
        over: 5.0,
        pd: 0.85,
        clutter: 0.3 / (2.0 * PI),
        range: [0.0, 3_000.0],
        sector: [0.0, PI],
        elevation: [-PI / 2.0, PI / 2.0],
        floor: f64::NEG_INFINITY,
        sound: None,
        sight: None,
    };
    let mut all: Vec<Sensor> = CORNERS.into_iter().map(finder).collect();
    all.push(Sensor { sense: Sense::Radar, clutter: 1e-6, ..finder([0.0, -1_500.0]) });
    all
}

fn sky() -> Sky {
    Sky::new(Settings::default(), sensors()).unwrap()
}

/// Three things that fly straight, each on the line from a finder through about the middle, so that bearings of all three
/// cross where nothing is.
fn thing(i: usize, t: f64) -> [f64; 3] {
    let sin = libm::sin;
    let middle = [60.0 * sin(31.5), 60.0 * libm::cos(19.5)];
    let n = i as f64;
    let far = 0.25 + 0.1 * sin(15.0 + n);
    let along = if i == 1 { 1.0 - far } else { 1.0 + far };
    let v = [6.0 * sin(25.5 + 2.0 * n), 6.0 * libm::cos(13.5 + 2.6 * n)];
    let [x, y] = [0, 1].map(|k| CORNERS[i][k] + along * (middle[k] - CORNERS[i][k]) + v[k] * t);
    [x, y, 60.0]
}

/// Every finder once a second, one after another, for half a minute: what each hears, with errors that a table of sines
/// makes; now and then a thing is not heard.
fn scans(things: usize) -> Vec<(usize, f64, Vec<Plot>)> {
    let of = |n: usize, k: usize| {
        let t = n as f64 + 0.25 * k as f64;
        let heard = (0..things).filter(|i| !(n * 5 + k * 3 + i * 7 + 15).is_multiple_of(6));
        let plot = |i: usize| {
            let off = 0.04 * libm::sin((n * 7 + k * 3 + i * 5 + 15) as f64 * 1.7);
            let az = sensors()[k].sees(&thing(i, t))[1] + off;
            Plot { m: Measured { z: [0.0, az, 0.0], r: [1.0, SIGMA * SIGMA, 1.0] }, name: None }
        };
        (k, t, heard.map(plot).collect())
    };
    (0..30).flat_map(|n| (0..4).map(move |k| (n, k))).map(|(n, k)| of(n, k)).collect()
}

/// What is believed, of these reports, a place each.
fn believed(out: &[Report]) -> Vec<(u64, [f64; 3])> {
    out.iter().filter(|r| r.belief == Belief::Confirmed).map(|r| (r.id, r.state.p)).collect()
}

fn apart(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    libm::hypot(a[0] - b[0], a[1] - b[1])
}

#[test]
fn where_bearings_of_several_things_cross_no_ghost_stays() {
    let (mut sky, mut out) = (sky(), Vec::new());
    let (mut missed, mut ghosts) = (0, 0);
    for (k, t, plots) in scans(3) {
        sky.scan(k, t, &plots, &mut out);
        if k < 3 || t < 10.0 {
            continue;
        }
        out.clear();
        // A second later, so that all are shown, none twice.
        sky.clone().tick(t + 1.0, &mut out);
        let shown = believed(&out);
        let all: Vec<_> = (0..3).map(|i| thing(i, t + 1.0)).collect();
        missed += all.iter().filter(|p| shown.iter().all(|s| apart(&s.1, p) > 60.0)).count();
        ghosts += shown.iter().filter(|s| all.iter().all(|p| apart(&s.1, p) > 60.0)).count();
    }
    assert!(missed <= 4 && ghosts <= 4, "of 60 places {missed} missed, {ghosts} where nothing is");
}

/// Flies 12 s, stands still 8 s, and goes on another way.
fn about(t: f64) -> [f64; 3] {
    let (mut p, mut left) = ([250.0, -150.0], t);
    for leg in [[11.0, 4.0], [-3.0, 10.0], [-9.0, -8.0], [10.0, -6.0], [-5.0, 9.0]] {
        let flown = left.clamp(0.0, 12.0);
        (p[0], p[1], left) = (p[0] + flown * leg[0], p[1] + flown * leg[1], left - 20.0);
    }
    [p[0], p[1], 60.0]
}

/// Mean distance from where it is, m, over several tables of errors.
fn off_by(settings: &Settings) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for table in 0..8 {
        let (mut sky, mut out) = (Sky::new(settings.clone(), sensors()).unwrap(), Vec::new());
        for n in 0..400 {
            let (k, t) = (n % 4, n as f64 / 4.0);
            let wave = |f: f64| libm::sin((n * n + 31 * table * n) as f64 * f + table as f64);
            // About normal: a sum of four sines.
            let off = SIGMA * 0.71 * (wave(0.013) + wave(0.71) + wave(1.37) + wave(2.9));
            let az = sensors()[k].sees(&about(t))[1] + off;
            let m = Measured { z: [0.0, az, 0.0], r: [1.0, SIGMA * SIGMA, 1.0] };
            out.clear();
            sky.scan(k, t, &[Plot { m, name: None }], &mut out);
            for (_, p) in believed(&out).iter().filter(|_| t > 10.0) {
                (sum, count) = (sum + apart(p, &about(t)), count + 1);
            }
        }
    }
    assert!(count > 2_500, "{count} places of 2,872");
    sum / f64::from(count)
}

#[test]
fn what_stops_and_turns_is_followed_more_closely_by_the_flight_that_bearings_assume() {
    let settings = Settings::default();
    let [own, same] =
        [settings.clone(), Settings { by_bearings: settings.flight, ..settings.clone() }].map(|s| off_by(&s));
    assert!(own < 0.98 * same && own < 30.0, "{own} m off, {same} m with the flight that others assume");
}

fn kept(sky: &Sky) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(sky, &mut bytes).unwrap();
    bytes
}

#[test]
fn guesses_that_were_kept_go_on_as_if_nothing_had_been_between() {
    let all = scans(3);
    let run = |cut: Option<usize>| {
        let (mut sky, mut out) = (sky(), Vec::new());
        for (n, (k, t, plots)) in all.iter().enumerate() {
            if cut == Some(n) {
                sky = ciborium::from_reader(&kept(&sky)[..]).unwrap();
            }
            sky.scan(*k, *t, plots, &mut out);
        }
        (format!("{out:?}"), kept(&sky))
    };
    let whole = run(None);
    for cut in [1, 9, 30, 77] {
        assert!(run(Some(cut)) == whole, "cut before scan {cut}");
    }
}

/// What is wrong, and how it comes to be.
type Wrong<'a> = (&'a str, &'a dyn Fn(&mut Value));

/// The field of a map.
fn field<'a>(of: &'a mut Value, name: &str) -> &'a mut Value {
    let map = of.as_map_mut().unwrap();
    &mut map.iter_mut().find(|(k, _)| k.as_text() == Some(name)).unwrap().1
}

#[test]
fn guesses_that_were_kept_and_are_damaged_are_refused() {
    let (mut sky, mut out) = (sky(), Vec::new());
    for (k, t, plots) in scans(3).iter().take(40) {
        sky.scan(*k, *t, plots, &mut out);
    }
    let whole: Value = ciborium::from_reader(&kept(&sky)[..]).unwrap();
    let read = |spoil: &dyn Fn(&mut Value)| {
        let mut value = whole.clone();
        spoil(field(&mut value, "guesses"));
        let mut bytes = Vec::new();
        ciborium::into_writer(&value, &mut bytes).unwrap();
        ciborium::from_reader::<Sky, _>(&bytes[..]).map(|_| ()).map_err(|e| e.to_string())
    };
    assert_eq!(read(&|_| ()), Ok(()));
    let first = |v: &mut Value, list: &str, name: &str, to: Value| {
        *field(&mut field(v, list).as_array_mut().unwrap()[0], name) = to;
    };
    let far = || Value::Integer(1_000_000.into());
    let wrong: [Wrong; 8] = [
        ("weight", &|v| first(v, "all", "ln", Value::Float(f64::NAN))),
        ("no such line", &|v| first(v, "all", "lines", Value::Array(vec![far()]))),
        ("no such bearing", &|v| {
            first(v, "all", "used", Value::Array(vec![Value::Array(vec![far(), Value::Float(1.0)])]));
        }),
        ("chance", &|v| first(v, "lines", "r", Value::Float(2.0))),
        ("no such flight", &|v| first(v, "lines", "flight", far())),
        ("number not given yet", &|v| first(v, "lines", "id", far())),
        ("flight without a leg", &|v| field(v, "flights").as_array_mut().unwrap()[0] = Value::Array(Vec::new())),
        ("bearings that are to come", &|v| *field(v, "next") = Value::Integer(0.into())),
    ];
    for (what, spoil) in wrong {
        let why = read(spoil).unwrap_err();
        assert!(why.contains("damaged"), "{what}: {why}");
    }
}

#[test]
fn what_a_radar_sees_of_a_thing_that_bearings_found_is_of_that_track_and_stays_so() {
    let (mut sky, mut out) = (sky(), Vec::new());
    let radar = &sensors()[4];
    let mut before = Vec::new();
    for (k, t, plots) in scans(1).into_iter().take_while(|s| s.1 <= 25.0) {
        out.clear();
        sky.scan(k, t, &plots, &mut out);
        if t >= 20.0 && k == 3 {
            if t < 21.0 {
                before.clone_from(&out);
            }
            let at = t + 0.1;
            let m = Measured { z: radar.sees(&thing(0, at)), r: [25.0, 1e-4, 1e-4] };
            sky.scan(4, at, &[Plot { m, name: None }], &mut out);
        }
    }
    // The last scan was one of bearings again.
    assert_eq!((believed(&before).len(), believed(&out).len()), (1, 1), "{before:?} {out:?}");
    assert_eq!(before[0].id, out[0].id);
    let sigma = |r: &Report| (r.state.pp[0] + r.state.pp[3]).sqrt();
    assert!(sigma(&before[0]) > 25.0 && sigma(&out[0]) < 20.0, "{} m, then {} m", sigma(&before[0]), sigma(&out[0]));
    assert!(apart(&out[0].state.p, &thing(0, 25.0)) < 15.0, "{out:?}");
}
