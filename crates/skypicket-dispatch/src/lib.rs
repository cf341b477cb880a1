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
//! - **Who.** Of a warning: the person in danger, or the people of the endangered site's unit; everybody with the watch
//!   role; whom the policy adds; and the leaders of those who stay silent. Of a bulletin: whom its audience means when the
//!   version is issued. Whoever got a version stays on the list of the later ones; the last version lists nobody new.
//!   Nobody else. Of two rules the one that asks more counts: in danger, then the watch, then the others. The marking is
//!   checked at every attempt; one who may not see it is listed with `not_releasable` and gets nothing.
//! - **How.** A person's channels in their order; the first that is up. No receipt of their own client in time, a sure
//!   failure, or too many attempts that nobody can tell of: the next channel as well. None is up: it waits, shown as
//!   `no_channel_up`, and goes when one comes up. A channel that comes up anew gets what it was given before and was not
//!   confirmed, under the same delivery id, marked "may repeat"; not what its provider had accepted. A surely failed
//!   attempt is repeated, ever more seldom (it makes no duplicate); one that may have got through is not repeated on the
//!   same connection beyond the set count; one that was refused for good is not repeated. After a start, and when
//!   somebody's channels or address changed, whoever does not have it is looked at again at the next tick.
//! - **Taken, and then reported lost.** A stranger's machine (mail, SMS, push, webhook, relay) that took the attempt and
//!   reports that it could not hand it on, before or after it says that it took it: the next channel at once, and nothing
//!   more over this one, not even a reminder. A correction goes there too, since the report may be wrong. After a receipt
//!   of the person's it changes nothing. A channel of their own has nobody to report for it: what contradicts its
//!   "accepted" is bookkeeping, and changes nothing.
//! - **Versions.** A newer version stops everything of the older one that is on its way; everybody gets only the newer
//!   one. One that asks for acknowledgement asks everybody anew and starts the clocks again. One that does not (lower
//!   level) is delivered quietly and releases nobody: who has not acknowledged the version that asked still owes it, may
//!   do so by that version or any later one, and the clock runs on with the time of the new level. The last one (cleared,
//!   recalled, expired) ends all clocks; its deliveries go on until the case is forgotten.
//! - **Corrections.** A version that says that an older one is no longer so (an update of a bulletin, and the last one of
//!   any notice) goes over every channel over which the person has, or may have, the older one, and to their first one
//!   that is up as any version does. The last one alarms nobody who never had any: to them it goes only where they look
//!   anyway, otherwise they are listed as `overtaken`. So does what is over before it could be handed over: nobody is
//!   alarmed late. What ended stays so: a version that comes after its last one, in whatever order, is nothing.
//! - **Reminders.** Somebody who has a notice, or may have it from a stranger's machine that took it, and does not
//!   acknowledge it in the set time is given it again, under a higher reminder number, over those of their channels on
//!   which they have it and their next one; as often as the policy says.
//! - **Silence.** Somebody who is asked and stays silent for the set time: the next of their leaders who may see the notice
//!   is told, and so on; when nobody is left: [`DispatchEvent::Silent`], for the centre to call them. A leader stops the
//!   climb by acknowledging; who acknowledged before being told, acknowledges again. It silences nobody: the person's own
//!   state stays open and red. Who calls says what came of it ([`Input::Call`]), under their own name; one found to be
//!   away is waited for no more, until a version asks anew. Nobody waits for one who is shut out, as long as they are.
//! - **Measures.** Who is on the list of a bulletin with a checklist says which of its measures they have done, before or
//!   after they acknowledge it, until it is over. It is the whole list each time, and the last one counts; one of an older
//!   version says nothing of measures that came later. A newer version keeps what is on its checklist too. It is neither
//!   receipt nor acknowledgement, and nobody says it for somebody else.
//! - **Acknowledgements lapse.** One that is older than the policy lets it be counts no more; the person is asked again.
//! - **After a restore.** What was sent after the backup was made is not known any more: every delivery that is open, and
//!   every later one of the same version, is marked "may repeat". Nothing is sent because of the restore itself.
//! - **The centre.** An urgent warning must be taken (acknowledged) by one person of the watch in `centre_s`; otherwise
//!   their leaders, then the supervisors of their agencies, are told one after the other. Milder ones need not be, nor
//!   bulletins.

