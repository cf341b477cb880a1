//! [`Case`]: one notice with everybody on its list; and how each recorded event changes it.
//!
//! [`apply_event`] is the only place where an event changes state. It works on any [`Store`], so that deciding (on
//! copies of the few rows that it touches) and applying (on the real ones) cannot part.

use crate::{measures::Ticks, policy::Policy, rows::Rows, view::Tally};
use serde::{Deserialize, Serialize};
use skypicket_model::{
    About, Area, Audience, CallStatus, Channel, Delivery, DeliveryId, DispatchEvent, Level, Marking, Notice, NoticeId,
    PersonId, ProtectedId, Reached, Subscription, Time, delivery::Rule,
};
use std::collections::BTreeSet;

/// Why a delivery is not further: the closed set behind [`Delivery::trouble`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// None of the person's channels is up.
    NoChannelUp,
    /// The person has no channel at all in the directory.
    NoChannel,
    /// This channel went down before a receipt came; another is up.
    ChannelDown,
    /// The marking does not let this person see it: nothing was sent.
    NotReleasable,
    /// The directory does not know the person.
    NotInDirectory,
    /// The attempt surely did not get through.
    Failed,
    /// Nobody can tell whether the attempt got through.
    Ambiguous,
    /// Handed over, but the person's client did not confirm in time.
    NoReceipt,
    /// The provider refused it for good: trying again is no use.
    Refused,
    /// It was over before it could be handed over: nothing was sent.
    Overtaken,
}

impl Trouble {
    const ALL: [Self; 10] = [
        Self::NoChannelUp,
        Self::NoChannel,
        Self::ChannelDown,
        Self::NotReleasable,
        Self::NotInDirectory,
        Self::Failed,
        Self::Ambiguous,
        Self::NoReceipt,
        Self::Refused,
        Self::Overtaken,
    ];

    /// The fixed word, as in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoChannelUp => "no_channel_up",
            Self::NoChannel => "no_channel",
            Self::ChannelDown => "channel_down",
            Self::NotReleasable => "not_releasable",
            Self::NotInDirectory => "not_in_directory",
            Self::Failed => "failed",
            Self::Ambiguous => "ambiguous",
            Self::NoReceipt => "no_receipt",
            Self::Refused => "refused",
            Self::Overtaken => "overtaken",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.word() == word)
    }
}

/// What dispatch must know of a version, without its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) number: u32,
    pub(crate) level: Level,
    /// It is the last one.
    pub(crate) cleared: bool,
    pub(crate) needs_ack: bool,
    pub(crate) at: Time,
    pub(crate) code: String,
    pub(crate) marking: Marking,
    /// Whom a warning is for.
    #[serde(default)]
    pub(crate) protected: Option<ProtectedId>,
    /// Whom a bulletin is for.
    #[serde(default)]
    pub(crate) audience: Option<Vec<Audience>>,
    /// Where it is about.
    #[serde(default)]
    pub(crate) area: Option<Area>,
    #[serde(default)]
    pub(crate) expires_at: Option<Time>,
    /// Its checklist: the measures' names in the library.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) measures: Vec<String>,
}

impl Version {
    pub(crate) fn is_bulletin(&self) -> bool {
        self.audience.is_some()
    }

    /// Nobody may be alarmed by it any more.
    pub(crate) fn is_late(&self, now: Time) -> bool {
        !self.cleared && self.expires_at.is_some_and(|t| t <= now)
    }

    /// It says that something said before is no longer so: it must reach whoever had that, over whatever they had it.
    fn corrects(&self) -> bool {
        self.cleared || self.is_bulletin() && self.number > 1
    }

    /// Somebody asked to be told of such.
    pub(crate) fn suits(&self, wish: &Subscription) -> bool {
        let there = match (&wish.area, &self.area) {
            (Some(wanted), Some(area)) => wanted.meets(area),
            (Some(_), None) => false,
            (None, _) => true,
        };
        self.level >= wish.level && there
    }
}

