//! Desk: what people decide about sightings and bulletins, who has which alarm in hand, and which alarms interrupt.
//!
//! A sighting comes in and goes at the same moment to the centre and to the reporter's own leadership; each has it on
//! their screen for the first time (the reporter's second and third receipt); the centre confirms, merges or dismisses
//! it; the reporter may take it back while nobody decided. It is not for measuring (that is `track`), for storing
//! history (that is `record`: the desk keeps what is open and the newest of what is settled) or for own flights.
//!
//! Pure: [`Desk::check`] says at the door whether an act can be taken, [`Desk::decide`] what follows from it, and
//! [`Desk::apply`] takes that. An act that `check` refuses decides nothing.
//!
//! # Refusals (`code`)
//! | code | when |
//! |---|---|
//! | `bad_sighting` | a field is out of its range ([`Sighting::check`]) |
//! | `unknown_person` | the reporter is not in the directory |
//! | `not_yours` | reported in another's name; taken back by another than the reporter |
//! | `duplicate_sighting` | the id is taken |
//! | `desk_full` | [`Desk::MOST_OPEN`] sightings wait for triage: try again later |
//! | `unknown_sighting` | not here, or this person may not see it |
//! | `not_allowed` | triage by somebody not at the centre |
//! | `not_addressed` | seen by somebody neither at the centre nor a leader of the reporter |
//! | `retracted` | its reporter took it back |
//! | `not_a_verdict` | triage to "new" |
//! | `already_decided` | decided the same already; or differently, and no reason is given for the change; or taken back after triage |
//! | `why_needed` | a dismissal or merge without a reason |
//! | `why_too_long` | over [`Desk::MOST_WHY`] characters |
//! | `merge_into_itself`, `merge_into_unknown`, `merge_into_retracted`, `merge_cycle` | a merge that leads nowhere |
//! | `others_merged` | taken back although another sighting was merged into it |
//! | `too_late` | taken back more than [`Desk::RETRACT_S`] after it was stored |
//! | `not_watch` | alarms are taken, handed back and taken over by watch officers |
//! | `bad_alarms` | none, or over [`Desk::MOST_ALARMS`], in one act |
//! | `unknown_alarm` | none of them is open (any more) and for this person to see |
//! | `taken` | another has one of them in hand, and no reason is given |
//! | `not_holder` | handed back by somebody who does not have it |
//! | `unknown_person`, `from_yourself` | taken over from nobody, or from oneself |
//! | `bad_shelf_time` | shelved for under [`Policy::SHELVE_LEAST_S`], or longer than the policy lets this level |
//! | `own_alarm` | shelved by who reported it, or who reported what its track was made of |
//! | `in_hand` | shelved although somebody has it in hand |
//! | `already_shelved`, `not_shelved` | shelved again before it was back; ended where it had not begun |
//! | `not_found` | no such bulletin, or this person may not see it |
//! | `forbidden` | bulletins are proposed by watch, analysts and supervisors, and decided about by watch and supervisors |
//! | `unfit` | what a bulletin says is out of its bounds, or names what is not there; every problem is a line |
//! | `too_many` | [`bulletins::MOST_BULLETINS`] wait or are in force |
//! | `exists` | proposed under an id that is in use |
//! | `second_person` | approved by one of its authors; or glass broken for what is marked less strictly than what it rests on |
//! | `changed` | approved, submitted or overwritten as it was before it was changed |
//! | `not_a_draft` | written at or submitted, though it waits or is out already |
//! | `nothing_waits`, `not_in_force`, `over`, `expired`, `why` | an act that does not fit how far the bulletin is, or has no reason |
//!
//! What acts about intelligence reports are refused for is in the table at the head of `intelligence.rs`.
//!
//! What taking, handing back and taking over lead to is in the table at the head of `alarms.rs`; what interrupts, in
//! that of `calls.rs`; how it is measured, in `figures.rs`.

mod alarms;
pub mod bulletins;
mod calls;
mod figures;
pub mod intelligence;
pub mod policy;
pub mod searches;
mod shelf;

use crate::{
    alarms::Alarms,
    bulletins::{Basis, Bulletins},
    calls::{Calls, Case},
    intelligence::{Behind, Reports},
    searches::Searches,
    shelf::{Shelf, is_settled},
};
pub use figures::{ByLevel, Figures, OfficerFigures, Shares, TARGETS, Targets, Totals, WINDOW_S};
pub use policy::Policy;
use serde::{Deserialize, Serialize};
pub use skypicket_model::Refusal;
use skypicket_model::{
    Act, AlarmCall, AlarmId, AlarmState, BulletinContent, BulletinState, CallHow, CallReason, Channel, DeskEvent,
    Directory, Incident, Level, Link, Marking, Notice, NoticeId, PersonId, Reader, Role, SavedSearch, SearchChange,
    ShelfChange, ShelfEnd, Shelved, ShiftChange, Sighting, SightingId, SightingState, SourceId, Time, TrackId, Triage,
    Verdict,
    bulletin::Unseen,
    entry::{ActEntry, ChannelState},
    may_see,
};
use std::{cmp::Reverse, collections::BTreeSet};

/// The engine.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Desk {
    directory: Directory,
    shelf: Shelf,
    #[serde(default)]
    alarms: Alarms,
    #[serde(default)]
    calls: Calls,
    #[serde(default)]
    bulletins: Bulletins,
    #[serde(default)]
    reports: Reports,
    #[serde(default)]
    searches: Searches,
}

/// What a bulletin rests on, as it is now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Linked<'a> {
    /// Who may see it.
    pub marking: &'a Marking,
    /// Its title, or its words; may be empty.
    pub title: &'a str,
    /// How far it is to be believed, where somebody grades such a thing.
    pub grade: Option<skypicket_model::Grade>,
}

