//! Signing in and out; one-time links.

use super::{
    App, COOKIE, Caller, Problem, SessionSecret, Signed,
    auth::AccessError,
    body::{Only, Strict},
    browser::Browser,
    ok,
};
use crate::{accounts::How, clock, views::name_of};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use skypicket_model::{Access as Row, Deed, PersonId, Role};

/// One of: a one-time link; a name and a password, and a code at once if one likes; a ticket and a code; a passkey.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    #[serde(default)]
    link: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    ticket: Option<String>,
    #[serde(default)]
    passkey: Option<PasskeyAnswer>,
}

/// What the browser gave for a passkey.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasskeyAnswer {
    /// The ceremony.
    pub ceremony: String,
    /// `PublicKeyCredential.toJSON()`.
    pub credential: Value,
}

/// What went wrong, for the person.
#[allow(clippy::needless_pass_by_value)] // stands in `map_err`
pub fn refused(e: AccessError) -> Problem {
    let text = e.to_string();
    match e {
        AccessError::Wrong => Problem::new(StatusCode::UNAUTHORIZED, "wrong_sign_in", text),
        AccessError::WrongCode => Problem::new(StatusCode::UNAUTHORIZED, "wrong_code", text),
        AccessError::TooMany(s) => {
            let mut p = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", text);
            // At most a quarter of an hour, and at least a second.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped
            let seconds = s.ceil().clamp(1.0, 3_600.0) as u32;
            p.retry_after_s = Some(seconds);
            p
        }
        AccessError::Weak(_) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "weak_password", text),
        AccessError::Gone(_) => Problem::new(StatusCode::CONFLICT, "run_out", text),
        AccessError::Passkey(_) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "passkey_refused", text),
        AccessError::Store(_) | AccessError::Hash(_) => Problem::internal(text),
    }
}

/// `GET /sign-in`: how one can sign in here.
pub async fn ways(State(app): State<App>, browser: Browser) -> Result<Response, Problem> {
    let passkeys = browser.site.as_ref().map_or_else(|why| *why, |_| "yes");
    ok(Json(json!({
        "passkeys": passkeys,
        "provider": app.access.provider.as_ref().map(crate::accounts::Provider::name),
        "exercise": app.centre.exercise.as_deref(),
    })))
}

/// `POST /sessions`.
pub async fn sign_in(
    State(app): State<App>,
    browser: Browser,
    Strict { body, .. }: Strict<SignIn>,
) -> Result<Response, Problem> {
    match body {
        SignIn { link: Some(link), name: None, password: None, code: None, ticket: None, passkey: None } => {
            let done = app.access.sign_in_by_link(&link, &browser.place).await;
            let (person, secret) = done.map_err(|e| turned_away(&app, None, &browser, e))?;
            welcome(&app, &person, secret, &browser).await
        }
        SignIn { name: Some(name), password: Some(password), code, link: None, ticket: None, passkey: None } => {
            by_password(&app, &browser, &name, &password, code.as_deref()).await
        }
        SignIn { ticket: Some(ticket), code: Some(code), link: None, name: None, password: None, passkey: None } => {
            let t = app.access.try_ticket(&ticket).ok_or_else(|| {
                refused(AccessError::Gone("That took too long, or too many codes were wrong: begin again."))
            })?;
            let done = by_code(&app, &browser, &t.person, &code, t.how).await?;
            app.access.drop_ticket(&ticket);
            Ok(done)
        }
        SignIn { passkey: Some(p), link: None, name: None, password: None, code: None, ticket: None } => {
            let site = site(&browser)?;
            let done = app.access.end_passkey_sign_in(&p.ceremony, &p.credential, site).await;
            let person = done.map_err(|e| turned_away(&app, None, &browser, e))?;
            let secret = app.access.open_session(&person, How::Passkey, &browser.place).await.map_err(refused)?;
            welcome(&app, &person, secret, &browser).await
        }
        _ => Err(Problem::invalid("give either link, or name and password, or ticket and code, or passkey")),
    }
}

/// Where the page is; a problem where no passkey can work.
pub fn site(browser: &Browser) -> Result<&crate::accounts::Site, Problem> {
    browser.site.as_ref().map_err(|why| {
        let words = match *why {
            "by_address" => "Passkeys belong to a host name: open the centre by its name, not by its address.",
            _ => "Passkeys need TLS: open the centre by https.",
        };
        Problem::new(StatusCode::CONFLICT, "no_passkeys_here", words)
    })
}

