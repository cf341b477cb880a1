//! A small centre with a clock, for the tests.

use skypicket_desk::Desk;
use skypicket_model::{
    Act, Agency, AgencyId, DeskEvent, Directory, Marking, Person, PersonId, Place, Role, Sighting, SightingId, Time,
    Tlp, Triage, Unit, UnitId, Verdict,
    entry::ActEntry,
    people::Language,
    sighting::{Activity, DroneKind, RangeClass},
};
use uuid::Uuid;

pub(crate) fn pid(s: &str) -> PersonId {
    PersonId::new(s).unwrap()
}

pub(crate) fn sid(n: u128) -> SightingId {
    SightingId(Uuid::from_u128(n))
}

/// Unit `alpha` of `patrol`: a1 and a2, led by lead, then chief. `b1` of `guard`. The centre, of `patrol`: watch,
/// analyst, auditor.
pub(crate) fn directory() -> Directory {
    let mut d = Directory::default();
    for a in ["patrol", "guard"] {
        let id = AgencyId::new(a).unwrap();
        d.agencies.insert(id.clone(), Agency { id, name: a.into() });
    }
    for (u, agency, leaders) in
        [("alpha", "patrol", &["lead", "chief"][..]), ("bravo", "guard", &[]), ("centre", "patrol", &[])]
    {
        let id = UnitId::new(u).unwrap();
        let leadership = leaders.iter().map(|l| pid(l)).collect();
        d.units.insert(id.clone(), Unit { id, name: u.into(), agency: AgencyId::new(agency).unwrap(), leadership });
    }
    for (p, unit, role) in [
        ("a1", "alpha", Role::Field),
        ("a2", "alpha", Role::Field),
        ("lead", "alpha", Role::Supervisor),
        ("chief", "alpha", Role::Supervisor),
        ("b1", "bravo", Role::Field),
        ("watch", "centre", Role::Watch),
        ("analyst", "centre", Role::Analyst),
        ("auditor", "centre", Role::Auditor),
    ] {
        let (id, unit) = (pid(p), UnitId::new(unit).unwrap());
        let (roles, channels) = ([role].into(), Vec::new());
        let person = Person {
            id: id.clone(),
            name: p.into(),
            unit,
            roles,
            channels,
            addresses: skypicket_model::people::Addresses::default(),
            subscriptions: Vec::new(),
            tak_uid: None,
            language: Language::En,
            disabled: false,
        };
        d.people.insert(id, person);
    }
    assert_eq!(d.problems(), Vec::<String>::new());
    d
}

pub(crate) fn sighting(n: u128, reporter: &str) -> Sighting {
    let t = Time::from_micros(1_000_000);
    Sighting {
        id: sid(n),
        reporter: pid(reporter),
        from: Place { lat_deg: 31.76, lon_deg: -106.49, alt_hae_m: None },
        from_accuracy_m: 10.0,
        bearing: None,
        range: RangeClass::Unknown,
        elevation_deg: None,
        kind: DroneKind::Unsure,
        count: None,
        activity: Activity::Unknown,
        lights: None,
        sound: None,
        payload: None,
        words: String::new(),
        first_seen: t,
        last_seen: t,
        marking: Marking::default(),
    }
}

/// Only patrol may see it.
pub(crate) fn patrol_only(s: Sighting) -> Sighting {
    let marking = Marking { tlp: Tlp::AmberStrict, owner: AgencyId::new("patrol").ok(), ..Marking::default() };
    Sighting { marking, ..s }
}

pub(crate) fn report(s: Sighting) -> Act {
    Act::Sighting { sighting: Box::new(s) }
}

pub(crate) fn see(n: u128) -> Act {
    Act::SeeSighting { sighting: sid(n) }
}

pub(crate) fn retract(n: u128) -> Act {
    Act::Retract { sighting: sid(n) }
}

pub(crate) fn triage(n: u128, verdict: Verdict, why: &str) -> Act {
    Act::Triage(Triage { sighting: sid(n), verdict, why: why.into() })
}

pub(crate) fn merge(n: u128, into: u128, why: &str) -> Act {
    triage(n, Verdict::Merged { into: sid(into) }, why)
}

pub(crate) fn at(seconds: u32) -> Time {
    Time::from_micros(1_000_000_000).plus_s(f64::from(seconds))
}

pub(crate) fn desk() -> Desk {
    let mut d = Desk::new();
    d.configure(&directory());
    d
}

/// Checks, decides and applies, as the centre does.
pub(crate) fn act(d: &mut Desk, by: &str, act: Act, seconds: u32) -> Result<Vec<DeskEvent>, &'static str> {
    d.check(&pid(by), &act, at(seconds)).map_err(|r| r.code)?;
    let events = d.decide(&ActEntry { by: pid(by), via: "web".into(), request: None, act }, at(seconds));
    for e in &events {
        d.apply(e, at(seconds));
    }
    Ok(events)
}

pub(crate) fn cbor(d: &Desk) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(d, &mut bytes).unwrap();
    bytes
}
