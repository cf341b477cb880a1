//! What can be asked of a record's views, and what comes back. Nothing here knows how it is stored.

use crate::area::Near;
use skypicket_model::{
    Channel, LatLon, Level, Notice, NoticeId, PersonId, Place, Request, RequestId, Time, TrackId, TrackState, Verdict,
    delivery::Rule,
};

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
