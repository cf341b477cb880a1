//! JSON of relayed messages, with the field names of a decoded broadcast; what is unknown or out of range is `null`.

use super::{Authentication, BasicId, Location, Message, RadioSignal, Reception, Status, System};
use crate::remote_id::{header::EPOCH_2019_UNIX_S, text};
use serde_json::{Value, json};

impl Message {
    /// The message as an object.
    pub fn to_json(&self) -> Value {
        match self {
            Self::BasicId(m) => basic_id(m),
            Self::Location(m) => location(m),
            Self::Authentication(m) => authentication(m),
            Self::SelfId(m) => json!({
                "msg": "self_id", "proto_version": null, "desc_type": m.desc_type,
                "desc": text::latin1(text::cut(&m.desc)), "desc_bytes": text::hex(&m.desc), "flags": m.flags,
            }),
            Self::System(m) => system(m),
            Self::OperatorId(m) => json!({
                "msg": "operator_id", "proto_version": null, "operator_id_type": m.operator_id_type,
                "operator_id": text::latin1(text::cut(&m.id)), "operator_id_bytes": text::hex(&m.id), "flags": m.flags,
            }),
            Self::Presence { how } => json!({"msg": "presence", "how": how, "flags": []}),
            Self::RadioSignal(m) => signal(m),
            Self::Aircraft(m) => m.to_json(),
            Self::Status(m) => status(m),
        }
    }
}

/// How it was heard, as an object.
pub fn reception(r: &Reception) -> Value {
    json!({
        "receiver": r.receiver, "receiver_lla": r.receiver_at.map(|p| json!([p.lat_deg, p.lon_deg, p.alt_hae_m])),
        "address": r.address, "transport": r.transport, "rssi_dbm": r.rssi_dbm, "frequency_mhz": r.frequency_mhz,
        "counter": r.counter, "time_unix": r.at.map(skypicket_model::Time::unix_s),
    })
}

fn basic_id(m: &BasicId) -> Value {
    let mut o = json!({
        "msg": "basic_id", "proto_version": null, "id_type": m.id_type, "ua_type": m.ua_type,
        "uas_id_bytes": text::hex(&m.id), "flags": m.flags,
    });
    if let (true, Some(fields)) = (m.is_text(), o.as_object_mut()) {
        fields.insert("uas_id".into(), text::latin1(&m.id).into());
    }
    o
}

fn location(m: &Location) -> Value {
    let mut o = json!({
        "msg": "location", "proto_version": null, "status": m.status, "height_ref": m.height_ref,
        "direction_deg": m.direction_deg, "speed_h_mps": m.speed_h_mps, "speed_v_mps": m.speed_v_mps,
        "lat_deg": m.position.map(|p| p.0), "lon_deg": m.position.map(|p| p.1),
        "alt_baro_m": m.alt_baro_m, "alt_geo_m": m.alt_geo_m, "height_m": m.height_m,
        "horiz_acc": m.horiz_acc, "vert_acc": m.vert_acc, "baro_acc": m.baro_acc,
        "speed_acc": m.speed_acc, "ts_acc": m.ts_acc, "ts_after_hour_s": m.ts_after_hour_s,
        "flags": m.flags,
    });
    if let Some(fields) = o.as_object_mut() {
        if let Some(at) = m.at {
            fields.insert("time_unix".into(), at.unix_s().into());
        }
        if let Some(alt_m) = m.alt_m {
            fields.insert("alt_m".into(), alt_m.into());
        }
    }
    o
}

fn system(m: &System) -> Value {
    let mut o = json!({
        "msg": "system", "proto_version": null, "operator_location_type": m.operator_location_type,
        "classification_type": m.classification_type,
        "operator_lat_deg": m.operator.map(|p| p.0), "operator_lon_deg": m.operator.map(|p| p.1),
        "area_count": m.area_count, "area_radius_m": m.area_radius_m, "area_ceiling_m": m.area_ceiling_m,
        "area_floor_m": m.area_floor_m, "category_eu": m.category_eu, "class_eu": m.class_eu,
        "operator_alt_geo_m": m.operator_alt_geo_m, "timestamp_2019_s": m.timestamp_2019_s,
        "timestamp_unix_s": m.timestamp_unix_s(), "flags": m.flags,
    });
    if let (Some((lat, lon)), Some(fields)) = (m.home, o.as_object_mut()) {
        fields.insert("home_lat_deg".into(), lat.into());
        fields.insert("home_lon_deg".into(), lon.into());
    }
    o
}

fn authentication(m: &Authentication) -> Value {
    let mut o = json!({
        "msg": "auth", "proto_version": null, "auth_type": m.auth_type, "page": m.page,
        "auth_data_hex": text::hex(&m.data), "flags": m.flags,
    });
    if let (Some((last, length, time)), Some(fields)) = (m.first, o.as_object_mut()) {
        fields.insert("last_page_index".into(), last.into());
        fields.insert("length".into(), length.into());
        fields.insert("timestamp_2019_s".into(), time.into());
        fields.insert("timestamp_unix_s".into(), (EPOCH_2019_UNIX_S + i64::from(time)).into());
    }
    o
}

fn signal(m: &RadioSignal) -> Value {
    json!({
        "msg": "signal", "kind": m.kind, "centre_hz": m.centre_hz, "bandwidth_hz": m.bandwidth_hz,
        "lat_deg": m.around.map(|p| p.0), "lon_deg": m.around.map(|p| p.1), "radius_m": m.radius_m, "flags": m.flags,
    })
}

fn status(m: &Status) -> Value {
    json!({
        "msg": "status", "there": m.there, "model": m.model, "firmware": m.firmware, "status": m.status,
        "lat_deg": m.at.map(|p| p.lat_deg), "lon_deg": m.at.map(|p| p.lon_deg),
        "alt_hae_m": m.at.and_then(|p| p.alt_hae_m), "flags": m.flags,
    })
}
