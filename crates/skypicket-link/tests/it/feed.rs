//! Feeds over every bearer, from the other side's real program where there is one: Mosquitto, libzmq, a pseudo-terminal.

use crate::centre::{Call, Calls, NOW_S, centre, soon, source};
use skypicket_link::{FeedConfig, FeedConnector, FeedError, Health, feed::OwnConfig};
use skypicket_model::{Observation, Place, Time};
use skypicket_wire::mavlink::frame::Frame;
use std::{
    io::Write as _,
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream, UdpSocket},
    task::JoinHandle,
};

/// Debian's, which has the modules that its packages bring.
const PYTHON: &str = "/usr/bin/python3";

fn line(lat: f64) -> String {
    format!("{{\"t\":{NOW_S},\"lla\":[{lat},-106.4,1200]}}\n")
}

fn config(from: &str) -> FeedConfig {
    toml::from_str(&format!("id = \"feed-1\"\nformat = \"lines\"\n[from.{from}")).unwrap()
}

/// A feed that runs.
struct Running {
    health: Arc<Health>,
    at: Option<SocketAddr>,
    task: JoinHandle<()>,
}

async fn run(calls: &Calls, config: FeedConfig) -> Running {
    let feed = FeedConnector::open(config).await.unwrap();
    let (_, _, health) = feed.sources().remove(0);
    let at = feed.local_addr();
    Running { health, at, task: tokio::spawn(feed.run(calls.intake(), calls.shutdown())) }
}

impl Running {
    async fn stops(self, calls: &Calls) {
        calls.stop();
        soon(self.task).await.unwrap();
    }
}

async fn observed(calls: &mut Calls) -> Vec<Observation> {
    calls.next_that(|c| if let Call::Observe(_, b) = c { Some(b) } else { None }).await
}

async fn lats(calls: &mut Calls, n: usize) -> Vec<f64> {
    let mut all = Vec::new();
    while all.len() < n {
        all.extend(observed(calls).await.iter().map(|o| o.measurement.position().unwrap().lat_deg));
    }
    all
}

/// A program of the other side, stopped when the test ends.
struct Other(Child);

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

// ---- whose it is ----

#[tokio::test]
async fn what_stands_behind_a_gateway_is_a_source_of_its_own_where_it_is_configured() {
    let mut calls = centre(0);
    let config: FeedConfig = toml::from_str(
        "id = \"feed-1\"\nformat = \"lines\"\nreceiver_at = { lat_deg = 1.0, lon_deg = 2.0 }\n\
         [from.udp]\nlisten = \"127.0.0.1:0\"\n\
         [receivers.mast-2]\nid = \"north-mast\"\nat = { lat_deg = 3.0, lon_deg = 4.0 }\nexpected_interval_s = 30.0\n",
    )
    .unwrap();
    let feed = FeedConnector::open(config).await.unwrap();
    let sources = feed.sources();
    assert_eq!((&sources[0].0, sources[0].1), (&source("feed-1"), None));
    assert_eq!((&sources[1].0, sources[1].1), (&source("north-mast"), Some(30.0)));
    let (to, own) = (feed.local_addr().unwrap(), Arc::clone(&sources[1].2));
    tokio::spawn(feed.run(calls.intake(), calls.shutdown()));
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    // Where it says itself that it stands is for those of whom nothing is configured.
    let said = "\"signal\":{\"receiver_at\":[9.0,9.0,null]}";
    let heard = |name: &str| format!("{{\"t\":{},\"source\":\"{name}\",{said}}}\n", NOW_S - 2.0);
    socket.send_to([heard("mast-2"), heard("mast-9")].concat().as_bytes(), to).await.unwrap();
    for (whose, lat) in [("north-mast", 3.0), ("feed-1", 1.0)] {
        let o = observed(&mut calls).await.remove(0);
        let at = o.signal.receiver_at.map(|p: Place| p.lat_deg);
        assert_eq!((o.source, at), (source(whose), Some(lat)));
    }
    let s = own.snapshot();
    assert_eq!((s.received, s.decoded, s.lag_s), (1, 1, Some(2.0)));
}

