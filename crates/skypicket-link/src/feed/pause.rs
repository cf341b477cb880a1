//! [`Pause`]: how long to wait before connecting again: longer each time, and not all at once.

use ring::rand::{SecureRandom, SystemRandom};
use std::time::Duration;

/// The pauses of one connection.
#[derive(Debug)]
pub(super) struct Pause {
    next: Duration,
}

impl Pause {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(30);

    pub(super) fn new() -> Self {
        Self { next: Self::FIRST }
    }

    /// It is connected: the next pause is a short one again.
    pub(super) fn over(&mut self) {
        self.next = Self::FIRST;
    }

    /// Half to all of the pause, so that those who lost the same server do not come back at the same moment.
    pub(super) fn next(&mut self) -> Duration {
        let mut random = [0; 2];
        // Without random numbers it is the whole pause, which is as safe.
        let share =
            SystemRandom::new().fill(&mut random).map_or(1.0, |()| f64::from(u16::from_le_bytes(random)) / 65_536.0);
        let pause = self.next.mul_f64(0.5 + 0.5 * share);
        self.next = (self.next * 2).min(Self::LONGEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_minute_and_differ() {
        let mut p = Pause::new();
        let mut whole = Pause::FIRST;
        for _ in 0..12 {
            let is = p.next();
            assert!(is >= whole / 2 && is <= whole, "{is:?} of {whole:?}");
            whole = (whole * 2).min(Pause::LONGEST);
        }
        assert_eq!(whole, Pause::LONGEST);
        assert!((0..20).map(|_| p.next()).collect::<std::collections::BTreeSet<_>>().len() > 10);
        p.over();
        assert!(p.next() <= Pause::FIRST);
    }
}
