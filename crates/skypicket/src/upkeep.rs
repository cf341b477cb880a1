//! [`Keeper`]: retention in the running centre. Once a day, and at the start when that is overdue, what is older than it
//! may be is purged; also when an administrator asks.

use crate::{cap::CapFeed, centre::Centre, clock, inbox::NotTaken};
use serde::Serialize;
use skypicket_model::{PersonId, ReportId, Time, entry::Upkeep};
use skypicket_record::{Purge, PurgeError, ReadError, Record, Retention, SqliteRecord, UpkeepRow};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Mutex, watch};

/// Time between two purges, seconds.
const EVERY_S: f64 = 86_400.0;
/// How often it is looked whether one is due, so that a clock that was set, or a machine that slept, makes no difference.
const LOOK: Duration = Duration::from_secs(30);
/// After one that failed the next try waits so long, seconds.
const AGAIN_S: f64 = 600.0;
/// Changes of so long are looked at together.
const TOGETHER: Duration = Duration::from_millis(500);
/// Rows of the past that are shown.
const SHOWN: usize = 200;

/// Why nothing was purged, or not all.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The record could not be read or cleared.
    #[error(transparent)]
    Purge(#[from] PurgeError),
    /// The record takes no entries now.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
    /// The checkpoint before the purge could not be signed.
    #[error("the checkpoint before the purge could not be signed: {0}")]
    Checkpoint(String),
    /// The task that did it ended.
    #[error("the purge ended too early: {0}")]
    Ended(String),
}

impl From<ReadError> for KeeperError {
    fn from(e: ReadError) -> Self {
        Self::Purge(e.into())
    }
}

/// What an administrator sees of upkeep.
#[derive(Debug, Serialize)]
pub struct UpkeepView {
    /// Server time.
    now: Time,
    /// Entries there are.
    entries: u64,
    /// Size of the database, bytes.
    database_bytes: u64,
    /// Backups, newest first.
    backups: Vec<BackupView>,
    /// When this record was last made from a backup.
    restored: Option<RestoreView>,
    /// Purges, newest first.
    purges: Vec<PurgeView>,
    /// When the next one is.
    next_purge: Time,
    /// Items that may be purged now, by kind of entry.
    due: BTreeMap<String, u64>,
    /// Ids of the backups that hold some of those.
    due_in_backups: Vec<String>,
    /// How long each kind is kept, days.
    retention: BTreeMap<&'static str, f64>,
    /// From here on the engines can be made again; nothing before it was purged when this is none.
    rebuild_from: Option<u64>,
    /// The folder of the record, for the command that makes a backup.
    folder: String,
}

#[derive(Debug, Serialize)]
struct BackupView {
    id: String,
    at: Time,
    entries: u64,
    to: String,
    recipients: Vec<String>,
}

#[derive(Debug, Serialize)]
struct RestoreView {
    id: String,
    at: Time,
    entries: u64,
    made_at: Time,
}

/// One purge.
#[derive(Debug, Serialize)]
pub struct PurgeView {
    /// When.
    pub at: Time,
    /// Items by kind of entry.
    pub items: BTreeMap<String, u64>,
    /// Who asked; nobody for the daily one.
    pub by: Option<PersonId>,
    /// Backups that still hold it.
    pub backups: Vec<String>,
    /// The intelligence report that people purged, where it was not time that decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportId>,
}

/// What the engines are told before a purge.
pub fn forgot(retention: &Retention, now: Time) -> Upkeep {
    // Positions go by themselves, each by its own age.
    let acts = retention.cutoff("act", now).map(|before| ("acts".to_owned(), before));
    Upkeep::Forgot { before: acts.into_iter().collect() }
}

/// Keeps the record as long as it may be kept, and no longer.
pub struct Keeper {
    centre: Centre,
    retention: Retention,
    /// Holds alerts that were made of bulletins.
    cap: Arc<CapFeed>,
    stop: Arc<AtomicBool>,
    /// One purge at a time.
    at_work: Mutex<()>,
}

impl Keeper {
    /// Of this centre's record.
    pub fn new(centre: Centre, retention: Retention, cap: Arc<CapFeed>) -> Self {
        Self { centre, retention, cap, stop: Arc::default(), at_work: Mutex::new(()) }
    }

