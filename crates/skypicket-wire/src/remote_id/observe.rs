//! From a decoded payload to an [`Observation`]: what was measured apart from what is only claimed.

use super::{
    basic_id::BasicId, flags::Flags, location::Location, message::Message, pack::Decoded, system::System, text,
};
use skypicket_model::{
    Claims, LatLon, Measurement, Observation, ObservationId, Place, Signal, SourceId, Time,
    kinematics::AirClass,
    observation::{EnuCovariance, IdClaim, IdKind},
};
use uuid::Uuid;

/// One sigma of a position or altitude whose accuracy is not said, metres.
pub const SIGMA_UNKNOWN_M: f64 = 15.0;
/// A claimed time is used while it lies so many seconds before or after the receipt: real senders lag 0.3 to 1.9 s.
const LAG_S: std::ops::RangeInclusive<f64> = -1.0..=5.0;
/// A System message's own time is hardly that of its sending when it is farther off than this, seconds.
const DAY_S: f64 = 86_400.0;
/// A circle of radius `2.45 σ` holds 95 % of a two-dimensional normal (the root of χ²₂ at 0.95).
const SIGMAS_95_PLANE: f64 = 2.45;
/// ±1.96 σ holds 95 % of a normal.
const SIGMAS_95_LINE: f64 = 1.96;

/// What one element says, before it is known who heard it and when.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// The position measured, with its east-north-up covariance, m².
    pub measured: Option<(Place, EnuCovariance)>,
    /// What else it says.
    pub claims: Claims,
    /// The time that it claims, where it is one that `observed_at` may be taken from.
    pub claimed_at: Option<Time>,
    /// What was doubtful.
    pub flags: Vec<String>,
}

