//! [`DroneId`]: what older Wi-Fi models of DJI say of themselves in a vendor element of their beacons (spec section
//! 9.6). The format is proprietary and was told by others from captures: what is disputed stays raw.
//!
//! The element can be switched off, and forged by anybody. Angles of position are radians times 1e7 here.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod observe;

use crate::remote_id::{
    error::{DecodeError, ErrorKind},
    flags::Flags,
    render, text,
};
use serde_json::{Map, Value, json};

pub use observe::observe;

/// OUI of the element.
pub const OUI: [u8; 3] = [0x26, 0x37, 0x12];
/// What follows the OUI, before the byte that says which element it is.
const TYPE: [u8; 3] = [0x58, 0x62, 0x13];
/// Which element: flight information.
pub const FLIGHT_INFO: u8 = 0x10;
/// Which element: flight purpose.
pub const FLIGHT_PURPOSE: u8 = 0x11;

/// One element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DroneId {
    /// Where it is, and whose.
    FlightInfo(FlightInfo),
    /// What its pilot typed.
    FlightPurpose(FlightPurpose),
}

/// A pair of angles, radians times 1e7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Angles {
    /// Latitude.
    pub lat_raw: i32,
    /// Longitude.
    pub lon_raw: i32,
}

/// Flight information.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlightInfo {
    /// Sequence number.
    pub seq: u16,
    /// State bits, see [`State`].
    pub state: State,
    /// Serial number, NUL-padded.
    pub serial: [u8; 16],
    /// Position of the aircraft.
    pub at: Angles,
    /// Altitude; unit and datum are disputed.
    pub altitude_raw: i16,
    /// Height; unit and order against the altitude are disputed.
    pub height_raw: i16,
    /// Velocity north, east and up; 0.01 m/s in one source.
    pub velocity_raw: [i16; 3],
    /// Yaw; unit disputed.
    pub yaw_raw: i16,
    /// What the two versions have differently.
    pub version: Version,
    /// Home point.
    pub home: Angles,
    /// Product.
    pub product_type: u8,
    /// Bytes of `uuid` that are said to count.
    pub uuid_len: u8,
    /// Account id, as far as the element has it.
    pub uuid: [u8; 20],
    /// Findings.
    pub flags: Flags,
}

/// What the two versions have differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Version 1.
    One {
        /// Pitch; unit disputed.
        pitch_raw: i16,
        /// Roll; unit disputed.
        roll_raw: i16,
    },
    /// Version 2.
    Two {
        /// Clock of the pilot's app, milliseconds from an epoch that is not known.
        app_time_ms: u64,
        /// Position of the pilot's app.
        app: Angles,
    },
}

/// What the pilot typed. The slots of the two texts are disputed: their bytes stand as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlightPurpose {
    /// Serial number, NUL-padded.
    pub serial: [u8; 16],
    /// Length said of the first text.
    pub id_len: u8,
    /// Bytes after it: the first text, a length and the second text in slots of disputed size.
    pub rest: [u8; FlightPurpose::REST],
    /// Bytes of `rest` that were there.
    pub rest_len: u8,
    /// Findings.
    pub flags: Flags,
}

/// State bits: each says that a field is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct State(pub u16);

impl State {
    /// The serial number is valid.
    pub const SERIAL: Self = Self(1 << 0);
    /// The home point is set.
    pub const HOME: Self = Self(1 << 2);
    /// The motors run.
    pub const MOTORS: Self = Self(1 << 4);
    /// It flies.
    pub const IN_AIR: Self = Self(1 << 5);
    /// The position is valid.
    pub const GPS: Self = Self(1 << 6);

    /// Whether all bits of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Reads fields one after the other, and says where one is missing.
struct Fields<'a> {
    all: &'a [u8],
    at: usize,
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let short = ErrorKind::Short { need: self.at + N, have: self.all.len() }.at(self.all.len());
        let field = self.all.get(self.at..).and_then(|r| r.first_chunk::<N>()).copied().ok_or(short)?;
        self.at += N;
        Ok(field)
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        self.take().map(u8::from_le_bytes)
    }
    fn i16(&mut self) -> Result<i16, DecodeError> {
        self.take().map(i16::from_le_bytes)
    }
    fn i32(&mut self) -> Result<i32, DecodeError> {
        self.take().map(i32::from_le_bytes)
    }

    /// Longitude first, as in most places of the format.
    fn angles(&mut self) -> Result<Angles, DecodeError> {
        let lon_raw = self.i32()?;
        Ok(Angles { lat_raw: self.i32()?, lon_raw })
    }

    /// As many bytes as there are, at most `N`, the rest zero.
    fn rest<const N: usize>(&mut self) -> ([u8; N], u8) {
        let mut out = [0; N];
        let mut n = 0u8;
        for (slot, b) in out.iter_mut().zip(self.all.get(self.at..).unwrap_or(&[])) {
            *slot = *b;
            n = n.saturating_add(1);
        }
        (out, n)
    }
}

