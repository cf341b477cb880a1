//! [`Courier`]: takes messages for one channel, sends them in the right order and no faster than the channel bears, and
//! reports what became of each, exactly once.
//!
//! * **Order.** Urgent before caution before advisory, oldest first within a level. Room, rate and places under way are
//!   shared so that each level leaves some free for those above it: a higher level never waits behind a lower one, and
//!   never drives out what was taken.
//! * **Bounds.** What the queue has no room for is refused at the door ([`Refused`]), which is a sure failure, never
//!   silence.
//! * **Down.** After five failures in a row that speak against the channel (not against one message) it is down:
//!   its owner is told at once ([`News::Down`]), what waits has failed, so that the next channel can have it, and nothing
//!   is taken. After a rest the courier looks whether the other side is there; if so the channel is up on trial: one
//!   message goes alone, and another failure is down again.
//! * **Late and taken back.** A message whose time is over is not sent; one that is cancelled while it waits is not sent:
//!   so a recall wins against its original inside this queue.
//! * **End.** [`Courier::drain`] takes nothing more, sends what waits while there is time, and then reports the rest as
//!   surely failed and what is under way as ambiguous.
//!
//! It decides nothing: not who is told, not when again. That is dispatch's, and the reports are its inputs.

mod breaker;
mod carrier;
mod queue;
mod rate;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use breaker::Breaker;
pub(crate) use carrier::key;
pub use carrier::{Carrier, Outgoing, Sent, Trouble, Why};
pub use queue::{News, Refused, Report, Settings};
pub use view::{Counts, Line, View};

use queue::{Next, Queue};
use skypicket_model::{DeliveryId, Time};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::{self, JoinSet},
    time::Instant,
};

/// News that wait for an owner; further ones wait in the queue, whose bound counts them.
const NEWS: usize = 256;

struct Shared<L> {
    queue: Mutex<Queue<L>>,
    wake: Notify,
    /// When a drain ends, once there is one.
    until: watch::Sender<Option<Instant>>,
    /// Whether all is told.
    ended: watch::Sender<bool>,
}

impl<L> Shared<L> {
    fn queue(&self) -> MutexGuard<'_, Queue<L>> {
        // Each change under this lock is whole by itself.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends messages of one channel. Dropping it ends it as a drain without time would.
pub struct Courier<L> {
    shared: Arc<Shared<L>>,
}

impl<L: Send + Sync + 'static> Courier<L> {
    /// Starts one. What it tells comes out of the receiver; while nobody takes it, nothing more is sent.
    pub fn start<C: Carrier<Letter = L>>(carrier: C, settings: Settings) -> (Self, mpsc::Receiver<News>) {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue::new(settings)),
            wake: Notify::new(),
            until: watch::Sender::new(None),
            ended: watch::Sender::new(false),
        });
        let (tell, news) = mpsc::channel(NEWS);
        tokio::spawn(run(Arc::clone(&shared), Arc::new(carrier), tell));
        (Self { shared }, news)
    }

    /// Takes a message at the centre's time `now`, or says at the door why not.
    pub fn take(&self, message: Outgoing<L>, now: Time) -> Result<(), Refused> {
        let taken = self.shared.queue().take(message, now, Instant::now().into_std());
        self.shared.wake.notify_one();
        taken
    }

    /// Takes back what still waits of these deliveries; each is reported as cancelled. How many there were. One that is
    /// under way goes on, and its report says what became of it.
    pub fn cancel(&self, deliveries: &[DeliveryId]) -> usize {
        let n = self.shared.queue().cancel(deliveries, Instant::now().into_std());
        self.shared.wake.notify_one();
        n
    }

    /// For people to look at.
    pub fn view(&self) -> View {
        self.shared.queue().view(Instant::now().into_std())
    }

    /// Takes nothing more, sends what waits for at most so long, and ends when all is told.
    pub async fn drain(&self, within: Duration) {
        self.shared.queue().close();
        self.shared.until.send_replace(Some(Instant::now() + within));
        self.shared.wake.notify_one();
        // An error would mean that it has gone already.
        let _ = self.shared.ended.subscribe().wait_for(|ended| *ended).await;
    }
}

