//! [`UnresolvedList`]: directions that do not make a track yet. One alone says nothing of where; two that cross do, and
//! later reports with a range find support in them.

use crate::{measurement::Ray, settings::Settings};
use serde::{Deserialize, Serialize};
use skypicket_model::{Claims, Enu, Observation, Place, SightingId, SourceId, Time};
use std::collections::VecDeque;

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

/// Where two directions cross.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crossing {
    /// The place; its height is not known.
    pub place: Place,
    /// Covariance east and north, m².
    pub cov: [[f64; 2]; 2],
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

    /// The earlier direction of another source that crosses `ray` best, with where they cross; taken out. Both as they are when
    /// `right` has put them right.
    pub(crate) fn crossing(
        &mut self,
        ray: &Ray,
        at: Time,
        source: &SourceId,
        settings: &Settings,
        right: impl Fn(&SourceId, &Ray) -> Ray,
    ) -> Option<(Crossing, Unresolved)> {
        let ray = &right(source, ray);
        let mut best: Option<(f64, usize, Crossing)> = None;
        for (k, earlier) in self.0.iter().enumerate() {
            let age = at.since_s(earlier.at).abs();
            if earlier.observation.source == *source || age > settings.unresolved_s {
                continue;
            }
            let Some(crossing) = cross(&right(&earlier.observation.source, &earlier.ray), ray, age, settings) else {
                continue;
            };
            let spread = (crossing.cov[0][0] + crossing.cov[1][1]).max(0.0).sqrt();
            if best.as_ref().is_none_or(|b| spread < b.0) {
                best = Some((spread, k, crossing));
            }
        }
        let (_, k, crossing) = best?;
        Some((crossing, self.0.remove(k)?))
    }
}

/// Where two rays cross, with the covariance of both (each a line with a width that grows with distance).
fn cross(a: &Ray, b: &Ray, age_s: f64, settings: &Settings) -> Option<Crossing> {
    let ground = |p: Place| Enu::at(Place { alt_hae_m: None, ..p });
    let (frame, other) = (ground(b.from), ground(a.from));
    let p = frame.carry(&other, [0.0; 3]);
    let direction = |r: &Ray, own: &Enu| {
        let turn = frame.turn_from(own);
        let (s, c) = (libm::sin(r.azimuth), libm::cos(r.azimuth));
        let (e, n) = (turn[0][0] * s + turn[0][1] * c, turn[1][0] * s + turn[1][1] * c);
        let l = libm::hypot(e, n).max(1e-9);
        [e / l, n / l]
    };
    let (d, f) = (direction(a, &other), direction(b, &frame));
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
    let mut information = [0.0; 3];
    for (r, dir, dist, extra) in [(a, d, x, moved), (b, f, y, 0.0)] {
        let width = dist * dist * r.azimuth_variance() + r.from_sigma_m * r.from_sigma_m + extra * extra + 1.0;
        information[0] += dir[1] * dir[1] / width;
        information[1] -= dir[0] * dir[1] / width;
        information[2] += dir[0] * dir[0] / width;
    }
    let [xx, xy, yy] = information;
    let det = xx * yy - xy * xy;
    if !det.is_finite() || det <= 0.0 {
        return None;
    }
    let place = frame.to_place([y * f[0], y * f[1], 0.0]);
    let place = Place { alt_hae_m: None, ..place }.check().ok()?;
    Some(Crossing { place, cov: [[yy / det, -xy / det], [-xy / det, xx / det]] })
}
