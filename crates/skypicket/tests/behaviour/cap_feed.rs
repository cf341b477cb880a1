//! The CAP feed: systems of two agencies read what their agency is released, signed, and each knows nothing of the rest.

use super::bulletins::{act, approve, content, propose};
use super::schema::{named, problems};
use crate::support::{Answer, Centre, Client, Scene, id, items, program, text};
use serde_json::{Value, json};
use skypicket_wire::cap::tree::{Document, Element};
use std::{collections::BTreeSet, fs, process::Command};

const ATOM: &str = "http://www.w3.org/2005/Atom";

/// A token for a system of an agency: its id, and a client that has it.
fn partner(centre: &Centre, by: &Client, agency: &str) -> (String, Client) {
    let body = json!({"id": id(), "name": "dispatch system", "agency": agency});
    let made = by.post("/api/v1/partners", &body).ok(201);
    (text(&made, "/token/id").to_owned(), centre.anybody().with_token(text(&made, "/secret")))
}

/// A bulletin for everybody of both agencies, so marked.
fn marked(title: &str, marking: &Value) -> Value {
    let mut c = content(title);
    c["marking"] = marking.clone();
    c
}

fn issue(centre: &mut Centre, content: &Value) -> Value {
    let [watch, other] = ["watch", "watch2"].map(|p| centre.person(p));
    approve(&other, &propose(&watch, content))
}

fn child<'a>(e: &'a Element, name: &str) -> &'a Element {
    e.children().find(|c| c.is(ATOM, name)).unwrap_or_else(|| panic!("no {name}"))
}

fn attribute(e: &Element, name: &str) -> String {
    e.attribute(name).unwrap_or_else(|| panic!("no {name}")).to_owned()
}

/// An entry of the feed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    id: String,
    title: String,
    updated: String,
    /// Its path.
    pub(crate) link: String,
}

/// The entries of the feed, as a reader sees them.
fn entries(client: &Client) -> Vec<Entry> {
    entries_of(&client.get("/cap/feed.atom"))
}

/// The same of an answer that has the feed.
pub(crate) fn entries_of(answer: &Answer) -> Vec<Entry> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("content-type").unwrap().starts_with("application/atom+xml"), "{answer:?}");
    let feed = Document::read(&answer.body).unwrap();
    assert!(feed.root.is(ATOM, "feed"));
    let entry = |e: &Element| {
        let link = child(e, "link");
        assert_eq!(
            (attribute(link, "rel"), attribute(link, "type")),
            ("alternate".into(), "application/cap+xml".into())
        );
        let href = attribute(link, "href");
        let (_, path) = href.split_once("/cap/").unwrap();
        Entry {
            id: child(e, "id").text(),
            title: child(e, "title").text(),
            updated: child(e, "updated").text(),
            link: format!("/cap/{path}"),
        }
    };
    feed.root.children().filter(|e| e.is(ATOM, "entry")).map(entry).collect()
}

/// What our own reader says of an alert, its certificate pinned.
pub(crate) fn decoded(centre: &Centre, xml: &[u8], pem: &str) -> Value {
    let file = centre.folder().join("alert.xml");
    let issuer = centre.folder().join("signer.pem");
    fs::write(&file, xml).unwrap();
    fs::write(&issuer, pem).unwrap();
    let out = program().args(["decode", "cap", "--issuer"]).arg(&issuer).arg(&file).output().unwrap();
    let line: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(line["ok"], true, "{line}");
    line["messages"][0].clone()
}

/// Whether xmlsec1 verifies an alert by the key of this certificate, and of nothing that the alert brings.
pub(crate) fn xmlsec1_takes(centre: &Centre, xml: &[u8], pem: &str) -> bool {
    let file = centre.folder().join("checked.xml");
    let issuer = centre.folder().join("checked.pem");
    fs::write(&file, xml).unwrap();
    fs::write(&issuer, pem).unwrap();
    let mut command = Command::new("xmlsec1");
    command.args(["--verify", "--enabled-key-data", "x509", "--pubkey-cert-pem"]).arg(&issuer).arg(&file);
    // (`make tools` installs it.)
    command.output().expect("xmlsec1 is installed").status.success()
}

