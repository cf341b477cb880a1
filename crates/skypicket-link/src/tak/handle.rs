//! [`TakHandle`]: sends to connected TAK clients.

use crate::{Health, Intake};
use skypicket_model::{Channel, DeliveryId, Notice, PersonId, Time, delivery::Outcome};
use skypicket_wire::cot::{
    Event,
    render::{self, Centre},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tokio::sync::{Notify, mpsc, oneshot};

/// One event on its way to a client.
pub(super) struct Outgoing {
    pub(super) bytes: Arc<[u8]>,
    /// Told what became of it.
    pub(super) done: Option<oneshot::Sender<Outcome>>,
}

/// A client that is bound to a person.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) connection: u64,
    /// A certificate said whose it is, and not its uid.
    pub(super) proven: bool,
    pub(super) recipient: Arc<Recipient>,
    pub(super) queue: mpsc::Sender<Outgoing>,
    /// Told to close.
    pub(super) close: Arc<Notify>,
}

/// How a person appears in TAK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Their client's uid.
    pub uid: String,
    /// Their name there; the uid where the client said none.
    pub callsign: String,
}

/// Sends to the clients of a [`super::TakServer`]; clones send to the same.
#[derive(Clone)]
pub struct TakHandle {
    inner: Arc<Inner>,
}

struct Inner {
    centre: Centre,
    health: Arc<Health>,
    connections: AtomicU64,
    clients: Mutex<BTreeMap<PersonId, Client>>,
    /// Held while a client is bound or unbound and the centre told so, so that the last word about a person is right.
    telling: Mutex<()>,
}

impl TakHandle {
    pub(super) fn new(centre: Centre, health: Arc<Health>) -> Self {
        let (connections, clients, telling) = (AtomicU64::new(0), Mutex::default(), Mutex::default());
        Self { inner: Arc::new(Inner { centre, health, connections, clients, telling }) }
    }

    /// The centre as clients see it, for rendering events.
    pub fn centre(&self) -> &Centre {
        &self.inner.centre
    }

    /// Who is connected.
    pub fn connected(&self) -> Vec<(PersonId, Recipient)> {
        self.with_clients(|c| c.iter().map(|(p, c)| (p.clone(), Recipient::clone(&c.recipient))).collect())
    }

    /// How a person appears in TAK, while they are connected.
    pub fn recipient(&self, person: &PersonId) -> Option<Recipient> {
        self.with_clients(|c| c.get(person).map(|c| Recipient::clone(&c.recipient)))
    }

    /// Sends an event to a person. `Accepted` says that their connection's socket took all of it: not that it arrived.
    pub async fn send_to_person(&self, person: &PersonId, event: &Event) -> Outcome {
        let Some(client) = self.with_clients(|c| c.get(person).cloned()) else {
            return Outcome::Failed("not_connected".into());
        };
        let (done, result) = oneshot::channel();
        if !self.queue(&client, event.stream_bytes().into(), Some(done)) {
            return Outcome::Failed("queue_full".into());
        }
        result.await.unwrap_or_else(|_| Outcome::Ambiguous("connection_lost".into()))
    }

    /// Sends a notice as chat to a person: the message id is the delivery's, so that the client's receipts name it and
    /// a repeat is folded. `text` is in the person's language.
    pub async fn send_notice(
        &self,
        person: &PersonId,
        notice: &Notice,
        delivery: DeliveryId,
        text: &str,
        now: Time,
    ) -> Outcome {
        let Some(to) = self.recipient(person) else { return Outcome::Failed("not_connected".into()) };
        let event = render::notice_chat(notice, delivery, &to.uid, &to.callsign, text, self.centre(), now);
        self.send_to_person(person, &event).await
    }

    /// Queues an event for everybody whom `filter` lets through; how many got it. Never waits: a client whose queue is
    /// full is shed.
    pub fn broadcast(&self, event: &Event, filter: impl Fn(&PersonId) -> bool) -> usize {
        let bytes: Arc<[u8]> = event.stream_bytes().into();
        let clients: Vec<Client> =
            self.with_clients(|c| c.iter().filter(|(p, _)| filter(p)).map(|(_, c)| c.clone()).collect());
        clients.iter().filter(|c| self.queue(c, Arc::clone(&bytes), None)).count()
    }

    /// Queues for one client, or sheds it.
    pub(super) fn queue(&self, to: &Client, bytes: Arc<[u8]>, done: Option<oneshot::Sender<Outcome>>) -> bool {
        match to.queue.try_send(Outgoing { bytes, done }) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.inner.health.refused("client_shed", 1);
                to.close.notify_one();
                // Out at once, so that the next event is not counted against it again.
                self.with_clients(|c| c.retain(|_, c| c.connection != to.connection));
                false
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// Closes the clients of everybody whom `stays` does not let stay, with the uid they came as, and whether a
    /// certificate said whose client it is.
    pub fn keep(&self, stays: impl Fn(&PersonId, &str, bool) -> bool) {
        let gone: Vec<Client> = self.with_clients(|c| {
            c.iter().filter(|(p, c)| !stays(p, &c.recipient.uid, c.proven)).map(|(_, c)| c.clone()).collect()
        });
        for client in gone {
            client.close.notify_one();
        }
    }

    pub(super) fn next_connection(&self) -> u64 {
        self.inner.connections.fetch_add(1, Relaxed)
    }

    /// Binds a client to a person and tells the centre; the client that they had before is closed.
    pub(super) fn bind(&self, person: &PersonId, client: Client, intake: &dyn Intake) {
        let _telling = self.inner.telling.lock().unwrap_or_else(PoisonError::into_inner);
        match self.with_clients(|c| c.insert(person.clone(), client)) {
            Some(before) => before.close.notify_one(),
            None => intake.reach(person.clone(), Channel::Tak, true),
        }
    }

    /// A connection ended: tells the centre when the person has no other.
    pub(super) fn unbind(&self, person: &PersonId, connection: u64, intake: &dyn Intake) {
        let _telling = self.inner.telling.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = self.with_clients(|c| {
            if c.get(person).is_some_and(|c| c.connection == connection) {
                c.remove(person);
            }
            !c.contains_key(person)
        });
        if gone {
            intake.reach(person.clone(), Channel::Tak, false);
        }
    }

    fn with_clients<T>(&self, f: impl FnOnce(&mut BTreeMap<PersonId, Client>) -> T) -> T {
        f(&mut self.inner.clients.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
