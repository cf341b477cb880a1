//! [`Inbox`]: what waits to be taken into the record: sensor observations (shed at their bound, and counted) and
//! everything that people and channels did (never dropped: refused at the door at its bound).
//!
//! One sensor that floods does not touch the others: at the bound the oldest of the source that has most waiting is
//! shed, and while more waits than one turn takes, each source has its share of the turn.

use crate::engines::{Engines, ShedCounts};
use skypicket_model::{
    Access, Observation, PersonId, Position, ProviderResult, SourceId,
    delivery::Channel,
    entry::{ActEntry, ChannelState, Upkeep},
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Most sensor observations that wait.
pub const MAX_OBSERVATIONS: usize = 20_000;
/// Most jobs of people and channels that wait.
pub const MAX_JOBS: usize = 20_000;
/// Most results of attempts at pages that wait: a few warnings to everybody.
pub const MAX_RESULTS: usize = 100_000;
/// Most results taken in one turn.
const RESULTS: usize = 500;
/// While results wait until the record has caught up, it is looked again so often.
const AGAIN: Duration = Duration::from_millis(5);
/// Most observations taken into one entry.
pub const BLOCK: usize = 512;

/// Why something was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// An engine refused it.
    #[error("{message}")]
    Refused {
        /// Closed set of the engine.
        code: &'static str,
        /// For the person who asked.
        message: String,
    },
    /// The same client id came before; here is what was answered then.
    #[error("this id was answered before")]
    Repeat(skypicket_model::Request),
    /// The same client id came before with another body.
    #[error("this id was used before for something else")]
    Reused,
    /// Too much is waiting.
    #[error("the centre is busy: try again in a few seconds")]
    Busy,
    /// The disk is full: nothing was recorded.
    #[error("the record has no space left: keep this on your device and try again")]
    Full,
    /// The record cannot write for another reason; it may or may not have been kept.
    #[error("the record could not be written: keep this on your device and try again")]
    Unwritten,
    /// The centre is shutting down.
    #[error("the centre is shutting down: try again in a few seconds")]
    Closing,
}

/// The answer to an act, given only after it is durable.
pub type Reply = oneshot::Sender<Result<(), NotTaken>>;

/// A question about the engines' state, answered on their own thread.
pub type Question = Box<dyn FnOnce(&Engines) + Send>;

/// One thing that a person or channel did.
pub enum Job {
    /// A person's position.
    Position(Position, Reply),
    /// A human act.
    Act(Box<ActEntry>, Reply),
    /// Rows of the access audit; the answer, where somebody waits for it, comes after they are durable.
    Access(Vec<Access>, Option<Reply>),
    /// The record was backed up, restored or purged; the answer comes after that is durable.
    Upkeep(Upkeep, Reply),
    /// The engines' state is to be put into the record now; the answer comes after it is durable.
    Snapshot(Reply),
    /// What became of an attempt.
    Provider(ProviderResult),
    /// A channel to a person came up or went down.
    Reach(PersonId, Channel, bool),
    /// A channel as a whole came up, went down, or takes messages that do not arrive.
    Channel(Channel, ChannelState),
    /// The centre's own heartbeat, by its number: it must come round.
    Heartbeat(u64),
    /// Somebody asks.
    Ask(Question),
    /// The record works again: entries from the first to the last index were acted on before they were durable.
    Recovered(u64, u64),
}

/// Observations that wait, by source, each with the number of its coming; and how many they are.
#[derive(Default)]
struct Waiting {
    by_source: BTreeMap<SourceId, VecDeque<(u64, Observation)>>,
    came: u64,
    in_all: usize,
    /// Whose share is next when not every source has one.
    next: Option<SourceId>,
}

impl Waiting {
    fn push(&mut self, o: Observation) {
        self.came += 1;
        self.in_all += 1;
        self.by_source.entry(o.source.clone()).or_default().push_back((self.came, o));
    }

    /// The oldest of the source that has most waiting.
    fn shed(&mut self) -> Option<SourceId> {
        let source = self.by_source.iter().max_by_key(|(_, q)| q.len())?.0.clone();
        self.pop(&source)?;
        Some(source)
    }

    fn pop(&mut self, source: &SourceId) -> Option<(u64, Observation)> {
        let queue = self.by_source.get_mut(source)?;
        let oldest = queue.pop_front();
        if queue.is_empty() {
            self.by_source.remove(source);
        }
        self.in_all -= usize::from(oldest.is_some());
        oldest
    }

