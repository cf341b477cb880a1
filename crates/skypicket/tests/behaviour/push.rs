//! Web Push: the second way to a person, by a maker's server that the test plays, with a phone's keys of the test's own.

use crate::bulletins::{content, issue};
use crate::support::{
    Centre, Client, Flight, SOON, Scene, Tak, attribute, id, items, position, tak, text, time_text, until,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use p256::elliptic_curve::{point::AffineCoordinates, sec1::ToEncodedPoint};
use ring::{aead, hkdf, signature};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

/// What a maker's server does with a message.
#[derive(Debug, Clone, Copy)]
enum Does {
    /// Answers this.
    Answers(u16),
    /// Takes it and never answers.
    Hangs,
}

/// A message as the maker's server got it.
#[derive(Debug)]
struct Got {
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// A maker's server on loopback: each path is one subscription, and does what the test says.
struct Maker {
    address: SocketAddr,
    does: Arc<Mutex<BTreeMap<String, Does>>>,
    got: Receiver<Got>,
}

impl Maker {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let does: Arc<Mutex<BTreeMap<String, Does>>> = Arc::default();
        let (tell, got) = channel();
        let scripts = Arc::clone(&does);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (scripts, tell) = (Arc::clone(&scripts), tell.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &scripts, &tell));
            }
        });
        Self { address, does, got }
    }

    fn does(&self, path: &str, what: Does) {
        self.does.lock().unwrap().insert(path.to_owned(), what);
    }

    fn endpoint(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    #[track_caller]
    fn next(&self, what: &str) -> Got {
        self.got.recv_timeout(SOON).unwrap_or_else(|_| panic!("waited for {what}"))
    }
}

/// Answers one connection's messages, one after the other.
fn serve(stream: TcpStream, does: &Mutex<BTreeMap<String, Does>>, tell: &Sender<Got>) {
    let mut out = stream.try_clone().unwrap();
    let mut lines = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if lines.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let path = first.split(' ').nth(1).unwrap().to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            lines.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        lines.read_exact(&mut body).unwrap();
        let what = does.lock().unwrap().get(&path).copied().unwrap_or(Does::Answers(201));
        let _ = tell.send(Got { path, headers, body });
        match what {
            Does::Answers(status) => {
                write!(out, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").unwrap();
            }
            Does::Hangs => std::thread::sleep(Duration::from_mins(2)),
        }
    }
}

/// A phone's half of a subscription.
struct Phone {
    key: p256::SecretKey,
    auth: [u8; 16],
    id: String,
}

fn derive(salt: &[u8], input: &[u8], info: &[&[u8]], length: usize) -> Vec<u8> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let mut out = vec![0; length];
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(input);
    key.expand(info, Length(length)).unwrap().fill(&mut out).unwrap();
    out
}

impl Phone {
    fn new(seed: u8) -> Self {
        Self { key: p256::SecretKey::from_slice(&[seed; 32]).unwrap(), auth: [seed; 16], id: id() }
    }

    fn point(&self) -> Vec<u8> {
        self.key.public_key().to_encoded_point(false).as_bytes().to_vec()
    }

    fn subscription(&self, endpoint: &str) -> Value {
        json!({
            "id": self.id, "endpoint": endpoint, "device": "Android, Chrome",
            "keys": {"p256dh": B64.encode(self.point()), "auth": B64.encode(self.auth)},
        })
    }

    /// What the browser would hand to the service worker (RFC 8291 read from the other end).
    fn open(&self, got: &Got) -> Value {
        assert_eq!(got.headers["content-encoding"], "aes128gcm");
        let (salt, public) = (&got.body[..16], &got.body[21..86]);
        let theirs = p256::PublicKey::from_sec1_bytes(public).unwrap();
        let shared = (theirs.to_projective() * *self.key.to_nonzero_scalar()).to_affine().x();
        let input = derive(&self.auth, &shared, &[b"WebPush: info\0", &self.point(), public], 32);
        let key = derive(salt, &input, &[b"Content-Encoding: aes128gcm\0"], 16);
        let nonce = derive(salt, &input, &[b"Content-Encoding: nonce\0"], 12);
        let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key).unwrap());
        let nonce = aead::Nonce::try_assume_unique_for_key(&nonce).unwrap();
        let mut record = got.body[86..].to_vec();
        let plain = key.open_in_place(nonce, aead::Aad::empty(), &mut record).expect("sealed for this phone");
        let end = plain.iter().rposition(|b| *b != 0).unwrap();
        serde_json::from_slice(&plain[..end]).unwrap()
    }
}

