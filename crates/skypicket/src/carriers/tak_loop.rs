//! [`TakLoop`]: the program as a client of its own TAK server: through its listener, its TLS with a client certificate of
//! its own, the session, the queue and the socket, as every client. It pings, and must get the answer.

use super::web_loop::{client, reached};
use crate::{machines::Machines, tls::Tls};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use skypicket_model::Time;
use skypicket_wire::cot::Event;
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

/// How long a ping is worth an answer, seconds.
const VALID_S: f64 = 20.0;
/// Most that is read before the answer, octets: the sky may fly past.
const MOST: usize = 4 << 20;

/// What it needs of the TAK server.
pub struct TakLoop {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its TLS.
    pub tls: Option<Arc<Tls>>,
    /// Who gives our client its certificate.
    pub machines: Arc<Machines>,
}

impl TakLoop {
    /// Connects, pings, and waits for the answer; whoever asks gives up.
    pub async fn round(&self, nonce: &str, now: Time) -> Result<(), String> {
        let stream = TcpStream::connect(reached(self.address)).await.map_err(|_| "no_connection")?;
        stream.set_nodelay(true).map_err(|_| "no_connection")?;
        let Some(tls) = &self.tls else { return ping(stream, nonce, now).await };
        let own = self.machines.own_client(now).map(|c| {
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(c.key_der));
            (CertificateDer::from(c.certificate_der), key)
        });
        let config = client(tls.facts().fingerprint, own).map_err(|_| "tls")?;
        let name = ServerName::IpAddress(reached(self.address).ip().into());
        let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        ping(stream.map_err(|_| "tls")?, nonce, now).await
    }
}

async fn ping<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, nonce: &str, now: Time) -> Result<(), String> {
    let uid = format!("skypicket-test-{nonce}");
    let event = Event::new(uid.as_str(), "t-x-c-t", "m-g", now, VALID_S);
    stream.write_all(&event.stream_bytes()).await.map_err(|_| "broken")?;
    stream.flush().await.map_err(|_| "broken")?;
    let (mut seen, mut chunk) = (Vec::new(), [0; 4_096]);
    while seen.len() < MOST {
        let n = stream.read(&mut chunk).await.map_err(|_| "broken")?;
        if n == 0 {
            return Err("broken".into());
        }
        seen.extend_from_slice(chunk.get(..n).unwrap_or_default());
        if seen.windows(uid.len()).any(|w| w == uid.as_bytes()) {
            return Ok(());
        }
    }
    Err("bad_answer".into())
}
