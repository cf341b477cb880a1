//! [`Push`]: the second way to a person: their phones' push subscriptions, and warnings on the way to them.
//!
//! Subscriptions and the centre's own VAPID key lie in the record's private store (kinds `push` and `vapid`), never in
//! the history. A person's channel is up while they have a subscription. What is sent passes a stranger: its text is
//! sealed, and above TLP:GREEN it says only that there is something to read. "Accepted" is the maker's word; that a
//! phone has it is said by its own receipt.
//!
//! Sending has tasks of its own, bounded in number: no other channel ever waits for it.

use crate::{
    inbox::{Inbox, Job},
    news::News,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use skypicket_link::webpush::{self, Endpoint, Keys, Message, Sent, VapidKey, WebPush};
use skypicket_model::{
    About, Channel, Delivery, Notice, PersonId, ProviderResult, RequestId, Time, delivery::Outcome, marking::Tlp,
    people::Language,
};
use skypicket_record::{Record, SqliteRecord};
use skypicket_wire::render::{
    Sending, Words,
    push::{foot, push_body},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// Kind of a subscription in the private store; its key is `PERSON/ID`.
const KIND: &str = "push";
/// Kind and key of the centre's own key.
const VAPID: &str = "vapid";
/// Most phones of one person.
pub const MOST_DEVICES: usize = 5;
/// Most deliveries that are on their way to makers' servers.
const MOST_WAITING: usize = 20_000;
/// A person may ask for a test so often.
const TEST_EVERY: Duration = Duration::from_secs(5);

/// For so long an accepted message without a receipt speaks against push.
const HOUR: Duration = Duration::from_hours(1);
/// Most accepted messages that are remembered.
const MOST_UNCONFIRMED: usize = 10_000;

/// Longest that makers' servers keep anything, seconds: four weeks.
const MOST_TTL_S: u32 = 2_419_200;

/// How push is set: `[push]`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushConfig {
    /// Off: nobody can subscribe, and who did gets nothing.
    pub enabled: bool,
    /// Whom the maker of a browser can write to about misuse: `mailto:` or `https:`. Apple sends nothing without.
    pub contact: Option<String>,
    /// Seconds that the maker's server keeps a warning for a phone that is off: an old warning is worse than none.
    pub ttl_s: u32,
    /// The same for a bulletin, which is worth something until its own time is over, and at most so long.
    pub bulletin_ttl_s: u32,
}

impl Default for PushConfig {
    fn default() -> Self {
        Self { enabled: true, contact: None, ttl_s: 120, bulletin_ttl_s: 86_400 }
    }
}

impl PushConfig {
    /// Checks each value.
    pub fn check(&self) -> Result<(), String> {
        if let Some(c) = &self.contact
            && !((c.starts_with("mailto:") || c.starts_with("https://"))
                && c.len() <= 200
                && c.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(format!("contact '{c}': give mailto:NAME@HOST or https://HOST"));
        }
        if !(1..=3_600).contains(&self.ttl_s) {
            return Err(format!("ttl_s is {}: give 1 to 3600 seconds", self.ttl_s));
        }
        if !(1..=MOST_TTL_S).contains(&self.bulletin_ttl_s) {
            return Err(format!("bulletin_ttl_s is {}: give 1 to {MOST_TTL_S} seconds", self.bulletin_ttl_s));
        }
        Ok(())
    }
}

/// A subscription as it is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    endpoint: String,
    p256dh: String,
    auth: String,
    name: String,
    session: String,
    made_at: Time,
}

/// A subscription, ready to be used.
struct Device {
    kept: Kept,
    endpoint: Endpoint,
    keys: Keys,
    /// When the maker's server last took a message.
    accepted_at: Option<Time>,
    /// What went wrong with the last message; none when it was taken.
    trouble: Option<String>,
}

/// A subscription, for its owner to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceView {
    /// Made by the phone.
    pub id: RequestId,
    /// What phone and browser it is, in its own words.
    pub name: String,
    /// The maker's server.
    pub service: String,
    /// Since when.
    pub made_at: Time,
    /// When the maker's server last took a message.
    pub accepted_at: Option<Time>,
    /// What went wrong with the last message; null when it was taken.
    pub trouble: Option<String>,
}

