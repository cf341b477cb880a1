//! [`SmtpServer`]: a mail server that answers by script.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
    sync::watch,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

/// What it does at one point.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    /// Says a line.
    Say(&'static str),
    /// Stays silent.
    Hang,
    /// Closes.
    Close,
}

/// How it behaves; each list's last reply is given for ever.
pub(crate) struct Script {
    pub(crate) greeting: Reply,
    pub(crate) offers: Vec<&'static str>,
    pub(crate) auth: Reply,
    pub(crate) sender: VecDeque<Reply>,
    pub(crate) recipient: VecDeque<Reply>,
    pub(crate) data: VecDeque<Reply>,
    pub(crate) end: VecDeque<Reply>,
    /// TLS from the first octet.
    pub(crate) implicit: Option<TlsAcceptor>,
    /// After STARTTLS.
    pub(crate) starttls: Option<TlsAcceptor>,
    /// Closes a connection after so many messages, before the next command.
    pub(crate) messages_each: Option<usize>,
}

impl Default for Script {
    fn default() -> Self {
        let ok = || VecDeque::from([Reply::Say("250 2.1.0 Ok")]);
        Self {
            greeting: Reply::Say("220 mail.test ESMTP"),
            offers: vec!["8BITMIME"],
            auth: Reply::Say("235 2.7.0 Ok"),
            sender: ok(),
            recipient: ok(),
            data: VecDeque::from([Reply::Say("354 go on")]),
            end: VecDeque::from([Reply::Say("250 2.0.0 queued as 4711")]),
            implicit: None,
            starttls: None,
            messages_each: None,
        }
    }
}

struct Shared {
    script: Mutex<Script>,
    /// Commands as they came, all connections.
    lines: Mutex<Vec<String>>,
    mails: Mutex<Vec<String>>,
    /// Texts read to their end, whatever was answered.
    ended: watch::Sender<usize>,
    connections: watch::Sender<usize>,
}

trait Both: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Both for T {}
type Stream = Box<dyn Both>;

/// A server on a free port of loopback; stopped when dropped.
pub(crate) struct SmtpServer {
    pub(crate) addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl SmtpServer {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let implicit = script.implicit.clone();
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            lines: Mutex::default(),
            mails: Mutex::default(),
            ended: watch::Sender::new(0),
            connections: watch::Sender::new(0),
        });
        let inner = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                inner.connections.send_modify(|n| *n += 1);
                let (shared, implicit) = (Arc::clone(&inner), implicit.clone());
                connections.spawn(async move {
                    match implicit {
                        Some(tls) => talk(Box::new(tls.accept(stream).await.ok()?), &shared).await,
                        None => talk(Box::new(stream), &shared).await,
                    }
                });
            }
        });
        Self { addr, shared, task }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.shared.lines.lock().unwrap().clone()
    }

    pub(crate) fn mails(&self) -> Vec<String> {
        self.shared.mails.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }

    pub(crate) fn script<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.shared.script.lock().unwrap())
    }

    pub(crate) async fn until_ended(&self, n: usize) {
        super::soon(self.shared.ended.subscribe().wait_for(|e| *e >= n)).await.unwrap();
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn next(list: &mut VecDeque<Reply>) -> Reply {
    if list.len() > 1 { list.pop_front() } else { list.front().copied() }.unwrap()
}

/// `None` ends the connection.
async fn say(stream: &mut BufReader<Stream>, reply: Reply) -> Option<()> {
    match reply {
        Reply::Say(line) => {
            stream.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.ok()?;
            stream.get_mut().flush().await.ok()
        }
        Reply::Hang => std::future::pending().await,
        Reply::Close => None,
    }
}

async fn talk(stream: Stream, shared: &Shared) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut messages = 0;
    let greeting = shared.script.lock().unwrap().greeting;
    say(&mut stream, greeting).await?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        if shared.script.lock().unwrap().messages_each.is_some_and(|most| messages >= most) {
            return None;
        }
        let line = line.trim_end().to_owned();
        shared.lines.lock().unwrap().push(line.clone());
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => {
                let mut said = String::from("250-mail.test");
                for offer in &shared.script.lock().unwrap().offers {
                    said.push_str("\r\n250-");
                    said.push_str(offer);
                }
                said.push_str("\r\n250 HELP\r\n");
                stream.get_mut().write_all(said.as_bytes()).await.ok()?;
                stream.get_mut().flush().await.ok()?;
            }
            "STARTTLS" => {
                let tls = shared.script.lock().unwrap().starttls.clone()?;
                say(&mut stream, Reply::Say("220 go ahead")).await?;
                stream = BufReader::new(Box::new(tls.accept(stream.into_inner()).await.ok()?));
            }
            "AUTH" => {
                let reply = shared.script.lock().unwrap().auth;
                say(&mut stream, reply).await?;
            }
            "MAIL" | "RCPT" => {
                let reply = {
                    let mut s = shared.script.lock().unwrap();
                    next(if verb == "MAIL" { &mut s.sender } else { &mut s.recipient })
                };
                say(&mut stream, reply).await?;
            }
            "DATA" => {
                let reply = next(&mut shared.script.lock().unwrap().data);
                say(&mut stream, reply).await?;
                if !matches!(reply, Reply::Say(l) if l.starts_with('3')) {
                    continue;
                }
                let mut text = String::new();
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).await.ok()? == 0 {
                        return None;
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                let reply = next(&mut shared.script.lock().unwrap().end);
                if matches!(reply, Reply::Say(l) if l.starts_with('2')) {
                    shared.mails.lock().unwrap().push(text);
                }
                shared.ended.send_modify(|n| *n += 1);
                messages += 1;
                say(&mut stream, reply).await?;
            }
            "QUIT" => {
                say(&mut stream, Reply::Say("221 bye")).await?;
                return None;
            }
            _ => say(&mut stream, Reply::Say("250 Ok")).await?,
        }
    }
}
