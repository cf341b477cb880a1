//! [`Sms`]: short messages through a gateway's HTTP interface, whatever fields it wants.
//!
//! A 2xx means that the gateway took it, never that the phone has it. Gateways differ in how they name things, so the
//! fields are a template: text in which `{to}`, `{text}` and `{id}` stand for the number, the message and its id. What is
//! put in is data: it cannot become another field.
//!
//! How a notice becomes a text of so many parts is `skypicket_wire::render::sms`.

mod config;
mod template;

pub use config::{BodyFormat, SmsConfig};

use crate::{
    courier::{Carrier, Outgoing, Sent, Settings, Trouble, Why},
    post::{Poster, PosterError, Secret, Target, check_rate, judge},
};
use hyper::header::{HeaderName, HeaderValue};
use skypicket_model::{Channel, Time};
use std::{fmt, time::Duration};
use template::{Fill, Template};

/// Longest name that a gateway may give a message.
const MOST_REFERENCE: usize = 128;
/// Longest text, characters: ten parts are under this.
const MOST_TEXT: usize = 1_600;

/// What a gateway carries.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsLetter {
    /// The number, E.164: `+` and 7 to 15 digits.
    pub to: String,
    /// The text, fitted already.
    pub text: String,
}

impl fmt::Debug for SmsLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmsLetter { .. }")
    }
}

/// Whether a text is a telephone number as E.164 has it.
pub fn is_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
    })
}

/// Sends short messages.
pub struct Sms {
    poster: Poster,
    host: String,
    template: Template,
    login: Option<(HeaderName, HeaderValue)>,
    id_pointer: Option<String>,
}

impl Sms {
    /// Reads the login and sets up.
    pub fn new(config: &SmsConfig) -> Result<Self, PosterError> {
        let target = Target::parse(&config.url, config.insecure)?;
        check_rate(config.per_s, config.burst)?;
        if !(1..=10).contains(&config.parts) {
            return Err(PosterError::Setting { key: "parts", problem: "must be 1 to 10".into() });
        }
        if config.loop_to.as_deref().is_some_and(|n| !is_number(n)) {
            return Err(PosterError::Setting { key: "loop", problem: "must be a number such as +19155550123".into() });
        }
        let template = Template::new(config.format, &config.fields)
            .map_err(|problem| PosterError::Setting { key: "fields", problem })?;
        if let Some(pointer) = &config.id_pointer
            && !(pointer.starts_with('/') && pointer.len() <= 128)
        {
            return Err(PosterError::Setting {
                key: "id_pointer",
                problem: "must be a JSON pointer such as /messages/0/id".into(),
            });
        }
        let login = match &config.login_file {
            None => None,
            Some(path) => {
                let secret = Secret::read(path)?;
                let unfit = || PosterError::Setting {
                    key: "login_file",
                    problem: format!(
                        "{}: must hold the value of the header in one line of ASCII, such as Bearer abc",
                        path.display()
                    ),
                };
                let mut value = secret.line().and_then(|l| HeaderValue::from_str(l).ok()).ok_or_else(unfit)?;
                value.set_sensitive(true);
                Some((login_header(&config.login_header)?, value))
            }
        };
        let host = target.host().to_owned();
        let poster = Poster::new(target, config.roots.as_deref())?;
        Ok(Self { poster, host, template, login, id_pointer: config.id_pointer.clone() })
    }

    /// Settings of its courier.
    pub fn settings(config: &SmsConfig) -> Settings {
        Settings { per_s: config.per_s, burst: config.burst, ..Settings::named(Channel::Sms.word()) }
    }

    /// The host, for people to look at.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The gateway's own name for a message, out of its answer.
    fn reference(&self, body: &[u8]) -> Option<String> {
        let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
        let found = match answer.pointer(self.id_pointer.as_deref()?)? {
            serde_json::Value::String(s) => s.clone(),
            serde_json::Value::Number(n) => n.to_string(),
            _ => return None,
        };
        let fit = !found.is_empty() && found.len() <= MOST_REFERENCE && !found.contains(char::is_control);
        fit.then_some(found)
    }
}

/// The name of the login's header, of those that do not steer the exchange itself.
fn login_header(name: &str) -> Result<HeaderName, PosterError> {
    let unfit = |problem: &str| PosterError::Setting { key: "login_header", problem: problem.into() };
    let parsed: HeaderName = name.parse().map_err(|_| unfit("must be the name of a header, such as authorization"))?;
    let steers = ["host", "content-length", "content-type", "transfer-encoding", "connection", "user-agent"];
    if steers.contains(&parsed.as_str()) {
        return Err(unfit("must not be a header that the centre itself sets"));
    }
    Ok(parsed)
}

impl Carrier for Sms {
    type Letter = SmsLetter;

    const LONGEST: Duration = crate::post::LONGEST;

    async fn send(&self, message: &Outgoing<SmsLetter>, _: Time) -> Sent {
        let letter = &message.letter;
        if !is_number(&letter.to) {
            return Sent::Failed(Trouble::of_message(Why::BadAddress));
        }
        if letter.text.is_empty() || letter.text.chars().count() > MOST_TEXT {
            return Sent::Failed(Trouble::of_message(Why::Refused));
        }
        let id = message.key();
        let body = self.template.fill(&Fill { to: &letter.to, text: &letter.text, id: &id });
        let Ok(key) = HeaderValue::from_str(&id) else {
            return Sent::Failed(Trouble::of_message(Why::Fault));
        };
        // Gateways that know it fold repeats by it; the others do not look.
        let mut headers = vec![(HeaderName::from_static("idempotency-key"), key)];
        headers.extend(self.login.clone());
        match self.poster.post(headers, self.template.content_type(), body).await {
            Ok(answer) => match judge(&answer) {
                Ok(()) => Sent::Accepted { reference: self.reference(&answer.body) },
                Err(sent) => sent,
            },
            Err(sent) => sent,
        }
    }

    async fn probe(&self) -> Result<(), Trouble> {
        self.poster.probe().await
    }
}
