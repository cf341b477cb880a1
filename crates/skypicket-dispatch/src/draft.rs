//! [`Draft`]: the decisions about one input, worked out on copies of the few rows that they touch.

use crate::{
    Dispatcher, Input, Situation,
    measures::Ticks,
    rows::Table,
    state::{Due, Head, Phase, Row, Setting, Slot, Store, Trouble, apply_event, stronger},
};
use skypicket_model::{
    CallStatus, Channel, DeliveryId, DispatchEvent, IdMaker, NoticeId, PersonId, ProviderResult, Reached, Time,
    delivery::{Outcome, Rule},
};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) struct Draft<'a> {
    base: &'a Dispatcher,
    situation: Situation<'a>,
    ids: &'a mut IdMaker,
    now: Time,
    heads: BTreeMap<NoticeId, Head>,
    rows: BTreeMap<NoticeId, Table<PersonId, Row>>,
    out: Vec<DispatchEvent>,
}

impl Store for Draft<'_> {
    fn look(&self, notice: NoticeId) -> Option<&Head> {
        self.peek_head(notice)
    }

    fn head(&mut self, notice: NoticeId) -> Option<&mut Head> {
        if !self.heads.contains_key(&notice) {
            let head = self.base.cases.get(notice)?.head.clone();
            self.heads.insert(notice, head);
        }
        self.heads.get_mut(&notice)
    }

    fn row(&mut self, notice: NoticeId, person: &PersonId) -> Option<&mut Row> {
        let rows = self.rows.entry(notice).or_default();
        if !rows.contains_key(person) {
            let (_, row) = self.base.cases.peek(notice, person)?;
            rows.insert(person.clone(), row.clone());
        }
        rows.get_mut(person)
    }

    fn add_row(&mut self, notice: NoticeId, person: &PersonId, row: Row) {
        self.rows.entry(notice).or_default().insert(person.clone(), row);
    }
}

impl<'a> Draft<'a> {
    pub(crate) fn new(base: &'a Dispatcher, situation: Situation<'a>, ids: &'a mut IdMaker, now: Time) -> Self {
        Self { base, situation, ids, now, heads: BTreeMap::new(), rows: BTreeMap::new(), out: Vec::new() }
    }

    /// What the input, already absorbed, asks for.
    pub(crate) fn decide(mut self, input: &Input<'_>) -> Vec<DispatchEvent> {
        match input {
            Input::Started => self.started(),
            Input::Restored => self.restored(),
            Input::Notice(n) => self.notice(n.id),
            Input::Provider(result) => self.provider(result),
            Input::Reach { person, channel, up } => self.reach(person, *channel, *up),
            Input::Channel { channel, up } => self.service(*channel, *up),
            Input::Call { by, person, notice, version, status } => {
                if self.base.check_call(by, person, *notice, *version).is_ok() {
                    self.call(by, person, *notice, *version, *status);
                }
            }
            Input::Receipt { person, notice, version, channel, shown } => {
                if self.base.check_receipt(person, *notice, *version).is_ok() {
                    let reached = if *shown { Reached::Shown } else { Reached::Delivered };
                    self.receipt(person, *notice, *version, *channel, reached);
                }
            }
            Input::Acknowledge { person, notice, version, channel } => {
                if self.base.check_acknowledge(person, *notice, *version).is_ok() {
                    self.acknowledge(person, *notice, *version, *channel);
                }
            }
            Input::Measures { person, notice, version, done } => {
                if self.base.check_measures(person, *notice, *version, done).is_ok() {
                    self.measures(person, *notice, *version, done);
                }
            }
            Input::Tick => self.tick(),
        }
        self.out
    }

    fn emit(&mut self, event: DispatchEvent) {
        let people = &self.base.people;
        let (watch, devices, out) = (people.watch(), people.devices(), people.out());
        let set = Setting { policy: &self.base.policy, watch, devices, out, now: self.now };
        apply_event(self, set, &event);
        self.out.push(event);
    }

    /// As [`Self::emit`], where nothing else of this decision depends on what it changes: no copy is made.
    fn conclude(&mut self, event: DispatchEvent) {
        self.out.push(event);
    }

