//! `skypicket record backup`, `restore` and `purge`.
//!
//! Backup and purge work beside a running centre, which then writes down what was done; with none running they write it
//! down themselves. A restore makes a new folder, and nothing goes out because of it.

use crate::{
    backup::{self, Head, Key, Lock},
    centre::recover,
    cli::{BackupArgs, End, PurgeArgs, RestoreArgs, say},
    client::{Client, ClientError},
    clock,
    config::{Config, RetentionConfig},
    engines::{ENGINES, Engines},
    serve::folder,
    upkeep::forgot,
};
use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};
use skypicket_model::{
    Body, DispatchEvent, Entry, Time,
    entry::{Started, Upkeep},
};
use skypicket_record::{FILE_NAME, OpenError, Options, Record, Retention, SqliteRecord};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Between two lines about progress.
const PROGRESS: Duration = Duration::from_secs(2);

/// How a command ended that can be used wrongly.
pub enum Failed {
    /// Bad usage.
    Usage(String),
    /// It could not run.
    Could(anyhow::Error),
}

impl From<anyhow::Error> for Failed {
    fn from(e: anyhow::Error) -> Self {
        Self::Could(e)
    }
}

impl Failed {
    /// As a command's end.
    pub fn end(self) -> End {
        match self {
            Self::Usage(text) => End::usage(text),
            Self::Could(e) => End::could_not(format!("{e:#}")),
        }
    }
}

/// The record's folder of a command that reads one: `--data` as `serve` has it, or the folder of the record itself.
fn found(data: &Path, exercise: Option<&str>) -> anyhow::Result<PathBuf> {
    let under = folder(data, exercise);
    let either = if exercise.is_none() { vec![under.clone(), data.to_owned()] } else { vec![under.clone()] };
    let there = either.into_iter().find(|d| d.join(FILE_NAME).is_file());
    there.with_context(|| format!("{}: there is no record here", under.display()))
}

fn looking(folder: &Path) -> anyhow::Result<SqliteRecord> {
    Ok(SqliteRecord::open(folder, Options { read_only: true, ..Options::default() })?)
}

fn writing(folder: &Path) -> Result<SqliteRecord, OpenError> {
    SqliteRecord::open(folder, Options { reserve_bytes: 0, ..Options::default() })
}

/// Tells on standard error how far it is, not too often.
fn telling(what: &'static str) -> impl FnMut(u64, u64) {
    let mut told = Instant::now();
    move |done, all| {
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            eprintln!("{what}: {done} of {all} entries");
        }
    }
}

/// Appends an entry of upkeep that decides nothing, with no centre running.
fn append(record: &SqliteRecord, upkeep: Upkeep) -> anyhow::Result<()> {
    let head = record.head();
    let now = clock::now().max(head.last_recorded_at.unwrap_or_default());
    let entry = Entry { index: head.next, recorded_at: now, cause: None, body: Body::Upkeep(upkeep) };
    record.append(vec![entry]).wait()?;
    Ok(())
}

/// `record backup`.
pub fn backup(args: &BackupArgs) -> Result<(), Failed> {
    let lock = Lock::new(&args.recipient, args.recipients_file.as_deref(), args.passphrase_file.as_deref())
        .map_err(Failed::Usage)?;
    let folder = found(&args.data, args.exercise.as_deref())?;
    let (log, world) = {
        let record = looking(&folder).map_err(Failed::Could)?;
        (record.head().log, record.world().to_owned())
    };
    let (id, made_at) = (Uuid::now_v7().to_string(), clock::now());
    let (manifest, bytes) =
        backup::write(&folder, &args.to, &lock, (&id, made_at), (log, &world), telling("backed up"))?;
    let to = args.to.canonicalize().unwrap_or_else(|_| args.to.clone()).display().to_string();
    let written_down = write_down(&folder, &manifest.head, &to, lock.words());
    say(&json!({
        "type": "backup", "id": id, "to": to, "bytes": bytes, "entries": manifest.head.entries,
        "root": manifest.head.root, "made_at": made_at, "world": world, "files": manifest.files.len(),
        "recipients": lock.words(), "written_down": written_down.is_ok(),
    })
    .to_string());
    written_down.with_context(|| {
        format!("the backup {to} is whole, but it could not be written down in the record that it was made")
    })?;
    Ok(())
}

/// Has the running centre write down that a backup was made; with none running it is written here.
fn write_down(folder: &Path, head: &Head, to: &str, recipients: Vec<String>) -> anyhow::Result<()> {
    let body = json!({
        "id": Uuid::now_v7(), "backup": head.id, "entries": head.entries, "to": to, "recipients": recipients,
    });
    match Client::new(folder, None).ask("POST", "/api/v1/upkeep/backups", Some(&body)) {
        Ok(answer) => match answer.problem() {
            None => Ok(()),
            Some(problem) => bail!("{problem}"),
        },
        Err(ClientError::NoCentre { .. }) => {
            let record = writing(folder)?;
            let upkeep = Upkeep::BackedUp { id: head.id.clone(), entries: head.entries, to: to.into(), recipients };
            append(&record, upkeep)
        }
        Err(e) => Err(e.into()),
    }
}

