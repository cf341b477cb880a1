//! The clock: the only place of the program that reads the time of day. Everything else takes time as an argument.
//!
//! It never goes back. Where the machine's clock is set back, this one goes on at its own pace until the other has caught
//! up: else time would stand still for the engines, and nobody would be told of a silence. Forward it follows at once.

use skypicket_model::Time;
use std::{
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// The latest time that was given, and when by the clock that nobody sets.
static LAST: Mutex<Option<(Time, Instant)>> = Mutex::new(None);
/// Only for tests: microseconds by which the machine's clock is wrong.
static WRONG_US: AtomicI64 = AtomicI64::new(0);

/// Now, UTC; never before an earlier answer.
pub fn now() -> Time {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let (wall, at) = (wall(), Instant::now());
    let now = next(*last, wall, at);
    *last = Some((now, at));
    now
}

/// The machine's clock itself, with every jump of it.
pub fn machine() -> Time {
    wall()
}

/// Time does not begin before this: the last entry of the record.
pub fn not_before(time: Time) {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let now = last.map_or(time, |(t, _)| t.max(time));
    *last = Some((now, Instant::now()));
}

/// By how many seconds this clock is ahead of the machine's, which was set back.
pub fn ahead_s() -> f64 {
    now().since_s(wall()).max(0.0)
}

/// The time after `last`: the machine's, or where that is behind, what has passed since.
fn next(last: Option<(Time, Instant)>, wall: Time, at: Instant) -> Time {
    match last {
        Some((time, then)) if wall < time => {
            let passed = i64::try_from(at.saturating_duration_since(then).as_micros()).unwrap_or(i64::MAX);
            Time::from_micros(time.as_micros().saturating_add(passed))
        }
        _ => wall,
    }
}

#[allow(clippy::disallowed_methods)] // this is the one place
fn wall() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let us = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    Time::from_micros(us.saturating_add(WRONG_US.load(Ordering::Relaxed)))
}

/// Only for tests of clocks: sets the machine's clock wrong by the seconds in a file, where there is one.
pub fn set_wrong(file: &Path) {
    let seconds: Option<f64> = std::fs::read_to_string(file).ok().and_then(|t| t.trim().parse().ok());
    if let Some(s) = seconds.filter(|s| s.abs() < 1e9) {
        #[allow(clippy::cast_possible_truncation)] // under 1e15
        WRONG_US.store((s * 1e6) as i64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_clock_that_is_set_back_goes_on_here_and_one_that_is_set_forward_is_followed() {
        let at = Instant::now();
        let t = |s: i64| Time::from_micros(1_790_000_000_000_000 + s * 1_000_000);
        let later = |s: u64| at + Duration::from_secs(s);
        assert_eq!(next(None, t(0), at), t(0));
        for forward in [1, 600, 86_400] {
            assert_eq!(next(Some((t(0), at)), t(forward), later(1)), t(forward));
        }
        // Ten minutes and a day back: a second is a second, until the machine's clock has caught up.
        for back in [-600, -86_400] {
            let mut last = (t(0), at);
            for s in 1..=1_000 {
                let wall = t(back + i64::try_from(s).unwrap());
                let now = next(Some(last), wall, later(s));
                assert_eq!(now, t(i64::try_from(s).unwrap()));
                last = (now, later(s));
            }
            assert_eq!(next(Some(last), t(1_500), later(1_500)), t(1_500));
        }
    }

    #[test]
    fn it_never_goes_back() {
        let a = now();
        not_before(a.plus_s(0.5));
        let b = now();
        assert!(b >= a.plus_s(0.5) && now() >= b);
    }
}
