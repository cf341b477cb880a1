//! [`CapFeed`]: bulletins as signed CAP alerts for systems of other agencies: which of them an agency is released, and
//! their bytes, signed once and kept.
//!
//! A version of a bulletin is one alert. It is made and signed when somebody first asks for it, and kept in the record's
//! private store, so that it has the same bytes for ever, after a restart, an upgrade or a new key too. What left the
//! record is swept from there.
//!
//! Whoever was given an alert is given its end: an agency that is not released the next version finds a Cancel in its
//! place, which has nothing of that version but that there is one. Whose systems had fetched none of it finds nothing: the
//! words of the versions before are not for it any more either.

pub mod keys;

use crate::{centre::Centre, clock, inbox::NotTaken};
use anyhow::Context;
use keys::Keys;
use serde::{Deserialize, Serialize};
use skypicket_model::{
    AgencyId, BulletinState, Deed, Marking, Notice, NoticeId, PersonId, Reader, Time, Tlp, may_see, notice::WITHDRAWN,
};
use skypicket_record::{AccessQuery, Record};
use skypicket_wire::{
    cap::{Alert, Name, Status},
    render::{Edition, atom, cap},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::watch;
use uuid::Uuid;

/// Kind in the private store; the key is the alert's identifier.
const KIND: &str = skypicket_record::ALERTS;
/// Most entries of a feed.
pub const MOST_ENTRIES: usize = 100;
/// What ended stays in the feed for so long, seconds.
pub const ENDED_S: f64 = 7.0 * 86_400.0;
/// Most alerts, and most bulletins' versions, that are held in memory.
const MOST_HELD: usize = 1_000;
/// Versions are read anew after so long, seconds: some may have left the record.
const HELD_S: f64 = 60.0;
/// How often what left the record is swept away.
const SWEEP: Duration = Duration::from_hours(1);

/// An alert as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// When its version was made.
    pub at: Time,
    /// The bytes that were signed.
    pub xml: String,
    /// Its headline.
    pub title: String,
    /// Its status and kind.
    pub categories: Vec<String>,
}

/// Versions of a bulletin, the oldest first: at which of its steps they were read, and when.
type Held = (Time, Time, Arc<Vec<Notice>>);

/// An alert that an agency is released.
#[derive(Debug, Clone)]
pub struct Released {
    versions: Arc<Vec<Notice>>,
    version: u32,
    /// Not the version itself, but that it took those before it out of what the agency may read.
    withdrawal: bool,
}

impl Released {
    fn notice(&self) -> Option<&Notice> {
        self.versions.iter().find(|n| n.version == self.version)
    }

    /// The identifier of its alert.
    fn identifier(&self) -> Option<String> {
        let notice = self.notice()?;
        if self.withdrawal {
            return cap::withdrawal_identifier(notice).map(|n| n.as_str().to_owned());
        }
        identifier_of(notice)
    }
}

/// Of the versions of a bulletin, oldest first, each with whether it is open to an agency, what that agency finds: the open
/// ones, unless the newest is not; and where an open one is followed by one that is not, the end of what it was given
/// (with `true`).
fn found(versions: &[(u32, bool)]) -> Vec<(u32, bool)> {
    let still = versions.last().is_some_and(|(_, open)| *open);
    let mut out = Vec::new();
    let mut had = false;
    for (version, open) in versions {
        if *open && still {
            out.push((*version, false));
        } else if had && !open {
            out.push((*version, true));
        }
        had = *open;
    }
    out
}

/// Bulletins for partners.
pub struct CapFeed {
    centre: Centre,
    /// What they are signed with.
    pub keys: Keys,
    sender: Name,
    name: String,
    web: Option<String>,
    base: Arc<str>,
    /// One is signed at a time: nobody gets two of one.
    making: Arc<tokio::sync::Mutex<()>>,
    alerts: Cache<String, Arc<Signed>>,
    versions: Cache<NoticeId, Held>,
    /// Which versions of a bulletin an agency's systems fetched, by whom the audit names them.
    fetched: Cache<(PersonId, NoticeId), Arc<BTreeSet<u32>>>,
    /// Whom an alert was given since the start: token and identifier.
    given: Mutex<BTreeSet<(String, String)>>,
}

