//! Passkeys (WebAuthn): a key in a phone, a laptop or on a stick, unlocked by its holder, for this centre's name only.
//!
//! A passkey is both factors at once: the device, and the finger, face or PIN that unlocks it (user verification is
//! required). It belongs to a host name: browsers offer none on a bare IP address. Only public data is kept.

use super::secret_bytes;
use crate::{
    clock,
    http::auth::{Access, AccessError},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use skypicket_model::{PersonId, Time};
use std::{collections::HashMap, net::IpAddr, sync::PoisonError};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, PublicKeyCredentialCreationOptions, Registration, RegistrationServerState,
    bin::{Decode, Encode},
    request::{
        AsciiDomain, PublicKeyCredentialDescriptor, RpId,
        auth::AuthenticationVerificationOptions,
        register::{
            CredProtect, Nickname, PublicKeyCredentialUserEntity, RegistrationVerificationOptions, UserHandle, Username,
        },
    },
    response::{
        AuthTransports, CredentialId, Origin,
        register::{CompressedPubKey, DynamicState, StaticState},
    },
};

/// Most passkeys of one person.
const MOST: usize = 10;
/// Most ceremonies that wait.
const WAITING: usize = 10_000;
/// A ceremony waits so long, seconds.
const WAIT_S: f64 = 300.0;
/// Bytes of a user handle.
const HANDLE: usize = 16;

/// A passkey as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Passkey {
    /// Whose.
    pub person: PersonId,
    /// What they call it.
    pub name: String,
    /// For which host name.
    pub host: String,
    /// Its id, base64url.
    pub id: String,
    handle: String,
    transports: u8,
    fixed: String,
    moving: String,
    /// Since when.
    pub since: Time,
    /// Last used.
    #[serde(default)]
    pub used_at: Option<Time>,
}

/// Where the page is, as the browser has it: host name and origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Host name without a port.
    pub host: String,
    /// `https://host:port`.
    pub origin: String,
}

impl Site {
    /// From the `Host` header, where passkeys can work at all: a name, over https or on this machine.
    pub fn of(host_header: &str, https: bool) -> Result<Self, &'static str> {
        let host = match host_header.rsplit_once(':') {
            Some((h, port)) if port.bytes().all(|b| b.is_ascii_digit()) => h,
            _ => host_header,
        };
        let host = host.to_ascii_lowercase();
        if host.is_empty() || host.starts_with('[') || host.parse::<IpAddr>().is_ok() {
            return Err("by_address");
        }
        let local = host == "localhost" || host.ends_with(".localhost");
        if !https && !local {
            return Err("without_tls");
        }
        let scheme = if https { "https" } else { "http" };
        Ok(Self { origin: format!("{scheme}://{}", host_header.to_ascii_lowercase()), host })
    }

    fn rp(&self) -> Result<RpId, AccessError> {
        let domain = AsciiDomain::try_from(self.host.clone())
            .map_err(|_| AccessError::Passkey("this host name cannot have passkeys".into()))?;
        Ok(RpId::Domain(domain))
    }
}

/// The one origin that is taken.
struct Only<'a>(&'a str);

impl PartialEq<Origin<'_>> for Only<'_> {
    fn eq(&self, other: &Origin<'_>) -> bool {
        self.0 == other.0.as_ref()
    }
}

/// A ceremony that waits for the browser.
enum Ceremony {
    Register(PersonId, Box<RegistrationServerState<HANDLE>>),
    SignIn(DiscoverableAuthenticationServerState),
}

/// Ceremonies that wait, by their ids.
#[derive(Default)]
pub struct Ceremonies(HashMap<String, (Time, Site, Ceremony)>);

impl std::fmt::Debug for Ceremonies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ceremonies", self.0.len())
    }
}

type Kept = StaticState<CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>>;

fn unfit(e: impl std::fmt::Display) -> AccessError {
    AccessError::Passkey(e.to_string())
}

fn read(text: &str) -> Result<Vec<u8>, AccessError> {
    B64.decode(text).map_err(|e| AccessError::Store(format!("a kept passkey: {e}")))
}

impl Access {
    fn ceremony(&self, site: &Site, ceremony: Ceremony) -> Result<String, AccessError> {
        let id = uuid::Uuid::now_v7().to_string();
        let now = clock::now();
        let mut all = self.ceremonies.lock().unwrap_or_else(PoisonError::into_inner);
        all.0.retain(|_, (until, _, _)| *until > now);
        if all.0.len() >= WAITING {
            return Err(AccessError::TooMany(30.0));
        }
        all.0.insert(id.clone(), (now.plus_s(WAIT_S), site.clone(), ceremony));
        Ok(id)
    }

    fn take_ceremony(&self, id: &str, site: &Site) -> Result<Ceremony, AccessError> {
        let taken = self.ceremonies.lock().unwrap_or_else(PoisonError::into_inner).0.remove(id);
        match taken {
            Some((until, begun, c)) if until > clock::now() && begun == *site => Ok(c),
            _ => Err(AccessError::Gone("This has run out: begin again.")),
        }
    }

