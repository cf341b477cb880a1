//! Mail, SMS, webhooks and sirens with the real binary, against servers that the test plays: accepted is not delivered,
//! refused is not repeated, down goes on elsewhere, a crash repeats at most once, an exercise sends nothing, and a channel
//! that takes messages which do not arrive is an alarm.

use crate::{
    bulletins::{act, approve, content, issue, propose},
    renderings::sheet,
    support::{
        Answers, Centre, Client, Does, Events, Flight, MailServer, Post, PostServer, SOON, Scene, id, items, position,
        text, time_text, until,
    },
};
use serde_json::{Value, json};
use skypicket_model::{Time, Zone};
use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The scene with short waits, and with more text in these people's tables.
fn scene(people: &[(&str, &str)]) -> Scene {
    let mut scene = Scene::new()
        .with("tak = 1.5 }", "tak = 1.5, mail = 2.0, sms = 60.0, webhook = 60.0, relay = 60.0 }")
        .and("[policy.warn]\nhold_s = 2.0\n");
    for (person, more) in people {
        let head = format!("id = \"{person}\"\n");
        scene = scene.with(&head, &format!("{head}{more}\n"));
    }
    scene
}

fn by_mail_and_sms(who: &str, number: u32) -> String {
    format!(
        "channels = [\"mail\", \"sms\"]\naddresses = {{ mail = \"{who}@field.example\", sms = \"+1915555{number:04}\" }}"
    )
}

/// A file with the signing key that stays until the test's process ends.
fn key_file() -> PathBuf {
    let path = std::env::temp_dir().join(format!("skypicket-test-key-{}", std::process::id()));
    std::fs::write(&path, format!("{KEY}\n")).unwrap();
    path
}

fn sms_table(gateway: &PostServer) -> String {
    format!("[sms]\nurl = \"{}\"\n", gateway.url("/sms"))
}

/// A drone that comes near agent-a1, who stands where the scene is.
fn danger(centre: &Centre, agent: &Client, serial: &str) -> Flight {
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    Flight::start(centre.scene.tcp, serial, [0.0, 120.0, 30.0], [0.0, -1.0, 0.0])
}

fn row<'a>(notice: &'a Value, person: &str) -> Option<&'a Value> {
    notice["recipients"].as_array()?.iter().find(|r| r["person"] == person)
}

/// Every delivery of a notice to a person.
fn deliveries(watch: &Client, notice: &str, person: &str) -> Vec<Value> {
    let all = watch.see(&format!("/api/v1/deliveries?notice={notice}"));
    items(&all).iter().filter(|d| d["person"] == person).cloned().collect()
}

fn channel(watch: &Client, which: &str) -> Option<Value> {
    let all = watch.see("/api/v1/channels");
    items(&all).iter().find(|c| c["channel"] == which).cloned()
}

fn state(watch: &Client, which: &str) -> String {
    channel(watch, which).map_or_else(|| "none".into(), |c| text(&c, "/state").to_owned())
}

#[test]
fn a_person_by_mail_and_sms_alone_is_warned_by_mail_and_for_want_of_a_receipt_by_sms() {
    let (mail, gateway) = (MailServer::start(), PostServer::start());
    let scene = scene(&[("agent-a1", &by_mail_and_sms("a1", 1))]).and(&mail.table("")).and(&sms_table(&gateway));
    let mut centre = Centre::start_with(scene, &[]);
    let (watch, agent) = (centre.person("watch"), centre.person("agent-a1"));
    let mut at_watch = centre.events("watch");
    let people = watch.see("/api/v1/people");
    let a1 = items(&people).iter().find(|p| p["id"] == "agent-a1").unwrap();
    assert_eq!((&a1["channels_up"], &a1["unreachable"]), (&json!(["mail", "sms"]), &json!(false)));

    let _drone = danger(&centre, &agent, "1581F4MAIL0001");
    let sent = at_watch.notice("taken by the mail server", |n| {
        row(n, "agent-a1").is_some_and(|r| r["reached"] == "sent" && r["channel"] == "mail")
    });
    let notice = text(&sent, "/notice/id").to_owned();
    let first = mail.to("a1@field.example").remove(0);
    assert!(first.header("Subject").contains("[TLP:"), "{}", first.text);
    assert!(first.text.contains(text(&sent, "/notice/code")) || sent["notice"]["version"] != 1, "{}", first.text);
    assert_eq!(first.header("From"), "Watch <watch@centre.example>");
    // It took it, and nobody knows more: so the gateway gets it as well.
    until("the short message", SOON, || (!gateway.posts().is_empty()).then_some(()));
    let short = gateway.posts().remove(0);
    assert_eq!((short.path.as_str(), &short.json()["to"]), ("/sms", &json!("+19155550001")));
    assert!(text(&short.json(), "/text").contains("TLP:"));
    let all = deliveries(&watch, &notice, "agent-a1");
    // That the gateway took it may not be recorded yet.
    let not_delivered = |d: &Value| d["reached"] == "sent" || d["channel"] == "sms" && d["reached"] == "queued";
    assert!(all.iter().all(not_delivered), "accepted is not delivered: {all:?}");
    assert!(all.iter().any(|d| d["id"] == first.delivery()) || sent["notice"]["version"] != 1, "{all:?}");
    // Where and to whom is in no log.
    let log = centre.log();
    assert!(!log.contains("a1@field.example") && !log.contains("+1915555"));
    let mail = channel(&watch, "mail").unwrap();
    assert_eq!((&mail["state"], &mail["host"], &mail["tested"]), (&json!("up"), &json!("127.0.0.1"), &json!(false)));
    assert!(mail["courier"]["accepted"].as_u64() >= Some(1), "{mail}");
    agent.get("/api/v1/channels").problem(403, "forbidden");
}

