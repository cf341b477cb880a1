//! [`Loose`]: bearings that no track explains, and where three of them meet.

use super::{
    Plot, Sky,
    gauss::{Gauss, V3, dot, minus, turn_back},
    motion::Motion,
    scan::Scratch,
    sensor::{Measured, Sense, Sensor, height},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is a little beyond a finder's reach is heard at times, too.
const HEARING: f64 = 1.1;
/// Bearings of one scan that can meet others; beyond, they would meet anywhere.
const MOST_OF_A_SCAN: usize = 40;
/// Bearings that one can meet: the newest.
const MOST_NEAR: usize = 120;

/// A bearing that no track explains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Loose {
    pub(super) sensor: usize,
    t: f64,
    m: Measured,
    /// Chance that it is of no track.
    free: f64,
    /// Normal of the upright plane through the sensor that it stands for, in the scene's axes.
    n: V3,
    /// The direction itself.
    ahead: V3,
}

/// Of each finder of directions, the others that could find the same thing.
pub(super) fn finders(sensors: &[Sensor]) -> Arc<[Box<[u32]>]> {
    let is = |s: &Sensor| s.sense == Sense::Bearing;
    let shared = |a: &Sensor, b: &Sensor| {
        let d = minus(&a.at, &b.at);
        is(b) && libm::hypot(d[0], d[1]) < (a.range[1] + b.range[1]) * HEARING
    };
    let of = |(k, a): (usize, &Sensor)| -> Box<[u32]> {
        let others = sensors.iter().enumerate().filter(|(o, b)| *o != k && is(a) && shared(a, b));
        others.map(|(o, _)| o as u32).collect()
    };
    sensors.iter().enumerate().map(of).collect()
}

impl Loose {
    /// The bearing, with the upright plane that it stands for: its normal, and where it is to be met, in the scene's
    /// axes. Far from the scene's origin "upright" and "north" are others than there.
    fn new(sensor: usize, t: f64, m: Measured, free: f64, from: &Sensor) -> Self {
        let (sin, cos) = (libm::sin(m.z[1]), libm::cos(m.z[1]));
        let n = turn_back(&from.axes, &[cos, -sin, 0.0]);
        Self { sensor, t, m, free, n, ahead: turn_back(&from.axes, &[sin, cos, 0.0]) }
    }

    /// It can have been heard by this sensor.
    pub(super) fn is_sound(&self, from: &Sensor) -> bool {
        self.t.is_finite()
            && (0.0..=1.0).contains(&self.free)
            && self.m.is_fit(from.sense)
            && *self == Self::new(self.sensor, self.t, self.m, self.free, from)
    }

    /// Variance of where the plane is at a distance, m²: its angle's, and what the thing may have moved.
    fn variance(&self, from: &Sensor, r: f64) -> f64 {
        let moved = from.sound.map_or(0.0, |c| r / c) + 0.5;
        self.m.r[1] * r * r + (6.0 * moved) * (6.0 * moved)
    }
}

/// Where what is found by directions is taken to fly, m over the ground.
const FLIES: f64 = 60.0;
/// How uncertain that is, m.
const FLIES_ABOUT: f64 = 30.0;

/// That height at a place, in the scene's axes: the ground falls away from the plane of the origin.
fn flies(p: [f64; 2]) -> f64 {
    FLIES - height(&[p[0], p[1], 0.0])
}

impl Sky {
    /// Bearings of three places that meet may be of something new: one alone says nothing of where, and two meet
    /// nearly always.
    pub(super) fn cross(&mut self, sensor: usize, t: f64, plots: &[Plot], s: &mut Scratch) {
        let window = self.settings.crossing;
        let all = &mut s.loose;
        all.clear();
        for other in self.finders[sensor].iter() {
            let loose = &mut self.loose[*other as usize];
            loose.retain(|l| t - l.t < window && l.t - t < window);
            all.extend_from_slice(loose);
        }
        if all.len() > MOST_NEAR {
            all.sort_unstable_by(|a, b| b.t.total_cmp(&a.t).then(a.sensor.cmp(&b.sensor)));
            all.truncate(MOST_NEAR);
        }
        let own = &mut self.loose[sensor];
        own.retain(|l| t - l.t < window && l.t - t < window);
        let mut tried = 0;
        for (j, plot) in plots.iter().enumerate() {
            if s.taken[j] {
                continue;
            }
            tried += 1;
            if tried > MOST_OF_A_SCAN {
                self.refused.many += 1;
                continue;
            }
            let new = Loose::new(sensor, t, plot.m, s.assignment.free[j], &self.sensors[sensor]);
            let mut best: Option<(f64, Gauss, f64)> = None;
            for (k, one) in all.iter().enumerate() {
                let Some(p) = self.pair(&new, one) else { continue };
                for two in &all[k + 1..] {
                    if one.sensor != two.sensor
                        && self.could_meet(&p, [&new, one, two])
                        && let Some((d2, g)) = self.meet(&[&new, one, two])
                        && best.as_ref().is_none_or(|b| d2 < b.0)
                    {
                        best = Some((d2, g, new.free.min(one.free).min(two.free)));
                    }
                }
            }
            self.loose[sensor].push(new);
            let Some((d2, g, free)) = best else { continue };
            if d2 > self.settings.meets {
                continue;
            }
            // Where a track is under one model can be a little beside where it is under the others.
            self.bodies.known_within(&g.p, self.settings.apart + 200.0, &mut s.near);
            let close = s.near.iter().any(|k| {
                let d = minus(&self.bodies[*k].last().motion.place(), &g.p);
                (d[0] * d[0] + d[1] * d[1]).sqrt() < self.settings.apart
            });
            if close {
                continue;
            }
            let motion = Motion::of(g, &self.settings.flight);
            let r = self.settings.met * free.max(self.settings.taken);
            let Some(k) = self.begin(t, &motion, None, r) else { continue };
            self.bodies[k].gives = [0.95; 2];
            self.bodies[k].met = true;
            self.bodies[k].claims.seen = 2;
        }
    }

