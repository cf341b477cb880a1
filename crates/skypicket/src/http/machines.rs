//! Sources and TAK clients: what machines there are and how they do, and their tokens, certificates and packages.

use super::{App, Caller, Problem, Signed, body::Strict, ok};
use crate::machines::{
    MachineError,
    credential::{Certificate, Token},
    package::{self, Layout, Package},
};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD as B64};
use serde::Deserialize;
use serde_json::{Value, json};
use skypicket_link::{Grant, Holder, tls::ServerName};
use skypicket_model::{Access, Deed, PersonId, RequestId, Role, SourceId, Time};
use std::collections::BTreeMap;

/// A certificate is valid so long unless it is said, days.
const DAYS: f64 = 365.0;

impl From<MachineError> for Problem {
    fn from(e: MachineError) -> Self {
        match e {
            MachineError::Unfit(m) => Self::invalid(m),
            MachineError::TooMany(m) => Self::new(StatusCode::CONFLICT, "too_many_credentials", m),
            e @ MachineError::NoAuthority => Self::new(StatusCode::CONFLICT, "no_authority", e.to_string()),
            e @ (MachineError::Signing(_) | MachineError::Store(_)) => Self::internal(e),
        }
    }
}

fn administers(caller: &Caller) -> bool {
    caller.reader.roles.contains(&Role::Administrator)
}

fn note(app: &App, caller: &Caller, deed: Deed, what: &str, about: Option<&PersonId>) {
    let row = Access::once(Some(caller.id().clone()), deed, what, crate::clock::now());
    let row = about.map_or(row.clone(), |p| row.about(p.clone()));
    app.audit.note(row.with_session(Some(caller.session.clone())));
}

/// `GET /machines`: sources, heard or only expected, with their credentials; TAK clients' certificates only for those
/// who look after people.
pub async fn list(State(app): State<App>, Extension(caller): Signed) -> Result<Response, Problem> {
    let now = crate::clock::now();
    let mut tokens: BTreeMap<SourceId, Vec<Value>> = BTreeMap::new();
    let mut certificates: BTreeMap<SourceId, Vec<Value>> = BTreeMap::new();
    let mut clients = Vec::new();
    for t in app.machines.tokens() {
        tokens.entry(t.kept.source.clone()).or_default().push(json!(t));
    }
    for c in app.machines.certificates() {
        match &c.kept.holder {
            Holder::Source(s) => certificates.entry(s.clone()).or_default().push(json!(c)),
            Holder::Person(_) => clients.push(json!(c)),
        }
    }
    let learned = super::system::learned(&app).await?;
    let items: Vec<Value> = app
        .sources
        .list(&app.centre.inbox.shed(), now)
        .into_iter()
        .map(|s| {
            let id = s.id.clone();
            json!({
                "source": s.with(&learned),
                "tokens": tokens.remove(&id).unwrap_or_default(),
                "certificates": certificates.remove(&id).unwrap_or_default(),
            })
        })
        .collect();
    let sees_clients = caller.reader.roles.iter().any(|r| matches!(r, Role::Administrator | Role::Auditor));
    let authority = app.machines.authority().map(|a| {
        let (_, until) = a.validity();
        json!({"name": a.name(), "fingerprint": a.fingerprint(), "until": until})
    });
    ok(Json(json!({
        "items": items,
        "clients": sees_clients.then_some(clients),
        "authority": authority,
        "tak": app.tak.as_ref().map(|t| json!({"tls": t.tls, "port": t.port})),
        "now": now,
    })))
}

/// A token to make.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    #[allow(dead_code)] // every POST has one; a repeat makes a second token, since the first secret is shown only once
    id: RequestId,
    name: String,
    source: SourceId,
    #[serde(default)]
    grant: Grant,
    #[serde(default)]
    until: Option<Time>,
}

/// `GET /tokens`.
pub async fn tokens(State(app): State<App>) -> Result<Response, Problem> {
    ok(Json(json!({"items": app.machines.tokens()})))
}

/// `POST /tokens`.
pub async fn make_token(
    State(app): State<App>,
    Extension(caller): Signed,
    Strict { body, .. }: Strict<TokenBody>,
) -> Result<Response, Problem> {
    let named = (body.name.as_str(), &body.source);
    let (token, secret) = app.machines.make_token(caller.id(), named, body.grant, body.until).await?;
    note(&app, &caller, Deed::TokenMade, &token.id, None);
    ok((StatusCode::CREATED, Json(json!({"token": token, "secret": secret}))))
}

/// `DELETE /tokens/{id}`.
pub async fn revoke_token(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let Token { id, .. } = app.machines.revoke_token(caller.id(), &id).await?.ok_or_else(Problem::not_found)?;
    note(&app, &caller, Deed::TokenRevoked, &id, None);
    ok(StatusCode::NO_CONTENT)
}

