//! The HTTP edge: pages and API on one listener.
//!
//! Every request passes, from outside in: a request id, problem documents and security headers ([`finish`]); the
//! permission table ([`guard`]); the strict body ([`body::Strict`]). Inner layers do not know HTTP.

pub mod auth;
mod body;
mod events;
mod notices;
mod observations;
mod openapi;
mod pages;
pub mod permission;
mod places;
mod problem;
mod serve;
mod sessions;
mod sightings;
mod system;
mod tokens;

pub use problem::Problem;
pub use serve::serve;

use crate::{centre::Centre, hub::Sees, sources::SourceTable};
use auth::{Access, Token};
use axum::{
    Extension, Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{delete, get, post, put},
};
use permission::Who;
use skypicket_model::{PersonId, Reader, UnitId};
use std::{path::PathBuf, sync::Arc};

/// The name of the session cookie.
pub const COOKIE: &str = "skypicket_session";

/// What handlers work with.
#[derive(Clone)]
pub struct App {
    /// The running centre.
    pub centre: Centre,
    /// Who is who.
    pub access: Arc<Access>,
    /// Sources and how they do.
    pub sources: Arc<SourceTable>,
    /// Position requests seen lately.
    pub positions: Arc<places::SeenPositions>,
    /// An own map.
    pub basemap: Option<Arc<PathBuf>>,
    /// Renders `/metrics`.
    pub metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
    /// Where pages are reached, for links.
    pub base_url: Arc<str>,
    /// The exercise feeds people's positions unless a real phone does.
    pub exercise: Option<Arc<crate::exercise::Exercise>>,
}

/// Who asks: a person who is signed in.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who, and what they may.
    pub reader: Reader,
    /// Their unit.
    pub unit: UnitId,
    /// What may be sent to them.
    pub sees: Sees,
}

impl Caller {
    /// The person.
    pub fn id(&self) -> &PersonId {
        &self.reader.person
    }
}

/// The secret of the session in use, for signing out.
#[derive(Debug, Clone)]
struct SessionSecret(Arc<str>);

/// Pages and API.
pub fn router(app: App) -> Router {
    let api = Router::new()
        .route("/healthz", get(system::healthz))
        .route("/readyz", get(system::readyz))
        .route("/metrics", get(system::metrics))
        .route("/api/v1/openapi.json", get(openapi::serve))
        .route("/api/v1/sessions", post(sessions::sign_in))
        .route("/api/v1/sessions/current", delete(sessions::sign_out))
        .route("/api/v1/me", get(sessions::me))
        .route("/api/v1/me/password", put(sessions::set_password))
        .route("/api/v1/status", get(system::status))
        .route("/api/v1/events", get(events::events))
        .route("/api/v1/sightings", post(sightings::report).get(sightings::list))
        .route("/api/v1/sightings/{id}", get(sightings::one))
        .route("/api/v1/sightings/{id}/seen", post(sightings::seen))
        .route("/api/v1/sightings/{id}/triage", post(sightings::triage))
        .route("/api/v1/sightings/{id}/retraction", post(sightings::retract))
        .route("/api/v1/positions", post(places::position))
        .route("/api/v1/observations", post(observations::take))
        .route("/api/v1/tracks", get(places::tracks))
        .route("/api/v1/dangers", get(places::dangers))
        .route("/api/v1/notices", get(notices::list))
        .route("/api/v1/notices/{id}", get(notices::one))
        .route("/api/v1/notices/{id}/versions/{v}/receipts", post(notices::receipt))
        .route("/api/v1/notices/{id}/versions/{v}/acknowledgements", post(notices::acknowledge))
        .route("/api/v1/deliveries", get(notices::deliveries))
        .route("/api/v1/people", get(places::people))
        .route("/api/v1/people/{id}/sign-in-links", post(sessions::make_link))
        .route("/api/v1/sites", get(places::sites))
        .route("/api/v1/own-flights", get(places::own_flights).post(places::file_own_flight))
        .route("/api/v1/sources", get(system::sources))
        .route("/api/v1/tokens", get(tokens::list).post(tokens::make))
        .route("/api/v1/tokens/{id}", delete(tokens::revoke))
        .route("/api/v1/basemap", get(pages::basemap))
        .route_layer(middleware::from_fn_with_state(app.clone(), guard))
        .layer(axum::extract::DefaultBodyLimit::max(body::MOST));
    let exercise = app.centre.exercise.as_deref().and_then(|name| HeaderValue::from_str(name).ok());
    api.fallback(pages::page).layer(middleware::from_fn_with_state(exercise, finish)).with_state(app)
}

/// The one place where the permission table is enforced.
async fn guard(State(app): State<App>, path: MatchedPath, request: Request, next: Next) -> Result<Response, Problem> {
    let request = admitted(&app, path.as_str(), request).await?;
    Ok(next.run(request).await)
}

