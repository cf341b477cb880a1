//! [`Library`]: templates of bulletins, protective measures, named areas and agencies' wording, in English and Spanish, as data with
//! versions. What comes with the program stands in `library/` at the repository's root; `[library] path` adds to it.

mod check;
mod door;
mod files;
mod fill;
mod load;
#[cfg(test)]
mod tests;

pub use door::unfit;

use files::{MeasureText, NamedArea, Placeholder, Template, Wording};
use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use skypicket_model::{BulletinContent, Phrase, Time};
use std::{collections::BTreeMap, path::PathBuf};

/// Names of what is for exercises begin so; no others do.
pub const EXERCISE: &str = "exercise-";
/// Most characters of a value that is asked with: each placeholder has a narrower bound of its own.
const MOST_VALUES: usize = 100;

/// The files that come with the program.
#[derive(RustEmbed)]
#[folder = "../../library"]
struct Files;

fn embedded() -> Vec<(String, String)> {
    let toml = |name: &str| std::path::Path::new(name).extension().is_some_and(|e| e == "toml");
    let text = |name: &str| Files::get(name).map(|f| String::from_utf8_lossy(&f.data).into_owned());
    Files::iter().filter(|name| toml(name)).filter_map(|name| Some((name.to_string(), text(&name)?))).collect()
}

/// `[library]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LibraryConfig {
    /// A folder whose files add to the library, or take the place of what has the same id.
    pub path: Option<PathBuf>,
}

/// What bulletins are written from.
#[derive(Debug, Clone, PartialEq)]
pub struct Library {
    measures: BTreeMap<String, MeasureText>,
    templates: BTreeMap<String, Template>,
    agencies: BTreeMap<String, Wording>,
    areas: BTreeMap<String, NamedArea>,
}

/// What a draft is asked for with.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The template's id.
    pub template: String,
    /// What is filled in, by placeholder: `area` in English, and in Spanish where there is no `area.es`.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// The id of an agency's wording.
    #[serde(default)]
    pub agency: Option<String>,
}

/// A template, filled in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Draft {
    /// What it was written from, `NAME@VERSION`.
    pub template: String,
    /// What it says.
    pub content: BulletinContent,
    /// Placeholders that nothing was given for: they stand in it in braces.
    pub missing: Vec<PlaceholderView>,
}

/// A placeholder as a form asks for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlaceholderView {
    /// Its name, and in English what belongs there.
    label: String,
    #[serde(flatten)]
    placeholder: Placeholder,
}

impl PlaceholderView {
    fn of(p: &Placeholder) -> Self {
        Self { label: p.about.en.clone(), placeholder: p.clone() }
    }

    /// Its name.
    #[cfg(test)]
    pub fn name(&self) -> &str {
        &self.placeholder.name
    }
}

impl Library {
    /// What fits a centre: templates and wording for exercises, or the others; each measure; the areas.
    pub fn view(&self, exercise: bool) -> Value {
        let template = |t: &Template| {
            let mut v = serde_json::to_value(t).unwrap_or_default();
            v["placeholders"] = json!(t.placeholder.iter().map(PlaceholderView::of).collect::<Vec<_>>());
            v
        };
        let agency = |w: &Wording| {
            let mut v = serde_json::to_value(w).unwrap_or_default();
            v["name"] = json!(w.name.en);
            v["name_es"] = json!(w.name.es);
            v
        };
        let templates = self.templates.values().filter(|t| t.exercise == exercise).map(template);
        let agencies = self.agencies.values().filter(|w| w.exercise == exercise).map(agency);
        // An exercise may be held on real ground; made-up ground is for exercises alone.
        let areas = self.areas.values().filter(|a| exercise || !a.exercise);
        json!({
            "exercise": exercise,
            "templates": templates.collect::<Vec<_>>(),
            "measures": self.measures.values().collect::<Vec<_>>(),
            "agencies": agencies.collect::<Vec<_>>(),
            "areas": areas.collect::<Vec<_>>(),
        })
    }

    /// How many templates, measures, agencies' wordings and named areas there are.
    pub fn counts(&self) -> (usize, usize, usize, usize) {
        (self.templates.len(), self.measures.len(), self.agencies.len(), self.areas.len())
    }

