//! From a [`DroneId`] to an observation.
//!
//! State bits call fields valid or not; what they mean is known from readers' code alone, and whoever makes drones up leaves
//! them as they come. So a claimed place is a claim also where its bit is missing: vague, and flagged.

use super::{DroneId, FlightInfo, State};
use crate::remote_id::{
    observe::{Seen, position_without_accuracy, shown},
    text,
};
use skypicket_model::{
    Claims, LatLon,
    observation::{IdClaim, IdKind},
};

/// One sigma of a place that the sender itself does not call valid, metres.
const SIGMA_NOT_VALID_M: f64 = 100.0;

/// What the element makes: a position with its claims; a presence where there is none. Altitude, height and velocity are of
/// disputed units and are not used.
pub fn observe(m: &DroneId) -> Seen {
    let mut flags: Vec<String> = m.flags().words().map(str::to_owned).collect();
    let serial = |bytes: &[u8]| shown(text::cut(bytes)).map(|value| IdClaim { kind: IdKind::Serial, value });
    let (mut claims, mut measured) = (Claims::default(), None);
    match m {
        DroneId::FlightPurpose(p) => claims.ids.extend(serial(&p.serial)),
        DroneId::FlightInfo(f) => {
            if f.state.has(State::SERIAL) {
                claims.ids.extend(serial(&f.serial));
            }
            claims.operator_at = operator_at(f);
            claims.status = match (f.state.has(State::IN_AIR), f.state.has(State::MOTORS)) {
                (true, _) => Some("airborne".to_owned()),
                (false, true) => Some("ground".to_owned()),
                (false, false) => None,
            };
            measured = f.at.degrees().and_then(|(lat, lon)| position_without_accuracy(lat, lon, &mut flags));
            if !f.state.has(State::GPS) {
                flags.push("position_not_valid".to_owned());
                if let Some((_, cov)) = &mut measured {
                    (cov[0][0], cov[1][1]) = (SIGMA_NOT_VALID_M.powi(2), SIGMA_NOT_VALID_M.powi(2));
                }
            }
        }
    }
    Seen { measured, claims, claimed_at: None, flags }
}

/// The pilot's app, where the version has it, else the home point where it is set.
fn operator_at(f: &FlightInfo) -> Option<LatLon> {
    let known = |p: &(f64, f64)| *p != (0.0, 0.0);
    let app = f.app().and_then(super::Angles::degrees).filter(known);
    let home = || f.home.degrees().filter(known).filter(|_| f.state.has(State::HOME));
    let (lat, lon) = app.or_else(home)?;
    LatLon::new(lat, lon).ok()
}
