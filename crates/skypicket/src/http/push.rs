//! Push subscriptions of the caller's own phones.

use super::{
    App, Problem, Signed,
    body::{Only, Strict},
    ok,
};
use crate::{
    clock,
    push::{NewDevice, Push, PushError},
};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::json;
use skypicket_model::{Access, RequestId, access::Deed};
use std::sync::Arc;

impl From<PushError> for Problem {
    fn from(e: PushError) -> Self {
        let text = e.to_string();
        match e {
            PushError::Off => Self::new(StatusCode::CONFLICT, "push_off", text),
            PushError::Invalid(_) => Self::invalid(text),
            PushError::Reused => Self::reused(),
            PushError::Many => Self::new(StatusCode::CONFLICT, "too_many_devices", text),
            PushError::Soon => {
                Self { retry_after_s: Some(5), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", text) }
            }
            PushError::Store(_) => Self::internal(text),
        }
    }
}

fn push(app: &App) -> Result<&Arc<Push>, Problem> {
    app.centre.push.get().ok_or_else(|| Problem::from(PushError::Off))
}

/// `GET /push`.
pub async fn show(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    let push = push(&app)?;
    ok(Json(json!({
        "enabled": push.enabled(), "key": push.public_key(), "contact": push.has_contact(),
        "devices": push.of(caller.id()),
    })))
}

/// A subscription as a browser gives it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionBody {
    id: RequestId,
    endpoint: String,
    keys: SubscriptionKeys,
    device: String,
}

/// Its keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionKeys {
    p256dh: String,
    auth: String,
}

/// `POST /push/subscriptions`: a repeat with the same id and subscription changes nothing.
pub async fn subscribe(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { body, .. }: Strict<SubscriptionBody>,
) -> Result<Response, Problem> {
    let push = push(&app)?;
    let id = body.id;
    let known = push.of(caller.id()).iter().any(|d| d.id == id);
    let new = NewDevice {
        id,
        endpoint: body.endpoint,
        p256dh: body.keys.p256dh,
        auth: body.keys.auth,
        name: body.device,
        session: caller.session.clone(),
    };
    let made = push.add(caller.id(), new, clock::now()).await?;
    if !known {
        note(&app, &caller, &format!("push/subscriptions/{id}"));
    }
    ok((StatusCode::CREATED, Json(made)))
}

/// `DELETE /push/subscriptions/{id}`.
pub async fn unsubscribe(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<RequestId>,
) -> Result<Response, Problem> {
    if !push(&app)?.remove(caller.id(), id).await? {
        return Err(Problem::not_found());
    }
    note(&app, &caller, &format!("push/subscriptions/{id} taken off"));
    ok(StatusCode::NO_CONTENT)
}

/// `POST /push/test`: a repeat sends another test, which harms nobody.
pub async fn test(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { body, .. }: Strict<Only>,
) -> Result<Response, Problem> {
    let person = caller.id().clone();
    let language =
        app.centre.ask(move |e| e.directory().people.get(&person).map(|p| p.language).unwrap_or_default()).await?;
    let exercise = app.centre.exercise.as_deref();
    let sent = push(&app)?.test(caller.id(), language, exercise, body.id).await?;
    let items: Vec<_> =
        sent.into_iter().map(|(device, outcome)| json!({"device": device, "outcome": outcome})).collect();
    ok((StatusCode::ACCEPTED, Json(json!({"items": items}))))
}

fn note(app: &App, caller: &super::Caller, what: &str) {
    app.audit.note(
        Access::once(Some(caller.id().clone()), Deed::PushSet, what, clock::now())
            .with_session(Some(caller.session.clone())),
    );
}
