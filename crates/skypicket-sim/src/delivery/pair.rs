//! [`Pair`]: two centres with one directory, and the line between them, which is cut for hours (people.md section 5,
//! case 7): each has its own log, clock and engines; people's phones reach one, the other, or both in turns.
//!
//! The product has no line between centres yet. What stands in its place hands over entry by entry, in any interleaving
//! that keeps each log's order; engines, record and what a crash does are the same as for one centre. So its rules are
//! what a real line will have to do:
//!
//! # What a line between centres must do
//! - It hands over what is durable where it was made, in the order of that log. How far it has read is durable together
//!   with what it took: after a crash it reads again, and passes over what is there already.
//! - Of people's acts receipts, acknowledgements, reports and verdicts, each under the id that its maker gave it, so that
//!   what a phone posted to both, and what comes back to where it was made, is taken once. (Today an act over SMS or TAK
//!   has no such id: its log and index must stand for it.)
//! - Of a notice only the newest version that the other has by then, at the place of the first one that is news: otherwise
//!   people are alarmed by what was corrected or recalled long ago.
//! - An act goes with the time at which it was recorded first. (Here it is recorded anew, so that an acknowledgement would
//!   lapse later at the other: none lapses here.)
//! - With that version goes which one asked for acknowledgement last. (Here it does not: of a notice that was corrected and
//!   recalled in the cut, the other's board counts acknowledgements of the first version, where the one that issued it
//!   counts those of the correction. Nobody is asked any more by then, and each act is in both records.)
//! - A version is taken as it is. What was decided about a bulletin is not: an approval says what was read by the time of
//!   the log in which it was written. So a bulletin is corrected and recalled where it was issued, and a report decided
//!   where the watch is; two who decide about one thing on both sides of a cut need an order that nothing here gives.
//! - What a phone says of a notice that its centre does not know yet (`not_found`, `unknown_version`) is no refusal: the
//!   phone keeps it and says it again.
//! - Not what engines decide: each centre sends, reminds and escalates by itself. A call on somebody's behalf is not
//!   handed over either: it would be refused of a notice that is over here by now.

use crate::{
    delivery::{
        Breach, cast,
        centre::{Centre, Message, Waiter},
        engines::{Drone, Sky},
    },
    rng::Rng,
};
use skypicket_dispatch::{Policy, policy::LevelsMaybe};
use skypicket_model::{
    Act, Audience, Body, BulletinAct, BulletinContent, Channel, DispatchEvent, Level, LogId, Marking, NoticeId,
    PersonId, ProtectedId, ProviderResult, Reached, Request, RequestId, Sighting, SightingId, Time, Triage, UnitId,
    Verdict,
    delivery::{Outcome, Rule},
    entry::{ActEntry, ChannelState},
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

const BEGINNING: Time = Time::from_micros(1_772_949_600_000_000);
/// One step of the world, seconds.
const STEP_S: f64 = 5.0;
/// Seconds in which what a centre's people could have is on their phones while everything there works.
const SOON_S: f64 = 300.0;
/// How long the world goes on after the line is whole again, seconds.
const AFTER_S: f64 = 7_200.0;
/// Most entries that a centre takes from the other in one step.
const MOST_TAKEN: u64 = 4;

/// A fault of the line, on purpose, to see that it is found. The engines are never touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadLine {
    /// Every version is handed over, also those that a newer one has replaced by then.
    EveryVersion,
    /// How far it has read is kept beside the record, so that a crash loses what was read and not yet durable.
    ForgetsInACrash,
    /// What is there already is taken again.
    TakesTwice,
    /// Receipts and acknowledgements stay where they were made.
    NoticesAlone,
}

impl BadLine {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::EveryVersion, Self::ForgetsInACrash, Self::TakesTwice, Self::NoticesAlone];
}

/// What was counted in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PairStats {
    /// Seconds for which the line was cut.
    pub cut_s: u64,
    /// Entries that one centre took from the other.
    pub taken: u64,
    /// Crashes.
    pub crashes: u64,
    /// Messages that left a centre.
    pub messages: u64,
    /// Of those, such as a phone had already and folded.
    pub folded: u64,
    /// Times that a phone or handset alarmed.
    pub alarms: u64,
    /// Acknowledgements that a phone heard "received" for.
    pub acknowledged: u64,
    /// The same for reports.
    pub reports: u64,
    /// Acts that a phone posted to both centres, since it heard from neither that they were received.
    pub posted_to_both: u64,
    /// Versions that were made while the line was cut.
    pub made_in_the_cut: u64,
}

/// Plays a seed.
pub fn play_pair(seed: u64, bad: Option<BadLine>) -> (Vec<Breach>, PairStats) {
    let mut pair = Pair::new(seed, bad);
    pair.run();
    pair.close();
    (pair.breaches, pair.stats)
}

