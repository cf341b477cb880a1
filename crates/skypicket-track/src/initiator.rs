//! [`Initiator`]: the first state of a track, and the list of directions that do not make one yet.

use crate::{
    matrix::{Cholesky, Matrix, build, dot},
    measurement::{Plot, Point, Ray},
    settings::Settings,
    state::{State, UP},
};
use serde::{Deserialize, Serialize};
use skypicket_model::{Claims, Enu, Observation, Place, SightingId, SourceId, Time};
use std::collections::VecDeque;

/// Makes first states.
pub trait Initiator {
    /// The state that a measurement starts; `None` when it cannot start one alone (a direction without a range, a
    /// presence).
    fn start(&self, plot: &Plot, at: Time, claimed_velocity_mps: Option<[f64; 3]>) -> Option<State>;
}

/// Starts at the measured place, at rest or with the claimed velocity, with a wide velocity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OnePoint {
    /// One sigma of each horizontal velocity, m/s.
    pub speed_sigma_mps: f64,
    /// One sigma of the climb rate, m/s.
    pub climb_sigma_mps: f64,
}

impl Initiator for OnePoint {
    fn start(&self, plot: &Plot, at: Time, claimed_velocity_mps: Option<[f64; 3]>) -> Option<State> {
        let made;
        let point = match plot {
            Plot::Point(p) => p,
            Plot::Ray(r) => {
                made = r.point()?;
                &made
            }
            Plot::Presence { .. } => return None,
        };
        let centred = point.mean.iter().all(|x| x.to_bits() == 0);
        let frame = if centred { point.frame } else { Enu::at(point.place) };
        Some(self.in_frame(frame, point, at, claimed_velocity_mps)).filter(State::is_sane)
    }
}

impl OnePoint {
    fn in_frame(&self, frame: Enu, point: &Point, at: Time, claimed: Option<[f64; 3]>) -> State {
        let turn = frame.turn_from(&point.frame);
        let cov = crate::matrix::congruence(&turn, &point.cov);
        let z = frame.carry(&point.frame, point.mean);
        // A claim is a hint at where to look next, no more: the sigma stays that of not knowing.
        let v = claimed.filter(|v| v.iter().all(|x| x.is_finite() && x.abs() < 350.0)).unwrap_or([0.0; 3]);
        let rate = [self.speed_sigma_mps, self.speed_sigma_mps, self.climb_sigma_mps];
        let mut s = State {
            frame,
            at,
            mean: [z[0], z[1], z[2], v[0], v[1], v[2]],
            cov: build(|i, j| match (i < 3, j < 3) {
                (true, true) => cov[i][j],
                (false, false) if i == j => rate[i - 3] * rate[i - 3],
                _ => 0.0,
            }),
            height_known: true,
        };
        if !point.height_known {
            s.forget_height();
        }
        s
    }
}

/// A direction that made no track, kept to support a later one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unresolved {
    /// When it was so.
    pub at: Time,
    /// The observation, with no claim but its class.
    pub observation: Observation,
    /// Its direction.
    pub ray: Ray,
}

/// The directions of the last minute that made no track, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct UnresolvedList(VecDeque<Unresolved>);

impl UnresolvedList {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// None.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps one; the oldest goes when there are too many.
    pub(crate) fn keep(&mut self, max: usize, at: Time, observation: &Observation, ray: &Ray) {
        while self.0.len() >= max.max(1) {
            self.0.pop_front();
        }
        let claims = Claims { class: observation.claims.class, ..Claims::default() };
        let observation = Observation { claims, ..observation.clone() };
        self.0.push_back(Unresolved { at, observation, ray: ray.clone() });
    }

    /// Drops what is older than `max_s`.
    pub(crate) fn expire(&mut self, now: Time, max_s: f64) {
        self.0.retain(|u| now.since_s(u.at) <= max_s);
    }

    /// Drops what a sighting said.
    pub(crate) fn retract(&mut self, sighting: SightingId) {
        self.0.retain(|u| u.observation.sighting != Some(sighting));
    }

