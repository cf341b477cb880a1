//! Receivers, gateways and aircraft at a running centre: one drone heard over four of them is one drone, flights of our own are
//! known by configuration alone, a made-up swarm is doubted, a flood of names is one line, and what is not heard is said.

use crate::support::{
    Centre, Client, Feed, SOON, Scene, at, drone_line, id, items, now_s, number, scene::free_tcp, text, time_text,
    until,
};
use base64::{Engine, engine::general_purpose::STANDARD as B64};
use serde_json::{Value, json};
use skypicket_wire::mavlink::frame::Frame;
use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    process::{Child, Command, Stdio},
    time::Duration,
};

const SERIAL: &str = "1581F5FKD229400012AB";

fn source(client: &Client, id: &str) -> Value {
    let list = client.see("/api/v1/sources");
    items(&list).iter().find(|s| s["id"] == id).cloned().unwrap_or(Value::Null)
}

fn tracks(client: &Client) -> Vec<Value> {
    let all = client.see("/api/v1/tracks");
    all["features"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["properties"].clone())
        .filter(|t| t["state"] != "deleted")
        .collect()
}

fn named<'a>(tracks: &'a [Value], serial: &str) -> Vec<&'a Value> {
    let is = |t: &&Value| t["ids"].as_array().unwrap().iter().any(|i| i["value"] == serial);
    tracks.iter().filter(is).collect()
}

fn feed(id: &str, format: &str, from: &str, more: &str) -> String {
    format!("[[source.feed]]\nid = \"{id}\"\nformat = \"{format}\"\n{more}\n[source.feed.from.{from}\n")
}

