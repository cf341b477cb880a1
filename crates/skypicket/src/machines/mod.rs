//! [`Machines`]: sources and TAK clients: by what they prove who they are, what each may bring, and how it is taken away.
//!
//! Tokens and client certificates are kept in the record's private store: of a token its SHA-256, of a certificate its
//! serial number; no secret and no key. All of them are in memory, so a look-up is by exact key and never waits.
//! Revoking takes hold in memory first, cuts what is connected, and is answered when it is durable.

pub mod credential;
pub mod package;
pub mod partners;

use crate::{centre::Centre, clock, http::auth::hash, sources::SourceTable};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use credential::{Certificate, Credential, Life, Standing, Token, uri};
use serde::Serialize;
use skypicket_link::{
    Admitted, Grant, Health, Holder, Rate,
    tls::{Authority, ClientIdentity, ClientSubject, client_name},
};
use skypicket_model::{PersonId, SourceId, Time};
use skypicket_record::{AppendError, Record, SqliteRecord};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;

/// Most credentials of one kind that are kept, those that were revoked or ended included.
const MOST: usize = 20_000;
/// Most valid credentials of one holder: enough to rotate, too few to lose sight of.
const MOST_OF_ONE: usize = 16;
/// The last use is written down again after so long, seconds.
const SAVED_S: f64 = 60.0;

/// Why a credential was not made or not revoked.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// Something about it does not fit.
    #[error("{0}")]
    Unfit(String),
    /// Too many.
    #[error("{0}")]
    TooMany(String),
    /// There is no authority that could sign.
    #[error(
        "This centre has no certificate authority: it runs without TLS. Start it with --tls, or say tls = true in [tak] or [[source.tcp]]."
    )]
    NoAuthority,
    /// Signing failed.
    #[error("the certificate could not be made: {0}")]
    Signing(#[from] skypicket_link::tls::TlsError),
    /// The store failed.
    #[error("the private store failed: {0}")]
    Store(String),
}

fn store(e: impl std::fmt::Display) -> MachineError {
    MachineError::Store(e.to_string())
}

/// What the certificate of the program's own TAK client names, and whom it would be. Nobody in the directory: nothing is
/// sent to it.
const OWN_URI: &str = "skypicket:watchdog";
const OWN_ID: &str = "skypicket-watchdog";

/// A credential at work.
struct Live<T> {
    kept: T,
    rate: Arc<Mutex<Rate>>,
    /// Its connections listen to it.
    cut: watch::Sender<bool>,
    /// When its last use was written down.
    saved_at: Option<Time>,
}

impl<T: Credential> Live<T> {
    fn new(kept: T, now: Time) -> Self {
        let rate = Arc::new(Mutex::new(Rate::new(kept.grant().rate_per_s, now)));
        let cut = watch::Sender::new(kept.life().revoked_at.is_some());
        let saved_at = kept.life().last_used;
        Self { kept, rate, cut, saved_at }
    }
}

/// A credential as it is listed.
#[derive(Debug, Clone, Serialize)]
pub struct Listed<T> {
    /// It.
    #[serde(flatten)]
    pub kept: T,
    /// How it stands.
    pub standing: Standing,
    /// Connections that are open with it.
    pub connected: usize,
}

/// A token that was let in.
#[derive(Debug, Clone)]
pub struct Bearer {
    /// The key it is kept under: its hash.
    key: String,
    /// It.
    pub token: Token,
    /// Its rate.
    pub rate: Arc<Mutex<Rate>>,
}

type Table<T> = Mutex<BTreeMap<String, Live<T>>>;

