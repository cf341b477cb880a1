//! `decode remote-id`: one line of hexadecimal to one JSON object.

use super::{
    beacon::{self, ElementKind},
    ble,
    error::{DecodeError, ErrorKind},
    flags::Flags,
    gatherer::{AuthenticationSet, whole_sets},
    header::{Header, MESSAGE_SIZE},
    nan,
    pack::{self, Decoded},
    render,
};
use crate::{dji_droneid::DroneId, french_id};
use serde_json::{Value, json};
use std::str::FromStr;

/// What the bytes of a line are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum As {
    /// To be told from the bytes.
    #[default]
    Auto,
    /// A plain message of 25 bytes.
    Message,
    /// A message pack.
    Pack,
    /// An 802.11 beacon or probe response, without radiotap and frame check sequence.
    Beacon,
    /// An 802.11 NAN action frame.
    Nan,
    /// Bluetooth legacy advertising data.
    BleLegacy,
    /// Bluetooth extended advertising data.
    BleExtended,
}

/// The text names no form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is none of auto, message, pack, beacon, nan, ble-legacy, ble-extended")]
pub struct NotAForm(String);

impl FromStr for As {
    type Err = NotAForm;
    fn from_str(s: &str) -> Result<Self, NotAForm> {
        Ok(match s {
            "auto" => Self::Auto,
            "message" => Self::Message,
            "pack" => Self::Pack,
            "beacon" => Self::Beacon,
            "nan" => Self::Nan,
            "ble-legacy" => Self::BleLegacy,
            "ble-extended" => Self::BleExtended,
            _ => return Err(NotAForm(s.chars().take(40).collect())),
        })
    }
}

/// Most characters of a line; the largest 802.11 management frame is 2,352 bytes.
const MAX_HEX: usize = 8_192;

/// Decodes one line. Never fails: what is wrong stands in the object (`design.md` section 7).
pub fn decode_line(hex: &str, form: As) -> Value {
    match from_hex(hex.trim()) {
        Ok(bytes) => decode_bytes(&bytes, form),
        Err(e) => refused(&e),
    }
}

fn refused(e: &DecodeError) -> Value {
    json!({"ok": false, "messages": [], "flags": [], "error": render::error(e)})
}

fn decode_bytes(b: &[u8], form: As) -> Value {
    match form {
        As::Auto => decode_bytes(b, guess(b)),
        As::Message => pack::decode_message(b).to_json(),
        As::Pack => pack::decode(b).to_json(),
        As::Beacon => decode_beacon(b),
        As::Nan => match nan::find(b) {
            Ok(found) => {
                let found = found.map(|f| {
                    let d = pack::decode_payload(f.payload);
                    (f.counter, f.offset, Decoded { flags: d.flags.with(f.flags), ..d })
                });
                together(found, Flags::NONE)
            }
            Err(e) => refused(&e),
        },
        As::BleLegacy | As::BleExtended => {
            let mut walk = ble::walk(b);
            let found: Vec<_> =
                walk.by_ref().map(|f| (f.counter, f.offset, pack::decode_advertised(f.payload))).collect();
            together(found, Flags::ELEMENT_CLIPPED.when(walk.clipped()))
        }
    }
}

/// All elements of a beacon that identify aircraft, as one line.
fn decode_beacon(frame: &[u8]) -> Value {
    let mut walk = match beacon::walk(frame) {
        Ok(w) => w,
        Err(e) => return refused(&e),
    };
    let mut line = Line::default();
    for e in walk.by_ref() {
        match e.kind {
            ElementKind::RemoteId { counter } => line.take(counter, e.offset, &pack::decode_payload(e.payload)),
            ElementKind::French => {
                let d = french_id::decode(e.payload);
                line.messages.extend(d.message.map(|m| m.to_json()));
                line.fail(d.error, e.offset);
            }
            ElementKind::DjiDroneId => match DroneId::decode(e.payload) {
                Ok(m) => line.messages.push(m.to_json()),
                Err(error) => line.fail(Some(error), e.offset),
            },
            ElementKind::NanSync => {}
        }
    }
    line.flags |= Flags::ELEMENT_CLIPPED.when(walk.clipped());
    line.into_json()
}

