//! [`Provider`]: signing in through an OpenID Connect provider of the house (authorization code with PKCE, state and nonce;
//! signed id token).
//!
//! It says who somebody is; whether they are let in, the directory says: nobody is created. What the provider sends is
//! read like any input: bounded in size and time, its token checked whole: signature (RS256 or ES256), issuer, audience,
//! expiry and nonce.

use super::{FactorBy, OidcConfig, secret, totp::percent};
use crate::{clock, http::auth::hash};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, body::Bytes, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{client::legacy::Client, client::legacy::connect::HttpConnector, rt::TokioExecutor};
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use skypicket_model::{PersonId, Time};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// A request to the provider ends after this.
const WITHIN: Duration = Duration::from_secs(10);
/// Most bytes of an answer.
const MOST: usize = 1 << 20;
/// Somebody may take so long at the provider's page, seconds.
const WAIT_S: f64 = 600.0;
/// Most who are there at once.
const WAITING: usize = 5_000;
/// The provider's description is read again after this, seconds.
const KNOWN_S: f64 = 3_600.0;
/// Its keys are read again for a key that is not known, at most so often, seconds.
const KEYS_S: f64 = 30.0;
/// Clocks may differ by so much, seconds.
const SKEW_S: f64 = 60.0;

/// Why it came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// The provider cannot be asked, or says something that is not as the standard has it.
    #[error("{0}")]
    Provider(String),
    /// The token is not one for us, now.
    #[error("the id token: {0}")]
    Token(String),
    /// This sign-in was not begun here, or too long ago.
    #[error("this sign-in was not begun in this browser, or too long ago")]
    State,
    /// Too many sign-ins at once.
    #[error("too many sign-ins wait at the provider")]
    Busy,
}

fn provider(e: impl std::fmt::Display) -> OidcError {
    OidcError::Provider(e.to_string())
}

/// The provider's description of itself (OpenID Connect Discovery 1.0), as far as it is used.
#[derive(Debug, Clone, Deserialize)]
struct Described {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

/// A key of the provider (RFC 7517), as far as it is used.
#[derive(Debug, Clone, Deserialize)]
struct Key {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    r#use: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
}

/// The provider's keys, each read by itself.
#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// Somebody is at the provider's page.
#[derive(Debug, Clone)]
struct Waiting {
    nonce: String,
    verifier: String,
    until: Time,
    to: &'static str,
}

/// Who came back, and where to.
#[derive(Debug)]
pub struct Returned {
    /// Whose id the claim names; that they are in the directory is for the caller to see.
    pub person: PersonId,
    /// The page that they came from.
    pub to: &'static str,
    /// The provider has asked for their second factor.
    pub factor_done: bool,
}

/// The provider, as this centre asks it.
pub struct Provider {
    config: OidcConfig,
    secret: Option<String>,
    redirect: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    described: Mutex<Option<(Time, Described)>>,
    keys: Mutex<Option<(Time, Vec<Key>)>>,
    waiting: Mutex<HashMap<String, Waiting>>,
}

/// The pages that one may come back to.
pub fn page(to: Option<&str>) -> &'static str {
    match to {
        Some("field") => "/field/",
        Some("office") => "/office/",
        _ => "/",
    }
}

fn form(pairs: &[(&str, &str)]) -> String {
    let encode = |s: &str| s.bytes().map(percent).collect::<String>();
    pairs.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v))).collect::<Vec<_>>().join("&")
}

