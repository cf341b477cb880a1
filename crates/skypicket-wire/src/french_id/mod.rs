//! [`FrenchId`]: what a drone says of itself under the French national scheme (order of 27 December 2019; spec section
//! 9.5): a vendor element of Wi-Fi beacons, with typed fields in big-endian order.
//!
//! Its altitude is above the sea by a surface that the element does not name: it is never taken for a height above the
//! ellipsoid. Its height is above the take-off point. Everything is a claim, and nothing is signed.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod observe;

use crate::remote_id::{
    error::{DecodeError, ErrorKind},
    flags::Flags,
    render, text,
};
use serde_json::{Value, json};

pub use observe::observe;

/// OUI and type of the element, with which its content begins.
pub const START: [u8; 4] = [0x6A, 0x5C, 0x35, 0x01];
/// Largest raw latitude, 1e-5 degrees.
const LAT_MAX: u32 = 9_000_000;
/// Largest raw longitude, 1e-5 degrees.
const LON_MAX: u32 = 18_000_000;

/// The fields of one element; each is there or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrenchId {
    /// Type 1: version of the scheme; 1 is the only one assigned.
    pub version: Option<u8>,
    /// Type 2: the French identifier of 30 characters, NUL-padded: maker (3), model (3), serial (24).
    pub fr_id: Option<[u8; 30]>,
    /// Type 3: ANSI/CTA-2063-A serial number, NUL-padded here.
    pub ansi_id: Option<[u8; 20]>,
    /// Types 4 and 5: latitude, 1e-5 degrees.
    pub lat_e5: Option<i32>,
    /// Longitude, 1e-5 degrees.
    pub lon_e5: Option<i32>,
    /// Type 6: altitude above the sea, metres; which surface is not said.
    pub alt_m: Option<i16>,
    /// Type 7: height above the take-off point, metres.
    pub height_m: Option<i16>,
    /// Types 8 and 9: latitude of the take-off point, 1e-5 degrees.
    pub takeoff_lat_e5: Option<i32>,
    /// Longitude of the take-off point, 1e-5 degrees.
    pub takeoff_lon_e5: Option<i32>,
    /// Type 10: ground speed, m/s.
    pub speed_h_mps: Option<u8>,
    /// Type 11: course over ground from true north, degrees.
    pub course_raw: Option<u16>,
    /// Findings.
    pub flags: Flags,
}

/// What came out of one element: the fields that were whole, and the first thing that was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded {
    /// The message; `None` when the bytes are not of this scheme.
    pub message: Option<FrenchId>,
    /// A field that passes the end; what stood before it is salvaged.
    pub error: Option<DecodeError>,
}

/// Decodes the content of the element, from its OUI on. A field past the end stops the walk.
pub fn decode(b: &[u8]) -> Decoded {
    let Some(mut rest) = b.strip_prefix(&START) else {
        return Decoded { message: None, error: Some(ErrorKind::NotA("a French identification element").at(0)) };
    };
    let mut m = FrenchId::default();
    let mut error = None;
    let mut at = START.len();
    let mut seen = 0u16;
    while let Some((&kind, after)) = rest.split_first() {
        let field = after.split_first().and_then(|(&len, values)| values.split_at_checked(usize::from(len)));
        let Some((value, next)) = field else {
            error = Some(ErrorKind::BadLength("a field").at(at));
            break;
        };
        let bit = 1u16.checked_shl(kind.into()).unwrap_or(0);
        if seen & bit != 0 {
            m.flags |= Flags::FIELD_REPEATED;
        } else {
            seen |= bit;
            m.take(kind, value);
        }
        at += 2 + value.len();
        rest = next;
    }
    m.judge();
    Decoded { message: Some(m), error }
}

impl FrenchId {
    fn take(&mut self, kind: u8, value: &[u8]) {
        let fits = match kind {
            1 => set(&mut self.version, value, u8::from_be_bytes),
            2 => text_field(&mut self.fr_id, value),
            3 => text_field(&mut self.ansi_id, value),
            4 => set(&mut self.lat_e5, value, i32::from_be_bytes),
            5 => set(&mut self.lon_e5, value, i32::from_be_bytes),
            6 => set(&mut self.alt_m, value, i16::from_be_bytes),
            7 => set(&mut self.height_m, value, i16::from_be_bytes),
            8 => set(&mut self.takeoff_lat_e5, value, i32::from_be_bytes),
            9 => set(&mut self.takeoff_lon_e5, value, i32::from_be_bytes),
            10 => set(&mut self.speed_h_mps, value, u8::from_be_bytes),
            11 => set(&mut self.course_raw, value, u16::from_be_bytes),
            _ => {
                self.flags |= Flags::FIELD_UNKNOWN;
                true
            }
        };
        self.flags |= Flags::FIELD_LENGTH.when(!fits);
    }

