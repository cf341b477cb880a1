//! Hostile input by its number in the reference's list of twenty (spec/remote-id-trust.md, section 5), a test or more for
//! each; then what that list adds at its end. Not here: the half of 19 that the tracker answers, 20 (JSON) and MAVLink.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says when it is skipped"
)]

mod made;

use made::{SRC, approach, as_pcap, as_pcapng};
use serde_json::{Value, json};
use skypicket_model::{Measurement, Signal, SourceId, Time, observation::IdKind};
use skypicket_wire::{
    capture::{
        self, Assembly, Counts, LINK_BLE, LINK_BLE_PHDR, LINK_NORDIC_BLE, LiveElements, PcapWriter, Reason, ble_link,
    },
    dji_droneid, french_id,
    remote_id::{
        As, Authentication, BasicId, Decoded, ErrorKind, Flags, Gatherer, Location, Message, SelfId, System,
        authentication::FirstPage, beacon, ble, decode_line, observe, pack, text,
    },
};
use uuid::Uuid;

fn location() -> Location {
    Location { status: 2, ..Location::UNKNOWN }.with_position(31.76, -106.49).with_alt_geo_m(Some(1_200.0))
}

fn serial(s: &str) -> Message {
    BasicId::of_text(BasicId::SERIAL, 2, s).into()
}

fn packed(messages: &[Message]) -> Decoded {
    pack::decode(&pack::encode(2, messages).unwrap())
}

fn kind(d: &Decoded) -> Option<&'static str> {
    d.error.map(|e| e.kind.word())
}

fn line(bytes: &[u8], form: As) -> Value {
    decode_line(&text::hex(bytes), form)
}

fn seen(d: &Decoded, at: Time) -> Option<skypicket_model::Observation> {
    observe::observe(d, &SourceId::new("rid").unwrap(), at, Signal::default(), &mut || Uuid::from_u128(1))
}

#[test]
fn hostile_01_a_pack_of_0_to_2_bytes_is_short() {
    for n in 0..3 {
        let d = pack::decode(&[0xF2, 25, 1][..n]);
        assert_eq!(d.error, Some(ErrorKind::Short { need: 3, have: n }.at(n)));
    }
}

#[test]
fn hostile_02_a_pack_of_none_is_a_presence() {
    let d = pack::decode(&[0xF2, 25, 0, 1, 2, 3]);
    assert!(d.is_ok() && d.messages.is_empty());
    assert_eq!(d.flags, Flags::PACK_COUNT_ZERO);
    let o = seen(&d, Time::from_micros(0)).unwrap();
    assert!(matches!(o.measurement, Measurement::Presence { .. }));
    assert_eq!(o.flags, ["pack_count_zero"]);
}

#[test]
fn hostile_03_a_count_over_nine_is_refused_whole() {
    for count in 10..=255 {
        let mut b = vec![0xF2, 25, count];
        b.resize(3 + 25 * 12, 0);
        let d = pack::decode(&b);
        assert_eq!((d.error, d.messages.len()), (Some(ErrorKind::PackCount(count).at(2)), 0));
    }
}

#[test]
fn hostile_04_whole_members_of_a_clipped_pack_come_out() {
    let b = pack::encode(2, &[serial("A"), location().into(), SelfId::of_text("x").into()]).unwrap();
    for (cut, whole) in [(1, 2), (25, 2), (26, 1), (50, 1), (75, 0)] {
        let d = pack::decode(&b[..b.len() - cut]);
        assert_eq!(d.messages.len(), whole);
        assert!(d.flags.has(Flags::PACK_CLIPPED) && !d.is_ok());
        assert_eq!(d.error.unwrap().offset, b.len() - cut);
    }
}

#[test]
fn hostile_05_a_member_size_other_than_25_is_refused() {
    for size in (0..=255).filter(|s| *s != 25) {
        let mut b = vec![0xF2, size, 2];
        b.resize(600, 0);
        assert_eq!(pack::decode(&b).error, Some(ErrorKind::PackSize(size).at(1)));
    }
}

