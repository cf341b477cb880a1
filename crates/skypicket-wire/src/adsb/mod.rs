//! ADS-B: other aircraft, so that they are known for what they are and never warned of as drones.
//!
//! Read are raw Mode S frames (Beast, AVR), BaseStation lines and the `aircraft.json` of readsb and dump1090. What says
//! of itself that it is unmanned (emitter category B6) is a drone; surface vehicles and obstacles (categories C) are no
//! aircraft; everything else is crewed. ADS-B is not authenticated: its positions are claims like any other.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod aircraft;
pub mod aircraft_json;
pub mod cpr;
pub mod crc;
pub mod framing;
pub mod message;
pub mod sbs;
pub mod table;

pub use aircraft::{Aircraft, FOOT_M, KNOT_MPS, MAX_AGE_S};
pub use framing::Framing;
pub use message::{ModeS, NoModeS};

use crate::{
    feed::{Feed, Heard, Moment, Piece},
    receivers::objects::{self, Objects},
    relayed::Reception,
};
use framing::{Found, Frames};
use serde_json::{Value, json};
use table::Table;

/// The line of `decode adsb`: a line of JSON, of hexadecimal (plain or as AVR), or of BaseStation.
pub fn decode_line(line: &[u8]) -> Value {
    let line = line.trim_ascii();
    let refused = |kind: &str, offset: usize, message: String| {
        json!({"ok": false, "messages": [], "flags": [],
               "error": {"kind": kind, "offset": offset, "message": message}})
    };
    if matches!(line.first(), Some(b'{' | b'[')) {
        return aircraft_json::decode_line(line);
    }
    if line.starts_with(b"MSG,") {
        return match sbs::decode(line) {
            Some(a) => json!({"ok": true, "messages": [a.to_json()], "flags": [], "error": null}),
            None => refused("sbs_line", 0, "no message of an aircraft".to_owned()),
        };
    }
    let Some(digits) = framing::avr_digits(line) else {
        return refused("avr_line", 0, "12 digits of time must stand after the @".to_owned());
    };
    let bytes = match crate::hex::decode(digits, 14) {
        Ok(b) => b,
        Err(e) => return refused(e.kind.word(), e.offset, e.to_string()),
    };
    match ModeS::decode(&bytes) {
        Ok(m) => json!({"ok": true, "messages": [m.to_json()], "flags": [], "error": null}),
        Err(e) => {
            let (offset, message) = match e {
                NoModeS::Length => (bytes.len(), format!("{} bytes are no frame of this format", bytes.len())),
                NoModeS::Parity => (bytes.len().saturating_sub(3), "the parity is wrong".to_owned()),
                NoModeS::Format(f) => (0, format!("downlink format {f} is not read")),
            };
            refused(e.word(), offset, message)
        }
    }
}

/// Longest line of hexadecimal or BaseStation that is kept.
const MAX_LINE: usize = 4_096;

/// The lines of `decode adsb`, from a stream: lines, and JSON that may stand on several (a whole `aircraft.json` is one).
/// Blank lines are no input.
#[derive(Debug)]
pub struct Lines {
    objects: Objects,
    line: Vec<u8>,
}

impl Default for Lines {
    fn default() -> Self {
        Self { objects: Objects::with_limit(aircraft_json::MAX_FILE), line: Vec::new() }
    }
}

impl Lines {
    /// Takes the next bytes and gives the lines of what is whole by now.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(Value)) {
        for &b in bytes {
            let json = !self.objects.is_idle() || (self.line.is_empty() && matches!(b, b'{' | b'['));
            if json {
                self.objects.push(&[b], &mut |f| of_json(&f, out));
            } else if b == b'\n' {
                self.end_line(out);
            } else if self.line.len() < MAX_LINE && !(self.line.is_empty() && b.is_ascii_whitespace()) {
                self.line.push(b);
            }
        }
    }

    /// The end of the input.
    pub fn finish(&mut self, out: &mut dyn FnMut(Value)) {
        self.objects.finish(&mut |f| of_json(&f, out));
        self.end_line(out);
    }

    fn end_line(&mut self, out: &mut dyn FnMut(Value)) {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            out(decode_line(&line));
        }
    }
}

fn of_json(found: &objects::Found<'_>, out: &mut dyn FnMut(Value)) {
    out(match *found {
        objects::Found::Value { bytes, .. } => aircraft_json::decode_line(bytes),
        objects::Found::Bad { reason, offset } => json!({
            "ok": false, "messages": [], "flags": [],
            "error": {"kind": reason, "offset": offset, "message": format!("no JSON value ends here (byte {offset})")},
        }),
    });
}

/// The feed of a Mode S receiver: frames to aircraft. Frames with a wrong parity are many on any antenna and are passed
/// over without a word.
#[derive(Debug)]
pub struct Receiver {
    framing: Framing,
    frames: Frames,
    table: Table,
}

impl Receiver {
    /// Of a framing.
    pub fn new(framing: Framing) -> Self {
        Self { framing, frames: Frames::new(framing), table: Table::default() }
    }
}

impl Feed for Receiver {
    fn hear(&mut self, bytes: &[u8], piece: Piece, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        let near = at.receiver_at.map(|p| (p.lat_deg, p.lon_deg));
        let table = &mut self.table;
        let mut hear = |f: Found<'_>| match f {
            Found::Frame(frame, _) => {
                let Ok(m) = ModeS::decode(frame) else { return };
                let aircraft = table.hear(&m, at.received_at, near);
                if let Some(observation) = aircraft.and_then(|a| a.observe(&Reception::default(), at)) {
                    out(Heard::Observation { receiver: None, observation: Box::new(observation) });
                }
            }
            Found::Bad(reason, offset) => out(Heard::Refused { reason, offset }),
        };
        if piece == Piece::Stream {
            self.frames.push(bytes, &mut hear);
        } else {
            let mut frames = Frames::new(self.framing);
            frames.push(bytes, &mut hear);
            frames.finish(&mut hear);
        }
    }

    fn restart(&mut self) {
        self.frames = Frames::new(self.framing);
    }
}
