//! `aircraft.json` of readsb and dump1090: the whole file as it is polled, or one aircraft.
//!
//! Feet, knots and feet per minute; ages in seconds before `now`. Files of dump1090 before 2019 have other names for some
//! fields (`altitude`, `speed`, `vert_rate`), which are read as well.

use super::aircraft::{Aircraft, FOOT_M, KNOT_MPS};
use crate::{
    feed::{Feed, Heard, Moment, Piece},
    json::{self, Limits},
    receivers::objects::{Found, Objects},
    relayed::Reception,
};
use serde_json::{Map, Value, json};
use skypicket_model::Time;
use std::collections::BTreeMap;

/// Largest file, bytes: some ten thousand aircraft.
pub const MAX_FILE: usize = 8 << 20;

const LIMITS: Limits = Limits { bytes: MAX_FILE, depth: 8, elements: 1_000_000 };

/// The aircraft of an object: those of a whole file, or the one that it is. `None` where it is neither.
pub fn read(o: &Map<String, Value>) -> Option<Vec<Aircraft>> {
    if let Some(list) = o.get("aircraft").and_then(Value::as_array) {
        let now = o.get("now").and_then(Value::as_f64).and_then(Time::from_unix_s);
        return Some(list.iter().filter_map(Value::as_object).filter_map(|a| one(a, now)).collect());
    }
    let now = o.get("now").and_then(Value::as_f64).and_then(Time::from_unix_s);
    one(o, now).map(|a| vec![a])
}

fn one(o: &Map<String, Value>, now: Option<Time>) -> Option<Aircraft> {
    let hex = o.get("hex").or_else(|| o.get("icao")).and_then(Value::as_str)?.trim();
    let number = |k: &str| o.get(k).and_then(Value::as_f64);
    let any = |keys: &[&str]| keys.iter().find_map(|k| number(k));
    let text = |k: &str| {
        let t = o.get(k)?.as_str()?.trim();
        (!t.is_empty()).then(|| t.chars().take(64).collect::<String>())
    };
    let baro = o.get("alt_baro").or_else(|| o.get("altitude"));
    let ground =
        baro.and_then(Value::as_str) == Some("ground") || o.get("ground").and_then(Value::as_bool) == Some(true);
    let listed = |k: &str| o.get(k).and_then(Value::as_array).is_some_and(|a| a.iter().any(|f| f == "lat"));
    let kind = text("type").unwrap_or_default();
    let via = if listed("mlat") || kind == "mlat" {
        "mlat"
    } else if listed("tisb") || kind.starts_with("tisb") {
        "tisb"
    } else if kind.starts_with("adsr") {
        "adsr"
    } else if kind == "mode_s" {
        "mode_s"
    } else {
        "adsb"
    };
    // readsb gives the radius beside its category.
    let containment = number("rc").filter(|r| *r > 0.0).or_else(|| radius_of_nic(o.get("nic")?.as_u64()?));
    let a = Aircraft {
        icao: (!hex.starts_with('~')).then(|| u32::from_str_radix(hex, 16).ok()).flatten(),
        address: Some(hex.chars().take(16).collect::<String>().to_lowercase()),
        callsign: text("flight"),
        registration: text("r"),
        squawk: text("squawk"),
        category: text("category"),
        on_ground: if ground { Some(true) } else { baro.and_then(Value::as_f64).map(|_| false) },
        position: number("lat").zip(number("lon")),
        position_age_s: number("seen_pos"),
        alt_baro_m: baro.and_then(Value::as_f64).map(|f| f * FOOT_M),
        alt_hae_m: any(&["alt_geom"]).map(|f| f * FOOT_M),
        speed_mps: any(&["gs", "speed"]).map(|k| k * KNOT_MPS),
        track_deg: number("track"),
        vertical_mps: any(&["geom_rate", "baro_rate", "vert_rate"]).map(|r| r * FOOT_M / 60.0),
        nac_p: o.get("nac_p").and_then(Value::as_u64).and_then(|n| u8::try_from(n).ok()).filter(|n| *n > 0),
        containment_m: containment,
        via: Some(via),
        emergency: text("emergency").filter(|e| e != "none"),
        rssi_dbfs: number("rssi"),
        at: now,
        flags: vec![],
    };
    Some(a.checked())
}

