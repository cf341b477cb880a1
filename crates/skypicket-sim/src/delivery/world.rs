//! [`World`]: everything around the centre, moved by a plan: lines, phones, mailboxes, providers, and people who look at
//! them or do not.
//!
//! One queue of what happens next, by its time and then by the order in which it was put there. What is true outside
//! (`now`) is not what the centre's clock says, nor what a phone's clock says.

use crate::{
    delivery::{
        Breach, Planted, Stats, cast,
        centre::{Centre, Commit, Message, PATIENCE_S, Waiter},
        engines::{Drone, Engines, Sky},
        ledger::Ledger,
        script::{CrashAt, Doing, Manner, Plan, Point},
    },
    rng::Rng,
};
use skypicket_model::{
    Act, Area, Audience, Body, BulletinAct, BulletinContent, CallStatus, Channel, Delivery, DeliveryId,
    DirectoryChange, DispatchEvent, Entry, LatLon, Level, Marking, NoticeId, PersonId, Phrase, ProtectedId,
    ProviderResult, Request, RequestId, Role, Sheet, Time, Tlp, UnitId,
    bulletin::Measure,
    delivery::Outcome,
    entry::{ActEntry, ChannelState, Upkeep},
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The night on which clocks go forward in New Mexico; the engines must not notice.
const BEGINNING: Time = Time::from_micros(1_772_949_600_000_000);

/// What happens next.
enum Event {
    Step(usize),
    /// A second of the centre's clock in which something is due.
    Tick,
    /// The front commit may be durable.
    Durable {
        life: u32,
        number: u64,
    },
    /// The disk took too long for a commit.
    Impatient {
        life: u32,
        number: u64,
    },
    Start,
    /// A person's machine tries to connect.
    Dial {
        person: usize,
        channel: Channel,
    },
    /// The centre notices that a connection is gone.
    Noticed {
        person: usize,
        channel: Channel,
        connection: u64,
    },
    Mended {
        person: usize,
        cut: u64,
    },
    /// A message comes to a machine.
    Arrive {
        message: Box<Message>,
        connection: Option<u64>,
    },
    /// The centre learns what came of an attempt; `life` where it waits for it itself.
    Told {
        result: ProviderResult,
        life: Option<u32>,
        tries: u8,
    },
    /// A client sends something that waits in its queue.
    Post {
        request: RequestId,
    },
    /// "Received" comes to a client.
    Reply {
        request: RequestId,
        line: u64,
    },
    /// A person answers a message.
    Answer {
        person: usize,
        channel: Channel,
        notice: NoticeId,
        version: u32,
        code: String,
    },
    /// An answer over a channel that does not repeat itself.
    Code {
        person: usize,
        channel: Channel,
        code: String,
        tries: u8,
    },
    Approve {
        bulletin: NoticeId,
        alone: bool,
        tries: u8,
    },
    ProviderFair {
        channel: Channel,
        spell: u64,
    },
    Back {
        channel: Channel,
        spell: u64,
    },
    FastDisk {
        spell: u64,
    },
    Enable {
        person: usize,
    },
    Subscribe {
        person: usize,
    },
    Unstop {
        person: usize,
    },
    Look,
}

/// What a client keeps until it hears "received".
struct Item {
    person: usize,
    act: Act,
    done: bool,
    since: Time,
    /// On a wire to the centre, not on a phone.
    wired: bool,
}

/// A notice as a phone knows it.
struct Seen {
    version: u32,
    ended: bool,
    /// What it is about: two notices are never one.
    about: String,
    /// Versions and reminders that it has alarmed for.
    alarmed: BTreeSet<(u32, u32)>,
}

/// A person's machines.
struct Phone {
    id: PersonId,
    line: bool,
    /// Counts cuts, so that an older one does not mend a newer one.
    cut: u64,
    connections: BTreeMap<Channel, u64>,
    subscribed: bool,
    seen: BTreeMap<NoticeId, Seen>,
    folded: BTreeMap<DeliveryId, u32>,
    outbox: Vec<RequestId>,
    /// How likely they answer.
    attention: f64,
    /// By how much their clock is wrong.
    skew_s: f64,
}

/// How a provider is.
struct Provider {
    manner: Manner,
    spell: u64,
    up: bool,
}

pub(crate) struct World<'a> {
    plan: &'a Plan,
    now: Time,
    queue: BTreeMap<(Time, u64), Event>,
    order: u64,
    /// By how much the centre's clock is ahead.
    ahead_s: f64,
    tick_at: Option<Time>,
    tick_soon: bool,
    centre: Centre,
    sky: Sky,
    phones: Vec<Phone>,
    numbers: BTreeMap<PersonId, usize>,
    /// The centre's ends of connections.
    connected: BTreeMap<(usize, Channel), u64>,
    connections: u64,
    providers: BTreeMap<Channel, Provider>,
    items: BTreeMap<RequestId, Item>,
    disk_s: f64,
    disk_spell: u64,
    disk_free_at: Time,
    policy: u8,
    chance: Rng,
    fates: BTreeMap<(usize, Channel), u64>,
    ledger: Ledger,
    stats: Stats,
    /// A fault of the wiring: what is marked as sent.
    marks: BTreeSet<DeliveryId>,
    /// Where the centre is killed next.
    crash_at: Option<CrashAt>,
    /// A fault of the wiring: what waits for a TAK client that is away.
    held: BTreeMap<usize, Vec<Message>>,
    ended: bool,
}

/// The record of a plan, for a person who wants to see what happened.
pub(crate) fn record(plan: &Plan) -> Vec<Entry> {
    let mut world = World::new(plan);
    world.run();
    world.drain();
    world.centre.disk
}

/// Plays a plan to its end.
pub(crate) fn play(plan: &Plan) -> (Vec<Breach>, Stats) {
    let mut world = World::new(plan);
    world.run();
    world.close()
}

impl<'a> World<'a> {
    fn new(plan: &'a Plan) -> Self {
        let directory = cast::directory();
        let mut chance = Rng::at(plan.seed, 2, 0);
        let phones: Vec<Phone> = directory
            .people
            .values()
            .map(|p| Phone {
                id: p.id.clone(),
                line: true,
                cut: 0,
                connections: BTreeMap::new(),
                subscribed: p.channels.contains(&Channel::Push),
                seen: BTreeMap::new(),
                folded: BTreeMap::new(),
                outbox: Vec::new(),
                attention: if chance.chance(0.2) { 0.0 } else { chance.between(0.3, 1.0) },
                skew_s: [0.0, 600.0, -600.0, 86_400.0, -86_400.0][usize::try_from(chance.next() % 5).unwrap_or(0)],
            })
            .collect();
        let numbers = phones.iter().enumerate().map(|(k, p)| (p.id.clone(), k)).collect();
        let providers = [Channel::Push, Channel::Mail, Channel::Sms, Channel::Webhook, Channel::Relay];
        let mut ledger = Ledger::default();
        ledger.directory(&directory);
        Self {
            plan,
            now: BEGINNING,
            queue: BTreeMap::new(),
            order: 0,
            ahead_s: 0.0,
            tick_at: None,
            tick_soon: false,
            centre: Centre::new(),
            sky: Sky::default(),
            phones,
            numbers,
            connected: BTreeMap::new(),
            connections: 0,
            providers: providers
                .into_iter()
                .map(|c| (c, Provider { manner: Manner::Fair, spell: 0, up: true }))
                .collect(),
            items: BTreeMap::new(),
            disk_s: 0.0,
            disk_spell: 0,
            disk_free_at: BEGINNING,
            policy: 0,
            chance,
            fates: BTreeMap::new(),
            ledger,
            stats: Stats::default(),
            marks: BTreeSet::new(),
            crash_at: plan.crash,
            held: BTreeMap::new(),
            ended: false,
        }
    }

