//! [`ModeS`]: one Mode S frame of 56 or 112 bits (ICAO Annex 10 volume IV; RTCA DO-260B for the extended squitter).
//!
//! Taken are frames whose parity proves them: extended squitters (DF17, DF18) and all-call replies (DF11). Replies to
//! interrogations (DF0, 4, 5, 16, 20, 21) carry their address mixed into the parity, which any noise would also yield;
//! they count only for an address that is known already.

use super::{
    aircraft::{FOOT_M, KNOT_MPS},
    cpr::Cpr,
    crc,
};
use crate::hex;
use serde_json::{Value, json};

/// One frame.
#[derive(Debug, Clone, PartialEq)]
pub struct ModeS {
    /// Downlink format.
    pub df: u8,
    /// 24-bit address.
    pub icao: u32,
    /// The parity proves the address; `false` where it is only what the parity yields.
    pub proven: bool,
    /// How the address is meant: `adsb`, `tisb`, `adsr`, `mode_s`; and whether it is one of ICAO.
    pub via: &'static str,
    /// The address is not one of ICAO.
    pub anonymous: bool,
    /// Barometric altitude of a reply, metres.
    pub alt_baro_m: Option<f64>,
    /// Mode A code of a reply.
    pub squawk: Option<String>,
    /// What an extended squitter says.
    pub squitter: Option<Squitter>,
}

/// What an extended squitter says, by its type code.
#[derive(Debug, Clone, PartialEq)]
pub enum Squitter {
    /// Type codes 1 to 4.
    Identification {
        /// Emitter category, `A0` to `D7`.
        category: String,
        /// Flight identification.
        callsign: Option<String>,
    },
    /// Type codes 5 to 8.
    Surface {
        /// Ground speed, m/s.
        speed_mps: Option<f64>,
        /// Track over ground, degrees.
        track_deg: Option<f64>,
        /// Where.
        cpr: Cpr,
        /// Radius of containment by the type code, metres.
        containment_m: Option<f64>,
    },
    /// Type codes 9 to 18 and 20 to 22.
    Airborne {
        /// Pressure altitude, metres against 1013.25 hPa (type codes 9 to 18).
        alt_baro_m: Option<f64>,
        /// Metres above the ellipsoid (type codes 20 to 22).
        alt_hae_m: Option<f64>,
        /// Where.
        cpr: Cpr,
        /// Radius of containment by the type code, metres.
        containment_m: Option<f64>,
        /// Surveillance status: 1 permanent alert (emergency).
        emergency: bool,
    },
    /// Type code 19.
    Velocity {
        /// Ground speed, m/s (subtypes 1 and 2).
        speed_mps: Option<f64>,
        /// Track over ground, degrees (subtypes 1 and 2).
        track_deg: Option<f64>,
        /// Vertical rate, m/s, up positive.
        vertical_mps: Option<f64>,
        /// Height above the ellipsoid less the pressure altitude, metres.
        hae_minus_baro_m: Option<f64>,
    },
    /// Type code 28, subtype 1.
    Emergency {
        /// 0 none, 1 general, 2 medical, 3 fuel, 4 no radio, 5 unlawful interference, 6 downed, 7 reserved.
        state: u8,
        /// Mode A code.
        squawk: String,
    },
    /// Type code 31.
    Status {
        /// Version of the standard, 0 to 2.
        version: u8,
        /// Navigation accuracy category of the position.
        nac_p: Option<u8>,
    },
    /// Another type code.
    Other {
        /// The type code.
        type_code: u8,
    },
}

/// Why a frame is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoModeS {
    /// Neither 7 nor 14 bytes, or not as many as its format has.
    Length,
    /// The parity is wrong.
    Parity,
    /// A format that is not read.
    Format(u8),
}

impl NoModeS {
    /// The fixed word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Length => "mode_s_length",
            Self::Parity => "mode_s_parity",
            Self::Format(_) => "mode_s_format",
        }
    }
}

/// Bits `from` to `to` (1 is the first, as the standards count) of a message of 56 bits.
fn bits(me: u64, from: u32, to: u32) -> u32 {
    let width = to + 1 - from;
    // Never over 32 bits: the fields are at most 17 wide.
    u32::try_from(me >> (56 - to) & ((1 << width) - 1)).unwrap_or(0)
}