#[test]
fn hostile_06_a_pack_in_a_pack_is_passed_over() {
    let mut b = pack::encode(2, &[serial("A"), serial("B"), location().into()]).unwrap();
    b[28] = 0xF2;
    let d = pack::decode(&b);
    assert_eq!(d.messages.len(), 2);
    assert_eq!((d.error, d.flags), (Some(ErrorKind::NestedPack.at(28)), Flags::MEMBER_IS_PACK));
    assert_eq!(kind(&pack::decode_message(&[0xF2; 25])), Some("nested_pack"));
}

#[test]
fn hostile_07_a_reserved_type_is_passed_over() {
    for t in 6..15u8 {
        let mut b = pack::encode(2, &[serial("A"), serial("B"), location().into()]).unwrap();
        b[28] = t << 4 | 2;
        let d = pack::decode(&b);
        assert_eq!(d.messages.len(), 2);
        assert_eq!((d.error, d.flags), (Some(ErrorKind::ReservedType(t).at(28)), Flags::MEMBER_RESERVED));
        let lone = line(&b[28..53], As::Auto);
        assert_eq!((&lone["ok"], &lone["error"]["kind"]), (&json!(false), &json!("reserved_type")));
    }
}

#[test]
fn hostile_08_two_locations_or_systems_conflict_and_the_first_counts() {
    let other = location().with_position(40.0, -100.0);
    let d = packed(&[location().into(), other.into()]);
    assert_eq!((d.messages.len(), d.flags, kind(&d)), (2, Flags::CONFLICT_LOCATION, Some("conflict")));
    let o = seen(&d, Time::from_micros(0)).unwrap();
    assert!((o.measurement.position().unwrap().lat_deg - 31.76).abs() < 1e-9);
    assert!(o.flags.contains(&"conflict_location".to_owned()));
    let d = packed(&[System::UNKNOWN.into(), System::UNKNOWN.with_unix_s(1_700_000_000).into()]);
    assert_eq!((d.messages.len(), d.flags, kind(&d)), (2, Flags::CONFLICT_SYSTEM, Some("conflict")));
}

#[test]
fn hostile_09_basic_ids_that_contradict_each_other_are_kept_and_flagged() {
    let caa = BasicId::of_text(BasicId::CAA, 2, "US.X").into();
    assert_eq!(packed(&[serial("A"), caa]).flags, Flags::NONE);
    assert_eq!(packed(&[serial("A"), serial("A")]).flags, Flags::NONE);
    assert_eq!(packed(&[serial("A"), serial("B")]).flags, Flags::CONFLICT_BASIC_ID);
    let d = packed(&[serial("A"), serial("B"), caa, serial("C"), serial("D")]);
    assert_eq!((d.messages.len(), d.flags), (5, Flags::CONFLICT_BASIC_ID));
    assert_eq!(seen(&d, Time::from_micros(0)).unwrap().claims.ids.len(), 5);
}

#[test]
fn hostile_10_an_impossible_position_costs_only_the_position() {
    for (lat, lon, flag) in [
        (i32::MIN, 0, Flags::LAT_OUT_OF_RANGE),
        (900_000_001, 5, Flags::LAT_OUT_OF_RANGE),
        (5, 1_800_000_001, Flags::LON_OUT_OF_RANGE),
        (5, i32::MIN, Flags::LON_OUT_OF_RANGE),
    ] {
        let l = Location::decode(&Location { lat_e7: lat, lon_e7: lon, ..location() }.encode());
        assert_eq!((l.position(), l.flags, l.alt_geo_m()), (None, flag, Some(1_200.0)));
    }
    let edge = Location { lat_e7: 900_000_000, lon_e7: -1_800_000_000, ..location() };
    assert_eq!(Location::decode(&edge.encode()).position(), Some((90.0, -180.0)));
}

#[test]
fn hostile_11_directions_beyond_a_circle_are_unknown() {
    for raw in 0..=255u8 {
        for west in [false, true] {
            let l = Location::decode(&Location { direction_raw: raw, west, ..location() }.encode());
            let degrees = u16::from(raw) + if west { 180 } else { 0 };
            assert_eq!(l.direction_deg(), (degrees < 360).then_some(degrees));
            assert_eq!(l.flags.has(Flags::DIRECTION_OUT_OF_RANGE), degrees > 359 && degrees != 361);
            assert_eq!(l.flags.has(Flags::DIRECTION_NONCANONICAL), raw >= 180 && !west);
        }
    }
}

