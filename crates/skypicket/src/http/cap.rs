//! The CAP feed over HTTP: what a partner's token opens, and nothing else; and what partners check it by.
//!
//! What an agency is not released is not there for its partner: it is looked up among what is released at each request.
//! That a partner was given an alert stands in the record before it goes out.

use super::{App, Problem, ok};
use crate::{cap::CapError, clock, machines::partners::Partner};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use sha2::{Digest, Sha256};
use skypicket_model::{Access, Deed, Time};
use skypicket_wire::render::atom;
use std::{fmt::Write as _, sync::Arc};

/// `Last-Modified` has whole seconds: before so many are over since the last change, another one may fall into the same,
/// and it is not said (RFC 9110, 8.8.2.2).
const SETTLED_S: f64 = 60.0;

impl From<CapError> for Problem {
    fn from(e: CapError) -> Self {
        match e {
            CapError::NotTaken(n) => n.into(),
            CapError::Failed(e) => Self::internal(format!("{e:#}")),
        }
    }
}

fn too_many() -> Problem {
    Problem {
        retry_after_s: Some(1),
        ..Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_reads", "Read no more than 20 times a second.")
    }
}

/// Still let in at the end: a request may have lasted while its token was revoked.
fn still(app: &App, partner: &Partner) -> Result<(), Problem> {
    if app.machines.partners.still(partner) { Ok(()) } else { Err(Problem::signed_out()) }
}

/// `GET /cap/feed.atom`.
pub async fn feed(
    State(app): State<App>,
    Extension(partner): Extension<Arc<Partner>>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    if !partner.may_ask() {
        return Err(too_many());
    }
    let token = &partner.token;
    let released = app.cap.released(&token.agency, &token.reader).await?;
    let feed = app.cap.feed(&released, token.life.made_at).await?;
    still(&app, &partner)?;
    app.audit.read(&token.reader, &token.id, "GET /cap/feed.atom");
    let updated = feed.updated;
    Ok(given(feed.to_xml(), (atom::MEDIA_TYPE, Some(updated)), &asked, clock::now()))
}

/// `GET /cap/alerts/{alert}`: `IDENTIFIER.xml`.
pub async fn alert(
    State(app): State<App>,
    Extension(partner): Extension<Arc<Partner>>,
    Path(file): Path<String>,
    asked: HeaderMap,
) -> Result<Response, Problem> {
    if !partner.may_ask() {
        return Err(too_many());
    }
    let token = &partner.token;
    let identifier = file.strip_suffix(".xml").ok_or_else(Problem::not_found)?;
    let released = app.cap.released(&token.agency, &token.reader).await?;
    let signed = app.cap.one(&released, identifier).await?.ok_or_else(Problem::not_found)?;
    if app.cap.is_first(&token.id, identifier) {
        let row = Access::once(Some(token.reader.clone()), Deed::AlertGiven, identifier, clock::now());
        app.audit.write(row.with_session(Some(token.id.clone()))).await?;
        app.cap.was_given(&token.id, identifier);
    }
    still(&app, &partner)?;
    app.audit.read(&token.reader, &token.id, &format!("GET /cap/alerts/{identifier}.xml"));
    Ok(given(signed.xml.clone(), (atom::CAP, None), &asked, clock::now()))
}

/// `GET /cap/certificates`: what partners pin.
pub async fn certificates(State(app): State<App>) -> Result<Response, Problem> {
    let items = app.cap.keys.shown(clock::now()).await;
    ok(Json(json!({"sender": app.cap.sender().as_str(), "items": items})))
}

/// The text, or that it is what the reader has already.
fn given(text: String, (media_type, updated): (&'static str, Option<Time>), asked: &HeaderMap, now: Time) -> Response {
    let etag = etag(&text);
    let modified = updated.filter(|u| now.since_s(*u) > SETTLED_S);
    let mut r = if is_known(asked, &etag, modified) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut r = text.into_response();
        r.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        r
    };
    let h = r.headers_mut();
    h.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    h.insert(header::VARY, HeaderValue::from_static("Authorization"));
    if let Ok(v) = HeaderValue::from_str(&etag) {
        h.insert(header::ETAG, v);
    }
    if let Some(Ok(v)) = modified.map(|m| HeaderValue::from_str(&http_date(m))) {
        h.insert(header::LAST_MODIFIED, v);
    }
    r
}

/// Of the bytes: any change is another one.
fn etag(text: &str) -> String {
    let mut out = String::from("\"");
    for b in Sha256::digest(text.as_bytes()).iter().take(16) {
        let _ = write!(out, "{b:02x}");
    }
    out + "\""
}

/// Whether the reader has it: by its hash, and only where it says none by its time.
fn is_known(asked: &HeaderMap, etag: &str, modified: Option<Time>) -> bool {
    let text = |name| asked.get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    if let Some(tags) = text(header::IF_NONE_MATCH) {
        let bare = |t: &str| t.trim().trim_start_matches("W/") == etag;
        return tags.trim() == "*" || tags.split(',').any(bare);
    }
    let since = text(header::IF_MODIFIED_SINCE).and_then(|v| httpdate::parse_http_date(v).ok());
    since.zip(modified).is_some_and(|(since, m)| since >= system(m))
}

/// In whole seconds, as HTTP has it.
fn system(at: Time) -> std::time::SystemTime {
    let s = u64::try_from(at.as_micros().div_euclid(1_000_000)).unwrap_or(0);
    std::time::UNIX_EPOCH + std::time::Duration::from_secs(s)
}

fn http_date(at: Time) -> String {
    httpdate::fmt_http_date(system(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_has_is_not_given_again_and_a_change_in_the_same_second_is() {
        let at = |s: f64| Time::from_unix_s(1_800_000_000.0 + s).unwrap();
        let answer = |text: &str, now: Time, name: header::HeaderName, value: &str| {
            let mut asked = HeaderMap::new();
            asked.insert(name, HeaderValue::from_str(value).unwrap());
            given(text.to_owned(), (atom::MEDIA_TYPE, Some(at(0.5))), &asked, now)
        };
        let first = given("a".into(), (atom::MEDIA_TYPE, Some(at(0.5))), &HeaderMap::new(), at(100.0));
        assert_eq!(first.status(), 200);
        let head = |r: &Response, n: header::HeaderName| r.headers().get(n).map(|v| v.to_str().unwrap().to_owned());
        let (tag, date) = (head(&first, header::ETAG).unwrap(), head(&first, header::LAST_MODIFIED).unwrap());
        assert_eq!(date, "Fri, 15 Jan 2027 08:00:00 GMT");
        assert_eq!(answer("a", at(100.0), header::IF_NONE_MATCH, &tag).status(), 304);
        assert_eq!(answer("a", at(100.0), header::IF_NONE_MATCH, &format!("\"x\", W/{tag}")).status(), 304);
        assert_eq!(answer("b", at(100.0), header::IF_NONE_MATCH, &tag).status(), 200);
        assert_eq!(answer("a", at(100.0), header::IF_MODIFIED_SINCE, &date).status(), 304);
        assert_eq!(answer("a", at(100.0), header::IF_MODIFIED_SINCE, "Fri, 15 Jan 2027 07:59:59 GMT").status(), 200);
        assert_eq!(answer("a", at(100.0), header::IF_MODIFIED_SINCE, "yesterday").status(), 200);
        // Too fresh for whole seconds: neither said nor taken.
        let fresh = answer("a", at(1.0), header::IF_MODIFIED_SINCE, &date);
        assert_eq!((fresh.status().as_u16(), head(&fresh, header::LAST_MODIFIED)), (200, None));
    }
}
