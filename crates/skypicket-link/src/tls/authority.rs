//! [`Authority`]: the centre's own certificate authority, made at the first start and kept in a folder.
//!
//! Phones that trust it would believe whatever it signs, and a box can be stolen. So it may sign for addresses, for the
//! machine's own names and for names that exist only in local networks, and for nothing else: a name constraint in its
//! certificate, which iOS, Chromium, Firefox and rustls keep to.

use super::{Revoked, ServerName, TlsError, fingerprint, hex, identity::Served, only_root};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
    date_time_ymd,
};
use ring::rand::{SecureRandom, SystemRandom};
use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem::PemObject};
use sha2::{Digest, Sha256};
use skypicket_model::Time;
use std::{
    collections::BTreeSet,
    fmt, fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};
use x509_parser::extensions::GeneralName;

const DAY_S: f64 = 86_400.0;
/// The authority lives so long: changing it means going round to every phone.
const AUTHORITY_DAYS: f64 = 20.0 * 365.25;
/// Valid from so long before it was made: other clocks are late.
const BACKDATED_DAYS: f64 = 2.0;
/// A server certificate lives so long. Browsers take at most 398 days from their own authorities, iOS 825 from others.
const SERVER_DAYS: f64 = 90.0;
/// Certificate and key, in one file so that neither is ever without the other.
const FILE: &str = "authority.pem";
/// The certificate alone, for whoever wants to give it out.
const PUBLIC: &str = "ca.crt";
const END: &str = "-----END CERTIFICATE-----";
/// Names that exist only in local networks.
const LOCAL: [&str; 5] = ["localhost", "local", "lan", "internal", "home.arpa"];

/// The centre's own certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: CertificateDer<'static>,
    pem: String,
    name: String,
    not_before: Time,
    not_after: Time,
    permitted: BTreeSet<String>,
    folder: PathBuf,
    revoked: Revoked,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").field("name", &self.name).field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// Whom a client certificate names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSubject {
    /// Common name: what people and TAK clients see.
    pub common_name: String,
    /// What the centre binds it to, such as `skypicket:source/radar-1`.
    pub uri: String,
}

/// A client certificate with its key, to be handed over once. The key is kept nowhere.
pub struct ClientIdentity {
    /// Certificate, DER.
    pub certificate_der: Vec<u8>,
    /// Certificate, PEM.
    pub certificate_pem: String,
    /// Private key, PKCS #8 DER.
    pub key_der: Vec<u8>,
    /// Private key, PKCS #8 PEM.
    pub key_pem: String,
    /// Serial number, lower-case hex: what is revoked.
    pub serial: String,
    /// When it ends.
    pub not_after: Time,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity").field("serial", &self.serial).finish_non_exhaustive()
    }
}

/// A certificate and its key that sign what others are to check, such as alerts.
pub struct SignerIdentity {
    /// Certificate, DER.
    pub certificate_der: Vec<u8>,
    /// Private key, PKCS #8 DER.
    pub key_der: Vec<u8>,
    /// When it begins.
    pub not_before: Time,
    /// When it ends.
    pub not_after: Time,
}

impl fmt::Debug for SignerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignerIdentity").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

impl SignerIdentity {
    fn of(certificate: &Certificate, key: &KeyPair) -> Result<Self, TlsError> {
        let (_, x509) =
            x509_parser::parse_x509_certificate(certificate.der()).map_err(|e| TlsError::Making(e.to_string()))?;
        let (not_before, not_after) = validity(&x509);
        Ok(Self { certificate_der: certificate.der().to_vec(), key_der: key.serialize_der(), not_before, not_after })
    }
}

