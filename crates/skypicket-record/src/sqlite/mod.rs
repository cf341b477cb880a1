//! [`SqliteRecord`]: a record in one SQLite database in a data folder.
//!
//! Write-ahead log, every commit synced (`synchronous=FULL`), one writer thread with group commit, readers on
//! connections of their own. One process at a time may write to a folder. The folder holds `record.db` (with its `-wal`
//! and `-shm`), `checkpoint.key`, `lock` and `reserve`; all are for the owner only.
//!
//! An item is one row. At 3,000 observations a second that costs a few hundredths of a core, and keeps what matters:
//! each item can be purged alone by clearing two columns of its row.

mod copy;
mod purge;
mod readers;
mod reserve;
mod rows;
#[cfg(test)]
mod search_tests;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod upkeep_tests;
mod verify;
mod writer;

use crate::{
    checkpoint::{Checkpoint, NoteSigner, NoteVerifier, origin},
    merkle::{CompactTree, Hash, consistency_path, inclusion_path, leaf_hash, root_at},
    query::{
        AccessQuery, AccessRow, ConflictRow, DeliveryQuery, DisseminationQuery, DisseminationRow, EscalationRow,
        MeasuresRow, NoticeQuery, NoticeRow, Page, RecipientRow, RequestSeen, SightingQuery, TrackPoint,
    },
    record::{AppendError, Appended, Head, ReadError, Record, RecordState, SnapshotRow, StoredCheckpoint},
    reply::Reply,
    retention::Retention,
    verify::Report,
    views,
};
pub use copy::{CopyError, CopyIn, CopyOut, Part};
pub use purge::{Purge, PurgeError};
use readers::Readers;
use reserve::Reserve;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};
use skypicket_model::{
    Body, Delivery, Entry, LogId, NoticeId, PersonId, RequestId, SightingId, SightingState, Time, TrackId,
};
use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};
use writer::{Job, Writer};

/// Name of the database in its data folder.
pub const FILE_NAME: &str = "record.db";

/// Version of the tables that hold the record itself.
///
/// 2: since the entries `access` and `upkeep`, which programs that know only 1 cannot read; the tables are the same.
pub const SCHEMA: i32 = 2;

/// Version of the words of entries: raised with every kind, act or event that an older program cannot read. A record
/// says the highest that was written into it, and a program that knows fewer refuses it in words.
///
/// 2: since intelligence reports, checklists, saved searches and the purge of one report.
pub const WORDS: u32 = 2;

/// How long the writer waits for another that holds the database.
const BUSY: Duration = Duration::from_secs(2);

/// SQLite's application id of a Skypicket record: "SkyP".
const APPLICATION: i32 = 0x536B_7950;

/// Page size of the database, bytes.
const PAGE_BYTES: u64 = 4_096;

/// Size of the write-ahead log that deserves an alarm, bytes: something keeps it from being folded in.
pub const WAL_ALARM_BYTES: u64 = 256 << 20;

/// Live, or which exercise: never both in one record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum World {
    /// Whatever is there, for tools that only look; a new record is live.
    #[default]
    Any,
    /// Live.
    Live,
    /// An exercise of this name.
    Exercise(String),
}

impl World {
    fn word(&self) -> String {
        match self {
            Self::Any | Self::Live => "live".into(),
            Self::Exercise(name) => format!("exercise:{name}"),
        }
    }
}