impl ModeS {
    /// From its bytes.
    pub fn decode(b: &[u8]) -> Result<Self, NoModeS> {
        let &first = b.first().ok_or(NoModeS::Length)?;
        let df = if first >= 0xC0 { 24 } else { first >> 3 };
        let long = df >= 16;
        if b.len() != if long { 14 } else { 7 } {
            return Err(NoModeS::Length);
        }
        let syndrome = crc::syndrome(b).ok_or(NoModeS::Length)?;
        let at = |k: usize| b.get(k).copied().unwrap_or(0);
        let address = u32::from_be_bytes([0, at(1), at(2), at(3)]);
        let plain = Self {
            df,
            icao: address,
            proven: true,
            via: "mode_s",
            anonymous: false,
            alt_baro_m: None,
            squawk: None,
            squitter: None,
        };
        let reply = Self { icao: syndrome, proven: false, ..plain.clone() };
        let code = u16::from_be_bytes([at(2) & 0x1F, at(3)]);
        match df {
            // The interrogator's code of 7 bits stands in the parity of a reply to an all-call.
            11 if syndrome >> 7 == 0 => Ok(plain),
            17 | 18 if syndrome == 0 => {
                let control = first & 7;
                let me = b.iter().skip(4).take(7).fold(0u64, |m, b| m << 8 | u64::from(*b));
                let (via, anonymous) = match (df, control) {
                    (17, _) | (18, 0) => ("adsb", false),
                    (18, 1) => ("adsb", true),
                    // The IMF bit of a TIS-B message says whose address it is; it stands in different places.
                    (18, 2 | 3) => ("tisb", false),
                    (18, 5) => ("tisb", true),
                    (18, 6) => ("adsr", false),
                    _ => return Err(NoModeS::Format(df)),
                };
                // Coarse TIS-B has a layout of its own.
                let squitter = if control == 3 && df == 18 { None } else { Some(squitter(me)) };
                Ok(Self { via, anonymous, squitter, ..plain })
            }
            11 | 17 | 18 => Err(NoModeS::Parity),
            0 | 4 | 16 | 20 => Ok(Self { alt_baro_m: altitude_13(code), ..reply }),
            5 | 21 => Ok(Self { squawk: Some(squawk(code)), ..reply }),
            _ => Err(NoModeS::Format(df)),
        }
    }

    /// From hexadecimal digits.
    pub fn from_hex(text: &[u8]) -> Result<Self, NoModeS> {
        let bytes = hex::decode(text, 14).map_err(|_| NoModeS::Length)?;
        Self::decode(&bytes)
    }

    /// The message as an object. A position is as it was sent: one frame alone does not say in which zone it is.
    pub fn to_json(&self) -> Value {
        let mut o = match &self.squitter {
            None => json!({"msg": "mode_s", "alt_baro_m": self.alt_baro_m, "squawk": self.squawk}),
            Some(Squitter::Identification { category, callsign }) => {
                json!({"msg": "identification", "category": category, "callsign": callsign})
            }
            Some(Squitter::Surface { speed_mps, track_deg, cpr, containment_m }) => json!({
                "msg": "surface_position", "speed_mps": speed_mps, "track_deg": track_deg, "cpr": cpr_json(*cpr),
                "lat_deg": null, "lon_deg": null, "containment_m": containment_m,
            }),
            Some(Squitter::Airborne { alt_baro_m, alt_hae_m, cpr, containment_m, emergency }) => json!({
                "msg": "airborne_position", "alt_baro_m": alt_baro_m, "alt_hae_m": alt_hae_m, "cpr": cpr_json(*cpr),
                "lat_deg": null, "lon_deg": null, "containment_m": containment_m, "emergency": emergency,
            }),
            Some(Squitter::Velocity { speed_mps, track_deg, vertical_mps, hae_minus_baro_m }) => json!({
                "msg": "velocity", "speed_mps": speed_mps, "track_deg": track_deg, "vertical_mps": vertical_mps,
                "hae_minus_baro_m": hae_minus_baro_m,
            }),
            Some(Squitter::Emergency { state, squawk }) => {
                json!({"msg": "emergency", "state": state, "squawk": squawk})
            }
            Some(Squitter::Status { version, nac_p }) => {
                json!({"msg": "operational_status", "version": version, "nac_p": nac_p})
            }
            Some(Squitter::Other { type_code }) => json!({"msg": "squitter", "type_code": type_code}),
        };
        if let Some(fields) = o.as_object_mut() {
            fields.insert("df".into(), self.df.into());
            fields.insert("icao".into(), format!("{:06x}", self.icao).into());
            fields.insert("via".into(), self.via.into());
            let mut flags = Vec::new();
            if !self.proven {
                flags.push("address_from_parity");
            }
            if self.anonymous {
                flags.push("address_not_icao");
            }
            if self.via == "tisb" {
                flags.push("tisb");
            }
            fields.insert("flags".into(), json!(flags));
        }
        o
    }
}

