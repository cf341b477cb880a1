//! Warnings over HTTP: what I have, who has it, receipts and acknowledgements.

use super::{
    App, Problem, Signed,
    body::{Only, Strict, once},
    ok,
};
use crate::{clock, views::NoticeView};
use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use skypicket_model::{Act, Channel, NoticeId, NoticeState, RequestId, may_see};
use skypicket_record::{DeliveryQuery, NoticeQuery, Record};

/// Which notices.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    #[serde(default)]
    open: bool,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// `GET /notices`: open ones from the engines, all from the record, newest first.
pub async fn list(
    State(app): State<App>,
    Extension(caller): Signed,
    Query(q): Query<ListQuery>,
) -> Result<Response, Problem> {
    let limit = q.limit.unwrap_or(50).clamp(1, 200);
    let unrecorded = app.centre.flags.unrecorded();
    if q.open {
        let reader = caller.reader.clone();
        let sees_all = caller.sees.all;
        let items: Vec<NoticeView> = app
            .centre
            .ask(move |e| {
                e.notices()
                    .filter(|n| n.state != NoticeState::Cleared && may_see(&reader, &n.marking))
                    .filter_map(|n| NoticeView::of(e, n, unrecorded).for_reader(&reader.person, sees_all))
                    .collect()
            })
            .await?;
        return ok(Json(json!({"items": items, "next": null})));
    }
    let mut cursor = q.cursor;
    let mut items = Vec::new();
    for _ in 0..20 {
        let recipient = (!caller.sees.all).then(|| caller.id().clone());
        let query = NoticeQuery { cursor: cursor.clone(), limit, open: false, recipient };
        let page = app.centre.record.notices(query).await.map_err(Problem::internal)?;
        for n in page.items {
            if let Some(v) = view(&app, &caller, n.notice.id).await? {
                items.push(v);
            }
        }
        cursor = page.next;
        if cursor.is_none() || items.len() >= limit {
            break;
        }
    }
    ok(Json(json!({"items": items, "next": cursor})))
}

/// A notice as the caller may see it: from the engines while they hold it, else from the record.
async fn view(app: &App, caller: &super::Caller, id: NoticeId) -> Result<Option<NoticeView>, Problem> {
    let unrecorded = app.centre.flags.unrecorded();
    let held = app.centre.ask(move |e| e.notice(id).map(|n| NoticeView::of(e, n, unrecorded))).await?;
    let whole = if held.is_some() {
        held
    } else {
        let directory = app.centre.ask(|e| e.directory().clone()).await?;
        crate::views::notice_from_record(&app.centre.record, &directory, id).await.map_err(Problem::internal)?
    };
    Ok(whole
        .filter(|v| may_see(&caller.reader, &v.notice.marking))
        .and_then(|v| v.for_reader(caller.id(), caller.sees.all)))
}

/// `GET /notices/{id}`.
pub async fn one(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<NoticeId>,
) -> Result<Response, Problem> {
    let v = view(&app, &caller, id).await?.ok_or_else(Problem::not_found)?;
    let versions = app.centre.record.notice_versions(id).await.map_err(Problem::internal)?;
    let versions: Vec<_> = versions.into_iter().map(|v| v.notice).collect();
    let mut value = serde_json::to_value(v).map_err(Problem::internal)?;
    if let Some(o) = value.as_object_mut() {
        o.insert("versions".into(), serde_json::to_value(versions).map_err(Problem::internal)?);
    }
    ok(Json(value))
}

/// A device has it, or shows it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptBody {
    id: RequestId,
    shown: bool,
}

/// `POST /notices/{id}/versions/{v}/receipts`.
pub async fn receipt(
    State(app): State<App>,
    Extension(caller): Signed,
    Path((notice, version)): Path<(NoticeId, u32)>,
    Strict { value, body }: Strict<ReceiptBody>,
) -> Result<Response, Problem> {
    let what = format!("POST notices/{notice}/versions/{version}/receipts");
    let act = Act::Receipt { notice, version, channel: Channel::Web, shown: body.shown };
    once(&app, &caller, (body.id, &what, value), (StatusCode::NO_CONTENT, Value::Null), act).await
}

/// `POST /notices/{id}/versions/{v}/acknowledgements`.
pub async fn acknowledge(
    State(app): State<App>,
    Extension(caller): Signed,
    Path((notice, version)): Path<(NoticeId, u32)>,
    Strict { value, body }: Strict<Only>,
) -> Result<Response, Problem> {
    let what = format!("POST notices/{notice}/versions/{version}/acknowledgements");
    let act = Act::Acknowledge { notice, version, channel: Channel::Web };
    let answer = json!({"acknowledged_at": clock::now()});
    once(&app, &caller, (body.id, &what, value), (StatusCode::CREATED, answer), act).await
}

/// Which deliveries.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliveriesQuery {
    #[serde(default)]
    notice: Option<NoticeId>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// `GET /deliveries`.
pub async fn deliveries(State(app): State<App>, Query(q): Query<DeliveriesQuery>) -> Result<Response, Problem> {
    let limit = q.limit.unwrap_or(100).clamp(1, 500);
    let page = app
        .centre
        .record
        .deliveries(DeliveryQuery { notice: q.notice, cursor: q.cursor, limit, person: None })
        .await
        .map_err(Problem::internal)?;
    ok(Json(json!({"items": page.items, "next": page.next})))
}
