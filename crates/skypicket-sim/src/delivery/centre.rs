//! [`Centre`]: the running centre in small: the record on its disk, the engines in memory, and what waits to be durable.
//!
//! As in the program: an input and its decisions are one commit; commits become durable in order; messages and answers
//! leave after that, and warnings alone leave early when the disk takes longer than [`PATIENCE_S`] (promise 10). A crash
//! loses what is not durable.

use crate::delivery::engines::{Engines, Sky};
use skypicket_model::{
    Body, Delivery, Entry, LogId, Notice, PersonId, RequestId, Time,
    entry::{Configured, Started},
};
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;

/// How long a warning waits for the disk.
pub(crate) const PATIENCE_S: f64 = 0.25;
/// Entries from one snapshot to the next.
const SNAPSHOT_EACH: usize = 300;

/// Somebody who waits to hear "received".
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Waiter {
    pub(crate) person: PersonId,
    pub(crate) request: RequestId,
}

/// A message to a person as it leaves the centre.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) delivery: Delivery,
    pub(crate) notice: Notice,
}

/// A commit: what is durable together.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) number: u64,
    pub(crate) entries: Vec<Entry>,
    pub(crate) waiters: Vec<Waiter>,
    pub(crate) messages: Vec<Message>,
    /// Its messages left before it was durable.
    pub(crate) left_early: bool,
}

/// The centre.
pub(crate) struct Centre {
    log: LogId,
    pub(crate) disk: Vec<Entry>,
    pub(crate) engines: Engines,
    pub(crate) alive: bool,
    /// Which start this is: what was begun in an earlier one ended with it.
    pub(crate) life: u32,
    pub(crate) waiting: VecDeque<Commit>,
    next: u64,
    now: Time,
    snapshot: (usize, Vec<u8>),
    /// Requests that were taken, by who made them; durable or not.
    pub(crate) answered: BTreeMap<(PersonId, RequestId), u64>,
    /// Commits that were begun.
    pub(crate) commits: u64,
    /// The newest backup: how many entries it holds.
    pub(crate) backup: Option<usize>,
}

impl Centre {
    pub(crate) fn new() -> Self {
        Self::of(LogId(Uuid::from_u128(0x51_7e)))
    }

    /// With a log of its own.
    pub(crate) fn of(log: LogId) -> Self {
        let engines = Engines::new(log);
        let snapshot = (0, engines.bytes());
        Self {
            log,
            disk: Vec::new(),
            engines,
            alive: false,
            life: 0,
            waiting: VecDeque::new(),
            next: 0,
            now: Time::default(),
            snapshot,
            answered: BTreeMap::new(),
            commits: 0,
            backup: None,
        }
    }

    /// Takes an input at a time of the centre's clock; gives the number of its commit.
    pub(crate) fn input(&mut self, sky: &Sky, clock: Time, body: Body, waiter: Option<Waiter>) -> &Commit {
        self.now = self.now.max(clock);
        let cause = self.next;
        let request = match &body {
            Body::Act(a) => a.request.as_ref().map(|r| (a.by.clone(), r.id)),
            _ => None,
        };
        let entry = Entry { index: cause, recorded_at: self.now, cause: None, body };
        let warnings = match entry.body {
            Body::Tick | Body::Observations { .. } => self.engines.warn(sky, cause, self.now),
            _ => Vec::new(),
        };
        let decisions = self.engines.step(&entry, warnings);
        let mut messages = Vec::new();
        for decision in &decisions {
            if let Body::Dispatch(skypicket_model::DispatchEvent::Attempt { delivery }) = decision
                && let Some(notice) = self.engines.notices.get(&delivery.notice)
            {
                messages.push(Message { delivery: delivery.clone(), notice: notice.clone() });
            }
        }
        let mut entries = vec![entry];
        for body in decisions {
            let index = cause + entries.len() as u64;
            entries.push(Entry { index, recorded_at: self.now, cause: Some(cause), body });
        }
        self.next += entries.len() as u64;
        if let Some((by, request)) = request {
            self.answered.insert((by, request), cause);
        }
        let number = self.commits;
        self.commits += 1;
        let waiters = waiter.into_iter().collect();
        self.waiting.push_back(Commit { number, entries, waiters, messages, left_early: false });
        // It was pushed in the line before.
        &self.waiting[self.waiting.len() - 1]
    }

    /// The last entry's time: the centre's own now.
    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// The front commit is on the disk.
    pub(crate) fn durable(&mut self) -> Option<Commit> {
        let commit = self.waiting.pop_front()?;
        self.disk.extend(commit.entries.iter().cloned());
        if self.waiting.is_empty() && self.disk.len() >= self.snapshot.0 + SNAPSHOT_EACH {
            self.snapshot = (self.disk.len(), self.engines.bytes());
        }
        Some(commit)
    }

    /// What is in memory is gone.
    pub(crate) fn crash(&mut self) {
        self.alive = false;
        self.life += 1;
        self.waiting.clear();
    }

    /// The disk holds so many entries, as a backup did.
    pub(crate) fn truncate(&mut self, entries: usize) {
        self.disk.truncate(entries);
        if self.snapshot.0 > entries {
            self.snapshot = (0, Engines::new(self.log).bytes());
        }
    }

    /// Reads the disk, from the newest snapshot on.
    pub(crate) fn start(&mut self) {
        let (from, bytes) = &self.snapshot;
        self.engines = Engines::from_bytes(bytes).unwrap_or_else(|| Engines::new(self.log));
        for entry in self.disk.iter().skip(*from) {
            self.engines.recover(entry);
        }
        self.next = self.disk.len() as u64;
        self.now = self.disk.last().map_or(Time::default(), |e| e.recorded_at);
        self.answered.clear();
        for e in &self.disk {
            if let Body::Act(a) = &e.body
                && let Some(r) = &a.request
            {
                self.answered.insert((a.by.clone(), r.id), e.index);
            }
        }
        self.alive = true;
    }

    /// The entry that each start begins with.
    pub(crate) fn started(&self) -> Body {
        Body::Started(Started { log: self.log, software: "simulated".into(), engines: 0, exercise: None })
    }

    /// The configuration as it is in force, or the first.
    pub(crate) fn configured(&self, policy: &skypicket_dispatch::Policy) -> Body {
        let known = &self.engines.directory;
        let directory = if known.people.is_empty() { super::cast::directory() } else { known.clone() };
        let policies = serde_json::to_string(policy).map(|t| ("dispatch".to_owned(), t));
        Body::Configured(Configured { directory, policies: policies.into_iter().collect() })
    }

    /// Reads the whole record from its beginning: the state must be the one in memory, and every decision the one that
    /// was taken. What differs, in words.
    pub(crate) fn recompute(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut read = Engines::new(self.log);
        for entry in &self.disk {
            read.recover(entry);
        }
        if read.bytes() != self.engines.bytes() {
            wrong.push("the record read from its beginning gives another state".to_owned());
        }
        let mut again = Engines::new(self.log);
        let mut rest = self.disk.iter().peekable();
        while let Some(entry) = rest.next() {
            let mut recorded = Vec::new();
            while let Some(e) = rest.next_if(|e| e.cause.is_some()) {
                recorded.push(&e.body);
            }
            let warnings = recorded.iter().filter_map(|b| match b {
                Body::Notice(n) if n.warning().is_some() => Some((**n).clone()),
                _ => None,
            });
            let decided = again.step(entry, warnings.collect());
            if !decided.iter().eq(recorded.iter().copied()) {
                wrong.push(format!("entry {} decided again decides otherwise", entry.index));
                break;
            }
        }
        wrong
    }
}
