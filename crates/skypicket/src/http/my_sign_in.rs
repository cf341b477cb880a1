//! One's own sign-in: password, codes, passkeys, recovery codes, sessions.
//!
//! Every change that would let a thief of an open session stay asks for the password again, unless one has just signed in
//! ([`prove`]); and each ends all other sessions and gives this one a new secret.

use super::{
    App, Caller, Problem, SessionSecret, Signed,
    body::{Only, Strict},
    browser::Browser,
    ok,
    sessions::{PasskeyAnswer, refused, site},
};
use crate::{accounts::Session, clock};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use skypicket_model::{Access as Row, Deed, PersonId, RequestId};

/// Just signed in: so many seconds.
const JUST_S: f64 = 900.0;

/// A change that may need the password.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    #[allow(dead_code)] // every POST has one; a repeat begins the same thing again, and only the last counts
    id: RequestId,
    #[serde(default)]
    password: Option<String>,
}

/// That it is really they: without a password yet, just signed in, or by the password.
async fn prove(app: &App, caller: &Caller, browser: &Browser, password: Option<&str>) -> Result<(), Problem> {
    if caller.session == "cli" {
        return Err(Problem::forbidden(
            "A command does not change how somebody signs in: use the page, or `skypicket user reset`.",
        ));
    }
    let person = caller.id();
    if !app.access.has_password(person).await.map_err(refused)? {
        return Ok(());
    }
    let now = clock::now();
    if app.access.session_made(&caller.session).is_some_and(|at| now.since_s(at) < JUST_S) {
        return Ok(());
    }
    let Some(password) = password else {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "password_needed",
            "Give your password: this changes how you sign in.",
        ));
    };
    let who = browser.tries(app, person).await;
    if app.access.check_password(person, password, &who).await.map_err(refused)? {
        Ok(())
    } else {
        Err(Problem::new(StatusCode::FORBIDDEN, "wrong_password", "That is not your password."))
    }
}

/// A change was made: the others of this person's sessions end, this one has a new secret.
async fn changed(
    app: &App,
    caller: &Caller,
    browser: &Browser,
    secret: &str,
    (deed, what): (Deed, &str),
    mut response: Response,
) -> Result<Response, Problem> {
    app.access.drop_tickets(caller.id());
    let new = app.access.rotate(caller.id(), secret).await.map_err(refused)?;
    let cookie = new.and_then(|s| browser.session_cookie(&s, app.access.policy.longest_s()));
    if let Some(c) = cookie {
        response.headers_mut().append(header::SET_COOKIE, c);
    }
    let row = Row::once(Some(caller.id().clone()), deed, what, clock::now());
    app.audit.note(row.about(caller.id().clone()).with_session(Some(caller.session.clone())));
    Ok(response)
}

/// A new password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Password {
    password: String,
    #[serde(default)]
    current: Option<String>,
}

/// `PUT /me/password`.
pub async fn set_password(
    State(app): State<App>,
    Extension(caller): Signed,
    Extension(SessionSecret(secret)): Extension<SessionSecret>,
    browser: Browser,
    Strict { body, .. }: Strict<Password>,
) -> Result<Response, Problem> {
    prove(&app, &caller, &browser, body.current.as_deref()).await?;
    app.access.set_password(caller.id(), &body.password).await.map_err(refused)?;
    let done = StatusCode::NO_CONTENT.into_response();
    changed(&app, &caller, &browser, &secret, (Deed::PasswordSet, "password"), done).await
}

/// How somebody signs in, for themselves and administrators; no secret in it.
pub async fn state_of(app: &App, person: &PersonId, current: &str) -> Result<Option<Value>, Problem> {
    let asked = person.clone();
    let found = app
        .centre
        .ask(move |e| {
            let p = e.directory().people.get(&asked)?;
            Some((p.roles.clone(), p.disabled))
        })
        .await?;
    let Some((roles, disabled)) = found else { return Ok(None) };
    let access = &app.access;
    let codes = access.codes(person).await.map_err(refused)?;
    let passkeys: Vec<Value> = access
        .passkeys_of(person)
        .await
        .map_err(refused)?
        .into_iter()
        .map(|p| json!({"id": p.id, "name": p.name, "host": p.host, "since": p.since, "used_at": p.used_at}))
        .collect();
    let reset = access.reset_of(person).await.map_err(refused)?;
    let rows = |s: Vec<Session>| -> Vec<Value> {
        s.into_iter().map(|s| s.row(current, s.ends_at(&access.policy, &roles))).collect()
    };
    Ok(Some(json!({
        "person": person,
        "disabled": disabled,
        "password": access.has_password(person).await.map_err(refused)?,
        "codes_since": codes.map(|c| c.since),
        "recovery_left": access.recovery_left(person).await.map_err(refused)?,
        "passkeys": passkeys,
        "needs_factor": access.needs_factor(&roles),
        "open_links": access.open_links(person).await.map_err(refused)?,
        "reset": reset,
        "sessions": rows(access.sessions_of(person)),
    })))
}

