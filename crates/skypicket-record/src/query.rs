//! What can be asked of a record's views, and what comes back. Nothing here knows how it is stored.

use crate::area::Near;
use serde::{Deserialize, Serialize};
use skypicket_model::{
    Access, Area, CallStatus, Channel, Deed, Delivery, Grade, LatLon, Level, Marking, Notice, NoticeId, PersonId,
    Place, Request, RequestId, Search, SearchKind, Time, TrackId, TrackState, Verdict, delivery::Rule, entry::Upkeep,
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Most things in one page.
pub const MAX_PAGE: usize = 1_000;

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The things, newest first.
    pub items: Vec<T>,
    /// Cursor of the next page; `None` after the last.
    pub next: Option<String>,
}

/// Which verdict, whatever it points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictIs {
    /// Nobody decided yet.
    New,
    /// Confirmed.
    Confirmed,
    /// Merged into another.
    Merged,
    /// Dismissed.
    Dismissed,
}

impl VerdictIs {
    /// Of a verdict.
    pub fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::New => Self::New,
            Verdict::Confirmed => Self::Confirmed,
            Verdict::Merged { .. } => Self::Merged,
            Verdict::Dismissed => Self::Dismissed,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Confirmed => "confirmed",
            Self::Merged => "merged",
            Self::Dismissed => "dismissed",
        }
    }
}

/// Which sightings; newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SightingQuery {
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many at most (1 to [`MAX_PAGE`]; 0 is [`MAX_PAGE`]).
    pub limit: usize,
    /// Only by these people; empty is everybody. At most 500.
    pub reporters: Vec<PersonId>,
    /// Only with this verdict.
    pub verdict: Option<VerdictIs>,
    /// Only reported from within this circle.
    pub near: Option<Near>,
    /// Only last seen at or after this.
    pub since: Option<Time>,
}

/// Which notices, each in its newest version; newest first by when they were raised.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NoticeQuery {
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many at most (1 to [`MAX_PAGE`]; 0 is [`MAX_PAGE`]).
    pub limit: usize,
    /// Only those not cleared.
    pub open: bool,
    /// Only those with this person on the list of any version.
    pub recipient: Option<PersonId>,
}

/// A notice version and how it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NoticeRow {
    /// The version.
    pub notice: Notice,
    /// Its entry.
    pub entry: u64,
    /// When it was recorded.
    pub recorded_at: Time,
    /// It was sent before it was durable (a later entry says so).
    pub late: bool,
}

/// Which deliveries; newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeliveryQuery {
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many at most (1 to [`MAX_PAGE`]; 0 is [`MAX_PAGE`]).
    pub limit: usize,
    /// Only of this notice.
    pub notice: Option<NoticeId>,
    /// Only to this person.
    pub person: Option<PersonId>,
}

/// A person on a notice version's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientRow {
    /// Who.
    pub person: PersonId,
    /// By which rule; `None` when an event named them who were on no list.
    pub rule: Option<Rule>,
    /// Acknowledged when, and over which channel.
    pub acknowledged: Option<(Time, Channel)>,
    /// Their silence was escalated when, and to whom.
    pub escalated: Option<(Time, Option<PersonId>)>,
    /// Nobody is left to tell since.
    pub silent_at: Option<Time>,
    /// Who at the centre acknowledged for them.
    pub acknowledged_by: Option<PersonId>,
    /// What came of the last call to them, by whom and when.
    pub call: Option<(CallStatus, PersonId, Time)>,
    /// When an acknowledgement of theirs last lapsed.
    pub lapsed_at: Option<Time>,
}

/// What somebody said they have done of a notice version's checklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasuresRow {
    /// Who.
    pub person: PersonId,
    /// Of which version.
    pub version: u32,
    /// When they said it last.
    pub at: Time,
    /// All that is done, by name.
    pub done: BTreeSet<String>,
}

