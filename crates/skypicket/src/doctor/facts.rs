//! [`Facts`]: what the doctor looks at, gathered in one go: from a running centre, or from its folder when it is stopped.

use crate::{
    clock,
    clocks::{Clocks, Compared},
    config::{Config, TlsConfig},
    host::{self, Bound, Open, Process, TimeKeeper},
    http::App,
    tls::Tls,
};
use skypicket_link::tls::ServerName;
use skypicket_model::{Channel, Person, PersonId, Role, SourceId, Time, entry::ChannelState};
use skypicket_record::{
    Record, RecordState, SqliteRecord, StoredCheckpoint,
    checkpoint::{Checkpoint, NoteSigner, NoteVerifier},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A listener of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// What it is, as its errors name it.
    pub what: String,
    /// Its address; port 0 is any.
    pub address: SocketAddr,
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// It speaks TLS.
    pub tls: bool,
}

impl Listener {
    /// Every listener of a configuration.
    pub fn all(config: &Config) -> Vec<Self> {
        let of = |what: String, address, protocol, tls| Self { what, address, protocol, tls };
        let mut all = vec![of(Config::PAGES.into(), config.listen, "tcp", config.tls != TlsConfig::Off)];
        all.extend(config.tak.iter().map(|t| of("tak".into(), t.listen, "tcp", t.tls)));
        let tcp = config.source.tcp.iter().map(|s| of(format!("source.tcp '{}'", s.id), s.listen, "tcp", s.tls));
        let udp = config.source.udp.iter().map(|s| of(format!("source.udp '{}'", s.id), s.listen, "udp", false));
        all.extend(udp.chain(tcp));
        all
    }
}

/// A certificate that a listener shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Of which listener.
    pub what: String,
    /// Names and addresses that it is good for.
    pub names: BTreeSet<String>,
    /// When it ends.
    pub until: Time,
    /// The hosts under which people and machines reach it.
    pub used: Vec<String>,
}

/// How push does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushFacts {
    /// It is on.
    pub enabled: bool,
    /// Its maker is told whom to ask.
    pub has_contact: bool,
    /// Phones that get it.
    pub phones: usize,
    /// What was wrong the last time, by how many of them.
    pub troubles: BTreeMap<String, usize>,
}

/// How one channel does.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelFacts {
    /// Which.
    pub channel: Channel,
    /// Whether it takes messages, and whether they arrive.
    pub state: ChannelState,
    /// For how long, seconds.
    pub for_s: f64,
    /// Test messages can come back over it.
    pub has_loop: bool,
    /// How long ago the last test was sent that came round, and how long it took, seconds.
    pub round: Option<(f64, f64)>,
    /// Messages that wait, and how long the oldest does, seconds.
    pub waiting: (usize, f64),
}

/// What a centre was started with, for the doctor to compare.
pub struct Standing {
    /// Its listeners, as they were bound.
    pub listeners: Vec<Listener>,
    /// Sources and TAK are listened to (not in an exercise).
    pub connected: bool,
    /// Disk space that the record keeps back, bytes.
    pub reserve_bytes: u64,
    /// Test messages go round the channels.
    pub watchdog: bool,
    /// Time between signed checkpoints, seconds.
    pub checkpoint_s: f64,
    /// TLS, by what shows it: pages and API, sources and TAK clients.
    pub tls: Vec<(&'static str, Arc<Tls>)>,
    /// The host that people are told to use, where one is configured.
    pub public_host: Option<String>,
}

impl Standing {
    /// The certificates shown now.
    pub fn certificates(&self) -> Vec<Certificate> {
        let name = |n: &ServerName| match n {
            ServerName::Dns(d) => d.clone(),
            ServerName::Ip(ip) => ip.to_string(),
        };
        let of = |(what, tls): &(&'static str, Arc<Tls>)| {
            let facts = tls.facts();
            let bases = tls.bases().into_iter().filter_map(|b| {
                let host = b.strip_prefix("https://")?.rsplit_once(':')?.0.to_owned();
                Some(host.trim_matches(['[', ']']).to_owned())
            });
            let public = self.public_host.clone().filter(|_| *what == Config::PAGES);
            Certificate {
                what: (*what).to_owned(),
                names: facts.names.iter().map(name).collect(),
                until: facts.not_after,
                used: bases.chain(public).collect(),
            }
        };
        self.tls.iter().map(of).collect()
    }
}

/// How one source does.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Which.
    pub id: SourceId,
    /// For how long nothing came from it, seconds; `None` when nothing ever came.
    pub silent_s: Option<f64>,
    /// Silence longer than this is an alarm, seconds.
    pub expected_s: Option<f64>,
    /// It is one now.
    pub silent: bool,
    /// What came, what of it was refused, and what was shed.
    pub received: u64,
    /// Refused.
    pub refused: u64,
    /// Shed.
    pub shed: u64,
}

