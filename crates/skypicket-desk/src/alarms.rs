//! [`Alarms`]: which alarms are open, and who at the centre has each in hand.
//!
//! An alarm is what needs a person at the centre: a warning that is not cleared, a report that nobody decided about, or a
//! channel that does not work: it is up and a test did not come round, or it is down for [`Policy::channel_down_s`].
//!
//! # Rules
//! | what happens | what follows |
//! |---|---|
//! | a watch officer takes an alarm | it is in their hand; one that another has in hand only with a reason |
//! | a watch officer acknowledges a warning that nobody has in hand | the same as taking it |
//! | another warning of a drone, all of whose warnings one officer has in hand, is raised | it is in the same hand; to acknowledge it is still theirs |
//! | a warning rises above the level at which it was taken | it needs a hand again, whoever has it: anybody of the watch may take it |
//! | its holder hands it back, with a reason | it is in nobody's hand |
//! | one officer takes over from another | all that the one had is the other's; the note stays with the shift change |
//! | its holder has no page open for [`Policy::away_s`], or is no longer of the watch | it is shown as theirs, gone: it is in nobody's hand |
//! | the holder comes back before somebody took it | it is in their hand again |
//! | a channel is down for less than that | nothing: what waits takes the next channel by itself, and most come back |
//! | a channel that is an alarm goes down, or takes messages again and no test came round | it is the same alarm |
//! | the warning is cleared, the report is decided or taken back, the channel works again | the alarm is over, and is forgotten here |

use crate::policy::Policy;
use serde::{Deserialize, Serialize};
use skypicket_model::{
    AlarmChange, AlarmId, AlarmState, Channel, Level, Marking, Notice, NoticeId, PersonId, ShiftChange, Time, Tlp,
    TrackId, entry::ChannelState,
};
use std::collections::{BTreeMap, BTreeSet};

/// A warning that is not cleared, as far as the desk needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Warning {
    pub(crate) track: TrackId,
    pub(crate) level: Level,
    pub(crate) marking: Marking,
    /// When it was raised.
    pub(crate) since: Time,
}

/// Open warnings, hands, and who is here. Open reports are on the shelf.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Alarms {
    policy: Policy,
    warnings: BTreeMap<NoticeId, Warning>,
    /// Of open alarms only: who has it, or who handed it back and why.
    states: BTreeMap<AlarmId, AlarmState>,
    /// People with an open page.
    here: BTreeSet<PersonId>,
    /// Since when those who had one before have none.
    away: BTreeMap<PersonId, Time>,
    shift: Option<ShiftChange>,
    /// Channels that are an alarm, since when.
    deaf: BTreeMap<Channel, Time>,
    /// Channels that are down, since when.
    down: BTreeMap<Channel, Time>,
}

/// What every desk may know.
static OPEN_TO_THE_CENTRE: Marking =
    Marking { tlp: Tlp::Green, owner: None, releasable_to: BTreeSet::new(), named: BTreeSet::new() };

/// Whether an alarm of this level now is in somebody's hand.
pub(crate) fn in_hand(state: &AlarmState, level: Option<Level>) -> bool {
    state.holder.is_some() && state.gone_at.is_none() && level <= state.level
}

impl Alarms {
    pub(crate) fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Nobody who is no longer known is kept.
    pub(crate) fn keep_people(&mut self, known: impl Fn(&PersonId) -> bool) {
        self.here.retain(&known);
        self.away.retain(|p, _| known(p));
    }

    // ---- absorb ----

    pub(crate) fn hear(&mut self, n: &Notice) {
        let Some(about) = n.warning() else { return };
        if n.state.ended() {
            self.warnings.remove(&n.id);
            self.states.remove(&AlarmId::Notice(n.id));
            return;
        }
        let since = self.warnings.get(&n.id).map_or(n.at, |w| w.since);
        let warning = Warning { track: about.track, level: n.level, marking: n.marking.clone(), since };
        self.warnings.insert(n.id, warning);
    }