#[test]
fn a_bulletin_says_its_times_in_the_centres_own_zone_too_by_mail_and_on_its_page() {
    let mail = MailServer::start();
    let scene = scene(&[("agent-a1", "channels = [\"mail\"]\naddresses = { mail = \"a1@field.example\" }")])
        .and(&mail.table(""))
        // No summer time there: the same letters on any day.
        .and("[centre]\ntime_zone = \"America/Phoenix\"\n");
    let mut centre = Centre::start_with(scene, &[]);
    let agent = centre.person("agent-a1");
    let bulletin = issue(&mut centre, &sheet());
    let until_words = {
        let at: Time = serde_json::from_value(bulletin["content"]["expires_at"].clone()).unwrap();
        Zone::new("America/Phoenix").unwrap().words(at)
    };
    assert!(until_words.contains("UTC") && until_words.contains("MST"), "{until_words}");
    let sent = until("the mail", SOON, || mail.to("a1@field.example").first().cloned());
    let path = format!("/api/v1/notices/{}/versions/1/renderings/", text(&bulletin, "/notice"));
    // As the mail's lines were before they were cut to the length that mail has.
    let sent = sent.text.replace("=\r\n", "").replace("=\n", "");
    for said in [sent, agent.get(&format!("{path}page.txt")).text(), agent.get(&format!("{path}mail.txt")).text()] {
        assert!(said.contains(&until_words), "{until_words} is not in {said}");
    }
}

#[test]
fn an_address_that_is_refused_is_not_tried_again_and_the_next_way_is_taken_at_once() {
    let (mail, gateway) = (MailServer::start(), PostServer::start());
    mail.does(Does::RefusesRecipient);
    let scene = scene(&[("agent-a1", &by_mail_and_sms("a1", 2))]).and(&mail.table("")).and(&sms_table(&gateway));
    let mut centre = Centre::start_with(scene, &[]);
    let (watch, agent) = (centre.person("watch"), centre.person("agent-a1"));
    let mut at_watch = centre.events("watch");
    let drone = danger(&centre, &agent, "1581F4MAIL0002");
    let n = at_watch
        .notice("by SMS", |n| row(n, "agent-a1").is_some_and(|r| r["channel"] == "sms" && r["reached"] == "sent"));
    let notice = text(&n, "/notice/id").to_owned();
    drone.end();
    // A new version may try anew; within one it is tried once, whatever comes later.
    at_watch.wait_for("that it is over", Duration::from_mins(1), |e| {
        e.name == "notice" && e.data["notice"]["id"] == notice.as_str() && e.data["notice"]["state"] == "cleared"
    });
    let all = deliveries(&watch, &notice, "agent-a1");
    let by_mail: Vec<&Value> = all.iter().filter(|d| d["channel"] == "mail").collect();
    assert!(!by_mail.is_empty());
    for d in by_mail {
        assert_eq!((&d["attempts"], &d["trouble"]), (&json!(1), &json!("refused")), "{d}");
    }
    assert_eq!(state(&watch, "mail"), "up", "one address says nothing about the channel");
}