impl Authority {
    /// The authority kept in a folder; made there the first time, for local names, addresses and `names`.
    pub fn open(folder: &Path, names: &[ServerName], now: Time) -> Result<Self, TlsError> {
        let path = folder.join(FILE);
        let file = |error| TlsError::File { path: path.clone(), error };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(file)?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                keep_new(&path, &make(names, now)?).map_err(file)?;
                // Of two starts at once one was first: its authority is the one.
                fs::read_to_string(&path).map_err(file)?
            }
            Err(e) => return Err(file(e)),
        };
        let mode = fs::metadata(&path).map_err(file)?.permissions().mode();
        if mode & 0o077 != 0 {
            tracing::warn!(path = %path.display(), "the authority's key could be read by others: closed to them now");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(file)?;
        }
        let authority = Self::from_pem(&text, &path)?;
        let public = folder.join(PUBLIC);
        if fs::read_to_string(&public).ok().as_deref() != Some(&authority.pem) {
            fs::write(&public, &authority.pem).map_err(|error| TlsError::File { path: public, error })?;
        }
        Ok(authority)
    }

    fn from_pem(text: &str, path: &Path) -> Result<Self, TlsError> {
        let unfit = |problem: String| TlsError::Unfit {
            what: path.display().to_string(),
            problem: format!(
                "{problem}: bring it back from a backup, or take it away to begin a new authority, which every phone must then trust again"
            ),
        };
        let der = CertificateDer::from_pem_slice(text.as_bytes()).map_err(|e| unfit(format!("no certificate: {e}")))?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes())
            .map_err(|e| unfit(format!("no private key: {e}")))
            .and_then(|k| KeyPair::try_from(&k).map_err(|e| unfit(format!("no private key: {e}"))))?;
        let (_, x509) = x509_parser::parse_x509_certificate(&der).map_err(|e| unfit(format!("no certificate: {e}")))?;
        if x509.public_key().subject_public_key.data.as_ref() != key.public_key_raw() {
            return Err(unfit("the private key is not that of the certificate".into()));
        }
        let name = x509.subject().iter_common_name().next().and_then(|cn| cn.as_str().ok()).unwrap_or_default();
        let name = name.to_owned();
        let (not_before, not_after) = validity(&x509);
        let constraints = x509.name_constraints().ok().flatten();
        let permitted = constraints.and_then(|c| c.value.permitted_subtrees.as_ref()).into_iter().flatten();
        let permitted = permitted.filter_map(|s| match s.base {
            GeneralName::DNSName(n) => Some(n.to_owned()),
            _ => None,
        });
        let permitted = permitted.collect();
        let issuer = Issuer::from_ca_cert_der(&der, key).map_err(|e| unfit(e.to_string()))?;
        let end = text.find(END).map_or(text.len(), |i| i + END.len());
        let pem = format!("{}\n", text.get(..end).unwrap_or(text));
        let der = der.into_owned();
        let folder = path.parent().unwrap_or(path).to_owned();
        Ok(Self { issuer, der, pem, name, not_before, not_after, permitted, folder, revoked: Revoked::default() })
    }

    /// Its certificate, DER.
    pub fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// Its certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Its common name, as phones list it: `Skypicket CA 3f9a21cc`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of its certificate, as `AB:CD:…`.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.der)
    }

    /// When it begins and ends.
    pub fn validity(&self) -> (Time, Time) {
        (self.not_before, self.not_after)
    }

    /// The client certificates that are no longer let in: shared by every listener of this authority.
    pub fn revoked(&self) -> &Revoked {
        &self.revoked
    }

    /// The only root that a listener's clients are checked against.
    pub fn roots(&self) -> Result<RootCertStore, TlsError> {
        only_root(&self.der)
    }

    /// Whether it may sign for a name.
    pub fn permits(&self, name: &ServerName) -> bool {
        match name {
            ServerName::Ip(_) => true,
            ServerName::Dns(n) => self
                .permitted
                .iter()
                .any(|p| n == p || n.strip_suffix(p.as_str()).is_some_and(|rest| rest.ends_with('.'))),
        }
    }

    /// A certificate, with a new key, for a server under these names.
    pub fn server(&self, names: &BTreeSet<ServerName>, now: Time) -> Result<Served, TlsError> {
        if let Some(name) = names.iter().find(|n| !self.permits(n)) {
            return Err(TlsError::NotPermitted {
                name: name.to_string(),
                permitted: self.permitted.iter().cloned().collect::<Vec<_>>().join(", "),
                folder: self.folder.clone(),
            });
        }
        let mut params = self.params(now, SERVER_DAYS)?;
        // With a space it is no DNS name: nothing takes it for one.
        params.distinguished_name.push(DnType::CommonName, "Skypicket centre");
        params.subject_alt_names = names.iter().map(alt_name).collect::<Result<_, _>>()?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let (certificate, key, _) = self.sign(params)?;
        Served::from_der(vec![certificate.into(), self.der.clone()], key.serialize_der(), "the own certificate")
    }

    /// A certificate, with a new key, that lets a client in.
    pub fn client(&self, subject: &ClientSubject, days: f64, now: Time) -> Result<ClientIdentity, TlsError> {
        let mut params = self.params(now, days)?;
        params.distinguished_name.push(DnType::CommonName, subject.common_name.as_str());
        let uri = subject.uri.as_str().try_into().map_err(making)?;
        params.subject_alt_names = vec![SanType::URI(uri)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let (certificate, key, serial) = self.sign(params)?;
        let (_, x509) =
            x509_parser::parse_x509_certificate(certificate.der()).map_err(|e| TlsError::Making(e.to_string()))?;
        let (_, not_after) = validity(&x509);
        Ok(ClientIdentity {
            certificate_pem: certificate.pem(),
            certificate_der: certificate.der().to_vec(),
            key_der: key.serialize_der(),
            key_pem: key.serialize_pem(),
            serial,
            not_after,
        })
    }

    /// A certificate, with a new key, that signs what the centre says to other systems.
    pub fn signer(&self, common_name: &str, days: f64, now: Time) -> Result<SignerIdentity, TlsError> {
        let mut params = self.params(now, days)?;
        params.distinguished_name.push(DnType::CommonName, common_name);
        let (certificate, key, _) = self.sign(params)?;
        SignerIdentity::of(&certificate, &key)
    }

    /// Validity within the authority's own.
    fn params(&self, now: Time, days: f64) -> Result<CertificateParams, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        set_validity(&mut params, now.plus_s(-BACKDATED_DAYS * DAY_S).max(self.not_before), {
            now.plus_s(days * DAY_S).min(self.not_after)
        })?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<(Certificate, KeyPair, String), TlsError> {
        let serial = serial()?;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(making)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(making)?;
        Ok((certificate, key, hex(&serial)))
    }
}

