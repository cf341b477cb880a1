//! Dispatch at the size of the largest notice: 10,000 recipients of one site.
//!
//! `cargo bench -p skypicket-dispatch`. Items are people for the enqueue, transitions (one input decided and applied)
//! for the rest.

use divan::{Bencher, counter::ItemsCount};
use skypicket_dispatch::{Dispatcher, Input, Policy};
use skypicket_model::{
    Agency, AgencyId, Channel, DeliveryId, Directory, DispatchEvent, IdMaker, LatLon, Level, LogId, Marking, Notice,
    NoticeId, NoticeState, Person, PersonId, Place, ProtectedId, ProviderResult, Role, Time, TrackId, Unit, UnitId,
    delivery::Outcome,
    notice::NoticeFacts,
    people::{Language, Site},
};
use std::hint::black_box;
use uuid::Uuid;

const PEOPLE: u32 = 10_000;
const NOTICE: NoticeId = NoticeId(Uuid::from_u128(1));

fn main() {
    divan::main();
}

fn name(k: u32) -> PersonId {
    PersonId::new(&format!("agent-{k}")).expect("a plain name")
}

fn directory() -> Directory {
    let mut d = Directory::default();
    let agency = AgencyId::new("patrol").expect("a plain name");
    let unit = UnitId::new("alpha").expect("a plain name");
    d.agencies.insert(agency.clone(), Agency { id: agency.clone(), name: String::new() });
    let leadership = vec![name(0)];
    d.units.insert(unit.clone(), Unit { id: unit.clone(), name: String::new(), agency, leadership });
    for k in 0..PEOPLE {
        let roles = [if k == 0 { Role::Watch } else { Role::Field }].into();
        let (channels, unit) = (vec![Channel::Web, Channel::Tak], unit.clone());
        let (tak_uid, language) = (None, Language::En);
        let p = Person { id: name(k), name: String::new(), unit, roles, channels, tak_uid, language };
        d.people.insert(name(k), p);
    }
    let at = Place { lat_deg: 31.7, lon_deg: -106.4, alt_hae_m: None };
    let site = Site { id: unit.clone(), name: String::new(), at, standoff_m: None, unit: unit.clone() };
    d.sites.insert(unit, site);
    d
}

fn notice() -> Notice {
    Notice {
        id: NOTICE,
        version: 1,
        state: NoticeState::Raised,
        level: Level::Urgent,
        at: now(),
        track: TrackId(Uuid::from_u128(2)),
        protected: ProtectedId::Site(UnitId::new("alpha").expect("a plain name")),
        protected_name: String::new(),
        needs_ack: true,
        facts: NoticeFacts {
            distance_m: 1.0,
            bearing_deg: 1.0,
            earliest_s: 1.0,
            cpa_m: 1.0,
            p_within_30: 1.0,
            track_at: LatLon { lat_deg: 31.7, lon_deg: -106.4 },
            height_unknown: true,
            by_people_only: false,
        },
        reasons: Vec::new(),
        because: Vec::new(),
        marking: Marking::default(),
        exercise: None,
        code: "1234".into(),
        text: String::new(),
        text_es: String::new(),
    }
}

fn now() -> Time {
    Time::from_micros(1_700_000_000_000_000)
}

fn ids(entry: u64) -> IdMaker {
    IdMaker::new(LogId(Uuid::from_u128(7)), entry)
}

/// Everybody's page is open.
fn ready() -> Dispatcher {
    let mut d = Dispatcher::new(Policy::default());
    d.configure(&directory());
    for k in 0..PEOPLE {
        d.absorb(&Input::Reach { person: &name(k), channel: Channel::Web, up: true }, now());
    }
    d
}

/// … and everybody is being warned.
fn sent() -> (Dispatcher, Vec<(PersonId, DeliveryId)>) {
    let mut d = ready();
    let events = d.step(&Input::Notice(&notice()), &mut ids(1), now());
    let handed = |e: &DispatchEvent| match e {
        DispatchEvent::Attempt { delivery } => Some((delivery.person.clone(), delivery.id)),
        _ => None,
    };
    let handed = events.iter().filter_map(handed).collect();
    (d, handed)
}

#[divan::bench(sample_count = 10)]
fn enqueue_to_10_000(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(PEOPLE)).with_inputs(ready).bench_local_values(|mut d| {
        let events = d.step(&Input::Notice(&notice()), &mut ids(1), now());
        assert_eq!(events.len(), PEOPLE as usize + 1);
        d
    });
}

/// Accepted, shown and acknowledged by each.
#[divan::bench(sample_count = 10)]
fn accepted_shown_acknowledged_by_10_000(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(3 * PEOPLE)).with_inputs(sent).bench_local_values(|(mut d, handed)| {
        for (k, (person, delivery)) in handed.iter().enumerate() {
            let entry = 2 + 3 * k as u64;
            let result = ProviderResult { delivery: *delivery, attempt: 1, outcome: Outcome::Accepted };
            let (notice, version, channel) = (NOTICE, 1, Channel::Web);
            black_box(d.step(&Input::Provider(&result), &mut ids(entry), now()));
            let shown = Input::Receipt { person, notice, version, channel, shown: true };
            black_box(d.step(&shown, &mut ids(entry + 1), now()));
            let ack = Input::Acknowledge { person, notice, version, channel };
            black_box(d.step(&ack, &mut ids(entry + 2), now()));
        }
        assert_eq!(d.counts(NOTICE).acknowledged, PEOPLE);
        d
    });
}

/// A second in which nothing is due.
#[divan::bench]
fn tick_with_10_000_open(bencher: Bencher<'_, '_>) {
    let (mut d, _) = sent();
    let mut entry = 2;
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        entry += 1;
        d.step(&Input::Tick, &mut ids(entry), now().plus_s(1.0))
    });
}

/// A second in which all 10,000 are silent and escalate.
#[divan::bench(sample_count = 10)]
fn tick_with_10_000_silent(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(PEOPLE)).with_inputs(sent).bench_local_values(|(mut d, _)| {
        let events = d.step(&Input::Tick, &mut ids(2), now().plus_s(31.0));
        assert!(events.len() >= PEOPLE as usize);
        d
    });
}

/// The state with 10,000 recipients as a snapshot.
#[divan::bench(sample_count = 10)]
fn snapshot_of_10_000(bencher: Bencher<'_, '_>) {
    let (d, _) = sent();
    bencher.counter(ItemsCount::new(PEOPLE)).bench_local(|| {
        let mut bytes = Vec::new();
        ciborium::into_writer(&d, &mut bytes).expect("memory takes it");
        bytes
    });
}
