//! [`SourceTable`]: how each source does: received, decoded, refused by reason, last heard, silent.
//!
//! It is also the [`Intake`] of the connectors: what they bring goes through here into the inbox.

use crate::{
    centre::Centre,
    clock,
    clocks::Clocks,
    engines::ShedCounts,
    inbox::{Job, NotTaken},
};
use serde::Serialize;
use skypicket_link::{BoxFuture, ClockOffset, Health, HealthSnapshot, Intake, Refused};
use skypicket_model::{
    Act, Channel, DeliveryId, NoticeId, Observation, PersonId, Position, SourceId, Time, entry::ActEntry,
};
use skypicket_track::{Flood, sky::Registration};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Refused inputs kept as samples, a source.
const SAMPLES: usize = 16;
/// Bytes kept of one.
const SAMPLE: usize = 64;
/// Reasons of refusal kept apart, a source; further ones count as `other`.
const REASONS: usize = 64;
/// Most sources that are counted; more than this many ids cannot be configured in earnest.
const SOURCES: usize = 20_000;

#[derive(Debug, Default)]
struct Row {
    /// The connector's own counts, where a connector brings it.
    health: Option<Arc<Health>>,
    /// Those of its connections with a certificate.
    machine: Option<Arc<Health>>,
    /// Of its tokens and certificates.
    machine_interval_s: Option<f64>,
    clock: ClockOffset,
    kind: &'static str,
    expected_interval_s: Option<f64>,
    received: u64,
    decoded: u64,
    refused: BTreeMap<String, u64>,
    last_heard: Option<Time>,
    since: Option<Time>,
    samples: VecDeque<Sample>,
}

/// A refused input, kept so that somebody can look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// When it came.
    pub at: Time,
    /// Why it was refused.
    pub reason: String,
    /// Where in the input or file, bytes, where that is known.
    pub offset: Option<u64>,
    /// Its first bytes, hexadecimal.
    pub hex: String,
}

/// How far one of a source's numbers is off: as measured, less what is true.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OffBy {
    /// Estimate.
    pub off: f64,
    /// One sigma of it.
    pub sigma: f64,
    /// It is surely off; else it may as well be right, and is left as it is.
    pub sure: bool,
}

/// How far a source's own measurements are off, learned from drones that say where they are and of which nothing is doubted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RegistrationView {
    /// Metres.
    pub range_m: Option<OffBy>,
    /// Degrees, positive where it reads too far clockwise.
    pub azimuth_deg: Option<OffBy>,
    /// Degrees, positive where it reads too high.
    pub elevation_deg: Option<OffBy>,
    /// Seconds, positive where its stamps are late.
    pub clock_s: Option<OffBy>,
    /// Measurements that this rests on.
    pub rests_on: u64,
    /// What is sure is put right. Otherwise it is more than is ever put right, and somebody has to look at the sensor.
    pub applied: bool,
}

impl RegistrationView {
    /// None where too little was learned to believe it.
    pub fn of(learned: &Registration) -> Option<Self> {
        let of = |k: usize, unit: f64| {
            let (off, sigma) = learned.learned(k)?;
            Some(OffBy { off: off * unit, sigma: sigma * unit, sure: learned.sure(k).1 > 0.0 })
        };
        let degree = 1f64.to_degrees();
        learned.is_known().then(|| Self {
            range_m: of(0, 1.0),
            azimuth_deg: of(1, degree),
            elevation_deg: of(2, degree),
            clock_s: of(3, 1.0),
            rests_on: learned.rests_on,
            applied: learned.is_applied(),
        })
    }
}

/// How one source does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceView {
    /// Its id.
    pub id: SourceId,
    /// What kind of connector brings it.
    pub kind: &'static str,
    /// When something last came from it.
    pub last_heard: Option<Time>,
    /// Inputs received.
    pub received: u64,
    /// Inputs that could be read.
    pub decoded: u64,
    /// Inputs that were refused, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Observations shed before the record.
    pub shed: u64,
    /// Silence longer than this is an alarm, seconds.
    pub expected_interval_s: Option<f64>,
    /// It is an alarm now.
    pub silent: bool,
    /// How far its clock is ahead of the centre's (behind, where negative), seconds.
    pub clock_offset_s: Option<f64>,
    /// How old what it says was when it came, seconds, on average lately; for feeds.
    pub lag_s: Option<f64>,
    /// Connections open now.
    pub connections: u64,
    /// Why it is not connected, in a sentence; for feeds.
    pub trouble: Option<String>,
    /// How far its measurements are off, as far as that is known.
    pub registration: Option<RegistrationView>,
    /// A flood of new names comes from it.
    pub flood: Option<FloodView>,
    /// The newest refused inputs, oldest first.
    pub samples: Vec<Sample>,
}

/// What the tracker knows of sources.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    /// How far they are off.
    pub registrations: BTreeMap<SourceId, Registration>,
    /// Floods of new names that are on.
    pub floods: BTreeMap<SourceId, Flood>,
}

