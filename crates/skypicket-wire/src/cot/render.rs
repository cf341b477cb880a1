//! Makes events of what the centre knows: tracks, the end of a track, warnings as chat, and answers to clients.
//!
//! Pure functions. An unidentified track is `u`, never `h`, until a person decides; a track's event says how sure it is
//! (`ce`, `le` as 90 % values) and never where an operator is. In an exercise `opex` is `e-NAME` and every name and text
//! begins with EXERCISE.

use super::{
    detail::{Chat, Contact, Link, Motion, Remarks},
    event::{Event, Point, write_time},
};
use skypicket_model::{
    DeliveryId, Notice, Place, Time, Track, TrackId, TrackState, geo::bearing_deg, kinematics::AirClass,
    observation::IdKind, track::Affiliation,
};

/// From one sigma to 90 % for a circular normal error.
pub const CE90: f64 = 2.146;
/// From one sigma to 90 % for a linear normal error.
pub const LE90: f64 = 1.645;
/// How long a track's event is valid, seconds.
pub const TRACK_VALID_S: f64 = 15.0;
/// How long a chat message or receipt is valid, seconds.
const CHAT_VALID_S: f64 = 86_400.0;
/// How long the centre's own event is valid, seconds.
const CENTRE_VALID_S: f64 = 600.0;
/// How long an answer to a ping is valid, seconds.
const PONG_VALID_S: f64 = 20.0;

/// The centre as it appears to TAK clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Centre {
    /// Its uid.
    pub uid: String,
    /// Its name.
    pub callsign: String,
    /// Name of the exercise; `None` is live.
    pub exercise: Option<String>,
}

impl Centre {
    /// `e-NAME` in an exercise, `o` live.
    pub fn opex(&self) -> String {
        self.exercise.as_ref().map_or_else(|| "o".to_owned(), |name| format!("e-{name}"))
    }

    fn mark(&self, text: &str) -> String {
        match &self.exercise {
            Some(_) if !(text.starts_with("EXERCISE") || text.starts_with("EJERCICIO")) => format!("EXERCISE {text}"),
            _ => text.to_owned(),
        }
    }
}

/// The uid of a track's events.
pub fn track_uid(track: TrackId) -> String {
    format!("skypicket.track.{track}")
}

/// A track as a CoT type: dimension air, military drone of its class, affiliation as a person or a filed flight says.
pub fn track_type(track: &Track) -> &'static str {
    /// One row an affiliation: rotary, fixed wing, other.
    const fn row(a: Affiliation) -> [&'static str; 3] {
        match a {
            Affiliation::Unknown => ["a-u-A-M-H-Q", "a-u-A-M-F-Q", "a-u-A"],
            Affiliation::Own => ["a-f-A-M-H-Q", "a-f-A-M-F-Q", "a-f-A"],
            Affiliation::Neutral => ["a-n-A-M-H-Q", "a-n-A-M-F-Q", "a-n-A"],
            Affiliation::Suspect => ["a-s-A-M-H-Q", "a-s-A-M-F-Q", "a-s-A"],
            Affiliation::Hostile => ["a-h-A-M-H-Q", "a-h-A-M-F-Q", "a-h-A"],
        }
    }
    let [rotary, fixed, other] = row(track.affiliation);
    match track.class {
        Some(AirClass::Rotor | AirClass::Fpv) | None => rotary,
        Some(AirClass::FixedWing) => fixed,
        Some(AirClass::Crewed | AirClass::Bird) => other,
    }
}