    /// Purges daily, and what people decided to purge at once, until the end.
    pub async fn run(self: Arc<Self>, stopped: watch::Receiver<bool>) {
        let watched = Arc::clone(&self.stop);
        let mut stopping = stopped.clone();
        tokio::spawn(async move {
            // Ends with the centre in any case.
            let _ = stopping.wait_for(|s| *s).await;
            watched.store(true, Ordering::Relaxed);
        });
        tokio::join!(self.daily(stopped.clone()), self.reports(stopped));
    }

    async fn daily(&self, mut stopped: watch::Receiver<bool>) {
        let mut not_before = Time::default();
        loop {
            let now = clock::now();
            match self.next().await {
                Ok(next) if next <= now && not_before <= now => {
                    if let Err(error) = self.purge(None).await {
                        tracing::warn!(%error, "the daily purge failed; it is tried again");
                        not_before = now.plus_s(AGAIN_S);
                    }
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "when the next purge is due could not be read"),
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                _ = stopped.wait_for(|s| *s) => return,
            }
        }
    }

    /// At the start, and whenever something that can be found has changed, it is looked whether a report is to go.
    async fn reports(&self, mut stopped: watch::Receiver<bool>) {
        let mut durable = self.centre.durable.subscribe();
        loop {
            let done = self.purge_reports().await;
            if let Err(error) = &done {
                tracing::warn!(%error, "a report that people purged is still in the record; it is tried again");
            }
            tokio::select! {
                // (The sender lives in the centre, which this holds.)
                _ = durable.changed(), if done.is_ok() => {}
                () = tokio::time::sleep(LOOK) => {}
                _ = stopped.wait_for(|s| *s) => return,
            }
            // Not for each of many changes.
            tokio::select! {
                () = tokio::time::sleep(TOGETHER) => {}
                _ = stopped.wait_for(|s| *s) => return,
            }
        }
    }

    /// Takes out of the record what people decided to purge; also what a run before was stopped at.
    async fn purge_reports(&self) -> Result<(), KeeperError> {
        let reports = self.centre.record.reports_to_purge().await?;
        if reports.is_empty() {
            return Ok(());
        }
        let _alone = self.at_work.lock().await;
        let mut since = true;
        for report in &reports {
            since &= self.centre.record.has_snapshot_since_purge(*report).await?;
        }
        if !since {
            self.centre.snapshot().await?;
            let signed = self.centre.record.checkpoint().await;
            signed.map_err(|e| KeeperError::Checkpoint(e.to_string()))?;
        }
        for report in reports {
            let purged = self.blocking(move |record, stop| Ok(record.purge_report(report, stop)?)).await?;
            if let Some(why) = purged.failed {
                return Err(KeeperError::Ended(why));
            }
            if !purged.log_cut {
                return Err(KeeperError::Ended("readers hold the write-ahead log".into()));
            }
            tracing::info!(%report, backups = purged.backups.len(), "a report that people purged is out of the record");
            let (items, backups) = (purged.items, purged.backups);
            let done = Upkeep::Purged { items, at: clock::now(), by: None, backups, report: Some(report) };
            self.centre.upkeep(done).await?;
        }
        Ok(())
    }

    /// When the next purge is due: a day after the last one, or after the record began.
    async fn next(&self) -> Result<Time, KeeperError> {
        let rows = self.centre.record.upkeep(SHOWN).await?;
        let last = rows
            .iter()
            .find(|row| matches!(row.upkeep, Upkeep::Purged { report: None, .. }))
            .map(|row| row.recorded_at);
        let since = match last {
            Some(at) => Some(at),
            None => self.blocking(|record, _| Ok(record.begun_at()?)).await?,
        };
        Ok(since.unwrap_or_else(clock::now).plus_s(EVERY_S))
    }

