//! [`Policy`]: every number that dispatch decides by, with its default, in this one place.

use serde::{Deserialize, Serialize};
use skypicket_model::{Audience, Channel, Level};

/// How long dispatch waits for what, and how often it tries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Seconds from an attempt until a receipt of the person's own client must be there; then the next channel is
    /// tried as well. A provider's "accepted" does not stop it. Default 5 on web and TAK, 15 by push and relay, 30 by
    /// webhook, 90 by SMS, 300 by mail.
    pub receipt_s: PerChannel,
    /// Attempts with an unknowable outcome on one channel, after which the next channel is tried and the trouble
    /// shown, 1 to 10. Default 2.
    pub max_ambiguous: u32,
    /// Seconds until a surely failed attempt is repeated while its channel still says that it is up; each further
    /// failure in a row doubles it. Default 5.
    pub retry_s: f64,
    /// Most seconds between two attempts that surely fail. Default 60.
    pub retry_most_s: f64,
    /// Seconds of silence, from when a version asked for it, after which a person's leader is told, by the level of
    /// the newest version. Default 30 urgent, 60 caution, 120 advisory.
    pub acknowledge_s: PerLevel,
    /// Seconds of silence, from when a version asked for it or from the reminder before, after which somebody who has a
    /// warning is reminded: it is sent again, and over their next channel too. Default 15 urgent, 30 caution, 60
    /// advisory.
    pub remind_s: PerLevel,
    /// Most reminders of one version to one person, 0 to 20. Default 2.
    pub most_reminders: u32,
    /// Seconds after which an acknowledgement of a warning that is still open counts no more, and the person is asked
    /// again; never where none is given. Default 1,800 urgent, never caution and advisory.
    pub lapse_s: LevelsMaybe,
    /// Seconds in which somebody at the centre must take an urgent warning, before the centre's own supervisors are
    /// told. Default 60 (spec/people.md section 4).
    pub centre_s: f64,
    /// Seconds that a leader has to take it, before the next on the chain is told. Default 120 (same source).
    pub supervisor_s: f64,
    /// Seconds that a cleared warning is kept for late receipts and reconnecting clients. Default 3,600.
    pub retention_s: f64,
    /// Whom warnings go to besides those in danger and the centre; they are told, not asked. Nobody unless said.
    pub warnings_also: Vec<Audience>,
    /// The times of bulletins.
    pub bulletin: BulletinPolicy,
}

/// How long dispatch waits with a bulletin, where that is not as with a warning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BulletinPolicy {
    /// As for warnings. Default 900 urgent (spec/people.md section 4), 1,800 caution, 7,200 advisory.
    pub acknowledge_s: PerLevel,
    /// As for warnings. Default 450 urgent, 900 caution, 3,600 advisory.
    pub remind_s: PerLevel,
    /// As for warnings. Default never.
    pub lapse_s: LevelsMaybe,
    /// Seconds that a leader has to take somebody's silence, before the next on the chain is told. Default 900.
    pub supervisor_s: f64,
    /// Seconds that a bulletin which ended is kept, so that its recall reaches phones that were away for days.
    /// Default 604,800.
    pub retention_s: f64,
}

/// Seconds for each level, or never.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LevelsMaybe {
    /// Act now.
    pub urgent: Option<f64>,
    /// Be ready.
    pub caution: Option<f64>,
    /// Know of it.
    pub advisory: Option<f64>,
}

/// The times that hold for one kind of notice.
#[allow(clippy::struct_field_names)] // each says its unit
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) acknowledge_s: PerLevel,
    pub(crate) remind_s: PerLevel,
    pub(crate) lapse_s: LevelsMaybe,
    pub(crate) supervisor_s: f64,
    pub(crate) retention_s: f64,
}

/// Seconds for each channel.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerChannel {
    /// An open page.
    pub web: f64,
    /// A TAK client.
    pub tak: f64,
    /// Web Push: it passes the maker of the phone's browser, so it may take longer.
    #[serde(default = "PerChannel::push_s")]
    pub push: f64,
    /// Mail.
    #[serde(default = "PerChannel::mail_s")]
    pub mail: f64,
    /// Short messages.
    #[serde(default = "PerChannel::sms_s")]
    pub sms: f64,
    /// Systems of others.
    #[serde(default = "PerChannel::webhook_s")]
    pub webhook: f64,
    /// Sirens and lights.
    #[serde(default = "PerChannel::push_s")]
    pub relay: f64,
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
            receipt_s: PerChannel {
                web: 5.0,
                tak: 5.0,
                push: PerChannel::push_s(),
                mail: PerChannel::mail_s(),
                sms: PerChannel::sms_s(),
                webhook: PerChannel::webhook_s(),
                relay: PerChannel::push_s(),
            },
            max_ambiguous: 2,
            retry_s: 5.0,
            retry_most_s: 60.0,
            acknowledge_s: PerLevel { urgent: 30.0, caution: 60.0, advisory: 120.0 },
            remind_s: PerLevel { urgent: 15.0, caution: 30.0, advisory: 60.0 },
            most_reminders: 2,
            lapse_s: LevelsMaybe { urgent: Some(1_800.0), caution: None, advisory: None },
            centre_s: 60.0,
            supervisor_s: 120.0,
            retention_s: 3_600.0,
            warnings_also: Vec::new(),
            bulletin: BulletinPolicy::default(),
        }
    }
}

