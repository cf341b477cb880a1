//! Dispatch: a notice on its way to each recipient, until they have acknowledged it or a person sees that they did not.
//!
//! It fixes who gets a notice version, chooses each person's channel, counts attempts, takes what providers and clients
//! say, and climbs the leadership chain for everybody who stays silent. It is not for deciding what is dangerous (that
//! is `warn`), for wording, or for moving bytes: an [`DispatchEvent::Attempt`] asks a connector to.
//!
//! Pure: `absorb` takes what follows from an input alone, `decide` says what to do about it and changes nothing, `apply`
//! takes one decision. Normal running is absorb, decide, apply; after a crash the recorded inputs are absorbed and the
//! recorded decisions applied, in the order of the record (a decision right after the input that caused it), and
//! nothing is decided again.
//!
//! # Rules
//! - **Who.** The person in danger, or the people of the endangered site's unit; everybody with the watch role; and the
//!   leaders of those who stay silent. Whoever got a version stays on the list of the later ones. Nobody else. The
//!   marking is checked at every attempt; one who may not see it is listed with `not_releasable` and gets nothing.
//! - **How.** A person's channels in their order; the first that is up. No receipt of their own client in time, a sure
//!   failure, or too many attempts that nobody can tell of: the next channel as well. None is up: it waits, shown as
//!   `no_channel_up`, and goes when one comes up. A channel that comes up anew gets what it was given before and was not
//!   confirmed, under the same delivery id, marked "may repeat". A surely failed attempt is repeated (it makes no
//!   duplicate); one that may have got through is not repeated on the same connection beyond the set count.
//! - **Versions.** A newer version stops everything of the older one that is on its way; everybody gets only the newer
//!   one. One that asks for acknowledgement asks everybody anew and starts the clocks again. One that does not (lower
//!   level) is delivered quietly and releases nobody: who has not acknowledged the version that asked still owes it, may
//!   do so by that version or any later one, and the clock runs on with the time of the new level. Cleared ends all
//!   clocks; its deliveries go on until the case is forgotten.
//! - **Silence.** An endangered person who is silent for the set time: the next of their leaders who may see the notice
//!   is told, and so on; when nobody is left: [`DispatchEvent::Silent`]. A leader stops the climb by acknowledging; who
//!   acknowledged before being told, acknowledges again. It silences nobody: the person's own state stays open and red.
//! - **The centre.** An urgent warning must be taken (acknowledged) by one person of the watch in `centre_s`; otherwise
//!   their leaders, then the supervisors of their agencies, are told one after the other. Milder ones need not be.

mod cases;
mod draft;
mod people;
pub mod policy;
mod state;
mod view;

pub use policy::{Policy, PolicyProblem};
pub use skypicket_model::Refusal;
pub use state::{Due, Trouble};
pub use view::{Counts, Next, OpenNotice, RecipientState};

use crate::{cases::Cases, draft::Draft, people::People, state::Setting};
use serde::{Deserialize, Serialize};
use skypicket_model::{
    Channel, Delivery, DeliveryId, Directory, DispatchEvent, IdMaker, Notice, NoticeId, PersonId, ProviderResult, Time,
    delivery::{Outcome, Rule},
};
use std::collections::{BTreeMap, BTreeSet};

/// What dispatch takes.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// The centre started (again): every connection is gone. Feed it before anything else of a new run.
    Started,
    /// A new version of a notice.
    Notice(&'a Notice),
    /// A channel told what became of an attempt.
    Provider(&'a ProviderResult),
    /// A channel to a person came up (each time that it does, also if it was up) or went down.
    Reach {
        /// Who.
        person: &'a PersonId,
        /// Which channel.
        channel: Channel,
        /// Up or down.
        up: bool,
    },
    /// A machine of the person's got a version, or showed it.
    Receipt {
        /// Who, by their own credential.
        person: &'a PersonId,
        /// The notice.
        notice: NoticeId,
        /// The version.
        version: u32,
        /// Over which channel.
        channel: Channel,
        /// Shown, or only delivered.
        shown: bool,
    },
    /// A person acknowledged a version on purpose.
    Acknowledge {
        /// Who, by their own credential.
        person: &'a PersonId,
        /// The notice.
        notice: NoticeId,
        /// The version.
        version: u32,
        /// Over which channel.
        channel: Channel,
    },
    /// A second passed.
    Tick,
}

/// The engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dispatcher {
    policy: Policy,
    people: People,
    /// `now` of the newest input.
    now: Time,
    up: BTreeMap<PersonId, BTreeSet<Channel>>,
    cases: Cases,
}

