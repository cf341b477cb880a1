//! `simulate` makes a scene, `score` says how well tracks fit it: what is written where, and how both end.

use crate::support::{Folder, program, run};
use serde_json::Value;
use std::{
    fs,
    io::Write,
    process::{Output, Stdio},
};

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {out:?}"))
}

#[test]
fn a_scene_is_written_under_its_name_and_only_once_unless_told_to() {
    let folder = Folder::new();
    let out_dir = folder.path().join("new/scenes");
    let dir = out_dir.to_str().unwrap();
    let simulate =
        |more: &[&str]| run(&[&["simulate", "f2", "--seed", "7", "--duration", "20", "--out", dir][..], more].concat());
    let out = simulate(&[]);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    let summary = json(&out);
    assert_eq!((&summary["targets"], &summary["sensors"]), (&10.into(), &1.into()));
    let read = |name: &str| fs::read_to_string(out_dir.join(name)).unwrap();
    let (meas, truth) = (read("f2_s7.meas.jsonl"), read("f2_s7.truth.jsonl"));
    let lines =
        |text: &str, kind: &str| text.lines().filter(|l| l.starts_with(&format!("{{\"type\":\"{kind}\""))).count();
    assert!(meas.starts_with("{\"type\":\"header\"") && truth.starts_with("{\"type\":\"truth_header\""));
    assert_eq!(lines(&meas, "meas"), usize::try_from(summary["measurements"].as_u64().unwrap()).unwrap());
    assert_eq!((lines(&meas, "scan"), lines(&truth, "origin")), (21, 1));
    assert!(!meas.contains("\"T1\""), "no truth among the measurements");

    let refused = simulate(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(said(&refused).contains("f2_s7.meas.jsonl is there already; --force"), "{}", said(&refused));
    assert!(refused.stdout.is_empty());
    assert_eq!(simulate(&["--force"]).status.code(), Some(0));
    assert_eq!((read("f2_s7.meas.jsonl"), read("f2_s7.truth.jsonl")), (meas, truth), "the same seed, the same bytes");
    // By its name, with another number of targets: another file.
    let out = run(&["simulate", "crossing", "--seed", "7", "--duration", "5", "--targets", "3", "--out", dir]);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    let mut names: Vec<String> =
        fs::read_dir(&out_dir).unwrap().map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(
        names,
        ["f2_s7.meas.jsonl", "f2_s7.truth.jsonl", "f2_s7_n3.meas.jsonl", "f2_s7_n3.truth.jsonl"],
        "nothing half-written stays"
    );
}

#[test]
fn a_scene_that_cannot_be_is_bad_usage_and_a_folder_that_cannot_be_is_not() {
    for (args, why) in [
        (&["simulate", "f7"][..], "there is no scene 'f7': give f1 (pop-up), f2 (crossing)"),
        (&["simulate", "f1", "--targets", "4"], "families 2, 3, 4 and 6 have a choice"),
        (&["simulate", "f3", "--targets", "0"], "0 targets: give 1 to 20000"),
        (&["simulate", "f3", "--duration", "0.5"], "0.5 seconds: give 1 to 3600"),
        (&["simulate", "f3", "--grow"], "only family 6 grows"),
        (&["simulate", "f3", "--seed=-1"], "invalid value"),
    ] {
        let out = run(args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(said(&out).contains(why), "{args:?}: {}", said(&out));
    }
    let folder = Folder::new();
    let file = folder.file("file", "");
    let out = run(&["simulate", "f1", "--duration", "2", "--out", file.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(3), "{}", said(&out));
}

/// A truth of one target that stands still, and a track 3 m beside it.
const TRUTH: &str = r#"{"type":"truth_header","family":9,"seed":4,"origin":{"lat":31.76,"lon":-106.49,"h":1140},"t0":0,"t1":4,"score_dims":3}
{"type":"first_det","id":"A","t":0,"ta":0.1}
{"type":"truth","id":"A","t":0,"p":[0,0,50],"v":[0,0,0],"cls":"drone","uas_id":null,"cov":1,"ignore":false}
{"type":"truth","id":"A","t":4,"p":[0,0,50],"v":[0,0,0],"cls":"drone","uas_id":null,"cov":1,"ignore":false}
"#;
const TRACKS: &str = r#"{"t":0.2,"ta":0.3,"id":"k","p":[3,0,50],"v":[0,0,0],"state":"confirmed"}
{"type":"summary","tracks":1}
{"t":2.2,"ta":2.3,"id":"k","p":[3,0,50],"v":[0,0,0],"state":"confirmed"}
"#;

#[test]
fn scores_are_json_on_standard_output_and_a_table_on_standard_error() {
    let folder = Folder::new();
    let (truth, tracks) = (folder.file("t.jsonl", TRUTH), folder.file("k.jsonl", TRACKS));
    let (truth, tracks) = (truth.to_str().unwrap(), tracks.to_str().unwrap());
    let out = run(&["score", truth, tracks]);
    assert_eq!(out.status.code(), Some(0), "{}", said(&out));
    let text = String::from_utf8(out.stdout.clone()).unwrap();
    assert!(
        text.starts_with(concat!(
            r#"{"family":9,"seed":4,"dims":3,"c":50.0,"grid_steps":4,"gospa":{"mean":3.0,"rms":3.0,"loc2":9.0,"missed2":0.0,"#,
            r#""false2":0.0,"n_missed":0.0,"n_false":0.0,"loc_rmse":3.0},"ospa2":3.0,"siap":{"completeness":1.0,"#
        )),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1);
    let s = json(&out);
    assert_eq!(s["ttfc"]["mean"], 0.2);
    assert!(s["nees"]["mean_per_dim"].is_null() && s["nees"]["n"] == 0, "no covariance was given: {s}");
    let table = said(&out);
    assert!(table.contains("GOSPA mean 3 m") && table.contains("1 lines of"), "{table}");
    assert!(table.contains("NEES a dimension - "), "{table}");

    let quiet = run(&["score", "--json", truth, tracks]);
    assert!(quiet.stdout == out.stdout && !said(&quiet).contains("GOSPA"), "{quiet:?}");
    // Nearer than 2 m: what is 3 m off is a miss and a false track.
    let strict = json(&run(&["score", "--json", "--cutoff", "2", truth, tracks]));
    assert_eq!((&strict["gospa"]["n_missed"], &strict["gospa"]["n_false"]), (&1.0.into(), &1.0.into()));
    let short = json(&run(&["score", "--json", "--hold", "0.5", truth, tracks]));
    assert_eq!(short["siap"]["completeness"], 0.5);
    // From a pipe.
    let mut child = program()
        .args(["score", "--json", truth, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(TRACKS.as_bytes()).unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, out.stdout);
}

#[test]
fn a_bad_file_is_refused_with_its_line_and_a_missing_one_could_not_be_read() {
    let folder = Folder::new();
    let (truth, tracks) = (folder.file("t.jsonl", TRUTH), folder.file("k.jsonl", TRACKS));
    let bad = folder.file("bad.jsonl", TRACKS.replace("\"confirmed\"}\n{\"type", "\"sure\"}\n{\"type"));
    let name = |p: &std::path::Path| p.to_str().unwrap().to_owned();
    for (args, status, why) in [
        ([name(&truth), name(&bad)], 1, "bad.jsonl: line 1: byte"),
        ([name(&tracks), name(&tracks)], 1, "k.jsonl: line 1: the type is '', not truth_header"),
        ([name(&truth), "/nowhere/k.jsonl".into()], 3, "/nowhere/k.jsonl: No such file"),
        (["-".into(), "-".into()], 2, "only one of the two"),
    ] {
        let out = run(&["score", &args[0], &args[1]]);
        assert_eq!(out.status.code(), Some(status), "{args:?}: {}", said(&out));
        assert!(said(&out).contains(why), "{args:?}: {}", said(&out));
        assert!(out.stdout.is_empty());
    }
    let out = run(&["score", &name(&truth), &name(&tracks), "--cutoff", "0"]);
    assert_eq!((out.status.code(), said(&out).contains("--cutoff 0: give a number above 0")), (Some(2), true));
}

#[test]
fn a_scene_is_made_followed_and_scored() {
    let folder = Folder::new();
    let dir = folder.path().to_str().unwrap().to_owned();
    let made = run(&["simulate", "f1", "--seed", "7", "--duration", "60", "--out", &dir]);
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    let (meas, truth) = (folder.path().join("f1_s7.meas.jsonl"), folder.path().join("f1_s7.truth.jsonl"));
    let out = run(&["track", meas.to_str().unwrap()]);
    assert_eq!((out.status.code(), said(&out)), (Some(0), String::new()));
    let tracks = folder.file("k.jsonl", &out.stdout);
    let scores = json(&run(&["score", "--json", truth.to_str().unwrap(), tracks.to_str().unwrap()]));
    let gospa = scores["gospa"]["mean"].as_f64().unwrap();
    assert!(gospa < 20.0, "{scores}");
    assert!(scores["siap"]["completeness"].as_f64().unwrap() > 0.9, "{scores}");

    // From a pipe, with a line that is none: it is named, the rest is followed all the same, and the end says so.
    let mut child = program()
        .args(["track", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = fs::read_to_string(&meas).unwrap().replacen('\n', "\n{\"type\":\"meas\"}\n", 1);
    let mut stdin = child.stdin.take().unwrap();
    let writes = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let piped = child.wait_with_output().unwrap();
    writes.join().unwrap();
    assert_eq!(piped.status.code(), Some(1), "{}", said(&piped));
    assert!(piped.stdout == out.stdout, "the rest is followed as it was");
    assert!(said(&piped).contains("standard input: line 2: "), "{}", said(&piped));
    assert!(said(&piped).contains("1 line could not be read; the rest was followed"), "{}", said(&piped));

    // What could be read and was left out all the same: a look of long ago, and two places that are anywhere.
    let text = fs::read_to_string(&meas).unwrap();
    let claim = r#"{"type":"meas","sensor":"RID1","kind":"remoteid","scan":1,"t":99,"ta":99,"z":{"lat":31.76,"lon":-106.49,"h":1200},"R":[1e13,25,25],"id":"x","seq":1}"#;
    let late = r#"{"type":"scan","sensor":"R1","scan":9999,"t":2,"ta":99,"n":0,"seq":2}"#;
    let more = folder.file("more.jsonl", format!("{text}{claim}\n{claim}\n{late}\n"));
    let left = run(&["track", more.to_str().unwrap()]);
    assert_eq!(left.status.code(), Some(1), "{}", said(&left));
    assert!(left.stdout.starts_with(&out.stdout), "the rest is followed as it was");
    assert!(
        said(&left).contains(
            "more.jsonl: 3 looks and measurements were left out: 1 too late, 2 with numbers that nothing measures; the rest was followed"
        ),
        "{}",
        said(&left)
    );
}

#[test]
fn what_is_no_measurement_file_is_refused_and_help_says_which_engine_the_centre_has() {
    let folder = Folder::new();
    let truth = folder.file("t.jsonl", TRUTH);
    for (file, status, why) in [
        (truth.to_str().unwrap(), 1, "t.jsonl: line 1: the type is 'truth_header', not header"),
        ("/nowhere/m", 3, "/nowhere/m: No such file"),
    ] {
        let out = run(&["track", file]);
        assert_eq!(out.status.code(), Some(status), "{}", said(&out));
        assert!(said(&out).contains(why) && out.stdout.is_empty(), "{}", said(&out));
    }
    let help = String::from_utf8(run(&["track", "--help"]).stdout).unwrap();
    assert!(help.contains("the engine of `skypicket serve` and `skypicket replay`"), "{help}");
}

/// A check that is asked for and cannot be done has failed; and what it checks must not hang on how Python is run.
#[test]
fn a_kit_that_is_not_where_it_is_said_to_be_fails_the_check() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/eval-check");
    let text = fs::read_to_string(script).unwrap();
    assert!(!text.lines().any(|l| l.trim_start().starts_with("assert ")), "Python may leave out what assert says");
    let folder = Folder::new();
    folder.file("score.py", "");
    let check = std::process::Command::new("python3")
        .arg(script)
        .args(["binary", "toy", "tools"])
        .env("SKYPICKET_KIT", folder.path())
        .env("PYTHONOPTIMIZE", "1")
        .output();
    match check {
        Ok(out) => {
            assert_eq!(out.status.code(), Some(1), "{out:?}");
            assert!(said(&out).contains("there is no geo.py, make_scenarios.py"), "{out:?}");
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => println!("no Python here: not tried"),
        Err(e) => panic!("{e}"),
    }
}

#[test]
fn the_course_of_a_score_comes_before_it_and_false_drones_only_where_they_are_asked_for() {
    let folder = Folder::new();
    let dir = folder.path().to_str().unwrap();
    assert_eq!(run(&["simulate", "f5", "--seed", "31", "--duration", "60", "--out", dir]).status.code(), Some(0));
    let [meas, truth] = ["meas", "truth"].map(|p| format!("{dir}/f5_s31.{p}.jsonl"));
    let followed = run(&["track", &meas]);
    assert_eq!(followed.status.code(), Some(0), "{}", said(&followed));
    let tracks = folder.file("tracks.jsonl", &followed.stdout);
    let tracks = tracks.to_str().unwrap();

    let plain = run(&["score", "--json", &truth, tracks]);
    let whole = run(&["score", "--json", "--over-time", "--meas", &meas, &truth, tracks]);
    assert_eq!((plain.status.code(), whole.status.code()), (Some(0), Some(0)), "{}", said(&whole));
    let lines: Vec<Value> =
        String::from_utf8(whole.stdout).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let (scores, steps) = lines.split_last().unwrap();
    assert_eq!(steps.len(), 60);
    assert_eq!(steps[3]["t"], 3.5);
    let mean = steps.iter().map(|s| s["gospa"].as_f64().unwrap()).sum::<f64>() / 60.0;
    assert!((mean - scores["gospa"]["mean"].as_f64().unwrap()).abs() < 1e-3, "{mean}: {scores}");
    let mut without = scores.clone();
    let spoofs = without.as_object_mut().unwrap().remove("spoofs").unwrap();
    assert_eq!(without, json(&plain), "the rest is what it was");
    assert_eq!(spoofs["spoofers"], 1, "{spoofs}");
}

#[test]
fn pictures_are_drawn_of_scenes_of_their_scores_and_of_growth() {
    let folder = Folder::new();
    let dir = folder.path().to_str().unwrap();
    assert_eq!(run(&["simulate", "f2", "--seed", "9", "--duration", "20", "--out", dir]).status.code(), Some(0));
    let [meas, truth] = ["meas", "truth"].map(|p| format!("{dir}/f2_s9.{p}.jsonl"));
    let tracks = folder.file("tracks.jsonl", run(&["track", &meas]).stdout);
    let table = "{\"targets\":10,\"measurements\":99,\"ns\":900.0,\"p99_us\":1.0,\"worst_us\":2.0}\n";
    let table = folder.file("line.jsonl", table);
    let (tracks, table, out) = (tracks.to_str().unwrap(), table.to_str().unwrap(), format!("{dir}/p.svg"));
    for args in [
        &["plot", "scene", &meas, &truth, tracks, "--out", &out, "--at", "15", "--title", "A title"][..],
        &["plot", "course", "--run", &truth, tracks, "--run", &truth, tracks, "--out", &out, "--level", "30,a level"],
        &["plot", "growth", table, "--out", &out],
    ] {
        let done = run(args);
        assert_eq!(done.status.code(), Some(0), "{args:?}: {}", said(&done));
        let svg = fs::read_to_string(&out).unwrap();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert_eq!(json(&done)["bytes"], svg.len());
        assert!(args[1] != "scene" || svg.contains("A title") && svg.contains("5 to 25 s"));
        assert!(args[1] != "course" || svg.contains(">a level<"));
    }
    // A table that is too long is not drawn as far as it was read, nor one whose numbers fit into no picture.
    let row = |ns: &str| format!("{{\"targets\":1,\"measurements\":9,\"ns\":{ns},\"p99_us\":1.0,\"worst_us\":2.0}}");
    let long = format!("{:<127}\n", row("9.0")).repeat((1 << 20) / 128 + 1);
    let long = folder.file("long.jsonl", long);
    let [huge, none] = ["1e308", "-1.0"].map(|ns| folder.file(&format!("{ns}.jsonl"), row(ns)));
    let [long, huge, none] = [&long, &huge, &none].map(|f| f.to_str().unwrap());
    // Every word of usage that is wrong, and a file that is no file of its kind.
    for (args, status, why) in [
        (&["plot", "scene", &meas, &truth, tracks][..], 2, "--out"),
        (&["plot", "scene", &meas, &truth, tracks, "--out", &out, "--side", "0"], 2, "--side 0: give 10 to"),
        (&["plot", "scene", &truth, &truth, tracks, "--out", &out], 1, "line 1"),
        (&["plot", "course", "--run", &truth, "--out", &out], 2, "2 values required"),
        (&["plot", "course", "--run", &truth, tracks, "--out", &out, "--level", "x"], 2, "metres and a name"),
        (&["plot", "growth", tracks, "--out", &out], 1, "missing field"),
        (&["plot", "growth", "nowhere", "--out", &out], 3, "nowhere"),
        (&["plot", "growth", long, "--out", &out], 1, "more than 1048576 bytes"),
        (&["plot", "growth", huge, "--out", &out], 1, "above 0"),
        (&["plot", "growth", none, "--out", &out], 1, "above 0"),
    ] {
        let done = run(args);
        assert_eq!(done.status.code(), Some(status), "{args:?}: {}", said(&done));
        assert!(said(&done).contains(why), "{args:?}: {}", said(&done));
    }
}
