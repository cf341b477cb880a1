//! What flies in First light, and the two sensors that notice it.
//!
//! Places are metres east, north and up of the middle of the scene at ground height. Each path is a function of the
//! seconds since the start.

use crate::rng::{Rng, whole};
use skypicket_model::{
    Claims, Enu, LatLon, Measurement, Observation, ObservationId, Signal, SourceId, Time,
    kinematics::AirClass,
    observation::{IdClaim, IdKind},
};

/// East, north, up, metres.
pub(crate) type Spot = [f64; 3];

/// Seconds from the start to the intruder's first take-off.
pub(crate) const INTRUDER_FIRST_S: f64 = 45.0;
/// Seconds from one take-off of the intruder to the next.
pub(crate) const INTRUDER_EVERY_S: f64 = 360.0;
/// Where the intruder circles: over the western pickets.
pub(crate) const INTRUDER_TARGET: [f64; 2] = [-220.0, 390.0];
/// The own flight's area: middle and radius, metres.
pub(crate) const OWN_AREA: ([f64; 2], f64) = ([850.0, 650.0], 600.0);
/// Serial of the own flight (form of ANSI/CTA-2063-A; the maker's code is made up).
pub(crate) const OWN_SERIAL: &str = "SKPK8DRNW0001";
/// Serial of the drone that passes.
pub(crate) const PASSER_SERIAL: &str = "SKPK8PASS0001";

/// The radar's place.
const RADAR: Spot = [-200.0, 1_500.0, 15.0];
/// The Remote ID receiver's place.
const RECEIVER: Spot = [150.0, 600.0, 12.0];

/// The own flight: an orbit of 250 m radius at 9 m/s and 90 m, all the time.
pub(crate) fn own(t: f64) -> Spot {
    let ([e, n], _) = OWN_AREA;
    let a = t * 9.0 / 250.0;
    [e + 250.0 * libm::cos(a), n + 250.0 * libm::sin(a), 90.0]
}

/// The drone that passes: west along the south side at 18 m/s and 110 m for 7 km, a minute of rest, and back.
pub(crate) fn passer(t: f64) -> Option<Spot> {
    let leg = 7_000.0 / 18.0;
    let x = t - libm::floor(t / (leg + 60.0)) * (leg + 60.0);
    let west = libm::fmod(libm::floor(t / (leg + 60.0)), 2.0) < 0.5;
    (x < leg).then(|| [if west { 3_500.0 - 18.0 * x } else { -3_500.0 + 18.0 * x }, -1_400.0, 110.0])
}

/// The intruder, when it flies: take-off in the south, straight to the western pickets at 14 m/s, 50 s around them, and
/// home. Each time it starts somewhere else.
pub(crate) fn intruder(seed: u64, t: f64) -> Option<Spot> {
    let t = t - INTRUDER_FIRST_S;
    if t < 0.0 {
        return None;
    }
    let round = libm::floor(t / INTRUDER_EVERY_S);
    let x = t - round * INTRUDER_EVERY_S;
    let start = [-420.0 + 400.0 * Rng::at(seed, 11, whole(round)).unit(), -1_250.0];
    let (away_e, away_n) = (start[0] - INTRUDER_TARGET[0], start[1] - INTRUDER_TARGET[1]);
    let far = libm::hypot(away_e, away_n);
    let (rise_s, in_s, circle_s, out_s) = (8.0, (far - CIRCLE_M) / 14.0, 50.0, (far - CIRCLE_M) / 16.0);
    let facing = libm::atan2(away_n, away_e);
    let on_circle = |s: f64| {
        let a = facing + s * 7.0 / CIRCLE_M;
        [INTRUDER_TARGET[0] + CIRCLE_M * libm::cos(a), INTRUDER_TARGET[1] + CIRCLE_M * libm::sin(a)]
    };
    let between = |a: [f64; 2], b: [f64; 2], f: f64, u: f64| [a[0] + (b[0] - a[0]) * f, a[1] + (b[1] - a[1]) * f, u];
    let (mut x, low, high) = (x, 40.0, 70.0);
    if x < rise_s {
        return Some([start[0], start[1], low * x / rise_s]);
    }
    x -= rise_s;
    if x < in_s {
        let f = x / in_s;
        return Some(between(start, on_circle(0.0), f, low + (high - low) * f));
    }
    x -= in_s;
    if x < circle_s {
        let [e, n] = on_circle(x);
        return Some([e, n, high]);
    }
    x -= circle_s;
    // The way home starts where the circle was left, so its length is not quite `far`.
    (x < out_s).then(|| between(on_circle(circle_s), start, x / out_s, high + (low - high) * x / out_s))
}

/// Radius of the intruder's circle, metres.
const CIRCLE_M: f64 = 80.0;

fn velocity(path: impl Fn(f64) -> Option<Spot>, t: f64) -> Spot {
    match (path(t - 0.1), path(t + 0.1)) {
        (Some(a), Some(b)) => [0, 1, 2].map(|i| (b[i] - a[i]) / 0.2),
        _ => [0.0; 3],
    }
}

/// One second of both sensors: what is noticed at the whole second `k` after `started`.
pub(crate) fn noticed(seed: u64, frame: &Enu, started: Time, k: u64) -> Vec<Observation> {
    let mut seen = Vec::new();
    let t = k as f64;
    radar(seed, frame, started, k, &mut seen);
    let (own_path, passer_path) = (|t| Some(own(t)), passer);
    if let Some(o) = remote_id(seed, frame, started, t + 0.3, OWN_SERIAL, 21, own_path, [850.0, 650.0]) {
        seen.push(o);
    }
    if let Some(o) = remote_id(seed, frame, started, t + 0.7, PASSER_SERIAL, 22, passer_path, [3_400.0, -1_450.0]) {
        seen.push(o);
    }
    seen
}