impl From<&Notice> for Version {
    fn from(n: &Notice) -> Self {
        Self {
            number: n.version,
            level: n.level,
            cleared: n.state.ended(),
            needs_ack: n.needs_ack,
            at: n.at,
            code: n.code.clone(),
            marking: n.marking.clone(),
            protected: n.warning().map(|w| w.protected.clone()),
            audience: n.bulletin().map(|b| b.audience.clone()),
            area: match &n.about {
                About::Bulletin(b) => b.area.clone(),
                About::Warning(w) => Some(Area::Circle { centre: w.facts.track_at, radius_m: 1.0 }),
            },
            expires_at: n.expires_at,
            measures: n
                .bulletin()
                .and_then(|b| b.sheet.as_ref())
                .map(|s| s.measures.iter().take(Ticks::MOST).map(|m| m.id.clone()).collect())
                .unwrap_or_default(),
        }
    }
}

/// What a notice is to everybody on its list.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The newest versions heard of, oldest first, at most [`Head::VERSIONS`].
    pub(crate) versions: Vec<Version>,
    /// The version whose list is fixed; 0 before the first.
    pub(crate) current: u32,
    /// The newest version that asked for acknowledgement.
    pub(crate) asked: Option<u32>,
    /// When it was cleared.
    pub(crate) cleared_at: Option<Time>,
    pub(crate) centre: Centre,
    /// The version that was current when the record was restored: it may have gone out to anybody before.
    #[serde(default)]
    pub(crate) restored: Option<u32>,
    /// As it stands in the index of timers.
    pub(crate) timer: Option<Time>,
}

/// Whether the centre has taken a notice.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Centre {
    /// Since when it is asked.
    pub(crate) asked_at: Option<Time>,
    /// Everybody on the list who works at the watch, by whatever rule they are on it.
    pub(crate) people: BTreeSet<PersonId>,
    /// Those who are on it only as the watch.
    pub(crate) watch: BTreeSet<PersonId>,
    /// One of them acknowledged what was asked.
    pub(crate) taken: bool,
    /// Supervisors told that nobody did, in order.
    pub(crate) tried: Vec<PersonId>,
    /// When the last of them was told.
    pub(crate) told_at: Option<Time>,
    /// One of those took it.
    pub(crate) answered: bool,
    /// Nobody is left to tell.
    pub(crate) silent: bool,
}

impl Centre {
    pub(crate) fn is_open(&self) -> bool {
        self.asked_at.is_some() && !self.watch.is_empty() && !self.taken && !self.answered && !self.silent
    }
}

impl Head {
    /// Versions remembered, so that a late code or acknowledgement of an older one is understood.
    pub(crate) const VERSIONS: usize = 16;

    pub(crate) fn version(&self, version: u32) -> Option<&Version> {
        self.versions.iter().rev().find(|v| v.number == version)
    }

    pub(crate) fn newest(&self) -> Option<&Version> {
        self.version(self.current)
    }

    pub(crate) fn is_bulletin(&self) -> bool {
        self.newest().is_some_and(Version::is_bulletin)
    }

    /// Keeps a version that is heard of for the first time.
    pub(crate) fn hear(&mut self, version: Version) {
        // What ended stays so, whatever comes late.
        let ended = self.versions.iter().any(|v| v.cleared);
        if !ended && self.versions.iter().all(|v| v.number < version.number) {
            self.versions.push(version);
            let over = self.versions.len().saturating_sub(Self::VERSIONS);
            // The asked version stays, since acknowledgements are judged by it.
            let asked = self.asked;
            let mut dropped = 0;
            self.versions.retain(|v| {
                let drop = dropped < over && Some(v.number) != asked;
                dropped += usize::from(drop);
                !drop
            });
        }
    }

    /// The list of a heard version is not fixed yet.
    pub(crate) fn is_undecided(&self) -> bool {
        self.versions.last().is_some_and(|v| v.number > self.current)
    }

    /// When something is due for the notice as a whole, and what.
    pub(crate) fn next(&self, policy: &Policy) -> Option<(Time, Due)> {
        if let Some(at) = self.cleared_at {
            return Some((at.plus_s(policy.times(self.is_bulletin()).retention_s), Due::Forget));
        }
        // Only an urgent warning must be taken at the centre (R1: few interrupting alarms).
        if !self.centre.is_open() || self.newest()?.level != Level::Urgent {
            return None;
        }
        let at = match self.centre.told_at {
            None => self.centre.asked_at?.plus_s(policy.centre_s),
            Some(told) => told.plus_s(policy.supervisor_s),
        };
        Some((at, Due::Escalate))
    }
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// A receipt must be there by then, else the next channel.
    Receipt,
    /// A failed attempt is repeated.
    Retry,
    /// An acknowledgement must be there by then, else they are reminded.
    Remind,
    /// An acknowledgement must be there by then, else the next on the chain is told.
    Escalate,
    /// Their acknowledgement counts no longer: they are asked again.
    Lapse,
    /// A cleared notice is forgotten.
    Forget,
}

