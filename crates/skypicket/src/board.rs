//! [`Board`]: who has a notice and who has not, by agency and unit; and [`Line`], one person on it with why and what
//! happens next. No places and no addresses are on it.
//!
//! One rule ([`Is::of`]) counts and filters, so that the numbers and the lists behind them agree.

use crate::{
    checklists::{Checklists, measures_of},
    engines::Engines,
    views::{answered_stop, name_of},
};
use serde::{Deserialize, Serialize};
use skypicket_dispatch::{Call, Next, RecipientState};
use skypicket_model::{
    AgencyId, CallStatus, Channel, Delivery, Directory, Level, Marking, Notice, NoticeId, NoticeState, PersonId,
    Phrase, ProtectedId, Reached, Time, UnitId, delivery::Rule,
};
use skypicket_record::{DeliveryQuery, MeasuresRow, ReadError, RecipientRow, Record, SqliteRecord};
use std::collections::BTreeMap;

/// How somebody stands with a notice, as a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Is {
    /// Handed to no channel yet.
    Queued,
    /// Handed over; no receipt yet ("sent, not seen").
    Sent,
    /// On a machine of theirs, not on its screen.
    Delivered,
    /// On their screen.
    Shown,
    /// Acknowledged what was asked.
    Acknowledged,
    /// Asked, and did not acknowledge.
    Owing,
    /// Their silence was told to a leader, and they are still silent.
    Escalated,
    /// Nobody is left to tell: call them.
    Silent,
    /// Nothing brought it to them, and nothing is under way.
    Unreachable,
    /// Somebody found out that they are not to be waited for.
    Excused,
    /// Something stands between them and it.
    Trouble,
}

impl Is {
    /// Whether somebody stands so.
    pub fn of(self, r: &RecipientState) -> bool {
        match self {
            Self::Queued => r.reached == Reached::Queued,
            Self::Sent => r.reached == Reached::Sent,
            Self::Delivered => r.reached == Reached::Delivered,
            Self::Shown => r.reached == Reached::Shown,
            Self::Acknowledged => r.acknowledged_at.is_some(),
            Self::Owing => r.owes,
            Self::Escalated => r.escalated,
            Self::Silent => r.silent,
            Self::Unreachable => r.unreachable,
            Self::Excused => r.excused,
            Self::Trouble => r.trouble.as_deref().is_some_and(|t| t != "overtaken"),
        }
    }
}

/// How many stand how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Everybody on the list.
    pub recipients: u32,
    /// See [`Is::Queued`]; these four part everybody among them.
    pub queued: u32,
    /// See [`Is::Sent`].
    pub sent: u32,
    /// See [`Is::Delivered`].
    pub delivered: u32,
    /// See [`Is::Shown`].
    pub shown: u32,
    /// See [`Is::Acknowledged`].
    pub acknowledged: u32,
    /// See [`Is::Owing`].
    pub owing: u32,
    /// See [`Is::Escalated`].
    pub escalated: u32,
    /// See [`Is::Silent`].
    pub silent: u32,
    /// See [`Is::Unreachable`].
    pub unreachable: u32,
    /// See [`Is::Excused`].
    pub excused: u32,
}

impl Counts {
    fn add(&mut self, r: &RecipientState) {
        self.recipients += 1;
        for (n, is) in [
            (&mut self.queued, Is::Queued),
            (&mut self.sent, Is::Sent),
            (&mut self.delivered, Is::Delivered),
            (&mut self.shown, Is::Shown),
            (&mut self.acknowledged, Is::Acknowledged),
            (&mut self.owing, Is::Owing),
            (&mut self.escalated, Is::Escalated),
            (&mut self.silent, Is::Silent),
            (&mut self.unreachable, Is::Unreachable),
            (&mut self.excused, Is::Excused),
        ] {
            *n += u32::from(is.of(r));
        }
    }
}

/// How many of some people stand how, and how many have done each measure.
#[derive(Default)]
struct Sum {
    counts: Counts,
    done: Vec<u32>,
}

