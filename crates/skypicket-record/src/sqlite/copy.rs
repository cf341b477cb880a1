//! Copying a record out while it is being written, and making a record of such a copy.
//!
//! Not the database file but its rows, in *parts* of a few megabytes: entries with their items as they were committed
//! to, then checkpoints, keys and secrets. Each part is read in a moment of its own (entries never change but by a
//! purge, and the end is fixed at the beginning), so the write-ahead log is never held, nothing is written to the disk,
//! and what was purged is not in it. Views and the tree are made again from it.

use super::{APPLICATION, FILE_NAME, OpenError, SCHEMA, rows, stored_tree, views, writer};
use crate::{
    encoding::{Bytes, Header, from_bytes, to_bytes},
    merkle::{CompactTree, Hash, leaf_hash},
};
use rusqlite::{Connection, OpenFlags, params};
use serde::{Deserialize, Serialize};
use skypicket_model::LogId;
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// About how many bytes, and at most how many entries, are in one part.
const PART: (usize, u64) = (4 << 20, 5_000);

/// Name of the last part.
const REST: &str = "rest";

/// Why a copy cannot be made or taken.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The record does not fit together; `record verify` says what.
    #[error("the record is damaged: {0}; run `skypicket record verify`")]
    Damaged(String),
    /// A part is none of ours, or out of order.
    #[error("part '{part}': {why}")]
    Part {
        /// Its name.
        part: String,
        /// What is wrong with it.
        why: String,
    },
    /// It cannot be opened or made.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
}

/// One part of a copy.
#[derive(Debug)]
pub struct Part {
    /// Its name: a number, or `rest` for the last.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Entries that are copied with it and all before it.
    pub entries: u64,
}

#[derive(Serialize, Deserialize)]
struct WrittenEntry {
    header: Bytes,
    items: Vec<WrittenItem>,
}

#[derive(Serialize, Deserialize)]
struct WrittenItem {
    commitment: Bytes,
    purge_after: Option<i64>,
    nonce: Option<Bytes>,
    content: Option<Bytes>,
}

#[derive(Serialize, Deserialize)]
struct Rest {
    /// Size, time, note.
    checkpoints: Vec<(i64, i64, String)>,
    /// Verifier, since.
    keys: Vec<(String, i64)>,
    /// Kind, key, value.
    private: Vec<(String, String, Bytes)>,
    /// How far each kind was purged, and the like.
    #[serde(default)]
    meta: BTreeMap<String, String>,
}

/// A record on its way out.
pub struct CopyOut {
    connection: Connection,
    size: u64,
    end: CompactTree,
    tree: CompactTree,
    parts: u64,
    done: bool,
}

