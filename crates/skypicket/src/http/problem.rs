//! [`Problem`]: what went wrong with a request, as an RFC 9457 problem document.
//!
//! `code` is of a closed set and part of the contract; `detail` is for the person who asked and says what to do next;
//! the cause goes to the log only.

use crate::inbox::NotTaken;
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Of a closed set.
    pub code: &'static str,
    /// For the person who asked.
    pub detail: String,
    /// Seconds after which to try again.
    pub retry_after_s: Option<u32>,
}

/// The document as sent.
#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: &'a str,
}

impl Problem {
    /// With a status, a code and a sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), retry_after_s: None }
    }
    /// 400.
    pub fn bad(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }
    /// 422: understood, but a value is out of its range.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail)
    }
    /// 404, for what is not there and for what the reader may not know of.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here that you may see.")
    }
    /// 401.
    pub fn signed_out() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "signed_out", "Sign in first.")
    }
    /// 403.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }
    /// 409 for an id that was used for something else.
    pub fn reused() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "id_reused",
            "This id was used before with another body. Both are kept for a person to look at; send yours with a new id if it is meant.",
        )
    }
    /// 500 with the cause logged.
    pub fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong here; the log has the cause.")
    }
    fn retry(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The response, once the request's id is known.
    pub fn render(&self, request_id: &str) -> Response {
        let doc = Document {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
        };
        let body = serde_json::to_vec(&doc).unwrap_or_default();
        let mut r = Response::new(Body::from(body));
        *r.status_mut() = self.status;
        r.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(s) = self.retry_after_s {
            r.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(s));
        }
        r
    }
}

impl From<NotTaken> for Problem {
    fn from(n: NotTaken) -> Self {
        let text = n.to_string();
        match n {
            NotTaken::Refused { code, message } => {
                let status = match code {
                    "not_found" | "unknown_sighting" | "unknown_alarm" | "unknown_version" => StatusCode::NOT_FOUND,
                    "forbidden" | "not_yours" | "not_allowed" | "not_addressed" | "not_watch" | "unknown_person"
                    | "own_alarm" => StatusCode::FORBIDDEN,
                    "unfit" | "unknown_measure" | "views" | "not_lawful" | "no_basis" | "no_approver"
                    | "own_approver" | "kept_too_long" | "bad_dates" | "later_dates" | "tips_time"
                    | "not_independent" | "marking_wider" | "why" | "bad_sighting" | "why_needed" | "why_too_long"
                    | "not_a_verdict" | "merge_into_itself" | "own_is_filed" | "bad_alarms" | "from_yourself"
                    | "bad_shelf_time" => StatusCode::UNPROCESSABLE_ENTITY,
                    "desk_full" => return Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message).retry(30),
                    _ => StatusCode::CONFLICT,
                };
                Self::new(status, code, message)
            }
            NotTaken::Reused | NotTaken::Repeat(_) => Self::reused(),
            NotTaken::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", text).retry(5),
            NotTaken::Closing => Self::new(StatusCode::SERVICE_UNAVAILABLE, "closing", text).retry(5),
            NotTaken::Full => Self::new(StatusCode::INSUFFICIENT_STORAGE, "record_full", text).retry(30),
            NotTaken::Unwritten => Self::new(StatusCode::INSUFFICIENT_STORAGE, "record_unwritten", text).retry(5),
        }
    }
}

impl IntoResponse for Problem {
    /// Carried in the response's extensions; the outermost layer renders it with the request's id.
    fn into_response(self) -> Response {
        let mut r = Response::new(Body::empty());
        *r.status_mut() = self.status;
        r.extensions_mut().insert(self);
        r
    }
}
