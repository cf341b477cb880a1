//! [`Marking`]: who may see a thing, and [`may_see`], the one rule that says so.
//!
//! Traffic Light Protocol 2.0 (FIRST, 2022) plus a releasable-to list of agencies. Derived things carry the strictest
//! marking of what they rest on ([`Marking::join`]).

use crate::{AgencyId, PersonId, people::Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A TLP 2.0 label, from the freest to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tlp {
    /// No limit on disclosure.
    #[serde(rename = "TLP:CLEAR")]
    Clear,
    /// The community: every agency this centre serves.
    #[serde(rename = "TLP:GREEN")]
    Green,
    /// The owner and the agencies named, on a need-to-know basis.
    #[serde(rename = "TLP:AMBER")]
    Amber,
    /// The owner only.
    #[serde(rename = "TLP:AMBER+STRICT")]
    AmberStrict,
    /// The people named only.
    #[serde(rename = "TLP:RED")]
    Red,
}

impl Tlp {
    /// The label as it must be written: never translated, no spaces.
    pub fn label(self) -> &'static str {
        match self {
            Self::Clear => "TLP:CLEAR",
            Self::Green => "TLP:GREEN",
            Self::Amber => "TLP:AMBER",
            Self::AmberStrict => "TLP:AMBER+STRICT",
            Self::Red => "TLP:RED",
        }
    }
}

/// The marking of one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marking {
    /// The label.
    pub tlp: Tlp,
    /// The agency that owns it; `None` for what the centre itself made.
    #[serde(default)]
    pub owner: Option<AgencyId>,
    /// Agencies it may go to; empty means every agency that the label allows.
    #[serde(default)]
    pub releasable_to: BTreeSet<AgencyId>,
    /// People named, for TLP:RED.
    #[serde(default)]
    pub named: BTreeSet<PersonId>,
}

impl Default for Marking {
    /// TLP:GREEN, owned by the centre.
    fn default() -> Self {
        Self { tlp: Tlp::Green, owner: None, releasable_to: BTreeSet::new(), named: BTreeSet::new() }
    }
}

