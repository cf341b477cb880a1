//! Observations over HTTP from a source with its token: newline JSON, or what a receiver posts in a format of its own.

use super::{App, Problem};
use crate::{clock, machines::Bearer};
use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::json;
use skypicket_model::{Observation, ObservationId, SourceId, Time};
use skypicket_wire::{
    feed::{self, FeedFormat, Heard, Moment, Piece},
    observation_line,
};
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
    may_bring(&app, &bearer, FeedFormat::Lines)?;
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
    Ok(taken(&app, &token.source, lines.len(), good, &refused, now))
}

/// `POST /observations/{format}`: what a receiver posts in its own format. What is sound in it is taken, the rest is named.
pub async fn take_in_format(
    State(app): State<App>,
    Extension(bearer): Extension<Arc<Bearer>>,
    Path(format): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let token = &bearer.token;
    let format: FeedFormat = serde_json::from_value(json!(format))
        .map_err(|e| Problem::new(StatusCode::NOT_FOUND, "unknown_format", format!("There is no such format: {e}.")))?;
    may_bring(&app, &bearer, format)?;
    let now = clock::now();
    let mut new_id = uuid::Uuid::now_v7;
    let mut moment = Moment::new(&token.source, now, &mut new_id);
    let (mut good, mut refused) = (Vec::new(), Vec::new());
    feed::open(format).hear(&body, Piece::Whole, &mut moment, &mut |heard| match heard {
        Heard::Observation { .. } if !bearer.rate.lock().unwrap_or_else(PoisonError::into_inner).takes(now) => {
            app.sources.count_refused(&token.source, "rate");
            refused.push(json!({"reason": "rate", "message": "more observations than this token may bring"}));
        }
        Heard::Observation { receiver, observation } => {
            let mut o = *observation;
            let named = receiver.and_then(|name| SourceId::new(&name).ok());
            if let Some(named) = named.filter(|n| token.grant.also.contains(n)) {
                o.source = named;
            }
            match token.grant.refuses(&o) {
                None => good.push(o),
                Some(reason) => {
                    app.sources.refused(&token.source, reason, &body);
                    refused.push(json!({"reason": reason, "message": "it is not where this token may report"}));
                }
            }
        }
        Heard::Alive { .. } | Heard::Gone { .. } => {}
        Heard::Refused { reason, offset } => {
            app.sources.refused(&token.source, reason, &body);
            refused.push(json!({"reason": reason, "message": format!("byte {offset}")}));
        }
    });
    Ok(taken(&app, &token.source, 1, good, &refused, now))
}

/// Whether a token is good still, and for this format.
fn may_bring(app: &App, bearer: &Bearer, format: FeedFormat) -> Result<(), Problem> {
    if !app.machines.still(bearer) {
        // Revoked or ended while the body came: nothing of it is taken.
        return Err(Problem::signed_out());
    }
    if !bearer.token.grant.formats.contains(&format) {
        app.sources.count_refused(&bearer.token.source, "format_not_allowed");
        return Err(Problem::new(StatusCode::FORBIDDEN, "format_not_allowed", "This token may not bring this format."));
    }
    Ok(())
}

/// Hands on what is good, and says what was not.
fn taken(
    app: &App,
    source: &SourceId,
    received: usize,
    good: Vec<Observation>,
    refused: &[serde_json::Value],
    now: Time,
) -> Response {
    let taken = good.len();
    app.sources.clocks.observed(source, &good, now);
    app.sources.decoded(source, "http", received, taken, now);
    app.centre.inbox.observe(crate::sources::by_our_clock(good, crate::clock::ahead_s()));
    // Sensor observations are taken for recording, not promised: overload sheds the oldest, counted (promise 6).
    (StatusCode::ACCEPTED, Json(json!({"taken": taken, "refused": refused}))).into_response()
}
