//! [`Session`]: somebody signed in on one device, from when, from where, last used when.
//!
//! All live sessions stand in memory, and in the private store under the hash of their secret. A new secret is made at
//! each sign-in, and again when the password or a factor changes; nothing that a browser had before is taken over.

use super::{SignInPolicy, secret};
use crate::{
    clock,
    http::auth::{Access, AccessError, hash},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use skypicket_model::{Directory, PersonId, Role, Time};
use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Most sessions of one person: the one not used for longest makes room.
const MOST: usize = 20;
/// The store learns of use so often, seconds: a console answers hundreds of requests a minute.
const NOTED_S: f64 = 600.0;

/// A session. Those of older records have no more than a person and an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id, which stays when its secret changes; of those of older records the beginning of the secret's hash.
    #[serde(default)]
    pub id: String,
    /// Whose.
    pub person: PersonId,
    /// It ends here at the latest.
    pub until: Time,
    /// When they signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at: Option<Time>,
    /// Last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Time>,
    /// On what: coarse words.
    #[serde(default)]
    pub agent: String,
    /// From where.
    #[serde(default)]
    pub address: String,
    /// How they signed in.
    #[serde(default)]
    pub how: How,
}

/// How somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Before this was noted.
    #[default]
    Unknown,
    /// By a one-time link.
    Link,
    /// By a password.
    Password,
    /// By a password and a code.
    PasswordAndCode,
    /// By a passkey.
    Passkey,
    /// Through the provider of the house.
    Provider,
}

/// On what and from where somebody signs in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Coarse words about the browser.
    pub agent: String,
    /// The address.
    pub address: Option<IpAddr>,
}

/// Coarse words for a browser's own description of itself: enough to know one's own phone from one's own desk.
pub fn agent_words(header: &str) -> String {
    let has = |w: &str| header.contains(w);
    let browser =
        [("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari")];
    let system = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Mac OS X", "Mac"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let find = |list: &[(&str, &'static str)]| list.iter().find(|(w, _)| has(w)).map(|(_, name)| *name);
    match (find(&browser), find(&system)) {
        (Some(b), Some(s)) => format!("{b} on {s}"),
        (Some(x), None) | (None, Some(x)) => x.to_owned(),
        (None, None) => "a program".to_owned(),
    }
}

impl Session {
    /// Its end by policy, for somebody with these roles now: the earliest of what was said at the beginning, the length
    /// and the time without use.
    pub fn ends_at(&self, policy: &SignInPolicy, roles: &BTreeSet<Role>) -> Time {
        let (length_s, idle_s) = policy.lasts(roles);
        let by_length = self.made_at.map(|m| m.plus_s(length_s));
        let by_idle = self.used_at.map(|u| u.plus_s(idle_s));
        [by_length, by_idle].into_iter().flatten().fold(self.until, Time::min)
    }

    /// As it is listed.
    pub fn row(&self, current: &str, ends_at: Time) -> Value {
        let id = &self.id;
        json!({
            "id": id, "this": *id == current, "agent": self.agent, "address": self.address, "how": self.how,
            "signed_in_at": self.made_at, "used_at": self.used_at, "ends_at": ends_at,
        })
    }
}

/// A session's id, from the hash of its secret: it opens nothing.
pub fn id_of(key: &str) -> String {
    key.chars().take(16).collect()
}