/// One person on a notice's list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools)] // each is a fact of its own
pub(crate) struct Row {
    pub(crate) rule: Rule,
    /// One per channel used for the current version, in order of first use.
    pub(crate) slots: Vec<Slot>,
    /// Since when an acknowledgement is asked of them (never of [`Rule::Centre`] and [`Rule::Escalation`]).
    pub(crate) asked_at: Option<Time>,
    pub(crate) acked: Option<Ack>,
    /// To whom their silence was told last.
    pub(crate) escalation: Option<Escalation>,
    /// Everybody whom it was told.
    pub(crate) tried: Vec<PersonId>,
    /// Nobody is left to tell.
    pub(crate) silent: bool,
    /// Whose silence they were told and have not taken yet.
    pub(crate) carries: BTreeSet<PersonId>,
    /// As it stands in the index of timers.
    pub(crate) timer: Option<Time>,
    /// Channels over which they have, or may have, an older version.
    #[serde(default)]
    pub(crate) heard_over: BTreeSet<Channel>,
    /// The newest reminder, counted over all versions so that clients know a newer one.
    #[serde(default)]
    pub(crate) reminded: u32,
    /// The same when it was asked last.
    #[serde(default)]
    pub(crate) reminded_before: u32,
    #[serde(default)]
    pub(crate) reminded_at: Option<Time>,
    /// What came of the last call to them.
    #[serde(default)]
    pub(crate) call: Option<Call>,
    /// It is a machine: nothing is asked of it.
    #[serde(default)]
    pub(crate) device: bool,
    /// They are shut out: nobody waits for them.
    #[serde(default)]
    pub(crate) out: bool,
    /// What they have done of the current version's checklist.
    #[serde(default, skip_serializing_if = "Ticks::is_empty")]
    pub(crate) done: Ticks,
    /// As it stands in the counts.
    #[serde(skip)]
    pub(crate) tally: Tally,
    /// Touched since whoever follows the changes was told last.
    #[serde(skip)]
    pub(crate) changed: bool,
}

/// A call by somebody at the centre.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// What came of it.
    pub status: CallStatus,
    /// Who called.
    pub by: PersonId,
    /// When.
    pub at: Time,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ack {
    pub(crate) version: u32,
    pub(crate) at: Time,
    pub(crate) via: Channel,
    /// Who said so for them.
    #[serde(default)]
    pub(crate) by: Option<PersonId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Escalation {
    pub(crate) to: PersonId,
    pub(crate) at: Time,
    /// One of those told has taken it.
    pub(crate) answered: bool,
}

/// One delivery on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Slot {
    pub(crate) id: DeliveryId,
    pub(crate) channel: Channel,
    pub(crate) reached: Reached,
    pub(crate) attempts: u32,
    pub(crate) may_repeat: bool,
    pub(crate) trouble: Option<Trouble>,
    pub(crate) phase: Phase,
    /// Since when it is in this phase.
    pub(crate) since: Time,
    /// The provider accepted the present attempt: nothing that it says later turns that into a retry on this channel.
    pub(crate) accepted: bool,
    /// Attempts in a row that nobody can tell of.
    pub(crate) ambiguous: u32,
    /// Attempts in a row that surely failed.
    #[serde(default)]
    pub(crate) failures: u32,
    #[serde(default)]
    pub(crate) reminder: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// Not handed over: goes as soon as its channel is up.
    Waiting,
    /// Handed over; no receipt yet.
    Pending,
    /// Surely not through; may be repeated after a while.
    Failed,
    /// Enough attempts; nothing more unless the channel comes up anew.
    Spent,
    /// The person's client has it.
    Done,
}

impl Slot {
    pub(crate) fn new(id: DeliveryId, channel: Channel, now: Time) -> Self {
        Self {
            id,
            channel,
            reached: Reached::Queued,
            attempts: 0,
            may_repeat: false,
            trouble: None,
            phase: Phase::Waiting,
            since: now,
            accepted: false,
            ambiguous: 0,
            failures: 0,
            reminder: 0,
        }
    }