/// An alarm that is open, and who has it in hand.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenAlarm<'a> {
    /// Which.
    pub alarm: AlarmId,
    /// Since when it is open.
    pub since: Time,
    /// Level of a warning, now.
    pub level: Option<Level>,
    /// Its marking.
    pub marking: &'a Marking,
    /// Who has it, or had it last; `None` when nobody ever took it.
    pub state: Option<&'a AlarmState>,
    /// Somebody has it in hand, at the level that it has now.
    pub in_hand: bool,
    /// With which others it belongs together.
    pub incident: Incident,
    /// Its last call.
    pub call: Option<AlarmCall>,
    /// When it began to call.
    pub calls_since: Option<Time>,
    /// It sounds now at the centre, until somebody takes it.
    pub sounds: bool,
    /// Put aside, by whom and until when.
    pub shelved: Option<&'a Shelved>,
    /// Of a channel that takes no messages: since when.
    pub down_since: Option<Time>,
}

impl Desk {
    /// Seconds after storing in which a reporter may take a sighting back, as long as nobody decided.
    pub const RETRACT_S: f64 = 600.0;
    /// Settled sightings kept in memory; older ones are in the record's views only and can no longer be changed.
    pub const MOST_SETTLED: usize = 10_000;
    /// Sightings that may wait for triage; beyond it new ones are refused at the door, none is dropped.
    pub const MOST_OPEN: usize = 100_000;
    /// Most characters of a reason.
    pub const MOST_WHY: usize = 2_000;
    /// Alarms that wait and are looked at in one second; the others the second after.
    pub const MOST_DUE: usize = 500;
    /// Most alarms in one act.
    pub const MOST_ALARMS: usize = 500;

    /// With nobody and nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Who is who from now on. Who leads whom is fixed for a sighting when it comes in.
    pub fn configure(&mut self, directory: &Directory) {
        self.directory = directory.clone();
        self.alarms.keep_people(|p| directory.people.contains_key(p));
        self.calls.keep_people(|p| directory.people.contains_key(p));
        self.searches.keep_people(|p| directory.people.contains_key(p));
    }

    /// Decides by this from now on.
    pub fn set_policy(&mut self, policy: Policy) {
        self.alarms.set_policy(policy);
    }

    // ---- absorb: what the desk knows of the others ----

    /// A new version of a notice; a warning that is cleared is no alarm any more.
    pub fn hear(&mut self, notice: &Notice) {
        self.bulletins.hear(notice);
        self.alarms.hear(notice);
        let alarm = AlarmId::Notice(notice.id);
        match self.incident(alarm) {
            Some(incident) => self.calls.moved(alarm, incident),
            None => self.calls.over(alarm),
        }
    }

    /// How a channel is from now on. One that is down becomes an alarm only when that lasts ([`Desk::absorb_tick`]).
    pub fn absorb_channel(&mut self, channel: Channel, state: &ChannelState, now: Time) {
        if self.alarms.hear_channel(channel, state, now) {
            self.calls.over(AlarmId::Channel(channel));
        }
    }

    /// A person's page was opened, or their last one closed.
    pub fn absorb_page(&mut self, person: &PersonId, open: bool, now: Time) {
        // Somebody unknown is not kept: the table is as small as the directory.
        if open && self.directory.people.contains_key(person) {
            self.alarms.came(person);
            if self.is_watch(person) {
                self.calls.came(person, now);
            }
        } else if !open {
            self.alarms.went(person, now);
            self.calls.went(person, now);
        }
    }

    /// Time passed: what no figure asks for any more is let go, and a channel that is down for long is an alarm.
    pub fn absorb_tick(&mut self, now: Time) {
        self.alarms.tick(now);
        self.calls.tick(now);
        self.bulletins.tick(now);
    }

    /// The centre started (again): every page is closed until it comes back.
    pub fn absorb_start(&mut self, exercise: bool, now: Time) {
        self.bulletins.set_exercise(exercise);
        for channel in self.alarms.all_went(now) {
            self.calls.over(AlarmId::Channel(channel));
        }
        self.calls.all_went(now);
    }

    /// Whether the act can be taken. Acts that are not the desk's are taken.
    pub fn check(&self, by: &PersonId, act: &Act, now: Time) -> Result<(), Refusal> {
        match act {
            Act::Sighting { sighting } => self.check_sighting(by, sighting),
            Act::Retract { sighting } => self.check_retract(by, *sighting, now),
            Act::SeeSighting { sighting } => self.check_see(by, *sighting),
            Act::Triage(triage) => self.check_triage(by, triage),
            Act::TakeAlarm { alarms, why } => self.check_take(by, alarms, why),
            Act::HandBack { alarms, why } => self.check_hand_back(by, alarms, why),
            Act::TakeOver { from, note } => self.check_take_over(by, from, note),
            Act::ShelveAlarm { alarms, for_s, why } => self.check_shelve(by, alarms, *for_s, why),
            Act::UnshelveAlarm { alarms } => self.check_unshelve(by, alarms),
            Act::Bulletin(act) => {
                self.bulletins.check(by, act, &self.directory, |c, named| self.basis(by, c, named, now), now)
            }
            Act::Intelligence(act) => self.check_report(by, act, now),
            Act::SaveSearch { search } => self.searches.check_save(by, search, &self.directory),
            Act::DropSearch { id } => self.searches.check_drop(by, *id),
            Act::Receipt { .. }
            | Act::Acknowledge { .. }
            | Act::Call { .. }
            | Act::Measures { .. }
            | Act::OwnFlight(_)
            | Act::Directory { .. }
            | Act::Track(_)
            | Act::Conflict { .. } => Ok(()),
        }
    }

