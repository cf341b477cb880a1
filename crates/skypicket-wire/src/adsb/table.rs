//! [`Table`]: what is known of each aircraft that is heard, from one squitter to the next.
//!
//! Bounded: at most [`Table::MOST`] aircraft; when it is full the one that was silent longest goes. A position comes out of
//! an even and an odd report that are not far apart in time, or of one report near the last place; either only where the
//! aircraft could have got there.

use super::{
    aircraft::Aircraft,
    cpr::{self, Cpr, distance_m},
    message::{ModeS, Squitter},
};
use skypicket_model::Time;
use std::collections::BTreeMap;

/// An even and an odd report of the air go together when they are so near in time, seconds.
const PAIR_AIR_S: f64 = 10.0;
/// The same of the ground, where all are slow.
const PAIR_GROUND_S: f64 = 25.0;
/// A last place helps for so long, seconds.
const PLACE_S: f64 = 60.0;
/// What moved is still said for so long, seconds.
const MOTION_S: f64 = 10.0;
/// Fastest that an aircraft is believed to fly, m/s, with room for the errors of two positions.
const FASTEST_MPS: f64 = 1_000.0;
const ROOM_M: f64 = 2_000.0;
/// A pair and the last place agree within so much, metres.
const AGREE_M: f64 = 500.0;
/// After so many reports in a row that cannot be, the last place was wrong.
const MISSES: u8 = 3;
/// Farthest that a receiver hears, metres (radio horizon of the highest flyers), where its own place is known.
const FARTHEST_M: f64 = 600_000.0;

#[derive(Debug, Clone, Default)]
struct Entry {
    heard: Time,
    /// Even and odd report, with their time and whether they are of the ground.
    reports: [Option<(Cpr, Time, bool)>; 2],
    place: Option<((f64, f64), Time)>,
    motion: Option<Motion>,
    hae_minus_baro_m: Option<(f64, Time)>,
    callsign: Option<String>,
    category: Option<String>,
    squawk: Option<String>,
    nac_p: Option<u8>,
    emergency: bool,
    /// Reports in a row that could not be.
    misses: u8,
}

/// How it moves, and when it said so.
#[derive(Debug, Clone, Copy)]
struct Motion {
    speed_mps: Option<f64>,
    track_deg: Option<f64>,
    vertical_mps: Option<f64>,
    at: Time,
}

/// The aircraft by address.
#[derive(Debug, Default)]
pub struct Table {
    entries: BTreeMap<(bool, u32), Entry>,
}

impl Table {
    /// Most aircraft kept.
    pub const MOST: usize = 4_096;

