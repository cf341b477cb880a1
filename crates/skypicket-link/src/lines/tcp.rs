//! [`TcpLines`]: lines over TCP connections, plain or TLS, each independent of the others.

use super::Feed;
use crate::{
    Admitted, ClientCertificates, Grant, Health, Holder, Intake, ListenError, Rate, Secure,
    clients::Clients,
    listen::{Shutdown, check_listen, stopped},
    secure::{self, Stream},
};
use serde::Deserialize;
use skypicket_model::{Observation, SourceId};
use skypicket_wire::feed::FeedFormat;
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

/// Settings of a [`TcpLines`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpLinesConfig {
    /// Source of lines that name none.
    pub id: SourceId,
    /// Address and port.
    pub listen: SocketAddr,
    /// Open beyond loopback although nothing proves who sends. Default false.
    #[serde(default)]
    pub insecure: bool,
    /// Over TLS, with the centre's certificate. Default false.
    #[serde(default)]
    pub tls: bool,
    /// Whether a client must have a certificate, where there is TLS: `required` (the default), or `optional`.
    #[serde(default)]
    pub client_certificates: ClientCertificates,
    /// Other sources that lines may name, of clients without a certificate. Default none.
    #[serde(default)]
    pub sources: BTreeSet<SourceId>,
    /// Silence longer than this is an alarm, seconds. Default none.
    #[serde(default)]
    pub expected_interval_s: Option<f64>,
    /// A connection silent for so long is closed, seconds. Default 300.
    #[serde(default = "TcpLinesConfig::default_idle_s")]
    pub idle_timeout_s: u32,
    /// Most connections. Default 64.
    #[serde(default = "TcpLinesConfig::default_most")]
    pub max_connections: usize,
    /// Most connections from one address. Default 16.
    #[serde(default = "TcpLinesConfig::default_most_by_address")]
    pub max_connections_per_address: usize,
}

impl TcpLinesConfig {
    /// Whoever connects has proven which source it is.
    pub fn protected(&self) -> bool {
        self.tls && self.client_certificates == ClientCertificates::Required
    }

    fn default_idle_s() -> u32 {
        300
    }
    fn default_most() -> usize {
        64
    }
    fn default_most_by_address() -> usize {
        16
    }
}

/// A bound listener, ready to run.
pub struct TcpLines {
    config: TcpLinesConfig,
    listener: TcpListener,
    secure: Option<Secure>,
    health: Arc<Health>,
}

/// Most bytes of a line.
const LINE: usize = 64 * 1024;

impl TcpLines {
    /// Opens the listener. `secure` is its TLS; needed where the configuration says so, and used only there.
    pub async fn bind(config: TcpLinesConfig, secure: Option<Secure>) -> Result<Self, ListenError> {
        check_listen(config.listen, config.insecure || config.protected())?;
        let addr = config.listen;
        let secure = secure.filter(|_| config.tls);
        if config.tls && secure.is_none() {
            return Err(ListenError::NoTls { addr });
        }
        let listener = TcpListener::bind(addr).await.map_err(|error| ListenError::Io { addr, error })?;
        Ok(Self { config, listener, secure, health: Arc::default() })
    }

    /// Where it listens, once the system chose a port for `:0`.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.config.listen)
    }

    /// Its counters.
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// Runs until the shutdown.
    pub async fn run(self, intake: Arc<dyn Intake>, mut shutdown: Shutdown) {
        let Self { config, listener, secure, health } = self;
        let mut clients = Clients::new(config.max_connections, config.max_connections_per_address, Arc::clone(&health));
        let idle = Duration::from_secs(config.idle_timeout_s.into());
        let grant = Grant { also: config.sources, ..Grant::default() };
        let rate = Arc::new(Mutex::new(Rate::new(None, intake.now())));
        let feed = Arc::new(Feed { id: config.id, grant, rate, health, intake });
        loop {
            let (stream, from) = tokio::select! {
                biased;
                () = stopped(&mut shutdown) => break,
                connection = clients.accept(&listener) => connection,
            };
            if clients.may_open(from) {
                let (feed, secure, shutdown) = (Arc::clone(&feed), secure.clone(), shutdown.clone());
                clients.open(from, connection(feed, secure, stream, idle, shutdown));
            } else {
                feed.refuse_as("too_many_connections", 0, &[]);
            }
        }
        drop(listener);
        clients.drain().await;
    }
}