    /// What follows from an act; nothing when it is refused, not the desk's, or changes nothing.
    pub fn decide(&self, act: &ActEntry, now: Time) -> Vec<DeskEvent> {
        if self.check(&act.by, &act.act, now).is_err() {
            return Vec::new();
        }
        let by = &act.by;
        let alarm = |state| DeskEvent::Alarm { state: Box::new(state) };
        let next = match &act.act {
            Act::Sighting { sighting } => Some(SightingState {
                leaders: self.directory.leaders_of(&sighting.reporter),
                sighting: (**sighting).clone(),
                stored_at: now,
                verdict: Verdict::New,
                decided_by: None,
                decided_at: None,
                why: String::new(),
                seen_by_centre: None,
                seen_by_leadership: None,
                retracted_at: None,
                track: None,
            }),
            Act::Retract { sighting } => {
                self.sighting(*sighting).map(|s| SightingState { retracted_at: Some(now), ..s.clone() })
            }
            Act::SeeSighting { sighting } => self.sighting(*sighting).map(|s| self.seen(s, &act.by, now)),
            Act::Triage(t) => self.sighting(t.sighting).map(|s| SightingState {
                verdict: t.verdict,
                decided_by: Some(act.by.clone()),
                decided_at: Some(now),
                why: t.why.trim().into(),
                ..s.clone()
            }),
            Act::TakeAlarm { alarms, why } => {
                let open = self.distinct(by, alarms);
                return open.filter_map(|a| self.alarms.taken(a, by, why.trim(), now)).map(alarm).collect();
            }
            Act::HandBack { alarms, why } => {
                let held = self.distinct(by, alarms).filter_map(|a| self.alarms.state(a));
                return held.map(|s| alarm(Alarms::handed_back(s, why.trim(), now))).collect();
            }
            Act::TakeOver { from, note } => {
                let theirs: Vec<AlarmState> = self
                    .alarms
                    .states()
                    .filter(|s| s.holder.as_ref() == Some(from) && self.open_to(by, s.alarm).is_some())
                    .map(|s| Alarms::taken_over(s, by, note.trim(), now))
                    .collect();
                let change = ShiftChange {
                    by: by.clone(),
                    from: from.clone(),
                    note: note.trim().into(),
                    at: now,
                    alarms: u32::try_from(theirs.len()).unwrap_or(u32::MAX),
                    shelved: u32::try_from(self.calls.all_shelved().count()).unwrap_or(u32::MAX),
                };
                return theirs.into_iter().map(alarm).chain([DeskEvent::Shift { change }]).collect();
            }
            Act::ShelveAlarm { alarms, for_s, why } => {
                let shelved = |a: AlarmId| Shelved {
                    by: by.clone(),
                    at: now,
                    until: now.plus_s(f64::from(*for_s)),
                    why: why.trim().into(),
                    level: self.calling_level(a),
                };
                let on = |a| ShelfChange { alarm: a, at: now, shelved: Some(shelved(a)), ended: None, by: None };
                return self.distinct(by, alarms).map(|a| DeskEvent::Shelf { change: on(a) }).collect();
            }
            Act::UnshelveAlarm { alarms } => {
                let mine = self.distinct(by, alarms).filter(|a| self.calls.shelved(*a).is_some());
                let off = |a| ShelfChange {
                    alarm: a,
                    at: now,
                    shelved: None,
                    ended: Some(ShelfEnd::Unshelved),
                    by: Some(by.clone()),
                };
                return mine.map(|a| DeskEvent::Shelf { change: off(a) }).collect();
            }
            Act::Bulletin(act) => {
                let unseen = |c: &BulletinContent| self.unseen(by, c, now);
                let next = self.bulletins.next(by, act, unseen, now);
                return next.map(|s| DeskEvent::Bulletin { state: Box::new(s) }).into_iter().collect();
            }
            Act::Intelligence(act) => {
                let next = self.next_report(by, act, now);
                return next.map(|s| DeskEvent::Intelligence { state: Box::new(s) }).into_iter().collect();
            }
            Act::SaveSearch { search } => {
                let saved = SavedSearch { name: search.name.trim().into(), ..(**search).clone() };
                let change = SearchChange { person: by.clone(), id: search.id, saved: Some(saved), at: now };
                return vec![DeskEvent::Search { change: Box::new(change) }];
            }
            Act::DropSearch { id } => {
                let change = SearchChange { person: by.clone(), id: *id, saved: None, at: now };
                return vec![DeskEvent::Search { change: Box::new(change) }];
            }
            Act::Receipt { .. }
            | Act::Acknowledge { .. }
            | Act::Call { .. }
            | Act::Measures { .. }
            | Act::OwnFlight(_)
            | Act::Directory { .. }
            | Act::Track(_)
            | Act::Conflict { .. } => None,
        };
        let changed = |s: &SightingState| self.sighting(s.sighting.id) != Some(s);
        next.filter(changed).map(|s| DeskEvent::Sighting { state: Box::new(s) }).into_iter().collect()
    }

    /// What a bulletin's content rests on. What `named` holds stands there already: it counts whoever writes on, also
    /// where they may not see it, and is let be when it has gone since.
    fn basis(&self, by: &PersonId, content: &BulletinContent, named: &BTreeSet<Link>, now: Time) -> Basis {
        let mut basis = Basis::default();
        let (Some(reader), Some(sheet)) = (self.directory.reader(by), &content.sheet) else { return basis };
        for link in &sheet.rests_on {
            let known = named.contains(link);
            // A sighting is its reporter's, their leaders' and the centre's.
            let theirs = match link {
                Link::Sighting(id) => self.sighting(*id).is_some_and(|s| self.may_see(by, s)),
                _ => true,
            };
            // What is gone is hidden from nobody: there is nobody who could look at it instead.
            if let Behind::Marked(m) = self.behind(*link, now)
                && !(theirs && may_see(&reader, m))
            {
                // Whom it names is not for whom it does not name.
                let m = Marking { named: BTreeSet::new(), ..m.clone() };
                let before = basis.unseen.take();
                let count = before.as_ref().map_or(0, |u| u.count) + 1;
                let marking = before.and_then(|u| u.marking).map_or_else(|| m.clone(), |b| b.join(&m));
                basis.unseen = Some(Unseen { count, marking: Some(marking) });
            }
            match self.behind(*link, now) {
                Behind::Marked(m) if known || theirs && may_see(&reader, m) => {
                    basis.marking = Some(basis.marking.map_or_else(|| m.clone(), |b| b.join(m)));
                }
                Behind::Unmarked => {}
                Behind::Gone if known => {}
                Behind::Marked(_) | Behind::Gone => basis.wrong.push(format!("there is no {}", link.word())),
            }
        }
        basis
    }