    fn put(&mut self, in_s: f64, event: Event) {
        self.order += 1;
        self.queue.insert((self.now.plus_s(in_s.max(0.0)), self.order), event);
    }

    fn clock(&self) -> Time {
        self.now.plus_s(self.ahead_s)
    }

    fn since_s(&self) -> f64 {
        self.now.since_s(BEGINNING)
    }

    fn between(&mut self, least: f64, most: f64) -> f64 {
        self.chance.between(least, most)
    }

    fn phone(&mut self, person: usize) -> usize {
        person % self.phones.len().max(1)
    }

    // ---- the run ----

    fn run(&mut self) {
        for (k, step) in self.plan.steps.iter().enumerate() {
            let at = BEGINNING.plus_s(step.at_s);
            self.order += 1;
            self.queue.insert((at, self.order), Event::Step(k));
        }
        self.start();
        self.put(self.plan.lasts_s.min(900.0), Event::Look);
        let end = BEGINNING.plus_s(self.plan.lasts_s);
        self.until(end);
        self.mend();
        self.until(end.plus_s(self.plan.settles_s));
    }

    fn until(&mut self, end: Time) {
        while let Some(first) = self.queue.first_entry() {
            if first.key().0 > end {
                break;
            }
            let ((at, _), event) = first.remove_entry();
            self.now = self.now.max(at);
            self.ledger.now_s = self.since_s();
            self.stats.events += 1;
            self.happen(event);
        }
        self.now = end;
        self.ledger.now_s = self.since_s();
    }

    /// Everything works again.
    fn mend(&mut self) {
        self.ended = true;
        self.crash_at = None;
        self.disk_s = 0.0;
        for channel in self.providers.keys().copied().collect::<Vec<_>>() {
            if let Some(p) = self.providers.get_mut(&channel) {
                p.manner = Manner::Fair;
                p.spell += 1;
            }
            self.back(channel);
        }
        for k in 0..self.phones.len() {
            let id = self.phones[k].id.clone();
            let cut = self.phones[k].cut;
            if !self.phones[k].line {
                self.put(0.1, Event::Mended { person: k, cut });
            }
            if self.centre.engines.directory.people.get(&id).is_some_and(|p| p.disabled) {
                self.put(0.2, Event::Enable { person: k });
            }
            self.put(0.3, Event::Subscribe { person: k });
            self.put(0.4, Event::Unstop { person: k });
        }
        if !self.centre.alive {
            self.put(0.5, Event::Start);
        }
    }

    fn close(mut self) -> (Vec<Breach>, Stats) {
        self.drain();
        let now = self.centre.now();
        self.look(now, true);
        self.ledger.check_received(&self.centre.engines);
        let waits: Vec<(RequestId, PersonId)> = self
            .items
            .iter()
            .filter(|(_, i)| !i.done && !i.wired && self.now.since_s(i.since) > 120.0)
            .map(|(r, i)| (*r, self.phones[i.person].id.clone()))
            .filter(|(_, p)| self.centre.engines.directory.active(p).is_some())
            .collect();
        for (request, person) in waits {
            self.ledger.unsent(request, &person);
        }
        if self.plan.planted.is_none() {
            for what in self.centre.recompute() {
                self.ledger.breach("same record, same result", what);
            }
        }
        self.stats.simulated_s = self.since_s();
        self.stats.entries += self.centre.disk.len() as u64;
        (self.ledger.into_breaches(), self.stats)
    }

    /// What waits becomes durable now.
    fn drain(&mut self) {
        while let Some(commit) = self.centre.durable() {
            self.ledger.durable(&commit.entries);
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Step(k) => {
                if let Some(step) = self.plan.steps.get(k)
                    && !self.ended
                {
                    self.doing(&step.what.clone());
                }
            }
            Event::Tick => {
                // One that was put for a later second is passed over when an earlier one took its place.
                if self.tick_at.is_some_and(|t| t <= self.now) {
                    self.tick_at = None;
                    self.input(Body::Tick);
                }
            }
            Event::Durable { life, number } => self.durable(life, number),
            Event::Impatient { life, number } => self.impatient(life, number),
            Event::Start => {
                if !self.centre.alive {
                    self.start();
                }
            }
            Event::Dial { person, channel } => self.dial(person, channel),
            Event::Noticed { person, channel, connection } => {
                // One that keeps messages for who is away never says that they are.
                let kept = channel == Channel::Tak && self.plan.planted == Some(Planted::DropsRecallThatOvertakes);
                let current = self.connected.get(&(person, channel)) == Some(&connection);
                if self.centre.alive && current && !kept {
                    self.connected.remove(&(person, channel));
                    let id = self.phones[person].id.clone();
                    self.ledger.fault(&id, channel, self.now);
                    self.input(Body::Reach { person: id, channel, up: false });
                }
            }
            Event::Mended { person, cut } => {
                if self.phones[person].cut == cut {
                    self.phones[person].line = true;
                    self.dial_soon(person);
                }
            }
            Event::Arrive { message, connection } => self.arrive(&message, connection),
            Event::Told { result, life, tries } => self.told(result, life, tries),
            Event::Post { request } => self.post(request),
            Event::Reply { request, line } => self.reply(request, line),
            Event::Answer { person, channel, notice, version, code } => {
                self.answer(person, channel, notice, version, &code);
            }
            Event::Code { person, channel, code, tries } => self.code(person, channel, &code, tries),
            Event::Approve { bulletin, alone, tries } => self.approve(bulletin, alone, tries),
            Event::ProviderFair { channel, spell } => {
                if let Some(p) = self.providers.get_mut(&channel)
                    && p.spell == spell
                {
                    p.manner = Manner::Fair;
                }
            }
            Event::Back { channel, spell } => {
                if self.providers.get(&channel).is_some_and(|p| p.spell == spell) {
                    self.back(channel);
                }
            }
            Event::FastDisk { spell } => {
                if self.disk_spell == spell {
                    self.disk_s = 0.0;
                }
            }
            Event::Enable { person } => {
                let id = self.phones[person].id.clone();
                self.person(&id, |p| p.disabled = false);
                self.dial_soon(person);
            }
            Event::Subscribe { person } => {
                let wants = self
                    .centre
                    .engines
                    .directory
                    .active(&self.phones[person].id)
                    .is_some_and(|p| p.channels.contains(&Channel::Push));
                if wants && !self.phones[person].subscribed {
                    self.phones[person].subscribed = true;
                    self.reach(person, Channel::Push, true);
                }
            }
            Event::Unstop { person } => self.reach(person, Channel::Sms, true),
            Event::Look => {
                let now = self.centre.now();
                if self.centre.alive {
                    self.look(now, false);
                }
                if !self.ended {
                    self.put(1_800.0, Event::Look);
                }
            }
        }
        self.due();
    }

