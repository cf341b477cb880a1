//! [`Reply`]: what somebody wrote back over SMS, mail or chat: the codes that acknowledge, and the words that a gateway
//! must honour (STOP, START, HELP), in English and Spanish.
//!
//! Nothing is guessed. A code is four or five ASCII digits that stand alone; a word counts only when it is the whole
//! message. What a mail quotes of ours, and what stands under its signature line, is not what its writer says: our own
//! mail holds a code, and quoting it acknowledges nothing.

/// Most octets of a text that are looked at; the rest is left.
const MOST_TEXT: usize = 64 * 1024;
/// Most codes of one reply.
const MOST_CODES: usize = 8;

/// What the whole message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// No more over this channel.
    Stop,
    /// Again over this channel.
    Start,
    /// How this works.
    Help,
}

/// Words of each kind, upper case, without accents. Those that telephone companies take by themselves are among them.
const WORDS: [(Word, &[&str]); 3] = [
    (
        Word::Stop,
        &["STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "ALTO", "PARAR", "BAJA", "CANCELAR"],
    ),
    (Word::Start, &["START", "UNSTOP", "SUBSCRIBE", "INICIAR", "EMPEZAR", "ALTA"]),
    (Word::Help, &["HELP", "INFO", "AYUDA"]),
];

/// What somebody wrote back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reply {
    /// Numbers of four or five digits that stand alone, each once, in order, at most eight.
    pub codes: Vec<String>,
    /// What the whole message asks for; then there is no code.
    pub word: Option<Word>,
}

impl Reply {
    /// Reads a message without what it quotes and without its signature.
    pub fn read(text: &str) -> Self {
        let own = own_words(bounded(text));
        match whole_word(&own) {
            Some(word) => Self { codes: Vec::new(), word: Some(word) },
            None => Self { codes: codes(&own).into_iter().map(str::to_owned).collect(), word: None },
        }
    }
}

/// The numbers of four or five ASCII digits in a text that stand alone, each once, at most eight.
pub fn codes(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for word in bounded(text).split(|c: char| !c.is_alphanumeric()) {
        let is_code = matches!(word.len(), 4 | 5) && word.bytes().all(|b| b.is_ascii_digit());
        if is_code && found.len() < MOST_CODES && !found.contains(&word) {
            found.push(word);
        }
    }
    found
}

fn bounded(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MOST_TEXT)).unwrap_or_default()
}

/// The lines that its writer wrote: up to a signature or to what is quoted below, and without quoted lines above.
fn own_words(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(|l| l.trim_end_matches('\r')).collect();
    let mut own = String::new();
    for (k, line) in lines.iter().enumerate() {
        let bare = line.trim_start_matches('\u{feff}').trim();
        // RFC 3676, section 4.3: the line before a signature; many programs lose its space.
        if *line == "-- " || bare == "--" || is_history(bare) || introduces(bare, lines.get(k + 1).copied()) {
            break;
        }
        if bare.starts_with('>') {
            continue;
        }
        own.push_str(bare);
        own.push('\n');
    }
    own
}

/// "On Tuesday, A wrote:", which programs break over two lines when it is long; and the same in Spanish.
fn introduces(line: &str, next: Option<&str>) -> bool {
    let low = line.to_lowercase();
    let begins = |low: &str| low.starts_with("on ") || low.starts_with("el ") || low.starts_with("le ");
    let ends = |low: &str| ["wrote:", "escribió:", "escribio:"].iter().any(|e| low.trim_end().ends_with(e));
    begins(&low) && (ends(&low) || next.is_some_and(|n| ends(&n.to_lowercase()) && !n.trim_start().starts_with('>')))
}

/// How other programs begin what they quote without marking each line.
fn is_history(line: &str) -> bool {
    let dashed = line.starts_with("---") && line.ends_with("---");
    let low = line.to_lowercase();
    dashed && ["original message", "mensaje original", "forwarded message", "mensaje reenviado"].iter().any(|w| low.contains(w))
        // A rule of underscores stands before the header that some programs quote.
        || line.len() >= 20 && line.bytes().all(|b| b == b'_')
}