    /// How a channel is. Whether it is no alarm any more.
    pub(crate) fn hear_channel(&mut self, channel: Channel, state: &ChannelState, now: Time) -> bool {
        match state {
            ChannelState::Down { .. } => {
                self.down.entry(channel).or_insert(now);
                return false;
            }
            ChannelState::Deaf { .. } => {
                self.down.remove(&channel);
                self.deaf.entry(channel).or_insert(now);
                return false;
            }
            ChannelState::Up => {}
        }
        self.down.remove(&channel);
        self.deaf.remove(&channel);
        self.states.remove(&AlarmId::Channel(channel));
        true
    }

    /// Time passed: what is down for so long that somebody must see to it is an alarm.
    pub(crate) fn tick(&mut self, now: Time) {
        for (channel, since) in &self.down {
            if now.since_s(*since) >= self.policy.channel_down_s {
                self.deaf.entry(*channel).or_insert(now);
            }
        }
    }

    /// Since when a channel is an alarm.
    pub(crate) fn channel(&self, channel: Channel) -> Option<(Time, &Marking)> {
        self.deaf.get(&channel).map(|since| (*since, &OPEN_TO_THE_CENTRE))
    }

    /// Channels that are an alarm, and since when.
    pub(crate) fn channels(&self) -> impl Iterator<Item = (Channel, Time)> {
        self.deaf.iter().map(|(c, t)| (*c, *t))
    }

    /// Since when a channel takes no messages.
    pub(crate) fn down_since(&self, channel: Channel) -> Option<Time> {
        self.down.get(&channel).copied()
    }

    pub(crate) fn came(&mut self, person: &PersonId) {
        self.here.insert(person.clone());
        self.away.remove(person);
    }

    pub(crate) fn went(&mut self, person: &PersonId, now: Time) {
        if self.here.remove(person) {
            self.away.insert(person.clone(), now);
        }
    }

    /// The centre started (again): nobody is here, and whether a channel works is found out anew. Those that were an
    /// alarm.
    pub(crate) fn all_went(&mut self, now: Time) -> BTreeSet<Channel> {
        self.down.clear();
        let channels: BTreeSet<Channel> = std::mem::take(&mut self.deaf).into_keys().collect();
        for channel in &channels {
            self.states.remove(&AlarmId::Channel(*channel));
        }
        for person in std::mem::take(&mut self.here) {
            self.away.insert(person, now);
        }
        channels
    }

    pub(crate) fn over(&mut self, alarm: AlarmId) {
        self.states.remove(&alarm);
    }

    // ---- apply ----

    /// Of an alarm that is over nothing is kept: the caller knows.
    pub(crate) fn put(&mut self, state: &AlarmState) {
        self.states.insert(state.alarm, state.clone());
    }

    pub(crate) fn put_shift(&mut self, change: &ShiftChange) {
        self.shift = Some(change.clone());
    }

    // ---- to look at ----

    pub(crate) fn warning(&self, id: NoticeId) -> Option<&Warning> {
        self.warnings.get(&id)
    }

    pub(crate) fn warnings(&self) -> impl Iterator<Item = (NoticeId, &Warning)> {
        self.warnings.iter().map(|(id, w)| (*id, w))
    }

    pub(crate) fn state(&self, alarm: AlarmId) -> Option<&AlarmState> {
        self.states.get(&alarm)
    }

    pub(crate) fn states(&self) -> impl Iterator<Item = &AlarmState> {
        self.states.values()
    }

    pub(crate) fn shift(&self) -> Option<&ShiftChange> {
        self.shift.as_ref()
    }

    /// Level now: of the warning, none for a report.
    pub(crate) fn level(&self, alarm: AlarmId) -> Option<Level> {
        match alarm {
            AlarmId::Notice(id) => self.warning(id).map(|w| w.level),
            AlarmId::Sighting(_) | AlarmId::Channel(_) => None,
        }
    }

