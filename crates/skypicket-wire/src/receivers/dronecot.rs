//! dronecot: the lines that its nodes send over UDP, and the payload that it makes of a DroneScout message.
//!
//! A node's line is `{"t","mac","radio","rssi","type","lat","lon","alt","speed","hdg","id"}`, one Remote ID message each.
//! The payload (`{"BasicID", "UAType", "Latitude" …, "data":{…}}`) has the names of the C library's structure.

use super::{
    Refusal, Report, dronescout,
    fields::{Object, channel_mhz, code, epoch, number, rssi, text, text_or_number, transport},
};
use crate::relayed::{BasicId, Flags, Location, Message, OperatorId, SelfId, System};
use serde_json::Value;

/// One object of either shape.
pub fn decode(o: &Object) -> Report {
    if o.contains_key("protocol") {
        return dronescout::decode(o);
    }
    if o.contains_key("BasicID") || o.contains_key("UAType") || o.contains_key("Latitude") {
        return payload(o);
    }
    line(o)
}

/// A node's line.
fn line(o: &Object) -> Report {
    let mut report = Report::default();
    let r = &mut report.reception;
    r.receiver = text_or_number(o.get("sensor_id")).or_else(|| text_or_number(o.get("node")));
    r.address = text(o.get("mac"));
    r.at = epoch(o.get("t"));
    r.rssi_dbm = rssi(o.get("rssi"));
    r.transport = transport(o.get("radio"));
    let bluetooth = r.transport.as_deref().is_some_and(|t| t.starts_with("ble"));
    r.frequency_mhz = channel_mhz(number(o.get("channel")), bluetooth);
    let kind = text(o.get("type")).unwrap_or_default().to_lowercase();
    let id = text(o.get("id"));
    if let Some(id) = id {
        let id = id.into_bytes();
        report.messages.push(if kind.contains("operator") {
            Message::OperatorId(OperatorId { operator_id_type: None, id, flags: vec![] }.checked())
        } else {
            Message::BasicId(BasicId { id_type: None, ua_type: None, id, flags: vec![] }.checked())
        });
    }
    let keys = ["lat", "lon", "alt", "speed", "hdg"];
    if keys.iter().any(|k| o.get(*k).is_some_and(|v| !v.is_null())) {
        report.messages.push(Message::Location(Box::new(
            Location {
                position: number(o.get("lat")).zip(number(o.get("lon"))),
                alt_geo_m: number(o.get("alt")),
                speed_h_mps: number(o.get("speed")),
                direction_deg: number(o.get("hdg")),
                ..Location::default()
            }
            .checked(),
        )));
    }
    if report.messages.is_empty() {
        if report.reception.address.is_some() {
            report.messages.push(Message::Presence { how: "message_without_content" });
        } else {
            report.error = Some(Refusal::new("receiver_content", "neither an id, a position nor an address in it"));
        }
    }
    report
}

/// The payload.
fn payload(o: &Object) -> Report {
    let mut report = Report::default();
    if let Some(data) = o.get("data").and_then(Value::as_object) {
        let r = &mut report.reception;
        r.receiver = text_or_number(data.get("sensor ID"));
        r.address = text(data.get("MAC address"));
        r.at = epoch(data.get("timestamp"));
        r.rssi_dbm = rssi(data.get("RSSI"));
        r.transport = transport(data.get("type"));
        let bluetooth = r.transport.as_deref().is_some_and(|t| t.starts_with("ble"));
        r.frequency_mhz = channel_mhz(number(data.get("channel")), bluetooth);
    }
    for suffix in ["", "1"] {
        let get = |k: &str| o.get(&format!("{k}{suffix}"));
        if let Some(id) = get("BasicID").and_then(Value::as_str) {
            let (id_type, ua_type) = (code(get("IDType")), code(get("UAType")).filter(|t| *t < 16));
            let id = id.as_bytes().to_vec();
            report.messages.push(Message::BasicId(BasicId { id_type, ua_type, id, flags: Flags::new() }.checked()));
        }
    }
    if o.contains_key("Latitude") || o.contains_key("Status") {
        report.messages.push(Message::Location(Box::new(
            Location {
                status: code(o.get("Status")),
                height_ref: code(o.get("HeightType")),
                direction_deg: number(o.get("Direction")),
                speed_h_mps: number(o.get("SpeedHorizontal")),
                speed_v_mps: number(o.get("SpeedVertical")),
                position: number(o.get("Latitude")).zip(number(o.get("Longitude"))),
                alt_baro_m: number(o.get("AltitudeBaro")),
                alt_geo_m: number(o.get("AltitudeGeo")),
                alt_m: None,
                height_m: number(o.get("Height")),
                horiz_acc: code(o.get("HorizAccuracy")),
                vert_acc: code(o.get("VertAccuracy")),
                baro_acc: code(o.get("BaroAccuracy")),
                speed_acc: code(o.get("SpeedAccuracy")),
                ts_after_hour_s: o.get("TimeStamp").and_then(after_hour),
                ts_acc: code(o.get("TSAccuracy")),
                at: None,
                flags: Flags::new(),
            }
            .checked(),
        )));
    }
    if let Some(desc) = o.get("SelfID").or_else(|| o.get("Desc")).and_then(Value::as_str) {
        let desc_type = code(o.get("DescType"));
        report
            .messages
            .push(Message::SelfId(SelfId { desc_type, desc: desc.as_bytes().to_vec(), flags: Flags::new() }.checked()));
    }
    if o.contains_key("OperatorLatitude") || o.contains_key("OperatorLocationType") {
        report.messages.push(Message::System(Box::new(system(o))));
    }
    if let Some(id) = o.get("OperatorID").or_else(|| o.get("OperatorId")).and_then(Value::as_str) {
        let operator_id_type = code(o.get("OperatorIdType")).or_else(|| code(o.get("OperatorIDType")));
        report.messages.push(Message::OperatorId(
            OperatorId { operator_id_type, id: id.as_bytes().to_vec(), flags: Flags::new() }.checked(),
        ));
    }
    if report.messages.is_empty() {
        report.error = Some(Refusal::new("receiver_content", "no message of a drone in it"));
    }
    report
}

/// Seconds after the hour: minutes, seconds and hundredths, or a number.
fn after_hour(v: &Value) -> Option<f64> {
    let Some(parts) = v.as_array() else { return number(Some(v)) };
    let part = |k: usize| number(parts.get(k));
    Some(part(0)? * 60.0 + part(1)? + part(2).unwrap_or(0.0) / 100.0)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within u32 by the filters
fn system(o: &Object) -> System {
    let whole = |k: &str, most: f64| number(o.get(k)).filter(|n| (0.0..=most).contains(n)).map(|n| n as u32);
    System {
        operator_location_type: code(o.get("OperatorLocationType")),
        classification_type: code(o.get("ClassificationType")),
        operator: number(o.get("OperatorLatitude")).zip(number(o.get("OperatorLongitude"))),
        home: None,
        area_count: whole("AreaCount", 65_535.0),
        area_radius_m: number(o.get("AreaRadius")),
        area_ceiling_m: number(o.get("AreaCeiling")),
        area_floor_m: number(o.get("AreaFloor")),
        category_eu: code(o.get("CategoryEU")),
        class_eu: code(o.get("ClassEU")),
        operator_alt_geo_m: number(o.get("OperatorAltitudeGeo")),
        timestamp_2019_s: whole("TimestampRaw", f64::from(u32::MAX)),
        flags: Flags::new(),
    }
    .checked()
}
