//! [`Carrier`]: one way to carry a notice out of the house, and what became of one try ([`Sent`]).

use serde::Serialize;
use skypicket_model::{DeliveryId, Level, Time, delivery::Outcome};
use std::{fmt, future::Future, sync::Arc, time::Duration};

/// Carries one message at a time over one channel, and says what became of it. It decides nothing: not who is told,
/// not when again.
pub trait Carrier: Send + Sync + 'static {
    /// What this channel carries: address and content.
    type Letter: Send + Sync + 'static;

    /// A try has ended by itself within this, whatever the other side does. A [`super::Courier`] cuts it off then, and
    /// nobody knows what became of it: so it must be more than all of a carrier's own limits together.
    const LONGEST: Duration;

    /// Tries once. `now` is the centre's time.
    ///
    /// The rule that every answer follows: [`Sent::Failed`] only when it surely cannot have been taken, and
    /// [`Sent::Ambiguous`] whenever it may have been.
    fn send(&self, message: &Outgoing<Self::Letter>, now: Time) -> impl Future<Output = Sent> + Send;

    /// Whether the other side is there and would take something now, without handing it anything.
    fn probe(&self) -> impl Future<Output = Result<(), Trouble>> + Send;
}

/// Whoever else holds it may test it meanwhile.
impl<C: Carrier> Carrier for Arc<C> {
    type Letter = C::Letter;

    const LONGEST: Duration = C::LONGEST;

    async fn send(&self, message: &Outgoing<Self::Letter>, now: Time) -> Sent {
        C::send(self, message, now).await
    }

    async fn probe(&self) -> Result<(), Trouble> {
        C::probe(self).await
    }
}

/// One attempt, as dispatch hands it over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing<L> {
    /// The delivery: the same over all its attempts.
    pub delivery: DeliveryId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How often the notice was told before over this delivery: 0 is the first time. A reminder is a message of its own
    /// to the other side; a further attempt is the same message again.
    pub reminder: u32,
    /// Level of the notice: what goes first.
    pub level: Level,
    /// From then on it is told no more.
    pub expires_at: Option<Time>,
    /// What is carried.
    pub letter: L,
}

impl<L> Outgoing<L> {
    /// The id under which the other side may fold repeats: the delivery, and `.rN` for reminder N. The same over all
    /// attempts.
    pub fn key(&self) -> String {
        key(self.delivery, self.reminder)
    }
}

/// The id under which the other side may fold repeats of a message.
pub(crate) fn key(delivery: DeliveryId, reminder: u32) -> String {
    if reminder == 0 { delivery.to_string() } else { format!("{delivery}.r{reminder}") }
}

/// What became of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// A provider took it. Nobody knows whether the person gets it.
    Accepted {
        /// The provider's own name for it, by which its later receipts are known.
        reference: Option<String>,
    },
    /// The recipient's own machine took it: its answer is the receipt.
    Delivered,
    /// It surely was not taken.
    Failed(Trouble),
    /// Nobody can tell.
    Ambiguous(Trouble),
}

impl Sent {
    /// As dispatch takes it.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Accepted { .. } => Outcome::Accepted,
            Self::Delivered => Outcome::Delivered,
            Self::Failed(t) if t.why.is_refusal() => Outcome::Refused(t.to_string()),
            Self::Failed(t) => Outcome::Failed(t.to_string()),
            Self::Ambiguous(t) => Outcome::Ambiguous(t.to_string()),
        }
    }

    fn trouble(&self) -> Option<&Trouble> {
        match self {
            Self::Failed(t) | Self::Ambiguous(t) => Some(t),
            Self::Accepted { .. } | Self::Delivered => None,
        }
    }

    /// What speaks against the channel as a whole.
    pub(super) fn against_channel(&self) -> Option<&Trouble> {
        self.trouble().filter(|t| t.of_channel)
    }
}

/// Why something was not carried, in one of a closed set of words; never an address, a text or a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nothing there took a connection, or its name is not known.
    NoConnection,
    /// No trusted TLS with the other side, or none offered where it is asked for.
    Tls,
    /// User name, password, key or signature is not taken.
    LoginRefused,
    /// It cannot take anything now.
    Busy,
    /// It refuses this message for good: trying again is of no use.
    Refused,
    /// The address cannot be one of this channel.
    BadAddress,
    /// No answer in time.
    TimedOut,
    /// The connection broke before an answer.
    Broken,
    /// It failed by its own word (HTTP 500, 502, 504).
    ServerFault,
    /// What it answered cannot be understood.
    BadAnswer,
    /// Its time was over before it went.
    Expired,
    /// Taken back before it went.
    Cancelled,
    /// A later one of the same notice went before it.
    Superseded,
    /// The channel is down: it rests after failures.
    ChannelDown,
    /// Too many wait already.
    QueueFull,
    /// The centre goes down.
    ShutDown,
    /// A fault of this program.
    Fault,
}

impl Why {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoConnection => "no_connection",
            Self::Tls => "tls",
            Self::LoginRefused => "login_refused",
            Self::Busy => "busy",
            Self::Refused => "refused",
            Self::BadAddress => "bad_address",
            Self::TimedOut => "timed_out",
            Self::Broken => "broken",
            Self::ServerFault => "server_fault",
            Self::BadAnswer => "bad_answer",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
            Self::ChannelDown => "channel_down",
            Self::QueueFull => "queue_full",
            Self::ShutDown => "shut_down",
            Self::Fault => "fault",
        }
    }

    /// Whether the other side refuses it, or would: the same message to the same address ends the same way.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Refused | Self::BadAddress)
    }
}

/// What went wrong with one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Why.
    pub why: Why,
    /// The answer's number (SMTP or HTTP), where there was one.
    pub code: Option<u16>,
    /// It speaks against the channel, not only against this message.
    pub of_channel: bool,
    /// How long the other side asks to be left alone.
    pub rest: Option<Duration>,
}

impl Trouble {
    /// Of the channel as a whole.
    pub fn of_channel(why: Why) -> Self {
        Self { why, code: None, of_channel: true, rest: None }
    }

    /// Of this message alone.
    pub fn of_message(why: Why) -> Self {
        Self { why, code: None, of_channel: false, rest: None }
    }

    /// With the answer's number.
    #[must_use]
    pub fn with_code(mut self, code: u16) -> Self {
        self.code = Some(code);
        self
    }

    /// With the rest that the other side asks for.
    #[must_use]
    pub fn with_rest(mut self, rest: Option<Duration>) -> Self {
        self.rest = rest;
        self
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why.word())?;
        match self.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}
