//! TLS of pages and API: what is refused, what goes on while certificates change, and that one client's abuse is not
//! felt by another.

use super::{
    bulletins::content,
    cap_feed::{certificate, decoded, entries_of, xmlsec1_takes},
};
use crate::support::{Answer, Centre, Folder, SOON, Scene, centre::signal, id, text, until};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    io::{self, Read, Write},
    net::TcpStream,
    sync::Arc,
    time::{Duration, Instant},
};

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// The scene, without the second factor that TLS would ask of those who look after the centre.
fn scene() -> Scene {
    Scene::new().and("[sign_in]\nsecond_factor = \"never\"\n")
}

/// A centre with its own authority.
fn auto() -> Centre {
    Centre::start_with(scene(), &["--tls", "auto"])
}

fn trusting(pem: &[u8], alpn: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|a| a.as_bytes().to_vec()).collect();
    Arc::new(config)
}

fn authority(centre: &Centre) -> Vec<u8> {
    std::fs::read(centre.data().join("tls/ca.crt")).unwrap()
}

fn plain(centre: &Centre) -> TcpStream {
    let stream = TcpStream::connect(centre.address.get()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

fn connect(centre: &Centre, config: &Arc<ClientConfig>) -> Tls {
    let address = centre.address.get();
    let host = address.rsplit_once(':').unwrap().0.to_owned();
    let client = ClientConnection::new(Arc::clone(config), ServerName::try_from(host).unwrap()).unwrap();
    StreamOwned::new(client, plain(centre))
}

/// One HTTP/1.1 request on a connection that ends with it.
fn ask(stream: &mut (impl Read + Write), host: &str, request: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut text = format!("{request} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (n, v) in headers {
        let _ = write!(text, "{n}: {v}\r\n");
    }
    if !body.is_empty() {
        let _ = write!(text, "content-type: application/json\r\ncontent-length: {}\r\n", body.len());
    }
    stream.write_all(format!("{text}\r\n{body}").as_bytes()).unwrap();
    let mut all = Vec::new();
    let mut piece = [0u8; 8192];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => all.extend_from_slice(piece.get(..n).unwrap()),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(e) => panic!("{request}: {e}"),
        }
    }
    let at = all.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or_else(|| panic!("{request}: no head"));
    let (head, body) = all.split_at(at + 4);
    let head = String::from_utf8_lossy(head).into_owned();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()));
    Answer { status, headers: headers.collect(), body: body.to_vec() }
}

fn over_tls(centre: &Centre, request: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = connect(centre, &trusting(&authority(centre), &["http/1.1"]));
    ask(&mut stream, &centre.address.get(), request, headers, body)
}

/// The administrator, signed in by the printed link: the cookie header.
fn administrator(centre: &Centre) -> (Answer, String) {
    let link = text(&centre.first_line, "/sign_in").split_once("#sign-in=").unwrap().1;
    let signed = over_tls(centre, "POST /api/v1/sessions", &[], &json!({"link": link}).to_string());
    signed.ok(200);
    let cookie = signed.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    (signed, cookie)
}

