//! [`Smtp`]: mail, handed to one mail server (RFC 5321), which passes it on.
//!
//! A 250 means that the server took the mail over, never that it was read: only an answer, a click on the link or a report
//! of the mail system says more. So:
//!
//! * the **message id** is the delivery's, the same over all attempts; a server or reader that knows it may fold repeats,
//!   and an answer (`In-Reply-To`) names its delivery. A reminder has its own id and hangs on the first message;
//! * **reports** (DSN, RFC 3461) are asked for, of success and of failure, under the delivery's id (`ENVID`), where the
//!   server offers them;
//! * nothing in a mail loads from anywhere: no hidden picture tells whether it was opened;
//! * 4xx is a failure that may be tried again, 5xx one that may not (`refused`). A connection that breaks before the text
//!   is a sure failure; after it, nobody knows.
//!
//! One mail, one recipient: who else got it is nobody's business.
//!
//! Prefer TLS from the first octet (`tls = "implicit"`, port 465; RFC 8314): with `STARTTLS` whoever sits in between can
//! slip answers in before the TLS begins. They could not read or change mail, but make us believe that it was taken.

mod config;
mod letter;
mod session;
mod stream;

pub use config::{SmtpConfig, SmtpTls};
pub use letter::{MailLetter, is_address};

use crate::{
    courier::{Carrier, Outgoing, Sent, Settings, Trouble, Why},
    post::{PosterError, Secret, check_rate, client_config, is_this_machine},
};
use letter::Sender;
use lettre::{
    message::Mailbox,
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, CertificateStore, TlsParameters},
        extension::ClientId,
    },
};
use rustls_pki_types::ServerName;
use session::{Opening, Security, Session};
use skypicket_model::{Channel, Time};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Semaphore, time::timeout};
use tokio_rustls::TlsConnector;

/// How long a mail waits for a connection to become free.
const TURN: Duration = Duration::from_secs(10);
/// Largest PEM file of trusted certificates.
const MOST_ROOTS: u64 = 1 << 20;

/// Sends mail.
pub struct Smtp {
    opening: Opening,
    sender: Sender,
    turns: Semaphore,
    /// Connections that nobody uses now; never more than there are turns.
    idle: Mutex<Vec<Session>>,
}

fn setting(key: &'static str, problem: impl Into<String>) -> PosterError {
    PosterError::Setting { key, problem: problem.into() }
}

fn mailbox(key: &'static str, text: &str) -> Result<Mailbox, PosterError> {
    let parsed = text.parse::<Mailbox>().ok().filter(|m| is_address(m.email.as_ref()));
    parsed.ok_or_else(|| setting(key, format!("'{text}' is no address such as watch@centre.example")))
}

impl Smtp {
    /// Reads the password and sets up. Connects to nothing yet.
    pub fn new(config: &SmtpConfig) -> Result<Self, PosterError> {
        if config.tls == SmtpTls::None && !config.insecure && !is_this_machine(&config.host) {
            return Err(setting(
                "tls",
                format!(
                    "{} is not this machine: use implicit or starttls, or say insecure = true to send in the clear anyway",
                    config.host
                ),
            ));
        }
        check_rate(config.per_s, config.burst)?;
        if let Some(to) = &config.loop_to
            && !is_address(to)
        {
            return Err(setting("loop", format!("'{to}' is no address such as loop@centre.example")));
        }
        if !(3..=64).contains(&config.connections) {
            return Err(setting("connections", "must be 3 to 64: one for each level"));
        }
        let from = mailbox("from", &config.from)?;
        let reply_to = config.reply_to.as_deref().map(|r| mailbox("reply_to", r)).transpose()?;
        let reports_to = match &config.reports_to {
            Some(r) => mailbox("reports_to", r)?.email,
            None => from.email.clone(),
        };
        let domain = config.domain.clone().unwrap_or_else(|| from.email.domain().to_owned());
        if !is_address(&format!("x@{domain}")) {
            return Err(setting("domain", format!("'{domain}' is no domain such as centre.example")));
        }
        let login = match (&config.login, &config.password_file) {
            (None, None) => None,
            (Some(login), Some(path)) => {
                let secret = Secret::read(path)?;
                let unfit = || setting("password_file", format!("{}: must be one line", path.display()));
                Some(Credentials::new(login.clone(), secret.line().ok_or_else(unfit)?.to_owned()))
            }
            _ => return Err(setting("login", "login and password_file go together: give both or none")),
        };
        let security = match config.tls {
            SmtpTls::None => Security::None,
            SmtpTls::Implicit => {
                let name = ServerName::try_from(config.host.clone())
                    .map_err(|_| setting("host", format!("'{}' is no name or address of a server", config.host)))?;
                Security::Implicit(TlsConnector::from(Arc::new(client_config(config.roots.as_deref())?)), name)
            }
            SmtpTls::Starttls => Security::Starttls(tls_parameters(config)?),
        };
        let opening = Opening {
            host: config.host.clone(),
            port: config.port(),
            security,
            login,
            hello: ClientId::Domain(domain.clone()),
        };
        Ok(Self {
            opening,
            sender: Sender { from, reply_to, reports_to, domain },
            turns: Semaphore::new(config.connections),
            idle: Mutex::default(),
        })
    }

