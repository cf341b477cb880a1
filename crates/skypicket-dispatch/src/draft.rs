//! [`Draft`]: the decisions about one input, worked out on copies of the few rows that they touch.

use crate::{
    Dispatcher, Input,
    state::{Due, Head, Phase, Row, Setting, Slot, Store, Trouble, apply_event},
};
use skypicket_model::{
    Channel, DeliveryId, DispatchEvent, IdMaker, NoticeId, PersonId, ProviderResult, Reached, Time,
    delivery::{Outcome, Rule},
};
use std::collections::BTreeMap;

pub(crate) struct Draft<'a> {
    base: &'a Dispatcher,
    ids: &'a mut IdMaker,
    now: Time,
    heads: BTreeMap<NoticeId, Head>,
    rows: BTreeMap<NoticeId, BTreeMap<PersonId, Row>>,
    out: Vec<DispatchEvent>,
}

impl Store for Draft<'_> {
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
    pub(crate) fn new(base: &'a Dispatcher, ids: &'a mut IdMaker, now: Time) -> Self {
        Self { base, ids, now, heads: BTreeMap::new(), rows: BTreeMap::new(), out: Vec::new() }
    }

    /// What the input, already absorbed, asks for.
    pub(crate) fn decide(mut self, input: &Input<'_>) -> Vec<DispatchEvent> {
        match input {
            Input::Started => self.started(),
            Input::Notice(n) => self.notice(n.id),
            Input::Provider(result) => self.provider(result),
            Input::Reach { person, channel, up } => self.reach(person, *channel, *up),
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
            Input::Tick => self.tick(),
        }
        self.out
    }

    fn emit(&mut self, event: DispatchEvent) {
        let set = Setting { policy: &self.base.policy, watch: self.base.people.watch(), now: self.now };
        apply_event(self, set, &event);
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
            for channel in [Channel::Web, Channel::Tak] {
                self.lost(notice, &person, channel);
            }
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
        let people = &self.base.people;
        let danger = match heard.protected {
            skypicket_model::ProtectedId::Person(_) => Rule::InDanger,
            skypicket_model::ProtectedId::Site(_) => Rule::SiteUnit,
        };
        let endangered = people.endangered(&heard.protected).into_iter().map(|p| (p, danger));
        let centre = people.watch().iter().map(|p| (p.clone(), Rule::Centre));
        for (person, rule) in endangered.chain(centre) {
            // The rule that asks most of them counts.
            list.entry(person).and_modify(|r| *r = rule.min(*r)).or_insert(rule);
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

    /// Hands the notice to the person's first channel that is up and not used up, unless they have it or an attempt is
    /// under way; else says why not.
    fn advance(&mut self, notice: NoticeId, person: &PersonId) {
        let Some((head, row)) = self.peek(notice, person) else { return };
        if row.is_delivered() || row.is_pending() {
            return;
        }
        let Some(heard) = head.newest() else { return };
        let version = heard.number;
        let base = self.base;
        let trouble = match base.people.permitted(person, &heard.marking) {
            Ok(p) => {
                let up = |c: &&Channel| base.is_up(person, **c);
                let ready = |c: &&Channel| row.slot(**c).is_none_or(|s| s.is_ready(&base.policy, self.now));
                if let Some(channel) = p.channels.iter().filter(up).find(ready) {
                    self.attempt(notice, person, *channel);
                    return;
                }
                if p.channels.is_empty() {
                    Trouble::NoChannel
                } else if p.channels.iter().any(|c| base.is_up(person, *c)) {
                    Trouble::ChannelDown
                } else {
                    Trouble::NoChannelUp
                }
            }
            Err(trouble) => trouble,
        };
        if row.slots.is_empty() {
            let first = base.people.person(person).and_then(|p| p.channels.first().copied()).unwrap_or(Channel::Web);
            let mut slot = Slot::new(self.fresh_id(), first, self.now);
            slot.trouble = Some(trouble);
            self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
            return;
        }
        // What waits, or could be repeated by now, cannot go: say why, once.
        let stuck: Vec<Slot> = row
            .slots
            .iter()
            .filter(|s| s.is_ready(&base.policy, self.now) && s.trouble != Some(trouble))
            // That nobody can tell of the attempt says more than that the channel went down since.
            .filter(|s| s.trouble != Some(Trouble::Ambiguous))
            .cloned()
            .collect();
        for mut slot in stuck {
            slot.trouble = Some(trouble);
            self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
        }
    }

    /// Hands the notice to this channel, again under the same id if it was handed to it before.
    fn attempt(&mut self, notice: NoticeId, person: &PersonId, channel: Channel) {
        let Some((head, row)) = self.peek(notice, person) else { return };
        let version = head.current;
        // A copy over another channel may have got through, too.
        let elsewhere = row.slots.iter().any(|s| s.may_repeat || s.phase == Phase::Pending);
        let mut slot = match row.slot(channel) {
            Some(slot) => slot.clone(),
            None => Slot::new(self.fresh_id(), channel, self.now),
        };
        slot.attempts += 1;
        slot.may_repeat |= elsewhere;
        slot.trouble = None;
        self.emit(DispatchEvent::Attempt { delivery: slot.delivery(notice, version, person) });
    }

    /// The connection broke before a receipt came.
    fn lost(&mut self, notice: NoticeId, person: &PersonId, channel: Channel) {
        let Some((head, row)) = self.peek(notice, person) else { return };
        let version = head.current;
        let Some(slot) = row.slot(channel).filter(|s| s.phase == Phase::Pending) else { return };
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
            if row.is_delivered() {
                continue;
            }
            if !up {
                self.lost(notice, person, channel);
                self.advance(notice, person);
                continue;
            }
            // A connection anew: what went over the old one and was not confirmed goes again, even if another channel
            // is being tried, since this person may have nothing yet.
            let tried = row.slot(channel).is_some_and(|s| s.attempts > 0);
            let permitted = head.newest().map(|v| self.base.people.permitted(person, &v.marking));
            let theirs = permitted.is_some_and(|p| p.is_ok_and(|p| p.channels.contains(&channel)));
            if tried && theirs && self.base.is_up(person, channel) {
                self.attempt(notice, person, channel);
            } else {
                self.advance(notice, person);
            }
        }
    }

    fn provider(&mut self, result: &ProviderResult) {
        let Some((notice, person)) = self.base.cases.of_delivery(result.delivery).cloned() else { return };
        let Some((head, row)) = self.peek(notice, &person) else { return };
        let version = head.current;
        let Some(slot) = row.slots.iter().find(|s| s.id == result.delivery) else { return };
        let mut slot = slot.clone();
        // A provider that contradicts its own "accepted", repeats itself or speaks of an older attempt changes nothing.
        let decisive = slot.phase == Phase::Pending && slot.attempts == result.attempt && !slot.accepted;
        match &result.outcome {
            Outcome::Accepted => {
                if slot.reached == Reached::Queued && slot.attempts >= result.attempt && result.attempt > 0 {
                    slot.reached = Reached::Sent;
                    self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, &person) });
                }
            }
            Outcome::Failed(_) if decisive => {
                slot.trouble = Some(Trouble::Failed);
                self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, &person) });
                self.advance(notice, &person);
            }
            Outcome::Ambiguous(_) if decisive => {
                slot.trouble = Some(Trouble::Ambiguous);
                slot.may_repeat = true;
                self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, &person) });
                self.advance(notice, &person);
            }
            Outcome::Failed(_) | Outcome::Ambiguous(_) => {}
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
        self.emit(DispatchEvent::Moved { delivery: slot.delivery(notice, version, person) });
    }

    fn acknowledge(&mut self, person: &PersonId, notice: NoticeId, version: u32, channel: Channel) {
        let Some((_, row)) = self.peek(notice, person) else { return };
        let known = row.acked.as_ref().is_some_and(|a| a.version >= version);
        // A leader who was told of somebody silent afterwards takes that, too, by acknowledging again.
        if !known || !row.carries.is_empty() {
            let at = self.now;
            self.emit(DispatchEvent::Acknowledged { notice, version, person: person.clone(), at, via: channel });
        }
        self.receipt(person, notice, version, channel, Reached::Shown);
    }

    fn tick(&mut self) {
        let undecided: Vec<NoticeId> = self.base.cases.undecided().collect();
        for notice in undecided {
            self.notice(notice);
        }
        let base = self.base;
        for (_, notice, person) in base.cases.timers_until(self.now) {
            match person {
                Some(person) => self.person_due(*notice, person),
                None => self.notice_due(*notice),
            }
        }
    }

    fn person_due(&mut self, notice: NoticeId, person: &PersonId) {
        let policy = &self.base.policy;
        let Some((head, row)) = self.peek(notice, person) else { return };
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
            self.advance(notice, person);
        }
        let Some((head, row)) = self.peek(notice, person) else { return };
        if row.escalate_due(head, policy).is_none_or(|t| t > self.now) {
            return;
        }
        let Some(heard) = head.newest() else { return };
        let (level, at) = (heard.level, self.now);
        match self.base.people.next_leader(person, &row.tried, &heard.marking) {
            Some(leader) => {
                let to = Some(leader.clone());
                self.emit(DispatchEvent::Escalated { notice, version, person: person.clone(), to, at, level });
                self.advance(notice, &leader);
            }
            None => self.emit(DispatchEvent::Silent { notice, version, person: person.clone(), at }),
        }
    }

    fn notice_due(&mut self, notice: NoticeId) {
        let Some(head) = self.peek_head(notice) else { return };
        let (version, at) = (head.current, self.now);
        match head.next(&self.base.policy) {
            Some((due, Due::Forget)) if due <= at => self.emit(DispatchEvent::Closed { notice, version }),
            Some((due, Due::Escalate)) if due <= at => {
                let Some(heard) = head.newest() else { return };
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
                if let Some(to) = to {
                    self.advance(notice, &to);
                }
            }
            _ => {}
        }
    }
}