/// A refusal, noted. What was typed as a name is noted only if it is somebody's: it may have been a password.
fn turned_away(app: &App, known: Option<&PersonId>, browser: &Browser, e: AccessError) -> Problem {
    if matches!(e, AccessError::Wrong | AccessError::WrongCode) {
        let from = browser.place.address.map_or_else(|| "this machine".to_owned(), |a| a.to_canonical().to_string());
        let row = Row::once(None, Deed::SignInRefused, format!("from {from}"), clock::now());
        app.audit.note(match known {
            Some(p) => row.about(p.clone()),
            None => row,
        });
    }
    refused(e)
}

async fn by_password(
    app: &App,
    browser: &Browser,
    name: &str,
    password: &str,
    code: Option<&str>,
) -> Result<Response, Problem> {
    // A name that cannot be one takes the same path, and the same time, as one that is not known.
    let person = PersonId::new(name).or_else(|_| PersonId::new("0")).map_err(Problem::internal)?;
    let who = browser.tries(app, &person).await;
    let right = app.access.check_password(&person, password, &who).await.map_err(refused)?;
    let asked = person.clone();
    let (known, roles) = app
        .centre
        .ask(move |e| {
            let d = e.directory();
            (d.people.contains_key(&asked), d.active(&asked).map(|p| p.roles.clone()))
        })
        .await?;
    let (Some(roles), true) = (roles, right) else {
        return Err(turned_away(app, known.then_some(&person), browser, AccessError::Wrong));
    };
    after_first_half(app, browser, &person, &roles, (How::Password, code)).await
}

/// The first half is done: asks for the second where there is one.
pub async fn after_first_half(
    app: &App,
    browser: &Browser,
    person: &PersonId,
    roles: &std::collections::BTreeSet<Role>,
    (how, code): (How, Option<&str>),
) -> Result<Response, Problem> {
    if app.access.codes(person).await.map_err(refused)?.is_some() {
        if let Some(code) = code {
            return by_code(app, browser, person, code, how).await;
        }
        let ticket = app.access.make_ticket(person, how).map_err(refused)?;
        return ok(Json(json!({"needs": "code", "ticket": ticket})));
    }
    if app.access.has_factor(person) && app.access.needs_factor(roles) {
        // Their second factor is a passkey, which stands for both halves.
        return ok(Json(json!({"needs": "passkey", "ticket": null})));
    }
    let secret = app.access.open_session(person, how, &browser.place).await.map_err(refused)?;
    welcome(app, person, secret, browser).await
}

async fn by_code(app: &App, browser: &Browser, person: &PersonId, code: &str, how: How) -> Result<Response, Problem> {
    let who = browser.tries(app, person).await;
    let done = app.access.use_code(person, code, &who).await;
    let with_code = done.map_err(|e| turned_away(app, Some(person), browser, e))?;
    let how = if how == How::Provider { how } else { with_code };
    let secret = app.access.open_session(person, how, &browser.place).await.map_err(refused)?;
    welcome(app, person, secret, browser).await
}

/// Signed in: cookies, who it is, and a row in the audit. The session that this browser had before is over.
pub async fn welcome(app: &App, person: &PersonId, secret: String, browser: &Browser) -> Result<Response, Problem> {
    let session = app.access.session(&secret).map(|s| s.id).unwrap_or_default();
    let Some(me) = describe(app, person, &session).await? else {
        // Not in the directory any more, or shut out.
        app.access.close(&secret).await.map_err(refused)?;
        return Err(turned_away(app, None, browser, AccessError::Wrong));
    };
    let mut response = Json(me).into_response();
    sign(app, person, &secret, browser, &mut response).await?;
    Ok(response)
}

/// Puts the cookies of a new session onto a response.
pub async fn sign(
    app: &App,
    person: &PersonId,
    secret: &str,
    browser: &Browser,
    response: &mut Response,
) -> Result<(), Problem> {
    if let Some(old) = browser.session.as_deref().filter(|old| old.len() <= 128) {
        app.access.close(old).await.map_err(refused)?;
    }
    let mut cookies: Vec<HeaderValue> =
        browser.session_cookie(secret, app.access.policy.longest_s()).into_iter().collect();
    if browser.device_of(app, person).await.is_none() {
        let device = app.access.remember_device(person).await.map_err(refused)?;
        cookies.extend(browser.device_cookie(&device));
    }
    for c in cookies {
        response.headers_mut().append(header::SET_COOKIE, c);
    }
    let session = app.access.session(secret).map(|s| s.id).unwrap_or_default();
    let row = Row::once(Some(person.clone()), Deed::SignedIn, session.clone(), clock::now());
    app.audit.note(row.with_session(Some(session)));
    Ok(())
}

