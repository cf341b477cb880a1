//! What holds for any sequence of inputs: a small model of the world does its worst, and afterwards every promise is
//! looked up in the log.

use crate::world::*;
use proptest::prelude::*;
use skypicket_dispatch::{Counts, Dispatcher, Policy, RecipientState, Situation};
use skypicket_model::{
    AgencyId, Audience, CallStatus, Channel, Delivery, DeliveryId, DispatchEvent, Level, Marking, Notice, NoticeId,
    NoticeState, Person, PersonId, ProtectedId, ProviderResult, Reached, Role, Time, Tlp, UnitId,
    delivery::{Outcome, Rule},
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const PEOPLE: [&str; 12] = ["a1", "a2", "mute", "b1", "boss", "lead", "chief", "w1", "w2", "super", "s9", "siren"];
const PERSONAL: [Channel; 3] = [Channel::Web, Channel::Tak, Channel::Push];
const SERVICES: [Channel; 3] = [Channel::Sms, Channel::Mail, Channel::Relay];

/// One thing that the world does. Numbers choose among what there is at that moment.
#[derive(Debug, Clone)]
enum Doing {
    Raise(bool),
    /// A bulletin that is in force for so many seconds.
    Issue(u16),
    Update {
        which: usize,
        level: u8,
        ended: bool,
    },
    Reach {
        who: usize,
        channel: usize,
        up: bool,
    },
    /// The way to a provider, or a personal channel as a whole.
    Channel {
        channel: usize,
        up: bool,
    },
    /// Says what of a checklist is done.
    Measures {
        which: usize,
        who: usize,
        older: bool,
        done: u8,
    },
    /// STOP or START by short message.
    Stop {
        who: usize,
        start: bool,
    },
    Tell {
        which: usize,
        outcome: u8,
        stale: bool,
    },
    Receipt {
        which: usize,
        who: usize,
        tak: bool,
        shown: bool,
        older: bool,
    },
    Ack {
        which: usize,
        who: usize,
        tak: bool,
        older: bool,
    },
    Call {
        which: usize,
        who: usize,
        status: u8,
    },
    Pass(u8),
    Restart,
    Restore,
    /// Somebody is shut out, or let in again.
    Shut(usize),
    Policy(u8),
}

fn doing() -> impl Strategy<Value = Doing> {
    let who = || 0..PEOPLE.len();
    let n = any::<usize>;
    let b = any::<bool>;
    prop_oneof![
        2 => b().prop_map(Doing::Raise),
        2 => (5u16..900).prop_map(Doing::Issue),
        3 => (n(), 0u8..3, prop::bool::weighted(0.25))
            .prop_map(|(which, level, ended)| Doing::Update { which, level, ended }),
        7 => (who(), 0..PERSONAL.len(), prop::bool::weighted(0.6))
            .prop_map(|(who, channel, up)| Doing::Reach { who, channel, up }),
        4 => (0..4usize, prop::bool::weighted(0.65)).prop_map(|(channel, up)| Doing::Channel { channel, up }),
        1 => (who(), b()).prop_map(|(who, start)| Doing::Stop { who, start }),
        10 => (n(), 0u8..5, prop::bool::weighted(0.1))
            .prop_map(|(which, outcome, stale)| Doing::Tell { which, outcome, stale }),
        5 => (n(), who(), b(), b(), prop::bool::weighted(0.2))
            .prop_map(|(which, who, tak, shown, older)| Doing::Receipt { which, who, tak, shown, older }),
        3 => (n(), who(), b(), prop::bool::weighted(0.2))
            .prop_map(|(which, who, tak, older)| Doing::Ack { which, who, tak, older }),
        3 => (n(), who(), prop::bool::weighted(0.2), 0u8..16)
            .prop_map(|(which, who, older, done)| Doing::Measures { which, who, older, done }),
        1 => (n(), who(), 0u8..3).prop_map(|(which, who, status)| Doing::Call { which, who, status }),
        6 => (1u8..60).prop_map(Doing::Pass),
        1 => Just(Doing::Restart),
        1 => Just(Doing::Restore),
        1 => who().prop_map(Doing::Shut),
        1 => (0u8..3).prop_map(Doing::Policy),
    ]
}

/// As in the other tests, with every kind of channel, a siren, and acknowledgements that lapse.
fn setting() -> World {
    let mut w = World::with(|d| {
        let siren = d.people[&pid("a2")].clone();
        let roles = [Role::Device].into();
        d.people.insert(pid("siren"), Person { id: pid("siren"), name: "siren".into(), roles, ..siren });
        channels_of(d, "siren", &[Channel::Relay]);
        channels_of(d, "a2", &[Channel::Sms, Channel::Web]);
        channels_of(d, "b1", &[Channel::Web, Channel::Push, Channel::Sms, Channel::Mail]);
        channels_of(d, "lead", &[Channel::Push, Channel::Mail]);
        channels_of(d, "w1", &[Channel::Web, Channel::Tak, Channel::Sms]);
    });
    w.policy(|p| p.lapse_s.urgent = Some(300.0));
    w
}

/// Of a bulletin's version: the second changes a measure, and a later one has the first back.
fn checklist(version: u32) -> &'static [&'static str] {
    match version % 3 {
        1 => &["armour", "kit", "cover"],
        2 => &["kit", "watch", "armour", "report"],
        _ => &["cover", "kit"],
    }
}