/// A three-dimensional radar: one scan a second, detection 0.9, to 6 km; a false plot a second on average.
fn radar(seed: u64, frame: &Enu, started: Time, k: u64, seen: &mut Vec<Observation>) {
    let mut rng = Rng::at(seed, 31, k);
    let t = k as f64;
    let at = started.plus_s(t);
    let site = frame.to_place(RADAR);
    let local = Enu::at(site);
    let sigma = [6.0, 0.4, 0.6];
    let mut plot = |rng: &mut Rng, range_m: f64, azimuth_deg: f64, elevation_deg: f64| {
        seen.push(Observation {
            id: ObservationId(rng.id(at)),
            source: source("radar-1"),
            observed_at: at,
            received_at: at.plus_s(0.05),
            measurement: Measurement::RangeAzEl {
                from: site,
                range_m,
                azimuth_deg: wrap(azimuth_deg),
                elevation_deg: Some(elevation_deg.clamp(-90.0, 90.0)),
                sigma,
            },
            claims: Claims::default(),
            signal: Signal { transport: Some("radar".into()), ..Signal::default() },
            sighting: None,
            flags: Vec::new(),
        });
    };
    for spot in [intruder(seed, t), Some(own(t)), passer(t)].into_iter().flatten() {
        let [e, n, u] = local.from_place(frame.to_place(spot));
        let (flat, found) = (libm::hypot(e, n), rng.chance(0.9));
        let range = libm::hypot(flat, u);
        let off = [rng.normal(), rng.normal(), rng.normal()];
        if found && range < 6_000.0 {
            plot(
                &mut rng,
                (range + sigma[0] * off[0]).max(1.0),
                libm::atan2(e, n).to_degrees() + sigma[1] * off[1],
                libm::atan2(u, flat).to_degrees() + sigma[2] * off[2],
            );
        }
    }
    for _ in 0..rng.poisson(1.0) {
        // Evenly over the area.
        let range = libm::sqrt(rng.between(300.0 * 300.0, 5_000.0 * 5_000.0));
        let (azimuth, elevation) = (rng.between(0.0, 360.0), rng.between(0.3, 5.0));
        plot(&mut rng, range, azimuth, elevation);
    }
}

/// One broadcast heard, of seven in eight.
#[allow(clippy::too_many_arguments)] // each is another thing, and there are two callers beside each other
fn remote_id(
    seed: u64,
    frame: &Enu,
    started: Time,
    t: f64,
    serial: &str,
    stream: u64,
    path: impl Fn(f64) -> Option<Spot> + Copy,
    pilot: [f64; 2],
) -> Option<Observation> {
    let spot = path(t)?;
    let at = started.plus_s(t);
    let mut rng = Rng::at(seed, stream, whole(t));
    let id = rng.id(at);
    if rng.chance(0.125) {
        return None;
    }
    let off = [2.0 * rng.normal(), 2.0 * rng.normal(), 4.0 * rng.normal()];
    let place = frame.to_place([spot[0] + off[0], spot[1] + off[1], spot[2] + off[2]]);
    let receiver = frame.to_place(RECEIVER);
    let (far, _) = receiver.distance_and_bearing(place);
    let operator = frame.to_place([pilot[0], pilot[1], 0.0]);
    // Free-space loss from 20 dBm at 2.4 GHz, with fading.
    let rssi = 20.0 - 40.05 - 20.0 * libm::log10(far.max(1.0)) + 3.0 * rng.normal();
    Some(Observation {
        id: ObservationId(id),
        source: source("rid-1"),
        observed_at: at.plus_s(-0.2),
        received_at: at,
        measurement: Measurement::Position {
            at: place,
            // As a broadcast claims it: horizontal accuracy under 10 m, vertical under 10 m, at 95 %.
            cov_enu_m2: [[25.0, 0.0, 0.0], [0.0, 25.0, 0.0], [0.0, 0.0, 25.0]],
        },
        claims: Claims {
            ids: vec![IdClaim { kind: IdKind::Serial, value: serial.into() }],
            class: Some(AirClass::Rotor),
            velocity_enu_mps: Some(velocity(path, t)),
            height_takeoff_m: Some(spot[2]),
            operator_at: Some(LatLon { lat_deg: operator.lat_deg, lon_deg: operator.lon_deg }),
            status: Some("airborne".into()),
            claimed_at: Some(at.plus_s(-0.2)),
            ..Claims::default()
        },
        signal: Signal {
            transport: Some("ble_extended".into()),
            address: Some(format!("c2:5b:00:00:00:{stream:02x}")),
            rssi_dbm: Some(libm::round(rssi)),
            receiver_at: Some(receiver),
            ..Signal::default()
        },
        sighting: None,
        flags: Vec::new(),
    })
}

fn source(name: &str) -> SourceId {
    super::cast::named(name, SourceId::new)
}

/// An azimuth, 0 ≤ a < 360.
pub(crate) fn wrap(deg: f64) -> f64 {
    let d = deg - 360.0 * libm::floor(deg / 360.0);
    if d >= 360.0 { 0.0 } else { d }
}