    /// The person may have it: it was handed over, and not surely in vain.
    fn may_have(&self) -> bool {
        let in_vain = matches!(self.trouble, Some(Trouble::Failed | Trouble::Refused));
        // A receipt without an attempt: they looked by themselves.
        self.reached > Reached::Queued || self.attempts > 0 && (!in_vain || self.may_repeat)
    }

    /// A stranger's machine took the present attempt.
    pub(crate) fn took_over(&self) -> bool {
        self.accepted && self.channel.is_relayed()
    }

    /// What the machine that took it says of its handing on still counts: nobody of the person's has it yet.
    pub(crate) fn awaits_report(&self) -> bool {
        self.phase == Phase::Pending || self.phase == Phase::Spent && self.trouble == Some(Trouble::NoReceipt)
    }

    /// Their machine has it, or a stranger's machine that took it may have handed it on.
    pub(crate) fn is_out_of_hand(&self) -> bool {
        let in_vain = matches!(self.trouble, Some(Trouble::Failed | Trouble::Refused));
        self.phase == Phase::Done || self.took_over() && !in_vain
    }

    /// As people and channels see it.
    pub(crate) fn delivery(&self, notice: NoticeId, version: u32, person: &PersonId) -> Delivery {
        Delivery {
            id: self.id,
            notice,
            version,
            person: person.clone(),
            channel: self.channel,
            reached: self.reached,
            attempts: self.attempts,
            may_repeat: self.may_repeat,
            trouble: self.trouble.map(|t| t.word().into()),
            reminder: self.reminder,
        }
    }

    /// When the wait for a receipt ends.
    pub(crate) fn receipt_due(&self, policy: &Policy) -> Option<Time> {
        (self.phase == Phase::Pending).then(|| self.since.plus_s(policy.receipt_s.of(self.channel)))
    }

    /// When it may be tried again after a sure failure.
    pub(crate) fn retry_due(&self, policy: &Policy) -> Option<Time> {
        (self.phase == Phase::Failed).then(|| {
            let doublings = self.failures.saturating_sub(1).min(16);
            let wait = policy.retry_s * f64::from(1_u32 << doublings);
            self.since.plus_s(wait.min(policy.retry_most_s.max(policy.retry_s)))
        })
    }

    /// May be handed over now if its channel is up.
    pub(crate) fn is_ready(&self, policy: &Policy, now: Time) -> bool {
        self.phase == Phase::Waiting || self.retry_due(policy).is_some_and(|t| t <= now)
    }

    fn take(&mut self, d: &Delivery) {
        self.reached = self.reached.max(d.reached);
        self.attempts = self.attempts.max(d.attempts);
        self.may_repeat = d.may_repeat;
        self.trouble = d.trouble.as_deref().and_then(Trouble::from_word);
        self.reminder = self.reminder.max(d.reminder);
    }

    fn attempted(&mut self, d: &Delivery, now: Time) {
        self.take(d);
        if self.phase == Phase::Spent {
            self.ambiguous = 0;
        }
        if self.phase != Phase::Failed {
            self.failures = 0;
        }
        self.accepted = false;
        self.since = now;
        self.phase = if self.reached >= Reached::Delivered { Phase::Done } else { Phase::Pending };
    }

    fn moved(&mut self, d: &Delivery, policy: &Policy, now: Time) {
        let before = self.phase;
        let known = self.trouble;
        self.take(d);
        let after = if self.reached >= Reached::Delivered {
            Phase::Done
        } else {
            match self.trouble {
                // A stranger's machine took it and could not hand it on, in whichever order it said so: no retry there.
                Some(Trouble::Failed) if self.took_over() => Phase::Spent,
                // A late "accepted" moves `reached` only: the trouble that was there stays, and so does the phase.
                _ if self.trouble == known && before != Phase::Pending => before,
                // The connection broke, and then came word that the attempt had got through to the provider.
                None if before == Phase::Waiting && self.is_out_of_hand() => Phase::Pending,
                None => before,
                Some(Trouble::Failed) => {
                    self.failures += 1;
                    Phase::Failed
                }
                Some(Trouble::NoReceipt | Trouble::Refused) => Phase::Spent,
                Some(Trouble::Ambiguous) => {
                    self.ambiguous += 1;
                    if self.ambiguous >= policy.max_ambiguous { Phase::Spent } else { Phase::Waiting }
                }
                Some(_) => Phase::Waiting,
            }
        };
        if after != before {
            if after != Phase::Failed {
                self.failures = 0;
            }
            self.phase = after;
            self.since = now;
        }
    }
}

