//! [`Words`]: what a notice says to one reader; and its texts for the channels that carry plain text.
//!
//! Everything here is pure and the same for the same words. Three rules hold on every rendering:
//!
//! * **The marking is on it**, as TLP 2.0 writes it: never translated, no spaces inside.
//! * **Release** ([`releases`]): a channel that passes strangers (SMS, push, relay, most mail) carries content only up to
//!   TLP:GREEN. Above that it says that something waits and to open Skypicket: no title, no level, no code.
//! * **An exercise says so first**, before any other word; a draft, or what is no longer in force, right after it.

pub mod atom;
pub mod cap;
pub mod mail;
pub mod package;
pub mod pdf;
pub mod plain;
pub mod push;
pub mod sheet;
pub mod short;
pub mod sms;

use skypicket_model::{
    Level, Marking, Notice, NoticeState, PersonId, ProtectedId, Time, Tlp, Zone, notice::About, people::Language,
};
use std::borrow::Cow;

/// Strictest label whose content may pass through strangers' machines.
pub const MOST_BY_STRANGERS: Tlp = Tlp::Green;

/// Whether content of this label may go over a channel that is trusted up to `most`.
pub fn releases(label: Tlp, most: Tlp) -> bool {
    label <= most
}

/// One version of a notice, as one reader is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Words<'a> {
    /// Where in its life.
    pub state: NoticeState,
    /// Its level.
    pub level: Level,
    /// Language of the reader; title and text are in it.
    pub language: Language,
    /// Title, one line.
    pub title: Cow<'a, str>,
    /// What to say: what it is, where, how soon, what to do.
    pub text: &'a str,
    /// Digits that a reply must hold to acknowledge this version; `None` when nothing is asked.
    pub code: Option<&'a str>,
    /// Signed link to read and acknowledge it.
    pub link: Option<&'a str>,
    /// The centre's name, as it signs.
    pub centre: &'a str,
    /// Label of the marking.
    pub tlp: Tlp,
    /// The whole marking line, beginning with the label: `TLP:AMBER, releasable to sheriff, fire`.
    pub marking: Cow<'a, str>,
    /// Name of the exercise; `None` is live.
    pub exercise: Option<&'a str>,
    /// Which reminder this is: 0 is the first time.
    pub reminder: u32,
    /// An earlier try may have arrived.
    pub may_repeat: bool,
    /// Version, from 1.
    pub version: u32,
    /// Its number, where it is a bulletin that has one.
    pub number: Option<&'a str>,
    /// Whether it holds.
    pub edition: Edition,
    /// The bulletin itself, where it has a sheet whose sections are to be read.
    pub bulletin: Option<&'a Notice>,
    /// From then on it no longer holds, where it is a bulletin that is not over.
    pub until: Option<Time>,
    /// The centre's time, beside UTC; `None` where that is UTC.
    pub zone: Option<&'a Zone>,
}

/// Whether a version holds, when it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edition {
    /// It is the newest.
    #[default]
    InForce,
    /// It is not issued, and may never be.
    Draft,
    /// A newer version took its place, or took it back.
    Past,
}

impl Edition {
    /// The word that stands in front of all others.
    pub(crate) fn word(self, language: Language) -> Option<&'static str> {
        match (self, language) {
            (Self::InForce, _) => None,
            (Self::Draft, Language::En) => Some("DRAFT"),
            (Self::Past, Language::En) => Some("NOT IN FORCE"),
            // Both, as with an exercise: whoever finds it on a desk may know only the one.
            (Self::Draft, Language::Es) => Some("DRAFT / BORRADOR"),
            (Self::Past, Language::Es) => Some("NOT IN FORCE / NO VIGENTE"),
        }
    }
}

/// What the words of one sending have besides the notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sending<'a> {
    /// Signed link to read and acknowledge it.
    pub link: Option<&'a str>,
    /// The centre's name, as it signs.
    pub centre: &'a str,
    /// Which reminder this is: 0 is the first time.
    pub reminder: u32,
    /// An earlier try may have arrived.
    pub may_repeat: bool,
    /// The centre's time, beside UTC; `None` where that is UTC.
    pub zone: Option<&'a Zone>,
}

