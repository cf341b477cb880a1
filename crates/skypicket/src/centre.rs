//! [`Centre`]: the running centre. One core thread owns the engines and numbers the entries; the committer makes them
//! durable and only then lets their effects out: replies, events to pages, attempts to channels.
//!
//! Promise 10 is kept in the committer: what cannot be made durable within [`commit::PATIENCE`] lets its warnings out
//! all the same, marked UNRECORDED, and is written when the record recovers.

use crate::{
    bulletins::BulletinView,
    carriers::{Carriers, WebLoop},
    clock,
    commit::{Batch, Committer, Flags},
    config::MapPlace,
    engines::{ENGINES, Engines, Policies},
    hub::{Happened, Hub, Sees},
    inbox::{Inbox, Job, NotTaken, Reply, Work},
    intelligence::ReportNews,
    news::News,
    push::Push,
    views::{AlarmView, FloodView, PersonItem, Picture, ShiftView, SightingView, WHOLE},
};
use arc_swap::ArcSwap;
use skypicket_desk::intelligence::Shown;
use skypicket_link::tak::TakHandle;
use skypicket_model::{
    Access, Act, AlarmId, Body, Delivery, DeskEvent, Directory, DispatchEvent, Entry, NoticeId, PersonId, Position,
    ReportId, Request, RequestId, SightingId, Time, Zone,
    entry::{ActEntry, Configured, Started, Upkeep},
};
use skypicket_record::{ReadError, Record, RecordState, SqliteRecord, Stretch};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, oneshot, watch};

/// Batches between the core and the committer. The committer never waits for the disk, so this fills only when the
/// machine itself is overloaded.
const BATCHES: usize = 1_024;

/// Who is who, for whoever needs not ask the engines: as of the last act, which may still wait for the disk.
#[derive(Debug, Default)]
pub struct Roll {
    /// Everybody.
    pub directory: Directory,
    /// Those with a TAK client, by its uid; nobody who is shut out.
    pub by_tak: BTreeMap<String, PersonId>,
    /// Those whose roles let them see every notice with everybody on its list.
    pub see_all: BTreeSet<PersonId>,
}

impl Roll {
    /// Of a directory.
    pub fn new(directory: Directory) -> Self {
        let active = directory.people.values().filter(|p| !p.disabled);
        let by_tak = active.filter_map(|p| Some((p.tak_uid.clone()?, p.id.clone()))).collect();
        let see_all = directory.people.values().filter(|p| Sees::of(&p.roles).all).map(|p| p.id.clone()).collect();
        Self { directory, by_tak, see_all }
    }

    /// Whether a TAK client with this uid may be this person's: a certificate (`proven`) stands for them whatever its
    /// uid, unless that is somebody else's.
    pub fn may_be_by_tak(&self, person: &PersonId, uid: &str, proven: bool) -> bool {
        match self.by_tak.get(uid) {
            Some(of) => of == person && (!proven || self.directory.active(person).is_some()),
            None => proven && self.directory.active(person).is_some(),
        }
    }
}
/// Of a notice to many the centre's pages hear once in so many seconds, except of a new version and of their own rows:
/// ten thousand acknowledgements a minute are a few events a second, and nobody is cut off for not reading more.
const TOLD_S: f64 = 0.25;
/// While more entries than this wait for the disk, results of attempts wait too.
const WRITING: u64 = 1_000;
/// Seconds without a tick after which whatever became old ends before anything new is taken.
const GAP_S: f64 = 5.0;

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
    /// Its time.
    pub zone: Zone,
    /// There is an own map.
    pub basemap: bool,
    /// What every page must warn of (listeners that others can reach without TLS).
    pub warnings: Vec<String>,
}