#[test]
fn a_gateway_that_hangs_holds_up_nobody_who_is_reached_otherwise() {
    let (mail, gateway) = (MailServer::start(), PostServer::start());
    gateway.answers(Answers::Hangs);
    let sms = "channels = [\"sms\"]\naddresses = { sms = \"+19155550003\" }";
    let scene = scene(&[("agent-a1", &by_mail_and_sms("a1", 3)), ("watch2", sms)])
        .and(&mail.table(""))
        .and(&sms_table(&gateway));
    let mut centre = Centre::start_with(scene, &[]);
    let agent = centre.person("agent-a1");
    let mut at_watch = centre.events("watch");
    let mut flights = Vec::new();
    // Several at a time, so that every place at the gateway hangs.
    for k in 0..3 {
        let before = mail.mails().len();
        let began = Instant::now();
        flights.push(danger(&centre, &agent, &format!("1581F4HANG000{k}")));
        until("the mail", SOON, || (mail.mails().len() > before).then_some(()));
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        at_watch.notice("on the page", |n| row(n, "watch").is_some_and(|r| r["reached"] == "sent"));
    }
    assert!(!gateway.posts().is_empty());
}

/// Six people of the unit of a site that a drone comes near, each by mail and then SMS.
fn unit_b() -> (Scene, BTreeSet<String>) {
    let mut scene = scene(&[("lead-b", &by_mail_and_sms("b0", 10)), ("agent-b1", &by_mail_and_sms("b1", 11))]);
    for k in 2..6 {
        scene = scene.and(&format!(
            "[[person]]\nid = \"agent-b{k}\"\nname = \"B{k}\"\nunit = \"b\"\nroles = [\"field\"]\n{}\n",
            by_mail_and_sms(&format!("b{k}"), 10 + k)
        ));
    }
    (scene, (0..6).map(|k| format!("b{k}@field.example")).collect())
}

/// A drone that stands near the site.
fn over_the_post(centre: &Centre, serial: &str) -> Flight {
    // The post is 0.14 degrees of latitude north.
    Flight::start(centre.scene.tcp, serial, [0.0, 15_523.0, 30.0], [0.0, 0.0, 0.0])
}

#[test]
fn a_server_that_fails_is_down_others_carry_on_and_what_waited_goes_once_when_it_is_back() {
    let (mail, gateway) = (MailServer::start(), PostServer::start());
    mail.does(Does::Fails);
    let (scene, addresses) = unit_b();
    let scene = scene
        .with("sms = 60.0", "sms = 5.0")
        .and(&mail.table(""))
        .and(&sms_table(&gateway))
        .and("[policy.desk]\nchannel_down_s = 2.0\n");
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.person("watch");
    let mut at_watch = centre.events("watch");
    let _drone = over_the_post(&centre, "1581F4DOWN0001");
    until("mail down", SOON, || (state(&watch, "mail") == "down").then_some(()));
    let said = watch.see("/api/v1/status")["warnings"].to_string();
    assert!(said.contains("Channel mail is down"), "{said}");
    let numbers = || gateway.posts().iter().map(|p| text(&p.json(), "/to").to_owned()).collect::<BTreeSet<_>>();
    until("everybody by SMS", SOON, || (numbers().len() == addresses.len()).then_some(()));
    assert_eq!(mail.mails().len(), 0);
    // It lasts: somebody at the centre must see to it, and is interrupted for that, once.
    let open =
        at_watch.wait("its alarm", |e| e.name == "alarm" && e.data["alarm"] == json!({"of": "channel", "id": "mail"}));
    assert_eq!((&open.data["sounds"], &open.data["action"]), (&json!(true), &json!("mend")), "{}", open.data);
    assert!(open.data["down_since"].is_string(), "{}", open.data);
    assert_eq!(alarms(&watch), ["mail"]);
    mail.does(Does::Takes);
    // After its rest of half a minute somebody looks whether it is there.
    until("mail up", Duration::from_mins(1), || (state(&watch, "mail") == "up").then_some(()));
    until("its alarm gone", SOON, || alarms(&watch).is_empty().then_some(()));
    let to = || mail.mails().iter().map(|m| m.to.clone()).collect::<BTreeSet<_>>();
    until("everybody by mail", Duration::from_secs(20), || (to() == addresses).then_some(()));
    let ids: Vec<String> = mail.mails().iter().map(|m| m.header("Message-ID").to_owned()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "each goes once: {ids:?}");
}

