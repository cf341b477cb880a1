//! Captures: formats, damage, splits, hostile content; and the observations that come out.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says when it is skipped"
)]

mod made;

use made::{START_US, approach, as_pcap, as_pcapng};
use proptest::prelude::*;
use serde_json::json;
use skypicket_model::{Measurement, Observation, SourceId, Time, observation::IdKind};
use skypicket_wire::{
    capture::{self, Counts, LiveElements, MAX_BLOCK, PcapWriter, Reason, ble_link},
    remote_id::{beacon, ble, pack},
};
use std::path::PathBuf;
use uuid::Uuid;

/// Every element's line, and the counts.
fn whole(bytes: &[u8]) -> (Vec<String>, Counts) {
    let mut elements = capture::elements(bytes);
    let lines = elements.by_ref().map(|e| e.to_json().to_string()).collect();
    (lines, elements.counts().clone())
}

/// The same, pushed in pieces of these sizes, repeated.
fn in_pieces(bytes: &[u8], sizes: &[usize]) -> (Vec<String>, Counts) {
    let mut live = LiveElements::new();
    let mut lines = Vec::new();
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        live.push(piece, &mut |e| lines.push(e.to_json().to_string()));
        assert!(live.kept() <= MAX_BLOCK + (1 << 16));
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    live.finish(&mut |e| lines.push(e.to_json().to_string()));
    (lines, live.counts().clone())
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/captures").join(name)
}

/// The captures in the repository, as the encoders make them.
fn all_made() -> Vec<(&'static str, Vec<u8>)> {
    let mut all = vec![("approach.pcap", approach()), ("other-schemes.pcap", made::other_schemes())];
    all.extend(made::BLUETOOTH.map(|(link_type, name)| (name, made::bluetooth(link_type))));
    all
}

#[test]
fn the_captures_in_the_repository_are_what_the_encoders_make() {
    for (name, bytes) in all_made() {
        let there = std::fs::read(file(name)).unwrap();
        assert!(there == bytes, "{name}: run `cargo test -p skypicket-wire -- --ignored make_`");
    }
}

#[test]
#[ignore = "writes testdata; run by hand when an encoder or a scenario changes"]
fn make_the_captures_in_the_repository() {
    std::fs::create_dir_all(file("")).unwrap();
    for (name, bytes) in all_made() {
        std::fs::write(file(name), bytes).unwrap();
    }
}

/// The observations of a capture, in order.
fn observations(bytes: &[u8]) -> Vec<Observation> {
    let source = SourceId::new("rid-1").unwrap();
    let elements = capture::elements(bytes);
    elements.filter_map(|e| e.observe(&source, e.time.unwrap(), None, &mut Uuid::nil)).collect()
}

#[test]
fn bluetooth_is_read_alike_behind_three_link_types() {
    let mut all = Vec::new();
    for (link_type, _) in made::BLUETOOTH {
        let bytes = made::bluetooth(link_type);
        let mut elements = capture::elements(&bytes);
        let mut lines: Vec<_> = elements.by_ref().map(|e| e.to_json()).collect();
        let counts = elements.counts();
        // Four legacy packets, the beginning of a chain and the whole of it; the bad one is dropped.
        assert_eq!((counts.frames, counts.elements, counts.crc_bad), (70, 60, 10), "{link_type}");
        assert!(counts.refused.is_empty());
        for l in &mut lines {
            let heard = l.as_object_mut().unwrap().remove("rssi_dbm").unwrap();
            assert_eq!(heard.is_null(), link_type == 251);
        }
        all.push(lines);
    }
    assert!(all[0] == all[1] && all[1] == all[2]);
    let legacy = &all[0][1];
    assert_eq!((&legacy["transport"], &legacy["src"]), (&json!("ble_legacy"), &json!("02:53:4b:59:00:01")));
    assert_eq!((&legacy["messages"][0]["msg"], &legacy["counter"]), (&json!("location"), &json!(0)));
}

#[test]
fn a_chain_is_salvaged_at_its_beginning_and_whole_at_its_end() {
    let bytes = made::bluetooth(272);
    let lines: Vec<_> = capture::elements(&bytes).map(|e| e.to_json()).collect();
    let (begun, whole) = (&lines[4], &lines[5]);
    assert_eq!((&begun["frame"], &whole["frame"]), (&json!(5), &json!(6)));
    assert_eq!((&begun["transport"], &whole["src"]), (&json!("ble_ext"), &json!("02:53:4b:59:00:02")));
    assert_eq!((&begun["ok"], begun["messages"].as_array().unwrap().len()), (&json!(false), 5));
    assert_eq!(begun["flags"], json!(["pack_clipped", "chain_incomplete"]));
    assert_eq!((&whole["ok"], &whole["clipped"], &whole["flags"]), (&json!(true), &json!(false), &json!([])));
    assert_eq!((whole["messages"].as_array().unwrap().len(), whole["auth_sets"][0]["length"].as_u64()), (9, Some(80)));
    let o = observations(&bytes);
    assert_eq!((o[4].claims.auth_types.as_slice(), o[5].claims.auth_types.as_slice()), (&[][..], &[1][..]));
    assert_eq!(o[5].signal.transport.as_deref(), Some("ble_extended"));
    assert!(!o[5].flags.contains(&"auth_time_implausible".to_owned()));
}