/// More new names than there can be drones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FloodView {
    /// Since when.
    pub since: Time,
    /// New names since then.
    pub names: u64,
}

impl SourceView {
    /// The same with what was learned of its sensor.
    #[must_use]
    pub fn with(self, learned: &Learned) -> Self {
        let flood = learned.floods.get(&self.id).and_then(|f| Some(FloodView { since: f.since?, names: f.names }));
        Self { registration: learned.registrations.get(&self.id).and_then(RegistrationView::of), flood, ..self }
    }
}

/// How the sources do.
#[derive(Default)]
pub struct SourceTable {
    rows: Mutex<BTreeMap<SourceId, Row>>,
    /// What the clocks of sources and phones say.
    pub clocks: Arc<Clocks>,
}

impl SourceTable {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<SourceId, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn row<T>(&self, source: &SourceId, change: impl FnOnce(&mut Row) -> T) -> Option<T> {
        let mut rows = self.lock();
        if rows.len() >= SOURCES && !rows.contains_key(source) {
            return None;
        }
        Some(change(rows.entry(source.clone()).or_default()))
    }

    /// A source that is configured: it shows in the list before it was heard.
    pub fn expect(
        &self,
        source: &SourceId,
        kind: &'static str,
        expected_interval_s: Option<f64>,
        health: Option<Arc<Health>>,
        now: Time,
    ) {
        self.row(source, |r| {
            r.kind = kind;
            r.expected_interval_s = expected_interval_s;
            r.since = Some(now);
            r.health = health;
        });
    }

    /// A source that has tokens or certificates, and what they promise; what the configuration says goes first.
    pub fn machine(
        &self,
        source: &SourceId,
        kind: &'static str,
        expected_interval_s: Option<f64>,
        health: Option<Arc<Health>>,
        now: Time,
    ) {
        self.row(source, |r| {
            if r.kind.is_empty() {
                r.kind = kind;
            }
            // The time to be heard runs from when it is first expected.
            if r.machine_interval_s.is_none() && expected_interval_s.is_some() {
                r.since = r.since.max(Some(now));
            }
            r.machine_interval_s = expected_interval_s;
            r.machine = health.or(r.machine.take());
        });
    }

    /// How far a source's line was ahead.
    pub fn clock(&self, source: &SourceId, ahead_s: f64, now: Time) {
        self.row(source, |r| r.clock.take(ahead_s, now));
    }

    /// An input was refused of which nothing is kept.
    pub fn count_refused(&self, source: &SourceId, reason: &str) {
        self.row(source, |r| *r.refused.entry(reason.to_owned()).or_insert(0) += 1);
    }

    /// Inputs came, and so many could be read.
    pub fn decoded(&self, source: &SourceId, kind: &'static str, received: usize, decoded: usize, now: Time) {
        self.row(source, |r| {
            if r.kind.is_empty() {
                r.kind = kind;
            }
            r.received += received as u64;
            r.decoded += decoded as u64;
            r.last_heard = Some(now);
        });
    }

    /// Something came from a source: for those that no connector counts (the exercise's).
    pub fn heard(&self, source: &SourceId, now: Time) {
        self.row(source, |r| {
            if r.health.is_none() && r.machine.is_none() {
                r.kind = if r.kind.is_empty() { "feed" } else { r.kind };
                r.received += 1;
                r.decoded += 1;
                r.last_heard = Some(now);
            }
        });
    }

    /// An input of an API source was refused: counted, and a piece of it kept.
    pub fn refused(&self, source: &SourceId, reason: &str, input: &[u8]) {
        self.row(source, |r| {
            let known = r.refused.len() < REASONS || r.refused.contains_key(reason);
            *r.refused.entry(if known { reason } else { "other" }.to_owned()).or_insert(0) += 1;
        });
        self.sample(source, reason, None, input);
    }

    /// Keeps a piece of a refused input.
    pub fn sample(&self, source: &SourceId, reason: &str, offset: Option<u64>, input: &[u8]) {
        let kept = input.get(..SAMPLE).unwrap_or(input);
        let hex = kept.iter().fold(String::with_capacity(2 * kept.len()), |mut hex, b| {
            let _ = write!(hex, "{b:02x}");
            hex
        });
        let sample = Sample { at: clock::now(), reason: reason.to_owned(), offset, hex };
        self.row(source, |r| {
            if r.samples.len() == SAMPLES {
                r.samples.pop_front();
            }
            r.samples.push_back(sample);
        });
    }

