//! A look from a place that is itself not quite known: a direction, perhaps how far up and how far off.
//!
//! A compass is off by far one time in ten, and a distance is guessed in shares of itself. So range and elevation are
//! joined first and then the azimuth, whose two components each make a state; these are merged by their moments: a
//! direction moves a state by what it is worth. Too near, or of a thing too vague, angles are no straight lines any more:
//! then what counts is the area that is meant, or the line along which it lies.

use super::{
    LN_2PI,
    gauss::{AT, Gauss, Said, V3, dot, minus, times, turn, turn_back},
    motion::{MODELS, Motion},
    sensor::{Measured, Sensor, Sight, wrap},
};
use std::f64::consts::PI;

/// As a state with a wider spread of directions than this it cannot be met by an angle, rad.
const BENT: f64 = 0.3;
/// An elevation steeper than this says nothing of a height that is not known, rad.
const STEEP: f64 = 1.4;

/// What a look holds, before any state.
struct Look<'a> {
    from: &'a Sensor,
    sight: Sight,
    m: &'a Measured,
}

/// What came of joining: the logarithm of the likelihood, per radian and logarithm of the range, and the squared distance
/// (minus twice the logarithm of the likelihood against that of the best direction).
#[derive(Clone, Copy)]
struct Came {
    ln: f64,
    d2: f64,
}

impl Came {
    fn also(&mut self, said: Said) {
        self.d2 += said.d2;
        self.ln -= 0.5 * (said.d2 + libm::log(said.s) + LN_2PI);
    }
}

/// Joins a look to a motion. Gives the natural logarithm of its likelihood and the least squared distance over the models;
/// both are minus and plus infinity where it cannot be of it.
pub(super) fn join(motion: &mut Motion, from: &Sensor, m: &Measured) -> (f64, f64) {
    let Some(sight) = from.sight else { return (f64::NEG_INFINITY, f64::INFINITY) };
    let look = Look { from, sight, m };
    let flat = motion.flat;
    let before = *motion;
    let mut ln = [0.0; MODELS];
    let mut least = f64::INFINITY;
    for (state, ln) in motion.states.iter_mut().zip(&mut ln) {
        let Some(came) = look.join(state, flat) else { return (f64::NEG_INFINITY, f64::INFINITY) };
        *ln = came.ln;
        least = least.min(came.d2);
    }
    let all = motion.weigh(&ln);
    if flat && sight.level && m.r[2].is_finite() && m.z[2].abs() < STEEP {
        look.height(motion, &before);
    }
    (all, least)
}

