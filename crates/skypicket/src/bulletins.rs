//! [`BulletinView`]: a bulletin as its reader may see it, with what they may do about it; and [`Preview`]: whom it would
//! go to if it were issued now.

use crate::{
    engines::Engines,
    http::permission::Event,
    views::{Reachable, name_of},
};
use serde::Serialize;
use skypicket_desk::{Desk, bulletins::MOST_TITLE};
use skypicket_model::{
    Act, AgencyId, Audience, BulletinAct, BulletinContent, BulletinState, BulletinStep, DeskEvent, Directory, Grade,
    Link, Marking, NoticeId, PersonId, Reader, Refusal, Role, Time, delivery::Rule, may_see,
};
use std::collections::{BTreeMap, BTreeSet};

/// A bulletin for one reader.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BulletinView {
    /// How it stands.
    #[serde(flatten)]
    pub state: BulletinState,
    /// Call-sign or role of who proposed it.
    pub proposed_by_name: String,
    /// Of who wrote the version in force.
    pub issued_by_name: Option<String>,
    /// Of who else approved it.
    pub approved_by_name: Option<String>,
    /// What waits for a second person.
    pub waiting: Option<WaitingView>,
    /// What it rests on: what waits or is being written, or else what is in force.
    pub basis: BasisView,
    /// Call-signs or roles of who wrote at it and of who said something about it.
    pub names: BTreeMap<PersonId, String>,
    /// What the reader may do about it now.
    pub may: May,
    /// What the version in force rests on.
    #[serde(skip)]
    in_force: BasisView,
    /// When this was made: what is over by then can no longer be issued.
    #[serde(skip)]
    now: Time,
}

/// What a bulletin rests on, as its reader may see it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BasisView {
    /// Each thing that they may see.
    pub items: Vec<RestsOn>,
    /// How many more there are.
    pub hidden: usize,
    /// The strictest marking of those; `None` where there are none.
    pub hidden_marking: Option<Marking>,
    /// How many reports it names besides that are not kept any more: nobody can look at them.
    pub gone: usize,
    /// The strictest marking of all of it; `None` where it rests on nothing that has one.
    pub marking: Option<Marking>,
    /// It is marked less strictly than that: it goes out only with a reason that a second person approves.
    pub wider: bool,
}

/// One thing that a bulletin rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RestsOn {
    /// Which.
    pub link: Link,
    /// Its title, or its words; may be empty.
    pub title: String,
    /// How far it is to be believed, where somebody graded it.
    pub grade: Option<Grade>,
    /// Who may see it; `None` for a track, and for what is no longer kept here.
    pub marking: Option<Marking>,
    /// Who may besides the centre see it, where it is a sighting: its reporter and their leaders.
    #[serde(skip)]
    theirs: Option<BTreeSet<PersonId>>,
}

impl RestsOn {
    fn open_to(&self, reader: &Reader) -> bool {
        let theirs = |p: &BTreeSet<PersonId>| Event::Sighting.whole(&reader.roles) || p.contains(&reader.person);
        self.marking.as_ref().is_none_or(|m| may_see(reader, m)) && self.theirs.as_ref().is_none_or(theirs)
    }

    /// A report that is gone leaves no trace but its number.
    fn is_gone(&self) -> bool {
        matches!(self.link, Link::Report(_)) && self.marking.is_none()
    }
}

impl BasisView {
    fn of(desk: &Desk, content: &BulletinContent, now: Time) -> Self {
        let links = content.sheet.as_ref().map(|s| &s.rests_on).into_iter().flatten();
        let one = |link: &Link| {
            let linked = desk.linked(*link, now);
            let sighting = if let Link::Sighting(id) = link { desk.sighting(*id) } else { None };
            RestsOn {
                theirs: sighting.map(|s| s.leaders.iter().chain([&s.sighting.reporter]).cloned().collect()),
                link: *link,
                title: linked.map(|l| l.title.chars().take(MOST_TITLE).collect()).unwrap_or_default(),
                grade: linked.and_then(|l| l.grade),
                marking: linked.map(|l| l.marking.clone()),
            }
        };
        let items: Vec<RestsOn> = links.map(one).collect();
        let marking = items.iter().filter_map(|i| i.marking.clone()).reduce(|a, b| a.join(&b));
        let wider = marking.as_ref().is_some_and(|m| !content.marking.covers(m));
        Self { items, hidden: 0, hidden_marking: None, gone: 0, marking, wider }
    }

