//! [`Breaker`]: rests a host that does not answer, so that nobody waits for it again and again.

use std::time::{Duration, Instant};

/// Failures in a row after which a host rests.
const FAILURES: u32 = 5;
/// How long it rests; then one message tries it.
const REST: Duration = Duration::from_secs(30);
/// Longest rest that a host itself may ask for.
const MOST_ASKED: Duration = Duration::from_mins(10);

/// How one host or channel did lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Breaker {
    failures: u32,
    until: Option<Instant>,
}

impl Breaker {
    /// Whether a message may go now; if not, how long the host still rests. After a rest the one that asks first goes,
    /// and the others wait for what becomes of it.
    pub(crate) fn enter(&mut self, now: Instant) -> Result<(), Duration> {
        match self.until {
            Some(until) if now < until => Err(until - now),
            Some(_) => {
                self.until = Some(now + REST);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// It answered.
    pub(crate) fn good(&mut self) {
        *self = Self::default();
    }

    /// It did not answer, or said that it cannot.
    pub(crate) fn bad(&mut self, now: Instant) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            self.until = Some(now + REST);
        }
    }

    /// It asked to be left alone.
    pub(crate) fn asked(&mut self, now: Instant, rest: Duration) {
        let until = now + rest.min(MOST_ASKED);
        self.until = Some(self.until.map_or(until, |u| u.max(until)));
    }

    /// It failed so often in a row that it rests, or rested and has not answered since.
    pub(crate) fn is_open(&self) -> bool {
        self.failures >= FAILURES
    }

    /// How long it still rests, if it does.
    pub(crate) fn rests(&self, now: Instant) -> Option<Duration> {
        self.until.filter(|u| now < *u).map(|u| u - now)
    }

    /// It may be tried again; the next failure opens it at once.
    pub(crate) fn half_open(&mut self) {
        self.failures = self.failures.max(FAILURES);
        self.until = None;
    }

    /// Nothing is known against it.
    pub(crate) fn is_clear(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_five_failures_in_a_row_it_rests_and_then_one_tries() {
        let t = Instant::now();
        let mut b = Breaker::default();
        for _ in 0..4 {
            b.bad(t);
        }
        assert_eq!(b.enter(t), Ok(()));
        b.bad(t);
        assert_eq!(b.enter(t), Err(REST));
        let later = t + REST;
        assert_eq!(b.enter(later), Ok(()), "one tries");
        assert_eq!(b.enter(later), Err(REST), "the others wait for it");
        b.good();
        assert!(b.is_clear());
        for _ in 0..3 {
            b.bad(later);
            b.good();
        }
        assert_eq!(b.enter(later), Ok(()), "only failures in a row count");
    }

    #[test]
    fn after_its_rest_one_failure_opens_it_again_and_one_answer_closes_it() {
        let t = Instant::now();
        let mut b = Breaker::default();
        for _ in 0..FAILURES {
            b.bad(t);
        }
        assert!(b.is_open());
        assert_eq!(b.rests(t), Some(REST));
        let later = t + REST;
        assert_eq!(b.rests(later), None);
        b.half_open();
        assert!(b.is_open());
        b.bad(later);
        assert_eq!(b.rests(later), Some(REST), "at once");
        b.half_open();
        b.good();
        assert!(!b.is_open() && b.is_clear());
    }

    #[test]
    fn a_host_that_asks_for_rest_gets_it_within_bounds() {
        let t = Instant::now();
        let mut b = Breaker::default();
        b.asked(t, Duration::from_secs(7));
        assert_eq!(b.enter(t), Err(Duration::from_secs(7)));
        b.asked(t, Duration::from_hours(24));
        assert_eq!(b.enter(t), Err(MOST_ASKED));
    }
}