#[test]
fn hostile_12_an_impossible_time_falls_back_to_the_receipt() {
    let now = Time::from_unix_s(1_700_000_000.0).unwrap();
    for ts_raw in [36_001, 50_000, 65_534] {
        let l = Location { ts_raw, ..location() };
        let d = packed(&[l.into()]);
        let o = seen(&d, now).unwrap();
        assert_eq!((o.observed_at, o.claims.claimed_at), (now, None));
        assert!(o.flags.contains(&"ts_out_of_range".to_owned()));
    }
}

#[test]
fn hostile_13_impossible_vertical_speeds_are_unknown() {
    for raw in i8::MIN..=i8::MAX {
        let l = Location::decode(&Location { speed_v_raw: raw, ..location() }.encode());
        let possible = (-124..=124).contains(&raw);
        assert_eq!(l.speed_v_mps().is_some(), possible);
        assert_eq!(l.flags.has(Flags::SPEED_V_OUT_OF_RANGE), !possible && raw != 126);
    }
}

#[test]
fn hostile_14_hostile_text_is_escaped_in_claims() {
    let d = packed(&[
        serial("=1+\"<b>\x1b\u{7f}"),
        SelfId { desc: *b"\xE2\x80\xAE txt.exe\0\0\0\0\0\0\0\0\0\0\0\0", ..SelfId::of_text("") }.into(),
    ]);
    let o = seen(&d, Time::from_micros(0)).unwrap();
    assert_eq!(o.claims.id(IdKind::Serial), Some("=1+\"<b>\\x1b\\x7f"));
    assert_eq!(o.claims.text.as_deref(), Some("\\xe2\\x80\\xae txt.exe"));
}

#[test]
fn hostile_15_authentication_lengths_that_cannot_be_are_refused() {
    let page = |last, length| {
        let first = Some(FirstPage { last_page_index: last, length, timestamp_2019_s: 1 });
        Message::from(Authentication { version: 2, auth_type: 1, page: 0, first, data: [0; 23], flags: Flags::NONE })
    };
    let later = |p| {
        Message::from(Authentication {
            version: 2,
            auth_type: 1,
            page: p,
            first: None,
            data: [9; 23],
            flags: Flags::NONE,
        })
    };
    for (last, length, offset) in [(16, 10, 2), (255, 255, 2), (0, 18, 3), (1, 41, 3), (10, 248, 3)] {
        assert_eq!(Message::decode(&page(last, length).encode()).unwrap_err().offset, offset);
        let d = packed(&[page(last, length), location().into()]);
        assert_eq!((d.messages.len(), d.flags), (1, Flags::AUTH_PAGE_REFUSED));
    }
    assert!(packed(&[page(10, 247), later(1), later(10)]).flags.is_empty());
    assert_eq!(packed(&[page(1, 40), later(2)]).flags, Flags::AUTH_ORPHAN_PAGE);
    assert_eq!(packed(&[later(2)]).flags, Flags::AUTH_ORPHAN_PAGE);
}

#[test]
fn hostile_16_extreme_timestamps_do_not_overflow() {
    let s = System { timestamp_2019_s: u32::MAX, ..System::UNKNOWN };
    assert_eq!(s.timestamp_unix_s(), Some(5_841_268_095));
    assert_eq!(System::UNKNOWN.timestamp_unix_s(), None);
    assert_eq!(Message::from(System::UNKNOWN).to_json()["timestamp_unix_s"], Value::Null);
}

#[test]
fn hostile_17_an_element_past_the_end_stops_the_walk_and_what_was_whole_stays() {
    let payload = pack::encode(2, &[serial("A"), serial("B")]).unwrap();
    let frame = beacon::encode([2; 6], "ssid", 9, &payload);
    // The element says 255 bytes, or is cut.
    let mut long = frame.clone();
    let len_at = frame.len() - payload.len() - 6;
    long[len_at] = 255;
    let l = line(&long, As::Beacon);
    assert_eq!((&l["ok"], &l["flags"]), (&json!(true), &json!(["conflict_basic_id", "element_clipped"])));
    let l = line(&frame[..frame.len() - 1], As::Beacon);
    assert_eq!((&l["ok"], l["messages"].as_array().unwrap().len()), (&json!(false), 1));
    // An element before it that runs over it hides it: nothing can be told.
    let mut hidden = frame.clone();
    hidden[37] = 255;
    let l = line(&hidden, As::Beacon);
    assert_eq!((&l["ok"], &l["messages"]), (&json!(true), &json!([])));
    for n in 0..frame.len() {
        let _ = line(&frame[..n], As::Beacon);
    }
}