    /// At most `most`, in the order of their coming: of each source one after the other until they are full.
    fn take(&mut self, most: usize) -> Vec<Observation> {
        let mut taken = Vec::with_capacity(most.min(self.in_all));
        while taken.len() < most && self.in_all > 0 {
            let from = self.next.take();
            let mut round: Vec<SourceId> = self.by_source.keys().cloned().collect();
            if let Some(from) = from {
                let start = round.partition_point(|s| *s < from);
                round.rotate_left(start);
            }
            for source in round {
                if taken.len() == most {
                    self.next = Some(source);
                    break;
                }
                taken.extend(self.pop(&source));
            }
        }
        taken.sort_by_key(|(n, _)| *n);
        taken.into_iter().map(|(_, o)| o).collect()
    }
}

#[derive(Default)]
struct Queues {
    observations: Waiting,
    jobs: VecDeque<Job>,
    results: VecDeque<ProviderResult>,
    shed: ShedCounts,
    /// Shed since the start.
    shed_in_all: ShedCounts,
    closing: bool,
}

/// What one turn of the core takes.
pub struct Work {
    /// Observations, oldest first, at most [`BLOCK`].
    pub observations: Vec<Observation>,
    /// Jobs, oldest first.
    pub jobs: VecDeque<Job>,
    /// What became of attempts at pages, oldest first.
    pub results: Vec<ProviderResult>,
    /// Shed since the last turn.
    pub shed: ShedCounts,
    /// No more will come.
    pub closing: bool,
}

