//! The board over HTTP: who has a notice and who has not, person by person, and what came of a call to somebody silent.

use super::{
    App, Caller, Problem, Signed,
    body::{Strict, once},
    ok,
};
use crate::board::{Is, Scope, Sheet, Wanted};
use axum::{
    Extension, Json,
    extract::{Path, Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use skypicket_model::{
    Act, AgencyId, CallStatus, Directory, Notice, NoticeId, PersonId, Reader, RequestId, Role, UnitId, may_see,
};

/// Most characters of what is noted of a call.
const MOST_NOTE: usize = 500;

/// Whose rows of a notice a reader may see: the centre all of them; a supervisor all of a bulletin, which they may issue
/// and recall, and of a warning those whom they lead. `None` when its marking keeps it from them.
pub(super) fn scope(reader: &Reader, notice: &Notice) -> Option<Scope> {
    if !may_see(reader, &notice.marking) {
        return None;
    }
    let centre = [Role::Watch, Role::Analyst, Role::Auditor].iter().any(|r| reader.roles.contains(r));
    let all = centre || notice.bulletin().is_some();
    Some(if all { Scope::All } else { Scope::LedBy(reader.person.clone()) })
}

/// Asks about a notice: the engines, or the record when they have forgotten it.
async fn about<T: Send + 'static>(
    app: &App,
    caller: &Caller,
    id: NoticeId,
    question: impl Fn(&Sheet<'_>, &Directory, &Scope) -> Option<T> + Send + Clone + 'static,
) -> Result<T, Problem> {
    let reader = caller.reader.clone();
    let asked = question.clone();
    let live = app.centre.ask(move |e| {
        let sheet = Sheet::live(e, id)?;
        let scope = scope(&reader, sheet.notice());
        Some(scope.and_then(|s| asked(&sheet, e.directory(), &s)))
    });
    if let Some(found) = live.await? {
        return found.ok_or_else(Problem::not_found);
    }
    let sheet = Sheet::past(&app.centre.record, id).await.map_err(Problem::internal)?.ok_or_else(Problem::not_found)?;
    let scope = scope(&caller.reader, sheet.notice()).ok_or_else(Problem::not_found)?;
    let roll = app.centre.roll.load_full();
    question(&sheet, &roll.directory, &scope).ok_or_else(Problem::not_found)
}

/// Whether the caller may look at a notice's board at all.
pub(super) async fn may_look(app: &App, caller: &Caller, id: NoticeId) -> Result<(), Problem> {
    about(app, caller, id, |sheet, d, scope| sheet.is_seen(d, scope).then_some(())).await
}

/// `GET /notices/{id}/board`.
#[allow(clippy::redundant_closure_for_method_calls)] // the method by itself fits only one lifetime
pub async fn board(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<NoticeId>,
) -> Result<Response, Problem> {
    ok(Json(about(&app, &caller, id, |sheet, d, scope| sheet.board(d, scope)).await?))
}

/// Which people of a board, and which page of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsQuery {
    #[serde(default)]
    state: Option<Is>,
    #[serde(default)]
    agency: Option<AgencyId>,
    #[serde(default)]
    unit: Option<UnitId>,
    /// A measure that they have done.
    #[serde(default)]
    done: Option<String>,
    /// A measure that they have not done.
    #[serde(default)]
    not_done: Option<String>,
    /// Words that all stand in the id, the name or the unit's name.
    #[serde(default)]
    q: Option<String>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// `GET /notices/{id}/recipients`: who needs somebody first.
pub async fn recipients(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<NoticeId>,
    Query(q): Query<RowsQuery>,
) -> Result<Response, Problem> {
    if q.q.as_ref().is_some_and(|t| t.chars().count() > 200) {
        return Err(Problem::invalid("q: at most 200 characters"));
    }
    let after = match &q.cursor {
        None => None,
        Some(c) => Some(Wanted::after(c).ok_or_else(|| Problem::invalid("cursor: give what `next` of a page said"))?),
    };
    let wanted = Wanted {
        is: q.state,
        agency: q.agency,
        unit: q.unit,
        done: q.done,
        not_done: q.not_done,
        q: q.q.unwrap_or_default(),
        after,
        limit: q.limit.unwrap_or(50).clamp(1, 500),
    };
    let ask = move |sheet: &Sheet<'_>, d: &Directory, scope: &Scope| Some(sheet.lines(d, scope, &wanted));
    let (items, next) = about(&app, &caller, id, ask).await?.map_err(Problem::invalid)?;
    ok(Json(json!({"items": items, "next": next})))
}

/// What came of a call, as a client sends it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallBody {
    id: RequestId,
    person: PersonId,
    status: CallStatus,
    /// What they said.
    #[serde(default)]
    note: String,
}

/// `POST /notices/{id}/versions/{v}/calls`: somebody at the centre, or who leads them, says for a person what came of a
/// call; their own name stands with it.
pub async fn call(
    State(app): State<App>,
    Extension(caller): Signed,
    Path((notice, version)): Path<(NoticeId, u32)>,
    Strict { value, body }: Strict<CallBody>,
) -> Result<Response, Problem> {
    let n = body.note.chars().count();
    if n > MOST_NOTE || body.note.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Problem::invalid(format!("note: {n} characters; give at most {MOST_NOTE}, no control characters")));
    }
    let (reader, person) = (caller.reader.clone(), body.person.clone());
    let may = app.centre.ask(move |e| {
        let seen = e.notice(notice).is_some_and(|n| may_see(&reader, &n.marking));
        let leads = || e.directory().leaders_of(&person).contains(&reader.person);
        seen && (reader.roles.contains(&Role::Watch) || leads())
    });
    // A repeat may come after the notice was forgotten: then its first answer counts.
    if !may.await? && !super::body::was_answered(&app, &caller, body.id).await? {
        return Err(Problem::not_found());
    }
    let what = format!("POST notices/{notice}/versions/{version}/calls");
    let act = Act::Call { notice, version, person: body.person.clone(), status: body.status, note: body.note };
    once(&app, &caller, (body.id, &what, value), (StatusCode::CREATED, Value::Null), act).await?;
    let ask = move |sheet: &Sheet<'_>, d: &Directory, _: &Scope| sheet.line(d, &body.person);
    ok((StatusCode::CREATED, Json(about(&app, &caller, notice, ask).await?)))
}
