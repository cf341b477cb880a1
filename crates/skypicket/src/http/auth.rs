//! [`Access`]: who is who: one-time links, passwords (argon2id, RFC 9106), sessions and API tokens.
//!
//! Secrets are 32 random bytes shown once; only their SHA-256 is kept, so a stolen record opens nothing. They live in
//! the record's private store, which is durable but no history. Comparisons are of hashes by exact key, so their time
//! says nothing about a secret.

use crate::clock;
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use skypicket_model::{PersonId, SourceId, Time};
use skypicket_record::{Record, SqliteRecord};
use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Semaphore;

/// Sessions end so long after they began, seconds.
const SESSION_S: f64 = 30.0 * 86_400.0;
/// One-time links end so long after they were made, seconds.
const LINK_S: f64 = 86_400.0;
/// Shortest password.
pub const MIN_PASSWORD: usize = 10;
/// Longest password, bytes.
const MAX_PASSWORD: usize = 1_024;
/// Wrong tries for one name before it waits, and how long a try is remembered, seconds.
const TRIES: u32 = 10;
const TRIES_S: f64 = 300.0;

/// A session.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    person: PersonId,
    until: Time,
}

/// A one-time link.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Link {
    person: PersonId,
    until: Option<Time>,
    /// The link printed at start: valid until it was used.
    first: bool,
}

/// An API token of a source, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    /// Its id: the first 16 hex digits of its hash.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// Which source it speaks for.
    pub source: SourceId,
    /// When it was made.
    pub made_at: Time,
}

/// Why signing in failed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Wrong name, password or link: never says which.
    #[error("The name, password or link is wrong, or the link was used before.")]
    Wrong,
    /// Too many wrong tries for this name.
    #[error("Too many tries for this name: wait five minutes, or ask for a sign-in link.")]
    TooMany,
    /// The password does not do.
    #[error("The password must have 10 to 1024 bytes.")]
    Weak,
    /// The store failed.
    #[error("the private store failed: {0}")]
    Store(String),
    /// The hash function failed.
    #[error("hashing failed: {0}")]
    Hash(String),
}

/// Who is who.
pub struct Access {
    record: Arc<SqliteRecord>,
    sessions: Mutex<HashMap<String, Session>>,
    tries: Mutex<HashMap<String, (u32, Time)>>,
    /// Hashing takes 19 MiB and tens of milliseconds: two at a time leave the machine to the warnings.
    hashing: Semaphore,
}

fn secret() -> Result<String, AccessError> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|e| AccessError::Store(e.to_string()))?;
    Ok(B64.encode(bytes))
}

/// SHA-256 as lower-case hex.
pub fn hash(text: &str) -> String {
    let mut out = String::with_capacity(64);
    for b in Sha256::digest(text.as_bytes()) {
        let _ = write!(out, "{b:02x}");
    }
    out
}

impl Access {
    /// Over a record's private store.
    pub fn new(record: Arc<SqliteRecord>) -> Self {
        Self { record, sessions: Mutex::default(), tries: Mutex::default(), hashing: Semaphore::new(2) }
    }

    async fn put(&self, kind: &str, key: &str, value: &impl Serialize) -> Result<(), AccessError> {
        let bytes = serde_json::to_vec(value).map_err(|e| AccessError::Store(e.to_string()))?;
        self.record.private_put(kind, key, bytes).await.map_err(|e| AccessError::Store(e.to_string()))
    }

    async fn get<T: for<'a> Deserialize<'a>>(&self, kind: &str, key: &str) -> Result<Option<T>, AccessError> {
        let bytes = self.record.private_get(kind, key).await.map_err(|e| AccessError::Store(e.to_string()))?;
        bytes.map(|b| serde_json::from_slice(&b).map_err(|e| AccessError::Store(e.to_string()))).transpose()
    }

    async fn drop_key(&self, kind: &str, key: &str) -> Result<bool, AccessError> {
        self.record.private_delete(kind, key).await.map_err(|e| AccessError::Store(e.to_string()))
    }

    /// A one-time link for a person; its secret.
    pub async fn make_link(&self, person: &PersonId) -> Result<(String, Time), AccessError> {
        let until = clock::now().plus_s(LINK_S);
        let s = secret()?;
        self.put("link", &hash(&s), &Link { person: person.clone(), until: Some(until), first: false }).await?;
        Ok((s, until))
    }

    /// The link printed at start, until one like it was used: a new secret each time, the old one void.
    pub async fn first_link(&self, person: &PersonId) -> Result<Option<String>, AccessError> {
        if self.get::<bool>("first_link", "used").await?.is_some() {
            return Ok(None);
        }
        if let Some(old) = self.get::<String>("first_link", "hash").await? {
            self.drop_key("link", &old).await?;
        }
        let s = secret()?;
        self.put("link", &hash(&s), &Link { person: person.clone(), until: None, first: true }).await?;
        self.put("first_link", "hash", &hash(&s)).await?;
        Ok(Some(s))
    }

    /// Uses a link up; the session's secret.
    pub async fn sign_in_by_link(&self, link: &str) -> Result<(PersonId, String), AccessError> {
        let key = hash(link);
        let Some(l) = self.get::<Link>("link", &key).await? else { return Err(AccessError::Wrong) };
        // Whoever deletes it has used it: two at the same time cannot both.
        if !self.drop_key("link", &key).await? || l.until.is_some_and(|u| u < clock::now()) {
            return Err(AccessError::Wrong);
        }
        if l.first {
            self.put("first_link", "used", &true).await?;
        }
        let s = self.open(&l.person).await?;
        Ok((l.person, s))
    }

