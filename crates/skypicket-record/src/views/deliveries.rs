//! View *deliveries*: how far each notice version has come on its way to each person over each channel.

use super::{Conditions, View, blob, decoded, encoded, index, page, sql_index};
use crate::{
    query::{DeliveryQuery, Page},
    record::ReadError,
};
use rusqlite::{Connection, params, params_from_iter, types::Value};
use skypicket_model::{Body, Delivery, DispatchEvent, Entry};

pub(crate) const VIEW: View = View { tables: &["view_deliveries"], schema: include_str!("deliveries.sql"), apply };

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Dispatch(DispatchEvent::Attempt { delivery: d } | DispatchEvent::Moved { delivery: d }) = &entry.body
    else {
        return Ok(());
    };
    connection
        .prepare_cached(
            "INSERT INTO view_deliveries (id, entry, notice, version, person, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT (id) DO UPDATE SET content = excluded.content",
        )?
        .execute(params![
            blob(&d.id.0),
            sql_index(entry.index),
            blob(&d.notice.0),
            d.version,
            d.person.as_str(),
            encoded(d)?
        ])?;
    Ok(())
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