/// A certificate to make for a source.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateBody {
    #[allow(dead_code)] // a repeat makes a second certificate, since the key is given out only once
    id: RequestId,
    name: String,
    #[serde(default)]
    grant: Grant,
    #[serde(default = "days")]
    days: f64,
}

fn days() -> f64 {
    DAYS
}

/// `POST /sources/{id}/certificates`.
pub async fn make_certificate(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(source): Path<String>,
    Strict { body, .. }: Strict<CertificateBody>,
) -> Result<Response, Problem> {
    let source = SourceId::new(&source).map_err(|e| Problem::invalid(format!("source: {e}")))?;
    let named = (body.name.as_str(), Holder::Source(source.clone()));
    let (certificate, key) = app.machines.make_certificate(caller.id(), named, body.grant, body.days).await?;
    note(&app, &caller, Deed::CertificateIssued, &certificate.serial, None);
    let authority = app.machines.authority().ok_or(MachineError::NoAuthority)?;
    let pem = format!("{}{}{}", key.key_pem, key.certificate_pem, authority.pem());
    ok((StatusCode::CREATED, Json(json!({"certificate": certificate, "file": format!("{source}.pem"), "pem": pem}))))
}

/// `DELETE /certificates/{serial}`: a source's by whoever connects sources, a person's only by an administrator.
pub async fn revoke_certificate(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(serial): Path<String>,
) -> Result<Response, Problem> {
    let known = app.machines.certificate(&serial).ok_or_else(Problem::not_found)?;
    if matches!(known.holder, Holder::Person(_)) && !administers(&caller) {
        return Err(Problem::not_found());
    }
    let revoked = app.machines.revoke_certificate(caller.id(), &serial).await?.ok_or_else(Problem::not_found)?;
    let Certificate { serial, holder, .. } = revoked;
    let about = match &holder {
        Holder::Person(p) => Some(p),
        Holder::Source(_) => None,
    };
    note(&app, &caller, Deed::CertificateRevoked, &serial, about);
    ok(StatusCode::NO_CONTENT)
}

/// `DELETE /people/{id}/certificates`: all of them, as for a lost phone; a person who has none is no fault.
pub async fn revoke_all(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(person): Path<String>,
) -> Result<Response, Problem> {
    let person = PersonId::new(&person).map_err(|_| Problem::not_found())?;
    let revoked = app.machines.revoke_person(caller.id(), &person).await?;
    for c in &revoked {
        note(&app, &caller, Deed::CertificateRevoked, &c.serial, Some(&person));
    }
    ok(Json(json!({"revoked": revoked.len()})))
}

/// A package to make for a person's TAK client.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageBody {
    #[allow(dead_code)] // a repeat makes a second package, since the key is given out only once
    id: RequestId,
    /// Which device it is for.
    name: String,
    #[serde(default)]
    client: Layout,
    /// By which name or address the client reaches the centre.
    #[serde(default)]
    host: Option<String>,
    #[serde(default = "days")]
    days: f64,
}

/// `POST /people/{id}/tak-packages`.
pub async fn make_package(
    State(app): State<App>,
    Extension(caller): Signed,
    Path(person): Path<String>,
    Strict { body, .. }: Strict<PackageBody>,
) -> Result<Response, Problem> {
    let tak = app.tak.as_ref().filter(|t| t.tls).ok_or_else(|| {
        let detail = "TAK clients have no TLS here: say tls = true in [tak] of the configuration and start again.";
        Problem::new(StatusCode::CONFLICT, "no_tak_tls", detail)
    })?;
    let person = PersonId::new(&person).map_err(|_| Problem::not_found())?;
    let asked = person.clone();
    if !app.centre.ask(move |e| e.directory().active(&asked).is_some()).await? {
        return Err(Problem::not_found());
    }
    let host = body.host.or_else(|| tak.host.clone()).ok_or_else(|| {
        Problem::invalid(
            "host: say by which name or address TAK clients reach this centre; it listens on all of its own",
        )
    })?;
    if ServerName::parse(&host).is_none() {
        return Err(Problem::invalid("host: a DNS name or an IP address, without a port"));
    }
    let named = (body.name.as_str(), Holder::Person(person.clone()));
    let (certificate, identity) =
        app.machines.make_certificate(caller.id(), named, Grant::default(), body.days).await?;
    let authority = app.machines.authority().ok_or(MachineError::NoAuthority)?;
    let password = package::password()?;
    let package = Package {
        person: &person,
        centre: &tak.callsign,
        reach: (&host, tak.port),
        authority: authority.der(),
        identity: &identity,
        password: &password,
        layout: body.client,
    };
    let zip = package.zip()?;
    note(&app, &caller, Deed::CertificateIssued, &certificate.serial, Some(&person));
    ok((
        StatusCode::CREATED,
        Json(json!({
            "certificate": certificate,
            "file": format!("skypicket-{person}.zip"),
            "zip": B64.encode(zip),
            "password": password,
        })),
    ))
}