    pub(crate) fn has_in_hand(&self, alarm: AlarmId) -> Option<&AlarmState> {
        self.state(alarm).filter(|s| in_hand(s, self.level(alarm)))
    }

    // ---- decide ----

    /// As it is once `by` has taken it; `None` where that changes nothing.
    pub(crate) fn taken(&self, alarm: AlarmId, by: &PersonId, why: &str, now: Time) -> Option<AlarmState> {
        let level = self.level(alarm);
        let before = self.state(alarm);
        if let Some(s) = before.filter(|s| s.holder.as_ref() == Some(by)) {
            let next = AlarmState { level: level.max(s.level), gone_at: None, ..s.clone() };
            return (next != *s).then_some(next);
        }
        let from = self.has_in_hand(alarm).is_some();
        let how = if from { AlarmChange::TakenFrom } else { AlarmChange::Taken };
        let why = if from { why.to_owned() } else { String::new() };
        let held_before = before.and_then(|s| s.holder.clone().or_else(|| s.before.clone()));
        let (holder, before) = (Some(by.clone()), held_before.filter(|p| p != by));
        Some(AlarmState { alarm, holder, since: now, how, level, gone_at: None, before, why })
    }

    pub(crate) fn handed_back(state: &AlarmState, why: &str, now: Time) -> AlarmState {
        AlarmState {
            alarm: state.alarm,
            holder: None,
            since: now,
            how: AlarmChange::HandedBack,
            level: None,
            gone_at: None,
            before: state.holder.clone(),
            why: why.to_owned(),
        }
    }

    /// One that rose above the level of its hand still waits for one.
    pub(crate) fn taken_over(state: &AlarmState, by: &PersonId, note: &str, now: Time) -> AlarmState {
        AlarmState {
            holder: Some(by.clone()),
            since: now,
            how: AlarmChange::TakenOver,
            gone_at: None,
            before: state.holder.clone(),
            why: note.to_owned(),
            ..state.clone()
        }
    }

    /// A new warning comes into the hand that has every other warning of the same drone.
    pub(crate) fn same_drone(&self, notice: NoticeId, now: Time) -> Option<AlarmState> {
        let warning = self.warning(notice)?;
        let alarm = AlarmId::Notice(notice);
        if self.state(alarm).is_some() {
            return None;
        }
        let mut hand: Option<(&PersonId, Option<Level>)> = None;
        for (id, other) in self.warnings().filter(|(id, w)| *id != notice && w.track == warning.track) {
            let state = self.state(AlarmId::Notice(id)).filter(|s| in_hand(s, Some(other.level)))?;
            let holder = state.holder.as_ref()?;
            match hand {
                Some((h, _)) if h != holder => return None,
                Some((_, level)) => hand = Some((holder, level.max(state.level))),
                None => hand = Some((holder, state.level)),
            }
        }
        let (holder, level) = hand?;
        Some(AlarmState {
            alarm,
            holder: Some(holder.clone()),
            since: now,
            how: AlarmChange::SameDrone,
            level,
            gone_at: None,
            before: None,
            why: String::new(),
        })
    }

    /// What goes out of hands because whose they are went, and what comes back with them.
    pub(crate) fn absences(&self, is_watch: impl Fn(&PersonId) -> bool, now: Time) -> Vec<AlarmState> {
        let gone = |s: &AlarmState| {
            let holder = s.holder.as_ref()?;
            let out = if is_watch(holder) {
                let since = self.away.get(holder).map_or(s.since, |t| (*t).max(s.since));
                !self.here.contains(holder) && now.since_s(since) >= self.policy.away_s
            } else {
                true
            };
            let back = is_watch(holder) && self.here.contains(holder);
            match s.gone_at {
                None if out => Some(AlarmState { gone_at: Some(now), ..s.clone() }),
                Some(_) if back => Some(AlarmState { gone_at: None, ..s.clone() }),
                _ => None,
            }
        };
        self.states().filter_map(gone).collect()
    }
}
