//! Compact Position Reporting: 17 bits of latitude and longitude to a place (RTCA DO-260B A.1.7).
//!
//! One report says where in a zone the aircraft is, not in which zone. An even and an odd report together say it for the
//! whole Earth; a place near which it must be says it for one report alone.

use libm::{acos, cos, fabs, floor, sin};

/// Zones of latitude, even; odd has one less.
const NZ: f64 = 15.0;
/// 2¹⁷.
const SPAN: f64 = 131_072.0;

/// One report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cpr {
    /// Odd or even.
    pub odd: bool,
    /// 17 bits.
    pub lat: u32,
    /// 17 bits.
    pub lon: u32,
}

fn modulo(a: f64, b: f64) -> f64 {
    a - b * floor(a / b)
}

/// Zones of longitude at a latitude, 1 to 59.
pub fn zones(lat_deg: f64) -> f64 {
    let lat = fabs(lat_deg);
    if lat < 1e-9 {
        return 59.0;
    }
    if lat >= 87.0 {
        return if lat > 87.0 { 1.0 } else { 2.0 };
    }
    let c = cos(lat.to_radians());
    let a = 1.0 - (1.0 - cos(core::f64::consts::PI / (2.0 * NZ))) / (c * c);
    floor(2.0 * core::f64::consts::PI / acos(a))
}

/// Degrees of a whole turn that a report is about: a surface report covers a quarter, four times as finely.
fn turn(surface: bool) -> f64 {
    if surface { 90.0 } else { 360.0 }
}

/// The place of an even and an odd report, at the time of the newer one. `None` where they straddle a change of zones. A
/// surface pair needs a place `near` by less than 45 degrees, since it says the place only within a quarter of the Earth.
pub fn global(even: Cpr, odd: Cpr, newer_odd: bool, surface: bool, near: Option<(f64, f64)>) -> Option<(f64, f64)> {
    let turn = turn(surface);
    let (d_even, d_odd) = (turn / (4.0 * NZ), turn / (4.0 * NZ - 1.0));
    let (ye, yo) = (f64::from(even.lat) / SPAN, f64::from(odd.lat) / SPAN);
    let j = floor(59.0 * ye - 60.0 * yo + 0.5);
    let mut lat_even = d_even * (modulo(j, 60.0) + ye);
    let mut lat_odd = d_odd * (modulo(j, 59.0) + yo);
    if surface {
        let (near_lat, _) = near?;
        let fit = |lat: f64| if fabs(lat - near_lat) <= fabs(lat - 90.0 - near_lat) { lat } else { lat - 90.0 };
        (lat_even, lat_odd) = (fit(lat_even), fit(lat_odd));
    } else {
        for lat in [&mut lat_even, &mut lat_odd] {
            if *lat >= 270.0 {
                *lat -= 360.0;
            }
        }
    }
    if fabs(lat_even) > 90.0 || fabs(lat_odd) > 90.0 {
        return None;
    }
    let nl = zones(lat_even);
    if fabs(nl - zones(lat_odd)) > 0.5 {
        return None;
    }
    let (lat, x) = if newer_odd { (lat_odd, odd) } else { (lat_even, even) };
    let ni = (nl - if newer_odd { 1.0 } else { 0.0 }).max(1.0);
    let (xe, xo) = (f64::from(even.lon) / SPAN, f64::from(odd.lon) / SPAN);
    let m = floor(xe * (nl - 1.0) - xo * nl + 0.5);
    let mut lon = turn / ni * (modulo(m, ni) + f64::from(x.lon) / SPAN);
    if surface {
        let (_, near_lon) = near?;
        // Of the four quarters the nearest.
        lon += 90.0 * floor((near_lon - lon) / 90.0 + 0.5);
    }
    Some((lat, wrap(lon)))
}

/// Longitude within -180 to under 180.
fn wrap(lon: f64) -> f64 {
    modulo(lon + 180.0, 360.0) - 180.0
}

/// The place of one report that is nearest to `near`: right when the aircraft is within half a zone of it (180 nautical
/// miles in the air, 45 on the ground).
pub fn local(r: Cpr, surface: bool, near: (f64, f64)) -> Option<(f64, f64)> {
    let turn = turn(surface);
    let odd = if r.odd { 1.0 } else { 0.0 };
    let d_lat = turn / (4.0 * NZ - odd);
    let y = f64::from(r.lat) / SPAN;
    let j = floor(near.0 / d_lat) + floor(0.5 + modulo(near.0, d_lat) / d_lat - y);
    let lat = d_lat * (j + y);
    if fabs(lat) > 90.0 {
        return None;
    }
    let d_lon = turn / (zones(lat) - odd).max(1.0);
    let x = f64::from(r.lon) / SPAN;
    let m = floor(near.1 / d_lon) + floor(0.5 + modulo(near.1, d_lon) / d_lon - x);
    Some((lat, wrap(d_lon * (m + x))))
}

