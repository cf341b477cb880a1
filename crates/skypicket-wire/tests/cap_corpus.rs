//! Real CAP messages, where the corpus is there (`SKYPICKET_CORPUS`).
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use rustls_pki_types::{CertificateDer, pem::PemObject};
use serde_json::{Value, json};
use skypicket_wire::cap::{decode::decode, read::read, signature::Trust};
use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// The messages of the corpus folder `cap` by name, or nothing, said plainly.
fn corpus() -> Option<BTreeMap<String, Vec<u8>>> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("SKYPICKET_CORPUS").map_or(default, PathBuf::from).join("cap");
    if !root.is_dir() {
        // Past the capture of the test harness: a test that checked nothing must say so.
        let _ = writeln!(std::io::stdout(), "skipped: no corpus (cap)");
        return None;
    }
    let files = fs::read_dir(root).unwrap().map(|f| f.unwrap().path());
    let xml = files.filter(|p| p.extension().is_some_and(|e| e == "xml"));
    Some(xml.map(|p| (p.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(&p).unwrap())).collect())
}

fn decoded(bytes: &[u8], now: &str, pinned: &[Vec<u8>]) -> Value {
    decode(bytes, &Trust { now: now.parse().unwrap(), pinned })
}

const NOW: &str = "2026-11-26T00:00:00Z";

#[test]
fn fifteen_real_messages_are_good_and_the_one_with_errors_is_refused_for_them() {
    let Some(corpus) = corpus() else { return };
    assert_eq!(corpus.len(), 16);
    for (name, bytes) in &corpus {
        let v = decoded(bytes, NOW, &[]);
        assert_eq!(v["messages"].as_array().unwrap().len(), 1, "{name}");
        if name != "noaa-with-errors-2011-07-09" {
            assert_eq!((&v["ok"], &v["error"]), (&true.into(), &Value::Null), "{name}");
            continue;
        }
        assert_eq!(v["ok"], false);
        let said = v["error"]["message"].as_str().unwrap();
        for field in ["urgency", "severity", "certainty"] {
            assert!(said.contains(&format!("info[1]/{field}: ''")), "{said}");
            assert_eq!(v["messages"][0]["info"][0][field], Value::Null);
        }
        assert_eq!(v["messages"][0]["flags"], json!(["references_empty", "shape_syntax", "value_unknown"]));
        assert_eq!(v["messages"][0]["info"][0]["event"], "Flood Warning", "what is good is kept");
    }
}

#[test]
fn their_quirks_are_read_as_they_are_meant() {
    let Some(corpus) = corpus() else { return };
    let message = |name: &str| decoded(&corpus[name], NOW, &[])["messages"][0].clone();
    let blizzard = message("nws-blizzard-2021-12-27");
    assert_eq!((&blizzard["version"], &blizzard["info"][0]["area"][0]["polygon"]), (&"1.1".into(), &json!([])));
    assert_eq!(blizzard["flags"], json!([]), "an empty polygon is no fault");
    assert_eq!(message("ipaws-rmt-2019-05-30")["info"][0]["web"], Value::Null);
    let cancel = message("athoc-cancel-no-info-2016-02-25");
    assert_eq!((&cancel["msgType"], &cancel["info"]), (&"Cancel".into(), &json!([])));
    assert_eq!(cancel["references"][0]["sender"], "AtHoc");
    let tsunami = message("wcatwc-tsunami-cancellation-2013-01-05");
    assert_eq!(tsunami["references"].as_array().unwrap().len(), 3);
    assert_eq!(tsunami["info"][0]["area"][0]["circle"], json!([{"lat": 55.3, "lon": -134.9, "radius_km": 0.0}]));
    assert!(tsunami["flags"].as_array().unwrap().contains(&"expires_not_after_start".into()));
    let canada = message("canada-naads-2019-07-12");
    assert_eq!((&canada["restriction"], &canada["addresses"]), (&Value::Null, &json!([])));
    let languages: Vec<_> = canada["info"].as_array().unwrap().iter().map(|i| i["language"].clone()).collect();
    assert!(languages.contains(&"en-CA".into()) && languages.contains(&"fr-CA".into()), "{languages:?}");
}

#[test]
fn real_signatures_hold_and_their_certificates_are_long_expired() {
    let Some(corpus) = corpus() else { return };
    let both = ["certificate_expired", "issuer_unknown"];
    let old = ["sha1", "certificate_expired", "issuer_unknown"];
    for (name, signatures, doubts) in [
        ("ipaws-cancel-2019-04-19", 1, &both[..]),
        ("ipaws-rmt-2019-05-30", 1, &both),
        ("ipaws-local-area-emergency-2019-12-13", 1, &both),
        ("athoc-cancel-no-info-2016-02-25", 1, &old),
        ("canada-naads-2019-07-12", 2, &both),
        ("ec-canada-signed-update-2013-01-24", 2, &old),
    ] {
        let s = decoded(&corpus[name], NOW, &[])["messages"][0]["signature"].clone();
        assert_eq!(s["state"], "verified_with_doubt", "{name}: {s}");
        let each = s["each"].as_array().unwrap();
        assert_eq!(each.len(), signatures, "{name}");
        for f in each {
            assert_eq!((&f["state"], &f["doubts"]), (&"verified_with_doubt".into(), &json!(doubts)), "{name}: {f}");
        }
        let changed = String::from_utf8(corpus[name].clone()).unwrap().replace("<status>Actual", "<status>Test");
        let state = decoded(changed.as_bytes(), NOW, &[])["messages"][0]["signature"]["state"].clone();
        let actual = changed.as_bytes() != corpus[name].as_slice();
        assert_eq!(state == "broken", actual, "{name}: {state}");
        assert!(actual || name == "ipaws-rmt-2019-05-30", "{name} is Actual");
    }
    let unsigned = decoded(&corpus["oasis-cap12-example-a1"], NOW, &[])["messages"][0]["signature"].clone();
    assert_eq!(unsigned["state"], "unsigned");
    let hollow =
        decoded(&corpus["wcatwc-tsunami-cancellation-2013-01-05"], NOW, &[])["messages"][0]["signature"].clone();
    assert_eq!(hollow["state"], "cannot_be_checked");
}

#[test]
fn a_pinned_certificate_makes_a_real_signature_known_then_and_expired_now() {
    let Some(corpus) = corpus() else { return };
    let bytes = &corpus["ipaws-local-area-emergency-2019-12-13"];
    let text = String::from_utf8(bytes.clone()).unwrap();
    let (_, rest) = text.split_once("X509Certificate>").unwrap();
    let (inside, _) = rest.split_once('<').unwrap();
    let base64: String = inside.split_ascii_whitespace().collect();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
    let pinned = [CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()];
    let at = |now: &str| {
        let s = decoded(bytes, now, &pinned)["messages"][0]["signature"].clone();
        (s["state"].clone(), s["each"][0]["doubts"].clone())
    };
    assert_eq!(at("2019-12-13T20:00:00Z"), ("verified".into(), json!([])));
    assert_eq!(at(NOW), ("verified_with_doubt".into(), json!(["certificate_expired"])));
}

#[test]
fn what_was_read_is_written_and_read_again_the_same() {
    let Some(corpus) = corpus() else { return };
    for (name, bytes) in &corpus {
        let first = read(bytes).unwrap().alert.unwrap();
        let again = read(first.to_xml().as_bytes()).unwrap();
        // 1.1 lets a resource be without mimeType; none of these does.
        assert!(again.is_valid() || name.starts_with("noaa"), "{name}: {:?}", again.problems);
        assert_eq!(again.alert.unwrap(), first, "{name}");
    }
}