fn channel(tak: bool) -> Channel {
    if tak { Channel::Tak } else { Channel::Web }
}

fn nid(n: usize) -> NoticeId {
    NoticeId(Uuid::from_u128(n as u128))
}

/// What was said of a notice so far.
#[derive(Debug, Clone, Copy)]
struct Told {
    version: u32,
    level: Level,
    over: bool,
    /// The newest version that asks.
    asked: u32,
    /// Of a bulletin: until when it is in force.
    until: Option<Time>,
}

/// The world's own books, kept apart from the engine.
struct Play {
    w: World,
    /// Every notice, by its number less one.
    notices: Vec<Told>,
    handed: Vec<Delivery>,
}

impl Play {
    fn new() -> Self {
        Self { w: setting(), notices: Vec::new(), handed: Vec::new() }
    }

    fn protected(n: usize) -> ProtectedId {
        match n % 3 {
            0 => to_site(),
            1 => to_person("a1"),
            _ => to_person("b1"),
        }
    }

    /// The second notice is for patrol only; b1 and their leader are of another agency.
    fn send(&mut self, n: usize, state: NoticeState, needs: bool) -> Vec<DispatchEvent> {
        let Told { version, level, until, .. } = self.notices[n - 1];
        let mut notice = match until {
            None => notice(n as u128, version, state, level, needs, Self::protected(n)),
            Some(until) => {
                let unit = Audience::Unit { unit: UnitId::new("alpha").unwrap(), leadership: true };
                let audience = [vec![unit, Audience::InDanger {}], named(&["b1", "mute", "w1"])].concat();
                let bulletin = bulletin(n as u128, version, state, level, audience);
                Notice { expires_at: Some(until), ..with_checklist(bulletin, checklist(version)) }
            }
        };
        if n == 2 {
            notice.marking =
                Marking { tlp: Tlp::AmberStrict, owner: AgencyId::new("patrol").ok(), ..Marking::default() };
        }
        self.w.send(notice)
    }

    fn version(&self, n: usize, older: bool) -> u32 {
        self.notices[n - 1].version.saturating_sub(u32::from(older)).max(1)
    }

    fn pick(&self, which: usize) -> Option<usize> {
        (!self.notices.is_empty()).then(|| which % self.notices.len() + 1)
    }