/// A NAN frame with the attributes given.
fn nan_frame(attributes: &[u8]) -> Vec<u8> {
    let mut f = vec![0xD0, 0, 0, 0, 0x51, 0x6F, 0x9A, 1, 0, 0, 2, 2, 2, 2, 2, 2, 0x50, 0x6F, 0x9A, 1, 0, 0xFF, 0, 0];
    f.extend([0x04, 0x09, 0x50, 0x6F, 0x9A, 0x13]);
    f.extend(attributes);
    f
}

/// In NAN: attributes before and after, other control bits, lengths past the end.
#[test]
fn hostile_17_nan_attributes_are_walked() {
    let payload = pack::encode(2, &[serial("A"), location().into()]).unwrap();
    let attribute =
        |id: u8, content: &[u8]| [&[id][..], &u16::try_from(content.len()).unwrap().to_le_bytes(), content].concat();
    let info = [&[u8::try_from(payload.len() + 1).unwrap(), 42][..], &payload].concat();
    let service = [0x88, 0x69, 0x19, 0x9D, 0x92, 0x09, 1, 0];
    let plain = attribute(3, &[&service[..], &[0x10], &info].concat());
    let extension = attribute(0x0E, &[1, 0, 2, 42]);
    let filters = attribute(3, &[&service[..], &[0x5C, 7, 7, 2, 8, 8, 1, 9], &info].concat());
    for attributes in [
        [&plain[..], &extension].concat(),
        [&attribute(0x7F, &[1, 2, 3]), &extension[..], &plain].concat(),
        [&filters[..], &extension].concat(),
        [&plain[..], &extension, &[9, 0xFF, 0xFF, 1]].concat(),
    ] {
        let l = line(&nan_frame(&attributes), As::Auto);
        assert_eq!((&l["ok"], &l["flags"], &l["counters"]), (&json!(true), &json!([]), &json!([42])), "{l}");
        assert_eq!(l["messages"].as_array().unwrap().len(), 2);
    }
    let l = line(&nan_frame(&plain), As::Nan);
    assert_eq!((&l["ok"], &l["flags"]), (&json!(true), &json!(["nan_no_extension"])));
    // Cut within the pack: the whole member comes out.
    let l = line(&nan_frame(&plain[..plain.len() - 1]), As::Nan);
    assert_eq!((&l["ok"], l["messages"].as_array().unwrap().len()), (&json!(false), 1));
    // A length of 0xFFFF hides what follows.
    let l = line(&nan_frame(&[&[9, 0xFF, 0xFF][..], &plain].concat()), As::Nan);
    assert_eq!((&l["ok"], &l["messages"]), (&json!(true), &json!([])));
}

#[test]
fn hostile_17_advertising_structures_are_walked() {
    let message = serial("A").encode();
    let service = [&[30, 0x16, 0xFA, 0xFF, 0x0D, 7][..], &message].concat();
    for before in [&[][..], &[2, 1, 6], &[2, 1, 6, 2, 0x0A, 0xF4]] {
        let l = line(&[before, &service].concat(), As::Auto);
        assert_eq!((&l["ok"], &l["messages"][0]["uas_id"], &l["counters"]), (&json!(true), &json!("A"), &json!([7])));
    }
    for (before, clipped) in [(&[0][..], false), (&[200, 1][..], true)] {
        let l = line(&[before, &service].concat(), As::BleLegacy);
        assert_eq!((&l["ok"], &l["messages"]), (&json!(true), &json!([])));
        assert_eq!(l["flags"] == json!(["element_clipped"]), clipped);
    }
}

/// One frame of a link type as a whole capture.
fn one(link_type: u32, data: &[u8]) -> Vec<u8> {
    let mut out = PcapWriter::of_link_type(link_type);
    out.record(Time::from_micros(made::START_US), data);
    out.as_bytes().to_vec()
}