/// Radius of containment of a navigation integrity category, metres (DO-260B table 2-70; of NIC 6 its largest).
fn radius_of_nic(nic: u64) -> Option<f64> {
    const RADII: [f64; 11] = [37_040.0, 14_816.0, 7_408.0, 3_704.0, 1_852.0, 1_111.2, 370.4, 185.2, 75.0, 25.0, 7.5];
    RADII.get(usize::try_from(nic).ok()?.checked_sub(1)?).copied()
}

/// The line of `decode adsb` for a line of JSON.
pub fn decode_line(line: &[u8]) -> Value {
    let refused = |kind: &str, offset: usize, message: &str| {
        json!({"ok": false, "messages": [], "flags": [],
               "error": {"kind": kind, "offset": offset, "message": message}})
    };
    match json::parse(line, &LIMITS) {
        Err(e) => refused(e.kind.as_str(), e.offset, &e.message),
        Ok(v) => match v.as_object().and_then(read) {
            Some(all) => {
                let messages: Vec<Value> = all.iter().map(Aircraft::to_json).collect();
                json!({"ok": true, "messages": messages, "flags": [], "error": null})
            }
            None => refused("adsb_content", 0, "neither an aircraft (hex) nor a list of them (aircraft)"),
        },
    }
}

/// The feed of a file that is polled. A position that has not changed since the last poll is no new observation.
#[derive(Debug)]
pub struct Poll {
    stream: Objects,
    /// The last position of each address and its time.
    last: BTreeMap<String, ((f64, f64), Time)>,
}

impl Default for Poll {
    fn default() -> Self {
        Self { stream: Objects::with_limit(MAX_FILE), last: BTreeMap::new() }
    }
}

/// Most addresses kept.
const MOST: usize = 8_192;
/// Ages are rounded to tenths of a second: the same position may seem so much newer.
const SAME_S: f64 = 0.5;

impl Poll {
    fn hear_value(&mut self, bytes: &[u8], offset: u64, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        let value = match json::parse(bytes, &LIMITS) {
            Ok(v) => v,
            Err(e) => return out(Heard::Refused { reason: e.kind.as_str(), offset: offset + e.offset as u64 }),
        };
        let Some(all) = value.as_object().and_then(read) else {
            return out(Heard::Refused { reason: "adsb_content", offset });
        };
        out(Heard::Alive { receiver: None, at: None });
        for a in all {
            let Some(observation) = a.observe(&Reception::default(), at) else { continue };
            if let (Some(place), Some(address)) = (a.position, &a.address) {
                let t = observation.observed_at;
                let same = self.last.get(address).is_some_and(|(p, was)| *p == place && t.since_s(*was) <= SAME_S);
                if same {
                    continue;
                }
                if self.last.len() >= MOST && !self.last.contains_key(address) {
                    let oldest = self.last.iter().min_by_key(|(_, v)| v.1).map(|(k, _)| k.clone());
                    oldest.map(|k| self.last.remove(&k));
                }
                self.last.insert(address.clone(), (place, t));
            }
            out(Heard::Observation { receiver: None, observation: Box::new(observation) });
        }
    }

    fn found(&mut self, f: &Found<'_>, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        match *f {
            Found::Value { bytes, offset } => self.hear_value(bytes, offset, at, out),
            Found::Bad { reason, offset } => out(Heard::Refused { reason, offset }),
        }
    }
}

impl Feed for Poll {
    fn hear(&mut self, bytes: &[u8], piece: Piece, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        let whole = piece == Piece::Whole;
        let fresh = Objects::with_limit(MAX_FILE);
        let mut objects = if whole { fresh } else { std::mem::replace(&mut self.stream, fresh) };
        objects.push(bytes, &mut |f| self.found(&f, at, out));
        if whole {
            objects.finish(&mut |f| self.found(&f, at, out));
        } else {
            self.stream = objects;
        }
    }

    fn restart(&mut self) {
        self.stream = Objects::with_limit(MAX_FILE);
    }
}
