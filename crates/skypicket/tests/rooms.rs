//! Who may import whom: the table of docs/architecture.md, held against every crate's manifest.

use std::{collections::BTreeSet, fs, path::Path};

/// Each room and what it may import, beside well-kept libraries.
const MAY: &[(&str, &[&str])] = &[
    ("skypicket-model", &[]),
    ("skypicket-wire", &["model"]),
    ("skypicket-track", &["model"]),
    ("skypicket-warn", &["model"]),
    ("skypicket-dispatch", &["model"]),
    ("skypicket-desk", &["model"]),
    ("skypicket-record", &["model"]),
    ("skypicket-link", &["model", "wire"]),
    ("skypicket-sim", &["model", "wire", "track", "warn", "dispatch", "desk", "record"]),
    ("skypicket", &["model", "wire", "track", "warn", "dispatch", "desk", "record", "link", "sim"]),
];

/// Names of the rooms in the tables of a manifest whose header fits.
fn imports(manifest: &str, wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if let Some(header) = line.trim().strip_prefix('[') {
            inside = wanted(header.trim_end_matches(']'));
        } else if inside
            && let Some(name) = line.split(['=', '.', ' ']).next()
            && let Some(room) = name.strip_prefix("skypicket-")
        {
            found.insert(room.to_owned());
        }
    }
    found
}

#[test]
fn every_room_imports_only_what_it_may() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(crates).unwrap() {
        let dir = entry.unwrap().path();
        let name = dir.file_name().unwrap().to_str().unwrap().to_owned();
        let may: BTreeSet<String> = MAY
            .iter()
            .find(|(n, _)| *n == name)
            .unwrap_or_else(|| panic!("crate {name} is not in the table of rooms"))
            .1
            .iter()
            .map(|s| (*s).to_owned())
            .collect();
        let manifest = fs::read_to_string(dir.join("Cargo.toml")).unwrap();
        let has = imports(&manifest, |h| h.ends_with("dependencies") && !h.contains("dev-"));
        let extra: Vec<_> = has.difference(&may).collect();
        assert!(extra.is_empty(), "{name} imports {extra:?}, which it may not");
        seen.insert(name);
    }
    assert_eq!(seen.len(), MAY.len(), "a room of the table is missing");
}

#[test]
fn the_engines_and_formats_read_no_clock_and_open_no_socket() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for room in ["model", "wire", "track", "warn", "dispatch", "desk"] {
        let mut files = vec![crates.join(format!("skypicket-{room}/src"))];
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for word in [
                "SystemTime::now",
                "Instant::now",
                "Timestamp::now",
                "Zoned::now",
                "std::net",
                "std::fs",
                "std::thread",
                "tokio::",
            ] {
                assert!(!text.contains(word), "{} uses {word}", path.display());
            }
        }
    }
}