#[test]
fn the_first_line_and_the_session_are_for_https_only() {
    let centre = auto();
    assert!(text(&centre.first_line, "/listening").starts_with("https://127.0.0.1:"));
    assert!(text(&centre.first_line, "/sign_in").starts_with("https://127.0.0.1:"));
    let (signed, cookie) = administrator(&centre);
    let set = signed.header("set-cookie").unwrap();
    assert!(set.contains("; Secure") && set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    over_tls(&centre, "GET /api/v1/me", &[("cookie", &cookie)], "").ok(200);
    // With the own authority a browser must still be able to come to the plain page about trust.
    assert_eq!(signed.header("strict-transport-security"), None);
    // Another site's page, or a plain page of the same host, does not act for who is signed in.
    let address = centre.address.get();
    for (origin, status) in
        [(format!("https://{address}"), 422), (format!("http://{address}"), 403), ("https://evil.example".into(), 403)]
    {
        let headers = [("cookie", cookie.as_str()), ("origin", origin.as_str())];
        let answer = over_tls(&centre, "POST /api/v1/people/agent-a1/sign-in-links", &headers, "{\"no\":1}");
        assert_eq!(answer.status, status, "{origin}: {answer}");
    }
}

#[test]
fn plain_http_on_the_same_port_gives_the_way_to_trust_and_no_session() {
    let centre = auto();
    let host = centre.address.get();
    let (_, cookie) = administrator(&centre);
    let over =
        |request: &str, headers: &[(&str, &str)], body: &str| ask(&mut plain(&centre), &host, request, headers, body);
    let mut answers = Vec::new();
    // What stands for trust.
    let page = over("GET /trust", &[("cookie", &cookie)], "");
    assert_eq!(page.status, 200, "{page}");
    assert!(
        !page.text().contains("<script") && !page.text().contains("style=") && !page.text().contains("{{"),
        "{page}"
    );
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    let certificate = over("GET /trust/ca.crt", &[], "");
    assert_eq!(certificate.body, authority(&centre));
    let profile = over("GET /trust/skypicket.mobileconfig", &[], "");
    assert_eq!(profile.header("content-type"), Some("application/x-apple-aspen-config"));
    let pem = certificate.text();
    let base64: String = pem.lines().filter(|l| !l.starts_with("---")).collect();
    assert!(profile.text().contains(&format!("<data>{base64}</data>")) && !profile.text().contains("{{"), "{profile}");
    assert_eq!(over("GET /trust/trust.css", &[], "").header("content-type"), Some("text/css; charset=utf-8"));
    answers.extend([page, certificate, profile]);
    // All else goes to https, with the cookie as without it.
    for path in ["/", "/field/", "/api/v1/me", "/healthz", "/trust/", "//evil.example/x?y=1"] {
        let answer = over(&format!("GET {path}"), &[("cookie", &cookie)], "");
        assert_eq!((answer.status, answer.header("location")), (308, Some(format!("https://{host}{path}").as_str())));
        answers.push(answer);
    }
    // A host that is not ours is not sent on to.
    let strange = ask(&mut plain(&centre), "evil.example", "GET /field/", &[], "");
    assert_eq!(strange.header("location"), Some(format!("https://{host}/field/").as_str()));
    // What would be a secret is refused aloud, and not redirected with its body.
    let sign_in = over("POST /api/v1/sessions", &[], "{\"link\":\"x\"}");
    assert_eq!(sign_in.status, 403, "{sign_in}");
    assert_eq!(sign_in.json()["code"], "https_only");
    let act = over("DELETE /api/v1/sessions/current", &[("cookie", &cookie)], "");
    assert_eq!(act.status, 403, "{act}");
    answers.extend([strange, sign_in, act]);
    for a in &answers {
        assert_eq!(a.header("set-cookie"), None, "{a}");
    }
    over_tls(&centre, "GET /api/v1/me", &[("cookie", &cookie)], "").ok(200);
}

/// A handshake's first message, by hand: rustls itself speaks nothing older than 1.2.
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7u8; 32]); // random
    body.push(0); // no session
    body.extend([0, 6, 0xc0, 0x2b, 0xc0, 0x09, 0xc0, 0x23]); // ECDHE with ECDSA: AES-GCM, AES-CBC
    body.extend([1, 0]); // no compression
    let extensions = [
        &[0u8, 10, 0, 4, 0, 2, 0, 23][..],    // secp256r1
        &[0, 11, 0, 2, 1, 0][..],             // points not compressed
        &[0, 13, 0, 6, 0, 4, 4, 3, 2, 3][..], // ECDSA with SHA-256, SHA-1
    ]
    .concat();
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut handshake = vec![1, 0];
    handshake.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    handshake.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend(u16::try_from(handshake.len()).unwrap().to_be_bytes());
    record.extend(handshake);
    record
}

