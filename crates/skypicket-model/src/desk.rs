//! What people decide at the centre: about sightings ([`SightingState`], [`Triage`], [`Verdict`]), who has which alarm
//! in hand ([`AlarmState`], [`ShiftChange`]), and which alarms interrupt ([`AlarmCall`], [`ShelfChange`],
//! [`FloodChange`]); entries of the record.

use crate::{
    BulletinState, Channel, Level, NoticeId, PersonId, ReportState, SearchChange, Sighting, SightingId, Time, TrackId,
};
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
    /// An alarm was taken, handed back or taken over, or its holder went or came back.
    Alarm {
        /// Who has it now.
        state: Box<AlarmState>,
    },
    /// One watch officer took over from another.
    Shift {
        /// Who from whom.
        change: ShiftChange,
    },
    /// An alarm calls for a person, and whether that interrupts.
    Call {
        /// The call.
        call: AlarmCall,
    },
    /// An alarm was shelved, or is shelved no more.
    Shelf {
        /// The change.
        change: ShelfChange,
    },
    /// More alarms called than people can take one by one, or that is over.
    Flood {
        /// The change.
        change: FloodChange,
    },
    /// A bulletin changed: its whole new state.
    Bulletin {
        /// The state.
        state: Box<BulletinState>,
    },
    /// An intelligence report changed: its whole new state.
    Intelligence {
        /// The state.
        state: Box<ReportState>,
    },
    /// A saved search came, changed, or is no more.
    Search {
        /// The change.
        change: Box<SearchChange>,
    },
}

/// Something that needs a person at the centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "of", content = "id", rename_all = "snake_case")]
pub enum AlarmId {
    /// A notice.
    Notice(NoticeId),
    /// A sighting.
    Sighting(SightingId),
    /// A channel that is up but does not work.
    Channel(Channel),
}

/// Who at the centre has an alarm in hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmState {
    /// Which alarm.
    pub alarm: AlarmId,
    /// Who has it; nobody after it was handed back.
    pub holder: Option<PersonId>,
    /// Since when.
    pub since: Time,
    /// How it came to that.
    pub how: AlarmChange,
    /// Level of the notice when its holder last took it: a higher one needs a hand again. `None` for a sighting.
    pub level: Option<Level>,
    /// The holder has had no page open for the set time since then: nobody has it in hand. `None` while they are here.
    pub gone_at: Option<Time>,
    /// Who had it before.
    pub before: Option<PersonId>,
    /// Why it was handed back or taken over, in their words.
    #[serde(default)]
    pub why: String,
}

/// How an alarm came to be in somebody's hand, or in nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlarmChange {
    /// Taken by a watch officer.
    Taken,
    /// Taken from another who had it in hand, with a reason.
    TakenFrom,
    /// The same drone: who has its other warnings in hand has this one too.
    SameDrone,
    /// Handed back to the watch.
    HandedBack,
    /// Taken over at a shift change.
    TakenOver,
}

/// A shift change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShiftChange {
    /// Who came.
    pub by: PersonId,
    /// Who went.
    pub from: PersonId,
    /// What they said of it.
    #[serde(default)]
    pub note: String,
    /// When.
    pub at: Time,
    /// How many alarms went from one to the other.
    pub alarms: u32,
    /// How many alarms were shelved then.
    #[serde(default)]
    pub shelved: u32,
}

impl AlarmId {
    /// What a person is to do about it. An alarm is only what has such an action: what has none is shown and is silent.
    pub const fn action(self) -> Action {
        match self {
            Self::Notice(_) => Action::SeeThatTheyKnow,
            Self::Sighting(_) => Action::Decide,
            Self::Channel(_) => Action::Mend,
        }
    }

    /// The level at which it calls for a person: a warning's own; a report's is the lowest, since what it makes
    /// dangerous comes as a warning of its own.
    pub fn calling_level(self, level: Option<Level>) -> Level {
        match self {
            Self::Notice(_) => level.unwrap_or(Level::Advisory),
            Self::Sighting(_) => Level::Advisory,
            // Who is in danger may not be reached by it.
            Self::Channel(_) => Level::Caution,
        }
    }
}

/// The action that an alarm expects of the watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Take it in hand, see who has not acknowledged, and call them.
    SeeThatTheyKnow,
    /// Confirm, merge or dismiss the report.
    Decide,
    /// See to it that the channel works, and reach people by another until it does.
    Mend,
}

/// What alarms belong together: one drone, or a report that fed no track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "of", content = "id", rename_all = "snake_case")]
pub enum Incident {
    /// Warnings of a track, and the reports that fed it.
    Track(TrackId),
    /// A report alone.
    Sighting(SightingId),
    /// A channel that is up but does not work.
    Channel(Channel),
}

/// An alarm calls for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmCall {
    /// Which alarm.
    pub alarm: AlarmId,
    /// At which level.
    pub level: Level,
    /// With which others it belonged together then.
    pub incident: Incident,
    /// When.
    pub at: Time,
    /// Why now.
    pub why: CallReason,
    /// Whether it interrupts.
    pub how: CallHow,
}

/// Why an alarm calls now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallReason {
    /// It is new.
    New,
    /// Its level rose.
    Higher,
    /// Who had it in hand gave it back, or is gone.
    Dropped,
    /// It was shelved, and is not any more.
    Back,
    /// It waited until there was room for one more interruption, or until the flood was over.
    Waited,
}

/// Whether a call interrupts people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallHow {
    /// It sounds, until somebody takes it.
    Interrupts,
    /// Another of its incident sounds already, at no lower level: one sound for both, until both are taken.
    Folded,
    /// In a flood, and its incident has sounded at no lower level: listed with the others, silent until the flood is over.
    Grouped,
    /// There were as many interruptions as people can bear: listed, silent until there is room.
    Waits,
}

/// An alarm that was put aside for a set time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelved {
    /// By whom.
    pub by: PersonId,
    /// When.
    pub at: Time,
    /// Until when.
    pub until: Time,
    /// Why, in their words.
    pub why: String,
    /// The level at which it called then: a higher one ends it.
    pub level: Level,
}

/// An alarm was shelved, or is shelved no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShelfChange {
    /// Which alarm.
    pub alarm: AlarmId,
    /// When.
    pub at: Time,
    /// As it is shelved from now on; `None` where that ended.
    pub shelved: Option<Shelved>,
    /// Why it ended.
    pub ended: Option<ShelfEnd>,
    /// Who ended it, where somebody did.
    pub by: Option<PersonId>,
}

/// Why an alarm is shelved no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShelfEnd {
    /// Its time was over.
    Expired,
    /// A watch officer ended it.
    Unshelved,
    /// Its level rose.
    Higher,
}

/// A flood of alarms began or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FloodChange {
    /// It began, or ended.
    pub on: bool,
    /// When.
    pub at: Time,
    /// Calls in the ten minutes before.
    pub calls: u32,
}
