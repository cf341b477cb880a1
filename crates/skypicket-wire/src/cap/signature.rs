//! [`Signatures`]: whether the XML signatures of an alert hold, and making one.
//!
//! XML-DSig, enveloped, over the whole document (`Reference URI=""`). Verified: RSA with SHA-1 and SHA-256, ECDSA P-256 with
//! SHA-256; digests SHA-1 and SHA-256; both canonical forms; a certificate or a bare RSA key in the message, or a pinned
//! certificate. Made: ECDSA P-256 with SHA-256, exclusive canonical form, the certificate inside.
//!
//! Two signatures: a stock verifier leaves out of the digest only the signature that it checks. Real senders of two
//! (Canada) left out both. Either is taken: what is signed is the alert less signatures, and a signature is never read as
//! alert. A signature over anything but the whole document is not checked, so nothing signed elsewhere can be wrapped in.
//!
//! A good signature says who claims, not that it is so; and only a pinned issuer makes the *who* known.

use super::{
    alert::Alert,
    c14n::{EXCLUSIVE, Method},
    time::DateTime,
    tree::{Document, Element, Node},
    write::END,
};
use crate::cot::xml::{XmlError, cut};
use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    digest,
    signature::{
        ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
        RsaPublicKeyComponents, UnparsedPublicKey,
    },
};
use rustls_pki_types::{CertificateDer, UnixTime};
use skypicket_model::Time;
use std::time::Duration;
use x509_parser::{certificate::X509Certificate, prelude::FromDer, public_key::PublicKey};

/// The namespace of XML signatures.
pub const XMLDSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

/// Most signatures checked of one message.
const MAX_SIGNATURES: usize = 4;
/// Most certificates looked at of one signature.
const MAX_CERTIFICATES: usize = 8;
/// Most characters of one base64 text in a signature.
const MAX_BASE64: usize = 32 * 1024;

/// Whom we know, and when it is.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// The time to hold certificates against.
    pub now: Time,
    /// Pinned certificates, DER: of senders themselves or of those who issue their certificates.
    pub pinned: &'a [Vec<u8>],
}

/// How a signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// There is none.
    Unsigned,
    /// It holds, and the signer is known and valid.
    Verified,
    /// It holds, but the doubts beside it say why that proves less.
    VerifiedWithDoubt,
    /// It does not hold.
    Broken,
    /// It could not be checked; the reason beside it says why.
    CannotBeChecked,
}

impl State {
    /// The fixed word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Verified => "verified",
            Self::VerifiedWithDoubt => "verified_with_doubt",
            Self::Broken => "broken",
            Self::CannotBeChecked => "cannot_be_checked",
        }
    }
}

/// What makes a signature that holds prove less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// A certificate on the way is past its end, or before its beginning.
    CertificateExpired,
    /// Nobody whom we pinned issued the certificate.
    IssuerUnknown,
    /// A bare key, without a certificate.
    NoCertificate,
    /// SHA-1, which can be forged with effort.
    Sha1,
}

impl Doubt {
    /// The fixed word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CertificateExpired => "certificate_expired",
            Self::IssuerUnknown => "issuer_unknown",
            Self::NoCertificate => "no_certificate",
            Self::Sha1 => "sha1",
        }
    }
}

/// Whose key it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its subject.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// Its beginning.
    pub not_before: Time,
    /// Its end.
    pub not_after: Time,
    /// Whether it was valid when the message says that it was sent.
    pub valid_when_sent: Option<bool>,
}

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it stands.
    pub state: State,
    /// Why it proves less, where it holds.
    pub doubts: Vec<Doubt>,
    /// Why it does not hold or could not be checked.
    pub reason: Option<String>,
    /// Its algorithm, as `rsa-sha256`.
    pub algorithm: Option<&'static str>,
    /// The certificate in it.
    pub certificate: Option<Certificate>,
}

/// All signatures of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    /// How the message stands: a signer whom we know speaks for it; without one, the worst that was found.
    pub state: State,
    /// Each of them, in order.
    pub each: Vec<Finding>,
}

