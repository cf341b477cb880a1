//! Quantities that several messages code in one way: altitudes and positions.

use super::flags::Flags;

/// Largest raw latitude, 1e-7 degrees.
const LAT_MAX: i32 = 900_000_000;
/// Largest raw longitude, 1e-7 degrees.
const LON_MAX: i32 = 1_800_000_000;

/// Raw altitude or height to metres: half metres above -1000 m; raw 0 is unknown.
#[inline]
pub(crate) fn altitude_m(raw: u16) -> Option<f64> {
    (raw != 0).then(|| f64::from(raw) * 0.5 - 1000.0)
}

/// Metres to the nearest raw altitude; -999.5 to 31767.5 m, beyond is clamped; `None` is 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to u16 first
pub(crate) fn altitude_raw(m: Option<f64>) -> u16 {
    m.filter(|m| m.is_finite()).map_or(0, |m| libm::round((m + 1000.0) * 2.0).clamp(1.0, 65_535.0) as u16)
}

/// Raw 1e-7 degrees to degrees, when in range; both 0 is unknown.
#[inline]
pub(crate) fn position(lat_e7: i32, lon_e7: i32) -> Option<(f64, f64)> {
    let known = (lat_e7 != 0 || lon_e7 != 0) && position_findings(lat_e7, lon_e7).is_empty();
    known.then(|| (f64::from(lat_e7) / 1e7, f64::from(lon_e7) / 1e7))
}

/// The findings about a raw position.
#[inline]
pub(crate) fn position_findings(lat_e7: i32, lon_e7: i32) -> Flags {
    Flags::LAT_OUT_OF_RANGE
        .when(lat_e7.unsigned_abs() > LAT_MAX.unsigned_abs())
        .with(Flags::LON_OUT_OF_RANGE.when(lon_e7.unsigned_abs() > LON_MAX.unsigned_abs()))
}

/// Degrees to the nearest raw position, clamped. The point 0, 0 itself would say "unknown": it moves east by 1 cm.
#[allow(clippy::cast_possible_truncation)] // clamped to i32 first
pub(crate) fn position_raw(lat_deg: f64, lon_deg: f64) -> (i32, i32) {
    let raw = |deg: f64, max: i32| libm::round(deg * 1e7).clamp(f64::from(-max), f64::from(max)) as i32;
    match (raw(lat_deg, LAT_MAX), raw(lon_deg, LON_MAX)) {
        (0, 0) => (0, 1),
        p => p,
    }
}
