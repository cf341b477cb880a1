//! [`Searches`]: what people keep looking for. The desk only keeps it; the record finds.

use crate::Refusal;
use serde::{Deserialize, Serialize};
use skypicket_model::{Directory, PersonId, Role, SavedSearch, SearchChange, SearchId};
use std::collections::BTreeMap;

/// Most saved searches of one person.
pub const MOST_SEARCHES: usize = 20;
/// Most characters of a name.
const MOST_NAME: usize = 80;
/// Who may look for things.
const ROLES: [Role; 4] = [Role::Watch, Role::Analyst, Role::Supervisor, Role::Auditor];

/// The saved searches of everybody.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Searches {
    by_person: BTreeMap<PersonId, BTreeMap<SearchId, SavedSearch>>,
}

impl Searches {
    pub(crate) fn of(&self, person: &PersonId) -> impl Iterator<Item = &SavedSearch> {
        self.by_person.get(person).into_iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&PersonId, &SavedSearch)> {
        self.by_person.iter().flat_map(|(p, searches)| searches.values().map(move |s| (p, s)))
    }

    pub(crate) fn check_save(&self, by: &PersonId, saved: &SavedSearch, d: &Directory) -> Result<(), Refusal> {
        if !d.reader(by).is_some_and(|r| ROLES.iter().any(|role| r.roles.contains(role))) {
            return Err(Refusal::new("forbidden", "searches are kept by watch, analysts, supervisors and auditors"));
        }
        let name = saved.name.trim().chars().count();
        if name == 0 || name > MOST_NAME {
            return Err(Refusal::new("unfit", format!("name: give 1 to {MOST_NAME} characters")));
        }
        saved.search.check().map_err(|why| Refusal::new("unfit", why))?;
        if self.all().any(|(p, s)| s.id == saved.id && p != by) {
            return Err(Refusal::new("not_found", "there is no such saved search"));
        }
        let others = self.of(by).filter(|s| s.id != saved.id);
        if others.count() >= MOST_SEARCHES {
            let why = format!("you have {MOST_SEARCHES} saved searches: drop one first");
            return Err(Refusal::new("too_many", why));
        }
        Ok(())
    }

    pub(crate) fn check_drop(&self, by: &PersonId, id: SearchId) -> Result<(), Refusal> {
        if self.of(by).any(|s| s.id == id) {
            Ok(())
        } else {
            Err(Refusal::new("not_found", "there is no such saved search"))
        }
    }

    pub(crate) fn put(&mut self, change: &SearchChange) {
        match &change.saved {
            Some(saved) => {
                self.by_person.entry(change.person.clone()).or_default().insert(change.id, saved.clone());
            }
            None => {
                if let Some(mine) = self.by_person.get_mut(&change.person) {
                    mine.remove(&change.id);
                    if mine.is_empty() {
                        self.by_person.remove(&change.person);
                    }
                }
            }
        }
    }

    /// Whoever left the directory keeps nothing here.
    pub(crate) fn keep_people(&mut self, known: impl Fn(&PersonId) -> bool) {
        self.by_person.retain(|p, _| known(p));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::{
        Agency, AgencyId, Channel, Person, Search, Time, Unit, UnitId,
        people::{Addresses, Language},
    };

    fn name(s: &str) -> PersonId {
        PersonId::new(s).unwrap()
    }

    fn directory() -> Directory {
        let (agency, unit) = (AgencyId::new("a").unwrap(), UnitId::new("u").unwrap());
        let mut d = Directory::default();
        d.agencies.insert(agency.clone(), Agency { id: agency.clone(), name: "A".into() });
        d.units.insert(unit.clone(), Unit { id: unit.clone(), name: "U".into(), agency, leadership: Vec::new() });
        let people = [
            ("watch", Role::Watch),
            ("analyst", Role::Analyst),
            ("supervisor", Role::Supervisor),
            ("auditor", Role::Auditor),
            ("field", Role::Field),
            ("integrator", Role::Integrator),
            ("administrator", Role::Administrator),
        ];
        for (id, role) in people {
            let person = Person {
                id: name(id),
                name: id.into(),
                unit: unit.clone(),
                roles: [role].into(),
                channels: vec![Channel::Web],
                addresses: Addresses::default(),
                subscriptions: Vec::new(),
                tak_uid: None,
                language: Language::En,
                disabled: false,
            };
            d.people.insert(name(id), person);
        }
        d
    }

    fn saved(n: u128, called: &str, q: &str) -> SavedSearch {
        let search = Search { q: q.into(), ..Search::default() };
        SavedSearch { id: SearchId(uuid::Uuid::from_u128(n)), name: called.into(), search, notify: true }
    }

    fn put(searches: &mut Searches, person: &str, saved: SavedSearch) {
        let (id, at) = (saved.id, Time::from_micros(0));
        searches.put(&SearchChange { person: name(person), id, saved: Some(saved), at });
    }

    #[test]
    fn who_may_keep_what_is_refused_by_a_code_of_its_own() {
        let d = directory();
        let mut full = Searches::default();
        for n in 0..MOST_SEARCHES as u128 {
            put(&mut full, "watch", saved(n, "x", "x"));
        }
        let code = |by: &str, s: &SavedSearch| full.check_save(&name(by), s, &d).map_err(|r| r.code);
        let new = saved(99, "Canisters", "canister");
        for by in ["analyst", "supervisor", "auditor"] {
            assert_eq!(code(by, &new), Ok(()), "{by}");
        }
        for by in ["field", "integrator", "administrator", "nobody"] {
            assert_eq!(code(by, &new), Err("forbidden"), "{by}");
        }
        assert_eq!(code("analyst", &saved(99, "  ", "x")), Err("unfit"));
        assert_eq!(code("analyst", &saved(99, &"x".repeat(81), "x")), Err("unfit"));
        assert_eq!(code("analyst", &saved(99, "x", "?")), Err("unfit"));
        assert_eq!(code("watch", &new), Err("too_many"));
        assert_eq!(code("watch", &saved(3, "changed", "y")), Ok(()), "one of their own is changed, not added");
        assert_eq!(code("analyst", &saved(3, "x", "x")), Err("not_found"), "another's");
        let drop = |by: &str, n| full.check_drop(&name(by), SearchId(uuid::Uuid::from_u128(n))).map_err(|r| r.code);
        assert_eq!(
            (drop("watch", 3), drop("analyst", 3), drop("watch", 99)),
            (Ok(()), Err("not_found"), Err("not_found"))
        );
    }

    #[test]
    fn what_is_dropped_or_whose_owner_left_is_kept_no_more() {
        let mut searches = Searches::default();
        for (person, n) in [("watch", 1), ("watch", 2), ("analyst", 3)] {
            put(&mut searches, person, saved(n, "x", "x"));
        }
        let id = SearchId(uuid::Uuid::from_u128(1));
        searches.put(&SearchChange { person: name("watch"), id, saved: None, at: Time::from_micros(0) });
        assert_eq!(searches.of(&name("watch")).count(), 1);
        searches.keep_people(|p| *p != name("analyst"));
        assert_eq!(searches.all().map(|(p, _)| p.as_str()).collect::<Vec<_>>(), ["watch"]);
    }
}
