//! Receivers and gateways: what others have heard and decoded, in the JSON (and once in the binary frames) that they emit.
//!
//! One file per maker. Each turns one object into a [`Report`]: relayed messages under the field names of a decoded
//! broadcast, how they were heard, and what was doubtful. [`Gateway`] is the feed over all of them, [`Lines`] the lines of
//! `skypicket decode receivers`. What a gateway thinks of a drone (affiliation, threat) is not read.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod antsdr;
pub mod compressed;
pub mod dragonsync;
pub mod dronecot;
pub mod dronescout;
mod fields;
mod gateway;
pub mod meshmapper;
pub mod objects;
pub mod uas_data;

pub use gateway::Gateway;

use crate::{
    json::{self, Limits},
    relayed::{self, Flags, Message, Reception},
};
use fields::Object;
use objects::{Found, Objects};
use serde_json::{Value, json};
use std::str::FromStr;

/// Whose JSON it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum As {
    /// To be told from the content.
    #[default]
    Auto,
    /// DroneScout over MQTT.
    DroneScout,
    /// DragonSync over ZMQ, MQTT or HTTP.
    DragonSync,
    /// dronecot's lines and payloads.
    DroneCot,
    /// mesh-mapper.
    MeshMapper,
    /// AntSDR; binary, so lines of hexadecimal or the stream itself.
    AntSdr,
}

impl As {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::DroneScout => "dronescout",
            Self::DragonSync => "dragonsync",
            Self::DroneCot => "dronecot",
            Self::MeshMapper => "meshmapper",
            Self::AntSdr => "antsdr",
        }
    }
}

/// The text names no receiver.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is none of auto, dronescout, dragonsync, dronecot, meshmapper, antsdr")]
pub struct NotAReceiver(String);

impl FromStr for As {
    type Err = NotAReceiver;
    fn from_str(s: &str) -> Result<Self, NotAReceiver> {
        [Self::Auto, Self::DroneScout, Self::DragonSync, Self::DroneCot, Self::MeshMapper, Self::AntSdr]
            .into_iter()
            .find(|f| f.as_str() == s)
            .ok_or_else(|| NotAReceiver(s.chars().take(40).collect()))
    }
}

/// What came out of one object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Who made it, as far as it was told.
    pub form: As,
    /// What was relayed.
    pub messages: Vec<Message>,
    /// How and by whom it was heard.
    pub reception: Reception,
    /// Findings about the object as a whole.
    pub flags: Flags,
    /// What could not be read; with messages beside it they are salvaged.
    pub error: Option<Refusal>,
}

/// Why something was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The fixed word.
    pub kind: &'static str,
    /// Where, in bytes from the start of the object.
    pub offset: u64,
    /// The same in a sentence.
    pub message: String,
}

impl Refusal {
    /// Of the object as a whole.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, offset: 0, message: message.into() }
    }

    /// As an object.
    pub fn to_json(&self) -> Value {
        json!({"kind": self.kind, "offset": self.offset, "message": self.message})
    }
}

impl Report {
    fn refused(error: Refusal) -> Self {
        Self { error: Some(error), ..Self::default() }
    }

    /// The line of the `decode` contract, with `as` and `reception` beside it.
    pub fn to_json(&self) -> Value {
        json!({
            "ok": self.error.is_none(), "messages": self.messages.iter().map(Message::to_json).collect::<Vec<_>>(),
            "flags": self.flags, "error": self.error.as_ref().map(Refusal::to_json),
            "as": self.form.as_str(), "reception": relayed::reception(&self.reception),
        })
    }
}

/// How much of one value is taken.
const LIMITS: Limits = Limits { bytes: objects::MAX_VALUE, depth: 32, elements: 100_000 };

/// Reads a value that stands by itself and gives a report for each object in it: an array is many, but DragonSync's list
/// of one-key objects is one.
pub fn read(bytes: &[u8], form: As, out: &mut dyn FnMut(Report)) {
    match json::parse(bytes, &LIMITS) {
        Ok(value) => each(&value, form, 0, out),
        Err(e) => {
            out(Report::refused(Refusal { kind: e.kind.as_str(), offset: e.offset as u64, message: e.message }));
        }
    }
}

