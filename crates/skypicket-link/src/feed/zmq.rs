//! [`ZmqBearer`]: messages of a ZeroMQ publisher. Of a message of several frames the first is its topic, the last its
//! content.

use super::{Ear, MOST_MESSAGE, Unfit, check_connect, pause::Pause};
use crate::listen::{Shutdown, stopped};
use serde::Deserialize;
use skypicket_wire::{
    feed::Piece,
    zmtp::{MOST_TOPICS, Step, Subscriber, ZmtpError},
};
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZmqBearer {
    /// `HOST:PORT`.
    pub connect: String,
    /// Prefixes of topics. Default everything.
    #[serde(default)]
    pub topics: Vec<String>,
    /// Connect to another machine although nothing proves who sends: ZeroMQ has no TLS. Default false.
    #[serde(default)]
    pub insecure: bool,
}

/// A connection and its handshake must stand within this.
const CONNECT: Duration = Duration::from_secs(10);

impl ZmqBearer {
    pub(super) fn ready(self) -> Result<Ready, Unfit> {
        if self.topics.len() > MOST_TOPICS || self.topics.iter().any(|t| t.len() > 255) {
            return Err(Unfit::Setting("topics", format!("at most {MOST_TOPICS}, of at most 255 bytes")));
        }
        check_connect(&self.connect, false, self.insecure)?;
        Ok(Ready(self))
    }
}

/// Checked.
pub(super) struct Ready(ZmqBearer);

impl Ready {
    pub(super) async fn run(self, mut ear: Ear, mut shutdown: Shutdown) {
        let mut pause = Pause::new();
        loop {
            let why = tokio::select! {
                biased;
                () = stopped(&mut shutdown) => return,
                why = self.once(&mut ear, &mut pause) => why,
            };
            ear.disconnected(&why);
            tokio::select! {
                biased;
                () = stopped(&mut shutdown) => return,
                () = tokio::time::sleep(pause.next()) => {}
            }
        }
    }

    /// One connection, to its end; why it ended.
    async fn once(&self, ear: &mut Ear, pause: &mut Pause) -> String {
        let mut session = Subscriber::new(&self.0.topics, MOST_MESSAGE);
        let opened = tokio::time::timeout(CONNECT, open(&self.0.connect, &mut session)).await;
        let (mut stream, mut waiting) = match opened {
            Err(_) => return "no connection in time".into(),
            Ok(Err(why)) => return why,
            Ok(Ok(opened)) => opened,
        };
        ear.connected();
        pause.over();
        let mut chunk = vec![0; 64 * 1024];
        loop {
            for step in waiting.drain(..) {
                match step {
                    Step::Send(bytes) => {
                        if let Err(e) = stream.write_all(&bytes).await {
                            return e.to_string();
                        }
                    }
                    Step::Ready => {}
                    Step::Message(frames) => {
                        let (topic, content) = match frames.as_slice() {
                            [first, .., last] => (String::from_utf8_lossy(first), last.as_slice()),
                            [only] => ("".into(), only.as_slice()),
                            [] => continue,
                        };
                        ear.hear(content, Piece::Whole, &topic, false);
                    }
                }
            }
            let n = match stream.read(&mut chunk).await {
                Ok(0) => return "the publisher closed the connection".into(),
                Ok(n) => n,
                Err(e) => return e.to_string(),
            };
            if let Err(e) = session.take(chunk.get(..n).unwrap_or_default(), &mut |s| waiting.push(s)) {
                return broken(ear, &e);
            }
        }
    }
}

fn broken(ear: &Ear, e: &ZmtpError) -> String {
    ear.refuse(e.reason(), &[]);
    e.to_string()
}

/// Connects and shakes hands; what came behind the handshake.
async fn open(to: &str, session: &mut Subscriber) -> Result<(TcpStream, Vec<Step>), String> {
    let io = |e: io::Error| e.to_string();
    let mut stream = TcpStream::connect(to).await.map_err(io)?;
    socket2::SockRef::from(&stream)
        .set_tcp_keepalive(
            &socket2::TcpKeepalive::new().with_time(Duration::from_secs(30)).with_interval(Duration::from_secs(10)),
        )
        .map_err(io)?;
    stream.write_all(&Subscriber::greeting()).await.map_err(io)?;
    let mut chunk = vec![0; 4 * 1024];
    let mut after = Vec::new();
    loop {
        let n = stream.read(&mut chunk).await.map_err(io)?;
        if n == 0 {
            return Err("the other side closed the connection before the handshake was done".into());
        }
        let mut steps = Vec::new();
        session.take(chunk.get(..n).unwrap_or_default(), &mut |s| steps.push(s)).map_err(|e| e.to_string())?;
        let mut is_ready = false;
        for step in steps {
            match step {
                Step::Send(bytes) => stream.write_all(&bytes).await.map_err(io)?,
                Step::Ready => is_ready = true,
                message @ Step::Message(_) => after.push(message),
            }
        }
        if is_ready {
            return Ok((stream, after));
        }
    }
}
