//! [`Centre`]: the running centre. One core thread owns the engines and numbers the entries; the committer makes them
//! durable and only then lets their effects out: replies, events to pages, attempts to channels.
//!
//! Promise 10 is kept in the committer: what cannot be made durable within [`commit::PATIENCE`] lets its warnings out
//! all the same, marked UNRECORDED, and is written when the record recovers.

use crate::{
    clock,
    commit::{Batch, Committer, Flags},
    config::MapPlace,
    engines::{ENGINES, Engines, Policies},
    hub::{Happened, Hub},
    inbox::{Inbox, Job, NotTaken, Reply, Work},
    views::{NoticeView, PersonItem, Picture, SightingView},
};
use skypicket_link::tak::TakHandle;
use skypicket_model::{
    Act, Body, Delivery, Directory, DispatchEvent, Entry, NoticeId, PersonId, Position, Request, RequestId, SightingId,
    Time,
    entry::{ActEntry, Configured, Started},
};
use skypicket_record::{ReadError, Record, RecordState, SqliteRecord};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot, watch};

/// Batches between the core and the committer. The committer never waits for the disk, so this fills only when the
/// machine itself is overloaded.
const BATCHES: usize = 1_024;

/// What the core needs from the configuration.
pub struct Setup {
    /// Who is who.
    pub directory: Directory,
    /// Policies.
    pub policies: Policies,
    /// Exercise, or live.
    pub exercise: Option<String>,
    /// Seconds between snapshots.
    pub snapshot_s: f64,
    /// Seconds between checkpoints.
    pub checkpoint_s: f64,
    /// Where the map opens.
    pub place: MapPlace,
    /// There is an own map.
    pub basemap: bool,
    /// What every page must warn of (listeners that others can reach without TLS).
    pub warnings: Vec<String>,
}

/// The running centre, for whoever talks to it.
#[derive(Clone)]
pub struct Centre {
    /// In front of the core.
    pub inbox: Arc<Inbox>,
    /// Open pages.
    pub hub: Arc<Hub>,
    /// The record.
    pub record: Arc<SqliteRecord>,
    /// The sky, once a second.
    pub picture: watch::Receiver<Arc<Picture>>,
    /// How the record does.
    pub flags: Arc<Flags>,
    /// TAK clients, when there is a TAK server.
    pub tak: Arc<OnceLock<TakHandle>>,
    /// Exercise, or live.
    pub exercise: Option<Arc<str>>,
    /// When it started.
    pub started_at: Time,
    /// Where the map opens.
    pub place: Arc<MapPlace>,
    /// There is an own map.
    pub basemap: bool,
    /// What every page must warn of (listeners that others can reach without TLS).
    pub warnings: Arc<Vec<String>>,
}

/// Ends when the core and the committer have ended.
pub struct Running {
    core: std::thread::JoinHandle<()>,
    committer: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Waits for the end; call after [`Inbox::close`].
    pub async fn ended(self) {
        // The core drops its end of the channel when it returns, which ends the committer.
        let _ = self.committer.await;
        let _ = tokio::task::spawn_blocking(move || self.core.join()).await;
    }
}

impl Centre {
    /// Recovers the engines from the record and starts the core.
    pub async fn start(record: Arc<SqliteRecord>, setup: Setup) -> anyhow::Result<(Self, Running)> {
        let started_at = clock::now();
        let head = record.head();
        let started = Started {
            log: head.log,
            software: env!("CARGO_PKG_VERSION").into(),
            engines: ENGINES,
            exercise: setup.exercise.clone(),
        };
        let reading = Arc::clone(&record);
        let first = started.clone();
        let engines = tokio::task::spawn_blocking(move || recover(&reading, &first)).await??;
        let (picture_tx, picture) = watch::channel(Arc::new(Picture::default()));
        let (batches, batches_rx) = mpsc::channel(BATCHES);
        let centre = Self {
            inbox: Arc::default(),
            hub: Arc::new(Hub::new(head.next)),
            record: Arc::clone(&record),
            picture,
            flags: Arc::default(),
            tak: Arc::default(),
            exercise: setup.exercise.as_deref().map(Into::into),
            started_at,
            place: Arc::new(setup.place),
            basemap: setup.basemap,
            warnings: Arc::new(setup.warnings),
        };
        let committer = Committer::new(centre.clone(), batches_rx, setup.checkpoint_s);
        let committer = tokio::spawn(committer.run());
        let core = Core {
            engines,
            next: head.next,
            now: head.last_recorded_at.unwrap_or(started_at).max(started_at),
            centre: centre.clone(),
            batches,
            picture: picture_tx,
            recent: Recent::default(),
            snapshot_s: setup.snapshot_s,
            snapshot_at: started_at,
            was_ok: true,
        };
        let configured = Configured { directory: setup.directory, policies: setup.policies.to_record()? };
        let core = std::thread::Builder::new().name("core".into()).spawn(move || core.run(started, configured))?;
        Ok((centre, Running { core, committer }))
    }