/// One of the two centres.
struct Side {
    centre: Centre,
    sky: Sky,
    /// By how much its clock is ahead, seconds.
    ahead_s: f64,
    /// Connections of phones, and since when.
    connected: BTreeMap<usize, Time>,
    /// Since when it works.
    up_since: Time,
    starts_at: Option<Time>,
    tick_soon: bool,
    ticked_at: Time,
    /// How far it has read in the other's record.
    cursor: usize,
    /// The newest version of each notice that is durable, and whether that is its end.
    durable: BTreeMap<NoticeId, (u32, bool)>,
    /// Acts that are durable, by their request, and how often.
    acts: BTreeMap<RequestId, u32>,
    /// Of durable entries: whose machine has which version, by its own word, and over which channel.
    has: BTreeSet<(PersonId, NoticeId, u32, Channel)>,
}

/// What a phone says until it hears "received".
struct Item {
    request: RequestId,
    act: Act,
    /// A short message goes to the centre that it answers.
    only: Option<usize>,
    not_before: Time,
}

/// A person's phone.
struct Phone {
    id: PersonId,
    /// Which centres it can reach at all.
    reaches: [bool; 2],
    /// Where it is now; `None`: nowhere.
    at: Option<usize>,
    moves_at: Time,
    attention: f64,
    /// The newest version of each notice that it knows, and whether that is its end.
    seen: BTreeMap<NoticeId, (u32, bool)>,
    alarmed: BTreeSet<(NoticeId, u32, u32)>,
    outbox: Vec<Item>,
}

/// What happens.
#[derive(Debug, Clone, Copy)]
enum Doing {
    Issue { by: usize, everybody: bool, lasts_s: f64 },
    Correct { by: usize },
    Recall { by: usize },
    Near,
    Gone,
    Report { phone: usize },
    Decide,
    Crash { which: usize },
}

struct Pair {
    bad: Option<BadLine>,
    now: Time,
    chance: Rng,
    sides: [Side; 2],
    phones: Vec<Phone>,
    numbers: BTreeMap<PersonId, usize>,
    plan: Vec<(f64, Doing)>,
    cut: (f64, f64),
    whole: bool,
    /// Who issued each bulletin, in order.
    bulletins: Vec<(NoticeId, usize)>,
    /// What was over where it was made before the line was whole, and unknown to the other.
    over_elsewhere: BTreeSet<NoticeId>,
    /// What phones heard "received" for.
    received: BTreeMap<RequestId, (PersonId, Act)>,
    /// First attempts of a version to a person over a channel, and reasons for one more.
    attempts: BTreeMap<(usize, PersonId, NoticeId, u32, Channel), u32>,
    faults: BTreeMap<(usize, PersonId), u32>,
    breaches: Vec<Breach>,
    stats: PairStats,
}

impl Pair {
    fn new(seed: u64, bad: Option<BadLine>) -> Self {
        let mut chance = Rng::at(seed, 7, 0);
        let side = |log: u128, ahead_s: f64| Side {
            centre: Centre::of(LogId(Uuid::from_u128(log))),
            sky: Sky::default(),
            ahead_s,
            connected: BTreeMap::new(),
            up_since: BEGINNING,
            starts_at: Some(BEGINNING),
            tick_soon: false,
            ticked_at: BEGINNING,
            cursor: 0,
            durable: BTreeMap::new(),
            acts: BTreeMap::new(),
            has: BTreeSet::new(),
        };
        let sides = [side(0x51_7e, 0.0), side(0x51_7f, chance.between(-300.0, 300.0))];
        let directory = cast::directory();
        let ways = [Channel::Web, Channel::Sms];
        let people = directory.people.values().filter(|p| p.channels.iter().any(|c| ways.contains(c)));
        let phones: Vec<Phone> = people
            .enumerate()
            .map(|(k, p)| Phone {
                id: p.id.clone(),
                reaches: [[true, false], [false, true], [true, true]][(k + usize::from(seed % 2 == 1)) % 3],
                at: None,
                moves_at: BEGINNING,
                attention: if chance.chance(0.2) { 0.0 } else { chance.between(0.4, 1.0) },
                seen: BTreeMap::new(),
                alarmed: BTreeSet::new(),
                outbox: Vec::new(),
            })
            .collect();
        let numbers = phones.iter().enumerate().map(|(k, p)| (p.id.clone(), k)).collect();
        let cut = chance.between(30.0, 400.0);
        let whole = cut + chance.between(7_200.0, 18_000.0);
        let plan = Self::plan(&mut chance, cut, whole, phones.len());
        Self {
            bad,
            now: BEGINNING,
            chance,
            sides,
            phones,
            numbers,
            plan,
            cut: (cut, whole),
            whole: true,
            bulletins: Vec::new(),
            over_elsewhere: BTreeSet::new(),
            received: BTreeMap::new(),
            attempts: BTreeMap::new(),
            faults: BTreeMap::new(),
            breaches: Vec::new(),
            stats: PairStats { cut_s: crate::rng::whole(whole - cut), ..PairStats::default() },
        }
    }

