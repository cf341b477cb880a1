//! [`Calls`]: which alarms call for a person, which of those interrupt, and what is shelved.
//!
//! An alarm *calls* when it is new, rises, falls out of the hand that it was in, or comes back from the shelf. Whether a
//! call *interrupts* (sounds, until somebody takes it) is decided here and nowhere else, by [`Calls::judge`]:
//!
//! | first that fits | the call |
//! |---|---|
//! | another alarm of its incident sounds, at no lower level | is folded into that one's sound |
//! | in a flood, its incident has sounded at no lower level, and it is not dropped or back | is grouped: listed, silent until the flood is over |
//! | it is an advisory, and there were [`Policy::most_in_10_min`] or [`Policy::most_in_hour`] interruptions | waits: listed, silent until there is room |
//! | otherwise | interrupts |
//!
//! So an advisory never makes more than one interruption in 10 minutes on average over an hour, whatever comes. A caution
//! or an urgent one never waits: once for each drone and level.
//!
//! A flood begins with more than [`Policy::flood_over`] calls in 10 minutes, and is over at [`Policy::flood_end`].

use crate::policy::Policy;
use serde::{Deserialize, Serialize};
use skypicket_model::{
    AlarmCall, AlarmId, CallHow, CallReason, FloodChange, Incident, Level, PersonId, ShelfChange, Shelved, Time,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The window in which calls are counted for a flood, and interruptions for a peak, seconds.
pub(crate) const TEN_MIN_S: f64 = 600.0;
const HOUR_S: f64 = 3_600.0;
/// An officer who is back within this is on the same shift as before, seconds.
const SHIFT_GAP_S: f64 = 1_800.0;
/// Calls, answers and floods that the figures are made of: the newest so many are kept, and none is older than this.
pub(crate) const KEEP_S: f64 = 86_400.0;
const MOST_KEPT: usize = 4_096;
const MOST_FLOODS: usize = 256;

/// The last call of an open alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Called {
    pub(crate) call: AlarmCall,
    /// When it began to call; later than that only how it calls changed.
    pub(crate) since: Time,
    /// It was in somebody's hand or shelved after that: it calls anew when it is neither any more.
    pub(crate) quiet: Option<Quiet>,
}

/// Why an alarm that called does so no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Quiet {
    Hand,
    Shelf,
}

/// A flood that is on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flood {
    pub(crate) since: Time,
    /// The highest level at which each incident has sounded.
    sounded: BTreeMap<Incident, Level>,
}

/// One call, for the figures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Past {
    pub(crate) at: Time,
    pub(crate) level: Level,
}

/// An officer's shift: from the first page opened to the last one closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OnShift {
    pub(crate) from: Time,
    /// No page is open since.
    pub(crate) to: Option<Time>,
    pub(crate) interruptions: u32,
    /// Most interruptions in 10 minutes.
    pub(crate) peak: u32,
    pub(crate) taken: u32,
}

/// Calls, shelf, flood, and the history that the figures are made of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Calls {
    /// Of open alarms only.
    called: BTreeMap<AlarmId, Called>,
    /// Those, by incident.
    incidents: BTreeMap<Incident, BTreeSet<AlarmId>>,
    /// Of open alarms only.
    shelved: BTreeMap<AlarmId, Shelved>,
    flood: Option<Flood>,
    /// The history begins here.
    began: Option<Time>,
    past: VecDeque<Past>,
    /// When people were interrupted.
    interruptions: VecDeque<Time>,
    /// When an alarm was taken or decided, and how long after it began to call, seconds.
    answers: VecDeque<(Time, f64)>,
    /// Floods that are over.
    floods: VecDeque<(Time, Time)>,
    /// Interruptions since the log began.
    pub(crate) interrupted: u64,
    /// Calls since the log began, by level: advisory, caution, urgent.
    pub(crate) called_by_level: [u64; 3],
    officers: BTreeMap<PersonId, OnShift>,
}

