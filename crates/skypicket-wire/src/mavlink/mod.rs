//! MAVLink: what an aircraft of one's own, or a Remote ID receiver on its bus, says over its telemetry link.
//!
//! Read are the heartbeat, the position (GLOBAL_POSITION_INT) and Open Drone ID. Who an aircraft on a link is comes from
//! the configuration of the link ([`crate::feed::OwnAircraft`]), never from the air: system ids are not identities, and
//! MAVLink authenticates nothing that we check. Nothing is ever sent to an aircraft.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod frame;
pub mod open_drone_id;

pub use frame::{Frame, NoFrame};

use crate::{
    feed::{Feed, Heard, Moment, Piece},
    hex,
    relayed::{self, Flags, Message, Reception, add, position},
    remote_id::{DecodeError, observe::SIGMA_UNKNOWN_M, render, text},
};
use frame::{MAGIC_V1, MAGIC_V2, MAX_FRAME};
use open_drone_id::Fields;
use serde_json::{Value, json};
use skypicket_model::{
    Claims, Measurement, Observation, ObservationId, Place, Signal, kinematics::AirClass, observation::IdClaim,
};
use std::collections::BTreeMap;

/// Message id of HEARTBEAT.
pub const HEARTBEAT: u32 = 0;
/// Message id of GLOBAL_POSITION_INT.
pub const GLOBAL_POSITION_INT: u32 = 33;
/// Message id of OPEN_DRONE_ID_BASIC_ID.
pub const BASIC_ID: u32 = 12_900;
/// Message id of OPEN_DRONE_ID_LOCATION.
pub const LOCATION: u32 = 12_901;
/// Message id of OPEN_DRONE_ID_AUTHENTICATION.
pub const AUTHENTICATION: u32 = 12_902;
/// Message id of OPEN_DRONE_ID_SELF_ID.
pub const SELF_ID: u32 = 12_903;
/// Message id of OPEN_DRONE_ID_SYSTEM.
pub const SYSTEM: u32 = 12_904;
/// Message id of OPEN_DRONE_ID_OPERATOR_ID.
pub const OPERATOR_ID: u32 = 12_905;
/// Message id of OPEN_DRONE_ID_MESSAGE_PACK.
pub const MESSAGE_PACK: u32 = 12_915;
/// Message id of OPEN_DRONE_ID_ARM_STATUS.
pub const ARM_STATUS: u32 = 12_918;
/// Message id of OPEN_DRONE_ID_SYSTEM_UPDATE.
pub const SYSTEM_UPDATE: u32 = 12_919;

/// What a frame says.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A system is there.
    Heartbeat {
        /// MAV_TYPE.
        kind: u8,
        /// MAV_AUTOPILOT.
        autopilot: u8,
        /// MAV_MODE_FLAG bits; 128 is armed.
        base_mode: u8,
        /// MAV_STATE.
        system_status: u8,
    },
    /// Where the aircraft is, by its own estimate.
    Position(Position),
    /// Open Drone ID.
    DroneId {
        /// The messages.
        messages: Vec<Message>,
        /// Findings about all of them together.
        flags: Flags,
        /// What could not be read.
        error: Option<DecodeError>,
        /// Whose: `None` is the sender's own aircraft.
        other: Option<String>,
    },
    /// Whether Remote ID allows the aircraft to arm.
    ArmStatus {
        /// 0 good to arm.
        status: u8,
        /// Why not.
        error: Vec<u8>,
    },
    /// A newer position of the operator.
    SystemUpdate(Box<relayed::System>),
    /// A message that is not read.
    Other,
}

/// GLOBAL_POSITION_INT.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Latitude and longitude, degrees.
    pub position: Option<(f64, f64)>,
    /// Altitude above the sea, metres: not above the ellipsoid.
    pub alt_msl_m: f64,
    /// Height above the home point, metres.
    pub height_home_m: f64,
    /// Velocity east, north, up, m/s.
    pub velocity_enu_mps: [f64; 3],
    /// Heading of the nose, degrees; no course.
    pub heading_deg: Option<f64>,
    /// Seconds since the autopilot began.
    pub since_boot_s: f64,
    /// Findings.
    pub flags: Flags,
}

