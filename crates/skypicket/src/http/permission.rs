//! The permission table: for every endpoint, who may call it. Enforced in one place ([`super::guard`]); an endpoint
//! without a row is refused to everybody, and a test fails for it.

use skypicket_model::Role;
use std::collections::BTreeSet;

/// Who may call an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Nobody needs to be signed in.
    Anyone,
    /// Everybody who is signed in; what they see is cut to what they may.
    SignedIn,
    /// One of these roles.
    Roles(&'static [Role]),
    /// A source with its token.
    Source,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// `GET`, `POST` …
    pub method: &'static str,
    /// Path with its parameters in braces.
    pub path: &'static str,
    /// Who.
    pub who: Who,
    /// What it does, for the OpenAPI document.
    pub does: &'static str,
    /// Schema of the body taken.
    pub takes: Option<&'static str>,
    /// Status of success and schema of the body given.
    pub gives: (u16, Option<&'static str>),
}

const fn row(
    method: &'static str,
    path: &'static str,
    who: Who,
    does: &'static str,
    takes: Option<&'static str>,
    gives: (u16, Option<&'static str>),
) -> Row {
    Row { method, path, who, does, takes, gives }
}

use Role::{Administrator, Analyst, Auditor, Field, Integrator, Supervisor, Watch};
use Who::{Anyone, Roles, SignedIn, Source};

/// Works at the centre.
const CENTRE: &[Role] = &[Watch, Analyst, Auditor];
/// Sees the sky.
const SKY: &[Role] = &[Watch, Analyst, Auditor, Supervisor, Integrator];
/// Sees people: the centre all of them, a supervisor their own.
const PEOPLE: &[Role] = &[Watch, Auditor, Supervisor, Administrator];
/// Stands outside and reports.
const REPORTS: &[Role] = &[Field, Watch, Supervisor];
/// Sees how sources do.
const SOURCES: &[Role] = &[Watch, Integrator, Administrator, Auditor];

/// The table.
pub const TABLE: &[Row] = &[
    row("GET", "/healthz", Anyone, "The process runs.", None, (200, None)),
    row("GET", "/readyz", Anyone, "The record can be read and the engines answer.", None, (200, None)),
    row("GET", "/metrics", Anyone, "Counters for Prometheus; no names, no positions.", None, (200, None)),
    row("GET", "/api/v1/openapi.json", Anyone, "This document.", None, (200, None)),
    row(
        "POST",
        "/api/v1/sessions",
        Anyone,
        "Sign in with a one-time link or a password.",
        Some("SignIn"),
        (200, Some("Me")),
    ),
    row("DELETE", "/api/v1/sessions/current", SignedIn, "Sign out.", None, (204, None)),
    row("GET", "/api/v1/me", SignedIn, "Who is signed in.", None, (200, Some("Me"))),
    row("PUT", "/api/v1/me/password", SignedIn, "Set the password.", Some("Password"), (204, None)),
    row("GET", "/api/v1/status", SignedIn, "How the centre does.", None, (200, Some("Status"))),
    row(
        "GET",
        "/api/v1/events",
        SignedIn,
        "What happens, as server-sent events; resume with Last-Event-ID.",
        None,
        (200, None),
    ),
    row(
        "POST",
        "/api/v1/sightings",
        Roles(REPORTS),
        "Report a drone.",
        Some("SightingReport"),
        (201, Some("SightingReceipt")),
    ),
    row(
        "GET",
        "/api/v1/sightings",
        SignedIn,
        "Sightings that you may see, newest first.",
        None,
        (200, Some("SightingPage")),
    ),
    row("GET", "/api/v1/sightings/{id}", SignedIn, "One sighting.", None, (200, Some("SightingView"))),
    row(
        "POST",
        "/api/v1/sightings/{id}/seen",
        Roles(&[Watch, Analyst, Supervisor]),
        "It is on your screen.",
        Some("Only"),
        (200, Some("SightingView")),
    ),
    row(
        "POST",
        "/api/v1/sightings/{id}/triage",
        Roles(&[Watch]),
        "Confirm, merge or dismiss.",
        Some("TriageBody"),
        (200, Some("SightingView")),
    ),
    row(
        "POST",
        "/api/v1/sightings/{id}/retraction",
        Roles(REPORTS),
        "Take your own report back.",
        Some("Only"),
        (200, Some("SightingView")),
    ),
    row("POST", "/api/v1/positions", Roles(REPORTS), "Say where you are.", Some("PositionReport"), (201, Some("Only"))),
    row(
        "POST",
        "/api/v1/observations",
        Source,
        "Observations, one JSON object a line.",
        Some("ObservationLines"),
        (202, Some("Taken")),
    ),
    row("GET", "/api/v1/tracks", Roles(SKY), "Tracks as GeoJSON.", None, (200, Some("FeatureCollection"))),
    row(
        "GET",
        "/api/v1/dangers",
        SignedIn,
        "Dangers that have a level: all at the centre, else your own.",
        None,
        (200, Some("DangerList")),
    ),
    row(
        "GET",
        "/api/v1/notices",
        SignedIn,
        "Warnings that you may see, newest first.",
        None,
        (200, Some("NoticePage")),
    ),
    row("GET", "/api/v1/notices/{id}", SignedIn, "One warning with its versions.", None, (200, Some("NoticeView"))),
    row(
        "POST",
        "/api/v1/notices/{id}/versions/{v}/receipts",
        SignedIn,
        "Your device got it, or shows it.",
        Some("ReceiptBody"),
        (204, None),
    ),
    row(
        "POST",
        "/api/v1/notices/{id}/versions/{v}/acknowledgements",
        SignedIn,
        "You take it, on purpose.",
        Some("Only"),
        (201, Some("Acknowledged")),
    ),
    row("GET", "/api/v1/deliveries", Roles(CENTRE), "Deliveries, newest first.", None, (200, Some("DeliveryPage"))),
    row(
        "GET",
        "/api/v1/people",
        Roles(PEOPLE),
        "People, where they are and how they can be reached.",
        None,
        (200, Some("PeoplePage")),
    ),
    row(
        "POST",
        "/api/v1/people/{id}/sign-in-links",
        Roles(&[Administrator, Watch]),
        "Make a one-time sign-in link (a watch officer only in an exercise).",
        Some("Only"),
        (201, Some("SignInLink")),
    ),
    row(
        "GET",
        "/api/v1/sites",
        Roles(SKY),
        "Fixed places to protect, as GeoJSON.",
        None,
        (200, Some("FeatureCollection")),
    ),
    row("GET", "/api/v1/own-flights", Roles(SKY), "Own flights.", None, (200, Some("OwnFlightList"))),
    row(
        "POST",
        "/api/v1/own-flights",
        Roles(&[Watch, Supervisor]),
        "File, change or end an own flight.",
        Some("OwnFlightBody"),
        (201, Some("OwnFlight")),
    ),
    row("GET", "/api/v1/sources", Roles(SOURCES), "Sources and how they do.", None, (200, Some("SourceList"))),
    row(
        "GET",
        "/api/v1/tokens",
        Roles(&[Integrator, Administrator]),
        "API tokens of sources, without their secrets.",
        None,
        (200, Some("TokenList")),
    ),
    row(
        "POST",
        "/api/v1/tokens",
        Roles(&[Integrator, Administrator]),
        "Make an API token for a source; its secret is shown once.",
        Some("TokenBody"),
        (201, Some("Token")),
    ),
    row(
        "DELETE",
        "/api/v1/tokens/{id}",
        Roles(&[Integrator, Administrator]),
        "Revoke an API token.",
        None,
        (204, None),
    ),
    row("GET", "/api/v1/basemap", SignedIn, "The own map (PMTiles), by byte range.", None, (206, None)),
];

/// The row of an endpoint.
pub fn find(method: &str, path: &str) -> Option<&'static Row> {
    // A HEAD is a GET whose body is not sent.
    let method = if method == "HEAD" { "GET" } else { method };
    TABLE.iter().find(|r| r.method == method && r.path == path)
}

impl Who {
    /// Whether somebody signed in with these roles may.
    pub fn lets(self, roles: &BTreeSet<Role>) -> bool {
        match self {
            Self::Anyone | Self::SignedIn => true,
            Self::Roles(list) => list.iter().any(|r| roles.contains(r)),
            Self::Source => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_endpoint_has_two_rows() {
        let mut seen = BTreeSet::new();
        for r in TABLE {
            assert!(seen.insert((r.method, r.path)), "{} {}", r.method, r.path);
        }
    }
}
