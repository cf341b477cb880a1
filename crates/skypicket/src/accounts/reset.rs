//! [`Reset`]: how somebody who lost password or factor comes back in: one person begins it, another confirms it.
//!
//! Nobody resets themselves, and nobody alone: an administrator begins, and a different administrator, or one who leads
//! that person, confirms within a day. Then all that they signed in with is void and they get a link. On the machine of
//! the centre itself, by the control socket, one command does both (for a centre with a single administrator); like the
//! rest it stands in the audit.

use crate::{
    clock,
    http::auth::{Access, AccessError},
};
use serde::{Deserialize, Serialize};
use skypicket_model::{Directory, PersonId, Role, Time};

/// A reset waits so long for its second person, seconds.
pub const WAIT_S: f64 = 86_400.0;

/// A reset that was begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// Whose sign-in.
    pub person: PersonId,
    /// Who began it.
    pub by: PersonId,
    /// When.
    pub at: Time,
    /// Void from here on.
    pub until: Time,
}

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayNot {
    /// Nobody resets themselves.
    Oneself,
    /// The second person is another one than the first.
    Same,
    /// Neither an administrator nor one who leads that person.
    NotTheirs,
}

impl MayNot {
    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Oneself => "Nobody resets their own sign-in: ask two others.",
            Self::Same => {
                "Whoever began a reset cannot confirm it: ask another administrator, or one who leads that person."
            }
            Self::NotTheirs => "Only an administrator, or one who leads that person, confirms a reset.",
        }
    }
}

/// Whether `by` may begin a reset of `person`; that they are an administrator is in the permission table.
pub fn may_begin(by: &PersonId, person: &PersonId) -> Result<(), MayNot> {
    if by == person { Err(MayNot::Oneself) } else { Ok(()) }
}

/// Whether `by` may confirm.
pub fn may_confirm(directory: &Directory, reset: &Reset, by: &PersonId) -> Result<(), MayNot> {
    if *by == reset.person {
        return Err(MayNot::Oneself);
    }
    if *by == reset.by {
        return Err(MayNot::Same);
    }
    let administrator = directory.active(by).is_some_and(|p| p.roles.contains(&Role::Administrator));
    let leads = directory.active(by).is_some() && directory.leaders_of(&reset.person).contains(by);
    if administrator || leads { Ok(()) } else { Err(MayNot::NotTheirs) }
}

impl Access {
    /// Begins one; one that waits already is replaced.
    pub async fn begin_reset(&self, person: &PersonId, by: &PersonId) -> Result<Reset, AccessError> {
        let now = clock::now();
        let reset = Reset { person: person.clone(), by: by.clone(), at: now, until: now.plus_s(WAIT_S) };
        self.put("reset", person.as_str(), &reset).await?;
        Ok(reset)
    }

    /// The one that waits for this person.
    pub async fn reset_of(&self, person: &PersonId) -> Result<Option<Reset>, AccessError> {
        let now = clock::now();
        Ok(self.get::<Reset>("reset", person.as_str()).await?.filter(|r| r.until > now))
    }

    /// All that wait.
    pub async fn resets(&self) -> Result<Vec<Reset>, AccessError> {
        let now = clock::now();
        Ok(self.list::<Reset>("reset").await?.into_iter().map(|(_, r)| r).filter(|r| r.until > now).collect())
    }

    /// Takes one away; whether there was one.
    pub async fn drop_reset(&self, person: &PersonId) -> Result<bool, AccessError> {
        self.drop_key("reset", person.as_str()).await
    }

    /// Voids all that somebody signs in with, and ends their sessions; a link is made then.
    pub async fn void(&self, person: &PersonId) -> Result<(), AccessError> {
        self.end_sessions(|_, s| s.person == *person).await?;
        self.drop_reset(person).await?;
        self.drop_links(person).await?;
        self.drop_devices(person).await?;
        self.drop_key("password", person.as_str()).await?;
        for p in self.passkeys_of(person).await? {
            self.drop_passkey(person, &p.id).await?;
        }
        self.drop_codes(person).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::{Agency, AgencyId, Person, Unit, UnitId};

    fn id(s: &str) -> PersonId {
        PersonId::new(s).unwrap()
    }

    fn directory() -> Directory {
        let mut d = Directory::default();
        let agency = Agency { id: AgencyId::new("x").unwrap(), name: "X".into() };
        d.agencies.insert(agency.id.clone(), agency.clone());
        let unit =
            Unit { id: UnitId::new("u").unwrap(), name: "U".into(), agency: agency.id, leadership: vec![id("lead")] };
        for (name, role) in [
            ("agent", Role::Field),
            ("lead", Role::Field),
            ("boss", Role::Supervisor),
            ("admin-1", Role::Administrator),
            ("admin-2", Role::Administrator),
        ] {
            let p = Person {
                id: id(name),
                name: name.into(),
                unit: unit.id.clone(),
                roles: [role].into(),
                channels: Vec::new(),
                addresses: skypicket_model::people::Addresses::default(),
                subscriptions: Vec::new(),
                tak_uid: None,
                language: skypicket_model::people::Language::En,
                disabled: false,
            };
            d.people.insert(p.id.clone(), p);
        }
        d.units.insert(unit.id.clone(), unit);
        d
    }

    #[test]
    fn a_reset_takes_two_and_neither_is_the_person() {
        let d = directory();
        let of = |person: &str, by: &str| Reset {
            person: id(person),
            by: id(by),
            at: Time::default(),
            until: Time::default(),
        };
        assert_eq!(may_begin(&id("admin-1"), &id("admin-1")), Err(MayNot::Oneself));
        let table = [
            ("agent", "admin-1", "admin-1", Err(MayNot::Same)),
            ("agent", "admin-1", "agent", Err(MayNot::Oneself)),
            ("agent", "admin-1", "admin-2", Ok(())),
            ("agent", "admin-1", "lead", Ok(())),
            ("agent", "admin-1", "boss", Err(MayNot::NotTheirs)),
            ("admin-2", "admin-1", "admin-2", Err(MayNot::Oneself)),
            ("lead", "admin-1", "agent", Err(MayNot::NotTheirs)),
            ("agent", "admin-1", "nobody", Err(MayNot::NotTheirs)),
        ];
        for (person, began, confirms, expected) in table {
            assert_eq!(may_confirm(&d, &of(person, began), &id(confirms)), expected, "{person} {began} {confirms}");
        }
        let mut shut = directory();
        shut.people.get_mut(&id("admin-2")).unwrap().disabled = true;
        assert_eq!(may_confirm(&shut, &of("agent", "admin-1"), &id("admin-2")), Err(MayNot::NotTheirs));
    }
}