/// What only a running centre knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// Since when.
    pub since: Time,
    /// Exercise, or live.
    pub exercise: Option<String>,
    /// Warnings go out before they are written.
    pub unrecorded: bool,
    /// Entries that wait in memory for the record.
    pub backlog: u64,
    /// The longest commit since the start, seconds.
    pub longest_commit_s: f64,
    /// Observations, jobs and batches that wait.
    pub waiting: [u64; 3],
    /// Sources.
    pub sources: Vec<Source>,
    /// People with no channel up.
    pub unreachable: usize,
    /// Watch officers with an open page.
    pub on_watch: usize,
    /// Clocks of sources and phones.
    pub compared: Compared,
    /// Push to phones.
    pub push: PushFacts,
    /// Each channel.
    pub channels: Vec<ChannelFacts>,
    /// Addresses of people that lead nowhere.
    pub nowhere: Vec<String>,
    /// When the newest backup was made that the record knows of.
    pub backup_at: Option<Time>,
    /// By how much the centre's time is ahead of the machine's, which was set back, seconds.
    pub ahead_s: f64,
    /// How often our clock jumped, and when last by how much.
    pub jumps: (u64, Option<(Time, f64)>),
    /// What it uses.
    pub process: Process,
}

/// The newest signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// When.
    pub at: Option<Time>,
    /// Entries that it covers.
    pub size: u64,
    /// What is wrong with it.
    pub fault: Option<String>,
}

/// The record.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// How it is.
    pub state: RecordState,
    /// Entries.
    pub entries: u64,
    /// Size of the database, bytes.
    pub database_bytes: u64,
    /// Size of the write-ahead log, bytes.
    pub wal_bytes: u64,
    /// Size of the reserve's file, bytes; `None` when it is gone.
    pub reserve_bytes: Option<u64>,
    /// The newest checkpoint; `None` when there is none.
    pub checkpoint: Option<Signed>,
    /// People who are not shut out, and administrators among them; `None` where the record could not say.
    pub people: Option<(usize, usize)>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Now.
    pub now: Time,
    /// Version of this program.
    pub software: &'static str,
    /// What is wrong with the configuration.
    pub config: Option<String>,
    /// What a running centre says.
    pub running: Option<Running>,
    /// Listeners as configured.
    pub listeners: Vec<Listener>,
    /// Sockets really bound: the centre's own while it runs, else everybody's on this machine.
    pub bound: Option<BTreeSet<Bound>>,
    /// Certificates.
    pub certificates: Vec<Certificate>,
    /// Whose last token or client certificate ends soon or ended lately, and when.
    pub ending: Vec<(String, Time)>,
    /// Until when the last certificate is valid that alerts are signed with; only a running centre says it.
    pub alerts_until: Option<Time>,
    /// The record; `None` when there is none yet; an error when it cannot be opened.
    pub record: Result<Option<Kept>, String>,
    /// Disk space that the record keeps back, bytes, as configured.
    pub reserve_bytes: u64,
    /// Time between signed checkpoints, seconds, as configured.
    pub checkpoint_s: f64,
    /// Free where the record is, and the size of that disk, bytes.
    pub disk: Option<(u64, u64)>,
    /// The folder.
    pub folder: PathBuf,
    /// What in it others can open.
    pub open: Vec<Open>,
    /// What in it belongs to somebody else.
    pub foreign: Vec<PathBuf>,
    /// The key that signs checkpoints is there.
    pub has_key: bool,
    /// What keeps the clock.
    pub keeper: TimeKeeper,
    /// Time zone of the machine.
    pub zone: Option<String>,
    /// Memory that programs could still have, and all, bytes.
    pub memory: (Option<u64>, Option<u64>),
}

/// Of a checkpoint and the record that it stands for.
async fn signed(record: &SqliteRecord, verifier: Option<NoteVerifier>) -> Option<Signed> {
    let newest = match record.latest_checkpoint().await {
        Ok(n) => n?,
        Err(e) => return Some(Signed { at: None, size: 0, fault: Some(e.to_string()) }),
    };
    let fault = checkpoint_fault(record, &newest, verifier).await;
    Some(Signed { at: newest.at, size: newest.size, fault })
}