    fn go(&mut self, what: &Doing) {
        let events = match *what {
            Doing::Raise(_) | Doing::Issue(_) if self.notices.len() >= 4 => return,
            Doing::Raise(urgent) => {
                let level = if urgent { Level::Urgent } else { Level::Caution };
                self.notices.push(Told { version: 1, level, over: false, asked: 1, until: None });
                self.send(self.notices.len(), NoticeState::Raised, true)
            }
            Doing::Issue(s) => {
                let until = Some(self.w.now.plus_s(f64::from(s)));
                self.notices.push(Told { version: 1, level: Level::Urgent, over: false, asked: 1, until });
                self.send(self.notices.len(), NoticeState::Issued, true)
            }
            Doing::Update { which, level, ended } => {
                let Some(n) = self.pick(which) else { return };
                let told = &mut self.notices[n - 1];
                if told.over {
                    return;
                }
                let before = told.level;
                let bulletin = told.until.is_some();
                told.level = [Level::Advisory, Level::Caution, Level::Urgent][usize::from(level)];
                told.version += 1;
                told.over = ended;
                let needs = !ended && (bulletin || told.level > before);
                if needs {
                    told.asked = told.version;
                }
                let state = match (ended, bulletin, level) {
                    (false, ..) => NoticeState::Updated,
                    (true, false, _) => NoticeState::Cleared,
                    (true, true, 0) => NoticeState::Expired,
                    (true, true, _) => NoticeState::Recalled,
                };
                self.send(n, state, needs)
            }
            Doing::Reach { who, channel, up } => self.w.reach(PEOPLE[who], PERSONAL[channel], up),
            Doing::Channel { channel, up } => {
                let channel = SERVICES.get(channel).copied().unwrap_or(Channel::Push);
                self.w.channel(channel, up)
            }
            Doing::Stop { who, start } => self.w.reach(PEOPLE[who], Channel::Sms, start),
            Doing::Call { which, who, status } => {
                let Some(n) = self.pick(which) else { return };
                let all = [CallStatus::Acknowledged, CallStatus::NoAnswer, CallStatus::Unavailable];
                let version = self.version(n, false);
                self.w.call("w2", PEOPLE[who], n as u128, version, all[usize::from(status)])
            }
            Doing::Measures { which, who, older, done } => {
                let Some(n) = self.pick(which) else { return };
                let v = self.version(n, older);
                let list = checklist(v).iter().enumerate().filter(|(k, _)| done & (1 << k) != 0);
                let names: Vec<&str> = list.map(|(_, m)| *m).collect();
                let events = self.w.tick_off(PEOPLE[who], n as u128, v, &names);
                for e in &events {
                    // Nothing else follows from it, and what was said of the measures of that version is so.
                    let DispatchEvent::Measures { notice, person, done, .. } = e else { panic!("{e:?}") };
                    assert_eq!((*notice, person), (nid(n), &pid(PEOPLE[who])));
                    for m in checklist(v) {
                        let kept = checklist(self.notices[n - 1].version).contains(m);
                        assert_eq!(done.contains(*m), names.contains(m) && kept, "{m}");
                    }
                }
                events
            }
            Doing::Restore => self.w.feed(Owned::Restored),
            Doing::Shut(who) => {
                // Whoever decides about calls stays.
                if ["w2", "lead"].contains(&PEOPLE[who]) {
                    return;
                }
                self.w.change(|d| {
                    let p = d.people.get_mut(&pid(PEOPLE[who])).unwrap();
                    p.disabled = !p.disabled;
                });
                Vec::new()
            }
            Doing::Policy(k) => {
                self.w.policy(|p| {
                    p.acknowledge_s.urgent = [30.0, 10.0, 45.0][usize::from(k)];
                    p.remind_s.urgent = [15.0, 4.0, 20.0][usize::from(k)];
                    p.receipt_s.web = [5.0, 20.0, 1.0][usize::from(k)];
                    p.most_reminders = [2, 0, 5][usize::from(k)];
                });
                Vec::new()
            }
            Doing::Tell { which, outcome, stale } => {
                if self.handed.is_empty() {
                    return;
                }
                let d = &self.handed[which % self.handed.len()];
                let outcome = match outcome {
                    0 => Outcome::Accepted,
                    1 => Outcome::Failed("f".into()),
                    2 => Outcome::Ambiguous("a".into()),
                    3 => Outcome::Delivered,
                    _ => Outcome::Refused("r".into()),
                };
                let (id, attempt) = (d.id, d.attempts.saturating_sub(u32::from(stale)));
                self.w.tell(id, attempt, outcome)
            }
            Doing::Receipt { which, who, tak, shown, older } => {
                let Some(n) = self.pick(which) else { return };
                let v = self.version(n, older);
                self.w.feed(Owned::Receipt(pid(PEOPLE[who]), nid(n), v, channel(tak), shown))
            }
            Doing::Ack { which, who, tak, older } => {
                let Some(n) = self.pick(which) else { return };
                let v = self.version(n, older);
                self.w.feed(Owned::Acknowledge(pid(PEOPLE[who]), nid(n), v, channel(tak)))
            }
            Doing::Pass(s) => self.w.pass(u32::from(s)),
            Doing::Restart => self.w.feed(Owned::Started),
        };
        for d in deliveries(&events) {
            self.handed.retain(|h| h.id != d.id);
            self.handed.push(d);
        }
    }

