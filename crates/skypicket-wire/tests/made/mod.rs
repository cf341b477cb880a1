//! Captures made by this project with its own encoders.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "each test binary uses some of it; a test fails by panicking"
)]

use skypicket_model::{Enu, Place, Time};
use skypicket_wire::{
    capture::{LINK_BLE, LINK_BLE_PHDR, LINK_NORDIC_BLE, PcapWriter, ble_link},
    dji_droneid::{Angles, DroneId, FlightInfo, State, Version},
    french_id::FrenchId,
    remote_id::{
        Authentication, BasicId, Flags, Location, Message, OperatorId, SelfId, System, authentication::FirstPage,
        beacon, ble, pack,
    },
};

/// First frame of [`approach`]: 2026-06-01T03:00:00.25Z.
pub(crate) const START_US: i64 = 1_780_282_800_250_000;
/// Serial that [`approach`] claims: an exercise maker's code that nobody holds.
pub(crate) const SERIAL: &str = "SKYPF1RSTL1GHT000001";
/// Sender address of [`approach`], locally administered.
pub(crate) const SRC: [u8; 6] = [0x02, 0x53, 0x4B, 0x59, 0x00, 0x01];

/// Where [`approach`] is `s` seconds after its start: 12 m/s north towards 31.76 N 106.49 W from 900 m south.
pub(crate) fn place_at(s: f64) -> Place {
    let post = Place::new(31.76, -106.49, Some(1_140.0)).unwrap();
    Enu::at(post).to_place([40.0, -900.0 + 12.0 * s, 60.0])
}

/// The Location of the flight: 12 m/s north, 60 m above its take-off.
fn location_at(p: Place, at_us: i64) -> Location {
    Location { status: 2, ts_acc: 2, ..Location::UNKNOWN }
        .with_position(p.lat_deg, p.lon_deg)
        .with_alt_geo_m(p.alt_hae_m)
        .with_height_takeoff_m(Some(60.0))
        .with_ground_velocity(0.0, 12.0)
        .with_speed_v_mps(0.0)
        .with_accuracy_m(2.0, 2.5)
        .with_unix_micros(at_us)
}

/// A minute of one multirotor: three beacons a second, the identity in every third, position time 0.4 s old.
pub(crate) fn approach() -> Vec<u8> {
    let mut out = PcapWriter::new();
    for n in 0..180u8 {
        let us = START_US + i64::from(n) * 333_333;
        let at_us = us - 400_000;
        let s = f64::from(n) / 3.0;
        let p = place_at(s - 0.4);
        let location = location_at(p, at_us);
        let mut messages = vec![Message::from(location)];
        if n % 3 == 0 {
            messages.insert(0, BasicId::of_text(BasicId::SERIAL, 2, SERIAL).into());
            messages.push(SelfId::of_text("EXERCISE").into());
            messages.push(
                System::UNKNOWN.with_operator(31.7515, -106.49, Some(1_139.0)).with_unix_s(at_us / 1_000_000).into(),
            );
            messages.push(OperatorId::of_text("EXE87astrdge12k8").into());
        }
        let payload = pack::encode(2, &messages).unwrap();
        let rssi = -80 + i8::try_from(n / 6).unwrap();
        out.frame(Time::from_micros(us), rssi, &beacon::encode(SRC, "EXERCISE", n, &payload));
    }
    out.as_bytes().to_vec()
}

/// Bearers of [`bluetooth`], each with its file in the repository.
pub(crate) const BLUETOOTH: [(u32, &str); 3] =
    [(LINK_BLE, "bluetooth-251.pcap"), (LINK_BLE_PHDR, "bluetooth-256.pcap"), (LINK_NORDIC_BLE, "bluetooth-272.pcap")];

