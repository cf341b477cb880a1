//! [`ReportContent`]: what somebody learned, where it comes from, and how far it is to be believed; [`ReportState`], what
//! became of it; [`ReportAct`], what people do about it.
//!
//! A report is graded by the Admiralty code: the source by itself and the information by itself ([`Grade`]; FM 2-22.3,
//! appendix B). Nothing but F6, *cannot be judged*, is assumed. A report holds nothing about individuals unless somebody
//! gives the basis of suspicion and a second person approves it (28 CFR 23.20(a) and (c)); every report has a date by
//! which it is looked at again and one by which it goes (23.20(h)).

use crate::{Area, Marking, NoticeId, PersonId, ReportId, SightingId, Time, TrackId};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// How reliable a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Reliability {
    /// Completely reliable.
    A,
    /// Usually reliable.
    B,
    /// Fairly reliable.
    C,
    /// Not usually reliable.
    D,
    /// Unreliable.
    E,
    /// Cannot be judged.
    #[default]
    F,
}

impl Reliability {
    /// Every one, best first.
    pub const ALL: [Self; 6] = [Self::A, Self::B, Self::C, Self::D, Self::E, Self::F];
}

/// How credible a piece of information is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Credibility {
    /// Confirmed by other, independent sources.
    Confirmed = 1,
    /// Probably true.
    Probable = 2,
    /// Possibly true.
    Possible = 3,
    /// Doubtful.
    Doubtful = 4,
    /// Improbable.
    Improbable = 5,
    /// Cannot be judged.
    #[default]
    Unknown = 6,
}

impl Credibility {
    /// Every one, best first.
    pub const ALL: [Self; 6] =
        [Self::Confirmed, Self::Probable, Self::Possible, Self::Doubtful, Self::Improbable, Self::Unknown];
}

impl TryFrom<u8> for Credibility {
    type Error = String;
    fn try_from(n: u8) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|c| u8::from(*c) == n);
        found.ok_or_else(|| format!("credibility is {n}: give 1 to 6"))
    }
}

impl From<Credibility> for u8 {
    fn from(c: Credibility) -> Self {
        c as Self
    }
}

/// Source and information, judged separately; `F6` unless somebody judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grade {
    /// Of the source.
    pub reliability: Reliability,
    /// Of the information.
    pub credibility: Credibility,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.reliability, u8::from(self.credibility))
    }
}

/// Something that a report or a bulletin rests on or belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "to", content = "id", rename_all = "snake_case")]
pub enum Link {
    /// A sighting.
    Sighting(SightingId),
    /// A track.
    Track(TrackId),
    /// A warning or bulletin.
    Notice(NoticeId),
    /// Another report.
    Report(ReportId),
}

impl Link {
    /// What it leads to, in words: `sighting 018f…`.
    pub fn word(self) -> String {
        match self {
            Self::Sighting(id) => format!("sighting {id}"),
            Self::Track(id) => format!("track {id}"),
            Self::Notice(id) => format!("notice {id}"),
            Self::Report(id) => format!("report {id}"),
        }
    }
}

/// From which kind of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A member of one of the agencies.
    Officer,
    /// Somebody from outside.
    Public,
    /// A sensor.
    Sensor,
    /// Another agency or centre.
    Partner,
    /// A document or an object.
    Document,
    /// One post or article that anybody can read, put in by an analyst by hand.
    OpenPost,
}

/// How it was learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obtained {
    /// Seen or heard by the source.
    Observed,
    /// Told to the source by another.
    Told,
    /// Measured.
    Measured,
    /// Read.
    Read,
    /// Found.
    Found,
}

/// Where a report comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// From which kind of source.
    pub kind: SourceKind,
    /// How it was learned.
    pub obtained: Obtained,
    /// When.
    pub at: Time,
    /// The source, in words that name no private person: `patrol North 3`, `sheriff's report 26-1107`.
    pub source: String,
    /// What it goes back to: the address of the post, the number of the report, who said it first. Two reports with the
    /// same origin are one source, however many passed it on.
    #[serde(default)]
    pub origin: String,
    /// Whoever files it affirms that it was obtained lawfully.
    #[serde(default)]
    pub lawful: bool,
}

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Drones, their flights and payloads.
    Drone,
    /// Explosives and weapons.
    Weapon,
    /// Somebody watches or tests a place or people.
    Surveillance,
    /// A threat that was uttered.
    Threat,
    /// Smuggling and other crime.
    Crime,
    /// Political, religious or social views or associations: refused (28 CFR 23.20(b)).
    Views,
}

/// What a report says about an individual.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Individual {
    /// What.
    pub text: String,
    /// Why they are reasonably suspected of which crime (28 CFR 23.20(a) and (c)).
    pub basis: String,
    /// The supervisor who is asked to approve that this is kept.
    pub approver: PersonId,
}

