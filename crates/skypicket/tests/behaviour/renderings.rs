//! Renderings: a bulletin in every form for whoever may see it, older versions marked as such, and drafts side by side.

use super::bulletins::{act, approve, content, issue};
use crate::support::{Centre, text};
use serde_json::{Value, json};

/// A content with a sheet, for unit a.
pub(crate) fn sheet() -> Value {
    let mut c = content("Explosives on drones");
    c["marking"] = json!({"tlp": "TLP:GREEN"});
    c["audience"] = json!([{"to": "unit", "unit": "a"}]);
    c["sheet"] = json!({
        "template": "officer-safety-alert@1", "series": "OSA", "kind": {"en": "Officer Safety Alert", "es": "Alerta"},
        "issuer": "Sector Centre", "known": [{"text": {"en": "Seen twice."}, "grade": {"reliability": "B", "credibility": 2}}],
        "not_known": [{"en": "Who."}], "measures": [{"id": "cover", "text": {"en": "Take cover.", "es": "Cúbrase."}}],
        "report_to": {"en": "Your supervisor."}, "contact": "Desk",
    });
    c
}

const NAMES: [&str; 9] = [
    "page.txt",
    "bulletin.pdf",
    "alert.xml",
    "tak.zip",
    "chat.txt",
    "mail.txt",
    "push.txt",
    "sms-90.txt",
    "sms-360.txt",
];

#[test]
fn whoever_may_see_a_bulletin_gets_it_in_every_form_and_nobody_else() {
    let mut centre = Centre::start();
    let [analyst, supervisor, watch, agent, other] =
        ["analyst", "supervisor", "watch2", "agent-a1", "agent-b1"].map(|p| centre.person(p));
    let mut c = sheet();
    let first = issue(&mut centre, &c);
    let notice = text(&first, "/notice").to_owned();
    let path = |v: u32, name: &str| format!("/api/v1/notices/{notice}/versions/{v}/renderings/{name}");

    for name in NAMES {
        let r = agent.get(&path(1, name));
        assert_eq!(r.status, 200, "{name}: {}", r.text());
        other.get(&path(1, name)).problem(404, "not_found");
        // Whatever is text says what it is.
        if !["bulletin.pdf", "tak.zip"].contains(&name) {
            let said = r.text();
            assert!(said.contains("TLP:GREEN") && said.contains("OSA-2"), "{name}: {said}");
            assert!(!said.contains("NOT IN FORCE") && !said.contains("EXERCISE") && !said.contains("DRAFT"), "{said}");
        }
    }
    assert!(agent.get(&path(1, "page.txt?lang=es")).text().contains("[ ] 1. Cúbrase."));
    assert!(watch.get(&path(1, "bulletin.pdf?paper=letter")).body.starts_with(b"%PDF-"));
    agent.get(&path(1, "bulletin.exe")).problem(404, "not_found");
    agent.get(&path(2, "page.txt")).problem(404, "not_found");
    assert!(agent.get(&path(1, "alert.xml")).text().contains("<status>Actual</status>"));

    // A correction: the older version is still there, and says that it no longer holds.
    c["text"] = json!("Do not go near.");
    act(&analyst, &first, "corrections", json!({"content": c, "why": "more is known"})).ok(201);
    approve(&supervisor, &supervisor.get(&format!("/api/v1/bulletins/{notice}")).ok(200));
    let old = agent.get(&path(1, "page.txt")).text();
    assert!(old.starts_with("NOT IN FORCE\n") && !old.contains("Do not go near."), "{old}");
    let new = agent.get(&path(2, "alert.xml")).text();
    assert!(new.contains("<msgType>Update</msgType>") && new.contains(&format!("{notice}.1,")), "{new}");
    // The same message at any time: a receiver knows it again.
    let sent = |xml: &str| xml.lines().find(|l| l.contains("<sent>")).unwrap().trim().to_owned();
    let again = agent.get(&path(1, "alert.xml")).text();
    assert!(new.contains(sent(&again).trim_start_matches("<sent>").trim_end_matches("</sent>")), "{new} {again}");

    // Recalled: no form of it says what it said.
    act(&watch, &first, "recalls", json!({"why": "it was wrong"})).ok(200);
    for name in NAMES.into_iter().filter(|n| !["bulletin.pdf", "tak.zip"].contains(n)) {
        let said = agent.get(&path(3, name)).text();
        assert!(said.contains("RECALLED") || said.contains("<msgType>Cancel</msgType>"), "{name}: {said}");
        assert!(!said.contains("Take cover") && !said.contains("Seen twice"), "{name}: {said}");
    }
}

#[test]
fn a_draft_is_shown_side_by_side_and_says_so_in_every_form() {
    let mut centre = Centre::start();
    let [analyst, agent] = ["analyst", "agent-a1"].map(|p| centre.person(p));
    let mut c = sheet();
    // Unfinished: a draft may be.
    c["sheet"]["report_to"]["en"] = json!("");
    c["sheet"]["release_why"] = json!("imminent danger");
    let shown = analyst.post("/api/v1/bulletins/preview/renderings", &json!({"content": c, "paper": "letter"})).ok(200);
    let items = shown["items"].as_array().unwrap();
    assert_eq!(items.len(), 2 * (NAMES.len() - 1));
    for item in items {
        let name = text(item, "/name");
        if name == "bulletin.pdf" {
            assert!(text(item, "/base64").starts_with("JVBERi0"), "{name}");
            continue;
        }
        let said = text(item, "/text");
        assert!(said.contains("DRAFT") && said.contains("TLP:GREEN"), "{name}: {said}");
        assert!(!said.contains("imminent danger") && !said.contains("OSA-2"), "{name}: {said}");
    }
    let alert = items.iter().find(|i| i["name"] == "alert.xml").unwrap();
    assert!(text(alert, "/text").contains("<status>Draft</status>"));
    // Nothing of it stays, and nobody without the right to write may ask.
    assert_eq!(analyst.get("/api/v1/bulletins").ok(200)["items"], json!([]));
    let asked = json!({"content": c});
    agent.post("/api/v1/bulletins/preview/renderings", &asked).problem(403, "forbidden");
    c["title"] = json!("x".repeat(500));
    analyst.post("/api/v1/bulletins/preview/renderings", &json!({"content": c})).problem(422, "unfit");
}

#[test]
fn above_green_a_bulletin_is_whole_on_our_own_pages_and_says_nothing_to_strangers() {
    let mut centre = Centre::start();
    let mut c = sheet();
    c["marking"] = json!({"tlp": "TLP:AMBER", "releasable_to": ["north", "south"]});
    let watch = centre.person("watch2");
    let b = issue(&mut centre, &c);
    let path = |name: &str| format!("/api/v1/notices/{}/versions/1/renderings/{name}", text(&b, "/notice"));
    for name in ["page.txt", "alert.xml", "chat.txt"] {
        assert!(watch.get(&path(name)).text().contains("TLP:AMBER"), "{name}");
        assert!(watch.get(&path(name)).text().contains("Explosives"), "{name}");
    }
    for name in ["mail.txt", "push.txt", "sms-90.txt", "sms-360.txt"] {
        let said = watch.get(&path(name)).text();
        assert!(said.contains("Open Skypicket") && said.contains("TLP:AMBER"), "{name}: {said}");
        assert!(!said.contains("Explosives") && !said.contains("OSA-"), "{name}: {said}");
    }
}
