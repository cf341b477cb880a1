//! Alarms over HTTP: which are open, who has each and what interrupts; take, hand back, take over, shelve; the figures.

use super::{
    App, Caller, Problem, Signed,
    body::{Strict, once},
    ok,
};
use crate::clock;
use crate::views::{AlarmView, FloodView, ShiftView};
use axum::{Extension, Json, extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};
use skypicket_model::{Act, AlarmId, PersonId, Reader, RequestId, may_see};

/// What the caller may see of the open alarms, and the last shift change.
async fn open(app: &App, reader: &Reader) -> Result<Value, Problem> {
    let (reader, now) = (reader.clone(), clock::now());
    let list = app.centre.ask(move |e| {
        let seen = e.desk().alarms().filter(|a| may_see(&reader, a.marking));
        let items: Vec<AlarmView> = seen.map(|a| AlarmView::of(e, &a)).collect();
        let shift = e.desk().shift().map(|c| ShiftView::of(e.directory(), c));
        json!({"items": items, "shift": shift, "flood": FloodView::of(e, now)})
    });
    Ok(list.await?)
}

/// `GET /alarms`.
pub async fn list(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    ok(Json(open(&app, &caller.reader).await?))
}

/// Does an act about alarms once, and answers with how they stand now.
async fn change(
    app: &App,
    caller: &Caller,
    (id, word, value): (RequestId, &str, Value),
    act: Act,
) -> Result<Response, Problem> {
    let what = format!("POST alarms/{word}");
    once(app, caller, (id, &what, value), (StatusCode::OK, Value::Null), act).await?;
    ok(Json(open(app, &caller.reader).await?))
}

/// Alarms to take.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Take {
    id: RequestId,
    alarms: Vec<AlarmId>,
    #[serde(default)]
    why: String,
}

/// `POST /alarms/take`.
pub async fn take(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { value, body }: Strict<Take>,
) -> Result<Response, Problem> {
    let act = Act::TakeAlarm { alarms: body.alarms, why: body.why };
    change(&app, &caller, (body.id, "take", value), act).await
}

/// Alarms to hand back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandBack {
    id: RequestId,
    alarms: Vec<AlarmId>,
    why: String,
}

/// `POST /alarms/hand-back`.
pub async fn hand_back(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { value, body }: Strict<HandBack>,
) -> Result<Response, Problem> {
    let act = Act::HandBack { alarms: body.alarms, why: body.why };
    change(&app, &caller, (body.id, "hand-back", value), act).await
}

/// A shift change.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeOver {
    id: RequestId,
    from: PersonId,
    #[serde(default)]
    note: String,
}

/// `POST /alarms/take-over`.
pub async fn take_over(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { value, body }: Strict<TakeOver>,
) -> Result<Response, Problem> {
    let act = Act::TakeOver { from: body.from, note: body.note };
    change(&app, &caller, (body.id, "take-over", value), act).await
}

/// Alarms to shelve.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shelve {
    id: RequestId,
    alarms: Vec<AlarmId>,
    for_s: u32,
    why: String,
}

/// `POST /alarms/shelve`.
pub async fn shelve(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { value, body }: Strict<Shelve>,
) -> Result<Response, Problem> {
    let act = Act::ShelveAlarm { alarms: body.alarms, for_s: body.for_s, why: body.why };
    change(&app, &caller, (body.id, "shelve", value), act).await
}

/// Alarms to shelve no longer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unshelve {
    id: RequestId,
    alarms: Vec<AlarmId>,
}

/// `POST /alarms/unshelve`.
pub async fn unshelve(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { value, body }: Strict<Unshelve>,
) -> Result<Response, Problem> {
    let act = Act::UnshelveAlarm { alarms: body.alarms };
    change(&app, &caller, (body.id, "unshelve", value), act).await
}

/// `GET /alarms/figures`.
pub async fn figures(State(app): State<App>) -> Result<Response, Problem> {
    let now = clock::now();
    let figures = app.centre.ask(move |e| e.desk().figures(now)).await?;
    let mut value = serde_json::to_value(figures).map_err(|e| Problem::internal(&e))?;
    value["exercise"] = json!(app.centre.exercise.as_deref());
    ok(Json(value))
}
