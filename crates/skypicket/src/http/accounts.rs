//! Other people's sign-in: seen, ended, reset by two, and cut off with a lost phone; and the clock of sessions.

use super::{
    App, Caller, Problem, Signed,
    auth::Access,
    body::{Only, Strict},
    my_sign_in::{end_all, end_one, state_of},
    ok,
    sessions::{link_for, no_device, refused},
};
use crate::{
    accounts::{MayNot, Session, may_begin, may_confirm},
    centre::Centre,
    clock,
};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde_json::{Value, json};
use skypicket_model::{Access as Row, Deed, PersonId, Role};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::sync::watch;

/// How often sessions are looked over.
const LOOK: Duration = Duration::from_secs(5);

fn note(app: &App, caller: &Caller, person: &PersonId, deed: Deed, what: &str) {
    let row = Row::once(Some(caller.id().clone()), deed, what, clock::now());
    app.audit.note(row.about(person.clone()).with_session(Some(caller.session.clone())));
}

/// 404 for whoever is not in the directory.
async fn there_is(app: &App, person: &PersonId) -> Result<(), Problem> {
    let asked = person.clone();
    if app.centre.ask(move |e| e.directory().people.contains_key(&asked)).await? {
        Ok(())
    } else {
        Err(Problem::not_found())
    }
}

/// `GET /people/{id}/account`.
pub async fn account(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(person): Path<PersonId>,
) -> Result<Response, Problem> {
    ok(Json(state_of(&app, &person, &caller.session).await?.ok_or_else(Problem::not_found)?))
}

/// `DELETE /people/{id}/sessions`.
pub async fn end_sessions(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(person): Path<PersonId>,
) -> Result<Response, Problem> {
    there_is(&app, &person).await?;
    end_all(&app, &caller, &person).await
}

/// `DELETE /people/{id}/sessions/{session}`.
pub async fn end_session(
    State(app): State<App>,
    Extension(caller): Signed,
    Path((person, session)): Path<(PersonId, String)>,
) -> Result<Response, Problem> {
    end_one(&app, &caller, &person, &session).await
}

fn not_allowed(why: MayNot) -> Problem {
    Problem::forbidden(why.words())
}

/// `POST /people/{id}/resets`: begins one; by the control socket it is done at once.
pub async fn begin_reset(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(person): Path<PersonId>,
    Strict { body: Only { id: _ }, .. }: Strict<Only>,
) -> Result<Response, Problem> {
    let asked = person.clone();
    if !app.centre.ask(move |e| e.directory().active(&asked).is_some()).await? {
        return Err(Problem::not_found());
    }
    no_device(&app, &person)?;
    if caller.session == "cli" {
        // Whoever has the machine could read the record itself: this keeps it in the open.
        tracing::warn!(%person, "a sign-in is reset by a command on this machine, without a second person");
        note(&app, &caller, &person, Deed::Reset, "done by a command on the machine, without a second person");
        app.access.void(&person).await.map_err(refused)?;
        let link = link_for(&app, &person).await?;
        return ok((StatusCode::CREATED, Json(json!({"reset": null, "link": link}))));
    }
    may_begin(caller.id(), &person).map_err(not_allowed)?;
    // A repeat begins it again: only the last counts.
    let reset = app.access.begin_reset(&person, caller.id()).await.map_err(refused)?;
    note(&app, &caller, &person, Deed::Reset, "begun");
    ok((StatusCode::CREATED, Json(json!({"reset": reset, "link": null}))))
}

/// `DELETE /people/{id}/resets`.
pub async fn drop_reset(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(person): Path<PersonId>,
) -> Result<Response, Problem> {
    if !app.access.drop_reset(&person).await.map_err(refused)? {
        return Err(Problem::not_found());
    }
    note(&app, &caller, &person, Deed::Reset, "taken back");
    ok(StatusCode::NO_CONTENT)
}

