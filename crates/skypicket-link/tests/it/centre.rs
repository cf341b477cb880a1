//! A stand-in for the centre: notes every call, and holds acts back until the test lets them through.

use skypicket_link::{BoxFuture, Intake, Refused};
use skypicket_model::{Act, Channel, DeliveryId, NoticeId, Observation, PersonId, Position, SourceId, Time};
use std::{
    collections::BTreeMap,
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::sync::{Semaphore, mpsc, watch};

/// One call of a connector.
#[derive(Debug)]
pub(crate) enum Call {
    Observe(SourceId, Vec<Observation>),
    Position(Position),
    Act(PersonId, Act),
    Refused { reason: String, offset: Option<u64>, sample: Vec<u8> },
    Reach(PersonId, bool),
}

/// The stand-in.
pub(crate) struct Centre {
    calls: mpsc::UnboundedSender<Call>,
    /// One permit lets one act become durable.
    pub(crate) gate: Semaphore,
    pub(crate) codes: Mutex<BTreeMap<(PersonId, String), (NoticeId, u32)>>,
    pub(crate) deliveries: Mutex<BTreeMap<DeliveryId, (PersonId, NoticeId, u32)>>,
    pub(crate) refuse_acts: Mutex<Option<Refused>>,
    pub(crate) now: Mutex<Time>,
}

/// What a test holds of it.
pub(crate) struct Calls {
    pub(crate) centre: Arc<Centre>,
    coming: mpsc::UnboundedReceiver<Call>,
    shutdown: watch::Sender<bool>,
}

pub(crate) const NOW_S: f64 = 1_700_000_000.0;

/// A centre whose gate lets `durable` acts through.
pub(crate) fn centre(durable: usize) -> Calls {
    let (calls, coming) = mpsc::unbounded_channel();
    let centre = Centre {
        calls,
        gate: Semaphore::new(durable),
        codes: Mutex::default(),
        deliveries: Mutex::default(),
        refuse_acts: Mutex::default(),
        now: Mutex::new(Time::from_unix_s(NOW_S).unwrap()),
    };
    Calls { centre: Arc::new(centre), coming, shutdown: watch::channel(false).0 }
}

impl Calls {
    pub(crate) fn intake(&self) -> Arc<dyn Intake> {
        Arc::clone(&self.centre) as Arc<dyn Intake>
    }

    pub(crate) fn shutdown(&self) -> watch::Receiver<bool> {
        self.shutdown.subscribe()
    }

    pub(crate) fn stop(&self) {
        self.shutdown.send_replace(true);
    }

    pub(crate) async fn next(&mut self) -> Call {
        soon(self.coming.recv()).await.expect("the centre is gone")
    }

    /// The next call that `pick` takes; others on the way are dropped.
    pub(crate) async fn next_that<T>(&mut self, mut pick: impl FnMut(Call) -> Option<T>) -> T {
        loop {
            if let Some(t) = pick(self.next().await) {
                return t;
            }
        }
    }

    pub(crate) async fn next_refusal(&mut self) -> (String, Option<u64>) {
        self.next_that(|c| if let Call::Refused { reason, offset, .. } = c { Some((reason, offset)) } else { None })
            .await
    }
}

/// The limit of everything here.
pub(crate) async fn soon<T>(f: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), f).await.expect("it never came")
}

pub(crate) fn person(name: &str) -> PersonId {
    PersonId::new(name).unwrap()
}

pub(crate) fn source(name: &str) -> SourceId {
    SourceId::new(name).unwrap()
}

impl Intake for Centre {
    fn observe(&self, source: &SourceId, batch: Vec<Observation>) {
        let _ = self.calls.send(Call::Observe(source.clone(), batch));
    }
    fn position(&self, position: Position) -> BoxFuture<'_, Result<(), Refused>> {
        let _ = self.calls.send(Call::Position(position));
        Box::pin(async { Ok(()) })
    }
    fn act(&self, by: PersonId, via: &'static str, act: Act) -> BoxFuture<'_, Result<(), Refused>> {
        assert_eq!(via, "tak");
        let _ = self.calls.send(Call::Act(by, act));
        Box::pin(async {
            self.gate.acquire().await.unwrap().forget();
            self.refuse_acts.lock().unwrap().clone().map_or(Ok(()), Err)
        })
    }
    fn refused(&self, _: &SourceId, reason: &str, offset: Option<u64>, sample: &[u8]) {
        let _ = self.calls.send(Call::Refused { reason: reason.to_owned(), offset, sample: sample.to_vec() });
    }
    fn reach(&self, person: PersonId, channel: Channel, up: bool) {
        assert_eq!(channel, Channel::Tak);
        let _ = self.calls.send(Call::Reach(person, up));
    }
    fn resolve_code(&self, person: &PersonId, code: &str) -> Option<(NoticeId, u32)> {
        self.codes.lock().unwrap().get(&(person.clone(), code.to_owned())).copied()
    }
    fn resolve_delivery(&self, delivery: DeliveryId) -> Option<(PersonId, NoticeId, u32)> {
        self.deliveries.lock().unwrap().get(&delivery).cloned()
    }
    fn now(&self) -> Time {
        *self.now.lock().unwrap()
    }
}
