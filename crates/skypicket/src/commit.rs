//! [`Committer`]: makes batches durable in order and lets their effects out: replies, events, attempts.
//!
//! Normal running: a batch's effects wait for its commit. When the front batch waits longer than [`PATIENCE`], or the
//! record refuses, its *warnings* go out marked UNRECORDED; replies to people still wait (slow) or say no (507). What
//! was refused is kept in order and tried again each second; the raw observations in it become counts when the record
//! has only its reserve left or too many wait.

use crate::{
    centre::Centre,
    hub::Happened,
    inbox::{Job, NotTaken, Reply},
    views::{NoticeView, OnWatch, Picture, RecordView, StatusView},
};
use skypicket_model::{
    Body, Channel, Delivery, Entry, ProviderResult, Request, Role, SourceId, Time, delivery::Outcome,
};
use skypicket_record::{AppendError, Record, RecordState};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// How long a warning waits for the disk (promise 10).
pub const PATIENCE: Duration = Duration::from_millis(250);
/// How often a record that refused is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Entries kept with their observations while the record refuses; older ones keep only counts.
const MOST_WHOLE: usize = 50_000;

/// How the record does, for the core and the pages.
#[derive(Default)]
pub struct Flags {
    full: AtomicBool,
    unrecorded: AtomicBool,
    checkpoint_at: AtomicI64,
}

impl Flags {
    /// No space is left: acts of people are refused at the door.
    pub fn full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }
    /// Warnings go out before they are durable.
    pub fn unrecorded(&self) -> bool {
        self.unrecorded.load(Ordering::Acquire)
    }
    /// Newest signed checkpoint.
    pub fn checkpoint_at(&self) -> Option<Time> {
        let us = self.checkpoint_at.load(Ordering::Acquire);
        (us != 0).then(|| Time::from_micros(us))
    }
}

/// Entries of one turn of the core, and what waits for them.
#[derive(Default)]
pub struct Batch {
    /// Entries, in order.
    pub entries: Vec<Entry>,
    /// People who wait to hear "received".
    pub replies: Vec<Reply>,
    /// People who asked the same again while the first may still wait for the disk: they hear the first's answer, no
    /// sooner than it would.
    pub repeats: Vec<(Reply, Request)>,
    /// Notices that changed, with the index of their newest entry.
    pub notices: Vec<(u64, Arc<NoticeView>)>,
    /// Other things that happened.
    pub happened: Vec<(u64, Happened)>,
    /// Attempts to make.
    pub attempts: Vec<(Delivery, Arc<NoticeView>)>,
    /// The sky, at a tick.
    pub picture: Option<Arc<Picture>>,
    /// When it was made.
    pub made: Option<Instant>,
}

impl Batch {
    /// Nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.picture.is_none() && self.repeats.is_empty()
    }
}

/// What of a batch goes out.
struct Told {
    notices: Vec<(u64, Arc<NoticeView>)>,
    happened: Vec<(u64, Happened)>,
    attempts: Vec<(Delivery, Arc<NoticeView>)>,
}

type Appending = Pin<Box<dyn Future<Output = Result<(), AppendError>> + Send + Sync>>;

/// Entries of the backlog on their way into the record: how many, and the index of the last.
struct Retrying {
    appending: Appending,
    entries: usize,
    last: Option<u64>,
}

struct Waiting {
    batch: Batch,
    appending: Appending,
    warned: bool,
}

/// The task between the core and the disk.
pub struct Committer {
    centre: Centre,
    batches: mpsc::Receiver<Batch>,
    waiting: VecDeque<Waiting>,
    /// Entries that the record refused, in order.
    backlog: VecDeque<Entry>,
    /// The front of the backlog, being tried again.
    retrying: Option<Retrying>,
    /// A checkpoint that is being signed.
    signing: Option<Appending>,
    /// First entry that was acted on before it was durable.
    unrecorded_from: Option<u64>,
    checkpoint_every: Duration,
    status_sent: Instant,
}

impl Committer {
    /// Between `batches` and the centre's record.
    pub fn new(centre: Centre, batches: mpsc::Receiver<Batch>, checkpoint_s: f64) -> Self {
        Self {
            centre,
            batches,
            waiting: VecDeque::new(),
            backlog: VecDeque::new(),
            retrying: None,
            signing: None,
            unrecorded_from: None,
            checkpoint_every: Duration::from_secs_f64(checkpoint_s.clamp(1.0, 86_400.0)),
            status_sent: Instant::now(),
        }
    }

