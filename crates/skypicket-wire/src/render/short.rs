//! [`short`] and [`brief`]: a notice in 90 and in 360 characters, for the narrowest channels (the limits of wireless
//! emergency alerts in the United States, 47 CFR 10.430).
//!
//! Number and marking label are inside the limit, and so is the word EXERCISE; only what is between them is cut. Above
//! TLP:GREEN they say only that something waits: whoever needs so few characters is a stranger's machine. Until when it
//! holds stands at the end where there is room: no word gives way for it.

use super::{
    MOST_BY_STRANGERS, Words, edition_words, exercise_line, level_word, one_line, releases, state_word, withheld,
};
use skypicket_model::{Zone, people::Language};

/// Most characters of [`short`].
pub const MOST_SHORT: usize = 90;
/// Most characters of [`brief`].
pub const MOST_BRIEF: usize = 360;
/// Characters of the middle for which an exercise's name gives way: its word stays.
const MIDDLE: usize = 40;

/// The notice in at most [`MOST_SHORT`] characters, one line.
pub fn short(w: &Words<'_>) -> String {
    match own_short(w) {
        // Who chose 90 characters chose how urgent they sound.
        Some(own) => fit(w, &own, MOST_SHORT, false),
        None => fit(w, &one_line(&w.title), MOST_SHORT, true),
    }
}

/// The notice in at most [`MOST_BRIEF`] characters, one line.
pub fn brief(w: &Words<'_>) -> String {
    let middle = own_brief(w).unwrap_or_else(|| format!("{}. {}", one_line(&w.title), one_line(w.text)));
    fit(w, &middle, MOST_BRIEF, true)
}

/// What its writers chose to say in 90 characters; `None` where they chose nothing, and of what is over.
pub(super) fn own_short(w: &Words<'_>) -> Option<String> {
    own(w, |s| &s.short)
}

/// What its writers chose to say in 360 characters.
pub(super) fn own_brief(w: &Words<'_>) -> Option<String> {
    own(w, |s| &s.brief)
}

fn own(w: &Words<'_>, which: impl Fn(&skypicket_model::Sheet) -> &skypicket_model::Phrase) -> Option<String> {
    let sheet = w.bulletin?.bulletin()?.sheet.as_deref()?;
    let said = one_line(which(sheet).in_spanish(w.language == Language::Es));
    (!w.state.ended() && !said.is_empty()).then_some(said)
}

fn fit(w: &Words<'_>, middle: &str, most: usize, says_level: bool) -> String {
    let may = releases(w.tlp, MOST_BY_STRANGERS);
    let label = w.tlp.label();
    let tail = match w.number_words().filter(|_| may) {
        Some(number) => format!("{number} {label}"),
        None => label.to_owned(),
    };
    let middle = if may { middle } else { withheld(w.language) };
    // A first version says how urgent it is; a later one what became of the one before, which is more.
    let what = match state_word(w.state, w.language) {
        Some(word) => Some(word),
        None => Some(level_word(w.level, w.language)).filter(|_| says_level),
    };
    let head = |name: &str, what: Option<&str>| {
        let exercise = w.exercise.map(|_| exercise_line(name, w.language));
        let front: Vec<String> = exercise.into_iter().chain(edition_words(w)).collect();
        let front = (!front.is_empty()).then(|| front.join(", "));
        let words = [front.as_deref(), what.filter(|_| may)];
        words.into_iter().flatten().flat_map(|w| [w, ": "]).collect::<String>()
    };
    let room = |head: &str| most.saturating_sub(head.chars().count() + tail.chars().count() + 1);
    let enough = middle.chars().count().min(MIDDLE);
    let [named, bare] = [w.exercise.unwrap_or_default(), ""].map(|name| head(name, what));
    let head = if room(&named) >= enough {
        named
    } else if room(&bare) > 0 {
        bare
    } else {
        // An exercise's old version in Spanish: that it is one says more than what became of it.
        head("", None)
    };
    let room = room(&head);
    let until = w.until.filter(|_| may).map(|t| {
        let word = if w.language == Language::Es { "Hasta" } else { "Until" };
        format!(" {word} {}.", w.zone.unwrap_or(&Zone::default()).words(t))
    });
    let until =
        until.filter(|u| middle.ends_with(['.', '!', '?']) && middle.chars().count() + u.chars().count() <= room);
    let said = cut(middle, room) + &until.unwrap_or_default();
    // (No room for a word leaves no space either.)
    let said = if said.is_empty() { tail } else { format!("{said} {tail}") };
    format!("{head}{said}")
}

