//! [`Access`]: who is who. How people sign in stands in [`crate::accounts`], one noun a file; here are its tables.
//!
//! Secrets are 32 random bytes shown once; only their SHA-256 is kept, so a stolen record opens nothing. They live in
//! the record's private store, which is durable but no history. Comparisons are of hashes by exact key, so their time
//! says nothing about a secret.

use crate::{
    accounts::{Ceremonies, Cuts, Enrolment, Provider, Session, Shut, SignInPolicy, Tickets, Tries},
    hub::Hub,
    push::Push,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use skypicket_model::{Directory, PersonId};
use skypicket_record::{Record, SqliteRecord};
use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};
use tokio::sync::Semaphore;

/// Why signing in, or changing how one does, failed.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Wrong name, password or link: never says which.
    #[error("The name, password or link is wrong, or the link was used before.")]
    Wrong,
    /// Wrong code, or one that was used.
    #[error("The code is wrong, or was used before. Codes change every half minute: wait for the next.")]
    WrongCode,
    /// Too soon after wrong tries: how many seconds to wait.
    #[error("Too many tries: wait {} s, or use a sign-in link, a passkey or a device that you signed in with before.", .0.ceil())]
    TooMany(f64),
    /// The password does not do.
    #[error("{0}")]
    Weak(&'static str),
    /// What was begun has run out.
    #[error("{0}")]
    Gone(&'static str),
    /// A passkey does not do.
    #[error("The passkey was not taken: {0}")]
    Passkey(String),
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
    /// How people sign in.
    pub policy: SignInPolicy,
    /// Pages are reached by TLS.
    pub tls: bool,
    /// A proxy on this machine stands in front.
    pub behind_proxy: bool,
    /// Everybody is made up.
    pub exercise: bool,
    /// The provider of the house, where there is one.
    pub provider: Option<Provider>,
    /// What else of a lost phone can be cut.
    pub cuts: Cuts,
    pub(crate) hub: Arc<Hub>,
    /// Phones that are reached by push: they go with their session.
    pub push: OnceLock<Arc<Push>>,
    pub(crate) shut: Shut,
    pub(crate) sessions: Mutex<HashMap<String, Session>>,
    pub(crate) tickets: Mutex<Tickets>,
    pub(crate) enrolments: Mutex<HashMap<PersonId, Enrolment>>,
    pub(crate) ceremonies: Mutex<Ceremonies>,
    /// Who has a second factor of their own.
    pub(crate) factors: Mutex<HashSet<PersonId>>,
    tries: Mutex<Tries>,
    /// One change of anybody's factors at a time: each code is used once.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// Hashing takes 19 MiB and tens of milliseconds: two at a time leave the machine to the warnings.
    pub(crate) hashing: Semaphore,
}

/// SHA-256 as lower-case hex.
pub fn hash(text: &str) -> String {
    let mut out = String::with_capacity(64);
    for b in Sha256::digest(text.as_bytes()) {
        let _ = write!(out, "{b:02x}");
    }
    out
}

pub use crate::accounts::link_id;

/// How an [`Access`] is set up.
pub struct SetUp {
    /// How people sign in.
    pub policy: SignInPolicy,
    /// Pages are reached by TLS.
    pub tls: bool,
    /// A proxy on this machine stands in front.
    pub behind_proxy: bool,
    /// Everybody is made up.
    pub exercise: bool,
    /// The provider of the house.
    pub provider: Option<Provider>,
}

impl Access {
    /// Over a record's private store: what is kept of people who are not in the directory, or shut out, goes.
    pub async fn open(
        record: Arc<SqliteRecord>,
        hub: Arc<Hub>,
        directory: &Directory,
        set_up: SetUp,
    ) -> Result<Self, AccessError> {
        let SetUp { policy, tls, behind_proxy, exercise, provider } = set_up;
        let access = Self {
            record,
            policy,
            tls,
            behind_proxy,
            exercise,
            provider,
            cuts: Cuts::default(),
            hub,
            push: OnceLock::new(),
            shut: Shut::default(),
            sessions: Mutex::default(),
            tickets: Mutex::default(),
            enrolments: Mutex::default(),
            ceremonies: Mutex::default(),
            factors: Mutex::default(),
            tries: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            hashing: Semaphore::new(2),
        };
        access.load_sessions(directory).await?;
        access.load_factors().await?;
        Ok(access)
    }

    pub(crate) fn tries(&self) -> MutexGuard<'_, Tries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn put(&self, kind: &str, key: &str, value: &impl Serialize) -> Result<(), AccessError> {
        let bytes = serde_json::to_vec(value).map_err(|e| AccessError::Store(e.to_string()))?;
        self.record.private_put(kind, key, bytes).await.map_err(|e| AccessError::Store(e.to_string()))
    }

    pub(crate) async fn get<T: for<'a> Deserialize<'a>>(
        &self,
        kind: &str,
        key: &str,
    ) -> Result<Option<T>, AccessError> {
        let bytes = self.record.private_get(kind, key).await.map_err(|e| AccessError::Store(e.to_string()))?;
        bytes.map(|b| serde_json::from_slice(&b).map_err(|e| AccessError::Store(e.to_string()))).transpose()
    }

    /// Everything of a kind; what cannot be read is left out, and named in the log.
    pub(crate) async fn list<T: for<'a> Deserialize<'a>>(&self, kind: &str) -> Result<Vec<(String, T)>, AccessError> {
        let all = self.record.private_list(kind).await.map_err(|e| AccessError::Store(e.to_string()))?;
        let read = |(k, v): (String, Vec<u8>)| match serde_json::from_slice(&v) {
            Ok(v) => Some((k, v)),
            Err(error) => {
                tracing::warn!(%error, kind, "something in the private store cannot be read");
                None
            }
        };
        Ok(all.into_iter().filter_map(read).collect())
    }

    pub(crate) async fn drop_key(&self, kind: &str, key: &str) -> Result<bool, AccessError> {
        self.record.private_delete(kind, key).await.map_err(|e| AccessError::Store(e.to_string()))
    }
}