/// Whoever must know of each change of the directory at once; it may not wait.
pub type OnRights = Box<dyn Fn(&Directory) + Send + Sync>;

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
    /// The log up to where something can be found that is new or changed; it moves with each commit of such.
    pub durable: Arc<watch::Sender<u64>>,
    /// Who is who.
    pub roll: Arc<ArcSwap<Roll>>,
    /// What administrators should know of how the configuration and the record differ about people.
    pub notes: Arc<Vec<String>>,
    /// TAK clients, when there is a TAK server.
    pub tak: Arc<OnceLock<TakHandle>>,
    /// Told of each change of the directory, after the open streams were.
    pub on_rights: Arc<OnceLock<OnRights>>,
    /// Phones that are reached by push.
    pub push: Arc<OnceLock<Arc<Push>>>,
    /// Mail, short messages, webhooks and relays.
    pub carriers: Arc<OnceLock<Arc<Carriers>>>,
    /// The program as a reader of its own event stream.
    pub web_loop: Arc<OnceLock<Arc<WebLoop>>>,
    /// Exercise, or live.
    pub exercise: Option<Arc<str>>,
    /// When it started.
    pub started_at: Time,
    /// Where the map opens.
    pub place: Arc<MapPlace>,
    /// Its time.
    pub zone: Zone,
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
        let notes = notes(engines.directory(), &setup.directory, setup.exercise.is_some());
        let directory = in_force(engines.directory(), setup.directory, setup.exercise.is_some());
        for note in &notes {
            tracing::warn!(%note, "the configuration and the record differ about people");
        }
        let mut warnings = setup.warnings;
        for problem in directory.site_problems() {
            tracing::error!(%problem, "a site cannot be protected");
            warnings.push(format!("Not protected: {problem}."));
        }
        let (picture_tx, picture) = watch::channel(Arc::new(Picture::default()));
        let (batches, batches_rx) = mpsc::channel(BATCHES);
        let centre = Self {
            inbox: Arc::default(),
            hub: Arc::new(Hub::new(head.next)),
            record: Arc::clone(&record),
            picture,
            flags: Arc::default(),
            durable: Arc::new(watch::Sender::new(head.next)),
            roll: Arc::new(ArcSwap::from_pointee(Roll::new(directory.clone()))),
            notes: Arc::new(notes),
            tak: Arc::default(),
            on_rights: Arc::default(),
            push: Arc::default(),
            carriers: Arc::default(),
            web_loop: Arc::default(),
            exercise: setup.exercise.as_deref().map(Into::into),
            started_at,
            place: Arc::new(setup.place),
            zone: setup.zone,
            basemap: setup.basemap,
            warnings: Arc::new(warnings),
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
            told: BTreeMap::new(),
            held: BTreeMap::new(),
        };
        let configured = Configured { directory, policies: setup.policies.to_record()? };
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

    /// Puts rows into the access audit; resolves after they are durable.
    pub async fn access(&self, items: Vec<Access>) -> Result<(), NotTaken> {
        self.submit(|reply| Job::Access(items, Some(reply))).await
    }

    /// Writes down what was done to the record as a whole; resolves after it is durable.
    pub async fn upkeep(&self, upkeep: Upkeep) -> Result<(), NotTaken> {
        self.submit(|reply| Job::Upkeep(upkeep, reply)).await
    }

    /// Puts the engines' state into the record; resolves after it is durable.
    pub async fn snapshot(&self) -> Result<(), NotTaken> {
        self.submit(Job::Snapshot).await
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

/// Who is who from this start on. The configuration's people are the beginning of a new record; from then on the record
/// has them, changed on the pages and by commands. Sites always come from the configuration. An exercise's cast is always
/// whole, beside whoever was added to it.
fn in_force(recorded: &Directory, configured: Directory, exercise: bool) -> Directory {
    if recorded.people.is_empty() {
        return configured;
    }
    let mut now = recorded.clone();
    if exercise {
        now.agencies.extend(configured.agencies);
        now.units.extend(configured.units);
        now.people.extend(configured.people);
    }
    now.sites = configured.sites;
    now
}

/// Ids that are named but not kept.
fn missing<'a, K: ToString + 'a>(named: impl Iterator<Item = &'a K>, kept: impl Fn(&K) -> bool) -> Vec<String> {
    named.filter(|id| !kept(id)).map(ToString::to_string).collect()
}

/// How the configuration's people and the record's differ, in words: from its first start on the record has them.
fn notes(recorded: &Directory, configured: &Directory, exercise: bool) -> Vec<String> {
    if recorded.people.is_empty() || exercise {
        return Vec::new();
    }
    let some = |ids: &[String]| {
        let more = ids.len().saturating_sub(10);
        let shown = ids.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{shown} and {more} more") } else { shown }
    };
    let mut out = Vec::new();
    for (what, add, ids) in [
        ("people", "user", missing(configured.people.keys(), |k| recorded.people.contains_key(k))),
        ("units", "unit", missing(configured.units.keys(), |k| recorded.units.contains_key(k))),
        ("agencies", "agency", missing(configured.agencies.keys(), |k| recorded.agencies.contains_key(k))),
    ] {
        if !ids.is_empty() {
            out.push(format!(
                "The configuration file names {what} that the record does not have ({}). People are kept in the record \
                 since the first start, and the file's are no longer read: add them on the office's pages or with \
                 `skypicket {add} add`, or take them out of the file.",
                some(&ids)
            ));
        }
    }
    out
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
        let stretch = next_entries(record, from, &mut most)?;
        if stretch.next == from {
            return Ok(engines);
        }
        from = stretch.next;
        for e in &stretch.entries {
            engines.recover(e);
        }
    }
}