/// A certificate of its own, with a new key, that signs what the centre says to other systems: where there is no authority.
pub fn self_signed_signer(common_name: &str, days: f64, now: Time) -> Result<SignerIdentity, TlsError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    set_validity(&mut params, now.plus_s(-BACKDATED_DAYS * DAY_S), now.plus_s(days * DAY_S))?;
    params.serial_number = Some(SerialNumber::from_slice(&serial()?));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.is_ca = IsCa::ExplicitNoCa;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(making)?;
    let certificate = params.self_signed(&key).map_err(making)?;
    SignerIdentity::of(&certificate, &key)
}

/// A new authority: certificate and key, PEM.
fn make(names: &[ServerName], now: Time) -> Result<String, TlsError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(making)?;
    let id: String = hex(&Sha256::digest(key.public_key_raw())).chars().take(8).collect();
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("Skypicket CA {id}"));
    params.distinguished_name.push(DnType::OrganizationName, "Skypicket");
    set_validity(&mut params, now.plus_s(-BACKDATED_DAYS * DAY_S), now.plus_s(AUTHORITY_DAYS * DAY_S))?;
    params.serial_number = Some(SerialNumber::from_slice(&serial()?));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let own = names.iter().filter_map(|n| match n {
        ServerName::Dns(d) => Some(d.clone()),
        ServerName::Ip(_) => None,
    });
    let dns: BTreeSet<String> = own.chain(LOCAL.iter().map(|s| (*s).to_owned())).collect();
    let mut permitted: Vec<GeneralSubtree> = dns.into_iter().map(GeneralSubtree::DnsName).collect();
    // Addresses change with the network that the box stands in: all of them. What is worth faking has a name.
    permitted.push(GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([0; 4], 0)));
    permitted.push(GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix([0; 16], 0)));
    params.name_constraints = Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() });
    let certificate = params.self_signed(&key).map_err(making)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