    /// Takes a human act; resolves after it is durable.
    pub async fn act(&self, act: ActEntry) -> Result<(), NotTaken> {
        self.submit(|reply| Job::Act(Box::new(act), reply)).await
    }

    /// Takes a person's position; resolves after it is durable.
    pub async fn position(&self, position: Position) -> Result<(), NotTaken> {
        self.submit(|reply| Job::Position(position, reply)).await
    }

    async fn submit(&self, job: impl FnOnce(Reply) -> Job) -> Result<(), NotTaken> {
        let (reply, answer) = oneshot::channel();
        self.inbox.push(job(reply))?;
        answer.await.unwrap_or(Err(NotTaken::Closing))
    }

    /// Asks about the engines' state.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Engines) -> T + Send + 'static,
    ) -> Result<T, NotTaken> {
        let (reply, answer) = oneshot::channel();
        self.inbox.push(Job::Ask(Box::new(move |engines| {
            // Nobody waits any more: fine.
            let _ = reply.send(question(engines));
        })))?;
        answer.await.map_err(|_| NotTaken::Closing)
    }
}

impl Centre {
    /// Asks from a task that cannot await (a connector's callback): the worker's other tasks move on meanwhile.
    pub fn ask_here<T: Send + 'static>(&self, question: impl FnOnce(&Engines) -> T + Send + 'static) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Ask(Box::new(move |engines| {
            let _ = reply.send(question(engines));
        }));
        self.inbox.push(job).ok()?;
        tokio::task::block_in_place(|| answer.blocking_recv().ok())
    }
}

/// The engines as the record left them: from the newest snapshot that fits, then entry by entry.
pub fn recover(record: &SqliteRecord, started: &Started) -> anyhow::Result<Engines> {
    let (mut engines, mut from) = match record.latest_snapshot().wait()? {
        Some(row) => match Engines::restore(&row.snapshot) {
            Some(engines) => (engines, row.entry + 1),
            None => (Engines::new(started), 0),
        },
        None => (Engines::new(started), 0),
    };
    let mut most = 1_000;
    loop {
        let entries = next_entries(record, from, &mut most)?;
        let Some(last) = entries.last() else { return Ok(engines) };
        from = last.index + 1;
        for e in &entries {
            engines.recover(e);
        }
    }
}

/// Entries from an index on, at most `most`; fewer from now on where so many take longer than readers may.
pub fn next_entries(record: &SqliteRecord, from: u64, most: &mut usize) -> Result<Vec<Entry>, ReadError> {
    loop {
        match record.read(from, *most).wait() {
            Err(ReadError::Timeout) if *most > 1 => *most = (*most / 4).max(1),
            done => return done,
        }
    }
}

/// Requests answered lately, so that a repeat which overtakes the commit of the first is known.
#[derive(Default)]
struct Recent {
    by_id: HashMap<RequestId, (PersonId, Request, u32)>,
    order: VecDeque<RequestId>,
}

impl Recent {
    const MOST: usize = 65_536;

    fn keep(&mut self, by: PersonId, request: Request) {
        if self.order.len() == Self::MOST
            && let Some(old) = self.order.pop_front()
        {
            self.by_id.remove(&old);
        }
        self.order.push_back(request.id);
        self.by_id.insert(request.id, (by, request, 0));
    }
}

struct Core {
    engines: Engines,
    next: u64,
    now: Time,
    centre: Centre,
    batches: mpsc::Sender<Batch>,
    picture: watch::Sender<Arc<Picture>>,
    recent: Recent,
    snapshot_s: f64,
    snapshot_at: Time,
    /// The record wrote everything at the last tick.
    was_ok: bool,
}

/// One turn's entries and effects, growing.
#[derive(Default)]
struct Turn {
    batch: Batch,
    notices: BTreeMap<NoticeId, u64>,
    sightings: BTreeMap<SightingId, u64>,
    people: BTreeMap<PersonId, u64>,
    attempts: Vec<Delivery>,
}

