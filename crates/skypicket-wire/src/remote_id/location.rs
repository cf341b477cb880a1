//! [`Location`]: where it says it is and how it moves (message type 1, spec section 3).
//!
//! The fields are the raw integers of the air, so that two receivers agree to the bit; the methods give quantities,
//! `None` where the sentinel or an impossible value stands.

use super::{
    flags::Flags,
    header::{Header, Raw, i32_at, put, u16_at},
    quantity::{altitude_m, altitude_raw, position, position_findings, position_raw},
};

/// A claimed position with velocity and heights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// Protocol version, 0 to 15.
    pub version: u8,
    /// 0 undeclared, 1 ground, 2 airborne, 3 emergency, 4 Remote ID failure, 5 to 15 reserved.
    pub status: u8,
    /// 0: height above take-off; 1: above ground.
    pub height_type: u8,
    /// Adds 180° to the direction.
    pub west: bool,
    /// Multiplies and offsets the ground speed.
    pub fast: bool,
    /// Degrees, 0 to 179 (above is not canonical).
    pub direction_raw: u8,
    /// 0.25 m/s, or 0.75 m/s above 63.75 m/s when `fast`.
    pub speed_h_raw: u8,
    /// 0.5 m/s, up positive; 126 is unknown.
    pub speed_v_raw: i8,
    /// 1e-7 degrees.
    pub lat_e7: i32,
    /// 1e-7 degrees.
    pub lon_e7: i32,
    /// Pressure altitude against 1013.25 hPa: half metres above -1000 m, 0 unknown.
    pub alt_baro_raw: u16,
    /// Altitude above the WGS-84 ellipsoid, coded alike.
    pub alt_geo_raw: u16,
    /// Height by `height_type`, coded alike.
    pub height_raw: u16,
    /// Horizontal accuracy code, 0 to 15.
    pub horiz_acc: u8,
    /// Vertical accuracy code, 0 to 15.
    pub vert_acc: u8,
    /// Accuracy code of the pressure altitude, 0 to 15.
    pub baro_acc: u8,
    /// Speed accuracy code, 0 to 15.
    pub speed_acc: u8,
    /// Tenths of a second since the last full UTC hour; 0xFFFF unknown.
    pub ts_raw: u16,
    /// Accuracy of the time, tenths of a second, 0 to 15; 0 unknown.
    pub ts_acc: u8,
    /// Findings.
    pub flags: Flags,
}

impl Location {
    /// Message type.
    pub const TYPE: u8 = 1;

    /// Everything unknown, to be filled with the `with_` methods.
    pub const UNKNOWN: Self = Self {
        version: 2,
        status: 0,
        height_type: 0,
        west: true,
        fast: true,
        direction_raw: 181,
        speed_h_raw: 255,
        speed_v_raw: 126,
        lat_e7: 0,
        lon_e7: 0,
        alt_baro_raw: 0,
        alt_geo_raw: 0,
        height_raw: 0,
        horiz_acc: 0,
        vert_acc: 0,
        baro_acc: 0,
        speed_acc: 0,
        ts_raw: u16::MAX,
        ts_acc: 0,
        flags: Flags::NONE,
    };

    /// From its bytes; any bytes are a Location.
    #[allow(clippy::inline_always)] // as for `Message::decode_raw`
    #[inline(always)]
    pub fn decode(b: &Raw) -> Self {
        let l = Self {
            version: b[0] & 15,
            status: b[1] >> 4,
            height_type: b[1] >> 2 & 1,
            west: b[1] & 2 != 0,
            fast: b[1] & 1 != 0,
            direction_raw: b[2],
            speed_h_raw: b[3],
            speed_v_raw: b[4].cast_signed(),
            lat_e7: i32_at::<5>(b),
            lon_e7: i32_at::<9>(b),
            alt_baro_raw: u16_at::<13>(b),
            alt_geo_raw: u16_at::<15>(b),
            height_raw: u16_at::<17>(b),
            horiz_acc: b[19] & 15,
            vert_acc: b[19] >> 4,
            baro_acc: b[20] >> 4,
            speed_acc: b[20] & 15,
            ts_raw: u16_at::<21>(b),
            ts_acc: b[23] & 15,
            flags: Flags::RESERVED_NONZERO.when(b[1] & 8 | b[23] & 0xF0 | b[24] != 0),
        };
        let mut flags = l.flags.with(position_findings(l.lat_e7, l.lon_e7));
        flags |= Flags::STATUS_RESERVED.when(l.status > 4);
        flags |= Flags::DIRECTION_OUT_OF_RANGE.when(l.degrees() > 359 && l.degrees() != 361);
        flags |= Flags::DIRECTION_NONCANONICAL.when(l.direction_raw >= 180 && !l.west);
        flags |= Flags::SPEED_V_OUT_OF_RANGE.when(l.speed_v_raw.unsigned_abs() > 124 && l.speed_v_raw != 126);
        flags |= Flags::TS_OUT_OF_RANGE.when(l.ts_raw > 36_000 && l.ts_raw != u16::MAX);
        flags |= Flags::ACCURACY_RESERVED.when(l.horiz_acc > 12 || l.vert_acc > 6 || l.baro_acc > 6 || l.speed_acc > 4);
        Self { flags, ..l }
    }

