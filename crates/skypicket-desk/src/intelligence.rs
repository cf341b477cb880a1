//! [`Reports`]: what is known, with its grade, its provenance and the dates by which it is looked at again and goes.
//!
//! A report comes in raw, is kept for [`Policy::tips_days`](crate::Policy::tips_days) at most, and is vetted by a second
//! person; then a review may give it longer dates. What is said about an individual is hidden from everybody but its
//! author and the supervisor named until that supervisor approves it. Whoever decides that a report goes is neither who
//! asked for it nor who filed it. Nothing here judges who may read by itself: [`Shown`] says what a reader gets.
//!
//! # Refusals (`code`), and the rule that asks for them
//! | code | when | rule |
//! |---|---|---|
//! | `not_found` | no such report, or this person may not see it | |
//! | `forbidden` | analysts, watch and supervisors write; analysts and supervisors vet and review; auditors and administrators purge | |
//! | `unfit` | out of its bounds, or names what is not there; every problem is a line | |
//! | `too_many` | [`MOST_REPORTS`] are kept, or [`MOST_CHANGES`] changes of this one | |
//! | `exists` | the id is taken | |
//! | `changed` | changed, vetted or approved as it was before it was changed | |
//! | `nothing_changes` | a change that changes nothing | |
//! | `views` | about political, religious or social views | 28 CFR 23.20(b) |
//! | `not_lawful` | nobody affirms that it was obtained lawfully | 28 CFR 23.20(d) |
//! | `no_basis` | about an individual, without a basis of suspicion | 28 CFR 23.20(a), (c) |
//! | `no_approver`, `own_approver` | about an individual, and whoever is to approve is no active supervisor who may see it, or its author | 28 CFR 23.20(a), (c) |
//! | `individual_waits` | changed what waits for an approval and is hidden from this person; vetted before that | 28 CFR 23.20(a), (c) |
//! | `kept_too_long` | kept over [`MOST_DAYS`] from filing or review | 28 CFR 23.20(h) |
//! | `bad_dates` | reviewed after it is gone, or a date that is past | 28 CFR 23.20(h) |
//! | `later_dates` | a plain change that moves a date to later | 28 CFR 23.20(h) |
//! | `tips_time` | not vetted, and kept longer than the policy lets it | |
//! | `not_independent` | credibility 1 without two linked reports of other, independent sources | FM 2-22.3, table B-2 |
//! | `marking_wider` | opens to whom something that it links does not open to | TLP 2.0 |
//! | `second_person` | vetted by who wrote it; purged by who asked for it or filed it | |
//! | `already_vetted`, `not_vetted`, `nothing_waits`, `already_asked`, `not_asked`, `purged`, `over`, `why` | an act that does not fit how far it is, or has no reason | |

use crate::{Desk, Refusal};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use skypicket_model::{
    Directory, Grade, Link, Marking, PersonId, Reader, ReportAct, ReportContent, ReportId, ReportState, Role, Time,
    intelligence::{Credibility, Individual, Provenance, ReportChange, ReportStep, Subject, Tombstone},
    may_see,
};
use std::collections::{BTreeMap, BTreeSet};

/// Most reports that are not purged.
pub const MOST_REPORTS: usize = 20_000;
/// Most tombstones kept here; older ones are in the record.
const MOST_TOMBSTONES: usize = 20_000;
/// Most changes of one report.
pub const MOST_CHANGES: usize = 500;
/// Most characters of a title.
pub const MOST_TITLE: usize = 200;
/// Most characters of a text.
pub const MOST_TEXT: usize = 10_000;
/// Most characters of what is said about an individual, and of its basis.
pub const MOST_INDIVIDUAL: usize = 4_000;
/// Most characters of a source.
pub const MOST_SOURCE: usize = 200;
/// Most characters of an origin.
pub const MOST_ORIGIN: usize = 500;
/// Most links.
pub const MOST_LINKS: usize = 50;
/// Most agencies and people in a marking.
const MOST_NAMED: usize = 200;
/// Longest time that a report is kept from its filing or a review, days: five years (28 CFR 23.20(h)).
pub const MOST_DAYS: u32 = 1_826;
/// So much may a client's clock be ahead, seconds.
const AHEAD_S: f64 = 300.0;
const DAY_S: f64 = 86_400.0;
/// Most reasons why sources are not independent that are listed.
const MOST_SAID: usize = 5;

/// Who writes reports.
const WRITES: &[Role] = &[Role::Analyst, Role::Watch, Role::Supervisor];
/// Who vets and reviews them.
const VETS: &[Role] = &[Role::Analyst, Role::Supervisor];
/// Who reads them.
const READS: &[Role] = &[Role::Analyst, Role::Watch, Role::Supervisor, Role::Auditor];
/// Who decides that they go.
const PURGES: &[Role] = &[Role::Auditor, Role::Administrator];

