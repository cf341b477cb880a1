//! TAK clients on a socket.

use crate::centre::{Call, Calls, NOW_S, centre, person, soon};
use skypicket_link::{Health, Refused, TakConfig, TakHandle, TakServer};
use skypicket_model::{
    Act, Channel, DeliveryId, LatLon, Level, Marking, Notice, NoticeId, NoticeState, PersonId, ProtectedId, Time,
    TrackId, delivery::Outcome, notice::NoticeFacts,
};
use skypicket_wire::cot::{
    Cutter, Element, Event, Point,
    detail::{Chat, Contact, Link, Remarks},
};
use std::{collections::VecDeque, net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};
use uuid::Uuid;

struct Server {
    calls: Calls,
    addr: SocketAddr,
    handle: TakHandle,
    health: Arc<Health>,
    running: JoinHandle<()>,
}

/// A server that knows ANDROID-1 as agent-1 and ANDROID-2 as agent-2.
async fn server(durable: usize, change: impl FnOnce(&mut TakConfig), exercise: Option<&str>) -> Server {
    let calls = centre(durable);
    let mut config = TakConfig::at_address("127.0.0.1:0".parse().unwrap());
    change(&mut config);
    let lookup = Arc::new(|uid: &str| uid.strip_prefix("ANDROID-").map(|n| person(&format!("agent-{n}"))));
    let server = TakServer::bind(config, exercise.map(str::to_owned), lookup, None).await.unwrap();
    let (addr, handle, health) = (server.local_addr(), server.handle(), server.health());
    let running = tokio::spawn(server.run(calls.intake(), calls.shutdown()));
    Server { calls, addr, handle, health, running }
}

fn now() -> Time {
    Time::from_unix_s(NOW_S).unwrap()
}

struct Client {
    uid: String,
    socket: TcpStream,
    cutter: Cutter,
    waiting: VecDeque<Event>,
}

impl Client {
    async fn connect(addr: SocketAddr, uid: &str) -> Self {
        let socket = TcpStream::connect(addr).await.unwrap();
        Self { uid: uid.into(), socket, cutter: Cutter::default(), waiting: VecDeque::new() }
    }

    /// Connects and waits until the centre knows who it is.
    async fn bound(server: &mut Server, uid: &str) -> Self {
        let mut c = Self::connect(server.addr, uid).await;
        c.send(&c.position()).await;
        server.calls.next_that(|call| if let Call::Position(p) = call { Some(p) } else { None }).await;
        c
    }

    async fn send(&mut self, event: &Event) {
        self.socket.write_all(&event.stream_bytes()).await.unwrap();
    }

    /// The next event; `None` at the end of the connection.
    async fn read(&mut self) -> Option<Event> {
        let mut chunk = [0u8; 4096];
        while self.waiting.is_empty() {
            let n = soon(self.socket.read(&mut chunk)).await.unwrap_or(0);
            if n == 0 {
                return None;
            }
            let mut cuts = Vec::new();
            self.cutter.push(&chunk[..n], &mut cuts).unwrap();
            self.waiting.extend(cuts.iter().map(|c| Event::parse(&c.xml).unwrap()));
        }
        self.waiting.pop_front()
    }

    async fn read_text(&mut self) -> String {
        self.read().await.unwrap().detail.remarks().unwrap().text
    }

    fn position(&self) -> Event {
        let mut e = Event::new(self.uid.as_str(), "a-f-G-U-C", "m-g", now(), 60.0);
        e.point = Point { lat_deg: Some(31.76), lon_deg: Some(-106.49), ce_m: Some(21.46), ..Point::default() };
        e.detail = e.detail.with(Contact { callsign: Some("RAVEN".into()), endpoint: Some("*:-1:stcp".into()) });
        e
    }

    fn chat(&self, text: &str) -> Event {
        self.chat_kind("b-t-f", "__chat", "m-1", text)
    }