    /// Reads the whole log and looks for a broken promise.
    fn audit(&self) -> Result<(), TestCaseError> {
        let mut listed: BTreeMap<(NoticeId, u32), BTreeSet<PersonId>> = BTreeMap::new();
        let mut current: BTreeMap<NoticeId, u32> = BTreeMap::new();
        let mut heard: BTreeMap<(NoticeId, u32), &Notice> = BTreeMap::new();
        let mut ids: BTreeMap<(NoticeId, u32, PersonId, Channel), DeliveryId> = BTreeMap::new();
        let mut last: BTreeMap<DeliveryId, Delivery> = BTreeMap::new();
        let mut ways = Ways::default();
        // Who may have which notice over what: handed over, or a receipt.
        let mut may_have: BTreeMap<(NoticeId, PersonId, Channel), u32> = BTreeMap::new();
        let mut acked: BTreeMap<(NoticeId, PersonId), u32> = BTreeMap::new();
        // For each delivery: attempts which nothing but a doubt made (no new connection, no sure failure before).
        let mut doubtful: BTreeMap<DeliveryId, u32> = BTreeMap::new();
        // What was handed over on the connection that is there now.
        let mut connected: BTreeSet<DeliveryId> = BTreeSet::new();
        let mut cause = None;
        // What was handed over because of the one input.
        let mut at_once: BTreeSet<DeliveryId> = BTreeSet::new();
        let mut now = Time::default();
        for entry in &self.w.log {
            match entry {
                Logged::Input(input, at) => {
                    ways.hear(input);
                    match input {
                        Owned::Notice(n) => drop(heard.insert((n.id, n.version), n)),
                        // Every connection is another one from now on.
                        Owned::Started | Owned::Restored => connected.clear(),
                        Owned::Channel(c, _) => connected.retain(|d| last[d].channel != *c),
                        Owned::Reach(p, c, _) => connected.retain(|d| (&last[d].person, last[d].channel) != (p, *c)),
                        _ => {}
                    }
                    cause = Some(input);
                    now = *at;
                    at_once.clear();
                }
                Logged::Event(DispatchEvent::Recipients { notice, version, people }) => {
                    listed.insert((*notice, *version), people.iter().map(|(p, _)| p.clone()).collect());
                    current.insert(*notice, *version);
                }
                Logged::Event(DispatchEvent::Escalated { notice, version, to: Some(to), .. }) => {
                    listed.entry((*notice, *version)).or_default().insert(to.clone());
                    prop_assert!(to.as_str() != "siren");
                }
                Logged::Event(DispatchEvent::Attempt { delivery: d } | DispatchEvent::Moved { delivery: d }) => {
                    prop_assert!(listed[&(d.notice, d.version)].contains(&d.person), "not on the list: {d:?}");
                    prop_assert_eq!(current[&d.notice], d.version, "sent late");
                    let id = ids.entry((d.notice, d.version, d.person.clone(), d.channel)).or_insert(d.id);
                    prop_assert_eq!(*id, d.id, "a second id on the same channel");
                    let attempt = matches!(entry, Logged::Event(DispatchEvent::Attempt { .. }));
                    if let Some(before) = last.get(&d.id) {
                        prop_assert!(d.reached >= before.reached, "went back: {before:?} {d:?}");
                        prop_assert_eq!(d.attempts, before.attempts + u32::from(attempt));
                        prop_assert!(d.may_repeat || !before.may_repeat);
                    }
                    if attempt {
                        prop_assert!(ways.is_up(&d.person, d.channel), "sent to a channel that is down: {d:?}");
                        prop_assert!(at_once.insert(d.id), "twice at once: {d:?}");
                        let foreign = ["b1", "boss", "mute"].contains(&d.person.as_str());
                        prop_assert!(d.notice != nid(2) || !foreign, "sent to one who may not see it: {d:?}");
                        prop_assert!(!ways.out.contains(&d.person), "sent to one who is shut out: {d:?}");
                        let version = heard[&(d.notice, d.version)];
                        let ended = version.state.ended();
                        prop_assert!(ended || version.expires_at.is_none_or(|t| now < t), "alarmed late: {d:?}");
                        let older = may_have.get(&(d.notice, d.person.clone(), d.channel));
                        let knows = older.is_some_and(|v| *v <= d.version);
                        prop_assert!(!ended || !d.channel.alarms() || knows, "alarmed by what ended: {d:?}");
                        let reminder = last.get(&d.id).map_or(0, |b| b.reminder) < d.reminder;
                        prop_assert!(reminder || d.reached < Reached::Delivered, "sent to one who has it: {d:?}");
                        let sure =
                            last.get(&d.id).is_none_or(|b| b.attempts == 0 || b.trouble.as_deref() == Some("failed"));
                        let anew = connected.insert(d.id);
                        if anew || reminder {
                            doubtful.insert(d.id, 0);
                        } else if !sure {
                            *doubtful.entry(d.id).or_default() += 1;
                            prop_assert!(d.may_repeat, "a repeat that is not marked: {d:?}");
                            prop_assert!(doubtful[&d.id] < Policy::default().max_ambiguous, "too many repeats: {d:?}");
                        }
                    }
                    if attempt || d.reached > Reached::Queued {
                        may_have.entry((d.notice, d.person.clone(), d.channel)).or_insert(d.version);
                    }
                    last.insert(d.id, d.clone());
                }
                Logged::Event(DispatchEvent::Acknowledged { notice, version, person, by, .. }) => {
                    // Only because they did so themselves, or somebody who called them says so.
                    let right = match (cause, by) {
                        (Some(Owned::Acknowledge(p, n, v, _)), None) => (p, n, v) == (person, notice, version),
                        (Some(Owned::Call(c, p, n, v, CallStatus::Acknowledged)), Some(by)) => {
                            (c, p, n, v) == (by, person, notice, version) && by != person
                        }
                        _ => false,
                    };
                    prop_assert!(right, "{entry:?}");
                    prop_assert!(listed[&(*notice, *version)].contains(person) || *version < current[notice]);
                    let newest = acked.entry((*notice, person.clone())).or_default();
                    *newest = (*newest).max(*version);
                }
                Logged::Event(DispatchEvent::Lapsed { notice, person, .. }) => {
                    acked.remove(&(*notice, person.clone()));
                }
                Logged::Event(_) => {}
            }
        }
        // Nobody is forgotten, no acknowledgement is lost, and nobody's stands in for another's.
        for (k, told) in self.notices.iter().enumerate() {
            let (n, version) = (nid(k + 1), told.version);
            if self.w.d.version_of(n).is_none() {
                continue;
            }
            prop_assert_eq!(self.w.d.version_of(n), Some(version));
            let board = self.w.d.board(n);
            prop_assert_eq!(self.w.d.counts(n), counted(&board), "the counts that are kept are not those of the rows");
            let on: BTreeSet<PersonId> = board.iter().map(|r| r.person.clone()).collect();
            prop_assert_eq!(&on, &listed[&(n, version)]);
            for r in board {
                let going = r.next.is_some();
                prop_assert!(r.reached >= Reached::Delivered || r.trouble.is_some() || going, "forgotten: {r:?}");
                let own = acked.get(&(n, r.person.clone())).is_some_and(|v| *v >= told.asked);
                prop_assert_eq!(r.acknowledged_at.is_some(), own, "{:?}", r);
                prop_assert!(r.person != pid("siren") || !r.owes && r.reminder == 0, "a siren is asked: {r:?}");
            }
        }
        Ok(())
    }