fn cpr_json(c: Cpr) -> Value {
    json!({"odd": c.odd, "lat": c.lat, "lon": c.lon})
}

fn cpr(me: u64) -> Cpr {
    Cpr { odd: bits(me, 22, 22) == 1, lat: bits(me, 23, 39), lon: bits(me, 40, 56) }
}

fn squitter(me: u64) -> Squitter {
    let type_code = u8::try_from(bits(me, 1, 5)).unwrap_or(0);
    match type_code {
        1..=4 => identification(me, type_code),
        5..=8 => {
            let track = (bits(me, 13, 13) == 1).then(|| f64::from(bits(me, 14, 20)) * 360.0 / 128.0);
            let containment_m = match type_code {
                5 => Some(7.5),
                6 => Some(25.0),
                7 => Some(185.2),
                _ => None,
            };
            Squitter::Surface { speed_mps: movement(bits(me, 6, 12)), track_deg: track, cpr: cpr(me), containment_m }
        }
        9..=18 | 20..=22 => {
            let code = u16::try_from(bits(me, 9, 20)).unwrap_or(0);
            let height = altitude_12(code);
            let geometric = type_code >= 20;
            Squitter::Airborne {
                alt_baro_m: height.filter(|_| !geometric),
                alt_hae_m: height.filter(|_| geometric),
                cpr: cpr(me),
                containment_m: containment(type_code),
                emergency: bits(me, 6, 7) == 1,
            }
        }
        19 => velocity(me),
        28 if bits(me, 6, 8) == 1 => {
            let code = u16::try_from(bits(me, 12, 24)).unwrap_or(0);
            Squitter::Emergency { state: u8::try_from(bits(me, 9, 11)).unwrap_or(0), squawk: squawk(code) }
        }
        31 if bits(me, 6, 8) <= 1 => {
            let version = u8::try_from(bits(me, 41, 43)).unwrap_or(0);
            let nac_p = u8::try_from(bits(me, 45, 48)).unwrap_or(0);
            Squitter::Status { version, nac_p: Some(nac_p).filter(|n| version > 0 && (1..=11).contains(n)) }
        }
        type_code => Squitter::Other { type_code },
    }
}

fn identification(me: u64, type_code: u8) -> Squitter {
    // Index 1 to 26 letters, 32 space, 48 to 57 digits (Annex 10, table 3-9); the rest is none.
    let letters = (0..8).map(|k| {
        let c = bits(me, 9 + 6 * k, 14 + 6 * k);
        match u8::try_from(c).unwrap_or(0) {
            c @ 1..=26 => char::from(b'A' + c - 1),
            c @ 48..=57 => char::from(c),
            _ => ' ',
        }
    });
    let callsign: String = letters.collect();
    let callsign = callsign.trim().to_owned();
    // Type code 4 is set A, 3 is B, 2 is C, 1 is D.
    let set = char::from(b'A' + 4 - type_code);
    Squitter::Identification {
        category: format!("{set}{}", bits(me, 6, 8)),
        callsign: Some(callsign).filter(|c| !c.is_empty()),
    }
}

/// Ground speed of a surface report, m/s (DO-260B table 2-14).
fn movement(m: u32) -> Option<f64> {
    let step = |from: u32, base: f64, size: f64| base + f64::from(m - from) * size;
    let knots = match m {
        1 => 0.0,
        2..=8 => step(2, 0.125, 0.125),
        9..=12 => step(9, 1.0, 0.25),
        13..=38 => step(13, 2.0, 0.5),
        39..=93 => step(39, 15.0, 1.0),
        94..=108 => step(94, 70.0, 2.0),
        109..=123 => step(109, 100.0, 5.0),
        124 => 175.0,
        _ => return None,
    };
    Some(knots * KNOT_MPS)
}

