//! The log, on standard error: structured lines (JSON), or text where a person reads it in a terminal.
//!
//! A line is a fixed sentence with fields; never a secret, a name that was typed, or where anybody is.

use std::io::IsTerminal;

/// The environment variable that says what is logged (default `info`; `skypicket=debug` for more).
pub const WHAT: &str = "SKYPICKET_LOG";
/// The environment variable that says how: `json` or `text`.
pub const HOW: &str = "SKYPICKET_LOG_FORMAT";

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Format {
    /// As asked for, else as fits the reader; an error names what was asked for and is neither.
    fn choose(asked: Option<&str>, terminal: bool) -> Result<Self, String> {
        match asked {
            Some("json") => Ok(Self::Json),
            Some("text") => Ok(Self::Text),
            None | Some("") => Ok(if terminal { Self::Text } else { Self::Json }),
            Some(other) => Err(format!("environment variable {HOW}: '{other}': give json or text")),
        }
    }
}

/// Starts the log; an error is bad usage.
pub fn start() -> Result<(), String> {
    let asked = std::env::var(HOW).ok();
    let format = Format::choose(asked.as_deref(), std::io::stderr().is_terminal())?;
    let filter = match std::env::var(WHAT) {
        Ok(what) => tracing_subscriber::EnvFilter::try_new(&what)
            .map_err(|e| format!("environment variable {WHAT}: '{what}': {e}"))?,
        Err(_) => tracing_subscriber::EnvFilter::new("info"),
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber in one process (tests) is no fault.
    let _ = match format {
        Format::Json => lines.json().try_init(),
        Format::Text => lines.with_ansi(false).try_init(),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_json_unless_a_person_reads_them_or_somebody_said_otherwise() {
        for (asked, terminal, expect) in [
            (None, false, Format::Json),
            (None, true, Format::Text),
            (Some(""), true, Format::Text),
            (Some("json"), true, Format::Json),
            (Some("text"), false, Format::Text),
        ] {
            assert_eq!(Format::choose(asked, terminal), Ok(expect), "{asked:?} {terminal}");
        }
        assert!(Format::choose(Some("xml"), true).unwrap_err().contains("'xml': give json or text"));
    }
}
