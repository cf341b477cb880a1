//! The writer: the one thread that changes the database.
//!
//! It takes what is queued, makes one transaction of it and answers everybody after the commit: while one batch waits
//! for the disk, the next ones gather (group commit). When the disk is full it gives up the reserve and goes on for
//! people's batches only; see [`RecordState`].

use super::{
    Faults, PAGE_BYTES, Shared, purge,
    reserve::Reserve,
    rows::{self, STORED_LEVEL},
};
use crate::{
    checkpoint::{Checkpoint, NoteSigner},
    encoding::{self, SealError, SealedEntry},
    merkle::{CompactTree, Hash},
    record::{AppendError, Appended, Priority, ReadError, RecordState, StoredCheckpoint},
    retention::{Retention, purge_after},
    views,
};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params};
use skypicket_model::{Entry, Time};
use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot};

/// Most batches in one transaction, and about how many bytes of content.
const GROUP: (usize, usize) = (512, 16 << 20);

/// How long a full record waits before it tries again.
const TRY_EVERY: Duration = Duration::from_secs(1);

type Answer<T> = oneshot::Sender<Result<T, AppendError>>;

/// Something to do for the writer.
pub(super) enum Job {
    Append {
        entries: Vec<Entry>,
        answer: Answer<Appended>,
    },
    Put {
        kind: String,
        key: String,
        value: Vec<u8>,
        answer: Answer<()>,
    },
    Delete {
        kind: String,
        key: String,
        answer: Answer<bool>,
    },
    Checkpoint {
        answer: Answer<StoredCheckpoint>,
    },
    Rebuild {
        answer: Answer<()>,
    },
    /// Clears the content of entries.
    Purge {
        entries: Vec<u64>,
        answer: Answer<purge::Step>,
    },
    /// A kind was purged up to an entry.
    Reached {
        kind: &'static str,
        index: u64,
        answer: Answer<()>,
    },
    /// Cuts the write-ahead log to nothing.
    Cut {
        answer: Answer<bool>,
    },
}

/// A job that is done by itself, between the groups.
enum Alone {
    Rebuild(Answer<()>),
    Purge(Vec<u64>, Answer<purge::Step>),
    Reached(&'static str, u64, Answer<()>),
    Cut(Answer<bool>),
}

/// A job made ready.
enum Work {
    Append { batch: Vec<(Entry, SealedEntry)>, priority: Priority, answer: Answer<Appended> },
    Put { kind: String, key: String, value: Vec<u8>, answer: Answer<()> },
    Delete { kind: String, key: String, answer: Answer<bool> },
    Checkpoint { answer: Answer<StoredCheckpoint> },
}

/// What became of a work within a transaction.
enum Outcome {
    Appended(Result<Appended, AppendError>),
    Put,
    Deleted(bool),
    Checkpoint(StoredCheckpoint),
}

impl Work {
    fn is_for_people(&self) -> bool {
        match self {
            Self::Append { priority, .. } => *priority == Priority::People,
            // Sign-in must go on; a checkpoint is small and closes nothing.
            Self::Put { .. } | Self::Delete { .. } | Self::Checkpoint { .. } => true,
        }
    }

    fn refuse(self, error: AppendError) {
        // Who asked may have gone: then nobody minds.
        match self {
            Self::Append { answer, .. } => drop(answer.send(Err(error))),
            Self::Put { answer, .. } => drop(answer.send(Err(error))),
            Self::Delete { answer, .. } => drop(answer.send(Err(error))),
            Self::Checkpoint { answer } => drop(answer.send(Err(error))),
        }
    }

