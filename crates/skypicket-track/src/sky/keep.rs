//! [`Kept`]: a [`Sky`] as it is written down and read back, in any format that knows infinity (CBOR does, JSON does not).
//! What was read back goes on as if nothing had been between, to the last bit. What cannot have been written by us is
//! refused: a number that is not finite would spread over everything that it touches.

use super::{
    Refused, Sky, Unfit,
    bodies::Bodies,
    body::{Body, Wait},
    charts::Chart,
    crossing::{self, Loose},
    registration::Registration,
    scan::Scratch,
    sensors::{MOST_SENSORS, Sensors, Slot},
    settings::Settings,
};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeSeq};

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
        let known = |by: &Option<(usize, super::Measured)>| {
            // In a world the slot may be another's by now, of a step that is too old to be worked through again.
            by.as_ref().is_none_or(|(s, m)| *s < n && (kept.world || m.is_fit(sky.sensors[*s].sense)))
        };
        let mut last = 0;
        for b in &kept.bodies {
            let sound = b.steps.iter().all(|s| s.t.is_finite() && s.motion.is_sound() && known(&s.by));
            let in_order = b.steps.iter().zip(b.steps.iter().skip(1)).all(|(a, b)| a.t <= b.t);
            let pushed = |s: &super::body::Step| s.push.p.iter().chain(&s.push.v).all(|x| x.is_finite());
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
