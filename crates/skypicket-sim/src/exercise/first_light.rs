//! [`FirstLight`]: a morning on the border near 31.76 N 106.49 W.
//!
//! A Remote ID receiver, a radar, six simulated people with phones and the visitor's, an own flight that everybody
//! should leave alone, a drone that passes far off and broadcasts, and one that broadcasts nothing and comes for the
//! western pickets: 45 s after the start, over them by about 160 s, and again each six minutes for as long as it runs.
//!
//! **Simulated**: `picket-1` to `picket-6`: their positions, reports, receipts and acknowledgements. `picket-3` gets
//! everything and never acknowledges, so that escalation is seen. **Real people drive** `visitor`, `watch-1`,
//! `analyst-1`, `administrator`, `west-lead`, `east-lead`, `sector-chief` and `county-captain`: nothing is acknowledged for them.
//! The visitor's position is made up until a real phone posts one ([`FirstLight::is_live`]); so are those of a picket
//! whose place a real person takes, and then that picket is not simulated at all. The only other acts in a real person's
//! name are at the start: `east-lead` files the own flight, and the program has `analyst-1` propose and `sector-chief`
//! approve the Officer Safety Alert that the story starts from.
//!
//! The same seed gives the same events, however the time is cut into calls of [`FirstLight::events_until`]; what people
//! do about notices follows from when [`FirstLight::on_notice`] is called.

use super::{
    Happening, SimEvent,
    cast::{self, PHONES, Phone, VISITOR, named},
    sky::{self, Spot, wrap},
};
use crate::rng::{Rng, whole};
use skypicket_model::{
    Act, Channel, Directory, Enu, Level, Marking, Notice, NoticeId, OwnFlight, PersonId, Place, Position, Sighting,
    SightingId, SourceId, Time, UnitId,
    sighting::{Activity, BearingHow, DroneKind, RangeClass, SightingBearing},
};
use std::collections::BTreeMap;

/// Where the scene is, with the ground's height above the ellipsoid.
const PLACE: Place = Place { lat_deg: 31.76, lon_deg: -106.49, alt_hae_m: Some(1_130.0) };
/// A real phone that was quiet for so long is simulated again, seconds.
const LIVE_S: f64 = 120.0;
/// More than so far behind (a laptop that slept) is not made up for, seconds.
const BEHIND_MAX_S: f64 = 7_200.0;
/// Distance from which somebody notices the intruder, metres; spec of people's eyes: half notice at about 250 m, and
/// these are told to look.
const NOTICES_M: f64 = 450.0;

/// The exercise.
#[derive(Debug)]
pub struct FirstLight {
    seed: u64,
    started: Time,
    frame: Enu,
    /// The next whole second to be made.
    next_s: u64,
    /// What is to come, in order of time, then of making.
    queue: BTreeMap<(Time, u64), Happening>,
    made: u64,
    /// When a real phone last spoke for somebody.
    live: BTreeMap<PersonId, Time>,
}

impl FirstLight {
    /// The exercise that starts at `started`.
    pub fn new(seed: u64, started: Time) -> Self {
        let frame = Enu::at(PLACE);
        let mut scene =
            Self { seed, started, frame, next_s: 0, queue: BTreeMap::new(), made: 0, live: BTreeMap::new() };
        for p in PHONES.iter().filter(|p| p.id != VISITOR) {
            let person = named(p.id, PersonId::new);
            scene.push(started, Happening::Reach { person, channel: Channel::Web, up: true });
        }
        for flight in scene.own_flights() {
            let by = named("east-lead", PersonId::new);
            scene.push(started, Happening::Act { by, act: Act::OwnFlight(flight) });
        }
        scene
    }

    /// Everybody in it: six pickets and the visitor in two units of two agencies with their leaders, a watch officer and
    /// an administrator.
    pub fn directory(&self) -> Directory {
        cast::directory()
    }

    /// The middle of the map.
    pub fn place() -> Place {
        PLACE
    }

    /// Who proposes the alert that the scene begins with.
    pub fn analyst() -> PersonId {
        named("analyst-1", PersonId::new)
    }

    /// Who approves it.
    pub fn approver() -> PersonId {
        named("sector-chief", PersonId::new)
    }