    fn answer(self, outcome: Outcome) {
        match (self, outcome) {
            (Self::Append { answer, .. }, Outcome::Appended(result)) => drop(answer.send(result)),
            (Self::Put { answer, .. }, Outcome::Put) => drop(answer.send(Ok(()))),
            (Self::Delete { answer, .. }, Outcome::Deleted(there)) => drop(answer.send(Ok(there))),
            (Self::Checkpoint { answer }, Outcome::Checkpoint(stored)) => drop(answer.send(Ok(stored))),
            (work, _) => work.refuse(AppendError::Io("an answer to another question".into())),
        }
    }
}

/// The writer.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) shared: Arc<Shared>,
    pub(super) faults: Arc<Faults>,
    pub(super) signer: NoteSigner,
    pub(super) tree: CompactTree,
    pub(super) last: Option<Time>,
    pub(super) reserve: Reserve,
    pub(super) tried: Option<Instant>,
    pub(super) retention: Retention,
}

impl Writer {
    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = jobs.blocking_recv() {
            let mut works = Vec::new();
            let mut bytes = 0;
            let mut next = Some(job);
            let mut alone = None;
            while let Some(job) = next.take() {
                match job {
                    Job::Rebuild { answer } => alone = Some(Alone::Rebuild(answer)),
                    Job::Purge { entries, answer } => alone = Some(Alone::Purge(entries, answer)),
                    Job::Reached { kind, index, answer } => alone = Some(Alone::Reached(kind, index, answer)),
                    Job::Cut { answer } => alone = Some(Alone::Cut(answer)),
                    job => bytes += ready(job, &mut works),
                }
                if alone.is_none() && works.len() < GROUP.0 && bytes < GROUP.1 {
                    next = jobs.try_recv().ok();
                }
            }
            self.group(works);
            // Who asked may have gone: then nobody minds.
            match alone {
                None => {}
                Some(Alone::Rebuild(answer)) => drop(answer.send(self.rebuild())),
                Some(Alone::Purge(entries, answer)) => {
                    drop(answer.send(self.alone(|c| purge::step(c, &entries))));
                }
                Some(Alone::Reached(kind, index, answer)) => {
                    drop(answer.send(self.alone(|c| purge::reached(c, kind, index))));
                }
                Some(Alone::Cut(answer)) => {
                    drop(answer.send(purge::cut(&self.connection).map_err(|e| append_error(&e))));
                }
            }
        }
    }

    fn set_state(&self, state: RecordState) {
        self.shared.set_state(state);
    }

    /// Writes a group, as far as the disk's state lets it.
    fn group(&mut self, works: Vec<Work>) {
        if self.shared.state() == RecordState::Full && self.tried.is_some_and(|t| t.elapsed() < TRY_EVERY) {
            return refuse_full(works);
        }
        if self.shared.state() != RecordState::Ok {
            let room = self.has_room_for_reserve();
            if self.reserve.restore(room) {
                self.set_state(RecordState::Ok);
            }
        }
        let works = if self.shared.state() == RecordState::Ok { works } else { people_only(works) };
        if works.is_empty() {
            return;
        }
        match self.commit(&works) {
            Ok(outcomes) => {
                if self.shared.state() == RecordState::Full {
                    self.set_state(RecordState::Reserve);
                }
                answer(works, outcomes);
            }
            Err(error) if is_full(&error) => self.without_space(works),
            Err(error) => self.one_by_one(works, &error),
        }
    }

    /// The disk is full: gives up the reserve for people's batches.
    fn without_space(&mut self, works: Vec<Work>) {
        let works = if self.reserve.release() {
            self.set_state(RecordState::Reserve);
            let works = people_only(works);
            if works.is_empty() {
                return;
            }
            match self.commit(&works) {
                Ok(outcomes) => return answer(works, outcomes),
                Err(error) if is_full(&error) => works,
                Err(error) => return self.one_by_one(works, &error),
            }
        } else {
            works
        };
        self.set_state(RecordState::Full);
        self.tried = Some(Instant::now());
        refuse_full(works);
    }

    /// A group failed for a reason that may be one member's alone: each gets a transaction of its own.
    fn one_by_one(&mut self, works: Vec<Work>, error: &rusqlite::Error) {
        let alone = works.len() == 1;
        for work in works {
            let one = [work];
            let result = if alone { Err(append_error(error)) } else { self.commit(&one).map_err(|e| append_error(&e)) };
            let [work] = one;
            match result {
                Ok(outcomes) => answer(vec![work], outcomes),
                Err(error) => work.refuse(error),
            }
        }
    }

    /// Whether a simulated disk would take the reserve again; a real one is asked by trying.
    fn has_room_for_reserve(&self) -> bool {
        let disk = self.faults.disk_pages.load(Ordering::Relaxed);
        let used: Result<i64, _> = self.connection.query_row("PRAGMA page_count", [], |row| row.get(0));
        let wanted = self.reserve.bytes() + self.reserve.bytes() / 4;
        disk == 0 || used.is_ok_and(|used| used.cast_unsigned() + wanted / PAGE_BYTES <= disk)
    }

    /// A simulated disk of so many pages, of which the reserve takes its part.
    fn simulate_disk(&self) -> rusqlite::Result<()> {
        let disk = self.faults.disk_pages.load(Ordering::Relaxed);
        if disk == 0 && !self.faults.disk_was_limited.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.faults.disk_was_limited.store(true, Ordering::Relaxed);
        let reserved = if self.reserve.is_present() { self.reserve.bytes() / PAGE_BYTES } else { 0 };
        let limit = if disk == 0 { u64::from(u32::MAX - 1) } else { disk.saturating_sub(reserved).max(1) };
        self.connection.query_row(&format!("PRAGMA max_page_count = {limit}"), [], |_| Ok(()))
    }

    /// One transaction. Nothing of it is there when it fails.
    fn commit(&mut self, works: &[Work]) -> rusqlite::Result<Vec<Outcome>> {
        let begun = Instant::now();
        self.simulate_disk()?;
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
        let (mut tree, mut last) = (self.tree.clone(), self.last);
        let mut outcomes = Vec::with_capacity(works.len());
        for work in works {
            outcomes.push(match work {
                Work::Append { batch, .. } => {
                    let follows = follows(batch, tree.size(), last);
                    if follows.is_ok() {
                        for (entry, sealed) in batch {
                            insert(&transaction, entry, sealed, &mut tree, &self.retention)?;
                            views::apply(&transaction, entry)?;
                            last = Some(entry.recorded_at);
                        }
                    }
                    Outcome::Appended(follows.map(|()| Appended { next: tree.size() }))
                }
                Work::Put { kind, key, value, .. } => {
                    transaction
                        .prepare_cached("INSERT OR REPLACE INTO private (kind, key, value) VALUES (?1, ?2, ?3)")?
                        .execute(params![kind, key, value])?;
                    Outcome::Put
                }
                Work::Delete { kind, key, .. } => Outcome::Deleted(
                    transaction
                        .prepare_cached("DELETE FROM private WHERE kind = ?1 AND key = ?2")?
                        .execute(params![kind, key])?
                        > 0,
                ),
                Work::Checkpoint { .. } => Outcome::Checkpoint(checkpoint(&transaction, &tree, last, &self.signer)?),
            });
        }
        if tree.size() != self.tree.size() {
            store_tree(&transaction, &tree)?;
        }
        let delay = self.faults.commit_delay_ms.load(Ordering::Relaxed);
        if delay > 0 {
            std::thread::sleep(Duration::from_millis(delay));
        }
        transaction.commit()?;
        self.tree = tree;
        self.last = last;
        self.shared.committed(self.tree.size(), last, begun.elapsed());
        Ok(outcomes)
    }

    /// A change in a transaction of its own. What it clears was there: on a full disk it fails like any other.
    fn alone<T>(&self, change: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, AppendError> {
        let begun = Instant::now();
        let done = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
            .and_then(|transaction| {
                let done = change(&transaction)?;
                transaction.commit()?;
                Ok(done)
            })
            .map_err(|e| append_error(&e))?;
        self.shared.committed(self.tree.size(), self.last, begun.elapsed());
        Ok(done)
    }

    /// Makes every view again from the entries.
    fn rebuild(&mut self) -> Result<(), AppendError> {
        let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
            .map_err(|e| append_error(&e))?;
        rebuild_views(&transaction, self.tree.size())?;
        transaction.commit().map_err(|e| append_error(&e))
    }
}