/// What a call is judged by.
pub(crate) struct Case<'a> {
    pub(crate) alarm: AlarmId,
    pub(crate) level: Level,
    pub(crate) incident: Incident,
    pub(crate) why: CallReason,
    /// The highest level at which another alarm of the incident sounds.
    pub(crate) sounds_already: Option<Level>,
    pub(crate) policy: &'a Policy,
}

impl Calls {
    // ---- decide ----

    /// The one place where it is decided whether a call interrupts; and whether a flood begins with it.
    pub(crate) fn judge(&self, case: &Case<'_>, now: Time) -> (AlarmCall, Option<FloodChange>) {
        let Case { alarm, level, incident, why, .. } = *case;
        let calls = self.calls_in_10_min(now) + 1;
        let begins = self.flood.is_none() && why != CallReason::Waited && calls > case.policy.flood_over;
        let has_sounded = if begins { self.sounded().get(&incident).copied() } else { self.sounded_in_flood(incident) };
        let how = if case.sounds_already >= Some(level) {
            CallHow::Folded
        } else if has_sounded >= Some(level) && !matches!(why, CallReason::Dropped | CallReason::Back) {
            CallHow::Grouped
        } else if level == Level::Advisory && !self.room(case.policy, now) {
            CallHow::Waits
        } else {
            CallHow::Interrupts
        };
        let flood = begins.then_some(FloodChange { on: true, at: now, calls });
        (AlarmCall { alarm, level, incident, at: now, why, how }, flood)
    }

    /// There were fewer interruptions than people can bear.
    pub(crate) fn room(&self, policy: &Policy, now: Time) -> bool {
        let within = |most: u32, window_s: f64| {
            let nth = usize::try_from(most).unwrap_or(usize::MAX).saturating_sub(1);
            self.interruptions.iter().nth_back(nth).is_none_or(|t| now.since_s(*t) >= window_s)
        };
        within(policy.most_in_10_min, TEN_MIN_S) && within(policy.most_in_hour, HOUR_S)
    }

    /// The end of the flood, where it is over.
    pub(crate) fn flood_end(&self, policy: &Policy, now: Time) -> Option<FloodChange> {
        let calls = self.calls_in_10_min(now);
        let over = self.flood.is_some() && calls <= policy.flood_end;
        over.then_some(FloodChange { on: false, at: now, calls })
    }

    pub(crate) fn calls_in_10_min(&self, now: Time) -> u32 {
        let n = self.past.iter().rev().take_while(|p| now.since_s(p.at) < TEN_MIN_S).count();
        u32::try_from(n).unwrap_or(u32::MAX)
    }

    fn sounded_in_flood(&self, incident: Incident) -> Option<Level> {
        self.flood.as_ref().and_then(|f| f.sounded.get(&incident).copied())
    }

    /// The highest level at which each incident that is open has sounded.
    fn sounded(&self) -> BTreeMap<Incident, Level> {
        let mut sounded = BTreeMap::new();
        for c in self.called.values().map(|c| c.call) {
            if matches!(c.how, CallHow::Interrupts | CallHow::Folded) {
                let level = sounded.entry(c.incident).or_insert(c.level);
                *level = c.level.max(*level);
            }
        }
        sounded
    }

    // ---- apply ----

    pub(crate) fn put(&mut self, call: &AlarmCall) {
        // What only waited counts once: when it began to call.
        let waited = self.called.get(&call.alarm).filter(|_| call.why == CallReason::Waited);
        let since = waited.map_or(call.at, |c| c.since);
        if waited.is_none() {
            self.past.push_back(Past { at: call.at, level: call.level });
            bound(&mut self.past, MOST_KEPT);
            let n = &mut self.called_by_level[level_index(call.level)];
            *n = n.saturating_add(1);
        }
        self.forget(call.alarm);
        self.called.insert(call.alarm, Called { call: *call, since, quiet: None });
        self.incidents.entry(call.incident).or_default().insert(call.alarm);
        if call.how == CallHow::Interrupts {
            self.interrupt(call.at);
        }
        if let Some(f) = self.flood.as_mut().filter(|_| matches!(call.how, CallHow::Interrupts | CallHow::Folded)) {
            let level = f.sounded.entry(call.incident).or_insert(call.level);
            *level = call.level.max(*level);
        }
    }

