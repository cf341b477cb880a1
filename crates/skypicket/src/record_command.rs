//! `skypicket record`: verify, checkpoint, export, rebuild views.

use crate::{
    centre::next_entries,
    cli::{End, RecordCommand, say},
    engines::{ENGINES, Engines},
};
use serde_json::json;
use skypicket_model::{Body, Entry};
use skypicket_record::{Options, Record, SqliteRecord};
use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Entries read at once.
const PAGE: usize = 1_000;

/// Runs the command.
pub fn run(command: &RecordCommand) -> End {
    let done = match command {
        RecordCommand::Verify { data, recompute } => verify(data, *recompute),
        RecordCommand::Checkpoint { data } => checkpoint(data),
        RecordCommand::Export { data } => export(data),
        RecordCommand::RebuildViews { data } => rebuild(data),
        RecordCommand::Backup => return End::not_built("record backup"),
        RecordCommand::Restore => return End::not_built("record restore"),
        RecordCommand::Purge => return End::not_built("record purge"),
    };
    match done {
        Ok(true) => End::OK,
        Ok(false) => End::refused("the record does not verify".to_owned()),
        Err(e) => match e.downcast_ref::<io::Error>() {
            Some(io) if io.kind() == io::ErrorKind::BrokenPipe => End::OK,
            _ => End::could_not(format!("{e:#}")),
        },
    }
}

/// The folder that holds the record: `data` itself, or its `live` folder.
fn folder(data: &Path) -> anyhow::Result<PathBuf> {
    [data.to_owned(), data.join("live")]
        .into_iter()
        .find(|d| d.join(skypicket_record::FILE_NAME).is_file())
        .ok_or_else(|| anyhow::anyhow!("{}: there is no record in this folder", data.display()))
}

/// For reading while a centre may be running on it.
fn read_only(data: &Path) -> anyhow::Result<SqliteRecord> {
    Ok(SqliteRecord::open(&folder(data)?, Options { read_only: true, ..Options::default() })?)
}

fn open(data: &Path) -> anyhow::Result<SqliteRecord> {
    Ok(SqliteRecord::open(&folder(data)?, Options { reserve_bytes: 0, ..Options::default() })?)
}

fn verify(data: &Path, recompute: bool) -> anyhow::Result<bool> {
    let record = read_only(data)?;
    let report = record.verify(&mut |done, all| {
        if done % 100_000 < 1_000 && done > 0 {
            eprintln!("verified {done} of {all} entries");
        }
    })?;
    for fault in &report.faults {
        say(&json!({"type": "fault", "entry": fault.entry, "message": fault.message}).to_string());
    }
    let (mut differences, mut unjudged) = (0, 0);
    if recompute {
        (differences, unjudged) = recomputed(&record)?;
    }
    say(&json!({
        "type": "summary", "entries": report.entries, "faults": report.faults.len(), "root": report.root,
        "checkpoints": report.checkpoints, "verifier_key": report.verifier_key,
        "recomputed": recompute, "differences": differences, "unjudged": unjudged,
    })
    .to_string());
    Ok(report.faults.is_empty() && differences == 0)
}

/// Runs the engines over the recorded inputs and compares what they decide with what is recorded: how many differences,
/// and how many decisions could not be judged.
///
/// What a full disk had no room for, the engines had taken: from there to the next snapshot or start, which both begin
/// with what the record holds, history is read and not judged.
fn recomputed(record: &SqliteRecord) -> anyhow::Result<(u64, u64)> {
    let mut engines: Option<Engines> = None;
    let mut expected: std::collections::VecDeque<(u64, Body)> = std::collections::VecDeque::new();
    let mut differences = 0u64;
    let (mut other_version, mut incomplete, mut unjudged) = (false, false, 0);
    let (mut from, mut most) = (0, PAGE);
    loop {
        let entries = next_entries(record, from, &mut most)?;
        let Some(last) = entries.last() else { break };
        from = last.index + 1;
        for entry in entries {
            if let Body::Started(s) = &entry.body {
                other_version = s.engines != ENGINES;
                incomplete = false;
                if engines.is_none() {
                    engines = Some(Engines::new(s));
                }
            }
            let Some(engines) = engines.as_mut() else { continue };
            if let Body::Snapshot(s) = &entry.body {
                if incomplete && let Some(whole) = Engines::restore(s) {
                    *engines = whole;
                    incomplete = false;
                }
                continue;
            }
            if matches!(entry.body, Body::Shed { taken: true, .. }) {
                differences += missing(&mut expected);
                incomplete = true;
            }
            // Another version of the rules decided this, or from more than is here: history is read, not judged.
            if other_version || incomplete {
                unjudged += u64::from(!entry.body.is_input());
                engines.recover(&entry);
                continue;
            }
            if entry.body.is_input() {
                differences += missing(&mut expected);
                expected.extend(engines.step(&entry).into_iter().map(|b| (entry.index, b)));
            } else {
                differences += u64::from(!same(&mut expected, &entry));
            }
        }
    }
    differences += missing(&mut expected);
    Ok((differences, unjudged))
}

fn missing(expected: &mut std::collections::VecDeque<(u64, Body)>) -> u64 {
    let n = expected.len() as u64;
    for (cause, body) in expected.drain(..) {
        say(&json!({"type": "difference", "cause": cause, "recomputed": body.kind(), "recorded": null}).to_string());
    }
    n
}

fn same(expected: &mut std::collections::VecDeque<(u64, Body)>, entry: &Entry) -> bool {
    let found = expected.pop_front();
    // Thinned tracks may have been emptied while the disk was full.
    let thinned = matches!(&entry.body, Body::Tracks { items } if items.is_empty());
    let fits = found.as_ref().is_some_and(|(cause, body)| {
        Some(*cause) == entry.cause && (*body == entry.body || thinned && body.kind() == "tracks")
    });
    if !fits {
        say(&json!({
            "type": "difference", "entry": entry.index, "cause": entry.cause, "recorded": entry.body.kind(),
            "recomputed": found.map(|(_, b)| b.kind()),
        })
        .to_string());
    }
    fits
}

fn checkpoint(data: &Path) -> anyhow::Result<bool> {
    let record = open(data)?;
    say(record.checkpoint().wait()?.note.trim_end());
    Ok(true)
}

fn export(data: &Path) -> anyhow::Result<bool> {
    let record = read_only(data)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut from, mut most) = (0, PAGE);
    loop {
        let entries = next_entries(&record, from, &mut most)?;
        let Some(last) = entries.last() else { break };
        from = last.index + 1;
        for e in &entries {
            // The engines' state is of no use outside, and large.
            if matches!(e.body, Body::Snapshot(_)) {
                let line = json!({"index": e.index, "recorded_at": e.recorded_at, "cause": e.cause, "body": {"body": "snapshot"}});
                serde_json::to_writer(&mut out, &line).map_err(io::Error::from)?;
            } else {
                serde_json::to_writer(&mut out, e).map_err(io::Error::from)?;
            }
            out.write_all(b"\n")?;
        }
    }
    out.flush()?;
    Ok(true)
}

fn rebuild(data: &Path) -> anyhow::Result<bool> {
    open(data)?.rebuild_views()?;
    Ok(true)
}