impl Seen {
    /// The observation: a position where there is one, else a presence. The claimed time is `observed_at` while it is
    /// plausible, else the flag `clock_suspect` stands and `observed_at` is the receipt.
    pub fn observation(
        self,
        source: &SourceId,
        received_at: Time,
        signal: Signal,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Observation {
        let Self { measured, claims, claimed_at, mut flags } = self;
        let measurement = match measured {
            Some((at, cov_enu_m2)) => Measurement::Position { at, cov_enu_m2 },
            None => Measurement::Presence { from: signal.receiver_at, radius_m: None },
        };
        let plausible = claimed_at.filter(|t| LAG_S.contains(&received_at.since_s(*t)));
        if claimed_at.is_some() && plausible.is_none() {
            flags.push("clock_suspect".into());
        }
        flags.sort_unstable();
        flags.dedup();
        Observation {
            id: ObservationId(new_id()),
            source: source.clone(),
            observed_at: plausible.unwrap_or(received_at),
            received_at,
            measurement,
            claims,
            signal,
            sighting: None,
            flags,
        }
    }
}

/// The observation that a payload makes: a position where a Location has one, else a presence with its claims.
///
/// Where a pack has two Locations (flagged as a conflict), the first counts. `received_at` is the receipt of the bytes;
/// the claimed time of day is resolved to the hour nearest to it. `None` when nothing at all could be decoded.
pub fn observe(
    decoded: &Decoded,
    source: &SourceId,
    received_at: Time,
    signal: Signal,
    new_id: &mut dyn FnMut() -> Uuid,
) -> Option<Observation> {
    seen(decoded, received_at).map(|s| s.observation(source, received_at, signal, new_id))
}

/// What a payload says.
pub fn seen(decoded: &Decoded, received_at: Time) -> Option<Seen> {
    if decoded.messages.is_empty() && !decoded.flags.has(Flags::PACK_COUNT_ZERO) {
        return None;
    }
    let mut flags: Vec<String> = decoded.all_flags().words().map(str::to_owned).collect();
    let location = decoded.first(|m| if let Message::Location(l) = m { Some(l) } else { None });
    let mut claims = Claims::default();
    for m in decoded.messages.iter() {
        match m {
            Message::BasicId(b) => claim_identity(&mut claims, &b),
            Message::SelfId(s) if claims.text.is_none() => claims.text = shown(s.text()),
            Message::OperatorId(o) if claims.operator_id.is_none() => claims.operator_id = shown(o.text()),
            Message::System(s) => {
                if claims.operator_at.is_none() {
                    claims.operator_at = operator_at(&s);
                }
                if s.timestamp_unix_s().is_some_and(|t| (received_at.unix_s() - t as f64).abs() > DAY_S) {
                    flags.push("system_time_implausible".into());
                }
            }
            _ => {}
        }
    }
    let (mut measured_at, mut claimed_at) = (None, None);
    if let Some(l) = location {
        claim_motion(&mut claims, &l);
        claimed_at = l.ts_after_hour_s().map(|_| nearest_hour(received_at, l.ts_raw));
        claims.claimed_at = claimed_at;
        measured_at = measured(&l, &mut flags);
    }
    Some(Seen { measured: measured_at, claims, claimed_at, flags })
}

/// A position whose accuracy is not said, at an unknown height; 0, 0 is what a sender without a fix says.
pub(crate) fn position_without_accuracy(
    lat_deg: f64,
    lon_deg: f64,
    flags: &mut Vec<String>,
) -> Option<(Place, EnuCovariance)> {
    let at = Place::new(lat_deg, lon_deg, None).ok().filter(|_| (lat_deg, lon_deg) != (0.0, 0.0))?;
    flags.push("accuracy_unknown".into());
    let v = SIGMA_UNKNOWN_M.powi(2);
    Some((at, [[v, 0.0, 0.0], [0.0, v, 0.0], [0.0; 3]]))
}

/// The kind of aircraft, as far as the limits of motion go: multirotor and helicopter are rotors; aeroplane, glider and
/// VTOL hybrid count as fixed wing, the faster of what they can be. What is left is unknown, not guessed.
pub fn class_of(ua_type: u8) -> Option<AirClass> {
    match ua_type {
        2 => Some(AirClass::Rotor),
        1 | 4 | 6 => Some(AirClass::FixedWing),
        _ => None,
    }
}

/// The instant of a time of hour (tenths of a second, 0 to 36000) that is nearest to `received`.
pub fn nearest_hour(received: Time, tenths: u16) -> Time {
    const HOUR: i64 = 3_600_000_000;
    let r = received.as_micros();
    let in_hour = r.div_euclid(HOUR).saturating_mul(HOUR).saturating_add(i64::from(tenths) * 100_000);
    let nearest = [-HOUR, 0, HOUR].map(|k| in_hour.saturating_add(k)).into_iter().min_by_key(|t| t.abs_diff(r));
    Time::from_micros(nearest.unwrap_or(r))
}

fn measured(l: &Location, flags: &mut Vec<String>) -> Option<(Place, EnuCovariance)> {
    let (lat, lon) = l.position()?;
    let place = Place::new(lat, lon, l.alt_geo_m()).ok()?;
    let sigma_h = l.horizontal_bound_m().map(|b| b / SIGMAS_95_PLANE);
    let sigma_v = l.vertical_bound_m().map(|b| b / SIGMAS_95_LINE);
    if sigma_h.is_none() || (place.alt_hae_m.is_some() && sigma_v.is_none()) {
        flags.push("accuracy_unknown".into());
    }
    let var_h = sigma_h.unwrap_or(SIGMA_UNKNOWN_M).powi(2);
    let var_v = place.alt_hae_m.map_or(0.0, |_| sigma_v.unwrap_or(SIGMA_UNKNOWN_M).powi(2));
    Some((place, [[var_h, 0.0, 0.0], [0.0, var_h, 0.0], [0.0, 0.0, var_v]]))
}

fn claim_motion(claims: &mut Claims, l: &Location) {
    claims.velocity_enu_mps = velocity(l);
    let height = l.height_m();
    if l.height_type == 0 {
        claims.height_takeoff_m = height;
    } else {
        claims.height_agl_m = height;
    }
    claims.alt_baro_m = l.alt_baro_m();
    let words = ["undeclared", "ground", "airborne", "emergency", "rid_failure"];
    claims.status = words.get(usize::from(l.status)).map(|w| (*w).to_owned());
}

/// East, north, up; needs the ground speed, and its direction unless it stands still.
fn velocity(l: &Location) -> Option<[f64; 3]> {
    let speed = l.speed_h_mps()?;
    let up = l.speed_v_mps().unwrap_or(0.0);
    if l.speed_h_raw == 0 && !l.fast {
        return Some([0.0, 0.0, up]);
    }
    let course = f64::from(l.direction_deg()?).to_radians();
    Some([speed * libm::sin(course), speed * libm::cos(course), up])
}

fn claim_identity(claims: &mut Claims, b: &BasicId) {
    if claims.class.is_none() {
        claims.class = class_of(b.ua_type);
    }
    let binary = |bytes: &[u8]| bytes.iter().any(|x| *x != 0).then(|| text::hex(bytes));
    let claim = match b.id_type {
        BasicId::SERIAL => b.text().and_then(shown).map(|v| (IdKind::Serial, v)),
        BasicId::CAA => b.text().and_then(shown).map(|v| (IdKind::Caa, v)),
        BasicId::UTM => b.id.first_chunk::<16>().and_then(|u| binary(u)).map(|v| (IdKind::Utm, v)),
        BasicId::SESSION => binary(&b.id).map(|v| (IdKind::Session, v)),
        _ => None,
    };
    if let Some((kind, value)) = claim {
        let claim = IdClaim { kind, value };
        if !claims.ids.contains(&claim) {
            claims.ids.push(claim);
        }
    }
}

fn operator_at(s: &System) -> Option<LatLon> {
    let (lat, lon) = s.operator_position()?;
    LatLon::new(lat, lon).ok()
}

/// Escaped text without its padding; `None` when empty.
pub(crate) fn shown(bytes: &[u8]) -> Option<String> {
    let t = text::printable(bytes);
    let t = t.trim_matches(' ');
    (!t.is_empty()).then(|| t.to_owned())
}
