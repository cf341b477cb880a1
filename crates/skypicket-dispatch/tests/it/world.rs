//! A small centre with a clock, for the tests: it keeps the log as the record would.

use skypicket_dispatch::{Dispatcher, Input, Policy, RecipientState, Situation};
use skypicket_model::{
    About, Agency, AgencyId, Audience, Bulletin, CallStatus, Channel, Danger, Delivery, DeliveryId, Directory,
    DispatchEvent, IdMaker, LatLon, Level, LogId, Marking, Notice, NoticeId, NoticeState, Person, PersonId, Phrase,
    Place, Position, ProtectedId, ProviderResult, Role, Sheet, SourceId, Time, TrackId, Unit, UnitId, Warning,
    bulletin::Measure,
    delivery::Outcome,
    notice::NoticeFacts,
    people::{Language, Site},
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

pub(crate) fn pid(s: &str) -> PersonId {
    PersonId::new(s).unwrap()
}

/// Unit `alpha` (a1, a2, led by lead then chief) holds the site `post`; unit `bravo` (b1, led by boss) is of another
/// agency; the centre has w1 and w2, led by super, and one more supervisor, s9. `mute` has no channel.
pub(crate) fn directory() -> Directory {
    let mut d = Directory::default();
    for a in ["patrol", "guard"] {
        let id = AgencyId::new(a).unwrap();
        d.agencies.insert(id.clone(), Agency { id, name: a.into() });
    }
    for (u, agency, leaders) in [
        ("alpha", "patrol", &["lead", "chief"][..]),
        ("bravo", "guard", &["boss"]),
        ("centre", "patrol", &["super"]),
        ("staff", "patrol", &[]),
    ] {
        let id = UnitId::new(u).unwrap();
        let leadership = leaders.iter().map(|l| pid(l)).collect();
        let agency = AgencyId::new(agency).unwrap();
        d.units.insert(id.clone(), Unit { id, name: u.into(), agency, leadership });
    }
    for (p, unit, role) in [
        ("a1", "alpha", Role::Field),
        ("a2", "alpha", Role::Field),
        ("mute", "bravo", Role::Field),
        ("b1", "bravo", Role::Field),
        ("boss", "bravo", Role::Supervisor),
        ("lead", "staff", Role::Supervisor),
        ("chief", "staff", Role::Supervisor),
        ("w1", "centre", Role::Watch),
        ("w2", "centre", Role::Watch),
        ("super", "centre", Role::Supervisor),
        ("s9", "staff", Role::Supervisor),
    ] {
        let channels = if p == "mute" { vec![] } else { vec![Channel::Web, Channel::Tak] };
        let (id, unit) = (pid(p), UnitId::new(unit).unwrap());
        let roles = [role].into();
        let person = Person {
            id: id.clone(),
            name: p.into(),
            unit,
            roles,
            channels,
            addresses: skypicket_model::people::Addresses::default(),
            subscriptions: Vec::new(),
            tak_uid: None,
            language: Language::En,
            disabled: false,
        };
        d.people.insert(id, person);
    }
    let id = UnitId::new("post").unwrap();
    let at = Place { lat_deg: 31.7, lon_deg: -106.4, alt_hae_m: None };
    let unit = UnitId::new("alpha").unwrap();
    d.sites.insert(id.clone(), Site { id, name: "post".into(), at, standoff_m: None, unit });
    assert_eq!(d.problems(), Vec::<String>::new());
    d
}

pub(crate) fn to_person(p: &str) -> ProtectedId {
    ProtectedId::Person(pid(p))
}

pub(crate) fn to_site() -> ProtectedId {
    ProtectedId::Site(UnitId::new("post").unwrap())
}

pub(crate) fn notice(
    n: u128,
    version: u32,
    state: NoticeState,
    level: Level,
    needs_ack: bool,
    protected: ProtectedId,
) -> Notice {
    Notice {
        id: NoticeId(Uuid::from_u128(n)),
        version,
        state,
        level,
        at: Time::default(),
        needs_ack,
        marking: Marking::default(),
        exercise: None,
        code: format!("{:04}", (n * 100 + u128::from(version)) % 10_000),
        text: String::new(),
        text_es: String::new(),
        expires_at: None,
        about: About::Warning(Warning {
            track: TrackId(Uuid::from_u128(9)),
            protected_name: protected.to_string(),
            protected,
            facts: NoticeFacts {
                distance_m: 400.0,
                bearing_deg: 90.0,
                earliest_s: 20.0,
                cpa_m: 10.0,
                p_within_30: 0.9,
                track_at: LatLon { lat_deg: 31.7, lon_deg: -106.4 },
                height_unknown: true,
                by_people_only: false,
            },
            reasons: vec![],
            because: vec![],
        }),
    }
}

/// A version of a bulletin.
pub(crate) fn bulletin(n: u128, version: u32, state: NoticeState, level: Level, audience: Vec<Audience>) -> Notice {
    let needs_ack = !state.ended();
    Notice {
        about: About::Bulletin(Bulletin {
            title: "T".into(),
            title_es: String::new(),
            audience,
            area: None,
            issued_by: pid("w1"),
            approved_by: Some(pid("super")),
            break_glass: None,
            why: String::new(),
            number: None,
            sheet: None,
        }),
        ..notice(n, version, state, level, needs_ack, to_site())
    }
}

/// The same with a checklist.
pub(crate) fn with_checklist(mut b: Notice, measures: &[&str]) -> Notice {
    let phrase = |en: &str| Phrase { en: en.into(), es: String::new() };
    let sheet = Sheet {
        template: String::new(),
        series: "OSA".into(),
        kind: phrase("Officer Safety Alert"),
        issuer: String::new(),
        known: Vec::new(),
        not_known: Vec::new(),
        measures: measures.iter().map(|m| Measure { id: (*m).into(), text: phrase(m) }).collect(),
        area_name: Phrase::default(),
        valid_from: None,
        report_to: Phrase::default(),
        contact: String::new(),
        rests_on: BTreeSet::new(),
        release_why: String::new(),
        short: Phrase::default(),
        brief: Phrase::default(),
    };
    if let About::Bulletin(about) = &mut b.about {
        about.sheet = Some(Box::new(sheet));
    }
    b
}

/// Names of measures.
pub(crate) fn measures(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|m| (*m).to_owned()).collect()
}

