//! [`ServerIdentity`]: the certificate that listeners show, which can be replaced while they run.

use super::{ServerName, TlsError, authority::validity, fingerprint};
use arc_swap::ArcSwap;
use rustls::{
    crypto::ring,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject};
use skypicket_model::Time;
use std::{collections::BTreeSet, fmt, net::IpAddr, sync::Arc};
use x509_parser::extensions::GeneralName;

/// An own certificate is renewed when less than this is left, seconds: a month in which somebody may see it fail.
const RENEW_BEFORE_S: f64 = 30.0 * 86_400.0;

/// What a certificate says, for people and for renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// What it stands for. Names with a wildcard are not among them.
    pub names: BTreeSet<ServerName>,
    /// From when.
    pub not_before: Time,
    /// Until when.
    pub not_after: Time,
    /// SHA-256 of its DER.
    pub fingerprint: String,
}

/// A certificate chain with its key, fit to be shown.
#[derive(Clone)]
pub struct Served {
    key: Arc<CertifiedKey>,
    facts: CertificateFacts,
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("facts", &self.facts).finish_non_exhaustive()
    }
}

impl Served {
    /// From a chain, the server's own first, and a PKCS #8 key; `what` is for messages.
    pub(super) fn from_der(chain: Vec<CertificateDer<'static>>, key: Vec<u8>, what: &str) -> Result<Self, TlsError> {
        Self::new(chain, PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key)), (what, what))
    }

    /// From PEM: a chain, the server's own certificate first, and its key. Each comes with what to call it in messages.
    pub fn from_pem(chain: (&[u8], &str), key: (&[u8], &str)) -> Result<Self, TlsError> {
        let unfit = |what: &str, problem: String| TlsError::Unfit { what: what.to_owned(), problem };
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(chain.0)
            .collect::<Result<_, _>>()
            .map_err(|e| unfit(chain.1, format!("not a PEM certificate: {e}")))?;
        let private = PrivateKeyDer::from_pem_slice(key.0)
            .map_err(|e| unfit(key.1, format!("not a PEM private key without a password: {e}")))?;
        Self::new(certificates, private, (chain.1, key.1))
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        (certificate, private): (&str, &str),
    ) -> Result<Self, TlsError> {
        let unfit = |what: &str, problem: String| TlsError::Unfit { what: what.to_owned(), problem };
        let own = chain.first().ok_or_else(|| unfit(certificate, "holds no certificate".into()))?;
        let facts = facts(own).ok_or_else(|| unfit(certificate, "its first certificate cannot be read".into()))?;
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|e| match e {
            rustls::Error::InconsistentKeys(_) => unfit(private, format!("not the key of {certificate}")),
            e => unfit(private, e.to_string()),
        })?;
        Ok(Self { key: Arc::new(key), facts })
    }

    /// What its certificate says.
    pub fn facts(&self) -> &CertificateFacts {
        &self.facts
    }
}

fn facts(certificate: &CertificateDer<'_>) -> Option<CertificateFacts> {
    let (_, x509) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let mut names = BTreeSet::new();
    if let Some(alt) = x509.subject_alternative_name().ok()? {
        for n in &alt.value.general_names {
            match n {
                GeneralName::DNSName(d) => names.extend(ServerName::parse(d)),
                GeneralName::IPAddress(b) => names.extend(ip(b).map(ServerName::Ip)),
                _ => {}
            }
        }
    }
    let (not_before, not_after) = validity(&x509);
    Some(CertificateFacts { names, not_before, not_after, fingerprint: fingerprint(certificate) })
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes).map(IpAddr::from).or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()
}

/// Why an own certificate is to be made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It ends soon, or has ended.
    Ends,
    /// It begins later than now: it was made when the clock was wrong.
    Clock,
    /// The machine has other addresses or names.
    Names,
}

/// Whether an own certificate is to be made anew.
pub fn due(facts: &CertificateFacts, wanted: &BTreeSet<ServerName>, now: Time) -> Option<Due> {
    if now < facts.not_before {
        Some(Due::Clock)
    } else if facts.not_after.since_s(now) < RENEW_BEFORE_S {
        Some(Due::Ends)
    } else if facts.names != *wanted {
        Some(Due::Names)
    } else {
        None
    }
}

/// The certificate that listeners show now.
#[derive(Debug)]
pub struct ServerIdentity(ArcSwap<Served>);

impl ServerIdentity {
    /// Shows this one.
    pub fn new(served: Served) -> Self {
        Self(ArcSwap::from_pointee(served))
    }

    /// Shows another from the next handshake on.
    pub fn replace(&self, served: Served) {
        self.0.store(Arc::new(served));
    }

    /// What the one shown now says.
    pub fn facts(&self) -> CertificateFacts {
        self.0.load().facts.clone()
    }
}

impl ResolvesServerCert for ServerIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().key))
    }
}
