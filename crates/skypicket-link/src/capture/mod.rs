//! [`CaptureTail`]: follows a capture file that another program is writing, and reads Remote ID out of it.
//!
//! The file need not be there yet; one that is truncated or replaced (a log rotation) is begun again from its start.
//!
//! Frames that are appended while it runs count as heard now (by their own stamp, where that lies within the last
//! seconds). What was already in the file at the start is old: of that, only frames stamped within the last
//! `fresh_s` seconds are taken, so that a restart does not raise warnings of an hour ago.

use crate::{
    Health, Intake, ids,
    listen::{Shutdown, stopped},
};
use serde::Deserialize;
use skypicket_model::{Observation, Place, SourceId, Time};
use skypicket_wire::capture::{Counts, Element, LiveElements, Reason, Transport};
use std::{
    collections::BTreeMap,
    fs::Metadata,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    fs::File,
    io::AsyncReadExt,
    time::{MissedTickBehavior, interval},
};

/// Settings of a [`CaptureTail`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaptureConfig {
    /// Source of what is heard.
    pub id: SourceId,
    /// The file: pcap or pcapng.
    pub path: PathBuf,
    /// How often to look for more, milliseconds, 10 to 10,000. Default 100.
    #[serde(default = "CaptureConfig::default_poll_ms")]
    pub poll_ms: u32,
    /// Oldest frame taken of what was in the file at the start, seconds. Default 10.
    #[serde(default = "CaptureConfig::default_fresh_s")]
    pub fresh_s: f64,
    /// Where the receiver stands. Default unknown.
    #[serde(default)]
    pub receiver_at: Option<Place>,
    /// Silence longer than this is an alarm, seconds. Default none.
    #[serde(default)]
    pub expected_interval_s: Option<f64>,
}

impl CaptureConfig {
    fn default_poll_ms() -> u32 {
        100
    }
    fn default_fresh_s() -> f64 {
        10.0
    }
}

/// Follows one file.
#[derive(Debug)]
pub struct CaptureTail {
    config: CaptureConfig,
    health: Arc<Health>,
    /// The file as it was before us, and its length then.
    before: Option<(Inode, u64)>,
}

impl CaptureTail {
    /// Ready to run. What is in the file at this moment is old; all that comes later is live.
    pub fn new(config: CaptureConfig) -> Self {
        let before = std::fs::metadata(&config.path).ok().map(|m| (inode(&m), m.len()));
        Self { config, health: Arc::default(), before }
    }

    /// Its counters: `received` counts frames, `decoded` observations.
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// Runs until the shutdown.
    pub async fn run(self, intake: Arc<dyn Intake>, mut shutdown: Shutdown) {
        let Self { config, health, mut before } = self;
        let mut tick = interval(Duration::from_millis(config.poll_ms.clamp(10, 10_000).into()));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ear = Ear { id: config.id, fresh_s: config.fresh_s, receiver_at: config.receiver_at, health, intake };
        let mut open: Option<Open> = None;
        let mut last_error = None;
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut shutdown) => return,
                _ = tick.tick() => {}
            }
            let looked = look(&config.path, &mut open, &mut before, &ear).await;
            let error = looked.err().filter(|e| e.kind() != io::ErrorKind::NotFound).map(|e| e.kind());
            if let Some(kind) = error
                && error != last_error
            {
                tracing::warn!(error = %kind, source = %ear.id, path = %config.path.display(), "reading a capture failed");
                ear.refuse("file", None, 1);
            }
            last_error = error;
        }
    }
}

/// A file that is being followed.
struct Open {
    file: File,
    inode: Inode,
    position: u64,
    /// Bytes before this were there before us.
    backlog: u64,
    live: LiveElements,
    told: Told,
}

/// What of a file's counts was passed on already.
#[derive(Default)]
struct Told {
    frames: u64,
    crc_bad: u64,
    refused: BTreeMap<Reason, u64>,
    single: usize,
}

async fn look(path: &Path, open: &mut Option<Open>, before: &mut Option<(Inode, u64)>, ear: &Ear) -> io::Result<()> {
    if let Some(o) = open.as_mut() {
        o.read(ear).await?;
        let now = tokio::fs::metadata(path).await;
        let same = now.as_ref().is_ok_and(|m| inode(m) == o.inode && m.len() >= o.position);
        if !same {
            o.finish(ear);
            *open = None;
            // Gone for the moment, or another: what comes in its place is new.
            now?;
        }
    }
    if open.is_none() {
        let file = File::open(path).await?;
        let m = file.metadata().await?;
        // A file begun again in place has the inode of the old one, but is not longer than it was.
        let backlog = before.take().filter(|(i, len)| *i == inode(&m) && *len <= m.len()).map_or(0, |(_, len)| len);
        let fresh =
            Open { file, inode: inode(&m), position: 0, backlog, live: LiveElements::new(), told: Told::default() };
        open.insert(fresh).read(ear).await?;
    }
    Ok(())
}