/// `GET /me/sign-in`.
pub async fn mine(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    ok(Json(state_of(&app, caller.id(), &caller.session).await?.ok_or_else(Problem::signed_out)?))
}

/// `GET /me/sessions`.
pub async fn sessions(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    let mut state = state_of(&app, caller.id(), &caller.session).await?.ok_or_else(Problem::signed_out)?;
    ok(Json(json!({"items": state["sessions"].take()})))
}

/// `DELETE /me/sessions/{id}`.
pub async fn end_session(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(session): Path<String>,
) -> Result<Response, Problem> {
    end_one(&app, &caller, caller.id(), &session).await
}

/// Ends one session of a person, by its id.
pub async fn end_one(app: &App, caller: &Caller, person: &PersonId, session: &str) -> Result<Response, Problem> {
    let ended = app.access.end_sessions(|id, s| s.person == *person && id == session).await.map_err(refused)?;
    if ended == 0 {
        return Err(Problem::not_found());
    }
    let row = Row::once(Some(caller.id().clone()), Deed::SessionEnded, session, clock::now());
    app.audit.note(row.about(person.clone()).with_session(Some(caller.session.clone())));
    ok(StatusCode::NO_CONTENT)
}

/// Ends all sessions of a person but one.
pub async fn end_all(app: &App, caller: &Caller, person: &PersonId) -> Result<Response, Problem> {
    let keep = caller.session.as_str();
    let ended = app.access.end_sessions(|id, s| s.person == *person && id != keep).await.map_err(refused)?;
    let row = Row::once(Some(caller.id().clone()), Deed::SessionEnded, format!("{ended} sessions"), clock::now());
    app.audit.note(row.about(person.clone()).with_session(Some(caller.session.clone())));
    ok(Json(json!({"ended": ended})))
}

/// `DELETE /me/sessions`: everywhere but here.
pub async fn end_others(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    end_all(&app, &caller, caller.id()).await
}

/// `POST /me/totp`: begins; nothing changes before the first code.
pub async fn begin_codes(
    State(app): State<App>,
    Extension(caller): Signed,
    browser: Browser,
    Strict { body, .. }: Strict<Proof>,
) -> Result<Response, Problem> {
    prove(&app, &caller, &browser, body.password.as_deref()).await?;
    let (enrolment, uri, image) = app.access.begin_codes(caller.id()).map_err(refused)?;
    ok((StatusCode::CREATED, Json(json!({"secret": enrolment.secret, "uri": uri, "qr": image}))))
}

/// A code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    code: String,
}

/// `PUT /me/totp`: the first code; gives the recovery codes.
pub async fn confirm_codes(
    State(app): State<App>,
    Extension(caller): Signed,
    Extension(SessionSecret(secret)): Extension<SessionSecret>,
    browser: Browser,
    Strict { body, .. }: Strict<Code>,
) -> Result<Response, Problem> {
    let confirmed = app.access.confirm_codes(caller.id(), &body.code).await;
    // They are signed in: a wrong code is a value to correct, not a refused sign-in.
    let codes = confirmed.map_err(|e| {
        let mut p = refused(e);
        if p.code == "wrong_code" {
            p.status = StatusCode::UNPROCESSABLE_ENTITY;
        }
        p
    })?;
    let done = Json(json!({"recovery_codes": codes})).into_response();
    changed(&app, &caller, &browser, &secret, (Deed::SecondFactorSet, "codes added"), done).await
}

/// Whether this person would be left without a factor that they must have.
fn must_keep(app: &App, caller: &Caller, left: bool) -> Result<(), Problem> {
    if !left && app.access.needs_factor(&caller.reader.roles) {
        let words = "Your roles must have a second factor: add another one first.";
        return Err(Problem::new(StatusCode::CONFLICT, "last_factor", words));
    }
    Ok(())
}

/// `POST /me/totp/removal`.
pub async fn drop_codes(
    State(app): State<App>,
    Extension(caller): Signed,
    Extension(SessionSecret(secret)): Extension<SessionSecret>,
    browser: Browser,
    Strict { body, .. }: Strict<Proof>,
) -> Result<Response, Problem> {
    prove(&app, &caller, &browser, body.password.as_deref()).await?;
    let left = !app.access.passkeys_of(caller.id()).await.map_err(refused)?.is_empty();
    must_keep(&app, &caller, left)?;
    app.access.drop_codes(caller.id()).await.map_err(refused)?;
    let done = StatusCode::NO_CONTENT.into_response();
    changed(&app, &caller, &browser, &secret, (Deed::SecondFactorSet, "codes removed"), done).await
}