/// How to open a record.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the record must be.
    pub world: World,
    /// Id of the log when it is made now; random unless said.
    pub log: Option<LogId>,
    /// Size of the reserve, bytes; 0 is none.
    pub reserve_bytes: u64,
    /// How many batches may wait for the writer before [`AppendError::Busy`].
    pub queue: usize,
    /// How many questions are answered at once.
    pub readers: usize,
    /// How long a question may take.
    pub read_timeout: Duration,
    /// How long content is kept: written beside each item as its date. The one given to a purge decides.
    pub retention: Retention,
    /// Only look: no lock, no key, nothing is changed. Works beside the process that writes.
    pub read_only: bool,
    /// LOSES WHAT WAS ACKNOWLEDGED AT A POWER CUT. Only for the test that shows that the power-cut test can fail.
    #[doc(hidden)]
    pub test_synchronous_off: bool,
    /// Each commit takes so much longer. Only for tests of a slow disk.
    #[doc(hidden)]
    pub test_commit_delay: Option<Duration>,
    /// The disk has room for so many database pages of 4,096 bytes, the reserve included. Only for tests of a full disk.
    #[doc(hidden)]
    pub test_max_page_count: Option<u32>,
    /// The same two, to be changed while the record is open.
    #[doc(hidden)]
    pub test_faults: Arc<Faults>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            world: World::Any,
            log: None,
            reserve_bytes: 64 << 20,
            queue: 4_096,
            readers: 3,
            read_timeout: Duration::from_secs(1),
            retention: Retention::default(),
            read_only: false,
            test_synchronous_off: false,
            test_commit_delay: None,
            test_max_page_count: None,
            test_faults: Arc::default(),
        }
    }
}

/// Faults that tests can cause, and end, while a record is open. All zero: none.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Faults {
    /// Each commit takes so much longer, milliseconds.
    pub commit_delay_ms: AtomicU64,
    /// The disk has room for so many database pages of 4,096 bytes, the reserve included; 0 is no limit.
    pub disk_pages: AtomicU64,
    disk_was_limited: AtomicBool,
}

/// Why a record cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or a file in it cannot be made or read.
    #[error("{path}: {error}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another process has it.
    #[error("{0}: another process is using this data folder")]
    Locked(PathBuf),
    /// There is none, and it was to be looked at only.
    #[error("{0}: there is no record here")]
    None(PathBuf),
    /// A database of something else.
    #[error("{0}: this is not a Skypicket record")]
    NotARecord(PathBuf),
    /// Holds entries that only a later version knows.
    #[error("this record was written by Skypicket {by}, and holds entries that this program (Skypicket {}) does not know: use Skypicket {by} or newer, or restore a backup that was made before", env!("CARGO_PKG_VERSION"))]
    NewerWords {
        /// Which version wrote it.
        by: String,
    },
    /// Written by a later version.
    #[error("this record has schema {found}; this program knows up to {SCHEMA}: use a newer program")]
    Newer {
        /// Its version.
        found: i32,
    },
    /// Live where an exercise was meant, or another exercise, or the other way round.
    #[error("this record is {found}, not {expected}: exercise and live never mix")]
    World {
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// Its key file is no key, or another log's.
    #[error("{path}: {why}")]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// What is stored does not fit together; `record verify` says what.
    #[error("the record is damaged: {0}; run `skypicket record verify`")]
    Damaged(String),
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
}

/// Numbers about a record, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metrics {
    /// Entries there are.
    pub entries: u64,
    /// Transactions since it was opened.
    pub commits: u64,
    /// How long the last one took, microseconds.
    pub last_commit_us: u64,
    /// How long the longest one took, microseconds.
    pub longest_commit_us: u64,
    /// Batches that wait for the writer.
    pub queued: u64,
    /// Size of the write-ahead log, bytes.
    pub wal_bytes: u64,
    /// Size of the database, bytes.
    pub database_bytes: u64,
}

/// A proof that an entry is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The entry.
    pub index: u64,
    /// Its header: what the leaf is the hash of.
    pub header: Vec<u8>,
    /// How many entries the tree has.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
    /// The hashes from leaf to root.
    pub path: Vec<Hash>,
}

/// A proof that an older tree is the beginning of a newer one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// Size and root of the older tree.
    pub old: (u64, Hash),
    /// Size and root of the newer tree.
    pub new: (u64, Hash),
    /// The hashes.
    pub path: Vec<Hash>,
}

/// What the writer tells everybody.
struct Shared {
    head: Mutex<Head>,
    state: AtomicU8,
    commits: AtomicU64,
    last_commit_us: AtomicU64,
    longest_commit_us: AtomicU64,
}