impl Row {
    pub(crate) fn new(rule: Rule) -> Self {
        Self {
            rule,
            slots: Vec::new(),
            asked_at: None,
            acked: None,
            escalation: None,
            tried: Vec::new(),
            silent: false,
            carries: BTreeSet::new(),
            timer: None,
            heard_over: BTreeSet::new(),
            reminded: 0,
            reminded_before: 0,
            reminded_at: None,
            call: None,
            device: false,
            out: false,
            done: Ticks::default(),
            tally: Tally::default(),
            changed: false,
        }
    }

    /// The channels that the version must go over, whatever else it goes over: those over which they have what it
    /// corrects.
    pub(crate) fn must<'a>(&'a self, version: &Version) -> impl Iterator<Item = Channel> + use<'a> {
        self.heard_over.iter().copied().filter({
            let corrects = version.corrects();
            move |_| corrects
        })
    }

    /// Whether a version may go over a channel: what ended alarms nobody who never had it.
    pub(crate) fn may_use(&self, version: &Version, channel: Channel) -> bool {
        !version.cleared || !channel.alarms() || self.heard_over.contains(&channel)
    }

    /// Somebody at the centre found that nobody need wait for them.
    pub(crate) fn is_excused(&self) -> bool {
        self.call.as_ref().is_some_and(|c| c.status == CallStatus::Unavailable)
    }

    pub(crate) fn slot(&self, channel: Channel) -> Option<&Slot> {
        self.slots.iter().find(|s| s.channel == channel)
    }

    /// The person's client has the current version.
    pub(crate) fn is_delivered(&self) -> bool {
        self.slots.iter().any(|s| s.phase == Phase::Done)
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.slots.iter().any(|s| s.phase == Phase::Pending)
    }

    /// How far the channel that got furthest is.
    pub(crate) fn reached(&self) -> Reached {
        self.slots.iter().map(|s| s.reached).max().unwrap_or(Reached::Queued)
    }

    /// Why their client does not have it; `None` once it has.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        if self.is_delivered() { None } else { self.slots.iter().rev().find_map(|s| s.trouble) }
    }

    /// The trouble of one whom nothing is on its way to. What they may not see, and what came too late, says nothing
    /// about whether they can be reached.
    pub(crate) fn stuck(&self) -> Option<Trouble> {
        self.trouble().filter(|t| !self.is_pending() && !matches!(t, Trouble::NotReleasable | Trouble::Overtaken))
    }

    /// Whether it is asked of them themselves: they are on the list of a warning because of the danger, or of a bulletin
    /// because it is for them.
    pub(crate) fn is_primary(&self, bulletin: bool) -> bool {
        let asked = if bulletin {
            !matches!(self.rule, Rule::Subscription | Rule::Escalation)
        } else {
            matches!(self.rule, Rule::InDanger | Rule::SiteUnit)
        };
        asked && !self.device
    }

    /// Their acknowledgement covers what was asked.
    pub(crate) fn has_acked(&self, head: &Head) -> bool {
        self.acked.as_ref().is_some_and(|a| head.asked.is_none_or(|asked| a.version >= asked))
    }

    /// An acknowledgement of theirs is waited for: their own, or as a leader for somebody silent, or as the watch.
    pub(crate) fn owes(&self, head: &Head, person: &PersonId) -> bool {
        if head.cleared_at.is_some() || self.out {
            return false;
        }
        !self.carries.is_empty() || self.owes_own(head, person)
    }

    /// The same without what they owe as a leader.
    fn owes_own(&self, head: &Head, person: &PersonId) -> bool {
        let own = self.asked_at.is_some() && head.asked.is_some() && !self.has_acked(head) && !self.is_excused();
        let watch = || {
            head.centre.asked_at.is_some()
                && !head.centre.taken
                && head.newest().is_some_and(|v| v.level == Level::Urgent)
                && head.centre.watch.contains(person)
        };
        own || watch()
    }

    /// A leader was told of their silence, and it lasts.
    pub(crate) fn is_escalated(&self, head: &Head, person: &PersonId) -> bool {
        self.escalation.is_some() && head.cleared_at.is_none() && !self.out && self.owes_own(head, person)
    }

    /// When something is due for this person, and what.
    pub(crate) fn next(&self, head: &Head, policy: &Policy) -> Option<(Time, Due)> {
        let (delivered, pending) = (self.is_delivered(), self.is_pending());
        let receipt = (!delivered && pending)
            .then(|| self.slots.iter().filter_map(|s| s.receipt_due(policy)).min())
            .flatten()
            .map(|t| (t, Due::Receipt));
        let must = |c: Channel| self.heard_over.contains(&c) && head.newest().is_some_and(Version::corrects);
        let again = |s: &&Slot| !delivered && !pending || must(s.channel);
        let failed = self.slots.iter().filter(|s| s.phase == Phase::Failed).filter(again);
        let retry = failed.filter_map(|s| s.retry_due(policy)).min().map(|t| (t, Due::Retry));
        let remind = self.remind_due(head, policy).map(|t| (t, Due::Remind));
        let escalate = self.escalate_due(head, policy).map(|t| (t, Due::Escalate));
        let lapse = self.lapse_due(head, policy).map(|t| (t, Due::Lapse));
        receipt.into_iter().chain(retry).chain(remind).chain(escalate).chain(lapse).min()
    }

    /// Their own acknowledgement is asked for and not there, of a notice that goes on.
    fn is_waited_for(&self, head: &Head) -> bool {
        self.is_primary(head.is_bulletin())
            && !self.is_excused()
            && !self.out
            && !self.silent
            && head.cleared_at.is_none()
            && head.asked.is_some()
            && !self.has_acked(head)
    }

    /// When they are to be reminded: they have it, as far as anybody can know, and say nothing.
    pub(crate) fn remind_due(&self, head: &Head, policy: &Policy) -> Option<Time> {
        let given = self.reminded.saturating_sub(self.reminded_before);
        if !self.is_waited_for(head) || !self.slots.iter().any(Slot::is_out_of_hand) || given >= policy.most_reminders {
            return None;
        }
        let newest = head.newest()?;
        let asked = self.asked_at?;
        let from = self.reminded_at.filter(|_| given > 0).map_or(asked, |t| t.max(asked));
        let due = from.plus_s(policy.times(newest.is_bulletin()).remind_s.of(newest.level));
        newest.expires_at.is_none_or(|t| due < t).then_some(due)
    }

    /// When the next leader is to be told of this person's silence.
    pub(crate) fn escalate_due(&self, head: &Head, policy: &Policy) -> Option<Time> {
        if !self.is_waited_for(head) {
            return None;
        }
        let newest = head.newest()?;
        let times = policy.times(newest.is_bulletin());
        let due = match &self.escalation {
            None => self.asked_at?.plus_s(times.acknowledge_s.of(newest.level)),
            Some(e) if e.answered => return None,
            Some(e) => e.at.plus_s(times.supervisor_s),
        };
        newest.expires_at.is_none_or(|t| due < t).then_some(due)
    }

    /// When their acknowledgement counts no longer.
    pub(crate) fn lapse_due(&self, head: &Head, policy: &Policy) -> Option<Time> {
        let asked = self.is_primary(head.is_bulletin()) && !self.out;
        let asked = asked && head.cleared_at.is_none() && head.asked.is_some();
        let ack = self.acked.as_ref().filter(|_| asked && self.has_acked(head))?;
        let newest = head.newest()?;
        let due = ack.at.plus_s(policy.times(newest.is_bulletin()).lapse_s.of(newest.level)?);
        newest.expires_at.is_none_or(|t| due < t).then_some(due)
    }

    /// A new version replaces what was on its way.
    fn begin(&mut self, person: &PersonId, rule: Rule, version: &Version, asked: bool, set: Setting<'_>) {
        let now = set.now;
        self.rule = rule;
        self.device = set.devices.contains(person);
        self.out = set.out.contains(person);
        self.heard_over.extend(self.slots.iter().filter(|s| s.may_have()).map(|s| s.channel));
        self.slots.clear();
        let primary = self.is_primary(version.is_bulletin());
        if version.cleared {
            self.carries.clear();
        } else if version.needs_ack {
            self.ask(primary.then_some(now));
            self.carries.clear();
        } else if asked && primary && self.asked_at.is_none() {
            // New on the list with a quiet version: nobody knows yet that they know.
            self.asked_at = Some(now);
        }
    }

    /// The clocks of their acknowledgement start anew.
    fn ask(&mut self, at: Option<Time>) {
        self.asked_at = at;
        self.reminded_before = self.reminded;
        self.escalation = None;
        self.tried.clear();
        self.silent = false;
        // Who was excused was so from what was asked then.
        self.call = None;
    }
}