/// A rule that names people.
pub(crate) fn named(people: &[&str]) -> Vec<Audience> {
    vec![Audience::People { people: people.iter().map(|p| pid(p)).collect() }]
}

/// Gives somebody these channels in this order, with an address for each that needs one.
pub(crate) fn channels_of(d: &mut Directory, p: &str, channels: &[Channel]) {
    let person = d.people.get_mut(&pid(p)).unwrap();
    person.channels = channels.to_vec();
    for c in channels {
        match c {
            Channel::Mail => person.addresses.mail = Some(format!("{p}@example.org")),
            Channel::Sms => person.addresses.sms = Some("+15550100".into()),
            Channel::Webhook => person.addresses.webhook = SourceId::new("hook").ok(),
            Channel::Relay => person.addresses.relay = SourceId::new("siren").ok(),
            Channel::Web | Channel::Tak | Channel::Push | Channel::Voice => {}
        }
    }
}

/// An urgent first version.
pub(crate) fn urgent(n: u128, protected: ProtectedId) -> Notice {
    notice(n, 1, NoticeState::Raised, Level::Urgent, true, protected)
}

/// An input that owns what it needs.
#[derive(Debug, Clone)]
pub(crate) enum Owned {
    Started,
    Restored,
    Notice(Box<Notice>),
    Provider(ProviderResult),
    Reach(PersonId, Channel, bool),
    Receipt(PersonId, NoticeId, u32, Channel, bool),
    Acknowledge(PersonId, NoticeId, u32, Channel),
    Channel(Channel, bool),
    /// By whom, whom.
    Call(PersonId, PersonId, NoticeId, u32, CallStatus),
    Measures(PersonId, NoticeId, u32, BTreeSet<String>),
    Tick,
    /// Who is who from now on.
    Directory(Box<Directory>),
    /// What is decided by from now on.
    Policy(Box<Policy>),
}

