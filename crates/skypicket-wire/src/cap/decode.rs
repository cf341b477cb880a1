//! [`decode`]: what `skypicket decode cap` prints of a file.

use super::{
    alert::{Alert, Info, NamedValue, Reference},
    area::Area,
    check::Problem,
    read::{Received, read},
    signature::{self, Finding, Signatures, Trust},
    time::DateTime,
};
use serde_json::{Value, json};

/// Most problems named in one error.
const NAMED: usize = 5;

/// One object: `{"ok","messages","flags","error"}`. `ok` is false where a schema would refuse; what could be kept is in
/// `messages` all the same.
pub fn decode(bytes: &[u8], trust: &Trust<'_>) -> Value {
    let received = match read(bytes) {
        Ok(r) => r,
        Err(e) => {
            let error = json!({"kind": e.kind, "offset": e.offset, "message": e.message});
            return json!({"ok": false, "messages": [], "flags": [], "error": error});
        }
    };
    let signatures = signature::check(&received.document, received.alert.as_ref().map(|a| a.sent), trust);
    let messages: Vec<Value> = received.alert.iter().map(|a| message(a, &received, &signatures)).collect();
    let flags = if messages.is_empty() { words(&received.problems) } else { Vec::new() };
    json!({"ok": received.is_valid(), "messages": messages, "flags": flags, "error": error(&received.problems)})
}

fn error(problems: &[Problem]) -> Value {
    let refused: Vec<&Problem> = problems.iter().filter(|p| p.refused).collect();
    let Some(first) = refused.first() else { return Value::Null };
    let mut said: Vec<String> = refused.iter().take(NAMED).map(|p| format!("{}: {}", p.path, p.message)).collect();
    if refused.len() > NAMED {
        said.push(format!("and {} more", refused.len() - NAMED));
    }
    let message = said.join("; ");
    json!({"kind": "cap_invalid", "offset": first.offset, "message": message})
}

fn words(problems: &[Problem]) -> Vec<&'static str> {
    let mut words: Vec<_> = problems.iter().map(|p| p.word).collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn message(a: &Alert, received: &Received, signatures: &Signatures) -> Value {
    let problems: Vec<Value> =
        received.problems.iter().map(|p| json!({"word": p.word, "path": p.path, "message": p.message})).collect();
    json!({
        "msg": "alert",
        "version": received.version.as_str(),
        "identifier": a.identifier.as_str(),
        "sender": a.sender.as_str(),
        "sent": time(a.sent),
        "status": a.status.as_str(),
        "msgType": a.msg_type.as_str(),
        "source": a.source,
        "scope": a.scope.as_str(),
        "restriction": a.restriction,
        "addresses": a.addresses,
        "code": a.code,
        "note": a.note,
        "references": a.references.iter().map(reference).collect::<Vec<_>>(),
        "incidents": a.incidents,
        "info": a.info.iter().enumerate().map(|(k, i)| info(i, &format!("info[{}]", k + 1), received)).collect::<Vec<_>>(),
        "signature": signed(signatures),
        "problems": problems,
        "flags": words(&received.problems),
    })
}

fn time(t: DateTime) -> String {
    t.to_string()
}

fn reference(r: &Reference) -> Value {
    json!({"sender": r.sender, "identifier": r.identifier, "sent": r.sent})
}

fn info(i: &Info, path: &str, received: &Received) -> Value {
    // What was there but is no word of the standard is unknown to us, which is not the sender's `Unknown`.
    let word = |field: &str, value: &'static str| {
        let lost = value == "Unknown" && received.is_refused_at(&format!("{path}/{field}"));
        if lost { Value::Null } else { value.into() }
    };
    json!({
        "language": i.language,
        "category": i.category.iter().map(|c| c.as_str()).collect::<Vec<_>>(),
        "event": i.event,
        "responseType": i.response_type.iter().map(|r| r.as_str()).collect::<Vec<_>>(),
        "urgency": word("urgency", i.urgency.as_str()),
        "severity": word("severity", i.severity.as_str()),
        "certainty": word("certainty", i.certainty.as_str()),
        "audience": i.audience,
        "eventCode": named(&i.event_code),
        "effective": i.effective.map(time),
        "onset": i.onset.map(time),
        "expires": i.expires.map(time),
        "senderName": i.sender_name,
        "headline": i.headline,
        "description": i.description,
        "instruction": i.instruction,
        "web": i.web,
        "contact": i.contact,
        "parameter": named(&i.parameter),
        "resource": i.resource.iter().map(|r| json!({
            "resourceDesc": r.resource_desc, "mimeType": r.mime_type, "size": r.size, "uri": r.uri, "derefUri": r.deref_uri,
            "digest": r.digest,
        })).collect::<Vec<_>>(),
        "area": i.area.iter().map(area).collect::<Vec<_>>(),
    })
}

fn named(values: &[NamedValue]) -> Vec<Value> {
    values.iter().map(|v| json!({"valueName": v.value_name, "value": v.value})).collect()
}

fn area(a: &Area) -> Value {
    let polygon = a.polygon.iter().map(|p| p.points().iter().map(|p| [p.lat_deg, p.lon_deg]).collect::<Vec<_>>());
    let circle = a
        .circle
        .iter()
        .map(|c| json!({"lat": c.centre().lat_deg, "lon": c.centre().lon_deg, "radius_km": c.radius_km()}));
    json!({
        "areaDesc": a.area_desc,
        "polygon": polygon.collect::<Vec<_>>(),
        "circle": circle.collect::<Vec<_>>(),
        "geocode": named(&a.geocode),
        "altitude": a.altitude,
        "ceiling": a.ceiling,
    })
}

fn signed(s: &Signatures) -> Value {
    json!({"state": s.state.as_str(), "each": s.each.iter().map(finding).collect::<Vec<_>>()})
}

fn finding(f: &Finding) -> Value {
    let certificate = f.certificate.as_ref().map(|c| {
        json!({
            "subject": c.subject, "issuer": c.issuer, "not_before": c.not_before, "not_after": c.not_after,
            "valid_when_sent": c.valid_when_sent,
        })
    });
    json!({
        "state": f.state.as_str(),
        "doubts": f.doubts.iter().map(|d| d.as_str()).collect::<Vec<_>>(),
        "reason": f.reason,
        "algorithm": f.algorithm,
        "certificate": certificate,
    })
}
