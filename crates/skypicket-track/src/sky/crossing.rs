//! [`Loose`]: bearings that no track explains, and where three of them meet.

use super::{
    Plot, Sky,
    gauss::{Gauss, V3, dot, minus, turn, turn_back},
    motion::Motion,
    scan::MOST_GIVES,
    sensor::{EARTH_M, Measured, Sensor, height},
};
use std::sync::Arc;

/// How high over the origin's height flies what bearings find, and how sure that is, m.
const HEIGHT_M: [f64; 2] = [60.0, 30.0];

/// Bearings of one scan that can meet others; beyond, they would meet anywhere.
const MOST_OF_A_SCAN: usize = 40;
/// Bearings that one can meet: the newest.
const MOST_NEAR: usize = 120;
/// Bearings kept.
const MOST_KEPT: usize = 10_000;

/// A bearing that no track explains.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loose {
    sensor: usize,
    t: f64,
    m: Measured,
    /// Chance that it is of no track.
    free: f64,
}

/// There is somewhere that both can find something.
fn overlap(a: &Sensor, b: &Sensor) -> bool {
    let d = minus(&a.at, &b.at);
    dot(&d, &d).sqrt() <= 1.1 * (a.range[1] + b.range[1])
}

impl Sky {
    /// Bearings of three places that meet may be of something new: one alone says nothing of where, and two meet
    /// nearly always.
    pub(super) fn cross(
        &mut self,
        sensor: usize,
        t: f64,
        plots: &[Plot],
        free: &[f64],
        taken: &[bool],
        near: &mut Vec<Loose>,
    ) {
        let window = self.settings.crossing;
        // Late looks come within the rewind: what is newer than they are must still be there for others.
        let kept = self.now - window - self.settings.rewind;
        self.loose.retain(|l| l.t > kept);
        self.loose.drain(..self.loose.len().saturating_sub(MOST_KEPT));
        let sensors = Arc::clone(&self.sensors);
        let from = &sensors[sensor];
        near.clear();
        let others = self
            .loose
            .iter()
            .rev()
            .filter(|l| (t - l.t).abs() < window && l.sensor != sensor && overlap(from, &sensors[l.sensor]));
        near.extend(others.take(MOST_NEAR));
        near.reverse();
        let mut tried = 0;
        for (j, plot) in plots.iter().enumerate() {
            if taken[j] {
                continue;
            }
            tried += 1;
            if tried > MOST_OF_A_SCAN {
                self.refused.many += 1;
                continue;
            }
            let new = Loose { sensor, t, m: plot.m, free: free[j] };
            let mut best: Option<(f64, Gauss, f64, [usize; 3])> = None;
            for (k, one) in near.iter().enumerate() {
                for two in &near[k + 1..] {
                    if one.sensor == two.sensor {
                        continue;
                    }
                    if let Some((d2, g)) = self.meet(&[&new, one, two])
                        && best.as_ref().is_none_or(|b| d2 < b.0)
                    {
                        let free = new.free.min(one.free).min(two.free);
                        best = Some((d2, g, free, [sensor, one.sensor, two.sensor]));
                    }
                }
            }
            self.loose.push(new);
            let Some((d2, g, free, by)) = best else { continue };
            if d2 > self.settings.meets {
                continue;
            }
            let close = self.bodies.iter().any(|b| {
                let d = minus(&b.last().motion.place(), &g.p);
                (d[0] * d[0] + d[1] * d[1]).sqrt() < self.settings.apart
            });
            if close {
                continue;
            }
            let motion = Motion::of(g, &self.settings.flight);
            let r = self.settings.met * free.max(self.settings.taken);
            let Some(k) = self.begin(t, &motion, None, r) else { continue };
            let body = &mut self.bodies[k];
            // It gives off what these sensors find; of the rest nothing is known.
            for sensor in by {
                let ear = usize::from(sensors[sensor].sound.is_some());
                body.gives[ear] = self.settings.gives.min(MOST_GIVES);
                body.met[ear] = true;
            }
            body.claims.seen = 2;
        }
    }

    /// Where three bearings meet, and how well. Each is in the plane of its own sensor, and what is found flies low over the
    /// ground, which far from the origin is not where the origin's plane is.
    fn meet(&self, three: &[&Loose; 3]) -> Option<(f64, Gauss)> {
        let start = self.sensors[three[0].sensor].at;
        let mut p = over_ground(start[0], start[1]);
        let mut a = [0.0; 3];
        let mut first = true;
        for _ in 0..3 {
            a = [0.0; 3];
            let mut b = [0.0; 2];
            // By how much the ground falls away eastward and northward.
            let fall = [-p[0] / EARTH_M, -p[1] / EARTH_M];
            for l in three {
                let s = &self.sensors[l.sensor];
                let n = turn_back(&s.axes, &[libm::cos(l.m.z[1]), -libm::sin(l.m.z[1]), 0.0]);
                let d = minus(&p, &s.at);
                let q = turn(&s.axes, &d);
                let r = if first { 1000.0 } else { (q[0] * q[0] + q[1] * q[1]).sqrt().max(50.0) };
                let moved = s.sound.map_or(0.0, |c| r / c) + 0.5;
                let var = l.m.r[1] * r * r + (6.0 * moved) * (6.0 * moved);
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
            p = over_ground(p[0] + (a[2] * b[0] - a[1] * b[1]) / det, p[1] + (a[0] * b[1] - a[1] * b[0]) / det);
            first = false;
        }
        let mut d2 = 0.0;
        for l in three {
            let s = &self.sensors[l.sensor];
            let q = turn(&s.axes, &minus(&p, &s.at));
            let r = (q[0] * q[0] + q[1] * q[1]).sqrt().max(50.0);
            // Ahead, not behind, and within hearing.
            if q[0] * libm::sin(l.m.z[1]) + q[1] * libm::cos(l.m.z[1]) < 0.0 || r > s.range[1] * 1.1 {
                return None;
            }
            let moved = s.sound.map_or(0.0, |c| r / c) + 0.5;
            let var = l.m.r[1] * r * r + (6.0 * moved) * (6.0 * moved);
            let off = q[0] * libm::cos(l.m.z[1]) - q[1] * libm::sin(l.m.z[1]);
            d2 += off * off / var;
        }
        let det = a[0] * a[2] - a[1] * a[1];
        let flat = [a[2] / det, -a[1] / det, a[0] / det];
        if flat[0] + flat[2] > 200.0 * 200.0 {
            return None;
        }
        // Over ground as sure as the bearings; upwards, as it is up there, nobody knows.
        let (x, y) = (-p[0] / EARTH_M, -p[1] / EARTH_M);
        let steep = 1.0 + x * x + y * y;
        let high = HEIGHT_M[1] * HEIGHT_M[1] / steep;
        let pp = [
            flat[0] + high * x * x,
            flat[1] + high * x * y,
            x * flat[0] + y * flat[1] - high * x,
            flat[2] + high * y * y,
            x * flat[1] + y * flat[2] - high * y,
            x * x * flat[0] + 2.0 * x * y * flat[1] + y * y * flat[2] + high,
        ];
        Some((d2, Gauss::standing(p, pp, self.settings.unknown_speed[0], 1.0)))
    }
}

/// Here in the scene, and as high as what bearings find mostly flies.
fn over_ground(x: f64, y: f64) -> V3 {
    [x, y, HEIGHT_M[0] - height(&[x, y, 0.0])]
}