impl CopyOut {
    /// Of the record in `folder`, with every entry that it has now.
    pub fn new(folder: &Path) -> Result<Self, CopyError> {
        let path = folder.join(FILE_NAME);
        if !path.exists() {
            return Err(OpenError::None(folder.into()).into());
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        let end = stored_tree(&connection)?;
        Ok(Self { connection, size: end.size(), end, tree: CompactTree::default(), parts: 0, done: false })
    }

    /// How many entries it will hold.
    pub fn entries(&self) -> u64 {
        self.size
    }

    /// Root of the tree over them.
    pub fn root(&self) -> Hash {
        self.end.root()
    }

    /// The next part; `None` after the last.
    pub fn next_part(&mut self) -> Result<Option<Part>, CopyError> {
        if self.done {
            return Ok(None);
        }
        let from = self.tree.size();
        if from == self.size {
            if self.tree != self.end {
                return Err(CopyError::Damaged("its entries do not give the stored tree".into()));
            }
            self.done = true;
            let bytes = encoded(&self.rest()?)?;
            return Ok(Some(Part { name: REST.into(), bytes, entries: self.size }));
        }
        let reading = self.connection.unchecked_transaction()?;
        let mut written = Vec::new();
        let mut bytes = 0;
        for index in from..self.size.min(from + PART.1) {
            let damaged = |what: &str| CopyError::Damaged(format!("entry {index}: {what}"));
            let row = rows::entry_row(&reading, index)?.ok_or_else(|| damaged("it is missing"))?;
            if row.leaf_hash != leaf_hash(&row.header) {
                return Err(damaged("its header is not what was committed to"));
            }
            let items = items(&reading, index)?;
            bytes += row.header.len() + items.iter().map(WrittenItem::size).sum::<usize>();
            self.tree.push(leaf_hash(&row.header), |_, _, _| ());
            written.push(WrittenEntry { header: Bytes(row.header), items });
            if bytes > PART.0 {
                break;
            }
        }
        drop(reading);
        let name = format!("{:08}", self.parts);
        self.parts += 1;
        Ok(Some(Part { name, bytes: encoded(&written)?, entries: self.tree.size() }))
    }

    fn rest(&self) -> rusqlite::Result<Rest> {
        let reading = self.connection.unchecked_transaction()?;
        let mut statement = reading.prepare("SELECT size, at, note FROM checkpoints WHERE size <= ?1 ORDER BY size")?;
        let checkpoints = statement.query_map([self.size.cast_signed()], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)))?;
        let checkpoints = checkpoints.collect::<Result<_, _>>()?;
        let mut statement = reading.prepare("SELECT verifier, since FROM keys ORDER BY since, verifier")?;
        let keys = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<Result<_, _>>()?;
        let mut statement = reading.prepare("SELECT kind, key, value FROM private ORDER BY kind, key")?;
        let private = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, Bytes(r.get(2)?))))?;
        let private = private.collect::<Result<_, _>>()?;
        let mut statement = reading.prepare("SELECT key, value FROM meta WHERE key LIKE 'purged:%'")?;
        let meta = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?.collect::<Result<_, _>>()?;
        Ok(Rest { checkpoints, keys, private, meta })
    }
}

impl WrittenItem {
    fn size(&self) -> usize {
        self.commitment.0.len() + self.content.as_ref().map_or(0, |c| c.0.len() + 32)
    }
}

fn items(connection: &Connection, index: u64) -> rusqlite::Result<Vec<WrittenItem>> {
    connection
        .prepare_cached("SELECT commitment, purge_after, nonce, content FROM items WHERE entry = ?1 ORDER BY ordinal")?
        .query_map([index.cast_signed()], |row| {
            Ok(WrittenItem {
                commitment: Bytes(row.get(0)?),
                purge_after: row.get(1)?,
                nonce: row.get::<_, Option<_>>(2)?.map(Bytes),
                content: row.get::<_, Option<_>>(3)?.map(Bytes),
            })
        })?
        .collect()
}

fn encoded<T: Serialize>(value: &T) -> Result<Vec<u8>, CopyError> {
    to_bytes(value).map_err(|e| CopyError::Damaged(e.to_string()))
}

/// A record that is being made of a copy. Not a record before [`CopyIn::finish`]; its views are made when it is opened.
pub struct CopyIn {
    connection: Connection,
    path: PathBuf,
    tree: CompactTree,
    parts: u64,
    finished: bool,
}

