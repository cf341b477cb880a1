//! View *requests*: what was answered to each client-made id, so that a repeat is answered and not done again.

use super::{Conditions, View, blob, index, name, page, sql_index};
use crate::{
    query::{ConflictRow, Page, RequestSeen},
    record::ReadError,
};
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use skypicket_model::{Act, Body, Entry, PersonId, Request, RequestId};
use uuid::Uuid;

/// Other bodies kept under one id.
const MAX_CONFLICTS: u32 = 10;

pub(crate) const VIEW: View =
    View { tables: &["view_requests", "view_conflicts"], schema: include_str!("requests.sql"), apply, purge };

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Act(act) = &entry.body else { return Ok(()) };
    let person = act.by.as_str();
    if let Act::Conflict { request, body } = &act.act {
        connection
            .prepare_cached(
                "INSERT INTO view_conflicts (entry, person, id, body) SELECT ?1, ?2, ?3, ?4 WHERE \
                 (SELECT count(*) FROM view_conflicts WHERE person = ?2 AND id = ?3) < ?5",
            )?
            .execute(params![sql_index(entry.index), person, blob(&request.0), body, MAX_CONFLICTS])?;
    }
    if let Some(request) = &act.request {
        // The first answer stays.
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO view_requests (person, id, sha256, status, answer, entry) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                person,
                blob(&request.id.0),
                request.sha256,
                request.status,
                request.answer,
                sql_index(entry.index)
            ])?;
    }
    Ok(())
}

fn purge(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let Body::Act(act) = &entry.body else { return Ok(()) };
    let at = sql_index(entry.index);
    connection.prepare_cached("DELETE FROM view_conflicts WHERE entry = ?1")?.execute([at])?;
    if let Some(request) = &act.request {
        connection
            .prepare_cached("DELETE FROM view_requests WHERE person = ?1 AND id = ?2 AND entry = ?3")?
            .execute(params![act.by.as_str(), blob(&request.id.0), at])?;
    }
    Ok(())
}

pub(crate) fn get(connection: &Connection, person: &PersonId, id: RequestId) -> Result<RequestSeen, ReadError> {
    let found = connection
        .prepare_cached(
            "SELECT sha256, status, answer, entry, \
             (SELECT count(*) FROM view_conflicts c WHERE c.person = r.person AND c.id = r.id) \
             FROM view_requests r WHERE person = ?1 AND id = ?2",
        )?
        .query_row(params![person.as_str(), blob(&id.0)], |row| {
            let request = Request { id, sha256: row.get(0)?, status: row.get(1)?, answer: row.get(2)? };
            Ok(RequestSeen::Yes { request, entry: index(row, 3)?, conflicts: row.get(4)? })
        })
        .optional()?;
    if let Some(found) = found {
        return Ok(found);
    }
    let another = connection.prepare_cached("SELECT 1 FROM view_requests WHERE id = ?1")?.exists([blob(&id.0)])?;
    Ok(if another { RequestSeen::Another } else { RequestSeen::No })
}

pub(crate) fn conflicts(
    connection: &Connection,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Page<ConflictRow>, ReadError> {
    let conditions = Conditions::before("entry", cursor)?;
    let sql =
        format!("SELECT entry, person, id, body FROM view_conflicts WHERE {} ORDER BY entry DESC", conditions.sql);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query(params_from_iter(conditions.values))?;
    page(rows, limit, |row| {
        let entry = index(row, 0)?;
        let (person, request) = (name(row.get(1)?)?, RequestId(Uuid::from_bytes(row.get(2)?)));
        Ok(Some((entry, ConflictRow { person, request, body: row.get(3)?, entry })))
    })
}