/// Reports that are not purged, and the tombstones of those that are.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Reports {
    states: BTreeMap<ReportId, ReportState>,
}

fn refuse(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(code, message)
}

// ---- who sees what ----

/// How much of a report a reader gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// All of it (of an individual only what is approved, or theirs).
    Whole,
    /// That it is there and must go, without a word of what it says: for those who decide that it goes.
    Outline,
    /// What is left of it.
    Tombstone,
}

/// What decides who sees a report: enough to ask again when it has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its marking; none once it is purged.
    marking: Option<Marking>,
    purge_by: Option<Time>,
    purge_asked: bool,
}

impl Shown {
    /// Of a report as it is.
    pub fn of(state: &ReportState) -> Self {
        Self {
            marking: state.content.as_ref().map(|c| c.marking.clone()),
            purge_by: state.content.as_ref().map(|c| c.purge_by),
            purge_asked: state.purge_asked.is_some(),
        }
    }

    /// Its time is over.
    fn is_over(&self, now: Time) -> bool {
        self.purge_by.is_some_and(|t| t <= now)
    }

    /// How much of it a reader gets; `None` is nothing, not even that it is there.
    ///
    /// Readers are analysts, watch, supervisors and auditors, as its marking lets them. An administrator gets only what
    /// waits for a purge, as its marking lets them. What is over is there only for auditors and administrators, and
    /// without its content where its marking is not for them. A tombstone is theirs alone.
    pub fn to(&self, reader: &Reader, now: Time) -> Option<Sight> {
        let has = |roles: &[Role]| roles.iter().any(|r| reader.roles.contains(r));
        let (reads, purges) = (has(READS), has(PURGES));
        let Some(marking) = &self.marking else { return purges.then_some(Sight::Tombstone) };
        let released = may_see(reader, marking);
        match () {
            () if self.is_over(now) => purges.then_some(if released { Sight::Whole } else { Sight::Outline }),
            () if released && (reads || purges && self.purge_asked) => Some(Sight::Whole),
            () => None,
        }
    }
}

/// Whether somebody gets what a report says about an individual: everybody who gets the report once it is approved,
/// before that its author and whoever is asked to approve it.
fn individual_open(state: &ReportState, person: &PersonId) -> bool {
    let approver = state.content.as_ref().and_then(|c| c.individual.as_ref()).map(|i| &i.approver);
    state.individual_approved.is_some() || state.individual_by.as_ref() == Some(person) || approver == Some(person)
}

/// A report as a reader gets it: without the salt, without what is hidden from them.
pub fn as_seen(state: &ReportState, reader: &Reader, now: Time) -> Option<(Sight, ReportState)> {
    let sight = Shown::of(state).to(reader, now)?;
    let mut seen = ReportState { salt: String::new(), ..state.clone() };
    match sight {
        Sight::Whole => {
            if let Some(c) = seen.content.as_mut().filter(|_| !individual_open(state, &reader.person)) {
                c.individual = None;
            }
        }
        Sight::Outline => {
            seen.content = None;
            seen.purge_asked = None;
            wordless(&mut seen.history);
        }
        Sight::Tombstone => {}
    }
    Some((sight, seen))
}

/// Reasons may repeat what a report says.
fn wordless(history: &mut [ReportChange]) {
    for change in history {
        change.why = String::new();
    }
}

// ---- independence ----

/// What a report goes back to, so that the same written differently is the same: lower case, one space between words;
/// of an address without scheme, `www.`, query and slash at its end. Without an origin it is the source's own name.
fn origin_of(p: &Provenance) -> String {
    let said = if p.origin.trim().is_empty() { &p.source } else { &p.origin };
    let said = said.trim().to_lowercase();
    let bare = said.split_once("://").map_or(said.as_str(), |(_, rest)| rest);
    let is_address = bare.len() < said.len() || bare.starts_with("www.") || bare.contains('/') && bare.contains('.');
    if !is_address || bare.contains(char::is_whitespace) {
        return said.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let bare = bare.strip_prefix("www.").unwrap_or(bare);
    let bare = bare.split(['?', '#']).next().unwrap_or_default();
    bare.trim_end_matches('/').to_owned()
}

/// A linked report, as far as independence asks for it.
struct Backing<'a> {
    id: ReportId,
    title: &'a str,
    origin: String,
    filed_by: &'a PersonId,
    links: &'a BTreeSet<Link>,
}