impl CopyIn {
    /// In `folder`, which is there and holds no record.
    pub fn new(folder: &Path, log: LogId, world: &str) -> Result<Self, CopyError> {
        let path = folder.join(FILE_NAME);
        let io = |error| OpenError::Io { path: path.clone(), error };
        fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(io)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags)?;
        // Whole or thrown away: it is synced once, at the end. What views replace while they are made is overwritten, so
        // that a later purge finds all there is of it.
        connection.execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -64000; \
             PRAGMA secure_delete = ON;",
        )?;
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(include_str!("schema.sql"))?;
        views::create(&transaction)?;
        for (key, value) in [("log", log.to_string()), ("world", world.into()), ("views", "0".into())] {
            transaction.execute("INSERT INTO meta (key, value) VALUES (?1, ?2)", [key, &value])?;
        }
        transaction.commit()?;
        Ok(Self { connection, path, tree: CompactTree::default(), parts: 0, finished: false })
    }

    /// Takes the next part.
    pub fn part(&mut self, name: &str, bytes: &[u8]) -> Result<(), CopyError> {
        let wrong = |why: &str| CopyError::Part { part: name.into(), why: why.into() };
        if self.finished {
            return Err(wrong("it comes after the last"));
        }
        let unreadable = |e: crate::encoding::EncodingError| CopyError::Part { part: name.into(), why: e.to_string() };
        let transaction = self.connection.unchecked_transaction()?;
        if name == REST {
            take_rest(&transaction, &from_bytes(bytes).map_err(unreadable)?, &self.tree)?;
            self.finished = true;
        } else if name == format!("{:08}", self.parts) {
            self.parts += 1;
            let entries: Vec<WrittenEntry> = from_bytes(bytes).map_err(unreadable)?;
            for entry in entries {
                let header = Header::from_bytes(&entry.header.0).map_err(unreadable)?;
                if header.index != self.tree.size() || header.items as usize != entry.items.len() {
                    return Err(wrong("an entry does not follow the one before, or lacks items"));
                }
                insert(&transaction, &header, &entry, &mut self.tree)?;
            }
        } else {
            return Err(wrong("it is not the next one"));
        }
        transaction.commit()?;
        Ok(())
    }

    /// How many entries it has so far.
    pub fn entries(&self) -> u64 {
        self.tree.size()
    }

    /// Closes the record that was made; gives how many entries it has and the root over them.
    pub fn finish(self) -> Result<(u64, Hash), CopyError> {
        if !self.finished {
            return Err(CopyError::Part { part: REST.into(), why: "it is missing: the copy ends too early".into() });
        }
        let transaction = self.connection.unchecked_transaction()?;
        writer::store_tree(&transaction, &self.tree)?;
        transaction
            .execute_batch(&format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA};"))?;
        transaction.commit()?;
        let made = (self.tree.size(), self.tree.root());
        self.connection.close().map_err(|(_, e)| e)?;
        let io = |error| OpenError::Io { path: self.path.clone(), error };
        fs::File::open(&self.path).and_then(|f| f.sync_all()).map_err(io)?;
        Ok(made)
    }
}

fn insert(
    connection: &Connection,
    header: &Header,
    entry: &WrittenEntry,
    tree: &mut CompactTree,
) -> rusqlite::Result<()> {
    let index = header.index.cast_signed();
    let leaf = leaf_hash(&entry.header.0);
    connection
        .prepare_cached(
            "INSERT INTO entries (idx, recorded_at, kind, cause, item_count, items_root, header, leaf_hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            index,
            header.recorded_at.as_micros(),
            header.kind,
            header.cause.map(u64::cast_signed),
            header.items,
            header.items_root,
            entry.header.0,
            leaf,
        ])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO items (entry, ordinal, commitment, purge_after, nonce, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (item, ordinal) in entry.items.iter().zip(0i64..) {
        let (nonce, content) = (item.nonce.as_ref().map(|n| &n.0), item.content.as_ref().map(|c| &c.0));
        insert.execute(params![index, ordinal, item.commitment.0, item.purge_after, nonce, content])?;
    }
    writer::grow(connection, tree, leaf)
}

/// Takes checkpoints, keys and secrets; the peaks at each checkpoint are made again from the leaves.
fn take_rest(connection: &Connection, rest: &Rest, tree: &CompactTree) -> Result<(), CopyError> {
    for (verifier, since) in &rest.keys {
        connection.execute("INSERT INTO keys (verifier, since) VALUES (?1, ?2)", params![verifier, since])?;
    }
    for (kind, key, value) in &rest.private {
        connection
            .execute("INSERT INTO private (kind, key, value) VALUES (?1, ?2, ?3)", params![kind, key, value.0])?;
    }
    for (key, value) in rest.meta.iter().filter(|(key, _)| key.starts_with("purged:")) {
        connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)", [key, value])?;
    }
    let mut again = CompactTree::default();
    let mut leaves = connection.prepare("SELECT leaf_hash FROM entries ORDER BY idx")?;
    let mut leaves = leaves.query([])?;
    for (size, at, note) in &rest.checkpoints {
        let wanted = size.cast_unsigned();
        if wanted > tree.size() || wanted < again.size() {
            return Err(CopyError::Part { part: REST.into(), why: format!("a checkpoint of {wanted} entries") });
        }
        while again.size() < wanted {
            let Some(row) = leaves.next()? else { break };
            again.push(row.get(0)?, |_, _, _| ());
        }
        connection
            .prepare_cached("INSERT INTO checkpoints (size, at, note, peaks) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![size, at, note, again.peaks()])?;
    }
    Ok(())
}
