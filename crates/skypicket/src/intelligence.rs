//! [`ReportView`]: an intelligence report as its reader may see it, with what they may do about it; [`ReportRow`]: one
//! line of a list of them; and [`ReportNews`]: that one changed.

use crate::{engines::Engines, http::permission::Event, views::name_of};
use serde::{Deserialize, Serialize};
use skypicket_desk::intelligence::{Shown, Sight, as_seen};
use skypicket_model::{
    Act, AgencyId, BulletinState, BulletinStep, Directory, Grade, Link, Marking, NoticeId, PersonId, Reader, ReportAct,
    ReportContent, ReportId, ReportState, Role, Time,
    intelligence::{Obtained, ReportStep, SourceKind, Subject},
    may_see,
};
use std::collections::BTreeSet;

/// Longest title of something that is linked, characters.
const TITLE: usize = 120;
/// Most reports, and bulletins, that are named as resting on one.
const MOST_RESTING: usize = 200;

/// How much of a report its reader gets, as a word.
fn word(sight: Sight) -> &'static str {
    match sight {
        Sight::Whole => "whole",
        Sight::Outline => "outline",
        Sight::Tombstone => "tombstone",
    }
}

/// What is said about an individual, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Individuals {
    /// Nothing.
    None,
    /// Something that waits for its approver, hidden from all others but its author.
    Waits,
    /// Something that a supervisor approved.
    Approved,
}

impl Individuals {
    fn of(state: &ReportState) -> Self {
        match state.content.as_ref().and_then(|c| c.individual.as_ref()) {
            None => Self::None,
            Some(_) if state.individual_approved.is_some() => Self::Approved,
            Some(_) => Self::Waits,
        }
    }
}

/// What has to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// It is to be looked at again.
    Review,
    /// Its time is over, or somebody asked for its purge.
    Purge,
}

impl Due {
    fn of(state: &ReportState, now: Time) -> Option<Self> {
        let c = state.content.as_ref()?;
        match () {
            () if c.purge_by <= now || state.purge_asked.is_some() => Some(Self::Purge),
            () if c.review_by <= now => Some(Self::Review),
            () => None,
        }
    }
}

impl Due {
    /// Since when something is to be done about a report: since when it ought to have been looked at again; since its
    /// purge was asked for, or its time was over, whichever came first.
    pub fn since(self, state: &ReportState, now: Time) -> Option<Time> {
        let c = state.content.as_ref()?;
        match self {
            Self::Review => Some(c.review_by),
            Self::Purge => {
                let asked = state.purge_asked.as_ref().map(|(_, at, _)| *at);
                asked.into_iter().chain(Some(c.purge_by).filter(|t| *t <= now)).min()
            }
        }
    }
}

/// What waits for its reader themself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Asks {
    /// They are named as approver of what it says about an individual.
    ApproveIndividual,
    /// They can decide that it goes.
    Purge,
    /// They can be the second person who vets it.
    Vet,
    /// They can look at it again.
    Review,
}

