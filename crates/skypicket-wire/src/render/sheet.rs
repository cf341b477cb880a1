//! [`SheetText`]: a bulletin as sections in the order that they are read, in one language: what page, mail and PDF show.
//!
//! It is made from the notice alone. What a bulletin rests on, and why it was released, is not in a notice, and so in no
//! rendering. What is recalled or over says only that: its old words would be acted on.

use super::{Edition, marking_line, one_line, plain};
use skypicket_model::{
    About, Area, Bulletin, Grade, LatLon, Level, Notice, NoticeState, Place, Sheet, Time, Tlp, Zone,
    intelligence::{Credibility, Reliability},
    people::Language,
};
use std::fmt::Write as _;

/// A bulletin, laid out in words.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetText {
    /// Language of all of it.
    pub language: Language,
    /// `EXERCISE first-light, DRAFT`; `None` for what is live and in force.
    pub front: Option<String>,
    /// It is of an exercise.
    pub exercise: bool,
    /// Whether it holds.
    pub edition: Edition,
    /// Label of the marking.
    pub tlp: Tlp,
    /// The whole marking line, beginning with the label.
    pub marking: String,
    /// Its number; `None` for what was issued before there were numbers.
    pub number: Option<String>,
    /// What kind of bulletin: `Officer Safety Alert`.
    pub kind: String,
    /// Its title, one line.
    pub title: String,
    /// `URGENT UPDATE (version 2)`.
    pub standing: String,
    /// Its level.
    pub level: Level,
    /// Where in its life.
    pub state: NoticeState,
    /// What to make of that, where it needs a word.
    pub said: Option<&'static str>,
    /// Who issued it, when, for how long, where.
    pub facts: Vec<Fact>,
    /// What it says.
    pub sections: Vec<Section>,
    /// Who issues it, as the sheet says; empty where nothing does.
    pub issuer: String,
    /// When this version was made.
    pub at: Time,
    /// Version, from 1.
    pub version: u32,
}

/// One line of what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Such as `Issued by`.
    pub label: &'static str,
    /// One line.
    pub text: String,
}

/// Which part of a bulletin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The threat statement; of what is over, what is said now.
    Threat,
    /// What is known, with its grades.
    Known,
    /// What is not known.
    NotKnown,
    /// What to do.
    Measures,
    /// Where to report.
    Report,
    /// Whom to ask.
    Contact,
}

/// One part under a heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Which.
    pub part: Part,
    /// Its heading.
    pub heading: &'static str,
    /// What stands there; never empty.
    pub body: Body,
}

/// What stands under a heading. Each text is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Paragraphs.
    Paragraphs(Vec<String>),
    /// Points in a list.
    Points(Vec<String>),
    /// Things to do, numbered from 1, each with a box to tick.
    Checklist(Vec<String>),
}

/// Corners of an area that are written out; a map has all of them.
const MOST_CORNERS: usize = 12;

/// What stands in the place of the number of what is not issued.
pub(super) fn not_issued(language: Language) -> &'static str {
    match language {
        Language::En => "not issued",
        Language::Es => "no emitido",
    }
}

/// The words of one language.
struct Wording {
    bulletin: &'static str,
    issued_by: &'static str,
    issued: &'static str,
    drafted: &'static str,
    version: &'static str,
    replaces: &'static str,
    why: &'static str,
    alone: &'static str,
    valid: &'static str,
    from: &'static str,
    until: &'static str,
    place: &'static str,
    threat: &'static str,
    known: &'static str,
    not_known: &'static str,
    measures: &'static str,
    report: &'static str,
    contact: &'static str,
}

const EN: Wording = Wording {
    bulletin: "Bulletin",
    issued_by: "Issued by",
    issued: "Issued",
    drafted: "Written",
    version: "Version",
    replaces: "takes the place of version",
    why: "Why",
    alone: "Issued by one person alone, because",
    valid: "Valid",
    from: "from",
    until: "until",
    place: "Where",
    threat: "Threat",
    known: "What is known",
    not_known: "What is not known",
    measures: "What to do",
    report: "Report every sighting to",
    contact: "Questions to",
};

