//! How the [`Directory`] changes: which changes fit, and in words why others do not.
//!
//! A change is checked at two levels: each agency, unit, person and roster by itself (only those that are put, so that
//! what an older version took keeps nobody from changing something else), and how all of them fit together. Sites are
//! apart: they come from the configuration at each start, so a site that has lost its unit is told of
//! ([`Directory::site_problems`]) but stands in no one's way.

use crate::{
    Agency, AgencyId, Directory, DirectoryChange, Person, PersonId, Role, Roster, Subscription, Unit, UnitId,
    delivery::Channel,
};
use std::collections::{BTreeMap, BTreeSet};

/// Most characters of a name as shown.
pub const MOST_NAME: usize = 100;
/// Most characters of a TAK uid.
pub const MOST_TAK_UID: usize = 128;
/// Most leaders of one unit.
pub const MOST_LEADERS: usize = 50;
/// Longest duty, days.
pub const MOST_DUTY_DAYS: f64 = 31.0;
/// Names listed in one sentence before "and N more".
const NAMED: usize = 5;

/// What the ids begin with under which the audit names partners, `partner.AGENCY`.
pub const PARTNER: &str = "partner.";

impl Directory {
    /// Most people.
    pub const MOST_PEOPLE: usize = 50_000;
    /// Most units.
    pub const MOST_UNITS: usize = 5_000;
    /// Most agencies.
    pub const MOST_AGENCIES: usize = 500;
    /// Most rosters.
    pub const MOST_ROSTERS: usize = 1_000;
    /// Most changes in one act: everybody, their units and agencies.
    pub const MOST_CHANGES: usize = 60_000;
    /// Most problems told at once; the others are counted.
    pub const MOST_PROBLEMS: usize = 40;

    /// The directory with these changes, in their order; or what would not fit then, each as one sentence.
    pub fn changed(&self, changes: &[DirectoryChange]) -> Result<Self, Vec<String>> {
        if changes.len() > Self::MOST_CHANGES {
            let n = changes.len();
            return Err(vec![format!("{n} changes are more than the {} taken at once", Self::MOST_CHANGES)]);
        }
        let mut next = self.clone();
        let mut found = Vec::new();
        let mut gone = Gone::default();
        for c in changes {
            found.extend(c.problems());
            found.extend(next.apply(c, &mut gone));
        }
        found.extend(next.misfits(&gone));
        // A unit that a site needs is in use; a site that had lost its unit before keeps nobody from anything.
        for unit in gone.units.iter().filter(|u| !next.units.contains_key(*u)) {
            let sites: Vec<&UnitId> = next.sites.values().filter(|s| s.unit == *unit).map(|s| &s.id).collect();
            if !sites.is_empty() {
                found.push(format!(
                    "unit '{unit}' cannot be removed: its people are warned for {}, which the configuration names",
                    listed("site", "sites", &sites)
                ));
            }
        }
        if next.with_role(Role::Administrator).next().is_none() {
            let had = self.with_role(Role::Administrator).next().is_some();
            found.push(if had {
                "that would take away the last administrator who can sign in: give the role to another person first"
                    .into()
            } else {
                "nobody would have the role 'administrator': give it to at least one person".into()
            });
        }
        if found.is_empty() { Ok(next) } else { Err(shortened(found)) }
    }