impl Owned {
    /// What dispatch takes; `None` for what it is only told.
    fn input(&self) -> Option<Input<'_>> {
        Some(match self {
            Self::Started => Input::Started,
            Self::Restored => Input::Restored,
            Self::Notice(n) => Input::Notice(n),
            Self::Provider(r) => Input::Provider(r),
            Self::Reach(person, channel, up) => Input::Reach { person, channel: *channel, up: *up },
            Self::Receipt(person, n, v, c, shown) => {
                Input::Receipt { person, notice: *n, version: *v, channel: *c, shown: *shown }
            }
            Self::Acknowledge(person, n, v, c) => Input::Acknowledge { person, notice: *n, version: *v, channel: *c },
            Self::Channel(channel, up) => Input::Channel { channel: *channel, up: *up },
            Self::Call(by, person, n, v, status) => {
                Input::Call { by, person, notice: *n, version: *v, status: *status }
            }
            Self::Measures(person, n, v, done) => Input::Measures { person, notice: *n, version: *v, done },
            Self::Tick => Input::Tick,
            Self::Directory(_) | Self::Policy(_) => return None,
        })
    }

    fn tell(&self, d: &mut Dispatcher) {
        match self {
            Self::Directory(directory) => d.configure(directory),
            Self::Policy(policy) => d.set_policy((**policy).clone()),
            _ => {}
        }
    }

    /// As in normal running; `entry` is its number in the log.
    pub(crate) fn live(
        &self,
        d: &mut Dispatcher,
        situation: Situation<'_>,
        entry: usize,
        at: Time,
    ) -> Vec<DispatchEvent> {
        self.tell(d);
        let mut ids = IdMaker::new(LogId(Uuid::from_u128(1)), entry as u64);
        self.input().map_or_else(Vec::new, |i| d.step(&i, situation, &mut ids, at))
    }

    /// As it is read from history.
    pub(crate) fn past(&self, d: &mut Dispatcher, at: Time) {
        self.tell(d);
        if let Some(input) = self.input() {
            d.absorb(&input, at);
        }
    }
}

/// One entry of the log.
#[derive(Debug, Clone)]
pub(crate) enum Logged {
    Input(Owned, Time),
    Event(DispatchEvent),
}

pub(crate) struct World {
    pub(crate) d: Dispatcher,
    pub(crate) now: Time,
    pub(crate) log: Vec<Logged>,
    pub(crate) directory: Directory,
    pub(crate) positions: BTreeMap<PersonId, Position>,
    pub(crate) dangers: Vec<Danger>,
}

impl World {
    pub(crate) fn new() -> Self {
        let mut d = Dispatcher::new(Policy::default());
        d.configure(&directory());
        Self {
            d,
            now: Time::from_micros(1_000_000_000),
            log: Vec::new(),
            directory: directory(),
            positions: BTreeMap::new(),
            dangers: Vec::new(),
        }
    }

    /// With the directory changed from the start on.
    pub(crate) fn with(change: impl FnOnce(&mut Directory)) -> Self {
        let mut w = Self::new();
        w.change(change);
        w
    }

