//! [`seal`]: the body of a push message, readable only by the browser that subscribed (RFC 8291 over RFC 8188).

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::{aead, agreement, hkdf, rand};

/// Longest text: one record of 4,096 octets with its header, tag and delimiter.
pub const MOST_TEXT: usize = 3_993;
/// Size of the one record, as the header says it.
const RECORD: u32 = 4_096;
/// Texts are filled up to a multiple of this, so that their length does not tell a warning from a test.
const STEP: usize = 1_024;
const TAG: usize = 16;

/// What a browser gave with its subscription: its public key and a secret that it shares with us.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Uncompressed point on P-256.
    p256dh: [u8; 65],
    auth: [u8; 16],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys { .. }")
    }
}

/// Why a text could not be sealed, or keys not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// `p256dh` is no point of the curve.
    #[error("p256dh: not an uncompressed point of P-256 in base64url")]
    Key,
    /// `auth` has another length.
    #[error("auth: not 16 octets in base64url")]
    Auth,
    /// More than [`MOST_TEXT`].
    #[error("the text is longer than one record holds")]
    Long,
    /// The machine gives no randomness.
    #[error("the machine gives no randomness")]
    Random,
}

impl Keys {
    /// From the two texts of a browser's `PushSubscription`.
    pub fn from_texts(p256dh: &str, auth: &str) -> Result<Self, SealError> {
        let bytes = |t: &str| BASE64_URL_SAFE_NO_PAD.decode(t.trim_end_matches('=')).ok();
        let p256dh: [u8; 65] = bytes(p256dh).and_then(|b| b.try_into().ok()).ok_or(SealError::Key)?;
        let auth = bytes(auth).and_then(|b| b.try_into().ok()).ok_or(SealError::Auth)?;
        let keys = Self { p256dh, auth };
        // A point that is not on the curve is found now, and not at the first warning.
        keys.agree().map(|_| keys)
    }

    /// A new key pair of ours and what it and theirs agree on.
    fn agree(&self) -> Result<([u8; 65], [u8; 32]), SealError> {
        let own = agreement::EphemeralPrivateKey::generate(&agreement::ECDH_P256, &rand::SystemRandom::new())
            .map_err(|_| SealError::Random)?;
        let public = own.compute_public_key().map_err(|_| SealError::Random)?;
        let public = public.as_ref().try_into().map_err(|_| SealError::Random)?;
        let theirs = agreement::UnparsedPublicKey::new(&agreement::ECDH_P256, self.p256dh);
        let shared = agreement::agree_ephemeral(own, &theirs, |s| <[u8; 32]>::try_from(s));
        Ok((public, shared.map_err(|_| SealError::Key)?.map_err(|_| SealError::Key)?))
    }
}

/// Seals a text for whoever has the private half of these keys.
pub fn seal(to: &Keys, text: &[u8]) -> Result<Vec<u8>, SealError> {
    let (public, shared) = to.agree()?;
    let mut salt = [0u8; 16];
    rand::SecureRandom::fill(&rand::SystemRandom::new(), &mut salt).map_err(|_| SealError::Random)?;
    let filled = (text.len() + 1).next_multiple_of(STEP).min(MOST_TEXT + 1) - 1;
    seal_with(to, &shared, &public, salt, text, filled)
}