/// The elements' lines, and the counts.
fn elements(bytes: &[u8]) -> (Vec<Value>, Counts) {
    let mut elements = capture::elements(bytes);
    let lines = elements.by_ref().map(|e| e.to_json()).collect();
    (lines, elements.counts().clone())
}

/// Radiotap with only its flags field.
fn radiotap(flags: u8, frame: &[u8]) -> Vec<u8> {
    [&[0, 0, 9, 0, 2, 0, 0, 0, flags], frame].concat()
}

fn page(timestamp: u32, page: u8) -> Message {
    let first = (page == 0).then_some(FirstPage { last_page_index: 2, length: 60, timestamp_2019_s: timestamp });
    Message::from(Authentication { version: 2, auth_type: 1, page, first, data: [0; 23], flags: Flags::NONE })
}

#[test]
fn hostile_04_a_clipped_pack_is_salvaged_on_any_bearer() {
    let payload = pack::encode(2, &[serial("A"), location().into()]).unwrap();
    let structure = ble::encode(7, &payload);
    let cut = &structure[..structure.len() - 1];
    let wifi = beacon::encode(SRC, "", 7, &payload);
    let wifi = [&[0, 0, 8, 0, 0, 0, 0, 0], &wifi[..wifi.len() - 1]].concat();
    let extended = ble_link::encode_extended(Some(SRC), 1, None, false, cut);
    for bytes in [one(127, &wifi), one(LINK_BLE, &extended)] {
        let (lines, _) = elements(&bytes);
        assert_eq!((&lines[0]["ok"], lines[0]["messages"].as_array().unwrap().len()), (&json!(false), 1));
        assert_eq!((&lines[0]["clipped"], &lines[0]["flags"]), (&json!(true), &json!(["pack_clipped"])));
    }
    let l = line(cut, As::BleExtended);
    assert_eq!((&l["ok"], &l["flags"]), (&json!(false), &json!(["pack_clipped", "element_clipped"])));
}

#[test]
fn hostile_15_pages_of_two_sets_are_not_taken_for_one_and_are_forgotten() {
    let at = |s: i64| Time::from_micros(made::START_US + s * 1_000_000);
    let mut out = PcapWriter::new();
    let mut send = |s, m: Message| {
        out.frame(at(s), -60, &beacon::encode(SRC, "", 1, &pack::encode(2, &[location().into(), m]).unwrap()));
    };
    // Two pages of one set, then the first page of another: the old ones are gone.
    send(0, page(5, 0));
    send(1, page(5, 1));
    send(2, page(6, 0));
    send(3, page(6, 2));
    // Too late for the rest.
    send(14, page(6, 1));
    // A whole set, when the page before has expired as well.
    let now = u32::try_from(at(30).as_micros() / 1_000_000 - 1_546_300_800).unwrap();
    for p in [2, 0, 1] {
        send(30 + i64::from(p), page(now, p));
    }
    let rid = SourceId::new("rid").unwrap();
    let observe = |e: capture::Element<'_>| e.observe(&rid, e.time.unwrap(), None, &mut Uuid::nil).unwrap();
    let seen: Vec<_> = capture::elements(out.as_bytes()).map(observe).collect();
    let types: Vec<_> = seen.iter().map(|o| o.claims.auth_types.clone()).collect();
    let flags: Vec<_> = seen.into_iter().map(|o| o.flags).collect();
    assert!(types[..7].iter().all(Vec::is_empty), "{types:?}");
    assert_eq!(types[7], [1]);
    assert!(flags.iter().flatten().all(|f| f != "auth_time_implausible"), "{flags:?}");
}

#[test]
fn hostile_16_a_set_or_system_of_another_time_is_flagged() {
    let now = Time::from_micros(made::START_US);
    for stamp in [0, 1, u32::MAX] {
        let mut out = PcapWriter::new();
        let messages = [page(stamp, 0), page(stamp, 1), page(stamp, 2)];
        out.frame(now, -60, &beacon::encode(SRC, "", 1, &pack::encode(2, &messages).unwrap()));
        let e: Vec<_> = capture::elements(out.as_bytes()).collect();
        let o = e[0].observe(&SourceId::new("rid").unwrap(), now, None, &mut || Uuid::from_u128(1)).unwrap();
        assert_eq!(o.claims.auth_types, [1]);
        assert!(o.flags.contains(&"auth_time_implausible".to_owned()), "{stamp} {:?}", o.flags);
        let system = System { timestamp_2019_s: stamp, ..System::UNKNOWN };
        let o = seen(&packed(&[system.into()]), now).unwrap();
        assert_eq!(o.flags.contains(&"system_time_implausible".to_owned()), stamp != 0);
    }
}

