//! Remote ID packs of 1 to 9 messages: our decoder beside the C reference library, turn by turn in one run.
//!
//! Two ways of each. *Fresh*: as a receiver does it, with the length check and everything unknown first (the C library's
//! `odid_message_process_pack`; ours `decode_into` a new value). *Again*: into a value that is used again and again (`decodeMessagePack`
//! without reset and without length check; ours `decode_into`, with all checks). The C library computes every quantity
//! while it decodes, so ours puts every
//! quantity and all findings of all messages into one structure as well, in both ways. A turn is some
//! thousands of packs; the sides take turns, and of each the fastest turn counts: the machine is shared.

use skypicket_wire::remote_id::{
    authentication::FirstPage, pack, Authentication, BasicId, Decoded, Flags, Header, Location, Message, OperatorId,
    SelfId, System,
};
use stats_alloc::{Region, StatsAlloc, INSTRUMENTED_SYSTEM};
use std::{alloc, hint::black_box, time::Instant};

#[global_allocator]
static HEAP: &StatsAlloc<alloc::System> = &INSTRUMENTED_SYSTEM;

/// Packs of a turn.
const PACKS: u32 = 5_000;
/// Turns of each side.
const TURNS: usize = 400;

fn main() {
    let mut c = reference::Decoder::new();
    let mut ours = Decoded::empty();
    let (mut fresh, mut again) = (Filled::default(), Filled::default());
    println!(
        "million messages a second, the fastest of {TURNS} turns of {PACKS} packs; ours with every quantity read\n"
    );
    println!("| messages | C fresh | ours fresh | ratio | C again | ours again | ratio | ours, nothing read |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut least = f64::INFINITY;
    for n in 1..=9usize {
        let bytes = sample(n);
        assert!(c.process(&bytes), "the reference takes the pack");
        let d = pack::decode(&bytes);
        assert!(d.is_ok() && d.messages.len() == n);
        let heap = Region::new(HEAP);
        let mut best = [f64::INFINITY; 5];
        for _ in 0..TURNS {
            let turns: [&mut dyn FnMut(&[u8]); 5] = [
                &mut |b| {
                    black_box(c.process(black_box(b)));
                },
                &mut |b| {
                    let mut new = Decoded::empty();
                    pack::decode_into(black_box(b), &mut new);
                    fresh.fill(&new);
                },
                &mut |_| {},
                &mut |b| {
                    pack::decode_into(black_box(b), &mut ours);
                    again.fill(&ours);
                },
                &mut |_| {},
            ];
            for (side, turn) in turns.into_iter().enumerate() {
                if side == 2 || side == 4 {
                    continue;
                }
                best[side] = best[side].min(time(&bytes, turn));
            }
            best[2] = best[2].min(time(&bytes, &mut |b| {
                black_box(c.decode(black_box(b)));
            }));
            best[4] = best[4].min(time(&bytes, &mut |b| {
                pack::decode_into(black_box(b), &mut ours);
                black_box(&ours);
            }));
        }
        let change = heap.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "nothing is allocated");
        let rate = best.map(|s| n as f64 * f64::from(PACKS) / s / 1e6);
        let (of_fresh, of_again) = (rate[1] / rate[0], rate[3] / rate[2]);
        least = least.min(of_fresh);
        println!(
            "| {n} | {:.0} | {:.0} | **{of_fresh:.2}** | {:.0} | {:.0} | {of_again:.2} | {:.0} |",
            rate[0], rate[1], rate[2], rate[3], rate[4]
        );
    }
    println!("\nlowest ratio {least:.2}; allocations: none");
    if least < 1.0 {
        std::process::exit(1);
    }
}

/// Seconds of a turn.
fn time(bytes: &[u8], once: &mut dyn FnMut(&[u8])) -> f64 {
    let start = Instant::now();
    for _ in 0..PACKS {
        once(bytes);
    }
    start.elapsed().as_secs_f64()
}

