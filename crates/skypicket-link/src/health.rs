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
}

/// The counters at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
}

impl Default for Health {
    fn default() -> Self {
        Self {
            received: AtomicU64::new(0),
            decoded: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            last_heard_us: AtomicI64::new(i64::MIN),
            refused: Mutex::default(),
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
        }
    }

    pub(crate) fn heard(&self, now: Time, things: u64) {
        self.received.fetch_add(things, Relaxed);
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

    pub(crate) fn connections(&self, open: usize) {
        self.connections.store(open as u64, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
