//! What tests share: folders, and entries of every kind.

#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // small numbers, made here

use skypicket_model::{
    Access, Act, Agency, AgencyId, AlarmChange, AlarmId, AlarmState, Body, Channel, Claims, Deed, Delivery, DeliveryId,
    DeskEvent, Directory, DirectoryChange, DispatchEvent, Duty, Entry, LatLon, Level, LogId, Marking, Measurement,
    Notice, NoticeId, NoticeState, Observation, ObservationId, Person, PersonId, Place, Position, ProtectedId,
    ProviderResult, Reached, Request, RequestId, Role, Roster, ShiftChange, Sighting, SightingId, SightingState,
    Signal, SourceId, Time, Track, TrackId, TrackState, Unit, UnitId, Verdict,
    delivery::{Outcome, Rule},
    entry::{ActEntry, Configured, Snapshot, Started, Upkeep},
    notice::NoticeFacts,
    observation::{IdClaim, IdKind},
    people::Language,
    sighting::{Activity, DroneKind, RangeClass},
    track::Affiliation,
};
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};
use uuid::Uuid;

/// A folder of a test's own, gone afterwards.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("skypicket-record-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn t(s: i64) -> Time {
    Time::from_micros(1_790_000_000_000_000 + s * 1_000_000)
}

pub(crate) fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub(crate) fn person(n: usize) -> PersonId {
    PersonId::new(&format!("agent-{n}")).unwrap()
}

pub(crate) fn observation(n: u128) -> Observation {
    Observation {
        id: ObservationId(uuid(n)),
        source: SourceId::new("receiver-1").unwrap(),
        observed_at: t(0),
        received_at: t(0),
        measurement: Measurement::Position {
            at: Place { lat_deg: 31.76 + n as f64 * 1e-5, lon_deg: -106.49, alt_hae_m: Some(1_200.0) },
            cov_enu_m2: [[225.0, 0.0, 0.0], [0.0, 225.0, 0.0], [0.0, 0.0, 400.0]],
        },
        claims: Claims {
            ids: vec![IdClaim { kind: IdKind::Serial, value: "1581F4QZB2236003C1AN".into() }],
            velocity_enu_mps: Some([3.5, -1.25, 0.0]),
            claimed_at: Some(t(0)),
            ..Claims::default()
        },
        signal: Signal { transport: Some("wifi_beacon".into()), rssi_dbm: Some(-71.0), ..Signal::default() },
        sighting: None,
        flags: vec!["accuracy_unknown".into()],
    }
}

pub(crate) fn observations(from: u128, n: u128) -> Body {
    Body::Observations { items: (from..from + n).map(observation).collect() }
}

pub(crate) fn sighting(n: u128, by: usize, lat_deg: f64) -> Sighting {
    Sighting {
        id: SightingId(uuid(0x5000 + n)),
        reporter: person(by),
        from: Place { lat_deg, lon_deg: -106.49, alt_hae_m: None },
        from_accuracy_m: 8.0,
        bearing: None,
        range: RangeClass::To300,
        elevation_deg: Some(20.0),
        kind: DroneKind::Multirotor,
        count: None,
        activity: Activity::default(),
        lights: Some(true),
        sound: None,
        payload: None,
        words: "low, coming over the wash".into(),
        first_seen: t(n as i64),
        last_seen: t(n as i64),
        marking: Marking::default(),
    }
}

pub(crate) fn sighting_state(n: u128, by: usize, lat_deg: f64, verdict: Verdict) -> Body {
    Body::Desk(DeskEvent::Sighting {
        state: Box::new(SightingState {
            sighting: sighting(n, by, lat_deg),
            stored_at: t(n as i64),
            verdict,
            decided_by: None,
            decided_at: None,
            why: String::new(),
            leaders: vec![person(0)],
            seen_by_centre: Some((person(9), t(n as i64))),
            seen_by_leadership: None,
            retracted_at: None,
            track: None,
        }),
    })
}

pub(crate) fn request(n: u128) -> Request {
    Request {
        id: RequestId(uuid(0x7000 + n)),
        sha256: format!("{n:064x}"),
        status: 201,
        answer: format!("{{\"id\":{n}}}"),
    }
}

pub(crate) fn act(by: usize, request: Option<Request>, act: Act) -> Body {
    Body::Act(ActEntry { by: person(by), via: "web".into(), request, act })
}

pub(crate) fn report(n: u128, by: usize) -> Body {
    act(by, Some(request(n)), Act::Sighting { sighting: Box::new(sighting(n, by, 31.76)) })
}

