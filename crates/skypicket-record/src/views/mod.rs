//! Views: tables made from the entries, in the transaction that adds them, and at any time again from the beginning.
//!
//! A view depends on nothing but the entries, in order: what is made again equals what was there, byte for byte. Each
//! file has one view: its tables (in the `.sql` of the same name), what an entry changes in it, and its questions.

pub(crate) mod access;
pub(crate) mod deliveries;
pub(crate) mod dissemination;
pub(crate) mod measures;
pub(crate) mod notices;
pub(crate) mod recipients;
pub(crate) mod reports;
pub(crate) mod requests;
pub(crate) mod search;
pub(crate) mod sightings;
pub(crate) mod snapshots;
pub(crate) mod track_points;
pub(crate) mod upkeep;

use crate::{
    encoding,
    query::{MAX_PAGE, Page},
    record::ReadError,
};
use rusqlite::{Connection, Row, Rows, types::Value};
use serde::{Serialize, de::DeserializeOwned};
use skypicket_model::Entry;
use uuid::Uuid;

/// Version of the views' tables and rules; a record with another one has its views made again when it is opened.
pub(crate) const VERSION: u32 = 4;

/// One view.
pub(crate) struct View {
    /// Its tables, which `schema` creates.
    pub(crate) tables: &'static [&'static str],
    /// SQL that creates them.
    pub(crate) schema: &'static str,
    /// What an entry changes.
    pub(crate) apply: fn(&Connection, &Entry) -> rusqlite::Result<()>,
    /// What goes when the content of an entry, given as it was, is purged. What a later entry said of the same thing
    /// stays until that entry's time is over; what has several entries goes with the first of them.
    pub(crate) purge: fn(&Connection, &Entry) -> rusqlite::Result<()>,
}

/// All views.
pub(crate) const VIEWS: [View; 12] = [
    requests::VIEW,
    sightings::VIEW,
    notices::VIEW,
    deliveries::VIEW,
    recipients::VIEW,
    measures::VIEW,
    track_points::VIEW,
    snapshots::VIEW,
    access::VIEW,
    upkeep::VIEW,
    reports::VIEW,
    search::VIEW,
];

/// Lets every view take an entry.
pub(crate) fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    VIEWS.iter().try_for_each(|view| (view.apply)(connection, entry))
}

/// Lets every view forget an entry, given as it was before its content is purged.
pub(crate) fn purge(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    VIEWS.iter().try_for_each(|view| (view.purge)(connection, entry))
}

/// Creates every view's tables, empty, dropping what was there.
pub(crate) fn create(connection: &Connection) -> rusqlite::Result<()> {
    for view in &VIEWS {
        for table in view.tables {
            connection.execute_batch(&format!("DROP TABLE IF EXISTS {table};"))?;
        }
        connection.execute_batch(view.schema)?;
    }
    Ok(())
}

/// An index as SQL has it.
pub(crate) fn sql_index(index: u64) -> i64 {
    index.cast_signed()
}

/// Content as stored.
fn encoded<T: Serialize>(value: &T) -> rusqlite::Result<Vec<u8>> {
    encoding::to_bytes(value).map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))
}

/// Content as it was.
fn decoded<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, ReadError> {
    let bytes: Vec<u8> = row.get(column)?;
    encoding::from_bytes(&bytes).map_err(|e| ReadError::Io(format!("a view's content: {e}")))
}

/// An id as stored.
fn blob(id: &Uuid) -> Value {
    Value::Blob(id.as_bytes().to_vec())
}

/// A name as it was.
fn name<T: TryFrom<String>>(text: String) -> Result<T, ReadError> {
    T::try_from(text).map_err(|_| ReadError::Io("a view holds a name that is none".into()))
}

/// An index as it was.
fn index(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

/// The conditions of a question.
struct Conditions {
    sql: String,
    values: Vec<Value>,
}

impl Conditions {
    /// Everything before the cursor: `column` is what the list is ordered by, downwards.
    fn before(column: &str, cursor: Option<&str>) -> Result<Self, ReadError> {
        let at = match cursor {
            None => i64::MAX,
            Some(text) => i64::from_str_radix(text, 16).map_err(|_| ReadError::Cursor)?,
        };
        Ok(Self { sql: format!("{column} < ?"), values: vec![Value::Integer(at)] })
    }

    fn and(&mut self, sql: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.values.extend(values);
    }
}

/// How many at most.
fn bounded(limit: usize) -> usize {
    if limit == 0 { MAX_PAGE } else { limit.min(MAX_PAGE) }
}

/// One page of rows: `each` gives the row's key and thing, or nothing when it is not meant.
fn page<T>(
    mut rows: Rows<'_>,
    limit: usize,
    mut each: impl FnMut(&Row<'_>) -> Result<Option<(u64, T)>, ReadError>,
) -> Result<Page<T>, ReadError> {
    let limit = bounded(limit);
    let mut items = Vec::new();
    let mut last = 0;
    while let Some(row) = rows.next()? {
        if items.len() == limit {
            return Ok(Page { items, next: Some(format!("{last:x}")) });
        }
        if let Some((key, item)) = each(row)? {
            last = key;
            items.push(item);
        }
    }
    Ok(Page { items, next: None })
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::OperationInterrupted) => Self::Timeout,
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => Self::Busy,
            _ => Self::Io(error.to_string()),
        }
    }
}