/// A track's event; for a track that ended, the event that deletes it.
///
/// `show_serial` puts its likeliest serial number into the remarks: only for readers who may see it.
pub fn track_event(track: &Track, centre: &Centre, show_serial: bool, now: Time) -> Event {
    if track.state == TrackState::Deleted {
        return delete_event(&track_uid(track.id), track_type(track), centre, now);
    }
    let mut event = Event::new(track_uid(track.id), track_type(track), "m-f", now, TRACK_VALID_S);
    event.start = track.at.min(now);
    event.opex = Some(centre.opex());
    let [[ee, en, _], [_, nn, _], [_, _, uu]] = track.cov_enu_m2;
    // The longer axis of the ellipse: a circle with its 90 % radius holds at least 90 %.
    let major = f64::midpoint(ee, nn) + libm::hypot((ee - nn) / 2.0, en);
    let tenth = |v: f64| libm::ceil(v * 10.0) / 10.0;
    event.point = Point {
        ce_m: Some(tenth(CE90 * libm::sqrt(major.max(0.0)))).filter(|v| v.is_finite()),
        le_m: track.place.alt_hae_m.map(|_| tenth(LE90 * libm::sqrt(uu.max(0.0)))).filter(|v| v.is_finite()),
        ..Point::of(track.place)
    };
    let [east, north, up] = track.vel_enu_mps;
    let short: String = track.id.to_string().chars().take(4).collect();
    let callsign = centre.mark(&format!("UAS {}", short.to_ascii_uppercase()));
    event.detail = event
        .detail
        .with(Contact { callsign: Some(callsign), endpoint: None })
        .with(Motion { speed_mps: Some(libm::hypot(east, north)), course_deg: Some(bearing_deg(east, north)) })
        .with(Remarks { text: centre.mark(&track_words(track, up, show_serial)), ..Remarks::default() });
    event
}

fn track_words(track: &Track, up_mps: f64, show_serial: bool) -> String {
    let mut words = Vec::new();
    let kind = match track.class {
        Some(AirClass::Rotor) => "Multirotor drone",
        Some(AirClass::Fpv) => "FPV drone",
        Some(AirClass::FixedWing) => "Fixed-wing drone",
        Some(AirClass::Crewed) => "Crewed aircraft",
        Some(AirClass::Bird) => "Bird",
        None => "Drone of unknown kind",
    };
    let state = if track.state == TrackState::Tentative { ", not confirmed" } else { "" };
    words.push(format!("{kind}{state}"));
    match track.affiliation {
        Affiliation::Own => words.push("own flight".into()),
        Affiliation::Neutral => words.push("judged harmless".into()),
        Affiliation::Suspect => words.push("judged suspect".into()),
        Affiliation::Hostile => words.push("judged hostile".into()),
        Affiliation::Unknown => {}
    }
    if track.suspect {
        words.push("its own data do not fit together".into());
    }
    if track.by_people_only {
        words.push("seen by people only".into());
    }
    match (track.place.alt_hae_m, track.height_takeoff_m) {
        (Some(_), _) if libm::fabs(up_mps) >= 1.0 => {
            words.push(format!("{} {:.0} m/s", if up_mps > 0.0 { "climbing" } else { "sinking" }, libm::fabs(up_mps)));
        }
        (Some(_), _) => {}
        (None, Some(h)) => words.push(format!("height unknown, claims {h:.0} m above take-off")),
        (None, None) => words.push("height unknown".into()),
    }
    if show_serial && let Some(id) = track.id_of(IdKind::Serial) {
        words.push(format!("claims serial {}", id.value));
    }
    words.join("; ")
}

/// The event that takes another off the map.
pub fn delete_event(uid: &str, kind: &str, centre: &Centre, now: Time) -> Event {
    let mut event = Event::new(format!("{uid}.delete"), "t-x-d-d", "m-g", now, TRACK_VALID_S);
    event.opex = Some(centre.opex());
    let link = Link { uid: uid.to_owned(), kind: Some(kind.to_owned()), relation: Some("p-p".into()) };
    event.detail = event.detail.with(link).with(super::xml::Element::new("__forcedelete"));
    event
}

/// A line of chat from the centre to one client. The client answers receipts with `message_id`.
pub fn chat_event(message_id: &str, to_uid: &str, to_callsign: &str, text: &str, centre: &Centre, now: Time) -> Event {
    let uid = format!("GeoChat.{}.{to_uid}.{message_id}", centre.uid);
    let mut event = Event::new(uid, "b-t-f", "h-g-i-g-o", now, CHAT_VALID_S);
    event.opex = Some(centre.opex());
    let chat = Chat {
        id: Some(to_uid.to_owned()),
        message_id: Some(message_id.to_owned()),
        chatroom: Some(to_callsign.to_owned()),
        sender_callsign: Some(centre.mark(&centre.callsign)),
        parent: Some("RootContactGroup".into()),
        group_owner: Some("false".into()),
        members: vec![centre.uid.clone(), to_uid.to_owned()],
    };
    let link = Link { uid: centre.uid.clone(), kind: Some("a-f-G-U-C".into()), relation: Some("p-p".into()) };
    event.detail = event.detail.with(chat.element("__chat")).with(link).with(Remarks {
        source: Some(format!("BAO.F.ATAK.{}", centre.uid)),
        to: Some(to_uid.to_owned()),
        time: Some(write_time(now)),
        text: centre.mark(text),
    });
    event
}