/// `POST /people/{id}/resets/confirmation`: by the second person; gives the link.
pub async fn confirm_reset(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(person): Path<PersonId>,
    Strict { body: Only { id: _ }, .. }: Strict<Only>,
) -> Result<Response, Problem> {
    let reset = app.access.reset_of(&person).await.map_err(refused)?.ok_or_else(Problem::not_found)?;
    let by = caller.id().clone();
    app.centre.ask(move |e| may_confirm(e.directory(), &reset, &by)).await?.map_err(not_allowed)?;
    // Whoever takes it away has confirmed it: two at the same time cannot both, and a repeat makes no second link.
    if !app.access.drop_reset(&person).await.map_err(refused)? {
        return Err(Problem::not_found());
    }
    note(&app, &caller, &person, Deed::Reset, "confirmed");
    app.access.void(&person).await.map_err(refused)?;
    ok((StatusCode::CREATED, Json(link_for(&app, &person).await?)))
}

/// `GET /resets`: those that wait and that one has begun, or may confirm; an administrator sees all.
pub async fn resets(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    let all = app.access.resets().await.map_err(refused)?;
    let by = caller.id().clone();
    let administrator = caller.reader.roles.contains(&Role::Administrator);
    let items: Vec<Value> = app
        .centre
        .ask(move |e| {
            let d = e.directory();
            let row = |r: crate::accounts::Reset| {
                let may = may_confirm(d, &r, &by).is_ok();
                let name = d.people.get(&r.person).map(|p| p.name.clone())?;
                let shown = may || administrator && r.person != by;
                shown.then(|| json!({"reset": r, "name": name, "may_confirm": may}))
            };
            all.into_iter().filter_map(row).collect()
        })
        .await?;
    ok(Json(json!({"items": items})))
}

/// `POST /people/{id}/lost-phone`: cuts everything of a phone that is not in its owner's hands. A repeat finds nothing left.
pub async fn lost_phone(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(person): Path<PersonId>,
    Strict { body: Only { id: _ }, .. }: Strict<Only>,
) -> Result<Response, Problem> {
    let (asked, by) = (person.clone(), caller.id().clone());
    let (known, leads) = app
        .centre
        .ask(move |e| {
            let d = e.directory();
            (d.people.contains_key(&asked), d.leaders_of(&asked).contains(&by))
        })
        .await?;
    let own = person == *caller.id();
    let centre = caller.reader.roles.iter().any(|r| matches!(r, Role::Administrator | Role::Watch));
    if !(own || leads || centre) {
        return Err(Problem::forbidden(
            "Only an administrator, a watch officer, one who leads them, or they themselves.",
        ));
    }
    if !known {
        return Err(Problem::not_found());
    }
    note(&app, &caller, &person, Deed::PhoneLost, "lost phone");
    let access = &app.access;
    // One's own session that says so is on another device.
    let keep = if own { caller.session.as_str() } else { "" };
    let theirs = access.sessions_of(&person);
    let ids: BTreeSet<String> = theirs.into_iter().map(|s| s.id).filter(|id| id != keep).collect();
    let mut streams = app.centre.hub.end_sessions(&ids);
    let sessions = access.end_sessions(|id, s| s.person == person && id != keep).await.map_err(refused)?;
    if !own {
        streams += app.centre.hub.end_person(&person);
    }
    access.drop_tickets(&person);
    let links = access.drop_links(&person).await.map_err(refused)?;
    let devices = access.drop_devices(&person).await.map_err(refused)?;
    let off = access.cuts.cut(&person, Some(caller.id())).await;
    ok(Json(json!({
        "person": person, "sessions": sessions, "streams": streams, "links": links, "devices": devices,
        "cut": off.done, "failed": off.failed,
    })))
}

/// Ends sessions whose time is over, also those whose page only listens; a page that is open keeps its session in use.
pub async fn watch_over(access: Arc<Access>, centre: Centre, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stopped.wait_for(|s| *s) => return,
        }
        let listening = centre.hub.sessions();
        access.sessions_listen(&listening).await;
        let all: Vec<(String, Session)> = access.sessions_all();
        let (policy, now) = (access.policy.clone(), clock::now());
        let over = centre
            .ask(move |e| {
                let d = e.directory();
                let over = |s: &Session| d.active(&s.person).is_none_or(|p| s.ends_at(&policy, &p.roles) < now);
                all.into_iter().filter(|(_, s)| over(s)).map(|(id, _)| id).collect::<BTreeSet<String>>()
            })
            .await;
        let Ok(over) = over else { return };
        if !over.is_empty()
            && let Err(error) = access.end_sessions(|id, _| over.contains(id)).await
        {
            tracing::warn!(%error, "sessions that are over could not be deleted");
        }
    }
}
