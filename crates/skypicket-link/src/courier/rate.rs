//! [`Share`]: how much of a thing each level may use up, so that the higher ones always find some left; and the
//! [`Bucket`] that limits how many messages go in a time.

use skypicket_model::Level;
use std::time::{Duration, Instant};

/// Levels, the highest first.
pub(super) const LEVELS: [Level; 3] = [Level::Urgent, Level::Caution, Level::Advisory];

/// Place of a level in tables by level: advisory 0, urgent 2.
pub(super) fn rank(level: Level) -> usize {
    match level {
        Level::Advisory => 0,
        Level::Caution => 1,
        Level::Urgent => 2,
    }
}

/// A number of places, of which each level leaves some free for those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    total: usize,
    kept: usize,
}

impl Share {
    /// Least total: one place for each level.
    pub(super) const LEAST: usize = 3;

    /// Of a total (at least 3): an eighth, and at least one, is kept for each step up.
    pub(super) fn of(total: usize) -> Self {
        let total = total.max(Self::LEAST);
        Self { total, kept: (total / 8).max(1) }
    }

    /// How many may be used before a message of this level goes.
    pub(super) fn below(&self, level: Level) -> usize {
        self.total - self.left_for_higher(level)
    }

    /// How many must stay free after it.
    pub(super) fn left_for_higher(&self, level: Level) -> usize {
        self.kept * (2 - rank(level))
    }

    pub(super) fn total(&self) -> usize {
        self.total
    }
}

/// A token bucket: one message, one token; full at first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    per_s: f64,
    share: Share,
    tokens: f64,
    at: Option<Instant>,
}

/// Tokens are counted in floating point: so much less than a whole one is a whole one.
const NEARLY: f64 = 1e-6;

impl Bucket {
    /// So many a second, and at once as many as `burst` (at least 3).
    pub(super) fn new(per_s: f64, burst: usize) -> Self {
        let share = Share::of(burst);
        let per_s = if per_s.is_finite() { per_s.max(0.001) } else { 1e9 };
        Self { per_s, share, tokens: share.total() as f64, at: None }
    }

    fn fill(&mut self, now: Instant) {
        let passed = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.tokens = (self.tokens + passed.as_secs_f64() * self.per_s).min(self.share.total() as f64);
        self.at = Some(self.at.map_or(now, |at| at.max(now)));
    }

    /// Takes one for a message of a level; if there is none for it, says when there will be.
    pub(super) fn take(&mut self, level: Level, now: Instant) -> Result<(), Instant> {
        self.fill(now);
        let needed = 1.0 + self.share.left_for_higher(level) as f64;
        if self.tokens + NEARLY >= needed {
            self.tokens -= 1.0;
            Ok(())
        } else {
            let wait = (needed - self.tokens) / self.per_s;
            Err(now + Duration::from_secs_f64(wait.clamp(0.001, 86_400.0)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_levels_leave_tokens_for_higher_ones() {
        let t = Instant::now();
        let mut b = Bucket::new(1.0, 3);
        assert!(b.take(Level::Advisory, t).is_ok());
        assert_eq!(b.take(Level::Advisory, t), Err(t + Duration::from_secs(1)));
        assert!(b.take(Level::Caution, t).is_ok());
        assert!(b.take(Level::Caution, t).is_err());
        assert!(b.take(Level::Urgent, t).is_ok(), "an urgent one does not wait behind the others");
        assert!(b.take(Level::Urgent, t).is_err());
        let later = t + Duration::from_secs(1);
        assert!(b.take(Level::Caution, later).is_err());
        assert!(b.take(Level::Urgent, later).is_ok());
    }

    #[test]
    fn over_any_time_no_more_go_than_burst_and_rate_allow() {
        let t = Instant::now();
        let mut b = Bucket::new(10.0, 20);
        let mut taken = 0;
        for ms in 0..5_000 {
            while b.take(Level::Urgent, t + Duration::from_millis(ms)).is_ok() {
                taken += 1;
            }
        }
        assert!((69..=70).contains(&taken), "{taken}");
    }

    #[test]
    fn a_share_has_a_place_for_each_level_however_small() {
        for total in 0..100 {
            let s = Share::of(total);
            assert!(s.below(Level::Advisory) >= 1);
            assert!(s.below(Level::Advisory) < s.below(Level::Caution));
            assert!(s.below(Level::Caution) < s.below(Level::Urgent));
            assert_eq!(s.below(Level::Urgent), s.total());
        }
    }
}