    /// To its bytes.
    pub fn encode(&self) -> Raw {
        let mut b = [0; 25];
        b[0] = Header { message_type: Self::TYPE, version: self.version }.encode();
        b[1] = self.status << 4 | (self.height_type & 1) << 2 | u8::from(self.west) << 1 | u8::from(self.fast);
        b[2] = self.direction_raw;
        b[3] = self.speed_h_raw;
        b[4] = self.speed_v_raw.cast_unsigned();
        put(&mut b, 5, self.lat_e7.to_le_bytes());
        put(&mut b, 9, self.lon_e7.to_le_bytes());
        put(&mut b, 13, self.alt_baro_raw.to_le_bytes());
        put(&mut b, 15, self.alt_geo_raw.to_le_bytes());
        put(&mut b, 17, self.height_raw.to_le_bytes());
        b[19] = self.vert_acc << 4 | self.horiz_acc & 15;
        b[20] = self.baro_acc << 4 | self.speed_acc & 15;
        put(&mut b, 21, self.ts_raw.to_le_bytes());
        b[23] = self.ts_acc & 15;
        b
    }

    #[inline]
    fn degrees(&self) -> u16 {
        u16::from(self.direction_raw) + 180 * u16::from(self.west)
    }

    /// Course over ground from true north clockwise, degrees, 0 to 359.
    #[inline]
    pub fn direction_deg(&self) -> Option<u16> {
        Some(self.degrees()).filter(|d| *d < 360)
    }

    /// Ground speed, m/s, 0 to 254.25 (which means that or more).
    #[inline]
    pub fn speed_h_mps(&self) -> Option<f64> {
        let raw = f64::from(self.speed_h_raw);
        match self.fast {
            false => Some(raw * 0.25),
            true if self.speed_h_raw == 255 => None,
            true => Some(raw * 0.75 + 63.75),
        }
    }

    /// Vertical speed, m/s, up positive, -62 to 62.
    #[inline]
    pub fn speed_v_mps(&self) -> Option<f64> {
        (self.speed_v_raw.unsigned_abs() <= 124).then(|| f64::from(self.speed_v_raw) * 0.5)
    }

    /// Latitude and longitude, degrees.
    #[inline]
    pub fn position(&self) -> Option<(f64, f64)> {
        position(self.lat_e7, self.lon_e7)
    }

    /// Pressure altitude, metres against 1013.25 hPa.
    #[inline]
    pub fn alt_baro_m(&self) -> Option<f64> {
        altitude_m(self.alt_baro_raw)
    }

    /// Altitude, metres above the WGS-84 ellipsoid.
    #[inline]
    pub fn alt_geo_m(&self) -> Option<f64> {
        altitude_m(self.alt_geo_raw)
    }

    /// Height, metres, above what `height_type` says.
    #[inline]
    pub fn height_m(&self) -> Option<f64> {
        altitude_m(self.height_raw)
    }

    /// Seconds after the full UTC hour, 0 to 3600.
    #[inline]
    pub fn ts_after_hour_s(&self) -> Option<f64> {
        (self.ts_raw <= 36_000).then(|| f64::from(self.ts_raw) / 10.0)
    }

    /// Upper bound of the horizontal error, metres (taken as 95 %); unknown for codes 0 and reserved.
    pub fn horizontal_bound_m(&self) -> Option<f64> {
        const BOUNDS: [f64; 12] =
            [18_520.0, 7_408.0, 3_704.0, 1_852.0, 926.0, 555.6, 185.2, 92.6, 30.0, 10.0, 3.0, 1.0];
        BOUNDS.get(usize::from(self.horiz_acc.wrapping_sub(1))).copied()
    }

    /// Upper bound of the error of the geodetic altitude, metres (taken as 95 %); unknown for codes 0 and reserved.
    pub fn vertical_bound_m(&self) -> Option<f64> {
        const BOUNDS: [f64; 6] = [150.0, 45.0, 25.0, 10.0, 3.0, 1.0];
        BOUNDS.get(usize::from(self.vert_acc.wrapping_sub(1))).copied()
    }

    /// With a position, rounded to 1e-7 degrees.
    #[must_use]
    pub fn with_position(mut self, lat_deg: f64, lon_deg: f64) -> Self {
        (self.lat_e7, self.lon_e7) = position_raw(lat_deg, lon_deg);
        self
    }