impl Look<'_> {
    /// A row in the observer's axes, as one in the chart's.
    fn row(&self, own: V3, flat: bool) -> V3 {
        let mut h = turn_back(&self.from.axes, &own);
        if flat {
            h[2] = 0.0;
        }
        h
    }

    fn azimuth_variance(&self) -> f64 {
        let [share, stray] = self.sight.stray;
        (1.0 - share) * self.m.r[1] + share * stray * stray
    }

    fn join(&self, g: &mut Gauss, flat: bool) -> Option<Came> {
        let own2 = self.sight.own * self.sight.own;
        let [median, az, el] = self.m.z;
        let [var_ln, var_az, var_el] = self.m.r;
        let mut q = turn(&self.from.axes, &minus(&g.p, &self.from.at));
        let solid = !flat && self.sight.level;
        if !solid {
            q[2] = 0.0;
        }
        let near = libm::hypot(q[0], q[1]).max(1.0);
        let slant = libm::hypot(near, q[2]).max(1.0);
        let to_az = self.row([q[1] / (near * near), -q[0] / (near * near), 0.0], flat);
        let to_ln = self.row(q.map(|x| x / (slant * slant)), flat);
        let spread = |h: &V3| dot(h, &times(&g.pp, h));
        if spread(&to_az).max(spread(&to_ln)) + own2 / (near * near) > BENT * BENT {
            return if var_ln.is_finite() { self.join_area(g, flat, slant) } else { self.join_line(g, flat, q) };
        }
        let off = wrap(az - libm::atan2(q[0], q[1]));
        let az_noise = own2 / (near * near);
        let widest =
            var_az.max(self.sight.stray[1] * self.sight.stray[1] * f64::from(u8::from(self.sight.stray[0] > 0.0)));
        // A quick look first: most things lie in other directions.
        if off * off > 20.0 * (widest + spread(&to_az) + az_noise) {
            return None;
        }
        let start = g.p;
        let mut came = Came { ln: 0.0, d2: 0.0 };
        if var_ln.is_finite() {
            let nu = libm::log(median) - libm::log(slant);
            came.also(g.join(&to_ln, nu, var_ln + own2 / (slant * slant)));
        }
        if var_el.is_finite() && solid {
            let up = q[2] / (slant * slant);
            let to_el = self.row([-q[0] * up / near, -q[1] * up / near, near / (slant * slant)], flat);
            let nu = el - libm::atan2(q[2], near) - dot(&to_el, &minus(&g.p, &start));
            came.also(g.join(&to_el, nu, var_el + own2 / (slant * slant)));
        } else if var_el.is_finite() {
            // A direction up that cannot be compared is as likely as any other.
            came.ln -= libm::log(PI / 2.0);
        }
        let nu = off - dot(&to_az, &minus(&g.p, &start));
        let [share, stray] = self.sight.stray;
        let (mut fair, mut far) = (*g, *g);
        let one = fair.join(&to_az, nu, var_az + az_noise);
        let peak = |said: &Said| 1.0 / (said.s * 2.0 * PI).sqrt();
        let mut best = peak(&one) * (1.0 - share);
        let mut weights = [peak(&one) * libm::exp(-0.5 * one.d2) * (1.0 - share), 0.0];
        if share > 0.0 {
            let two = far.join(&to_az, nu, stray * stray + az_noise);
            best += peak(&two) * share;
            weights[1] = peak(&two) * libm::exp(-0.5 * two.d2) * share;
        }
        let total = weights[0] + weights[1];
        if total.is_nan() || total <= 0.0 {
            return None;
        }
        came.d2 -= 2.0 * libm::log(total / best);
        came.ln += libm::log(total);
        *g = if share > 0.0 { Gauss::mixed(&[(weights[0] / total, fair), (weights[1] / total, far)]) } else { fair };
        Some(came)
    }

    /// Joins the area that is meant.
    fn join_area(&self, g: &mut Gauss, flat: bool, slant: f64) -> Option<Came> {
        let area = self.area()?;
        let (sin, cos) = (libm::sin(self.m.z[1]), libm::cos(self.m.z[1]));
        let start = g.p;
        let mut came = Came { ln: 2.0 * libm::log(slant), d2: 0.0 };
        let mut q = turn(&self.from.axes, &minus(&start, &self.from.at));
        if flat || !self.sight.level {
            q[2] = 0.0;
        }
        let parts = [
            ([sin, cos, 0.0], area.along - (q[0] * sin + q[1] * cos), area.var[0]),
            ([cos, -sin, 0.0], -(q[0] * cos - q[1] * sin), area.var[1]),
        ];
        for (own, nu, r) in parts {
            let h = self.row(own, flat);
            let nu = nu - dot(&h, &minus(&g.p, &start));
            came.also(g.join(&h, nu, r));
        }
        if let (Some((up, var)), false) = (area.up, flat) {
            let h = self.row([0.0, 0.0, 1.0], flat);
            let nu = up - q[2] - dot(&h, &minus(&g.p, &start));
            let said = g.join(&h, nu, var);
            came.d2 += said.d2;
        }
        Some(came)
    }

    /// Joins a direction alone, of a thing too vague for its angle to mean anything: what lies across the line of sight is
    /// measured as nothing, in metres, give or take the angle's error at the distance.
    fn join_line(&self, g: &mut Gauss, flat: bool, q: V3) -> Option<Came> {
        let (sin, cos) = (libm::sin(self.m.z[1]), libm::cos(self.m.z[1]));
        let (along, across) = (q[0] * sin + q[1] * cos, q[0] * cos - q[1] * sin);
        if along <= 0.0 {
            return None;
        }
        let (h, ahead) = (self.row([cos, -sin, 0.0], flat), self.row([sin, cos, 0.0], flat));
        let reach2 = along * along + dot(&ahead, &times(&g.pp, &ahead));
        let r = reach2 * self.azimuth_variance() + self.sight.own * self.sight.own + 1.0;
        // From per metre to per radian.
        let mut came = Came { ln: 0.5 * libm::log(reach2), d2: 0.0 };
        came.also(g.join(&h, -across, r));
        Some(came)
    }

    /// The Gaussian with the same first two moments, along the line of sight and across it. Exact: with the azimuth's error
    /// a mixture of zero-mean normals, `E cos kδ = Σ w·exp(−k²σ²/2)`, and with a log-normal range `E rᵏ = mᵏ·exp(k²s²/2)`.
    fn area(&self) -> Option<Area> {
        let ([median, _, el], [var_ln, var_az, var_el]) = (self.m.z, self.m.r);
        if var_ln.is_infinite() {
            return None;
        }
        let [share, stray] = self.sight.stray;
        let mean_cos =
            |k: f64| (1.0 - share) * libm::exp(-k * k * var_az / 2.0) + share * libm::exp(-k * k * stray * stray / 2.0);
        let moment = |k: f64| libm::exp(k * libm::log(median) + k * k * var_ln / 2.0);
        let (cos1, cos2, r1, r2) = (mean_cos(1.0), mean_cos(2.0), moment(1.0), moment(2.0));
        // Range is slant: what lies along the ground is its share by the elevation, with that angle's own spread.
        let (el, var) = if var_el.is_finite() { (el, var_el) } else { (0.0, 0.0) };
        let shrink = |k: f64| libm::exp(-k * k * var / 2.0);
        let ce = libm::cos(el) * shrink(1.0);
        let ce2 = f64::midpoint(1.0, libm::cos(2.0 * el) * shrink(2.0));
        let (se, se2) = (libm::sin(el) * shrink(1.0), f64::midpoint(1.0, -libm::cos(2.0 * el) * shrink(2.0)));
        let along = r1 * ce * cos1;
        let own = self.sight.own * self.sight.own + 0.25;
        let var_along = (r2 * ce2 * f64::midpoint(1.0, cos2) - along * along).max(0.0) + own;
        let var_across = (r2 * ce2 * f64::midpoint(1.0, -cos2)).max(0.0) + own;
        let up =
            (var_el.is_finite() && self.sight.level).then(|| (r1 * se, (r2 * se2 - r1 * r1 * se * se).max(0.0) + own));
        Some(Area { along, var: [var_along, var_across], up })
    }

    /// An angle up at a known distance is a height: a thing without one gets it.
    fn height(&self, motion: &mut Motion, before: &Motion) {
        let g = before.merged();
        let q = turn(&self.from.axes, &minus(&g.p, &self.from.at));
        let near = libm::hypot(q[0], q[1]).max(1.0);
        let t = libm::tan(self.m.z[2]);
        let own2 = self.sight.own * self.sight.own;
        let steep = near * (1.0 + t * t);
        let var = steep * steep * self.m.r[2] + t * t * (g.pp[0] + g.pp[3] + own2) + own2;
        let there = turn_back(&self.from.axes, &[q[0], q[1], near * t]);
        motion.learn_height(self.from.at[2] + there[2]);
        for state in &mut motion.states {
            state.pp[5] = var.max(1.0);
        }
    }
}

