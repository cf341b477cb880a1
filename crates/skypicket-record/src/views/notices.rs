//! View *notices*: every version of every notice, and which is the newest.

use super::{Conditions, View, blob, decoded, encoded, index, page, sql_index};
use crate::{
    query::{NoticeQuery, NoticeRow, Page},
    record::ReadError,
};
use rusqlite::{Connection, Row, params, params_from_iter, types::Value};
use skypicket_model::{Body, Entry, Level, NoticeId, ProtectedId, Time, notice::WITHDRAWN};

pub(crate) const VIEW: View =
    View { tables: &["view_notices", "view_notice_heads"], schema: include_str!("notices.sql"), apply, purge };

/// Kind in the private store of what was made of a notice's version to be given to others' systems. Its key is
/// `NOTICE.VERSION`, or that and [`WITHDRAWN`]; it leaves with the version.
pub const ALERTS: &str = "cap_alert";

/// A level's word.
pub(super) fn level_word(level: Level) -> &'static str {
    match level {
        Level::Advisory => "advisory",
        Level::Caution => "caution",
        Level::Urgent => "urgent",
    }
}

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let n = match &entry.body {
        Body::Notice(n) => n,
        Body::Unrecorded { first, last } => {
            connection
                .prepare_cached("UPDATE view_notices SET late = 1 WHERE entry BETWEEN ?1 AND ?2")?
                .execute([sql_index(*first), sql_index(*last)])?;
            return Ok(());
        }
        _ => return Ok(()),
    };
    let protected = n.warning().map(|w| match &w.protected {
        ProtectedId::Person(p) => format!("person:{p}"),
        ProtectedId::Site(s) => format!("site:{s}"),
    });
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO view_notices \
             (id, version, entry, recorded_at, late, state, level, track, protected, at, content) \
             VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            blob(&n.id.0),
            n.version,
            sql_index(entry.index),
            entry.recorded_at.as_micros(),
            n.state.word(),
            level_word(n.level),
            n.track().map(|t| blob(&t.0)),
            protected,
            n.at.as_micros(),
            encoded(n)?,
        ])?;
    connection
        .prepare_cached(
            "INSERT INTO view_notice_heads (entry, id, version, open) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (id) DO UPDATE SET version = excluded.version, open = excluded.open \
             WHERE excluded.version >= version",
        )?
        .execute(params![sql_index(entry.index), blob(&n.id.0), n.version, !n.state.ended()])?;
    Ok(())
}

fn purge(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Notice(n) = &entry.body else { return Ok(()) };
    let id = blob(&n.id.0);
    // What is kept beside the record and says what this version said; the withdrawal that the next one made necessary
    // names it, too.
    let mut forget = connection.prepare_cached("DELETE FROM private WHERE kind = ?1 AND key = ?2")?;
    let next = n.version.saturating_add(1);
    for (version, ending) in [(n.version, ""), (n.version, WITHDRAWN), (next, WITHDRAWN)] {
        forget.execute(params![ALERTS, format!("{}.{version}{ending}", n.id)])?;
    }
    connection
        .prepare_cached("DELETE FROM view_notices WHERE id = ?1 AND version = ?2 AND entry = ?3")?
        .execute(params![id, n.version, sql_index(entry.index)])?;
    // Listed by the first version that is left, as when the view is made again.
    let left: Option<i64> = connection
        .prepare_cached("SELECT min(entry) FROM view_notices WHERE id = ?1")?
        .query_row([&id], |row| row.get(0))?;
    match left {
        Some(first) => connection
            .prepare_cached("UPDATE view_notice_heads SET entry = ?2 WHERE id = ?1")?
            .execute(params![id, first])?,
        None => connection.prepare_cached("DELETE FROM view_notice_heads WHERE id = ?1")?.execute([id])?,
    };
    Ok(())
}

/// From the columns content, entry, recorded_at, late, starting at `first`.
fn row_of(row: &Row<'_>, first: usize) -> Result<NoticeRow, ReadError> {
    Ok(NoticeRow {
        notice: decoded(row, first)?,
        entry: index(row, first + 1)?,
        recorded_at: Time::from_micros(row.get(first + 2)?),
        late: row.get(first + 3)?,
    })
}

pub(crate) fn list(connection: &Connection, query: &NoticeQuery) -> Result<Page<NoticeRow>, ReadError> {
    let mut conditions = Conditions::before("h.entry", query.cursor.as_deref())?;
    if query.open {
        conditions.and("h.open = 1", []);
    }
    if let Some(person) = &query.recipient {
        conditions.and(
            "EXISTS (SELECT 1 FROM view_recipients r WHERE r.person = ? AND r.notice = h.id)",
            [Value::Text(person.as_str().into())],
        );
    }
    let sql = format!(
        "SELECT h.entry, n.content, n.entry, n.recorded_at, n.late FROM view_notice_heads h \
         JOIN view_notices n ON n.id = h.id AND n.version = h.version WHERE {} ORDER BY h.entry DESC",
        conditions.sql
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query(params_from_iter(conditions.values))?;
    page(rows, query.limit, |row| Ok(Some((index(row, 0)?, row_of(row, 1)?))))
}

pub(crate) fn versions(connection: &Connection, id: NoticeId) -> Result<Vec<NoticeRow>, ReadError> {
    let mut statement = connection
        .prepare_cached("SELECT content, entry, recorded_at, late FROM view_notices WHERE id = ?1 ORDER BY version")?;
    let mut rows = statement.query([blob(&id.0)])?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        versions.push(row_of(row, 0)?);
    }
    Ok(versions)
}