fn each(value: &Value, form: As, depth: u8, out: &mut dyn FnMut(Report)) {
    match value {
        Value::Array(items) if matches!(form, As::Auto | As::DragonSync) && dragonsync::is_list(items) => {
            out(Report { form: As::DragonSync, ..dragonsync::decode_list(items) });
        }
        Value::Array(items) if depth < 2 => items.iter().for_each(|v| each(v, form, depth + 1, out)),
        Value::Object(o) => match contained(o) {
            Some(items) if depth < 2 => items.iter().for_each(|v| each(v, form, depth + 1, out)),
            _ => out(decode(o, form)),
        },
        _ => out(Report::refused(Refusal::new("receiver_content", "not an object"))),
    }
}

/// The list in an answer over HTTP that is nothing but a list (`{"drones":[…]}`).
fn contained(o: &Object) -> Option<&Vec<Value>> {
    const LISTS: [&str; 5] = ["drones", "signals", "aircraft", "tracks", "detections"];
    LISTS.iter().find_map(|k| o.get(*k)?.as_array()).filter(|l| l.iter().all(Value::is_object))
}

/// The report of one object.
pub fn decode(o: &Object, form: As) -> Report {
    let form = if form == As::Auto { guess(o) } else { form };
    let report = match form {
        As::DroneScout => dronescout::decode(o),
        As::DragonSync => dragonsync::decode(o),
        As::DroneCot => dronecot::decode(o),
        As::MeshMapper => meshmapper::decode(o),
        As::Auto => Report::refused(Refusal::new("receiver_unknown", "no receiver writes an object like this one")),
        As::AntSdr => Report::refused(Refusal::new("receiver_content", "AntSDR sends binary frames, no JSON")),
    };
    Report { form, ..report }
}

/// Tells from the keys of an object who made it; `Auto` where nobody is known to.
fn guess(o: &Object) -> As {
    let any = |keys: &[&str]| keys.iter().any(|k| o.contains_key(*k));
    if any(&["protocol"]) && any(&dronescout::KEYS) {
        As::DroneScout
    } else if any(&["BasicID", "UAType", "UASdata"]) || (any(&["radio"]) && any(&["mac", "t", "lat"])) {
        As::DroneCot
    } else if any(&dragonsync::MESSAGES) {
        As::DragonSync
    } else if any(&["drone_lat", "drone_long", "basic_id", "heartbeat"]) {
        As::MeshMapper
    } else if any(&["track_type", "seen_by", "signal_type", "center_hz", "icao", "cpu_usage", "gps_fix"])
        || (any(&["id"]) && any(&["lat", "latitude", "pilot_lat"]))
    {
        As::DragonSync
    } else {
        As::Auto
    }
}

/// The lines of `decode receivers`, from a stream of JSON.
#[derive(Debug, Default)]
pub struct Lines {
    form: As,
    objects: Objects,
}

impl Lines {
    /// For the receivers of a form.
    pub fn new(form: As) -> Self {
        Self { form, objects: Objects::default() }
    }

    /// Takes the next bytes and gives the lines of what is whole by now.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(Value)) {
        let form = self.form;
        self.objects.push(bytes, &mut |f| line(&f, form, out));
    }

    /// The end of the input.
    pub fn finish(&mut self, out: &mut dyn FnMut(Value)) {
        let form = self.form;
        self.objects.finish(&mut |f| line(&f, form, out));
    }
}

fn line(found: &Found<'_>, form: As, out: &mut dyn FnMut(Value)) {
    match *found {
        Found::Value { bytes, .. } => read(bytes, form, &mut |r| out(r.to_json())),
        Found::Bad { reason, offset } => {
            let refusal = Refusal { kind: reason, offset, message: format!("no JSON value ends here (byte {offset})") };
            out(Report { form, ..Report::refused(refusal) }.to_json());
        }
    }
}

/// The line of a compressed input that cannot be taken.
pub fn refused_line(reason: &'static str, form: As) -> Value {
    let message = match reason {
        "lzma_too_large" => "more than 1 MiB, or 300 times itself, or more memory than is given, would come out of it",
        _ => "not whole LZMA",
    };
    Report { form, ..Report::refused(Refusal::new(reason, message)) }.to_json()
}
