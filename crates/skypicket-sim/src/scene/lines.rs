//! [`Lines`]: the lines of a hostile file, each bounded, and [`SceneError`]: which one was refused and why.

use serde::{Deserialize, de::DeserializeOwned};
use std::{
    borrow::Cow,
    io::{self, BufRead, Read},
};

/// Longest head line, bytes: some ten thousand sensors.
pub(super) const MOST_HEADER: u64 = 16 << 20;
/// Longest other line, bytes.
pub(super) const MOST_LINE: u64 = 64 << 10;
/// Longest name of a sensor, target or track, bytes.
pub(super) const MOST_NAME: usize = 256;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum SceneError {
    /// A line.
    #[error("line {line}: {problem}")]
    Line {
        /// From 1.
        line: u64,
        /// Why.
        problem: Problem,
    },
    /// It could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why a line was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    /// Longer than may be.
    #[error("longer than {0} bytes")]
    TooLong(u64),
    /// Not JSON, or not the fields that its type has.
    #[error("byte {column}: {message}")]
    NotIt {
        /// From 1.
        column: usize,
        /// As the reader says.
        message: String,
    },
    /// Another type of line was due.
    #[error("the type is '{found}', not {wanted}")]
    Type {
        /// What it says.
        found: String,
        /// What could stand here.
        wanted: &'static str,
    },
    /// The file ended.
    #[error("the file ends before {0}")]
    Ends(&'static str),
    /// A value that cannot be.
    #[error("{field}: {why}")]
    Value {
        /// Its name.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// More lines than may be.
    #[error("more than {0} lines")]
    TooMany(u64),
}

impl Problem {
    pub(super) fn value(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Value { field: field.into(), why: why.into() }
    }
}

/// The lines of a file, with their numbers.
pub(super) struct Lines<R> {
    input: R,
    number: u64,
    buffer: Vec<u8>,
}

/// What came of asking for a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Got {
    /// [`Lines::bytes`] has one.
    Line,
    /// One began that is longer than the bound; [`Lines::bytes`] has its beginning, the rest waits.
    TooLong,
    End,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, number: 0, buffer: Vec::new() }
    }

    /// The next line that is not blank.
    pub(super) fn next(&mut self, most: u64) -> io::Result<Got> {
        loop {
            self.buffer.clear();
            if Read::take(&mut self.input, most + 1).read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(Got::End);
            }
            self.number += 1;
            if self.buffer.last() == Some(&b'\n') {
                self.buffer.pop();
            } else if self.buffer.len() as u64 > most {
                return Ok(Got::TooLong);
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Got::Line);
            }
        }
    }

    /// More of a line that was too long, up to another bound in all.
    pub(super) fn more(&mut self, most: u64) -> io::Result<Got> {
        let left = most.saturating_sub(self.buffer.len() as u64);
        Read::take(&mut self.input, left + 1).read_until(b'\n', &mut self.buffer)?;
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
        } else if self.buffer.len() as u64 > most {
            return Ok(Got::TooLong);
        }
        Ok(Got::Line)
    }

    /// Passes over the rest of a line that was too long.
    pub(super) fn skip(&mut self) -> io::Result<()> {
        self.input.skip_until(b'\n').map(drop)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    pub(super) fn refuse(&self, problem: Problem) -> SceneError {
        SceneError::Line { line: self.number, problem }
    }

    /// The line as a value.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, SceneError> {
        parse(&self.buffer).map_err(|p| self.refuse(p))
    }

    /// What the line says it is; empty where it does not.
    pub(super) fn kind(&self) -> Result<Cow<'_, str>, SceneError> {
        #[derive(Deserialize)]
        struct Kind<'a> {
            #[serde(rename = "type", borrow, default)]
            kind: Cow<'a, str>,
        }
        parse::<Kind<'_>>(&self.buffer).map(|k| k.kind).map_err(|p| self.refuse(p))
    }
}

fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|e| {
        let message = e.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(m, _)| m).to_owned();
        Problem::NotIt { column: e.column(), message }
    })
}

/// A name that can stand in a table.
pub(super) fn name(field: &str, text: &str) -> Result<(), Problem> {
    if text.is_empty() || text.len() > MOST_NAME {
        return Err(Problem::value(field, format!("{} bytes, not 1 to {MOST_NAME}", text.len())));
    }
    Ok(())
}

/// Whether a number lies in a range.
pub(super) fn within(field: &str, x: f64, least: f64, most: f64) -> Result<(), Problem> {
    if x >= least && x <= most { Ok(()) } else { Err(Problem::value(field, format!("{x} is not {least} to {most}"))) }
}

/// A time of a scene, seconds: Unix seconds fit too.
pub(super) fn time(field: &str, t: f64) -> Result<(), Problem> {
    within(field, t, -1e10, 1e10)
}

/// A local coordinate or speed.
pub(super) fn vector(field: &str, v: &[f64]) -> Result<(), Problem> {
    v.iter().try_for_each(|x| within(field, *x, -1e9, 1e9))
}

pub(super) fn place(lat: f64, lon: f64, h: f64) -> Result<(), Problem> {
    skypicket_model::Place::new(lat, lon, Some(h)).map(drop).map_err(|e| Problem::value("place", e.to_string()))
}

/// Reads the head line of a file.
pub(super) fn head<R: BufRead, T: DeserializeOwned>(
    lines: &mut Lines<R>,
    wanted: &'static str,
) -> Result<T, SceneError> {
    match lines.next(MOST_HEADER)? {
        Got::End => return Err(SceneError::Line { line: lines.number + 1, problem: Problem::Ends(wanted) }),
        Got::TooLong => return Err(lines.refuse(Problem::TooLong(MOST_HEADER))),
        Got::Line => {}
    }
    let found = lines.kind()?;
    if found != wanted {
        return Err(lines.refuse(Problem::Type { found: found.chars().take(40).collect(), wanted }));
    }
    lines.parse()
}