    /// Checks a password; the session's secret.
    pub async fn sign_in_by_password(&self, person: &PersonId, password: &str) -> Result<String, AccessError> {
        let now = clock::now();
        {
            let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
            tries.retain(|_, (_, at)| now.since_s(*at) < TRIES_S);
            // Bounded: 100,000 names at most; more means an attack, and then everybody with a password waits.
            if tries.get(person.as_str()).is_some_and(|(n, _)| *n >= TRIES) || tries.len() > 100_000 {
                return Err(AccessError::TooMany);
            }
            tries.entry(person.to_string()).or_insert((0, now)).0 += 1;
        }
        if password.len() > MAX_PASSWORD {
            return Err(AccessError::Wrong);
        }
        let kept: Option<String> = self.get("password", person.as_str()).await?;
        let known = kept.is_some();
        // A name without a password costs the same time as one with it.
        let phc = kept.unwrap_or_else(|| NOBODY.to_owned());
        let password = password.to_owned();
        let _one_of_two = self.hashing.acquire().await.map_err(|e| AccessError::Hash(e.to_string()))?;
        let fits = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&phc).is_ok_and(|h| Argon2::default().verify_password(password.as_bytes(), &h).is_ok())
        })
        .await
        .map_err(|e| AccessError::Hash(e.to_string()))?;
        if !(known && fits) {
            return Err(AccessError::Wrong);
        }
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).remove(person.as_str());
        self.open(person).await
    }

    /// Sets a person's password.
    pub async fn set_password(&self, person: &PersonId, password: &str) -> Result<(), AccessError> {
        if password.len() < MIN_PASSWORD || password.len() > MAX_PASSWORD {
            return Err(AccessError::Weak);
        }
        let password = password.to_owned();
        let _one_of_two = self.hashing.acquire().await.map_err(|e| AccessError::Hash(e.to_string()))?;
        let mut salt = [0u8; 16];
        getrandom::fill(&mut salt).map_err(|e| AccessError::Hash(e.to_string()))?;
        let phc = tokio::task::spawn_blocking(move || {
            Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map(|h| h.to_string())
        })
        .await
        .map_err(|e| AccessError::Hash(e.to_string()))?
        .map_err(|e| AccessError::Hash(e.to_string()))?;
        self.put("password", person.as_str(), &phc).await
    }

    /// Whether a person has a password.
    pub async fn has_password(&self, person: &PersonId) -> Result<bool, AccessError> {
        Ok(self.get::<String>("password", person.as_str()).await?.is_some())
    }

    async fn open(&self, person: &PersonId) -> Result<String, AccessError> {
        let s = secret()?;
        let session = Session { person: person.clone(), until: clock::now().plus_s(SESSION_S) };
        self.put("session", &hash(&s), &session).await?;
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(hash(&s), session);
        Ok(s)
    }

    /// Whose session it is.
    pub async fn session(&self, secret: &str) -> Result<Option<PersonId>, AccessError> {
        if secret.len() > 128 {
            return Ok(None);
        }
        let key = hash(secret);
        let cached = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        let session = match cached {
            Some(s) => Some(s),
            None => self.get::<Session>("session", &key).await?,
        };
        let Some(s) = session else { return Ok(None) };
        if s.until < clock::now() {
            self.close(secret).await?;
            return Ok(None);
        }
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(key, s.clone());
        Ok(Some(s.person))
    }

    /// Ends a session.
    pub async fn close(&self, secret: &str) -> Result<(), AccessError> {
        let key = hash(secret);
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        self.drop_key("session", &key).await?;
        Ok(())
    }

    /// Makes an API token; its secret.
    pub async fn make_token(&self, name: &str, source: &SourceId) -> Result<(Token, String), AccessError> {
        let s = format!("skp_{}", secret()?);
        let key = hash(&s);
        let id: String = key.chars().take(16).collect();
        let t = Token { id, name: name.to_owned(), source: source.clone(), made_at: clock::now() };
        self.put("token", &key, &t).await?;
        Ok((t, s))
    }

    /// Whose token it is.
    pub async fn token(&self, secret: &str) -> Result<Option<Token>, AccessError> {
        if secret.len() > 128 { Ok(None) } else { self.get("token", &hash(secret)).await }
    }

    /// Every token.
    pub async fn tokens(&self) -> Result<Vec<(String, Token)>, AccessError> {
        let all = self.record.private_list("token").await.map_err(|e| AccessError::Store(e.to_string()))?;
        Ok(all.into_iter().filter_map(|(k, v)| Some((k, serde_json::from_slice(&v).ok()?))).collect())
    }

    /// Revokes a token; whether there was one.
    pub async fn revoke_token(&self, id: &str) -> Result<bool, AccessError> {
        let key = self.tokens().await?.into_iter().find(|(_, t)| t.id == id).map(|(k, _)| k);
        match key {
            Some(k) => self.drop_key("token", &k).await,
            None => Ok(false),
        }
    }
}

/// A hash that no password has, with the default parameters, so that an unknown name takes as long as a known one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
