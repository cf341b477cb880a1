//! mesh-mapper: the flat lines of its ESP32 nodes (`/api/detections`, a webhook, or the serial line itself).
//!
//! Numbers that a node has not heard yet are 0, so 0 is unknown here. Its altitude is that of the Location message, above
//! the ellipsoid, cut to whole metres. `faa_data`, `alias` and `isNew` are the gateway's own thoughts and are not read.

use super::{
    Refusal, Report,
    fields::{Object, channel_mhz, epoch, number, rssi, text},
};
use crate::relayed::{BasicId, Location, Message, Status, System};

/// One object.
pub fn decode(o: &Object) -> Report {
    let mut report = Report::default();
    let r = &mut report.reception;
    r.address = text(o.get("mac"));
    r.rssi_dbm = rssi(o.get("rssi"));
    r.at = epoch(o.get("last_update")).or_else(|| epoch(o.get("timestamp")));
    r.receiver = text(o.get("node_id")).or_else(|| text(o.get("port")));
    let band = text(o.get("band")).unwrap_or_default();
    r.frequency_mhz = channel_mhz(number(o.get("channel")), band == "BLE");
    r.transport = match band.as_str() {
        "BLE" => Some("ble_legacy".to_owned()),
        "2.4GHz" | "5GHz" => Some("wifi".to_owned()),
        _ => None,
    };
    if let Some(id) = text(o.get("basic_id")) {
        let id = id.into_bytes();
        report.messages.push(Message::BasicId(BasicId { id_type: None, ua_type: None, id, flags: vec![] }.checked()));
    }
    let filled = |k: &str| number(o.get(k)).filter(|n| n.abs() > 1e-12);
    let pair = |lat: &str, lon: &str| number(o.get(lat)).zip(number(o.get(lon)));
    let location = Location {
        position: pair("drone_lat", "drone_long"),
        alt_geo_m: filled("drone_altitude"),
        ..Location::default()
    }
    .checked();
    if location != Location::default() {
        report.messages.push(Message::Location(Box::new(location)));
    }
    let system = System { operator: pair("pilot_lat", "pilot_long"), ..System::default() }.checked();
    if system != System::default() {
        report.messages.push(Message::System(Box::new(system)));
    }
    if report.messages.is_empty() {
        if let Some(said) = text(o.get("heartbeat")).or_else(|| text(o.get("status"))) {
            report.messages.push(Message::Status(Status { there: true, status: Some(said), ..Status::default() }));
        } else if report.reception.address.is_some() {
            report.messages.push(Message::Presence { how: "message_without_content" });
        } else {
            report.error =
                Some(Refusal::new("receiver_content", "neither an id, a position, an address nor a heartbeat"));
        }
    }
    report
}