/// A warning as a line of chat: the message id is the delivery's, so that receipts find it and a repeat is folded.
/// `text` is what to say in the reader's language; the code that acknowledges it is added where it is needed and not
/// there yet.
pub fn notice_chat(
    notice: &Notice,
    delivery: DeliveryId,
    to_uid: &str,
    to_callsign: &str,
    text: &str,
    centre: &Centre,
    now: Time,
) -> Event {
    let mut text = text.to_owned();
    if notice.needs_ack && !text.contains(&notice.code) {
        text = format!("{text} [{}]", notice.code);
    }
    chat_event(&delivery.to_string(), to_uid, to_callsign, &text, centre, now)
}

/// The centre as a contact on clients' maps and lists, so that they can write to it.
pub fn centre_event(centre: &Centre, at: Place, now: Time) -> Event {
    let mut event = Event::new(centre.uid.as_str(), "a-f-G-U-C", "h-e", now, CENTRE_VALID_S);
    event.opex = Some(centre.opex());
    event.point = Point::of(at);
    let contact = Contact { callsign: Some(centre.mark(&centre.callsign)), endpoint: Some("*:-1:stcp".into()) };
    event.detail = event.detail.with(contact);
    event
}

/// The answer to a client's ping.
pub fn pong(uid: &str, now: Time) -> Event {
    Event::new(uid, "t-x-c-t-r", "m-g", now, PONG_VALID_S)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use skypicket_model::{ObservationId, SourceId, track::TrackIdentity};

    pub(crate) fn track() -> Track {
        Track {
            id: TrackId(uuid::Uuid::from_u128(0xabcd_0000_0000_8000_8000_0000_0000_0001)),
            state: TrackState::Confirmed,
            at: Time::from_unix_s(1_700_000_000.25).unwrap(),
            measured_at: Time::from_unix_s(1_700_000_000.0).unwrap(),
            since: Time::from_unix_s(1_699_999_990.0).unwrap(),
            place: Place { lat_deg: 31.76, lon_deg: -106.49, alt_hae_m: Some(1_250.5) },
            vel_enu_mps: [3.0, 4.0, -2.0],
            cov_enu_m2: [[100.0, 0.0, 0.0], [0.0, 25.0, 0.0], [0.0, 0.0, 16.0]],
            vel_cov_enu: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            cross_cov_enu: [[0.0; 3]; 3],
            existence: 0.99,
            ids: vec![TrackIdentity { kind: IdKind::Serial, value: "1ABC<&>".into(), p: 0.9 }],
            class: Some(AirClass::Rotor),
            class_p: 0.9,
            affiliation: Affiliation::Unknown,
            suspect: false,
            evidence: vec![],
            sources: vec![SourceId::new("rid-1").unwrap()],
            because: vec![ObservationId(uuid::Uuid::from_u128(1))],
            height_takeoff_m: Some(30.0),
            by_people_only: false,
            decided: None,
            lineage: Vec::new(),
        }
    }

    pub(crate) fn centre(exercise: Option<&str>) -> Centre {
        Centre { uid: "skypicket".into(), callsign: "PICKET".into(), exercise: exercise.map(str::to_owned) }
    }

    fn now() -> Time {
        Time::from_unix_s(1_700_000_000.5).unwrap()
    }

    #[test]
    fn a_track_says_what_is_known_and_nothing_more() {
        insta::assert_snapshot!(track_event(&track(), &centre(None), false, now()).write(), @r#"<event version="2.0" uid="skypicket.track.abcd0000-0000-8000-8000-000000000001" type="a-u-A-M-H-Q" time="2023-11-14T22:13:20.500Z" start="2023-11-14T22:13:20.250Z" stale="2023-11-14T22:13:35.500Z" how="m-f" opex="o"><point lat="31.76" lon="-106.49" hae="1250.5" ce="21.5" le="6.6"/><detail><contact callsign="UAS ABCD"/><track speed="5.00" course="36.87"/><remarks>Multirotor drone; sinking 2 m/s</remarks></detail></event>"#);
    }

    #[test]
    fn in_an_exercise_every_name_and_text_says_so() {
        let own = Track {
            affiliation: Affiliation::Own,
            class: Some(AirClass::FixedWing),
            place: Place { alt_hae_m: None, ..track().place },
            ..track()
        };
        insta::assert_snapshot!(track_event(&own, &centre(Some("first-light")), true, now()).write(), @r#"<event version="2.0" uid="skypicket.track.abcd0000-0000-8000-8000-000000000001" type="a-f-A-M-F-Q" time="2023-11-14T22:13:20.500Z" start="2023-11-14T22:13:20.250Z" stale="2023-11-14T22:13:35.500Z" how="m-f" opex="e-first-light"><point lat="31.76" lon="-106.49" hae="9999999.0" ce="21.5" le="9999999.0"/><detail><contact callsign="EXERCISE UAS ABCD"/><track speed="5.00" course="36.87"/><remarks>EXERCISE Fixed-wing drone; own flight; height unknown, claims 30 m above take-off; claims serial 1ABC&lt;&amp;&gt;</remarks></detail></event>"#);
    }

    #[test]
    fn an_ended_track_is_taken_off_the_map() {
        let ended = Track { state: TrackState::Deleted, ..track() };
        insta::assert_snapshot!(track_event(&ended, &centre(None), false, now()).write(), @r#"<event version="2.0" uid="skypicket.track.abcd0000-0000-8000-8000-000000000001.delete" type="t-x-d-d" time="2023-11-14T22:13:20.500Z" start="2023-11-14T22:13:20.500Z" stale="2023-11-14T22:13:35.500Z" how="m-g" opex="o"><point lat="0" lon="0" hae="9999999.0" ce="9999999.0" le="9999999.0"/><detail><link uid="skypicket.track.abcd0000-0000-8000-8000-000000000001" type="a-u-A-M-H-Q" relation="p-p"/><__forcedelete/></detail></event>"#);
    }

    #[test]
    fn chat_goes_to_one_client_under_the_id_of_its_delivery() {
        let event = chat_event("m-1", "ANDROID-1", "RAVEN", "Drone 300 m NE. Reply 4711", &centre(Some("x")), now());
        insta::assert_snapshot!(event.write(), @r#"<event version="2.0" uid="GeoChat.skypicket.ANDROID-1.m-1" type="b-t-f" time="2023-11-14T22:13:20.500Z" start="2023-11-14T22:13:20.500Z" stale="2023-11-15T22:13:20.500Z" how="h-g-i-g-o" opex="e-x"><point lat="0" lon="0" hae="9999999.0" ce="9999999.0" le="9999999.0"/><detail><__chat id="ANDROID-1" messageId="m-1" chatroom="RAVEN" senderCallsign="EXERCISE PICKET" parent="RootContactGroup" groupOwner="false"><chatgrp id="ANDROID-1" uid0="skypicket" uid1="ANDROID-1"/></__chat><link uid="skypicket" type="a-f-G-U-C" relation="p-p"/><remarks source="BAO.F.ATAK.skypicket" to="ANDROID-1" time="2023-11-14T22:13:20.500Z">EXERCISE Drone 300 m NE. Reply 4711</remarks></detail></event>"#);
        assert_eq!(event.detail.chat().unwrap().members, ["skypicket", "ANDROID-1"]);
    }

    #[test]
    fn the_type_is_hostile_only_when_a_person_decided() {
        for (affiliation, class, expect) in [
            (Affiliation::Unknown, None, "a-u-A-M-H-Q"),
            (Affiliation::Unknown, Some(AirClass::Fpv), "a-u-A-M-H-Q"),
            (Affiliation::Unknown, Some(AirClass::FixedWing), "a-u-A-M-F-Q"),
            (Affiliation::Unknown, Some(AirClass::Bird), "a-u-A"),
            (Affiliation::Own, Some(AirClass::Rotor), "a-f-A-M-H-Q"),
            (Affiliation::Hostile, Some(AirClass::Rotor), "a-h-A-M-H-Q"),
        ] {
            assert_eq!(track_type(&Track { affiliation, class, ..track() }), expect);
        }
    }

    #[test]
    fn neither_operator_nor_serial_is_said_unasked() {
        let xml = track_event(&track(), &centre(None), false, now()).write();
        assert!(!xml.contains("1ABC"), "{xml}");
        assert!(track_event(&track(), &centre(None), true, now()).write().contains("1ABC&lt;&amp;&gt;"));
    }
}
