//! [`Cases`]: every case that is kept, with the indexes that make each input cost only what it touches.
//!
//! Only the cases are written to a snapshot; the indexes and the counts follow from them and are rebuilt.

use crate::{
    policy::Policy,
    rows::{Rows, Table},
    state::{Case, Head, Row, Setting, Store, Version, apply_event},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use skypicket_model::{Channel, DeliveryId, DispatchEvent, Notice, NoticeId, PersonId, Time};
use std::collections::{BTreeMap, BTreeSet};

/// A timer's place: the notice as a whole (`None`) or one person's place on its list.
type TimerKey = (Time, NoticeId, Option<u32>);

#[derive(Debug, Clone, Default)]
pub(crate) struct Cases {
    map: BTreeMap<NoticeId, Case>,
    /// When something may be due. What is due later by now than it was, or not at all, is put right when its old time
    /// comes ([`Self::wake`]): most of what is timed is done long before, and need not be moved each time.
    timers: BTreeSet<TimerKey>,
    /// Deliveries of current versions.
    deliveries: Table<DeliveryId, (NoticeId, u32)>,
    /// On which notices a person is. Walked only where the order does not matter.
    on: Table<PersonId, BTreeSet<NoticeId>>,
    /// Notices with a version whose list is not fixed.
    undecided: BTreeSet<NoticeId>,
    /// What the event being applied has touched.
    touched: Vec<(NoticeId, Option<u32>)>,
    /// Rows touched since that was last asked, each once.
    changed: Vec<(NoticeId, u32)>,
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

    /// What is due by now, by its time, its notice and the person's id; first the notice as a whole.
    pub(crate) fn due(&self, now: Time) -> Vec<(NoticeId, Option<&PersonId>)> {
        let due = self.timers.iter().take_while(|(at, _, _)| *at <= now);
        let mut due: Vec<(Time, NoticeId, Option<&PersonId>)> =
            due.map(|(at, id, k)| (*at, *id, k.and_then(|k| Some(self.map.get(id)?.rows.at(k)?.0)))).collect();
        due.sort_unstable();
        due.into_iter().map(|(_, id, person)| (id, person)).collect()
    }

    pub(crate) fn first_timer(&self) -> Option<Time> {
        self.timers.first().map(|(at, _, _)| *at)
    }

    /// Whoever is in danger by a warning that is open.
    pub(crate) fn endangered(&self) -> BTreeSet<PersonId> {
        let open = self.map.values().filter(|c| c.head.cleared_at.is_none() && !c.head.is_bulletin());
        let rows = open.flat_map(|c| c.rows.iter()).filter(|(_, r)| r.is_primary(false));
        rows.map(|(p, _)| p.clone()).collect()
    }

    /// Everybody on a list of a notice whom a channel's coming or going concerns: their newest version is on it, must go
    /// over it, or may and has not got there.
    pub(crate) fn concerned(&self, channel: Channel) -> Vec<(NoticeId, PersonId)> {
        let concerned = |c: &Case, r: &Row| {
            let newest = c.head.newest();
            let may = !r.is_delivered() && newest.is_some_and(|v| r.may_use(v, channel));
            may || newest.is_some_and(|v| r.must(v).any(|m| m == channel)) || r.slot(channel).is_some()
        };
        let rows = self.map.iter().flat_map(|(id, c)| c.rows.iter().map(move |(p, r)| (*id, c, p, r)));
        rows.filter(|(_, c, _, r)| concerned(c, r)).map(|(id, _, p, _)| (id, p.clone())).collect()
    }

    /// Everybody on a list.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &PersonId> {
        self.on.keys()
    }

    /// Everybody who does not have the newest version of a notice; not of one that a backup brought back, which may have
    /// gone to anybody in the meantime.
    pub(crate) fn undelivered(&self) -> impl Iterator<Item = &PersonId> {
        let known = self.map.values().filter(|c| c.head.restored != Some(c.head.current));
        let rows = known.flat_map(|c| c.rows.iter());
        rows.filter(|(_, r)| !r.is_delivered()).map(|(p, _)| p)
    }

    /// Somebody was shut out, or let in again.
    pub(crate) fn shut_out(&mut self, person: &PersonId, out: bool, policy: &Policy, now: Time) {
        let on: Vec<NoticeId> = self.on(person).collect();
        for notice in on {
            if let Some(row) = self.row(notice, person) {
                row.out = out;
            }
        }
        self.settle(policy, now);
    }

    /// Whose rows of which notices were touched since this was last asked.
    pub(crate) fn take_changed(&mut self) -> BTreeMap<NoticeId, BTreeSet<PersonId>> {
        let mut changed: BTreeMap<NoticeId, BTreeSet<PersonId>> = BTreeMap::new();
        for (notice, place) in std::mem::take(&mut self.changed) {
            if let Some(person) = self.map.get_mut(&notice).and_then(|c| c.rows.unmark(place)) {
                changed.entry(notice).or_default().insert(person);
            }
        }
        changed
    }

    pub(crate) fn undecided(&self) -> impl Iterator<Item = NoticeId> {
        self.undecided.iter().copied()
    }

    pub(crate) fn of_delivery(&self, id: DeliveryId) -> Option<(NoticeId, &Head, &PersonId, &Row)> {
        let (notice, place) = self.deliveries.get(&id)?;
        let case = self.map.get(notice)?;
        let (person, row) = case.rows.at(*place)?;
        Some((*notice, &case.head, person, row))
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

    /// What was done since the backup is not known: each case's version may have gone out to anybody.
    pub(crate) fn restored(&mut self) {
        for case in self.map.values_mut() {
            case.head.restored = Some(case.head.current);
        }
    }

    /// A provider accepted the present attempt of a delivery.
    pub(crate) fn accept(&mut self, id: DeliveryId, attempt: u32, policy: &Policy, now: Time) {
        if let Some((notice, place)) = self.deliveries.get(&id).copied()
            && let Some(row) = self.map.get_mut(&notice).and_then(|c| c.rows.at_mut(place))
            && let Some(slot) = row.slots.iter_mut().find(|s| s.id == id && s.attempts == attempt)
        {
            slot.accepted = true;
            self.touched.push((notice, Some(place)));
            self.settle(policy, now);
        }
    }

    pub(crate) fn apply(&mut self, set: Setting<'_>, event: &DispatchEvent) {
        match event {
            DispatchEvent::Recipients { notice, .. } => {
                if let Some(case) = self.map.get(notice) {
                    for slot in case.rows.iter().flat_map(|(_, r)| &r.slots) {
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
            DispatchEvent::Attempt { delivery: d } | DispatchEvent::Moved { delivery: d } => {
                self.note_delivery(d.notice, d.id);
            }
            _ => {}
        }
        self.settle(set.policy, set.now);
    }

    /// The row that was just touched may have this delivery for the first time.
    fn note_delivery(&mut self, notice: NoticeId, id: DeliveryId) {
        let Some((_, Some(place))) = self.touched.last().copied() else { return };
        let row = self.map.get(&notice).and_then(|c| c.rows.at(place));
        if row.is_some_and(|(_, r)| r.slots.iter().any(|s| s.id == id)) {
            self.deliveries.insert(id, (notice, place));
        }
    }

    /// Counts what was touched, and sees to it that it wakes when it is due.
    fn settle(&mut self, policy: &Policy, now: Time) {
        while let Some((notice, place)) = self.touched.pop() {
            let Some(Case { head, rows }) = self.map.get_mut(&notice) else { continue };
            if let Some(place) = place {
                rows.recount(place, head);
                if let Some(row) = rows.at_mut(place)
                    && !std::mem::replace(&mut row.changed, true)
                {
                    self.changed.push((notice, place));
                }
            }
            let Some((timer, next)) = timed(head, rows, place, policy) else { continue };
            // Later, or not at all: that is seen when its old time comes.
            let waits = timer.is_some_and(|before| before > now && next.is_none_or(|at| before <= at));
            if waits || *timer == next {
                continue;
            }
            if let Some(before) = std::mem::replace(timer, next) {
                self.timers.remove(&(before, notice, place));
            }
            self.timers.extend(next.map(|at| (at, notice, place)));
        }
    }

    /// Puts right when the timers that are over by now are due really: afterwards none is over that has nothing to do.
    pub(crate) fn wake(&mut self, policy: &Policy, now: Time) {
        let over: Vec<TimerKey> = self.timers.iter().take_while(|(at, ..)| *at <= now).copied().collect();
        for key in over {
            let (before, notice, place) = key;
            let case = self.map.get_mut(&notice);
            let timed = case.and_then(|Case { head, rows }| timed(head, rows, place, policy));
            let Some((timer, next)) = timed else {
                self.timers.remove(&key);
                continue;
            };
            if next != Some(before) {
                *timer = next;
                self.timers.remove(&key);
                self.timers.extend(next.map(|at| (at, notice, place)));
            }
        }
    }

    /// Works out every timer again, after the policy changed.
    pub(crate) fn retime_all(&mut self, policy: &Policy, now: Time) {
        for (id, case) in &self.map {
            self.touched.push((*id, None));
            self.touched.extend((0..case.rows.len()).map(|k| (*id, Some(k))));
        }
        self.settle(policy, now);
    }

    fn forget(&mut self, notice: NoticeId) {
        let Some(case) = self.map.remove(&notice) else { return };
        // While history is read nobody asks.
        if self.changed.len() > 65_536 {
            self.changed.retain(|(n, _)| *n != notice && self.map.contains_key(n));
        }
        self.undecided.remove(&notice);
        if let Some(at) = case.head.timer {
            self.timers.remove(&(at, notice, None));
        }
        for k in 0..case.rows.len() {
            let Some((person, row)) = case.rows.at(k) else { continue };
            for slot in &row.slots {
                self.deliveries.remove(&slot.id);
            }
            if let Some(at) = row.timer {
                self.timers.remove(&(at, notice, Some(k)));
            }
            if let Some(on) = self.on.get_mut(person) {
                on.remove(&notice);
                if on.is_empty() {
                    self.on.remove(person);
                }
            }
        }
    }

    fn rebuild(map: BTreeMap<NoticeId, Case>) -> Self {
        let mut cases = Self { map, ..Self::default() };
        for (id, Case { head, rows }) in &mut cases.map {
            if head.is_undecided() {
                cases.undecided.insert(*id);
            }
            cases.timers.extend(head.timer.map(|at| (at, *id, None)));
            for k in 0..rows.len() {
                rows.recount(k, head);
                let Some((person, row)) = rows.at(k) else { continue };
                cases.timers.extend(row.timer.map(|at| (at, *id, Some(k))));
                cases.on.entry(person.clone()).or_default().insert(*id);
                for slot in &row.slots {
                    cases.deliveries.insert(slot.id, (*id, k));
                }
            }
        }
        cases
    }
}

/// The timer of a notice or of a person's row, and when they are due really.
fn timed<'a>(
    head: &'a mut Head,
    rows: &'a mut Rows,
    place: Option<u32>,
    policy: &Policy,
) -> Option<(&'a mut Option<Time>, Option<Time>)> {
    Some(match place {
        None => {
            let next = head.next(policy);
            (&mut head.timer, next.map(|(at, _)| at))
        }
        Some(place) => {
            let row = rows.at_mut(place)?;
            let next = row.next(head, policy);
            (&mut row.timer, next.map(|(at, _)| at))
        }
    })
}

impl Store for Cases {
    fn look(&self, notice: NoticeId) -> Option<&Head> {
        self.map.get(&notice).map(|c| &c.head)
    }

    fn head(&mut self, notice: NoticeId) -> Option<&mut Head> {
        let case = self.map.get_mut(&notice)?;
        self.touched.push((notice, None));
        // What the watch owes depends on the head.
        let watch = case.head.centre.watch.iter().filter_map(|w| case.rows.place(w));
        self.touched.extend(watch.map(|k| (notice, Some(k))));
        Some(&mut case.head)
    }

    fn row(&mut self, notice: NoticeId, person: &PersonId) -> Option<&mut Row> {
        let case = self.map.get_mut(&notice)?;
        let place = case.rows.place(person)?;
        self.touched.push((notice, Some(place)));
        case.rows.at_mut(place)
    }

    fn add_row(&mut self, notice: NoticeId, person: &PersonId, row: Row) {
        if let Some(case) = self.map.get_mut(&notice) {
            let place = case.rows.insert(person, row);
            self.on.entry(person.clone()).or_default().insert(notice);
            self.touched.push((notice, Some(place)));
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