/// What a phone says of its subscription.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// Made by the phone.
    pub id: RequestId,
    /// Where to write.
    pub endpoint: String,
    /// The phone's public key.
    pub p256dh: String,
    /// The secret that it shares with us.
    pub auth: String,
    /// What phone and browser it is.
    pub name: String,
    /// The session that it came with.
    pub session: String,
}

/// Why a subscription was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// Switched off in the configuration.
    #[error("push is switched off at this centre ([push] enabled = false)")]
    Off,
    /// A value is out of its range.
    #[error("{0}")]
    Invalid(String),
    /// The id was used for another subscription.
    #[error("this id was used before for something else")]
    Reused,
    /// A phone less, first.
    #[error("there are {MOST_DEVICES} phones with push already: take one off first")]
    Many,
    /// A test was asked for just now.
    #[error("a test was sent just now: wait five seconds")]
    Soon,
    /// The private store failed.
    #[error("the private store failed: {0}")]
    Store(String),
}

type Devices = BTreeMap<PersonId, BTreeMap<RequestId, Device>>;

/// Phones that are reached by push.
pub struct Push {
    config: PushConfig,
    sender: WebPush,
    record: Arc<SqliteRecord>,
    inbox: Arc<Inbox>,
    devices: Mutex<Devices>,
    /// Store and table change together, one change at a time.
    changing: tokio::sync::Mutex<()>,
    waiting: AtomicUsize,
    tested: Mutex<HashMap<PersonId, Instant>>,
    /// When makers' servers accepted messages in the last hour, since the last receipt of any phone.
    unconfirmed: Mutex<VecDeque<Instant>>,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change under these locks is whole by itself.
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

fn store(e: impl std::fmt::Display) -> PushError {
    PushError::Store(e.to_string())
}

impl Push {
    /// Over a record: its key, made at the first start, and its subscriptions. `loopback` is only for tests: makers'
    /// servers on this machine.
    pub async fn open(
        config: PushConfig,
        record: Arc<SqliteRecord>,
        inbox: Arc<Inbox>,
        loopback: bool,
    ) -> Result<Arc<Self>, PushError> {
        let key = if let Some(kept) = record.private_get(VAPID, "key").await.map_err(store)? {
            kept
        } else {
            let made = VapidKey::generate().map_err(store)?;
            record.private_put(VAPID, "key", made.clone()).await.map_err(store)?;
            made
        };
        let key = VapidKey::from_pkcs8(&key).map_err(store)?;
        let sender =
            WebPush::new(key, webpush::Settings { contact: config.contact.clone(), loopback }).map_err(store)?;
        let mut devices = Devices::new();
        for (name, bytes) in record.private_list(KIND).await.map_err(store)? {
            if let Some((person, id, device)) = readable(&sender, &name, &bytes) {
                devices.entry(person).or_default().insert(id, device);
            } else {
                tracing::warn!("a kept push subscription cannot be used any more");
            }
        }
        Ok(Arc::new(Self {
            config,
            sender,
            record,
            inbox,
            devices: Mutex::new(devices),
            changing: tokio::sync::Mutex::default(),
            waiting: AtomicUsize::new(0),
            tested: Mutex::default(),
            unconfirmed: Mutex::default(),
        }))
    }

    /// Tells dispatch whose channel came up or went down since it last knew: `up` are those for whom it holds it up.
    pub fn started(&self, up: &BTreeSet<PersonId>) {
        let now: BTreeSet<PersonId> =
            if self.config.enabled { lock(&self.devices).keys().cloned().collect() } else { BTreeSet::new() };
        for p in now.difference(up) {
            self.reach(p, true);
        }
        for p in up.difference(&now) {
            self.reach(p, false);
        }
    }

    fn reach(&self, person: &PersonId, up: bool) {
        if let Err(error) = self.inbox.push(Job::Reach(person.clone(), Channel::Push, up)) {
            // Said again at the next start; until then an attempt fails and the next channel is tried.
            tracing::warn!(%error, up, "a change of a push channel was not taken");
        }
    }

    /// Whether people may subscribe.
    pub fn enabled(&self) -> bool {
        self.config.enabled
    }

    /// The public half of the centre's key.
    pub fn public_key(&self) -> String {
        self.sender.public_key()
    }

    /// Whether `[push] contact` is set.
    pub fn has_contact(&self) -> bool {
        self.sender.has_contact()
    }

