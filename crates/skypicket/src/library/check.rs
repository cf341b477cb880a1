//! [`problems`]: what is wrong in the files of a library, each with its file and line.

use super::{
    EXERCISE, Library,
    files::Template,
    fill::{self, holes},
    load::{Kept, Layer, Problem, Source},
};
use skypicket_desk::bulletins::{MOST_DAYS, check_bounds};
use skypicket_model::{Audience, Phrase, Time};
use std::collections::{BTreeMap, BTreeSet};

/// Most characters that a placeholder may take.
const MOST_FILLED: usize = 2_000;
/// Most characters of the name of an area.
const MOST_AREA_NAME: usize = 120;
/// Most characters of words that only explain.
const MOST_ABOUT: usize = 500;

/// All of them.
pub(super) fn problems(layer: &Layer, library: &Library) -> Vec<Problem> {
    let mut c = Checker { layer, out: Vec::new() };
    for kept in layer.measures.values() {
        let m = &kept.item;
        c.name(kept, &m.id, m.version);
        c.words(kept, &quoted(&m.id), &m.text, 500);
        c.about(kept, &quoted(&m.id), &Phrase { en: m.fits.clone(), es: m.fits.clone() });
    }
    for kept in layer.agencies.values() {
        let w = &kept.item;
        c.name(kept, &w.id, w.version);
        c.mode(kept, &w.id, w.exercise);
        c.words(kept, "name", &w.name, 120);
        if w.report_to.as_ref().is_some_and(|r| !both(r)) {
            c.say(kept, "report_to", "report_to: say it in English and Spanish");
        }
        for (name, value) in &w.values {
            if !layer.templates.values().any(|t| t.item.placeholder.iter().any(|p| p.name == *name)) {
                c.say(kept, name, format!("values: no template has a placeholder '{name}': take it away"));
            }
            let same = layer.templates.values().map(|t| &t.item).filter(|t| t.exercise == w.exercise);
            let most = same.flat_map(|t| &t.placeholder).filter(|p| p.name == *name).map(|p| p.most).min();
            let most = most.unwrap_or(MOST_FILLED);
            if [&value.en, &value.es].iter().any(|v| v.chars().count() > most) {
                c.say(kept, name, format!("values: '{name}': give at most {most} characters"));
            }
            if value.en.trim().is_empty() || braced(value) {
                c.say(kept, name, format!("values: '{name}': say it in English, without braces"));
            }
        }
        let mut seen = BTreeSet::new();
        for m in &w.measure {
            if !layer.measures.contains_key(&m.id) {
                c.say(
                    kept,
                    &quoted(&m.id),
                    format!("there is no measure '{}': put a new one into measures.toml", m.id),
                );
            }
            if !seen.insert(&m.id) || m.version == 0 {
                c.say(kept, &quoted(&m.id), format!("measure '{}': give it once, with a version from 1", m.id));
            }
            c.words(kept, &quoted(&m.id), &m.text, 500);
        }
    }
    for kept in layer.areas.values() {
        let a = &kept.item;
        c.name(kept, &a.id, a.version);
        c.mode(kept, &a.id, a.exercise);
        c.words(kept, &quoted(&a.id), &a.name, MOST_AREA_NAME);
        if [&a.name.en, &a.name.es].iter().any(|n| n.chars().any(char::is_control)) {
            c.say(kept, &quoted(&a.id), format!("'{}': its name is one line", a.id));
        }
        if let Err(why) = a.ground.check() {
            c.say(kept, &quoted(&a.id), format!("'{}': ground: {}", a.id, why.trim_start_matches("area: ")));
        }
    }
    for kept in layer.templates.values() {
        c.template(kept, library);
    }
    c.out
}

fn both(p: &Phrase) -> bool {
    !p.en.trim().is_empty() && !p.es.trim().is_empty()
}

fn quoted(id: &str) -> String {
    format!("\"{id}\"")
}

fn braced(p: &Phrase) -> bool {
    [&p.en, &p.es].iter().any(|t| t.contains(['{', '}']))
}

struct Checker<'a> {
    layer: &'a Layer,
    out: Vec<Problem>,
}