/// `record purge`.
pub fn purge(args: &PurgeArgs) -> Result<(), Failed> {
    let config = Config::load(args.config.as_deref()).map_err(|e| Failed::Usage(e.to_string()))?;
    let policy: RetentionConfig = config.record.retention;
    let retention = policy.policy();
    if let Some(problem) = retention.problem() {
        return Err(Failed::Usage(format!("record.retention: {problem}")));
    }
    let folder = found(&args.data, args.exercise.as_deref())?;
    // A running centre purges by its own configuration.
    let client = Client::new(&folder, None);
    let asked = if args.dry_run {
        client.ask("GET", "/api/v1/upkeep", None)
    } else {
        client.ask("POST", "/api/v1/upkeep/purge", Some(&json!({"id": Uuid::now_v7()})))
    };
    let (items, backups) = match asked {
        Ok(answer) => {
            if let Some(problem) = answer.problem() {
                return Err(Failed::Could(anyhow::anyhow!("{problem}")));
            }
            let [items, backups] = if args.dry_run { ["due", "due_in_backups"] } else { ["items", "backups"] };
            (answer.body[items].clone(), answer.body[backups].clone())
        }
        Err(ClientError::NoCentre { .. }) => {
            let done = if args.dry_run {
                looking(&folder)?.due(&retention, clock::now()).map_err(anyhow::Error::from)?
            } else {
                purge_here(&folder, &retention)?
            };
            (json!(done.items), json!(done.backups))
        }
        Err(e) => return Err(Failed::Could(e.into())),
    };
    say(&json!({
        "type": if args.dry_run { "due" } else { "purged" }, "items": items, "still_in_backups": backups,
    })
    .to_string());
    Ok(())
}

/// Purges with no centre running: a signed snapshot before, what was purged after.
fn purge_here(folder: &Path, retention: &Retention) -> anyhow::Result<skypicket_record::Purge> {
    let record = writing(folder)?;
    let now = clock::now();
    let mut purged = record.due(retention, now)?;
    if !purged.items.is_empty() {
        let mut engines = engines_of(&record)?;
        let head = record.head();
        let at = now.max(head.last_recorded_at.unwrap_or_default());
        let entry = |index, body| Entry { index, recorded_at: at, cause: None, body };
        let forgot = entry(head.next, Body::Upkeep(forgot(retention, now)));
        engines.step(&forgot);
        let snapshot = entry(head.next + 1, Body::Snapshot(engines.snapshot()?));
        record.append(vec![forgot, snapshot]).wait()?;
        record.checkpoint().wait()?;
        purged = record.purge(retention, now, &AtomicBool::new(false))?;
    }
    let upkeep = Upkeep::Purged {
        items: purged.items.clone(),
        at: now,
        by: None,
        backups: purged.backups.clone(),
        report: None,
    };
    append(&record, upkeep)?;
    record.checkpoint().wait()?;
    if let Some(failed) = &purged.failed {
        bail!("the purge did not come to its end, and what it did is written down: {failed}");
    }
    ensure!(
        purged.items.is_empty() || purged.log_cut,
        "the write-ahead log still holds what was purged: readers kept it; purge again"
    );
    Ok(purged)
}

/// The engines as the record left them.
fn engines_of(record: &SqliteRecord) -> anyhow::Result<Engines> {
    let exercise = record.world().strip_prefix("exercise:").map(str::to_owned);
    let started =
        Started { log: record.head().log, software: env!("CARGO_PKG_VERSION").into(), engines: ENGINES, exercise };
    recover(record, &started)
}

/// `record restore`.
pub fn restore(args: &RestoreArgs) -> Result<(), Failed> {
    let key = Key::new(args.identity_file.as_deref(), args.passphrase_file.as_deref()).map_err(Failed::Usage)?;
    let target = folder(&args.data, args.exercise.as_deref());
    if fs::read_dir(&target).is_ok_and(|mut d| d.next().is_some()) {
        return Err(Failed::Usage(format!(
            "{}: this folder is not empty, and a restore takes the place of nothing: name a new --data, or move the old folder away",
            target.display()
        )));
    }
    let world = args.exercise.as_ref().map_or_else(|| "live".to_owned(), |name| format!("exercise:{name}"));
    // Made beside and then given its name: half a restore is never a record.
    let half = target.with_extension("restoring");
    let _ = fs::remove_dir_all(&half);
    let done = restored(&args.file, &key, &half, &world).and_then(|mut summary| {
        summary["authority"] = json!(settle_authority(&half, &args.data)?);
        let _ = fs::remove_dir(&target);
        fs::rename(&half, &target).with_context(|| target.display().to_string())?;
        let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::File::open(parent).and_then(|f| f.sync_all())?;
        Ok(summary)
    });
    match done {
        Ok(mut summary) => {
            summary["folder"] = json!(target);
            say(&summary.to_string());
            Ok(())
        }
        Err(e) => {
            let _ = fs::remove_dir_all(&half);
            Err(Failed::Could(e.context("nothing was restored")))
        }
    }
}