    /// Settings of its courier: as many messages under way as there are connections, so that none waits for one inside,
    /// where its level does not count.
    pub fn settings(config: &SmtpConfig) -> Settings {
        Settings {
            at_once: config.connections,
            per_s: config.per_s,
            burst: config.burst,
            ..Settings::named(Channel::Mail.word())
        }
    }

    /// The server, for people to look at.
    pub fn host(&self) -> &str {
        &self.opening.host
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Session>> {
        // Each change under this lock is whole by itself.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A kept connection that is still fresh.
    fn kept(&self) -> Option<Session> {
        let mut idle = self.idle();
        idle.retain(Session::is_fresh);
        idle.pop()
    }
}

fn tls_parameters(config: &SmtpConfig) -> Result<TlsParameters, PosterError> {
    use std::io::Read as _;
    let tls = |e: lettre::transport::smtp::Error| setting("host", format!("TLS cannot be set up: {e}"));
    let mut builder = TlsParameters::builder(config.host.clone());
    builder = match &config.roots {
        None => builder.certificate_store(CertificateStore::WebpkiRoots),
        Some(path) => {
            let unfit = |problem: String| PosterError::Roots { path: path.clone(), problem };
            let mut pem = String::new();
            let file = std::fs::File::open(path).map_err(|e| unfit(e.to_string()))?;
            file.take(MOST_ROOTS).read_to_string(&mut pem).map_err(|e| unfit(e.to_string()))?;
            let certificate = Certificate::from_pem(pem.as_bytes()).map_err(|e| unfit(e.to_string()))?;
            builder.certificate_store(CertificateStore::None).add_root_certificate(certificate)
        }
    };
    builder.build_rustls().map_err(tls)
}

impl Carrier for Smtp {
    type Letter = MailLetter;

    // A turn, a kept connection that is stale, a new one, and its message with a reset after it: 65 s.
    const LONGEST: Duration = Duration::from_secs(70);

    async fn send(&self, message: &Outgoing<MailLetter>, _: Time) -> Sent {
        let mail = match self.sender.write(message) {
            Ok(mail) => mail,
            Err(trouble) => return Sent::Failed(trouble),
        };
        let Ok(Ok(_turn)) = timeout(TURN, self.turns.acquire()).await else {
            return Sent::Failed(Trouble::of_message(Why::Busy));
        };
        let mut kept = self.kept();
        loop {
            let mut session = match kept.take() {
                Some(session) => session,
                None => match Box::pin(Session::open(&self.opening)).await {
                    Ok(session) => session,
                    Err(trouble) => return Sent::Failed(trouble),
                },
            };
            let done = session.send(&mail).await;
            if done.keep {
                self.idle().push(session);
            }
            // Only a kept connection can be stale, so this ends.
            if !done.stale {
                return done.sent;
            }
            // The others are as old.
            self.idle().clear();
        }
    }

    async fn probe(&self) -> Result<(), Trouble> {
        let Ok(Ok(_turn)) = timeout(TURN, self.turns.acquire()).await else {
            return Err(Trouble::of_channel(Why::Busy));
        };
        if let Some(mut session) = self.kept()
            && session.answers().await
        {
            self.idle().push(session);
            return Ok(());
        }
        let session = Box::pin(Session::open(&self.opening)).await?;
        self.idle().push(session);
        Ok(())
    }
}
