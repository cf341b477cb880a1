//! [`Place`] on the WGS-84 ellipsoid, the Earth-centred frame, and the local east-north-up frame [`Enu`].
//!
//! Latitude and longitude are geodetic degrees, height is metres above the ellipsoid (HAE). Constants: NGA.STND.0036
//! (WGS 84), table 3.1. Transcendental functions are `libm`'s, so that a result is the same on every platform.

use serde::{Deserialize, Serialize};

/// Semi-major axis, metres.
pub const WGS84_A: f64 = 6_378_137.0;
/// Flattening.
pub const WGS84_F: f64 = 1.0 / 298.257_223_563;
/// First eccentricity squared.
const E2: f64 = WGS84_F * (2.0 - WGS84_F);

/// A point on the ellipsoid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatLon {
    /// Geodetic latitude, degrees, -90 to 90, north positive.
    pub lat_deg: f64,
    /// Longitude, degrees, -180 to 180, east positive.
    pub lon_deg: f64,
}

/// A point with its height above the ellipsoid, where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Geodetic latitude, degrees, -90 to 90, north positive.
    pub lat_deg: f64,
    /// Longitude, degrees, -180 to 180, east positive.
    pub lon_deg: f64,
    /// Height above the WGS-84 ellipsoid, metres; `None` is unknown, never zero.
    #[serde(default)]
    pub alt_hae_m: Option<f64>,
}

/// Why a pair of numbers is no place on Earth.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NotAPlace {
    /// Latitude not finite or beyond ±90.
    #[error("latitude {0} is not within -90 to 90 degrees")]
    Latitude(f64),
    /// Longitude not finite or beyond ±180.
    #[error("longitude {0} is not within -180 to 180 degrees")]
    Longitude(f64),
    /// Height not finite or beyond ±100 km.
    #[error("height {0} is not within -100000 to 100000 m")]
    Height(f64),
}

impl LatLon {
    /// A checked point.
    pub fn new(lat_deg: f64, lon_deg: f64) -> Result<Self, NotAPlace> {
        if !(lat_deg.is_finite() && lat_deg.abs() <= 90.0) {
            return Err(NotAPlace::Latitude(lat_deg));
        }
        if !(lon_deg.is_finite() && lon_deg.abs() <= 180.0) {
            return Err(NotAPlace::Longitude(lon_deg));
        }
        Ok(Self { lat_deg, lon_deg })
    }
}

impl Place {
    /// A checked place.
    pub fn new(lat_deg: f64, lon_deg: f64, alt_hae_m: Option<f64>) -> Result<Self, NotAPlace> {
        LatLon::new(lat_deg, lon_deg)?;
        match alt_hae_m {
            Some(h) if !(h.is_finite() && h.abs() <= 100_000.0) => Err(NotAPlace::Height(h)),
            _ => Ok(Self { lat_deg, lon_deg, alt_hae_m }),
        }
    }

    /// Still a place, after coming from outside (serde does not check ranges).
    pub fn check(self) -> Result<Self, NotAPlace> {
        Self::new(self.lat_deg, self.lon_deg, self.alt_hae_m)
    }

    /// The point below or above it on the ellipsoid.
    pub fn lat_lon(self) -> LatLon {
        LatLon { lat_deg: self.lat_deg, lon_deg: self.lon_deg }
    }

    /// Horizontal distance in metres, and true bearing in degrees (0 ≤ b < 360), to `other`.
    ///
    /// Measured in the tangent plane at `self`: within 1 cm per 10 km of the geodesic up to 20 km, which covers all
    /// that is warned of; not for navigation across continents.
    pub fn distance_and_bearing(self, other: Self) -> (f64, f64) {
        let flat = |p: Self| Self { alt_hae_m: Some(0.0), ..p };
        let [e, n, _] = Enu::at(flat(self)).from_place(flat(other));
        (libm::hypot(e, n), bearing_deg(e, n))
    }

    /// MGRS text with 1 m digits ("13RCR5957115434"); `None` near the poles, where MGRS uses another grid.
    pub fn mgrs(self) -> Option<String> {
        // On the equator itself the library finds no row and panics (geoconvert 1.0.2): a tenth of a millimetre beside it.
        let lat_deg = if self.lat_deg.abs() < 1e-9 { 1e-9 } else { self.lat_deg };
        let ll = geoconvert::LatLon::create(lat_deg, self.lon_deg).ok()?;
        (self.lat_deg > -80.0 && self.lat_deg < 84.0)
            .then(|| ll.to_mgrs(5).to_string().trim_start_matches('0').to_owned())
    }

    /// From MGRS text, spaces allowed; the centre of the named square.
    pub fn from_mgrs(text: &str) -> Option<Self> {
        let compact: String =
            text.chars().filter(|c| !c.is_whitespace()).take(24).collect::<String>().to_ascii_uppercase();
        let ll = geoconvert::Mgrs::parse_str(&compact).ok()?.to_latlon();
        Self::new(ll.latitude(), ll.longitude(), None).ok()
    }
}