    /// A person's phones, oldest first.
    pub fn of(&self, person: &PersonId) -> Vec<DeviceView> {
        let devices = lock(&self.devices);
        let mut all: Vec<DeviceView> = devices.get(person).into_iter().flatten().map(|(id, d)| view(*id, d)).collect();
        all.sort_by_key(|d| (d.made_at, d.id));
        all
    }

    /// Takes a subscription. The same again gets the same answer; the same address under another id, or another person's,
    /// takes the place of the older one: it is one browser, and only who uses it now may get warnings on it.
    pub async fn add(&self, person: &PersonId, new: NewDevice, now: Time) -> Result<DeviceView, PushError> {
        if !self.config.enabled {
            return Err(PushError::Off);
        }
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > 80 || name.chars().any(char::is_control) {
            return Err(PushError::Invalid("device: 1 to 80 printable characters".into()));
        }
        let endpoint = self.sender.endpoint(&new.endpoint).map_err(|e| PushError::Invalid(e.to_string()))?;
        let keys = Keys::from_texts(&new.p256dh, &new.auth).map_err(|e| PushError::Invalid(format!("keys: {e}")))?;
        let _one = self.changing.lock().await;
        let mut older = Vec::new();
        {
            let devices = lock(&self.devices);
            if let Some(d) = devices.get(person).and_then(|all| all.get(&new.id)) {
                let same = (&d.kept.endpoint, &d.kept.p256dh, &d.kept.auth) == (&new.endpoint, &new.p256dh, &new.auth);
                return if same { Ok(view(new.id, d)) } else { Err(PushError::Reused) };
            }
            for (p, all) in devices.iter() {
                older.extend(
                    all.iter().filter(|(_, d)| d.kept.endpoint == new.endpoint).map(|(id, _)| (p.clone(), *id)),
                );
            }
            let own = devices.get(person).map_or(0, BTreeMap::len);
            if own - older.iter().filter(|(p, _)| p == person).count() >= MOST_DEVICES {
                return Err(PushError::Many);
            }
        }
        let kept = Kept {
            endpoint: new.endpoint,
            p256dh: new.p256dh,
            auth: new.auth,
            name: name.to_owned(),
            session: new.session,
            made_at: now,
        };
        let bytes = serde_json::to_vec(&kept).map_err(store)?;
        self.record.private_put(KIND, &format!("{person}/{}", new.id), bytes).await.map_err(store)?;
        let device = Device { kept, endpoint, keys, accepted_at: None, trouble: None };
        let seen = view(new.id, &device);
        let first = {
            let mut devices = lock(&self.devices);
            let all = devices.entry(person.clone()).or_default();
            let first = all.is_empty();
            all.insert(new.id, device);
            first
        };
        for (p, id) in older {
            self.take_out(&p, id).await?;
        }
        if first {
            self.reach(person, true);
        }
        Ok(seen)
    }

    /// Takes a person's phone off; whether there was one.
    pub async fn remove(&self, person: &PersonId, id: RequestId) -> Result<bool, PushError> {
        let _one = self.changing.lock().await;
        self.take_out(person, id).await
    }

    /// Takes all of a person's phones off: theirs were lost, or they are no more.
    pub async fn drop_person(&self, person: &PersonId) -> Result<usize, PushError> {
        self.drop_if(person, |_| true).await
    }

    /// Takes off the phones that came with a session which ended.
    pub async fn drop_session(&self, person: &PersonId, session: &str) -> Result<usize, PushError> {
        self.drop_if(person, |d| d.kept.session == session).await
    }

    async fn drop_if(&self, person: &PersonId, which: impl Fn(&Device) -> bool) -> Result<usize, PushError> {
        let _one = self.changing.lock().await;
        let ids: Vec<RequestId> = {
            let devices = lock(&self.devices);
            devices.get(person).into_iter().flatten().filter(|(_, d)| which(d)).map(|(id, _)| *id).collect()
        };
        for id in &ids {
            self.take_out(person, *id).await?;
        }
        Ok(ids.len())
    }

    /// Under the lock of changes.
    async fn take_out(&self, person: &PersonId, id: RequestId) -> Result<bool, PushError> {
        // First out of the table: from now on nothing is sent to it, whatever the disk says.
        let (was, last) = {
            let mut devices = lock(&self.devices);
            let was = devices.get_mut(person).is_some_and(|all| all.remove(&id).is_some());
            let last = was && devices.get(person).is_some_and(BTreeMap::is_empty);
            if last {
                devices.remove(person);
            }
            (was, last)
        };
        if last {
            self.reach(person, false);
        }
        self.record.private_delete(KIND, &format!("{person}/{id}")).await.map_err(store)?;
        Ok(was)
    }