/// Makes every view again from the first `size` entries.
pub(super) fn rebuild_views(connection: &Connection, size: u64) -> Result<(), AppendError> {
    views::create(connection).map_err(|e| append_error(&e))?;
    for index in 0..size {
        match rows::read_one(connection, index) {
            Ok(Some((entry, _))) => views::apply(connection, &entry).map_err(|e| append_error(&e))?,
            // What was purged is in no view either.
            Err(ReadError::Purged { .. }) => {}
            Ok(None) => return Err(AppendError::Io(format!("entry {index} is missing"))),
            Err(error) => return Err(AppendError::Io(error.to_string())),
        }
    }
    connection
        .execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('views', ?1)", [views::VERSION.to_string()])
        .map_err(|e| append_error(&e))?;
    Ok(())
}

/// Encodes and commits to a job's content; refuses it when that fails. Gives its size.
fn ready(job: Job, works: &mut Vec<Work>) -> usize {
    match job {
        Job::Append { entries, answer } => {
            let priority = Priority::of(&entries);
            let mut batch = Vec::with_capacity(entries.len());
            let mut bytes = 0;
            for entry in entries {
                match encoding::seal(&entry) {
                    Ok(sealed) => {
                        bytes += sealed.items.iter().map(|i| i.content.len()).sum::<usize>();
                        batch.push((entry, sealed));
                    }
                    Err(error) => {
                        let index = entry.index;
                        let _ = answer.send(Err(match error {
                            SealError::TooLarge { what, size, limit } => {
                                AppendError::TooLarge { index, what, size, limit }
                            }
                            SealError::Encoding(e) => AppendError::Encoding { index, why: e.to_string() },
                            SealError::Random(e) => AppendError::Io(e),
                        }));
                        return 0;
                    }
                }
            }
            works.push(Work::Append { batch, priority, answer });
            bytes
        }
        Job::Put { kind, key, value, answer } => {
            let bytes = value.len();
            works.push(Work::Put { kind, key, value, answer });
            bytes
        }
        Job::Delete { kind, key, answer } => {
            works.push(Work::Delete { kind, key, answer });
            0
        }
        Job::Checkpoint { answer } => {
            works.push(Work::Checkpoint { answer });
            0
        }
        // Never reached: the writer's loop takes these itself.
        Job::Rebuild { .. } | Job::Purge { .. } | Job::Reached { .. } | Job::Cut { .. } => 0,
    }
}

