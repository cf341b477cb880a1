//! [`BulletinContent`]: what a bulletin says and to whom, as people write it; [`BulletinState`], how far it is on its
//! way out; [`BulletinAct`], what people do about it.
//!
//! Nobody issues alone: a second person approves, or one breaks the glass and says why (spec/people.md section 4, R11).
//! The words of a recall are written together with the bulletin (R12).

use crate::{Area, Audience, Grade, Level, Link, Marking, NoticeId, PersonId, Time};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a bulletin says, and to whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BulletinContent {
    /// Title in English, one line.
    pub title: String,
    /// The same in Spanish; the English one where it is empty.
    #[serde(default)]
    pub title_es: String,
    /// What to say in English.
    pub text: String,
    /// The same in Spanish; the English one where it is empty.
    #[serde(default)]
    pub text_es: String,
    /// How urgent.
    pub level: Level,
    /// Whom it is for.
    pub audience: Vec<Audience>,
    /// Where it is about.
    #[serde(default)]
    pub area: Option<Area>,
    /// Who may see it.
    #[serde(default)]
    pub marking: Marking,
    /// From then on nobody is alarmed by it.
    pub expires_at: Time,
    /// People must acknowledge it.
    #[serde(default = "yes")]
    pub needs_ack: bool,
    /// What to say should it have to be recalled, in English; a fixed sentence where it is empty.
    #[serde(default)]
    pub recall_text: String,
    /// The same in Spanish.
    #[serde(default)]
    pub recall_text_es: String,
    /// What makes it more than a short text: the fields of an Officer Safety Alert and its like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<Box<Sheet>>,
}

/// Words in English and Spanish.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phrase {
    /// In English.
    pub en: String,
    /// In Spanish; the English ones where it is empty.
    #[serde(default)]
    pub es: String,
}

impl Phrase {
    /// The words for a reader of Spanish, or of English.
    pub fn in_spanish(&self, spanish: bool) -> &str {
        if spanish && !self.es.trim().is_empty() { &self.es } else { &self.en }
    }
}

/// The fields of a bulletin that is written from a template; its threat statement is the bulletin's text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// The template that it was written from, `NAME@VERSION`.
    #[serde(default)]
    pub template: String,
    /// Letters that its number begins with, such as `OSA`: 1 to 6 capitals.
    pub series: String,
    /// What kind of bulletin it is, as its head says: `Officer Safety Alert`.
    pub kind: Phrase,
    /// The centre that issues it.
    pub issuer: String,
    /// What is known, each with the grade of what it rests on.
    #[serde(default)]
    pub known: Vec<Statement>,
    /// What is not known.
    #[serde(default)]
    pub not_known: Vec<Phrase>,
    /// What people should do to protect themselves, as a checklist.
    #[serde(default)]
    pub measures: Vec<Measure>,
    /// Where it is about, in words.
    #[serde(default)]
    pub area_name: Phrase,
    /// In force from then; from its issue where it is not said.
    #[serde(default)]
    pub valid_from: Option<Time>,
    /// Where to report what is seen.
    #[serde(default)]
    pub report_to: Phrase,
    /// Who answers questions.
    #[serde(default)]
    pub contact: String,
    /// The intelligence, sightings and tracks that it rests on. They never leave the centre with it.
    #[serde(default)]
    pub rests_on: BTreeSet<Link>,
    /// Why it is marked less strictly than what it rests on, where it is: a second person must have approved that.
    #[serde(default)]
    pub release_why: String,
    /// At most 90 characters, for the narrowest channels; made from title and text where they are empty.
    #[serde(default)]
    pub short: Phrase,
    /// At most 360 characters.
    #[serde(default)]
    pub brief: Phrase,
}

/// Something that is known, and how far it is to be believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// What.
    pub text: Phrase,
    /// The grade of what it rests on.
    #[serde(default)]
    pub grade: Grade,
}

/// A protective measure on a bulletin's checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Its name in the library: `first-aid-kit`.
    pub id: String,
    /// What to do.
    pub text: Phrase,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn yes() -> bool {
    true
}

/// How far a bulletin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BulletinStep {
    /// Being written.
    Draft,
    /// Written, and waits for a second person.
    Proposed,
    /// Out: a version of it is in force.
    Issued,
    /// Taken back before it went out.
    Withdrawn,
    /// Recalled: it was out.
    Recalled,
    /// Its time was over.
    Expired,
}

/// A bulletin, from its proposal to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BulletinState {
    /// The notice that it is or would become.
    pub notice: NoticeId,
    /// How far it is.
    pub step: BulletinStep,
    /// The version in force; 0 before the first.
    pub version: u32,
    /// What is in force; what was proposed, before the first version.
    pub content: BulletinContent,
    /// Who proposed it.
    pub proposed_by: PersonId,
    /// When.
    pub proposed_at: Time,
    /// Who wrote the version in force; who broke the glass for it, where somebody did.
    #[serde(default)]
    pub issued_by: Option<PersonId>,
    /// Who else approved it.
    #[serde(default)]
    pub approved_by: Option<PersonId>,
    /// Why one person alone issued it.
    #[serde(default)]
    pub break_glass: Option<String>,
    /// What of that which it rests on was hidden from whoever issued it as the last: the second person, or who was alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<Unseen>,
    /// Why it was corrected, withdrawn or recalled, at the last such step.
    #[serde(default)]
    pub why: String,
    /// A correction that waits for a second person.
    #[serde(default)]
    pub correction: Option<Box<Correction>>,
    /// Its number, from its first issue on: `OSA-2026-0001`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Everybody who wrote at what was issued last or waits: none of them can be its second person.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub authors: BTreeSet<PersonId>,
    /// What was said about it while it was written, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
    /// When its last step was.
    pub at: Time,
}

