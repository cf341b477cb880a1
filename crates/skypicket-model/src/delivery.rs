//! [`Delivery`]: a notice version on its way to a person over a channel; and what dispatch decides about it.
//!
//! A *receipt* says that a machine got it; an *acknowledgement* says that this person took this version on purpose.
//! Accepted by a provider is not delivered; shown is not acknowledged.

use crate::{DeliveryId, Level, NoticeId, PersonId, Time};
use serde::{Deserialize, Serialize};

/// A way to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Their open page (server-sent events).
    Web,
    /// Their TAK client.
    Tak,
}

/// How far a delivery has come; only forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reached {
    /// Waits for the channel to come up.
    Queued,
    /// Handed to the channel; nothing heard yet.
    Sent,
    /// A machine of the person's got it.
    Delivered,
    /// It was on their screen.
    Shown,
}

/// The state of one delivery, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id: the same over every attempt, so that clients fold repeats.
    pub id: DeliveryId,
    /// The notice.
    pub notice: NoticeId,
    /// The version.
    pub version: u32,
    /// To whom.
    pub person: PersonId,
    /// Over what.
    pub channel: Channel,
    /// How far.
    pub reached: Reached,
    /// Attempts so far.
    pub attempts: u32,
    /// An attempt may have got through unseen: marked "may repeat".
    pub may_repeat: bool,
    /// Why it is not further, in fixed words (`no_channel_up`, `no_receipt`, …).
    pub trouble: Option<String>,
}

/// Why a person is on a notice's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// In danger themself.
    InDanger,
    /// Belongs to the unit of a site in danger.
    SiteUnit,
    /// Watches at the centre.
    Centre,
    /// Supervisor of somebody silent.
    Escalation,
}

/// What became of an attempt, as the channel tells it (an input of dispatch).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderResult {
    /// The delivery.
    pub delivery: DeliveryId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The bytes were taken by the socket or provider.
    Accepted,
    /// They were not, and surely did not arrive.
    Failed(String),
    /// Nobody can tell (the connection broke midway).
    Ambiguous(String),
}

/// What dispatch decided: entries of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DispatchEvent {
    /// The list of a notice version is fixed.
    Recipients {
        /// The notice.
        notice: NoticeId,
        /// The version.
        version: u32,
        /// Who, and by which rule.
        people: Vec<(PersonId, Rule)>,
    },
    /// Hand this to the channel now.
    Attempt {
        /// The delivery, with its attempts counted.
        delivery: Delivery,
    },
    /// A delivery moved, or got into trouble.
    Moved {
        /// Its new state.
        delivery: Delivery,
    },
    /// A person acknowledged a version.
    Acknowledged {
        /// The notice.
        notice: NoticeId,
        /// The version.
        version: u32,
        /// Who.
        person: PersonId,
        /// When it was recorded.
        at: Time,
        /// Over which channel.
        via: Channel,
    },
    /// A person stayed silent for the set time: their supervisor is told, and the centre shows red.
    Escalated {
        /// The notice.
        notice: NoticeId,
        /// The version.
        version: u32,
        /// The silent one.
        person: PersonId,
        /// To whom; `None` when nobody is left on the chain.
        to: Option<PersonId>,
        /// When.
        at: Time,
        /// Level of the notice.
        level: Level,
    },
    /// Nobody is left to tell: a person at the centre must call.
    Silent {
        /// The notice.
        notice: NoticeId,
        /// The version.
        version: u32,
        /// The silent one.
        person: PersonId,
        /// When.
        at: Time,
    },
    /// The version needs nothing more (superseded or cleared).
    Closed {
        /// The notice.
        notice: NoticeId,
        /// The version.
        version: u32,
    },
}
