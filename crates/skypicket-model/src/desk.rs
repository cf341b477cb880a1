//! What people decide about sightings: [`SightingState`], [`Triage`], [`Verdict`]; entries of the record.

use crate::{PersonId, Sighting, SightingId, Time, TrackId};
use serde::{Deserialize, Serialize};

/// A sighting and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SightingState {
    /// The report.
    pub sighting: Sighting,
    /// Stored when (the first receipt).
    pub stored_at: Time,
    /// Triage so far.
    pub verdict: Verdict,
    /// Who decided, when there is a decision.
    pub decided_by: Option<PersonId>,
    /// When.
    pub decided_at: Option<Time>,
    /// Why, in their words.
    pub why: String,
    /// The leaders whom it went to.
    pub leaders: Vec<PersonId>,
    /// First seen at the centre (the second receipt): by whom and when.
    pub seen_by_centre: Option<(PersonId, Time)>,
    /// First seen by leadership (the third receipt): by whom and when.
    pub seen_by_leadership: Option<(PersonId, Time)>,
    /// Taken back by its reporter.
    pub retracted_at: Option<Time>,
    /// The track that it fed, where one did.
    pub track: Option<TrackId>,
}

/// What the centre makes of a sighting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Verdict {
    /// Nobody decided yet.
    #[default]
    New,
    /// A drone, as reported.
    Confirmed,
    /// The same drone as another sighting's.
    Merged {
        /// That sighting.
        into: SightingId,
    },
    /// Not a drone, or not ours to warn of.
    Dismissed,
}

/// A decision about a sighting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triage {
    /// Which.
    pub sighting: SightingId,
    /// What.
    pub verdict: Verdict,
    /// Why; needed for a dismissal and a merge.
    #[serde(default)]
    pub why: String,
}

/// What the desk decided: entries of the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DeskEvent {
    /// A sighting changed: its whole new state.
    Sighting {
        /// The state.
        state: Box<SightingState>,
    },
}