impl Asks {
    fn of(e: &Engines, state: &ReportState, due: Option<Due>, reader: &Reader, now: Time) -> Option<Self> {
        let may = |act: &ReportAct| takes(e, reader, act, now);
        match due {
            Some(Due::Purge) if may(&purge(state)) => Some(Self::Purge),
            // What goes needs nobody's eye any more.
            Some(Due::Purge) => None,
            _ if may(&approve_individual(state)) => Some(Self::ApproveIndividual),
            _ if may(&vet(state)) => Some(Self::Vet),
            Some(Due::Review) if may(&review(state, now)) => Some(Self::Review),
            _ => None,
        }
    }
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReportRow {
    /// Which.
    pub report: ReportId,
    /// Its version.
    pub version: u32,
    /// How far it is.
    pub step: ReportStep,
    /// `whole`, `outline` or `tombstone`.
    pub sight: &'static str,
    /// One line of what it says; nothing of this and the next where the reader gets no content.
    pub title: Option<String>,
    /// How far it is to be believed.
    pub grade: Option<Grade>,
    /// Who may see it.
    pub marking: Option<Marking>,
    /// What it is about.
    pub about: BTreeSet<Subject>,
    /// From which kind of source.
    pub kind: Option<SourceKind>,
    /// How it was learned.
    pub obtained: Option<Obtained>,
    /// Who filed it.
    pub filed_by: PersonId,
    /// Their call-sign or role.
    pub filed_by_name: String,
    /// Name of their agency (28 CFR 23.20(g): who submitted it).
    pub filed_by_agency: String,
    /// When.
    pub filed_at: Time,
    /// When it last changed.
    pub at: Time,
    /// Looked at again by then; nothing once it is purged.
    pub review_by: Option<Time>,
    /// Gone by then.
    pub purge_by: Option<Time>,
    /// What has to be done about it.
    pub due: Option<Due>,
    /// Since when.
    pub due_since: Option<Time>,
    /// What of it waits for the reader themself.
    pub asks: Option<Asks>,
    /// What is said about an individual.
    pub individual: Individuals,
    /// Somebody asked for its purge.
    pub purge_asked: bool,
}

impl ReportRow {
    /// As `reader` may see it.
    pub fn of(e: &Engines, state: &ReportState, reader: &Reader, now: Time) -> Option<Self> {
        let d = e.directory();
        let sight = Shown::of(state).to(reader, now)?;
        let due = Due::of(state, now);
        let shown = state.content.as_deref().filter(|_| sight == Sight::Whole);
        let agency = d.agency_of(&state.filed_by).and_then(|a| d.agencies.get(a));
        Some(Self {
            report: state.id,
            version: state.version,
            step: state.step,
            sight: word(sight),
            title: shown.map(|c| c.title.clone()),
            grade: shown.map(|c| c.grade),
            marking: shown.map(|c| c.marking.clone()),
            about: shown.map(|c| c.about.clone()).unwrap_or_default(),
            kind: shown.map(|c| c.provenance.kind),
            obtained: shown.map(|c| c.provenance.obtained),
            filed_by: state.filed_by.clone(),
            filed_by_name: name_of(d, &state.filed_by),
            filed_by_agency: agency.map(|a| a.name.clone()).unwrap_or_default(),
            filed_at: state.filed_at,
            at: state.at,
            review_by: state.content.as_ref().map(|c| c.review_by),
            purge_by: state.content.as_ref().map(|c| c.purge_by),
            due,
            due_since: due.and_then(|due| due.since(state, now)),
            asks: Asks::of(e, state, due, reader, now),
            individual: shown.map_or(Individuals::None, |_| Individuals::of(state)),
            purge_asked: state.purge_asked.is_some(),
        })
    }
}

/// A report for one reader.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReportView {
    /// What a list says of it.
    #[serde(flatten)]
    pub row: ReportRow,
    /// What it says; without what is said about an individual where that is hidden from the reader.
    pub content: Option<Box<ReportContent>>,
    /// Who wrote what is said about an individual.
    pub individual_by: Option<Named>,
    /// Who is asked to approve it, or has.
    pub individual_approver: Option<Named>,
    /// When they did.
    pub individual_approved_at: Option<Time>,
    /// Who asked for its purge, when and why.
    pub purge_request: Option<PurgeRequest>,
    /// Every change, the oldest first.
    pub history: Vec<ChangeView>,
    /// What is left of it once it is purged.
    pub tombstone: Option<TombstoneView>,
    /// What it links, in words.
    pub links: Vec<LinkView>,
    /// Reports that link it.
    pub linked_by: Vec<LinkView>,
    /// Bulletins that rest on it.
    pub cited_by: Vec<Citing>,
    /// Why its credibility 1 is not deserved any more.
    pub no_longer_confirmed: Option<String>,
    /// What the reader may do about it now.
    pub may: May,
}

/// Somebody by id and name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Who.
    pub id: PersonId,
    /// Their call-sign or role.
    pub name: String,
}

impl Named {
    fn of(d: &Directory, id: &PersonId) -> Self {
        Self { id: id.clone(), name: name_of(d, id) }
    }
}

/// That somebody asked for a purge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PurgeRequest {
    /// Who.
    pub by: Named,
    /// When.
    pub at: Time,
    /// Why.
    pub why: String,
}

/// One change of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeView {
    /// The version from then on.
    pub version: u32,
    /// When.
    pub at: Time,
    /// Who.
    pub by: Named,
    /// What was done.
    pub what: String,
    /// The fields that changed.
    pub fields: Vec<String>,
    /// The grade before, where it changed.
    pub grade_from: Option<Grade>,
    /// And after.
    pub grade_to: Option<Grade>,
    /// Why.
    pub why: String,
}

