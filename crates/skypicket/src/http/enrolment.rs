//! Enrolling a phone: two codes, one by which it comes to trust the centre, one that signs its bearer in once.
//!
//! The sign-in secret stands only in the fragment of an https address, which no server and no log ever sees.

use super::{
    App, Problem, Signed,
    auth::link_id,
    body::Strict,
    ok,
    sessions::{may_make_links, no_device, not_set_up, refused},
    trust,
};
use crate::{clock, qr};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use serde_json::json;
use skypicket_model::{Access, PersonId, RequestId, access::Deed};

/// Shortest and longest time that a link may be used, minutes: a phone at hand, or a sheet for tomorrow.
const MINUTES: std::ops::RangeInclusive<u32> = 5..=1_440;

/// For which phone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    #[allow(dead_code)] // a repeat costs a link that nobody uses: see below
    id: RequestId,
    /// Where the phone reaches the centre: one of the addresses of `GET /trust`; the first when left out.
    #[serde(default)]
    url: Option<String>,
    /// How long the link may be used.
    minutes: u32,
}

/// `POST /people/{id}/enrolments`.
pub async fn enrol(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(person): Path<PersonId>,
    Strict { body, .. }: Strict<Enrolment>,
) -> Result<Response, Problem> {
    may_make_links(&app, &caller)?;
    if !MINUTES.contains(&body.minutes) {
        return Err(Problem::invalid("minutes: give 5 to 1440"));
    }
    let asked = person.clone();
    let found = app.centre.ask(move |e| e.directory().people.get(&asked).map(|p| p.disabled)).await?;
    match found {
        None => return Err(Problem::not_found()),
        Some(true) => {
            let detail = "This person is disabled: enable them first.";
            return Err(Problem::new(StatusCode::CONFLICT, "disabled", detail));
        }
        Some(false) => {}
    }
    no_device(&app, &person)?;
    not_set_up(&app, &person).await?;
    let urls = match &app.tls {
        Some(tls) => trust::urls(&app, tls).await?,
        None if app.base_url.starts_with("https://") => vec![app.base_url.to_string()],
        None => {
            let detail = "Phones are enrolled over https only: start the centre with --tls auto.";
            return Err(Problem::new(StatusCode::CONFLICT, "no_tls", detail));
        }
    };
    let base = match &body.url {
        None => urls.first().cloned().unwrap_or_default(),
        Some(u) if urls.contains(u) => u.clone(),
        Some(_) => return Err(Problem::invalid("url: not an address of this centre; see GET /api/v1/trust")),
    };
    let own = app.tls.as_ref().filter(|t| t.is_own());
    // Each call makes a new link: a repeat costs a link that nobody uses and that ends by itself.
    let (secret, expires_at) =
        app.access.make_link_for(&person, f64::from(body.minutes) * 60.0).await.map_err(refused)?;
    let id = link_id(&secret);
    let made = Access::once(Some(caller.id().clone()), Deed::LinkMade, id.clone(), clock::now());
    app.audit.note(made.about(person.clone()).with_session(Some(caller.session.clone())));
    let sign_in_url = format!("{base}/field/#sign-in={secret}");
    let trust_url = own.map(|_| format!("{}/trust", base.replacen("https://", "http://", 1)));
    let trust_qr = trust_url.as_deref().map(qr::svg).transpose().map_err(Problem::internal)?;
    ok((
        StatusCode::CREATED,
        Json(json!({
            "id": id,
            "trust_url": trust_url,
            "trust_qr": trust_qr,
            "sign_in_qr": qr::svg(&sign_in_url).map_err(Problem::internal)?,
            "sign_in_url": sign_in_url,
            "fingerprint": app.tls.as_ref().map(|t| t.fingerprint()),
            "authority": own.map(|t| t.authority.name()),
            "expires_at": expires_at,
        })),
    ))
}

/// `GET /people/{id}/enrolments/{link}`: 200 while the link waits, 404 once it was used, cancelled or has ended.
pub async fn state(
    State(app): State<App>,
    Extension(caller): Signed,
    Path((person, link)): Path<(PersonId, String)>,
) -> Result<Response, Problem> {
    may_make_links(&app, &caller)?;
    let until = app.access.link(&person, &link).await.map_err(refused)?.ok_or_else(Problem::not_found)?;
    ok(Json(json!({"id": link, "expires_at": until})))
}

/// `DELETE /people/{id}/enrolments/{link}`.
pub async fn cancel(
    State(app): State<App>,
    Extension(caller): Signed,
    Path((person, link)): Path<(PersonId, String)>,
) -> Result<Response, Problem> {
    may_make_links(&app, &caller)?;
    if app.access.cancel_link(&person, &link).await.map_err(refused)? {
        ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}