/// The rule that asks more of somebody who is meant by two: of a warning first those whom it endangers, then the watch,
/// who must take it, then all who are only told.
pub(crate) fn stronger(a: Rule, b: Rule) -> Rule {
    let rank = |rule| match rule {
        Rule::InDanger | Rule::SiteUnit => (0, rule),
        Rule::Centre => (1, rule),
        _ => (2, rule),
    };
    if rank(a) <= rank(b) { a } else { b }
}

/// Where cases are kept while an event is applied.
pub(crate) trait Store {
    /// To read it only.
    fn look(&self, notice: NoticeId) -> Option<&Head>;
    fn head(&mut self, notice: NoticeId) -> Option<&mut Head>;
    fn row(&mut self, notice: NoticeId, person: &PersonId) -> Option<&mut Row>;
    fn add_row(&mut self, notice: NoticeId, person: &PersonId, row: Row);
}

/// What applying an event depends on beside the case.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) watch: &'a BTreeSet<PersonId>,
    pub(crate) devices: &'a BTreeSet<PersonId>,
    /// Who is shut out.
    pub(crate) out: &'a BTreeSet<PersonId>,
    pub(crate) now: Time,
}

/// Changes the case as the event says.
pub(crate) fn apply_event(store: &mut impl Store, set: Setting<'_>, event: &DispatchEvent) {
    match event {
        DispatchEvent::Recipients { notice, version, people } => recipients(store, set, *notice, *version, people),
        DispatchEvent::Attempt { delivery: d } => {
            if let Some(slot) = slot_of(store, d, set.now) {
                slot.attempted(d, set.now);
            }
        }
        DispatchEvent::Moved { delivery: d } => {
            if let Some(slot) = slot_of(store, d, set.now) {
                slot.moved(d, set.policy, set.now);
            }
        }
        DispatchEvent::Acknowledged { notice, version, person, at, via, by } => {
            acknowledged(store, *notice, person, &Ack { version: *version, at: *at, via: *via, by: by.clone() });
        }
        DispatchEvent::Lapsed { notice, person, at, .. } => {
            if let Some(row) = store.row(*notice, person) {
                row.acked = None;
                row.ask(Some(*at));
            }
        }
        DispatchEvent::Called { notice, person, status, by, at, .. } => {
            let Some(row) = store.row(*notice, person) else { return };
            row.call = Some(Call { status: *status, by: by.clone(), at: *at });
            if *status == CallStatus::Unavailable {
                row.silent = false;
                let told = row.tried.clone();
                for leader in told {
                    if let Some(row) = store.row(*notice, &leader) {
                        row.carries.remove(person);
                    }
                }
            }
        }
        DispatchEvent::Measures { notice, version, person, done, .. } => {
            let list = store.look(*notice).and_then(|h| h.version(*version)).map(|v| v.measures.clone());
            if let (Some(list), Some(row)) = (list, store.row(*notice, person)) {
                row.done = Ticks::those(&list, |_, id| done.contains(id));
            }
        }
        DispatchEvent::Escalated { notice, person, to: Some(to), at, .. } => escalated(store, *notice, person, to, *at),
        DispatchEvent::Escalated { notice, person, to: None, .. } | DispatchEvent::Silent { notice, person, .. } => {
            let Some(row) = store.row(*notice, person) else { return };
            row.silent = true;
            if row.rule == Rule::Centre
                && let Some(head) = store.head(*notice)
            {
                head.centre.silent = true;
            }
        }
        // An older version's deliveries went when the newer list was fixed; a case is dropped by its keeper.
        DispatchEvent::Closed { .. } => {}
    }
}