    /// Before the cut each centre issues a bulletin and one warns; everything else comes while the line is cut, and some
    /// of it, crashes above all, while the two find together again.
    fn plan(chance: &mut Rng, cut: f64, whole: f64, phones: usize) -> Vec<(f64, Doing)> {
        let day = 86_400.0;
        let mut plan = vec![
            (10.0, Doing::Issue { by: 0, everybody: true, lasts_s: day }),
            (15.0, Doing::Issue { by: 1, everybody: false, lasts_s: day }),
            (20.0, Doing::Near),
            (cut + 600.0, Doing::Issue { by: 0, everybody: true, lasts_s: day }),
            (cut + 900.0, Doing::Issue { by: 1, everybody: true, lasts_s: 1_800.0 }),
            (cut + chance.between(1_000.0, 6_000.0), Doing::Correct { by: 0 }),
            (cut + chance.between(1_000.0, 6_000.0), Doing::Recall { by: 1 }),
        ];
        let some = |chance: &mut Rng, k: u64| usize::try_from(chance.next() % k).unwrap_or(0);
        for _ in 0..24 {
            let at = chance.between(cut, whole + 1_200.0);
            let by = some(chance, 2);
            plan.push((
                at,
                match chance.next() % 8 {
                    0 => Doing::Issue { by, everybody: chance.chance(0.5), lasts_s: chance.between(900.0, day) },
                    1 => Doing::Correct { by },
                    2 => Doing::Recall { by },
                    3 => Doing::Gone,
                    4 => Doing::Crash { which: by },
                    5 => Doing::Decide,
                    _ => Doing::Report { phone: some(chance, phones.max(1) as u64) },
                },
            ));
        }
        // While the two find together again.
        for _ in 0..3 {
            plan.push((whole + chance.between(0.0, 200.0), Doing::Crash { which: some(chance, 2) }));
        }
        plan.sort_by(|a, b| a.0.total_cmp(&b.0));
        plan.reverse();
        plan
    }

    fn since_s(&self) -> f64 {
        self.now.since_s(BEGINNING)
    }

    fn breach(&mut self, promise: &'static str, what: String) {
        self.breaches.push(Breach { at_s: self.since_s(), promise, what });
    }

    fn clock(&self, s: usize) -> Time {
        self.now.plus_s(self.sides[s].ahead_s)
    }

    // ---- the run ----

    fn run(&mut self) {
        let end = self.cut.1 + AFTER_S;
        while self.since_s() < end {
            self.now = self.now.plus_s(STEP_S);
            let t = self.since_s();
            let whole = t < self.cut.0 || t >= self.cut.1;
            if whole && !self.whole {
                self.look_before_it_is_whole();
            }
            self.whole = whole;
            while let Some((_, what)) = self.plan.pop_if(|(at, _)| *at <= t) {
                self.doing(what);
            }
            for s in 0..2 {
                self.turn(s);
            }
            for k in 0..self.phones.len() {
                self.moves(k, t >= self.cut.1 + AFTER_S / 2.0);
                self.posts(k);
            }
            if self.whole {
                for s in 0..2 {
                    for _ in 0..self.chance.next() % (MOST_TAKEN + 1) {
                        self.take(s);
                    }
                }
            }
            for s in 0..2 {
                let slow = t < end - 600.0 && self.chance.chance(0.3);
                while !slow && self.durable(s) {}
            }
        }
    }

    /// Starts what is down, and lets a second pass where something is due.
    fn turn(&mut self, s: usize) {
        if !self.sides[s].centre.alive {
            if self.sides[s].starts_at.is_some_and(|t| t <= self.now) {
                self.start(s);
            }
            return;
        }
        let clock = self.clock(s);
        let side = &self.sides[s];
        let e = &side.centre.engines;
        let ends = e.desk.bulletins().filter(|b| !b.is_over() && b.version > 0).map(|b| b.content.expires_at);
        let due = ends.chain(e.dispatcher.next_due()).any(|t| t <= clock);
        if due || side.tick_soon || self.now.since_s(side.ticked_at) >= 60.0 {
            self.sides[s].tick_soon = false;
            self.sides[s].ticked_at = self.now;
            self.input(s, Body::Tick, None);
        }
    }