#[test]
fn what_was_whole_in_the_first_packet_of_a_chain_comes_once() {
    let at = Time::from_micros(START_US);
    let one = ble::encode(7, &pack::encode(2, &[made_message()]).unwrap());
    let other = ble::encode(8, &pack::encode(2, &[made_message(), made_message()]).unwrap());
    let mut out = PcapWriter::of_link_type(251);
    out.record(at, &ble_link::encode_extended(Some(made::SRC), 5, Some(3), false, &one));
    out.record(at, &ble_link::encode_extended(None, 5, Some(4), false, &other[..20]));
    out.record(at, &ble_link::encode_extended(None, 5, None, false, &other[20..]));
    let heard: Vec<_> = capture::elements(out.as_bytes()).map(|e| (e.frame, e.counter, e.is_ok(), e.src)).collect();
    // The second is begun in one packet and whole in the next.
    let src = Some(made::SRC);
    assert_eq!(heard[0], (1, Some(7), true, src));
    assert_eq!(heard[1..].iter().map(|h| (h.0, h.1)).collect::<Vec<_>>(), [(2, Some(8)), (3, Some(8))]);
    assert!(heard[2].3 == src);
}

#[test]
fn a_chain_whose_middle_was_not_heard_or_that_comes_late_is_not_joined() {
    let bytes = made::bluetooth(251);
    let records: Vec<_> = capture::frames(&bytes).map(|f| (f.time.unwrap(), f.data.to_vec())).collect();
    for late_s in [0, 3] {
        let mut out = PcapWriter::of_link_type(251);
        out.record(records[4].0, &records[4].1);
        let later = Time::from_micros(records[5].0.as_micros() + late_s * 1_000_000);
        out.record(later, &records[5].1);
        let whole = capture::elements(out.as_bytes()).filter(capture::Element::is_ok).count();
        assert_eq!(whole, usize::from(late_s == 0));
    }
    let mut end_only = PcapWriter::of_link_type(251);
    end_only.record(records[5].0, &records[5].1);
    assert_eq!(capture::elements(end_only.as_bytes()).filter(capture::Element::is_ok).count(), 0);
}

#[test]
fn the_other_schemes_make_observations_of_what_they_may() {
    let bytes = made::other_schemes();
    let (lines, counts) = whole(&bytes);
    assert_eq!((lines.len(), counts.elements), (20, 20));
    let o = observations(&bytes);
    for (n, pair) in o.chunks(2).enumerate() {
        let [french, dji] = pair else { panic!() };
        let truth = made::place_at(f64::from(u8::try_from(n).unwrap()));
        let at = french.measurement.position().unwrap();
        // A step of its latitude is 1.1 m.
        assert!(truth.distance_and_bearing(at).0 < 0.8 && at.alt_hae_m.is_none());
        assert_eq!(french.claims.id(IdKind::Serial), Some("SKYPF1RSTL1GHT000001"));
        assert_eq!(french.signal.transport.as_deref(), Some("wifi_beacon"));
        let Measurement::Position { at, cov_enu_m2 } = &dji.measurement else { panic!("{dji:?}") };
        assert!(truth.distance_and_bearing(*at).0 < 0.5 && at.alt_hae_m.is_none());
        // The last three do not call their position valid.
        assert!((cov_enu_m2[0][0].sqrt() - if n < 7 { 15.0 } else { 100.0 }).abs() < 1e-9);
        assert_eq!(dji.flags.contains(&"position_not_valid".to_owned()), n >= 7);
        assert_eq!(dji.claims.id(IdKind::Serial), Some("SKYPICKETEXER001"));
        assert!((dji.claims.operator_at.unwrap().lat_deg - 31.7515).abs() < 1e-5);
        assert_eq!(dji.claims.status.as_deref(), Some("airborne"));
    }
}