    /// Purges what is due now. A signed snapshot comes before, so that a rebuild has where to begin; an entry that says
    /// what was purged comes after.
    pub async fn purge(&self, by: Option<PersonId>) -> Result<PurgeView, KeeperError> {
        let _alone = self.at_work.lock().await;
        let now = clock::now();
        let retention = self.retention;
        let due = self.blocking(move |record, _| Ok(record.due(&retention, now)?)).await?;
        let mut purged = Purge::default();
        if !due.items.is_empty() {
            self.centre.upkeep(forgot(&retention, now)).await?;
            self.centre.snapshot().await?;
            let signed = self.centre.record.checkpoint().await;
            signed.map_err(|e| KeeperError::Checkpoint(e.to_string()))?;
            // An alert in the making would put back what is purged.
            let quiet = self.cap.quiet().await;
            // (It goes along: the purge goes on also where nobody waits for it any more.)
            let work = move |record: &SqliteRecord, stop: &AtomicBool| Ok((record.purge(&retention, now, stop), quiet));
            let (done, quiet) = self.blocking(work).await?;
            // Also after one that failed: some of it may be gone.
            if let Err(error) = quiet.sweep().await {
                tracing::warn!(%error, "alerts of what was purged could not be looked for; they are within an hour");
            }
            drop(quiet);
            purged = done?;
            if !purged.log_cut {
                tracing::warn!(
                    "the write-ahead log still holds what was purged: readers kept it; it goes with the next"
                );
            }
        }
        if let Some(error) = &purged.failed {
            tracing::warn!(%error, "the purge did not come to its end; the rest goes with the next");
        }
        let items: u64 = purged.items.values().sum();
        tracing::info!(items, backups = purged.backups.len(), "purged what is older than it may be");
        let view = PurgeView { at: now, items: purged.items, by, backups: purged.backups, report: None };
        self.centre
            .upkeep(Upkeep::Purged {
                items: view.items.clone(),
                at: now,
                by: view.by.clone(),
                backups: view.backups.clone(),
                report: None,
            })
            .await?;
        Ok(view)
    }

    /// What is due, and what was done.
    pub async fn view(&self) -> Result<UpkeepView, KeeperError> {
        let now = clock::now();
        let retention = self.retention;
        let due = self.blocking(move |record, _| Ok(record.due(&retention, now)?)).await?;
        let record = &self.centre.record;
        let mut view = UpkeepView {
            now,
            entries: record.head().next,
            database_bytes: record.metrics().database_bytes,
            backups: Vec::new(),
            restored: None,
            purges: Vec::new(),
            next_purge: self.next().await?,
            due: due.items,
            due_in_backups: due.backups,
            retention: self.retention.groups(),
            rebuild_from: None,
            folder: record.folder().canonicalize().unwrap_or_else(|_| record.folder().into()).display().to_string(),
        };
        let mut purged = false;
        for UpkeepRow { recorded_at, upkeep, .. } in record.upkeep(SHOWN).await? {
            match upkeep {
                Upkeep::BackedUp { id, entries, to, recipients } => {
                    view.backups.push(BackupView { id, at: recorded_at, entries, to, recipients });
                }
                Upkeep::Restored { id, entries, made_at } => {
                    view.restored.get_or_insert(RestoreView { id, at: recorded_at, entries, made_at });
                }
                Upkeep::Forgot { .. } => {}
                Upkeep::Purged { items, at, by, backups, report } => {
                    purged |= !items.is_empty();
                    view.purges.push(PurgeView { at, items, by, backups, report });
                }
            }
        }
        if purged {
            view.rebuild_from = record.oldest_snapshot().await?;
        }
        Ok(view)
    }