    /// Takes out those for which `wanted` holds, oldest first.
    pub(crate) fn take(&mut self, wanted: impl Fn(&Unresolved) -> bool) -> Vec<Unresolved> {
        let (taken, kept): (VecDeque<_>, _) = std::mem::take(&mut self.0).into_iter().partition(wanted);
        self.0 = kept;
        taken.into()
    }

    /// The earlier direction of another source that crosses `ray` best, with the state where they cross; taken out.
    pub(crate) fn crossing(
        &mut self,
        ray: &Ray,
        at: Time,
        source: &SourceId,
        settings: &Settings,
    ) -> Option<(State, Unresolved)> {
        let mut best: Option<(f64, usize, State)> = None;
        for (k, earlier) in self.0.iter().enumerate() {
            let age = at.since_s(earlier.at).abs();
            if earlier.observation.source == *source || age > settings.unresolved_s {
                continue;
            }
            let Some(state) = cross(&earlier.ray, ray, age, at, settings) else { continue };
            let size = state.cov[0][0] + state.cov[1][1];
            if best.as_ref().is_none_or(|b| size < b.0) {
                best = Some((size, k, state));
            }
        }
        let (_, k, state) = best?;
        Some((state, self.0.remove(k)?))
    }
}

/// Where two rays cross, with the covariance of both (each a line with a width that grows with distance).
fn cross(a: &Ray, b: &Ray, age_s: f64, at: Time, settings: &Settings) -> Option<State> {
    let frame = Enu::at(Place { alt_hae_m: None, ..b.frame.origin() });
    let p = frame.carry(&a.frame, [0.0; 3]);
    let direction = |r: &Ray| {
        let turn = frame.turn_from(&r.frame);
        let (s, c) = (libm::sin(r.azimuth), libm::cos(r.azimuth));
        let (e, n) = (turn[0][0] * s + turn[0][1] * c, turn[1][0] * s + turn[1][1] * c);
        let l = libm::hypot(e, n).max(1e-9);
        [e / l, n / l]
    };
    let (d, f) = (direction(a), direction(b));
    let sine = d[0] * f[1] - d[1] * f[0];
    if sine.abs() < libm::sin(settings.crossing_min_deg.to_radians()) || libm::hypot(p[0], p[1]) < 30.0 {
        return None;
    }
    // p + x·d = y·f
    let x = (p[1] * f[0] - p[0] * f[1]) / sine;
    let y = (p[1] * d[0] - p[0] * d[1]) / sine;
    let forward = 20.0..=settings.ray_reach_m;
    if !(forward.contains(&x) && forward.contains(&y)) {
        return None;
    }
    // It has moved between the two looks, at walking to flying speed.
    let moved = settings.start_speed_sigma_mps * age_s;
    let line = |r: &Ray, dir: [f64; 2], dist: f64, extra: f64| {
        let width = dist * dist * r.azimuth_variance() + r.from_sigma_m * r.from_sigma_m + extra * extra + 1.0;
        let across = [-dir[1], dir[0]];
        let m: Matrix<2, 2> = build(|i, j| across[i] * across[j] / width);
        m
    };
    let information = crate::matrix::add(&line(a, d, x, moved), &line(b, f, y, 0.0));
    let solver = Cholesky::of(&information)?;
    let columns = [solver.solve(&[1.0, 0.0]), solver.solve(&[0.0, 1.0])];
    let mean = [y * f[0], y * f[1], 0.0];
    let place = frame.to_place(mean);
    let own = Enu::at(Place { alt_hae_m: None, ..place });
    let speed = settings.start_speed_sigma_mps * settings.start_speed_sigma_mps;
    let mut state = State {
        frame,
        at,
        mean: [mean[0], mean[1], 0.0, 0.0, 0.0, 0.0],
        cov: build(|i, j| match (i, j) {
            (0 | 1, 0 | 1) => columns[i][j],
            (3, 3) | (4, 4) => speed,
            _ => 0.0,
        }),
        height_known: false,
    };
    state.mean[UP] = 0.0;
    let state = state.in_frame(own);
    let finite = dot(&state.mean, &state.mean).is_finite();
    (finite && state.is_sane()).then_some(state)
}
