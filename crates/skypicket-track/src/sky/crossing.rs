//! [`Loose`]: bearings that no track explains, and where three of them meet.

use super::{
    Plot, Sky,
    gauss::{Gauss, dot, minus},
    motion::Motion,
    sensor::{Measured, Sensor},
};
use std::sync::Arc;

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
            let mut best: Option<(f64, Gauss, f64)> = None;
            for (k, one) in near.iter().enumerate() {
                for two in &near[k + 1..] {
                    if one.sensor == two.sensor {
                        continue;
                    }
                    if let Some((d2, g)) = self.meet(&[&new, one, two])
                        && best.as_ref().is_none_or(|b| d2 < b.0)
                    {
                        best = Some((d2, g, new.free.min(one.free).min(two.free)));
                    }
                }
            }
            self.loose.push(new);
            let Some((d2, g, free)) = best else { continue };
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
            self.bodies[k].gives = [0.95; 2];
            self.bodies[k].met = true;
            self.bodies[k].claims.seen = 2;
        }
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
                let n = [libm::cos(l.m.z[1]), -libm::sin(l.m.z[1])];
                let d = [p[0] - s.at[0], p[1] - s.at[1]];
                let r = if first { 1000.0 } else { (d[0] * d[0] + d[1] * d[1]).sqrt().max(50.0) };
                let moved = s.sound.map_or(0.0, |c| r / c) + 0.5;
                let var = l.m.r[1] * r * r + (6.0 * moved) * (6.0 * moved);
                let c = n[0] * s.at[0] + n[1] * s.at[1];
                a[0] += n[0] * n[0] / var;
                a[1] += n[0] * n[1] / var;
                a[2] += n[1] * n[1] / var;
                b[0] += n[0] * c / var;
                b[1] += n[1] * c / var;
            }
            let det = a[0] * a[2] - a[1] * a[1];
            if det.is_nan() || det <= 1e-12 {
                return None;
            }
            p = [(a[2] * b[0] - a[1] * b[1]) / det, (a[0] * b[1] - a[1] * b[0]) / det];
            first = false;
        }
        let mut d2 = 0.0;
        for l in three {
            let s = &self.sensors[l.sensor];
            let d = [p[0] - s.at[0], p[1] - s.at[1]];
            let r = (d[0] * d[0] + d[1] * d[1]).sqrt().max(50.0);
            // Ahead, not behind, and within hearing.
            if d[0] * libm::sin(l.m.z[1]) + d[1] * libm::cos(l.m.z[1]) < 0.0 || r > s.range[1] * 1.1 {
                return None;
            }
            let moved = s.sound.map_or(0.0, |c| r / c) + 0.5;
            let var = l.m.r[1] * r * r + (6.0 * moved) * (6.0 * moved);
            let off = d[0] * libm::cos(l.m.z[1]) - d[1] * libm::sin(l.m.z[1]);
            d2 += off * off / var;
        }
        let det = a[0] * a[2] - a[1] * a[1];
        let pp = [a[2] / det, -a[1] / det, 0.0, a[0] / det, 0.0, 30.0 * 30.0];
        if pp[0] + pp[3] > 200.0 * 200.0 {
            return None;
        }
        Some((d2, Gauss::standing([p[0], p[1], 60.0], pp, self.settings.unknown_speed[0], 1.0)))
    }
}
