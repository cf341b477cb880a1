//! Decode rates: packs of 1 to 9 messages, and a capture from file bytes to elements.

use divan::{
    Bencher, black_box,
    counter::{BytesCount, ItemsCount},
};
use skypicket_wire::{
    capture,
    remote_id::{BasicId, Decoded, Location, Message, OperatorId, SelfId, System, pack},
};

fn main() {
    divan::main();
}

/// A pack as drones send it; from seven on, authentication pages as in the reference vectors.
fn sample(n: usize) -> Vec<u8> {
    let location = Location::UNKNOWN
        .with_position(31.76, -106.49)
        .with_alt_geo_m(Some(1_200.0))
        .with_ground_velocity(77.0, 12.0)
        .with_speed_v_mps(1.0)
        .with_accuracy_m(2.0, 2.0)
        .with_unix_micros(1_780_282_800_250_000);
    let page = |p: u8| {
        let mut b = [0x5A; 25];
        (b[0], b[1]) = (0x22, 0x10 | p);
        if p == 0 {
            (b[2], b[3]) = (2, 63);
        }
        Message::decode_raw(&b).expect("a page made here")
    };
    let all = [
        location.into(),
        BasicId::of_text(BasicId::SERIAL, 2, "SKYPF1RSTL1GHT000001").into(),
        System::UNKNOWN.with_operator(31.75, -106.49, Some(1_139.0)).with_unix_s(1_780_282_800).into(),
        SelfId::of_text("EXERCISE").into(),
        OperatorId::of_text("EXE87astrdge12k8").into(),
        BasicId::of_text(BasicId::CAA, 2, "US.EXERCISE").into(),
        page(0),
        page(1),
        page(2),
    ];
    pack::encode(2, &all[..n]).expect("one to nine messages")
}

#[divan::bench(args = 1..=9)]
fn decode_pack(bencher: Bencher<'_, '_>, n: usize) {
    let bytes = sample(n);
    bencher.counter(ItemsCount::new(n)).bench(|| pack::decode(black_box(&bytes)));
}

#[divan::bench(args = 1..=9)]
fn decode_pack_into(bencher: Bencher<'_, '_>, n: usize) {
    let bytes = sample(n);
    let mut d = Decoded::empty();
    bencher.counter(ItemsCount::new(n)).bench_local(|| {
        pack::decode_into(black_box(&bytes), &mut d);
        black_box(d.messages.len())
    });
}

/// Decoding and then reading every quantity of every message, as a caller that wants them all does.
#[divan::bench(args = 1..=9)]
fn decode_pack_and_read_all(bencher: Bencher<'_, '_>, n: usize) {
    let bytes = sample(n);
    bencher.counter(ItemsCount::new(n)).bench(|| {
        let d = pack::decode(black_box(&bytes));
        for m in d.messages.iter() {
            black_box(m.flags());
            match m {
                Message::Location(l) => drop(black_box((
                    l.position(),
                    l.direction_deg(),
                    l.speed_h_mps(),
                    l.speed_v_mps(),
                    l.alt_baro_m(),
                    l.alt_geo_m(),
                    l.height_m(),
                    l.ts_after_hour_s(),
                    l.horizontal_bound_m(),
                    l.vertical_bound_m(),
                ))),
                Message::System(s) => drop(black_box((
                    s.operator_position(),
                    s.operator_alt_geo_m(),
                    s.area_ceiling_m(),
                    s.area_floor_m(),
                    s.area_radius_m(),
                    s.timestamp_unix_s(),
                ))),
                other => drop(black_box(other)),
            }
        }
        d
    });
}

#[divan::bench(args = ["approach", "bluetooth-251", "bluetooth-256", "bluetooth-272", "other-schemes"])]
fn read_capture(bencher: Bencher<'_, '_>, name: &str) {
    let path = format!("{}/../../testdata/captures/{name}.pcap", env!("CARGO_MANIFEST_DIR"));
    let one = std::fs::read(path).expect("a capture in the repository");
    let mut bytes = one.clone();
    while bytes.len() < 1 << 20 {
        bytes.extend(&one[24..]);
    }
    let frames = capture::frames(&bytes).count();
    bencher
        .counter(BytesCount::of_slice(&bytes))
        .counter(ItemsCount::new(frames))
        .bench(|| capture::elements(black_box(&bytes)).count());
}