    /// Hands a delivery to the person's phones; what became of it comes back as an input. Never waits.
    pub fn deliver(self: &Arc<Self>, delivery: Delivery, news: &News, unrecorded: bool) {
        if !self.config.enabled {
            return self.report(&delivery, Outcome::Failed("push is switched off".into()));
        }
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= MOST_WAITING {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            return self.report(&delivery, Outcome::Failed("too much waits for push".into()));
        }
        let message = self.message(&delivery, news, unrecorded);
        let push = Arc::clone(self);
        tokio::spawn(async move {
            let sent = push.send_all(&delivery.person, &message).await;
            push.waiting.fetch_sub(1, Ordering::AcqRel);
            push.report(&delivery, outcome(sent));
        });
    }

    /// A phone gave a receipt: push works.
    pub fn receipt(&self) {
        lock(&self.unconfirmed).clear();
    }

    /// So many messages were accepted in the last hour, each longer ago than a receipt may take, and not one phone gave
    /// any.
    pub fn is_silent(&self, accepted: u32, wait: Duration) -> bool {
        let now = Instant::now();
        let mut unconfirmed = lock(&self.unconfirmed);
        unconfirmed.retain(|at| now.saturating_duration_since(*at) < HOUR);
        let late = unconfirmed.iter().filter(|at| now.saturating_duration_since(**at) > wait).count();
        late >= accepted as usize
    }

    fn report(&self, delivery: &Delivery, outcome: Outcome) {
        if outcome == Outcome::Accepted {
            let mut unconfirmed = lock(&self.unconfirmed);
            if unconfirmed.len() == MOST_UNCONFIRMED {
                unconfirmed.pop_front();
            }
            unconfirmed.push_back(Instant::now());
        }
        let word = outcome.word();
        metrics::counter!("skypicket_push_deliveries_total", "outcome" => word).increment(1);
        let result = ProviderResult { delivery: delivery.id, attempt: delivery.attempts, outcome };
        if let Err(error) = self.inbox.push(Job::Provider(result)) {
            // Without the result the attempt counts as ambiguous when its time is up.
            tracing::warn!(%error, "result of a push attempt was not taken");
        }
    }

    /// A message that says only that push works, to all of a person's phones; what became of it at each.
    pub async fn test(
        &self,
        person: &PersonId,
        language: Language,
        exercise: Option<&str>,
        test: RequestId,
    ) -> Result<Vec<(DeviceView, &'static str)>, PushError> {
        if !self.config.enabled {
            return Err(PushError::Off);
        }
        {
            let mut tested = lock(&self.tested);
            let now = Instant::now();
            tested.retain(|_, at| now - *at < TEST_EVERY);
            if tested.contains_key(person) {
                return Err(PushError::Soon);
            }
            tested.insert(person.clone(), now);
        }
        let text = json!({
            "kind": "test", "id": test, "at": crate::clock::now(), "exercise": exercise, "language": language,
        });
        let message =
            Message { text: text.to_string().into_bytes(), ttl_s: 30, urgent: true, topic: Some("test".into()) };
        let sent = self.send_all(person, &message).await;
        let devices = self.of(person);
        let said = |id: RequestId| sent.iter().find(|(i, _)| *i == id).map_or("failed", |(_, s)| word(s));
        Ok(devices
            .into_iter()
            .map(|d| {
                let w = said(d.id);
                (d, w)
            })
            .collect())
    }

    /// Sends to all of a person's phones side by side.
    async fn send_all(&self, person: &PersonId, message: &Message) -> Vec<(RequestId, Sent)> {
        let to: Vec<(RequestId, Endpoint, Keys)> = {
            let devices = lock(&self.devices);
            let own = devices.get(person).into_iter().flatten();
            own.map(|(id, d)| (*id, d.endpoint.clone(), d.keys.clone())).collect()
        };
        let now_s = crate::clock::now().as_micros().div_euclid(1_000_000);
        let sending = to
            .iter()
            .map(|(id, endpoint, keys)| async move { (*id, self.sender.send(endpoint, keys, message, now_s).await) });
        let sent = futures_util::future::join_all(sending).await;
        for (id, s) in &sent {
            self.note(person, *id, s).await;
        }
        sent
    }

