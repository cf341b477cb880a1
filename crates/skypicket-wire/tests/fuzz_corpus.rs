//! The checked-in corpora of the fuzz targets, replayed: what the fuzzer must never break holds of what it starts from.
//! A finding becomes a file there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    clippy::large_types_passed_by_value,
    unreachable_pub,
    reason = "a test fails by panicking; the checks are the fuzzer's"
)]

#[path = "../../../fuzz/src/lib.rs"]
mod checks;
mod made;

use skypicket_wire::{
    capture::{self, PcapWriter},
    remote_id::{BasicId, Location, Message, OperatorId, SelfId, System, ble},
};
use std::path::PathBuf;

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target)
}

#[test]
fn every_corpus_holds() {
    for (target, check) in checks::TARGETS {
        let files: Vec<_> = std::fs::read_dir(corpus(target)).unwrap().map(|f| f.unwrap().path()).collect();
        assert!(!files.is_empty(), "{target} has no corpus");
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            assert!(bytes.len() < 4_096, "{} is large for a corpus", file.display());
            let held = std::panic::catch_unwind(|| check(&bytes));
            assert!(held.is_ok(), "{} breaks {target}", file.display());
        }
    }
}

#[test]
#[ignore = "writes the corpora; run by hand when an encoder changes"]
fn make_the_corpora() {
    let write = |target: &str, name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(corpus(target)).unwrap();
        std::fs::write(corpus(target).join(name), bytes).unwrap();
    };
    let messages: [Message; 5] = [
        BasicId::of_text(BasicId::SERIAL, 2, made::SERIAL).into(),
        Location::UNKNOWN.with_position(31.76, -106.49).with_alt_geo_m(Some(1_200.0)).into(),
        SelfId::of_text("EXERCISE").into(),
        System::UNKNOWN.with_operator(31.7515, -106.49, None).with_unix_s(1_780_282_800).into(),
        OperatorId::of_text("EXE87astrdge12k8").into(),
    ];
    for m in &messages {
        let raw = m.encode();
        write("remote_id", &format!("message-{}", raw[0] >> 4), &[&[0], raw.as_slice()].concat());
    }
    let advertising = ble::encode(1, &messages[1].encode());
    write("remote_id", "advertising", &[&[6, 2, 1, 6], advertising.as_slice()].concat());
    // Of each made capture: a pack as each form takes it, and its first frames as each file format has them.
    let nth = |bytes: &[u8], n: usize| capture::elements(bytes).nth(n).unwrap().payload.into_owned();
    let bluetooth = made::bluetooth(272);
    for (form, payload) in [(1, nth(&bluetooth, 5)), (2, nth(&made::approach(), 0)), (7, nth(&made::approach(), 0))] {
        write("remote_id", &format!("pack-{form}"), &[&[form], payload.as_slice()].concat());
    }
    let beacon = capture::frames(&made::approach()).next().unwrap().data[10..].to_vec();
    write("remote_id", "beacon", &[&[4], beacon.as_slice()].concat());
    let first = |bytes: &[u8], n: usize| {
        let frame = capture::frames(bytes).nth(n).unwrap();
        let end = usize::try_from(frame.offset).unwrap();
        bytes[..end].to_vec()
    };
    let approach = first(&made::approach(), 2);
    write("capture", "wifi", &[&[3, 40], approach.as_slice()].concat());
    write("capture", "wifi-pcapng", &[&[200, 9], made::as_pcapng(&approach, true).as_slice()].concat());
    for (link_type, name) in made::BLUETOOTH {
        let few = first(&made::bluetooth(link_type), 7);
        write("capture", name.trim_end_matches(".pcap"), &[&[16, 200], few.as_slice()].concat());
    }
    let other = made::other_schemes();
    write("capture", "other-schemes", &[&[1, 1], first(&other, 3).as_slice()].concat());
    write("french_id", "all-fields", &nth(&other, 0));
    write("dji_droneid", "version-2", &nth(&other, 1));
    write("dji_droneid", "version-1", &nth(&other, 3));
    let mut nothing = PcapWriter::new();
    nothing.record(skypicket_model::Time::from_micros(0), &[]);
    write("capture", "empty-frame", &[&[0, 0], nothing.as_bytes()].concat());
}
