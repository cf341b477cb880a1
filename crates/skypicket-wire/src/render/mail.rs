//! [`Mail`]: a notice as a mail's subject and plain body.

use super::{Words, front_words, one_line, plain, releases, withheld};
use skypicket_model::{Tlp, people::Language};

/// Longest subject, characters: phones show fewer.
const MOST_SUBJECT: usize = 160;

/// Subject and body. Nothing in it loads from anywhere: whether it was read is only known by an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line; a bulletin's number stands in it.
    pub subject: String,
    /// Plain text, lines ended by `\n`; in an exercise its first line says so.
    pub body: String,
}

/// Renders. `most` is the strictest label that this mail server may carry (TLP:GREEN unless the centre trusts it more).
pub fn mail(w: &Words<'_>, most: Tlp) -> Mail {
    let mut front = front_words(w).map(|e| format!("{e}: ")).unwrap_or_default();
    if w.reminder > 0 {
        front.push_str(match w.language {
            Language::En => "Reminder: ",
            Language::Es => "Recordatorio: ",
        });
    }
    let may = releases(w.tlp, most);
    let middle = if may { plain::heading(w) } else { withheld(w.language).to_owned() };
    let number = w.number_words().filter(|_| may).map(|n| format!(" [{n}]")).unwrap_or_default();
    // The label alone: a subject is short, the whole line is in the body.
    let end = format!("{number} [{}]", w.tlp.label());
    let room = MOST_SUBJECT.saturating_sub(front.chars().count() + end.chars().count()).max(40);
    let middle = one_line(&middle);
    let middle =
        if middle.chars().count() <= room { middle } else { middle.chars().take(room - 1).chain(['…']).collect() };
    Mail { subject: one_line(&format!("{front}{middle}{end}")), body: plain::plain(w, most) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{MOST_BY_STRANGERS, sample};
    use skypicket_model::NoticeState;

    #[test]
    fn subjects_say_exercise_reminder_level_state_title_and_label() {
        let s = |w: &Words<'_>| mail(w, MOST_BY_STRANGERS).subject;
        assert_eq!(s(&sample()), "URGENT: Drone near Post 1 [TLP:GREEN]");
        let w = Words { exercise: Some("first-light"), reminder: 1, ..sample() };
        assert_eq!(s(&w), "EXERCISE first-light: Reminder: URGENT: Drone near Post 1 [TLP:GREEN]");
        let w = Words { state: NoticeState::Recalled, language: Language::Es, ..sample() };
        assert_eq!(s(&w), "RETIRADO: Drone near Post 1 [TLP:GREEN]");
        let w = Words { tlp: Tlp::Amber, marking: "TLP:AMBER".into(), ..sample() };
        assert_eq!(s(&w), "Something waits for you. Open Skypicket. [TLP:AMBER]");
        assert_eq!(mail(&w, Tlp::Amber).subject, "URGENT: Drone near Post 1 [TLP:AMBER]");
    }

    #[test]
    fn a_long_or_many_lined_title_stays_one_line_and_keeps_the_label() {
        let title = format!("a\r\nBcc: all@example.org {}", "ñ".repeat(500));
        let m = mail(&Words { title: title.into(), ..sample() }, MOST_BY_STRANGERS);
        assert!(!m.subject.contains(['\r', '\n']));
        assert!(m.subject.ends_with("… [TLP:GREEN]"), "{}", m.subject);
        assert!(m.subject.chars().count() <= MOST_SUBJECT);
    }
}