#[test]
fn a_nan_synchronisation_beacon_is_a_presence_only_where_it_names_remote_id() {
    let frame = |services: &[u8]| {
        let length = u8::try_from(services.len()).unwrap();
        let content = [&[0x50, 0x6F, 0x9A, 0x13, 2, length, 0][..], services].concat();
        let mut out = PcapWriter::new();
        out.frame(Time::from_micros(START_US), -50, &beacon::encode_element(made::SRC, "", &content));
        out.as_bytes().to_vec()
    };
    let remote_id = frame(&[0x88, 0x69, 0x19, 0x9D, 0x92, 0x09]);
    let o = observations(&remote_id);
    assert!(matches!(o[0].measurement, Measurement::Presence { .. }));
    assert_eq!((o.len(), o[0].flags.as_slice()), (1, ["nan_sync_only".to_owned()].as_slice()));
    let phone = frame(&[1, 2, 3, 4, 5, 6]);
    assert_eq!((whole(&phone).0.len(), observations(&phone).len()), (1, 0));
}

#[test]
fn every_format_gives_the_same_elements() {
    let pcap = approach();
    let (want, counts) = whole(&pcap);
    assert_eq!((want.len(), counts.frames, counts.elements), (180, 180, 180));
    assert!(counts.refused.is_empty());
    for other in [as_pcap(&pcap, true, false), as_pcap(&pcap, false, true), as_pcap(&pcap, true, true)] {
        assert_eq!(whole(&other), (want.clone(), counts.clone()));
    }
    for big in [false, true] {
        assert_eq!(whole(&as_pcapng(&pcap, big)), (want.clone(), counts.clone()));
    }
}

#[test]
fn the_observations_of_a_flight_are_where_it_flew() {
    let bytes = approach();
    let source = SourceId::new("rid-1").unwrap();
    let (mut n, mut named) = (0u128, 0);
    let mut id = || {
        n += 1;
        Uuid::from_u128(n)
    };
    for e in capture::elements(&bytes) {
        let t = e.time.unwrap();
        let o = e.observe(&source, t, None, &mut id).unwrap();
        let Measurement::Position { at, cov_enu_m2 } = &o.measurement else { panic!("{o:?}") };
        let s = Time::from_micros(START_US);
        // Tenths of a second are rounded down, so the claimed time may be up to 0.1 s early.
        let truth = made::place_at(t.since_s(s) - 0.4);
        assert!(truth.distance_and_bearing(*at).0 < 0.05, "{:?}", truth.distance_and_bearing(*at));
        assert!((at.alt_hae_m.unwrap() - truth.alt_hae_m.unwrap()).abs() <= 0.25);
        assert!(
            (cov_enu_m2[0][0].sqrt() - 3.0 / 2.45).abs() < 1e-9 && (cov_enu_m2[2][2].sqrt() - 3.0 / 1.96).abs() < 1e-9
        );
        let age = t.since_s(o.observed_at);
        assert!((0.4..0.51).contains(&age), "{age}");
        assert_eq!(o.claims.velocity_enu_mps.map(|v| v.map(|c| (c * 1e6).round() / 1e6)), Some([0.0, 12.0, 0.0]));
        assert!(o.flags.is_empty(), "{:?}", o.flags);
        named += usize::from(o.claims.id(IdKind::Serial) == Some(made::SERIAL));
        assert_eq!(o.signal.address.as_deref(), Some("02:53:4b:59:00:01"));
    }
    assert_eq!((n, named), (180, 60));
}

/// Byte offset of record `n` of a capture made by [`approach`].
fn record_at(bytes: &[u8], n: usize) -> usize {
    let mut at = 24;
    for _ in 0..n {
        at += 16 + u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
    }
    at
}

#[test]
fn a_hostile_record_length_costs_one_frame() {
    let mut bytes = approach();
    let at = record_at(&bytes, 50);
    for hostile in [0xFFFF_FFFFu32, 0x7FFF_FFFF, 300_000, 40_000] {
        bytes[at + 8..at + 12].copy_from_slice(&hostile.to_le_bytes());
        let (lines, counts) = whole(&bytes);
        assert_eq!((lines.len(), counts.frames), (179, 180), "{hostile}");
        assert_eq!(counts.first_refused[0].offset, at as u64);
        assert_eq!(counts.first_refused[0].reason, Reason::RecordLength);
    }
}

#[test]
fn a_file_cut_anywhere_gives_every_frame_before_the_cut() {
    let bytes = approach();
    for frames in [0, 1, 60] {
        let at = record_at(&bytes, frames);
        for cut in [at + 1, at + 15, at + 16, at + 80] {
            let (lines, counts) = whole(&bytes[..cut]);
            assert_eq!(lines.len(), frames);
            assert_eq!(counts.refused.get(&Reason::Truncated), Some(&1), "{cut}");
        }
        assert!(whole(&bytes[..at]).1.refused.is_empty());
    }
}

