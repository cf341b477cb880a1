//! [`serve`]: connections. Bounded in number; a client that sends its request too slowly, does not end its handshake, or
//! does not take what it asked for, is cut off.
//!
//! With TLS, the first byte tells what a client speaks: TLS goes on, over HTTP/2 or HTTP/1.1 as agreed; plain HTTP gets
//! only what [`super::trust::plain`] answers.

use super::peer;
use axum::Router;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::{Instant, Sleep},
};

/// Most connections at once.
const CONNECTIONS: usize = 20_000;
/// A client must take what it is sent within this.
const WRITE: Duration = Duration::from_secs(15);
/// A client must send its request's head within this.
const HEAD: Duration = Duration::from_secs(10);
/// A client must end its TLS handshake within this, and say its first byte.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// First byte of a TLS record that holds a handshake.
const TLS: u8 = 22;
/// Over HTTP/2 a client is asked whether it is there so often, and must answer within the other.
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(20);
/// Over HTTP/2 something must come within this: every living client answers pings.
const QUIET: Duration = Duration::from_mins(1);
/// Most requests at once on one connection: a page has one event stream and a handful of others.
const STREAMS: u32 = 64;
/// Most streams that a client opened and took back before they were looked at, and most of its own errors that are
/// answered stream by stream (the rapid reset, CVE-2023-44487): more, and the connection ends.
const RESETS: usize = 20;
/// Most that a request's head may hold, bytes.
const HEADERS: u32 = 16 * 1024;
/// Bytes that may wait in this process for one stream.
const STREAM_BUFFER: usize = 64 * 1024;
/// Bytes that may wait in the kernel for one client (the kernel doubles it for its own needs).
const SEND_BUFFER: usize = 128 * 1024;
/// Open requests have so long to end at shut-down.
const DRAIN: Duration = Duration::from_secs(5);

/// A socket whose writes end with an error when the other side takes nothing for [`WRITE`].
struct Impatient {
    stream: TcpStream,
    stuck: Option<Pin<Box<Sleep>>>,
    /// Reads end with an error when nothing comes for so long.
    quiet: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl Impatient {
    fn new(stream: TcpStream) -> Self {
        Self { stream, stuck: None, quiet: None }
    }

    fn never_quiet_for(&mut self, most: Duration) {
        self.quiet = Some((most, Box::pin(tokio::time::sleep(most))));
    }

    fn timed<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.stuck = None;
            return done;
        }
        let timer = self.stuck.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + WRITE)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }
}

use std::future::Future;

impl AsyncRead for Impatient {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_read(cx, buf);
        if let Some((most, timer)) = &mut self.quiet {
            if done.is_ready() {
                timer.as_mut().reset(Instant::now() + *most);
            } else if timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client says nothing")));
            }
        }
        done
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.timed(cx, done)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let done = Pin::new(&mut self.stream).poll_flush(cx);
        self.timed(cx, done)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// What is served.
#[derive(Clone)]
pub struct Listening {
    /// Pages and API.
    pub router: Router,
    /// With TLS: its settings, and what plain HTTP answers.
    pub tls: Option<(Arc<rustls::ServerConfig>, Router)>,
}

/// Serves until `shutdown` turns true, then lets open requests end.
pub async fn serve(listener: TcpListener, listening: Listening, mut shutdown: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            a = listener.accept() => a,
            _ = shutdown.wait_for(|s| *s) => break,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors: wait for some connection to end.
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::warn!("too many connections: one was refused");
            continue;
        };
        // Warnings are small: they must not wait to be joined with more.
        let _ = stream.set_nodelay(true);
        // What waits in the kernel for a client that does not read is bounded too.
        let _ = socket2::SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER);
        let (listening, watcher) = (listening.clone(), graceful.watcher());
        let mut closing = shutdown.clone();
        tokio::spawn(async move {
            // Errors here are clients that went away or were cut off.
            if let Err(error) = connection((stream, from.ip()), listening, watcher, &mut closing).await {
                tracing::debug!(%error, "a connection ended");
            }
            drop(place);
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

async fn connection(
    (stream, from): (TcpStream, IpAddr),
    listening: Listening,
    watcher: Watcher,
    closing: &mut watch::Receiver<bool>,
) -> Ended {
    let Some((config, plain)) = listening.tls else {
        return one(Impatient::new(stream), (listening.router, from), watcher).await;
    };
    // Whoever is not through its handshake has no request: it keeps nothing from closing.
    let began = async {
        let mut first = [0u8; 1];
        if stream.peek(&mut first).await? == 1 && first == [TLS] {
            let tls = tokio_rustls::TlsAcceptor::from(config).accept(Impatient::new(stream)).await?;
            return Ok(Ok(tls));
        }
        Ok::<_, io::Error>(Err(stream))
    };
    let began = tokio::select! {
        b = tokio::time::timeout(HANDSHAKE, began) => b??,
        _ = closing.wait_for(|c| *c) => return Ok(()),
    };
    match began {
        Err(stream) => one(Impatient::new(stream), (plain, from), watcher).await,
        Ok(tls) if tls.get_ref().1.alpn_protocol() == Some(b"h2") => two(tls, (listening.router, from), watcher).await,
        Ok(tls) => one(tls, (listening.router, from), watcher).await,
    }
}

/// HTTP/1.1.
async fn one<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    io: S,
    (router, from): (Router, IpAddr),
    watcher: Watcher,
) -> Ended {
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(io), TowerToHyperService::new(peer::tag(router, from)));
    Ok(watcher.watch(connection).await?)
}

/// HTTP/2.
async fn two(
    mut io: tokio_rustls::server::TlsStream<Impatient>,
    (router, from): (Router, IpAddr),
    watcher: Watcher,
) -> Ended {
    io.get_mut().0.never_quiet_for(QUIET);
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(RESETS)
        .max_local_error_reset_streams(RESETS)
        .max_header_list_size(HEADERS)
        .max_send_buf_size(STREAM_BUFFER)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PONG)
        .serve_connection(TokioIo::new(io), TowerToHyperService::new(peer::tag(router, from)));
    Ok(watcher.watch(connection).await?)
}
