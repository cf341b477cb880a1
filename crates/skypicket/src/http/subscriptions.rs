//! A person's own subscriptions over HTTP: what they asked to be told of, besides what concerns them.

use super::{App, Problem, Signed, body::Strict, ok};
use axum::{Extension, Json, extract::State, response::Response};
use serde::Deserialize;
use serde_json::json;
use skypicket_model::{Act, DirectoryChange, Subscription, entry::ActEntry};

/// `GET /me/subscriptions`.
pub async fn show(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    let roll = app.centre.roll.load_full();
    let items = roll.directory.people.get(caller.id()).map(|p| p.subscriptions.clone()).unwrap_or_default();
    ok(Json(json!({"items": items})))
}

/// All that a person asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    items: Vec<Subscription>,
}

/// `PUT /me/subscriptions`: all of them, so that a repeat changes nothing.
pub async fn put(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { body, .. }: Strict<Asked>,
) -> Result<Response, Problem> {
    let items = body.items;
    let change = DirectoryChange::PutSubscriptions { person: caller.id().clone(), items: items.clone() };
    if let Err(wrong) = app.centre.roll.load_full().directory.changed(std::slice::from_ref(&change)) {
        return Err(Problem::invalid(wrong.join("\n")));
    }
    let via = if caller.session == "cli" { "cli" } else { "web" };
    let act = Act::Directory { changes: vec![change] };
    app.centre.act(ActEntry { by: caller.id().clone(), via: via.into(), request: None, act }).await?;
    ok(Json(json!({"items": items})))
}
