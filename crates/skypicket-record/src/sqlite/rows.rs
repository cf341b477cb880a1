//! Rows of entries and items as they are stored, and reading entries back from them.

use crate::{
    encoding::{self, Header},
    merkle::{Hash, Nodes, leaf_hash, node_hash},
    record::{ReadError, Stretch},
};
use rusqlite::{Connection, OptionalExtension, params};
use skypicket_model::{Body, Entry, Time};

/// Most bytes of content that one reading gives back.
const MAX_READ_BYTES: usize = 32 << 20;

/// Most entries that one reading gives back.
const MAX_READ: usize = 10_000;

/// Level from which on full subtrees are stored.
pub(super) const STORED_LEVEL: u32 = 8;

/// One row of `entries`.
#[derive(Debug)]
pub(super) struct EntryRow {
    pub(super) recorded_at: i64,
    pub(super) kind: String,
    pub(super) cause: Option<i64>,
    pub(super) item_count: i64,
    pub(super) items_root: Vec<u8>,
    pub(super) header: Vec<u8>,
    pub(super) leaf_hash: Vec<u8>,
}

/// One row of `items`.
#[derive(Debug)]
pub(super) struct ItemRow {
    pub(super) ordinal: i64,
    pub(super) commitment: Vec<u8>,
    pub(super) nonce: Option<Vec<u8>>,
    pub(super) content: Option<Vec<u8>>,
}

/// The row of an entry.
pub(super) fn entry_row(connection: &Connection, index: u64) -> rusqlite::Result<Option<EntryRow>> {
    connection
        .prepare_cached(
            "SELECT recorded_at, kind, cause, item_count, items_root, header, leaf_hash FROM entries WHERE idx = ?1",
        )?
        .query_row([index.cast_signed()], |row| {
            Ok(EntryRow {
                recorded_at: row.get(0)?,
                kind: row.get(1)?,
                cause: row.get(2)?,
                item_count: row.get(3)?,
                items_root: row.get(4)?,
                header: row.get(5)?,
                leaf_hash: row.get(6)?,
            })
        })
        .optional()
}

/// The rows of an entry's items, in order.
pub(super) fn item_rows(connection: &Connection, index: u64) -> rusqlite::Result<Vec<ItemRow>> {
    connection
        .prepare_cached("SELECT ordinal, commitment, nonce, content FROM items WHERE entry = ?1 ORDER BY ordinal")?
        .query_map([index.cast_signed()], |row| {
            Ok(ItemRow { ordinal: row.get(0)?, commitment: row.get(1)?, nonce: row.get(2)?, content: row.get(3)? })
        })?
        .collect()
}

/// Entries from an index on, each checked against its own commitments.
pub(super) fn read(connection: &Connection, from: u64, limit: usize) -> Result<Vec<Entry>, ReadError> {
    let mut entries = Vec::new();
    let mut bytes = 0;
    // One view of the database over the whole reading.
    let reading = connection.unchecked_transaction()?;
    for index in from..from.saturating_add(limit.min(MAX_READ) as u64) {
        let Some((entry, size)) = read_one(&reading, index)? else { break };
        entries.push(entry);
        bytes += size;
        if bytes > MAX_READ_BYTES {
            break;
        }
    }
    Ok(entries)
}

/// Entries from an index on, without those whose content was purged; says which those are.
pub(super) fn read_on(connection: &Connection, from: u64, limit: usize) -> Result<Stretch, ReadError> {
    let mut stretch = Stretch { entries: Vec::new(), purged: Vec::new(), next: from };
    let mut bytes = 0;
    let reading = connection.unchecked_transaction()?;
    for index in from..from.saturating_add(limit.min(MAX_READ) as u64) {
        match read_one(&reading, index) {
            Ok(None) => break,
            Ok(Some((entry, size))) => {
                // A list that lost all or some of its items says so by its count.
                let left = match &entry.body {
                    Body::Observations { items } => Some(items.len()),
                    Body::Positions { items } => Some(items.len()),
                    Body::Tracks { items } => Some(items.len()),
                    Body::Access { items } => Some(items.len()),
                    _ => None,
                };
                if let Some(left) = left {
                    let had: i64 = reading
                        .prepare_cached("SELECT item_count FROM entries WHERE idx = ?1")?
                        .query_row([index.cast_signed()], |row| row.get(0))?;
                    if had.cast_unsigned() != left as u64 {
                        stretch.purged.push((index, entry.body.kind().into()));
                    }
                }
                stretch.entries.push(entry);
                bytes += size;
            }
            Err(ReadError::Purged { .. }) => {
                let kind = entry_row(&reading, index)?.map(|row| row.kind).unwrap_or_default();
                stretch.purged.push((index, kind));
            }
            Err(error) => return Err(error),
        }
        stretch.next = index + 1;
        if bytes > MAX_READ_BYTES {
            break;
        }
    }
    Ok(stretch)
}