#[test]
fn garbage_between_pcapng_blocks_costs_no_frame() {
    let clean = as_pcapng(&approach(), false);
    let (want, _) = whole(&clean);
    // After the section header (28), interface (32) and unknown block (32) comes the first frame.
    for at in [28, 28 + 32, 28 + 32 + 32] {
        let mut bytes = clean.clone();
        bytes.splice(at..at, [0xDE, 0xAD, 0xBE, 0xEF, 0xFF, 0xFF, 0xFF]);
        let (lines, counts) = whole(&bytes);
        assert_eq!(lines.len(), want.len());
        assert_eq!(counts.refused.get(&Reason::BlockLength), Some(&1), "{at}");
    }
}

#[test]
fn a_hostile_block_length_costs_one_frame() {
    let clean = as_pcapng(&approach(), false);
    let first = 28 + 32 + 32;
    for hostile in [0u32, 3, 12, 13, 0xFFFF_FFFC, 0x0010_0000, 0x8000] {
        let mut bytes = clean.clone();
        bytes[first + 4..first + 8].copy_from_slice(&hostile.to_le_bytes());
        let (lines, counts) = whole(&bytes);
        assert_eq!((lines.len(), counts.frames), (179, 180), "{hostile:x}");
        assert_eq!(counts.first_refused[0].offset, first as u64);
    }
}

