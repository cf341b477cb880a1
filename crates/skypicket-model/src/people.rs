//! People and what is to be protected: [`Person`], [`Unit`], [`Agency`], their [`Directory`], [`Position`],
//! [`Protected`] and [`OwnFlight`].

use crate::{AgencyId, LatLon, PersonId, Place, Reader, Subscription, Time, UnitId, delivery::Channel, ids::SourceId};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// What a person may do. The permission table names one or more for each endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reports and is warned.
    Field,
    /// Watches: triage, alarms, people.
    Watch,
    /// Grades intelligence, drafts bulletins.
    Analyst,
    /// Leads people, approves.
    Supervisor,
    /// Connects sensors and consumers.
    Integrator,
    /// Reads everything that was recorded, changes nothing.
    Auditor,
    /// People, sources, certificates, backups.
    Administrator,
    /// No person: a siren, or a system of another house, that is sent notices. It cannot sign in, is asked for no
    /// acknowledgement, and has no other role.
    Device,
}

/// An agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agency {
    /// Its id.
    pub id: AgencyId,
    /// Its name as shown.
    pub name: String,
}

/// A unit with one ordered chain of leaders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Its id.
    pub id: UnitId,
    /// Its name as shown.
    pub name: String,
    /// Its agency.
    pub agency: AgencyId,
    /// Unit leader first; "supervisor" is the next on it.
    #[serde(default)]
    pub leadership: Vec<PersonId>,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Their id.
    pub id: PersonId,
    /// Call-sign or role as shown; not needed to be a real name.
    pub name: String,
    /// Their unit.
    pub unit: UnitId,
    /// What they may do.
    pub roles: BTreeSet<Role>,
    /// Channels in the order in which they are tried.
    #[serde(default = "Person::default_channels")]
    pub channels: Vec<Channel>,
    /// Where they are reached over channels that need an address.
    #[serde(default, skip_serializing_if = "Addresses::is_empty")]
    pub addresses: Addresses,
    /// What they asked to be told of besides what concerns them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscriptions: Vec<Subscription>,
    /// The uid of their TAK client: binds a connection's events to this person.
    #[serde(default)]
    pub tak_uid: Option<String>,
    /// Language of texts to them: `en` or `es`.
    #[serde(default)]
    pub language: Language,
    /// Shut out: cannot sign in, is sent nothing, leads nobody; stays in the directory for what they did.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

impl Person {
    fn default_channels() -> Vec<Channel> {
        vec![Channel::Web, Channel::Push, Channel::Tak]
    }
}

/// Where a person is reached; never shown but to those who keep people, never logged.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Addresses {
    /// Mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Telephone number for short messages, as E.164 writes it: `+` and 7 to 15 digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms: Option<String>,
    /// Id of a webhook in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<SourceId>,
    /// Id of a relay in the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relay: Option<SourceId>,
}

impl Addresses {
    /// None is known.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The address for a channel; `None` also for the channels that need none.
    pub fn of(&self, channel: Channel) -> Option<&str> {
        match channel {
            Channel::Mail => self.mail.as_deref(),
            Channel::Sms => self.sms.as_deref(),
            Channel::Webhook => self.webhook.as_ref().map(SourceId::as_str),
            Channel::Relay => self.relay.as_ref().map(SourceId::as_str),
            Channel::Web | Channel::Tak | Channel::Push | Channel::Voice => None,
        }
    }
}

/// A language that texts are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Spanish.
    Es,
}

/// A fixed place to protect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its id.
    pub id: UnitId,
    /// Its name as shown.
    pub name: String,
    /// Where.
    pub at: Place,
    /// Stand-off radius, metres; the policy's unless said.
    #[serde(default)]
    pub standoff_m: Option<f64>,
    /// The unit whose people are warned for it.
    pub unit: UnitId,
}

/// A duty roster: who is on duty when, at one post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roster {
    /// Its id.
    pub id: UnitId,
    /// Its name as shown, for instance "Watch desk".
    pub name: String,
    /// The unit whose post it is.
    pub unit: UnitId,
    /// Who is on duty when; in order of their start.
    #[serde(default)]
    pub duties: Vec<Duty>,
}

/// One person's duty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// Who.
    pub person: PersonId,
    /// From when.
    pub from: Time,
    /// Until when.
    pub until: Time,
}

impl Roster {
    /// Most duties on one roster.
    pub const MOST_DUTIES: usize = 2_000;

    /// Who is on duty at a time.
    pub fn on_duty(&self, now: Time) -> impl Iterator<Item = &PersonId> {
        self.duties.iter().filter(move |d| d.from <= now && now < d.until).map(|d| &d.person)
    }
}