impl Sum {
    fn add(&mut self, r: &RecipientState, checklist: &[String]) {
        self.counts.add(r);
        self.done.resize(checklist.len(), 0);
        for (k, n) in self.done.iter_mut().enumerate() {
            *n += u32::from(r.done.has(k));
        }
    }

    fn done(&self, checklist: &[String]) -> BTreeMap<String, u32> {
        checklist.iter().cloned().zip(self.done.iter().copied()).collect()
    }
}

/// Whose rows a reader may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's.
    All,
    /// Of the people whom this one leads.
    LedBy(PersonId),
}

impl Scope {
    /// Whether a person's row is in it.
    pub fn holds(&self, d: &Directory, person: &PersonId) -> bool {
        match self {
            Self::All => true,
            Self::LedBy(leader) => d.leaders_of(person).contains(leader),
        }
    }
}

/// A notice with everybody on its list: from the engines, or from the record when they have forgotten it.
pub struct Sheet<'a> {
    notice: Notice,
    /// The names of its measures, to which the rows' ticks refer.
    checklist: Vec<String>,
    from: Rows<'a>,
}

/// Where the rows are. Those of the engines are made one by one, and only what a page shows is kept.
enum Rows<'a> {
    Live(&'a Engines),
    Past { rows: Vec<RecipientState>, deliveries: BTreeMap<PersonId, Vec<Delivery>> },
}

impl<'a> Sheet<'a> {
    /// From the engines; `None` when dispatch does not know it (any more).
    pub fn live(e: &'a Engines, id: NoticeId) -> Option<Self> {
        e.dispatcher().version_of(id)?;
        let checklist = e.dispatcher().checklist(id).to_vec();
        Some(Self { notice: e.notice(id)?.clone(), checklist, from: Rows::Live(e) })
    }

    fn each(&self, mut f: impl FnMut(&RecipientState)) {
        match &self.from {
            Rows::Live(e) => e.dispatcher().rows(self.notice.id).for_each(|r| f(&r)),
            Rows::Past { rows, .. } => rows.iter().for_each(f),
        }
    }

    fn deliveries(&self, person: &PersonId) -> Vec<Delivery> {
        match &self.from {
            Rows::Live(e) => e.dispatcher().deliveries_to(self.notice.id, person),
            Rows::Past { deliveries, .. } => deliveries.get(person).cloned().unwrap_or_default(),
        }
    }