impl<L> Drop for Courier<L> {
    fn drop(&mut self) {
        self.shared.queue().close();
        let now = Instant::now();
        self.shared.until.send_if_modified(|until| {
            let later = until.is_none();
            until.get_or_insert(now);
            later
        });
        self.shared.wake.notify_one();
    }
}

/// What a task brings home.
enum Home {
    Sent(Sent),
    Probed(Result<(), Trouble>),
}

async fn run<C: Carrier>(shared: Arc<Shared<C::Letter>>, carrier: Arc<C>, tell: mpsc::Sender<News>) {
    let mut tasks: JoinSet<Home> = JoinSet::new();
    // A delivery, or a probe.
    let mut meant: HashMap<task::Id, Option<DeliveryId>> = HashMap::new();
    let mut until = shared.until.subscribe();
    loop {
        // In a statement of its own: the lock must not be held while the owner takes its time.
        loop {
            let news = shared.queue().news();
            let Some(news) = news else { break };
            if tell.send(news).await.is_err() {
                // Nobody is there to be told: what is under way ends with its tasks.
                shared.queue().give_up(Instant::now().into_std());
                shared.ended.send_replace(true);
                return;
            }
        }
        let next = shared.queue().next(Instant::now().into_std());
        let wait = match next {
            Next::Send(going) => {
                let delivery = going.message.delivery;
                let carrier = Arc::clone(&carrier);
                let task = tasks.spawn(async move {
                    let sent = tokio::time::timeout(C::LONGEST, carrier.send(&going.message, going.now)).await;
                    // What was begun may have arrived.
                    Home::Sent(sent.unwrap_or_else(|_| Sent::Ambiguous(Trouble::of_channel(Why::TimedOut))))
                });
                meant.insert(task.id(), Some(delivery));
                continue;
            }
            Next::Probe => {
                let carrier = Arc::clone(&carrier);
                let task = tasks.spawn(async move {
                    let found = tokio::time::timeout(C::LONGEST, carrier.probe()).await;
                    Home::Probed(found.unwrap_or_else(|_| Err(Trouble::of_channel(Why::TimedOut))))
                });
                meant.insert(task.id(), None);
                continue;
            }
            // News may have come of looking: what expired.
            Next::Wait(_) | Next::Done if !shared.queue().is_told() => continue,
            Next::Wait(at) => at.map(Instant::from_std),
            Next::Done => break,
        };
        let end = *until.borrow_and_update();
        let home = tokio::select! {
            home = tasks.join_next_with_id(), if !tasks.is_empty() => home,
            () = shared.wake.notified() => None,
            () = sleep_until(wait) => None,
            () = sleep_until(end), if end.is_some() => {
                shared.queue().give_up(Instant::now().into_std());
                tasks.abort_all();
                // Each of them comes home, as aborted.
                match tasks.join_next_with_id().await {
                    None => continue,
                    home => home,
                }
            }
        };
        let now = Instant::now().into_std();
        let (id, home) = match home {
            None => continue,
            Some(Ok((id, home))) => (id, Some(home)),
            Some(Err(error)) => {
                if error.is_panic() {
                    tracing::error!("a channel's carrier failed in itself");
                }
                (error.id(), None)
            }
        };
        let why = if shared.queue().is_closed() { Why::ShutDown } else { Why::Fault };
        match (meant.remove(&id).flatten(), home) {
            (Some(delivery), Some(Home::Sent(sent))) => shared.queue().done(delivery, sent, now),
            (Some(delivery), _) => {
                shared.queue().done(delivery, Sent::Ambiguous(Trouble::of_channel(why)), now);
            }
            (None, Some(Home::Probed(found))) => shared.queue().probed(&found, now),
            (None, _) => shared.queue().probed(&Err(Trouble::of_channel(why)), now),
        }
    }
    shared.ended.send_replace(true);
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
