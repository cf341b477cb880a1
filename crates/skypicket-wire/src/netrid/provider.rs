//! A display provider's answers after ASTM F3411, and the feed over them.

use super::{
    Answer, Flight,
    field::{self, Field},
};
use crate::{
    feed::{Feed, Heard, Moment, Piece},
    receivers::Refusal,
    relayed::{self, BasicId, Flags, Location, Message, OperatorId, Reception, SelfId, System, add},
};
use skypicket_model::Time;
use std::collections::BTreeMap;

/// The flights of an answer. One that cannot be read is left out and said.
pub(super) fn flights(root: &Field<'_>) -> Answer {
    let mut answer = Answer::default();
    let items = match root.need("flights").and_then(|f| f.items()) {
        Ok(items) => items,
        Err(e) => return Answer { error: Some(e), ..answer },
    };
    for f in items {
        match flight(&f) {
            Ok(f) => answer.flights.push(f),
            Err(e) => {
                answer.error.get_or_insert(e);
            }
        }
    }
    answer
}

fn flight(f: &Field<'_>) -> Result<Flight, Refusal> {
    let mut out = Flight { id: Some(f.need("id")?.text()?.to_owned()), ..Flight::default() };
    out.simulated = f.opt("simulated").is_some_and(|s| s.value == true);
    if out.simulated {
        add(&mut out.flags, "simulated");
    }
    let ua_type = f.opt("aircraft_type").map(|t| t.text().map(field::aircraft_type)).transpose()?.flatten();
    if ua_type.is_some() {
        // Who it is stands in the details.
        out.messages.push(Message::BasicId(BasicId { id_type: Some(0), ua_type, ..BasicId::default() }.checked()));
    }
    // Where it was before: recent positions have no velocity.
    for p in f.opt("recent_positions").map(|r| r.items()).transpose()?.unwrap_or_default() {
        let at = p.need("time")?.time()?;
        let location = position(&p.need("position")?)?;
        out.messages.push(Message::Location(Box::new(Location { at: Some(at), ..location }.checked())));
    }
    if let Some(s) = f.opt("current_state") {
        out.messages.push(Message::Location(Box::new(state(&s)?)));
    }
    Ok(out)
}

/// A state, leniently: what is out of range is unknown and flagged.
fn state(s: &Field<'_>) -> Result<Location, Refusal> {
    let number = |k: &str| s.opt(k).map(|f| f.number()).transpose();
    let word = |k: &str| s.opt(k).map(|f| f.text()).transpose();
    let mut l = position(&s.need("position")?)?;
    l.at = Some(s.need("timestamp")?.time()?);
    l.direction_deg = number("track")?;
    l.speed_h_mps = number("speed")?;
    l.speed_v_mps = number("vertical_speed")?;
    l.speed_acc = word("speed_accuracy")?.and_then(field::speed);
    l.status = word("operational_status")?.and_then(field::status);
    l.ts_acc = number("timestamp_accuracy")?.and_then(tenths);
    // F3411-19 has the height beside the position.
    if let (None, Some(h)) = (l.height_m, s.opt("height")) {
        (l.height_m, l.height_ref) = height(&h)?;
    }
    Ok(l.checked())
}

/// Tenths of a second, 1 to 15.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within 1 to 15 by the filter
pub(super) fn tenths(s: f64) -> Option<u8> {
    Some(libm::round(s * 10.0)).filter(|t| (1.0..=15.0).contains(t)).map(|t| t as u8)
}

pub(super) fn height(h: &Field<'_>) -> Result<(Option<f64>, Option<u8>), Refusal> {
    let distance = h.opt("distance").map(|d| d.number()).transpose()?;
    let reference = h.opt("reference").map(|r| r.text()).transpose()?.and_then(field::height_ref);
    Ok((distance, reference))
}

fn position(p: &Field<'_>) -> Result<Location, Refusal> {
    let number = |k: &str| p.opt(k).map(|f| f.number()).transpose();
    let word = |k: &str| p.opt(k).map(|f| f.text()).transpose();
    let mut flags = Flags::new();
    if p.opt("extrapolated").is_some_and(|e| e.value == true) {
        add(&mut flags, "extrapolated");
    }
    let (height_m, height_ref) = p.opt("height").map_or(Ok((None, None)), |h| height(&h))?;
    Ok(Location {
        position: number("lat")?.zip(number("lng")?),
        alt_geo_m: number("alt")?,
        alt_baro_m: number("pressure_altitude")?,
        horiz_acc: word("accuracy_h")?.and_then(field::horizontal),
        vert_acc: word("accuracy_v")?.and_then(field::vertical),
        height_m,
        height_ref,
        flags,
        ..Location::default()
    })
}

/// The details of one flight.
pub(super) fn details(root: &Field<'_>) -> Result<Flight, Refusal> {
    let d = root.need("details")?;
    let mut out = Flight { id: Some(d.need("id")?.text()?.to_owned()), ..Flight::default() };
    out.messages = detail_messages(&d)?;
    Ok(out)
}

/// A text that may be missing.
fn text<'a>(f: &Field<'a>, key: &str) -> Result<Option<&'a str>, Refusal> {
    f.opt(key).map(|f| f.text()).transpose()
}

