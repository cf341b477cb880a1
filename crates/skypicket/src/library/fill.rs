//! [`content`]: a template, filled in; and [`holes`], the `{placeholders}` of a text.

use super::files::{MeasureText, Template, Wording};
use skypicket_model::{
    BulletinContent, Grade, Marking, Phrase, Sheet, Time,
    bulletin::{Measure, Statement},
};
use std::collections::{BTreeMap, BTreeSet};

/// A text's pieces: as they stand, and the names in braces.
enum Piece<'a> {
    Words(&'a str),
    Hole(&'a str),
}

/// A text in pieces; `Err` is what stands around a brace that belongs to no placeholder.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, &str> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').ok_or(rest)?;
        if before.contains('}') || !is_name(name) {
            return Err(rest);
        }
        out.extend([Piece::Words(before), Piece::Hole(name)]);
        rest = behind;
    }
    if rest.contains('}') {
        return Err(rest);
    }
    out.push(Piece::Words(rest));
    Ok(out)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

/// The names in braces; `Err` is what stands around a brace that belongs to none.
pub(super) fn holes(text: &str) -> Result<BTreeSet<&str>, &str> {
    let mut names = BTreeSet::new();
    for p in pieces(text)? {
        match p {
            Piece::Hole(name) => names.insert(name),
            Piece::Words(_) => false,
        };
    }
    Ok(names)
}

/// Placeholders that still stand in a text which people wrote on at; braces of other kinds are theirs.
pub(super) fn left(text: &str) -> Vec<&str> {
    let after = text.split('{').skip(1);
    after.filter_map(|piece| piece.split_once('}').map(|(name, _)| name)).filter(|name| is_name(name)).collect()
}

struct Filler<'a> {
    given: &'a BTreeMap<String, Phrase>,
    own: Option<&'a BTreeMap<String, Phrase>>,
    missing: BTreeSet<String>,
}

impl Filler<'_> {
    fn text(&mut self, text: &str, spanish: bool) -> String {
        let Ok(pieces) = pieces(text) else { return text.to_owned() };
        let mut out = String::new();
        for p in pieces {
            match p {
                Piece::Words(words) => out.push_str(words),
                Piece::Hole(name) => {
                    if let Some(value) = self.given.get(name).or_else(|| self.own?.get(name)) {
                        out.push_str(value.in_spanish(spanish).trim());
                    } else {
                        self.missing.insert(name.to_owned());
                        out.extend(["{", name, "}"]);
                    }
                }
            }
        }
        out
    }

    fn phrase(&mut self, p: &Phrase) -> Phrase {
        Phrase { en: self.text(&p.en, false), es: self.text(&p.es, true) }
    }
}

/// What a template says with what is given, in an agency's words where there are some; and the placeholders that nothing
/// was given for: they stand in it as they are.
pub(super) fn content(
    t: &Template,
    measures: &BTreeMap<String, MeasureText>,
    wording: Option<&Wording>,
    given: &BTreeMap<String, Phrase>,
    now: Time,
) -> (BulletinContent, BTreeSet<String>) {
    let mut f = Filler { given, own: wording.map(|w| &w.values), missing: BTreeSet::new() };
    let (title, text, recall) = (f.phrase(&t.title), f.phrase(&t.text), f.phrase(&t.recall));
    let report_to = wording.and_then(|w| w.report_to.as_ref());
    let own = |id: &str| wording.and_then(|w| w.measure.iter().find(|m| m.id == id)).map(|m| &m.text);
    let words = |id: &String| {
        let text = own(id).or_else(|| measures.get(id).map(|m| &m.text))?;
        Some(Measure { id: id.clone(), text: text.clone() })
    };
    let sheet = Sheet {
        template: format!("{}@{}", t.id, t.version),
        series: t.series.clone(),
        kind: f.phrase(&t.kind),
        issuer: f.text(&t.issuer, false),
        // Nobody has judged it yet: the writer gives the grade.
        known: t.known.iter().map(|k| Statement { text: f.phrase(k), grade: Grade::default() }).collect(),
        not_known: t.not_known.iter().map(|k| f.phrase(k)).collect(),
        measures: t.measures.iter().filter_map(words).collect(),
        area_name: f.phrase(&t.area_name),
        valid_from: None,
        report_to: report_to.cloned().unwrap_or_else(|| f.phrase(&t.report_to)),
        contact: f.text(&t.contact, false),
        rests_on: BTreeSet::new(),
        release_why: String::new(),
        short: f.phrase(&t.short),
        brief: f.phrase(&t.brief),
    };
    let content = BulletinContent {
        title: title.en,
        title_es: title.es,
        text: text.en,
        text_es: text.es,
        level: t.level,
        audience: t.audience.clone(),
        area: None,
        marking: Marking { tlp: t.tlp, ..Marking::default() },
        expires_at: now.plus_s(t.valid_hours * 3_600.0),
        needs_ack: t.needs_ack,
        recall_text: recall.en,
        recall_text_es: recall.es,
        sheet: Some(Box::new(sheet)),
    };
    (content, f.missing)
}
