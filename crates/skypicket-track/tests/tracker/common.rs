//! What the tests share: observations made by hand, noise from a seed, and a tracker fed with both.

use skypicket_model::{
    Claims, Enu, IdMaker, LogId, Measurement, Observation, ObservationId, PersonId, Place, Sighting, SightingId,
    Signal, SourceId, Time, Track, TrackState,
    observation::{IdClaim, IdKind},
    sighting::{Activity, BearingHow, DroneKind, RangeClass, SightingBearing},
};
use skypicket_track::{Settings, Tracker};
use uuid::Uuid;

pub(crate) const T0: f64 = 1_700_000_000.0;

pub(crate) fn time(s: f64) -> Time {
    Time::from_unix_s(T0 + s).unwrap()
}

pub(crate) fn place(lat: f64, lon: f64, alt: Option<f64>) -> Place {
    Place::new(lat, lon, alt).unwrap()
}

/// Metres east, north of a place, at its height (unknown stays unknown).
pub(crate) fn offset(from: Place, east: f64, north: f64) -> Place {
    let p = Enu::at(from).to_place([east, north, 0.0]);
    Place { alt_hae_m: from.alt_hae_m, ..p }
}

/// Numbers from a seed (SplitMix64).
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    pub(crate) fn even(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
    pub(crate) fn normal(&mut self) -> f64 {
        let (u, v) = (self.even().max(1e-300), self.even());
        libm::sqrt(-2.0 * libm::log(u)) * libm::cos(core::f64::consts::TAU * v)
    }
}

pub(crate) fn diagonal(h: f64, v: Option<f64>) -> [[f64; 3]; 3] {
    [[h * h, 0.0, 0.0], [0.0, h * h, 0.0], [0.0, 0.0, v.map_or(0.0, |v| v * v)]]
}

/// A tracker with a clock of entries.
pub(crate) struct Desk {
    pub(crate) tracker: Tracker,
    pub(crate) entry: u64,
    pub(crate) count: u128,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }
    pub(crate) fn with(settings: Settings) -> Self {
        settings.check().unwrap();
        Self { tracker: Tracker::new(settings), entry: 0, count: 0 }
    }
    pub(crate) fn ids(&mut self) -> IdMaker {
        self.entry += 1;
        IdMaker::new(LogId(Uuid::from_u128(99)), self.entry)
    }
    pub(crate) fn see(&mut self, mut o: Observation, now: f64) -> Vec<Track> {
        self.count += 1;
        o.id = ObservationId(Uuid::from_u128(self.count));
        let mut ids = self.ids();
        self.tracker.observe(&o, &mut ids, time(now))
    }
    pub(crate) fn live(&self) -> Vec<Track> {
        self.tracker.tracks()
    }
    pub(crate) fn confirmed(&self) -> Vec<Track> {
        self.live().into_iter().filter(|t| t.state == TrackState::Confirmed).collect()
    }
}

pub(crate) fn observation(source: &str, t: f64, measurement: Measurement) -> Observation {
    Observation {
        id: ObservationId(Uuid::nil()),
        source: SourceId::new(source).unwrap(),
        observed_at: time(t),
        received_at: time(t),
        measurement,
        claims: Claims::default(),
        signal: Signal::default(),
        sighting: None,
        flags: Vec::new(),
    }
}

pub(crate) fn position(source: &str, t: f64, at: Place, sigma: f64) -> Observation {
    let cov_enu_m2 = diagonal(sigma, at.alt_hae_m.map(|_| sigma));
    observation(source, t, Measurement::Position { at, cov_enu_m2 })
}

/// A Remote ID beacon with a position, from an address, with a serial or none.
pub(crate) fn beacon(t: f64, at: Place, address: &str, serial: Option<&str>) -> Observation {
    let mut o = position("rid-1", t, at, 15.0);
    o.signal.transport = Some("wifi_beacon".into());
    o.signal.address = Some(address.into());
    o.claims.ids = serial.iter().map(|s| IdClaim { kind: IdKind::Serial, value: (*s).into() }).collect();
    o.claims.claimed_at = Some(time(t));
    o
}

pub(crate) fn plot(source: &str, t: f64, from: Place, at: Place, noise: &mut Noise, sigma: [f64; 3]) -> Observation {
    let [e, n, u] = Enu::at(from).from_place(at);
    let range_m = libm::sqrt(e * e + n * n + u * u) + sigma[0] * noise.normal();
    let azimuth_deg = (libm::atan2(e, n).to_degrees() + sigma[1] * noise.normal() + 720.0) % 360.0;
    let elevation_deg = Some(libm::atan2(u, libm::hypot(e, n)).to_degrees() + sigma[2] * noise.normal());
    observation(source, t, Measurement::RangeAzEl { from, range_m, azimuth_deg, elevation_deg, sigma })
}

pub(crate) fn sighting(who: &str, n: u128, t: f64, from: Place, azimuth_deg: f64, range: RangeClass) -> Sighting {
    Sighting {
        id: SightingId(Uuid::from_u128(n)),
        reporter: PersonId::new(who).unwrap(),
        from,
        from_accuracy_m: 8.0,
        bearing: Some(SightingBearing {
            azimuth_deg: (azimuth_deg + 720.0) % 360.0,
            how: BearingHow::Compass,
            sigma_deg: None,
        }),
        range,
        elevation_deg: None,
        kind: DroneKind::Multirotor,
        count: None,
        activity: Activity::Unknown,
        lights: None,
        sound: None,
        payload: None,
        words: String::new(),
        first_seen: time(t),
        last_seen: time(t),
        marking: skypicket_model::Marking::default(),
    }
}

pub(crate) fn report(s: &Sighting, received: f64) -> Observation {
    s.observation(ObservationId(Uuid::nil()), time(received))
}

/// Metres over ground.
pub(crate) fn apart(a: Place, b: Place) -> f64 {
    a.distance_and_bearing(b).0
}

/// The symmetric matrix is positive definite (six states, or the four that count at unknown height).
pub(crate) fn definite(t: &Track) -> bool {
    let keep: Vec<usize> = if t.place.alt_hae_m.is_some() { vec![0, 1, 2, 3, 4, 5] } else { vec![0, 1, 3, 4] };
    let full = |i: usize, j: usize| match (i < 3, j < 3) {
        (true, true) => t.cov_enu_m2[i][j],
        (true, false) => t.cross_cov_enu[i][j - 3],
        (false, true) => t.cross_cov_enu[j][i - 3],
        (false, false) => t.vel_cov_enu[i - 3][j - 3],
    };
    let n = keep.len();
    let mut l = vec![vec![0.0f64; n]; n];
    for i in 0..n {
        for j in 0..=i {
            if (full(keep[i], keep[j]) - full(keep[j], keep[i])).abs() > 1e-9 * (1.0 + full(keep[i], keep[i]).abs()) {
                return false;
            }
            let sum = l[i].iter().zip(&l[j]).take(j).fold(full(keep[i], keep[j]), |sum, (x, y)| sum - x * y);
            if i == j {
                if sum.is_nan() || sum <= 0.0 {
                    return false;
                }
                l[i][i] = sum.sqrt();
            } else {
                l[i][j] = sum / l[j][j];
            }
        }
    }
    true
}
