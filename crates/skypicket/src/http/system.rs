//! How the centre does: health, readiness, metrics, status, sources.

use super::{App, Problem, ok};
use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::Response,
};
use serde_json::json;
use skypicket_record::Record;
use std::time::Duration;

/// `GET /healthz`.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the engines answer within a second.
pub async fn readyz(State(app): State<App>) -> Result<Response, Problem> {
    match tokio::time::timeout(Duration::from_secs(1), app.centre.ask(|_| ())).await {
        Ok(Ok(())) => ok("ready\n"),
        _ => Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", "The engines do not answer.")),
    }
}

/// `GET /metrics`.
pub async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let Some(m) = &app.metrics else { return Err(Problem::not_found()) };
    let (observations, jobs) = app.centre.inbox.waiting();
    let (streams, cut) = app.centre.hub.counts();
    #[allow(clippy::cast_precision_loss)] // counts
    {
        metrics::gauge!("skypicket_waiting_observations").set(observations as f64);
        metrics::gauge!("skypicket_waiting_jobs").set(jobs as f64);
        metrics::gauge!("skypicket_event_streams").set(streams as f64);
        metrics::counter!("skypicket_event_streams_cut_off_total").absolute(cut);
        metrics::counter!("skypicket_record_entries_total").absolute(app.centre.record.head().next);
        metrics::gauge!("skypicket_record_wal_bytes").set(app.centre.record.wal_bytes() as f64);
        metrics::gauge!("skypicket_record_unrecorded").set(f64::from(u8::from(app.centre.flags.unrecorded())));
        metrics::gauge!("skypicket_tracks").set(app.centre.picture.borrow().tracks.len() as f64);
    }
    for s in app.sources.list(&app.centre.inbox.shed(), crate::clock::now()) {
        let id = s.id.to_string();
        metrics::counter!("skypicket_source_received_total", "source" => id.clone()).absolute(s.received);
        metrics::counter!("skypicket_source_decoded_total", "source" => id.clone()).absolute(s.decoded);
        metrics::counter!("skypicket_source_shed_total", "source" => id.clone()).absolute(s.shed);
        for (reason, n) in s.refused {
            metrics::counter!("skypicket_source_refused_total", "source" => id.clone(), "reason" => reason).absolute(n);
        }
    }
    ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], m.render()))
}

/// `GET /status`.
pub async fn status(State(app): State<App>) -> Result<Response, Problem> {
    ok(Json(app.centre.status().await?))
}

/// `GET /sources`.
pub async fn sources(State(app): State<App>) -> Result<Response, Problem> {
    ok(Json(json!({"items": app.sources.list(&app.centre.inbox.shed(), crate::clock::now())})))
}
