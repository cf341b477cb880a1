//! [`Inbox`]: what waits to be taken into the record: sensor observations (shed oldest first at their bound, and
//! counted) and everything that people and channels did (never dropped: refused at the door at its bound).

use crate::engines::{Engines, ShedCounts};
use skypicket_model::{Observation, PersonId, Position, ProviderResult, delivery::Channel, entry::ActEntry};
use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Most sensor observations that wait.
pub const MAX_OBSERVATIONS: usize = 20_000;
/// Most jobs of people and channels that wait.
pub const MAX_JOBS: usize = 20_000;
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
    /// What became of an attempt.
    Provider(ProviderResult),
    /// A channel to a person came up or went down.
    Reach(PersonId, Channel, bool),
    /// Somebody asks.
    Ask(Question),
    /// The record works again: entries from the first to the last index were acted on before they were durable.
    Recovered(u64, u64),
}

#[derive(Default)]
struct Queues {
    observations: VecDeque<Observation>,
    jobs: VecDeque<Job>,
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

    /// Sensor observations; the oldest make room when the bound is reached.
    pub fn observe(&self, batch: Vec<Observation>) {
        let mut q = self.lock();
        for o in batch {
            if q.observations.len() >= MAX_OBSERVATIONS
                && let Some(oldest) = q.observations.pop_front()
            {
                *q.shed_in_all.entry(oldest.source.clone()).or_insert(0) += 1;
                *q.shed.entry(oldest.source).or_insert(0) += 1;
            }
            q.observations.push_back(o);
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

    /// Lets the core finish what waits and end.
    pub fn close(&self) {
        self.lock().closing = true;
        self.filled.notify_one();
    }

    /// How much waits: observations, jobs.
    pub fn waiting(&self) -> (usize, usize) {
        let q = self.lock();
        (q.observations.len(), q.jobs.len())
    }

    /// Observations shed since the start, by source.
    pub fn shed(&self) -> ShedCounts {
        self.lock().shed_in_all.clone()
    }

    /// Waits until there is something, or `until`.
    pub fn take(&self, until: Instant) -> Work {
        let mut q = self.lock();
        while q.observations.is_empty() && q.jobs.is_empty() && q.shed.is_empty() && !q.closing {
            let left = until.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                break;
            }
            q = self.filled.wait_timeout(q, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let n = q.observations.len().min(BLOCK);
        Work {
            observations: q.observations.drain(..n).collect(),
            jobs: std::mem::take(&mut q.jobs),
            shed: std::mem::take(&mut q.shed),
            closing: q.closing && q.observations.is_empty(),
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
    fn the_oldest_observations_are_shed_and_counted_and_jobs_are_refused_at_the_bound() {
        let inbox = Inbox::default();
        inbox.observe((0..MAX_OBSERVATIONS as u128).map(|n| observation("old", n)).collect());
        inbox.observe((0..7).map(|n| observation("new", n)).collect());
        let work = inbox.take(Instant::now());
        assert_eq!(work.observations.len(), BLOCK);
        assert_eq!(work.shed, [(SourceId::new("old").unwrap(), 7)].into());
        assert_eq!(inbox.shed(), work.shed);
        for _ in 0..MAX_JOBS {
            inbox.push(Job::Ask(Box::new(|_| ()))).unwrap();
        }
        assert_eq!(inbox.push(Job::Ask(Box::new(|_| ()))), Err(NotTaken::Busy));
    }
}