impl Access {
    pub(crate) fn sessions(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the sessions that are kept; those of people who are not in the directory any more, or shut out, go.
    pub async fn load_sessions(&self, directory: &Directory) -> Result<(), AccessError> {
        self.shut.note(directory);
        let now = clock::now();
        for (key, mut s) in self.list::<Session>("session").await? {
            if directory.active(&s.person).is_none() || s.until < now {
                self.drop_key("session", &key).await?;
                continue;
            }
            // What older records do not say begins now: otherwise an old session would never be idle.
            s.used_at = s.used_at.or(Some(now));
            if s.id.is_empty() {
                s.id = id_of(&key);
            }
            self.sessions().insert(key, s);
        }
        Ok(())
    }

    /// Opens a session; its secret.
    pub async fn open_session(&self, person: &PersonId, how: How, place: &Place) -> Result<String, AccessError> {
        let (s, now) = (secret()?, clock::now());
        let key = hash(&s);
        let session = Session {
            id: id_of(&key),
            person: person.clone(),
            until: now.plus_s(self.policy.longest_s()),
            made_at: Some(now),
            used_at: Some(now),
            agent: place.agent.clone(),
            address: place.address.map(|a| a.to_canonical().to_string()).unwrap_or_default(),
            how,
        };
        let oldest = {
            let sessions = self.sessions();
            let mut mine: Vec<(&String, &Session)> = sessions.iter().filter(|(_, s)| s.person == *person).collect();
            mine.sort_by_key(|(_, s)| s.used_at);
            let over = (mine.len() + 1).saturating_sub(MOST);
            mine.into_iter().take(over).map(|(k, _)| k.clone()).collect::<Vec<_>>()
        };
        self.end_keys(oldest).await?;
        self.put("session", &key, &session).await?;
        self.sessions().insert(key, session);
        Ok(s)
    }

    /// Whose session it is.
    pub fn session(&self, secret: &str) -> Option<Session> {
        if secret.len() > 128 {
            return None;
        }
        self.sessions().get(&hash(secret)).filter(|s| clock::now() <= s.until).cloned()
    }

    /// It was used; the store learns it now and then.
    pub async fn session_used(&self, secret: &str) {
        self.key_used(&hash(secret)).await;
    }

    async fn key_used(&self, key: &str) {
        let now = clock::now();
        let changed = {
            let mut sessions = self.sessions();
            let Some(s) = sessions.get_mut(key) else { return };
            let noted = s.used_at.is_some_and(|u| now.since_s(u) < NOTED_S);
            if noted {
                return;
            }
            s.used_at = Some(now);
            s.clone()
        };
        if let Err(error) = self.put("session", key, &changed).await {
            tracing::warn!(%error, "that a session is used could not be noted");
        }
        // It may have been ended in between: what is not in memory must not come back at the next start.
        if !self.sessions().contains_key(key)
            && let Err(error) = self.drop_key("session", key).await
        {
            tracing::warn!(%error, "an ended session could not be deleted");
        }
    }

    /// Whether a session of this id is open.
    pub fn session_open(&self, id: &str) -> bool {
        self.sessions().values().any(|s| s.id == id)
    }

    fn with_id<T>(&self, id: &str, of: impl FnOnce(&Session) -> T) -> Option<T> {
        self.sessions().values().find(|s| s.id == id).map(of)
    }

    /// How the session of this id was opened.
    pub fn session_how(&self, id: &str) -> How {
        self.with_id(id, |s| s.how).unwrap_or_default()
    }

    /// When the session of this id was opened.
    pub fn session_made(&self, id: &str) -> Option<Time> {
        self.with_id(id, |s| s.made_at).flatten()
    }

    /// All sessions by their ids.
    pub fn sessions_all(&self) -> Vec<(String, Session)> {
        self.sessions().values().map(|s| (s.id.clone(), s.clone())).collect()
    }

    /// The sessions of these ids have a page open that listens: they are in use.
    pub async fn sessions_listen(&self, ids: &BTreeSet<String>) {
        let keys: Vec<String> =
            self.sessions().iter().filter(|(_, s)| ids.contains(&s.id)).map(|(k, _)| k.clone()).collect();
        for key in keys {
            self.key_used(&key).await;
        }
    }

    /// Whether somebody with these roles must have a second factor.
    pub fn needs_factor(&self, roles: &BTreeSet<Role>) -> bool {
        !self.exercise && self.policy.needs_factor(roles, self.tls)
    }

    /// Whether they must set one up before anything else.
    pub fn must_set_factor(&self, person: &PersonId, roles: &BTreeSet<Role>, how: How) -> bool {
        let done = how == How::Provider && self.provider.as_ref().is_some_and(super::Provider::asks_factor);
        self.needs_factor(roles) && !done && !self.has_factor(person)
    }

    /// Ends a session.
    pub async fn close(&self, secret: &str) -> Result<(), AccessError> {
        self.end_keys(vec![hash(secret)]).await.map(drop)
    }

    /// Ends those that `which` names, with their streams; how many. They are over at once, whatever the disk does.
    pub async fn end_sessions(&self, which: impl Fn(&str, &Session) -> bool) -> Result<usize, AccessError> {
        let keys = self.sessions().iter().filter(|(_, s)| which(&s.id, s)).map(|(k, _)| k.clone()).collect();
        self.end_keys(keys).await
    }

    async fn end_keys(&self, keys: Vec<String>) -> Result<usize, AccessError> {
        let ended = self.forget(&keys);
        for k in &keys {
            self.drop_key("session", k).await?;
        }
        let n = ended.len();
        self.drop_push(ended).await?;
        Ok(n)
    }

    /// The phones that came with sessions which ended are not reached by push any more.
    async fn drop_push(&self, ended: Vec<Session>) -> Result<(), AccessError> {
        let Some(push) = self.push.get() else { return Ok(()) };
        for s in ended {
            push.drop_session(&s.person, &s.id).await.map_err(|e| AccessError::Store(e.to_string()))?;
        }
        Ok(())
    }

    /// Takes sessions out of memory and ends their streams: nothing here waits.
    pub(crate) fn forget(&self, keys: &[String]) -> Vec<Session> {
        let ended: Vec<Session> = {
            let mut sessions = self.sessions();
            keys.iter().filter_map(|k| sessions.remove(k)).collect()
        };
        self.hub.end_sessions(&ended.iter().map(|s| s.id.clone()).collect());
        ended
    }

    /// The directory changed: the sessions of people who are gone or shut out are over at once. What must be deleted from
    /// the store, and cut elsewhere, is what is given back, to be waited for.
    pub fn shut_out(this: &Arc<Self>, directory: &Directory) -> Option<impl Future<Output = ()> + Send + 'static> {
        let keys: Vec<(String, PersonId)> = this
            .sessions()
            .iter()
            .filter(|(_, s)| directory.active(&s.person).is_none())
            .map(|(k, s)| (k.clone(), s.person.clone()))
            .collect();
        let shut: BTreeSet<PersonId> = this.shut.note(directory);
        if keys.is_empty() && shut.is_empty() {
            return None;
        }
        let ended = this.forget(&keys.iter().map(|(k, _)| k.clone()).collect::<Vec<_>>());
        let this = Arc::clone(this);
        Some(async move {
            for (key, _) in keys {
                if let Err(error) = this.drop_key("session", &key).await {
                    tracing::error!(%error, "the session of somebody who is shut out could not be deleted");
                }
            }
            if let Err(error) = this.drop_push(ended).await {
                tracing::error!(%error, "push of somebody who is shut out could not be taken off");
            }
            for person in shut {
                this.drop_tickets(&person);
                for dropped in [this.drop_links(&person).await, this.drop_devices(&person).await] {
                    if let Err(error) = dropped {
                        tracing::error!(%error, %person, "not everything of somebody who is shut out could be deleted");
                    }
                }
                this.cuts.cut(&person, None).await;
            }
        })
    }

