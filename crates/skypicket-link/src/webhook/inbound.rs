//! [`Inbound`]: what a provider sends to us by itself (receipts, replies): signed, fresh, and not heard before.

use super::WebhookKeys;
use crate::post::{PosterError, Secret};
use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A message is fresh so long, and so long before its time too: clocks differ.
pub const FRESH_S: i64 = 300;
/// Longest id, octets.
const MOST_ID: usize = 256;
/// Ids that are remembered, for as long as they could come again.
const MOST_REMEMBERED: usize = 20_000;

/// Whether a message that is right came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The first time: take it. If it cannot be kept, [`Inbound::forget`] it, so that it may come again.
    First,
    /// Again: answer as the first time, and do nothing.
    Again,
}

/// Why a message is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotBelieved {
    /// A header is missing or is none: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    #[error("webhook-id, webhook-timestamp and webhook-signature must be there, as Standard Webhooks says")]
    Headers,
    /// No signature is right.
    #[error("no signature is right under a key of this centre")]
    Signature,
    /// Its time is more than five minutes off.
    #[error("webhook-timestamp is more than 5 minutes from this centre's clock")]
    Stale,
    /// So many came in five minutes that no more can be remembered.
    #[error("too many messages in five minutes: try again later")]
    TooMany,
}

/// Ids that were heard, by their time.
#[derive(Default)]
struct Remembered {
    times: HashMap<String, i64>,
    order: BTreeSet<(i64, String)>,
}

/// Believes messages of one provider.
pub struct Inbound {
    keys: WebhookKeys,
    remembered: Mutex<Remembered>,
    most: usize,
}

impl Inbound {
    /// With the keys that the provider signs with.
    pub fn new(keys: WebhookKeys) -> Self {
        Self { keys, remembered: Mutex::default(), most: MOST_REMEMBERED }
    }

    /// With the keys in a file.
    pub fn read(keys_file: &Path) -> Result<Self, PosterError> {
        let keys = WebhookKeys::parse(&Secret::read(keys_file)?).map_err(|e| PosterError::Setting {
            key: "inbound_keys",
            problem: format!("{}: {e}", keys_file.display()),
        })?;
        Ok(Self::new(keys))
    }

    /// Checks a message: its three headers, its body, and the centre's time in Unix seconds. Only what is right is
    /// remembered, so nobody without a key can fill the memory.
    pub fn hear(
        &self,
        id: Option<&str>,
        timestamp: Option<&str>,
        signature: Option<&str>,
        body: &[u8],
        now_s: i64,
    ) -> Result<Heard, NotBelieved> {
        let (Some(id), Some(timestamp), Some(signature)) = (id, timestamp, signature) else {
            return Err(NotBelieved::Headers);
        };
        if id.is_empty() || id.len() > MOST_ID || id.contains(|c: char| !c.is_ascii_graphic()) {
            return Err(NotBelieved::Headers);
        }
        let at_s: i64 = timestamp.parse().map_err(|_| NotBelieved::Headers)?;
        if !self.keys.verify(id, at_s, body, signature) {
            return Err(NotBelieved::Signature);
        }
        if at_s.abs_diff(now_s) > FRESH_S.unsigned_abs() {
            return Err(NotBelieved::Stale);
        }
        let mut remembered = self.remembered();
        remembered.forget_before(now_s.saturating_sub(FRESH_S));
        if let Some(before) = remembered.times.get(id).copied() {
            // Sent again, it is fresh for longer.
            if at_s > before {
                remembered.remember(id, at_s);
            }
            return Ok(Heard::Again);
        }
        if remembered.times.len() >= self.most {
            return Err(NotBelieved::TooMany);
        }
        remembered.remember(id, at_s);
        Ok(Heard::First)
    }