impl Backing<'_> {
    fn links_to(&self, id: ReportId) -> bool {
        self.links.contains(&Link::Report(id))
    }

    /// Why it and another are one source, where they are.
    fn same_as(&self, other: &Backing<'_>, other_name: &str) -> Option<String> {
        let why = if self.origin == other.origin {
            format!("have the same origin ({})", self.origin)
        } else if self.filed_by == other.filed_by {
            "were filed by the same person".to_owned()
        } else if self.links_to(other.id) || other.links_to(self.id) {
            "rest on one another".to_owned()
        } else {
            return None;
        };
        Some(format!("'{}' and {other_name} {why}", self.title))
    }
}

impl Reports {
    pub(crate) fn get(&self, id: ReportId) -> Option<&ReportState> {
        self.states.get(&id)
    }

    /// The report with its content, while it may be read and linked.
    fn living(&self, id: ReportId, now: Time) -> Option<(&ReportState, &ReportContent)> {
        let s = self.get(id)?;
        let c = s.content.as_deref()?;
        (c.purge_by > now).then_some((s, c))
    }

    /// Why the reports that a content links do not confirm it (credibility 1), where they do not.
    pub(crate) fn unconfirmed(
        &self,
        id: ReportId,
        filed_by: &PersonId,
        content: &ReportContent,
        now: Time,
    ) -> Option<String> {
        let own = Backing {
            id,
            title: &content.title,
            origin: origin_of(&content.provenance),
            filed_by,
            // What it links is its backing: only the other way round is a circle.
            links: &BTreeSet::new(),
        };
        let linked = content.links.iter().filter_map(|l| match l {
            Link::Report(other) if *other != id => self.living(*other, now),
            _ => None,
        });
        let mut said = Vec::new();
        let mut backings: Vec<Backing<'_>> = Vec::new();
        let mut count = 0;
        for (s, c) in linked {
            count += 1;
            let b = Backing {
                id: s.id,
                title: &c.title,
                origin: origin_of(&c.provenance),
                filed_by: &s.filed_by,
                links: &c.links,
            };
            if let Some(why) = b.same_as(&own, "this report") {
                said.push(why);
                continue;
            }
            let same: Vec<String> = backings.iter().filter_map(|o| b.same_as(o, &format!("'{}'", o.title))).collect();
            if same.len() < backings.len() {
                return None;
            }
            said.extend(same);
            backings.push(b);
        }
        let needs = "credibility 1 needs two linked reports of independent sources (FM 2-22.3, table B-2)";
        if count < 2 {
            return Some(format!("{needs}: it links {count}; link them, or grade it 2"));
        }
        said.truncate(MOST_SAID);
        Some(format!("{needs}: {}", said.join("; ")))
    }

    // ---- decide ----

    /// What an act that fits makes of its report.
    fn next(&self, by: &PersonId, act: &ReportAct, tips_days: u32, now: Time) -> Option<ReportState> {
        let change = |version: u32, what: &str, why: &str| ReportChange {
            version,
            at: now,
            by: by.clone(),
            what: what.into(),
            fields: Vec::new(),
            grade: None,
            why: why.trim().into(),
        };
        if let ReportAct::File { report, content, salt } = act {
            let grade = content.grade;
            return Some(ReportState {
                id: *report,
                version: 1,
                step: ReportStep::Raw,
                content: Some(content.clone()),
                salt: salt.clone(),
                filed_by: by.clone(),
                filed_at: now,
                individual_by: content.individual.as_ref().map(|_| by.clone()),
                individual_approved: None,
                purge_asked: None,
                history: vec![ReportChange {
                    grade: (grade != Grade::default()).then(|| (Grade::default(), grade)),
                    ..change(1, "filed", "")
                }],
                tombstone: None,
                at: now,
            });
        }
        let s = self.get(act.report())?.clone();
        let old = s.content.clone()?;
        let with = |c: ReportChange| s.history.iter().cloned().chain([c]).collect::<Vec<_>>();
        let v = s.version;
        Some(match act {
            ReportAct::File { .. } => return None,
            ReportAct::Change { content, salt, why, .. } => {
                let mut new = effective(&s, by, content);
                let mut fields = changed_fields(&old, &new);
                let unvets = fields.iter().any(|f| UNVETS.contains(&f.as_str()));
                let step = if unvets { ReportStep::Raw } else { s.step };
                if s.step == ReportStep::Vetted && step == ReportStep::Raw {
                    new.purge_by = new.purge_by.min(days_after(now, tips_days));
                    new.review_by = new.review_by.min(new.purge_by);
                    fields = changed_fields(&old, &new);
                }
                let (individual_by, individual_approved) = match &new.individual {
                    same if *same == old.individual => (s.individual_by.clone(), s.individual_approved.clone()),
                    Some(_) => (Some(by.clone()), None),
                    None => (None, None),
                };
                let grade = (old.grade != new.grade).then_some((old.grade, new.grade));
                let history = with(ReportChange { fields, grade, ..change(v + 1, "changed", why) });
                ReportState {
                    version: v + 1,
                    step,
                    content: Some(Box::new(new)),
                    salt: salt.clone(),
                    individual_by,
                    individual_approved,
                    history,
                    at: now,
                    ..s
                }
            }
            ReportAct::Vet { .. } => {
                ReportState { step: ReportStep::Vetted, history: with(change(v, "vetted", "")), at: now, ..s }
            }
            ReportAct::ApproveIndividual { .. } => ReportState {
                individual_approved: Some((by.clone(), now)),
                history: with(change(v, "individual_approved", "")),
                at: now,
                ..s
            },
            ReportAct::Review { review_by, purge_by, why, .. } => {
                let new = ReportContent { review_by: *review_by, purge_by: *purge_by, ..*old.clone() };
                let fields = changed_fields(&old, &new);
                ReportState {
                    version: v + 1,
                    content: Some(Box::new(new)),
                    purge_asked: None,
                    history: with(ReportChange { fields, ..change(v + 1, "reviewed", why) }),
                    at: now,
                    ..s
                }
            }
            ReportAct::AskPurge { why, .. } => ReportState {
                purge_asked: Some((by.clone(), now, why.trim().into())),
                history: with(change(v, "purge_asked", why)),
                at: now,
                ..s
            },
            ReportAct::Purge { why, .. } => {
                let mut history = with(change(v, "purged", ""));
                wordless(&mut history);
                ReportState {
                    step: ReportStep::Purged,
                    content: None,
                    salt: String::new(),
                    purge_asked: None,
                    history,
                    tombstone: Some(Tombstone {
                        sha256: sha256(&old, &s.salt),
                        why: why.trim().into(),
                        asked_by: s.purge_asked.as_ref().map(|(who, _, _)| who.clone()),
                        approved_by: by.clone(),
                        at: now,
                    }),
                    at: now,
                    ..s
                }
            }
        })
    }

