//! [`TcpLines`]: lines over TCP connections, each independent of the others.

use super::Feed;
use crate::{
    Health, Intake, ListenError,
    clients::Clients,
    listen::{Shutdown, check_listen, stopped},
};
use serde::Deserialize;
use skypicket_model::{Observation, SourceId};
use std::{collections::BTreeSet, net::SocketAddr, sync::Arc, time::Duration};
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
    /// Other sources that lines may name. Default none.
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
#[derive(Debug)]
pub struct TcpLines {
    config: TcpLinesConfig,
    listener: TcpListener,
    health: Arc<Health>,
}

/// Most bytes of a line.
const LINE: usize = 64 * 1024;

impl TcpLines {
    /// Opens the listener.
    pub async fn bind(config: TcpLinesConfig) -> Result<Self, ListenError> {
        check_listen(config.listen, config.insecure)?;
        let addr = config.listen;
        let listener = TcpListener::bind(addr).await.map_err(|error| ListenError::Io { addr, error })?;
        Ok(Self { config, listener, health: Arc::default() })
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
        let Self { config, listener, health } = self;
        let mut clients = Clients::new(config.max_connections, config.max_connections_per_address, Arc::clone(&health));
        let idle = Duration::from_secs(config.idle_timeout_s.into());
        let feed = Arc::new(Feed { id: config.id, sources: config.sources, health, intake });
        loop {
            let (stream, from) = tokio::select! {
                biased;
                () = stopped(&mut shutdown) => break,
                connection = clients.accept(&listener) => connection,
            };
            if clients.may_open(from) {
                clients.open(from, connection(Arc::clone(&feed), stream, idle, shutdown.clone()));
            } else {
                feed.refuse_as("too_many_connections", 0, &[]);
            }
        }
        drop(listener);
        clients.drain().await;
    }
}

async fn connection(feed: Arc<Feed>, mut stream: TcpStream, idle: Duration, mut shutdown: Shutdown) {
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
                lines.push(chunk.get(..n).unwrap_or_default(), &feed, &mut batch);
                feed.hand_on(batch);
            }
            // The last line may come without its end.
            Ok(Ok(_)) => {
                lines.end_line(&feed, &mut batch);
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