    /// Takes a change; what is to be removed must be there.
    fn apply(&mut self, change: &DirectoryChange, gone: &mut Gone) -> Option<String> {
        let absent = |what: &str, id: &dyn std::fmt::Display| Some(format!("there is no {what} '{id}' to remove"));
        match change.clone() {
            DirectoryChange::PutAgency { agency } => drop(self.agencies.insert(agency.id.clone(), agency)),
            DirectoryChange::PutUnit { unit } => drop(self.units.insert(unit.id.clone(), unit)),
            // The audit names partners so: nobody new may be taken for one. Who has such a name from before keeps it.
            DirectoryChange::PutPerson { person }
                if person.id.as_str().starts_with(PARTNER) && !self.people.contains_key(&person.id) =>
            {
                return Some(format!(
                    "person '{}': '{PARTNER}…' is how partners are named: give another id",
                    person.id
                ));
            }
            DirectoryChange::PutPerson { person } => drop(self.people.insert(person.id.clone(), person)),
            DirectoryChange::PutSubscriptions { person, items } => match self.people.get_mut(&person) {
                Some(p) => p.subscriptions = items,
                None => return Some(format!("there is no person '{person}' to be told of anything")),
            },
            DirectoryChange::PutRoster { mut roster } => {
                roster.duties.sort_by(|a, b| (a.from, a.until, &a.person).cmp(&(b.from, b.until, &b.person)));
                self.rosters.insert(roster.id.clone(), roster);
            }
            DirectoryChange::RemoveAgency { agency } => {
                if self.agencies.remove(&agency).is_none() {
                    return absent("agency", &agency);
                }
                gone.agencies.insert(agency);
            }
            DirectoryChange::RemoveUnit { unit } => {
                if self.units.remove(&unit).is_none() {
                    return absent("unit", &unit);
                }
                gone.units.insert(unit);
            }
            DirectoryChange::RemovePerson { person } => {
                if self.people.remove(&person).is_none() {
                    return absent("person", &person);
                }
                gone.people.insert(person);
            }
            DirectoryChange::RemoveRoster { roster } => {
                if self.rosters.remove(&roster).is_none() {
                    return absent("roster", &roster);
                }
            }
        }
        None
    }

    /// Everything that is wrong, sites included, each as one sentence; empty when all is well.
    pub fn problems(&self) -> Vec<String> {
        let agencies = self.agencies.values().flat_map(Agency::problems);
        let units = self.units.values().flat_map(Unit::problems);
        let people = self.people.values().flat_map(Person::problems);
        let rosters = self.rosters.values().flat_map(Roster::problems);
        let mut found: Vec<String> = agencies.chain(units).chain(people).chain(rosters).collect();
        found.extend(self.misfits(&Gone::default()));
        found.extend(self.site_problems());
        found
    }

    /// Sites that cannot be protected as they stand.
    pub fn site_problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        for s in self.sites.values() {
            if !self.units.contains_key(&s.unit) {
                found.push(format!(
                    "site '{}' belongs to unit '{}', which is not defined: no unit is warned for it",
                    s.id, s.unit
                ));
            }
            if let Err(e) = s.at.check() {
                found.push(format!("site '{}': {e}", s.id));
            }
        }
        found
    }

    /// How agencies, units, people and rosters do not fit together. What is missing because it was just removed is told
    /// as what is still in use.
    fn misfits(&self, gone: &Gone) -> Vec<String> {
        let mut found = Vec::new();
        for (n, most, what) in [
            (self.people.len(), Self::MOST_PEOPLE, "people"),
            (self.units.len(), Self::MOST_UNITS, "units"),
            (self.agencies.len(), Self::MOST_AGENCIES, "agencies"),
            (self.rosters.len(), Self::MOST_ROSTERS, "rosters"),
        ] {
            if n > most {
                found.push(format!("{n} {what} are more than the {most} that a centre keeps"));
            }
        }
        self.misfits_of_units(gone, &mut found);
        self.misfits_of_people(gone, &mut found);
        self.misfits_of_rosters(gone, &mut found);
        found
    }

    fn misfits_of_units(&self, gone: &Gone, found: &mut Vec<String>) {
        let mut in_use: BTreeMap<&AgencyId, Vec<&UnitId>> = BTreeMap::new();
        let mut led: BTreeMap<&PersonId, Vec<&UnitId>> = BTreeMap::new();
        for u in self.units.values() {
            if !self.agencies.contains_key(&u.agency) {
                if gone.agencies.contains(&u.agency) {
                    in_use.entry(&u.agency).or_default().push(&u.id);
                } else {
                    found.push(format!("unit '{}' is in agency '{}', which is not defined", u.id, u.agency));
                }
            }
            for l in &u.leadership {
                if !self.people.contains_key(l) {
                    if gone.people.contains(l) {
                        led.entry(l).or_default().push(&u.id);
                    } else {
                        found.push(format!("unit '{}' is led by '{l}', who is not defined", u.id));
                    }
                }
            }
        }
        for (agency, units) in in_use {
            let units = listed("unit", "units", &units);
            found.push(format!("agency '{agency}' cannot be removed: it has {units}"));
        }
        for (person, units) in led {
            let units = listed("unit", "units", &units);
            found.push(format!("person '{person}' cannot be removed: they lead {units}; take them off first"));
        }
    }

    fn misfits_of_people(&self, gone: &Gone, found: &mut Vec<String>) {
        let mut in_use: BTreeMap<&UnitId, Vec<&PersonId>> = BTreeMap::new();
        let mut uids: BTreeMap<&str, &PersonId> = BTreeMap::new();
        for p in self.people.values() {
            if !self.units.contains_key(&p.unit) {
                if gone.units.contains(&p.unit) {
                    in_use.entry(&p.unit).or_default().push(&p.id);
                } else {
                    found.push(format!("person '{}' is in unit '{}', which is not defined", p.id, p.unit));
                }
            }
            if let Some(uid) = &p.tak_uid
                && let Some(other) = uids.insert(uid, &p.id)
            {
                found.push(format!("people '{other}' and '{}' have the same tak_uid '{uid}'", p.id));
            }
        }
        for (unit, people) in in_use {
            let people = listed("person", "people", &people);
            found.push(format!("unit '{unit}' cannot be removed: in it {people}; move them first"));
        }
    }

    fn misfits_of_rosters(&self, gone: &Gone, found: &mut Vec<String>) {
        for r in self.rosters.values() {
            if !self.units.contains_key(&r.unit) {
                found.push(if gone.units.contains(&r.unit) {
                    format!("unit '{}' cannot be removed: roster '{}' is its", r.unit, r.id)
                } else {
                    format!("roster '{}' belongs to unit '{}', which is not defined", r.id, r.unit)
                });
            }
            let missing: BTreeSet<&PersonId> =
                r.duties.iter().map(|d| &d.person).filter(|p| !self.people.contains_key(*p)).collect();
            for p in missing {
                found.push(if gone.people.contains(p) {
                    format!("person '{p}' cannot be removed: they are on roster '{}'; take them off first", r.id)
                } else {
                    format!("roster '{}' names '{p}', who is not defined", r.id)
                });
            }
        }
    }
}