#[test]
fn a_frame_longer_than_its_block_or_on_no_interface_costs_only_itself() {
    let clean = as_pcapng(&approach(), false);
    let first = 28 + 32 + 32;
    for (field, reason) in [(20, Reason::FrameLength), (8, Reason::UnknownInterface)] {
        let mut bytes = clean.clone();
        bytes[first + field..first + field + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        let (lines, counts) = whole(&bytes);
        assert_eq!((lines.len(), counts.frames), (179, 180));
        assert_eq!(counts.refused.iter().collect::<Vec<_>>(), [(&reason, &1)]);
    }
}

#[test]
fn simple_packet_blocks_have_no_time() {
    let frame = beacon::encode(made::SRC, "", 7, &[0xF2, 25, 0]);
    let mut b = Vec::new();
    for (kind, body) in [
        (0x0A0D_0D0Au32, [0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0].into_iter().chain([0xFF; 8]).collect::<Vec<u8>>()),
        (1, vec![105, 0, 0, 0, 0, 0, 0, 0]),
        (3, [u32::try_from(frame.len()).unwrap().to_le_bytes().to_vec(), frame.clone()].concat()),
    ] {
        let mut body = body;
        body.resize(body.len().next_multiple_of(4), 0);
        let total = u32::try_from(body.len() + 12).unwrap().to_le_bytes();
        b.extend([kind.to_le_bytes().as_slice(), &total, &body, &total].concat());
    }
    let e: Vec<_> = capture::elements(&b).collect();
    assert_eq!((e.len(), e[0].time, e[0].counter, e[0].rssi_dbm), (1, None, Some(7), None));
    assert_eq!(e[0].to_json()["flags"], serde_json::json!(["pack_count_zero"]));
}

/// A capture of one frame, with its radiotap header given.
fn one(radiotap: &[u8], frame: &[u8], original: usize) -> Vec<u8> {
    let mut b = PcapWriter::new().as_bytes().to_vec();
    for n in [1, 0, radiotap.len() + frame.len(), radiotap.len() + original] {
        b.extend(u32::try_from(n).unwrap().to_le_bytes());
    }
    b.extend(radiotap);
    b.extend(frame);
    b
}

/// Radiotap with only its flags field.
fn radiotap_flags(f: u8) -> Vec<u8> {
    vec![0, 0, 9, 0, 2, 0, 0, 0, f]
}

fn made_message() -> skypicket_wire::remote_id::Message {
    skypicket_wire::remote_id::SelfId::of_text("hello").into()
}

#[test]
fn the_frame_check_sequence_is_no_element() {
    // These four bytes would be an empty DJI element if walked.
    let mut frame = beacon::encode(made::SRC, "", 0, &pack::encode(2, &[made_message()]).unwrap());
    let end = frame.len();
    frame.extend([0xDD, 2, 0x26, 0x37]);
    let mut elements = capture::elements(&[]);
    assert!(elements.next().is_none());
    let with = one(&radiotap_flags(0x10), &frame, frame.len());
    let e: Vec<_> = capture::elements(&with).collect();
    assert_eq!((e.len(), e[0].clipped, e[0].is_ok()), (1, false, true));
    // A snapshot length cut the checksum away already: nothing more may be taken off.
    let cut = one(&radiotap_flags(0x10), &frame[..end], frame.len());
    assert!(capture::elements(&cut).next().unwrap().is_ok());
}

#[test]
fn an_element_cut_by_the_snapshot_length_is_salvaged() {
    let messages = [made_message(), made_message()];
    let frame = beacon::encode(made::SRC, "", 0, &pack::encode(2, &messages).unwrap());
    let bytes = one(&radiotap_flags(0), &frame[..frame.len() - 3], frame.len());
    let e: Vec<_> = capture::elements(&bytes).collect();
    assert!(e[0].clipped);
    let json = e[0].to_json();
    assert_eq!((&json["ok"], json["messages"].as_array().unwrap().len()), (&false.into(), 1));
    assert_eq!(json["flags"], serde_json::json!(["pack_clipped"]));
}

#[test]
fn what_is_no_capture_is_refused_at_its_start() {
    for (bytes, reason) in [
        (b"PK\x03\x04 a zip file, say".to_vec(), Reason::NotACapture),
        (vec![0x34, 0xCD, 0xB2, 0xA1, 0, 0, 0, 0], Reason::ModifiedPcap),
        (vec![0xD4, 0xC3], Reason::NotACapture),
        ([&[0xD4, 0xC3, 0xB2, 0xA1, 9, 0][..], &[0; 40]].concat(), Reason::Version),
    ] {
        let (lines, counts) = whole(&bytes);
        assert!(lines.is_empty());
        assert_eq!(counts.first_refused.iter().map(|r| (r.reason, r.offset)).collect::<Vec<_>>(), [(reason, 0)]);
    }
    assert_eq!(whole(&[]), (Vec::new(), Counts::default()));
}

/// What a mutation does to a capture.
fn mutated(mut bytes: Vec<u8>, changes: &[(usize, u8)], cut: usize) -> Vec<u8> {
    for (at, b) in changes {
        let n = bytes.len();
        bytes[at % n] = *b;
    }
    let keep = bytes.len() - cut % bytes.len();
    bytes.truncate(keep);
    bytes
}

/// A short capture in one of six formats, or of one of four other contents.
fn format(n: usize) -> Vec<u8> {
    if let Some((link_type, _)) = n.checked_sub(6).and_then(|k| made::BLUETOOTH.get(k)) {
        let mut bytes = made::bluetooth(*link_type);
        let end = record_at(&bytes, 14);
        bytes.truncate(end);
        return bytes;
    }
    if n > 8 {
        return made::other_schemes();
    }
    let mut pcap = approach();
    let end = record_at(&pcap, 12);
    pcap.truncate(end);
    match n {
        0 | 1 => as_pcapng(&pcap, n == 1),
        n => as_pcap(&pcap, n & 1 == 0, n > 3),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_split_of_a_damaged_capture_gives_the_same(
        n in 0usize..10,
        changes in prop::collection::vec((any::<usize>(), any::<u8>()), 0..12),
        cut in 0usize..2_000,
        sizes in prop::collection::vec(1usize..700, 1..8),
    ) {
        let bytes = mutated(format(n), &changes, cut);
        prop_assert_eq!(whole(&bytes), in_pieces(&bytes, &sizes));
    }

    #[test]
    fn any_split_of_any_bytes_gives_the_same(
        n in 0usize..6,
        tail in prop::collection::vec(any::<u8>(), 0..600),
        sizes in prop::collection::vec(1usize..50, 1..8),
    ) {
        let mut bytes = format(n);
        bytes.truncate(70);
        bytes.extend(tail);
        prop_assert_eq!(whole(&bytes), in_pieces(&bytes, &sizes));
    }

    #[test]
    fn damage_in_one_frame_costs_at_most_that_frame(
        frame in 1usize..10, at in any::<prop::sample::Index>(), b in any::<u8>(),
    ) {
        // Only the frame's own bytes: the record header is the matter of other tests.
        let mut pcap = format(3);
        let big = as_pcap(&pcap, false, false).len();
        prop_assert_eq!(big, pcap.len());
        let start = 24 + (0..frame).fold(0, |o, _| o + 16 + u32::from_le_bytes(pcap[24 + o + 8..24 + o + 12].try_into().unwrap()) as usize);
        let len = u32::from_le_bytes(pcap[start + 8..start + 12].try_into().unwrap()) as usize;
        pcap[start + 16 + at.index(len)] = b;
        let (lines, counts) = whole(&pcap);
        prop_assert_eq!(counts.frames, 12);
        prop_assert!(lines.len() >= 11);
    }
}