/// Sources and TAK clients.
pub struct Machines {
    record: Arc<SqliteRecord>,
    centre: Centre,
    sources: Arc<SourceTable>,
    authority: Option<Arc<Authority>>,
    tokens: Table<Token>,
    certificates: Table<Certificate>,
    healths: Mutex<BTreeMap<SourceId, Arc<Health>>>,
    /// Systems of other agencies.
    pub partners: partners::Partners,
    /// Serial number of the certificate of the program's own TAK client.
    own: Mutex<Option<String>>,
    /// Its connections listen to it; nobody cuts them.
    own_cut: watch::Sender<bool>,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 32 random bytes as text.
fn secret() -> Result<String, MachineError> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(store)?;
    Ok(B64.encode(bytes))
}

impl Machines {
    /// With what the record's private store has; `authority` signs client certificates.
    pub async fn open(
        record: Arc<SqliteRecord>,
        centre: Centre,
        sources: Arc<SourceTable>,
        authority: Option<Arc<Authority>>,
    ) -> Result<Self, MachineError> {
        let now = clock::now();
        let tokens = Mutex::new(kept(&record, now).await?);
        let certificates: BTreeMap<String, Live<Certificate>> = kept(&record, now).await?;
        if let Some(a) = &authority {
            let revoked = certificates.iter().filter(|(_, c)| c.kept.life.revoked_at.is_some());
            a.revoked().replace(revoked.map(|(serial, _)| serial.clone()).collect());
        }
        let machines = Self {
            partners: partners::Partners::open(Arc::clone(&record)).await?,
            record,
            centre,
            sources,
            authority,
            tokens,
            certificates: Mutex::new(certificates),
            healths: Mutex::default(),
            own: Mutex::default(),
            own_cut: watch::Sender::new(false),
        };
        machines.all_sources().iter().for_each(|s| machines.expect(s));
        Ok(machines)
    }

    /// A certificate for the program's own TAK client, which is nobody's and only pings; the one before is let in no more.
    /// `None` without an authority.
    pub fn own_client(&self, now: Time) -> Option<ClientIdentity> {
        let subject = ClientSubject { common_name: "Skypicket watchdog".into(), uri: OWN_URI.into() };
        let made = self.authority.as_ref()?.client(&subject, 1.0, now).ok()?;
        *lock(&self.own) = Some(made.serial.clone());
        Some(made)
    }

    /// The program's own client, if it is that.
    fn own(&self, serial: &str, now: Time) -> Option<Admitted> {
        if lock(&self.own).as_deref() != Some(serial) {
            return None;
        }
        let holder = Holder::Person(PersonId::new(OWN_ID).ok()?);
        let rate = Arc::new(Mutex::new(Rate::new(None, now)));
        let cut = self.own_cut.subscribe();
        Some(Admitted { holder, grant: Grant::default(), rate, health: Arc::default(), cut, left: None })
    }

    /// The authority, where there is one.
    pub fn authority(&self) -> Option<&Arc<Authority>> {
        self.authority.as_ref()
    }

    /// Every source that has or had a credential.
    fn all_sources(&self) -> BTreeSet<SourceId> {
        let source = |holder| match holder {
            Holder::Source(s) => Some(s),
            Holder::Person(_) => None,
        };
        let mut all: BTreeSet<SourceId> = lock(&self.tokens).values().filter_map(|t| source(t.kept.holder())).collect();
        all.extend(lock(&self.certificates).values().filter_map(|c| source(c.kept.holder())));
        all
    }

    /// Counters of a source that connects with certificates.
    fn health(&self, source: &SourceId) -> Arc<Health> {
        Arc::clone(lock(&self.healths).entry(source.clone()).or_default())
    }