/// Who a person is, as the pages need it.
pub async fn describe(app: &App, person: &PersonId, session: &str) -> Result<Option<Value>, Problem> {
    let how = app.access.session_how(session);
    let set_up = app.access.is_set_up(person).await.map_err(refused)? || how == How::Provider;
    let exercise = app.centre.exercise.clone();
    let access = std::sync::Arc::clone(&app.access);
    let id = person.clone();
    Ok(app
        .centre
        .ask(move |e| {
            let d = e.directory();
            // A device is nobody who could sit there.
            let p = d.active(&id).filter(|p| !p.roles.contains(&Role::Device))?;
            let unit = d.units.get(&p.unit)?;
            let leads: Vec<&PersonId> = d.people.keys().filter(|other| d.leaders_of(other).contains(&id)).collect();
            Some(json!({
                "person": {"id": p.id, "name": name_of(d, &p.id), "unit": p.unit, "roles": p.roles, "language": p.language,
                    "addresses": p.addresses},
                "unit_name": unit.name,
                "agency": unit.agency,
                "agency_name": d.agencies.get(&unit.agency).map(|a| a.name.clone()),
                "leads": leads,
                "exercise": exercise.as_deref(),
                "must_set_password": !set_up,
                "must_set_factor": access.must_set_factor(&p.id, &p.roles, how),
                "now": clock::now(),
            }))
        })
        .await?)
}

/// `GET /me`.
pub async fn me(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    ok(Json(describe(&app, caller.id(), &caller.session).await?.ok_or_else(Problem::signed_out)?))
}

/// `DELETE /sessions/current`.
pub async fn sign_out(
    State(app): State<App>,
    Extension(caller): Signed,
    Extension(SessionSecret(secret)): Extension<SessionSecret>,
) -> Result<Response, Problem> {
    // Its push goes with it: whoever has the phone next must not get this person's warnings on it.
    app.access.close(&secret).await.map_err(Problem::internal)?;
    let row = Row::once(Some(caller.id().clone()), Deed::SignedOut, caller.session.clone(), clock::now());
    app.audit.note(row.with_session(Some(caller.session)));
    ok((
        StatusCode::NO_CONTENT,
        [(header::SET_COOKIE, format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"))],
    ))
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
    if !app.centre.ask(move |e| e.directory().active(&asked).is_some()).await? {
        return Err(Problem::not_found());
    }
    no_device(&app, &person)?;
    not_set_up(&app, &person).await?;
    // Each call makes a new link: a repeat costs a link that nobody uses and that ends in a day.
    let link = link_for(&app, &person).await?;
    let row = Row::once(Some(caller.id().clone()), Deed::LinkMade, "sign-in link", clock::now());
    app.audit.note(row.about(person).with_session(Some(caller.session)));
    ok((StatusCode::CREATED, Json(link)))
}

/// A siren, or a system of another house, signs in nowhere.
pub fn no_device(app: &App, person: &PersonId) -> Result<(), Problem> {
    let roll = app.centre.roll.load();
    match roll.directory.people.get(person) {
        Some(p) if p.roles.contains(&Role::Device) => {
            let detail = "This is a device, no person: it cannot sign in.";
            Err(Problem::new(StatusCode::CONFLICT, "device", detail))
        }
        _ => Ok(()),
    }
}

/// Nobody alone gets in as somebody who can sign in without a link. (In an exercise everybody is made up.)
pub async fn not_set_up(app: &App, person: &PersonId) -> Result<(), Problem> {
    if app.access.exercise || !app.access.is_set_up(person).await.map_err(refused)? {
        return Ok(());
    }
    let words = "They have a password or passkey, and sign in with it, on a new phone too. If it is lost, start a reset: a second person confirms it.";
    Err(Problem::new(StatusCode::CONFLICT, "signs_in_already", words))
}

/// A new link, as it is shown once.
pub async fn link_for(app: &App, person: &PersonId) -> Result<Value, Problem> {
    let (secret, expires_at) = app.access.make_link(person).await.map_err(refused)?;
    let base = &app.base_url;
    Ok(json!({
        "url": format!("{base}/#sign-in={secret}"),
        "field_url": format!("{base}/field/#sign-in={secret}"),
        "expires_at": expires_at,
    }))
}

/// An administrator may; a watch officer only in an exercise, where everybody is made up.
pub fn may_make_links(app: &App, caller: &Caller) -> Result<(), Problem> {
    if caller.reader.roles.contains(&Role::Administrator) || app.centre.exercise.is_some() {
        Ok(())
    } else {
        Err(Problem::forbidden("Only an administrator makes sign-in links."))
    }
}
