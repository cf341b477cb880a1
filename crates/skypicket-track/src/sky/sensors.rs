//! [`Sensors`]: all that measures. A scene knows its own from the start; where reports come from anywhere, whatever
//! they were made with is taken in with them and forgotten when nothing can rest on it any more.

use super::{
    charts::{Chart, Charts},
    gauss::M3,
    numbers::Numbers,
    sensor::Sensor,
};
use serde::{Deserialize, Serialize};
use skypicket_model::{Enu, Place};
use std::{borrow::Cow, ops::Index};

/// Sensors that are known at a time at most, where they come and go.
pub const MOST_SENSORS: usize = 20_000;

/// A sensor, and where its numbers hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Slot {
    /// Whose it is, as [`Odds`](super::lone::Odds) has it.
    #[serde(default)]
    who: u64,
    pub(super) sensor: Sensor,
    /// What its place and axes are in.
    pub(super) chart: Chart,
    /// Where on Earth it is, and its axes in its own east, north and up; none of a scene's.
    stands: Option<(Place, M3)>,
    /// That place's frame. It follows from the place.
    #[serde(skip)]
    own: Option<Enu>,
    /// The newest moment that it measured something of, s.
    used: f64,
}

/// All that measures.
#[derive(Debug, Clone, Default)]
pub(super) struct Sensors {
    slots: Vec<Slot>,
    /// Those that came by themselves, by all that they are.
    known: Numbers<Key, usize>,
    charts: Charts,
}

/// East, north and up.
pub(super) const UPRIGHT: M3 = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// All that a sensor is that came by itself.
type Key = [u64; 18];

impl Index<usize> for Sensors {
    type Output = Sensor;
    fn index(&self, slot: usize) -> &Sensor {
        &self.slots[slot].sensor
    }
}

fn key(who: u64, sensor: &Sensor, place: Place, axes: &M3) -> Key {
    let sight = sensor
        .sight
        .map_or([0; 4], |s| [s.own.to_bits(), u64::from(s.level) + 1, s.stray[0].to_bits(), s.stray[1].to_bits()]);
    let mut key = [0; 18];
    key[17] = who;
    key[0] = sensor.sense as u64;
    key[1] = place.lat_deg.to_bits();
    key[2] = place.lon_deg.to_bits();
    key[3] = place.alt_hae_m.map_or(u64::MAX, f64::to_bits);
    key[4..8].copy_from_slice(&sight);
    for (k, x) in axes.iter().flatten().enumerate() {
        key[8 + k] = x.to_bits();
    }
    key
}

impl Sensors {
    /// Those of a scene.
    pub(super) fn of(all: Vec<Sensor>) -> Self {
        let slot =
            |sensor| Slot { who: 0, sensor, chart: Chart::SCENE, stands: None, own: None, used: f64::NEG_INFINITY };
        Self { slots: all.into_iter().map(slot).collect(), ..Self::default() }
    }

    /// As they were kept.
    pub(super) fn again(mut slots: Vec<Slot>) -> Self {
        for slot in &mut slots {
            slot.own = slot.stands.map(|(place, _)| Enu::at(place));
        }
        let known = slots.iter().enumerate().filter_map(|(k, s)| {
            let (place, axes) = s.stands.as_ref()?;
            Some((key(s.who, &s.sensor, *place, axes), k))
        });
        Self { known: known.collect(), slots, charts: Charts::default() }
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn get(&self, slot: usize) -> Option<&Sensor> {
        self.slots.get(slot).map(|s| &s.sensor)
    }

    /// What a sensor's place and axes are in.
    pub(super) fn chart(&self, slot: usize) -> Chart {
        self.slots[slot].chart
    }

    /// A sensor with its place and axes in another chart.
    pub(super) fn seen_from(&self, slot: usize, chart: Chart) -> Cow<'_, Sensor> {
        let it = &self.slots[slot];
        if it.chart == chart {
            return Cow::Borrowed(&it.sensor);
        }
        match (&it.stands, &it.own, self.charts.peek(chart)) {
            (Some((_, axes)), Some(own), Some(frame)) => Cow::Owned(placed(it.sensor.clone(), own, axes, &frame)),
            _ => Cow::Borrowed(&it.sensor),
        }
    }

    /// The frame of a chart that is needed again soon.
    pub(super) fn frame(&mut self, chart: Chart) -> Option<Enu> {
        self.charts.frame(chart)
    }

    /// The frame of a chart.
    pub(super) fn peek(&self, chart: Chart) -> Option<Enu> {
        self.charts.peek(chart)
    }

    /// The slot of a sensor that stands at a place, its axes along east, north and up there, if it was taken in.
    pub(super) fn find(&self, who: u64, sensor: &Sensor, place: Place) -> Option<usize> {
        self.known.get(&key(who, sensor, place, &UPRIGHT)).copied()
    }

    /// Takes a sensor in that stands at a place, with axes along its own east, north and up, and gives its slot, and whether
    /// it was not known: the one that it had, a new one, or the one whose last report is oldest, if that is older than
    /// `kept`. None where all are still needed.
    pub(super) fn meet(
        &mut self,
        (who, sensor): (u64, &Sensor),
        (place, own): (Place, &Enu),
        axes: &M3,
        t: f64,
        kept: f64,
    ) -> Option<(usize, bool)> {
        let key = key(who, sensor, place, axes);
        if let Some(slot) = self.known.get(&key) {
            let it = &mut self.slots[*slot];
            it.used = it.used.max(t);
            // What it can see and how well may have been set anew.
            it.sensor.pd = sensor.pd;
            it.sensor.clutter = sensor.clutter;
            return Some((*slot, false));
        }
        let chart = Chart::of(place);
        let sensor = match self.charts.frame(chart) {
            Some(frame) => placed(sensor.clone(), own, axes, &frame),
            None => sensor.clone(),
        };
        let new = Slot { who, sensor, chart, stands: Some((place, *axes)), own: Some(*own), used: t };
        let slot = if self.slots.len() < MOST_SENSORS {
            self.slots.push(new);
            self.slots.len() - 1
        } else {
            let oldest = (0..self.slots.len()).min_by(|a, b| self.slots[*a].used.total_cmp(&self.slots[*b].used))?;
            if self.slots[oldest].used >= kept {
                return None;
            }
            let gone = std::mem::replace(&mut self.slots[oldest], new);
            if let Some((place, axes)) = gone.stands {
                self.known.remove(&self::key(gone.who, &gone.sensor, place, &axes));
            }
            oldest
        };
        self.known.insert(key, slot);
        Some((slot, true))
    }
}

pub(super) fn placed(mut sensor: Sensor, own: &Enu, axes: &M3, chart: &Enu) -> Sensor {
    sensor.at = chart.carry(own, [0.0; 3]);
    let turn = own.turn_from(chart);
    sensor.axes = std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| axes[i][k] * turn[k][j]).sum()));
    sensor
}

impl Slot {
    /// It can have been taken in.
    pub(super) fn is_sound(&self) -> bool {
        let stands = self.stands.as_ref().is_none_or(|(place, axes)| {
            place.check().is_ok() && axes.iter().flatten().all(|x| x.is_finite()) && self.chart == Chart::of(*place)
        });
        stands && self.chart.is_sound() && !self.used.is_nan() && self.sensor.check().is_ok()
    }

    /// It came by itself.
    pub(super) fn came(&self) -> bool {
        self.stands.is_some()
    }
}