/// A text in at most so many characters, cut at the end of a word with an ellipsis; within the first word when that alone
/// is longer.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let Some(room) = most.checked_sub(1).filter(|r| *r > 0) else { return String::new() };
    let end = text.char_indices().nth(room).map_or(text.len(), |(at, _)| at);
    let kept = text.get(..end).unwrap_or_default();
    // Whether the cut stands at the end of a word already.
    let whole = text.get(end..).is_some_and(|rest| rest.starts_with(char::is_whitespace));
    let kept = match kept.rfind(char::is_whitespace).filter(|_| !whole) {
        Some(at) => kept.get(..at).unwrap_or_default(),
        None => kept,
    };
    format!("{}…", kept.trim_end_matches([',', ';', ':', '-', '.', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{
        Edition, Sending,
        sheet::tests::{alert, in_exercise, read},
    };
    use proptest::prelude::*;
    use serde_json::json;
    use skypicket_model::{NoticeState, PersonId, Tlp};

    fn words(notice: &skypicket_model::Notice, language: Language) -> Words<'_> {
        Words::of(notice, &PersonId::new("north-1").unwrap(), language, Sending::default())
    }

    #[test]
    fn writers_own_words_are_taken_with_number_and_label() {
        let n = read(alert());
        assert_eq!(
            short(&words(&n, Language::En)),
            "Explosive drones may target personnel. Cover, armour, report. OSA-2026-0001 TLP:GREEN"
        );
        assert_eq!(
            brief(&words(&n, Language::En)),
            "URGENT: Explosive drones may be used against personnel along the river. Wear armour, carry a tourniquet, report every drone at once. Until 2026-12-03 18:00 UTC. OSA-2026-0001 TLP:GREEN"
        );
        // In the centre's own time, too; where there is no room for it all words of the writers' stay, and it goes.
        let denver = Zone::new("America/Denver").unwrap();
        let w = Words { zone: Some(&denver), ..words(&n, Language::Es) };
        let said = brief(&w);
        assert!(said.ends_with("todo dron. Hasta 2026-12-03 18:00 UTC (11:00 MST). OSA-2026-0001 TLP:GREEN"), "{said}");
        let mut v = alert();
        v["sheet"]["brief"] = json!({"en": format!("{}.", "x".repeat(300))});
        let long = read(v);
        let said = brief(&Words { zone: Some(&denver), ..words(&long, Language::En) });
        assert!(said.contains("xxx. OSA-2026-0001") && said.chars().count() <= MOST_BRIEF, "{said}");
    }

    #[test]
    fn without_own_words_title_and_text_are_cut_at_a_word() {
        let mut v = alert();
        v["sheet"]["short"] = json!({"en": ""});
        v["sheet"]["brief"] = json!({"en": ""});
        v["text"] = json!("Word ".repeat(200));
        let n = read(v);
        assert_eq!(
            short(&words(&n, Language::En)),
            "URGENT: Authorised use of explosive drones against personnel OSA-2026-0001 TLP:GREEN"
        );
        let said = brief(&words(&n, Language::En));
        assert!(said.contains("Word… OSA-2026-0001 TLP:GREEN") && said.chars().count() <= MOST_BRIEF, "{said}");
    }

    #[test]
    fn a_recall_says_recalled_and_not_what_it_recalls() {
        let mut v = alert();
        v["state"] = json!("recalled");
        v["text"] = json!("This is recalled.");
        let n = read(v);
        let (s, b) = (short(&words(&n, Language::En)), brief(&words(&n, Language::En)));
        assert!(s.starts_with("RECALLED: ") && !s.contains("Cover"), "{s}");
        assert!(b.starts_with("RECALLED: ") && b.contains("This is recalled.") && !b.contains("armour"), "{b}");
    }

    #[test]
    fn an_exercise_says_so_first_and_its_name_gives_way_before_its_word() {
        let n = in_exercise(alert());
        let s = short(&words(&n, Language::Es));
        assert!(s.starts_with("EXERCISE / EJERCICIO: Drones explosivos contra"), "{s}");
        assert!(s.ends_with(" EX-OSA-2026-0001 TLP:GREEN") && s.chars().count() <= MOST_SHORT, "{s}");
        assert!(brief(&words(&n, Language::Es)).starts_with("EXERCISE / EJERCICIO first-light: "));
    }

    #[test]
    fn above_green_they_say_only_to_open_skypicket() {
        let mut v = alert();
        v["marking"] = json!({"tlp": "TLP:AMBER"});
        let n = read(v);
        for said in [short(&words(&n, Language::En)), brief(&words(&n, Language::En))] {
            assert_eq!(said, "Something waits for you. Open Skypicket. TLP:AMBER");
        }
    }

    proptest! {
        #[test]
        fn they_never_pass_their_limit_nor_lose_number_or_label(
            title in "\\PC{0,200}", text in "\\PC{0,800}", own in "\\PC{0,360}", exercise in proptest::option::of("[a-z-]{0,64}"),
            edition in 0..3usize, spanish in any::<bool>(), tlp in 0..5usize, state in 0..6usize,
        ) {
            let tlp = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red][tlp];
            let mut v = alert();
            v["number"] = json!("EX-ABCDEF-2026-10001");
            v["title"] = json!(title);
            v["text"] = json!(text);
            v["sheet"]["short"] = json!({"en": own});
            v["sheet"]["brief"] = json!({"en": own});
            v["exercise"] = json!(exercise);
            v["marking"] = json!({"tlp": tlp});
            v["state"] = json!(NoticeState::ALL[state].word());
            let n = read(v);
            let edition = [Edition::InForce, Edition::Draft, Edition::Past][edition];
            let w = Words { edition, ..words(&n, if spanish { Language::Es } else { Language::En }) };
            for (said, most) in [(short(&w), MOST_SHORT), (brief(&w), MOST_BRIEF)] {
                prop_assert!(said.chars().count() <= most, "{}: {}", said.chars().count(), said);
                prop_assert!(said.ends_with(tlp.label()), "{}", said);
                prop_assert_eq!(said.contains(w.number_words().unwrap_or_default().as_str()), tlp <= Tlp::Green);
                prop_assert_eq!(exercise.is_some(), said.starts_with("EXERCISE"));
                prop_assert_eq!(edition == Edition::Draft, said.contains("DRAFT"));
                prop_assert_eq!(edition == Edition::Past, said.contains("NOT IN FORCE"));
            }
        }

        #[test]
        fn a_cut_is_never_longer_than_asked(text in "\\PC{0,80}", most in 0usize..60) {
            prop_assert!(cut(&text, most).chars().count() <= most);
        }
    }
}
