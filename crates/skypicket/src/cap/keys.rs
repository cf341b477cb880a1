//! [`Keys`]: what the centre signs its alerts with: ECDSA P-256 and a certificate, by the own authority where there is one.
//!
//! Made at the first start and kept in the record's private store, as the key for push is: in the backup with it, never in
//! the history, the log or an answer. Live and each exercise have a record of their own, and so keys of their own.
//! Partners pin the certificate, so it is renewed with overlap: the next one is made and shown months before it signs.

use crate::clock;
use anyhow::Context;
use base64::{Engine, engine::general_purpose::STANDARD as B64};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde::{Deserialize, Serialize};
use skypicket_link::tls::{Authority, SignerIdentity, fingerprint, self_signed_signer};
use skypicket_model::Time;
use skypicket_record::{Record, SqliteRecord};
use skypicket_wire::cap::{
    Alert,
    signature::{SignError, sign},
};
use std::sync::Arc;

/// Kind in the private store; the key is a UUIDv7, so that they stand in the order of their making.
const KIND: &str = "cap_key";
const DAY_S: f64 = 86_400.0;
/// A certificate lives so long: changing it means a change at every partner.
const DAYS: f64 = 5.0 * 365.25;
/// The next one is made, and shown, when so much is left.
const NEXT_S: f64 = 120.0 * DAY_S;
/// It signs from when so much is left of the one before.
pub const HANDS_OVER_S: f64 = 30.0 * DAY_S;
/// One that ended so long ago is forgotten.
const FORGOTTEN_S: f64 = 365.0 * DAY_S;

/// As it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Certificate, DER in base64.
    certificate: String,
    /// Private key, PKCS #8 in base64.
    key: String,
    begins: Time,
    ends: Time,
}

/// A key with its certificate.
struct Key {
    id: String,
    certificate_der: Vec<u8>,
    pair: EcdsaKeyPair,
    begins: Time,
    ends: Time,
}

impl Key {
    fn read(id: String, bytes: &[u8]) -> anyhow::Result<Self> {
        let kept: Kept = serde_json::from_slice(bytes).context("no key")?;
        let der = B64.decode(&kept.key).context("the key")?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &SystemRandom::new())
            .map_err(|e| anyhow::anyhow!("the key: {e}"))?;
        let certificate_der = B64.decode(&kept.certificate).context("the certificate")?;
        Ok(Self { id, certificate_der, pair, begins: kept.begins, ends: kept.ends })
    }

    fn valid(&self, now: Time) -> bool {
        self.begins <= now && now < self.ends
    }

    fn left_s(&self, now: Time) -> f64 {
        self.ends.since_s(now)
    }
}

/// A certificate, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// PEM.
    pub pem: String,
    /// SHA-256 of it, `AB:CD:…`.
    pub fingerprint: String,
    /// When it begins.
    pub begins: Time,
    /// When it ends.
    pub ends: Time,
    /// It signs now; others did, or will.
    pub signs: bool,
}

/// The keys.
pub struct Keys {
    record: Arc<SqliteRecord>,
    authority: Option<Arc<Authority>>,
    common_name: String,
    held: tokio::sync::Mutex<Vec<Key>>,
}

impl Keys {
    /// From the private store; the first one is made where there is none. `centre` is the centre's name.
    pub async fn open(
        record: Arc<SqliteRecord>,
        authority: Option<Arc<Authority>>,
        centre: &str,
    ) -> anyhow::Result<Self> {
        let mut keys = Vec::new();
        for (id, bytes) in record.private_list(KIND).await? {
            // What is unreadable signs nothing; another one is made.
            match Key::read(id, &bytes) {
                Ok(k) => keys.push(k),
                Err(error) => tracing::error!(%error, "a key for alerts in the record cannot be read"),
            }
        }
        // With a space it is no DNS name, which the own authority may not sign; X.520 gives it 64 characters.
        let named: String = centre.chars().filter(|c| !c.is_control()).take(48).collect();
        let common_name = format!("{} alerts", if named.trim().is_empty() { "Skypicket" } else { named.trim() });
        let this = Self { record, authority, common_name, held: tokio::sync::Mutex::new(keys) };
        this.look(clock::now()).await?;
        Ok(this)
    }

    /// Makes the next key where it is time, and forgets what ended long ago.
    pub async fn look(&self, now: Time) -> anyhow::Result<()> {
        let mut keys = self.held.lock().await;
        let last = keys.iter().filter(|k| k.valid(now)).map(|k| k.ends).max();
        if next_is_due(last, self.authority.as_ref().map(|a| a.validity().1), now) {
            let made = self.make(now)?;
            let kept = Kept {
                certificate: B64.encode(&made.certificate_der),
                key: B64.encode(&made.key_der),
                begins: made.not_before,
                ends: made.not_after,
            };
            let id = uuid::Uuid::now_v7().to_string();
            let bytes = serde_json::to_vec(&kept)?;
            let key = Key::read(id.clone(), &bytes)?;
            self.record.private_put(KIND, &id, bytes).await?;
            tracing::info!(ends = %key.ends, "a key for alerts was made");
            keys.push(key);
        }
        let old: Vec<String> = keys.iter().filter(|k| k.left_s(now) < -FORGOTTEN_S).map(|k| k.id.clone()).collect();
        for id in old {
            self.record.private_delete(KIND, &id).await?;
            keys.retain(|k| k.id != id);
        }
        Ok(())
    }