    /// The flight that is filed at the start, by an act among the events.
    pub fn own_flights(&self) -> Vec<OwnFlight> {
        let ([e, n], radius_m) = sky::OWN_AREA;
        vec![OwnFlight {
            id: "first-light-own-1".into(),
            unit: named("picket-east", UnitId::new),
            serial: Some(sky::OWN_SERIAL.into()),
            centre: self.frame.to_place([e, n, 0.0]).lat_lon(),
            radius_m,
            from: self.started.plus_s(-60.0),
            until: self.started.plus_s(86_400.0),
        }]
    }

    /// A real phone spoke for this person: the simulated one says nothing for two minutes from now.
    pub fn is_live(&mut self, person: &PersonId, now: Time) {
        self.live.insert(person.clone(), now);
    }

    /// Everything up to and including `t` that was not given before, in order of time.
    pub fn events_until(&mut self, t: Time) -> Vec<SimEvent> {
        let behind = t.since_s(self.started.plus_s(self.next_s as f64));
        if behind > BEHIND_MAX_S {
            self.next_s += whole((behind - 60.0).max(0.0));
        }
        while self.started.plus_s(self.next_s as f64) <= t {
            self.second(self.next_s);
            self.next_s += 1;
        }
        let mut given = Vec::new();
        while let Some(first) = self.queue.first_entry() {
            if first.key().0 > t {
                break;
            }
            let ((at, _), what) = first.remove_entry();
            if !self.is_silenced(&what, at) {
                given.push(SimEvent { at, what });
            }
        }
        given
    }

    /// A notice version went to these people: the simulated ones get it, see it and mostly acknowledge it, each after a
    /// time of their own. What was still to come for an older version is dropped.
    pub fn on_notice(&mut self, notice: &Notice, recipients: &[PersonId], now: Time) {
        self.queue.retain(|_, h| !is_older(h, notice.id, notice.version));
        for (k, phone) in PHONES.iter().enumerate().filter(|(_, p)| p.id != VISITOR) {
            let by = named(phone.id, PersonId::new);
            if !recipients.contains(&by) {
                continue;
            }
            let (id, version, channel) = (notice.id, notice.version, Channel::Web);
            let step = notice.id.0.as_u64_pair().1 ^ u64::from(version);
            let mut rng = Rng::at(self.seed, 100 + k as u64, step);
            let got = now.plus_s(rng.between(0.2, 1.0));
            // A hand goes to the phone the sooner, the louder it is.
            let seen = got.plus_s(match notice.level {
                Level::Urgent => rng.between(0.5, 4.0),
                Level::Caution => rng.between(1.0, 10.0),
                Level::Advisory => rng.between(2.0, 25.0),
            });
            let done = seen.plus_s(rng.between(2.0, 12.0));
            let act = |act| Happening::Act { by: by.clone(), act };
            let receipt = |shown| act(Act::Receipt { notice: id, version, channel, shown });
            self.push(got, receipt(false));
            if phone.answers {
                self.push(seen, receipt(true));
                if notice.needs_ack {
                    self.push(done, act(Act::Acknowledge { notice: id, version, channel }));
                }
            }
        }
    }

    fn push(&mut self, at: Time, what: Happening) {
        self.queue.insert((at, self.made), what);
        self.made += 1;
    }

    /// Whether a real phone speaks for the one who would do this. Filing the own flight is no phone's doing.
    fn is_silenced(&self, what: &Happening, at: Time) -> bool {
        let who = match what {
            Happening::Position(p) => &p.person,
            Happening::Act { by, act } if !matches!(act, Act::OwnFlight(_)) => by,
            _ => return false,
        };
        self.live.get(who).is_some_and(|t| (0.0..LIVE_S).contains(&at.since_s(*t)))
    }

    /// Makes what happens in the second `k`.
    fn second(&mut self, k: u64) {
        for o in sky::noticed(self.seed, &self.frame, self.started, k) {
            self.push(o.received_at, Happening::Observation(o));
        }
        for (n, phone) in PHONES.iter().enumerate() {
            // Each five seconds, not all in the same one.
            if k % 5 == n as u64 % 5 {
                let at = self.started.plus_s(k as f64 + 0.1 + 0.1 * n as f64);
                let position = self.position(phone, n as u64, at, k);
                self.push(at, Happening::Position(position));
            }
            if phone.reports {
                self.report(phone, n as u64, k);
            }
        }
    }

    /// Where somebody truly is: a slow walk of a few metres about their post.
    fn stands(phone: &Phone, n: u64, t: f64) -> Spot {
        let phase = n as f64 * 1.7;
        [phone.at[0] + 9.0 * libm::sin(t / 47.0 + phase), phone.at[1] + 7.0 * libm::sin(t / 31.0 + 2.0 * phase), 0.0]
    }

