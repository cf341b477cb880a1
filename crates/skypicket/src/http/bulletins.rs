//! Bulletins over HTTP: write one, see whom it would reach, comment, submit, approve, send back, break the glass,
//! correct, withdraw, recall.

use super::{
    App, Caller, Problem, Signed,
    body::{Strict, Why, once, was_answered},
    ok,
};
use crate::{
    bulletins::{BulletinView, Preview},
    clock,
};
use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use skypicket_desk::Desk;
use skypicket_model::{
    Access, Act, BulletinAct, BulletinContent, BulletinState, BulletinStep, Deed, Marking, NoticeId, PersonId,
    RequestId, Time, Tlp, bulletin::Unseen, may_see,
};
use std::collections::BTreeSet;

/// Which page of the bulletins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    #[serde(default)]
    cursor: Option<NoticeId>,
    #[serde(default)]
    limit: Option<usize>,
}

/// `GET /bulletins`: those that wait first, then drafts, those in force, and those that are over; the newest step first.
pub async fn list(
    State(app): State<App>,
    Extension(caller): Signed,
    Query(q): Query<ListQuery>,
) -> Result<Response, Problem> {
    let limit = q.limit.unwrap_or(200).clamp(1, 500);
    let reader = caller.reader;
    let now = clock::now();
    let (items, next) = app
        .centre
        .ask(move |e| {
            let order = |s: &&BulletinState| {
                let issued = s.step != BulletinStep::Draft;
                (s.is_over(), s.waiting().is_none(), issued, std::cmp::Reverse(s.at), s.notice)
            };
            let mut seen: Vec<&BulletinState> =
                e.desk().bulletins().filter(|s| may_see(&reader, &s.content.marking)).collect();
            seen.sort_by_cached_key(order);
            let from = q.cursor.and_then(|c| seen.iter().position(|s| s.notice == c)).map_or(0, |k| k + 1);
            let page = seen.iter().skip(from).take(limit);
            let items: Vec<BulletinView> =
                page.filter_map(|s| BulletinView::of(e.directory(), e.desk(), s, now).for_reader(&reader)).collect();
            let next = items.last().filter(|_| seen.len() > from + limit).map(|v| v.state.notice);
            (items, next)
        })
        .await?;
    ok(Json(json!({"items": items, "next": next})))
}

/// A bulletin as the caller may see it.
async fn view(app: &App, caller: &Caller, id: NoticeId) -> Result<BulletinView, Problem> {
    let reader = caller.reader.clone();
    let now = clock::now();
    let found = app
        .centre
        .ask(move |e| BulletinView::of(e.directory(), e.desk(), e.desk().bulletin(id)?, now).for_reader(&reader));
    found.await?.ok_or_else(Problem::not_found)
}

/// `GET /bulletins/{id}`.
pub async fn one(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<NoticeId>,
) -> Result<Response, Problem> {
    ok(Json(view(&app, &caller, id).await?))
}

/// Does an act once, and answers with the bulletin as it is now.
async fn act(
    app: &App,
    caller: &Caller,
    (id, what, value): (RequestId, &str, Value),
    status: StatusCode,
    act: BulletinAct,
) -> Result<Response, Problem> {
    let notice = act.notice();
    once(app, caller, (id, what, value), (status, Value::Null), Act::Bulletin(act)).await?;
    ok((status, Json(view(app, caller, notice).await?)))
}

/// A version as it is issued with less than the usual care, for the access audit.
struct Care {
    version: u32,
    /// It opens to more people than what it rests on.
    widened: bool,
    /// Nobody approved it.
    alone: bool,
    /// What of it whoever issued it had not seen.
    unseen: Option<Unseen>,
}

impl Care {
    /// Of what waits, were `by` to issue it now.
    fn before(desk: &Desk, by: &PersonId, notice: NoticeId, alone: bool, now: Time) -> Option<Self> {
        let s = desk.bulletin(notice)?;
        let (_, _, content) = s.waiting()?;
        let unseen = desk.unseen(by, content, now);
        Some(Self { version: s.version + 1, widened: !alone && is_widened(content), alone, unseen })
    }

    /// Of what `by` issued, while it is in force.
    fn after(desk: &Desk, by: &PersonId, notice: NoticeId, alone: bool) -> Option<Self> {
        let s = desk.bulletin(notice)?;
        let who = if alone { s.break_glass.as_ref().and(s.issued_by.as_ref()) } else { s.approved_by.as_ref() };
        let widened = !alone && is_widened(&s.content);
        (who == Some(by)).then(|| Self { version: s.version, widened, alone, unseen: s.unseen.clone() })
    }

