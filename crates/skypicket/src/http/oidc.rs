//! Signing in through the provider of the house: there and back.

use super::{App, Problem, browser::Browser, sessions};
use crate::{
    accounts::{How, OidcError, Provider, page},
    clock,
};
use axum::{
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use skypicket_model::{Access as Row, Deed};

fn provider(app: &App) -> Result<&Provider, Problem> {
    app.access.provider.as_ref().ok_or_else(Problem::not_found)
}

fn to(place: &str, browser: &Browser, state: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(v) = HeaderValue::from_str(place) {
        response.headers_mut().insert(header::LOCATION, v);
    }
    if let Some(c) = browser.provider_cookie(state) {
        response.headers_mut().append(header::SET_COOKIE, c);
    }
    response
}

/// Where to come back to.
#[derive(Debug, Deserialize)]
pub struct Start {
    #[serde(default)]
    to: Option<String>,
}

/// `GET /oidc/start`.
pub async fn start(State(app): State<App>, browser: Browser, Query(start): Query<Start>) -> Result<Response, Problem> {
    let back = page(start.to.as_deref());
    match provider(&app)?.begin(back).await {
        Ok((url, state)) => Ok(to(&url, &browser, &state)),
        Err(error) => {
            tracing::error!(%error, "the provider could not be asked");
            Ok(to(&format!("{back}#sign-in-refused=provider"), &browser, ""))
        }
    }
}

/// What the provider sends the browser back with.
#[derive(Debug, Deserialize)]
pub struct Callback {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

/// `GET /oidc/callback`. Whatever comes of it, a page says so: the browser is sent to one.
pub async fn callback(
    State(app): State<App>,
    browser: Browser,
    Query(Callback { code, state, error }): Query<Callback>,
) -> Result<Response, Problem> {
    let provider = provider(&app)?;
    let refused = |page: &str, why: &str| to(&format!("{page}#sign-in-refused={why}"), &browser, "");
    let state = state.unwrap_or_default();
    let Some(code) = code.filter(|c| error.is_none() && c.len() <= 4_096) else {
        return Ok(refused(provider.refused(&state), "provider"));
    };
    let came = match provider.end(&code, &state, browser.provider_state.as_deref()).await {
        Ok(c) => c,
        Err(error) => {
            tracing::warn!(%error, "a sign-in through the provider came to nothing");
            let why = if matches!(error, OidcError::State) { "state" } else { "provider" };
            return Ok(refused("/", why));
        }
    };
    let asked = came.person.clone();
    let roles = app.centre.ask(move |e| e.directory().active(&asked).map(|p| p.roles.clone())).await?;
    let Some(roles) = roles else {
        let row = Row::once(None, Deed::SignInRefused, "through the provider: nobody of the directory", clock::now());
        app.audit.note(row);
        return Ok(refused(came.to, "unknown"));
    };
    let person = came.person;
    if !came.factor_done && app.access.codes(&person).await.map_err(sessions::refused)?.is_some() {
        let ticket = app.access.make_ticket(&person, How::Provider).map_err(sessions::refused)?;
        return Ok(to(&format!("{}#sign-in-code={ticket}", came.to), &browser, ""));
    }
    if !came.factor_done && app.access.has_factor(&person) && app.access.needs_factor(&roles) {
        return Ok(refused(came.to, "passkey"));
    }
    let secret = app.access.open_session(&person, How::Provider, &browser.place).await.map_err(sessions::refused)?;
    let mut response = to(came.to, &browser, "");
    sessions::sign(&app, &person, &secret, &browser, &mut response).await?;
    Ok(response)
}