/// Checks the signatures of a message that says that it was sent then.
pub fn check(doc: &Document, sent: Option<DateTime>, trust: &Trust<'_>) -> Signatures {
    let all: Vec<(usize, &Element)> = doc
        .root
        .nodes
        .iter()
        .enumerate()
        .filter_map(|(k, n)| match n {
            Node::Element(e) if e.is(XMLDSIG, "Signature") => Some((k, e)),
            _ => None,
        })
        .collect();
    if all.is_empty() {
        return Signatures { state: State::Unsigned, each: Vec::new() };
    }
    if all.len() > MAX_SIGNATURES {
        let why = format!("{} signatures are more than the {MAX_SIGNATURES} taken", all.len());
        return Signatures { state: State::CannotBeChecked, each: vec![Finding::unchecked(why)] };
    }
    let places: Vec<usize> = all.iter().map(|(k, _)| *k).collect();
    let mut texts = Texts { doc, made: Vec::new() };
    let each: Vec<Finding> = all.iter().map(|(k, e)| one(&mut texts, e, *k, &places, sent, trust)).collect();
    Signatures { state: together(&each), each }
}

fn together(each: &[Finding]) -> State {
    let has = |state: State| each.iter().any(|f| f.state == state);
    let known = |f: &&Finding| {
        f.state == State::VerifiedWithDoubt
            && !f.doubts.contains(&Doubt::IssuerUnknown)
            && !f.doubts.contains(&Doubt::NoCertificate)
    };
    if has(State::Verified) {
        State::Verified
    } else if each.iter().any(|f| known(&f)) {
        State::VerifiedWithDoubt
    } else if has(State::Broken) {
        State::Broken
    } else if has(State::CannotBeChecked) {
        State::CannotBeChecked
    } else {
        State::VerifiedWithDoubt
    }
}

impl Finding {
    fn unchecked(why: impl Into<String>) -> Self {
        let reason = Some(why.into());
        Self { state: State::CannotBeChecked, doubts: Vec::new(), reason, algorithm: None, certificate: None }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Algorithm {
    RsaSha1,
    RsaSha256,
    EcdsaSha256,
}

impl Algorithm {
    fn of(uri: &str) -> Option<Self> {
        match uri {
            RSA_SHA1 => Some(Self::RsaSha1),
            RSA_SHA256 => Some(Self::RsaSha256),
            ECDSA_SHA256 => Some(Self::EcdsaSha256),
            _ => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::RsaSha1 => "rsa-sha1",
            Self::RsaSha256 => "rsa-sha256",
            Self::EcdsaSha256 => "ecdsa-sha256",
        }
    }
}

/// What a signature says that it is over.
struct Claim {
    form: Method,
    sha1: bool,
    digest: Vec<u8>,
}

/// A key, and the certificate that it is of.
struct Key {
    public: Public,
    certificate: Option<Vec<u8>>,
}

enum Public {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
}

/// The canonical texts of a document, each made once, for signatures mostly ask for the same.
struct Texts<'a> {
    doc: &'a Document,
    made: Vec<(Method, Vec<usize>, String)>,
}

impl Texts<'_> {
    fn fits(&mut self, claim: &Claim, leave_out: &[usize]) -> bool {
        let made = self.made.iter().find(|(form, out, _)| *form == claim.form && out == leave_out);
        if let Some((.., text)) = made {
            return digest_of(claim, text).as_ref() == claim.digest.as_slice();
        }
        let text = claim.form.document(self.doc, leave_out);
        let fits = digest_of(claim, &text).as_ref() == claim.digest.as_slice();
        self.made.push((claim.form.clone(), leave_out.to_vec(), text));
        fits
    }
}