/// Writes a file that only the owner reads, whole or not at all, and never over another.
fn keep_new(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let _ = fs::remove_file(&new);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = match fs::hard_link(&new, path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    };
    let _ = fs::remove_file(&new);
    linked?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// 16 random bytes whose first is positive and not zero, so that DER changes nothing about them.
fn serial() -> Result<[u8; 16], TlsError> {
    let mut bytes = [0u8; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| TlsError::Making("no random numbers".into()))?;
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x3f) | 0x40;
    }
    Ok(bytes)
}

#[allow(clippy::needless_pass_by_value)] // for map_err
fn making(error: impl fmt::Display) -> TlsError {
    TlsError::Making(error.to_string())
}

fn alt_name(name: &ServerName) -> Result<SanType, TlsError> {
    Ok(match name {
        ServerName::Ip(ip) => SanType::IpAddress(*ip),
        ServerName::Dns(n) => SanType::DnsName(n.as_str().try_into().map_err(making)?),
    })
}

fn set_validity(params: &mut CertificateParams, from: Time, until: Time) -> Result<(), TlsError> {
    let seconds = |t: Time| {
        let s = u64::try_from(t.as_micros() / 1_000_000).ok().filter(|s| *s < 250_000_000_000);
        s.map(Duration::from_secs).ok_or_else(|| TlsError::Making(format!("the clock says {t}: set it first")))
    };
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + seconds(from)?;
    params.not_after = epoch + seconds(until)?;
    Ok(())
}