/// True bearing of the direction (east, north), degrees, 0 ≤ b < 360.
pub fn bearing_deg(east: f64, north: f64) -> f64 {
    let b = libm::atan2(east, north).to_degrees();
    let b = if b < 0.0 { b + 360.0 } else { b };
    if b >= 360.0 { 0.0 } else { b }
}

/// Earth-centred, Earth-fixed metres of a place; an unknown height counts as on the ellipsoid.
pub fn ecef(p: Place) -> [f64; 3] {
    let (lat, lon) = (p.lat_deg.to_radians(), p.lon_deg.to_radians());
    from_sines([libm::sin(lat), libm::cos(lat)], [libm::sin(lon), libm::cos(lon)], p.alt_hae_m.unwrap_or(0.0))
}

/// The same from sine and cosine of latitude and longitude.
fn from_sines([s, c]: [f64; 2], [sl, cl]: [f64; 2], h: f64) -> [f64; 3] {
    let n = WGS84_A / libm::sqrt(1.0 - E2 * s * s);
    [(n + h) * c * cl, (n + h) * c * sl, (n * (1.0 - E2) + h) * s]
}

/// The place at Earth-centred metres, by Bowring's 1985 start and two Newton-like steps (error below 1e-9 degree and
/// 1e-6 m from 10 km below to 100 km above the ellipsoid).
pub fn from_ecef([x, y, z]: [f64; 3]) -> Place {
    let b = WGS84_A * (1.0 - WGS84_F);
    let ep2 = E2 / (1.0 - E2);
    let p = libm::hypot(x, y);
    let lon = libm::atan2(y, x);
    let mut beta = libm::atan2(z * WGS84_A, p * b);
    let mut lat = 0.0;
    for _ in 0..3 {
        let (sb, cb) = (libm::sin(beta), libm::cos(beta));
        lat = libm::atan2(z + ep2 * b * sb * sb * sb, p - E2 * WGS84_A * cb * cb * cb);
        beta = libm::atan2((1.0 - WGS84_F) * libm::sin(lat), libm::cos(lat));
    }
    let (s, c) = (libm::sin(lat), libm::cos(lat));
    let n = WGS84_A / libm::sqrt(1.0 - E2 * s * s);
    // The longer leg of the triangle gives the height without losing digits near the poles or the equator.
    let h = if c > 0.5 { p / c - n } else { z / s - n * (1.0 - E2) };
    Place { lat_deg: lat.to_degrees(), lon_deg: lon.to_degrees(), alt_hae_m: Some(h) }
}

/// A local frame: metres east, north and up of an origin, in the plane that touches the ellipsoid's parallel there.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Enu {
    origin: Place,
    centre: [f64; 3],
    /// Rows: east, north, up as Earth-centred unit vectors.
    axes: [[f64; 3]; 3],
}

impl Enu {
    /// The frame at `origin`; an unknown height counts as on the ellipsoid.
    pub fn at(origin: Place) -> Self {
        let (lat, lon) = (origin.lat_deg.to_radians(), origin.lon_deg.to_radians());
        let (sp, cp, sl, cl) = (libm::sin(lat), libm::cos(lat), libm::sin(lon), libm::cos(lon));
        let centre = from_sines([sp, cp], [sl, cl], origin.alt_hae_m.unwrap_or(0.0));
        Self { origin, centre, axes: [[-sl, cl, 0.0], [-sp * cl, -sp * sl, cp], [cp * cl, cp * sl, sp]] }
    }

    /// The origin.
    pub fn origin(&self) -> Place {
        self.origin
    }

    /// The frame's east, north and up as Earth-centred unit vectors, in that order.
    pub fn axes(&self) -> &[[f64; 3]; 3] {
        &self.axes
    }

    /// The rotation that turns a vector given in `other`'s axes into this frame's: `[i][j]` = this axis i · other's j.
    pub fn turn_from(&self, other: &Self) -> [[f64; 3]; 3] {
        self.axes.map(|a| other.axes.map(|b| a[0] * b[0] + a[1] * b[1] + a[2] * b[2]))
    }

    /// A point given in `other`'s metres, in this frame's: no angle in between, so exact anywhere and cheap.
    pub fn carry(&self, other: &Self, [e, n, u]: [f64; 3]) -> [f64; 3] {
        let d: [f64; 3] = std::array::from_fn(|k| {
            other.centre[k] - self.centre[k] + other.axes[0][k] * e + other.axes[1][k] * n + other.axes[2][k] * u
        });
        self.axes.map(|a| a[0] * d[0] + a[1] * d[1] + a[2] * d[2])
    }

    /// Metres east, north, up of the origin; a place of unknown height is taken at the origin's height.
    #[allow(clippy::wrong_self_convention)] // reads as the frame's conversion, with `to_place`
    pub fn from_place(&self, p: Place) -> [f64; 3] {
        let h = p.alt_hae_m.or(self.origin.alt_hae_m).unwrap_or(0.0);
        let q = ecef(Place { alt_hae_m: Some(h), ..p });
        let d = [q[0] - self.centre[0], q[1] - self.centre[1], q[2] - self.centre[2]];
        self.axes.map(|a| a[0] * d[0] + a[1] * d[1] + a[2] * d[2])
    }

