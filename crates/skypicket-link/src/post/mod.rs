//! [`Poster`]: one POST to one configured address, and what its answer means: for the channels that go over HTTP.
//!
//! https to any host that the administrator names; http only to this machine, unless the table says `insecure`. Redirects
//! are not followed: a message goes where it was meant to go or nowhere.

mod secret;
mod target;

pub use secret::{Secret, SecretError};
pub(crate) use target::is_this_machine;
pub use target::{Target, TargetError};

use crate::courier::{Sent, Trouble, Why};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Uri,
    body::Bytes,
    header::{self, HeaderName, HeaderValue},
};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use std::{
    error::Error as StdError,
    future::Future,
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::net::TcpStream;

/// A connection, its TLS included, must stand within this: otherwise nothing was sent.
const CONNECT: Duration = Duration::from_secs(5);
/// The whole exchange.
const EXCHANGE: Duration = Duration::from_secs(15);
/// Longer than one post can take, the body of its answer included.
pub(crate) const LONGEST: Duration = Duration::from_secs(25);
/// Of an answer so much is read; what is longer is no answer that we ask for.
const MOST_ANSWER: usize = 64 * 1024;
/// Connections that are kept.
const KEPT: usize = 16;

/// Why a poster cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum PosterError {
    /// The address.
    #[error("{0}")]
    Target(#[from] TargetError),
    /// A secret.
    #[error("{0}")]
    Secret(#[from] SecretError),
    /// The file of trusted certificates.
    #[error("{path}: {problem}")]
    Roots {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The TLS library refused.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A setting.
    #[error("{key}: {problem}")]
    Setting {
        /// Which.
        key: &'static str,
        /// What is wrong with it, and what to write.
        problem: String,
    },
}

/// Whether a rate that somebody configured can be kept.
pub(crate) fn check_rate(per_s: Option<f64>, burst: usize) -> Result<(), PosterError> {
    if per_s.is_some_and(|r| !(0.01..=100_000.0).contains(&r)) {
        return Err(PosterError::Setting { key: "per_s", problem: "must be 0.01 to 100000".into() });
    }
    if !(3..=1_000).contains(&burst) {
        return Err(PosterError::Setting { key: "burst", problem: "must be 3 to 1000: one for each level".into() });
    }
    Ok(())
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// `Retry-After`, where it is a number of seconds.
    pub(crate) rest: Option<Duration>,
    /// At most 64 KiB; empty when it was longer or broke off.
    pub(crate) body: Bytes,
}

/// A connector whose whole connection, with TLS, has a limit: what hangs there was surely not sent.
#[derive(Clone)]
struct Timed(HttpsConnector<HttpConnector>);

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

impl tower_service::Service<Uri> for Timed {
    type Response = Stream;
    type Error = Box<dyn StdError + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move {
            match tokio::time::timeout(CONNECT, connecting).await {
                Ok(done) => done,
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no connection in time").into()),
            }
        })
    }
}

/// Posts to one address.
pub(crate) struct Poster {
    target: Target,
    connector: Timed,
    client: Client<Timed, Full<Bytes>>,
}

impl Poster {
    /// `roots`: trust only the certificates of this PEM file, as for a gateway with an authority of its own; otherwise
    /// what browsers trust.
    pub(crate) fn new(target: Target, roots: Option<&Path>) -> Result<Self, PosterError> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT));
        http.set_nodelay(true);
        let builder = HttpsConnectorBuilder::new().with_tls_config(client_config(roots)?);
        let builder = if target.is_plain() { builder.https_or_http() } else { builder.https_only() };
        let connector = Timed(builder.enable_http1().wrap_connector(http));
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_mins(1))
            .pool_max_idle_per_host(KEPT)
            .pool_timer(TokioTimer::new())
            .build(connector.clone());
        Ok(Self { target, connector, client })
    }

    /// Posts. An `Err` says whether it surely was not taken.
    pub(crate) async fn post(
        &self,
        headers: Vec<(HeaderName, HeaderValue)>,
        content_type: &'static str,
        body: Vec<u8>,
    ) -> Result<Answer, Sent> {
        let mut request = Request::post(self.target.uri().clone())
            .header(header::CONTENT_TYPE, content_type)
            .header(header::USER_AGENT, concat!("skypicket/", env!("CARGO_PKG_VERSION")));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let Ok(request) = request.body(Full::new(Bytes::from(body))) else {
            return Err(Sent::Failed(Trouble::of_message(Why::Fault)));
        };
        let answer = match tokio::time::timeout(EXCHANGE, self.client.request(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if error.is_connect() => {
                return Err(Sent::Failed(Trouble::of_channel(reason(&error))));
            }
            Ok(Err(_)) => return Err(Sent::Ambiguous(Trouble::of_channel(Why::Broken))),
            Err(_) => return Err(Sent::Ambiguous(Trouble::of_channel(Why::TimedOut))),
        };
        let status = answer.status().as_u16();
        let rest = answer.headers().get(header::RETRY_AFTER);
        // Seconds only: a date would need a clock that agrees.
        let rest = rest.and_then(|v| v.to_str().ok()?.trim().parse().ok()).map(Duration::from_secs);
        // Its head has said what became of the message; the body only adds to it.
        let body = tokio::time::timeout(CONNECT, Limited::new(answer.into_body(), MOST_ANSWER).collect()).await;
        let body = body.ok().and_then(Result::ok).map(http_body_util::Collected::to_bytes).unwrap_or_default();
        Ok(Answer { status, rest, body })
    }

    /// Asks for what is there: its body, at most `most` bytes; otherwise why not, in a sentence.
    pub(crate) async fn get(&self, most: usize) -> Result<Bytes, String> {
        let request = Request::get(self.target.uri().clone())
            .header(header::USER_AGENT, concat!("skypicket/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::new()))
            .map_err(|e| e.to_string())?;
        let exchange = async {
            let answer = self.client.request(request).await.map_err(|e| {
                if e.is_connect() { format!("no connection: {}", innermost(&e)) } else { "the answer broke off".into() }
            })?;
            if !answer.status().is_success() {
                return Err(format!("the server answers {}", answer.status().as_u16()));
            }
            let body = Limited::new(answer.into_body(), most).collect().await;
            body.map(http_body_util::Collected::to_bytes)
                .map_err(|_| format!("the answer broke off, or is over {most} bytes"))
        };
        tokio::time::timeout(EXCHANGE, exchange).await.unwrap_or_else(|_| Err("no answer in time".into()))
    }

    /// Whether a connection stands, with TLS where there is to be some.
    pub(crate) async fn probe(&self) -> Result<(), Trouble> {
        use tower_service::Service as _;
        let mut connector = self.connector.clone();
        let ready = std::future::poll_fn(|cx| connector.poll_ready(cx)).await;
        let connected = match ready {
            Ok(()) => connector.call(self.target.uri().clone()).await,
            Err(error) => Err(error),
        };
        connected.map(drop).map_err(|e| Trouble::of_channel(reason(&*e)))
    }
}

/// What is at the bottom of an error.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(next) = last.source() {
        last = next;
    }
    last.to_string()
}