    fn for_reader(self, reader: &Reader) -> Self {
        let (gone, kept): (Vec<RestsOn>, Vec<RestsOn>) = self.items.into_iter().partition(RestsOn::is_gone);
        let (items, hidden): (Vec<RestsOn>, Vec<RestsOn>) = kept.into_iter().partition(|i| i.open_to(reader));
        let strictest = hidden.iter().filter_map(|i| i.marking.clone()).reduce(|a, b| a.join(&b));
        // Who is named is not for whom it does not name.
        let shown = |m: Marking| if may_see(reader, &m) { m } else { Marking { named: BTreeSet::new(), ..m } };
        Self {
            hidden: hidden.len(),
            hidden_marking: strictest.map(|m| Marking { named: BTreeSet::new(), ..m }),
            gone: gone.len(),
            items,
            marking: self.marking.map(shown),
            wider: self.wider,
        }
    }
}

/// What waits for a second person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaitingView {
    /// Who wrote it.
    pub by: PersonId,
    /// Their call-sign or role.
    pub by_name: String,
    /// When: whoever approves says that this is what they read.
    pub at: Time,
    /// What it says.
    pub content: BulletinContent,
    /// Why what is in force is to be corrected; empty for what was never issued.
    pub why: String,
}

/// What somebody may do about a bulletin.
#[allow(clippy::struct_excessive_bools)] // an answer to each question
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct May {
    /// Write on at the draft.
    pub edit: bool,
    /// Ask a second person to issue the draft.
    pub submit: bool,
    /// Say something about it.
    pub comment: bool,
    /// Send what waits back to its author.
    pub send_back: bool,
    /// Issue what waits, as a second person.
    pub approve: bool,
    /// Issue what waits without one.
    pub break_glass: bool,
    /// Write a correction.
    pub correct: bool,
    /// Take back what waits.
    pub withdraw: bool,
    /// Recall what is in force.
    pub recall: bool,
}

impl BulletinView {
    /// The whole of it, for nobody yet.
    pub fn of(directory: &Directory, desk: &Desk, state: &BulletinState, now: Time) -> Self {
        let name = |p: &PersonId| name_of(directory, p);
        let corrected = state.correction.as_ref().map(|c| &c.content);
        let people = state.authors.iter().chain(state.comments.iter().map(|c| &c.by));
        let people = people.chain(state.correction.as_ref().map(|c| &c.by));
        Self {
            proposed_by_name: name(&state.proposed_by),
            issued_by_name: state.issued_by.as_ref().map(name),
            approved_by_name: state.approved_by.as_ref().map(name),
            waiting: state.waiting().map(|(by, at, content)| WaitingView {
                by: by.clone(),
                by_name: name(by),
                at,
                content: content.clone(),
                why: state.correction.as_ref().map(|c| c.why.clone()).unwrap_or_default(),
            }),
            basis: BasisView::of(desk, corrected.unwrap_or(&state.content), now),
            in_force: BasisView::of(desk, &state.content, now),
            names: people.map(|p| (p.clone(), name(p))).collect(),
            may: May::default(),
            state: state.clone(),
            now,
        }
    }