/// Entries from an index on, at most `most`; fewer from now on where so many take longer than readers may. What was
/// purged is left out.
pub fn next_entries(record: &SqliteRecord, from: u64, most: &mut usize) -> Result<Stretch, ReadError> {
    loop {
        match record.read_on(from, *most).wait() {
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
    /// When the centre's pages were told last of notices to many, and of which version.
    told: BTreeMap<NoticeId, (Time, u32)>,
    /// Whose rows of them changed since.
    held: BTreeMap<NoticeId, BTreeSet<PersonId>>,
}

/// One turn's entries and effects, growing.
#[derive(Default)]
struct Turn {
    batch: Batch,
    notices: BTreeMap<NoticeId, u64>,
    sightings: BTreeMap<SightingId, u64>,
    alarms: BTreeMap<AlarmId, u64>,
    bulletins: BTreeMap<NoticeId, u64>,
    /// With who saw them before.
    reports: BTreeMap<ReportId, (u64, Option<Shown>)>,
    shift: Option<u64>,
    flood: Option<u64>,
    people: BTreeMap<PersonId, u64>,
    /// The entry that changed who is who.
    directory: Option<u64>,
    attempts: Vec<Delivery>,
}

impl Core {
    fn run(mut self, started: Started, configured: Configured) {
        let mut turn = Turn::default();
        self.input(&mut turn, Body::Started(started));
        self.input(&mut turn, Body::Configured(configured));
        // What became old while nobody ran ends before anything new is taken: else a channel that comes up would be
        // given a warning of hours ago.
        self.tick(&mut turn);
        self.finish(turn);
        let mut next_tick = Instant::now() + Duration::from_secs(1);
        loop {
            let work = {
                let flags = &self.centre.flags;
                self.centre.inbox.take(next_tick, || flags.writing() < WRITING)
            };
            let closing = work.closing;
            // `recorded_at` never decreases, whatever the clock of the machine does.
            let before = self.now;
            self.now = self.now.max(clock::now());
            let mut turn = Turn::default();
            // The machine slept, or its clock was set forward: the same.
            let gap = self.now.since_s(before) > GAP_S;
            if gap {
                self.tick(&mut turn);
            }
            self.work(&mut turn, work);
            if gap {
                next_tick = Instant::now() + Duration::from_secs(1);
            } else if Instant::now() >= next_tick {
                // What was decided just now does not wait for the tick, which looks at everything that flies.
                if !turn.batch.is_empty() {
                    self.finish(std::mem::take(&mut turn));
                    self.now = self.now.max(clock::now());
                }
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
                Job::Access(items, reply) => {
                    self.input(turn, Body::Access { items });
                    turn.batch.replies.extend(reply);
                }
                Job::Upkeep(u, reply) => {
                    self.input(turn, Body::Upkeep(u));
                    turn.batch.replies.push(reply);
                }
                Job::Snapshot(reply) => {
                    self.snapshot(turn);
                    turn.batch.replies.push(reply);
                }
                Job::Provider(r) => self.input(turn, Body::Provider(r)),
                Job::Reach(person, channel, up) => {
                    turn.people.insert(person.clone(), self.next);
                    self.input(turn, Body::Reach { person, channel, up });
                }
                Job::Channel(channel, state) => {
                    turn.alarms.insert(AlarmId::Channel(channel), self.next);
                    self.input(turn, Body::Channel { channel, state });
                }
                Job::Heartbeat(n) => turn.batch.heartbeat = Some(n),
                Job::Ask(question) => question(&self.engines),
                Job::Recovered(first, last) => {
                    self.was_ok = false;
                    self.input(turn, Body::Unrecorded { first, last });
                }
            }
        }
        for r in work.results {
            self.input(turn, Body::Provider(r));
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
            Act::Call { notice, version, person, .. } => self
                .engines
                .dispatcher()
                .check_call(&act.by, person, *notice, *version)
                .err()
                .map(|r| (r.code, r.message)),
            Act::Measures { notice, version, done } => self
                .engines
                .dispatcher()
                .check_measures(&act.by, *notice, *version, done)
                .err()
                .map(|r| (r.code, r.message)),
            Act::Directory { changes } => {
                self.engines.directory().changed(changes).err().map(|problems| ("does_not_fit", problems.join("\n")))
            }
            Act::Track(act) => self.engines.tracker().check(act).err().map(|r| (r.code, r.message)),
            other => self.engines.desk().check(&act.by, other, self.now).err().map(|r| (r.code, r.message)),
        };
        let refused = refused.or_else(|| self.refused_by_template(&act.act));
        if let Some((code, message)) = refused {
            let _ = reply.send(Err(NotTaken::Refused { code, message }));
            return;
        }
        if let Some(request) = &act.request {
            self.recent.keep(act.by.clone(), request.clone());
        }
        if matches!(act.act, Act::Directory { .. }) {
            turn.directory = Some(self.next);
        }
        self.input(turn, Body::Act(act));
        turn.batch.replies.push(reply);
    }

    /// Exercise and live never mix: what was written from a template of the other kind, or is not filled in.
    fn refused_by_template(&self, act: &Act) -> Option<(&'static str, String)> {
        let Act::Bulletin(act) = act else { return None };
        let kept = self.engines.desk().bulletin(act.notice()).map(|s| &s.content);
        crate::library::unfit(act, kept, self.engines.exercise().is_some()).map(|wrong| ("unfit", wrong))
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
            let body = match &act.act {
                // It may hold what a report says, which must be found when that is purged.
                Act::Intelligence(_) => String::new(),
                other => serde_json::to_string(other).unwrap_or_default().chars().take(1_024).collect(),
            };
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
        self.told.retain(|id, _| self.engines.notice(*id).is_some());
        self.held.retain(|id, _| self.engines.notice(*id).is_some());
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
        let report = match &entry.body {
            Body::Act(ActEntry { act: Act::Intelligence(act), .. }) => self.engines.desk().report(act.report()),
            _ => None,
        };
        let seen_before = report.map(Shown::of);
        let decisions = self.engines.step(&entry);
        self.next += 1;
        turn.batch.entries.push(entry);
        for body in decisions {
            match &body {
                Body::Notice(n) => {
                    if n.warning().is_some() {
                        turn.batch.raised_at = Some(n.at);
                    }
                    turn.notices.insert(n.id, self.next);
                    turn.alarms.insert(AlarmId::Notice(n.id), self.next);
                }
                Body::Dispatch(e) => {
                    if let DispatchEvent::Attempt { delivery } = e {
                        turn.attempts.push(delivery.clone());
                    }
                    turn.notices.insert(notice_of(e), self.next);
                }
                Body::Desk(e) => match e {
                    DeskEvent::Sighting { state } => {
                        turn.sightings.insert(state.sighting.id, self.next);
                        turn.alarms.insert(AlarmId::Sighting(state.sighting.id), self.next);
                    }
                    DeskEvent::Alarm { state } => drop(turn.alarms.insert(state.alarm, self.next)),
                    DeskEvent::Call { call } => drop(turn.alarms.insert(call.alarm, self.next)),
                    DeskEvent::Shelf { change } => drop(turn.alarms.insert(change.alarm, self.next)),
                    DeskEvent::Shift { .. } => turn.shift = Some(self.next),
                    DeskEvent::Flood { .. } => turn.flood = Some(self.next),
                    DeskEvent::Bulletin { state } => drop(turn.bulletins.insert(state.notice, self.next)),
                    DeskEvent::Intelligence { state } => {
                        turn.reports.entry(state.id).or_insert((self.next, seen_before.clone())).0 = self.next;
                    }
                    DeskEvent::Search { .. } => {}
                },
                _ => {}
            }
            self.entry(turn, Some(cause), body);
        }
    }

    /// Hands the turn to the committer.
    fn finish(&mut self, turn: Turn) {
        let Turn {
            mut batch,
            notices,
            sightings,
            alarms,
            bulletins,
            reports,
            shift,
            flood,
            people,
            directory,
            attempts,
        } = turn;
        if let Some(index) = directory {
            let roll = Arc::new(Roll::new(self.engines.directory().clone()));
            self.centre.roll.store(Arc::clone(&roll));
            batch.roll = Some(roll);
            batch.happened.push((index, Happened::Directory));
        }
        let mut changed = self.engines.take_changed();
        let see_all = &self.centre.roll.load().see_all;
        let mut news: BTreeMap<NoticeId, (u64, Arc<News>)> = BTreeMap::new();
        let mut notices = notices;
        // What the centre's pages were not told yet goes with the first turn that may.
        if let Some(newest) = batch.entries.last().map(|e| e.index) {
            for id in
                self.held.keys().filter(|id| self.told.get(id).is_none_or(|(at, _)| self.now.since_s(*at) >= TOLD_S))
            {
                notices.entry(*id).or_insert(newest);
            }
        }
        for (id, index) in notices {
            let changed = changed.remove(&id).unwrap_or_default();
            let version = self.engines.notice(id).map_or(0, |n| n.version);
            let long = self.engines.dispatcher().counts(id).recipients as usize > WHOLE;
            let lately = self.told.get(&id).is_some_and(|(at, v)| *v == version && self.now.since_s(*at) < TOLD_S);
            let quiet = long && lately && changed.is_disjoint(see_all);
            let mut held = self.held.remove(&id).unwrap_or_default();
            let news_of = News::of(&self.engines, id, (&changed, &held), see_all, quiet);
            if quiet {
                held.extend(changed);
                self.held.insert(id, held);
            } else if long {
                self.told.insert(id, (self.now, version));
            }
            if let Some(n) = news_of {
                news.insert(id, (index, Arc::new(n)));
            }
        }
        for delivery in attempts {
            if let Some((_, n)) = news.get(&delivery.notice) {
                batch.attempts.push((delivery, Arc::clone(n)));
            }
        }
        batch.notices = news.into_values().collect();
        for (id, index) in sightings {
            if let Some(s) = self.engines.desk().sighting(id) {
                batch.happened.push((index, Happened::Sighting(SightingView::of(self.engines.directory(), s))));
            }
        }
        let directory = self.engines.directory();
        for (id, index) in alarms {
            // One that is over by now goes with its warning or report.
            if let Some(a) = self.engines.desk().alarm(id) {
                batch.happened.push((index, Happened::Alarm(AlarmView::of(&self.engines, &a))));
            }
        }
        for (id, index) in bulletins {
            if let Some(s) = self.engines.desk().bulletin(id) {
                let view = BulletinView::of(directory, self.engines.desk(), s, self.now);
                batch.happened.push((index, Happened::Bulletin(Box::new(view))));
            }
        }
        for (id, (index, before)) in reports {
            if let Some(s) = self.engines.desk().report(id) {
                batch.happened.push((index, Happened::Report(ReportNews::of(s, before, self.now))));
            }
        }
        if let (Some(index), Some(change)) = (shift, self.engines.desk().shift()) {
            batch.happened.push((index, Happened::Shift(ShiftView::of(directory, change))));
        }
        if let Some(index) = flood {
            batch.happened.push((index, Happened::Flood(FloodView::of(&self.engines, self.now))));
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
        self.centre.flags.hand_over(batch.entries.len());
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
        | DispatchEvent::Lapsed { notice, .. }
        | DispatchEvent::Called { notice, .. }
        | DispatchEvent::Measures { notice, .. }
        | DispatchEvent::Closed { notice, .. } => *notice,
        DispatchEvent::Attempt { delivery } | DispatchEvent::Moved { delivery } => delivery.notice,
    }
}
