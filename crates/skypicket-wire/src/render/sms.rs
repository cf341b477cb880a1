//! [`Sms`]: a notice as a short message; how long a text is in parts, and how it is shortened to fit.
//!
//! A message of one part holds 160 septets of the GSM 7-bit default alphabet (3GPP TS 23.038 section 6.2.1; characters of
//! its extension table take two), or 70 UTF-16 units (UCS-2). Longer ones are sent as parts of 153 or 67, for each part
//! then begins with six octets that say where it belongs (3GPP TS 23.040 section 9.2.3.24.1).
//!
//! **Spanish.** The alphabet has ñ, é, ü, ¿ and ¡ but not á, í, ó, ú. One such letter would turn the whole message into
//! UCS-2 and more than double its parts, and parts are lost and late one by one. So accents that the alphabet lacks are
//! left off (*precaucion*), as people themselves write such messages, while ñ, é, ü, ¿ and ¡ stay. Typographic signs
//! become their plain ones. A text with any other letter (another script, an emoji) is sent as UCS-2, whole: nothing is
//! guessed.

use super::{MOST_BY_STRANGERS, Words, front_words, one_line, plain, releases, short, withheld};
use skypicket_model::people::Language;

/// The default alphabet without its escape, 127 characters (TS 23.038 section 6.2.1).
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Characters of the extension table: two septets each (TS 23.038 section 6.2.1.1).
const EXTENSION: &str = "\u{c}^{}\\[~]|€";
/// Most parts that one message may have: a network may take more, people do not.
pub const MOST_PARTS: usize = 10;

/// The alphabet that a text needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// GSM 7-bit default alphabet with its extension table; counted in septets.
    Gsm7,
    /// UTF-16; counted in units of 16 bits.
    Ucs2,
}

impl Alphabet {
    /// Units in a message of one part.
    pub fn single(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Units in each part of several.
    pub fn part(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    fn units(self, c: char) -> usize {
        match self {
            Self::Gsm7 => 1 + usize::from(EXTENSION.contains(c)),
            Self::Ucs2 => c.len_utf16(),
        }
    }
}

/// The alphabet that a text needs as it stands.
pub fn alphabet(text: &str) -> Alphabet {
    if text.chars().all(|c| BASIC.contains(c) || EXTENSION.contains(c)) { Alphabet::Gsm7 } else { Alphabet::Ucs2 }
}

/// The text of each part, in order. No part splits a character: neither the two septets of an extension character nor
/// the two units of a surrogate pair.
pub fn split(text: &str) -> Vec<String> {
    let alphabet = alphabet(text);
    let total: usize = text.chars().map(|c| alphabet.units(c)).sum();
    if total <= alphabet.single() {
        return vec![text.to_owned()];
    }
    let mut parts = Vec::new();
    let (mut part, mut used) = (String::new(), 0);
    for c in text.chars() {
        let units = alphabet.units(c);
        if used + units > alphabet.part() {
            parts.push(std::mem::take(&mut part));
            used = 0;
        }
        part.push(c);
        used += units;
    }
    parts.push(part);
    parts
}

/// How many parts a text takes; an empty one takes one.
pub fn parts(text: &str) -> usize {
    split(text).len()
}

/// The text in GSM 7-bit where leaving off accents and typography is enough; otherwise unchanged.
pub fn plainer(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'á' | 'â' | 'ã' | 'ª' => out.push('a'),
            'í' | 'î' | 'ï' => out.push('i'),
            'ó' | 'ô' | 'õ' | 'º' => out.push('o'),
            'ú' | 'û' => out.push('u'),
            'ê' | 'ë' => out.push('e'),
            'ç' => out.push('c'),
            'Á' | 'Â' | 'Ã' | 'À' => out.push('A'),
            'Í' | 'Î' | 'Ï' | 'Ì' => out.push('I'),
            'Ó' | 'Ô' | 'Õ' | 'Ò' => out.push('O'),
            'Ú' | 'Û' | 'Ù' => out.push('U'),
            'È' | 'Ê' | 'Ë' => out.push('E'),
            '“' | '”' | '„' | '«' | '»' => out.push('"'),
            '‘' | '’' | '‚' | '´' | '`' => out.push('\''),
            '–' | '—' | '‐' | '‑' | '−' | '·' | '•' => out.push('-'),
            '…' => out.push_str("..."),
            '°' => out.push_str(" deg"),
            '\u{a0}' | '\u{202f}' | '\u{2009}' | '\t' => out.push(' '),
            c => out.push(c),
        }
    }
    if alphabet(&out) == Alphabet::Gsm7 { out } else { text.to_owned() }
}