impl Core {
    fn run(mut self, started: Started, configured: Configured) {
        let mut turn = Turn::default();
        self.input(&mut turn, Body::Started(started));
        self.input(&mut turn, Body::Configured(configured));
        self.finish(turn);
        let mut next_tick = Instant::now();
        loop {
            let work = self.centre.inbox.take(next_tick);
            let closing = work.closing;
            // `recorded_at` never decreases, whatever the clock of the machine does.
            self.now = self.now.max(clock::now());
            let mut turn = Turn::default();
            self.work(&mut turn, work);
            if Instant::now() >= next_tick {
                next_tick = (next_tick + Duration::from_secs(1)).max(Instant::now());
                self.tick(&mut turn);
            }
            if closing {
                self.snapshot(&mut turn);
                self.finish(turn);
                return;
            }
            self.finish(turn);
        }
    }

    fn work(&mut self, turn: &mut Turn, work: Work) {
        if !work.shed.is_empty() {
            self.input(turn, Body::Shed { counts: work.shed, taken: false });
        }
        let mut positions = Vec::new();
        let mut replies = Vec::new();
        for job in work.jobs {
            match job {
                Job::Position(p, reply) => {
                    if self.centre.flags.full() {
                        let _ = reply.send(Err(NotTaken::Full));
                    } else {
                        positions.push(p);
                        replies.push(reply);
                    }
                }
                Job::Act(act, reply) => self.act(turn, *act, reply),
                Job::Provider(r) => self.input(turn, Body::Provider(r)),
                Job::Reach(person, channel, up) => {
                    turn.people.insert(person.clone(), self.next);
                    self.input(turn, Body::Reach { person, channel, up });
                }
                Job::Ask(question) => question(&self.engines),
                Job::Recovered(first, last) => {
                    self.was_ok = false;
                    self.input(turn, Body::Unrecorded { first, last });
                }
            }
        }
        if !positions.is_empty() {
            for p in &positions {
                turn.people.insert(p.person.clone(), self.next);
            }
            self.input(turn, Body::Positions { items: positions });
            turn.batch.replies.append(&mut replies);
        }
        if !work.observations.is_empty() {
            self.input(turn, Body::Observations { items: work.observations });
        }
    }

    fn act(&mut self, turn: &mut Turn, act: ActEntry, reply: Reply) {
        if self.centre.flags.full() {
            let _ = reply.send(Err(NotTaken::Full));
            return;
        }
        match self.known(turn, &act) {
            None => {}
            // The first of them may still wait for the disk: batches end in order, so this one ends after it.
            Some(NotTaken::Repeat(before)) => return turn.batch.repeats.push((reply, before)),
            Some(refusal) => {
                let _ = reply.send(Err(refusal));
                return;
            }
        }
        let refused = match &act.act {
            Act::Receipt { notice, version, .. } => {
                self.engines.dispatcher().check_receipt(&act.by, *notice, *version).err().map(|r| (r.code, r.message))
            }
            Act::Acknowledge { notice, version, .. } => self
                .engines
                .dispatcher()
                .check_acknowledge(&act.by, *notice, *version)
                .err()
                .map(|r| (r.code, r.message)),
            other => self.engines.desk().check(&act.by, other, self.now).err().map(|r| (r.code, r.message)),
        };
        if let Some((code, message)) = refused {
            let _ = reply.send(Err(NotTaken::Refused { code, message }));
            return;
        }
        if let Some(request) = &act.request {
            self.recent.keep(act.by.clone(), request.clone());
        }
        self.input(turn, Body::Act(act));
        turn.batch.replies.push(reply);
    }

    /// A request whose id was used lately.
    fn known(&mut self, turn: &mut Turn, act: &ActEntry) -> Option<NotTaken> {
        let request = act.request.as_ref()?;
        let (by, before, conflicts) = self.recent.by_id.get_mut(&request.id)?;
        if *by != act.by {
            return Some(NotTaken::Refused { code: "not_found", message: "there is nothing of that id".into() });
        }
        if before.sha256 == request.sha256 {
            return Some(NotTaken::Repeat(before.clone()));
        }
        *conflicts += 1;
        if *conflicts <= 10 {
            let body = serde_json::to_string(&act.act).unwrap_or_default().chars().take(1_024).collect();
            let entry = ActEntry {
                by: act.by.clone(),
                via: act.via.clone(),
                request: None,
                act: Act::Conflict { request: request.id, body },
            };
            self.input(turn, Body::Act(entry));
        }
        Some(NotTaken::Reused)
    }