#[test]
fn tls_1_0_and_1_1_are_refused() {
    let centre = auto();
    for (version, expect) in [([3, 1], 21u8), ([3, 2], 21), ([3, 3], 22)] {
        let mut stream = plain(&centre);
        stream.write_all(&client_hello(version)).unwrap();
        let mut head = [0u8; 7];
        stream.read_exact(&mut head).unwrap();
        // A record of alert (21) or handshake (22).
        assert_eq!(head[0], expect, "{version:?}: {head:?}");
        if expect == 21 {
            assert_eq!(head[5..7], [2, 70], "fatal, protocol_version: {head:?}");
        }
    }
}

#[test]
fn a_handshake_that_does_not_end_is_cut_off() {
    let centre = auto();
    let began = Instant::now();
    // One says nothing, one half a handshake, one half a request in plain.
    let mut slow: Vec<TcpStream> = [&b""[..], &client_hello([3, 3])[..20], b"GET / HT"]
        .into_iter()
        .map(|begin| {
            let mut stream = plain(&centre);
            stream.write_all(begin).unwrap();
            stream
        })
        .collect();
    for stream in &mut slow {
        let mut rest = [0u8; 64];
        // Closed: the end, perhaps after an alert or a 408, or a reset.
        while matches!(stream.read(&mut rest), Ok(n) if n > 0) {}
        assert!(began.elapsed() > Duration::from_secs(5), "not at once: {:?}", began.elapsed());
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

/// A certificate and its key, signed by themselves, in files.
fn write_files(folder: &Folder, name: &str) -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned(), "127.0.0.1".to_owned()]).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    let certificate = params.self_signed(&key).unwrap();
    folder.file("key.pem", key.serialize_pem());
    folder.file("cert.pem", certificate.pem());
    certificate.pem().into_bytes()
}

#[test]
fn other_certificate_files_are_shown_without_a_restart_and_open_connections_go_on() {
    let folder = Folder::new();
    let first = write_files(&folder, "one.example");
    let files = format!("{},{}", folder.path().join("cert.pem").display(), folder.path().join("key.pem").display());
    let centre = Centre::start_with(scene(), &["--tls", &files]);
    // Links are to the certificate's own name.
    assert!(text(&centre.first_line, "/listening").starts_with("https://one.example:"));
    let port = centre.address.get().rsplit_once(':').unwrap().1.to_owned();
    centre.address.set(&format!("127.0.0.1:{port}"));
    let mut open = connect(&centre, &trusting(&first, &[]));
    open.write_all(b"GET /healthz HTTP/1.1\r\nhost: one.example\r\n\r\n").unwrap();
    let mut piece = [0u8; 4096];
    assert!(open.read(&mut piece).unwrap() > 0);

    // A spoiled key is not taken, and the log says so.
    folder.file("key.pem", "no key");
    signal(centre.pid(), "HUP");
    until("the spoiled key in the log", SOON, || {
        centre.log().contains("certificate could not be renewed").then_some(())
    });
    let answer = ask(&mut connect(&centre, &trusting(&first, &[])), "one.example", "GET /healthz", &[], "");
    assert_eq!(answer.status, 200);
    // Somebody else's authority: browsers may remember that it is https only.
    assert!(answer.header("strict-transport-security").is_some());

    let second = write_files(&folder, "two.example");
    signal(centre.pid(), "HUP");
    until("the new certificate", SOON, || {
        let mut stream = connect(&centre, &trusting(&second, &[]));
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").ok()
    });
    let mut old = connect(&centre, &trusting(&first, &[]));
    old.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap_err();
    // The connection from before still answers.
    open.write_all(b"GET /healthz HTTP/1.1\r\nhost: one.example\r\n\r\n").unwrap();
    let n = open.read(&mut piece).unwrap();
    assert!(piece[..n].starts_with(b"HTTP/1.1 200"));
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend_from_slice(payload);
    out
}

