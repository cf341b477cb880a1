//! [`Floods`]: more new names from one source than there can be drones.
//!
//! One transmitter can make up thousands of names a second. What begins in a flood is marked by it, and heard once it raises
//! nothing by itself: one line about the flood stands for all of them. Who was there before, and whoever is heard again, is
//! as any other.

use crate::settings::TrustSettings;
use serde::{Deserialize, Serialize};
use skypicket_model::{SourceId, Time};
use std::collections::BTreeMap;

/// Sources that are counted; the one that is quietest goes first.
const SOURCES: usize = 1_024;
/// Time constant with which new names fade out of the count, seconds.
const FADE_S: f64 = 10.0;

/// New names of one source.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Flood {
    /// New names lately, fading.
    level: f64,
    at: Time,
    /// Since when it is a flood, where it is one.
    pub since: Option<Time>,
    /// New names since then.
    pub names: u64,
}

impl Flood {
    fn level(&self, now: Time) -> f64 {
        self.level * libm::exp(-now.since_s(self.at).max(0.0) / FADE_S)
    }
}

/// Every source that brought new names lately.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Floods(BTreeMap<SourceId, Flood>);

impl Floods {
    /// A source brings a new name. Whether it is one of a flood.
    pub(crate) fn begins(&mut self, source: &SourceId, now: Time, s: &TrustSettings) -> bool {
        if self.0.len() >= SOURCES && !self.0.contains_key(source) {
            let level = |f: &Flood| f.level(now);
            let quietest = self.0.iter().min_by(|a, b| level(a.1).total_cmp(&level(b.1)).then(a.0.cmp(b.0)));
            quietest.map(|q| q.0.clone()).and_then(|id| self.0.remove(&id));
        }
        let new = Flood { level: 0.0, at: now, since: None, names: 0 };
        let f = self.0.entry(source.clone()).or_insert(new);
        // However fast they came, a flood is over some half a minute after the last of them.
        f.level = (f.level(now) + 1.0).min(4.0 * s.flood_names);
        f.at = now;
        if f.since.is_none() && f.level > s.flood_names {
            (f.since, f.names) = (Some(now), 0);
        }
        f.names += u64::from(f.since.is_some());
        f.since.is_some()
    }

    /// A second passed: floods that are over end.
    pub(crate) fn pass(&mut self, now: Time, s: &TrustSettings) {
        for f in self.0.values_mut() {
            if f.since.is_some() && f.level(now) < 0.1 * s.flood_names {
                f.since = None;
            }
        }
        self.0.retain(|_, f| f.since.is_some() || f.level(now) > 0.01);
    }

    /// Those that are on, by source.
    pub fn on(&self) -> impl Iterator<Item = (&SourceId, Flood)> {
        self.0.iter().filter(|(_, f)| f.since.is_some()).map(|(id, f)| (id, *f))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(s: f64) -> Time {
        Time::from_unix_s(1_000.0 + s).unwrap()
    }

    #[test]
    fn a_flood_begins_with_more_new_names_than_there_can_be_drones_and_ends_when_they_stop() {
        let (mut floods, s, mast) = (Floods::default(), TrustSettings::default(), SourceId::new("mast").unwrap());
        let mut first = None;
        for k in 0..1_000_u32 {
            let now = t(f64::from(k) * 0.01);
            if floods.begins(&mast, now, &s) {
                first = first.or(Some(k));
            }
        }
        assert!((50..60).contains(&first.unwrap()), "{first:?}");
        let (id, flood) = floods.on().next().unwrap();
        assert_eq!((id, flood.names), (&mast, u64::from(1_000 - first.unwrap())));
        floods.pass(t(20.0), &s);
        assert_eq!(floods.on().count(), 1, "not over yet");
        floods.pass(t(60.0), &s);
        assert_eq!(floods.on().count(), 0);
        floods.pass(t(600.0), &s);
        assert!(floods.0.is_empty());
    }

    #[test]
    fn a_busy_evening_is_none() {
        let (mut floods, s, mast) = (Floods::default(), TrustSettings::default(), SourceId::new("mast").unwrap());
        // Thirty at once, and one each two seconds after that.
        for k in 0..30_u32 {
            assert!(!floods.begins(&mast, t(f64::from(k) * 0.01), &s));
        }
        for k in 0..100_u32 {
            assert!(!floods.begins(&mast, t(2.0 * f64::from(k)), &s));
        }
    }

    #[test]
    fn sources_that_are_counted_are_bounded_and_the_loudest_stays() {
        let (mut floods, s) = (Floods::default(), TrustSettings::default());
        for _ in 0..100 {
            floods.begins(&SourceId::new("loud").unwrap(), t(0.0), &s);
        }
        for k in 0..3_000 {
            floods.begins(&SourceId::new(&format!("s{k}")).unwrap(), t(0.0), &s);
        }
        assert_eq!(floods.0.len(), SOURCES);
        assert_eq!(floods.on().count(), 1);
    }
}