#[test]
fn hostile_17_fields_of_the_other_schemes_past_the_end_keep_what_was_whole() {
    let french = [&french_id::START[..], &[1, 1, 1, 7, 2, 0, 60, 2, 0xFF, 0xFF]].concat();
    let l = line(&beacon::encode_element(SRC, "", &french), As::Auto);
    assert_eq!((&l["ok"], &l["messages"][0]["height_m"]), (&json!(false), &json!(60)));
    assert_eq!(l["error"]["kind"], "bad_length");
    let dji = [&dji_droneid::OUI[..], &[0x58, 0x62, 0x13, 0x10, 2, 0]].concat();
    let l = line(&beacon::encode_element(SRC, "", &dji), As::Auto);
    assert_eq!((&l["ok"], &l["messages"], &l["error"]["kind"]), (&json!(false), &json!([]), &json!("short")));
}

#[test]
fn hostile_18_a_frame_with_a_bad_checksum_is_counted_and_never_decoded() {
    let wifi = beacon::encode(SRC, "", 0, &pack::encode(2, &[serial("A")]).unwrap());
    let good = ble_link::encode_legacy(SRC, &ble::encode(0, &serial("A").encode()));
    let mut bad = good.clone();
    bad[30] ^= 4;
    for bytes in [
        one(127, &radiotap(0x50, &wifi)),
        one(LINK_BLE, &bad),
        one(LINK_BLE_PHDR, &ble_link::with_pseudo_header(&bad, 0, -60, false, None)),
        one(LINK_BLE_PHDR, &ble_link::with_pseudo_header(&good, 0, -60, false, Some(false))),
        one(LINK_NORDIC_BLE, &ble_link::with_nordic_header(&good, 37, -60, false, false)),
    ] {
        let (lines, counts) = elements(&bytes);
        assert_eq!((lines.len(), counts.frames, counts.crc_bad), (0, 1, 1));
        assert!(counts.refused.is_empty());
    }
}

/// The decoder's half: nothing here grows with the number of senders, reasons or refusals.
#[test]
fn hostile_19_a_flood_of_addresses_leaves_nothing_behind() {
    let (mut wifi, mut ble5) = (LiveElements::new(), LiveElements::new());
    wifi.push(PcapWriter::new().as_bytes(), &mut |_| {});
    ble5.push(PcapWriter::of_link_type(LINK_BLE).as_bytes(), &mut |_| {});
    let mut heard = 0;
    for n in 0..20_000u32 {
        let [a, b, c, d] = n.to_be_bytes();
        let src = [2, 0, a, b, c, d];
        let mut one = PcapWriter::new();
        one.frame(Time::from_micros(1), -40, &beacon::encode(src, "", d, &pack::encode(2, &[page(n, 1)]).unwrap()));
        one.frame(Time::from_micros(1), -40, &[]);
        wifi.push(&one.as_bytes()[24..], &mut |_| heard += 1);
        let mut one = PcapWriter::of_link_type(LINK_BLE);
        let adi = u16::from_le_bytes([c, d]);
        one.record(Time::from_micros(1), &ble_link::encode_extended(Some(src), adi, Some(3), false, &[200; 40]));
        ble5.push(&one.as_bytes()[24..], &mut |_| {});
    }
    assert_eq!((heard, wifi.kept(), wifi.counts().refused.len()), (20_000, 0, 1));
    assert_eq!(wifi.counts().first_refused.len(), Counts::FIRST);
    assert!(wifi.assembly().kept() <= Gatherer::MOST, "{}", wifi.assembly().kept());
    assert!(ble5.assembly().kept() <= 64, "{}", ble5.assembly().kept());
    // Many link types cannot fill the table of reasons either.
    let mut counts = Counts::default();
    for link_type in 1_000..2_000 {
        let frame =
            capture::Frame { number: 1, time: None, link_type, original_len: 0, fcs_len: 0, offset: 0, data: &[] };
        capture::elements::in_frame(&frame, &mut Assembly::new(), &mut counts, &mut |_| {});
    }
    assert!(counts.refused.len() <= 65, "{}", counts.refused.len());
    assert_eq!(counts.refused.values().sum::<u64>(), 1_000);
}

