//! [`Notice`]: one version of a warning (later also of a bulletin), and its [`Level`].

use crate::{LatLon, Marking, NoticeId, ObservationId, Time, TrackId, people::ProtectedId};
use serde::{Deserialize, Serialize};

/// How urgent, from the mildest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Know of it.
    Advisory,
    /// Be ready.
    Caution,
    /// Act now.
    Urgent,
}

/// The life of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeState {
    /// First version.
    Raised,
    /// A later version.
    Updated,
    /// Over: the last version.
    Cleared,
}

/// One version of a warning about one track to one protected person or place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The same over all versions.
    pub id: NoticeId,
    /// 1, 2, 3 …
    pub version: u32,
    /// Where in its life.
    pub state: NoticeState,
    /// Level of this version (of the last one before, when cleared).
    pub level: Level,
    /// When this version was made.
    pub at: Time,
    /// The track.
    pub track: TrackId,
    /// Who or what is in danger.
    pub protected: ProtectedId,
    /// Its name as shown.
    pub protected_name: String,
    /// Whether people must acknowledge this version on purpose: the first, and each at a higher level.
    pub needs_ack: bool,
    /// Where it is as seen from the protected, and how soon, when this version was made.
    pub facts: NoticeFacts,
    /// Fixed words that say why.
    pub reasons: Vec<String>,
    /// The observations that it rests on.
    pub because: Vec<ObservationId>,
    /// Who may see it.
    pub marking: Marking,
    /// Name of the exercise; `None` is live.
    pub exercise: Option<String>,
    /// Four digits that a chat reply must hold to acknowledge this version.
    pub code: String,
    /// What to say, in English: what it is, where from here, how soon, what to do.
    pub text: String,
    /// The same in Spanish.
    pub text_es: String,
}

/// The numbers of a warning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoticeFacts {
    /// Distance from the protected, metres.
    pub distance_m: f64,
    /// True bearing from the protected, degrees.
    pub bearing_deg: f64,
    /// Earliest possible time to reach the stand-off radius, seconds.
    pub earliest_s: f64,
    /// Closest point of approach, metres.
    pub cpa_m: f64,
    /// Probability of being within the stand-off radius in 30 s.
    pub p_within_30: f64,
    /// Where the track was.
    pub track_at: LatLon,
    /// Height unknown: distances are horizontal.
    pub height_unknown: bool,
    /// Only people's reports so far.
    pub by_people_only: bool,
}
