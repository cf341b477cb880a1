//! Pictures hold what they are made from, where it belongs, and stay small.

use super::*;
use crate::{
    follow::follow,
    scene::{
        Arrival, Cov, Family, Meas, MeasurementFile, Reading, Request, Scene, SensorKind, State, TrackLine, Tracks,
        Truth, make, read_tracks, read_truth,
    },
    score::{Rules, Step, score},
};
use skypicket_track::sky::Settings;

fn all(family: Family, seconds: f64) -> (Scene, Truth, Tracks) {
    let scene = make(&Request { duration_s: Some(seconds), ..Request::new(family, 5) }).unwrap();
    let truth = read_truth(&scene.write_truth(Vec::new()).unwrap()[..], false).unwrap();
    let mut out = Vec::new();
    let measurements = scene.write_measurements(Vec::new()).unwrap();
    follow(MeasurementFile::open(&measurements[..]).unwrap(), Settings::default(), &mut out, |e| panic!("{e}"))
        .unwrap();
    let tracks = read_tracks(&out[..], scene.header.origin).unwrap();
    (scene, truth, tracks)
}

/// Paths of a class.
fn paths<'a>(svg: &'a str, class: &str) -> Vec<&'a str> {
    let mark = format!("<path class=\"{class}\" d=\"");
    svg.lines().filter_map(|l| l.strip_prefix(mark.as_str())?.strip_suffix("\"/>")).collect()
}

/// Points of a line, in pixels: M and L are places, l is the way from the one before.
fn points(d: &str) -> Vec<[f64; 2]> {
    let mut points: Vec<[f64; 2]> = Vec::new();
    for piece in d.replace('M', "|M").replace('l', "|l").split('|').skip(1) {
        let (sign, numbers) = piece.split_at(1);
        let mut numbers = numbers.split(' ').map(|n| n.parse::<f64>().unwrap());
        let [x, y] = [numbers.next().unwrap(), numbers.next().unwrap()];
        let from = if sign == "l" { *points.last().unwrap() } else { [0.0; 2] };
        points.push([from[0] + x, from[1] + y]);
    }
    points
}

#[track_caller]
fn near(a: &[[f64; 2]], b: &[[f64; 2]]) {
    assert_eq!(a.len(), b.len(), "{a:?}, not {b:?}");
    let off = a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(off < 0.3, "{a:?}, not {b:?}");
}

/// A picture, in which every element is closed, in order; attributes have no raw sign.
fn well_formed(svg: &str) {
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "a picture, also of nothing");
    assert!(svg.matches("<text ").count() > 2 && svg.contains("<rect "), "its heading and axes at least");
    assert!(!svg.chars().any(|c| c.is_control() && c != '\n'), "XML has no such character");
    let mut open: Vec<&str> = Vec::new();
    for piece in svg.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("closed");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(tag.split(' ').next().unwrap());
        }
        assert!(!tag.contains('&') && tag.matches('"').count().is_multiple_of(2), "{tag}");
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "a number is none");
}

#[test]
fn a_scene_shows_targets_measurements_tracks_and_ellipses_and_says_how_many_it_shows() {
    for family in &Family::ALL[..5] {
        let (scene, truth, tracks) = all(*family, 30.0);
        let detail = Detail { at_s: Some(20.0), ..Detail::default() };
        let draw = || scene_plot("<A & \"B\">", &scene.header, &scene.arrivals, &truth, &tracks, &detail);
        let svg = draw();
        well_formed(&svg);
        assert_eq!(svg, draw(), "the same input, the same bytes");
        assert!(svg.len() < 150_000, "{family:?}: {} bytes", svg.len());
        assert!(svg.contains("<title>&lt;A &amp; &quot;B&quot;&gt;</title>"), "{family:?}");
        assert!(svg.contains("10 to 30 s, with the ellipses of 20 s"), "{family:?}");
        // The legend's own line, and one or more in the panels.
        assert!(paths(&svg, "t").len() > 2, "{family:?}: targets");
        assert!(paths(&svg, "l k0").len() > 1, "{family:?}: tracks");
        assert!(
            (0..6).any(|k| paths(&svg, &format!("e k{k}")).iter().any(|d| d.matches('a').count() > 2)),
            "{family:?}: ellipses"
        );
        assert_eq!(svg.contains("radar plots: "), *family != Family::Bearings, "{family:?}");
        assert_eq!(
            svg.contains("bearings: "),
            *family == Family::Bearings,
            "{family:?}: beside radars bearings are not drawn"
        );
        assert_eq!(svg.contains("bearings are not drawn"), *family == Family::Mixed, "{family:?}");
    }
}

