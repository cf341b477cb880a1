//! [`Strict`]: a JSON body with no duplicate keys, nothing that is not finite, bounded size, depth and count; and
//! [`once`], by which every POST is safe to repeat.

use super::{App, Caller, Problem, auth};
use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use skypicket_model::{Act, Request as RecordedRequest, RequestId, entry::ActEntry};
use skypicket_record::{Record, RequestSeen};
use skypicket_wire::json;

/// Other bodies kept under one id.
const CONFLICTS: u32 = 10;
/// Largest body, bytes.
pub const MOST: usize = 256 * 1024;

/// A body read strictly: the value as sent, and as a type.
pub struct Strict<T> {
    /// As sent.
    pub value: Value,
    /// As a type.
    pub body: T,
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Strict<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(|e| {
            let status = e.status();
            let code = if status == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "bad_request" };
            Problem::new(status, code, "The body could not be read whole, or is larger than 256 KiB.")
        })?;
        let value = json::parse(&bytes, &json::Limits { bytes: MOST, ..json::Limits::BODY })
            .map_err(|e| Problem::bad("bad_json", e.to_string()))?;
        let body = json::from_value(value.clone()).map_err(|e| Problem::invalid(e.to_string()))?;
        Ok(Self { value, body })
    }
}

/// A body that holds only the client-made id.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Only {
    /// Client-made.
    pub id: RequestId,
}

/// Does an act once, whatever happens to the answer: the same id and body again gets the first answer, another body
/// 409, another person's id 404.
///
/// `what` names the endpoint with its parameters. The device's clock at sending is not part of the body: it differs at
/// each try.
pub async fn once(
    app: &App,
    caller: &Caller,
    (id, what, value): (RequestId, &str, Value),
    (status, answer): (StatusCode, Value),
    act: Act,
) -> Result<Response, Problem> {
    let mut value = value;
    if let Some(o) = value.as_object_mut() {
        o.remove("sent_at");
    }
    let sha256 = auth::hash(&format!("{what}\n{}", json::canonical(&value)));
    let entry = |request, act| ActEntry { by: caller.id().clone(), via: "web".into(), request, act };
    match app.centre.record.request(caller.id().clone(), id).await.map_err(Problem::internal)? {
        RequestSeen::No => {}
        RequestSeen::Another => return Err(Problem::not_found()),
        RequestSeen::Yes { request, .. } if request.sha256 == sha256 => return Ok(answered(&request)),
        RequestSeen::Yes { conflicts, .. } => {
            if conflicts < CONFLICTS {
                let body = json::canonical(&value).chars().take(1_024).collect();
                app.centre.act(entry(None, Act::Conflict { request: id, body })).await?;
            }
            return Err(Problem::reused());
        }
    }
    let text = if answer.is_null() { String::new() } else { answer.to_string() };
    let request = RecordedRequest { id, sha256, status: status.as_u16(), answer: text };
    match app.centre.act(entry(Some(request.clone()), act)).await {
        Ok(()) => Ok(answered(&request)),
        Err(crate::inbox::NotTaken::Repeat(before)) => Ok(answered(&before)),
        Err(e) => Err(e.into()),
    }
}

/// The answer that was recorded.
fn answered(request: &RecordedRequest) -> Response {
    let status = StatusCode::from_u16(request.status).unwrap_or(StatusCode::OK);
    match serde_json::from_str::<Value>(&request.answer) {
        Ok(v) => (status, Json(v)).into_response(),
        Err(_) => status.into_response(),
    }
}
