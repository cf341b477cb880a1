//! [`Client`]: a blocking HTTP/1.1 client of a few lines, with its session's cookie, that follows the centre over
//! restarts.

use super::text;
use serde_json::{Value, json};
use std::{
    fmt::{self, Write as _},
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Where the centre is now; shared by everybody who talks to it.
#[derive(Debug, Clone, Default)]
pub struct Address(Arc<Mutex<String>>);

impl Address {
    /// `host:port`.
    pub fn get(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A new one.
    pub fn set(&self, address: &str) {
        address.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `null` when there is none.
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {self}"))
    }

    /// The body as JSON, when the status is this one.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        self.json()
    }

    /// The body as a problem document (RFC 9457) with this status and code.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{self}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self}");
        let v = self.json();
        assert_eq!(text(&v, "/code"), code, "{v}");
        assert_eq!(v["status"], status, "{v}");
        assert!(!text(&v, "/title").is_empty() && !text(&v, "/detail").is_empty(), "{v}");
        assert_eq!(self.header("x-request-id"), Some(text(&v, "/request_id")), "{self}");
        v
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = self.text().chars().take(2_000).collect();
        write!(f, "{} {text}", self.status)
    }
}

/// Someone who talks to the centre: a person with a session, a source with a token, or nobody.
///
/// A clone has the same session and a connection of its own.
#[derive(Debug)]
pub struct Client {
    /// Who; empty when not signed in.
    pub person: String,
    address: Address,
    cookie: Option<String>,
    token: Option<String>,
    /// Kept open between requests, with the address that it is to.
    open: Mutex<Option<(String, BufReader<TcpStream>)>>,
}

impl Clone for Client {
    fn clone(&self) -> Self {
        Self {
            person: self.person.clone(),
            address: self.address.clone(),
            cookie: self.cookie.clone(),
            token: self.token.clone(),
            open: Mutex::default(),
        }
    }
}

impl Client {
    /// Nobody.
    pub fn new(address: Address) -> Self {
        Self { person: String::new(), address, cookie: None, token: None, open: Mutex::default() }
    }

    /// The same connection's end, signed in no more.
    #[must_use]
    pub fn without_session(mut self) -> Self {
        self.cookie = None;
        self.person.clear();
        self
    }

    /// A source with its token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// Where the centre is.
    pub fn address(&self) -> String {
        self.address.get()
    }

    /// The cookie header of the session.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Takes the cookies that an answer set, as a browser does.
    pub fn take_cookie(&mut self, answer: &Answer) {
        let set: Vec<&str> = answer
            .headers
            .iter()
            .filter(|(n, _)| n == "set-cookie")
            .map(|(_, v)| v.split(';').next().unwrap())
            .collect();
        assert!(!set.is_empty(), "no cookie: {answer}");
        let mut kept: Vec<String> = self.cookie.iter().flat_map(|c| c.split("; ")).map(str::to_owned).collect();
        for new in set {
            let name = format!("{}=", new.split('=').next().unwrap());
            kept.retain(|c| !c.starts_with(&name));
            kept.push(new.to_owned());
        }
        self.cookie = Some(kept.join("; "));
    }

    /// Only the session of its cookies: another browser that got hold of it.
    #[must_use]
    pub fn only_session(mut self) -> Self {
        let cookie = self.cookie.take().unwrap_or_default();
        self.cookie = cookie.split("; ").find(|c| c.starts_with("skypicket_session=")).map(str::to_owned);
        self
    }

    /// Its cookies as they are.
    pub fn set_cookie(&mut self, cookie: &str) {
        self.cookie = Some(cookie.to_owned());
    }

    /// Takes the session that an answer to a sign-in set.
    pub fn take_session(&mut self, answer: &Answer) {
        self.take_cookie(answer);
        text(&answer.json(), "/person/id").clone_into(&mut self.person);
    }

    /// Uses a one-time link up.
    pub fn sign_in(&mut self, link: &str) {
        let answer = self.post("/api/v1/sessions", &json!({"link": link}));
        answer.ok(200);
        self.take_session(&answer);
    }