impl Shared {
    fn state(&self) -> RecordState {
        match self.state.load(Ordering::Acquire) {
            0 => RecordState::Ok,
            1 => RecordState::Reserve,
            _ => RecordState::Full,
        }
    }

    fn set_state(&self, state: RecordState) {
        let number = match state {
            RecordState::Ok => 0,
            RecordState::Reserve => 1,
            RecordState::Full => 2,
        };
        self.state.store(number, Ordering::Release);
    }

    fn head(&self) -> Head {
        *self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn committed(&self, next: u64, last: Option<Time>, took: Duration) {
        {
            let mut head = self.head.lock().unwrap_or_else(PoisonError::into_inner);
            head.next = next;
            head.last_recorded_at = last;
        }
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.last_commit_us.store(us, Ordering::Relaxed);
        self.longest_commit_us.fetch_max(us, Ordering::Relaxed);
    }
}

/// A record in a data folder. Dropping it writes what is queued and closes the database.
pub struct SqliteRecord {
    folder: PathBuf,
    shared: Arc<Shared>,
    world: String,
    verifier: Option<NoteVerifier>,
    readers: Option<Readers>,
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    /// Held, never read: the lock goes with it.
    _lock: Option<File>,
}

impl SqliteRecord {
    /// Opens the record in `folder`; makes folder and record when they are not there.
    pub fn open(folder: &Path, options: Options) -> Result<Self, OpenError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| OpenError::Io { path, error }
        };
        let database = folder.join(FILE_NAME);
        if options.read_only {
            if !database.exists() {
                return Err(OpenError::None(folder.into()));
            }
        } else {
            make_folder(folder).map_err(at(folder))?;
        }
        let lock = if options.read_only { None } else { Some(lock(folder)?) };
        let mut reserve_gone = false;
        let opened = match Opened::new(folder, &options) {
            // Even opening needs a little room; the reserve is for that too.
            Err(OpenError::Database(e)) if writer::is_full(&e) && fs::remove_file(folder.join("reserve")).is_ok() => {
                reserve_gone = true;
                Opened::new(folder, &options)?
            }
            other => other?,
        };
        let Opened { connection, log, world, tree, last, signer } = opened;
        let readers = (0..options.readers.max(1))
            .map(|_| reader(&database, options.read_timeout))
            .collect::<Result<Vec<_>, _>>()?;
        let readers = Readers::new(readers, options.read_timeout).map_err(at(folder))?;
        let shared = Arc::new(Shared {
            head: Mutex::new(Head { log, next: tree.size(), last_recorded_at: last }),
            state: AtomicU8::new(0),
            commits: AtomicU64::new(0),
            last_commit_us: AtomicU64::new(0),
            longest_commit_us: AtomicU64::new(0),
        });
        let mut record = Self {
            folder: folder.into(),
            shared: Arc::clone(&shared),
            world,
            verifier: signer.as_ref().map(|s| s.verifier().clone()),
            readers: Some(readers),
            jobs: None,
            writer: None,
            _lock: lock,
        };
        if let Some(signer) = signer {
            let reserve = Reserve::open(folder, options.reserve_bytes, !reserve_gone);
            if !reserve.is_present() {
                shared.set_state(RecordState::Reserve);
            }
            let (jobs, waiting) = mpsc::channel(options.queue.max(1));
            let faults = options.test_faults;
            let retention = options.retention;
            if let Some(delay) = options.test_commit_delay {
                let ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
                faults.commit_delay_ms.store(ms, Ordering::Relaxed);
            }
            if let Some(pages) = options.test_max_page_count {
                faults.disk_pages.store(u64::from(pages), Ordering::Relaxed);
            }
            let writer = Writer { connection, shared, faults, signer, tree, last, reserve, tried: None, retention };
            let thread = std::thread::Builder::new().name("record-writer".into());
            record.writer = Some(thread.spawn(move || writer.run(waiting)).map_err(at(folder))?);
            record.jobs = Some(jobs);
        }
        Ok(record)
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `live`, or `exercise:` and its name.
    pub fn world(&self) -> &str {
        &self.world
    }