const ES: Wording = Wording {
    bulletin: "Boletín",
    issued_by: "Emitido por",
    issued: "Emitido",
    drafted: "Redactado",
    version: "Versión",
    replaces: "reemplaza la versión",
    why: "Motivo",
    alone: "Emitido por una sola persona, porque",
    valid: "Vigencia",
    from: "desde",
    until: "hasta",
    place: "Dónde",
    threat: "Amenaza",
    known: "Lo que se sabe",
    not_known: "Lo que no se sabe",
    measures: "Qué hacer",
    report: "Informe de todo avistamiento a",
    contact: "Preguntas a",
};

impl SheetText {
    /// Of a bulletin; `None` for a warning. A draft has no number.
    /// Times stand in UTC and in that of `zone`.
    pub fn of(notice: &Notice, language: Language, edition: Edition, zone: &Zone) -> Option<Self> {
        let About::Bulletin(bulletin) = &notice.about else { return None };
        let sheet = bulletin.sheet.as_deref();
        let spanish = language == Language::Es;
        let w = if spanish { &ES } else { &EN };
        let kind = sheet.map(|s| one_line(s.kind.in_spanish(spanish))).filter(|k| !k.is_empty());
        let exercise = notice.exercise.as_deref();
        let number = if edition == Edition::Draft {
            Some(not_issued(language).to_owned())
        } else {
            bulletin.number.as_deref().map(one_line).filter(|n| !n.is_empty())
        };
        Some(Self {
            language,
            front: front(exercise, edition, language),
            exercise: exercise.is_some(),
            edition,
            tlp: notice.marking.tlp,
            marking: one_line(&marking_line(&notice.marking)),
            number,
            kind: kind.unwrap_or_else(|| w.bulletin.to_owned()),
            title: one_line(if spanish { &bulletin.title_es } else { &bulletin.title }),
            standing: plain::standing(notice.state, notice.level, notice.version, language),
            level: notice.level,
            state: notice.state,
            said: plain::state_sentence(notice.state, language),
            facts: facts(notice, bulletin, edition, (w, language), zone),
            sections: sections(notice, sheet, (w, language)),
            issuer: sheet.map(|s| one_line(&s.issuer)).unwrap_or_default(),
            at: notice.at,
            version: notice.version,
        })
    }

    /// Facts and sections as lines of plain text, empty ones between.
    pub fn lines(&self) -> Vec<String> {
        let mut out: Vec<String> = self.facts.iter().map(|f| format!("{}: {}", f.label, f.text)).collect();
        for s in &self.sections {
            out.push(String::new());
            // Capitals are a heading where there is no other type.
            out.push(s.heading.to_uppercase());
            match &s.body {
                Body::Paragraphs(texts) => out.extend(texts.iter().cloned()),
                Body::Points(texts) => out.extend(texts.iter().map(|t| format!("- {t}"))),
                Body::Checklist(texts) => {
                    out.extend(texts.iter().enumerate().map(|(k, t)| format!("[ ] {}. {t}", k + 1)));
                }
            }
        }
        out
    }
}

fn front(exercise: Option<&str>, edition: Edition, language: Language) -> Option<String> {
    let exercise = exercise.map(|name| super::exercise_line(name, language));
    let words: Vec<String> = exercise.into_iter().chain(edition.word(language).map(str::to_owned)).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn facts(
    notice: &Notice,
    b: &Bulletin,
    edition: Edition,
    (w, language): (&Wording, Language),
    zone: &Zone,
) -> Vec<Fact> {
    let mut out = Vec::new();
    let mut fact = |label: &'static str, text: String| {
        if !text.is_empty() {
            out.push(Fact { label, text });
        }
    };
    let sheet = b.sheet.as_deref();
    fact(w.issued_by, sheet.map(|s| one_line(&s.issuer)).unwrap_or_default());
    fact(if edition == Edition::Draft { w.drafted } else { w.issued }, zone.words(notice.at));
    if notice.version > 1 {
        fact(w.version, format!("{}, {} {}", notice.version, w.replaces, notice.version - 1));
        fact(w.why, one_line(&b.why));
    }
    fact(w.alone, b.break_glass.as_deref().map(one_line).unwrap_or_default());
    if notice.state.ended() {
        return out;
    }
    if let Some(until) = notice.expires_at {
        let from = sheet.and_then(|s| s.valid_from).unwrap_or(notice.at);
        fact(w.valid, format!("{} {} {} {}", w.from, zone.words(from), w.until, zone.words(until)));
    }
    let name = sheet.map(|s| one_line(s.area_name.in_spanish(language == Language::Es))).unwrap_or_default();
    let shape = b.area.as_ref().map(|a| area_words(a, language)).unwrap_or_default();
    fact(w.place, [name, shape].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("; "));
    out
}

