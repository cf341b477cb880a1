//! [`Package`]: a TAK data package that sets up a person's client: where the centre is, whom to trust, who they are.
//!
//! A zip with a manifest, two PKCS #12 files and preferences, as ATAK, WinTAK and iTAK import them. The key inside is
//! protected by a password that stands in the preferences beside it, as these clients need it: so whoever has the
//! package is the person, and the PKCS #12 files use the old cipher that every such client reads.

use super::MachineError;
use p12_keystore::{
    Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey, PrivateKeyChain,
};
use skypicket_link::tls::ClientIdentity;
use skypicket_model::PersonId;
use std::{
    fmt::Write as _,
    io::{Cursor, Write},
};
use zip::{ZipWriter, write::SimpleFileOptions};

/// Rounds of the key derivation: what OpenSSL and TAK's own tools use.
const ROUNDS: u32 = 2_048;
/// Letters of a password: nothing that is read as something else, or means something in XML.
const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
/// Letters of a password.
const LENGTH: usize = 24;

/// For which client the package is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// ATAK and WinTAK: files in folders.
    #[default]
    Atak,
    /// iTAK: all files beside each other.
    Itak,
}

/// What goes into a package.
pub struct Package<'a> {
    /// Whose it is.
    pub person: &'a PersonId,
    /// The centre's name there.
    pub centre: &'a str,
    /// Host and port of the TAK listener.
    pub reach: (&'a str, u16),
    /// The authority's certificate, DER.
    pub authority: &'a [u8],
    /// The person's certificate and key.
    pub identity: &'a ClientIdentity,
    /// Of both PKCS #12 files.
    pub password: &'a str,
    /// For which client.
    pub layout: Layout,
}

/// A random password.
pub fn password() -> Result<String, MachineError> {
    let mut out = String::with_capacity(LENGTH);
    while out.len() < LENGTH {
        let mut bytes = [0u8; 64];
        getrandom::fill(&mut bytes).map_err(super::store)?;
        // What is over the last whole multiple is thrown away, so that every letter is as likely.
        let whole = 256 - 256 % LETTERS.len();
        let letters = bytes.iter().filter(|b| usize::from(**b) < whole);
        let letters = letters.filter_map(|b| LETTERS.get(usize::from(*b) % LETTERS.len()));
        out.extend(letters.map(|b| char::from(*b)).take(LENGTH - out.len()));
    }
    Ok(out)
}

impl Package<'_> {
    /// The zip file.
    pub fn zip(&self) -> Result<Vec<u8>, MachineError> {
        let (certs, prefs) = match self.layout {
            Layout::Atak => ("certs/", "prefs/"),
            Layout::Itak => ("", ""),
        };
        let files = [
            (format!("{certs}truststore.p12"), self.truststore()?),
            (format!("{certs}{}.p12", self.person), self.key()?),
            (format!("{prefs}skypicket.pref"), self.preferences().into_bytes()),
        ];
        let manifest = self.manifest(files.iter().map(|(name, _)| name.as_str()));
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        let all = std::iter::once(("MANIFEST/manifest.xml".to_owned(), manifest.into_bytes())).chain(files);
        for (name, bytes) in all {
            zip.start_file(name, options).map_err(unmade)?;
            zip.write_all(&bytes).map_err(unmade)?;
        }
        Ok(zip.finish().map_err(unmade)?.into_inner())
    }

    fn truststore(&self) -> Result<Vec<u8>, MachineError> {
        let mut store = KeyStore::new();
        let ca = Certificate::from_der(self.authority).map_err(unmade)?;
        store.add_entry("skypicket-ca", KeyStoreEntry::Certificate(ca));
        self.write(&store)
    }

    fn key(&self) -> Result<Vec<u8>, MachineError> {
        let mut store = KeyStore::new();
        let own = Certificate::from_der(&self.identity.certificate_der).map_err(unmade)?;
        let ca = Certificate::from_der(self.authority).map_err(unmade)?;
        let key = PrivateKey::from_der(&self.identity.key_der).map_err(unmade)?;
        let chain = PrivateKeyChain::new(self.identity.serial.as_bytes(), key, vec![own, ca]);
        store.add_entry(self.person.as_str(), KeyStoreEntry::PrivateKeyChain(chain));
        self.write(&store)
    }

    fn write(&self, store: &KeyStore) -> Result<Vec<u8>, MachineError> {
        store
            .writer(self.password)
            .encryption_algorithm(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc)
            .encryption_iterations(ROUNDS)
            .mac_algorithm(MacAlgorithm::HmacSha1)
            .mac_iterations(ROUNDS)
            .write()
            .map_err(unmade)
    }

    fn manifest<'a>(&self, files: impl Iterator<Item = &'a str>) -> String {
        let mut contents = String::new();
        for f in files {
            let _ = writeln!(contents, "    <Content ignore=\"false\" zipEntry=\"{}\"/>", escaped(f));
        }
        format!(
            "<MissionPackageManifest version=\"2\">\n  <Configuration>\n    <Parameter name=\"uid\" value=\"{}\"/>\n    <Parameter name=\"name\" value=\"{} {}\"/>\n    <Parameter name=\"onReceiveImport\" value=\"true\"/>\n    <Parameter name=\"onReceiveDelete\" value=\"true\"/>\n  </Configuration>\n  <Contents>\n{contents}  </Contents>\n</MissionPackageManifest>\n",
            // The serial is random; a package made later is another one.
            escaped(&self.identity.serial),
            escaped(self.centre),
            escaped(self.person.as_str()),
        )
    }

    /// Both ways that clients know: for this one connection (ATAK 4.3 and later, iTAK) and for all of them (before).
    fn preferences(&self) -> String {
        let (host, port) = self.reach;
        let entry = |key: &str, class: &str, value: &str| {
            format!("    <entry key=\"{key}\" class=\"class java.lang.{class}\">{}</entry>\n", escaped(value))
        };
        let ca = "cert/truststore.p12";
        let own = format!("cert/{}.p12", self.person);
        let connection = [
            entry("count", "Integer", "1"),
            entry("description0", "String", self.centre),
            entry("enabled0", "Boolean", "true"),
            entry("connectString0", "String", &format!("{host}:{port}:ssl")),
            entry("caLocation0", "String", ca),
            entry("caPassword0", "String", self.password),
            entry("certificateLocation0", "String", &own),
            entry("clientPassword0", "String", self.password),
        ]
        .concat();
        let all = [
            entry("displayServerConnectionWidget", "Boolean", "true"),
            entry("caLocation", "String", ca),
            entry("caPassword", "String", self.password),
            entry("certificateLocation", "String", &own),
            entry("clientPassword", "String", self.password),
        ]
        .concat();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<preferences>\n  <preference version=\"1\" name=\"cot_streams\">\n{connection}  </preference>\n  <preference version=\"1\" name=\"com.atakmap.app_preferences\">\n{all}  </preference>\n</preferences>\n"
        )
    }
}

fn unmade(e: impl std::fmt::Display) -> MachineError {
    MachineError::Store(format!("the package could not be made: {e}"))
}

/// Text in XML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_never_the_same() {
        let [a, b] = [password().unwrap(), password().unwrap()];
        assert_ne!(a, b);
        assert!(a.len() == LENGTH && a.bytes().all(|c| LETTERS.contains(&c)), "{a}");
    }

    #[test]
    fn what_a_name_holds_stays_text() {
        assert_eq!(escaped("a<b>&\"c'\u{1}"), "a&lt;b&gt;&amp;&quot;c&apos;");
    }
}