/// `GET path`, header compression by the static table only (RFC 7541).
fn h2_get(stream: u32, path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x87, 0x04, u8::try_from(path.len()).unwrap()];
    block.extend(path.as_bytes());
    block.extend([0x01, 1, b'x']);
    frame(1, 0x5, stream, &block)
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The next frame: its kind, flags, stream and payload.
fn next_frame(stream: &mut impl Read) -> io::Result<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0u8; 9];
    stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload)?;
    Ok((head[3], head[4], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
}

#[test]
fn http_2_is_spoken_and_a_rapid_reset_ends_its_own_connection_only() {
    let centre = auto();
    let config = trusting(&authority(&centre), &["h2"]);
    // One request, to see that this client speaks it well.
    let mut good = connect(&centre, &config);
    good.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &h2_get(1, "/healthz")].concat()).unwrap();
    let mut limit = None;
    loop {
        let (kind, _, stream, payload) = next_frame(&mut good).unwrap();
        if kind == 4 && !payload.is_empty() {
            // SETTINGS_MAX_CONCURRENT_STREAMS is 3.
            limit = payload.chunks(6).find(|s| s[..2] == [0, 3]).map(|s| u32::from_be_bytes([s[2], s[3], s[4], s[5]]));
        }
        if kind == 1 && stream == 1 {
            assert_eq!(payload.first(), Some(&0x88), ":status 200");
            break;
        }
    }
    assert_eq!(good.conn.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(limit, Some(64));

    let mut bad = connect(&centre, &config);
    bad.write_all(&[PREFACE, &frame(4, 0, 0, &[])].concat()).unwrap();
    let flood = |n: u32| -> Vec<u8> {
        let pair = |i| [h2_get(2 * i + 1, "/api/v1/status"), frame(3, 0, 2 * i + 1, &8u32.to_be_bytes())].concat();
        (0..n).flat_map(pair).collect()
    };
    // So few that the centre has read all of it when it ends the connection: what it says then is not lost to a reset.
    bad.write_all(&flood(200)).unwrap();
    let mut calm = None;
    while let Ok((kind, _, _, payload)) = next_frame(&mut bad) {
        if kind == 7 {
            calm = Some(payload[4..8].to_vec());
        }
    }
    assert_eq!(calm, Some(vec![0, 0, 0, 11]), "GOAWAY, ENHANCE_YOUR_CALM");

    // Eight of them at it, again and again: others are answered as before.
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|s| {
        for _ in 0..8 {
            s.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let mut bad = connect(&centre, &config);
                    let _ = bad.write_all(&[PREFACE, &frame(4, 0, 0, &[]), &flood(5_000)].concat());
                }
            });
        }
        for i in 1..40u32 {
            let began = Instant::now();
            good.write_all(&h2_get(2 * i + 1, "/healthz")).unwrap();
            loop {
                let (kind, _, stream, payload) = next_frame(&mut good).unwrap();
                assert_ne!(kind, 7, "the good connection was ended");
                if kind == 1 && stream == 2 * i + 1 {
                    // 200, by the static table or by what was added to it.
                    assert!(payload.first().is_some_and(|b| *b >= 0x80), "{payload:?}");
                    break;
                }
            }
            assert!(began.elapsed() < Duration::from_secs(2), "request {i}: {:?}", began.elapsed());
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_phone_is_enrolled_by_a_link_that_works_once_and_can_be_cancelled() {
    let centre = auto();
    let (_, cookie) = administrator(&centre);
    let origin = format!("https://{}", centre.address.get());
    let mine = [("cookie", cookie.as_str()), ("origin", origin.as_str())];
    let facts = over_tls(&centre, "GET /api/v1/trust", &mine, "").ok(200);
    assert_eq!((&facts["tls"], &facts["urls"][0]), (&json!("auto"), &json!(origin)));
    assert!(facts["names"].as_array().unwrap().contains(&json!("localhost")), "{facts}");
    let enrol = |body: Value| over_tls(&centre, "POST /api/v1/people/agent-a1/enrolments", &mine, &body.to_string());
    let made = enrol(json!({"id": id(), "minutes": 15})).ok(201);
    let sign_in = text(&made, "/sign_in_url");
    let (before, secret) = sign_in.split_once("#sign-in=").unwrap();
    assert_eq!(before, format!("{origin}/field/"));
    assert_eq!(text(&made, "/trust_url"), format!("{}/trust", origin.replace("https://", "http://")));
    assert!(text(&made, "/trust_qr").contains("<svg") && text(&made, "/sign_in_qr").contains("<svg"));
    assert_eq!(made["fingerprint"], facts["fingerprint"]);
    assert!(!text(&made, "/trust_url").contains(secret));

    let path = format!("/api/v1/people/agent-a1/enrolments/{}", text(&made, "/id"));
    over_tls(&centre, &format!("GET {path}"), &mine, "").ok(200);
    // Somebody else's, and what is no id, is not found.
    let other = path.replace("agent-a1", "agent-a2");
    assert_eq!(over_tls(&centre, &format!("DELETE {other}"), &mine, "").status, 404);
    assert_eq!(over_tls(&centre, "DELETE /api/v1/people/agent-a1/enrolments/", &mine, "").status, 404);
    let phone = over_tls(&centre, "POST /api/v1/sessions", &[], &json!({"link": secret}).to_string());
    assert_eq!(text(&phone.ok(200), "/person/id"), "agent-a1");
    assert_eq!(over_tls(&centre, &format!("GET {path}"), &mine, "").status, 404, "used");
    let again = over_tls(&centre, "POST /api/v1/sessions", &[], &json!({"link": secret}).to_string());
    assert_eq!(again.status, 401);

    let second = enrol(json!({"id": id(), "minutes": 5, "url": origin})).ok(201);
    let path = format!("/api/v1/people/agent-a1/enrolments/{}", text(&second, "/id"));
    assert_eq!(over_tls(&centre, &format!("DELETE {path}"), &mine, "").status, 204);
    assert_eq!(over_tls(&centre, &format!("DELETE {path}"), &mine, "").status, 404);
    let secret = text(&second, "/sign_in_url").split_once("#sign-in=").unwrap().1;
    let late = over_tls(&centre, "POST /api/v1/sessions", &[], &json!({"link": secret}).to_string());
    assert_eq!(late.status, 401, "cancelled");

    for body in [
        json!({"id": id(), "minutes": 4}),
        json!({"id": id(), "minutes": 1441}),
        json!({"id": id(), "minutes": 15, "url": "https://evil.example"}),
    ] {
        assert_eq!(enrol(body.clone()).status, 422, "{body}");
    }
    let nobody = over_tls(
        &centre,
        "POST /api/v1/people/nobody/enrolments",
        &mine,
        &json!({"id": id(), "minutes": 15}).to_string(),
    );
    assert_eq!(nobody.status, 404);
}

#[test]
fn without_tls_nobody_is_enrolled_and_there_is_nothing_to_trust() {
    let mut centre = Centre::start();
    let admin = centre.first();
    admin.post("/api/v1/people/agent-a1/enrolments", &json!({"id": id(), "minutes": 15})).problem(409, "no_tls");
    assert_eq!(admin.see("/api/v1/trust")["tls"], "none");
    assert_eq!(admin.get("/trust").status, 404);
}

#[test]
fn the_authority_outlives_a_restart_and_serves_the_exercise_too() {
    let mut centre = auto();
    let first = authority(&centre);
    centre.terminate();
    centre.set_flags(&["--tls", "auto", "--exercise", "first-light"]);
    centre.start_again();
    assert_eq!(authority(&centre), first);
    let page = ask(&mut plain(&centre), &centre.address.get(), "GET /trust", &[], "");
    assert!(page.text().contains("EXERCISE · EJERCICIO"), "{page}");
    assert_eq!(page.header("skypicket-exercise"), Some("first-light"));
    over_tls(&centre, "GET /healthz", &[], "").header("skypicket-exercise").unwrap();
}

/// Somebody, signed in over TLS by a link that the administrator made: the cookie header.
fn person(centre: &Centre, administrator: &str, who: &str) -> String {
    let by = [("cookie", administrator)];
    let made =
        over_tls(centre, &format!("POST /api/v1/people/{who}/sign-in-links"), &by, &json!({"id": id()}).to_string());
    let link = text(&made.ok(201), "/url").split_once("#sign-in=").unwrap().1.to_owned();
    let signed = over_tls(centre, "POST /api/v1/sessions", &[], &json!({"link": link}).to_string());
    assert_eq!(signed.ok(200)["person"]["id"], json!(who));
    signed.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

#[test]
fn a_partner_reads_an_alert_over_tls_only_and_verifies_it_by_the_key_that_the_centre_shows() {
    let centre = auto();
    let (_, first) = administrator(&centre);
    let [integrator, analyst, supervisor] = ["integrator", "analyst", "supervisor"].map(|p| person(&centre, &first, p));
    let post = |by: &str, path: &str, mut body: Value| {
        body["id"] = json!(id());
        over_tls(&centre, &format!("POST /api/v1/{path}"), &[("cookie", by)], &body.to_string())
    };
    let mut says = content("Over the wire");
    says["marking"] = json!({"tlp": "TLP:GREEN", "owner": null, "releasable_to": []});
    let waits = post(&analyst, "bulletins", json!({"content": says})).ok(201);
    let approval = format!("bulletins/{}/approvals", text(&waits, "/notice"));
    post(&supervisor, &approval, json!({"read": waits["waiting"]["at"]})).ok(200);
    let made = post(&integrator, "partners", json!({"name": "dispatch system", "agency": "south"})).ok(201);

    // Its system has the authority, the token and the feed's address, and nothing else.
    let bearer = format!("Bearer {}", text(&made, "/secret"));
    let by = [("authorization", bearer.as_str())];
    let feed = over_tls(&centre, "GET /cap/feed.atom", &by, "");
    let entries = entries_of(&feed);
    assert_eq!(entries.len(), 1, "{feed}");
    let address = format!("https://{}{}", centre.address.get(), entries[0].link);
    assert!(feed.text().contains(&address) && !feed.text().contains("href=\"http:"), "an address without TLS: {feed}");
    let alert = over_tls(&centre, &format!("GET {}", entries[0].link), &by, "");
    assert_eq!((alert.status, alert.header("content-type")), (200, Some("application/cap+xml")), "{alert}");

    // By the certificate on the page, the one of the command, and the authority that stands behind both.
    let shown = over_tls(&centre, "GET /api/v1/cap/certificates", &[("cookie", &integrator)], "").ok(200);
    let pem = text(&shown, "/items/0/pem").to_owned();
    assert_eq!(certificate(&centre), pem);
    let authority = String::from_utf8(authority(&centre)).unwrap();
    for pinned in [&pem, &authority] {
        let m = decoded(&centre, &alert.body, pinned);
        assert_eq!((text(&m, "/status"), text(&m, "/signature/state")), ("Actual", "verified"), "{m}");
        assert!(m.to_string().contains("Over the wire"), "{m}");
    }
    assert!(xmlsec1_takes(&centre, &alert.body, &pem));
    let changed = alert.text().replacen("Over the wire", "Over the wall", 1);
    assert!(!xmlsec1_takes(&centre, changed.as_bytes(), &pem), "a changed alert is taken");

    // Plain HTTP on the same port gives none of it, token or no token; nor does TLS without one.
    let host = centre.address.get();
    for path in ["/cap/feed.atom", &entries[0].link] {
        let plainly = ask(&mut plain(&centre), &host, &format!("GET {path}"), &by, "");
        assert_ne!(plainly.status, 200, "{plainly}");
        assert!(!plainly.text().contains("Over the wire") && !plainly.text().contains("<feed"), "{plainly}");
        over_tls(&centre, &format!("GET {path}"), &[], "").problem(401, "signed_out");
    }
}