#[tokio::test]
async fn telemetry_of_our_own_is_of_the_aircraft_that_is_configured() {
    let mut calls = centre(0);
    let config: FeedConfig = toml::from_str(
        "id = \"feed-1\"\nformat = \"mavlink\"\nown = [{ serial = \"1OWN7\", system = 7 }]\n[from.udp]\nlisten = \"127.0.0.1:0\"",
    )
    .unwrap();
    let running = run(&calls, config).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for system in [7, 8] {
        // GLOBAL_POSITION_INT: time since boot, latitude and longitude in 1e-7 degrees, altitude and height in mm, velocity,
        // heading.
        let mut payload = 1_000_u32.to_le_bytes().to_vec();
        for field in [317_600_000_i32, -1_064_900_000, 1_200_000, 50_000] {
            payload.extend(field.to_le_bytes());
        }
        payload.extend([0; 8]);
        let frame =
            Frame { version: 2, sequence: 0, system, component: 1, message: 33, signed: false, checked: true, payload };
        socket.send_to(&frame.encode(), running.at.unwrap()).await.unwrap();
    }
    let mut ids = Vec::new();
    for _ in 0..2 {
        let o = observed(&mut calls).await.remove(0);
        ids.push(o.claims.ids.first().map(|i| i.value.clone()));
    }
    assert_eq!(ids, [Some("1OWN7".to_owned()), None]);
    running.stops(&calls).await;
}

#[tokio::test]
async fn settings_that_do_not_fit_are_refused_by_name() {
    for (from, key) in [
        ("udp]\nlisten = \"0.0.0.0:0\"", "loopback"),
        ("tcp]\nconnect = \"10.0.0.1:30005\"", "insecure"),
        ("tcp]\nconnect = \"10.0.0.1\"", "HOST:PORT"),
        ("tcp]\nconnect = \"127.0.0.1:1\"\nroots = \"x.pem\"", "roots"),
        ("zmq]\nconnect = \"kit.example:4224\"", "insecure"),
        ("http]\nurl = \"http://kit.example/x\"", "https"),
        ("http]\nurl = \"http://127.0.0.1/x\"\nevery_ms = 1", "every_ms"),
        ("file]\npath = \"x\"\nevery_ms = 99999", "every_ms"),
        ("serial]\npath = \"/dev/null\"\nbaud = 1", "baud"),
        ("mqtt]\nhost = \"broker.example\"\ntopics = [\"#\"]", "insecure"),
        ("mqtt]\nhost = \"127.0.0.1\"\ntopics = []", "topics"),
        ("mqtt]\nhost = \"127.0.0.1\"\ntopics = [\"a#b\"]", "topics"),
        ("mqtt]\nhost = \"127.0.0.1\"\ntopics = [\"#\"]\nstatus_topic = \"a/+\"", "status_topic"),
        ("mqtt]\nhost = \"127.0.0.1\"\ntopics = [\"#\"]\npassword_file = \"x\"", "login"),
        ("mqtt]\nhost = \"127.0.0.1\"\ntopics = [\"#\"]\nlogin = \"x\"\npassword_file = \"/nowhere/x\"", "/nowhere/x"),
    ] {
        let error: FeedError = FeedConnector::open(config(from)).await.err().unwrap();
        // Whoever only checks a configuration is told the same.
        assert_eq!(config(from).check().unwrap_err().to_string(), error.to_string());
        assert!(error.to_string().contains(key) && error.to_string().contains("feed-1"), "{from}: {error}");
    }
    let mut wrong = config("udp]\nlisten = \"127.0.0.1:0\"");
    wrong.own = vec![OwnConfig { serial: "a b".into(), system: None }];
    assert!(FeedConnector::open(wrong).await.err().unwrap().to_string().contains("own"));
}

// ---- bearers ----