impl<'a> Words<'a> {
    /// What a notice says to a reader.
    pub fn of(notice: &'a Notice, reader: &PersonId, language: Language, sending: Sending<'a>) -> Self {
        let spanish = language == Language::Es;
        let title = match &notice.about {
            About::Bulletin(b) => Cow::Borrowed(if spanish { b.title_es.as_str() } else { b.title.as_str() }),
            About::Warning(w) if w.protected == ProtectedId::Person(reader.clone()) => {
                Cow::Borrowed(if spanish { "dron cerca de usted" } else { "drone near you" })
            }
            About::Warning(w) => {
                let near = if spanish { "dron cerca de" } else { "drone near" };
                Cow::Owned(format!("{near} {}", w.protected_name))
            }
        };
        Self {
            state: notice.state,
            level: notice.level,
            language,
            title,
            text: if spanish { &notice.text_es } else { &notice.text },
            code: notice.needs_ack.then_some(notice.code.as_str()),
            link: sending.link,
            centre: sending.centre,
            tlp: notice.marking.tlp,
            marking: marking_line(&notice.marking),
            exercise: notice.exercise.as_deref(),
            reminder: sending.reminder,
            may_repeat: sending.may_repeat,
            version: notice.version,
            number: notice.bulletin().and_then(|b| b.number.as_deref()),
            edition: Edition::InForce,
            bulletin: notice.bulletin().is_some_and(|b| b.sheet.is_some()).then_some(notice),
            until: notice.expires_at.filter(|_| notice.bulletin().is_some() && !notice.state.ended()),
            zone: sending.zone,
        }
    }

    /// The same for whoever reads a copy: it asks nobody for an answer and leads nowhere.
    #[must_use]
    pub fn handed_on(&self) -> Self {
        Self { code: None, link: None, reminder: 0, may_repeat: false, ..self.clone() }
    }

    /// The number as it stands on a rendering; `None` for what has none, such as a warning.
    fn number_words(&self) -> Option<String> {
        if self.edition == Edition::Draft {
            return Some(sheet::not_issued(self.language).to_owned());
        }
        self.number.map(one_line).filter(|n| !n.is_empty())
    }

    /// The code, where an answer is wanted: never to a draft, or to what has been replaced.
    fn asked(&self) -> Option<&'a str> {
        self.code.filter(|_| !self.state.ended() && self.edition == Edition::InForce)
    }
}

/// The marking as it stands on a rendering: the label, never translated, and the agencies that it may go to. People
/// named by TLP:RED are not: who else knows is nobody's business.
pub fn marking_line(marking: &Marking) -> Cow<'static, str> {
    let label = marking.tlp.label();
    if marking.releasable_to.is_empty() {
        return Cow::Borrowed(label);
    }
    let agencies: Vec<&str> = marking.releasable_to.iter().map(skypicket_model::AgencyId::as_str).collect();
    Cow::Owned(format!("{label}, releasable to {}", agencies.join(", ")))
}

/// The level's word: `URGENT`, `URGENTE` …
pub fn level_word(level: Level, language: Language) -> &'static str {
    match (level, language) {
        (Level::Urgent, Language::En) => "URGENT",
        (Level::Caution, Language::En) => "CAUTION",
        (Level::Advisory, Language::En) => "ADVISORY",
        (Level::Urgent, Language::Es) => "URGENTE",
        (Level::Caution, Language::Es) => "PRECAUCIÓN",
        (Level::Advisory, Language::Es) => "AVISO",
    }
}

