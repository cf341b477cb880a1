//! [`Session`]: one connection to the mail server: greeted, encrypted, logged in.

use super::{letter::Ready, stream::Encrypted};
use crate::courier::{Sent, Trouble, Why};
use lettre::transport::smtp::{
    authentication::{Credentials, Mechanism},
    client::{AsyncSmtpConnection, AsyncTokioStream, TlsParameters},
    commands::{Data, Ehlo, Mail, Noop, Rcpt, Rset},
    extension::{ClientId, MailParameter, RcptParameter},
    response::Severity,
};
use rustls_pki_types::ServerName;
use std::time::Duration;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;

/// A connection must stand, greeted and logged in, within this.
pub(super) const OPEN: Duration = Duration::from_secs(10);
/// From the sender's name up to the word that the text may come.
pub(super) const BEFORE: Duration = Duration::from_secs(10);
/// The text, and the word that it is taken. RFC 5321 section 4.5.3.2.6 would have ten minutes; a warning has not.
pub(super) const TEXT: Duration = Duration::from_secs(20);
/// For small talk with a connection that is kept.
pub(super) const TALK: Duration = Duration::from_secs(3);
/// A connection is kept so long without use.
const KEPT: Duration = Duration::from_mins(1);
/// Messages over one connection; servers have such limits too.
const MOST_MESSAGES: u32 = 100;

/// How a connection is kept from others, ready to be used.
pub(super) enum Security {
    None,
    Implicit(TlsConnector, ServerName<'static>),
    Starttls(TlsParameters),
}

/// How sessions are opened.
pub(super) struct Opening {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) login: Option<Credentials>,
    pub(super) hello: ClientId,
}

/// One connection.
pub(super) struct Session {
    connection: AsyncSmtpConnection,
    /// The server reports what becomes of a message (RFC 3461).
    dsn: bool,
    used: Instant,
    messages: u32,
}

/// Where in the exchange an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Opening,
    Login,
    Sender,
    Recipient,
    Data,
    Text,
}

/// What became of a message, and whether the connection is still good.
pub(super) struct Done {
    pub(super) sent: Sent,
    pub(super) keep: bool,
    /// The connection was gone before anything of this message was said: a new one may try it.
    pub(super) stale: bool,
}

impl Session {
    /// Opens one.
    pub(super) async fn open(how: &Opening) -> Result<Self, Trouble> {
        match timeout(OPEN, Self::open_now(how)).await {
            Ok(done) => done,
            Err(_) => Err(Trouble::of_channel(Why::TimedOut)),
        }
    }