#[test]
fn killed_between_commit_and_sending_it_sends_each_once_after_the_restart() {
    let mail = MailServer::start();
    mail.does(Does::HoldsGreeting);
    let only_mail = "channels = [\"mail\"]\naddresses = { mail = \"a1@field.example\" }";
    let scene = scene(&[("agent-a1", only_mail)]).with("mail = 2.0", "mail = 60.0").and(&mail.table(""));
    let mut centre = Centre::start_with(scene, &[]);
    let (watch, agent) = (centre.person("watch"), centre.person("agent-a1"));
    let drone = danger(&centre, &agent, "1581F4KILL0001");
    until("a connection", SOON, || (mail.connections() > 0).then_some(()));
    let notice = until("the notice", SOON, || {
        let all = watch.see("/api/v1/notices");
        items(&all).first().map(|n| text(n, "/notice/id").to_owned())
    });
    let before = deliveries(&watch, &notice, "agent-a1");
    centre.kill();
    drone.end();
    assert_eq!(mail.mails().len(), 0);
    mail.does(Does::Takes);
    centre.start_again();
    until("the mail", SOON, || (!mail.mails().is_empty()).then_some(()));
    let got = mail.mails();
    // The newest version that was committed; what the drone did afterwards makes further ones.
    let watch = centre.person("watch");
    let all = deliveries(&watch, &notice, "agent-a1");
    let mut ids = BTreeSet::new();
    for m in &got {
        assert!(ids.insert(m.delivery().to_owned()), "twice: {}", m.text);
        assert!(all.iter().any(|d| d["id"] == m.delivery()), "{} of {all:?}", m.delivery());
    }
    assert!(before.iter().any(|d| ids.contains(text(d, "/id"))) || all.len() > before.len());
    assert!(
        got[0].text.contains("may repeat") || !before.iter().any(|d| d["id"] == got[0].delivery()),
        "{}",
        got[0].text
    );
}

#[test]
fn killed_after_sending_before_it_was_recorded_it_repeats_once_under_the_same_id_and_says_so() {
    let mail = MailServer::start();
    mail.does(Does::HoldsEnd);
    let only_mail = "channels = [\"mail\"]\naddresses = { mail = \"a1@field.example\" }";
    // An advisory alone, so that no newer version takes its place.
    let scene = scene(&[("agent-a1", only_mail)]).with("mail = 2.0", "mail = 60.0").and(&mail.table(""));
    let mut centre = Centre::start_with(scene, &[]);
    let agent = centre.person("agent-a1");
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    // It stands over them: urgent from the first version on.
    let drone = Flight::start(centre.scene.tcp, "1581F4KILL0002", [0.0, 60.0, 30.0], [0.0, 0.0, 0.0]);
    until("a mail that was read whole", SOON, || (!mail.mails().is_empty()).then_some(()));
    centre.kill();
    drone.end();
    let before = mail.mails();
    mail.does(Does::Takes);
    centre.start_again();
    let last = before.last().unwrap().header("Message-ID").to_owned();
    let again = until("it again", SOON, || {
        let all = mail.mails();
        let same: Vec<_> = all.into_iter().filter(|m| m.header("Message-ID") == last).collect();
        (same.len() > 1).then_some(same)
    });
    assert_eq!(again.len(), 2);
    assert!(!again[0].text.contains("may repeat") && again[1].text.contains("may repeat"), "{}", again[1].text);
    let mut at_watch = centre.events("watch");
    at_watch.wait_for("that it is over", Duration::from_mins(1), |e| {
        e.name == "notice" && e.data["notice"]["state"] == "cleared"
    });
    let same = mail.mails().iter().filter(|m| m.header("Message-ID") == last).count();
    assert_eq!(same, 2, "at most one duplicate");
}

