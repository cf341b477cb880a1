//! The OpenAPI 3.1 document: made from the permission table and the schemas, checked in as `docs/openapi.json`.

use super::permission::{Event, Row, TABLE, Who};
use axum::{Json, response::IntoResponse};
use serde_json::{Map, Value, json};

/// `GET /api/v1/openapi.json`.
pub async fn serve() -> impl IntoResponse {
    Json(document())
}

/// The document.
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for row in TABLE {
        let path = paths.entry(row.path.to_owned()).or_insert_with(|| json!({}));
        if let Some(o) = path.as_object_mut() {
            o.insert(row.method.to_ascii_lowercase(), operation(row));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Skypicket",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "From the first report of a drone to a warning that everyone in danger has acknowledged. Every POST body holds a client-made id (UUIDv7): the same id and body again gets the first answer, another body 409. Errors are RFC 9457 problem documents with `code` and `request_id`.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": super::COOKIE},
                "token": {"type": "http", "scheme": "bearer"},
                "partner": {"type": "http", "scheme": "bearer", "description": "A partner's token: it opens the CAP feed and nothing else."},
            },
            "schemas": schemas(),
            "responses": {"Problem": {
                "description": "What went wrong, and what to do.",
                "content": {"application/problem+json": {"schema": reference("Problem")}},
            }},
        },
    })
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn operation(row: &Row) -> Value {
    let (status, gives) = row.gives;
    let mut ok = json!({"description": "Done."});
    if let Some(schema) = gives {
        let kind = match schema {
            "FeatureCollection" => "application/geo+json",
            "CsvText" => "text/csv; charset=utf-8; header=present",
            _ => "application/json",
        };
        ok["content"] = json!({kind: {"schema": reference(schema)}});
    }
    let mut op = json!({
        "operationId": operation_id(row),
        "summary": row.does,
        "responses": {status.to_string(): ok, "default": {"$ref": "#/components/responses/Problem"}},
        "security": match row.who {
            Who::Anyone => json!([]),
            Who::Source => json!([{"token": []}]),
            Who::Partner => json!([{"partner": []}]),
            Who::SignedIn | Who::Roles(_) => json!([{"session": []}]),
        },
    });
    if let Who::Roles(roles) = row.who {
        op["x-roles"] = json!(roles);
    }
    if row.path == "/api/v1/events" {
        op["x-events"] = events();
    }
    let parameters: Vec<Value> = row
        .path
        .split('/')
        .filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let schema = if name == "v" { json!({"type": "integer", "minimum": 1}) } else { json!({"type": "string"}) };
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        })
        .collect();
    if !parameters.is_empty() {
        op["parameters"] = Value::Array(parameters);
    }
    if let Some(schema) = row.takes {
        let kind = if schema == "ObservationLines" { "application/x-ndjson" } else { "application/json" };
        op["requestBody"] = json!({"required": true, "content": {kind: {"schema": reference(schema)}}});
    }
    op
}

/// The kinds of events, and who gets them.
fn events() -> Value {
    let one = |e: &Event| {
        let row = e.row();
        let mut v = json!({"summary": row.says, "others": row.others});
        if let Some(schema) = row.gives {
            v["schema"] = reference(schema);
        }
        if let Who::Roles(roles) = row.whole {
            v["x-roles"] = json!(roles);
        }
        (e.name().to_owned(), v)
    };
    Value::Object(Event::ALL.iter().map(one).collect())
}

fn operation_id(row: &Row) -> String {
    let words: Vec<&str> = row
        .path
        .trim_start_matches("/api/v1/")
        .split(['/', '-', '.'])
        .filter(|w| !w.is_empty() && !w.starts_with('{'))
        .collect();
    let (above, last) = row.path.rsplit_once('/').unwrap_or_default();
    // One of a list whose whole takes the same method.
    let one_of = last.starts_with('{') && TABLE.iter().any(|r| r.method == row.method && r.path == above);
    let by = match row.path {
        // Beside `/api/v1/trust`.
        "/trust" => "-page",
        p if p.contains('{') && row.method == "GET" || one_of => "-one",
        _ => "",
    };
    format!("{}-{}{by}", row.method.to_ascii_lowercase(), words.join("-"))
}

/// The schemas, by name. Written beside the code, a file a topic in `schemas/`; a test holds that every name used has
/// one, and the real-binary tests check answers against them.
fn schemas() -> Value {
    let all: Map<String, Value> =
        SCHEMAS.iter().filter_map(|text| serde_json::from_str::<Map<String, Value>>(text).ok()).flatten().collect();
    Value::Object(all)
}

const SCHEMAS: &[&str] = &[
    include_str!("schemas/core.json"),
    include_str!("schemas/tracks.json"),
    include_str!("schemas/accounts.json"),
    include_str!("schemas/people.json"),
    include_str!("schemas/audit.json"),
    include_str!("schemas/alarms.json"),
    include_str!("schemas/bulletins.json"),
    include_str!("schemas/search.json"),
    include_str!("schemas/intelligence.json"),
    include_str!("schemas/board.json"),
    include_str!("schemas/renderings.json"),
    include_str!("schemas/machines.json"),
    include_str!("schemas/upkeep.json"),
    include_str!("schemas/doctor.json"),
    include_str!("schemas/enrolment.json"),
    include_str!("schemas/push.json"),
    include_str!("schemas/channels.json"),
    include_str!("schemas/inbound.json"),
    include_str!("schemas/links.json"),
    include_str!("schemas/cap.json"),
    include_str!("schemas/library.json"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_that_is_named_exists() {
        let all = schemas();
        let text = document().to_string();
        for name in text.split("#/components/schemas/").skip(1).filter_map(|s| s.split('"').next()) {
            assert!(all.get(name).is_some(), "schema {name} is missing");
        }
    }

    #[test]
    fn every_file_of_schemas_is_an_object_and_no_name_stands_twice() {
        let files = SCHEMAS.iter().map(|t| serde_json::from_str::<Map<String, Value>>(t).unwrap().len());
        assert_eq!(files.sum::<usize>(), schemas().as_object().unwrap().len());
    }

    #[test]
    fn operation_ids_are_unique() {
        let mut seen = std::collections::BTreeSet::new();
        for r in TABLE {
            assert!(seen.insert(operation_id(r)), "{}", operation_id(r));
        }
    }

    #[test]
    fn the_checked_in_document_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
        if std::env::var_os("SKYPICKET_UPDATE").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        let kept = std::fs::read_to_string(path).unwrap();
        assert!(
            kept == text,
            "docs/openapi.json is out of date: run SKYPICKET_UPDATE=1 cargo test -p skypicket openapi"
        );
    }
}
