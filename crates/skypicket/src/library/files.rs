//! [`Template`], [`MeasureText`], [`NamedArea`] and [`Wording`]: what the files of the library hold, as people write them.

use serde::{Deserialize, Serialize};
use skypicket_model::{Area, Audience, Level, Phrase, Tlp};
use std::collections::BTreeMap;

/// The format of files that this program reads.
pub const FORMAT: u32 = 1;

/// A bulletin as it is before somebody fills it in: texts with `{placeholders}`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Always [`FORMAT`].
    #[serde(skip_serializing)]
    pub format: u32,
    /// Its name; those for exercises begin with `exercise-`.
    pub id: String,
    /// From 1; raised with each change of its words.
    pub version: u32,
    /// For exercises only; otherwise never in one.
    pub exercise: bool,
    /// Letters that the bulletin's number begins with.
    pub series: String,
    /// How urgent.
    pub level: Level,
    /// Who may see it, as long as the writer does not mark it otherwise.
    pub tlp: Tlp,
    /// How long it is in force, hours, over 0 and at most 8,784.
    pub valid_hours: f64,
    /// People must acknowledge it.
    pub needs_ack: bool,
    /// Whom it is for.
    pub audience: Vec<Audience>,
    /// The centre that issues it.
    pub issuer: String,
    /// Who answers questions.
    pub contact: String,
    /// Names of the measures on its checklist.
    pub measures: Vec<String>,
    /// When it is used.
    pub about: Phrase,
    /// What kind of bulletin it is.
    pub kind: Phrase,
    /// Title.
    pub title: Phrase,
    /// What to say.
    pub text: Phrase,
    /// What is known; graded by the writer.
    #[serde(default)]
    pub known: Vec<Phrase>,
    /// What is not known.
    #[serde(default)]
    pub not_known: Vec<Phrase>,
    /// Where it is about, in words.
    pub area_name: Phrase,
    /// Where to report what is seen.
    pub report_to: Phrase,
    /// What to say should it have to be recalled.
    pub recall: Phrase,
    /// At most 90 characters.
    pub short: Phrase,
    /// At most 360 characters.
    pub brief: Phrase,
    /// What is filled in.
    #[serde(rename(deserialize = "placeholder", serialize = "placeholders"))]
    pub placeholder: Vec<Placeholder>,
}

/// Something that is filled in.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Placeholder {
    /// As it stands in braces: a-z and `_`.
    pub name: String,
    /// Most characters of what is filled in.
    pub most: usize,
    /// What belongs there.
    pub about: Phrase,
    /// What it may look like; never filled in by itself.
    pub example: Phrase,
}

/// `measures.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measures {
    /// Always [`FORMAT`].
    pub format: u32,
    /// The measures.
    pub measure: Vec<MeasureText>,
}

/// A protective measure.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureText {
    /// Its name.
    pub id: String,
    /// From 1; raised with each change of its words.
    pub version: u32,
    /// When it belongs on a bulletin.
    pub fits: String,
    /// What to do.
    pub text: Phrase,
}

/// `areas.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Areas {
    /// Always [`FORMAT`].
    pub format: u32,
    /// The areas.
    pub area: Vec<NamedArea>,
}

/// A stretch of ground that people call by a name. A bulletin keeps the name and the ground as they were when it was written.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NamedArea {
    /// Its id; those for exercises begin with `exercise-`.
    pub id: String,
    /// From 1; raised with each change of its name or ground.
    pub version: u32,
    /// Made up for exercises: never offered by a live centre.
    pub exercise: bool,
    /// What people call it.
    pub name: Phrase,
    /// Where it is.
    pub ground: Area,
}

/// How an agency says things.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Wording {
    /// Always [`FORMAT`].
    #[serde(skip_serializing)]
    pub format: u32,
    /// Its name; those for exercises begin with `exercise-`.
    pub id: String,
    /// From 1; raised with each change of its words.
    pub version: u32,
    /// For exercises only; otherwise never in one.
    pub exercise: bool,
    /// The agency's id in the directory.
    pub agency: String,
    /// The agency's name.
    pub name: Phrase,
    /// In place of the template's.
    #[serde(default)]
    pub report_to: Option<Phrase>,
    /// For placeholders that nobody fills in otherwise.
    #[serde(default)]
    pub values: BTreeMap<String, Phrase>,
    /// In place of the library's words for the same measure.
    #[serde(default, rename(deserialize = "measure", serialize = "measures"))]
    pub measure: Vec<OwnMeasure>,
}

/// An agency's words for a measure of the library.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct OwnMeasure {
    /// The measure's name.
    pub id: String,
    /// From 1; raised with each change of these words.
    pub version: u32,
    /// What to do.
    pub text: Phrase,
}