#[test]
fn also_a_snapshot_length_that_cuts_frames_salvages_what_is_whole() {
    let payload = pack::encode(2, &[serial("A"), location().into()]).unwrap();
    let frame = radiotap(0x10, &[beacon::encode(SRC, "", 0, &payload), vec![0; 4]].concat());
    // The check sequence is cut with the rest: no more than that may be taken off.
    for cut in [1, 4, 5, 29, 30] {
        let mut bytes = one(127, &frame[..frame.len() - cut]);
        bytes[36..40].copy_from_slice(&u32::try_from(frame.len()).unwrap().to_le_bytes());
        let (lines, counts) = elements(&bytes);
        let whole = if cut <= 4 { 2 } else { usize::from(cut <= 29) };
        assert_eq!(lines[0]["messages"].as_array().unwrap().len(), whole, "{cut}");
        assert_eq!((lines[0]["clipped"] == true, counts.refused.len()), (cut > 4, 0), "{cut}");
    }
}

#[test]
fn also_nanoseconds_the_other_byte_order_and_unknown_blocks_change_nothing() {
    let plain = approach();
    let want = elements(&plain);
    assert_eq!(want.0.len(), 180);
    for (big, nano) in [(true, false), (false, true), (true, true)] {
        assert_eq!(elements(&as_pcap(&plain, big, nano)), want);
    }
    for big in [false, true] {
        assert_eq!(elements(&as_pcapng(&plain, big)), want);
    }
}

#[test]
fn also_extended_radiotap_presence_and_check_sequence_are_passed_over() {
    let frame = beacon::encode(SRC, "", 3, &pack::encode(2, &[serial("A")]).unwrap());
    let mut header = vec![0, 0, 0, 0];
    header.extend((1u32 << 1 | 1 << 5 | 1 << 31).to_le_bytes());
    header.extend((1u32 << 5 | 1 << 11).to_le_bytes());
    header.extend([0x10, (-57i8).cast_unsigned(), (-61i8).cast_unsigned(), 1]);
    header[2] = u8::try_from(header.len()).unwrap();
    // These four bytes would be the start of an element if they were walked.
    let bytes = one(127, &[&header[..], &frame, &[0xDD, 0xFF, 0xFA, 0x0B]].concat());
    let (lines, _) = elements(&bytes);
    assert_eq!(
        (&lines[0]["rssi_dbm"], &lines[0]["clipped"], &lines[0]["ok"]),
        (&json!(-57), &json!(false), &json!(true))
    );
}

#[test]
fn also_a_counter_that_wraps_is_only_a_number() {
    let mut out = PcapWriter::new();
    for n in 250..260u32 {
        let [counter, ..] = n.to_le_bytes();
        let at = Time::from_micros(made::START_US + i64::from(n) * 100_000);
        out.frame(at, -60, &beacon::encode(SRC, "", counter, &pack::encode(2, &[location().into()]).unwrap()));
    }
    let (lines, _) = elements(out.as_bytes());
    let counters: Vec<_> = lines.iter().map(|l| l["counter"].as_u64().unwrap()).collect();
    assert_eq!(counters, [250, 251, 252, 253, 254, 255, 0, 1, 2, 3]);
    assert!(lines.iter().all(|l| l["ok"] == true && l["flags"] == json!([])));
}

#[test]
fn a_frame_that_is_no_advertising_is_no_refusal() {
    // A connection's packet, and a link type that is not built.
    let (lines, counts) = elements(&one(LINK_BLE, &[1, 2, 3, 4, 5, 6, 7, 8, 9]));
    assert_eq!((lines.len(), counts.refused.len()), (0, 0));
    let (_, counts) = elements(&one(1, &[0; 60]));
    assert_eq!(counts.first_refused[0].reason, Reason::LinkType(1));
}
