//! Passwords: argon2id (RFC 9106), at least [`MIN_PASSWORD`] characters, none of the commonest; no rules about which
//! characters (NIST SP 800-63B).

use super::Try;
use crate::{
    clock,
    http::auth::{Access, AccessError},
};
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use skypicket_model::PersonId;

/// Shortest password, characters.
pub const MIN_PASSWORD: usize = 10;
/// Longest password, bytes.
pub const MAX_PASSWORD: usize = 1_024;

/// The commonest passwords that are long enough, in lower case, one a line: from lists of leaked ones that go round.
const COMMON: &str = include_str!("common_passwords.txt");

/// A hash that no password has, with the default parameters, so that an unknown name takes as long as a known one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// What is wrong with a password for this person, in a sentence.
pub fn weakness(password: &str, person: &PersonId) -> Option<&'static str> {
    let n = password.chars().count();
    if n < MIN_PASSWORD || password.len() > MAX_PASSWORD {
        return Some("The password must have 10 characters at least, and 1024 bytes at most.");
    }
    let plain: String = password.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    let codes: Vec<u32> = plain.chars().map(u32::from).collect();
    let step = |by: i64| codes.windows(2).all(|w| matches!(w, [a, b] if i64::from(*b) - i64::from(*a) == by));
    let letters = plain.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation());
    if step(0) || step(1) || step(-1) || COMMON.lines().any(|c| c == plain || c == letters) {
        return Some("That is one of the commonest passwords, which are tried first. Take some words of your own.");
    }
    // What is left beside the name must be a password.
    let rest = plain.replace(person.as_str(), "").replace("skypicket", "");
    (rest.chars().count() < 6).then_some("The password is little more than a name. Take some words of your own.")
}

impl Access {
    /// Checks a password; true when it is theirs. Costs the same for whoever there is not.
    pub async fn check_password(&self, person: &PersonId, password: &str, who: &Try) -> Result<bool, AccessError> {
        self.tries().password(who, clock::now()).map_err(AccessError::TooMany)?;
        let kept: Option<String> = self.get("password", person.as_str()).await?;
        let known = kept.is_some();
        let phc = kept.unwrap_or_else(|| NOBODY.to_owned());
        // A password that cannot be one is hashed as another: its length must not show in the time.
        let password = if password.len() > MAX_PASSWORD { String::new() } else { password.to_owned() };
        let _one_of_two = self.hashing.acquire().await.map_err(|e| AccessError::Hash(e.to_string()))?;
        metrics::counter!("skypicket_password_hashes_total").increment(1);
        let fits = tokio::task::spawn_blocking(move || {
            PasswordHash::new(&phc).is_ok_and(|h| Argon2::default().verify_password(password.as_bytes(), &h).is_ok())
        })
        .await
        .map_err(|e| AccessError::Hash(e.to_string()))?;
        if known && fits {
            self.tries().right(who);
        }
        Ok(known && fits)
    }

    /// Sets a person's password. Links that were open are void.
    pub async fn set_password(&self, person: &PersonId, password: &str) -> Result<(), AccessError> {
        if let Some(why) = weakness(password, person) {
            return Err(AccessError::Weak(why));
        }
        let password = password.to_owned();
        let _one_of_two = self.hashing.acquire().await.map_err(|e| AccessError::Hash(e.to_string()))?;
        let mut salt = [0u8; 16];
        getrandom::fill(&mut salt).map_err(|e| AccessError::Hash(e.to_string()))?;
        let phc = tokio::task::spawn_blocking(move || {
            Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map(|h| h.to_string())
        })
        .await
        .map_err(|e| AccessError::Hash(e.to_string()))?
        .map_err(|e| AccessError::Hash(e.to_string()))?;
        self.put("password", person.as_str(), &phc).await?;
        self.drop_links(person).await.map(drop)
    }

    /// Whether a person has a password.
    pub async fn has_password(&self, person: &PersonId) -> Result<bool, AccessError> {
        Ok(self.get::<String>("password", person.as_str()).await?.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_common_passwords_are_refused_and_words_are_not() {
        let p = PersonId::new("north-1").unwrap();
        for weak in [
            "short",
            "password123",
            "Password1234!",
            "1234567890",
            "0987654321",
            "aaaaaaaaaaaa",
            "qwertyuiop",
            "QWERTYUIOP1",
            "abcdefghij",
            "north-1north-1",
            "skypicket north-1",
            "skypicket1",
            "iloveyou 2024",
        ] {
            assert!(weakness(weak, &p).is_some(), "{weak}");
        }
        for fit in [
            "correct horse battery",
            "lluvia en la sierra",
            "zehn kleine fische",
            "北の空に雲が流れて行く",
            "dustdevil-0417x",
        ] {
            assert_eq!(weakness(fit, &p), None, "{fit}");
        }
        assert!(weakness(&"é".repeat(1_025), &p).is_some());
    }

    #[test]
    fn the_list_is_in_the_form_that_is_compared() {
        for line in COMMON.lines() {
            assert!(!line.is_empty() && line.chars().all(|c| !c.is_whitespace() && !c.is_uppercase()), "{line}");
        }
        assert!(COMMON.lines().count() > 150);
    }
}
