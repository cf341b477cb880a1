//! [`Entry`]: one entry of the record, and [`Body`], the closed set of what an entry can be.
//!
//! Inputs are what the engines take; decisions are what they gave, committed together with the input that caused them.

use crate::{
    DeskEvent, Directory, DispatchEvent, LogId, Notice, NoticeId, Observation, OwnFlight, PersonId, Position,
    ProviderResult, RequestId, Sighting, SightingId, SourceId, Time, Track, Triage, delivery::Channel,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the log, from 0 without gaps.
    pub index: u64,
    /// When it was taken into the record; never decreasing. This is the engines' `now`.
    pub recorded_at: Time,
    /// For a decision: the index of the input that caused it.
    pub cause: Option<u64>,
    /// What it is.
    pub body: Body,
}

/// What an entry can be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "body", rename_all = "snake_case")]
pub enum Body {
    // ---- inputs ----
    /// The centre started: always the first entry, and one at each start.
    Started(Started),
    /// Configuration and policy, whole, when they changed.
    Configured(Configured),
    /// A block of sensor observations: one item each.
    Observations {
        /// The observations, in order of arrival.
        items: Vec<Observation>,
    },
    /// People's positions: one item each.
    Positions {
        /// The positions.
        items: Vec<Position>,
    },
    /// Something a person did on purpose.
    Act(ActEntry),
    /// A channel told what became of an attempt.
    Provider(ProviderResult),
    /// A channel to a person came up or went down.
    Reach {
        /// Who.
        person: PersonId,
        /// Which channel.
        channel: Channel,
        /// Up or down.
        up: bool,
    },
    /// Sensor observations were shed before the record, so many a source.
    Shed {
        /// Counts.
        counts: BTreeMap<SourceId, u64>,
        /// The engines had taken them already, and the record had no room for them: what was decided from here to the
        /// next snapshot cannot be recomputed from the record.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        taken: bool,
    },
    /// The record works again: the entries `first..=last` were acted on before they were durable (promise 10).
    Unrecorded {
        /// First index.
        first: u64,
        /// Last index.
        last: u64,
    },
    /// A second passed.
    Tick,

    // ---- decisions ----
    /// Tracks as they were at a tick (thinned to 1 Hz), or when one ended.
    Tracks {
        /// The tracks: one item each.
        items: Vec<Track>,
    },
    /// A version of a warning.
    Notice(Box<Notice>),
    /// Something that dispatch decided.
    Dispatch(DispatchEvent),
    /// Something that the desk decided.
    Desk(DeskEvent),
    /// The engines' state, so that a restart need not begin at the start.
    Snapshot(Snapshot),
}

impl Body {
    /// Whether engines take it, as opposed to having made it.
    pub fn is_input(&self) -> bool {
        !matches!(self, Self::Tracks { .. } | Self::Notice(_) | Self::Dispatch(_) | Self::Desk(_) | Self::Snapshot(_))
    }

    /// Its kind, as stored and shown.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Started(_) => "started",
            Self::Configured(_) => "configured",
            Self::Observations { .. } => "observations",
            Self::Positions { .. } => "positions",
            Self::Act(_) => "act",
            Self::Provider(_) => "provider",
            Self::Reach { .. } => "reach",
            Self::Shed { .. } => "shed",
            Self::Unrecorded { .. } => "unrecorded",
            Self::Tick => "tick",
            Self::Tracks { .. } => "tracks",
            Self::Notice(_) => "notice",
            Self::Dispatch(_) => "dispatch",
            Self::Desk(_) => "desk",
            Self::Snapshot(_) => "snapshot",
        }
    }
}

/// The centre started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The log that this entry is in.
    pub log: LogId,
    /// Version of the program.
    pub software: String,
    /// Version of the engines' rules: a result is the same, bit for bit, only within one.
    pub engines: u32,
    /// Name of the exercise; `None` is live.
    pub exercise: Option<String>,
}

/// Configuration and policy that the engines use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Configured {
    /// Who is who.
    pub directory: Directory,
    /// The policies of the engines, as canonical JSON text, by engine (`track`, `warn`, `dispatch`).
    pub policies: BTreeMap<String, String>,
}

/// An act with who did it and the request that it came in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActEntry {
    /// Who.
    pub by: PersonId,
    /// Through what: `web`, `tak`, `cli`, `exercise`.
    pub via: String,
    /// The client's request, so that a repeat is answered and not done again.
    pub request: Option<Request>,
    /// What.
    pub act: Act,
}

/// A client's request and the answer that it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Client-made.
    pub id: RequestId,
    /// SHA-256 of the canonical JSON of what was asked (method, path and body), lower-case hex.
    pub sha256: String,
    /// HTTP status answered.
    pub status: u16,
    /// Body answered, JSON text.
    pub answer: String,
}

/// What a person can do on purpose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Report a drone.
    Sighting {
        /// The report.
        sighting: Box<Sighting>,
    },
    /// Take one's own report back.
    Retract {
        /// Which.
        sighting: SightingId,
    },
    /// Have a report on one's screen, at the centre or as a leader.
    SeeSighting {
        /// Which.
        sighting: SightingId,
    },
    /// Decide about a report.
    Triage(Triage),
    /// A machine of the person's got a notice version, or showed it.
    Receipt {
        /// The notice.
        notice: NoticeId,
        /// The version.
        version: u32,
        /// Over which channel.
        channel: Channel,
        /// Shown, or only delivered.
        shown: bool,
    },
    /// Acknowledge a notice version.
    Acknowledge {
        /// The notice.
        notice: NoticeId,
        /// The version.
        version: u32,
        /// Over which channel.
        channel: Channel,
    },
    /// File, change or end an own flight (same id replaces; `until` in the past ends it).
    OwnFlight(OwnFlight),
    /// The same client id came again with another body: kept for a person to see.
    Conflict {
        /// The id that was used twice.
        request: RequestId,
        /// The other body, cut to 1,024 characters.
        body: String,
    },
}

/// The engines' state at an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Version of the engines' rules that wrote it.
    pub engines: u32,
    /// The state, in the program's own encoding (CBOR), by engine.
    pub state: BTreeMap<String, Vec<u8>>,
}