    /// Runs until the core has ended and everything that can be written is.
    pub async fn run(mut self) {
        let mut checkpoint = tokio::time::interval(self.checkpoint_every);
        let mut retry = tokio::time::interval(RETRY);
        let mut heartbeat = tokio::time::interval(Duration::from_secs(2));
        let mut open = true;
        // Nothing in here waits for the disk: each write is a future beside the others, so that patience is kept.
        while open || !self.waiting.is_empty() || self.retrying.is_some() {
            let impatient = self.waiting.iter().find(|w| !w.warned && !w.batch.entries.is_empty());
            let patience = impatient.and_then(|w| w.batch.made).map(|m| m + PATIENCE);
            tokio::select! {
                biased;
                done = front(&mut self.waiting) => self.committed(done),
                () = until(patience) => self.impatient(),
                batch = self.batches.recv(), if open => match batch {
                    Some(b) => self.take(b),
                    None => open = false,
                },
                done = finished(self.retrying.as_mut().map(|r| &mut r.appending)) => self.retried(done),
                done = finished(self.signing.as_mut()) => self.signed(done),
                _ = retry.tick() => self.retry(),
                _ = heartbeat.tick() => {
                    self.centre.hub.heartbeat(crate::clock::now());
                    self.status(false);
                }
                _ = checkpoint.tick() => self.checkpoint(),
            }
        }
        self.retry();
        while self.retrying.is_some() {
            let done = finished(self.retrying.as_mut().map(|r| &mut r.appending)).await;
            self.retried(done);
        }
        if !self.backlog.is_empty() {
            tracing::error!(entries = self.backlog.len(), "shut down with entries that the record would not take");
        }
        // One that is under way may not cover the last entries.
        if self.signing.is_some() {
            let done = finished(self.signing.as_mut()).await;
            self.signed(done);
        }
        self.checkpoint();
        let done = finished(self.signing.as_mut()).await;
        self.signed(done);
        self.centre.hub.close();
    }

    fn take(&mut self, batch: Batch) {
        if !self.backlog.is_empty() {
            self.keep(batch);
            return;
        }
        let mut entries = batch.entries.clone();
        if self.centre.record.state() == RecordState::Reserve {
            thin_all(&mut entries);
        }
        let record = Arc::clone(&self.centre.record);
        let appending: Appending = if entries.is_empty() {
            Box::pin(std::future::ready(Ok(())))
        } else {
            // The record queues at the call, not at the first poll, so that batches stay in order.
            let future = record.append(entries);
            Box::pin(async move { future.await.map(|_| ()) })
        };
        self.waiting.push_back(Waiting { batch, appending, warned: false });
    }

    fn committed(&mut self, done: Result<(), AppendError>) {
        let Some(w) = self.waiting.pop_front() else { return };
        match done {
            Ok(()) => {
                let caught_up = self.waiting.iter().all(|w| !w.warned);
                if w.warned && caught_up {
                    self.recovered(w.batch.entries.last().map(|e| e.index));
                }
                self.centre.flags.full.store(false, Ordering::Release);
                let Batch { replies, repeats, notices, happened, attempts, picture, .. } = w.batch;
                for r in replies {
                    // A client that went away learns the answer when it repeats its request.
                    let _ = r.send(Ok(()));
                }
                for (r, before) in repeats {
                    let _ = r.send(Err(NotTaken::Repeat(before)));
                }
                let attempts = if w.warned { Vec::new() } else { attempts };
                self.tell(Told { notices, happened, attempts }, false);
                self.paint(picture.as_deref());
            }
            Err(error) => {
                tracing::error!(%error, "the record refused entries; warnings go out unrecorded");
                self.keep(w.batch);
                // What was queued behind it failed or will fail as out of order: all of it is kept, in order.
                for w in std::mem::take(&mut self.waiting) {
                    self.keep_waiting(w);
                }
                // Thinned, it fits into the reserve: at once, so that nobody is refused for longer than that takes.
                if self.centre.record.state() == RecordState::Reserve {
                    self.retry();
                }
            }
        }
    }

    fn keep_waiting(&mut self, w: Waiting) {
        if w.warned {
            let Batch { entries, replies, repeats, .. } = w.batch;
            self.refuse(replies, repeats);
            self.backlog.extend(entries);
        } else {
            self.keep(w.batch);
        }
    }