    fn start(&mut self, s: usize) {
        let side = &mut self.sides[s];
        side.centre.start();
        side.starts_at = None;
        side.up_since = self.now;
        if self.bad != Some(BadLine::ForgetsInACrash) {
            // What was read and not durable is read again; what is there is passed over.
            side.cursor = 0;
        }
        let policy = Policy { lapse_s: LevelsMaybe { urgent: None, caution: None, advisory: None }, ..cast::policy(0) };
        let (started, configured) = (side.centre.started(), side.centre.configured(&policy));
        self.input(s, started, None);
        self.input(s, configured, None);
        self.input(s, Body::Positions { items: cast::positions() }, None);
        self.input(s, Body::Channel { channel: Channel::Sms, state: ChannelState::Up }, None);
        for k in 0..self.phones.len() {
            if self.phones[k].at == Some(s) {
                self.connect(s, k);
            }
        }
    }

    fn crash(&mut self, s: usize) {
        let side = &mut self.sides[s];
        if !side.centre.alive {
            return;
        }
        side.centre.crash();
        side.connected.clear();
        side.starts_at = Some(self.now.plus_s(20.0));
        self.stats.crashes += 1;
        for p in self.numbers.keys() {
            *self.faults.entry((s, p.clone())).or_default() += 1;
        }
    }

    fn input(&mut self, s: usize, body: Body, waiter: Option<Waiter>) {
        let clock = self.clock(s);
        let side = &mut self.sides[s];
        if !side.centre.alive {
            return;
        }
        side.tick_soon |=
            matches!(body, Body::Configured(_) | Body::Reach { .. } | Body::Channel { .. } | Body::Started(_));
        let commit = side.centre.input(&side.sky, clock, body, waiter);
        let decided: Vec<Body> = commit.entries.iter().map(|e| e.body.clone()).collect();
        for body in decided {
            if let Body::Dispatch(DispatchEvent::Attempt { delivery: d }) = body
                && d.reminder == 0
            {
                // What a leader said before this centre told them of anybody's silence, they said as nobody on its list.
                let row = self.sides[s].centre.engines.dispatcher.recipient(d.notice, &d.person);
                let listed = row.is_some_and(|r| r.rule != Rule::Escalation);
                if listed && self.sides[s].has.contains(&(d.person.clone(), d.notice, d.version, d.channel)) {
                    let what = format!("centre {s} sends {} v{} to {} who has it", d.notice.0, d.version, d.person);
                    self.breach("one duplicate for each centre that could not know", what);
                }
                let key = (s, d.person.clone(), d.notice, d.version, d.channel);
                let n = self.attempts.entry(key).or_default();
                *n += 1;
                let n = *n;
                let may = 1 + self.faults.get(&(s, d.person.clone())).copied().unwrap_or_default();
                if n > may {
                    let what = format!("centre {s} sent {} v{} to {} {n} times", d.notice.0, d.version, d.person);
                    self.breach("one duplicate for each centre that could not know", what);
                }
            }
        }
    }

    /// The front commit of a centre is on its disk: what waits for that leaves.
    fn durable(&mut self, s: usize) -> bool {
        if !self.sides[s].centre.alive {
            return false;
        }
        let Some(commit) = self.sides[s].centre.durable() else { return false };
        for entry in &commit.entries {
            match &entry.body {
                Body::Notice(n) => {
                    if !self.whole && entry.cause.is_some() {
                        self.stats.made_in_the_cut += 1;
                    }
                    self.sides[s].durable.insert(n.id, (n.version, n.state.ended()));
                }
                Body::Act(a) => {
                    let Some(r) = &a.request else { continue };
                    let times = self.sides[s].acts.entry(r.id).or_default();
                    *times += 1;
                    let times = *times;
                    if times > 1 {
                        self.breach("each report once", format!("centre {s} has the act {} {times} times", r.id.0));
                    }
                    let (notice, version, channel) = match &a.act {
                        Act::Receipt { notice, version, channel, .. }
                        | Act::Acknowledge { notice, version, channel } => (*notice, *version, *channel),
                        _ => continue,
                    };
                    self.sides[s].has.insert((a.by.clone(), notice, version, channel));
                }
                _ => {}
            }
        }
        for message in commit.messages {
            self.leaves(s, &message);
        }
        for waiter in commit.waiters {
            self.replies(s, &waiter);
        }
        true
    }

    // ---- the line between the centres ----