/// The slot of a delivery of the current version, made when it is new.
fn slot_of<'a>(store: &'a mut impl Store, d: &Delivery, now: Time) -> Option<&'a mut Slot> {
    if store.look(d.notice)?.current != d.version {
        return None;
    }
    let row = store.row(d.notice, &d.person)?;
    if d.reminder > row.reminded {
        row.reminded = d.reminder;
        row.reminded_at = Some(now);
    }
    let k = row.slots.iter().position(|s| s.id == d.id).unwrap_or_else(|| {
        // Most people need one.
        row.slots.reserve_exact(1);
        row.slots.push(Slot::new(d.id, d.channel, now));
        row.slots.len() - 1
    });
    row.slots.get_mut(k)
}

fn recipients(store: &mut impl Store, set: Setting<'_>, notice: NoticeId, version: u32, people: &[(PersonId, Rule)]) {
    let Some(head) = store.head(notice) else { return };
    if version <= head.current {
        return;
    }
    let Some(heard) = head.version(version).cloned() else { return };
    let checklist = head.newest().map(|v| v.measures.clone()).unwrap_or_default();
    head.current = version;
    head.cleared_at = heard.cleared.then_some(set.now);
    if heard.needs_ack && !heard.cleared {
        head.asked = Some(version);
        // A bulletin was decided at the centre: nobody there need take it.
        let asked_at = Some(set.now).filter(|_| !heard.is_bulletin());
        head.centre = Centre { asked_at, ..Centre::default() };
    }
    let asked = head.asked.is_some();
    for (person, rule) in people {
        if *rule == Rule::Centre {
            head.centre.watch.insert(person.clone());
        } else {
            head.centre.watch.remove(person);
        }
        if *rule == Rule::Centre || set.watch.contains(person) {
            head.centre.people.insert(person.clone());
        }
    }
    for (person, rule) in people {
        if let Some(row) = store.row(notice, person) {
            row.begin(person, *rule, &heard, asked, set);
            row.done = row.done.moved(&checklist, &heard.measures);
        } else {
            let mut row = Row::new(*rule);
            row.begin(person, *rule, &heard, asked, set);
            store.add_row(notice, person, row);
        }
    }
}