/// Every quantity that the C library's structure has, with ours for "unknown", and the findings of all messages.
#[derive(Default)]
struct Filled {
    flags: Flags,
    ids: [[u8; 20]; 2],
    id_count: usize,
    position: Option<(f64, f64)>,
    direction_deg: Option<u16>,
    speeds_mps: [Option<f64>; 2],
    altitudes_m: [Option<f64>; 3],
    ts_after_hour_s: Option<f64>,
    location_codes: [u8; 7],
    text: [u8; 23],
    operator: [u8; 20],
    operator_at: Option<(f64, f64)>,
    operator_altitudes_m: [Option<f64>; 3],
    area: (u16, u16),
    made_at: Option<i64>,
    system_codes: [u8; 4],
    pages: [[u8; 23]; 16],
    first_page: Option<FirstPage>,
}

impl Filled {
    #[inline]
    fn fill(&mut self, d: &Decoded) {
        self.id_count = 0;
        let mut flags = d.flags;
        for raw in d.messages.raw() {
            match Header::decode(raw[0]).message_type {
                BasicId::TYPE => {
                    let b = BasicId::decode(raw);
                    flags |= b.flags;
                    if let Some(slot) = self.ids.get_mut(self.id_count) {
                        *slot = b.id;
                        self.id_count += 1;
                    }
                }
                Location::TYPE => {
                    let l = Location::decode(raw);
                    flags |= l.flags;
                    self.position = l.position();
                    self.direction_deg = l.direction_deg();
                    self.speeds_mps = [l.speed_h_mps(), l.speed_v_mps()];
                    self.altitudes_m = [l.alt_baro_m(), l.alt_geo_m(), l.height_m()];
                    self.ts_after_hour_s = l.ts_after_hour_s();
                    self.location_codes =
                        [l.status, l.height_type, l.horiz_acc, l.vert_acc, l.baro_acc, l.speed_acc, l.ts_acc];
                }
                SelfId::TYPE => {
                    let s = SelfId::decode(raw);
                    flags |= s.flags;
                    self.text = s.desc;
                }
                System::TYPE => {
                    let s = System::decode(raw);
                    flags |= s.flags;
                    self.operator_at = s.operator_position();
                    self.operator_altitudes_m = [s.operator_alt_geo_m(), s.area_ceiling_m(), s.area_floor_m()];
                    self.area = (s.area_count, s.area_radius_m());
                    self.made_at = s.timestamp_unix_s();
                    self.system_codes = [s.operator_location_type, s.classification_type, s.category_eu, s.class_eu];
                }
                OperatorId::TYPE => {
                    let o = OperatorId::decode(raw);
                    flags |= o.flags;
                    self.operator = o.id;
                }
                _ => {
                    let Ok(a) = Authentication::decode(raw) else { continue };
                    flags |= a.flags;
                    if let Some(slot) = self.pages.get_mut(usize::from(a.page)) {
                        *slot = a.data;
                    }
                    self.first_page = a.first.or(self.first_page);
                }
            }
        }
        self.flags = flags;
        black_box(self);
    }
}

/// A pack as drones send it; from seven on, authentication pages.
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

/// The C library.
mod reference {
    use std::ffi::{c_int, c_void};

    unsafe extern "C" {
        fn reference_size() -> usize;
        fn reference_process(data: *mut c_void, pack: *const u8, len: usize) -> c_int;
        fn reference_decode(data: *mut c_void, pack: *const u8) -> c_int;
    }

    /// What the library decodes into, aligned for any C type.
    pub struct Decoder(Vec<u128>);

    impl Decoder {
        pub fn new() -> Self {
            // SAFETY: a function without arguments that gives a constant.
            let size = unsafe { reference_size() };
            Self(vec![0; size.div_ceil(16)])
        }

        /// With length check and reset.
        #[inline]
        pub fn process(&mut self, pack: &[u8]) -> bool {
            // SAFETY: the place is as large as the library says and aligned; the pack is not empty (all have three
            // bytes and more), and the library checks its length against the count itself.
            pack.len() >= 3 && unsafe { reference_process(self.0.as_mut_ptr().cast(), pack.as_ptr(), pack.len()) } > 0
        }

        /// Without reset. The length is checked here, since the library does not.
        #[inline]
        pub fn decode(&mut self, pack: &[u8]) -> bool {
            let whole = pack.get(2).is_some_and(|n| pack.len() >= 3 + 25 * usize::from(*n));
            // SAFETY: as above, and the pack is as long as its count says.
            whole && unsafe { reference_decode(self.0.as_mut_ptr().cast(), pack.as_ptr()) } == 0
        }
    }
}