#[test]
fn more_measurements_than_can_be_told_apart_are_thinned_and_the_legend_says_so() {
    let scene = make(&Request::new(Family::Crossing, 5)).unwrap();
    let truth = read_truth(&scene.write_truth(Vec::new()).unwrap()[..], false).unwrap();
    // Twice over, so that there are too many in what is shown of the clutter's wide field.
    let arrivals = [&scene.arrivals[..], &scene.arrivals[..]].concat();
    let svg = scene_plot("x", &scene.header, &arrivals, &truth, &Tracks::default(), &Detail::default());
    let said = svg.split("radar plots: ").nth(1).unwrap();
    let number = |text: &str| text.trim().parse::<usize>().unwrap();
    let (drawn, rest) = said.split_once(" of ").unwrap();
    let of = number(rest.split(" drawn").next().unwrap());
    assert!(number(drawn) <= 1_800 && of > 1_800, "{drawn} of {of}");
    assert_eq!(paths(&svg, "p")[0].matches('M').count(), number(drawn), "as many dots as are said");
}

#[test]
fn everything_is_where_it_belongs() {
    let (mut scene, mut truth, _) = all(Family::PopUp, 30.0);
    // One that flies a kilometre to the east and half of one to the north, and a track of it that is 100 m too far north.
    let way: Vec<[f64; 3]> = (0..=10)
        .map(|k| f64::from(k) * 100.0)
        .map(|e| [e, 0.0, 50.0])
        .chain((1..=5).map(|k| [1_000.0, f64::from(k) * 100.0, 50.0]))
        .collect();
    let t: Vec<f64> = (0..16).map(f64::from).collect();
    let one = &mut truth.targets[0];
    (one.ignore, one.v, one.cov) = (false, vec![[0.0; 3]; 16], vec![1; 16]);
    (one.t, one.p) = (t.clone(), way.clone());
    truth.targets.truncate(1);
    let line = |(t, p): (&f64, &[f64; 3])| TrackLine {
        id: "1".into(),
        t: *t,
        ta: *t,
        p: Some([p[0], p[1] + 100.0, p[2]]),
        v: [0.0; 3],
        cov: Some(Cov::Position([[2_500.0, 0.0, 0.0], [0.0, 10_000.0, 0.0], [0.0, 0.0, 1.0]])),
        state: State::Confirmed,
        uas_id: None,
        suspect: false,
    };
    let tracks = Tracks { tracks: vec![t.iter().zip(&way).map(line).collect()], passed_over: 0 };
    // A plot of the first radar, straight north of it.
    let radar = scene.header.sensors.iter().position(|s| s.kind == SensorKind::Radar).unwrap();
    let reading = Reading::Radar { range: 300.0, az: 0.0, el: 0.0, var: [1.0; 3] };
    scene.arrivals = vec![Arrival::Meas(Meas { seq: 0, sensor: radar, scan: 0, t: 1.0, ta: 1.0, reading, id: None })];
    let stands = scene.header.sensors[radar].enu;
    let same = |a: [f64; 3]| a.iter().zip(&stands).all(|(a, b)| (a - b).abs() < 1e-9);
    scene.header.sensors.retain(|s| s.kind == SensorKind::Radar && same(s.enu));
    let detail = Detail { at_s: Some(10.0), side_m: Some(600.0), span_s: None };
    let svg = scene_plot("x", &scene.header, &scene.arrivals, &truth, &tracks, &detail);
    well_formed(&svg);

    let flown = points(paths(&svg, "t")[0]);
    let [a, b, c] = flown[..] else { panic!("{flown:?}: one corner") };
    let metre = (b[0] - a[0]) / 1_000.0;
    assert!(metre > 0.05, "east is to the right");
    near(&[b, c], &[[a[0] + 1_000.0 * metre, a[1]], [b[0], b[1] - 500.0 * metre]]);
    // The track, beside it by its error.
    let up = |p: [f64; 2], m: f64| [p[0], p[1] - m * metre];
    near(&points(paths(&svg, "l k0")[0]), &flown.iter().map(|p| up(*p, 100.0)).collect::<Vec<_>>());
    // The radar and its plot, from the scene's origin, which is where the way begins.
    let at = |east: f64, north: f64| [a[0] + east * metre, a[1] - north * metre];
    let dot = paths(&svg, "p")[0].strip_suffix("h0").unwrap();
    near(&points(dot), &[at(stands[0], stands[1] + 300.0)]);
    // Ellipses: the long axis, of 2.448 sigmas, lies north, and its middle is the track.
    let rings = paths(&svg, "e k0")[0];
    let first = rings.split('a').next().unwrap();
    let [x, y] = points(first)[0];
    let long = 2.447_75 * 100.0 * metre;
    let off = |y: f64| (y.abs() - long).abs();
    let middle = flown.iter().map(|p| up(*p, 100.0)).find(|m| (m[0] - x).abs() < 0.3 && off(m[1] - y) < 0.3);
    assert!(middle.is_some(), "from {x} {y}, {long} off the track");
    let axes: Vec<f64> = rings.split('a').nth(1).unwrap().split(' ').take(2).map(|n| n.parse().unwrap()).collect();
    assert!((axes[0] - long).abs() < 0.06 && (axes[1] - long / 2.0).abs() < 0.06, "{rings}: {long} and half of that");
}

