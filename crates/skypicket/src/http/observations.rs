//! Observations over HTTP: newline JSON from a source with its token.

use super::{App, Problem, auth::Token, ok};
use crate::clock;
use axum::{Extension, Json, body::Bytes, extract::State, http::StatusCode, response::Response};
use serde_json::json;
use skypicket_model::ObservationId;
use skypicket_wire::observation_line;
use std::sync::Arc;

/// Most lines in one request.
const LINES: usize = 1_000;

/// `POST /observations`: good lines are taken, bad ones are named with their line; neither stops the other.
pub async fn take(
    State(app): State<App>,
    Extension(token): Extension<Arc<Token>>,
    body: Bytes,
) -> Result<Response, Problem> {
    let lines: Vec<&[u8]> = body.split(|b| *b == b'\n').filter(|l| !l.trim_ascii().is_empty()).collect();
    if lines.len() > LINES {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_many_lines",
            "At most 1000 lines in one request.",
        ));
    }
    let now = clock::now();
    let mut good = Vec::new();
    let mut refused = Vec::new();
    for (n, line) in lines.iter().enumerate() {
        let mut make_id = || ObservationId(uuid::Uuid::now_v7());
        let mut context = observation_line::Context {
            source: &token.source,
            sources: observation_line::Sources::Own,
            received_at: Some(now),
            make_id: &mut make_id,
        };
        match observation_line::decode(line, &mut context) {
            Ok(o) => good.push(o),
            Err(e) => {
                app.sources.refused(&token.source, e.reason(), line);
                refused.push(json!({"line": n + 1, "reason": e.reason(), "message": e.to_string()}));
            }
        }
    }
    let taken = good.len();
    app.sources.decoded(&token.source, "http", lines.len(), taken, now);
    app.centre.inbox.observe(good);
    // Sensor observations are taken for recording, not promised: overload sheds the oldest, counted (promise 6).
    ok((StatusCode::ACCEPTED, Json(json!({"taken": taken, "refused": refused}))))
}