    /// Puts the next second in which the engines have something to do; the seconds in between would change nothing.
    fn due(&mut self) {
        if !self.centre.alive {
            return;
        }
        let e = &self.centre.engines;
        let ends = e.desk.bulletins().filter(|b| !b.is_over() && b.version > 0).map(|b| b.content.expires_at);
        let soon = std::mem::take(&mut self.tick_soon).then(|| self.clock());
        let Some(due) = ends.chain(e.dispatcher.next_due()).chain(soon).min() else { return };
        let in_s = due.since_s(self.clock()).max(0.0);
        let at = self.now.plus_s(libm::ceil(in_s).max(1.0));
        if self.tick_at.is_none_or(|t| t > at) {
            self.tick_at = Some(at);
            self.order += 1;
            self.queue.insert((at, self.order), Event::Tick);
        }
    }

    /// Holds the books against every notice that is kept.
    fn look(&mut self, now: Time, rest: bool) {
        if !self.centre.waiting.is_empty() {
            return;
        }
        let notices: Vec<NoticeId> = self.centre.engines.notices.keys().copied().collect();
        for id in notices {
            if let Some(n) = self.centre.engines.notices.get(&id)
                && self.centre.engines.dispatcher.version_of(id).is_some()
            {
                self.ledger.check_notice(&self.centre.engines, n, now, rest);
            }
        }
    }

    /// A notice that is about to be forgotten is looked at a last time.
    fn look_at_what_goes(&mut self, clock: Time) {
        let e = &self.centre.engines;
        let policy = e.dispatcher.policy();
        for n in e.notices.values().filter(|n| n.state.ended() && e.dispatcher.version_of(n.id).is_some()) {
            let kept_s = if n.warning().is_some() { policy.retention_s } else { policy.bulletin.retention_s };
            if clock.since_s(n.at) >= kept_s && self.centre.waiting.is_empty() {
                self.ledger.check_notice(e, n, self.centre.now(), false);
            }
        }
    }

    // ---- the centre ----

    fn start(&mut self) {
        self.centre.start();
        self.connected.clear();
        self.disk_free_at = self.now;
        self.ledger.check_received(&self.centre.engines);
        let now = self.centre.now();
        self.look(now, false);
        let policy = cast::policy(self.policy);
        let started = self.centre.started();
        self.input(started);
        let configured = self.centre.configured(&policy);
        self.input(configured);
        self.input(Body::Tick);
        self.input(Body::Positions { items: cast::positions() });
        let up: Vec<Channel> =
            self.providers.iter().filter(|(c, p)| p.up && !c.is_personal()).map(|(c, _)| *c).collect();
        for channel in up {
            self.input(Body::Channel { channel, state: ChannelState::Up });
        }
        for k in 0..self.phones.len() {
            self.dial_soon(k);
            // Only what is otherwise than the engine knows: a subscription outlives a restart.
            let known = self.centre.engines.dispatcher.channels_up(&self.phones[k].id).contains(&Channel::Push);
            let subscribed = self.phones[k].subscribed;
            if known != subscribed {
                self.reach(k, Channel::Push, subscribed);
            }
        }
        self.sky_changed();
    }

    /// The radar says something.
    fn sky_changed(&mut self) {
        if self.centre.alive {
            self.input(Body::Observations { items: Vec::new() });
        }
    }

    fn input(&mut self, body: Body) {
        self.input_for(body, None);
    }

    fn input_for(&mut self, body: Body, waiter: Option<Waiter>) {
        if !self.centre.alive {
            return;
        }
        let clock = self.clock();
        if matches!(body, Body::Tick) {
            self.look_at_what_goes(clock);
        }
        let directory = matches!(&body, Body::Act(a) if matches!(a.act, Act::Directory { .. }));
        // What changes for many at once is looked at again at the next tick.
        self.tick_soon |= directory
            || matches!(body, Body::Configured(_) | Body::Reach { .. } | Body::Channel { .. } | Body::Started(_));
        let life = self.centre.life;
        let commit = self.centre.input(&self.sky, clock, body, waiter);
        let number = commit.number;
        let entries = commit.entries.clone();
        let now = entries.first().map_or(clock, |e| e.recorded_at);
        if directory {
            self.ledger.directory(&self.centre.engines.directory);
        }
        self.ledger.decided(&self.centre.engines, &entries, now, self.now);
        self.stats.entries_made += entries.len() as u64;
        let fast = self.disk_s <= 0.0 && self.chance.chance(0.6);
        let takes = if self.disk_s > 0.0 { self.disk_s } else { self.between(0.001, 0.03) };
        let begin = self.disk_free_at.max(self.now);
        if fast && self.centre.waiting.len() == 1 {
            self.durable(life, number);
            return;
        }
        self.disk_free_at = begin.plus_s(takes);
        let in_s = self.disk_free_at.since_s(self.now);
        if in_s > PATIENCE_S {
            self.put(PATIENCE_S, Event::Impatient { life, number });
        }
        self.put(in_s, Event::Durable { life, number });
        if self.plan.planted == Some(Planted::ReceivedTooSoon)
            && let Some(c) = self.centre.waiting.back_mut()
        {
            let waiters = std::mem::take(&mut c.waiters);
            self.answer_waiters(&waiters);
        }
    }

    fn durable(&mut self, life: u32, number: u64) {
        if self.centre.life != life
            || !self.centre.alive
            || self.centre.waiting.front().is_none_or(|c| c.number > number)
        {
            return;
        }
        let crash = self.crash_at.filter(|c| c.commit <= number).map(|c| c.point);
        if crash.is_some() {
            self.crash_at = None;
        }
        if crash == Some(Point::Before) {
            self.crash(10.0, 0);
            return;
        }
        let Some(commit) = self.centre.durable() else { return };
        self.ledger.durable(&commit.entries);
        self.stats.commits += 1;
        if crash == Some(Point::After) {
            self.mark(&commit);
            self.crash(10.0, 0);
            return;
        }
        self.mark(&commit);
        self.one_silences_all(&commit);
        self.done_by_nobody(&commit);
        let Commit { waiters, messages, left_early, .. } = commit;
        let most = if crash == Some(Point::MidSend) { messages.len() / 2 } else { messages.len() };
        if !left_early {
            for m in messages.into_iter().take(most) {
                self.leave(m);
            }
        }
        if crash.is_some() {
            self.crash(10.0, 0);
            return;
        }
        self.answer_waiters(&waiters);
    }

    fn answer_waiters(&mut self, waiters: &[Waiter]) {
        for w in waiters {
            let Some(item) = self.items.get(&w.request) else { continue };
            let line = self.phones[item.person].cut;
            let in_s = self.between(0.005, 0.4);
            self.put(in_s, Event::Reply { request: w.request, line });
        }
    }

    /// The disk took too long: what warns goes, nothing else.
    fn impatient(&mut self, life: u32, number: u64) {
        if self.centre.life != life || !self.centre.alive {
            return;
        }
        let mut early = Vec::new();
        for c in self.centre.waiting.iter_mut().filter(|c| !c.left_early && c.number <= number) {
            c.left_early = true;
            early.extend(c.messages.iter().cloned());
        }
        self.stats.early += early.len() as u64;
        for m in early {
            self.leave(m);
        }
    }

    fn crash(&mut self, down_s: f64, durable: usize) {
        if !self.centre.alive {
            return;
        }
        for _ in 0..durable {
            let Some(commit) = self.centre.durable() else { break };
            self.mark(&commit);
            self.ledger.durable(&commit.entries);
        }
        let early: Vec<Message> =
            self.centre.waiting.iter().filter(|c| c.left_early).flat_map(|c| c.messages.clone()).collect();
        self.ledger.lost_early(&early);
        self.centre.crash();
        self.stats.crashes += 1;
        self.ledger.crash(self.now);
        for k in 0..self.phones.len() {
            self.phones[k].connections.clear();
        }
        self.connected.clear();
        self.put(down_s, Event::Start);
    }