#[test]
fn a_score_is_drawn_over_the_time_that_it_has() {
    let step = |t: f64, gospa: f64| Step { t, gospa, ospa2: 0.0, missed: 2, false_tracks: 1 };
    let steps = vec![step(0.5, 10.0), step(1.5, 40.0), step(10.0, 10.0)];
    let other = vec![step(0.5, 20.0), step(10.0, 30.0)];
    let level = Level { gospa: 20.0, name: "a level".into() };
    let svg = course_plot("Course", &[("seed 5".into(), steps), ("seed 6".into(), other)], Some(&level));
    well_formed(&svg);
    assert!(
        svg.contains(">seed 5<") && svg.contains(">seed 6<") && svg.contains(">a level<") && svg.contains(">GOSPA, m<")
    );
    // 10 s from the left edge of the frame to the right; 42 m, a little over the highest, from its foot to its top.
    let frame =
        |top: f64, high: f64, most: f64| move |t: f64, v: f64| [64.0 + 876.0 * t / 10.0, top + high * (1.0 - v / most)];
    let at = frame(66.0, 260.0, 42.0);
    near(&points(paths(&svg, "l k0")[0]), &[at(0.5, 10.0), at(1.5, 40.0), at(10.0, 10.0)]);
    near(&points(paths(&svg, "l k1")[0]), &[at(0.5, 20.0), at(10.0, 30.0)]);
    near(&points(paths(&svg, "i d")[0]), &[at(0.0, 20.0), at(10.0, 20.0)]);
    // Below it how many were missed and false, as the mean of both.
    let at = frame(390.0, 110.0, 2.1);
    let ends = |class: &str, k: usize| {
        let p = points(paths(&svg, class)[k]);
        [p[0], *p.last().unwrap()]
    };
    near(&ends("l k1", 2), &[at(0.5, 2.0), at(10.0, 2.0)]);
    near(&ends("l k0 d", 0), &[at(0.5, 1.0), at(10.0, 1.0)]);

    // Of a real one all seconds are there.
    let (_, truth, tracks) = all(Family::PopUp, 60.0);
    let steps = score(&truth, &tracks, &Rules::default()).steps;
    let last = steps.last().unwrap().t;
    assert!(last > 58.0, "{last} s");
    let svg = course_plot("Course", &[("seed 5".into(), steps)], None);
    well_formed(&svg);
    let line = points(paths(&svg, "l k0")[0]);
    assert!(
        (line[0][0] - 64.0 - 876.0 * 0.5 / last).abs() < 0.3 && (line.last().unwrap()[0] - 940.0).abs() < 0.3,
        "{line:?}"
    );
    // Nothing to draw is no reason to fail.
    well_formed(&course_plot("Nothing", &[], None));
    well_formed(&course_plot("Nothing", &[("a".into(), Vec::<Step>::new())], None));
}

#[test]
fn words_from_outside_are_words_in_the_picture() {
    let hostile = "</text><script>alert(1)</script>\u{1}\u{8}\u{fffe}\u{ffff}\"'&amp;";
    let step = Step { t: 1.0, gospa: 1.0, ospa2: 0.0, missed: 0, false_tracks: 0 };
    let level = Level { gospa: 1.0, name: hostile.into() };
    let svg = course_plot(hostile, &[(hostile.into(), vec![step])], Some(&level));
    well_formed(&svg);
    assert!(!svg.contains("<script") && !svg.contains('\u{fffe}') && !svg.contains('\u{ffff}'));
    assert_eq!(svg.matches("&lt;/text&gt;&lt;script&gt;").count(), 4, "title, heading, run, level");
}

#[test]
fn growth_is_drawn_from_nought_with_each_number_written() {
    let row = |targets, ns| Growth { targets, measurements: 10 * targets, ns, p99_us: 1.0, worst_us: 2.0 };
    let svg = growth_plot("Growth", &[row(10, 1_000.0), row(100, 1_400.0), row(10_000, 2_100.0)], 1.5);
    well_formed(&svg);
    for text in [">10<", ">100<", ">10,000<", ">1000<", ">1400<", ">2100<", ">0<", ">1.5 times the cheapest<"] {
        assert!(svg.contains(text), "{text}");
    }
    // By powers of ten: 100 is a third of the way from 10 to 10,000; nought is at the foot.
    let line = points(paths(&svg, "l k0")[0]);
    let [a, b, c] = line[..] else { panic!("{line:?}: three sizes") };
    assert!((b[0] - a[0] - (c[0] - a[0]) / 3.0).abs() < 0.3, "{line:?}");
    let foot = 66.0 + 280.0;
    assert!(((foot - a[1]) / 1_000.0 - (foot - c[1]) / 2_100.0).abs() < 0.001, "{line:?}");
    well_formed(&growth_plot("Nothing", &[], 1.5));
}
