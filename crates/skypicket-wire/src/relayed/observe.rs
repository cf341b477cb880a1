//! From relayed messages to an [`Observation`]: what was measured apart from what is only claimed.

use super::{BasicId, Flags, Location, Message, Reception, System, add};
use crate::{
    feed::Moment,
    remote_id::{
        self,
        observe::{SIGMA_UNKNOWN_M, class_of, nearest_hour},
        text,
    },
};
use skypicket_model::{
    Claims, LatLon, Measurement, Observation, ObservationId, Place, Signal, Time,
    kinematics::AirClass,
    observation::{IdClaim, IdKind},
};

/// A receiver's own time is used while it lies so many seconds before the receipt; also the age at which a message that a
/// broker kept is too old to be news.
pub const STALE_S: f64 = 60.0;
/// Transport of what a gateway relays without saying how it was heard.
const RELAYED: &str = "relayed";
/// A receiver's clock may be ahead of ours by so much, seconds.
const AHEAD_S: f64 = 2.0;
/// A claimed time of hour is used while it lies so many seconds before or after the reception.
const LAG_S: std::ops::RangeInclusive<f64> = -1.0..=5.0;
/// A circle of radius `2.45 σ` holds 95 % of a two-dimensional normal (the root of χ²₂ at 0.95).
const SIGMAS_95_PLANE: f64 = 2.45;
/// ±1.96 σ holds 95 % of a normal.
const SIGMAS_95_LINE: f64 = 1.96;

/// The observation that relayed messages of one aircraft make: a position where a Location has one, else a presence with
/// its claims. `None` where nothing was said of any drone (aircraft and receivers are told elsewhere).
///
/// With two of a kind the first counts, and a flag says so. The receiver's own time stands for the receipt where it is
/// plausible, since a broker may have held the message; the time of the position is used where it is plausible against
/// that.
pub fn observe(messages: &[Message], reception: &Reception, at: &mut Moment<'_>) -> Option<Observation> {
    let mut flags = Flags::new();
    let mut claims = Claims::default();
    let (mut location, mut around, mut any) = (None::<&Location>, None, false);
    for m in messages {
        match m {
            Message::BasicId(b) => claim_identity(&mut claims, b),
            Message::Location(l) if location.is_some_and(|first| first != &**l) => {
                add(&mut flags, "conflict_location");
            }
            Message::Location(l) => location = Some(l),
            Message::SelfId(s) if claims.text.is_none() => claims.text = shown(text::cut(&s.desc)),
            Message::OperatorId(o) if claims.operator_id.is_none() => claims.operator_id = shown(text::cut(&o.id)),
            Message::System(s) if claims.operator_at.is_none() => claims.operator_at = operator_at(s),
            Message::RadioSignal(s) => {
                claims.class = (s.kind.as_deref() == Some("fpv")).then_some(AirClass::Fpv);
                around = s.around.and_then(|(lat, lon)| Place::new(lat, lon, None).ok()).map(|p| (p, s.radius_m));
            }
            Message::Aircraft(_) | Message::Status(_) => continue,
            _ => {}
        }
        any = true;
        for f in m.flags() {
            add(&mut flags, f);
        }
    }
    if !any {
        return None;
    }
    claims.auth_types = whole_sets(messages);
    let heard_at = heard_at(reception, at.received_at, &mut flags);
    let receiver_at = reception.receiver_at.or(at.receiver_at);
    let mut observed_at = heard_at;
    let (from, radius_m) = around.map_or((receiver_at, None), |(p, r)| (Some(p), r));
    let mut measurement = Measurement::Presence { from, radius_m: radius_m.filter(|r| *r > 0.0) };
    if let Some(l) = location {
        claim_motion(&mut claims, l);
        let (claimed, lag) = match (l.at, l.ts_after_hour_s) {
            (Some(t), _) => (Some(t), -AHEAD_S..=STALE_S),
            (None, Some(s)) => (Some(time_of_hour(heard_at, s)), LAG_S),
            (None, None) => (None, LAG_S),
        };
        claims.claimed_at = claimed;
        if let Some(t) = claimed {
            if lag.contains(&heard_at.since_s(t)) {
                observed_at = t.min(at.received_at);
            } else {
                add(&mut flags, "clock_suspect");
            }
        }
        if let Some((place, cov_enu_m2)) = measured(l, &mut flags) {
            measurement = Measurement::Position { at: place, cov_enu_m2 };
        }
    }
    flags.sort_unstable();
    Some(Observation {
        id: ObservationId((at.new_id)()),
        source: at.source.clone(),
        observed_at,
        received_at: at.received_at,
        measurement,
        claims,
        signal: Signal {
            // Where the gateway does not say how it was heard, that is all that is known.
            transport: reception.transport.clone().or_else(|| Some(RELAYED.to_owned())),
            address: reception.address.clone(),
            rssi_dbm: reception.rssi_dbm.filter(|r| r.is_finite()),
            counter: reception.counter,
            receiver_at,
        },
        sighting: None,
        flags: flags.into_iter().map(str::to_owned).collect(),
    })
}

