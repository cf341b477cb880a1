//! The configuration of a [`crowd`](super::crowd): sites on a grid 2 km apart, so many people of a unit at each, one
//! watch officer; and the drones that come to them.

#![allow(clippy::unwrap_used)] // a bench: a failure ends it
#![allow(unreachable_pub)] // `pub` marks what it offers the benches

use super::support::Scene;
use skypicket_model::{
    Claims, Measurement, Observation, ObservationId, Place, Signal, SourceId, Time,
    kinematics::AirClass,
    observation::{IdClaim, IdKind},
};
use std::fmt::Write as _;

/// Metres of a degree of longitude and of latitude there.
const LON_M: f64 = 94_700.0;
const LAT_M: f64 = 110_900.0;
/// Sites in a row.
const ROW: u32 = 500;
/// Metres between sites.
const APART_M: f64 = 2_000.0;

fn place(site: u32, north_m: f64, up_m: f64) -> Place {
    let (east, row) = (f64::from(site % ROW) * APART_M, f64::from(site / ROW) * APART_M);
    Place { lat_deg: 31.76 + (row + north_m) / LAT_M, lon_deg: -112.0 + east / LON_M, alt_hae_m: Some(1_130.0 + up_m) }
}

/// People `p0` … of `people`, so many at each site; whoever is silent is nobody's worry for an hour, so that what is
/// measured is the warnings and not their escalation.
pub fn scene(people: u32, at_each: u32) -> Scene {
    let mut scene = Scene::new();
    let mut text = format!(
        "[record]\nreserve_mib = 8\n[[agency]]\nid = \"sector\"\nname = \"Sector\"\n\
         [[unit]]\nid = \"centre\"\nname = \"Centre\"\nagency = \"sector\"\nleadership = []\n\
         [[person]]\nid = \"watch-1\"\nname = \"Watch\"\nunit = \"centre\"\nroles = [\"watch\", \"administrator\"]\n\
         [[source.tcp]]\nid = \"border\"\nlisten = \"{}\"\n\
         [policy.dispatch]\nacknowledge_s = {{ urgent = 3600.0, caution = 3600.0, advisory = 3600.0 }}\n\
         centre_s = 3600.0\n",
        scene.tcp
    );
    for site in 0..people.div_ceil(at_each) {
        let p = place(site, 0.0, 0.0);
        let _ = write!(
            text,
            "[[unit]]\nid = \"u{site}\"\nname = \"Unit {site}\"\nagency = \"sector\"\nleadership = []\n\
             [[site]]\nid = \"site{site}\"\nname = \"Post {site}\"\n\
             at = {{ lat_deg = {:.7}, lon_deg = {:.7}, alt_hae_m = 1130.0 }}\nstandoff_m = 150.0\nunit = \"u{site}\"\n",
            p.lat_deg, p.lon_deg
        );
    }
    for k in 0..people {
        let _ = write!(
            text,
            "[[person]]\nid = \"p{k}\"\nname = \"Picket {k}\"\nunit = \"u{}\"\nroles = [\"field\"]\n",
            k / at_each
        );
    }
    scene.text = text;
    scene
}

/// The observation of a new drone, numbered `n`, 60 m from a site: the one that decides a warning.
pub fn intruder(site: u32, n: u32, at: Time) -> Observation {
    Observation {
        id: ObservationId(uuid::Uuid::now_v7()),
        source: SourceId::new("border").unwrap(),
        observed_at: at,
        received_at: at,
        measurement: Measurement::Position {
            at: place(site, 50.0, 35.0),
            cov_enu_m2: [[16.0, 0.0, 0.0], [0.0, 16.0, 0.0], [0.0, 0.0, 16.0]],
        },
        claims: Claims {
            ids: vec![IdClaim { kind: IdKind::Serial, value: format!("SKPK9XN{n:07}") }],
            class: Some(AirClass::Rotor),
            velocity_enu_mps: Some([0.0, -3.0, 0.0]),
            ..Claims::default()
        },
        signal: Signal { transport: Some("json".into()), ..Signal::default() },
        sighting: None,
        flags: Vec::new(),
    }
}
