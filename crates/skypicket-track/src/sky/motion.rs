//! [`Motion`]: a state under models of flight that interact: quiet flight, and manoeuvre.

use super::{
    charts::Move,
    flock::{NOTHING, Push},
    gauss::{AT, Fade, Gauss, Sym3, V3, dot, minus},
    sensor::EARTH_M,
};
use serde::{Deserialize, Serialize};

/// How many models.
pub const MODELS: usize = 2;

/// The models and how they follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Flight {
    /// Density of acceleration over ground of each model, m²/s³.
    pub q: [f64; MODELS],
    /// The density upwards is this share of it.
    pub up: f64,
    /// How long a climb lasts, s: things level out.
    pub level: f64,
    /// How long a velocity over ground lasts in a manoeuvre, s: what turns about goes nowhere for long.
    pub turn: f64,
    /// How long a model lasts on average, s.
    pub stay: [f64; MODELS],
}

/// A state under each model, and how probable each is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Motion {
    /// Probability of each model; they sum to 1.
    pub mu: [f64; MODELS],
    /// The state under each.
    pub states: [Gauss; MODELS],
    /// Nothing has measured its height yet: upwards the states say nothing.
    pub flat: bool,
}

/// What so many seconds do, whatever flies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lapse {
    /// s.
    dt: f64,
    /// Chance that each model has given way to the other.
    leave: [f64; MODELS],
    /// What becomes of a velocity over ground under each, and of a climb.
    lasts: [Fade; MODELS],
    climb: Fade,
}

impl Lapse {
    pub(super) fn of(dt: f64, flight: &Flight) -> Self {
        let (a, b) = (1.0 / flight.stay[0], 1.0 / flight.stay[1]);
        let gone = (1.0 - libm::exp(-(a + b) * dt.abs())) / (a + b);
        let lasts = [Fade::of(dt, f64::INFINITY), Fade::of(dt, flight.turn)];
        Self { dt, leave: [a * gone, b * gone], lasts, climb: Fade::of(dt, flight.level) }
    }

    /// It is of exactly so many.
    pub(super) fn is(&self, dt: f64) -> bool {
        self.dt.to_bits() == dt.to_bits()
    }
}

/// Sigma of a height that nothing has measured, m, and of the climb rate, m/s.
const ANY_HEIGHT: [f64; 2] = [1_000.0, 5.0];

impl Default for Motion {
    /// Of nothing.
    fn default() -> Self {
        Self { mu: [0.0; MODELS], states: [NOTHING; MODELS], flat: false }
    }
}

impl Motion {
    /// The same state under all models.
    pub fn of(state: Gauss, flight: &Flight) -> Self {
        let total = flight.stay[0] + flight.stay[1];
        Self { mu: [flight.stay[0] / total, flight.stay[1] / total], states: [state; MODELS], flat: false }
    }

    /// The same without a height: it counts as on the chart's ground until something measures it.
    #[must_use]
    pub fn without_height(mut self) -> Self {
        self.flat = true;
        self.level();
        self
    }

    /// Upwards nothing is known, and nothing follows from it.
    fn level(&mut self) {
        for g in &mut self.states {
            g.v[2] = 0.0;
            for (k, at) in AT.iter().enumerate() {
                (g.pp[at[2]], g.vv[at[2]], g.pv[k][2], g.pv[2][k]) = (0.0, 0.0, 0.0, 0.0);
            }
            (g.pp[5], g.vv[5]) = (ANY_HEIGHT[0] * ANY_HEIGHT[0], ANY_HEIGHT[1] * ANY_HEIGHT[1]);
        }
    }

    /// Something measured its height for the first time: it was seen at `up` in the chart. It goes there straight up from
    /// where it was on the ground, which far from the chart's origin is a little outwards; how sure the height is is for the
    /// measurement to say.
    pub(super) fn learn_height(&mut self, up: f64) {
        self.level();
        for g in &mut self.states {
            let rise = up - g.p[2];
            for k in 0..2 {
                g.p[k] *= 1.0 + rise / EARTH_M;
            }
            g.p[2] = up;
        }
        self.flat = false;
    }

    /// The same in another chart.
    pub(super) fn moved(&mut self, to: &Move) {
        for g in &mut self.states {
            *g = g.moved(to);
        }
        if self.flat {
            self.level();
        }
    }