/// When a certificate begins and ends.
pub(super) fn validity(x509: &x509_parser::certificate::X509Certificate<'_>) -> (Time, Time) {
    let at = |t: x509_parser::time::ASN1Time| Time::from_micros(t.timestamp().saturating_mul(1_000_000));
    (at(x509.validity().not_before), at(x509.validity().not_after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{ClientAuth, Due, ServerIdentity, client_name, due, server_config};
    use rustls::{ClientConfig, ClientConnection, ServerConnection, crypto::ring, pki_types};
    use std::sync::Arc;

    fn now() -> Time {
        "2026-11-26T12:00:00Z".parse().unwrap()
    }

    fn folder(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("skypicket-authority-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        dir
    }

    fn names(texts: &[&str]) -> BTreeSet<ServerName> {
        texts.iter().map(|t| ServerName::parse(t).unwrap()).collect()
    }

    #[derive(Debug)]
    struct At(Time);
    impl rustls::time_provider::TimeProvider for At {
        fn current_time(&self) -> Option<pki_types::UnixTime> {
            let s = u64::try_from(self.0.as_micros() / 1_000_000).ok()?;
            Some(pki_types::UnixTime::since_unix_epoch(Duration::from_secs(s)))
        }
    }

    /// A handshake in memory: what the client was told, or why not.
    fn shake(
        authority: &Arc<Authority>,
        served: Served,
        to: &str,
        auth: &ClientAuth,
        client: Option<&ClientIdentity>,
        at: Time,
    ) -> Result<Option<crate::tls::ClientName>, String> {
        let mut config = server_config(Arc::new(ServerIdentity::new(served)), &[], auth).map_err(|e| e.to_string())?;
        config.time_provider = Arc::new(At(at));
        let builder = ClientConfig::builder_with_details(Arc::new(ring::default_provider()), Arc::new(At(at)))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(authority.roots().unwrap());
        let client = match client {
            None => builder.with_no_client_auth(),
            Some(c) => {
                let key = pki_types::PrivateKeyDer::try_from(c.key_der.clone()).unwrap();
                builder.with_client_auth_cert(vec![c.certificate_der.clone().into()], key).unwrap()
            }
        };
        let name = pki_types::ServerName::try_from(to.to_owned()).unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
        let mut server = ServerConnection::new(Arc::new(config)).unwrap();
        for _ in 0..8 {
            let mut wire = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut wire).unwrap();
            }
            let mut rest = wire.as_slice();
            while !rest.is_empty() {
                server.read_tls(&mut rest).unwrap();
                server.process_new_packets().map_err(|e| format!("server: {e}"))?;
            }
            let mut wire = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut wire).unwrap();
            }
            let mut rest = wire.as_slice();
            while !rest.is_empty() {
                client.read_tls(&mut rest).unwrap();
                client.process_new_packets().map_err(|e| format!("client: {e}"))?;
            }
        }
        assert!(!server.is_handshaking() && !client.is_handshaking());
        Ok(server.peer_certificates().and_then(|c| client_name(c.first()?)))
    }

    fn authority(name: &str) -> (Arc<Authority>, PathBuf) {
        let dir = folder(name);
        let own = ServerName::parse("box-1").unwrap();
        (Arc::new(Authority::open(&dir, &[own], now()).unwrap()), dir)
    }

    #[test]
    fn it_is_made_once_and_only_the_owner_reads_its_key() {
        let (a, dir) = authority("once");
        let again = Authority::open(&dir, &[], now().plus_s(1e6)).unwrap();
        assert_eq!(a.fingerprint(), again.fingerprint());
        assert!(a.name().starts_with("Skypicket CA "), "{}", a.name());
        let mode = |p: &Path| fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&dir.join(FILE))), (0o700, 0o600));
        fs::set_permissions(dir.join(FILE), fs::Permissions::from_mode(0o644)).unwrap();
        Authority::open(&dir, &[], now()).unwrap();
        assert_eq!(mode(&dir.join(FILE)), 0o600, "closed again");
        let public = fs::read_to_string(dir.join(PUBLIC)).unwrap();
        assert!(!public.contains("PRIVATE") && public.starts_with("-----BEGIN CERTIFICATE-----"), "{public}");
        let (from, until) = a.validity();
        assert!(from < now() && until.since_s(now()) > 10.0 * 365.0 * DAY_S);
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_spoiled_file_is_refused_and_never_replaced() {
        let (_, dir) = authority("spoiled");
        let whole = fs::read_to_string(dir.join(FILE)).unwrap();
        let (other, other_dir) = authority("spoiled-other");
        let (_, key) = whole.split_once(END).unwrap();
        let foreign = format!("{}{key}", other.pem());
        for spoiled in ["", "x", other.pem(), &foreign] {
            fs::write(dir.join(FILE), spoiled).unwrap();
            let e = Authority::open(&dir, &[], now()).unwrap_err().to_string();
            assert!(e.contains("bring it back from a backup"), "{e}");
            assert_eq!(fs::read_to_string(dir.join(FILE)).unwrap(), spoiled);
        }
        for d in [dir, other_dir] {
            fs::remove_dir_all(d).unwrap();
        }
    }

    #[test]
    fn a_client_that_trusts_it_takes_its_server_under_each_of_its_names_and_no_other() {
        let (a, dir) = authority("names");
        let served = || a.server(&names(&["192.0.2.7", "fd00::7", "box-1", "localhost"]), now()).unwrap();
        for to in ["192.0.2.7", "fd00::7", "box-1", "localhost"] {
            shake(&a, served(), to, &ClientAuth::None, None, now()).unwrap();
        }
        for to in ["192.0.2.8", "box-2"] {
            let e = shake(&a, served(), to, &ClientAuth::None, None, now()).unwrap_err();
            assert!(e.contains("not valid for name"), "{e}");
        }
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn it_signs_for_local_names_and_addresses_and_a_client_would_take_nothing_else_from_it() {
        let (a, dir) = authority("constraint");
        for (name, expect) in [
            ("8.8.8.8", true),
            ("box-1", true),
            ("x.box-1", true),
            ("picket.local", true),
            ("post.lan", true),
            ("xbox-1", false),
            ("bank.example", false),
            ("local.example", false),
        ] {
            let n = ServerName::parse(name).unwrap();
            assert_eq!(a.permits(&n), expect, "{name}");
            assert_eq!(a.server(&[n].into(), now()).is_ok(), expect, "{name}");
        }
        // Whoever steals the key signs what they like: clients must refuse it.
        let mut params = a.params(now(), 30.0).unwrap();
        params.subject_alt_names = vec![SanType::DnsName("bank.example".try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let (certificate, key, _) = a.sign(params).unwrap();
        let forged = Served::from_der(vec![certificate.into()], key.serialize_der(), "forged").unwrap();
        let e = shake(&a, forged, "bank.example", &ClientAuth::None, None, now()).unwrap_err();
        assert!(e.contains("NameConstraintViolation"), "{e}");
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_server_certificate_is_short_lived_and_ended_ones_are_refused() {
        let (a, dir) = authority("ended");
        let wanted = names(&["192.0.2.7"]);
        let served = || a.server(&wanted, now()).unwrap();
        let facts = served().facts().clone();
        assert!(facts.not_after.since_s(facts.not_before) <= 397.0 * DAY_S);
        let late = facts.not_after.plus_s(1.0);
        let e = shake(&a, served(), "192.0.2.7", &ClientAuth::None, None, late).unwrap_err();
        assert!(e.contains("expired"), "{e}");
        // Renewed in time, and also after the clock was wrong.
        assert_eq!(due(&facts, &wanted, now()), None);
        assert_eq!(due(&facts, &wanted, now().plus_s(61.0 * DAY_S)), Some(Due::Ends));
        assert_eq!(due(&facts, &wanted, now().plus_s(-3.0 * DAY_S)), Some(Due::Clock));
        assert_eq!(due(&facts, &names(&["192.0.2.7", "192.0.2.8"]), now()), Some(Due::Names));
        let renewed = a.server(&wanted, late).unwrap();
        shake(&a, renewed, "192.0.2.7", &ClientAuth::None, None, late).unwrap();
        fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn a_client_certificate_names_its_bearer_until_it_is_revoked_or_ends() {
        let (a, dir) = authority("client");
        let (other, other_dir) = authority("client-other");
        let subject = ClientSubject { common_name: "radar-1".into(), uri: "skypicket:source/radar-1".into() };
        let c = a.client(&subject, 30.0, now()).unwrap();
        let strange = other.client(&subject, 30.0, now()).unwrap();
        let served = || a.server(&names(&["box-1"]), now()).unwrap();
        let required = ClientAuth::Required(Arc::clone(&a));
        let optional = ClientAuth::Optional(Arc::clone(&a));
        let name = shake(&a, served(), "box-1", &required, Some(&c), now()).unwrap().unwrap();
        assert_eq!((name.common_name.as_str(), name.uri.as_deref()), ("radar-1", Some("skypicket:source/radar-1")));
        assert_eq!((&name.serial, name.not_after), (&c.serial, c.not_after));
        assert_eq!(shake(&a, served(), "box-1", &optional, None, now()).unwrap(), None);
        shake(&a, served(), "box-1", &required, None, now()).unwrap_err();
        for auth in [&required, &optional] {
            shake(&a, served(), "box-1", auth, Some(&strange), now()).unwrap_err();
            let e = shake(&a, served(), "box-1", auth, Some(&c), c.not_after.plus_s(1.0)).unwrap_err();
            assert!(e.contains("expired"), "{e}");
        }
        a.revoked().add(&c.serial);
        for auth in [&required, &optional] {
            let e = shake(&a, served(), "box-1", auth, Some(&c), now()).unwrap_err();
            assert!(e.contains("Revoked"), "{e}");
        }
        for d in [dir, other_dir] {
            fs::remove_dir_all(d).unwrap();
        }
    }
}
