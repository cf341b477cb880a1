//! The hysteresis of a level: up at once, down one step only after a hold without a break.

use serde::{Deserialize, Serialize};
use skypicket_model::{Level, Time};

/// A level that does not flicker.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Steady {
    /// The level held.
    pub(crate) level: Option<Level>,
    /// Since when what was judged is below it.
    pub(crate) below_since: Option<Time>,
}

impl Steady {
    /// Takes what was judged at `now`, `since_s` after it was judged before. `over` says that there is nothing left to
    /// judge (track lost, own flight …): then the level ends after one hold, not step by step; and at once where nobody
    /// judged for that long, because the centre stood still: a warning of hours ago must not be open for ten seconds more.
    pub(crate) fn take(&mut self, judged: Option<Level>, over: bool, hold_s: f64, since_s: f64, now: Time) {
        if judged >= self.level {
            *self = Self { level: judged, below_since: None };
            return;
        }
        if over && since_s > hold_s {
            *self = Self::default();
            return;
        }
        let since = *self.below_since.get_or_insert(now);
        if now.since_s(since) >= hold_s {
            self.level = if over { None } else { self.level.and_then(lower) };
            self.below_since = (judged < self.level).then_some(now);
        }
    }

    /// The higher of two, as when two tracks turn out to be one.
    pub(crate) fn join(&mut self, other: Self) {
        if other.level > self.level {
            // What was judged for this one is below the other's level from now on, as the next `take` will find.
            *self = Self { level: other.level, below_since: other.below_since };
        }
    }
}

fn lower(level: Level) -> Option<Level> {
    match level {
        Level::Urgent => Some(Level::Caution),
        Level::Caution => Some(Level::Advisory),
        Level::Advisory => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Level::{Advisory, Caution, Urgent};

    fn run(judged: &[(i64, Option<Level>)]) -> Vec<Option<Level>> {
        let mut s = Steady::default();
        judged
            .iter()
            .map(|(t, j)| {
                s.take(*j, false, 10.0, 1.0, Time::from_micros(t * 1_000_000));
                s.level
            })
            .collect()
    }

    #[test]
    fn up_at_once_down_one_step_after_ten_seconds_without_a_break() {
        let got = run(&[
            (0, Some(Advisory)),
            (1, Some(Urgent)),
            (2, None),
            (11, None),
            (12, None),
            (13, Some(Advisory)),
            (22, Some(Advisory)),
            (23, Some(Advisory)),
            (30, Some(Urgent)),
        ]);
        let want = [
            Some(Advisory),
            Some(Urgent),
            Some(Urgent),
            Some(Urgent),
            Some(Caution),
            Some(Caution),
            Some(Advisory),
            Some(Advisory),
            Some(Urgent),
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn a_moment_back_up_starts_the_hold_again() {
        let got = run(&[(0, Some(Urgent)), (1, None), (9, Some(Urgent)), (10, None), (19, None), (20, None)]);
        assert_eq!(got[4], Some(Urgent));
        assert_eq!(got[5], Some(Caution));
    }

    #[test]
    fn with_nothing_left_to_judge_it_ends_after_one_hold() {
        let mut s = Steady { level: Some(Urgent), below_since: None };
        s.take(None, true, 10.0, 1.0, Time::from_micros(0));
        s.take(None, true, 10.0, 1.0, Time::from_micros(9_999_999));
        assert_eq!(s.level, Some(Urgent));
        s.take(None, true, 10.0, 1.0, Time::from_micros(10_000_000));
        assert_eq!(s, Steady::default());
    }

    #[test]
    fn after_a_gap_with_nothing_left_to_judge_it_ends_at_once_and_with_something_left_as_always() {
        let at = Time::from_micros(0);
        let held = Steady { level: Some(Urgent), below_since: None };
        for (over, since_s, left) in [(true, 3_600.0, None), (true, 9.0, Some(Urgent)), (false, 3_600.0, Some(Urgent))]
        {
            let mut s = held;
            s.take(None, over, 10.0, since_s, at);
            assert_eq!(s.level, left, "{over} {since_s}");
        }
    }
}