    /// Where two bearings cross, if they do within what both can hear.
    fn pair(&self, a: &Loose, b: &Loose) -> Option<[f64; 2]> {
        let det = a.n[0] * b.n[1] - a.n[1] * b.n[0];
        let (ca, cb) = (self.offset(a), self.offset(b));
        let p = [(ca * b.n[1] - cb * a.n[1]) / det, (a.n[0] * cb - b.n[0] * ca) / det];
        // Nearly parallel ones cross anywhere: the third bearing says where.
        let near = |l: &Loose| {
            let s = &self.sensors[l.sensor];
            let d = [p[0] - s.at[0], p[1] - s.at[1]];
            let far = 1.5 * s.range[1];
            d[0] * l.ahead[0] + d[1] * l.ahead[1] > -0.2 * s.range[1] && d[0] * d[0] + d[1] * d[1] < far * far
        };
        (p[0].is_finite() && p[1].is_finite() && (det.abs() < 0.1 || (near(a) && near(b)))).then_some(p)
    }

    /// How far the plane of a bearing is from the scene's origin, at the height where things fly near its sensor.
    fn offset(&self, l: &Loose) -> f64 {
        let at = &self.sensors[l.sensor].at;
        l.n[0] * at[0] + l.n[1] * at[1] - l.n[2] * (flies([at[0], at[1]]) - at[2])
    }

    /// A quick look at whether a third bearing passes near enough to where two others cross. It never says no to three
    /// that do meet.
    fn could_meet(&self, p: &[f64; 2], [a, b, c]: [&Loose; 3]) -> bool {
        let cross = |x: &Loose, y: &Loose| x.n[0] * y.n[1] - x.n[1] * y.n[0];
        let off = c.n[0] * p[0] + c.n[1] * p[1] - self.offset(c);
        let (ab, cb, ac) = (cross(a, b), cross(c, b), cross(a, c));
        let most = |l: &Loose| {
            let s = &self.sensors[l.sensor];
            l.variance(s, s.range[1] * HEARING)
        };
        // Times the square of `ab`, so that nothing is divided by what may be nearly nought.
        let var = ab * ab * most(c) + cb * cb * most(a) + ac * ac * most(b);
        off * off * ab * ab <= self.settings.meets * var
    }

    /// Where three bearings meet, and how well.
    fn meet(&self, three: &[&Loose; 3]) -> Option<(f64, Gauss)> {
        let mut p = [0.0; 2];
        let mut a = [0.0; 3];
        let mut first = true;
        for _ in 0..3 {
            a = [0.0; 3];
            let mut b = [0.0; 2];
            for l in three {
                let s = &self.sensors[l.sensor];
                let d = [p[0] - s.at[0], p[1] - s.at[1]];
                let r = if first { 1000.0 } else { (d[0] * d[0] + d[1] * d[1]).sqrt().max(50.0) };
                let up = if first { flies([s.at[0], s.at[1]]) } else { flies(p) };
                let var = l.variance(s, r);
                let c = l.n[0] * s.at[0] + l.n[1] * s.at[1] - l.n[2] * (up - s.at[2]);
                a[0] += l.n[0] * l.n[0] / var;
                a[1] += l.n[0] * l.n[1] / var;
                a[2] += l.n[1] * l.n[1] / var;
                b[0] += l.n[0] * c / var;
                b[1] += l.n[1] * c / var;
            }
            let det = a[0] * a[2] - a[1] * a[1];
            if det.is_nan() || det <= 1e-12 {
                return None;
            }
            p = [(a[2] * b[0] - a[1] * b[1]) / det, (a[0] * b[1] - a[1] * b[0]) / det];
            first = false;
        }
        let at = [p[0], p[1], flies(p)];
        let mut d2 = 0.0;
        for l in three {
            let s = &self.sensors[l.sensor];
            let d = minus(&at, &s.at);
            let r = (d[0] * d[0] + d[1] * d[1]).sqrt().max(50.0);
            // Ahead, not behind, and within hearing.
            if dot(&d, &l.ahead) < 0.0 || r > s.range[1] * HEARING {
                return None;
            }
            let off = dot(&d, &l.n);
            d2 += off * off / l.variance(s, r);
        }
        let det = a[0] * a[2] - a[1] * a[1];
        let pp = [a[2] / det, -a[1] / det, 0.0, a[0] / det, 0.0, FLIES_ABOUT * FLIES_ABOUT];
        if pp[0] + pp[3] > 200.0 * 200.0 {
            return None;
        }
        Some((d2, Gauss::standing(at, pp, self.settings.unknown_speed[0], 1.0)))
    }
}