    /// The public key that checkpoints are signed with, as signed-note text; `None` when open for reading only.
    pub fn verifier_key(&self) -> Option<String> {
        self.verifier.as_ref().map(NoteVerifier::to_text)
    }

    /// Numbers for metrics.
    pub fn metrics(&self) -> Metrics {
        Metrics {
            entries: self.shared.head().next,
            commits: self.shared.commits.load(Ordering::Relaxed),
            last_commit_us: self.shared.last_commit_us.load(Ordering::Relaxed),
            longest_commit_us: self.shared.longest_commit_us.load(Ordering::Relaxed),
            queued: self.jobs.as_ref().map_or(0, |j| (j.max_capacity() - j.capacity()) as u64),
            wal_bytes: self.wal_bytes(),
            database_bytes: fs::metadata(self.folder.join(FILE_NAME)).map_or(0, |m| m.len()),
        }
    }

    /// Size of the write-ahead log, bytes; see [`WAL_ALARM_BYTES`].
    pub fn wal_bytes(&self) -> u64 {
        fs::metadata(self.folder.join("record.db-wal")).map_or(0, |m| m.len())
    }

    /// Computes everything anew, from contents to signatures, and says what does not fit. Takes as long as it takes, on
    /// this thread; `progress` is told how many entries of how many are done.
    pub fn verify(&self, progress: impl FnMut(u64, u64)) -> Result<Report, ReadError> {
        let connection = Connection::open_with_flags(
            self.folder.join(FILE_NAME),
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?;
        connection.busy_timeout(Duration::from_secs(5))?;
        verify::verify(&connection, self.shared.head().log, progress)
    }

    /// Makes every view again from the entries, on the writer's thread; waits for it on this one.
    pub fn rebuild_views(&self) -> Result<(), AppendError> {
        self.send(|answer| Job::Rebuild { answer }).wait()
    }

    /// Proves that an entry is in the log, as it is now or as it was when it had `size` entries.
    pub fn prove(&self, index: u64, size: Option<u64>) -> Reply<InclusionProof, ReadError> {
        let size = size.unwrap_or(self.shared.head().next);
        self.ask(move |connection| {
            if index >= size {
                return Err(ReadError::NoEntry { index });
            }
            let reading = connection.unchecked_transaction()?;
            let header = rows::entry_row(&reading, index)?.ok_or(ReadError::NoEntry { index })?.header;
            let mut nodes = rows::StoredNodes(&reading);
            let path = inclusion_path(&mut nodes, index, size)?;
            Ok(InclusionProof { index, header, size, root: root_at(&mut nodes, size)?, path })
        })
    }

    /// Proves that the log of `old` entries is the beginning of that of `new` entries.
    pub fn prove_consistency(&self, old: u64, new: u64) -> Reply<ConsistencyProof, ReadError> {
        let next = self.shared.head().next;
        self.ask(move |connection| {
            if old > new || new > next {
                return Err(ReadError::NoEntry { index: old.max(new) });
            }
            let reading = connection.unchecked_transaction()?;
            let mut nodes = rows::StoredNodes(&reading);
            let path = consistency_path(&mut nodes, old, new)?;
            Ok(ConsistencyProof { old: (old, root_at(&mut nodes, old)?), new: (new, root_at(&mut nodes, new)?), path })
        })
    }

    /// The newest signed checkpoint.
    pub fn latest_checkpoint(&self) -> Reply<Option<StoredCheckpoint>, ReadError> {
        self.ask(|connection| {
            let newest = connection
                .query_row("SELECT size, at, note, peaks FROM checkpoints ORDER BY size DESC LIMIT 1", [], |row| {
                    Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get(1)?, row.get(2)?, row.get::<_, Vec<u8>>(3)?))
                })
                .optional()?;
            newest
                .map(|(size, at, note, peaks)| {
                    let damaged = || ReadError::Damaged { index: size, what: "the newest checkpoint".into() };
                    let root = CompactTree::from_parts(size, &peaks).ok_or_else(damaged)?.root();
                    let at = (size > 0).then(|| Time::from_micros(at));
                    Ok(StoredCheckpoint { size, root, at, note })
                })
                .transpose()
        })
    }

    fn send<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T, AppendError>>) -> Job) -> Reply<T, AppendError> {
        let Some(jobs) = &self.jobs else { return Reply::known(Err(AppendError::ReadOnly)) };
        let (answer, receiver) = oneshot::channel();
        match jobs.try_send(job(answer)) {
            Ok(()) => Reply::waiting(receiver),
            Err(mpsc::error::TrySendError::Full(_)) => Reply::known(Err(AppendError::Busy)),
            Err(mpsc::error::TrySendError::Closed(_)) => Reply::known(Err(AppendError::Closed)),
        }
    }

    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Reply<T, ReadError> {
        self.readers.as_ref().map_or_else(|| Reply::known(Err(ReadError::Closed)), |r| r.ask(question))
    }
}

