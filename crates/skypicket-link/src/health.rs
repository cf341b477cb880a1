//! [`Health`]: what a connector heard, understood and refused; read by the program at any time.

use skypicket_model::Time;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    },
};

/// Counters of one connector, shared between it and the program.
#[derive(Debug)]
pub struct Health {
    received: AtomicU64,
    decoded: AtomicU64,
    connections: AtomicU64,
    /// Microseconds; `i64::MIN` is never.
    last_heard_us: AtomicI64,
    refused: Mutex<BTreeMap<String, u64>>,
    clock: Mutex<ClockOffset>,
    lag: Mutex<Lag>,
    trouble: Mutex<Option<String>>,
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HealthSnapshot {
    /// Lines, frames or events that came.
    pub received: u64,
    /// Those of them that were understood.
    pub decoded: u64,
    /// Refusals by reason.
    pub refused: BTreeMap<String, u64>,
    /// When anything came last.
    pub last_heard: Option<Time>,
    /// Connections open now.
    pub connections: u64,
    /// How far the source's clock is ahead (behind, where negative), seconds; see [`ClockOffset`].
    pub clock_offset_s: Option<f64>,
    /// How old what it says was when it came, seconds, on average over the last minute or two.
    pub lag_s: Option<f64>,
    /// Why it is not connected, in a sentence.
    pub trouble: Option<String>,
}

/// How late things come: the mean over a window of a minute and the one before it.
#[derive(Debug, Clone, Copy, Default)]
struct Lag {
    began: Option<Time>,
    sum_s: f64,
    n: u32,
    before: (f64, u32),
}

impl Lag {
    const WINDOW_S: f64 = 60.0;

    fn take(&mut self, late_s: f64, now: Time) {
        let age = self.began.map_or(f64::INFINITY, |b| now.since_s(b));
        if !(0.0..Self::WINDOW_S).contains(&age) {
            let lately = (0.0..2.0 * Self::WINDOW_S).contains(&age);
            self.before = if lately { (self.sum_s, self.n) } else { (0.0, 0) };
            (self.began, self.sum_s, self.n) = (Some(now), 0.0, 0);
        }
        self.sum_s += late_s;
        self.n = self.n.saturating_add(1);
    }

    fn mean_s(&self) -> Option<f64> {
        let n = self.n.saturating_add(self.before.1);
        (n > 0).then(|| (self.sum_s + self.before.0) / f64::from(n))
    }
}

/// How far a source's clock is ahead, as its lines say. What a line claims is late by its way here, so the line that is
/// furthest ahead within two minutes is the nearest to the truth.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClockOffset {
    /// When the window at hand began, its largest, and the largest of the one before it, seconds.
    window: Option<(Time, f64)>,
    before: Option<f64>,
}

impl ClockOffset {
    const WINDOW_S: f64 = 60.0;

    /// A line that was so far ahead.
    pub fn take(&mut self, ahead_s: f64, now: Time) {
        match &mut self.window {
            Some((began, most)) if (0.0..Self::WINDOW_S).contains(&now.since_s(*began)) => *most = most.max(ahead_s),
            w => {
                self.before = w.filter(|(b, _)| now.since_s(*b) < 2.0 * Self::WINDOW_S).map(|(_, most)| most);
                *w = Some((now, ahead_s));
            }
        }
    }

    /// The offset, seconds; `None` before the first line.
    pub fn offset_s(&self) -> Option<f64> {
        let (_, most) = self.window?;
        Some(self.before.map_or(most, |b| b.max(most)))
    }
}

impl Default for Health {
    fn default() -> Self {
        Self {
            received: AtomicU64::new(0),
            decoded: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            last_heard_us: AtomicI64::new(i64::MIN),
            refused: Mutex::default(),
            clock: Mutex::default(),
            lag: Mutex::default(),
            trouble: Mutex::default(),
        }
    }
}

impl Health {
    /// Most reasons kept apart; further ones count as `other`.
    const REASONS: usize = 64;