fn one(
    texts: &mut Texts<'_>,
    signature: &Element,
    place: usize,
    all: &[usize],
    sent: Option<DateTime>,
    trust: &Trust<'_>,
) -> Finding {
    let ready = match prepare(texts.doc, signature) {
        Ok(ready) => ready,
        Err(why) => return Finding::unchecked(why),
    };
    let (algorithm, claim, signed, value) = ready;
    let (keys, others) = keys_of(signature, trust);
    let mut finding = Finding { algorithm: Some(algorithm.as_str()), ..Finding::unchecked("") };
    finding.certificate = keys.iter().find_map(|k| k.certificate.as_deref()).and_then(|c| certificate(c, sent));
    let mut why = "no key of its kind, neither inside nor pinned".to_owned();
    let mut tried = false;
    let mut signer = None;
    for key in &keys {
        match holds(algorithm, &key.public, signed.as_bytes(), &value) {
            Ok(true) => {
                signer = Some(key);
                break;
            }
            Ok(false) => tried = true,
            Err(Some(unfit)) => why = unfit,
            Err(None) => {}
        }
    }
    // The document less all signatures, or, as a stock verifier does it, less this one.
    let digest_fits = texts.fits(&claim, all) || (all.len() > 1 && texts.fits(&claim, &[place]));
    if !digest_fits {
        finding.state = State::Broken;
        finding.reason = Some("the message is not the one that was signed (its digest differs)".into());
        return finding;
    }
    let Some(signer) = signer else {
        if tried {
            finding.state = State::Broken;
            why = "the digest fits, but its signature is not by the key that it names".into();
        }
        finding.reason = Some(why);
        return finding;
    };
    finding.reason = None;
    if algorithm == Algorithm::RsaSha1 || claim.sha1 {
        finding.doubts.push(Doubt::Sha1);
    }
    match &signer.certificate {
        None => finding.doubts.push(Doubt::NoCertificate),
        Some(der) => {
            finding.certificate = certificate(der, sent);
            let (known, valid) = standing(der, &others, sent, trust);
            if !valid {
                finding.doubts.push(Doubt::CertificateExpired);
            }
            if !known {
                finding.doubts.push(Doubt::IssuerUnknown);
            }
        }
    }
    finding.state = if finding.doubts.is_empty() { State::Verified } else { State::VerifiedWithDoubt };
    finding
}

/// What is needed to check a signature, or why it cannot be.
fn prepare(doc: &Document, signature: &Element) -> Result<(Algorithm, Claim, String, Vec<u8>), String> {
    let the = |of: &Element, name: &str| -> Result<Element, String> {
        let mut found = of.children().filter(|e| e.is(XMLDSIG, name));
        match (found.next(), found.next()) {
            (Some(e), None) => Ok(e.clone()),
            (None, _) => Err(format!("no {name}")),
            _ => Err(format!("more than one {name}")),
        }
    };
    let info = signature.children().filter(|e| e.is(XMLDSIG, "SignedInfo")).collect::<Vec<_>>();
    let [info] = info.as_slice() else { return Err("no SignedInfo, or more than one".into()) };
    let named = |e: &Element| cut(e.attribute("Algorithm").unwrap_or("(none)"));
    let form = the(info, "CanonicalizationMethod")?;
    let form = Method::of(&form).ok_or_else(|| format!("canonical form {} is not taken", named(&form)))?;
    let algorithm = the(info, "SignatureMethod")?;
    let algorithm = Algorithm::of(algorithm.attribute("Algorithm").unwrap_or_default())
        .ok_or_else(|| format!("algorithm {} is not taken", named(&algorithm)))?;
    let reference = the(info, "Reference")?;
    if reference.attribute("URI") != Some("") {
        return Err("it is not over the whole message".into());
    }
    let transforms = the(&reference, "Transforms")?;
    let transforms: Vec<&Element> = transforms.children().collect();
    let document_form = match transforms.as_slice() {
        [e] if e.attribute("Algorithm") == Some(ENVELOPED) => Method::default(),
        [e, c] if e.attribute("Algorithm") == Some(ENVELOPED) => {
            Method::of(c).ok_or_else(|| format!("transform {} is not taken", named(c)))?
        }
        _ => return Err("it is not over the whole message less itself".into()),
    };
    // The node set of URI="" has no comments, whatever the form would do with them.
    let document_form = Method { comments: false, ..document_form };
    let digest_method = the(&reference, "DigestMethod")?;
    let sha1 = match digest_method.attribute("Algorithm") {
        Some(SHA1) => true,
        Some(SHA256) => false,
        _ => return Err(format!("digest {} is not taken", named(&digest_method))),
    };
    let digest = base64_of(&the(&reference, "DigestValue")?).ok_or("DigestValue is not base64")?;
    let value = base64_of(&the(signature, "SignatureValue")?).ok_or("SignatureValue is not base64")?;
    let signed = form.element(&[&doc.root, signature], info);
    Ok((algorithm, Claim { form: document_form, sha1, digest }, signed, value))
}

fn digest_of(claim: &Claim, text: &str) -> digest::Digest {
    let by = if claim.sha1 { &digest::SHA1_FOR_LEGACY_USE_ONLY } else { &digest::SHA256 };
    digest::digest(by, text.as_bytes())
}

fn base64_of(e: &Element) -> Option<Vec<u8>> {
    let text = e.text();
    if text.len() > MAX_BASE64 {
        return None;
    }
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(text).ok()
}

