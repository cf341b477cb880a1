//! `GET /events`: what happens, as server-sent events.

use super::{App, Caller, Problem, Signed};
use crate::{clock, hub::frame, inbox::Job};
use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use futures_util::stream;
use serde_json::json;
use skypicket_model::{Channel, PersonId};
use std::{convert::Infallible, sync::Arc};
use tokio::sync::mpsc;

/// An open stream; when it is dropped, the channel may be down.
struct Open {
    app: App,
    frames: mpsc::Receiver<Bytes>,
    number: u64,
    person: PersonId,
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.app.centre.hub.leave(self.number).is_some() {
            reach(&self.app, &self.person, false);
        }
    }
}

fn reach(app: &App, person: &PersonId, up: bool) {
    if let Err(error) = app.centre.inbox.push(Job::Reach(person.clone(), Channel::Web, up)) {
        tracing::warn!(%error, "a channel's change was not taken");
    }
}

/// `GET /events`.
pub async fn events(
    State(app): State<App>,
    Extension(caller): Signed,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = headers.get("last-event-id").and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    let Caller { reader, unit, sees } = caller;
    let person = reader.person.clone();
    let hello = frame("hello", None, &json!({"now": clock::now(), "exercise": app.centre.exercise.as_deref()}));
    let joined = app.centre.hub.join((reader, unit), sees, after, hello);
    if joined.first {
        reach(&app, &person, true);
    } else {
        // A second page, or one that came back before the first was known to be gone: what is open goes there too.
        reach(&app, &person, false);
        reach(&app, &person, true);
    }
    let open = Arc::new(tokio::sync::Mutex::new(Open { app, frames: joined.frames, number: joined.number, person }));
    let body = stream::unfold(open, |open| async move {
        let next = open.lock().await.frames.recv().await?;
        Some((Ok::<Bytes, Infallible>(next), open))
    });
    let mut response = Response::new(Body::from_stream(body));
    let h = response.headers_mut();
    h.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/event-stream"));
    h.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    h.insert("x-accel-buffering", header::HeaderValue::from_static("no"));
    Ok(response)
}