/// What was read from the record, held in memory until the record loses some of it.
#[derive(Debug)]
struct Cache<K, V>(Mutex<(u64, BTreeMap<K, V>)>);

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self(Mutex::new((0, BTreeMap::new())))
    }
}

impl<K: Ord, V: Clone> Cache<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        lock(&self.0).1.get(key).cloned()
    }

    /// How often it was cleared: asked before the record is read.
    fn generation(&self) -> u64 {
        lock(&self.0).0
    }

    /// Holds what was read in this generation; what was read before a purge does not come back after it.
    fn hold(&self, generation: u64, key: K, value: V) {
        let mut all = lock(&self.0);
        if all.0 != generation {
            return;
        }
        if all.1.len() >= MOST_HELD {
            all.1.clear();
        }
        all.1.insert(key, value);
    }

    fn clear(&self) {
        let mut all = lock(&self.0);
        all.0 += 1;
        all.1.clear();
    }
}

/// While it is held no alert is made: for a purge, which takes alerts out of the record's own store, and for the sweep
/// that follows. Let go, nothing of before is held in memory.
pub struct Quiet {
    cap: Arc<CapFeed>,
    _none_is_made: tokio::sync::OwnedMutexGuard<()>,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change under these locks is whole by itself.
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a feed or an alert is not given.
#[derive(Debug, thiserror::Error)]
pub enum CapError {
    /// The engines or the record do not answer now.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
    /// Something failed.
    #[error("{0:#}")]
    Failed(#[from] anyhow::Error),
}

/// Whether a thing marked so may leave for a system of an agency. Nobody in particular reads there, so what is for named
/// people or for one house alone never does; the rest is the one rule of [`may_see`], for somebody without any role.
pub fn may_leave(agency: &AgencyId, reader: &PersonId, marking: &Marking) -> bool {
    let reader = Reader { person: reader.clone(), agency: agency.clone(), roles: BTreeSet::new() };
    marking.tlp <= Tlp::Amber && may_see(&reader, marking)
}

/// The only door to the signature: out of an exercise comes nothing but `Exercise`, and what is live says `Actual`.
fn may_be_signed(status: Status, exercise: bool) -> bool {
    matches!((status, exercise), (Status::Exercise, true) | (Status::Actual, false))
}

impl CapFeed {
    /// `sender` as it is configured; else the log's id, which is unique in the world and stays.
    pub fn new(centre: &Centre, keys: Keys, sender: Option<&str>, base: &Arc<str>) -> anyhow::Result<Self> {
        let own = format!("skypicket.{}", centre.record.head().log);
        let sender = Name::new(sender.unwrap_or(&own)).context("[cap] sender")?;
        let carriers = centre.carriers.get().context("the carriers are not there yet")?;
        let signed = carriers.signed();
        Ok(Self {
            centre: centre.clone(),
            keys,
            sender,
            name: signed.centre.to_owned(),
            web: signed.link.map(str::to_owned),
            base: Arc::clone(base),
            making: Arc::default(),
            alerts: Cache::default(),
            versions: Cache::default(),
            fetched: Cache::default(),
            given: Mutex::default(),
        })
    }

    /// Who sends, in every alert.
    pub fn sender(&self) -> &Name {
        &self.sender
    }

    /// What the feed has for an agency: versions of bulletins that are in force or ended lately, the newest first.
    pub async fn released(&self, agency: &AgencyId, reader: &PersonId) -> Result<Vec<Released>, CapError> {
        let now = clock::now();
        let in_time = move |s: &BulletinState| s.version > 0 && !(s.is_over() && now.since_s(s.at) > ENDED_S);
        let asked: Vec<(NoticeId, u32, Time)> = self
            .centre
            .ask(move |e| e.desk().bulletins().filter(|s| in_time(s)).map(|s| (s.notice, s.version, s.at)).collect())
            .await?;
        let mut all = Vec::new();
        for (id, version, at) in asked {
            let versions = self.versions_of(id, version, at).await?;
            let open = |n: &Notice| n.bulletin().is_some() && may_leave(agency, reader, &n.marking);
            let each: Vec<(u32, bool)> = versions.iter().map(|n| (n.version, open(n))).collect();
            for (version, withdrawal) in found(&each) {
                if withdrawal && !self.fetched(reader, &versions).await?.iter().any(|had| *had < version) {
                    continue;
                }
                let released = Released { versions: Arc::clone(&versions), version, withdrawal };
                if let Some(n) = released.notice().filter(|_| released.identifier().is_some()) {
                    all.push((std::cmp::Reverse(n.at), n.id, std::cmp::Reverse(n.version), released));
                }
            }
        }
        all.sort_by_key(|(at, id, version, _)| (*at, *id, *version));
        Ok(all.into_iter().map(|(.., r)| r).collect())
    }