impl Marking {
    /// The strictest of two: what a thing made from both must carry. Where no single marking can say exactly "both
    /// would let this reader", it is TLP:RED with nobody named, and a person decides.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        let tlp = self.tlp.max(other.tlp);
        let nobody = || Self { tlp: Tlp::Red, owner: None, releasable_to: BTreeSet::new(), named: BTreeSet::new() };
        if self == other {
            return self.clone();
        }
        match (self.agencies(), other.agencies()) {
            (None, None) => Self {
                tlp,
                owner: if self.owner == other.owner { self.owner.clone() } else { None },
                releasable_to: BTreeSet::new(),
                named: BTreeSet::new(),
            },
            (None, Some(_)) => Self { tlp, ..other.clone() },
            (Some(_), None) => Self { tlp, ..self.clone() },
            (Some(a), Some(b)) if self.owner == other.owner && tlp < Tlp::Red => {
                let both: BTreeSet<AgencyId> = a.intersection(&b).cloned().collect();
                // An empty list under GREEN would mean everybody: the owner alone is AMBER.
                let tlp = if both.is_empty() { tlp.max(Tlp::Amber) } else { tlp };
                Self { tlp, owner: self.owner.clone(), releasable_to: both, named: BTreeSet::new() }
            }
            _ => nobody(),
        }
    }

    /// Whether a thing marked so opens to nobody whom `basis` does not open to: what it must, as long as nobody decides
    /// otherwise.
    pub fn covers(&self, basis: &Self) -> bool {
        let joined = self.join(basis);
        let key = |m: &Self| {
            let named = if m.tlp == Tlp::Red { m.named.clone() } else { BTreeSet::new() };
            (m.tlp, m.owner.clone(), m.agencies(), named)
        };
        key(&joined) == key(self)
    }

    /// The agencies, beside the owner, that it may go to; `None` is all of them.
    fn agencies(&self) -> Option<BTreeSet<AgencyId>> {
        match self.tlp {
            Tlp::Clear | Tlp::Green if self.releasable_to.is_empty() => None,
            Tlp::Clear | Tlp::Green | Tlp::Amber => Some(self.releasable_to.clone()),
            Tlp::AmberStrict | Tlp::Red => Some(BTreeSet::new()),
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// The person.
    pub person: PersonId,
    /// Their agency.
    pub agency: AgencyId,
    /// What they may do.
    pub roles: BTreeSet<Role>,
}

/// Whether `reader` may see a thing marked `marking`. Roles widen nothing here: they say what may be asked for, the
/// marking says what may be answered.
pub fn may_see(reader: &Reader, marking: &Marking) -> bool {
    let owner = marking.owner.as_ref() == Some(&reader.agency) || marking.owner.is_none() && reader.is_centre();
    let listed = marking.releasable_to.contains(&reader.agency);
    match marking.tlp {
        Tlp::Clear | Tlp::Green => owner || marking.releasable_to.is_empty() || listed,
        Tlp::Amber => owner || listed,
        Tlp::AmberStrict => owner,
        Tlp::Red => marking.named.contains(&reader.person),
    }
}

impl Reader {
    /// Works at the centre: watch officers, analysts, supervisors, auditors and administrators.
    pub fn is_centre(&self) -> bool {
        self.roles.iter().any(|r| matches!(r, Role::Watch | Role::Analyst | Role::Auditor | Role::Administrator))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agency(s: &str) -> AgencyId {
        AgencyId::new(s).unwrap()
    }
    fn reader(agency_name: &str, role: Role) -> Reader {
        Reader { person: PersonId::new("p").unwrap(), agency: agency(agency_name), roles: [role].into() }
    }
    fn marked(tlp: Tlp, to: &[&str]) -> Marking {
        Marking {
            tlp,
            owner: Some(agency("own")),
            releasable_to: to.iter().map(|s| agency(s)).collect(),
            named: BTreeSet::new(),
        }
    }

    #[test]
    fn each_label_opens_to_whom_it_says() {
        let (own, friend, other) =
            (reader("own", Role::Field), reader("friend", Role::Field), reader("other", Role::Field));
        for (tlp, to, expect) in [
            (Tlp::Clear, &[][..], [true, true, true]),
            (Tlp::Green, &[], [true, true, true]),
            (Tlp::Green, &["friend"], [true, true, false]),
            (Tlp::Amber, &[], [true, false, false]),
            (Tlp::Amber, &["friend"], [true, true, false]),
            (Tlp::AmberStrict, &["friend"], [true, false, false]),
            (Tlp::Red, &["friend"], [false, false, false]),
        ] {
            let m = marked(tlp, to);
            assert_eq!([&own, &friend, &other].map(|r| may_see(r, &m)), expect, "{tlp:?} {to:?}");
        }
        let named = Marking { named: [PersonId::new("p").unwrap()].into(), ..marked(Tlp::Red, &[]) };
        assert!(may_see(&other, &named));
    }

    #[test]
    fn a_joined_marking_never_opens_more_than_either_part() {
        let tlps = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];
        let mut all = Vec::new();
        for tlp in tlps {
            for to in [&[][..], &["friend"], &["other"], &["friend", "other"]] {
                for owner in [None, Some("own"), Some("other")] {
                    for named in [&[][..], &["p"]] {
                        all.push(Marking {
                            owner: owner.map(agency),
                            named: named.iter().map(|n| PersonId::new(n).unwrap()).collect(),
                            ..marked(tlp, to)
                        });
                    }
                }
            }
        }
        for a in &all {
            assert!(a.covers(a));
            for b in &all {
                let joined = a.join(b);
                for r in [reader("own", Role::Field), reader("friend", Role::Watch), reader("other", Role::Field)] {
                    assert!(
                        !may_see(&r, &joined) || may_see(&r, a) && may_see(&r, b),
                        "{r:?}\n{a:?}\n{b:?}\n{joined:?}"
                    );
                    assert!(!a.covers(b) || !may_see(&r, a) || may_see(&r, b), "{r:?}\n{a:?}\n{b:?}");
                }
            }
        }
    }
}
