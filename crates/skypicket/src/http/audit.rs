//! The access audit over HTTP: the auditor's list, and each person's own: who was shown where they are.

use super::{App, Problem, Signed, ok};
use crate::views::{OnWatch, name_of};
use axum::{
    Extension, Json,
    extract::{Query, State},
    response::Response,
};
use serde::Deserialize;
use serde_json::json;
use skypicket_model::{Deed, Directory, PersonId, Time};
use skypicket_record::{AccessQuery, AccessRow, ReadError, Record};

/// Which rows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    #[serde(default)]
    person: Option<PersonId>,
    #[serde(default)]
    about: Option<PersonId>,
    #[serde(default)]
    deed: Option<Deed>,
    #[serde(default)]
    from: Option<Time>,
    #[serde(default)]
    until: Option<Time>,
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

fn named(d: &Directory, p: &PersonId) -> OnWatch {
    OnWatch { id: p.clone(), name: name_of(d, p) }
}

fn refused(e: ReadError) -> Problem {
    match e {
        ReadError::Cursor => Problem::invalid("cursor: not one of this list"),
        ReadError::Timeout => {
            Problem::invalid("That is too much to look through at once: narrow the time, or name a person.")
        }
        e => Problem::internal(e),
    }
}

/// `GET /audit`.
pub async fn list(State(app): State<App>, Query(q): Query<ListQuery>) -> Result<Response, Problem> {
    let query = AccessQuery {
        cursor: q.cursor,
        limit: q.limit.unwrap_or(100).clamp(1, 500),
        person: q.person,
        about: q.about,
        deed: q.deed,
        from: q.from,
        until: q.until,
    };
    // What was read up to now is part of what is asked for.
    app.audit.flushed().await;
    let page = app.centre.record.access(query).await.map_err(refused)?;
    let directory = app.centre.ask(|e| e.directory().clone()).await?;
    let row = |r: &AccessRow| {
        let a = &r.access;
        json!({
            "entry": r.entry,
            "recorded_at": r.recorded_at,
            "by": a.by.as_ref().map(|p| named(&directory, p)),
            "deed": a.deed,
            "what": a.what,
            "about": a.about.iter().map(|p| named(&directory, p)).collect::<Vec<_>>(),
            "everybody": r.everybody,
            "session": a.session,
            "first": a.first,
            "last": a.last,
            "times": a.times,
        })
    };
    ok(Json(json!({"items": page.items.iter().map(row).collect::<Vec<_>>(), "next": page.next})))
}

/// Which of the reads of oneself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadsQuery {
    #[serde(default)]
    cursor: Option<String>,
    #[serde(default)]
    limit: Option<usize>,
}

/// `GET /me/reads`.
pub async fn reads_of_me(
    State(app): State<App>,
    Extension(caller): Signed,
    Query(q): Query<ReadsQuery>,
) -> Result<Response, Problem> {
    let query = AccessQuery {
        cursor: q.cursor,
        limit: q.limit.unwrap_or(50).clamp(1, 200),
        about: Some(caller.id().clone()),
        deed: Some(Deed::ReadPositions),
        ..AccessQuery::default()
    };
    let page = app.centre.record.access(query).await.map_err(refused)?;
    let directory = app.centre.ask(|e| e.directory().clone()).await?;
    // What I read myself is about the others in it.
    let others = page.items.iter().filter(|r| r.access.by.as_ref() != Some(caller.id()));
    let row = |r: &AccessRow| {
        let a = &r.access;
        let unit = a.by.as_ref().and_then(|p| directory.people.get(p)).and_then(|p| directory.units.get(&p.unit));
        json!({
            "by": a.by.as_ref().map(|p| named(&directory, p)),
            "unit_name": unit.map(|u| u.name.clone()).unwrap_or_default(),
            "what": a.what,
            "everybody": r.everybody,
            "first": a.first,
            "last": a.last,
            "times": a.times,
        })
    };
    ok(Json(json!({"items": others.map(row).collect::<Vec<_>>(), "next": page.next})))
}