async fn checkpoint_fault(
    record: &SqliteRecord,
    stored: &StoredCheckpoint,
    verifier: Option<NoteVerifier>,
) -> Option<String> {
    let Some(verifier) = verifier else { return Some("the key that signs checkpoints cannot be read".into()) };
    let note = match Checkpoint::open(&stored.note, &[verifier]) {
        Ok(n) => n,
        Err(e) => return Some(e.to_string()),
    };
    if (note.size, note.root) != (stored.size, stored.root) {
        return Some("what it signs is not what is stored beside it".into());
    }
    let next = record.head().next;
    if note.size > next {
        return Some(format!("it covers {} entries, and the record has {next}: entries were lost", note.size));
    }
    if note.size == 0 {
        return None;
    }
    match record.prove_consistency(note.size, next).await {
        Err(e) => Some(e.to_string()),
        Ok(p) if p.old.1 != note.root || !p.holds() => Some("the record is not the one that was signed".into()),
        Ok(_) => None,
    }
}

/// The verifier of the key file in a record's folder.
fn verifier_of(folder: &Path) -> Option<NoteVerifier> {
    let text = std::fs::read_to_string(folder.join("checkpoint.key")).ok()?;
    NoteSigner::from_secret_text(&text).ok().map(|s| s.verifier().clone())
}

impl Facts {
    /// From outside: what anybody with the files can see.
    fn outside(folder: &Path, config: &Config, listeners: Vec<Listener>) -> Self {
        let (open, foreign) = host::open_to_others(folder);
        Self {
            now: clock::now(),
            software: env!("CARGO_PKG_VERSION"),
            config: None,
            running: None,
            listeners,
            bound: None,
            certificates: Vec::new(),
            ending: Vec::new(),
            alerts_until: None,
            record: Ok(None),
            reserve_bytes: config.record.reserve_mib << 20,
            checkpoint_s: config.record.checkpoint_s,
            // Before the first start the folder is not there: its disk is that of the folder above.
            disk: folder
                .ancestors()
                .find_map(|f| if f.as_os_str().is_empty() { host::disk(Path::new(".")) } else { host::disk(f) }),
            folder: folder.to_owned(),
            open,
            foreign,
            has_key: folder.join("checkpoint.key").is_file(),
            keeper: host::time_keeper(),
            zone: host::time_zone(),
            memory: host::memory(),
        }
    }

    /// Of a centre that does not run, from its folder.
    pub async fn stopped(folder: &Path, config: &Config) -> Self {
        let mut facts = Self::outside(folder, config, Listener::all(config));
        facts.bound = host::bound(None);
        let there = folder.join(skypicket_record::FILE_NAME).is_file();
        facts.record = if there { kept_closed(folder).await.map(Some) } else { Ok(None) };
        facts
    }

    /// Of the running centre, from inside.
    pub async fn running(app: &App) -> Self {
        let (centre, standing) = (&app.centre, &app.standing);
        let folder = centre.record.folder().to_owned();
        let outside = {
            let (folder, listeners) = (folder.clone(), standing.listeners.clone());
            // Files are looked at on a thread that may wait for the disk.
            tokio::task::spawn_blocking(move || Self::outside(&folder, &Config::default(), listeners)).await
        };
        let mut facts = match outside {
            Ok(f) => f,
            Err(_) => Self::outside(&folder, &Config::default(), standing.listeners.clone()),
        };
        facts.reserve_bytes = standing.reserve_bytes;
        facts.checkpoint_s = standing.checkpoint_s;
        if !standing.connected {
            facts.listeners.retain(|l| l.what == Config::PAGES);
        }
        facts.bound = host::bound(Some(Path::new("/proc/self/fd")));
        let now = facts.now;
        let present = centre.hub.present();
        let asked = centre.ask(move |e| {
            // Devices are no people: nobody waits for them to come.
            let person = |p: &&Person| !p.disabled && !p.roles.contains(&Role::Device);
            let active = || e.directory().people.values().filter(person);
            let unreachable = active().filter(|p| e.dispatcher().channels_up(&p.id).is_empty()).count();
            let on_watch = active().filter(|p| p.roles.contains(&Role::Watch) && present.contains(&p.id)).count();
            let administrators = active().filter(|p| p.roles.contains(&Role::Administrator)).count();
            let all: Vec<PersonId> = active().map(|p| p.id.clone()).collect();
            (all, administrators, unreachable, on_watch)
        });
        let counted = tokio::time::timeout(std::time::Duration::from_secs(2), asked).await.ok().and_then(Result::ok);
        let people = counted.as_ref().map(|(all, administrators, ..)| (all.len(), *administrators));
        let (unreachable, on_watch) = counted.as_ref().map_or((0, 0), |(_, _, u, w)| (*u, *w));
        let push = push(app, counted.iter().flat_map(|c| &c.0));
        facts.certificates = standing.certificates();
        facts.ending = app.machines.ending(facts.now);
        facts.alerts_until = app.cap.keys.shown(facts.now).await.iter().map(|k| k.ends).max();
        let m = centre.record.metrics();
        let verifier = centre.record.verifier_key().and_then(|k| NoteVerifier::from_text(&k).ok());
        facts.record = Ok(Some(Kept {
            state: centre.record.state(),
            entries: m.entries,
            database_bytes: m.database_bytes,
            wal_bytes: m.wal_bytes,
            reserve_bytes: reserve(&folder),
            checkpoint: signed(&centre.record, verifier).await,
            people,
        }));
        let (observations, jobs) = centre.inbox.waiting();
        facts.running = Some(Running {
            since: centre.started_at,
            exercise: centre.exercise.as_deref().map(Into::into),
            unrecorded: centre.flags.unrecorded(),
            backlog: centre.flags.backlog(),
            longest_commit_s: m.longest_commit_us as f64 * 1e-6,
            waiting: [observations as u64, jobs as u64, m.queued],
            sources: sources(app, now),
            unreachable,
            on_watch,
            compared: app.sources.clocks.compared(now),
            push,
            channels: channels(app, now),
            nowhere: app.carriers.nowhere(&centre.roll.load().directory),
            backup_at: crate::meters::newest_backup(centre).await,
            ahead_s: clock::ahead_s(),
            jumps: Clocks::jumps(&app.sources.clocks),
            process: Process::now(),
        });
        facts
    }
}

