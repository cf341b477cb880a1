//! [`TcpBearer`]: a stream that a server sends to whoever connects, as decoders of aircraft and receivers on a network do.

use super::{Ear, Unfit, check_connect, pause::Pause};
use crate::{
    listen::{Shutdown, stopped},
    post::client_config,
};
use rustls_pki_types::ServerName;
use serde::Deserialize;
use skypicket_wire::feed::Piece;
use std::{io, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// Settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpBearer {
    /// `HOST:PORT`.
    pub connect: String,
    /// With TLS. Default false.
    #[serde(default)]
    pub tls: bool,
    /// Trust only the certificates of this PEM file. Default what browsers trust.
    #[serde(default)]
    pub roots: Option<PathBuf>,
    /// Connect to another machine although nothing proves who sends. Default false.
    #[serde(default)]
    pub insecure: bool,
    /// Connect again when nothing came for so long, seconds; not for what may rightly be silent. Default never.
    #[serde(default)]
    pub idle_s: Option<u32>,
}

/// Checked, with what TLS needs.
pub(super) struct Ready {
    config: TcpBearer,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// A connection, its TLS included, must stand within this.
const CONNECT: Duration = Duration::from_secs(10);

impl TcpBearer {
    pub(super) fn ready(self) -> Result<Ready, Unfit> {
        let host = check_connect(&self.connect, self.tls, self.insecure)?;
        if self.roots.is_some() && !self.tls {
            return Err(Unfit::Setting("roots", "is for tls = true".into()));
        }
        let tls = if self.tls {
            let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = ServerName::try_from(bare)
                .map_err(|_| Unfit::Setting("connect", format!("'{host}' is no name or address of a server")))?;
            Some((TlsConnector::from(Arc::new(client_config(self.roots.as_deref())?)), name))
        } else {
            None
        };
        Ok(Ready { config: self, tls })
    }
}

impl Ready {
    pub(super) async fn run(self, mut ear: Ear, mut shutdown: Shutdown) {
        let mut pause = Pause::new();
        loop {
            let done = tokio::select! {
                biased;
                () = stopped(&mut shutdown) => return,
                done = self.once(&mut ear, &mut pause) => done,
            };
            ear.disconnected(&done.map_or_else(|e| e.to_string(), |()| "the other side closed the connection".into()));
            tokio::select! {
                biased;
                () = stopped(&mut shutdown) => return,
                () = tokio::time::sleep(pause.next()) => {}
            }
        }
    }

    async fn once(&self, ear: &mut Ear, pause: &mut Pause) -> io::Result<()> {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
        let mut stream = tokio::time::timeout(CONNECT, self.connect()).await.map_err(late)??;
        ear.connected();
        let idle = self.config.idle_s.map_or(Duration::MAX, |s| Duration::from_secs(s.into()));
        read_stream(&mut stream, ear, idle, pause).await
    }

    async fn connect(&self) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
        let tcp = TcpStream::connect(&self.config.connect).await?;
        // A server that died without a word is noticed although it has nothing to say.
        socket2::SockRef::from(&tcp).set_tcp_keepalive(
            &socket2::TcpKeepalive::new().with_time(Duration::from_secs(30)).with_interval(Duration::from_secs(10)),
        )?;
        Ok(match &self.tls {
            None => Box::new(tcp),
            Some((connector, name)) => Box::new(connector.connect(name.clone(), tcp).await?),
        })
    }
}

/// Reads to the end of a stream, or until nothing came for too long. Only what is heard makes the pause short again: a
/// server that takes connections and drops them is asked less and less often.
pub(super) async fn read_stream(
    stream: &mut (impl AsyncRead + Unpin + ?Sized),
    ear: &mut Ear,
    idle: Duration,
    pause: &mut Pause,
) -> io::Result<()> {
    let mut chunk = vec![0; 16 * 1024];
    loop {
        let silent = |_| io::Error::new(io::ErrorKind::TimedOut, "nothing came for too long");
        let n = tokio::time::timeout(idle, stream.read(&mut chunk)).await.map_err(silent)??;
        if n == 0 {
            return Ok(());
        }
        pause.over();
        ear.hear(chunk.get(..n).unwrap_or_default(), Piece::Stream, "", false);
    }
}
