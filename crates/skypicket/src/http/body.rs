//! [`Strict`]: a JSON body with no duplicate keys, nothing that is not finite, bounded size, depth and count; [`Timed`],
//! which ends a body that comes too slowly; and [`once`], by which every POST is safe to repeat.

use super::{App, Caller, Problem, auth};
use axum::{
    Json,
    body::{Body, Bytes, HttpBody},
    extract::{FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use hyper::body::{Frame, SizeHint};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use skypicket_model::{Act, Request as RecordedRequest, RequestId, entry::ActEntry};
use skypicket_record::{Record, RequestSeen};
use skypicket_wire::json;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::Sleep;

/// Other bodies kept under one id.
const CONFLICTS: u32 = 10;
/// Largest body, bytes.
pub const MOST: usize = 256 * 1024;

/// A whole body must be here within this. A phone on a bad line sends a report of 2 kB in a fraction of it.
pub const WITHIN: Duration = Duration::from_secs(20);

/// A body that fails when it is not here in time: a client that dribbles holds a connection no longer than [`WITHIN`].
pub struct Timed {
    body: Body,
    end: Pin<Box<Sleep>>,
}

impl Timed {
    /// From now on.
    pub fn wrap(body: Body) -> Body {
        if body.is_end_stream() {
            return body;
        }
        Body::new(Self { body, end: Box::pin(tokio::time::sleep(WITHIN)) })
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        ready!(self.end.as_mut().poll(cx));
        Poll::Ready(Some(Err(axum::Error::new(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            "the body came too slowly",
        )))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request that only gives a reason.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    /// Of the request.
    pub id: RequestId,
    /// The reason.
    pub why: String,
}

/// A body of at most `MOST` bytes read strictly: the value as sent, and as a type.
pub struct Strict<T, const MOST: usize = { self::MOST }> {
    /// As sent.
    pub value: Value,
    /// As a type.
    pub body: T,
}

impl<T: DeserializeOwned, S: Send + Sync, const MOST: usize> FromRequest<S> for Strict<T, MOST> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await.map_err(|e| {
            let status = e.status();
            let code = if status == StatusCode::PAYLOAD_TOO_LARGE { "too_large" } else { "bad_request" };
            let detail =
                format!("The body could not be read whole within 20 seconds, or is larger than {} KiB.", MOST / 1_024);
            Problem::new(status, code, detail)
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
    let via = if caller.session == "cli" { "cli" } else { "web" };
    let entry = |request, act| ActEntry { by: caller.id().clone(), via: via.into(), request, act };
    match app.centre.record.request(caller.id().clone(), id).await.map_err(Problem::internal)? {
        RequestSeen::No => {}
        RequestSeen::Another => return Err(Problem::not_found()),
        RequestSeen::Yes { request, .. } if request.sha256 == sha256 => return Ok(answered(&request)),
        RequestSeen::Yes { conflicts, .. } => {
            if conflicts < CONFLICTS {
                let body = match &act {
                    // It may hold what a report says, which must be found when that is purged.
                    Act::Intelligence(_) => String::new(),
                    _ => json::canonical(&value).chars().take(1_024).collect(),
                };
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

/// Whether this request was answered before, and the answer stands in the record.
pub async fn was_answered(app: &App, caller: &Caller, id: RequestId) -> Result<bool, Problem> {
    let seen = app.centre.record.request(caller.id().clone(), id).await.map_err(Problem::internal)?;
    Ok(!matches!(seen, RequestSeen::No))
}

/// The answer that was recorded.
fn answered(request: &RecordedRequest) -> Response {
    let status = StatusCode::from_u16(request.status).unwrap_or(StatusCode::OK);
    match serde_json::from_str::<Value>(&request.answer) {
        Ok(v) => (status, Json(v)).into_response(),
        Err(_) => status.into_response(),
    }
}
