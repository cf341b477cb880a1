//! [`Case`]: one notice with everybody on its list; and how each recorded event changes it.
//!
//! [`apply_event`] is the only place where an event changes state. It works on any [`Store`], so that deciding (on
//! copies of the few rows that it touches) and applying (on the real ones) cannot part.

use crate::policy::Policy;
use serde::{Deserialize, Serialize};
use skypicket_model::{
    Channel, Delivery, DeliveryId, DispatchEvent, Level, Marking, Notice, NoticeId, NoticeState, PersonId, ProtectedId,
    Reached, Time, delivery::Rule,
};
use std::collections::{BTreeMap, BTreeSet};

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
}

impl Trouble {
    const ALL: [Self; 8] = [
        Self::NoChannelUp,
        Self::NoChannel,
        Self::ChannelDown,
        Self::NotReleasable,
        Self::NotInDirectory,
        Self::Failed,
        Self::Ambiguous,
        Self::NoReceipt,
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
    pub(crate) cleared: bool,
    pub(crate) needs_ack: bool,
    pub(crate) at: Time,
    pub(crate) code: String,
    pub(crate) marking: Marking,
    pub(crate) protected: ProtectedId,
}

impl From<&Notice> for Version {
    fn from(n: &Notice) -> Self {
        Self {
            number: n.version,
            level: n.level,
            cleared: n.state == NoticeState::Cleared,
            needs_ack: n.needs_ack,
            at: n.at,
            code: n.code.clone(),
            marking: n.marking.clone(),
            protected: n.protected.clone(),
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

    /// Keeps a version that is heard of for the first time.
    pub(crate) fn hear(&mut self, version: Version) {
        if self.versions.iter().all(|v| v.number < version.number) {
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
            return Some((at.plus_s(policy.retention_s), Due::Forget));
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
    /// An acknowledgement must be there by then, else the next on the chain is told.
    Escalate,
    /// A cleared notice is forgotten.
    Forget,
}

/// One person on a notice's list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ack {
    pub(crate) version: u32,
    pub(crate) at: Time,
    pub(crate) via: Channel,
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
    /// The provider accepted the present attempt: nothing that it says later turns that into a retry.
    pub(crate) accepted: bool,
    /// Attempts in a row that nobody can tell of.
    pub(crate) ambiguous: u32,
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
        }
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
        }
    }

    /// When the wait for a receipt ends.
    pub(crate) fn receipt_due(&self, policy: &Policy) -> Option<Time> {
        (self.phase == Phase::Pending).then(|| self.since.plus_s(policy.receipt_s.of(self.channel)))
    }

    /// When it may be tried again after a sure failure.
    pub(crate) fn retry_due(&self, policy: &Policy) -> Option<Time> {
        (self.phase == Phase::Failed).then(|| self.since.plus_s(policy.retry_s))
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
    }

    fn attempted(&mut self, d: &Delivery, now: Time) {
        self.take(d);
        if self.phase == Phase::Spent {
            self.ambiguous = 0;
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
                // A late "accepted" moves `reached` only: the trouble that was there stays, and so does the phase.
                _ if self.trouble == known && before != Phase::Pending => before,
                None => before,
                Some(Trouble::Failed) => Phase::Failed,
                Some(Trouble::NoReceipt) => Phase::Spent,
                Some(Trouble::Ambiguous) => {
                    self.ambiguous += 1;
                    if self.ambiguous >= policy.max_ambiguous { Phase::Spent } else { Phase::Waiting }
                }
                Some(_) => Phase::Waiting,
            }
        };
        if after != before {
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
        }
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

    /// Whether it is asked of them themselves: they are on the list because of the danger.
    pub(crate) fn is_primary(&self) -> bool {
        matches!(self.rule, Rule::InDanger | Rule::SiteUnit)
    }

    /// Their acknowledgement covers what was asked.
    pub(crate) fn has_acked(&self, head: &Head) -> bool {
        self.acked.as_ref().is_some_and(|a| head.asked.is_none_or(|asked| a.version >= asked))
    }