    fn receipt(&self, message: DeliveryId, shown: bool) -> Event {
        let kind = if shown { "b-t-f-r" } else { "b-t-f-d" };
        self.chat_kind(kind, "__chatreceipt", &message.to_string(), "")
    }

    fn chat_kind(&self, kind: &str, element: &str, message_id: &str, text: &str) -> Event {
        let mut e = Event::new(message_id, kind, "h-g-i-g-o", now(), 60.0);
        let chat = Chat {
            id: Some("skypicket".into()),
            message_id: Some(message_id.into()),
            members: vec![self.uid.clone(), "skypicket".into()],
            ..Chat::default()
        };
        let link = Link { uid: self.uid.clone(), kind: None, relation: Some("p-p".into()) };
        e.detail = e.detail.with(chat.element(element)).with(link);
        e.detail = e.detail.with(Remarks { text: text.into(), ..Remarks::default() });
        e
    }
}

fn marker(uid: &str) -> Event {
    let mut e = Event::new(uid, "a-h-A-M-H-Q", "h-g-i-g-o", now(), 60.0);
    e.point = Point { lat_deg: Some(31.7645), lon_deg: Some(-106.49), ..Point::default() };
    e.detail = e.detail.with(Remarks { text: "hovering over the bridge".into(), ..Remarks::default() });
    e
}

fn fence(k: u32) -> Event {
    Event::new(format!("fence-{k}"), "a-u-A-M-H-Q", "m-f", now(), 15.0)
}

fn notice(k: u128) -> Notice {
    Notice {
        id: NoticeId(Uuid::from_u128(k)),
        version: 2,
        state: NoticeState::Updated,
        level: Level::Urgent,
        at: now(),
        needs_ack: true,
        marking: Marking::default(),
        exercise: None,
        code: "4711".into(),
        text: "Drone 300 m north-east".into(),
        text_es: "Dron a 300 m al noreste".into(),
        expires_at: None,
        about: skypicket_model::About::Warning(skypicket_model::Warning {
            track: TrackId(Uuid::from_u128(9)),
            protected: ProtectedId::Person(person("agent-1")),
            protected_name: "RAVEN".into(),
            facts: NoticeFacts {
                distance_m: 300.0,
                bearing_deg: 45.0,
                earliest_s: 20.0,
                cpa_m: 10.0,
                p_within_30: 0.9,
                track_at: LatLon { lat_deg: 31.76, lon_deg: -106.49 },
                height_unknown: true,
                by_people_only: false,
            },
            reasons: vec![],
            because: vec![],
        }),
    }
}

async fn next_act(calls: &mut Calls) -> (PersonId, Act) {
    calls.next_that(|c| if let Call::Act(by, act) = c { Some((by, act)) } else { None }).await
}

#[tokio::test]
async fn a_bound_client_s_position_is_its_person_s() {
    let mut s = server(0, |_| {}, None).await;
    let mut c = Client::connect(s.addr, "ANDROID-1").await;
    c.send(&c.position()).await;
    assert!(matches!(s.calls.next().await, Call::Reach(p, true) if p == person("agent-1")));
    let Call::Position(p) = s.calls.next().await else { panic!() };
    assert_eq!((p.person, p.via.as_str(), p.observed_at), (person("agent-1"), "tak", now()));
    assert!((p.accuracy_m - 10.0).abs() < 1e-9, "CE90 is 2.146 sigma");
    assert_eq!(s.handle.recipient(&person("agent-1")).unwrap().callsign, "RAVEN");
    drop(c);
    assert!(matches!(s.calls.next().await, Call::Reach(p, false) if p == person("agent-1")));
    assert_eq!(s.handle.send_to_person(&person("agent-1"), &fence(0)).await, Outcome::Failed("not_connected".into()));
}

