//! [`Predictor`]: a state, some seconds later.

use crate::{
    matrix::build,
    state::{CLIMB, State, UP},
};
use serde::{Deserialize, Serialize};
use skypicket_model::Time;

/// Runs a state on in time.
pub trait Predictor {
    /// The state at `at`; unchanged when `at` is not later (time never runs backwards in a state).
    fn predict(&self, state: &State, at: Time) -> State;

    /// Variance that the motion adds to each axis of the position over `dt_s` seconds, m².
    fn position_noise(&self, dt_s: f64) -> [f64; 3];
}

/// Constant velocity, disturbed by white acceleration in continuous time.
///
/// Over dt the noise of one axis is `q·[dt³/3, dt²/2; dt²/2, dt]` (Bar-Shalom, Li and Kirubarajan 2001, section 6.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WhiteNoiseAcceleration {
    /// Power density of each horizontal axis, m²/s³.
    pub q_horizontal: f64,
    /// Power density of the vertical axis, m²/s³.
    pub q_vertical: f64,
}

impl Predictor for WhiteNoiseAcceleration {
    fn predict(&self, state: &State, at: Time) -> State {
        let dt = at.since_s(state.at);
        if dt <= 0.0 {
            return state.clone();
        }
        let (q, p) = ([self.q_horizontal, self.q_horizontal, self.q_vertical], &state.cov);
        let noise =
            |i: usize, j: usize, power: f64| if i == j && (i != UP || state.height_known) { q[i] * power } else { 0.0 };
        // F·P·Fᵀ + Q by blocks, F = [I, dt·I; 0, I].
        let cov = build(|i, j| match (i < 3, j < 3) {
            (true, true) => {
                p[i][j] + dt * (p[i][j + 3] + p[i + 3][j]) + dt * dt * p[i + 3][j + 3] + noise(i, j, dt * dt * dt / 3.0)
            }
            (true, false) => p[i][j] + dt * p[i + 3][j] + noise(i, j - 3, dt * dt / 2.0),
            (false, true) => p[i][j] + dt * p[i][j + 3] + noise(i - 3, j, dt * dt / 2.0),
            (false, false) => p[i][j] + noise(i - 3, j - 3, dt),
        });
        let mut mean = state.mean;
        for k in 0..3 {
            mean[k] += dt * mean[k + 3];
        }
        if !state.height_known {
            (mean[UP], mean[CLIMB]) = (0.0, 0.0);
        }
        State { frame: state.frame, at, mean, cov, height_known: state.height_known }
    }

    fn position_noise(&self, dt_s: f64) -> [f64; 3] {
        let cube = dt_s.max(0.0) * dt_s.max(0.0) * dt_s.max(0.0) / 3.0;
        [self.q_horizontal * cube, self.q_horizontal * cube, self.q_vertical * cube]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::{Enu, Place};

    fn state() -> State {
        State {
            frame: Enu::at(Place::new(47.0, 8.0, Some(500.0)).unwrap()),
            at: Time::from_micros(0),
            mean: [1.0, 2.0, 3.0, 10.0, -5.0, 1.0],
            cov: build(|i, j| if i == j { 4.0 } else { 0.0 }),
            height_known: true,
        }
    }

    #[test]
    fn two_steps_are_one_long_step() {
        let model = WhiteNoiseAcceleration { q_horizontal: 4.0, q_vertical: 2.0 };
        let one = model.predict(&state(), Time::from_micros(3_000_000));
        let two = model.predict(&model.predict(&state(), Time::from_micros(1_200_000)), Time::from_micros(3_000_000));
        for (a, b) in one.cov.iter().flatten().zip(two.cov.iter().flatten()) {
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
        assert!((one.mean[0] - 31.0).abs() < 1e-9 && (two.mean[0] - 31.0).abs() < 1e-9);
        assert!((one.cov[0][0] - (4.0 + 9.0 * 4.0 + 4.0 * 9.0)).abs() < 1e-9, "{}", one.cov[0][0]);
    }

    #[test]
    fn time_never_runs_backwards_and_an_unknown_height_stays_unknown() {
        let model = WhiteNoiseAcceleration { q_horizontal: 4.0, q_vertical: 2.0 };
        assert_eq!(model.predict(&state(), Time::from_micros(-5_000_000)), state());
        let mut flat = state();
        flat.forget_height();
        let later = model.predict(&flat, Time::from_micros(9_000_000));
        assert!(!later.height_known && [UP, CLIMB].iter().all(|k| later.cov[*k].iter().all(|x| x.abs() < 1e-12)));
    }
}