    /// Tells the list of sources what to expect of one, after its credentials changed.
    fn expect(&self, source: &SourceId) {
        let now = clock::now();
        let holder = Holder::Source(source.clone());
        let interval =
            |l: &Life, g: &Grant, h: Holder| (h == holder && l.lives(now)).then_some(g.expected_interval_s).flatten();
        let mut intervals: Vec<f64> = lock(&self.tokens)
            .values()
            .filter_map(|t| interval(&t.kept.life, &t.kept.grant, t.kept.holder()))
            .collect();
        let mut by_certificate = false;
        for c in lock(&self.certificates).values() {
            by_certificate |= c.kept.holder == holder;
            intervals.extend(interval(&c.kept.life, &c.kept.grant, c.kept.holder()));
        }
        let kind = if by_certificate { "tls" } else { "http" };
        let health = by_certificate.then(|| self.health(source));
        // Two credentials in rotation: the shorter promise holds.
        self.sources.machine(source, kind, intervals.into_iter().reduce(f64::min), health, now);
    }

    /// Makes a source's token; and its secret.
    pub async fn make_token(
        &self,
        by: &PersonId,
        (name, source): (&str, &SourceId),
        grant: Grant,
        until: Option<Time>,
    ) -> Result<(Token, String), MachineError> {
        let now = clock::now();
        fit(name, &Holder::Source(source.clone()), &grant)?;
        if until.is_some_and(|u| u <= now) {
            return Err(MachineError::Unfit("until: must be in the future".into()));
        }
        let secret = format!("skp_{}", secret()?);
        let key = hash(&secret);
        let id = key.chars().take(16).collect();
        let life = Life::new(by.clone(), until, now);
        let token = Token { id, name: name.to_owned(), source: source.clone(), grant, life };
        self.keep(&self.tokens, &key, &token, now).await?;
        self.expect(source);
        Ok((token, secret))
    }

    /// Makes a client certificate that is valid for so many days; the key is only in what is given back.
    pub async fn make_certificate(
        &self,
        by: &PersonId,
        (name, holder): (&str, Holder),
        grant: Grant,
        days: f64,
    ) -> Result<(Certificate, ClientIdentity), MachineError> {
        let authority = self.authority.as_ref().ok_or(MachineError::NoAuthority)?;
        fit(name, &holder, &grant)?;
        if !(1.0..=825.0).contains(&days) {
            return Err(MachineError::Unfit("days: 1 to 825".into()));
        }
        let now = clock::now();
        let common_name = match &holder {
            Holder::Source(s) => s.to_string(),
            Holder::Person(p) => p.to_string(),
        };
        let identity = authority.client(&ClientSubject { common_name, uri: uri(&holder) }, days, now)?;
        let life = Life::new(by.clone(), Some(identity.not_after), now);
        let serial = identity.serial.clone();
        let certificate = Certificate { serial: serial.clone(), name: name.to_owned(), holder, grant, life };
        self.keep(&self.certificates, &serial, &certificate, now).await?;
        if let Holder::Source(s) = &certificate.holder {
            self.expect(s);
        }
        Ok((certificate, identity))
    }

    /// Keeps a new credential, durably, and then lets it in.
    async fn keep<T: Credential>(&self, table: &Table<T>, key: &str, new: &T, now: Time) -> Result<(), MachineError> {
        let dropped = {
            let all = lock(table);
            let holder = new.holder();
            let valid = all.values().filter(|c| c.kept.holder() == holder && c.kept.life().lives(now)).count();
            if valid >= MOST_OF_ONE {
                return Err(MachineError::TooMany(format!(
                    "{MOST_OF_ONE} of them are valid already: revoke those that are no longer used first."
                )));
            }
            let ended = all.iter().filter(|(_, c)| !c.kept.life().lives(now));
            let oldest = ended.min_by_key(|(_, c)| c.kept.life().made_at).map(|(k, _)| k.clone());
            match (all.len() >= MOST, oldest) {
                (false, _) => None,
                (true, Some(k)) => Some(k),
                (true, None) => return Err(MachineError::TooMany(format!("{MOST} are kept at most."))),
            }
        };
        let bytes = serde_json::to_vec(new).map_err(store)?;
        self.record.private_put(T::KIND, key, bytes).await.map_err(store)?;
        // One that ended is forgotten for one that begins. Its serial stays refused: no row is no entry either.
        if let Some(k) = dropped {
            self.record.private_delete(T::KIND, &k).await.map_err(store)?;
            lock(table).remove(&k);
        }
        lock(table).insert(key.to_owned(), Live::new(new.clone(), now));
        Ok(())
    }

