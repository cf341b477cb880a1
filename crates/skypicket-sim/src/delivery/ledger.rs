//! [`Ledger`]: the world's own books, kept apart from the engines: what was promised, what arrived where, what people
//! pressed. What the two do not agree on is a [`Breach`].

use crate::delivery::{centre::Message, engines::Engines};
use skypicket_model::{
    Act, Body, BulletinStep, Channel, DeliveryId, Directory, DispatchEvent, Entry, Notice, NoticeId, PersonId,
    ProtectedId, Reached, RequestId, Role, Time, audience::Audience, delivery::Rule, may_see,
};
use std::collections::{BTreeMap, BTreeSet};

/// A promise that did not hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Breach {
    /// Seconds from the beginning.
    pub at_s: f64,
    /// Which promise, in a fixed word.
    pub promise: &'static str,
    /// What was seen.
    pub what: String,
}

/// A message that came to a machine of a person's.
#[derive(Debug, Clone)]
struct Arrival {
    version: u32,
    channel: Channel,
}

/// The messages of one delivery under one reminder number.
#[derive(Debug, Clone, Default)]
struct Copies {
    attempts: BTreeSet<u32>,
    /// When the first was decided.
    from: Option<Time>,
}

/// What a person's client heard "received" for.
#[derive(Debug, Clone)]
struct Received {
    at: Time,
    person: PersonId,
    notice: NoticeId,
    version: u32,
}

/// The books.
#[derive(Default)]
pub(crate) struct Ledger {
    arrivals: BTreeMap<NoticeId, BTreeMap<PersonId, Vec<Arrival>>>,
    copies: BTreeMap<(DeliveryId, u32), Copies>,
    /// The newest version that left to a person.
    left: BTreeMap<(NoticeId, PersonId), u32>,
    /// When something happened on a way to a person that makes a repeat lawful.
    faults: BTreeMap<(PersonId, Channel), Vec<Time>>,
    crashes: Vec<Time>,
    /// A provider told a lie about a message of this notice to this person over this channel.
    lied: BTreeSet<(NoticeId, PersonId, Channel)>,
    pressed: BTreeMap<(NoticeId, PersonId), BTreeSet<u32>>,
    received: Vec<Received>,
    /// Whatever somebody ever ticked.
    ticked: BTreeMap<(NoticeId, PersonId), BTreeSet<String>>,
    /// Checklists by version, of what is durable.
    checklists: BTreeMap<NoticeId, BTreeMap<u32, BTreeSet<String>>>,
    /// When a bulletin's time is over.
    over_at: BTreeMap<NoticeId, Time>,
    /// What is done, reckoned again from what they said, in the order in which it became durable.
    done: BTreeMap<(NoticeId, PersonId), BTreeSet<String>>,
    /// Requests of theirs that are durable, and those that they heard "received" for.
    ticks_durable: BTreeSet<RequestId>,
    ticks_received: Vec<(RequestId, NoticeId, PersonId)>,
    /// Recalls that somebody heard "received" for.
    recalled: Vec<NoticeId>,
    /// Last time an acknowledgement was said to count no more.
    lapsed: BTreeMap<(NoticeId, PersonId), Time>,
    /// When the centre took a client's act: its answer may be heard much later, after a repeat.
    taken: BTreeMap<RequestId, Time>,
    /// Who was called.
    called: BTreeSet<(NoticeId, PersonId)>,
    /// Lists by version, of what is durable.
    lists: BTreeMap<NoticeId, (u32, BTreeSet<PersonId>)>,
    /// Whom the centre decided to tell since it started: it goes by that also while the disk is behind. Gone in a crash.
    decided: BTreeMap<NoticeId, BTreeSet<PersonId>>,
    /// How far each delivery is, of what is durable.
    reached: BTreeMap<DeliveryId, (Reached, u32)>,
    /// The newest version that asks to be acknowledged, of what is durable.
    asks: BTreeMap<NoticeId, u32>,
    /// What a restore or a lost early warning made unknown to the centre: only marks are checked.
    pub(crate) clouded: BTreeSet<NoticeId>,
    /// The versions in force in the newest backup that was restored.
    restored: BTreeMap<NoticeId, u32>,
    /// Everybody who ever led somebody, by whom.
    leaders: BTreeMap<PersonId, BTreeSet<PersonId>>,
    supervisors: BTreeSet<PersonId>,
    breaches: Vec<Breach>,
    /// Seconds from the beginning, as of the last thing that happened.
    pub(crate) now_s: f64,
}