/// What one frame carries.
#[derive(Default)]
struct Line {
    messages: Vec<Value>,
    flags: Flags,
    error: Option<DecodeError>,
    counters: Vec<u8>,
    sets: Vec<Value>,
}

impl Line {
    /// Takes what came out of a payload of Remote ID at a byte of the frame.
    fn take(&mut self, counter: u8, offset: usize, d: &Decoded) {
        self.messages.extend(d.messages.iter().map(|m| m.to_json()));
        self.flags |= d.flags;
        self.fail(d.error, offset);
        self.counters.push(counter);
        self.sets.extend(whole_sets(d.messages.iter()).iter().map(AuthenticationSet::to_json));
    }

    fn fail(&mut self, error: Option<DecodeError>, offset: usize) {
        self.error = self.error.or(error.map(|e| e.moved(offset)));
    }

    fn into_json(self) -> Value {
        let mut line = json!({
            "ok": self.error.is_none(), "messages": self.messages, "flags": render::words(self.flags),
            "error": self.error.map(|e| render::error(&e)), "counters": self.counters,
        });
        render::put_sets(&mut line, self.sets);
        line
    }
}

/// What one frame carries, as one line: (counter, offset of the payload, what came out of it).
fn together(found: impl IntoIterator<Item = (u8, usize, Decoded)>, frame_flags: Flags) -> Value {
    let mut line = Line { flags: frame_flags, ..Line::default() };
    for (counter, offset, d) in found {
        line.take(counter, offset, &d);
    }
    line.into_json()
}

/// Tells the form from the bytes. 25 bytes are a message unless their first says pack, since a frame is longer.
fn guess(b: &[u8]) -> As {
    let Some(&first) = b.first() else { return As::Message };
    match first {
        _ if Header::decode(first).message_type == Header::PACK => As::Pack,
        _ if b.len() == MESSAGE_SIZE => As::Message,
        // Before the frames: a structure of 208 bytes begins like an action frame.
        _ if ble::walk(b).next().is_some() => advertising(b),
        beacon::BEACON | beacon::PROBE_RESPONSE => As::Beacon,
        nan::ACTION => As::Nan,
        _ if tiles_as_advertising(b) => advertising(b),
        _ => As::Message,
    }
}

/// Legacy advertising data is at most 31 bytes.
fn advertising(b: &[u8]) -> As {
    if b.len() > 31 { As::BleExtended } else { As::BleLegacy }
}

/// Whether the bytes are a sequence of whole advertising structures up to their end or to a length of 0.
fn tiles_as_advertising(mut b: &[u8]) -> bool {
    while let Some((&len, rest)) = b.split_first() {
        if len == 0 {
            return true;
        }
        let Some(next) = rest.get(usize::from(len)..) else { return false };
        b = next;
    }
    true
}

/// Bytes of a line.
fn from_hex(text: &str) -> Result<Vec<u8>, DecodeError> {
    if text.len() > MAX_HEX {
        return Err(ErrorKind::TooLong { limit: MAX_HEX }.at(MAX_HEX));
    }
    let digit =
        |i: usize, c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or(ErrorKind::BadHex.at(i));
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    let mut out = Vec::with_capacity(pairs.len());
    for (i, &[hi, lo]) in pairs.iter().enumerate() {
        out.push(digit(2 * i, hi)? << 4 | digit(2 * i + 1, lo)?);
    }
    match odd.first() {
        Some(&c) => digit(text.len() - 1, c).and(Err(ErrorKind::OddHex.at(text.len() - 1))),
        None => Ok(out),
    }
}
