//! Retention: how long each kind of content is kept, and until when an item may be, set when it is written.
//!
//! The policy in force when a purge runs decides; the date beside each item is what the policy said when it was written,
//! for whoever looks at the database with other tools.

use skypicket_model::{Body, Time};
use std::collections::BTreeMap;

const DAY_US: f64 = 86_400_000_000.0;

/// Longest that anything may be kept, days: five years.
pub const MOST_DAYS: f64 = 5.0 * 365.0;

/// How long each kind of content is kept, days.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retention {
    /// Raw observations of sensors.
    pub observations: f64,
    /// People's own positions, and the snapshots of the engines, which hold them.
    pub positions: f64,
    /// Tracks at 1 Hz.
    pub tracks: f64,
    /// What people did: reports, decisions, acknowledgements, changes of the directory; and configurations.
    pub acts: f64,
    /// Warnings, who was told of them, and what became of each delivery.
    pub notices: f64,
    /// Who read what.
    pub access: f64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { observations: 7.0, positions: 1.0, tracks: 90.0, acts: MOST_DAYS, notices: MOST_DAYS, access: MOST_DAYS }
    }
}

/// Kinds of entries whose content is over one day, each with the name of its group in [`Retention`]. What says nothing
/// of anybody (starts, ticks, counts) or proves what was done to the record (upkeep) stays.
pub const KINDS: [(&str, &str); 12] = [
    ("observations", "observations"),
    ("positions", "positions"),
    ("snapshot", "positions"),
    ("tracks", "tracks"),
    ("act", "acts"),
    ("configured", "acts"),
    ("desk", "acts"),
    ("notice", "notices"),
    ("dispatch", "notices"),
    ("provider", "notices"),
    ("reach", "notices"),
    ("access", "access"),
];

impl Retention {
    /// Days by the names of the groups.
    pub fn groups(&self) -> BTreeMap<&'static str, f64> {
        [
            ("observations", self.observations),
            ("positions", self.positions),
            ("tracks", self.tracks),
            ("acts", self.acts),
            ("notices", self.notices),
            ("access", self.access),
        ]
        .into()
    }

    /// Days that a kind of entry is kept; `None` for always.
    pub fn days(&self, kind: &str) -> Option<f64> {
        let group = KINDS.iter().find(|(k, _)| *k == kind)?.1;
        self.groups().get(group).copied()
    }

    /// What was recorded before this may be purged now.
    pub fn cutoff(&self, kind: &str, now: Time) -> Option<Time> {
        self.days(kind).map(|days| moved(now, -days))
    }

    /// What is wrong with it, in words, if anything is.
    pub fn problem(&self) -> Option<String> {
        let wrong = |(_, days): &(&str, f64)| !(*days > 0.0 && *days <= MOST_DAYS);
        let (group, days) = self.groups().into_iter().find(wrong)?;
        Some(format!("{group}_days must be over 0 and at most {MOST_DAYS}, not {days}"))
    }
}

/// When the items of a body may be purged; `None` for what is kept always.
pub fn purge_after(retention: &Retention, body: &Body, recorded_at: Time) -> Option<Time> {
    retention.days(body.kind()).map(|days| moved(recorded_at, days))
}

fn moved(at: Time, days: f64) -> Time {
    #[allow(clippy::cast_possible_truncation)] // at most five years
    let us = (days * DAY_US) as i64;
    Time::from_micros(at.as_micros().saturating_add(us))
}