/// Radius of containment of an airborne type code, metres (DO-260B table 2-14 without its supplements: the larger).
fn containment(type_code: u8) -> Option<f64> {
    Some(match type_code {
        9 | 20 => 7.5,
        10 | 21 => 25.0,
        11 => 185.2,
        12 => 370.4,
        13 => 1_111.2,
        14 => 1_852.0,
        15 => 3_704.0,
        16 => 14_816.0,
        17 => 37_040.0,
        _ => return None,
    })
}

fn velocity(me: u64) -> Squitter {
    let subtype = bits(me, 6, 8);
    let (mut speed_mps, mut track_deg) = (None, None);
    if subtype == 1 || subtype == 2 {
        let scale = if subtype == 2 { 4.0 } else { 1.0 };
        let component = |sign: u32, from: u32| {
            let v = bits(me, from, from + 9);
            let knots = (v != 0).then(|| f64::from(v - 1) * scale)?;
            Some(if bits(me, sign, sign) == 1 { -knots } else { knots })
        };
        if let Some((east, north)) = component(14, 15).zip(component(25, 26)) {
            speed_mps = Some(libm::hypot(east, north) * KNOT_MPS);
            track_deg =
                Some(skypicket_model::geo::bearing_deg(east, north)).filter(|_| speed_mps.is_some_and(|s| s > 0.0));
        }
    }
    let rate = bits(me, 38, 46);
    let feet_per_minute = (rate != 0 && (1..=4).contains(&subtype)).then(|| f64::from(rate - 1) * 64.0);
    let down = bits(me, 37, 37) == 1;
    let difference = bits(me, 50, 56);
    let below = bits(me, 49, 49) == 1;
    Squitter::Velocity {
        speed_mps,
        track_deg,
        vertical_mps: feet_per_minute.map(|r| if down { -r } else { r } * FOOT_M / 60.0),
        // 127 says "that or more": no number.
        hae_minus_baro_m: (1..127)
            .contains(&difference)
            .then(|| f64::from(difference - 1) * 25.0 * FOOT_M)
            .map(|d| if below { -d } else { d }),
    }
}

/// Altitude of an extended squitter (12 bits), metres: in steps of 25 feet, or in the older Gillham code.
fn altitude_12(code: u16) -> Option<f64> {
    // With a zero M bit it is the code of a reply.
    altitude_13((code & 0x0FC0) << 1 | (code & 0x3F))
}

/// Altitude of a reply (13 bits), metres.
fn altitude_13(code: u16) -> Option<f64> {
    if code == 0 {
        return None;
    }
    if code & 0x40 != 0 {
        // Metric: not in use, and no standard says how.
        return None;
    }
    if code & 0x10 != 0 {
        let n = (code & 0x1F80) >> 2 | (code & 0x20) >> 1 | (code & 0x0F);
        return Some((f64::from(n) * 25.0 - 1000.0) * FOOT_M);
    }
    gillham(code).map(|feet| feet * FOOT_M)
}

/// The Mode C code (Gillham) of a 13-bit field, feet (Annex 10 volume IV, 3.1.1.7.12.2.3).
fn gillham(code: u16) -> Option<f64> {
    // Bits of the field: C1 A1 C2 A2 C4 A4 M B1 Q B2 D2 B4 D4.
    let bit = |k: u16| code >> (12 - k) & 1;
    let (c1, a1, c2, a2, c4, a4) = (bit(0), bit(1), bit(2), bit(3), bit(4), bit(5));
    let (b1, b2, d2, b4, d4) = (bit(7), bit(9), bit(10), bit(11), bit(12));
    let from_gray = |bits: &[u16]| {
        bits.iter().fold((0u16, 0u16), |(n, last), b| {
            let v = last ^ b;
            (n << 1 | v, v)
        })
    };
    let (five_hundreds, _) = from_gray(&[d2, d4, a1, a2, a4, b1, b2, b4]);
    let (mut hundreds, _) = from_gray(&[c1, c2, c4]);
    // 5 and 6 are in no code; 7 stands for 5.
    hundreds = match hundreds {
        1..=4 => hundreds,
        7 => 5,
        _ => return None,
    };
    // Every second five hundred is counted backwards.
    if five_hundreds % 2 == 1 {
        hundreds = 6 - hundreds;
    }
    Some(f64::from(five_hundreds) * 500.0 + f64::from(hundreds) * 100.0 - 1300.0)
}

