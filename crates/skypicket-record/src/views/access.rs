//! View *access*: who read what, and what was done about who may.

use super::{Conditions, View, decoded, encoded, page};
use crate::{
    query::{AccessQuery, AccessRow, Page},
    record::ReadError,
};
use rusqlite::{Connection, params, params_from_iter, types::Value};
use skypicket_model::{Access, Body, Deed, Entry, PersonId, Time};

pub(crate) const VIEW: View =
    View { tables: &["view_access", "view_access_about"], schema: include_str!("access.sql"), apply, purge };

/// Bits of `id` for the place in the entry: an entry has at most so many items.
const PLACE_BITS: u32 = 16;

/// A row is recorded at most so long after what it tells began, microseconds; more than a minute's folding.
const FOLDED_US: i64 = 120_000_000;

/// Reading everybody is reading each.
fn is_everybody(access: &Access) -> bool {
    access.deed == Deed::ReadPositions && access.about.is_empty()
}

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Access { items } = &entry.body else { return Ok(()) };
    for (place, access) in (0..1u64 << PLACE_BITS).zip(items) {
        let id = (entry.index << PLACE_BITS | place).cast_signed();
        connection
            .prepare_cached(
                "INSERT INTO view_access (id, at, person, deed, first, last, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                id,
                entry.recorded_at.as_micros(),
                access.by.as_ref().map(PersonId::as_str),
                access.deed.word(),
                access.first.as_micros(),
                access.last.as_micros(),
                encoded(access)?,
            ])?;
        let mut about =
            connection.prepare_cached("INSERT OR IGNORE INTO view_access_about (person, id) VALUES (?1, ?2)")?;
        if is_everybody(access) {
            about.execute(params!["", id])?;
        }
        for person in &access.about {
            about.execute(params![person.as_str(), id])?;
        }
    }
    Ok(())
}

/// All rows of the entry: they have one time.
fn purge(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Access { .. } = &entry.body else { return Ok(()) };
    let first = (entry.index << PLACE_BITS).cast_signed();
    let last = (((entry.index + 1) << PLACE_BITS) - 1).cast_signed();
    for table in ["view_access", "view_access_about"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE id BETWEEN ?1 AND ?2"))?
            .execute(params![first, last])?;
    }
    Ok(())
}

pub(crate) fn list(connection: &Connection, query: &AccessQuery) -> Result<Page<AccessRow>, ReadError> {
    let mut conditions = Conditions::before("id", query.cursor.as_deref())?;
    let text = |s: &str| Value::Text(s.into());
    if let Some(person) = &query.person {
        conditions.and("person = ?", [text(person.as_str())]);
    }
    if let Some(about) = &query.about {
        conditions.and("id IN (SELECT id FROM view_access_about WHERE person IN (?, ''))", [text(about.as_str())]);
    }
    if let Some(deed) = query.deed {
        conditions.and("deed = ?", [text(deed.word())]);
    }
    // Rows are in the order of their recording, which bounds what is looked at; then each is looked at itself.
    if let Some(from) = query.from {
        let us = from.as_micros();
        conditions.and(
            "id >= coalesce((SELECT min(id) FROM view_access WHERE at >= ?), 9223372036854775807) AND last >= ?",
            [Value::Integer(us), Value::Integer(us)],
        );
    }
    if let Some(until) = query.until {
        let us = until.as_micros();
        conditions.and(
            "id <= coalesce((SELECT max(id) FROM view_access WHERE at <= ?), -1) AND first <= ?",
            [Value::Integer(us.saturating_add(FOLDED_US)), Value::Integer(us)],
        );
    }
    let sql = format!("SELECT id, at, content FROM view_access WHERE {} ORDER BY id DESC", conditions.sql);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query(params_from_iter(conditions.values))?;
    page(rows, query.limit, |row| {
        let id = row.get::<_, i64>(0)?.cast_unsigned();
        let access: Access = decoded(row, 2)?;
        let recorded_at = Time::from_micros(row.get(1)?);
        Ok(Some((id, AccessRow { everybody: is_everybody(&access), access, entry: id >> PLACE_BITS, recorded_at })))
    })
}