impl Ledger {
    /// At most so many are kept: the first ones say most.
    const MOST: usize = 50;

    pub(crate) fn breach(&mut self, promise: &'static str, what: String) {
        if self.breaches.len() < Self::MOST {
            self.breaches.push(Breach { at_s: self.now_s, promise, what });
        }
    }

    pub(crate) fn into_breaches(self) -> Vec<Breach> {
        self.breaches
    }

    // ---- what happens ----

    /// Who is who from now on.
    pub(crate) fn directory(&mut self, d: &Directory) {
        for p in d.people.keys() {
            self.leaders.entry(p.clone()).or_default().extend(d.leaders_of(p));
        }
        self.supervisors.extend(d.with_role(Role::Supervisor).map(|p| p.id.clone()));
    }

    pub(crate) fn fault(&mut self, person: &PersonId, channel: Channel, at: Time) {
        self.faults.entry((person.clone(), channel)).or_default().push(at);
    }

    pub(crate) fn crash(&mut self, at: Time) {
        self.crashes.push(at);
        self.decided.clear();
    }

    pub(crate) fn lie(&mut self, m: &Message) {
        let d = &m.delivery;
        self.lied.insert((d.notice, d.person.clone(), d.channel));
    }

    pub(crate) fn press(&mut self, person: &PersonId, notice: NoticeId, version: u32) {
        self.pressed.entry((notice, person.clone())).or_default().insert(version);
    }

    pub(crate) fn tick(&mut self, person: &PersonId, notice: NoticeId, done: &BTreeSet<String>) {
        self.ticked.entry((notice, person.clone())).or_default().extend(done.iter().cloned());
    }

    pub(crate) fn call(&mut self, person: &PersonId, notice: NoticeId) {
        self.called.insert((notice, person.clone()));
    }

    /// A client heard "received".
    pub(crate) fn received(&mut self, request: RequestId, heard_at: Time, person: &PersonId, act: &Act) {
        match act {
            Act::Acknowledge { notice, version, .. } => {
                // It may have lapsed between: what counts is when it was taken.
                let at = self.taken.get(&request).copied().unwrap_or(heard_at);
                self.received.push(Received { at, person: person.clone(), notice: *notice, version: *version });
            }
            Act::Measures { notice, .. } => self.ticks_received.push((request, *notice, person.clone())),
            Act::Bulletin(skypicket_model::BulletinAct::Recall { notice, .. }) => self.recalled.push(*notice),
            _ => {}
        }
    }

    /// The centre decided something: who gets what is held against the rules by an own reckoning.
    pub(crate) fn decided(&mut self, e: &Engines, entries: &[Entry], now: Time, outside: Time) {
        let restored = matches!(entries.first().map(|e| &e.body), Some(Body::Upkeep(_)));
        for entry in entries {
            if let Body::Act(skypicket_model::entry::ActEntry { request: Some(request), .. }) = &entry.body {
                self.taken.insert(request.id, entry.recorded_at);
            }
            let Body::Dispatch(event) = &entry.body else { continue };
            match event {
                DispatchEvent::Attempt { delivery: d } => {
                    if restored {
                        self.breach("no mass re-alarm", format!("a restore itself sends to {}", d.person));
                    }
                    self.copies.entry((d.id, d.reminder)).or_default().from.get_or_insert(outside);
                    let Some(n) = e.notices.get(&d.notice) else { continue };
                    let reader = e.directory.reader(&d.person);
                    if reader.is_none_or(|r| !may_see(&r, &n.marking)) {
                        self.breach("release", format!("{} v{} goes to {}", name(n), d.version, d.person));
                    }
                    if d.version != n.version {
                        self.breach("newest only", format!("{} v{} of {}", name(n), d.version, n.version));
                    }
                    if !n.state.ended() && n.expires_at.is_some_and(|t| t <= now) {
                        self.breach("late", format!("{} goes to {} after its time", name(n), d.person));
                    }
                }
                DispatchEvent::Recipients { notice, version, people } => {
                    let Some(n) = e.notices.get(notice) else { continue };
                    for (person, _) in people {
                        if !self.is_meant(e, n, person, people) {
                            self.breach("list", format!("{} v{version}: {person} is on it", name(n)));
                        }
                    }
                    let missing = self.missing(e, n, people);
                    if let Some(person) = missing {
                        self.breach("list", format!("{} v{version}: {person} is missing", name(n)));
                    }
                    for what in self.uncorrected(e, n, entries) {
                        self.breach("corrected at once", what);
                    }
                    self.decided.entry(*notice).or_default().extend(people.iter().map(|(p, _)| p.clone()));
                }
                DispatchEvent::Escalated { person, to: Some(to), .. }
                    if !self.supervisors.contains(to) && !self.leaders.get(person).is_some_and(|l| l.contains(to)) =>
                {
                    self.breach("list", format!("{to} is told of the silence of {person}"));
                }
                _ => {}
            }
        }
    }

