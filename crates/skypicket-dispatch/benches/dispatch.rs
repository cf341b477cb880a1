//! Dispatch at the size of the largest notice: 10,000 recipients of one site.
//!
//! `cargo bench -p skypicket-dispatch`. Items are people for the enqueue and the ticks; transitions for the rest: one
//! input absorbed, decided and its decisions applied. Before the first line: the memory that a row takes, and transitions
//! a second of a core's time: what else the machine does is not counted.

#![allow(clippy::print_stdout)] // what is measured is printed

use divan::{Bencher, counter::ItemsCount};
use skypicket_dispatch::{Dispatcher, Input, Policy, Situation};
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
    memory();
    rates();
    divan::main();
}

/// What the lists of ten notices with 10,000 recipients each, all handed over, take in memory.
fn memory() {
    let resident = || {
        let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
        pages.split(' ').nth(1)?.parse::<u64>().ok().map(|n| n * 4_096)
    };
    let mut d = ready();
    let Some(before) = resident() else { return };
    for entry in 1..=10 {
        let n = Notice { id: NoticeId(Uuid::from_u128(u128::from(entry))), ..notice() };
        drop(d.step(&Input::Notice(&n), Situation::default(), &mut ids(entry), now()));
    }
    let after = resident().unwrap_or(before);
    let rows = u64::from(d.counts(NOTICE).recipients) * 10;
    println!("memory: {} bytes a recipient's row ({rows} rows)", after.saturating_sub(before) / rows);
}

/// Seconds that this thread has had of a core.
fn core_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).map_or(f64::NAN, |ns| ns / 1e9)
}

/// Transitions a second: of each kind by itself, and of what a warning that goes well is. The mean, since the kernel
/// writes a thread's time down every few milliseconds only.
fn rates() {
    const ROUNDS: u32 = 30;
    let single = [Kind::Accepted, Kind::Delivered, Kind::Shown, Kind::Acknowledged, Kind::Down].map(|k| [k]);
    let well: &[Kind] = &[Kind::Accepted, Kind::Shown, Kind::Acknowledged];
    for kinds in single.iter().map(|k| &k[..]).chain([well]) {
        let (mut spent, mut done) = (0.0, 0.0);
        for _ in 0..ROUNDS {
            let (mut d, handed) = sent();
            let from = core_s();
            let mut entry = 2;
            for to in &handed {
                for kind in kinds {
                    black_box(once(&mut d, *kind, to, entry));
                    entry += 1;
                }
            }
            spent += core_s() - from;
            done += (handed.len() * kinds.len()) as f64;
        }
        println!("{kinds:?}: {:.0} ns, {:.2} million transitions/s", spent / done * 1e9, done / spent * 1e-6);
    }
    let mut spent = 0.0;
    for _ in 0..ROUNDS {
        let mut d = ready();
        let from = core_s();
        black_box(d.step(&Input::Notice(&notice()), Situation::default(), &mut ids(1), now()));
        spent += core_s() - from;
    }
    println!("a list of {PEOPLE} fixed and handed out: {:.1} ms", spent / f64::from(ROUNDS) * 1e3);
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
        let p = Person {
            id: name(k),
            name: String::new(),
            unit,
            roles,
            channels,
            addresses: skypicket_model::people::Addresses::default(),
            subscriptions: Vec::new(),
            tak_uid,
            language,
            disabled: false,
        };
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
        needs_ack: true,
        marking: Marking::default(),
        exercise: None,
        code: "1234".into(),
        text: String::new(),
        text_es: String::new(),
        expires_at: None,
        about: skypicket_model::About::Warning(skypicket_model::Warning {
            track: TrackId(Uuid::from_u128(2)),
            protected: ProtectedId::Site(UnitId::new("alpha").expect("a plain name")),
            protected_name: String::new(),
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
        }),
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
    let events = d.step(&Input::Notice(&notice()), Situation::default(), &mut ids(1), now());
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
        let events = d.step(&Input::Notice(&notice()), Situation::default(), &mut ids(1), now());
        assert_eq!(events.len(), PEOPLE as usize + 1);
        d
    });
}

/// What each of 10,000 does once.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// The provider took it.
    Accepted,
    /// Their machine has it.
    Delivered,
    /// It is on their screen.
    Shown,
    /// They acknowledge it.
    Acknowledged,
    /// Their page closes: the next channel.
    Down,
}

fn once(d: &mut Dispatcher, kind: Kind, (person, delivery): &(PersonId, DeliveryId), entry: u64) -> usize {
    let (notice, version, channel) = (NOTICE, 1, Channel::Web);
    let accepted = ProviderResult { delivery: *delivery, attempt: 1, outcome: Outcome::Accepted };
    let input = match kind {
        Kind::Accepted => Input::Provider(&accepted),
        Kind::Delivered => Input::Receipt { person, notice, version, channel, shown: false },
        Kind::Shown => Input::Receipt { person, notice, version, channel, shown: true },
        Kind::Acknowledged => Input::Acknowledge { person, notice, version, channel },
        Kind::Down => Input::Reach { person, channel, up: false },
    };
    d.step(&input, Situation::default(), &mut ids(entry), now()).len()
}

/// Each kind by itself.
#[divan::bench(sample_count = 10, args = [Kind::Accepted, Kind::Delivered, Kind::Shown, Kind::Acknowledged, Kind::Down])]
fn one_kind(bencher: Bencher<'_, '_>, kind: Kind) {
    bencher.counter(ItemsCount::new(PEOPLE)).with_inputs(sent).bench_local_values(|(mut d, handed)| {
        for (k, to) in handed.iter().enumerate() {
            assert!(once(&mut d, kind, to, 2 + k as u64) > 0);
        }
        d
    });
}

/// Accepted, then shown, then acknowledged by each: what a warning that goes well is.
#[divan::bench(sample_count = 20)]
fn accepted_shown_acknowledged_by_10_000(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(3 * PEOPLE)).with_inputs(sent).bench_local_values(|(mut d, handed)| {
        for (k, to) in handed.iter().enumerate() {
            for (step, kind) in (0..).zip([Kind::Accepted, Kind::Shown, Kind::Acknowledged]) {
                black_box(once(&mut d, kind, to, 2 + 3 * k as u64 + step));
            }
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
        d.step(&Input::Tick, Situation::default(), &mut ids(entry), now().plus_s(1.0))
    });
}

/// A second in which all 10,000 are silent and escalate.
#[divan::bench(sample_count = 10)]
fn tick_with_10_000_silent(bencher: Bencher<'_, '_>) {
    bencher.counter(ItemsCount::new(PEOPLE)).with_inputs(sent).bench_local_values(|(mut d, _)| {
        let events = d.step(&Input::Tick, Situation::default(), &mut ids(2), now().plus_s(31.0));
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
