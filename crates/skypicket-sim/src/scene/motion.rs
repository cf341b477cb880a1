//! [`Flown`]: how a target of a scene flies. A guidance loop at 10 Hz (wanted velocity, first-order lag, limits of
//! acceleration and of jerk), so that no tracker has the true model.

use crate::rng::{Rng, whole};
use skypicket_model::{Place, geo::Enu};
use std::f64::consts::PI;

/// Step of the loop, seconds.
pub(super) const STEP_S: f64 = 0.1;
const DEG: f64 = PI / 180.0;

/// What flies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Craft {
    Multirotor,
    Fpv,
    Crewed,
    Bird,
}

impl Craft {
    /// Most acceleration m/s², most speed m/s, most jerk m/s³, lag s.
    fn limits(self) -> (f64, f64, f64, f64) {
        match self {
            Self::Multirotor => (5.0, 25.0, 15.0, 0.8),
            Self::Fpv => (10.0, 40.0, 40.0, 0.5),
            Self::Crewed => (1.5, 75.0, 1.0, 4.0),
            Self::Bird => (3.0, 14.0, 8.0, 1.0),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Hover,
    Weave,
    Cruise,
}

/// What a target means to do. Metres east and north of a local ground, height above it.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) craft: Craft,
    pub(super) from: [f64; 3],
    pub(super) velocity: [f64; 3],
    /// East, north, from when on.
    pub(super) goals: Vec<[f64; 3]>,
    pub(super) speed: [f64; 2],
    pub(super) height: [f64; 2],
    /// Climbs off the ground first.
    pub(super) pops_up: bool,
    /// Flies crooked ways.
    pub(super) jinks: bool,
    /// Hovers at times.
    pub(super) loiters: bool,
}

impl Plan {
    pub(super) fn new(craft: Craft, from: [f64; 3]) -> Self {
        Self {
            craft,
            from,
            velocity: [0.0; 3],
            goals: Vec::new(),
            speed: [8.0, 22.0],
            height: [30.0, 120.0],
            pops_up: false,
            jinks: true,
            loiters: true,
        }
    }
}

fn length(v: [f64; 3]) -> f64 {
    libm::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2])
}

fn scaled(v: [f64; 3], f: f64) -> [f64; 3] {
    v.map(|x| x * f)
}

/// Cut to a length.
fn cut(v: [f64; 3], most: f64) -> [f64; 3] {
    scaled(v, (most / length(v).max(1e-9)).min(1.0))
}

/// The way of a plan on the step's grid, both ends included; fewer than two points where the time is too short.
pub(super) fn fly(rng: &mut Rng, t0: f64, t1: f64, plan: &Plan) -> Vec<[f64; 3]> {
    let (most_accel, most_speed, jerk, lag) = plan.craft.limits();
    let n = whole(((t1 - t0) / STEP_S).round() + 1.0);
    let (mut p, mut v, mut a) = (plan.from, plan.velocity, [0.0; 3]);
    let mut goals = plan.goals.clone();
    goals.sort_by(|x, y| x[2].total_cmp(&y[2]));
    let between = |rng: &mut Rng, [least, most]: [f64; 2]| rng.between(least, most);
    let (mut cruise, mut height) = (between(rng, plan.speed), between(rng, plan.height));
    let (mut mode, mut off, mut next_mode, mut climbing) = (Mode::Cruise, 0.0, 0.0, plan.pops_up);
    let climb = rng.between(3.0, 7.0);
    let mut way = Vec::new();
    for k in 0..n {
        let t = t0 + k as f64 * STEP_S;
        way.push(p);
        if t >= next_mode {
            let u = rng.unit();
            mode = if matches!(plan.craft, Craft::Multirotor | Craft::Bird) && plan.loiters {
                if u < 0.15 {
                    Mode::Hover
                } else if u < 0.45 && plan.jinks {
                    Mode::Weave
                } else {
                    Mode::Cruise
                }
            } else if u < 0.4 && plan.jinks {
                Mode::Weave
            } else {
                Mode::Cruise
            };
            let straying = match mode {
                Mode::Weave => 50.0,
                _ if plan.jinks => 8.0,
                _ => 0.0,
            };
            off = rng.normal() * straying * DEG;
            (cruise, height) = (between(rng, plan.speed), between(rng, plan.height));
            let mean = match mode {
                Mode::Hover => 6.0,
                Mode::Weave => 5.0,
                Mode::Cruise => 10.0,
            };
            next_mode = t + rng.exponential(mean) + 1.5;
            if plan.craft == Craft::Crewed {
                next_mode += 20.0;
            }
        }
        let wanted = if climbing {
            climbing = p[2] < height.min(25.0);
            [0.0, 0.0, climb]
        } else {
            let goal = goals.iter().rfind(|g| t >= g[2]);
            let (d, mut speed) = if let Some([east, north, _]) = goal {
                let (de, dn) = (east - p[0], north - p[1]);
                let distance = libm::hypot(de, dn).max(1e-6);
                // Crooked from afar, straight on the last 150 m.
                let o = off * (distance / 150.0).min(1.0);
                let (s, c) = (libm::sin(o), libm::cos(o));
                let (ue, un) = (de / distance, dn / distance);
                let brakes = !matches!(plan.craft, Craft::Fpv | Craft::Crewed);
                ([ue * c + un * s, un * c - ue * s], if brakes { cruise.min(distance * 0.4) } else { cruise })
            } else {
                let heading =
                    if libm::hypot(v[0], v[1]) > 1.0 { libm::atan2(v[0], v[1]) } else { rng.between(-PI, PI) };
                let heading = heading + off * STEP_S;
                ([libm::sin(heading), libm::cos(heading)], cruise)
            };
            if mode == Mode::Hover {
                speed = 0.0;
            }
            [d[0] * speed, d[1] * speed, ((height - p[2]) * 0.4).clamp(-5.0, 6.0)]
        };
        let accel = cut(std::array::from_fn(|i| (wanted[i] - v[i]) / lag), most_accel);
        let change = cut(std::array::from_fn(|i| accel[i] - a[i]), jerk * STEP_S);
        a = std::array::from_fn(|i| a[i] + change[i]);
        let v2 = cut(std::array::from_fn(|i| v[i] + a[i] * STEP_S), most_speed);
        p = std::array::from_fn(|i| p[i] + 0.5 * (v[i] + v2[i]) * STEP_S);
        v = v2;
        if p[2] < 0.0 {
            p[2] = 0.0;
            v[2] = v[2].max(0.0);
        }
    }
    way
}

