//! [`Browser`]: what a request says about the browser that sent it: from where, on what, under which name it reached the
//! centre, and the cookies that are not the session.

use super::{
    App, COOKIE,
    peer::{self, Peer},
};
use crate::accounts::{KNOWN_S, Place, Site, Try, agent_words};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, header, request::Parts},
};
use skypicket_model::PersonId;
use std::convert::Infallible;

/// The cookie of a device that somebody signed in with before.
const DEVICE: &str = "skypicket_device";
/// The cookie that ties a sign-in at the provider to this browser.
const PROVIDER: &str = "skypicket_oidc";

/// The browser that asks.
#[derive(Debug, Clone)]
pub struct Browser {
    /// From where and on what.
    pub place: Place,
    /// Where the page is, or why passkeys cannot work there.
    pub site: Result<Site, &'static str>,
    device: Option<String>,
    /// The state of a sign-in at the provider.
    pub provider_state: Option<String>,
    /// The session that it had before.
    pub session: Option<String>,
    secure: bool,
}

impl FromRequestParts<App> for Browser {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let h = &parts.headers;
        let text = |name| h.get(name).and_then(|v: &HeaderValue| v.to_str().ok()).unwrap_or_default();
        let peer = parts.extensions.get::<Peer>().copied();
        let place = Place {
            agent: agent_words(text(header::USER_AGENT)),
            address: peer::address(peer, h, app.access.behind_proxy),
        };
        let host = parts.uri.host().map_or_else(|| text(header::HOST).to_owned(), str::to_owned);
        let host = if text(header::HOST).is_empty() { host } else { text(header::HOST).to_owned() };
        Ok(Self {
            place,
            site: Site::of(&host, app.access.tls),
            device: cookie(h, DEVICE),
            provider_state: cookie(h, PROVIDER),
            session: cookie(h, COOKIE),
            secure: app.access.tls,
        })
    }
}

/// A cookie's value.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE);
    all.iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(';'))
        .filter_map(|c| c.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v.to_owned())
}

impl Browser {
    /// The id of this device, when it is one of theirs.
    pub async fn device_of(&self, app: &App, person: &PersonId) -> Option<String> {
        let cookie = self.device.as_deref()?;
        match app.access.device(cookie, person).await {
            Ok(d) => d,
            Err(error) => {
                tracing::warn!(%error, "whether a device is known could not be read");
                None
            }
        }
    }

    /// Who tries, for the limits.
    pub async fn tries(&self, app: &App, person: &PersonId) -> Try {
        let device = self.device_of(app, person).await;
        Try { name: person.to_string(), address: self.place.address, device }
    }

    fn set(&self, name: &str, value: &str, rest: &str) -> Option<HeaderValue> {
        // On loopback without TLS a browser would not keep a Secure cookie.
        let secure = if self.secure { "; Secure" } else { "" };
        HeaderValue::from_str(&format!("{name}={value}; HttpOnly; {rest}{secure}")).ok()
    }

    /// Sets the session.
    pub fn session_cookie(&self, secret: &str, lasts_s: f64) -> Option<HeaderValue> {
        self.set(COOKIE, secret, &format!("Path=/; SameSite=Strict; Max-Age={lasts_s:.0}"))
    }

    /// Sets the device.
    pub fn device_cookie(&self, secret: &str) -> Option<HeaderValue> {
        // Sent with sign-ins only.
        self.set(DEVICE, secret, &format!("Path=/api/v1/; SameSite=Strict; Max-Age={KNOWN_S:.0}"))
    }

    /// Sets, or with an empty state takes away, the sign-in at the provider. Lax: the way back is from another site.
    pub fn provider_cookie(&self, state: &str) -> Option<HeaderValue> {
        let age = if state.is_empty() { 0 } else { 600 };
        self.set(PROVIDER, state, &format!("Path=/api/v1/oidc/; SameSite=Lax; Max-Age={age}"))
    }
}