    /// From the record: what became of a notice that is over and forgotten.
    pub async fn past(record: &SqliteRecord, id: NoticeId) -> Result<Option<Sheet<'static>>, ReadError> {
        let versions = record.notice_versions(id).await?;
        let checklists = Checklists::of(versions.iter().map(|v| &v.notice));
        let said = record.measures(id).await?;
        let asked = versions.iter().rev().find(|v| v.notice.needs_ack).map(|v| v.notice.version);
        let Some(newest) = versions.into_iter().next_back() else { return Ok(None) };
        let notice = newest.notice;
        let mut deliveries: BTreeMap<PersonId, Vec<Delivery>> = BTreeMap::new();
        let mut query = DeliveryQuery { notice: Some(id), ..DeliveryQuery::default() };
        loop {
            let page = record.deliveries(query.clone()).await?;
            for d in page.items.into_iter().filter(|d| d.version == notice.version) {
                deliveries.entry(d.person.clone()).or_default().push(d);
            }
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => break,
            }
        }
        // The last version asks nothing: who acknowledged stands with the one that did, or with a later one.
        let mut answers: BTreeMap<PersonId, RecipientRow> = BTreeMap::new();
        for version in asked.unwrap_or(notice.version)..notice.version {
            for r in record.recipients(id, version).await? {
                let Some(known) = answers.get_mut(&r.person) else {
                    answers.insert(r.person.clone(), r);
                    continue;
                };
                if r.acknowledged.is_some() {
                    (known.acknowledged, known.acknowledged_by) = (r.acknowledged, r.acknowledged_by);
                }
                known.call = r.call.or(known.call.take());
                known.escalated = r.escalated.or(known.escalated.take());
            }
        }
        let checklist = checklists.list(notice.version).to_vec();
        let rows = record.recipients(id, notice.version).await?.into_iter().map(|r| {
            let theirs = deliveries.get(&r.person).map(Vec::as_slice).unwrap_or_default();
            let best = theirs.iter().max_by_key(|d| d.reached);
            let before = answers.remove(&r.person);
            let acknowledged = r.acknowledged.or(before.as_ref().and_then(|b| b.acknowledged));
            let call = r.call.or_else(|| before.as_ref().and_then(|b| b.call.clone()));
            let reached = best.map_or(Reached::Queued, |d| d.reached);
            let trouble = theirs.iter().find_map(|d| d.trouble.clone()).filter(|_| reached < Reached::Delivered);
            let says_nothing = ["not_releasable", "overtaken"];
            let unreachable = trouble.as_deref().is_some_and(|t| !says_nothing.contains(&t));
            let excused = call.as_ref().is_some_and(|(status, ..)| *status == CallStatus::Unavailable);
            RecipientState {
                rule: r.rule.unwrap_or(Rule::Centre),
                channel: best.map(|d| d.channel),
                reached,
                attempts: theirs.iter().map(|d| d.attempts).sum(),
                may_repeat: theirs.iter().any(|d| d.may_repeat),
                acknowledged_at: acknowledged.map(|(at, _)| at),
                acknowledged_via: acknowledged.map(|(_, via)| via),
                acknowledged_by: r.acknowledged_by.or_else(|| before.as_ref().and_then(|b| b.acknowledged_by.clone())),
                call: call.map(|(status, by, at)| Call { status, by, at }),
                done: checklists.done(notice.version, MeasuresRow::of(&said, &r.person)),
                reminder: theirs.iter().map(|d| d.reminder).max().unwrap_or_default(),
                owes: false,
                escalated_to: r.escalated.or(before.and_then(|b| b.escalated)).and_then(|(_, to)| to),
                escalation_answered: false,
                silent: false,
                carries: Vec::new(),
                escalated: false,
                excused: excused && acknowledged.is_none(),
                unreachable,
                trouble,
                next: None,
                person: r.person,
            }
        });
        let rows = rows.collect();
        Ok(Some(Sheet { notice, checklist, from: Rows::Past { rows, deliveries } }))
    }

    /// The notice, in its newest version.
    pub fn notice(&self) -> &Notice {
        &self.notice
    }

    /// Whether somebody of its list is in `scope`; the centre sees also an empty one.
    pub fn is_seen(&self, d: &Directory, scope: &Scope) -> bool {
        let mut seen = *scope == Scope::All;
        self.each(|r| seen = seen || scope.holds(d, &r.person));
        seen
    }

    /// The board, as far as `scope` lets its reader see; `None` when nobody of the list is in that.
    pub fn board(&self, d: &Directory, scope: &Scope) -> Option<Board> {
        let list = self.checklist.as_slice();
        let mut all = Sum::default();
        let mut troubles: BTreeMap<String, u32> = BTreeMap::new();
        let mut agencies: BTreeMap<Option<AgencyId>, Sum> = BTreeMap::new();
        let mut units: BTreeMap<(Option<AgencyId>, Option<UnitId>), Sum> = BTreeMap::new();
        let mut next: Option<Next> = None;
        self.each(|r| {
            if !scope.holds(d, &r.person) {
                return;
            }
            all.add(r, list);
            let unit = d.people.get(&r.person).map(|p| p.unit.clone());
            let agency = d.agency_of(&r.person).cloned();
            agencies.entry(agency.clone()).or_default().add(r, list);
            units.entry((agency, unit)).or_default().add(r, list);
            if let Some(t) = &r.trouble {
                *troubles.entry(t.clone()).or_default() += 1;
            }
            next = match (next, r.next) {
                (Some(a), Some(b)) => Some(if b.at < a.at { b } else { a }),
                (a, b) => a.or(b),
            };
        });
        if all.counts.recipients == 0 && *scope != Scope::All {
            return None;
        }
        let units_of = |agency: &Option<AgencyId>| {
            let theirs = units.iter().filter(|((of, _), _)| of == agency);
            let part = |((_, id), sum): (&(Option<AgencyId>, Option<UnitId>), &Sum)| {
                let name = id.as_ref().and_then(|u| d.units.get(u)).map(|u| u.name.clone());
                let name = name.unwrap_or_else(nowhere);
                Part { id: id.as_ref().map(ToString::to_string), name, counts: sum.counts, done: sum.done(list) }
            };
            theirs.map(part).collect()
        };
        let agencies = agencies.into_iter().map(|(id, sum)| {
            let name = id.as_ref().and_then(|a| d.agencies.get(a)).map(|a| a.name.clone());
            let units = units_of(&id);
            let name = name.unwrap_or_else(nowhere);
            let part = Part { id: id.map(|a| a.to_string()), name, counts: sum.counts, done: sum.done(list) };
            AgencyPart { part, units }
        });
        Some(Board {
            notice: BoardNotice::of(d, scope, &self.notice),
            counts: all.counts,
            measures: measures_of(&self.notice)
                .iter()
                .enumerate()
                .map(|(k, m)| MeasureCount {
                    id: m.id.clone(),
                    text: m.text.clone(),
                    done: all.done.get(k).copied().unwrap_or_default(),
                })
                .collect(),
            agencies: agencies.collect(),
            troubles: troubles.into_iter().map(|(trouble, people)| TroubleCount { trouble, people }).collect(),
            next,
        })
    }

    /// One page of the rows that fit, those first that need somebody; why not, in words, when it names a measure that is
    /// not on the checklist.
    pub fn lines(&self, d: &Directory, scope: &Scope, wanted: &Wanted) -> Result<(Vec<Line>, Option<String>), String> {
        let place = |measure: &Option<String>| match measure {
            None => Ok(None),
            Some(id) => match self.checklist.iter().position(|m| m == id) {
                Some(place) => Ok(Some(place)),
                None => Err(format!("'{id}' is not on the checklist of version {}", self.notice.version)),
            },
        };
        let (done, not_done) = (place(&wanted.done)?, place(&wanted.not_done)?);
        let words: Vec<String> = wanted.q.split_whitespace().map(str::to_lowercase).collect();
        let fits = |r: &RecipientState| {
            let p = d.people.get(&r.person);
            let unit = p.and_then(|p| d.units.get(&p.unit));
            let named = || {
                let (name, of) = (p.map(|p| p.name.as_str()), unit.map(|u| u.name.as_str()));
                let text = format!("{} {} {}", r.person, name.unwrap_or_default(), of.unwrap_or_default());
                let text = text.to_lowercase();
                words.iter().all(|w| text.contains(w))
            };
            wanted.is.is_none_or(|is| is.of(r))
                && done.is_none_or(|k| r.done.has(k))
                && not_done.is_none_or(|k| !r.done.has(k))
                && wanted.unit.as_ref().is_none_or(|u| p.is_some_and(|p| p.unit == *u))
                && wanted.agency.as_ref().is_none_or(|a| unit.is_some_and(|u| u.agency == *a))
                && (words.is_empty() || named())
                && scope.holds(d, &r.person)
        };
        // No more of them than the page shows, and one that says that there is another page.
        let mut page: BTreeMap<(u8, PersonId), RecipientState> = BTreeMap::new();
        self.each(|r| {
            let group = need(r);
            let later = |(g, p): &(u8, PersonId)| (group, &r.person) > (*g, p);
            let beyond = page.len() > wanted.limit && page.keys().next_back().is_some_and(later);
            if beyond || !wanted.after.as_ref().is_none_or(later) || !fits(r) {
                return;
            }
            page.insert((group, r.person.clone()), r.clone());
            if page.len() > wanted.limit + 1 {
                page.pop_last();
            }
        });
        let over = page.len() > wanted.limit && page.pop_last().is_some();
        let next = page.keys().next_back().filter(|_| over).map(|(group, person)| format!("{group}.{person}"));
        let lines = page.values().map(|r| self.line_of(d, r));
        Ok((lines.collect(), next))
    }

    /// One person's row.
    pub fn line(&self, d: &Directory, person: &PersonId) -> Option<Line> {
        let row = match &self.from {
            Rows::Live(e) => e.dispatcher().recipient(self.notice.id, person),
            Rows::Past { rows, .. } => rows.iter().find(|r| r.person == *person).cloned(),
        };
        Some(self.line_of(d, &row?))
    }

    fn line_of(&self, d: &Directory, r: &RecipientState) -> Line {
        let done = r.done.of(&self.checklist).cloned().collect();
        let stopped = match (&self.from, d.people.get(&r.person)) {
            (Rows::Live(e), Some(p)) => answered_stop(e, p),
            _ => None,
        };
        Line { done, ..Line::of(d, &self.notice, r, self.deliveries(&r.person), stopped) }
    }
}

