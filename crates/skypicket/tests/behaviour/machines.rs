//! Sources and TAK clients prove who they are, bring only what they may, and are cut off when they are revoked; a forged
//! feed, a hostile sensor and a stolen phone get nowhere, and touch nobody else.

use crate::support::{
    Centre, Client, Feed, Flight, Folder, SOON, Scene, Tak, at, attribute, drone_line, id, items, program,
    scene::free_tcp,
    tak, text, time_text,
    tunnel::{Tunnel, client_config},
    until,
};
use base64::{Engine, engine::general_purpose::STANDARD as B64};
use serde_json::{Value, json};
use skypicket_link::tls::{Authority, ClientSubject};
use skypicket_model::Time;
use std::{
    io::{Cursor, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// The usual scene with TLS for TAK, and a TLS listener for lines; where that is.
fn scene() -> (Scene, SocketAddr) {
    let mast = free_tcp();
    let scene = Scene::new();
    let tak = format!("[tak]\nlisten = \"{}\"\n", scene.tak);
    let lines = format!("[[source.tcp]]\nid = \"masts\"\nlisten = \"{mast}\"\ntls = true\n");
    (scene.with(&tak, &format!("{tak}tls = true\n")).and(&lines), mast)
}

/// The row of a source in the list.
fn source(client: &Client, id: &str) -> Value {
    let list = client.see("/api/v1/sources");
    items(&list).iter().find(|s| s["id"] == id).cloned().unwrap_or(Value::Null)
}

fn count(client: &Client, id: &str, pointer: &str) -> u64 {
    source(client, id).pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
}

/// Waits until a source's number is at least this.
#[track_caller]
fn counted(client: &Client, id: &str, pointer: &str, least: u64) {
    let what = format!("{pointer} of {id} to be {least}; {}", source(client, id));
    until(&what, SOON, || (count(client, id, pointer) >= least).then_some(()));
}

fn certificate(client: &Client, source: &str, grant: &Value) -> (String, String) {
    let body = json!({"id": id(), "name": "box", "grant": grant});
    let made = client.post(&format!("/api/v1/sources/{source}/certificates"), &body).ok(201);
    (text(&made, "/certificate/serial").to_owned(), text(&made, "/pem").to_owned())
}

fn token(client: &Client, source: &str, more: &Value) -> (String, String) {
    let mut body = json!({"id": id(), "name": "box", "source": source});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = client.post("/api/v1/tokens", &body).ok(201);
    (text(&made, "/token/id").to_owned(), text(&made, "/secret").to_owned())
}

fn line(serial: &str, east_m: f64) -> Value {
    drone_line(serial, east_m, 0.0, 50.0, [0.0; 3])
}

fn post_lines(client: &Client, lines: &[Value]) -> Value {
    let body = lines.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    client.send("POST", "/api/v1/observations", &[], body.as_bytes()).ok(202)
}

/// Whether the other side has ended a connection, within a bound.
fn is_cut(stream: &mut TcpStream, within: Duration) -> bool {
    stream.set_read_timeout(Some(within)).unwrap();
    let end = Instant::now() + within;
    let mut buffer = [0u8; 4_096];
    while Instant::now() < end {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                return false;
            }
            Err(_) => return true,
        }
    }
    false
}

#[test]
fn a_token_brings_only_its_sources_lines_from_its_area_at_its_rate() {
    let mut centre = Centre::start();
    let integrator = centre.person("integrator");
    let (lat, lon) = at(0.0, 0.0);
    let area = json!({"circle": {"at": {"lat_deg": lat, "lon_deg": lon}, "radius_m": 2_000.0}});
    let grant = json!({"area": area, "also": ["mast-2"], "rate_per_s": 3});
    let (_, secret) = token(&integrator, "mast-1", &json!({"grant": grant}));
    let mast = centre.anybody().with_token(&secret);
    let named = |name: &str| {
        let mut l = line("1581F4AREA0002", 100.0);
        l["source"] = json!(name);
        l
    };
    let taken = post_lines(
        &mast,
        &[
            line("1581F4AREA0001", 500.0),
            line("1581F4AREA0001", 9_000.0),
            named("mast-2"),
            named("radar"),
            line("1581F4AREA0001", 500.0),
            line("1581F4AREA0001", 500.0),
            line("1581F4AREA0001", 500.0),
        ],
    );
    let refused: Vec<(u64, &str)> =
        items_of(&taken, "refused").iter().map(|r| (r["line"].as_u64().unwrap(), text(r, "/reason"))).collect();
    assert_eq!(taken["taken"], 4);
    assert_eq!(refused, [(2, "outside_area"), (4, "source"), (7, "rate")]);
    let row = source(&integrator, "mast-1");
    assert_eq!((&row["refused"]["outside_area"], &row["refused"]["rate"]), (&json!(1), &json!(1)));
    assert!(items_of(&row, "samples").iter().any(|s| s["reason"] == "outside_area"), "the refused line is kept: {row}");

    for (grant, expect) in [
        (json!({"formats": []}), "formats"),
        (json!({"also": ["person.x"]}), "person."),
        (json!({"area": {"circle": {"at": {"lat_deg": 0.0, "lon_deg": 0.0}, "radius_m": 0.0}}}), "radius_m"),
        (json!({"formats": ["pcap"]}), "pcap"),
    ] {
        let body = json!({"id": id(), "name": "box", "source": "mast-1", "grant": grant});
        let problem = integrator.post("/api/v1/tokens", &body).problem(422, "invalid");
        assert!(text(&problem, "/detail").contains(expect), "{problem}");
    }
}

