//! [`Kept`]: a [`Sky`] as it is written down and read back, in any format that knows infinity (CBOR does, JSON does not).
//! What was read back goes on as if nothing had been between, to the last bit. What cannot have been written by us is
//! refused: a number that is not finite would spread over everything that it touches.

use super::{
    Measured, Refused, Sky, Unfit,
    bodies::Bodies,
    body::{Body, Wait},
    charts::Chart,
    clutter::Clutter,
    crossing::{self, Loose},
    flock::Push,
    gauss::{Gauss, V3},
    guesses::Guesses,
    motion::{MODELS, Motion},
    past::{EACH, NOBODY, Past, Step},
    registration::Registration,
    scan::Scratch,
    sensors::{MOST_SENSORS, Sensors, Slot},
    settings::Settings,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeSeq};
use std::fmt;

#[derive(Serialize)]
struct Keeps<'a> {
    settings: &'a Settings,
    sensors: &'a [Slot],
    bodies: &'a Bodies,
    guesses: &'a Guesses,
    next: u64,
    now: f64,
    swept: f64,
    loose: &'a [Vec<Loose>],
    registrations: &'a [Registration],
    clutter: &'a [Clutter],
    alone: usize,
    refused: Refused,
    world: bool,
}

/// As it was read.
#[derive(Deserialize)]
pub(super) struct Kept {
    settings: Settings,
    sensors: Vec<Slot>,
    bodies: Vec<Body>,
    /// None where bearings were not guessed about yet: a world has none anyway.
    #[serde(default)]
    guesses: Guesses,
    next: u64,
    now: f64,
    swept: f64,
    loose: Vec<Vec<Loose>>,
    registrations: Vec<Registration>,
    clutter: Vec<Clutter>,
    alone: usize,
    refused: Refused,
    world: bool,
}

impl Serialize for Sky {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Keeps {
            settings: &self.settings,
            sensors: self.sensors.slots(),
            bodies: &self.bodies,
            guesses: &self.guesses,
            next: self.next,
            now: self.now,
            swept: self.swept,
            loose: &self.loose,
            registrations: &self.registrations,
            clutter: &self.clutter,
            alone: self.alone,
            refused: self.refused,
            world: self.world,
        }
        .serialize(to)
    }
}

impl Serialize for Bodies {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut all = Vec::new();
        self.all(&mut all);
        let mut seq = to.serialize_seq(Some(all.len()))?;
        for k in all {
            seq.serialize_element(&self[k])?;
        }
        seq.end()
    }
}

/// Bytes of a state: the chances of the models, place, velocity and their covariance under each; and whether its height is
/// known.
const STATE: usize = 8 * (MODELS + MODELS * (3 + 3 + 6 + 9 + 6)) + 1;
/// Bytes of a step: its moment, what it was measured by, and what its flock did.
const STEP: usize = 8 + 4 + 8 * 6 + 4 * 6;

/// Numbers one after another, little-endian.
struct Bytes<T>(T);

impl Bytes<Vec<u8>> {
    fn all<const N: usize>(&mut self, numbers: &[f64; N]) {
        for x in numbers {
            self.0.extend_from_slice(&x.to_le_bytes());
        }
    }

    fn motion(&mut self, motion: &Motion) {
        self.all(&motion.mu);
        for g in &motion.states {
            self.all(&g.p);
            self.all(&g.v);
            self.all(&g.pp);
            g.pv.iter().for_each(|row| self.all(row));
            self.all(&g.vv);
        }
        self.0.push(u8::from(motion.flat));
    }

    fn step(&mut self, step: &Step) {
        self.all(&[step.t]);
        let (sensor, m) = step.seen().map_or((NOBODY, Measured { z: [0.0; 3], r: [0.0; 3] }), |(k, m)| {
            // There are never as many sensors as a u32 counts.
            (u32::try_from(k).unwrap_or(NOBODY), *m)
        });
        self.0.extend_from_slice(&sensor.to_le_bytes());
        self.all(&m.z);
        self.all(&m.r);
        step.push.p.iter().chain(&step.push.v).for_each(|x| self.0.extend_from_slice(&x.to_le_bytes()));
    }
}

impl Bytes<&[u8]> {
    /// The next bytes; nought where there are no more, which whoever asks has ruled out.
    fn next<const N: usize>(&mut self) -> [u8; N] {
        let Some((first, rest)) = self.0.split_first_chunk::<N>() else { return [0; N] };
        self.0 = rest;
        *first
    }

    fn all<const N: usize>(&mut self) -> [f64; N] {
        std::array::from_fn(|_| f64::from_le_bytes(self.next()))
    }

    fn motion(&mut self) -> Motion {
        let mu = self.all();
        let states = std::array::from_fn(|_| {
            let (p, v, pp) = (self.all(), self.all(), self.all());
            let pv = std::array::from_fn(|_| self.all());
            Gauss { p, v, pp, pv, vv: self.all() }
        });
        Motion { mu, states, flat: self.next() != [0] }
    }

    fn step(&mut self) -> Step {
        let [t] = self.all();
        let sensor = u32::from_le_bytes(self.next());
        let (z, r): (V3, V3) = (self.all(), self.all());
        let by = (sensor != NOBODY).then_some((sensor as usize, Measured { z, r }));
        let [p, v] = std::array::from_fn(|_| std::array::from_fn(|_| f32::from_le_bytes(self.next())));
        Step::of(t, by).pushed(Push { p, v })
    }
}

