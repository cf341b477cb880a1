//! [`Updater`]: a state and a measurement, joined.
//!
//! Late reports: a report older than the state is compared with where the state says the thing *was*, `p - Δ·v` with
//! Δ ≥ 0, its noise widened by what the motion may have done in between (a one-step retrodiction that leaves out the
//! correlation of that noise, Bar-Shalom 2002's algorithm C). Time never runs backwards in a state, and the older the
//! report the less it moves anything.

use crate::{
    matrix::{Cholesky, Matrix, Vector, add, apply, build, congruence, dot, mul, mul_transposed, symmetric},
    measurement::{Plot, Point, Ray},
    predictor::{Predictor, WhiteNoiseAcceleration},
    state::{CLIMB, EARTH_RADIUS_M, State, UP},
};
use core::f64::consts::{PI, TAU};

/// How a measurement compares with a state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Innovation {
    /// Squared Mahalanobis distance; for a mixture minus twice the log likelihood against that at its peak.
    pub d2: f64,
    /// Measured dimensions that took part.
    pub dims: usize,
    /// Log of the likelihood: per m² for points (a measured height counts against one spread evenly over the clutter
    /// height), per radian and natural logarithm of range for rays. Comparable among tracks, for one measurement.
    pub ln_likelihood: f64,
}

/// Compares and joins.
pub trait Updater {
    /// Compares a state with a measurement taken `late_s` ≥ 0 seconds before it. `None` when they cannot be compared.
    fn compare(&self, state: &State, plot: &Plot, late_s: f64) -> Option<Innovation>;

    /// The state after the measurement. `None` when it would not be sound; then the state before it stands.
    fn update(&self, state: &State, plot: &Plot, late_s: f64) -> Option<State>;
}

/// The extended Kalman filter, in Joseph's form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kalman {
    /// The motion, for late reports.
    pub motion: WhiteNoiseAcceleration,
    /// One sigma of the climb rate when the height is first measured, m/s.
    pub climb_sigma_mps: f64,
    /// Heights are spread evenly over so many metres when nothing is known.
    pub height_spread_m: f64,
}

/// The linear measurement `z = H·x + noise` with its innovation.
struct Linear<const K: usize> {
    h: Matrix<K, 6>,
    nu: Vector<K>,
    r: Matrix<K, K>,
}

impl<const K: usize> Linear<K> {
    fn innovation(&self, cov: &Matrix<6, 6>) -> Option<(Cholesky<K>, Matrix<6, K>)> {
        let ph: Matrix<6, K> = mul_transposed(cov, &self.h);
        let s = symmetric(&add(&mul(&self.h, &ph), &self.r));
        Some((Cholesky::of(&s)?, ph))
    }

    fn compare(&self, cov: &Matrix<6, 6>) -> Option<(f64, f64)> {
        let (s, _) = self.innovation(cov)?;
        let d2 = s.distance2(&self.nu);
        Some((d2, -0.5 * (d2 + s.ln_det() + K as f64 * libm::log(TAU))))
    }

    fn update(&self, mean: &Vector<6>, cov: &Matrix<6, 6>) -> Option<(Vector<6>, Matrix<6, 6>)> {
        let (s, ph) = self.innovation(cov)?;
        let gain: Matrix<6, K> = ph.map(|row| s.solve(&row));
        let step = apply(&gain, &self.nu);
        let gh = mul(&gain, &self.h);
        let keep: Matrix<6, 6> = build(|i, j| f64::from(u8::from(i == j)) - gh[i][j]);
        let cov = symmetric(&add(&congruence(&keep, cov), &congruence(&gain, &self.r)));
        Some((std::array::from_fn(|i| mean[i] + step[i]), cov))
    }
}

/// A point, as a linear measurement of a state.
enum PointIn {
    /// Without the height of the one or the other.
    Flat(Linear<2>),
    /// With both heights.
    Full(Linear<3>),
}