/// Refuses what is not for people.
fn people_only(works: Vec<Work>) -> Vec<Work> {
    let (people, sensors): (Vec<_>, Vec<_>) = works.into_iter().partition(Work::is_for_people);
    refuse_full(sensors);
    people
}

fn refuse_full(works: Vec<Work>) {
    for work in works {
        work.refuse(AppendError::Full);
    }
}

fn answer(works: Vec<Work>, outcomes: Vec<Outcome>) {
    for (work, outcome) in works.into_iter().zip(outcomes) {
        work.answer(outcome);
    }
}

/// Whether a batch continues the log.
fn follows(batch: &[(Entry, SealedEntry)], size: u64, last: Option<Time>) -> Result<(), AppendError> {
    let mut last = last;
    for ((entry, _), expected) in batch.iter().zip(size..) {
        let index = entry.index;
        if index != expected {
            return Err(AppendError::OutOfOrder { index, expected });
        }
        if let Some(cause) = entry.cause.filter(|c| *c >= index) {
            return Err(AppendError::Cause { index, cause });
        }
        if let Some(last) = last.filter(|l| *l > entry.recorded_at) {
            return Err(AppendError::TimeRunsBack { index, recorded_at: entry.recorded_at, last });
        }
        last = Some(entry.recorded_at);
    }
    Ok(())
}

