//! [`People`]: who is who, as dispatch asks for it.

use crate::{
    rows::Table,
    state::{Trouble, Version},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use skypicket_model::{
    AgencyId, Audience, Danger, Directory, Marking, Person, PersonId, Position, ProtectedId, Reader, Role, Time,
    UnitId, delivery::Rule, may_see,
};
use std::collections::{BTreeMap, BTreeSet};

/// The directory with the look-ups that are made for each notice.
#[derive(Debug, Clone, Default)]
pub(crate) struct People {
    directory: Directory,
    of_unit: BTreeMap<UnitId, Vec<PersonId>>,
    watch: BTreeSet<PersonId>,
    devices: BTreeSet<PersonId>,
    out: BTreeSet<PersonId>,
    /// Everybody who is not shut out, as a reader.
    readers: Table<PersonId, Reader>,
}

/// What else is known when a list is fixed: the same inputs give the same.
#[derive(Clone, Copy)]
pub struct Situation<'a> {
    /// Where people last said that they are.
    pub positions: &'a BTreeMap<PersonId, Position>,
    /// Every danger now; asked for only where a rule needs it.
    pub dangers: &'a dyn Fn() -> Vec<Danger>,
}

static NOWHERE: BTreeMap<PersonId, Position> = BTreeMap::new();

impl Default for Situation<'_> {
    /// Nobody is anywhere, and nothing flies.
    fn default() -> Self {
        Situation { positions: &NOWHERE, dangers: &Vec::new }
    }
}

impl People {
    pub(crate) fn new(directory: Directory) -> Self {
        let mut of_unit: BTreeMap<UnitId, Vec<PersonId>> = BTreeMap::new();
        for p in directory.people.values().filter(|p| !p.disabled) {
            of_unit.entry(p.unit.clone()).or_default().push(p.id.clone());
        }
        let watch = directory.with_role(Role::Watch).map(|p| p.id.clone()).collect();
        // One that is switched off for now is a machine all the same.
        let devices = directory.people.values().filter(|p| p.roles.contains(&Role::Device));
        let devices = devices.map(|p| p.id.clone()).collect();
        let out = directory.people.values().filter(|p| p.disabled).map(|p| p.id.clone()).collect();
        let readers = directory.people.keys().filter_map(|p| Some((p.clone(), directory.reader(p)?))).collect();
        Self { directory, of_unit, watch, devices, out, readers }
    }

    /// Everybody who is shut out.
    pub(crate) fn out(&self) -> &BTreeSet<PersonId> {
        &self.out
    }

    /// Whether what may be sent to somebody, or over what, is otherwise than in another directory.
    pub(crate) fn differs(&self, other: &Self, id: &PersonId) -> bool {
        self.person(id) != other.person(id) || self.directory.agency_of(id) != other.directory.agency_of(id)
    }

    /// Sirens and systems of others: nothing is asked of them.
    pub(crate) fn devices(&self) -> &BTreeSet<PersonId> {
        &self.devices
    }

    pub(crate) fn person(&self, id: &PersonId) -> Option<&Person> {
        self.directory.people.get(id)
    }

    /// Everybody who watches at the centre.
    pub(crate) fn watch(&self) -> &BTreeSet<PersonId> {
        &self.watch
    }

    /// The people whom a danger to `protected` concerns; empty for a site that the directory does not know.
    pub(crate) fn endangered(&self, protected: &ProtectedId) -> Vec<PersonId> {
        match protected {
            ProtectedId::Person(p) => vec![p.clone()],
            ProtectedId::Site(s) => {
                let unit = self.directory.sites.get(s).map(|site| &site.unit);
                unit.and_then(|u| self.of_unit.get(u)).cloned().unwrap_or_default()
            }
        }
    }

