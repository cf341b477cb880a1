//! [`Policy`]: every number by which danger is judged, with its default, in this one file.
//!
//! How fast each class can move is not here: it is [`skypicket_model::kinematics::limits`], which other rooms share.

use serde::{Deserialize, Serialize};

/// How danger is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Stand-off radius, metres, where a site names none of its own. Default 150; 1 to 5,000.
    pub standoff_m: f64,
    /// Urgent: default within 30 s with probability 0.5. Being inside the stand-off now counts as within 0 s.
    pub urgent: Rule,
    /// Caution: default within 120 s with probability 0.5.
    pub caution: Rule,
    /// Advisory: default within 300 s with probability 0.5.
    pub advisory: Rule,
    /// Advisory too for a track that only people reported, when the probability within the advisory time, *given that
    /// the drone exists*, is at least this. One report is weak evidence of existence, yet those near it must hear of
    /// it ("one report, not confirmed"); it can never raise more than an advisory. Default 0.2.
    pub reported_p: f64,
    /// A level goes down by one only after this long below it without a break, seconds; a lost track's warning ends
    /// after as long. Default 10.
    pub hold_s: f64,
    /// A warning that is open stays at least an advisory while the drone is within so many stand-off radii, or comes
    /// closer on a course that passes within them: one that circles, or whose course is not quite sure yet, would else
    /// be cleared and raised again and again. It raises nothing. Default 2.
    pub linger: f64,
    /// How a drone strays from its present course.
    pub wander: Wander,
    /// A class is believed from this probability on; below it the thing counts as unknown, which is FPV. From here on
    /// a crewed aircraft raises no level. Default 0.8.
    pub class_p: f64,
    /// What a person's position is worth as it ages.
    pub position: Ageing,
    /// A track that was not estimated for this long is lost, seconds. The tracker estimates each live track every
    /// second. Default 30.
    pub track_lost_s: f64,
    /// Dangers to people are listed up to this distance even when nothing points their way, metres. Default 2,000.
    pub near_m: f64,
    /// Nothing beyond this distance is looked at, metres; dangers to sites are listed up to here. 40 m/s for 300 s and
    /// the stand-off fit in it. Default 15,000.
    pub prune_m: f64,
}

/// A level's rule: inside the stand-off radius at some moment of the next `within_s` with probability at least `p`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Seconds, 1 to 300.
    pub within_s: f64,
    /// Probability, over 0 to 1, existence of the track included.
    pub p: f64,
}

/// How a drone strays from its present course: its velocity is the present one plus an Ornstein-Uhlenbeck process,
/// which returns to zero. White acceleration, as in the tracker, would spread 300 s ahead over kilometres and no
/// warning could ever be early; that mean-reverting velocity predicts far ahead well was shown for ships by Millefiori
/// et al., "Modeling vessel kinematics using a stochastic mean-reverting process", IEEE TAES 52(5), 2016.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wander {
    /// Stationary one sigma of the straying velocity on each axis, m/s. Default 1.
    pub sigma_mps: f64,
    /// Time after which it has mostly returned, seconds. Default 10.
    pub tau_s: f64,
    /// As much of a track's velocity sigma on each axis is the tracker's readiness for the next manoeuvre and no lasting
    /// error of its course: it returns with `tau_s` too, save a tenth of its variance. Taken as lasting it would put a
    /// drone that comes straight on for two minutes anywhere within 400 m, and the first warning would be the urgent
    /// one. What a track's sigma has beyond this (a new track, one that only people saw) is ignorance and lasts.
    /// Default 3 m/s, what a tracker with acceleration noise 4 m²/s³ settles at from one plot a second of 8 m.
    pub manoeuvre_mps: f64,
}

/// What a person's position is worth as it ages.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ageing {
    /// From this age on a danger says `position_old`, seconds. Default 60.
    pub old_s: f64,
    /// From this age on a position raises nothing, seconds. Default 900.
    pub max_age_s: f64,
    /// Growth of its sigma, m/s: a person walks. Default 1.5.
    pub walk_mps: f64,
    /// The growth stops here, metres: half of the default stand-off. People at a post mostly stay there; a sigma
    /// without bound would thin the probability and so silence warnings to whoever's phone sleeps. Default 75.
    pub walk_bound_m: f64,
    /// From this age on it is forgotten, seconds: nobody is shown it any more. Default 86,400, a day, which is as long as
    /// the record keeps it.
    pub keep_s: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            standoff_m: 150.0,
            urgent: Rule { within_s: 30.0, p: 0.5 },
            caution: Rule { within_s: 120.0, p: 0.5 },
            advisory: Rule { within_s: 300.0, p: 0.5 },
            reported_p: 0.2,
            hold_s: 10.0,
            linger: 2.0,
            wander: Wander::default(),
            class_p: 0.8,
            position: Ageing::default(),
            track_lost_s: 30.0,
            near_m: 2_000.0,
            prune_m: 15_000.0,
        }
    }
}

impl Default for Wander {
    fn default() -> Self {
        Self { sigma_mps: 1.0, tau_s: 10.0, manoeuvre_mps: 3.0 }
    }
}

impl Default for Ageing {
    fn default() -> Self {
        Self { old_s: 60.0, max_age_s: 900.0, walk_mps: 1.5, walk_bound_m: 75.0, keep_s: 86_400.0 }
    }
}