/// The request with its caller, or why it is not let in.
async fn admitted(app: &App, path: &str, mut request: Request) -> Result<Request, Problem> {
    let Some(row) = permission::find(request.method().as_str(), path) else {
        if permission::TABLE.iter().any(|r| r.path == path) {
            let detail = "This path does not take that method.";
            return Err(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail));
        }
        // A route without a row is closed.
        return Err(Problem::forbidden("This endpoint has no row in the permission table."));
    };
    if row.who == Who::Source {
        let bearer = bearer(&request).map(str::to_owned);
        let token = source_token(app, bearer).await?.ok_or_else(Problem::signed_out)?;
        request.extensions_mut().insert(Arc::new(token));
        return Ok(request);
    }
    let secret = session_secret(&request).map(str::to_owned);
    if let Some((secret, person)) = session(app, secret).await? {
        if !is_safe(request.method()) && !same_origin(&request) {
            return Err(Problem::forbidden("The request came from another site's page."));
        }
        let asked = person.clone();
        let known = app
            .centre
            .ask(move |e| {
                let d = e.directory();
                Some((d.reader(&asked)?, d.people.get(&asked)?.unit.clone()))
            })
            .await?;
        // Someone who is no longer in the directory has no session any more.
        if let Some((reader, unit)) = known {
            let sees = Sees::of(&reader.roles);
            if !row.who.lets(&reader.roles) {
                return Err(Problem::forbidden("Your roles do not allow this."));
            }
            request.extensions_mut().insert(Caller { reader, unit, sees });
            request.extensions_mut().insert(SessionSecret(secret));
            return Ok(request);
        }
    }
    if row.who == Who::Anyone { Ok(request) } else { Err(Problem::signed_out()) }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A browser names the page that a request comes from; programs with a cookie of their own do not.
fn same_origin(request: &Request) -> bool {
    let text = |name| request.headers().get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    if text(HeaderName::from_static("sec-fetch-site")).is_some_and(|s| s != "same-origin" && s != "none") {
        return false;
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => {
            origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) == Some(host)
        }
        (Some(_), None) => false,
    }
}

/// The secret in the session cookie.
fn session_secret(request: &Request) -> Option<&str> {
    let cookies = request.headers().get_all(header::COOKIE);
    cookies
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|c| c.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, v)| v)
}

async fn session(app: &App, secret: Option<String>) -> Result<Option<(Arc<str>, PersonId)>, Problem> {
    let Some(secret) = secret else { return Ok(None) };
    let person = app.access.session(&secret).await.map_err(Problem::internal)?;
    Ok(person.map(|p| (secret.into(), p)))
}

/// The token in the authorization header (RFC 6750).
fn bearer(request: &Request) -> Option<&str> {
    request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

async fn source_token(app: &App, bearer: Option<String>) -> Result<Option<Token>, Problem> {
    match bearer {
        Some(b) => app.access.token(&b).await.map_err(Problem::internal),
        None => Ok(None),
    }
}

/// Outermost: a request id, errors as problem documents, headers that keep a page to itself. In an exercise every answer
/// names it, so that a page is marked before anybody has signed in.
async fn finish(State(exercise): State<Option<HeaderValue>>, request: Request, next: Next) -> Response {
    let id = uuid::Uuid::now_v7().to_string();
    let api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await;
    if let Some(p) = response.extensions_mut().remove::<Problem>() {
        response = p.render(&id);
    } else if api && (response.status().is_client_error() || response.status().is_server_error()) {
        // What axum itself refused: a method, a path, a body that is too large.
        let (code, detail) = match response.status() {
            StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "This path does not take that method."),
            StatusCode::PAYLOAD_TOO_LARGE => ("too_large", "The body is larger than this endpoint takes."),
            StatusCode::NOT_FOUND => ("not_found", "There is nothing here that you may see."),
            _ => ("bad_request", "The request could not be understood."),
        };
        response = Problem::new(response.status(), code, detail).render(&id);
    }
    let h = response.headers_mut();
    if let Ok(v) = HeaderValue::from_str(&id) {
        h.insert(HeaderName::from_static("x-request-id"), v);
    }
    for (name, value) in HEADERS {
        h.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    if let Some(name) = exercise {
        h.insert(HeaderName::from_static("skypicket-exercise"), name);
    }
    if api {
        h.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// On every response: nothing from elsewhere, nothing inline.
const HEADERS: &[(&str, &str)] = &[
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    (
        "permissions-policy",
        "geolocation=(self), accelerometer=(self), gyroscope=(self), magnetometer=(self), camera=(), microphone=()",
    ),
    ("cross-origin-opener-policy", "same-origin"),
];

/// The caller, put there by [`guard`].
type Signed = Extension<Caller>;

/// Turns anything that renders into a handler's good end.
#[allow(clippy::unnecessary_wraps)] // what handlers return
fn ok(r: impl IntoResponse) -> Result<Response, Problem> {
    Ok(r.into_response())
}