    /// A centre takes the next entry of the other's record that is news to it.
    fn take(&mut self, s: usize) {
        let other = 1 - s;
        if !self.sides[s].centre.alive || !self.sides[other].centre.alive {
            return;
        }
        while let Some(entry) = self.sides[other].centre.disk.get(self.sides[s].cursor) {
            let body = match &entry.body {
                Body::Act(a) => {
                    let shared = match a.act {
                        Act::Receipt { .. } | Act::Acknowledge { .. } => self.bad != Some(BadLine::NoticesAlone),
                        Act::Sighting { .. } | Act::Triage(_) => true,
                        _ => false,
                    };
                    let known = |r: &Request| self.sides[s].centre.answered.contains_key(&(a.by.clone(), r.id));
                    let news = a.request.as_ref().is_some_and(|r| !known(r) || self.bad == Some(BadLine::TakesTwice));
                    (shared && news).then(|| entry.body.clone())
                }
                Body::Notice(n) => {
                    let known = self.sides[s].centre.engines.notices.get(&n.id).map_or(0, |n| n.version);
                    let newest = self.sides[other].durable.get(&n.id).map_or(0, |(v, _)| *v);
                    let wanted = if self.bad == Some(BadLine::EveryVersion) { n.version } else { newest };
                    let found = self.sides[other].centre.disk.iter().find_map(|e| match &e.body {
                        Body::Notice(x) if x.id == n.id && x.version == wanted => Some(x.clone()),
                        _ => None,
                    });
                    found.filter(|x| x.version > known).map(Body::Notice)
                }
                _ => None,
            };
            self.sides[s].cursor += 1;
            if let Some(body) = body {
                self.stats.taken += 1;
                self.input(s, body, None);
                return;
            }
        }
    }

    // ---- phones ----

    fn connect(&mut self, s: usize, k: usize) {
        if self.sides[s].centre.alive {
            self.sides[s].connected.insert(k, self.now);
            let person = self.phones[k].id.clone();
            self.input(s, Body::Reach { person, channel: Channel::Web, up: true }, None);
        }
    }

    /// Goes to the other centre, out of reach, or comes back; at the end everybody is where they can be.
    fn moves(&mut self, k: usize, settled: bool) {
        if self.phones[k].moves_at > self.now {
            return;
        }
        let stays_s = if settled { 900.0 } else { self.chance.between(120.0, 2_400.0) };
        let before = self.phones[k].at;
        let next = match self.phones[k].reaches {
            [true, true] => Some(usize::from(before == Some(0))),
            [true, false] => Some(0),
            _ => Some(1),
        };
        let away = !settled && self.chance.chance(0.25);
        let next = if away { None } else { next };
        self.phones[k].moves_at = self.now.plus_s(stays_s);
        if next == before {
            return;
        }
        let person = self.phones[k].id.clone();
        if let Some(s) = before {
            *self.faults.entry((s, person.clone())).or_default() += 1;
            if self.sides[s].connected.remove(&k).is_some() {
                self.input(s, Body::Reach { person, channel: Channel::Web, up: false }, None);
            }
        }
        self.phones[k].at = next;
        if let Some(s) = next {
            self.connect(s, k);
        }
    }

    /// A message leaves a centre, and comes at once to a phone that is there.
    fn leaves(&mut self, s: usize, m: &Message) {
        let d = &m.delivery;
        let Some(&k) = self.numbers.get(&d.person) else { return };
        self.stats.messages += 1;
        let ended = m.notice.state.ended();
        if self.sides[s].durable.get(&d.notice).is_some_and(|(v, _)| *v > d.version) {
            self.breach("newest only", format!("centre {s} sends v{} of {} late", d.version, d.notice.0));
        }
        if !ended && self.over_elsewhere.contains(&d.notice) {
            self.breach("alarmed by what was recalled", format!("centre {s} sends {} v{}", d.notice.0, d.version));
        }
        let there = d.channel == Channel::Sms || self.sides[s].connected.contains_key(&k);
        let outcome = if there { Outcome::Accepted } else { Outcome::Failed("no page open".into()) };
        let result = ProviderResult { delivery: d.id, attempt: d.attempts, outcome };
        self.input(s, Body::Provider(result), None);
        if !there {
            return;
        }
        let alarm = (d.notice, d.version, d.reminder);
        let phone = &mut self.phones[k];
        let (newest, over) = phone.seen.get(&d.notice).copied().unwrap_or_default();
        let stale = newest > d.version || over;
        phone.seen.insert(d.notice, (newest.max(d.version), over || ended));
        // A handset folds nothing, and shows what a page knows to be over.
        let web = d.channel == Channel::Web;
        let first = phone.alarmed.insert(alarm);
        let folded = web && (!first || stale);
        self.stats.folded += u64::from(folded);
        let attention = phone.attention;
        let (notice, version, channel) = (d.notice, d.version, d.channel);
        self.say(k, s, Act::Receipt { notice, version, channel, shown: web }, channel, 1.0);
        if !folded && !ended {
            self.stats.alarms += 1;
            if m.notice.needs_ack && self.chance.chance(attention) {
                let in_s = self.chance.between(5.0, 600.0);
                self.say(k, s, Act::Acknowledge { notice, version, channel }, channel, in_s);
            }
        }
    }