    /// A person's sessions, the newest use first.
    pub fn sessions_of(&self, person: &PersonId) -> Vec<Session> {
        let mut mine: Vec<Session> = self.sessions().values().filter(|s| s.person == *person).cloned().collect();
        mine.sort_by(|a, b| b.used_at.cmp(&a.used_at).then_with(|| a.id.cmp(&b.id)));
        mine
    }

    /// A new secret for the session in use, and the end of all others of that person: after their password or a factor
    /// changed.
    pub async fn rotate(&self, person: &PersonId, current: &str) -> Result<Option<String>, AccessError> {
        let mine = hash(current);
        let id = self.sessions().get(&mine).map(|s| s.id.clone());
        self.end_sessions(|other, s| s.person == *person && Some(other) != id.as_deref()).await?;
        let s = secret()?;
        // It goes on under its id, with what is open by it; the old secret is void from here on.
        let Some(session) = self.sessions().remove(&mine) else { return Ok(None) };
        let session = Session { used_at: Some(clock::now()), ..session };
        self.sessions().insert(hash(&s), session.clone());
        self.put("session", &hash(&s), &session).await?;
        self.drop_key("session", &mine).await?;
        Ok(Some(s))
    }
}

/// Who was in the directory and not shut out when it was last looked at.
#[derive(Debug, Default)]
pub struct Shut(Mutex<BTreeSet<PersonId>>);

impl Shut {
    /// Looks again: who is gone or shut out since the last time.
    pub fn note(&self, directory: &Directory) -> BTreeSet<PersonId> {
        let active: BTreeSet<PersonId> =
            directory.people.values().filter(|p| !p.disabled).map(|p| p.id.clone()).collect();
        let mut before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = before.difference(&active).cloned().collect();
        *before = active;
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_of_an_older_record_still_opens() {
        let s: Session = serde_json::from_str(r#"{"person":"watch","until":"2026-12-01T00:00:00Z"}"#).unwrap();
        assert_eq!((s.person.as_str(), s.made_at, s.how), ("watch", None, How::Unknown));
    }

    #[test]
    fn a_session_ends_by_length_by_idleness_and_by_what_the_roles_are_now() {
        let t = |s: f64| Time::default().plus_s(s);
        let session = Session {
            id: "a".into(),
            person: PersonId::new("a").unwrap(),
            until: t(30.0 * 86_400.0),
            made_at: Some(t(0.0)),
            used_at: Some(t(86_400.0)),
            agent: String::new(),
            address: String::new(),
            how: How::Link,
        };
        let p = SignInPolicy::default();
        assert_eq!(session.ends_at(&p, &[Role::Field].into()), t(15.0 * 86_400.0));
        assert_eq!(session.ends_at(&p, &[Role::Field, Role::Administrator].into()), t(86_400.0 + 12.0 * 3_600.0));
        let busy = Session { used_at: Some(t(29.9 * 86_400.0)), ..session };
        assert_eq!(busy.ends_at(&p, &[Role::Field].into()), t(30.0 * 86_400.0));
        assert_eq!(busy.ends_at(&p, &[Role::Watch].into()), t(7.0 * 86_400.0));
    }

    #[test]
    fn a_browser_is_told_apart_in_coarse_words() {
        let table = [
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox on Windows"),
            ("Mozilla/5.0 (Windows NT 10.0) Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
            ("curl/8.5.0", "a program"),
            ("", "a program"),
        ];
        for (header, words) in table {
            assert_eq!(agent_words(header), words, "{header}");
        }
    }
}
