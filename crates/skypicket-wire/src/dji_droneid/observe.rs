//! From a [`DroneId`] to an observation.

use super::{DroneId, FlightInfo, State};
use crate::remote_id::{
    observe::{Seen, position_without_accuracy, shown},
    text,
};
use skypicket_model::{
    Claims, LatLon,
    observation::{IdClaim, IdKind},
};

/// What the element makes: a position where the state bits call it valid, else a presence with its claims. Altitude,
/// height and velocity are of disputed units and are not used.
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
            if f.state.has(State::GPS) {
                measured = f.at.degrees().and_then(|(lat, lon)| position_without_accuracy(lat, lon, &mut flags));
            } else {
                flags.push("position_not_valid".to_owned());
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