/// Everybody and every fixed place that this centre knows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// Agencies by id.
    pub agencies: BTreeMap<AgencyId, Agency>,
    /// Units by id.
    pub units: BTreeMap<UnitId, Unit>,
    /// People by id.
    pub people: BTreeMap<PersonId, Person>,
    /// Sites by id.
    #[serde(default)]
    pub sites: BTreeMap<UnitId, Site>,
    /// Duty rosters by id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rosters: BTreeMap<UnitId, Roster>,
}

/// One change of the directory, as somebody asks for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum DirectoryChange {
    /// An agency, new or changed.
    PutAgency {
        /// It.
        agency: Agency,
    },
    /// An agency goes.
    RemoveAgency {
        /// Which.
        agency: AgencyId,
    },
    /// A unit, new or changed.
    PutUnit {
        /// It.
        unit: Unit,
    },
    /// A unit goes.
    RemoveUnit {
        /// Which.
        unit: UnitId,
    },
    /// A person, new or changed.
    PutPerson {
        /// They.
        person: Person,
    },
    /// A person goes.
    RemovePerson {
        /// Who.
        person: PersonId,
    },
    /// What a person asked to be told of, all of it; the rest of them stays as it is.
    PutSubscriptions {
        /// Who.
        person: PersonId,
        /// What.
        items: Vec<Subscription>,
    },
    /// A roster, new or changed.
    PutRoster {
        /// It.
        roster: Roster,
    },
    /// A roster goes.
    RemoveRoster {
        /// Which.
        roster: UnitId,
    },
}

impl Directory {
    /// A person's agency, through their unit.
    pub fn agency_of(&self, person: &PersonId) -> Option<&AgencyId> {
        Some(&self.units.get(&self.people.get(person)?.unit)?.agency)
    }

    /// The person as a reader of marked things; nobody who is shut out.
    pub fn reader(&self, person: &PersonId) -> Option<Reader> {
        let p = self.active(person)?;
        Some(Reader { person: person.clone(), agency: self.agency_of(person)?.clone(), roles: p.roles.clone() })
    }

    /// The person, unless they are shut out.
    pub fn active(&self, person: &PersonId) -> Option<&Person> {
        self.people.get(person).filter(|p| !p.disabled)
    }

    /// The people who lead `person`, nearest first, never themself: those after them on their unit's chain, or the
    /// whole chain when they are not on it.
    pub fn leaders_of(&self, person: &PersonId) -> Vec<PersonId> {
        let Some(unit) = self.people.get(person).and_then(|p| self.units.get(&p.unit)) else { return Vec::new() };
        let after = unit.leadership.iter().position(|l| l == person).map_or(0, |k| k + 1);
        unit.leadership.iter().skip(after).filter(|l| *l != person && self.active(l).is_some()).cloned().collect()
    }

    /// Everybody with a role who is not shut out, in order of id.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Person> {
        self.people.values().filter(move |p| !p.disabled && p.roles.contains(&role))
    }
}

/// Where a person said they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Who.
    pub person: PersonId,
    /// Where.
    pub at: Place,
    /// One sigma, metres.
    pub accuracy_m: f64,
    /// When they were there, by the server's clock.
    pub observed_at: Time,
    /// Through what it came: `web`, or a source id.
    pub via: SourceId,
}

/// What can be in danger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProtectedId {
    /// A person, where they last said they are.
    Person(PersonId),
    /// A fixed place.
    Site(UnitId),
}

impl ProtectedId {
    /// The person, where it is one.
    pub fn person(&self) -> Option<&PersonId> {
        match self {
            Self::Person(p) => Some(p),
            Self::Site(_) => None,
        }
    }
}

impl fmt::Display for ProtectedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(p) => write!(f, "{p}"),
            Self::Site(s) => write!(f, "{s}"),
        }
    }
}

/// A person or site to protect, where it is and how far a drone must stay away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Protected {
    /// Which.
    pub id: ProtectedId,
    /// Its name as shown.
    pub name: String,
    /// Where; a person's position is as old as `at_time` says.
    pub at: Place,
    /// One sigma of `at`, metres.
    pub accuracy_m: f64,
    /// When it was there; a site is always there.
    pub at_time: Option<Time>,
    /// Stand-off radius, metres.
    pub standoff_m: f64,
}

/// A friendly drone's flight: area, time and identity, so that it is deconflicted before anything is called a threat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnFlight {
    /// Client-made id, as text.
    pub id: String,
    /// Whose flight.
    pub unit: UnitId,
    /// Serial number that it broadcasts, where it does.
    #[serde(default)]
    pub serial: Option<String>,
    /// Middle of the area.
    pub centre: LatLon,
    /// Radius of the area, metres.
    pub radius_m: f64,
    /// From when.
    pub from: Time,
    /// Until when.
    pub until: Time,
}
