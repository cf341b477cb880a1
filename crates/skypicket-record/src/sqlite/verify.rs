//! Verifying a record: everything computed anew, from contents up to the signatures.

use super::rows::{self, STORED_LEVEL};
use crate::{
    checkpoint::{Checkpoint, CheckpointError, NoteVerifier, origin},
    encoding::{self, Header},
    merkle::{CompactTree, Hash, leaf_hash},
    record::ReadError,
    verify::{Fault, FaultKind, MAX_FAULTS, Report},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rusqlite::{Connection, OptionalExtension, params};
use skypicket_model::LogId;
use std::collections::BTreeMap;

/// Entries between two looks at fresh data, so that the database's log can be reset meanwhile.
const CHUNK: u64 = 10_000;

struct Verifier<'a> {
    connection: &'a Connection,
    report: Report,
    tree: CompactTree,
    last_recorded_at: i64,
    /// Size of the last checkpoint that agreed.
    agreed: u64,
}

/// Verifies everything; `progress` is told how many entries of how many are done.
pub(super) fn verify(
    connection: &Connection,
    log: LogId,
    mut progress: impl FnMut(u64, u64),
) -> Result<Report, ReadError> {
    let size: i64 = connection.query_row("SELECT coalesce(max(idx) + 1, 0) FROM entries", [], |row| row.get(0))?;
    let size = size.cast_unsigned();
    let mut v = Verifier {
        connection,
        report: Report {
            log,
            verifier_key: String::new(),
            verifier_keys: Vec::new(),
            entries: 0,
            items: 0,
            purged: 0,
            root: String::new(),
            checkpoints: 0,
            faults: Vec::new(),
            fault_count: 0,
        },
        tree: CompactTree::default(),
        last_recorded_at: i64::MIN,
        agreed: 0,
    };
    let keys = v.keys()?;
    let checkpoints = v.checkpoints(log, &keys)?;
    let mut from = 0;
    v.checkpoint_at(0, &checkpoints);
    while from < size {
        let to = size.min(from + CHUNK);
        let reading = connection.unchecked_transaction()?;
        for index in from..to {
            v.entry(index);
            v.checkpoint_at(index + 1, &checkpoints);
        }
        drop(reading);
        progress(to, size);
        from = to;
    }
    for claimed in checkpoints.range(size + 1..).map(|(claimed, _)| *claimed) {
        // Signed when there was more: the end was cut off.
        v.fault(Some(size), FaultKind::History { size: claimed, agreed: v.agreed });
    }
    v.report.root = STANDARD.encode(v.tree.root());
    v.stored_tree(size)?;
    v.database()?;
    Ok(v.report)
}