impl Kalman {
    /// The point in the state's frame: mean and covariance.
    fn carried(state: &State, point: &Point) -> (Vector<3>, Matrix<3, 3>) {
        let turn = state.frame.turn_from(&point.frame);
        let mut z = state.frame.carry(&point.frame, point.mean);
        if !(point.height_known && state.height_known) {
            // The same latitude and longitude at another height lies farther out along the frame's horizontal.
            let own = state.frame.origin().alt_hae_m.unwrap_or(0.0) + state.mean[UP];
            let theirs = point.frame.origin().alt_hae_m.unwrap_or(0.0) + point.mean[UP];
            let scale = (EARTH_RADIUS_M + own) / (EARTH_RADIUS_M + theirs);
            z = [z[0] * scale, z[1] * scale, z[2]];
        }
        (z, congruence(&turn, &point.cov))
    }

    fn linear(&self, state: &State, point: &Point, late_s: f64) -> PointIn {
        let (z, r) = Self::carried(state, point);
        let extra = self.motion.position_noise(late_s);
        let m: Vector<3> = std::array::from_fn(|k| state.mean[k] - late_s * state.mean[k + 3]);
        let h = |i: usize, j: usize| match (j == i, j == i + 3) {
            (true, _) => 1.0,
            (_, true) => -late_s,
            _ => 0.0,
        };
        let r = |i: usize, j: usize| r[i][j] + if i == j { extra[i] } else { 0.0 };
        if point.height_known && state.height_known {
            PointIn::Full(Linear { h: build(h), nu: std::array::from_fn(|k| z[k] - m[k]), r: build(r) })
        } else {
            PointIn::Flat(Linear { h: build(h), nu: std::array::from_fn(|k| z[k] - m[k]), r: build(r) })
        }
    }

    fn update_point(&self, state: &State, point: &Point, late_s: f64) -> Option<State> {
        let (mean, cov) = match self.linear(state, point, late_s) {
            PointIn::Flat(l) => l.update(&state.mean, &state.cov)?,
            PointIn::Full(l) => l.update(&state.mean, &state.cov)?,
        };
        let mut next = State { mean, cov, ..state.clone() };
        if point.height_known && !state.height_known {
            let (z, r) = Self::carried(state, point);
            let drift = late_s * self.climb_sigma_mps;
            next.learn_height(z[UP], r[UP][UP] + drift * drift, self.climb_sigma_mps);
        }
        Some(next)
    }

    /// Joins a ray without range to a state too vague for its angle to mean anything: what lies across the line of sight
    /// is measured as nothing, in metres, give or take the angle's error at the distance. Linear, wherever the state is.
    fn join_line(
        &self,
        state: &State,
        ray: &Ray,
        rel: Vector<3>,
        late_s: f64,
        turn: &Matrix<3, 3>,
    ) -> Option<(State, Innovation)> {
        let (s, c) = (libm::sin(ray.azimuth), libm::cos(ray.azimuth));
        let (along, across) = (rel[0] * s + rel[1] * c, rel[0] * c - rel[1] * s);
        if along <= 0.0 {
            return None;
        }
        let row = |d: [f64; 2]| -> Vector<6> {
            let d: Vector<3> = std::array::from_fn(|j| d[0] * turn[0][j] + d[1] * turn[1][j]);
            std::array::from_fn(|j| if j < 3 { d[j] } else { -late_s * d[j - 3] })
        };
        let (h, ahead) = (row([c, -s]), row([s, c]));
        let reach2 = along * along + dot(&ahead, &apply(&state.cov, &ahead));
        let [x, _, _] = self.motion.position_noise(late_s);
        let r = reach2 * ray.azimuth_variance() + ray.from_sigma_m * ray.from_sigma_m + x + 1.0;
        let l = Linear { h: [h], nu: [-across], r: [[r]] };
        let (d2, ln) = l.compare(&state.cov)?;
        let (mean, cov) = l.update(&state.mean, &state.cov)?;
        // From per metre to per radian.
        let innovation = Innovation { d2, dims: 1, ln_likelihood: ln + 0.5 * libm::log(reach2) };
        Some((State { mean, cov, ..state.clone() }, innovation))
    }

