//! The dissemination log of a notice: for each person on each version's list what was tried, what came of it and what
//! they did. It has no table of its own: it reads the views *recipients*, *deliveries* and *measures* together.

use super::{deliveries, measures, recipients};
use crate::{
    query::{DisseminationQuery, DisseminationRow},
    record::ReadError,
};
use rusqlite::Connection;

/// The page after the query's `after`; empty at the end.
pub(crate) fn list(connection: &Connection, query: &DisseminationQuery) -> Result<Vec<DisseminationRow>, ReadError> {
    // Everything of a page is of one moment.
    let connection = connection.unchecked_transaction()?;
    let on_lists = recipients::after(&connection, query)?;
    on_lists
        .into_iter()
        .map(|(version, recipient)| {
            Ok(DisseminationRow {
                deliveries: deliveries::to(&connection, query.notice, version, &recipient.person)?,
                measures: measures::of(&connection, query.notice, &recipient.person, version)?,
                version,
                recipient,
            })
        })
        .collect()
}