/// One entry and the size of its content; `None` when there is none.
pub(super) fn read_one(connection: &Connection, index: u64) -> Result<Option<(Entry, usize)>, ReadError> {
    let damaged = |what: &str| ReadError::Damaged { index, what: what.into() };
    let Some(row) = entry_row(connection, index)? else { return Ok(None) };
    let header = Header::from_bytes(&row.header).map_err(|e| damaged(&format!("header: {e}")))?;
    if header.index != index || row.leaf_hash != leaf_hash(&row.header) {
        return Err(damaged("its header is not what was committed to"));
    }
    let items = item_rows(connection, index)?;
    if items.len() as u64 != u64::from(header.items) {
        return Err(damaged("items are missing"));
    }
    let mut commitments: Vec<Hash> = Vec::with_capacity(items.len());
    let mut contents = Vec::with_capacity(items.len());
    let mut size = 0;
    for item in items {
        let commitment = item.commitment.try_into().map_err(|_| damaged("a commitment of another size"))?;
        if let (Some(nonce), Some(content)) = (&item.nonce, &item.content) {
            if encoding::commitment(nonce, content) != commitment {
                return Err(damaged(&format!("item {} is not what was committed to", item.ordinal)));
            }
            size += content.len();
        }
        commitments.push(commitment);
        contents.push(item.content);
    }
    if encoding::items_root(&commitments) != header.items_root {
        return Err(damaged("its items are not those committed to"));
    }
    let body = encoding::body_of(&header.kind, &contents).map_err(|e| damaged(&e.to_string()))?;
    let body = body.ok_or(ReadError::Purged { index })?;
    Ok(Some((Entry { index, recorded_at: header.recorded_at, cause: header.cause, body }, size)))
}

/// When an entry was recorded.
pub(super) fn recorded_at(connection: &Connection, index: u64) -> rusqlite::Result<Option<Time>> {
    connection
        .prepare_cached("SELECT recorded_at FROM entries WHERE idx = ?1")?
        .query_row([index.cast_signed()], |row| row.get(0).map(Time::from_micros))
        .optional()
}

/// The tree's full subtrees, as stored.
pub(super) struct StoredNodes<'a>(pub(super) &'a Connection);

impl StoredNodes<'_> {
    fn leaf(&self, index: u64) -> Result<Hash, ReadError> {
        self.0
            .prepare_cached("SELECT leaf_hash FROM entries WHERE idx = ?1")?
            .query_row([index.cast_signed()], |row| row.get(0))
            .optional()?
            .ok_or(ReadError::NoEntry { index })
    }
}

impl Nodes for StoredNodes<'_> {
    type Error = ReadError;

    fn node(&mut self, level: u32, number: u64) -> Result<Hash, ReadError> {
        if level == 0 {
            return self.leaf(number);
        }
        if level >= STORED_LEVEL {
            return self
                .0
                .prepare_cached("SELECT hash FROM tree_nodes WHERE level = ?1 AND number = ?2")?
                .query_row(params![level, number.cast_signed()], |row| row.get(0))
                .optional()?
                .ok_or_else(|| ReadError::Damaged {
                    index: number << level,
                    what: "a node of the tree is missing".into(),
                });
        }
        Ok(node_hash(&self.node(level - 1, 2 * number)?, &self.node(level - 1, 2 * number + 1)?))
    }
}
