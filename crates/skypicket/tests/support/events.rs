//! [`Events`]: a person's event stream, read by a thread of its own.

use super::{Client, SOON, http};
use serde_json::Value;
use std::{
    io::{self, BufReader, Write},
    net::{Shutdown, TcpStream},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// One event.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its name.
    pub name: String,
    /// Its id: durable events have one.
    pub id: Option<String>,
    /// Its data.
    pub data: Value,
    /// When it came.
    pub came: Instant,
}

/// A stream. Dropping it closes the connection.
pub struct Events {
    /// Whose.
    pub person: String,
    /// Everything that came so far.
    pub seen: Vec<Event>,
    /// Where `wait_for` begins to look.
    from: usize,
    incoming: Receiver<Event>,
    stream: TcpStream,
}

impl Events {
    /// Opens a person's stream and waits for `hello`.
    pub fn open(client: &Client) -> Self {
        Self::open_after(client, None)
    }

    /// Opens it after the event with this id.
    pub fn open_after(client: &Client, last_event_id: Option<&str>) -> Self {
        let mut events = Self::try_open_after(client, last_event_id).unwrap();
        events.wait("hello", |e| e.name == "hello");
        events
    }

    /// The same without waiting for `hello`; an error when the centre is gone.
    pub fn try_open_after(client: &Client, last_event_id: Option<&str>) -> io::Result<Self> {
        let address = client.address();
        let mut stream = TcpStream::connect(&address)?;
        let cookie = client.cookie().expect("signed in");
        let last = last_event_id.map(|l| format!("last-event-id: {l}\r\n")).unwrap_or_default();
        let request = format!(
            "GET /api/v1/events HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\n{last}accept: text/event-stream\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let (status, headers) = http::read_head(&mut reader)?;
        assert_eq!(status, 200);
        assert!(headers.iter().any(|(n, v)| n == "content-type" && v == "text/event-stream"), "{headers:?}");
        let (sender, incoming) = channel();
        thread::spawn(move || {
            let mut text = String::new();
            // Ends with the connection, or when nobody listens any more.
            while let Ok(Some(chunk)) = http::read_chunk(&mut reader) {
                text.push_str(&String::from_utf8_lossy(&chunk));
                while let Some(end) = text.find("\n\n") {
                    let rest = text.split_off(end + 2);
                    if parse(&text).is_some_and(|e| sender.send(e).is_err()) {
                        return;
                    }
                    text = rest;
                }
            }
        });
        Ok(Self { person: client.person.clone(), seen: Vec::new(), from: 0, incoming, stream })
    }

    /// The next event, whatever it is; `None` when none came within the time, an error when the stream has ended.
    pub fn next(&mut self, within: Duration) -> Result<Option<Event>, RecvTimeoutError> {
        match self.incoming.recv_timeout(within) {
            Ok(e) => Ok(Some(e)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(e @ RecvTimeoutError::Disconnected) => Err(e),
        }
    }

    /// The first event that fits, among those since [`Events::forget`] and those still to come; fails with `what`.
    #[track_caller]
    pub fn wait(&mut self, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
        self.wait_for(what, SOON, fits)
    }

    /// The same with a bound of one's own.
    #[track_caller]
    pub fn wait_for(&mut self, what: &str, within: Duration, fits: impl Fn(&Event) -> bool) -> Event {
        if let Some(e) = self.maybe(within, fits) {
            return e;
        }
        let seen: Vec<String> = self
            .seen
            .iter()
            .skip(self.from)
            .filter(|e| e.name != "heartbeat")
            .map(|e| format!("{} {}", e.name, e.data.to_string().chars().take(300).collect::<String>()))
            .collect();
        panic!("{} waited {within:?} for {what}; came:\n{}", self.person, seen.join("\n"));
    }

    /// The first event that fits, or none within the time.
    pub fn maybe(&mut self, within: Duration, fits: impl Fn(&Event) -> bool) -> Option<Event> {
        if let Some(e) = self.seen.iter().skip(self.from).find(|e| fits(e)) {
            return Some(e.clone());
        }
        let end = Instant::now() + within;
        loop {
            match self.incoming.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(e) => {
                    self.seen.push(e.clone());
                    if fits(&e) {
                        return Some(e);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// The first `notice` event that fits.
    #[track_caller]
    pub fn notice(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.wait(what, |e| e.name == "notice" && fits(&e.data)).data
    }

    /// Everything that is there now and has not been looked at; does not wait.
    pub fn drain(&mut self) -> &[Event] {
        while let Ok(e) = self.incoming.try_recv() {
            self.seen.push(e);
        }
        &self.seen
    }

    /// From now on only what comes later counts.
    pub fn forget(&mut self) {
        self.drain();
        self.from = self.seen.len();
    }

    /// Waits for the next heartbeat: what was sent before it has come.
    pub fn heartbeat(&mut self) {
        self.drain();
        let from = self.seen.len();
        let old = std::mem::replace(&mut self.from, from);
        self.wait("heartbeat", |e| e.name == "heartbeat");
        self.from = old;
    }

    /// How many events of this name came.
    pub fn count(&mut self, name: &str) -> usize {
        self.drain().iter().filter(|e| e.name == name).count()
    }

    /// The id of the newest durable event.
    pub fn last_id(&mut self) -> Option<String> {
        self.drain().iter().rev().find_map(|e| e.id.clone())
    }

    /// Whether the connection has ended within the time.
    pub fn ended(&mut self, within: Duration) -> bool {
        let end = Instant::now() + within;
        loop {
            match self.incoming.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(e) => self.seen.push(e),
                Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// One block of `field: value` lines (WHATWG server-sent events).
fn parse(block: &str) -> Option<Event> {
    let mut event = Event { name: "message".into(), id: None, data: Value::Null, came: Instant::now() };
    let mut data = String::new();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut event.name),
            "id" => event.id = Some(value.to_owned()),
            "data" => data.push_str(value),
            _ => {}
        }
    }
    if data.is_empty() {
        return None;
    }
    event.data = serde_json::from_str(&data).unwrap_or_else(|e| panic!("event data {data:?}: {e}"));
    Some(event)
}