/// The word for what became of it; `None` for a first version, which needs none.
pub fn state_word(state: NoticeState, language: Language) -> Option<&'static str> {
    match (state, language) {
        (NoticeState::Raised | NoticeState::Issued, _) => None,
        (NoticeState::Updated, Language::En) => Some("UPDATE"),
        (NoticeState::Recalled, Language::En) => Some("RECALLED"),
        (NoticeState::Cleared, Language::En) => Some("OVER"),
        (NoticeState::Expired, Language::En) => Some("EXPIRED"),
        (NoticeState::Updated, Language::Es) => Some("ACTUALIZACIÓN"),
        (NoticeState::Recalled, Language::Es) => Some("RETIRADO"),
        (NoticeState::Cleared, Language::Es) => Some("TERMINADO"),
        (NoticeState::Expired, Language::Es) => Some("CADUCADO"),
    }
}

/// The words that stand before everything in an exercise, such as `EXERCISE first-light`; `None` when live.
fn exercise_words(w: &Words<'_>) -> Option<String> {
    w.exercise.map(|name| exercise_line(name, w.language))
}

/// The same from an exercise's name.
fn exercise_line(name: &str, language: Language) -> String {
    let word = match language {
        Language::En => "EXERCISE",
        // Both: whoever shares a screen with the reader may know only the one.
        Language::Es => "EXERCISE / EJERCICIO",
    };
    let name = one_line(name);
    if name.is_empty() { word.to_owned() } else { format!("{word} {name}") }
}

/// All words that stand before everything: `EXERCISE first-light, DRAFT`; `None` for what is live and in force.
fn front_words(w: &Words<'_>) -> Option<String> {
    let words: Vec<String> = exercise_words(w).into_iter().chain(edition_words(w)).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// The word of a draft, or of what has been replaced.
fn edition_words(w: &Words<'_>) -> Option<String> {
    w.edition.word(w.language).map(str::to_owned)
}

/// What is said in the place of content that may not go this way.
fn withheld(language: Language) -> &'static str {
    match language {
        Language::En => "Something waits for you. Open Skypicket.",
        Language::Es => "Algo le espera. Abra Skypicket.",
    }
}

/// One line: control characters and line breaks become spaces, runs of spaces become one.
pub(crate) fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
#[path = "tests.rs"]
mod all_tests;

