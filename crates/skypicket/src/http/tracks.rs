//! What the watch decides about tracks, over HTTP: two are one, one is two, and what one is.

use super::{
    App, Caller, Problem, Signed,
    body::{Strict, once},
    ok,
};
use crate::views;
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use skypicket_model::{Act, RequestId, TrackAct, TrackChange, TrackClass, TrackId, TrackPart, track::Affiliation};

/// Does an act about a track once, and answers with what is left of it now, and with the other that it came to.
async fn change(
    app: &App,
    caller: &Caller,
    track: TrackId,
    (id, word, value): (RequestId, &str, Value),
    act: TrackAct,
) -> Result<Response, Problem> {
    let what = format!("POST tracks/{track}/{word}");
    let (with, splits) = match &act {
        TrackAct::Merge { with, .. } => (Some(*with), false),
        TrackAct::Split { .. } => (None, true),
        TrackAct::Classify { .. } => (None, false),
    };
    once(app, caller, (id, &what, value), (StatusCode::OK, Value::Null), Act::Track(act)).await?;
    let answer = app.centre.ask(move |e| {
        let live = |id: TrackId| e.tracker().track(id);
        let left = live(track).or_else(|| with.and_then(live));
        let parted = |t: &skypicket_model::Track| {
            t.lineage.iter().rev().find_map(|e| match &e.what {
                TrackChange::SplitOff { track, .. } => Some(*track),
                _ => None,
            })
        };
        let other = left.as_ref().filter(|_| splits).and_then(parted).and_then(live);
        let shown = |t: Option<skypicket_model::Track>| t.map(|t| views::feature(&t, None));
        json!({"track": shown(left), "other": shown(other)})
    });
    ok(Json(answer.await?))
}

/// Another track that is the same thing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    id: RequestId,
    with: TrackId,
    why: String,
}

/// `POST /tracks/{id}/merges`.
pub async fn merge(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(track): Path<TrackId>,
    Strict { value, body }: Strict<Merge>,
) -> Result<Response, Problem> {
    let act = TrackAct::Merge { track, with: body.with, why: body.why };
    change(&app, &caller, track, (body.id, "merges", value), act).await
}

/// A part that is another thing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    id: RequestId,
    part: TrackPart,
    why: String,
}

/// `POST /tracks/{id}/splits`.
pub async fn split(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(track): Path<TrackId>,
    Strict { value, body }: Strict<Split>,
) -> Result<Response, Problem> {
    let act = TrackAct::Split { track, part: body.part, why: body.why };
    change(&app, &caller, track, (body.id, "splits", value), act).await
}

/// What it is; neither class nor affiliation takes back what was decided.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Classify {
    id: RequestId,
    #[serde(default)]
    class: Option<TrackClass>,
    #[serde(default)]
    affiliation: Option<Affiliation>,
    #[serde(default)]
    why: String,
}

/// `POST /tracks/{id}/classifications`.
pub async fn classify(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(track): Path<TrackId>,
    Strict { value, body }: Strict<Classify>,
) -> Result<Response, Problem> {
    let act = TrackAct::Classify { track, class: body.class, affiliation: body.affiliation, why: body.why };
    change(&app, &caller, track, (body.id, "classifications", value), act).await
}
