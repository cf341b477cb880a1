//! One-time links: how somebody comes in for the first time, and after a reset.
//!
//! A link opens only what is still open: once its person has a password, a passkey or another factor, no link made by one
//! administrator alone gets anybody in as them. (In an exercise, where everybody is made up, links always open.)

use super::{How, Place, secret};
use crate::{
    clock,
    http::auth::{Access, AccessError, hash},
};
use serde::{Deserialize, Serialize};
use skypicket_model::{PersonId, Time};

/// One-time links end so long after they were made, seconds.
const LINK_S: f64 = 86_400.0;

/// Length of a link's id.
const LINK_ID: usize = 16;

/// The id of a link: the beginning of its secret's hash, from which nothing can be signed in.
pub fn link_id(secret: &str) -> String {
    hash(secret).chars().take(LINK_ID).collect()
}

/// A one-time link.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Link {
    person: PersonId,
    until: Option<Time>,
    /// The link printed at start: valid until it was used.
    first: bool,
}

impl Access {
    /// A one-time link for a person; its secret.
    pub async fn make_link(&self, person: &PersonId) -> Result<(String, Time), AccessError> {
        self.make_link_for(person, LINK_S).await
    }

    /// A one-time link that ends after so many seconds; its secret.
    pub async fn make_link_for(&self, person: &PersonId, seconds: f64) -> Result<(String, Time), AccessError> {
        let until = clock::now().plus_s(seconds);
        let s = secret()?;
        self.put("link", &hash(&s), &Link { person: person.clone(), until: Some(until), first: false }).await?;
        Ok((s, until))
    }

    /// When a person's link ends, by its id; `None` when it was used, cancelled or has ended.
    pub async fn link(&self, person: &PersonId, id: &str) -> Result<Option<Time>, AccessError> {
        let found = self.find_link(person, id).await?.and_then(|(_, l)| l.until);
        Ok(found.filter(|until| *until >= clock::now()))
    }

    /// Makes a person's link void, by its id; whether it still was one.
    pub async fn cancel_link(&self, person: &PersonId, id: &str) -> Result<bool, AccessError> {
        match self.find_link(person, id).await? {
            Some((key, _)) => self.drop_key("link", &key).await,
            None => Ok(false),
        }
    }

    async fn find_link(&self, person: &PersonId, id: &str) -> Result<Option<(String, Link)>, AccessError> {
        let fits = |key: &str, link: &Link| {
            id.len() == LINK_ID && key.starts_with(id) && link.person == *person && !link.first
        };
        Ok(self.list::<Link>("link").await?.into_iter().find(|(key, link)| fits(key, link)))
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

    /// Uses a link up; whose it was, and the session's secret.
    pub async fn sign_in_by_link(&self, link: &str, place: &Place) -> Result<(PersonId, String), AccessError> {
        let key = hash(link);
        let Some(l) = self.get::<Link>("link", &key).await? else { return Err(AccessError::Wrong) };
        // Whoever deletes it has used it: two at the same time cannot both.
        if !self.drop_key("link", &key).await? || l.until.is_some_and(|u| u < clock::now()) {
            return Err(AccessError::Wrong);
        }
        if self.is_set_up(&l.person).await? && !self.exercise {
            return Err(AccessError::Wrong);
        }
        if l.first {
            self.put("first_link", "used", &true).await?;
        }
        let s = self.open_session(&l.person, How::Link, place).await?;
        Ok((l.person, s))
    }

    /// Whether a person can sign in without a link.
    pub async fn is_set_up(&self, person: &PersonId) -> Result<bool, AccessError> {
        Ok(self.has_password(person).await? || self.has_factor(person))
    }

    /// Voids a person's open links, and those that have run out; how many of theirs there were.
    pub async fn drop_links(&self, person: &PersonId) -> Result<usize, AccessError> {
        let (mut dropped, now) = (0, clock::now());
        for (key, l) in self.list::<Link>("link").await? {
            if l.person == *person {
                dropped += usize::from(self.drop_key("link", &key).await?);
            } else if l.until.is_some_and(|u| u < now) {
                self.drop_key("link", &key).await?;
            }
        }
        Ok(dropped)
    }

    /// How many open links a person has.
    pub async fn open_links(&self, person: &PersonId) -> Result<usize, AccessError> {
        let now = clock::now();
        let all = self.list::<Link>("link").await?;
        Ok(all.iter().filter(|(_, l)| l.person == *person && l.until.is_none_or(|u| u >= now)).count())
    }
}