impl Provider {
    /// From the configuration; reads the files that it names.
    pub fn new(config: OidcConfig, base_url: &str) -> anyhow::Result<Self> {
        let secret = match &config.client_secret_file {
            None => None,
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|e| anyhow::anyhow!("oidc: client_secret_file {}: {e}", path.display()))?;
                let text = text.trim().to_owned();
                anyhow::ensure!(!text.is_empty(), "oidc: client_secret_file {} is empty", path.display());
                Some(text)
            }
        };
        let ring = rustls::crypto::ring::default_provider();
        let builder = HttpsConnectorBuilder::new();
        let builder = match &config.ca_file {
            None => builder.with_provider_and_webpki_roots(ring)?,
            Some(path) => {
                let unfit = |e: &dyn std::fmt::Display| anyhow::anyhow!("oidc: ca_file {}: {e}", path.display());
                let mut roots = rustls::RootCertStore::empty();
                for der in CertificateDer::pem_file_iter(path).map_err(|e| unfit(&e))? {
                    roots.add(der.map_err(|e| unfit(&e))?).map_err(|e| unfit(&e))?;
                }
                anyhow::ensure!(!roots.is_empty(), "oidc: ca_file {} holds no certificate", path.display());
                let tls = rustls::ClientConfig::builder_with_provider(std::sync::Arc::new(ring))
                    .with_safe_default_protocol_versions()?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                builder.with_tls_config(tls)
            }
        };
        let connector = builder.https_or_http().enable_http1().build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let redirect = format!("{base_url}/api/v1/oidc/callback");
        Ok(Self {
            config,
            secret,
            redirect,
            client,
            described: Mutex::default(),
            keys: Mutex::default(),
            waiting: Mutex::default(),
        })
    }

    /// What the button says.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// It asks for the second factor itself.
    pub fn asks_factor(&self) -> bool {
        self.config.second_factor == FactorBy::Provider
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Result<Value, OidcError> {
        let uri = request.uri().clone();
        let answer = async {
            let response = self.client.request(request).await.map_err(|e| provider(format!("{uri}: {e}")))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MOST)
                .collect()
                .await
                .map_err(|e| provider(format!("{uri}: {e}")))?;
            let value: Value = serde_json::from_slice(&body.to_bytes())
                .map_err(|e| provider(format!("{uri} answered {status}, and no JSON: {e}")))?;
            if status.is_success() {
                Ok(value)
            } else {
                // `error` is of a closed set (RFC 6749); nothing else of the answer goes into the log.
                let error = value.get("error").and_then(Value::as_str).unwrap_or("no reason given");
                Err(provider(format!("{uri} answered {status}: {error}")))
            }
        };
        tokio::time::timeout(WITHIN, answer).await.map_err(|_| provider("the provider does not answer"))?
    }

    async fn get(&self, url: &str) -> Result<Value, OidcError> {
        let request = Request::get(url).header(header::ACCEPT, "application/json").body(Full::default());
        self.ask(request.map_err(provider)?).await
    }

    async fn described(&self) -> Result<Described, OidcError> {
        let now = clock::now();
        let known = self.described.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, d)) = known
            && now.since_s(at) < KNOWN_S
        {
            return Ok(d);
        }
        let issuer = self.config.issuer.trim_end_matches('/');
        let value = self.get(&format!("{issuer}/.well-known/openid-configuration")).await?;
        let d: Described = serde_json::from_value(value).map_err(|e| provider(format!("its description: {e}")))?;
        if d.issuer != self.config.issuer {
            return Err(provider(format!(
                "it names itself '{}', and the configuration '{}'",
                d.issuer, self.config.issuer
            )));
        }
        *self.described.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, d.clone()));
        Ok(d)
    }

    async fn keys(&self, kid: Option<&str>) -> Result<Vec<Key>, OidcError> {
        let now = clock::now();
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, keys)) = known {
            let has = kid.is_none_or(|kid| keys.iter().any(|k| k.kid.as_deref() == Some(kid)));
            if now.since_s(at) < KEYS_S || (has && now.since_s(at) < KNOWN_S) {
                return Ok(keys);
            }
        }
        let value = self.get(&self.described().await?.jwks_uri).await?;
        let set: Set = serde_json::from_value(value).map_err(|e| provider(format!("its keys: {e}")))?;
        // Keys of kinds that are not known are of no use here, and no fault.
        let keys: Vec<Key> = set.keys.into_iter().take(100).filter_map(|k| serde_json::from_value(k).ok()).collect();
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, keys.clone()));
        Ok(keys)
    }

    /// Begins a sign-in: where to send the browser, and the state that its cookie keeps.
    pub async fn begin(&self, to: &'static str) -> Result<(String, String), OidcError> {
        let d = self.described().await?;
        let make = || secret().map_err(provider);
        let (state, nonce, verifier) = (make()?, make()?, make()?);
        let challenge = B64.encode(Sha256::digest(verifier.as_bytes()));
        let scopes = std::iter::once("openid").chain(self.config.scopes.iter().map(String::as_str));
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.config.client_id),
            ("redirect_uri", &self.redirect),
            ("scope", &scopes.collect::<Vec<_>>().join(" ")),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let now = clock::now();
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.retain(|_, w| w.until > now);
            if waiting.len() >= WAITING {
                return Err(OidcError::Busy);
            }
            waiting.insert(hash(&state), Waiting { nonce, verifier, until: now.plus_s(WAIT_S), to });
        }
        let joint = if d.authorization_endpoint.contains('?') { '&' } else { '?' };
        Ok((format!("{}{joint}{query}", d.authorization_endpoint), state))
    }

    /// Where somebody goes back to whose sign-in was refused there; uses the state up.
    pub fn refused(&self, state: &str) -> &'static str {
        let taken = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash(state));
        taken.map_or("/", |w| w.to)
    }

    /// Ends a sign-in: the code for a token, and who that is. `state` is used up, whatever comes of it.
    pub async fn end(&self, code: &str, state: &str, cookie: Option<&str>) -> Result<Returned, OidcError> {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&hash(state));
        let now = clock::now();
        let w = waiting.filter(|w| w.until > now && cookie == Some(state)).ok_or(OidcError::State)?;
        let d = self.described().await?;
        let mut pairs = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect),
            ("code_verifier", &w.verifier),
        ];
        if self.secret.is_none() {
            pairs.push(("client_id", &self.config.client_id));
        }
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(&d.token_endpoint)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(s) = &self.secret {
            // RFC 6749, section 2.3.1: both are form-encoded first.
            let encode = |s: &str| s.bytes().map(percent).collect::<String>();
            let both = STANDARD.encode(format!("{}:{}", encode(&self.config.client_id), encode(s)));
            request = request.header(header::AUTHORIZATION, format!("Basic {both}"));
        }
        let answer = self.ask(request.body(Full::new(Bytes::from(form(&pairs)))).map_err(provider)?).await?;
        let token = answer.get("id_token").and_then(Value::as_str);
        let token = token.ok_or_else(|| provider("there is no id_token in its answer"))?;
        let kid = Parts::of(token)?.kid;
        let keys = self.keys(kid.as_deref()).await?;
        let expected = Expected { issuer: &self.config.issuer, client_id: &self.config.client_id, nonce: &w.nonce };
        let claims = checked(token, &keys, &expected, clock::now())?;
        let value = claims.get(&self.config.claim).and_then(Value::as_str);
        let value = value.ok_or_else(|| OidcError::Token(format!("has no text claim '{}'", self.config.claim)))?;
        let person = match self.config.people.get(value) {
            Some(p) => p.clone(),
            // What cannot be an id is nobody's.
            None => PersonId::new(value)
                .map_err(|_| OidcError::Token(format!("'{}' is no id of a person", self.config.claim)))?,
        };
        Ok(Returned { person, to: w.to, factor_done: self.config.second_factor == FactorBy::Provider })
    }
}

