//! View *sightings*: each report in its latest state.

use super::{Conditions, View, blob, decoded, encoded, index, page, sql_index};
use crate::{
    area::cell_of,
    query::{Page, SightingQuery, VerdictIs},
    record::ReadError,
};
use rusqlite::{Connection, params, params_from_iter, types::Value};
use skypicket_model::{Body, DeskEvent, Entry, SightingId, SightingState};

pub(crate) const VIEW: View = View { tables: &["view_sightings"], schema: include_str!("sightings.sql"), apply, purge };

/// Most reporters in one question.
const MAX_REPORTERS: usize = 500;

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Desk(DeskEvent::Sighting { state }) = &entry.body else { return Ok(()) };
    let s = &state.sighting;
    connection
        .prepare_cached(
            "INSERT INTO view_sightings (id, entry, reporter, verdict, stored_at, last_seen, cell, content) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET reporter = excluded.reporter, \
             verdict = excluded.verdict, stored_at = excluded.stored_at, last_seen = excluded.last_seen, \
             cell = excluded.cell, content = excluded.content",
        )?
        .execute(params![
            blob(&s.id.0),
            sql_index(entry.index),
            s.reporter.as_str(),
            VerdictIs::of(state.verdict).word(),
            state.stored_at.as_micros(),
            s.last_seen.as_micros(),
            cell_of(s.from.lat_deg, s.from.lon_deg),
            encoded(state)?,
        ])?;
    Ok(())
}

fn purge(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Desk(DeskEvent::Sighting { state }) = &entry.body else { return Ok(()) };
    // A later state is another one, and stays.
    connection
        .prepare_cached("DELETE FROM view_sightings WHERE id = ?1 AND content = ?2")?
        .execute(params![blob(&state.sighting.id.0), encoded(state)?])?;
    Ok(())
}

pub(crate) fn list(connection: &Connection, query: &SightingQuery) -> Result<Page<SightingState>, ReadError> {
    let mut conditions = Conditions::before("entry", query.cursor.as_deref())?;
    if query.reporters.len() > MAX_REPORTERS {
        return Err(ReadError::Question("at most 500 reporters in one question"));
    }
    if !query.reporters.is_empty() {
        let marks = vec!["?"; query.reporters.len()].join(", ");
        let names = query.reporters.iter().map(|p| Value::Text(p.as_str().into()));
        conditions.and(&format!("reporter IN ({marks})"), names);
    }
    if let Some(verdict) = query.verdict {
        conditions.and("verdict = ?", [Value::Text(verdict.word().into())]);
    }
    if let Some(since) = query.since {
        conditions.and("last_seen >= ?", [Value::Integer(since.as_micros())]);
    }
    if let Some(near) = &query.near {
        let cells = near.cells().ok_or(ReadError::Question("a circle has a radius of up to 100 km"))?;
        let ranges = vec!["cell BETWEEN ? AND ?"; cells.len()].join(" OR ");
        conditions.and(&format!("({ranges})"), cells.into_iter().flat_map(|(a, b)| [a, b]).map(Value::Integer));
    }
    let sql = format!("SELECT entry, content FROM view_sightings WHERE {} ORDER BY entry DESC", conditions.sql);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query(params_from_iter(conditions.values))?;
    page(rows, query.limit, |row| {
        let state: SightingState = decoded(row, 1)?;
        let meant = query.near.is_none_or(|near| near.holds(state.sighting.from));
        Ok(if meant { Some((index(row, 0)?, state)) } else { None })
    })
}

pub(crate) fn get(connection: &Connection, id: SightingId) -> Result<Option<SightingState>, ReadError> {
    let mut statement = connection.prepare_cached("SELECT content FROM view_sightings WHERE id = ?1")?;
    let mut rows = statement.query([blob(&id.0)])?;
    rows.next()?.map(|row| decoded(row, 0)).transpose()
}
