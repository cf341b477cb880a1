//! [`Delivery`]: a notice version on its way to a person over a channel; and what dispatch decides about it.
//!
//! A *receipt* says that a machine got it; an *acknowledgement* says that this person took this version on purpose.
//! Accepted by a provider is not delivered; shown is not acknowledged.

use crate::{DeliveryId, Level, NoticeId, PersonId, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A way to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Their open page (server-sent events).
    Web,
    /// Their TAK client.
    Tak,
    /// Web Push to their phone, through the maker of its browser (RFC 8030).
    Push,
    /// Mail to their address (SMTP, RFC 5321).
    Mail,
    /// A short message to their telephone, through a gateway.
    Sms,
    /// A signed HTTP request to a system of theirs.
    Webhook,
    /// A siren or a light, through a signed HTTP request.
    Relay,
    /// A call by a person at the centre; no machine tries it.
    Voice,
}

impl Channel {
    /// Every channel that machines try.
    pub const ALL: [Self; 7] = [Self::Web, Self::Tak, Self::Push, Self::Mail, Self::Sms, Self::Webhook, Self::Relay];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Tak => "tak",
            Self::Push => "push",
            Self::Mail => "mail",
            Self::Sms => "sms",
            Self::Webhook => "webhook",
            Self::Relay => "relay",
            Self::Voice => "voice",
        }
    }

    /// The channel of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Voice]).find(|c| c.word() == word)
    }

    /// Whether it is up for each person apart, as they connect; the others are up for everybody at once, as the centre's
    /// way to their provider is.
    pub fn is_personal(self) -> bool {
        matches!(self, Self::Web | Self::Tak | Self::Push)
    }

    /// Whether a stranger's machine takes the message and hands it on: its "accepted" outlives a restart of ours, and is
    /// not delivery.
    pub fn is_relayed(self) -> bool {
        matches!(self, Self::Push | Self::Mail | Self::Sms | Self::Webhook | Self::Relay)
    }

    /// Whether a message over it alarms: what ended before it was ever handed over is not sent there.
    pub fn alarms(self) -> bool {
        !matches!(self, Self::Web | Self::Tak)
    }
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
    /// Which reminder its last attempt was: 0 is none; clients alarm again for a higher one.
    #[serde(default, skip_serializing_if = "is_none")]
    pub reminder: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
fn is_none(n: &u32) -> bool {
    *n == 0
}

/// Why a person is on a notice's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// In danger themself.
    InDanger,
    /// Belongs to the unit of a site in danger.
    SiteUnit,
    /// A drone could reach them soon.
    InDangerSoon,
    /// Named.
    Named,
    /// On duty, by a roster.
    OnDuty,
    /// In a unit.
    Unit,
    /// Leads a unit.
    Leadership,
    /// In an agency.
    Agency,
    /// Has a role.
    Role,
    /// Is in an area.
    Area,
    /// Is near somebody in danger.
    Neighbour,
    /// One of everybody.
    Everybody,
    /// Asked for notices of this level and place.
    Subscription,
    /// Watches at the centre.
    Centre,
    /// Supervisor of somebody silent.
    Escalation,
}

impl Rule {
    /// Every rule, the one that asks most of people first.
    pub const ALL: [Self; 15] = [
        Self::InDanger,
        Self::SiteUnit,
        Self::InDangerSoon,
        Self::Named,
        Self::OnDuty,
        Self::Unit,
        Self::Leadership,
        Self::Agency,
        Self::Role,
        Self::Area,
        Self::Neighbour,
        Self::Everybody,
        Self::Subscription,
        Self::Centre,
        Self::Escalation,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::InDanger => "in_danger",
            Self::SiteUnit => "site_unit",
            Self::InDangerSoon => "in_danger_soon",
            Self::Named => "named",
            Self::OnDuty => "on_duty",
            Self::Unit => "unit",
            Self::Leadership => "leadership",
            Self::Agency => "agency",
            Self::Role => "role",
            Self::Area => "area",
            Self::Neighbour => "neighbour",
            Self::Everybody => "everybody",
            Self::Subscription => "subscription",
            Self::Centre => "centre",
            Self::Escalation => "escalation",
        }
    }
}

/// What somebody at the centre found out by calling a person who was silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// They know now: as good as their own acknowledgement, with the name of who says so.
    Acknowledged,
    /// Nobody answered: they stay on the list.
    NoAnswer,
    /// They are off duty, away or cannot be in danger: nobody waits for them any more.
    Unavailable,
}

impl CallStatus {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::NoAnswer => "no_answer",
            Self::Unavailable => "unavailable",
        }
    }

    /// The status of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Acknowledged, Self::NoAnswer, Self::Unavailable].into_iter().find(|s| s.word() == word)
    }
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
    /// The person's own machine took them: this is its receipt.
    Delivered,
    /// They were refused for good (no such address): trying again is no use.
    Refused(String),
    /// They were not, and surely did not arrive.
    Failed(String),
    /// Nobody can tell (the connection broke midway).
    Ambiguous(String),
}

impl Outcome {
    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
            Self::Ambiguous(_) => "ambiguous",
        }
    }
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
        /// Who at the centre said so for them; `None` when they did it themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<PersonId>,
    },
    /// A person's acknowledgement is too old to rely on: they are asked again.
    Lapsed {
        /// The notice.
        notice: NoticeId,
        /// The version.
        version: u32,
        /// Who.
        person: PersonId,
        /// When.
        at: Time,
    },
    /// Somebody at the centre called a person.
    Called {
        /// The notice.
        notice: NoticeId,
        /// The version.
        version: u32,
        /// Who was called.
        person: PersonId,
        /// What came of it.
        status: CallStatus,
        /// Who called.
        by: PersonId,
        /// When.
        at: Time,
    },
    /// A person said which measures of the checklist they have done.
    Measures {
        /// The notice.
        notice: NoticeId,
        /// The newest version, whose checklist it is.
        version: u32,
        /// Who.
        person: PersonId,
        /// All that are done now, by their names in the library.
        done: BTreeSet<String>,
        /// When.
        at: Time,
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