fn nowhere() -> String {
    "Not in the directory".into()
}

/// Which rows, and which page of them.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only who stands so.
    pub is: Option<Is>,
    /// Only of this agency.
    pub agency: Option<AgencyId>,
    /// Only of this unit.
    pub unit: Option<UnitId>,
    /// Only who has done this measure.
    pub done: Option<String>,
    /// Only who has not.
    pub not_done: Option<String>,
    /// Words that all stand in the id, the name or the unit's name.
    pub q: String,
    /// Only after this row: how much it needs somebody, and who.
    pub after: Option<(u8, PersonId)>,
    /// How many.
    pub limit: usize,
}

impl Wanted {
    /// What a page's `next` says.
    pub fn after(cursor: &str) -> Option<(u8, PersonId)> {
        let (group, person) = cursor.split_once('.')?;
        Some((group.parse().ok()?, PersonId::new(person).ok()?))
    }
}

/// How much a row needs somebody: the least first.
fn need(r: &RecipientState) -> u8 {
    if Is::Acknowledged.of(r) || Is::Excused.of(r) {
        return 7;
    }
    let troubled = Is::Trouble.of(r);
    match () {
        () if r.silent => 0,
        () if Is::Unreachable.of(r) => 1,
        () if Is::Escalated.of(r) => 2,
        () if r.owes && troubled => 3,
        () if r.owes => 4,
        () if troubled => 5,
        () => 6,
    }
}