impl Open {
    /// Reads to the present end.
    async fn read(&mut self, ear: &Ear) -> io::Result<()> {
        let mut chunk = vec![0u8; 64 * 1024];
        loop {
            // A piece never crosses the end of the backlog, so that a frame is old or new as a whole piece is.
            let most = self.backlog.checked_sub(self.position).filter(|left| *left > 0);
            let most = most.and_then(|m| usize::try_from(m).ok()).map_or(chunk.len(), |m| m.min(chunk.len()));
            let n = self.file.read(chunk.get_mut(..most).unwrap_or_default()).await?;
            if n == 0 {
                return Ok(());
            }
            let old = self.position < self.backlog;
            self.position += n as u64;
            let (now, mut batch) = (ear.intake.now(), Vec::new());
            let bytes = chunk.get(..n).unwrap_or_default();
            self.live.push(bytes, &mut |e| ear.hear(&e, now, old, &mut batch));
            self.told.pass_on(self.live.counts(), now, ear);
            ear.hand_on(batch);
        }
    }

    fn finish(&mut self, ear: &Ear) {
        let (now, mut batch) = (ear.intake.now(), Vec::new());
        self.live.finish(&mut |e| ear.hear(&e, now, false, &mut batch));
        self.told.pass_on(self.live.counts(), now, ear);
        ear.hand_on(batch);
    }
}

impl Told {
    fn pass_on(&mut self, counts: &Counts, now: Time, ear: &Ear) {
        if counts.frames > self.frames {
            ear.health.heard(now, counts.frames - self.frames);
            self.frames = counts.frames;
        }
        if counts.crc_bad > self.crc_bad {
            ear.health.refused("crc_bad", counts.crc_bad - self.crc_bad);
            self.crc_bad = counts.crc_bad;
        }
        for (reason, n) in &counts.refused {
            let told = self.refused.entry(*reason).or_default();
            if n > told {
                ear.health.refused(&reason.to_string(), n - *told);
                *told = *n;
            }
        }
        // The reader keeps the first ones singly, with their offsets.
        for single in counts.first_refused.iter().skip(self.single) {
            ear.intake.refused(&ear.id, &single.reason.to_string(), Some(single.offset), &[]);
        }
        self.single = counts.first_refused.len();
    }
}

/// What is done with what is heard.
struct Ear {
    id: SourceId,
    fresh_s: f64,
    receiver_at: Option<Place>,
    health: Arc<Health>,
    intake: Arc<dyn Intake>,
}

impl Ear {
    /// Largest distance of a live frame's own stamp from the present at which it counts as its receipt, seconds.
    const STAMP_S: f64 = 10.0;

    fn hear(&self, e: &Element<'_>, now: Time, old: bool, batch: &mut Vec<Observation>) {
        let age_s = e.time.map(|t| now.since_s(t));
        if old && !age_s.is_some_and(|age| (-1.0..=self.fresh_s).contains(&age)) {
            self.health.refused("old_frame", 1);
            return;
        }
        let received_at = match (e.time, age_s) {
            (Some(t), Some(age)) if (0.0..=Self::STAMP_S).contains(&age) => t,
            _ => now,
        };
        match e.observe(&self.id, received_at, self.receiver_at, &mut || ids::observation(now).0) {
            Some(o) => batch.push(o),
            // A beacon by which NAN devices keep time: any phone may send it.
            None if e.transport == Transport::NanSync => {}
            None => self.refuse("payload", Some(&e.payload), 1),
        }
    }

    fn hand_on(&self, batch: Vec<Observation>) {
        if !batch.is_empty() {
            self.health.decoded(batch.len() as u64);
            self.intake.observe(&self.id, batch);
        }
    }

    fn refuse(&self, reason: &str, sample: Option<&[u8]>, times: u64) {
        self.health.refused(reason, times);
        self.intake.refused(&self.id, reason, None, sample.unwrap_or_default());
    }
}

#[cfg(unix)]
type Inode = (u64, u64);

/// Which file it is, so that another one under the same name is noticed.
#[cfg(unix)]
fn inode(m: &Metadata) -> Inode {
    use std::os::unix::fs::MetadataExt;
    (m.dev(), m.ino())
}

#[cfg(not(unix))]
type Inode = Option<std::time::SystemTime>;

#[cfg(not(unix))]
fn inode(m: &Metadata) -> Inode {
    m.created().ok()
}