    /// Takes a frame and gives the aircraft where a new position came out of it.
    pub fn hear(&mut self, m: &ModeS, now: Time, receiver: Option<(f64, f64)>) -> Option<Aircraft> {
        let key = (m.anonymous, m.icao);
        if !m.proven && !self.entries.contains_key(&key) {
            // The address of a reply is only what the parity yields.
            return None;
        }
        if !self.entries.contains_key(&key) {
            self.make_room();
        }
        let e = self.entries.entry(key).or_default();
        e.heard = now;
        if let Some(s) = &m.squawk {
            e.squawk = Some(s.clone());
        }
        let (on_ground, alt_baro_m, alt_hae_m, containment_m, report) = match m.squitter.as_ref()? {
            Squitter::Identification { category, callsign } => {
                e.category = Some(category.clone());
                e.callsign.clone_from(callsign);
                return None;
            }
            Squitter::Velocity { speed_mps, track_deg, vertical_mps, hae_minus_baro_m } => {
                let (speed_mps, track_deg, vertical_mps) = (*speed_mps, *track_deg, *vertical_mps);
                e.motion = Some(Motion { speed_mps, track_deg, vertical_mps, at: now });
                e.hae_minus_baro_m = hae_minus_baro_m.map(|d| (d, now));
                return None;
            }
            Squitter::Status { nac_p, .. } => {
                e.nac_p = *nac_p;
                return None;
            }
            Squitter::Emergency { state, squawk } => {
                e.emergency = *state != 0;
                e.squawk = Some(squawk.clone());
                return None;
            }
            Squitter::Other { .. } => return None,
            Squitter::Surface { speed_mps, track_deg, cpr, containment_m } => {
                let (speed_mps, track_deg) = (*speed_mps, *track_deg);
                e.motion = Some(Motion { speed_mps, track_deg, vertical_mps: Some(0.0), at: now });
                (true, None, None, *containment_m, *cpr)
            }
            Squitter::Airborne { alt_baro_m, alt_hae_m, cpr, containment_m, .. } => {
                (false, *alt_baro_m, *alt_hae_m, *containment_m, *cpr)
            }
        };
        if let Some(slot) = e.reports.get_mut(usize::from(report.odd)) {
            *slot = Some((report, now, on_ground));
        }
        let place = e.locate(report, now, on_ground, receiver)?;
        e.place = Some((place, now));
        let fresh = |t: Time| now.since_s(t) <= MOTION_S;
        let motion = e.motion.filter(|m| fresh(m.at));
        let difference = e.hae_minus_baro_m.filter(|d| fresh(d.1)).map(|d| d.0);
        Some(
            Aircraft {
                icao: (!m.anonymous).then_some(m.icao),
                address: Some(format!("{}{:06x}", if m.anonymous { "~" } else { "" }, m.icao)),
                callsign: e.callsign.clone(),
                squawk: e.squawk.clone(),
                category: e.category.clone(),
                on_ground: Some(on_ground),
                position: Some(place),
                alt_baro_m,
                alt_hae_m: alt_hae_m.or_else(|| Some(alt_baro_m? + difference?)),
                speed_mps: motion.and_then(|m| m.speed_mps),
                track_deg: motion.and_then(|m| m.track_deg),
                vertical_mps: motion.and_then(|m| m.vertical_mps),
                nac_p: e.nac_p,
                containment_m,
                via: Some(m.via),
                emergency: e.emergency.then(|| "emergency".to_owned()),
                ..Aircraft::default()
            }
            .checked(),
        )
    }

    /// Lets the one go that was silent longest.
    fn make_room(&mut self) {
        if self.entries.len() < Self::MOST {
            return;
        }
        let oldest = self.entries.iter().min_by_key(|(_, e)| e.heard).map(|(k, _)| *k);
        if let Some(k) = oldest {
            self.entries.remove(&k);
        }
    }

    /// How many are kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Nobody is kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Entry {
    /// The place of a report: near the last one where there is one, else by the pair. Where the two do not agree, or the
    /// aircraft keeps saying what it cannot reach, the last place was wrong and is forgotten.
    fn locate(&mut self, r: Cpr, now: Time, surface: bool, receiver: Option<(f64, f64)>) -> Option<(f64, f64)> {
        let can_be = |p: &(f64, f64)| receiver.is_none_or(|at| distance_m(at, *p) <= FARTHEST_M);
        let last = self.place.filter(|(_, t)| now.since_s(*t) <= PLACE_S);
        let near = last.map(|(p, _)| p).or(receiver);
        let pair = self.pair(r, now, surface, near).filter(can_be);
        let Some((place, t)) = last else {
            self.misses = 0;
            return pair;
        };
        let reach_m = ROOM_M + FASTEST_MPS * now.since_s(t).max(0.0);
        let reached = cpr::local(r, surface, place).filter(|p| distance_m(place, *p) <= reach_m).filter(can_be);
        let agreed = match (reached, pair) {
            (Some(p), Some(q)) => distance_m(p, q) <= AGREE_M,
            (one, _) => one.is_some(),
        };
        if agreed {
            self.misses = 0;
            return reached;
        }
        self.misses += 1;
        if self.misses >= MISSES {
            (self.place, self.misses) = (None, 0);
            self.reports = [None, None];
        }
        None
    }