/// What a report says, as people write it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportContent {
    /// One line.
    pub title: String,
    /// What was learned.
    pub text: String,
    /// What it is about.
    pub about: BTreeSet<Subject>,
    /// Where it comes from.
    pub provenance: Provenance,
    /// How far it is to be believed.
    #[serde(default)]
    pub grade: Grade,
    /// Who may see it.
    #[serde(default)]
    pub marking: Marking,
    /// Where it is about.
    #[serde(default)]
    pub area: Option<Area>,
    /// When what it tells of begins.
    #[serde(default)]
    pub from: Option<Time>,
    /// When it ends.
    #[serde(default)]
    pub until: Option<Time>,
    /// What it belongs to.
    #[serde(default)]
    pub links: BTreeSet<Link>,
    /// What it says about an individual, where it has to.
    #[serde(default)]
    pub individual: Option<Individual>,
    /// Looked at again by then.
    pub review_by: Time,
    /// Gone by then.
    pub purge_by: Time,
}

/// How far a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportStep {
    /// As it came in.
    Raw,
    /// A second person found that it fits what may be kept.
    Vetted,
    /// Purged: only its tombstone is left.
    Purged,
}

/// A report and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportState {
    /// Which.
    pub id: ReportId,
    /// 1, 2, 3 … with each change of its content.
    pub version: u32,
    /// How far it is.
    pub step: ReportStep,
    /// What it says; `None` once it is purged.
    pub content: Option<Box<ReportContent>>,
    /// Goes into the hash that a purge leaves; empty once it is purged, and in what a reader gets.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub salt: String,
    /// Who filed it.
    pub filed_by: PersonId,
    /// When.
    pub filed_at: Time,
    /// Who wrote what it says about an individual.
    #[serde(default)]
    pub individual_by: Option<PersonId>,
    /// Who approved that what it says about an individual is kept, and when.
    #[serde(default)]
    pub individual_approved: Option<(PersonId, Time)>,
    /// Who asked for its purge, when, and why.
    #[serde(default)]
    pub purge_asked: Option<(PersonId, Time, String)>,
    /// Every change, the oldest first.
    pub history: Vec<ReportChange>,
    /// What is left of it once it is purged.
    #[serde(default)]
    pub tombstone: Option<Tombstone>,
    /// When it last changed.
    pub at: Time,
}

/// One change of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportChange {
    /// The version from then on.
    pub version: u32,
    /// When.
    pub at: Time,
    /// Who.
    pub by: PersonId,
    /// What was done: `filed`, `changed`, `vetted`, `reviewed` …
    pub what: String,
    /// The fields that changed, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Grade before and after, where it changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<(Grade, Grade)>,
    /// Why.
    #[serde(default)]
    pub why: String,
}

/// What is left of a report that was purged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// SHA-256 of the salted canonical JSON of its last content, lower-case hex; the salt is gone with the content.
    pub sha256: String,
    /// Why it went.
    pub why: String,
    /// Who asked for it; nobody where its time was over.
    pub asked_by: Option<PersonId>,
    /// Who approved it.
    pub approved_by: PersonId,
    /// When.
    pub at: Time,
}

/// What people do about a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum ReportAct {
    /// File it.
    File {
        /// Client-made id.
        report: ReportId,
        /// What it says.
        content: Box<ReportContent>,
        /// 16 random bytes, lower-case hex: goes into the hash that a purge leaves, and goes with the content. The
        /// centre makes it.
        #[serde(default)]
        salt: String,
    },
    /// Change what it says.
    Change {
        /// Which.
        report: ReportId,
        /// The version that was read: another's change since then is not overwritten.
        read: u32,
        /// What it says then.
        content: Box<ReportContent>,
        /// A new one, as in `File`.
        #[serde(default)]
        salt: String,
        /// Why.
        why: String,
    },
    /// As a second person: it fits what may be kept.
    Vet {
        /// Which.
        report: ReportId,
        /// The version that was read.
        read: u32,
    },
    /// As the approver named: what it says about an individual may be kept.
    ApproveIndividual {
        /// Which.
        report: ReportId,
        /// The version that was read.
        read: u32,
    },
    /// Looked at again and found right and needed: new dates (28 CFR 23.20(h)); who asked for its purge is answered.
    Review {
        /// Which.
        report: ReportId,
        /// Looked at again by then.
        review_by: Time,
        /// Gone by then.
        purge_by: Time,
        /// Why it is still needed.
        why: String,
    },
    /// Ask that it be purged.
    AskPurge {
        /// Which.
        report: ReportId,
        /// Why.
        why: String,
    },
    /// As a second person: purge it, or let it go because its time is over.
    Purge {
        /// Which.
        report: ReportId,
        /// Why.
        why: String,
    },
}

impl ReportAct {
    /// Which report.
    pub fn report(&self) -> ReportId {
        match self {
            Self::File { report, .. }
            | Self::Change { report, .. }
            | Self::Vet { report, .. }
            | Self::ApproveIndividual { report, .. }
            | Self::Review { report, .. }
            | Self::AskPurge { report, .. }
            | Self::Purge { report, .. } => *report,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grade_is_two_judgements_and_f6_unless_somebody_judged() {
        assert_eq!(Grade::default().to_string(), "F6");
        let g: Grade = serde_json::from_str(r#"{"reliability":"B","credibility":2}"#).unwrap();
        assert_eq!(g.to_string(), "B2");
        for bad in [
            r#"{"reliability":"B"}"#,
            r#"{"credibility":2}"#,
            r#"{"reliability":"G","credibility":2}"#,
            r#"{"reliability":"A","credibility":0}"#,
            r#"{"reliability":"A","credibility":7}"#,
        ] {
            assert!(serde_json::from_str::<Grade>(bad).is_err(), "{bad}");
        }
    }
}
