//! Opening listeners, and stopping: [`check_listen`], [`Shutdown`].

use std::{io, net::SocketAddr};
use tokio::sync::watch;

/// Becomes true, or is dropped, when connectors are to stop.
pub type Shutdown = watch::Receiver<bool>;

/// Why nothing listens.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Others could read and forge what passes: needs TLS, or a plain word that it is wanted so.
    #[error(
        "{addr} is not a loopback address and this listener has no TLS; say insecure = true in its table to open it anyway"
    )]
    NotLoopback {
        /// The address asked for.
        addr: SocketAddr,
    },
    /// Its table says TLS, and there is no certificate for it.
    #[error("{addr}: this listener is to have TLS, and the centre has none: give serve --tls")]
    NoTls {
        /// The address asked for.
        addr: SocketAddr,
    },
    /// The system did not give the address.
    #[error("cannot listen on {addr}: {error}")]
    Io {
        /// The address asked for.
        addr: SocketAddr,
        /// Why.
        #[source]
        error: io::Error,
    },
}

/// Whether a listener without TLS may be opened at an address.
pub fn check_listen(addr: SocketAddr, insecure: bool) -> Result<(), ListenError> {
    if addr.ip().to_canonical().is_loopback() || insecure { Ok(()) } else { Err(ListenError::NotLoopback { addr }) }
}

/// Resolves when it is time to stop.
pub(crate) async fn stopped(shutdown: &mut Shutdown) {
    // A dropped sender is a program that has gone.
    let _ = shutdown.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tls_only_loopback_unless_it_is_said() {
        for (addr, alone) in [
            ("127.0.0.1:0", true),
            ("127.9.9.9:1", true),
            ("[::1]:0", true),
            ("[::ffff:127.0.0.1]:0", true),
            ("0.0.0.0:0", false),
            ("[::]:0", false),
            ("192.168.1.2:8089", false),
            ("[::ffff:10.0.0.1]:0", false),
        ] {
            let addr = addr.parse().unwrap();
            assert_eq!(check_listen(addr, false).is_ok(), alone, "{addr}");
            assert!(check_listen(addr, true).is_ok());
        }
    }
}