/// What a frame says.
pub fn content(frame: &Frame) -> Content {
    let f = Fields(&frame.payload);
    match frame.message {
        HEARTBEAT => {
            Content::Heartbeat { kind: f.u8(4), autopilot: f.u8(5), base_mode: f.u8(6), system_status: f.u8(7) }
        }
        GLOBAL_POSITION_INT => {
            let mut flags = Flags::new();
            let metres = |offset| f64::from(f.i32(offset)) / 1000.0;
            let speed = |offset| f64::from(f.i16(offset)) / 100.0;
            Content::Position(Position {
                position: position(Some(f.degrees(4, 8)), &mut flags),
                alt_msl_m: metres(12),
                height_home_m: metres(16),
                // On the wire: north, east, down.
                velocity_enu_mps: [speed(22), speed(20), -speed(24)],
                heading_deg: Some(f.u16(26)).filter(|h| *h < 36_000).map(|h| f64::from(h) / 100.0),
                since_boot_s: f64::from(f.u32(0)) / 1000.0,
                flags,
            })
        }
        ARM_STATUS => {
            Content::ArmStatus { status: f.u8(0), error: text::cut(f.0.get(1..).unwrap_or_default()).to_vec() }
        }
        SYSTEM_UPDATE => Content::SystemUpdate(Box::new(
            relayed::System {
                operator: Some(f.degrees(0, 4)),
                operator_alt_geo_m: Some(f64::from(f32::from_le_bytes(f.at(8)))),
                timestamp_2019_s: Some(f.u32(12)),
                ..relayed::System::default()
            }
            .checked(),
        )),
        MESSAGE_PACK => {
            let (messages, flags, error) = open_drone_id::message_pack(&frame.payload);
            Content::DroneId { messages, flags, error, other: other(frame) }
        }
        message => match open_drone_id::plain(message, &frame.payload) {
            Some(m) => Content::DroneId { messages: vec![m], flags: Flags::new(), error: None, other: other(frame) },
            None => Content::Other,
        },
    }
}

/// The other aircraft that an Open Drone ID message is about: a MAC address, or an id as text.
fn other(frame: &Frame) -> Option<String> {
    let at = open_drone_id::id_or_mac_at(frame.message)?;
    let id: [u8; 20] = Fields(&frame.payload).at(at);
    if id.iter().all(|b| *b == 0) {
        return None;
    }
    let (mac, rest) = id.split_first_chunk::<6>()?;
    if rest.iter().all(|b| *b == 0) {
        return Some(mac.map(|b| format!("{b:02X}")).join(":"));
    }
    Some(text::printable(text::cut(&id)))
}

/// The line of `decode mavlink`: one frame in hexadecimal. What a frame says of itself stands beside the messages.
pub fn decode_line(line: &str) -> Value {
    let bytes = match hex::decode(line.trim().as_bytes(), 4 * MAX_FRAME) {
        Ok(b) => b,
        Err(e) => return refused(e.kind.word(), e.offset, &e.to_string()),
    };
    let (frame, used) = match Frame::decode(&bytes) {
        Ok(f) => f,
        Err(e) => {
            let (offset, message) = match e {
                NoFrame::Short(need) => (bytes.len(), format!("needs {need} bytes and has {}", bytes.len())),
                NoFrame::Magic => (0, "no frame begins with this byte: FE is version 1, FD version 2".to_owned()),
                NoFrame::Incompatible => (2, "a flag that a reader must know and does not".to_owned()),
                NoFrame::Checksum => (bytes.len().saturating_sub(2), "the checksum is wrong".to_owned()),
                NoFrame::Length => (1, "the payload is longer than the message, or cut in version 1".to_owned()),
            };
            return refused(e.word(), offset, &message);
        }
    };
    let content = content(&frame);
    let mut flags = Flags::new();
    let (mut error, mut other) = (None, None);
    let messages: Vec<Value> = match &content {
        Content::DroneId { messages, flags: f, error: e, other: o } => {
            flags.extend(f);
            error = e.map(|e| render::error(&e));
            other.clone_from(o);
            messages.iter().map(Message::to_json).collect()
        }
        Content::Other => vec![],
        other => vec![to_json(other)],
    };
    if frame.signed {
        add(&mut flags, "signature_unchecked");
    }
    if !frame.checked {
        add(&mut flags, "checksum_unchecked");
    }
    if used < bytes.len() {
        add(&mut flags, "trailing_bytes");
    }
    json!({
        "ok": error.is_none(), "messages": messages, "flags": flags, "error": error,
        "frame": {
            "version": frame.version, "sequence": frame.sequence, "system": frame.system,
            "component": frame.component, "message_id": frame.message, "signed": frame.signed,
        },
        "about": other,
    })
}

