//! [`Session`]: the centre's side of one TAK client's connection, without I/O and without a clock.
//!
//! Bytes go in with the moment they came; what they mean comes out. The session learns which uid the client is from its
//! first self-report and takes positions, chat, receipts and markers only in that name. It answers pings. Whose phone
//! that uid is, and what is done, decides the caller; nothing here believes an affiliation.
//!
//! The device's clock: over its last reports the smallest (received − made) is its offset plus the fastest delivery, and
//! takes that much off; so a report that waited in a queue keeps its age and a wrong clock does no harm.

mod marker;

pub use marker::{Bearing, DroneMarker};

use super::{
    event::Event,
    render,
    stream::{Breach, Cutter},
    xml::XmlError,
};
use skypicket_model::{Place, Time};
use std::{
    collections::{BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
};

/// Most reports whose delay is kept for the clock's offset.
const LAGS: usize = 16;
/// Most markers remembered, so that a repeat is not reported again.
const MARKERS: usize = 512;
/// Most bytes of a refused event given back as a sample.
const SAMPLE: usize = 256;

/// What came out of a client's bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// The client said who it is, for the first time on this connection.
    Hello {
        /// Its uid.
        uid: String,
        /// Its name.
        callsign: Option<String>,
    },
    /// The client said where it is.
    Position(ClientPosition),
    /// The client is there but knows no place.
    NoFix,
    /// A person marked a drone.
    Marker(Box<DroneMarker>),
    /// A line of chat.
    Chat(ChatMessage),
    /// A receipt of a chat message.
    Receipt(ChatReceipt),
    /// An emergency beacon went on, or off; each said once.
    Emergency {
        /// Type of the event, as `b-a-o-tbl`.
        kind: String,
        /// It is over.
        cancel: bool,
        /// Where, when known.
        at: Option<Place>,
    },
    /// Bytes to send back.
    Reply(Vec<u8>),
    /// A sound event that nothing here needs.
    Other {
        /// Its type.
        kind: String,
    },
    /// A sound event said by this connection in another's name, or by a connection that has not said who it is.
    NotOwn {
        /// The uid that it is said to come from.
        uid: String,
    },
    /// An event that could not be read. The connection goes on.
    Refused {
        /// Why.
        error: XmlError,
        /// Where it began in the stream, bytes.
        offset: u64,
        /// Its first bytes.
        sample: Vec<u8>,
    },
}

/// Where a client said it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientPosition {
    /// Its uid.
    pub uid: String,
    /// Where.
    pub at: Place,
    /// Circular error, metres, as written (90 % by ATAK).
    pub ce_m: Option<f64>,
    /// When, by our clock.
    pub observed_at: Time,
}

/// A line of chat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// The message, where it has an id.
    pub message_id: Option<String>,
    /// The conversation: a uid or a room.
    pub to: String,
    /// What was written.
    pub text: String,
}

/// A receipt of a chat message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatReceipt {
    /// The message.
    pub message_id: String,
    /// Shown (`b-t-f-r`), or only delivered (`b-t-f-d`). Shown is not acknowledged.
    pub shown: bool,
}

/// One connection.
#[derive(Debug, Default)]
pub struct Session {
    cutter: Cutter,
    uid: Option<String>,
    lags_us: VecDeque<i64>,
    markers: VecDeque<u64>,
    emergencies: BTreeSet<String>,
}

impl Session {
    /// A connection of which nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Who the client said it is.
    pub fn uid(&self) -> Option<&str> {
        self.uid.as_deref()
    }

    /// Takes bytes that came at `now`. On a breach what was said before it is in `out`; the connection must be dropped.
    pub fn feed(&mut self, bytes: &[u8], now: Time, out: &mut Vec<Output>) -> Result<(), Breach> {
        let mut cuts = Vec::new();
        let end = self.cutter.push(bytes, &mut cuts);
        for cut in cuts {
            match Event::parse(&cut.xml) {
                Ok(event) => self.take(&event, now, out),
                Err(error) => {
                    let sample = cut.xml.into_iter().take(SAMPLE).collect();
                    out.push(Output::Refused { error, offset: cut.offset, sample });
                }
            }
        }
        end
    }

    fn take(&mut self, event: &Event, now: Time, out: &mut Vec<Output>) {
        let kind = event.kind.split(';').next().unwrap_or_default();
        match kind {
            "t-x-c-t" => out.push(Output::Reply(render::pong(&event.uid, now).stream_bytes())),
            "b-t-f" => self.chat(event, out),
            "b-t-f-d" | "b-t-f-r" => self.receipt(event, kind == "b-t-f-r", out),
            _ if kind.starts_with("b-a-") && self.is_emergency(event) => self.emergency(event, kind, out),
            _ if kind.starts_with("a-") && is_self_report(event) => self.self_report(event, now, out),
            _ => match marker::of(event) {
                Some(mut marker) => {
                    if self.uid.is_none() {
                        out.push(Output::NotOwn { uid: event.uid.clone() });
                    } else if self.is_new_marker(&marker) {
                        marker.observed_at = self.our_time(event.time, now);
                        out.push(Output::Marker(Box::new(marker)));
                    }
                }
                None => out.push(Output::Other { kind: kind.to_owned() }),
            },
        }
    }