    /// Notes that one was used, and writes that down now and then. The lock is held while the store is told, so that
    /// an older state never comes after a newer one.
    fn used<T: Credential>(&self, key: &str, live: &mut Live<T>, now: Time) {
        live.kept.life_mut().last_used = Some(now);
        if live.saved_at.is_some_and(|at| now.since_s(at).abs() < SAVED_S) {
            return;
        }
        live.saved_at = Some(now);
        let Ok(bytes) = serde_json::to_vec(&live.kept) else { return };
        let written = self.record.private_put(T::KIND, key, bytes);
        tokio::spawn(async move {
            if let Err(error) = written.await {
                tracing::warn!(%error, "when a credential was used last was not written down");
            }
        });
    }

    /// The token with this secret, if it lets in; what is known of a refused one is counted at its source.
    pub fn bearer(&self, secret: &str) -> Option<Bearer> {
        if secret.len() > 128 {
            return None;
        }
        let (key, now) = (hash(secret), clock::now());
        let mut tokens = lock(&self.tokens);
        let live = tokens.get_mut(&key)?;
        match live.kept.life.standing(now) {
            Standing::Valid | Standing::EndsSoon => {
                self.used(&key, live, now);
                Some(Bearer { token: live.kept.clone(), rate: Arc::clone(&live.rate), key })
            }
            Standing::Expired => {
                self.sources.count_refused(&live.kept.source, "token_expired");
                None
            }
            Standing::Revoked => {
                self.sources.count_refused(&live.kept.source, "token_revoked");
                None
            }
        }
    }

    /// Whether a token that was let in still is: a request may have lasted.
    pub fn still(&self, bearer: &Bearer) -> bool {
        lock(&self.tokens).get(&bearer.key).is_some_and(|t| t.kept.life.lives(clock::now()))
    }

    /// Revokes a token by its id; its source, if there was one that was not revoked yet.
    pub async fn revoke_token(&self, by: &PersonId, id: &str) -> Result<Option<Token>, MachineError> {
        let key = lock(&self.tokens).iter().find(|(_, t)| t.kept.id == id).map(|(k, _)| k.clone());
        let Some(key) = key else { return Ok(None) };
        let revoked = self.revoke(&self.tokens, by, &key).await?;
        if let Some(t) = &revoked {
            self.expect(&t.source);
        }
        Ok(revoked)
    }

    /// Revokes a certificate by its serial number and cuts its connections.
    pub async fn revoke_certificate(&self, by: &PersonId, serial: &str) -> Result<Option<Certificate>, MachineError> {
        if lock(&self.certificates).contains_key(serial)
            && let Some(a) = &self.authority
        {
            a.revoked().add(serial);
        }
        let revoked = self.revoke(&self.certificates, by, serial).await?;
        if let Some(Certificate { holder: Holder::Source(s), .. }) = &revoked {
            self.expect(s);
        }
        Ok(revoked)
    }

    /// Revokes every certificate of a person, as for a lost phone; those that there were.
    pub async fn revoke_person(&self, by: &PersonId, person: &PersonId) -> Result<Vec<Certificate>, MachineError> {
        let holder = Holder::Person(person.clone());
        let now = clock::now();
        let theirs: Vec<String> = lock(&self.certificates)
            .iter()
            .filter(|(_, c)| c.kept.holder == holder && c.kept.life.lives(now))
            .map(|(serial, _)| serial.clone())
            .collect();
        let mut revoked = Vec::new();
        for serial in theirs {
            revoked.extend(self.revoke_certificate(by, &serial).await?);
        }
        Ok(revoked)
    }