impl MeasuresRow {
    /// What one person said, out of what everybody did ([`crate::Record::measures`], in its order).
    pub fn of<'a>(all: &'a [Self], person: &PersonId) -> &'a [Self] {
        let from = all.partition_point(|m| m.person < *person);
        let theirs = all.get(from..).unwrap_or_default();
        theirs.get(..theirs.partition_point(|m| m.person == *person)).unwrap_or_default()
    }
}

/// A delivery in its latest state, and when it came there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryTimes {
    /// The delivery.
    pub delivery: Delivery,
    /// Its first attempt; `None` when nothing was handed over.
    pub sent_at: Option<Time>,
    /// Its last attempt.
    pub tried_at: Option<Time>,
    /// A machine of theirs had it.
    pub delivered_at: Option<Time>,
    /// It was on their screen.
    pub shown_at: Option<Time>,
    /// When anything was heard of it last.
    pub moved_at: Time,
}

/// Asks for a page of a notice's dissemination log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisseminationQuery {
    /// Which notice.
    pub notice: NoticeId,
    /// Only after this version's row of this person.
    pub after: Option<(u32, PersonId)>,
    /// How many at most (1 to [`MAX_PAGE`]; 0 is [`MAX_PAGE`]).
    pub limit: usize,
}

/// A person on a version's list: what was tried, what came of it, and what they did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisseminationRow {
    /// The version.
    pub version: u32,
    /// Who, by which rule, and whether they acknowledged it.
    pub recipient: RecipientRow,
    /// Over what it went, in order of first use.
    pub deliveries: Vec<DeliveryTimes>,
    /// What they said of the checklists up to this version, the oldest first.
    pub measures: Vec<MeasuresRow>,
}

/// An escalation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationRow {
    /// The notice.
    pub notice: NoticeId,
    /// The version.
    pub version: u32,
    /// The silent one.
    pub person: PersonId,
    /// To whom; `None` when nobody was left.
    pub to: Option<PersonId>,
    /// When.
    pub at: Time,
    /// Level of the notice.
    pub level: Level,
}

/// Whether a request id was used before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestSeen {
    /// Never, or only by conflicts.
    No,
    /// By this person: the first answer, and how many other bodies came under it since (10 are kept).
    Yes {
        /// The request with its answer.
        request: Request,
        /// Its entry.
        entry: u64,
        /// Other bodies kept.
        conflicts: u32,
    },
    /// By somebody else.
    Another,
}

/// Another body that came under a used request id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictRow {
    /// Who sent it.
    pub person: PersonId,
    /// Under which id.
    pub request: RequestId,
    /// The other body, cut.
    pub body: String,
    /// Its entry.
    pub entry: u64,
}

/// In which order things are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SearchOrder {
    /// By when they came, the newest first.
    #[default]
    Newest,
    /// By how often the words stand in them, a title counting most; among the 500 newest that fit.
    Best,
}

/// What is looked for, by whom.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchQuery {
    /// What.
    pub search: Search,
    /// Who asks: whether they are on a warning's list is a fact of its row.
    pub reader: PersonId,
    /// In which order.
    pub order: SearchOrder,
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many at most (1 to [`MAX_PAGE`]; 0 is [`MAX_PAGE`]).
    pub limit: usize,
    /// Only what came or changed at this entry or later.
    pub told_from: Option<u64>,
    /// Only what last came or changed before this entry.
    pub told_before: Option<u64>,
}

impl SearchQuery {
    /// The first page of everything that fits.
    pub fn new(search: Search, reader: PersonId) -> Self {
        let order = SearchOrder::default();
        Self { search, reader, order, cursor: None, limit: 50, told_from: None, told_before: None }
    }
}

/// Whether whoever asks may see a row; the second is whether they are on the list of the warning that it is.
pub type Seen = dyn Fn(&SearchRow, bool) -> bool + Send;

