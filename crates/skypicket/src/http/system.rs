//! How the centre does: health, readiness, metrics, status, sources.

use super::{App, Problem, Signed, ok};
use crate::{
    doctor,
    inbox::NotTaken,
    meters,
    pulse::{self, Unready},
    sources::Learned,
};
use axum::{
    Extension, Json,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;

/// `GET /healthz`.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the engines answer, the record can be written, and the centre is not shutting down.
pub async fn readyz(State(app): State<App>) -> Result<Response, Problem> {
    match pulse::ready_now(&app.centre).await {
        Ok(()) => ok("ready\n"),
        Err(why) => {
            let code = if why == Unready::Draining { "closing" } else { "not_ready" };
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, why.why()))
        }
    }
}

/// `GET /metrics`.
pub async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let Some(m) = &app.metrics else { return Err(Problem::not_found()) };
    let ready = pulse::ready_now(&app.centre).await.is_ok();
    meters::Read {
        centre: &app.centre,
        sources: &app.sources,
        clocks: &app.sources.clocks,
        standing: &app.standing,
        ready,
    }
    .all()
    .await;
    ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], m.render()))
}

/// Counts requests while they are answered; while the centre shuts down, new ones are told to come back, except those
/// that ask how it does.
pub async fn counted(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // A stream is open for hours and ends by itself at shut-down; whoever asks how the centre does is no work.
    if matches!(path, "/healthz" | "/readyz" | "/metrics") {
        return next.run(request).await;
    }
    if app.centre.flags.draining() {
        return Problem::from(NotTaken::Closing).into_response();
    }
    let _counted = (!path.ends_with("/events")).then(|| app.centre.flags.request());
    next.run(request).await
}

/// `GET /doctor`: what is wrong, and what to do.
pub async fn doctor(State(app): State<App>) -> Result<Response, Problem> {
    ok(Json(doctor::report(&doctor::Facts::running(&app).await)))
}

/// `GET /status`.
pub async fn status(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    let status = app.centre.status();
    ok(Json(if caller.sees.directory { status } else { status.without_duty() }))
}

/// `GET /sources`.
pub async fn sources(State(app): State<App>) -> Result<Response, Problem> {
    let learned = learned(&app).await?;
    let all = app.sources.list(&app.centre.inbox.shed(), crate::clock::now());
    ok(Json(json!({"items": all.into_iter().map(|s| s.with(&learned)).collect::<Vec<_>>()})))
}

/// What the tracker learned of the sensors.
pub(super) async fn learned(app: &App) -> Result<Learned, Problem> {
    let learned = app.centre.ask(|engines| {
        let t = engines.tracker();
        Learned {
            registrations: t.registrations().clone(),
            floods: t.floods().map(|(id, f)| (id.clone(), f)).collect(),
        }
    });
    learned.await.map_err(Problem::from)
}
