//! API tokens of sources.

use super::{App, Problem, body::Strict, ok};
use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::json;
use skypicket_model::{RequestId, SourceId};

/// `GET /tokens`.
pub async fn list(State(app): State<App>) -> Result<Response, Problem> {
    let tokens = app.access.tokens().await.map_err(Problem::internal)?;
    ok(Json(json!({"items": tokens.into_iter().map(|(_, t)| t).collect::<Vec<_>>()})))
}

/// A token to make.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    #[allow(dead_code)] // every POST has one; a repeat makes a second token, since the first secret is shown only once
    id: RequestId,
    name: String,
    source: SourceId,
}

/// `POST /tokens`.
pub async fn make(State(app): State<App>, Strict { body, .. }: Strict<TokenBody>) -> Result<Response, Problem> {
    if body.name.is_empty() || body.name.chars().count() > 100 {
        return Err(Problem::invalid("name: 1 to 100 characters"));
    }
    if body.source.as_str().starts_with("person.") {
        return Err(Problem::invalid("source: names that start with 'person.' are for people"));
    }
    let (token, secret) = app.access.make_token(&body.name, &body.source).await.map_err(Problem::internal)?;
    ok((StatusCode::CREATED, Json(json!({"token": token, "secret": secret}))))
}

/// `DELETE /tokens/{id}`.
pub async fn revoke(State(app): State<App>, Path(id): Path<String>) -> Result<Response, Problem> {
    if app.access.revoke_token(&id).await.map_err(Problem::internal)? {
        ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}
