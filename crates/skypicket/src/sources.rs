//! [`SourceTable`]: how each source does: received, decoded, refused by reason, last heard, silent.
//!
//! It is also the [`Intake`] of the connectors: what they bring goes through here into the inbox.

use crate::{
    centre::Centre,
    clock,
    engines::ShedCounts,
    inbox::{Job, NotTaken},
};
use serde::Serialize;
use skypicket_link::{BoxFuture, Health, Intake, Refused};
use skypicket_model::{
    Act, Channel, DeliveryId, NoticeId, Observation, PersonId, Position, SourceId, Time, entry::ActEntry,
};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Refused inputs kept as samples, a source.
const SAMPLES: usize = 16;
/// Bytes kept of one.
const SAMPLE: usize = 64;
/// Most sources that are counted; more than this many ids cannot be configured in earnest.
const SOURCES: usize = 20_000;

#[derive(Debug, Default)]
struct Row {
    /// The connector's own counts, where a connector brings it.
    health: Option<Arc<Health>>,
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
    /// The newest refused inputs, oldest first.
    pub samples: Vec<Sample>,
}

/// How the sources do.
#[derive(Default)]
pub struct SourceTable {
    rows: Mutex<BTreeMap<SourceId, Row>>,
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
            if r.health.is_none() {
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
            *r.refused.entry(reason.to_owned()).or_insert(0) += 1;
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
                let h = r.health.as_ref().map(|h| h.snapshot()).unwrap_or_default();
                let last_heard = r.last_heard.max(h.last_heard);
                let mut refused = r.refused.clone();
                for (reason, n) in h.refused {
                    *refused.entry(reason).or_insert(0) += n;
                }
                SourceView {
                    id: id.clone(),
                    kind: r.kind,
                    last_heard,
                    received: r.received + h.received,
                    decoded: r.decoded + h.decoded,
                    refused,
                    shed: shed.get(id).copied().unwrap_or(0),
                    expected_interval_s: r.expected_interval_s,
                    silent: match (r.expected_interval_s, last_heard.or(r.since)) {
                        (Some(interval), Some(last)) => now.since_s(last) > interval,
                        _ => false,
                    },
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

impl Intake for CentreIntake {
    fn observe(&self, source: &SourceId, batch: Vec<Observation>) {
        self.sources.heard(source, clock::now());
        self.centre.inbox.observe(batch);
    }

    fn position(&self, position: Position) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(async move { self.centre.position(position).await.map_err(refusal) })
    }

    fn act(&self, by: PersonId, via: &'static str, act: Act) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(async move {
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
