//! [`TakServer`]: TAK clients over CoT XML on TCP, both ways; over TLS, or loopback only unless `insecure = true`.
//!
//! A connection is bound to a person with its first self-report: over TLS to whom its client certificate names, and then
//! a uid that is somebody else's is refused; without a certificate to whom the directory gives the uid. From
//! a bound client: positions, drone markers (sightings), chat receipts (receipts), and a chat line that holds the code
//! of one of their open notices (an acknowledgement; any other chat is not). To it: what the program sends through
//! [`TakHandle`]. A client of an unknown uid stays connected, is counted, and neither gives nor gets anything.
//!
//! "Stored" and "Acknowledged" are said only after the centre says that it is durable. Each client has a bounded queue;
//! one that does not read is shed, and the others do not notice.

mod config;
mod connection;
mod handle;
mod sighting;

pub use config::TakConfig;
pub use handle::{Recipient, TakHandle};

use crate::{
    Health, Intake, ListenError, Secure,
    clients::Clients,
    listen::{Shutdown, check_listen, stopped},
};
use skypicket_model::PersonId;
use skypicket_wire::cot::render::Centre;
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

/// Whose client a uid is.
pub type Lookup = Arc<dyn Fn(&str) -> Option<PersonId> + Send + Sync>;

/// A bound listener, ready to run.
pub struct TakServer {
    config: TakConfig,
    listener: TcpListener,
    lookup: Lookup,
    secure: Option<Secure>,
    handle: TakHandle,
    health: Arc<Health>,
}

impl TakServer {
    /// Opens the listener. `exercise` names the exercise that every message is marked with; `None` is live. `secure` is
    /// its TLS; needed where the configuration says so, and used only there.
    pub async fn bind(
        config: TakConfig,
        exercise: Option<String>,
        lookup: Lookup,
        secure: Option<Secure>,
    ) -> Result<Self, ListenError> {
        check_listen(config.listen, config.insecure || config.protected())?;
        let addr = config.listen;
        let secure = secure.filter(|_| config.tls);
        if config.tls && secure.is_none() {
            return Err(ListenError::NoTls { addr });
        }
        let listener = TcpListener::bind(addr).await.map_err(|error| ListenError::Io { addr, error })?;
        let centre = Centre { uid: config.uid.clone(), callsign: config.callsign.clone(), exercise };
        let health: Arc<Health> = Arc::default();
        let handle = TakHandle::new(centre, Arc::clone(&health));
        Ok(Self { config, listener, lookup, secure, handle, health })
    }

    /// Where it listens, once the system chose a port for `:0`.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.config.listen)
    }

    /// Its counters: `received` and `decoded` count events.
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// Sends to its clients.
    pub fn handle(&self) -> TakHandle {
        self.handle.clone()
    }

    /// Runs until the shutdown.
    pub async fn run(self, intake: Arc<dyn Intake>, mut shutdown: Shutdown) {
        let Self { config, listener, lookup, secure, handle, health } = self;
        let mut clients = Clients::new(config.max_connections, config.max_connections_per_address, Arc::clone(&health));
        let shared = Arc::new(connection::Shared { config, lookup, secure, handle, health, intake });
        loop {
            let (stream, from) = tokio::select! {
                biased;
                () = stopped(&mut shutdown) => break,
                connection = clients.accept(&listener) => connection,
            };
            if clients.may_open(from) {
                clients.open(from, connection::run(Arc::clone(&shared), stream, shutdown.clone()));
            } else {
                shared.refuse("too_many_connections", None, &[]);
            }
        }
        drop(listener);
        clients.drain().await;
    }
}