    fn position(&self, phone: &Phone, n: u64, at: Time, k: u64) -> Position {
        let mut rng = Rng::at(self.seed, 200 + n, k);
        let accuracy_m = libm::round(rng.between(4.0, 9.0));
        let [e, n, u] = Self::stands(phone, n, k as f64);
        let (de, dn, du) = (rng.normal(), rng.normal(), rng.normal());
        Position {
            person: named(phone.id, PersonId::new),
            at: self.frame.to_place([e + 0.6 * accuracy_m * de, n + 0.6 * accuracy_m * dn, u + accuracy_m * du]),
            accuracy_m,
            observed_at: at,
            via: named("web", SourceId::new),
        }
    }

    /// A report, in the second in which somebody has just noticed the intruder. `picket-6` now and then reports what is
    /// no drone at all: a light in the east.
    fn report(&mut self, phone: &Phone, n: u64, k: u64) {
        let t = k as f64;
        let me = Self::stands(phone, n, t);
        let mut rng = Rng::at(self.seed, 300 + n, k);
        let far = |t: f64| sky::intruder(self.seed, t).map(|d| (libm::hypot(d[0] - me[0], d[1] - me[1]), d));
        let noticed = match (far(t - 1.0), far(t)) {
            (Some((before, _)), Some((now, d))) => (before > NOTICES_M && now <= NOTICES_M).then_some(d),
            _ => None,
        };
        let nothing = (phone.id == "picket-6" && k % 1_200 == 400).then(|| [me[0] + 1_400.0, me[1] + 300.0, 500.0]);
        let Some(thing) = noticed.or(nothing) else { return };
        let real = noticed.is_some();
        // Look, take the phone, point, send: three touches and ten seconds. picket-1 looks elsewhere each other time.
        let sent_s = t + rng.between(5.0, 11.0);
        if phone.id == "picket-1" && rng.chance(0.5) {
            return;
        }
        let thing = if real { sky::intruder(self.seed, sent_s - 1.0).unwrap_or(thing) } else { thing };
        let sent = self.started.plus_s(sent_s);
        let (e, n, u) = (thing[0] - me[0], thing[1] - me[1], thing[2] - me[2]);
        let flat = libm::hypot(e, n);
        // A phone's compass: 5 degrees, and 25 one time in ten (the model of spec/people.md that the tracker reckons with).
        let compass = if rng.chance(0.1) { 25.0 } else { 5.0 };
        let azimuth_deg = wrap(libm::atan2(e, n).to_degrees() + compass * rng.normal());
        let judged_m = libm::hypot(flat, u) * libm::exp(0.4 * rng.normal());
        let elevation = libm::atan2(u, flat).to_degrees() + 6.0 * rng.normal();
        let sighting = Sighting {
            id: SightingId(rng.id(sent)),
            reporter: named(phone.id, PersonId::new),
            from: self.frame.to_place(me),
            from_accuracy_m: 6.0,
            bearing: Some(SightingBearing { azimuth_deg, how: BearingHow::Compass, sigma_deg: None }),
            range: match judged_m {
                m if m < 100.0 => RangeClass::Under100,
                m if m < 300.0 => RangeClass::To300,
                m if m < 1_000.0 => RangeClass::To1000,
                _ => RangeClass::Farther,
            },
            elevation_deg: Some(elevation.clamp(-30.0, 90.0)),
            kind: if real { DroneKind::Multirotor } else { DroneKind::Unsure },
            count: Some(1),
            activity: if real { Activity::Approaching } else { Activity::Hovering },
            lights: Some(!real),
            sound: real.then_some(true),
            payload: (real && rng.chance(0.3)).then_some(true),
            words: if real { String::new() } else { "Bright light low in the east, does not move".into() },
            first_seen: self.started.plus_s(t),
            last_seen: sent.plus_s(-1.0),
            marking: Marking::default(),
        };
        let by = sighting.reporter.clone();
        self.push(sent, Happening::Act { by, act: Act::Sighting { sighting: Box::new(sighting) } });
    }
}

/// Whether a receipt or acknowledgement is of an older version of this notice.
fn is_older(h: &Happening, id: NoticeId, newest: u32) -> bool {
    match h {
        Happening::Act {
            act: Act::Receipt { notice, version, .. } | Act::Acknowledge { notice, version, .. }, ..
        } => *notice == id && *version < newest,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