/// Who flies what, in the words of F3411-19 or F3411-22a.
pub(super) fn detail_messages(d: &Field<'_>) -> Result<Vec<Message>, Refusal> {
    let mut out = Vec::new();
    let filled = |t: Option<&str>| t.map(str::trim).filter(|t| !t.is_empty()).map(|t| t.as_bytes().to_vec());
    let mut id = |id_type: u8, id: Option<Vec<u8>>| {
        if let Some(id) = id {
            out.push(Message::BasicId(BasicId { id_type: Some(id_type), ua_type: None, id, flags: vec![] }.checked()));
        }
    };
    let ids = d.opt("uas_id").unwrap_or_else(|| d.clone());
    id(1, filled(text(&ids, "serial_number")?.or(text(d, "serial_number")?)));
    id(2, filled(text(&ids, "registration_id")?.or(text(d, "registration_number")?)));
    id(3, text(&ids, "utm_id")?.and_then(|t| uuid::Uuid::parse_str(t).ok()).map(|u| u.as_bytes().to_vec()));
    id(4, filled(text(&ids, "specific_session_id")?));
    if let Some(desc) = filled(text(d, "operation_description")?) {
        out.push(Message::SelfId(SelfId { desc_type: Some(0), desc, flags: vec![] }.checked()));
    }
    let mut system = System::default();
    if let Some(o) = d.opt("operator_location") {
        // F3411-22a puts the position into a field of its own, beside its altitude.
        let at = o.opt("position").unwrap_or_else(|| o.clone());
        let number = |f: &Field<'_>, k: &str| f.opt(k).map(|f| f.number()).transpose();
        system.operator = number(&at, "lat")?.zip(number(&at, "lng")?);
        system.operator_alt_geo_m = match o.opt("altitude") {
            Some(a) if a.opt("reference").is_none_or(|r| r.value == "W84") => number(&a, "value")?,
            _ => None,
        };
        system.operator_location_type = match text(&o, "altitude_type")? {
            Some("Takeoff") => Some(0),
            Some("Dynamic") => Some(1),
            Some("Fixed") => Some(2),
            _ => None,
        };
    }
    if let Some(eu) = d.opt("eu_classification") {
        system.classification_type = Some(1);
        system.category_eu = Some(match text(&eu, "category")? {
            Some("Open") => 1,
            Some("Specific") => 2,
            Some("Certified") => 3,
            _ => 0,
        });
        system.class_eu = text(&eu, "class")?
            .and_then(|c| c.strip_prefix("EUClass").or_else(|| c.strip_prefix("Class")))
            .and_then(|n| n.parse::<u8>().ok())
            .filter(|n| *n < 7)
            .map(|n| n + 1);
    }
    if system != System::default() {
        out.push(Message::System(Box::new(system.checked())));
    }
    if let Some(id) = filled(text(d, "operator_id")?) {
        out.push(Message::OperatorId(OperatorId { operator_id_type: Some(0), id, flags: vec![] }.checked()));
    }
    Ok(out)
}

/// Most flights whose details and last time are kept.
const MOST: usize = 4_096;

/// The feed of a display provider: answers as they are polled. Keeps the details of each flight, so that its positions
/// carry its identity, and its last time, so that the same state polled twice is one observation. Simulated flights and
/// recorded test flights are refused: they do not fly.
#[derive(Debug, Default)]
pub struct Provider {
    known: BTreeMap<String, Known>,
    held: Vec<u8>,
    clock: u64,
}

#[derive(Debug, Default)]
struct Known {
    details: Vec<Message>,
    last: Option<Time>,
    /// When it was last told of, in answers.
    touched: u64,
}

impl Provider {
    fn known(&mut self, id: &str) -> &mut Known {
        if self.known.len() >= MOST && !self.known.contains_key(id) {
            let oldest = self.known.iter().min_by_key(|(_, k)| k.touched).map(|(k, _)| k.clone());
            oldest.map(|k| self.known.remove(&k));
        }
        let clock = self.clock;
        let k = self.known.entry(id.chars().take(128).collect()).or_default();
        k.touched = clock;
        k
    }

    fn answer(&mut self, bytes: &[u8], at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        self.clock += 1;
        let answer = super::read(bytes);
        if answer.error.is_none() {
            out(Heard::Alive { receiver: None, at: None });
        }
        for f in answer.flights {
            if f.simulated || f.reference.is_some() {
                out(Heard::Refused { reason: "simulated", offset: 0 });
                continue;
            }
            let Some(id) = f.id.clone() else { continue };
            let known = self.known(&id);
            let newest =
                f.messages.iter().rev().find_map(|m| if let Message::Location(l) = m { Some(l) } else { None });
            let Some(newest) = newest.cloned() else {
                known.details = f.messages;
                continue;
            };
            if newest.at.is_some() && newest.at <= known.last {
                continue;
            }
            known.last = newest.at;
            let mut messages: Vec<Message> =
                f.messages.into_iter().filter(|m| !matches!(m, Message::Location(_))).collect();
            messages.extend(known.details.iter().cloned());
            messages.push(Message::Location(newest));
            let reception = Reception {
                transport: Some("netrid".to_owned()),
                address: Some(id.chars().take(64).collect()),
                ..Reception::default()
            };
            if let Some(observation) = relayed::observe(&messages, &reception, at) {
                out(Heard::Observation { receiver: None, observation: Box::new(observation) });
            }
        }
        if let Some(e) = answer.error {
            out(Heard::Refused { reason: e.kind, offset: e.offset });
        }
    }
}

impl Feed for Provider {
    fn hear(&mut self, bytes: &[u8], piece: Piece, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        if piece == Piece::Whole {
            return self.answer(bytes, at, out);
        }
        // A stream of answers, one a line.
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            self.held.extend_from_slice(part);
            if self.held.len() > super::LIMITS.bytes {
                self.held = Vec::new();
                out(Heard::Refused { reason: "json_too_large", offset: 0 });
            }
            if part.ends_with(b"\n") {
                let line = std::mem::take(&mut self.held);
                if !line.trim_ascii().is_empty() {
                    self.answer(&line, at, out);
                }
            }
        }
    }

    fn restart(&mut self) {
        self.held = Vec::new();
    }
}