    /// Joins a ray: range and elevation first, then the azimuth, whose components each make a posterior; these are
    /// merged by their moments. So a compass that is off by 25° one time in ten moves a state by what it is worth.
    fn join_ray(&self, state: &State, ray: &Ray, late_s: f64) -> Option<(State, Innovation)> {
        let turn = ray.frame.turn_from(&state.frame);
        let m: Vector<3> = std::array::from_fn(|k| state.mean[k] - late_s * state.mean[k + 3]);
        let mut rel = ray.frame.carry(&state.frame, m);
        let solid = state.height_known && ray.frame.origin().alt_hae_m.is_some();
        if !solid {
            rel[UP] = 0.0;
        }
        let extra = self.motion.position_noise(late_s);
        let flat = libm::hypot(rel[0], rel[1]).max(1.0);
        let slant = libm::hypot(flat, rel[UP]).max(1.0);
        // A row in the observer's axes, as a row over the six states.
        let row = |d: Vector<3>| -> Vector<6> {
            let d: Vector<3> = std::array::from_fn(|j| d[0] * turn[0][j] + d[1] * turn[1][j] + d[2] * turn[2][j]);
            std::array::from_fn(|j| if j < 3 { d[j] } else { -late_s * d[j - 3] })
        };
        let own = ray.from_sigma_m * ray.from_sigma_m;
        // What the motion adds to a row, and the observer's own place.
        let noise = |h: &Vector<6>, per_m: f64| {
            h[0] * h[0] * extra[0] + h[1] * h[1] * extra[1] + h[2] * h[2] * extra[2] + own * per_m * per_m
        };
        let az_row = row([rel[1] / (flat * flat), -rel[0] / (flat * flat), 0.0]);
        let spread = |h: &Vector<6>| dot(h, &apply(&state.cov, h));
        // Too near or too vague for angles to be straight lines: with a range the ray is a place, else a line.
        let log_row = row(rel.map(|x| x / (slant * slant)));
        if spread(&az_row).max(spread(&log_row)) + noise(&az_row, 1.0 / flat) > 0.3 * 0.3 {
            let Some(point) = ray.point() else {
                return self.join_line(state, ray, rel, late_s, &turn);
            };
            let plot = Plot::Point(point.clone());
            let mut i = self.compare(state, &plot, late_s)?;
            // From per m² to per radian and ln(range).
            i.ln_likelihood += 2.0 * libm::log(slant);
            return Some((self.update_point(state, &point, late_s)?, i));
        }
        let off = wrap(ray.azimuth - libm::atan2(rel[0], rel[1]));
        let az_noise = noise(&az_row, 1.0 / flat);
        // A quick look first: most tracks lie in other directions.
        let widest = ray.widest();
        if off * off > 20.0 * (widest * widest + spread(&az_row) + az_noise) {
            return None;
        }
        let (mut mean, mut cov) = (state.mean, state.cov);
        let (mut d2, mut ln_l, mut dims) = (0.0, 0.0, 1);
        let mut scalar = |h: Vector<6>, nu: f64, r: f64, mean: &mut Vector<6>, cov: &mut Matrix<6, 6>| -> Option<()> {
            let moved: Vector<6> = std::array::from_fn(|k| mean[k] - state.mean[k]);
            let l = Linear { h: [h], nu: [nu - dot(&h, &moved)], r: [[r]] };
            let (one, ln) = l.compare(cov)?;
            (*mean, *cov) = l.update(mean, cov)?;
            d2 += one;
            ln_l += ln;
            dims += 1;
            Some(())
        };
        if let Some(r) = ray.range {
            let nu = libm::log(r.median_m) - libm::log(slant);
            scalar(log_row, nu, r.sigma_ln * r.sigma_ln + noise(&log_row, 1.0 / slant), &mut mean, &mut cov)?;
        }
        if let (Some((el, s)), true) = (ray.elevation, solid) {
            let up = rel[UP] / (slant * slant);
            let el_row = row([-rel[0] * up / flat, -rel[1] * up / flat, flat / (slant * slant)]);
            let nu = el - libm::atan2(rel[UP], flat);
            scalar(el_row, nu, s * s + noise(&el_row, 1.0 / slant), &mut mean, &mut cov)?;
        } else if ray.elevation.is_some() {
            // A direction up that cannot be compared is as likely as any other.
            ln_l -= libm::log(PI / 2.0);
        }
        let moved: Vector<6> = std::array::from_fn(|k| mean[k] - state.mean[k]);
        let nu = off - dot(&az_row, &moved);
        let mut parts = Vec::with_capacity(ray.components.len());
        let mut peak = 0.0;
        for &(w, s) in &ray.components {
            let l = Linear { h: [az_row], nu: [nu], r: [[s * s + az_noise]] };
            let (one, ln) = l.compare(&cov)?;
            peak += w * libm::exp(ln + 0.5 * one);
            parts.push((w * libm::exp(ln), l.update(&mean, &cov)?));
        }
        let total: f64 = parts.iter().map(|p| p.0).sum();
        if !(total > 0.0 && peak > 0.0) {
            return None;
        }
        d2 += -2.0 * libm::log(total / peak);
        ln_l += libm::log(total);
        let mixed: Vector<6> = std::array::from_fn(|i| parts.iter().map(|(w, (x, _))| w / total * x[i]).sum());
        let cov = build(|i, j| {
            parts.iter().map(|(w, (x, p))| w / total * (p[i][j] + (x[i] - mixed[i]) * (x[j] - mixed[j]))).sum::<f64>()
        });
        let mut next = State { mean: mixed, cov: symmetric(&cov), ..state.clone() };
        if let (Some((el, s)), false, Some(height)) = (ray.elevation, state.height_known, ray.frame.origin().alt_hae_m)
            && el.abs() < 80.0_f64.to_radians()
        {
            // An angle up at a known distance is a height: r·tan(el), with the spread of both.
            let (t, origin) = (libm::tan(el), state.frame.origin().alt_hae_m.unwrap_or(0.0));
            let across = flat * (1.0 + t * t) * s;
            let var = across * across + t * t * (state.cov[0][0] + state.cov[1][1] + own) + own;
            // The observer's horizon falls away under the far end.
            let up = height + flat * t + flat * flat / (2.0 * EARTH_RADIUS_M) - origin;
            next.learn_height(up, var, self.climb_sigma_mps);
        }
        Some((next, Innovation { d2, dims, ln_likelihood: ln_l }))
    }
}