fn items_of<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap()
}

#[test]
fn a_token_is_rotated_with_overlap_ends_by_itself_and_never_stands_in_record_or_log() {
    let mut centre = Centre::start();
    let integrator = centre.person("integrator");
    let soon = json!({"until": time_text(3.0)});
    let (old, first) = token(&integrator, "mast-1", &json!({"grant": {"expected_interval_s": 600.0}}));
    let (_, second) = token(&integrator, "mast-1", &json!({}));
    let (short, third) = token(&integrator, "mast-1", &soon);
    let [one, two, three] = [&first, &second, &third].map(|s| centre.anybody().with_token(s));
    let take = |client: &Client| {
        client.send("POST", "/api/v1/observations", &[], line("1581F4ROT00001", 5.0).to_string().as_bytes())
    };
    for client in [&one, &two, &three] {
        take(client).ok(202);
    }
    let listed = integrator.see("/api/v1/tokens");
    let find = |list: &Value, id: &str| items(list).iter().find(|t| t["id"] == id).cloned().unwrap();
    assert_eq!(
        (&find(&listed, &old)["standing"], &find(&listed, &short)["standing"]),
        (&json!("valid"), &json!("ends_soon"))
    );
    assert!(!find(&listed, &old)["last_used"].is_null() && find(&listed, &old)["made_by"] == "integrator");
    assert_eq!(source(&integrator, "mast-1")["expected_interval_s"], 600.0);

    assert_eq!(integrator.send("DELETE", &format!("/api/v1/tokens/{old}"), &[], b"").status, 204);
    take(&one).problem(401, "signed_out");
    take(&two).ok(202);
    integrator.send("DELETE", &format!("/api/v1/tokens/{old}"), &[], b"").problem(404, "not_found");
    until("the third token to end", SOON, || (take(&three).status == 401).then_some(()));
    counted(&integrator, "mast-1", "/refused/token_revoked", 1);
    counted(&integrator, "mast-1", "/refused/token_expired", 1);
    let gone = integrator.see("/api/v1/tokens");
    assert_eq!(
        (&find(&gone, &old)["standing"], &find(&gone, &old)["revoked_by"]),
        (&json!("revoked"), &json!("integrator"))
    );
    // With its last promise revoked nobody waits for the source any more.
    assert!(source(&integrator, "mast-1")["expected_interval_s"].is_null());

    // Also after a restart.
    assert!(centre.terminate().status.success());
    centre.start_again();
    take(&one).problem(401, "signed_out");
    take(&two).ok(202);
    assert!(centre.terminate().status.success());
    let record = centre.export();
    let deed = |d: &str, what: &str| {
        let rows = record.iter().map(Value::to_string);
        rows.filter(|e| e.contains(&format!("\"{d}\"")) && e.contains(what)).count()
    };
    assert_eq!((deed("token_made", &old), deed("token_revoked", &old)), (1, 1));
    let kept = [centre.log(), record.iter().map(Value::to_string).collect()].concat();
    for secret in [first, second, third] {
        assert!(!kept.contains(&secret) && !kept.contains(secret.trim_start_matches("skp_")), "a secret was kept");
    }
}