impl DroneId {
    /// From the content of the element, from its OUI on.
    pub fn decode(b: &[u8]) -> Result<Self, DecodeError> {
        let mut f = Fields { all: b, at: 0 };
        if f.take()? != OUI || f.take()? != TYPE {
            return Err(ErrorKind::NotA("a DJI DroneID element").at(0));
        }
        match f.u8()? {
            FLIGHT_INFO => FlightInfo::decode(&mut f).map(Self::FlightInfo),
            FLIGHT_PURPOSE => FlightPurpose::decode(&mut f).map(Self::FlightPurpose),
            other => Err(ErrorKind::DroneIdElement(other).at(6)),
        }
    }

    /// To the content of an element, from its OUI on.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = [OUI, TYPE].concat();
        match self {
            Self::FlightInfo(m) => m.encode(&mut out),
            Self::FlightPurpose(m) => {
                out.push(FLIGHT_PURPOSE);
                out.extend(m.serial);
                out.push(m.id_len);
                out.extend(m.rest());
            }
        }
        out
    }

    /// Its findings.
    pub fn flags(&self) -> Flags {
        match self {
            Self::FlightInfo(m) => m.flags,
            Self::FlightPurpose(m) => m.flags,
        }
    }

    /// The message as an object: `{"msg":"dji_droneid",…}`. What cannot be is `null` under a flag.
    pub fn to_json(&self) -> Value {
        match self {
            Self::FlightInfo(m) => m.to_json(),
            Self::FlightPurpose(m) => json!({
                "msg": "dji_droneid", "header": header(FLIGHT_PURPOSE), "subcommand": FLIGHT_PURPOSE,
                "serial": text::latin1(text::cut(&m.serial)), "id_len": m.id_len, "texts_hex": text::hex(m.rest()),
                "flags": render::words(m.flags),
            }),
        }
    }
}

/// The bytes between OUI and content.
fn header(element: u8) -> String {
    text::hex(&TYPE) + &text::hex(&[element])
}

impl FlightInfo {
    fn decode(f: &mut Fields<'_>) -> Result<Self, DecodeError> {
        let version = f.u8()?;
        if !(1..=2).contains(&version) {
            return Err(ErrorKind::DroneIdVersion(version).at(f.at - 1));
        }
        let (seq, state) = (f.take().map(u16::from_le_bytes)?, State(f.take().map(u16::from_le_bytes)?));
        let serial = f.take()?;
        let at = f.angles()?;
        let (altitude_raw, height_raw) = (f.i16()?, f.i16()?);
        let velocity_raw = [f.i16()?, f.i16()?, f.i16()?];
        let (version, yaw_raw) = if version == 1 {
            (Version::One { pitch_raw: f.i16()?, roll_raw: f.i16()? }, f.i16()?)
        } else {
            let (yaw_raw, app_time_ms) = (f.i16()?, f.take().map(u64::from_le_bytes)?);
            // Latitude first, only here.
            let app = Angles { lat_raw: f.i32()?, lon_raw: f.i32()? };
            (Version::Two { app_time_ms, app }, yaw_raw)
        };
        let home = f.angles()?;
        let (product_type, uuid_len) = (f.u8()?, f.u8()?);
        let (uuid, uuid_there) = f.rest();
        let mut m = Self {
            seq,
            state,
            serial,
            at,
            altitude_raw,
            height_raw,
            velocity_raw,
            yaw_raw,
            version,
            home,
            product_type,
            uuid_len,
            uuid,
            flags: text::findings(&serial),
        };
        m.flags |= Flags::LAT_OUT_OF_RANGE.when(at.lat_deg().is_none());
        m.flags |= Flags::LON_OUT_OF_RANGE.when(at.lon_deg().is_none());
        m.flags |= Flags::HOME_OUT_OF_RANGE.when(home.degrees().is_none());
        m.flags |= Flags::APP_OUT_OF_RANGE.when(m.app().is_some_and(|a| a.degrees().is_none()));
        m.flags |= Flags::TEXT_LENGTH.when(uuid_len > uuid_there);
        Ok(m)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.extend([FLIGHT_INFO, if self.app().is_some() { 2 } else { 1 }]);
        out.extend(self.seq.to_le_bytes());
        out.extend(self.state.0.to_le_bytes());
        out.extend(self.serial);
        let angles = |a: Angles| [a.lon_raw, a.lat_raw].map(i32::to_le_bytes).concat();
        out.extend(angles(self.at));
        let shorts = [self.altitude_raw, self.height_raw];
        out.extend(shorts.into_iter().chain(self.velocity_raw).flat_map(i16::to_le_bytes));
        match self.version {
            Version::One { pitch_raw, roll_raw } => {
                out.extend([pitch_raw, roll_raw, self.yaw_raw].map(i16::to_le_bytes).concat());
            }
            Version::Two { app_time_ms, app } => {
                out.extend(self.yaw_raw.to_le_bytes());
                out.extend(app_time_ms.to_le_bytes());
                out.extend([app.lat_raw, app.lon_raw].map(i32::to_le_bytes).concat());
            }
        }
        out.extend(angles(self.home));
        out.extend([self.product_type, self.uuid_len]);
        out.extend(self.uuid);
    }