/// Mode A code of 13 bits: C1 A1 C2 A2 C4 A4 X B1 D1 B2 D2 B4 D4.
fn squawk(code: u16) -> String {
    let bit = |k: u16| code >> (12 - k) & 1;
    let a = bit(5) << 2 | bit(3) << 1 | bit(1);
    let b = bit(11) << 2 | bit(9) << 1 | bit(7);
    let c = bit(4) << 2 | bit(2) << 1 | bit(0);
    let d = bit(12) << 2 | bit(10) << 1 | bit(8);
    format!("{a}{b}{c}{d}")
}

/// An extended squitter (DF17) of 56 bits with its parity, for tests and exercises.
pub fn encode(icao: u32, me: u64) -> [u8; 14] {
    let mut out = [0; 14];
    let [_, a, b, c] = icao.to_be_bytes();
    let m = me.to_be_bytes();
    out[..4].copy_from_slice(&[0x8D, a, b, c]);
    out[4..11].copy_from_slice(&m[1..]);
    let [_, x, y, z] = crc::remainder(&out[..11]).to_be_bytes();
    out[11..].copy_from_slice(&[x, y, z]);
    out
}

/// An airborne position (type code 11) with a pressure altitude in feet, for tests and exercises.
pub fn encode_position(icao: u32, lat_deg: f64, lon_deg: f64, alt_baro_ft: f64, odd: bool) -> [u8; 14] {
    let c = super::cpr::encode(lat_deg, lon_deg, odd, false);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped first
    let n = libm::round((alt_baro_ft + 1000.0) / 25.0).clamp(0.0, 2047.0) as u64;
    let altitude = (n & 0x7F0) << 1 | 0x10 | n & 0x0F;
    let me = 11 << 51 | altitude << 36 | u64::from(odd) << 34 | u64::from(c.lat) << 17 | u64::from(c.lon);
    encode(icao, me)
}