/// What the changes took out, to tell what is still in use from what never was.
#[derive(Default)]
struct Gone {
    agencies: BTreeSet<AgencyId>,
    units: BTreeSet<UnitId>,
    people: BTreeSet<PersonId>,
}

impl DirectoryChange {
    /// What is wrong with what it puts, whatever else there is.
    fn problems(&self) -> Vec<String> {
        match self {
            Self::PutAgency { agency } => agency.problems(),
            Self::PutUnit { unit } => unit.problems(),
            Self::PutPerson { person } => person.problems(),
            Self::PutRoster { roster } => roster.problems(),
            Self::PutSubscriptions { person, items } => Subscription::problems(items)
                .iter()
                .map(|why| format!("person '{person}': subscriptions: {why}"))
                .collect(),
            Self::RemoveAgency { .. }
            | Self::RemoveUnit { .. }
            | Self::RemovePerson { .. }
            | Self::RemoveRoster { .. } => Vec::new(),
        }
    }
}

impl Agency {
    fn problems(&self) -> Vec<String> {
        bad_name(&self.name).map(|why| format!("agency '{}': name: {why}", self.id)).into_iter().collect()
    }
}

impl Unit {
    fn problems(&self) -> Vec<String> {
        let mut found: Vec<String> =
            bad_name(&self.name).map(|why| format!("unit '{}': name: {why}", self.id)).into_iter().collect();
        if self.leadership.len() > MOST_LEADERS {
            found.push(format!("unit '{}': leadership: more than {MOST_LEADERS} people", self.id));
        }
        let mut seen = BTreeSet::new();
        for l in self.leadership.iter().filter(|l| !seen.insert(*l)) {
            found.push(format!("unit '{}': leadership: '{l}' stands in it twice", self.id));
        }
        found
    }
}

impl Subscription {
    /// What is wrong with all that one person asked for.
    fn problems(all: &[Self]) -> Vec<String> {
        let many = (all.len() > Self::MOST).then(|| format!("{} are more than {}", all.len(), Self::MOST));
        many.into_iter().chain(all.iter().filter_map(|s| s.area.as_ref()?.check().err())).collect()
    }
}