impl Record for SqliteRecord {
    fn append(&self, entries: Vec<Entry>) -> Reply<Appended, AppendError> {
        self.send(|answer| Job::Append { entries, answer })
    }

    fn head(&self) -> Head {
        self.shared.head()
    }

    fn state(&self) -> RecordState {
        self.shared.state()
    }

    fn read(&self, from: u64, limit: usize) -> Reply<Vec<Entry>, ReadError> {
        self.ask(move |connection| rows::read(connection, from, limit))
    }

    fn latest_snapshot(&self) -> Reply<Option<SnapshotRow>, ReadError> {
        self.ask(|connection| {
            let Some(index) = views::snapshots::latest(connection)? else { return Ok(None) };
            let damaged = |what: &str| ReadError::Damaged { index, what: what.into() };
            match rows::read_one(connection, index)? {
                Some((Entry { recorded_at, body: Body::Snapshot(snapshot), .. }, _)) => {
                    Ok(Some(SnapshotRow { entry: index, recorded_at, snapshot }))
                }
                Some(_) => Err(damaged("a view says that it is a snapshot, and it is not")),
                None => Err(damaged("a view says that it is a snapshot, and it is not there")),
            }
        })
    }

    fn checkpoint(&self) -> Reply<StoredCheckpoint, AppendError> {
        self.send(|answer| Job::Checkpoint { answer })
    }

    fn sightings(&self, query: SightingQuery) -> Reply<Page<SightingState>, ReadError> {
        self.ask(move |connection| views::sightings::list(connection, &query))
    }

    fn sighting(&self, id: SightingId) -> Reply<Option<SightingState>, ReadError> {
        self.ask(move |connection| views::sightings::get(connection, id))
    }

    fn notices(&self, query: NoticeQuery) -> Reply<Page<NoticeRow>, ReadError> {
        self.ask(move |connection| views::notices::list(connection, &query))
    }

    fn notice_versions(&self, id: NoticeId) -> Reply<Vec<NoticeRow>, ReadError> {
        self.ask(move |connection| views::notices::versions(connection, id))
    }

    fn deliveries(&self, query: DeliveryQuery) -> Reply<Page<Delivery>, ReadError> {
        self.ask(move |connection| views::deliveries::list(connection, &query))
    }

    fn recipients(&self, notice: NoticeId, version: u32) -> Reply<Vec<RecipientRow>, ReadError> {
        self.ask(move |connection| views::recipients::list(connection, notice, version))
    }

    fn measures(&self, notice: NoticeId) -> Reply<Vec<MeasuresRow>, ReadError> {
        self.ask(move |connection| views::measures::list(connection, notice))
    }

    fn dissemination(&self, query: DisseminationQuery) -> Reply<Vec<DisseminationRow>, ReadError> {
        self.ask(move |connection| views::dissemination::list(connection, &query))
    }

    fn escalations(&self, notice: NoticeId) -> Reply<Vec<EscalationRow>, ReadError> {
        self.ask(move |connection| views::recipients::escalations(connection, notice))
    }

    fn request(&self, person: PersonId, id: RequestId) -> Reply<RequestSeen, ReadError> {
        self.ask(move |connection| views::requests::get(connection, &person, id))
    }