    /// A template, filled in; or all that is wrong with what was asked.
    pub fn draft(&self, ask: &Ask, exercise: bool, now: Time) -> Result<Draft, Vec<String>> {
        let Some(t) = self.templates.get(&ask.template).filter(|t| t.exercise == exercise) else {
            let fits = self.templates.values().filter(|t| t.exercise == exercise).map(|t| t.id.as_str());
            let there = if self.templates.contains_key(&ask.template) {
                if exercise {
                    "is for live centres, and this is an exercise"
                } else {
                    "is for exercises, and this centre is live"
                }
            } else {
                "is not there"
            };
            let fits = fits.collect::<Vec<_>>().join(", ");
            return Err(vec![format!("template: '{}' {there}; there are: {fits}", ask.template)]);
        };
        let mut wrong = Vec::new();
        let wording = ask.agency.as_ref().and_then(|id| {
            let found = self.agencies.get(id).filter(|w| w.exercise == exercise);
            if found.is_none() {
                let fits = self.agencies.values().filter(|w| w.exercise == exercise).map(|w| w.id.as_str());
                let fits = fits.collect::<Vec<_>>().join(", ");
                wrong.push(format!("agency: there is no wording '{id}'; there are: {}", or_none(&fits)));
            }
            found
        });
        let given = given(t, &ask.values, &mut wrong);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let (content, missing) = fill::content(t, &self.measures, wording, &given, now);
        let missing = t.placeholder.iter().filter(|p| missing.contains(&p.name)).map(PlaceholderView::of).collect();
        Ok(Draft { template: format!("{}@{}", t.id, t.version), content, missing })
    }

    /// A template filled in with its own examples: for an exercise's scene, and for tests.
    pub fn example(&self, template: &str, agency: Option<&str>, exercise: bool, now: Time) -> Option<BulletinContent> {
        let t = self.templates.get(template).filter(|t| t.exercise == exercise)?;
        let wording = agency.and_then(|a| self.agencies.get(a)).filter(|w| w.exercise == exercise);
        let own = |name: &String| wording.and_then(|w| w.values.get(name)).cloned();
        let examples = t.placeholder.iter();
        let given = examples.map(|p| (p.name.clone(), own(&p.name).unwrap_or_else(|| p.example.clone()))).collect();
        Some(fill::content(t, &self.measures, wording, &given, now).0)
    }
}

fn or_none(list: &str) -> &str {
    if list.is_empty() { "none" } else { list }
}

/// What was given, by placeholder, in both languages.
fn given(t: &Template, values: &BTreeMap<String, String>, wrong: &mut Vec<String>) -> BTreeMap<String, Phrase> {
    let mut out: BTreeMap<String, Phrase> = BTreeMap::new();
    if values.len() > MOST_VALUES {
        wrong.push(format!("values: {}; give at most {MOST_VALUES}", values.len()));
        return out;
    }
    for (key, value) in values {
        let (name, spanish) = key.strip_suffix(".es").map_or((key.as_str(), false), |name| (name, true));
        let Some(p) = t.placeholder.iter().find(|p| p.name == name) else {
            let known: Vec<&str> = t.placeholder.iter().map(|p| p.name.as_str()).collect();
            wrong.push(format!("values: '{key}' is no placeholder of '{}'; there are: {}", t.id, known.join(", ")));
            continue;
        };
        let value = value.trim();
        let n = value.chars().count();
        if n > p.most {
            wrong.push(format!("values: {key}: {n} characters; give at most {}", p.most));
        }
        if value.contains(['{', '}']) || value.chars().any(char::is_control) {
            wrong.push(format!("values: {key}: give one line, without braces"));
        }
        if value.is_empty() {
            continue;
        }
        let phrase = out.entry(name.to_owned()).or_default();
        if spanish { value.clone_into(&mut phrase.es) } else { value.clone_into(&mut phrase.en) }
    }
    // Spanish alone is no value: English is what everything falls back to.
    for (name, _) in out.iter().filter(|(_, p)| p.en.is_empty()) {
        wrong.push(format!("values: {name}: say it in English as well"));
    }
    out
}
