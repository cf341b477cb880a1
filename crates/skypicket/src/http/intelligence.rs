//! Intelligence reports over HTTP: file, read, change, vet, approve, review, purge.

use super::{
    App, Caller, Problem, Signed,
    body::{Strict, Why, once},
    ok, shows_intelligence,
};
use crate::{
    clock,
    intelligence::{Choices, Due, ReportRow, ReportView},
};
use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use skypicket_model::{
    Act, ReportAct, ReportContent, ReportId, ReportState, RequestId, Time, intelligence::ReportStep,
};
use std::fmt::Write as _;

/// Which page of the reports.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    #[serde(default)]
    step: Option<ReportStep>,
    #[serde(default)]
    due: Option<Due>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// Where a page ends: a number that falls or grows along the list, and the report.
fn read_cursor(text: &str) -> Option<(i64, ReportId)> {
    let (key, id) = text.split_once('_')?;
    Some((key.parse().ok()?, id.parse().ok().map(ReportId)?))
}

/// `GET /intelligence`: the newest first; of a queue what is due longest first. Tombstones only where they are asked for.
pub async fn list(
    State(app): State<App>,
    Extension(caller): Signed,
    Query(q): Query<ListQuery>,
) -> Result<Response, Problem> {
    let limit = q.limit.unwrap_or(200).clamp(1, 500);
    let after = match &q.cursor {
        None => None,
        Some(c) => Some(read_cursor(c).ok_or_else(|| Problem::invalid("cursor: not one of a page before"))?),
    };
    let reader = caller.reader;
    let now = clock::now();
    let (items, next) = app
        .centre
        .ask(move |e| {
            let fits = |s: &&ReportState| match q.step {
                None => s.step != ReportStep::Purged,
                Some(step) => s.step == step,
            };
            // Both ways: ascending.
            let keyed: Vec<(i64, &ReportState)> = match q.due {
                None => {
                    let all = e.desk().reports().filter(fits);
                    all.map(|s| (-s.filed_at.as_micros(), s)).collect()
                }
                Some(due) => {
                    let overdue = e.desk().overdue(now);
                    let list = if due == Due::Review { overdue.review } else { overdue.purge };
                    let since = |s: &ReportState| due.since(s, now).map_or(i64::MAX, Time::as_micros);
                    list.into_iter().filter(fits).map(|s| (since(s), s)).collect()
                }
            };
            let mut keyed: Vec<_> =
                keyed.into_iter().filter(|(key, s)| after.is_none_or(|a| (*key, s.id) > a)).collect();
            keyed.sort_by_key(|(key, s)| (*key, s.id));
            let rows = keyed.iter().filter_map(|(k, s)| Some((k, ReportRow::of(e, s, &reader, now)?)));
            let mut page: Vec<_> = rows.take(limit + 1).collect();
            let more = page.len() > limit;
            page.truncate(limit);
            let next = page.last().filter(|_| more).map(|(key, row)| format!("{key}_{}", row.report));
            (page.into_iter().map(|(_, row)| row).collect::<Vec<_>>(), next)
        })
        .await?;
    ok(Json(json!({"items": items, "next": next})))
}

/// A report as the caller may see it.
async fn view(app: &App, caller: &Caller, id: ReportId) -> Result<ReportView, Problem> {
    let reader = caller.reader.clone();
    let now = clock::now();
    app.centre.ask(move |e| ReportView::of(e, id, &reader, now)).await?.ok_or_else(Problem::not_found)
}

/// `GET /intelligence/{id}`: it stands in the audit before it is answered.
pub async fn one(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<ReportId>,
) -> Result<Response, Problem> {
    Ok(shows_intelligence(ok(Json(view(&app, &caller, id).await?))?))
}

/// `GET /intelligence/choices`: what the caller can name in a report.
pub async fn choices(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    let me = caller.reader.person.clone();
    ok(Json(app.centre.ask(move |e| Choices::of(e.directory(), &me)).await?))
}