/// Steps are by far the most of what is kept, so they are strings of bytes: the state at the newest, and for each block the
/// state at its first step and the steps. With the numbers by name, thousands of tracks would take too long to write while
/// warnings wait.
impl Serialize for Past {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let blocks = self.blocks();
        let mut seq = to.serialize_seq(Some(1 + blocks.len()))?;
        let mut bytes = Bytes(Vec::with_capacity(STATE + EACH * STEP));
        bytes.motion(self.now());
        seq.serialize_element(&Written(&bytes.0))?;
        for (start, steps) in blocks {
            bytes.0.clear();
            bytes.motion(start);
            for step in steps {
                bytes.step(step);
            }
            seq.serialize_element(&Written(&bytes.0))?;
        }
        seq.end()
    }
}

/// A string of bytes.
struct Written<'a>(&'a [u8]);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0)
    }
}

/// A state and the steps that it is followed by, as they were read.
struct Part(Motion, Vec<Step>);

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;

        impl de::Visitor<'_> for Read {
            type Value = Part;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{STATE} bytes of a state and up to {EACH} times {STEP} of steps")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Part, E> {
                let steps = bytes.len().checked_sub(STATE).filter(|rest| rest % STEP == 0).map(|rest| rest / STEP);
                let Some(steps) = steps.filter(|n| *n <= EACH) else {
                    return Err(E::invalid_length(bytes.len(), &self));
                };
                let mut bytes = Bytes(bytes);
                let motion = bytes.motion();
                Ok(Part(motion, (0..steps).map(|_| bytes.step()).collect()))
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Part, E> {
                self.visit_bytes(&bytes)
            }
        }

        from.deserialize_byte_buf(Read)
    }
}

impl<'de> Deserialize<'de> for Past {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut parts = Vec::<Part>::deserialize(from)?.into_iter();
        let now = parts.next().filter(|now| now.1.is_empty());
        let past = now.and_then(|now| Past::again(parts.map(|p| (p.0, p.1)).collect(), &now.0));
        past.ok_or_else(|| de::Error::custom(Unfit::Kept))
    }
}

/// Sensors that there can be.
fn most(world: bool) -> usize {
    if world { MOST_SENSORS } else { usize::MAX }
}

impl TryFrom<Kept> for Sky {
    type Error = Unfit;

    fn try_from(kept: Kept) -> Result<Self, Unfit> {
        // A scene knows its sensors from the start, and a world all of them by themselves.
        if kept.sensors.iter().any(|s| !s.is_sound() || s.came() != kept.world) || kept.sensors.len() > most(kept.world)
        {
            return Err(Unfit::Kept);
        }
        let mut sky = Sky::new(kept.settings, Vec::new())?;
        let n = kept.sensors.len();
        if !kept.world {
            let scene: Vec<_> = kept.sensors.iter().map(|s| s.sensor.clone()).collect();
            sky.finders = crossing::finders(&scene);
        }
        sky.sensors = Sensors::again(kept.sensors);
        sky.world = kept.world;
        if kept.loose.len() != n || kept.registrations.len() != n || kept.now.is_nan() || kept.swept.is_nan() {
            return Err(Unfit::Kept);
        }
        let known = |step: &Step| {
            // In a world the slot may be another's by now, of a step that is too old to be worked through again.
            step.seen().is_none_or(|(s, m)| s < n && (kept.world || m.is_fit(sky.sensors[s].sense)))
        };
        let mut last = 0;
        for b in &kept.bodies {
            let sound = b.past.is_sound() && b.past.steps().all(|s| s.t.is_finite() && known(s));
            let in_order = b.past.steps().is_sorted_by(|a, b| a.t <= b.t);
            let pushed = |s: &Step| s.push.p.iter().chain(&s.push.v).all(|x| x.is_finite());
            let common = b.common.as_ref().is_none_or(|c| c.is_sound());
            let placed =
                b.chart.is_sound() && (b.chart != Chart::SCENE) == kept.world && b.waits.iter().all(Wait::is_sound);
            if !placed
                || !b.past.steps().all(pushed)
                || !common
                || b.id <= last
                || !sound
                || !in_order
                || !(0.0..=1.0).contains(&b.r)
            {
                return Err(Unfit::Kept);
            }
            last = b.id;
        }
        let heard = |l: &Loose| l.sensor < n && l.is_sound(&sky.sensors[l.sensor]);
        if kept.clutter.len() != n || !kept.clutter.iter().all(Clutter::is_sound) {
            return Err(Unfit::Kept);
        }
        if last >= kept.next || !kept.loose.iter().flatten().all(heard) {
            return Err(Unfit::Kept);
        }
        // A world has none: nobody takes whole scans of bearings there.
        if !kept
            .guesses
            .is_sound(kept.next, |(sensor, m)| !kept.world && *sensor < n && m.is_fit(sky.sensors[*sensor].sense))
            || kept.loose.iter().flatten().any(|l| l.number >= kept.guesses.next())
        {
            return Err(Unfit::Kept);
        }
        sky.bodies = Bodies::of(kept.bodies, kept.now);
        sky.guesses = kept.guesses;
        sky.next = kept.next;
        sky.now = kept.now;
        sky.swept = kept.swept;
        sky.bodies.looked = kept.swept;
        sky.loose = kept.loose;
        sky.registrations = kept.registrations;
        sky.clutter = kept.clutter;
        sky.alone = kept.alone;
        sky.refused = kept.refused;
        sky.scratch = Scratch::default();
        Ok(sky)
    }
}
