//! One TAK client's connection: a reader that drives the session, a writer that drains the queue.

use super::{
    Lookup, TakConfig,
    handle::{Client, Outgoing, Recipient, TakHandle},
    sighting::{self, Standpoint},
};
use crate::{
    Admitted, Health, Holder, Intake, Refused, Secure, ids,
    listen::{Shutdown, stopped},
    secure::{self, Stream},
};
use skypicket_model::{Act, Channel, DeliveryId, PersonId, Position, delivery::Outcome};
use skypicket_wire::{
    cot::{
        Output, Session, render,
        session::{ChatMessage, ChatReceipt, ClientPosition, DroneMarker},
    },
    reply,
};
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    net::TcpStream,
    sync::{Notify, mpsc},
    time::timeout,
};

/// Through what an act came.
const VIA: &str = "tak";

/// How long a client may take to read what was promised to it before the shutdown.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What every connection of a server shares.
pub(super) struct Shared {
    pub(super) config: TakConfig,
    pub(super) lookup: Lookup,
    pub(super) secure: Option<Secure>,
    pub(super) handle: TakHandle,
    pub(super) health: Arc<Health>,
    pub(super) intake: Arc<dyn Intake>,
}

impl Shared {
    pub(super) fn refuse(&self, reason: &str, offset: Option<u64>, sample: &[u8]) {
        self.health.refused(reason, 1);
        self.intake.refused(&self.config.id, reason, offset, sample);
    }
}

/// Serves a client until it goes, breaks the rules, is shed, or the shutdown.
pub(super) async fn run(shared: Arc<Shared>, stream: TcpStream, mut shutdown: Shutdown) {
    let opened = tokio::select! {
        biased;
        () = stopped(&mut shutdown) => return,
        opened = secure::open(shared.secure.as_ref(), stream) => opened,
    };
    let opened = opened.and_then(|(stream, admitted)| Ok((stream, person_of(admitted.as_ref())?, admitted)));
    let (stream, proven, mut admitted) = match opened {
        Ok(opened) => opened,
        Err(reason) => return shared.refuse(reason, None, &[]),
    };
    let (reader, writer) = tokio::io::split(stream);
    let (queue, outgoing) = mpsc::channel(shared.config.queue.max(1));
    let close = Arc::new(Notify::new());
    let write_timeout = Duration::from_secs(shared.config.write_timeout_s.into());
    let client = Client {
        connection: shared.handle.next_connection(),
        proven: proven.is_some(),
        recipient: Arc::new(Recipient { uid: String::new(), callsign: String::new() }),
        queue,
        close: Arc::clone(&close),
    };
    let mut connection = Connection { shared: Arc::clone(&shared), client, proven, person: None, stood: None };
    let stop = Arc::new(Notify::new());
    let mut writing =
        tokio::spawn(Writer { socket: writer, shared: Arc::clone(&shared), close: Arc::clone(&close) }.run(
            outgoing,
            write_timeout,
            Arc::clone(&stop),
        ));
    let shut = tokio::select! {
        biased;
        () = stopped(&mut shutdown) => true,
        () = close.notified() => false,
        reason = secure::over(&mut admitted) => {
            shared.refuse(reason, None, &[]);
            false
        }
        () = connection.read(reader) => false,
    };
    let Connection { client, person, .. } = connection;
    if let Some(person) = person {
        shared.handle.unbind(&person, client.connection, &*shared.intake);
    }
    // With the last sender gone the writer ends when its queue is empty: at a shutdown what was promised is still said.
    drop(client);
    if !shut || timeout(LAST_WORDS, &mut writing).await.is_err() {
        stop.notify_one();
    }
}

/// Whose client a certificate says it is.
fn person_of(admitted: Option<&Admitted>) -> Result<Option<PersonId>, &'static str> {
    match admitted.map(|a| &a.holder) {
        None => Ok(None),
        Some(Holder::Person(person)) => Ok(Some(person.clone())),
        Some(Holder::Source(_)) => Err("certificate_of_a_source"),
    }
}

/// Writes what is queued for one client.
struct Writer {
    socket: WriteHalf<Box<dyn Stream>>,
    shared: Arc<Shared>,
    close: Arc<Notify>,
}

