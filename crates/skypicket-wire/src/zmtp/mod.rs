//! [`Subscriber`]: the subscribing half of ZeroMQ's publish-subscribe pattern, as a machine without I/O.
//!
//! ZMTP 3.0 (RFC 23 of the ZeroMQ RFC collection) with the NULL mechanism (section "The NULL Security Mechanism") and the
//! SUB role (RFC 29): greeting, READY, one subscription message for each topic, then messages of one or more frames. What
//! ZMTP 3.1 (RFC 37) adds for the life of a connection, PING and PONG, is answered. Versions 1 and 2, which no library
//! of this decade speaks by itself, and mechanisms with secrets are refused by name.
//!
//! A peer says the length of a frame before it sends it, and may say anything: frames over a bound end the session, and
//! nothing is kept ready for what has not come.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

#[cfg(test)]
mod tests;

/// Most frames of one message.
pub const MOST_FRAMES: usize = 16;
/// Most topics.
pub const MOST_TOPICS: usize = 64;
/// Longest command: a READY with its properties.
const MOST_COMMAND: usize = 4 * 1024;

const GREETING: usize = 64;
/// As far as both sides can tell that it is ZMTP of version 3 or later: signature and version.
const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;
const NULL: [u8; 20] = *b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send these bytes.
    Send(Vec<u8>),
    /// The handshake is done: what matches a topic comes from now on.
    Ready,
    /// A message, a frame each.
    Message(Vec<Vec<u8>>),
}

/// Why a session is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZmtpError {
    /// The first bytes are no greeting.
    #[error("the peer does not speak ZMTP")]
    NotZmtp,
    /// An older version.
    #[error("the peer speaks ZMTP {0}, and 3 is needed")]
    Version(u8),
    /// It asks for a mechanism with secrets.
    #[error("the peer asks for a security mechanism other than NULL")]
    Mechanism,
    /// Its socket does not publish.
    #[error("the peer's socket is a {0}, not a PUB or XPUB")]
    Socket(String),
    /// A frame over the bound.
    #[error("a frame of {said} bytes is over the {most} taken")]
    TooLong {
        /// Length said.
        said: u64,
        /// Most taken.
        most: usize,
    },
    /// Over [`MOST_FRAMES`].
    #[error("a message of more than {MOST_FRAMES} frames")]
    TooManyFrames,
    /// Bits that no frame has, a command that cannot be read, or one out of turn.
    #[error("{0}")]
    Broken(&'static str),
    /// The peer says why it ends the session.
    #[error("the peer says: {0}")]
    Error(String),
}

impl ZmtpError {
    /// The fixed word to count it under.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotZmtp => "zmtp_not",
            Self::Version(_) => "zmtp_version",
            Self::Mechanism => "zmtp_mechanism",
            Self::Socket(_) => "zmtp_socket",
            Self::TooLong { .. } => "too_long",
            Self::TooManyFrames => "zmtp_frames",
            Self::Broken(_) => "zmtp_broken",
            Self::Error(_) => "zmtp_error",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Greeting,
    Handshake,
    Open,
    Over,
}

/// One session with a publisher.
#[derive(Debug, Clone)]
pub struct Subscriber {
    topics: Vec<Vec<u8>>,
    most: usize,
    state: State,
    /// Bytes of what is not whole yet.
    kept: Vec<u8>,
    /// Frames of a message that is not whole yet, and their bytes together.
    frames: Vec<Vec<u8>>,
    held: usize,
}

impl Subscriber {
    /// Before the first byte. `topics` are prefixes; an empty one, or none, is everything. `most`: bytes of a message.
    pub fn new(topics: &[String], most: usize) -> Self {
        let mut topics: Vec<_> = topics.iter().take(MOST_TOPICS).map(|t| t.clone().into_bytes()).collect();
        if topics.is_empty() {
            topics.push(Vec::new());
        }
        Self { topics, most, state: State::Greeting, kept: Vec::new(), frames: Vec::new(), held: 0 }
    }