/// What is left of a report that was purged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TombstoneView {
    /// Salted hash of its last content.
    pub sha256: String,
    /// Why it went.
    pub why: String,
    /// Who asked for it; nobody where its time was over.
    pub asked_by: Option<Named>,
    /// Who decided it.
    pub approved_by: Named,
    /// When.
    pub at: Time,
}

/// Something linked, as far as the reader may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkView {
    /// What it leads to.
    #[serde(flatten)]
    pub link: Link,
    /// Its title; nothing where the reader may not see it, or it is gone.
    pub title: Option<String>,
    /// The grade of a report.
    pub grade: Option<Grade>,
}

/// A bulletin that rests on a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Citing {
    /// Which.
    pub notice: NoticeId,
    /// Its number, once it was issued.
    pub number: Option<String>,
    /// Its title.
    pub title: String,
    /// How far it is.
    pub step: BulletinStep,
}

/// What somebody may do about a report.
#[allow(clippy::struct_excessive_bools)] // an answer to each question
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct May {
    /// Change what it says.
    pub change: bool,
    /// As a second person: say that it fits what may be kept.
    pub vet: bool,
    /// Approve what it says about an individual.
    pub approve_individual: bool,
    /// Keep it for longer.
    pub review: bool,
    /// Ask for its purge.
    pub ask_purge: bool,
    /// Purge it.
    pub purge: bool,
}

impl ReportView {
    /// A report as `reader` may see it; `None` when they may not.
    pub fn of(e: &Engines, id: ReportId, reader: &Reader, now: Time) -> Option<Self> {
        let (d, desk) = (e.directory(), e.desk());
        let state = desk.report(id)?;
        let row = ReportRow::of(e, state, reader, now)?;
        let (sight, seen) = as_seen(state, reader, now)?;
        let whole = sight == Sight::Whole;
        let individual = state.content.as_ref().and_then(|c| c.individual.as_ref()).filter(|_| whole);
        let history = seen.history.iter().map(|h| ChangeView {
            version: h.version,
            at: h.at,
            by: Named::of(d, &h.by),
            what: h.what.clone(),
            fields: h.fields.clone(),
            grade_from: h.grade.map(|(from, _)| from),
            grade_to: h.grade.map(|(_, to)| to),
            why: h.why.clone(),
        });
        let links = seen.content.iter().flat_map(|c| &c.links).map(|l| LinkView::of(e, *l, reader, now)).collect();
        let linking = desk.reports().filter(|s| {
            s.content.as_ref().is_some_and(|c| c.links.contains(&Link::Report(id)))
                && Shown::of(s).to(reader, now) == Some(Sight::Whole)
        });
        let linked_by = linking.take(MOST_RESTING).map(|s| LinkView::of(e, Link::Report(s.id), reader, now)).collect();
        let citing = desk.bulletins().filter_map(|b| Citing::of(b, id, reader));
        Some(Self {
            individual_by: individual.and(state.individual_by.as_ref()).map(|p| Named::of(d, p)),
            individual_approver: individual.map(|i| Named::of(d, &i.approver)),
            individual_approved_at: individual.and(state.individual_approved.as_ref()).map(|(_, at)| *at),
            purge_request: seen.purge_asked.as_ref().map(|(by, at, why)| PurgeRequest {
                by: Named::of(d, by),
                at: *at,
                why: why.clone(),
            }),
            history: history.collect(),
            tombstone: seen.tombstone.as_ref().map(|t| TombstoneView {
                sha256: t.sha256.clone(),
                why: t.why.clone(),
                asked_by: t.asked_by.as_ref().map(|p| Named::of(d, p)),
                approved_by: Named::of(d, &t.approved_by),
                at: t.at,
            }),
            links,
            linked_by: if whole { linked_by } else { Vec::new() },
            cited_by: if whole { citing.take(MOST_RESTING).collect() } else { Vec::new() },
            no_longer_confirmed: desk.no_longer_confirmed(state, now).filter(|_| whole),
            may: May::of(e, state, whole, reader, now),
            content: seen.content,
            row,
        })
    }
}

