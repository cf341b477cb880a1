//! What a moment of watching costs: 20,000 people along 1,000 km of border and 1,000 drones.

use divan::{Bencher, black_box};
use skypicket_model::{
    AgencyId, Directory, Person, PersonId, Place, Position, Protected, ProtectedId, Role, SourceId, Time, Track,
    TrackId, TrackState, Unit, UnitId, kinematics::AirClass, people::Language, track::Affiliation,
};
use skypicket_warn::{Policy, Warner, assess};

fn main() {
    divan::main();
}

const T0: Time = Time::from_micros(1_700_000_000_000_000);

fn at(km: f64, north_m: f64) -> Place {
    Place { lat_deg: 31.76 + north_m / 110_900.0, lon_deg: -112.0 + km / 94.66, alt_hae_m: Some(1_130.0) }
}

fn person(k: u32) -> PersonId {
    PersonId::new(&format!("p{k}")).unwrap_or_else(|_| unreachable!())
}

fn track(k: u32, now: Time) -> Track {
    let diagonal = |s: f64| [[s * s, 0.0, 0.0], [0.0, s * s, 0.0], [0.0, 0.0, s * s]];
    Track {
        id: TrackId(uuid::Uuid::from_u128(u128::from(k) + 1)),
        state: TrackState::Confirmed,
        at: now,
        measured_at: now,
        since: now,
        place: at(f64::from(k), 200.0 + f64::from(k * 37 % 4_000)),
        vel_enu_mps: [3.0, -8.0, 0.0],
        cov_enu_m2: diagonal(8.0),
        vel_cov_enu: diagonal(0.8),
        cross_cov_enu: [[0.0; 3]; 3],
        existence: 0.99,
        ids: vec![],
        class: Some(AirClass::Rotor),
        class_p: 0.9,
        affiliation: Affiliation::Unknown,
        suspect: false,
        evidence: vec![],
        sources: vec![],
        because: vec![],
        height_takeoff_m: None,
        by_people_only: false,
        decided: None,
        lineage: Vec::new(),
    }
}

fn border(people: u32) -> Warner {
    let unit = UnitId::new("u").unwrap_or_else(|_| unreachable!());
    let agency = AgencyId::new("a").unwrap_or_else(|_| unreachable!());
    let mut d = Directory::default();
    d.units.insert(unit.clone(), Unit { id: unit.clone(), name: "U".into(), agency, leadership: vec![] });
    for k in 0..people {
        let id = person(k);
        let roles = [Role::Field].into();
        let unit = unit.clone();
        let (name, channels) = (String::new(), vec![]);
        d.people.insert(
            id.clone(),
            Person {
                id,
                name,
                unit,
                roles,
                channels,
                addresses: skypicket_model::people::Addresses::default(),
                subscriptions: Vec::new(),
                tak_uid: None,
                language: Language::En,
                disabled: false,
            },
        );
    }
    let mut warner = Warner::new(Policy::default(), None);
    warner.configure(&d);
    for k in 0..people {
        warner.absorb_position(&position(k, people, T0), T0);
    }
    warner
}

fn position(k: u32, people: u32, now: Time) -> Position {
    let via = SourceId::new("web").unwrap_or_else(|_| unreachable!());
    Position {
        person: person(k),
        at: at(f64::from(k) * 1_000.0 / f64::from(people), 0.0),
        accuracy_m: 5.0,
        observed_at: now,
        via,
    }
}

/// One pair, sampled.
#[divan::bench]
fn pair(bencher: Bencher<'_, '_>) {
    let policy = Policy::default();
    let t = track(0, T0);
    let p = Protected {
        id: ProtectedId::Person(person(1)),
        name: String::new(),
        at: at(0.1, 0.0),
        accuracy_m: 5.0,
        at_time: Some(T0),
        standoff_m: 150.0,
    };
    bencher.bench_local(|| assess(&policy, black_box(&t), black_box(&p), T0));
}

/// The tick of 1,000 drones, with everything told that is to be told.
#[divan::bench(args = [1_000, 20_000], sample_count = 10)]
fn tick_of_1000_drones(bencher: Bencher<'_, '_>, people: u32) {
    let mut warner = border(people);
    let mut now = T0;
    bencher.bench_local(|| {
        now = now.plus_s(1.0);
        let tracks: Vec<Track> = (0..1_000).map(|k| track(k, now)).collect();
        warner.absorb_tracks(&tracks, now);
        warner.tick(now);
        let log = skypicket_model::LogId(uuid::Uuid::nil());
        for n in warner.decide(&mut skypicket_model::IdMaker::new(log, 1), now) {
            warner.apply(&n);
        }
    });
}

/// One observation's worth: one drone moved among 20,000 people and 1,000 drones, and what it changes decided.
#[divan::bench]
fn one_drone_moved(bencher: Bencher<'_, '_>) {
    let mut warner = border(20_000);
    let mut now = T0;
    let tracks: Vec<Track> = (0..1_000).map(|k| track(k, now)).collect();
    warner.absorb_tracks(&tracks, now);
    let log = skypicket_model::LogId(uuid::Uuid::nil());
    for n in warner.decide(&mut skypicket_model::IdMaker::new(log, 1), now) {
        warner.apply(&n);
    }
    let mut k = 0;
    bencher.bench_local(|| {
        now = now.plus_s(0.000_3);
        k = (k + 1) % 1_000;
        warner.absorb_tracks(&[track(k, now)], now);
        black_box(warner.decide(&mut skypicket_model::IdMaker::new(log, 1), now))
    });
}

/// One position's worth.
#[divan::bench]
fn one_person_moved(bencher: Bencher<'_, '_>) {
    let mut warner = border(20_000);
    let mut now = T0;
    let tracks: Vec<Track> = (0..1_000).map(|k| track(k, now)).collect();
    warner.absorb_tracks(&tracks, now);
    let mut k = 0;
    bencher.bench_local(|| {
        now = now.plus_s(0.001);
        k = (k + 7) % 20_000;
        warner.absorb_position(&position(k, 20_000, now), now);
    });
}
