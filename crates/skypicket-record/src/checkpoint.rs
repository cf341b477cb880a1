//! Checkpoints: signed statements of how long a log is and what its root is.
//!
//! The form is the C2SP tlog-checkpoint (origin, size, root) in a C2SP signed-note with an Ed25519 signature, so that
//! tools of the transparency-log world check it. The key file and the printed verifier key have the forms of Go's
//! `golang.org/x/mod/sumdb/note`, from which signed-note comes.

use crate::merkle::{Hash, sha256};
use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use skypicket_model::LogId;

/// The algorithm byte of Ed25519 in signed-note.
const ED25519: u8 = 1;

/// Why a checkpoint or a key says nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Not the form of a signed note.
    #[error("not a signed note: {0}")]
    Form(&'static str),
    /// Not the form of a key.
    #[error("not an Ed25519 note key")]
    Key,
    /// Of another log.
    #[error("of '{found}', not of '{expected}'")]
    Origin {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// No signature by a known key.
    #[error("no signature by a key of this record")]
    UnknownKey,
    /// A signature that is wrong.
    #[error("the signature is wrong")]
    Signature,
}

/// The name of a log on its checkpoints, and of its key: `skypicket/<log id>`.
pub fn origin(log: LogId) -> String {
    format!("skypicket/{log}")
}

/// What a checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The signed part: three lines.
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// The signed note.
    pub fn sign(&self, key: &NoteSigner) -> String {
        let text = self.text();
        let mut signature = key.verifier.hash().to_vec();
        signature.extend_from_slice(&key.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n\u{2014} {} {}\n", key.verifier.name, STANDARD.encode(signature))
    }

    /// The checkpoint of a signed note, when one of `keys` signed it.
    pub fn open(note: &str, keys: &[NoteVerifier]) -> Result<Self, CheckpointError> {
        let (text, signatures) = note.split_once("\n\n").ok_or(CheckpointError::Form("no empty line"))?;
        let text = format!("{text}\n");
        let mut known = false;
        for line in signatures.lines() {
            let rest =
                line.strip_prefix("\u{2014} ").ok_or(CheckpointError::Form("a signature line without a dash"))?;
            let (name, encoded) = rest.split_once(' ').ok_or(CheckpointError::Form("a signature without a name"))?;
            let bytes = STANDARD.decode(encoded).map_err(|_| CheckpointError::Form("a signature not in base64"))?;
            let (hash, signature) =
                bytes.split_first_chunk::<4>().ok_or(CheckpointError::Form("a signature that is too short"))?;
            for key in keys.iter().filter(|k| k.name == name && k.hash() == *hash) {
                let signature = Signature::from_slice(signature).map_err(|_| CheckpointError::Signature)?;
                key.key.verify_strict(text.as_bytes(), &signature).map_err(|_| CheckpointError::Signature)?;
                known = true;
            }
        }
        if !known {
            return Err(CheckpointError::UnknownKey);
        }
        let mut lines = text.lines();
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Form("fewer than three lines"));
        };
        let size = size.parse().map_err(|_| CheckpointError::Form("no size"))?;
        let root =
            STANDARD.decode(root).ok().and_then(|r| r.try_into().ok()).ok_or(CheckpointError::Form("no root"))?;
        Ok(Self { origin: origin.into(), size, root })
    }
}

/// The public half of a checkpoint key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteVerifier {
    name: String,
    key: VerifyingKey,
}

impl NoteVerifier {
    /// The key's name: the log's [`origin`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's number: first four bytes of SHA-256(name ‖ newline ‖ algorithm ‖ key).
    fn hash(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = sha256(&[self.name.as_bytes(), b"\n", &[ED25519], self.key.as_bytes()]);
        [a, b, c, d]
    }

    /// As text: `<name>+<number>+<base64 of algorithm and key>`.
    pub fn to_text(&self) -> String {
        let mut key = vec![ED25519];
        key.extend_from_slice(self.key.as_bytes());
        format!("{}+{:08x}+{}", self.name, u32::from_be_bytes(self.hash()), STANDARD.encode(key))
    }

    /// From text.
    pub fn from_text(text: &str) -> Result<Self, CheckpointError> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(_), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(CheckpointError::Key);
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| CheckpointError::Key)?;
        let (ED25519, key) = bytes.split_first().map(|(a, k)| (*a, k)).ok_or(CheckpointError::Key)? else {
            return Err(CheckpointError::Key);
        };
        let key = VerifyingKey::try_from(key).map_err(|_| CheckpointError::Key)?;
        let made = Self { name: name.into(), key };
        if made.to_text() == text.trim() { Ok(made) } else { Err(CheckpointError::Key) }
    }
}

/// A checkpoint key.
pub struct NoteSigner {
    key: SigningKey,
    verifier: NoteVerifier,
}

impl NoteSigner {
    /// From 32 secret bytes.
    pub fn new(name: &str, secret: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(secret);
        let verifier = NoteVerifier { name: name.into(), key: key.verifying_key() };
        Self { key, verifier }
    }

    /// The public half.
    pub fn verifier(&self) -> &NoteVerifier {
        &self.verifier
    }

    /// As text for the key file: `PRIVATE+KEY+<name>+<number>+<base64 of algorithm and secret>`.
    pub fn to_secret_text(&self) -> String {
        let mut secret = vec![ED25519];
        secret.extend_from_slice(self.key.as_bytes());
        let number = u32::from_be_bytes(self.verifier.hash());
        format!("PRIVATE+KEY+{}+{number:08x}+{}", self.verifier.name, STANDARD.encode(secret))
    }

    /// From the key file's text.
    pub fn from_secret_text(text: &str) -> Result<Self, CheckpointError> {
        let rest = text.trim().strip_prefix("PRIVATE+KEY+").ok_or(CheckpointError::Key)?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(_), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(CheckpointError::Key);
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| CheckpointError::Key)?;
        let [ED25519, secret @ ..] = bytes.as_slice() else { return Err(CheckpointError::Key) };
        let made = Self::new(name, secret.try_into().map_err(|_| CheckpointError::Key)?);
        if made.to_secret_text() == text.trim() { Ok(made) } else { Err(CheckpointError::Key) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example key and note of Go's package `note`, by which its implementations know each other.
    #[test]
    fn keys_and_numbers_are_those_of_signed_note() {
        let text = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
        let signer = NoteSigner::from_secret_text(text).unwrap();
        assert_eq!(signer.to_secret_text(), text);
        assert_eq!(signer.verifier().to_text(), "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
    }

    #[test]
    fn a_checkpoint_opens_with_its_key_only() {
        let log = LogId(uuid::Uuid::from_u128(7));
        let signer = NoteSigner::new(&origin(log), &[7; 32]);
        let said = Checkpoint { origin: origin(log), size: 12, root: [3; 32] };
        let note = said.sign(&signer);
        let key = NoteVerifier::from_text(&signer.verifier().to_text()).unwrap();
        assert_eq!(Checkpoint::open(&note, std::slice::from_ref(&key)), Ok(said));
        let other = NoteSigner::new(&origin(log), &[8; 32]).verifier().clone();
        assert_eq!(Checkpoint::open(&note, &[other]), Err(CheckpointError::UnknownKey));
        let forged = note.replacen("\n12\n", "\n13\n", 1);
        assert_eq!(Checkpoint::open(&forged, &[key]), Err(CheckpointError::Signature));
        for torn in ["", "a\n", "a\n1\n\n", "a\n1\n\n\u{2014} x\n"] {
            assert!(Checkpoint::open(torn, &[]).is_err());
        }
    }
}