    /// What stands in the audit of it.
    fn rows(&self, caller: &Caller, notice: NoticeId) -> Vec<Access> {
        let row = |deed, more: &str| {
            let what = format!("bulletin {notice} version {}{more}", self.version);
            Access::once(Some(caller.id().clone()), deed, what, clock::now()).with_session(Some(caller.session.clone()))
        };
        let mut rows = Vec::new();
        if self.widened {
            rows.push(row(Deed::ReleaseWidened, ""));
        }
        if self.alone {
            rows.push(row(Deed::GlassBroken, ""));
        }
        if let Some(unseen) = &self.unseen {
            let marked = unseen.marking.as_ref().map(|m| format!(", marked {} at the strictest", m.tlp.label()));
            let more = format!(": {} of what it rests on{}", unseen.count, marked.unwrap_or_default());
            rows.push(row(Deed::ApprovedUnseen, &more));
        }
        rows
    }
}

fn is_widened(content: &BulletinContent) -> bool {
    content.sheet.as_ref().is_some_and(|s| !s.release_why.trim().is_empty())
}

/// Issues what waits. That somebody decided with less than the usual care stands in the access audit before they are
/// answered; asked again, where that failed, it is written then.
async fn issue(
    app: &App,
    caller: &Caller,
    (id, what, value): (RequestId, &str, Value),
    act: BulletinAct,
) -> Result<Response, Problem> {
    let notice = act.notice();
    let alone = matches!(act, BulletinAct::BreakGlass { .. });
    let (by, now) = (caller.id().clone(), clock::now());
    let repeated = was_answered(app, caller, id).await?;
    let before = app.centre.ask(move |e| Care::before(e.desk(), &by, notice, alone, now)).await?;
    once(app, caller, (id, what, value), (StatusCode::OK, Value::Null), Act::Bulletin(act)).await?;
    let by = caller.id().clone();
    let after = app.centre.ask(move |e| Care::after(e.desk(), &by, notice, alone)).await?;
    // (Another step may have come since: then it is what waited when this was asked for.)
    let care = match (before.filter(|_| !repeated), after) {
        (Some(before), Some(after)) if after.version != before.version => Some(before),
        (before, after) => after.or(before),
    };
    let rows = care.map(|c| c.rows(caller, notice)).unwrap_or_default();
    app.audit.write_all(rows).await?;
    ok(Json(view(app, caller, notice).await?))
}

/// Nobody writes what they could not read themself.
pub(super) fn own_marking(caller: &Caller, content: &BulletinContent) -> Result<(), Problem> {
    if may_see(&caller.reader, &content.marking) {
        Ok(())
    } else {
        Err(Problem::invalid("marking: you could not see it yourself: add your agency, or yourself by name"))
    }
}

/// What is written on keeps resting on what its writer may not see.
async fn keep_hidden(app: &App, caller: &Caller, id: NoticeId, content: &mut BulletinContent) -> Result<(), Problem> {
    let reader = caller.reader.clone();
    let now = clock::now();
    let hidden = app.centre.ask(move |e| {
        let state = e.desk().bulletin(id)?;
        Some(BulletinView::of(e.directory(), e.desk(), state, now).hidden_from(&reader))
    });
    if let (Some(hidden), Some(sheet)) = (hidden.await?, &mut content.sheet) {
        sheet.rests_on.extend(hidden);
    }
    Ok(())
}

/// A bulletin as a client proposes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Propose {
    /// Of the request, and of the bulletin.
    id: RequestId,
    content: BulletinContent,
    /// It is kept as a draft, and waits for nobody yet.
    #[serde(default)]
    draft: bool,
}

/// `POST /bulletins`.
pub async fn propose(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { value, body }: Strict<Propose>,
) -> Result<Response, Problem> {
    own_marking(&caller, &body.content)?;
    let (notice, content) = (NoticeId(body.id.0), Box::new(body.content));
    let new = if body.draft {
        BulletinAct::Draft { notice, read: None, content }
    } else {
        BulletinAct::Propose { notice, content }
    };
    act(&app, &caller, (body.id, "POST bulletins", value), StatusCode::CREATED, new).await
}

/// A draft as somebody wrote on at it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    id: RequestId,
    /// `proposed_at` of what they wrote on at.
    read: Time,
    content: BulletinContent,
}

/// `POST /bulletins/{id}/drafts`.
pub async fn save(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(notice): Path<NoticeId>,
    Strict { value, body }: Strict<Draft>,
) -> Result<Response, Problem> {
    own_marking(&caller, &body.content)?;
    let mut content = Box::new(body.content);
    keep_hidden(&app, &caller, notice, &mut content).await?;
    let what = format!("POST bulletins/{notice}/drafts");
    let draft = BulletinAct::Draft { notice, read: Some(body.read), content };
    act(&app, &caller, (body.id, &what, value), StatusCode::OK, draft).await
}

/// A submission.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submit {
    id: RequestId,
    /// `proposed_at` of the draft that was read.
    read: Time,
}

/// `POST /bulletins/{id}/submissions`.
pub async fn submit(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(notice): Path<NoticeId>,
    Strict { value, body }: Strict<Submit>,
) -> Result<Response, Problem> {
    let what = format!("POST bulletins/{notice}/submissions");
    let submit = BulletinAct::Submit { notice, read: body.read };
    act(&app, &caller, (body.id, &what, value), StatusCode::OK, submit).await
}

