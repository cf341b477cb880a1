//! How a phone comes to trust the centre: the page `/trust` with its two files, over https and over plain HTTP on the
//! same port; and [`plain`], all that plain HTTP ever answers when there is TLS.
//!
//! Whoever stands between can change what comes over plain HTTP. So nothing secret is given or taken there, and what
//! counts is the fingerprint that the phone itself shows, compared with the screen at the centre.

use super::{App, HEADERS, Problem, ok};
use crate::tls::Tls;
use axum::{
    Json, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, sync::Arc};

const PAGE: &str = include_str!("trust/trust.html");
const STYLE: &str = include_str!("trust/trust.css");
const PROFILE: &str = include_str!("trust/skypicket.mobileconfig");

/// What is shown to anybody.
#[derive(Debug, Clone)]
pub struct Trust {
    page: Arc<str>,
    certificate: Arc<str>,
    profile: Arc<str>,
}

impl Trust {
    /// Of the own authority; in an exercise the page says so.
    pub fn new(tls: &Tls, exercise: Option<&str>) -> Self {
        let a = &tls.authority;
        let name = escape(a.name());
        // Eight pairs a line, four pairs apart: read out aloud it can be followed.
        let mut fingerprint = String::new();
        for four in a.fingerprint().split(':').collect::<Vec<_>>().chunks(4) {
            let _ = write!(fingerprint, "<span>{}</span>", four.join(":"));
        }
        let band = exercise.map(|_| "<p class=\"exercise\">EXERCISE · EJERCICIO</p>").unwrap_or_default();
        let page =
            PAGE.replace("{{exercise}}", band).replace("{{name}}", &name).replace("{{fingerprint}}", &fingerprint);
        // The same certificate makes the same profile: installing it again replaces it.
        let profile = PROFILE
            .replace("{{name}}", &name)
            .replace("{{certificate}}", &STANDARD.encode(a.der()))
            .replace("{{uuid_certificate}}", &uuid_of(a.der(), "certificate"))
            .replace("{{uuid_profile}}", &uuid_of(a.der(), "profile"));
        Self { page: page.into(), certificate: a.pem().into(), profile: profile.into() }
    }

    fn answer(&self, path: &str) -> Option<Response> {
        let (kind, attachment, text): (_, Option<&str>, Arc<str>) = match path {
            "/trust" => ("text/html; charset=utf-8", None, Arc::clone(&self.page)),
            "/trust/trust.css" => ("text/css; charset=utf-8", None, STYLE.into()),
            "/trust/ca.crt" => ("application/x-x509-ca-cert", Some("ca.crt"), Arc::clone(&self.certificate)),
            "/trust/skypicket.mobileconfig" => ("application/x-apple-aspen-config", None, Arc::clone(&self.profile)),
            _ => return None,
        };
        let mut r = Response::new(Body::from(text.as_bytes().to_vec()));
        let h = r.headers_mut();
        h.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        h.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(v) = attachment.and_then(|f| HeaderValue::from_str(&format!("attachment; filename=\"{f}\"")).ok()) {
            h.insert(header::CONTENT_DISPOSITION, v);
        }
        Some(r)
    }
}

fn uuid_of(der: &[u8], what: &str) -> String {
    let hash = Sha256::new().chain_update(what).chain_update(der).finalize();
    let mut bytes = [0u8; 16];
    bytes.iter_mut().zip(hash.iter()).for_each(|(b, h)| *b = *h);
    uuid::Uuid::new_v8(bytes).to_string().to_uppercase()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `GET /trust` and its files, over https.
pub async fn page(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let shown = app.trust.as_ref().and_then(|t| t.answer(request.uri().path()));
    shown.ok_or_else(Problem::not_found)
}

/// `GET /api/v1/trust`.
pub async fn facts(State(app): State<App>) -> Result<Response, Problem> {
    let Some(tls) = app.tls.clone() else {
        let by = if app.base_url.starts_with("https://") { "proxy" } else { "none" };
        return ok(Json(json!({
            "tls": by, "authority": null, "authority_ends_at": null, "fingerprint": null, "names": [], "ends_at": null,
            "urls": [&*app.base_url],
        })));
    };
    // The machine's addresses are asked for.
    let urls = urls(&app, &tls).await?;
    let facts = tls.facts();
    let own = tls.is_own();
    let names: Vec<String> = facts.names.iter().map(ToString::to_string).collect();
    ok(Json(json!({
        "tls": if own { "auto" } else { "files" },
        "authority": own.then(|| tls.authority.name()),
        "authority_ends_at": own.then(|| tls.authority.validity().1),
        "fingerprint": tls.fingerprint(),
        "names": names,
        "ends_at": facts.not_after,
        "urls": urls,
    })))
}

/// Where phones reach the centre: what is configured first, then what the machine has now.
pub async fn urls(app: &App, tls: &Arc<Tls>) -> Result<Vec<String>, Problem> {
    let asked = Arc::clone(tls);
    let mut urls = tokio::task::spawn_blocking(move || asked.bases()).await.map_err(Problem::internal)?;
    if app.public {
        urls.insert(0, app.base_url.to_string());
    }
    Ok(urls)
}

/// What plain HTTP answers on a port with TLS: the way to trust, and for all else the https address.
pub fn plain(tls: Arc<Tls>, trust: Option<Trust>, exercise: Option<&str>) -> Router {
    let exercise = exercise.and_then(|e| HeaderValue::from_str(e).ok());
    let answer = move |request: Request| {
        let (tls, trust, exercise) = (Arc::clone(&tls), trust.clone(), exercise.clone());
        async move { in_plain(&tls, trust.as_ref(), exercise, &request) }
    };
    Router::new().route("/", get(answer.clone())).fallback(answer)
}

fn in_plain(tls: &Tls, trust: Option<&Trust>, exercise: Option<HeaderValue>, request: &Request) -> Response {
    let (method, uri) = (request.method(), request.uri());
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let mut response = if let Some(shown) = trust.filter(|_| reads).and_then(|t| t.answer(uri.path())) {
        shown
    } else if reads {
        let host = request.headers().get(header::HOST).and_then(|v| v.to_str().ok());
        let path = uri.path_and_query().map_or("/", |p| p.as_str());
        // A path always begins with one '/': behind a whole authority it cannot become another host.
        let to = format!("{}{path}", tls.https_of(host.or(uri.authority().map(axum::http::uri::Authority::as_str))));
        match HeaderValue::from_str(&to) {
            Ok(to) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, to)]).into_response(),
            Err(_) => StatusCode::BAD_REQUEST.into_response(),
        }
    } else {
        // A redirect would be followed without a word, and the secret sent in clear each time.
        let detail = "This centre takes this over https only. What was sent could be read on the way: if it held a password or a token, make a new one.";
        Problem::new(StatusCode::FORBIDDEN, "https_only", detail).render(&uuid::Uuid::now_v7().to_string())
    };
    let h = response.headers_mut();
    for (name, value) in HEADERS {
        h.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if let Some(name) = exercise {
        h.insert(HeaderName::from_static("skypicket-exercise"), name);
    }
    h.insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