    /// Keeps what became of a message with the phone; one that is gone is forgotten.
    async fn note(&self, person: &PersonId, id: RequestId, sent: &Sent) {
        if *sent == Sent::Gone {
            tracing::info!(person = %person, "a push subscription is no more: taken off");
            if let Err(error) = self.remove(person, id).await {
                tracing::warn!(%error, "a push subscription could not be taken off");
            }
            return;
        }
        let mut devices = lock(&self.devices);
        let Some(d) = devices.get_mut(person).and_then(|all| all.get_mut(&id)) else { return };
        match sent {
            Sent::Accepted => {
                d.accepted_at = Some(crate::clock::now());
                d.trouble = None;
            }
            Sent::Failed(why) | Sent::Ambiguous(why) => d.trouble = Some(why.clone()),
            Sent::Gone => {}
        }
    }

    /// How long the maker's server keeps it: a warning briefly; a bulletin, and the word of its end, as long as it is worth
    /// something.
    fn ttl_s(&self, n: &Notice, now: Time) -> u32 {
        if n.bulletin().is_none() {
            return self.config.ttl_s;
        }
        let left_s = n.expires_at.filter(|_| !n.state.ended()).map_or(f64::INFINITY, |t| t.since_s(now));
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the bounds of a u32
        let left_s = left_s.clamp(1.0, f64::from(self.config.bulletin_ttl_s)) as u32;
        left_s
    }