    /// Lets everything come to rest, and looks at what is left.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        self.w.pass(1_200);
        for (k, told) in self.notices.iter().enumerate() {
            let warns = !told.over && told.until.is_none();
            for r in self.w.d.board(nid(k + 1)) {
                let has_it = r.reached >= Reached::Delivered;
                prop_assert!(has_it || r.trouble.is_some(), "neither delivered nor visibly not: {r:?}");
                // Whoever is in danger and did not confirm: told to their leaders to the end, or taken by one of them.
                let asked = matches!(r.rule, Rule::InDanger | Rule::SiteUnit) && r.person != pid("siren");
                let waited = !r.excused && !self.w.directory.people[&r.person].disabled;
                if warns && asked && waited && r.acknowledged_at.is_none() {
                    prop_assert!(r.owes && (r.silent || r.escalation_answered), "{r:?}");
                }
                // Only a correction of what they found by themself goes to one without a channel.
                if r.person == pid("mute") && told.version == 1 {
                    prop_assert!(!has_it || r.attempts == 0);
                }
            }
        }
        Ok(())
    }
}

/// What leads to whom, as the log tells.
#[derive(Default)]
struct Ways {
    up: BTreeSet<(PersonId, Channel)>,
    services: BTreeSet<Channel>,
    shut: BTreeSet<Channel>,
    stopped: BTreeSet<(PersonId, Channel)>,
    out: BTreeSet<PersonId>,
}