#[test]
fn a_siren_is_on_while_a_warning_of_its_site_stands_and_off_when_it_ends_and_a_webhook_hears_both() {
    let (siren, hook) = (PostServer::start(), PostServer::start());
    let key = key_file();
    let scene = scene(&[]).and(&format!(
        "[[person]]\nid = \"siren\"\nname = \"Siren\"\nunit = \"b\"\nroles = [\"device\"]\nchannels = [\"relay\"]\naddresses = {{ relay = \"gate\" }}\n\
         [[person]]\nid = \"cad\"\nname = \"CAD\"\nunit = \"b\"\nroles = [\"device\"]\nchannels = [\"webhook\"]\naddresses = {{ webhook = \"county\" }}\n\
         [[relay]]\nid = \"gate\"\nurl = \"{}\"\nsecret_file = \"{}\"\n[[webhook]]\nid = \"county\"\nurl = \"{}\"\nsecret_file = \"{}\"\n",
        siren.url("/alarm"), key.display(), hook.url("/in"), key.display()
    ));
    let mut centre = Centre::start_with(scene, &[]);
    let mut at_watch = centre.events("watch");
    let drone = over_the_post(&centre, "1581F4SIREN001");
    let on = until("the siren on", SOON, || siren.of_type("alarm").into_iter().find(|a| a["on"] == true));
    assert_eq!(on["exercise"], Value::Null);
    assert!(on.get("lla").is_none() && on.as_object().unwrap().len() == 7, "it says no place: {on}");
    let told = until("the webhook", SOON, || hook.of_type("notice").into_iter().next());
    assert_eq!((&told["notice"], &told["to"], &told["code"]), (&on["notice"], &json!("cad"), &Value::Null));
    assert!(siren.posts().iter().chain(&hook.posts()).all(|p| p.is_signed(KEY)));
    let n = at_watch.notice("its machine's answer is its receipt", |n| {
        row(n, "siren").is_some_and(|r| r["reached"] == "delivered")
            && row(n, "cad").is_some_and(|r| r["reached"] == "delivered")
    });
    assert_eq!(row(&n, "siren").unwrap()["owes"], false, "nobody waits for a siren's acknowledgement");
    drone.end();
    let off = until("the siren off", Duration::from_mins(1), || {
        siren.of_type("alarm").into_iter().find(|a| a["on"] == false)
    });
    assert_eq!(off["notice"], on["notice"]);
    assert!(off["version"].as_u64() > on["version"].as_u64());
    until("the webhook's end", SOON, || hook.of_type("notice").into_iter().find(|a| a["state"] == "cleared"));
}

#[test]
fn an_exercise_uses_no_way_out_of_the_house_unless_it_is_said() {
    let (mail, siren) = (MailServer::start(), PostServer::start());
    let relay = format!(
        "[[relay]]\nid = \"gate\"\nurl = \"{}\"\nsecret_file = \"{}\"\n",
        siren.url("/alarm"),
        key_file().display()
    );
    let watchdog = "[watchdog]\nevery_min = 0.01\nwait_s = 5.0\n";
    let scene = scene(&[]).and(&mail.table("loop = \"loop@centre.example\"")).and(&relay).and(watchdog);
    let mut centre = Centre::start_with(scene.clone(), &["--exercise", "first-light"]);
    let first = centre.first();
    // A round went over every channel that there is.
    until("a round", SOON, || channel(&first, "web").filter(|c| !c["last_round"].is_null()));
    assert_eq!((state(&first, "mail").as_str(), state(&first, "relay").as_str()), ("none", "none"));
    assert_eq!((mail.connections(), siren.posts().len()), (0, 0));
    centre.terminate();

    // One channel is let out: what goes over it says that it is an exercise.
    centre.scene = scene.and("[exercise]\nchannels = [\"mail\"]\n");
    centre.start_again();
    let got = until("a test mail", SOON, || mail.mails().into_iter().next());
    assert!(got.header("Subject").starts_with("EXERCISE first-light"), "{}", got.text);
    assert_eq!(siren.posts().len(), 0);
    assert_eq!(state(&first, "relay"), "none");
}