    fn self_report(&mut self, event: &Event, now: Time, out: &mut Vec<Output>) {
        match &self.uid {
            None => {
                self.uid = Some(event.uid.clone());
                let callsign = event.detail.contact().and_then(|c| c.callsign);
                out.push(Output::Hello { uid: event.uid.clone(), callsign });
            }
            Some(own) if *own == event.uid => {}
            Some(_) => {
                out.push(Output::NotOwn { uid: event.uid.clone() });
                return;
            }
        }
        if self.lags_us.len() >= LAGS {
            self.lags_us.pop_front();
        }
        self.lags_us.push_back(now.as_micros().saturating_sub(event.time.as_micros()));
        match event.point.place() {
            None => out.push(Output::NoFix),
            Some(at) => out.push(Output::Position(ClientPosition {
                uid: event.uid.clone(),
                at,
                ce_m: event.point.ce_m,
                observed_at: self.our_time(event.time, now),
            })),
        }
    }

    /// A device's time by our clock, never after `now`.
    fn our_time(&self, device: Time, now: Time) -> Time {
        let offset = self.lags_us.iter().min().copied().unwrap_or_else(|| now.as_micros() - device.as_micros());
        Time::from_micros(device.as_micros().saturating_add(offset)).min(now)
    }

    fn is_own(&self, uid: Option<&str>) -> bool {
        self.uid.is_some() && self.uid.as_deref() == uid
    }

    fn chat(&self, event: &Event, out: &mut Vec<Output>) {
        let chat = event.detail.chat().unwrap_or_default();
        let from = sender(event, &chat);
        if !self.is_own(from.as_deref()) {
            out.push(Output::NotOwn { uid: from.unwrap_or_default() });
            return;
        }
        out.push(Output::Chat(ChatMessage {
            message_id: chat.message_id,
            to: chat.id.or(chat.chatroom).unwrap_or_default(),
            text: event.detail.remarks().map(|r| r.text).unwrap_or_default(),
        }));
    }

    fn receipt(&self, event: &Event, shown: bool, out: &mut Vec<Output>) {
        let chat = event.detail.chat_receipt().unwrap_or_default();
        let from = sender(event, &chat);
        if !self.is_own(from.as_deref()) {
            out.push(Output::NotOwn { uid: from.unwrap_or_default() });
            return;
        }
        let message_id = chat.message_id.unwrap_or_else(|| event.uid.clone());
        out.push(Output::Receipt(ChatReceipt { message_id, shown }));
    }

    /// The kinds that a beacon can have; other alarms are not a person's call.
    fn is_emergency(&self, event: &Event) -> bool {
        event.detail.emergency().is_some() || self.emergencies.contains(&event.uid)
    }

    fn emergency(&mut self, event: &Event, kind: &str, out: &mut Vec<Output>) {
        // A cancel holds no link, so it is matched by uid; the alert itself names its device.
        let from = event.detail.links().find(|l| l.relation.as_deref() == Some("p-p")).map(|l| l.uid);
        let cancel = kind == "b-a-o-can" || event.detail.emergency().is_some_and(|e| e.cancel);
        let known = self.emergencies.contains(&event.uid);
        if !known && !self.is_own(from.as_deref()) && !cancel {
            out.push(Output::NotOwn { uid: from.unwrap_or_else(|| event.uid.clone()) });
            return;
        }
        let changed = if cancel { self.emergencies.remove(&event.uid) } else { !known };
        if !changed {
            return;
        }
        if !cancel && self.emergencies.len() < 64 {
            self.emergencies.insert(event.uid.clone());
        }
        out.push(Output::Emergency { kind: kind.to_owned(), cancel, at: event.point.place() });
    }

    /// ATAK sends a marker again and again; only a new or changed one is news.
    fn is_new_marker(&mut self, marker: &DroneMarker) -> bool {
        let mut hasher = DefaultHasher::new();
        marker.content().hash(&mut hasher);
        let hash = hasher.finish();
        if self.markers.contains(&hash) {
            return false;
        }
        if self.markers.len() >= MARKERS {
            self.markers.pop_front();
        }
        self.markers.push_back(hash);
        true
    }
}

/// A client's report of itself, as opposed to a thing on its map: it names its software, its team or its endpoint.
fn is_self_report(event: &Event) -> bool {
    let d = &event.detail;
    d.takv().is_some() || d.group().is_some() || d.contact().is_some_and(|c| c.endpoint.is_some())
}

