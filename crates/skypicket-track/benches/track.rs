//! Measurements a second: 300 drones over a 200 km line seen by radars, Remote ID and people, ticked each second; and
//! the same at a tenth and ten times as many drones over as much less or more ground, which must cost the same each.

use divan::{Bencher, counter::ItemsCount};
use skypicket_model::{
    Claims, Enu, IdMaker, LogId, Measurement, Observation, ObservationId, Place, Signal, SourceId, Time,
    observation::{IdClaim, IdKind},
};
use skypicket_track::{Settings, Tracker};

fn main() {
    divan::main();
}

const SECONDS: u32 = 20;

fn zero_uuid<T: std::str::FromStr<Err: std::fmt::Debug>>(n: u64) -> T {
    format!("00000000-0000-0000-0000-{n:012x}").parse().expect("a uuid")
}

/// Numbers from a seed (SplitMix64), 0 to 1.
struct Noise(u64);

impl Noise {
    fn even(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
    /// Nearly normal, which is enough here.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.even()).sum::<f64>() - 6.0
    }
}

/// `drones` on a line of 2/3 km each: every second one radar plot each, every third drone a beacon as well, and three
/// false plots for each ten drones.
fn traffic(drones: u32) -> Vec<(Time, Observation)> {
    let mut noise = Noise(7);
    let start = Place { lat_deg: 31.76, lon_deg: -106.49, alt_hae_m: Some(1_150.0) };
    let along = |m: f64| Place { lon_deg: start.lon_deg + m / 94_600.0, ..start };
    let mut out = Vec::new();
    for second in 0..SECONDS {
        for k in 0..drones {
            let (id, base) = (f64::from(k), f64::from(k) * 667.0);
            let t = f64::from(second);
            let at =
                Enu::at(along(base)).to_place([(id % 7.0 - 3.0) * 5.0 * t, 200.0 + (id % 5.0 - 2.0) * 6.0 * t, 80.0]);
            let radar = along((base / 10_000.0).round() * 10_000.0);
            let [e, n, u] = Enu::at(radar).from_place(at);
            let look = |e: f64, n: f64, u: f64, noise: &mut Noise| Measurement::RangeAzEl {
                from: radar,
                range_m: libm::sqrt(e * e + n * n + u * u) + 10.0 * noise.normal(),
                azimuth_deg: (libm::atan2(e, n).to_degrees() + 0.4 * noise.normal() + 720.0) % 360.0,
                elevation_deg: Some(
                    (libm::atan2(u, libm::hypot(e, n)).to_degrees() + 0.6 * noise.normal()).clamp(-90.0, 90.0),
                ),
                sigma: [10.0, 0.4, 0.6],
            };
            let when = Time::from_unix_s(1_700_000_000.0 + t + id / f64::from(drones) * 0.9).expect("a time");
            let source = SourceId::new(&format!("radar-{}", k / 15)).expect("a name");
            let mut push = |source: &SourceId, measurement, claims, signal| {
                let o = Observation {
                    id: zero_uuid::<ObservationId>(0),
                    source: source.clone(),
                    observed_at: when,
                    received_at: when,
                    measurement,
                    claims,
                    signal,
                    sighting: None,
                    flags: Vec::new(),
                };
                out.push((when, o));
            };
            push(&source, look(e, n, u, &mut noise), Claims::default(), Signal::default());
            if k % 10 < 3 {
                let (fe, fn_) = (noise.even() * 10_000.0 - 5_000.0, noise.even() * 10_000.0 - 5_000.0);
                push(&source, look(fe, fn_, 200.0, &mut noise), Claims::default(), Signal::default());
            }
            if k % 3 == 0 {
                let fix = Enu::at(at).to_place([8.0 * noise.normal(), 8.0 * noise.normal(), 8.0 * noise.normal()]);
                let cov_enu_m2 = [[100.0, 0.0, 0.0], [0.0, 100.0, 0.0], [0.0, 0.0, 100.0]];
                let ids = vec![IdClaim { kind: IdKind::Serial, value: format!("SN{k:06}") }];
                let address = Some(format!("aa:{k:06}"));
                push(
                    &SourceId::new("rid-1").expect("a name"),
                    Measurement::Position { at: fix, cov_enu_m2 },
                    Claims { ids, ..Claims::default() },
                    Signal { transport: Some("wifi_beacon".into()), address, ..Signal::default() },
                );
            }
        }
    }
    out.sort_by_key(|o| o.0);
    out
}

#[divan::bench(args = [30, 300, 3000], sample_count = 5, sample_size = 1)]
fn observe_and_tick(bencher: Bencher, drones: u32) {
    let traffic = traffic(drones);
    let log: LogId = zero_uuid(9);
    bencher.counter(ItemsCount::new(traffic.len())).bench_local(|| {
        let mut tracker = Tracker::new(Settings::default());
        let mut second = traffic[0].0;
        for (k, (now, o)) in traffic.iter().enumerate() {
            if now.since_s(second) >= 1.0 {
                second = *now;
                divan::black_box(tracker.tick(*now));
            }
            divan::black_box(tracker.observe(o, &mut IdMaker::new(log, k as u64), *now));
        }
        tracker.tracks().len()
    });
}
