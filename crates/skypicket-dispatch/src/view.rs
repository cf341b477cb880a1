//! What people at the centre, and each recipient, can see of a notice: [`RecipientState`], [`OpenNotice`], [`Counts`].

use crate::{
    policy::Policy,
    state::{Due, Head, Row, Trouble},
};
use serde::{Deserialize, Serialize};
use skypicket_model::{Channel, Level, NoticeId, PersonId, Reached, Time, delivery::Rule};

/// One person on the list of a notice's newest version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools)] // each is a column that people look at, independent of the others
pub struct RecipientState {
    /// Who.
    pub person: PersonId,
    /// Why they are on it.
    pub rule: Rule,
    /// The channel that got furthest (the last one tried among equals).
    pub channel: Option<Channel>,
    /// How far that is, of the newest version.
    pub reached: Reached,
    /// Attempts of the newest version over all channels.
    pub attempts: u32,
    /// They may get it more than once.
    pub may_repeat: bool,
    /// When they acknowledged what was asked of them last.
    pub acknowledged_at: Option<Time>,
    /// An acknowledgement of theirs is waited for: show them the button. Also true for a leader who was told of
    /// somebody silent, and for the watch while nobody at the centre has taken an urgent warning.
    pub owes: bool,
    /// The leader who was told of their silence last.
    pub escalated_to: Option<PersonId>,
    /// That leader, or one before, has taken it.
    pub escalation_answered: bool,
    /// Nobody is left to tell: a person at the centre must call.
    pub silent: bool,
    /// People whose silence they were told and have not taken yet.
    pub carries: Vec<PersonId>,
    /// Why their client does not have it (a fixed word), shown also while another channel is being tried; `None` once
    /// it has it.
    pub trouble: Option<String>,
    /// What is due next for them.
    pub next: Option<Next>,
}

/// What is due next, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// What.
    pub what: Due,
    /// When.
    pub at: Time,
}

impl RecipientState {
    pub(crate) fn of(person: &PersonId, head: &Head, row: &Row, policy: &Policy) -> Self {
        let best = row.slots.iter().enumerate().max_by_key(|(k, s)| (s.reached, *k)).map(|(_, s)| s);
        let trouble = if row.is_delivered() { None } else { row.slots.iter().rev().find_map(|s| s.trouble) };
        Self {
            person: person.clone(),
            rule: row.rule,
            channel: best.map(|s| s.channel),
            reached: best.map_or(Reached::Queued, |s| s.reached),
            attempts: row.slots.iter().map(|s| s.attempts).sum(),
            may_repeat: row.slots.iter().any(|s| s.may_repeat),
            acknowledged_at: row.acked.as_ref().filter(|_| row.has_acked(head)).map(|a| a.at),
            owes: row.owes(head, person),
            escalated_to: row.escalation.as_ref().map(|e| e.to.clone()),
            escalation_answered: row.escalation.as_ref().is_some_and(|e| e.answered),
            silent: row.silent,
            carries: row.carries.iter().cloned().collect(),
            trouble: trouble.map(Trouble::word).map(Into::into),
            next: row.next(head, policy).map(|(at, what)| Next { what, at }),
        }
    }
}

/// A notice that a person is on the list of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenNotice {
    /// Which.
    pub notice: NoticeId,
    /// Its newest version.
    pub version: u32,
    /// Its level.
    pub level: Level,
    /// How it stands with this person.
    pub state: RecipientState,
}

/// How many of a notice's recipients are how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Everybody on the list.
    pub recipients: u32,
    /// Not handed to any channel.
    pub queued: u32,
    /// Handed over; no receipt yet ("sent, not seen").
    pub sent: u32,
    /// On a machine of theirs, not on its screen.
    pub delivered: u32,
    /// On their screen.
    pub shown: u32,
    /// Acknowledged what was asked.
    pub acknowledged: u32,
    /// Asked and not acknowledged.
    pub owing: u32,
    /// Escalated, nobody has taken it, nobody is left.
    pub silent: u32,
    /// With trouble.
    pub trouble: u32,
}

impl Counts {
    pub(crate) fn add(&mut self, r: &RecipientState) {
        self.recipients += 1;
        *match r.reached {
            Reached::Queued => &mut self.queued,
            Reached::Sent => &mut self.sent,
            Reached::Delivered => &mut self.delivered,
            Reached::Shown => &mut self.shown,
        } += 1;
        self.acknowledged += u32::from(r.acknowledged_at.is_some());
        self.owing += u32::from(r.owes);
        self.silent += u32::from(r.silent);
        self.trouble += u32::from(r.trouble.is_some());
    }
}
