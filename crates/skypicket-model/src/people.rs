//! People and what is to be protected: [`Person`], [`Unit`], [`Agency`], their [`Directory`], [`Position`],
//! [`Protected`] and [`OwnFlight`].

use crate::{AgencyId, LatLon, PersonId, Place, Reader, Time, UnitId, delivery::Channel, ids::SourceId};
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The uid of their TAK client: binds a connection's events to this person.
    #[serde(default)]
    pub tak_uid: Option<String>,
    /// Language of texts to them: `en` or `es`.
    #[serde(default)]
    pub language: Language,
}

impl Person {
    fn default_channels() -> Vec<Channel> {
        vec![Channel::Web, Channel::Tak]
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
}

impl Directory {
    /// A person's agency, through their unit.
    pub fn agency_of(&self, person: &PersonId) -> Option<&AgencyId> {
        Some(&self.units.get(&self.people.get(person)?.unit)?.agency)
    }

    /// The person as a reader of marked things.
    pub fn reader(&self, person: &PersonId) -> Option<Reader> {
        Some(Reader {
            person: person.clone(),
            agency: self.agency_of(person)?.clone(),
            roles: self.people.get(person)?.roles.clone(),
        })
    }

    /// The people who lead `person`, nearest first, never themself: those after them on their unit's chain, or the
    /// whole chain when they are not on it.
    pub fn leaders_of(&self, person: &PersonId) -> Vec<PersonId> {
        let Some(unit) = self.people.get(person).and_then(|p| self.units.get(&p.unit)) else { return Vec::new() };
        let after = unit.leadership.iter().position(|l| l == person).map_or(0, |k| k + 1);
        unit.leadership.iter().skip(after).filter(|l| *l != person && self.people.contains_key(l)).cloned().collect()
    }

    /// Everybody with a role, in order of id.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Person> {
        self.people.values().filter(move |p| p.roles.contains(&role))
    }

    /// What does not fit together, each as one sentence; empty when all is well.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        for u in self.units.values() {
            if !self.agencies.contains_key(&u.agency) {
                found.push(format!("unit '{}' is in agency '{}', which is not defined", u.id, u.agency));
            }
            for l in &u.leadership {
                if !self.people.contains_key(l) {
                    found.push(format!("unit '{}' is led by '{l}', who is not defined", u.id));
                }
            }
        }
        let mut uids: BTreeMap<&str, &PersonId> = BTreeMap::new();
        for p in self.people.values() {
            if !self.units.contains_key(&p.unit) {
                found.push(format!("person '{}' is in unit '{}', which is not defined", p.id, p.unit));
            }
            if let Some(uid) = &p.tak_uid
                && let Some(other) = uids.insert(uid, &p.id)
            {
                found.push(format!("people '{other}' and '{}' have the same tak_uid '{uid}'", p.id));
            }
        }
        for s in self.sites.values() {
            if !self.units.contains_key(&s.unit) {
                found.push(format!("site '{}' belongs to unit '{}', which is not defined", s.id, s.unit));
            }
            if let Err(e) = s.at.check() {
                found.push(format!("site '{}': {e}", s.id));
            }
        }
        found
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
