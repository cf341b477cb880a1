//! [`HttpServer`]: answers by script.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write as _,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// What it does with one request.
#[derive(Clone)]
pub(crate) enum Act {
    /// Answers.
    Answer(u16, &'static [(&'static str, &'static str)], &'static str),
    /// Answers once it is told to.
    Late(Arc<Notify>, u16),
    /// Reads the request and closes.
    Drop,
    /// Begins its answer and closes.
    Midway,
    /// Reads the request and stays silent.
    Hang,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

struct Shared {
    script: Mutex<VecDeque<Act>>,
    seen: Mutex<Vec<Seen>>,
    count: watch::Sender<usize>,
    connections: watch::Sender<usize>,
}

/// A server on a free port of loopback; stopped when dropped.
pub(crate) struct HttpServer {
    pub(crate) addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl HttpServer {
    /// With a script; its last act is done for ever.
    pub(crate) async fn start(script: impl IntoIterator<Item = Act>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(script.into_iter().collect()),
            seen: Mutex::default(),
            count: watch::Sender::new(0),
            connections: watch::Sender::new(0),
        });
        let inner = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                inner.connections.send_modify(|n| *n += 1);
                let (shared, tls) = (Arc::clone(&inner), tls.clone());
                connections.spawn(async move {
                    match tls {
                        None => serve(stream, &shared).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, &shared).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { addr, shared, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/send", self.addr)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }

    /// Waits until so many requests were read whole.
    pub(crate) async fn until_seen(&self, n: usize) {
        super::soon(self.shared.count.subscribe().wait_for(|seen| *seen >= n)).await.unwrap();
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `None` when the connection ended.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: S, shared: &Shared) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let mut headers = BTreeMap::new();
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).await.ok()?;
            let header = header.trim_end();
            if header.is_empty() {
                break;
            }
            let (name, value) = header.split_once(':')?;
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        shared.seen.lock().unwrap().push(Seen { line: line.trim_end().to_owned(), headers, body });
        shared.count.send_modify(|n| *n += 1);
        let act = {
            let mut script = shared.script.lock().unwrap();
            if script.len() > 1 { script.pop_front() } else { script.front().cloned() }.unwrap()
        };
        let (status, extra, body): (u16, &[(&str, &str)], &str) = match &act {
            Act::Answer(status, extra, body) => (*status, extra, body),
            Act::Late(go, status) => {
                go.notified().await;
                (*status, &[], "")
            }
            Act::Drop => return None,
            Act::Midway => {
                stream.get_mut().write_all(b"HTTP/1.1 200 O").await.ok()?;
                return None;
            }
            Act::Hang => std::future::pending().await,
        };
        let mut answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in extra {
            let _ = write!(answer, "{name}: {value}\r\n");
        }
        answer.push_str("\r\n");
        answer.push_str(body);
        stream.get_mut().write_all(answer.as_bytes()).await.ok()?;
        stream.get_mut().flush().await.ok()?;
    }
}
