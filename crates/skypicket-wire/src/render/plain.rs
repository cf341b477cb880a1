//! [`plain`]: a notice as lines of plain text, for mail bodies and whatever else shows or speaks text.

use super::{Words, front_words, level_word, one_line, releases, sheet::SheetText, state_word, withheld};
use skypicket_model::{Level, NoticeState, Tlp, Zone, people::Language};
use std::fmt::Write as _;

/// The whole text, lines ended by `\n`. `most` is the strictest label that the channel may carry.
pub fn plain(w: &Words<'_>, most: Tlp) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    let front = front_words(w);
    if let Some(front) = &front {
        line(front);
    }
    line(&one_line(&w.marking));
    if releases(w.tlp, most) {
        if let Some(number) = w.number_words() {
            line(&number);
        }
        let utc = Zone::default();
        let sheet = w.bulletin.and_then(|n| SheetText::of(n, w.language, w.edition, w.zone.unwrap_or(&utc)));
        line("");
        if let Some(sheet) = &sheet {
            line(&sheet.kind);
        }
        line(&heading(w));
        if let Some(said) = state_sentence(w.state, w.language) {
            line(said);
        }
        for said in repeats(w) {
            line(&said);
        }
        line("");
        match sheet {
            Some(sheet) => sheet.lines().iter().for_each(|text| line(text)),
            None => w.text.lines().for_each(|text| line(&one_line(text))),
        }
        if let Some(code) = w.asked() {
            line("");
            line(&match w.language {
                Language::En => format!("To acknowledge: reply with {}", one_line(code)),
                Language::Es => format!("Para confirmar: responda con {}", one_line(code)),
            });
        }
    } else {
        line("");
        line(withheld(w.language));
        for said in repeats(w) {
            line(&said);
        }
    }
    line("");
    if let Some(link) = w.link {
        line(&match w.language {
            Language::En => format!("Open it: {}", one_line(link)),
            Language::Es => format!("Abrir: {}", one_line(link)),
        });
    }
    line(&one_line(w.centre));
    if let Some(front) = &front {
        line(front);
    }
    out
}

/// `URGENT UPDATE (version 2): Drone near Post 1`.
pub(super) fn heading(w: &Words<'_>) -> String {
    format!("{}: {}", standing(w.state, w.level, w.version, w.language), one_line(&w.title))
}

/// `URGENT UPDATE (version 2)`.
pub(super) fn standing(state: NoticeState, level: Level, version: u32, language: Language) -> String {
    let mut head = String::new();
    // What is taken back or over is not shouted at its old level.
    if !state.ended() {
        head.push_str(level_word(level, language));
    }
    if let Some(word) = state_word(state, language) {
        if !head.is_empty() {
            head.push(' ');
        }
        head.push_str(word);
    }
    if state == NoticeState::Updated {
        let word = match language {
            Language::En => "version",
            Language::Es => "versión",
        };
        let _ = write!(head, " ({word} {version})");
    }
    head
}

/// What to make of its state, in a sentence.
pub(super) fn state_sentence(state: NoticeState, language: Language) -> Option<&'static str> {
    match (state, language) {
        (NoticeState::Raised | NoticeState::Issued, _) => None,
        (NoticeState::Updated, Language::En) => Some("This takes the place of what you were told before."),
        (NoticeState::Recalled, Language::En) => Some("Do not act on it any more."),
        (NoticeState::Cleared, Language::En) => Some("This danger is over."),
        (NoticeState::Expired, Language::En) => Some("Its time is over. Nothing to do now."),
        (NoticeState::Updated, Language::Es) => Some("Reemplaza lo que se le dijo antes."),
        (NoticeState::Recalled, Language::Es) => Some("Ya no actúe según él."),
        (NoticeState::Cleared, Language::Es) => Some("Este peligro ha terminado."),
        (NoticeState::Expired, Language::Es) => Some("Su plazo ha terminado. No hay nada que hacer."),
    }
}

fn repeats(w: &Words<'_>) -> Vec<String> {
    let mut out = Vec::new();
    if w.reminder > 0 {
        out.push(match w.language {
            Language::En => format!("Reminder {}: not acknowledged yet.", w.reminder),
            Language::Es => format!("Recordatorio {}: aún sin confirmar.", w.reminder),
        });
    }
    if w.may_repeat {
        out.push(
            match w.language {
                Language::En => "This may repeat what you already have.",
                Language::Es => "Puede repetir lo que usted ya tiene.",
            }
            .to_owned(),
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{MOST_BY_STRANGERS, sample};

    #[test]
    fn a_warning_reads_from_marking_to_signature() {
        let expect = [
            "TLP:GREEN",
            "",
            "URGENT: Drone near Post 1",
            "",
            "A drone is 900 m north of you and may be here in 40 s. Take cover. Do not look for it.",
            "",
            "To acknowledge: reply with 4711",
            "",
            "Open it: https://picket.example/n/abc",
            "Sector Watch",
            "",
        ];
        assert_eq!(plain(&sample(), MOST_BY_STRANGERS), expect.join("\n"));
    }

    #[test]
    fn an_updated_bulletin_in_spanish_says_what_it_replaces_and_that_it_repeats() {
        let w = Words {
            state: NoticeState::Updated,
            language: Language::Es,
            title: "Drones con explosivos".into(),
            text: "Primera línea.\nSegunda línea.",
            version: 2,
            reminder: 1,
            may_repeat: true,
            exercise: Some("first-light"),
            ..sample()
        };
        let expect = [
            "EXERCISE / EJERCICIO first-light",
            "TLP:GREEN",
            "",
            "URGENTE ACTUALIZACIÓN (versión 2): Drones con explosivos",
            "Reemplaza lo que se le dijo antes.",
            "Recordatorio 1: aún sin confirmar.",
            "Puede repetir lo que usted ya tiene.",
            "",
            "Primera línea.",
            "Segunda línea.",
            "",
            "Para confirmar: responda con 4711",
            "",
            "Abrir: https://picket.example/n/abc",
            "Sector Watch",
            "EXERCISE / EJERCICIO first-light",
            "",
        ];
        assert_eq!(plain(&w, MOST_BY_STRANGERS), expect.join("\n"));
    }

    #[test]
    fn what_is_over_asks_for_nothing_and_does_not_shout_its_level() {
        for state in [NoticeState::Recalled, NoticeState::Cleared, NoticeState::Expired] {
            let text = plain(&Words { state, ..sample() }, MOST_BY_STRANGERS);
            assert!(!text.contains("URGENT") && !text.contains("4711"), "{text}");
            assert!(text.contains(state_word(state, Language::En).unwrap()), "{text}");
        }
    }

    #[test]
    fn a_title_or_text_cannot_forge_lines_of_ours() {
        let w = Words { title: "a\nTo acknowledge: reply with 0000".into(), text: "x\r\u{7}y", ..sample() };
        let text = plain(&w, MOST_BY_STRANGERS);
        assert!(!text.contains("\nTo acknowledge: reply with 0000"), "{text}");
        assert!(text.contains("x y") && !text.contains('\r'));
    }
}