/// How push does, over the phones of all these people; whose they are is not told.
fn push<'a>(app: &App, people: impl Iterator<Item = &'a PersonId>) -> PushFacts {
    let Some(push) = app.centre.push.get() else { return PushFacts::default() };
    let mut facts = PushFacts { enabled: push.enabled(), has_contact: push.has_contact(), ..PushFacts::default() };
    for phone in people.flat_map(|p| push.of(p)) {
        facts.phones += 1;
        if let Some(trouble) = phone.trouble {
            *facts.troubles.entry(trouble).or_default() += 1;
        }
    }
    facts
}

fn channels(app: &App, now: Time) -> Vec<ChannelFacts> {
    let views = app.carriers.views();
    let of = |(channel, s): (Channel, crate::carriers::Standing)| {
        let own = || views.iter().filter(|((c, _), ..)| *c == channel).map(|(_, v, _)| v);
        ChannelFacts {
            channel,
            state: s.state,
            for_s: now.since_s(s.since).max(0.0),
            has_loop: app.standing.watchdog && app.carriers.has_loop(channel),
            round: s.round.map(|r| (now.since_s(r.at).max(0.0), r.took_s)),
            waiting: (
                own().map(|v| v.urgent + v.caution + v.advisory).sum(),
                own().filter_map(|v| v.oldest_s).fold(0.0, f64::max),
            ),
        }
    };
    app.carriers.board.all().into_iter().map(of).collect()
}

fn sources(app: &App, now: Time) -> Vec<Source> {
    let all = app.sources.list(&app.centre.inbox.shed(), now);
    all.into_iter()
        .map(|s| Source {
            silent_s: s.last_heard.map(|t| now.since_s(t).max(0.0)),
            expected_s: s.expected_interval_s,
            silent: s.silent,
            received: s.received,
            refused: s.refused.values().sum(),
            shed: s.shed,
            id: s.id,
        })
        .collect()
}

fn reserve(folder: &Path) -> Option<u64> {
    std::fs::metadata(folder.join("reserve")).ok().map(|m| m.len())
}

/// A record that nobody has open for writing, or that somebody has and does not answer.
async fn kept_closed(folder: &Path) -> Result<Kept, String> {
    let options = skypicket_record::Options { read_only: true, ..skypicket_record::Options::default() };
    let record = Arc::new(SqliteRecord::open(folder, options).map_err(|e| e.to_string())?);
    let m = record.metrics();
    let head = record.head();
    let started = skypicket_model::entry::Started {
        log: head.log,
        software: env!("CARGO_PKG_VERSION").into(),
        engines: crate::engines::ENGINES,
        exercise: None,
    };
    let reading = Arc::clone(&record);
    let recovered = tokio::task::spawn_blocking(move || crate::centre::recover(&reading, &started)).await;
    let engines = recovered.map_err(|e| e.to_string())?.map_err(|e| format!("{e:#}"))?;
    let active = || engines.directory().people.values().filter(|p| !p.disabled);
    let people = (active().count(), active().filter(|p| p.roles.contains(&Role::Administrator)).count());
    Ok(Kept {
        state: RecordState::Ok,
        entries: m.entries,
        database_bytes: m.database_bytes,
        wal_bytes: m.wal_bytes,
        reserve_bytes: reserve(folder),
        checkpoint: signed(&record, verifier_of(folder)).await,
        people: Some(people),
    })
}