/// A text in three: what stands before, what may be shortened, what stands behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sections<'a> {
    /// Never shortened: exercise, level.
    pub head: &'a str,
    /// Shortened at the end of a word, with an ellipsis.
    pub middle: &'a str,
    /// Never shortened: how to answer, link, marking.
    pub tail: &'a str,
}

/// A short message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sms {
    /// What is sent.
    pub text: String,
    /// In which alphabet.
    pub alphabet: Alphabet,
    /// In how many parts.
    pub parts: usize,
    /// Its middle was shortened.
    pub shortened: bool,
}

/// Puts sections together so that they take at most `most` parts (1 to [`MOST_PARTS`]); only the middle gives way.
/// Should head and tail alone be longer, they are sent whole all the same: a message without its code is of no use.
pub fn fit(sections: Sections<'_>, most: usize) -> Sms {
    let most = most.clamp(1, MOST_PARTS);
    let whole = plainer(&join(sections.head, sections.middle, sections.tail));
    let done = |text: String, shortened| {
        let alphabet = alphabet(&text);
        Sms { parts: parts(&text), alphabet, text, shortened }
    };
    if parts(&whole) <= most {
        return done(whole, false);
    }
    // Ends of words, as byte offsets: the longest that fits is found by halving.
    let middle = sections.middle;
    let mut words: Vec<usize> = Vec::new();
    let mut before: Option<char> = None;
    for (at, c) in middle.char_indices() {
        if c.is_whitespace() && before.is_some_and(|b| !b.is_whitespace()) {
            words.push(at);
        }
        before = Some(c);
    }
    let cut = |end: usize| {
        let kept = middle.get(..end).unwrap_or_default().trim_end_matches([',', ';', ':', '-', ' ']);
        plainer(&join(sections.head, &format!("{kept}…"), sections.tail))
    };
    let longest = |ends: &[usize]| {
        let mut fits = ends.partition_point(|&end| parts(&cut(end)) <= most);
        // Length does not quite only grow: another letter further on may change the alphabet.
        while let Some(&end) = fits.checked_sub(1).and_then(|i| ends.get(i)) {
            let text = cut(end);
            if parts(&text) <= most {
                return Some(text);
            }
            fits -= 1;
        }
        None
    };
    let letters =
        || middle.char_indices().map(|(at, _)| at).filter(|&at| at > 0).take(MOST_PARTS * 160).collect::<Vec<_>>();
    // Not even one word fits: the first is cut within. Nothing of it does: it goes without.
    match longest(&words).or_else(|| longest(&letters())) {
        Some(text) => done(text, true),
        None => done(plainer(&join(sections.head, "", sections.tail)), true),
    }
}

fn join(head: &str, middle: &str, tail: &str) -> String {
    let mut out = String::with_capacity(head.len() + middle.len() + tail.len() + 2);
    for section in [head, middle, tail] {
        if !out.is_empty() && !section.is_empty() {
            out.push(' ');
        }
        out.push_str(section);
    }
    out
}