    fn say(&mut self, k: usize, s: usize, act: Act, channel: Channel, in_s: f64) {
        let only = (channel == Channel::Sms).then_some(s);
        let item = Item { request: RequestId(self.chance.id(self.now)), act, only, not_before: self.now.plus_s(in_s) };
        let known = |i: &Item| i.act == item.act && i.only == only;
        if !self.phones[k].outbox.iter().any(known) {
            self.phones[k].outbox.push(item);
        }
    }

    /// A phone posts what it keeps to whichever centre it reaches.
    fn posts(&mut self, k: usize) {
        let at = self.phones[k].at.filter(|s| self.sides[*s].connected.contains_key(&k));
        let person = self.phones[k].id.clone();
        let due: Vec<(RequestId, Act, Option<usize>)> = self.phones[k]
            .outbox
            .iter()
            .filter(|i| i.not_before <= self.now)
            .map(|i| (i.request, i.act.clone(), i.only))
            .collect();
        for (request, act, only) in due {
            let Some(s) = only.or(at).filter(|s| self.sides[*s].centre.alive) else { continue };
            let waiter = Waiter { person: person.clone(), request };
            if self.sides[s].centre.answered.contains_key(&(person.clone(), request)) {
                // The same answer, no sooner than the first.
                if self.sides[s].acts.contains_key(&request) {
                    self.replies(s, &waiter);
                }
                continue;
            }
            let e = &self.sides[s].centre.engines;
            let refused = match &act {
                Act::Receipt { notice, version, .. } => e.dispatcher.check_receipt(&person, *notice, *version),
                Act::Acknowledge { notice, version, .. } => e.dispatcher.check_acknowledge(&person, *notice, *version),
                other => e.desk.check(&person, other, self.clock(s)),
            };
            match refused.map_err(|r| r.code) {
                Ok(()) => {
                    let at_both = self.sides[1 - s].centre.answered.contains_key(&(person.clone(), request));
                    self.stats.posted_to_both += u64::from(at_both);
                    let kept = Request { id: request, sha256: String::new(), status: 200, answer: String::new() };
                    let entry = ActEntry { by: person.clone(), via: "web".into(), request: Some(kept), act };
                    self.input(s, Body::Act(entry), Some(waiter));
                }
                // The centre does not know it yet.
                Err("not_found" | "unknown_version") => {}
                Err(_) => self.phones[k].outbox.retain(|i| i.request != request),
            }
        }
    }

    /// "Received" comes to a phone, or is lost on its way.
    fn replies(&mut self, s: usize, waiter: &Waiter) {
        let Some(&k) = self.numbers.get(&waiter.person) else { return };
        let Some(i) = self.phones[k].outbox.iter().position(|i| i.request == waiter.request) else { return };
        let there = self.phones[k].outbox[i].only.is_some() || self.sides[s].connected.contains_key(&k);
        if !there || self.chance.chance(0.3) {
            // At times it is lost because the phone goes to the other centre.
            if there && self.chance.chance(0.3) {
                self.phones[k].moves_at = self.now;
            }
            return;
        }
        let item = self.phones[k].outbox.remove(i);
        match item.act {
            Act::Acknowledge { .. } => self.stats.acknowledged += 1,
            Act::Sighting { .. } => self.stats.reports += 1,
            _ => {}
        }
        self.received.insert(item.request, (waiter.person.clone(), item.act));
    }

    // ---- what happens ----

    fn doing(&mut self, what: Doing) {
        match what {
            Doing::Issue { by, everybody, lasts_s } => {
                let notice = NoticeId(self.chance.id(self.now));
                let content = Box::new(self.content(by, everybody, lasts_s));
                self.act(by, "ana", Act::Bulletin(BulletinAct::Propose { notice, content }));
                if self.approve(by, notice) {
                    self.bulletins.push((notice, by));
                }
            }
            Doing::Correct { by } => {
                let Some(notice) = self.in_force(by) else { return };
                let Some(old) = self.sides[by].centre.engines.desk.bulletin(notice) else { return };
                let content = Box::new(BulletinContent { text: "It is another place.".into(), ..old.content.clone() });
                let why = "it moved".to_owned();
                self.act(by, "ana", Act::Bulletin(BulletinAct::Correct { notice, read: None, content, why }));
                self.approve(by, notice);
            }
            Doing::Recall { by } => {
                if let Some(notice) = self.in_force(by) {
                    let why = "it was wrong".to_owned();
                    self.act(by, "w1", Act::Bulletin(BulletinAct::Recall { notice, why }));
                }
            }
            Doing::Near => {
                let Ok(person) = PersonId::new("a1") else { return };
                let drone = Drone { whom: ProtectedId::Person(person), level: Level::Urgent, gone: false };
                self.sides[0].sky.drones.insert(1, drone);
                self.input(0, Body::Observations { items: Vec::new() }, None);
            }
            Doing::Gone => {
                if let Some(d) = self.sides[0].sky.drones.get_mut(&1) {
                    d.gone = true;
                }
                self.input(0, Body::Observations { items: Vec::new() }, None);
            }
            Doing::Report { phone } => {
                let k = phone % self.phones.len().max(1);
                let id = SightingId(self.chance.id(self.now));
                let Some(sighting) = report(id, &self.phones[k].id, self.now) else { return };
                self.say(k, 0, Act::Sighting { sighting: Box::new(sighting) }, Channel::Web, 0.0);
            }
            Doing::Decide => {
                // The watch that decides about reports sits at the first centre.
                let desk = &self.sides[0].centre.engines.desk;
                let Some(s) = desk.sightings().find(|s| s.verdict == Verdict::New).map(|s| s.sighting.id) else {
                    return;
                };
                let verdict = if self.chance.chance(0.5) { Verdict::Confirmed } else { Verdict::Dismissed };
                self.act(0, "w1", Act::Triage(Triage { sighting: s, verdict, why: "a bird".into() }));
            }
            Doing::Crash { which } => self.crash(which),
        }
    }