impl Default for BulletinPolicy {
    fn default() -> Self {
        Self {
            acknowledge_s: PerLevel { urgent: 900.0, caution: 1_800.0, advisory: 7_200.0 },
            remind_s: PerLevel { urgent: 450.0, caution: 900.0, advisory: 3_600.0 },
            lapse_s: LevelsMaybe::default(),
            supervisor_s: 900.0,
            retention_s: 604_800.0,
        }
    }
}

impl PerChannel {
    fn push_s() -> f64 {
        15.0
    }
    fn mail_s() -> f64 {
        300.0
    }
    fn sms_s() -> f64 {
        90.0
    }
    fn webhook_s() -> f64 {
        30.0
    }

    /// The value for a channel.
    pub fn of(&self, channel: Channel) -> f64 {
        match channel {
            Channel::Web => self.web,
            Channel::Tak => self.tak,
            Channel::Push => self.push,
            Channel::Mail => self.mail,
            Channel::Sms => self.sms,
            Channel::Webhook => self.webhook,
            Channel::Relay => self.relay,
            // Nothing is handed to it, so that nothing is waited for.
            Channel::Voice => f64::INFINITY,
        }
    }
}

impl LevelsMaybe {
    /// The value for a level.
    pub fn of(&self, level: Level) -> Option<f64> {
        match level {
            Level::Urgent => self.urgent,
            Level::Caution => self.caution,
            Level::Advisory => self.advisory,
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
    /// The times for a kind of notice.
    pub(crate) fn times(&self, bulletin: bool) -> Times {
        let b = &self.bulletin;
        if bulletin {
            Times {
                acknowledge_s: b.acknowledge_s,
                remind_s: b.remind_s,
                lapse_s: b.lapse_s,
                supervisor_s: b.supervisor_s,
                retention_s: b.retention_s,
            }
        } else {
            Times {
                acknowledge_s: self.acknowledge_s,
                remind_s: self.remind_s,
                lapse_s: self.lapse_s,
                supervisor_s: self.supervisor_s,
                retention_s: self.retention_s,
            }
        }
    }

    /// Checks every value against its range: times over 0 and at most a day (30 days for what is kept).
    pub fn check(&self) -> Result<(), PolicyProblem> {
        const DAY_S: f64 = 86_400.0;
        const DAY: &str = "over 0 and at most 86400 s";
        const MONTH: &str = "over 0 and at most 2592000 s";
        let (r, b) = (&self.receipt_s, &self.bulletin);
        for (field, got) in [
            ("receipt_s.web", r.web),
            ("receipt_s.tak", r.tak),
            ("receipt_s.push", r.push),
            ("receipt_s.mail", r.mail),
            ("receipt_s.sms", r.sms),
            ("receipt_s.webhook", r.webhook),
            ("receipt_s.relay", r.relay),
            ("retry_s", self.retry_s),
            ("retry_most_s", self.retry_most_s),
            ("acknowledge_s.urgent", self.acknowledge_s.urgent),
            ("acknowledge_s.caution", self.acknowledge_s.caution),
            ("acknowledge_s.advisory", self.acknowledge_s.advisory),
            ("remind_s.urgent", self.remind_s.urgent),
            ("remind_s.caution", self.remind_s.caution),
            ("remind_s.advisory", self.remind_s.advisory),
            ("lapse_s.urgent", self.lapse_s.urgent.unwrap_or(1.0)),
            ("lapse_s.caution", self.lapse_s.caution.unwrap_or(1.0)),
            ("lapse_s.advisory", self.lapse_s.advisory.unwrap_or(1.0)),
            ("centre_s", self.centre_s),
            ("supervisor_s", self.supervisor_s),
            ("bulletin.supervisor_s", b.supervisor_s),
        ] {
            if !(got > 0.0 && got <= DAY_S) {
                return Err(PolicyProblem { field, must: DAY, got });
            }
        }
        for (field, got) in [
            ("retention_s", self.retention_s),
            ("bulletin.acknowledge_s.urgent", b.acknowledge_s.urgent),
            ("bulletin.acknowledge_s.caution", b.acknowledge_s.caution),
            ("bulletin.acknowledge_s.advisory", b.acknowledge_s.advisory),
            ("bulletin.remind_s.urgent", b.remind_s.urgent),
            ("bulletin.remind_s.caution", b.remind_s.caution),
            ("bulletin.remind_s.advisory", b.remind_s.advisory),
            ("bulletin.lapse_s.urgent", b.lapse_s.urgent.unwrap_or(1.0)),
            ("bulletin.lapse_s.caution", b.lapse_s.caution.unwrap_or(1.0)),
            ("bulletin.lapse_s.advisory", b.lapse_s.advisory.unwrap_or(1.0)),
            ("bulletin.retention_s", b.retention_s),
        ] {
            if !(got > 0.0 && got <= 30.0 * DAY_S) {
                return Err(PolicyProblem { field, must: MONTH, got });
            }
        }
        let number = |field, must, got: u32| Err(PolicyProblem { field, must, got: f64::from(got) });
        if !(1..=10).contains(&self.max_ambiguous) {
            return number("max_ambiguous", "1 to 10", self.max_ambiguous);
        }
        if self.most_reminders > 20 {
            return number("most_reminders", "0 to 20", self.most_reminders);
        }
        if self.warnings_also.len() > Audience::MOST || self.warnings_also.iter().any(|a| a.check().is_err()) {
            let n = u32::try_from(self.warnings_also.len()).unwrap_or(u32::MAX);
            return number("warnings_also", "at most 100 rules, each with values in its range", n);
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