    fn make(&self, now: Time) -> anyhow::Result<SignerIdentity> {
        // An authority whose own time is over signs nothing that anybody takes.
        let authority = self.authority.as_ref().filter(|a| a.validity().1.since_s(now) > NEXT_S);
        Ok(match authority {
            Some(a) => a.signer(&self.common_name, DAYS, now)?,
            None => self_signed_signer(&self.common_name, DAYS, now)?,
        })
    }

    /// The alert as XML with its signature, by the key that signs at this time.
    pub async fn sign(&self, alert: &Alert, now: Time) -> anyhow::Result<String> {
        self.look(now).await?;
        let keys = self.held.lock().await;
        let key = signing(&keys, now).and_then(|k| keys.get(k)).context("no key for alerts is valid at this time")?;
        let by = |bytes: &[u8]| key.pair.sign(&SystemRandom::new(), bytes).map(|s| s.as_ref().to_vec());
        sign(alert, &key.certificate_der, by).map_err(|e: SignError<ring::error::Unspecified>| anyhow::anyhow!("{e}"))
    }

    /// The certificates that are valid, the one that signs first.
    pub async fn shown(&self, now: Time) -> Vec<Shown> {
        let keys = self.held.lock().await;
        let signs = signing(&keys, now);
        let mut all: Vec<Shown> = keys
            .iter()
            .enumerate()
            .filter(|(_, k)| k.valid(now))
            .map(|(n, k)| Shown {
                pem: pem(&k.certificate_der),
                fingerprint: fingerprint(&k.certificate_der),
                begins: k.begins,
                ends: k.ends,
                signs: signs == Some(n),
            })
            .collect();
        all.sort_by_key(|s| (!s.signs, s.begins));
        all
    }
}

/// Whether another key is to be made: none is valid, or the last ends soon. One that could last no longer than the last,
/// since the authority ends, is not made again and again.
fn next_is_due(last: Option<Time>, authority_ends: Option<Time>, now: Time) -> bool {
    let Some(last) = last else { return true };
    let ends = now.plus_s(DAYS * DAY_S);
    let ends = authority_ends.filter(|a| a.since_s(now) > NEXT_S).map_or(ends, |a| a.min(ends));
    last.since_s(now) < NEXT_S && ends.since_s(last) > HANDS_OVER_S
}

/// Which of them signs: the oldest that is good for a while, so that partners have seen the next one before it signs;
/// else the one that lasts longest.
fn signing(keys: &[Key], now: Time) -> Option<usize> {
    let valid = || keys.iter().enumerate().filter(|(_, k)| k.valid(now));
    let good = valid().filter(|(_, k)| k.left_s(now) >= HANDS_OVER_S).min_by_key(|(_, k)| k.ends);
    good.or_else(|| valid().max_by_key(|(_, k)| k.ends)).map(|(n, _)| n)
}

fn pem(der: &[u8]) -> String {
    let text = B64.encode(der);
    let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        // (Base64 is ASCII.)
        let (line, more) = rest.split_at_checked(64).unwrap_or((rest, ""));
        out.push_str(line);
        out.push('\n');
        rest = more;
    }
    out + "-----END CERTIFICATE-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(days: f64) -> Time {
        Time::from_unix_s(1_800_000_000.0 + days * DAY_S).unwrap()
    }

    fn key(begins: f64, ends: f64) -> Key {
        let made = self_signed_signer("Centre alerts", DAYS, at(0.0)).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &made.key_der, &SystemRandom::new()).unwrap();
        let certificate_der = made.certificate_der;
        Key { id: String::new(), certificate_der, pair, begins: at(begins), ends: at(ends) }
    }

    #[test]
    fn the_next_key_is_made_months_before_it_signs_and_signs_before_the_last_one_ends() {
        for (last, authority, due) in [
            (None, None, true),
            (Some(1_000.0), None, false),
            (Some(121.0), None, false),
            (Some(119.0), None, true),
            // The authority ends with it: another one would not last longer.
            (Some(119.9), Some(121.0), false),
            (Some(100.0), Some(150.0), true),
            // And one that is nearly over signs no more: then it is self-signed.
            (Some(100.0), Some(100.0), true),
        ] {
            assert_eq!(next_is_due(last.map(at), authority.map(at), at(0.0)), due, "{last:?} {authority:?}");
        }
        let both = [key(-1_700.0, 100.0), key(0.0, 1_800.0)];
        for (day, expect) in [(0.0, Some(0)), (69.0, Some(0)), (71.0, Some(1)), (150.0, Some(1)), (1_900.0, None)] {
            assert_eq!(signing(&both, at(day)), expect, "day {day}");
        }
        // The last one there is signs to its end, and one that is not valid yet never.
        assert_eq!(signing(&both, at(1_799.0)), Some(1));
        assert_eq!(signing(&[key(10.0, 100.0)], at(0.0)), None);
    }

    #[test]
    fn a_certificate_is_pem_that_is_read_back() {
        let made = self_signed_signer("Centre alerts", DAYS, at(0.0)).unwrap();
        let text = pem(&made.certificate_der);
        assert!(text.lines().all(|l| l.len() <= 64), "{text}");
        let back: String = text.lines().filter(|l| !l.starts_with('-')).collect();
        assert_eq!(B64.decode(back).unwrap(), made.certificate_der);
        assert!(made.not_after.since_s(at(0.0)) > 4.9 * 365.0 * DAY_S && made.not_before < at(0.0));
    }
}
