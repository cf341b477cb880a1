//! [`Access`]: who read what, and what was done about who may: entries of the record, for the auditor.
//!
//! Secrets never stand here: a session, token or certificate is named by its id.

use crate::{PersonId, Time};
use serde::{Deserialize, Serialize};

/// One row of the access audit. Reads of the same thing by the same session are folded into one row a minute, with
/// their number; reads of people's positions and of intelligence reports stand in the record before they are answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Who; `None` where nobody was known (a sign-in that was refused).
    pub by: Option<PersonId>,
    /// What kind of thing it was.
    pub deed: Deed,
    /// What exactly: the endpoint read, or the id of the session, token or certificate; a name that was tried.
    pub what: String,
    /// Whose personal data it showed, or whom it was done to; at most [`Access::MOST_ABOUT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<PersonId>,
    /// The session that it was done with (the first 16 hex digits of its hash), where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// When, the first time.
    pub first: Time,
    /// When, the last time.
    pub last: Time,
    /// How often.
    pub times: u32,
}

impl Access {
    /// Most people named in one row; a read of more of them says so by naming none and [`Access::EVERYBODY`] in `what`.
    pub const MOST_ABOUT: usize = 200;
    /// In `what`, behind the endpoint: everybody whom the reader may see.
    pub const EVERYBODY: &str = "everybody";

    /// Once, now.
    pub fn once(by: Option<PersonId>, deed: Deed, what: impl Into<String>, now: Time) -> Self {
        Self { by, deed, what: what.into(), about: Vec::new(), session: None, first: now, last: now, times: 1 }
    }

    /// The same, about somebody.
    #[must_use]
    pub fn about(mut self, person: PersonId) -> Self {
        self.about.push(person);
        self
    }

    /// The same, with the session it was done with.
    #[must_use]
    pub fn with_session(mut self, session: Option<String>) -> Self {
        self.session = session;
        self
    }
}

/// The kinds of things that the audit knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Read something.
    Read,
    /// Read where people are.
    ReadPositions,
    /// Read an intelligence report.
    ReadIntelligence,
    /// Signed in.
    SignedIn,
    /// Tried to sign in and was refused.
    SignInRefused,
    /// Signed out.
    SignedOut,
    /// Made a sign-in link for somebody.
    LinkMade,
    /// Set a password.
    PasswordSet,
    /// Added or removed a second factor or passkey.
    SecondFactorSet,
    /// Asked for, confirmed or refused the reset of somebody's sign-in.
    Reset,
    /// Ended a session.
    SessionEnded,
    /// Cut off everything of a lost phone.
    PhoneLost,
    /// Made a source's token.
    TokenMade,
    /// Revoked a source's token.
    TokenRevoked,
    /// Issued a client certificate or enrolment package.
    CertificateIssued,
    /// Revoked a client certificate.
    CertificateRevoked,
    /// Subscribed a device to push, or took it off.
    PushSet,
    /// Asked by themself, with STOP or START, not to be reached over a channel, or to be reached again.
    ChannelSet,
    /// Was given a bulletin as an alert of the CAP feed: a partner's system, named `partner.AGENCY`.
    AlertGiven,
    /// Made a partner's token.
    PartnerTokenMade,
    /// Revoked a partner's token.
    PartnerTokenRevoked,
    /// Issued a bulletin without a second person.
    GlassBroken,
    /// Approved that a bulletin opens to more people than what it rests on.
    ReleaseWidened,
    /// Issued a bulletin without having seen all that it rests on.
    ApprovedUnseen,
}

impl Deed {
    /// Its word, as recorded and shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadPositions => "read_positions",
            Self::ReadIntelligence => "read_intelligence",
            Self::SignedIn => "signed_in",
            Self::SignInRefused => "sign_in_refused",
            Self::SignedOut => "signed_out",
            Self::LinkMade => "link_made",
            Self::PasswordSet => "password_set",
            Self::SecondFactorSet => "second_factor_set",
            Self::Reset => "reset",
            Self::SessionEnded => "session_ended",
            Self::PhoneLost => "phone_lost",
            Self::TokenMade => "token_made",
            Self::TokenRevoked => "token_revoked",
            Self::CertificateIssued => "certificate_issued",
            Self::CertificateRevoked => "certificate_revoked",
            Self::PushSet => "push_set",
            Self::ChannelSet => "channel_set",
            Self::AlertGiven => "alert_given",
            Self::PartnerTokenMade => "partner_token_made",
            Self::PartnerTokenRevoked => "partner_token_revoked",
            Self::GlassBroken => "glass_broken",
            Self::ReleaseWidened => "release_widened",
            Self::ApprovedUnseen => "approved_unseen",
        }
    }
}