    fn message(&self, delivery: &Delivery, news: &News, unrecorded: bool) -> Message {
        let n = &news.notice;
        let quiet = n.state.ended() || !n.needs_ack;
        let now = crate::clock::now();
        let ttl_s = self.ttl_s(n, now);
        Message {
            text: payload(delivery, news, unrecorded, (ttl_s, now)),
            ttl_s,
            urgent: !quiet,
            topic: Some(topic(&n.id.to_string())),
        }
    }
}

/// What goes to the phone. Up to TLP:GREEN the warning's own words; above, only that there is one.
fn payload(delivery: &Delivery, news: &News, unrecorded: bool, (ttl_s, now): (u32, Time)) -> Vec<u8> {
    let n = &news.notice;
    let own = news.row(&delivery.person);
    let language = own.map(|r| r.language).unwrap_or_default();
    let may_pass = n.marking.tlp <= Tlp::Green;
    let mut payload = json!({
        "kind": "notice", "notice_kind": if n.bulletin().is_some() { "bulletin" } else { "warning" }, "id": n.id, "version": n.version, "state": n.state, "level": n.level, "at": n.at,
        "expires_at": now.plus_s(f64::from(ttl_s)), "delivery": delivery.id, "asks": own.is_some_and(|r| r.owes),
        "language": language, "exercise": n.exercise, "may_repeat": delivery.may_repeat,
        "unrecorded": unrecorded, "reminder": delivery.reminder,
    });
    if n.bulletin().is_some() {
        payload["foot"] = json!(n.marking.tlp.label());
    }
    let bare = payload.to_string().into_bytes();
    if !may_pass {
        return bare;
    }
    payload["text"] = json!(if language == Language::Es { &n.text_es } else { &n.text });
    match &n.about {
        About::Warning(w) => {
            payload["mine"] = json!(w.protected.person() == Some(&delivery.person));
            payload["about"] = json!(w.protected_name);
        }
        About::Bulletin(b) => {
            let words = Words::of(n, &delivery.person, language, Sending::default());
            payload["text"] = json!(push_body(&words));
            payload["foot"] = json!(foot(&words));
            payload["mine"] = json!(true);
            payload["about"] = json!(if language == Language::Es { &b.title_es } else { &b.title });
        }
    }
    let whole = payload.to_string().into_bytes();
    // Longer than any warning is: the page has the words.
    if whole.len() > webpush::MOST_TEXT { bare } else { whole }
}

/// A kept subscription, if it can still be used.
fn readable(sender: &WebPush, name: &str, bytes: &[u8]) -> Option<(PersonId, RequestId, Device)> {
    let (person, id) = name.rsplit_once('/')?;
    let kept: Kept = serde_json::from_slice(bytes).ok()?;
    let endpoint = sender.endpoint(&kept.endpoint).ok()?;
    let keys = Keys::from_texts(&kept.p256dh, &kept.auth).ok()?;
    let id = serde_json::from_value(serde_json::Value::String(id.to_owned())).ok()?;
    Some((PersonId::new(person).ok()?, id, Device { kept, endpoint, keys, accepted_at: None, trouble: None }))
}

fn view(id: RequestId, d: &Device) -> DeviceView {
    DeviceView {
        id,
        name: d.kept.name.clone(),
        service: d.endpoint.host().to_owned(),
        made_at: d.kept.made_at,
        accepted_at: d.accepted_at,
        trouble: d.trouble.clone(),
    }
}

/// The same for all versions of one notice, and nothing that the maker's server could look up.
fn topic(notice: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(notice.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(hash.get(..18).unwrap_or_default())
}

fn word(sent: &Sent) -> &'static str {
    match sent {
        Sent::Accepted => "accepted",
        Sent::Gone => "gone",
        Sent::Failed(_) => "failed",
        Sent::Ambiguous(_) => "ambiguous",
    }
}

/// One of the phones is enough; otherwise what is least sure counts.
fn outcome(sent: Vec<(RequestId, Sent)>) -> Outcome {
    let mut failed = None;
    let mut ambiguous = None;
    for (_, s) in sent {
        match s {
            Sent::Accepted => return Outcome::Accepted,
            Sent::Gone => drop(failed.get_or_insert_with(|| "the push subscription is no more".to_owned())),
            Sent::Failed(why) => failed = Some(why),
            Sent::Ambiguous(why) => ambiguous = Some(why),
        }
    }
    match (ambiguous, failed) {
        (Some(why), _) => Outcome::Ambiguous(why),
        (None, Some(why)) => Outcome::Failed(why),
        (None, None) => Outcome::Failed("no phone with push".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skypicket_dispatch::Counts;
    use skypicket_model::Marking;
    use std::collections::BTreeMap;

    #[test]
    fn one_phone_is_enough_and_doubt_counts_more_than_a_sure_failure() {
        let id = || serde_json::from_str("\"018f0000-0000-7000-8000-000000000001\"").unwrap();
        let failed = || (id(), Sent::Failed("x".into()));
        let doubt = || (id(), Sent::Ambiguous("y".into()));
        assert_eq!(outcome(vec![failed(), (id(), Sent::Accepted), doubt()]), Outcome::Accepted);
        assert_eq!(outcome(vec![failed(), doubt(), failed()]), Outcome::Ambiguous("y".into()));
        assert_eq!(outcome(vec![(id(), Sent::Gone), failed()]), Outcome::Failed("x".into()));
        assert!(matches!(outcome(vec![(id(), Sent::Gone)]), Outcome::Failed(w) if w.contains("no more")));
        assert!(matches!(outcome(vec![]), Outcome::Failed(_)));
    }

    #[test]
    fn a_topic_is_short_steady_and_says_nothing() {
        let t = topic("018f0000-0000-8000-8000-000000000001");
        assert_eq!(t.len(), 24);
        assert_eq!(t, topic("018f0000-0000-8000-8000-000000000001"));
        assert_ne!(t, topic("018f0000-0000-8000-8000-000000000002"));
        assert!(t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }

    fn some_news(marking: &Marking, exercise: Option<&str>, text: &str) -> News {
        let notice = json!({
            "id": "018f0000-0000-8000-8000-000000000001", "version": 2, "state": "updated", "level": "urgent",
            "at": "2026-11-26T12:00:00Z", "track": "018f0000-0000-8000-8000-000000000002",
            "protected": {"person": "agent-a1"}, "protected_name": "Agent 1", "needs_ack": true,
            "facts": {
                "distance_m": 350.0, "bearing_deg": 45.0, "earliest_s": 20.0, "cpa_m": 5.0, "p_within_30": 0.9,
                "track_at": {"lat_deg": 31.0, "lon_deg": -106.0}, "height_unknown": false, "by_people_only": false,
            },
            "reasons": [], "because": [], "marking": marking, "exercise": exercise, "code": "1234", "text": text,
            "text_es": "Dron a 350 m.",
        });
        News {
            notice: serde_json::from_value(notice).unwrap(),
            issuers: crate::views::Issuers::default(),
            counts: Counts::default(),
            quiet: false,
            rows: Vec::new(),
            more: false,
            own: BTreeMap::new(),
        }
    }

    fn sent(news: &News) -> serde_json::Value {
        let delivery = json!({
            "id": "018f0000-0000-8000-8000-000000000003", "notice": news.notice.id, "version": 2, "person": "agent-a1",
            "channel": "push", "reached": "queued", "attempts": 1, "may_repeat": false, "trouble": null,
        });
        let now = serde_json::from_value(json!("2026-11-26T12:00:01Z")).unwrap();
        serde_json::from_slice(&payload(&serde_json::from_value(delivery).unwrap(), news, false, (120, now))).unwrap()
    }

    #[test]
    fn up_to_green_the_words_go_along_and_above_nothing_that_says_what_or_where() {
        let marked = |tlp| Marking { tlp, ..Marking::default() };
        for tlp in [Tlp::Clear, Tlp::Green] {
            let p = sent(&some_news(&marked(tlp), None, "Drone, 350 m."));
            assert_eq!(
                (&p["text"], &p["about"], &p["mine"]),
                (&json!("Drone, 350 m."), &json!("Agent 1"), &json!(true))
            );
        }
        for tlp in [Tlp::Amber, Tlp::AmberStrict, Tlp::Red] {
            let p = sent(&some_news(&marked(tlp), None, "Drone, 350 m."));
            let keys: Vec<&str> = p.as_object().unwrap().keys().map(String::as_str).collect();
            let allowed = [
                "asks",
                "at",
                "delivery",
                "exercise",
                "expires_at",
                "id",
                "kind",
                "language",
                "level",
                "may_repeat",
                "notice_kind",
                "reminder",
                "state",
                "unrecorded",
                "version",
            ];
            assert_eq!(keys, allowed, "{tlp:?}");
            assert_eq!((&p["version"], &p["level"]), (&json!(2), &json!("urgent")));
            assert_eq!(p["delivery"], "018f0000-0000-8000-8000-000000000003");
        }
    }

    #[test]
    fn a_bulletin_goes_with_the_words_chosen_for_it_its_number_and_marking_and_above_green_with_the_label_alone() {
        let news = |tlp: &str| {
            let notice = json!({
                "id": "018f0000-0000-8000-8000-000000000001", "version": 2, "state": "updated", "level": "urgent",
                "at": "2026-11-26T12:00:00Z", "needs_ack": true, "marking": {"tlp": tlp}, "exercise": null, "code": "1234",
                "text": "A long text.", "text_es": "Un texto largo.", "title": "Alert", "title_es": "Alerta",
                "audience": [{"to": "in_danger"}], "issued_by": "watch", "number": "OSA-2026-0001",
                "sheet": {"series": "OSA", "kind": {"en": "Alert"}, "issuer": "Centre", "brief": {"en": "In short."}},
            });
            News { notice: serde_json::from_value(notice).unwrap(), ..some_news(&Marking::default(), None, "") }
        };
        let p = sent(&news("TLP:GREEN"));
        assert_eq!((&p["text"], &p["about"]), (&json!("In short."), &json!("Alert")));
        assert_eq!(p["foot"], json!("OSA-2026-0001 TLP:GREEN"));
        let p = sent(&news("TLP:AMBER"));
        assert_eq!((&p["text"], &p["about"], &p["foot"]), (&json!(null), &json!(null), &json!("TLP:AMBER")));
    }

    #[test]
    fn an_exercise_is_named_and_a_life_ends_and_what_is_too_long_goes_without_words() {
        let p = sent(&some_news(&Marking::default(), Some("first-light"), "Drone."));
        assert_eq!(p["exercise"], "first-light");
        assert_eq!(p["expires_at"], "2026-11-26T12:02:01Z");
        let p = sent(&some_news(&Marking::default(), None, &"x".repeat(5_000)));
        assert!(p.get("text").is_none() && p["level"] == "urgent");
    }

    #[test]
    fn settings_out_of_range_are_refused_by_name() {
        let c = |contact: Option<&str>, ttl_s| PushConfig {
            contact: contact.map(Into::into),
            ttl_s,
            ..PushConfig::default()
        };
        assert_eq!(PushConfig::default().check(), Ok(()));
        assert_eq!(c(Some("mailto:watch@example.org"), 1).check(), Ok(()));
        assert!(c(Some("watch@example.org"), 60).check().unwrap_err().starts_with("contact"));
        assert!(c(Some("mailto:a b"), 60).check().unwrap_err().starts_with("contact"));
        assert!(c(None, 0).check().unwrap_err().starts_with("ttl_s"));
        assert!(c(None, 3_601).check().unwrap_err().starts_with("ttl_s"));
    }
}