/// Where a look means, along its line of sight.
struct Area {
    along: f64,
    /// Along and across, m².
    var: [f64; 2],
    /// How far up, and its variance, where that is known.
    up: Option<(f64, f64)>,
}

/// The area that a look means as a place with covariance in the chart, and whether its height is known.
pub(super) fn area(from: &Sensor, m: &Measured) -> Option<(V3, [f64; 6], bool)> {
    let look = Look { from, sight: from.sight?, m };
    let area = look.area()?;
    let (sin, cos) = (libm::sin(m.z[1]), libm::cos(m.z[1]));
    let axes = [[sin, cos, 0.0], [cos, -sin, 0.0], [0.0, 0.0, 1.0]].map(|own| turn_back(&from.axes, &own));
    let (up, var_up) = area.up.unwrap_or((0.0, 1.0));
    let p: V3 = std::array::from_fn(|i| from.at[i] + area.along * axes[0][i] + up * axes[2][i]);
    let vars = [area.var[0], area.var[1], var_up];
    let mut cov = [0.0; 6];
    for i in 0..3 {
        for j in i..3 {
            cov[AT[i][j]] = (0..3).map(|k| vars[k] * axes[k][i] * axes[k][j]).sum();
        }
    }
    Some((p, cov, area.up.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sky::{
        Sense,
        lone::{Odds, blank},
    };

    fn look(stray: [f64; 2]) -> Sensor {
        let sight = Some(Sight { own: 0.0, level: true, stray });
        Sensor { sight, ..blank(Sense::Sight, Odds { pd: 1.0, untrue: 0.0, who: 0 }) }
    }

    /// The moments of what a look means against a fine sum over its own distribution.
    #[test]
    fn the_area_that_is_meant_has_the_moments_of_the_look() {
        let (core, stray, share, s) = (5.0_f64.to_radians(), 25.0_f64.to_radians(), 0.1, 0.5_f64);
        let m = Measured { z: [175.0, PI / 2.0, 0.0], r: [s * s, core * core, f64::INFINITY] };
        let (p, cov, known) = area(&look([share, stray]), &m).unwrap();
        let (mut n, mut e, mut ee, mut nn) = (0.0, 0.0, 0.0, 0.0);
        for (w, sigma) in [(1.0 - share, core), (share, stray)] {
            for a in -300..=300 {
                let off = f64::from(a) / 50.0;
                let az = off * sigma;
                for b in -300..=300 {
                    let far = f64::from(b) / 50.0;
                    let r = 175.0 * libm::exp(far * s);
                    let weight = w * libm::exp(-0.5 * (off * off + far * far));
                    let (x, y) = (r * libm::cos(az), r * libm::sin(az));
                    n += weight;
                    e += weight * x;
                    ee += weight * x * x;
                    nn += weight * y * y;
                }
            }
        }
        let mean = e / n;
        assert!(!known && (p[0] / mean - 1.0).abs() < 1e-3 && p[1].abs() < 1e-9, "{p:?} {mean}");
        assert!((cov[0] / (ee / n - mean * mean) - 1.0).abs() < 5e-3, "{cov:?}");
        assert!((cov[3] / (nn / n) - 1.0).abs() < 5e-3, "{cov:?}");
    }

    #[test]
    fn a_direction_alone_means_no_area() {
        let m = Measured { z: [0.0, 1.0, 0.0], r: [f64::INFINITY, 0.01, f64::INFINITY] };
        assert!(area(&look([0.0, 0.4]), &m).is_none());
    }
}
