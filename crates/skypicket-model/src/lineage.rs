//! Lineage: what happened to a track ([`TrackEvent`]), what people at the centre do to one ([`TrackAct`]), and what they
//! decided that it is ([`Decided`]).
//!
//! A person's act on tracks is an input like any other: it stands in the record with who did it, and is done again, the
//! same, when history is read.

use crate::{
    Measurement, Observation, PersonId, SourceId, Time, TrackId,
    kinematics::AirClass,
    observation::{IdClaim, IdKind},
    track::Affiliation,
};
use serde::{Deserialize, Serialize};

/// Most characters of the reason of an act on a track.
pub const MOST_WHY: usize = 200;

/// What a person at the centre does to a track, on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum TrackAct {
    /// Two tracks are one thing: the older one goes on, the smaller id of two of one age, whichever is named first.
    Merge {
        /// One.
        track: TrackId,
        /// The other.
        with: TrackId,
        /// Why, in their words.
        why: String,
    },
    /// A track is two things: a part of it gets a track of its own.
    Split {
        /// Which.
        track: TrackId,
        /// What is not of it.
        part: TrackPart,
        /// Why, in their words.
        why: String,
    },
    /// What a track is, over what the tracker believes; it replaces what was decided before. Neither a class nor an
    /// affiliation takes that back: the tracker's belief counts again.
    Classify {
        /// Which.
        track: TrackId,
        /// What it is.
        #[serde(default)]
        class: Option<TrackClass>,
        /// Whose it is.
        #[serde(default)]
        affiliation: Option<Affiliation>,
        /// Why, in their words.
        #[serde(default)]
        why: String,
    },
}

/// Part of what a track rests on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum TrackPart {
    /// What a source said.
    Source {
        /// Which.
        source: SourceId,
    },
    /// What claimed an identity.
    Identity {
        /// Register.
        kind: IdKind,
        /// Its text.
        value: String,
    },
}

impl TrackPart {
    /// The identity, where it is one.
    pub fn identity(&self) -> Option<IdClaim> {
        match self {
            Self::Identity { kind, value } => Some(IdClaim { kind: *kind, value: value.clone() }),
            Self::Source { .. } => None,
        }
    }
}

/// What a person can say that a track is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrackClass {
    /// A drone, of a kind that nobody knows: it may be the most agile.
    Drone,
    /// Multirotor or helicopter drone.
    Rotor,
    /// First-person-view drone.
    Fpv,
    /// Fixed-wing drone.
    FixedWing,
    /// Crewed aircraft.
    Crewed,
    /// Bird.
    Bird,
    /// Nobody knows, whatever the tracker believes.
    Unknown,
}

impl TrackClass {
    /// The class of motion; `None` is unknown, which counts as the most agile.
    pub fn air_class(self) -> Option<AirClass> {
        match self {
            Self::Drone | Self::Unknown => None,
            Self::Rotor => Some(AirClass::Rotor),
            Self::Fpv => Some(AirClass::Fpv),
            Self::FixedWing => Some(AirClass::FixedWing),
            Self::Crewed => Some(AirClass::Crewed),
            Self::Bird => Some(AirClass::Bird),
        }
    }
}

/// What a person decided that a track is, and what the tracker believes beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// What it is, where they said so.
    pub class: Option<TrackClass>,
    /// Whose it is, where they said so.
    pub affiliation: Option<Affiliation>,
    /// Who.
    pub by: PersonId,
    /// When.
    pub at: Time,
    /// Why, in their words.
    pub why: String,
    /// The tracker's own belief, which counts again when the decision is taken back.
    pub believed: Believed,
}

/// What the tracker believes that a track is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Believed {
    /// Likeliest class, where anything says so.
    pub class: Option<AirClass>,
    /// Its probability, 0 to 1.
    pub class_p: f64,
    /// Whose it is.
    pub affiliation: Affiliation,
}

/// Something that happened to a track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackEvent {
    /// When (`now` of the input that it happened by).
    pub at: Time,
    /// What.
    pub what: TrackChange,
}

/// What can happen to a track.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum TrackChange {
    /// It began with a report that no track explained.
    Started {
        /// What kind of report.
        by: ReportKind,
        /// Who reported: one, or two whose directions crossed.
        sources: Vec<SourceId>,
    },
    /// It began as a part of another that a person called another thing.
    SplitFrom {
        /// The other.
        track: TrackId,
        /// Which part.
        part: TrackPart,
        /// Who said so.
        by: PersonId,
        /// Why, in their words.
        why: String,
    },
    /// A part of it became a track of its own.
    SplitOff {
        /// That track.
        track: TrackId,
        /// Which part.
        part: TrackPart,
        /// Who said so.
        by: PersonId,
        /// Why, in their words.
        why: String,
    },
    /// It was believed from then on.
    Confirmed {
        /// A person at the desk confirmed a report of it.
        by_desk: bool,
    },
    /// It was believed no more: a report was taken back, and what is left is one person's word.
    Doubted,
    /// It was known by a name from then on.
    Named {
        /// Register.
        kind: IdKind,
        /// The name.
        value: String,
        /// The name of that register that it had before.
        before: Option<String>,
    },
    /// Another track of the same thing ended in it.
    TookOver {
        /// That track.
        track: TrackId,
        /// Who said so; nobody where both had one name and place.
        by: Option<PersonId>,
        /// Why, in their words.
        why: String,
    },
    /// It ended in another track of the same thing.
    MergedInto {
        /// That track.
        track: TrackId,
        /// Who said so; nobody where both had one name and place.
        by: Option<PersonId>,
        /// Why, in their words.
        why: String,
    },
    /// A person said what it is, or, with neither class nor affiliation, took that back.
    Classified {
        /// What it is.
        class: Option<TrackClass>,
        /// Whose it is.
        affiliation: Option<Affiliation>,
        /// Who said so.
        by: PersonId,
        /// Why, in their words.
        why: String,
    },
    /// It ended.
    Dropped {
        /// Why.
        why: DropReason,
    },
}

/// What kind of report something is: what it is worth to a track, and what a track began with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// A position with an identity or an address.
    Cooperative,
    /// A bare position.
    Fix,
    /// A radar plot.
    Radar,
    /// A person's report, however it measures.
    Person,
    /// A direction from a machine.
    Direction,
    /// A presence.
    Presence,
}

impl ReportKind {
    /// The kind of an observation.
    pub fn of(o: &Observation) -> Self {
        if o.sighting.is_some() || o.signal.transport.as_deref() == Some("person") {
            return Self::Person;
        }
        match o.measurement {
            Measurement::Position { .. } if o.claims.ids.is_empty() && o.signal.address.is_none() => Self::Fix,
            Measurement::Position { .. } => Self::Cooperative,
            Measurement::RangeAzEl { .. } => Self::Radar,
            Measurement::Bearing { .. } => Self::Direction,
            Measurement::Presence { .. } => Self::Presence,
        }
    }
}

/// Why a track ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// It was believed, and nobody reported it for too long.
    Silence,
    /// Never enough spoke for it.
    Doubt,
    /// The report that it rested on was taken back.
    Retracted,
}