/// The signed word of a message: its claims, once the signature holds for the centre's key.
fn claims(got: &Got, key: &str) -> Value {
    let value = got.headers["authorization"].strip_prefix("vapid t=").unwrap().to_owned();
    let (token, public) = value.split_once(", k=").unwrap();
    assert_eq!(public, key);
    let (signed, sig) = token.rsplit_once('.').unwrap();
    signature::UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, B64.decode(public).unwrap())
        .verify(signed.as_bytes(), &B64.decode(sig).unwrap())
        .expect("signed by the centre");
    serde_json::from_slice(&B64.decode(signed.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

fn scene() -> Scene {
    Scene::new()
        .with("tak = 1.5 }", "tak = 1.5, push = 1.5 }")
        .and("[push]\ncontact = \"mailto:watch@example.org\"\nttl_s = 90\n[policy.warn]\nhold_s = 2.0\n")
}

fn start() -> Centre {
    Centre::start_with(scene(), &["--test-push-loopback"])
}

fn subscribe(person: &Client, phone: &Phone, endpoint: &str) {
    let made = person.post("/api/v1/push/subscriptions", &phone.subscription(endpoint)).ok(201);
    assert_eq!(made["id"], phone.id.as_str());
    assert_eq!(made["service"], "127.0.0.1");
    assert!(!made.to_string().contains(endpoint), "an endpoint is a secret");
}

fn row(notice: &Value, person: &str) -> Option<Value> {
    notice["recipients"].as_array()?.iter().find(|r| r["person"] == person).cloned()
}

fn channels(watch: &Client, person: &str) -> Value {
    let people = watch.see("/api/v1/people");
    items(&people).iter().find(|p| p["id"] == person).unwrap()["channels_up"].clone()
}

/// A drone that comes near agent-a1, who stands where the scene is.
fn danger(centre: &Centre, agent: &Client, serial: &str) -> Flight {
    agent.post("/api/v1/positions", &position(0.0, 0.0)).ok(201);
    Flight::start(centre.scene.tcp, serial, [0.0, 300.0, 30.0], [0.0, -4.0, 0.0])
}

#[test]
fn without_a_page_a_warning_goes_by_push_sealed_and_signed_and_only_the_phones_receipt_makes_it_delivered() {
    let mut centre = start();
    let maker = Maker::start();
    let watch = centre.person("watch");
    let agent = centre.person("agent-a1");
    let mut at_watch = centre.events("watch");
    let shown = agent.see("/api/v1/push");
    assert_eq!((&shown["enabled"], &shown["contact"], &shown["devices"]), (&json!(true), &json!(true), &json!([])));
    let key = text(&shown, "/key").to_owned();
    let phone = Phone::new(11);
    subscribe(&agent, &phone, &maker.endpoint("/a1"));
    at_watch.wait("that push is up", |e| {
        e.name == "person" && e.data["id"] == "agent-a1" && e.data["channels_up"] == json!(["push"])
    });

    // A test goes the same way, and says no more than that.
    let tested = agent.post("/api/v1/push/test", &json!({"id": id()})).ok(202);
    assert_eq!(tested["items"][0]["outcome"], "accepted");
    let message = phone.open(&maker.next("the test"));
    assert_eq!((&message["kind"], &message["language"]), (&json!("test"), &json!("en")));
    agent.post("/api/v1/push/test", &json!({"id": id()})).problem(429, "too_many_tries");

    let drone = danger(&centre, &agent, "1581F4PUSH0001");
    let got = maker.next("the warning");
    assert_eq!(got.path, "/a1");
    let message = phone.open(&got);
    assert_eq!(message["kind"], "notice");
    let notice = text(&message, "/id").to_owned();
    let seen = watch.see(&format!("/api/v1/notices/{notice}"));
    let version =
        &seen["versions"].as_array().unwrap().iter().find(|v| v["version"] == message["version"]).unwrap().clone();
    assert_eq!((&message["text"], &message["level"]), (&version["text"], &version["level"]));
    assert_eq!((&message["mine"], &message["asks"]), (&json!(true), &json!(true)));
    assert!(message["exercise"].is_null());
    assert!(
        text(&message, "/expires_at") > time_text(60.0).as_str()
            && text(&message, "/expires_at") < time_text(95.0).as_str()
    );
    assert_eq!((got.headers["ttl"].as_str(), got.headers["urgency"].as_str()), ("90", "high"));
    let topic = got.headers["topic"].clone();
    assert!(topic.len() <= 32);
    let said = claims(&got, &key);
    assert_eq!(
        (&said["aud"], &said["sub"]),
        (&json!(format!("http://{}", maker.address)), &json!("mailto:watch@example.org"))
    );
    assert!(String::from_utf8_lossy(&got.body).find("Drone").is_none());

    // Taken by the maker is not delivered.
    let board = at_watch.notice("sent", |n| {
        n["notice"]["id"] == notice.as_str() && row(n, "agent-a1").is_some_and(|r| r["reached"] == "sent")
    });
    assert_eq!(row(&board, "agent-a1").unwrap()["channel"], "push");
    let receipt = |m: &Value| {
        let path = format!("/api/v1/notices/{}/versions/{}/receipts", text(m, "/id"), m["version"]);
        agent.post(&path, &json!({"id": id(), "shown": true, "channel": "push"}))
    };
    let done = receipt(&message);
    // A newer version may have come in between: then that one is receipted.
    if done.status != 204 {
        receipt(&phone.open(&maker.next("the newer version"))).ok(204);
    }
    let board = at_watch.notice("shown", |n| row(n, "agent-a1").is_some_and(|r| r["reached"] == "shown"));
    let r = row(&board, "agent-a1").unwrap();
    assert_eq!((&r["channel"], &r["acknowledged_at"]), (&json!("push"), &Value::Null), "shown is not acknowledged");
    let path = format!("/api/v1/notices/{notice}/versions/{}/receipts", message["version"]);
    agent.post(&path, &json!({"id": id(), "shown": true, "channel": "tak"})).problem(422, "invalid");

    // The end takes the place of what the phone may not have got yet.
    drone.end();
    loop {
        // The level goes down first, then the track fades: that takes its time.
        let got = maker.got.recv_timeout(Duration::from_mins(1)).expect("that it is over");
        assert_eq!(got.headers["topic"], topic);
        if phone.open(&got)["state"] == "cleared" {
            assert_eq!(got.headers["urgency"], "normal");
            break;
        }
    }
    let log = centre.log();
    assert!(!log.contains("/a1\"") && !log.contains(&B64.encode(phone.auth)), "no secret of a phone in the log");
}

#[test]
fn an_open_page_gets_it_first_and_push_only_without_a_receipt_and_then_the_next_channel() {
    let mut centre = start();
    let maker = Maker::start();
    let agent = centre.person("agent-a1");
    let mut at_watch = centre.events("watch");
    let mut at_agent = centre.events("agent-a1");
    let phone = Phone::new(12);
    subscribe(&agent, &phone, &maker.endpoint("/a1"));
    let mut client: Tak = centre.tak();
    client.send(&tak::event(
        "TAK-agent-a1",
        "a-f-G-U-C",
        "m-g",
        Some((31.76, -106.49, 1_200.0)),
        "<contact callsign=\"A1\" endpoint=\"*:-1:stcp\"/>",
    ));
    at_watch.wait("all three", |e| {
        e.name == "person"
            && e.data["id"] == "agent-a1"
            && e.data["channels_up"].as_array().is_some_and(|c| c.len() == 3)
    });
    let _drone = danger(&centre, &agent, "1581F4PUSH0002");
    at_agent.notice("on the page", |_| true);
    let began = Instant::now();
    // The page says nothing: push, which the maker takes and drops: TAK.
    let message = phone.open(&maker.next("by push"));
    assert_eq!(message["kind"], "notice");
    client.wait("by TAK", |e| attribute(e, "event", "type") == Some("b-t-f"));
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    assert_eq!(agent.see("/api/v1/push")["devices"][0]["trouble"], Value::Null);
}

#[test]
fn push_that_is_accepted_and_never_confirmed_is_an_alarm_until_a_phone_confirms() {
    let dog = "[watchdog]\nevery_min = 0.01\nwait_s = 1.0\npush_accepted = 2\n";
    let mut centre = Centre::start_with(scene().and(dog), &["--test-push-loopback"]);
    let maker = Maker::start();
    let watch = centre.person("watch");
    let mut at_watch = centre.events("watch");
    let [agent, other] = ["agent-a1", "agent-a2"].map(|p| centre.person(p));
    let phones = [Phone::new(21), Phone::new(22)];
    subscribe(&agent, &phones[0], &maker.endpoint("/a1"));
    subscribe(&other, &phones[1], &maker.endpoint("/a2"));
    at_watch.wait("that push is up", |e| {
        e.name == "person" && e.data["id"] == "agent-a2" && e.data["channels_up"] == json!(["push"])
    });
    let standing = |watch: &Client| {
        let all = watch.see("/api/v1/channels");
        items(&all).iter().find(|c| c["channel"] == "push").cloned().unwrap()
    };
    // Rounds go by, and nothing speaks against it: nothing was sent.
    until("a round", SOON, || (!standing(&watch)["tested_at"].is_null()).then_some(()));
    assert_eq!(standing(&watch)["state"], "up");
    issue(&mut centre, &content("Push"));
    let got = [maker.next("the first"), maker.next("the second")];
    let silent = until("two without a receipt", SOON, || Some(standing(&watch)).filter(|c| c["state"] == "deaf"));
    assert_eq!(silent["why"], "no_receipt");
    at_watch.wait("the alarm", |e| e.name == "alarm" && e.data["alarm"] == json!({"of": "channel", "id": "push"}));
    // One phone that confirms shows that it works.
    let mine = got.iter().find(|g| g.path == "/a1").unwrap_or_else(|| panic!("{got:?}"));
    let message = phones[0].open(mine);
    let path = format!("/api/v1/notices/{}/versions/{}/receipts", text(&message, "/id"), message["version"]);
    agent.post(&path, &json!({"id": id(), "shown": true, "channel": "push"})).ok(204);
    until("push up", SOON, || (standing(&watch)["state"] == "up").then_some(()));
    let all = watch.see("/api/v1/alarms");
    assert!(items(&all).iter().all(|a| a["alarm"]["of"] != "channel"), "{all}");
}

#[test]
fn a_maker_that_hangs_or_fails_holds_up_nobody_and_is_tried_again() {
    let mut centre = start();
    let maker = Maker::start();
    let agent = centre.person("agent-a1");
    let mut at_watch = centre.events("watch");
    let phone = Phone::new(13);
    maker.does("/a1", Does::Answers(503));
    subscribe(&agent, &phone, &maker.endpoint("/a1"));
    let _drone = danger(&centre, &agent, "1581F4PUSH0003");
    let first = phone.open(&maker.next("the first try"));
    at_watch.notice("the failure is seen", |n| row(n, "agent-a1").is_some_and(|r| r["trouble"] == "failed"));
    let device = until("why", SOON, || {
        let devices = agent.see("/api/v1/push")["devices"].clone();
        devices[0]["trouble"].is_string().then_some(devices)
    });
    assert!(text(&device, "/0/trouble").contains("503"), "{device}");
    // Tried again by the rules of dispatch, under the same delivery.
    let second = phone.open(&maker.next("the second try"));
    if first["version"] == second["version"] {
        assert_eq!(first["delivery"], second["delivery"]);
    }
    // From now on it hangs. The centre's own people hear of the next version at once all the same.
    maker.does("/a1", Does::Hangs);
    let third = phone.open(&maker.next("the third try"));
    let _other = Flight::start(centre.scene.tcp, "1581F4PUSH0004", [100.0, 250.0, 30.0], [-2.0, -4.0, 0.0]);
    let began = Instant::now();
    at_watch.notice("another warning", |n| n["notice"]["id"] != third["id"] && n["notice"]["state"] == "raised");
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    assert!(centre.terminate().status.success(), "nor is the end held up");
}

#[test]
fn a_subscription_that_is_gone_is_taken_off_and_the_next_channel_has_it() {
    let mut centre = start();
    let maker = Maker::start();
    let watch = centre.person("watch");
    let agent = centre.person("agent-a1");
    let phone = Phone::new(14);
    maker.does("/a1", Does::Answers(410));
    subscribe(&agent, &phone, &maker.endpoint("/a1"));
    until("push is up", SOON, || (channels(&watch, "agent-a1") == json!(["push"])).then_some(()));
    let _drone = danger(&centre, &agent, "1581F4PUSH0005");
    maker.next("the try");
    until("it is taken off", SOON, || (agent.see("/api/v1/push")["devices"] == json!([])).then_some(()));
    until("push is down", SOON, || (channels(&watch, "agent-a1") == json!([])).then_some(()));
    // And what waits goes when the page opens.
    centre.events("agent-a1").notice("the warning", |n| n["notice"]["protected"]["person"] == "agent-a1");
}

#[test]
fn subscriptions_and_the_key_outlive_a_restart_and_end_with_the_session_or_a_word() {
    let mut centre = start();
    let maker = Maker::start();
    let watch = centre.person("watch");
    let agent = centre.person("agent-a1");
    let phone = Phone::new(15);
    let key = agent.see("/api/v1/push")["key"].clone();
    subscribe(&agent, &phone, &maker.endpoint("/a1"));
    until("push is up", SOON, || (channels(&watch, "agent-a1") == json!(["push"])).then_some(()));
    centre.kill();
    centre.start_again();
    let again = agent.see("/api/v1/push");
    assert_eq!((&again["key"], &again["devices"][0]["id"]), (&key, &json!(phone.id)));
    assert_eq!(channels(&watch, "agent-a1"), json!(["push"]), "a push subscription is no connection");
    let drone = danger(&centre, &agent, "1581F4PUSH0006");
    assert_eq!(phone.open(&maker.next("the warning"))["kind"], "notice");
    drone.end();

    // The same browser, used by somebody else now: it is theirs alone.
    let other = centre.person("agent-a2");
    let mut theirs = Phone::new(16);
    subscribe(&other, &theirs, &maker.endpoint("/a1"));
    assert_eq!(agent.see("/api/v1/push")["devices"], json!([]));
    until("push of the first is down", SOON, || (channels(&watch, "agent-a1") == json!([])).then_some(()));
    // Taken off by a word; and by the end of the session that it came with.
    let path = format!("/api/v1/push/subscriptions/{}", theirs.id);
    assert_eq!(agent.send("DELETE", &path, &[], b"").status, 404, "only one's own");
    assert_eq!(other.send("DELETE", &path, &[], b"").status, 204);
    theirs.id = id();
    subscribe(&other, &theirs, &maker.endpoint("/a2"));
    until("push is up", SOON, || (channels(&watch, "agent-a2") == json!(["push"])).then_some(()));
    assert_eq!(other.send("DELETE", "/api/v1/sessions/current", &[], b"").status, 204);
    until("push is down", SOON, || (channels(&watch, "agent-a2") == json!([])).then_some(()));
    // Switched off: nobody gets anything, and it is said.
    subscribe(&agent, &phone, &maker.endpoint("/a1"));
    centre.terminate();
    centre.scene = centre.scene.clone().with("[push]\n", "[push]\nenabled = false\n");
    centre.start_again();
    assert_eq!(agent.see("/api/v1/push")["enabled"], false);
    until("push is down", SOON, || (channels(&watch, "agent-a1") == json!([])).then_some(()));
    agent
        .post("/api/v1/push/subscriptions", &Phone::new(17).subscription(&maker.endpoint("/b")))
        .problem(409, "push_off");
    let deeds: Vec<Value> = {
        centre.terminate();
        centre.export().into_iter().filter(|e| e.to_string().contains("push_set")).collect()
    };
    assert!(deeds.len() >= 4, "{deeds:?}");
    let all = centre.export().iter().map(Value::to_string).collect::<String>();
    assert!(!all.contains("127.0.0.1:") && !all.contains(&B64.encode(phone.auth)), "secrets are no history");
}

#[test]
fn a_subscription_is_taken_once_and_only_where_the_public_internet_is() {
    let mut centre = Centre::start_with(scene(), &[]);
    let agent = centre.person("agent-a1");
    let post = |body: &Value| agent.post("/api/v1/push/subscriptions", body);
    let phone = Phone::new(21);
    for bad in [
        "http://127.0.0.1:9/x",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://[::1]/x",
        "https://10.0.0.1/x",
        "https://push.example.net:8443/x",
        "https://user@push.example.net/x",
        "ftp://push.example.net/x",
        "",
    ] {
        post(&phone.subscription(bad)).problem(422, "invalid");
    }
    let good = "https://push.example.net/x";
    let with = |pointer: &str, v: Value| {
        let mut s = phone.subscription(good);
        *s.pointer_mut(pointer).unwrap() = v;
        s
    };
    for (pointer, v) in [
        ("/keys/p256dh", json!("AAAA")),
        ("/keys/auth", json!("AAAA")),
        ("/device", json!("")),
        ("/device", json!("a\nb")),
        ("/device", json!("x".repeat(81))),
        ("/endpoint", json!(format!("{good}{}", "x".repeat(2_048)))),
    ] {
        post(&with(pointer, v)).problem(422, "invalid");
    }
    let made = post(&phone.subscription(good)).ok(201);
    assert_eq!(post(&phone.subscription(good)).ok(201), made, "safe to repeat");
    post(&with("/endpoint", json!("https://push.example.net/other"))).problem(409, "id_reused");
    for n in 22..26 {
        post(&Phone::new(n).subscription(&format!("{good}{n}"))).ok(201);
    }
    post(&Phone::new(26).subscription(&format!("{good}26"))).problem(409, "too_many_devices");
    // The same browser again takes its own place.
    let anew = Phone::new(27);
    post(&anew.subscription(good)).ok(201);
    let devices = agent.see("/api/v1/push")["devices"].clone();
    assert_eq!(devices.as_array().unwrap().len(), 5);
    assert!(devices.as_array().unwrap().iter().any(|d| d["id"] == anew.id.as_str()));
    assert!(devices.as_array().unwrap().iter().all(|d| d["id"] != phone.id.as_str()));
}