    // ---- apply ----

    pub(crate) fn put(&mut self, state: &ReportState) {
        self.states.insert(state.id, state.clone());
        let mut gone: Vec<(Time, ReportId)> =
            self.states.values().filter(|s| s.step == ReportStep::Purged).map(|s| (s.at, s.id)).collect();
        let surplus = gone.len().saturating_sub(MOST_TOMBSTONES);
        if surplus > 0 {
            gone.sort_unstable();
            for (_, id) in gone.into_iter().take(surplus) {
                self.states.remove(&id);
            }
        }
    }
}

/// A change of these asks for vetting again.
const UNVETS: &[&str] = &["title", "text", "about", "provenance", "area", "from", "until", "individual"];

/// The fields that differ, by name.
fn changed_fields(old: &ReportContent, new: &ReportContent) -> Vec<String> {
    // Named one by one: a field that is added and forgotten here does not compile.
    let ReportContent {
        title,
        text,
        about,
        provenance,
        grade,
        marking,
        area,
        from,
        until,
        links,
        individual,
        review_by,
        purge_by,
    } = old;
    [
        ("title", *title != new.title),
        ("text", *text != new.text),
        ("about", *about != new.about),
        ("provenance", *provenance != new.provenance),
        ("grade", *grade != new.grade),
        ("marking", *marking != new.marking),
        ("area", *area != new.area),
        ("from", *from != new.from),
        ("until", *until != new.until),
        ("links", *links != new.links),
        ("individual", *individual != new.individual),
        ("review_by", *review_by != new.review_by),
        ("purge_by", *purge_by != new.purge_by),
    ]
    .into_iter()
    .filter(|(_, differs)| *differs)
    .map(|(name, _)| name.to_owned())
    .collect()
}

/// A changed content with what its writer was not shown, and so could not send back.
fn effective(state: &ReportState, by: &PersonId, content: &ReportContent) -> ReportContent {
    let mut new = content.clone();
    if new.individual.is_none() && !individual_open(state, by) {
        new.individual = state.content.as_ref().and_then(|c| c.individual.clone());
    }
    new
}

fn days_after(t: Time, days: u32) -> Time {
    t.plus_s(f64::from(days) * DAY_S)
}

/// SHA-256 of `{"content":…,"salt":…}` as JSON with sorted keys and no spaces, lower-case hex.
fn sha256(content: &ReportContent, salt: &str) -> String {
    let value = serde_json::json!({"content": content, "salt": salt});
    let mut text = String::new();
    sorted(&value, &mut text);
    Sha256::digest(text.as_bytes()).iter().fold(String::new(), |mut hex, b| {
        for n in [b >> 4, b & 15] {
            hex.push(char::from(b"0123456789abcdef"[usize::from(n)]));
        }
        hex
    })
}