    /// Keeps what the record does not take, and lets its warnings out.
    fn keep(&mut self, batch: Batch) {
        let Batch { entries, replies, repeats, notices, attempts, picture, .. } = batch;
        let first = entries.first().map(|e| e.index);
        self.unrecorded_from = self.unrecorded_from.or(first);
        self.centre.flags.full.store(self.centre.record.state() == RecordState::Full, Ordering::Release);
        self.refuse(replies, repeats);
        self.backlog.extend(entries);
        if self.backlog.len() > MOST_WHOLE {
            let over = self.backlog.len() - MOST_WHOLE;
            thin_all(self.backlog.make_contiguous().get_mut(..over).unwrap_or_default());
        }
        self.unrecorded(true);
        self.tell(Told { notices, happened: Vec::new(), attempts }, true);
        self.paint(picture.as_deref());
    }

    fn refuse(&self, replies: Vec<Reply>, repeats: Vec<(Reply, Request)>) {
        let why = if self.centre.flags.full() { NotTaken::Full } else { NotTaken::Unwritten };
        for r in replies.into_iter().chain(repeats.into_iter().map(|(r, _)| r)) {
            let _ = r.send(Err(why.clone()));
        }
    }

    /// The front has waited long enough: every warning that waits goes out now.
    fn impatient(&mut self) {
        let mut early = Vec::new();
        // A batch of nothing but repeats acts on nothing.
        for w in self.waiting.iter_mut().filter(|w| !w.warned && !w.batch.entries.is_empty()) {
            w.warned = true;
            self.unrecorded_from = self.unrecorded_from.or(w.batch.entries.first().map(|e| e.index));
            early.push((w.batch.notices.clone(), std::mem::take(&mut w.batch.attempts)));
        }
        self.unrecorded(true);
        for (notices, attempts) in early {
            self.tell(Told { notices, happened: Vec::new(), attempts }, true);
        }
    }

    /// Tries the front of the backlog again, unless it is being tried.
    fn retry(&mut self) {
        if self.retrying.is_some() || self.backlog.is_empty() {
            return;
        }
        let mut chunk: Vec<Entry> = self.backlog.iter().take(500).cloned().collect();
        if self.centre.record.state() != RecordState::Ok {
            thin_all(&mut chunk);
        }
        let (entries, last) = (chunk.len(), chunk.last().map(|e| e.index));
        let future = self.centre.record.append(chunk);
        self.retrying = Some(Retrying { appending: Box::pin(async move { future.await.map(|_| ()) }), entries, last });
    }

    fn retried(&mut self, done: Result<(), AppendError>) {
        let Some(Retrying { entries, last, .. }) = self.retrying.take() else { return };
        match done {
            Ok(()) => {
                self.backlog.drain(..entries);
                if self.backlog.is_empty() {
                    self.recovered(last);
                }
                self.retry();
            }
            Err(error) => {
                tracing::debug!(%error, "the record still refuses");
                let full = self.centre.record.state() == RecordState::Full;
                self.centre.flags.full.store(full, Ordering::Release);
            }
        }
    }

    fn recovered(&mut self, last: Option<u64>) {
        self.centre.flags.full.store(false, Ordering::Release);
        self.unrecorded(false);
        if let (Some(first), Some(last)) = (self.unrecorded_from.take(), last)
            && self.centre.inbox.push(Job::Recovered(first, last)).is_err()
        {
            tracing::warn!(first, last, "entries were acted on before they were durable, and the note of it was lost");
        }
    }

    fn unrecorded(&mut self, on: bool) {
        if self.centre.flags.unrecorded.swap(on, Ordering::AcqRel) != on {
            self.status(true);
        }
    }

    /// Tells pages what happened, and hands attempts to channels.
    fn tell(&self, told: Told, unrecorded: bool) {
        let Told { notices, mut happened, attempts } = told;
        let marked = |v: &NoticeView| NoticeView { unrecorded, ..v.clone() };
        happened.extend(notices.iter().map(|(index, v)| (*index, Happened::Notice(marked(v)))));
        // In the order of their entries: a stream that breaks in between resumes after the last that it got.
        happened.sort_by_key(|(index, _)| *index);
        let last = happened.last().map_or(0, |(index, _)| *index);
        for (index, h) in happened {
            self.centre.hub.publish(index, h);
        }
        for (delivery, view) in attempts {
            match delivery.channel {
                Channel::Web => {
                    let taken = self.centre.hub.deliver(last, &delivery.person, &marked(&view));
                    let outcome = if taken > 0 { Outcome::Accepted } else { Outcome::Failed("no page open".into()) };
                    report(&self.centre, &delivery, outcome);
                }
                Channel::Tak => self.to_tak(delivery, &marked(&view)),
            }
        }
    }