    /// Position of the pilot's app (version 2).
    pub fn app(&self) -> Option<Angles> {
        match self.version {
            Version::One { .. } => None,
            Version::Two { app, .. } => Some(app),
        }
    }

    /// The account id that counts; `None` when it is said to be longer than it can be.
    pub fn uuid(&self) -> Option<&[u8]> {
        self.uuid.get(..usize::from(self.uuid_len)).filter(|_| !self.flags.has(Flags::TEXT_LENGTH))
    }

    fn to_json(self) -> Value {
        let [v_north_raw, v_east_raw, v_up_raw] = self.velocity_raw;
        let mut o = object(json!({
            "msg": "dji_droneid", "header": header(FLIGHT_INFO), "subcommand": FLIGHT_INFO,
            "version": if self.app().is_some() { 2 } else { 1 }, "seq": self.seq, "state": self.state.0,
            "serial": text::latin1(text::cut(&self.serial)),
            "lat_deg": self.at.lat_deg(), "lon_deg": self.at.lon_deg(),
            "altitude_raw": self.altitude_raw, "height_raw": self.height_raw,
            "v_north_raw": v_north_raw, "v_east_raw": v_east_raw, "v_up_raw": v_up_raw, "yaw_raw": self.yaw_raw,
            "home_lat_deg": self.home.degrees().map(|p| p.0), "home_lon_deg": self.home.degrees().map(|p| p.1),
            "product_type": self.product_type, "uuid_len": self.uuid_len, "uuid": self.uuid().map(text::latin1),
            "flags": render::words(self.flags),
        }));
        let more = match self.version {
            Version::One { pitch_raw, roll_raw } => json!({"pitch_raw": pitch_raw, "roll_raw": roll_raw}),
            Version::Two { app_time_ms, app } => json!({
                "app_time_ms": app_time_ms,
                "app_lat_deg": app.degrees().map(|p| p.0), "app_lon_deg": app.degrees().map(|p| p.1),
            }),
        };
        o.extend(object(more));
        Value::Object(o)
    }
}

impl FlightPurpose {
    /// Most bytes after the serial number and first length of an element of 255 bytes.
    const REST: usize = 231;

    fn decode(f: &mut Fields<'_>) -> Result<Self, DecodeError> {
        let serial = f.take()?;
        let id_len = f.u8()?;
        let (rest, rest_len) = f.rest();
        let flags = text::findings(&serial).with(Flags::TEXT_LENGTH.when(id_len > rest_len));
        Ok(Self { serial, id_len, rest, rest_len, flags })
    }

    /// The bytes after the first length.
    pub fn rest(&self) -> &[u8] {
        self.rest.get(..usize::from(self.rest_len)).unwrap_or(&self.rest)
    }
}

impl Angles {
    /// Raw to degrees, to 1e-7; `None` beyond `limit`.
    fn angle(raw: i32, limit_deg: f64) -> Option<f64> {
        let deg = libm::round(f64::from(raw).to_degrees()) / 1e7;
        (deg.abs() <= limit_deg).then_some(deg)
    }

    /// Latitude, degrees, when it can be.
    pub fn lat_deg(self) -> Option<f64> {
        Self::angle(self.lat_raw, 90.0)
    }

    /// Longitude, degrees, when it can be.
    pub fn lon_deg(self) -> Option<f64> {
        Self::angle(self.lon_raw, 180.0)
    }

    /// Latitude and longitude, degrees, when both can be.
    pub fn degrees(self) -> Option<(f64, f64)> {
        Some((self.lat_deg()?, self.lon_deg()?))
    }

    /// The nearest raw angles to a position in degrees.
    #[allow(clippy::cast_possible_truncation)] // clamped to i32 first
    pub fn of_degrees(lat_deg: f64, lon_deg: f64) -> Self {
        let raw = |deg: f64| libm::round(deg.to_radians() * 1e7).clamp(f64::from(i32::MIN), f64::from(i32::MAX)) as i32;
        Self { lat_raw: raw(lat_deg), lon_raw: raw(lon_deg) }
    }
}

fn object(v: Value) -> Map<String, Value> {
    if let Value::Object(o) = v { o } else { Map::new() }
}

#[cfg(test)]
mod tests;