    fn restore(&mut self, down_s: f64) {
        let Some(entries) = self.centre.backup.filter(|_| self.centre.alive) else { return };
        self.crash(down_s, 0);
        let gone = self.centre.disk.split_off(entries.min(self.centre.disk.len()));
        self.stats.restores += 1;
        self.centre.truncate(entries);
        // Written while no centre runs: its decisions are in the record before the next start.
        self.centre.start();
        self.ledger.restored(&gone, &self.centre.engines);
        let made_at = self.centre.now();
        let restored = Upkeep::Restored { id: "b".into(), entries: entries as u64, made_at };
        self.disk_free_at = self.now;
        let clock = self.clock();
        let commit = self.centre.input(&self.sky, clock, Body::Upkeep(restored), None);
        let decided = commit.entries.clone();
        self.ledger.decided(&self.centre.engines, &decided, clock, self.now);
        self.drain();
        self.centre.alive = false;
        self.marks.clear();
        self.held.clear();
    }

    // ---- faults of the wiring, on purpose ----

    fn mark(&mut self, commit: &Commit) {
        if self.plan.planted == Some(Planted::LosesBetweenCommitAndSend) {
            self.marks.extend(commit.messages.iter().filter(|m| m.delivery.attempts == 1).map(|m| m.delivery.id));
        }
    }

    /// Ticks of somebody who ticked nothing.
    fn done_by_nobody(&mut self, commit: &Commit) {
        for entry in &commit.entries {
            let (notice, version, by) = match (&entry.body, self.plan.planted) {
                (
                    Body::Dispatch(DispatchEvent::Acknowledged { notice, version, person, .. }),
                    Some(Planted::AcknowledgedIsDone),
                ) => (*notice, *version, Some(person.clone())),
                (
                    Body::Dispatch(DispatchEvent::Measures { notice, version, person, .. }),
                    Some(Planted::TicksForAnother),
                ) => {
                    let board = self.centre.engines.dispatcher.board(*notice);
                    let other = board.into_iter().find(|r| r.person != *person && r.done.is_empty());
                    (*notice, *version, other.map(|r| r.person))
                }
                _ => continue,
            };
            let d = &self.centre.engines.dispatcher;
            let done: BTreeSet<String> = d.checklist(notice).iter().cloned().collect();
            if let Some(by) = by.filter(|by| d.check_measures(by, notice, version, &done).is_ok()) {
                let act = Act::Measures { notice, version, done };
                self.input(Body::Act(ActEntry { by, via: "web".into(), request: None, act }));
            }
        }
    }

    fn one_silences_all(&mut self, commit: &Commit) {
        if self.plan.planted != Some(Planted::OneSilencesAll) {
            return;
        }
        for entry in &commit.entries {
            if let Body::Dispatch(DispatchEvent::Acknowledged { notice, version, person, via, by: None, .. }) =
                &entry.body
            {
                let others: Vec<PersonId> = self
                    .centre
                    .engines
                    .dispatcher
                    .board(*notice)
                    .into_iter()
                    .filter(|r| r.person != *person && r.owes && r.acknowledged_at.is_none())
                    .map(|r| r.person)
                    .take(1)
                    .collect();
                for by in others {
                    let act = Act::Acknowledge { notice: *notice, version: *version, channel: *via };
                    self.input(Body::Act(ActEntry { by, via: "web".into(), request: None, act }));
                }
            }
        }
    }

    /// Whether a planted fault swallows a message; what the channel would say then is said.
    fn swallowed(&mut self, m: &Message) -> bool {
        let d = &m.delivery;
        let done = ProviderResult { delivery: d.id, attempt: d.attempts, outcome: Outcome::Delivered };
        match self.plan.planted {
            Some(Planted::LosesBetweenCommitAndSend) if d.attempts > 1 && self.marks.contains(&d.id) => {
                self.put(0.05, Event::Told { result: done, life: None, tries: 0 });
                true
            }
            Some(Planted::UpdatesExpire) if self.clock().since_s(m.notice.at) > 60.0 && !m.notice.state.ended() => {
                self.put(0.05, Event::Told { result: done, life: None, tries: 0 });
                true
            }
            Some(Planted::DropsRecallThatOvertakes) if d.channel == Channel::Tak => {
                let Some(&person) = self.numbers.get(&d.person) else { return false };
                let there = self.phones[person].connections.contains_key(&Channel::Tak);
                if there {
                    return false;
                }
                let held = self.held.entry(person).or_default();
                let waits = held.iter().any(|h| h.notice.id == m.notice.id);
                if !(m.notice.state.ended() && waits) {
                    held.push(m.clone());
                }
                self.tell(d, 0.01, Outcome::Accepted, false);
                true
            }
            _ => false,
        }
    }

    // ---- channels ----

    /// A message leaves the centre.
    fn leave(&mut self, m: Message) {
        let d = m.delivery.clone();
        let Some(&person) = self.numbers.get(&d.person) else { return };
        self.stats.messages += 1;
        if self.swallowed(&m) {
            return;
        }
        self.ledger.leaves(&m);
        match d.channel {
            Channel::Web | Channel::Tak => self.leave_live(m, person),
            Channel::Voice => {}
            channel => {
                let manner = self.providers.get(&channel).map_or(Manner::Failing, |p| p.manner);
                self.leave_by(&m, person, manner);
            }
        }
    }

    /// What becomes of the next message to a person over a channel: the same whatever happens elsewhere.
    fn fate(&mut self, person: usize, channel: Channel) -> Rng {
        let n = self.fates.entry((person, channel)).or_insert(0);
        *n += 1;
        let stream = 100 + 16 * person as u64 + Channel::ALL.iter().position(|c| *c == channel).unwrap_or(7) as u64;
        Rng::at(self.plan.seed, stream, *n)
    }

    fn tell(&mut self, d: &Delivery, in_s: f64, outcome: Outcome, callback: bool) {
        let result = ProviderResult { delivery: d.id, attempt: d.attempts, outcome };
        let life = (!callback).then_some(self.centre.life);
        self.put(in_s, Event::Told { result, life, tries: 0 });
    }

    fn leave_live(&mut self, m: Message, person: usize) {
        let d = m.delivery.clone();
        let mut fate = self.fate(person, d.channel);
        let Some(&connection) = self.connected.get(&(person, d.channel)) else {
            self.tell(&d, 0.001, Outcome::Failed("no connection".into()), false);
            return;
        };
        if d.channel == Channel::Tak && fate.chance(0.04) {
            self.ledger.fault(&d.person, d.channel, self.now);
            if fate.chance(0.5) {
                self.put(0.2, Event::Arrive { message: Box::new(m), connection: Some(connection) });
            }
            self.tell(&d, 0.3, Outcome::Ambiguous("broke".into()), false);
            return;
        }
        let arrives = fate.between(0.02, 0.5);
        self.put(arrives, Event::Arrive { message: Box::new(m), connection: Some(connection) });
        self.tell(&d, 0.002, Outcome::Accepted, false);
    }