    fn peek_head(&self, notice: NoticeId) -> Option<&Head> {
        self.heads.get(&notice).or_else(|| self.base.cases.get(notice).map(|c| &c.head))
    }

    fn peek(&self, notice: NoticeId, person: &PersonId) -> Option<(&Head, &Row)> {
        let row = self.rows.get(&notice).and_then(|rows| rows.get(person));
        let row = row.or_else(|| self.base.cases.peek(notice, person).map(|(_, row)| row))?;
        Some((self.peek_head(notice)?, row))
    }

    fn fresh_id(&mut self) -> DeliveryId {
        DeliveryId(self.ids.make())
    }

    /// Every connection is gone: what was handed over and not confirmed may or may not have got through.
    fn started(&mut self) {
        let open: Vec<(NoticeId, PersonId)> = self
            .base
            .cases
            .iter()
            .flat_map(|(id, case)| case.rows.iter().filter(|(_, r)| r.is_pending()).map(move |(p, _)| (id, p.clone())))
            .collect();
        for (notice, person) in open {
            for channel in Channel::ALL {
                self.lost(notice, &person, channel);
            }
        }
    }

    /// Marks what is open: it may have gone out after the backup was made.
    fn restored(&mut self) {
        self.started();
        let mut open = Vec::new();
        for (id, case) in self.base.cases.iter() {
            for person in case.rows.iter().map(|(p, _)| p) {
                let Some((head, row)) = self.peek(id, person) else { continue };
                let unmarked = row.slots.iter().filter(|s| s.phase != Phase::Done && !s.may_repeat);
                open.extend(
                    unmarked.map(|s| Slot { may_repeat: true, ..s.clone() }.delivery(id, head.current, person)),
                );
            }
        }
        for delivery in open {
            self.emit(DispatchEvent::Moved { delivery });
        }
    }

    /// Fixes the list of the newest version heard of, and starts a delivery to each.
    fn notice(&mut self, notice: NoticeId) {
        let Some(case) = self.base.cases.get(notice) else { return };
        let head = &case.head;
        let Some(heard) = head.versions.last().filter(|v| v.number > head.current) else { return };
        let (version, older) = (heard.number, head.current);
        // Whoever is on the list stays on it, so that a correction reaches everybody who had the older version.
        let mut list: BTreeMap<PersonId, Rule> = case.rows.iter().map(|(p, r)| (p.clone(), r.rule)).collect();
        // What ended is news to nobody else.
        if !(heard.cleared && older > 0) {
            for (person, rule) in self.base.meant(heard, self.situation, self.now) {
                // The rule that asks most of them counts.
                list.entry(person).and_modify(|r| *r = stronger(*r, rule)).or_insert(rule);
            }
        }
        if older > 0 {
            self.emit(DispatchEvent::Closed { notice, version: older });
        }
        let everybody: Vec<PersonId> = list.keys().cloned().collect();
        self.emit(DispatchEvent::Recipients { notice, version, people: list.into_iter().collect() });
        for person in everybody {
            self.advance(notice, &person);
        }
    }