#[test]
fn an_exercises_own_notice_says_exercise_by_mail_by_sms_to_a_webhook_and_to_a_siren() {
    let (mail, gateway) = (MailServer::start(), PostServer::start());
    let (siren, hook) = (PostServer::start(), PostServer::start());
    let key = key_file();
    let scene = scene(&[]).and(&mail.table("")).and(&sms_table(&gateway)).and(&format!(
        "[[relay]]\nid = \"gate\"\nurl = \"{}\"\nsecret_file = \"{}\"\nin_exercises = true\n\
         [[webhook]]\nid = \"county\"\nurl = \"{}\"\nsecret_file = \"{}\"\n\
         [exercise]\nchannels = [\"mail\", \"sms\", \"webhook\", \"relay\"]\n",
        siren.url("/alarm"),
        key.display(),
        hook.url("/in"),
        key.display()
    ));
    let mut centre = Centre::start_with(scene, &["--exercise", "first-light"]);
    let (watch, chief) = (centre.first(), centre.person("sector-chief"));
    // People of the exercise, by these ways alone.
    let put = |person: &str, role: &str, channel: &str, address: &str| {
        json!({"change": "put_person", "person": {
            "id": person, "name": person, "unit": "picket-west", "roles": [role], "channels": [channel],
            "addresses": {channel: address}, "language": "en",
        }})
    };
    let changes = [
        put("by-mail", "field", "mail", "p1@field.example"),
        put("by-sms", "field", "sms", "+19155550001"),
        put("siren", "device", "relay", "gate"),
        put("cad", "device", "webhook", "county"),
    ];
    watch.post("/api/v1/directory", &json!({"id": id(), "changes": changes})).ok(200);
    let mut says = content("Unmanned aircraft");
    says["audience"] = json!([{"to": "people", "people": ["by-mail", "by-sms", "siren", "cad"]}]);
    says["marking"] = json!({"tlp": "TLP:GREEN", "releasable_to": []});
    let bulletin = approve(&chief, &propose(&watch, &says));
    let letter = until("the mail", SOON, || mail.to("p1@field.example").into_iter().next());
    assert!(letter.header("Subject").starts_with("EXERCISE first-light: "), "{}", letter.text);
    let body = letter.text.split_once("\r\n\r\n").or_else(|| letter.text.split_once("\n\n")).unwrap().1;
    assert!(body.trim_start().starts_with("EXERCISE"), "{body}");
    let short = until("the short message", SOON, || gateway.posts().first().map(Post::json));
    assert!(text(&short, "/text").starts_with("EXERCISE"), "{short}");
    let told = until("the webhook", SOON, || hook.of_type("notice").into_iter().next());
    assert_eq!((&told["notice"], &told["exercise"]), (&bulletin["notice"], &json!("first-light")));
    let on = until("the siren", SOON, || siren.of_type("alarm").into_iter().next());
    assert_eq!((&on["notice"], &on["exercise"]), (&bulletin["notice"], &json!("first-light")));
    // So does the end of it.
    act(&chief, &bulletin, "recalls", json!({"why": "over"})).ok(200);
    let off = until("the siren off", SOON, || siren.of_type("alarm").into_iter().find(|a| a["on"] == false));
    assert_eq!(off["exercise"], "first-light");
    let all = until("the recall by mail and SMS", SOON, || {
        let letters: Vec<String> = mail.mails().iter().map(|m| m.header("Subject").to_owned()).collect();
        let shorts: Vec<String> = gateway.posts().iter().map(|p| text(&p.json(), "/text").to_owned()).collect();
        (letters.len() > 1 && shorts.len() > 1).then(|| [letters, shorts].concat())
    });
    assert!(all.iter().all(|m| m.starts_with("EXERCISE")), "{all:?}");
    let hooks = hook.of_type("notice");
    assert!(hooks.iter().all(|h| h["exercise"] == "first-light"), "{hooks:?}");
}

fn alarms(watch: &Client) -> Vec<String> {
    let all = watch.see("/api/v1/alarms");
    items(&all).iter().filter(|a| a["alarm"]["of"] == "channel").map(|a| text(a, "/alarm/id").to_owned()).collect()
}

#[test]
fn a_mail_server_that_takes_and_drops_is_an_alarm_and_a_webhook_that_fails_is_one_until_it_answers() {
    let (mail, hook) = (MailServer::start(), PostServer::start());
    hook.answers(Answers::With(500));
    let table = format!(
        "[[webhook]]\nid = \"county\"\nurl = \"{}\"\nsecret_file = \"{}\"\n",
        hook.url("/in"),
        key_file().display()
    );
    let scene = scene(&[])
        .and(&mail.table("loop = \"loop@centre.example\""))
        .and(&table)
        .and("[watchdog]\nevery_min = 0.01\nwait_s = 1.0\n");
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.person("watch");
    let mut at_watch: Events = centre.events("watch");
    until("both alarms", SOON, || (alarms(&watch) == ["mail", "webhook"]).then_some(()));
    assert!(mail.to("loop@centre.example")[0].header("Subject").starts_with("Skypicket test "));
    let (m, w) = (channel(&watch, "mail").unwrap(), channel(&watch, "webhook").unwrap());
    assert_eq!((&m["state"], &m["why"], &m["tested"]), (&json!("deaf"), &json!("timed_out"), &json!(true)));
    assert_eq!((&w["state"], &w["why"]), (&json!("deaf"), &json!("county: server_fault (500)")));
    let said = watch.see("/api/v1/status")["warnings"].to_string();
    assert!(said.contains("Channel mail takes messages"), "every page says so: {said}");
    at_watch.wait("an alarm on the page", |e| e.name == "alarm" && e.data["alarm"]["of"] == "channel");
    let doctor = centre.person("administrator").see("/api/v1/doctor").to_string();
    assert!(doctor.contains("takes messages, but for"), "{doctor}");
    // What does not work is still used: a person may get it all the same, and others are tried beside it.
    assert!(hook.posts().iter().all(|p| p.is_signed(KEY) && p.json()["type"] == "test"));
    hook.answers(Answers::With(200));
    until("the webhook's alarm gone", SOON, || (alarms(&watch) == ["mail"]).then_some(()));
    assert_eq!(state(&watch, "webhook"), "up");
    let metrics = watch.get("/metrics").text();
    assert!(metrics.contains("skypicket_channel_state{channel=\"mail\"} 1"), "{metrics}");
}