    fn content(&self, by: usize, everybody: bool, lasts_s: f64) -> BulletinContent {
        let unit = UnitId::new("alpha").ok().filter(|_| !everybody);
        let rule = unit.map_or(Audience::Everybody {}, |unit| Audience::Unit { unit, leadership: true });
        BulletinContent {
            title: "Officer Safety Alert".into(),
            title_es: String::new(),
            text: "Drones may carry explosives.".into(),
            text_es: String::new(),
            level: Level::Urgent,
            audience: vec![rule],
            area: None,
            marking: Marking::default(),
            expires_at: self.clock(by).plus_s(lasts_s),
            needs_ack: true,
            recall_text: String::new(),
            recall_text_es: String::new(),
            sheet: None,
        }
    }

    /// Somebody at a centre does something; whether it could be taken.
    fn act(&mut self, s: usize, by: &str, act: Act) -> bool {
        let (Ok(by), true) = (PersonId::new(by), self.sides[s].centre.alive) else { return false };
        let now = self.clock(s);
        if self.sides[s].centre.engines.desk.check(&by, &act, now).is_err() {
            return false;
        }
        let id = RequestId(self.chance.id(self.now));
        let kept = Request { id, sha256: String::new(), status: 200, answer: String::new() };
        self.input(s, Body::Act(ActEntry { by, via: "web".into(), request: Some(kept), act }), None);
        true
    }

    fn approve(&mut self, s: usize, notice: NoticeId) -> bool {
        let waits = self.sides[s].centre.engines.desk.bulletin(notice).and_then(|b| b.waiting());
        let Some((_, read, _)) = waits else { return false };
        self.act(s, "w1", Act::Bulletin(BulletinAct::Approve { notice, read, unseen: 0, unseen_marking: None }))
    }

    /// A bulletin that this centre issued and that is in force.
    fn in_force(&mut self, by: usize) -> Option<NoticeId> {
        let desk = &self.sides[by].centre.engines.desk;
        let open: Vec<NoticeId> =
            desk.bulletins().filter(|b| b.version > 0 && !b.is_over()).map(|b| b.notice).collect();
        let k = usize::try_from(self.chance.next()).unwrap_or(0);
        open.get(k % open.len().max(1)).copied()
    }

    // ---- the books ----

    /// Both went on working while the line was cut; and what is over by now must alarm nobody at the other.
    fn look_before_it_is_whole(&mut self) {
        for s in 0..2 {
            let (side, other) = (&self.sides[s], &self.sides[1 - s]);
            let unknown = side.durable.iter().filter(|(id, (_, ended))| *ended && !other.durable.contains_key(*id));
            self.over_elsewhere.extend(unknown.map(|(id, _)| *id));
        }
        let mut wrong = Vec::new();
        for (s, side) in self.sides.iter().enumerate() {
            let long = |t: Time| self.now.since_s(t) >= SOON_S;
            if !side.centre.alive || !long(side.up_since) {
                continue;
            }
            let e = &side.centre.engines;
            for n in e.notices.values().filter(|n| !n.state.ended() && self.now.since_s(n.at) >= 2.0 * SOON_S) {
                for r in e.dispatcher.board(n.id) {
                    let Some(k) = self.numbers.get(&r.person) else { continue };
                    let there = side.connected.get(k).is_some_and(|t| long(*t));
                    let has = self.phones[*k].seen.get(&n.id).is_some_and(|(v, _)| *v >= n.version);
                    if there && !has {
                        wrong.push(format!("centre {s} did not bring {} v{} to {}", n.id.0, n.version, r.person));
                    }
                }
            }
        }
        for what in wrong {
            self.breach("both keep working", what);
        }
    }