    /// Hands a correction to every channel over which the person has what it corrects; and any version to their first
    /// channel that is up and not used up, unless they have it or an attempt is under way there; else says why not.
    fn advance(&mut self, notice: NoticeId, person: &PersonId) {
        let Some((head, row)) = self.peek(notice, person) else { return };
        let Some(heard) = head.newest() else { return };
        let (base, now, version) = (self.base, self.now, heard.number);
        let permitted = base.people.permitted(person, &heard.marking);
        let late = heard.is_late(now);
        let must: Vec<Channel> = row.must(heard).collect();
        let up = |c: Channel| base.is_up(person, c);
        let ready = |row: &Row, c: Channel| up(c) && row.slot(c).is_none_or(|s| s.is_ready(&base.policy, now));
        let barred = match permitted {
            Err(trouble) => Some(trouble),
            Ok(_) if late => Some(Trouble::Overtaken),
            Ok(_) => None,
        };
        if !must.is_empty() {
            if barred.is_none() {
                let corrected: Vec<Channel> = must.iter().copied().filter(|c| ready(row, *c)).collect();
                for channel in corrected {
                    self.attempt(notice, person, channel);
                }
            }
            // A repeat that is due and cannot go waits for its channel, also where another has got there.
            let due = |s: &Slot| s.phase == Phase::Failed && must.contains(&s.channel) && s.is_ready(&base.policy, now);
            self.stuck(notice, person, barred.unwrap_or(Trouble::ChannelDown), due);
        }
        let Some((head, row)) = self.peek(notice, person) else { return };
        // A correction under way where they had the older version says nothing of where they look first.
        let elsewhere = |s: &Slot| s.phase == Phase::Pending && !must.contains(&s.channel);
        if row.is_delivered() || row.slots.iter().any(elsewhere) {
            return;
        }
        let (Some(heard), pending) = (head.newest(), row.is_pending()) else { return };
        let trouble = match (barred, permitted) {
            (Some(_), _) | (_, Err(_)) if pending => return,
            (Some(trouble), _) | (None, Err(trouble)) => trouble,
            (None, Ok(p)) => {
                let may = || p.channels.iter().copied().filter(|c| row.may_use(heard, *c));
                let open = |c: &Channel| ready(row, *c) || row.slot(*c).is_some_and(|s| s.phase == Phase::Pending);
                match may().find(open) {
                    Some(first) if ready(row, first) => return self.attempt(notice, person, first),
                    _ if pending => return,
                    _ if p.channels.is_empty() => Trouble::NoChannel,
                    // They never had any of what ended: nobody need do anything about it.
                    _ if heard.cleared && row.heard_over.is_empty() => Trouble::Overtaken,
                    _ if may().any(up) => Trouble::ChannelDown,
                    _ => Trouble::NoChannelUp,
                }
            }
        };
        if row.slots.is_empty() {
            let first = base.people.person(person).and_then(|p| p.channels.first().copied()).unwrap_or(Channel::Web);
            let mut slot = Slot::new(self.fresh_id(), first, self.now);
            slot.trouble = Some(trouble);
            self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
            return;
        }
        // That nobody can tell of the attempt says more than that the channel went down since.
        self.stuck(notice, person, trouble, |s| s.is_ready(&base.policy, now) && s.trouble != Some(Trouble::Ambiguous));
    }

    /// What waits, or could be repeated by now, cannot go: says why, once.
    fn stuck(&mut self, notice: NoticeId, person: &PersonId, trouble: Trouble, is: impl Fn(&Slot) -> bool) {
        let Some((head, row)) = self.peek(notice, person) else { return };
        let version = head.current;
        let stuck: Vec<Slot> = row.slots.iter().filter(|s| is(s) && s.trouble != Some(trouble)).cloned().collect();
        for mut slot in stuck {
            slot.trouble = Some(trouble);
            self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
        }
    }

    /// Hands the notice to this channel, again under the same id if it was handed to it before.
    fn attempt(&mut self, notice: NoticeId, person: &PersonId, channel: Channel) {
        let Some((head, row)) = self.peek(notice, person) else { return };
        let version = head.current;
        let restored = head.restored == Some(version);
        // A copy over another channel may have got through, too.
        let elsewhere = row.slots.iter().any(|s| s.may_repeat || s.phase == Phase::Pending);
        let reminder = if row.reminded > row.reminded_before { row.reminded } else { 0 };
        let mut slot = match row.slot(channel) {
            Some(slot) => slot.clone(),
            None => Slot::new(self.fresh_id(), channel, self.now),
        };
        slot.attempts += 1;
        slot.may_repeat |= elsewhere || restored;
        slot.trouble = None;
        slot.reminder = reminder;
        self.emit(DispatchEvent::Attempt { delivery: slot.delivery(notice, version, person) });
    }