    /// With an altitude above the ellipsoid, metres, rounded to 0.5 m.
    #[must_use]
    pub fn with_alt_geo_m(mut self, m: Option<f64>) -> Self {
        self.alt_geo_raw = altitude_raw(m);
        self
    }

    /// With a pressure altitude, metres, rounded to 0.5 m.
    #[must_use]
    pub fn with_alt_baro_m(mut self, m: Option<f64>) -> Self {
        self.alt_baro_raw = altitude_raw(m);
        self
    }

    /// With a height above take-off, metres, rounded to 0.5 m.
    #[must_use]
    pub fn with_height_takeoff_m(mut self, m: Option<f64>) -> Self {
        (self.height_type, self.height_raw) = (0, altitude_raw(m));
        self
    }

    /// With a height above ground, metres, rounded to 0.5 m.
    #[must_use]
    pub fn with_height_agl_m(mut self, m: Option<f64>) -> Self {
        (self.height_type, self.height_raw) = (1, altitude_raw(m));
        self
    }

    /// With a course, degrees (any turn of it), and a ground speed, m/s, rounded to what the message holds.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped or reduced to u8 first
    pub fn with_ground_velocity(mut self, direction_deg: f64, speed_mps: f64) -> Self {
        let turn = libm::fmod(libm::round(libm::fmod(direction_deg, 360.0)) + 360.0, 360.0);
        if turn.is_finite() {
            self.west = turn >= 180.0;
            self.direction_raw = (if self.west { turn - 180.0 } else { turn }) as u8;
        }
        if speed_mps.is_finite() {
            self.fast = speed_mps > 63.75;
            let raw = if self.fast { (speed_mps - 63.75) / 0.75 } else { speed_mps * 4.0 };
            self.speed_h_raw = libm::round(raw).clamp(0.0, if self.fast { 254.0 } else { 255.0 }) as u8;
        }
        self
    }

    /// With a vertical speed, m/s up, rounded to 0.5 m/s within ±62.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // clamped to i8 first
    pub fn with_speed_v_mps(mut self, up_mps: f64) -> Self {
        if up_mps.is_finite() {
            self.speed_v_raw = libm::round(up_mps * 2.0).clamp(-124.0, 124.0) as i8;
        }
        self
    }

    /// With the accuracy codes of position and altitude that bound these errors, metres.
    #[must_use]
    pub fn with_accuracy_m(mut self, horizontal: f64, vertical: f64) -> Self {
        let coarsest = |codes: std::ops::RangeInclusive<u8>, fits: &dyn Fn(u8) -> bool| codes.rev().find(|c| fits(*c));
        let bound_h = |c: u8| Self { horiz_acc: c, ..Self::UNKNOWN }.horizontal_bound_m();
        let bound_v = |c: u8| Self { vert_acc: c, ..Self::UNKNOWN }.vertical_bound_m();
        self.horiz_acc = coarsest(1..=12, &|c| bound_h(c).is_some_and(|b| horizontal < b)).unwrap_or(0);
        self.vert_acc = coarsest(1..=6, &|c| bound_v(c).is_some_and(|b| vertical < b)).unwrap_or(0);
        self
    }

    /// With the time of the position, microseconds since the Unix epoch, rounded down to tenths within its hour.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // below 36000 by the remainder
    pub fn with_unix_micros(mut self, us: i64) -> Self {
        self.ts_raw = (us.rem_euclid(3_600_000_000) / 100_000) as u16;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_of_raw_255_is_unknown_only_with_the_multiplier() {
        let slow = Location { speed_h_raw: 255, fast: false, ..Location::UNKNOWN };
        assert_eq!(slow.speed_h_mps(), Some(63.75));
        assert_eq!(Location { fast: true, ..slow }.speed_h_mps(), None);
        assert_eq!(Location { fast: true, speed_h_raw: 254, ..slow }.speed_h_mps(), Some(254.25));
    }

    #[test]
    fn everything_unknown_is_without_findings() {
        let l = Location::decode(&Location::UNKNOWN.encode());
        assert_eq!(l, Location::UNKNOWN);
        assert_eq!((l.direction_deg(), l.speed_h_mps(), l.speed_v_mps(), l.position()), (None, None, None, None));
        assert_eq!((l.alt_geo_m(), l.alt_baro_m(), l.height_m(), l.ts_after_hour_s()), (None, None, None, None));
    }

    #[test]
    fn accuracy_codes_bound_the_error() {
        let l = Location::UNKNOWN.with_accuracy_m(2.5, 4.0);
        assert_eq!((l.horiz_acc, l.vert_acc), (11, 4));
        assert_eq!((l.horizontal_bound_m(), l.vertical_bound_m()), (Some(3.0), Some(10.0)));
        assert_eq!(Location { horiz_acc: 13, vert_acc: 7, ..l }.horizontal_bound_m(), None);
    }
}
