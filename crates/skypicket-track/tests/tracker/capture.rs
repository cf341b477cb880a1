//! Real flights, as decoded by an independent decoder: one drone is one track, and none is suspect.

use crate::common::*;
use skypicket_model::{
    LatLon, Observation, Place, TrackState,
    kinematics::AirClass,
    observation::{IdClaim, IdKind},
};
use std::collections::BTreeSet;

/// The observations of a decoded capture: one per frame that has a position, or that only names.
fn observations(name: &str) -> Option<Vec<(f64, Observation)>> {
    let root = std::env::var("SKYPICKET_CORPUS")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").into());
    let path = format!("{root}/remote-id/captures/{name}.expected.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no corpus ({name})");
        return None;
    };
    let mut out = Vec::new();
    for line in text.lines() {
        let frame: serde_json::Value = serde_json::from_str(line).unwrap();
        let received = frame["time_unix"].as_f64().unwrap() - T0;
        let messages = frame["decoded"]["messages"].as_array().cloned().unwrap_or_default();
        let find = |what: &str| messages.iter().find(|m| m["msg"] == what);
        let location = find("location").filter(|l| l["lat_deg"].is_number() && l["lat_deg"].as_f64() != Some(0.0));
        let mut o = if let Some(l) = location {
            let at = Place::new(l["lat_deg"].as_f64().unwrap(), l["lon_deg"].as_f64().unwrap(), None).unwrap();
            let mut o = position("rid-1", received, at, 15.0);
            o.claims.height_takeoff_m = l["height_m"].as_f64();
            // The claimed second of the hour, in the hour that is nearest.
            if let Some(of_hour) = l["ts_after_hour_s"].as_f64() {
                let lag = ((received + T0).rem_euclid(3_600.0) - of_hour + 1_800.0).rem_euclid(3_600.0) - 1_800.0;
                o.claims.claimed_at = Some(time(received - lag));
                if (-1.0..=5.0).contains(&lag) {
                    o.observed_at = time(received - lag);
                }
            }
            o
        } else {
            let nothing = skypicket_model::Measurement::Presence { from: None, radius_m: None };
            observation("rid-1", received, nothing)
        };
        if let Some(system) = find("system")
            && let (Some(lat), Some(lon)) = (system["operator_lat_deg"].as_f64(), system["operator_lon_deg"].as_f64())
        {
            o.claims.operator_at = LatLon::new(lat, lon).ok();
        }
        if let Some(basic) = find("basic_id") {
            let value = basic["uas_id"].as_str().unwrap_or_default().to_owned();
            if !value.is_empty() && basic["id_type"] == 1 {
                o.claims.ids = vec![IdClaim { kind: IdKind::Serial, value }];
            }
            o.claims.class = (basic["ua_type"] == 2).then_some(AirClass::Rotor);
        }
        o.signal.transport = frame["transport"].as_str().map(Into::into);
        o.signal.address = frame["src"].as_str().map(Into::into);
        o.signal.rssi_dbm = frame["rssi_dbm"].as_f64();
        out.push((received, o));
    }
    Some(out)
}

/// Runs a capture through a tracker, with a tick each second.
fn run(name: &str) -> Option<(Desk, BTreeSet<String>, bool)> {
    let observations = observations(name)?;
    let (mut d, mut ids, mut suspect) = (Desk::new(), BTreeSet::new(), false);
    let mut second = observations.first().map_or(0.0, |o| o.0);
    for (received, o) in observations {
        while second < received {
            second += 1.0;
            suspect |= d.tracker.tick(time(second.min(received))).iter().any(|t| t.suspect);
        }
        for t in d.see(o, received) {
            suspect |= t.suspect;
            ids.insert(t.id.to_string());
            assert!(definite(&t) || t.state == TrackState::Deleted, "{t:?}");
        }
    }
    Some((d, ids, suspect))
}

#[test]
fn a_real_flight_is_one_confirmed_track_with_its_serial() {
    let Some((d, ids, suspect)) = run("parrot-anafi-real-a") else { return };
    let live = d.live();
    assert_eq!((live.len(), ids.len(), suspect), (1, 1, false), "{live:?}");
    let t = &live[0];
    let serial = t.id_of(IdKind::Serial).unwrap();
    assert_eq!((t.state, serial.value.as_str()), (TrackState::Confirmed, "1588E040445AC004418"));
    assert!(serial.p > 0.95 && t.evidence.is_empty() && t.class == Some(AirClass::Rotor));
    assert!(t.place.alt_hae_m.is_none() && t.height_takeoff_m.is_some());
    let last = place(47.1986478, 8.7301866, None);
    println!("parrot: {:.1} m from the last fix, {:?}", apart(t.place, last), t.vel_enu_mps);
    assert!(apart(t.place, last) < 8.0 && t.vel_enu_mps.iter().all(|v| v.abs() < 4.0));
}

#[test]
fn another_makers_beacon_is_one_confirmed_track() {
    let Some((d, ids, suspect)) = run("dji-air3-beacon") else { return };
    let live = d.live();
    assert_eq!((live.len(), ids.len(), suspect), (1, 1, false), "{live:?}");
    assert_eq!(live[0].state, TrackState::Confirmed);
    assert_eq!(live[0].id_of(IdKind::Serial).unwrap().value, "1581F6N8A23B2ML3Y3KR");
}

#[test]
fn genuine_senders_without_a_clock_are_not_suspect() {
    for name in ["espressif-beacon", "espressif-nan-and-beacon", "ble5-coded-a"] {
        let Some((d, ids, suspect)) = run(name) else { continue };
        println!("{name}: {} tracks in all, {} at the end", ids.len(), d.live().len());
        assert!(!suspect, "{name}: {:?}", d.live());
    }
}