/// Renders a notice in at most so many parts. Short messages pass strangers: content only up to TLP:GREEN.
///
/// A bulletin with a sheet whose whole text does not fit says its 360 characters, and if they do not fit either its 90:
/// people chose those words.
pub fn sms(w: &Words<'_>, most_parts: usize) -> Sms {
    let mut head = front_words(w).map(|e| format!("{e}:")).unwrap_or_default();
    let mut say = |s: &str| {
        if !head.is_empty() {
            head.push(' ');
        }
        head.push_str(s);
    };
    if w.reminder > 0 {
        say(&match w.language {
            Language::En => format!("Reminder {}:", w.reminder),
            Language::Es => format!("Recordatorio {}:", w.reminder),
        });
    }
    if w.may_repeat {
        say(match w.language {
            Language::En => "(may repeat)",
            Language::Es => "(puede repetirse)",
        });
    }
    let may = releases(w.tlp, MOST_BY_STRANGERS);
    let mut ask = String::new();
    if may {
        if let Some(code) = w.asked() {
            ask = match w.language {
                Language::En => format!("Reply {} to acknowledge.", one_line(code)),
                Language::Es => format!("Responda {} para confirmar.", one_line(code)),
            };
        }
        // What it is in a word, never cut.
        say(&format!("{}:", plain::standing(w.state, w.level, w.version, w.language)));
    }
    let number = w.number_words().filter(|_| may).unwrap_or_default();
    let tail = |marking: &str| {
        let parts = [ask.clone(), w.link.map(one_line).unwrap_or_default(), number.clone(), one_line(marking)];
        parts.into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ")
    };
    // Whom it may go to gives way before what it says; the label never does.
    let (whole_tail, short_tail) = (tail(&w.marking), tail(w.tlp.label()));
    let whole = if may { format!("{}. {}", one_line(&w.title), one_line(w.text)) } else { withheld(w.language).into() };
    let put = |middle: &str, tail: &str| fit(Sections { head: &head, middle, tail }, most_parts);
    let fitted = put(&whole, &whole_tail);
    if !fitted.shortened {
        return fitted;
    }
    let own = [short::own_brief(w), short::own_short(w)].into_iter().flatten();
    let shorter = std::iter::once(whole.clone()).chain(own.filter(|_| may));
    let mut shorter = shorter.map(|middle| put(&middle, &short_tail));
    shorter.find(|s| !s.shortened).unwrap_or_else(|| put(&whole, &short_tail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;
    use proptest::prelude::*;
    use skypicket_model::{NoticeState, Tlp};

    #[test]
    fn the_alphabet_is_that_of_the_standard() {
        assert_eq!(BASIC.chars().count(), 127, "128 places, one of them the escape");
        assert_eq!(EXTENSION.chars().count(), 10);
        for c in "@£$¥èéùìòÇØøÅåΔΞÆæßÉ¤¡¿ÄÖÑÜ§äöñüà\n\r_".chars() {
            assert_eq!(alphabet(&c.to_string()), Alphabet::Gsm7, "{c}");
        }
        // Often believed to be in it.
        for c in "áíóúÁÍÓÚçêâ`°…“’–\t".chars() {
            assert_eq!(alphabet(&c.to_string()), Alphabet::Ucs2, "{c}");
        }
    }

    #[test]
    fn lengths_and_parts_at_their_edges() {
        for (text, alphabet_of, expect) in [
            (String::new(), Alphabet::Gsm7, 1),
            ("a".repeat(160), Alphabet::Gsm7, 1),
            ("a".repeat(161), Alphabet::Gsm7, 2),
            ("a".repeat(306), Alphabet::Gsm7, 2),
            ("a".repeat(307), Alphabet::Gsm7, 3),
            ("€".repeat(80), Alphabet::Gsm7, 1),
            ("€".repeat(81), Alphabet::Gsm7, 2),
            // 76 of them are 152 septets: the one left over stays empty, and the third part begins one sooner.
            ("€".repeat(152), Alphabet::Gsm7, 2),
            ("€".repeat(153), Alphabet::Gsm7, 3),
            ("я".repeat(70), Alphabet::Ucs2, 1),
            ("я".repeat(71), Alphabet::Ucs2, 2),
            ("я".repeat(134), Alphabet::Ucs2, 2),
            ("я".repeat(135), Alphabet::Ucs2, 3),
            ("🛸".repeat(35), Alphabet::Ucs2, 1),
            ("🛸".repeat(36), Alphabet::Ucs2, 2),
            // 33 of them are 66 units of 67.
            ("🛸".repeat(66), Alphabet::Ucs2, 2),
            ("🛸".repeat(67), Alphabet::Ucs2, 3),
        ] {
            let first: String = text.chars().take(1).collect();
            assert_eq!((alphabet(&text), parts(&text)), (alphabet_of, expect), "{} × {first}", text.chars().count());
        }
    }

    #[test]
    fn spanish_keeps_one_part_without_the_accents_that_the_alphabet_lacks() {
        let text = "¡Atención! Dron a 900 m al este: pónganse a cubierto, señor Núñez. ¿Está ahí? Según la última observación…";
        assert_eq!(alphabet(text), Alphabet::Ucs2);
        assert_eq!(
            plainer(text),
            "¡Atencion! Dron a 900 m al este: ponganse a cubierto, señor Nuñez. ¿Esta ahi? Segun la ultima observacion..."
        );
        assert_eq!((parts(text), parts(&plainer(text))), (2, 1));
        let w = Words { language: Language::Es, text, title: "Dron".into(), ..sample() };
        let sms = sms(&w, 2);
        assert_eq!((sms.alphabet, sms.shortened), (Alphabet::Gsm7, false), "{}", sms.text);
    }

    #[test]
    fn a_text_in_another_script_is_sent_whole_in_ucs2_with_its_accents() {
        for text in ["дрон тут, atención", "dron 🛸 según"] {
            assert_eq!(plainer(text), text);
        }
    }

    #[test]
    fn only_the_middle_is_shortened_and_at_a_word() {
        let w = Words { text: "Take cover now. ".repeat(40).leak(), ..sample() };
        for most in 1..=3 {
            let sms = sms(&w, most);
            assert_eq!(sms.parts, most, "{}", sms.text);
            assert!(sms.shortened && sms.text.starts_with("URGENT: Drone near Post 1. "), "{}", sms.text);
            assert!(
                sms.text.ends_with("... Reply 4711 to acknowledge. https://picket.example/n/abc TLP:GREEN"),
                "{}",
                sms.text
            );
            assert!(["cover...", "now....", "Take..."].iter().any(|w| sms.text.contains(w)), "{}", sms.text);
        }
    }

    #[test]
    fn a_short_notice_is_not_shortened() {
        let sms = sms(&sample(), 3);
        assert_eq!(
            sms.text,
            "URGENT: Drone near Post 1. A drone is 900 m north of you and may be here in 40 s. Take cover. Do not look for it. Reply 4711 to acknowledge. https://picket.example/n/abc TLP:GREEN"
        );
        assert_eq!((sms.parts, sms.shortened), (2, false));
    }

    #[test]
    fn recalled_says_so_and_asks_for_no_reply() {
        let text = sms(&Words { state: NoticeState::Recalled, ..sample() }, 3).text;
        assert!(text.starts_with("RECALLED: ") && !text.contains("Reply"), "{text}");
    }

    #[test]
    fn above_green_only_the_way_in_and_the_label() {
        let w = Words { tlp: Tlp::Red, marking: "TLP:RED".into(), ..sample() };
        assert_eq!(sms(&w, 1).text, "Something waits for you. Open Skypicket. https://picket.example/n/abc TLP:RED");
    }

    proptest! {
        #[test]
        fn parts_hold_the_text_whole_and_none_is_too_long(text in "[a-z€^ñ ]{0,400}|[a-z€á🛸 ]{0,200}") {
            let alphabet = alphabet(&text);
            let split = split(&text);
            prop_assert_eq!(split.concat(), text);
            let most = if split.len() == 1 { alphabet.single() } else { alphabet.part() };
            for part in &split {
                let units: usize = match alphabet {
                    Alphabet::Gsm7 => part.chars().map(|c| if "^{}\\[~]|€\u{c}".contains(c) { 2 } else { 1 }).sum(),
                    Alphabet::Ucs2 => part.encode_utf16().count(),
                };
                prop_assert!(units <= most, "{} > {}", units, most);
            }
        }

        #[test]
        fn fitting_keeps_head_and_tail_and_the_bound(
            head in "[A-Z]{1,12}", middle in "[a-zñ€°á🛸 ]{0,600}", tail in "[a-z0-9]{1,40}", most in 1usize..5,
        ) {
            let sms = fit(Sections { head: &head, middle: &middle, tail: &tail }, most);
            prop_assert!(sms.parts <= most, "{} parts: {}", sms.parts, sms.text);
            prop_assert!(sms.text.starts_with(&head) && sms.text.ends_with(&tail));
            prop_assert_eq!(sms.parts, parts(&sms.text));
            if !sms.shortened {
                prop_assert_eq!(sms.text, plainer(&join(&head, &middle, &tail)));
            }
        }
    }
}
