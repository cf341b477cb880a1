//! Purging: clearing the content and nonce of items whose time is over. Commitments stay, so every proof still holds.
//!
//! A reader finds what is due, in pieces; the writer clears it in small transactions between those of people, so that
//! nobody waits for it; at the end the write-ahead log is folded in and cut to nothing, since it would hold the old
//! pages. What is cleared is overwritten (`secure_delete`).

use super::{
    SqliteRecord,
    rows::{self},
};
use crate::{
    query::{Page, SearchHit, SearchQuery, Seen},
    record::{AppendError, ReadError, Record},
    retention::{KINDS, Retention},
    views::{self, reports::Holding},
};
use rusqlite::{Connection, OptionalExtension, params};
use skypicket_model::{Act, Body, ReportId, Time};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// Entries that a reader looks at in one question.
const LOOK: u64 = 20_000;
/// Entries handed to the writer at once, and how long it may take over them.
const STEP: (usize, Duration) = (64, Duration::from_millis(40));
/// How often, and how often at most, the write-ahead log is tried to be cut while readers hold it.
const CUT: (Duration, u32) = (Duration::from_millis(100), 100);

/// Why a purge did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PurgeError {
    /// What is due could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It could not be cleared.
    #[error(transparent)]
    Write(#[from] AppendError),
    /// Nobody purged this report.
    #[error("report {0} was not purged by anybody: its content stays")]
    NotPurged(ReportId),
    /// The engines could not be made again without what would go.
    #[error("there is no snapshot after the purge of report {0} was decided: append one first")]
    NoSnapshot(ReportId),
}

/// What was purged, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Purge {
    /// Items by kind of entry.
    pub items: BTreeMap<String, u64>,
    /// Ids of the backups that hold some of it.
    pub backups: Vec<String>,
    /// The write-ahead log was cut to nothing: nothing of it is left on the disk.
    pub log_cut: bool,
    /// Why it ended before everything was purged, where it did.
    pub failed: Option<String>,
}

/// Entries that may go, each with how many items it has; and the first that is kept.
type Apart = (Vec<(u64, u64)>, Option<u64>);

/// What a start needs, and what is kept for it whatever its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Keep {
    snapshot: Option<u64>,
    configured: Option<u64>,
}

impl Keep {
    /// What of these may go, and the first that is kept.
    fn apart(self, connection: &Connection, kind: &str, entries: Vec<(u64, u64)>) -> Result<Apart, ReadError> {
        let (mut go, mut kept) = (Vec::with_capacity(entries.len()), None);
        for (index, items) in entries {
            if self.holds(connection, kind, index)? {
                kept = kept.or(Some(index));
            } else {
                go.push((index, items));
            }
        }
        Ok((go, kept))
    }

