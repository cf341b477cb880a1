//! Writes an alert with its signature into a folder, for other programs to look at: `signed_alert FOLDER`.
//!
//! Made: `unsigned.xml`, `signed.xml`, `signer.pem` (the certificate in the message) and `issuer.pem` (who issued it). The keys are
//! new each time and not kept. `scripts/cap-check` runs it; it shows how to sign, too.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use skypicket_model::LatLon;
use skypicket_wire::cap::{
    Alert, Area, Category, Certainty, Circle, DateTime, Info, MsgType, Name, NamedValue, Polygon, Reference, Resource,
    ResponseType, Scope, Severity, Status, Urgency, signature::sign,
};
use std::{error::Error, fs, path::PathBuf};

fn alert() -> Result<Alert, Box<dyn Error>> {
    let earlier = Reference::read("centre@example.org,OSA-2026-014.1,2026-11-26T17:00:00-00:00");
    let sent = DateTime::with_offset("2026-11-26T18:00:00Z".parse()?, -7 * 60);
    let mut alert = Alert::new(Name::new("OSA-2026-014.2")?, Name::new("centre@example.org")?, sent)
        .about(MsgType::Update, earlier);
    (alert.status, alert.scope) = (Status::Exercise, Scope::Restricted);
    alert.restriction = Some("TLP:AMBER; releasable to: agency-a, agency-b".into());
    alert.addresses = vec!["agency-a".into(), "night shift".into()];
    alert.note = Some("Exercise FIRST LIGHT".into());
    alert.incidents = vec!["case-7".into()];
    for (language, event, headline, instruction) in [
        (
            "en-US",
            "Drone threat – officer safety",
            "Explosive drones <may> be used & seen",
            "1. Body armour.\n2. Report.",
        ),
        ("es-US", "Amenaza de drones – seguridad", "Podrían usarse drones con explosivos", "1. Chaleco.\n2. Avise."),
    ] {
        let mut info = Info::new(Category::Security, event);
        info.category.push(Category::Safety);
        info.language = Some(language.into());
        info.response_type = vec![ResponseType::Monitor, ResponseType::Prepare];
        (info.urgency, info.severity, info.certainty) = (Urgency::Expected, Severity::Severe, Certainty::Possible);
        info.event_code.push(NamedValue::new("SAME", "LEW"));
        info.effective = Some(sent);
        info.expires = Some(DateTime::with_offset(sent.at().plus_s(86_400.0), -7 * 60));
        info.sender_name = Some("Intelligence and operations centre".into());
        info.headline = Some(headline.into());
        info.description = Some("Source graded B2.  \"Quoted\" & 'quoted'.".into());
        info.instruction = Some(instruction.into());
        info.web = Some("https://example.org/bulletins/14".into());
        info.contact = Some("+1 555 0100".into());
        info.parameter("TLP", "AMBER").parameter("SourceGrade", "B2").parameter("BulletinNo", "2026-014");
        let mut resource = Resource::new("Map", "image/png");
        (resource.size, resource.uri) = (Some(1234), Some("https://example.org/m.png".into()));
        info.resource.push(resource);
        let mut area = Area::new("West of the bridge");
        let at = |lat_deg, lon_deg| LatLon { lat_deg, lon_deg };
        area.polygon.push(Polygon::new(vec![at(31.7, -106.5), at(31.8, -106.5), at(31.8, -106.4), at(31.7, -106.5)])?);
        area.circle.push(Circle::new(31.76, -106.49, 5.0)?);
        area.geocode.push(NamedValue::new("SAME", "048141"));
        (area.altitude, area.ceiling) = (Some(0.0), Some(400.0));
        info.area.push(area);
        alert.info.push(info);
    }
    Ok(alert)
}

fn named(name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (rcgen::date_time_ymd(2026, 1, 1), rcgen::date_time_ymd(2126, 1, 1));
    Ok(params)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("give a folder")?);
    let (issuer_key, key) =
        (KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?, KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?);
    let mut issuer = named("Example issuer")?;
    issuer.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer_certificate = issuer.self_signed(&issuer_key)?;
    let certificate = named("Example centre")?.signed_by(&key, &Issuer::from_params(&issuer, &issuer_key))?;

    let random = SystemRandom::new();
    let signer = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der(), &random)
        .map_err(|e| e.to_string())?;
    let alert = alert()?;
    let signed = sign(&alert, certificate.der(), |bytes| signer.sign(&random, bytes).map(|s| s.as_ref().to_vec()))?;

    fs::write(folder.join("unsigned.xml"), alert.to_xml())?;
    fs::write(folder.join("signed.xml"), signed)?;
    fs::write(folder.join("signer.pem"), certificate.pem())?;
    fs::write(folder.join("issuer.pem"), issuer_certificate.pem())?;
    Ok(())
}
