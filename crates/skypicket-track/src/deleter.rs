//! [`Deleter`]: how belief in a track grows with reports and fades with silence, and when it ends.
//!
//! A track is one Bernoulli component: it exists with probability r. A report multiplies the odds r/(1-r) by its
//! likelihood ratio. Silence lowers r only after the interval in which the kinds that saw it last should have been heard
//! again; r then falls exponentially, with the time constant of the kind that holds longest. It depends on how long the
//! silence is, never on how often anybody looked.

use crate::{measurement::Kind, settings::Settings};
use skypicket_model::{SourceId, Time};
use std::collections::BTreeMap;

/// Highest existence: nothing is certain, so that silence always tells.
const CERTAIN: f64 = 0.999;

/// Judges how sure a track is.
pub trait Deleter {
    /// Existence at `now` of a track that had `existence` when last reported, by silence since each kind was heard.
    fn after_silence(&self, existence: f64, heard: &BTreeMap<Kind, Heard>, now: Time) -> f64;

    /// The track ends.
    fn ends(&self, existence: f64) -> bool;
}

/// When a kind last reported a track, and how soon again it should.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Heard {
    /// By our clock.
    pub at: Time,
    /// Silence that means nothing, seconds.
    pub interval_s: f64,
}

/// Existence with exponential decay.
#[derive(Debug, Clone, Copy)]
pub struct Fading<'a>(pub &'a Settings);

impl Deleter for Fading<'_> {
    fn after_silence(&self, existence: f64, heard: &BTreeMap<Kind, Heard>, now: Time) -> f64 {
        let kept = heard.iter().map(|(kind, h)| {
            let over = (now.since_s(h.at) - h.interval_s).max(0.0);
            libm::exp(-over / self.0.kind(*kind).hold_s)
        });
        existence * kept.fold(0.0, f64::max)
    }

    fn ends(&self, existence: f64) -> bool {
        existence <= self.0.delete
    }
}

/// Existence after a report with a likelihood ratio (the report given the track, over the report given none).
pub(crate) fn after_report(existence: f64, ratio: f64) -> f64 {
    let odds = existence / (1.0 - existence).max(1e-6) * ratio;
    (odds / (1.0 + odds)).clamp(0.0, CERTAIN)
}

/// Likelihood ratio of a report.
///
/// For radar `P_d·N(z)/clutter`, held between 0.1 and 100 so that one plot never decides alone. Cooperative reports have
/// next to no clutter. A second person counts much, the same person again hardly.
pub(crate) fn ratio(settings: &Settings, kind: Kind, source: &SourceId, ln_likelihood: f64, new_source: bool) -> f64 {
    match kind {
        Kind::Cooperative => 10.0,
        Kind::Fix => 5.0,
        Kind::Radar => {
            let own = settings.sources.get(source);
            let pd = own.and_then(|s| s.detection_probability).unwrap_or(settings.detection_probability);
            let clutter = own.and_then(|s| s.clutter_density_per_m2).unwrap_or(settings.clutter_density_per_m2);
            (pd * libm::exp(ln_likelihood) / clutter).clamp(0.1, 100.0)
        }
        Kind::Person if new_source => 20.0,
        Kind::Person | Kind::Presence => 1.2,
        Kind::Direction => 1.5,
    }
}

impl Settings {
    /// The settings of a kind.
    pub fn kind(&self, kind: Kind) -> &crate::settings::KindSettings {
        match kind {
            Kind::Cooperative => &self.kinds.cooperative,
            Kind::Fix => &self.kinds.fix,
            Kind::Radar => &self.kinds.radar,
            Kind::Person => &self.kinds.person,
            Kind::Direction => &self.kinds.direction,
            Kind::Presence => &self.kinds.presence,
        }
    }

    /// Silence of a source that means nothing yet, seconds.
    pub fn interval_s(&self, kind: Kind, source: &SourceId) -> f64 {
        self.sources.get(source).and_then(|s| s.interval_s).unwrap_or(self.kind(kind).interval_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_tells_only_after_the_interval_and_the_longest_hold_counts() {
        let settings = Settings::default();
        let fading = Fading(&settings);
        let at = |s: f64| Time::from_unix_s(1_000.0 + s).unwrap();
        let radar = Heard { at: at(0.0), interval_s: 1.5 };
        let mut heard = BTreeMap::from([(Kind::Radar, radar)]);
        assert!((fading.after_silence(0.99, &heard, at(1.4)) - 0.99).abs() < 1e-12);
        assert!(fading.ends(fading.after_silence(0.99, &heard, at(8.0))));
        heard.insert(Kind::Cooperative, Heard { at: at(0.0), interval_s: 3.0 });
        assert!(fading.after_silence(0.99, &heard, at(8.0)) > 0.5);
        assert!(fading.ends(fading.after_silence(0.99, &heard, at(40.0))));
    }

    #[test]
    fn two_people_are_enough_and_one_twice_is_not() {
        let settings = Settings::default();
        let who = SourceId::new("person.a").unwrap();
        let twice = after_report(0.6, ratio(&settings, Kind::Person, &who, 0.0, false));
        let both = after_report(0.6, ratio(&settings, Kind::Person, &who, 0.0, true));
        assert!(twice < 0.7 && both >= 0.95, "{twice} {both}");
    }
}
