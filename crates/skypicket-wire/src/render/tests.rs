//! All renderings of one bulletin beside each other: each has marking and number, none can be taken for another kind.

use super::{
    Edition::{self, Draft, InForce, Past},
    MOST_BY_STRANGERS, Sending, Words, cap, mail,
    package::{Parts, chat, data_package, file_name},
    pdf::{MISSING, Paper, pdf},
    plain, push,
    sheet::{
        SheetText,
        tests::{alert, in_exercise, read},
    },
    short, sms,
};
use crate::cap::Name;
use proptest::prelude::*;
use serde_json::{Value, json};
use skypicket_model::{Notice, PersonId, Tlp, people::Language};
use std::{
    io::{Cursor, Read as _, Write as _},
    process::{Command, Stdio},
};

const SENDING: Sending<'static> = Sending {
    link: Some("https://picket.example"),
    centre: "Skypicket, Sector",
    reminder: 0,
    may_repeat: false,
    zone: None,
};

fn words(n: &Notice, language: Language, edition: Edition) -> Words<'_> {
    Words { edition, ..Words::of(n, &PersonId::new("north-1").unwrap(), language, SENDING) }
}

/// What a tool of poppler says of a PDF.
fn poppler(tool: &str, arguments: &[&str], pdf: &[u8]) -> String {
    let mut child = Command::new(tool)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{tool} (Debian's poppler-utils; scripts/tools installs it): {e}"));
    let mut stdin = child.stdin.take().unwrap();
    // It reads all of it before it says anything, so that neither waits for the other.
    stdin.write_all(pdf).unwrap();
    drop(stdin);
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{tool}");
    // (Its list of tags writes some titles as they stand in the file, in UTF-16.)
    String::from_utf8_lossy(&out.stdout).into_owned()
}

fn made(n: &Notice, language: Language, edition: Edition, paper: Paper) -> Vec<u8> {
    let sheet = SheetText::of(n, language, edition, &skypicket_model::Zone::default()).unwrap();
    pdf(&sheet, paper, &format!("{}.{}", n.id, n.version)).unwrap()
}

/// Whether a text begins with the words of an exercise.
pub(super) fn exercise_words_first(text: &str) -> bool {
    text.starts_with("EXERCISE")
}

/// The text of each page.
fn pages(pdf: &[u8]) -> Vec<String> {
    let text = poppler("pdftotext", &["-layout", "-", "-"], pdf);
    text.split('\u{c}').map(str::to_owned).filter(|p| !p.trim().is_empty()).collect()
}

/// Every rendering as text, by name; a PDF by page, a data package by file.
fn all(n: &Notice, language: Language, edition: Edition) -> Vec<(String, String)> {
    let w = words(n, language, edition);
    let m = mail::mail(&w, MOST_BY_STRANGERS);
    let p = push::push(&w);
    let page = plain::plain(&w.handed_on(), Tlp::Red);
    let pdf = made(n, language, edition, Paper::A4);
    let sender = Name::new("skypicket.example").unwrap();
    let issuer = cap::Issuer { sender: &sender, name: "Sector", web: None };
    // Beginning with what a receiver shows first: the headline.
    let alert = cap::alert(n, [], edition, issuer).map(|a| {
        let info = a.info.iter().find(|i| i.language() == if language == Language::Es { "es" } else { "en" });
        format!("{}\n{}", info.unwrap().headline.as_deref().unwrap(), a.to_xml())
    });
    let zip = data_package(Parts { notice: n.id, version: n.version, name: "x", pdf: &pdf, text: &page }).unwrap();
    let mut out: Vec<(String, String)> = [
        ("page", page),
        ("mail subject", m.subject),
        ("mail body", m.body),
        ("push", format!("{}\n{}", p.title, p.body)),
        ("90 characters", short::short(&w)),
        ("360 characters", short::brief(&w)),
        ("sms of one part", sms::sms(&w, 1).text),
        ("sms of three parts", sms::sms(&w, 3).text),
        ("chat", chat(&w, Tlp::Red)),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .into();
    out.extend(alert.map(|a| ("alert".to_owned(), a)));
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    for k in 0..zip.len() {
        let mut file = zip.by_index(k).unwrap();
        let (name, mut bytes) = (file.name().to_owned(), Vec::new());
        std::io::copy(&mut file, &mut bytes).unwrap();
        if name == "x.pdf" {
            let pages = pages(&bytes);
            out.extend(pages.into_iter().enumerate().map(|(k, text)| (format!("pdf page {}", k + 1), text)));
        } else if name == "x.txt" {
            out.push(("text in the package".into(), String::from_utf8(bytes).unwrap()));
        }
    }
    out
}

/// Those that pass strangers' machines.
fn strangers(name: &str) -> bool {
    !["page", "chat", "alert", "text in the package"].contains(&name) && !name.starts_with("pdf")
}

const BOTH: [Language; 2] = [Language::En, Language::Es];

#[test]
fn renderings_are_as_they_were_looked_at() {
    for language in BOTH {
        for (kind, n, edition) in [
            ("live", read(alert()), InForce),
            ("exercise", in_exercise(alert()), InForce),
            ("draft", read(alert()), Draft),
        ] {
            // How poppler lays out a PDF's text differs by its version.
            let own = |name: &str| !name.starts_with("pdf") && !["text in the package", "alert"].contains(&name);
            let texts = all(&n, language, edition).into_iter().filter(|(name, _)| own(name));
            let texts: Vec<String> = texts.map(|(name, text)| format!("==== {name}\n{text}")).collect();
            let name = format!("{kind}_{}", if language == Language::Es { "es" } else { "en" });
            insta::assert_snapshot!(name, texts.join("\n"));
        }
    }
}

#[test]
fn every_rendering_carries_marking_and_number() {
    for language in BOTH {
        for edition in [InForce, Draft, Past] {
            for exercise in [false, true] {
                let n = if exercise { in_exercise(alert()) } else { read(alert()) };
                let number = match (edition == Draft, language, exercise) {
                    (true, Language::En, _) => "not issued",
                    (true, Language::Es, _) => "no emitido",
                    (false, _, false) => "OSA-2026-0001",
                    (false, _, true) => "EX-OSA-2026-0001",
                };
                for (name, text) in all(&n, language, edition) {
                    assert!(text.contains("TLP:GREEN"), "{name}: {text}");
                    assert!(text.contains(number), "{name}: {text}");
                }
            }
        }
    }
}

#[test]
fn an_exercise_or_a_draft_can_be_taken_for_nothing_else_in_any_rendering() {
    for language in BOTH {
        for edition in [InForce, Draft, Past] {
            for exercise in [false, true] {
                let n = if exercise { in_exercise(alert()) } else { read(alert()) };
                for (name, text) in all(&n, language, edition) {
                    let first = text.trim_start();
                    let says = |word: &str| text.contains(word);
                    if exercise {
                        assert!(first.starts_with("EXERCISE"), "{name}: {text}");
                    } else {
                        assert!(!says("EXERCISE") && !says("EJERCICIO") && !says("EX-"), "{name}: {text}");
                    }
                    if edition == Draft {
                        let front: String = first.chars().take(70).collect();
                        assert!(front.contains("DRAFT"), "{name}: {text}");
                        assert!(!says("47110") && !says("2026-0001"), "{name}: {text}");
                    } else {
                        assert!(!says("DRAFT") && !says("BORRADOR"), "{name}: {text}");
                    }
                    assert_eq!(says("NOT IN FORCE"), edition == Past, "{name}: {text}");
                    assert!(edition != Past || !says("47110"), "{name}: {text}");
                    // At the end too, wherever it is long enough to be read from there.
                    let long = ["page", "mail body", "text in the package"].contains(&name.as_str())
                        || name.starts_with("pdf");
                    let last = text.trim_end().lines().last().unwrap_or_default();
                    assert!(!long || !exercise || last.contains("EXERCISE"), "{name}: {text}");
                    assert!(!long || edition != Draft || last.contains("DRAFT"), "{name}: {text}");
                }
            }
        }
    }
}

#[test]
fn above_green_what_passes_strangers_says_only_to_open_skypicket() {
    for language in BOTH {
        for tlp in ["TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED"] {
            for state in ["issued", "updated", "recalled", "expired"] {
                let mut v = alert();
                v["marking"] = json!({"tlp": tlp});
                v["state"] = json!(state);
                let n = read(v);
                for (name, text) in all(&n, language, InForce).into_iter().filter(|(name, _)| strangers(name)) {
                    for secret in ["rone", "explosi", "OSA", "47110", "URGEN", "river", "río", "RECALLED", "RETIRADO"]
                    {
                        assert!(!text.contains(secret), "{name} says {secret}: {text}");
                    }
                    assert!(text.contains("Skypicket") && text.contains(tlp), "{name}: {text}");
                }
            }
        }
    }
}

/// As long as the desk lets a bulletin be.
fn longest() -> Value {
    let mut v = alert();
    let long = |what: &str, n: usize| what.repeat(n / what.len());
    v["text"] = json!(long("Word and words, as many as there may be.\n", 4_000));
    v["marking"]["releasable_to"] = (0..60).map(|k| json!(format!("agency-of-the-county-{k:02}"))).collect();
    v["sheet"]["known"] =
        (0..20).map(|k| json!({"text": {"en": format!("{k} {}", long("known ", 990))}, "grade": {"reliability": "C", "credibility": 3}})).collect();
    v["sheet"]["not_known"] = (0..20).map(|k| json!({"en": format!("{k} {}", long("not known ", 990))})).collect();
    v["sheet"]["measures"] = (0..32)
        .map(|k| json!({"id": format!("m-{k}"), "text": {"en": format!("{k} {}", long("measure ", 490))}}))
        .collect();
    v["title"] = json!(
        "A title that is as long as a title may be, of so many words that it takes two or three lines of the page to say."
    );
    v
}

#[test]
fn each_page_of_a_long_pdf_has_number_marking_page_and_exercise() {
    let mut v = longest();
    v["exercise"] = json!("first-light");
    let n = read(v);
    for paper in [Paper::A4, Paper::Letter] {
        let pages = pages(&made(&n, Language::En, InForce, paper));
        assert!(pages.len() > 15, "{}", pages.len());
        for (k, text) in pages.iter().enumerate() {
            let said = format!("page {} of {}", k + 1, pages.len());
            assert!(text.contains(&said), "{said}: {text}");
            assert_eq!(text.matches("TLP:GREEN").count(), if k == 0 { 3 } else { 2 }, "{text}");
            assert!(text.matches("OSA-2026-0001").count() >= 2, "{text}");
            // At the top, at the bottom and across.
            assert_eq!(text.matches("EXERCISE first-light").count(), 2, "{text}");
        }
        let whole = pages.join(" ");
        for last in ["31 measure", "19 not known", "agency-of-the-county-59", "Duty analyst"] {
            assert!(whole.contains(last), "{last}");
        }
    }
}

#[test]
fn a_pdf_is_tagged_titled_dated_and_has_its_fonts_in_it() {
    let bytes = made(&read(alert()), Language::Es, InForce, Paper::Letter);
    let info = poppler("pdfinfo", &["-"], &bytes);
    let has = |key: &str, value: &str| {
        let found = info.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':')).map(str::trim);
        assert_eq!(found, Some(value), "{info}");
    };
    has("Tagged", "yes");
    has("Title", "OSA-2026-0001 Uso autorizado de drones explosivos contra el personal [TLP:GREEN]");
    has("Subject", "TLP:GREEN, releasable to bp, fire, sheriff");
    has("Page size", "612 x 792 pts (letter)");
    let fonts = poppler("pdffonts", &["-"], &bytes);
    let rows: Vec<&str> = fonts.lines().skip(2).collect();
    assert_eq!(rows.len(), 2, "{fonts}");
    for row in rows {
        // Embedded, a subset, with a table back to Unicode.
        assert!(row.contains("NotoSans") && row.contains("yes yes yes"), "{row}");
    }
    let tree = poppler("pdfinfo", &["-struct-text", "-"], &bytes);
    let place = |what: &str| tree.find(what).unwrap_or_else(|| panic!("no {what} in {tree}"));
    // Reading order and roles: title, headings, lists with labels and bodies.
    let order =
        ["H1", "Uso autorizado", "H2", "Amenaza", "Lo que se sabe", "LI", "Lbl", "LBody", "Use chaleco", "Preguntas"];
    let places: Vec<usize> = order.iter().map(|w| place(w)).collect();
    assert!(places.is_sorted(), "{places:?} {tree}");
    // What stands on every page is not read on every page.
    assert!(!tree.contains("página 1 de 1"), "{tree}");
    assert!(String::from_utf8_lossy(&bytes).contains("/Lang(es)"));
}

