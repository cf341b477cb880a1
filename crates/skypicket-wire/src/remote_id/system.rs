//! [`System`]: where its operator is, its area and class (message type 4, spec section 6).

use super::{
    flags::Flags,
    header::{EPOCH_2019_UNIX_S, Header, Raw, i32_at, put, u16_at, u32_at},
    quantity::{altitude_m, altitude_raw, position, position_findings, position_raw},
};

/// Claimed operator position, operating area and EU class; raw integers as on the air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct System {
    /// Protocol version, 0 to 15.
    pub version: u8,
    /// 0 take-off point, 1 live position, 2 fixed, 3 reserved.
    pub operator_location_type: u8,
    /// 0 undeclared, 1 EU, 2 to 7 reserved.
    pub classification_type: u8,
    /// 1e-7 degrees; both 0 unknown.
    pub operator_lat_e7: i32,
    /// 1e-7 degrees.
    pub operator_lon_e7: i32,
    /// Number of aircraft.
    pub area_count: u16,
    /// Tens of metres.
    pub area_radius_raw: u8,
    /// Half metres above -1000 m, 0 unknown.
    pub area_ceiling_raw: u16,
    /// Coded alike.
    pub area_floor_raw: u16,
    /// EU category, 0 to 15; means something only when `classification_type` is 1.
    pub category_eu: u8,
    /// EU class, 0 to 15 (N means C(N-1)).
    pub class_eu: u8,
    /// Operator altitude above the ellipsoid, half metres above -1000 m, 0 unknown.
    pub operator_alt_geo_raw: u16,
    /// Seconds since 2019-01-01T00:00:00Z; 0 not given.
    pub timestamp_2019_s: u32,
    /// Findings.
    pub flags: Flags,
}

impl System {
    /// Message type.
    pub const TYPE: u8 = 4;

    /// Everything unknown, to be filled with the `with_` methods.
    pub const UNKNOWN: Self = Self {
        version: 2,
        operator_location_type: 0,
        classification_type: 0,
        operator_lat_e7: 0,
        operator_lon_e7: 0,
        area_count: 1,
        area_radius_raw: 0,
        area_ceiling_raw: 0,
        area_floor_raw: 0,
        category_eu: 0,
        class_eu: 0,
        operator_alt_geo_raw: 0,
        timestamp_2019_s: 0,
        flags: Flags::NONE,
    };

    /// From its bytes; any bytes are a System.
    #[allow(clippy::inline_always)] // as for `Message::decode_raw`
    #[inline(always)]
    pub fn decode(b: &Raw) -> Self {
        let s = Self {
            version: b[0] & 15,
            operator_location_type: b[1] & 3,
            classification_type: b[1] >> 2 & 7,
            operator_lat_e7: i32_at::<2>(b),
            operator_lon_e7: i32_at::<6>(b),
            area_count: u16_at::<10>(b),
            area_radius_raw: b[12],
            area_ceiling_raw: u16_at::<13>(b),
            area_floor_raw: u16_at::<15>(b),
            category_eu: b[17] >> 4,
            class_eu: b[17] & 15,
            operator_alt_geo_raw: u16_at::<18>(b),
            timestamp_2019_s: u32_at::<20>(b),
            flags: Flags::RESERVED_NONZERO.when(b[1] & 0xE0 | b[24] != 0),
        };
        let mut flags = s.flags.with(position_findings(s.operator_lat_e7, s.operator_lon_e7));
        flags |= Flags::CLASSIFICATION_RESERVED.when(s.classification_type > 1);
        flags |= Flags::OPERATOR_LOCATION_TYPE_RESERVED.when(s.operator_location_type == 3);
        flags |= Flags::EU_CLASS_RESERVED.when(s.classification_type == 1 && (s.category_eu > 3 || s.class_eu > 7));
        flags |= Flags::TIMESTAMP_IN_OLD_VERSION.when(s.version < 2 && s.timestamp_2019_s != 0);
        flags |= Flags::FLOOR_ABOVE_CEILING.when(s.area_ceiling_raw != 0 && s.area_floor_raw > s.area_ceiling_raw);
        Self { flags, ..s }
    }

    /// To its bytes.
    pub fn encode(&self) -> Raw {
        let mut b = [0; 25];
        b[0] = Header { message_type: Self::TYPE, version: self.version }.encode();
        b[1] = (self.classification_type & 7) << 2 | self.operator_location_type & 3;
        put(&mut b, 2, self.operator_lat_e7.to_le_bytes());
        put(&mut b, 6, self.operator_lon_e7.to_le_bytes());
        put(&mut b, 10, self.area_count.to_le_bytes());
        b[12] = self.area_radius_raw;
        put(&mut b, 13, self.area_ceiling_raw.to_le_bytes());
        put(&mut b, 15, self.area_floor_raw.to_le_bytes());
        b[17] = self.category_eu << 4 | self.class_eu & 15;
        put(&mut b, 18, self.operator_alt_geo_raw.to_le_bytes());
        put(&mut b, 20, self.timestamp_2019_s.to_le_bytes());
        b
    }

    /// Latitude and longitude of the operator, or of the take-off point by `operator_location_type`, degrees.
    #[inline]
    pub fn operator_position(&self) -> Option<(f64, f64)> {
        position(self.operator_lat_e7, self.operator_lon_e7)
    }

    /// Operator altitude, metres above the WGS-84 ellipsoid.
    #[inline]
    pub fn operator_alt_geo_m(&self) -> Option<f64> {
        altitude_m(self.operator_alt_geo_raw)
    }

    /// Radius of the operating area, metres, 0 to 2550.
    #[inline]
    pub fn area_radius_m(&self) -> u16 {
        u16::from(self.area_radius_raw) * 10
    }

    /// Ceiling of the operating area, metres above the ellipsoid.
    #[inline]
    pub fn area_ceiling_m(&self) -> Option<f64> {
        altitude_m(self.area_ceiling_raw)
    }

    /// Floor of the operating area, metres above the ellipsoid.
    #[inline]
    pub fn area_floor_m(&self) -> Option<f64> {
        altitude_m(self.area_floor_raw)
    }

    /// The message's time, seconds since the Unix epoch.
    #[inline]
    pub fn timestamp_unix_s(&self) -> Option<i64> {
        (self.timestamp_2019_s != 0).then(|| EPOCH_2019_UNIX_S + i64::from(self.timestamp_2019_s))
    }

    /// With the operator's position, degrees, and altitude above the ellipsoid, metres.
    #[must_use]
    pub fn with_operator(mut self, lat_deg: f64, lon_deg: f64, alt_hae_m: Option<f64>) -> Self {
        (self.operator_lat_e7, self.operator_lon_e7) = position_raw(lat_deg, lon_deg);
        self.operator_alt_geo_raw = altitude_raw(alt_hae_m);
        self
    }

    /// With a time, seconds since the Unix epoch; what the message cannot hold is left unknown.
    #[must_use]
    pub fn with_unix_s(mut self, unix_s: i64) -> Self {
        self.timestamp_2019_s = u32::try_from(unix_s.saturating_sub(EPOCH_2019_UNIX_S)).unwrap_or(0);
        self
    }
}