/// What of that which a bulletin rests on somebody may not see. It is counted and not named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// How many things.
    pub count: u32,
    /// The strictest marking of them, without the people whom it names; `None` in records of before, where none of them
    /// was kept any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marking: Option<Marking>,
}

/// What somebody said about a bulletin; it stays at the centre.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Who.
    pub by: PersonId,
    /// When.
    pub at: Time,
    /// What.
    pub text: String,
    /// It was sent back to its author with this.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub returned: bool,
    /// The marking of what it was said about: who may not see that does not see this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marking: Option<Marking>,
}

impl BulletinState {
    /// What waits for a second person: who wrote it, when, and what it says.
    pub fn waiting(&self) -> Option<(&PersonId, Time, &BulletinContent)> {
        match (&self.correction, self.step) {
            (Some(c), BulletinStep::Issued) if !c.draft => Some((&c.by, c.at, &c.content)),
            (_, BulletinStep::Proposed) => Some((&self.proposed_by, self.proposed_at, &self.content)),
            _ => None,
        }
    }

    /// When that was written which a correction begins with: the correction that there is, or else the version in force.
    pub fn written_at(&self) -> Time {
        self.correction.as_ref().map_or(self.at, |c| c.at)
    }

    /// Nothing of it can change any more.
    pub fn is_over(&self) -> bool {
        matches!(self.step, BulletinStep::Withdrawn | BulletinStep::Recalled | BulletinStep::Expired)
    }
}

/// A correction that waits for a second person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correction {
    /// What it would say.
    pub content: BulletinContent,
    /// Who wrote it.
    pub by: PersonId,
    /// When.
    pub at: Time,
    /// Why.
    pub why: String,
    /// It was sent back: it waits for its author, not for a second person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub draft: bool,
}

/// What people do about a bulletin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum BulletinAct {
    /// Keep it as a draft, new or changed.
    Draft {
        /// Client-made id.
        notice: NoticeId,
        /// When what they changed was written: what another wrote since is not overwritten. `None` for a new one.
        #[serde(default)]
        read: Option<Time>,
        /// What it says so far.
        content: Box<BulletinContent>,
    },
    /// Ask a second person to issue a draft as it is.
    Submit {
        /// Which.
        notice: NoticeId,
        /// When what they read was written.
        read: Time,
    },
    /// Say something about it to the others at the centre.
    Comment {
        /// Which.
        notice: NoticeId,
        /// What.
        text: String,
    },
    /// As a second person: send what waits back to its author.
    Return {
        /// Which.
        notice: NoticeId,
        /// Why.
        why: String,
    },
    /// Propose it.
    Propose {
        /// Client-made id.
        notice: NoticeId,
        /// What it says.
        content: Box<BulletinContent>,
    },
    /// Propose that a newer version takes the place of the one in force.
    Correct {
        /// Which.
        notice: NoticeId,
        /// [`BulletinState::written_at`] of what they began with: what another wrote since is not overwritten. `None` in
        /// records of before it was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        read: Option<Time>,
        /// What it says then.
        content: Box<BulletinContent>,
        /// Why.
        why: String,
    },
    /// As a second person: issue what waits.
    Approve {
        /// Which.
        notice: NoticeId,
        /// When what they read was proposed: what was written since is not approved.
        read: Time,
        /// How many things that it rests on were hidden from them, as they were told. With more it is not approved.
        #[serde(default, skip_serializing_if = "is_zero")]
        unseen: u32,
        /// How the strictest of those was marked, as they were told. Where one is marked more strictly by now, it is not
        /// approved. `None` in records of before it was asked for, and where nothing was hidden.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unseen_marking: Option<Marking>,
    },
    /// Issue what waits without a second person.
    BreakGlass {
        /// Which.
        notice: NoticeId,
        /// Why there is no time for one.
        why: String,
    },
    /// Take back what waits; what is in force stays so.
    Withdraw {
        /// Which.
        notice: NoticeId,
        /// Why.
        why: String,
    },
    /// Recall what is in force, everywhere, now: one person is enough.
    Recall {
        /// Which.
        notice: NoticeId,
        /// Why.
        why: String,
    },
}

impl BulletinAct {
    /// Which bulletin.
    pub fn notice(&self) -> NoticeId {
        match self {
            Self::Draft { notice, .. }
            | Self::Submit { notice, .. }
            | Self::Comment { notice, .. }
            | Self::Return { notice, .. }
            | Self::Propose { notice, .. }
            | Self::Correct { notice, .. }
            | Self::Approve { notice, .. }
            | Self::BreakGlass { notice, .. }
            | Self::Withdraw { notice, .. }
            | Self::Recall { notice, .. } => *notice,
        }
    }
}
