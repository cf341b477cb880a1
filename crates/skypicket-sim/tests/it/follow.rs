//! What `follow` writes of a scene, and how well that fits: kept, so that a change of the engine which makes it worse is seen.

use skypicket_sim::{
    follow::{Followed, follow},
    scene::{Family, MeasurementFile, Request, Scene, State, Tracks, make, read_tracks, read_truth},
    score::{Rules, Scores, score},
};
use skypicket_track::sky::Settings;

fn scene(family: Family, seed: u64, duration_s: f64) -> Scene {
    make(&Request { duration_s: Some(duration_s), ..Request::new(family, seed) }).unwrap()
}

fn followed(measurements: &str) -> (String, Followed, Vec<String>) {
    let (mut out, mut bad) = (Vec::new(), Vec::new());
    let file = MeasurementFile::open(measurements.as_bytes()).unwrap();
    let done = follow(file, Settings::default(), &mut out, |e| bad.push(e.to_string())).unwrap();
    (String::from_utf8(out).unwrap(), done, bad)
}

fn text(scene: &Scene) -> String {
    String::from_utf8(scene.write_measurements(Vec::new()).unwrap()).unwrap()
}

fn tracks(scene: &Scene) -> Tracks {
    read_tracks(followed(&text(scene)).0.as_bytes(), scene.header.origin).unwrap()
}

fn scores(family: Family, seed: u64, duration_s: f64) -> Scores {
    let scene = scene(family, seed, duration_s);
    let truth = read_truth(&scene.write_truth(Vec::new()).unwrap()[..], false).unwrap();
    score(&truth, &tracks(&scene), &Rules::default()).scores
}

#[test]
fn scores_of_short_scenes_stay_as_good_as_they_were() {
    // Family, seconds, most of mean GOSPA, least completeness: what was measured, with some room.
    for (family, seconds, gospa, complete) in KEPT {
        let s = scores(*family, 21, *seconds);
        let (mean, completeness) = (s.gospa.mean.unwrap(), s.siap.completeness.unwrap());
        println!("{family:?}: GOSPA {mean} m, completeness {completeness}, NEES {:?}", s.nees.mean_per_dim);
        assert!(mean < *gospa, "{family:?}: GOSPA {mean} m");
        assert!(completeness > *complete, "{family:?}: completeness {completeness}");
    }
}

const KEPT: &[(Family, f64, f64, f64)] =
    &[(Family::ALL[0], 60.0, 16.0, 0.95), (Family::ALL[1], 50.0, 46.0, 0.93), (Family::ALL[4], 50.0, 46.0, 0.9)];

/// Its plane leaves the ground, and what stands and flies there is on the Earth all the same.
#[test]
fn a_scene_is_followed_as_well_3_000_km_from_its_origin() {
    let here = scene(Family::Crossing, 21, 20.0);
    let mut far = here.clone();
    far.header.origin.lon -= 32.0;
    let confirmed = |scene: &Scene| {
        let (out, done, _) = followed(&text(scene));
        assert_eq!(done.left_out.all(), 0);
        out.lines().filter(|l| l.contains("\"confirmed\"")).count()
    };
    let (here, far) = (confirmed(&here), confirmed(&far));
    assert!(here > 150 && far.abs_diff(here) * 20 < here, "{here} {far}");
}

#[test]
fn arrival_is_never_earlier_than_the_line_above_and_every_track_is_in_every_second() {
    let scene = scene(Family::ALL[4], 3, 40.0);
    let (out, done, bad) = followed(&text(&scene));
    assert_eq!((bad.len(), done.left_out.all(), done.bad_lines), (0, 0, 0));
    assert!(done.measurements > 0 && done.left_out.all() == 0 && done.reports > 0);
    assert_eq!(out, followed(&text(&scene)).0, "the same input, the same bytes");
    let mut before = f64::NEG_INFINITY;
    for line in out.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let ta = line["ta"].as_f64().unwrap();
        assert!(ta >= before, "{ta} after {before}");
        before = ta;
    }
    let last = before.floor();
    for track in read_tracks(out.as_bytes(), scene.header.origin).unwrap().tracks {
        let end = track.last().filter(|l| l.state == State::Deleted).map_or(last, |l| l.ta.floor());
        let mut second = track[0].ta.ceil();
        while second + 1.0 <= end {
            let here = track.iter().any(|l| l.ta > second && l.ta <= second + 1.0);
            assert!(here, "track {} is not in the second after {second}", track[0].id);
            second += 1.0;
        }
    }
}

