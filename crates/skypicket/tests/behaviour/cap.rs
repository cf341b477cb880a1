//! `decode cap`: one line for the whole file, what a schema refuses refused, signatures held against pinned certificates.

use crate::support::{Folder, centre::run, program};
use serde_json::{Value, json};
use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

fn vector(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/cap").join(name)
}

/// The one line.
fn line(out: &Output) -> Value {
    let text = String::from_utf8(out.stdout.clone()).unwrap();
    assert_eq!((text.lines().count(), text.ends_with('\n')), (1, true), "{text}");
    serde_json::from_str(&text).unwrap()
}

fn decode(file: &Path, more: &[&OsStr]) -> (Option<i32>, Value) {
    let out = program().args(["decode", "cap"]).arg(file).args(more).stdin(Stdio::null()).output().unwrap();
    (out.status.code(), line(&out))
}

#[test]
fn a_cap_message_is_one_line_and_its_signature_is_held_against_pinned_certificates() {
    let file = vector("rsa-sha256-exclusive-x509-prefixed.xml");
    let (code, v) = decode(&file, &[]);
    assert_eq!((code, &v["ok"], &v["error"]), (Some(0), &json!(true), &Value::Null));
    let m = &v["messages"][0];
    assert_eq!(
        (&m["identifier"], &m["status"], &m["info"][0]["category"]),
        (&json!("TEST-1"), &json!("Test"), &json!(["Security"]))
    );
    assert_eq!(m["signature"]["state"], "verified_with_doubt");
    assert_eq!(m["signature"]["each"][0]["doubts"], json!(["issuer_unknown"]));

    let (rsa, ec) = (vector("rsa.pem"), vector("ec.pem"));
    let (_, v) = decode(&file, &["--issuer".as_ref(), ec.as_ref(), "--issuer".as_ref(), rsa.as_ref()]);
    assert_eq!(v["messages"][0]["signature"]["state"], "verified");
    let (_, v) = decode(&file, &["--issuer".as_ref(), ec.as_ref()]);
    assert_eq!(v["messages"][0]["signature"]["state"], "verified_with_doubt");
}

#[test]
fn from_standard_input_a_message_that_a_schema_refuses_says_what_is_wrong_and_keeps_the_rest() {
    let text = fs::read_to_string(vector("ecdsa-sha256-exclusive-x509.xml")).unwrap();
    let mut child = program().args(["decode", "cap"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let changed = text.replace("<urgency>Expected", "<urgency>Soon");
    child.stdin.take().unwrap().write_all(changed.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let v = line(&out);
    assert_eq!((out.status.code(), &v["ok"]), (Some(1), &json!(false)));
    assert_eq!(
        v["error"],
        json!({"kind": "cap_invalid", "offset": text.find("<urgency>"),
                                   "message": "info[1]/urgency: 'Soon' is none of the standard's words"})
    );
    assert_eq!(
        (&v["messages"][0]["info"][0]["urgency"], &v["messages"][0]["signature"]["state"]),
        (&Value::Null, &json!("broken"))
    );
}

#[test]
fn what_is_no_cap_is_refused_and_wrong_use_said() {
    let folder = Folder::new();
    let file = folder.path().join("x.xml");
    for (bytes, kind) in [
        (b"".to_vec(), "xml_truncated"),
        (b"<!DOCTYPE alert><alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'/>".to_vec(), "xml_dtd"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'/>".to_vec(), "cap_root"),
        (vec![b' '; (4 << 20) + 1], "xml_too_large"),
    ] {
        fs::write(&file, bytes).unwrap();
        let (code, v) = decode(&file, &[]);
        assert_eq!(
            (code, &v["ok"], &v["messages"], &v["error"]["kind"]),
            (Some(1), &json!(false), &json!([]), &json!(kind))
        );
    }
    assert_eq!(run(&["decode", "cap", "no-such-file"]).status.code(), Some(3));
    fs::write(&file, "no certificate").unwrap();
    for issuer in [file.to_str().unwrap(), "no-such-file"] {
        let out = run(&["decode", "cap", "--issuer", issuer]);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(said.contains("--issuer") && said.contains(issuer), "{said}");
    }
}
