//! What must hold of each decoder, whatever bytes it is given: no panic, and the invariants below. The same functions are
//! fuzz targets here and replay the checked-in corpora in `crates/skypicket-wire/tests/fuzz_corpus.rs`.

use serde_json::Value;
use skypicket_model::{Measurement, Signal, SourceId, Time};
use skypicket_wire::{
    capture::{self, Content, Counts, LiveElements, MAX_BLOCK},
    dji_droneid::{self, DroneId},
    feed::{FeedFormat, Heard, Moment, Piece, open},
    french_id::{self, FrenchId},
    remote_id::{
        As, Decoded, Flags, Message, beacon, ble, decode_advertised, decode_line, decode_payload, gatherer, nan,
        observe, pack, text,
    },
};
use uuid::Uuid;

/// A target's check.
pub type Check = fn(&[u8]);

/// The targets, by the names of their corpora.
pub const TARGETS: &[(&str, Check)] = &[
    ("remote_id", remote_id),
    ("capture", capture),
    ("french_id", french_id),
    ("dji_droneid", dji_droneid),
    ("receivers", receivers),
    ("antsdr", antsdr),
    ("mavlink", mavlink),
    ("adsb", adsb),
    ("netrid", netrid),
    ("lines", lines),
];

/// The formats of each target of feeds.
pub const FEEDS: &[(&str, &[FeedFormat])] = &[
    ("receivers", RECEIVERS),
    ("antsdr", &[FeedFormat::AntSdr]),
    ("mavlink", &[FeedFormat::Mavlink]),
    ("adsb", ADSB),
    ("netrid", &[FeedFormat::NetRid]),
    ("lines", &[FeedFormat::Lines]),
];
const RECEIVERS: &[FeedFormat] = &[
    FeedFormat::Receivers,
    FeedFormat::DroneScout,
    FeedFormat::DragonSync,
    FeedFormat::DroneCot,
    FeedFormat::MeshMapper,
];
const ADSB: &[FeedFormat] = &[FeedFormat::AircraftJson, FeedFormat::Beast, FeedFormat::Avr, FeedFormat::Sbs];

/// JSON of receivers and gateways.
pub fn receivers(data: &[u8]) {
    feed(RECEIVERS, data);
}

/// AntSDR's frames.
pub fn antsdr(data: &[u8]) {
    feed(&[FeedFormat::AntSdr], data);
}

/// MAVLink.
pub fn mavlink(data: &[u8]) {
    feed(&[FeedFormat::Mavlink], data);
}

/// ADS-B in its four forms.
pub fn adsb(data: &[u8]) {
    feed(ADSB, data);
}

/// Network Remote ID.
pub fn netrid(data: &[u8]) {
    feed(&[FeedFormat::NetRid], data);
}

/// Observation lines.
pub fn lines(data: &[u8]) {
    feed(&[FeedFormat::Lines], data);
}

/// A feed, and the lines of `decode` over the same bytes; the first byte says which of the formats and whether the bytes are
/// a message or a stream, the second where a stream is cut.
fn feed(formats: &[FeedFormat], data: &[u8]) {
    let Some((&[form, cut], b)) = data.split_first_chunk::<2>() else { return };
    let format = formats[usize::from(form & 0x7F) % formats.len()];
    if form & 0x80 != 0 {
        heard(format, &[b], Piece::Whole);
    } else {
        let (first, second) = b.split_at(usize::from(cut).min(b.len()));
        let (cut, whole) = (heard(format, &[first, second], Piece::Stream), heard(format, &[b], Piece::Stream));
        assert_eq!(cut, whole, "a stream says the same wherever it is cut");
    }
    let mut line = |v: Value| assert!(v["ok"].is_boolean() && v["messages"].is_array() && v["flags"].is_array());
    match format {
        FeedFormat::Mavlink => line(skypicket_wire::mavlink::decode_line(&text::hex(b))),
        FeedFormat::AircraftJson | FeedFormat::Avr | FeedFormat::Sbs => {
            let mut lines = skypicket_wire::adsb::Lines::default();
            lines.push(b, &mut line);
            lines.finish(&mut line);
        }
        FeedFormat::Beast => line(skypicket_wire::adsb::decode_line(text::hex(b).as_bytes())),
        FeedFormat::AntSdr => {
            let mut lines = skypicket_wire::receivers::antsdr::Lines::default();
            lines.push(b, &mut line);
            lines.finish(&mut line);
        }
        FeedFormat::Lines => {}
        FeedFormat::NetRid => line(skypicket_wire::netrid::decode(b)),
        _ => {
            let mut lines = skypicket_wire::receivers::Lines::new(skypicket_wire::receivers::As::Auto);
            lines.push(b, &mut line);
            lines.finish(&mut line);
        }
    }
}

