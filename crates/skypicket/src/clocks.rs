//! [`Clocks`]: what the clocks of sources and phones say against ours, and how often ours has jumped.
//!
//! One of them that differs is wrong itself; when most of them differ by the same, ours is.

use serde::Serialize;
use skypicket_model::{Observation, PersonId, SourceId, Time};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

/// Most clocks that are remembered; the one heard longest ago makes room.
const MOST: usize = 4_096;
/// A clock that was not heard for so long says nothing any more, seconds.
const FRESH_S: f64 = 600.0;
/// Within so long the smallest delay counts, seconds: it is the one with the least waiting on the way in it.
const WINDOW_S: f64 = 60.0;
/// A difference over this is worth a word, seconds.
pub const WORTH_S: f64 = 2.0;
/// Our clock jumped when it moved so much more, or less, than time did, seconds.
const JUMP_S: f64 = 0.5;

/// Whose clock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// A sensor's.
    Source(SourceId),
    /// A phone's.
    Phone(PersonId),
}

#[derive(Debug, Clone, Copy)]
struct Heard {
    /// Ours less theirs in this window and the one before, the smallest of each, seconds.
    now_s: f64,
    before_s: Option<f64>,
    window: Time,
    last: Time,
}

/// How far one clock is from ours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Skew {
    /// `source` and its id, or `a phone`: whose phone is not told.
    pub whose: String,
    /// Ours less theirs, the way of the message included, seconds; below zero: theirs is ahead.
    pub behind_s: f64,
}

/// All of them together.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Compared {
    /// Clocks heard in the last ten minutes.
    pub heard: usize,
    /// The middle of them, seconds; `None` when fewer than three were heard.
    pub middle_s: Option<f64>,
    /// Those that differ by more than [`WORTH_S`], at most ten, the farthest first.
    pub far: Vec<Skew>,
}

/// The clocks of others, and the jumps of ours.
#[derive(Default)]
pub struct Clocks {
    heard: Mutex<BTreeMap<Whose, Heard>>,
    jumps: AtomicU64,
    last_jump: Mutex<Option<(Time, f64)>>,
}

impl Clocks {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Whose, Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message came that says when it was sent.
    pub fn heard(&self, whose: Whose, said: Time, now: Time) {
        let behind_s = now.since_s(said);
        let mut all = self.lock();
        if all.len() >= MOST
            && !all.contains_key(&whose)
            && let Some(oldest) = all.iter().min_by_key(|(_, h)| h.last).map(|(k, _)| k.clone())
        {
            all.remove(&oldest);
        }
        let h = all.entry(whose).or_insert(Heard { now_s: behind_s, before_s: None, window: now, last: now });
        if now.since_s(h.window).abs() > WINDOW_S {
            *h = Heard { now_s: behind_s, before_s: Some(h.now_s), window: now, last: now };
        }
        h.now_s = h.now_s.min(behind_s);
        h.last = now;
    }

    /// Observations came from a sensor: the newest of them says how its clock stands.
    pub fn observed(&self, source: &SourceId, batch: &[Observation], now: Time) {
        // A time ahead of ours was cut to ours when it was read: how far it was is no longer known.
        let newest = batch.iter().filter(|o| o.flags.iter().all(|f| f != "clock_suspect")).map(|o| o.observed_at).max();
        if let Some(newest) = newest {
            self.heard(Whose::Source(source.clone()), newest, now);
        }
    }

    /// What they say together.
    pub fn compared(&self, now: Time) -> Compared {
        let all: Vec<Skew> = self
            .lock()
            .iter()
            .filter(|(_, h)| now.since_s(h.last) < FRESH_S)
            .map(|(whose, h)| Skew {
                whose: match whose {
                    Whose::Source(id) => format!("source {id}"),
                    Whose::Phone(_) => "a phone".into(),
                },
                behind_s: h.before_s.map_or(h.now_s, |b| b.min(h.now_s)),
            })
            .collect();
        compare(all)
    }