fn sections(notice: &Notice, sheet: Option<&Sheet>, (w, language): (&Wording, Language)) -> Vec<Section> {
    let spanish = language == Language::Es;
    let paragraphs = |text: &str| Body::Paragraphs(text.lines().map(one_line).filter(|l| !l.is_empty()).collect());
    let text = if spanish { &notice.text_es } else { &notice.text };
    let mut out = vec![Section { part: Part::Threat, heading: w.threat, body: paragraphs(text) }];
    if notice.state.ended() {
        // What remains of it is what is said now.
        out[0].heading = if spanish { "Ahora" } else { "Now" };
    } else if let Some(s) = sheet {
        let said = |p: &skypicket_model::Phrase| one_line(p.in_spanish(spanish));
        let known = s.known.iter().map(|k| format!("{} [{}]", said(&k.text), grade_words(k.grade, language)));
        out.push(Section { part: Part::Known, heading: w.known, body: Body::Points(known.collect()) });
        out.push(Section {
            part: Part::NotKnown,
            heading: w.not_known,
            body: Body::Points(s.not_known.iter().map(said).collect()),
        });
        let measures = s.measures.iter().map(|m| said(&m.text)).collect();
        out.push(Section { part: Part::Measures, heading: w.measures, body: Body::Checklist(measures) });
        out.push(Section { part: Part::Report, heading: w.report, body: paragraphs(s.report_to.in_spanish(spanish)) });
        out.push(Section { part: Part::Contact, heading: w.contact, body: paragraphs(&s.contact) });
    }
    out.retain(|s| match &s.body {
        Body::Paragraphs(t) | Body::Points(t) | Body::Checklist(t) => t.iter().any(|t| !t.is_empty()),
    });
    out
}

/// A grade with what it means: `B2: usually reliable source, probably true`.
pub fn grade_words(grade: Grade, language: Language) -> String {
    let (source, information) = match language {
        Language::En => (
            match grade.reliability {
                Reliability::A => "completely reliable source",
                Reliability::B => "usually reliable source",
                Reliability::C => "fairly reliable source",
                Reliability::D => "source not usually reliable",
                Reliability::E => "unreliable source",
                Reliability::F => "source cannot be judged",
            },
            match grade.credibility {
                Credibility::Confirmed => "confirmed by other independent sources",
                Credibility::Probable => "probably true",
                Credibility::Possible => "possibly true",
                Credibility::Doubtful => "doubtful",
                Credibility::Improbable => "improbable",
                Credibility::Unknown => "truth cannot be judged",
            },
        ),
        Language::Es => (
            match grade.reliability {
                Reliability::A => "fuente del todo fiable",
                Reliability::B => "fuente normalmente fiable",
                Reliability::C => "fuente bastante fiable",
                Reliability::D => "fuente no siempre fiable",
                Reliability::E => "fuente no fiable",
                Reliability::F => "fuente que no se puede juzgar",
            },
            match grade.credibility {
                Credibility::Confirmed => "confirmado por otras fuentes independientes",
                Credibility::Probable => "probablemente cierto",
                Credibility::Possible => "posiblemente cierto",
                Credibility::Doubtful => "dudoso",
                Credibility::Improbable => "improbable",
                Credibility::Unknown => "veracidad que no se puede juzgar",
            },
        ),
    };
    format!("{grade}: {source}, {information}")
}

/// An area in words, with MGRS beside decimal degrees.
pub fn area_words(area: &Area, language: Language) -> String {
    let spanish = language == Language::Es;
    match area {
        Area::Circle { centre, radius_m } => {
            let within = if spanish { "a menos de" } else { "within" };
            let of = if spanish { "de" } else { "of" };
            format!("{within} {} {of} {}", distance(*radius_m), position(*centre))
        }
        Area::Polygon { points } => {
            let mut out = String::from(if spanish { "entre los puntos " } else { "between the points " });
            let some: Vec<String> = points.iter().take(MOST_CORNERS).map(|p| position(*p)).collect();
            out.push_str(&some.join("; "));
            if points.len() > MOST_CORNERS {
                let more = points.len() - MOST_CORNERS;
                let _ = if spanish { write!(out, "; y {more} más") } else { write!(out, "; and {more} more") };
            }
            out
        }
    }
}

