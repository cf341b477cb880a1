//! View *reports*: which entries hold the content of an intelligence report, and which reports are to leave the record.
//!
//! It needs no scan of the record to find what a purge of one report has to clear.

use super::{View, blob, index, sql_index};
use crate::record::ReadError;
use rusqlite::{Connection, OptionalExtension, params};
use skypicket_model::{Act, Body, DeskEvent, Entry, ReportAct, ReportId, entry::Upkeep, intelligence::ReportStep};
use uuid::Uuid;

pub(crate) const VIEW: View =
    View { tables: &["view_report_entries", "view_report_ends"], schema: include_str!("reports.sql"), apply, purge };

fn apply(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let at = sql_index(entry.index);
    let holds = |report: ReportId, request: Option<(&str, Uuid)>| {
        let (person, request) = request.unzip();
        connection
            .prepare_cached(
                "INSERT INTO view_report_entries (report, entry, person, request) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![blob(&report.0), at, person, request.map(|r| blob(&r))])
            .map(drop)
    };
    match &entry.body {
        Body::Act(act) => match &act.act {
            // Why it is purged stays with its tombstone; every other reason may repeat what it says.
            Act::Intelligence(ReportAct::Purge { .. }) => Ok(()),
            Act::Intelligence(done) => holds(done.report(), act.request.as_ref().map(|r| (act.by.as_str(), r.id.0))),
            // What came under the id of such a request may say the same.
            Act::Conflict { request, .. } => connection
                .prepare_cached(
                    "INSERT INTO view_report_entries (report, entry) SELECT DISTINCT report, ?1 \
                     FROM view_report_entries WHERE request = ?2 AND person = ?3 ON CONFLICT DO NOTHING",
                )?
                .execute(params![at, blob(&request.0), act.by.as_str()])
                .map(drop),
            _ => Ok(()),
        },
        Body::Desk(DeskEvent::Intelligence { state }) if state.step == ReportStep::Purged => connection
            .prepare_cached("INSERT OR IGNORE INTO view_report_ends (report, entry, done) VALUES (?1, ?2, 0)")?
            .execute(params![blob(&state.id.0), at])
            .map(drop),
        Body::Desk(DeskEvent::Intelligence { state }) => holds(state.id, None),
        Body::Upkeep(Upkeep::Purged { report: Some(report), .. }) => {
            let id = blob(&report.0);
            connection
                .prepare_cached("DELETE FROM view_report_entries WHERE report = ?1 AND cleared = 1")?
                .execute([&id])?;
            connection
                .prepare_cached(
                    "UPDATE view_report_ends SET done = 1 WHERE report = ?1 \
                     AND NOT EXISTS (SELECT 1 FROM view_report_entries r WHERE r.report = ?1)",
                )?
                .execute([&id])
                .map(drop)
        }
        _ => Ok(()),
    }
}

fn purge(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let at = sql_index(entry.index);
    match &entry.body {
        Body::Act(_) | Body::Desk(DeskEvent::Intelligence { .. }) => {
            // Which backups hold it is to be told at the end, also after this was broken off.
            connection
                .prepare_cached(
                    "UPDATE view_report_entries SET cleared = 1 WHERE entry = ?1 AND EXISTS \
                     (SELECT 1 FROM view_report_ends e WHERE e.report = view_report_entries.report AND e.done = 0)",
                )?
                .execute([at])?;
            connection
                .prepare_cached("DELETE FROM view_report_entries WHERE entry = ?1 AND cleared = 0")?
                .execute([at])?;
            connection.prepare_cached("DELETE FROM view_report_ends WHERE entry = ?1 AND done = 1")?.execute([at])?;
        }
        _ => {}
    }
    Ok(())
}

/// What still holds a report that people purged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holding {
    /// The entry that says that it is purged: what is after it holds nothing of it.
    pub(crate) end: u64,
    /// The first entry that held it; 0 where that is no longer known.
    pub(crate) first: u64,
    /// Entries with its content, and their kinds.
    pub(crate) entries: Vec<(u64, String)>,
    /// Entries whose content is gone already, and their kinds.
    pub(crate) cleared: Vec<(u64, String)>,
    /// Snapshots of the engines that may hold it.
    pub(crate) snapshots: Vec<u64>,
}

/// What holds a report; `None` where nobody purged it.
pub(crate) fn holding(connection: &Connection, report: ReportId) -> Result<Option<Holding>, ReadError> {
    let id = blob(&report.0);
    let end = connection
        .prepare_cached("SELECT entry FROM view_report_ends WHERE report = ?1")?
        .query_row([&id], |row| index(row, 0))
        .optional()?;
    let Some(end) = end else { return Ok(None) };
    let mut statement = connection.prepare_cached(
        "SELECT r.entry, e.kind, r.cleared FROM view_report_entries r JOIN entries e ON e.idx = r.entry \
         WHERE r.report = ?1 ORDER BY r.entry",
    )?;
    let mut holding = Holding { end, first: 0, entries: Vec::new(), cleared: Vec::new(), snapshots: Vec::new() };
    let mut rows = statement.query([&id])?;
    while let Some(row) = rows.next()? {
        let cleared: bool = row.get(2)?;
        let into = if cleared { &mut holding.cleared } else { &mut holding.entries };
        into.push((index(row, 0)?, row.get(1)?));
    }
    let known = holding.entries.first().into_iter().chain(holding.cleared.first());
    holding.first = known.map(|(entry, _)| *entry).min().unwrap_or(0);
    let mut statement =
        connection.prepare_cached("SELECT entry FROM view_snapshots WHERE entry > ?1 AND entry < ?2 ORDER BY entry")?;
    let mut rows = statement.query([sql_index(holding.first), sql_index(end)])?;
    while let Some(row) = rows.next()? {
        holding.snapshots.push(index(row, 0)?);
    }
    Ok(Some(holding))
}

/// Reports that people purged and that are not out of the record yet, the oldest first.
pub(crate) fn pending(connection: &Connection) -> Result<Vec<ReportId>, ReadError> {
    let mut statement =
        connection.prepare_cached("SELECT report FROM view_report_ends WHERE done = 0 ORDER BY entry LIMIT 1000")?;
    let rows = statement.query_map([], |row| Ok(ReportId(Uuid::from_bytes(row.get(0)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
