//! [`UdpBearer`]: datagrams sent to us, each a message by itself.

use super::{Ear, Unfit};
use crate::{
    ListenError,
    listen::{Shutdown, check_listen, stopped},
};
use serde::Deserialize;
use skypicket_wire::feed::Piece;
use std::{net::SocketAddr, time::Duration};
use tokio::net::UdpSocket;

/// Settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UdpBearer {
    /// Address and port.
    pub listen: SocketAddr,
    /// Open beyond loopback although nothing proves who sends. Default false.
    #[serde(default)]
    pub insecure: bool,
}

/// A bound socket.
pub(super) struct Bound(UdpSocket, SocketAddr);

impl UdpBearer {
    pub(super) fn check(&self) -> Result<(), Unfit> {
        check_listen(self.listen, self.insecure).map_err(Unfit::Listen)
    }

    pub(super) async fn bind(self) -> Result<Bound, Unfit> {
        self.check()?;
        let addr = self.listen;
        let io = |error| Unfit::Listen(ListenError::Io { addr, error });
        let socket = UdpSocket::bind(addr).await.map_err(io)?;
        let own = socket.local_addr().map_err(io)?;
        Ok(Bound(socket, own))
    }
}

impl Bound {
    const DATAGRAM: usize = 65_536;

    pub(super) fn local_addr(&self) -> SocketAddr {
        self.1
    }

    pub(super) async fn run(self, mut ear: Ear, mut shutdown: Shutdown) {
        let mut buffer = vec![0; Self::DATAGRAM];
        loop {
            let received = tokio::select! {
                biased;
                () = stopped(&mut shutdown) => return,
                received = self.0.recv_from(&mut buffer) => received,
            };
            match received {
                Ok((n, _)) => ear.hear(buffer.get(..n).unwrap_or_default(), Piece::Whole, "", false),
                Err(error) => {
                    tracing::warn!(%error, source = %ear.id(), "receiving a datagram failed");
                    ear.refuse("socket", &[]);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}