impl LinkView {
    fn of(e: &Engines, link: Link, reader: &Reader, now: Time) -> Self {
        let desk = e.desk();
        let mut grade = None;
        let title = match link {
            Link::Sighting(id) => {
                let seen = desk.sighting(id).filter(|s| desk.may_see(&reader.person, s));
                seen.map(|s| match s.sighting.words.trim() {
                    "" => format!("report of {}", s.stored_at),
                    words => words.to_owned(),
                })
            }
            // A warning goes to those who watch; a bulletin to all who know of bulletins.
            Link::Notice(id) => {
                if let Some(b) = desk.bulletin(id) {
                    let seen = Event::Bulletin.whole(&reader.roles) && may_see(reader, &b.content.marking);
                    seen.then(|| b.content.title.clone())
                } else {
                    let seen = e.notice(id).filter(|n| may_see(reader, &n.marking));
                    seen.filter(|_| Event::Notice.whole(&reader.roles)).map(|n| n.text.clone())
                }
            }
            Link::Report(id) => {
                let whole = |s: &&ReportState| Shown::of(s).to(reader, now) == Some(Sight::Whole);
                let content = desk.report(id).filter(whole).and_then(|s| s.content.as_deref());
                grade = content.map(|c| c.grade);
                content.map(|c| c.title.clone())
            }
            Link::Track(_) => None,
        };
        Self { link, title: title.map(|t| t.chars().take(TITLE).collect()), grade }
    }
}

impl Citing {
    fn of(b: &BulletinState, report: ReportId, reader: &Reader) -> Option<Self> {
        if !Event::Bulletin.whole(&reader.roles) || !may_see(reader, &b.content.marking) {
            return None;
        }
        let waiting = b.correction.as_ref().map(|c| &c.content).filter(|c| may_see(reader, &c.marking));
        let rests = |c: &skypicket_model::BulletinContent| {
            c.sheet.as_ref().is_some_and(|s| s.rests_on.contains(&Link::Report(report)))
        };
        (rests(&b.content) || waiting.is_some_and(rests)).then(|| Self {
            notice: b.notice,
            number: b.number.clone(),
            title: b.content.title.clone(),
            step: b.step,
        })
    }
}

impl May {
    /// As the desk would answer, asked with a reason and dates that fit.
    fn of(e: &Engines, state: &ReportState, whole: bool, reader: &Reader, now: Time) -> Self {
        let may = |act: &ReportAct| takes(e, reader, act, now);
        let writes = [Role::Analyst, Role::Watch, Role::Supervisor].iter().any(|r| reader.roles.contains(r));
        Self {
            change: whole && writes && state.content.as_ref().is_some_and(|c| c.purge_by > now),
            vet: may(&vet(state)),
            approve_individual: may(&approve_individual(state)),
            review: may(&review(state, now)),
            ask_purge: may(&ReportAct::AskPurge { report: state.id, why: why() }),
            purge: may(&purge(state)),
        }
    }
}

/// Whether the desk would take an act of the reader's.
fn takes(e: &Engines, reader: &Reader, act: &ReportAct, now: Time) -> bool {
    e.desk().check(&reader.person, &Act::Intelligence(act.clone()), now).is_ok()
}

/// A reason that fits.
fn why() -> String {
    "x".to_owned()
}

fn vet(s: &ReportState) -> ReportAct {
    ReportAct::Vet { report: s.id, read: s.version }
}

fn approve_individual(s: &ReportState) -> ReportAct {
    ReportAct::ApproveIndividual { report: s.id, read: s.version }
}

fn purge(s: &ReportState) -> ReportAct {
    ReportAct::Purge { report: s.id, why: why() }
}

/// With dates that fit.
fn review(s: &ReportState, now: Time) -> ReportAct {
    ReportAct::Review { report: s.id, review_by: now.plus_s(3_600.0), purge_by: now.plus_s(7_200.0), why: why() }
}

/// Most supervisors that are offered.
const MOST_APPROVERS: usize = 1_000;

/// What the writer of a report can name in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choices {
    /// Agencies, by name: whom it can be released to.
    pub agencies: Vec<ChoiceOfAgency>,
    /// Active supervisors beside the writer, by name: who can be asked to approve what it says about an individual.
    pub approvers: Vec<ChoiceOfApprover>,
}

/// An agency that can be named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChoiceOfAgency {
    /// Which.
    pub id: AgencyId,
    /// Its name.
    pub name: String,
}

/// A supervisor who can be named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChoiceOfApprover {
    /// Who.
    pub id: PersonId,
    /// Their call-sign or role.
    pub name: String,
    /// Name of their agency.
    pub agency: String,
}

