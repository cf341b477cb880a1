//! [`Kept`]: a [`Sky`] as it is written down and read back, in any format that knows infinity (CBOR does, JSON does not).
//! What was read back goes on as if nothing had been between, to the last bit. What cannot have been written by us is
//! refused: a number that is not finite would spread over everything that it touches.

use super::{
    Measured, Refused, Sky, Unfit,
    bodies::Bodies,
    body::{Body, Step, Wait},
    charts::Chart,
    crossing::{self, Loose},
    flock::Push,
    gauss::{Gauss, V3},
    motion::Motion,
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
    next: u64,
    now: f64,
    swept: f64,
    loose: &'a [Vec<Loose>],
    registrations: &'a [Registration],
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
    next: u64,
    now: f64,
    swept: f64,
    loose: Vec<Vec<Loose>>,
    registrations: Vec<Registration>,
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
            next: self.next,
            now: self.now,
            swept: self.swept,
            loose: &self.loose,
            registrations: &self.registrations,
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

/// Numbers of a state: place, velocity and their covariance.
const STATE: usize = 3 + 3 + 6 + 9 + 6;
/// Bytes of a step: its moment, two states and their chances, what it was measured by, what its flock did; and whether its
/// height is known.
const STEP: usize = 8 * (1 + 2 * STATE + 2) + 8 + 8 * 6 + 4 * 6 + 1;
/// No sensor.
const NOBODY: u64 = u64::MAX;

/// Numbers one after another, little-endian.
struct Bytes<T>(T);

impl Bytes<Vec<u8>> {
    fn all<const N: usize>(&mut self, numbers: &[f64; N]) {
        for x in numbers {
            self.0.extend_from_slice(&x.to_le_bytes());
        }
    }

    fn state(&mut self, g: &Gauss) {
        self.all(&g.p);
        self.all(&g.v);
        self.all(&g.pp);
        g.pv.iter().for_each(|row| self.all(row));
        self.all(&g.vv);
    }
}

impl Bytes<&[u8]> {
    /// The next bytes; nought where there are no more, which whoever asks has ruled out.
    fn next<const N: usize>(&mut self) -> [u8; N] {
        let Some((first, rest)) = self.0.split_first_chunk::<N>() else { return [0; N] };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> f64 {
        f64::from_le_bytes(self.next())
    }

    fn all<const N: usize>(&mut self) -> [f64; N] {
        std::array::from_fn(|_| self.number())
    }

    fn state(&mut self) -> Gauss {
        let (p, v, pp) = (self.all(), self.all(), self.all());
        let pv = std::array::from_fn(|_| self.all());
        Gauss { p, v, pp, pv, vv: self.all() }
    }
}

/// Steps are by far the most of what is kept, so each is one string of bytes: with its numbers by name, thousands of tracks
/// would take too long to write while warnings wait.
impl Serialize for Step {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Bytes(Vec::with_capacity(STEP));
        bytes.all(&[self.t]);
        bytes.all(&self.motion.mu);
        self.motion.states.iter().for_each(|g| bytes.state(g));
        let (sensor, m) = self.by.map_or((NOBODY, Measured { z: [0.0; 3], r: [0.0; 3] }), |(k, m)| (k as u64, m));
        bytes.0.extend_from_slice(&sensor.to_le_bytes());
        bytes.all(&m.z);
        bytes.all(&m.r);
        bytes.0.push(u8::from(self.motion.flat));
        self.push.p.iter().chain(&self.push.v).for_each(|x| bytes.0.extend_from_slice(&x.to_le_bytes()));
        to.serialize_bytes(&bytes.0)
    }
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;

        impl de::Visitor<'_> for Read {
            type Value = Step;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{STEP} bytes of a step")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Step, E> {
                step(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Step, E> {
                self.visit_bytes(&bytes)
            }
        }

        from.deserialize_byte_buf(Read)
    }
}

/// A step as it was written; none where it was not.
fn step(bytes: &[u8]) -> Option<Step> {
    if bytes.len() != STEP {
        return None;
    }
    let mut bytes = Bytes(bytes);
    let [t] = bytes.all();
    let mu = bytes.all();
    let states = std::array::from_fn(|_| bytes.state());
    let sensor = u64::from_le_bytes(bytes.next());
    let (z, r): (V3, V3) = (bytes.all(), bytes.all());
    // A number too large for a sensor is of none that is known, and refused as such.
    let by = (sensor != NOBODY).then(|| (usize::try_from(sensor).unwrap_or(usize::MAX), Measured { z, r }));
    let flat = bytes.next() != [0];
    let [p, v] = std::array::from_fn(|_| std::array::from_fn(|_| f32::from_le_bytes(bytes.next())));
    Some(Step { t, motion: Motion { mu, states, flat }, by, push: Push { p, v } })
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
        let known = |by: &Option<(usize, Measured)>| {
            // In a world the slot may be another's by now, of a step that is too old to be worked through again.
            by.as_ref().is_none_or(|(s, m)| *s < n && (kept.world || m.is_fit(sky.sensors[*s].sense)))
        };
        let mut last = 0;
        for b in &kept.bodies {
            let sound = b.steps.iter().all(|s| s.t.is_finite() && s.motion.is_sound() && known(&s.by));
            let in_order = b.steps.iter().zip(b.steps.iter().skip(1)).all(|(a, b)| a.t <= b.t);
            let pushed = |s: &Step| s.push.p.iter().chain(&s.push.v).all(|x| x.is_finite());
            let common = b.common.as_ref().is_none_or(|c| c.is_sound());
            let placed =
                b.chart.is_sound() && (b.chart != Chart::SCENE) == kept.world && b.waits.iter().all(Wait::is_sound);
            if !placed
                || !b.steps.iter().all(pushed)
                || !common
                || b.id <= last
                || b.steps.is_empty()
                || !sound
                || !in_order
                || !(0.0..=1.0).contains(&b.r)
            {
                return Err(Unfit::Kept);
            }
            last = b.id;
        }
        let heard = |l: &Loose| l.sensor < n && l.is_sound(&sky.sensors[l.sensor]);
        if last >= kept.next || !kept.loose.iter().flatten().all(heard) {
            return Err(Unfit::Kept);
        }
        sky.bodies = Bodies::of(kept.bodies, kept.now);
        sky.next = kept.next;
        sky.now = kept.now;
        sky.swept = kept.swept;
        sky.bodies.looked = kept.swept;
        sky.loose = kept.loose;
        sky.registrations = kept.registrations;
        sky.alone = kept.alone;
        sky.refused = kept.refused;
        sky.scratch = Scratch::default();
        Ok(sky)
    }
}