    /// An acknowledgement of theirs is waited for: their own, or as a leader for somebody silent, or as the watch.
    pub(crate) fn owes(&self, head: &Head, person: &PersonId) -> bool {
        if head.cleared_at.is_some() {
            return false;
        }
        let own = self.asked_at.is_some() && head.asked.is_some() && !self.has_acked(head);
        let watch = head.centre.watch.contains(person)
            && head.centre.asked_at.is_some()
            && !head.centre.taken
            && head.newest().is_some_and(|v| v.level == Level::Urgent);
        own || watch || !self.carries.is_empty()
    }

    /// When something is due for this person, and what.
    pub(crate) fn next(&self, head: &Head, policy: &Policy) -> Option<(Time, Due)> {
        let delivery = if self.is_delivered() {
            None
        } else if self.is_pending() {
            self.slots.iter().filter_map(|s| s.receipt_due(policy)).min().map(|t| (t, Due::Receipt))
        } else {
            self.slots.iter().filter_map(|s| s.retry_due(policy)).min().map(|t| (t, Due::Retry))
        };
        let escalate = self.escalate_due(head, policy).map(|t| (t, Due::Escalate));
        delivery.into_iter().chain(escalate).min()
    }

    /// When the next leader is to be told of this person's silence.
    pub(crate) fn escalate_due(&self, head: &Head, policy: &Policy) -> Option<Time> {
        if !self.is_primary()
            || self.silent
            || head.cleared_at.is_some()
            || head.asked.is_none()
            || self.has_acked(head)
        {
            return None;
        }
        match &self.escalation {
            None => Some(self.asked_at?.plus_s(policy.acknowledge_s.of(head.newest()?.level))),
            Some(e) if e.answered => None,
            Some(e) => Some(e.at.plus_s(policy.supervisor_s)),
        }
    }

    /// A new version replaces what was on its way.
    fn begin(&mut self, rule: Rule, version: &Version, asked: bool, now: Time) {
        self.rule = rule;
        self.slots.clear();
        if version.cleared {
            self.carries.clear();
        } else if version.needs_ack {
            self.asked_at = self.is_primary().then_some(now);
            self.escalation = None;
            self.tried.clear();
            self.silent = false;
            self.carries.clear();
        } else if asked && self.is_primary() && self.asked_at.is_none() {
            // New on the list with a quiet version: nobody knows yet that they know.
            self.asked_at = Some(now);
        }
    }
}

/// Where cases are kept while an event is applied.
pub(crate) trait Store {
    fn head(&mut self, notice: NoticeId) -> Option<&mut Head>;
    fn row(&mut self, notice: NoticeId, person: &PersonId) -> Option<&mut Row>;
    fn add_row(&mut self, notice: NoticeId, person: &PersonId, row: Row);
}

/// What applying an event depends on beside the case.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) watch: &'a BTreeSet<PersonId>,
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
        DispatchEvent::Acknowledged { notice, version, person, at, via } => {
            acknowledged(store, *notice, person, &Ack { version: *version, at: *at, via: *via });
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
    if store.head(d.notice)?.current != d.version {
        return None;
    }
    let row = store.row(d.notice, &d.person)?;
    let k = row.slots.iter().position(|s| s.id == d.id).unwrap_or_else(|| {
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
    head.current = version;
    head.cleared_at = heard.cleared.then_some(set.now);
    if heard.needs_ack && !heard.cleared {
        head.asked = Some(version);
        head.centre = Centre { asked_at: Some(set.now), ..Centre::default() };
    }
    let asked = head.asked.is_some();
    for (person, rule) in people {
        if *rule == Rule::Centre {
            head.centre.watch.insert(person.clone());
        }
        if *rule == Rule::Centre || set.watch.contains(person) {
            head.centre.people.insert(person.clone());
        }
    }
    for (person, rule) in people {
        if let Some(row) = store.row(notice, person) {
            row.begin(*rule, &heard, asked, set.now);
        } else {
            let mut row = Row::new(*rule);
            row.begin(*rule, &heard, asked, set.now);
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
    let Some(head) = store.head(notice) else { return };
    let covers = head.asked.is_none_or(|asked| ack.version >= asked);
    let mut relieved: Vec<(PersonId, PersonId)> = Vec::new();
    if covers {
        // They answered for themself: nobody need carry their silence any more.
        relieved.extend(told.into_iter().map(|leader| (leader, person.clone())));
        if head.centre.people.contains(person) {
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
    if let Some(head) = store.head(notice)
        && centre
    {
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
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) head: Head,
    pub(crate) rows: BTreeMap<PersonId, Row>,
}
