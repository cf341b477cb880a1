//! [`Committer`]: makes batches durable in order and lets their effects out: replies, events, attempts.
//!
//! Normal running: a batch's effects wait for its commit. When the front batch waits longer than [`PATIENCE`], or the
//! record refuses, its *warnings* go out marked UNRECORDED; replies to people still wait (slow) or say no (507). What
//! was refused is kept in order and tried again each second; the raw observations in it become counts when the record
//! has only its reserve left or too many wait.

use crate::{
    centre::{Centre, Roll},
    hub::{self, Happened},
    inbox::{Job, NotTaken, Reply},
    news::News,
    searches,
    views::{OnDuty, OnWatch, Picture, RecordView, StatusView},
};
use skypicket_model::{
    Body, Channel, Delivery, Entry, NoticeId, PersonId, ProviderResult, Request, Role, SourceId, Time,
    delivery::Outcome,
};
use skypicket_record::{AppendError, Record, RecordState};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::Future,
    pin::Pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// How long a warning waits for the disk (promise 10).
pub const PATIENCE: Duration = Duration::from_millis(250);
/// Each page hears a heartbeat so often, in slices.
const BEAT: Duration = Duration::from_secs(2);
/// After so many slices of heartbeats goes a slice of the status: each page has one in 10 s.
const STATUS_BEATS: u64 = 5;
/// What many pages get at once goes to so many of them ([`hub::AT_ONCE`]) each time.
const PACE: Duration = Duration::from_millis(25);
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
    draining: AtomicBool,
    in_flight: AtomicU64,
    backlog: AtomicU64,
    /// Entries between the core and the disk.
    writing: AtomicU64,
    /// When the committer last went round, milliseconds since the first time.
    round_ms: AtomicU64,
    /// When the last heartbeat came round, milliseconds since the first time; 0 is never.
    beat_ms: AtomicU64,
}

/// What the milliseconds of [`Flags`] count from: a clock that only runs on.
fn running_ms() -> u64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(BEGAN.elapsed().as_millis()).unwrap_or(u64::MAX)
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
    /// The centre is shutting down: it finishes what waits.
    pub fn draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
    /// From now on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }
    /// Requests that are being answered; event streams do not count.
    pub fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Acquire)
    }
    /// Entries that the record refused and that wait in memory.
    pub fn backlog(&self) -> u64 {
        self.backlog.load(Ordering::Acquire)
    }
    /// Entries that the core handed over and that are neither durable nor refused yet.
    pub fn writing(&self) -> u64 {
        self.writing.load(Ordering::Acquire)
    }
    /// So many more.
    pub fn hand_over(&self, entries: usize) {
        self.writing.fetch_add(entries as u64, Ordering::AcqRel);
    }
    fn written(&self, entries: usize) {
        self.writing.fetch_sub(entries as u64, Ordering::AcqRel);
    }
    /// How long ago the committer went round; it does so each second, whatever the disk does.
    pub fn committer_silent_for(&self) -> Duration {
        Duration::from_millis(running_ms().saturating_sub(self.round_ms.load(Ordering::Acquire)))
    }
    /// The centre's own heartbeat went from the inbox over the core and the committer to the pages' streams.
    fn came_round(&self) {
        self.beat_ms.store(running_ms().max(1), Ordering::Release);
    }
    /// How long ago a heartbeat came round; `None` before the first.
    pub fn round_ago(&self) -> Option<Duration> {
        let ms = self.beat_ms.load(Ordering::Acquire);
        (ms > 0).then(|| Duration::from_millis(running_ms().saturating_sub(ms)))
    }
    /// A request is being answered, until this is dropped.
    pub fn request(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        InFlight(Arc::clone(self))
    }
    /// Newest signed checkpoint.
    pub fn checkpoint_at(&self) -> Option<Time> {
        let us = self.checkpoint_at.load(Ordering::Acquire);
        (us != 0).then(|| Time::from_micros(us))
    }
}