#[test]
fn nothing_rests_on_what_came_later() {
    let all = text(&scene(Family::ALL[1], 5, 20.0));
    let lines: Vec<&str> = all.lines().collect();
    let half = lines[..lines.len() / 2].join("\n");
    let (whole, part) = (followed(&all).0, followed(&half).0);
    // The last look of the half has no end: what waits is taken when the file ends.
    let arrived = |l: &str| serde_json::from_str::<serde_json::Value>(l).unwrap()["ta"].as_f64().unwrap();
    let cut = part.lines().next_back().map_or(0.0, arrived).floor();
    let until = |text: &str| -> Vec<String> { text.lines().filter(|l| arrived(l) < cut).map(str::to_owned).collect() };
    assert!(until(&part).len() > 20);
    assert_eq!(until(&whole), until(&part));
}

#[test]
fn a_bad_line_is_named_and_the_rest_is_followed() {
    let all = text(&scene(Family::ALL[0], 5, 20.0));
    let mut lines: Vec<&str> = all.lines().collect();
    let early = r#"{"type":"meas","sensor":"R1","kind":"radar","scan":0,"t":5,"ta":1,"z":{"range":100,"az":0,"el":0.3},"R":[25,1e-4,1e-4],"id":null,"seq":0}"#;
    lines.insert(1, "{\"type\":");
    lines.insert(3, early);
    let (out, done, bad) = followed(&lines.join("\n"));
    assert_eq!(done.bad_lines, 2, "{bad:?}");
    assert!(bad[0].starts_with("line 2: byte"), "{bad:?}");
    assert!(bad[1].starts_with("line 4: t: 5 is after it arrived, 1"), "{bad:?}");
    assert_eq!(out, followed(&all).0);
}

#[test]
fn a_look_whose_end_was_lost_is_taken_all_the_same() {
    let scene = scene(Family::ALL[1], 5, 20.0);
    let all = text(&scene);
    let ends: Vec<&str> = all.lines().filter(|l| l.starts_with("{\"type\":\"scan\"")).collect();
    let without: Vec<&str> = all.lines().filter(|l| *l != ends[9] && *l != ends[19]).collect();
    let (out, done, bad) = followed(&without.join("\n"));
    assert_eq!((bad.len(), done.left_out.all()), (0, 0));
    let confirmed = |text: &str| {
        let tracks = read_tracks(text.as_bytes(), scene.header.origin).unwrap();
        tracks.tracks.iter().filter(|t| t.iter().any(|l| l.state == State::Confirmed)).count()
    };
    assert_eq!(confirmed(&out), confirmed(&followed(&all).0));
}

#[test]
fn a_long_silence_takes_no_longer_than_a_short_one() {
    let all = text(&scene(Family::ALL[0], 5, 5.0));
    let later = r#"{"type":"scan","sensor":"R1","scan":99,"t":9e9,"ta":9e9,"n":0,"seq":0}"#;
    let (out, done, bad) = followed(&format!("{}\n{later}\n", all.trim_end()));
    assert_eq!((bad.len(), done.left_out.all()), (0, 0));
    assert!(out.lines().last().unwrap().contains("deleted"), "the track is over");
}

#[test]
fn every_beginning_comes_to_an_end() {
    let all = text(&scene(Family::ALL[0], 5, 5.0));
    // What a second later is by addition is less than a second later by subtraction.
    let begun = |t0: &str| all.replacen("\"t0\":0.0", &format!("\"t0\":{t0}"), 1);
    let first = r#"{"type":"scan","sensor":"R1","scan":0,"t":1.0,"ta":1.0,"n":0,"seq":0}"#;
    let text = begun("1e-16");
    assert_ne!(text, all);
    let (head, _) = text.split_once('\n').unwrap();
    assert_eq!(followed(&format!("{head}\n{first}\n")).1.bad_lines, 0);
    // A scene that says that it begins after its measurements has its seconds all the same.
    let late = |text: &str| text.replacen("\"t1\":5.0", "\"t1\":1e10", 1);
    assert_eq!(followed(&late(&begun("1e10"))).0, followed(&late(&begun("0.1"))).0);
}

#[test]
fn radio_is_not_late_by_the_way_of_sound_whatever_else_a_sensor_says() {
    let all = text(&scene(Family::ALL[3], 5, 10.0));
    let (head, rest) = all.split_once('\n').unwrap();
    let mut said: serde_json::Value = serde_json::from_str(head).unwrap();
    let mut spoilt = 0;
    for s in said["sensors"].as_array_mut().unwrap() {
        if s["acoustic"] != true {
            s["speed_of_sound"] = 343.0.into();
            spoilt += 1;
        }
    }
    assert_eq!(spoilt, 2);
    assert_eq!(followed(&format!("{said}\n{rest}")).0, followed(&all).0);
}