#[test]
fn the_program_reads_its_own_stream_and_its_own_tak_server_and_nobody_else_gets_in_by_that() {
    for flags in [vec![], vec!["--tls", "auto"]] {
        let scene = scene(&[]).and("[watchdog]\nevery_min = 0.01\nwait_s = 5.0\n");
        let scene = if flags.is_empty() { scene } else { scene.with("[tak]\n", "[tak]\ntls = true\n") };
        let mut centre = Centre::start_with(scene, &flags);
        if flags.is_empty() {
            let watch = centre.person("watch");
            for which in ["web", "tak"] {
                let c = until(which, SOON, || channel(&watch, which).filter(|c| !c["last_round"].is_null()));
                assert_eq!((&c["state"], &c["tested"], &c["courier"]), (&json!("up"), &json!(true), &Value::Null));
            }
            assert_eq!(alarms(&watch), Vec::<String>::new());
            let nobody = centre.anybody();
            assert_eq!(nobody.get("/api/v1/events").status, 401);
        } else {
            // Over the control socket: the browser's side of TLS is tried elsewhere.
            let out = until("both rounds", Duration::from_secs(20), || {
                let data = centre.data();
                let out =
                    crate::support::run(&["doctor".as_ref(), "--json".as_ref(), "--data".as_ref(), data.as_os_str()]);
                let said = String::from_utf8_lossy(&out.stdout).into_owned();
                (said.contains("web (test") && said.contains("tak (test")).then_some(said)
            });
            assert!(!out.contains("takes messages, but"), "{out}");
        }
    }
}

#[test]
fn a_configuration_says_which_addresses_lead_nowhere_and_what_cannot_be_set_up() {
    let folder = crate::support::Folder::new();
    let people = "channels = [\"webhook\"]\naddresses = { webhook = \"gone\" }";
    let file = folder.file("c.toml", &scene(&[("agent-a1", people)]).text);
    let out = crate::support::run(&["config".as_ref(), "check".as_ref(), file.as_os_str()]);
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(
        out.status.success()
            && said.contains("'agent-a1' is to be reached over webhook 'gone', which is not configured"),
        "{said}"
    );
    let bad =
        scene(&[]).and("[[webhook]]\nid = \"a\"\nurl = \"http://cad.example/\"\nsecret_file = \"/nonexistent\"\n");
    let file = folder.file("d.toml", &bad.text);
    let out = crate::support::run(&["config".as_ref(), "check".as_ref(), file.as_os_str()]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("webhook 'a'"), "{said}");
}

/// A bulletin for unit b.
fn for_unit_b(title: &str, ends_in_s: f64) -> Value {
    let mut content = content(title);
    content["audience"] = json!([{"to": "unit", "unit": "b"}]);
    content["expires_at"] = json!(time_text(ends_in_s));
    content["marking"] = json!({"tlp": "TLP:GREEN", "releasable_to": []});
    content
}

fn recall(supervisor: &Client, bulletin: &Value) {
    act(supervisor, bulletin, "recalls", json!({"why": "It was wrong."})).ok(200);
}

fn courier(watch: &Client, which: &str, count: &str) -> u64 {
    channel(watch, which).and_then(|c| c["courier"][count].as_u64()).unwrap_or_default()
}

