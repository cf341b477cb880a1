//! [`VapidKey`]: who sends, so that a maker's server knows a subscription's owner from a stranger (RFC 8292).

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};

/// A signed word holds so long; the standard allows a day.
const HOLDS_S: i64 = 12 * 3_600;

/// Why a key cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a P-256 key in PKCS #8.
    #[error("the kept VAPID key cannot be read")]
    Unreadable,
    /// The machine gives no randomness.
    #[error("the machine gives no randomness")]
    Random,
}

/// The centre's own key pair: P-256, signing by ES256.
pub struct VapidKey {
    pair: EcdsaKeyPair,
}

impl std::fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VapidKey { .. }")
    }
}

impl VapidKey {
    /// A new one, as PKCS #8 to be kept where nobody reads it.
    pub fn generate() -> Result<Vec<u8>, KeyError> {
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map(|d| d.as_ref().to_vec())
            .map_err(|_| KeyError::Random)
    }

    /// A kept one.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, KeyError> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes, &SystemRandom::new())
            .map(|pair| Self { pair })
            .map_err(|_| KeyError::Unreadable)
    }

    /// Its public half, as browsers take it (`applicationServerKey`): an uncompressed point in base64url.
    pub fn public(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref())
    }

    /// The value of `Authorization` for a host (`audience` is its origin) at a moment, Unix seconds; and until when it
    /// may be used again.
    pub fn authorization(&self, audience: &str, contact: Option<&str>, now_s: i64) -> Result<(String, i64), KeyError> {
        let until = now_s + HOLDS_S;
        let mut claims = serde_json::json!({"aud": audience, "exp": until});
        if let (Some(contact), Some(claims)) = (contact, claims.as_object_mut()) {
            claims.insert("sub".into(), contact.into());
        }
        let signed = format!(
            "{}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(r#"{"typ":"JWT","alg":"ES256"}"#),
            BASE64_URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|_| KeyError::Random)?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        // Renewed an hour before it runs out: clocks differ.
        Ok((format!("vapid t={signed}.{signature}, k={}", self.public()), until - 3_600))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    #[test]
    fn the_word_names_audience_contact_and_end_and_its_signature_holds_for_the_key_beside_it() {
        let key = VapidKey::from_pkcs8(&VapidKey::generate().unwrap()).unwrap();
        let now = 1_790_000_000;
        let (value, until) =
            key.authorization("https://push.example.net", Some("mailto:watch@example.org"), now).unwrap();
        let (token, public) = value.strip_prefix("vapid t=").unwrap().split_once(", k=").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let decode = |t: &str| BASE64_URL_SAFE_NO_PAD.decode(t).unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, decode(public))
            .verify(signed.as_bytes(), &decode(signature))
            .expect("the signature holds");
        assert_eq!(public, key.public());
        let (header, claims) = signed.split_once('.').unwrap();
        let json = |t| serde_json::from_slice::<serde_json::Value>(&decode(t)).unwrap();
        assert_eq!(json(header), serde_json::json!({"typ": "JWT", "alg": "ES256"}));
        let claims = json(claims);
        assert_eq!(claims["aud"], "https://push.example.net");
        assert_eq!(claims["sub"], "mailto:watch@example.org");
        let end = claims["exp"].as_i64().unwrap();
        assert!(end > now && end <= now + 86_400 && until < end);
        let (value, _) = key.authorization("https://push.example.net", None, now).unwrap();
        let claims = json(value.strip_prefix("vapid t=").unwrap().split('.').nth(1).unwrap());
        assert!(claims.get("sub").is_none());
    }

    #[test]
    fn a_key_that_is_none_is_refused_and_never_shown() {
        assert_eq!(VapidKey::from_pkcs8(b"nonsense").unwrap_err(), KeyError::Unreadable);
        let key = VapidKey::from_pkcs8(&VapidKey::generate().unwrap()).unwrap();
        assert_eq!(format!("{key:?}"), "VapidKey { .. }");
    }
}