/// What a feed hears, as text; each observation is sound.
fn heard(format: FeedFormat, pieces: &[&[u8]], piece: Piece) -> Vec<String> {
    let source = SourceId::new("gate").expect("a source id");
    let now = Time::from_micros(1_780_282_800_250_000);
    let mut new_id = Uuid::nil;
    let mut at = Moment::new(&source, now, &mut new_id);
    let mut feed = open(format);
    let mut out = Vec::new();
    for p in pieces {
        feed.hear(p, piece, &mut at, &mut |h| {
            if let Heard::Observation { observation: o, .. } = &h {
                if let Some(p) = o.measurement.position() {
                    assert!(p.check().is_ok());
                }
                if let Measurement::Position { cov_enu_m2, .. } = &o.measurement {
                    assert!(cov_enu_m2.iter().flatten().all(|c| c.is_finite()) && cov_enu_m2[0][0] > 0.0);
                }
                assert!(o.claims.velocity_enu_mps.is_none_or(|v| v.iter().all(|v| v.is_finite())));
                assert!(o.observed_at <= o.received_at && o.flags.is_sorted());
            }
            out.push(format!("{h:?}"));
        });
    }
    out
}

/// Remote ID in all its forms; the first byte says which.
pub fn remote_id(data: &[u8]) {
    let Some((&form, b)) = data.split_first() else { return };
    match form % 8 {
        0 => {
            for raw in b.as_chunks::<25>().0 {
                if let Ok(m) = Message::decode_raw(raw) {
                    comes_back(&m);
                }
            }
        }
        1 => {
            let d = pack::decode(b);
            sound(&d, b.len());
            assert!(d.messages.len() <= pack::MAX_MEMBERS);
            // A value that is used again keeps nothing of what it held.
            let mut again = pack::decode(&[0xF2, 25, 1, 0x32, 1, 2, 3]);
            pack::decode_into(b, &mut again);
            assert_eq!(again, d);
            if !d.messages.is_empty() {
                let encoded = pack::encode(2, &d.messages.iter().collect::<Vec<_>>()).expect("one to nine messages");
                let back = pack::decode(&encoded);
                assert_eq!(back.messages.len(), d.messages.len());
                assert!(!back.flags.has(Flags::PACK_CLIPPED));
            }
            for set in gatherer::whole_sets(d.messages.iter()) {
                assert_eq!(set.data().len(), usize::from(set.first.length));
            }
        }
        2 => sound(&decode_payload(b), b.len()),
        3 => sound(&decode_advertised(b), b.len()),
        4 => {
            if let Ok(walk) = beacon::walk(b) {
                for e in walk {
                    assert_eq!(b.get(e.offset..e.offset + e.payload.len()), Some(e.payload));
                }
            }
        }
        5 => {
            if let Ok(Some(f)) = nan::find(b) {
                assert_eq!(b.get(f.offset..f.offset + f.payload.len()), Some(f.payload));
            }
            nan::sync_names_remote_id(b);
        }
        6 => {
            for f in ble::walk(b) {
                assert_eq!(b.get(f.offset..f.offset + f.payload.len()), Some(f.payload));
                sound(&decode_advertised(f.payload), f.payload.len());
            }
        }
        _ => {
            let d = decode_payload(b);
            let source = SourceId::new("rid").expect("a source id");
            let at = Time::from_micros(1_780_282_800_250_000);
            let o = observe::observe(&d, &source, at, Signal::default(), &mut Uuid::nil);
            if let Some(p) = o.and_then(|o| o.measurement.position()) {
                assert!(p.lat_deg.abs() <= 90.0 && p.lon_deg.abs() <= 180.0);
            }
            let line = decode_line(&text::hex(b.get(..3_000).unwrap_or(b)), As::Auto);
            assert_eq!(line["ok"].as_bool(), Some(line["error"].is_null()));
        }
    }
}