/// Who has a notice and who has not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Board {
    /// Which.
    pub notice: BoardNotice,
    /// Of all whom the reader may see.
    pub counts: Counts,
    /// Its checklist, and how many of them have done each.
    pub measures: Vec<MeasureCount>,
    /// The same by agency and unit.
    pub agencies: Vec<AgencyPart>,
    /// What stands between how many and it.
    pub troubles: Vec<TroubleCount>,
    /// What happens next of all, and when.
    pub next: Option<Next>,
}

/// A measure on a checklist, and how many have done it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeasureCount {
    /// Its name in the library.
    pub id: String,
    /// What to do.
    pub text: Phrase,
    /// How many have.
    pub done: u32,
}

/// The notice on a board.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BoardNotice {
    /// Its id.
    pub id: NoticeId,
    /// Its newest version.
    pub version: u32,
    /// `warning` or `bulletin`.
    pub kind: &'static str,
    /// Where in its life.
    pub state: NoticeState,
    /// How urgent.
    pub level: Level,
    /// A bulletin's title; of a warning, who or what is in danger.
    pub title: String,
    /// When this version was made.
    pub at: Time,
    /// From then on nobody is alarmed by it.
    pub expires_at: Option<Time>,
    /// Name of the exercise; `None` is live.
    pub exercise: Option<String>,
    /// Who may see it.
    pub marking: Marking,
}

