//! [`Bulletins`]: what people have to say to many, from its proposal to its end.
//!
//! Nobody issues alone (spec/people.md section 4, R11): one proposes, another approves what they read. Without a second
//! person one may break the glass, with a reason, which everybody who gets it can see. To recall takes one person and one
//! act (R12). What is in force stays so while a correction of it waits.
//!
//! A draft may be unfinished, and several may write at it; nobody overwrites what they have not read. Whoever wrote at
//! what waits is not its second person. What is marked less strictly than what it rests on needs a reason and a second
//! person, and is looked at again when it goes out: what it rests on may be marked otherwise by then.

use crate::Refusal;
use serde::{Deserialize, Serialize};
use skypicket_model::{
    About, Audience, Bulletin, BulletinAct, BulletinContent, BulletinState, BulletinStep, Codes, Directory, Link,
    Marking, Notice, NoticeId, NoticeState, PersonId, Phrase, Role, Sheet, Time, Tlp,
    bulletin::{Comment, Correction, Unseen},
    may_see,
};
use std::collections::{BTreeMap, BTreeSet};

/// Bulletins that are not long over.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Bulletins {
    states: BTreeMap<NoticeId, BulletinState>,
    /// The reply codes of those that are in force or were lately.
    #[serde(default)]
    codes: Codes,
    /// The last number given, by series and year.
    #[serde(default)]
    numbers: BTreeMap<String, u32>,
    /// Numbers say that they are of an exercise.
    #[serde(default)]
    exercise: bool,
}

/// What a bulletin rests on, as its writer or its second person sees it.
#[derive(Debug, Default)]
pub(crate) struct Basis {
    /// The strictest marking of it; `None` when it rests on nothing. Also what its writer may not see counts, where
    /// another named it.
    pub(crate) marking: Option<Marking>,
    /// What they name and is not there for them.
    pub(crate) wrong: Vec<String>,
    /// What of it they may not see.
    pub(crate) unseen: Option<Unseen>,
}

/// The codes of a bulletin that is over mean no other for so long, seconds: dispatch still understands late replies.
const CODES_S: f64 = 604_800.0;
/// Most bulletins that wait or are in force.
pub const MOST_BULLETINS: usize = 1_000;
/// Most of those that are over and still kept here; older ones are in the record.
const MOST_OVER: usize = 500;
/// Most characters of a title.
pub const MOST_TITLE: usize = 120;
/// Most characters of a text.
pub const MOST_TEXT: usize = 4_000;
/// Most comments on one bulletin.
pub const MOST_COMMENTS: usize = 200;
/// Most characters of a comment.
pub const MOST_COMMENT: usize = 2_000;
/// Most statements of what is known, and of what is not.
pub const MOST_STATEMENTS: usize = 20;
/// Most protective measures on one checklist.
pub const MOST_MEASURES: usize = 32;
/// Most things that a bulletin rests on.
pub const MOST_RESTS_ON: usize = 100;
/// Series of a bulletin that names none.
pub const SERIES: &str = "B";
/// Longest time that a bulletin is in force, days.
pub const MOST_DAYS: f64 = 366.0;

fn refuse(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::new(code, message)
}