    async fn revoke<T: Credential>(
        &self,
        table: &Table<T>,
        by: &PersonId,
        key: &str,
    ) -> Result<Option<T>, MachineError> {
        let (written, revoked) = {
            let mut all = lock(table);
            let Some(live) = all.get_mut(key) else { return Ok(None) };
            if live.kept.life().revoked_at.is_some() {
                return Ok(None);
            }
            live.kept.life_mut().revoked_at = Some(clock::now());
            live.kept.life_mut().revoked_by = Some(by.clone());
            live.cut.send_replace(true);
            let bytes = serde_json::to_vec(&live.kept).map_err(store)?;
            (self.record.private_put(T::KIND, key, bytes), live.kept.clone())
        };
        // Where this fails it stays revoked here, and whoever asked is told to ask again.
        match written.await {
            Ok(()) => Ok(Some(revoked)),
            Err(error) => {
                written_again(table, key);
                Err(store(format!("it is revoked until the next restart, and was not written down: {error}")))
            }
        }
    }

    /// Whose last credential ends within a month, or ended within one: who, and when.
    pub fn ending(&self, now: Time) -> Vec<(String, Time)> {
        ending(self.tokens().into_iter().map(|t| (t.kept.holder(), t.kept.life)), now)
            .into_iter()
            .chain(ending(self.certificates().into_iter().map(|c| (c.kept.holder, c.kept.life)), now))
            .collect()
    }

    /// Every token, in the order of their making.
    pub fn tokens(&self) -> Vec<Listed<Token>> {
        listed(&self.tokens)
    }

    /// Every certificate, in the order of their making.
    pub fn certificates(&self) -> Vec<Listed<Certificate>> {
        listed(&self.certificates)
    }

    /// A certificate by its serial number.
    pub fn certificate(&self, serial: &str) -> Option<Certificate> {
        lock(&self.certificates).get(serial).map(|c| c.kept.clone())
    }
}

/// A revocation that was not written down may be asked for again.
fn written_again<T: Credential>(table: &Table<T>, key: &str) {
    if let Some(live) = lock(table).get_mut(key) {
        // Still cut, and `until` in the past: nothing is let in meanwhile.
        let life = live.kept.life_mut();
        life.until = Some(life.revoked_at.unwrap_or_else(clock::now));
        life.revoked_at = None;
        life.revoked_by = None;
    }
}

/// Of one kind of credential. One that lasts longer, or never ends, stands for the others of its holder.
fn ending(all: impl Iterator<Item = (Holder, Life)>, now: Time) -> Vec<(String, Time)> {
    let mut last: BTreeMap<Holder, Option<Time>> = BTreeMap::new();
    for (holder, life) in all.filter(|(_, l)| l.revoked_at.is_none()) {
        let known = last.entry(holder).or_insert(life.until);
        *known = known.zip(life.until).map(|(a, b)| a.max(b));
    }
    let soon = |(holder, until): (Holder, Option<Time>)| {
        let until = until.filter(|u| u.since_s(now).abs() < credential::SOON_S)?;
        let whose = match holder {
            Holder::Source(s) => format!("source '{s}'"),
            Holder::Person(p) => format!("the TAK client of '{p}'"),
        };
        Some((whose, until))
    };
    last.into_iter().filter_map(soon).collect()
}

fn listed<T: Credential>(table: &Table<T>) -> Vec<Listed<T>> {
    let now = clock::now();
    let mut all: Vec<Listed<T>> = lock(table)
        .values()
        .map(|l| Listed {
            standing: l.kept.life().standing(now),
            connected: l.cut.receiver_count(),
            kept: l.kept.clone(),
        })
        .collect();
    all.sort_by_key(|l| l.kept.life().made_at);
    all
}