impl Checker<'_> {
    fn say<T>(&mut self, kept: &Kept<T>, near: &str, message: impl Into<String>) {
        let source: Option<&Source> = self.layer.sources.get(kept.source);
        self.out.extend(source.map(|s| s.problem(near, message)));
    }

    fn name<T>(&mut self, kept: &Kept<T>, id: &str, version: u32) {
        let plain = id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !plain || !(1..=64).contains(&id.len()) {
            self.say(kept, &quoted(id), format!("id '{id}': give 1 to 64 of a-z, 0-9 and '-'"));
        }
        if version == 0 {
            self.say(kept, &quoted(id), format!("'{id}': versions count from 1"));
        }
    }

    /// Its name alone says whether it is for exercises: so a bulletin that was written from it does, for ever.
    fn mode<T>(&mut self, kept: &Kept<T>, id: &str, exercise: bool) {
        if id.starts_with(EXERCISE) != exercise {
            let message =
                if exercise { "for exercises: its id must begin with" } else { "live: its id cannot begin with" };
            self.say(kept, "exercise", format!("'{id}' is {message} '{EXERCISE}'"));
        }
    }

    fn words<T>(&mut self, kept: &Kept<T>, what: &str, p: &Phrase, most: usize) {
        if !both(p) {
            self.say(kept, what, format!("{what}: say it in English and Spanish"));
        }
        if [&p.en, &p.es].iter().any(|t| t.chars().count() > most) {
            self.say(kept, what, format!("{what}: give at most {most} characters"));
        }
        if braced(p) {
            self.say(kept, what, format!("{what}: nothing is filled in here: take the braces away"));
        }
    }

    fn about<T>(&mut self, kept: &Kept<T>, what: &str, p: &Phrase) {
        if !both(p) || [&p.en, &p.es].iter().any(|t| t.chars().count() > MOST_ABOUT) {
            self.say(kept, what, format!("{what}: explain it in 1 to {MOST_ABOUT} characters, in each language"));
        }
    }

    fn template(&mut self, kept: &Kept<Template>, library: &Library) {
        let t = &kept.item;
        self.name(kept, &t.id, t.version);
        self.mode(kept, &t.id, t.exercise);
        self.about(kept, "about", &t.about);
        for (what, p) in phrases(t) {
            if !both(p) {
                self.say(kept, what, format!("{what}: say it in English and Spanish"));
            }
        }
        for (what, p) in [
            ("title", &t.title),
            ("kind", &t.kind),
            ("text", &t.text),
            ("recall", &t.recall),
            ("short", &t.short),
            ("brief", &t.brief),
        ] {
            let marked = (p.en.starts_with("EXERCISE"), p.es.starts_with("EJERCICIO"));
            if marked != (t.exercise, t.exercise) {
                let must = if t.exercise { "begin" } else { "not begin" };
                self.say(kept, what, format!("{what}: it must {must} with EXERCISE, in Spanish EJERCICIO"));
            }
        }
        self.placeholders(kept);
        for id in &t.measures {
            if !self.layer.measures.contains_key(id) {
                self.say(kept, &quoted(id), format!("there is no measure '{id}' in measures.toml"));
            }
        }
        if !(t.valid_hours > 0.0 && t.valid_hours <= MOST_DAYS * 24.0) {
            self.say(kept, "valid_hours", format!("valid_hours: give over 0 and at most {}", MOST_DAYS * 24.0));
        }
        if t.audience.is_empty() {
            self.say(kept, "audience", format!("audience: give 1 to {} rules", Audience::MOST));
        }
        for rule in &t.audience {
            if let Err(why) = rule.check() {
                self.say(kept, "audience", format!("audience: {why}"));
            }
        }
        self.filled(kept, library);
    }

    fn placeholders(&mut self, kept: &Kept<Template>) {
        let t = &kept.item;
        let mut declared = BTreeSet::new();
        for p in &t.placeholder {
            let (name, near) = (&p.name, format!("name = \"{}\"", p.name));
            if name.is_empty() || name.len() > 32 || !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
                self.say(kept, &near, format!("placeholder '{name}': give 1 to 32 of a-z and '_'"));
            }
            if !declared.insert(name.as_str()) {
                self.say(kept, &near, format!("placeholder '{name}' is declared twice"));
            }
            if !(1..=MOST_FILLED).contains(&p.most) {
                self.say(kept, &near, format!("placeholder '{name}': most: give 1 to {MOST_FILLED}"));
            }
            self.about(kept, &near, &p.about);
            let fits = [&p.example.en, &p.example.es].iter().all(|e| e.chars().count() <= p.most);
            if !both(&p.example) || !fits || braced(&p.example) {
                let message =
                    format!("placeholder '{name}': example: say it in English and Spanish, within its {}", p.most);
                self.say(kept, &near, message);
            }
        }
        let mut used = BTreeSet::new();
        let singles = [&t.issuer, &t.contact];
        let texts = phrases(t).into_iter().flat_map(|(_, p)| [&p.en, &p.es]).chain(singles);
        let found: Vec<Result<BTreeSet<&str>, &str>> = texts.map(|text| holes(text)).collect();
        for holes in found {
            match holes {
                Ok(names) => used.extend(names),
                Err(rest) => {
                    let near: String = rest.lines().next().unwrap_or_default().chars().take(40).collect();
                    self.say(kept, &near, format!("'{near}': a brace that belongs to no {{placeholder}}"));
                }
            }
        }
        for name in used.difference(&declared) {
            self.say(kept, &format!("{{{name}}}"), format!("{{{name}}} is not declared: add a [[placeholder]]"));
        }
        for name in declared.difference(&used) {
            self.say(kept, &format!("name = \"{name}\""), format!("placeholder '{name}' is used nowhere"));
        }
    }

    /// With the longest that fits everywhere, in each agency's words, it must be what the desk takes.
    fn filled(&mut self, kept: &Kept<Template>, library: &Library) {
        let t = &kept.item;
        let longest = |p: &super::files::Placeholder| {
            let x = "x".repeat(p.most.min(MOST_FILLED));
            (p.name.clone(), Phrase { en: x.clone(), es: x })
        };
        let given: BTreeMap<String, Phrase> = t.placeholder.iter().map(longest).collect();
        let wordings = library.agencies.values().filter(|w| w.exercise == t.exercise);
        for wording in std::iter::once(None).chain(wordings.map(Some)) {
            let (content, _) = fill::content(t, &library.measures, wording, &given, Time::default());
            let of = wording.map(|w| format!("in the words of '{}', ", w.id)).unwrap_or_default();
            for wrong in check_bounds(&content) {
                let field = wrong.split([':', ',']).next().unwrap_or_default().to_owned();
                self.say(kept, &field, format!("{of}filled in as far as it may be: {wrong}"));
            }
        }
    }
}

/// The texts of a template, each with its field.
fn phrases(t: &Template) -> Vec<(&'static str, &Phrase)> {
    let mut all = vec![
        ("kind", &t.kind),
        ("title", &t.title),
        ("text", &t.text),
        ("area_name", &t.area_name),
        ("report_to", &t.report_to),
        ("recall", &t.recall),
        ("short", &t.short),
        ("brief", &t.brief),
    ];
    all.extend(t.known.iter().map(|p| ("known", p)));
    all.extend(t.not_known.iter().map(|p| ("not_known", p)));
    all
}