#[tokio::test]
async fn an_unknown_uid_gives_nothing_and_gets_nothing_but_stays() {
    let mut s = server(9, |_| {}, None).await;
    let mut c = Client::connect(s.addr, "STRANGER").await;
    c.send(&c.position()).await;
    assert_eq!(s.calls.next_refusal().await.0, "uid_not_bound");
    c.send(&marker("m")).await;
    assert_eq!(s.calls.next_refusal().await.0, "uid_not_bound");
    assert_eq!(s.handle.broadcast(&fence(0), |_| true), 0);
    // Still there: its ping is answered, and nothing came before.
    c.send(&Event::new("ping", "t-x-c-t", "m-g", now(), 20.0)).await;
    assert_eq!(c.read().await.unwrap().kind, "t-x-c-t-r");
    assert_eq!(s.health.snapshot().refused["uid_not_bound"], 2);
}

#[tokio::test]
async fn stored_is_said_only_after_it_is() {
    let mut s = server(0, |_| {}, Some("first-light")).await;
    let mut c = Client::bound(&mut s, "ANDROID-1").await;
    c.send(&marker("m-1")).await;
    let (by, Act::Sighting { sighting }) = next_act(&mut s.calls).await else { panic!() };
    assert_eq!((by, sighting.check()), (person("agent-1"), Ok(())));
    assert!(sighting.words.starts_with("hovering over the bridge"));
    assert!(sighting.bearing.unwrap().azimuth_deg < 0.1, "seen due north from where they stand");
    // What is sent now comes before the answer, for there is no answer yet.
    assert_eq!(s.handle.send_to_person(&person("agent-1"), &fence(1)).await, Outcome::Accepted);
    assert_eq!(c.read().await.unwrap().uid, "fence-1");
    s.calls.centre.gate.add_permits(1);
    let answer = c.read().await.unwrap();
    assert_eq!(answer.opex.as_deref(), Some("e-first-light"));
    let text = answer.detail.remarks().unwrap().text;
    assert!(text.starts_with("EXERCISE Drone report stored"), "{text}");
    // The same marker again is no news; a moved one is, with another id.
    c.send(&marker("m-1")).await;
    let mut moved = marker("m-1");
    moved.point.lat_deg = Some(31.77);
    c.send(&moved).await;
    let (_, Act::Sighting { sighting: second }) = next_act(&mut s.calls).await else { panic!() };
    assert_ne!(second.id, sighting.id);
    // After a reconnection the same marker has the same id, so that the centre knows it again.
    let mut again = Client::bound(&mut s, "ANDROID-1").await;
    again.send(&marker("m-1")).await;
    let (_, Act::Sighting { sighting: third }) = next_act(&mut s.calls).await else { panic!() };
    assert_eq!(third.id, sighting.id);
}

#[tokio::test]
async fn only_a_chat_with_the_code_acknowledges() {
    let mut s = server(0, |_| {}, None).await;
    let me = person("agent-1");
    let expect = (NoticeId(Uuid::from_u128(5)), 2);
    s.calls.centre.codes.lock().unwrap().insert((me.clone(), "4711".into()), expect);
    s.calls.centre.codes.lock().unwrap().insert((person("agent-2"), "5000".into()), expect);
    let mut c = Client::bound(&mut s, "ANDROID-1").await;
    for text in ["ok", "roger", "471111", "see you at 5000"] {
        c.send(&c.chat(text)).await;
    }
    // A code that is not theirs is none, and they are told so.
    let text = c.read_text().await;
    assert!(text.contains("No open warning has the code 5000"), "{text}");
    c.send(&c.chat("ack 4711")).await;
    let (by, Act::Acknowledge { notice, version, channel }) = next_act(&mut s.calls).await else { panic!() };
    assert_eq!((by, notice, version, channel), (me.clone(), expect.0, expect.1, Channel::Tak));
    assert_eq!(s.handle.send_to_person(&me, &fence(1)).await, Outcome::Accepted);
    assert_eq!(c.read().await.unwrap().uid, "fence-1");
    s.calls.centre.gate.add_permits(1);
    assert!(c.read_text().await.starts_with("Acknowledged 4711"));
    // The centre may refuse: then it is not said.
    *s.calls.centre.refuse_acts.lock().unwrap() =
        Some(Refused { code: "record_full", message: "the record is full".into() });
    s.calls.centre.gate.add_permits(1);
    c.send(&c.chat("4711")).await;
    let text = c.read_text().await;
    assert!(text.starts_with("NOT acknowledged") && text.contains("the record is full"), "{text}");
    assert_eq!(s.calls.next_refusal().await.0, "record_full");
}