    /// Gives it to them again, so that their machines alarm again: over every channel on which they have it, or may have it
    /// from a stranger's machine that took it, and over the next one. Where nothing is up, or they may not be alarmed any
    /// more, the count alone goes up.
    fn remind(&mut self, notice: NoticeId, person: &PersonId) {
        let Some((head, row)) = self.peek(notice, person) else { return };
        let Some(heard) = head.newest() else { return };
        let (version, base) = (heard.number, self.base);
        let reminder = row.reminded + 1;
        let up = |c: &Channel| base.is_up(person, *c);
        let permitted = base.people.permitted(person, &heard.marking).ok().filter(|_| !heard.is_late(self.now));
        let channels: Vec<Channel> = permitted.map_or_else(Vec::new, |p| {
            let have = row.slots.iter().filter(|s| s.is_out_of_hand() && s.phase != Phase::Pending);
            let next = p.channels.iter().copied().filter(up).find(|c| row.slot(*c).is_none() && row.may_use(heard, *c));
            have.map(|s| s.channel).filter(|c| up(c) && p.channels.contains(c)).chain(next).collect()
        });
        if channels.is_empty() {
            let Some(mut slot) = row.slots.first().cloned() else { return };
            slot.reminder = reminder;
            self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
            return;
        }
        for channel in channels {
            let Some((_, row)) = self.peek(notice, person) else { return };
            let mut slot = match row.slot(channel) {
                Some(slot) => slot.clone(),
                None => Slot::new(self.fresh_id(), channel, self.now),
            };
            slot.attempts += 1;
            slot.reminder = reminder;
            self.emit(DispatchEvent::Attempt { delivery: slot.delivery(notice, version, person) });
        }
    }

    fn call(&mut self, by: &PersonId, person: &PersonId, notice: NoticeId, version: u32, status: CallStatus) {
        let (at, person) = (self.now, person.clone());
        let by = by.clone();
        self.emit(DispatchEvent::Called { notice, version, person: person.clone(), status, by: by.clone(), at });
        let told = |h: &Head, r: &Row| h.asked.is_some() && r.has_acked(h) && r.carries.is_empty();
        let known = self.peek(notice, &person).is_some_and(|(h, r)| told(h, r));
        if status == CallStatus::Acknowledged && !known {
            let via = Channel::Voice;
            self.emit(DispatchEvent::Acknowledged { notice, version, person, at, via, by: Some(by) });
        }
    }

    /// The connection broke before a receipt came. What a provider took over is out of our hands, and stays so.
    fn lost(&mut self, notice: NoticeId, person: &PersonId, channel: Channel) {
        let Some((head, row)) = self.peek(notice, person) else { return };
        let version = head.current;
        let Some(slot) = row.slot(channel).filter(|s| s.phase == Phase::Pending) else { return };
        if slot.accepted && channel.is_relayed() {
            return;
        }
        let mut slot = slot.clone();
        let other =
            self.base.people.person(person).is_some_and(|p| p.channels.iter().any(|c| self.base.is_up(person, *c)));
        slot.trouble = Some(if other { Trouble::ChannelDown } else { Trouble::NoChannelUp });
        slot.may_repeat = true;
        self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
    }

    fn reach(&mut self, person: &PersonId, channel: Channel, up: bool) {
        let on: Vec<NoticeId> = self.base.cases.on(person).collect();
        for notice in on {
            let Some((head, row)) = self.peek(notice, person) else { continue };
            // They have it; a correction must still reach the other channels that had what it corrects.
            if row.is_delivered() && !head.newest().is_some_and(|v| row.must(v).any(|c| c == channel)) {
                continue;
            }
            if !up {
                self.lost(notice, person, channel);
                self.advance(notice, person);
                continue;
            }
            // A connection anew: what went over the old one and was not confirmed goes again, even if another channel
            // is being tried, since this person may have nothing yet.
            let tried = row.slot(channel).is_some_and(|s| {
                let on_its_way = s.accepted && channel.is_relayed();
                s.attempts > 0 && s.phase != Phase::Done && !on_its_way && s.trouble != Some(Trouble::Refused)
            });
            let permitted = head.newest().map(|v| self.base.people.permitted(person, &v.marking));
            let theirs = permitted.is_some_and(|p| p.is_ok_and(|p| p.channels.contains(&channel)));
            let late = head.newest().is_some_and(|v| v.is_late(self.now));
            if tried && theirs && !late && self.base.is_up(person, channel) {
                self.attempt(notice, person, channel);
            } else {
                self.advance(notice, person);
            }
        }
    }

