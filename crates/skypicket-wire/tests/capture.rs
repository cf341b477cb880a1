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
use skypicket_model::{Measurement, SourceId, Time, observation::IdKind};
use skypicket_wire::{
    capture::{self, Counts, LiveElements, MAX_BLOCK, PcapWriter, Reason},
    remote_id::{beacon, pack},
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

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../testdata/captures/approach.pcap")
}

#[test]
fn the_capture_in_the_repository_is_what_the_encoder_makes() {
    assert!(std::fs::read(file()).unwrap() == approach(), "run `cargo test -p skypicket-wire -- --ignored make_`");
}

#[test]
#[ignore = "writes testdata; run by hand when the encoder or the scenario changes"]
fn make_the_capture_in_the_repository() {
    std::fs::create_dir_all(file().parent().unwrap()).unwrap();
    std::fs::write(file(), approach()).unwrap();
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

/// Hostile input 18.
#[test]
fn a_frame_with_a_bad_checksum_is_counted_and_never_decoded() {
    let frame = beacon::encode(made::SRC, "", 0, &pack::encode(2, &[made_message()]).unwrap());
    let (lines, counts) = whole(&one(&radiotap_flags(0x50), &frame, frame.len()));
    assert_eq!((lines.len(), counts.frames, counts.crc_bad), (0, 1, 1));
    assert!(counts.refused.is_empty());
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
    assert_eq!((e.len(), e[0].clipped, e[0].decoded.is_ok()), (1, false, true));
    // A snapshot length cut the checksum away already: nothing more may be taken off.
    let cut = one(&radiotap_flags(0x10), &frame[..end], frame.len());
    assert!(capture::elements(&cut).next().unwrap().decoded.is_ok());
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

/// Hostile input 19: nothing here grows with the number of senders, reasons or refusals.
#[test]
fn a_flood_leaves_nothing_behind() {
    let mut live = LiveElements::new();
    live.push(PcapWriter::new().as_bytes(), &mut |_| {});
    let mut heard = 0;
    for n in 0..20_000u32 {
        let [a, b, c, d] = n.to_be_bytes();
        let mut one = PcapWriter::new();
        one.frame(Time::from_micros(1), -40, &beacon::encode([2, 0, a, b, c, d], "", d, &[0xF2, 25, 0]));
        one.frame(Time::from_micros(1), -40, &[]);
        live.push(&one.as_bytes()[24..], &mut |_| heard += 1);
    }
    assert_eq!((heard, live.kept(), live.counts().refused.len()), (20_000, 0, 1));
    assert_eq!(live.counts().first_refused.len(), Counts::FIRST);
    // Many link types cannot fill the table of reasons either.
    let mut counts = Counts::default();
    for link_type in 1_000..2_000 {
        let frame =
            capture::Frame { number: 1, time: None, link_type, original_len: 0, fcs_len: 0, offset: 0, data: &[] };
        capture::elements::in_frame(&frame, &mut counts, &mut |_| {});
    }
    assert!(counts.refused.len() <= 65, "{}", counts.refused.len());
    assert_eq!(counts.refused.values().sum::<u64>(), 1_000);
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

/// A short capture in one of six formats.
fn format(n: usize) -> Vec<u8> {
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
        n in 0usize..6,
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