/// What a token must say.
struct Expected<'a> {
    issuer: &'a str,
    client_id: &'a str,
    nonce: &'a str,
}

/// A token in its compact form (RFC 7515), taken apart.
struct Parts<'a> {
    algorithm: String,
    kid: Option<String>,
    signed: &'a str,
    claims: Vec<u8>,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Result<Self, OidcError> {
        #[derive(Deserialize)]
        struct Header {
            alg: String,
            #[serde(default)]
            kid: Option<String>,
        }
        let bad = |what: &str| OidcError::Token(what.to_owned());
        let (signed, signature) = token.rsplit_once('.').ok_or_else(|| bad("has no signature"))?;
        let (head, claims) = signed.split_once('.').ok_or_else(|| bad("has no claims"))?;
        let read = |text: &str| B64.decode(text).map_err(|_| bad("is not base64url"));
        let head: Header = serde_json::from_slice(&read(head)?).map_err(|_| bad("has no sound header"))?;
        Ok(Self { algorithm: head.alg, kid: head.kid, signed, claims: read(claims)?, signature: read(signature)? })
    }
}

/// The claims of a token whose signature and contents are right.
fn checked(token: &str, keys: &[Key], expected: &Expected<'_>, now: Time) -> Result<Value, OidcError> {
    let bad = |what: &str| OidcError::Token(what.to_owned());
    let parts = Parts::of(token)?;
    let fits = |k: &&Key| k.r#use.as_deref() != Some("enc") && (parts.kid.is_none() || k.kid == parts.kid);
    if !keys.iter().filter(fits).any(|k| signed_by(k, &parts)) {
        return Err(bad("is not signed by a key of the provider (RS256 or ES256)"));
    }
    let claims: Value = serde_json::from_slice(&parts.claims).map_err(|_| bad("has no sound claims"))?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let seconds = |name: &str| claims.get(name).and_then(Value::as_f64).filter(|s| s.is_finite());
    if text("iss") != Some(expected.issuer) {
        return Err(bad("is of another issuer"));
    }
    let one = |v: &Value| v.as_str() == Some(expected.client_id);
    let (ours, others) = match claims.get("aud") {
        Some(Value::Array(list)) => (list.iter().any(one), list.len() > 1),
        Some(v) => (one(v), false),
        None => (false, false),
    };
    let party = text("azp");
    if !ours || others && party.is_none() || party.is_some_and(|p| p != expected.client_id) {
        return Err(bad("is for somebody else"));
    }
    let now_s = now.as_micros() as f64 / 1e6;
    if seconds("exp").is_none_or(|exp| exp + SKEW_S <= now_s) {
        return Err(bad("has run out"));
    }
    if seconds("iat").is_none_or(|iat| iat - SKEW_S > now_s) || seconds("nbf").is_some_and(|nbf| nbf - SKEW_S > now_s) {
        return Err(bad("is not yet good"));
    }
    if text("nonce") != Some(expected.nonce) {
        return Err(bad("is of another sign-in"));
    }
    Ok(claims)
}

