//! [`PostServer`]: whatever takes posts over HTTP, played by the test: a gateway for short messages, a webhook, a siren.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::hmac;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// What it answers, for everything from now on.
#[derive(Debug, Clone, Copy)]
pub enum Answers {
    /// This status.
    With(u16),
    /// Nothing.
    Hangs,
}

/// A post as it came.
#[derive(Debug, Clone)]
pub struct Post {
    /// Where.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Body.
    pub body: Vec<u8>,
}

impl Post {
    /// Its body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks its signature as Standard Webhooks says, by another hand than the one under test.
    pub fn is_signed(&self, key: &str) -> bool {
        let (id, at) = (&self.headers["webhook-id"], &self.headers["webhook-timestamp"]);
        let mut text = format!("{id}.{at}.").into_bytes();
        text.extend_from_slice(&self.body);
        let key = BASE64_STANDARD.decode(key.trim_start_matches("whsec_")).unwrap();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &text);
        self.headers["webhook-signature"] == format!("v1,{}", BASE64_STANDARD.encode(tag))
    }
}

#[derive(Default)]
struct Shared {
    answers: Mutex<Option<Answers>>,
    posts: Mutex<Vec<Post>>,
}

/// On a free port of loopback.
pub struct PostServer {
    /// Where.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Default for PostServer {
    fn default() -> Self {
        Self::start()
    }
}

impl PostServer {
    /// One that answers 200.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared: Arc<Shared> = Arc::default();
        let inner = Arc::clone(&shared);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&inner);
                std::thread::spawn(move || drop(serve(stream.unwrap(), &shared)));
            }
        });
        Self { address, shared }
    }

    /// Answers so from now on.
    pub fn answers(&self, what: Answers) {
        *self.shared.answers.lock().unwrap() = Some(what);
    }

    /// Posts so far, in the order in which they were read whole.
    pub fn posts(&self) -> Vec<Post> {
        self.shared.posts.lock().unwrap().clone()
    }

    /// Those whose body has this `type`.
    pub fn of_type(&self, what: &str) -> Vec<Value> {
        self.posts().iter().map(Post::json).filter(|b| b["type"] == what).collect()
    }

    /// Its address for a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    loop {
        let mut first = String::new();
        if lines.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            lines.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        lines.read_exact(&mut body)?;
        shared.posts.lock().unwrap().push(Post { path, headers, body });
        let answers = *shared.answers.lock().unwrap();
        match answers.unwrap_or(Answers::With(200)) {
            Answers::With(status) => write!(out, "HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n")?,
            Answers::Hangs => loop {
                std::thread::park();
            },
        }
    }
}
