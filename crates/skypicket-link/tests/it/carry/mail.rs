//! Mail against a scripted server, and against an independent one.

use super::{
    Folder, LIMIT, NOW, id, outgoing, own_tls,
    smtp_server::{Reply, Script, SmtpServer},
    soon,
};
use skypicket_link::{
    Carrier, Courier, Outgoing, Sent,
    courier::News,
    smtp::{MailLetter, Smtp, SmtpConfig, SmtpTls},
};
use skypicket_model::{Level, delivery::Outcome};
use std::{
    collections::VecDeque,
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

fn letter() -> MailLetter {
    MailLetter {
        to: "agent@example.org".into(),
        subject: "EXERCISE first-light: URGENT: Drone near Post 1 [TLP:GREEN]".into(),
        body: "EXERCISE first-light\nTLP:GREEN\n\n.\n..\nTome cobertura, señor Núñez.\n".into(),
        thread: None,
        made_at: NOW,
    }
}

fn config(addr: SocketAddr) -> SmtpConfig {
    SmtpConfig {
        port: Some(addr.port()),
        tls: SmtpTls::None,
        ..SmtpConfig::at("127.0.0.1", "Sector Watch <watch@centre.example>")
    }
}

fn smtp(server: &SmtpServer) -> Smtp {
    Smtp::new(&config(server.addr)).unwrap()
}

fn accepted() -> Sent {
    Sent::Accepted { reference: None }
}

/// A change of a script.
type Change = fn(&mut Script);

fn list<const N: usize>(replies: [Reply; N]) -> VecDeque<Reply> {
    replies.into()
}

#[tokio::test]
async fn a_mail_arrives_whole_and_the_next_goes_over_the_same_connection() {
    let server = SmtpServer::start(Script::default()).await;
    let smtp = smtp(&server);
    assert_eq!(soon(smtp.probe()).await, Ok(()));
    for n in 1..4 {
        assert_eq!(soon(smtp.send(&outgoing(n, letter()), NOW)).await, accepted());
    }
    assert_eq!(soon(smtp.probe()).await, Ok(()));
    assert_eq!(server.connections(), 1);
    let mails = server.mails();
    assert_eq!(mails.len(), 3);
    let mail = mails.first().unwrap();
    assert!(mail.contains(&format!("Message-ID: <{}@centre.example>\r\n", id(1))), "{mail}");
    assert!(mail.contains("Auto-Submitted: auto-generated\r\n"));
    assert!(mail.contains("\r\n\r\nEXERCISE first-light\r\n"), "first line of the body: {mail}");
    assert!(mail.contains("\r\n.\r\n..\r\n"), "a lonely dot does not end it: {mail}");
    let lines = server.lines();
    assert!(lines.contains(&"MAIL FROM:<watch@centre.example>".to_owned()), "{lines:?}");
    assert!(lines.contains(&"RCPT TO:<agent@example.org>".to_owned()), "no reports where none are offered: {lines:?}");
}

#[tokio::test]
async fn mails_do_not_wait_for_late_acknowledgements_of_the_network() {
    let server = SmtpServer::start(Script::default()).await;
    let smtp = smtp(&server);
    let began = std::time::Instant::now();
    for n in 0..250 {
        assert_eq!(soon(smtp.send(&outgoing(n, letter()), NOW)).await, accepted());
    }
    // With them each would take 40 ms, 10 s in all; without, about 0.1 s.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test]
async fn reports_are_asked_for_where_they_are_offered() {
    let server = SmtpServer::start(Script { offers: vec!["SIZE 1000", "dsn"], ..Script::default() }).await;
    let config = SmtpConfig { reports_to: Some("reports@centre.example".into()), ..config(server.addr) };
    let smtp = Smtp::new(&config).unwrap();
    let reminder = Outgoing { reminder: 1, ..outgoing(1, letter()) };
    assert_eq!(soon(smtp.send(&reminder, NOW)).await, accepted());
    let lines = server.lines();
    let sender = format!("MAIL FROM:<reports@centre.example> RET=HDRS ENVID={}.r1", id(1));
    assert!(lines.contains(&sender), "{lines:?}");
    assert!(lines.contains(&"RCPT TO:<agent@example.org> NOTIFY=SUCCESS,FAILURE".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn each_answer_is_told_as_taken_failed_for_now_for_good_or_ambiguous() {
    let with = |change: fn(&mut Script)| {
        let mut script = Script::default();
        change(&mut script);
        script
    };
    let cases: Vec<(Script, Outcome, bool)> = vec![
        (
            Script { greeting: Reply::Say("421 too many"), ..Script::default() },
            Outcome::Failed("busy (421)".into()),
            true,
        ),
        (
            Script { greeting: Reply::Say("554 no"), ..Script::default() },
            Outcome::Refused("refused (554)".into()),
            true,
        ),
        (Script { greeting: Reply::Close, ..Script::default() }, Outcome::Failed("broken".into()), true),
        (with(|s| s.sender = list([Reply::Say("451 later")])), Outcome::Failed("busy (451)".into()), true),
        (with(|s| s.sender = list([Reply::Say("530 log in")])), Outcome::Failed("login_refused (530)".into()), true),
        (with(|s| s.sender = list([Reply::Close])), Outcome::Failed("broken".into()), true),
        (with(|s| s.recipient = list([Reply::Say("451 grey")])), Outcome::Failed("busy (451)".into()), false),
        (with(|s| s.recipient = list([Reply::Say("550 nobody")])), Outcome::Refused("refused (550)".into()), false),
        (with(|s| s.recipient = list([Reply::Say("421 bye")])), Outcome::Failed("busy (421)".into()), true),
        (with(|s| s.data = list([Reply::Say("451 full")])), Outcome::Failed("busy (451)".into()), true),
        (with(|s| s.data = list([Reply::Say("250 what")])), Outcome::Failed("bad_answer".into()), true),
        (with(|s| s.data = list([Reply::Close])), Outcome::Failed("broken".into()), true),
        (with(|s| s.end = list([Reply::Say("452 full")])), Outcome::Failed("busy (452)".into()), false),
        (with(|s| s.end = list([Reply::Say("554 spam")])), Outcome::Refused("refused (554)".into()), false),
        (with(|s| s.end = list([Reply::Close])), Outcome::Ambiguous("broken".into()), true),
        (with(|s| s.end = list([Reply::Say("what?")])), Outcome::Ambiguous("broken".into()), true),
    ];
    for (script, expect, of_channel) in cases {
        let server = SmtpServer::start(script).await;
        let sent = soon(smtp(&server).send(&outgoing(1, letter()), NOW)).await;
        assert_eq!(sent.outcome(), expect, "{:?}", server.lines());
        let (Sent::Failed(t) | Sent::Ambiguous(t)) = &sent else { panic!("{sent:?}") };
        assert_eq!(t.of_channel, of_channel, "{sent:?}");
    }
}

#[tokio::test]
async fn a_connection_goes_on_after_a_refused_recipient() {
    let server = SmtpServer::start(Script::default()).await;
    server.script(|s| s.recipient = list([Reply::Say("550 nobody"), Reply::Say("250 Ok")]));
    let smtp = smtp(&server);
    assert_eq!(soon(smtp.send(&outgoing(1, letter()), NOW)).await.outcome(), Outcome::Refused("refused (550)".into()));
    assert_eq!(soon(smtp.send(&outgoing(2, letter()), NOW)).await, accepted());
    assert_eq!(server.connections(), 1);
    assert!(server.lines().contains(&"RSET".to_owned()));
    assert!(server.mails().first().unwrap().contains(&id(2).to_string()));
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_costs_no_message() {
    let server = SmtpServer::start(Script { messages_each: Some(1), ..Script::default() }).await;
    let smtp = smtp(&server);
    for n in 1..4 {
        assert_eq!(soon(smtp.send(&outgoing(n, letter()), NOW)).await, accepted(), "{n}");
    }
    assert_eq!((server.connections(), server.mails().len()), (3, 3));
    server.script(|s| {
        s.messages_each = None;
        s.sender = list([Reply::Say("250 Ok"), Reply::Say("421 idle too long"), Reply::Say("250 Ok")]);
    });
    for n in 4..6 {
        assert_eq!(soon(smtp.send(&outgoing(n, letter()), NOW)).await, accepted(), "{n}");
    }
    assert_eq!(server.mails().len(), 5, "none twice");
}

#[tokio::test]
async fn a_silent_server_is_a_sure_failure_before_the_text_and_ambiguous_after_it() {
    let server = SmtpServer::start(Script::default()).await;
    server.script(|s| s.end = list([Reply::Hang]));
    let smtp_to = smtp(&server);
    let sending = tokio::spawn(async move { smtp_to.send(&outgoing(1, letter()), NOW).await });
    server.until_ended(1).await;
    // From here on nothing but the clock can move.
    tokio::time::pause();
    assert_eq!(sending.await.unwrap().outcome(), Outcome::Ambiguous("timed_out".into()));
    tokio::time::resume();

    let hangs: [(&str, Change); 4] = [
        ("", |s| s.greeting = Reply::Hang),
        ("MAIL", |s| s.sender = list([Reply::Hang])),
        ("RCPT", |s| s.recipient = list([Reply::Hang])),
        ("DATA", |s| s.data = list([Reply::Hang])),
    ];
    for (last, hang) in hangs {
        let server = SmtpServer::start(Script::default()).await;
        server.script(hang);
        let smtp = smtp(&server);
        let sending = tokio::spawn(async move { smtp.send(&outgoing(1, letter()), NOW).await });
        soon(async {
            while server.connections() == 0 || !(last.is_empty() || server.lines().iter().any(|l| l.starts_with(last)))
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
        tokio::time::pause();
        assert_eq!(sending.await.unwrap().outcome(), Outcome::Failed("timed_out".into()));
        tokio::time::resume();
    }
}

#[tokio::test]
async fn tls_must_be_there_and_trusted_and_the_login_goes_only_inside_it() {
    let folder = Folder::new("smtp-tls");
    let (roots, tls) = own_tls(&folder);
    let login = |c: SmtpConfig| SmtpConfig {
        login: Some("picket".into()),
        password_file: Some(folder.file("password", "hunter2\n")),
        ..c
    };
    let at = |server: &SmtpServer, tls, trusted: bool| {
        login(SmtpConfig {
            host: "localhost".into(),
            tls,
            roots: trusted.then(|| roots.clone()),
            ..config(server.addr)
        })
    };
    let send = async |config: SmtpConfig| soon(Smtp::new(&config).unwrap().send(&outgoing(1, letter()), NOW)).await;
    let failed = |why: &str| Outcome::Failed(why.into());

    let implicit = SmtpServer::start(Script {
        implicit: Some(tls.clone()),
        offers: vec!["AUTH PLAIN LOGIN"],
        ..Script::default()
    })
    .await;
    assert_eq!(send(at(&implicit, SmtpTls::Implicit, true)).await, accepted());
    // base64 of \0picket\0hunter2
    assert!(implicit.lines().contains(&"AUTH PLAIN AHBpY2tldABodW50ZXIy".to_owned()), "{:?}", implicit.lines());
    assert_eq!(send(at(&implicit, SmtpTls::Implicit, false)).await.outcome(), failed("tls"));
    let by_address = SmtpConfig { host: "127.0.0.1".into(), ..at(&implicit, SmtpTls::Implicit, true) };
    assert_eq!(send(by_address).await.outcome(), failed("tls"), "not its name");

    let starttls = SmtpServer::start(Script {
        starttls: Some(tls.clone()),
        offers: vec!["STARTTLS", "AUTH LOGIN PLAIN"],
        ..Script::default()
    })
    .await;
    assert_eq!(send(at(&starttls, SmtpTls::Starttls, true)).await, accepted());
    let lines = starttls.lines();
    let position = |what: &str| lines.iter().position(|l| l.starts_with(what)).unwrap();
    assert!(position("STARTTLS") < position("AUTH"), "{lines:?}");
    assert_eq!(send(at(&starttls, SmtpTls::Starttls, false)).await.outcome(), failed("tls"));

    // Somebody in between took the offer out.
    let stripped = SmtpServer::start(Script { offers: vec!["AUTH PLAIN"], ..Script::default() }).await;
    assert_eq!(send(at(&stripped, SmtpTls::Starttls, true)).await.outcome(), failed("tls"));
    assert!(!stripped.lines().iter().any(|l| l.starts_with("AUTH")), "{:?}", stripped.lines());

    let refusing = SmtpServer::start(Script {
        implicit: Some(tls),
        offers: vec!["AUTH PLAIN"],
        auth: Reply::Say("535 5.7.8 no"),
        ..Script::default()
    })
    .await;
    assert_eq!(send(at(&refusing, SmtpTls::Implicit, true)).await.outcome(), failed("login_refused (535)"));
    refusing.script(|s| s.offers = vec!["AUTH CRAM-MD5"]);
    assert_eq!(send(at(&refusing, SmtpTls::Implicit, true)).await.outcome(), failed("login_refused"));
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_with_what_to_do() {
    let folder = Folder::new("smtp-settings");
    let good = config("127.0.0.1:25".parse().unwrap());
    let at = |host: &str| SmtpConfig { host: host.into(), ..good.clone() };
    assert!(Smtp::new(&good).is_ok());
    assert!(Smtp::new(&SmtpConfig { insecure: true, ..at("mail.example.net") }).is_ok());
    for (config, word) in [
        (at("mail.example.net"), "insecure = true"),
        (SmtpConfig { connections: 2, ..good.clone() }, "connections"),
        (SmtpConfig { from: "nobody".into(), ..good.clone() }, "from"),
        (SmtpConfig { reply_to: Some("a b".into()), ..good.clone() }, "reply_to"),
        (SmtpConfig { domain: Some("a b".into()), ..good.clone() }, "domain"),
        (SmtpConfig { login: Some("x".into()), ..good.clone() }, "password_file"),
        (
            SmtpConfig { login: Some("x".into()), password_file: Some(folder.file("two", "a\nb")), ..good.clone() },
            "one line",
        ),
        (
            SmtpConfig { tls: SmtpTls::Implicit, roots: Some("/nonexistent.pem".into()), ..good.clone() },
            "/nonexistent.pem",
        ),
    ] {
        let error = Smtp::new(&config).err().unwrap().to_string();
        assert!(error.contains(word), "{word}: {error}");
        assert!(!error.contains("hunter2"));
    }
}

#[tokio::test]
async fn a_courier_loses_no_mail_over_a_server_that_does_everything_wrong_once() {
    let server = SmtpServer::start(Script {
        sender: list([Reply::Say("250 Ok"), Reply::Close, Reply::Say("250 Ok")]),
        recipient: list([Reply::Say("451 grey"), Reply::Say("250 Ok"), Reply::Say("550 nobody"), Reply::Say("250 Ok")]),
        end: list([Reply::Close, Reply::Say("250 Ok")]),
        ..Script::default()
    })
    .await;
    let (courier, mut news) = Courier::start(smtp(&server), Smtp::settings(&config(server.addr)));
    for n in 0..12 {
        let level = if n % 2 == 0 { Level::Urgent } else { Level::Advisory };
        courier.take(Outgoing { level, ..outgoing(n, letter()) }, NOW).unwrap();
    }
    let (mut taken, mut told) = (0, std::collections::BTreeSet::new());
    while told.len() < 12 {
        if let News::Report(r) = soon(news.recv()).await.unwrap() {
            assert!(told.insert(r.delivery), "each once");
            taken += usize::from(r.sent == accepted());
        }
    }
    assert_eq!(taken, server.mails().len(), "what was told as taken is what the server has");
    assert!(taken >= 8, "{taken}");
    soon(courier.drain(Duration::from_secs(5))).await;
}

/// An independent server, aiosmtpd (`make tools` installs it), that keeps what it gets in a folder.
struct Independent {
    child: Child,
    port: u16,
    folder: Folder,
}

impl Independent {
    fn start(name: &str, options: &[&str]) -> Self {
        let folder = Folder::new(name);
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("aiosmtpd")
            .args(["-n", "-l", &format!("127.0.0.1:{port}")])
            .args(options)
            .args(["-c", "aiosmtpd.handlers.Mailbox"])
            .arg(folder.path().join("mail"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("aiosmtpd is installed: run `make tools`");
        let started = Self { child, port, folder };
        let until = std::time::Instant::now() + LIMIT;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(std::time::Instant::now() < until, "aiosmtpd did not start");
            std::thread::yield_now();
        }
        started
    }

    fn mails(&self) -> Vec<String> {
        let new = std::fs::read_dir(self.folder.path().join("mail/new")).unwrap();
        let mut mails: Vec<String> = new.map(|f| std::fs::read_to_string(f.unwrap().path()).unwrap()).collect();
        mails.sort();
        mails
    }
}

impl Drop for Independent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn an_independent_server_takes_our_mail_plain_and_over_starttls() {
    let certificates = Folder::new("independent-tls");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = certificates.file("c.pem", &made.cert.pem());
    let key = certificates.file("k.pem", &made.signing_key.serialize_pem());
    let (c, k) = (certificate.to_string_lossy(), key.to_string_lossy());
    for (name, options, tls) in [
        ("independent-plain", vec![], SmtpTls::None),
        ("independent-starttls", vec!["--tlscert", &*c, "--tlskey", &*k], SmtpTls::Starttls),
        ("independent-implicit", vec!["--smtpscert", &*c, "--smtpskey", &*k], SmtpTls::Implicit),
    ] {
        let server = Independent::start(name, &options);
        let config = SmtpConfig {
            host: if tls == SmtpTls::None { "127.0.0.1".into() } else { "localhost".into() },
            tls,
            roots: Some(certificate.clone()),
            ..config(SocketAddr::from(([127, 0, 0, 1], server.port)))
        };
        let smtp = Smtp::new(&config).unwrap();
        assert_eq!(soon(smtp.probe()).await, Ok(()), "{name}");
        for n in 1..3 {
            assert_eq!(soon(smtp.send(&outgoing(n, letter()), NOW)).await, accepted(), "{name}");
        }
        let mails = server.mails();
        assert_eq!(mails.len(), 2, "{name}");
        for mail in &mails {
            assert!(mail.contains("X-RcptTo: agent@example.org"), "{mail}");
            assert!(mail.contains("@centre.example>"), "{mail}");
            assert!(mail.contains("\n.\n..\n"), "{mail}");
        }
    }
}
