//! [`Audit`]: the access audit's door: who read what, and what was done about who may, on the way into the record.

use crate::{
    centre::Centre,
    clock,
    commit::PATIENCE,
    inbox::{Job, NotTaken},
    reads::{Positions, Reads},
};
use skypicket_model::{Access, PersonId};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// How often reads that are due go into the record.
const FLUSH: Duration = Duration::from_secs(2);
/// Rows in one entry.
const ROWS: usize = 256;

/// Puts rows into the access audit.
#[derive(Clone)]
pub struct Audit {
    centre: Centre,
    reads: Arc<Mutex<Reads>>,
}

/// Why a read that must stand in the record first is not answered.
#[derive(Debug)]
pub enum NotAnswered {
    /// It cannot be put into the record.
    NotTaken(NotTaken),
    /// Too many in this minute.
    TooMany,
}

impl Audit {
    /// Into the record of this centre.
    pub fn new(centre: Centre) -> Self {
        Self { centre, reads: Arc::default() }
    }

    /// Puts a row in without waiting for the disk: for what has happened already.
    pub fn note(&self, access: Access) {
        if let Err(error) = self.centre.inbox.push(Job::Access(vec![access], None)) {
            tracing::warn!(%error, "a row of the access audit was not taken");
        }
    }

    /// Puts a row in; resolves after it is durable: for what must not happen unseen.
    pub async fn write(&self, access: Access) -> Result<(), NotTaken> {
        self.write_all(vec![access]).await
    }

    /// The same for several at once.
    pub async fn write_all(&self, rows: Vec<Access>) -> Result<(), NotTaken> {
        if rows.is_empty() { Ok(()) } else { self.centre.access(rows).await }
    }

    fn reads(&self) -> MutexGuard<'_, Reads> {
        // A panic while holding the lock leaves a table that is at worst one read short.
        self.reads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A read that shows nobody's position.
    pub fn read(&self, by: &PersonId, session: &str, what: &str) {
        self.reads().read(by, session, what, clock::now());
    }

    /// A read that shows where these people are (nobody named: everybody). Resolves when it may be answered: it stands in
    /// the record by then.
    pub async fn positions(
        &self,
        by: &PersonId,
        session: &str,
        what: &str,
        about: &BTreeSet<PersonId>,
    ) -> Result<(), NotAnswered> {
        let asked = self.reads().positions(by, session, what, about, clock::now());
        self.stand(asked).await
    }

    /// The same for a read of an intelligence report.
    pub async fn intelligence(&self, by: &PersonId, session: &str, what: &str) -> Result<(), NotAnswered> {
        let asked = self.reads().intelligence(by, session, what, clock::now());
        self.stand(asked).await
    }

    async fn stand(&self, asked: Positions) -> Result<(), NotAnswered> {
        match asked {
            Positions::Counted => Ok(()),
            Positions::TooMany => Err(NotAnswered::TooMany),
            Positions::Write(row) => {
                self.write(row.clone()).await.map_err(NotAnswered::NotTaken)?;
                self.reads().written(&row, clock::now());
                Ok(())
            }
        }
    }

    /// The same for what warns: it waits for the disk no longer than a warning does, and is not refused (promise 10). The
    /// row is in the engines' queue by then, and is written when the record recovers.
    pub async fn positions_beside(&self, by: &PersonId, session: &str, what: &str, about: &BTreeSet<PersonId>) {
        let asked = self.reads().positions(by, session, what, about, clock::now());
        let Positions::Write(row) = asked else { return };
        match tokio::time::timeout(PATIENCE, self.write(row.clone())).await {
            Ok(Err(error @ (NotTaken::Busy | NotTaken::Closing))) => {
                tracing::warn!(%error, "a row of the access audit was not taken");
                return;
            }
            Ok(Err(error)) => tracing::warn!(%error, "a row of the access audit waits for the record"),
            Err(_) => tracing::warn!("a row of the access audit waits for a slow disk"),
            Ok(Ok(())) => {}
        }
        self.reads().written(&row, clock::now());
    }

    /// A stream that showed where these people are has ended.
    pub fn positions_ended(&self, by: &PersonId, session: &str, what: &str, about: &BTreeSet<PersonId>) {
        self.reads().ended(by, session, what, about, clock::now());
    }

    /// Puts the reads that are due into the record, all that wait when it is the `last` time.
    pub fn flush(&self, last: bool) {
        let rows = self.reads().due(clock::now(), last);
        for rows in rows.chunks(ROWS) {
            if let Err(error) = self.centre.inbox.push(Job::Access(rows.to_vec(), None)) {
                tracing::warn!(%error, rows = rows.len(), "rows of the access audit were not taken");
            }
        }
    }

    /// The same, and waits for the disk; what cannot be written is said in the log.
    pub async fn flushed(&self) {
        let rows = self.reads().due(clock::now(), false);
        for rows in rows.chunks(ROWS) {
            if let Err(error) = self.centre.access(rows.to_vec()).await {
                tracing::warn!(%error, rows = rows.len(), "rows of the access audit were not taken");
            }
        }
    }

    /// Flushes until the centre stops; the last rows go when it has answered its last request.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        let mut due = tokio::time::interval(FLUSH);
        loop {
            tokio::select! {
                _ = due.tick() => self.flush(false),
                _ = stopped.wait_for(|s| *s) => return,
            }
        }
    }
}
