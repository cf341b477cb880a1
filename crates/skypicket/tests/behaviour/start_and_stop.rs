//! Configuration, starting, ending, starting again.

use crate::support::{Centre, Events, Folder, Scene, program, run};
use std::process::Stdio;

fn said(out: &std::process::Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn the_sign_in_link_is_printed_until_it_was_used_and_a_session_outlives_a_restart() {
    let mut centre = Centre::start();
    assert!(centre.first_line["exercise"].is_null());
    assert!(centre.first_line["sign_in"].is_string());
    let ended = centre.terminate();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");

    centre.start_again();
    let watch = centre.first();
    assert_eq!(watch.see("/api/v1/me")["person"]["id"], "watch");
    let agent = centre.person("agent-a1");
    let mut events = Events::open(&agent);
    events.heartbeat();
    let ended = centre.terminate();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");

    centre.start_again();
    assert!(centre.first_line["sign_in"].is_null(), "{}", centre.first_line);
    assert_eq!(agent.see("/api/v1/me")["person"]["id"], "agent-a1");
    centre.kill();
    centre.start_again();
    assert_eq!(watch.see("/api/v1/me")["person"]["id"], "watch");
}

#[test]
fn an_unknown_key_is_refused_with_file_line_and_suggestion() {
    let folder = Folder::new();
    let line = Scene::new().text.lines().position(|l| l.starts_with("lat_deg")).unwrap() + 1;
    let scene = Scene::new().with("[place]\nname = \"Test\"\nlat_deg", "[place]\nname = \"Test\"\nlat_degs");
    let file = folder.file("skypicket.toml", &scene.text);
    let name = file.to_str().unwrap();
    for args in [vec!["serve", "--config", name, "--listen", "127.0.0.1:0"], vec!["config", "check", name]] {
        let out = run(&args);
        assert_eq!(out.status.code(), Some(2), "{out:?}");
        assert!(out.stdout.is_empty());
        let text = said(&out);
        assert!(
            text.contains(&format!("skypicket.toml:{line}: unknown key `lat_degs`: did you mean `lat_deg`?")),
            "{text}"
        );
    }
    // Deeper, in a connector's own table.
    let file = folder.file(
        "other.toml",
        Scene::new().and("[[source.udp]]\nid = \"x\"\nlisten = \"127.0.0.1:1\"\nexpected_intervall_s = 3\n").text,
    );
    let out = run(&["config", "check", file.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(2));
    assert!(said(&out).contains("did you mean `expected_interval_s`"), "{}", said(&out));
    let file = folder.file("good.toml", Scene::new().text);
    let out = run(&["config", "check", file.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&out.stdout).contains("12 people in 3 units of 2 agencies"));
}

#[test]
fn a_listener_that_others_can_reach_is_refused_without_tls_unless_its_own_table_says_so() {
    let folder = Folder::new();
    let scene = Scene::new();
    for (what, port) in [("radar", scene.tcp), ("field-rid", scene.udp), ("tak", scene.tak)] {
        let open = scene.clone().with(&format!("\"{port}\""), &format!("\"0.0.0.0:{}\"", port.port()));
        let file = folder.file("skypicket.toml", &open.text);
        let out = run(&[
            "serve",
            "--config",
            file.to_str().unwrap(),
            "--listen",
            "127.0.0.1:0",
            "--data",
            folder.path().join("data").to_str().unwrap(),
        ]);
        assert_eq!(out.status.code(), Some(2), "{what}: {out:?}");
        let text = said(&out);
        assert!(text.contains(what) && text.contains("0.0.0.0") && text.contains("insecure = true"), "{text}");
    }
    let file = folder.file("skypicket.toml", &scene.text);
    for args in [&["--listen", "0.0.0.0:0"][..], &["--listen", "[::]:0"]] {
        let out = program()
            .args(["serve", "--config"])
            .arg(&file)
            .arg("--data")
            .arg(folder.path().join("data"))
            .args(args)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(2), "{args:?}: {out:?}");
    }
    assert!(!folder.path().join("data").exists(), "nothing was begun");

    // Said in its own table it runs, and every page shows it.
    let open = scene
        .clone()
        .with(&format!("\"{}\"", scene.tak), &format!("\"0.0.0.0:{}\"\ninsecure = true", scene.tak.port()));
    let mut centre = Centre::start_with(open, &[]);
    let warnings = centre.person("agent-a1").see("/api/v1/status")["warnings"].to_string();
    assert!(warnings.contains("tak"), "{warnings}");
}

#[test]
fn two_centres_do_not_share_a_folder_and_the_second_says_why() {
    let centre = Centre::start();
    let other = Scene::new();
    let config = Folder::new();
    let file = config.file("skypicket.toml", &other.text);
    let out = program()
        .args(["serve", "--listen", "127.0.0.1:0", "--config"])
        .arg(&file)
        .arg("--data")
        .arg(centre.data())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(3), "{out:?}");
    assert!(out.stdout.is_empty(), "it does not say that it listens");
    let text = said(&out);
    let last = text.lines().last().unwrap();
    assert!(
        last.contains(centre.record().to_str().unwrap()) && (last.contains("another") || last.contains("in use")),
        "{text}"
    );
    // The first goes on.
    assert_eq!(centre.anybody().get("/readyz").status, 200);
}

#[test]
fn what_is_not_built_yet_is_refused_by_name() {
    for args in [&["report"][..], &["decode", "sapient"]] {
        let out = run(args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(said(&out).contains("is not built yet"), "{args:?}: {}", said(&out));
        assert!(out.stdout.is_empty());
    }
    let out = run(&["serve", "--exercise", "nothing"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(said(&out).contains("first-light"), "{}", said(&out));
    assert_eq!(run(&["nonsense"]).status.code(), Some(2));
    assert_eq!(run(&["--help"]).status.code(), Some(0));
}

#[test]
fn an_exercise_and_live_have_separate_records_and_an_exercise_says_so_everywhere() {
    let mut centre = Centre::start_with(Scene::new(), &["--exercise", "first-light"]);
    assert_eq!(centre.first_line["exercise"], "first-light");
    let first = centre.first();
    assert_eq!(first.see("/api/v1/me")["exercise"], "first-light");
    assert_eq!(first.see("/api/v1/status")["exercise"], "first-light");
    let mut events = Events::open(&first);
    assert_eq!(events.wait("hello", |e| e.name == "hello").data["exercise"], "first-light");
    assert!(centre.data().join("exercise-first-light").is_dir());
    assert!(!centre.data().join("live").exists());
    assert_eq!(centre.terminate().status.code(), Some(0));
    centre.set_flags(&[]);
    centre.start_again();
    assert!(centre.first_line["exercise"].is_null());
    // A session of the exercise is none of the live centre's.
    first.get("/api/v1/me").problem(401, "signed_out");
}