/// What the private store has of one kind.
async fn kept<T: Credential>(record: &SqliteRecord, now: Time) -> Result<BTreeMap<String, Live<T>>, MachineError> {
    let rows = record.private_list(T::KIND).await.map_err(store)?;
    let mut all = BTreeMap::new();
    for (key, bytes) in rows {
        match serde_json::from_slice::<T>(&bytes) {
            Ok(t) => drop(all.insert(key, Live::new(t, now))),
            // What cannot be read lets nobody in.
            Err(error) => tracing::error!(%error, kind = T::KIND, "a credential in the record cannot be read"),
        }
    }
    Ok(all)
}

/// Whether a credential may be made so.
fn fit(name: &str, holder: &Holder, grant: &Grant) -> Result<(), MachineError> {
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(MachineError::Unfit("name: 1 to 100 characters".into()));
    }
    if let Holder::Source(s) = holder
        && s.as_str().starts_with("person.")
    {
        return Err(MachineError::Unfit("source: names that start with 'person.' are for people".into()));
    }
    grant.check().map_err(MachineError::Unfit)
}

impl skypicket_link::Machines for Machines {
    fn admit(&self, certificate: &[u8]) -> Result<Admitted, &'static str> {
        let name = client_name(&certificate.into()).ok_or("certificate_unfit")?;
        let now = clock::now();
        if let Some(own) = self.own(&name.serial, now) {
            return Ok(own);
        }
        let holder = {
            let all = lock(&self.certificates);
            let live = all.get(&name.serial).ok_or("certificate_unknown")?;
            live.kept.holder.clone()
        };
        if name.uri.as_deref() != Some(uri(&holder).as_str()) {
            return Err("certificate_unknown");
        }
        if let Holder::Person(p) = &holder
            && self.centre.roll.load().directory.active(p).is_none()
        {
            return Err("person_not_active");
        }
        let mut all = lock(&self.certificates);
        let live = all.get_mut(&name.serial).ok_or("certificate_unknown")?;
        match live.kept.life.standing(now) {
            Standing::Valid | Standing::EndsSoon => {}
            Standing::Expired => return Err("certificate_expired"),
            Standing::Revoked => return Err("certificate_revoked"),
        }
        self.used(&name.serial, live, now);
        let health = match &holder {
            Holder::Source(s) => self.health(s),
            Holder::Person(_) => Arc::default(),
        };
        let (rate, cut) = (Arc::clone(&live.rate), live.cut.subscribe());
        let left = live.kept.life.until.map(|u| Duration::from_secs_f64(u.since_s(now).max(0.0)));
        Ok(Admitted { holder, grant: live.kept.grant.clone(), rate, health, cut, left })
    }
}

impl From<AppendError> for MachineError {
    fn from(e: AppendError) -> Self {
        store(e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_named_when_the_last_of_their_credentials_ends_soon_or_ended_lately() {
        let at = |days: f64| Time::from_unix_s(1_800_000_000.0 + days * 86_400.0).unwrap();
        let by = PersonId::new("admin").unwrap();
        let life = |until: Option<f64>| Life::new(by.clone(), until.map(at), at(-200.0));
        let revoked = |until| Life { revoked_at: Some(at(0.0)), ..life(until) };
        for (lives, named) in [
            (vec![life(Some(10.0))], true),
            (vec![life(Some(-10.0))], true),
            (vec![life(Some(-40.0))], false),
            (vec![life(Some(100.0))], false),
            (vec![life(None)], false),
            // Rotated: the newer one lasts.
            (vec![life(Some(10.0)), life(Some(300.0))], false),
            (vec![life(Some(10.0)), life(None)], false),
            (vec![life(None), life(Some(10.0))], false),
            (vec![life(Some(10.0)), revoked(Some(300.0))], true),
            (vec![revoked(Some(10.0))], false),
        ] {
            let holder = Holder::Source(SourceId::new("mast").unwrap());
            let found = ending(lives.iter().cloned().map(|l| (holder.clone(), l)), at(0.0));
            assert_eq!(!found.is_empty(), named, "{lives:?}");
        }
    }
}
