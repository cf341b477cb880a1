//! Codes as a second factor: six digits that change every half minute (TOTP, RFC 6238), and one-time recovery codes.
//!
//! A code is good for its own step and one to either side, and once: the step that was used is kept, and nothing at or
//! before it is taken again. Its secret must be kept as it is (it is needed to check); recovery codes only as hashes.

use super::{How, Try, secret_bytes};
use crate::{
    clock,
    http::auth::{Access, AccessError, hash},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use qrcode::{QrCode, render::svg};
use serde::{Deserialize, Serialize};
use skypicket_model::{PersonId, Time};
use std::{collections::HashMap, sync::PoisonError};
use totp_rs::{Builder, Secret, Totp};

/// Recovery codes given at a time.
pub const RECOVERY: usize = 10;
/// An enrolment waits so long for its first code, seconds.
const ENROL_S: f64 = 900.0;
/// Most enrolments that wait.
const MOST: usize = 10_000;

/// What is kept of somebody's codes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Codes {
    /// The shared secret, base32.
    secret: String,
    /// The newest step that was used.
    used_step: u64,
    /// Since when.
    pub since: Time,
}

/// An enrolment that waits for its first code.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// The shared secret, base32, to be typed where no camera is.
    pub secret: String,
    until: Time,
}

fn totp(base32: &str) -> Result<Totp, AccessError> {
    let broken = |e: &dyn std::fmt::Display| AccessError::Store(format!("the secret of somebody's codes: {e}"));
    let secret = Secret::try_from_base32(base32).map_err(|e| broken(&e))?;
    Builder::new().with_secret(secret).with_skew(1).build().map_err(|e| broken(&e))
}

/// The step that a code is of, if it is one of those good now and newer than the last that was used.
fn step_of(base32: &str, used_step: u64, code: &str, now: Time) -> Result<Option<u64>, AccessError> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(None);
    }
    let seconds = u64::try_from(now.as_micros() / 1_000_000).unwrap_or(0);
    Ok(totp(base32)?.check(&code, seconds).filter(|step| *step > used_step))
}

/// The address that authenticator apps read from the QR code.
fn address(base32: &str, person: &PersonId, centre: &str) -> String {
    let issuer: String = centre.bytes().map(percent).collect();
    format!("otpauth://totp/{issuer}:{person}?secret={base32}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
}

/// Percent-encoding of everything but unreserved characters (RFC 3986).
pub fn percent(b: u8) -> String {
    if b.is_ascii_alphanumeric() || b"-._~".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }
}

/// A QR code as an image for `<img src>`: the pages' policy allows data images, and nothing inline.
fn picture(text: &str) -> Result<String, AccessError> {
    let code = QrCode::new(text).map_err(|e| AccessError::Hash(e.to_string()))?;
    let image = code.render::<svg::Color<'_>>().min_dimensions(240, 240).build();
    Ok(format!("data:image/svg+xml;base64,{}", STANDARD.encode(image)))
}

/// Recovery codes: 80 random bits each, in letters and digits that are not mistaken for each other.
fn recovery_codes() -> Result<Vec<String>, AccessError> {
    const LETTERS: &[u8; 32] = b"23456789abcdefghjkmnpqrstuvwxyz_";
    let mut codes = Vec::with_capacity(RECOVERY);
    while codes.len() < RECOVERY {
        let bytes: [u8; 32] = secret_bytes()?;
        let letters: Vec<char> = bytes
            .iter()
            .map(|b| char::from(LETTERS.get(usize::from(b % 32)).copied().unwrap_or(b'2')))
            .filter(|c| *c != '_')
            .take(16)
            .collect();
        if letters.len() == 16 {
            let groups: Vec<String> = letters.chunks(4).map(String::from_iter).collect();
            codes.push(groups.join("-"));
        }
    }
    Ok(codes)
}