fn acknowledged(store: &mut impl Store, notice: NoticeId, person: &PersonId, ack: &Ack) {
    let Some(row) = store.row(notice, person) else { return };
    if row.acked.as_ref().is_none_or(|a| a.version < ack.version) {
        row.acked = Some(ack.clone());
    }
    let carried = std::mem::take(&mut row.carries);
    let told = row.tried.clone();
    let Some(head) = store.look(notice) else { return };
    let covers = head.asked.is_none_or(|asked| ack.version >= asked);
    let mut relieved: Vec<(PersonId, PersonId)> = Vec::new();
    if covers {
        // They answered for themself: nobody need carry their silence any more.
        relieved.extend(told.into_iter().map(|leader| (leader, person.clone())));
        if head.centre.people.contains(person)
            && let Some(head) = store.head(notice)
        {
            head.centre.taken = true;
            for leader in &head.centre.tried {
                relieved.extend(head.centre.watch.iter().map(|w| (leader.clone(), w.clone())));
            }
        }
        if let Some(row) = store.row(notice, person) {
            row.silent = false;
        }
    }
    for silent in carried {
        let Some(row) = store.row(notice, &silent) else { continue };
        if let Some(e) = &mut row.escalation {
            e.answered = true;
        }
        relieved.extend(row.tried.iter().map(|leader| (leader.clone(), silent.clone())));
        if row.rule == Rule::Centre
            && let Some(head) = store.head(notice)
        {
            head.centre.answered = true;
        }
    }
    for (leader, silent) in relieved {
        if let Some(row) = store.row(notice, &leader) {
            row.carries.remove(&silent);
        }
    }
}

fn escalated(store: &mut impl Store, notice: NoticeId, person: &PersonId, to: &PersonId, at: Time) {
    let Some(row) = store.row(notice, person) else { return };
    row.escalation = Some(Escalation { to: to.clone(), at, answered: false });
    row.tried.push(to.clone());
    let centre = row.rule == Rule::Centre;
    if centre && let Some(head) = store.head(notice) {
        if !head.centre.tried.contains(to) {
            head.centre.tried.push(to.clone());
        }
        head.centre.told_at = Some(at);
    }
    if let Some(row) = store.row(notice, to) {
        row.carries.insert(person.clone());
    } else {
        let mut row = Row::new(Rule::Escalation);
        row.carries.insert(person.clone());
        store.add_row(notice, to, row);
    }
}

/// One notice with everybody on its list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) head: Head,
    pub(crate) rows: Rows,
}