    fn close(&mut self) {
        for s in 0..2 {
            while self.durable(s) {}
            if !self.sides[s].centre.alive {
                self.breach("both keep working", format!("centre {s} is down at the end"));
            }
        }
        let mut wrong: Vec<(&'static str, String)> = Vec::new();
        for phone in &self.phones {
            let old = |i: &&Item| self.now.since_s(i.not_before) >= SOON_S;
            if let Some(i) = phone.outbox.iter().find(old) {
                wrong.push(("queue", format!("{} still keeps {:?}", phone.id, i.act)));
            }
        }
        let [a, b] = &self.sides;
        // Whatever somebody heard "received" for is in both records.
        for (request, (person, act)) in &self.received {
            for (s, side) in [a, b].into_iter().enumerate() {
                if !side.acts.contains_key(request) {
                    wrong.push(("nothing lost", format!("centre {s} has not what {person} said: {act:?}")));
                }
            }
        }
        // Each report once, and decided as it was decided.
        let reports = |side: &Side| -> BTreeMap<SightingId, (Verdict, Option<PersonId>)> {
            let all = side.centre.engines.desk.sightings();
            all.map(|s| (s.sighting.id, (s.verdict, s.decided_by.clone()))).collect()
        };
        if reports(a) != reports(b) {
            wrong.push(("each report once", format!("{:?}\nand {:?}", reports(a), reports(b))));
        }
        // The same versions, also of what the other made.
        if a.durable != b.durable {
            wrong.push(("the same versions", format!("{:?}\nand {:?}", a.durable, b.durable)));
        }
        for id in a.durable.keys() {
            wrong.extend(self.compare(*id));
        }
        for (s, side) in self.sides.iter().enumerate() {
            wrong
                .extend(side.centre.recompute().into_iter().map(|w| ("same record, same result", format!("{s}: {w}"))));
        }
        for (promise, what) in wrong {
            self.breach(promise, what);
        }
    }

    /// Both know the same of everybody whom a notice is for. (A leader who was told of somebody's silence by one centre
    /// is on that one's list alone: silence is not handed over.)
    fn compare(&self, id: NoticeId) -> Vec<(&'static str, String)> {
        let boards = [0, 1].map(|s| self.sides[s].centre.engines.dispatcher.board(id));
        let mut wrong = Vec::new();
        if boards.iter().any(Vec::is_empty) {
            // Over for long: forgotten.
            return wrong;
        }
        let [first, second] = boards;
        let of = |r: &&skypicket_dispatch::RecipientState| r.rule != Rule::Escalation;
        let second: BTreeMap<_, _> = second.iter().filter(of).map(|r| (r.person.clone(), r)).collect();
        let (version, over) = self.sides[0].durable.get(&id).copied().unwrap_or_default();
        for r in first.iter().filter(of) {
            let Some(o) = second.get(&r.person) else {
                wrong.push(("the same list", format!("{} of {} is on one list alone", r.person, id.0)));
                continue;
            };
            // Once it is over, one that was passed over a correction counts what was acknowledged before that one.
            if !over && r.acknowledged_at.is_some() != o.acknowledged_at.is_some() {
                wrong.push((
                    "the same acknowledgements",
                    format!("{} of {} v{version}: {r:?}\nand {o:?}", r.person, id.0),
                ));
            }
            let told =
                self.sides.iter().any(|s| s.has.iter().any(|(p, n, v, _)| (p, *n, *v) == (&r.person, id, version)));
            if told && (r.reached < Reached::Delivered || o.reached < Reached::Delivered) {
                wrong.push(("delivered is known", format!("{} of {} v{version}: {r:?}\nand {o:?}", r.person, id.0)));
            }
            for (s, r) in [(0, r), (1, *o)] {
                let seen = r.reached >= Reached::Delivered || r.trouble.is_some() || r.next.is_some() || r.silent;
                if !seen {
                    wrong.push(("delivered or visibly not", format!("centre {s}, {}: {r:?}", r.person)));
                }
            }
        }
        wrong
    }
}

/// A report with nothing in it that was not seen.
fn report(id: SightingId, reporter: &PersonId, now: Time) -> Option<Sighting> {
    let value = serde_json::json!({
        "id": id, "reporter": reporter, "from": {"lat_deg": 31.7, "lon_deg": -106.4, "alt_hae_m": null},
        "from_accuracy_m": 10.0, "bearing": null, "range": "unknown", "elevation_deg": null, "kind": "unsure",
        "count": null, "activity": "unknown", "lights": null, "sound": null, "payload": null, "words": "",
        "first_seen": now, "last_seen": now, "marking": Marking::default(),
    });
    serde_json::from_value(value).ok()
}
