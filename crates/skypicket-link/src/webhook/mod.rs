//! [`Webhook`]: a notice as a signed POST of JSON to an address of the administrator's choice; and what comes the other
//! way, signed too ([`Inbound`]).
//!
//! Headers as Standard Webhooks has them: `webhook-id` (the delivery, and `.rN` for reminder N: the same over all
//! attempts, by which the other side folds repeats), `webhook-timestamp` and `webhook-signature` ([`WebhookKeys`]).
//!
//! Where the address is the recipient's own machine, its 2xx is that machine's receipt ([`Sent::Delivered`]). Where it is
//! a provider's that passes on (`passes_on = true`), 2xx only means that the provider took it ([`Sent::Accepted`]).

mod inbound;
mod signature;

pub use inbound::{FRESH_S, Heard, Inbound, NotBelieved};
pub use signature::{KeysError, WebhookKeys};

use crate::{
    courier::{Carrier, Outgoing, Sent, Trouble, Why},
    post::{Answer, Poster, PosterError, Secret, Target, judge},
};
use hyper::header::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use skypicket_model::{SourceId, Time, Tlp};
use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Longest body, octets: a notice is text.
const MOST_BODY: usize = 256 * 1024;

/// Settings of a [`Webhook`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookConfig {
    /// Its name, by which people's addresses mean it.
    pub id: SourceId,
    /// Where to post.
    pub url: String,
    /// File with the signing key, or with two while it is being changed, the present one first.
    pub secret_file: PathBuf,
    /// http although the address is not this machine. Default false.
    #[serde(default)]
    pub insecure: bool,
    /// Trust only the certificates of this PEM file. Default: what browsers trust.
    #[serde(default)]
    pub roots: Option<PathBuf>,
    /// The address belongs to a provider that passes on, so 2xx is no receipt of the recipient's. Default false.
    #[serde(default)]
    pub passes_on: bool,
    /// Strictest label whose content may go there. Default `TLP:GREEN`; above it the words are left out.
    #[serde(default = "WebhookConfig::default_content_up_to")]
    pub content_up_to: Tlp,
}

impl WebhookConfig {
    fn default_content_up_to() -> Tlp {
        Tlp::Green
    }
}

/// Posts signed JSON.
pub struct Webhook {
    signed: SignedPost,
    passes_on: bool,
}

/// What a webhook carries: JSON, ready.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookLetter {
    /// The body, at most 256 KiB.
    pub body: Vec<u8>,
}

impl fmt::Debug for WebhookLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookLetter { .. }")
    }
}

impl Webhook {
    /// Reads the key and sets up.
    pub fn new(config: &WebhookConfig) -> Result<Self, PosterError> {
        let signed = SignedPost::new(&config.url, config.insecure, config.roots.as_deref(), &config.secret_file)?;
        Ok(Self { signed, passes_on: config.passes_on })
    }

    /// The host, for people to look at.
    pub fn host(&self) -> &str {
        &self.signed.host
    }

    /// Sees whether a signed test, which is no notice, is answered 2xx.
    pub async fn test(&self, id: &str, exercise: Option<&str>, now: Time) -> Result<(), Trouble> {
        self.signed.test(id, exercise, now).await
    }
}

impl Carrier for Webhook {
    type Letter = WebhookLetter;

    const LONGEST: Duration = crate::post::LONGEST;

    async fn send(&self, message: &Outgoing<WebhookLetter>, now: Time) -> Sent {
        match self.signed.post(&message.key(), message.letter.body.clone(), now).await {
            Ok(_) if self.passes_on => Sent::Accepted { reference: None },
            Ok(_) => Sent::Delivered,
            Err(sent) => sent,
        }
    }

    async fn probe(&self) -> Result<(), Trouble> {
        self.signed.poster.probe().await
    }
}

/// A signed test that says nothing and asks for nothing but a 2xx.
#[derive(Serialize)]
struct Test<'a> {
    r#type: &'static str,
    id: &'a str,
    exercise: Option<&'a str>,
}

/// A signed POST to one address: what webhook and relay have in common.
pub(crate) struct SignedPost {
    pub(crate) poster: Poster,
    host: String,
    keys: WebhookKeys,
}

impl SignedPost {
    pub(crate) fn new(
        url: &str,
        insecure: bool,
        roots: Option<&Path>,
        secret_file: &Path,
    ) -> Result<Self, PosterError> {
        let target = Target::parse(url, insecure)?;
        let keys = WebhookKeys::parse(&Secret::read(secret_file)?).map_err(|e| PosterError::Setting {
            key: "secret_file",
            problem: format!("{}: {e}", secret_file.display()),
        })?;
        let host = target.host().to_owned();
        Ok(Self { poster: Poster::new(target, roots)?, host, keys })
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Posts a signed test, `{"type":"test","id":…,"exercise":…}`: whoever answers 2xx is there and takes our signature.
    pub(crate) async fn test(&self, id: &str, exercise: Option<&str>, now: Time) -> Result<(), Trouble> {
        let Ok(body) = serde_json::to_vec(&Test { r#type: "test", id, exercise }) else {
            return Err(Trouble::of_message(Why::Fault));
        };
        match self.post(id, body, now).await {
            Ok(_) => Ok(()),
            Err(Sent::Failed(t) | Sent::Ambiguous(t)) => Err(t),
            Err(_) => Err(Trouble::of_channel(Why::BadAnswer)),
        }
    }

    /// Posts; `Ok` is a 2xx.
    pub(crate) async fn post(&self, id: &str, body: Vec<u8>, now: Time) -> Result<Answer, Sent> {
        if body.len() > MOST_BODY {
            return Err(Sent::Failed(Trouble::of_message(Why::Refused)));
        }
        let at_s = now.as_micros().div_euclid(1_000_000);
        let value = |text: &str| HeaderValue::from_str(text);
        let (Ok(id_value), Ok(signature)) = (value(id), value(&self.keys.sign(id, at_s, &body))) else {
            return Err(Sent::Failed(Trouble::of_message(Why::Fault)));
        };
        let headers = vec![
            (HeaderName::from_static("webhook-id"), id_value),
            (HeaderName::from_static("webhook-timestamp"), HeaderValue::from(at_s)),
            (HeaderName::from_static("webhook-signature"), signature),
        ];
        let answer = self.poster.post(headers, "application/json", body).await?;
        judge(&answer)?;
        Ok(answer)
    }
}
