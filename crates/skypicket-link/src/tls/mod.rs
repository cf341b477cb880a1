//! TLS: the centre's own certificate [`Authority`], the certificate a listener shows ([`ServerIdentity`], renewed
//! without a restart), and the settings of a listener ([`server_config`]).
//!
//! One authority and one identity serve every listener: pages and API, TAK, lines over TCP. Time is an argument, so that
//! a test can hold the clock. ring is the only provider; TLS 1.2 and 1.3 are the only versions.

mod authority;
mod client;
mod identity;

pub use authority::{Authority, ClientIdentity, ClientSubject, SignerIdentity, self_signed_signer};
pub use client::{ClientName, Revoked, client_name};
pub use identity::{CertificateFacts, Due, Served, ServerIdentity, due};

use rustls::{RootCertStore, ServerConfig, crypto::ring, server::NoServerSessionStorage, version};
use sha2::{Digest, Sha256};
use std::{fmt::Write as _, io, net::IpAddr, path::PathBuf, sync::Arc};

/// What went wrong with keys or certificates.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: io::Error,
    },
    /// A file or a text is not what it should be.
    #[error("{what}: {problem}")]
    Unfit {
        /// Which.
        what: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The authority was made for other names.
    #[error(
        "the centre's authority does not stand for the name '{name}': it was made for names under {permitted}. Use one of these or an address, give own certificate files, or take the folder {folder} away to begin a new authority, which every phone must then trust again"
    )]
    NotPermitted {
        /// The name.
        name: String,
        /// What is permitted.
        permitted: String,
        /// Where the authority lies.
        folder: PathBuf,
    },
    /// Making a certificate failed.
    #[error("a certificate could not be made: {0}")]
    Making(String),
    /// The TLS library refused.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Whether a listener asks its clients for a certificate of the own authority.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// Never asks.
    None,
    /// Asks; a client without one is let in nameless, one with a bad or revoked one is not.
    Optional(Arc<Authority>),
    /// Only clients with one.
    Required(Arc<Authority>),
}

/// Settings of a TLS listener. `alpn` in order of preference, as `b"h2"`; empty where the protocol has no name.
///
/// With client certificates no session is resumed: a resumed one would not look at the certificate again, and so would
/// outlive its revocation.
pub fn server_config(
    identity: Arc<ServerIdentity>,
    alpn: &[&[u8]],
    client_auth: &ClientAuth,
) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])?;
    let (authority, required) = match client_auth {
        ClientAuth::None => (None, false),
        ClientAuth::Optional(a) => (Some(a), false),
        ClientAuth::Required(a) => (Some(a), true),
    };
    let mut config = match authority {
        None => builder.with_no_client_auth().with_cert_resolver(identity),
        Some(a) => {
            let verifier = client::Verifier::new(&a.roots()?, a.revoked().clone(), required, provider)?;
            let mut c = builder.with_client_cert_verifier(Arc::new(verifier)).with_cert_resolver(identity);
            c.session_storage = Arc::new(NoServerSessionStorage {});
            c.send_tls13_tickets = 0;
            c
        }
    };
    config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
    // Early data can be played again by whoever recorded it.
    config.max_early_data_size = 0;
    Ok(config)
}

/// Only the authority's root.
fn only_root(der: &rustls_pki_types::CertificateDer<'static>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add(der.clone())?;
    Ok(roots)
}

/// SHA-256 of a certificate's DER, as `AB:CD:…`: what phones and browsers show.
pub fn fingerprint(der: &[u8]) -> String {
    let mut out = String::with_capacity(95);
    for (i, b) in Sha256::digest(der).iter().enumerate() {
        if i > 0 {
            out.push(':');
        }
        let _ = write!(out, "{b:02X}");
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for b in bytes {
        let _ = write!(out, "{b:02x}");
    }
    out
}

/// What a certificate stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerName {
    /// An address.
    Ip(IpAddr),
    /// A DNS name, lower case.
    Dns(String),
}

impl ServerName {
    /// From text: an address, or a DNS name of letters, digits, `-` and `.`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Some(Self::Ip(ip.to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let label = |l: &str| {
            (1..=63).contains(&l.len())
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !l.starts_with('-')
                && !l.ends_with('-')
        };
        // A last label of digits only would be an address that is none.
        let word = name.rsplit('.').next().is_some_and(|l| l.bytes().any(|b| b.is_ascii_alphabetic()));
        (name.len() <= 253 && word && name.split('.').all(label)).then_some(Self::Dns(name))
    }
}

impl std::fmt::Display for ServerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Dns(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_name_is_an_address_or_a_dns_name() {
        for (text, expect) in [
            ("192.0.2.7", Some(ServerName::Ip([192, 0, 2, 7].into()))),
            ("::ffff:192.0.2.7", Some(ServerName::Ip([192, 0, 2, 7].into()))),
            ("fd00::1", Some(ServerName::Ip("fd00::1".parse().unwrap()))),
            ("Picket.Local.", Some(ServerName::Dns("picket.local".into()))),
            ("box-1", Some(ServerName::Dns("box-1".into()))),
            ("", None),
            (".", None),
            ("a..b", None),
            ("-a", None),
            ("300.1.2.3", None),
            ("a b", None),
            ("*.local", None),
            ("a\u{0}b", None),
            ("ñ.local", None),
        ] {
            assert_eq!(ServerName::parse(text), expect, "{text}");
        }
    }

    #[test]
    fn a_fingerprint_reads_as_browsers_show_it() {
        let f = fingerprint(b"");
        assert!(f.starts_with("E3:B0:C4:42:98:FC:1C:14"), "{f}");
        assert_eq!(f.len(), 95);
    }
}
