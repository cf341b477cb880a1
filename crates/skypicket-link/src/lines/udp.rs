//! [`UdpLines`]: lines in datagrams; one datagram may hold several, none spans two.

use super::Feed;
use crate::{
    Grant, Health, Intake, ListenError, Rate,
    listen::{Shutdown, check_listen, stopped},
};
use serde::Deserialize;
use skypicket_model::SourceId;
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::net::UdpSocket;

/// Settings of a [`UdpLines`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UdpLinesConfig {
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
}

/// A bound socket, ready to run.
#[derive(Debug)]
pub struct UdpLines {
    config: UdpLinesConfig,
    socket: UdpSocket,
    health: Arc<Health>,
}

impl UdpLines {
    /// Most bytes of a datagram.
    const DATAGRAM: usize = 65_536;

    /// Opens the socket.
    pub async fn bind(config: UdpLinesConfig) -> Result<Self, ListenError> {
        check_listen(config.listen, config.insecure)?;
        let addr = config.listen;
        let socket = UdpSocket::bind(addr).await.map_err(|error| ListenError::Io { addr, error })?;
        Ok(Self { config, socket, health: Arc::default() })
    }

    /// Where it listens, once the system chose a port for `:0`.
    pub fn local_addr(&self) -> SocketAddr {
        self.socket.local_addr().unwrap_or(self.config.listen)
    }

    /// Its counters.
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// Runs until the shutdown.
    pub async fn run(self, intake: Arc<dyn Intake>, mut shutdown: Shutdown) {
        let Self { config, socket, health } = self;
        let grant = Grant { also: config.sources, ..Grant::default() };
        let rate = Arc::new(Mutex::new(Rate::new(None, intake.now())));
        let feed = Feed { id: config.id, grant, rate, health, intake };
        let mut buffer = vec![0u8; Self::DATAGRAM];
        loop {
            let received = tokio::select! {
                biased;
                () = stopped(&mut shutdown) => return,
                received = socket.recv_from(&mut buffer) => received,
            };
            match received {
                Ok((n, _)) => {
                    let mut batch = Vec::new();
                    let mut offset = 0;
                    for line in buffer.get(..n).unwrap_or_default().split(|b| *b == b'\n') {
                        feed.line(line, offset, &mut batch);
                        offset += line.len() as u64 + 1;
                    }
                    feed.hand_on(batch);
                }
                Err(error) => {
                    tracing::warn!(%error, source = %feed.id, "receiving a datagram failed");
                    feed.health.refused("socket", 1);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}