/// Gives the restored authority its place in the data folder. One that is there already stays: other records of this
/// folder, and phones, rest on it.
fn settle_authority(half: &Path, data: &Path) -> anyhow::Result<&'static str> {
    let shared = half.join(backup::SHARED);
    let from = shared.join(backup::AUTHORITY);
    let to = data.join(backup::AUTHORITY);
    let word = if !from.is_dir() {
        "none in the backup"
    } else if fs::read_dir(&to).is_ok_and(|mut d| d.next().is_some()) {
        "the one in the data folder was kept"
    } else {
        let _ = fs::remove_dir(&to);
        fs::rename(&from, &to).with_context(|| to.display().to_string())?;
        "restored"
    };
    if shared.exists() {
        fs::remove_dir_all(&shared).with_context(|| shared.display().to_string())?;
    }
    Ok(word)
}

fn restored(file: &Path, key: &Key, half: &Path, world: &str) -> anyhow::Result<Value> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(half).with_context(|| half.display().to_string())?;
    fs::set_permissions(half, fs::Permissions::from_mode(0o700))?;
    let manifest = backup::read(file, key, half, Some(world), telling("restored"))?;
    let head = &manifest.head;
    let record = writing(half)?;
    ensure!(record.head().log == head.log, "the record is another log's");
    let report = record.verify(telling("verified"))?;
    ensure!(report.is_sound(), "what was restored does not verify: {}", fault_words(&report));
    ensure!(report.entries == head.entries && report.root == head.root, "what was restored is not what was backed up");
    let open = may_repeat(&record, head)?;
    record.checkpoint().wait()?;
    drop(record);
    let files: Vec<&str> = manifest
        .files
        .keys()
        .filter(|n| n.starts_with("files/") || n.starts_with("shared/"))
        .map(String::as_str)
        .collect();
    Ok(json!({
        "type": "restored", "backup": head.id, "made_at": head.made_at, "made_by": head.software, "world": head.world,
        "entries": head.entries, "root": head.root, "verified": true, "purged": report.purged, "files": files,
        "may_repeat": open.deliveries, "notices": open.notices,
        "note": "Everything after made_at is missing. Sessions, tokens and passwords are as they were then: revoke again what was revoked since. The centre that this was must not run any more.",
    }))
}

fn fault_words(report: &skypicket_record::Report) -> String {
    report.faults.iter().take(3).map(|f| f.message.clone()).collect::<Vec<_>>().join("; ")
}

/// What was open in the backup.
struct Open {
    deliveries: u64,
    notices: Vec<Value>,
}

/// Writes down the restore with what the engines decide about it: every delivery that was open may have gone out since,
/// and is marked so.
fn may_repeat(record: &SqliteRecord, head: &Head) -> anyhow::Result<Open> {
    let mut engines = engines_of(record)?;
    let end = record.head();
    let now = clock::now().max(end.last_recorded_at.unwrap_or_default());
    let upkeep = Upkeep::Restored { id: head.id.clone(), entries: head.entries, made_at: head.made_at };
    let entry = Entry { index: end.next, recorded_at: now, cause: None, body: Body::Upkeep(upkeep) };
    let decided = engines.step(&entry);
    let open = open_notices(&engines, &decided, now);
    append_at(record, entry, decided)?;
    Ok(open)
}

fn append_at(record: &SqliteRecord, entry: Entry, decided: Vec<Body>) -> anyhow::Result<()> {
    let (index, now) = (entry.index, entry.recorded_at);
    let decided = decided.into_iter().zip(index + 1..);
    let mut entries = vec![entry];
    entries.extend(decided.map(|(body, n)| Entry { index: n, recorded_at: now, cause: Some(index), body }));
    record.append(entries).wait()?;
    Ok(())
}

fn open_notices(engines: &Engines, decided: &[Body], now: Time) -> Open {
    let mut marked: BTreeMap<_, u64> = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    for body in decided {
        if let Body::Dispatch(DispatchEvent::Moved { delivery }) = body
            && seen.insert(delivery.id)
        {
            *marked.entry(delivery.notice).or_insert(0) += 1;
        }
    }
    let notices = engines.notices().filter(|n| !n.state.ended() || marked.contains_key(&n.id)).map(|n| {
        json!({
            "id": n.id, "version": n.version, "level": n.level, "code": n.code, "at": n.at,
            "age_s": now.since_s(n.at).max(0.0).round(), "may_repeat": marked.get(&n.id).copied().unwrap_or(0),
        })
    });
    Open { deliveries: marked.values().sum(), notices: notices.collect() }
}
