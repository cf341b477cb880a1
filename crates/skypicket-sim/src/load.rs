//! [`BorderLoad`]: a long border full of sensors, people and drones, to measure the centre with.

use crate::rng::{Rng, whole};
use skypicket_model::{
    Agency, AgencyId, Channel, Claims, Directory, Measurement, Observation, ObservationId, Person, PersonId, Place,
    Position, Role, Signal, SourceId, Time, Unit, UnitId,
    ids::NotAName,
    kinematics::AirClass,
    observation::{IdClaim, IdKind},
    people::Language,
};

/// The border is 1,000 km of the parallel 31.76 N.
const LENGTH_M: f64 = 1_000_000.0;
const METRES_PER_LON_DEG: f64 = 94_700.0;
const METRES_PER_LAT_DEG: f64 = 110_900.0;

/// A long border: sensors and people evenly along it, and one drone for each five sensors, which flies along it 3 km off
/// and is heard by the sensors it passes. Nobody is in danger until [`BorderLoad::intruder`] says so.
#[derive(Debug, Clone)]
pub struct BorderLoad {
    seed: u64,
    sources: u32,
    people: u32,
    /// Observations a second, all sensors together.
    rate: f64,
    made: u64,
    started: Time,
}

/// A load of `sources` sensors and `people` people with `rate` observations a second, from `started`.
pub fn border_load(seed: u64, sources: u32, people: u32, rate: f64, started: Time) -> BorderLoad {
    BorderLoad { seed, sources: sources.max(1), people: people.max(1), rate: rate.max(0.001), made: 0, started }
}

impl BorderLoad {
    /// Everybody: people `p0`, `p1` … in units of 20 with the first of each as its leader, and `watch-1`.
    pub fn directory(&self) -> Directory {
        let mut d = Directory::default();
        let agency = named("sector", AgencyId::new);
        d.agencies.insert(agency.clone(), Agency { id: agency.clone(), name: "Sector".into() });
        for k in 0..self.people {
            let unit = named(&format!("u{}", k / 20), UnitId::new);
            let id = Self::person(k);
            d.units.entry(unit.clone()).or_insert_with(|| Unit {
                id: unit.clone(),
                name: format!("Unit {}", k / 20),
                agency: agency.clone(),
                leadership: vec![id.clone()],
            });
            d.people.insert(id.clone(), somebody(id, format!("Picket {k}"), unit, Role::Field));
        }
        let watch = named("watch-1", PersonId::new);
        d.people.insert(watch.clone(), somebody(watch, "Watch".into(), named("u0", UnitId::new), Role::Watch));
        d
    }

    /// The ids of the sensors: `s0`, `s1` …
    pub fn sources(&self) -> impl Iterator<Item = SourceId> {
        (0..self.sources).map(|k| named(&format!("s{k}"), SourceId::new))
    }

    /// The `k`th person.
    pub fn person(k: u32) -> PersonId {
        named(&format!("p{k}"), PersonId::new)
    }

    /// The sensor nearest to a point along the border.
    fn source_at(&self, along_m: f64) -> u32 {
        let k = whole(along_m.max(0.0) / LENGTH_M * f64::from(self.sources)) % u64::from(self.sources);
        u32::try_from(k).unwrap_or(0)
    }

    /// How many drones fly.
    pub fn drones(&self) -> u32 {
        (self.sources / 5).max(1)
    }

    /// Where the `k`th person says that they are at a moment.
    pub fn position(&self, k: u32, at: Time) -> Position {
        let mut rng = Rng::at(self.seed, 1, (u64::from(k) << 32) ^ at.as_micros().unsigned_abs());
        let along = LENGTH_M * f64::from(k % self.people) / f64::from(self.people);
        Position {
            person: Self::person(k),
            at: place(along + 4.0 * rng.normal(), 4.0 * rng.normal(), 0.0),
            accuracy_m: 6.0,
            observed_at: at,
            via: named("web", SourceId::new),
        }
    }

    /// Every person's position at a moment.
    pub fn positions(&self, at: Time) -> Vec<Position> {
        (0..self.people).map(|k| self.position(k, at)).collect()
    }

    /// The observations up to `t` that were not given before, evenly spaced, in order.
    pub fn observations_until(&mut self, t: Time) -> Vec<Observation> {
        let mut given = Vec::new();
        loop {
            let s = self.made as f64 / self.rate;
            let at = self.started.plus_s(s);
            if at > t {
                return given;
            }
            let drone = self.made % u64::from(self.drones());
            let mut rng = Rng::at(self.seed, 2, self.made);
            let home = LENGTH_M * drone as f64 / f64::from(self.drones());
            let speed = 8.0 + (drone % 10) as f64;
            // To and fro over a kilometre, so that it stays with its sensors.
            let x = libm::fmod(speed * s, 2_000.0);
            let (along, speed) = if x < 1_000.0 { (home + x, speed) } else { (home + 2_000.0 - x, -speed) };
            let nearest = self.source_at(along);
            let off = [3.0 * rng.normal(), 3.0 * rng.normal(), 3.0 * rng.normal()];
            let spot = [along + off[0], -3_000.0 + off[1], 80.0 + off[2]];
            let heard = (drone, nearest);
            given.push(heard_of(&mut rng, heard.1, &format!("LD{:07}", heard.0), spot, [speed, 0.0, 0.0], at));
            self.made += 1;
        }
    }

