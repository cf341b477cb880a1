//! Signed links in SMS and mail, with the real binary: one person reads and acknowledges one version by them, and nothing
//! else; nothing happens by looking; a wrong, late or superseded one says so.

use crate::{
    bulletins::{act, approve, content, issue},
    support::{Centre, Client, Post, PostServer, SOON, Scene, id, items, text, until},
};
use serde_json::{Value, json};

const A1: &str = "+19155550001";

fn scene(gateway: &PostServer) -> Scene {
    let head = "id = \"agent-a1\"\n";
    let more = format!("channels = [\"sms\"]\naddresses = {{ sms = \"{A1}\" }}\nlanguage = \"es\"\n");
    let scene = Scene::new().with("tak = 1.5 }", "tak = 1.5, sms = 60.0 }").with(head, &format!("{head}{more}"));
    Scene { text: format!("public_url = \"https://picket.example\"\n{}", scene.text), ..scene }
        .and(&format!("[sign_in]\nsecond_factor = \"never\"\n[sms]\nurl = \"{}\"\n", gateway.url("/sms")))
}

fn marked(tlp: &str) -> Value {
    let mut c = content("Explosives");
    c["marking"] = json!({"tlp": tlp, "releasable_to": []});
    c
}

fn messages(gateway: &PostServer) -> Vec<String> {
    let all = gateway.posts();
    all.iter().map(Post::json).filter(|p| p["to"] == A1).map(|p| text(&p, "/text").to_owned()).collect()
}

/// What stands behind the # of the link in the newest message, once there are so many.
fn token(gateway: &PostServer, messages_by_now: usize) -> String {
    let all = until("the message", SOON, || Some(messages(gateway)).filter(|m| m.len() >= messages_by_now));
    let last = all.last().unwrap();
    let (_, link) = last.split_once("https://picket.example/a#").unwrap_or_else(|| panic!("no link: {last}"));
    link.split(' ').next().unwrap().to_owned()
}

fn row(watch: &Client, bulletin: &Value) -> Value {
    let all = watch.see(&format!("/api/v1/notices/{}/recipients", text(bulletin, "/notice")));
    items(&all).iter().find(|r| r["person"] == "agent-a1").unwrap().clone()
}