#[test]
fn a_token_revoked_while_its_lines_come_brings_none_of_them() {
    let mut centre = Centre::start();
    let integrator = centre.person("integrator");
    let (token, secret) = token(&integrator, "mast-1", &json!({}));
    let body = format!("{}\n", line("1581F4HALF0001", 5.0));
    let (first, rest) = body.split_at(40);
    let mut stream = TcpStream::connect(centre.address.get()).unwrap();
    let head = format!(
        "POST /api/v1/observations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {secret}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{first}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    // It was let in: its last use is known.
    until("the request's head to be read", SOON, || {
        let list = integrator.see("/api/v1/tokens");
        items(&list).iter().any(|t| t["id"] == token.as_str() && !t["last_used"].is_null()).then_some(())
    });
    assert_eq!(integrator.send("DELETE", &format!("/api/v1/tokens/{token}"), &[], b"").status, 204);
    stream.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert_eq!(count(&integrator, "mast-1", "/decoded"), 0);
}

#[test]
fn lines_over_tls_are_their_certificates_source_and_end_within_a_second_of_its_revocation() {
    let (scene, mast) = scene();
    let mut centre = Centre::start_with(scene, &[]);
    let integrator = centre.person("integrator");
    let mut at_watch = centre.events("watch");
    let (serial, pem) = certificate(&integrator, "mast-1", &json!({}));
    let (_, other) = certificate(&integrator, "mast-1", &json!({"rate_per_s": 1_000}));
    let tunnel = Tunnel::open(mast, client_config(&pem, Some(&pem)));
    let tunnel2 = Tunnel::open(mast, client_config(&other, Some(&other)));
    let mut stream = TcpStream::connect(tunnel.address).unwrap();
    let mut second = Feed::connect(tunnel2.address);
    let say = |stream: &mut TcpStream, l: &Value| stream.write_all(format!("{l}\n").as_bytes());
    say(&mut stream, &line("1581F4TLS00001", 500.0)).unwrap();
    let mut forged = line("1581F4TLS00002", 500.0);
    forged["source"] = json!("radar");
    say(&mut stream, &forged).unwrap();
    let seen = at_watch.wait("the track", |e| e.name == "tracks" && !items_of(&e.data, "features").is_empty());
    assert_eq!(seen.data["features"][0]["properties"]["sources"], json!(["mast-1"]));
    counted(&integrator, "mast-1", "/refused/source", 1);
    // A clock that is late shows.
    let mut late = line("1581F4TLS00001", 500.0);
    late["t"] = json!(late["t"].as_f64().unwrap() - 40.0);
    second.send(&late);
    counted(&integrator, "mast-1", "/decoded", 2);
    let offset = source(&integrator, "mast-1")["clock_offset_s"].as_f64().unwrap();
    assert!((-5.0..=0.5).contains(&offset), "the least late line tells the offset: {offset}");
    let machines = integrator.see("/api/v1/machines");
    let machine = items(&machines).iter().find(|m| m["source"]["id"] == "mast-1").unwrap();
    let row = items_of(machine, "certificates").iter().find(|c| c["serial"] == serial.as_str()).unwrap();
    assert_eq!((&row["standing"], &row["connected"]), (&json!("valid"), &json!(1)));

    // Revoked in the middle of its stream: cut within a second, and nothing after it is taken.
    let before = count(&integrator, "mast-1", "/received");
    let began = Instant::now();
    assert_eq!(integrator.send("DELETE", &format!("/api/v1/certificates/{serial}"), &[], b"").status, 204);
    for n in 0..50 {
        if say(&mut stream, &line("1581F4TLS00003", f64::from(n))).is_err() {
            break;
        }
    }
    assert!(is_cut(&mut stream, Duration::from_secs(1)) && began.elapsed() < Duration::from_secs(2));
    counted(&integrator, "mast-1", "/refused/revoked", 1);
    // The other certificate of the same source goes on: rotation.
    second.send(&line("1581F4TLS00004", 900.0));
    counted(&integrator, "mast-1", "/received", before + 1);
    assert_eq!(count(&integrator, "mast-1", "/received"), before + 1);
    // And it does not come in again, nor after a restart.
    let mut again = TcpStream::connect(tunnel.address).unwrap();
    assert!(is_cut(&mut again, SOON));
    counted(&integrator, "masts", "/refused/certificate_revoked", 1);
    assert!(centre.terminate().status.success());
    centre.start_again();
    let mut again = TcpStream::connect(tunnel.address).unwrap();
    assert!(is_cut(&mut again, SOON));
    counted(&integrator, "masts", "/refused/certificate_revoked", 1);
    Feed::connect(tunnel2.address).send(&line("1581F4TLS00004", 900.0));
    counted(&integrator, "mast-1", "/decoded", 1);
}

/// A key and certificate that an authority in a folder signs for a source, so many days ago, for so many days.
fn signed(folder: &Path, uri: &str, ago_days: f64, days: f64) -> String {
    let then = Time::from_unix_s(crate::support::now_s() - ago_days * 86_400.0).unwrap();
    let authority = Authority::open(folder, &[], Time::from_unix_s(crate::support::now_s()).unwrap()).unwrap();
    let subject = ClientSubject { common_name: "x".into(), uri: uri.into() };
    let identity = authority.client(&subject, days, then).unwrap();
    format!("{}{}", identity.key_pem, identity.certificate_pem)
}

#[test]
fn who_proves_nothing_is_kept_out_and_counted_by_reason_while_others_go_on() {
    let (scene, mast) = scene();
    let mut centre = Centre::start_with(scene, &[]);
    let integrator = centre.person("integrator");
    let admin = centre.person("administrator");
    let (_, good) = certificate(&integrator, "mast-1", &json!({}));
    let own = centre.data().join("tls");
    let foreign = Folder::new();
    let source_uri = "skypicket:source/mast-1";
    // Slow handshakes wait in the meantime: they keep nobody out.
    let mut slow: Vec<TcpStream> = (0..8).map(|_| TcpStream::connect(mast).unwrap()).collect();
    for s in &mut slow {
        s.write_all(&[0x16, 0x03, 0x01]).unwrap();
    }
    let package = admin.post("/api/v1/people/agent-a1/tak-packages", &json!({"id": id(), "name": "phone"})).ok(201);
    let person = Opened::of(&package, &foreign).pem;
    for (reason, shown) in [
        ("certificate_foreign", Some(signed(foreign.path(), source_uri, 0.0, 10.0))),
        ("certificate_unknown", Some(signed(&own, source_uri, 0.0, 10.0))),
        ("certificate_missing", None),
        ("certificate_of_a_person", Some(person)),
    ] {
        let tunnel = Tunnel::open(mast, client_config(&good, shown.as_deref()));
        let mut stream = TcpStream::connect(tunnel.address).unwrap();
        let _ = stream.write_all(format!("{}\n", line("1581F4FORGED01", 5.0)).as_bytes());
        assert!(is_cut(&mut stream, SOON), "{reason}");
        counted(&integrator, "masts", &format!("/refused/{reason}"), 1);
    }
    // No TLS at all.
    let mut plain = TcpStream::connect(mast).unwrap();
    plain.write_all(format!("{}\n", line("1581F4FORGED02", 5.0)).as_bytes()).unwrap();
    assert!(is_cut(&mut plain, SOON));
    counted(&integrator, "masts", "/refused/tls_none", 1);

    let tunnel = Tunnel::open(mast, client_config(&good, Some(&good)));
    let mut feed = Feed::connect(tunnel.address);
    feed.send(&line("1581F4GOOD0001", 5.0));
    counted(&integrator, "mast-1", "/decoded", 1);
    until("the slow handshakes to be given up", Duration::from_secs(20), || {
        (count(&integrator, "masts", "/refused/tls_too_slow") == 8).then_some(())
    });
    for s in &mut slow {
        assert!(is_cut(s, SOON));
    }
    feed.send(&line("1581F4GOOD0001", 5.0));
    counted(&integrator, "mast-1", "/decoded", 2);
    assert_eq!(count(&integrator, "masts", "/decoded"), 0, "nobody without a certificate was heard");
}

#[test]
fn a_certificate_that_has_ended_lets_nobody_in() {
    let (scene, mast) = scene();
    let mut centre = Centre::start_with(scene, &[]);
    let integrator = centre.person("integrator");
    let (_, good) = certificate(&integrator, "mast-1", &json!({}));
    // Made most of a day before now for some seconds: an authority signs no further back than its own beginning.
    let ended = signed(&centre.data().join("tls"), "skypicket:source/mast-1", 0.9, 0.000_1);
    let tunnel = Tunnel::open(mast, client_config(&good, Some(&ended)));
    let mut stream = TcpStream::connect(tunnel.address).unwrap();
    assert!(is_cut(&mut stream, SOON));
    counted(&integrator, "masts", "/refused/certificate_expired", 1);
}

#[test]
fn a_flood_from_one_machine_does_not_touch_another() {
    let (scene, mast) = scene();
    let mut centre = Centre::start_with(scene, &["--test-commit-delay-ms", "40"]);
    let integrator = centre.person("integrator");
    let mut at_watch = centre.events("watch");
    let (_, hostile) = certificate(&integrator, "hostile", &json!({}));
    let (_, limited) = certificate(&integrator, "limited", &json!({"rate_per_s": 20}));
    let (_, calm) = certificate(&integrator, "calm", &json!({}));
    let tunnels = [&hostile, &limited, &calm].map(|pem| Tunnel::open(mast, client_config(pem, Some(pem))));
    let flood = |to: SocketAddr, lines: usize| {
        std::thread::spawn(move || {
            let mut stream = TcpStream::connect(to).unwrap();
            let all = (0..500).map(|n| line(&format!("1581F4FLOOD{n:04}"), f64::from(n) * 9.0).to_string());
            let block = all.collect::<Vec<_>>().join("\n") + "\n";
            for _ in 0..lines / 500 {
                if stream.write_all(block.as_bytes()).is_err() {
                    return;
                }
            }
        })
    };
    let floods = [flood(tunnels[0].address, 20_000), flood(tunnels[1].address, 2_000)];
    let mut feed = Feed::connect(tunnels[2].address);
    for n in 0..20 {
        feed.send(&line("1581F4CALM0001", 2_000.0 + f64::from(n)));
    }
    let calm_seen = |e: &crate::support::Event| {
        e.name == "tracks"
            && items_of(&e.data, "features").iter().any(|f| f["properties"]["sources"] == json!(["calm"]))
    };
    at_watch.wait_for("the calm machine's track", Duration::from_secs(30), calm_seen);
    counted(&integrator, "calm", "/decoded", 20);
    for f in floods {
        f.join().unwrap();
    }
    until("the floods to be counted", Duration::from_mins(1), || {
        let seen =
            count(&integrator, "hostile", "/received") >= 20_000 && count(&integrator, "limited", "/received") >= 2_000;
        seen.then_some(())
    });
    let [row, other] = ["limited", "calm"].map(|s| source(&integrator, s));
    let let_in = row["decoded"].as_u64().unwrap();
    assert!(row["refused"]["rate"].as_u64().unwrap() + let_in == 2_000 && let_in < 1_500, "{row}");
    assert_eq!((&other["shed"], &other["refused"], &other["decoded"]), (&json!(0), &json!({}), &json!(20)));
}

/// What a TAK client finds in a package, opened as it would: with the password in the preferences.
struct Opened {
    /// Key and certificate, then the authority, PEM.
    pem: String,
    /// The same in files: key and certificate, authority.
    files: [std::path::PathBuf; 2],
    /// `host:port:ssl`.
    connect: String,
    password: String,
}

impl Opened {
    fn of(made: &Value, folder: &Folder) -> Self {
        Self::from_zip(B64.decode(text(made, "/zip")).unwrap(), folder)
    }

    fn from_zip(zip: Vec<u8>, folder: &Folder) -> Self {
        let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        let names: Vec<String> = zip.file_names().map(str::to_owned).collect();
        let mut read = |name: &str| {
            let mut bytes = Vec::new();
            let entry = zip.by_name(name).unwrap_or_else(|e| panic!("{name}: {e}; there are {names:?}"));
            std::io::copy(&mut entry.take(1 << 20), &mut bytes).unwrap();
            bytes
        };
        let manifest = String::from_utf8(read("MANIFEST/manifest.xml")).unwrap();
        let listed: Vec<&str> = manifest.split("zipEntry=\"").skip(1).map(|r| r.split('"').next().unwrap()).collect();
        assert_eq!(listed.len(), names.len() - 1, "{manifest}");
        let pref = listed.iter().find(|n| n.ends_with("skypicket.pref")).unwrap();
        let pref = String::from_utf8(read(pref)).unwrap();
        let value = |key: &str| {
            let rest = pref.split(&format!("key=\"{key}\"")).nth(1).unwrap_or_else(|| panic!("no {key} in {pref}"));
            rest.split_once('>').unwrap().1.split('<').next().unwrap().to_owned()
        };
        // The preferences name where the client puts the files: by their last part.
        let entry = |key: &str| {
            let place = value(key);
            let last = place.rsplit('/').next().unwrap().to_owned();
            assert!(place.starts_with("cert/"), "{place}");
            (*listed.iter().find(|n| n.rsplit('/').next() == Some(&last)).unwrap()).to_owned()
        };
        assert_eq!((value("caLocation"), value("clientPassword")), (value("caLocation0"), value("clientPassword0")));
        let [own, trust] =
            [("certificateLocation0", "clientPassword0"), ("caLocation0", "caPassword0")].map(|(file, key)| {
                let n = folder.file(&format!("{}.p12", id()), read(&entry(file)));
                let out = Command::new("openssl")
                    .args(["pkcs12", "-nodes", "-passin"])
                    .arg(format!("pass:{}", value(key)))
                    .arg("-in")
                    .arg(&n)
                    .output()
                    .unwrap();
                assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
                String::from_utf8(out.stdout).unwrap()
            });
        assert!(own.contains("PRIVATE KEY") && !trust.contains("PRIVATE KEY"));
        let files = [folder.file(&format!("{}.pem", id()), &own), folder.file(&format!("{}.pem", id()), &trust)];
        Self { pem: own + &trust, files, connect: value("connectString0"), password: value("clientPassword0") }
    }

    fn address(&self) -> SocketAddr {
        let (address, how) = self.connect.rsplit_once(':').unwrap();
        assert_eq!(how, "ssl");
        address.parse().unwrap()
    }

    fn tunnel(&self) -> Tunnel {
        Tunnel::open(self.address(), client_config(&self.pem, Some(&self.pem)))
    }
}

fn here(uid: &str, east_m: f64) -> String {
    let (lat, lon) = at(east_m, 0.0);
    tak::sa(uid, "ALPHA", (lat, lon, 1_200.0))
}

#[test]
fn a_package_sets_up_a_tak_client_that_is_its_person_until_it_is_revoked() {
    let (scene, _) = scene();
    let mut centre = Centre::start_with(scene, &[]);
    let admin = centre.person("administrator");
    let integrator = centre.person("integrator");
    let mut at_watch = centre.events("watch");
    let folder = Folder::new();
    let ask = json!({"id": id(), "name": "duty phone"});
    let made = admin.post("/api/v1/people/agent-a1/tak-packages", &ask).ok(201);
    let package = Opened::of(&made, &folder);
    assert_eq!((package.address(), package.password.as_str()), (centre.scene.tak, text(&made, "/password")));
    let itak = json!({"id": id(), "name": "ipad", "client": "itak"});
    let second = Opened::of(&admin.post("/api/v1/people/agent-a1/tak-packages", &itak).ok(201), &folder);
    assert_ne!(second.password, package.password);

    // A uid that nobody has in the directory: the certificate says who it is.
    let tunnel = package.tunnel();
    let mut client = Tak::connect(tunnel.address);
    client.send(&here("ANDROID-0123456789", 0.0));
    let person = at_watch.wait("where agent-a1 is", |e| {
        e.name == "person" && e.data["id"] == "agent-a1" && !e.data["position"].is_null()
    });
    assert_eq!(person.data["channels_up"], json!(["tak"]));
    let _drone = Flight::start(centre.scene.tcp, "1581F4PKG00001", [0.0, 500.0, 30.0], [0.0, -10.0, 0.0]);
    let warned = client.wait("the warning", |e| attribute(e, "event", "type") == Some("b-t-f"));
    assert!(warned.contains(" m from you."), "{warned}");

    // Another program, with nothing but what is in the package.
    let mut openssl = Command::new("openssl")
        .args(["s_client", "-quiet", "-verify_return_error", "-connect", &centre.scene.tak.to_string()])
        .args(
            [&package.files[0]].iter().flat_map(|f| ["-cert".as_ref(), f.as_os_str(), "-key".as_ref(), f.as_os_str()]),
        )
        .arg("-CAfile")
        .arg(&package.files[1])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    openssl.stdin.as_mut().unwrap().write_all(tak::event("ping", "t-x-c-t", "m-g", None, "").as_bytes()).unwrap();
    let mut answer = [0u8; 256];
    let n = openssl.stdout.as_mut().unwrap().read(&mut answer).unwrap();
    assert!(String::from_utf8_lossy(&answer[..n]).contains("t-x-c-t-r"), "{}", String::from_utf8_lossy(&answer[..n]));
    openssl.kill().unwrap();
    openssl.wait().unwrap();

    // The uid of somebody else is refused, whatever the certificate.
    let mut liar = TcpStream::connect(tunnel.address).unwrap();
    liar.write_all(here("TAK-agent-b1", -9_000.0).as_bytes()).unwrap();
    assert!(is_cut(&mut liar, SOON));
    counted(&integrator, "tak", "/refused/uid_of_another", 1);

    // Who looks after machines but not people sees none of the clients and revokes none.
    let serial = text(&made, "/certificate/serial").to_owned();
    assert!(integrator.see("/api/v1/machines")["clients"].is_null());
    integrator.send("DELETE", &format!("/api/v1/certificates/{serial}"), &[], b"").problem(404, "not_found");
    let clients = admin.see("/api/v1/machines");
    let row = items_of(&clients, "clients").iter().find(|c| c["serial"] == serial.as_str()).unwrap();
    assert_eq!((&row["holder"], &row["name"]), (&json!({"person": "agent-a1"}), &json!("duty phone")));
    assert!(!row["last_used"].is_null());

    // A lost phone: all of the person's certificates, one command; the open connection is cut at once.
    let mut stream = TcpStream::connect(tunnel.address).unwrap();
    stream.write_all(here("ANDROID-0123456789", 50.0).as_bytes()).unwrap();
    counted(&integrator, "tak", "/connections", 1);
    let out = command(&centre, &["tak", "revoke", "--person", "agent-a1"]);
    assert_eq!((out.0, out.1.trim()), (0, "2 revoked"));
    assert!(is_cut(&mut stream, Duration::from_secs(2)));
    at_watch.wait("agent-a1 is not reached by TAK any more", |e| {
        e.name == "person" && e.data["id"] == "agent-a1" && e.data["channels_up"] == json!([])
    });
    for p in [&package, &second] {
        let tunnel = p.tunnel();
        assert!(is_cut(&mut TcpStream::connect(tunnel.address).unwrap(), SOON));
    }
    counted(&integrator, "tak", "/refused/certificate_revoked", 2);

    // Nothing of the key stays: not in the data folder, not in the log.
    let key: String = package.pem.lines().skip_while(|l| !l.contains("BEGIN PRIVATE")).skip(1).take(1).collect();
    assert!(centre.terminate().status.success());
    assert!(key.len() > 40 && !centre.log().contains(&key) && !centre.log().contains(&package.password));
    for entry in walk(&centre.data()) {
        let bytes = std::fs::read(&entry).unwrap();
        for secret in [key.as_bytes(), package.password.as_bytes()] {
            assert!(!bytes.windows(secret.len()).any(|w| w == secret), "{}", entry.display());
        }
    }
    let record: String = centre.export().iter().map(Value::to_string).collect();
    assert!(record.contains("certificate_issued") && record.contains("certificate_revoked"));
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|p| if p.is_dir() { walk(&p) } else { vec![p] }).filter(|p| p.is_file()).collect()
}

