//! Signing in and out, passwords, one-time links.

use super::{
    App, COOKIE, Caller, Problem, SessionSecret, Signed,
    auth::AccessError,
    body::{Only, Strict},
    ok,
};
use crate::{clock, views::name_of};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::Response,
};
use serde::Deserialize;
use serde_json::{Value, json};
use skypicket_model::{PersonId, Role};

/// A one-time link, or a name and a password.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    #[serde(default)]
    link: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    password: Option<String>,
}

fn refused(e: AccessError) -> Problem {
    match e {
        AccessError::Wrong => Problem::new(StatusCode::UNAUTHORIZED, "wrong_sign_in", e.to_string()),
        AccessError::TooMany => Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", e.to_string()),
        AccessError::Weak => Problem::invalid(e.to_string()),
        AccessError::Store(_) | AccessError::Hash(_) => Problem::internal(e),
    }
}

/// `POST /sessions`.
pub async fn sign_in(State(app): State<App>, Strict { body, .. }: Strict<SignIn>) -> Result<Response, Problem> {
    let (person, secret) = match (body.link, body.name, body.password) {
        (Some(link), None, None) => app.access.sign_in_by_link(&link).await.map_err(refused)?,
        (None, Some(name), Some(password)) => {
            // A name that cannot be one takes the same path, and the same time, as one that is not known.
            let person = PersonId::new(&name).or_else(|_| PersonId::new("0")).map_err(Problem::internal)?;
            let secret = app.access.sign_in_by_password(&person, &password).await.map_err(refused)?;
            (person, secret)
        }
        _ => return Err(Problem::invalid("give either link, or name and password")),
    };
    let me = describe(&app, &person).await?.ok_or_else(|| refused(AccessError::Wrong))?;
    // On loopback without TLS a browser would not keep a Secure cookie.
    let secure = if app.base_url.starts_with("https://") { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000{secure}");
    ok(([(header::SET_COOKIE, cookie)], Json(me)))
}

/// Who a person is, as the pages need it.
async fn describe(app: &App, person: &PersonId) -> Result<Option<Value>, Problem> {
    let must_set_password = !app.access.has_password(person).await.map_err(Problem::internal)?;
    let exercise = app.centre.exercise.clone();
    let id = person.clone();
    Ok(app
        .centre
        .ask(move |e| {
            let d = e.directory();
            let p = d.people.get(&id)?;
            let unit = d.units.get(&p.unit)?;
            let leads: Vec<&PersonId> = d.people.keys().filter(|other| d.leaders_of(other).contains(&id)).collect();
            Some(json!({
                "person": {"id": p.id, "name": name_of(d, &p.id), "unit": p.unit, "roles": p.roles, "language": p.language},
                "unit_name": unit.name,
                "agency": unit.agency,
                "agency_name": d.agencies.get(&unit.agency).map(|a| a.name.clone()),
                "leads": leads,
                "exercise": exercise.as_deref(),
                "must_set_password": must_set_password,
                "now": clock::now(),
            }))
        })
        .await?)
}

/// `GET /me`.
pub async fn me(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    ok(Json(describe(&app, caller.id()).await?.ok_or_else(Problem::signed_out)?))
}

/// `DELETE /sessions/current`.
pub async fn sign_out(
    State(app): State<App>,
    Extension(SessionSecret(secret)): Extension<SessionSecret>,
) -> Result<Response, Problem> {
    app.access.close(&secret).await.map_err(Problem::internal)?;
    ok((
        StatusCode::NO_CONTENT,
        [(header::SET_COOKIE, format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"))],
    ))
}

/// A new password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Password {
    password: String,
}

/// `PUT /me/password`.
pub async fn set_password(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { body, .. }: Strict<Password>,
) -> Result<Response, Problem> {
    app.access.set_password(caller.id(), &body.password).await.map_err(refused)?;
    ok(StatusCode::NO_CONTENT)
}

/// `POST /people/{id}/sign-in-links`.
pub async fn make_link(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(person): Path<PersonId>,
    Strict { body: Only { id: _ }, .. }: Strict<Only>,
) -> Result<Response, Problem> {
    may_make_links(&app, &caller)?;
    let asked = person.clone();
    if !app.centre.ask(move |e| e.directory().people.contains_key(&asked)).await? {
        return Err(Problem::not_found());
    }
    // Each call makes a new link: a repeat costs a link that nobody uses and that ends in a day.
    let (secret, expires_at) = app.access.make_link(&person).await.map_err(refused)?;
    let base = &app.base_url;
    ok((
        StatusCode::CREATED,
        Json(json!({
            "url": format!("{base}/#sign-in={secret}"),
            "field_url": format!("{base}/field/#sign-in={secret}"),
            "expires_at": expires_at,
        })),
    ))
}

/// An administrator may; a watch officer only in an exercise, where everybody is made up.
fn may_make_links(app: &App, caller: &Caller) -> Result<(), Problem> {
    if caller.reader.roles.contains(&Role::Administrator) || app.centre.exercise.is_some() {
        Ok(())
    } else {
        Err(Problem::forbidden("Only an administrator makes sign-in links."))
    }
}