impl Person {
    /// What is wrong with them alone.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut say = |what: &str, why: &str| found.push(format!("person '{}': {what}: {why}", self.id));
        if let Some(why) = bad_name(&self.name) {
            say("name", &why);
        }
        if self.roles.is_empty() {
            say("roles", "none is given; give at least one");
        }
        let channels: BTreeSet<Channel> = self.channels.iter().copied().collect();
        if channels.len() != self.channels.len() {
            say("channels", "one stands in it twice");
        }
        if channels.contains(&Channel::Voice) {
            say("channels", "'voice' is what people at the centre do; no machine tries it");
        }
        if self.roles.contains(&Role::Device) && self.roles.len() > 1 {
            say("roles", "a device has no other role");
        }
        if let Some(mail) = &self.addresses.mail
            && !is_mail(mail)
        {
            say("addresses.mail", "give NAME@HOST, at most 254 characters without spaces");
        }
        if let Some(number) = &self.addresses.sms
            && !is_number(number)
        {
            say("addresses.sms", "give + and 7 to 15 digits (E.164), for instance +19155550123");
        }
        for why in Subscription::problems(&self.subscriptions) {
            say("subscriptions", &why);
        }
        if let Some(uid) = &self.tak_uid
            && let Some(why) = bad_text(uid, MOST_TAK_UID)
        {
            say("tak_uid", &why);
        }
        found
    }
}

impl Roster {
    fn problems(&self) -> Vec<String> {
        let mut found: Vec<String> =
            bad_name(&self.name).map(|why| format!("roster '{}': name: {why}", self.id)).into_iter().collect();
        if self.duties.len() > Self::MOST_DUTIES {
            found.push(format!("roster '{}' has over {} duties", self.id, Self::MOST_DUTIES));
        }
        for d in &self.duties {
            if d.until <= d.from {
                found.push(format!("roster '{}': the duty of '{}' ends before it begins", self.id, d.person));
            } else if d.until.since_s(d.from) > MOST_DUTY_DAYS * 86_400.0 {
                found.push(format!("roster '{}': a duty of '{}' is longer than 31 days", self.id, d.person));
            }
        }
        found
    }
}

/// Whether a text can be a mail address: one `@`, a host, printable ASCII without spaces or what headers are parted by
/// (RFC 5321, 4.5.3.1: at most 64 octets before, 254 in all).
pub fn is_mail(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_graphic() && !b"<>()[],;:\\\"@".contains(&b));
    text.len() <= 254
        && (1..=64).contains(&name.len())
        && plain(name)
        && plain(host)
        && !host.is_empty()
        && host.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
}

/// Whether a text is a telephone number as E.164 writes it: `+`, no leading zero, 7 to 15 digits.
pub fn is_number(text: &str) -> bool {
    text.strip_prefix('+')
        .is_some_and(|d| (7..=15).contains(&d.len()) && d.bytes().all(|b| b.is_ascii_digit()) && !d.starts_with('0'))
}

/// Why a name cannot be shown; `None` when it can.
pub fn bad_name(name: &str) -> Option<String> {
    bad_text(name, MOST_NAME)
}

fn bad_text(text: &str, most: usize) -> Option<String> {
    if text.trim().is_empty() {
        return Some("is empty".into());
    }
    let n = text.chars().count();
    if n > most {
        return Some(format!("has {n} characters; at most {most} are taken"));
    }
    text.chars().find(|c| is_hidden(*c)).map(|c| format!("holds the control character U+{:04X}", u32::from(c)))
}

/// Characters that are not seen but change what is: controls, line ends, marks that turn the direction of writing.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// "unit 'a'", "3 units (a, b, c)", "9 people (a, b, c, d, e and 4 more)".
fn listed(one: &str, many: &str, ids: &[&impl std::fmt::Display]) -> String {
    if let [only] = ids {
        return format!("{one} '{only}'");
    }
    let named: Vec<String> = ids.iter().take(NAMED).map(ToString::to_string).collect();
    let more = ids.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} {many} ({}{more})", ids.len(), named.join(", "))
}