/// `31.76000, -106.49000 (13RCR5957115434)`.
fn position(p: LatLon) -> String {
    let degrees = format!("{:.5}, {:.5}", p.lat_deg, p.lon_deg);
    let place = Place { lat_deg: p.lat_deg, lon_deg: p.lon_deg, alt_hae_m: None };
    match place.mgrs() {
        Some(mgrs) => format!("{degrees} ({mgrs})"),
        None => degrees,
    }
}

/// `350 m`, `12 km`, with miles beside kilometres.
fn distance(m: f64) -> String {
    if m < 1_000.0 {
        return format!("{m:.0} m");
    }
    let (km, miles) = (m / 1_000.0, m / 1_609.344);
    // A radius of whole kilometres is said as one.
    let whole = (km - libm::round(km)).abs() < 0.05;
    if whole { format!("{km:.0} km ({miles:.1} mi)") } else { format!("{km:.1} km ({miles:.1} mi)") }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// The bulletin that the product's story begins with.
    pub(crate) fn alert() -> Value {
        json!({
            "id": "018f0000-0000-7000-8000-000000000001", "version": 1, "state": "issued", "level": "urgent",
            "at": "2026-11-26T18:00:00Z", "expires_at": "2026-12-03T18:00:00Z", "needs_ack": true, "exercise": null,
            "code": "47110", "marking": {"tlp": "TLP:GREEN", "releasable_to": ["bp", "fire", "sheriff"]},
            "text": "Drones that carry explosives may be used against personnel along the river.\nTreat every drone as a danger.",
            "text_es": "Drones con explosivos pueden usarse contra el personal a lo largo del río.\nConsidere peligroso todo dron.",
            "title": "Authorised use of explosive drones against personnel",
            "title_es": "Uso autorizado de drones explosivos contra el personal",
            "audience": [{"to": "everybody"}], "issued_by": "ana", "approved_by": "sam",
            "area": {"shape": "circle", "centre": {"lat_deg": 31.76, "lon_deg": -106.49}, "radius_m": 12000.0},
            "number": "OSA-2026-0001",
            "sheet": {
                "template": "officer-safety-alert@1", "series": "OSA",
                "kind": {"en": "Officer Safety Alert", "es": "Alerta de seguridad para agentes"},
                "issuer": "Sector Intelligence and Operations Center",
                "known": [
                    {"text": {"en": "A group gave leave to use explosive drones.", "es": "Un grupo dio permiso para usar drones explosivos."}, "grade": {"reliability": "B", "credibility": 2}},
                    {"text": {"en": "Two small quadcopters were seen at night.", "es": "Se vieron dos cuadricópteros pequeños de noche."}, "grade": {"reliability": "A", "credibility": 1}}
                ],
                "not_known": [{"en": "When and where.", "es": "Cuándo y dónde."}],
                "measures": [
                    {"id": "vigilance", "text": {"en": "Look up and listen.", "es": "Mire hacia arriba y escuche."}},
                    {"id": "body-armour", "text": {"en": "Wear body armour.", "es": "Use chaleco antibalas."}},
                    {"id": "first-aid-kit", "text": {"en": "Carry a first-aid kit with a tourniquet.", "es": "Lleve un botiquín con torniquete."}}
                ],
                "area_name": {"en": "El Paso sector, river line", "es": "Sector El Paso, línea del río"},
                "report_to": {"en": "Your supervisor and the centre, at once.", "es": "Su supervisor y el centro, de inmediato."},
                "contact": "Duty analyst, 915-555-0100",
                "short": {"en": "Explosive drones may target personnel. Cover, armour, report.", "es": "Drones explosivos contra personal. Cubrirse, chaleco, informar."},
                "brief": {"en": "Explosive drones may be used against personnel along the river. Wear armour, carry a tourniquet, report every drone at once.", "es": "Pueden usarse drones explosivos contra el personal junto al río. Use chaleco, lleve torniquete, informe de todo dron."}
            }
        })
    }

    pub(crate) fn read(value: Value) -> Notice {
        serde_json::from_value(value).unwrap()
    }

    pub(crate) fn in_exercise(mut value: Value) -> Notice {
        value["exercise"] = json!("first-light");
        value["number"] = json!("EX-OSA-2026-0001");
        read(value)
    }

    #[test]
    fn an_alert_reads_in_its_order() {
        let s = SheetText::of(&read(alert()), Language::En, Edition::InForce, &Zone::default()).unwrap();
        assert_eq!((s.kind.as_str(), s.standing.as_str()), ("Officer Safety Alert", "URGENT"));
        assert_eq!((s.number.as_deref(), s.front.as_deref()), (Some("OSA-2026-0001"), None));
        let headings: Vec<&str> = s.sections.iter().map(|s| s.heading).collect();
        assert_eq!(
            headings,
            ["Threat", "What is known", "What is not known", "What to do", "Report every sighting to", "Questions to"]
        );
        assert_eq!(
            s.sections[1].body,
            Body::Points(vec![
                "A group gave leave to use explosive drones. [B2: usually reliable source, probably true]".into(),
                "Two small quadcopters were seen at night. [A1: completely reliable source, confirmed by other independent sources]".into(),
            ])
        );
        let place = s.facts.iter().find(|f| f.label == "Where").unwrap();
        assert_eq!(
            place.text,
            "El Paso sector, river line; within 12 km (7.5 mi) of 31.76000, -106.49000 (13RCR5888914799)"
        );
    }

    #[test]
    fn what_is_over_says_nothing_of_what_it_said() {
        for state in ["recalled", "expired"] {
            let mut v = alert();
            v["state"] = json!(state);
            v["version"] = json!(2);
            v["text"] = json!("This is recalled. Do not act on it.");
            v["why"] = json!("the source was wrong");
            let s = SheetText::of(&read(v), Language::En, Edition::InForce, &Zone::default()).unwrap();
            let text = s.lines().join("\n");
            for old in ["armour", "A group", "Valid", "El Paso"] {
                assert!(!text.contains(old), "{state}: {text}");
            }
            assert!(text.contains("This is recalled") && text.contains("the source was wrong"), "{text}");
        }
    }

    #[test]
    fn an_update_says_what_it_replaces_and_why_and_who_was_alone() {
        let mut v = alert();
        v["state"] = json!("updated");
        v["version"] = json!(3);
        v["why"] = json!("a second sighting");
        v["approved_by"] = Value::Null;
        v["break_glass"] = json!("nobody answers");
        let text =
            SheetText::of(&read(v), Language::En, Edition::InForce, &Zone::default()).unwrap().lines().join("\n");
        for said in [
            "Version: 3, takes the place of version 2",
            "Why: a second sighting",
            "Issued by one person alone, because: nobody answers",
        ] {
            assert!(text.contains(said), "{text}");
        }
    }

    #[test]
    fn a_text_that_is_missing_in_spanish_is_there_in_english() {
        let mut v = alert();
        v["sheet"]["known"][0]["text"]["es"] = json!("");
        let s = SheetText::of(&read(v), Language::Es, Edition::InForce, &Zone::default()).unwrap();
        assert!(s.lines().join("\n").contains("- A group gave leave"), "{:?}", s.lines());
    }

    #[test]
    fn times_stand_in_utc_and_in_the_centres_own() {
        let denver = Zone::new("America/Denver").unwrap();
        let mut v = alert();
        v["sheet"]["valid_from"] = json!("2026-11-27T02:00:00Z");
        let s = SheetText::of(&read(v), Language::Es, Edition::InForce, &denver).unwrap();
        let fact = |label: &str| s.facts.iter().find(|f| f.label == label).unwrap().text.clone();
        assert_eq!(fact("Emitido"), "2026-11-26 18:00 UTC (11:00 MST)");
        assert_eq!(
            fact("Vigencia"),
            "desde 2026-11-27 02:00 UTC (2026-11-26 19:00 MST) hasta 2026-12-03 18:00 UTC (11:00 MST)"
        );
    }

    #[test]
    fn areas_are_read_by_people() {
        let p = |lat_deg, lon_deg| LatLon { lat_deg, lon_deg };
        let many = Area::Polygon { points: (0..20).map(|k| p(f64::from(k), 0.5)).collect() };
        assert!(area_words(&many, Language::En).ends_with("; and 8 more"), "{}", area_words(&many, Language::En));
        let circle = Area::Circle { centre: p(88.0, 1.0), radius_m: 350.0 };
        assert_eq!(area_words(&circle, Language::Es), "a menos de 350 m de 88.00000, 1.00000");
        let circle = Area::Circle { centre: p(88.0, 1.0), radius_m: 1_500.0 };
        assert_eq!(area_words(&circle, Language::En), "within 1.5 km (0.9 mi) of 88.00000, 1.00000");
    }
}
