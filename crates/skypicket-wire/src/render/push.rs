//! [`push`]: what a push notification of a bulletin shows: a title and a body. Up to TLP:GREEN a bulletin's own short
//! words; above, only that something waits.
//!
//! The phone puts the same together from the message's fields (`web/field/pushed.ts`), with what it knows itself: whether
//! it is late, and what came before.

use super::{MOST_BY_STRANGERS, Words, front_words, one_line, plain, releases, short, withheld};

/// A notification: its title, and its body of one or two lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushText {
    /// One line.
    pub title: String,
    /// What it says; the last line has number and marking.
    pub body: String,
}

/// Renders.
pub fn push(w: &Words<'_>) -> PushText {
    let front = front_words(w).map(|f| format!("{f} · ")).unwrap_or_default();
    if !releases(w.tlp, MOST_BY_STRANGERS) {
        return PushText {
            title: format!("{front}Skypicket"),
            body: format!("{}\n{}", withheld(w.language), w.tlp.label()),
        };
    }
    PushText { title: format!("{front}{}", plain::heading(w)), body: format!("{}\n{}", push_body(w), foot(w)) }
}

/// What it says: the 360 characters where its writers chose them, else its text.
pub fn push_body(w: &Words<'_>) -> String {
    short::own_brief(w).unwrap_or_else(|| one_line(w.text))
}

/// Number and marking line.
pub fn foot(w: &Words<'_>) -> String {
    let number = w.number_words().map(|n| format!("{n} ")).unwrap_or_default();
    format!("{number}{}", one_line(&w.marking))
}