/// Who a chat event says it is from: the parent link, else the first of the group.
fn sender(event: &Event, chat: &super::detail::Chat) -> Option<String> {
    let linked = event.detail.links().find(|l| l.relation.as_deref() == Some("p-p")).map(|l| l.uid);
    linked.or_else(|| chat.members.first().cloned())
}

#[cfg(test)]
mod tests {
    use super::{super::detail::*, *};
    use proptest::prelude::*;

    const T0: f64 = 1_700_000_000.0;

    fn at(s: f64) -> Time {
        Time::from_unix_s(T0 + s).unwrap()
    }

    fn sa(uid: &str, made: f64) -> Event {
        let mut e = Event::new(uid, "a-f-G-U-C", "m-g", at(made), 60.0);
        e.point.lat_deg = Some(31.76);
        e.point.lon_deg = Some(-106.49);
        e.point.ce_m = Some(10.0);
        let contact = Contact { callsign: Some("RAVEN".into()), endpoint: Some("*:-1:stcp".into()) };
        e.detail = e.detail.with(contact);
        e
    }

    fn chat(from: &str, kind: &str, element: &str, message_id: &str, text: &str) -> Event {
        let mut e = Event::new(message_id, kind, "h-g-i-g-o", at(0.0), 60.0);
        let chat = Chat {
            id: Some("skypicket".into()),
            message_id: Some(message_id.into()),
            members: vec![from.into(), "skypicket".into()],
            ..Chat::default()
        };
        let link = Link { uid: from.into(), kind: None, relation: Some("p-p".into()) };
        e.detail = e.detail.with(chat.element(element)).with(link);
        e.detail = e.detail.with(Remarks { text: text.into(), ..Remarks::default() });
        e
    }

    fn feed(session: &mut Session, event: &Event, now: f64) -> Vec<Output> {
        let mut out = Vec::new();
        session.feed(&event.stream_bytes(), at(now), &mut out).unwrap();
        out
    }

    fn bound() -> Session {
        let mut s = Session::new();
        feed(&mut s, &sa("ANDROID-1", 0.0), 0.0);
        s
    }

    #[test]
    fn the_first_self_report_says_who_it_is_and_others_names_are_not_taken() {
        let mut s = Session::new();
        let first = feed(&mut s, &sa("ANDROID-1", 0.0), 0.1);
        assert_eq!(first[0], Output::Hello { uid: "ANDROID-1".into(), callsign: Some("RAVEN".into()) });
        let Output::Position(p) = &first[1] else { panic!("{first:?}") };
        assert_eq!((p.ce_m, p.observed_at), (Some(10.0), at(0.1)));
        assert_eq!(feed(&mut s, &sa("ANDROID-2", 1.0), 1.0), [Output::NotOwn { uid: "ANDROID-2".into() }]);
        assert_eq!(
            feed(&mut s, &chat("ANDROID-2", "b-t-f", "__chat", "m", "hi"), 1.0),
            [Output::NotOwn { uid: "ANDROID-2".into() }]
        );
    }

    #[test]
    fn nothing_is_taken_before_the_client_said_who_it_is() {
        let mut s = Session::new();
        assert!(matches!(
            feed(&mut s, &chat("ANDROID-1", "b-t-f", "__chat", "m", "hi"), 0.0)[..],
            [Output::NotOwn { .. }]
        ));
    }

    #[test]
    fn a_wrong_clock_does_no_harm_and_a_queued_report_keeps_its_age() {
        let mut s = Session::new();
        let observed = |out: &[Output]| {
            out.iter().find_map(|o| if let Output::Position(p) = o { Some(p.observed_at) } else { None }).unwrap()
        };
        // The device is an hour slow and delivery takes 0.2 s.
        assert_eq!(observed(&feed(&mut s, &sa("A", -3600.0), 0.2)), at(0.2));
        assert_eq!(observed(&feed(&mut s, &sa("A", -3590.0), 10.2)), at(10.2));
        // This one waited 30 s.
        assert_eq!(observed(&feed(&mut s, &sa("A", -3580.0), 50.2)), at(20.2));
        // Its clock is set right: never in the future.
        assert_eq!(observed(&feed(&mut s, &sa("A", 60.0), 60.1)), at(60.1));
    }

    #[test]
    fn a_client_without_a_fix_is_not_at_zero() {
        let mut e = sa("A", 0.0);
        e.point = super::super::Point { lat_deg: Some(0.0), lon_deg: Some(0.0), ..Default::default() };
        assert!(matches!(feed(&mut Session::new(), &e, 0.0)[..], [Output::Hello { .. }, Output::NoFix]));
    }