    /// Every passkey.
    pub async fn passkeys(&self) -> Result<Vec<Passkey>, AccessError> {
        Ok(self.list::<Passkey>("passkey").await?.into_iter().map(|(_, p)| p).collect())
    }

    /// A person's passkeys, the oldest first.
    pub async fn passkeys_of(&self, person: &PersonId) -> Result<Vec<Passkey>, AccessError> {
        let mut mine = self.passkeys().await?;
        mine.retain(|p| p.person == *person);
        mine.sort_by_key(|p| p.since);
        Ok(mine)
    }

    async fn handle(&self, person: &PersonId) -> Result<UserHandle<HANDLE>, AccessError> {
        let kept: Option<String> = self.get("passkey_handle", person.as_str()).await?;
        let bytes = if let Some(text) = kept {
            <[u8; HANDLE]>::try_from(read(&text)?).map_err(|_| AccessError::Store("a handle".into()))?
        } else {
            let bytes = secret_bytes::<HANDLE>()?;
            self.put("passkey_handle", person.as_str(), &B64.encode(bytes)).await?;
            bytes
        };
        UserHandle::decode(bytes).map_err(|e| match e {})
    }

    /// Begins a registration: the ceremony's id, and what the browser's `navigator.credentials.create` takes.
    pub async fn begin_passkey(
        &self,
        person: &PersonId,
        name: &str,
        site: &Site,
    ) -> Result<(String, Value), AccessError> {
        let mine = self.passkeys_of(person).await?;
        if mine.len() >= MOST {
            return Err(AccessError::Passkey("You have ten passkeys: remove one first.".into()));
        }
        let rp = site.rp()?;
        let handle = self.handle(person).await?;
        let mut exclude = Vec::new();
        for p in mine.iter().filter(|p| p.host == site.host) {
            let id = CredentialId::<Vec<u8>>::decode(read(&p.id)?).map_err(unfit)?;
            let transports = AuthTransports::decode(p.transports).map_err(unfit)?;
            exclude.push(PublicKeyCredentialDescriptor { id, transports });
        }
        // A name that the standard's profile of names does not take is left out: the id says enough.
        let shown = Nickname::try_from(name).ok();
        let user = PublicKeyCredentialUserEntity {
            name: Username::try_from(person.as_str()).map_err(unfit)?,
            id: &handle,
            display_name: shown,
        };
        let mut ask = PublicKeyCredentialCreationOptions::passkey(&rp, user, exclude);
        // Asked for by default and then enforced: the keychains of phones do not have this extension, and would be refused.
        ask.extensions.cred_protect = CredProtect::None;
        let (server, client) = ask.start_ceremony().map_err(unfit)?;
        let options = serde_json::to_value(&client).map_err(|e| AccessError::Store(e.to_string()))?;
        let id = self.ceremony(site, Ceremony::Register(person.clone(), Box::new(server)))?;
        Ok((id, options))
    }

