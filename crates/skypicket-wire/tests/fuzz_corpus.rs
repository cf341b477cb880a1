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
    feed::FeedFormat,
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
    let testdata = |name: &str| {
        std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/receivers").join(name)).unwrap()
    };
    let feed = |format: FeedFormat, name: &str, bytes: &[u8]| {
        let of =
            |(target, all): &(&'static str, &[FeedFormat])| Some((*target, all.iter().position(|f| *f == format)?));
        let (target, n) = checks::FEEDS.iter().find_map(of).unwrap();
        let n = u8::try_from(n).unwrap();
        write(target, name, &[&[n, 40], bytes].concat());
        write(target, &format!("{name}-whole"), &[&[n | 0x80, 0], bytes].concat());
    };
    let line =
        r#"{"t":1780282800.0,"lla":[31.76,-106.49,1200.0],"claims":{"serial":"1ABC"},"signal":{"rssi_dbm":-60.0}}"#;
    feed(FeedFormat::Lines, "position", format!("{line}\n").as_bytes());
    let line = r#"{"t":1780282800.0,"rae":{"from":[31.7,-106.4,1140],"range_m":850,"azimuth_deg":350.0,"elevation_deg":4.5,"sigma":[10,0.8,1.5]}}"#;
    feed(FeedFormat::Lines, "radar", format!("{line}\n").as_bytes());
    feed(FeedFormat::DroneScout, "dronescout", &testdata("dronescout.json"));
    feed(FeedFormat::AntSdr, "antsdr", &testdata("antsdr.bin"));
    feed(FeedFormat::Avr, "avr", &testdata("adsb.avr"));
    feed(FeedFormat::Beast, "beast", &testdata("adsb.beast"));
    let frames: Vec<u8> = testdata("mavlink.hex")
        .split(|b| *b == b'\n')
        .flat_map(|l| skypicket_wire::hex::decode(l, 280).unwrap())
        .collect();
    feed(FeedFormat::Mavlink, "mavlink", &frames);
    feed(FeedFormat::Sbs, "sbs", b"MSG,3,1,1,A1B2C3,1,,,,,,1000,,,31.75,-106.5,,,0,0,0,0\r\n");
    for (format, name, text) in [
        (
            FeedFormat::DragonSync,
            "dragonsync-list",
            r#"[{"Basic ID":{"id_type":"Serial Number (ANSI/CTA-2063-A)","id":"SKYP1","ua_type":2}},{"Location/Vector Message":{"latitude":336577004,"longitude":-1065000000,"geodetic_altitude":2152,"speed":"0.25 m/s","horizontal_accuracy":"<10 m"}}]"#,
        ),
        (
            FeedFormat::DragonSync,
            "dragonsync-mqtt",
            r#"{"id":"drone-SKYP1","lat":31.75,"lon":-106.5,"alt":65531.0,"pilot_lat":31.76,"pilot_lon":-106.49,"observed_at":1780282800.0,"seen_by":"kit"}"#,
        ),
        (
            FeedFormat::DroneCot,
            "dronecot",
            r#"{"t":1780282800.0,"mac":"fa:0b:bc:12:34:56","radio":"ble_coded","rssi":-68,"lat":31.75,"lon":-106.5,"alt":1200.5,"speed":8.25,"hdg":270,"id":"SKYP1"}"#,
        ),
        (
            FeedFormat::MeshMapper,
            "meshmapper",
            r#"{"mac":"aa","rssi":-81,"drone_lat":31.75,"drone_long":-106.5,"drone_altitude":118,"pilot_lat":31.76,"pilot_long":-106.49,"basic_id":"SKYP1"}"#,
        ),
        (
            FeedFormat::AircraftJson,
            "aircraft-json",
            r#"{"now":1780282800.0,"aircraft":[{"hex":"a1b2c3","lat":31.75,"lon":-106.5,"seen_pos":0.5,"alt_geom":4100,"gs":100,"track":90,"category":"B6","nac_p":9}]}"#,
        ),
        (
            FeedFormat::NetRid,
            "netrid",
            r#"{"flights":[{"id":"f1","aircraft_type":"Helicopter","current_state":{"timestamp":"2026-06-01T03:00:00Z","speed":5.25,"track":90,"position":{"lat":31.75,"lng":-106.5,"alt":1200.5,"accuracy_h":"HA10m"}}}]}"#,
        ),
    ] {
        feed(format, name, format!("{text}\n").as_bytes());
    }
    let mut nothing = PcapWriter::new();
    nothing.record(skypicket_model::Time::from_micros(0), &[]);
    write("capture", "empty-frame", &[&[0, 0], nothing.as_bytes()].concat());
}
