//! [`WebhookKeys`]: signs and checks messages as Standard Webhooks does (standardwebhooks.com, version 1.0.0).
//!
//! The signed text is `ID.TIMESTAMP.BODY`; the header `webhook-signature` holds `v1,BASE64(HMAC-SHA-256)` once for each
//! key, with spaces between. So whoever receives can check with the libraries that exist, and a key can be changed without
//! a gap: both are in the file until the other side has the new one.

use crate::post::Secret;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use ring::hmac;
use std::fmt;

/// Most keys at a time: the present one, and one that is going.
const MOST_KEYS: usize = 2;
/// Key sizes that the standard allows, octets.
const SIZES: std::ops::RangeInclusive<usize> = 24..=64;
/// Signatures of one message that are looked at.
const MOST_SIGNATURES: usize = 8;

/// Why a text holds no keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// None, or more than two.
    #[error("must hold one key, or two while it is being changed, each in a line of its own")]
    Number,
    /// A line is no key.
    #[error("line {0}: a key is whsec_ and 24 to 64 octets in base64, as `openssl rand -base64 32` makes them")]
    Key(usize),
}

/// One or two keys.
#[derive(Clone)]
pub struct WebhookKeys(Vec<hmac::Key>);

impl fmt::Debug for WebhookKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookKeys({})", self.0.len())
    }
}

impl WebhookKeys {
    /// Out of a secret: a key in each line, the present one first. The prefix `whsec_` may be left out.
    pub fn parse(secret: &Secret) -> Result<Self, KeysError> {
        let lines: Vec<&str> = secret.expose().lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        if lines.is_empty() || lines.len() > MOST_KEYS {
            return Err(KeysError::Number);
        }
        let mut keys = Vec::new();
        for (i, line) in lines.iter().enumerate() {
            let key = BASE64_STANDARD.decode(line.strip_prefix("whsec_").unwrap_or(line)).ok();
            let key = key.filter(|k| SIZES.contains(&k.len())).ok_or(KeysError::Key(i + 1))?;
            keys.push(hmac::Key::new(hmac::HMAC_SHA256, &key));
        }
        Ok(Self(keys))
    }

    /// The value of `webhook-signature`.
    pub fn sign(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let text = signed(id, timestamp_s, body);
        let each = self.0.iter().map(|k| format!("v1,{}", BASE64_STANDARD.encode(hmac::sign(k, &text))));
        each.collect::<Vec<_>>().join(" ")
    }

    /// Whether one of the signatures in a header is right under one of the keys. Compares in constant time.
    pub fn verify(&self, id: &str, timestamp_s: i64, body: &[u8], header: &str) -> bool {
        let text = signed(id, timestamp_s, body);
        let given = header.split(' ').filter_map(|s| s.strip_prefix("v1,")).take(MOST_SIGNATURES);
        given
            .filter_map(|s| BASE64_STANDARD.decode(s).ok())
            .any(|s| self.0.iter().any(|k| hmac::verify(k, &text, &s).is_ok()))
    }
}

fn signed(id: &str, timestamp_s: i64, body: &[u8]) -> Vec<u8> {
    let mut text = format!("{id}.{timestamp_s}.").into_bytes();
    text.extend_from_slice(body);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> WebhookKeys {
        WebhookKeys::parse(&Secret::new(text)).unwrap()
    }

    const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    #[test]
    fn the_example_of_the_standard_signs_as_the_standard_says() {
        // From the published libraries' own tests.
        let signature = keys(OLD).sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn while_a_key_is_changed_either_side_may_still_have_the_old_one() {
        let (old, new, both) = (keys(OLD), keys(NEW), keys(&format!("{NEW}\n{OLD}\n")));
        let header = both.sign("id", 7, b"x");
        assert_eq!(header.split(' ').count(), 2);
        for (keys, header) in [(&old, &header), (&new, &header), (&both, &old.sign("id", 7, b"x")), (&both, &header)] {
            assert!(keys.verify("id", 7, b"x", header));
        }
        assert!(!new.verify("id", 7, b"x", &old.sign("id", 7, b"x")));
    }

    #[test]
    fn any_change_of_id_time_body_or_signature_is_seen() {
        let k = keys(OLD);
        let header = k.sign("id", 7, b"x");
        assert!(k.verify("id", 7, b"x", &header));
        assert!(!k.verify("id2", 7, b"x", &header));
        assert!(!k.verify("id", 8, b"x", &header));
        assert!(!k.verify("id", 7, b"y", &header));
        for bad in ["", "v1,", "v1,AAAA", &header.replace("v1,", "v1a,"), &header.replace("v1,", "v2,"), "v1,%%%"] {
            assert!(!k.verify("id", 7, b"x", bad), "{bad}");
        }
        let behind = format!("{}{header}", "v1,AAAA ".repeat(100));
        assert!(!k.verify("id", 7, b"x", &behind), "only the first few are looked at");
    }

    #[test]
    fn what_is_no_key_is_refused_by_its_line_and_keys_are_never_shown() {
        let parse = |t: &str| WebhookKeys::parse(&Secret::new(t)).map(|_| ());
        assert_eq!(parse("\n\n"), Err(KeysError::Number));
        assert_eq!(parse(&format!("{OLD}\n{NEW}\n{OLD}")), Err(KeysError::Number));
        assert_eq!(parse(&format!("{OLD}\nshort")), Err(KeysError::Key(2)));
        assert_eq!(parse("whsec_AAAA"), Err(KeysError::Key(1)), "too short");
        assert_eq!(parse("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), Ok(()), "without its prefix");
        assert_eq!(format!("{:?}", keys(OLD)), "WebhookKeys(1)");
    }
}