    fn holds(self, connection: &Connection, kind: &str, index: u64) -> Result<bool, ReadError> {
        if self.snapshot == Some(index) || self.configured == Some(index) {
            return Ok(true);
        }
        // Who is who since the newest configuration is in no other entry.
        if kind != "act" || self.configured.is_some_and(|c| index < c) {
            return Ok(false);
        }
        match rows::read_one(connection, index) {
            Ok(Some((entry, _))) => Ok(matches!(&entry.body, Body::Act(a) if matches!(a.act, Act::Directory { .. }))),
            // What does not read keeps nobody: its time is over all the same.
            Ok(None) | Err(ReadError::Damaged { .. } | ReadError::Purged { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// What the writer did of a step.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// How many of the entries it came to.
    done: usize,
    /// Items cleared.
    items: u64,
}

impl SqliteRecord {
    /// What may be purged now: items by kind, and the backups that hold some of it. Takes as long as it takes, on this
    /// thread.
    pub fn due(&self, retention: &Retention, now: Time) -> Result<Purge, PurgeError> {
        self.purging(retention, now, true, &AtomicBool::new(false))
    }

    /// Purges what is due, in small steps between what others write. Takes as long as it takes, on this thread. The
    /// caller appends a snapshot before and says what was purged after. Ends early once `stop` is set; what was purged
    /// until then is in the answer, the rest is for the next time.
    pub fn purge(&self, retention: &Retention, now: Time, stop: &AtomicBool) -> Result<Purge, PurgeError> {
        self.purging(retention, now, false, stop)
    }

    fn purging(
        &self,
        retention: &Retention,
        now: Time,
        only_look: bool,
        stop: &AtomicBool,
    ) -> Result<Purge, PurgeError> {
        let mut purge = Purge::default();
        let mut oldest = None;
        let done = self.clear(retention, now, only_look, stop, &mut purge.items, &mut oldest);
        if let Err(error) = done {
            // What was cleared before it must be told.
            if purge.items.is_empty() || only_look {
                return Err(error);
            }
            purge.failed = Some(error.to_string());
        }
        if let Some(oldest) = oldest {
            purge.backups = self.ask(move |c| views::upkeep::backups_with(c, oldest)).wait()?;
        }
        if !only_look {
            purge.log_cut = self.cut_log(stop).unwrap_or(false);
        }
        Ok(purge)
    }

    /// Clears, or only counts, what is due of each kind.
    fn clear(
        &self,
        retention: &Retention,
        now: Time,
        only_look: bool,
        stop: &AtomicBool,
        items: &mut BTreeMap<String, u64>,
        oldest: &mut Option<u64>,
    ) -> Result<(), PurgeError> {
        let keep = self.ask(keep).wait()?;
        for (kind, _) in KINDS {
            let Some(cutoff) = retention.cutoff(kind, now) else { continue };
            let (begin, end) = self.ask(move |c| Ok((cursor(c, kind)?, first_at(c, cutoff)?))).wait()?;
            let mut from = begin;
            let mut kept: Option<u64> = None;
            let mut look = LOOK;
            let mut count = |n: u64| {
                if n > 0 {
                    *items.entry(kind.into()).or_insert(0) += n;
                }
            };
            while from < end && !stop.load(Ordering::Relaxed) {
                let until = end.min(from + look);
                let found = self.ask(move |c| keep.apart(c, kind, due(c, kind, from, until)?)).wait();
                let (due, held) = match found {
                    // Fewer from now on, where so many take longer than readers may.
                    Err(ReadError::Timeout) if look > 1 => {
                        look = (look / 4).max(1);
                        continue;
                    }
                    found => found?,
                };
                kept = kept.or(held);
                let mut left = due;
                if let Some((first, _)) = left.first() {
                    *oldest = Some(oldest.map_or(*first, |o: u64| o.min(*first)));
                }
                if only_look {
                    count(left.iter().map(|(_, items)| items).sum());
                    left.clear();
                }
                while !left.is_empty() && !stop.load(Ordering::Relaxed) {
                    let entries: Vec<u64> = left.iter().take(STEP.0).map(|(index, _)| *index).collect();
                    let step = self.send(|answer| super::Job::Purge { entries, answer }).wait()?;
                    left.drain(..step.done.max(1).min(left.len()));
                    count(step.items);
                }
                if left.is_empty() {
                    from = until;
                }
            }
            let reached = kept.unwrap_or(end).min(from);
            if !only_look && reached > begin {
                self.send(|answer| super::Job::Reached { kind, index: reached, answer }).wait()?;
            }
        }
        Ok(())
    }

    /// Clears the content of a report that people purged wherever it is: in acts, states, answers, views and snapshots.
    /// To be called again until [`Purge::log_cut`] and no [`Purge::failed`]: what is cleared already costs nothing. The
    /// caller appends a snapshot before, and [`skypicket_model::entry::Upkeep::Purged`] with the report's id after; until
    /// then the report is in [`SqliteRecord::reports_to_purge`]. Takes as long as it takes, on this thread.
    pub fn purge_report(&self, report: ReportId, stop: &AtomicBool) -> Result<Purge, PurgeError> {
        let mut purge = Purge::default();
        loop {
            let holding = self.ask(move |c| views::reports::holding(c, report)).wait()?;
            let Some(Holding { end, first, entries, cleared, snapshots }) = holding else {
                return Err(PurgeError::NotPurged(report));
            };
            if entries.is_empty() && snapshots.is_empty() {
                purge.backups = self.ask(move |c| views::upkeep::backups_with(c, first)).wait()?;
                // Each is one item; those of a purge that was broken off count as well.
                for (_, kind) in cleared {
                    *purge.items.entry(kind).or_insert(0) += 1;
                }
                break;
            }
            let latest = self.ask(views::snapshots::latest).wait()?;
            if latest.is_none_or(|latest| latest < end) {
                return Err(PurgeError::NoSnapshot(report));
            }
            // Snapshots first: they are found by the entries, also when this is broken off between.
            for entry in snapshots.iter().chain(entries.iter().map(|(entry, _)| entry)) {
                if stop.load(Ordering::Relaxed) {
                    purge.failed = Some("the centre is shutting down".into());
                    return Ok(purge);
                }
                let entries = vec![*entry];
                self.send(|answer| super::Job::Purge { entries, answer }).wait()?;
            }
            if !snapshots.is_empty() {
                *purge.items.entry("snapshot".into()).or_insert(0) += snapshots.len() as u64;
            }
        }
        purge.log_cut = self.cut_log(stop).unwrap_or(false);
        Ok(purge)
    }

    /// Reports that people purged and that no [`skypicket_model::entry::Upkeep::Purged`] says to be out of the record.
    pub fn reports_to_purge(&self) -> crate::Reply<Vec<ReportId>, ReadError> {
        self.ask(views::reports::pending)
    }

    /// Whether the newest snapshot was made after a report's purge was decided.
    pub fn has_snapshot_since_purge(&self, report: ReportId) -> crate::Reply<bool, ReadError> {
        self.ask(move |c| {
            let end = views::reports::holding(c, report)?.map(|h| h.end);
            Ok(end.is_some_and(|end| views::snapshots::latest(c).is_ok_and(|s| s > Some(end))))
        })
    }

    /// One page of what can be found and what `seen` lets through; what it does not is counted nowhere.
    pub fn search(&self, query: SearchQuery, seen: Box<Seen>) -> crate::Reply<Page<SearchHit>, ReadError> {
        self.ask(move |c| views::search::find(c, &query, &seen))
    }

    /// How many things can be found and are let through by `seen`, at most `most`.
    pub fn search_count(&self, query: SearchQuery, seen: Box<Seen>, most: usize) -> crate::Reply<usize, ReadError> {
        self.ask(move |c| views::search::count(c, &query, &seen, most))
    }

    /// Folds the write-ahead log in and cuts it to nothing; false when readers held it all the time.
    fn cut_log(&self, stop: &AtomicBool) -> Result<bool, AppendError> {
        for _ in 0..CUT.1 {
            if self.send(|answer| super::Job::Cut { answer }).wait()? {
                return Ok(true);
            }
            if stop.load(Ordering::Relaxed) {
                break;
            }
            std::thread::sleep(CUT.0);
        }
        Ok(false)
    }

    /// The first entry recorded at or after a moment; the end of the log when there is none.
    pub fn first_at(&self, at: Time) -> Result<u64, ReadError> {
        self.ask(move |c| first_at(c, at)).wait()
    }

    /// When the first entry was recorded.
    pub fn begun_at(&self) -> Result<Option<Time>, ReadError> {
        self.ask(|c| Ok(rows::recorded_at(c, 0)?)).wait()
    }

    /// What was done to the record as a whole, newest first.
    pub fn upkeep(&self, limit: usize) -> crate::Reply<Vec<crate::UpkeepRow>, ReadError> {
        self.ask(move |c| views::upkeep::list(c, limit))
    }

    /// The oldest snapshot that was not purged: from here on the engines can be made again. `None` where nothing was
    /// purged before it, or there is none.
    pub fn oldest_snapshot(&self) -> crate::Reply<Option<u64>, ReadError> {
        self.ask(|c| Ok(views::snapshots::oldest(c)?))
    }

    /// The newest entry that holds a configuration.
    pub fn newest_configured(&self) -> crate::Reply<Option<u64>, ReadError> {
        self.ask(|c| Ok(views::upkeep::newest(c, "configured")?))
    }

    /// Entries from an index on, read over what was purged; at most `limit` and about 32 MiB of them.
    pub fn read_on(&self, from: u64, limit: usize) -> crate::Reply<crate::Stretch, ReadError> {
        self.ask(move |c| rows::read_on(c, from, limit))
    }

    /// The moment of the last entry; the clock of whoever appends next must not be before it.
    pub fn last_recorded_at(&self) -> Option<Time> {
        self.head().last_recorded_at
    }
}

fn keep(connection: &Connection) -> Result<Keep, ReadError> {
    Ok(Keep {
        snapshot: views::snapshots::latest(connection)?,
        configured: views::upkeep::newest(connection, "configured")?,
    })
}

/// Everything of a kind before this entry was purged.
fn cursor(connection: &Connection, kind: &str) -> rusqlite::Result<u64> {
    let text: Option<String> = connection
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row([format!("purged:{kind}")], |row| row.get(0))
        .optional()?;
    Ok(text.and_then(|t| t.parse().ok()).unwrap_or(0))
}

/// The first entry recorded at or after a moment: times never decrease, so it is found by halving.
fn first_at(connection: &Connection, at: Time) -> Result<u64, ReadError> {
    let size: i64 = connection.query_row("SELECT coalesce(max(idx) + 1, 0) FROM entries", [], |row| row.get(0))?;
    let (mut low, mut high) = (0, size.cast_unsigned());
    while low < high {
        let middle = low + (high - low) / 2;
        let time = rows::recorded_at(connection, middle)?.ok_or(ReadError::NoEntry { index: middle })?;
        if time < at {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Entries of a kind that still have content, and how many items each.
fn due(connection: &Connection, kind: &str, from: u64, until: u64) -> Result<Vec<(u64, u64)>, ReadError> {
    let mut statement = connection.prepare_cached(
        "SELECT e.idx, e.item_count FROM entries e WHERE e.idx >= ?1 AND e.idx < ?2 AND e.kind = ?3 \
         AND EXISTS (SELECT 1 FROM items i WHERE i.entry = e.idx AND i.content IS NOT NULL) ORDER BY e.idx",
    )?;
    let rows = statement.query_map(params![from.cast_signed(), until.cast_signed(), kind], |row| {
        Ok((row.get::<_, i64>(0)?.cast_unsigned(), row.get::<_, i64>(1)?.cast_unsigned()))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Clears the content of entries, as many as the time allows, and what views hold of it.
pub(super) fn step(connection: &Connection, entries: &[u64]) -> rusqlite::Result<Step> {
    let begun = Instant::now();
    let mut step = Step::default();
    for index in entries {
        step.done += 1;
        // What does not read is in no view; its time is over all the same.
        if let Ok(Some((entry, _))) = rows::read_one(connection, *index) {
            views::purge(connection, &entry)?;
        }
        step.items += connection
            .prepare_cached("UPDATE items SET nonce = NULL, content = NULL WHERE entry = ?1 AND content IS NOT NULL")?
            .execute([index.cast_signed()])? as u64;
        if begun.elapsed() > STEP.1 {
            break;
        }
    }
    Ok(step)
}

/// Writes down how far a kind was purged.
pub(super) fn reached(connection: &Connection, kind: &str, index: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute([format!("purged:{kind}"), index.to_string()])
        .map(drop)
}

/// Cuts the write-ahead log to nothing; false when readers hold it.
pub(super) fn cut(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(Duration::from_millis(50))?;
    let done = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    connection.busy_timeout(super::BUSY)?;
    match done {
        Ok(busy) => Ok(busy == 0),
        Err(e)
            if matches!(
                e.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
            ) =>
        {
            Ok(false)
        }
        Err(e) => Err(e),
    }
}
