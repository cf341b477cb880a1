//! View *deliveries*: how far each notice version has come on its way to each person over each channel.

use super::{Conditions, View, blob, decoded, encoded, index, page, sql_index};
use crate::{
    query::{DeliveryQuery, DeliveryTimes, Page},
    record::ReadError,
};
use rusqlite::{Connection, params, params_from_iter, types::Value};
use skypicket_model::{Body, Delivery, DispatchEvent, Entry, NoticeId, PersonId, Reached, Time};

pub(crate) const VIEW: View =
    View { tables: &["view_deliveries"], schema: include_str!("deliveries.sql"), apply, purge };

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Dispatch(event @ (DispatchEvent::Attempt { delivery: d } | DispatchEvent::Moved { delivery: d })) =
        &entry.body
    else {
        return Ok(());
    };
    let now = entry.recorded_at.as_micros();
    let tried = matches!(event, DispatchEvent::Attempt { .. });
    connection
        .prepare_cached(
            "INSERT INTO view_deliveries \
             (id, entry, notice, version, person, content, sent_at, tried_at, delivered_at, shown_at, moved_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10) \
             ON CONFLICT (id) DO UPDATE SET content = excluded.content, \
             sent_at = coalesce(sent_at, excluded.sent_at), tried_at = coalesce(excluded.tried_at, tried_at), \
             delivered_at = coalesce(delivered_at, excluded.delivered_at), \
             shown_at = coalesce(shown_at, excluded.shown_at), moved_at = excluded.moved_at",
        )?
        .execute(params![
            blob(&d.id.0),
            sql_index(entry.index),
            blob(&d.notice.0),
            d.version,
            d.person.as_str(),
            encoded(d)?,
            tried.then_some(now),
            (d.reached >= Reached::Delivered).then_some(now),
            (d.reached >= Reached::Shown).then_some(now),
            now,
        ])?;
    Ok(())
}

fn purge(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Dispatch(DispatchEvent::Attempt { delivery: d } | DispatchEvent::Moved { delivery: d }) = &entry.body
    else {
        return Ok(());
    };
    // A later state is another one, and stays.
    connection
        .prepare_cached("DELETE FROM view_deliveries WHERE id = ?1 AND content = ?2")?
        .execute(params![blob(&d.id.0), encoded(d)?])?;
    Ok(())
}

/// Every delivery of a notice version to a person, in order of first use.
pub(crate) fn to(
    connection: &Connection,
    notice: NoticeId,
    version: u32,
    person: &PersonId,
) -> Result<Vec<DeliveryTimes>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT content, sent_at, tried_at, delivered_at, shown_at, moved_at FROM view_deliveries \
         WHERE notice = ?1 AND person = ?2 AND version = ?3 ORDER BY entry",
    )?;
    let mut rows = statement.query(params![blob(&notice.0), person.as_str(), version])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let time = |column| row.get::<_, Option<i64>>(column).map(|t| t.map(Time::from_micros));
        list.push(DeliveryTimes {
            delivery: decoded(row, 0)?,
            sent_at: time(1)?,
            tried_at: time(2)?,
            delivered_at: time(3)?,
            shown_at: time(4)?,
            moved_at: Time::from_micros(row.get(5)?),
        });
    }
    Ok(list)
}

pub(crate) fn list(connection: &Connection, query: &DeliveryQuery) -> Result<Page<Delivery>, ReadError> {
    let mut conditions = Conditions::before("entry", query.cursor.as_deref())?;
    if let Some(notice) = &query.notice {
        conditions.and("notice = ?", [blob(&notice.0)]);
    }
    if let Some(person) = &query.person {
        conditions.and("person = ?", [Value::Text(person.as_str().into())]);
    }
    let sql = format!("SELECT entry, content FROM view_deliveries WHERE {} ORDER BY entry DESC", conditions.sql);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query(params_from_iter(conditions.values))?;
    page(rows, query.limit, |row| Ok(Some((index(row, 0)?, decoded(row, 1)?))))
}