    /// Ends a registration with what the browser gave.
    pub async fn end_passkey(
        &self,
        person: &PersonId,
        (ceremony, name): (&str, &str),
        credential: &Value,
        site: &Site,
    ) -> Result<Passkey, AccessError> {
        let Ceremony::Register(whose, server) = self.take_ceremony(ceremony, site)? else {
            return Err(AccessError::Gone("This has run out: begin again."));
        };
        if whose != *person {
            return Err(AccessError::Gone("This has run out: begin again."));
        }
        let bytes = serde_json::to_vec(credential).map_err(|e| AccessError::Store(e.to_string()))?;
        let registration = Registration::from_json_relaxed(&bytes).map_err(unfit)?;
        let origins = [Only(&site.origin)];
        let options = RegistrationVerificationOptions::<Only<'_>, Only<'_>> {
            allowed_origins: &origins,
            // Keys on sticks add some of their own accord; nothing is made of them here.
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let made = server.verify(&site.rp()?, &registration, &options).map_err(unfit)?;
        let fixed = made.static_state().encode().map_err(|e| match e {})?;
        let moving = made.dynamic_state().encode().map_err(|e| match e {})?;
        let id = B64.encode(made.id().as_ref());
        let handle = B64.encode(made.user_id().as_ref());
        let transports = made.transports().encode().map_err(|e| match e {})?;
        let _one_at_a_time = self.changing.lock().await;
        if self.get::<Passkey>("passkey", &id).await?.is_some() {
            return Err(AccessError::Passkey("This passkey is registered already.".into()));
        }
        let passkey = Passkey {
            person: person.clone(),
            name: name.to_owned(),
            host: site.host.clone(),
            id: id.clone(),
            handle,
            transports,
            fixed: B64.encode(fixed),
            moving: B64.encode(moving),
            since: clock::now(),
            used_at: None,
        };
        self.put("passkey", &id, &passkey).await?;
        self.drop_links(person).await?;
        self.load_factors().await?;
        Ok(passkey)
    }

    /// Begins a sign-in: the ceremony's id, and what the browser's `navigator.credentials.get` takes. It names nobody: the
    /// device knows whose passkeys it holds.
    pub fn begin_passkey_sign_in(&self, site: &Site) -> Result<(String, Value), AccessError> {
        let rp = site.rp()?;
        let (server, client) = DiscoverableCredentialRequestOptions::passkey(&rp).start_ceremony().map_err(unfit)?;
        let options = serde_json::to_value(&client).map_err(|e| AccessError::Store(e.to_string()))?;
        Ok((self.ceremony(site, Ceremony::SignIn(server))?, options))
    }

    /// Ends a sign-in; who it is. Whatever was wrong is told as one thing.
    pub async fn end_passkey_sign_in(
        &self,
        ceremony: &str,
        credential: &Value,
        site: &Site,
    ) -> Result<PersonId, AccessError> {
        let Ceremony::SignIn(server) = self.take_ceremony(ceremony, site)? else { return Err(AccessError::Wrong) };
        let bytes = serde_json::to_vec(credential).map_err(|e| AccessError::Store(e.to_string()))?;
        let given = DiscoverableAuthentication::<HANDLE>::from_json_relaxed(&bytes).map_err(|error| {
            tracing::info!(%error, "a passkey's answer could not be read");
            AccessError::Wrong
        })?;
        let id = B64.encode(given.raw_id().as_ref());
        let _one_at_a_time = self.changing.lock().await;
        let kept = self.get::<Passkey>("passkey", &id).await?.filter(|p| p.host == site.host);
        let Some(mut kept) = kept else { return Err(AccessError::Wrong) };
        let raw = read(&kept.id)?;
        let handle =
            <[u8; HANDLE]>::try_from(read(&kept.handle)?).map_err(|_| AccessError::Store("a handle".into()))?;
        let handle = UserHandle::<HANDLE>::decode(handle).map_err(|e| match e {})?;
        let fixed = read(&kept.fixed)?;
        let fixed = Kept::decode(fixed.as_slice()).map_err(|e| AccessError::Store(e.to_string()))?;
        let moving = <[u8; 7]>::try_from(read(&kept.moving)?).map_err(|_| AccessError::Store("a passkey".into()))?;
        let moving = DynamicState::decode(moving).map_err(|e| AccessError::Store(e.to_string()))?;
        let raw_id = CredentialId::<&[u8]>::decode(raw.as_slice()).map_err(unfit)?;
        let mut known = AuthenticatedCredential::new(raw_id, &handle, fixed, moving)
            .map_err(|e| AccessError::Store(e.to_string()))?;
        let origins = [Only(&site.origin)];
        let options = AuthenticationVerificationOptions::<Only<'_>, Only<'_>> {
            allowed_origins: &origins,
            // Keys on sticks add some of their own accord; nothing is made of them here.
            error_on_unsolicited_extensions: false,
            ..AuthenticationVerificationOptions::default()
        };
        let verified = server.verify(&site.rp()?, &given, &mut known, &options);
        if let Err(error) = verified {
            tracing::info!(%error, "a passkey was refused");
            return Err(AccessError::Wrong);
        }
        kept.moving = B64.encode(known.dynamic_state().encode().map_err(|e| match e {})?);
        kept.used_at = Some(clock::now());
        self.put("passkey", &id, &kept).await?;
        Ok(kept.person)
    }

    /// Removes one of a person's passkeys; whether there was one.
    pub async fn drop_passkey(&self, person: &PersonId, id: &str) -> Result<bool, AccessError> {
        let _one_at_a_time = self.changing.lock().await;
        let theirs = self.get::<Passkey>("passkey", id).await?.is_some_and(|p| p.person == *person);
        if !theirs {
            return Ok(false);
        }
        let dropped = self.drop_key("passkey", id).await?;
        self.load_factors().await?;
        Ok(dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_are_offered_by_name_over_tls_or_on_this_machine_and_never_on_a_bare_address() {
        let table = [
            ("localhost:8080", false, Ok(("localhost", "http://localhost:8080"))),
            ("visitor.localhost:1", false, Ok(("visitor.localhost", "http://visitor.localhost:1"))),
            ("Picket.example", true, Ok(("picket.example", "https://picket.example"))),
            ("picket.example:8443", true, Ok(("picket.example", "https://picket.example:8443"))),
            ("picket.example", false, Err("without_tls")),
            ("127.0.0.1:8080", false, Err("by_address")),
            ("192.0.2.7", true, Err("by_address")),
            ("[::1]:8080", true, Err("by_address")),
            ("", true, Err("by_address")),
        ];
        for (host, https, expected) in table {
            let got = Site::of(host, https);
            let got = got.as_ref().map(|s| (s.host.as_str(), s.origin.as_str())).map_err(|e| *e);
            assert_eq!(got, expected, "{host}");
        }
    }
}