    /// Changes the directory.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Directory)) {
        change(&mut self.directory);
        assert_eq!(self.directory.problems(), Vec::<String>::new());
        self.feed(Owned::Directory(Box::new(self.directory.clone())));
    }

    /// Changes the policy.
    pub(crate) fn policy(&mut self, change: impl FnOnce(&mut Policy)) {
        let mut policy = self.d.policy().clone();
        change(&mut policy);
        policy.check().unwrap();
        self.feed(Owned::Policy(Box::new(policy)));
    }

    pub(crate) fn channel(&mut self, c: Channel, up: bool) -> Vec<DispatchEvent> {
        self.feed(Owned::Channel(c, up))
    }

    pub(crate) fn call(&mut self, by: &str, p: &str, n: u128, version: u32, status: CallStatus) -> Vec<DispatchEvent> {
        self.feed(Owned::Call(pid(by), pid(p), NoticeId(Uuid::from_u128(n)), version, status))
    }

    /// A receipt over a channel: the person's machine has it.
    pub(crate) fn got(&mut self, p: &str, n: u128, version: u32, channel: Channel) -> Vec<DispatchEvent> {
        self.feed(Owned::Receipt(pid(p), NoticeId(Uuid::from_u128(n)), version, channel, false))
    }

    /// Somebody says what they have done.
    pub(crate) fn tick_off(&mut self, p: &str, n: u128, version: u32, done: &[&str]) -> Vec<DispatchEvent> {
        self.feed(Owned::Measures(pid(p), NoticeId(Uuid::from_u128(n)), version, measures(done)))
    }

    /// A provider takes everything that was handed over to it.
    pub(crate) fn accept_all(&mut self, events: &[DispatchEvent]) {
        for d in deliveries(events) {
            self.tell(d.id, d.attempts, Outcome::Accepted);
        }
    }

    /// With these people's web channel up.
    pub(crate) fn with_web(people: &[&str]) -> Self {
        let mut w = Self::new();
        for p in people {
            assert_eq!(w.reach(p, Channel::Web, true), vec![]);
        }
        w
    }

    pub(crate) fn feed(&mut self, input: Owned) -> Vec<DispatchEvent> {
        let dangers = || self.dangers.clone();
        let situation = Situation { positions: &self.positions, dangers: &dangers };
        let events = input.live(&mut self.d, situation, self.log.len(), self.now);
        self.log.push(Logged::Input(input, self.now));
        self.log.extend(events.iter().cloned().map(Logged::Event));
        events
    }

    pub(crate) fn send(&mut self, mut n: Notice) -> Vec<DispatchEvent> {
        n.at = self.now;
        self.feed(Owned::Notice(Box::new(n)))
    }

    pub(crate) fn reach(&mut self, p: &str, c: Channel, up: bool) -> Vec<DispatchEvent> {
        self.feed(Owned::Reach(pid(p), c, up))
    }

    /// Lets so many seconds pass, a tick each.
    pub(crate) fn pass(&mut self, seconds: u32) -> Vec<DispatchEvent> {
        let mut all = Vec::new();
        for _ in 0..seconds {
            self.now = self.now.plus_s(1.0);
            all.extend(self.feed(Owned::Tick));
        }
        all
    }

    pub(crate) fn tell(&mut self, id: DeliveryId, attempt: u32, outcome: Outcome) -> Vec<DispatchEvent> {
        self.feed(Owned::Provider(ProviderResult { delivery: id, attempt, outcome }))
    }

    pub(crate) fn shown(&mut self, p: &str, n: u128, version: u32) -> Vec<DispatchEvent> {
        self.feed(Owned::Receipt(pid(p), NoticeId(Uuid::from_u128(n)), version, Channel::Web, true))
    }

    pub(crate) fn ack(&mut self, p: &str, n: u128, version: u32) -> Vec<DispatchEvent> {
        self.feed(Owned::Acknowledge(pid(p), NoticeId(Uuid::from_u128(n)), version, Channel::Web))
    }

    pub(crate) fn row(&self, n: u128, p: &str) -> RecipientState {
        self.d.recipient(NoticeId(Uuid::from_u128(n)), &pid(p)).unwrap_or_else(|| panic!("{p} is not on the list"))
    }
}

/// The attempts among events: to whom, over what, which, and whether marked "may repeat".
pub(crate) fn attempts(events: &[DispatchEvent]) -> Vec<(String, Channel, u32, bool)> {
    deliveries(events).iter().map(|d| (d.person.to_string(), d.channel, d.attempts, d.may_repeat)).collect()
}

/// The deliveries handed to channels.
pub(crate) fn deliveries(events: &[DispatchEvent]) -> Vec<Delivery> {
    let attempt = |e: &DispatchEvent| match e {
        DispatchEvent::Attempt { delivery } => Some(delivery.clone()),
        _ => None,
    };
    events.iter().filter_map(attempt).collect()
}

/// The delivery handed over to this person.
pub(crate) fn sent_to(events: &[DispatchEvent], p: &str) -> Delivery {
    let found: Vec<Delivery> = deliveries(events).into_iter().filter(|d| d.person == pid(p)).collect();
    assert_eq!(found.len(), 1, "attempts to {p} in {events:?}");
    found[0].clone()
}

/// Who was told of whose silence; `-` is nobody left.
pub(crate) fn told(events: &[DispatchEvent]) -> Vec<(String, String)> {
    let one = |e: &DispatchEvent| match e {
        DispatchEvent::Escalated { person, to, .. } => {
            Some((person.to_string(), to.as_ref().map_or("-".into(), ToString::to_string)))
        }
        DispatchEvent::Silent { person, .. } => Some((person.to_string(), "-".into())),
        _ => None,
    };
    events.iter().filter_map(one).collect()
}

/// The whole state, for comparison and as a snapshot.
pub(crate) fn cbor(d: &Dispatcher) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(d, &mut bytes).unwrap();
    bytes
}