    /// What of that which a bulletin's content rests on is hidden from a person.
    pub fn unseen(&self, by: &PersonId, content: &BulletinContent, now: Time) -> Option<Unseen> {
        self.basis(by, content, &BTreeSet::new(), now).unseen
    }

    /// What a link leads to, while it is kept; `None` for a track, which has no marking of its own.
    pub fn linked(&self, link: Link, now: Time) -> Option<Linked<'_>> {
        let Behind::Marked(marking) = self.behind(link, now) else { return None };
        let (title, grade) = match link {
            Link::Sighting(id) => (self.sighting(id).map(|s| s.sighting.words.as_str()), None),
            Link::Notice(id) => (self.bulletins.get(id).map(|s| s.content.title.as_str()), None),
            Link::Report(id) => {
                let content = self.report(id).and_then(|s| s.content.as_ref());
                (content.map(|c| c.title.as_str()), content.map(|c| c.grade))
            }
            Link::Track(_) => (None, None),
        };
        Some(Linked { marking, title: title.unwrap_or_default(), grade })
    }

    /// What follows from the tracker having used a sighting for a track (again with another track, when tracks merge).
    pub fn fed(&self, sighting: SightingId, track: TrackId) -> Vec<DeskEvent> {
        let fed = |s: &SightingState| {
            let change = s.retracted_at.is_none() && s.track != Some(track);
            change.then(|| SightingState { track: Some(track), ..s.clone() })
        };
        let state = self.sighting(sighting).and_then(fed);
        state.map(|s| DeskEvent::Sighting { state: Box::new(s) }).into_iter().collect()
    }

    /// What follows from two tracks that became one: the sightings that fed the one that ended feed the other.
    pub fn feeds_on(&self, ended: TrackId, track: TrackId) -> Vec<DeskEvent> {
        self.fed_otherwise(track, |s| s.track == Some(ended))
    }

    /// What follows from a source's reports that are of another track from now on: so are its sightings.
    pub fn parted(&self, from: TrackId, to: TrackId, source: &SourceId) -> Vec<DeskEvent> {
        self.fed_otherwise(to, |s| s.track == Some(from) && SourceId::of_person(&s.sighting.reporter) == *source)
    }

    fn fed_otherwise(&self, track: TrackId, which: impl Fn(&SightingState) -> bool) -> Vec<DeskEvent> {
        let which: Vec<SightingId> = self.sightings().filter(|s| which(s)).map(|s| s.sighting.id).collect();
        which.into_iter().flat_map(|s| self.fed(s, track)).collect()
    }

    /// What follows from a warning that was heard: whose hand it comes into by itself.
    pub fn raised(&self, notice: NoticeId, now: Time) -> Vec<DeskEvent> {
        let state = self.alarms.same_drone(notice, now);
        let seen = |s: &AlarmState| s.holder.as_ref().is_some_and(|h| self.open_to(h, s.alarm).is_some());
        state.filter(seen).map(|s| DeskEvent::Alarm { state: Box::new(s) }).into_iter().collect()
    }

    /// What follows from somebody's acknowledgement of a warning: a watch officer takes one that nobody has.
    pub fn acknowledged(&self, by: &PersonId, notice: NoticeId, now: Time) -> Vec<DeskEvent> {
        let alarm = AlarmId::Notice(notice);
        let other = self.alarms.has_in_hand(alarm).is_some_and(|s| s.holder.as_ref() != Some(by));
        if other || !self.is_watch(by) || self.open_to(by, alarm).is_none() {
            return Vec::new();
        }
        let state = self.alarms.taken(alarm, by, "", now);
        state.map(|s| DeskEvent::Alarm { state: Box::new(s) }).into_iter().collect()
    }

    /// What follows from who is here and who is not.
    pub fn absences(&self, now: Time) -> Vec<DeskEvent> {
        let changed = self.alarms.absences(|p| self.is_watch(p), now);
        changed.into_iter().map(|s| DeskEvent::Alarm { state: Box::new(s) }).collect()
    }

    /// In which order alarms that something happened to are asked whether they call: the highest level first, so that
    /// the others of their incident fold into its sound; each once.
    pub fn in_calling_order(&self, alarms: &[AlarmId]) -> Vec<AlarmId> {
        let once: BTreeSet<AlarmId> = alarms.iter().copied().collect();
        let mut order: Vec<AlarmId> = once.into_iter().collect();
        order.sort_by_key(|a| (Reverse(self.calling_level(*a)), *a));
        order
    }

    /// The alarms for which time alone may have changed something: what was shelved until now, channels that are down for
    /// too long since this moment, and what waits where there is room for one more interruption, or where the flood that
    /// it was grouped in is over; the longest first.
    pub fn due(&self, now: Time) -> Vec<AlarmId> {
        let expired = self.calls.all_shelved().filter(|(_, s)| s.until <= now).map(|(a, _)| a);
        let mut due: Vec<AlarmId> = expired.collect();
        due.extend(self.alarms.channels().filter(|(_, t)| *t == now).map(|(c, _)| AlarmId::Channel(c)));
        let (room, flood) = (self.calls.room(self.policy(), now), self.calls.flood().is_some());
        if room || !flood {
            let may = |how: CallHow| match how {
                CallHow::Waits => room,
                CallHow::Grouped => !flood,
                CallHow::Interrupts | CallHow::Folded => false,
            };
            let silent = self.calls.called().filter(|c| c.quiet.is_none() && may(c.call.how));
            let mut waiting: Vec<_> = silent.map(|c| (Reverse(c.call.level), c.since, c.call.alarm)).collect();
            waiting.sort();
            due.extend(waiting.into_iter().map(|(_, _, a)| a).take(Self::MOST_DUE));
        }
        due
    }

    /// Whether an alarm calls for a person now, and what that leads to; nothing when it does not call, or called
    /// already. To be asked for each alarm that something happened to, and for those that are [`Desk::due`].
    pub fn call(&self, alarm: AlarmId, now: Time) -> Vec<DeskEvent> {
        let Some(open) = self.alarm(alarm) else { return Vec::new() };
        let level = self.calling_level(alarm);
        let mut out = Vec::new();
        let ended = match open.shelved {
            Some(s) if level > s.level => Some(ShelfEnd::Higher),
            Some(s) if s.until <= now => Some(ShelfEnd::Expired),
            Some(_) => return out,
            None => None,
        };
        if ended.is_some() {
            let change = ShelfChange { alarm, at: now, shelved: None, ended, by: None };
            out.push(DeskEvent::Shelf { change });
        }
        if open.in_hand {
            return out;
        }
        let Some(why) = self.why_now(alarm, level, now) else { return out };
        let others = self.calls.of(open.incident).filter(|a| *a != alarm && self.sounds(*a));
        let sounds_already = others.map(|a| self.calling_level(a)).max();
        let case = Case { alarm, level, incident: open.incident, why, sounds_already, policy: self.policy() };
        let (call, flood) = self.calls.judge(&case, now);
        // To wait on is nothing new.
        if why == CallReason::Waited && open.call.is_some_and(|c| c.how == call.how) {
            return out;
        }
        out.extend(flood.map(|change| DeskEvent::Flood { change }));
        out.push(DeskEvent::Call { call });
        out
    }

    /// Why an alarm that is in nobody's hand calls now; `None` when it called already.
    fn why_now(&self, alarm: AlarmId, level: Level, now: Time) -> Option<CallReason> {
        let Some(c) = self.calls.get(alarm) else {
            let had = self.alarms.state(alarm).is_some();
            return Some(if had { CallReason::Dropped } else { CallReason::New });
        };
        match c.quiet {
            _ if level > c.call.level => Some(CallReason::Higher),
            Some(calls::Quiet::Hand) => Some(CallReason::Dropped),
            Some(calls::Quiet::Shelf) => Some(CallReason::Back),
            None => match c.call.how {
                CallHow::Waits if self.calls.room(self.policy(), now) => Some(CallReason::Waited),
                CallHow::Grouped if self.calls.flood().is_none() => Some(CallReason::Waited),
                _ => None,
            },
        }
    }

    /// The end of the flood, where it is over.
    pub fn flood_end(&self, now: Time) -> Option<DeskEvent> {
        self.calls.flood_end(self.policy(), now).map(|change| DeskEvent::Flood { change })
    }

    /// What follows from the time alone: bulletins whose own is over.
    pub fn expired(&self, now: Time) -> Vec<DeskEvent> {
        self.bulletins.expired(now).into_iter().map(|s| DeskEvent::Bulletin { state: Box::new(s) }).collect()
    }

    /// The version of a notice that a decision brings, before that is applied: of a bulletin that is issued, corrected,
    /// recalled or over.
    pub fn version(&self, event: &DeskEvent, exercise: Option<&str>, now: Time) -> Option<Notice> {
        match event {
            DeskEvent::Bulletin { state } => self.bulletins.version(state, exercise, now),
            _ => None,
        }
    }

    /// Forgets the sightings that nothing happened to since `before`, and the bulletins that were over then: their time in
    /// the record is over.
    pub fn forget(&mut self, before: Time) {
        self.bulletins.forget(before);
        for id in self.shelf.forget(before) {
            self.alarms.over(AlarmId::Sighting(id));
            self.calls.over(AlarmId::Sighting(id));
        }
    }

    /// Takes a decision, made at `now`.
    pub fn apply(&mut self, event: &DeskEvent, now: Time) {
        match event {
            DeskEvent::Sighting { state } => {
                self.shelf.put(state, Self::MOST_SETTLED);
                let id = state.sighting.id;
                let incident = state.track.map_or(Incident::Sighting(id), Incident::Track);
                self.calls.moved(AlarmId::Sighting(id), incident);
                if is_settled(state) {
                    let alarm = AlarmId::Sighting(state.sighting.id);
                    if state.verdict != Verdict::New {
                        self.calls.answer(alarm, now);
                    }
                    self.alarms.over(alarm);
                    self.calls.over(alarm);
                }
            }
            DeskEvent::Alarm { state } => {
                if self.opened(state.alarm).is_some() {
                    self.alarms.put(state);
                    if let Some(by) = self.alarms.has_in_hand(state.alarm).and_then(|s| s.holder.clone()) {
                        self.calls.taken(state.alarm, &by, now);
                    }
                }
            }
            DeskEvent::Shift { change } => self.alarms.put_shift(change),
            DeskEvent::Call { call } => {
                if self.opened(call.alarm).is_some() {
                    self.calls.put(call);
                }
            }
            DeskEvent::Shelf { change } => {
                if self.opened(change.alarm).is_some() {
                    self.calls.put_shelf(change);
                }
            }
            DeskEvent::Flood { change } => self.calls.put_flood(change),
            DeskEvent::Bulletin { state } => self.bulletins.put(state),
            DeskEvent::Intelligence { state } => self.reports.put(state),
            DeskEvent::Search { change } => self.searches.put(change),
        }
    }

    // ---- to look at ----

    /// A sighting, if it is kept.
    pub fn sighting(&self, id: SightingId) -> Option<&SightingState> {
        self.shelf.get(id)
    }

    /// All that are kept, in the order in which they were stored.
    pub fn sightings(&self) -> impl DoubleEndedIterator<Item = &SightingState> {
        self.shelf.iter()
    }

    /// What a person keeps looking for, in order of id.
    pub fn searches_of(&self, person: &PersonId) -> impl Iterator<Item = &SavedSearch> {
        self.searches.of(person)
    }

    /// What everybody keeps looking for, by person.
    pub fn searches(&self) -> impl Iterator<Item = (&PersonId, &SavedSearch)> {
        self.searches.all()
    }

    /// How many wait for triage.
    pub fn open(&self) -> usize {
        self.shelf.open()
    }

    /// What this person may see, newest first.
    pub fn visible_to(&self, person: &PersonId) -> Vec<&SightingState> {
        let reader = self.directory.reader(person);
        self.shelf.iter().rev().filter(|s| shows(s, person, reader.as_ref())).collect()
    }

    /// Whether this person may see this sighting: its reporter always; their leaders and the centre as its marking
    /// lets them; nobody else.
    pub fn may_see(&self, person: &PersonId, state: &SightingState) -> bool {
        shows(state, person, self.directory.reader(person).as_ref())
    }

    /// The people to whom a change of this sighting is to be shown, in order of id.
    pub fn audience(&self, state: &SightingState) -> Vec<PersonId> {
        self.directory.people.keys().filter(|p| self.may_see(p, state)).cloned().collect()
    }

    /// A bulletin, if it is kept.
    pub fn bulletin(&self, id: NoticeId) -> Option<&BulletinState> {
        self.bulletins.get(id)
    }

    /// All bulletins that wait, are in force or are not long over, in order of id.
    pub fn bulletins(&self) -> impl Iterator<Item = &BulletinState> {
        self.bulletins.iter()
    }

    /// An alarm, while it is open.
    pub fn alarm(&self, alarm: AlarmId) -> Option<OpenAlarm<'_>> {
        let (since, marking) = self.opened(alarm)?;
        let level = self.alarms.level(alarm);
        let state = self.alarms.state(alarm);
        let called = self.calls.get(alarm);
        Some(OpenAlarm {
            alarm,
            since,
            level,
            marking,
            state,
            in_hand: self.alarms.has_in_hand(alarm).is_some(),
            incident: self.incident(alarm)?,
            call: called.map(|c| c.call),
            calls_since: called.map(|c| c.since),
            sounds: self.sounds(alarm),
            shelved: self.calls.shelved(alarm),
            down_since: match alarm {
                AlarmId::Channel(channel) => self.alarms.down_since(channel),
                AlarmId::Notice(_) | AlarmId::Sighting(_) => None,
            },
        })
    }

    /// With which others it belongs together; `None` for what is over.
    fn incident(&self, alarm: AlarmId) -> Option<Incident> {
        match alarm {
            AlarmId::Notice(id) => self.alarms.warning(id).map(|w| Incident::Track(w.track)),
            AlarmId::Sighting(id) => self.sighting(id).map(|s| s.track.map_or(Incident::Sighting(id), Incident::Track)),
            AlarmId::Channel(channel) => self.alarms.channel(channel).map(|_| Incident::Channel(channel)),
        }
    }

    /// The level at which it calls now.
    fn calling_level(&self, alarm: AlarmId) -> Level {
        alarm.calling_level(self.alarms.level(alarm))
    }

    /// It called, that interrupts, and it is in nobody's hand and not shelved.
    fn sounds(&self, alarm: AlarmId) -> bool {
        let loud = |c: &calls::Called| matches!(c.call.how, CallHow::Interrupts | CallHow::Folded);
        self.calls.get(alarm).is_some_and(|c| c.quiet.is_none() && loud(c))
            && self.calls.shelved(alarm).is_none()
            && self.alarms.has_in_hand(alarm).is_none()
    }

    /// Since when there is a flood of alarms.
    pub fn flood_since(&self) -> Option<Time> {
        self.calls.flood().map(|f| f.since)
    }

    /// Calls in the last ten minutes.
    pub fn calls_in_10_min(&self, now: Time) -> u32 {
        self.calls.calls_in_10_min(now)
    }

    pub(crate) fn calls(&self) -> &Calls {
        &self.calls
    }

    /// What it decides by.
    pub fn policy(&self) -> &Policy {
        self.alarms.policy()
    }

    /// All that are open: warnings in order of id, then reports in the order in which they were stored, then
    /// channels.
    pub fn alarms(&self) -> impl Iterator<Item = OpenAlarm<'_>> {
        let warnings = self.alarms.warnings().map(|(id, _)| AlarmId::Notice(id));
        let reports = self.shelf.iter().filter(|s| !is_settled(s)).map(|s| AlarmId::Sighting(s.sighting.id));
        let channels = self.alarms.channels().map(|(c, _)| AlarmId::Channel(c));
        warnings.chain(reports).chain(channels).filter_map(|a| self.alarm(a))
    }

    /// Of how many alarms it is kept who has or had them: of none that is over.
    pub fn kept_hands(&self) -> usize {
        self.alarms.states().count()
    }

    /// The last shift change.
    pub fn shift(&self) -> Option<&ShiftChange> {
        self.alarms.shift()
    }

    /// Since when an alarm is open, and its marking.
    fn opened(&self, alarm: AlarmId) -> Option<(Time, &Marking)> {
        match alarm {
            AlarmId::Notice(id) => self.alarms.warning(id).map(|w| (w.since, &w.marking)),
            AlarmId::Channel(channel) => self.alarms.channel(channel),
            AlarmId::Sighting(id) => {
                self.sighting(id).filter(|s| !is_settled(s)).map(|s| (s.stored_at, &s.sighting.marking))
            }
        }
    }

    /// The alarm, if it is open and this person may know of it.
    fn open_to(&self, by: &PersonId, alarm: AlarmId) -> Option<AlarmId> {
        let (_, marking) = self.opened(alarm)?;
        may_see(&self.directory.reader(by)?, marking).then_some(alarm)
    }

    /// Those of the alarms that are open to this person, each once.
    fn distinct<'a>(&'a self, by: &'a PersonId, alarms: &[AlarmId]) -> impl Iterator<Item = AlarmId> + 'a {
        let once: std::collections::BTreeSet<AlarmId> = alarms.iter().copied().collect();
        once.into_iter().filter_map(move |a| self.open_to(by, a))
    }

    // ---- at the door ----

    fn check_watch(&self, by: &PersonId, why: &str) -> Result<(), Refusal> {
        if !self.is_watch(by) {
            return Err(Refusal::new("not_watch", "alarms are in the hands of watch officers"));
        }
        if why.trim().chars().count() > Self::MOST_WHY {
            return Err(Refusal::new("why_too_long", format!("a reason has at most {} characters", Self::MOST_WHY)));
        }
        Ok(())
    }

    fn check_alarms(&self, by: &PersonId, alarms: &[AlarmId]) -> Result<(), Refusal> {
        if alarms.is_empty() || alarms.len() > Self::MOST_ALARMS {
            let message = format!("name 1 to {} alarms", Self::MOST_ALARMS);
            return Err(Refusal::new("bad_alarms", message));
        }
        if self.distinct(by, alarms).next().is_none() {
            return Err(Refusal::new("unknown_alarm", "that alarm is over, or there is none of that id for you"));
        }
        Ok(())
    }

    fn check_take(&self, by: &PersonId, alarms: &[AlarmId], why: &str) -> Result<(), Refusal> {
        self.check_watch(by, why)?;
        self.check_alarms(by, alarms)?;
        let mut held = self.distinct(by, alarms).filter_map(|a| self.alarms.has_in_hand(a));
        match held.find(|s| s.holder.as_ref() != Some(by)) {
            Some(s) if why.trim().is_empty() => {
                let holder = s.holder.as_ref().map_or_else(String::new, |h| self.name(h));
                let message = format!("{holder} has it in hand since {}; to take it from them, say why", s.since);
                Err(Refusal::new("taken", message))
            }
            _ => Ok(()),
        }
    }

    fn check_hand_back(&self, by: &PersonId, alarms: &[AlarmId], why: &str) -> Result<(), Refusal> {
        self.check_watch(by, why)?;
        self.check_alarms(by, alarms)?;
        let theirs = |a| self.alarms.state(a).is_some_and(|s| s.holder.as_ref() == Some(by));
        if !self.distinct(by, alarms).all(theirs) {
            return Err(Refusal::new("not_holder", "only who has an alarm in hand can hand it back"));
        }
        if why.trim().is_empty() {
            return Err(Refusal::new("why_needed", "say why, for whoever takes it next"));
        }
        Ok(())
    }

    fn check_take_over(&self, by: &PersonId, from: &PersonId, note: &str) -> Result<(), Refusal> {
        self.check_watch(by, note)?;
        if from == by {
            return Err(Refusal::new("from_yourself", "one takes over from somebody else"));
        }
        if !self.directory.people.contains_key(from) {
            return Err(Refusal::new("unknown_person", format!("'{from}' is not in the directory")));
        }
        Ok(())
    }

    fn check_shelve(&self, by: &PersonId, alarms: &[AlarmId], for_s: u32, why: &str) -> Result<(), Refusal> {
        self.check_watch(by, why)?;
        self.check_alarms(by, alarms)?;
        if why.trim().is_empty() {
            return Err(Refusal::new("why_needed", "say why, for whoever finds it shelved"));
        }
        for alarm in self.distinct(by, alarms) {
            if let Some(s) = self.alarms.has_in_hand(alarm) {
                let holder = s.holder.as_ref().map_or_else(String::new, |h| self.name(h));
                let message = format!("{holder} has it in hand; it is handed back first");
                return Err(Refusal::new("in_hand", message));
            }
            if let Some(s) = self.calls.shelved(alarm) {
                let message = format!("{} shelved it until {}; end that first", self.name(&s.by), s.until);
                return Err(Refusal::new("already_shelved", message));
            }
            if self.is_sender(by, alarm) {
                let message = "you reported it, or what it is made of: somebody else of the watch may shelve it";
                return Err(Refusal::new("own_alarm", message));
            }
            let most = self.policy().shelve_most_s(self.calling_level(alarm));
            if for_s < Policy::SHELVE_LEAST_S || for_s > most {
                let message = format!("it may be shelved for {} to {most} seconds", Policy::SHELVE_LEAST_S);
                return Err(Refusal::new("bad_shelf_time", message));
            }
        }
        Ok(())
    }

    fn check_unshelve(&self, by: &PersonId, alarms: &[AlarmId]) -> Result<(), Refusal> {
        self.check_watch(by, "")?;
        self.check_alarms(by, alarms)?;
        if !self.distinct(by, alarms).any(|a| self.calls.shelved(a).is_some()) {
            return Err(Refusal::new("not_shelved", "it is not shelved (any more)"));
        }
        Ok(())
    }

    /// Who reported it, or something that its track was made of, does not decide that others need not hear it.
    fn is_sender(&self, person: &PersonId, alarm: AlarmId) -> bool {
        match alarm {
            AlarmId::Channel(_) => false,
            AlarmId::Sighting(id) => self.sighting(id).is_some_and(|s| s.sighting.reporter == *person),
            AlarmId::Notice(id) => self
                .alarms
                .warning(id)
                .is_some_and(|w| self.shelf.iter().any(|s| s.track == Some(w.track) && s.sighting.reporter == *person)),
        }
    }

    fn is_watch(&self, person: &PersonId) -> bool {
        self.directory.active(person).is_some_and(|p| p.roles.contains(&Role::Watch))
    }

    fn name(&self, person: &PersonId) -> String {
        self.directory.people.get(person).map_or_else(|| person.to_string(), |p| p.name.clone())
    }

    /// The sighting, if this person may know of it: what they may not see is unknown to them.
    fn known(&self, by: &PersonId, id: SightingId) -> Result<&SightingState, Refusal> {
        self.sighting(id)
            .filter(|s| self.may_see(by, s))
            .ok_or_else(|| Refusal::new("unknown_sighting", format!("there is no sighting {id} for you")))
    }

    fn check_sighting(&self, by: &PersonId, sighting: &Sighting) -> Result<(), Refusal> {
        if sighting.reporter != *by {
            return Err(Refusal::new("not_yours", "a sighting is reported in one's own name"));
        }
        if !self.directory.people.contains_key(by) {
            return Err(Refusal::new("unknown_person", format!("'{by}' is not in the directory")));
        }
        sighting.check().map_err(|e| Refusal::new("bad_sighting", e.to_string()))?;
        if self.sighting(sighting.id).is_some() {
            return Err(Refusal::new("duplicate_sighting", format!("there is a sighting {} already", sighting.id)));
        }
        if self.open() >= Self::MOST_OPEN {
            return Err(Refusal::new("desk_full", "too many sightings wait for triage; keep it and try again"));
        }
        Ok(())
    }

    fn check_retract(&self, by: &PersonId, id: SightingId, now: Time) -> Result<(), Refusal> {
        let s = self.known(by, id)?;
        if s.sighting.reporter != *by {
            return Err(Refusal::new("not_yours", "only its reporter can take a sighting back"));
        }
        not_retracted(s)?;
        if s.verdict != Verdict::New {
            return Err(Refusal::new("already_decided", "the centre has decided about it; call the centre"));
        }
        if self.shelf.iter().any(|other| other.verdict == Verdict::Merged { into: id }) {
            return Err(Refusal::new("others_merged", "another sighting was merged into it; call the centre"));
        }
        if now.since_s(s.stored_at) > Self::RETRACT_S {
            return Err(Refusal::new("too_late", "it can be taken back in the first 10 minutes only; call the centre"));
        }
        Ok(())
    }

    fn check_see(&self, by: &PersonId, id: SightingId) -> Result<(), Refusal> {
        let s = self.known(by, id)?;
        if self.is_centre(by) || s.leaders.contains(by) {
            return Ok(());
        }
        Err(Refusal::new("not_addressed", "its receipts are given by the centre and by the reporter's leaders"))
    }

    fn check_triage(&self, by: &PersonId, t: &Triage) -> Result<(), Refusal> {
        let s = self.known(by, t.sighting)?;
        if !self.is_centre(by) {
            return Err(Refusal::new("not_allowed", "sightings are decided about at the centre"));
        }
        not_retracted(s)?;
        let why = t.why.trim();
        if why.chars().count() > Self::MOST_WHY {
            return Err(Refusal::new("why_too_long", format!("a reason has at most {} characters", Self::MOST_WHY)));
        }
        if t.verdict == Verdict::New {
            return Err(Refusal::new("not_a_verdict", "a sighting is confirmed, merged or dismissed"));
        }
        if s.verdict == t.verdict {
            return Err(Refusal::new("already_decided", "that is what was decided already"));
        }
        if s.verdict != Verdict::New && why.is_empty() {
            return Err(Refusal::new("already_decided", "it was decided otherwise; say why that changes"));
        }
        match t.verdict {
            Verdict::New | Verdict::Confirmed => return Ok(()),
            Verdict::Dismissed => {}
            Verdict::Merged { into } => self.check_merge(by, t.sighting, into)?,
        }
        if why.is_empty() {
            return Err(Refusal::new("why_needed", "say why"));
        }
        Ok(())
    }

    fn check_merge(&self, by: &PersonId, from: SightingId, into: SightingId) -> Result<(), Refusal> {
        if from == into {
            return Err(Refusal::new("merge_into_itself", "a sighting cannot be merged into itself"));
        }
        let unknown = |_| Refusal::new("merge_into_unknown", format!("there is no sighting {into} for you"));
        let mut at = self.known(by, into).map_err(unknown)?;
        if at.retracted_at.is_some() {
            return Err(Refusal::new("merge_into_retracted", "its reporter took that sighting back"));
        }
        // There is no cycle yet, so this ends.
        while let Verdict::Merged { into: next } = at.verdict {
            if next == from {
                return Err(Refusal::new("merge_cycle", "that sighting was merged into this one"));
            }
            let Some(state) = self.sighting(next) else { break };
            at = state;
        }
        Ok(())
    }

    /// Decides at the centre, as opposed to only reading there.
    fn is_centre(&self, person: &PersonId) -> bool {
        let roles = self.directory.people.get(person).map(|p| &p.roles);
        roles.is_some_and(|r| r.contains(&Role::Watch) || r.contains(&Role::Analyst))
    }

    fn seen(&self, s: &SightingState, by: &PersonId, now: Time) -> SightingState {
        let mut s = s.clone();
        if self.is_centre(by) && s.seen_by_centre.is_none() {
            s.seen_by_centre = Some((by.clone(), now));
        }
        if s.leaders.contains(by) && s.seen_by_leadership.is_none() {
            s.seen_by_leadership = Some((by.clone(), now));
        }
        s
    }
}

fn not_retracted(s: &SightingState) -> Result<(), Refusal> {
    if s.retracted_at.is_some() {
        return Err(Refusal::new("retracted", "its reporter took it back"));
    }
    Ok(())
}

fn shows(s: &SightingState, person: &PersonId, reader: Option<&Reader>) -> bool {
    let addressed = |r: &Reader| (r.is_centre() || s.leaders.contains(person)) && may_see(r, &s.sighting.marking);
    s.sighting.reporter == *person || reader.is_some_and(addressed)
}

/// Whether a sighting is decided or taken back.
pub fn settled(state: &SightingState) -> bool {
    is_settled(state)
}