impl Writer {
    /// All of it, through TLS to the socket.
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes).await?;
        self.socket.flush().await
    }

    async fn run(mut self, mut outgoing: mpsc::Receiver<Outgoing>, patience: Duration, stop: Arc<Notify>) {
        loop {
            let next = tokio::select! {
                biased;
                () = stop.notified() => None,
                next = outgoing.recv() => next,
            };
            let Some(Outgoing { bytes, done }) = next else { break };
            // An event of which the last byte was not taken cannot be read by the client: it surely did not arrive.
            let outcome = tokio::select! {
                biased;
                () = stop.notified() => Outcome::Failed("connection_closed".into()),
                written = timeout(patience, self.write(&bytes)) => match written {
                    Ok(Ok(())) => Outcome::Accepted,
                    Ok(Err(error)) => Outcome::Failed(format!("write: {}", error.kind())),
                    Err(_) => {
                        self.shared.refuse("client_shed", None, &[]);
                        Outcome::Failed("client_does_not_read".into())
                    }
                },
            };
            let failed = outcome != Outcome::Accepted;
            if let Some(done) = done {
                // Nobody waits any more: fine.
                let _ = done.send(outcome);
            }
            if failed {
                break;
            }
        }
        self.close.notify_one();
        outgoing.close();
        while let Ok(Outgoing { done, .. }) = outgoing.try_recv() {
            if let Some(done) = done {
                let _ = done.send(Outcome::Failed("connection_closed".into()));
            }
        }
    }
}

struct Connection {
    shared: Arc<Shared>,
    client: Client,
    /// Whose client it is, where its certificate said so.
    proven: Option<PersonId>,
    /// Whose client it is, from its first self-report on.
    person: Option<PersonId>,
    stood: Option<Standpoint>,
}

impl Connection {
    async fn read(&mut self, mut socket: ReadHalf<Box<dyn Stream>>) {
        let patience = Duration::from_secs(self.shared.config.idle_timeout_s.into());
        let mut session = Session::new();
        let mut chunk = vec![0u8; 16 * 1024];
        loop {
            let n = match timeout(patience, socket.read(&mut chunk)).await {
                Ok(Ok(n)) if n > 0 => n,
                Ok(_) => return,
                Err(_) => return self.shared.refuse("idle", None, &[]),
            };
            let now = self.shared.intake.now();
            let mut outputs = Vec::new();
            let bytes = chunk.get(..n).unwrap_or_default();
            let end = session.feed(bytes, now, &mut outputs);
            for output in outputs {
                if let Output::Hello { uid, .. } = &output
                    && self.is_anothers(uid)
                {
                    return self.shared.refuse("uid_of_another", None, uid.as_bytes());
                }
                self.take(output).await;
            }
            if let Err(breach) = end {
                let sample = bytes.get(..256).unwrap_or(bytes);
                return self.shared.refuse(breach.kind, Some(breach.offset), sample);
            }
        }
    }

    async fn take(&mut self, output: Output) {
        let shared = Arc::clone(&self.shared);
        // A self-report gives two outputs but is one event.
        if !matches!(output, Output::Hello { .. }) {
            shared.health.heard(shared.intake.now(), 1);
        }
        match output {
            Output::Refused { error, offset, sample } => {
                return shared.refuse(error.kind, Some(offset + error.offset), &sample);
            }
            Output::Reply(bytes) => {
                shared.health.decoded(1);
                shared.handle.queue(&self.client, bytes.into(), None);
                return;
            }
            Output::Hello { uid, callsign } => return self.hello(uid, callsign),
            _ => {}
        }
        let Some(person) = self.person.clone() else { return shared.refuse("uid_not_bound", None, &[]) };
        match output {
            Output::Position(p) => self.position(person, p).await,
            Output::Marker(m) => self.marker(person, &m).await,
            Output::Chat(c) => self.chat(person, &c).await,
            Output::Receipt(r) => self.receipt(person, &r).await,
            Output::NoFix => shared.refuse("no_fix", None, &[]),
            Output::NotOwn { uid } => shared.refuse("uid_not_own", None, uid.as_bytes()),
            Output::Emergency { kind, cancel, .. } => {
                // Not built yet, and never silently: the person must know that nobody was told.
                shared.refuse("emergency_not_built", None, kind.as_bytes());
                if !cancel {
                    self.say("Emergency beacons are not passed on by this centre yet: CALL. / Este centro aún no retransmite balizas de emergencia: LLAME.");
                }
            }
            _ => shared.health.decoded(1),
        }
    }

