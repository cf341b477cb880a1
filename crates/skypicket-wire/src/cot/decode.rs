//! [`decode_lines`]: one JSON line for each event of a file.

use super::{
    detail::{Chat, Detail},
    event::{Event, write_time},
    stream::Cutter,
};
use serde_json::{Value, json};

/// One object for each event in `bytes`, in order: `{"ok","messages","flags","error"}`. Events may follow one another
/// with or without declarations between, as in a stream; a bad event costs only itself, a place from where the stream
/// cannot be followed ends it with one last error line.
pub fn decode_lines(bytes: &[u8]) -> Vec<Value> {
    let mut cutter = Cutter::default();
    let mut cuts = Vec::new();
    let end = cutter.push(bytes, &mut cuts);
    let mut lines: Vec<Value> = cuts
        .iter()
        .map(|cut| match Event::parse(&cut.xml) {
            Ok(event) => json!({"ok": true, "messages": [message(&event)], "flags": [], "error": null}),
            Err(e) => failed(e.kind, cut.offset + e.offset, &e.message),
        })
        .collect();
    if let Err(breach) = end {
        lines.push(failed(breach.kind, breach.offset, "the stream cannot be followed from here"));
    } else if cutter.is_midway() {
        lines.push(failed("xml_truncated", cutter.position(), "ends before its event does"));
    }
    lines
}

fn failed(kind: &str, offset: u64, message: &str) -> Value {
    json!({"ok": false, "messages": [], "flags": [], "error": {"kind": kind, "offset": offset, "message": message}})
}

fn message(e: &Event) -> Value {
    json!({
        "msg": "event",
        "version": e.version,
        "uid": e.uid,
        "type": e.kind,
        "time": write_time(e.time),
        "start": write_time(e.start),
        "stale": write_time(e.stale),
        "how": e.how,
        "access": e.access,
        "qos": e.qos,
        "opex": e.opex,
        "point": {
            "lat": e.point.lat_deg, "lon": e.point.lon_deg, "hae": e.point.hae_m, "ce": e.point.ce_m, "le": e.point.le_m,
        },
        "detail": detail(&e.detail),
        "flags": e.flags,
    })
}

fn detail(d: &Detail) -> Value {
    let mut out = serde_json::Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(v) = value {
            out.insert(name.to_owned(), v);
        }
    };
    put("contact", d.contact().map(|c| json!({"callsign": c.callsign, "endpoint": c.endpoint})));
    put("__chat", d.chat().as_ref().map(chat));
    put("__chatreceipt", d.chat_receipt().as_ref().map(chat));
    let links: Vec<Value> = d.links().map(|l| json!({"uid": l.uid, "type": l.kind, "relation": l.relation})).collect();
    put("link", (!links.is_empty()).then(|| links.into()));
    put("remarks", d.remarks().map(|r| json!({"source": r.source, "to": r.to, "time": r.time, "text": r.text})));
    put("track", d.track().map(|t| json!({"speed": t.speed_mps, "course": t.course_deg})));
    put(
        "sensor",
        d.sensor().map(|s| {
            json!({"azimuth": s.azimuth_deg, "fov": s.fov_deg, "range": s.range_m, "elevation": s.elevation_deg,
                   "model": s.model})
        }),
    );
    put("emergency", d.emergency().map(|e| json!({"type": e.kind, "cancel": e.cancel, "text": e.text})));
    put(
        "takv",
        d.takv().map(|t| json!({"device": t.device, "platform": t.platform, "os": t.os, "version": t.version})),
    );
    put("__group", d.group().map(|g| json!({"name": g.name, "role": g.role})));
    let rest = d.rest();
    put("xml", (!rest.is_empty()).then(|| rest.into()));
    out.into()
}

fn chat(c: &Chat) -> Value {
    json!({"id": c.id, "messageId": c.message_id, "chatroom": c.chatroom, "senderCallsign": c.sender_callsign,
           "chatgrp": c.members})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(uid: &str, inner: &str) -> String {
        format!(
            "<event version='2.0' uid='{uid}' type='a-u-G' time='2026-01-01T00:00:00Z' start='2026-01-01T00:00:00Z' \
             stale='2026-01-01T00:01:00Z' how='h-e'><point lat='1' lon='2' hae='9999999' ce='5' le='9999999.0'/>{inner}</event>"
        )
    }

    #[test]
    fn each_event_has_its_line_and_a_bad_one_costs_only_itself() {
        let file = [
            event("A", "<detail><contact callsign='X'/><foo a='1'/></detail>"),
            event("B", "").replace("lat='1'", "lat='north'"),
            event("C", "").replace("lat='1'", "lat='91'"),
            "<event version='2.0'".into(),
        ]
        .join("\n");
        let lines = decode_lines(file.as_bytes());
        let ok: Vec<_> = lines.iter().map(|l| l["ok"].as_bool().unwrap()).collect();
        assert_eq!(ok, [true, false, true, false]);
        let first = &lines[0]["messages"][0];
        assert_eq!(first["point"], json!({"lat": 1.0, "lon": 2.0, "hae": null, "ce": 5.0, "le": null}));
        assert_eq!(first["detail"], json!({"contact": {"callsign": "X", "endpoint": null}, "xml": "<foo a=\"1\"/>"}));
        assert_eq!(first["flags"], json!([]));
        let at = file.find("<point lat='north'").unwrap();
        assert_eq!(lines[1]["error"]["offset"], json!(at));
        assert_eq!(lines[2]["messages"][0]["point"]["lat"], json!(null));
        assert_eq!(lines[2]["messages"][0]["flags"], json!(["lat_out_of_range"]));
        assert_eq!(lines[3]["error"]["kind"], json!("xml_truncated"));
        assert!(decode_lines(b" \n").is_empty());
    }
}
