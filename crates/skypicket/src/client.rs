//! [`Client`]: a command that asks a running centre on this machine, over its control socket.

use crate::http::control::{AS, SOCKET};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::path::{Path, PathBuf};
use tokio::net::UnixStream;

/// Most bytes of an answer.
const MOST: usize = 256 << 20;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("no centre answers at {path}: {error}; is one running with this data folder?")]
    NoCentre {
        /// The socket.
        path: PathBuf,
        /// Cause.
        error: std::io::Error,
    },
    /// The connection broke.
    #[error("the centre did not answer: {0}")]
    Broken(String),
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body; text that is no JSON comes as a string.
    pub body: Value,
}

impl Answer {
    /// What went wrong, in the centre's words, when something did.
    pub fn problem(&self) -> Option<String> {
        (self.status >= 400).then(|| match self.body["detail"].as_str() {
            Some(detail) => detail.to_owned(),
            None => format!("the centre answered {}", self.status),
        })
    }
}

/// Speaks to one centre.
#[derive(Debug, Clone)]
pub struct Client {
    socket: PathBuf,
    acting: Option<String>,
}

impl Client {
    /// To the centre whose record is in `folder`; `acting` says who acts.
    pub fn new(folder: &Path, acting: Option<String>) -> Self {
        Self { socket: folder.join(SOCKET), acting }
    }

    /// Asks, and waits for the whole answer.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, ClientError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|e| ClientError::Broken(e.to_string()))?.block_on(self.asking(method, path, body))
    }

    async fn asking(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, ClientError> {
        let broken = |e: &dyn std::fmt::Display| ClientError::Broken(e.to_string());
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|error| ClientError::NoCentre { path: self.socket.clone(), error })?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| broken(&e))?;
        let connection = tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "localhost");
        if let Some(who) = &self.acting {
            request = request.header(AS, who);
        }
        let bytes = body.map(|b| Bytes::from(b.to_string())).unwrap_or_default();
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(bytes)).map_err(|e| broken(&e))?;
        let response = sender.send_request(request).await.map_err(|e| broken(&e))?;
        let status = response.status().as_u16();
        let bytes = Limited::new(response.into_body(), MOST).collect().await.map_err(|e| broken(&e))?.to_bytes();
        connection.abort();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Ok(Answer { status, body })
    }
}
