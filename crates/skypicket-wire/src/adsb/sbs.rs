//! BaseStation (SBS-1, port 30003): decoded messages as lines of comma-separated values.
//!
//! `MSG,type,session,aircraft,hex,flight,date,time,date,time,callsign,altitude,speed,track,lat,lon,rate,squawk,alert,
//! emergency,ident,ground`; which fields are filled depends on the type. Types 2 (on the ground) and 3 (in the air) carry a
//! position. The times have no zone and are not read.

use super::aircraft::{Aircraft, FOOT_M, KNOT_MPS};
use crate::{
    feed::{Feed, Heard, Moment, Piece},
    relayed::Reception,
};
use skypicket_model::Time;
use std::collections::BTreeMap;

/// Longest line that is kept.
const MAX_LINE: usize = 512;
/// Most aircraft of which the last velocity and name are kept.
const MOST: usize = 4_096;
/// What moved is still said for so long, seconds.
const MOTION_S: f64 = 10.0;

/// What a line says; `None` where it is no message of an aircraft.
pub fn decode(line: &[u8]) -> Option<Aircraft> {
    let text = std::str::from_utf8(line).ok()?.trim();
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    if fields.first() != Some(&"MSG") || fields.len() < 11 {
        return None;
    }
    let get = |k: usize| fields.get(k).copied().filter(|f| !f.is_empty());
    let number = |k: usize| get(k)?.parse::<f64>().ok().filter(|n| n.is_finite());
    let flag = |k: usize| get(k).map(|f| f != "0");
    let hex = get(4)?;
    let icao = u32::from_str_radix(hex.trim_start_matches('~'), 16).ok()?;
    Some(
        Aircraft {
            icao: (!hex.starts_with('~')).then_some(icao),
            address: Some(hex.chars().take(16).collect::<String>().to_lowercase()),
            callsign: get(10).map(|c| c.chars().take(16).collect()),
            squawk: get(17).map(|c| c.chars().take(8).collect()),
            on_ground: flag(21),
            position: number(14).zip(number(15)),
            alt_baro_m: number(11).map(|f| f * FOOT_M),
            speed_mps: number(12).map(|k| k * KNOT_MPS),
            track_deg: number(13),
            vertical_mps: number(16).map(|r| r * FOOT_M / 60.0),
            emergency: flag(19).filter(|e| *e).map(|_| "emergency".to_owned()),
            via: Some("adsb"),
            ..Aircraft::default()
        }
        .checked(),
    )
}

/// The feed of a BaseStation stream.
#[derive(Debug, Default)]
pub struct Sbs {
    held: Vec<u8>,
    read: u64,
    /// Speed, track, vertical rate, name, and when they came.
    known: BTreeMap<String, (Aircraft, Time)>,
}

impl Sbs {
    fn line(&mut self, line: &[u8], offset: u64, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let Some(mut a) = decode(line) else {
            // Lines of other kinds (SEL, ID, AIR, STA, CLK) say nothing of a position.
            let other = [&b"SEL"[..], b"ID,", b"AIR", b"STA", b"CLK"].iter().any(|k| line.starts_with(k));
            if !other {
                out(Heard::Refused { reason: "sbs_line", offset });
            }
            return;
        };
        let key = a.address.clone().unwrap_or_default();
        if let Some((was, t)) = self.known.get(&key) {
            a.callsign = a.callsign.or_else(|| was.callsign.clone());
            if at.received_at.since_s(*t) <= MOTION_S && a.speed_mps.is_none() {
                (a.speed_mps, a.track_deg, a.vertical_mps) = (was.speed_mps, was.track_deg, was.vertical_mps);
            }
        }
        if self.known.len() >= MOST && !self.known.contains_key(&key) {
            let oldest = self.known.iter().min_by_key(|(_, v)| v.1).map(|(k, _)| k.clone());
            oldest.map(|k| self.known.remove(&k));
        }
        // The time is that of the velocity.
        let t = match self.known.get(&key) {
            Some((was, t)) if was.speed_mps == a.speed_mps && was.track_deg == a.track_deg => *t,
            _ => at.received_at,
        };
        self.known.insert(key, (Aircraft { position: None, ..a.clone() }, t));
        if let Some(observation) = a.position.and_then(|_| a.observe(&Reception::default(), at)) {
            out(Heard::Observation { receiver: None, observation: Box::new(observation) });
        }
    }
}

impl Feed for Sbs {
    fn hear(&mut self, bytes: &[u8], piece: Piece, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        for &b in bytes {
            self.read += 1;
            if b == b'\n' {
                let line = std::mem::take(&mut self.held);
                let offset = self.read.saturating_sub(line.len() as u64 + 1);
                self.line(&line, offset, at, out);
            } else if self.held.len() <= MAX_LINE {
                self.held.push(b);
            }
        }
        if piece == Piece::Whole {
            let line = std::mem::take(&mut self.held);
            self.line(&line, 0, at, out);
        }
    }

    fn restart(&mut self) {
        (self.held, self.read) = (Vec::new(), 0);
    }
}