    /// Our clock, beside a clock that only runs on: `before` and `now` are both read at two moments.
    pub fn tick(&self, before: (Instant, Time), now: (Instant, Time)) -> Option<f64> {
        let jump_s = now.1.since_s(before.1) - now.0.saturating_duration_since(before.0).as_secs_f64();
        (jump_s.abs() > JUMP_S).then(|| {
            self.jumps.fetch_add(1, Relaxed);
            *self.last_jump.lock().unwrap_or_else(PoisonError::into_inner) = Some((now.1, jump_s));
            jump_s
        })
    }

    /// How often ours jumped since the start, and when last by how much.
    pub fn jumps(&self) -> (u64, Option<(Time, f64)>) {
        (self.jumps.load(Relaxed), *self.last_jump.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn compare(mut all: Vec<Skew>) -> Compared {
    let heard = all.len();
    all.sort_by(|a, b| a.behind_s.total_cmp(&b.behind_s));
    let middle_s = if heard < 3 { None } else { all.get(heard / 2).map(|s| s.behind_s) };
    all.retain(|s| s.behind_s.abs() > WORTH_S);
    all.sort_by(|a, b| b.behind_s.abs().total_cmp(&a.behind_s.abs()));
    all.truncate(10);
    Compared { heard, middle_s, far: all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn source(id: &str) -> Whose {
        Whose::Source(SourceId::new(id).unwrap())
    }

    #[test]
    fn the_smallest_delay_of_the_last_minutes_is_how_far_a_clock_is_off() {
        let (clocks, now) = (Clocks::default(), Time::from_unix_s(1e9).unwrap());
        for delay in [0.9, 0.2, 5.0] {
            clocks.heard(source("radar"), now.plus_s(-delay), now);
        }
        let c = clocks.compared(now);
        assert_eq!((c.heard, c.middle_s, c.far.len()), (1, None, 0));
        // Its clock is put back by a minute: known when the good windows have passed.
        for s in [61.0, 122.0, 183.0] {
            clocks.heard(source("radar"), now.plus_s(s - 60.3), now.plus_s(s));
        }
        let far = clocks.compared(now.plus_s(190.0)).far;
        assert_eq!(far.len(), 1);
        assert!((far[0].behind_s - 60.3).abs() < 1e-6, "{far:?}");
        assert_eq!(clocks.compared(now.plus_s(1_000.0)).heard, 0, "an old word says nothing");
    }

    #[test]
    fn when_most_clocks_differ_by_the_same_the_middle_says_so_and_phones_have_no_names() {
        let (clocks, now) = (Clocks::default(), Time::from_unix_s(1e9).unwrap());
        for (k, off) in [30.1, 30.4, 29.8, 0.2].into_iter().enumerate() {
            let p = PersonId::new(&format!("agent-{k}")).unwrap();
            clocks.heard(Whose::Phone(p), now.plus_s(off), now);
        }
        let c = clocks.compared(now);
        assert!((c.middle_s.unwrap() + 29.8).abs() < 1e-6, "{c:?}");
        assert_eq!(c.far.len(), 3);
        assert!(c.far.iter().all(|s| s.whose == "a phone"));
    }

    #[test]
    fn clocks_are_bounded() {
        let (clocks, now) = (Clocks::default(), Time::from_unix_s(1e9).unwrap());
        for k in 0..MOST + 10 {
            clocks.heard(source(&format!("s{k}")), now, now.plus_s(k as f64 * 1e-3));
        }
        assert_eq!(clocks.lock().len(), MOST);
        assert!(!clocks.lock().contains_key(&source("s0")), "the oldest made room");
    }

    #[test]
    fn a_jump_of_our_clock_is_counted_and_running_on_is_none() {
        let clocks = Clocks::default();
        let (i, t) = (Instant::now(), Time::from_unix_s(1e9).unwrap());
        let later = i + Duration::from_secs(5);
        assert_eq!(clocks.tick((i, t), (later, t.plus_s(5.2))), None);
        assert!((clocks.tick((i, t), (later, t.plus_s(65.0))).unwrap() - 60.0).abs() < 1e-6);
        assert!((clocks.tick((i, t), (later, t.plus_s(-3_595.0))).unwrap() + 3_600.0).abs() < 1e-6);
        let (n, last) = clocks.jumps();
        assert_eq!(n, 2);
        assert!((last.unwrap().1 + 3_600.0).abs() < 1e-6);
    }
}