    /// Flags what is doubtful about the values.
    fn judge(&mut self) {
        let far = |v: Option<i32>, max: u32| v.is_some_and(|v| v.unsigned_abs() > max);
        let mut f = Flags::VERSION_UNASSIGNED.when(self.version != Some(1));
        f |= Flags::LAT_OUT_OF_RANGE.when(far(self.lat_e5, LAT_MAX));
        f |= Flags::LON_OUT_OF_RANGE.when(far(self.lon_e5, LON_MAX));
        f |= Flags::TAKEOFF_OUT_OF_RANGE.when(far(self.takeoff_lat_e5, LAT_MAX) || far(self.takeoff_lon_e5, LON_MAX));
        f |= Flags::DIRECTION_OUT_OF_RANGE.when(self.course_raw.is_some_and(|c| c > 359));
        for id in [self.fr_id.as_ref().map(<[u8; 30]>::as_slice), self.ansi_id.as_ref().map(<[u8; 20]>::as_slice)] {
            f |= id.map_or(Flags::NONE, text::findings_in);
        }
        self.flags |= f;
    }

    /// To the content of an element, from its OUI on.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = START.to_vec();
        let mut field = |kind: u8, value: Option<&[u8]>| {
            if let Some(v) = value {
                out.extend([kind, u8::try_from(v.len()).unwrap_or(0)]);
                out.extend(v);
            }
        };
        field(1, self.version.map(u8::to_be_bytes).as_ref().map(<[u8; 1]>::as_slice));
        field(2, self.fr_id.as_ref().map(<[u8; 30]>::as_slice));
        field(3, self.ansi_id.as_ref().map(|id| text::cut(id)));
        for (kind, v) in [(4, self.lat_e5), (5, self.lon_e5)] {
            field(kind, v.map(i32::to_be_bytes).as_ref().map(<[u8; 4]>::as_slice));
        }
        for (kind, v) in [(6, self.alt_m), (7, self.height_m)] {
            field(kind, v.map(i16::to_be_bytes).as_ref().map(<[u8; 2]>::as_slice));
        }
        for (kind, v) in [(8, self.takeoff_lat_e5), (9, self.takeoff_lon_e5)] {
            field(kind, v.map(i32::to_be_bytes).as_ref().map(<[u8; 4]>::as_slice));
        }
        field(10, self.speed_h_mps.map(u8::to_be_bytes).as_ref().map(<[u8; 1]>::as_slice));
        field(11, self.course_raw.map(u16::to_be_bytes).as_ref().map(<[u8; 2]>::as_slice));
        out
    }

    /// Latitude and longitude, degrees, when both are there and can be.
    pub fn position(&self) -> Option<(f64, f64)> {
        pair(self.lat_e5, self.lon_e5)
    }

    /// Latitude and longitude of the take-off point, degrees.
    pub fn takeoff(&self) -> Option<(f64, f64)> {
        pair(self.takeoff_lat_e5, self.takeoff_lon_e5)
    }

    /// Course over ground from true north clockwise, degrees, 0 to 359.
    pub fn direction_deg(&self) -> Option<u16> {
        self.course_raw.filter(|c| *c < 360)
    }

    /// The message as an object: `{"msg":"french_id",…}`. A field that is not there, or cannot be, is `null`.
    pub fn to_json(&self) -> Value {
        let shown = |id: &[u8]| text::latin1(text::cut(id));
        json!({
            "msg": "french_id", "version": self.version,
            "fr_id": self.fr_id.map(|id| shown(&id)), "ansi_id": self.ansi_id.map(|id| shown(&id)),
            "lat_deg": self.position().map(|p| p.0), "lon_deg": self.position().map(|p| p.1),
            "alt_m": self.alt_m, "height_m": self.height_m,
            "takeoff_lat_deg": self.takeoff().map(|p| p.0), "takeoff_lon_deg": self.takeoff().map(|p| p.1),
            "speed_h_mps": self.speed_h_mps, "direction_deg": self.direction_deg(), "flags": render::words(self.flags),
        })
    }
}

/// Sets a number; `false` when the value has another length.
fn set<const N: usize, T>(slot: &mut Option<T>, value: &[u8], read: fn([u8; N]) -> T) -> bool {
    let Ok(bytes) = <[u8; N]>::try_from(value) else { return false };
    *slot = Some(read(bytes));
    true
}

/// Sets a text; `false` when it is longer than its place.
fn text_field<const N: usize>(slot: &mut Option<[u8; N]>, value: &[u8]) -> bool {
    let mut bytes = [0; N];
    let Some(place) = bytes.get_mut(..value.len()) else { return false };
    place.copy_from_slice(value);
    *slot = Some(bytes);
    true
}

fn pair(lat_e5: Option<i32>, lon_e5: Option<i32>) -> Option<(f64, f64)> {
    let (lat, lon) = (lat_e5?, lon_e5?);
    let possible = lat.unsigned_abs() <= LAT_MAX && lon.unsigned_abs() <= LON_MAX;
    possible.then(|| (f64::from(lat) / 1e5, f64::from(lon) / 1e5))
}

#[cfg(test)]
mod tests;