impl Wander {
    /// Variance of the position on each axis after `t_s` seconds of straying that starts at none, m².
    pub fn variance_m2(&self, t_s: f64) -> f64 {
        let x = t_s / self.tau_s;
        let spread = self.sigma_mps * self.tau_s;
        // The difference of near-equal terms loses digits below x = 0.01, where it is x³ · 2/3 at most: call it none.
        if x < 0.01 { 0.0 } else { spread * spread * (2.0 * x - 3.0 + 4.0 * libm::exp(-x) - libm::exp(-2.0 * x)) }
    }

    /// How far a velocity that returns has carried after `t_s` seconds, in metres for each m/s of it now.
    pub fn carried_s(&self, t_s: f64) -> f64 {
        self.tau_s * -libm::expm1(-t_s / self.tau_s)
    }

    /// Of a velocity variance on one axis the part that returns, m²/s².
    pub fn returning(&self, variance: f64) -> f64 {
        0.9 * variance.clamp(0.0, self.manoeuvre_mps * self.manoeuvre_mps)
    }
}

/// A policy that cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BadPolicy {
    /// A number is out of its range.
    #[error("{field} is {value}, which is not from {least} to {most}")]
    Range {
        /// The field.
        field: &'static str,
        /// Its value.
        value: f64,
        /// Least allowed.
        least: f64,
        /// Most allowed.
        most: f64,
    },
    /// Urgent, caution and advisory must look ever further ahead.
    #[error("urgent.within_s, caution.within_s and advisory.within_s must not fall")]
    Order,
}

impl Policy {
    /// The times looked ahead to.
    pub(crate) fn horizons(&self) -> crate::danger::Ahead {
        crate::danger::Ahead::new([self.urgent.within_s, self.caution.within_s, self.advisory.within_s])
    }

    /// Whether every number is in its range.
    pub fn check(&self) -> Result<(), BadPolicy> {
        for (field, value, least, most) in [
            ("standoff_m", self.standoff_m, 1.0, 5_000.0),
            ("urgent.within_s", self.urgent.within_s, 1.0, 300.0),
            ("urgent.p", self.urgent.p, 0.001, 1.0),
            ("caution.within_s", self.caution.within_s, 1.0, 300.0),
            ("caution.p", self.caution.p, 0.001, 1.0),
            ("advisory.within_s", self.advisory.within_s, 1.0, 300.0),
            ("advisory.p", self.advisory.p, 0.001, 1.0),
            ("reported_p", self.reported_p, 0.001, 1.0),
            ("hold_s", self.hold_s, 0.0, 600.0),
            ("wander.sigma_mps", self.wander.sigma_mps, 0.0, 50.0),
            ("wander.tau_s", self.wander.tau_s, 0.1, 1_000.0),
            ("wander.manoeuvre_mps", self.wander.manoeuvre_mps, 0.0, 50.0),
            ("linger", self.linger, 0.0, 100.0),
            ("class_p", self.class_p, 0.5, 1.0),
            ("position.old_s", self.position.old_s, 0.0, 86_400.0),
            ("position.max_age_s", self.position.max_age_s, 1.0, 86_400.0),
            ("position.walk_mps", self.position.walk_mps, 0.0, 50.0),
            ("position.walk_bound_m", self.position.walk_bound_m, 0.0, 5_000.0),
            ("position.keep_s", self.position.keep_s, 60.0, 31.0 * 86_400.0),
            ("track_lost_s", self.track_lost_s, 2.0, 600.0),
            ("near_m", self.near_m, 0.0, 50_000.0),
            ("prune_m", self.prune_m, 100.0, 100_000.0),
        ] {
            // Written so that NaN fails.
            if !(value >= least && value <= most) {
                return Err(BadPolicy::Range { field, value, least, most });
            }
        }
        let ordered = self.urgent.within_s <= self.caution.within_s && self.caution.within_s <= self.advisory.within_s;
        if ordered { Ok(()) } else { Err(BadPolicy::Order) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_the_default_and_what_is_unknown_is_refused() {
        let p: Policy = serde_json::from_str(r#"{"standoff_m": 200, "position": {"old_s": 30}}"#).unwrap();
        assert_eq!(
            p,
            Policy { standoff_m: 200.0, position: Ageing { old_s: 30.0, ..Ageing::default() }, ..Policy::default() }
        );
        assert!(serde_json::from_str::<Policy>(r#"{"stand_off_m": 200}"#).is_err());
        assert!(serde_json::from_str::<Policy>(r#"{"urgent": {"within_s": 30, "p": 0.5, "q": 1}}"#).is_err());
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        assert_eq!(Policy::default().check(), Ok(()));
        let bad = Policy { standoff_m: f64::NAN, ..Policy::default() };
        assert!(bad.check().unwrap_err().to_string().starts_with("standoff_m is NaN"));
        let bad = Policy { caution: Rule { within_s: 20.0, p: 0.5 }, ..Policy::default() };
        assert_eq!(bad.check(), Err(BadPolicy::Order));
    }

    #[test]
    fn straying_grows_with_the_cube_of_time_at_first_and_its_root_later() {
        let w = Wander::default();
        // Short: sigma² · (2/3) t³/tau. Long: 2 sigma² tau t, less a constant.
        assert!((w.variance_m2(0.5) / (2.0 / 3.0 * 0.125 / 10.0) - 1.0).abs() < 0.05);
        assert!((w.variance_m2(300.0) - 5_700.0).abs() < 1e-6);
        assert!(w.variance_m2(0.0).abs() < 1e-12);
    }
}