fn insert(
    connection: &Connection,
    entry: &Entry,
    sealed: &SealedEntry,
    tree: &mut CompactTree,
    retention: &Retention,
) -> rusqlite::Result<()> {
    let index = entry.index.cast_signed();
    connection
        .prepare_cached(
            "INSERT INTO entries (idx, recorded_at, kind, cause, item_count, items_root, header, leaf_hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            index,
            entry.recorded_at.as_micros(),
            entry.body.kind(),
            entry.cause.map(u64::cast_signed),
            sealed.items.len().cast_signed(),
            sealed.items_root,
            sealed.header,
            sealed.leaf_hash,
        ])?;
    let purge_after = purge_after(retention, &entry.body, entry.recorded_at).map(Time::as_micros);
    let mut insert = connection.prepare_cached(
        "INSERT INTO items (entry, ordinal, commitment, purge_after, nonce, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (item, ordinal) in sealed.items.iter().zip(0i64..) {
        insert.execute(params![index, ordinal, item.commitment, purge_after, item.nonce, item.content])?;
    }
    grow(connection, tree, sealed.leaf_hash)
}

/// Adds a leaf to the tree and stores what subtrees it completes.
pub(super) fn grow(connection: &Connection, tree: &mut CompactTree, leaf: Hash) -> rusqlite::Result<()> {
    let mut full = Vec::new();
    tree.push(leaf, |level, number, hash| {
        if level >= STORED_LEVEL {
            full.push((level, number.cast_signed(), *hash));
        }
    });
    for (level, number, hash) in full {
        connection
            .prepare_cached("INSERT INTO tree_nodes (level, number, hash) VALUES (?1, ?2, ?3)")?
            .execute(params![level, number, hash])?;
    }
    Ok(())
}

/// Stores the tree's peaks.
pub(super) fn store_tree(connection: &Connection, tree: &CompactTree) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO tree (one, size, peaks) VALUES (1, ?1, ?2)")?
        .execute(params![tree.size().cast_signed(), tree.peaks()])?;
    Ok(())
}

/// Signs and stores a checkpoint, unless there is one of this size.
fn checkpoint(
    connection: &Connection,
    tree: &CompactTree,
    last: Option<Time>,
    signer: &NoteSigner,
) -> rusqlite::Result<StoredCheckpoint> {
    let (size, root) = (tree.size(), tree.root());
    let stored: Option<String> = connection
        .prepare_cached("SELECT note FROM checkpoints WHERE size = ?1")?
        .query_row([size.cast_signed()], |row| row.get(0))
        .optional()?;
    let note = if let Some(note) = stored {
        note
    } else {
        let note = Checkpoint { origin: signer.verifier().name().into(), size, root }.sign(signer);
        connection
            .prepare_cached("INSERT INTO checkpoints (size, at, note, peaks) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![size.cast_signed(), last.map_or(0, Time::as_micros), note, tree.peaks()])?;
        note
    };
    Ok(StoredCheckpoint { size, root, at: last, note })
}

/// Whether an error says that there is no space. A write that fails for another reason (a limit on file size, a quota)
/// is the same to us: what was there stays, more does not fit.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE};
    let rusqlite::Error::SqliteFailure(failure, _) = error else { return false };
    failure.code == ErrorCode::DiskFull
        || [SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_SHMMAP].contains(&failure.extended_code)
}

fn append_error(error: &rusqlite::Error) -> AppendError {
    match error.sqlite_error_code() {
        _ if is_full(error) => AppendError::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => AppendError::Busy,
        _ => AppendError::Io(error.to_string()),
    }
}