    fn interrupt(&mut self, at: Time) {
        self.interrupted = self.interrupted.saturating_add(1);
        self.interruptions.push_back(at);
        bound(&mut self.interruptions, MOST_KEPT);
        for o in self.officers.values_mut().filter(|o| o.to.is_none()) {
            o.interruptions = o.interruptions.saturating_add(1);
            let since = |t: &&Time| at.since_s(**t) < TEN_MIN_S && **t >= o.from;
            let n = self.interruptions.iter().rev().take_while(since).count();
            o.peak = o.peak.max(u32::try_from(n).unwrap_or(u32::MAX));
        }
    }

    /// It is in somebody's hand.
    pub(crate) fn taken(&mut self, alarm: AlarmId, by: &PersonId, now: Time) {
        self.shelved.remove(&alarm);
        if self.answer(alarm, now) {
            self.hush(alarm, Quiet::Hand);
            if let Some(o) = self.officers.get_mut(by) {
                o.taken = o.taken.saturating_add(1);
            }
        }
    }

    /// How long it called is kept, where it did.
    pub(crate) fn answer(&mut self, alarm: AlarmId, now: Time) -> bool {
        let Some(c) = self.called.get(&alarm).filter(|c| c.quiet.is_none()) else { return false };
        self.answers.push_back((now, now.since_s(c.since).max(0.0)));
        bound(&mut self.answers, MOST_KEPT);
        true
    }

    fn hush(&mut self, alarm: AlarmId, why: Quiet) {
        if let Some(c) = self.called.get_mut(&alarm) {
            c.quiet = Some(why);
        }
    }

    pub(crate) fn put_shelf(&mut self, change: &ShelfChange) {
        match &change.shelved {
            Some(s) => {
                self.shelved.insert(change.alarm, s.clone());
                self.hush(change.alarm, Quiet::Shelf);
            }
            None => drop(self.shelved.remove(&change.alarm)),
        }
    }

    pub(crate) fn put_flood(&mut self, change: &FloodChange) {
        if change.on {
            self.flood = Some(Flood { since: change.at, sounded: self.sounded() });
        } else if let Some(f) = self.flood.take() {
            self.floods.push_back((f.since, change.at));
            bound(&mut self.floods, MOST_FLOODS);
        }
    }

    pub(crate) fn over(&mut self, alarm: AlarmId) {
        self.forget(alarm);
        self.shelved.remove(&alarm);
    }

    /// It belongs to another incident than before.
    pub(crate) fn moved(&mut self, alarm: AlarmId, incident: Incident) {
        if self.called.get(&alarm).is_none_or(|c| c.call.incident == incident) {
            return;
        }
        if let Some(mut c) = self.forget(alarm) {
            c.call.incident = incident;
            self.called.insert(alarm, c);
            self.incidents.entry(incident).or_default().insert(alarm);
        }
    }

    fn forget(&mut self, alarm: AlarmId) -> Option<Called> {
        let c = self.called.remove(&alarm)?;
        if let Some(all) = self.incidents.get_mut(&c.call.incident) {
            all.remove(&alarm);
            if all.is_empty() {
                self.incidents.remove(&c.call.incident);
            }
        }
        Some(c)
    }

    // ---- absorb ----

    pub(crate) fn came(&mut self, officer: &PersonId, now: Time) {
        match self.officers.get_mut(officer) {
            Some(o) if o.to.is_none_or(|t| now.since_s(t) < SHIFT_GAP_S) => o.to = None,
            _ => {
                let shift = OnShift { from: now, to: None, interruptions: 0, peak: 0, taken: 0 };
                self.officers.insert(officer.clone(), shift);
            }
        }
    }