    /// Whom a notice is for, reckoned again from the rule: somebody on the list must be one of them, or on the list
    /// before, or a leader who was told.
    fn is_meant(&self, e: &Engines, n: &Notice, person: &PersonId, list: &[(PersonId, Rule)]) -> bool {
        let d = &e.directory;
        let before = self.lists.get(&n.id).is_some_and(|(_, l)| l.contains(person))
            || self.decided.get(&n.id).is_some_and(|l| l.contains(person))
            || list.iter().any(|(p, r)| p == person && *r == Rule::Escalation);
        if before || self.clouded.contains(&n.id) {
            return true;
        }
        let Some(p) = d.people.get(person) else { return false };
        if n.warning().is_some() {
            let of = match n.warning().map(|w| &w.protected) {
                Some(ProtectedId::Person(of)) => of == person,
                Some(ProtectedId::Site(s)) => d.sites.get(s).is_some_and(|s| s.unit == p.unit),
                None => false,
            };
            return of || p.roles.contains(&Role::Watch);
        }
        n.bulletin().is_some_and(|b| b.audience.iter().any(|a| means(d, a, person)))
    }

    /// Somebody whom the rule means and who is not on the list.
    fn missing(&self, e: &Engines, n: &Notice, list: &[(PersonId, Rule)]) -> Option<PersonId> {
        let on: BTreeSet<&PersonId> = list.iter().map(|(p, _)| p).collect();
        let durable = self.lists.get(&n.id).map(|(_, l)| l);
        let mut before = durable.into_iter().chain(self.decided.get(&n.id)).flatten();
        if !self.clouded.contains(&n.id)
            && let Some(p) = before.find(|p| !on.contains(p))
        {
            return Some(p.clone());
        }
        if n.state.ended() {
            return None;
        }
        let d = &e.directory;
        let meant = |p: &PersonId| match (n.warning(), n.bulletin()) {
            (Some(w), _) => match &w.protected {
                ProtectedId::Person(of) => of == p,
                ProtectedId::Site(s) => d.sites.get(s).is_some_and(|s| d.active(p).is_some_and(|p| p.unit == s.unit)),
            },
            // Where somebody is, and what they asked for, the engine knows better than these books.
            (_, Some(b)) => b.audience.iter().any(|a| {
                !matches!(a, Audience::InArea { .. } | Audience::Subscribers {} | Audience::InDanger {})
                    && means(d, a, p)
            }),
            _ => false,
        };
        d.people.keys().find(|p| meant(p) && !on.contains(p)).cloned()
    }

    /// Whoever has an older version on a channel that is up is handed the correction over it in the same commit.
    fn uncorrected(&self, e: &Engines, n: &Notice, entries: &[Entry]) -> Vec<String> {
        let mut missing = Vec::new();
        if !corrects(n) || self.clouded.contains(&n.id) {
            return missing;
        }
        let handed: BTreeSet<(&PersonId, Channel)> = entries
            .iter()
            .filter_map(|entry| match &entry.body {
                Body::Dispatch(DispatchEvent::Attempt { delivery: d }) if d.notice == n.id => {
                    Some((&d.person, d.channel))
                }
                _ => None,
            })
            .collect();
        for (person, arrived) in self.arrivals.get(&n.id).into_iter().flatten() {
            if e.directory.reader(person).is_none_or(|r| !may_see(&r, &n.marking)) {
                continue;
            }
            let over: BTreeSet<Channel> = arrived.iter().map(|a| a.channel).collect();
            let up = e.dispatcher.channels_up(person);
            for channel in over.into_iter().filter(|c| up.contains(c)) {
                let lied = self.lied.contains(&(n.id, person.clone(), channel));
                if !lied && !handed.contains(&(person, channel)) {
                    missing.push(format!("{} v{} to {person} over {}", name(n), n.version, channel.word()));
                }
            }
        }
        missing
    }

