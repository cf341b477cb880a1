//! Observations over HTTP: newline JSON from a source with its token.

use super::{App, Problem, ok};
use crate::{clock, machines::Bearer};
use axum::{Extension, Json, body::Bytes, extract::State, http::StatusCode, response::Response};
use serde_json::json;
use skypicket_link::Format;
use skypicket_model::ObservationId;
use skypicket_wire::observation_line;
use std::sync::{Arc, PoisonError};

/// Most lines in one request.
const LINES: usize = 1_000;

/// `POST /observations`: good lines are taken, bad ones are named with their line; neither stops the other.
pub async fn take(
    State(app): State<App>,
    Extension(bearer): Extension<Arc<Bearer>>,
    body: Bytes,
) -> Result<Response, Problem> {
    let token = &bearer.token;
    if !app.machines.still(&bearer) {
        // Revoked or ended while the body came: nothing of it is taken.
        return Err(Problem::signed_out());
    }
    if !token.grant.formats.contains(&Format::Lines) {
        app.sources.count_refused(&token.source, "format_not_allowed");
        return Err(Problem::new(StatusCode::FORBIDDEN, "format_not_allowed", "This token may not bring JSON lines."));
    }
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
            sources: observation_line::Sources::Listed(&token.grant.also),
            received_at: Some(now),
            make_id: &mut make_id,
            ahead_s: None,
        };
        if !bearer.rate.lock().unwrap_or_else(PoisonError::into_inner).takes(now) {
            app.sources.count_refused(&token.source, "rate");
            refused.push(json!({"line": n + 1, "reason": "rate", "message": "more lines than this token may bring"}));
            continue;
        }
        let decoded = observation_line::decode(line, &mut context);
        if let Some(ahead_s) = context.ahead_s {
            app.sources.clock(&token.source, ahead_s, now);
        }
        match decoded {
            Ok(o) => match token.grant.refuses(&o) {
                None => good.push(o),
                Some(reason) => {
                    app.sources.refused(&token.source, reason, line);
                    let message = "it is not where this token may report";
                    refused.push(json!({"line": n + 1, "reason": reason, "message": message}));
                }
            },
            Err(e) => {
                app.sources.refused(&token.source, e.reason(), line);
                refused.push(json!({"line": n + 1, "reason": e.reason(), "message": e.to_string()}));
            }
        }
    }
    let taken = good.len();
    app.sources.clocks.observed(&token.source, &good, now);
    app.sources.decoded(&token.source, "http", lines.len(), taken, now);
    app.centre.inbox.observe(crate::sources::by_our_clock(good, crate::clock::ahead_s()));
    // Sensor observations are taken for recording, not promised: overload sheds the oldest, counted (promise 6).
    ok((StatusCode::ACCEPTED, Json(json!({"taken": taken, "refused": refused}))))
}