#[tokio::test]
async fn a_notice_goes_out_as_chat_and_its_receipts_come_back() {
    let mut s = server(9, |_| {}, None).await;
    let me = person("agent-1");
    let mut c = Client::bound(&mut s, "ANDROID-1").await;
    let delivery = DeliveryId(Uuid::from_u128(77));
    let n = notice(5);
    s.calls.centre.deliveries.lock().unwrap().insert(delivery, (me.clone(), n.id, n.version));
    let foreign = DeliveryId(Uuid::from_u128(78));
    s.calls.centre.deliveries.lock().unwrap().insert(foreign, (person("agent-2"), n.id, n.version));
    assert_eq!(s.handle.send_notice(&me, &n, delivery, &n.text_es, now()).await, Outcome::Accepted);
    let event = c.read().await.unwrap();
    assert_eq!(event.kind, "b-t-f");
    assert_eq!(event.detail.chat().unwrap().message_id, Some(delivery.to_string()));
    assert_eq!(event.detail.remarks().unwrap().text, "Dron a 300 m al noreste [4711]");
    for shown in [false, true] {
        c.send(&c.receipt(delivery, shown)).await;
        let (by, act) = next_act(&mut s.calls).await;
        assert_eq!(by, me);
        assert_eq!(act, Act::Receipt { notice: n.id, version: 2, channel: Channel::Tak, shown });
    }
    // Another's delivery cannot be signed for, and one that nobody knows is nothing.
    c.send(&c.receipt(DeliveryId(Uuid::from_u128(79)), true)).await;
    c.send(&c.receipt(foreign, true)).await;
    assert_eq!(s.calls.next_refusal().await.0, "receipt_not_own");
}

#[tokio::test]
async fn a_client_that_never_reads_is_shed_and_the_others_do_not_notice() {
    let mut s = server(0, |c| c.queue = 16, None).await;
    let mut good = Client::bound(&mut s, "ANDROID-1").await;
    let stuck = Client::bound(&mut s, "ANDROID-2").await;
    let mut big = fence(0);
    big.detail = big.detail.with(Remarks { text: "x".repeat(60_000), ..Remarks::default() });
    let mut sent = 0;
    while s.handle.recipient(&person("agent-2")).is_some() {
        s.handle.broadcast(&big, |_| true);
        assert_eq!(good.read().await.unwrap().uid, "fence-0");
        sent += 1;
        assert!(sent < 10_000, "never shed");
    }
    let down = s.calls.next_that(|c| if let Call::Reach(p, false) = c { Some(p) } else { None }).await;
    assert_eq!(down, person("agent-2"));
    assert_eq!(s.handle.send_to_person(&person("agent-1"), &fence(1)).await, Outcome::Accepted);
    assert_eq!(good.read().await.unwrap().uid, "fence-1");
    assert_eq!(s.health.snapshot().refused["client_shed"], 1);
    drop(stuck);
}

#[tokio::test]
async fn a_notice_to_a_client_that_never_reads_fails_by_itself() {
    let mut s = server(0, |c| c.write_timeout_s = 1, None).await;
    let _stuck = Client::bound(&mut s, "ANDROID-1").await;
    let mut big = fence(0);
    big.detail = big.detail.with(Remarks { text: "x".repeat(60_000), ..Remarks::default() });
    let mut outcome = Outcome::Accepted;
    while outcome == Outcome::Accepted {
        outcome = s.handle.send_to_person(&person("agent-1"), &big).await;
    }
    assert_eq!(outcome, Outcome::Failed("client_does_not_read".into()));
}

