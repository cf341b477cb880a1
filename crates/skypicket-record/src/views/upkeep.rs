//! View *upkeep*: backups, restores and purges, and where the configurations are.

use super::{View, decoded, encoded, index, sql_index};
use crate::{query::UpkeepRow, record::ReadError};
use rusqlite::{Connection, OptionalExtension, params};
use skypicket_model::{Body, Entry, Time, entry::Upkeep};

pub(crate) const VIEW: View =
    View { tables: &["view_upkeep"], schema: include_str!("upkeep.sql"), apply, purge: |_, _| Ok(()) };

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let (what, content) = match &entry.body {
        Body::Configured(_) => ("configured", None),
        Body::Upkeep(upkeep) => (word(upkeep), Some(encoded(upkeep)?)),
        _ => return Ok(()),
    };
    connection
        .prepare_cached("INSERT INTO view_upkeep (entry, recorded_at, what, content) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![sql_index(entry.index), entry.recorded_at.as_micros(), what, content])?;
    Ok(())
}

fn word(upkeep: &Upkeep) -> &'static str {
    match upkeep {
        Upkeep::BackedUp { .. } => "backed_up",
        Upkeep::Restored { .. } => "restored",
        Upkeep::Forgot { .. } => "forgot",
        Upkeep::Purged { .. } => "purged",
    }
}

/// Everything that was done, newest first, at most `limit`.
pub(crate) fn list(connection: &Connection, limit: usize) -> Result<Vec<UpkeepRow>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT entry, recorded_at, content FROM view_upkeep WHERE content IS NOT NULL ORDER BY entry DESC LIMIT ?1",
    )?;
    let mut rows = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let recorded_at = Time::from_micros(row.get(1)?);
        list.push(UpkeepRow { entry: index(row, 0)?, recorded_at, upkeep: decoded(row, 2)? });
    }
    Ok(list)
}

/// The newest of a word.
pub(crate) fn newest(connection: &Connection, what: &str) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached("SELECT entry FROM view_upkeep WHERE what = ?1 ORDER BY entry DESC LIMIT 1")?
        .query_row([what], |row| index(row, 0))
        .optional()
}

/// The backups that hold an entry: their ids, oldest first.
pub(crate) fn backups_with(connection: &Connection, entry: u64) -> Result<Vec<String>, ReadError> {
    let mut statement = connection
        .prepare_cached("SELECT content FROM view_upkeep WHERE what = 'backed_up' AND entry > ?1 ORDER BY entry")?;
    let mut rows = statement.query([sql_index(entry)])?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        if let Upkeep::BackedUp { id, entries, .. } = decoded(row, 0)?
            && entries > entry
        {
            ids.push(id);
        }
    }
    Ok(ids)
}
