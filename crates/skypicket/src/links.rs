//! [`Links`]: signed links in mail and SMS, by which one person reads and acknowledges one version of one notice, and
//! nothing else. They sign nobody in.
//!
//! A token is base64url of: 1, the channel that it went over, notice (16 octets), version and end (4 each, big-endian; the
//! end in Unix seconds), the person's id, and the first 16 octets of HMAC-SHA-256 over all of that (RFC 2104, section 5,
//! allows half), with a key of the record's private store (kind `links`). It stands behind the `#` of the address, which
//! browsers send to nobody; and in no log.

use crate::accounts::{Tries, Try, network};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::hmac;
use skypicket_model::{Channel, Notice, NoticeId, PersonId, Time};
use skypicket_record::{Record, SqliteRecord};
use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};
use uuid::Uuid;

/// Kind and key of the signing key in the private store.
const KIND: &str = "links";
/// A link whose notice has no end of its own is good so long, seconds.
const LASTS_S: f64 = 86_400.0;
/// No link is good for longer, seconds.
const MOST_S: f64 = 7.0 * 86_400.0;
/// Octets of the tag.
const TAG: usize = 16;
/// Octets before the person's id.
const HEAD: usize = 26;
/// Longest token, characters.
const MOST: usize = 512;

/// What a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Whose.
    pub person: PersonId,
    /// The notice.
    pub notice: NoticeId,
    /// The version.
    pub version: u32,
    /// Over which channel it went: mail or SMS.
    pub channel: Channel,
    /// Unix seconds.
    ends_s: u32,
}

impl Link {
    /// Whether its time is over.
    pub fn is_over(&self, now: Time) -> bool {
        now.as_micros().div_euclid(1_000_000) >= i64::from(self.ends_s)
    }
}

/// Makes and reads them.
pub struct Links {
    key: hmac::Key,
    tries: Mutex<Tries>,
}

/// There is no key.
#[derive(Debug, thiserror::Error)]
pub enum NoKey {
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// The private store failed.
    #[error("the private store failed: {0}")]
    Store(String),
}

impl Links {
    /// Over a record: its key is made at the first start.
    pub async fn open(record: &SqliteRecord) -> Result<Self, NoKey> {
        let store = |e: String| NoKey::Store(e);
        let key = if let Some(kept) = record.private_get(KIND, "key").await.map_err(|e| store(e.to_string()))? {
            kept
        } else {
            let mut made = vec![0; 32];
            getrandom::fill(&mut made).map_err(|_| NoKey::Random)?;
            record.private_put(KIND, "key", made.clone()).await.map_err(|e| store(e.to_string()))?;
            made
        };
        Ok(Self::new(&key))
    }

