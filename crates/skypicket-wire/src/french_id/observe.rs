//! From a [`FrenchId`] to an observation.

use super::FrenchId;
use crate::remote_id::observe::{Seen, position_without_accuracy, shown};
use skypicket_model::{
    Claims, LatLon,
    observation::{IdClaim, IdKind},
};

/// What the message makes: a position where it has one, else a presence with its claims. The altitude is above the sea
/// by an unnamed surface, so the height of the position stays unknown.
pub fn observe(m: &FrenchId) -> Seen {
    let mut flags: Vec<String> = m.flags.words().map(str::to_owned).collect();
    let measured = m.position().and_then(|(lat, lon)| position_without_accuracy(lat, lon, &mut flags));
    let id = |kind, text: Option<&[u8]>| Some(IdClaim { kind, value: shown(text?)? });
    let ids = [
        id(IdKind::Serial, m.ansi_id.as_ref().map(|b| crate::remote_id::text::cut(b))),
        id(IdKind::Caa, m.fr_id.as_ref().map(|b| crate::remote_id::text::cut(b))),
    ];
    let claims = Claims {
        ids: ids.into_iter().flatten().collect(),
        velocity_enu_mps: velocity(m),
        height_takeoff_m: m.height_m.map(f64::from),
        operator_at: m.takeoff().filter(|p| *p != (0.0, 0.0)).and_then(|(lat, lon)| LatLon::new(lat, lon).ok()),
        ..Claims::default()
    };
    Seen { measured, claims, claimed_at: None, flags }
}

/// East, north, up; the scheme has no vertical speed.
fn velocity(m: &FrenchId) -> Option<[f64; 3]> {
    let speed = f64::from(m.speed_h_mps?);
    if m.speed_h_mps == Some(0) {
        return Some([0.0; 3]);
    }
    let course = f64::from(m.direction_deg()?).to_radians();
    Some([speed * libm::sin(course), speed * libm::cos(course), 0.0])
}