/// Sorted here, so that no build feature of `serde_json` (`preserve_order`) can change a hash.
fn sorted(value: &serde_json::Value, out: &mut String) {
    match value {
        serde_json::Value::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().collect();
            out.push('{');
            for (k, (name, v)) in members.into_iter().enumerate() {
                out.push_str(if k > 0 { "," } else { "" });
                out.push_str(&serde_json::Value::from(name.as_str()).to_string());
                out.push(':');
                sorted(v, out);
            }
            out.push('}');
        }
        serde_json::Value::Array(items) => {
            out.push('[');
            for (k, v) in items.iter().enumerate() {
                out.push_str(if k > 0 { "," } else { "" });
                sorted(v, out);
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

// ---- check ----

/// Whoever wrote at what is to be vetted now: who filed it, and who changed it since it was vetted last.
fn writers(state: &ReportState) -> BTreeSet<&PersonId> {
    let since = state.history.iter().rev().take_while(|c| c.what != "vetted");
    since.filter(|c| c.what == "changed").map(|c| &c.by).chain([&state.filed_by]).collect()
}

fn check_why(why: &str) -> Result<(), Refusal> {
    let n = why.trim().chars().count();
    if (1..=Desk::MOST_WHY).contains(&n) && !has_control(why, false) {
        Ok(())
    } else {
        Err(refuse("why", format!("say why, in 1 to {} characters", Desk::MOST_WHY)))
    }
}

fn has_control(text: &str, one_line: bool) -> bool {
    text.chars().any(|ch| ch.is_control() && (one_line || !matches!(ch, '\n' | '\t')))
}

fn check_read(read: u32, state: &ReportState) -> Result<(), Refusal> {
    if read == state.version {
        Ok(())
    } else {
        Err(refuse("changed", format!("it was changed since you read it: it is version {} now", state.version)))
    }
}

/// What of a content is out of its bounds, all of it at once.
fn check_bounds(c: &ReportContent, salt: &str, now: Time) -> Result<(), Refusal> {
    let mut wrong = Vec::new();
    let mut text = |what: &str, text: &str, least: usize, most: usize, one_line: bool| {
        let n = text.trim().chars().count();
        if !(least..=most).contains(&n) {
            wrong.push(format!("{what}: {n} characters; give {least} to {most}"));
        }
        if has_control(text, one_line) {
            wrong.push(format!("{what}: it holds control characters"));
        }
    };
    text("title", &c.title, 1, MOST_TITLE, true);
    text("text", &c.text, 1, MOST_TEXT, false);
    text("provenance.source", &c.provenance.source, 1, MOST_SOURCE, true);
    text("provenance.origin", &c.provenance.origin, 0, MOST_ORIGIN, true);
    if let Some(i) = &c.individual {
        text("individual.text", &i.text, 1, MOST_INDIVIDUAL, false);
        text("individual.basis", &i.basis, 0, MOST_INDIVIDUAL, false);
    }
    if c.about.is_empty() {
        wrong.push("about: say at least one thing that it is about".into());
    }
    if c.provenance.at.since_s(now) > AHEAD_S {
        wrong.push("provenance.at: it lies ahead; say when it was learned".into());
    }
    if c.links.len() > MOST_LINKS {
        wrong.push(format!("links: {}; give at most {MOST_LINKS}", c.links.len()));
    }
    if c.marking.releasable_to.len() > MOST_NAMED || c.marking.named.len() > MOST_NAMED {
        wrong.push(format!("marking: it names over {MOST_NAMED}"));
    }
    if let Some(area) = &c.area
        && let Err(why) = area.check()
    {
        wrong.push(why);
    }
    if c.from.zip(c.until).is_some_and(|(from, until)| from > until) {
        wrong.push("until: it is before from".into());
    }
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if salt.len() != 32 || !salt.bytes().all(hex) {
        wrong.push("salt: give 32 lower-case hex digits".into());
    }
    if wrong.is_empty() { Ok(()) } else { Err(refuse("unfit", wrong.join("\n"))) }
}

/// What may not be kept at all.
fn check_law(c: &ReportContent) -> Result<(), Refusal> {
    if c.about.contains(&Subject::Views) {
        return Err(refuse(
            "views",
            "about: nothing is kept about political, religious or social views, associations or activities \
             (28 CFR 23.20(b))",
        ));
    }
    if !c.provenance.lawful {
        return Err(refuse(
            "not_lawful",
            "provenance.lawful: nothing is kept unless whoever files it affirms that it was obtained lawfully \
             (28 CFR 23.20(d))",
        ));
    }
    Ok(())
}

fn check_dates(review_by: Time, purge_by: Time, now: Time) -> Result<(), Refusal> {
    if review_by > purge_by {
        return Err(refuse(
            "bad_dates",
            "review_by: it would be gone by then; it is looked at again before it goes (28 CFR 23.20(h))",
        ));
    }
    if purge_by <= now {
        return Err(refuse("bad_dates", "purge_by: it is past; give a time ahead (28 CFR 23.20(h))"));
    }
    Ok(())
}

fn check_kept(purge_by: Time, from: Time) -> Result<(), Refusal> {
    let most = days_after(from, MOST_DAYS);
    if purge_by <= most {
        return Ok(());
    }
    let message =
        format!("purge_by: nothing is kept over five years without a review; give {most} or earlier (28 CFR 23.20(h))");
    Err(refuse("kept_too_long", message))
}

/// Of what is said about an individual: whether it may be put to its approver.
fn check_individual(i: &Individual, by: &PersonId, marking: &Marking, d: &Directory) -> Result<(), Refusal> {
    if i.basis.trim().is_empty() {
        return Err(refuse(
            "no_basis",
            "individual.basis: say why they are reasonably suspected of which crime; without that nothing is kept \
             about an individual (28 CFR 23.20(a), (c))",
        ));
    }
    if i.approver == *by {
        return Err(refuse(
            "own_approver",
            "individual.approver: somebody else must approve what you keep about an individual (28 CFR 23.20(a), (c))",
        ));
    }
    check_approver(&i.approver, marking, d)
}

fn check_approver(approver: &PersonId, marking: &Marking, d: &Directory) -> Result<(), Refusal> {
    let supervisor = d.active(approver).is_some_and(|p| p.roles.contains(&Role::Supervisor));
    if supervisor && d.reader(approver).is_some_and(|r| may_see(&r, marking)) {
        return Ok(());
    }
    let message = format!(
        "individual.approver: '{approver}' is no active supervisor who may see this report (28 CFR 23.20(a), (c))"
    );
    Err(refuse("no_approver", message))
}

impl Desk {
    /// Whether an act about a report can be taken.
    pub(crate) fn check_report(&self, by: &PersonId, act: &ReportAct, now: Time) -> Result<(), Refusal> {
        let d = &self.directory;
        let may = |roles: &[Role], what: &str| {
            let has = d.active(by).is_some_and(|p| roles.iter().any(|r| p.roles.contains(r)));
            if has { Ok(()) } else { Err(refuse("forbidden", format!("only {what}"))) }
        };
        let writes = || may(WRITES, "analysts, watch and supervisors write reports");
        let vets = |what: &str| may(VETS, &format!("analysts and supervisors {what} reports"));
        let reader = d.reader(by).ok_or_else(|| refuse("forbidden", "you are not in the directory"))?;
        if let ReportAct::File { report, content, salt } = act {
            writes()?;
            if self.reports.get(*report).is_some() {
                return Err(refuse("exists", "there is a report of that id: use a new one"));
            }
            if self.reports.states.values().filter(|s| s.content.is_some()).count() >= MOST_REPORTS {
                return Err(refuse("too_many", format!("{MOST_REPORTS} reports are kept: purge what is not needed")));
            }
            check_bounds(content, salt, now)?;
            check_law(content)?;
            check_dates(content.review_by, content.purge_by, now)?;
            check_kept(content.purge_by, now)?;
            let tips = self.policy().tips_days;
            if content.purge_by > days_after(now, tips) {
                let message = format!(
                    "purge_by: until somebody else has vetted it, a report is kept for at most {tips} days; a review \
                     after that may keep it longer"
                );
                return Err(refuse("tips_time", message));
            }
            if let Some(i) = &content.individual {
                check_individual(i, by, &content.marking, d)?;
            }
            self.check_links(&reader, *report, content, &BTreeSet::new(), now)?;
            return self.check_grade(*report, by, content, now);
        }
        let not_found = || refuse("not_found", "there is no such report");
        let s = self.reports.get(act.report()).ok_or_else(not_found)?;
        let shown = Shown::of(s);
        shown.to(&reader, now).ok_or_else(not_found)?;
        let Some(old) = &s.content else { return Err(refuse("purged", "it is purged already")) };
        let goes = matches!(act, ReportAct::Purge { .. } | ReportAct::AskPurge { .. });
        if shown.is_over(now) && !matches!(act, ReportAct::Purge { .. }) {
            let message = format!("its time was over at {}: it can only be purged (28 CFR 23.20(h))", old.purge_by);
            return Err(refuse("over", message));
        }
        if s.history.len() >= MOST_CHANGES && !goes {
            return Err(refuse("too_many", format!("it was changed {MOST_CHANGES} times: file a new one")));
        }
        match act {
            ReportAct::File { .. } => Ok(()),
            ReportAct::Change { read, content, salt, why, .. } => {
                writes()?;
                check_why(why)?;
                check_read(*read, s)?;
                if content.individual.is_some() && !individual_open(s, by) && s.individual_by.is_some() {
                    return Err(refuse(
                        "individual_waits",
                        "individual: what it says about an individual waits for its approver and is not yours to \
                         change: leave it out (28 CFR 23.20(a), (c))",
                    ));
                }
                let new = effective(s, by, content);
                check_bounds(&new, salt, now)?;
                check_law(&new)?;
                if new.review_by > old.review_by || new.purge_by > old.purge_by {
                    return Err(refuse(
                        "later_dates",
                        "review_by, purge_by: a change keeps nothing for longer; a review does (28 CFR 23.20(h))",
                    ));
                }
                check_dates(new.review_by, new.purge_by, now)?;
                if let Some(i) = new.individual.as_ref().filter(|_| new.individual != old.individual) {
                    check_individual(i, by, &new.marking, d)?;
                }
                if changed_fields(old, &new).is_empty() {
                    return Err(refuse("nothing_changes", "it says the same already"));
                }
                self.check_links(&reader, s.id, &new, &old.links, now)?;
                self.check_grade(s.id, &s.filed_by, &new, now)
            }
            ReportAct::Vet { read, .. } => {
                vets("vet")?;
                check_read(*read, s)?;
                if s.step == ReportStep::Vetted {
                    return Err(refuse("already_vetted", "it is vetted already"));
                }
                if writers(s).contains(by) {
                    return Err(refuse("second_person", "somebody who did not write at it must vet it"));
                }
                if old.individual.is_some() && s.individual_approved.is_none() {
                    return Err(refuse(
                        "individual_waits",
                        "what it says about an individual waits for its approver: it is vetted after that \
                         (28 CFR 23.20(a), (c))",
                    ));
                }
                Ok(())
            }
            ReportAct::ApproveIndividual { read, .. } => {
                let waits = old.individual.as_ref().filter(|_| s.individual_approved.is_none());
                let Some(i) = waits else {
                    return Err(refuse("nothing_waits", "nothing about an individual waits here"));
                };
                if i.approver != *by {
                    return Err(refuse("forbidden", "only the supervisor who is named approves it"));
                }
                check_approver(by, &old.marking, d)?;
                check_read(*read, s)
            }
            ReportAct::Review { review_by, purge_by, why, .. } => {
                vets("review")?;
                check_why(why)?;
                if s.step != ReportStep::Vetted {
                    return Err(refuse("not_vetted", "somebody else must vet it before a review may keep it longer"));
                }
                if *review_by <= now {
                    return Err(refuse("bad_dates", "review_by: it is past; give a time ahead (28 CFR 23.20(h))"));
                }
                check_dates(*review_by, *purge_by, now)?;
                check_kept(*purge_by, now)
            }
            ReportAct::AskPurge { why, .. } => {
                check_why(why)?;
                if s.purge_asked.is_some() {
                    return Err(refuse("already_asked", "somebody asked for that already"));
                }
                Ok(())
            }
            ReportAct::Purge { why, .. } => {
                may(PURGES, "auditors and administrators purge reports")?;
                check_why(why)?;
                if shown.is_over(now) {
                    return Ok(());
                }
                match &s.purge_asked {
                    None => Err(refuse("not_asked", "its time is not over, and nobody asked for its purge")),
                    Some((who, _, _)) if who == by || s.filed_by == *by => Err(refuse(
                        "second_person",
                        "somebody who neither filed it nor asked for its purge must decide that",
                    )),
                    Some(_) => Ok(()),
                }
            }
        }
    }

    /// What a content links is there for its writer (what it linked before may have gone since), and its marking opens
    /// to nobody whom that does not open to.
    fn check_links(
        &self,
        reader: &Reader,
        own: ReportId,
        content: &ReportContent,
        before: &BTreeSet<Link>,
        now: Time,
    ) -> Result<(), Refusal> {
        let mut wrong = Vec::new();
        let mut stricter = None;
        if !may_see(reader, &content.marking) {
            wrong.push("marking: you could not see it yourself: add your agency, or yourself by name".to_owned());
        }
        for link in &content.links {
            if *link == Link::Report(own) {
                wrong.push("links: a report does not link to itself".into());
            }
            let known = before.contains(link);
            match self.behind(*link, now) {
                Behind::Marked(m) if known || may_see(reader, m) => {
                    if !content.marking.covers(m) {
                        stricter = Some(link.word());
                    }
                }
                Behind::Unmarked => {}
                Behind::Gone if known => {}
                Behind::Marked(_) | Behind::Gone => wrong.push(format!("links: there is no {}", link.word())),
            }
        }
        if !wrong.is_empty() {
            return Err(refuse("unfit", wrong.join("\n")));
        }
        match stricter {
            None => Ok(()),
            Some(what) => Err(refuse(
                "marking_wider",
                format!("marking: {what} is marked more strictly; what rests on it is marked as strictly (TLP 2.0)"),
            )),
        }
    }

    fn check_grade(
        &self,
        id: ReportId,
        filed_by: &PersonId,
        content: &ReportContent,
        now: Time,
    ) -> Result<(), Refusal> {
        if content.grade.credibility != Credibility::Confirmed {
            return Ok(());
        }
        match self.reports.unconfirmed(id, filed_by, content, now) {
            None => Ok(()),
            Some(why) => Err(refuse("not_independent", format!("grade: {why}"))),
        }
    }

    /// What a link leads to.
    pub(crate) fn behind(&self, link: Link, now: Time) -> Behind<'_> {
        let marking = match link {
            Link::Sighting(id) => self.sighting(id).map(|s| &s.sighting.marking),
            Link::Notice(id) => {
                let bulletin = self.bulletins.get(id).map(|s| &s.content.marking);
                bulletin.or_else(|| self.alarms.warning(id).map(|w| &w.marking))
            }
            Link::Report(id) => self.reports.living(id, now).map(|(_, c)| &c.marking),
            Link::Track(_) => return Behind::Unmarked,
        };
        marking.map_or(Behind::Gone, Behind::Marked)
    }

    /// What an act about a report that fits makes of it.
    pub(crate) fn next_report(&self, by: &PersonId, act: &ReportAct, now: Time) -> Option<ReportState> {
        self.reports.next(by, act, self.policy().tips_days, now)
    }

    // ---- to look at ----

    /// A report as it is, with all that is hidden from readers: for those who show it, [`as_seen`].
    pub fn report(&self, id: ReportId) -> Option<&ReportState> {
        self.reports.get(id)
    }

    /// All reports and tombstones, in order of id; as [`Desk::report`].
    pub fn reports(&self) -> impl Iterator<Item = &ReportState> {
        self.reports.states.values()
    }

    /// Why a report that is graded 1 does not deserve it any more (what confirmed it was purged or changed since).
    pub fn no_longer_confirmed(&self, state: &ReportState, now: Time) -> Option<String> {
        let c = state.content.as_ref().filter(|c| c.grade.credibility == Credibility::Confirmed)?;
        self.reports.unconfirmed(state.id, &state.filed_by, c, now)
    }

    /// Reports that somebody has to do something about, what is due longest first: to be looked at again; and to be
    /// purged, since their time is over or somebody asked for it.
    pub fn overdue(&self, now: Time) -> Overdue<'_> {
        let mut due = Overdue::default();
        for s in self.reports() {
            let Some(c) = &s.content else { continue };
            if c.purge_by <= now || s.purge_asked.is_some() {
                due.purge.push(s);
            } else if c.review_by <= now {
                due.review.push(s);
            }
        }
        due.review.sort_by_key(|s| (s.content.as_ref().map(|c| c.review_by), s.id));
        let asked_at = |s: &ReportState| s.purge_asked.as_ref().map(|(_, at, _)| *at);
        due.purge.sort_by_key(|s| {
            let over = s.content.as_ref().map(|c| c.purge_by).filter(|t| *t <= now);
            (over.into_iter().chain(asked_at(s)).min(), s.id)
        });
        due
    }
}

/// What a link leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Behind<'a> {
    /// It is not here, or not any more.
    Gone,
    /// It has no marking of its own: tracks, which end and may be named all the same.
    Unmarked,
    /// Its marking.
    Marked(&'a Marking),
}

/// Reports that somebody has to do something about.
#[derive(Debug, Default)]
pub struct Overdue<'a> {
    /// To be looked at again.
    pub review: Vec<&'a ReportState>,
    /// To be purged.
    pub purge: Vec<&'a ReportState>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_model::intelligence::{Obtained, SourceKind};

    #[test]
    fn one_origin_written_differently_is_one() {
        let of = |origin: &str| {
            origin_of(&Provenance {
                kind: SourceKind::OpenPost,
                obtained: Obtained::Read,
                at: Time::from_micros(0),
                source: " Patrol  North 3".into(),
                origin: origin.into(),
                lawful: true,
            })
        };
        for same in ["https://x.example/a/1", "HTTP://X.example/a/1/", "www.x.example/a/1?s=20", " x.example/a/1#top "]
        {
            assert_eq!(of(same), "x.example/a/1", "{same}");
        }
        assert_eq!(of("Report #12 of  the sheriff"), "report #12 of the sheriff");
        assert_ne!(of("report #12"), of("report #13"), "no address: what follows a # tells them apart");
        assert_eq!(of("  "), "patrol north 3");
    }
}