impl Updater for Kalman {
    fn compare(&self, state: &State, plot: &Plot, late_s: f64) -> Option<Innovation> {
        match plot {
            Plot::Point(p) => {
                let (d2, ln, dims) = match self.linear(state, p, late_s) {
                    PointIn::Flat(l) => l.compare(&state.cov).map(|(d2, ln)| (d2, ln, 2))?,
                    PointIn::Full(l) => {
                        l.compare(&state.cov).map(|(d2, ln)| (d2, ln + libm::log(self.height_spread_m), 3))?
                    }
                };
                Some(Innovation { d2, dims, ln_likelihood: ln })
            }
            Plot::Ray(r) => self.join_ray(state, r, late_s).map(|(_, i)| i),
            Plot::Presence { .. } => None,
        }
    }

    fn update(&self, state: &State, plot: &Plot, late_s: f64) -> Option<State> {
        let mut next = match plot {
            Plot::Point(p) => self.update_point(state, p, late_s)?,
            Plot::Ray(r) => self.join_ray(state, r, late_s)?.0,
            Plot::Presence { .. } => return None,
        };
        if !next.height_known {
            next.forget_height();
        }
        // A millimetre and a tenth of one a second at each update keep the covariance definite through any number of them.
        for k in 0..6 {
            if next.height_known || (k != UP && k != CLIMB) {
                next.cov[k][k] += if k < 3 { 1e-6 } else { 1e-8 };
            }
        }
        next.is_sane().then_some(next)
    }
}