/// `POST /me/recovery-codes`: new ones, the old are void.
pub async fn new_recovery(
    State(app): State<App>,
    Extension(caller): Signed,
    browser: Browser,
    Strict { body, .. }: Strict<Proof>,
) -> Result<Response, Problem> {
    prove(&app, &caller, &browser, body.password.as_deref()).await?;
    if app.access.codes(caller.id()).await.map_err(refused)?.is_none() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no_codes",
            "Recovery codes stand in for codes: set those up first.",
        ));
    }
    let codes = app.access.new_recovery(caller.id()).await.map_err(refused)?;
    let row = Row::once(Some(caller.id().clone()), Deed::SecondFactorSet, "new recovery codes", clock::now());
    app.audit.note(row.about(caller.id().clone()).with_session(Some(caller.session)));
    ok((StatusCode::CREATED, Json(json!({"recovery_codes": codes}))))
}

/// `POST /me/passkeys/challenges`.
pub async fn begin_passkey(
    State(app): State<App>,
    Extension(caller): Signed,
    browser: Browser,
    Strict { body, .. }: Strict<Proof>,
) -> Result<Response, Problem> {
    prove(&app, &caller, &browser, body.password.as_deref()).await?;
    let site = site(&browser)?;
    let asked = caller.id().clone();
    let name = app.centre.ask(move |e| e.directory().people.get(&asked).map(|p| p.name.clone())).await?;
    let (ceremony, options) =
        app.access.begin_passkey(caller.id(), &name.unwrap_or_default(), site).await.map_err(refused)?;
    ok((StatusCode::CREATED, Json(json!({"ceremony": ceremony, "options": options}))))
}

/// A passkey that the browser made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    #[allow(dead_code)] // every POST has one; the ceremony is used up by the first
    id: RequestId,
    name: String,
    passkey: PasskeyAnswer,
}

/// `POST /me/passkeys`.
pub async fn add_passkey(
    State(app): State<App>,
    Extension(caller): Signed,
    Extension(SessionSecret(secret)): Extension<SessionSecret>,
    browser: Browser,
    Strict { body, .. }: Strict<NewPasskey>,
) -> Result<Response, Problem> {
    let name = body.name.trim();
    if name.is_empty() || name.chars().count() > 60 || name.chars().any(char::is_control) {
        return Err(Problem::invalid("name: 1 to 60 characters"));
    }
    let site = site(&browser)?;
    let PasskeyAnswer { ceremony, credential } = &body.passkey;
    let p = app.access.end_passkey(caller.id(), (ceremony, name), credential, site).await.map_err(refused)?;
    let row = json!({"id": p.id, "name": p.name, "host": p.host, "since": p.since, "used_at": p.used_at});
    let done = (StatusCode::CREATED, Json(row)).into_response();
    changed(&app, &caller, &browser, &secret, (Deed::SecondFactorSet, "passkey added"), done).await
}

/// `DELETE /me/passkeys/{id}`.
pub async fn drop_passkey(
    State(app): State<App>,
    Extension(caller): Signed,
    Extension(SessionSecret(secret)): Extension<SessionSecret>,
    browser: Browser,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let mine = app.access.passkeys_of(caller.id()).await.map_err(refused)?;
    if !mine.iter().any(|p| p.id == id) {
        return Err(Problem::not_found());
    }
    let codes = app.access.codes(caller.id()).await.map_err(refused)?.is_some();
    must_keep(&app, &caller, codes || mine.len() > 1)?;
    app.access.drop_passkey(caller.id(), &id).await.map_err(refused)?;
    let done = StatusCode::NO_CONTENT.into_response();
    changed(&app, &caller, &browser, &secret, (Deed::SecondFactorSet, "passkey removed"), done).await
}

/// `POST /passkeys/challenges`: for signing in; names nobody.
pub async fn begin_passkey_sign_in(
    State(app): State<App>,
    browser: Browser,
    Strict { body: Only { id: _ }, .. }: Strict<Only>,
) -> Result<Response, Problem> {
    let (ceremony, options) = app.access.begin_passkey_sign_in(site(&browser)?).map_err(refused)?;
    ok((StatusCode::CREATED, Json(json!({"ceremony": ceremony, "options": options}))))
}

/// `DELETE /me/reset`: "I did not ask for this".
pub async fn refuse_reset(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    if !app.access.drop_reset(caller.id()).await.map_err(refused)? {
        return Err(Problem::not_found());
    }
    let row = Row::once(Some(caller.id().clone()), Deed::Reset, "refused by the person", clock::now());
    app.audit.note(row.about(caller.id().clone()).with_session(Some(caller.session)));
    ok(StatusCode::NO_CONTENT)
}