    /// What is sent first, without waiting: our greeting.
    pub fn greeting() -> [u8; GREETING] {
        let mut g = [0; GREETING];
        let (signature, rest) = g.split_at_mut(10);
        signature.copy_from_slice(&[0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F]);
        for (to, from) in rest.iter_mut().zip([3, 0].into_iter().chain(NULL)) {
            *to = from;
        }
        g
    }

    /// Takes the next bytes; after an error the session is over and takes nothing more.
    pub fn take(&mut self, bytes: &[u8], out: &mut dyn FnMut(Step)) -> Result<(), ZmtpError> {
        if self.state == State::Over {
            return Ok(());
        }
        let done = self.walk(bytes, out);
        if done.is_err() {
            self.state = State::Over;
            self.kept = Vec::new();
            self.frames = Vec::new();
        }
        done
    }

    fn walk(&mut self, bytes: &[u8], out: &mut dyn FnMut(Step)) -> Result<(), ZmtpError> {
        let mut kept = std::mem::take(&mut self.kept);
        kept.extend_from_slice(bytes);
        let used = self.steps(&kept, out)?;
        // Only what is left after something was whole moves: who sends a long frame byte by byte costs no more than its bytes.
        if used > 0 {
            kept.drain(..used);
        }
        self.kept = kept;
        Ok(())
    }

    /// Takes what is whole by now; how many bytes that was.
    fn steps(&mut self, kept: &[u8], out: &mut dyn FnMut(Step)) -> Result<usize, ZmtpError> {
        let mut rest = kept;
        if self.state == State::Greeting {
            let Some(after) = greeting(rest)? else { return Ok(0) };
            rest = after;
            self.state = State::Handshake;
            out(Step::Send(ready()));
        }
        while let Some((flags, body, after)) = frame(rest, self.most)? {
            rest = after;
            if flags & COMMAND == 0 {
                self.message(flags, body, out)?;
            } else {
                self.command(body, out)?;
            }
        }
        Ok(kept.len() - rest.len())
    }

    fn message(&mut self, flags: u8, body: &[u8], out: &mut dyn FnMut(Step)) -> Result<(), ZmtpError> {
        if self.state != State::Open {
            return Err(ZmtpError::Broken("a message before the handshake was done"));
        }
        self.held += body.len();
        if self.held > self.most {
            return Err(ZmtpError::TooLong { said: self.held as u64, most: self.most });
        }
        if self.frames.len() == MOST_FRAMES {
            return Err(ZmtpError::TooManyFrames);
        }
        self.frames.push(body.to_vec());
        if flags & MORE == 0 {
            self.held = 0;
            out(Step::Message(std::mem::take(&mut self.frames)));
        }
        Ok(())
    }

    fn command(&mut self, body: &[u8], out: &mut dyn FnMut(Step)) -> Result<(), ZmtpError> {
        let (name, rest) = short(body).ok_or(ZmtpError::Broken("a command without a name"))?;
        match (name, self.state) {
            (b"READY", State::Handshake) => {
                let socket = socket_type(rest)?;
                if !matches!(socket, b"PUB" | b"XPUB") {
                    return Err(ZmtpError::Socket(printable(socket)));
                }
                self.state = State::Open;
                for topic in &self.topics {
                    let mut body = vec![1];
                    body.extend_from_slice(topic);
                    out(Step::Send(write_frame(0, &body)));
                }
                out(Step::Ready);
                Ok(())
            }
            (b"READY", _) => Err(ZmtpError::Broken("READY a second time")),
            // RFC 37: time to live (2), then a context of at most 16 bytes, which goes back as it came.
            (b"PING", State::Open) => {
                let context = rest.get(2..).filter(|c| c.len() <= 16).ok_or(ZmtpError::Broken("a PING of no form"))?;
                let mut pong = b"\x04PONG".to_vec();
                pong.extend_from_slice(context);
                out(Step::Send(write_frame(COMMAND, &pong)));
                Ok(())
            }
            (b"ERROR", _) => Err(ZmtpError::Error(printable(short(rest).map_or(&[], |(reason, _)| reason)))),
            // RFC 37, section "Commands": one that is not known is passed over.
            (_, State::Open) => Ok(()),
            _ => Err(ZmtpError::Broken("a command before READY")),
        }
    }
}

