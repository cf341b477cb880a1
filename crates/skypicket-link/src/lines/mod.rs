//! Newline JSON over UDP and TCP: the `observation` line of [`skypicket_wire::observation_line`].
//!
//! A line that cannot be read is counted and costs only itself. Both are loopback only unless `insecure = true`; TCP also
//! over TLS, where a client certificate says which source it is. UDP has no TLS: a sensor elsewhere sends over TCP.

mod tcp;
mod udp;

pub use tcp::{TcpLines, TcpLinesConfig};
pub use udp::{UdpLines, UdpLinesConfig};

use crate::{Grant, Health, Intake, Rate, ids, intake};
use skypicket_model::{Observation, SourceId};
use skypicket_wire::observation_line::{Context, LineError, Sources, decode};
use std::sync::{Arc, Mutex, PoisonError};

/// Most bytes of a refused line given as a sample.
const SAMPLE: usize = 256;

/// What both connectors do with lines.
struct Feed {
    id: SourceId,
    /// What it may bring.
    grant: Grant,
    rate: Arc<Mutex<Rate>>,
    health: Arc<Health>,
    intake: Arc<dyn Intake>,
}

impl Feed {
    /// Reads one line (blank ones are nothing) into `batch`, or counts why not. `offset` is where it began.
    fn line(&self, line: &[u8], offset: u64, batch: &mut Vec<Observation>) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let now = self.intake.now();
        self.health.heard(now, 1);
        if !self.rate.lock().unwrap_or_else(PoisonError::into_inner).takes(now) {
            // No sample: a flood's lines would drive out of quarantine what somebody must look at.
            return self.health.refused("rate", 1);
        }
        let mut make_id = || ids::observation(now);
        let mut ctx = Context {
            source: &self.id,
            sources: Sources::Listed(&self.grant.also),
            received_at: Some(now),
            make_id: &mut make_id,
            ahead_s: None,
        };
        let decoded = decode(line, &mut ctx);
        if let Some(ahead_s) = ctx.ahead_s {
            self.health.clock(ahead_s, now);
        }
        match decoded {
            Ok(o) => {
                if let Some(reason) = self.grant.refuses(&o) {
                    return self.refuse_as(reason, offset, line);
                }
                self.health.decoded(1);
                batch.push(o);
            }
            Err(e) => self.refuse(&e, offset, line),
        }
    }

    fn refuse(&self, e: &LineError, offset: u64, line: &[u8]) {
        self.refuse_as(e.reason(), offset + e.offset().unwrap_or(0), line);
    }

    fn refuse_as(&self, reason: &str, offset: u64, line: &[u8]) {
        self.health.refused(reason, 1);
        let sample = line.get(..SAMPLE).unwrap_or(line);
        self.intake.refused(&self.id, reason, Some(offset), sample);
    }

    fn hand_on(&self, batch: Vec<Observation>) {
        intake::hand_on(&*self.intake, batch);
    }
}