/// At most so many that a person can read them.
fn shortened(mut found: Vec<String>) -> Vec<String> {
    let over = found.len().saturating_sub(Directory::MOST_PROBLEMS);
    if over > 0 {
        found.truncate(Directory::MOST_PROBLEMS);
        found.push(format!("and {over} more problems like these"));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::Addresses;
    use crate::{Duty, Place, Time, people::Site};
    use proptest::prelude::*;

    fn pid(s: &str) -> PersonId {
        PersonId::new(s).unwrap()
    }
    fn uid(s: &str) -> UnitId {
        UnitId::new(s).unwrap()
    }
    fn agency(id: &str) -> Agency {
        Agency { id: AgencyId::new(id).unwrap(), name: id.to_uppercase() }
    }
    fn unit(id: &str, agency: &str, leadership: &[&str]) -> Unit {
        let leadership = leadership.iter().map(|l| pid(l)).collect();
        Unit { id: uid(id), name: id.to_uppercase(), agency: AgencyId::new(agency).unwrap(), leadership }
    }
    fn person(id: &str, unit: &str, roles: &[Role]) -> Person {
        Person {
            id: pid(id),
            name: id.to_uppercase(),
            unit: uid(unit),
            roles: roles.iter().copied().collect(),
            channels: vec![Channel::Web],
            addresses: Addresses::default(),
            subscriptions: Vec::new(),
            tak_uid: None,
            language: crate::people::Language::En,
            disabled: false,
        }
    }
    fn put(p: Person) -> DirectoryChange {
        DirectoryChange::PutPerson { person: p }
    }

    /// An agency, two units, an administrator, a leader, an agent, a roster and a site.
    fn scene() -> Directory {
        let mut d = Directory::default();
        d.agencies.insert(agency("north").id, agency("north"));
        for u in [unit("centre", "north", &[]), unit("a", "north", &["lead"])] {
            d.units.insert(u.id.clone(), u);
        }
        for p in [
            person("admin", "centre", &[Role::Administrator]),
            person("lead", "a", &[Role::Supervisor]),
            person("agent", "a", &[Role::Field]),
        ] {
            d.people.insert(p.id.clone(), p);
        }
        let duty = Duty { person: pid("agent"), from: Time::from_micros(0), until: Time::from_micros(3_600_000_000) };
        let roster = Roster { id: uid("desk"), name: "Desk".into(), unit: uid("a"), duties: vec![duty] };
        d.rosters.insert(roster.id.clone(), roster);
        d
    }

    #[test]
    fn nobody_new_is_named_like_a_partner_and_who_was_before_stays() {
        let mut d = scene();
        let named = person("partner.north", "a", &[Role::Field]);
        let why = d.changed(&[put(named.clone())]).unwrap_err();
        assert!(why[0].contains("partners are named"), "{why:?}");
        d.people.insert(named.id.clone(), named.clone());
        assert!(d.changed(&[put(Person { name: "North".into(), ..named })]).is_ok());
    }

    #[test]
    fn what_does_not_fit_is_refused_in_words_that_say_who_is_in_the_way() {
        let long = "x".repeat(MOST_NAME + 1);
        let twice = Person { channels: vec![Channel::Web, Channel::Web], ..person("n", "a", &[Role::Field]) };
        let of_uid = |id: &str| Person { tak_uid: Some("U".into()), ..person(id, "a", &[Role::Field]) };
        let duty = |from: i64, until: i64| DirectoryChange::PutRoster {
            roster: Roster {
                id: uid("r"),
                name: "R".into(),
                unit: uid("a"),
                duties: vec![Duty {
                    person: pid("agent"),
                    from: Time::from_micros(from * 1_000_000),
                    until: Time::from_micros(until * 1_000_000),
                }],
            },
        };
        let cases: Vec<(Vec<DirectoryChange>, &str)> = vec![
            (
                vec![put(person("n", "nowhere", &[Role::Field]))],
                "person 'n' is in unit 'nowhere', which is not defined",
            ),
            (vec![put(Person { name: long, ..person("n", "a", &[Role::Field]) })], "name: has 101 characters"),
            (vec![put(Person { name: " ".into(), ..person("n", "a", &[Role::Field]) })], "name: is empty"),
            (vec![put(Person { name: "a\u{7}b".into(), ..person("n", "a", &[Role::Field]) })], "U+0007"),
            (vec![put(Person { name: "a\u{202e}b".into(), ..person("n", "a", &[Role::Field]) })], "U+202E"),
            (vec![put(person("n", "a", &[]))], "roles: none is given"),
            (vec![put(twice)], "channels: one stands in it twice"),
            (vec![put(of_uid("m")), put(of_uid("n"))], "people 'm' and 'n' have the same tak_uid 'U'"),
            (
                vec![DirectoryChange::PutUnit { unit: unit("a", "north", &["lead", "lead"]) }],
                "leadership: 'lead' stands in it twice",
            ),
            (
                vec![DirectoryChange::PutUnit { unit: unit("a", "north", &["ghost"]) }],
                "unit 'a' is led by 'ghost', who is not defined",
            ),
            (
                vec![DirectoryChange::PutUnit { unit: unit("b", "south", &[]) }],
                "unit 'b' is in agency 'south', which is not defined",
            ),
            (
                vec![DirectoryChange::RemoveUnit { unit: uid("a") }],
                "unit 'a' cannot be removed: in it 2 people (agent, lead); move them first",
            ),
            (
                vec![DirectoryChange::RemoveAgency { agency: agency("north").id }],
                "agency 'north' cannot be removed: it has 2 units (a, centre)",
            ),
            (
                vec![DirectoryChange::RemovePerson { person: pid("lead") }],
                "person 'lead' cannot be removed: they lead unit 'a'",
            ),
            (
                vec![DirectoryChange::RemovePerson { person: pid("agent") }],
                "person 'agent' cannot be removed: they are on roster 'desk'",
            ),
            (vec![DirectoryChange::RemovePerson { person: pid("x") }], "there is no person 'x' to remove"),
            (vec![DirectoryChange::RemovePerson { person: pid("admin") }], "the last administrator who can sign in"),
            (
                vec![put(Person { disabled: true, ..person("admin", "centre", &[Role::Administrator]) })],
                "the last administrator who can sign in",
            ),
            (vec![put(person("admin", "centre", &[Role::Watch]))], "the last administrator who can sign in"),
            (vec![duty(10, 10)], "the duty of 'agent' ends before it begins"),
            (vec![duty(0, 32 * 86_400)], "longer than 31 days"),
        ];
        for (changes, expect) in cases {
            let problems = scene().changed(&changes).expect_err(expect).join("\n");
            assert!(problems.contains(expect), "expected {expect:?}, got:\n{problems}");
        }
    }

    #[test]
    fn all_changes_of_one_act_are_judged_together_and_in_their_order() {
        let d = scene();
        // A new unit, everybody into it, the old one away: each alone would not fit.
        let moved = |id: &str, role: Role| put(person(id, "b", &[role]));
        let roster = Roster { id: uid("desk"), name: "Desk".into(), unit: uid("b"), duties: Vec::new() };
        let changes = [
            DirectoryChange::PutRoster { roster },
            moved("lead", Role::Supervisor),
            moved("agent", Role::Field),
            DirectoryChange::RemoveUnit { unit: uid("a") },
            DirectoryChange::PutUnit { unit: unit("b", "north", &["lead"]) },
        ];
        let next = d.changed(&changes).unwrap();
        assert_eq!(next.leaders_of(&pid("agent")), [pid("lead")]);
        assert!(d.changed(&changes[1..]).is_err(), "without the roster it does not fit");
        // The administrator goes, another comes.
        let both =
            [put(person("agent", "a", &[Role::Administrator])), DirectoryChange::RemovePerson { person: pid("admin") }];
        assert!(d.changed(&both).is_ok());
    }

    #[test]
    fn a_site_that_lost_its_unit_is_told_of_but_stands_in_nobodys_way() {
        let mut d = scene();
        let at = Place { lat_deg: 1.0, lon_deg: 1.0, alt_hae_m: None };
        let site = |unit: &str| Site { id: uid("post"), name: "Post".into(), at, standoff_m: None, unit: uid(unit) };
        d.sites.insert(uid("post"), site("lost"));
        assert_eq!(d.site_problems().len(), 1);
        assert!(d.problems().join("\n").contains("site 'post' belongs to unit 'lost'"));
        d = d.changed(&[put(person("new", "a", &[Role::Field]))]).unwrap();
        // But a unit that a site needs is in use.
        d.sites.insert(uid("post"), site("b"));
        d.units.insert(uid("b"), unit("b", "north", &[]));
        let e = d.changed(&[DirectoryChange::RemoveUnit { unit: uid("b") }]).unwrap_err().join("\n");
        assert!(e.contains("unit 'b' cannot be removed: its people are warned for site 'post'"), "{e}");
    }

    #[test]
    fn more_than_a_centre_keeps_is_refused_and_a_flood_of_problems_is_counted() {
        let crowd = |n: usize, unit: &str| -> Vec<DirectoryChange> {
            (0..n).map(|k| put(person(&format!("p{k}"), unit, &[Role::Field]))).collect()
        };
        let e = scene().changed(&crowd(Directory::MOST_PEOPLE, "a")).unwrap_err().join("\n");
        assert!(e.contains("50003 people are more than the 50000"), "{e}");
        let e = scene().changed(&crowd(1_000, "nowhere")).unwrap_err();
        assert_eq!((e.len(), e.last().unwrap().as_str()), (41, "and 960 more problems like these"));
        let many = vec![put(person("n", "a", &[Role::Field])); Directory::MOST_CHANGES + 1];
        assert_eq!(scene().changed(&many).unwrap_err().len(), 1);
    }

    fn any_change() -> impl Strategy<Value = DirectoryChange> {
        let id = || prop::sample::select(vec!["admin", "lead", "agent", "x", "y"]);
        let unit_id = || prop::sample::select(vec!["centre", "a", "b"]);
        let roles = prop::collection::btree_set(
            prop::sample::select(vec![Role::Field, Role::Supervisor, Role::Administrator]),
            0..3,
        );
        prop_oneof![
            (id(), unit_id(), roles, any::<bool>())
                .prop_map(|(i, u, r, disabled)| { put(Person { disabled, roles: r, ..person(i, u, &[]) }) }),
            id().prop_map(|i| DirectoryChange::RemovePerson { person: pid(i) }),
            (unit_id(), prop::collection::vec(id(), 0..3))
                .prop_map(|(u, l)| DirectoryChange::PutUnit { unit: unit(u, "north", &l) }),
            unit_id().prop_map(|u| DirectoryChange::RemoveUnit { unit: uid(u) }),
            Just(DirectoryChange::RemoveRoster { roster: uid("desk") }),
        ]
    }

    proptest! {
        /// Whatever is asked for: what is taken is sound, has an administrator, and each of its leaders exists.
        #[test]
        fn a_directory_that_was_changed_is_sound(
            acts in prop::collection::vec(prop::collection::vec(any_change(), 1..6), 1..12)
        ) {
            let mut d = scene();
            for changes in &acts {
                let before = d.clone();
                match d.changed(changes) {
                    Ok(next) => d = next,
                    Err(problems) => prop_assert!(!problems.is_empty()),
                }
                prop_assert_eq!(d.problems(), Vec::<String>::new());
                prop_assert!(d.with_role(Role::Administrator).next().is_some());
                for p in d.people.keys() {
                    for l in d.leaders_of(p) {
                        prop_assert!(d.active(&l).is_some() && l != *p);
                    }
                }
                // Doing what was just done once more changes nothing, unless it removes.
                let puts = changes.iter().all(|c| matches!(c,
                    DirectoryChange::PutPerson { .. } | DirectoryChange::PutUnit { .. }));
                if puts && d != before {
                    prop_assert_eq!(d.changed(changes).unwrap(), d.clone());
                }
            }
        }
    }

    #[test]
    fn an_address_must_be_one_and_a_device_is_nothing_else() {
        for (text, good) in [
            ("a@b.example", true),
            ("first.last+picket@ops.example.gov", true),
            ("a@localhost", true),
            ("", false),
            ("a", false),
            ("@b", false),
            ("a@", false),
            ("a b@c", false),
            ("a@b\r\nBcc: x@y", false),
            ("a@b,c@d", false),
            ("<a@b>", false),
            ("a@-b", false),
            ("a@b..c", false),
        ] {
            assert_eq!(is_mail(text), good, "{text:?}");
        }
        for (text, good) in [("+19155550123", true), ("19155550123", false), ("+0123456789", false), ("+1 915", false)]
        {
            assert_eq!(is_number(text), good, "{text:?}");
        }
        let mut p = person("siren", "a", &[Role::Device, Role::Field]);
        p.channels = vec![Channel::Voice];
        p.addresses = Addresses { mail: Some("x".into()), sms: Some("y".into()), ..Addresses::default() };
        let problems = p.problems().join("\n");
        for word in ["device", "voice", "mail", "sms"] {
            assert!(problems.contains(word), "{word}: {problems}");
        }
    }
}