/// A command against a centre: status, standard output, standard error.
fn command(centre: &Centre, args: &[&str]) -> (i32, String, String) {
    let out = program().args(args).arg("--data").arg(centre.data()).stdin(Stdio::null()).output().unwrap();
    let text = |b: Vec<u8>| String::from_utf8(b).unwrap();
    (out.status.code().unwrap(), text(out.stdout), text(out.stderr))
}

#[test]
fn commands_make_list_and_revoke_as_the_pages_do() {
    let (scene, mast) = scene();
    let mut centre = Centre::start_with(scene, &[]);
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (status, secret, _) = command(
        &centre,
        &["source", "token", "mast-1", "--name", "by hand", "--area", "31.76,-106.49,2000", "--rate", "50"],
    );
    assert_eq!(status, 0);
    let mast_1 = centre.anybody().with_token(secret.trim());
    assert_eq!(post_lines(&mast_1, &[line("1581F4CLI00001", 5.0), line("1581F4CLI00001", 9_000.0)])["taken"], 1);

    let pem = path("mast-2.pem");
    let (status, said, _) = command(&centre, &["source", "certificate", "mast-2", "--out", &pem, "--days", "40"]);
    assert_eq!(status, 0);
    assert_eq!(std::fs::metadata(&pem).unwrap().permissions().mode() & 0o777, 0o600);
    let serial = said.rsplit("certificate ").next().unwrap().split(',').next().unwrap().to_owned();
    let bundle = std::fs::read_to_string(&pem).unwrap();
    let tunnel = Tunnel::open(mast, client_config(&bundle, Some(&bundle)));
    let mut feed = Feed::connect(tunnel.address);
    feed.send(&line("1581F4CLI00002", 5.0));
    let watch = centre.first();
    counted(&watch, "mast-2", "/decoded", 1);

    let (status, list, _) = command(&centre, &["source", "list"]);
    assert_eq!(status, 0);
    assert!(list.contains("mast-1") && list.contains("'by hand'") && list.contains(&serial), "{list}");
    assert!(!list.contains(secret.trim()), "a secret is shown once");
    let (status, list, _) = command(&centre, &["source", "list", "--json"]);
    let list: Value = serde_json::from_str(&list).unwrap();
    let token = items(&list).iter().find(|m| m["source"]["id"] == "mast-1").unwrap()["tokens"][0]["id"].clone();
    assert_eq!(status, 0);

    // What there is already is not written over; and nothing was made that nobody has.
    let (status, _, said) = command(&centre, &["source", "certificate", "mast-2", "--out", &pem]);
    assert!(status == 3 && said.contains("mast-2.pem"), "{status} {said}");
    assert_eq!(std::fs::read_to_string(&pem).unwrap(), bundle);
    for (args, status) in [
        (vec!["source", "revoke", token.as_str().unwrap()], 0),
        (vec!["source", "revoke", token.as_str().unwrap()], 1),
        (vec!["source", "revoke", &serial], 0),
        (vec!["source", "revoke", "../people"], 2),
        (vec!["source", "token", "mast-1", "--area", "here"], 2),
        (vec!["source", "token", "mast-1", "--rate", "0"], 1),
        (vec!["source", "token", "person.x"], 1),
        (vec!["source", "list", "--as", "agent-a1"], 1),
        (vec!["tak", "package", "nobody", "--out", &path("nobody.zip")], 1),
        (vec!["tak", "list", "--as", "integrator"], 1),
        (vec!["tak", "revoke"], 2),
        (vec!["tak", "package", "agent-a2", "--out", &path("agent-a2.zip"), "--host", "a b"], 1),
        (vec!["tak", "package", "agent-a2", "--out", &path("agent-a2.zip")], 0),
    ] {
        let (got, _, said) = command(&centre, &args);
        assert_eq!(got, status, "{args:?}: {said}");
    }
    assert!(!folder.path().join("nobody.zip").exists(), "a file without a package is taken away");
    mast_1.send("POST", "/api/v1/observations", &[], b"").problem(401, "signed_out");
    counted(&watch, "mast-2", "/refused/revoked", 1);
    let package = Opened::from_zip(std::fs::read(path("agent-a2.zip")).unwrap(), &folder);
    assert_eq!(package.address(), centre.scene.tak);
    let (_, list, _) = command(&centre, &["tak", "list"]);
    assert!(list.contains("agent-a2") && list.contains("valid"), "{list}");
    assert!(centre.terminate().status.success());
    assert_eq!(command(&centre, &["tak", "list"]).0, 3, "nobody answers");
}