impl Bulletins {
    pub(crate) fn get(&self, id: NoticeId) -> Option<&BulletinState> {
        self.states.get(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &BulletinState> {
        self.states.values()
    }

    // ---- check ----

    /// Whether an act fits; `basis` says what a content rests on, and what of it its writer names who may not: not what
    /// was named before.
    pub(crate) fn check(
        &self,
        by: &PersonId,
        act: &BulletinAct,
        d: &Directory,
        basis: impl Fn(&BulletinContent, &BTreeSet<Link>) -> Basis,
        now: Time,
    ) -> Result<(), Refusal> {
        let not_found = || refuse("not_found", "there is no such bulletin");
        let known = || self.get(act.notice()).ok_or_else(not_found);
        let may = |roles: &[Role], what: &str| {
            let has = d.active(by).is_some_and(|p| roles.iter().any(|r| p.roles.contains(r)));
            if has { Ok(()) } else { Err(refuse("forbidden", format!("only {what}"))) }
        };
        let write = || may(&[Role::Watch, Role::Analyst, Role::Supervisor], "watch, analysts and supervisors propose");
        let decide = || may(&[Role::Watch, Role::Supervisor], "watch and supervisors decide about bulletins");
        // What they may not see does not exist for them.
        let sees = |content: &BulletinContent| d.reader(by).is_some_and(|r| may_see(&r, &content.marking));
        let seen = |s: &BulletinState| if sees(&s.content) { Ok(()) } else { Err(not_found()) };
        // A correction may be marked more strictly than what it corrects: for whoever may not see it, nothing waits.
        let waiting = |s: &BulletinState| match s.waiting() {
            Some((author, at, content)) if sees(content) => Ok((author.clone(), at, content.clone())),
            _ => Err(refuse("nothing_waits", "nothing waits here")),
        };
        let named = self.get(act.notice()).map(named_before).unwrap_or_default();
        let whole = |content: &BulletinContent| check_content(content, d, &basis(content, &named), now);
        // What it rests on may be marked otherwise since it was written.
        let released = |content: &BulletinContent| match check_release(content, &basis(content, &named)) {
            Some(wrong) => Err(refuse("unfit", wrong)),
            None => Ok(()),
        };
        match act {
            BulletinAct::Draft { notice, read, content } => {
                write()?;
                match self.get(*notice) {
                    None if self.states.values().filter(|s| !s.is_over()).count() >= MOST_BULLETINS => {
                        return Err(refuse("too_many", format!("{MOST_BULLETINS} bulletins wait or are in force")));
                    }
                    None if read.is_some() => return Err(not_found()),
                    None => {}
                    Some(s) => {
                        seen(s)?;
                        if s.step != BulletinStep::Draft {
                            return Err(refuse("not_a_draft", "it is no draft any more: correct it, or send it back"));
                        }
                        if *read != Some(s.proposed_at) {
                            return Err(refuse("changed", "it was changed since you read it: read it again"));
                        }
                    }
                }
                let mut wrong = check_bounds(content);
                wrong.extend(not_there(&basis(content, &named)));
                if wrong.is_empty() { Ok(()) } else { Err(refuse("unfit", wrong.join("\n"))) }
            }
            BulletinAct::Submit { read, .. } => {
                let s = known()?;
                seen(s)?;
                write()?;
                if s.step != BulletinStep::Draft {
                    return Err(refuse("not_a_draft", "it is no draft any more"));
                }
                if *read != s.proposed_at {
                    return Err(refuse("changed", "it was changed since you read it: read it again"));
                }
                whole(&s.content)
            }
            BulletinAct::Comment { text, .. } => {
                let s = known()?;
                seen(s)?;
                may(&[Role::Watch, Role::Analyst, Role::Supervisor], "watch, analysts and supervisors comment")?;
                if s.is_over() {
                    return Err(refuse("over", "it is over already"));
                }
                if s.comments.len() >= MOST_COMMENTS {
                    return Err(refuse("too_many", format!("it has {MOST_COMMENTS} comments")));
                }
                let n = text.trim().chars().count();
                if (1..=MOST_COMMENT).contains(&n) && !has_control(text, false) {
                    Ok(())
                } else {
                    Err(refuse(
                        "unfit",
                        format!("comment: {n} characters; give 1 to {MOST_COMMENT}, no control characters"),
                    ))
                }
            }
            BulletinAct::Return { why, .. } => {
                let s = known()?;
                seen(s)?;
                decide()?;
                check_why(why)?;
                waiting(s).map(drop)
            }
            BulletinAct::Propose { notice, content } => {
                write()?;
                match self.get(*notice) {
                    None if self.states.values().filter(|s| !s.is_over()).count() >= MOST_BULLETINS => {
                        return Err(refuse("too_many", format!("{MOST_BULLETINS} bulletins wait or are in force")));
                    }
                    Some(s) if s.step != BulletinStep::Proposed || s.proposed_by != *by => {
                        return Err(refuse("exists", "there is a bulletin of that id: correct it, or use a new id"));
                    }
                    // Others may have written on at it since, also what is not for whoever began it.
                    Some(s) => {
                        seen(s)?;
                        if basis(&s.content, &named).unseen.is_some() {
                            return Err(refuse(
                                "changed",
                                "others wrote at it what you may not see: have it sent back, and write on at the draft",
                            ));
                        }
                    }
                    None => {}
                }
                whole(content)
            }
            BulletinAct::Correct { read, content, why, .. } => {
                let s = known()?;
                seen(s)?;
                write()?;
                if s.step != BulletinStep::Issued {
                    return Err(refuse("not_in_force", "only what is in force can be corrected"));
                }
                // Nobody overwrites what they have not read, and who cannot read it never does.
                if let Some(c) = s.correction.as_ref().filter(|c| !sees(&c.content)) {
                    let why = if c.draft {
                        "another correction of it was sent back that you may not see: let its author write on, or \
                         withdraw it"
                    } else {
                        "another correction of it waits that you may not see: it is decided about first"
                    };
                    return Err(refuse("changed", why));
                }
                if read.is_some_and(|r| r != s.written_at()) {
                    return Err(refuse("changed", "it was changed since you read it: read it again"));
                }
                check_why(why)?;
                whole(content)
            }
            BulletinAct::Approve { read, unseen, unseen_marking, .. } => {
                let s = known()?;
                seen(s)?;
                decide()?;
                let (author, at, content) = waiting(s)?;
                if author == *by || s.authors.contains(by) {
                    return Err(refuse("second_person", "somebody who did not write at it must approve it"));
                }
                if at != *read {
                    return Err(refuse("changed", "it was changed since you read it: read it again"));
                }
                check_time(&content, now)?;
                released(&content)?;
                // Whoever approves need not see all of it (they may be the only second person there is), but knows so.
                match basis(&content, &named).unseen {
                    Some(hidden) if hidden.count > *unseen || is_stricter(&hidden, unseen_marking.as_ref()) => {
                        Err(refuse(
                            "unseen",
                            format!(
                                "{} that it rests on may not be seen by you{}: approve without having seen them \
                                 (unseen: {}, and their marking), or let somebody approve who may",
                                things(hidden.count),
                                marked(hidden.marking.as_ref()),
                                hidden.count,
                            ),
                        ))
                    }
                    _ => Ok(()),
                }
            }
            BulletinAct::BreakGlass { why, .. } => {
                let s = known()?;
                seen(s)?;
                decide()?;
                check_why(why)?;
                let (_, _, content) = waiting(s)?;
                check_time(&content, now)?;
                released(&content)?;
                if content.sheet.as_ref().is_some_and(|s| !s.release_why.trim().is_empty()) {
                    return Err(refuse(
                        "second_person",
                        "it is marked less strictly than what it rests on: a second person must approve that",
                    ));
                }
                Ok(())
            }
            BulletinAct::Withdraw { why, .. } => {
                let s = known()?;
                seen(s)?;
                write()?;
                check_why(why)?;
                // What was sent back is withdrawn also by who may not see it: else it could stand in the way for ever.
                let unsent = s.step == BulletinStep::Draft || s.correction.as_ref().is_some_and(|c| c.draft);
                if unsent { Ok(()) } else { waiting(s).map(drop) }
            }
            BulletinAct::Recall { why, .. } => {
                let s = known()?;
                seen(s)?;
                decide()?;
                check_why(why)?;
                match s.step {
                    BulletinStep::Issued => Ok(()),
                    BulletinStep::Draft | BulletinStep::Proposed => {
                        Err(refuse("not_in_force", "it was never issued: withdraw it"))
                    }
                    _ => Err(refuse("over", "it is over already")),
                }
            }
        }
    }

    // ---- decide ----

    /// What an act that fits makes of its bulletin; `unseen` says what of a content's basis `by` may not see.
    pub(crate) fn next(
        &self,
        by: &PersonId,
        act: &BulletinAct,
        unseen: impl Fn(&BulletinContent) -> Option<Unseen>,
        now: Time,
    ) -> Option<BulletinState> {
        // Who approves says by its time what they read: two never have the same, also while the clock stands still.
        let written = self.get(act.notice()).map_or(now, |s| now.max(Time::from_micros(s.at.as_micros() + 1)));
        let kept = self.get(act.notice()).filter(|s| s.step == BulletinStep::Draft);
        let new = match act {
            BulletinAct::Propose { notice, content } => Some((notice, content, BulletinStep::Proposed)),
            BulletinAct::Draft { notice, content, .. } if kept.is_none() => {
                Some((notice, content, BulletinStep::Draft))
            }
            _ => None,
        };
        if let Some((notice, content, step)) = new {
            // Written again, it is still what the others wrote at before.
            let before = self.get(*notice);
            let authors = before.map(|s| s.authors.clone()).unwrap_or_default().into_iter().chain([by.clone()]);
            return Some(BulletinState {
                notice: *notice,
                step,
                version: 0,
                content: (**content).clone(),
                proposed_by: by.clone(),
                proposed_at: written,
                issued_by: None,
                approved_by: None,
                break_glass: None,
                unseen: None,
                why: String::new(),
                correction: None,
                number: None,
                authors: authors.collect(),
                comments: before.map(|s| s.comments.clone()).unwrap_or_default(),
                at: written,
            });
        }
        let s = self.get(act.notice())?.clone();
        let issue = |approved_by: Option<PersonId>, break_glass: Option<String>| {
            let (author, _, content) = s.waiting()?;
            // Who breaks the glass answers for it, whoever wrote it.
            let author = if break_glass.is_some() { by } else { author };
            Some(BulletinState {
                step: BulletinStep::Issued,
                version: s.version + 1,
                content: content.clone(),
                issued_by: Some(author.clone()),
                approved_by,
                break_glass,
                unseen: unseen(content),
                why: s.correction.as_ref().map(|c| c.why.clone()).unwrap_or_default(),
                number: s.number.clone().or_else(|| Some(self.next_number(content, now))),
                correction: None,
                at: now,
                ..s.clone()
            })
        };
        let said = |text: &str, returned: bool| {
            // A correction may be marked otherwise than what it corrects: what is said while it waits may be about it.
            let marking = s.correction.as_ref().map_or(&s.content.marking, |c| &c.content.marking);
            let (text, marking) = (text.trim().into(), Some(marking.clone()));
            let comment = Comment { by: by.clone(), at: written, text, returned, marking };
            s.comments.iter().cloned().chain([comment]).collect()
        };
        match act {
            BulletinAct::Propose { .. } => None,
            BulletinAct::Draft { content, .. } => Some(BulletinState {
                content: (**content).clone(),
                proposed_at: written,
                authors: s.authors.iter().cloned().chain([by.clone()]).collect(),
                at: written,
                ..s
            }),
            BulletinAct::Submit { .. } => {
                Some(BulletinState { step: BulletinStep::Proposed, proposed_at: written, at: written, ..s })
            }
            // What was read of it stays read: its time of writing does not move.
            BulletinAct::Comment { text, .. } => Some(BulletinState { comments: said(text, false), ..s }),
            BulletinAct::Return { why, .. } if s.step == BulletinStep::Proposed => Some(BulletinState {
                step: BulletinStep::Draft,
                comments: said(why, true),
                proposed_at: written,
                at: written,
                ..s
            }),
            BulletinAct::Return { why, .. } => {
                let back = s.correction.as_ref().map(|c| Box::new(Correction { draft: true, ..(**c).clone() }));
                Some(BulletinState { correction: back, comments: said(why, true), at: written, ..s })
            }
            BulletinAct::Correct { content, why, .. } => {
                let before = s.correction.as_ref().map(|_| s.authors.clone()).unwrap_or_default();
                let correction = Correction {
                    content: (**content).clone(),
                    by: by.clone(),
                    at: written,
                    why: why.trim().into(),
                    draft: false,
                };
                let authors = before.into_iter().chain([by.clone()]).collect();
                Some(BulletinState { correction: Some(Box::new(correction)), authors, at: written, ..s })
            }
            BulletinAct::Approve { .. } => issue(Some(by.clone()), None),
            BulletinAct::BreakGlass { why, .. } => issue(None, Some(why.trim().into())),
            BulletinAct::Withdraw { why, .. } if s.step == BulletinStep::Issued => {
                Some(BulletinState { correction: None, why: why.trim().into(), at: now, ..s })
            }
            BulletinAct::Withdraw { why, .. } => {
                Some(BulletinState { step: BulletinStep::Withdrawn, why: why.trim().into(), at: now, ..s })
            }
            BulletinAct::Recall { why, .. } => Some(BulletinState {
                step: BulletinStep::Recalled,
                version: s.version + 1,
                issued_by: Some(by.clone()),
                approved_by: None,
                break_glass: None,
                unseen: None,
                why: why.trim().into(),
                correction: None,
                at: now,
                ..s
            }),
        }
    }

    /// Those whose time is over.
    pub(crate) fn expired(&self, now: Time) -> Vec<BulletinState> {
        let over = self.states.values().filter(|s| s.step == BulletinStep::Issued && s.content.expires_at <= now);
        over.map(|s| BulletinState {
            step: BulletinStep::Expired,
            version: s.version + 1,
            correction: None,
            why: String::new(),
            at: now,
            ..s.clone()
        })
        .collect()
    }

    /// The version of the notice that a new state brings, where it brings one.
    pub(crate) fn version(&self, next: &BulletinState, exercise: Option<&str>, now: Time) -> Option<Notice> {
        let before = self.get(next.notice);
        if next.version <= before.map_or(0, |s| s.version) {
            return None;
        }
        let state = match next.step {
            BulletinStep::Issued if next.version == 1 => NoticeState::Issued,
            BulletinStep::Issued => NoticeState::Updated,
            BulletinStep::Recalled => NoticeState::Recalled,
            BulletinStep::Expired => NoticeState::Expired,
            BulletinStep::Draft | BulletinStep::Proposed | BulletinStep::Withdrawn => return None,
        };
        let c = &next.content;
        let own = |text: &str, english: &str| if text.trim().is_empty() { english.to_owned() } else { text.to_owned() };
        let (text, text_es) = match state {
            NoticeState::Recalled => {
                let recall = own(&c.recall_text, "This is recalled. Do not act on it.");
                let no_words = c.recall_text.trim().is_empty();
                let es = if no_words { "Esto queda anulado. No actúe según ello." } else { &recall };
                let recall_es = own(&c.recall_text_es, es);
                (recall, recall_es)
            }
            NoticeState::Expired => {
                ("The time of this is over.".to_owned(), "El plazo de esto ha terminado.".to_owned())
            }
            _ => (c.text.clone(), own(&c.text_es, &c.text)),
        };
        Some(Notice {
            id: next.notice,
            version: next.version,
            state,
            level: c.level,
            at: now,
            needs_ack: c.needs_ack && !state.ended(),
            marking: c.marking.clone(),
            exercise: exercise.map(Into::into),
            code: self.codes.free_for(next.notice, next.version, 5, |_| false),
            text,
            text_es,
            expires_at: Some(c.expires_at),
            about: About::Bulletin(Bulletin {
                title: c.title.clone(),
                title_es: own(&c.title_es, &c.title),
                audience: c.audience.clone(),
                area: c.area.clone(),
                issued_by: next.issued_by.clone().unwrap_or_else(|| next.proposed_by.clone()),
                approved_by: next.approved_by.clone(),
                break_glass: next.break_glass.clone(),
                why: next.why.clone(),
                number: next.number.clone(),
                // What it rests on, and why it was released, stays at the centre.
                sheet: c.sheet.as_ref().map(|s| {
                    Box::new(Sheet { rests_on: BTreeSet::new(), release_why: String::new(), ..(**s).clone() })
                }),
            }),
        })
    }

    /// The number that a bulletin gets when it is issued: series, year (UTC) and a count without gaps.
    fn next_number(&self, content: &BulletinContent, now: Time) -> String {
        let series = content.sheet.as_ref().map_or(SERIES, |s| s.series.as_str());
        let year: String = now.to_string().chars().take(4).collect();
        let exercise = if self.exercise { "EX-" } else { "" };
        let series = format!("{exercise}{series}-{year}");
        let n = self.numbers.get(&series).copied().unwrap_or_default() + 1;
        format!("{series}-{n:04}")
    }

    // ---- apply ----

    /// Whether numbers say that they are of an exercise.
    pub(crate) fn set_exercise(&mut self, exercise: bool) {
        self.exercise = exercise;
    }

    /// Remembers the code of a version.
    pub(crate) fn hear(&mut self, notice: &Notice) {
        if notice.bulletin().is_none() {
            return;
        }
        self.codes.hear(notice, CODES_S);
    }

    pub(crate) fn put(&mut self, state: &BulletinState) {
        if let Some((series, n)) = state.number.as_ref().and_then(|n| n.rsplit_once('-'))
            && let Ok(n) = n.parse::<u32>()
        {
            let last = self.numbers.entry(series.to_owned()).or_default();
            *last = n.max(*last);
        }
        self.states.insert(state.notice, state.clone());
        let mut over: Vec<(Time, NoticeId)> =
            self.states.values().filter(|s| s.is_over()).map(|s| (s.at, s.notice)).collect();
        over.sort_unstable();
        let surplus = over.len().saturating_sub(MOST_OVER);
        for (_, id) in over.into_iter().take(surplus) {
            self.states.remove(&id);
        }
    }

    /// Time passes.
    pub(crate) fn tick(&mut self, now: Time) {
        self.codes.forget(now);
    }

    /// Forgets those that were over before a time.
    pub(crate) fn forget(&mut self, before: Time) {
        self.states.retain(|_, s| !s.is_over() || s.at >= before);
    }
}

fn things(count: u32) -> String {
    if count == 1 { "one thing".to_owned() } else { format!("{count} things") }
}

fn marked(marking: Option<&Marking>) -> String {
    marking.map(|m| format!(", marked {} at the strictest", m.tlp.label())).unwrap_or_default()
}

/// Whether what is hidden is marked more strictly than somebody was told; not asked of records that do not say what they
/// were told. Nothing is stricter than TLP:RED: whom it names is told to nobody else.
fn is_stricter(hidden: &Unseen, told: Option<&Marking>) -> bool {
    let (Some(now), Some(told)) = (&hidden.marking, told) else { return false };
    told.tlp < Tlp::Red && !told.covers(now)
}

fn check_why(why: &str) -> Result<(), Refusal> {
    let n = why.trim().chars().count();
    if (1..=crate::Desk::MOST_WHY).contains(&n) {
        Ok(())
    } else {
        Err(refuse("why", format!("say why, in 1 to {} characters", crate::Desk::MOST_WHY)))
    }
}

fn check_time(content: &BulletinContent, now: Time) -> Result<(), Refusal> {
    if content.expires_at > now {
        Ok(())
    } else {
        Err(refuse("expired", "its time would be over already: propose it again with a later end"))
    }
}

fn has_control(text: &str, one_line: bool) -> bool {
    text.chars().any(|ch| ch.is_control() && (one_line || !matches!(ch, '\n' | '\t')))
}

/// Finds texts that are too long or short, or hold control characters.
struct Texts {
    wrong: Vec<String>,
}

impl Texts {
    fn text(&mut self, what: &str, text: &str, most: usize, one_line: bool) {
        let n = text.trim().chars().count();
        if n > most {
            self.wrong.push(format!("{what}: {n} characters; give at most {most}"));
        }
        if has_control(text, one_line) {
            self.wrong.push(format!("{what}: it holds control characters"));
        }
    }
    fn phrase(&mut self, what: &str, phrase: &Phrase, most: usize, one_line: bool) {
        self.text(what, &phrase.en, most, one_line);
        self.text(&format!("{what}, in Spanish"), &phrase.es, most, one_line);
    }
    fn count(&mut self, what: &str, n: usize, most: usize) {
        if n > most {
            self.wrong.push(format!("{what}: {n}; give at most {most}"));
        }
    }
}

/// What is wrong with its lengths and numbers, all of it at once: no draft may hold that either.
pub fn check_bounds(c: &BulletinContent) -> Vec<String> {
    let mut t = Texts { wrong: Vec::new() };
    t.text("title", &c.title, MOST_TITLE, true);
    t.text("title_es", &c.title_es, MOST_TITLE, true);
    t.text("text", &c.text, MOST_TEXT, false);
    t.text("text_es", &c.text_es, MOST_TEXT, false);
    t.text("recall_text", &c.recall_text, MOST_TEXT, false);
    t.text("recall_text_es", &c.recall_text_es, MOST_TEXT, false);
    t.count("audience: rules", c.audience.len(), Audience::MOST);
    if let Some(s) = &c.sheet {
        t.text("template", &s.template, 100, true);
        let series = (1..=6).contains(&s.series.len()) && s.series.bytes().all(|b| b.is_ascii_uppercase());
        if !series {
            t.wrong.push(format!("series: '{}'; give 1 to 6 capital letters", s.series));
        }
        t.phrase("kind", &s.kind, 80, true);
        t.text("issuer", &s.issuer, 120, true);
        t.count("known: statements", s.known.len(), MOST_STATEMENTS);
        for k in s.known.iter().take(MOST_STATEMENTS) {
            t.phrase("known", &k.text, 1_000, false);
        }
        t.count("not_known: statements", s.not_known.len(), MOST_STATEMENTS);
        for k in s.not_known.iter().take(MOST_STATEMENTS) {
            t.phrase("not_known", k, 1_000, false);
        }
        t.count("measures", s.measures.len(), MOST_MEASURES);
        let mut ids = BTreeSet::new();
        for m in s.measures.iter().take(MOST_MEASURES) {
            let name = (1..=64).contains(&m.id.len())
                && m.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if !name {
                t.wrong.push(format!("measures: '{}' is no name: 1 to 64 of a-z, 0-9 and '-'", m.id));
            } else if !ids.insert(&m.id) {
                t.wrong.push(format!("measures: '{}' is there twice", m.id));
            }
            t.phrase("measures", &m.text, 500, false);
        }
        t.phrase("area_name", &s.area_name, 200, true);
        t.phrase("report_to", &s.report_to, 300, false);
        t.text("contact", &s.contact, 200, true);
        t.count("rests_on", s.rests_on.len(), MOST_RESTS_ON);
        t.text("release_why", &s.release_why, crate::Desk::MOST_WHY, false);
        t.phrase("short", &s.short, 90, true);
        t.phrase("brief", &s.brief, 360, false);
    }
    t.wrong
}

/// What a bulletin named so far, in what is in force and in what waits.
fn named_before(s: &BulletinState) -> BTreeSet<Link> {
    let contents = [Some(&s.content), s.correction.as_ref().map(|c| &c.content)];
    contents.into_iter().flatten().filter_map(|c| c.sheet.as_ref()).flat_map(|s| s.rests_on.iter().copied()).collect()
}

/// What its writer names that is not there for them, in words.
fn not_there(basis: &Basis) -> impl Iterator<Item = String> {
    basis.wrong.iter().map(|w| format!("rests_on: {w}"))
}

/// Why it may not go to whom it would open to, where that is so.
fn check_release(c: &BulletinContent, basis: &Basis) -> Option<String> {
    let released = c.sheet.as_ref().is_some_and(|s| !s.release_why.trim().is_empty());
    let wider = basis.marking.as_ref().is_some_and(|m| !c.marking.covers(m));
    (wider && !released).then(|| {
        "marking: what it rests on is marked more strictly; mark it so, or say in release_why why it may go out".into()
    })
}

/// What is wrong with what a bulletin says, all of it at once.
fn check_content(c: &BulletinContent, d: &Directory, basis: &Basis, now: Time) -> Result<(), Refusal> {
    let mut wrong = check_bounds(c);
    let mut needs = |what: &str, text: &str| {
        if text.trim().is_empty() {
            wrong.push(format!("{what}: 0 characters; say it"));
        }
    };
    needs("title", &c.title);
    needs("text", &c.text);
    if let Some(s) = &c.sheet {
        needs("kind", &s.kind.en);
        needs("issuer", &s.issuer);
        needs("report_to", &s.report_to.en);
        for k in &s.known {
            needs("known", &k.text.en);
        }
        for k in &s.not_known {
            needs("not_known", &k.en);
        }
        for m in &s.measures {
            needs("measures", &m.text.en);
        }
        if s.valid_from.is_some_and(|from| from >= c.expires_at) {
            wrong.push("valid_from: it is after the end".into());
        }
    }
    wrong.extend(not_there(basis));
    wrong.extend(check_release(c, basis));
    if c.audience.is_empty() {
        wrong.push(format!("audience: 0 rules; give 1 to {}", Audience::MOST));
    }
    for rule in &c.audience {
        if let Err(why) = rule.check() {
            wrong.push(format!("audience: {why}"));
        }
        let missing = match rule {
            Audience::People { people } => people
                .iter()
                .find(|p| d.active(p).is_none())
                .map(|p| format!("person '{p}' is not in the directory, or is disabled")),
            Audience::Unit { unit, .. } if !d.units.contains_key(unit) => Some(format!("there is no unit '{unit}'")),
            Audience::Agency { agency } if !d.agencies.contains_key(agency) => {
                Some(format!("there is no agency '{agency}'"))
            }
            Audience::OnDuty { roster } if !d.rosters.contains_key(roster) => {
                Some(format!("there is no roster '{roster}'"))
            }
            _ => None,
        };
        wrong.extend(missing.map(|m| format!("audience: {m}")));
    }
    if let Some(area) = &c.area
        && let Err(why) = area.check()
    {
        wrong.push(why);
    }
    let lasts_s = c.expires_at.since_s(now);
    if !(lasts_s > 0.0 && lasts_s <= MOST_DAYS * 86_400.0) {
        wrong.push(format!("expires_at: give a time from now to {MOST_DAYS} days ahead"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(refuse("unfit", wrong.join("\n"))) }
}