/// Does an act once, and answers with the report as it is now.
async fn act(
    app: &App,
    caller: &Caller,
    (id, what, value): (RequestId, &str, Value),
    status: StatusCode,
    act: ReportAct,
) -> Result<Response, Problem> {
    let report = act.report();
    once(app, caller, (id, what, value), (status, Value::Null), Act::Intelligence(act)).await?;
    ok((status, Json(view(app, caller, report).await?)))
}

/// 16 random bytes as hex.
fn salt() -> Result<String, Problem> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(Problem::internal)?;
    Ok(bytes.iter().fold(String::new(), |mut hex, b| {
        let _ = write!(hex, "{b:02x}");
        hex
    }))
}

/// A report as a client files it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Of the request, and of the report.
    id: RequestId,
    content: Box<ReportContent>,
}

/// `POST /intelligence`.
pub async fn file(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { value, body }: Strict<File>,
) -> Result<Response, Problem> {
    let file = ReportAct::File { report: ReportId(body.id.0), content: body.content, salt: salt()? };
    act(&app, &caller, (body.id, "POST intelligence", value), StatusCode::CREATED, file).await
}

/// A change as a client writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    id: RequestId,
    /// The version that was read.
    read: u32,
    content: Box<ReportContent>,
    why: String,
}

/// `POST /intelligence/{id}/versions`.
pub async fn change(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(report): Path<ReportId>,
    Strict { value, body }: Strict<Change>,
) -> Result<Response, Problem> {
    let what = format!("POST intelligence/{report}/versions");
    let change = ReportAct::Change { report, read: body.read, content: body.content, salt: salt()?, why: body.why };
    act(&app, &caller, (body.id, &what, value), StatusCode::CREATED, change).await
}

/// The version that was read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    id: RequestId,
    read: u32,
}

/// `POST /intelligence/{id}/vettings`.
pub async fn vet(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(report): Path<ReportId>,
    Strict { value, body }: Strict<Read>,
) -> Result<Response, Problem> {
    let what = format!("POST intelligence/{report}/vettings");
    act(&app, &caller, (body.id, &what, value), StatusCode::OK, ReportAct::Vet { report, read: body.read }).await
}

/// `POST /intelligence/{id}/individual-approvals`.
pub async fn approve_individual(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(report): Path<ReportId>,
    Strict { value, body }: Strict<Read>,
) -> Result<Response, Problem> {
    let what = format!("POST intelligence/{report}/individual-approvals");
    let approve = ReportAct::ApproveIndividual { report, read: body.read };
    act(&app, &caller, (body.id, &what, value), StatusCode::OK, approve).await
}

/// New dates.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewDates {
    id: RequestId,
    review_by: Time,
    purge_by: Time,
    why: String,
}

/// `POST /intelligence/{id}/reviews`.
pub async fn review(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(report): Path<ReportId>,
    Strict { value, body }: Strict<NewDates>,
) -> Result<Response, Problem> {
    let what = format!("POST intelligence/{report}/reviews");
    let review = ReportAct::Review { report, review_by: body.review_by, purge_by: body.purge_by, why: body.why };
    act(&app, &caller, (body.id, &what, value), StatusCode::OK, review).await
}

/// `POST /intelligence/{id}/purge-requests`.
pub async fn ask_purge(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(report): Path<ReportId>,
    Strict { value, body }: Strict<Why>,
) -> Result<Response, Problem> {
    let what = format!("POST intelligence/{report}/purge-requests");
    act(&app, &caller, (body.id, &what, value), StatusCode::OK, ReportAct::AskPurge { report, why: body.why }).await
}

/// `POST /intelligence/{id}/purges`.
pub async fn purge(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(report): Path<ReportId>,
    Strict { value, body }: Strict<Why>,
) -> Result<Response, Problem> {
    let what = format!("POST intelligence/{report}/purges");
    act(&app, &caller, (body.id, &what, value), StatusCode::OK, ReportAct::Purge { report, why: body.why }).await
}