#[test]
fn a_recall_goes_over_every_channel_that_had_the_original_within_a_minute() {
    let (mail, siren) = (MailServer::start(), PostServer::start());
    let (scene, addresses) = unit_b();
    let scene = scene.with("mail = 2.0", "mail = 60.0").and(&mail.table("")).and(&format!(
        "[[person]]\nid = \"siren\"\nname = \"Siren\"\nunit = \"b\"\nroles = [\"device\"]\nchannels = [\"relay\"]\naddresses = {{ relay = \"gate\" }}\n\
         [[relay]]\nid = \"gate\"\nurl = \"{}\"\nsecret_file = \"{}\"\n",
        siren.url("/alarm"),
        key_file().display()
    ));
    let mut centre = Centre::start_with(scene, &[]);
    let supervisor = centre.person("supervisor");
    let issued = issue(&mut centre, &for_unit_b("Explosives on drones", 3_600.0));
    let to = |recalled: bool| {
        let all = mail.mails().into_iter().filter(|m| m.header("Subject").contains("RECALLED") == recalled);
        all.map(|m| m.to).collect::<BTreeSet<_>>()
    };
    until("everybody by mail", SOON, || (to(false) == addresses).then_some(()));
    until("the siren on", SOON, || siren.of_type("alarm").into_iter().find(|a| a["on"] == true));
    let began = Instant::now();
    recall(&supervisor, &issued);
    until("the recall by mail", Duration::from_mins(1), || (to(true) == addresses).then_some(()));
    until("the siren off", Duration::from_mins(1), || siren.of_type("alarm").into_iter().find(|a| a["on"] == false));
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
    eprintln!("recalled from {} people and a siren in {:.2} s", addresses.len(), began.elapsed().as_secs_f64());
    // One thread for each reader, and nothing of the old text in the recall.
    for address in &addresses {
        let mails = mail.to(address);
        assert_eq!(mails.len(), 2, "{address}");
        assert_eq!(mails[0].header("References"), mails[1].header("References"));
        assert!(
            !mails[1].text.contains("Do not touch") && mails[1].text.contains("no explosives were found"),
            "{}",
            mails[1].text
        );
    }
}

#[test]
fn what_waits_when_its_recall_comes_or_its_time_is_over_never_goes() {
    let mail = MailServer::start();
    mail.does(Does::HoldsGreeting);
    let (scene, _) = unit_b();
    let mut centre = Centre::start_with(scene.with("mail = 2.0", "mail = 60.0").and(&mail.table("")), &[]);
    let [watch, supervisor] = ["watch", "supervisor"].map(|p| centre.person(p));
    let issued = issue(&mut centre, &for_unit_b("Explosives on drones", 3_600.0));
    // Of four connections one stays free for what is urgent: three hang and three wait.
    until("three at the door", SOON, || (courier(&watch, "mail", "under_way") == 3).then_some(()));
    assert_eq!(courier(&watch, "mail", "caution"), 3);
    recall(&supervisor, &issued);
    until("what waited is taken back", SOON, || (courier(&watch, "mail", "cancelled") == 3).then_some(()));
    issue(&mut centre, &for_unit_b("Over in a moment", 4.0));
    until("what expired while it waited", Duration::from_secs(30), || {
        (courier(&watch, "mail", "expired") > 0).then_some(())
    });
    mail.does(Does::Takes);
    until("nothing waits any more", Duration::from_mins(2), || {
        let left = ["urgent", "caution", "advisory", "under_way"].map(|c| courier(&watch, "mail", c));
        (left == [0; 4]).then_some(())
    });
    for m in mail.mails() {
        let subject = m.header("Subject");
        assert!(subject.contains("RECALLED") || subject.contains("EXPIRED"), "nobody is alarmed late: {subject}");
    }
}

#[test]
fn a_centre_that_is_up_and_does_not_work_says_so_on_every_page_and_to_whoever_asks_until_it_does() {
    let folder = crate::support::Folder::new();
    let file = folder.path().join("stall");
    let flag = file.display().to_string();
    let mut centre = Centre::start_with(scene(&[]), &["--test-stall-file", &flag]);
    let mut at_watch = centre.events("watch");
    let nobody = centre.anybody();
    assert_eq!(nobody.get("/readyz").status, 200);
    let says = |v: &Value| v["warnings"].to_string().contains("is up but does not work");
    std::fs::write(&file, "").unwrap();
    at_watch.wait_for("the page told", Duration::from_mins(1), |e| e.name == "status" && says(&e.data));
    assert_eq!(nobody.get("/readyz").status, 503);
    std::fs::remove_file(&file).unwrap();
    at_watch.wait_for("the page told otherwise", Duration::from_mins(1), |e| e.name == "status" && !says(&e.data));
    until("ready again", SOON, || (nobody.get("/readyz").status == 200).then_some(()));
}
