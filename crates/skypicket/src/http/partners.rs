//! Partners' tokens over HTTP: made, listed and revoked by whoever connects machines.

use super::{App, Caller, Problem, Signed, body::Strict, ok};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::json;
use skypicket_model::{Access, AgencyId, Deed, RequestId, Time};

fn note(app: &App, caller: &Caller, deed: Deed, what: &str) {
    let row = Access::once(Some(caller.id().clone()), deed, what, crate::clock::now());
    app.audit.note(row.with_session(Some(caller.session.clone())));
}

/// `GET /partners`.
pub async fn list(State(app): State<App>) -> Result<Response, Problem> {
    ok(Json(json!({"items": app.machines.partners.list(), "feed": format!("{}/cap/feed.atom", app.base_url)})))
}

/// A token to make.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartnerBody {
    #[allow(dead_code)] // every POST has one; a repeat makes a second token, since the first secret is shown only once
    id: RequestId,
    name: String,
    agency: AgencyId,
    #[serde(default)]
    until: Option<Time>,
}

/// `POST /partners`.
pub async fn make(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { body, .. }: Strict<PartnerBody>,
) -> Result<Response, Problem> {
    let roll = app.centre.roll.load_full();
    let named = (body.name.as_str(), &body.agency);
    let (token, secret) = app.machines.partners.make(caller.id(), named, body.until, &roll.directory).await?;
    note(&app, &caller, Deed::PartnerTokenMade, &format!("{}, for {}", token.id, token.agency));
    ok((StatusCode::CREATED, Json(json!({"token": token, "secret": secret}))))
}

/// `DELETE /partners/{id}`.
pub async fn revoke(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let token = app.machines.partners.revoke(caller.id(), &id).await?.ok_or_else(Problem::not_found)?;
    note(&app, &caller, Deed::PartnerTokenRevoked, &token.id);
    ok(StatusCode::NO_CONTENT)
}
