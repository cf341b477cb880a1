//! [`Partners`]: systems of other agencies that read the CAP feed, each by a token that opens nothing else.
//!
//! A token is bound to an agency of the directory: its holder is released what that agency is, and one whose agency is no
//! longer in the directory is let in no more. Kept like the tokens of sources: of each its SHA-256, in the record's
//! private store. Rotated by a second token beside the first; revoking takes hold at once.

use super::{
    Listed, Live, MOST, MOST_OF_ONE, MachineError, SAVED_S, Table,
    credential::{Credential, Life},
    kept, listed, lock, secret, store, written_again,
};
use crate::{clock, http::auth::hash};
use serde::{Deserialize, Serialize};
use skypicket_link::{Grant, Holder, Rate};
use skypicket_model::{AgencyId, Directory, PersonId, Time, directory::PARTNER};
use skypicket_record::{Record, SqliteRecord};
use std::sync::{Arc, Mutex, PoisonError};

/// Requests a second of one token, with twice as many at once: more than any reader of a feed needs.
const RATE_PER_S: u32 = 20;

/// A partner's token, without its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartnerToken {
    /// Its id: the first 16 hex digits of its hash.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// For which agency it reads.
    pub agency: AgencyId,
    /// As whom the access audit names it: `partner.AGENCY`.
    pub reader: PersonId,
    /// From its making to its end.
    #[serde(flatten)]
    pub life: Life,
    /// Only its rate is used.
    #[serde(skip, default = "grant")]
    grant: Grant,
}

fn grant() -> Grant {
    Grant { rate_per_s: Some(RATE_PER_S), ..Grant::default() }
}

/// As whom the access audit names an agency's systems; `None` where the agency's id is too long for that.
fn reader(agency: &AgencyId) -> Option<PersonId> {
    PersonId::new(&format!("{PARTNER}{agency}")).ok()
}

impl Credential for PartnerToken {
    const KIND: &'static str = "partner_token";
    fn life(&self) -> &Life {
        &self.life
    }
    fn life_mut(&mut self) -> &mut Life {
        &mut self.life
    }
    fn holder(&self) -> Holder {
        Holder::Person(self.reader.clone())
    }
    fn grant(&self) -> &Grant {
        &self.grant
    }
}

/// A partner that was let in.
#[derive(Debug, Clone)]
pub struct Partner {
    key: String,
    /// Its token.
    pub token: PartnerToken,
    rate: Arc<Mutex<Rate>>,
}

impl Partner {
    /// Whether it may ask once more now.
    pub fn may_ask(&self) -> bool {
        self.rate.lock().unwrap_or_else(PoisonError::into_inner).takes(clock::now())
    }
}

/// All of them.
pub struct Partners {
    record: Arc<SqliteRecord>,
    tokens: Table<PartnerToken>,
}

impl Partners {
    /// With what the record's private store has.
    pub(super) async fn open(record: Arc<SqliteRecord>) -> Result<Self, MachineError> {
        let tokens = Mutex::new(kept(&record, clock::now()).await?);
        Ok(Self { record, tokens })
    }

    /// Makes a token; and its secret.
    pub async fn make(
        &self,
        by: &PersonId,
        (name, agency): (&str, &AgencyId),
        until: Option<Time>,
        directory: &Directory,
    ) -> Result<(PartnerToken, String), MachineError> {
        let now = clock::now();
        if !directory.agencies.contains_key(agency) {
            return Err(MachineError::Unfit(format!("agency: there is no agency '{agency}' in the directory")));
        }
        let reader = reader(agency).ok_or_else(|| {
            MachineError::Unfit("agency: its id has over 56 characters: too long for a partner".into())
        })?;
        if directory.people.contains_key(&reader) {
            let words =
                format!("agency: there is a person '{reader}', whom the audit could not tell from this partner");
            return Err(MachineError::Unfit(words));
        }
        super::fit(name, &Holder::Person(reader.clone()), &grant())?;
        if until.is_some_and(|u| u <= now) {
            return Err(MachineError::Unfit("until: must be in the future".into()));
        }
        let secret = format!("skp_{}", secret()?);
        let key = hash(&secret);
        let id = key.chars().take(16).collect();
        let life = Life::new(by.clone(), until, now);
        let token = PartnerToken { id, name: name.to_owned(), agency: agency.clone(), reader, life, grant: grant() };
        self.keep(&key, &token, now).await?;
        Ok((token, secret))
    }