/// The point that has ellipsoidal height `origin + height` over a plane point of `ground`, in the metres of `frame`.
pub(super) fn lift(ground: &Enu, frame: &Enu, [e, n, height]: [f64; 3]) -> [f64; 3] {
    let below = ground.to_place([e, n, 0.0]);
    let h = ground.origin().alt_hae_m.unwrap_or(0.0) + height;
    frame.from_place(Place { alt_hae_m: Some(h), ..below })
}

/// What is at a moment: metres, metres a second.
pub(super) type Moment = ([f64; 3], [f64; 3]);

/// A way that was flown, in a scene's metres.
#[derive(Debug, Clone)]
pub(super) struct Flown {
    pub(super) t0: f64,
    pub(super) p: Vec<[f64; 3]>,
    pub(super) v: Vec<[f64; 3]>,
    /// Mean of its points.
    pub(super) centre: [f64; 3],
}

impl Flown {
    /// `None` where there are fewer than two points.
    pub(super) fn new(ground: &Enu, frame: &Enu, t0: f64, way: &[[f64; 3]]) -> Option<Self> {
        let p: Vec<_> = way.iter().map(|x| lift(ground, frame, *x)).collect();
        let last = p.len().checked_sub(1).filter(|last| *last > 0)?;
        // Central differences, one-sided at the ends.
        let v = (0..=last)
            .map(|k| {
                let (a, b) = (k.saturating_sub(1), (k + 1).min(last));
                let dt = (b - a) as f64 * STEP_S;
                std::array::from_fn(|i| (p[b][i] - p[a][i]) / dt)
            })
            .collect();
        let centre = std::array::from_fn(|k| p.iter().map(|p| p[k]).sum::<f64>() / p.len() as f64);
        Some(Self { t0, p, v, centre })
    }

    /// Where it is, by straight lines between the points; before and after its life at its ends, with `false`.
    pub(super) fn at(&self, t: f64) -> (Moment, bool) {
        let last = self.p.len() - 1;
        let x = (t - self.t0) / STEP_S;
        let alive = x >= -1e-6 && x <= last as f64 + 1e-6;
        let x = x.clamp(0.0, last as f64);
        let i = usize::try_from(whole(x)).unwrap_or(last).min(last - 1);
        let f = x - i as f64;
        let mix = |a: [f64; 3], b: [f64; 3]| std::array::from_fn(|k| a[k] * (1.0 - f) + b[k] * f);
        ((mix(self.p[i], self.p[i + 1]), mix(self.v[i], self.v[i + 1])), alive)
    }
}