/// Ten seconds of the same flight over Bluetooth, as one of three link types: a second is four legacy packets of one
/// message each, then the whole as a pack of nine, of which authentication takes four, in two chained packets of
/// extended advertising (on the coded PHY where the link type says the PHY), then one legacy packet with a bad check
/// sequence.
pub(crate) fn bluetooth(link_type: u32) -> Vec<u8> {
    let mut out = PcapWriter::of_link_type(link_type);
    let coded = link_type != LINK_BLE;
    for n in 0..10u8 {
        let us = START_US + i64::from(n) * 1_000_000;
        let mut step = 0;
        let mut send = |packet: &[u8], channel: u8, coded: bool, crc_ok: bool| {
            step += 1;
            let power = -70 + i8::try_from(n).unwrap();
            let rf_channel = match channel {
                37 => 0,
                39 => 39,
                c => c + 1,
            };
            let record = match link_type {
                LINK_BLE_PHDR => {
                    ble_link::with_pseudo_header(packet, rf_channel, power, coded, (n % 2 == 0).then_some(crc_ok))
                }
                LINK_NORDIC_BLE => ble_link::with_nordic_header(packet, channel, power, coded, crc_ok),
                _ => packet.to_vec(),
            };
            out.record(Time::from_micros(us + step * 20_000), &record);
        };
        let p = place_at(f64::from(n));
        let named = BasicId::of_text(BasicId::SERIAL, 2, SERIAL).into();
        let system = System::UNKNOWN.with_operator(31.7515, -106.49, Some(1_139.0)).with_unix_s(us / 1_000_000).into();
        let plain: [Message; 4] =
            [named, location_at(p, us).into(), system, OperatorId::of_text("EXE87astrdge12k8").into()];
        for m in &plain {
            let packet = ble_link::encode_legacy(SRC, &ble::encode(n, &m.encode()));
            send(&packet, 37, false, true);
        }
        let mut all = plain.to_vec();
        all.push(SelfId::of_text("EXERCISE").into());
        let made_at = u32::try_from(us / 1_000_000 - 1_546_300_800).unwrap();
        all.extend((0..4).map(|page| authentication_page(made_at, page)));
        let structure = ble::encode(n, &pack::encode(2, &all).unwrap());
        // A flags structure before it, so that the pack does not begin at a fixed place.
        let data = [&[2, 1, 6], structure.as_slice()].concat();
        let (first, second) = data.split_at(140);
        send(&ble_link::encode_extended(Some(SRC2), 0x1234, Some(9), coded, first), 5, coded, true);
        send(&ble_link::encode_extended(None, 0x1234, None, coded, second), 9, coded, true);
        let mut bad = ble_link::encode_legacy(SRC, &ble::encode(n, &plain[1].encode()));
        bad[20] ^= 0x10;
        send(&bad, 37, false, false);
    }
    out.as_bytes().to_vec()
}

/// Sender address of extended advertising in [`bluetooth`].
pub(crate) const SRC2: [u8; 6] = [0x02, 0x53, 0x4B, 0x59, 0x00, 0x02];

fn authentication_page(timestamp_2019_s: u32, page: u8) -> Message {
    let first = (page == 0).then_some(FirstPage { last_page_index: 3, length: 80, timestamp_2019_s });
    let mut data = [page; 23];
    if page == 0 {
        data[17..].fill(0);
    }
    Authentication { version: 2, auth_type: 1, page, first, data, flags: Flags::NONE }.into()
}