/// The report of a place, for tests and exercises.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // reduced to 17 bits first
pub fn encode(lat_deg: f64, lon_deg: f64, odd: bool, surface: bool) -> Cpr {
    let turn = turn(surface);
    let i = if odd { 1.0 } else { 0.0 };
    let bits = |v: f64, d: f64| modulo(floor(SPAN * modulo(v, d) / d + 0.5), SPAN) as u32;
    let d_lat = turn / (4.0 * NZ - i);
    let lat = bits(lat_deg, d_lat);
    // The latitude as a receiver will see it decides the zones of longitude.
    let seen = d_lat * (f64::from(lat) / SPAN + floor(lat_deg / d_lat));
    let d_lon = turn / (zones(seen) - i).max(1.0);
    Cpr { odd, lat, lon: bits(lon_deg, d_lon) }
}

/// Metres between two places, over a sphere: for judging whether a place can be.
pub(super) fn distance_m(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (la, lb) = (a.0.to_radians(), b.0.to_radians());
    let (dlat, dlon) = (lb - la, (b.1 - a.1).to_radians());
    let h = sin(dlat / 2.0).powi(2) + cos(la) * cos(lb) * sin(dlon / 2.0).powi(2);
    2.0 * 6_371_000.0 * libm::asin(libm::sqrt(h.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_published_example_comes_out() {
        // The pair that the literature decodes ("The 1090 Megahertz Riddle", airborne position).
        let even = Cpr { odd: false, lat: 93_000, lon: 51_372 };
        let odd = Cpr { odd: true, lat: 74_158, lon: 50_194 };
        let (lat, lon) = global(even, odd, false, false, None).unwrap();
        assert!((lat - 52.257_202_1).abs() < 1e-6 && (lon - 3.919_372_6).abs() < 1e-6, "{lat} {lon}");
        let (lat, lon) = local(even, false, (52.258, 3.918)).unwrap();
        assert!((lat - 52.257_202_1).abs() < 1e-6 && (lon - 3.919_372_6).abs() < 1e-6, "{lat} {lon}");
    }

    #[test]
    fn zones_are_those_of_the_table() {
        for (lat, n) in [
            (0.0, 59.0),
            (10.0, 59.0),
            (10.5, 58.0),
            (45.0, 42.0),
            (59.9, 30.0),
            (86.6, 2.0),
            (88.0, 1.0),
            (-45.0, 42.0),
        ] {
            assert!((zones(lat) - n).abs() < 0.1, "{lat} {}", zones(lat));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_comes_back_from_a_pair_and_from_nearby(
            lat in -86.0..86.0f64, lon in -179.99..179.99f64, newer_odd in any::<bool>(), surface in any::<bool>(),
            dlat in -0.3..0.3f64, dlon in -0.3..0.3f64,
        ) {
            let (even, odd) = (encode(lat, lon, false, surface), encode(lat, lon, true, surface));
            let near = (lat + dlat, lon + dlon);
            let close = |p: (f64, f64)| distance_m(p, (lat, lon)) < 10.0;
            if let Some(p) = global(even, odd, newer_odd, surface, Some(near)) {
                prop_assert!(close(p), "{p:?}");
            }
            let one = if newer_odd { odd } else { even };
            let p = local(one, surface, near).unwrap();
            prop_assert!(close(p), "{p:?} {lat} {lon}");
        }

        #[test]
        fn any_reports_give_a_place_on_earth_or_none(
            a in 0..131_072u32, b in 0..131_072u32, c in 0..131_072u32, d in 0..131_072u32, newer_odd in any::<bool>(),
            surface in any::<bool>(), near in (-90.0..90.0f64, -180.0..180.0f64),
        ) {
            let (even, odd) = (Cpr { odd: false, lat: a, lon: b }, Cpr { odd: true, lat: c, lon: d });
            for p in [global(even, odd, newer_odd, surface, Some(near)), local(even, surface, near), local(odd, surface, near)].into_iter().flatten() {
                prop_assert!(p.0.abs() <= 90.0 && p.1.abs() <= 180.0, "{p:?}");
            }
        }
    }
}
