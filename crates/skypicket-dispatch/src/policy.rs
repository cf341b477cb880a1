//! [`Policy`]: every number that dispatch decides by, with its default, in this one place.

use serde::{Deserialize, Serialize};
use skypicket_model::{Channel, Level};

/// How long dispatch waits for what, and how often it tries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Seconds from an attempt until a receipt of the person's own client must be there; then the next channel is
    /// tried as well. A provider's "accepted" does not stop it. Default 5 on each channel.
    pub receipt_s: PerChannel,
    /// Attempts with an unknowable outcome on one channel, after which the next channel is tried and the trouble
    /// shown, 1 to 10. Default 2.
    pub max_ambiguous: u32,
    /// Seconds until a surely failed attempt is repeated while its channel still says that it is up. Default 5.
    pub retry_s: f64,
    /// Seconds of silence, from when a version asked for it, after which a person's leader is told, by the level of
    /// the newest version. Default 30 urgent, 60 caution, 120 advisory.
    pub acknowledge_s: PerLevel,
    /// Seconds in which somebody at the centre must take an urgent warning, before the centre's own supervisors are
    /// told. Default 60 (spec/people.md section 4).
    pub centre_s: f64,
    /// Seconds that a leader has to take it, before the next on the chain is told. Default 120 (same source).
    pub supervisor_s: f64,
    /// Seconds that a cleared notice is kept for late receipts and reconnecting clients. Default 3,600.
    pub retention_s: f64,
}

/// Seconds for each channel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerChannel {
    /// An open page.
    pub web: f64,
    /// A TAK client.
    pub tak: f64,
}

/// Seconds for each level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerLevel {
    /// Act now.
    pub urgent: f64,
    /// Be ready.
    pub caution: f64,
    /// Know of it.
    pub advisory: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            receipt_s: PerChannel { web: 5.0, tak: 5.0 },
            max_ambiguous: 2,
            retry_s: 5.0,
            acknowledge_s: PerLevel { urgent: 30.0, caution: 60.0, advisory: 120.0 },
            centre_s: 60.0,
            supervisor_s: 120.0,
            retention_s: 3_600.0,
        }
    }
}

impl PerChannel {
    /// The value for a channel.
    pub fn of(&self, channel: Channel) -> f64 {
        match channel {
            Channel::Web => self.web,
            Channel::Tak => self.tak,
        }
    }
}

impl PerLevel {
    /// The value for a level.
    pub fn of(&self, level: Level) -> f64 {
        match level {
            Level::Urgent => self.urgent,
            Level::Caution => self.caution,
            Level::Advisory => self.advisory,
        }
    }
}

/// A value that dispatch cannot work with.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("dispatch policy: {field} must be {must}, not {got}")]
pub struct PolicyProblem {
    /// Which.
    pub field: &'static str,
    /// Its range in words.
    pub must: &'static str,
    /// What it was.
    pub got: f64,
}

impl Policy {
    /// Checks every value against its range: times over 0 and at most a day (30 days for the retention).
    pub fn check(&self) -> Result<(), PolicyProblem> {
        const DAY_S: f64 = 86_400.0;
        for (field, got, most, must) in [
            ("receipt_s.web", self.receipt_s.web, DAY_S, "over 0 and at most 86400 s"),
            ("receipt_s.tak", self.receipt_s.tak, DAY_S, "over 0 and at most 86400 s"),
            ("retry_s", self.retry_s, DAY_S, "over 0 and at most 86400 s"),
            ("acknowledge_s.urgent", self.acknowledge_s.urgent, DAY_S, "over 0 and at most 86400 s"),
            ("acknowledge_s.caution", self.acknowledge_s.caution, DAY_S, "over 0 and at most 86400 s"),
            ("acknowledge_s.advisory", self.acknowledge_s.advisory, DAY_S, "over 0 and at most 86400 s"),
            ("centre_s", self.centre_s, DAY_S, "over 0 and at most 86400 s"),
            ("supervisor_s", self.supervisor_s, DAY_S, "over 0 and at most 86400 s"),
            ("retention_s", self.retention_s, 30.0 * DAY_S, "over 0 and at most 2592000 s"),
        ] {
            if !(got > 0.0 && got <= most) {
                return Err(PolicyProblem { field, must, got });
            }
        }
        if !(1..=10).contains(&self.max_ambiguous) {
            return Err(PolicyProblem { field: "max_ambiguous", must: "1 to 10", got: f64::from(self.max_ambiguous) });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_sound_and_a_partial_policy_keeps_the_other_defaults() {
        Policy::default().check().unwrap();
        let p: Policy = serde_json::from_str(r#"{"centre_s": 45}"#).unwrap();
        assert_eq!(p, Policy { centre_s: 45.0, ..Policy::default() });
        assert!(serde_json::from_str::<Policy>(r#"{"center_s": 45}"#).is_err());
    }

    #[test]
    fn values_that_would_stop_or_flood_are_refused_by_name() {
        for (bad, field) in [
            (Policy { retry_s: 0.0, ..Policy::default() }, "retry_s"),
            (Policy { centre_s: f64::NAN, ..Policy::default() }, "centre_s"),
            (Policy { supervisor_s: 1e9, ..Policy::default() }, "supervisor_s"),
            (Policy { max_ambiguous: 0, ..Policy::default() }, "max_ambiguous"),
        ] {
            assert_eq!(bad.check().unwrap_err().field, field);
        }
    }
}