pub(crate) fn notice(n: u128, version: u32, state: NoticeState) -> Body {
    Body::Notice(Box::new(Notice {
        id: NoticeId(uuid(0x9000 + n)),
        version,
        state,
        level: Level::Caution,
        at: t(n as i64),
        needs_ack: true,
        marking: Marking::default(),
        exercise: None,
        code: "4711".into(),
        text: "Drone 810 m west".into(),
        text_es: "Dron a 810 m al oeste".into(),
        expires_at: None,
        about: skypicket_model::About::Warning(skypicket_model::Warning {
            track: TrackId(uuid(0xA000 + n)),
            protected: ProtectedId::Person(person(1)),
            protected_name: "Agent 1".into(),
            facts: NoticeFacts {
                distance_m: 812.5,
                bearing_deg: 271.0,
                earliest_s: 19.0,
                cpa_m: 40.0,
                p_within_30: 0.25,
                track_at: LatLon { lat_deg: 31.77, lon_deg: -106.5 },
                height_unknown: true,
                by_people_only: false,
            },
            reasons: vec!["within_30_s".into()],
            because: vec![ObservationId(uuid(n))],
        }),
    }))
}

pub(crate) fn delivery(n: u128, of: u128, to: usize, reached: Reached) -> Delivery {
    Delivery {
        id: DeliveryId(uuid(0xB000 + n)),
        notice: NoticeId(uuid(0x9000 + of)),
        version: 1,
        person: person(to),
        channel: Channel::Web,
        reached,
        attempts: 1,
        may_repeat: false,
        trouble: None,
        reminder: 0,
    }
}

pub(crate) fn track(n: u128, at: Time) -> Track {
    Track {
        id: TrackId(uuid(0xA000 + n)),
        state: TrackState::Confirmed,
        at,
        measured_at: at,
        since: t(0),
        place: Place { lat_deg: 31.77, lon_deg: -106.5, alt_hae_m: None },
        vel_enu_mps: [4.0, 0.5, 0.0],
        cov_enu_m2: [[30.0, 1.0, 0.0], [1.0, 25.0, 0.0], [0.0; 3]],
        vel_cov_enu: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0; 3]],
        cross_cov_enu: [[0.0; 3]; 3],
        existence: 0.97,
        ids: Vec::new(),
        class: None,
        class_p: 0.0,
        affiliation: Affiliation::Unknown,
        suspect: false,
        evidence: Vec::new(),
        sources: vec![SourceId::new("receiver-1").unwrap()],
        because: vec![ObservationId(uuid(1))],
        height_takeoff_m: Some(60.0),
        by_people_only: false,
        decided: None,
        lineage: Vec::new(),
    }
}

