//! View *measures*: which protective measures of a notice version's checklist each person has done.

use super::{View, blob, decoded, encoded, name, sql_index};
use crate::{query::MeasuresRow, record::ReadError};
use rusqlite::{Connection, Row, params};
use skypicket_model::{Body, DispatchEvent, Entry, NoticeId, PersonId, Time};

pub(crate) const VIEW: View = View { tables: &["view_measures"], schema: include_str!("measures.sql"), apply, purge };

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Dispatch(DispatchEvent::Measures { notice, version, person, done, at }) = &entry.body else {
        return Ok(());
    };
    // The last list counts.
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO view_measures (notice, person, version, entry, at, done) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            blob(&notice.0),
            person.as_str(),
            version,
            sql_index(entry.index),
            at.as_micros(),
            encoded(done)?,
        ])?;
    Ok(())
}

fn purge(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Dispatch(DispatchEvent::Measures { notice, version, person, .. }) = &entry.body else { return Ok(()) };
    // What they said later stays.
    connection
        .prepare_cached("DELETE FROM view_measures WHERE notice = ?1 AND person = ?2 AND version = ?3 AND entry = ?4")?
        .execute(params![blob(&notice.0), person.as_str(), version, sql_index(entry.index)])?;
    Ok(())
}

/// From the columns person, version, at, done.
fn row_of(row: &Row<'_>) -> Result<MeasuresRow, ReadError> {
    Ok(MeasuresRow {
        person: name(row.get(0)?)?,
        version: row.get(1)?,
        at: Time::from_micros(row.get(2)?),
        done: decoded(row, 3)?,
    })
}

/// What everybody said of a notice, by person and version.
pub(crate) fn list(connection: &Connection, notice: NoticeId) -> Result<Vec<MeasuresRow>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT person, version, at, done FROM view_measures WHERE notice = ?1 ORDER BY person, version",
    )?;
    let mut rows = statement.query([blob(&notice.0)])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(row_of(row)?);
    }
    Ok(list)
}

/// What one person said of a notice's versions up to this one, the oldest first.
pub(crate) fn of(
    connection: &Connection,
    notice: NoticeId,
    person: &PersonId,
    version: u32,
) -> Result<Vec<MeasuresRow>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT person, version, at, done FROM view_measures \
         WHERE notice = ?1 AND person = ?2 AND version <= ?3 ORDER BY version",
    )?;
    let mut rows = statement.query(params![blob(&notice.0), person.as_str(), version])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        list.push(row_of(row)?);
    }
    Ok(list)
}