    fn to_tak(&self, delivery: Delivery, view: &NoticeView) {
        let Some(tak) = self.centre.tak.get().cloned() else {
            report(&self.centre, &delivery, Outcome::Failed("no TAK server".into()));
            return;
        };
        let centre = self.centre.clone();
        let notice = view.notice.clone();
        let text = crate::tak::chat_text(view, &delivery);
        tokio::spawn(async move {
            let outcome = tak.send_notice(&delivery.person, &notice, delivery.id, &text, crate::clock::now()).await;
            report(&centre, &delivery, outcome);
        });
    }

    fn paint(&self, picture: Option<&Picture>) {
        let Some(p) = picture else { return };
        self.centre.hub.picture(p);
        if let Some(tak) = self.centre.tak.get() {
            crate::tak::tracks(tak, p);
        }
    }

    fn status(&mut self, now: bool) {
        if now || self.status_sent.elapsed() >= Duration::from_secs(10) {
            self.status_sent = Instant::now();
            let centre = self.centre.clone();
            tokio::spawn(async move {
                if let Ok(s) = centre.status().await {
                    centre.hub.status(&s);
                }
            });
        }
    }

    /// Has a checkpoint signed, unless one is under way.
    fn checkpoint(&mut self) {
        if self.signing.is_none() {
            let future = self.centre.record.checkpoint();
            self.signing = Some(Box::pin(async move { future.await.map(|_| ()) }));
        }
    }

    fn signed(&mut self, done: Result<(), AppendError>) {
        self.signing = None;
        match done {
            Ok(()) => self.centre.flags.checkpoint_at.store(crate::clock::now().as_micros(), Ordering::Release),
            Err(error) => tracing::warn!(%error, "checkpoint could not be signed"),
        }
    }
}

/// Thins entries that the record has no room for; not the observations from which a notice was raised, so that it can
/// still explain itself.
fn thin_all(entries: &mut [Entry]) {
    let explain: BTreeSet<u64> =
        entries.iter().filter(|e| matches!(e.body, Body::Notice(_))).filter_map(|e| e.cause).collect();
    entries.iter_mut().filter(|e| !explain.contains(&e.index)).for_each(thin);
}

/// Raw observations and thinned tracks become counts, a snapshot becomes empty (a start then reads on from the
/// beginning): the entry keeps its index.
fn thin(entry: &mut Entry) {
    match &mut entry.body {
        Body::Observations { items } => {
            let mut counts: BTreeMap<SourceId, u64> = BTreeMap::new();
            for o in items.drain(..) {
                *counts.entry(o.source).or_insert(0) += 1;
            }
            entry.body = Body::Shed { counts, taken: true };
        }
        Body::Tracks { items } => items.clear(),
        Body::Snapshot(s) => s.state.clear(),
        _ => {}
    }
}

fn report(centre: &Centre, delivery: &Delivery, outcome: Outcome) {
    let result = ProviderResult { delivery: delivery.id, attempt: delivery.attempts, outcome };
    if let Err(error) = centre.inbox.push(Job::Provider(result)) {
        // Without the result the attempt counts as ambiguous when its time is up.
        tracing::warn!(%error, "result of an attempt was not taken");
    }
}

async fn front(waiting: &mut VecDeque<Waiting>) -> Result<(), AppendError> {
    match waiting.front_mut() {
        Some(w) => w.appending.as_mut().await,
        None => std::future::pending().await,
    }
}

async fn finished(write: Option<&mut Appending>) -> Result<(), AppendError> {
    match write {
        Some(w) => w.as_mut().await,
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

impl Centre {
    /// How the centre does.
    pub async fn status(&self) -> Result<StatusView, NotTaken> {
        let present = self.hub.present();
        let on_watch = self
            .ask(move |e| {
                e.directory()
                    .with_role(Role::Watch)
                    .filter(|p| present.contains(&p.id))
                    .map(|p| OnWatch { id: p.id.clone(), name: p.name.clone() })
                    .collect::<Vec<_>>()
            })
            .await?;
        let state = match self.record.state() {
            RecordState::Full => "full",
            RecordState::Reserve => "reserve",
            RecordState::Ok if self.flags.unrecorded() => "slow",
            RecordState::Ok => "ok",
        };
        Ok(StatusView {
            exercise: self.exercise.as_deref().map(Into::into),
            software: env!("CARGO_PKG_VERSION"),
            now: crate::clock::now(),
            started_at: self.started_at,
            record: RecordView {
                state,
                unrecorded: self.flags.unrecorded(),
                entries: self.record.head().next,
                checkpoint_at: self.flags.checkpoint_at(),
            },
            on_watch,
            place: (*self.place).clone(),
            basemap: self.basemap,
            warnings: (*self.warnings).clone(),
        })
    }
}