    /// Every source, by id; `shed` says what the inbox shed of each.
    pub fn list(&self, shed: &ShedCounts, now: Time) -> Vec<SourceView> {
        let rows = self.lock();
        rows.iter()
            .map(|(id, r)| {
                let counts: Vec<HealthSnapshot> =
                    [&r.health, &r.machine].into_iter().flatten().map(|h| h.snapshot()).collect();
                let last_heard = counts.iter().map(|h| h.last_heard).fold(r.last_heard, Option::max);
                let mut refused = r.refused.clone();
                for (reason, n) in counts.iter().flat_map(|h| &h.refused) {
                    *refused.entry(reason.clone()).or_insert(0) += n;
                }
                let offsets = counts.iter().filter_map(|h| h.clock_offset_s).chain(r.clock.offset_s());
                let expected_interval_s = r.expected_interval_s.or(r.machine_interval_s);
                SourceView {
                    id: id.clone(),
                    kind: r.kind,
                    last_heard,
                    received: r.received + counts.iter().map(|h| h.received).sum::<u64>(),
                    decoded: r.decoded + counts.iter().map(|h| h.decoded).sum::<u64>(),
                    refused,
                    shed: shed.get(id).copied().unwrap_or(0),
                    expected_interval_s,
                    clock_offset_s: offsets.reduce(f64::max),
                    lag_s: counts.iter().find_map(|h| h.lag_s),
                    connections: counts.iter().map(|h| h.connections).sum(),
                    trouble: counts.iter().find_map(|h| h.trouble.clone()),
                    silent: match (expected_interval_s, last_heard.or(r.since)) {
                        (Some(interval), Some(last)) => now.since_s(last) > interval,
                        _ => false,
                    },
                    registration: None,
                    flood: None,
                    samples: r.samples.iter().cloned().collect(),
                }
            })
            .collect()
    }
}

/// What connectors bring, taken by the centre.
pub struct CentreIntake {
    /// The centre.
    pub centre: Centre,
    /// The counts.
    pub sources: Arc<SourceTable>,
}

fn refusal(e: NotTaken) -> Refused {
    match e {
        NotTaken::Refused { code, message } => Refused { code, message },
        // A repeat was answered before: for a connector that is a success it already had.
        NotTaken::Repeat(_) => Refused { code: "repeat", message: "this was taken before".into() },
        other => Refused { code: "not_taken", message: other.to_string() },
    }
}

/// Observations in our time. After the machine's clock was set back ours is ahead of it, and with it of every source whose
/// clock is right: without this they would all come too late to be believed.
pub fn by_our_clock(mut batch: Vec<Observation>, ahead_s: f64) -> Vec<Observation> {
    if ahead_s > 1.0 {
        for o in &mut batch {
            o.observed_at = o.observed_at.plus_s(ahead_s).min(o.received_at);
        }
    }
    batch
}

impl CentreIntake {
    /// A connection may outlive the right to it.
    fn active(&self, person: &PersonId) -> Result<(), Refused> {
        match self.centre.roll.load().directory.active(person) {
            Some(_) => Ok(()),
            None => Err(Refused { code: "person_not_active", message: "this person is disabled here".into() }),
        }
    }
}

impl Intake for CentreIntake {
    fn observe(&self, source: &SourceId, batch: Vec<Observation>) {
        let now = clock::now();
        self.sources.heard(source, now);
        let batch = by_our_clock(batch, clock::ahead_s());
        self.sources.clocks.observed(source, &batch, now);
        self.centre.inbox.observe(batch);
    }

    fn position(&self, position: Position) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(async move {
            self.active(&position.person)?;
            self.centre.position(position).await.map_err(refusal)
        })
    }

    fn act(&self, by: PersonId, via: &'static str, act: Act) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(async move {
            self.active(&by)?;
            let entry = ActEntry { by, via: via.into(), request: None, act };
            match self.centre.act(entry).await {
                // A connector brings the same marker again after a reconnect: it was taken, and that is the answer.
                Err(NotTaken::Refused { code: "duplicate_sighting", .. }) => Ok(()),
                done => done.map_err(refusal),
            }
        })
    }

    fn refused(&self, source: &SourceId, reason: &str, offset: Option<u64>, sample: &[u8]) {
        // The connector's health has counted it.
        self.sources.sample(source, reason, offset, sample);
    }

    fn reach(&self, person: PersonId, channel: Channel, up: bool) {
        if let Err(error) = self.centre.inbox.push(Job::Reach(person, channel, up)) {
            tracing::warn!(%error, "a channel's change was not taken");
        }
    }

    fn resolve_code(&self, person: &PersonId, code: &str) -> Option<(NoticeId, u32)> {
        let (person, code) = (person.clone(), code.to_owned());
        self.centre.ask_here(move |e| e.dispatcher().by_code(&person, &code)).flatten()
    }

    fn resolve_delivery(&self, delivery: DeliveryId) -> Option<(PersonId, NoticeId, u32)> {
        self.centre
            .ask_here(move |e| e.dispatcher().delivery(delivery).map(|d| (d.person, d.notice, d.version)))
            .flatten()
    }

    fn now(&self) -> Time {
        clock::now()
    }
}