impl Verifier<'_> {
    fn fault(&mut self, entry: Option<u64>, kind: FaultKind) {
        self.report.fault_count += 1;
        if self.report.faults.len() < MAX_FAULTS {
            self.report.faults.push(Fault { entry, message: kind.to_string(), kind });
        }
    }

    fn keys(&mut self) -> Result<Vec<NoteVerifier>, ReadError> {
        let mut statement = self.connection.prepare("SELECT verifier, since FROM keys ORDER BY since, verifier")?;
        let mut rows = statement.query([])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            let text: String = row.get(0)?;
            match NoteVerifier::from_text(&text) {
                Ok(key) => keys.push(key),
                Err(error) => self.fault(None, FaultKind::Database(format!("key '{text}': {error}"))),
            }
            self.report.verifier_key.clone_from(&text);
            self.report.verifier_keys.push((text, row.get::<_, i64>(1)?.cast_unsigned()));
        }
        Ok(keys)
    }

    /// The roots that checkpoints say, by size; `None` where the signature does not hold.
    fn checkpoints(&mut self, log: LogId, keys: &[NoteVerifier]) -> Result<BTreeMap<u64, Option<Hash>>, ReadError> {
        let mut statement = self.connection.prepare("SELECT size, note, peaks FROM checkpoints ORDER BY size")?;
        let mut rows = statement.query([])?;
        let mut found = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let size = row.get::<_, i64>(0)?.cast_unsigned();
            let (note, peaks): (String, Vec<u8>) = (row.get(1)?, row.get(2)?);
            let opened = Checkpoint::open(&note, keys).and_then(|c| {
                if c.origin == origin(log) {
                    Ok(c)
                } else {
                    Err(CheckpointError::Origin { found: c.origin, expected: origin(log) })
                }
            });
            let root = match opened {
                Ok(c) if c.size != size => Err("of another size".to_owned()),
                Ok(c) if CompactTree::from_parts(size, &peaks).is_none_or(|t| t.root() != c.root) => {
                    Err("stored with other peaks".into())
                }
                Ok(c) => Ok(c.root),
                Err(error) => Err(error.to_string()),
            };
            if let Err(why) = &root {
                self.fault(size.checked_sub(1), FaultKind::Checkpoint { size, why: why.clone() });
            }
            found.insert(size, root.ok());
        }
        Ok(found)
    }

    fn checkpoint_at(&mut self, size: u64, checkpoints: &BTreeMap<u64, Option<Hash>>) {
        match checkpoints.get(&size) {
            Some(Some(root)) if *root == self.tree.root() => {
                self.report.checkpoints += 1;
                self.agreed = size;
            }
            Some(Some(_)) => self.fault(size.checked_sub(1), FaultKind::History { size, agreed: self.agreed }),
            Some(None) | None => {}
        }
    }

    fn entry(&mut self, index: u64) {
        let leaf = match rows::entry_row(self.connection, index) {
            Ok(Some(row)) => self.row(index, &row),
            Ok(None) => {
                self.fault(Some(index), FaultKind::Missing);
                [0; 32]
            }
            Err(error) => {
                self.fault(Some(index), FaultKind::Unreadable(error.to_string()));
                [0; 32]
            }
        };
        let mut full = Vec::new();
        self.tree.push(leaf, |level, number, hash| {
            if level >= STORED_LEVEL {
                full.push((level, number, *hash));
            }
        });
        for (level, number, hash) in full {
            let stored: rusqlite::Result<Option<Hash>> = self
                .connection
                .prepare_cached("SELECT hash FROM tree_nodes WHERE level = ?1 AND number = ?2")
                .and_then(|mut s| s.query_row(params![level, number.cast_signed()], |row| row.get(0)).optional());
            if stored.ok().flatten() != Some(hash) {
                self.fault(Some(number << level), FaultKind::Node { level, number });
            }
        }
    }

    /// Checks one entry and its items; gives the hash of its header.
    fn row(&mut self, index: u64, row: &rows::EntryRow) -> Hash {
        self.report.entries += 1;
        let leaf = leaf_hash(&row.header);
        if row.leaf_hash != leaf {
            self.fault(Some(index), FaultKind::Leaf);
        }
        let header = match Header::from_bytes(&row.header) {
            Ok(header) => header,
            Err(error) => {
                self.fault(Some(index), FaultKind::Header(error.to_string()));
                return leaf;
            }
        };
        let recorded_at = header.recorded_at.as_micros();
        for (differs, column) in [
            (header.index != index, "idx"),
            (recorded_at != row.recorded_at, "recorded_at"),
            (header.kind != row.kind, "kind"),
            (header.cause != row.cause.map(i64::cast_unsigned), "cause"),
            (i64::from(header.items) != row.item_count, "item_count"),
            (header.items_root != row.items_root[..], "items_root"),
        ] {
            if differs {
                self.fault(Some(index), FaultKind::Column(column));
            }
        }
        if recorded_at < self.last_recorded_at {
            self.fault(Some(index), FaultKind::TimeRunsBack);
        }
        self.last_recorded_at = recorded_at.max(self.last_recorded_at);
        if header.cause.is_some_and(|c| c >= index) {
            self.fault(Some(index), FaultKind::Cause);
        }
        match rows::item_rows(self.connection, index) {
            Ok(items) => self.items(index, &header, items),
            Err(error) => self.fault(Some(index), FaultKind::Unreadable(error.to_string())),
        }
        leaf
    }

    fn items(&mut self, index: u64, header: &Header, items: Vec<rows::ItemRow>) {
        let (found, expected) = (items.len() as u64, u64::from(header.items));
        let numbered = items.iter().zip(0i64..).all(|(item, ordinal)| item.ordinal == ordinal);
        if found != expected || !numbered {
            return self.fault(Some(index), FaultKind::ItemCount { found, expected });
        }
        let mut commitments: Vec<Hash> = Vec::with_capacity(items.len());
        let mut contents = Vec::with_capacity(items.len());
        for item in items {
            let commitment = Hash::try_from(item.commitment.as_slice());
            let holds = match (&item.nonce, &item.content) {
                (Some(nonce), Some(content)) => {
                    self.report.items += 1;
                    nonce.len() == 32 && commitment.is_ok_and(|c| c == encoding::commitment(nonce, content))
                }
                (None, None) => {
                    self.report.purged += 1;
                    true
                }
                _ => false,
            };
            if !holds {
                self.fault(Some(index), FaultKind::Item(item.ordinal));
            }
            commitments.push(commitment.unwrap_or([0; 32]));
            contents.push(item.content);
        }
        if encoding::items_root(&commitments) != header.items_root {
            self.fault(Some(index), FaultKind::ItemsRoot);
        }
        if let Err(error) = encoding::body_of(&header.kind, &contents) {
            self.fault(Some(index), FaultKind::Content(error.to_string()));
        }
    }

    /// The peaks that appending would go on from; appending may have gone on since `size` was read.
    fn stored_tree(&mut self, size: u64) -> Result<(), ReadError> {
        let reading = self.connection.unchecked_transaction()?;
        let stored: Option<(i64, Vec<u8>)> =
            reading.query_row("SELECT size, peaks FROM tree", [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let stored = stored.and_then(|(size, peaks)| CompactTree::from_parts(size.cast_unsigned(), &peaks));
        let mut tree = self.tree.clone();
        if let Some(stored) = &stored {
            for index in size..stored.size() {
                if let Ok(Some(row)) = rows::entry_row(&reading, index) {
                    tree.push(leaf_hash(&row.header), |_, _, _| ());
                }
            }
        }
        if stored.as_ref() != Some(&tree) {
            self.fault(None, FaultKind::Tree);
        }
        Ok(())
    }

    /// What is there but should not be, and the database's own checks.
    fn database(&mut self) -> Result<(), ReadError> {
        let orphan: Option<i64> = self
            .connection
            .query_row("SELECT entry FROM items WHERE entry NOT IN (SELECT idx FROM entries) LIMIT 1", [], |r| r.get(0))
            .optional()?;
        if let Some(entry) = orphan {
            self.fault(Some(entry.cast_unsigned()), FaultKind::Orphans);
        }
        let negative: Option<i64> =
            self.connection.query_row("SELECT idx FROM entries WHERE idx < 0 LIMIT 1", [], |r| r.get(0)).optional()?;
        if let Some(index) = negative {
            self.fault(None, FaultKind::Database(format!("an entry of index {index}")));
        }
        let mut beyond = Vec::new();
        let mut statement = self.connection.prepare(include_str!("nodes_beyond.sql"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            beyond.push((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()));
        }
        for (level, number) in beyond {
            self.fault(None, FaultKind::Node { level, number });
        }
        let mut statement = self.connection.prepare("PRAGMA quick_check(10)")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let said: String = row.get(0)?;
            if said != "ok" {
                self.fault(None, FaultKind::Database(said));
            }
        }
        Ok(())
    }
}