    /// Entries are on the disk.
    pub(crate) fn durable(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.durable_ticks(entry);
            match &entry.body {
                Body::Notice(n) if n.needs_ack && !n.state.ended() => {
                    self.asks.insert(n.id, n.version);
                }
                Body::Dispatch(DispatchEvent::Recipients { notice, version, people }) => {
                    let list = self.lists.entry(*notice).or_default();
                    if *version <= list.0 {
                        let what = format!("{} v{version} after v{}", notice.0, list.0);
                        self.breach("only forward", what);
                    } else {
                        *list = (*version, people.iter().map(|(p, _)| p.clone()).collect());
                    }
                }
                Body::Dispatch(DispatchEvent::Escalated { notice, to: Some(to), .. }) => {
                    self.lists.entry(*notice).or_default().1.insert(to.clone());
                }
                Body::Dispatch(DispatchEvent::Attempt { delivery: d } | DispatchEvent::Moved { delivery: d }) => {
                    let old = self.reached.insert(d.id, (d.reached, d.attempts));
                    if old.is_some_and(|(r, a)| d.reached < r || d.attempts < a) {
                        self.breach("only forward", format!("{old:?} became {d:?}"));
                    }
                }
                Body::Dispatch(DispatchEvent::Lapsed { notice, person, at, .. }) => {
                    self.lapsed.insert((*notice, person.clone()), *at);
                }
                _ => {}
            }
        }
    }

    /// What is done by now: of a version's checklist what somebody said last, and of what is not on it what they said of
    /// another; a newer version keeps what is on its checklist too.
    fn durable_ticks(&mut self, entry: &Entry) {
        match &entry.body {
            Body::Notice(n) => {
                let Some(sheet) = n.bulletin().and_then(|b| b.sheet.as_ref()) else { return };
                let list: BTreeSet<String> = sheet.measures.iter().map(|m| m.id.clone()).collect();
                for (_, done) in self.done.iter_mut().filter(|((notice, _), _)| *notice == n.id) {
                    done.retain(|m| list.contains(m));
                }
                self.checklists.entry(n.id).or_default().insert(n.version, list);
                self.over_at.extend(n.expires_at.map(|t| (n.id, t)));
            }
            Body::Act(a) => {
                // (What nobody's client sent is forged, or planted.)
                let (Act::Measures { notice, version, done }, Some(request)) = (&a.act, &a.request) else { return };
                self.ticks_durable.insert(request.id);
                // Its time was over by then, though nobody had been told yet: nothing of it need be done any more.
                if self.over_at.get(notice).is_some_and(|t| *t <= entry.recorded_at) {
                    return;
                }
                let Some(lists) = self.checklists.get(notice) else { return };
                let (Some(said), Some(newest)) = (lists.get(version), lists.values().next_back()) else { return };
                let now = self.done.entry((*notice, a.by.clone())).or_default();
                now.retain(|m| !said.contains(m));
                now.extend(done.iter().filter(|m| newest.contains(*m)).cloned());
            }
            _ => {}
        }
    }

    /// Commits were lost whose messages had left: the centre does not know of them.
    pub(crate) fn lost_early(&mut self, messages: &[Message]) {
        self.clouded.extend(messages.iter().map(|m| m.delivery.notice));
    }

    /// What was done since the backup is not known any more.
    pub(crate) fn restored(&mut self, gone: &[Entry], e: &Engines) {
        let version = |id: &NoticeId| Some((*id, e.dispatcher.version_of(*id)?));
        self.restored = e.notices.keys().filter_map(version).collect();
        self.clouded.extend(gone.iter().filter_map(|e| about(&e.body)));
        let clouded = &self.clouded;
        self.lists.retain(|n, _| !clouded.contains(n));
        self.asks.retain(|n, _| !clouded.contains(n));
        self.reached.clear();
    }

    /// A message leaves the centre.
    pub(crate) fn leaves(&mut self, m: &Message) {
        let d = &m.delivery;
        let newest = self.left.entry((d.notice, d.person.clone())).or_insert(0);
        let in_force = self.lists.get(&d.notice).map_or(0, |(v, _)| *v);
        let older = *newest > d.version || in_force > d.version;
        *newest = d.version.max(*newest);
        if older && !self.clouded.contains(&d.notice) {
            let what = format!("{} v{} leaves to {} over {}", name(&m.notice), d.version, d.person, d.channel.word());
            self.breach("older after newer", what);
        }
    }

    /// A message is on a machine of the person's.
    pub(crate) fn arrives(&mut self, m: &Message, at: Time) {
        let d = &m.delivery;
        let before = self.arrivals.entry(d.notice).or_default().entry(d.person.clone()).or_default();
        let known = before.iter().any(|a| a.version == d.version && a.channel == d.channel);
        before.push(Arrival { version: d.version, channel: d.channel });
        let lied = self.lied.contains(&(d.notice, d.person.clone(), d.channel));
        let clouded = self.clouded.contains(&d.notice);
        let copies = self.copies.entry((d.id, d.reminder)).or_default();
        let again = copies.attempts.insert(d.attempts) && copies.attempts.len() > 1;
        let copies_first = copies.attempts.first().copied().unwrap_or(0);
        let (extra, from) = (copies.attempts.len() - 1, copies.from.unwrap_or(at));
        let of_backup = self.restored.get(&d.notice) == Some(&d.version);
        if of_backup && known && !d.may_repeat && d.reminder == 0 && !again {
            // Under a new id, after a restore: nobody can fold it, so it must at least say so.
            self.breach(
                "marked",
                format!("{} v{} to {} unmarked after a restore", name(&m.notice), d.version, d.person),
            );
        }
        if !again || lied || clouded {
            return;
        }
        // They may overtake each other on the way: the first may come last, and it was none.
        if !d.may_repeat && copies_first < d.attempts {
            let what = format!("{} to {} over {} unmarked", name(&m.notice), d.person, d.channel.word());
            self.breach("marked", what);
        }
        let since = |t: &&Time| **t >= from && **t <= at;
        let way = self.faults.get(&(d.person.clone(), d.channel)).into_iter().flatten().filter(since).count();
        let crashes = self.crashes.iter().filter(since).count();
        if extra > way + crashes {
            let what = format!(
                "{} to {} over {}: {extra} repeats, {way} connections lost, {crashes} crashes",
                name(&m.notice),
                d.person,
                d.channel.word()
            );
            self.breach("one duplicate a fault", what);
        }
    }

    fn has(&self, notice: NoticeId, person: &PersonId, version: u32) -> bool {
        let arrived = self.arrivals.get(&notice).and_then(|a| a.get(person));
        arrived.is_some_and(|a| a.iter().any(|a| a.version == version))
    }

    fn trusts_a_liar(&self, notice: NoticeId, person: &PersonId) -> bool {
        Channel::ALL.iter().any(|c| self.lied.contains(&(notice, person.clone(), *c)))
    }

    // ---- what must hold ----

    /// What clients heard "received" for is there; nothing that is not durable may be in `e`.
    pub(crate) fn check_received(&mut self, e: &Engines) {
        let mut wrong = Vec::new();
        for r in self.received.iter().filter(|r| !self.clouded.contains(&r.notice)) {
            let Some(n) = e.notices.get(&r.notice) else {
                wrong.push(("acknowledgement lost", format!("{} knows of no notice {}", r.person, r.notice.0)));
                continue;
            };
            // Ended and forgotten: in the record, not in memory.
            if e.dispatcher.version_of(r.notice).is_none() && n.state.ended() {
                continue;
            }
            let row = e.dispatcher.recipient(r.notice, &r.person);
            let kept = row.is_some_and(|row| row.acknowledged_at.is_some());
            let asked_anew = self.asks.get(&r.notice).is_some_and(|v| *v > r.version);
            let lapsed = self.lapsed.get(&(r.notice, r.person.clone())).is_some_and(|t| *t >= r.at);
            if !kept && !asked_anew && !lapsed {
                wrong.push(("acknowledgement lost", format!("{} v{} by {}", name(n), r.version, r.person)));
            }
        }
        for (request, notice, person) in self.ticks_received.iter().filter(|(_, n, _)| !self.clouded.contains(n)) {
            if !self.ticks_durable.contains(request) {
                wrong.push(("ticks lost", format!("{} ticked by {person}", notice.0)));
            }
        }
        for (notice, n) in e.notices.iter().filter(|(id, _)| !self.clouded.contains(id)) {
            let list = e.dispatcher.checklist(*notice);
            for (person, said) in self.done_of(*notice) {
                let Some(row) = e.dispatcher.recipient(*notice, person) else { continue };
                let kept: BTreeSet<String> = row.done.of(list).cloned().collect();
                if kept != *said {
                    wrong.push(("ticks as said", format!("{} by {person}: {kept:?}, said {said:?}", name(n))));
                }
            }
        }
        for notice in self.recalled.iter().filter(|n| !self.clouded.contains(n)) {
            let step = e.desk.bulletin(*notice).map(|s| s.step);
            if step.is_some_and(|s| !matches!(s, BulletinStep::Recalled | BulletinStep::Expired)) {
                wrong.push(("decision lost", format!("{} is recalled and is {step:?}", notice.0)));
            }
        }
        for (promise, what) in wrong {
            self.breach(promise, what);
        }
    }

    fn done_of(&self, notice: NoticeId) -> impl Iterator<Item = (&PersonId, &BTreeSet<String>)> {
        self.done.iter().filter(move |((n, _), _)| *n == notice).map(|((_, person), done)| (person, done))
    }

    /// Everybody on the list has it or is visibly without. `rest`: nothing is on its way any more.
    pub(crate) fn check_notice(&mut self, e: &Engines, n: &Notice, now: Time, rest: bool) {
        if self.clouded.contains(&n.id) {
            return;
        }
        let mut wrong = Vec::new();
        let asked = self.asks.get(&n.id).copied();
        let checklist = e.dispatcher.checklist(n.id);
        for r in e.dispatcher.board(n.id) {
            let ticked = self.ticked.get(&(n.id, r.person.clone()));
            if let Some(m) = r.done.of(checklist).find(|m| ticked.is_none_or(|t| !t.contains(*m))) {
                wrong.push(("own measures", format!("{} v{}: {m} by {}", name(n), n.version, r.person)));
            }
            let has = self.has(n.id, &r.person, n.version);
            let liar = self.trusts_a_liar(n.id, &r.person);
            let says = r.reached >= Reached::Delivered;
            if says && !has && !liar {
                wrong.push(("delivered means there", format!("{} v{} at {}", name(n), n.version, r.person)));
            }
            let going = r.next.is_some() && !rest;
            let visible = r.trouble.is_some() || r.silent || going || liar && says;
            if !has && !visible {
                wrong.push(("delivered or visibly not", format!("{} v{} at {}: {r:?}", name(n), n.version, r.person)));
            }
            let pressed = self.pressed.get(&(n.id, r.person.clone()));
            let acked = r.acknowledged_at.is_some();
            if let (true, Some(by)) = (acked, &r.acknowledged_by) {
                if !self.called.contains(&(n.id, r.person.clone())) {
                    wrong.push(("own acknowledgement", format!("{by} for {}, who was not called", r.person)));
                }
            } else if acked && !pressed.is_some_and(|p| p.iter().any(|v| asked.is_none_or(|a| *v >= a))) {
                wrong.push(("own acknowledgement", format!("{} v{} by {}", name(n), n.version, r.person)));
            }
            if r.acknowledged_at.is_some_and(|t| t > now || t < n.at.plus_s(-31_536_000.0)) {
                wrong.push(("server time", format!("{} acknowledged in the future", r.person)));
            }
            let device = e.directory.people.get(&r.person).is_some_and(|p| p.roles.contains(&Role::Device));
            let primary = match n.warning() {
                Some(_) => matches!(r.rule, Rule::InDanger | Rule::SiteUnit),
                None => !matches!(r.rule, Rule::Subscription | Rule::Escalation),
            } && !device;
            let excused = r.call.as_ref().is_some_and(|c| c.status == skypicket_model::CallStatus::Unavailable);
            // Nobody waits for one who is shut out.
            let shut_out = e.directory.active(&r.person).is_none();
            let open = primary && asked.is_some() && !n.state.ended() && !acked && !excused && !shut_out;
            if open && !r.owes {
                wrong.push(("silent and not asked", format!("{} v{}: {r:?}", name(n), n.version)));
            }
            if open && rest && !r.silent && !r.escalation_answered && r.next.is_none() {
                let late = n.expires_at.is_some();
                if !late {
                    wrong.push(("silence climbs", format!("{} v{}: {r:?}", name(n), n.version)));
                }
            }
        }
        if rest {
            self.check_corrected(e, n, &mut wrong);
        }
        for (promise, what) in wrong {
            self.breach(promise, what);
        }
    }

    /// Whoever has an older version over a channel has the correction over it, or it is listed how far that is.
    fn check_corrected(&self, e: &Engines, n: &Notice, wrong: &mut Vec<(&'static str, String)>) {
        if !corrects(n) {
            return;
        }
        let deliveries = e.dispatcher.deliveries_of(n.id);
        for (person, arrived) in self.arrivals.get(&n.id).into_iter().flatten() {
            let reader = e.directory.reader(person);
            if reader.is_none_or(|r| !may_see(&r, &n.marking)) || !n.state.ended() && n.expires_at.is_none() {
                continue;
            }
            for channel in Channel::ALL {
                let over = |v: u32, c: Channel| arrived.iter().any(|a| a.version == v && a.channel == c);
                let older = arrived.iter().any(|a| a.version < n.version && a.channel == channel);
                let listed = deliveries.iter().any(|d| d.person == *person && d.channel == channel);
                let up = e.dispatcher.channels_up(person).contains(&channel);
                let lied = self.lied.contains(&(n.id, person.clone(), channel));
                if older && up && !over(n.version, channel) && !listed && !lied {
                    wrong.push(("corrected where it was", format!("{} at {person} over {}", name(n), channel.word())));
                }
            }
        }
    }

    /// An item of a client's that waits: for whom it must be said that it was not sent.
    pub(crate) fn unsent(&mut self, request: RequestId, person: &PersonId) {
        self.breach("queue", format!("{} of {person} still waits though everything works", request.0));
    }
}