/// The two queues in front of the core.
#[derive(Default)]
pub struct Inbox {
    queues: Mutex<Queues>,
    filled: Condvar,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Queues> {
        // A panic while holding the lock leaves whole queues: each change is one push or pop.
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sensor observations; when the bound is reached, the oldest of whoever has most waiting make room.
    pub fn observe(&self, batch: Vec<Observation>) {
        let mut q = self.lock();
        for o in batch {
            if q.observations.in_all >= MAX_OBSERVATIONS
                && let Some(source) = q.observations.shed()
            {
                *q.shed_in_all.entry(source.clone()).or_insert(0) += 1;
                *q.shed.entry(source).or_insert(0) += 1;
            }
            q.observations.push(o);
        }
        drop(q);
        self.filled.notify_one();
    }

    /// A job; refused when too many wait.
    pub fn push(&self, job: Job) -> Result<(), NotTaken> {
        let mut q = self.lock();
        if q.closing {
            return Err(NotTaken::Closing);
        }
        if q.jobs.len() >= MAX_JOBS {
            return Err(NotTaken::Busy);
        }
        q.jobs.push_back(job);
        drop(q);
        self.filled.notify_one();
        Ok(())
    }

    /// What became of many attempts at pages. Nobody waits for it: it is taken as fast as the record writes, so that a
    /// warning to ten thousand people holds up nothing else. Beyond the bound the rest counts as not known, and says so.
    pub fn results(&self, results: Vec<ProviderResult>) -> Result<(), NotTaken> {
        let mut q = self.lock();
        if q.closing {
            return Err(NotTaken::Closing);
        }
        let room = MAX_RESULTS - q.results.len();
        let all = results.len() <= room;
        q.results.extend(results.into_iter().take(room));
        drop(q);
        self.filled.notify_one();
        if all { Ok(()) } else { Err(NotTaken::Busy) }
    }

    /// Lets the core finish what waits and end.
    pub fn close(&self) {
        self.lock().closing = true;
        self.filled.notify_one();
    }

    /// How much waits: observations, jobs.
    pub fn waiting(&self) -> (usize, usize) {
        let q = self.lock();
        (q.observations.in_all, q.jobs.len())
    }

    /// Observations shed since the start, by source.
    pub fn shed(&self) -> ShedCounts {
        self.lock().shed_in_all.clone()
    }

    /// Waits until there is something, or `until`. Results only where there is `room` for them in the record.
    pub fn take(&self, until: Instant, room: impl Fn() -> bool) -> Work {
        let mut q = self.lock();
        let ready = |q: &Queues| !q.results.is_empty() && (room() || q.closing);
        while q.observations.in_all == 0 && q.jobs.is_empty() && q.shed.is_empty() && !q.closing && !ready(&q) {
            let until = if q.results.is_empty() { until } else { until.min(Instant::now() + AGAIN) };
            let left = until.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                break;
            }
            q = self.filled.wait_timeout(q, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let results = if ready(&q) { q.results.len().min(RESULTS) } else { 0 };
        Work {
            results: q.results.drain(..results).collect(),
            observations: q.observations.take(BLOCK),
            jobs: std::mem::take(&mut q.jobs),
            shed: std::mem::take(&mut q.shed),
            closing: q.closing && q.observations.in_all == 0 && q.results.is_empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::{Claims, Measurement, ObservationId, Signal, SourceId, Time};

    fn observation(source: &str, n: u128) -> Observation {
        Observation {
            id: ObservationId(uuid::Uuid::from_u128(n)),
            source: SourceId::new(source).unwrap(),
            observed_at: Time::default(),
            received_at: Time::default(),
            measurement: Measurement::Presence { from: None, radius_m: None },
            claims: Claims::default(),
            signal: Signal::default(),
            sighting: None,
            flags: Vec::new(),
        }
    }

    #[test]
    fn a_flood_from_one_source_costs_the_others_neither_room_nor_turns() {
        let inbox = Inbox::default();
        inbox.observe((0..5).map(|n| observation("calm", n)).collect());
        inbox.observe((0..3 * MAX_OBSERVATIONS as u128).map(|n| observation("flood", 1_000 + n)).collect());
        inbox.observe((5..10).map(|n| observation("late", n)).collect());
        let of = |work: &Work, name: &str| {
            let of = work.observations.iter().filter(|o| o.source.as_str() == name);
            of.map(|o| o.id.0.as_u128()).collect::<Vec<_>>()
        };
        let work = inbox.take(Instant::now(), || true);
        // All that the others brought comes with the first turn, in order; only the flood was shed, the oldest first.
        assert_eq!((of(&work, "calm"), of(&work, "late")), ((0..5).collect(), (5..10).collect()));
        assert_eq!(work.observations.len(), BLOCK);
        assert_eq!(work.shed.keys().map(SourceId::as_str).collect::<Vec<_>>(), ["flood"]);
        assert_eq!(work.shed.values().sum::<u64>(), 2 * MAX_OBSERVATIONS as u64 + 10);
        assert_eq!(of(&work, "flood").first(), Some(&(1_000 + 2 * MAX_OBSERVATIONS as u128 + 10)));
        assert_eq!(inbox.waiting().0, MAX_OBSERVATIONS - BLOCK);
    }

    #[test]
    fn more_sources_than_a_turn_takes_each_get_their_turn() {
        let inbox = Inbox::default();
        let sources = BLOCK as u128 + 100;
        for round in 0..2 {
            inbox.observe((0..sources).map(|n| observation(&format!("s{n}"), n + round * sources)).collect());
        }
        let mut first = inbox.take(Instant::now(), || true).observations;
        first.extend(inbox.take(Instant::now(), || true).observations.into_iter().take(100));
        let seen: std::collections::BTreeSet<_> = first.iter().map(|o| o.source.clone()).collect();
        assert!(seen.len() > BLOCK, "{}", seen.len());
    }

    #[test]
    fn what_one_turn_can_take_comes_in_the_order_of_its_coming() {
        let inbox = Inbox::default();
        inbox.observe((0..400).map(|n| observation(["b", "a", "c"][n as usize % 3], n)).collect());
        let ids: Vec<u128> =
            inbox.take(Instant::now(), || true).observations.iter().map(|o| o.id.0.as_u128()).collect();
        assert_eq!(ids, (0..400).collect::<Vec<u128>>());
    }

    #[test]
    fn the_oldest_observations_are_shed_and_counted_and_jobs_are_refused_at_the_bound() {
        let inbox = Inbox::default();
        inbox.observe((0..MAX_OBSERVATIONS as u128).map(|n| observation("old", n)).collect());
        inbox.observe((0..7).map(|n| observation("new", n)).collect());
        let work = inbox.take(Instant::now(), || true);
        assert_eq!(work.observations.len(), BLOCK);
        assert_eq!(work.shed, [(SourceId::new("old").unwrap(), 7)].into());
        assert_eq!(inbox.shed(), work.shed);
        // Results of attempts have a place of their own, and wait for the record.
        let result = |n| ProviderResult {
            delivery: skypicket_model::DeliveryId(uuid::Uuid::from_u128(n)),
            attempt: 1,
            outcome: skypicket_model::delivery::Outcome::Accepted,
        };
        inbox.take(Instant::now(), || true);
        while inbox.waiting().0 > 0 {
            inbox.take(Instant::now(), || true);
        }
        inbox.results((0..600).map(result).collect()).unwrap();
        assert_eq!(inbox.take(Instant::now(), || false).results.len(), 0);
        let first = inbox.take(Instant::now(), || true).results;
        assert_eq!((first.len(), first[0].delivery), (RESULTS, result(0).delivery));
        assert_eq!(inbox.take(Instant::now(), || true).results[0].delivery, result(500).delivery);
        assert!(inbox.results((0..=MAX_RESULTS as u128).map(result).collect()).is_err(), "the rest is not kept");
        for _ in 0..MAX_JOBS {
            inbox.push(Job::Ask(Box::new(|_| ()))).unwrap();
        }
        assert_eq!(inbox.push(Job::Ask(Box::new(|_| ()))), Err(NotTaken::Busy));
    }
}
