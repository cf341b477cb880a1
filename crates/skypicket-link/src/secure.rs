//! [`Secure`]: the TLS of a listener, and whose machine is at the other end of it.

use crate::{Admitted, Machines};
use rustls::{CertificateError, Error, ServerConfig};
use serde::Deserialize;
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A handshake must be done within this.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Whether a client must prove by a certificate of the own authority whose machine it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientCertificates {
    /// Nobody comes in without.
    #[default]
    Required,
    /// Whoever has none comes in as without TLS: for loopback, and while certificates are being handed out.
    Optional,
}

/// A byte stream of either kind, plain or TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The TLS of a listener.
#[derive(Clone)]
pub struct Secure {
    acceptor: TlsAcceptor,
    machines: Arc<dyn Machines>,
}

impl Secure {
    /// With this configuration, whose client verifier knows the own authority, and who knows the machines.
    pub fn new(config: Arc<ServerConfig>, machines: Arc<dyn Machines>) -> Self {
        Self { acceptor: TlsAcceptor::from(config), machines }
    }

    /// Shakes hands; whose machine it is, where it showed a certificate; or the fixed word to count the refusal under.
    async fn accept(&self, stream: TcpStream) -> Result<(TlsStream<TcpStream>, Option<Admitted>), &'static str> {
        let stream = match timeout(HANDSHAKE, self.acceptor.accept(stream)).await {
            Err(_) => return Err("tls_too_slow"),
            Ok(Err(error)) => return Err(word(&error)),
            Ok(Ok(stream)) => stream,
        };
        let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let admitted = shown.map(|certificate| self.machines.admit(certificate)).transpose()?;
        Ok((stream, admitted))
    }
}

/// The stream of a connection, over TLS where the listener has it, and whose machine it is.
pub(crate) async fn open(
    secure: Option<&Secure>,
    stream: TcpStream,
) -> Result<(Box<dyn Stream>, Option<Admitted>), &'static str> {
    // What is sent are whole events and lines: waiting to join them only delays a warning.
    let _ = stream.set_nodelay(true);
    match secure {
        None => Ok((Box::new(stream), None)),
        Some(secure) => {
            let (stream, admitted) = secure.accept(stream).await?;
            Ok((Box::new(stream), admitted))
        }
    }
}

/// Resolves when a machine is revoked or its certificate ends, with the word for it; never for what is none.
pub(crate) async fn over(admitted: &mut Option<Admitted>) -> &'static str {
    match admitted {
        Some(a) => a.over().await,
        None => std::future::pending().await,
    }
}

/// Why a handshake failed, as a fixed word.
fn word(error: &io::Error) -> &'static str {
    match error.get_ref().and_then(|e| e.downcast_ref::<Error>()) {
        Some(Error::NoCertificatesPresented) => "certificate_missing",
        Some(Error::InvalidCertificate(e)) => match e {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => "certificate_expired",
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "certificate_not_yet",
            CertificateError::UnknownIssuer | CertificateError::BadSignature => "certificate_foreign",
            CertificateError::Revoked => "certificate_revoked",
            _ => "certificate_unfit",
        },
        Some(Error::InvalidMessage(_)) => "tls_none",
        // The client did not like the centre's certificate, most likely.
        Some(Error::AlertReceived(_)) => "tls_refused_by_client",
        Some(_) => "tls",
        None => "tls_broken_off",
    }
}