    fn conflicts(&self, cursor: Option<String>, limit: usize) -> Reply<Page<ConflictRow>, ReadError> {
        self.ask(move |connection| views::requests::conflicts(connection, cursor.as_deref(), limit))
    }

    fn access(&self, query: AccessQuery) -> Reply<Page<AccessRow>, ReadError> {
        self.ask(move |connection| views::access::list(connection, &query))
    }

    fn track_history(&self, track: TrackId, from: Time, until: Time) -> Reply<Vec<TrackPoint>, ReadError> {
        self.ask(move |connection| views::track_points::history(connection, track, from, until))
    }

    fn private_put(&self, kind: &str, key: &str, value: Vec<u8>) -> Reply<(), AppendError> {
        let (kind, key) = (kind.into(), key.into());
        self.send(|answer| Job::Put { kind, key, value, answer })
    }

    fn private_get(&self, kind: &str, key: &str) -> Reply<Option<Vec<u8>>, ReadError> {
        let (kind, key) = (kind.to_owned(), key.to_owned());
        self.ask(move |connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM private WHERE kind = ?1 AND key = ?2")?;
            Ok(statement.query_row([kind, key], |row| row.get(0)).optional()?)
        })
    }

    fn private_delete(&self, kind: &str, key: &str) -> Reply<bool, AppendError> {
        let (kind, key) = (kind.into(), key.into());
        self.send(|answer| Job::Delete { kind, key, answer })
    }

    fn private_list(&self, kind: &str) -> Reply<Vec<(String, Vec<u8>)>, ReadError> {
        let kind = kind.to_owned();
        self.ask(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT key, value FROM private WHERE kind = ?1 ORDER BY key")?;
            let rows = statement.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

impl Drop for SqliteRecord {
    fn drop(&mut self) {
        // Readers first: the last connection that closes folds the write-ahead log in, and they may not write.
        self.readers = None;
        self.jobs = None;
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// Makes the folder for its owner only. One that is there keeps its rights, unless it is empty: it may be anybody's.
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    if folder.is_dir() {
        if fs::read_dir(folder)?.next().is_none() {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // The folder's own name must survive a power cut too.
    folder.parent().filter(|p| !p.as_os_str().is_empty()).map_or(Ok(()), |p| File::open(p)?.sync_all())
}

/// Takes the folder's lock, which the system gives back when the process ends in any way.
fn lock(folder: &Path) -> Result<File, OpenError> {
    let path = folder.join("lock");
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| OpenError::Io { path: path.clone(), error })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(folder.into())),
        Err(TryLockError::Error(error)) => Err(OpenError::Io { path, error }),
    }
}

/// A connection for a reader.
fn reader(database: &Path, timeout: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(database, flags)?;
    connection.busy_timeout(timeout)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// An open database and what is known of it.
struct Opened {
    connection: Connection,
    log: LogId,
    world: String,
    tree: CompactTree,
    last: Option<Time>,
    /// `None` when open for reading only.
    signer: Option<NoteSigner>,
}

impl Opened {
    fn new(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        let database = folder.join(FILE_NAME);
        let connection = if options.read_only {
            reader(&database, options.read_timeout)?
        } else {
            // Made before SQLite does, for the owner only; its other files take their rights from this one.
            fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&database)
                .map_err(|error| OpenError::Io { path: database.clone(), error })?;
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(&database, flags)?
        };
        let number = |pragma: &str| {
            connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i32>(0)).map_err(|e| {
                if e.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
                    OpenError::NotARecord(database.clone())
                } else {
                    e.into()
                }
            })
        };
        let (application, schema) = (number("application_id")?, number("user_version")?);
        let tables = number("schema_version")?;
        if application != APPLICATION && (tables != 0 || application != 0 || schema != 0) {
            return Err(OpenError::NotARecord(database));
        }
        if schema > SCHEMA {
            return Err(OpenError::Newer { found: schema });
        }
        if options.read_only && schema == 0 {
            return Err(OpenError::None(folder.into()));
        }
        if !options.read_only {
            connection.execute_batch(include_str!("writer.sql"))?;
            if options.test_synchronous_off {
                connection.execute_batch("PRAGMA synchronous = OFF;")?;
            }
            connection.busy_timeout(BUSY)?;
            connection.set_prepared_statement_cache_capacity(64);
            if schema == 0 {
                create(&connection, options)?;
            }
        }
        let meta = |key: &str| -> Result<String, OpenError> {
            connection
                .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0))
                .optional()?
                .ok_or_else(|| OpenError::Damaged(format!("'{key}' is not set")))
        };
        let optional = |key: &str| -> rusqlite::Result<Option<String>> {
            connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()
        };
        let words = optional("words")?.map_or(Some(0), |t| t.parse::<u32>().ok());
        if words.is_none_or(|w| w > WORDS) {
            return Err(OpenError::NewerWords {
                by: optional("software")?.unwrap_or_else(|| "a later version".into()),
            });
        }
        let log = meta("log")?.parse().map_err(|_| OpenError::Damaged("the log's id is none".into()))?;
        let world = meta("world")?;
        if options.world != World::Any && world != options.world.word() {
            return Err(OpenError::World { found: world, expected: options.world.word() });
        }
        let views = meta("views")?;
        let tree = stored_tree(&connection)?;
        let last = match tree.size().checked_sub(1) {
            None => None,
            Some(index) => rows::recorded_at(&connection, index)?,
        };
        let mut signer = None;
        if !options.read_only {
            let key = signing_key(folder, log)?;
            connection.execute(
                "INSERT OR IGNORE INTO keys (verifier, since) VALUES (?1, ?2)",
                rusqlite::params![key.verifier().to_text(), tree.size().cast_signed()],
            )?;
            check(&connection, &tree, log)?;
            if views != views::VERSION.to_string() {
                let transaction = connection.unchecked_transaction()?;
                writer::rebuild_views(&transaction, tree.size()).map_err(|e| OpenError::Damaged(e.to_string()))?;
                transaction.commit()?;
            }
            if schema < SCHEMA || words < Some(WORDS) {
                let transaction = connection.unchecked_transaction()?;
                write_version(&transaction)?;
                transaction.execute_batch(&format!("PRAGMA user_version = {SCHEMA};"))?;
                transaction.commit()?;
            }
            signer = Some(key);
        }
        Ok(Self { connection, log, world, tree, last, signer })
    }
}