/// An angle brought to -π ≤ a < π.
pub(crate) fn wrap(a: f64) -> f64 {
    let a = libm::fmod(a + PI, TAU);
    if a < 0.0 { a + PI } else { a - PI }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurement::examine;
    use crate::settings::Settings;
    use skypicket_model::{
        Claims, Enu, Measurement, Observation, ObservationId, Place, Signal, SourceId, Time,
        observation::LogNormalRange,
    };
    use uuid::Uuid;

    fn kalman() -> Kalman {
        Kalman {
            motion: WhiteNoiseAcceleration { q_horizontal: 4.0, q_vertical: 2.0 },
            climb_sigma_mps: 5.0,
            height_spread_m: 1_000.0,
        }
    }

    fn plot(measurement: Measurement) -> Plot {
        let o = Observation {
            id: ObservationId(Uuid::from_u128(1)),
            source: SourceId::new("s").unwrap(),
            observed_at: Time::from_micros(0),
            received_at: Time::from_micros(0),
            measurement,
            claims: Claims::default(),
            signal: Signal::default(),
            sighting: None,
            flags: Vec::new(),
        };
        examine(&o, Time::from_micros(0), &Settings::default()).unwrap().0
    }

    /// A state 250 m north of the observer at (47, 8).
    fn north(sigma_m: f64) -> State {
        let frame = Enu::at(Place::new(47.0, 8.0, None).unwrap());
        let mut s = State {
            frame,
            at: Time::from_micros(0),
            mean: [0.0, 250.0, 0.0, 0.0, 0.0, 0.0],
            cov: build(|i, j| if i == j { if i < 3 { sigma_m * sigma_m } else { 25.0 } } else { 0.0 }),
            height_known: false,
        };
        s.forget_height();
        s
    }

    fn seen(azimuth_deg: f64, range: Option<LogNormalRange>) -> Plot {
        plot(Measurement::Bearing {
            from: Place::new(47.0, 8.0, None).unwrap(),
            from_sigma_m: 5.0,
            azimuth_deg,
            azimuth_error: vec![(0.9, 5.0), (0.1, 25.0)],
            elevation_deg: None,
            range,
        })
    }

    #[test]
    fn an_outlier_bearing_moves_a_state_less_than_a_plausible_one() {
        let k = kalman();
        let moved = |az: f64| k.update(&north(15.0), &seen(az, None), 0.0).unwrap().mean[0];
        let (fair, outlier) = (moved(6.0), moved(30.0));
        assert!(fair > 5.0, "{fair}");
        // Were the core component believed alone, it would be drawn by a third of 131 m.
        assert!(outlier < fair && outlier > 0.0, "{outlier}");
        let d2 = |az: f64| k.compare(&north(15.0), &seen(az, None), 0.0).unwrap().d2;
        assert!(d2(0.0) < 0.1 && d2(6.0) < 1.5 && d2(30.0) > d2(6.0) && d2(30.0) < 9.5);
    }

    #[test]
    fn a_range_class_pulls_gently() {
        let k = kalman();
        let range = LogNormalRange { median_m: 175.0, sigma_ln: 0.5 };
        let s = k.update(&north(20.0), &seen(0.0, Some(range)), 0.0).unwrap();
        assert!(s.mean[1] < 250.0 && s.mean[1] > 240.0, "{:?}", s.mean);
        assert!(!s.height_known && s.cov[UP].iter().all(|x| x.abs() < 1e-12));
    }

    #[test]
    fn a_late_report_is_compared_with_where_the_thing_was() {
        let k = kalman();
        let mut s = north(10.0);
        s.mean[3] = 10.0;
        let at = |e: f64| {
            let place = s.frame.to_place([e, 250.0, 0.0]);
            plot(Measurement::Position {
                at: Place { alt_hae_m: None, ..place },
                cov_enu_m2: [[100.0, 0.0, 0.0], [0.0, 100.0, 0.0], [0.0; 3]],
            })
        };
        let d2 = |e: f64, late: f64| k.compare(&s, &at(e), late).unwrap().d2;
        assert!(d2(-50.0, 5.0) < 0.01, "{}", d2(-50.0, 5.0));
        assert!(d2(-50.0, 5.0) < d2(0.0, 5.0));
        // The older, the less it moves.
        let pull = |late: f64| (k.update(&s, &at(40.0 - 10.0 * late), late).unwrap().mean[0]).abs();
        assert!(pull(0.0) > pull(10.0) && pull(10.0) > pull(25.0));
    }

    #[test]
    fn the_first_measured_height_is_taken_over() {
        let k = kalman();
        let s = north(10.0);
        let place = s.frame.to_place([0.0, 250.0, 480.0]);
        let p = plot(Measurement::Position {
            at: place,
            cov_enu_m2: [[100.0, 0.0, 0.0], [0.0, 100.0, 0.0], [0.0, 0.0, 400.0]],
        });
        let next = k.update(&s, &p, 0.0).unwrap();
        assert!(next.height_known && (next.place().alt_hae_m.unwrap() - 480.0).abs() < 0.1);
        assert!((next.cov[UP][UP] - 400.0).abs() < 1.0);
    }

    #[test]
    fn angles_wrap() {
        assert!((wrap(3.5 * PI) + 0.5 * PI).abs() < 1e-12);
        assert!((wrap(-0.1) + 0.1).abs() < 1e-12);
    }
}