/// An identification of a category (`A0` to `D7`), for tests and exercises.
pub fn encode_identification(icao: u32, category: &str, callsign: &str) -> [u8; 14] {
    let mut c = category.bytes();
    let set = u64::from(b'D'.saturating_sub(c.next().unwrap_or(b'A')).min(3)) + 1;
    let number = u64::from(c.next().unwrap_or(b'0').saturating_sub(b'0') & 7);
    let letters = callsign.bytes().chain(std::iter::repeat(b' ')).take(8).fold(0u64, |m, b| {
        let index = match b {
            b'A'..=b'Z' => b - b'A' + 1,
            b'0'..=b'9' => b,
            _ => 32,
        };
        m << 6 | u64::from(index)
    });
    encode(icao, set << 51 | number << 48 | letters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(hex: &str) -> ModeS {
        ModeS::from_hex(hex.as_bytes()).unwrap()
    }

    // The frames are the worked examples of "The 1090 Megahertz Riddle" (J. Sun), which the field tests its decoders on.

    #[test]
    fn identification() {
        let m = of("8D4840D6202CC371C32CE0576098");
        assert_eq!((m.df, m.icao, m.via), (17, 0x4840D6, "adsb"));
        let want = Squitter::Identification { category: "A0".into(), callsign: Some("KLM1023".into()) };
        assert_eq!(m.squitter, Some(want));
    }

    #[test]
    fn airborne_position() {
        let Some(Squitter::Airborne { alt_baro_m, alt_hae_m, cpr, containment_m, .. }) =
            of("8D40621D58C382D690C8AC2863A7").squitter
        else {
            panic!()
        };
        assert!((alt_baro_m.unwrap() - 38_000.0 * FOOT_M).abs() < 1e-6);
        assert_eq!((alt_hae_m, cpr, containment_m), (None, Cpr { odd: false, lat: 93_000, lon: 51_372 }, Some(185.2)));
    }

    #[test]
    fn velocity_over_ground_and_through_air() {
        let Some(Squitter::Velocity { speed_mps, track_deg, vertical_mps, hae_minus_baro_m }) =
            of("8D485020994409940838175B284F").squitter
        else {
            panic!()
        };
        assert!((speed_mps.unwrap() / KNOT_MPS - 159.20).abs() < 0.01);
        assert!((track_deg.unwrap() - 182.88).abs() < 0.01);
        assert!((vertical_mps.unwrap() + 832.0 * FOOT_M / 60.0).abs() < 1e-6);
        assert!((hae_minus_baro_m.unwrap() - 550.0 * FOOT_M).abs() < 1e-6);
        // Airspeed and heading are no speed and track over ground.
        let Some(Squitter::Velocity { speed_mps, track_deg, vertical_mps, .. }) =
            of("8DA05F219B06B6AF189400CBC33F").squitter
        else {
            panic!()
        };
        assert_eq!((speed_mps, track_deg), (None, None));
        assert!((vertical_mps.unwrap() + 2_304.0 * FOOT_M / 60.0).abs() < 1e-6);
    }

    #[test]
    fn surface_position() {
        let Some(Squitter::Surface { speed_mps, track_deg, cpr, .. }) = of("8C4841753A9A153237AEF0F275BE").squitter
        else {
            panic!()
        };
        assert!((speed_mps.unwrap() / KNOT_MPS - 17.0).abs() < 1e-9);
        assert!((track_deg.unwrap() - 92.8125).abs() < 1e-9);
        assert!(cpr.odd);
    }

    #[test]
    fn replies_give_an_address_that_only_the_parity_yields() {
        let m = of("2A00516D492B80");
        assert_eq!((m.df, m.squawk.as_deref(), m.proven), (5, Some("0356"), false));
        let m = of("A0001839CA3800315800007448D9");
        assert_eq!((m.df, m.icao, m.proven), (20, 0x400940, false));
    }

    #[test]
    fn altitudes_in_both_codes() {
        // Steps of 25 feet.
        assert!((altitude_13(0x0010).unwrap() / FOOT_M + 1000.0).abs() < 1e-6);
        assert_eq!(altitude_13(0), None);
        assert_eq!(altitude_13(0x40), None);
        // Gillham: each hundred feet from -1200 to 126,700 has exactly one code.
        let mut seen: Vec<f64> = (0..0x2000u16).filter(|c| c & 0x50 == 0).filter_map(gillham).collect();
        seen.sort_unstable_by(f64::total_cmp);
        assert!(seen == (-12..=1267).map(|h| f64::from(h) * 100.0).collect::<Vec<_>>(), "{} codes", seen.len());
    }

    #[test]
    fn lengths_and_formats_that_are_not_read_are_refused_by_name() {
        assert_eq!(ModeS::decode(&[]), Err(NoModeS::Length));
        assert_eq!(ModeS::decode(&[0x8D; 7]), Err(NoModeS::Length));
        assert_eq!(ModeS::decode(&[0x8D; 14]), Err(NoModeS::Parity));
        assert_eq!(ModeS::decode(&[0xF8; 14]), Err(NoModeS::Format(24)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            if let Ok(m) = ModeS::decode(&bytes) {
                prop_assert!(m.to_json().is_object());
            }
        }

        #[test]
        fn any_squitter_is_read_without_panic_and_finite(me in 0..1u64 << 56) {
            let m = ModeS::decode(&encode(0xABCDEF, me)).unwrap();
            if let Some(Squitter::Velocity { speed_mps, track_deg, vertical_mps, .. }) = &m.squitter {
                for v in [speed_mps, track_deg, vertical_mps].into_iter().flatten() {
                    prop_assert!(v.is_finite());
                }
            }
            prop_assert!(!m.to_json().to_string().contains("inf"));
        }

        #[test]
        fn what_is_written_reads_back(lat in -80.0..80.0f64, lon in -179.0..179.0f64, step in 0..2047u16, odd in any::<bool>()) {
            let feet = f64::from(step) * 25.0 - 1000.0;
            let m = ModeS::decode(&encode_position(0xA1B2C3, lat, lon, feet, odd)).unwrap();
            let Some(Squitter::Airborne { alt_baro_m, cpr, .. }) = m.squitter else { panic!() };
            prop_assert!((alt_baro_m.unwrap() - feet * FOOT_M).abs() < 1e-6);
            prop_assert_eq!(cpr, super::super::cpr::encode(lat, lon, odd, false));
        }
    }

    #[test]
    fn categories_are_written_and_read() {
        for c in ["A0", "A3", "B6", "C1", "D7"] {
            let m = ModeS::decode(&encode_identification(1, c, "SKY1")).unwrap();
            let want = Squitter::Identification { category: c.into(), callsign: Some("SKY1".into()) };
            assert_eq!(m.squitter, Some(want));
        }
    }
}