/// A recovery code as it is compared: however it was typed.
fn plain(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

impl Access {
    /// Whether somebody has a second factor of their own: codes or a passkey.
    pub fn has_factor(&self, person: &PersonId) -> bool {
        self.factors.lock().unwrap_or_else(PoisonError::into_inner).contains(person)
    }

    /// Reads who has one; at the start, and after each change of somebody's.
    pub async fn load_factors(&self) -> Result<(), AccessError> {
        let mut with: std::collections::HashSet<PersonId> =
            self.passkeys().await?.into_iter().map(|p| p.person).collect();
        let codes = self.list::<Codes>("totp").await?;
        with.extend(codes.into_iter().filter_map(|(person, _)| PersonId::new(&person).ok()));
        *self.factors.lock().unwrap_or_else(PoisonError::into_inner) = with;
        Ok(())
    }

    /// Somebody's codes.
    pub async fn codes(&self, person: &PersonId) -> Result<Option<Codes>, AccessError> {
        self.get("totp", person.as_str()).await
    }

    /// Begins an enrolment: the secret, its address and a picture of that. Nothing changes before its first code.
    pub fn begin_codes(&self, person: &PersonId) -> Result<(Enrolment, String, String), AccessError> {
        let base32 = Secret::from(secret_bytes::<20>()?).to_base32();
        let now = clock::now();
        let enrolment = Enrolment { secret: base32.clone(), until: now.plus_s(ENROL_S) };
        let mut waiting = self.enrolments.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, e: &mut Enrolment| e.until > now);
        if waiting.len() >= MOST {
            return Err(AccessError::TooMany(60.0));
        }
        waiting.insert(person.clone(), enrolment.clone());
        let centre = if self.exercise { "Skypicket EXERCISE" } else { "Skypicket" };
        let uri = address(&base32, person, centre);
        let image = picture(&uri)?;
        Ok((enrolment, uri, image))
    }

    /// Ends an enrolment by its first code; the recovery codes, for their one showing.
    pub async fn confirm_codes(&self, person: &PersonId, code: &str) -> Result<Vec<String>, AccessError> {
        let now = clock::now();
        let waiting: HashMap<PersonId, Enrolment> =
            self.enrolments.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(e) = waiting.get(person).filter(|e| e.until > now) else {
            return Err(AccessError::Gone("This enrolment has run out: begin again."));
        };
        let _one_at_a_time = self.changing.lock().await;
        let step = step_of(&e.secret, 0, code, now)?.ok_or(AccessError::WrongCode)?;
        let codes = Codes { secret: e.secret.clone(), used_step: step, since: now };
        self.put("totp", person.as_str(), &codes).await?;
        self.enrolments.lock().unwrap_or_else(PoisonError::into_inner).remove(person);
        self.drop_links(person).await?;
        self.load_factors().await?;
        self.new_recovery(person).await
    }

    /// New recovery codes; the old ones are void.
    pub async fn new_recovery(&self, person: &PersonId) -> Result<Vec<String>, AccessError> {
        let codes = recovery_codes()?;
        let hashes: Vec<String> = codes.iter().map(|c| hash(&plain(c))).collect();
        self.put("recovery", person.as_str(), &hashes).await?;
        Ok(codes)
    }

    /// How many recovery codes are left.
    pub async fn recovery_left(&self, person: &PersonId) -> Result<usize, AccessError> {
        Ok(self.get::<Vec<String>>("recovery", person.as_str()).await?.map_or(0, |c| c.len()))
    }

    /// Checks a code of either kind, and uses it up.
    pub async fn use_code(&self, person: &PersonId, code: &str, who: &Try) -> Result<How, AccessError> {
        self.tries().code(who, clock::now()).map_err(AccessError::TooMany)?;
        let _one_at_a_time = self.changing.lock().await;
        let typed = plain(code);
        if typed.len() == 16 {
            let mut left: Vec<String> = self.get("recovery", person.as_str()).await?.unwrap_or_default();
            let before = left.len();
            left.retain(|h| *h != hash(&typed));
            if left.len() == before {
                return Err(AccessError::WrongCode);
            }
            self.put("recovery", person.as_str(), &left).await?;
        } else {
            let Some(mut codes) = self.codes(person).await? else { return Err(AccessError::WrongCode) };
            let step = step_of(&codes.secret, codes.used_step, code, clock::now())?.ok_or(AccessError::WrongCode)?;
            codes.used_step = step;
            // Kept before it counts: after a crash it is not good a second time.
            self.put("totp", person.as_str(), &codes).await?;
        }
        self.tries().right_code(who);
        Ok(How::PasswordAndCode)
    }

    /// Takes somebody's codes away, of both kinds.
    pub async fn drop_codes(&self, person: &PersonId) -> Result<bool, AccessError> {
        let _one_at_a_time = self.changing.lock().await;
        self.drop_key("recovery", person.as_str()).await?;
        let had = self.drop_key("totp", person.as_str()).await?;
        self.load_factors().await?;
        Ok(had)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(s: i64) -> Time {
        Time::from_micros(s * 1_000_000)
    }

    /// RFC 6238, appendix B: the SHA-1 secret and its codes, the last six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let base32 = Secret::from(*b"12345678901234567890").to_base32();
        for (at, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(step_of(&base32, 0, code, t(at)).unwrap(), Some(u64::try_from(at / 30).unwrap()), "{at}");
        }
    }

    #[test]
    fn a_code_is_good_one_step_to_either_side_and_once() {
        let base32 = Secret::from(*b"12345678901234567890").to_base32();
        let at = 1_111_111_109;
        let step = u64::try_from(at / 30).unwrap();
        for (offset, good) in [(-61, false), (-30, true), (0, true), (30, true), (61, false)] {
            assert_eq!(step_of(&base32, 0, "081804", t(at + offset)).unwrap().is_some(), good, "{offset}");
        }
        assert_eq!(step_of(&base32, step, "081804", t(at)).unwrap(), None, "used");
        assert_eq!(step_of(&base32, step - 1, " 081 804 ", t(at)).unwrap(), Some(step), "however it is typed");
        for nonsense in ["", "08180", "0818040", "08180a", "٠٨١٨٠٤"] {
            assert_eq!(step_of(&base32, 0, nonsense, t(at)).unwrap(), None, "{nonsense}");
        }
    }

    #[test]
    fn recovery_codes_differ_and_are_compared_however_they_are_typed() {
        let codes = recovery_codes().unwrap();
        let set: std::collections::BTreeSet<&String> = codes.iter().collect();
        assert_eq!(set.len(), RECOVERY);
        for c in &codes {
            assert_eq!(c.len(), 19, "{c}");
            assert_eq!(plain(c), plain(&c.to_uppercase().replace('-', " ")));
            assert_eq!(plain(c).len(), 16);
        }
    }

    #[test]
    fn the_picture_is_an_image_and_nothing_inline() {
        let uri = address("JBSWY3DPEHPK3PXP", &PersonId::new("north-1").unwrap(), "Skypicket EXERCISE");
        assert!(uri.starts_with("otpauth://totp/Skypicket%20EXERCISE:north-1?secret=JBSWY3DPEHPK3PXP&"));
        assert!(picture(&uri).unwrap().starts_with("data:image/svg+xml;base64,"));
    }
}