impl Dispatcher {
    /// With nobody and nothing yet.
    pub fn new(policy: Policy) -> Self {
        Self { policy, people: People::default(), now: Time::default(), up: BTreeMap::new(), cases: Cases::default() }
    }

    /// Who is who from now on. Lists already fixed stay until the next version.
    pub fn configure(&mut self, directory: &Directory) {
        self.people = People::new(directory.clone());
        self.up.retain(|p, _| directory.people.contains_key(p));
    }

    /// Decides by this from now on; what is under way is timed anew.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
        self.cases.retime_all(&self.policy);
    }

    /// What it decides by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Takes what follows from the input alone.
    pub fn absorb(&mut self, input: &Input<'_>, now: Time) {
        self.now = self.now.max(now);
        match input {
            Input::Started => self.up.clear(),
            Input::Notice(n) => self.cases.hear(n),
            Input::Provider(r) => {
                if r.outcome == Outcome::Accepted {
                    self.cases.accept(r.delivery, r.attempt);
                }
            }
            Input::Reach { person, channel, up: true } => {
                // Somebody unknown has no channel: this keeps the table as small as the directory.
                if self.people.person(person).is_some() {
                    self.up.entry((*person).clone()).or_default().insert(*channel);
                }
            }
            Input::Reach { person, channel, up: false } => {
                if let Some(up) = self.up.get_mut(*person) {
                    up.remove(channel);
                    if up.is_empty() {
                        self.up.remove(*person);
                    }
                }
            }
            Input::Receipt { .. } | Input::Acknowledge { .. } | Input::Tick => {}
        }
    }

    /// What to do about an input that was absorbed; the state does not change. Apply each event in order.
    pub fn decide(&self, input: &Input<'_>, ids: &mut IdMaker, now: Time) -> Vec<DispatchEvent> {
        Draft::new(self, ids, self.now.max(now)).decide(input)
    }

    /// Takes a decision.
    pub fn apply(&mut self, event: &DispatchEvent) {
        let set = Setting { policy: &self.policy, watch: self.people.watch(), now: self.now };
        self.cases.apply(set, event);
    }

    /// Absorbs, decides and applies: normal running in one call.
    pub fn step(&mut self, input: &Input<'_>, ids: &mut IdMaker, now: Time) -> Vec<DispatchEvent> {
        self.absorb(input, now);
        let events = self.decide(input, ids, now);
        for event in &events {
            self.apply(event);
        }
        events
    }

    // ---- at the door ----

    /// Whether a receipt of this person for this version can be taken: `not_found` (no such notice for them; the same
    /// whether it does not exist or they are not on its list), `unknown_version`.
    pub fn check_receipt(&self, person: &PersonId, notice: NoticeId, version: u32) -> Result<(), Refusal> {
        let not_found = || Refusal::new("not_found", "there is no such notice for you");
        let (head, _) = self.cases.peek(notice, person).ok_or_else(not_found)?;
        let heard = head.newest().ok_or_else(not_found)?;
        if self.people.permitted(person, &heard.marking).is_err() {
            return Err(not_found());
        }
        if version == 0 || version > head.current {
            let message = format!("there is no version {version} of this notice; the newest is {}", head.current);
            return Err(Refusal::new("unknown_version", message));
        }
        Ok(())
    }

    /// Whether an acknowledgement of this person for this version can be taken: as [`Self::check_receipt`], and
    /// `superseded` when a later version asks to be acknowledged itself. Doing it twice is fine.
    pub fn check_acknowledge(&self, person: &PersonId, notice: NoticeId, version: u32) -> Result<(), Refusal> {
        self.check_receipt(person, notice, version)?;
        let Some((head, _)) = self.cases.peek(notice, person) else { return Ok(()) };
        match head.asked {
            Some(asked) if version < asked => Err(Refusal::new(
                "superseded",
                format!("version {version} is superseded; the newest is version {}", head.current),
            )),
            _ => Ok(()),
        }
    }

    /// The notice version that a person's chat reply with this code means: among the notices that they are on the list
    /// of, first one whose acknowledgement they owe, then the newest. A code of an older version is understood, so that
    /// [`Self::check_acknowledge`] can say that it is superseded.
    pub fn by_code(&self, person: &PersonId, code: &str) -> Option<(NoticeId, u32)> {
        let mut best = None;
        for notice in self.cases.on(person) {
            let Some((head, row)) = self.cases.peek(notice, person) else { continue };
            let permitted = head.newest().is_some_and(|v| self.people.permitted(person, &v.marking).is_ok());
            for v in head.versions.iter().filter(|v| permitted && v.number <= head.current && v.code == code) {
                let asked = head.asked.is_none_or(|a| v.number >= a);
                best = best.max(Some((row.owes(head, person), asked, v.at, v.number, notice)));
            }
        }
        best.map(|(_, _, _, version, notice)| (notice, version))
    }

    // ---- to look at ----

    /// Everybody on the list of the notice's newest version, in order of id; empty when it is unknown or forgotten.
    pub fn board(&self, notice: NoticeId) -> Vec<RecipientState> {
        let Some(case) = self.cases.get(notice) else { return Vec::new() };
        case.rows.iter().map(|(p, r)| RecipientState::of(p, &case.head, r, &self.policy)).collect()
    }

    /// One row of the board.
    pub fn recipient(&self, notice: NoticeId, person: &PersonId) -> Option<RecipientState> {
        let (head, row) = self.cases.peek(notice, person)?;
        Some(RecipientState::of(person, head, row, &self.policy))
    }

    /// Who is on the list, and why.
    pub fn recipients_of(&self, notice: NoticeId) -> Vec<(PersonId, Rule)> {
        let rows = self.cases.get(notice).into_iter().flat_map(|c| &c.rows);
        rows.map(|(p, r)| (p.clone(), r.rule)).collect()
    }

    /// How many are how far.
    pub fn counts(&self, notice: NoticeId) -> Counts {
        let mut counts = Counts::default();
        for r in self.board(notice) {
            counts.add(&r);
        }
        counts
    }

    /// The notices that are open and that this person is on the list of and may see, newest version each.
    pub fn open_for(&self, person: &PersonId) -> Vec<OpenNotice> {
        let open = |notice| {
            let (head, row) = self.cases.peek(notice, person)?;
            let heard = head.newest()?;
            let state = RecipientState::of(person, head, row, &self.policy);
            let theirs = head.cleared_at.is_none() && self.people.permitted(person, &heard.marking).is_ok();
            theirs.then_some(OpenNotice { notice, version: head.current, level: heard.level, state })
        };
        self.cases.on(person).filter_map(open).collect()
    }

    /// The newest version whose list is fixed.
    pub fn version_of(&self, notice: NoticeId) -> Option<u32> {
        self.cases.get(notice).map(|c| c.head.current).filter(|v| *v > 0)
    }

    /// Every delivery of the newest version.
    pub fn deliveries_of(&self, notice: NoticeId) -> Vec<Delivery> {
        let Some(case) = self.cases.get(notice) else { return Vec::new() };
        let version = case.head.current;
        case.rows.iter().flat_map(|(p, r)| r.slots.iter().map(move |s| s.delivery(notice, version, p))).collect()
    }

    /// One delivery, while its version is the newest.
    pub fn delivery(&self, id: DeliveryId) -> Option<Delivery> {
        let (notice, person) = self.cases.of_delivery(id)?;
        let (head, row) = self.cases.peek(*notice, person)?;
        Some(row.slots.iter().find(|s| s.id == id)?.delivery(*notice, head.current, person))
    }

    /// The person's channels that are up.
    pub fn channels_up(&self, person: &PersonId) -> Vec<Channel> {
        self.up.get(person).into_iter().flatten().copied().collect()
    }

    /// Why a warning could not reach this person now; `None` when it could: `not_in_directory`, `no_channel`,
    /// `no_channel_up`, or the trouble of an open notice which every channel that is up has been tried for in vain.
    pub fn unreachable(&self, person: &PersonId) -> Option<Trouble> {
        let Some(p) = self.people.person(person) else { return Some(Trouble::NotInDirectory) };
        if p.channels.is_empty() {
            return Some(Trouble::NoChannel);
        }
        if !p.channels.iter().any(|c| self.is_up(person, *c)) {
            return Some(Trouble::NoChannelUp);
        }
        let stuck = |notice| {
            let (_, row) = self.cases.peek(notice, person)?;
            if row.is_delivered() || row.is_pending() {
                return None;
            }
            let trouble = row.slots.iter().rev().find_map(|s| s.trouble)?;
            // What they may not see says nothing about whether they can be reached.
            (trouble != Trouble::NotReleasable).then_some(trouble)
        };
        self.cases.on(person).find_map(stuck)
    }

    /// Notices kept in memory, the cleared ones of the retention time included.
    pub fn kept(&self) -> usize {
        self.cases.len()
    }

    /// When something is due next, whatever it is.
    pub fn next_due(&self) -> Option<Time> {
        self.cases.first_timer()
    }

    pub(crate) fn is_up(&self, person: &PersonId, channel: Channel) -> bool {
        self.up.get(person).is_some_and(|up| up.contains(&channel))
    }
}