async fn connection(
    listener: Arc<Feed>,
    secure: Option<Secure>,
    stream: TcpStream,
    idle: Duration,
    mut shutdown: Shutdown,
) {
    let opened = tokio::select! {
        biased;
        () = stopped(&mut shutdown) => return,
        opened = secure::open(secure.as_ref(), stream) => opened,
    };
    let opened = opened.and_then(|(stream, admitted)| Ok((stream, feed_of(&listener, admitted.as_ref())?, admitted)));
    let (stream, feed, mut admitted) = match opened {
        Ok(opened) => opened,
        Err(reason) => return listener.refuse_as(reason, 0, &[]),
    };
    tokio::select! {
        biased;
        reason = secure::over(&mut admitted) => feed.refuse_as(reason, 0, &[]),
        () = read(&feed, stream, idle, shutdown) => {}
    }
}

/// As whose lines a connection's are taken: the listener's, or those of the source whose certificate it showed.
fn feed_of(listener: &Arc<Feed>, admitted: Option<&Admitted>) -> Result<Arc<Feed>, &'static str> {
    let Some(a) = admitted else { return Ok(Arc::clone(listener)) };
    let Holder::Source(id) = &a.holder else { return Err("certificate_of_a_person") };
    if !a.grant.formats.contains(&FeedFormat::Lines) {
        return Err("format_not_allowed");
    }
    Ok(Arc::new(Feed {
        id: id.clone(),
        grant: a.grant.clone(),
        rate: Arc::clone(&a.rate),
        health: Arc::clone(&a.health),
        intake: Arc::clone(&listener.intake),
    }))
}

async fn read(feed: &Feed, mut stream: Box<dyn Stream>, idle: Duration, mut shutdown: Shutdown) {
    let mut lines = Lines::default();
    let mut chunk = vec![0u8; 16 * 1024];
    loop {
        let read = tokio::select! {
            biased;
            () = stopped(&mut shutdown) => return,
            read = tokio::time::timeout(idle, stream.read(&mut chunk)) => read,
        };
        let mut batch = Vec::new();
        match read {
            Ok(Ok(n)) if n > 0 => {
                lines.push(chunk.get(..n).unwrap_or_default(), feed, &mut batch);
                feed.hand_on(batch);
            }
            // The last line may come without its end.
            Ok(Ok(_)) => {
                lines.end_line(feed, &mut batch);
                return feed.hand_on(batch);
            }
            Ok(Err(_)) => return,
            Err(_) => return feed.refuse_as("idle", lines.began + lines.length, &[]),
        }
    }
}

/// Cuts bytes into lines; a line over the limit is refused once and skipped to its end.
#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
    skipping: bool,
    /// Where in the stream the line at hand began.
    began: u64,
    /// Its bytes so far, skipped ones included.
    length: u64,
}

impl Lines {
    fn push(&mut self, bytes: &[u8], feed: &Feed, batch: &mut Vec<Observation>) {
        let mut pieces = bytes.split(|b| *b == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            self.length += piece.len() as u64;
            if !self.skipping && self.length > LINE as u64 {
                feed.health.heard(feed.intake.now(), 1);
                feed.refuse_as(
                    "line_too_long",
                    self.began,
                    if self.partial.is_empty() { piece } else { &self.partial },
                );
                self.partial = Vec::new();
                self.skipping = true;
            } else if !self.skipping {
                self.partial.extend_from_slice(piece);
            }
            // Only after the last piece there was no line end.
            if pieces.peek().is_some() {
                self.end_line(feed, batch);
                self.began += self.length + 1;
                self.length = 0;
                self.skipping = false;
            }
        }
    }

    fn end_line(&mut self, feed: &Feed, batch: &mut Vec<Observation>) {
        feed.line(&self.partial, self.began, batch);
        self.partial.clear();
    }
}
