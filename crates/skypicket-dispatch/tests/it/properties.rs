//! What holds for any sequence of inputs: a small model of the world does its worst, and afterwards every promise is
//! looked up in the log.

use crate::world::*;
use proptest::prelude::*;
use skypicket_dispatch::{Dispatcher, Policy};
use skypicket_model::{
    AgencyId, Channel, Delivery, DeliveryId, DispatchEvent, IdMaker, Level, LogId, Marking, NoticeId, NoticeState,
    PersonId, ProtectedId, ProviderResult, Reached, Tlp,
    delivery::{Outcome, Rule},
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const PEOPLE: [&str; 11] = ["a1", "a2", "mute", "b1", "boss", "lead", "chief", "w1", "w2", "super", "s9"];

/// One thing that the world does. Numbers choose among what there is at that moment.
#[derive(Debug, Clone)]
enum Doing {
    Raise(bool),
    Update { which: usize, level: u8, cleared: bool },
    Reach { who: usize, tak: bool, up: bool },
    Tell { which: usize, outcome: u8, stale: bool },
    Receipt { which: usize, who: usize, tak: bool, shown: bool, older: bool },
    Ack { which: usize, who: usize, tak: bool, older: bool },
    Pass(u8),
    Restart,
}

fn doing() -> impl Strategy<Value = Doing> {
    let who = 0..PEOPLE.len();
    let b = any::<bool>;
    prop_oneof![
        2 => b().prop_map(Doing::Raise),
        2 => (any::<usize>(), 0u8..3, prop::bool::weighted(0.25))
            .prop_map(|(which, level, cleared)| Doing::Update { which, level, cleared }),
        6 => (who.clone(), b(), b()).prop_map(|(who, tak, up)| Doing::Reach { who, tak, up }),
        8 => (any::<usize>(), 0u8..3, prop::bool::weighted(0.1))
            .prop_map(|(which, outcome, stale)| Doing::Tell { which, outcome, stale }),
        5 => (any::<usize>(), who.clone(), b(), b(), prop::bool::weighted(0.2))
            .prop_map(|(which, who, tak, shown, older)| Doing::Receipt { which, who, tak, shown, older }),
        2 => (any::<usize>(), who, b(), prop::bool::weighted(0.2))
            .prop_map(|(which, who, tak, older)| Doing::Ack { which, who, tak, older }),
        5 => (1u8..40).prop_map(Doing::Pass),
        1 => Just(Doing::Restart),
    ]
}

fn channel(tak: bool) -> Channel {
    if tak { Channel::Tak } else { Channel::Web }
}

fn nid(n: usize) -> NoticeId {
    NoticeId(Uuid::from_u128(n as u128))
}

/// The world's own books, kept apart from the engine.
struct Play {
    w: World,
    /// Version, level and end of each notice raised, by its number less one.
    notices: Vec<(u32, Level, bool)>,
    handed: Vec<Delivery>,
    up: BTreeSet<(PersonId, Channel)>,
}

impl Play {
    fn new() -> Self {
        Self { w: World::new(), notices: Vec::new(), handed: Vec::new(), up: BTreeSet::new() }
    }

    fn protected(n: usize) -> ProtectedId {
        match n % 3 {
            0 => to_site(),
            1 => to_person("a1"),
            _ => to_person("b1"),
        }
    }

    /// The second notice is for patrol only; b1 and their leader are of another agency.
    fn send(&mut self, n: usize, version: u32, state: NoticeState, level: Level, needs: bool) -> Vec<DispatchEvent> {
        let mut notice = notice(n as u128, version, state, level, needs, Self::protected(n));
        if n == 2 {
            notice.marking =
                Marking { tlp: Tlp::AmberStrict, owner: AgencyId::new("patrol").ok(), ..Marking::default() };
        }
        self.w.send(notice)
    }

    fn version(&self, n: usize, older: bool) -> u32 {
        self.notices[n - 1].0.saturating_sub(u32::from(older)).max(1)
    }

    fn pick(&self, which: usize) -> Option<usize> {
        (!self.notices.is_empty()).then(|| which % self.notices.len() + 1)
    }

    fn go(&mut self, what: &Doing) {
        let events = match *what {
            Doing::Raise(urgent) => {
                if self.notices.len() >= 4 {
                    return;
                }
                let n = self.notices.len() + 1;
                let level = if urgent { Level::Urgent } else { Level::Caution };
                self.notices.push((1, level, false));
                self.send(n, 1, NoticeState::Raised, level, true)
            }
            Doing::Update { which, level, cleared } => {
                let Some(n) = self.pick(which) else { return };
                let (version, before, over) = self.notices[n - 1];
                if over {
                    return;
                }
                let level = [Level::Advisory, Level::Caution, Level::Urgent][usize::from(level)];
                let state = if cleared { NoticeState::Cleared } else { NoticeState::Updated };
                self.notices[n - 1] = (version + 1, level, cleared);
                let needs = !cleared && level > before;
                self.send(n, version + 1, state, level, needs)
            }
            Doing::Reach { who, tak, up } => {
                let key = (pid(PEOPLE[who]), channel(tak));
                if up {
                    self.up.insert(key)
                } else {
                    self.up.remove(&key)
                };
                self.w.reach(PEOPLE[who], channel(tak), up)
            }
            Doing::Tell { which, outcome, stale } => {
                if self.handed.is_empty() {
                    return;
                }
                let d = &self.handed[which % self.handed.len()];
                let outcome = [Outcome::Accepted, Outcome::Failed("f".into()), Outcome::Ambiguous("a".into())]
                    [usize::from(outcome)]
                .clone();
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
            Doing::Restart => {
                self.up.clear();
                self.w.feed(Owned::Started)
            }
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
        let mut ids: BTreeMap<(NoticeId, u32, PersonId, Channel), DeliveryId> = BTreeMap::new();
        let mut last: BTreeMap<DeliveryId, Delivery> = BTreeMap::new();
        let mut up: BTreeSet<(PersonId, Channel)> = BTreeSet::new();
        let mut acked: BTreeSet<(NoticeId, u32, PersonId)> = BTreeSet::new();
        // For each delivery: attempts which nothing but a doubt made (no new connection, no sure failure before).
        let mut doubtful: BTreeMap<DeliveryId, u32> = BTreeMap::new();
        let mut cause = None;
        for entry in &self.w.log {
            match entry {
                Logged::Input(input, _) => {
                    match input {
                        Owned::Reach(p, c, true) => {
                            up.insert((p.clone(), *c));
                        }
                        Owned::Reach(p, c, false) => {
                            up.remove(&(p.clone(), *c));
                        }
                        Owned::Started => up.clear(),
                        _ => {}
                    }
                    cause = Some(input);
                }
                Logged::Event(DispatchEvent::Recipients { notice, version, people }) => {
                    listed.insert((*notice, *version), people.iter().map(|(p, _)| p.clone()).collect());
                    current.insert(*notice, *version);
                }
                Logged::Event(DispatchEvent::Escalated { notice, version, to: Some(to), .. }) => {
                    listed.entry((*notice, *version)).or_default().insert(to.clone());
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
                        prop_assert!(
                            up.contains(&(d.person.clone(), d.channel)),
                            "sent to a channel that is down: {d:?}"
                        );
                        let foreign = ["b1", "boss", "mute"].contains(&d.person.as_str());
                        prop_assert!(d.notice != nid(2) || !foreign, "sent to one who may not see it: {d:?}");
                        prop_assert!(d.reached < Reached::Delivered, "sent to one who has it: {d:?}");
                        let sure =
                            last.get(&d.id).is_none_or(|b| b.attempts == 0 || b.trouble.as_deref() == Some("failed"));
                        if matches!(cause, Some(Owned::Reach(..))) {
                            doubtful.insert(d.id, 0);
                        } else if !sure {
                            *doubtful.entry(d.id).or_default() += 1;
                            prop_assert!(d.may_repeat, "a repeat that is not marked: {d:?}");
                            prop_assert!(doubtful[&d.id] < Policy::default().max_ambiguous, "too many repeats: {d:?}");
                        }
                    }
                    last.insert(d.id, d.clone());
                }
                Logged::Event(DispatchEvent::Acknowledged { notice, version, person, .. }) => {
                    // Only because they did so themselves.
                    let own =
                        matches!(cause, Some(Owned::Acknowledge(p, n, v, _)) if (p, n, v) == (person, notice, version));
                    prop_assert!(own);
                    prop_assert!(listed[&(*notice, *version)].contains(person) || *version < current[notice]);
                    acked.insert((*notice, *version, person.clone()));
                }
                Logged::Event(_) => {}
            }
        }
        // Nobody is forgotten, and nobody's acknowledgement stands in for another's.
        for (k, (version, ..)) in self.notices.iter().enumerate() {
            let n = nid(k + 1);
            if self.w.d.version_of(n).is_none() {
                continue;
            }
            prop_assert_eq!(self.w.d.version_of(n), Some(*version));
            let board = self.w.d.board(n);
            let on: BTreeSet<PersonId> = board.iter().map(|r| r.person.clone()).collect();
            prop_assert_eq!(&on, &listed[&(n, *version)]);
            for r in board {
                let going = r.next.is_some();
                prop_assert!(r.reached >= Reached::Delivered || r.trouble.is_some() || going, "forgotten: {r:?}");
                if r.acknowledged_at.is_some() {
                    prop_assert!((1..=*version).any(|v| acked.contains(&(n, v, r.person.clone()))));
                }
            }
        }
        Ok(())
    }

    /// Lets everything come to rest, and looks at what is left.
    fn settle(&mut self) -> Result<(), TestCaseError> {
        self.w.pass(1_200);
        for (k, (_, _, over)) in self.notices.iter().enumerate() {
            for r in self.w.d.board(nid(k + 1)) {
                let has_it = r.reached >= Reached::Delivered;
                prop_assert!(has_it || r.trouble.is_some(), "neither delivered nor visibly not: {r:?}");
                // Whoever is in danger and did not confirm: told to their leaders to the end, or taken by one of them.
                if !over && matches!(r.rule, Rule::InDanger | Rule::SiteUnit) && r.acknowledged_at.is_none() {
                    prop_assert!(r.owes && (r.silent || r.escalation_answered), "{r:?}");
                }
                if r.person == pid("mute") {
                    prop_assert!(!has_it || r.attempts == 0);
                }
            }
        }
        Ok(())
    }
}

fn replay(log: &[Logged]) -> Dispatcher {
    let mut d = World::new().d;
    for entry in log {
        match entry {
            Logged::Input(i, at) => d.absorb(&i.input(), *at),
            Logged::Event(e) => d.apply(e),
        }
    }
    d
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

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
            let events = d.step(&i.input(), &mut IdMaker::new(LogId(Uuid::from_u128(1)), (split + k) as u64), *at);
            for e in events {
                let Some((_, Logged::Event(recorded))) = rest.next() else { panic!("more decided than recorded") };
                prop_assert_eq!(recorded, &e);
            }
            prop_assert!(matches!(rest.peek(), None | Some((_, Logged::Input(..)))), "less decided than recorded");
        }
        prop_assert_eq!(cbor(&d), cbor(&play.w.d));
    }

    #[test]
    fn receipts_in_any_order_and_any_number_end_the_same(
        order in prop::collection::vec((0usize..2, any::<bool>(), any::<bool>()), 0..12).prop_shuffle(),
        again in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let run = |receipts: &[(usize, bool, bool)]| {
            let mut w = World::with_web(&["a1", "a2"]);
            w.reach("a1", Channel::Tak, true);
            let events = w.send(urgent(3, to_site()));
            for d in deliveries(&events) {
                w.feed(Owned::Provider(ProviderResult { delivery: d.id, attempt: 1, outcome: Outcome::Accepted }));
            }
            for (who, tak, shown) in receipts {
                w.feed(Owned::Receipt(pid(PEOPLE[*who]), nid(3), 1, channel(*tak), *shown));
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
        prop_assert_eq!(run(&sorted), run(&repeated));
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