    fn leave_by(&mut self, m: &Message, person: usize, manner: Manner) {
        let d = m.delivery.clone();
        let mut fate = self.fate(person, d.channel);
        let machine = matches!(d.channel, Channel::Webhook | Channel::Relay);
        let (takes, way) =
            (fate.between(0.05, 0.8), fate.between(0.2, if d.channel == Channel::Mail { 60.0 } else { 8.0 }));
        if d.channel == Channel::Push && !self.phones[person].subscribed {
            self.tell(&d, takes, Outcome::Refused("gone".into()), false);
            return;
        }
        // Mail and messages come to a mailbox or a telephone whatever the line to the centre; push needs the phone.
        let arrive = |w: &mut Self, m: &Message, in_s: f64| {
            w.put(in_s, Event::Arrive { message: Box::new(m.clone()), connection: None });
        };
        let receipt = !machine && d.channel != Channel::Push && fate.chance(0.6);
        match manner {
            Manner::Fair => {
                if machine {
                    arrive(self, m, takes * 0.5);
                    self.tell(&d, takes, Outcome::Delivered, false);
                } else {
                    self.tell(&d, takes, Outcome::Accepted, false);
                    arrive(self, m, takes + way);
                    if receipt {
                        self.tell(&d, takes + way + 1.0, Outcome::Delivered, true);
                    }
                }
            }
            Manner::Slow => {
                let long = fate.between(10.0, 500.0);
                arrive(self, m, long * 0.8);
                let outcome = if machine { Outcome::Delivered } else { Outcome::Accepted };
                self.tell(&d, long, outcome, false);
            }
            Manner::Failing => self.tell(&d, takes, Outcome::Failed("5xx".into()), false),
            Manner::Refusing => self.tell(&d, takes, Outcome::Refused("5xx".into()), false),
            Manner::Breaking => {
                self.ledger.fault(&d.person, d.channel, self.now);
                if fate.chance(0.5) {
                    arrive(self, m, takes * 0.5);
                }
                self.tell(&d, takes, Outcome::Ambiguous("broke".into()), false);
            }
            Manner::Dropping => {
                self.tell(&d, takes, Outcome::Accepted, false);
            }
            Manner::TakesBack => {
                if fate.chance(0.5) {
                    arrive(self, m, takes + way);
                }
                self.tell(&d, takes, Outcome::Accepted, false);
                self.tell(&d, takes + 2.0, Outcome::Failed("later".into()), true);
            }
            Manner::Denies => {
                self.ledger.lie(m);
                arrive(self, m, takes * 0.5);
                self.tell(&d, takes, Outcome::Failed("not really".into()), false);
            }
            Manner::Doubling => {
                for _ in 0..2 {
                    arrive(self, m, takes + way);
                }
                for _ in 0..3 {
                    let (a, b) = (fate.between(0.1, 20.0), fate.between(0.1, 20.0));
                    self.tell(&d, a, Outcome::Accepted, true);
                    // The makers of phones give no receipts.
                    let after = if d.channel == Channel::Push { Outcome::Accepted } else { Outcome::Delivered };
                    self.tell(&d, takes + way + b, after, true);
                }
                let older = Delivery { attempts: d.attempts.saturating_sub(1), ..d.clone() };
                self.tell(&older, takes, Outcome::Failed("an older one".into()), true);
            }
            Manner::Lying => {
                self.ledger.lie(m);
                self.tell(&d, takes, Outcome::Delivered, true);
            }
        }
    }

    fn told(&mut self, result: ProviderResult, life: Option<u32>, tries: u8) {
        if life.is_some_and(|l| l != self.centre.life) {
            return;
        }
        if self.centre.alive {
            self.input(Body::Provider(result));
        } else if tries < 60 {
            self.put(20.0, Event::Told { result, life, tries: tries + 1 });
        }
    }

    fn back(&mut self, channel: Channel) {
        let Some(p) = self.providers.get_mut(&channel) else { return };
        if !p.up {
            p.up = true;
            self.input(Body::Channel { channel, state: ChannelState::Up });
        }
    }

    // ---- lines ----

    fn dial_soon(&mut self, person: usize) {
        for channel in [Channel::Web, Channel::Tak] {
            let in_s = self.between(0.2, 6.0);
            self.put(in_s, Event::Dial { person, channel });
        }
        // What waits goes with the first sign of the centre, page open or not.
        for request in self.phones[person].outbox.clone() {
            let in_s = self.between(0.05, 6.0);
            self.put(in_s, Event::Post { request });
        }
    }

    fn dial(&mut self, person: usize, channel: Channel) {
        let phone = &self.phones[person];
        let id = phone.id.clone();
        let Some(p) = self.centre.engines.directory.active(&id) else { return };
        if !self.centre.alive || !phone.line || !p.channels.contains(&channel) {
            return;
        }
        if phone.connections.contains_key(&channel) {
            return;
        }
        self.connections += 1;
        let connection = self.connections;
        self.phones[person].connections.insert(channel, connection);
        self.connected.insert((person, channel), connection);
        self.ledger.fault(&id, channel, self.now);
        self.input(Body::Reach { person: id, channel, up: true });
        if channel == Channel::Tak
            && let Some(held) = self.held.remove(&person)
        {
            for m in held {
                self.ledger.leaves(&m);
                self.put(0.1, Event::Arrive { message: Box::new(m), connection: Some(connection) });
            }
        }
    }

    fn cut(&mut self, person: usize, for_s: f64) {
        let phone = &mut self.phones[person];
        phone.line = false;
        phone.cut += 1;
        let (cut, gone) = (phone.cut, std::mem::take(&mut phone.connections));
        for (channel, connection) in gone {
            let in_s = self.between(0.5, 25.0);
            self.put(in_s, Event::Noticed { person, channel, connection });
        }
        self.put(for_s, Event::Mended { person, cut });
    }

    fn reach(&mut self, person: usize, channel: Channel, up: bool) {
        let id = self.phones[person].id.clone();
        self.ledger.fault(&id, channel, self.now);
        self.input(Body::Reach { person: id, channel, up });
    }

    // ---- people and their machines ----

    fn arrive(&mut self, m: &Message, connection: Option<u64>) {
        let d = &m.delivery;
        let Some(&person) = self.numbers.get(&d.person) else { return };
        if connection.is_some_and(|c| self.phones[person].connections.get(&d.channel) != Some(&c)) {
            return;
        }
        if d.channel == Channel::Push {
            if !self.phones[person].subscribed {
                return;
            }
            if !self.phones[person].line {
                // The maker keeps it for two minutes.
                let age = self.clock().since_s(m.notice.at);
                if age < 120.0 {
                    self.put(15.0, Event::Arrive { message: Box::new(m.clone()), connection: None });
                }
                return;
            }
        }
        self.ledger.arrives(m, self.now);
        self.stats.arrivals += 1;
        let ours = matches!(d.channel, Channel::Web | Channel::Push);
        let about = m.notice.warning().map_or_else(|| m.notice.id.0.to_string(), |w| w.track.0.to_string());
        let phone = &mut self.phones[person];
        let repeat = ours && phone.folded.get(&d.id).is_some_and(|r| *r >= d.reminder);
        if ours {
            phone.folded.insert(d.id, d.reminder);
        }
        let seen = phone.seen.entry(d.notice).or_insert_with(|| Seen {
            version: 0,
            ended: false,
            about: about.clone(),
            alarmed: BTreeSet::new(),
        });
        if seen.about != about {
            let what = format!("{} and {about} are both {}", seen.about, d.notice.0);
            self.ledger.breach("one id, one notice", what);
            return;
        }
        let older = seen.version > d.version || seen.ended && !m.notice.state.ended();
        seen.version = seen.version.max(d.version);
        seen.ended |= m.notice.state.ended();
        let new = seen.alarmed.insert((d.version, d.reminder));
        let alarms = !m.notice.state.ended() && !older && if ours { new && !repeat } else { true };
        let attention = phone.attention;
        self.stats.alarms += u64::from(alarms);
        let mut fate = Rng::at(self.plan.seed, 3, d.id.0.as_u64_pair().0 ^ u64::from(d.reminder));
        if ours {
            let in_s = fate.between(0.05, 0.5);
            self.queue_act(person, receipt(d, false), in_s);
            // A page that is not on the screen does not say that it was shown.
            if fate.chance(0.8) {
                self.queue_act(person, receipt(d, true), in_s + fate.between(0.2, 3.0));
            }
        } else if d.channel == Channel::Tak && fate.chance(0.7) {
            let act = receipt(d, false);
            let by = d.person.clone();
            if self.centre.alive && self.centre.engines.dispatcher.check_receipt(&by, d.notice, d.version).is_ok() {
                self.input(Body::Act(ActEntry { by, via: "tak".into(), request: None, act }));
            }
        }
        if ours && !older {
            self.may_tick(person, m, &mut fate);
        }
        if alarms && m.notice.needs_ack | fate.chance(0.5) && fate.chance(attention) {
            let in_s = fate.between(1.0, 300.0);
            let (notice, version, code) = (d.notice, d.version, m.notice.code.clone());
            self.put(in_s, Event::Answer { person, channel: d.channel, notice, version, code });
        }
    }

