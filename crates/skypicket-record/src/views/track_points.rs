//! View *track points*: where each track was, at 1 Hz.

use super::{View, blob, index, sql_index};
use crate::{query::TrackPoint, record::ReadError};
use rusqlite::{Connection, params};
use skypicket_model::{Body, Entry, Place, Time, TrackId, TrackState};

pub(crate) const VIEW: View =
    View { tables: &["view_track_points"], schema: include_str!("track_points.sql"), apply, purge };

/// Most points in one answer (nearly three hours at 1 Hz).
const MAX_POINTS: u32 = 10_000;

fn state_word(state: TrackState) -> &'static str {
    match state {
        TrackState::Tentative => "tentative",
        TrackState::Confirmed => "confirmed",
        TrackState::Deleted => "deleted",
    }
}

fn state_of(word: &str) -> Option<TrackState> {
    [TrackState::Tentative, TrackState::Confirmed, TrackState::Deleted].into_iter().find(|s| state_word(*s) == word)
}

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Tracks { items } = &entry.body else { return Ok(()) };
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO view_track_points (track, at, entry, lat, lon, alt, ve, vn, vu, state) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for t in items {
        let [ve, vn, vu] = t.vel_enu_mps;
        // SQL knows no NaN: such a point would be refused, and with it everything in its transaction.
        if ![t.place.lat_deg, t.place.lon_deg, ve, vn, vu].iter().all(|x| x.is_finite()) {
            continue;
        }
        insert.execute(params![
            blob(&t.id.0),
            t.at.as_micros(),
            sql_index(entry.index),
            t.place.lat_deg,
            t.place.lon_deg,
            t.place.alt_hae_m,
            ve,
            vn,
            vu,
            state_word(t.state),
        ])?;
    }
    Ok(())
}

fn purge(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Tracks { items } = &entry.body else { return Ok(()) };
    let mut delete =
        connection.prepare_cached("DELETE FROM view_track_points WHERE track = ?1 AND at = ?2 AND entry = ?3")?;
    for t in items {
        delete.execute(params![blob(&t.id.0), t.at.as_micros(), sql_index(entry.index)])?;
    }
    Ok(())
}

pub(crate) fn history(
    connection: &Connection,
    track: TrackId,
    from: Time,
    until: Time,
) -> Result<Vec<TrackPoint>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT at, lat, lon, alt, ve, vn, vu, state, entry FROM view_track_points \
         WHERE track = ?1 AND at BETWEEN ?2 AND ?3 ORDER BY at LIMIT ?4",
    )?;
    let mut rows = statement.query(params![blob(&track.0), from.as_micros(), until.as_micros(), MAX_POINTS])?;
    let mut points = Vec::new();
    while let Some(row) = rows.next()? {
        let state: String = row.get(7)?;
        points.push(TrackPoint {
            track,
            at: Time::from_micros(row.get(0)?),
            place: Place { lat_deg: row.get(1)?, lon_deg: row.get(2)?, alt_hae_m: row.get(3)? },
            vel_enu_mps: [row.get(4)?, row.get(5)?, row.get(6)?],
            state: state_of(&state).ok_or_else(|| ReadError::Io("a view holds a state that is none".into()))?,
            entry: index(row, 8)?,
        });
    }
    Ok(points)
}
