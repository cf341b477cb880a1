//! [`unfit`]: why a bulletin that was written from a template cannot be taken at this centre.
//!
//! Exercise and live never mix (promise 9). A template's name alone says which it is for, so that this holds also for a
//! bulletin whose template is not in the library any more.

use super::{EXERCISE, fill::left};
use skypicket_model::{BulletinAct, BulletinContent, Sheet};
use std::collections::BTreeSet;

/// Why not; `kept` is what the bulletin says so far, for an act that brings no words of its own.
pub fn unfit(act: &BulletinAct, kept: Option<&BulletinContent>, exercise: bool) -> Option<String> {
    let (content, draft) = match act {
        BulletinAct::Draft { content, .. } => (&**content, true),
        BulletinAct::Propose { content, .. } | BulletinAct::Correct { content, .. } => (&**content, false),
        BulletinAct::Submit { .. } => (kept?, false),
        _ => return None,
    };
    let sheet = content.sheet.as_deref().filter(|s| !s.template.is_empty())?;
    let wrong = wrong(content, sheet, draft, exercise);
    (!wrong.is_empty()).then(|| wrong.join("\n"))
}

fn wrong(content: &BulletinContent, sheet: &Sheet, draft: bool, exercise: bool) -> Vec<String> {
    let template = &sheet.template;
    let named = template
        .split_once('@')
        .is_some_and(|(id, version)| !id.is_empty() && version.parse::<u32>().is_ok_and(|v| v > 0));
    if !named {
        return vec![format!(
            "template: '{template}': write it as NAME@VERSION, as the library gave it, or leave it out"
        )];
    }
    match (template.starts_with(EXERCISE), exercise) {
        (true, false) => return vec![format!("template: '{template}' is for exercises, and this centre is live")],
        (false, true) => {
            return vec![format!(
                "template: '{template}' is for live centres, and this is an exercise: take one that begins with '{EXERCISE}'"
            )];
        }
        _ => {}
    }
    // A draft may be unfinished.
    if draft {
        return Vec::new();
    }
    let mut wrong = Vec::new();
    for (what, title, word) in [("title", &content.title, "EXERCISE"), ("title_es", &content.title_es, "EJERCICIO")] {
        let marked = title.trim_start().starts_with(word);
        if exercise && !marked && !title.trim().is_empty() {
            wrong.push(format!("{what}: in an exercise it begins with {word}, so that nobody takes it for live"));
        } else if !exercise && marked {
            wrong.push(format!("{what}: it begins with {word}, and this centre is live"));
        }
    }
    let names: BTreeSet<&str> = texts(content, sheet).into_iter().flat_map(left).collect();
    wrong.extend(names.into_iter().map(|name| format!("{{{name}}}: it is not filled in yet: say it, or take it out")));
    wrong
}

fn texts<'a>(c: &'a BulletinContent, s: &'a Sheet) -> Vec<&'a str> {
    let mut all: Vec<&str> =
        vec![&c.title, &c.title_es, &c.text, &c.text_es, &c.recall_text, &c.recall_text_es, &s.issuer, &s.contact];
    let phrases = [&s.kind, &s.area_name, &s.report_to, &s.short, &s.brief].into_iter();
    let known = s.known.iter().map(|k| &k.text).chain(&s.not_known).chain(s.measures.iter().map(|m| &m.text));
    for p in phrases.chain(known) {
        all.extend([p.en.as_str(), p.es.as_str()]);
    }
    all
}
