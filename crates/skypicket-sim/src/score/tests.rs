//! Cases whose scores can be worked out by hand.

use super::*;
use crate::scene::{read_tracks, read_truth};
use std::fmt::Write;

const HEAD: &str = r#"{"type":"truth_header","family":0,"seed":0,"origin":{"lat":31.76,"lon":-106.49,"h":1140},"t0":0,"t1":20,"score_dims":3}"#;

/// A target that flies north from (east, 0) at 10 m/s, seen for the first time at 1.1 s.
fn target(id: &str, east: f64, more: &str) -> String {
    let mut text = format!("{{\"type\":\"first_det\",\"id\":\"{id}\",\"t\":1,\"ta\":1.1}}\n");
    for t in 0..=20 {
        let north = 10 * t;
        writeln!(
            text,
            r#"{{"type":"truth","id":"{id}","t":{t},"p":[{east},{north},50],"v":[0,10,0],"cls":"drone",{more}}}"#
        )
        .unwrap();
    }
    text
}

const SEEN: &str = r#""cov":1,"uas_id":null"#;

/// A track beside it, a report each second, a tenth of a second late.
fn track(id: &str, east: f64, from: u32, to: u32, more: &str) -> String {
    (from..=to).fold(String::new(), |mut text, t| {
        let (ta, north) = (f64::from(t) + 0.1, 10 * t);
        writeln!(text, r#"{{"t":{t},"ta":{ta},"id":"{id}","p":[{east},{north},50],"v":[0,10,0]{more}}}"#).unwrap();
        text
    })
}

fn scored(targets: &str, tracks: &str) -> Scored {
    let truth = read_truth(format!("{HEAD}\n{targets}").as_bytes(), false).unwrap();
    let tracks = read_tracks(tracks.as_bytes(), truth.header.origin).unwrap();
    score(&truth, &tracks, &Rules::default())
}

fn run(targets: &str, tracks: &str) -> Scores {
    scored(targets, tracks).scores
}

fn close(a: impl Into<Option<f64>>, b: f64) {
    let a: Option<f64> = a.into();
    assert!(a.is_some_and(|a| (a - b).abs() < 1e-9), "{a:?}, not {b}");
}

#[test]
fn a_perfect_track_is_missed_only_before_it_begins() {
    let o = run(&target("A", 0.0, r#""cov":1,"uas_id":"U1""#), &track("k", 0.0, 5, 20, r#","uas_id":"U1""#));
    assert_eq!(o.grid_steps, 20);
    close(o.gospa.n_missed, 0.25);
    close(o.gospa.loc2, 0.0);
    close(o.gospa.false2, 0.0);
    close(o.gospa.missed2, 5.0 * 1250.0 / 20.0);
    close(o.siap.completeness, 0.75);
    close(o.ttfc.mean, 4.0);
    close(o.siap.longest_segment, 0.75);
    assert_eq!((o.mot.id_switches, o.mot.fragments, o.identity.right, o.identity.wrong), (0, 0, 15, 0));
}

#[test]
fn a_new_label_is_a_switch() {
    let tracks = track("k", 0.0, 0, 11, "")
        + "{\"t\":12,\"ta\":12.1,\"id\":\"k\",\"state\":\"deleted\"}\n"
        + &track("m", 0.0, 12, 20, "");
    let o = run(&target("A", 0.0, SEEN), &tracks);
    assert_eq!(o.mot.id_switches, 1);
    close(o.siap.track_number_change_rate, 1.0 / 20.0);
    close(o.siap.longest_segment, 12.0 / 20.0);
}

#[test]
fn swapped_labels_are_seen_by_switches_and_by_ospa2_and_not_by_gospa() {
    let targets = target("A", 0.0, SEEN) + &target("B", 200.0, SEEN);
    let tracks = track("k", 0.0, 0, 9, "")
        + &track("k", 200.0, 10, 20, "")
        + &track("m", 200.0, 0, 9, "")
        + &track("m", 0.0, 10, 20, "");
    let o = run(&targets, &tracks);
    assert_eq!(o.mot.id_switches, 2);
    close(o.gospa.mean, 0.0);
    // Windows with k steps of the ten on the other side have min(k, 10 - k) steps at c = 50 m: (1+2+3+4+5+4+3+2+1) × 5 m.
    close(o.ospa2, 25.0 * 5.0 / 20.0);
}

#[test]
fn errors_doubles_false_tracks_and_consistency() {
    let tracks = track("k", 6.0, 0, 20, r#","P":[[36,0,0],[0,36,0],[0,0,36]]"#)
        + &track("dup", 20.0, 0, 20, "")
        + &track("far", 900.0, 0, 20, "");
    let scored = scored(&target("A", 0.0, SEEN), &tracks);
    let o = scored.scores;
    close(o.nees.mean_per_dim, 1.0 / 3.0);
    close(o.nees.frac_in_95, 1.0);
    close(o.gospa.loc2, 36.0);
    close(o.gospa.n_false, 2.0);
    close(o.gospa.rms, (36.0_f64 + 2500.0).sqrt());
    close(o.siap.ambiguity, 2.0);
    close(o.siap.spuriousness, 1.0 / 3.0);
    close(o.siap.pos_acc, 6.0);
    assert_eq!((o.nees.n, scored.steps.len()), (20, 20));
    assert!(scored.steps.iter().all(|s| s.false_tracks == 2 && s.missed == 0));
    close(scored.steps.iter().map(|s| s.gospa).sum::<f64>() / 20.0, o.gospa.mean.unwrap());
}

#[test]
fn what_does_not_count_is_neither_good_nor_bad() {
    let targets =
        target("A", 0.0, SEEN) + &target("B", 300.0, r#""cov":0"#) + &target("C", 600.0, r#""cov":1,"ignore":true"#);
    let tracks = track("k", 0.0, 0, 20, r#","state":"tentative""#)
        + &track("b", 300.0, 0, 20, "")
        + &track("c", 600.0, 0, 20, "")
        + &track("s", 900.0, 0, 20, r#","suspect":true"#)
        + &track("r", 10.0, 0, 20, r#","suspect":true"#);
    let o = run(&targets, &tracks);
    close(o.gospa.n_missed, 1.0);
    close(o.gospa.n_false, 0.0);
    assert_eq!((o.identity.suspect_steps, o.identity.suspect_on_real), (40, 20));
    assert_eq!((o.ttfc.never, o.ttfc.n), (1, 1));
    assert_eq!(o.ttfc.mean, None);
}

#[test]
fn a_silent_track_is_gone_after_three_seconds_and_found_again_is_a_fragment() {
    let o = run(&target("A", 0.0, SEEN), &track("k", 0.0, 2, 2, ""));
    close(o.siap.completeness, 3.0 / 20.0);
    let o = run(&target("A", 0.0, SEEN), &(track("k", 0.0, 2, 2, "") + &track("k", 0.0, 10, 10, "")));
    close(o.siap.completeness, 6.0 / 20.0);
    assert_eq!((o.mot.fragments, o.mot.id_switches), (1, 0));
}

#[test]
fn degrees_score_as_metres_do() {
    let frame = crate::scene::Origin { lat: 31.76, lon: -106.49, h: 1140.0 }.frame();
    let mut tracks = String::new();
    for t in 0..=20 {
        let p = frame.to_place([0.0, 10.0 * f64::from(t), 50.0]);
        let (lat, lon, h) = (p.lat_deg, p.lon_deg, p.alt_hae_m.unwrap());
        writeln!(tracks, r#"{{"t":{t},"ta":{t}.1,"id":1,"lla":[{lat},{lon},{h}],"v":[0,10,0]}}"#).unwrap();
    }
    assert!(run(&target("A", 0.0, SEEN), &tracks).gospa.mean.unwrap() < 1e-6);
}

#[test]
fn an_empty_track_file_misses_everything() {
    let o = run(&target("A", 0.0, SEEN), "");
    close(o.gospa.n_missed, 1.0);
    close(o.ospa2, 50.0);
    close(o.gospa.mean, (1250.0_f64).sqrt());
    assert_eq!((o.siap.pos_acc, o.nees.mean_per_dim, o.nees.bounds95), (None, None, [None, None]));
    assert!(o.to_string().contains("position - m"), "{o}");
    let nothing = run("", "");
    close(nothing.gospa.mean, 0.0);
    close(nothing.ospa2, 0.0);
}

#[test]
fn heights_do_not_count_in_two_dimensions() {
    let head = HEAD.replace("\"score_dims\":3", "\"score_dims\":2");
    let truth = read_truth(format!("{head}\n{}", target("A", 0.0, SEEN)).as_bytes(), false).unwrap();
    let tracks = track("k", 3.0, 0, 20, r#","P":[[9,0,0],[0,9,0],[0,0,1e-9]]"#).replace(",50]", ",500]");
    let tracks = read_tracks(tracks.as_bytes(), truth.header.origin).unwrap();
    let o = score(&truth, &tracks, &Rules::default()).scores;
    close(o.gospa.mean, 3.0);
    close(o.nees.mean_per_dim, 0.5);
}

#[test]
fn the_inverse_is_the_inverse() {
    close(squared([[4.0, 1.0, 0.0], [1.0, 3.0, 0.5], [0.0, 0.5, 2.0]], [1.0, 2.0, 3.0], 3), 5.1309523809523805);
    // A pivot of zero is no singular matrix.
    close(squared([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], [2.0, 3.0, 0.0], 2), 12.0);
    assert_eq!(squared([[0.0; 3]; 3], [1.0; 3], 3), None);
}

#[test]
fn a_ghosts_track_is_counted_from_when_it_is_seen_there_and_a_real_one_beside_it_is_not() {
    // A sender that claims a drone at 500 m east, flying north as the target does at 0 m.
    let head = HEAD.replace(
        "\"score_dims\":3",
        "\"score_dims\":3,\"spoofers\":[{\"id\":\"X\",\"claimed\":\"U9\",\"emitter\":[0,0,0]}]",
    );
    let frame = crate::scene::Origin { lat: 31.76, lon: -106.49, h: 1140.0 }.frame();
    let sensor = r#"{"id":"RID","kind":"remoteid","lat":31.76,"lon":-106.49,"h":1140,"enu":[0,0,0],"period":1,"phase":0,"pd":1,"clutter":0,"rmin":0,"rmax":9000,"az0":0,"az_width":6.2,"el_min":-1.5,"el_max":1.5,"sigma":{"h":5,"v":5},"latency":[0.1,0.1]}"#;
    let mut meas = format!(
        "{{\"type\":\"header\",\"version\":\"x\",\"origin\":{{\"lat\":31.76,\"lon\":-106.49,\"h\":1140}},\"t0\":0,\"t1\":20,\"score_dims\":3,\"sensors\":[{sensor}]}}\n"
    );
    let mut origins = Vec::new();
    // Silent from 8 to 16 s: where it would be then, nobody claims.
    for (seq, t) in (0..=20).filter(|t| !(9..16).contains(t)).enumerate() {
        let p = frame.to_place([500.0, 10.0 * f64::from(t), 50.0]);
        let z = format!("{{\"lat\":{},\"lon\":{},\"h\":{}}}", p.lat_deg, p.lon_deg, p.alt_hae_m.unwrap());
        writeln!(meas, r#"{{"type":"meas","sensor":"RID","kind":"remoteid","scan":{seq},"t":{t},"ta":{t}.1,"z":{z},"R":[25,25,25],"id":"U9","seq":{seq}}}"#).unwrap();
        origins.push("\"X\"");
    }
    let truth =
        format!("{head}\n{}{{\"type\":\"origin\",\"by_seq\":[{}]}}\n", target("A", 0.0, SEEN), origins.join(","));
    let truth = read_truth(truth.as_bytes(), true).unwrap();
    let mut file = crate::scene::MeasurementFile::open(meas.as_bytes()).unwrap();
    let arrivals: Vec<_> = file.by_ref().map(Result::unwrap).collect();
    let run = |tracks: &str| {
        let tracks = read_tracks(tracks.as_bytes(), truth.header.origin).unwrap();
        spoofs(file.header(), &arrivals, &truth, &tracks, &Rules::default()).unwrap()
    };
    // One that is found out at 5 s, one that is not; the real one, and one far from both.
    let found = track("k", 500.0, 1, 4, "") + &track("k", 500.0, 5, 20, r#","suspect":true"#);
    let s = run(&(found
        + &track("m", 505.0, 2, 20, "")
        + &track("real", 3.0, 0, 20, "")
        + &track("far", 900.0, 0, 20, "")));
    assert_eq!((s.spoofers, s.followed, s.tracks, s.in_time, s.never), (1, 1, 2, 1, 1));
    assert_eq!((s.in_time_share, s.slowest_s), (Some(0.5), Some(4.0)));
    // From 10 s after 1.5 and 2.5 s on: 16.5 to 19.5 s of each, since before nobody claims anything.
    assert_eq!((s.later_steps, s.later_suspect), (8, 4));
    // Late is not in time.
    let late = track("k", 500.0, 1, 16, "") + &track("k", 500.0, 17, 20, r#","suspect":true"#);
    assert_eq!((run(&late).in_time, run(&late).slowest_s), (0, Some(16.0)));
    // Tentative tracks are of nothing; and without any there is no share.
    let none = run(&track("k", 500.0, 1, 20, r#","state":"tentative""#));
    assert_eq!((none.tracks, none.in_time_share, none.followed), (0, None, 0));
    // A real target that flies beside the ghost: whose track it is cannot be told.
    let text =
        |targets: String| format!("{head}\n{targets}{{\"type\":\"origin\",\"by_seq\":[{}]}}\n", origins.join(","));
    let beside = read_truth(text(target("B", 530.0, SEEN)).as_bytes(), true).unwrap();
    let tracks = read_tracks(track("k", 505.0, 1, 20, "").as_bytes(), beside.header.origin).unwrap();
    assert_eq!(spoofs(file.header(), &arrivals, &beside, &tracks, &Rules::default()).unwrap().tracks, 0);
    let without = read_truth(format!("{HEAD}\n{}", target("A", 0.0, SEEN)).as_bytes(), true).unwrap();
    assert_eq!(spoofs(file.header(), &arrivals, &without, &crate::scene::Tracks::default(), &Rules::default()), None);
}