    /// Whether the certificate names one person and the uid another.
    fn is_anothers(&self, uid: &str) -> bool {
        self.proven.as_ref().is_some_and(|p| (self.shared.lookup)(uid).is_some_and(|other| other != *p))
    }

    /// Binds the connection to whose client it is.
    fn hello(&mut self, uid: String, callsign: Option<String>) {
        let shared = &self.shared;
        // Nothing is counted here: the position in the same event is.
        let Some(person) = self.proven.clone().or_else(|| (shared.lookup)(&uid)) else { return };
        self.client.recipient = Arc::new(Recipient { callsign: callsign.unwrap_or_else(|| uid.clone()), uid });
        shared.handle.bind(&person, self.client.clone(), &*shared.intake);
        self.person = Some(person);
        if let Some(at) = shared.config.at {
            let event = render::centre_event(shared.handle.centre(), at, shared.intake.now());
            shared.handle.queue(&self.client, event.stream_bytes().into(), None);
        }
    }

    async fn position(&mut self, person: PersonId, p: ClientPosition) {
        let accuracy_m = sighting::sigma_m(p.ce_m);
        self.stood = Some(Standpoint { at: p.at, accuracy_m, observed_at: p.observed_at });
        let via = self.shared.config.id.clone();
        let position = Position { person, at: p.at, accuracy_m, observed_at: p.observed_at, via };
        let taken = self.shared.intake.position(position).await;
        self.count(&taken);
    }

    async fn marker(&mut self, person: PersonId, marker: &DroneMarker) {
        let sighting = Box::new(sighting::of(marker, &person, self.stood));
        let taken = self.shared.intake.act(person, VIA, Act::Sighting { sighting }).await;
        self.count(&taken);
        match taken {
            Ok(()) => self.say("Drone report stored. / Reporte de dron guardado."),
            Err(e) => self.say(&format!("Drone report NOT taken / Reporte de dron NO recibido: {e}")),
        }
    }

    /// A chat line acknowledges a notice when it holds its code, and only then.
    async fn chat(&mut self, person: PersonId, message: &ChatMessage) {
        let shared = Arc::clone(&self.shared);
        let codes = reply::codes(&message.text);
        let mut found = false;
        for code in &codes {
            let Some((notice, version)) = shared.intake.resolve_code(&person, code) else { continue };
            found = true;
            let act = Act::Acknowledge { notice, version, channel: Channel::Tak };
            let taken = shared.intake.act(person.clone(), VIA, act).await;
            self.count(&taken);
            match taken {
                Ok(()) => self.say(&format!("Acknowledged {code}. / Confirmado {code}.")),
                Err(e) => self.say(&format!("NOT acknowledged / NO confirmado {code}: {e}")),
            }
        }
        if !found {
            shared.health.decoded(1);
            // Only where the centre itself was meant: codes in others' talk are none of ours.
            if let Some(code) = codes.first()
                && message.to == shared.config.uid
            {
                self.say(&format!(
                    "No open warning has the code {code}. / Ninguna alerta abierta tiene el código {code}."
                ));
            }
        }
    }

    async fn receipt(&mut self, person: PersonId, receipt: &ChatReceipt) {
        let shared = Arc::clone(&self.shared);
        let delivery = receipt.message_id.parse::<DeliveryId>().ok();
        match delivery.and_then(|d| shared.intake.resolve_delivery(d)) {
            // Of a chat line that was no notice.
            None => shared.health.decoded(1),
            Some((whose, notice, version)) if whose == person => {
                let act = Act::Receipt { notice, version, channel: Channel::Tak, shown: receipt.shown };
                let taken = shared.intake.act(person, VIA, act).await;
                self.count(&taken);
            }
            Some(_) => shared.refuse("receipt_not_own", None, receipt.message_id.as_bytes()),
        }
    }

    fn count(&self, taken: &Result<(), Refused>) {
        match taken {
            Ok(()) => self.shared.health.decoded(1),
            Err(e) => self.shared.refuse(e.code, None, &[]),
        }
    }

    /// A line of chat from the centre to this client.
    fn say(&self, text: &str) {
        let shared = &self.shared;
        let Recipient { uid, callsign } = &*self.client.recipient;
        let now = shared.intake.now();
        let id = ids::message(now).to_string();
        let event = render::chat_event(&id, uid, callsign, text, shared.handle.centre(), now);
        shared.handle.queue(&self.client, event.stream_bytes().into(), None);
    }
}
