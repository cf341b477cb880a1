//! How an entry is written: a *header* and its *items*, each one format byte and then CBOR (RFC 8949) with named
//! fields, so that every later version can read what this one wrote.
//!
//! An item holds content, is committed to as SHA-256(nonce ‖ content) under a nonce of 32 random bytes, and can be
//! purged alone. The header holds nothing about anybody, and is never purged: index, time, kind, cause, how many items, and the Merkle root over their commitments. The header's hash is the entry's leaf in the log's tree.

use crate::merkle::{Hash, leaf_hash, root_of, sha256};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, de::DeserializeOwned};
use skypicket_model::{Body, Entry, Time, entry};
use std::{collections::BTreeMap, fmt};

/// The format that this version writes, as the first byte of every header and item.
pub const FORMAT: u8 = 1;

/// Most items in one entry.
pub const MAX_ITEMS: usize = 65_536;

/// Most bytes of one item (a snapshot's state is the largest).
pub const MAX_ITEM_BYTES: usize = 128 << 20;

/// Why bytes are no header or item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// No bytes at all.
    #[error("empty")]
    Empty,
    /// Written by a later version.
    #[error("format {0} is newer than this program (it knows up to {FORMAT})")]
    Format(u8),
    /// Not CBOR, or not of the expected form.
    #[error("not readable: {0}")]
    Cbor(String),
    /// Bytes after the end.
    #[error("{0} bytes after the end")]
    Trailing(usize),
    /// A kind that this version does not know.
    #[error("unknown kind '{0}'")]
    Kind(String),
    /// Another number of items than the kind has.
    #[error("{got} items where '{kind}' has {expected}")]
    Items {
        /// The kind.
        kind: String,
        /// How many there are.
        got: usize,
        /// How many there should be.
        expected: usize,
    },
}

/// Writes a value as one format byte and CBOR.
pub(crate) fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, EncodingError> {
    let mut bytes = vec![FORMAT];
    ciborium::into_writer(value, &mut bytes).map_err(|e| EncodingError::Cbor(e.to_string()))?;
    Ok(bytes)
}

/// Reads what [`to_bytes`] of this or an earlier version wrote.
pub(crate) fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, EncodingError> {
    let (format, mut rest) = bytes.split_first().ok_or(EncodingError::Empty)?;
    if *format != FORMAT {
        return Err(EncodingError::Format(*format));
    }
    let value = ciborium::from_reader(&mut rest).map_err(|e| EncodingError::Cbor(e.to_string()))?;
    if rest.is_empty() { Ok(value) } else { Err(EncodingError::Trailing(rest.len())) }
}

/// Bytes that are written as a CBOR byte string and not as a list of numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Bytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a byte string")
            }
            fn visit_bytes<E: de::Error>(self, v: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(v.to_vec()))
            }
            fn visit_byte_buf<E: de::Error>(self, v: Vec<u8>) -> Result<Bytes, E> {
                Ok(Bytes(v))
            }
        }
        d.deserialize_byte_buf(Visitor)
    }
}

/// What an entry commits to, as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct WrittenHeader {
    index: u64,
    recorded_at_us: i64,
    kind: String,
    cause: Option<u64>,
    items: u32,
    items_root: Bytes,
}

/// What an entry commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The entry's place in the log.
    pub index: u64,
    /// When it was taken in.
    pub recorded_at: Time,
    /// Its kind ([`Body::kind`]).
    pub kind: String,
    /// The input that caused it.
    pub cause: Option<u64>,
    /// How many items it has, purged ones included.
    pub items: u32,
    /// Merkle root over their commitments.
    pub items_root: Hash,
}

impl Header {
    /// The header's bytes: what the leaf of the log's tree is the hash of.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EncodingError> {
        to_bytes(&WrittenHeader {
            index: self.index,
            recorded_at_us: self.recorded_at.as_micros(),
            kind: self.kind.clone(),
            cause: self.cause,
            items: self.items,
            items_root: Bytes(self.items_root.to_vec()),
        })
    }

    /// The header from its bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EncodingError> {
        let w: WrittenHeader = from_bytes(bytes)?;
        let items_root = w.items_root.0.try_into().map_err(|_| EncodingError::Cbor("a root of another size".into()))?;
        Ok(Self {
            index: w.index,
            recorded_at: Time::from_micros(w.recorded_at_us),
            kind: w.kind,
            cause: w.cause,
            items: w.items,
            items_root,
        })
    }
}