    /// As `reader` may see it; `None` when they may not. A correction that is marked more strictly is left out for whoever
    /// may not see that.
    pub fn for_reader(&self, reader: &Reader) -> Option<Self> {
        if !Event::Bulletin.whole(&reader.roles) || !may_see(reader, &self.state.content.marking) {
            return None;
        }
        let mut view = self.clone();
        view.waiting = view.waiting.filter(|w| may_see(reader, &w.content.marking));
        let corrected = view.state.correction.is_some();
        view.state.correction = view.state.correction.filter(|c| may_see(reader, &c.content.marking));
        if corrected && view.state.correction.is_none() {
            view.basis = view.in_force.clone();
        }
        view.basis = view.basis.for_reader(reader);
        let marked = |m: &Option<Marking>| m.as_ref().is_none_or(|m| may_see(reader, m));
        view.state.comments.retain(|c| c.by == reader.person || marked(&c.marking));
        // What they may not see is counted, and not named.
        let shown = |c: &mut BulletinContent| {
            let Some(sheet) = &mut c.sheet else { return };
            sheet.rests_on.retain(|l| !self.leaves_out(reader, l));
        };
        shown(&mut view.state.content);
        view.state.correction.iter_mut().for_each(|c| shown(&mut c.content));
        view.waiting.iter_mut().for_each(|w| shown(&mut w.content));
        // As the desk decides; it has the last word.
        let has = |roles: &[Role]| roles.iter().any(|r| reader.roles.contains(r));
        let writes = has(&[Role::Watch, Role::Analyst, Role::Supervisor]);
        let decides = has(&[Role::Watch, Role::Supervisor]);
        let draft = view.state.step == BulletinStep::Draft;
        let issued = view.state.step == BulletinStep::Issued;
        // Also one that they may not see: nobody decides about it, and its author may never come back.
        let sent_back = self.state.correction.as_ref().is_some_and(|c| c.draft);
        let in_time = view.waiting.as_ref().filter(|w| w.content.expires_at > self.now);
        let wrote = |w: &WaitingView| w.by == reader.person || self.state.authors.contains(&reader.person);
        let released = |w: &WaitingView| w.content.sheet.as_ref().is_some_and(|s| !s.release_why.trim().is_empty());
        view.may = May {
            edit: writes && draft,
            submit: writes && draft,
            comment: writes && !view.state.is_over(),
            send_back: decides && view.waiting.is_some(),
            approve: decides && in_time.is_some_and(|w| !wrote(w)),
            break_glass: decides && in_time.is_some_and(|w| !released(w)),
            // Not over one that they may not see.
            correct: writes && issued && corrected == view.state.correction.is_some(),
            withdraw: writes && (view.waiting.is_some() || draft || sent_back),
            recall: decides && issued,
        };
        Some(view)
    }

    /// What it rests on that `reader` may not see: who writes on at it takes none of that off. What is gone is not kept so.
    pub fn hidden_from(&self, reader: &Reader) -> BTreeSet<Link> {
        self.links().filter(|i| !i.open_to(reader)).map(|i| i.link).collect()
    }

    /// Whether a link leads to what `reader` may not see, or to a report that is gone.
    fn leaves_out(&self, reader: &Reader, link: &Link) -> bool {
        self.links().any(|i| i.link == *link && (i.is_gone() || !i.open_to(reader)))
    }

    fn links(&self) -> impl Iterator<Item = &RestsOn> {
        self.basis.items.iter().chain(&self.in_force.items)
    }
}

/// Whom a bulletin would go to if it were issued now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// How many are on its list.
    pub people: usize,
    /// Those of them whom nothing would reach now.
    pub unreachable: usize,
    /// Those of them who may not see it: they are listed, and get nothing.
    pub not_releasable: usize,
    /// How many are on it by which rule; each by the one that asks most of them.
    pub rules: Vec<RuleCount>,
    /// How many of which agency.
    pub agencies: Vec<AgencyCount>,
    /// Some of them; those first whom it would not reach.
    pub sample: Vec<Sampled>,
    /// Rules about where people are, whose people are neither counted nor named to whoever may not see positions. They
    /// are worked out when it is issued.
    pub left_out: Vec<&'static str>,
    /// Those of the sample whose place their rule tells.
    #[serde(skip)]
    pub placed: BTreeSet<PersonId>,
}

/// How many are on a list by a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RuleCount {
    /// Which.
    pub rule: Rule,
    /// How many.
    pub people: usize,
}

/// How many of an agency are on a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgencyCount {
    /// Which; `None` for people who are in none.
    pub id: Option<AgencyId>,
    /// Its name.
    pub name: String,
    /// How many.
    pub people: usize,
}

/// Somebody on a list that is not fixed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sampled {
    /// Who.
    pub id: PersonId,
    /// Call-sign or role.
    pub name: String,
    /// Name of their unit.
    pub unit_name: String,
    /// Why they are on it.
    pub rule: Rule,
    /// Why it would not reach them now.
    pub why_not: Option<&'static str>,
}

impl Preview {
    /// Most people named.
    const SAMPLE: usize = 50;