/// A comment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    id: RequestId,
    text: String,
}

/// `POST /bulletins/{id}/comments`.
pub async fn comment(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(notice): Path<NoticeId>,
    Strict { value, body }: Strict<Comment>,
) -> Result<Response, Problem> {
    let what = format!("POST bulletins/{notice}/comments");
    let comment = BulletinAct::Comment { notice, text: body.text };
    act(&app, &caller, (body.id, &what, value), StatusCode::CREATED, comment).await
}

/// `POST /bulletins/{id}/returns`.
pub async fn send_back(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(notice): Path<NoticeId>,
    Strict { value, body }: Strict<Why>,
) -> Result<Response, Problem> {
    let what = format!("POST bulletins/{notice}/returns");
    let back = BulletinAct::Return { notice, why: body.why };
    act(&app, &caller, (body.id, &what, value), StatusCode::OK, back).await
}

/// What a client asks about before it proposes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviewBody {
    content: BulletinContent,
}

/// `POST /bulletins/preview`: changes nothing, so that it needs no id.
pub async fn preview(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { body, .. }: Strict<PreviewBody>,
) -> Result<Response, Problem> {
    own_marking(&caller, &body.content)?;
    let reader = caller.reader.clone();
    let now = clock::now();
    let made = app.centre.ask(move |e| Preview::of(e, &reader, body.content, now)).await?;
    let made = made.map_err(|r| crate::inbox::NotTaken::Refused { code: r.code, message: r.message })?;
    // Who is in an area, or near somebody in danger: that tells where they are.
    let about: BTreeSet<PersonId> = made.placed.iter().filter(|p| *p != caller.id()).cloned().collect();
    // (Nobody named would be everybody.)
    if !about.is_empty() {
        app.audit.positions(caller.id(), &caller.session, "POST /api/v1/bulletins/preview", &about).await?;
    }
    ok(Json(made))
}

/// A correction as a client writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correct {
    id: RequestId,
    /// `correction.at` of what they began with where there was a correction, else `at`.
    read: Time,
    content: BulletinContent,
    why: String,
}

/// `POST /bulletins/{id}/corrections`.
pub async fn correct(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(notice): Path<NoticeId>,
    Strict { value, body }: Strict<Correct>,
) -> Result<Response, Problem> {
    own_marking(&caller, &body.content)?;
    let mut content = Box::new(body.content);
    keep_hidden(&app, &caller, notice, &mut content).await?;
    let what = format!("POST bulletins/{notice}/corrections");
    let correct = BulletinAct::Correct { notice, read: Some(body.read), content, why: body.why };
    act(&app, &caller, (body.id, &what, value), StatusCode::CREATED, correct).await
}

/// An approval.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    id: RequestId,
    /// `waiting.at` of what was read.
    read: Time,
    /// `basis.hidden`: how many things that it rests on they were told that they may not see.
    #[serde(default)]
    unseen: u32,
    /// `basis.hidden_marking`: how the strictest of those was marked.
    #[serde(default)]
    unseen_marking: Option<Marking>,
}

/// `POST /bulletins/{id}/approvals`.
pub async fn approve(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(notice): Path<NoticeId>,
    Strict { value, body }: Strict<Approve>,
) -> Result<Response, Problem> {
    let what = format!("POST bulletins/{notice}/approvals");
    // Who says of no marking was told of none: it is as if they had been told the freest.
    let told = |m: Option<Marking>| m.unwrap_or_else(|| Marking { tlp: Tlp::Clear, ..Marking::default() });
    let unseen_marking = (body.unseen > 0).then(|| told(body.unseen_marking));
    let approve = BulletinAct::Approve { notice, read: body.read, unseen: body.unseen, unseen_marking };
    issue(&app, &caller, (body.id, &what, value), approve).await
}

/// `POST /bulletins/{id}/break-glass`.
pub async fn break_glass(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(notice): Path<NoticeId>,
    Strict { value, body }: Strict<Why>,
) -> Result<Response, Problem> {
    let what = format!("POST bulletins/{notice}/break-glass");
    let alone = BulletinAct::BreakGlass { notice, why: body.why };
    issue(&app, &caller, (body.id, &what, value), alone).await
}

/// `POST /bulletins/{id}/withdrawals`.
pub async fn withdraw(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(notice): Path<NoticeId>,
    Strict { value, body }: Strict<Why>,
) -> Result<Response, Problem> {
    let what = format!("POST bulletins/{notice}/withdrawals");
    let withdraw = BulletinAct::Withdraw { notice, why: body.why };
    act(&app, &caller, (body.id, &what, value), StatusCode::OK, withdraw).await
}

/// `POST /bulletins/{id}/recalls`.
pub async fn recall(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(notice): Path<NoticeId>,
    Strict { value, body }: Strict<Why>,
) -> Result<Response, Problem> {
    let what = format!("POST bulletins/{notice}/recalls");
    let recall = BulletinAct::Recall { notice, why: body.why };
    act(&app, &caller, (body.id, &what, value), StatusCode::OK, recall).await
}
