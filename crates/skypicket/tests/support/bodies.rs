//! What clients send, as JSON: positions, sightings.

use super::{at, id, time_text};
use serde_json::{Value, json};

/// A position so far east and north of the scene's middle, at 1,200 m.
pub fn position(east_m: f64, north_m: f64) -> Value {
    let (lat, lon) = at(east_m, north_m);
    json!({
        "id": id(), "at": {"lat_deg": lat, "lon_deg": lon, "alt_hae_m": 1_200.0}, "accuracy_m": 8.0,
        "observed_at": time_text(0.0), "sent_at": time_text(0.0),
    })
}

/// A whole sighting: a multirotor seen from so far east and north of the scene's middle.
pub fn sighting(east_m: f64, north_m: f64, azimuth_deg: f64, range: &str) -> Value {
    let (lat, lon) = at(east_m, north_m);
    json!({
        "id": id(),
        "from": {"lat_deg": lat, "lon_deg": lon, "alt_hae_m": 1_200.0}, "from_accuracy_m": 8.0,
        "bearing": {"azimuth_deg": azimuth_deg, "how": "compass", "sigma_deg": 6.0},
        "range": range, "elevation_deg": 20.0, "kind": "multirotor", "count": 1, "activity": "approaching",
        "lights": true, "sound": false, "payload": null, "words": "over the wash, slow",
        "first_seen": time_text(-5.0), "last_seen": time_text(0.0), "sent_at": time_text(0.0),
    })
}