#[tokio::test]
async fn a_stream_that_breaks_off_is_connected_to_again_and_begins_anew() {
    let mut calls = centre(0);
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = server.local_addr().unwrap();
    let running = run(&calls, config(&format!("tcp]\nconnect = \"{to}\""))).await;
    let (mut first, _) = soon(server.accept()).await.unwrap();
    // Its last line is cut.
    first.write_all(line(1.0).as_bytes()).await.unwrap();
    first.write_all(line(2.0).as_bytes().split_at(20).0).await.unwrap();
    assert_eq!(lats(&mut calls, 1).await, [1.0]);
    assert_eq!(running.health.snapshot().connections, 1);
    drop(first);
    let (mut second, _) = soon(server.accept()).await.unwrap();
    second.write_all(line(3.0).as_bytes()).await.unwrap();
    assert_eq!(lats(&mut calls, 1).await, [3.0]);
    assert!(running.health.snapshot().refused.is_empty(), "the cut line is not joined to the next connection's");
    running.stops(&calls).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_trouble_that_people_can_read() {
    let calls = centre(0);
    let to = format!("127.0.0.1:{}", free_port().await);
    let running = run(&calls, config(&format!("tcp]\nconnect = \"{to}\""))).await;
    let trouble = soon(async {
        loop {
            if let Some(t) = running.health.snapshot().trouble {
                return t;
            }
            tokio::task::yield_now().await;
        }
    });
    assert!(trouble.await.contains("refused"));
    running.stops(&calls).await;
}

/// Answers each request of a connection with the next of these bodies.
async fn answer(server: &TcpListener, answers: &[(&str, String)]) {
    for (status, body) in answers {
        let (mut stream, _) = soon(server.accept()).await.unwrap();
        let mut asked = [0; 1_024];
        let n = soon(stream.read(&mut asked)).await.unwrap();
        assert!(asked[..n].starts_with(b"GET /data/aircraft.json HTTP/1.1\r\n"));
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn a_document_is_asked_for_again_and_again_also_after_a_server_that_fails() {
    let mut calls = centre(0);
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/data/aircraft.json", server.local_addr().unwrap());
    let running = run(&calls, config(&format!("http]\nurl = \"{url}\"\nevery_ms = 100"))).await;
    answer(&server, &[("200 OK", line(1.0)), ("500 Oops", String::new())]).await;
    assert_eq!(lats(&mut calls, 1).await, [1.0]);
    let (mut stream, _) = soon(server.accept()).await.unwrap();
    assert_eq!(running.health.snapshot().trouble.as_deref(), Some("the server answers 500"));
    let body = line(2.0);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    assert_eq!(lats(&mut calls, 1).await, [2.0]);
    running.stops(&calls).await;
}

#[tokio::test]
async fn a_decoder_that_died_behind_a_server_that_lives_falls_silent() {
    let mut calls = centre(0);
    let now = |s: f64| Time::from_unix_s(NOW_S + s).unwrap();
    let aircraft = format!(
        "{{\"now\":{NOW_S},\"aircraft\":[{{\"hex\":\"a1b2c3\",\"lat\":31.75,\"lon\":-106.5,\"seen_pos\":0.1}}]}}"
    );
    let empty = "{\"drones\":[]}".to_owned();
    for (format, body, is_silent) in [("aircraftjson", aircraft, true), ("dragonsync", empty, false)] {
        *calls.centre.now.lock().unwrap() = now(0.0);
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/data/aircraft.json", server.local_addr().unwrap());
        let config = config(&format!("http]\nurl = \"{url}\"\nevery_ms = 100"));
        let running = run(&calls, FeedConfig { format: format.parse().unwrap(), ..config }).await;
        answer(&server, &[("200 OK", body.clone())]).await;
        // It asks again only when it has dealt with the answer before.
        let (mut next, _) = soon(server.accept()).await.unwrap();
        assert_eq!(running.health.snapshot().last_heard, Some(now(0.0)));
        *calls.centre.now.lock().unwrap() = now(100.0);
        let mut asked = [0; 1_024];
        let _ = soon(next.read(&mut asked)).await.unwrap();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        next.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        let _after = soon(server.accept()).await.unwrap();
        let s = running.health.snapshot();
        assert_eq!(s.last_heard, Some(now(if is_silent { 0.0 } else { 100.0 })), "{format}");
        assert_eq!((s.received, s.decoded), (2, u64::from(is_silent)), "{format}: the same is not decoded again");
        running.task.abort();
    }
    assert_eq!(lats(&mut calls, 1).await, [31.75]);
}

#[tokio::test]
async fn a_file_is_read_whole_each_time_that_it_is_written_anew() {
    let mut calls = centre(0);
    let folder = std::env::temp_dir().join(format!("skypicket-feed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("aircraft.json");
    let write = |lat: f64, more: &str| {
        let anew = folder.join("anew");
        std::fs::write(&anew, format!("{}{more}", line(lat))).unwrap();
        std::fs::rename(&anew, &path).unwrap();
    };
    let running = run(&calls, config(&format!("file]\npath = \"{}\"\nevery_ms = 100", path.display()))).await;
    write(1.0, "");
    assert_eq!(lats(&mut calls, 1).await, [1.0]);
    write(2.0, "\n");
    assert_eq!(lats(&mut calls, 1).await, [2.0]);
    running.stops(&calls).await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_serial_line_is_read() {
    let mut calls = centre(0);
    // A pseudo-terminal; what the test writes goes to its other end.
    let script = "import os, pty, sys, tty\n\
                  a, b = pty.openpty()\n\
                  tty.setraw(b)\n\
                  print(os.ttyname(b), flush=True)\n\
                  for line in sys.stdin: os.write(a, line.encode())\n";
    let mut python = tokio::process::Command::new(PYTHON)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut said = BufReader::new(python.stdout.take().unwrap()).lines();
    let path = soon(said.next_line()).await.unwrap().unwrap();
    let running = run(&calls, config(&format!("serial]\npath = \"{path}\"\nbaud = 57600"))).await;
    let mut into = python.stdin.take().unwrap();
    into.write_all(format!("{}{}", line(1.0), line(2.0)).as_bytes()).await.unwrap();
    assert_eq!(lats(&mut calls, 2).await, [1.0, 2.0]);
    running.stops(&calls).await;
}

#[tokio::test]
async fn a_publisher_of_the_zeromq_library_is_heard_again_after_it_was_away() {
    let mut calls = centre(0);
    let port = free_port().await;
    // It publishes over and over: a subscription takes its time to arrive.
    let script = "import sys, time, zmq\n\
                  s = zmq.Context().socket(zmq.PUB)\n\
                  s.setsockopt(zmq.HEARTBEAT_IVL, 50)\n\
                  s.bind(f'tcp://127.0.0.1:{sys.argv[1]}')\n\
                  while True:\n\
                  \x20   s.send_multipart([b'other', b'not for us'])\n\
                  \x20   s.send_multipart([b'air', sys.argv[2].encode()])\n\
                  \x20   time.sleep(0.02)\n";
    let publish =
        |lat: f64| Other(Command::new(PYTHON).args(["-c", script, &port.to_string(), &line(lat)]).spawn().unwrap());
    let running = run(&calls, config(&format!("zmq]\nconnect = \"127.0.0.1:{port}\"\ntopics = [\"air\"]"))).await;
    let first = publish(1.0);
    assert_eq!(lats(&mut calls, 1).await[0].to_bits(), 1.0_f64.to_bits());
    drop(first);
    let _second = publish(2.0);
    while lats(&mut calls, 1).await[0] < 1.5 {}
    assert!(running.health.snapshot().refused.is_empty(), "{:?}", running.health.snapshot().refused);
    running.stops(&calls).await;
}

/// A broker of this test alone.
async fn broker(folder: &Path, port: u16, more: &str) -> Other {
    std::fs::create_dir_all(folder).unwrap();
    let file = folder.join("mosquitto.conf");
    let text = format!("listener {port} 127.0.0.1\npersistence false\nlog_dest none\n{more}");
    std::fs::write(&file, text).unwrap();
    let program = ["/usr/sbin/mosquitto", "mosquitto"].into_iter().find(|p| *p == "mosquitto" || Path::new(p).exists());
    let child = Command::new(program.unwrap()).arg("-c").arg(&file).stderr(Stdio::null()).spawn();
    let child = Other(child.expect("mosquitto is needed: `make tools` installs it"));
    soon(async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    child
}

/// A client that speaks just enough MQTT 3.1.1, in bytes of its own: what is tested is not tested with itself.
struct Client(TcpStream);

impl Client {
    async fn connect(port: u16, id: &str) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let mut body = b"\x00\x04MQTT\x04\x02\x00\x3c".to_vec();
        body.extend([0, u8::try_from(id.len()).unwrap()]);
        body.extend(id.bytes());
        stream.write_all(&packet(0x10, &body)).await.unwrap();
        let mut ack = [0; 4];
        soon(stream.read_exact(&mut ack)).await.unwrap();
        assert_eq!(ack, [0x20, 2, 0, 0]);
        Self(stream)
    }

    async fn publish(&mut self, topic: &str, payload: &[u8], retain: bool) {
        let mut body = vec![0, u8::try_from(topic.len()).unwrap()];
        body.extend(topic.bytes());
        body.extend(payload);
        self.0.write_all(&packet(0x30 | u8::from(retain), &body)).await.unwrap();
    }

    async fn subscribe(&mut self, topic: &str) {
        let mut body = vec![0, 1, 0, u8::try_from(topic.len()).unwrap()];
        body.extend(topic.bytes());
        body.push(0);
        self.0.write_all(&packet(0x82, &body)).await.unwrap();
        assert_eq!(self.packet().await.0, 0x90);
    }

    async fn packet(&mut self) -> (u8, Vec<u8>) {
        soon(async {
            let mut head = [0; 2];
            self.0.read_exact(&mut head).await.unwrap();
            assert!(head[1] < 128, "short packets only");
            let mut body = vec![0; head[1].into()];
            self.0.read_exact(&mut body).await.unwrap();
            (head[0], body)
        })
        .await
    }

    /// The payload of the next message.
    async fn message(&mut self) -> Vec<u8> {
        let (kind, body) = self.packet().await;
        assert_eq!(kind & 0xF0, 0x30);
        body[2 + usize::from(body[1])..].to_vec()
    }
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut p = vec![kind];
    let mut n = body.len();
    loop {
        let low = u8::try_from(n % 128).unwrap();
        n /= 128;
        p.push(low | if n > 0 { 128 } else { 0 });
        if n == 0 {
            break;
        }
    }
    p.extend(body);
    p
}

fn folder(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("skypicket-mqtt-{name}-{}", std::process::id()))
}

#[tokio::test]
async fn messages_of_a_broker_are_heard_and_others_see_whether_we_are_there() {
    let mut calls = centre(0);
    let (folder, port) = (folder("status"), free_port().await);
    let broker = broker(&folder, port, "allow_anonymous true\n").await;
    let mut other = Client::connect(port, "other").await;
    let old = line(9.0).replace(&NOW_S.to_string(), &(NOW_S - 100.0).to_string());
    other.publish("sensor/a/upload", old.as_bytes(), true).await;
    other.subscribe("picket/status").await;
    let from = format!(
        "mqtt]\nhost = \"127.0.0.1\"\nport = {port}\ntopics = [\"sensor/+/upload\"]\nclient_id = \"picket\"\nstatus_topic = \"picket/status\""
    );
    let running = run(&calls, config(&from)).await;
    assert_eq!(other.message().await, b"online");
    // What the broker kept may be of last week: it is not taken, nor for a sign of life.
    assert_eq!(calls.next_refusal().await.0, "retained");
    let s = running.health.snapshot();
    assert_eq!((s.received, s.last_heard), (1, None));
    other.publish("sensor/b/upload", line(1.0).as_bytes(), false).await;
    other.publish("sensor/b/else", line(8.0).as_bytes(), false).await;
    other.publish("sensor/b/upload", b"{", false).await;
    other.publish("sensor/b/upload", line(2.0).as_bytes(), false).await;
    assert_eq!(lats(&mut calls, 1).await, [1.0]);
    assert_eq!(calls.next_refusal().await.0, "json_truncated");
    assert_eq!(lats(&mut calls, 1).await, [2.0]);
    // A second client of the same name throws us out: the last will, and we are back.
    let thief = Client::connect(port, "picket").await;
    assert_eq!(other.message().await, b"offline");
    drop(thief);
    assert_eq!(other.message().await, b"online");
    running.stops(&calls).await;
    assert_eq!(other.message().await, b"offline");
    drop(broker);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_gateway_that_said_goodbye_is_in_trouble_until_it_is_heard_again() {
    let mut calls = centre(0);
    let (folder, port) = (folder("gone"), free_port().await);
    let _broker = broker(&folder, port, "allow_anonymous true\n").await;
    let from = config(&format!("mqtt]\nhost = \"127.0.0.1\"\nport = {port}\ntopics = [\"wardragon/#\"]"));
    let running = run(&calls, FeedConfig { format: "dragonsync".parse().unwrap(), ..from }).await;
    let health = Arc::clone(&running.health);
    let until = async |what: &dyn Fn() -> bool| {
        soon(async {
            while !what() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    };
    until(&|| health.snapshot().connections == 1).await;
    let mut gateway = Client::connect(port, "gateway").await;
    gateway.publish("wardragon/service/kit/availability", b"offline", false).await;
    until(&|| health.snapshot().trouble.is_some_and(|t| t.contains("not there"))).await;
    let drone = format!("{{\"id\":\"drone-X1\",\"lat\":31.75,\"lon\":-106.5,\"observed_at\":{NOW_S}}}");
    gateway.publish("wardragon/drone/drone-X1", drone.as_bytes(), false).await;
    assert_eq!(lats(&mut calls, 1).await, [31.75]);
    assert_eq!(health.snapshot().trouble, None);
    running.stops(&calls).await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_broker_that_wants_a_login_gets_it_out_of_a_file_and_a_wrong_one_is_said() {
    let mut calls = centre(0);
    let (folder, port) = (folder("login"), free_port().await);
    std::fs::create_dir_all(&folder).unwrap();
    let passwords = folder.join("passwords");
    std::fs::File::create(&passwords).unwrap().write_all(b"picket:secret\n").unwrap();
    let hashed = Command::new("mosquitto_passwd").arg("-U").arg(&passwords).status().unwrap();
    assert!(hashed.success());
    let _broker = broker(&folder, port, &format!("password_file {}\n", passwords.display())).await;
    let secret = folder.join("secret");
    let from = |secret: &Path| {
        format!(
            "mqtt]\nhost = \"127.0.0.1\"\nport = {port}\ntopics = [\"#\"]\nlogin = \"picket\"\npassword_file = \"{}\"\nstatus_topic = \"s\"",
            secret.display()
        )
    };
    std::fs::write(&secret, "wrong\n").unwrap();
    let wrong = run(&calls, config(&from(&secret))).await;
    let trouble = soon(async {
        loop {
            if let Some(t) = wrong.health.snapshot().trouble {
                return t;
            }
            tokio::task::yield_now().await;
        }
    });
    assert!(trouble.await.starts_with("the broker refuses us"));
    std::fs::write(&secret, "secret\n").unwrap();
    let _right = run(&calls, config(&from(&secret))).await;
    // Our own "online" comes to us as what it is for this format.
    assert_eq!(calls.next_refusal().await.0, "json_syntax");
    calls.stop();
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_broker_with_tls_must_be_the_one_whose_certificate_we_trust() {
    let mut calls = centre(0);
    let (folder, port) = (folder("tls"), free_port().await);
    std::fs::create_dir_all(&folder).unwrap();
    let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let file = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let certificate = file("broker.pem", own.cert.pem());
    let key = file("broker.key", own.signing_key.serialize_pem());
    let stranger = file("other.pem", other.cert.pem());
    let more = format!("allow_anonymous true\ncertfile {certificate}\nkeyfile {key}\nuser root\n");
    let _broker = broker(&folder, port, &more).await;
    let from = |roots: &str| {
        config(&format!(
            "mqtt]\nhost = \"127.0.0.1\"\nport = {port}\ntopics = [\"#\"]\ntls = true\nroots = \"{roots}\"\nstatus_topic = \"s\"\nclient_id = \"c{}\"",
            roots.len()
        ))
    };
    let wrong = run(&calls, from(&stranger)).await;
    let trouble = soon(async {
        loop {
            if let Some(t) = wrong.health.snapshot().trouble {
                return t;
            }
            tokio::task::yield_now().await;
        }
    });
    assert!(trouble.await.to_lowercase().contains("cert"), "{:?}", wrong.health.snapshot().trouble);
    assert_eq!(wrong.health.snapshot().connections, 0);
    let right = run(&calls, from(&certificate)).await;
    // Our own "online" comes to us as what it is for this format.
    assert_eq!(calls.next_refusal().await.0, "json_syntax");
    assert_eq!(right.health.snapshot().connections, 1);
    calls.stop();
    std::fs::remove_dir_all(folder).unwrap();
}