fn put<T: Ord>(set: &mut BTreeSet<T>, item: T, into: bool) {
    if into {
        set.insert(item);
    } else {
        set.remove(&item);
    }
}

impl Ways {
    fn hear(&mut self, input: &Owned) {
        match input {
            Owned::Reach(p, c, up) => {
                let set = if c.is_personal() { &mut self.up } else { &mut self.stopped };
                put(set, (p.clone(), *c), *up == c.is_personal());
            }
            Owned::Channel(c, up) => {
                let set = if c.is_personal() { &mut self.shut } else { &mut self.services };
                put(set, *c, *up != c.is_personal());
            }
            // A push subscription is no connection.
            Owned::Started | Owned::Restored => {
                self.up.retain(|(_, c)| *c == Channel::Push);
                self.services.clear();
                self.shut.clear();
            }
            Owned::Directory(d) => {
                self.out = d.people.values().filter(|p| p.disabled).map(|p| p.id.clone()).collect();
            }
            _ => {}
        }
    }

    fn is_up(&self, person: &PersonId, channel: Channel) -> bool {
        if channel.is_personal() {
            return self.up.contains(&(person.clone(), channel)) && !self.shut.contains(&channel);
        }
        self.services.contains(&channel) && !self.stopped.contains(&(person.clone(), channel))
    }
}

/// The counts, worked out from the rows as people see them.
fn counted(board: &[RecipientState]) -> Counts {
    let n = |f: &dyn Fn(&RecipientState) -> bool| u32::try_from(board.iter().filter(|r| f(r)).count()).unwrap();
    Counts {
        recipients: n(&|_| true),
        queued: n(&|r| r.reached == Reached::Queued),
        sent: n(&|r| r.reached == Reached::Sent),
        delivered: n(&|r| r.reached == Reached::Delivered),
        shown: n(&|r| r.reached == Reached::Shown),
        acknowledged: n(&|r| r.acknowledged_at.is_some()),
        owing: n(&|r| r.owes),
        escalated: n(&|r| r.escalated),
        silent: n(&|r| r.silent),
        trouble: n(&|r| r.trouble.as_deref().is_some_and(|t| t != "overtaken")),
        unreachable: n(&|r| r.unreachable),
        excused: n(&|r| r.excused),
    }
}

