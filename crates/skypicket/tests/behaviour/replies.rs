//! What comes back by SMS and mail, with the real binary and a gateway that the test plays: a code acknowledges for its
//! writer alone, STOP is kept, a handset's receipt counts, and what is forged, foreign or repeated changes nothing.

use crate::{
    bulletins::{act, approve, content, issue},
    measures::{MEASURES, tick, with_checklist},
    support::{
        Answer, Answers, Centre, Client, Does, MailServer, Post, PostServer, SOON, Scene, id, items, now_s, text, until,
    },
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::hmac;
use serde_json::{Value, json};
use skypicket_model::Time;
use std::{os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};

const KEY: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const A1: &str = "+19155550001";
const A2: &str = "+19155550002";

fn key_file() -> PathBuf {
    let path = std::env::temp_dir().join(format!("skypicket-test-inbound-{}", std::process::id()));
    std::fs::write(&path, format!("whsec_{KEY}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path
}

/// Two agents by SMS alone, and a gateway.
fn scene(gateway: &PostServer) -> Scene {
    let mut scene = Scene::new().with("tak = 1.5 }", "tak = 1.5, mail = 60.0, sms = 60.0 }");
    for (person, number) in [("agent-a1", A1), ("agent-a2", A2)] {
        let head = format!("id = \"{person}\"\n");
        let more = format!("channels = [\"sms\"]\naddresses = {{ sms = \"{number}\" }}\n");
        scene = scene.with(&head, &format!("{head}{more}"));
    }
    scene.and(&format!("[sms]\nurl = \"{}\"\ninbound_keys = \"{}\"\n", gateway.url("/sms"), key_file().display()))
}

fn unix_s() -> u64 {
    u64::try_from(Time::from_unix_s(now_s()).unwrap().as_micros() / 1_000_000).unwrap()
}

/// Posts as the gateway does: signed as Standard Webhooks says, by another hand than the one under test.
fn signed(centre: &Centre, channel: &str, key: &str, (message, at): (&str, u64), body: &Value) -> Answer {
    let body = body.to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &BASE64_STANDARD.decode(key).unwrap());
    let tag = hmac::sign(&key, format!("{message}.{at}.{body}").as_bytes());
    let (at, signature) = (at.to_string(), format!("v1,{}", BASE64_STANDARD.encode(tag)));
    let headers = [
        ("webhook-id", message),
        ("webhook-timestamp", &at),
        ("webhook-signature", &signature),
        ("content-type", "application/json"),
    ];
    centre.anybody().send("POST", &format!("/api/v1/inbound/{channel}"), &headers, body.as_bytes())
}

fn post(centre: &Centre, channel: &str, body: &Value) -> Answer {
    signed(centre, channel, KEY, (text(&json!({"id": id()}), "/id"), unix_s()), body)
}

fn write(centre: &Centre, from: &str, words: &str) -> Value {
    let body = json!({"id": "m1", "from": from, "to": "+19155550199", "text": words});
    post(centre, "sms", &body).ok(200)["reply"].clone()
}

/// A bulletin that may go through strangers' machines.
fn green(title: &str) -> Value {
    let mut c = content(title);
    c["marking"] = json!({"tlp": "TLP:GREEN", "releasable_to": []});
    c
}

fn row(watch: &Client, bulletin: &Value, person: &str) -> Value {
    let all = watch.see(&format!("/api/v1/notices/{}/recipients", text(bulletin, "/notice")));
    items(&all).iter().find(|r| r["person"] == person).unwrap().clone()
}

fn code(watch: &Client, bulletin: &Value) -> String {
    text(&watch.see(&format!("/api/v1/notices/{}", text(bulletin, "/notice"))), "/notice/code").to_owned()
}

fn refused(watch: &Client, source: &str, reason: &str) -> u64 {
    let all = watch.see("/api/v1/sources");
    let of = items(&all).iter().find(|s| s["id"] == source).cloned().unwrap_or_default();
    of["refused"][reason].as_u64().unwrap_or_default()
}

fn sent_to(gateway: &PostServer, number: &str) -> Vec<Value> {
    gateway.posts().iter().map(Post::json).filter(|p| p["to"] == number).collect()
}

#[test]
fn a_code_by_sms_acknowledges_for_its_writer_alone_and_says_what_became_of_it() {
    let gateway = PostServer::start();
    let mut centre = Centre::start_with(scene(&gateway), &[]);
    let watch = centre.person("watch");
    let bulletin = issue(&mut centre, &green("Explosives"));
    let first = code(&watch, &bulletin);
    until("both messages", SOON, || {
        (sent_to(&gateway, A1).len() == 1 && sent_to(&gateway, A2).len() == 1).then_some(())
    });
    assert!(text(&sent_to(&gateway, A1)[0], "/text").contains(&first));

    // Forged, stale, from nobody we know, without a signature: nothing happens.
    let right = json!({"id": "m1", "from": A1, "to": "+19155550199", "text": first});
    let fresh = id();
    signed(&centre, "sms", OTHER_KEY, (&fresh, unix_s()), &right).problem(401, "not_signed");
    signed(&centre, "sms", KEY, (&fresh, unix_s() - 400), &right).problem(401, "stale");
    centre.anybody().post("/api/v1/inbound/sms", &right).problem(401, "not_signed");
    let mut foreign = right.clone();
    foreign["from"] = json!("+19155550177");
    post(&centre, "sms", &foreign).problem(422, "unknown_sender");
    post(&centre, "mail", &right).problem(404, "not_found");
    post(&centre, "sms", &json!({"id": "m1", "from": A1, "text": 7})).problem(422, "bad_message");
    assert_eq!(row(&watch, &bulletin, "agent-a1")["acknowledged_at"], Value::Null);
    for (reason, n) in [("not_signed", 2), ("stale", 1), ("unknown_sender", 1), ("bad_message", 1)] {
        assert_eq!(refused(&watch, "inbound-sms", reason), n, "{reason}");
    }

    let samples = watch.see("/api/v1/sources").to_string();
    let hex = |text: &str| text.bytes().fold(String::new(), |hex, b| format!("{hex}{b:02x}"));
    assert!(samples.contains(&format!("\"{}\"", hex("m1"))), "the gateway's own id: {samples}");
    assert!(!samples.contains(&hex("555017")) && !samples.contains(&hex("555000")), "and nobody's number");

    let wrong = if first == "0000" { "0001" } else { "0000" };
    assert_eq!(write(&centre, A1, wrong), json!(format!("No open notice has the code {wrong}.")));
    assert_eq!(write(&centre, A1, "ok"), json!("Nothing acknowledged: reply with the code alone."));
    assert!(text(&write(&centre, A1, "help"), "").contains("STOP"));
    let message = id();
    let said = signed(&centre, "sms", KEY, (&message, unix_s()), &right).ok(200);
    assert_eq!(said["reply"], json!(format!("Acknowledged {first}.")));
    let a1 = row(&watch, &bulletin, "agent-a1");
    assert_eq!((&a1["acknowledged_via"], &a1["owes"]), (&json!("sms"), &json!(false)), "{a1}");
    assert_eq!(row(&watch, &bulletin, "agent-a2")["acknowledged_at"], Value::Null, "nobody speaks for another");
    let again = signed(&centre, "sms", KEY, (&message, unix_s()), &right).ok(200);
    assert_eq!((&again["reply"], refused(&watch, "inbound-sms", "replay")), (&Value::Null, 1));

    // A correction: the old code is understood, and acknowledges nothing.
    let mut other = green("Explosives");
    other["text"] = json!("Keep 300 m away.");
    let supervisor = centre.person("supervisor");
    let changed = act(&watch, &bulletin, "corrections", json!({"content": other, "why": "distance"})).ok(201);
    approve(&supervisor, &changed);
    let newest = code(&watch, &bulletin);
    let said = write(&centre, A2, &first);
    assert_eq!(said, json!(format!("NOT acknowledged: {first} is superseded. The newest code is {newest}.")));
    assert_eq!(row(&watch, &bulletin, "agent-a2")["acknowledged_at"], Value::Null);
    assert_eq!(write(&centre, A2, &format!("{newest}!")), json!(format!("Acknowledged {newest}.")));
    // Durable before it was said.
    centre.kill();
    centre.start_again();
    let watch = centre.person("watch");
    assert_eq!(row(&watch, &bulletin, "agent-a2")["acknowledged_via"], "sms");
    let log = centre.log();
    assert!(!log.contains("9155550") && !log.contains("Keep 300"));
}

#[test]
fn answers_links_and_calls_acknowledge_and_only_the_person_signed_in_ticks_a_measure() {
    let (gateway, mail) = (PostServer::start(), MailServer::start());
    let keys = format!("inbound_keys = \"{}\"", key_file().display());
    let scene = scene(&gateway)
        .with(
            "channels = [\"sms\"]\naddresses = { sms = \"+19155550002\" }",
            "channels = [\"mail\"]\naddresses = { mail = \"a2@field.example\" }",
        )
        .and(&mail.table(&keys));
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.person("watch");
    let mut says = with_checklist("Explosives", &MEASURES);
    says["marking"] = json!({"tlp": "TLP:GREEN", "releasable_to": []});
    let bulletin = issue(&mut centre, &says);
    let notice = text(&bulletin, "/notice").to_owned();
    let code = code(&watch, &bulletin);
    let done = |who: &str| row(&watch, &bulletin, who)["done"].clone();
    let counted = || {
        let board = watch.see(&format!("/api/v1/notices/{notice}/board"));
        items(&json!({"items": board["measures"]})).iter().map(|m| m["done"].as_u64().unwrap()).sum::<u64>()
    };

    // Whatever they write besides the code: it acknowledges, or says that it does not, and ticks nothing.
    for words in ["body-armour", "1 2 3", "done: body-armour, first-aid-kit", "yes to all"] {
        write(&centre, A1, words);
        assert_eq!((done("agent-a1"), counted()), (json!([]), 0), "{words}");
    }
    let said = write(&centre, A1, &format!("OK {code}"));
    assert_eq!(said, json!(format!("Acknowledged {code}.")));
    let by_mail = json!({"id": "m", "from": "A2 <a2@field.example>",
        "text": format!("{code}\n\n[x] 1. Do body-armour.\n[x] 2. Do first-aid-kit.\n[x] 3. Do report-every-sighting.")});
    post(&centre, "mail", &by_mail).ok(200);
    let call = json!({"id": id(), "person": "lead-a", "status": "acknowledged", "note": "has body-armour on"});
    watch.post(&format!("/api/v1/notices/{notice}/versions/1/calls"), &call).ok(201);
    for (person, via) in [("agent-a1", "sms"), ("agent-a2", "mail"), ("lead-a", "voice")] {
        let r = row(&watch, &bulletin, person);
        assert_eq!((text(&r, "/acknowledged_via"), &r["done"]), (via, &json!([])), "{r}");
    }
    assert_eq!(counted(), 0);

    // Nobody ticks for another: neither the watch by name, nor whoever is not signed in, nor a machine.
    let path = format!("/api/v1/notices/{notice}/versions/1/measures");
    let for_another = json!({"id": id(), "done": ["body-armour"], "person": "agent-a1"});
    assert_eq!(watch.post(&path, &for_another).status, 422);
    watch.post(&path, &json!({"id": id(), "done": ["body-armour"]})).problem(404, "not_found");
    centre.anybody().post(&path, &json!({"id": id(), "done": ["body-armour"]})).problem(401, "signed_out");
    signed(&centre, "sms", KEY, (&id(), unix_s()), &json!({"id": "m", "from": A1, "done": ["body-armour"]}))
        .problem(422, "bad_message");
    let integrator = centre.person("integrator");
    let token = integrator.post("/api/v1/tokens", &json!({"id": id(), "name": "x", "source": "mast"})).ok(201);
    let machine = centre.anybody().with_token(text(&token, "/secret"));
    machine.post(&path, &json!({"id": id(), "done": ["body-armour"]})).problem(401, "signed_out");
    assert_eq!(counted(), 0);

    // The person themself, signed in: theirs alone; acknowledged as before.
    let agent = centre.person("agent-a1");
    tick(&agent, &notice, 1, &["first-aid-kit"]).ok(200);
    assert_eq!((done("agent-a1"), done("agent-a2"), counted()), (json!(["first-aid-kit"]), json!([]), 1));
    // And an answer that comes once more takes nothing of it away.
    write(&centre, A1, &code);
    assert_eq!((done("agent-a1"), counted()), (json!(["first-aid-kit"]), 1));
}

#[test]
fn stop_is_kept_over_a_crash_shown_as_unreachable_and_undone_by_start() {
    let gateway = PostServer::start();
    let mut centre = Centre::start_with(scene(&gateway), &[]);
    let reach = |watch: &Client| {
        let all = watch.see("/api/v1/people");
        let p = items(&all).iter().find(|p| p["id"] == "agent-a1").unwrap().clone();
        (p["channels_up"].clone(), p["unreachable"].as_bool().unwrap())
    };
    let watch = centre.person("watch");
    until("the gateway up", SOON, || (reach(&watch) == (json!(["sms"]), false)).then_some(()));
    assert!(text(&write(&centre, A1, " Stop. "), "").starts_with("No more over SMS"));
    assert_eq!(reach(&watch), (json!([]), true));
    centre.kill();
    centre.start_again();
    let watch = centre.person("watch");
    let bulletin = issue(&mut centre, &green("Explosives"));
    until("the other's", SOON, || (!sent_to(&gateway, A2).is_empty()).then_some(()));
    assert_eq!((reach(&watch), sent_to(&gateway, A1)), ((json!([]), true), vec![]));
    assert_eq!(row(&watch, &bulletin, "agent-a1")["trouble"], "no_channel_up");
    // In words of its own: on the board, in the list of people and on what an administrator sees.
    let says = "answered STOP by SMS: nothing goes there until they write START";
    let board = |watch: &Client| text(&row(watch, &bulletin, "agent-a1"), "/why").to_owned();
    let listed = |watch: &Client| {
        let all = watch.see("/api/v1/people");
        items(&all).iter().find(|p| p["id"] == "agent-a1").unwrap()["why"].clone()
    };
    assert!(board(&watch).ends_with(says), "{}", board(&watch));
    assert_eq!(listed(&watch), json!(says));
    assert_eq!(write(&centre, A1, "START"), json!("Warnings come over SMS again."));
    until("theirs", SOON, || (!sent_to(&gateway, A1).is_empty()).then_some(()));
    assert_eq!(reach(&watch), (json!(["sms"]), false));
    assert!(!board(&watch).contains("STOP") && !listed(&watch).to_string().contains("STOP"));
}

#[test]
fn a_handsets_receipt_is_delivery_and_a_mail_servers_is_not() {
    let (gateway, mail) = (PostServer::start(), MailServer::start());
    let keys = format!("inbound_keys = \"{}\"", key_file().display());
    let scene = scene(&gateway)
        .with(
            "channels = [\"sms\"]\naddresses = { sms = \"+19155550002\" }",
            "channels = [\"mail\"]\naddresses = { mail = \"a2@field.example\" }",
        )
        .and(&mail.table(&keys));
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.person("watch");
    let bulletin = issue(&mut centre, &green("Explosives"));
    until("both sent", SOON, || {
        ["agent-a1", "agent-a2"].iter().all(|p| row(&watch, &bulletin, p)["reached"] == "sent").then_some(())
    });
    let delivery = text(&sent_to(&gateway, A1)[0], "/id").to_owned();
    let report = |delivery: &str| json!({"id": "r1", "delivery": delivery, "status": "delivered"});
    let unknown = "018f0000-0000-7000-8000-000000000001";
    assert_eq!(post(&centre, "sms", &report(unknown)).ok(200)["reply"], Value::Null, "of a version that is gone");
    post(&centre, "sms", &report("x")).problem(422, "unknown_delivery");
    post(&centre, "mail", &report(&delivery)).problem(422, "unknown_delivery");
    assert_eq!(row(&watch, &bulletin, "agent-a1")["reached"], "sent");
    post(&centre, "sms", &report(&delivery)).ok(200);
    let a1 = row(&watch, &bulletin, "agent-a1");
    assert_eq!((&a1["reached"], &a1["acknowledged_at"]), (&json!("delivered"), &Value::Null));
    let by_mail = mail.to("a2@field.example").remove(0).delivery().to_owned();
    post(&centre, "mail", &report(&by_mail)).ok(200);
    assert_eq!(row(&watch, &bulletin, "agent-a2")["reached"], "sent");

    // An answer that quotes us says nothing; one above the quotation does.
    let quoted = format!("On Thu, Watch wrote:\n> Reply with {}", code(&watch, &bulletin));
    let answer = |words: &str| {
        let body = json!({"id": "m", "from": "A2 <A2@field.example>", "text": words});
        post(&centre, "mail", &body).ok(200)["reply"].clone()
    };
    assert_eq!(answer(&format!("Thanks\n{quoted}")), json!("Nothing acknowledged: reply with the code alone."));
    assert_eq!(row(&watch, &bulletin, "agent-a2")["acknowledged_at"], Value::Null);
    answer(&format!("{}\n\n{quoted}", code(&watch, &bulletin)));
    assert_eq!(row(&watch, &bulletin, "agent-a2")["acknowledged_via"], "mail");
}

#[test]
fn a_report_that_a_message_was_lost_leads_to_the_next_channel_at_once() {
    let (gateway, mail) = (PostServer::start(), MailServer::start());
    // Without the report the mail would go after an hour.
    let scene = scene(&gateway)
        .with("sms = 60.0 }", "sms = 3600.0 }")
        .with(
            "channels = [\"sms\"]\naddresses = { sms = \"+19155550002\" }",
            "channels = [\"sms\", \"mail\"]\naddresses = { sms = \"+19155550002\", mail = \"a2@field.example\" }",
        )
        .and(&mail.table(&format!("inbound_keys = \"{}\"", key_file().display())));
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.person("watch");
    let bulletin = issue(&mut centre, &green("Explosives"));
    until("both sent", SOON, || {
        ["agent-a1", "agent-a2"].iter().all(|p| row(&watch, &bulletin, p)["reached"] == "sent").then_some(())
    });
    let delivery = text(&sent_to(&gateway, A2)[0], "/id").to_owned();
    assert_eq!(mail.to("a2@field.example").len(), 0);
    let report = |delivery: &str| json!({"id": "r1", "delivery": delivery, "status": "failed"});
    // Of a reminder that never went: changes nothing.
    post(&centre, "sms", &report(&format!("{delivery}.r7"))).ok(200);
    post(&centre, "sms", &report(&delivery)).ok(200);
    until("the mail", SOON, || (mail.to("a2@field.example").len() == 1).then_some(()));
    post(&centre, "sms", &report(&delivery)).ok(200);
    // Whoever has it, has it: a receipt of the other's handset, and then a report that says otherwise.
    let other = text(&sent_to(&gateway, A1)[0], "/id").to_owned();
    post(&centre, "sms", &json!({"id": "r2", "delivery": other, "status": "delivered"})).ok(200);
    post(&centre, "sms", &report(&other)).ok(200);
    let a1 = row(&watch, &bulletin, "agent-a1");
    assert_eq!((&a1["reached"], &a1["trouble"]), (&json!("delivered"), &Value::Null), "{a1}");
    assert_eq!((sent_to(&gateway, A1).len(), sent_to(&gateway, A2).len()), (1, 1), "nothing goes there again");
}

#[test]
fn the_watchdogs_own_message_that_comes_back_closes_its_round() {
    let (gateway, mail) = (PostServer::start(), MailServer::start());
    let more = format!("inbound_keys = \"{}\"\nloop = \"loop@centre.example\"", key_file().display());
    let scene = scene(&gateway).and(&mail.table(&more)).and("[watchdog]\nevery_min = 0.01\nwait_s = 20.0\n");
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.person("watch");
    let test = until("a test", SOON, || mail.to("loop@centre.example").into_iter().next());
    let body = json!({"id": "m", "from": "loop@centre.example", "text": test.header("Subject")});
    assert_eq!(post(&centre, "mail", &body).ok(200)["reply"], Value::Null);
    until("the round", SOON, || {
        let all = watch.see("/api/v1/channels");
        let m = items(&all).iter().find(|c| c["channel"] == "mail").cloned()?;
        (m["state"] == "up" && !m["last_round"].is_null()).then_some(())
    });
}

#[test]
fn a_test_that_comes_back_by_mail_and_sms_clears_each_channels_alarm() {
    let (gateway, mail) = (PostServer::start(), MailServer::start());
    let more = format!("inbound_keys = \"{}\"\nloop = \"loop@centre.example\"", key_file().display());
    // Every half second a test, which has a minute to come back.
    let scene = scene(&gateway)
        .with("[sms]\n", "[sms]\nloop = \"+19155550199\"\n")
        .and(&mail.table(&more))
        .and("[watchdog]\nevery_min = 0.01\nwait_s = 60.0\n");
    mail.does(Does::Fails);
    gateway.answers(Answers::With(500));
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.person("watch");
    let alarms = || {
        let all = watch.see("/api/v1/alarms");
        let of = items(&all).iter().filter(|a| a["alarm"]["of"] == "channel");
        of.map(|a| text(a, "/alarm/id").to_owned()).collect::<Vec<_>>()
    };
    until("both alarms", SOON, || (alarms() == ["mail", "sms"]).then_some(()));
    mail.does(Does::Takes);
    gateway.answers(Answers::With(200));
    // Taken is not come round: the alarms stay. (A host that failed often is let rest for half a minute.)
    let long = Duration::from_mins(2);
    let by_mail = until("a test by mail", long, || mail.to("loop@centre.example").into_iter().next_back());
    let by_sms = until("a test by SMS", long, || sent_to(&gateway, "+19155550199").into_iter().next_back());
    assert_eq!(alarms(), ["mail", "sms"]);
    // As whoever takes in mail and the gateway hand it on: quoted, and from whatever address.
    let body =
        json!({"id": "m", "from": "Loop <loop@centre.example>", "text": format!("Fwd: {}", by_mail.header("Subject"))});
    assert_eq!(post(&centre, "mail", &body).ok(200)["reply"], Value::Null);
    until("mail's alarm gone", long, || (alarms() == ["sms"]).then_some(()));
    let body = json!({"id": "m", "from": "+19155550199", "text": text(&by_sms, "/text")});
    // The other way round it does not count: a test by SMS that comes back by mail says nothing of SMS.
    post(&centre, "mail", &body).ok(200);
    assert_eq!(alarms(), ["sms"]);
    post(&centre, "sms", &body).ok(200);
    until("all alarms gone", long, || alarms().is_empty().then_some(()));
}