/// One body of every kind and dispatch event, in an order that could be.
pub(crate) fn every_kind(log: LogId) -> Vec<Body> {
    let (n, p) = (NoticeId(uuid(0x9001)), person(1));
    let dispatch = Body::Dispatch;
    vec![
        Body::Started(Started { log, software: "0.1.0".into(), engines: 1, exercise: None }),
        Body::Configured(Configured {
            directory: Directory::default(),
            policies: [("warn".to_owned(), "{\"standoff_m\":150}".to_owned())].into(),
        }),
        observations(1, 3),
        Body::Positions {
            items: vec![Position {
                person: person(1),
                at: Place { lat_deg: 31.76, lon_deg: -106.49, alt_hae_m: None },
                accuracy_m: 5.0,
                observed_at: t(1),
                via: SourceId::new("web").unwrap(),
            }],
        },
        report(1, 1),
        sighting_state(1, 1, 31.76, Verdict::New),
        sighting_state(1, 1, 31.76, Verdict::Confirmed),
        act(1, Some(request(2)), Act::Retract { sighting: SightingId(uuid(0x5001)) }),
        act(1, None, Act::Conflict { request: RequestId(uuid(0x7001)), body: "{\"other\":1}".into() }),
        Body::Reach { person: person(1), channel: Channel::Tak, up: true },
        Body::Shed { counts: [(SourceId::new("radar-1").unwrap(), 12)].into(), taken: false },
        Body::Unrecorded { first: 3, last: 5 },
        Body::Tick,
        Body::Tracks { items: vec![track(1, t(2)), track(2, t(2))] },
        notice(1, 1, NoticeState::Raised),
        dispatch(DispatchEvent::Recipients {
            notice: n,
            version: 1,
            people: vec![(person(2), Rule::InDanger), (person(1), Rule::Centre)],
        }),
        dispatch(DispatchEvent::Attempt { delivery: delivery(1, 1, 1, Reached::Sent) }),
        Body::Provider(ProviderResult { delivery: DeliveryId(uuid(0xB001)), attempt: 1, outcome: Outcome::Accepted }),
        dispatch(DispatchEvent::Moved { delivery: delivery(1, 1, 1, Reached::Shown) }),
        act(1, Some(request(3)), Act::Acknowledge { notice: n, version: 1, channel: Channel::Web }),
        dispatch(DispatchEvent::Acknowledged {
            notice: n,
            version: 1,
            person: p,
            at: t(3),
            via: Channel::Web,
            by: None,
        }),
        dispatch(DispatchEvent::Escalated {
            notice: n,
            version: 1,
            person: person(2),
            to: Some(person(3)),
            at: t(4),
            level: Level::Urgent,
        }),
        dispatch(DispatchEvent::Silent { notice: n, version: 1, person: person(3), at: t(5) }),
        notice(1, 2, NoticeState::Cleared),
        dispatch(DispatchEvent::Closed { notice: n, version: 2 }),
        Body::Snapshot(Snapshot {
            engines: 1,
            state: [("track".to_owned(), (0..=255).collect()), ("warn".to_owned(), vec![])].into(),
        }),
        Body::Tracks { items: Vec::new() },
        Body::Observations { items: Vec::new() },
        Body::Access {
            items: vec![
                Access::once(Some(person(1)), Deed::ReadPositions, "GET /api/v1/people", t(1)).about(person(2)),
                Access::once(Some(person(1)), Deed::ReadPositions, "GET /api/v1/events, everybody", t(1)),
                Access::once(None, Deed::SignInRefused, "agent-9", t(1)),
            ],
        },
        act(9, Some(request(4)), Act::Directory { changes: directory_changes() }),
        act(2, Some(request(5)), Act::TakeAlarm { alarms: vec![AlarmId::Notice(n)], why: String::new() }),
        Body::Desk(DeskEvent::Alarm { state: Box::new(alarm(AlarmId::Notice(n), AlarmChange::Taken)) }),
        act(2, Some(request(6)), Act::HandBack { alarms: vec![AlarmId::Notice(n)], why: "called away".into() }),
        act(3, Some(request(7)), Act::TakeOver { from: person(2), note: "quiet night".into() }),
        Body::Desk(DeskEvent::Shift { change: shift() }),
        Body::Reach { person: person(2), channel: Channel::Push, up: true },
        Body::Upkeep(Upkeep::BackedUp {
            id: "018f0000-0000-7000-8000-000000000001".into(),
            entries: 30,
            to: "/media/stick/backup.age".into(),
            recipients: vec!["age1x".into()],
        }),
        Body::Upkeep(Upkeep::Forgot { before: [("acts".to_owned(), t(-9))].into() }),
        Body::Upkeep(Upkeep::Purged {
            items: [("positions".to_owned(), 3)].into(),
            at: t(9),
            by: Some(person(9)),
            backups: vec!["018f0000-0000-7000-8000-000000000001".into()],
            report: None,
        }),
        Body::Upkeep(Upkeep::Restored {
            id: "018f0000-0000-7000-8000-000000000001".into(),
            entries: 30,
            made_at: t(8),
        }),
    ]
}

fn alarm(alarm: AlarmId, how: AlarmChange) -> AlarmState {
    AlarmState {
        alarm,
        holder: Some(person(2)),
        since: t(6),
        how,
        level: Some(Level::Urgent),
        gone_at: None,
        before: None,
        why: String::new(),
    }
}

fn shift() -> ShiftChange {
    ShiftChange { by: person(3), from: person(2), note: "quiet night".into(), at: t(7), alarms: 1, shelved: 0 }
}

fn directory_changes() -> Vec<DirectoryChange> {
    let (agency, unit) = (AgencyId::new("north").unwrap(), UnitId::new("watch-desk").unwrap());
    let someone = Person {
        id: person(2),
        name: "Agent 2".into(),
        unit: unit.clone(),
        roles: [Role::Watch].into(),
        channels: vec![Channel::Web, Channel::Push],
        addresses: skypicket_model::people::Addresses::default(),
        subscriptions: Vec::new(),
        tak_uid: None,
        language: Language::Es,
        disabled: true,
    };
    vec![
        DirectoryChange::PutAgency { agency: Agency { id: agency.clone(), name: "North".into() } },
        DirectoryChange::PutUnit {
            unit: Unit { id: unit.clone(), name: "Watch desk".into(), agency, leadership: vec![person(2)] },
        },
        DirectoryChange::PutPerson { person: someone },
        DirectoryChange::PutRoster {
            roster: Roster {
                id: UnitId::new("nights").unwrap(),
                name: "Nights".into(),
                unit,
                duties: vec![Duty { person: person(2), from: t(0), until: t(28_800) }],
            },
        },
        DirectoryChange::RemovePerson { person: person(7) },
    ]
}

/// Bodies as entries from an index on, a second apart.
pub(crate) fn entries(from: u64, bodies: impl IntoIterator<Item = Body>) -> Vec<Entry> {
    (from..)
        .zip(bodies)
        .map(|(index, body)| Entry {
            index,
            recorded_at: t(index as i64),
            cause: if body.is_input() { None } else { index.checked_sub(1) },
            body,
        })
        .collect()
}

pub(crate) fn site() -> ProtectedId {
    ProtectedId::Site(UnitId::new("post-1").unwrap())
}