    /// On their own page somebody ticks what they have done, at times twice and at times with a tick taken off; also of a
    /// version that is no longer the newest by then.
    fn may_tick(&mut self, person: usize, m: &Message, fate: &mut Rng) {
        let measures = m.notice.bulletin().and_then(|b| b.sheet.as_ref()).map(|s| &s.measures);
        let Some(measures) = measures.filter(|m| self.plan.checklists && !m.is_empty()) else { return };
        let mut in_s = 0.0;
        while fate.chance(0.4) {
            in_s += fate.between(1.0, 200.0);
            let done: BTreeSet<String> = measures.iter().filter(|_| fate.chance(0.5)).map(|m| m.id.clone()).collect();
            let id = self.phones[person].id.clone();
            self.ledger.tick(&id, m.notice.id, &done);
            self.queue_act(person, Act::Measures { notice: m.notice.id, version: m.notice.version, done }, in_s);
        }
    }

    fn answer(&mut self, person: usize, channel: Channel, notice: NoticeId, version: u32, code: &str) {
        let id = self.phones[person].id.clone();
        match channel {
            Channel::Web | Channel::Push => {
                self.ledger.press(&id, notice, version);
                self.queue_act(person, Act::Acknowledge { notice, version, channel }, 0.05);
            }
            Channel::Tak if !self.phones[person].connections.contains_key(&Channel::Tak) => {}
            Channel::Tak | Channel::Sms | Channel::Mail => {
                self.ledger.press(&id, notice, version);
                // Gateways repeat themselves.
                let times = 1 + self.chance.next() % 3;
                for k in 0..times {
                    let (code, in_s) = (code.to_owned(), k as f64 * self.chance.between(0.1, 30.0));
                    self.put(in_s, Event::Code { person, channel, code, tries: 0 });
                }
            }
            Channel::Webhook | Channel::Relay | Channel::Voice => {}
        }
    }

    fn code(&mut self, person: usize, channel: Channel, code: &str, tries: u8) {
        if !self.centre.alive {
            if channel != Channel::Tak && tries < 60 {
                self.put(20.0, Event::Code { person, channel, code: code.to_owned(), tries: tries + 1 });
            }
            return;
        }
        let id = self.phones[person].id.clone();
        let d = &self.centre.engines.dispatcher;
        let Some((notice, version)) = d.by_code(&id, code) else { return };
        if d.check_acknowledge(&id, notice, version).is_ok() {
            let act = Act::Acknowledge { notice, version, channel };
            self.input(Body::Act(ActEntry { by: id, via: channel.word().into(), request: None, act }));
        }
    }

    // ---- what clients keep until they hear "received" ----

    fn queue_act(&mut self, person: usize, act: Act, in_s: f64) -> RequestId {
        // By the device's own clock, up to a day wrong: nothing may be ordered by it.
        let device = self.now.plus_s(self.phones[person].skew_s);
        let request = RequestId(self.chance.id(device));
        let wired = matches!(act, Act::Bulletin(_) | Act::Directory { .. } | Act::Call { .. });
        // It waits from when they do it, not from when it is known that they will.
        self.items.insert(request, Item { person, act, done: false, since: self.now.plus_s(in_s), wired });
        if !wired {
            self.phones[person].outbox.push(request);
        }
        self.put(in_s, Event::Post { request });
        // Double taps, and tabs that both send.
        if self.chance.chance(0.15) {
            for _ in 0..=self.chance.next() % 4 {
                let later = in_s + self.chance.between(0.0, 40.0);
                self.put(later, Event::Post { request });
            }
        }
        request
    }

    fn post(&mut self, request: RequestId) {
        let Some(item) = self.items.get(&request) else { return };
        let (person, wired) = (item.person, item.wired);
        let id = self.phones[person].id.clone();
        let online = wired || self.phones[person].line;
        if !online || item.done && self.chance.chance(0.8) {
            return;
        }
        if !self.centre.alive {
            if wired {
                self.put(10.0, Event::Post { request });
            }
            return;
        }
        let act = item.act.clone();
        if !item.done {
            // No answer in time: once more.
            self.put(20.0, Event::Post { request });
        }
        let waiter = Waiter { person: id.clone(), request };
        if self.centre.answered.contains_key(&(id.clone(), request)) {
            // The same answer, no sooner than the first.
            match self.centre.waiting.back_mut() {
                Some(c) => c.waiters.push(waiter),
                None => self.answer_waiters(&[waiter]),
            }
            return;
        }
        if refused(&self.centre.engines, &id, &act, self.clock()) {
            self.drop_item(request);
            return;
        }
        let kept = Request { id: request, sha256: String::new(), status: 200, answer: String::new() };
        let entry = ActEntry { by: id, via: "web".into(), request: Some(kept), act };
        self.input_for(Body::Act(entry), Some(waiter));
    }

    fn reply(&mut self, request: RequestId, line: u64) {
        let Some(item) = self.items.get(&request) else { return };
        if item.done || !item.wired && (self.phones[item.person].cut != line || !self.phones[item.person].line) {
            return;
        }
        let id = self.phones[item.person].id.clone();
        let act = item.act.clone();
        self.stats.received += 1;
        self.ledger.received(request, self.clock(), &id, &act);
        self.drop_item(request);
    }

    fn drop_item(&mut self, request: RequestId) {
        if let Some(item) = self.items.get_mut(&request) {
            item.done = true;
            let person = item.person;
            self.phones[person].outbox.retain(|r| *r != request);
        }
    }

    // ---- the plan ----

    fn named(&self, name: &str) -> usize {
        self.phones.iter().position(|p| p.id.as_str() == name).unwrap_or(0)
    }

    fn person(&mut self, id: &PersonId, change: impl FnOnce(&mut skypicket_model::Person)) {
        let Some(mut person) = self.centre.engines.directory.people.get(id).cloned() else { return };
        change(&mut person);
        self.directory(vec![DirectoryChange::PutPerson { person }]);
    }

    fn directory(&mut self, changes: Vec<DirectoryChange>) {
        if self.centre.engines.directory.changed(&changes).is_err() {
            return;
        }
        let by = self.phones[self.named("w1")].id.clone();
        self.input(Body::Act(ActEntry { by, via: "web".into(), request: None, act: Act::Directory { changes } }));
    }