    async fn open_now(how: &Opening) -> Result<Self, Trouble> {
        let tcp = TcpStream::connect((how.host.as_str(), how.port)).await;
        let tcp = tcp.map_err(|_| Trouble::of_channel(Why::NoConnection))?;
        // The text and its end are two writes: without this the second would wait for a late acknowledgement, 40 ms.
        tcp.set_nodelay(true).map_err(|_| Trouble::of_channel(Why::NoConnection))?;
        let stream: Box<dyn AsyncTokioStream> = match &how.security {
            Security::Implicit(tls, name) => {
                let encrypted = tls.connect(name.clone(), tcp).await;
                Box::new(Encrypted(Box::new(encrypted.map_err(|_| Trouble::of_channel(Why::Tls))?)))
            }
            Security::None | Security::Starttls(_) => Box::new(tcp),
        };
        let opened = AsyncSmtpConnection::connect_with_transport(stream, &how.hello).await;
        let mut connection = opened.map_err(|e| trouble(&e, Stage::Opening))?;
        if let Security::Starttls(parameters) = &how.security {
            // Never on without it: whoever sits in between could have taken the offer out.
            if !connection.can_starttls() {
                return Err(Trouble::of_channel(Why::Tls));
            }
            let encrypted = connection.starttls(parameters.clone(), &how.hello).await;
            encrypted.map_err(|e| trouble(&e, Stage::Opening))?;
        }
        if let Some(login) = &how.login {
            let ways = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&ways, login).await.map_err(|e| trouble(&e, Stage::Login))?;
        }
        // The library does not know the word DSN, so the offers are asked for once more.
        let offers = connection.command(Ehlo::new(how.hello.clone())).await;
        let offers = offers.map_err(|e| trouble(&e, Stage::Opening))?;
        let dsn = offers
            .message()
            .skip(1)
            .any(|line| line.split_ascii_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("DSN")));
        Ok(Self { connection, dsn, used: Instant::now(), messages: 0 })
    }

    /// Whether it may carry another message.
    pub(super) fn is_fresh(&self) -> bool {
        self.used.elapsed() < KEPT && self.messages < MOST_MESSAGES && !self.connection.has_broken()
    }

    /// Whether the server still answers.
    pub(super) async fn answers(&mut self) -> bool {
        let answers = matches!(timeout(TALK, self.connection.command(Noop)).await, Ok(Ok(_)));
        self.used = Instant::now();
        answers
    }

    /// Hands over one message.
    pub(super) async fn send(&mut self, mail: &Ready) -> Done {
        self.messages += 1;
        let reused = self.messages > 1;
        let done = match timeout(BEFORE, self.announce(mail)).await {
            Ok(Ok(())) => self.text(mail).await,
            Ok(Err((trouble, stage))) => {
                let lost = trouble.code.is_none() || trouble.code == Some(421);
                Done {
                    keep: !lost && self.reset().await,
                    stale: reused && stage == Stage::Sender && lost,
                    sent: Sent::Failed(trouble),
                }
            }
            Err(_) => Done { sent: Sent::Failed(Trouble::of_channel(Why::TimedOut)), keep: false, stale: false },
        };
        self.used = Instant::now();
        done
    }

    /// Sender, recipient, and the wish to say more: nothing is taken yet.
    async fn announce(&mut self, mail: &Ready) -> Result<(), (Trouble, Stage)> {
        let word = |keyword: &str, value: &str| (keyword.to_owned(), Some(value.to_owned()));
        let (mut of_sender, mut of_recipient) = (Vec::new(), Vec::new());
        if self.dsn {
            for (keyword, value) in [word("RET", "HDRS"), word("ENVID", &mail.id)] {
                of_sender.push(MailParameter::Other { keyword, value });
            }
            let (keyword, value) = word("NOTIFY", "SUCCESS,FAILURE");
            of_recipient.push(RcptParameter::Other { keyword, value });
        }
        let at = |stage| move |e| (trouble(&e, stage), stage);
        let sender = Mail::new(Some(mail.envelope_from.clone()), of_sender);
        self.connection.command(sender).await.map_err(at(Stage::Sender))?;
        self.connection.command(Rcpt::new(mail.to.clone(), of_recipient)).await.map_err(at(Stage::Recipient))?;
        let go = self.connection.command(Data).await.map_err(at(Stage::Data))?;
        if go.code().severity != Severity::PositiveIntermediate {
            return Err((Trouble::of_channel(Why::BadAnswer), Stage::Data));
        }
        Ok(())
    }

    /// The text. Once its end is under way nobody knows, until the server has answered.
    async fn text(&mut self, mail: &Ready) -> Done {
        let answer = timeout(TEXT, self.connection.message(&mail.bytes)).await;
        let (sent, keep) = match answer {
            Ok(Ok(r)) if r.code().severity == Severity::PositiveCompletion => {
                (Sent::Accepted { reference: None }, true)
            }
            Ok(Ok(_)) => (Sent::Ambiguous(Trouble::of_channel(Why::BadAnswer)), false),
            Ok(Err(e)) => {
                let t = trouble(&e, Stage::Text);
                match t.code {
                    // It answered no.
                    Some(code) => (Sent::Failed(t), code != 421 && self.reset().await),
                    None => (Sent::Ambiguous(t), false),
                }
            }
            Err(_) => (Sent::Ambiguous(Trouble::of_channel(Why::TimedOut)), false),
        };
        Done { sent, keep, stale: false }
    }

    async fn reset(&mut self) -> bool {
        matches!(timeout(TALK, self.connection.command(Rset)).await, Ok(Ok(_)))
    }
}

/// What an answer or its absence means. The server's text is left out: it may hold addresses.
fn trouble(error: &lettre::transport::smtp::Error, stage: Stage) -> Trouble {
    if let Some(code) = error.status() {
        let code = u16::from(code);
        let of_message = matches!(stage, Stage::Recipient | Stage::Text) && code != 421;
        let why = match code {
            // Asks for a login, or takes none (RFC 4954 section 6).
            530 | 534 | 535 | 538 => Why::LoginRefused,
            400..=499 => Why::Busy,
            _ if stage == Stage::Login => Why::LoginRefused,
            _ => Why::Refused,
        };
        let trouble = if of_message { Trouble::of_message(why) } else { Trouble::of_channel(why) };
        return trouble.with_code(code);
    }
    if stage == Stage::Login && error.is_client() {
        // It offers no way of logging in that we know.
        return Trouble::of_channel(Why::LoginRefused);
    }
    let why = if error.is_tls() || crate::post::is_of_tls(error) {
        Why::Tls
    } else if stage == Stage::Opening && !error.is_response() {
        Why::NoConnection
    } else {
        Why::Broken
    };
    Trouble::of_channel(why)
}