/// What follows a greeting, once it is whole; each byte is judged as soon as it is there.
fn greeting(b: &[u8]) -> Result<Option<&[u8]>, ZmtpError> {
    if b.first().is_some_and(|x| *x != 0xFF) || b.get(9).is_some_and(|x| *x != 0x7F) {
        return Err(ZmtpError::NotZmtp);
    }
    match b.get(10) {
        Some(version) if *version < 3 => return Err(ZmtpError::Version(*version)),
        _ => {}
    }
    if b.get(12..32).is_some_and(|mechanism| mechanism != NULL) {
        return Err(ZmtpError::Mechanism);
    }
    Ok(b.split_at_checked(GREETING).map(|(_, after)| after))
}

/// Flags and body of a frame, and what follows it.
type Cut<'a> = (u8, &'a [u8], &'a [u8]);

/// The first frame, once it is whole.
fn frame(b: &[u8], most: usize) -> Result<Option<Cut<'_>>, ZmtpError> {
    let Some((&flags, rest)) = b.split_first() else { return Ok(None) };
    if flags & !(MORE | LONG | COMMAND) != 0 || flags & COMMAND != 0 && flags & MORE != 0 {
        return Err(ZmtpError::Broken("a frame with flags that no frame has"));
    }
    let (said, rest) = if flags & LONG == 0 {
        let Some((&n, rest)) = rest.split_first() else { return Ok(None) };
        (u64::from(n), rest)
    } else {
        let Some((n, rest)) = rest.split_first_chunk() else { return Ok(None) };
        (u64::from_be_bytes(*n), rest)
    };
    let most = if flags & COMMAND == 0 { most } else { MOST_COMMAND };
    let Some(length) = usize::try_from(said).ok().filter(|n| *n <= most) else {
        return Err(ZmtpError::TooLong { said, most });
    };
    Ok(rest.split_at_checked(length).map(|(body, after)| (flags, body, after)))
}

/// Bytes behind their length of one byte, and what follows.
fn short(b: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&n, rest) = b.split_first()?;
    rest.split_at_checked(usize::from(n))
}

/// The property Socket-Type of a READY; names of properties are the same in upper and lower case.
fn socket_type(mut properties: &[u8]) -> Result<&[u8], ZmtpError> {
    let broken = || ZmtpError::Broken("a READY whose properties cannot be read");
    while !properties.is_empty() {
        let (name, rest) = short(properties).ok_or_else(broken)?;
        let (length, rest) = rest.split_first_chunk().ok_or_else(broken)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| broken())?;
        let (value, rest) = rest.split_at_checked(length).ok_or_else(broken)?;
        if name.eq_ignore_ascii_case(b"Socket-Type") {
            return Ok(value);
        }
        properties = rest;
    }
    Err(ZmtpError::Broken("a READY that does not say of what type its socket is"))
}

/// At most 64 characters, what is no plain text as dots.
fn printable(b: &[u8]) -> String {
    b.iter().take(64).map(|c| if c.is_ascii_graphic() || *c == b' ' { char::from(*c) } else { '.' }).collect()
}

fn write_frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut f = Vec::with_capacity(9 + body.len());
    if let Ok(n) = u8::try_from(body.len()) {
        f.extend([flags, n]);
    } else {
        f.push(flags | LONG);
        f.extend((body.len() as u64).to_be_bytes());
    }
    f.extend_from_slice(body);
    f
}

fn ready() -> Vec<u8> {
    let mut body = b"\x05READY\x0bSocket-Type".to_vec();
    body.extend(3u32.to_be_bytes());
    body.extend(b"SUB");
    write_frame(COMMAND, &body)
}