    /// Writes down that a backup was made; one that is written down already stays as it is. False when it was.
    pub async fn backed_up(
        &self,
        id: String,
        entries: u64,
        to: String,
        recipients: Vec<String>,
    ) -> Result<bool, KeeperError> {
        let rows = self.centre.record.upkeep(SHOWN).await?;
        let known = rows.iter().any(|row| matches!(&row.upkeep, Upkeep::BackedUp { id: known, .. } if *known == id));
        if !known {
            self.centre.upkeep(Upkeep::BackedUp { id, entries, to, recipients }).await?;
        }
        Ok(!known)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&SqliteRecord, &AtomicBool) -> Result<T, KeeperError> + Send + 'static,
    ) -> Result<T, KeeperError> {
        let (record, stop) = (Arc::clone(&self.centre.record), Arc::clone(&self.stop));
        let done = tokio::task::spawn_blocking(move || work(&record, &stop)).await;
        done.map_err(|e| KeeperError::Ended(e.to_string()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engines::{ENGINES, Engines, Policies};
    use skypicket_model::{
        Agency, AgencyId, Body, Channel, Claims, Directory, DispatchEvent, Entry, LogId, Measurement, NoticeState,
        Observation, ObservationId, Person, Place, Position, Role, Signal, SourceId, Unit, UnitId,
        entry::{Configured, Started},
        observation::{IdClaim, IdKind},
    };
    use uuid::Uuid;

    const BEGIN: Time = Time::from_micros(1_790_000_000_000_000);

    fn name(s: &str) -> PersonId {
        PersonId::new(s).unwrap()
    }

    fn directory() -> Directory {
        let (agency, unit) = (AgencyId::new("a").unwrap(), UnitId::new("u").unwrap());
        let mut d = Directory::default();
        d.agencies.insert(agency.clone(), Agency { id: agency.clone(), name: "A".into() });
        let leadership = vec![name("lead")];
        d.units.insert(unit.clone(), Unit { id: unit.clone(), name: "U".into(), agency, leadership });
        for (id, role) in [("agent", Role::Field), ("lead", Role::Supervisor), ("watch", Role::Watch)] {
            let person = Person {
                id: name(id),
                name: id.into(),
                unit: unit.clone(),
                roles: [role].into(),
                channels: vec![Channel::Web],
                addresses: skypicket_model::people::Addresses::default(),
                subscriptions: Vec::new(),
                tak_uid: None,
                language: skypicket_model::people::Language::En,
                disabled: false,
            };
            d.people.insert(name(id), person);
        }
        d
    }

    /// The engines and the record of what they took and decided.
    struct Story {
        engines: Engines,
        record: Vec<Entry>,
        now: Time,
    }

    impl Story {
        fn started() -> Started {
            Started { log: LogId(Uuid::from_u128(7)), software: "0".into(), engines: ENGINES, exercise: None }
        }

        fn new() -> Self {
            let mut story = Self { engines: Engines::new(&Self::started()), record: Vec::new(), now: BEGIN };
            story.start();
            story
        }

        fn start(&mut self) {
            self.input(Body::Started(Self::started()));
            let policies = Policies::default().to_record().unwrap();
            self.input(Body::Configured(Configured { directory: directory(), policies }));
            self.input(Body::Tick);
        }

        fn input(&mut self, body: Body) -> Vec<Body> {
            let index = self.record.len() as u64;
            let entry = Entry { index, recorded_at: self.now, cause: None, body };
            let decided = self.engines.step(&entry);
            self.record.push(entry);
            for body in &decided {
                let index = self.record.len() as u64;
                self.record.push(Entry { index, recorded_at: self.now, cause: Some(index), body: body.clone() });
            }
            decided
        }

        fn pages_come(&mut self) -> Vec<Body> {
            ["agent", "lead", "watch"]
                .into_iter()
                .flat_map(|p| self.input(Body::Reach { person: name(p), channel: Channel::Web, up: true }))
                .collect()
        }

        /// A drone comes near until somebody is warned and asked, and nobody confirms.
        fn warned() -> Self {
            let mut story = Self::new();
            story.pages_come();
            let at = Place { lat_deg: 31.76, lon_deg: -106.49, alt_hae_m: Some(1_200.0) };
            let via = SourceId::new("web").unwrap();
            story.input(Body::Positions {
                items: vec![Position { person: name("agent"), at, accuracy_m: 5.0, observed_at: story.now, via }],
            });
            for n in 0..200u32 {
                story.now = story.now.plus_s(0.25);
                let north_m = 700.0 - 15.0 * 0.25 * f64::from(n);
                let lat_deg = 31.76 + north_m / 110_900.0;
                let o = Observation {
                    id: ObservationId(Uuid::from_u128(u128::from(n) + 1)),
                    source: SourceId::new("radar").unwrap(),
                    observed_at: story.now,
                    received_at: story.now,
                    measurement: Measurement::Position {
                        at: Place { lat_deg, lon_deg: -106.49, alt_hae_m: Some(1_230.0) },
                        cov_enu_m2: [[9.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.0, 25.0]],
                    },
                    claims: Claims {
                        ids: vec![IdClaim { kind: IdKind::Serial, value: "1581F4ENGINES".into() }],
                        velocity_enu_mps: Some([0.0, -15.0, 0.0]),
                        ..Claims::default()
                    },
                    signal: Signal::default(),
                    sighting: None,
                    flags: Vec::new(),
                };
                let mut decided = story.input(Body::Observations { items: vec![o] });
                if n % 4 == 3 {
                    decided.extend(story.input(Body::Tick));
                }
                if decided.iter().any(|b| matches!(b, Body::Dispatch(DispatchEvent::Attempt { .. }))) {
                    return story;
                }
            }
            panic!("nobody was warned");
        }

        /// What would alarm somebody: attempts of versions that are not the quiet end, escalations, silences.
        fn alarms(&self, from: usize) -> Vec<String> {
            let cleared = |d: &skypicket_model::Delivery| {
                self.record.iter().any(|e| {
                    matches!(&e.body, Body::Notice(n) if n.id == d.notice && n.version == d.version && n.state == NoticeState::Cleared)
                })
            };
            let loud = |e: &&Entry| match &e.body {
                Body::Dispatch(DispatchEvent::Attempt { delivery }) => !cleared(delivery),
                Body::Dispatch(DispatchEvent::Escalated { .. } | DispatchEvent::Silent { .. }) => true,
                Body::Notice(n) => n.state != NoticeState::Cleared,
                _ => false,
            };
            self.record.iter().skip(from).filter(loud).map(|e| format!("{:?}", e.body)).collect()
        }

        /// History read gives the same state as having lived it.
        fn assert_recovers_the_same(&self) {
            let mut again = Engines::new(&Self::started());
            for e in &self.record {
                again.recover(e);
            }
            assert_eq!(again.snapshot().unwrap(), self.engines.snapshot().unwrap());
        }
    }

    fn restored() -> Body {
        Body::Upkeep(Upkeep::Restored { id: "b".into(), entries: 1, made_at: BEGIN })
    }

    #[test]
    fn after_a_restore_hours_later_nobody_is_alarmed_of_what_was_open() {
        for gap_s in [120.0, 600.0, 21_600.0, 86_400.0 * 3.0] {
            let mut story = Story::warned();
            let from = story.record.len();
            story.now = story.now.plus_s(gap_s);
            let decided = story.input(restored());
            let marked =
                |b: &Body| matches!(b, Body::Dispatch(DispatchEvent::Moved { delivery }) if delivery.may_repeat);
            assert!(!decided.is_empty() && decided.iter().all(marked), "{decided:?}");
            story.start();
            let came = story.record.len();
            story.pages_come();
            for _ in 0..400 {
                story.now = story.now.plus_s(1.0);
                story.input(Body::Tick);
            }
            assert_eq!(story.alarms(from), Vec::<String>::new(), "{gap_s} s later");
            let ended = story.record[from..came]
                .iter()
                .any(|e| matches!(&e.body, Body::Notice(n) if n.state == NoticeState::Cleared));
            assert!(ended, "it ends before any page can come");
            story.assert_recovers_the_same();
        }
    }

    #[test]
    fn after_a_restore_at_once_what_is_open_goes_out_again_marked_on_every_later_attempt_too() {
        let mut story = Story::warned();
        story.now = story.now.plus_s(1.0);
        let from = story.record.len();
        story.input(restored());
        story.start();
        story.pages_come();
        for _ in 0..15 {
            story.now = story.now.plus_s(1.0);
            story.input(Body::Tick);
        }
        let version = |e: &Entry| match &e.body {
            Body::Dispatch(DispatchEvent::Attempt { delivery }) => Some(delivery.clone()),
            _ => None,
        };
        let again: Vec<_> = story.record[from..].iter().filter_map(version).filter(|d| d.version == 1).collect();
        assert!(!again.is_empty() && again.iter().all(|d| d.may_repeat), "{again:?}");
        story.assert_recovers_the_same();
    }

    #[test]
    fn ids_made_after_a_restore_are_none_that_the_lost_history_made() {
        let ids = |restore: Option<f64>| {
            let mut story = Story::new();
            if let Some(s) = restore {
                story.now = story.now.plus_s(s);
                story.input(restored());
            } else {
                story.input(Body::Tick);
            }
            story.engines.ids(100).make()
        };
        assert_ne!(ids(None), ids(Some(1.0)));
        assert_ne!(ids(Some(2.0)), ids(Some(1.0)), "each restore of one backup has its own");
        assert_eq!(ids(Some(2.0)), ids(Some(2.0)));
    }

    #[test]
    fn a_machine_that_slept_alarms_nobody_of_what_is_over() {
        for gap_s in [120.0, 3_600.0, 86_400.0] {
            let mut story = Story::warned();
            let from = story.record.len();
            story.now = story.now.plus_s(gap_s);
            story.input(Body::Tick);
            story.pages_come();
            for _ in 0..400 {
                story.now = story.now.plus_s(1.0);
                story.input(Body::Tick);
            }
            assert_eq!(story.alarms(from), Vec::<String>::new(), "{gap_s} s later");
        }
    }
}
