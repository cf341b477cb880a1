//! [`Loose`]: bearings that no track explains, and where three of them meet.

use super::{
    Sky,
    charts::Chart,
    gauss::{V3, dot, minus, turn, turn_back},
    scan::Scratch,
    sensor::{Measured, Sense, Sensor},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is a little beyond a finder's reach is heard at times, too.
const HEARING: f64 = 1.1;
/// How high over the origin's height flies what bearings find, and how sure that is, m.
const HEIGHT_M: [f64; 2] = [60.0, 30.0];

/// Bearings that one can meet: the newest.
const MOST_NEAR: usize = 120;
/// Places where those of a scan meet others: the best.
const MOST_CROSSINGS: usize = 40;

/// A bearing that no track explains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Loose {
    pub(super) sensor: usize,
    pub(super) t: f64,
    /// As it came, and put right.
    pub(super) raw: Measured,
    m: Measured,
    /// Chance that it is of nothing that is known otherwise.
    pub(super) free: f64,
    /// Its number among all bearings.
    pub(super) number: u64,
    /// Normal of the upright plane through the sensor that it stands for, in the scene's axes.
    n: V3,
    /// The direction itself.
    ahead: V3,
}

/// Of each finder of directions, the others that could find the same thing.
pub(super) fn finders(sensors: &[Sensor]) -> Arc<[Box<[usize]>]> {
    let is = |s: &Sensor| s.sense == Sense::Bearing;
    let shared = |a: &Sensor, b: &Sensor| {
        let d = minus(&a.at, &b.at);
        is(b) && libm::hypot(d[0], d[1]) < (a.range[1] + b.range[1]) * HEARING
    };
    let of = |(k, a): (usize, &Sensor)| -> Box<[usize]> {
        let others = sensors.iter().enumerate().filter(|(o, b)| *o != k && is(a) && shared(a, b));
        others.map(|(o, _)| o).collect()
    };
    sensors.iter().enumerate().map(of).collect()
}

impl Loose {
    /// The bearing, with the upright plane that it stands for: its normal, and where it is to be met, in the scene's
    /// axes. Far from the scene's origin "upright" and "north" are others than there.
    pub(super) fn new(sensor: usize, t: f64, [raw, m]: [Measured; 2], free: f64, number: u64, from: &Sensor) -> Self {
        let (sin, cos) = (libm::sin(m.z[1]), libm::cos(m.z[1]));
        let n = turn_back(&from.axes, &[cos, -sin, 0.0]);
        Self { sensor, t, raw, m, free, number, n, ahead: turn_back(&from.axes, &[sin, cos, 0.0]) }
    }

    /// It can have been heard by this sensor.
    pub(super) fn is_sound(&self, from: &Sensor) -> bool {
        self.t.is_finite()
            && (0.0..=1.0).contains(&self.free)
            && self.m.is_fit(from.sense)
            && self.raw.is_fit(from.sense)
            && *self == Self::new(self.sensor, self.t, [self.raw, self.m], self.free, self.number, from)
    }

    /// Variance of where the plane is at a distance, m²: its angle's, and what the thing may have moved.
    fn variance(&self, from: &Sensor, r: f64) -> f64 {
        let moved = from.sound.map_or(0.0, |c| r / c) + 0.5;
        self.m.r[1] * r * r + (6.0 * moved) * (6.0 * moved)
    }
}

