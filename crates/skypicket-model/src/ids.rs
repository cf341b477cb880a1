//! Ids: who or what is meant.
//!
//! Clients make UUIDv7. Engines make UUIDv8 from SHA-256(log id, entry index, ordinal), so that a replay makes the
//! same ones. Sources, people, units and agencies have configured names ([`SourceId`] …), never free text off the wire.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(&self.0, f) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(&self.0, f) }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(s: &str) -> Result<Self, uuid::Error> { s.parse().map(Self) }
        }
    )*};
}

uuid_id! {
    /// One log: one record of one centre, live or exercise.
    LogId,
    /// One observation.
    ObservationId,
    /// One sighting (client-made UUIDv7).
    SightingId,
    /// One track.
    TrackId,
    /// One notice: a warning or a bulletin, over all its versions.
    NoticeId,
    /// One intelligence report (client-made UUIDv7).
    ReportId,
    /// One saved search (client-made).
    SearchId,
    /// One delivery: notice version × person × channel.
    DeliveryId,
    /// One request of a client (client-made), by which a repeat is known.
    RequestId,
}

/// A configured name is 1 to 64 of `a`-`z`, `0`-`9`, `-`, `_` and `.`, starting with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a configured name: 1 to 64 of a-z, 0-9, '-', '_', '.', starting with a letter or digit")]
pub struct NotAName(String);

macro_rules! name_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The name, checked.
            pub fn new(s: &str) -> Result<Self, NotAName> {
                let first = s.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
                let rest = s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b));
                if first && rest && s.len() <= 64 { Ok(Self(s.into())) } else { Err(NotAName(s.chars().take(80).collect())) }
            }
            /// The name as text.
            pub fn as_str(&self) -> &str { &self.0 }
        }
        impl TryFrom<String> for $name {
            type Error = NotAName;
            fn try_from(s: String) -> Result<Self, NotAName> { Self::new(&s) }
        }
        impl From<$name> for String {
            fn from(n: $name) -> String { n.0.to_string() }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
        }
        impl FromStr for $name {
            type Err = NotAName;
            fn from_str(s: &str) -> Result<Self, NotAName> { Self::new(s) }
        }
    )*};
}

name_id! {
    /// A source: a sensor or feed, or a person (`person.NAME`) when they report.
    SourceId,
    /// A person.
    PersonId,
    /// A unit.
    UnitId,
    /// An agency.
    AgencyId,
}

impl SourceId {
    /// The source that a person is when they report a sighting.
    pub fn of_person(p: &PersonId) -> Self {
        Self(format!("person.{p}").into())
    }
}

/// Makes the ids that engines need while they work on one entry: the same entry always gives the same ids.
#[derive(Debug, Clone)]
pub struct IdMaker {
    log: LogId,
    index: u64,
    ordinal: u32,
}

impl IdMaker {
    /// For the entry `index` of `log`.
    pub fn new(log: LogId, index: u64) -> Self {
        Self { log, index, ordinal: 0 }
    }

    /// The next id: UUIDv8 of the first 16 bytes of SHA-256(log id ‖ index ‖ ordinal), big-endian.
    pub fn make(&mut self) -> Uuid {
        let mut h = Sha256::new();
        h.update(self.log.0.as_bytes());
        h.update(self.index.to_be_bytes());
        h.update(self.ordinal.to_be_bytes());
        self.ordinal += 1;
        let digest = h.finalize();
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        Uuid::new_v8(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engine_ids_repeat_with_their_entry_and_differ_otherwise() {
        let log = LogId(Uuid::from_u128(7));
        let (mut a, mut b, mut c) = (IdMaker::new(log, 3), IdMaker::new(log, 3), IdMaker::new(log, 4));
        let first = a.make();
        assert_eq!(first, b.make());
        assert_ne!(first, a.make());
        assert_ne!(first, c.make());
        assert_eq!(first.get_version_num(), 8);
    }

    #[test]
    fn names_are_plain() {
        assert!(PersonId::new("agent-1").is_ok());
        for bad in ["", "Agent", "a b", "-a", "é", &"a".repeat(65)] {
            assert!(PersonId::new(bad).is_err(), "{bad}");
        }
    }
}
