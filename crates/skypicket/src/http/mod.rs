//! The HTTP edge: pages and API on one listener.
//!
//! Every request passes, from outside in: a request id, problem documents and security headers ([`finish`]); the
//! permission table ([`guard`]); the strict body ([`body::Strict`]). Inner layers do not know HTTP.

pub mod accounts;
mod alarms;
mod audit;
pub mod auth;
mod board;
mod body;
mod browser;
mod bulletins;
mod cap;
mod channels;
pub mod control;
mod directory;
mod enrolment;
mod events;
mod export;
mod inbound;
mod intelligence;
mod library;
mod links;
mod machines;
mod my_sign_in;
mod notices;
mod observations;
mod oidc;
mod openapi;
mod pages;
mod partners;
mod peer;
pub mod permission;
mod places;
mod problem;
mod push;
mod renderings;
mod routes;
mod search;
mod serve;
mod sessions;
mod sightings;
mod subscriptions;
mod system;
mod tracks;
pub mod trust;
mod upkeep;

pub use problem::Problem;
pub use serve::{Listening, serve};

use crate::{
    audit::{Audit, NotAnswered},
    carriers::{self, Carriers, WebLoop},
    centre::Centre,
    clock,
    hub::Sees,
    machines::Machines,
    sources::SourceTable,
    tls::Tls,
    upkeep::Keeper,
};
use auth::Access;
use axum::{
    Extension, Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use permission::Who;
use routes::{Routes, delete, get, post, put};
use skypicket_model::{PersonId, Reader, Role, UnitId};
use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

/// The name of the session cookie.
pub const COOKIE: &str = "skypicket_session";

/// What handlers work with.
#[derive(Clone)]
pub struct App {
    /// The running centre.
    pub centre: Centre,
    /// Who is who.
    pub access: Arc<Access>,
    /// Who read what.
    pub audit: Audit,
    /// Retention and backups.
    pub keeper: Arc<Keeper>,
    /// Sources and how they do.
    pub sources: Arc<SourceTable>,
    /// What sources and TAK clients prove who they are with.
    pub machines: Arc<Machines>,
    /// Bulletins as signed alerts for partners.
    pub cap: Arc<crate::cap::CapFeed>,
    /// How TAK clients reach the centre.
    pub tak: Option<Arc<TakReach>>,
    /// Mail, short messages, webhooks and relays, and how every channel stands.
    pub carriers: Arc<Carriers>,
    /// The program as a reader of its own event stream.
    pub web_loop: Arc<WebLoop>,
    /// Position requests seen lately.
    pub positions: Arc<places::SeenPositions>,
    /// An own map.
    pub basemap: Option<Arc<PathBuf>>,
    /// Renders `/metrics`.
    pub metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
    /// Where pages are reached, for links.
    pub base_url: Arc<str>,
    /// What the centre was started with.
    pub standing: Arc<crate::doctor::Standing>,
    /// Whether `base_url` was configured: then it is where phones reach the centre, whatever the machine calls itself.
    pub public: bool,
    /// TLS of this listener.
    pub tls: Option<Arc<Tls>>,
    /// How to trust the own authority.
    pub trust: Option<trust::Trust>,
    /// What bulletins are written from.
    pub library: Arc<crate::library::Library>,
    /// The exercise feeds people's positions unless a real phone does.
    pub exercise: Option<Arc<crate::exercise::Exercise>>,
}

/// How TAK clients reach the centre.
#[derive(Debug, Clone)]
pub struct TakReach {
    /// Over TLS.
    pub tls: bool,
    /// Host, where one is known without being told.
    pub host: Option<String>,
    /// Port.
    pub port: u16,
    /// Where it listens.
    pub address: std::net::SocketAddr,
    /// The centre's name there.
    pub callsign: String,
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
    /// Id of their session: the first 16 hex digits of its secret's hash.
    pub session: String,
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

/// Every endpoint with its handler. A test holds them against the permission table.
fn routes() -> Routes {
    Routes::new()
        .route("/healthz", get(system::healthz))
        .route("/readyz", get(system::readyz))
        .route("/metrics", get(system::metrics))
        .route("/api/v1/openapi.json", get(openapi::serve))
        .route("/api/v1/sessions", post(sessions::sign_in))
        .route("/api/v1/sessions/current", delete(sessions::sign_out))
        .route("/api/v1/me", get(sessions::me))
        .route("/api/v1/me/password", put(my_sign_in::set_password))
        .route("/api/v1/status", get(system::status))
        .route("/api/v1/events", get(events::events))
        .route("/api/v1/sightings", post(sightings::report).get(sightings::list))
        .route("/api/v1/sightings/{id}", get(sightings::one))
        .route("/api/v1/sightings/{id}/seen", post(sightings::seen))
        .route("/api/v1/sightings/{id}/triage", post(sightings::triage))
        .route("/api/v1/sightings/{id}/retraction", post(sightings::retract))
        .route("/api/v1/positions", post(places::position))
        .route("/api/v1/observations", post(observations::take))
        .route("/api/v1/observations/{format}", post(observations::take_in_format))
        .route("/api/v1/tracks", get(places::tracks))
        .route("/api/v1/tracks/{id}/merges", post(tracks::merge))
        .route("/api/v1/tracks/{id}/splits", post(tracks::split))
        .route("/api/v1/tracks/{id}/classifications", post(tracks::classify))
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
        // ---- accounts ----
        .route("/api/v1/sign-in", get(sessions::ways))
        .route("/api/v1/passkeys/challenges", post(my_sign_in::begin_passkey_sign_in))
        .route("/api/v1/oidc/start", get(oidc::start))
        .route("/api/v1/oidc/callback", get(oidc::callback))
        .route("/api/v1/me/sign-in", get(my_sign_in::mine))
        .route("/api/v1/me/totp", post(my_sign_in::begin_codes).put(my_sign_in::confirm_codes))
        .route("/api/v1/me/totp/removal", post(my_sign_in::drop_codes))
        .route("/api/v1/me/recovery-codes", post(my_sign_in::new_recovery))
        .route("/api/v1/me/passkeys", post(my_sign_in::add_passkey))
        .route("/api/v1/me/passkeys/challenges", post(my_sign_in::begin_passkey))
        .route("/api/v1/me/passkeys/{id}", delete(my_sign_in::drop_passkey))
        .route("/api/v1/me/sessions", get(my_sign_in::sessions).delete(my_sign_in::end_others))
        .route("/api/v1/me/sessions/{id}", delete(my_sign_in::end_session))
        .route("/api/v1/me/reset", delete(my_sign_in::refuse_reset))
        .route("/api/v1/people/{id}/account", get(accounts::account))
        .route("/api/v1/people/{id}/sessions", delete(accounts::end_sessions))
        .route("/api/v1/people/{id}/sessions/{session}", delete(accounts::end_session))
        .route("/api/v1/people/{id}/resets", post(accounts::begin_reset).delete(accounts::drop_reset))
        .route("/api/v1/people/{id}/resets/confirmation", post(accounts::confirm_reset))
        .route("/api/v1/people/{id}/lost-phone", post(accounts::lost_phone))
        .route("/api/v1/resets", get(accounts::resets))
        // (end of accounts)
        // ---- people ----
        .route("/api/v1/directory", get(directory::show).post(directory::change))
        .route("/api/v1/directory/people", get(directory::people))
        .route("/api/v1/directory/people/{id}", get(directory::person))
        .route("/api/v1/directory/imports", post(directory::import).body_limit(directory::MOST_IMPORT))
        .route("/api/v1/directory.csv", get(directory::export))
        .route("/api/v1/rosters", get(directory::rosters).post(directory::put_roster))
        // (end of people)
        // ---- audit ----
        .route("/api/v1/audit", get(audit::list))
        .route("/api/v1/me/reads", get(audit::reads_of_me))
        // (end of audit)
        // ---- alarms ----
        .route("/api/v1/alarms", get(alarms::list))
        .route("/api/v1/alarms/take", post(alarms::take))
        .route("/api/v1/alarms/hand-back", post(alarms::hand_back))
        .route("/api/v1/alarms/take-over", post(alarms::take_over))
        .route("/api/v1/alarms/shelve", post(alarms::shelve))
        .route("/api/v1/alarms/unshelve", post(alarms::unshelve))
        .route("/api/v1/alarms/figures", get(alarms::figures))
        // (end of alarms)
        // ---- bulletins ----
        .route("/api/v1/bulletins", get(bulletins::list).post(bulletins::propose))
        .route("/api/v1/bulletins/preview", post(bulletins::preview))
        .route("/api/v1/bulletins/{id}", get(bulletins::one))
        .route("/api/v1/bulletins/{id}/drafts", post(bulletins::save))
        .route("/api/v1/bulletins/{id}/submissions", post(bulletins::submit))
        .route("/api/v1/bulletins/{id}/comments", post(bulletins::comment))
        .route("/api/v1/bulletins/{id}/returns", post(bulletins::send_back))
        .route("/api/v1/bulletins/{id}/corrections", post(bulletins::correct))
        .route("/api/v1/bulletins/{id}/approvals", post(bulletins::approve))
        .route("/api/v1/bulletins/{id}/break-glass", post(bulletins::break_glass))
        .route("/api/v1/bulletins/{id}/withdrawals", post(bulletins::withdraw))
        .route("/api/v1/bulletins/{id}/recalls", post(bulletins::recall))
        .route("/api/v1/library", get(library::all))
        .route("/api/v1/library/drafts", post(library::draft))
        .route("/api/v1/me/subscriptions", get(subscriptions::show).put(subscriptions::put))
        // (end of bulletins)
        // ---- search ----
        .route("/api/v1/search", get(search::find))
        .route("/api/v1/searches", get(search::list).post(search::save))
        .route("/api/v1/searches/{id}", delete(search::forget))
        .route("/api/v1/searches/{id}/hits", get(search::hits))
        .route("/api/v1/searches/{id}/read", put(search::read))
        // (end of search)
        // ---- intelligence ----
        .route("/api/v1/intelligence", get(intelligence::list).post(intelligence::file))
        .route("/api/v1/intelligence/choices", get(intelligence::choices))
        .route("/api/v1/intelligence/{id}", get(intelligence::one))
        .route("/api/v1/intelligence/{id}/versions", post(intelligence::change))
        .route("/api/v1/intelligence/{id}/vettings", post(intelligence::vet))
        .route("/api/v1/intelligence/{id}/individual-approvals", post(intelligence::approve_individual))
        .route("/api/v1/intelligence/{id}/reviews", post(intelligence::review))
        .route("/api/v1/intelligence/{id}/purge-requests", post(intelligence::ask_purge))
        .route("/api/v1/intelligence/{id}/purges", post(intelligence::purge))
        // (end of intelligence)
        // ---- renderings ----
        .route("/api/v1/notices/{id}/versions/{v}/renderings/{name}", get(renderings::one))
        .route("/api/v1/bulletins/preview/renderings", post(renderings::preview))
        // (end of renderings)
        // ---- board ----
        .route("/api/v1/notices/{id}/versions/{v}/measures", post(notices::measures))
        .route("/api/v1/notices/{id}/export", get(export::export))
        .route("/api/v1/notices/{id}/board", get(board::board))
        .route("/api/v1/notices/{id}/recipients", get(board::recipients))
        .route("/api/v1/notices/{id}/versions/{v}/calls", post(board::call))
        // (end of board)
        // ---- machines ----
        .route("/api/v1/tokens", get(machines::tokens).post(machines::make_token))
        .route("/api/v1/tokens/{id}", delete(machines::revoke_token))
        .route("/api/v1/machines", get(machines::list))
        .route("/api/v1/sources/{id}/certificates", post(machines::make_certificate))
        .route("/api/v1/certificates/{serial}", delete(machines::revoke_certificate))
        .route("/api/v1/people/{id}/tak-packages", post(machines::make_package))
        .route("/api/v1/people/{id}/certificates", delete(machines::revoke_all))
        // (end of machines)
        // ---- upkeep ----
        .route("/api/v1/doctor", get(system::doctor))
        .route("/api/v1/upkeep", get(upkeep::get))
        .route("/api/v1/upkeep/purge", post(upkeep::purge))
        .route("/api/v1/upkeep/backups", post(upkeep::backed_up))
        // (end of upkeep)
        // ---- enrolment ----
        .route("/trust", get(trust::page))
        .route("/trust/trust.css", get(trust::page))
        .route("/trust/ca.crt", get(trust::page))
        .route("/trust/skypicket.mobileconfig", get(trust::page))
        .route("/api/v1/trust", get(trust::facts))
        .route("/api/v1/people/{id}/enrolments", post(enrolment::enrol))
        .route("/api/v1/people/{id}/enrolments/{link}", get(enrolment::state).delete(enrolment::cancel))
        // (end of enrolment)
        // ---- push ----
        .route("/api/v1/push", get(push::show))
        .route("/api/v1/push/subscriptions", post(push::subscribe))
        .route("/api/v1/push/subscriptions/{id}", delete(push::unsubscribe))
        .route("/api/v1/push/test", post(push::test))
        // (end of push)
        // ---- channels ----
        .route("/api/v1/channels", get(channels::list))
        // (end of channels)
        // ---- inbound ----
        .route("/api/v1/inbound/sms", post(inbound::sms).body_limit(inbound::MOST))
        .route("/api/v1/inbound/mail", post(inbound::mail).body_limit(inbound::MOST))
        // (end of inbound)
        // ---- links ----
        .route("/a", get(links::page))
        .route("/a/link.css", get(links::page))
        .route("/a/link.js", get(links::page))
        .route("/api/v1/links/read", post(links::read).body_limit(4_096))
        .route("/api/v1/links/acknowledge", post(links::acknowledge).body_limit(4_096))
        // (end of links)
        // ---- cap ----
        .route("/cap/feed.atom", get(cap::feed))
        .route("/cap/alerts/{alert}", get(cap::alert))
        .route("/api/v1/cap/certificates", get(cap::certificates))
        .route("/api/v1/partners", get(partners::list).post(partners::make))
        .route("/api/v1/partners/{id}", delete(partners::revoke))
        // (end of cap)
        .route("/api/v1/basemap", get(pages::basemap))
}

/// Pages and API.
pub fn router(app: App) -> Router {
    let api = routes()
        .router()
        .route_layer(middleware::from_fn_with_state(app.clone(), guard))
        .layer(axum::extract::DefaultBodyLimit::max(body::MOST));
    let exercise = app.centre.exercise.as_deref().and_then(|name| HeaderValue::from_str(name).ok());
    let always = Always { exercise, https_only: app.tls.as_ref().is_some_and(|t| !t.is_own()) };
    api.fallback(pages::page)
        .layer(middleware::from_fn_with_state(app.clone(), system::counted))
        .layer(middleware::from_fn_with_state(always, finish))
        .with_state(app)
}

/// The one place where the permission table is enforced, and where what was read goes into the access audit: an answer
/// that shows where people are, or what an intelligence report says, stands in the record before it goes out.
async fn guard(State(app): State<App>, path: MatchedPath, request: Request, next: Next) -> Result<Response, Problem> {
    let request = admitted(&app, path.as_str(), request).await?;
    if request.extensions().get::<carriers::OwnReader>().is_some() {
        return Ok(events::own(&app));
    }
    let reader = if is_safe(request.method()) { request.extensions().get::<Caller>().cloned() } else { None };
    let what = what_is_read(&request);
    let mut response = next.run(request.map(body::Timed::wrap)).await;
    let Some(caller) = reader.filter(|_| response.status().is_success()) else { return Ok(response) };
    if response.extensions_mut().remove::<ShowsIntelligence>().is_some() {
        app.audit.intelligence(caller.id(), &caller.session, &what).await?;
        if response.extensions().get::<ShowsPositions>().is_none() {
            return Ok(response);
        }
    }
    match response.extensions_mut().remove::<ShowsPositions>() {
        None => app.audit.read(caller.id(), &caller.session, &what),
        // Who is cut off from these is not warned.
        Some(ShowsPositions(about)) if WARNS.contains(&path.as_str()) => {
            app.audit.positions_beside(caller.id(), &caller.session, &what, &about).await;
        }
        Some(ShowsPositions(about)) => {
            app.audit.positions(caller.id(), &caller.session, &what, &about).await?;
        }
    }
    Ok(response)
}

/// What warns: it must not wait for the audit.
const WARNS: &[&str] = &["/api/v1/events", "/api/v1/notices", "/api/v1/notices/{id}", "/api/v1/dangers"];

/// Whose positions an answer shows; nobody named is everybody. A handler leaves it for [`guard`] in the answer's
/// extensions.
///
/// A position is what a person's device said, and also what tells it: where a reporter stood, and how far and in which
/// direction from a person a drone is.
#[derive(Debug, Clone)]
struct ShowsPositions(BTreeSet<PersonId>);

/// The answer, marked with those whose positions it shows; one's own are nobody else's business.
fn shows_positions(mut r: Response, caller: &Caller, whose: impl IntoIterator<Item = PersonId>) -> Response {
    let whose: BTreeSet<PersonId> = whose.into_iter().filter(|p| p != caller.id()).collect();
    if !whose.is_empty() {
        r.extensions_mut().insert(ShowsPositions(whose));
    }
    r
}

/// That an answer shows an intelligence report. A handler leaves it for [`guard`], as [`ShowsPositions`].
#[derive(Debug, Clone, Copy)]
struct ShowsIntelligence;

/// The answer, marked so.
fn shows_intelligence(mut r: Response) -> Response {
    r.extensions_mut().insert(ShowsIntelligence);
    r
}

/// The endpoint and object, as the audit names them; of a look at the audit itself also what was looked for.
fn what_is_read(request: &Request) -> String {
    let uri = request.uri();
    let query = uri.query().filter(|_| uri.path() == "/api/v1/audit").map(|q| format!("?{q}")).unwrap_or_default();
    format!("GET {}{query}", uri.path()).chars().take(200).collect()
}

impl From<NotAnswered> for Problem {
    fn from(n: NotAnswered) -> Self {
        match n {
            NotAnswered::NotTaken(n) => n.into(),
            NotAnswered::TooMany => Self {
                retry_after_s: Some(60),
                ..Self::new(
                    StatusCode::TOO_MANY_REQUESTS,
                    "too_many_reads",
                    "You looked at people's positions or intelligence very often in this minute: wait for the next.",
                )
            },
        }
    }
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
    if path == carriers::LOOP_PATH && bearer(&request).is_some_and(|b| app.web_loop.is(b)) {
        request.extensions_mut().insert(carriers::OwnReader);
        return Ok(request);
    }
    if row.who == Who::Source {
        let password = password(&request);
        // A browser that was once given a password adds it by itself, also for a page elsewhere.
        if password.is_some() && !same_origin(&request, app.tls.is_some()) {
            return Err(Problem::forbidden("The request came from another site's page."));
        }
        let token = bearer(&request).map(str::to_owned).or(password);
        let bearer = token.and_then(|t| app.machines.bearer(&t)).ok_or_else(Problem::signed_out)?;
        request.extensions_mut().insert(Arc::new(bearer));
        return Ok(request);
    }
    if row.who == Who::Partner {
        let roll = app.centre.roll.load();
        let admitted = bearer(&request).and_then(|b| app.machines.partners.admit(b, &roll.directory));
        request.extensions_mut().insert(Arc::new(admitted.ok_or_else(Problem::signed_out)?));
        return Ok(request);
    }
    // Also where nobody is signed in: a page elsewhere must not sign somebody in as somebody else.
    if !is_safe(request.method()) && !same_origin(&request, app.tls.is_some()) {
        return Err(Problem::forbidden("The request came from another site's page."));
    }
    if request.extensions().get::<control::Local>().is_some() {
        let named = request.headers().get(control::AS).cloned();
        let caller = local_caller(app, named).await?;
        if !row.who.lets(&caller.reader.roles) {
            return Err(Problem::forbidden("The roles of whoever this command acts as do not allow it."));
        }
        request.extensions_mut().insert(SessionSecret("".into()));
        request.extensions_mut().insert(caller);
        return Ok(request);
    }
    let secret = browser::cookie(request.headers(), COOKIE);
    let session = secret.and_then(|s| Some((app.access.session(&s)?, Arc::<str>::from(s))));
    if let Some((session, secret)) = session {
        let asked = session.person.clone();
        let known = app
            .centre
            .ask(move |e| {
                let d = e.directory();
                Some((d.reader(&asked)?, d.people.get(&asked)?.unit.clone()))
            })
            .await?;
        // Someone who is no longer in the directory has no session any more, nor one whose time is over.
        let over = |roles: &BTreeSet<skypicket_model::Role>| session.ends_at(&app.access.policy, roles) < clock::now();
        let device = |reader: &Reader| reader.roles.contains(&Role::Device);
        if let Some((reader, unit)) = known.filter(|(reader, _)| !over(&reader.roles) && !device(reader)) {
            let sees = Sees::of(&reader.roles);
            if !row.who.lets(&reader.roles) {
                return Err(Problem::forbidden("Your roles do not allow this."));
            }
            let setting_up = path.starts_with("/api/v1/me") || path.starts_with("/api/v1/sessions");
            let needed = app.access.must_set_factor(&reader.person, &reader.roles, session.how);
            if needed && !setting_up && row.who != Who::Anyone {
                let words = "Your roles must have a second factor: set one up first, on the page or with /me/totp.";
                return Err(Problem::new(StatusCode::FORBIDDEN, "second_factor_required", words));
            }
            app.access.session_used(&secret).await;
            let session = session.id;
            request.extensions_mut().insert(Caller { reader, unit, sees, session });
            request.extensions_mut().insert(SessionSecret(secret));
            return Ok(request);
        }
    }
    if row.who == Who::Anyone { Ok(request) } else { Err(Problem::signed_out()) }
}

/// Who acts by the control socket: whom the command names, else the first administrator.
async fn local_caller(app: &App, named: Option<HeaderValue>) -> Result<Caller, Problem> {
    let role = named.as_ref().and_then(|v| v.to_str().ok()?.strip_prefix(control::ROLE)).map(str::to_owned);
    if let Some(role) = role {
        return local_with_role(app, role).await;
    }
    let named = match named {
        None => None,
        Some(v) => {
            let name = v.to_str().ok().and_then(|v| PersonId::new(v).ok());
            Some(name.ok_or_else(|| Problem::invalid(format!("{}: not the id of a person", control::AS)))?)
        }
    };
    let missing = named.as_ref().map_or_else(
        || "Nobody has the role administrator.".to_owned(),
        |n| format!("There is no active person '{n}' to act as."),
    );
    app.centre
        .ask(move |e| {
            let d = e.directory();
            let person = named.or_else(|| d.with_role(Role::Administrator).next().map(|p| p.id.clone()))?;
            let reader = d.reader(&person).filter(|r| !r.roles.contains(&Role::Device))?;
            let unit = d.people.get(&person)?.unit.clone();
            let sees = Sees::of(&reader.roles);
            Some(Caller { reader, unit, sees, session: "cli".into() })
        })
        .await?
        .ok_or_else(|| Problem::invalid(missing))
}

/// The first person with a role, for a command that asks for no more than that.
async fn local_with_role(app: &App, role: String) -> Result<Caller, Problem> {
    let wanted: Role = serde_json::from_value(role.clone().into())
        .map_err(|_| Problem::invalid(format!("{}: there is no role '{role}'", control::AS)))?;
    app.centre
        .ask(move |e| {
            let d = e.directory();
            let person = d.with_role(wanted).next()?;
            let reader = d.reader(&person.id)?;
            let sees = Sees::of(&reader.roles);
            Some(Caller { reader, unit: person.unit.clone(), sees, session: "cli".into() })
        })
        .await?
        .ok_or_else(|| Problem::invalid(format!("Nobody has the role {role}: give it to somebody, or say who acts.")))
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A browser names the page that a request comes from; programs with a cookie of their own do not.
/// With TLS, plain pages of the same host are other sites.
fn same_origin(request: &Request, tls: bool) -> bool {
    let text = |name| request.headers().get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    if text(HeaderName::from_static("sec-fetch-site")).is_some_and(|s| s != "same-origin" && s != "none") {
        return false;
    }
    // HTTP/2 has the host in the address itself.
    let host = request.uri().authority().map(axum::http::uri::Authority::as_str).or_else(|| text(header::HOST));
    match (text(header::ORIGIN), host) {
        (None, _) => true,
        (Some(origin), Some(host)) => {
            let plain = origin.strip_prefix("http://").filter(|_| !tls);
            plain.or_else(|| origin.strip_prefix("https://")) == Some(host)
        }
        (Some(_), None) => false,
    }
}

/// The token in the authorization header (RFC 6750).
fn bearer(request: &Request) -> Option<&str> {
    request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// The password in the authorization header (RFC 7617): receivers that can only be given an address to post to send what
/// stands in it as `https://token:…@host/`.
fn password(request: &Request) -> Option<String> {
    let encoded = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}

/// What every answer says.
#[derive(Debug, Clone)]
struct Always {
    /// The exercise's name.
    exercise: Option<HeaderValue>,
    /// Browsers are to come by https only. Not with the own authority: they would then no longer reach the plain page that
    /// says how to trust a new one, nor go on to anything else on this machine that has no TLS.
    https_only: bool,
}

/// Outermost: a request id, errors as problem documents, headers that keep a page to itself. In an exercise every answer
/// names it, so that a page is marked before anybody has signed in.
async fn finish(State(always): State<Always>, request: Request, next: Next) -> Response {
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
    if let Some(name) = always.exercise {
        h.insert(HeaderName::from_static("skypicket-exercise"), name);
    }
    if always.https_only {
        h.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=15552000"));
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
