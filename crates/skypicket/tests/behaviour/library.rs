//! The library: bulletins are written from templates, an own folder adds to them, and exercise and live never mix; an
//! exercise begins with the alert that the story starts from.

use super::{bulletins::propose, schema};
use crate::support::{Centre, Client, Folder, SOON, Scene, id, items, program, run, text, until};
use serde_json::{Value, json};
use std::process::Output;

fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

fn draft(by: &Client, template: &str, values: &Value) -> Value {
    by.post("/api/v1/library/drafts", &json!({"template": template, "values": values})).ok(200)
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|i| text(i, "/id")).collect()
}

/// Everything that the template of an all clear asks for.
fn all_clear() -> Value {
    json!({"what": "OSA-2026-0001", "why": "nothing was seen", "stays": "armour", "area": "Mile 7", "area.es": "milla 7",
        "centre": "Sector centre", "report_how": "radio 4", "contact": "watch"})
}

#[test]
fn a_bulletin_is_written_from_a_live_template_and_one_for_exercises_is_refused_everywhere() {
    let mut centre = Centre::start();
    let [analyst, supervisor] = ["analyst", "supervisor"].map(|p| centre.person(p));
    let document = analyst.see("/api/v1/openapi.json");
    let library = analyst.see("/api/v1/library");
    let found = schema::problems(&document, schema::named(&document, "Library"), &library);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!((&library["exercise"], names(&library["agencies"])), (&json!(false), vec![]));
    assert!(names(&library["templates"]).contains(&"officer-safety-alert"));
    assert!(names(&library["templates"]).iter().all(|t| !t.starts_with("exercise-")));

    // What nothing was given for is listed, and cannot be proposed.
    let half = draft(&analyst, "all-clear", &json!({"area": "Mile 7"}));
    assert_eq!(names_of_missing(&half), ["what", "why", "stays", "centre", "report_how", "contact"]);
    let body = |content: &Value| json!({"id": id(), "content": content});
    let problem = analyst.post("/api/v1/bulletins", &body(&half["content"])).problem(422, "unfit");
    assert!(text(&problem, "/detail").contains("{what}: it is not filled in yet"), "{problem}");

    let whole = draft(&analyst, "all-clear", &all_clear());
    let found = schema::problems(&document, schema::named(&document, "LibraryPlaceholder"), &half["missing"][0]);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!((names_of_missing(&whole), text(&whole, "/template")), (vec![], "all-clear@1"));
    let proposed = propose(&analyst, &whole["content"]);
    assert_eq!(proposed["content"], whole["content"]);
    let issued = super::bulletins::approve(&supervisor, &proposed);
    assert!(text(&issued, "/number").starts_with("CLR-"), "{issued}");

    // For exercises: no template, no draft, no proposal, no correction, no preview.
    let ask = json!({"template": "exercise-all-clear", "values": all_clear()});
    let problem = analyst.post("/api/v1/library/drafts", &ask).problem(422, "unfit");
    assert!(text(&problem, "/detail").contains("is for exercises, and this centre is live"), "{problem}");
    let mut other = whole["content"].clone();
    other["sheet"]["template"] = json!("exercise-all-clear@1");
    for (path, body) in [
        ("/api/v1/bulletins".to_owned(), body(&other)),
        ("/api/v1/bulletins/preview".to_owned(), json!({"content": other})),
        (
            format!("/api/v1/bulletins/{}/corrections", text(&issued, "/notice")),
            json!({"id": id(), "read": issued["at"], "content": other, "why": "x"}),
        ),
    ] {
        let problem = analyst.post(&path, &body).problem(422, "unfit");
        assert!(text(&problem, "/detail").contains("is for exercises, and this centre is live"), "{path}: {problem}");
    }
    assert_eq!(items(&analyst.see("/api/v1/bulletins")).len(), 1);
}

fn names_of_missing(draft: &Value) -> Vec<&str> {
    draft["missing"].as_array().unwrap().iter().map(|p| text(p, "/name")).collect()
}

