//! [`People`]: who is who, as dispatch asks for it.

use crate::state::Trouble;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use skypicket_model::{AgencyId, Directory, Marking, Person, PersonId, ProtectedId, Role, UnitId, may_see};
use std::collections::{BTreeMap, BTreeSet};

/// The directory with the look-ups that are made for each notice.
#[derive(Debug, Clone, Default)]
pub(crate) struct People {
    directory: Directory,
    of_unit: BTreeMap<UnitId, Vec<PersonId>>,
    watch: BTreeSet<PersonId>,
}

impl People {
    pub(crate) fn new(directory: Directory) -> Self {
        let mut of_unit: BTreeMap<UnitId, Vec<PersonId>> = BTreeMap::new();
        for p in directory.people.values() {
            of_unit.entry(p.unit.clone()).or_default().push(p.id.clone());
        }
        let watch = directory.with_role(Role::Watch).map(|p| p.id.clone()).collect();
        Self { directory, of_unit, watch }
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

    /// The person, if a thing so marked may be sent to them.
    pub(crate) fn permitted(&self, id: &PersonId, marking: &Marking) -> Result<&Person, Trouble> {
        let person = self.directory.people.get(id).ok_or(Trouble::NotInDirectory)?;
        let reader = self.directory.reader(id).ok_or(Trouble::NotInDirectory)?;
        if may_see(&reader, marking) { Ok(person) } else { Err(Trouble::NotReleasable) }
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