/// The same from values that are given: `filled` is the length that the text is filled up to.
fn seal_with(
    to: &Keys,
    shared: &[u8],
    public: &[u8; 65],
    salt: [u8; 16],
    text: &[u8],
    filled: usize,
) -> Result<Vec<u8>, SealError> {
    if text.len() > MOST_TEXT {
        return Err(SealError::Long);
    }
    // RFC 8291 section 3.4: from what both keys agree on and the shared secret to the input of RFC 8188.
    let info: [&[u8]; 3] = [b"WebPush: info\0", &to.p256dh, public];
    let input: [u8; 32] = derive(&to.auth, shared, &info).ok_or(SealError::Long)?;
    // RFC 8188 section 2.
    let key: [u8; 16] = derive(&salt, &input, &[b"Content-Encoding: aes128gcm\0"]).ok_or(SealError::Long)?;
    let nonce: [u8; 12] = derive(&salt, &input, &[b"Content-Encoding: nonce\0"]).ok_or(SealError::Long)?;
    let mut record = Vec::with_capacity(filled + 1 + TAG);
    record.extend_from_slice(text);
    // The delimiter of the last record, then nothing but filling.
    record.push(2);
    record.resize((filled + 1).max(record.len()), 0);
    let key = aead::UnboundKey::new(&aead::AES_128_GCM, &key).map_err(|_| SealError::Long)?;
    aead::LessSafeKey::new(key)
        .seal_in_place_append_tag(aead::Nonce::assume_unique_for_key(nonce), aead::Aad::empty(), &mut record)
        .map_err(|_| SealError::Long)?;
    let mut body = Vec::with_capacity(86 + record.len());
    body.extend_from_slice(&salt);
    body.extend_from_slice(&RECORD.to_be_bytes());
    body.push(65);
    body.extend_from_slice(public);
    body.append(&mut record);
    Ok(body)
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-SHA-256 (RFC 5869), extract and expand.
fn derive<const N: usize>(salt: &[u8], input: &[u8], info: &[&[u8]]) -> Option<[u8; N]> {
    let mut out = [0u8; N];
    let key = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(input);
    key.expand(info, Length(N)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::elliptic_curve::{point::AffineCoordinates, sec1::ToEncodedPoint};

    fn b64(t: &str) -> Vec<u8> {
        BASE64_URL_SAFE_NO_PAD.decode(t).unwrap()
    }

    /// What two keys agree on, by another library than the one under test.
    fn agree(private: &p256::SecretKey, public: &[u8]) -> [u8; 32] {
        let public = p256::PublicKey::from_sec1_bytes(public).unwrap();
        (public.to_projective() * *private.to_nonzero_scalar()).to_affine().x().into()
    }

    /// What a browser does with a message: the other half, written from the RFCs.
    fn open(private: &p256::SecretKey, auth: &[u8], body: &[u8]) -> Vec<u8> {
        let own = private.public_key().to_encoded_point(false);
        let (salt, public) = (&body[..16], &body[21..86]);
        assert_eq!((&body[16..20], body[20]), (&4_096u32.to_be_bytes()[..], 65));
        let shared = agree(private, public);
        let input: [u8; 32] = derive(auth, &shared, &[b"WebPush: info\0", own.as_bytes(), public]).unwrap();
        let key: [u8; 16] = derive(salt, &input, &[b"Content-Encoding: aes128gcm\0"]).unwrap();
        let nonce: [u8; 12] = derive(salt, &input, &[b"Content-Encoding: nonce\0"]).unwrap();
        let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key).unwrap());
        let mut record = body[86..].to_vec();
        let plain = key
            .open_in_place(aead::Nonce::assume_unique_for_key(nonce), aead::Aad::empty(), &mut record)
            .expect("the tag holds");
        let end = plain.iter().rposition(|b| *b != 0).unwrap();
        assert_eq!(plain[end], 2, "the last record's delimiter");
        plain[..end].to_vec()
    }

    /// RFC 8291, appendix A.
    #[test]
    fn the_example_of_the_standard_comes_out_octet_for_octet() {
        let ua = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        let keys = Keys::from_texts(ua, "BTBZMqHH6r4Tts7J_aSIgg").unwrap();
        let private = p256::SecretKey::from_slice(&b64("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")).unwrap();
        let public: [u8; 65] = private.public_key().to_encoded_point(false).as_bytes().try_into().unwrap();
        let shared = agree(&private, &keys.p256dh);
        assert_eq!(shared.to_vec(), b64("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs"));
        let salt = b64("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap();
        let text = b"When I grow up, I want to be a watermelon";
        let body = seal_with(&keys, &shared, &public, salt, text, text.len()).unwrap();
        let expect = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w\
                      EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(body), expect);
    }

    #[test]
    fn whoever_subscribed_reads_it_and_nobody_else_and_its_length_says_little() {
        let private = p256::SecretKey::from_slice(&[7; 32]).unwrap();
        let point = private.public_key().to_encoded_point(false);
        let keys =
            Keys::from_texts(&BASE64_URL_SAFE_NO_PAD.encode(point.as_bytes()), &BASE64_URL_SAFE_NO_PAD.encode([9; 16]))
                .unwrap();
        let mut lengths = std::collections::BTreeSet::new();
        for length in [0, 1, 900, 1_022, 1_023, 1_024, 3_000, MOST_TEXT] {
            let text: Vec<u8> = (1..=250u8).cycle().take(length).collect();
            let body = seal(&keys, &text).unwrap();
            assert!(body.len() <= 4_096, "{length}: {}", body.len());
            assert_eq!(open(&private, &[9; 16], &body), text);
            lengths.insert(body.len());
        }
        assert_eq!(lengths.len(), 4, "{lengths:?}");
        assert_eq!(seal(&keys, &vec![1; MOST_TEXT + 1]), Err(SealError::Long));
        // Each message has a key and a salt of its own.
        assert_ne!(seal(&keys, b"x").unwrap()[..86], seal(&keys, b"x").unwrap()[..86]);
        let other = std::panic::catch_unwind(|| open(&private, &[8; 16], &seal(&keys, b"x").unwrap()));
        assert!(other.is_err(), "with another shared secret it does not open");
    }

    #[test]
    fn keys_that_are_none_are_refused_at_once() {
        let good = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        let auth = "BTBZMqHH6r4Tts7J_aSIgg";
        assert!(Keys::from_texts(&format!("{good}="), auth).is_ok(), "padding is fine");
        let off_curve = BASE64_URL_SAFE_NO_PAD.encode([&[4u8][..], &[1; 64]].concat());
        for bad in ["", "AAAA", "not base64!", &off_curve, "VAAA"] {
            assert_eq!(Keys::from_texts(bad, auth).unwrap_err(), SealError::Key, "{bad}");
        }
        for bad in ["", "AAAA", "BTBZMqHH6r4Tts7J_aSIggAA"] {
            assert_eq!(Keys::from_texts(good, bad).unwrap_err(), SealError::Auth, "{bad}");
        }
    }
}