    /// The place of the newest even and odd report together.
    fn pair(&self, newest: Cpr, now: Time, surface: bool, near: Option<(f64, f64)>) -> Option<(f64, f64)> {
        let pair_s = if surface { PAIR_GROUND_S } else { PAIR_AIR_S };
        let fits = |x: &&(Cpr, Time, bool)| now.since_s(x.1).abs() <= pair_s && x.2 == surface;
        let [even, odd] = &self.reports;
        let (even, odd) = (even.as_ref().filter(fits)?, odd.as_ref().filter(fits)?);
        cpr::global(even.0, odd.0, newest.odd, surface, near)
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{encode, encode_identification, encode_position};
    use super::*;

    fn at(s: f64) -> Time {
        Time::from_unix_s(1_700_000_000.0 + s).unwrap()
    }

    fn hear(t: &mut Table, frame: [u8; 14], s: f64) -> Option<Aircraft> {
        t.hear(&ModeS::decode(&frame).unwrap(), at(s), None)
    }

    #[test]
    fn a_position_needs_a_pair_then_one_report_is_enough() {
        let mut t = Table::default();
        hear(&mut t, encode_identification(0xA1B2C3, "B6", "UAV1"), 0.0);
        assert_eq!(hear(&mut t, encode_position(0xA1B2C3, 31.75, -106.5, 2_000.0, false), 0.0), None);
        let a = hear(&mut t, encode_position(0xA1B2C3, 31.7505, -106.5, 2_000.0, true), 1.0).unwrap();
        assert!(distance_m(a.position.unwrap(), (31.7505, -106.5)) < 10.0, "{a:?}");
        assert_eq!((a.icao, a.category.as_deref(), a.callsign.as_deref()), (Some(0xA1B2C3), Some("B6"), Some("UAV1")));
        assert!(a.is_uav() && (a.alt_baro_m.unwrap() - 609.6).abs() < 1e-6 && a.alt_hae_m.is_none());
        let a = hear(&mut t, encode_position(0xA1B2C3, 31.751, -106.5, 2_000.0, true), 2.0).unwrap();
        assert!(distance_m(a.position.unwrap(), (31.751, -106.5)) < 10.0);
    }

    #[test]
    fn the_difference_of_heights_makes_a_height_above_the_ellipsoid() {
        let mut t = Table::default();
        // Subtype 1, 100 kt east and 1 kt north, level, 275 feet above the pressure altitude.
        let me = 19 << 51 | 1 << 48 | 101 << 32 | 2 << 21 | 1 << 10 | 0xC;
        hear(&mut t, encode(1, me), 0.0);
        hear(&mut t, encode_position(1, 47.0, 8.0, 10_000.0, false), 0.5);
        let a = hear(&mut t, encode_position(1, 47.0, 8.0, 10_000.0, true), 1.0).unwrap();
        assert!((a.alt_hae_m.unwrap() - 10_275.0 * 0.3048).abs() < 1e-6, "{a:?}");
        assert!((a.speed_mps.unwrap() - 100.005 * 1852.0 / 3600.0).abs() < 1e-3, "{a:?}");
        // After ten seconds neither is said any more.
        let a = hear(&mut t, encode_position(1, 47.0, 8.0, 10_000.0, true), 11.0).unwrap();
        assert_eq!((a.alt_hae_m, a.speed_mps), (None, None));
    }

    #[test]
    fn old_halves_do_not_make_a_pair_and_a_jump_is_not_believed() {
        let mut t = Table::default();
        hear(&mut t, encode_position(1, 47.0, 8.0, 1_000.0, false), 0.0);
        assert_eq!(hear(&mut t, encode_position(1, 47.0, 8.0, 1_000.0, true), 11.0), None);
        assert!(hear(&mut t, encode_position(1, 47.0, 8.0, 1_000.0, false), 12.0).is_some());
        // 100 km away a second later: not believed, until it stays there.
        let odd = |k: u32| k % 2 == 1;
        let mut when = Vec::new();
        for k in 1..8 {
            let a = hear(&mut t, encode_position(1, 47.9, 8.0, 1_000.0, odd(k)), 12.0 + f64::from(k));
            if let Some(a) = a {
                assert!(distance_m(a.position.unwrap(), (47.9, 8.0)) < 10.0, "{a:?}");
                when.push(k);
            }
        }
        assert_eq!(when, [5, 6, 7]);
    }

    #[test]
    fn a_flood_of_addresses_is_bounded_and_the_silent_go_first() {
        let mut t = Table::default();
        for k in 0..10_000u32 {
            hear(&mut t, encode_identification(k, "A1", "X"), f64::from(k));
        }
        assert_eq!(t.len(), Table::MOST);
        assert!(!t.entries.contains_key(&(false, 5_000)) && t.entries.contains_key(&(false, 9_999)));
    }

    #[test]
    fn a_reply_makes_no_aircraft_by_itself() {
        let mut t = Table::default();
        let reply = ModeS::from_hex(b"2A00516D492B80").unwrap();
        assert_eq!(t.hear(&reply, at(0.0), None), None);
        assert!(t.is_empty());
    }
}