    /// Whom a rule means now, and why each of them.
    pub(crate) fn meant(
        &self,
        rule: &Audience,
        version: &Version,
        endangered: &BTreeSet<PersonId>,
        situation: Situation<'_>,
        now: Time,
    ) -> Vec<(PersonId, Rule)> {
        let d = &self.directory;
        let all = |rule: Rule, people: &mut dyn Iterator<Item = &PersonId>| {
            people.filter(|p| d.active(p).is_some()).map(|p| (p.clone(), rule)).collect::<Vec<_>>()
        };
        let spare = |p: &Position| p.accuracy_m.clamp(0.0, 1_000.0);
        match rule {
            Audience::People { people } => all(Rule::Named, &mut people.iter()),
            Audience::Unit { unit, leadership } => {
                let mut out = all(Rule::Unit, &mut self.of_unit.get(unit).into_iter().flatten());
                if *leadership {
                    let leaders = d.units.get(unit).into_iter().flat_map(|u| &u.leadership);
                    out.extend(all(Rule::Leadership, &mut leaders.into_iter()));
                }
                out
            }
            Audience::Agency { agency } => {
                let units = d.units.values().filter(|u| u.agency == *agency);
                let people = units.flat_map(|u| self.of_unit.get(&u.id).into_iter().flatten());
                all(Rule::Agency, &mut people.into_iter())
            }
            Audience::Role { role } => all(Rule::Role, &mut d.with_role(*role).map(|p| &p.id)),
            Audience::Centre {} => all(Rule::Role, &mut self.watch.iter()),
            Audience::OnDuty { roster } => {
                let on = d.rosters.get(roster).into_iter().flat_map(|r| r.on_duty(now));
                all(Rule::OnDuty, &mut on.into_iter())
            }
            Audience::InArea { area } => {
                let there = situation.positions.iter().filter(|(_, p)| area.holds(p.at.lat_lon(), spare(p)));
                all(Rule::Area, &mut there.map(|(id, _)| id))
            }
            Audience::InDanger {} => all(Rule::InDanger, &mut endangered.iter()),
            Audience::InDangerSoon { within_s } => {
                let soon = (situation.dangers)().into_iter().filter(|d| {
                    d.earliest_s <= *within_s && (d.level.is_some() || d.reasons.iter().all(|r| r != "own_flight"))
                });
                let people: BTreeSet<PersonId> = soon.flat_map(|d| self.endangered(&d.protected)).collect();
                all(Rule::InDangerSoon, &mut people.iter())
            }
            Audience::Neighbours { within_m } => {
                let places: Vec<&Position> = endangered.iter().filter_map(|p| situation.positions.get(p)).collect();
                let near = situation.positions.iter().filter(|(id, p)| {
                    !endangered.contains(*id)
                        && places.iter().any(|e| e.at.distance_and_bearing(p.at).0 <= within_m + spare(e) + spare(p))
                });
                all(Rule::Neighbour, &mut near.map(|(id, _)| id))
            }
            Audience::Subscribers {} => {
                let asked = d.people.values().filter(|p| p.subscriptions.iter().any(|s| version.suits(s)));
                // A warning says where somebody is: only to who may know that anyway.
                let may = |p: &&Person| match &version.protected {
                    Some(ProtectedId::Person(of)) => p.roles.contains(&Role::Watch) || d.leaders_of(of).contains(&p.id),
                    Some(ProtectedId::Site(_)) | None => true,
                };
                all(Rule::Subscription, &mut asked.filter(may).map(|p| &p.id))
            }
            Audience::Everybody {} => all(Rule::Everybody, &mut d.people.keys()),
        }
    }

    /// The person, if a thing so marked may be sent to them.
    pub(crate) fn permitted(&self, id: &PersonId, marking: &Marking) -> Result<&Person, Trouble> {
        self.may_see(id, marking)?;
        self.person(id).ok_or(Trouble::NotInDirectory)
    }

    /// Whether a thing so marked may be shown to them.
    pub(crate) fn may_see(&self, id: &PersonId, marking: &Marking) -> Result<(), Trouble> {
        let reader = self.readers.get(id).ok_or(Trouble::NotInDirectory)?;
        if may_see(reader, marking) { Ok(()) } else { Err(Trouble::NotReleasable) }
    }

    /// The first leader of `id` who was not told yet and may be.
    pub(crate) fn next_leader(&self, id: &PersonId, told: &[PersonId], marking: &Marking) -> Option<PersonId> {
        let chain = self.directory.leaders_of(id);
        chain.into_iter().find(|l| !told.contains(l) && self.permitted(l, marking).is_ok())
    }

    /// Whom the centre's silence is told, in order: the leaders of those who watch, then everybody with the supervisor
    /// role in their agencies; never one who watches, since they were asked already.
    pub(crate) fn next_supervisor(
        &self,
        watch: &BTreeSet<PersonId>,
        told: &[PersonId],
        marking: &Marking,
    ) -> Option<PersonId> {
        let agencies: BTreeSet<&AgencyId> = watch.iter().filter_map(|w| self.directory.agency_of(w)).collect();
        let supervisors = self.directory.with_role(Role::Supervisor).map(|p| p.id.clone());
        let supervisors = supervisors.filter(|p| self.directory.agency_of(p).is_some_and(|a| agencies.contains(a)));
        let leaders = watch.iter().flat_map(|w| self.directory.leaders_of(w));
        leaders
            .chain(supervisors)
            .find(|p| !self.watch.contains(p) && !told.contains(p) && self.permitted(p, marking).is_ok())
    }
}

impl Serialize for People {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.directory.serialize(s)
    }
}

impl<'de> Deserialize<'de> for People {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Directory::deserialize(d).map(Self::new)
    }
}