    async fn keep(&self, key: &str, new: &PartnerToken, now: Time) -> Result<(), MachineError> {
        {
            let all = lock(&self.tokens);
            let valid = all.values().filter(|t| t.kept.agency == new.agency && t.kept.life.lives(now)).count();
            if valid >= MOST_OF_ONE {
                return Err(MachineError::TooMany(format!(
                    "{MOST_OF_ONE} of them are valid already: revoke those that are no longer used first."
                )));
            }
            if all.len() >= MOST {
                return Err(MachineError::TooMany(format!("{MOST} are kept at most.")));
            }
        }
        let bytes = serde_json::to_vec(new).map_err(store)?;
        self.record.private_put(PartnerToken::KIND, key, bytes).await.map_err(store)?;
        lock(&self.tokens).insert(key.to_owned(), Live::new(new.clone(), now));
        Ok(())
    }

    /// The partner with this secret, if it lets in and its agency is in the directory.
    pub fn admit(&self, secret: &str, directory: &Directory) -> Option<Partner> {
        if secret.len() > 128 {
            return None;
        }
        let (key, now) = (hash(secret), clock::now());
        let mut tokens = lock(&self.tokens);
        let live = tokens.get_mut(&key)?;
        if !live.kept.life.lives(now) || !directory.agencies.contains_key(&live.kept.agency) {
            return None;
        }
        self.used(&key, live, now);
        Some(Partner { token: live.kept.clone(), rate: Arc::clone(&live.rate), key })
    }

    /// Whether one that was let in still is: a request may have lasted.
    pub fn still(&self, partner: &Partner) -> bool {
        lock(&self.tokens).get(&partner.key).is_some_and(|t| t.kept.life.lives(clock::now()))
    }

    /// Notes that one was used, and writes that down now and then.
    fn used(&self, key: &str, live: &mut Live<PartnerToken>, now: Time) {
        live.kept.life.last_used = Some(now);
        if live.saved_at.is_some_and(|at| now.since_s(at).abs() < SAVED_S) {
            return;
        }
        live.saved_at = Some(now);
        let Ok(bytes) = serde_json::to_vec(&live.kept) else { return };
        let written = self.record.private_put(PartnerToken::KIND, key, bytes);
        tokio::spawn(async move {
            if let Err(error) = written.await {
                tracing::warn!(%error, "when a partner's token was used last was not written down");
            }
        });
    }

    /// Revokes a token by its id; it, if there was one that was not revoked yet.
    pub async fn revoke(&self, by: &PersonId, id: &str) -> Result<Option<PartnerToken>, MachineError> {
        let (key, written, revoked) = {
            let mut all = lock(&self.tokens);
            let found = all.iter_mut().find(|(_, t)| t.kept.id == id && t.kept.life.revoked_at.is_none());
            let Some((key, live)) = found else { return Ok(None) };
            live.kept.life.revoked_at = Some(clock::now());
            live.kept.life.revoked_by = Some(by.clone());
            let bytes = serde_json::to_vec(&live.kept).map_err(store)?;
            (key.clone(), self.record.private_put(PartnerToken::KIND, key, bytes), live.kept.clone())
        };
        // Where this fails it stays revoked here, and whoever asked is told to ask again.
        match written.await {
            Ok(()) => Ok(Some(revoked)),
            Err(error) => {
                written_again(&self.tokens, &key);
                Err(store(format!("it is revoked until the next restart, and was not written down: {error}")))
            }
        }
    }

    /// Every token, in the order of their making.
    pub fn list(&self) -> Vec<Listed<PartnerToken>> {
        listed(&self.tokens)
    }
}
