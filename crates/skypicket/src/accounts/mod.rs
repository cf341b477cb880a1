//! Accounts: how people sign in, and how that ends. One noun a file; all of it works on
//! [`crate::http::auth::Access`], which holds the tables, and keeps what must last in the record's private store.
//!
//! Secrets are kept only as hashes. Two kinds must be kept as they are: the secret behind somebody's codes, without which
//! no code could be checked, and the public halves of passkeys, which open nothing.

mod cuts;
mod device;
mod link;
mod oidc;
mod passkey;
mod password;
mod policy;
mod reset;
mod session;
#[cfg(test)]
mod tests;
mod ticket;
mod totp;
mod tries;

pub use cuts::Cuts;
pub use device::KNOWN_S;
pub use link::link_id;
pub use oidc::{OidcError, Provider, page};
pub use passkey::{Ceremonies, Site};
pub use policy::{FactorBy, OidcConfig, SignInPolicy};
pub use reset::{MayNot, Reset, may_begin, may_confirm};
pub use session::{How, Place, Session, Shut, agent_words};
pub use ticket::Tickets;
pub use totp::Enrolment;
pub use tries::{Tries, Try, network};

use crate::http::auth::AccessError;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};

/// Random bytes.
pub fn secret_bytes<const N: usize>() -> Result<[u8; N], AccessError> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(|e| AccessError::Store(e.to_string()))?;
    Ok(bytes)
}

/// A secret to hand out: 32 random bytes, base64url.
pub fn secret() -> Result<String, AccessError> {
    Ok(B64.encode(secret_bytes::<32>()?))
}