#[tokio::test]
async fn a_newer_connection_of_the_same_person_takes_the_place_of_the_older() {
    let mut s = server(0, |_| {}, None).await;
    let mut old = Client::bound(&mut s, "ANDROID-1").await;
    let mut new = Client::bound(&mut s, "ANDROID-1").await;
    assert!(old.read().await.is_none());
    assert_eq!(s.handle.send_to_person(&person("agent-1"), &fence(1)).await, Outcome::Accepted);
    assert_eq!(new.read().await.unwrap().uid, "fence-1");
    drop(new);
    // Up once, down once: between them nobody was told that they were gone.
    assert!(!s.calls.next_that(|c| if let Call::Reach(_, up) = c { Some(up) } else { None }).await);
}

#[tokio::test]
async fn bytes_that_are_no_stream_end_their_connection_and_no_other() {
    let mut s = server(0, |_| {}, None).await;
    let mut good = Client::bound(&mut s, "ANDROID-1").await;
    let mut bad = Client::connect(s.addr, "ANDROID-2").await;
    bad.socket.write_all(b"<event a='</event>'></event>").await.unwrap();
    assert_eq!(s.calls.next_refusal().await.0, "cot_field");
    bad.socket.write_all(b"<!DOCTYPE lolz [<!ENTITY a 'b'>]>").await.unwrap();
    assert_eq!(s.calls.next_refusal().await, ("stream_dtd".into(), Some(30)));
    assert!(bad.read().await.is_none());
    let mut huge = Client::connect(s.addr, "ANDROID-3").await;
    // As much as the system takes before the connection is gone.
    let _ = huge.socket.write_all(&[b"<event a='".as_slice(), &vec![b'x'; 4_000_000]].concat()).await;
    assert_eq!(s.calls.next_refusal().await, ("stream_too_large".into(), Some(65_536)));
    good.send(&good.position()).await;
    s.calls.next_that(|c| if let Call::Position(p) = c { Some(p) } else { None }).await;
}

#[tokio::test]
async fn an_emergency_is_refused_by_name_and_the_person_told() {
    let mut s = server(0, |_| {}, None).await;
    let mut c = Client::bound(&mut s, "ANDROID-1").await;
    let mut alert = Event::new("ANDROID-1-9-1-1", "b-a-o-tbl", "m-g", now(), 10.0);
    alert.detail = alert
        .detail
        .with(Link { uid: "ANDROID-1".into(), kind: None, relation: Some("p-p".into()) })
        .with(Element::new("emergency").with("type", "911 Alert"));
    c.send(&alert).await;
    assert_eq!(s.calls.next_refusal().await.0, "emergency_not_built");
    assert!(c.read_text().await.contains("CALL"));
}

#[tokio::test]
async fn the_centre_is_a_contact_where_it_has_a_place() {
    let at = skypicket_model::Place { lat_deg: 31.7, lon_deg: -106.4, alt_hae_m: None };
    let mut s = server(0, |c| c.at = Some(at), None).await;
    let mut c = Client::bound(&mut s, "ANDROID-1").await;
    let e = c.read().await.unwrap();
    assert_eq!((e.uid.as_str(), e.detail.contact().unwrap().callsign.as_deref()), ("skypicket", Some("PICKET")));
}

#[tokio::test]
async fn a_shutdown_lets_go_of_every_client() {
    let mut s = server(0, |_| {}, None).await;
    let mut c = Client::bound(&mut s, "ANDROID-1").await;
    s.calls.stop();
    soon(s.running).await.unwrap();
    assert!(c.read().await.is_none());
    assert!(matches!(s.calls.next().await, Call::Reach(_, false)));
}
