//! Captures made by this project with its own encoders.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses some of it; a test fails by panicking")]

use skypicket_model::{Enu, Place, Time};
use skypicket_wire::{
    capture::PcapWriter,
    remote_id::{BasicId, Location, Message, OperatorId, SelfId, System, beacon, pack},
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

/// A minute of one multirotor: three beacons a second, the identity in every third, position time 0.4 s old.
pub(crate) fn approach() -> Vec<u8> {
    let mut out = PcapWriter::new();
    for n in 0..180u8 {
        let us = START_US + i64::from(n) * 333_333;
        let at_us = us - 400_000;
        let s = f64::from(n) / 3.0;
        let p = place_at(s - 0.4);
        let location = Location { status: 2, ts_acc: 2, ..Location::UNKNOWN }
            .with_position(p.lat_deg, p.lon_deg)
            .with_alt_geo_m(p.alt_hae_m)
            .with_height_takeoff_m(Some(60.0))
            .with_ground_velocity(0.0, 12.0)
            .with_speed_v_mps(0.0)
            .with_accuracy_m(2.0, 2.5)
            .with_unix_micros(at_us);
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

/// The frames of a pcap made by [`approach`]: (seconds, microseconds, data).
fn records(pcap: &[u8]) -> Vec<(u32, u32, Vec<u8>)> {
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