    /// GET.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"")
    }

    /// GET of JSON that must be there.
    #[track_caller]
    pub fn see(&self, path: &str) -> Value {
        self.get(path).ok(200)
    }

    /// POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// Any request that must get an answer.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_send(method, path, headers, body).unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    /// POST of JSON; an error when the centre is gone before the whole answer came.
    pub fn try_post(&self, path: &str, body: &Value) -> io::Result<Answer> {
        self.try_send("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// Any request. A kept connection that turns out to be closed is opened again once: every request of the API is
    /// safe to repeat.
    pub fn try_send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Answer> {
        let address = self.address.get();
        let request = self.request(method, path, headers, body);
        let kept = self.open.lock().unwrap_or_else(PoisonError::into_inner).take().filter(|(a, _)| *a == address);
        if let Some((_, mut connection)) = kept
            && let Ok((answer, keep)) = exchange(&mut connection, &request, method)
        {
            self.keep(keep, address, connection);
            return Ok(answer);
        }
        let stream = TcpStream::connect(&address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut connection = BufReader::new(stream);
        let (answer, keep) = exchange(&mut connection, &request, method)?;
        self.keep(keep, address, connection);
        Ok(answer)
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let address = self.address.get();
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n");
        for (name, value) in
            [("cookie", &self.cookie), ("authorization", &self.token.as_ref().map(|t| format!("Bearer {t}")))]
        {
            if let Some(v) = value {
                let _ = write!(head, "{name}: {v}\r\n");
            }
        }
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !body.is_empty() || method != "GET" {
            let _ = write!(head, "content-length: {}\r\n", body.len());
        }
        head.push_str("\r\n");
        let mut request = head.into_bytes();
        request.extend_from_slice(body);
        request
    }

    /// The status and headers of an answer whose body is not read: for streams, and for who may call what.
    pub fn knock(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let stream = TcpStream::connect(self.address.get()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let mut connection = BufReader::new(stream);
        connection.get_mut().write_all(&self.request(method, path, headers, body)).unwrap();
        let (status, headers) = read_head(&mut connection).unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        Answer { status, headers, body: Vec::new() }
    }

    fn keep(&self, keep: bool, address: String, connection: BufReader<TcpStream>) {
        if keep {
            *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some((address, connection));
        }
    }
}

/// One request and its answer; whether the connection can be kept.
fn exchange(connection: &mut BufReader<TcpStream>, request: &[u8], method: &str) -> io::Result<(Answer, bool)> {
    // A server that refuses a large body may close before all of it was sent: its answer counts.
    let written = connection.get_mut().write_all(request);
    let (status, headers) = match (read_head(connection), written) {
        (Ok(h), _) => h,
        (Err(_), Err(e)) | (Err(e), Ok(())) => return Err(e),
    };
    let find = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let mut body = Vec::new();
    let mut keep = find("connection").is_none_or(|c| !c.eq_ignore_ascii_case("close"));
    if method == "HEAD" || status == 204 || status == 304 {
        // no body
    } else if find("transfer-encoding").is_some_and(|t| t.contains("chunked")) {
        while let Some(chunk) = read_chunk(connection)? {
            body.extend_from_slice(&chunk);
        }
    } else if let Some(n) = find("content-length").and_then(|v| v.parse::<u64>().ok()) {
        read_at_most(connection, n, &mut body)?;
        if body.len() as u64 != n {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    } else {
        keep = false;
        read_at_most(connection, 64 << 20, &mut body)?;
    }
    Ok((Answer { status, headers, body }, keep))
}

/// Status and headers.
pub(super) fn read_head(connection: &mut impl BufRead) -> io::Result<(u16, Vec<(String, String)>)> {
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let line = read_line(connection)?;
    let status = line.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(|| bad(&line))?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(connection)?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let (name, value) = line.split_once(':').ok_or_else(|| bad(&line))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn read_line(connection: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if connection.by_ref().take(64 << 10).read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}

/// One chunk (RFC 9112 section 7.1); `None` is the last.
pub(super) fn read_chunk(connection: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let size = read_line(connection)?;
    let n = u64::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, size.clone()))?;
    let mut chunk = Vec::new();
    read_at_most(connection, n, &mut chunk)?;
    if chunk.len() as u64 != n {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    read_line(connection)?;
    Ok((n > 0).then_some(chunk))
}

#[allow(clippy::disallowed_methods)] // bounded by `take`
fn read_at_most(connection: &mut impl BufRead, n: u64, into: &mut Vec<u8>) -> io::Result<usize> {
    connection.by_ref().take(n).read_to_end(into)
}