/// A request that is being answered.
pub struct InFlight(Arc<Flags>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
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
    pub notices: Vec<(u64, Arc<News>)>,
    /// Other things that happened.
    pub happened: Vec<(u64, Happened)>,
    /// Attempts to make.
    pub attempts: Vec<(Delivery, Arc<News>)>,
    /// Who is who from now on, when that changed.
    pub roll: Option<Arc<Roll>>,
    /// The sky, at a tick.
    pub picture: Option<Arc<Picture>>,
    /// When it was made.
    pub made: Option<Instant>,
    /// The time at which warnings were raised or changed in it.
    pub raised_at: Option<Time>,
    /// A heartbeat on its way round.
    pub heartbeat: Option<u64>,
}

impl Batch {
    /// Nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.picture.is_none() && self.repeats.is_empty() && self.heartbeat.is_none()
    }
}

/// What of a batch goes out.
struct Told {
    notices: Vec<(u64, Arc<News>)>,
    happened: Vec<(u64, Happened)>,
    attempts: Vec<(Delivery, Arc<News>)>,
    raised_at: Option<Time>,
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
    beats: u64,
    /// Pages wait for their part of the last picture.
    pacing: bool,
    /// To whoever puts the whole sky into text for the centre's pages.
    painter: mpsc::Sender<Arc<Picture>>,
}

impl Committer {
    /// Between `batches` and the centre's record.
    pub fn new(centre: Centre, batches: mpsc::Receiver<Batch>, checkpoint_s: f64) -> Self {
        let (painter, pictures) = mpsc::channel(8);
        tokio::spawn(paint_whole(Arc::clone(&centre.hub), pictures));
        Self {
            centre,
            batches,
            waiting: VecDeque::new(),
            backlog: VecDeque::new(),
            retrying: None,
            signing: None,
            unrecorded_from: None,
            checkpoint_every: Duration::from_secs_f64(checkpoint_s.clamp(1.0, 86_400.0)),
            beats: 0,
            pacing: false,
            painter,
        }
    }

