//! What people see: a direction and a guessed distance, up to a minute late, and never a whole scan: of what somebody
//! does not report nothing follows.
//!
//! A sighting is joined at its own time. It speaks for the existence of the tracks that it may be of, each by its share;
//! it tells of the place of a track that is worse known than the sighting is; and what is of no track starts one, with
//! an area for a place, that others have to bear out before it is believed.

use super::{
    Plot, Report, Sky,
    body::at_time,
    charts::Chart,
    gauss::{self, AT, Gauss, minus, turn_back},
    join,
    motion::Motion,
    past::{Means, Step},
    sensor::Measured,
};

/// A sighting this late finds tracks as they were then, s; what is older says nothing of what flies now.
pub(super) const LATEST_S: f64 = 90.0;
/// One that is later than this starts nothing: by now it can be anywhere, s.
const STARTS_WITHIN_S: f64 = 15.0;
/// Shares of people's directions that are as good as they say, and far out, and how far out those are.
const DIRECTIONS: [(f64, f64); 2] = [(0.9, 1.0), (0.1, 4.0)];
/// As sure as a start by one person can be.
const MOST_BY_ONE: f64 = 0.5;
/// Where things that people see fly: over the ground, and how sure that is, m.
const FLIES_M: [f64; 2] = [60.0, 60.0];
/// Its share from which on a sighting is taken to be of a track.
const LIKELY: f64 = 0.5;

impl Sky {
    /// Somebody saw something at `t`.
    pub(super) fn sighted(&mut self, sensor: usize, t: f64, plot: &Plot, out: &mut Vec<Report>) {
        let from = &self.sensors[sensor].clone();
        let [range, az, _] = plot.m.z;
        // Mean false and new sightings per metre and radian; the distance is guessed in shares of itself.
        let birth = self.settings.unnoticed * from.pd * range.max(1.0);
        let none = from.clutter + birth;
        let mut near = std::mem::take(&mut self.scratch.near);
        let mut shares = std::mem::take(&mut self.scratch.shares);
        let far = range + 4.0 * plot.m.r[0].sqrt() + 60.0 * (self.now - t).max(0.0);
        self.bodies.reaching(Chart::SCENE, &from.at, far, |_| f64::INFINITY, &mut near);
        shares.clear();
        let mut all = none;
        for k in near.iter().copied() {
            self.bodies[k].fade(self.now, &self.settings);
            let body = &self.bodies[k];
            let (at, motion) = at_time(body, t, &self.means());
            // People see what is in sight, wherever it flies.
            let d = minus(&motion.place(), &from.at);
            if gauss::dot(&d, &d).sqrt() - motion.merged().spread() > 2.0 * from.range[1] {
                continue;
            }
            let mut density = 0.0;
            let mut joined = motion;
            for (share, wider) in DIRECTIONS {
                let mut m = plot.m;
                m.r[1] *= wider * wider;
                let mut motion = motion;
                let (ln, d2) = join(&mut motion, from, &self.registrations[sensor], &m);
                if d2 < self.settings.gate {
                    density += share * libm::exp(ln);
                }
                if wider <= 1.0 {
                    joined = motion;
                }
            }
            // What was there then may have gone since.
            let still = libm::exp(-(self.now - t).max(0.0) / self.settings.stay);
            let weight = body.r * still * from.pd * density;
            if weight > 1e-3 * none {
                all += weight;
                shares.push((k, weight, at, joined));
            }
        }
        self.scratch.near = near;
        let spread = self.area(sensor, &plot.m).spread();
        for (k, weight, at, joined) in shares.iter().copied() {
            let share = weight / all;
            let body = &mut self.bodies[k];
            body.r = (share + (1.0 - share) * body.r).min(1.0 - 1e-9);
            // Of a place that is known better than people guess it says nothing.
            if share > LIKELY
                && let Some(at) = at
                && body.last().motion.merged().spread() > 0.5 * spread
            {
                let means = Means::of(&self.sensors, &self.registrations, &self.settings);
                self.bodies.insert(k, at, Step::by(t, sensor, plot.m), &joined, &means);
            }
            self.bodies.moved(k, self.now);
            self.show(k, self.now, out);
        }
        let explained = 1.0 - none / all;
        self.scratch.shares = shares;
        if explained > LIKELY || self.now - t > STARTS_WITHIN_S {
            return;
        }
        let state = self.area(sensor, &plot.m);
        if state.spread() > self.settings.vague || !az.is_finite() {
            return;
        }
        let motion = Motion::of(state, &self.settings.flight);
        let r = (birth / all).min(MOST_BY_ONE);
        if let Some(k) = self.begin(Chart::SCENE, t, &motion, Some((sensor, plot.m)), r) {
            self.show(k, self.now, out);
        }
    }

    /// The area that a sighting means, as a place with covariance.
    fn area(&self, sensor: usize, m: &Measured) -> Gauss {
        let from = &self.sensors[sensor];
        let [range, az, _] = m.z;
        let (sin, cos) = (libm::sin(az), libm::cos(az));
        let [along, across] = [turn_back(&from.axes, &[sin, cos, 0.0]), turn_back(&from.axes, &[cos, -sin, 0.0])];
        let up = turn_back(&from.axes, &[0.0, 0.0, 1.0]);
        let mut p: [f64; 3] = std::array::from_fn(|i| from.at[i] + range * along[i]);
        let rise = FLIES_M[0] - from.height(&p);
        p = std::array::from_fn(|i| p[i] + rise * up[i]);
        let side = range * range * m.r[1];
        let mut cov = [0.0; 6];
        for i in 0..3 {
            for j in i..3 {
                cov[AT[i][j]] = m.r[0] * along[i] * along[j]
                    + side * across[i] * across[j]
                    + FLIES_M[1] * FLIES_M[1] * up[i] * up[j];
            }
        }
        let [over_ground, upwards] = self.settings.unknown_speed;
        Gauss::standing(p, cov, over_ground, upwards)
    }
}