#[test]
fn without_tls_there_is_no_package_and_an_open_listener_without_proof_is_refused() {
    let mut centre = Centre::start();
    let admin = centre.person("administrator");
    let ask = json!({"id": id(), "name": "phone"});
    admin.post("/api/v1/people/agent-a1/tak-packages", &ask).problem(409, "no_tak_tls");
    admin.post("/api/v1/sources/mast-1/certificates", &ask).problem(409, "no_authority");
    let folder = Folder::new();
    for (tak, fit) in [
        ("tls = true\n", true),
        ("tls = true\nclient_certificates = \"required\"\n", true),
        ("tls = true\nclient_certificates = \"optional\"\n", false),
        ("", false),
    ] {
        let file = folder.file("skypicket.toml", format!("[tak]\nlisten = \"0.0.0.0:8089\"\n{tak}"));
        let out = program().args(["config", "check"]).arg(file).output().unwrap();
        assert_eq!(out.status.success(), fit, "{tak}: {}", String::from_utf8_lossy(&out.stderr));
    }
}

#[test]
fn a_person_who_is_disabled_loses_their_tak_connection_and_nobody_else_does() {
    let (scene, _) = scene();
    let mut centre = Centre::start_with(scene, &[]);
    let admin = centre.person("administrator");
    let mut at_watch = centre.events("watch");
    let folder = Folder::new();
    let mut packages = ["agent-a1", "agent-a2"].map(|person| {
        let path = format!("/api/v1/people/{person}/tak-packages");
        Opened::of(&admin.post(&path, &json!({"id": id(), "name": "phone"})).ok(201), &folder)
    });
    let tunnels = packages.each_mut().map(|p| p.tunnel());
    let mut first = TcpStream::connect(tunnels[0].address).unwrap();
    first.write_all(here("ANDROID-1", 0.0).as_bytes()).unwrap();
    let mut second = Tak::connect(tunnels[1].address);
    second.send(&here("ANDROID-2", 50.0));
    for person in ["agent-a1", "agent-a2"] {
        at_watch
            .wait("where they are", |e| e.name == "person" && e.data["id"] == person && !e.data["position"].is_null());
    }
    let person = json!({
        "id": "agent-a1", "name": "AGENT-A1", "unit": "a", "roles": ["field"], "channels": ["web", "tak"],
        "tak_uid": "TAK-agent-a1", "language": "en", "disabled": true,
    });
    let change = json!({"id": id(), "changes": [{"change": "put_person", "person": person}]});
    admin.post("/api/v1/directory", &change).ok(200);
    assert!(is_cut(&mut first, Duration::from_secs(2)));
    let mut again = TcpStream::connect(tunnels[0].address).unwrap();
    assert!(is_cut(&mut again, SOON));
    // Whoever is shut out also loses their certificates; until that is done they are kept out as a person.
    until("the disabled person's client to be kept out", SOON, || {
        let refused = |word| count(&admin, "tak", &format!("/refused/{word}"));
        (refused("certificate_revoked") + refused("person_not_active") > 0).then_some(())
    });
    // A certificate stands for the other, whose client's uid is in no directory: their connection is the same still.
    second.ping();
    assert_eq!(count(&admin, "tak", "/connections"), 1);
}
