//! [`Ticket`]: the half of a sign-in that is done: the password was right, the code is still missing. In memory only, for
//! five minutes; it opens nothing but the question for the code.

use super::{How, secret};
use crate::{
    clock,
    http::auth::{Access, AccessError, hash},
};
use skypicket_model::{PersonId, Time};
use std::{collections::HashMap, sync::PoisonError};

/// A ticket is good for so long, seconds.
const GOOD_S: f64 = 300.0;
/// Most at once.
const MOST: usize = 10_000;
/// Codes that may be tried with one.
const CODES: u32 = 5;

/// Who has done the first half.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// Who.
    pub person: PersonId,
    /// How the first half was done.
    pub how: How,
    until: Time,
    tried: u32,
}

/// The tickets, by the hashes of their secrets.
#[derive(Debug, Default)]
pub struct Tickets(HashMap<String, Ticket>);

impl Access {
    /// A ticket for somebody; its secret.
    pub fn make_ticket(&self, person: &PersonId, how: How) -> Result<String, AccessError> {
        let (s, now) = (secret()?, clock::now());
        let mut all = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        all.0.retain(|_, t| t.until > now);
        if all.0.len() >= MOST {
            return Err(AccessError::TooMany(30.0));
        }
        let ticket = Ticket { person: person.clone(), how, until: now.plus_s(GOOD_S), tried: 0 };
        all.0.insert(hash(&s), ticket);
        Ok(s)
    }

    /// Whose ticket it is; one try of it is used.
    pub fn try_ticket(&self, secret: &str) -> Option<Ticket> {
        let (key, now) = (hash(secret), clock::now());
        let mut all = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        let t = all.0.get_mut(&key)?;
        if t.until <= now || t.tried >= CODES {
            all.0.remove(&key);
            return None;
        }
        t.tried += 1;
        Some(t.clone())
    }

    /// Uses a ticket up.
    pub fn drop_ticket(&self, secret: &str) {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner).0.remove(&hash(secret));
    }

    /// Voids a person's tickets: what they began with another password or factor.
    pub fn drop_tickets(&self, person: &PersonId) {
        self.tickets.lock().unwrap_or_else(PoisonError::into_inner).0.retain(|_, t| t.person != *person);
    }
}