fn whole_word(own: &str) -> Option<Word> {
    let plain: String = own.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    let said = plain.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase();
    WORDS.iter().find(|(_, words)| words.contains(&said.as_str())).map(|(word, _)| *word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Option<Word>) {
        let r = Reply::read(text);
        (r.codes, r.word)
    }

    fn codes_of(text: &str) -> Vec<String> {
        Reply::read(text).codes
    }

    #[test]
    fn only_four_or_five_ascii_digits_alone_are_a_code() {
        for text in ["4711", " 4711 ", "4711.", "ok 4711!", "Ack: 4711\r\n", "\t4711\u{a0}", "«4711»", "#4711"] {
            assert_eq!(codes_of(text), ["4711"], "{text:?}");
        }
        assert_eq!(codes_of("0042 0042,12345"), ["0042", "12345"], "each once, in order");
        for none in ["", " ", "ok", "471", "471111", "a4711", "4711a", "+19155550123", "٤٧١١", "４７１１", "4 7 1 1"]
        {
            assert!(codes_of(none).is_empty(), "{none:?}");
        }
    }

    #[test]
    fn at_most_eight_codes_are_taken_of_one_reply_and_of_a_bounded_part_of_it() {
        let many: Vec<String> = (1_000..1_100).map(|n| n.to_string()).collect();
        assert_eq!(codes_of(&many.join(" ")), many[..8]);
        let far = format!("{}4711", "ñ ".repeat(MOST_TEXT));
        assert!(codes_of(&far).is_empty());
    }

    #[test]
    fn stop_start_and_help_count_in_both_languages_when_they_are_the_whole_message() {
        for (word, texts) in [
            (Word::Stop, ["STOP", "stop", " Stop. ", "Stop all\r\n", "ALTO", "¡Alto!", "baja"]),
            (Word::Start, ["START", "start ", "Unstop", "INICIAR", "iniciar!", "Alta", "subscribe"]),
            (Word::Help, ["HELP", "help?", " Help", "AYUDA", "¿Ayuda?", "info", "INFO."]),
        ] {
            for text in texts {
                assert_eq!(read(text), (Vec::new(), Some(word)), "{text:?}");
            }
        }
        assert_eq!(read("stop the drone 4711"), (vec!["4711".to_owned()], None));
        assert_eq!(read("please stop"), (Vec::new(), None), "said in passing it stops nothing");
        assert_eq!(read("help 4711").0, ["4711"]);
        assert_eq!(read("STOPPED").1, None);
    }

    #[test]
    fn what_a_mail_quotes_of_ours_acknowledges_nothing() {
        for quoted in [
            "> Reply with code 4711",
            ">4711\n> > 12345",
            "On Thu, 26 Nov 2026, Watch wrote:\n4711",
            "On Thu, 26 Nov 2026 at 18:00, Sector Watch\n<watch@centre.example> wrote:\n\nReply with 4711",
            "El jue, 26 nov 2026 a las 18:00, Watch escribió:\n4711",
            "-----Original Message-----\nReply with 4711",
            "________________________________\nFrom: Watch\n4711",
            "-- \nAgent, ext. 4711",
            "--\nAgent, ext. 4711",
            "-- \r\nAgent, ext. 4711",
        ] {
            assert!(codes_of(quoted).is_empty(), "{quoted:?}");
            assert_eq!(codes_of(&format!("0815\n{quoted}")), ["0815"], "{quoted:?}");
        }
        assert_eq!(codes_of("> Reply with 4711\nok 0815"), ["0815"], "an answer below the quotation");
        assert_eq!(read("STOP\n\nOn Thu, Watch wrote:\n> 4711").1, Some(Word::Stop));
    }

    #[test]
    fn a_sentence_that_only_looks_like_an_introduction_is_read() {
        assert_eq!(codes_of("On my way, 4711"), ["4711"]);
        assert_eq!(codes_of("On it\n4711\n> Watch wrote:"), ["4711"]);
        assert_eq!(codes_of("El código es 4711"), ["4711"]);
    }
}
