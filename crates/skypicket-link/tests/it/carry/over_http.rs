//! SMS gateway, webhook and relay against a scripted server.

use super::{
    Folder, NOW,
    http_server::{Act, HttpServer},
    id, outgoing, own_tls, soon,
};
use skypicket_link::{
    Carrier, Courier, Outgoing, Sent,
    courier::{Line, News, Settings, Why},
    post::Secret,
    relay::{Relay, RelayConfig, RelayLetter},
    sms::{BodyFormat, Sms, SmsConfig, SmsLetter},
    webhook::{Heard, Inbound, Webhook, WebhookConfig, WebhookKeys, WebhookLetter},
};
use skypicket_model::{NoticeId, SourceId, Tlp, delivery::Outcome};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::Notify;
use uuid::Uuid;

const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OK: Act = Act::Answer(200, &[], "");

fn sms(url: &str) -> Sms {
    Sms::new(&SmsConfig::at(url)).unwrap()
}

fn letter() -> SmsLetter {
    SmsLetter { to: "+15550100".into(), text: "URGENT: drone. Reply 4711".into() }
}

fn webhook_config(url: &str, folder: &Folder) -> WebhookConfig {
    let secret_file = folder.file("key", KEY);
    WebhookConfig {
        id: SourceId::new("hook").unwrap(),
        url: url.into(),
        secret_file,
        insecure: false,
        roots: None,
        passes_on: false,
        content_up_to: skypicket_model::Tlp::Green,
    }
}