    /// What was heard could not be kept: it may come again.
    pub fn forget(&self, id: &str) {
        let mut r = self.remembered();
        if let Some(at) = r.times.remove(id) {
            r.order.remove(&(at, id.to_owned()));
        }
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        // Each change under this lock is whole by itself.
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    /// Those could not come again: they would be stale.
    fn forget_before(&mut self, time_s: i64) {
        while let Some((at, id)) = self.order.pop_first() {
            if at >= time_s {
                self.order.insert((at, id));
                break;
            }
            self.times.remove(&id);
        }
    }

    fn remember(&mut self, id: &str, at_s: i64) {
        if let Some(before) = self.times.insert(id.to_owned(), at_s) {
            self.order.remove(&(before, id.to_owned()));
        }
        self.order.insert((at_s, id.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000;

    fn keys() -> WebhookKeys {
        WebhookKeys::parse(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap()
    }

    fn hear(inbound: &Inbound, id: &str, at: i64, now: i64) -> Result<Heard, NotBelieved> {
        let signature = keys().sign(id, at, b"{}");
        inbound.hear(Some(id), Some(&at.to_string()), Some(&signature), b"{}", now)
    }

    #[test]
    fn a_message_is_heard_once_and_again_only_when_it_was_forgotten() {
        let i = Inbound::new(keys());
        assert_eq!(hear(&i, "a", NOW, NOW), Ok(Heard::First));
        assert_eq!(hear(&i, "a", NOW, NOW + 1), Ok(Heard::Again));
        assert_eq!(hear(&i, "a", NOW + 60, NOW + 60), Ok(Heard::Again), "tried again with a new time");
        i.forget("a");
        assert_eq!(hear(&i, "a", NOW + 61, NOW + 61), Ok(Heard::First));
        assert_eq!(hear(&i, "b", NOW + 61, NOW + 61), Ok(Heard::First));
    }

    #[test]
    fn old_and_future_ones_are_stale_at_five_minutes() {
        let i = Inbound::new(keys());
        assert_eq!(hear(&i, "a", NOW - 300, NOW), Ok(Heard::First));
        assert_eq!(hear(&i, "b", NOW - 301, NOW), Err(NotBelieved::Stale));
        assert_eq!(hear(&i, "c", NOW + 300, NOW), Ok(Heard::First));
        assert_eq!(hear(&i, "d", NOW + 301, NOW), Err(NotBelieved::Stale));
        assert_eq!(hear(&i, "e", i64::MIN, NOW), Err(NotBelieved::Stale));
    }

    #[test]
    fn a_replay_is_never_first_again_however_long_it_waits() {
        let i = Inbound::new(keys());
        assert_eq!(hear(&i, "a", NOW + 300, NOW), Ok(Heard::First));
        for later in (0..1_000).step_by(7) {
            assert_ne!(hear(&i, "a", NOW + 300, NOW + later), Ok(Heard::First), "{later}");
        }
    }

    #[test]
    fn the_memory_has_a_bound_and_empties_with_time() {
        let mut i = Inbound::new(keys());
        i.most = 3;
        for id in ["a", "b", "c"] {
            assert_eq!(hear(&i, id, NOW, NOW), Ok(Heard::First));
        }
        assert_eq!(hear(&i, "d", NOW, NOW), Err(NotBelieved::TooMany), "forgetting one would let it be replayed");
        assert_eq!(hear(&i, "a", NOW, NOW), Ok(Heard::Again));
        assert_eq!(hear(&i, "d", NOW + 301, NOW + 301), Ok(Heard::First));
        assert_eq!(i.remembered().order.len(), 1);
    }

    #[test]
    fn without_a_right_signature_nothing_is_remembered() {
        let i = Inbound::new(keys());
        let right = keys().sign("a", NOW, b"{}");
        let at = NOW.to_string();
        let with = |id, at, sig, body| i.hear(id, at, sig, body, NOW);
        assert_eq!(with(Some("a"), Some(&*at), Some(&*right), b"{ }"), Err(NotBelieved::Signature));
        assert_eq!(with(Some("b"), Some(&*at), Some(&*right), b"{}"), Err(NotBelieved::Signature));
        assert_eq!(with(Some("a"), Some(&*at), Some("v1,"), b"{}"), Err(NotBelieved::Signature));
        for (id, at, sig) in [
            (None, Some(&*at), Some(&*right)),
            (Some("a"), None, Some(&*right)),
            (Some("a"), Some(&*at), None),
            (Some("a"), Some("soon"), Some(&*right)),
            (Some(""), Some(&*at), Some(&*right)),
            (Some("a b"), Some(&*at), Some(&*right)),
        ] {
            assert_eq!(with(id, at, sig, b"{}"), Err(NotBelieved::Headers));
        }
        assert!(with(Some(&"x".repeat(257)), Some(&*at), Some(&*right), b"{}").is_err());
        assert!(i.remembered().times.is_empty());
        assert_eq!(hear(&i, "a", NOW, NOW), Ok(Heard::First));
    }
}
