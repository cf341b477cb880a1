//! View *snapshots*: which entries hold the engines' state.

use super::{View, index, sql_index};
use crate::record::ReadError;
use rusqlite::{Connection, OptionalExtension, params};
use skypicket_model::{Body, Entry};

pub(crate) const VIEW: View = View { tables: &["view_snapshots"], schema: include_str!("snapshots.sql"), apply, purge };

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Snapshot(snapshot) = &entry.body else { return Ok(()) };
    connection
        .prepare_cached("INSERT INTO view_snapshots (entry, recorded_at, engines) VALUES (?1, ?2, ?3)")?
        .execute(params![sql_index(entry.index), entry.recorded_at.as_micros(), snapshot.engines])?;
    Ok(())
}

fn purge(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    if let Body::Snapshot(_) = &entry.body {
        connection.prepare_cached("DELETE FROM view_snapshots WHERE entry = ?1")?.execute([sql_index(entry.index)])?;
    }
    Ok(())
}

/// Entry of the latest snapshot.
pub(crate) fn latest(connection: &Connection) -> Result<Option<u64>, ReadError> {
    let mut statement = connection.prepare_cached("SELECT entry FROM view_snapshots ORDER BY entry DESC LIMIT 1")?;
    Ok(statement.query_row([], |row| index(row, 0)).optional()?)
}

/// Entry of the oldest snapshot that was not purged.
pub(crate) fn oldest(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    let mut statement = connection.prepare_cached("SELECT entry FROM view_snapshots ORDER BY entry LIMIT 1")?;
    statement.query_row([], |row| index(row, 0)).optional()
}