/// Makes an empty record.
fn create(connection: &Connection, options: &Options) -> Result<(), OpenError> {
    let log = if let Some(log) = options.log {
        log
    } else {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|e| OpenError::Damaged(format!("no random numbers: {e}")))?;
        LogId(uuid::Builder::from_random_bytes(bytes).into_uuid())
    };
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(include_str!("schema.sql"))?;
    views::create(&transaction)?;
    for (key, value) in
        [("log", log.to_string()), ("world", options.world.word()), ("views", views::VERSION.to_string())]
    {
        transaction.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", [key, &value])?;
    }
    write_version(&transaction)?;
    writer::store_tree(&transaction, &CompactTree::default())?;
    transaction.execute_batch(&format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA};"))?;
    transaction.commit()?;
    Ok(())
}

/// Says which words this program writes, for older ones to read before they misread an entry.
fn write_version(connection: &Connection) -> rusqlite::Result<()> {
    for (key, value) in [("words", WORDS.to_string()), ("software", env!("CARGO_PKG_VERSION").into())] {
        connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", [key, &value])?;
    }
    Ok(())
}

/// The tree as of the last commit.
fn stored_tree(connection: &Connection) -> Result<CompactTree, OpenError> {
    let (size, peaks): (i64, Vec<u8>) =
        connection.query_row("SELECT size, peaks FROM tree", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    CompactTree::from_parts(size.cast_unsigned(), &peaks)
        .ok_or_else(|| OpenError::Damaged("the stored tree does not fit its size".into()))
}

/// A cheap check that the record is what it was: the newest checkpoint's signature, the leaves since then, the last
/// entry. The whole is for `record verify`.
fn check(connection: &Connection, tree: &CompactTree, log: LogId) -> Result<(), OpenError> {
    let damaged = |what: &str| OpenError::Damaged(what.into());
    let entries: i64 = connection.query_row("SELECT coalesce(max(idx) + 1, 0) FROM entries", [], |row| row.get(0))?;
    if entries.cast_unsigned() != tree.size() {
        return Err(damaged("the stored tree is of another size than the log"));
    }
    let newest: Option<(i64, String, Vec<u8>)> = connection
        .query_row("SELECT size, note, peaks FROM checkpoints ORDER BY size DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let mut again = CompactTree::default();
    if let Some((size, note, peaks)) = newest {
        let size = size.cast_unsigned();
        let mut statement = connection.prepare("SELECT verifier FROM keys")?;
        let keys: Vec<NoteVerifier> = statement
            .query_map([], |row| row.get::<_, String>(0))?
            .filter_map(|text| NoteVerifier::from_text(&text.ok()?).ok())
            .collect();
        let said = Checkpoint::open(&note, &keys).map_err(|e| OpenError::Damaged(format!("newest checkpoint: {e}")))?;
        again = CompactTree::from_parts(size, &peaks).ok_or_else(|| damaged("the newest checkpoint's peaks"))?;
        if said.origin != origin(log) || said.size != size || said.root != again.root() || size > tree.size() {
            return Err(damaged("the newest checkpoint says something else"));
        }
    }
    let mut statement = connection.prepare("SELECT leaf_hash FROM entries WHERE idx >= ?1 ORDER BY idx")?;
    let mut rows = statement.query([again.size().cast_signed()])?;
    while let Some(row) = rows.next()? {
        again.push(row.get(0)?, |_, _, _| ());
    }
    if again != *tree {
        return Err(damaged("the entries since the newest checkpoint do not give the stored tree"));
    }
    if let Some(last) = tree.size().checked_sub(1) {
        match rows::read_one(connection, last) {
            Ok(Some(_)) | Err(ReadError::Purged { .. }) => {}
            Ok(None) => return Err(damaged("the last entry is missing")),
            Err(error) => return Err(OpenError::Damaged(error.to_string())),
        }
    }
    Ok(())
}

/// The folder's signing key; a new one when there is none. A new key beside an old record is written down with the
/// entry from which it counts, and `record verify` shows both: better than a centre that does not start.
fn signing_key(folder: &Path, log: LogId) -> Result<NoteSigner, OpenError> {
    let path = folder.join("checkpoint.key");
    let io = |error| OpenError::Io { path: path.clone(), error };
    match fs::read_to_string(&path) {
        Ok(text) => {
            let signer = NoteSigner::from_secret_text(&text)
                .map_err(|e| OpenError::Key { path: path.clone(), why: e.to_string() })?;
            if signer.verifier().name() == origin(log) {
                Ok(signer)
            } else {
                Err(OpenError::Key { path, why: "this is another log's key".into() })
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret).map_err(|e| io(io::Error::other(e.to_string())))?;
            let signer = NoteSigner::new(&origin(log), &secret);
            // Whole or not at all, also when the power fails midway.
            let temporary = path.with_extension("new");
            let write = || {
                let mut file =
                    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
                file.write_all(signer.to_secret_text().as_bytes())?;
                file.write_all(b"\n")?;
                file.sync_all()?;
                fs::rename(&temporary, &path)?;
                File::open(folder)?.sync_all()
            };
            write().map_err(io)?;
            Ok(signer)
        }
        Err(error) => Err(io(error)),
    }
}

impl InclusionProof {
    /// Whether it holds; compare its root with a signed checkpoint's.
    pub fn holds(&self) -> bool {
        crate::merkle::verify_inclusion(&leaf_hash(&self.header), self.index, self.size, &self.path, &self.root)
    }
}

impl ConsistencyProof {
    /// Whether it holds; compare its roots with signed checkpoints'.
    pub fn holds(&self) -> bool {
        crate::merkle::verify_consistency(self.old.0, self.new.0, &self.path, &self.old.1, &self.new.1)
    }
}