    fn doing(&mut self, what: &Doing) {
        self.stats.steps += 1;
        match what {
            Doing::Near { drone, whom, level } => {
                let known = self.sky.drones.get(drone).map(|d| d.whom.clone());
                let whom = known.or_else(|| self.protected(*whom));
                if let Some(whom) = whom
                    && self.sky.drones.get(drone).is_none_or(|d| !d.gone)
                {
                    self.sky.drones.insert(*drone, Drone { whom, level: *level, gone: false });
                    self.sky_changed();
                }
            }
            Doing::Gone { drone } => {
                if let Some(d) = self.sky.drones.get_mut(drone) {
                    d.gone = true;
                    self.sky_changed();
                }
            }
            Doing::Issue { bulletin, audience, marking, level, lasts_s, needs_ack, alone } => {
                let notice = bulletin_id(*bulletin);
                let content = Box::new(self.content(*audience, *marking, *level, *lasts_s, *needs_ack));
                let ana = self.named("ana");
                self.queue_act(ana, Act::Bulletin(BulletinAct::Propose { notice, content }), 0.1);
                let in_s = self.between(3.0, 60.0);
                self.put(in_s, Event::Approve { bulletin: notice, alone: *alone, tries: 0 });
            }
            Doing::Correct { bulletin, audience, level, needs_ack } => {
                let notice = bulletin_id(*bulletin);
                let Some(old) = self.centre.engines.desk.bulletin(notice) else { return };
                let (lasts, marking) = (old.content.expires_at, old.content.marking.clone());
                let mut content = self.content(*audience, 0, *level, 1.0, *needs_ack);
                content.expires_at = lasts;
                content.marking = marking;
                let ana = self.named("ana");
                let act =
                    BulletinAct::Correct { notice, read: None, content: Box::new(content), why: "it moved".into() };
                self.queue_act(ana, Act::Bulletin(act), 0.1);
                let in_s = self.between(3.0, 60.0);
                self.put(in_s, Event::Approve { bulletin: notice, alone: false, tries: 0 });
            }
            Doing::Recall { bulletin } => {
                let w1 = self.named("w1");
                let act = BulletinAct::Recall { notice: bulletin_id(*bulletin), why: "it was wrong".into() };
                self.queue_act(w1, Act::Bulletin(act), 0.1);
            }
            Doing::Cut { person, for_s } => {
                let person = self.phone(*person);
                self.cut(person, *for_s);
            }
            Doing::Provider { channel, manner, for_s } => {
                if let Some(p) = self.providers.get_mut(channel) {
                    p.manner = *manner;
                    p.spell += 1;
                    let spell = p.spell;
                    self.put(*for_s, Event::ProviderFair { channel: *channel, spell });
                }
            }
            Doing::Away { channel, for_s } => {
                let Some(p) = self.providers.get_mut(channel) else { return };
                p.spell += 1;
                p.up = false;
                let spell = p.spell;
                for k in 0..self.phones.len() {
                    let id = self.phones[k].id.clone();
                    self.ledger.fault(&id, *channel, self.now);
                }
                let state = ChannelState::Down { why: "unreachable".into() };
                self.input(Body::Channel { channel: *channel, state });
                self.put(*for_s, Event::Back { channel: *channel, spell });
            }
            Doing::Crash { down_s, durable } => self.crash(*down_s, *durable),
            Doing::CrashInCommit { later, point } => {
                self.crash_at = Some(CrashAt { commit: self.centre.commits + later, point: *point });
            }
            Doing::Backup => {
                if self.centre.alive {
                    self.centre.backup = Some(self.centre.disk.len());
                }
            }
            Doing::Restore { down_s } => self.restore(*down_s),
            Doing::ClockForward { by_s } => self.ahead_s += by_s,
            Doing::SlowDisk { each_s, for_s } => {
                self.disk_s = *each_s;
                self.disk_spell += 1;
                let spell = self.disk_spell;
                self.put(*for_s, Event::FastDisk { spell });
            }
            Doing::Policy { which } => {
                self.policy = *which;
                let configured = self.centre.configured(&cast::policy(*which));
                self.input(configured);
            }
            Doing::Disable { person, for_s } => {
                let person = self.phone(*person);
                let id = self.phones[person].id.clone();
                // The last who keeps people stays.
                self.person(&id, |p| p.disabled = !p.roles.contains(&Role::Administrator));
                self.phones[person].connections.clear();
                for channel in [Channel::Web, Channel::Tak] {
                    if self.connected.remove(&(person, channel)).is_some() {
                        self.reach(person, channel, false);
                    }
                }
                self.put(*for_s, Event::Enable { person });
                self.dial_soon(person);
            }
            Doing::Move { person, unit } => {
                let person = self.phone(*person);
                let units: Vec<UnitId> = self.centre.engines.directory.units.keys().cloned().collect();
                let id = self.phones[person].id.clone();
                if let Some(unit) = units.get(unit % units.len().max(1)).cloned() {
                    self.person(&id, |p| p.unit = unit);
                }
            }
            Doing::Leaders { unit } => {
                let units: Vec<_> = self.centre.engines.directory.units.values().cloned().collect();
                if let Some(mut unit) = units.get(unit % units.len().max(1)).cloned()
                    && !unit.leadership.is_empty()
                {
                    unit.leadership.rotate_left(1);
                    self.directory(vec![DirectoryChange::PutUnit { unit }]);
                }
            }
            Doing::Channels { person } => {
                let id = self.phones[self.named_number(*person)].id.clone();
                self.person(&id, |p| {
                    if !p.channels.is_empty() {
                        p.channels.rotate_left(1);
                    }
                });
            }
            Doing::Unsubscribe { person, for_s } => {
                let person = self.phone(*person);
                if self.phones[person].subscribed {
                    self.phones[person].subscribed = false;
                    self.reach(person, Channel::Push, false);
                    self.put(*for_s, Event::Subscribe { person });
                }
            }
            Doing::Stop { person, for_s } => {
                let person = self.phone(*person);
                self.reach(person, Channel::Sms, false);
                self.put(*for_s, Event::Unstop { person });
            }
            Doing::Forge { person } => self.forge(*person),
            Doing::CallRound => self.call_round(),
        }
    }

    fn named_number(&self, person: usize) -> usize {
        person % self.phones.len().max(1)
    }

    fn protected(&self, whom: usize) -> Option<ProtectedId> {
        match self.phones.get(whom) {
            Some(p) => Some(ProtectedId::Person(p.id.clone())),
            None => UnitId::new(if whom.is_multiple_of(2) { "post" } else { "gate" }).ok().map(ProtectedId::Site),
        }
    }