    /// The counters now.
    pub fn snapshot(&self) -> HealthSnapshot {
        let heard = self.last_heard_us.load(Relaxed);
        HealthSnapshot {
            received: self.received.load(Relaxed),
            decoded: self.decoded.load(Relaxed),
            refused: self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            last_heard: (heard != i64::MIN).then(|| Time::from_micros(heard)),
            connections: self.connections.load(Relaxed),
            clock_offset_s: self.clock.lock().unwrap_or_else(PoisonError::into_inner).offset_s(),
            lag_s: self.lag.lock().unwrap_or_else(PoisonError::into_inner).mean_s(),
            trouble: self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Things came that say nothing of whether the source lives: a broker kept them.
    pub(crate) fn received(&self, things: u64) {
        self.received.fetch_add(things, Relaxed);
    }

    pub(crate) fn heard(&self, now: Time, things: u64) {
        self.received(things);
        self.last_heard_us.fetch_max(now.as_micros(), Relaxed);
    }

    pub(crate) fn decoded(&self, things: u64) {
        self.decoded.fetch_add(things, Relaxed);
    }

    pub(crate) fn refused(&self, reason: &str, times: u64) {
        let mut map = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let known = map.len() < Self::REASONS || map.contains_key(reason);
        *map.entry(if known { reason.to_owned() } else { "other".to_owned() }).or_default() += times;
    }

    pub(crate) fn clock(&self, ahead_s: f64, now: Time) {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner).take(ahead_s, now);
    }

    pub(crate) fn lag(&self, late_s: f64, now: Time) {
        if late_s.is_finite() {
            self.lag.lock().unwrap_or_else(PoisonError::into_inner).take(late_s, now);
        }
    }

    /// What keeps it from being connected, or that nothing does; whether that is news.
    pub(crate) fn trouble(&self, why: Option<&str>) -> bool {
        // Of what others say, so much.
        let why: Option<String> = why.map(|w| w.chars().take(200).collect());
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = *trouble != why;
        *trouble = why;
        is_news
    }

    pub(crate) fn connections(&self, open: usize) {
        self.connections.store(open as u64, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_of_a_clock_is_that_of_the_least_delayed_line_lately() {
        let t = |s| Time::from_unix_s(1_000.0 + s).unwrap();
        let mut c = ClockOffset::default();
        assert_eq!(c.offset_s(), None);
        for (at_s, ahead_s, offset_s) in [
            (0.0, -9.0, -9.0),
            (1.0, -7.2, -7.2),
            (2.0, -30.0, -7.2),
            (70.0, -8.0, -7.2),
            (140.0, -8.5, -8.0),
            // The clock was set; nothing older than two minutes counts.
            (500.0, 0.1, 0.1),
            // The centre's own clock stepped back: a new window.
            (10.0, 0.3, 0.3),
        ] {
            c.take(ahead_s, t(at_s));
            assert_eq!(c.offset_s(), Some(offset_s), "at {at_s}");
        }
    }

    #[test]
    fn the_lag_is_the_mean_of_the_last_minute_or_two() {
        let t = |s| Time::from_unix_s(1_000.0 + s).unwrap();
        let h = Health::default();
        assert_eq!(h.snapshot().lag_s, None);
        for (at_s, late_s, lag_s) in [
            (0.0, 1.0, 1.0),
            (1.0, 3.0, 2.0),
            (2.0, f64::NAN, 2.0),
            (61.0, 5.0, 3.0),
            (500.0, 0.5, 0.5),
            (10.0, 1.5, 1.5),
        ] {
            h.lag(late_s, t(at_s));
            assert_eq!(h.snapshot().lag_s, Some(lag_s), "at {at_s}");
        }
    }

    #[test]
    fn a_trouble_is_news_once_and_bounded() {
        let h = Health::default();
        assert!(!h.trouble(None));
        assert!(h.trouble(Some("gone")) && !h.trouble(Some("gone")) && h.trouble(Some("refused")));
        assert_eq!(h.snapshot().trouble.as_deref(), Some("refused"));
        h.trouble(Some(&"x".repeat(1_000)));
        assert_eq!(h.snapshot().trouble.map(|t| t.len()), Some(200));
        assert!(h.trouble(None) && h.snapshot().trouble.is_none());
    }

    #[test]
    fn reasons_are_bounded_and_the_last_moment_never_goes_back() {
        let h = Health::default();
        assert_eq!(h.snapshot(), HealthSnapshot::default());
        for k in 0..200 {
            h.refused(&format!("r{k}"), 1);
        }
        h.heard(Time::from_micros(5), 2);
        h.heard(Time::from_micros(3), 1);
        let s = h.snapshot();
        assert_eq!((s.received, s.last_heard), (3, Some(Time::from_micros(5))));
        assert_eq!((s.refused.len(), s.refused.get("other")), (65, Some(&136)));
    }
}