    #[test]
    fn chat_and_receipts_come_out_with_their_message() {
        let mut s = bound();
        assert_eq!(
            feed(&mut s, &chat("ANDROID-1", "b-t-f", "__chat", "m-1", "ok 4711"), 1.0),
            [Output::Chat(ChatMessage {
                message_id: Some("m-1".into()),
                to: "skypicket".into(),
                text: "ok 4711".into()
            })]
        );
        for (kind, shown) in [("b-t-f-d", false), ("b-t-f-r", true)] {
            assert_eq!(
                feed(&mut s, &chat("ANDROID-1", kind, "__chatreceipt", "d-1", ""), 1.0),
                [Output::Receipt(ChatReceipt { message_id: "d-1".into(), shown })]
            );
        }
        assert_eq!(
            feed(&mut s, &chat("ANDROID-1", "b-t-f-p", "__chatreceipt", "d", ""), 1.0),
            [Output::Other { kind: "b-t-f-p".into() }]
        );
    }

    #[test]
    fn a_ping_is_answered() {
        let out = feed(&mut Session::new(), &Event::new("A-ping", "t-x-c-t", "m-g", at(0.0), 20.0), 5.0);
        let [Output::Reply(bytes)] = &out[..] else { panic!("{out:?}") };
        let pong = Event::parse(bytes).unwrap();
        assert_eq!((pong.uid.as_str(), pong.kind.as_str(), pong.time), ("A-ping", "t-x-c-t-r", at(5.0)));
    }

    #[test]
    fn an_emergency_is_said_once_and_only_its_cancel_ends_it() {
        let mut s = bound();
        let mut alert = Event::new("ANDROID-1-9-1-1", "b-a-o-tbl", "m-g", at(1.0), 10.0);
        alert.detail = alert
            .detail
            .with(Link { uid: "ANDROID-1".into(), kind: None, relation: Some("p-p".into()) })
            .with(super::super::Element::new("emergency").with("type", "911 Alert").with_text("RAVEN"));
        let mut cancel = Event::new("ANDROID-1-9-1-1", "b-a-o-can", "m-g", at(2.0), 10.0);
        cancel.detail = cancel.detail.with(super::super::Element::new("emergency").with("cancel", "true"));
        assert!(feed(&mut s, &cancel, 1.0).is_empty());
        assert!(matches!(&feed(&mut s, &alert, 1.0)[..], [Output::Emergency { cancel: false, .. }]));
        assert!(feed(&mut s, &alert, 2.0).is_empty());
        assert!(matches!(&feed(&mut s, &cancel, 3.0)[..], [Output::Emergency { cancel: true, .. }]));
        let mut foreign = alert.clone();
        foreign.uid = "X-9-1-1".into();
        if let Some(super::super::Element { attributes, .. }) = foreign.detail.elements.first_mut() {
            attributes[0].1 = "X".into();
        }
        assert!(matches!(&feed(&mut s, &foreign, 4.0)[..], [Output::NotOwn { .. }]));
    }

    #[test]
    fn a_bad_event_is_refused_and_the_next_one_taken() {
        let mut s = bound();
        let mut bytes = b"<event version='2.0' uid='X'/>".to_vec();
        bytes.extend(sa("ANDROID-1", 5.0).stream_bytes());
        let mut out = Vec::new();
        s.feed(&bytes, at(5.0), &mut out).unwrap();
        assert!(
            matches!(&out[..], [Output::Refused { error, sample, .. }, Output::Position(_)]
                if error.kind == "cot_field" && sample.starts_with(b"<event")),
            "{out:?}"
        );
        let mut out = Vec::new();
        assert!(s.feed(b"<!DOCTYPE x>", at(5.0), &mut out).is_err());
        assert!(s.feed(&sa("ANDROID-1", 5.0).stream_bytes(), at(5.0), &mut out).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), chunk in 1..30usize) {
            let mut s = bound();
            let mut out = Vec::new();
            for piece in bytes.chunks(chunk) {
                let _ = s.feed(piece, at(1.0), &mut out);
            }
        }

        /// Any cut of the bytes gives the same.
        #[test]
        fn chunking_changes_nothing(chunk in 1..600usize) {
            let events = [sa("A", 0.0), chat("A", "b-t-f", "__chat", "m", "hello"), sa("A", 1.0)];
            let bytes: Vec<u8> = events.iter().flat_map(Event::stream_bytes).collect();
            let (mut whole, mut parts) = (Vec::new(), Vec::new());
            Session::new().feed(&bytes, at(2.0), &mut whole).unwrap();
            let mut s = Session::new();
            for piece in bytes.chunks(chunk) {
                s.feed(piece, at(2.0), &mut parts).unwrap();
            }
            prop_assert_eq!(whole.len(), 4);
            prop_assert_eq!(whole, parts);
        }
    }
}