fn hook() -> WebhookLetter {
    WebhookLetter { body: br#"{"type":"notice"}"#.to_vec() }
}

#[tokio::test]
async fn a_gateway_gets_its_fields_and_gives_its_reference() {
    let folder = Folder::new("sms");
    let server = HttpServer::start([Act::Answer(202, &[], r#"{"messages":[{"id":77}]}"#)], None).await;
    let config = SmsConfig {
        format: BodyFormat::Form,
        fields: serde_json::json!({"dest": "{to}", "body": "{text}", "ref": "{id}", "from": "PICKET"})
            .as_object()
            .unwrap()
            .clone(),
        login_file: Some(folder.file("login", "Bearer hunter2\n")),
        id_pointer: Some("/messages/0/id".into()),
        ..SmsConfig::at(&server.url())
    };
    let sms = Sms::new(&config).unwrap();
    let reminder = Outgoing { reminder: 2, ..outgoing(1, letter()) };
    assert_eq!(soon(sms.send(&reminder, NOW)).await, Sent::Accepted { reference: Some("77".into()) });
    let seen = server.seen();
    let request = seen.first().unwrap();
    assert_eq!(request.line, "POST /send HTTP/1.1");
    assert_eq!(request.header("authorization"), Some("Bearer hunter2"));
    assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
    let key = format!("{}.r2", id(1));
    assert_eq!(request.header("idempotency-key"), Some(&*key));
    let body = String::from_utf8(request.body.clone()).unwrap();
    assert_eq!(body, format!("body=URGENT%3A+drone.+Reply+4711&dest=%2B15550100&from=PICKET&ref={key}"));
    assert_eq!(soon(sms.probe()).await, Ok(()));
    assert_eq!(server.seen().len(), 1, "a probe hands nothing over");
}

#[tokio::test]
async fn what_a_gateway_does_is_told_as_taken_failed_or_ambiguous() {
    for (act, expect, of_channel) in [
        (OK, Outcome::Accepted, false),
        (Act::Answer(400, &[], ""), Outcome::Refused("refused (400)".into()), false),
        (Act::Answer(401, &[], ""), Outcome::Failed("login_refused (401)".into()), true),
        (Act::Answer(429, &[("retry-after", "7")], ""), Outcome::Failed("busy (429)".into()), true),
        (Act::Answer(503, &[], ""), Outcome::Failed("busy (503)".into()), true),
        (Act::Answer(302, &[("location", "http://127.0.0.1:1/")], ""), Outcome::Refused("refused (302)".into()), true),
        (Act::Answer(500, &[], ""), Outcome::Ambiguous("server_fault (500)".into()), true),
        (Act::Answer(502, &[], ""), Outcome::Ambiguous("server_fault (502)".into()), true),
        (Act::Drop, Outcome::Ambiguous("broken".into()), true),
        (Act::Midway, Outcome::Ambiguous("broken".into()), true),
    ] {
        let server = HttpServer::start([act], None).await;
        let sent = soon(sms(&server.url()).send(&outgoing(1, letter()), NOW)).await;
        assert_eq!(sent.outcome(), expect);
        if let Sent::Failed(t) | Sent::Ambiguous(t) = &sent {
            assert_eq!(t.of_channel, of_channel, "{sent:?}");
            assert_eq!(t.rest, (t.code == Some(429)).then_some(Duration::from_secs(7)));
        }
        assert_eq!(server.seen().len(), 1, "one try is one request: {expect:?}");
    }
}

#[tokio::test]
async fn nobody_there_is_a_sure_failure_and_a_wrong_number_is_not_sent() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sms_to = sms(&format!("http://{free}/"));
    let sent = soon(sms_to.send(&outgoing(1, letter()), NOW)).await;
    assert_eq!(sent.outcome(), Outcome::Failed("no_connection".into()));
    assert_eq!(soon(sms_to.probe()).await.unwrap_err().why, Why::NoConnection);
    let server = HttpServer::start([OK], None).await;
    for to in ["", "5550100", "+1 555 0100", "+0155501000", "+1555010a", "+1234567890123456"] {
        let letter = SmsLetter { to: to.into(), ..letter() };
        let sent = soon(sms(&server.url()).send(&outgoing(1, letter), NOW)).await;
        assert_eq!(sent.outcome(), Outcome::Refused("bad_address".into()), "{to}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_silent_gateway_is_ambiguous_after_its_time() {
    let server = HttpServer::start([Act::Hang], None).await;
    let sms = sms(&server.url());
    let sending = tokio::spawn(async move { sms.send(&outgoing(1, letter()), NOW).await });
    server.until_seen(1).await;
    // From here on nothing but the clock can move.
    tokio::time::pause();
    assert_eq!(sending.await.unwrap().outcome(), Outcome::Ambiguous("timed_out".into()));
}

#[tokio::test]
async fn a_connection_is_kept_and_a_kept_one_that_was_closed_loses_nothing() {
    let server = HttpServer::start([OK, OK, Act::Answer(200, &[("connection", "close")], ""), OK], None).await;
    let sms = sms(&server.url());
    for n in 0..2 {
        assert_eq!(soon(sms.send(&outgoing(n, letter()), NOW)).await.outcome(), Outcome::Accepted);
    }
    assert_eq!(server.connections(), 1);
    for n in 2..4 {
        assert_eq!(soon(sms.send(&outgoing(n, letter()), NOW)).await.outcome(), Outcome::Accepted);
    }
    assert_eq!((server.connections(), server.seen().len()), (2, 4));
}

#[tokio::test]
async fn tls_must_be_trusted() {
    let folder = Folder::new("http-tls");
    let (roots, tls) = own_tls(&folder);
    let server = HttpServer::start([OK], Some(tls)).await;
    let url = format!("https://localhost:{}/send", server.addr.port());
    let config = SmsConfig { roots: Some(roots.clone()), ..SmsConfig::at(&url) };
    let trusting = Sms::new(&config).unwrap();
    assert_eq!(soon(trusting.send(&outgoing(1, letter()), NOW)).await.outcome(), Outcome::Accepted);
    assert_eq!(soon(trusting.probe()).await, Ok(()));
    let sent = soon(sms(&url).send(&outgoing(1, letter()), NOW)).await;
    assert_eq!(sent.outcome(), Outcome::Failed("tls".into()), "not an authority that browsers trust");
    let by_address = format!("https://127.0.0.1:{}/send", server.addr.port());
    let sent =
        soon(Sms::new(&SmsConfig { url: by_address, ..config }).unwrap().send(&outgoing(1, letter()), NOW)).await;
    assert_eq!(sent.outcome(), Outcome::Failed("tls".into()), "not its name");
    let plain = HttpServer::start([OK], None).await;
    let sent = soon(sms(&format!("https://localhost:{}/", plain.addr.port())).send(&outgoing(1, letter()), NOW)).await;
    assert!(matches!(sent, Sent::Failed(_)), "no TLS there at all: {sent:?}");
    let missing = SmsConfig { roots: Some(PathBuf::from("/nonexistent.pem")), ..SmsConfig::at(&url) };
    assert!(Sms::new(&missing).err().unwrap().to_string().contains("/nonexistent.pem"));
}

#[tokio::test]
async fn a_webhook_is_signed_so_that_the_other_side_believes_it_once() {
    let folder = Folder::new("webhook");
    let server = HttpServer::start([OK], None).await;
    let webhook = Webhook::new(&webhook_config(&server.url(), &folder)).unwrap();
    let sent = soon(webhook.send(&outgoing(1, hook()), NOW)).await;
    assert!(sent.outcome() == Outcome::Delivered, "the recipient's own machine: {sent:?}");
    // The same attempt again, as after a crash.
    soon(webhook.send(&outgoing(1, hook()), NOW.plus_s(9.0))).await;
    let inbound = Inbound::new(WebhookKeys::parse(&Secret::new(KEY)).unwrap());
    let now_s = NOW.as_micros() / 1_000_000;
    let heard: Vec<_> = server
        .seen()
        .iter()
        .map(|r| {
            let h = |name| r.header(name);
            assert_eq!(h("webhook-id"), Some(&*id(1).to_string()));
            inbound.hear(h("webhook-id"), h("webhook-timestamp"), h("webhook-signature"), &r.body, now_s)
        })
        .collect();
    assert_eq!(heard, [Ok(Heard::First), Ok(Heard::Again)]);
}

#[tokio::test]
async fn a_provider_that_passes_on_gives_no_receipt() {
    let folder = Folder::new("passes-on");
    let server = HttpServer::start([OK], None).await;
    let config = WebhookConfig { passes_on: true, ..webhook_config(&server.url(), &folder) };
    let sent = soon(Webhook::new(&config).unwrap().send(&outgoing(1, hook()), NOW)).await;
    assert_eq!(sent.outcome(), Outcome::Accepted);
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_with_what_to_do() {
    let folder = Folder::new("settings");
    let bad_key =
        WebhookConfig { secret_file: folder.file("short", "abc"), ..webhook_config("http://127.0.0.1/", &folder) };
    let error = |e: Option<skypicket_link::post::PosterError>| e.unwrap().to_string();
    assert!(error(Webhook::new(&bad_key).err()).contains("whsec_"));
    let plain = webhook_config("http://example.net/", &folder);
    assert!(error(Webhook::new(&plain).err()).contains("insecure = true"));
    assert!(Webhook::new(&WebhookConfig { insecure: true, ..plain }).is_ok());
    let header = SmsConfig {
        login_file: Some(folder.file("l", "x")),
        login_header: "Content-Length".into(),
        ..SmsConfig::at("http://127.0.0.1/")
    };
    assert!(error(Sms::new(&header).err()).contains("login_header"));
    let lines = SmsConfig { login_file: Some(folder.file("l", "x\ny")), ..SmsConfig::at("http://127.0.0.1/") };
    let said = error(Sms::new(&lines).err());
    assert!(said.contains("login_file") && said.contains("one line"), "{said}");
}

fn relay(url: &str, folder: &Folder, in_exercises: bool) -> Relay {
    let secret_file = folder.file("key", KEY);
    let id = SourceId::new("siren").unwrap();
    let url = url.into();
    Relay::new(&RelayConfig { id, url, secret_file, insecure: false, roots: None, in_exercises, most_on_s: 600.0 })
        .unwrap()
}

fn alarm(version: u32, on: bool) -> RelayLetter {
    let notice = NoticeId(Uuid::from_u128(5));
    RelayLetter { notice, version, on, until: Some(NOW.plus_s(600.0)), tlp: Tlp::Green, exercise: None }
}

#[tokio::test]
async fn a_relay_states_on_and_off_and_says_no_more_than_that() {
    let folder = Folder::new("relay");
    let server = HttpServer::start([OK], None).await;
    let relay = relay(&server.url(), &folder, false);
    assert!(soon(relay.send(&outgoing(1, alarm(1, true)), NOW)).await.outcome() == Outcome::Delivered);
    assert!(
        soon(relay.send(&outgoing(2, RelayLetter { tlp: Tlp::Amber, ..alarm(2, false) }), NOW)).await.outcome()
            == Outcome::Delivered
    );
    let bodies: Vec<_> = server.seen().iter().map(super::http_server::Seen::json).collect();
    let notice = "00000000-0000-0000-0000-000000000005";
    let until = NOW.plus_s(600.0).to_string();
    assert_eq!(
        bodies,
        [
            serde_json::json!({"type": "alarm", "notice": notice, "version": 1, "on": true, "level": "urgent", "until": until, "exercise": null}),
            serde_json::json!({"type": "alarm", "notice": notice, "version": 2, "on": false, "level": null, "until": until, "exercise": null}),
        ]
    );
}

#[tokio::test]
async fn an_off_is_never_overtaken_by_its_on() {
    let folder = Folder::new("relay-order");
    let go = Arc::new(Notify::new());
    let server = HttpServer::start([Act::Late(Arc::clone(&go), 200), OK], None).await;
    let relay = Arc::new(relay(&server.url(), &folder, false));
    let spawn = |n, letter| {
        let relay = Arc::clone(&relay);
        tokio::spawn(async move { relay.send(&outgoing(n, letter), NOW).await })
    };
    let on = spawn(1, alarm(1, true));
    server.until_seen(1).await;
    let off = spawn(2, alarm(1, false));
    // The first is held by the server; another notice passes by it.
    let other = RelayLetter { notice: NoticeId(Uuid::from_u128(6)), ..alarm(1, true) };
    assert!(soon(spawn(3, other)).await.unwrap().outcome() == Outcome::Delivered);
    assert_eq!(server.seen().len(), 2, "the off waits for its on");
    go.notify_one();
    assert!(soon(on).await.unwrap().outcome() == Outcome::Delivered);
    assert!(soon(off).await.unwrap().outcome() == Outcome::Delivered);
    let late = soon(spawn(4, alarm(1, true))).await.unwrap();
    assert_eq!(late.outcome(), Outcome::Failed("superseded".into()));
    assert!(
        soon(spawn(5, alarm(1, false))).await.unwrap().outcome() == Outcome::Delivered,
        "the same state again does no harm"
    );
    let states: Vec<bool> = server
        .seen()
        .iter()
        .map(super::http_server::Seen::json)
        .filter(|b| b["notice"] == "00000000-0000-0000-0000-000000000005")
        .map(|b| b["on"].as_bool().unwrap())
        .collect();
    assert_eq!(states, [true, false, false]);
}

#[tokio::test]
async fn an_exercise_sounds_no_siren_unless_it_is_said() {
    let folder = Folder::new("relay-exercise");
    let server = HttpServer::start([OK], None).await;
    let exercise = RelayLetter { exercise: Some("first-light".into()), ..alarm(1, true) };
    let sent = soon(relay(&server.url(), &folder, false).send(&outgoing(1, exercise.clone()), NOW)).await;
    assert_eq!(sent.outcome(), Outcome::Refused("refused".into()));
    assert!(server.seen().is_empty());
    let sent = soon(relay(&server.url(), &folder, true).send(&outgoing(1, exercise), NOW)).await;
    assert!(sent.outcome() == Outcome::Delivered);
    assert_eq!(server.seen().first().unwrap().json()["exercise"], "first-light");
}

#[tokio::test]
async fn a_courier_over_a_failing_gateway_goes_down_and_tells_each_message() {
    let server = HttpServer::start([OK, Act::Answer(503, &[], "")], None).await;
    let settings = Settings { at_once: 3, ..Settings::named("sms") };
    let (courier, mut news) = Courier::start(sms(&server.url()), settings);
    for n in 0..20 {
        courier.take(outgoing(n, letter()), NOW).unwrap();
    }
    let (mut accepted, mut busy, mut down, mut told_down) = (0, 0, 0, false);
    while accepted + busy + down < 20 {
        match soon(news.recv()).await.unwrap() {
            News::Report(r) => match r.sent.outcome() {
                Outcome::Accepted => accepted += 1,
                Outcome::Failed(w) if w == "busy (503)" => busy += 1,
                Outcome::Failed(w) if w == "channel_down" => down += 1,
                other => panic!("{other:?}"),
            },
            News::Down(why) => {
                assert_eq!(why, Why::Busy);
                told_down = true;
            }
            News::Up => panic!("it does not answer well"),
        }
    }
    assert!(told_down && accepted == 1 && (5..=7).contains(&busy), "{accepted} {busy} {down}");
    assert_eq!(courier.view().line, Line::Down);
    soon(courier.drain(Duration::from_secs(5))).await;
    assert_eq!(soon(news.recv()).await, None);
}