mod cases;
mod draft;
mod measures;
mod people;
pub mod policy;
mod rows;
mod state;
mod view;

pub use measures::Ticks;
pub use people::Situation;
pub use policy::{Policy, PolicyProblem};
pub use skypicket_model::Refusal;
pub use state::{Call, Due, Trouble};
pub use view::{Counts, Next, OpenNotice, RecipientState};

use crate::{
    cases::Cases,
    draft::Draft,
    people::People,
    rows::Table,
    state::{Setting, stronger},
};
use serde::{Deserialize, Serialize};
use skypicket_model::{
    CallStatus, Channel, Delivery, DeliveryId, Directory, DispatchEvent, IdMaker, Notice, NoticeId, PersonId,
    ProtectedId, ProviderResult, Time,
    delivery::{Outcome, Rule},
};
use std::collections::{BTreeMap, BTreeSet};

/// What dispatch takes.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// The centre started (again): every connection is gone. Feed it before anything else of a new run.
    Started,
    /// The record was restored from a backup: what was done since the backup is not known. Whatever was open may have
    /// gone out by now, so that its repeat is marked.
    Restored,
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
    /// The centre's way to a provider came up or went down, for everybody who is reached over it.
    Channel {
        /// Which.
        channel: Channel,
        /// Up or down.
        up: bool,
    },
    /// Somebody at the centre called a person.
    Call {
        /// Who called.
        by: &'a PersonId,
        /// Who was called.
        person: &'a PersonId,
        /// The notice.
        notice: NoticeId,
        /// The version.
        version: u32,
        /// What came of it.
        status: CallStatus,
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
    /// A person said which measures of a version's checklist they have done.
    Measures {
        /// Who, by their own credential.
        person: &'a PersonId,
        /// The notice.
        notice: NoticeId,
        /// The version whose checklist they had before them.
        version: u32,
        /// All of it that is done, by name.
        done: &'a BTreeSet<String>,
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
    #[serde(serialize_with = "rows::in_order")]
    up: Table<PersonId, BTreeSet<Channel>>,
    /// Channels to providers that are up.
    #[serde(default)]
    services: BTreeSet<Channel>,
    /// Channels of people's own connections that the centre found not to work, for everybody.
    #[serde(default)]
    shut: BTreeSet<Channel>,
    /// Whose notices are looked at again at the next tick, since something else than those changed.
    #[serde(default)]
    again: BTreeSet<PersonId>,
    /// The same at this tick.
    #[serde(skip)]
    at_tick: BTreeSet<PersonId>,
    /// People who asked not to be reached over such a channel.
    #[serde(default, serialize_with = "rows::in_order")]
    stopped: Table<PersonId, BTreeSet<Channel>>,
    cases: Cases,
}

impl Dispatcher {
    /// With nobody and nothing yet.
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            people: People::default(),
            now: Time::default(),
            up: Table::default(),
            services: BTreeSet::new(),
            shut: BTreeSet::new(),
            again: BTreeSet::new(),
            at_tick: BTreeSet::new(),
            stopped: Table::default(),
            cases: Cases::default(),
        }
    }

    /// Who is who from now on. Lists already fixed stay until the next version; whoever on one has other channels, another
    /// address or another agency now is looked at again at the next tick; nobody waits for one who is shut out.
    pub fn configure(&mut self, directory: &Directory) {
        let before = std::mem::replace(&mut self.people, People::new(directory.clone()));
        let changed = self.cases.listed().filter(|p| self.people.differs(&before, p)).cloned();
        self.again.extend(changed);
        let turned: Vec<PersonId> = self.people.out().symmetric_difference(before.out()).cloned().collect();
        for person in turned {
            let out = self.people.out().contains(&person);
            self.cases.shut_out(&person, out, &self.policy, self.now);
        }
        self.up.retain(|p, _| directory.people.contains_key(p));
        self.stopped.retain(|p, _| directory.people.contains_key(p));
    }

    /// Decides by this from now on; what is under way is timed anew.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
        self.cases.retime_all(&self.policy, self.now);
    }

    /// What it decides by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Takes what follows from the input alone.
    pub fn absorb(&mut self, input: &Input<'_>, now: Time) {
        self.now = self.now.max(now);
        match input {
            Input::Started => {
                self.disconnect();
                // What needs no connection of theirs is still up, and nothing else may ever tell.
                self.again.extend(self.cases.undelivered().cloned());
            }
            Input::Restored => {
                self.disconnect();
                self.cases.restored();
            }
            Input::Tick => {
                self.at_tick = std::mem::take(&mut self.again);
                self.cases.wake(&self.policy, self.now);
            }
            Input::Notice(n) => self.cases.hear(n),
            Input::Provider(r) => {
                if matches!(r.outcome, Outcome::Accepted | Outcome::Delivered) {
                    self.cases.accept(r.delivery, r.attempt, &self.policy, self.now);
                }
            }
            Input::Reach { person, channel, up } if !channel.is_personal() => {
                if *up {
                    drop_from(&mut self.stopped, person, *channel);
                } else if self.people.person(person).is_some() {
                    self.stopped.entry((*person).clone()).or_default().insert(*channel);
                }
            }
            Input::Reach { person, channel, up: true } => {
                // Somebody unknown has no channel: this keeps the table as small as the directory.
                if self.people.person(person).is_some() {
                    self.up.entry((*person).clone()).or_default().insert(*channel);
                }
            }
            Input::Reach { person, channel, up: false } => drop_from(&mut self.up, person, *channel),
            Input::Channel { channel, up } => {
                let (set, member) =
                    if channel.is_personal() { (&mut self.shut, !up) } else { (&mut self.services, *up) };
                if member {
                    set.insert(*channel);
                } else {
                    set.remove(channel);
                }
            }
            Input::Receipt { .. } | Input::Acknowledge { .. } | Input::Call { .. } | Input::Measures { .. } => {}
        }
    }

    /// Connections are gone; a push subscription is none.
    fn disconnect(&mut self) {
        self.services.clear();
        self.shut.clear();
        self.up.retain(|_, channels| {
            channels.retain(|c| *c == Channel::Push);
            !channels.is_empty()
        });
    }

    /// What to do about an input that was absorbed, in the situation as it is now; the state does not change. Apply each
    /// event in order.
    pub fn decide(
        &self,
        input: &Input<'_>,
        situation: Situation<'_>,
        ids: &mut IdMaker,
        now: Time,
    ) -> Vec<DispatchEvent> {
        Draft::new(self, situation, ids, self.now.max(now)).decide(input)
    }

    /// Whom a notice would go to if it were issued now, and by which rule; nobody is told.
    pub fn audience(&self, notice: &Notice, situation: Situation<'_>, now: Time) -> BTreeMap<PersonId, Rule> {
        self.meant(&state::Version::from(notice), situation, self.now.max(now))
    }

    /// Whom a version means, and by the rule that asks most of each.
    pub(crate) fn meant(
        &self,
        version: &state::Version,
        situation: Situation<'_>,
        now: Time,
    ) -> BTreeMap<PersonId, Rule> {
        let people = &self.people;
        let mut list = BTreeMap::new();
        let mut add = |found: Vec<(PersonId, Rule)>| {
            for (person, rule) in found {
                list.entry(person).and_modify(|r: &mut Rule| *r = stronger(*r, rule)).or_insert(rule);
            }
        };
        if let Some(protected) = &version.protected {
            let rule = match protected {
                ProtectedId::Person(_) => Rule::InDanger,
                ProtectedId::Site(_) => Rule::SiteUnit,
            };
            add(people.endangered(protected).into_iter().map(|p| (p, rule)).collect());
            add(people.watch().iter().map(|p| (p.clone(), Rule::Centre)).collect());
        }
        let rules = version.audience.as_ref().unwrap_or(&self.policy.warnings_also);
        if !rules.is_empty() {
            let endangered = self.cases.endangered();
            for rule in rules {
                add(people.meant(rule, version, &endangered, situation, now));
            }
        }
        list
    }

    /// Takes a decision.
    pub fn apply(&mut self, event: &DispatchEvent) {
        let people = &self.people;
        let (watch, devices, out) = (people.watch(), people.devices(), people.out());
        self.cases.apply(Setting { policy: &self.policy, watch, devices, out, now: self.now }, event);
    }

    /// Absorbs, decides and applies: normal running in one call.
    pub fn step(
        &mut self,
        input: &Input<'_>,
        situation: Situation<'_>,
        ids: &mut IdMaker,
        now: Time,
    ) -> Vec<DispatchEvent> {
        self.absorb(input, now);
        let events = self.decide(input, situation, ids, now);
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
        if self.people.may_see(person, &heard.marking).is_err() {
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

    /// Whether a person can say which measures they have done: as [`Self::check_receipt`], and `over` when the notice has
    /// ended or its time is over, `superseded` when the version is older than what is remembered, `unknown_measure` when
    /// one is not on that version's checklist.
    pub fn check_measures(
        &self,
        person: &PersonId,
        notice: NoticeId,
        version: u32,
        done: &BTreeSet<String>,
    ) -> Result<(), Refusal> {
        self.check_receipt(person, notice, version)?;
        let Some((head, _)) = self.cases.peek(notice, person) else { return Ok(()) };
        if head.cleared_at.is_some() || head.newest().is_some_and(|v| v.is_late(self.now)) {
            return Err(Refusal::new("over", "the notice is over: nothing of it need be done any more"));
        }
        let Some(said) = head.version(version) else {
            let message = format!("version {version} is superseded; the newest is version {}", head.current);
            return Err(Refusal::new("superseded", message));
        };
        match done.iter().find(|id| !said.measures.contains(id)) {
            Some(id) => {
                let message = format!("'{id}' is not on the checklist of version {version}");
                Err(Refusal::new("unknown_measure", message))
            }
            None => Ok(()),
        }
    }

    /// Whether it can be said what came of a call to a person about a version: `not_found` (they are on no such list, or
    /// who called may not see the notice), `superseded` when it is not the newest, `over` when the notice has ended, `own` when somebody would speak for themself.
    pub fn check_call(&self, by: &PersonId, person: &PersonId, notice: NoticeId, version: u32) -> Result<(), Refusal> {
        if by == person {
            return Err(Refusal::new("own", "nobody says this for themself: acknowledge it"));
        }
        let not_found = || Refusal::new("not_found", "they are on no list of such a notice");
        let (head, _) = self.cases.peek(notice, person).ok_or_else(not_found)?;
        // Who may not see it does not learn who is on its list.
        if head.newest().is_none_or(|v| self.people.permitted(by, &v.marking).is_err()) {
            return Err(not_found());
        }
        if version != head.current {
            let message = format!("version {version} is not the newest: that is version {}", head.current);
            return Err(Refusal::new("superseded", message));
        }
        if head.cleared_at.is_some() {
            return Err(Refusal::new("over", "the notice has ended: nobody need be called"));
        }
        Ok(())
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
        self.rows(notice).collect()
    }

    /// The same, one after the other: nothing is kept of those that the caller passes over.
    pub fn rows(&self, notice: NoticeId) -> impl Iterator<Item = RecipientState> {
        self.rows_after(notice, None)
    }

    /// The same from the first whose id comes after `person`: the next page.
    pub fn rows_after(&self, notice: NoticeId, person: Option<&PersonId>) -> impl Iterator<Item = RecipientState> {
        let rows = self.cases.get(notice).into_iter().flat_map(move |c| c.rows.after(person).map(move |r| (c, r)));
        rows.map(|(c, (p, r))| RecipientState::of(p, &c.head, r, &self.policy))
    }

    /// One row of the board.
    pub fn recipient(&self, notice: NoticeId, person: &PersonId) -> Option<RecipientState> {
        let (head, row) = self.cases.peek(notice, person)?;
        Some(RecipientState::of(person, head, row, &self.policy))
    }

    /// Who is on the list, and why.
    pub fn recipients_of(&self, notice: NoticeId) -> Vec<(PersonId, Rule)> {
        let rows = self.cases.get(notice).into_iter().flat_map(|c| c.rows.iter());
        rows.map(|(p, r)| (p.clone(), r.rule)).collect()
    }

    /// The checklist of the notice's newest version, by the measures' names: what [`RecipientState::done`] refers to.
    pub fn checklist(&self, notice: NoticeId) -> &[String] {
        let newest = self.cases.get(notice).and_then(|c| c.head.newest());
        newest.map(|v| v.measures.as_slice()).unwrap_or_default()
    }

    /// How many are how far: kept as they change, so that it costs nothing to ask.
    pub fn counts(&self, notice: NoticeId) -> Counts {
        self.cases.get(notice).map(|c| c.rows.counts()).unwrap_or_default()
    }

    /// At most `most` of those on the list who need somebody, the most pressing first: silent, escalated, in trouble, owing.
    pub fn needing(&self, notice: NoticeId, most: usize) -> Vec<&PersonId> {
        self.cases.get(notice).map(|c| c.rows.needing(most)).unwrap_or_default()
    }

    /// Those on the list of whose silence this leader was told last, in order of id.
    pub fn told(&self, notice: NoticeId, leader: &PersonId) -> impl Iterator<Item = &PersonId> {
        self.cases.get(notice).into_iter().flat_map(|c| c.rows.told(leader))
    }

    /// Whose rows of which notices may have changed since this was last asked. Nothing is decided by it.
    pub fn take_changed(&mut self) -> BTreeMap<NoticeId, BTreeSet<PersonId>> {
        self.cases.take_changed()
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

    /// Every delivery of the newest version to one person, in order of first use.
    pub fn deliveries_to(&self, notice: NoticeId, person: &PersonId) -> Vec<Delivery> {
        let Some((head, row)) = self.cases.peek(notice, person) else { return Vec::new() };
        row.slots.iter().map(|s| s.delivery(notice, head.current, person)).collect()
    }

    /// One delivery, while its version is the newest.
    pub fn delivery(&self, id: DeliveryId) -> Option<Delivery> {
        let (notice, head, person, row) = self.cases.of_delivery(id)?;
        Some(row.slots.iter().find(|s| s.id == id)?.delivery(notice, head.current, person))
    }

    /// The person's channels that are up.
    pub fn channels_up(&self, person: &PersonId) -> Vec<Channel> {
        let own = self.up.get(person).into_iter().flatten();
        own.chain(&self.services).copied().filter(|c| self.is_up(person, *c)).collect()
    }

    /// Channels to providers that are up.
    pub fn services_up(&self) -> impl Iterator<Item = Channel> {
        self.services.iter().copied()
    }

    /// Whether a person asked not to be reached over a channel.
    pub fn has_stopped(&self, person: &PersonId, channel: Channel) -> bool {
        self.stopped.get(person).is_some_and(|s| s.contains(&channel))
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
            row.stuck()
        };
        self.cases.on(person).find_map(stuck)
    }

    /// Notices kept in memory, the cleared ones of the retention time included.
    pub fn kept(&self) -> usize {
        self.cases.len()
    }

    /// When something may be due next, whatever it is: not before.
    pub fn next_due(&self) -> Option<Time> {
        self.cases.first_timer()
    }

    pub(crate) fn is_up(&self, person: &PersonId, channel: Channel) -> bool {
        if channel.is_personal() {
            return !self.shut.contains(&channel) && self.up.get(person).is_some_and(|up| up.contains(&channel));
        }
        self.services.contains(&channel)
            && !self.has_stopped(person, channel)
            && self.people.person(person).is_some_and(|p| p.addresses.of(channel).is_some())
    }
}

fn drop_from(table: &mut Table<PersonId, BTreeSet<Channel>>, person: &PersonId, channel: Channel) {
    if let Some(channels) = table.get_mut(person) {
        channels.remove(&channel);
        if channels.is_empty() {
            table.remove(person);
        }
    }
}