#[test]
fn a_link_reads_and_acknowledges_one_version_for_its_person_and_opens_nothing_else() {
    let gateway = PostServer::start();
    let mut centre = Centre::start_with(scene(&gateway), &[]);
    let watch = centre.person("watch");
    let bulletin = issue(&mut centre, &marked("TLP:GREEN"));
    let token_1 = token(&gateway, 1);
    let nobody = centre.anybody();
    // What programs do that look at links beforehand: nothing comes of it.
    for path in ["/a", "/a/link.js", "/a/link.css"] {
        let page = nobody.get(path);
        assert_eq!((page.status, page.header("set-cookie")), (200, None), "{path}");
        assert!(page.header("content-security-policy").unwrap().contains("script-src 'self'"));
    }
    for method in ["GET", "HEAD"] {
        assert_eq!(nobody.knock(method, "/api/v1/links/acknowledge", &[], b"").status, 405);
    }
    let seen = nobody.post("/api/v1/links/read", &json!({"token": token_1})).ok(200);
    assert_eq!(
        (text(&seen, "/state"), text(&seen, "/title"), text(&seen, "/text"), &seen["asked"]),
        ("open", "Explosivos en drones", "No toque un dron caído.", &json!(true))
    );
    assert_eq!(row(&watch, &bulletin)["acknowledged_at"], Value::Null, "reading is not acknowledging");
    // It is no session and no bearer token.
    let cookie = format!("skypicket_session={token_1}");
    assert_eq!(nobody.send("GET", "/api/v1/me", &[("cookie", &cookie)], b"").status, 401);
    nobody.clone().with_token(&token_1).get("/api/v1/me").problem(401, "signed_out");

    let body = json!({"token": token_1, "id": id()});
    let done = nobody.post("/api/v1/links/acknowledge", &body);
    assert_eq!(done.header("set-cookie"), None);
    let at = done.ok(200)["acknowledged_at"].clone();
    assert!(at.is_string());
    let a1 = row(&watch, &bulletin);
    assert_eq!((&a1["acknowledged_at"], &a1["owes"]), (&at, &json!(false)), "{a1}");
    assert_eq!(nobody.post("/api/v1/links/acknowledge", &body).ok(200)["acknowledged_at"], at);
    let other = json!({"token": token_1, "id": id()});
    assert_eq!(nobody.post("/api/v1/links/acknowledge", &other).ok(200)["acknowledged_at"], at);

    // A correction asks anew: the old link says so, the new one is another.
    let supervisor = centre.person("supervisor");
    let mut changed = marked("TLP:GREEN");
    changed["text_es"] = json!("Aléjese 300 m.");
    let proposed = act(&watch, &bulletin, "corrections", json!({"content": changed, "why": "distance"})).ok(201);
    let bulletin = approve(&supervisor, &proposed);
    let token_2 = token(&gateway, 2);
    let old = nobody.post("/api/v1/links/read", &json!({"token": token_1})).ok(200);
    assert_eq!((text(&old, "/state"), &old["text"]), ("superseded", &Value::Null));
    nobody.post("/api/v1/links/acknowledge", &json!({"token": token_1, "id": id()})).problem(409, "superseded");
    assert_eq!(row(&watch, &bulletin)["acknowledged_at"], Value::Null);
    // The key outlives a crash.
    centre.kill();
    centre.start_again();
    let (nobody, watch) = (centre.anybody(), centre.person("watch"));
    let new = nobody.post("/api/v1/links/read", &json!({"token": token_2})).ok(200);
    assert_eq!(text(&new, "/text"), "Aléjese 300 m.");

    act(&watch, &bulletin, "recalls", json!({"why": "wrong"})).ok(200);
    let over = nobody.post("/api/v1/links/read", &json!({"token": token_2})).ok(200);
    assert_eq!((text(&over, "/state"), &over["text"]), ("ended", &Value::Null));
    nobody.post("/api/v1/links/acknowledge", &json!({"token": token_2, "id": id()})).problem(409, "over");
    let log = centre.log();
    assert!(!log.contains(&token_1) && !log.contains(&token_2) && !log.contains("Aléjese"));
}

#[test]
fn what_may_not_go_by_sms_has_no_such_link_and_a_changed_token_is_nobodys() {
    let gateway = PostServer::start();
    let mut centre = Centre::start_with(scene(&gateway), &[]);
    let mut amber = marked("TLP:AMBER");
    amber["marking"]["owner"] = json!("north");
    amber["audience"] = json!([{"to": "unit", "unit": "a"}]);
    issue(&mut centre, &amber);
    let said = until("the message", SOON, || messages(&gateway).first().cloned());
    assert!(said.contains("https://picket.example") && !said.contains("/a#"), "{said}");

    issue(&mut centre, &marked("TLP:GREEN"));
    let right = token(&gateway, 2);
    let nobody = centre.anybody();
    // In its version and end, so that only its tag tells.
    let changed: String =
        right.chars().enumerate().map(|(k, c)| if k == 28 { if c == 'B' { 'C' } else { 'B' } } else { c }).collect();
    for wrong in ["", "x", right.get(..right.len() - 1).unwrap(), &changed] {
        let tried = nobody.post("/api/v1/links/read", &json!({"token": wrong}));
        tried.problem(404, "wrong_link");
    }
    // Whoever goes on guessing waits; a right one is not held up by it.
    let held = (0..20).any(|_| nobody.post("/api/v1/links/read", &json!({"token": "x"})).status == 429);
    assert!(held);
    nobody.post("/api/v1/links/read", &json!({"token": right})).ok(200);
}
