//! [`Cases`]: every case that is kept, with the indexes that make each input cost only what it touches.
//!
//! Only the cases are written to a snapshot; the indexes follow from them and are rebuilt.

use crate::{
    policy::Policy,
    state::{Case, Head, Row, Setting, Store, Version, apply_event},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use skypicket_model::{DeliveryId, DispatchEvent, Notice, NoticeId, PersonId, Time};
use std::collections::{BTreeMap, BTreeSet};

/// A timer's place: the notice as a whole (`None`) or one person of it.
pub(crate) type TimerKey = (Time, NoticeId, Option<PersonId>);

#[derive(Debug, Clone, Default)]
pub(crate) struct Cases {
    map: BTreeMap<NoticeId, Case>,
    /// What is due when.
    timers: BTreeSet<TimerKey>,
    /// Deliveries of current versions.
    deliveries: BTreeMap<DeliveryId, (NoticeId, PersonId)>,
    /// On which notices a person is.
    on: BTreeMap<PersonId, BTreeSet<NoticeId>>,
    /// Notices with a version whose list is not fixed.
    undecided: BTreeSet<NoticeId>,
    /// What the event being applied has touched.
    touched: Vec<(NoticeId, Option<PersonId>)>,
}

impl Cases {
    pub(crate) fn get(&self, notice: NoticeId) -> Option<&Case> {
        self.map.get(&notice)
    }

    pub(crate) fn peek(&self, notice: NoticeId, person: &PersonId) -> Option<(&Head, &Row)> {
        let case = self.map.get(&notice)?;
        Some((&case.head, case.rows.get(person)?))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (NoticeId, &Case)> {
        self.map.iter().map(|(id, case)| (*id, case))
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    pub(crate) fn timers_until(&self, now: Time) -> impl Iterator<Item = &TimerKey> {
        self.timers.iter().take_while(move |(at, _, _)| *at <= now)
    }

    pub(crate) fn first_timer(&self) -> Option<Time> {
        self.timers.first().map(|(at, _, _)| *at)
    }

    pub(crate) fn undecided(&self) -> impl Iterator<Item = NoticeId> {
        self.undecided.iter().copied()
    }

    pub(crate) fn of_delivery(&self, id: DeliveryId) -> Option<&(NoticeId, PersonId)> {
        self.deliveries.get(&id)
    }

    pub(crate) fn on(&self, person: &PersonId) -> impl Iterator<Item = NoticeId> {
        self.on.get(person).into_iter().flatten().copied()
    }

    /// Takes note that a version exists; its list is decided next.
    pub(crate) fn hear(&mut self, notice: &Notice) {
        let case = self.map.entry(notice.id).or_default();
        case.head.hear(Version::from(notice));
        if case.head.is_undecided() {
            self.undecided.insert(notice.id);
        }
    }

    /// A provider accepted the present attempt of a delivery.
    pub(crate) fn accept(&mut self, id: DeliveryId, attempt: u32) {
        if let Some((notice, person)) = self.deliveries.get(&id)
            && let Some(row) = self.map.get_mut(notice).and_then(|c| c.rows.get_mut(person))
            && let Some(slot) = row.slots.iter_mut().find(|s| s.id == id && s.attempts == attempt)
        {
            slot.accepted = true;
        }
    }

    pub(crate) fn apply(&mut self, set: Setting<'_>, event: &DispatchEvent) {
        match event {
            DispatchEvent::Recipients { notice, .. } => {
                if let Some(case) = self.map.get(notice) {
                    for slot in case.rows.values().flat_map(|r| &r.slots) {
                        self.deliveries.remove(&slot.id);
                    }
                }
            }
            DispatchEvent::Closed { notice, version } => {
                if self.map.get(notice).is_some_and(|c| c.head.cleared_at.is_some() && c.head.current == *version) {
                    self.forget(*notice);
                }
                return;
            }
            _ => {}
        }
        apply_event(self, set, event);
        match event {
            DispatchEvent::Recipients { notice, .. }
                if self.map.get(notice).is_some_and(|c| !c.head.is_undecided()) =>
            {
                self.undecided.remove(notice);
            }
            DispatchEvent::Attempt { delivery: d } | DispatchEvent::Moved { delivery: d }
                if self.peek(d.notice, &d.person).is_some_and(|(_, r)| r.slots.iter().any(|s| s.id == d.id)) =>
            {
                self.deliveries.insert(d.id, (d.notice, d.person.clone()));
            }
            _ => {}
        }
        self.retime(set.policy);
    }

    /// Puts what was touched where it is due next.
    fn retime(&mut self, policy: &Policy) {
        for (notice, person) in std::mem::take(&mut self.touched) {
            let Some(case) = self.map.get_mut(&notice) else { continue };
            let (slot, next) = match &person {
                None => {
                    let next = case.head.next(policy);
                    (&mut case.head.timer, next)
                }
                Some(p) => {
                    let Some(row) = case.rows.get_mut(p) else { continue };
                    let next = row.next(&case.head, policy);
                    (&mut row.timer, next)
                }
            };
            let next = next.map(|(at, _)| at);
            if *slot != next {
                if let Some(at) = *slot {
                    self.timers.remove(&(at, notice, person.clone()));
                }
                *slot = next;
                if let Some(at) = next {
                    self.timers.insert((at, notice, person));
                }
            }
        }
    }

    /// Works out every timer again, after the policy changed.
    pub(crate) fn retime_all(&mut self, policy: &Policy) {
        for (id, case) in &self.map {
            self.touched.push((*id, None));
            self.touched.extend(case.rows.keys().map(|p| (*id, Some(p.clone()))));
        }
        self.retime(policy);
    }

    fn forget(&mut self, notice: NoticeId) {
        let Some(case) = self.map.remove(&notice) else { return };
        self.undecided.remove(&notice);
        if let Some(at) = case.head.timer {
            self.timers.remove(&(at, notice, None));
        }
        for (person, row) in case.rows {
            for slot in &row.slots {
                self.deliveries.remove(&slot.id);
            }
            if let Some(at) = row.timer {
                self.timers.remove(&(at, notice, Some(person.clone())));
            }
            if let Some(on) = self.on.get_mut(&person) {
                on.remove(&notice);
                if on.is_empty() {
                    self.on.remove(&person);
                }
            }
        }
    }

    fn rebuild(map: BTreeMap<NoticeId, Case>) -> Self {
        let mut cases = Self { map, ..Self::default() };
        for (id, case) in &cases.map {
            if case.head.is_undecided() {
                cases.undecided.insert(*id);
            }
            cases.timers.extend(case.head.timer.map(|at| (at, *id, None)));
            for (person, row) in &case.rows {
                cases.timers.extend(row.timer.map(|at| (at, *id, Some(person.clone()))));
                cases.on.entry(person.clone()).or_default().insert(*id);
                for slot in &row.slots {
                    cases.deliveries.insert(slot.id, (*id, person.clone()));
                }
            }
        }
        cases
    }
}

impl Store for Cases {
    fn head(&mut self, notice: NoticeId) -> Option<&mut Head> {
        self.touched.push((notice, None));
        self.map.get_mut(&notice).map(|c| &mut c.head)
    }

    fn row(&mut self, notice: NoticeId, person: &PersonId) -> Option<&mut Row> {
        let row = self.map.get_mut(&notice)?.rows.get_mut(person)?;
        self.touched.push((notice, Some(person.clone())));
        Some(row)
    }

    fn add_row(&mut self, notice: NoticeId, person: &PersonId, row: Row) {
        if let Some(case) = self.map.get_mut(&notice) {
            case.rows.insert(person.clone(), row);
            self.on.entry(person.clone()).or_default().insert(notice);
            self.touched.push((notice, Some(person.clone())));
        }
    }
}

impl Serialize for Cases {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.map.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Cases {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(d).map(Self::rebuild)
    }
}
