//! AntSDR with the DJI firmware: binary frames over TCP (port 41030), what it decodes of OcuSync DroneID.
//!
//! A frame is two header bytes, a type, the length of all as a little-endian `u16`, and 227 bytes: serial and model of 64
//! bytes each, a product code, twelve `f64` and an `i16`. All values are little-endian. Between frames there may be zeros.
//! A burst that it could not decode comes with a serial that is no text: something is there, and that is all.

use super::{As, Refusal, Report, gateway};
use crate::{
    feed::{Feed, Heard, Moment, Piece},
    relayed::{BasicId, Flags, Location, Message, Reception, SelfId, System, known},
    remote_id::text,
};
use serde_json::Value;
use skypicket_model::geo::bearing_deg;

/// Bytes of a frame's header.
const HEADER: usize = 5;
/// Bytes of a frame.
pub const FRAME: usize = 232;
/// The header that all known firmware sends.
const MARK: [u8; 2] = [0x10, 0x30];
/// Longest frame of another kind that is passed over.
const MOST: usize = 4_096;

/// One frame, whole, to what it says.
pub fn decode(frame: &[u8]) -> Report {
    let report = match frame.split_first_chunk::<HEADER>() {
        Some((&[_, _, _, lo, hi], body)) => {
            let said = usize::from(u16::from_le_bytes([lo, hi]));
            match body.first_chunk::<{ FRAME - HEADER }>() {
                _ if said != FRAME => {
                    Report::refused(Refusal::new("antsdr_length", format!("frame of {said} bytes, not {FRAME}")))
                }
                Some(body) => drone(body),
                None => Report::refused(Refusal {
                    kind: "short",
                    offset: frame.len() as u64,
                    message: format!("needs {FRAME} bytes and has {}", frame.len()),
                }),
            }
        }
        None => Report::refused(Refusal {
            kind: "short",
            offset: frame.len() as u64,
            message: format!("needs {FRAME} bytes and has {}", frame.len()),
        }),
    };
    Report { form: As::AntSdr, ..report }
}

fn f64_at(b: &[u8; FRAME - HEADER], offset: usize) -> f64 {
    b.get(offset..).and_then(|b| b.first_chunk()).map_or(0.0, |c| f64::from_le_bytes(*c))
}

fn drone(b: &[u8; FRAME - HEADER]) -> Report {
    let mut report = Report::default();
    let part = |from: usize, to: usize| text::cut(b.get(from..to).unwrap_or_default());
    let serial = part(0, 64);
    let model = part(64, 128);
    let rssi = b.get(225..).and_then(|b| b.first_chunk()).map_or(0, |c| i16::from_le_bytes(*c));
    let f = |offset| f64_at(b, offset);
    let mhz = f(193);
    report.reception = Reception {
        transport: Some("ocusync".to_owned()),
        rssi_dbm: Some(f64::from(rssi)).filter(|r| (-200.0..0.0).contains(r)),
        // One firmware writes GHz.
        frequency_mhz: Some(if (0.1..10.0).contains(&mhz) { mhz * 1000.0 } else { mhz })
            .filter(|f| (10.0..10_000.0).contains(f)),
        ..Reception::default()
    };
    let readable = !serial.is_empty() && serial.iter().all(|c| (0x20..=0x7E).contains(c));
    if !readable {
        report.messages.push(Message::Presence { how: "drone_alert" });
        return report;
    }
    let id = serial.to_vec();
    report
        .messages
        .push(Message::BasicId(BasicId { id_type: Some(1), ua_type: None, id, flags: Flags::new() }.checked()));
    if !model.is_empty() {
        let desc = model.to_vec();
        report.messages.push(Message::SelfId(SelfId { desc_type: None, desc, flags: Flags::new() }.checked()));
    }
    let mut flags = Flags::new();
    let filled = |v: f64| Some(v).filter(|v| v.abs() > 1e-12);
    let east = known(Some(f(201)), None, -300.0..=300.0, "speed_h_out_of_range", &mut flags);
    let north = known(Some(f(209)), None, -300.0..=300.0, "speed_h_out_of_range", &mut flags);
    let speed = east.zip(north).map(|(e, n)| libm::hypot(e, n));
    report.messages.push(Message::Location(Box::new(
        Location {
            direction_deg: east.zip(north).filter(|_| speed.is_some_and(|s| s > 0.0)).map(|(e, n)| bearing_deg(e, n)),
            speed_h_mps: speed,
            speed_v_mps: Some(f(217)),
            position: Some((f(145), f(153))),
            // DJI does not say above what.
            alt_m: filled(f(169)),
            height_m: filled(f(161)),
            flags,
            ..Location::default()
        }
        .checked(),
    )));
    report.messages.push(Message::System(Box::new(
        System { operator: Some((f(129), f(137))), home: Some((f(177), f(185))), ..System::default() }.checked(),
    )));
    report
}

/// What a frame says, for [`encode`].
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Frame {
    /// Serial number, at most 64 bytes.
    pub serial: String,
    /// Model, at most 64 bytes.
    pub model: String,
    /// Operator latitude and longitude, drone latitude and longitude, height, altitude, home latitude and longitude,
    /// frequency (MHz), speed east, north and up (m/s).
    pub numbers: [f64; 12],
    /// dBm.
    pub rssi: i16,
}