/// Ten seconds of the same flight under the French scheme and as DJI DroneID (versions 1 and 2 by turns, the last
/// three without a valid position), one beacon each a second.
pub(crate) fn other_schemes() -> Vec<u8> {
    let mut out = PcapWriter::new();
    for n in 0..10u8 {
        let us = START_US + i64::from(n) * 1_000_000;
        let p = place_at(f64::from(n));
        let e5 = |deg: f64| Some((deg * 1e5).round() as i32);
        let french = FrenchId {
            version: Some(1),
            fr_id: Some(*b"SKYEXR000000000000000000000001"),
            ansi_id: Some(*b"SKYPF1RSTL1GHT000001"),
            lat_e5: e5(p.lat_deg),
            lon_e5: e5(p.lon_deg),
            alt_m: Some(1_225),
            height_m: Some(60),
            takeoff_lat_e5: e5(31.7515),
            takeoff_lon_e5: e5(-106.49),
            speed_h_mps: Some(12),
            course_raw: Some(0),
            flags: Flags::NONE,
        };
        out.frame(Time::from_micros(us), -60, &beacon::encode_element(SRC, "EXERCISE", &french.encode()));
        let valid = State::SERIAL.0 | State::HOME.0 | State::MOTORS.0 | State::IN_AIR.0;
        let version = if n % 2 == 0 {
            Version::Two { app_time_ms: u64::try_from(us / 1_000).unwrap(), app: Angles::of_degrees(31.7515, -106.49) }
        } else {
            Version::One { pitch_raw: 3, roll_raw: -3 }
        };
        let dji = DroneId::FlightInfo(FlightInfo {
            seq: n.into(),
            state: State(if n < 7 { valid | State::GPS.0 } else { valid }),
            serial: *b"SKYPICKETEXER001",
            at: Angles::of_degrees(p.lat_deg, p.lon_deg),
            altitude_raw: 1_200,
            height_raw: 60,
            velocity_raw: [1_200, 0, 0],
            yaw_raw: 0,
            version,
            home: Angles::of_degrees(31.7515, -106.49),
            product_type: 16,
            uuid_len: 0,
            uuid: [0; 20],
            flags: Flags::NONE,
        });
        out.frame(Time::from_micros(us + 300_000), -55, &beacon::encode_element(SRC2, "EXERCISE", &dji.encode()));
    }
    out.as_bytes().to_vec()
}

/// The frames of a pcap made by [`approach`]: (seconds, microseconds, data).
pub(crate) fn records(pcap: &[u8]) -> Vec<(u32, u32, Vec<u8>)> {
    let mut out = Vec::new();
    let mut rest = &pcap[24..];
    while !rest.is_empty() {
        let n = |k: usize| u32::from_le_bytes(rest[k..k + 4].try_into().unwrap());
        let end = 16 + n(8) as usize;
        out.push((n(0), n(4), rest[16..end].to_vec()));
        rest = &rest[end..];
    }
    out
}

/// The same frames as another pcap: either byte order, microseconds or nanoseconds.
pub(crate) fn as_pcap(pcap: &[u8], big: bool, nano: bool) -> Vec<u8> {
    let w = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let h = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let mut out = w(if nano { 0xA1B2_3C4D } else { 0xA1B2_C3D4 }).to_vec();
    out.extend([h(2), h(4)].concat());
    out.extend([w(0), w(0), w(262_144), w(127)].concat());
    for (s, us, data) in records(pcap) {
        let len = u32::try_from(data.len()).unwrap();
        out.extend([w(s), w(if nano { us * 1_000 } else { us }), w(len), w(len)].concat());
        out.extend(data);
    }
    out
}

/// The same frames as pcapng with nanoseconds, an unknown block before each tenth frame, either byte order.
pub(crate) fn as_pcapng(pcap: &[u8], big: bool) -> Vec<u8> {
    let w = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let h = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let block = |kind: u32, body: &[u8]| {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let total = w(u32::try_from(body.len() + 12).unwrap());
        [w(kind).as_slice(), &total, &body, &total].concat()
    };
    let section = [w(0x1A2B_3C4D).to_vec(), h(1).to_vec(), h(0).to_vec(), vec![0xFF; 8]].concat();
    let mut out = block(0x0A0D_0D0A, &section);
    let resolution = [h(9).as_slice(), &h(1), &[9, 0, 0, 0], &h(0), &h(0)].concat();
    out.extend(block(1, &[h(127).as_slice(), &h(0), &w(0), &resolution].concat()));
    for (i, (s, us, data)) in records(pcap).into_iter().enumerate() {
        if i % 10 == 0 {
            out.extend(block(0x0BAD_0000, b"unknown to everybody"));
        }
        let units = (u64::from(s) * 1_000_000 + u64::from(us)) * 1_000;
        let (high, low) = (u32::try_from(units >> 32).unwrap(), u32::try_from(units & 0xFFFF_FFFF).unwrap());
        let len = w(u32::try_from(data.len()).unwrap());
        out.extend(block(6, &[w(0).as_slice(), &w(high), &w(low), &len, &len, &data].concat()));
    }
    out
}
