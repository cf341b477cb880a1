//! [`WebLoop`]: the program as a reader of its own event stream: through its own listener, its TLS and the socket, as every
//! page. It is shown nothing but heartbeats and test events.

use crate::{hub::Hub, tls::Tls};
use axum::body::{Body, Bytes};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use ring::{hmac, rand::SystemRandom};
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, ring as provider, verify_tls12_signature, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use skypicket_model::Time;
use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::mpsc,
};

/// The stream that it reads.
pub const PATH: &str = "/api/v1/events";
/// Frames that wait for it: it reads at once.
const QUEUE: usize = 16;
/// Longest answer that is looked through for a test event, octets.
const MOST: usize = 64 * 1024;

/// The reader's secret, and what goes to it.
pub struct WebLoop {
    /// Of this run; only this process knows it.
    key: hmac::Key,
    secret: String,
    open: Mutex<Option<mpsc::Sender<Bytes>>>,
}

/// The request is the program's own.
#[derive(Debug, Clone, Copy)]
pub struct OwnReader;

impl WebLoop {
    /// With a secret of this run.
    pub fn new() -> Result<Self, ring::error::Unspecified> {
        let secret: [u8; 32] = ring::rand::generate(&SystemRandom::new())?.expose();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())?;
        Ok(Self { key, secret: hex(&secret), open: Mutex::default() })
    }

    /// Whether a bearer token is the secret; takes as long whatever it is.
    pub fn is(&self, bearer: &str) -> bool {
        let given = hmac::sign(&self.key, bearer.as_bytes());
        hmac::verify(&self.key, self.secret.as_bytes(), given.as_ref()).is_ok()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<mpsc::Sender<Bytes>>> {
        // Each change under this lock is whole by itself.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body of the stream's answer; one at a time, a newer one ends the older.
    pub fn stream(&self, now: Time) -> Body {
        let (queue, frames) = mpsc::channel(QUEUE);
        let _ = queue.try_send(Bytes::from(format!("event: hello\ndata: {{\"now\":\"{now}\"}}\n\n")));
        *self.lock() = Some(queue);
        Body::from_stream(futures_util::stream::unfold(frames, |mut frames| async move {
            let next = frames.recv().await?;
            Some((Ok::<Bytes, Infallible>(next), frames))
        }))
    }

    /// A heartbeat, as every page gets.
    pub fn beat(&self, now: Time) {
        self.say(&format!("event: heartbeat\ndata: {{\"now\":\"{now}\"}}\n\n"));
    }

    fn say(&self, frame: &str) {
        let mut open = self.lock();
        if open.as_ref().is_some_and(|q| q.try_send(Bytes::copy_from_slice(frame.as_bytes())).is_err()) {
            *open = None;
        }
    }

    /// Opens the stream as a page would, has a test event sent, and waits until it is there; whoever asks gives up.
    pub async fn round(&self, address: SocketAddr, tls: Option<&Tls>, hub: &Hub, nonce: &str) -> Result<(), String> {
        let stream = TcpStream::connect(reached(address)).await.map_err(|_| "no_connection")?;
        stream.set_nodelay(true).map_err(|_| "no_connection")?;
        match tls {
            None => self.through(stream, address, hub, nonce).await,
            Some(tls) => {
                let config = client(tls.facts().fingerprint, None).map_err(|_| "tls")?;
                let name = ServerName::IpAddress(reached(address).ip().into());
                let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
                let stream = connector.connect(name, stream).await.map_err(|_| "tls")?;
                self.through(stream, address, hub, nonce).await
            }
        }
    }

    async fn through<S>(&self, stream: S, address: SocketAddr, hub: &Hub, nonce: &str) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| "broken")?;
        // Ends with the sender, when this returns or is given up.
        let _connection = Abort(tokio::spawn(async move { drop(connection.await) }));
        let request = Request::get(PATH)
            .header(header::HOST, address.to_string())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.secret))
            .body(Empty::<Bytes>::new())
            .map_err(|_| "fault")?;
        let answer = sender.send_request(request).await.map_err(|_| "broken")?;
        if answer.status() != hyper::StatusCode::OK {
            return Err(format!("answered {}", answer.status().as_u16()));
        }
        let mut body = answer.into_body();
        let mut seen = Vec::new();
        let mut asked = false;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| "broken")?.into_data() else { continue };
            seen.extend_from_slice(&data);
            if contains(&seen, nonce.as_bytes()) {
                return Ok(());
            }
            if !asked {
                asked = true;
                hub.answers();
                self.say(&format!("event: test\ndata: {{\"nonce\":\"{nonce}\"}}\n\n"));
            }
            if seen.len() > MOST {
                return Err("bad_answer".into());
            }
        }
        Err("broken".into())
    }
}

/// Ends a task with whoever needs it.
struct Abort(tokio::task::JoinHandle<()>);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|w| w == part)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// An address of this machine under which a listener is reached.
pub(super) fn reached(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// TLS with a listener of our own, with a client certificate where it asks for one: its certificate is the one that it shows now, whoever signed it and for whatever name.
pub(super) fn client(
    fingerprint: String,
    own: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(provider::default_provider());
    let known = Own { fingerprint, provider: Arc::clone(&provider) };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(known));
    match own {
        None => Ok(builder.with_no_client_auth()),
        Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key),
    }
}

/// Trusts the certificate of one fingerprint, and no other.
#[derive(Debug)]
struct Own {
    fingerprint: String,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Own {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if skypicket_link::tls::fingerprint(end_entity) == self.fingerprint {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General("not the certificate of this centre".into()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_of_this_run_is_the_programs_own() {
        let (a, b) = (WebLoop::new().unwrap(), WebLoop::new().unwrap());
        assert!(a.is(&a.secret));
        assert!(!a.is(&b.secret) && !a.is("") && !a.is(a.secret.get(..63).unwrap()));
    }

    #[test]
    fn a_listener_on_every_address_is_reached_by_loopback() {
        assert_eq!(reached("0.0.0.0:8443".parse().unwrap()), "127.0.0.1:8443".parse().unwrap());
        assert_eq!(reached("[::]:1".parse().unwrap()), "[::1]:1".parse().unwrap());
        assert_eq!(reached("192.0.2.7:1".parse().unwrap()), "192.0.2.7:1".parse().unwrap());
    }
}
