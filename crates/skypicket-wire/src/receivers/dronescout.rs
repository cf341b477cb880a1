//! DroneScout (BlueMark): what its receivers publish over MQTT.
//!
//! `{"protocol":1.0, "data"|"aircraft"|"status"|"location"|"mobile network": {…}}`. What lies under a key is told by its
//! content: receivers put their status under `data` too. A drone comes as `UASdata`, the structure of [`super::uas_data`]
//! in base64, and newer firmware adds `raw`, the bytes of the air, which are preferred.

use super::{
    Refusal, Report,
    fields::{Object, channel_mhz, code, epoch, number, rssi, text, text_or_number, transport},
    uas_data,
};
use crate::{
    adsb::Aircraft,
    relayed::{Flags, Message, Reception, Status, add, position},
    remote_id,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use skypicket_model::Place;

/// Keys under which something may lie.
pub const KEYS: [&str; 5] = ["data", "aircraft", "status", "location", "mobile network"];

/// One object as it is published.
pub fn decode(o: &Object) -> Report {
    let mut report = Report::default();
    if number(o.get("protocol")).is_none_or(|p| (p - 1.0).abs() > 1e-9) {
        add(&mut report.flags, "protocol_unknown");
    }
    let mut any = false;
    for key in KEYS {
        let Some(inner) = o.get(key).and_then(|v| v.as_object()) else { continue };
        any = true;
        about(&mut report.reception, inner);
        if inner.contains_key("UASdata") || inner.contains_key("MAC address") {
            data(&mut report, inner);
        } else if inner.contains_key("address") || inner.contains_key("flight") {
            report.messages.push(Message::Aircraft(Box::new(aircraft(inner, &report.reception))));
        } else {
            report.messages.push(Message::Status(status(key, inner)));
        }
    }
    if !any {
        report.error = Some(Refusal::new(
            "receiver_content",
            "none of data, aircraft, status, location, mobile network is an object",
        ));
    }
    report
}

fn about(r: &mut Reception, o: &Object) {
    r.receiver = text_or_number(o.get("sensor ID")).or_else(|| r.receiver.take());
    r.at = epoch(o.get("timestamp")).or(r.at);
}

/// The reception of a drone and what was heard.
fn data(report: &mut Report, o: &Object) {
    let r = &mut report.reception;
    r.address = text(o.get("MAC address"));
    r.transport = transport(o.get("type"));
    r.rssi_dbm = rssi(o.get("RSSI"));
    let bluetooth = r.transport.as_deref().is_some_and(|t| t.starts_with("ble"));
    r.frequency_mhz = channel_mhz(number(o.get("channel")), bluetooth);
    let extra = o.get("extra").and_then(|e| e.as_object());
    if extra.is_some_and(|e| code(e.get("SN present")) == Some(1) && code(e.get("SN valid")) == Some(0)) {
        add(&mut report.flags, "serial_form_invalid");
    }
    if let Some(raw) = bytes(o, "raw") {
        // It may end in the NUL of a C text; other bytes after a lone message are no message.
        let bare = raw.strip_suffix(&[0]).filter(|b| b.len() % remote_id::MESSAGE_SIZE == 0).unwrap_or(&raw);
        let air = remote_id::pack::decode_payload(bare);
        let odd = air.flags.has(remote_id::Flags::NO_PACK_HEADER.with(remote_id::Flags::TRAILING_BYTES));
        if air.is_ok() && !air.messages.is_empty() && !odd {
            report.flags.extend(air.flags.words());
            report.messages.extend(air.messages.iter().map(|m| Message::from(&m)));
            return;
        }
        add(&mut report.flags, "raw_refused");
    }
    match bytes(o, "UASdata").map(|b| uas_data::decode(&b)) {
        Some(Some(messages)) => report.messages.extend(messages),
        Some(None) => report.error = Some(Refusal::new("uas_data", "UASdata is not a structure of 920 bytes")),
        None => report.error = Some(Refusal::new("uas_data", "neither raw nor UASdata can be read as base64")),
    }
}

/// Base64 under a key.
fn bytes(o: &Object, key: &str) -> Option<Vec<u8>> {
    STANDARD.decode(o.get(key)?.as_str()?.trim_end_matches(['\0', '\n'])).ok()
}

/// An aircraft heard by ADS-B, UAT or FLARM.
fn aircraft(o: &Object, r: &Reception) -> Aircraft {
    let mut flags = Flags::new();
    let real = matches!(code(o.get("address type")), None | Some(0 | 2));
    let address = text(o.get("address"));
    let altitude = number(o.get("altitude"));
    let kind = code(o.get("altitude type"));
    let category = code(o.get("category")).filter(|c| (1..32).contains(c));
    let letter = |c: u8| char::from(b'A' + c / 8);
    let lat_lon = number(o.get("latitude")).zip(number(o.get("longitude")));
    Aircraft {
        icao: address
            .as_deref()
            .filter(|_| real)
            .and_then(|a| u32::from_str_radix(a.trim_start_matches("0x"), 16).ok()),
        address,
        callsign: text(o.get("flight")),
        category: category.map(|c| format!("{}{}", letter(c), c % 8)),
        on_ground: code(o.get("flight state")).map(|s| s == 0),
        position: position(lat_lon, &mut flags),
        alt_baro_m: altitude.filter(|_| kind == Some(1)),
        alt_hae_m: altitude.filter(|_| kind == Some(2)),
        speed_mps: number(o.get("speed")),
        track_deg: number(o.get("track")),
        vertical_mps: number(o.get("vertical rate")),
        emergency: code(o.get("emergency status")).filter(|e| *e == 1).map(|_| "emergency".to_owned()),
        via: Some(if code(o.get("address type")) == Some(2) { "tisb" } else { "adsb" }),
        at: r.at,
        flags,
        ..Aircraft::default()
    }
    .checked()
}

fn status(key: &str, o: &Object) -> Status {
    let mut flags = Flags::new();
    let n = |keys: [&str; 2]| keys.iter().find_map(|k| number(o.get(*k)));
    let at = position(n(["latitude", "lat"]).zip(n(["longitude", "lon"])), &mut flags);
    Status {
        there: true,
        model: text(o.get("model")),
        firmware: text(o.get("firmware version")),
        status: text(o.get("status")).or_else(|| (key == "mobile network").then(|| key.to_owned())),
        // It does not say above what its altitude is.
        at: at.and_then(|(lat, lon)| Place::new(lat, lon, None).ok()),
        flags,
    }
}