/// The keys to try: those in the message, or the pinned ones when it has none. And every certificate in the message.
fn keys_of(signature: &Element, trust: &Trust<'_>) -> (Vec<Key>, Vec<Vec<u8>>) {
    let info = signature.children().filter(|e| e.is(XMLDSIG, "KeyInfo"));
    let inside: Vec<&Element> = info.flat_map(Element::children).collect();
    let certificates: Vec<Vec<u8>> = inside
        .iter()
        .filter(|e| e.is(XMLDSIG, "X509Data"))
        .flat_map(|e| e.children())
        .filter(|e| e.is(XMLDSIG, "X509Certificate"))
        .take(MAX_CERTIFICATES)
        .filter_map(base64_of)
        .collect();
    let of_certificate = |der: &Vec<u8>| Some(Key { public: public_of(der)?, certificate: Some(der.clone()) });
    let mut keys: Vec<Key> = certificates.iter().filter_map(of_certificate).collect();
    let bare = inside.iter().filter(|e| e.is(XMLDSIG, "KeyValue")).filter_map(|e| e.child("RSAKeyValue"));
    keys.extend(bare.take(MAX_CERTIFICATES).filter_map(|k| {
        let (n, e) = (base64_of(k.child("Modulus")?)?, base64_of(k.child("Exponent")?)?);
        Some(Key { public: Public::Rsa { n: without_zeros(&n), e: without_zeros(&e) }, certificate: None })
    }));
    if keys.is_empty() {
        keys.extend(trust.pinned.iter().filter_map(of_certificate));
    }
    (keys, certificates)
}

fn without_zeros(bytes: &[u8]) -> Vec<u8> {
    let from = bytes.iter().position(|b| *b != 0).unwrap_or(bytes.len());
    bytes.get(from..).unwrap_or_default().to_vec()
}

fn public_of(der: &[u8]) -> Option<Public> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    match certificate.public_key().parsed().ok()? {
        PublicKey::RSA(rsa) => Some(Public::Rsa { n: without_zeros(rsa.modulus), e: without_zeros(rsa.exponent) }),
        // Uncompressed, 65 bytes; points of other curves as long as that are not on this one, and refused when used.
        PublicKey::EC(point) if point.data().len() == 65 => Some(Public::P256(point.data().to_vec())),
        _ => None,
    }
}

/// Whether a key made a signature; `Err` when it is of another kind, or unfit, which is then said.
fn holds(algorithm: Algorithm, key: &Public, signed: &[u8], value: &[u8]) -> Result<bool, Option<String>> {
    match (algorithm, key) {
        (Algorithm::EcdsaSha256, Public::P256(point)) => {
            Ok(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, value).is_ok())
        }
        (Algorithm::RsaSha1 | Algorithm::RsaSha256, Public::Rsa { n, e }) => {
            let bits = n.len() * 8 - n.first().map_or(0, |b| b.leading_zeros() as usize);
            if !(2048..=8192).contains(&bits) {
                return Err(Some(format!("an RSA key of {bits} bits proves nothing: 2048 to 8192 are taken")));
            }
            let by = match algorithm {
                Algorithm::RsaSha1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
                _ => &RSA_PKCS1_2048_8192_SHA256,
            };
            Ok(RsaPublicKeyComponents { n, e }.verify(by, signed, value).is_ok())
        }
        _ => Err(None),
    }
}

fn certificate(der: &[u8], sent: Option<DateTime>) -> Option<Certificate> {
    let (_, c) = X509Certificate::from_der(der).ok()?;
    let time = |t: x509_parser::time::ASN1Time| Time::from_micros(t.timestamp().saturating_mul(1_000_000));
    let (not_before, not_after) = (time(c.validity().not_before), time(c.validity().not_after));
    Some(Certificate {
        subject: c.subject().to_string().chars().take(500).collect(),
        issuer: c.issuer().to_string().chars().take(500).collect(),
        not_before,
        not_after,
        valid_when_sent: sent.map(|s| (not_before..=not_after).contains(&s.at())),
    })
}

