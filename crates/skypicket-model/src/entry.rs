//! [`Entry`]: one entry of the record, and [`Body`], the closed set of what an entry can be.
//!
//! Inputs are what the engines take; decisions are what they gave, committed together with the input that caused them.

use crate::{
    Access, AlarmId, BulletinAct, CallStatus, DeskEvent, Directory, DirectoryChange, DispatchEvent, LogId, Notice,
    NoticeId, Observation, OwnFlight, PersonId, Position, ProviderResult, ReportAct, ReportId, RequestId, SavedSearch,
    SearchId, Sighting, SightingId, SourceId, Time, Track, TrackAct, Triage, delivery::Channel,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    /// The centre's way to a provider came up or went down for everybody, or was found not to work.
    Channel {
        /// Which.
        channel: Channel,
        /// How it is now.
        state: ChannelState,
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
    /// Who read what, and what was done about who may.
    Access {
        /// One item each.
        items: Vec<Access>,
    },
    /// The record was backed up, restored or purged.
    Upkeep(Upkeep),
    /// A second passed.
    Tick,

    // ---- decisions ----
    /// Tracks as they were at a tick (thinned to 1 Hz), when one ended, or when a person changed one.
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
            Self::Channel { .. } => "channel",
            Self::Shed { .. } => "shed",
            Self::Unrecorded { .. } => "unrecorded",
            Self::Access { .. } => "access",
            Self::Upkeep(_) => "upkeep",
            Self::Tick => "tick",
            Self::Tracks { .. } => "tracks",
            Self::Notice(_) => "notice",
            Self::Dispatch(_) => "dispatch",
            Self::Desk(_) => "desk",
            Self::Snapshot(_) => "snapshot",
        }
    }
}

/// How the centre's way to a provider is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ChannelState {
    /// It takes messages.
    Up,
    /// It takes none now; why, in fixed words.
    Down {
        /// Why.
        why: String,
    },
    /// It takes messages, but a test message did not come round in time; why, in fixed words.
    Deaf {
        /// Why.
        why: String,
    },
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
    /// Through what: `web`, `tak`, `cli`, `exercise`, `sms`, `mail`, `link`.
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
    /// Merge, split or classify tracks.
    Track(TrackAct),
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
    /// Change the directory: people, units, agencies, rosters. All of the changes, or none.
    Directory {
        /// In their order.
        changes: Vec<DirectoryChange>,
    },
    /// Take alarms in hand, so that others see them taken; those of them that are over are left out.
    TakeAlarm {
        /// Which.
        alarms: Vec<AlarmId>,
        /// Why, where another has one of them in hand.
        #[serde(default)]
        why: String,
    },
    /// Give alarms back to the watch.
    HandBack {
        /// Which.
        alarms: Vec<AlarmId>,
        /// Why.
        why: String,
    },
    /// Put alarms aside for a set time: they come back by themselves.
    ShelveAlarm {
        /// Which.
        alarms: Vec<AlarmId>,
        /// For how long, seconds.
        for_s: u32,
        /// Why.
        why: String,
    },
    /// End that before its time.
    UnshelveAlarm {
        /// Which.
        alarms: Vec<AlarmId>,
    },
    /// Shift change: take over every alarm that somebody has in hand.
    TakeOver {
        /// From whom.
        from: PersonId,
        /// What the one before said.
        note: String,
    },
    /// Propose, approve, correct, recall … a bulletin.
    Bulletin(BulletinAct),
    /// File, grade, vet, review, purge … an intelligence report.
    Intelligence(ReportAct),
    /// Keep a search, new or changed.
    SaveSearch {
        /// It.
        search: Box<SavedSearch>,
    },
    /// Drop a saved search of one's own.
    DropSearch {
        /// Which.
        id: SearchId,
    },
    /// Say which of a bulletin's protective measures one has taken; the whole list each time.
    Measures {
        /// The bulletin.
        notice: NoticeId,
        /// The version.
        version: u32,
        /// Those that are done, by their names in the library.
        done: BTreeSet<String>,
    },
    /// Say what came of a call to somebody silent.
    Call {
        /// The notice.
        notice: NoticeId,
        /// The version.
        version: u32,
        /// Who was called.
        person: PersonId,
        /// What came of it.
        status: CallStatus,
        /// What they said, in the caller's words.
        #[serde(default)]
        note: String,
    },
    /// The same client id came again with another body: kept for a person to see.
    Conflict {
        /// The id that was used twice.
        request: RequestId,
        /// The other body, cut to 1,024 characters.
        body: String,
    },
}

/// What was done to the record as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "upkeep", rename_all = "snake_case")]
pub enum Upkeep {
    /// A backup was made.
    BackedUp {
        /// Its id, as in the backup itself.
        id: String,
        /// It holds the entries before this index.
        entries: u64,
        /// Where it was written.
        to: String,
        /// Who may open it: age recipients, or `passphrase`.
        recipients: Vec<String>,
    },
    /// The record was restored from a backup.
    Restored {
        /// Which backup.
        id: String,
        /// It held the entries before this index.
        entries: u64,
        /// When the backup was made.
        made_at: Time,
    },
    /// Before a purge: the engines forget what is older than it may be, so that the snapshot after this holds none of it.
    Forgot {
        /// Older than this, by the groups of the retention (`acts`).
        before: BTreeMap<String, Time>,
    },
    /// Content whose time was over was purged; its tombstones stay.
    Purged {
        /// Items purged, by kind of entry.
        items: BTreeMap<String, u64>,
        /// The time that counted as now.
        at: Time,
        /// Who asked for it; nobody when it was the daily job.
        by: Option<PersonId>,
        /// Backups that still hold it, by their ids.
        backups: Vec<String>,
        /// The intelligence report whose content it was, where not time but people decided; then it is no daily purge.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        report: Option<ReportId>,
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