    /// Runs until the core has ended and everything that can be written is.
    pub async fn run(mut self) {
        let mut checkpoint = tokio::time::interval(self.checkpoint_every);
        let mut retry = tokio::time::interval(RETRY);
        let mut beat = tokio::time::interval(BEAT / u32::try_from(hub::SLICES).unwrap_or(1));
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
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
                _ = beat.tick() => self.beat(),
                _ = pace.tick(), if self.pacing => self.pacing = self.centre.hub.pace(),
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
        if batch.heartbeat.is_some() {
            self.centre.hub.answers();
            self.centre.flags.came_round();
        }
        if !self.backlog.is_empty() {
            self.centre.flags.written(batch.entries.len());
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
        self.centre.flags.written(w.batch.entries.len());
        match done {
            Ok(()) => {
                let caught_up = self.waiting.iter().all(|w| !w.warned);
                if w.warned && caught_up {
                    self.recovered(w.batch.entries.last().map(|e| e.index));
                }
                self.centre.flags.full.store(false, Ordering::Release);
                let Batch {
                    entries,
                    replies,
                    repeats,
                    notices,
                    happened,
                    attempts,
                    roll,
                    picture,
                    made,
                    raised_at,
                    ..
                } = w.batch;
                if let Some(made) = made.filter(|_| !entries.is_empty()) {
                    metrics::histogram!(crate::meters::COMMIT).record(made.elapsed());
                }
                self.renew(roll.as_deref());
                if let Some(news) = entries.iter().rev().find(|e| searches::is_news(e)) {
                    self.centre.durable.send_replace(news.index + 1);
                }
                for r in replies {
                    // A client that went away learns the answer when it repeats its request.
                    let _ = r.send(Ok(()));
                }
                for (r, before) in repeats {
                    let _ = r.send(Err(NotTaken::Repeat(before)));
                }
                let attempts = if w.warned { Vec::new() } else { attempts };
                self.tell(Told { notices, happened, attempts, raised_at }, false);
                self.paint(picture.as_ref());
            }
            Err(error) => {
                tracing::error!(%error, "the record refused entries; warnings go out unrecorded");
                self.keep(w.batch);
                // What was queued behind it failed or will fail as out of order: all of it is kept, in order.
                for w in std::mem::take(&mut self.waiting) {
                    self.centre.flags.written(w.batch.entries.len());
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
            let Batch { entries, replies, repeats, roll, .. } = w.batch;
            self.renew(roll.as_deref());
            self.refuse(replies, repeats);
            self.backlog.extend(entries);
        } else {
            self.keep(w.batch);
        }
    }

    /// Keeps what the record does not take, and lets its warnings out.
    fn keep(&mut self, batch: Batch) {
        let Batch { entries, replies, repeats, notices, attempts, roll, picture, raised_at, .. } = batch;
        self.renew(roll.as_deref());
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
        self.tell(Told { notices, happened: Vec::new(), attempts, raised_at }, true);
        self.paint(picture.as_ref());
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
            early.push((w.batch.notices.clone(), std::mem::take(&mut w.batch.attempts), w.batch.raised_at));
        }
        self.unrecorded(true);
        for (notices, attempts, raised_at) in early {
            self.tell(Told { notices, happened: Vec::new(), attempts, raised_at }, true);
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
                let late = self.backlog.drain(..entries).rfind(searches::is_news);
                if let Some(news) = late {
                    self.centre.durable.send_replace(news.index + 1);
                }
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
            self.centre.hub.status(&self.centre.status());
        }
    }

    /// Tells pages what happened, and hands attempts to channels.
    fn tell(&self, told: Told, unrecorded: bool) {
        let Told { notices, mut happened, attempts, raised_at } = told;
        happened.extend(notices.iter().map(|(index, n)| (*index, Happened::Notice(Arc::clone(n), unrecorded))));
        // In the order of their entries: a stream that breaks in between resumes after the last that it got.
        happened.sort_by_key(|(index, _)| *index);
        // Whose pages took which notice: an attempt over the web is this very event.
        let mut took: BTreeMap<NoticeId, BTreeSet<PersonId>> = BTreeMap::new();
        for (index, h) in happened {
            let notice = if let Happened::Notice(n, _) = &h { Some(n.notice.id) } else { None };
            let taken = self.centre.hub.publish(index, h);
            if let Some(notice) = notice {
                took.insert(notice, taken);
            }
        }
        let carriers = self.centre.carriers.get();
        if let Some(carriers) = carriers {
            for (_, v) in &notices {
                carriers.overtake(v.notice.id, v.notice.version);
            }
        }
        let now = crate::clock::now();
        let mut results = Vec::new();
        for (delivery, news) in attempts {
            // A first attempt for what was raised just now; one that waited for a page to open says nothing about us.
            if delivery.attempts == 1 && raised_at == Some(news.notice.at) {
                metrics::histogram!(crate::meters::SENT, "channel" => delivery.channel.word())
                    .record(now.since_s(news.notice.at).max(0.0));
            }
            match delivery.channel {
                Channel::Web => {
                    let taken = took.get(&delivery.notice).is_some_and(|t| t.contains(&delivery.person));
                    let outcome = if taken { Outcome::Accepted } else { Outcome::Failed("no page open".into()) };
                    results.push(ProviderResult { delivery: delivery.id, attempt: delivery.attempts, outcome });
                }
                Channel::Tak => self.to_tak(delivery, &news, unrecorded),
                Channel::Push => match self.centre.push.get() {
                    Some(push) => push.deliver(delivery, &news, unrecorded),
                    None => report(&self.centre, &delivery, Outcome::Failed("push is not set up".into())),
                },
                channel => {
                    if let Some(carriers) = carriers {
                        carriers.deliver(delivery, news, unrecorded);
                    } else {
                        let why = format!("{} is not set up", channel.word());
                        report(&self.centre, &delivery, Outcome::Failed(why));
                    }
                }
            }
        }
        if !results.is_empty()
            && let Err(error) = self.centre.inbox.results(results)
        {
            // Without its result an attempt counts as ambiguous when its time is up.
            tracing::warn!(%error, "results of attempts were not taken");
        }
    }

    fn to_tak(&self, delivery: Delivery, news: &News, unrecorded: bool) {
        let Some(tak) = self.centre.tak.get().cloned() else {
            report(&self.centre, &delivery, Outcome::Failed("no TAK server".into()));
            return;
        };
        let centre = self.centre.clone();
        let notice = news.notice.clone();
        let text = crate::tak::chat_text(news, &delivery, unrecorded);
        tokio::spawn(async move {
            let outcome = tak.send_notice(&delivery.person, &notice, delivery.id, &text, crate::clock::now()).await;
            report(&centre, &delivery, outcome);
        });
    }

    /// Who may no longer be here is cut off: their pages and their TAK client.
    fn renew(&self, roll: Option<&Roll>) {
        let Some(roll) = roll else { return };
        let d = &roll.directory;
        self.centre.hub.renew(|p| Some((d.reader(p)?, d.people.get(p)?.unit.clone())));
        if let Some(told) = self.centre.on_rights.get() {
            told(d);
        }
        if let Some(carriers) = self.centre.carriers.get() {
            carriers.renew(d);
        }
        if let Some(tak) = self.centre.tak.get() {
            tak.keep(|person, uid, proven| roll.may_be_by_tak(person, uid, proven));
        }
    }

    fn paint(&mut self, picture: Option<&Arc<Picture>>) {
        let Some(p) = picture else { return };
        self.pacing = self.centre.hub.picture(p);
        // Pages that are eight pictures behind miss one; the next shows the same sky.
        let _ = self.painter.try_send(Arc::clone(p));
        if let Some(tak) = self.centre.tak.get() {
            crate::tak::tracks(tak, p, &self.centre.roll.load().directory);
        }
    }

    /// A slice of all pages hears that the centre is there; each [`STATUS_BEATS`]th time another slice how it does.
    fn beat(&mut self) {
        self.centre.flags.round_ms.store(running_ms(), Ordering::Release);
        self.centre.flags.backlog.store(self.backlog.len() as u64, Ordering::Release);
        self.centre.hub.beat(self.beats % hub::SLICES, crate::clock::now());
        if let Some(web) = self.centre.web_loop.get().filter(|_| self.beats.is_multiple_of(hub::SLICES)) {
            web.beat(crate::clock::now());
        }
        if self.beats.is_multiple_of(STATUS_BEATS) {
            let turn = self.beats / STATUS_BEATS;
            self.centre.hub.status_to(turn % hub::SLICES, Some(turn / hub::SLICES), &self.centre.status());
        }
        self.beats += 1;
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

/// The whole sky, for the centre's pages, is much text when much flies: it is written beside the warnings.
async fn paint_whole(hub: Arc<hub::Hub>, mut pictures: mpsc::Receiver<Arc<Picture>>) {
    while let Some(picture) = pictures.recv().await {
        let hub = Arc::clone(&hub);
        let _ = tokio::task::spawn_blocking(move || hub.picture_whole(&picture)).await;
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
    pub fn status(&self) -> StatusView {
        let roll = self.roll.load_full();
        let now = crate::clock::now();
        let watch = roll.directory.with_role(Role::Watch).filter(|p| self.hub.here(&p.id));
        let on_watch = watch.map(|p| OnWatch { id: p.id.clone(), name: p.name.clone() }).collect();
        let on_duty = OnDuty::all(&roll.directory, |p| self.hub.here(p), now);
        let mut warnings = (*self.warnings).clone();
        if let Err(why) = crate::pulse::working(self) {
            warnings.push(why.why().to_owned());
        }
        warnings.extend(self.carriers.get().map(|c| c.board.warnings()).unwrap_or_default());
        let state = match self.record.state() {
            RecordState::Full => "full",
            RecordState::Reserve => "reserve",
            RecordState::Ok if self.flags.unrecorded() => "slow",
            RecordState::Ok => "ok",
        };
        StatusView {
            exercise: self.exercise.as_deref().map(Into::into),
            software: env!("CARGO_PKG_VERSION"),
            now,
            started_at: self.started_at,
            record: RecordView {
                state,
                unrecorded: self.flags.unrecorded(),
                entries: self.record.head().next,
                checkpoint_at: self.flags.checkpoint_at(),
            },
            on_watch,
            on_duty,
            place: (*self.place).clone(),
            basemap: self.basemap,
            warnings,
        }
    }
}
