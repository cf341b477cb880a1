//! `skypicket record`: verify, checkpoint, export, rebuild views; the rest is in [`crate::upkeep_command`].

use crate::{
    centre::next_entries,
    cli::{End, RecordCommand, say},
    engines::{ENGINES, Engines},
    upkeep_command::{self, Failed},
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
        RecordCommand::Backup(args) => return upkeep_command::backup(args).map_or_else(Failed::end, |()| End::OK),
        RecordCommand::Restore(args) => return upkeep_command::restore(args).map_or_else(Failed::end, |()| End::OK),
        RecordCommand::Purge(args) => return upkeep_command::purge(args).map_or_else(Failed::end, |()| End::OK),
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
    // Where something was purged, the engines can be made again only from the oldest snapshot that is left.
    let rebuild_from = if report.purged == 0 { None } else { record.oldest_snapshot().wait()? };
    let (mut differences, mut unjudged) = (0, 0);
    if recompute {
        (differences, unjudged) = recomputed(&record)?;
    }
    say(&json!({
        "type": "summary", "entries": report.entries, "faults": report.faults.len(), "root": report.root,
        "purged": report.purged, "rebuild_from": rebuild_from,
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
/// with what the record holds, history is read and not judged. The same from what was purged to the next snapshot.
fn recomputed(record: &SqliteRecord) -> anyhow::Result<(u64, u64)> {
    let mut engines: Option<Engines> = None;
    let mut expected: std::collections::VecDeque<(u64, Body)> = std::collections::VecDeque::new();
    let mut differences = 0u64;
    let (mut other_version, mut incomplete, mut gap, mut unjudged) = (false, false, false, 0);
    let (mut from, mut most) = (0, PAGE);
    loop {
        let stretch = next_entries(record, from, &mut most)?;
        if stretch.next == from {
            break;
        }
        from = stretch.next;
        // A snapshot takes nothing of the story with it.
        let mut purged = stretch.purged.into_iter().filter(|(_, kind)| kind != "snapshot").map(|(at, _)| at).peekable();
        for entry in stretch.entries {
            while purged.next_if(|at| *at <= entry.index).is_some() {
                expected.clear();
                gap = true;
            }
            if let Body::Started(s) = &entry.body {
                other_version = s.engines != ENGINES;
                incomplete = false;
                if engines.is_none() {
                    engines = Some(Engines::new(s));
                }
            }
            let Some(engines) = engines.as_mut() else { continue };
            if let Body::Snapshot(s) = &entry.body {
                if (incomplete || gap)
                    && let Some(whole) = Engines::restore(s)
                {
                    *engines = whole;
                    (incomplete, gap) = (false, false);
                }
                continue;
            }
            if matches!(entry.body, Body::Shed { taken: true, .. }) {
                differences += missing(&mut expected);
                incomplete = true;
            }
            // Another version of the rules decided this, or from more than is here: history is read, not judged.
            if other_version || incomplete || gap {
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
        if purged.next().is_some() {
            expected.clear();
            gap = true;
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
        let stretch = next_entries(&record, from, &mut most)?;
        if stretch.next == from {
            break;
        }
        from = stretch.next;
        let mut purged = stretch.purged.iter().peekable();
        for e in &stretch.entries {
            // A list that lost only some items is still there, with what is left of it.
            while let Some((index, kind)) = purged.next_if(|(index, _)| *index <= e.index) {
                if *index < e.index {
                    tombstone(&mut out, *index, kind)?;
                }
            }
            // The engines' state is of no use outside, and large.
            if matches!(e.body, Body::Snapshot(_)) {
                let line = json!({"index": e.index, "recorded_at": e.recorded_at, "cause": e.cause, "body": {"body": "snapshot"}});
                serde_json::to_writer(&mut out, &line).map_err(io::Error::from)?;
            } else {
                serde_json::to_writer(&mut out, e).map_err(io::Error::from)?;
            }
            out.write_all(b"\n")?;
        }
        for (index, kind) in purged {
            tombstone(&mut out, *index, kind)?;
        }
    }
    out.flush()?;
    Ok(true)
}

/// The line of an entry whose content was purged.
fn tombstone(out: &mut impl Write, index: u64, kind: &str) -> io::Result<()> {
    writeln!(out, "{}", json!({"index": index, "body": {"body": kind, "purged": true}}))
}

fn rebuild(data: &Path) -> anyhow::Result<bool> {
    open(data)?.rebuild_views()?;
    Ok(true)
}