fn signed_by(key: &Key, parts: &Parts<'_>) -> bool {
    let read = |t: &Option<String>| t.as_deref().and_then(|t| B64.decode(t).ok());
    match (parts.algorithm.as_str(), key.kty.as_str()) {
        ("RS256", "RSA") => {
            let (Some(n), Some(e)) = (read(&key.n), read(&key.e)) else { return false };
            RsaPublicKeyComponents { n, e }
                .verify(&signature::RSA_PKCS1_2048_8192_SHA256, parts.signed.as_bytes(), &parts.signature)
                .is_ok()
        }
        ("ES256", "EC") if key.crv.as_deref() == Some("P-256") => {
            let (Some(x), Some(y)) = (read(&key.x), read(&key.y)) else { return false };
            if x.len() != 32 || y.len() != 32 {
                return false;
            }
            let point: Vec<u8> = [&[4_u8][..], &x, &y].concat();
            UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point)
                .verify(parts.signed.as_bytes(), &parts.signature)
                .is_ok()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
    };
    use serde_json::json;

    struct Signer {
        pair: EcdsaKeyPair,
        random: SystemRandom,
    }

    impl Signer {
        fn new() -> Self {
            let random = SystemRandom::new();
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
            Self { pair, random }
        }

        fn key(&self, kid: &str) -> Key {
            let point = self.pair.public_key().as_ref();
            let part = |r: std::ops::Range<usize>| B64.encode(&point[r]);
            serde_json::from_value(
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "x": part(1..33), "y": part(33..65)}),
            )
            .unwrap()
        }

        fn token(&self, header: &Value, claims: &Value) -> String {
            let signed = format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()));
            let s = self.pair.sign(&self.random, signed.as_bytes()).unwrap();
            format!("{signed}.{}", B64.encode(s.as_ref()))
        }
    }

    fn sound() -> Value {
        json!({"iss": "https://id.example", "aud": "skypicket", "exp": 2_000, "iat": 1_000, "nonce": "n", "sub": "u", "preferred_username": "watch"})
    }

    fn check(token: &str, keys: &[Key]) -> Result<Value, String> {
        let expected = Expected { issuer: "https://id.example", client_id: "skypicket", nonce: "n" };
        checked(token, keys, &expected, Time::from_micros(1_500_000_000)).map_err(|e| e.to_string())
    }

    #[test]
    fn a_token_is_taken_only_whole() {
        let (signer, other) = (Signer::new(), Signer::new());
        let keys = [other.key("b"), signer.key("a")];
        let head = json!({"alg": "ES256", "kid": "a"});
        assert_eq!(check(&signer.token(&head, &sound()), &keys).unwrap()["preferred_username"], "watch");
        let table = [
            ("iss", json!("https://evil.example"), "another issuer"),
            ("aud", json!("someone"), "somebody else"),
            ("aud", json!(["skypicket", "someone"]), "somebody else"),
            ("azp", json!("someone"), "somebody else"),
            ("exp", json!(1_439), "run out"),
            ("exp", Value::Null, "run out"),
            ("iat", json!(1_561), "not yet"),
            ("nbf", json!(1_561), "not yet"),
            ("nonce", json!("other"), "another sign-in"),
            ("nonce", Value::Null, "another sign-in"),
        ];
        for (claim, value, words) in table {
            let mut claims = sound();
            claims[claim] = value.clone();
            let e = check(&signer.token(&head, &claims), &keys).unwrap_err();
            assert!(e.contains(words), "{claim} {value}: {e}");
        }
        let several = {
            let mut c = sound();
            c["aud"] = json!(["skypicket", "someone"]);
            c["azp"] = json!("skypicket");
            c
        };
        assert!(check(&signer.token(&head, &several), &keys).is_ok());
    }

    #[test]
    fn a_token_that_is_not_signed_by_the_provider_is_refused() {
        let (signer, other) = (Signer::new(), Signer::new());
        let keys = [signer.key("a")];
        let head = json!({"alg": "ES256", "kid": "a"});
        let forged = [
            ("another key", other.token(&head, &sound())),
            ("another kid", signer.token(&json!({"alg": "ES256", "kid": "b"}), &sound())),
            ("none", format!("{}.{}.", B64.encode(r#"{"alg":"none"}"#), B64.encode(sound().to_string()))),
            ("HS256", signer.token(&json!({"alg": "HS256", "kid": "a"}), &sound())),
            ("RS256 with an EC key", signer.token(&json!({"alg": "RS256", "kid": "a"}), &sound())),
        ];
        for (what, token) in forged {
            let e = check(&token, &keys).unwrap_err();
            assert!(e.contains("not signed"), "{what}: {e}");
        }
        let good = signer.token(&head, &sound());
        let (signed, s) = good.rsplit_once('.').unwrap();
        let (h, _) = signed.split_once('.').unwrap();
        let mut claims = sound();
        claims["preferred_username"] = json!("admin");
        assert!(check(&format!("{h}.{}.{s}", B64.encode(claims.to_string())), &keys).is_err(), "changed claims");
        for nonsense in ["", ".", "..", "a.b.c", "é.é.é"] {
            assert!(check(nonsense, &keys).is_err());
        }
    }

    #[test]
    fn one_comes_back_only_to_a_page_of_this_centre() {
        for (to, page_of) in
            [(Some("field"), "/field/"), (Some("https://evil.example"), "/"), (None, "/"), (Some("//evil"), "/")]
        {
            assert_eq!(page(to), page_of);
        }
    }
}
