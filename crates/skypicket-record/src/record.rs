//! [`Record`]: what the centre needs of a store, whichever stands behind it.

use crate::{
    merkle::Hash,
    query::{
        AccessQuery, AccessRow, ConflictRow, DeliveryQuery, DisseminationQuery, DisseminationRow, EscalationRow,
        MeasuresRow, NoticeQuery, NoticeRow, Page, RecipientRow, RequestSeen, SightingQuery, TrackPoint,
    },
    reply::{Gone, Reply},
};
use skypicket_model::{
    Body, Delivery, Entry, LogId, NoticeId, PersonId, RequestId, SightingId, SightingState, Time, TrackId,
    entry::Snapshot,
};

/// Why entries were not taken. None of them is in the record then.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// No space left, and these may not use the reserve, or it is spent.
    #[error("the disk is full")]
    Full,
    /// The queue is at its bound, or another program holds the database.
    #[error("the record is busy")]
    Busy,
    /// The disk or the database failed.
    #[error("the record cannot be written: {0}")]
    Io(String),
    /// An index that is not the next one: an entry before was refused, or counted twice.
    #[error("entry {index} does not follow: {expected} is next")]
    OutOfOrder {
        /// The index given.
        index: u64,
        /// The index that is next.
        expected: u64,
    },
    /// A time before the last entry's.
    #[error("entry {index} was recorded at {recorded_at}, before the last one ({last})")]
    TimeRunsBack {
        /// The entry.
        index: u64,
        /// Its time.
        recorded_at: Time,
        /// The time of the entry before.
        last: Time,
    },
    /// A cause that does not come before.
    #[error("entry {index} names {cause} as its cause, which does not come before it")]
    Cause {
        /// The entry.
        index: u64,
        /// The cause given.
        cause: u64,
    },
    /// Too large to be kept.
    #[error("entry {index} is too large: {what} is {size}, at most {limit}")]
    TooLarge {
        /// The entry.
        index: u64,
        /// What of it.
        what: &'static str,
        /// How large.
        size: usize,
        /// How large it may be.
        limit: usize,
    },
    /// Something that cannot be written down.
    #[error("entry {index} cannot be encoded: {why}")]
    Encoding {
        /// The entry.
        index: u64,
        /// Why.
        why: String,
    },
    /// Opened for reading only.
    #[error("the record is open for reading only")]
    ReadOnly,
    /// Closed. Whether these were written before is not known.
    #[error("the record is closed")]
    Closed,
}

impl Gone for AppendError {
    fn gone() -> Self {
        Self::Closed
    }
}

/// Why a question was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It took longer than readers may (1 s).
    #[error("the question took too long")]
    Timeout,
    /// Too many questions wait.
    #[error("too many questions wait")]
    Busy,
    /// An entry is not what was written.
    #[error("entry {index} is damaged: {what}")]
    Damaged {
        /// The entry.
        index: u64,
        /// What is wrong with it.
        what: String,
    },
    /// An entry's content was purged by its retention date.
    #[error("entry {index} was purged")]
    Purged {
        /// The entry.
        index: u64,
    },
    /// Not a cursor of this list.
    #[error("not a cursor")]
    Cursor,
    /// A question outside what can be asked.
    #[error("{0}")]
    Question(&'static str),
    /// No such entry.
    #[error("there is no entry {index}")]
    NoEntry {
        /// The index.
        index: u64,
    },
    /// The disk or the database failed.
    #[error("the record cannot be read: {0}")]
    Io(String),
    /// Closed.
    #[error("the record is closed")]
    Closed,
}

impl Gone for ReadError {
    fn gone() -> Self {
        Self::Closed
    }
}

/// Entries were taken and will survive a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The index that comes next.
    pub next: u64,
}

/// The end of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Which log.
    pub log: LogId,
    /// The index that comes next, which is also how many entries there are.
    pub next: u64,
    /// When the last entry was recorded; `None` in an empty log.
    pub last_recorded_at: Option<Time>,
}

/// How the record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordState {
    /// Writes everything.
    Ok,
    /// The disk is full and the reserve is in use: writes only what [`Priority::People`] says.
    Reserve,
    /// The reserve is spent: writes nothing, and tries again.
    Full,
}

impl RecordState {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Reserve => "reserve",
            Self::Full => "full",
        }
    }
}

/// Which batches may still be written from the reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Holds raw observations, tracks or a snapshot, and nothing of people's: can be missed.
    Sensors,
    /// Holds something that people did, decided, are told or are found by (acts, notices, dispatch, desk, results of
    /// attempts, reach changes, positions, starts, configuration); or nothing that takes room (ticks, counts).
    People,
}

