//! The library over HTTP: what bulletins are written from, and a template filled in.

use super::{App, Problem, body::Strict, ok};
use crate::{clock, library::Ask};
use axum::{Json, extract::State, http::StatusCode, response::Response};

/// `GET /library`: what fits this centre, live or exercise.
pub async fn all(State(app): State<App>) -> Result<Response, Problem> {
    ok(Json(app.library.view(app.centre.exercise.is_some())))
}

/// `POST /library/drafts`: changes nothing, so that it needs no id.
pub async fn draft(State(app): State<App>, Strict { body, .. }: Strict<Ask>) -> Result<Response, Problem> {
    let made = app.library.draft(&body, app.centre.exercise.is_some(), clock::now());
    let draft = made.map_err(|wrong| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unfit", wrong.join("\n")))?;
    ok(Json(draft))
}