impl Choices {
    /// For a writer.
    pub fn of(d: &Directory, writer: &PersonId) -> Self {
        let agency_name = |p: &PersonId| d.agency_of(p).and_then(|a| d.agencies.get(a)).map(|a| a.name.clone());
        let mut agencies: Vec<_> =
            d.agencies.iter().map(|(id, a)| ChoiceOfAgency { id: id.clone(), name: a.name.clone() }).collect();
        agencies.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        let can = d.people.values().filter(|p| !p.disabled && p.roles.contains(&Role::Supervisor) && p.id != *writer);
        let mut approvers: Vec<_> = can
            .map(|p| ChoiceOfApprover {
                id: p.id.clone(),
                name: p.name.clone(),
                agency: agency_name(&p.id).unwrap_or_default(),
            })
            .collect();
        approvers.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        approvers.truncate(MOST_APPROVERS);
        Self { agencies, approvers }
    }
}

/// That a report changed, for whoever may know.
#[derive(Debug, Clone)]
pub struct ReportNews {
    report: ReportId,
    version: u32,
    step: ReportStep,
    now: Shown,
    before: Option<Shown>,
    at: Time,
}

/// The same for one reader.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportChanged {
    /// Which.
    pub report: ReportId,
    /// Its version; nothing where the reader may not see it any more.
    pub version: Option<u32>,
    /// How far it is.
    pub step: Option<ReportStep>,
    /// The reader may not see it any more.
    pub gone: bool,
}

impl ReportNews {
    /// Of a report as it is now; `before` is who saw it until then.
    pub fn of(state: &ReportState, before: Option<Shown>, at: Time) -> Self {
        Self { report: state.id, version: state.version, step: state.step, now: Shown::of(state), before, at }
    }

    /// For one reader: nothing where they neither see it nor saw it.
    pub fn to(&self, reader: &Reader) -> Option<ReportChanged> {
        let sees = self.now.to(reader, self.at).is_some();
        let saw = self.before.as_ref().is_some_and(|b| b.to(reader, self.at).is_some());
        (sees || saw).then(|| ReportChanged {
            report: self.report,
            version: sees.then_some(self.version),
            step: sees.then_some(self.step),
            gone: !sees,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::Tlp;

    fn state(marking: Option<Marking>) -> ReportState {
        let time = "2026-11-26T12:00:00Z";
        let content = marking.map(|marking| {
            serde_json::json!({
                "title": "t", "text": "t", "about": ["drone"], "marking": marking, "review_by": time, "purge_by": time,
                "provenance": {"kind": "officer", "obtained": "told", "at": time, "source": "s"},
            })
        });
        serde_json::from_value(serde_json::json!({
            "id": "018f0000-0000-7000-8000-000000000001", "version": 2, "step": "raw", "content": content,
            "filed_by": "ana", "filed_at": time, "history": [], "at": time,
        }))
        .unwrap()
    }

    #[test]
    fn a_change_is_told_to_who_sees_it_and_to_who_saw_it_only_that_it_is_gone() {
        let agency = |s: &str| AgencyId::new(s).unwrap();
        let reader = |name: &str, role: Role| Reader {
            person: PersonId::new("p").unwrap(),
            agency: agency(name),
            roles: [role].into(),
        };
        let north = Marking { tlp: Tlp::AmberStrict, owner: Some(agency("north")), ..Marking::default() };
        let at = Time::from_micros(1_000_000_000);
        let open = Shown::of(&state(Some(Marking::default())));
        let narrowed = ReportNews::of(&state(Some(north.clone())), Some(open), at);
        let said = |news: &ReportNews, name: &str, role| news.to(&reader(name, role)).map(|c| (c.version, c.gone));
        assert_eq!(said(&narrowed, "north", Role::Analyst), Some((Some(2), false)));
        assert_eq!(said(&narrowed, "south", Role::Analyst), Some((None, true)));
        assert_eq!(said(&narrowed, "north", Role::Field), None);
        assert_eq!(said(&narrowed, "north", Role::Administrator), None);
        // One that was never theirs is not told of; nor is a purge, but to those who keep tombstones.
        let other = ReportNews::of(&state(Some(north.clone())), Some(Shown::of(&state(Some(north.clone())))), at);
        assert_eq!(said(&other, "south", Role::Analyst), None);
        let purged = ReportNews::of(&state(None), Some(Shown::of(&state(Some(north)))), at);
        assert_eq!(said(&purged, "north", Role::Analyst), Some((None, true)));
        assert_eq!(said(&purged, "south", Role::Analyst), None);
        assert_eq!(said(&purged, "south", Role::Administrator), Some((Some(2), false)));
    }
}