/// Whether somebody whom we pinned stands behind a certificate, and whether all on the way is valid now.
fn standing(der: &[u8], others: &[Vec<u8>], sent: Option<DateTime>, trust: &Trust<'_>) -> (bool, bool) {
    let own = certificate(der, None).is_some_and(|c| (c.not_before..=c.not_after).contains(&trust.now));
    if trust.pinned.iter().any(|p| p == der) {
        return (true, own);
    }
    if is_issued(der, others, trust.pinned, trust.now) {
        return (true, own);
    }
    // Perhaps only expired: then a pinned issuer stood behind it when it was used.
    let then = sent.is_some_and(|s| is_issued(der, others, trust.pinned, s.at()));
    (then, own && !then)
}

fn is_issued(der: &[u8], others: &[Vec<u8>], pinned: &[Vec<u8>], at: Time) -> bool {
    /// A certificate for signing messages may be marked for any use, or none.
    struct AnyUse;
    impl webpki::ExtendedKeyUsageValidator for AnyUse {
        fn validate(&self, _: webpki::KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
            Ok(())
        }
    }
    let Ok(seconds) = u64::try_from(at.as_micros() / 1_000_000) else { return false };
    let at = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let pinned: Vec<CertificateDer<'_>> = pinned.iter().map(|p| CertificateDer::from_slice(p)).collect();
    let anchors: Vec<_> = pinned.iter().filter_map(|p| webpki::anchor_from_trusted_cert(p).ok()).collect();
    let others: Vec<CertificateDer<'_>> = others.iter().map(|o| CertificateDer::from_slice(o)).collect();
    let leaf = CertificateDer::from_slice(der);
    let Ok(leaf) = webpki::EndEntityCert::try_from(&leaf) else { return false };
    leaf.verify_for_usage(webpki::ALL_VERIFICATION_ALGS, &anchors, &others, at, AnyUse, None, None).is_ok()
}

/// Why an alert could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError<E> {
    /// It is larger than anybody would read.
    #[error("the alert cannot be signed: {0}")]
    TooLarge(XmlError),
    /// The key said no.
    #[error("the key did not sign: {0}")]
    Key(E),
    /// The signature is not by the key of the certificate, or not 64 bytes r‖s.
    #[error("the signature is not one of ECDSA P-256 by the key of the certificate: give the two that belong together")]
    Mismatch,
}

/// An alert as CAP 1.2 with its signature. `sign` is given what to sign and answers with ECDSA P-256 over its SHA-256, r‖s,
/// 64 bytes; the certificate, DER, goes into the message.
pub fn sign<E>(
    alert: &Alert,
    certificate_der: &[u8],
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, E>,
) -> Result<String, SignError<E>> {
    let bare = alert.to_xml();
    let with = |digest: &str, value: &str| {
        let body = bare.strip_suffix(END).unwrap_or(&bare);
        let certificate = STANDARD.encode(certificate_der);
        format!(
            "{body}<Signature xmlns=\"{XMLDSIG}\"><SignedInfo><CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
             <SignatureMethod Algorithm=\"{ECDSA_SHA256}\"/><Reference URI=\"\"><Transforms>\
             <Transform Algorithm=\"{ENVELOPED}\"/><Transform Algorithm=\"{EXCLUSIVE}\"/></Transforms>\
             <DigestMethod Algorithm=\"{SHA256}\"/><DigestValue>{digest}</DigestValue></Reference></SignedInfo>\
             <SignatureValue>{value}</SignatureValue><KeyInfo><X509Data><X509Certificate>{certificate}</X509Certificate>\
             </X509Data></KeyInfo></Signature>{END}"
        )
    };
    let form = Method::exclusive();
    let document = Document::read(bare.as_bytes()).map_err(SignError::TooLarge)?;
    let digest = STANDARD.encode(digest::digest(&digest::SHA256, form.document(&document, &[]).as_bytes()));
    let unsigned = Document::read(with(&digest, "").as_bytes()).map_err(SignError::TooLarge)?;
    let parts = unsigned.root.children().find(|e| e.is(XMLDSIG, "Signature"));
    let parts = parts.and_then(|s| s.child("SignedInfo").map(|i| (s, i)));
    let Some((signature, info)) = parts else { return Err(SignError::Mismatch) };
    let signed = form.element(&[&unsigned.root, signature], info);
    let value = sign(signed.as_bytes()).map_err(SignError::Key)?;
    let key = public_of(certificate_der).ok_or(SignError::Mismatch)?;
    match holds(Algorithm::EcdsaSha256, &key, signed.as_bytes(), &value) {
        Ok(true) => Ok(with(&digest, &STANDARD.encode(value))),
        _ => Err(SignError::Mismatch),
    }
}