/// Types of the authentication sets of which every page is there.
fn whole_sets(messages: &[Message]) -> Vec<u8> {
    let pages = || messages.iter().filter_map(|m| if let Message::Authentication(a) = m { Some(a) } else { None });
    let has = |auth_type, page| pages().any(|a| a.auth_type == Some(auth_type) && a.page == page);
    let mut types: Vec<u8> = pages()
        .filter(|a| !a.flags.contains(&"auth_page_refused"))
        .filter_map(|a| a.auth_type.zip(a.first))
        .filter(|(auth_type, (last, _, _))| (1..=*last).all(|page| has(*auth_type, page)))
        .map(|(auth_type, _)| auth_type)
        .collect();
    types.sort_unstable();
    types.dedup();
    types
}

/// The receiver's own time of a reception where it is plausible, else ours.
fn heard_at(reception: &Reception, received_at: Time, flags: &mut Flags) -> Time {
    match reception.at {
        Some(t) if (-AHEAD_S..=STALE_S).contains(&received_at.since_s(t)) => t.min(received_at),
        Some(_) => {
            add(flags, "receiver_clock_suspect");
            received_at
        }
        None => received_at,
    }
}

/// The instant of a time of hour that is nearest to `near`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 36000 by the clamp
fn time_of_hour(near: Time, after_hour_s: f64) -> Time {
    nearest_hour(near, libm::round(after_hour_s * 10.0).clamp(0.0, 36_000.0) as u16)
}

fn measured(l: &Location, flags: &mut Flags) -> Option<(Place, [[f64; 3]; 3])> {
    let (lat, lon) = l.position?;
    let place = Place::new(lat, lon, l.alt_geo_m).ok()?;
    let sigma_h = l.horizontal_bound_m().map(|b| b / SIGMAS_95_PLANE);
    let sigma_v = l.vertical_bound_m().map(|b| b / SIGMAS_95_LINE);
    if sigma_h.is_none() || (place.alt_hae_m.is_some() && sigma_v.is_none()) {
        add(flags, "accuracy_unknown");
    }
    let var_h = sigma_h.unwrap_or(SIGMA_UNKNOWN_M).powi(2);
    let var_v = place.alt_hae_m.map_or(0.0, |_| sigma_v.unwrap_or(SIGMA_UNKNOWN_M).powi(2));
    Some((place, [[var_h, 0.0, 0.0], [0.0, var_h, 0.0], [0.0, 0.0, var_v]]))
}

fn claim_motion(claims: &mut Claims, l: &Location) {
    claims.velocity_enu_mps = velocity(l.speed_h_mps, l.direction_deg, l.speed_v_mps);
    match l.height_ref {
        Some(0) => claims.height_takeoff_m = l.height_m,
        Some(1) => claims.height_agl_m = l.height_m,
        _ => {}
    }
    claims.alt_baro_m = l.alt_baro_m;
    let words = ["undeclared", "ground", "airborne", "emergency", "rid_failure"];
    claims.status = l.status.and_then(|s| words.get(usize::from(s))).map(|w| (*w).to_owned());
}

/// East, north, up; needs the ground speed, and its direction unless it stands still.
pub(crate) fn velocity(speed_mps: Option<f64>, course_deg: Option<f64>, up_mps: Option<f64>) -> Option<[f64; 3]> {
    let speed = speed_mps?;
    let up = up_mps.unwrap_or(0.0);
    if speed.abs() < 1e-9 {
        return Some([0.0, 0.0, up]);
    }
    let course = course_deg?.to_radians();
    Some([speed * libm::sin(course), speed * libm::cos(course), up])
}

fn claim_identity(claims: &mut Claims, b: &BasicId) {
    if claims.class.is_none() {
        claims.class = b.ua_type.and_then(class_of);
    }
    let binary = |bytes: &[u8]| bytes.iter().any(|x| *x != 0).then(|| text::hex(bytes));
    let claim = match b.id_type {
        // A receiver that does not say of which register an id is: serial numbers are what nearly all send.
        Some(remote_id::BasicId::SERIAL) | None => shown(&b.id).map(|v| (IdKind::Serial, v)),
        Some(remote_id::BasicId::CAA) => shown(&b.id).map(|v| (IdKind::Caa, v)),
        Some(remote_id::BasicId::UTM) => binary(b.id.get(..16).unwrap_or(&b.id)).map(|v| (IdKind::Utm, v)),
        Some(remote_id::BasicId::SESSION) => binary(&b.id).map(|v| (IdKind::Session, v)),
        Some(_) => None,
    };
    if let Some((kind, value)) = claim {
        let claim = IdClaim { kind, value };
        if !claims.ids.contains(&claim) && claims.ids.len() < 5 {
            claims.ids.push(claim);
        }
    }
}

fn operator_at(s: &System) -> Option<LatLon> {
    let (lat, lon) = s.operator.or(s.home)?;
    LatLon::new(lat, lon).ok()
}

/// Escaped text without its padding; `None` when empty.
pub(crate) fn shown(bytes: &[u8]) -> Option<String> {
    let t = text::printable(bytes);
    let t = t.trim_matches(' ');
    (!t.is_empty()).then(|| t.to_owned())
}
