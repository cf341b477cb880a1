//! [`Track`]: an estimate over time of one thing that flies.

use crate::{
    ObservationId, Place, SourceId, Time, TrackId,
    kinematics::AirClass,
    lineage::{Decided, TrackEvent},
    observation::{EnuCovariance, IdKind},
};
use serde::{Deserialize, Serialize};

/// An estimate at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Track {
    /// Its id.
    pub id: TrackId,
    /// Tentative, confirmed or deleted.
    pub state: TrackState,
    /// The moment that the estimate is for.
    pub at: Time,
    /// When it was last measured (the newest `observed_at` used).
    pub measured_at: Time,
    /// When it began.
    pub since: Time,
    /// Where; height unknown until something measured it.
    pub place: Place,
    /// Velocity east, north, up, m/s (up is 0 while the height is unknown).
    pub vel_enu_mps: [f64; 3],
    /// Position covariance, m². Third row and column zero while the height is unknown.
    pub cov_enu_m2: EnuCovariance,
    /// Velocity covariance, m²/s².
    pub vel_cov_enu: EnuCovariance,
    /// Position-velocity cross-covariance, m²/s: `[i][j]` = cov(position i, velocity j).
    pub cross_cov_enu: EnuCovariance,
    /// Probability that it is there at all, 0 to 1.
    pub existence: f64,
    /// Identities with their probability, likeliest first.
    pub ids: Vec<TrackIdentity>,
    /// Likeliest class, where anything says so; what a person decided goes before ([`Self::decided`]).
    pub class: Option<AirClass>,
    /// Probability of `class`, 0 to 1; 1 of what a person decided.
    pub class_p: f64,
    /// Whose it is; what a person decided goes before. Never hostile until a person decides.
    pub affiliation: Affiliation,
    /// Two independent kinds of evidence speak against what it claims.
    pub suspect: bool,
    /// The evidence.
    pub evidence: Vec<Evidence>,
    /// Which sources saw it.
    pub sources: Vec<SourceId>,
    /// The newest observations that it rests on, newest last, at most [`Track::BECAUSE`].
    pub because: Vec<ObservationId>,
    /// Height above take-off that it claims, metres, where no absolute height is known.
    pub height_takeoff_m: Option<f64>,
    /// Only people saw it so far.
    pub by_people_only: bool,
    /// What a person decided that it is, with what the tracker believes beside it; `None` where nobody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Box<Decided>>,
    /// What happened to it, oldest first: how it began and the newest after that, at most [`Track::LINEAGE`]. Empty where
    /// it began before this was kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lineage: Vec<TrackEvent>,
}

impl Track {
    /// Most observations kept in `because`.
    pub const BECAUSE: usize = 8;
    /// Most events kept in `lineage`.
    pub const LINEAGE: usize = 16;

    /// The likeliest identity of a kind.
    pub fn id_of(&self, kind: IdKind) -> Option<&TrackIdentity> {
        self.ids.iter().filter(|i| i.kind == kind).max_by(|a, b| a.p.total_cmp(&b.p))
    }
}

/// How sure it is that there is a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackState {
    /// Started, not yet believed.
    Tentative,
    /// Believed.
    Confirmed,
    /// Gone.
    Deleted,
}

/// One identity of a track.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrackIdentity {
    /// Register.
    pub kind: IdKind,
    /// Its text.
    pub value: String,
    /// Probability, 0 to 1.
    pub p: f64,
}

/// The kind of evidence that a track began in a flood of new names.
pub const IDENTITY_FLOOD: &str = "identity_flood";

/// One kind of evidence about trust.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Which (`duplicate_identity`, `implied_speed`, `clock_suspect` …).
    pub kind: String,
    /// Its weight; over 0 speaks against the claims.
    pub weight: f64,
}

/// Whose a track is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Affiliation {
    /// Nobody knows.
    #[default]
    Unknown,
    /// Matches a filed own flight.
    Own,
    /// A person decided that it is harmless.
    Neutral,
    /// A person decided that it is suspect.
    Suspect,
    /// A person decided that it is hostile.
    Hostile,
}
