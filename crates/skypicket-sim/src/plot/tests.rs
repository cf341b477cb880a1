//! Pictures hold what they are made from, where it belongs, and stay small.

use super::*;
use crate::{
    follow::follow,
    scene::{Family, MeasurementFile, Request, Scene, Tracks, Truth, make, read_tracks, read_truth},
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

/// Every element is closed, in order; attributes have no raw sign.
fn well_formed(svg: &str) {
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
fn a_score_is_drawn_over_the_time_that_it_has() {
    let (_, truth, tracks) = all(Family::PopUp, 60.0);
    let steps = score(&truth, &tracks, &Rules::default()).steps;
    let level = Level { gospa: 20.0, name: "a level".into() };
    let svg = course_plot("Course", &[("seed 5".into(), steps.clone())], Some(&level));
    well_formed(&svg);
    assert!(svg.contains(">seed 5<") && svg.contains(">a level<") && svg.contains(">GOSPA, m<"));
    // 59.5 s of 59.5 s: from the left edge of the frame to the right.
    let line = paths(&svg, "l k0").into_iter().max_by_key(|d| d.len()).unwrap();
    assert!(line.starts_with("M7") || line.starts_with("M6"), "{line}");
    // Nothing to draw is no reason to fail.
    well_formed(&course_plot("Nothing", &[], None));
    well_formed(&course_plot("Nothing", &[("a".into(), Vec::<Step>::new())], None));
}

#[test]
fn growth_is_drawn_from_nought_with_each_number_written() {
    let row = |targets, ns| Growth { targets, measurements: 10 * targets, ns, p99_us: 1.0, worst_us: 2.0 };
    let svg = growth_plot("Growth", &[row(10, 1_000.0), row(100, 1_400.0), row(10_000, 2_100.0)], 1.5);
    well_formed(&svg);
    for text in [">10<", ">100<", ">10,000<", ">1000<", ">1400<", ">2100<", ">0<", ">1.5 times the cheapest<"] {
        assert!(svg.contains(text), "{text}");
    }
    well_formed(&growth_plot("Nothing", &[], 1.5));
}