/// A snapshot as it is written: states as byte strings.
#[derive(Serialize, Deserialize)]
struct WrittenSnapshot {
    engines: u32,
    state: BTreeMap<String, Bytes>,
}

/// The contents of a body's items: one per element of a list, else one.
pub(crate) fn items_of(body: &Body) -> Result<Vec<Vec<u8>>, EncodingError> {
    match body {
        Body::Observations { items } => items.iter().map(to_bytes).collect(),
        Body::Positions { items } => items.iter().map(to_bytes).collect(),
        Body::Tracks { items } => items.iter().map(to_bytes).collect(),
        Body::Access { items } => items.iter().map(to_bytes).collect(),
        Body::Snapshot(s) => {
            let state = s.state.iter().map(|(name, bytes)| (name.clone(), Bytes(bytes.clone()))).collect();
            Ok(vec![to_bytes(&WrittenSnapshot { engines: s.engines, state })?])
        }
        other => Ok(vec![to_bytes(other)?]),
    }
}

/// The body of a kind from its items; purged items are `None`. A list comes back without its purged elements; a body
/// of one item that was purged comes back as `None`.
pub(crate) fn body_of(kind: &str, items: &[Option<Vec<u8>>]) -> Result<Option<Body>, EncodingError> {
    fn list<T: DeserializeOwned>(items: &[Option<Vec<u8>>]) -> Result<Vec<T>, EncodingError> {
        items.iter().flatten().map(|i| from_bytes(i)).collect()
    }
    match kind {
        "observations" => return Ok(Some(Body::Observations { items: list(items)? })),
        "positions" => return Ok(Some(Body::Positions { items: list(items)? })),
        "tracks" => return Ok(Some(Body::Tracks { items: list(items)? })),
        "access" => return Ok(Some(Body::Access { items: list(items)? })),
        _ => {}
    }
    let [one] = items else {
        return Err(EncodingError::Items { kind: kind.into(), got: items.len(), expected: 1 });
    };
    let Some(one) = one else { return Ok(None) };
    if kind == "snapshot" {
        let w: WrittenSnapshot = from_bytes(one)?;
        let state = w.state.into_iter().map(|(name, bytes)| (name, bytes.0)).collect();
        return Ok(Some(Body::Snapshot(entry::Snapshot { engines: w.engines, state })));
    }
    let body: Body = from_bytes(one)?;
    if body.kind() == kind { Ok(Some(body)) } else { Err(EncodingError::Kind(kind.into())) }
}

/// Commitment to an item.
pub fn commitment(nonce: &[u8], content: &[u8]) -> Hash {
    sha256(&[nonce, content])
}

/// Merkle root over the commitments of an entry's items.
pub fn items_root(commitments: &[Hash]) -> Hash {
    root_of(commitments.iter().map(|c| &c[..]))
}

/// One item, ready to be stored.
#[derive(Debug)]
pub(crate) struct SealedItem {
    pub(crate) nonce: [u8; 32],
    pub(crate) content: Vec<u8>,
    pub(crate) commitment: Hash,
}

/// One entry, ready to be stored.
#[derive(Debug)]
pub(crate) struct SealedEntry {
    pub(crate) header: Vec<u8>,
    pub(crate) items_root: Hash,
    pub(crate) leaf_hash: Hash,
    pub(crate) items: Vec<SealedItem>,
}