#[test]
fn an_exercise_begins_with_its_alert_once_and_takes_no_live_template() {
    let mut centre = Centre::start_with(Scene::new(), &["--exercise", "first-light"]);
    let watch = centre.first();
    let issued = |by: &Client| -> Vec<Value> {
        let list = by.see("/api/v1/bulletins");
        items(&list).iter().filter(|b| b["step"] == "issued").cloned().collect()
    };
    let alert = until("the alert", SOON * 3, || issued(&watch).first().cloned());
    assert!(text(&alert, "/content/title").starts_with("EXERCISE: Officer Safety Alert"), "{alert}");
    assert!(text(&alert, "/content/text").starts_with("EXERCISE. This is not real."));
    assert!(text(&alert, "/number").starts_with("EX-OSA-"));
    assert_eq!((text(&alert, "/proposed_by"), text(&alert, "/approved_by")), ("analyst-1", "sector-chief"));
    assert!(text(&alert, "/content/sheet/report_to/en").starts_with("West lead"), "the sector's own words");
    assert!(alert["content"]["sheet"]["measures"].as_array().is_some_and(|m| m.len() > 10));
    // Somebody of each agency acknowledges by themselves.
    let board = format!("/api/v1/notices/{}/board", text(&alert, "/notice"));
    until("acknowledgements", SOON * 3, || {
        watch.see(&board)["agencies"]
            .as_array()?
            .iter()
            .all(|a| a["counts"]["acknowledged"].as_u64() > Some(0))
            .then_some(())
    });

    let library = watch.see("/api/v1/library");
    assert_eq!(
        (&library["exercise"], names(&library["agencies"])),
        (&json!(true), vec!["exercise-county", "exercise-sector"])
    );
    assert!(names(&library["templates"]).iter().all(|t| t.starts_with("exercise-")));
    let ask = json!({"template": "all-clear", "values": all_clear()});
    watch.post("/api/v1/library/drafts", &ask).problem(422, "unfit");
    let mut content = draft(&watch, "exercise-all-clear", &all_clear())["content"].clone();
    propose(&watch, &content);
    content["sheet"]["template"] = json!("all-clear@1");
    let problem = watch.post("/api/v1/bulletins", &json!({"id": id(), "content": content})).problem(422, "unfit");
    assert!(text(&problem, "/detail").contains("is for live centres, and this is an exercise"), "{problem}");

    // Over a restart it is still the same one.
    assert_eq!(centre.terminate().status.code(), Some(0));
    centre.start_again();
    // The scene goes on: whatever it issues at its start is out by then.
    until("the scene", SOON * 3, || {
        let heard = |s: &Value| s["decoded"].as_u64() > Some(0);
        items(&watch.see("/api/v1/sources")).iter().any(heard).then_some(())
    });
    let again = watch.see("/api/v1/bulletins");
    let alerts = items(&again).iter().filter(|b| b["step"] == "issued").count();
    assert_eq!((alerts, &issued(&watch)[0]["notice"]), (1, &alert["notice"]));
}

#[test]
fn an_own_folder_adds_to_the_library_and_what_is_wrong_in_it_stops_the_start() {
    let folder = Folder::new();
    let measures = folder.path().join("measures.toml");
    let measure = "format = 1\n[[measure]]\nid = \"rain\"\nversion = 1\nfits = \"Rain.\"\ntext = { en = \"Coat.\", es = \"Abrigo.\" }\n";
    std::fs::write(&measures, measure).unwrap();
    let scene = Scene::new().and(&format!("[library]\npath = {:?}\n", folder.path()));
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.first();
    assert!(names(&watch.see("/api/v1/library")["measures"]).contains(&"rain"));

    // At a terminal: what there is, and a template filled in.
    let data = centre.data();
    let skypicket = |args: &[&str]| {
        let out = program().arg("bulletin").args(args).arg("--data").arg(&data).output().unwrap();
        (
            out.status.code(),
            String::from_utf8_lossy(&out.stdout).into_owned(),
            String::from_utf8_lossy(&out.stderr).into_owned(),
        )
    };
    let (code, list, _) = skypicket(&["templates"]);
    assert!(code == Some(0) && list.contains("all-clear@1") && list.contains("rain@1"), "{list}");
    let (code, content, missing) = skypicket(&["draft", "--template", "all-clear", "--set", "area=Mile 7"]);
    let content: Value = serde_json::from_str(&content).unwrap();
    assert!(code == Some(0) && text(&content, "/text").contains("Place: Mile 7."), "{content}");
    assert!(missing.contains("what is not filled in: --set what=WORDS"), "{missing}");
    let (code, _, wrong) = skypicket(&["draft", "--template", "all-clear", "--set", "where=Mile 7"]);
    assert!(code == Some(1) && wrong.contains("'where' is no placeholder"), "{wrong}");

    let config = centre.config();
    let check = || run(&["config".as_ref(), "check".as_ref(), config.as_os_str()]);
    assert!(said(&check()).contains("library: "), "{}", said(&check()));
    std::fs::write(&measures, measure.replace("fits", "fit")).unwrap();
    let wrong = check();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(said(&wrong).contains("measures.toml:5: unknown key `fit`: did you mean `fits`?"), "{}", said(&wrong));
    let serve = program().args(["serve", "--config"]).arg(&config).output().unwrap();
    assert!(serve.status.code() == Some(2) && said(&serve).contains("measures.toml:5"), "{}", said(&serve));
}