    pub(crate) fn went(&mut self, officer: &PersonId, now: Time) {
        if let Some(o) = self.officers.get_mut(officer).filter(|o| o.to.is_none()) {
            o.to = Some(now);
        }
    }

    pub(crate) fn all_went(&mut self, now: Time) {
        for o in self.officers.values_mut().filter(|o| o.to.is_none()) {
            o.to = Some(now);
        }
    }

    pub(crate) fn keep_people(&mut self, known: impl Fn(&PersonId) -> bool) {
        self.officers.retain(|p, _| known(p));
    }

    /// Lets go what no figure and no rule asks for any more.
    pub(crate) fn tick(&mut self, now: Time) {
        self.began.get_or_insert(now);
        let old = |t: Time, s: f64| now.since_s(t) >= s;
        while self.past.front().is_some_and(|p| old(p.at, KEEP_S)) {
            self.past.pop_front();
        }
        while self.answers.front().is_some_and(|(t, _)| old(*t, KEEP_S)) {
            self.answers.pop_front();
        }
        while self.floods.front().is_some_and(|(_, to)| old(*to, KEEP_S)) {
            self.floods.pop_front();
        }
        while self.interruptions.front().is_some_and(|t| old(*t, KEEP_S)) {
            self.interruptions.pop_front();
        }
        if let Some(f) = &mut self.flood {
            f.sounded.retain(|i, _| self.incidents.contains_key(i));
        }
    }

    // ---- to look at ----

    pub(crate) fn get(&self, alarm: AlarmId) -> Option<&Called> {
        self.called.get(&alarm)
    }

    pub(crate) fn called(&self) -> impl Iterator<Item = &Called> {
        self.called.values()
    }

    pub(crate) fn shelved(&self, alarm: AlarmId) -> Option<&Shelved> {
        self.shelved.get(&alarm)
    }

    pub(crate) fn all_shelved(&self) -> impl Iterator<Item = (AlarmId, &Shelved)> {
        self.shelved.iter().map(|(a, s)| (*a, s))
    }

    pub(crate) fn flood(&self) -> Option<&Flood> {
        self.flood.as_ref()
    }

    /// Those of an incident that called.
    pub(crate) fn of(&self, incident: Incident) -> impl Iterator<Item = AlarmId> {
        self.incidents.get(&incident).into_iter().flatten().copied()
    }

    /// The history is whole from here on.
    pub(crate) fn whole_since(&self) -> Option<Time> {
        let full = |len: usize, first: Option<Time>| first.filter(|_| len >= MOST_KEPT);
        let past = full(self.past.len(), self.past.front().map(|p| p.at));
        let answers = full(self.answers.len(), self.answers.front().map(|(t, _)| *t));
        let interruptions = full(self.interruptions.len(), self.interruptions.front().copied());
        self.began.max(past).max(answers).max(interruptions)
    }

    pub(crate) fn interruptions(&self) -> impl Iterator<Item = &Time> {
        self.interruptions.iter()
    }

    pub(crate) fn past(&self) -> impl DoubleEndedIterator<Item = &Past> {
        self.past.iter()
    }

    pub(crate) fn answers(&self) -> impl Iterator<Item = &(Time, f64)> {
        self.answers.iter()
    }

    pub(crate) fn floods(&self) -> impl Iterator<Item = &(Time, Time)> {
        self.floods.iter()
    }

    pub(crate) fn officers(&self) -> impl Iterator<Item = (&PersonId, &OnShift)> {
        self.officers.iter()
    }
}

/// Where a level is counted.
pub(crate) const fn level_index(level: Level) -> usize {
    match level {
        Level::Advisory => 0,
        Level::Caution => 1,
        Level::Urgent => 2,
    }
}

fn bound<T>(list: &mut VecDeque<T>, most: usize) {
    while list.len() > most {
        list.pop_front();
    }
}