pub(crate) fn certificate(centre: &Centre) -> String {
    let out = program().args(["cap", "certificate", "--data"]).arg(centre.data()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn two_partners_read_what_each_agency_is_released_signed_and_the_same_bytes_after_a_restart() {
    let mut centre = Centre::start();
    let integrator = centre.person("integrator");
    let (north_token, north) = partner(&centre, &integrator, "north");
    let (_, south) = partner(&centre, &integrator, "south");
    assert_eq!((entries(&north), entries(&south)), (vec![], vec![]), "nothing yet");

    let open = issue(&mut centre, &marked("For all", &json!({"tlp": "TLP:GREEN", "owner": null, "releasable_to": []})));
    let amber = json!({"tlp": "TLP:AMBER", "owner": null, "releasable_to": ["north"]});
    let closed = issue(&mut centre, &marked("For north only", &amber));
    for strict in [
        json!({"tlp": "TLP:AMBER+STRICT", "owner": "north", "releasable_to": ["north"]}),
        json!({"tlp": "TLP:RED", "owner": "north", "named": ["watch", "watch2", "lead-a"]}),
        json!({"tlp": "TLP:AMBER", "owner": null, "releasable_to": []}),
    ] {
        issue(&mut centre, &marked("For no system", &strict));
    }
    let [at_north, at_south] = [&north, &south].map(entries);
    let titles = |all: &[Entry]| all.iter().map(|e| e.title.clone()).collect::<Vec<_>>().join("\n");
    assert!(at_north.len() == 2 && titles(&at_north).contains("For north only"), "{at_north:?}");
    assert!(at_south.len() == 1 && titles(&at_south).contains("For all"), "{at_south:?}");
    assert_eq!(at_north[1], at_south[0], "the newest is first, and one alert is the same for all");

    // What is not released is not there: like what never was.
    let path = |b: &Value, version: u32| format!("/cap/alerts/{}.{version}.xml", text(b, "/notice"));
    assert_eq!(at_north[0].link, path(&closed, 1));
    let hidden = south.get(&path(&closed, 1));
    let never = south.get("/cap/alerts/018f0000-0000-7000-8000-000000000000.1.xml");
    let said = |a: &Answer| a.json()["detail"].clone();
    assert_eq!((hidden.status, said(&hidden)), (404, said(&never)));
    assert_eq!((never.status, south.get(&path(&open, 2)).status), (404, 404));
    assert!(!south.get("/cap/feed.atom").text().contains(text(&closed, "/notice")));

    // Corrected, and recalled: each is another alert, which names all before it.
    let pem = certificate(&centre);
    let first = south.get(&path(&open, 1));
    assert_eq!((first.status, first.header("content-type")), (200, Some("application/cap+xml")));
    let better = marked("For all, better", &json!({"tlp": "TLP:GREEN", "owner": null, "releasable_to": []}));
    let [watch, supervisor] = ["watch", "supervisor"].map(|p| centre.person(p));
    let waits = act(&watch, &open, "corrections", json!({"content": better, "why": "better"})).ok(201);
    approve(&supervisor, &waits);
    act(&supervisor, &open, "recalls", json!({"why": "it was wrong"})).ok(200);
    let all = entries(&south);
    assert_eq!(all.iter().map(|e| e.link.clone()).collect::<Vec<_>>(), [3, 2, 1].map(|v| path(&open, v)));
    assert_eq!(all[2], at_south[0], "an entry never changes");
    assert_eq!(all.iter().map(|e| &e.id).collect::<BTreeSet<_>>().len(), 3);
    let alerts: Vec<Vec<u8>> = all.iter().rev().map(|e| south.get(&e.link).body).collect();
    assert!(alerts[0] == first.body, "signed twice");
    let read: Vec<Value> = alerts.iter().map(|xml| decoded(&centre, xml, &pem)).collect();
    let kinds: Vec<&str> = read.iter().map(|m| text(m, "/msgType")).collect();
    assert_eq!(kinds, ["Alert", "Update", "Cancel"]);
    for (m, xml) in read.iter().zip(&alerts) {
        assert_eq!((text(m, "/status"), text(m, "/signature/state")), ("Actual", "verified"), "{m}");
        assert!(xmlsec1_takes(&centre, xml, &pem));
        let changed = String::from_utf8(xml.clone()).unwrap().replacen("<status>Actual", "<status>Test", 1);
        assert!(!xmlsec1_takes(&centre, changed.as_bytes(), &pem), "a changed alert is taken");
    }
    let names = |m: &Value| m["references"].to_string();
    let of = |v: u32| format!("{}.{v}", text(&open, "/notice"));
    assert!(names(&read[1]).contains(&of(1)));
    assert!(names(&read[2]).contains(&of(1)) && names(&read[2]).contains(&of(2)), "{}", names(&read[2]));
    // A person who may see it gets the very same.
    let rendering = format!("/api/v1/notices/{}/versions/1/renderings/alert.xml", text(&open, "/notice"));
    assert!(centre.person("lead-b").get(&rendering).body == alerts[0], "another one for people");

    // Nothing new is not given again.
    let feed = south.get("/cap/feed.atom");
    let etag = feed.header("etag").unwrap().to_owned();
    let again = south.send("GET", "/cap/feed.atom", &[("if-none-match", &etag)], b"");
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(etag.as_str())));

    // Who read which alert stands in the audit, by the partner; a second look is no second giving.
    south.get(&path(&open, 1)).text();
    let auditor = centre.person("auditor");
    let given = auditor.see("/api/v1/audit?deed=alert_given");
    let rows: BTreeSet<(String, String)> =
        items(&given).iter().map(|r| (text(r, "/by/id").to_owned(), text(r, "/what").to_owned())).collect();
    let expect = [1, 2, 3].map(|v| ("partner.south".to_owned(), of(v)));
    assert_eq!((rows, items(&given).len()), (expect.into(), 3));
    // It counts as dissemination: in the log for the record, too.
    let log = auditor.get(&format!("/api/v1/notices/{}/export?format=jsonl", text(&open, "/notice"))).text();
    let lines: Vec<Value> = log.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let partners: Vec<(u64, &str)> = lines
        .iter()
        .filter(|l| l["type"] == "partner")
        .map(|l| (l["version"].as_u64().unwrap(), text(l, "/agency")))
        .collect();
    assert_eq!(partners, [(1, "south"), (2, "south"), (3, "south")]);
    assert_eq!(lines.last().unwrap()["partners"], 3);
    let reads = auditor.see("/api/v1/audit?deed=read&person=partner.north").to_string();
    assert!(reads.contains("GET /cap/feed.atom") && reads.contains(&north_token), "{reads}");

    // After a restart the same bytes, by the same key.
    assert!(centre.terminate().status.success());
    centre.start_again();
    assert_eq!(entries(&south), all);
    let after: Vec<Vec<u8>> = all.iter().rev().map(|e| south.get(&e.link).body).collect();
    assert!(after == alerts, "other bytes after a restart");
    assert_eq!(certificate(&centre), pem);
    centre.terminate();
    let verified = centre.verify(&["--recompute"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// A correction by one, approved by another.
fn correct(centre: &mut Centre, bulletin: &Value, content: &Value) -> Value {
    let [watch, supervisor] = ["watch", "supervisor"].map(|p| centre.person(p));
    let waits = act(&watch, bulletin, "corrections", json!({"content": content, "why": "it changed"})).ok(201);
    approve(&supervisor, &waits)
}

#[test]
fn a_partner_whom_a_correction_shuts_out_is_given_the_end_of_what_it_had_and_nothing_of_what_it_may_not_see() {
    let mut centre = Centre::start();
    let integrator = centre.person("integrator");
    let (_, north) = partner(&centre, &integrator, "north");
    let (_, south) = partner(&centre, &integrator, "south");
    let pem = certificate(&centre);
    let green = json!({"tlp": "TLP:GREEN", "owner": null, "releasable_to": []});
    let b = issue(&mut centre, &marked("For all", &green));
    let path = |of: &str| format!("/cap/alerts/{}.{of}.xml", text(&b, "/notice"));
    let links = |client: &Client| entries(client).into_iter().map(|e| e.link).collect::<Vec<_>>();
    let first = entries(&south);
    assert_eq!(links(&south), [path("1")]);
    assert_eq!(south.get(&path("1")).status, 200);

    // For north alone from now on: south finds that what it has no longer holds, and what it had is not given again.
    let mut narrow = marked("Hidden words", &json!({"tlp": "TLP:AMBER", "owner": null, "releasable_to": ["north"]}));
    narrow["text"] = json!("More hidden words.");
    narrow["level"] = json!("urgent");
    correct(&mut centre, &b, &narrow);
    assert_eq!(links(&north), [path("2"), path("1")]);
    let ended = entries(&south);
    assert_eq!(ended.iter().map(|e| &e.link).collect::<Vec<_>>(), [&path("2.withdrawn")]);
    assert!(ended[0].title.contains("WITHDRAWN"), "{ended:?}");
    for hidden in ["1", "2"] {
        south.get(&path(hidden)).problem(404, "not_found");
    }
    let xml = south.get(&path("2.withdrawn")).body;
    let cancel = decoded(&centre, &xml, &pem);
    assert_eq!(
        (text(&cancel, "/msgType"), text(&cancel, "/status"), text(&cancel, "/signature/state")),
        ("Cancel", "Actual", "verified")
    );
    assert!(xmlsec1_takes(&centre, &xml, &pem));
    assert_eq!(text(&cancel, "/note"), "withdrawn from this feed");
    let of = |v: &str| format!("{}.{v}", text(&b, "/notice"));
    assert!(cancel["references"].to_string().contains(&of("1")), "{cancel}");
    assert!(!cancel["references"].to_string().contains(&of("2")), "{cancel}");
    let said = String::from_utf8(xml.clone()).unwrap();
    assert!(!said.contains("idden") && !said.contains("AMBER") && !said.contains("north"), "{said}");
    // Whoever is still released it is not told of an end, and nobody is told of one that had nothing.
    north.get(&path("2.withdrawn")).problem(404, "not_found");
    let strict = issue(&mut centre, &marked("Strict", &json!({"tlp": "TLP:AMBER", "releasable_to": ["north"]})));
    assert_eq!(north.get(&format!("/cap/alerts/{}.1.xml", text(&strict, "/notice"))).status, 200);
    correct(&mut centre, &strict, &marked("Stricter", &json!({"tlp": "TLP:AMBER+STRICT", "owner": "north"})));
    let strictly = format!("/cap/alerts/{}.2.withdrawn.xml", text(&strict, "/notice"));
    assert!(links(&north).contains(&strictly) && !links(&south).contains(&strictly));
    south.get(&strictly).problem(404, "not_found");
    // Nor whoever could have fetched it and did not: its title is not for them any more.
    let unread = issue(&mut centre, &marked("Never fetched", &green));
    assert!(links(&south).contains(&format!("/cap/alerts/{}.1.xml", text(&unread, "/notice"))));
    correct(&mut centre, &unread, &marked("Narrower", &json!({"tlp": "TLP:AMBER", "releasable_to": ["north"]})));
    assert!(!south.get("/cap/feed.atom").text().contains(text(&unread, "/notice")));
    south.get(&format!("/cap/alerts/{}.2.withdrawn.xml", text(&unread, "/notice"))).problem(404, "not_found");

    // For all again: what was said before stands there as it did.
    correct(&mut centre, &b, &marked("For all again", &green));
    let again = entries(&south);
    assert_eq!(links(&south), ["3", "2.withdrawn", "1"].map(path));
    assert_eq!((&again[1], &again[2]), (&ended[0], &first[0]));
    // Narrower by the recall's time: it is told the end once, not what the recall says.
    correct(&mut centre, &b, &narrow);
    act(&centre.person("supervisor"), &b, "recalls", json!({"why": "it was wrong"})).ok(200);
    assert_eq!(links(&south), ["4.withdrawn", "2.withdrawn"].map(path));
    let cancel = decoded(&centre, &south.get(&path("4.withdrawn")).body, &pem);
    assert!(["1", "2", "3"].iter().all(|v| cancel["references"].to_string().contains(&of(v))), "{cancel}");

    // The record has whom it was said to, and that it was the end and not the version.
    let log =
        centre.person("auditor").get(&format!("/api/v1/notices/{}/export?format=jsonl", text(&b, "/notice"))).text();
    let lines: Vec<Value> = log.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let given: BTreeSet<(u64, bool)> = lines
        .iter()
        .filter(|l| l["type"] == "partner" && l["agency"] == "south")
        .map(|l| (l["version"].as_u64().unwrap(), l["withdrawal"].as_bool().unwrap()))
        .collect();
    assert_eq!(given, [(1, false), (2, true), (4, true)].into(), "it fetched no more than that");
    assert_eq!((&lines.last().unwrap()["partners"], &lines.last().unwrap()["withdrawals"]), (&json!(1), &json!(2)));
    assert!(centre.terminate().status.success());
    centre.start_again();
    assert!(south.get(&path("2.withdrawn")).body == xml, "other bytes after a restart");
}

#[test]
fn a_partners_token_opens_nothing_else_is_rotated_with_overlap_and_shut_out_when_revoked() {
    let mut centre = Centre::start();
    let [integrator, auditor] = ["integrator", "auditor"].map(|p| centre.person(p));
    let document = centre.anybody().see("/api/v1/openapi.json");
    let green = json!({"tlp": "TLP:GREEN", "owner": null, "releasable_to": []});
    let b = issue(&mut centre, &marked("For all", &green));
    let alert = format!("/cap/alerts/{}.1.xml", text(&b, "/notice"));
    for (body, expect) in [
        (json!({"id": id(), "name": "x", "agency": "nowhere"}), "no agency 'nowhere'"),
        (json!({"id": id(), "name": "", "agency": "south"}), "name"),
        (json!({"id": id(), "name": "x", "agency": "south", "until": "2020-01-01T00:00:00Z"}), "until"),
    ] {
        let problem = integrator.post("/api/v1/partners", &body).problem(422, "invalid");
        assert!(text(&problem, "/detail").contains(expect), "{problem}");
    }
    let (old, one) = partner(&centre, &integrator, "south");
    let (_, two) = partner(&centre, &integrator, "south");
    for client in [&one, &two] {
        assert_eq!((client.get("/cap/feed.atom").status, client.get(&alert).status), (200, 200));
        // Nothing but that: neither pages of people nor lines of sensors.
        for path in
            ["/api/v1/me", "/api/v1/notices", "/api/v1/bulletins", "/api/v1/partners", "/api/v1/cap/certificates"]
        {
            client.get(path).problem(401, "signed_out");
        }
        client.send("POST", "/api/v1/observations", &[], b"{}").problem(401, "signed_out");
    }
    // Nor does anything else open it.
    let source = integrator.post("/api/v1/tokens", &json!({"id": id(), "name": "x", "source": "mast"})).ok(201);
    for other in [centre.anybody(), auditor.clone(), centre.anybody().with_token(text(&source, "/secret"))] {
        other.get("/cap/feed.atom").problem(401, "signed_out");
        other.get(&alert).problem(401, "signed_out");
    }

    integrator.send("DELETE", &format!("/api/v1/partners/{old}"), &[], b"").ok(204);
    one.get("/cap/feed.atom").problem(401, "signed_out");
    one.get(&alert).problem(401, "signed_out");
    assert_eq!(two.get(&alert).status, 200);
    integrator.send("DELETE", &format!("/api/v1/partners/{old}"), &[], b"").problem(404, "not_found");
    let list = auditor.see("/api/v1/partners");
    let found = problems(&document, named(&document, "PartnerTokenList"), &list);
    assert!(found.is_empty(), "{found:?}");
    let row = items(&list).iter().find(|t| t["id"] == json!(old)).unwrap().clone();
    assert_eq!((text(&row, "/standing"), text(&row, "/revoked_by")), ("revoked", "integrator"));
    let shown = auditor.see("/api/v1/cap/certificates");
    let found = problems(&document, named(&document, "CapCertificates"), &shown);
    assert!(found.is_empty(), "{found:?}");

    // By command as well; and revoked stays revoked.
    let run = |args: &[&str]| {
        let out = program().arg("cap").args(args).arg("--data").arg(centre.data()).output().unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap())
    };
    let (code, secret) = run(&["token", "north", "--name", "by command"]);
    assert_eq!(code, Some(0));
    let three = centre.anybody().with_token(secret.trim());
    assert_eq!(three.get("/cap/feed.atom").status, 200);
    let listed = run(&["partners"]).1;
    let line = listed.lines().find(|l| l.contains("'by command'")).unwrap().to_owned();
    let token = line.split_whitespace().find(|w| w.len() == 16).unwrap().to_owned();
    assert_eq!(run(&["revoke", &token]).0, Some(0));
    three.get("/cap/feed.atom").problem(401, "signed_out");
    assert!(centre.terminate().status.success());
    centre.start_again();
    three.get("/cap/feed.atom").problem(401, "signed_out");
    assert_eq!(two.get(&alert).status, 200);
    centre.terminate();
    let record: String = centre.export().iter().map(Value::to_string).collect();
    assert!(!record.contains(secret.trim()) && !centre.log().contains(secret.trim()), "a secret was kept");
    assert!(record.contains("partner_token_made") && record.contains("partner_token_revoked"));
}

#[test]
fn a_bulletin_of_an_exercise_leaves_as_an_exercise_and_by_another_key_than_the_live_ones() {
    let mut centre = Centre::start_with(Scene::new(), &["--exercise", "first-light"]);
    let (watch, chief) = (centre.first(), centre.person("sector-chief"));
    let (_, county) = partner(&centre, &watch, "county");
    let mut says = content("Unmanned aircraft");
    says["audience"] = json!([{"to": "unit", "unit": "picket-east"}]);
    says["marking"] = json!({"tlp": "TLP:GREEN", "releasable_to": []});
    let b = approve(&chief, &propose(&watch, &says));
    act(&chief, &b, "recalls", json!({"why": "over"})).ok(200);
    let shown = watch.see("/api/v1/cap/certificates");
    let pem = text(&shown, "/items/0/pem").to_owned();
    // (The exercise issues one of its own, too.)
    let all = entries(&county);
    assert_eq!(all.iter().filter(|e| e.link.contains(text(&b, "/notice"))).count(), 2, "{all:?}");
    for e in &all {
        assert!(e.title.starts_with("EXERCISE"), "{e:?}");
        let xml = county.get(&e.link).body;
        let m = decoded(&centre, &xml, &pem);
        assert_eq!((text(&m, "/status"), text(&m, "/signature/state")), ("Exercise", "verified"), "{m}");
        assert!(xmlsec1_takes(&centre, &xml, &pem));
    }
    assert!(county.get("/cap/feed.atom").text().contains("<title>EXERCISE first-light"));
    centre.terminate();
    centre.set_flags(&[]);
    centre.forget_first();
    centre.start_again();
    assert_ne!(certificate(&centre), pem);
}