impl Sky {
    /// Bearings of three places that meet may be of something new: one alone says nothing of where, and two meet
    /// nearly always. Where those of a scan meet two others, the best first.
    pub(super) fn crossings(
        &mut self,
        sensor: usize,
        t: f64,
        scan: &[Loose],
        s: &mut Scratch,
        out: &mut Vec<(V3, [Loose; 3])>,
    ) {
        let window = self.settings.crossing;
        // Late looks come within the rewind: what is newer than they are must still be there for others.
        let kept = self.now - window - self.settings.rewind;
        let all = &mut s.loose;
        all.clear();
        for other in &self.finders[sensor] {
            let loose = &mut self.loose[*other];
            loose.retain(|l| l.t > kept);
            all.extend(loose.iter().filter(|l| (t - l.t).abs() < window));
        }
        if all.len() > MOST_NEAR {
            all.sort_unstable_by(|a, b| b.t.total_cmp(&a.t).then(a.number.cmp(&b.number)));
            all.truncate(MOST_NEAR);
        }
        self.loose[sensor].retain(|l| l.t > kept);
        let mut found: Vec<(f64, V3, [usize; 3])> = Vec::new();
        for (j, new) in scan.iter().enumerate() {
            for (k, one) in all.iter().enumerate() {
                let Some(p) = self.pair(new, one) else { continue };
                for (n, two) in all.iter().enumerate().skip(k + 1) {
                    if one.sensor != two.sensor
                        && self.could_meet(&p, [new, one, two])
                        && let Some((d2, p)) = self.meet(&[new, one, two])
                        && d2 <= self.settings.meets
                    {
                        found.push((d2, p, [j, k, n]));
                    }
                }
            }
            found.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)));
            found.truncate(4 * MOST_CROSSINGS);
        }
        out.clear();
        for (_, p, [j, k, n]) in found {
            if out.len() >= MOST_CROSSINGS {
                break;
            }
            // What is known otherwise is not new.
            self.bodies.known_within(Chart::SCENE, &p, self.settings.apart + 200.0, &mut s.near);
            let close = s.near.iter().any(|k| {
                let body = &self.bodies[*k];
                let d = minus(&body.last().motion.place(), &p);
                !self.guesses.hold(body.id) && (d[0] * d[0] + d[1] * d[1]).sqrt() < self.settings.apart
            });
            if !close {
                out.push((p, [scan[j], all[k], all[n]]));
            }
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
        let s = &self.sensors[l.sensor];
        l.n[0] * s.at[0] + l.n[1] * s.at[1] - l.n[2] * (HEIGHT_M[0] - s.over) / s.axes[2][2]
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

    /// Where three bearings meet, and how well. Each is in the plane of its own sensor, and what is found flies low over the
    /// ground, which far from the origin is not where the origin's plane is.
    fn meet(&self, three: &[&Loose; 3]) -> Option<(f64, V3)> {
        let first_of = &self.sensors[three[0].sensor];
        let mut p = flies_over(first_of, first_of.at[0], first_of.at[1]);
        let mut a = [0.0; 3];
        let mut first = true;
        for _ in 0..3 {
            a = [0.0; 3];
            let mut b = [0.0; 2];
            // By how much the ground falls away eastward and northward.
            let climb = first_of.climb(&p);
            let fall = [-climb[0] / climb[2], -climb[1] / climb[2]];
            for l in three {
                let s = &self.sensors[l.sensor];
                let n = l.n;
                let d = minus(&p, &s.at);
                let q = turn(&s.axes, &d);
                let r = if first { 1000.0 } else { (q[0] * q[0] + q[1] * q[1]).sqrt().max(50.0) };
                let var = l.variance(s, r);
                // From `p` along the ground to where the bearing is.
                let along = [n[0] + n[2] * fall[0], n[1] + n[2] * fall[1]];
                let c = -dot(&n, &d);
                a[0] += along[0] * along[0] / var;
                a[1] += along[0] * along[1] / var;
                a[2] += along[1] * along[1] / var;
                b[0] += along[0] * c / var;
                b[1] += along[1] * c / var;
            }
            let det = a[0] * a[2] - a[1] * a[1];
            if det.is_nan() || det <= 1e-12 {
                return None;
            }
            let [x, y] = [p[0] + (a[2] * b[0] - a[1] * b[1]) / det, p[1] + (a[0] * b[1] - a[1] * b[0]) / det];
            p = flies_over(first_of, x, y);
            first = false;
        }
        let mut d2 = 0.0;
        for l in three {
            let s = &self.sensors[l.sensor];
            let q = turn(&s.axes, &minus(&p, &s.at));
            let r = (q[0] * q[0] + q[1] * q[1]).sqrt().max(50.0);
            // Ahead, not behind, and within hearing.
            if q[0] * libm::sin(l.m.z[1]) + q[1] * libm::cos(l.m.z[1]) < 0.0 || r > s.range[1] * HEARING {
                return None;
            }
            let off = q[0] * libm::cos(l.m.z[1]) - q[1] * libm::sin(l.m.z[1]);
            d2 += off * off / l.variance(s, r);
        }
        let det = a[0] * a[2] - a[1] * a[1];
        let flat = [a[2] / det, -a[1] / det, a[0] / det];
        if flat[0] + flat[2] > 200.0 * 200.0 {
            return None;
        }
        Some((d2, p))
    }
}

/// Here in the scene, near a sensor, and as high as what bearings find mostly flies.
fn flies_over(near: &Sensor, x: f64, y: f64) -> V3 {
    near.at_height(x, y, HEIGHT_M[0])
}