/// It says that something said before is no longer so.
fn corrects(n: &Notice) -> bool {
    n.state.ended() || n.bulletin().is_some() && n.version > 1
}

/// Which notice an entry is about.
fn about(body: &Body) -> Option<NoticeId> {
    match body {
        Body::Notice(n) => Some(n.id),
        Body::Dispatch(DispatchEvent::Attempt { delivery: d } | DispatchEvent::Moved { delivery: d }) => Some(d.notice),
        Body::Dispatch(
            DispatchEvent::Acknowledged { notice, .. }
            | DispatchEvent::Called { notice, .. }
            | DispatchEvent::Measures { notice, .. }
            | DispatchEvent::Lapsed { notice, .. }
            | DispatchEvent::Escalated { notice, .. }
            | DispatchEvent::Silent { notice, .. },
        ) => Some(*notice),
        Body::Act(a) => match &a.act {
            Act::Bulletin(b) => Some(b.notice()),
            Act::Acknowledge { notice, .. } | Act::Measures { notice, .. } => Some(*notice),
            _ => None,
        },
        _ => None,
    }
}

fn means(d: &Directory, a: &Audience, person: &PersonId) -> bool {
    let Some(p) = d.active(person) else { return false };
    let agency = d.agency_of(person);
    match a {
        Audience::People { people } => people.contains(person),
        Audience::Unit { unit, leadership } => {
            p.unit == *unit || *leadership && d.units.get(unit).is_some_and(|u| u.leadership.contains(person))
        }
        Audience::Agency { agency: a } => agency == Some(a),
        Audience::Role { role } => p.roles.contains(role),
        Audience::Centre {} => p.roles.contains(&Role::Watch),
        // Of the others the engine is believed: they depend on where people are.
        Audience::Everybody {}
        | Audience::InArea { .. }
        | Audience::InDanger {}
        | Audience::InDangerSoon { .. }
        | Audience::Neighbours { .. }
        | Audience::Subscribers {}
        | Audience::OnDuty { .. } => true,
    }
}

/// What to call a notice in a breach.
fn name(n: &Notice) -> String {
    match n.warning() {
        Some(w) => format!("warning of drone {} ({})", w.track.0.as_u128(), n.state.word()),
        None => format!("bulletin {} ({})", n.id.0.as_u128() & 0xffff, n.state.word()),
    }
}