/// Why an entry cannot be sealed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    #[error("{what} is {size}, at most {limit}")]
    TooLarge { what: &'static str, size: usize, limit: usize },
    #[error(transparent)]
    Encoding(#[from] EncodingError),
    #[error("the system gives no random numbers: {0}")]
    Random(String),
}

/// Encodes an entry and commits to it.
pub(crate) fn seal(entry: &Entry) -> Result<SealedEntry, SealError> {
    let contents = items_of(&entry.body)?;
    if contents.len() > MAX_ITEMS {
        return Err(SealError::TooLarge { what: "number of items", size: contents.len(), limit: MAX_ITEMS });
    }
    let mut nonces = vec![[0u8; 32]; contents.len()];
    getrandom::fill(nonces.as_flattened_mut()).map_err(|e| SealError::Random(e.to_string()))?;
    let mut items = Vec::with_capacity(contents.len());
    for (nonce, content) in nonces.into_iter().zip(contents) {
        if content.len() > MAX_ITEM_BYTES {
            return Err(SealError::TooLarge { what: "item's bytes", size: content.len(), limit: MAX_ITEM_BYTES });
        }
        items.push(SealedItem { commitment: commitment(&nonce, &content), nonce, content });
    }
    let commitments: Vec<Hash> = items.iter().map(|i| i.commitment).collect();
    let items_root = items_root(&commitments);
    let header = Header {
        index: entry.index,
        recorded_at: entry.recorded_at,
        kind: entry.body.kind().into(),
        cause: entry.cause,
        items: u32::try_from(items.len()).unwrap_or(u32::MAX),
        items_root,
    }
    .to_bytes()?;
    Ok(SealedEntry { leaf_hash: leaf_hash(&header), header, items_root, items })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::testing::{entries, every_kind};
    use proptest::prelude::*;
    use skypicket_model::LogId;

    #[test]
    fn a_sealed_entry_opens_to_what_it_was() {
        for entry in entries(0, every_kind(LogId(uuid::Uuid::from_u128(1)))) {
            let sealed = seal(&entry).unwrap();
            let header = Header::from_bytes(&sealed.header).unwrap();
            assert_eq!(header.to_bytes().unwrap(), sealed.header);
            assert_eq!((header.index, header.recorded_at), (entry.index, entry.recorded_at));
            let contents: Vec<_> = sealed.items.iter().map(|i| Some(i.content.clone())).collect();
            assert_eq!(body_of(&header.kind, &contents).unwrap(), Some(entry.body.clone()));
            if !sealed.items.is_empty() {
                let again = seal(&entry).unwrap();
                assert_ne!(again.leaf_hash, sealed.leaf_hash, "nonces differ, so nothing can be guessed");
            }
        }
    }

    #[test]
    fn a_later_format_is_refused_by_number() {
        assert_eq!(Header::from_bytes(&[2, 0xA0]), Err(EncodingError::Format(2)));
        assert_eq!(from_bytes::<u8>(&[FORMAT, 5, 6]), Err(EncodingError::Trailing(1)));
        assert_eq!(from_bytes::<u8>(&[]), Err(EncodingError::Empty));
        assert!(matches!(body_of("hologram", &[Some(vec![1, 0])]), Err(EncodingError::Cbor(_))));
        assert!(matches!(body_of("tick", &[]), Err(EncodingError::Items { got: 0, .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(mut bytes in prop::collection::vec(any::<u8>(), 0..200), kind in 0usize..15) {
            if let Some(first) = bytes.first_mut() {
                *first = FORMAT;
            }
            let _ = Header::from_bytes(&bytes);
            let bodies = every_kind(LogId(uuid::Uuid::from_u128(1)));
            let _ = body_of(bodies[kind].kind(), &[Some(bytes.clone())]);
            let _ = crate::checkpoint::Checkpoint::open(&String::from_utf8_lossy(&bytes), &[]);
        }

        #[test]
        fn a_cut_or_changed_item_is_never_the_same(at in any::<prop::sample::Index>(), bit in 0u8..8, kind in 0usize..28) {
            let entry = &entries(0, every_kind(LogId(uuid::Uuid::from_u128(1))))[kind];
            let sealed = seal(entry).unwrap();
            if let Some(item) = sealed.items.first() {
                let mut content = item.content.clone();
                let at = at.index(content.len());
                content[at] ^= 1 << bit;
                prop_assert_ne!(commitment(&item.nonce, &content), item.commitment);
                content.truncate(at);
                prop_assert!(body_of(entry.body.kind(), &[Some(content)]).is_err());
            }
        }
    }
}
