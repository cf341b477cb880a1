//! [`MailServer`]: a mail server that the test plays, one connection after another and side by side.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

/// How it behaves, for everything from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// Takes mail.
    Takes,
    /// Lets a connection stand and says nothing.
    HoldsGreeting,
    /// Reads a whole mail and says nothing.
    HoldsEnd,
    /// Has trouble: says so at once, and closes.
    Fails,
    /// Knows no such recipient.
    RefusesRecipient,
}

/// A mail as it came.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The envelope's recipient.
    pub to: String,
    /// Headers and body, header lines unfolded.
    pub text: String,
}

impl Mail {
    /// A header's value.
    pub fn header(&self, name: &str) -> &str {
        let line = self.text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    /// What stands in its message id before the @: the delivery.
    pub fn delivery(&self) -> &str {
        self.header("Message-ID").trim_start_matches('<').split('@').next().unwrap()
    }
}

#[derive(Default)]
struct Shared {
    does: Mutex<Option<Does>>,
    mails: Mutex<Vec<Mail>>,
    recipients: Mutex<Vec<String>>,
    connections: Mutex<usize>,
}

/// On a free port of loopback.
pub struct MailServer {
    /// Where.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Default for MailServer {
    fn default() -> Self {
        Self::start()
    }
}

impl MailServer {
    /// One that takes mail.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared: Arc<Shared> = Arc::default();
        let inner = Arc::clone(&shared);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&inner);
                *shared.connections.lock().unwrap() += 1;
                std::thread::spawn(move || drop(talk(stream.unwrap(), &shared)));
            }
        });
        Self { address, shared }
    }

    /// Behaves so from now on.
    pub fn does(&self, what: Does) {
        *self.shared.does.lock().unwrap() = Some(what);
    }

    /// Mails read to their end, whatever was answered.
    pub fn mails(&self) -> Vec<Mail> {
        self.shared.mails.lock().unwrap().clone()
    }

    /// Those to one address.
    pub fn to(&self, address: &str) -> Vec<Mail> {
        self.mails().into_iter().filter(|m| m.to == address).collect()
    }

    /// Recipients that were named to it.
    pub fn recipients(&self) -> Vec<String> {
        self.shared.recipients.lock().unwrap().clone()
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        *self.shared.connections.lock().unwrap()
    }

    /// The table of a configuration that hands mail to it, with more lines.
    pub fn table(&self, more: &str) -> String {
        format!(
            "[mail]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"Watch <watch@centre.example>\"\n{more}\n",
            self.address.port()
        )
    }
}

impl Shared {
    fn does(&self) -> Does {
        self.does.lock().unwrap().unwrap_or(Does::Takes)
    }
}

fn forever() -> ! {
    loop {
        std::thread::park();
    }
}

fn talk(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream);
    match shared.does() {
        Does::HoldsGreeting => forever(),
        Does::Fails => return out.write_all(b"421 4.3.2 not now\r\n"),
        _ => out.write_all(b"220 mail.test ESMTP\r\n")?,
    }
    let mut to = String::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => out.write_all(b"250-mail.test\r\n250 8BITMIME\r\n")?,
            "RCPT" => {
                line.split(['<', '>']).nth(1).unwrap_or_default().clone_into(&mut to);
                shared.recipients.lock().unwrap().push(to.clone());
                if shared.does() == Does::RefusesRecipient {
                    out.write_all(b"550 5.1.1 no such mailbox\r\n")?;
                } else {
                    out.write_all(b"250 2.1.5 ok\r\n")?;
                }
            }
            "MAIL" if shared.does() == Does::Fails => out.write_all(b"451 4.3.0 trouble\r\n")?,
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let mut text = String::new();
                loop {
                    let mut line = String::new();
                    if lines.read_line(&mut line)? == 0 {
                        return Ok(());
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    text.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                let text = text.replace("\r\n", "\n").replace("\n ", " ");
                shared.mails.lock().unwrap().push(Mail { to: to.clone(), text });
                if shared.does() == Does::HoldsEnd {
                    forever();
                }
                out.write_all(b"250 2.0.0 queued\r\n")?;
            }
            "QUIT" => return out.write_all(b"221 bye\r\n"),
            _ => out.write_all(b"250 ok\r\n")?,
        }
    }
}