/// Why a connection did not come about.
fn reason(error: &(dyn StdError + 'static)) -> Why {
    if is_of_tls(error) { Why::Tls } else { Why::NoConnection }
}

/// Whether TLS is what failed.
pub(crate) fn is_of_tls(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(e) = next {
        if e.is::<rustls::Error>() {
            return true;
        }
        // An I/O error's source is that of what it wraps: what it wraps itself is asked for in another way.
        let wrapped = e.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|w| w as &(dyn StdError + 'static)).or_else(|| e.source());
    }
    false
}

/// What an answer means: taken, or what became of it otherwise.
///
/// A server that says that it failed (500, 502, 504) may have passed the message on before; 503 and 429 say that it did
/// not.
pub(crate) fn judge(answer: &Answer) -> Result<(), Sent> {
    let of_channel = |why| Trouble::of_channel(why).with_code(answer.status);
    Err(match answer.status {
        200..=299 => return Ok(()),
        408 | 425 | 429 | 503 | 507 => Sent::Failed(of_channel(Why::Busy).with_rest(answer.rest)),
        401 | 403 | 407 => Sent::Failed(of_channel(Why::LoginRefused)),
        300..=399 | 404 | 405 | 410 | 501 | 505 => Sent::Failed(of_channel(Why::Refused)),
        400..=499 => Sent::Failed(Trouble::of_message(Why::Refused).with_code(answer.status)),
        500..=599 => Sent::Ambiguous(of_channel(Why::ServerFault).with_rest(answer.rest)),
        _ => Sent::Ambiguous(of_channel(Why::BadAnswer)),
    })
}

/// TLS to servers outside: `roots` as for [`Poster::new`].
pub(crate) fn client_config(roots: Option<&Path>) -> Result<ClientConfig, PosterError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
    let builder = match roots {
        None => builder.with_webpki_roots(),
        Some(path) => builder.with_root_certificates(read_roots(path)?),
    };
    Ok(builder.with_no_client_auth())
}

/// The certificates of a PEM file.
fn read_roots(path: &Path) -> Result<RootCertStore, PosterError> {
    let unfit = |problem: String| PosterError::Roots { path: path.to_owned(), problem };
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(path).map_err(|e| unfit(e.to_string()))?;
    for der in found {
        let der = der.map_err(|e| unfit(e.to_string()))?;
        roots.add(der).map_err(|e| unfit(e.to_string()))?;
    }
    if roots.is_empty() { Err(unfit("holds no certificate in PEM".into())) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_answer_that_cannot_have_been_taken_is_a_failure() {
        let said = |status| match judge(&Answer { status, rest: None, body: Bytes::new() }) {
            Ok(()) => "taken",
            Err(Sent::Failed(t)) if t.of_channel => "failed, of the channel",
            Err(Sent::Failed(_)) => "failed",
            Err(_) => "ambiguous",
        };
        for (status, expect) in [
            (200, "taken"),
            (202, "taken"),
            (299, "taken"),
            (302, "failed, of the channel"),
            (400, "failed"),
            (401, "failed, of the channel"),
            (404, "failed, of the channel"),
            (413, "failed"),
            (422, "failed"),
            (429, "failed, of the channel"),
            (500, "ambiguous"),
            (502, "ambiguous"),
            (503, "failed, of the channel"),
            (504, "ambiguous"),
            (101, "ambiguous"),
        ] {
            assert_eq!(said(status), expect, "{status}");
        }
    }
}