    fn tick(&mut self, turn: &mut Turn) {
        self.input(turn, Body::Tick);
        let tracks = self.engines.tracker().tracks();
        let gone = self
            .picture
            .borrow()
            .tracks
            .iter()
            .filter(|t| !tracks.iter().any(|n| n.id == t.id))
            .cloned()
            .collect::<Vec<_>>();
        let ended = gone
            .into_iter()
            .filter(|t| t.state != skypicket_model::TrackState::Deleted)
            .map(|t| skypicket_model::Track { state: skypicket_model::TrackState::Deleted, ..t });
        let next = self.picture.borrow().next(
            self.now,
            tracks.into_iter().chain(ended).collect(),
            self.engines.warner().dangers(),
            self.engines.directory(),
        );
        turn.batch.picture = Some(Arc::new(next));
        // A full disk takes no snapshots, and what it does not take holds up all that follows. After one the record may
        // lack observations that the engines took: from a snapshot on all is known again.
        let ok = self.centre.record.state() == RecordState::Ok;
        if ok && (!self.was_ok || self.now.since_s(self.snapshot_at) >= self.snapshot_s) {
            self.snapshot(turn);
        }
        self.was_ok = ok;
    }

    fn snapshot(&mut self, turn: &mut Turn) {
        self.snapshot_at = self.now;
        match self.engines.snapshot() {
            Ok(s) => self.entry(turn, None, Body::Snapshot(s)),
            Err(error) => tracing::error!(%error, "snapshot could not be made"),
        }
    }

    fn entry(&mut self, turn: &mut Turn, cause: Option<u64>, body: Body) {
        turn.batch.entries.push(Entry { index: self.next, recorded_at: self.now, cause, body });
        self.next += 1;
    }

    /// Takes an input: entry, decisions, and what of them must go out.
    fn input(&mut self, turn: &mut Turn, body: Body) {
        let cause = self.next;
        let entry = Entry { index: cause, recorded_at: self.now, cause: None, body };
        let decisions = self.engines.step(&entry);
        self.next += 1;
        turn.batch.entries.push(entry);
        for body in decisions {
            match &body {
                Body::Notice(n) => {
                    turn.notices.insert(n.id, self.next);
                }
                Body::Dispatch(e) => {
                    if let DispatchEvent::Attempt { delivery } = e {
                        turn.attempts.push(delivery.clone());
                    }
                    turn.notices.insert(notice_of(e), self.next);
                }
                Body::Desk(e) => {
                    turn.sightings.insert(crate::engines::sighting_of(e), self.next);
                }
                _ => {}
            }
            self.entry(turn, Some(cause), body);
        }
    }

    /// Hands the turn to the committer.
    fn finish(&mut self, turn: Turn) {
        let Turn { mut batch, notices, sightings, people, attempts } = turn;
        let view = |id: &NoticeId| self.engines.notice(*id).map(|n| Arc::new(NoticeView::of(&self.engines, n, false)));
        let mut views: BTreeMap<NoticeId, (u64, Arc<NoticeView>)> = BTreeMap::new();
        for (id, index) in notices {
            if let Some(v) = view(&id) {
                views.insert(id, (index, v));
            }
        }
        for delivery in attempts {
            if let Some((_, v)) = views.get(&delivery.notice) {
                batch.attempts.push((delivery, Arc::clone(v)));
            }
        }
        batch.notices = views.into_values().collect();
        for (id, index) in sightings {
            if let Some(s) = self.engines.desk().sighting(id) {
                batch.happened.push((index, Happened::Sighting(SightingView::of(self.engines.directory(), s))));
            }
        }
        for (id, index) in people {
            if let Some(p) = PersonItem::of(&self.engines, &id) {
                batch.happened.push((index, Happened::Person(p)));
            }
        }
        if let Some(p) = &batch.picture {
            self.picture.send_replace(Arc::clone(p));
        }
        batch.made = Some(Instant::now());
        if !batch.is_empty() && self.batches.blocking_send(batch).is_err() {
            tracing::error!("the committer ended before the core");
        }
    }
}

fn notice_of(e: &DispatchEvent) -> NoticeId {
    match e {
        DispatchEvent::Recipients { notice, .. }
        | DispatchEvent::Acknowledged { notice, .. }
        | DispatchEvent::Escalated { notice, .. }
        | DispatchEvent::Silent { notice, .. }
        | DispatchEvent::Closed { notice, .. } => *notice,
        DispatchEvent::Attempt { delivery } | DispatchEvent::Moved { delivery } => delivery.notice,
    }
}
