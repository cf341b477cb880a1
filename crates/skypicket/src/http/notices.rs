//! Warnings over HTTP: what I have, who has it, receipts and acknowledgements.

use super::{
    App, Problem, Signed,
    body::{Only, Strict, once},
    ok, shows_positions,
};
use crate::{
    clock,
    views::{self, NoticeView},
};
use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use skypicket_model::{Act, Channel, NoticeId, RequestId, may_see};
use skypicket_record::{DeliveryQuery, NoticeQuery, Record};
use std::collections::BTreeSet;

/// Most measures in one list, and most bytes of one's name: no checklist has more.
const MOST_MEASURES: usize = 32;
const MOST_NAME: usize = 64;

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
                    .filter(|n| !n.state.ended() && may_see(&reader, &n.marking))
                    .filter_map(|n| NoticeView::of(e, n, unrecorded, &reader.person, sees_all))
                    .collect()
            })
            .await?;
        return Ok(listed(&caller, &items, None));
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
    Ok(listed(&caller, &items, cursor.as_deref()))
}

/// A warning says how far and in which direction from somebody a drone is, and so where they are.
fn listed(caller: &super::Caller, items: &[NoticeView], next: Option<&str>) -> Response {
    let whose: Vec<_> = items.iter().filter_map(|v| v.notice.warning()?.protected.person().cloned()).collect();
    shows_positions(Json(json!({"items": items, "next": next})).into_response(), caller, whose)
}

/// A notice as the caller may see it: from the engines while they hold it, else from the record.
pub(super) async fn view(app: &App, caller: &super::Caller, id: NoticeId) -> Result<Option<NoticeView>, Problem> {
    let unrecorded = app.centre.flags.unrecorded();
    let (reader, sees_all) = (caller.reader.clone(), caller.sees.all);
    let held = app.centre.ask(move |e| {
        let notice = e.notice(id)?;
        // Forgotten by dispatch already: who had it stands only in the record.
        e.dispatcher().version_of(id)?;
        let released = may_see(&reader, &notice.marking);
        Some(NoticeView::of(e, notice, unrecorded, &reader.person, sees_all).filter(|_| released))
    });
    if let Some(held) = held.await? {
        return Ok(held);
    }
    let roll = app.centre.roll.load_full();
    let kept = views::notice_from_record(&app.centre.record, &roll.directory, id, (caller.id(), sees_all));
    Ok(kept.await.map_err(Problem::internal)?.filter(|v| may_see(&caller.reader, &v.notice.marking)))
}

/// `GET /notices/{id}`.
pub async fn one(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<NoticeId>,
) -> Result<Response, Problem> {
    let v = view(&app, &caller, id).await?.ok_or_else(Problem::not_found)?;
    let versions = app.centre.record.notice_versions(id).await.map_err(Problem::internal)?;
    // An older version may have been marked more strictly.
    let versions = versions.into_iter().map(|v| v.notice).filter(|n| may_see(&caller.reader, &n.marking));
    let versions: Vec<_> = versions.collect();
    let whose: Vec<_> = v.notice.warning().and_then(|w| w.protected.person().cloned()).into_iter().collect();
    let mut value = serde_json::to_value(v).map_err(Problem::internal)?;
    if let Some(o) = value.as_object_mut() {
        o.insert("versions".into(), serde_json::to_value(versions).map_err(Problem::internal)?);
    }
    Ok(shows_positions(Json(value).into_response(), &caller, whose))
}

/// A device has it, or shows it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptBody {
    id: RequestId,
    shown: bool,
    /// By which way it came; a page's own when left out.
    #[serde(default)]
    channel: ReceiptChannel,
}

/// A way whose receipts come over HTTP.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReceiptChannel {
    /// The open page.
    #[default]
    Web,
    /// Its service worker, woken by push.
    Push,
}

/// `POST /notices/{id}/versions/{v}/receipts`.
pub async fn receipt(
    State(app): State<App>,
    Extension(caller): Signed,
    Path((notice, version)): Path<(NoticeId, u32)>,
    Strict { value, body }: Strict<ReceiptBody>,
) -> Result<Response, Problem> {
    let what = format!("POST notices/{notice}/versions/{version}/receipts");
    let channel = match body.channel {
        ReceiptChannel::Web => Channel::Web,
        ReceiptChannel::Push => Channel::Push,
    };
    if channel == Channel::Push
        && let Some(push) = app.centre.push.get()
    {
        push.receipt();
    }
    let act = Act::Receipt { notice, version, channel, shown: body.shown };
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

/// What of a checklist is done, as a client sends it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuresBody {
    id: RequestId,
    /// The names of all measures that are done; whatever is not among them is not.
    done: BTreeSet<String>,
}

/// `POST /notices/{id}/versions/{v}/measures`.
pub async fn measures(
    State(app): State<App>,
    Extension(caller): Signed,
    Path((notice, version)): Path<(NoticeId, u32)>,
    Strict { value, body }: Strict<MeasuresBody>,
) -> Result<Response, Problem> {
    if body.done.len() > MOST_MEASURES || body.done.iter().any(|m| m.len() > MOST_NAME) {
        let most = format!("done: at most {MOST_MEASURES} names of at most {MOST_NAME} characters");
        return Err(Problem::invalid(most));
    }
    let what = format!("POST notices/{notice}/versions/{version}/measures");
    let answer = json!({"done": body.done, "at": clock::now()});
    let act = Act::Measures { notice, version, done: body.done };
    once(&app, &caller, (body.id, &what, value), (StatusCode::OK, answer), act).await
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