/// A thing that can be found, and what decides who may see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchRow {
    /// What it is.
    pub kind: SearchKind,
    /// Which.
    pub id: Uuid,
    /// Its title; of a warning whom it protects; empty for a sighting.
    pub title: String,
    /// How it stands, in a word: `new`, `confirmed` … `raw`, `vetted`, `draft`, `issued`, `correction` …
    pub state: String,
    /// A bulletin that did not go out, or a correction that has not.
    pub draft: bool,
    /// Its version, where it has one.
    pub version: u32,
    /// A bulletin's number.
    pub number: Option<String>,
    /// Who may see it.
    pub marking: Marking,
    /// Another marking that must let the reader see it too.
    pub also: Option<Marking>,
    /// The person whose place it tells: a sighting's reporter, whom a warning protects.
    pub person: Option<PersonId>,
    /// The leaders whom a sighting went to.
    pub leaders: Vec<PersonId>,
    /// Who wrote or changed it last, where a person did.
    pub by: Option<PersonId>,
    /// Where it is about.
    pub area: Option<Area>,
    /// The point where it is.
    pub at: Option<LatLon>,
    /// What it tells of begins.
    pub from: Time,
    /// And ends.
    pub until: Time,
    /// A report's grade.
    pub grade: Option<Grade>,
    /// A notice's level.
    pub level: Option<Level>,
    /// From then on a report is shown to nobody.
    pub purge_by: Option<Time>,
}

impl SearchRow {
    /// With what every kind has.
    pub(crate) fn new(
        kind: SearchKind,
        id: Uuid,
        title: String,
        state: &str,
        marking: Marking,
        (from, until): (Time, Time),
    ) -> Self {
        Self {
            kind,
            id,
            title,
            state: state.into(),
            draft: false,
            version: 0,
            number: None,
            marking,
            also: None,
            person: None,
            leaders: Vec::new(),
            by: None,
            area: None,
            at: None,
            from,
            until,
            grade: None,
            level: None,
            purge_by: None,
        }
    }
}

/// A stretch of a text, in characters (Unicode scalar values): `from` up to, not including, `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its first.
    pub from: u32,
    /// The one after its last.
    pub to: u32,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchHit {
    /// It.
    pub row: SearchRow,
    /// Words found in its title.
    pub title: Vec<Span>,
    /// What stands around the first word found in its text; the beginning of the text where there is none.
    pub snippet: String,
    /// Words found in the snippet.
    pub spans: Vec<Span>,
    /// Its newest entry.
    pub entry: u64,
    /// The entry at which what can be found of it last changed.
    pub told: u64,
}

/// Something that was done to the record as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpkeepRow {
    /// What was done.
    pub upkeep: Upkeep,
    /// Its entry.
    pub entry: u64,
    /// When it was recorded.
    pub recorded_at: Time,
}

/// Which rows of the access audit; newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessQuery {
    /// Where the page before ended.
    pub cursor: Option<String>,
    /// How many at most (1 to [`MAX_PAGE`]; 0 is [`MAX_PAGE`]).
    pub limit: usize,
    /// Only by this person.
    pub person: Option<PersonId>,
    /// Only about this person; what showed everybody is about them too.
    pub about: Option<PersonId>,
    /// Only of this kind.
    pub deed: Option<Deed>,
    /// Only what went on at or after this.
    pub from: Option<Time>,
    /// Only what went on at or before this.
    pub until: Option<Time>,
}

/// A row of the access audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRow {
    /// It.
    pub access: Access,
    /// It showed where everybody is whom the reader may see.
    pub everybody: bool,
    /// Its entry.
    pub entry: u64,
    /// When it was recorded.
    pub recorded_at: Time,
}

/// A track at one moment, as kept at 1 Hz.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackPoint {
    /// The track.
    pub track: TrackId,
    /// The moment.
    pub at: Time,
    /// Where.
    pub place: Place,
    /// Velocity east, north, up, m/s.
    pub vel_enu_mps: [f64; 3],
    /// Tentative, confirmed, deleted.
    pub state: TrackState,
    /// Its entry.
    pub entry: u64,
}

impl TrackPoint {
    /// The point on the ellipsoid.
    pub fn lat_lon(&self) -> LatLon {
        self.place.lat_lon()
    }
}
