//! [`Secret`]: a password, token or key out of a file, never shown.

use std::{
    fmt, fs, io,
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// Longest, octets.
const MOST: usize = 4_096;

/// Why a file is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It cannot be read.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// What is in it is no secret.
    #[error("{path}: {problem}")]
    Unfit {
        /// Which.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
}

/// A secret: one or a few lines of text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// Out of a file: its text without the line break at its end.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let file = |error| SecretError::File { path: path.to_owned(), error };
        let unfit = |problem| SecretError::Unfit { path: path.to_owned(), problem };
        let opened = fs::File::open(path).map_err(file)?;
        if opened.metadata().map_err(file)?.permissions().mode() & 0o004 != 0 {
            tracing::warn!(path = %path.display(), "this secret can be read by everyone on this machine: chmod 600 it");
        }
        let mut text = String::new();
        opened.take(MOST as u64 + 1).read_to_string(&mut text).map_err(file)?;
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err(unfit("is empty: write the secret into it, in one line"));
        }
        if text.len() > MOST {
            return Err(unfit("is longer than 4096 octets"));
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\r') {
            return Err(unfit("holds control characters: write the secret as plain text"));
        }
        Ok(Self(text.to_owned()))
    }

    /// In memory, as tests have it.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text. Not for logs, errors or pages.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text if it is one line.
    pub(crate) fn line(&self) -> Option<&str> {
        (!self.0.contains(['\r', '\n'])).then_some(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_without_its_line_break_and_never_shown() {
        let folder = std::env::temp_dir().join(format!("skypicket-secret-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("s");
        fs::write(&path, "hunter2\n").unwrap();
        let s = Secret::read(&path).unwrap();
        assert_eq!(s.expose(), "hunter2");
        assert_eq!(format!("{s:?}"), "Secret(..)");
        for (text, word) in [("\n", "empty"), ("a\u{0}b", "control"), (&*"x".repeat(5_000), "longer")] {
            fs::write(&path, text).unwrap();
            let error = Secret::read(&path).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains(&*path.to_string_lossy()), "{error}");
        }
        fs::remove_dir_all(&folder).unwrap();
        assert!(matches!(Secret::read(&path), Err(SecretError::File { .. })));
    }
}