    /// The versions of a bulletin that systems of an agency fetched, as the audit has it.
    async fn fetched(&self, reader: &PersonId, versions: &[Notice]) -> Result<Arc<BTreeSet<u32>>, CapError> {
        let Some(first) = versions.first() else { return Ok(Arc::default()) };
        let key = (reader.clone(), first.id);
        if let Some(held) = self.fetched.get(&key) {
            return Ok(held);
        }
        let generation = self.fetched.generation();
        let mut found = BTreeSet::new();
        let mut cursor = None;
        loop {
            let query = AccessQuery {
                cursor,
                person: Some(reader.clone()),
                deed: Some(Deed::AlertGiven),
                from: Some(first.at),
                ..AccessQuery::default()
            };
            let page = self.centre.record.access(query).await.context("what was given of a bulletin")?;
            let alerts = page.items.iter().filter_map(|r| parts_of(&r.access.what));
            found.extend(alerts.filter(|(id, _, withdrawal)| *id == first.id && !withdrawal).map(|(_, v, _)| v));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let found = Arc::new(found);
        self.fetched.hold(generation, key, Arc::clone(&found));
        Ok(found)
    }

    /// The versions of a bulletin as the record has them: durable, so that nobody is given what a crash takes back.
    async fn versions_of(&self, id: NoticeId, version: u32, at: Time) -> Result<Arc<Vec<Notice>>, CapError> {
        let now = clock::now();
        if let Some((held_at, read_at, held)) = self.versions.get(&id)
            && held_at == at
            && now.since_s(read_at) < HELD_S
        {
            return Ok(held);
        }
        let generation = self.versions.generation();
        let rows = self.centre.record.notice_versions(id).await.context("the versions of a bulletin")?;
        let versions: Arc<Vec<Notice>> = Arc::new(rows.into_iter().map(|r| r.notice).collect());
        // One that is not written yet is looked for again.
        if versions.last().is_some_and(|n| n.version >= version) {
            self.versions.hold(generation, id, (at, now, Arc::clone(&versions)));
        }
        Ok(versions)
    }

    /// The alert of a version among all of its bulletin, all of them as the record has them, as it was signed first; `None`
    /// where that version has none.
    pub async fn alert(&self, notice: &Notice, versions: &[Notice]) -> Result<Option<Arc<Signed>>, CapError> {
        let Some(identifier) = identifier_of(notice) else { return Ok(None) };
        let earlier = versions.iter().filter(|n| n.version < notice.version);
        self.signed(identifier, notice, |issuer| cap::alert(notice, earlier, Edition::InForce, issuer)).await
    }

    /// The alert of what an agency is released, as it was signed first.
    async fn alert_of(&self, released: &Released) -> Result<Option<Arc<Signed>>, CapError> {
        let Some(notice) = released.notice() else { return Ok(None) };
        if !released.withdrawal {
            return self.alert(notice, &released.versions).await;
        }
        let Some(identifier) = released.identifier() else { return Ok(None) };
        let earlier = released.versions.iter().filter(|n| n.version < notice.version);
        // (The same for each agency that is given it: all of them were released the version before.)
        let Some(last) = earlier.clone().next_back() else { return Ok(None) };
        self.signed(identifier, notice, |issuer| cap::withdrawal(notice, last, earlier, issuer)).await
    }

    /// What is kept under an identifier; else what is made now.
    async fn signed(
        &self,
        identifier: String,
        notice: &Notice,
        make: impl FnOnce(cap::Issuer<'_>) -> Option<Alert>,
    ) -> Result<Option<Arc<Signed>>, CapError> {
        let at = notice.at;
        if let Some(held) = self.kept(&identifier, at).await? {
            return Ok(Some(held));
        }
        let _one = self.making.lock().await;
        if let Some(held) = self.kept(&identifier, at).await? {
            return Ok(Some(held));
        }
        let issuer = cap::Issuer { sender: &self.sender, name: &self.name, web: self.web.as_deref() };
        let Some(alert) = make(issuer) else { return Ok(None) };
        // What was read before a purge is not kept after it: none goes on while this does.
        let generation = self.alerts.generation();
        let there = self.centre.record.notice_versions(notice.id).await.context("the versions of a bulletin")?;
        if !there.iter().any(|r| r.notice.version == notice.version) {
            return Ok(None);
        }
        let made = Arc::new(self.sign(&alert, at).await?);
        let bytes = serde_json::to_vec(&*made).context("an alert")?;
        self.centre.record.private_put(KIND, &identifier, bytes).await.context("an alert could not be kept")?;
        self.alerts.hold(generation, identifier, Arc::clone(&made));
        Ok(Some(made))
    }

    async fn sign(&self, alert: &Alert, at: Time) -> anyhow::Result<Signed> {
        let exercise = self.centre.exercise.is_some();
        anyhow::ensure!(
            may_be_signed(alert.status, exercise),
            "an alert with the status {:?} is not signed {} an exercise",
            alert.status,
            if exercise { "in" } else { "outside" }
        );
        Ok(Signed {
            at,
            xml: self.keys.sign(alert, clock::now()).await?,
            title: alert.info.first().and_then(|i| i.headline.clone()).unwrap_or_default(),
            categories: vec![alert.status.as_str().to_owned(), alert.msg_type.as_str().to_owned()],
        })
    }

    /// What is kept under an identifier, if it is of the version of that time: never of one that the record lost.
    async fn kept(&self, identifier: &str, at: Time) -> Result<Option<Arc<Signed>>, CapError> {
        if let Some(held) = self.alerts.get(&identifier.to_owned()).filter(|s| s.at == at) {
            return Ok(Some(held));
        }
        let generation = self.alerts.generation();
        let kept = self.centre.record.private_get(KIND, identifier).await.context("an alert")?;
        let Some(bytes) = kept else { return Ok(None) };
        let signed: Arc<Signed> = Arc::new(serde_json::from_slice(&bytes).context("a kept alert")?);
        if signed.at != at {
            return Ok(None);
        }
        self.alerts.hold(generation, identifier.to_owned(), Arc::clone(&signed));
        Ok(Some(signed))
    }

    /// The feed of what is released; `since` is its time while it is empty.
    pub async fn feed(&self, released: &[Released], since: Time) -> Result<atom::Feed, CapError> {
        let mut entries = Vec::new();
        for r in released.iter().take(MOST_ENTRIES) {
            let Some(notice) = r.notice() else { continue };
            let Some(signed) = self.alert_of(r).await? else { continue };
            let Some(identifier) = r.identifier() else { continue };
            entries.push(atom::Entry {
                id: format!("urn:uuid:{}", entry_id(&self.sender, &identifier)),
                title: signed.title.clone(),
                updated: notice.at,
                link: format!("{}/cap/alerts/{identifier}.xml", self.base),
                categories: signed.categories.clone(),
            });
        }
        let newest = entries.iter().map(|e| e.updated).max();
        let front = self.centre.exercise.as_ref().map(|x| format!("EXERCISE {x}: ")).unwrap_or_default();
        Ok(atom::Feed {
            id: format!("urn:uuid:{}", self.centre.record.head().log),
            title: format!("{front}Bulletins of {}", self.name),
            updated: newest.map_or(since, |n| n.max(since)),
            author: self.name.clone(),
            own: format!("{}/cap/feed.atom", self.base),
            entries,
        })
    }

    /// Of what is released the one with this identifier, signed.
    pub async fn one(&self, released: &[Released], identifier: &str) -> Result<Option<Arc<Signed>>, CapError> {
        for r in released {
            if r.identifier().as_deref() == Some(identifier) {
                return self.alert_of(r).await;
            }
        }
        Ok(None)
    }

    /// Whether this is the first time since the start that a token is given an alert.
    pub fn is_first(&self, token: &str, identifier: &str) -> bool {
        !lock(&self.given).contains(&(token.to_owned(), identifier.to_owned()))
    }

    /// It stands in the audit that it was.
    pub fn was_given(&self, token: &str, identifier: &str) {
        self.fetched.clear();
        let mut given = lock(&self.given);
        if given.len() >= MOST_HELD * 10 {
            // Said once more in the audit, rather than kept for ever here.
            given.clear();
        }
        given.insert((token.to_owned(), identifier.to_owned()));
    }

    /// Waits for the alert that is being made, and lets none be made until this is let go.
    pub async fn quiet(self: &Arc<Self>) -> Quiet {
        let none_is_made = Arc::clone(&self.making).lock_owned().await;
        Quiet { cap: Arc::clone(self), _none_is_made: none_is_made }
    }

    fn let_go(&self) {
        self.versions.clear();
        self.alerts.clear();
        self.fetched.clear();
    }

    /// Sweeps, and sees to the keys, until the centre stops.
    pub async fn run(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let mut due = tokio::time::interval(SWEEP);
        loop {
            tokio::select! {
                _ = due.tick() => {}
                _ = stopped.wait_for(|s| *s) => return,
            }
            if let Err(error) = self.keys.look(clock::now()).await {
                tracing::error!(%error, "the key for alerts could not be seen to");
            }
            match self.quiet().await.sweep().await {
                Ok(0) => {}
                Ok(alerts) => tracing::info!(alerts, "alerts of what left the record were forgotten"),
                Err(error) => tracing::warn!(%error, "alerts of what left the record could not be looked for"),
            }
        }
    }
}

impl Quiet {
    /// Forgets the alerts whose version the record no longer has; how many. Those in the record's own store went with the
    /// version; what is held in memory goes here.
    pub async fn sweep(&self) -> anyhow::Result<usize> {
        let cap = &self.cap;
        cap.let_go();
        let mut swept = 0;
        let mut versions: BTreeMap<NoticeId, BTreeSet<u32>> = BTreeMap::new();
        for (identifier, _) in cap.centre.record.private_list(KIND).await? {
            let there = match parts_of(&identifier) {
                None => false,
                Some((id, version, _)) => {
                    if let std::collections::btree_map::Entry::Vacant(v) = versions.entry(id) {
                        let rows = cap.centre.record.notice_versions(id).await?;
                        v.insert(rows.into_iter().map(|r| r.notice.version).collect());
                    }
                    versions.get(&id).is_some_and(|all| all.contains(&version))
                }
            };
            if !there {
                cap.centre.record.private_delete(KIND, &identifier).await?;
                swept += 1;
            }
        }
        Ok(swept)
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        self.cap.let_go();
    }
}

/// Of sender and identifier, which name an alert in the whole world.
fn entry_id(sender: &Name, identifier: &str) -> Uuid {
    use sha2::{Digest, Sha256};
    let digest = Sha256::new().chain_update(sender.as_str()).chain_update(",").chain_update(identifier).finalize();
    let mut bytes = [0u8; 16];
    bytes.iter_mut().zip(digest).for_each(|(b, d)| *b = d);
    Uuid::new_v8(bytes)
}

/// Of an alert's identifier: the bulletin, the version, and whether it is a withdrawal.
pub fn parts_of(identifier: &str) -> Option<(NoticeId, u32, bool)> {
    let version = identifier.strip_suffix(WITHDRAWN);
    let (id, v) = version.unwrap_or(identifier).split_once('.')?;
    Some((NoticeId(Uuid::parse_str(id).ok()?), v.parse().ok()?, version.is_some()))
}

/// The identifier of a version's alert; `None` of one that says only that the bulletin expired.
fn identifier_of(notice: &Notice) -> Option<String> {
    if notice.state == skypicket_model::NoticeState::Expired {
        return None;
    }
    cap::identifier(notice).map(|n| n.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_status_but_exercise_is_signed_in_an_exercise_and_none_but_actual_outside() {
        for status in [Status::Actual, Status::Exercise, Status::System, Status::Test, Status::Draft] {
            assert_eq!(may_be_signed(status, true), status == Status::Exercise, "{status:?} in an exercise");
            assert_eq!(may_be_signed(status, false), status == Status::Actual, "{status:?} outside");
        }
    }

    #[test]
    fn what_leaves_for_an_agencys_systems_follows_its_marking() {
        let agency = |s: &str| AgencyId::new(s).unwrap();
        let (north, reader) = (agency("north"), PersonId::new("partner.north").unwrap());
        let marking = |tlp, owner: Option<&str>, to: &[&str]| Marking {
            tlp,
            owner: owner.map(agency),
            releasable_to: to.iter().map(|a| agency(a)).collect(),
            named: [reader.clone()].into(),
        };
        for (tlp, owner, to, leaves) in [
            (Tlp::Clear, None, &[][..], true),
            (Tlp::Green, None, &[], true),
            (Tlp::Green, Some("south"), &[], true),
            (Tlp::Green, None, &["south"], false),
            (Tlp::Green, None, &["north"], true),
            (Tlp::Amber, None, &[], false),
            (Tlp::Amber, None, &["south"], false),
            (Tlp::Amber, Some("south"), &["north"], true),
            (Tlp::Amber, Some("north"), &[], true),
            (Tlp::AmberStrict, Some("north"), &["north"], false),
            (Tlp::Red, Some("north"), &["north"], false),
        ] {
            let m = marking(tlp, owner, to);
            assert_eq!(may_leave(&north, &reader, &m), leaves, "{m:?}");
        }
    }

    #[test]
    fn what_was_read_before_a_purge_does_not_come_back_after_it() {
        let held: Cache<u32, &str> = Cache::default();
        let before = held.generation();
        held.hold(before, 1, "one");
        assert_eq!(held.get(&1), Some("one"));
        // Read before it, and put in after it.
        held.clear();
        held.hold(before, 1, "one");
        assert_eq!(held.get(&1), None);
        held.hold(held.generation(), 1, "new");
        assert_eq!(held.get(&1), Some("new"));
        // No more than so many.
        for n in 0..5_000 {
            held.hold(held.generation(), n, "x");
        }
        assert!(lock(&held.0).1.len() <= MOST_HELD);
    }

    #[test]
    fn an_identifier_says_of_what_it_is() {
        let id = "018f0000-0000-7000-8000-000000000000";
        let notice = NoticeId(Uuid::parse_str(id).unwrap());
        assert_eq!(parts_of(&format!("{id}.2")), Some((notice, 2, false)));
        assert_eq!(parts_of(&format!("{id}.2{WITHDRAWN}")), Some((notice, 2, true)));
        for other in ["", id, "x.1", &format!("{id}.x"), &format!("{id}.1.more")] {
            assert_eq!(parts_of(other), None, "{other}");
        }
    }

    #[test]
    fn whoever_was_released_a_version_finds_the_next_one_or_its_end() {
        // `o` is open to the agency, `c` is not.
        for (markings, expect) in [
            ("", &[][..]),
            ("o", &[(1, false)]),
            ("c", &[]),
            ("oo", &[(1, false), (2, false)]),
            ("co", &[(2, false)]),
            ("oc", &[(2, true)]),
            ("ooc", &[(3, true)]),
            ("occ", &[(2, true)]),
            ("coc", &[(3, true)]),
            // Open again: what it was given before stands there as it did, its end between.
            ("oco", &[(1, false), (2, true), (3, false)]),
            ("ococ", &[(2, true), (4, true)]),
        ] {
            let versions: Vec<(u32, bool)> = (1..).zip(markings.chars().map(|m| m == 'o')).collect();
            assert_eq!(found(&versions), expect, "{markings}");
        }
    }

    #[test]
    fn an_entry_has_the_same_id_each_time_and_no_other_has_it() {
        let name = |s| Name::new(s).unwrap();
        let one = entry_id(&name("a"), "b.1");
        assert_eq!(one, entry_id(&name("a"), "b.1"));
        assert_ne!(one, entry_id(&name("a"), "b.2"));
        assert_ne!(one, entry_id(&name("ab"), ".1"));
    }
}