fn refused(kind: &str, offset: usize, message: &str) -> Value {
    json!({"ok": false, "messages": [], "flags": [],
           "error": {"kind": kind, "offset": offset, "message": message}})
}

fn to_json(c: &Content) -> Value {
    match c {
        Content::Heartbeat { kind, autopilot, base_mode, system_status } => json!({
            "msg": "heartbeat", "type": kind, "autopilot": autopilot, "base_mode": base_mode,
            "armed": base_mode & 128 != 0, "system_status": system_status, "flags": [],
        }),
        Content::Position(p) => json!({
            "msg": "global_position", "lat_deg": p.position.map(|p| p.0), "lon_deg": p.position.map(|p| p.1),
            "alt_msl_m": p.alt_msl_m, "height_home_m": p.height_home_m, "vel_enu_mps": p.velocity_enu_mps,
            "heading_deg": p.heading_deg, "since_boot_s": p.since_boot_s, "flags": p.flags,
        }),
        Content::ArmStatus { status, error } => json!({
            "msg": "arm_status", "status": status, "error": text::printable(error), "flags": [],
        }),
        Content::SystemUpdate(s) => {
            let mut o = Message::System(s.clone()).to_json();
            if let Some(fields) = o.as_object_mut() {
                fields.insert("msg".into(), "system_update".into());
            }
            o
        }
        Content::DroneId { .. } | Content::Other => Value::Null,
    }
}

/// A link to one aircraft or several: frames out of datagrams or a stream, to what they say.
#[derive(Debug, Default)]
pub struct Link {
    held: Vec<u8>,
    /// Of the first byte held.
    offset: u64,
    /// Bytes were already refused and no frame has come since.
    lost: bool,
    /// Kind of each system, as its heartbeat says.
    classes: BTreeMap<u8, Option<AirClass>>,
}