    /// One observation of a new drone, numbered `n`, 60 m from the `k`th person: the one that decides a warning.
    pub fn intruder(&self, k: u32, n: u32, at: Time) -> Observation {
        let mut rng = Rng::at(self.seed, 3, u64::from(n));
        let along = LENGTH_M * f64::from(k % self.people) / f64::from(self.people);
        let source = self.source_at(along);
        heard_of(&mut rng, source, &format!("XN{n:07}"), [along, 50.0, 35.0], [0.0, -3.0, 0.0], at)
    }
}

fn heard_of(rng: &mut Rng, source: u32, serial: &str, spot: [f64; 3], vel: [f64; 3], at: Time) -> Observation {
    Observation {
        id: ObservationId(rng.id(at)),
        source: named(&format!("s{source}"), SourceId::new),
        observed_at: at,
        received_at: at,
        measurement: Measurement::Position {
            at: place(spot[0], spot[1], spot[2]),
            cov_enu_m2: [[16.0, 0.0, 0.0], [0.0, 16.0, 0.0], [0.0, 0.0, 16.0]],
        },
        claims: Claims {
            ids: vec![IdClaim { kind: IdKind::Serial, value: format!("SKPK9{serial}") }],
            class: Some(AirClass::Rotor),
            velocity_enu_mps: Some(vel),
            ..Claims::default()
        },
        signal: Signal { transport: Some("json".into()), ..Signal::default() },
        sighting: None,
        flags: Vec::new(),
    }
}

fn somebody(id: PersonId, name: String, unit: UnitId, role: Role) -> Person {
    let (roles, channels) = ([role].into(), vec![Channel::Web]);
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
    }
}

fn place(along_m: f64, north_m: f64, up_m: f64) -> Place {
    Place {
        lat_deg: 31.76 + north_m / METRES_PER_LAT_DEG,
        lon_deg: -112.0 + along_m / METRES_PER_LON_DEG,
        alt_hae_m: Some(1_130.0 + up_m),
    }
}

fn named<T>(name: &str, make: impl Fn(&str) -> Result<T, NotAName>) -> T {
    make(name).unwrap_or_else(|_| unreachable!("'{name}' is a plain name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::{IdMaker, Level, LogId, ProtectedId};
    use skypicket_track::{Settings, Tracker};
    use skypicket_warn::{Policy, Warner};

    const T0: Time = Time::from_micros(1_790_000_000_000_000);

    #[test]
    fn the_rate_is_kept_and_the_same_seed_is_the_same_load() {
        let mut a = border_load(1, 100, 50, 30.0, T0);
        let mut b = border_load(1, 100, 50, 30.0, T0);
        let whole = a.observations_until(T0.plus_s(10.0));
        let mut parts = b.observations_until(T0.plus_s(3.3));
        parts.extend(b.observations_until(T0.plus_s(10.0)));
        assert_eq!(whole, parts);
        assert_eq!(whole.len(), 301);
        assert_eq!(a.directory().problems(), Vec::<String>::new());
        let known: std::collections::BTreeSet<_> = a.sources().collect();
        assert!(whole.iter().all(|o| known.contains(&o.source)));
    }

    #[test]
    fn only_the_intruder_warns_and_at_its_first_observation() {
        let mut load = border_load(1, 50, 200, 20.0, T0);
        let mut tracker = Tracker::new(Settings::default());
        let mut warner = Warner::new(Policy::default(), None);
        warner.configure(&load.directory());
        for p in load.positions(T0) {
            warner.absorb_position(&p, T0);
        }
        for (n, o) in load.observations_until(T0.plus_s(20.0)).into_iter().enumerate() {
            let mut ids = IdMaker::new(LogId(uuid::Uuid::nil()), n as u64);
            let changed = tracker.observe(&o, &mut ids, o.received_at);
            warner.absorb_tracks(&changed, o.received_at);
            assert_eq!(warner.decide(&mut ids, o.received_at), []);
        }
        let now = T0.plus_s(20.0);
        let mut ids = IdMaker::new(LogId(uuid::Uuid::nil()), 1_000_000);
        let changed = tracker.observe(&load.intruder(7, 0, now), &mut ids, now);
        warner.absorb_tracks(&changed, now);
        let told = warner.decide(&mut ids, now);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].warning().unwrap().protected, ProtectedId::Person(BorderLoad::person(7)));
        assert_eq!(told[0].level, Level::Urgent);
    }
}
