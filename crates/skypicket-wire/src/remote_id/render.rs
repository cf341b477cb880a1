//! JSON of messages, with the field names of the reference vectors; what is unknown or out of range is `null`.

use super::{
    authentication::Authentication,
    error::DecodeError,
    flags::Flags,
    gatherer::{AuthenticationSet, whole_sets},
    location::Location,
    message::Message,
    pack::Decoded,
    system::System,
    text,
};
use serde_json::{Map, Value, json};

impl Message {
    /// The message as an object.
    pub fn to_json(&self) -> Value {
        match self {
            Self::BasicId(m) => {
                let bytes = if m.text().is_some() { text::zero_after_nul(m.id) } else { m.id };
                let mut o = object(json!({
                    "msg": "basic_id", "proto_version": m.version, "id_type": m.id_type, "ua_type": m.ua_type,
                    "uas_id_bytes": text::hex(&bytes), "flags": words(m.flags),
                }));
                if let Some(t) = m.text() {
                    o.insert("uas_id".into(), text::latin1(t).into());
                }
                Value::Object(o)
            }
            Self::Location(m) => location(m),
            Self::Authentication(m) => authentication(m),
            Self::SelfId(m) => json!({
                "msg": "self_id", "proto_version": m.version, "desc_type": m.desc_type,
                "desc": text::latin1(m.text()), "desc_bytes": text::hex(&m.desc), "flags": words(m.flags),
            }),
            Self::System(m) => system(m),
            Self::OperatorId(m) => json!({
                "msg": "operator_id", "proto_version": m.version, "operator_id_type": m.operator_id_type,
                "operator_id": text::latin1(m.text()), "operator_id_bytes": text::hex(&m.id), "flags": words(m.flags),
            }),
        }
    }
}

impl Decoded {
    /// The line of the `decode` contract: `{"ok", "messages", "flags", "error"}`, and `auth_sets` where authentication
    /// is there whole.
    pub fn to_json(&self) -> Value {
        let mut line = json!({
            "ok": self.is_ok(), "messages": self.messages_json(), "flags": words(self.flags),
            "error": self.error.map(|e| error(&e)),
        });
        put_sets(&mut line, whole_sets(self.messages.iter()).iter().map(AuthenticationSet::to_json).collect());
        line
    }

    /// The messages as an array.
    pub fn messages_json(&self) -> Value {
        self.messages.iter().map(|m| m.to_json()).collect()
    }
}

/// Puts `auth_sets` into a line that has any.
pub(crate) fn put_sets(line: &mut Value, sets: Vec<Value>) {
    if let (false, Some(fields)) = (sets.is_empty(), line.as_object_mut()) {
        fields.insert("auth_sets".into(), sets.into());
    }
}

/// The words of flags as an array.
pub fn words(flags: Flags) -> Value {
    flags.words().collect()
}

/// An error as an object.
pub fn error(e: &DecodeError) -> Value {
    json!({"kind": e.kind.word(), "offset": e.offset, "message": e.to_string()})
}

fn object(v: Value) -> Map<String, Value> {
    if let Value::Object(o) = v { o } else { Map::new() }
}

/// A code of which 0 is "unknown".
fn code(c: u8) -> Option<u8> {
    (c != 0).then_some(c)
}

fn location(m: &Location) -> Value {
    json!({
        "msg": "location", "proto_version": m.version, "status": m.status, "height_ref": m.height_type,
        "direction_deg": m.direction_deg(), "speed_h_mps": m.speed_h_mps(), "speed_v_mps": m.speed_v_mps(),
        "lat_deg": m.position().map(|p| p.0), "lon_deg": m.position().map(|p| p.1),
        "alt_baro_m": m.alt_baro_m(), "alt_geo_m": m.alt_geo_m(), "height_m": m.height_m(),
        "horiz_acc": code(m.horiz_acc), "vert_acc": code(m.vert_acc), "baro_acc": code(m.baro_acc),
        "speed_acc": code(m.speed_acc), "ts_acc": code(m.ts_acc), "ts_after_hour_s": m.ts_after_hour_s(),
        "flags": words(m.flags),
    })
}

fn system(m: &System) -> Value {
    json!({
        "msg": "system", "proto_version": m.version, "operator_location_type": m.operator_location_type,
        "classification_type": m.classification_type,
        "operator_lat_deg": m.operator_position().map(|p| p.0), "operator_lon_deg": m.operator_position().map(|p| p.1),
        "area_count": m.area_count, "area_radius_m": m.area_radius_m(), "area_ceiling_m": m.area_ceiling_m(),
        "area_floor_m": m.area_floor_m(), "category_eu": m.category_eu, "class_eu": m.class_eu,
        "operator_alt_geo_m": m.operator_alt_geo_m(),
        "timestamp_2019_s": (m.timestamp_2019_s != 0).then_some(m.timestamp_2019_s),
        "timestamp_unix_s": m.timestamp_unix_s(), "flags": words(m.flags),
    })
}

fn authentication(m: &Authentication) -> Value {
    let mut o = object(json!({
        "msg": "auth", "proto_version": m.version, "auth_type": m.auth_type, "page": m.page,
        "auth_data_hex": text::hex(m.data()), "flags": words(m.flags),
    }));
    if let Some(f) = m.first {
        o.insert("last_page_index".into(), f.last_page_index.into());
        o.insert("length".into(), f.length.into());
        o.insert("timestamp_2019_s".into(), f.timestamp_2019_s.into());
        o.insert("timestamp_unix_s".into(), f.timestamp_unix_s().into());
    }
    Value::Object(o)
}
