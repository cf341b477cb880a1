//! What people at the centre, and each recipient, can see of a notice: [`RecipientState`], [`OpenNotice`], [`Counts`].

use crate::{
    measures::Ticks,
    policy::Policy,
    state::{Call, Due, Head, Row, Trouble},
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
    /// Over what.
    pub acknowledged_via: Option<Channel>,
    /// Who at the centre said so for them; `None` when they did it themselves.
    pub acknowledged_by: Option<PersonId>,
    /// What came of the last call to them.
    pub call: Option<Call>,
    /// What they have done of the checklist ([`crate::Dispatcher::checklist`]).
    #[serde(default)]
    pub done: Ticks,
    /// Which reminder they were given last: clients alarm again for a higher one.
    pub reminder: u32,
    /// An acknowledgement of theirs is waited for: show them the button. Also true for a leader who was told of
    /// somebody silent, and for the watch while nobody at the centre has taken an urgent warning.
    pub owes: bool,
    /// A leader was told of their silence, and it lasts.
    #[serde(default)]
    pub escalated: bool,
    /// Somebody at the centre found that nobody need wait for them.
    #[serde(default)]
    pub excused: bool,
    /// Nothing is on its way to them: every way was tried, or there is none.
    #[serde(default)]
    pub unreachable: bool,
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
        let ack = row.acked.as_ref().filter(|_| row.has_acked(head));
        let trouble = row.trouble();
        Self {
            person: person.clone(),
            rule: row.rule,
            channel: best.map(|s| s.channel),
            reached: best.map_or(Reached::Queued, |s| s.reached),
            attempts: row.slots.iter().map(|s| s.attempts).sum(),
            may_repeat: row.slots.iter().any(|s| s.may_repeat),
            acknowledged_at: ack.map(|a| a.at),
            acknowledged_via: ack.map(|a| a.via),
            acknowledged_by: ack.and_then(|a| a.by.clone()),
            call: row.call.clone(),
            done: row.done,
            reminder: row.reminded,
            owes: row.owes(head, person),
            escalated: row.is_escalated(head, person),
            excused: row.is_excused() && !row.has_acked(head),
            unreachable: row.stuck().is_some(),
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
    /// Asked and not acknowledged, and one of their leaders was told.
    #[serde(default)]
    pub escalated: u32,
    /// Escalated, nobody has taken it, nobody is left.
    pub silent: u32,
    /// With trouble that somebody can do something about.
    pub trouble: u32,
    /// Of those, whom nothing is on its way to: every way was tried, or there is none.
    #[serde(default)]
    pub unreachable: u32,
    /// Asked and not acknowledged, and somebody at the centre found that nobody need wait for them.
    #[serde(default)]
    pub excused: u32,
}

/// What one row counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tally(u16);

impl Tally {
    const LISTED: u16 = 1 << 2;
    const ACKNOWLEDGED: u16 = 1 << 3;
    const OWING: u16 = 1 << 4;
    const ESCALATED: u16 = 1 << 5;
    const SILENT: u16 = 1 << 6;
    const TROUBLE: u16 = 1 << 7;
    const UNREACHABLE: u16 = 1 << 8;
    const EXCUSED: u16 = 1 << 9;

    /// How many kinds of need there are.
    pub(crate) const NEEDS: usize = 4;

    /// Why somebody at the centre should look at it, the most pressing first: silent, escalated, in trouble, owing.
    pub(crate) fn need(self) -> Option<usize> {
        [Self::SILENT, Self::ESCALATED, Self::TROUBLE, Self::OWING].into_iter().position(|bit| self.0 & bit != 0)
    }

    pub(crate) fn of(person: &PersonId, head: &Head, row: &Row) -> Self {
        let reached = match row.reached() {
            Reached::Queued => 0,
            Reached::Sent => 1,
            Reached::Delivered => 2,
            Reached::Shown => 3,
        };
        let mut tally = Self::LISTED | reached;
        for (bit, set) in [
            (Self::ACKNOWLEDGED, row.has_acked(head)),
            (Self::OWING, row.owes(head, person)),
            (Self::ESCALATED, row.is_escalated(head, person)),
            (Self::SILENT, row.silent),
            (Self::TROUBLE, row.trouble().is_some_and(|t| t != Trouble::Overtaken)),
            (Self::UNREACHABLE, row.stuck().is_some()),
            (Self::EXCUSED, row.is_excused() && !row.has_acked(head)),
        ] {
            if set {
                tally |= bit;
            }
        }
        Self(tally)
    }
}

impl Counts {
    pub(crate) fn give(&mut self, tally: Tally) {
        self.change(tally, |n| *n += 1);
    }

    pub(crate) fn take(&mut self, tally: Tally) {
        self.change(tally, |n| *n = n.saturating_sub(1));
    }

    fn change(&mut self, Tally(t): Tally, by: impl Fn(&mut u32)) {
        if t & Tally::LISTED == 0 {
            return;
        }
        by(&mut self.recipients);
        by(match t & 0b11 {
            0 => &mut self.queued,
            1 => &mut self.sent,
            2 => &mut self.delivered,
            _ => &mut self.shown,
        });
        for (bit, n) in [
            (Tally::ACKNOWLEDGED, &mut self.acknowledged),
            (Tally::OWING, &mut self.owing),
            (Tally::ESCALATED, &mut self.escalated),
            (Tally::SILENT, &mut self.silent),
            (Tally::TROUBLE, &mut self.trouble),
            (Tally::UNREACHABLE, &mut self.unreachable),
            (Tally::EXCUSED, &mut self.excused),
        ] {
            if t & bit != 0 {
                by(n);
            }
        }
    }
}