#[test]
fn the_same_bulletin_gives_the_same_bytes() {
    let n = read(longest());
    assert!(made(&n, Language::En, InForce, Paper::A4) == made(&n, Language::En, InForce, Paper::A4));
    let parts = Parts { notice: n.id, version: 1, name: "OSA-2026-0001", pdf: b"%PDF", text: "text" };
    assert!(data_package(parts).unwrap() == data_package(parts).unwrap());
}

#[test]
fn letters_that_cannot_be_printed_are_replaced_and_said() {
    let mut v = alert();
    v["text"] = json!("Дрон здесь 🛸 无人机 a\u{202e}b ﬁn e\u{301}");
    let text = pages(&made(&read(v), Language::En, InForce, Paper::A4)).join("");
    assert!(text.contains("Дрон здесь") && text.contains(&MISSING.to_string()), "{text}");
    assert!(!text.contains('无') && text.contains("cannot be printed here"), "{text}");
    assert!(!pages(&made(&read(alert()), Language::En, InForce, Paper::A4)).join("").contains("cannot be printed"));
}

#[test]
fn a_package_holds_what_its_manifest_names_under_safe_names() {
    let n = read(alert());
    let name = "../OSA 2026/\"1";
    let parts = Parts { notice: n.id, version: 2, name, pdf: b"%PDF-1.7", text: "text" };
    let mut zip = zip::ZipArchive::new(Cursor::new(data_package(parts).unwrap())).unwrap();
    let mut manifest = String::new();
    zip.by_name("MANIFEST/manifest.xml").unwrap().read_to_string(&mut manifest).unwrap();
    let entries: Vec<&str> = manifest.split("zipEntry=\"").skip(1).map(|r| r.split('"').next().unwrap()).collect();
    assert_eq!(entries, ["OSA-2026--1.pdf", "OSA-2026--1.txt"]);
    for e in entries {
        assert!(zip.by_name(e).is_ok(), "{e}");
    }
    assert!(manifest.contains(&format!("name=\"uid\" value=\"{}\"", n.id)), "{manifest}");
    assert_eq!(file_name("..."), "bulletin");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn whatever_people_write_there_is_a_pdf(
        title in "\\PC{0,120}", text in "(?s).{0,600}", item in "\\PC{0,300}|[a-z]{300}", spanish in any::<bool>(), letter in any::<bool>(),
    ) {
        let mut v = alert();
        v["title"] = json!(title);
        v["text"] = json!(text);
        v["sheet"]["measures"][0]["text"]["en"] = json!(item);
        v["sheet"]["kind"]["en"] = json!(item);
        v["exercise"] = json!(title);
        let paper = if letter { Paper::Letter } else { Paper::A4 };
        let bytes = made(&read(v), if spanish { Language::Es } else { Language::En }, InForce, paper);
        prop_assert!(bytes.starts_with(b"%PDF-1.7") && bytes.len() < 2_000_000);
    }
}
