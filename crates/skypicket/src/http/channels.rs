//! `GET /channels`: how each way to people does: whether it takes messages, whether they arrive, and what waits.

use super::{App, Problem, ok};
use crate::carriers::{Round, Standing, Target};
use axum::{Json, extract::State, response::Response};
use serde::Serialize;
use serde_json::json;
use skypicket_link::courier::View;
use skypicket_model::{Channel, Time, entry::ChannelState};

/// One courier, or a channel that needs none.
#[derive(Debug, Serialize)]
pub struct Item {
    channel: Channel,
    /// Which webhook or relay.
    target: Option<String>,
    /// Whom it hands messages to.
    host: Option<String>,
    /// Of the channel: `up`, `down` or `deaf`.
    state: &'static str,
    why: Option<String>,
    since: Time,
    /// Whether test messages go round it.
    tested: bool,
    tested_at: Option<Time>,
    last_round: Option<Round>,
    /// Its queue and counts; null for channels that go straight to people.
    courier: Option<View>,
}

/// Every channel that is set up.
pub fn items(app: &App) -> Vec<Item> {
    let standings = app.carriers.board.all();
    let mut views = app.carriers.views();
    let mut out = Vec::new();
    for (channel, s) in &standings {
        let of: Vec<(Target, View, String)> = views.extract_if(.., |((c, _), _, _)| c == channel).collect();
        let item = |target: Option<String>, host: Option<String>, courier: Option<View>| Item {
            channel: *channel,
            target,
            host,
            state: word(s),
            why: why(s),
            since: s.since,
            tested: app.standing.watchdog && app.carriers.has_loop(*channel),
            tested_at: s.tested_at,
            last_round: s.round,
            courier,
        };
        if of.is_empty() {
            out.push(item(None, None, None));
        }
        out.extend(of.into_iter().map(|((_, id), view, host)| item(id.map(|i| i.to_string()), Some(host), Some(view))));
    }
    out
}

fn word(s: &Standing) -> &'static str {
    match s.state {
        ChannelState::Up => "up",
        ChannelState::Down { .. } => "down",
        ChannelState::Deaf { .. } => "deaf",
    }
}

fn why(s: &Standing) -> Option<String> {
    match &s.state {
        ChannelState::Up => None,
        ChannelState::Down { why } | ChannelState::Deaf { why } => Some(why.clone()),
    }
}

/// `GET /channels`.
pub async fn list(State(app): State<App>) -> Result<Response, Problem> {
    ok(Json(json!({"items": items(&app)})))
}
