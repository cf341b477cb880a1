//! Network Remote ID: flights as a service of the sky knows them, over HTTP.
//!
//! Three shapes. A display provider's answer after ASTM F3411-19 or F3411-22a (`{"flights":[{"id","current_state",…}]}`)
//! and its details of one flight (`{"details":{…}}`) are read leniently: a flight that cannot be read costs itself. The
//! recorded test flights of InterUSS (`{"flights":[{"states":[…],"flight_details":{…}}]}`) are an exercise's input and are
//! read strictly: the first field that is missing or impossible refuses the file, by its path.
//!
//! Everything comes out as relayed Remote ID messages, each with the `flight` that it belongs to.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod field;
mod provider;
mod test_flight;

pub use provider::Provider;

use crate::{
    json::{self, Limits},
    receivers::Refusal,
    relayed::{Flags, Message},
};
use field::Field;
use serde_json::{Value, json};
use skypicket_model::Time;

/// How much of one answer is taken: 16 MiB, 16 deep.
pub const LIMITS: Limits = Limits { bytes: 16 << 20, depth: 16, elements: 1_000_000 };

/// One flight.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flight {
    /// Its id at the service: new with each flight, no identity of an aircraft.
    pub id: Option<String>,
    /// The service says that it does not fly.
    pub simulated: bool,
    /// When its times begin, in a test flight.
    pub reference: Option<Time>,
    /// Who it is, its operator, and its positions, oldest first.
    pub messages: Vec<Message>,
    /// Findings.
    pub flags: Flags,
}

/// What came out of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The flights.
    pub flights: Vec<Flight>,
    /// What could not be read, the first.
    pub error: Option<Refusal>,
}

/// Reads a file of any of the shapes.
pub fn read(bytes: &[u8]) -> Answer {
    let refused = |error| Answer { flights: vec![], error: Some(error) };
    let value = match json::parse(bytes, &LIMITS) {
        Ok(v) => v,
        Err(e) => {
            return refused(Refusal { kind: e.kind.as_str(), offset: e.offset as u64, message: e.message });
        }
    };
    let root = Field::root(&value);
    if let Some(list) = value.get("flights").and_then(Value::as_array) {
        let test = list.iter().any(|f| f.get("states").is_some() || f.get("flight_details").is_some());
        return if test {
            match test_flight::flights(&root) {
                Ok(flights) => Answer { flights, error: None },
                Err(e) => refused(e),
            }
        } else {
            provider::flights(&root)
        };
    }
    if value.get("details").is_some_and(Value::is_object) {
        return match provider::details(&root) {
            Ok(f) => Answer { flights: vec![f], error: None },
            Err(e) => refused(e),
        };
    }
    refused(Refusal::new("netrid_content", "neither flights nor the details of one"))
}

/// The line of `decode netrid`: a file as one line.
pub fn decode(bytes: &[u8]) -> Value {
    let answer = read(bytes);
    let mut messages = Vec::new();
    let mut flags = Flags::new();
    for (k, f) in answer.flights.iter().enumerate() {
        for m in &f.messages {
            let mut o = m.to_json();
            if let Some(fields) = o.as_object_mut() {
                fields.insert("flight".into(), k.into());
                fields.insert("flight_id".into(), json!(f.id));
            }
            messages.push(o);
        }
        for flag in &f.flags {
            crate::relayed::add(&mut flags, flag);
        }
    }
    json!({
        "ok": answer.error.is_none(), "messages": messages, "flags": flags,
        "error": answer.error.as_ref().map(Refusal::to_json), "flights": answer.flights.len(),
    })
}