    /// `dt` seconds later (earlier where negative): mixing over models and prediction under each (Blom and Bar-Shalom
    /// 1988), with the chances of a change those of a continuous-time chain, so that they do not depend on how often
    /// somebody looks.
    #[must_use]
    pub fn predict(&self, dt: f64, flight: &Flight) -> Self {
        self.after(&Lapse::of(dt, flight), flight)
    }

    /// The same, where it is known what so many seconds do.
    pub(super) fn after(&self, lapse: &Lapse, flight: &Flight) -> Self {
        let dt = lapse.dt;
        if dt == 0.0 {
            return *self;
        }
        let [leave0, leave1] = lapse.leave;
        let flow =
            [[self.mu[0] * (1.0 - leave0), self.mu[1] * leave1], [self.mu[0] * leave0, self.mu[1] * (1.0 - leave1)]];
        // What has just begun is the same under all models.
        let same = self.states[0] == self.states[1];
        let mut out = *self;
        for (j, into) in flow.iter().enumerate() {
            let mu = into[0] + into[1];
            let mixed = if same {
                self.states[0]
            } else {
                Gauss::mixed(&[(into[0] / mu, self.states[0]), (into[1] / mu, self.states[1])])
            };
            out.mu[j] = mu;
            out.states[j] = mixed.later(dt, [flight.q[j], flight.q[j] * flight.up], [lapse.lasts[j], lapse.climb]);
        }
        out
    }

    /// One Gaussian with the moments of all.
    pub fn merged(&self) -> Gauss {
        Gauss::mixed(&[(self.mu[0], self.states[0]), (self.mu[1], self.states[1])])
    }

    /// The mean place and its covariance, of [`Self::merged`].
    pub(super) fn merged_place(&self) -> (V3, Sym3) {
        let [g, h] = &self.states;
        let p: V3 = std::array::from_fn(|i| 0.0 + self.mu[0] * g.p[i] + self.mu[1] * h.p[i]);
        let mut pp = [0.0; 6];
        for (w, g) in self.mu.iter().zip(&self.states) {
            let d = minus(&g.p, &p);
            for i in 0..3 {
                for j in i..3 {
                    pp[AT[i][j]] += w * (g.pp[AT[i][j]] + d[i] * d[j]);
                }
            }
        }
        (p, pp)
    }

    /// Mean place and its spread ([`Gauss::spread`]), m.
    pub(super) fn about(&self) -> (V3, f64) {
        let p = self.place();
        let var = |j: usize| {
            let g = &self.states[j];
            let d = minus(&g.p, &p);
            self.mu[j] * (g.pp[0] + g.pp[3] + g.pp[5] + dot(&d, &d))
        };
        (p, (var(0) + var(1)).max(0.0).sqrt())
    }

    /// The models are as probable as they were, times what each made of a measurement (natural logarithms).
    pub fn weigh(&mut self, ln: &[f64; MODELS]) -> f64 {
        let (mu, all) = self.weighed(ln);
        self.mu = mu;
        all
    }

    /// How probable the models would be, and the natural logarithm of how likely the measurement was over all of them.
    pub(super) fn weighed(&self, ln: &[f64; MODELS]) -> ([f64; MODELS], f64) {
        let top = ln[0].max(ln[1]);
        let w: [f64; MODELS] = std::array::from_fn(|j| self.mu[j] * libm::exp(ln[j] - top));
        let total = w[0] + w[1];
        let mut mu = self.mu;
        if total > 0.0 && total.is_finite() {
            // Nothing is ever impossible: a model that has died could never come back.
            mu = w.map(|w| (w / total).clamp(1e-4, 1.0 - 1e-4));
        }
        (mu, top + libm::log(total.max(f64::MIN_POSITIVE)))
    }

    /// What the flock did: who flies quietly in one does the same.
    pub(super) fn push(&mut self, push: &Push) {
        let quiet = &mut self.states[0];
        for i in 0..3 {
            quiet.p[i] += f64::from(push.p[i]);
            quiet.v[i] += f64::from(push.v[i]);
        }
    }

    /// Mean place, m.
    pub fn place(&self) -> V3 {
        std::array::from_fn(|i| self.mu[0] * self.states[0].p[i] + self.mu[1] * self.states[1].p[i])
    }

    /// There is a state to go on with under every model ([`Gauss::is_sound`]), and the probabilities are some.
    pub fn is_sound(&self) -> bool {
        self.states.iter().all(Gauss::is_sound) && self.mu.iter().all(|mu| (0.0..=1.0).contains(mu))
    }
}