/// A message encodes to bytes that decode to itself, but for the reserved bits that it had.
fn comes_back(m: &Message) {
    let bytes = m.encode();
    let again = Message::decode_raw(&bytes).expect("what was decoded can be decoded again");
    assert_eq!(again.encode(), bytes);
    assert_eq!(again.flags().with(Flags::RESERVED_NONZERO), m.flags().with(Flags::RESERVED_NONZERO));
}

fn sound(d: &Decoded, len: usize) {
    assert!(d.error.is_none_or(|e| e.offset <= len));
    for m in d.messages.iter() {
        comes_back(&m);
    }
}

/// What is compared of an element.
type Known = (u64, Option<Time>, Option<u8>, Option<[u8; 6]>, bool, Vec<u8>, Content);

fn known(e: capture::Element<'_>) -> Known {
    (e.frame, e.time, e.counter, e.src, e.clipped, e.payload.into_owned(), e.content)
}

/// A capture: whole and in pieces it gives the same. The first two bytes say the pieces.
pub fn capture(data: &[u8]) {
    let Some((&[a, b], file)) = data.split_first_chunk::<2>() else { return };
    let mut elements = capture::elements(file);
    let whole: Vec<Known> = elements.by_ref().map(known).collect();
    let counts: Counts = elements.counts().clone();
    assert_eq!(counts.elements, whole.len() as u64);
    let mut live = LiveElements::new();
    let mut pieces: Vec<Known> = Vec::new();
    let mut rest = file;
    let sizes = [usize::from(a) + 1, usize::from(b) * 4 + 1];
    for size in sizes.iter().cycle() {
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        live.push(piece, &mut |e| pieces.push(known(e)));
        assert!(live.kept() <= MAX_BLOCK + (1 << 16));
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    live.finish(&mut |e| pieces.push(known(e)));
    assert_eq!(&counts, live.counts());
    assert_eq!(whole, pieces);
}

/// The French scheme, from the OUI on.
pub fn french_id(data: &[u8]) {
    let d = french_id::decode(data);
    assert!(d.error.is_none_or(|e| e.offset <= data.len()));
    let Some(m) = d.message else { return };
    let again = french_id::decode(&m.encode());
    assert_eq!(again.error, None);
    let plain = |m: FrenchId| FrenchId { flags: Flags::NONE, ..m };
    // A text is sent to its first NUL only.
    let cut = |m: FrenchId| FrenchId { ansi_id: m.ansi_id.map(text::zero_after_nul), ..plain(m) };
    assert_eq!(again.message.map(cut), Some(cut(m)));
    let seen = french_id::observe(&m);
    assert!(seen.measured.is_none_or(|(p, _)| p.alt_hae_m.is_none()));
    assert!(m.to_json()["flags"].is_array());
}

/// DJI DroneID, from the OUI on.
pub fn dji_droneid(data: &[u8]) {
    match DroneId::decode(data) {
        Err(e) => assert!(e.offset <= data.len()),
        Ok(m) => {
            let bytes = m.encode();
            let again = DroneId::decode(&bytes).expect("what was decoded can be decoded again");
            assert_eq!(again.encode(), bytes);
            let seen = dji_droneid::observe(&m);
            assert!(seen.measured.is_none_or(|(p, _)| p.lat_deg.abs() <= 90.0 && p.lon_deg.abs() <= 180.0));
            assert!(m.to_json()["flags"].is_array());
        }
    }
}