    /// The place at metres east, north, up of the origin.
    pub fn to_place(&self, [e, n, u]: [f64; 3]) -> Place {
        let x = |k: usize| self.centre[k] + self.axes[0][k] * e + self.axes[1][k] * n + self.axes[2][k] * u;
        from_ecef([x(0), x(1), x(2)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use geographiclib_rs::{Geodesic, InverseGeodesic};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn earth_centred_and_back(lat in -89.9..89.9f64, lon in -180.0..180.0f64, h in -9_000.0..90_000.0f64) {
            let p = Place { lat_deg: lat, lon_deg: lon, alt_hae_m: Some(h) };
            let q = from_ecef(ecef(p));
            prop_assert!((p.lat_deg - q.lat_deg).abs() < 1e-9);
            prop_assert!((p.lon_deg - q.lon_deg).abs() < 1e-9);
            prop_assert!((h - q.alt_hae_m.unwrap()).abs() < 1e-6, "{h} {q:?}");
        }

        /// Against an independent implementation (Karney's geodesics).
        #[test]
        fn distance_and_bearing_agree_with_geodesics(
            lat in -75.0..75.0f64, lon in -179.0..179.0f64, az in 0.0..360.0f64, d in 1.0..20_000.0f64,
        ) {
            use geographiclib_rs::DirectGeodesic;
            let (lat2, lon2): (f64, f64) = Geodesic::wgs84().direct(lat, lon, az, d);
            let (a, b) = (Place::new(lat, lon, None).unwrap(), Place::new(lat2, lon2, None).unwrap());
            let (got, bearing) = a.distance_and_bearing(b);
            prop_assert!((got - d).abs() < 0.01 + d * 3e-6, "{got} {d}");
            let off = (bearing - az + 540.0) % 360.0 - 180.0;
            prop_assert!(off.abs() * d.to_radians() < 0.1 + d * 1e-5, "{bearing} {az}");
        }

        #[test]
        fn local_frame_and_back(
            lat in -80.0..80.0f64, lon in -180.0..180.0f64,
            e in -30_000.0..30_000.0f64, n in -30_000.0..30_000.0f64, u in -500.0..5_000.0f64,
        ) {
            let f = Enu::at(Place { lat_deg: lat, lon_deg: lon, alt_hae_m: Some(1_200.0) });
            let back = f.from_place(f.to_place([e, n, u]));
            for (a, b) in back.iter().zip([e, n, u]) {
                prop_assert!((a - b).abs() < 1e-5, "{back:?}");
            }
        }

        #[test]
        fn carrying_between_frames_is_the_same_point_and_turning_keeps_lengths(
            lat in -89.0..89.0f64, lon in -180.0..180.0f64, dlat in -0.5..0.5f64, dlon in -0.5..0.5f64,
            e in -30_000.0..30_000.0f64, n in -30_000.0..30_000.0f64, u in -500.0..5_000.0f64,
        ) {
            let a = Enu::at(Place { lat_deg: lat, lon_deg: lon, alt_hae_m: Some(300.0) });
            let b = Enu::at(Place { lat_deg: lat + dlat, lon_deg: lon + dlon, alt_hae_m: Some(900.0) });
            let direct = b.carry(&a, [e, n, u]);
            let around = b.from_place(a.to_place([e, n, u]));
            for (x, y) in direct.iter().zip(around) {
                prop_assert!((x - y).abs() < 1e-5, "{direct:?} {around:?}");
            }
            for row in b.turn_from(&a) {
                prop_assert!((row.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }

        #[test]
        fn mgrs_names_the_metre_square(lat in -79.0..83.0f64, lon in -179.9..179.9f64) {
            let p = Place::new(lat, lon, None).unwrap();
            let q = Place::from_mgrs(&p.mgrs().unwrap()).unwrap();
            let d: f64 = Geodesic::wgs84().inverse(lat, lon, q.lat_deg, q.lon_deg);
            prop_assert!(d < 1.5, "{d}");
        }
    }

    #[test]
    fn mgrs_of_a_known_place() {
        // NGA.STND.0037's own example square for Honolulu: zone 4, band Q, 100 km square FJ.
        let honolulu = Place::new(21.309_444, -157.916_944, None).unwrap().mgrs().unwrap();
        assert!(honolulu.starts_with("4QFJ") && honolulu.len() == 14, "{honolulu}");
        // On the equator, 2.5 degrees west of the middle of zone 31: easting 500,000 - 278,276.5 m (Snyder 1987, eq. 8-9).
        assert_eq!(Place::new(0.0, 0.5, None).unwrap().mgrs().as_deref(), Some("31NBA2172300000"), "on the equator");
        assert!(Place::from_mgrs("not a grid").is_none());
        assert!(Place::new(85.0, 0.0, None).unwrap().mgrs().is_none());
    }

    #[test]
    fn no_place_is_made_from_nonsense() {
        assert!(Place::new(f64::NAN, 0.0, None).is_err());
        assert!(Place::new(0.0, 181.0, None).is_err());
        assert!(Place::new(0.0, 0.0, Some(f64::INFINITY)).is_err());
    }
}