/// A frame, for tests and exercises.
pub fn encode(f: &Frame) -> Vec<u8> {
    let mut out = vec![0u8; FRAME];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(slot) = out.get_mut(at..at + bytes.len()) {
            slot.copy_from_slice(bytes);
        }
    };
    put(0, &MARK);
    put(2, &[1, 232, 0]);
    for (at, t) in [(0, &f.serial), (64, &f.model)] {
        put(HEADER + at, t.as_bytes().get(..t.len().min(64)).unwrap_or_default());
    }
    for (k, n) in f.numbers.iter().enumerate() {
        put(HEADER + 129 + 8 * k, &n.to_le_bytes());
    }
    put(HEADER + 225, &f.rssi.to_le_bytes());
    out
}

/// Frames out of a stream, with the offset of each.
#[derive(Debug, Default)]
pub struct Frames {
    held: Vec<u8>,
    /// Of the first byte held.
    offset: u64,
    /// Bytes were already refused and no frame has come since.
    lost: bool,
}

impl Frames {
    /// Takes the next bytes; gives each frame (`Ok`) and the offset of bytes that are none (`Err`).
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(u64, Option<&[u8]>)) {
        self.held.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            let rest = self.held.get(at..).unwrap_or_default();
            let zeros = rest.iter().take_while(|b| **b == 0).count();
            let rest = rest.get(zeros..).unwrap_or_default();
            at += zeros;
            let Some(&[a, b, _, lo, hi]) = rest.first_chunk::<HEADER>() else { break };
            let length = usize::from(u16::from_le_bytes([lo, hi]));
            let marked = [a, b] == MARK && (HEADER..=MOST).contains(&length);
            let offset = self.offset + at as u64;
            if length == FRAME || marked {
                let Some(frame) = rest.get(..length) else { break };
                if length == FRAME {
                    out(offset, Some(frame));
                }
                self.lost = false;
                at += length;
            } else {
                if !self.lost {
                    out(offset, None);
                    self.lost = true;
                }
                at += 1;
            }
        }
        self.held.drain(..at);
        self.offset += at as u64;
    }

    /// The end: an unfinished frame is bad.
    pub fn finish(&mut self, out: &mut dyn FnMut(u64, Option<&[u8]>)) {
        if !self.held.is_empty() {
            out(self.offset, None);
        }
        *self = Self::default();
    }
}

/// The feed of an AntSDR.
#[derive(Debug, Default)]
pub struct AntSdr {
    frames: Frames,
}

impl Feed for AntSdr {
    fn hear(&mut self, bytes: &[u8], piece: Piece, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        let mut hear = |offset, frame: Option<&[u8]>| match frame {
            Some(f) => gateway::hear_report(&decode(f), offset, at, out),
            None => out(Heard::Refused { reason: "antsdr_sync", offset }),
        };
        if piece == Piece::Stream {
            self.frames.push(bytes, &mut hear);
        } else {
            let mut frames = Frames::default();
            frames.push(bytes, &mut hear);
            frames.finish(&mut hear);
        }
    }

    fn restart(&mut self) {
        self.frames = Frames::default();
    }
}

/// The lines of `decode receivers --as antsdr`: lines of hexadecimal, a frame each, or the stream itself, told apart by
/// whether the first bytes are hexadecimal digits.
#[derive(Debug, Default)]
pub struct Lines {
    hex: Option<bool>,
    line: Vec<u8>,
    frames: Frames,
}

impl Lines {
    /// Takes the next bytes and gives the lines of what is whole by now.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(Value)) {
        if bytes.is_empty() {
            return;
        }
        let hex = *self
            .hex
            .get_or_insert_with(|| bytes.iter().take(16).all(|b| b.is_ascii_hexdigit() || b.is_ascii_whitespace()));
        if !hex {
            self.frames.push(bytes, &mut |offset, frame| out(of_stream(offset, frame).to_json()));
            return;
        }
        for &b in bytes {
            if b == b'\n' {
                let line = std::mem::take(&mut self.line);
                hex_line(&line, out);
            } else if self.line.len() <= 2 * MOST {
                self.line.push(b);
            }
        }
    }

    /// The end of the input.
    pub fn finish(&mut self, out: &mut dyn FnMut(Value)) {
        self.frames.finish(&mut |offset, frame| out(of_stream(offset, frame).to_json()));
        let line = std::mem::take(&mut self.line);
        hex_line(&line, out);
    }
}

fn of_stream(offset: u64, frame: Option<&[u8]>) -> Report {
    match frame {
        Some(f) => decode(f),
        None => Report {
            form: As::AntSdr,
            ..Report::refused(Refusal { kind: "antsdr_sync", offset, message: format!("no frame (byte {offset})") })
        },
    }
}

fn hex_line(line: &[u8], out: &mut dyn FnMut(Value)) {
    if line.trim_ascii().is_empty() {
        return;
    }
    let report = match crate::hex::decode(line.trim_ascii(), MOST) {
        Ok(bytes) => decode(&bytes),
        Err(e) => Report {
            form: As::AntSdr,
            ..Report::refused(Refusal { kind: e.kind.word(), offset: e.offset as u64, message: e.to_string() })
        },
    };
    out(report.to_json());
}
