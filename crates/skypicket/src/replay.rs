//! `skypicket replay`: captures and JSON lines through the whole pipeline: decode, record, track, warn; printed as JSON
//! lines. `now` is the capture's own time, so the same input prints the same lines.

use crate::{
    cli::{End, ReplayArgs},
    decode::{next_line, open},
    engines::{ENGINES, Engines, Policies},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use skypicket_model::{
    Agency, AgencyId, Body, Danger, Directory, Entry, LogId, Notice, Observation, ObservationId, Place, ProtectedId,
    SourceId, Time, Track, TrackState, Unit, UnitId, Warning,
    entry::{Configured, Started},
    geo::Enu,
    people::Site,
};
use skypicket_record::{Options, Record, SqliteRecord};
use skypicket_wire::{
    capture::LiveElements,
    feed::{self, Feed, FeedFormat, Heard, Moment, Piece},
    json as strict, observation_line,
};
use std::{
    collections::BTreeMap,
    io::{self, BufRead, BufWriter, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Everything with which a pcap or pcapng file can begin.
const CAPTURE_MAGIC: [[u8; 4]; 5] = [
    [0x0A, 0x0D, 0x0D, 0x0A],
    [0xD4, 0xC3, 0xB2, 0xA1],
    [0xA1, 0xB2, 0xC3, 0xD4],
    [0x4D, 0x3C, 0xB2, 0xA1],
    [0xA1, 0xB2, 0x3C, 0x4D],
];
/// After so long a silence every track has ended: longer gaps are stepped over.
const LONGEST_GAP_S: f64 = 900.0;
/// A time farther ahead than this is believed only when the next one does not fall back behind it: one damaged stamp would
/// else end every track and make all that follows too old.
const JUMP_S: f64 = 10.0;
/// Longest JSON line, bytes.
const MOST_LINE: u64 = 64 * 1024;

/// Runs the command.
pub fn run(args: &ReplayArgs) -> End {
    let speed = match args.speed.as_str() {
        "max" => None,
        x => match x.parse::<f64>() {
            Ok(s) if s.is_finite() && s > 0.0 => Some(s),
            _ => return End::usage(format!("--speed {x}: give a number over 0, or max")),
        },
    };
    if args.standoff.is_some_and(|m| !(m.is_finite() && m > 0.0 && m <= 100_000.0)) {
        return End::usage("--standoff: give metres over 0 and at most 100000");
    }
    let sites = match args.protect.iter().enumerate().map(|(n, t)| site(n, t)).collect::<Result<Vec<_>, _>>() {
        Ok(s) => s,
        Err(e) => return End::usage(e),
    };
    let scratch = match Folder::new(args.data.as_deref()) {
        Ok(f) => f,
        Err(e) => return End::usage(e.to_string()),
    };
    match replay(args, sites, speed, scratch.path()) {
        Ok(0) => End::OK,
        Ok(_) => End::refused(None),
        Err(e) => match (e.downcast_ref::<io::Error>(), e.downcast_ref::<NotBuilt>()) {
            (Some(io), _) if io.kind() == io::ErrorKind::BrokenPipe => End::OK,
            (_, Some(NotBuilt(what))) => End::not_built(what),
            _ => End::could_not(format!("{e:#}")),
        },
    }
}

/// An input that is known by name and not read yet.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not built yet")]
struct NotBuilt(&'static str);

/// The folder of the record: named, or temporary and removed at the end.
enum Folder {
    Kept(PathBuf),
    Temporary(PathBuf),
}

impl Folder {
    fn new(named: Option<&Path>) -> anyhow::Result<Self> {
        match named {
            Some(p) => {
                if p.exists() && std::fs::read_dir(p)?.next().is_some() {
                    anyhow::bail!(
                        "--data {}: the folder is not empty; a replay never writes into a record that exists",
                        p.display()
                    );
                }
                Ok(Self::Kept(p.to_owned()))
            }
            None => {
                Ok(Self::Temporary(std::env::temp_dir().join(format!("skypicket-replay-{}", uuid::Uuid::now_v7()))))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(p) | Self::Temporary(p) => p,
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Self::Temporary(p) = self {
            let _ = std::fs::remove_dir_all(p);
        }
    }
}

/// `LAT,LON,[HAE],[NAME]`: an empty height is unknown.
fn site(number: usize, text: &str) -> Result<Site, String> {
    let bad = |why: &str| format!("--protect {text}: {why}; give LAT,LON,[HAE],[NAME], for instance 47.1,8.7,,post");
    let mut parts = text.splitn(4, ',').map(str::trim);
    let number_of = |part: Option<&str>| part.and_then(|p| p.parse::<f64>().ok());
    let (Some(lat), Some(lon)) = (number_of(parts.next()), number_of(parts.next())) else {
        return Err(bad("latitude and longitude are not two numbers"));
    };
    let hae = match parts.next() {
        None | Some("") => None,
        Some(h) => Some(h.parse::<f64>().map_err(|_| bad("the height is not a number"))?),
    };
    let name = match parts.next() {
        None | Some("") => format!("place-{}", number + 1),
        Some(n) => n.to_owned(),
    };
    let slug: String =
        name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(48).collect();
    let id = UnitId::new(&slug)
        .or_else(|_| UnitId::new(&format!("place-{}", number + 1)))
        .map_err(|e| bad(&e.to_string()))?;
    let at = Place::new(lat, lon, hae).map_err(|e| bad(&e.to_string()))?;
    Ok(Site { id, name, at, standoff_m: None, unit: UnitId::new("replay").map_err(|e| bad(&e.to_string()))? })
}

fn directory(sites: Vec<Site>) -> anyhow::Result<Directory> {
    let agency = Agency { id: AgencyId::new("replay")?, name: "Replay".into() };
    let unit =
        Unit { id: UnitId::new("replay")?, name: "Replay".into(), agency: agency.id.clone(), leadership: Vec::new() };
    let mut d = Directory::default();
    d.agencies.insert(agency.id.clone(), agency);
    d.units.insert(unit.id.clone(), unit);
    for s in sites {
        if let Some(before) = d.sites.insert(s.id.clone(), s) {
            anyhow::bail!("--protect: two places are called '{}'", before.name);
        }
    }
    Ok(d)
}

/// How many inputs were refused.
fn replay(args: &ReplayArgs, sites: Vec<Site>, speed: Option<f64>, folder: &Path) -> anyhow::Result<u64> {
    let mut policies = Policies::default();
    if let Some(m) = args.standoff {
        policies.warn.standoff_m = m;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Engines make ids from the log's: one that is not kept is always the same, so that the same input prints the same
    // lines; one that is kept is a log of its own.
    let log = args.data.is_none().then(|| LogId(numbered(0)));
    let record = SqliteRecord::open(folder, Options { log, reserve_bytes: 0, ..Options::default() })?;
    let directory = directory(sites)?;
    let mut run = Run {
        runtime,
        engines: None,
        record,
        entries: Vec::new(),
        next: 0,
        now: None,
        next_tick: Time::default(),
        pace: speed.map(|s| (s, None)),
        out: BufWriter::new(io::stdout().lock()),
        configured: Some(Configured { directory: directory.clone(), policies: policies.to_record()? }),
        names: directory.sites.into_values().map(|s| (s.id, s.name)).collect(),
        levels: BTreeMap::new(),
        counts: Counts::default(),
        ids: 0,
        doubtful: None,
        messages: feed::open(FeedFormat::Receivers),
    };
    for file in &args.files {
        run.file(file)?;
    }
    run.end()
}

#[derive(Default)]
struct Counts {
    frames: u64,
    elements: u64,
    lines: u64,
    crc_bad: u64,
    observations: u64,
    tracks: std::collections::BTreeSet<skypicket_model::TrackId>,
    warnings: u64,
    refused: BTreeMap<String, u64>,
}

struct Run {
    runtime: tokio::runtime::Runtime,
    engines: Option<Engines>,
    record: SqliteRecord,
    entries: Vec<Entry>,
    next: u64,
    now: Option<Time>,
    next_tick: Time,
    /// Times real speed, and when the capture's start was.
    pace: Option<(f64, Option<(Instant, Time)>)>,
    out: BufWriter<io::StdoutLock<'static>>,
    configured: Option<Configured>,
    names: BTreeMap<UnitId, String>,
    levels: BTreeMap<(skypicket_model::TrackId, ProtectedId), Option<skypicket_model::Level>>,
    counts: Counts,
    ids: u128,
    /// An input whose time is far ahead of those before it.
    doubtful: Option<Observation>,
    /// Reads messages of receivers and gateways.
    messages: Box<dyn Feed>,
}

impl Run {
    fn file(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut input = open(Some(path))?;
        let source = SourceId::new("replay")?;
        let head: Vec<u8> = input.fill_buf()?.iter().take(4).copied().collect();
        if CAPTURE_MAGIC.iter().any(|m| m[..] == head[..]) {
            return self.capture(&mut *input, &source);
        }
        match head.trim_ascii_start().first() {
            Some(b'{') => self.lines(&mut *input, &source),
            None => Ok(()),
            Some(_) => anyhow::bail!("{}: this is neither pcap, pcapng nor JSON lines", path.display()),
        }
    }

    fn capture(&mut self, input: &mut dyn BufRead, source: &SourceId) -> anyhow::Result<()> {
        let mut reader = LiveElements::new();
        let mut chunk = vec![0u8; 1 << 16];
        loop {
            let n = input.read(&mut chunk)?;
            let mut found = Vec::new();
            let mut ids = self.ids;
            let mut take = |e: skypicket_wire::capture::Element<'_>| {
                let Some(at) = e.time else { return };
                // Ids of a replay are counted, not random: the same file prints the same lines.
                let mut make = || {
                    ids += 1;
                    numbered(ids)
                };
                found.extend(e.observe(source, at, None, &mut make));
            };
            if n == 0 {
                reader.finish(&mut take);
            } else {
                reader.push(chunk.get(..n).unwrap_or_default(), &mut take);
            }
            self.ids = ids;
            for o in found {
                self.observation(o)?;
            }
            if n == 0 {
                break;
            }
        }
        let c = reader.counts();
        self.counts.frames += c.frames;
        self.counts.elements += c.elements;
        self.counts.crc_bad += c.crc_bad;
        for (reason, n) in &c.refused {
            *self.counts.refused.entry(reason.to_string()).or_insert(0) += n;
        }
        Ok(())
    }

    fn lines(&mut self, input: &mut dyn BufRead, source: &SourceId) -> anyhow::Result<()> {
        while let Some(bytes) = next_line(input, MOST_LINE)? {
            if bytes.trim_ascii().is_empty() {
                continue;
            }
            self.counts.lines += 1;
            let value = match strict::parse(&bytes, &strict::Limits::LINE) {
                Ok(v) => v,
                Err(e) => {
                    self.refuse(e.kind.as_str());
                    continue;
                }
            };
            // What `replay` itself prints beside observations is passed over, so that its output can be replayed.
            match value.get("type").and_then(Value::as_str) {
                Some("observation") => {}
                Some("track" | "danger" | "warning" | "summary") => continue,
                Some("header") => return Err(NotBuilt("an evaluation-kit file as input of replay").into()),
                _ if value.get("payload_b64").is_some() => {
                    self.message(&value, source)?;
                    continue;
                }
                _ => {
                    self.refuse("line_type");
                    continue;
                }
            }
            let mut ids = self.ids;
            let mut make_id = || {
                ids += 1;
                ObservationId(numbered(ids))
            };
            let decoded = observation_line::decode_value(
                &value,
                &mut observation_line::Context {
                    source,
                    sources: observation_line::Sources::Any,
                    received_at: None,
                    make_id: &mut make_id,
                    ahead_s: None,
                },
            );
            self.ids = ids;
            match decoded {
                Ok(o) => self.observation(o)?,
                Err(e) => self.refuse(e.reason()),
            }
        }
        Ok(())
    }

    /// A line of an MQTT log, `{t, topic, payload_b64}`: a message of a receiver or gateway.
    fn message(&mut self, line: &Value, source: &SourceId) -> anyhow::Result<()> {
        let at = line.get("t").and_then(Value::as_f64).and_then(Time::from_unix_s);
        let payload = line.get("payload_b64").and_then(Value::as_str).and_then(|p| BASE64_STANDARD.decode(p).ok());
        let (Some(at), Some(payload)) = (at, payload) else {
            self.refuse("line_field");
            return Ok(());
        };
        let topic = line.get("topic").and_then(Value::as_str).unwrap_or_default();
        let mut ids = self.ids;
        let mut new_id = || {
            ids += 1;
            numbered(ids)
        };
        let mut heard = Vec::new();
        let mut moment = Moment { topic, ..Moment::new(source, at, &mut new_id) };
        self.messages.hear(&payload, Piece::Whole, &mut moment, &mut |h| heard.push(h));
        self.ids = ids;
        for h in heard {
            match h {
                Heard::Observation { observation, .. } => self.observation(*observation)?,
                Heard::Alive { .. } | Heard::Gone { .. } => {}
                Heard::Refused { reason, .. } => self.refuse(reason),
            }
        }
        Ok(())
    }

    fn refuse(&mut self, reason: &str) {
        *self.counts.refused.entry(reason.to_owned()).or_insert(0) += 1;
    }

    /// Brings the pipeline to `t`, second by second.
    fn advance(&mut self, t: Time) -> anyhow::Result<Time> {
        if self.now.is_none() {
            self.begin(t)?;
        }
        let now = self.now.unwrap_or(t).max(t);
        let mut ticks = 0.0;
        while self.next_tick <= now {
            let at = self.next_tick;
            self.next_tick = at.plus_s(1.0);
            ticks += 1.0;
            if ticks > LONGEST_GAP_S {
                self.next_tick = now.plus_s(1.0);
                break;
            }
            self.now = Some(self.now.unwrap_or(at).max(at));
            self.wait_for(at);
            self.step(Body::Tick)?;
            self.commit()?;
        }
        self.now = Some(now);
        self.wait_for(now);
        Ok(now)
    }

    fn begin(&mut self, t: Time) -> anyhow::Result<()> {
        let started = Started {
            log: self.record.head().log,
            software: env!("CARGO_PKG_VERSION").into(),
            engines: ENGINES,
            exercise: Some("replay".into()),
        };
        self.engines = Some(Engines::new(&started));
        self.now = Some(t);
        self.next_tick = t.plus_s(1.0);
        self.step(Body::Started(started))?;
        if let Some(c) = self.configured.take() {
            self.step(Body::Configured(c))?;
        }
        Ok(())
    }

    fn wait_for(&mut self, t: Time) {
        let Some((speed, start)) = &mut self.pace else { return };
        let (began, first) = *start.get_or_insert_with(|| (Instant::now(), t));
        let due = Duration::try_from_secs_f64(t.since_s(first) / *speed).unwrap_or_default();
        // A replay at a set speed has to wait: this is its pace, not a synchronisation.
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }

    fn observation(&mut self, o: Observation) -> anyhow::Result<()> {
        let t = o.received_at;
        if let Some(before) = self.doubtful.take() {
            if t.since_s(before.received_at) < -JUMP_S {
                self.refuse("clock");
            } else {
                self.believed(before)?;
            }
        }
        if self.now.is_some_and(|now| t.since_s(now) <= JUMP_S) {
            return self.believed(o);
        }
        self.doubtful = Some(o);
        Ok(())
    }

    fn believed(&mut self, o: Observation) -> anyhow::Result<()> {
        let now = self.advance(o.received_at)?;
        self.counts.observations += 1;
        let mut line = observation_line::encode(&o);
        if let Some(m) = line.as_object_mut() {
            m.insert("flags".into(), json!(o.flags));
        }
        self.print(&line)?;
        let _ = now;
        self.step(Body::Observations { items: vec![o] })
    }

    fn step(&mut self, body: Body) -> anyhow::Result<()> {
        let (Some(engines), Some(now)) = (self.engines.as_mut(), self.now) else { return Ok(()) };
        let ticked = matches!(body, Body::Tick);
        let cause = self.next;
        let entry = Entry { index: cause, recorded_at: now, cause: None, body };
        let decisions = engines.step(&entry);
        let changed: Vec<Track> = engines.changed().to_vec();
        let dangers = engines.warner().dangers();
        self.entries.push(entry);
        self.next += 1;
        for t in &changed {
            // At a tick only what ended is news; the rest is a prediction.
            if !ticked || t.state == TrackState::Deleted {
                self.counts.tracks.insert(t.id);
                self.print(&track_line(t, now))?;
            }
        }
        for d in &dangers {
            let key = (d.track, d.protected.clone());
            let news = self.levels.insert(key, d.level) != Some(d.level);
            if news || (!ticked && changed.iter().any(|t| t.id == d.track)) {
                let line = self.danger_line(d, now);
                self.print(&line)?;
            }
        }
        for body in decisions {
            if let Body::Notice(n) = &body
                && let Some(w) = n.warning()
            {
                self.counts.warnings += 1;
                let line = self.warning_line(n, w);
                self.print(&line)?;
            }
            self.entries.push(Entry { index: self.next, recorded_at: now, cause: Some(cause), body });
            self.next += 1;
        }
        Ok(())
    }

    fn commit(&mut self) -> anyhow::Result<()> {
        let entries = std::mem::take(&mut self.entries);
        if !entries.is_empty() {
            self.runtime.block_on(self.record.append(entries))?;
        }
        Ok(())
    }

    fn end(mut self) -> anyhow::Result<u64> {
        if let Some(last) = self.doubtful.take() {
            self.believed(last)?;
        }
        if let Some(now) = self.now {
            // Long enough for every track to end and every warning to be cleared.
            let last = now.plus_s(120.0);
            self.advance(last)?;
        }
        self.commit()?;
        self.runtime.block_on(self.record.checkpoint())?;
        let refused: u64 = self.counts.refused.values().sum();
        let c = &self.counts;
        let line = json!({
            "type": "summary", "t": self.now.map(Time::unix_s), "frames": c.frames, "elements": c.elements,
            "crc_bad": c.crc_bad, "lines": c.lines, "observations": c.observations, "tracks": c.tracks.len(),
            "warnings": c.warnings, "entries": self.next, "refused": c.refused,
        });
        self.print(&line)?;
        self.out.flush()?;
        Ok(refused)
    }

    fn print(&mut self, line: &Value) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, line).map_err(io::Error::from)?;
        self.out.write_all(b"\n")
    }

    fn name(&self, p: &ProtectedId) -> String {
        match p {
            ProtectedId::Site(id) => self.names.get(id).cloned().unwrap_or_else(|| id.to_string()),
            ProtectedId::Person(id) => id.to_string(),
        }
    }

    fn danger_line(&self, d: &Danger, now: Time) -> Value {
        json!({
            "type": "danger", "t": now.unix_s(), "track": d.track, "protected": self.name(&d.protected),
            "distance_m": d.distance_m, "bearing_deg": d.bearing_deg, "cpa_m": d.cpa_m, "cpa_in_s": d.cpa_in_s,
            "earliest_s": d.earliest_s, "p_within": d.p_within, "level": d.level, "reasons": d.reasons,
        })
    }

    fn warning_line(&self, n: &Notice, w: &Warning) -> Value {
        json!({
            "type": "warning", "t": n.at.unix_s(), "id": n.id, "version": n.version, "state": n.state,
            "level": n.level, "track": w.track, "protected": self.name(&w.protected), "text": n.text,
            "because": w.because, "reasons": w.reasons,
        })
    }
}

/// At `now` on its present course, with the uncertainty of its velocity.
fn predicted(t: &Track, now: Time) -> Track {
    let s = now.since_s(t.at);
    if s <= 0.0 || t.state == TrackState::Deleted {
        return t.clone();
    }
    let [east, north, up] = t.vel_enu_mps.map(|v| v * s);
    let place = Enu::at(t.place).to_place([east, north, up]);
    let mut p = t.clone();
    p.place = Place { alt_hae_m: t.place.alt_hae_m.and(place.alt_hae_m), ..place };
    for (i, row) in p.cov_enu_m2.iter_mut().enumerate() {
        for (j, c) in row.iter_mut().enumerate() {
            let cross = |i: usize, j: usize| t.cross_cov_enu.get(i).and_then(|r| r.get(j)).copied().unwrap_or_default();
            let speed = t.vel_cov_enu.get(i).and_then(|r| r.get(j)).copied().unwrap_or_default();
            *c += s * (cross(i, j) + cross(j, i)) + s * s * speed;
        }
    }
    p
}

/// A UUIDv8 that only counts.
fn numbered(n: u128) -> uuid::Uuid {
    uuid::Uuid::new_v8(n.to_be_bytes())
}

/// A track as it is printed: where it is at `t`, not where it was last measured, so that the dangers of the same moment
/// can be computed again from it.
fn track_line(t: &Track, now: Time) -> Value {
    let t = &predicted(t, now);
    json!({
        "type": "track", "t": now.unix_s(), "id": t.id, "state": t.state,
        "lla": [t.place.lat_deg, t.place.lon_deg, t.place.alt_hae_m], "vel_enu_mps": t.vel_enu_mps,
        "cov_enu_m2": t.cov_enu_m2, "existence": t.existence, "ids": t.ids, "sources": t.sources,
        "suspect": t.suspect, "evidence": t.evidence, "height_takeoff_m": t.height_takeoff_m, "class": t.class,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_to_protect_is_read_with_an_unknown_height() {
        let s = site(0, "47.1,8.7,,post").unwrap();
        assert_eq!((s.at.alt_hae_m, s.name.as_str(), s.id.as_str()), (None, "post", "post"));
        assert_eq!(site(1, "47.1,8.7,430").unwrap().name, "place-2");
        assert_eq!(site(0, "-31.7,-106.4,1130,Gate 3").unwrap().id.as_str(), "gate-3");
        for bad in ["47.1", "x,y", "91,0", "1,2,high"] {
            assert!(site(0, bad).is_err(), "{bad}");
        }
    }
}