fn udp_port() -> SocketAddr {
    // Another program may take it before the centre does; the centre then says so.
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends one message to a broker, with the bytes of MQTT 3.1.1 by hand.
struct Publisher(TcpStream);

impl Publisher {
    fn connect(to: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(to).unwrap();
        stream.write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01p").unwrap();
        let mut ack = [0; 4];
        stream.read_exact(&mut ack).unwrap();
        assert_eq!(ack, [0x20, 2, 0, 0]);
        Self(stream)
    }

    fn publish(&mut self, topic: &str, payload: &[u8]) {
        let mut body = vec![0, u8::try_from(topic.len()).unwrap()];
        body.extend(topic.bytes());
        body.extend(payload);
        let n = body.len();
        assert!(n < 16_384);
        let length = [u8::try_from(n % 128).unwrap() | 0x80, u8::try_from(n / 128).unwrap()];
        self.0.write_all(&[&[0x30][..], &length, &body].concat()).unwrap();
    }
}

fn broker(centre: &Centre, at: SocketAddr) -> Stopped {
    let file = centre.folder().join("mosquitto.conf");
    let text = format!("listener {} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest none\n", at.port());
    std::fs::write(&file, text).unwrap();
    let program =
        if std::path::Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" };
    let child = Command::new(program).arg("-c").arg(&file).stderr(Stdio::null()).spawn();
    let child = Stopped(child.expect("mosquitto is needed: `make tools` installs it"));
    until("the broker", SOON, || TcpStream::connect(at).ok());
    child
}

#[test]
fn one_drone_heard_by_four_receivers_is_one_drone_and_a_broker_that_is_gone_is_said() {
    let (mqtt, tcp, udp) = (free_tcp(), free_tcp(), udp_port());
    let scene = Scene::new()
        .and(&feed(
            "ds",
            "dronescout",
            &format!("mqtt]\nhost = \"127.0.0.1\"\nport = {}\ntopics = [\"sensor/+/upload\"]", mqtt.port()),
            "expected_interval_s = 3600.0",
        ))
        .and(&feed("mesh", "meshmapper", &format!("tcp]\nconnect = \"{tcp}\""), ""))
        .and(&feed("cot", "dronecot", &format!("udp]\nlisten = \"{udp}\""), ""));
    let server = TcpListener::bind(tcp).unwrap();
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.person("watch");
    // The broker is not there yet.
    until("the trouble", SOON, || {
        source(&watch, "ds")["trouble"].as_str().map(|t| assert!(t.contains("refused"), "{t}"))
    });
    let broker = broker(&centre, mqtt);
    until("the broker's connection", Duration::from_secs(40), || {
        (source(&watch, "ds")["connections"] == 1).then_some(())
    });
    assert_eq!(source(&watch, "ds")["trouble"], Value::Null);
    let (mut mesh, _) = server.accept().unwrap();
    let cot = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut publisher = Publisher::connect(mqtt);
    let mut lines = Feed::connect(centre.scene.tcp);
    for k in 0..6 {
        let north = 900.0 + 8.0 * f64::from(k);
        let (lat, lon) = at(300.0, north);
        publisher.publish("sensor/a/upload", &dronescout(lat, lon));
        let m = json!({"mac": "aa:bb:cc:dd:ee:01", "rssi": -66, "basic_id": SERIAL, "drone_lat": lat, "drone_long": lon, "drone_altitude": 1_260.0});
        mesh.write_all(format!("{m}\n").as_bytes()).unwrap();
        let c = json!({"t": now_s(), "mac": "fa:0b:bc:12:34:56", "radio": "ble_coded", "rssi": -68, "lat": lat, "lon": lon, "id": SERIAL});
        cot.send_to(c.to_string().as_bytes(), udp).unwrap();
        lines.send(&drone_line(SERIAL, 300.0, north, 60.0, [0.0, 8.0, 0.0]));
        std::thread::sleep(Duration::from_millis(250));
    }
    let drone = until("one track by all four", SOON, || {
        let all = tracks(&watch);
        let of = named(&all, SERIAL);
        let sources: BTreeSet<_> = of.first()?["sources"].as_array()?.iter().filter_map(Value::as_str).collect();
        (sources == ["cot", "ds", "mesh", "radar"].into()).then(|| of.into_iter().cloned().collect::<Vec<_>>())
    });
    assert_eq!((drone.len(), tracks(&watch).len()), (1, 1), "{drone:?}");
    assert_eq!(drone[0]["suspect"], false, "{}", drone[0]["evidence"]);
    assert!(source(&watch, "ds")["lag_s"].as_f64().is_some());
    drop(broker);
    until("that the broker is gone", SOON, || source(&watch, "ds")["trouble"].as_str().map(str::to_owned));
}

/// A message of a DroneScout with the structure of 920 bytes that its firmware sends: Basic ID and Location.
fn dronescout(lat: f64, lon: f64) -> Vec<u8> {
    let mut s = vec![0_u8; 920];
    let mut put = |at: usize, bytes: &[u8]| s[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &2_i32.to_le_bytes());
    put(4, &1_i32.to_le_bytes());
    put(8, SERIAL.as_bytes());
    put(64, &2_i32.to_le_bytes());
    for (at, value) in [
        (68, 0.0_f32),
        (72, 8.0),
        (76, 0.0),
        (96, -1000.0),
        (100, 1_260.0),
        (108, -1000.0),
        (132, seconds_after_the_hour()),
    ] {
        put(at, &value.to_le_bytes());
    }
    put(80, &lat.to_le_bytes());
    put(88, &lon.to_le_bytes());
    put(112, &11_i32.to_le_bytes());
    put(116, &4_i32.to_le_bytes());
    put(892, &[1]);
    put(894, &[1]);
    json!({"protocol": 1.0, "data": {
        "sensor ID": "ridge", "RSSI": -70, "channel": 6, "timestamp": now_s() * 1_000.0, "MAC address": "7E:60:B8:80:BE:E4",
        "type": "WiFi beacon", "UASdata": B64.encode(&s),
    }})
    .to_string()
    .into_bytes()
}

fn seconds_after_the_hour() -> f32 {
    #[allow(clippy::cast_possible_truncation)]
    let s = now_s().rem_euclid(3_600.0) as f32;
    s
}

#[test]
fn a_flight_of_our_own_is_known_by_its_link_and_warns_nobody() {
    let udp = udp_port();
    let more = format!("own = [{{ serial = \"{SERIAL}\", system = 7 }}]");
    let scene = Scene::new().and(&feed("own-7", "mavlink", &format!("udp]\nlisten = \"{udp}\""), &more));
    let mut centre = Centre::start_with(scene, &[]);
    let watch = centre.person("watch");
    let agent = centre.person("agent-a1");
    agent.post("/api/v1/positions", &crate::support::position(0.0, 0.0)).ok(201);
    let (lat, lon) = at(0.0, 0.0);
    let flight = json!({"id": id(), "unit": "a", "serial": SERIAL, "centre": {"lat_deg": lat, "lon_deg": lon}, "radius_m": 3_000.0,
        "from": time_text(-60.0), "until": time_text(3_600.0)});
    watch.post("/api/v1/own-flights", &flight).ok(201);
    let link = UdpSocket::bind("127.0.0.1:0").unwrap();
    let fly = |system: u8, east: f64, n: u32| {
        let (lat, lon) = at(east, 120.0);
        #[allow(clippy::cast_possible_truncation)]
        let e7 = |deg: f64| (deg * 1e7).round() as i32;
        let mut payload = (1_000 * n).to_le_bytes().to_vec();
        for field in [e7(lat), e7(lon), 1_225_000, 60_000] {
            payload.extend(field.to_le_bytes());
        }
        payload.extend([0; 8]);
        let frame =
            Frame { version: 2, sequence: 0, system, component: 1, message: 33, signed: false, checked: true, payload };
        link.send_to(&frame.encode(), udp).unwrap();
    };
    for n in 0..5 {
        fly(7, 10.0, n);
        std::thread::sleep(Duration::from_millis(200));
    }
    let own = until("the own flight", SOON, || {
        let all = tracks(&watch);
        named(&all, SERIAL).into_iter().find(|t| t["affiliation"] == "own").cloned()
    });
    let notices = watch.see("/api/v1/notices");
    assert!(items(&notices).is_empty(), "{notices}");
    // Another system on the same link has said nothing of whose it is.
    for n in 0..8 {
        fly(8, -20.0, n);
        std::thread::sleep(Duration::from_millis(200));
    }
    until("a warning of the other", SOON, || {
        let notices = watch.see("/api/v1/notices");
        items(&notices)
            .iter()
            .any(|n| n["notice"]["track"] != own["id"] && n["notice"]["track"].is_string())
            .then_some(())
    });
}

#[test]
fn a_receiver_that_can_only_post_is_let_in_by_the_password_in_its_address() {
    let mut centre = Centre::start();
    let integrator = centre.person("integrator");
    let grant = json!({"formats": ["meshmapper"]});
    let made = integrator
        .post("/api/v1/tokens", &json!({"id": id(), "name": "box", "source": "mesh-1", "grant": grant}))
        .ok(201);
    let login = B64.encode(format!("token:{}", text(&made, "/secret")));
    let anybody = centre.anybody();
    let (lat, lon) = at(500.0, 500.0);
    let body = json!({"mac": "aa:bb:cc:dd:ee:01", "rssi": -66, "basic_id": SERIAL, "drone_lat": lat, "drone_long": lon, "drone_altitude": 1_260.0}).to_string();
    let post = |format: &str, login: &str, body: &str| {
        let header = format!("Basic {login}");
        anybody.send("POST", &format!("/api/v1/observations/{format}"), &[("authorization", &header)], body.as_bytes())
    };
    let taken = post("meshmapper", &login, &body).ok(202);
    assert_eq!((&taken["taken"], &taken["refused"]), (&json!(1), &json!([])));
    post("dronescout", &login, &body).problem(403, "format_not_allowed");
    post("nonsense", &login, &body).problem(404, "unknown_format");
    post("meshmapper", &B64.encode("token:wrong"), &body).problem(401, "signed_out");
    let header = format!("Basic {login}");
    let elsewhere = [("authorization", header.as_str()), ("origin", "https://evil.example")];
    anybody.send("POST", "/api/v1/observations/meshmapper", &elsewhere, body.as_bytes()).problem(403, "forbidden");
    let refused = post("meshmapper", &login, "{\"mac\":").ok(202);
    assert_eq!(refused["taken"], 0);
    assert!(!refused["refused"].as_array().unwrap().is_empty());
    // Its rate is of observations, however many stand in one post.
    let grant = json!({"formats": ["meshmapper"], "rate_per_s": 1});
    let made = integrator
        .post("/api/v1/tokens", &json!({"id": id(), "name": "slow", "source": "mesh-2", "grant": grant}))
        .ok(201);
    let slow = B64.encode(format!("token:{}", text(&made, "/secret")));
    let taken = post("meshmapper", &slow, &format!("[{}]", [body.as_str(); 5].join(","))).ok(202);
    assert_eq!((&taken["taken"], taken["refused"].as_array().map(Vec::len)), (&json!(2), Some(3)), "{taken}");
    assert_eq!(taken["refused"][0]["reason"], "rate");
    let watch = centre.person("watch");
    until("its track", SOON, || (named(&tracks(&watch), SERIAL).len() == 1).then_some(()));
    assert_eq!(source(&watch, "mesh-1")["decoded"], 1);
}

#[test]
fn crewed_aircraft_over_people_alarm_nobody() {
    let scene = Scene::new();
    let folder = crate::support::Folder::new();
    let path = folder.path().join("aircraft.json");
    let scene =
        scene.and(&feed("ads-b", "aircraftjson", &format!("file]\npath = \"{}\"\nevery_ms = 100", path.display()), ""));
    let mut centre = Centre::start_with(scene, &[]);
    let (watch, agent) = (centre.person("watch"), centre.person("agent-a1"));
    agent.post("/api/v1/positions", &crate::support::position(0.0, 0.0)).ok(201);
    for k in 0..8 {
        let (lat, lon) = at(-400.0 + 60.0 * f64::from(k), 0.0);
        let aircraft = json!({"now": now_s(), "aircraft": [{"hex": "a1b2c3", "flight": "N123AB  ", "category": "A1", "lat": lat, "lon": lon,
            "alt_geom": 4_300, "gs": 116.0, "track": 90.0, "nac_p": 9, "seen_pos": 0.1, "seen": 0.1, "rssi": -12.0, "type": "adsb_icao"}]});
        let anew = folder.path().join("anew");
        std::fs::write(&anew, aircraft.to_string()).unwrap();
        std::fs::rename(&anew, &path).unwrap();
        std::thread::sleep(Duration::from_millis(300));
    }
    let aircraft = until("the aircraft", SOON, || {
        let all = tracks(&watch);
        all.into_iter().find(|t| t["class"] == "crewed" && t["state"] == "confirmed")
    });
    assert!(number(&aircraft, "/class_p") > 0.8, "{aircraft}");
    let notices = watch.see("/api/v1/notices");
    assert!(items(&notices).is_empty(), "{notices}");
}

#[test]
fn a_flood_of_names_is_one_line_and_neither_hides_a_drone_nor_takes_its_track() {
    let udp = udp_port();
    let scene = Scene::new().and(&feed("cot", "dronecot", &format!("udp]\nlisten = \"{udp}\""), ""));
    let mut centre = Centre::start_with(scene, &[]);
    let (watch, agent) = (centre.person("watch"), centre.person("agent-a1"));
    agent.post("/api/v1/positions", &crate::support::position(0.0, 0.0)).ok(201);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let say = |mac: String, name: String, east: f64, north: f64| {
        let (lat, lon) = at(east, north);
        let c =
            json!({"t": now_s(), "mac": mac, "radio": "wifi_beacon", "rssi": -60, "lat": lat, "lon": lon, "id": name});
        socket.send_to(c.to_string().as_bytes(), udp).unwrap();
    };
    let real = || say("02:00:00:00:00:01".into(), SERIAL.into(), 4_000.0, 4_000.0);
    // One that stands still: what it says again within a second may be the same message.
    for _ in 0..6 {
        real();
        std::thread::sleep(Duration::from_millis(300));
    }
    let before = until("the real one", SOON, || {
        let all = tracks(&watch);
        named(&all, SERIAL).into_iter().find(|t| t["state"] == "confirmed").map(|t| text(t, "/id").to_owned())
    });
    // All over the agent's own place.
    for n in 0..3_000_u32 {
        let [_, a, b, c] = n.to_be_bytes();
        say(format!("06:00:00:{a:02x}:{b:02x}:{c:02x}"), format!("FAKE{n}"), f64::from(n % 50), f64::from(n % 40));
        if n % 30 == 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
        if n % 300 == 0 {
            real();
        }
    }
    let flood = until("the flood", SOON, || {
        let s = source(&watch, "cot");
        (s["flood"]["names"].as_u64()? > 2_000).then(|| s["flood"].clone())
    });
    assert!(flood["since"].is_string());
    let all = tracks(&watch);
    assert_eq!(named(&all, SERIAL).iter().map(|t| text(t, "/id")).collect::<Vec<_>>(), [before.as_str()]);
    // Those before it was known for a flood may have warned; none of the thousands after it has.
    let notices = watch.see("/api/v1/notices?limit=500");
    assert!(items(&notices).len() < 100, "{} notices", items(&notices).len());
}

#[test]
fn an_exercise_hears_no_feed() {
    let udp = udp_port();
    let scene = Scene::new().and(&feed("cot", "dronecot", &format!("udp]\nlisten = \"{udp}\""), ""));
    let mut centre = Centre::start_with(scene, &["--exercise", "first-light"]);
    let watch = centre.first();
    assert_eq!(source(&watch, "cot"), Value::Null);
    // Nobody listens there.
    UdpSocket::bind(udp).unwrap();
}