    fn content(&self, audience: u8, marking: u8, level: Level, lasts_s: f64, needs_ack: bool) -> BulletinContent {
        let d = &self.centre.engines.directory;
        let agencies: Vec<_> = d.agencies.keys().cloned().collect();
        let agency = |k: usize| agencies.get(k % agencies.len().max(1)).cloned();
        let unit = |k: usize| d.units.keys().nth(k % d.units.len().max(1)).cloned();
        let k = usize::from(audience) / 8;
        let near = LatLon { lat_deg: 31.7, lon_deg: -106.4 };
        let rule = match audience % 8 {
            0 => Some(Audience::Everybody {}),
            1 => agency(k).map(|agency| Audience::Agency { agency }),
            2 => unit(k).map(|unit| Audience::Unit { unit, leadership: true }),
            3 => unit(k).map(|unit| Audience::Unit { unit, leadership: false }),
            4 => Some(Audience::Role { role: Role::Field }),
            5 => Some(Audience::InArea { area: Area::Circle { centre: near, radius_m: 5_000.0 } }),
            6 => Some(Audience::InDanger {}),
            _ => {
                let people = (0..3).filter_map(|j| self.phones.get((k + 5 * j) % self.phones.len().max(1)));
                Some(Audience::People { people: people.map(|p| p.id.clone()).collect() })
            }
        };
        let also = (k % 3 == 0).then_some(Audience::Subscribers {});
        let marking = match marking % 6 {
            0 => Marking { tlp: Tlp::AmberStrict, owner: agency(usize::from(marking)), ..Marking::default() },
            1 => Marking {
                tlp: Tlp::Amber,
                releasable_to: agency(usize::from(marking)).into_iter().collect(),
                ..Marking::default()
            },
            2 => Marking { releasable_to: agency(usize::from(marking)).into_iter().collect(), ..Marking::default() },
            3 => Marking { tlp: Tlp::Clear, ..Marking::default() },
            _ => Marking::default(),
        };
        BulletinContent {
            title: "Officer Safety Alert".into(),
            title_es: String::new(),
            text: "Drones may carry explosives.".into(),
            text_es: String::new(),
            level,
            audience: rule.into_iter().chain(also).collect(),
            area: None,
            marking,
            expires_at: self.clock().plus_s(lasts_s),
            needs_ack,
            recall_text: String::new(),
            recall_text_es: String::new(),
            sheet: self.plan.checklists.then(|| Box::new(checklist(audience))),
        }
    }

    fn approve(&mut self, bulletin: NoticeId, alone: bool, tries: u8) {
        let waits = self.centre.alive.then(|| self.centre.engines.desk.bulletin(bulletin)).flatten();
        let waits = waits.and_then(|s| s.waiting()).map(|(_, at, _)| at);
        let Some(read) = waits else {
            if tries < 40 {
                self.put(20.0, Event::Approve { bulletin, alone, tries: tries + 1 });
            }
            return;
        };
        let act = if alone {
            BulletinAct::BreakGlass { notice: bulletin, why: "nobody else is here".into() }
        } else {
            BulletinAct::Approve { notice: bulletin, read, unseen: 0, unseen_marking: None }
        };
        let w1 = self.named("w1");
        self.queue_act(w1, Act::Bulletin(act), 0.1);
    }

    /// A round of calls to those who are silent.
    fn call_round(&mut self) {
        let mut calls = Vec::new();
        let d = &self.centre.engines.dispatcher;
        for (id, n) in self.centre.engines.notices.iter().filter(|(_, n)| !n.state.ended()) {
            for r in d.board(*id).into_iter().filter(|r| r.silent && r.person.as_str() != "w1") {
                calls.push((*id, n.version, r.person));
            }
        }
        let w1 = self.named("w1");
        for (notice, version, person) in calls.into_iter().take(10) {
            let status = match self.chance.next() % 3 {
                0 => CallStatus::Acknowledged,
                1 => CallStatus::NoAnswer,
                _ => CallStatus::Unavailable,
            };
            self.ledger.call(&person, notice);
            self.queue_act(w1, Act::Call { notice, version, person, status, note: String::new() }, 0.5);
        }
    }

    /// Somebody sends what is not theirs to send: the door refuses it, or the engine makes nothing of it.
    fn forge(&mut self, person: usize) {
        let by = self.phones[self.named_number(person)].id.clone();
        let known: Vec<(NoticeId, u32)> = self.centre.engines.notices.iter().map(|(id, n)| (*id, n.version)).collect();
        let nobody = NoticeId(Uuid::from_u128(0xdead));
        let d = &self.centre.engines.dispatcher;
        let mut wrong = Vec::new();
        for (notice, version) in known.iter().copied().chain([(nobody, 1)]) {
            let on = d.recipient(notice, &by).is_some();
            if !on && d.check_measures(&by, notice, version, &BTreeSet::new()).is_ok() {
                wrong.push(format!("{by} ticks what is on {}", notice.0));
            }
            if !on
                && (d.check_receipt(&by, notice, version).is_ok() || d.check_acknowledge(&by, notice, version).is_ok())
            {
                wrong.push(format!("{by} is let in to {}", notice.0));
            }
            if d.check_acknowledge(&by, notice, version + 5).is_ok() {
                wrong.push(format!("{by} acknowledges a version to come of {}", notice.0));
            }
        }
        for what in wrong {
            self.ledger.breach("forged", what);
        }
        // And past the door: an engine that trusted it would say that somebody acknowledged who did not.
        for (notice, version) in known.into_iter().chain([(nobody, 1)]).take(5) {
            if self.centre.engines.dispatcher.recipient(notice, &by).is_none() {
                let act = Act::Acknowledge { notice, version, channel: Channel::Web };
                self.input(Body::Act(ActEntry { by: by.clone(), via: "web".into(), request: None, act }));
                if self.plan.checklists {
                    let act = Act::Measures { notice, version, done: ["kit".to_owned()].into() };
                    self.input(Body::Act(ActEntry { by: by.clone(), via: "web".into(), request: None, act }));
                }
            }
        }
        for attempt in [0, 1, 7] {
            let outcome = Outcome::Delivered;
            let delivery = DeliveryId(Uuid::from_u128(0xbad));
            self.input(Body::Provider(ProviderResult { delivery, attempt, outcome }));
        }
    }
}

fn bulletin_id(bulletin: u32) -> NoticeId {
    NoticeId(Uuid::from_u128(0xb0_0000 + u128::from(bulletin)))
}

/// A sheet with one of two checklists, which have one measure in common: a correction may bring the other.
fn checklist(which: u8) -> Sheet {
    let phrase = |en: &str| Phrase { en: en.to_owned(), es: String::new() };
    let ids = if which.is_multiple_of(2) { ["cover", "kit", "report"] } else { ["armour", "kit", "vigilance"] };
    Sheet {
        template: String::new(),
        series: "OSA".into(),
        kind: phrase("Officer Safety Alert"),
        issuer: "Centre".into(),
        known: Vec::new(),
        not_known: Vec::new(),
        measures: ids.map(|id| Measure { id: id.into(), text: phrase(id) }).into(),
        area_name: Phrase::default(),
        valid_from: None,
        report_to: phrase("Your leader and the centre"),
        contact: String::new(),
        rests_on: BTreeSet::new(),
        release_why: String::new(),
        short: Phrase::default(),
        brief: Phrase::default(),
    }
}

fn receipt(d: &Delivery, shown: bool) -> Act {
    Act::Receipt { notice: d.notice, version: d.version, channel: d.channel, shown }
}

/// What the door says to an act.
fn refused(e: &Engines, by: &PersonId, act: &Act, now: Time) -> bool {
    let d = &e.dispatcher;
    match act {
        Act::Receipt { notice, version, .. } => d.check_receipt(by, *notice, *version).is_err(),
        Act::Acknowledge { notice, version, .. } => d.check_acknowledge(by, *notice, *version).is_err(),
        Act::Measures { notice, version, done } => d.check_measures(by, *notice, *version, done).is_err(),
        Act::Call { notice, version, person, .. } => d.check_call(by, person, *notice, *version).is_err(),
        act => e.desk.check(by, act, now).is_err(),
    }
}
