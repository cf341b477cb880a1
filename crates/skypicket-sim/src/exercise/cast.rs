//! Who is in First light: agencies, units, people, and who of them is simulated.

use skypicket_model::{
    Agency, AgencyId, Channel, Directory, Person, PersonId, Role, Unit, UnitId, ids::NotAName, people::Language,
};

/// A person with a phone.
pub(crate) struct Phone {
    pub(crate) id: &'static str,
    /// Where they mostly stand: metres east, north.
    pub(crate) at: [f64; 2],
    /// Whether they ever acknowledge.
    pub(crate) answers: bool,
    /// Whether they report what they see.
    pub(crate) reports: bool,
}

/// The person whom a visitor plays.
pub(crate) const VISITOR: &str = "visitor";

/// Six simulated people and, last, the visitor, who is only walked about until a real phone says where they are.
pub(crate) const PHONES: [Phone; 7] = [
    Phone { id: "picket-1", at: [-520.0, 380.0], answers: true, reports: true },
    Phone { id: "picket-2", at: [-320.0, 340.0], answers: true, reports: true },
    // Has the phone in a pocket: never answers, so that somebody must go and see.
    Phone { id: "picket-3", at: [-100.0, 410.0], answers: false, reports: false },
    Phone { id: "picket-4", at: [760.0, 520.0], answers: true, reports: false },
    Phone { id: "picket-5", at: [980.0, 470.0], answers: true, reports: false },
    Phone { id: "picket-6", at: [1_250.0, 540.0], answers: true, reports: true },
    Phone { id: VISITOR, at: [-210.0, 400.0], answers: false, reports: false },
];

/// A name of this file as the id that it is. They are all plain, as `tests` shows.
pub(crate) fn named<T>(name: &str, make: impl Fn(&str) -> Result<T, NotAName>) -> T {
    make(name).unwrap_or_else(|_| unreachable!("'{name}' is a plain name"))
}

fn person(id: &str) -> PersonId {
    named(id, PersonId::new)
}

/// Everybody.
pub(crate) fn directory() -> Directory {
    let mut d = Directory::default();
    for (id, name) in [("sector", "Border sector"), ("county", "County sheriff")] {
        let id = named(id, AgencyId::new);
        d.agencies.insert(id.clone(), Agency { id, name: name.into() });
    }
    for (id, name, agency, leadership) in [
        ("picket-west", "West pickets", "sector", &["west-lead", "sector-chief"][..]),
        ("picket-east", "East pickets", "county", &["east-lead", "county-captain"]),
        ("centre", "Operations centre", "sector", &["sector-chief"]),
    ] {
        let id = named(id, UnitId::new);
        let leadership = leadership.iter().map(|p| person(p)).collect();
        d.units.insert(id.clone(), Unit { id, name: name.into(), agency: named(agency, AgencyId::new), leadership });
    }
    let (field, lead) = (&[Role::Field][..], &[Role::Field, Role::Supervisor][..]);
    for (id, name, unit, roles, language) in [
        ("picket-1", "Picket 1", "picket-west", field, Language::En),
        ("picket-2", "Picket 2", "picket-west", field, Language::En),
        ("picket-3", "Picket 3", "picket-west", field, Language::En),
        ("picket-4", "Picket 4", "picket-east", field, Language::Es),
        ("picket-5", "Picket 5", "picket-east", field, Language::En),
        ("picket-6", "Picket 6", "picket-east", field, Language::En),
        (VISITOR, "Visitor (Picket 7)", "picket-west", field, Language::En),
        ("west-lead", "West lead", "picket-west", lead, Language::En),
        ("sector-chief", "Sector chief", "centre", &[Role::Supervisor], Language::En),
        ("east-lead", "East lead", "picket-east", lead, Language::En),
        ("county-captain", "County captain", "picket-east", &[Role::Supervisor], Language::En),
        ("analyst-1", "Analyst", "centre", &[Role::Analyst], Language::En),
        ("watch-1", "Watch officer", "centre", &[Role::Watch, Role::Administrator], Language::En),
        ("administrator", "Administrator", "centre", &[Role::Administrator], Language::En),
    ] {
        let id = person(id);
        d.people.insert(
            id.clone(),
            Person {
                id,
                name: name.into(),
                unit: named(unit, UnitId::new),
                roles: roles.iter().copied().collect(),
                channels: vec![Channel::Web, Channel::Push, Channel::Tak],
                addresses: skypicket_model::people::Addresses::default(),
                subscriptions: Vec::new(),
                tak_uid: None,
                language,
                disabled: false,
            },
        );
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exercise::FirstLight;

    #[test]
    fn everybody_fits_together() {
        let d = directory();
        assert_eq!(d.problems(), Vec::<String>::new());
        assert!(PHONES.iter().all(|p| d.people.contains_key(&person(p.id))));
        assert_eq!(d.agencies.len(), 2);
        let has = |id: &PersonId, role| d.people.get(id).is_some_and(|p| p.roles.contains(&role));
        assert!(has(&FirstLight::analyst(), Role::Analyst) && has(&FirstLight::approver(), Role::Supervisor));
        let leaders: Vec<String> = d.leaders_of(&person("picket-3")).iter().map(ToString::to_string).collect();
        assert_eq!(leaders, ["west-lead", "sector-chief"]);
    }
}