impl Priority {
    /// Of one batch.
    pub fn of(entries: &[Entry]) -> Self {
        let (mut people, mut large) = (false, false);
        for entry in entries {
            match &entry.body {
                Body::Observations { items } => large |= !items.is_empty(),
                Body::Tracks { items } => large |= !items.is_empty(),
                Body::Snapshot(_) => large = true,
                Body::Shed { .. } | Body::Unrecorded { .. } | Body::Tick => {}
                Body::Started(_)
                | Body::Configured(_)
                | Body::Positions { .. }
                | Body::Act(_)
                | Body::Provider(_)
                | Body::Reach { .. }
                | Body::Channel { .. }
                | Body::Access { .. }
                | Body::Upkeep(_)
                | Body::Notice(_)
                | Body::Dispatch(_)
                | Body::Desk(_) => people = true,
            }
        }
        if large && !people { Self::Sensors } else { Self::People }
    }
}

/// A signed checkpoint as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// How many entries it covers.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// When the last of them was recorded.
    pub at: Option<Time>,
    /// The signed note.
    pub note: String,
}

/// The latest snapshot of the engines.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotRow {
    /// Its entry.
    pub entry: u64,
    /// When it was recorded.
    pub recorded_at: Time,
    /// The state.
    pub snapshot: Snapshot,
}

/// Part of the log, read over what was purged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Stretch {
    /// The entries that are left, in order.
    pub entries: Vec<Entry>,
    /// Those of which content was purged, with their kinds; a list that lost only some items is among the entries too.
    pub purged: Vec<(u64, String)>,
    /// Where to read on; equal to where this began at the end of the log.
    pub next: u64,
}

/// Append-only, durable, provable entries; the views made from them; and a private drawer that is no history.
///
/// Every call returns at once; the answer is a [`Reply`]. Calls made one after another are taken in that order.
pub trait Record: Send + Sync + 'static {
    /// Adds entries, all or none. Their indexes continue the log's, their times never decrease. The answer comes only
    /// after they would survive a power cut; dropping it takes nothing back.
    fn append(&self, entries: Vec<Entry>) -> Reply<Appended, AppendError>;
    /// The end of the log, as of the last commit.
    fn head(&self) -> Head;
    /// How the record is.
    fn state(&self) -> RecordState;
    /// Entries from an index on, at most `limit` and at most about 32 MiB, checked against what they commit to. Fewer
    /// come back when the log ends or the bound is met; none at the end.
    fn read(&self, from: u64, limit: usize) -> Reply<Vec<Entry>, ReadError>;
    /// The latest snapshot.
    fn latest_snapshot(&self) -> Reply<Option<SnapshotRow>, ReadError>;
    /// Signs and stores a checkpoint of all that was appended before; the stored one when nothing came since.
    fn checkpoint(&self) -> Reply<StoredCheckpoint, AppendError>;

    /// Sightings in their latest state.
    fn sightings(&self, query: SightingQuery) -> Reply<Page<SightingState>, ReadError>;
    /// One sighting.
    fn sighting(&self, id: SightingId) -> Reply<Option<SightingState>, ReadError>;
    /// Notices in their newest version.
    fn notices(&self, query: NoticeQuery) -> Reply<Page<NoticeRow>, ReadError>;
    /// All versions of a notice, oldest first.
    fn notice_versions(&self, id: NoticeId) -> Reply<Vec<NoticeRow>, ReadError>;
    /// Deliveries in their latest state.
    fn deliveries(&self, query: DeliveryQuery) -> Reply<Page<Delivery>, ReadError>;
    /// A notice version's list, in its order.
    fn recipients(&self, notice: NoticeId, version: u32) -> Reply<Vec<RecipientRow>, ReadError>;
    /// What everybody said of a notice's checklists, by person and version.
    fn measures(&self, notice: NoticeId) -> Reply<Vec<MeasuresRow>, ReadError>;
    /// A page of a notice's dissemination log, by version and person; empty at the end.
    fn dissemination(&self, query: DisseminationQuery) -> Reply<Vec<DisseminationRow>, ReadError>;
    /// A notice's escalations, oldest first.
    fn escalations(&self, notice: NoticeId) -> Reply<Vec<EscalationRow>, ReadError>;
    /// Whether a client's request id was used before.
    fn request(&self, person: PersonId, id: RequestId) -> Reply<RequestSeen, ReadError>;
    /// Other bodies that came under used request ids.
    fn conflicts(&self, cursor: Option<String>, limit: usize) -> Reply<Page<ConflictRow>, ReadError>;
    /// Who read what, and what was done about who may.
    fn access(&self, query: AccessQuery) -> Reply<Page<AccessRow>, ReadError>;
    /// A track's points with `from <= at <= until`, oldest first, at most 10,000.
    fn track_history(&self, track: TrackId, from: Time, until: Time) -> Reply<Vec<TrackPoint>, ReadError>;

    /// Puts a secret away, durably; replaces.
    fn private_put(&self, kind: &str, key: &str, value: Vec<u8>) -> Reply<(), AppendError>;
    /// A secret.
    fn private_get(&self, kind: &str, key: &str) -> Reply<Option<Vec<u8>>, ReadError>;
    /// Forgets a secret, durably; true when there was one.
    fn private_delete(&self, kind: &str, key: &str) -> Reply<bool, AppendError>;
    /// All secrets of a kind, by key.
    fn private_list(&self, kind: &str) -> Reply<Vec<(String, Vec<u8>)>, ReadError>;
}
