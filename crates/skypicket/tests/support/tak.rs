//! [`Tak`]: a TAK client: CoT XML events over TCP, both ways.

use super::SOON;
use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

/// A connected client.
pub struct Tak {
    /// Every event that came, as XML.
    pub seen: Vec<String>,
    from: usize,
    incoming: Receiver<String>,
    stream: TcpStream,
}

impl Tak {
    /// Connects; says nothing.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut reader = stream.try_clone().unwrap();
        let (sender, incoming) = channel();
        thread::spawn(move || {
            let mut text = String::new();
            let mut buffer = [0u8; 8_192];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                text.push_str(&String::from_utf8_lossy(buffer.get(..n).unwrap_or_default()));
                while let Some(end) = text.find("</event>") {
                    let rest = text.split_off(end + "</event>".len());
                    let event = text.get(text.find("<event").unwrap_or(0)..).unwrap_or_default().to_owned();
                    if sender.send(event).is_err() {
                        return;
                    }
                    text = rest;
                }
            }
        });
        Self { seen: Vec::new(), from: 0, incoming, stream }
    }

    /// Sends XML.
    pub fn send(&mut self, xml: &str) {
        self.stream.write_all(xml.as_bytes()).unwrap();
    }

    /// The first event that fits, among those since [`Tak::forget`] and those to come; fails with `what`.
    #[track_caller]
    pub fn wait(&mut self, what: &str, fits: impl Fn(&str) -> bool) -> String {
        match self.maybe(SOON, fits) {
            Some(e) => e,
            None => panic!("waited for {what}; came:\n{}", self.seen.join("\n")),
        }
    }

    /// The first event that fits, or none within the time.
    pub fn maybe(&mut self, within: Duration, fits: impl Fn(&str) -> bool) -> Option<String> {
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

    /// From now on only what comes later counts.
    pub fn forget(&mut self) {
        while let Ok(e) = self.incoming.try_recv() {
            self.seen.push(e);
        }
        self.from = self.seen.len();
    }

    /// A ping, and its pong: what was sent before it has been taken by the other side's session.
    pub fn ping(&mut self) {
        self.forget();
        self.send(&event("ping", "t-x-c-t", "m-g", None, ""));
        self.wait("pong", |e| attribute(e, "event", "type") == Some("t-x-c-t-r"));
    }
}

impl Drop for Tak {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// An event of the present with its detail; `at` is `(lat, lon, hae)`.
pub fn event(uid: &str, kind: &str, how: &str, at: Option<(f64, f64, f64)>, detail: &str) -> String {
    let (lat, lon, hae, error) = at.map_or((0.0, 0.0, 9_999_999.0, 9_999_999.0), |(a, b, c)| (a, b, c, 5.0));
    format!(
        "<event version=\"2.0\" uid=\"{uid}\" type=\"{kind}\" how=\"{how}\" time=\"{t}\" start=\"{t}\" stale=\"{s}\"><point lat=\"{lat}\" lon=\"{lon}\" hae=\"{hae}\" ce=\"{error}\" le=\"{error}\"/><detail>{detail}</detail></event>",
        t = super::time_text(0.0),
        s = super::time_text(300.0),
    )
}

/// A client's own position report (SA).
pub fn sa(uid: &str, callsign: &str, at: (f64, f64, f64)) -> String {
    let detail = format!(
        "<contact callsign=\"{callsign}\" endpoint=\"*:-1:stcp\"/><__group name=\"Cyan\" role=\"Team Member\"/><takv device=\"test\" platform=\"test\" os=\"1\" version=\"1\"/>"
    );
    event(uid, "a-f-G-U-C", "m-g", Some(at), &detail)
}

/// The first value of an attribute of the first element of this name.
pub fn attribute<'a>(xml: &'a str, element: &str, name: &str) -> Option<&'a str> {
    let start = xml.find(&format!("<{element} "))?;
    let tag = xml.get(start..)?.split('>').next()?;
    let value = tag.split_once(&format!(" {name}=\"")).or_else(|| tag.split_once(&format!(" {name}='")))?.1;
    value.split(['"', '\'']).next()
}
