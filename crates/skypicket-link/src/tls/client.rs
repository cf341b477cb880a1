//! Client certificates of the own authority: who a peer is ([`client_name`]), and which serials are let in no more
//! ([`Revoked`]).

use super::{TlsError, authority::validity, hex};
use arc_swap::ArcSwap;
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::CryptoProvider,
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use rustls_pki_types::{CertificateDer, UnixTime};
use skypicket_model::Time;
use std::{collections::BTreeSet, sync::Arc};
use x509_parser::extensions::GeneralName;

/// Serial numbers, lower-case hex, that are let in no more. Clones share one set.
#[derive(Debug, Clone, Default)]
pub struct Revoked(Arc<ArcSwap<BTreeSet<String>>>);

impl Revoked {
    /// Sets all of them, as at start.
    pub fn replace(&self, serials: BTreeSet<String>) {
        self.0.store(Arc::new(serials));
    }

    /// Adds one: from the next handshake on it is refused. Whoever is connected with it must be cut off besides.
    pub fn add(&self, serial: &str) {
        self.0.rcu(|now| {
            let mut next = BTreeSet::clone(now);
            next.insert(serial.to_owned());
            next
        });
    }

    /// Whether it holds one.
    pub fn contains(&self, serial: &str) -> bool {
        self.0.load().contains(serial)
    }
}

/// Who a client certificate says that its bearer is. Only to be believed of a certificate that a handshake verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientName {
    /// Common name.
    pub common_name: String,
    /// The URI among the alternative names.
    pub uri: Option<String>,
    /// Serial number, lower-case hex.
    pub serial: String,
    /// When the certificate ends.
    pub not_after: Time,
}

/// Reads whom a certificate names; `None` when it is none.
pub fn client_name(certificate: &CertificateDer<'_>) -> Option<ClientName> {
    let (_, x509) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let common_name = x509.subject().iter_common_name().next().and_then(|cn| cn.as_str().ok())?.to_owned();
    let names = x509.subject_alternative_name().ok()?;
    let uri = names.and_then(|n| {
        n.value.general_names.iter().find_map(|n| match n {
            GeneralName::URI(u) => Some((*u).to_owned()),
            _ => None,
        })
    });
    Some(ClientName { common_name, uri, serial: hex(x509.raw_serial()), not_after: validity(&x509).1 })
}

/// What rustls checks, and then that the serial is not revoked.
#[derive(Debug)]
pub(super) struct Verifier {
    inner: Arc<dyn ClientCertVerifier>,
    revoked: Revoked,
}

impl Verifier {
    pub(super) fn new(
        roots: &RootCertStore,
        revoked: Revoked,
        required: bool,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots.clone()), provider);
        let builder = if required { builder } else { builder.allow_unauthenticated() };
        let inner = builder.build().map_err(|e| TlsError::Making(e.to_string()))?;
        Ok(Self { inner, revoked })
    }
}

impl ClientCertVerifier for Verifier {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }
    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.inner.verify_client_cert(end_entity, intermediates, now)?;
        let (_, x509) = x509_parser::parse_x509_certificate(end_entity)
            .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        if self.revoked.contains(&hex(x509.raw_serial())) {
            return Err(Error::InvalidCertificate(CertificateError::Revoked));
        }
        Ok(verified)
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