    /// Of what somebody wrote; refused as its proposal would be.
    pub fn of(e: &Engines, reader: &Reader, content: BulletinContent, now: Time) -> Result<Self, Refusal> {
        // An id that no bulletin has, and that none becomes.
        let notice = NoticeId(uuid::Uuid::now_v7());
        let propose = BulletinAct::Propose { notice, content: Box::new(content.clone()) };
        let template = crate::library::unfit(&propose, None, e.exercise().is_some());
        e.desk().check(&reader.person, &Act::Bulletin(propose), now)?;
        if let Some(wrong) = template {
            return Err(Refusal::new("unfit", wrong));
        }
        let mut content = content;
        let mut left_out = Vec::new();
        if !Event::Person.whole(&reader.roles) {
            content.audience.retain(|rule| match tells_places(rule) {
                Some(word) => {
                    left_out.push(word);
                    false
                }
                None => true,
            });
        }
        let state = as_issued(notice, content, &reader.person, now);
        let issued = e.desk().version(&DeskEvent::Bulletin { state: Box::new(state) }, None, now);
        let list = issued.as_ref().map(|n| e.audience(n, now)).unwrap_or_default();
        let marking = issued.map(|n| n.marking).unwrap_or_default();
        Ok(Self::count(e, &list, &marking, left_out))
    }

    fn count(
        e: &Engines,
        list: &BTreeMap<PersonId, Rule>,
        marking: &skypicket_model::Marking,
        left_out: Vec<&'static str>,
    ) -> Self {
        let d = e.directory();
        let mut rules: BTreeMap<Rule, usize> = BTreeMap::new();
        let mut agencies: BTreeMap<Option<AgencyId>, usize> = BTreeMap::new();
        let (mut unreachable, mut not_releasable) = (0, 0);
        let (mut cannot, mut can): (Vec<Sampled>, Vec<Sampled>) = (Vec::new(), Vec::new());
        for (id, rule) in list {
            *rules.entry(*rule).or_default() += 1;
            *agencies.entry(d.agency_of(id).cloned()).or_default() += 1;
            let Some(p) = d.people.get(id) else { continue };
            let why_not = if d.reader(id).is_some_and(|r| may_see(&r, marking)) {
                let reach = Reachable::of(e, p);
                unreachable += usize::from(reach.unreachable);
                reach.why.filter(|_| reach.unreachable)
            } else {
                not_releasable += 1;
                Some("its marking does not let them see it")
            };
            let into = if why_not.is_some() { &mut cannot } else { &mut can };
            if into.len() < Self::SAMPLE {
                into.push(Sampled {
                    id: id.clone(),
                    name: p.name.clone(),
                    unit_name: d.units.get(&p.unit).map(|u| u.name.clone()).unwrap_or_default(),
                    rule: *rule,
                    why_not,
                });
            }
        }
        let sample: Vec<Sampled> = cannot.into_iter().chain(can).take(Self::SAMPLE).collect();
        let placed =
            |s: &&Sampled| matches!(s.rule, Rule::Area | Rule::Neighbour | Rule::InDanger | Rule::InDangerSoon);
        let named = |id: &Option<AgencyId>| id.as_ref().and_then(|a| d.agencies.get(a)).map(|a| a.name.clone());
        Self {
            people: list.len(),
            unreachable,
            not_releasable,
            rules: rules.into_iter().map(|(rule, people)| RuleCount { rule, people }).collect(),
            agencies: agencies
                .into_iter()
                .map(|(id, people)| AgencyCount { name: named(&id).unwrap_or_default(), id, people })
                .collect(),
            placed: sample.iter().filter(placed).map(|s| s.id.clone()).collect(),
            sample,
            left_out,
        }
    }
}

/// A bulletin as it would be, had somebody issued what they are writing.
pub fn as_issued(notice: NoticeId, content: BulletinContent, by: &PersonId, now: Time) -> BulletinState {
    BulletinState {
        notice,
        step: BulletinStep::Issued,
        version: 1,
        content,
        proposed_by: by.clone(),
        proposed_at: now,
        issued_by: Some(by.clone()),
        approved_by: None,
        break_glass: None,
        unseen: None,
        why: String::new(),
        correction: None,
        number: None,
        authors: BTreeSet::new(),
        comments: Vec::new(),
        at: now,
    }
}

/// The word of a rule that means people by where they are: asked again and again, it would find anybody.
fn tells_places(rule: &Audience) -> Option<&'static str> {
    match rule {
        Audience::InArea { .. } => Some("in_area"),
        Audience::InDanger {} => Some("in_danger"),
        Audience::InDangerSoon { .. } => Some("in_danger_soon"),
        Audience::Neighbours { .. } => Some("neighbours"),
        Audience::People { .. }
        | Audience::Unit { .. }
        | Audience::Agency { .. }
        | Audience::Role { .. }
        | Audience::OnDuty { .. }
        | Audience::Subscribers {}
        | Audience::Centre {}
        | Audience::Everybody {} => None,
    }
}