    fn new(key: &[u8]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), tries: Mutex::default() }
    }

    /// A token for a version of a notice, sent to a person over mail or SMS; `None` over any other channel.
    pub fn make(&self, notice: &Notice, person: &PersonId, channel: Channel) -> Option<String> {
        let ends = notice.expires_at.unwrap_or_else(|| notice.at.plus_s(LASTS_S)).min(notice.at.plus_s(MOST_S));
        let ends_s = u32::try_from(ends.as_micros().div_euclid(1_000_000)).ok()?;
        let mut bytes = vec![1, octet(channel)?];
        bytes.extend_from_slice(notice.id.0.as_bytes());
        bytes.extend_from_slice(&notice.version.to_be_bytes());
        bytes.extend_from_slice(&ends_s.to_be_bytes());
        bytes.extend_from_slice(person.as_str().as_bytes());
        let tag = hmac::sign(&self.key, &bytes);
        bytes.extend_from_slice(tag.as_ref().get(..TAG)?);
        Some(BASE64_URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a token is for, if we made it. Whether its time is over is another question.
    pub fn read(&self, token: &str) -> Option<Link> {
        if token.len() > MOST {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (said, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        let right = hmac::sign(&self.key, said);
        // Every octet is looked at, wherever the first wrong one stands.
        let differ = right.as_ref().iter().zip(tag).fold(0, |d, (a, b)| d | (a ^ b));
        if differ != 0 {
            return None;
        }
        let (head, person) = said.split_at_checked(HEAD)?;
        let channel = match head.get(..2)? {
            [1, 1] => Channel::Mail,
            [1, 2] => Channel::Sms,
            _ => return None,
        };
        let notice = NoticeId(Uuid::from_slice(head.get(2..18)?).ok()?);
        let number = |at: std::ops::Range<usize>| Some(u32::from_be_bytes(head.get(at)?.try_into().ok()?));
        let person = PersonId::new(std::str::from_utf8(person).ok()?).ok()?;
        Some(Link { person, notice, version: number(18..22)?, channel, ends_s: number(22..26)? })
    }

    /// A wrong token came from an address: how many seconds it must wait, when it did so too often. Right ones are never
    /// held up by it.
    pub fn wrong(&self, address: Option<IpAddr>, now: Time) -> Result<(), f64> {
        let name = address.map_or_else(String::new, network);
        let who = Try { name, address, device: None };
        // Each change under this lock is whole by itself.
        self.tries.lock().unwrap_or_else(PoisonError::into_inner).password(&who, now)
    }
}

fn octet(channel: Channel) -> Option<u8> {
    match channel {
        Channel::Mail => Some(1),
        Channel::Sms => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn notice() -> Notice {
        serde_json::from_value(serde_json::json!({
            "id": "018f0000-0000-7000-8000-000000000001", "version": 3, "state": "issued", "level": "urgent",
            "at": "2026-11-26T18:00:00Z", "needs_ack": true, "exercise": null, "code": "12345",
            "expires_at": "2026-11-26T18:05:00Z", "marking": {"tlp": "TLP:GREEN", "releasable_to": []},
            "text": "Take cover", "text_es": "Cúbrase", "title": "Alert", "title_es": "Alerta",
            "audience": [{"to": "in_danger"}], "issued_by": "watch"
        }))
        .unwrap()
    }

    #[test]
    fn a_token_is_one_persons_for_one_version_over_one_channel_until_its_end() {
        let links = Links::new(&[7; 32]);
        let p = PersonId::new("north-1").unwrap();
        let token = links.make(&notice(), &p, Channel::Sms).unwrap();
        let l = links.read(&token).unwrap();
        assert_eq!((&l.person, l.notice, l.version, l.channel), (&p, notice().id, 3, Channel::Sms));
        let end = notice().expires_at.unwrap();
        assert!(!l.is_over(end.plus_s(-1.0)) && l.is_over(end));
        assert!(token.len() < 70, "it stands in short messages");
        assert_eq!(links.make(&notice(), &p, Channel::Webhook), None);
        let long = Notice { expires_at: Some(notice().at.plus_s(1e7)), ..notice() };
        let l = links.read(&links.make(&long, &p, Channel::Mail).unwrap()).unwrap();
        assert!(l.is_over(notice().at.plus_s(MOST_S)));
        assert_eq!(Links::new(&[8; 32]).read(&token), None, "another centre's");
    }

    proptest! {
        #[test]
        fn no_token_that_differs_in_one_place_is_ours(at in 0_usize..60, with in any::<u8>()) {
            let links = Links::new(&[7; 32]);
            let token = links.make(&notice(), &PersonId::new("north-1").unwrap(), Channel::Mail).unwrap();
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(&token).unwrap();
            let at = at % bytes.len();
            prop_assume!(bytes[at] != with);
            bytes[at] = with;
            prop_assert_eq!(links.read(&BASE64_URL_SAFE_NO_PAD.encode(&bytes)), None);
            prop_assert_eq!(links.read(token.get(..at).unwrap()), None);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in ".{0,600}") {
            prop_assert_eq!(Links::new(&[7; 32]).read(&text), None);
        }
    }

    #[test]
    fn who_brings_wrong_tokens_waits_and_nobody_elses_address_does() {
        let links = Links::new(&[7; 32]);
        let (bad, other) = (Some([192, 0, 2, 1].into()), Some([192, 0, 2, 2].into()));
        let now = notice().at;
        assert!((0..20).any(|_| links.wrong(bad, now).is_err()));
        assert!(links.wrong(other, now).is_ok());
    }
}