impl BoardNotice {
    /// Of its newest version, as far as `scope` lets its reader see.
    pub fn of(d: &Directory, scope: &Scope, n: &Notice) -> Self {
        let title = match (n.bulletin(), n.warning()) {
            (Some(b), _) => b.title.clone(),
            // Who is in danger is told only to those who may see their row.
            (None, Some(w)) => match &w.protected {
                ProtectedId::Person(p) if !scope.holds(d, p) => "Warning".into(),
                _ => w.protected_name.clone(),
            },
            (None, None) => String::new(),
        };
        Self {
            id: n.id,
            version: n.version,
            kind: if n.bulletin().is_some() { "bulletin" } else { "warning" },
            state: n.state,
            level: n.level,
            title,
            at: n.at,
            expires_at: n.expires_at,
            exercise: n.exercise.clone(),
            marking: n.marking.clone(),
        }
    }
}

/// A part of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Of an agency or unit; `None` for those who are in none.
    pub id: Option<String>,
    /// Its name.
    pub name: String,
    /// How they stand.
    pub counts: Counts,
    /// How many of them have done each measure, by its name.
    pub done: BTreeMap<String, u32>,
}

/// The people of an agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgencyPart {
    /// All of them.
    #[serde(flatten)]
    pub part: Part,
    /// By unit.
    pub units: Vec<Part>,
}

/// How many have a trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TroubleCount {
    /// A fixed word.
    pub trouble: String,
    /// How many.
    pub people: u32,
}

/// One person on the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    person: PersonId,
    name: String,
    unit: Option<UnitId>,
    unit_name: String,
    agency: Option<AgencyId>,
    rule: Rule,
    reached: Reached,
    channel: Option<Channel>,
    attempts: u32,
    may_repeat: bool,
    reminder: u32,
    acknowledged_at: Option<Time>,
    acknowledged_via: Option<Channel>,
    acknowledged_by: Option<PersonId>,
    acknowledged_by_name: Option<String>,
    call: Option<CallLine>,
    owes: bool,
    escalated_to: Option<PersonId>,
    escalated_to_name: Option<String>,
    silent: bool,
    trouble: Option<String>,
    /// How they stand, in words.
    why: String,
    next: Option<Next>,
    deliveries: Vec<DeliveryLine>,
    /// What they have done of the checklist, by the measures' names.
    done: Vec<String>,
}

/// What came of the last call to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct CallLine {
    status: CallStatus,
    by: PersonId,
    by_name: String,
    at: Time,
}

/// One way to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct DeliveryLine {
    channel: Channel,
    reached: Reached,
    attempts: u32,
    may_repeat: bool,
    trouble: Option<String>,
}

impl Line {
    fn of(
        d: &Directory,
        notice: &Notice,
        r: &RecipientState,
        deliveries: Vec<Delivery>,
        stopped: Option<&'static str>,
    ) -> Self {
        let p = d.people.get(&r.person);
        let unit = p.and_then(|p| d.units.get(&p.unit));
        let name = |id: &PersonId| name_of(d, id);
        Self {
            name: name(&r.person),
            unit: p.map(|p| p.unit.clone()),
            unit_name: unit.map(|u| u.name.clone()).unwrap_or_default(),
            agency: unit.map(|u| u.agency.clone()),
            rule: r.rule,
            reached: r.reached,
            channel: r.channel,
            attempts: r.attempts,
            may_repeat: r.may_repeat,
            reminder: r.reminder,
            acknowledged_at: r.acknowledged_at,
            acknowledged_via: r.acknowledged_via,
            acknowledged_by: r.acknowledged_by.clone(),
            acknowledged_by_name: r.acknowledged_by.as_ref().map(name),
            call: r.call.as_ref().map(|c| CallLine {
                status: c.status,
                by: c.by.clone(),
                by_name: name(&c.by),
                at: c.at,
            }),
            owes: r.owes,
            escalated_to: r.escalated_to.clone(),
            escalated_to_name: r.escalated_to.as_ref().map(name),
            silent: r.silent,
            trouble: r.trouble.clone(),
            why: why(d, notice, r, &deliveries, stopped),
            next: r.next,
            deliveries: deliveries
                .into_iter()
                .map(|x| DeliveryLine {
                    channel: x.channel,
                    reached: x.reached,
                    attempts: x.attempts,
                    may_repeat: x.may_repeat,
                    trouble: x.trouble,
                })
                .collect(),
            done: Vec::new(),
            person: r.person.clone(),
        }
    }
}