    /// The centre's way to a provider came up or went down: for everybody who waits for it or has something on it.
    fn service(&mut self, channel: Channel, up: bool) {
        for (notice, person) in self.base.cases.concerned(channel) {
            if !up {
                self.lost(notice, &person, channel);
            }
            self.advance(notice, &person);
        }
    }

    fn provider(&mut self, result: &ProviderResult) {
        let Some((notice, head, person, row)) = self.base.cases.of_delivery(result.delivery) else { return };
        let version = head.current;
        let Some(slot) = row.slots.iter().find(|s| s.id == result.delivery) else { return };
        let mut slot = slot.clone();
        // A channel that contradicts its own "accepted", repeats itself or speaks of an older attempt changes nothing.
        let present = slot.attempts == result.attempt;
        let decisive = slot.phase == Phase::Pending && present && !slot.accepted;
        // A stranger's machine that took it reports later that it could not hand it on.
        let reported = slot.took_over() && present && slot.awaits_report();
        match &result.outcome {
            Outcome::Accepted => {
                // The connection broke before it could say so: it is out of our hands, and not to be repeated.
                let late = slot.phase == Phase::Waiting && slot.took_over() && present;
                // Its report that it could not hand it on was faster: what it took is not repeated there.
                let after_report = slot.phase == Phase::Failed && slot.took_over() && present;
                let first = slot.reached == Reached::Queued && slot.attempts >= result.attempt;
                if result.attempt > 0 && (first || late || after_report) {
                    slot.reached = slot.reached.max(Reached::Sent);
                    if late {
                        slot.trouble = None;
                    }
                    self.conclude(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
                }
            }
            Outcome::Delivered => {
                if slot.reached < Reached::Delivered && slot.attempts >= result.attempt && result.attempt > 0 {
                    slot.reached = Reached::Delivered;
                    slot.trouble = None;
                    self.conclude(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
                }
            }
            Outcome::Refused(_) if decisive || reported => {
                slot.trouble = Some(Trouble::Refused);
                self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
                self.advance(notice, person);
            }
            Outcome::Failed(_) if decisive || reported => {
                slot.trouble = Some(Trouble::Failed);
                self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
                self.advance(notice, person);
            }
            Outcome::Ambiguous(_) if decisive => {
                slot.trouble = Some(Trouble::Ambiguous);
                slot.may_repeat = true;
                self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
                self.advance(notice, person);
            }
            Outcome::Failed(_) | Outcome::Ambiguous(_) | Outcome::Refused(_) => {}
        }
    }

    /// Their client has it. Only forward; a receipt over a channel that was not used yet counts as well, since it can
    /// only come from the person.
    fn receipt(&mut self, person: &PersonId, notice: NoticeId, version: u32, channel: Channel, reached: Reached) {
        let Some((head, row)) = self.peek(notice, person) else { return };
        if head.current != version {
            return;
        }
        let mut slot = match row.slot(channel) {
            Some(slot) if slot.reached >= reached => return,
            Some(slot) => slot.clone(),
            None => Slot::new(self.fresh_id(), channel, self.now),
        };
        slot.reached = reached;
        slot.trouble = None;
        self.conclude(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
    }

    fn acknowledge(&mut self, person: &PersonId, notice: NoticeId, version: u32, channel: Channel) {
        let Some((_, row)) = self.peek(notice, person) else { return };
        let known = row.acked.as_ref().is_some_and(|a| a.version >= version);
        // A leader who was told of somebody silent afterwards takes that, too, by acknowledging again.
        if !known || !row.carries.is_empty() {
            let at = self.now;
            let (person, via) = (person.clone(), channel);
            self.conclude(DispatchEvent::Acknowledged { notice, version, person, at, via, by: None });
        }
        self.receipt(person, notice, version, channel, Reached::Shown);
    }

    /// A list says of every measure of its version whether it is done, and of no other.
    fn measures(&mut self, person: &PersonId, notice: NoticeId, version: u32, done: &BTreeSet<String>) {
        let Some((head, row)) = self.peek(notice, person) else { return };
        let (Some(said), Some(newest)) = (head.version(version), head.newest()) else { return };
        let list = &newest.measures;
        let is_done = |k: usize, id: &str| {
            if said.measures.iter().any(|m| m == id) { done.contains(id) } else { row.done.has(k) }
        };
        let ticks = Ticks::those(list, is_done);
        if ticks != row.done {
            let (version, at) = (head.current, self.now);
            let done = ticks.of(list).cloned().collect();
            self.conclude(DispatchEvent::Measures { notice, version, person: person.clone(), done, at });
        }
    }

    fn tick(&mut self) {
        let undecided: Vec<NoticeId> = self.base.cases.undecided().collect();
        for notice in undecided {
            self.notice(notice);
        }
        let base = self.base;
        for person in &base.at_tick {
            for notice in base.cases.on(person) {
                self.advance(notice, person);
            }
        }
        let mut told = BTreeSet::new();
        for (notice, person) in base.cases.due(self.now) {
            match person {
                Some(person) => told.extend(self.person_due(notice, person).map(|leader| (notice, leader))),
                None => told.extend(self.notice_due(notice).map(|leader| (notice, leader))),
            }
        }
        // A leader who has the notice already must look again; once, however many fell silent at this moment.
        for (notice, leader) in told {
            if self.peek(notice, &leader).is_some_and(|(_, r)| r.is_delivered()) {
                self.remind(notice, &leader);
            }
        }
    }

    /// What is due for a person; the leader who was told of their silence.
    fn person_due(&mut self, notice: NoticeId, person: &PersonId) -> Option<PersonId> {
        let policy = &self.base.policy;
        let (head, row) = self.peek(notice, person)?;
        let version = head.current;
        if !row.is_delivered() {
            let now = self.now;
            let late = |s: &&Slot| s.receipt_due(policy).is_some_and(|t| t <= now);
            let late: Vec<Slot> = row.slots.iter().filter(late).cloned().collect();
            for mut slot in late {
                slot.trouble = Some(Trouble::NoReceipt);
                slot.may_repeat = true;
                self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
            }
        }
        self.advance(notice, person);
        let due = |t: Option<Time>| t.is_some_and(|t| t <= self.now);
        let (head, row) = self.peek(notice, person)?;
        let (lapse, remind) = (due(row.lapse_due(head, policy)), due(row.remind_due(head, policy)));
        if lapse {
            let at = self.now;
            self.emit(DispatchEvent::Lapsed { notice, version, person: person.clone(), at });
        }
        if lapse || remind {
            self.remind(notice, person);
        }
        let (head, row) = self.peek(notice, person)?;
        if row.escalate_due(head, policy).is_none_or(|t| t > self.now) {
            return None;
        }
        let heard = head.newest()?;
        let (level, at) = (heard.level, self.now);
        let leader = self.base.people.next_leader(person, &row.tried, &heard.marking);
        if let Some(leader) = &leader {
            let to = Some(leader.clone());
            self.emit(DispatchEvent::Escalated { notice, version, person: person.clone(), to, at, level });
            self.advance(notice, leader);
        } else {
            self.emit(DispatchEvent::Silent { notice, version, person: person.clone(), at });
        }
        leader
    }

    /// What is due for a notice as a whole; the supervisor who was told that nobody at the centre takes it.
    fn notice_due(&mut self, notice: NoticeId) -> Option<PersonId> {
        let head = self.peek_head(notice)?;
        let (version, at) = (head.current, self.now);
        match head.next(&self.base.policy) {
            Some((due, Due::Forget)) if due <= at => self.emit(DispatchEvent::Closed { notice, version }),
            Some((due, Due::Escalate)) if due <= at => {
                let heard = head.newest()?;
                let (level, watch) = (heard.level, head.centre.watch.clone());
                let to = self.base.people.next_supervisor(&watch, &head.centre.tried, &heard.marking);
                for person in watch {
                    self.emit(match &to {
                        Some(to) => {
                            DispatchEvent::Escalated { notice, version, person, to: Some(to.clone()), at, level }
                        }
                        None => DispatchEvent::Silent { notice, version, person, at },
                    });
                }
                if let Some(to) = &to {
                    self.advance(notice, to);
                }
                return to;
            }
            _ => {}
        }
        None
    }
}