impl Link {
    /// Takes frames from the front of what is held.
    fn drain(&mut self, last: bool, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        let held = std::mem::take(&mut self.held);
        let mut from = 0;
        loop {
            let rest = held.get(from..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let offset = self.offset + from as u64;
            let used = match Frame::decode(rest) {
                Ok((frame, used)) if frame.checked => {
                    self.lost = false;
                    self.hear_frame(&frame, offset, at, out);
                    used
                }
                // One that cannot be checked is passed over as a whole only when another begins right after it.
                Ok((_, used)) => match rest.get(used) {
                    Some(&(MAGIC_V1 | MAGIC_V2)) => used,
                    None if last => used,
                    None => break,
                    Some(_) => self.lose("mavlink_magic", offset, out),
                },
                Err(NoFrame::Short(_)) if !last => break,
                Err(e) => self.lose(e.word(), offset, out),
            };
            from += used;
        }
        self.held = held.get(from..).unwrap_or_default().to_vec();
        self.offset += from as u64;
    }

    /// Refuses bytes once until a frame comes; the next byte may begin one.
    fn lose(&mut self, reason: &'static str, offset: u64, out: &mut dyn FnMut(Heard)) -> usize {
        if !self.lost {
            self.lost = true;
            out(Heard::Refused { reason, offset });
        }
        1
    }

    fn hear_frame(&mut self, frame: &Frame, offset: u64, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        let own = at.own.iter().find(|o| o.system.is_none_or(|s| s == frame.system)).map(|o| o.id.clone());
        match content(frame) {
            Content::Heartbeat { kind, .. } => {
                self.classes.insert(frame.system, class_of(kind));
                out(Heard::Alive { receiver: Some(format!("mavlink-{}", frame.system)), at: None });
            }
            Content::Position(p) => {
                let class = self.classes.get(&frame.system).copied().flatten();
                if let Some(observation) = observe(&p, frame, own, class, at) {
                    out(Heard::Observation { receiver: None, observation: Box::new(observation) });
                }
            }
            Content::DroneId { messages, flags, error, other } => {
                let reception = Reception {
                    transport: Some("mavlink".to_owned()),
                    address: Some(other.clone().unwrap_or_else(|| format!("mavlink-{}", frame.system))),
                    ..Reception::default()
                };
                if let Some(mut o) = relayed::observe(&messages, &reception, at) {
                    if let (None, Some(id)) = (&other, own) {
                        o.claims.ids = vec![id];
                    }
                    o.flags.extend(flags.iter().map(|f| (*f).to_owned()));
                    if frame.signed {
                        o.flags.push("signature_unchecked".to_owned());
                    }
                    o.flags.sort_unstable();
                    o.flags.dedup();
                    out(Heard::Observation { receiver: None, observation: Box::new(o) });
                }
                if let Some(e) = error {
                    out(Heard::Refused { reason: e.kind.word(), offset });
                }
            }
            Content::ArmStatus { .. } | Content::SystemUpdate(_) | Content::Other => {}
        }
    }
}

/// MAV_TYPE to a class: multirotors and helicopters, aeroplanes and VTOLs; the rest is unknown.
fn class_of(kind: u8) -> Option<AirClass> {
    match kind {
        2..=4 | 13..=15 | 29 | 35 => Some(AirClass::Rotor),
        1 | 19..=25 => Some(AirClass::FixedWing),
        _ => None,
    }
}

/// The observation of an own aircraft. Its altitude is above the sea, so its height above the ellipsoid is unknown.
fn observe(
    p: &Position,
    frame: &Frame,
    own: Option<IdClaim>,
    class: Option<AirClass>,
    at: &mut Moment<'_>,
) -> Option<Observation> {
    let (lat, lon) = p.position?;
    let place = Place::new(lat, lon, None).ok()?;
    let mut flags = p.flags.clone();
    add(&mut flags, "accuracy_unknown");
    if own.is_none() {
        add(&mut flags, "identity_not_configured");
    }
    if frame.signed {
        add(&mut flags, "signature_unchecked");
    }
    flags.sort_unstable();
    let v = SIGMA_UNKNOWN_M * SIGMA_UNKNOWN_M;
    Some(Observation {
        id: ObservationId((at.new_id)()),
        source: at.source.clone(),
        observed_at: at.received_at,
        received_at: at.received_at,
        measurement: Measurement::Position { at: place, cov_enu_m2: [[v, 0.0, 0.0], [0.0, v, 0.0], [0.0; 3]] },
        claims: Claims {
            ids: own.into_iter().collect(),
            class,
            velocity_enu_mps: Some(p.velocity_enu_mps),
            height_takeoff_m: Some(p.height_home_m),
            ..Claims::default()
        },
        signal: Signal {
            transport: Some("mavlink".to_owned()),
            address: Some(format!("mavlink-{}", frame.system)),
            ..Signal::default()
        },
        sighting: None,
        flags: flags.into_iter().map(str::to_owned).collect(),
    })
}

impl Feed for Link {
    fn hear(&mut self, bytes: &[u8], piece: Piece, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        if piece == Piece::Stream {
            self.held.extend_from_slice(bytes);
            self.drain(false, at, out);
            return;
        }
        // A datagram holds whole frames; what a stream left is another matter.
        let stream = std::mem::take(&mut self.held);
        let (offset, lost) = (std::mem::take(&mut self.offset), std::mem::take(&mut self.lost));
        self.held = bytes.to_vec();
        self.drain(true, at, out);
        (self.held, self.offset, self.lost) = (stream, offset, lost);
    }

    fn restart(&mut self) {
        (self.held, self.offset, self.lost) = (Vec::new(), 0, false);
    }
}
