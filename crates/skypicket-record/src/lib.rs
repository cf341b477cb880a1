//! The record: append-only, durable, provable entries, and the SQL views made from them.
//!
//! [`Record`] is what the centre needs of a store; [`SqliteRecord`] is the one that comes with it. An entry's *items*
//! are committed to by SHA-256(nonce ‖ content), the entry commits to a Merkle root over those, the log's RFC 6962 tree
//! to the entries, and a signed [checkpoint] to the tree. So anything can be proved, and content can be
//! purged lawfully without breaking a proof.
//!
//! It is not for deciding anything, reads no clock (times come with the entries), and sends nothing anywhere.
//!
//! # What an appender must know
//!
//! - Indexes are given by the appender and must continue the log's; a batch is taken whole or not at all. After a
//!   refusal, later batches that counted on it get [`AppendError::OutOfOrder`]: number them again from
//!   [`AppendError::OutOfOrder::expected`] or [`Record::head`].
//! - Batches that arrive while another is being made durable share the next transaction (group commit).
//! - With the disk full, a batch that holds nothing of people's ([`Priority::Sensors`]) is refused at once and the
//!   reserve is given up for the others; see [`RecordState`].

pub mod area;
pub mod checkpoint;
pub mod encoding;
pub mod merkle;
pub mod query;
pub mod record;
pub mod reply;
pub mod retention;
pub mod sqlite;
pub mod verify;
mod views;

pub use area::Near;
pub use query::{
    AccessQuery, AccessRow, ConflictRow, DeliveryQuery, DeliveryTimes, DisseminationQuery, DisseminationRow,
    EscalationRow, MeasuresRow, NoticeQuery, NoticeRow, Page, RecipientRow, RequestSeen, SearchHit, SearchOrder,
    SearchQuery, SearchRow, Seen, SightingQuery, Span, TrackPoint, UpkeepRow, VerdictIs,
};
pub use record::{
    AppendError, Appended, Head, Priority, ReadError, Record, RecordState, SnapshotRow, StoredCheckpoint, Stretch,
};
pub use reply::Reply;
pub use retention::Retention;
pub use sqlite::{
    CopyError, CopyIn, CopyOut, FILE_NAME, Faults, Metrics, OpenError, Options, Part, Purge, PurgeError, SqliteRecord,
    WORDS, World,
};
pub use verify::{Fault, FaultKind, Report};
pub use views::notices::ALERTS;