/// How somebody stands, in words.
fn why(
    d: &Directory,
    notice: &Notice,
    r: &RecipientState,
    deliveries: &[Delivery],
    stopped: Option<&'static str>,
) -> String {
    let over = r.channel.map_or("no channel", Channel::word);
    if let (Some(by), Some(_)) = (&r.acknowledged_by, r.acknowledged_at) {
        return format!("{} called: they know", name_of(d, by));
    }
    if r.acknowledged_at.is_some() {
        let via = r.acknowledged_via.map_or("web", Channel::word);
        return format!("acknowledged over {via}");
    }
    if let Some(c) = r.call.as_ref().filter(|c| c.status == CallStatus::Unavailable) {
        return format!("{} called: off duty or away; nobody waits for them", name_of(d, &c.by));
    }
    let told = r.escalated_to.as_ref().map(|l| name_of(d, l));
    let mut parts: Vec<String> = Vec::new();
    match (r.silent, told) {
        (true, _) => parts.push("silent, and nobody is left to tell: call them".into()),
        (false, Some(l)) if r.escalation_answered => parts.push(format!("silent; {l} was told and has taken it")),
        (false, Some(l)) => parts.push(format!("silent; {l} was told")),
        (false, None) => {}
    }
    if let Some(c) = r.call.as_ref().filter(|c| c.status == CallStatus::NoAnswer) {
        parts.push(format!("{} called: no answer", name_of(d, &c.by)));
    }
    let waits = if r.owes { ", not acknowledged yet" } else { "" };
    parts.push(match (r.reached, r.trouble.as_deref()) {
        (Reached::Shown, _) => format!("on their screen ({over}){waits}"),
        (Reached::Delivered, _) => format!("on their device ({over}), not opened yet"),
        (_, Some(t)) => match deliveries.iter().rev().find(|x| x.trouble.as_deref() == Some(t)) {
            Some(x) => trouble(t, x.channel.word(), x.reached == Reached::Sent),
            None => trouble(t, over, false),
        },
        (Reached::Sent, None) => format!("handed to {over}, no receipt yet"),
        (Reached::Queued, None) if notice.state.ended() => "they never had it".into(),
        (Reached::Queued, None) => "waits to be handed over".into(),
    });
    parts.extend(stopped.map(Into::into));
    parts.join("; ")
}

/// A trouble in words, with what to do where somebody can do something; `taken` when the provider had taken it.
fn trouble(word: &str, over: &str, taken: bool) -> String {
    match word {
        "no_channel_up" => "no way to them is up: goes as soon as one is".into(),
        "no_channel" => "no channel is entered for them: an administrator can".into(),
        "channel_down" => format!("{over} went down before a receipt came"),
        "not_releasable" => "its marking does not let them see it: nothing was sent".into(),
        "not_in_directory" => "not in the directory any more".into(),
        "failed" if taken => format!("did not get through over {over}"),
        "failed" => format!("could not be handed to {over}: is tried again"),
        "ambiguous" => format!("nobody can tell whether {over} brought it: may repeat"),
        "no_receipt" => format!("handed to {over}, but their client did not confirm"),
        "refused" => format!("{over} refused the address that is entered for them"),
        "overtaken" => "was over before they could be reached: nothing was sent".into(),
        other => other.replace('_', " "),
    }
}
