//! [`Gateway`]: the feed of JSON receivers.

use super::{
    As, Report, compressed,
    objects::{Found, Objects},
    read,
};
use crate::{
    feed::{Feed, Heard, Moment, Piece},
    relayed::{self, Message, STALE_S},
};

/// JSON of receivers to what they say. Keeps nothing but an unfinished value.
#[derive(Debug, Default)]
pub struct Gateway {
    form: As,
    stream: Objects,
}

impl Gateway {
    /// For the receivers of a form.
    pub fn new(form: As) -> Self {
        Self { form, stream: Objects::default() }
    }

    fn found(&self, found: &Found<'_>, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        match *found {
            Found::Value { bytes, offset } => {
                read(bytes, self.form, &mut |report| hear_report(&report, offset, at, out));
            }
            Found::Bad { reason, offset } => out(Heard::Refused { reason, offset }),
        }
    }
}

impl Feed for Gateway {
    fn hear(&mut self, bytes: &[u8], piece: Piece, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        if piece == Piece::Stream {
            let mut stream = std::mem::take(&mut self.stream);
            stream.push(bytes, &mut |f| self.found(&f, at, out));
            self.stream = stream;
            return;
        }
        if availability(bytes, at, out) {
            return;
        }
        let unpacked = match compressed::unpack(bytes) {
            Ok(u) => u,
            Err(reason) => return out(Heard::Refused { reason, offset: 0 }),
        };
        let mut objects = Objects::default();
        objects.push(unpacked.as_deref().unwrap_or(bytes), &mut |f| self.found(&f, at, out));
        objects.finish(&mut |f| self.found(&f, at, out));
    }

    fn restart(&mut self) {
        self.stream = Objects::default();
    }
}

/// A topic `…/availability` carries a word, no JSON: the birth of a client, or its last will. `false` where the topic is
/// another one.
fn availability(bytes: &[u8], at: &Moment<'_>, out: &mut dyn FnMut(Heard)) -> bool {
    let Some(base) = at.topic.strip_suffix("/availability") else { return false };
    let mut parts = base.rsplit('/');
    let receiver = match (parts.next().unwrap_or_default(), parts.next()) {
        ("service" | "system" | "signals", _) => None,
        (name, Some("service" | "system")) => Some(name.chars().take(64).collect()),
        // That of a single drone says nothing of a receiver.
        _ => return true,
    };
    match bytes.trim_ascii() {
        b"online" => out(Heard::Alive { receiver, at: None }),
        b"offline" => out(Heard::Gone { receiver }),
        _ => out(Heard::Refused { reason: "availability_word", offset: 0 }),
    }
    true
}

/// What a report says, in order.
pub(super) fn hear_report(report: &Report, offset: u64, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
    let r = &report.reception;
    let receiver = r.receiver.clone();
    // What a broker kept may be hours old; only its own time can say that it is not.
    let old = at.retained && r.at.is_none_or(|t| at.received_at.since_s(t) > STALE_S);
    let hold = |mut observation: skypicket_model::Observation, out: &mut dyn FnMut(Heard)| {
        if old {
            return out(Heard::Refused { reason: "retained", offset });
        }
        observation.flags.extend(report.flags.iter().map(|f| (*f).to_owned()));
        observation.flags.sort_unstable();
        observation.flags.dedup();
        out(Heard::Observation { receiver: receiver.clone(), observation: Box::new(observation) });
    };
    for m in &report.messages {
        match m {
            Message::Status(_) if old => {}
            Message::Status(s) if s.there => out(Heard::Alive { receiver: r.receiver.clone(), at: s.at }),
            Message::Status(_) => out(Heard::Gone { receiver: r.receiver.clone() }),
            Message::Aircraft(a) => {
                if let Some(observation) = a.observe(r, at) {
                    hold(observation, out);
                }
            }
            _ => {}
        }
    }
    if let Some(observation) = relayed::observe(&report.messages, r, at) {
        hold(observation, out);
    }
    if let Some(e) = &report.error {
        out(Heard::Refused { reason: e.kind, offset: offset.saturating_add(e.offset) });
    }
}