fn replay(log: &[Logged]) -> Dispatcher {
    let mut d = Dispatcher::new(Policy::default());
    d.configure(&directory());
    for entry in log {
        match entry {
            Logged::Input(i, at) => i.past(&mut d, *at),
            Logged::Event(e) => d.apply(e),
        }
    }
    d
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_promise_is_broken_whatever_happens(script in prop::collection::vec(doing(), 1..120)) {
        let mut play = Play::new();
        for what in &script {
            play.go(what);
        }
        play.audit()?;
        play.settle()?;
        play.audit()?;
    }

    #[test]
    fn replay_gives_the_same_state_and_a_snapshot_the_same_decisions(
        script in prop::collection::vec(doing(), 1..100),
        split in 0usize..100,
    ) {
        let mut play = Play::new();
        for what in &script {
            play.go(what);
        }
        let log = &play.w.log;
        prop_assert_eq!(cbor(&replay(log)), cbor(&play.w.d));
        // From the middle on everything is decided again, out of a snapshot each time: the same.
        let split = log.len() * split / 100;
        let split = (split..log.len()).find(|k| matches!(log[*k], Logged::Input(..))).unwrap_or(log.len());
        let mut d = replay(&log[..split]);
        let mut rest = log[split..].iter().enumerate().peekable();
        while let Some((k, Logged::Input(i, at))) = rest.next() {
            if !matches!(i, Owned::Tick) {
                d = ciborium::from_reader(&cbor(&d)[..]).unwrap();
            }
            let events = i.live(&mut d, Situation::default(), split + k, *at);
            for e in events {
                let Some((_, Logged::Event(recorded))) = rest.next() else { panic!("more decided than recorded") };
                prop_assert_eq!(recorded, &e);
            }
            prop_assert!(matches!(rest.peek(), None | Some((_, Logged::Input(..)))), "less decided than recorded");
        }
        prop_assert_eq!(cbor(&d), cbor(&play.w.d));
    }

    #[test]
    fn receipts_acknowledgements_and_what_a_provider_says_of_one_attempt_end_the_same_in_any_order_and_number(
        order in prop::collection::vec((0usize..2, 0u8..8), 0..12).prop_shuffle(),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        of_bulletin in any::<bool>(),
    ) {
        let run = |said: &[(usize, u8)]| {
            let mut w = setting();
            w.channel(Channel::Sms, true);
            for c in [Channel::Web, Channel::Tak] {
                w.reach("a1", c, true);
            }
            let handed = deliveries(&w.send(if of_bulletin {
                let b = bulletin(3, 1, NoticeState::Issued, Level::Urgent, named(&["a1", "a2"]));
                with_checklist(b, &["armour", "kit"])
            } else {
                urgent(3, to_site())
            }));
            for (who, what) in said {
                let p = pid(PEOPLE[*who]);
                let d = handed.iter().find(|d| d.person == p).unwrap().id;
                let provider = |outcome| Owned::Provider(ProviderResult { delivery: d, attempt: 1, outcome });
                w.feed(match what {
                    0 => provider(Outcome::Accepted),
                    1 => provider(Outcome::Delivered),
                    2 => Owned::Acknowledge(p, nid(3), 1, Channel::Web),
                    7 => Owned::Measures(p, nid(3), 1, measures(&["kit"])),
                    k => Owned::Receipt(p, nid(3), 1, channel(k % 2 == 0), *k > 4),
                });
            }
            let mut rows = w.d.board(nid(3));
            // Which of two channels that got as far is named depends on which was first.
            for r in &mut rows {
                r.channel = None;
            }
            (rows, told(&w.pass(30)))
        };
        let mut sorted = order.clone();
        sorted.sort_unstable();
        let mut repeated = order.clone();
        if !order.is_empty() {
            repeated.extend(again.iter().map(|i| *i.get(&order)));
        }
        let ended = run(&repeated);
        for (k, p) in PEOPLE[..2].iter().enumerate() {
            let row = ended.0.iter().find(|r| r.person == pid(p)).unwrap();
            prop_assert_eq!(row.done.has(1), of_bulletin && order.contains(&(k, 7)));
        }
        prop_assert_eq!(run(&sorted), ended);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_a_provider_took_and_reports_lost_and_what_the_person_says_end_the_same_in_any_order(
        order in prop::collection::vec(0u8..6, 0..8).prop_shuffle(),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        restart in any::<bool>(),
    ) {
        let run = |said: &[u8]| {
            let mut w = setting();
            w.channel(Channel::Sms, true);
            w.channel(Channel::Mail, true);
            w.change(|d| channels_of(d, "a1", &[Channel::Sms, Channel::Mail]));
            w.policy(|p| p.most_reminders = 0);
            let handed = deliveries(&w.send(urgent(3, to_person("a1"))));
            let d = handed.iter().find(|d| d.person == pid("a1")).unwrap().id;
            // Of a provider that takes it and reports it lost, the two come in any order.
            let mut events = Vec::new();
            for what in said {
                events.extend(match what {
                    0 | 1 => w.tell(d, 1, Outcome::Accepted),
                    2 | 3 => w.tell(d, 1, Outcome::Failed("reported".into())),
                    4 => w.got("a1", 3, 1, Channel::Sms),
                    _ => w.feed(Owned::Acknowledge(pid("a1"), nid(3), 1, Channel::Sms)),
                });
            }
            if restart {
                w.feed(Owned::Started);
                w.channel(Channel::Sms, true);
                w.channel(Channel::Mail, true);
            }
            let later = w.pass(40);
            let over = |events: &[DispatchEvent], c: Channel| {
                deliveries(events).iter().filter(|d| d.person == pid("a1") && d.channel == c).count()
            };
            let row = w.row(3, "a1");
            let taken = said.iter().any(|s| *s < 2);
            let again = over(&events, Channel::Sms) + if taken { over(&later, Channel::Sms) } else { 0 };
            let next = over(&events, Channel::Mail);
            (row.reached, row.acknowledged_at.is_some(), row.owes, again, next)
        };
        let mut sorted = order.clone();
        sorted.sort_unstable();
        let mut repeated = order.clone();
        if !order.is_empty() {
            repeated.extend(again.iter().map(|i| *i.get(&order)));
        }
        let (reached, acked, owes, twice, _) = run(&sorted);
        let (their_reached, their_acked, their_owes, their_twice, next) = run(&repeated);
        prop_assert_eq!((reached, acked, owes), (their_reached, their_acked, their_owes));
        prop_assert_eq!((twice, their_twice), (0, 0), "nothing goes again over what took it");
        // The next channel is taken for a loss that is reported before the person's own word, and only once.
        let loss = repeated.iter().position(|s| matches!(s, 2 | 3));
        let word = repeated.iter().position(|s| *s > 3);
        let expected = loss.is_some_and(|l| word.is_none_or(|w| l < w));
        prop_assert_eq!(next, usize::from(expected), "{:?}", repeated);
    }
}

/// What a page that folds the changed rows into its board shows, against the board itself.
fn fold(
    play: &mut Play,
    page: &mut BTreeMap<NoticeId, BTreeMap<PersonId, RecipientState>>,
) -> Result<(), TestCaseError> {
    for (notice, people) in play.w.d.take_changed() {
        for person in people {
            let row = play.w.d.recipient(notice, &person).unwrap();
            page.entry(notice).or_default().insert(person, RecipientState { next: None, ..row });
        }
    }
    for (notice, rows) in page {
        let board = play.w.d.board(*notice);
        if board.is_empty() {
            continue; // forgotten
        }
        let board: Vec<RecipientState> = board.into_iter().map(|r| RecipientState { next: None, ..r }).collect();
        prop_assert_eq!(&rows.values().cloned().collect::<Vec<_>>(), &board);
        let n =
            |which: &dyn Fn(&RecipientState) -> bool| u32::try_from(board.iter().filter(|r| which(r)).count()).unwrap();
        let trouble = |r: &RecipientState| r.trouble.as_deref().is_some_and(|t| t != "overtaken");
        let counted = Counts {
            recipients: n(&|_| true),
            queued: n(&|r| r.reached == Reached::Queued),
            sent: n(&|r| r.reached == Reached::Sent),
            delivered: n(&|r| r.reached == Reached::Delivered),
            shown: n(&|r| r.reached == Reached::Shown),
            acknowledged: n(&|r| r.acknowledged_at.is_some()),
            owing: n(&|r| r.owes),
            escalated: n(&|r| r.escalated),
            unreachable: n(&|r| r.unreachable),
            excused: n(&|r| r.excused),
            silent: n(&|r| r.silent),
            trouble: n(&|r| trouble(r)),
        };
        prop_assert_eq!(play.w.d.counts(*notice), counted);
        // Whoever needs somebody, the most pressing first.
        let need = |r: &RecipientState| [r.silent, r.escalated, trouble(r), r.owes].iter().position(|is| *is);
        let mut needing: Vec<(usize, PersonId)> =
            board.iter().filter_map(|r| Some((need(r)?, r.person.clone()))).collect();
        needing.sort();
        let needing: Vec<PersonId> = needing.into_iter().map(|(_, p)| p).collect();
        prop_assert_eq!(play.w.d.needing(*notice, 99).into_iter().cloned().collect::<Vec<_>>(), needing);
        for leader in PEOPLE.map(pid) {
            let of = board.iter().filter(|r| r.escalated_to.as_ref() == Some(&leader)).map(|r| r.person.clone());
            prop_assert_eq!(play.w.d.told(*notice, &leader).cloned().collect::<Vec<_>>(), of.collect::<Vec<_>>());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_changed_rows_fold_to_the_board_and_the_counts_are_those_of_the_board(
        script in prop::collection::vec(doing(), 1..80),
        snapshot in 0usize..80,
    ) {
        let mut play = Play::new();
        let mut page = BTreeMap::new();
        for (k, what) in script.iter().enumerate() {
            play.go(what);
            fold(&mut play, &mut page)?;
            if k == snapshot {
                // They are no part of the state, and follow from it.
                play.w.d = ciborium::from_reader(&cbor(&play.w.d)[..]).unwrap();
                fold(&mut play, &mut page)?;
            }
        }
    }
}

/// What is due is done: a tick leaves nothing behind that is due already, so that no timer is worked at for ever.
#[test]
fn a_tick_leaves_nothing_due() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    for _ in 0..100 {
        let script = prop::collection::vec(doing(), 1..80).new_tree(&mut runner).unwrap().current();
        let mut play = Play::new();
        for what in &script {
            play.go(what);
            play.w.pass(1);
            let (due, now) = (play.w.d.next_due(), play.w.now);
            assert!(due.is_none_or(|t| t > now), "due {due:?} at {now} after {what:?}");
        }
    }
}