#[cfg(test)]
pub(crate) fn sample() -> Words<'static> {
    Words {
        state: NoticeState::Raised,
        level: Level::Urgent,
        language: Language::En,
        title: "Drone near Post 1".into(),
        text: "A drone is 900 m north of you and may be here in 40 s. Take cover. Do not look for it.",
        code: Some("4711"),
        link: Some("https://picket.example/n/abc"),
        centre: "Sector Watch",
        tlp: Tlp::Green,
        marking: "TLP:GREEN".into(),
        exercise: None,
        reminder: 0,
        may_repeat: false,
        version: 1,
        number: None,
        edition: Edition::InForce,
        bulletin: None,
        until: None,
        zone: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_goes_through_strangers_only_up_to_green() {
        for (label, goes) in
            [(Tlp::Clear, true), (Tlp::Green, true), (Tlp::Amber, false), (Tlp::AmberStrict, false), (Tlp::Red, false)]
        {
            assert_eq!(releases(label, MOST_BY_STRANGERS), goes, "{label:?}");
        }
        assert!(releases(Tlp::Amber, Tlp::Amber));
    }

    /// Every text of every channel, for a set of words.
    fn all(w: &Words<'_>) -> Vec<(&'static str, String)> {
        let m = mail::mail(w, MOST_BY_STRANGERS);
        vec![
            ("subject", m.subject),
            ("body", m.body),
            ("plain", plain::plain(w, MOST_BY_STRANGERS)),
            ("sms", sms::sms(w, 3).text),
        ]
    }

    #[test]
    fn above_green_no_channel_of_strangers_says_title_text_level_or_code() {
        for language in [Language::En, Language::Es] {
            for tlp in [Tlp::Amber, Tlp::AmberStrict, Tlp::Red] {
                for state in NoticeState::ALL {
                    let marking = Cow::Borrowed(tlp.label());
                    let w = Words { language, tlp, marking, state, reminder: 2, may_repeat: true, ..sample() };
                    for (what, text) in all(&w) {
                        for secret in ["Post 1", "900 m", "4711", level_word(w.level, language)] {
                            assert!(!text.contains(secret), "{what} {tlp:?}: {text}");
                        }
                        assert!(text.contains("Skypicket") && text.contains(tlp.label()), "{what} {tlp:?}: {text}");
                        assert!(!text.contains("TLP:GREEN"));
                    }
                }
            }
        }
    }

    #[test]
    fn every_rendering_has_its_marking_and_an_exercise_says_so_first() {
        for language in [Language::En, Language::Es] {
            for tlp in [Tlp::Clear, Tlp::Green, Tlp::Red] {
                let w = Words { language, tlp, marking: tlp.label().into(), exercise: Some("first-light"), ..sample() };
                for (what, text) in all(&w) {
                    assert!(text.contains(tlp.label()), "{what}: {text}");
                    assert!(text.starts_with("EXERCISE"), "{what}: {text}");
                    assert!(text.contains("first-light"), "{what}: {text}");
                    if language == Language::Es {
                        assert!(text.contains("EJERCICIO"), "{what}: {text}");
                    }
                }
                for (what, text) in all(&Words { exercise: None, ..w.clone() }) {
                    assert!(!text.contains("EXERCISE") && !text.contains("EJERCICIO"), "{what}: {text}");
                }
            }
        }
    }

    fn notice(about: &serde_json::Value) -> Notice {
        let mut n = serde_json::json!({
            "id": "018f0000-0000-7000-8000-000000000001", "version": 2, "state": "updated", "level": "caution",
            "at": "2026-11-26T18:00:00Z", "needs_ack": true, "exercise": null, "code": "1234",
            "marking": {"tlp": "TLP:GREEN", "releasable_to": ["fire", "bp"]}, "text": "Drone", "text_es": "Dron"
        });
        n.as_object_mut().unwrap().extend(about.as_object().unwrap().clone());
        serde_json::from_value(n).unwrap()
    }

    fn warning() -> Notice {
        notice(&serde_json::json!({
            "track": "018f0000-0000-7000-8000-000000000002", "protected": {"person": "north-1"},
            "protected_name": "North 1", "reasons": [], "because": [],
            "facts": {"distance_m": 1.0, "bearing_deg": 2.0, "earliest_s": 3.0, "cpa_m": 4.0, "p_within_30": 0.5,
                "track_at": {"lat_deg": 1.0, "lon_deg": 2.0}, "height_unknown": false, "by_people_only": true}
        }))
    }

    #[test]
    fn a_warning_says_near_you_to_the_one_in_danger_and_near_whom_to_the_others() {
        let n = warning();
        let title = |reader: &str, language| {
            Words::of(&n, &PersonId::new(reader).unwrap(), language, Sending::default()).title.into_owned()
        };
        assert_eq!(title("north-1", Language::En), "drone near you");
        assert_eq!(title("north-1", Language::Es), "dron cerca de usted");
        assert_eq!(title("watch", Language::En), "drone near North 1");
        assert_eq!(title("watch", Language::Es), "dron cerca de North 1");
    }

    #[test]
    fn a_bulletin_speaks_the_readers_language_and_asks_only_where_an_answer_is_wanted() {
        let mut n = notice(&serde_json::json!({
            "title": "Officer Safety Alert", "title_es": "Alerta", "audience": [{"to": "in_danger"}], "issued_by": "watch"
        }));
        let reader = PersonId::new("north-1").unwrap();
        let w = Words::of(&n, &reader, Language::Es, Sending { reminder: 1, ..Sending::default() });
        assert_eq!((&*w.title, w.text, w.code, w.reminder), ("Alerta", "Dron", Some("1234"), 1));
        assert_eq!(w.marking, "TLP:GREEN, releasable to bp, fire");
        n.needs_ack = false;
        assert_eq!(Words::of(&n, &reader, Language::En, Sending::default()).code, None);
    }

    #[test]
    fn one_line_has_no_line_break_and_no_control() {
        assert_eq!(one_line("  a\r\nBcc: x@y\t\u{0}b \u{85}c\u{2028}d "), "a Bcc: x@y b c d");
    }
}
