//! [`Message`]: Remote ID as somebody else decoded and relays it: quantities, where the air has codes.
//!
//! Receivers, MAVLink and network Remote ID say the same six things as a broadcast, in numbers of their own scale and
//! width. They are kept here in SI units and degrees, and come out under the field names of a decoded broadcast, so that
//! one reader fits all. [`Location::checked`] and [`System::checked`] hold the ranges and sentinels of the standard in one
//! place (spec sections 3 and 6): a sentinel is `None`, what is out of range is `None` with a flag, nothing that is not
//! finite gets through.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod observe;
mod render;

pub use observe::{STALE_S, observe};
pub(crate) use observe::{shown, velocity};
pub use render::reception;

use crate::{
    adsb::Aircraft,
    remote_id::{self, header::EPOCH_2019_UNIX_S, text},
};
use skypicket_model::{Place, Time};

/// Findings, as fixed words.
pub type Flags = Vec<&'static str>;

/// Most bytes of a text that are kept.
pub const MAX_TEXT: usize = 256;

/// One thing that was relayed.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// Who it says it is.
    BasicId(BasicId),
    /// Where it says it is and how it moves.
    Location(Box<Location>),
    /// One page of a signature.
    Authentication(Authentication),
    /// What it says it does.
    SelfId(SelfId),
    /// Where its operator is.
    System(Box<System>),
    /// The registration of whoever flies it.
    OperatorId(OperatorId),
    /// Something is there, and nothing of it could be read.
    Presence {
        /// The fixed word for how it is known.
        how: &'static str,
    },
    /// A radio signal of a drone, without Remote ID (an FPV video link).
    RadioSignal(RadioSignal),
    /// Another aircraft, by ADS-B or the like.
    Aircraft(Box<Aircraft>),
    /// A receiver about itself.
    Status(Status),
}

/// A claimed identity and the kind of aircraft.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BasicId {
    /// 0 none, 1 serial number, 2 CAA registration, 3 UTM UUID, 4 specific session id.
    pub id_type: Option<u8>,
    /// Kind of aircraft, 0 to 15 (2 is helicopter or multirotor).
    pub ua_type: Option<u8>,
    /// The id: text for ID types 1 and 2 and where the type is unknown, else binary.
    pub id: Vec<u8>,
    /// Findings.
    pub flags: Flags,
}

/// A claimed position with velocity and heights.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Location {
    /// 0 undeclared, 1 ground, 2 airborne, 3 emergency, 4 Remote ID failure.
    pub status: Option<u8>,
    /// 0: `height_m` is above take-off; 1: above ground.
    pub height_ref: Option<u8>,
    /// Course over ground from true north clockwise, degrees, 0 to under 360.
    pub direction_deg: Option<f64>,
    /// Ground speed, m/s, 0 to 254.25.
    pub speed_h_mps: Option<f64>,
    /// Vertical speed, m/s, up positive, within ±62.
    pub speed_v_mps: Option<f64>,
    /// Latitude and longitude, degrees.
    pub position: Option<(f64, f64)>,
    /// Pressure altitude, metres against 1013.25 hPa.
    pub alt_baro_m: Option<f64>,
    /// Altitude, metres above the WGS-84 ellipsoid.
    pub alt_geo_m: Option<f64>,
    /// Altitude, metres, of which it is not said above what: no height of the drone is made of it.
    pub alt_m: Option<f64>,
    /// Height, metres, above what `height_ref` says.
    pub height_m: Option<f64>,
    /// Horizontal accuracy code of the standard, 1 to 12.
    pub horiz_acc: Option<u8>,
    /// Vertical accuracy code, 1 to 6.
    pub vert_acc: Option<u8>,
    /// Accuracy code of the pressure altitude, 1 to 6.
    pub baro_acc: Option<u8>,
    /// Speed accuracy code, 1 to 4.
    pub speed_acc: Option<u8>,
    /// Seconds after the full UTC hour, 0 to 3600.
    pub ts_after_hour_s: Option<f64>,
    /// Accuracy of the time, tenths of a second, 1 to 15.
    pub ts_acc: Option<u8>,
    /// The time of the position, where it is said with its date.
    pub at: Option<Time>,
    /// Findings.
    pub flags: Flags,
}

/// One authentication page.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Authentication {
    /// 0 none, 1 UAS ID signature, 2 operator ID signature, 3 message set signature, 4 network Remote ID, 5 specific.
    pub auth_type: Option<u8>,
    /// 0 to 15.
    pub page: u8,
    /// Page 0 only: last page index, 0 to 15, bytes over all pages, and seconds since 2019-01-01T00:00:00Z.
    pub first: Option<(u8, u8, u32)>,
    /// Data of this page.
    pub data: Vec<u8>,
    /// Findings.
    pub flags: Flags,
}

/// Free text of the sender, attacker-controlled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SelfId {
    /// 0 text, 1 emergency, 2 extended status.
    pub desc_type: Option<u8>,
    /// The text.
    pub desc: Vec<u8>,
    /// Findings.
    pub flags: Flags,
}

/// Claimed operator position, operating area and EU class.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct System {
    /// 0 take-off point, 1 live position, 2 fixed.
    pub operator_location_type: Option<u8>,
    /// 0 undeclared, 1 EU.
    pub classification_type: Option<u8>,
    /// Latitude and longitude of the operator, degrees.
    pub operator: Option<(f64, f64)>,
    /// Latitude and longitude of the take-off or home point, degrees; not in the standard, some receivers give it.
    pub home: Option<(f64, f64)>,
    /// Number of aircraft.
    pub area_count: Option<u32>,
    /// Radius of the operating area, metres.
    pub area_radius_m: Option<f64>,
    /// Its ceiling, metres above the ellipsoid.
    pub area_ceiling_m: Option<f64>,
    /// Its floor, metres above the ellipsoid.
    pub area_floor_m: Option<f64>,
    /// EU category, 0 to 15.
    pub category_eu: Option<u8>,
    /// EU class, 0 to 15 (N means C(N-1)).
    pub class_eu: Option<u8>,
    /// Operator altitude, metres above the ellipsoid.
    pub operator_alt_geo_m: Option<f64>,
    /// Seconds since 2019-01-01T00:00:00Z.
    pub timestamp_2019_s: Option<u32>,
    /// Findings.
    pub flags: Flags,
}

/// A claimed operator registration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OperatorId {
    /// 0 operator or CAA id.
    pub operator_id_type: Option<u8>,
    /// The text.
    pub id: Vec<u8>,
    /// Findings.
    pub flags: Flags,
}

/// A radio signal of a drone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RadioSignal {
    /// What kind, in the receiver's word (`fpv`).
    pub kind: Option<String>,
    /// Middle of the band, Hz.
    pub centre_hz: Option<f64>,
    /// Width of the band, Hz.
    pub bandwidth_hz: Option<f64>,
    /// Around where it is, degrees: the receiver's own place unless it can do better.
    pub around: Option<(f64, f64)>,
    /// How far from there it may be, metres.
    pub radius_m: Option<f64>,
    /// Findings.
    pub flags: Flags,
}

/// A receiver about itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Status {
    /// Whether it says that it is there; `false` is a last word sent for it by its broker.
    pub there: bool,
    /// Its model.
    pub model: Option<String>,
    /// Its software.
    pub firmware: Option<String>,
    /// How it is, in its own word.
    pub status: Option<String>,
    /// Where it stands.
    pub at: Option<Place>,
    /// Findings.
    pub flags: Flags,
}

/// How and by whom it was heard.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reception {
    /// The receiver's own name.
    pub receiver: Option<String>,
    /// Where it stands.
    pub receiver_at: Option<Place>,
    /// Link-layer address of the emitter; not an identity.
    pub address: Option<String>,
    /// Bearer, in the words of a decoded broadcast (`wifi_beacon` …) where it has one there.
    pub transport: Option<String>,
    /// Received power, dBm.
    pub rssi_dbm: Option<f64>,
    /// Middle of the channel, MHz.
    pub frequency_mhz: Option<f64>,
    /// Message counter of the bearer.
    pub counter: Option<u8>,
    /// When the receiver heard it, by its own clock.
    pub at: Option<Time>,
}

/// A value of a range: `None` for its sentinel, `None` with the flag where it is out of range or not finite.
pub fn known(
    value: Option<f64>,
    sentinel: Option<f64>,
    range: std::ops::RangeInclusive<f64>,
    flag: &'static str,
    flags: &mut Flags,
) -> Option<f64> {
    let v = value?;
    if sentinel.is_some_and(|s| same(s, v)) {
        return None;
    }
    if range.contains(&v) {
        return Some(v);
    }
    add(flags, flag);
    None
}

/// Adds a finding once.
pub fn add(flags: &mut Flags, flag: &'static str) {
    if !flags.contains(&flag) {
        flags.push(flag);
    }
}

/// The very same number: sentinels are exact.
fn same(a: f64, b: f64) -> bool {
    a.total_cmp(&b).is_eq() || a.abs() < f64::MIN_POSITIVE && b.abs() < f64::MIN_POSITIVE
}

/// A pair of degrees; both zero is unknown, one bad makes both unknown.
pub fn position(pair: Option<(f64, f64)>, flags: &mut Flags) -> Option<(f64, f64)> {
    let (lat, lon) = pair?;
    if same(lat, 0.0) && same(lon, 0.0) {
        return None;
    }
    let lat = known(Some(lat), None, -90.0..=90.0, "lat_out_of_range", flags);
    let lon = known(Some(lon), None, -180.0..=180.0, "lon_out_of_range", flags);
    lat.zip(lon)
}

const ALTITUDE: std::ops::RangeInclusive<f64> = -1000.0..=31_767.5;

fn altitude(value: Option<f64>, flag: &'static str, flags: &mut Flags) -> Option<f64> {
    known(value, Some(-1000.0), ALTITUDE, flag, flags)
}

/// A code of which 0 is "unknown".
fn code(c: Option<u8>) -> Option<u8> {
    c.filter(|c| *c != 0)
}

impl Location {
    /// With sentinels and impossible values made unknown, and the latter flagged.
    #[must_use]
    pub fn checked(self) -> Self {
        let mut flags = self.flags;
        let f = &mut flags;
        let direction_deg = known(self.direction_deg, Some(361.0), 0.0..=360.0, "direction_out_of_range", f);
        let ts = self.ts_after_hour_s.filter(|t| !same(*t, 6553.5));
        let mut l = Self {
            direction_deg: direction_deg.filter(|d| {
                let fits = *d < 360.0;
                if !fits {
                    add(f, "direction_out_of_range");
                }
                fits
            }),
            position: position(self.position, f),
            speed_h_mps: known(self.speed_h_mps, Some(255.0), 0.0..=254.25, "speed_h_out_of_range", f),
            speed_v_mps: known(self.speed_v_mps, Some(63.0), -62.0..=62.0, "speed_v_out_of_range", f),
            alt_baro_m: altitude(self.alt_baro_m, "alt_baro_out_of_range", f),
            alt_geo_m: altitude(self.alt_geo_m, "alt_geo_out_of_range", f),
            alt_m: altitude(self.alt_m, "alt_out_of_range", f),
            height_m: altitude(self.height_m, "height_out_of_range", f),
            ts_after_hour_s: known(ts, Some(65_535.0), 0.0..=3600.0, "ts_out_of_range", f),
            horiz_acc: code(self.horiz_acc),
            vert_acc: code(self.vert_acc),
            baro_acc: code(self.baro_acc),
            speed_acc: code(self.speed_acc),
            ts_acc: code(self.ts_acc),
            flags: Flags::new(),
            ..self
        };
        if l.alt_m.is_some() {
            add(&mut flags, "altitude_reference_unknown");
        }
        if l.status.is_some_and(|s| s > 4) {
            add(&mut flags, "status_reserved");
        }
        let over = |c: Option<u8>, most| c.is_some_and(|c| c > most);
        if over(l.horiz_acc, 12) || over(l.vert_acc, 6) || over(l.baro_acc, 6) || over(l.speed_acc, 4) {
            add(&mut flags, "accuracy_reserved");
        }
        l.flags = flags;
        l
    }

    /// Upper bound of the horizontal error, metres (taken as 95 %).
    pub fn horizontal_bound_m(&self) -> Option<f64> {
        remote_id::Location { horiz_acc: self.horiz_acc?, ..remote_id::Location::UNKNOWN }.horizontal_bound_m()
    }

    /// Upper bound of the error of the geodetic altitude, metres (taken as 95 %).
    pub fn vertical_bound_m(&self) -> Option<f64> {
        remote_id::Location { vert_acc: self.vert_acc?, ..remote_id::Location::UNKNOWN }.vertical_bound_m()
    }
}

impl System {
    /// With sentinels and impossible values made unknown, and the latter flagged.
    #[must_use]
    pub fn checked(self) -> Self {
        let mut flags = self.flags;
        let f = &mut flags;
        let mut s = Self {
            operator: position(self.operator, f),
            home: position(self.home, f),
            area_radius_m: known(self.area_radius_m, None, 0.0..=65_535.0, "area_radius_out_of_range", f),
            area_ceiling_m: altitude(self.area_ceiling_m, "area_ceiling_out_of_range", f),
            area_floor_m: altitude(self.area_floor_m, "area_floor_out_of_range", f),
            operator_alt_geo_m: altitude(self.operator_alt_geo_m, "operator_alt_out_of_range", f),
            timestamp_2019_s: self.timestamp_2019_s.filter(|t| *t != 0),
            flags: Flags::new(),
            ..self
        };
        if s.classification_type.is_some_and(|c| c > 1) {
            add(&mut flags, "classification_reserved");
        }
        if s.operator_location_type.is_some_and(|t| t > 2) {
            add(&mut flags, "operator_location_type_reserved");
        }
        let eu = s.classification_type == Some(1);
        if eu && (s.category_eu.is_some_and(|c| c > 3) || s.class_eu.is_some_and(|c| c > 7)) {
            add(&mut flags, "eu_class_reserved");
        }
        if s.area_floor_m.zip(s.area_ceiling_m).is_some_and(|(floor, ceiling)| floor > ceiling) {
            add(&mut flags, "floor_above_ceiling");
        }
        s.flags = flags;
        s
    }

    /// Its time, seconds since the Unix epoch.
    pub fn timestamp_unix_s(&self) -> Option<i64> {
        self.timestamp_2019_s.map(|t| EPOCH_2019_UNIX_S + i64::from(t))
    }
}

/// The findings about a text, in the words of a decoded broadcast.
pub fn text_findings(bytes: &[u8], flags: &mut Flags) {
    let before = text::cut(bytes);
    if bytes.iter().skip(before.len()).any(|b| *b != 0) {
        add(flags, "data_after_nul");
    }
    if before.iter().any(|b| !(0x20..=0x7E).contains(b)) {
        add(flags, "non_printable_ascii");
    }
}

impl BasicId {
    /// The same with its findings.
    #[must_use]
    pub fn checked(mut self) -> Self {
        if self.is_text() {
            text_findings(&self.id, &mut self.flags);
            self.id = text::cut(&self.id).to_vec();
            if self.id.is_empty() {
                add(&mut self.flags, "empty_id");
            }
        }
        match self.id_type {
            Some(0) => add(&mut self.flags, "id_type_none"),
            Some(t) if t > 4 => add(&mut self.flags, "id_type_reserved"),
            None => add(&mut self.flags, "id_type_unknown"),
            Some(_) => {}
        }
        self.id.truncate(MAX_TEXT);
        self
    }

    /// Whether the id is text.
    pub fn is_text(&self) -> bool {
        matches!(self.id_type, None | Some(remote_id::BasicId::SERIAL | remote_id::BasicId::CAA))
    }
}

impl SelfId {
    /// The same with its findings.
    #[must_use]
    pub fn checked(mut self) -> Self {
        text_findings(&self.desc, &mut self.flags);
        self.desc.truncate(MAX_TEXT);
        match self.desc_type {
            Some(3..=200) => add(&mut self.flags, "desc_type_reserved"),
            Some(201..) => add(&mut self.flags, "desc_type_private"),
            _ => {}
        }
        self
    }
}

impl OperatorId {
    /// The same with its findings.
    #[must_use]
    pub fn checked(mut self) -> Self {
        text_findings(&self.id, &mut self.flags);
        self.id.truncate(MAX_TEXT);
        match self.operator_id_type {
            Some(1..=200) => add(&mut self.flags, "operator_id_type_reserved"),
            Some(201..) => add(&mut self.flags, "operator_id_type_private"),
            _ => {}
        }
        self
    }
}

impl Message {
    /// Its findings.
    pub fn flags(&self) -> &[&'static str] {
        match self {
            Self::BasicId(m) => &m.flags,
            Self::Location(m) => &m.flags,
            Self::Authentication(m) => &m.flags,
            Self::SelfId(m) => &m.flags,
            Self::System(m) => &m.flags,
            Self::OperatorId(m) => &m.flags,
            Self::RadioSignal(m) => &m.flags,
            Self::Aircraft(m) => &m.flags,
            Self::Status(m) => &m.flags,
            Self::Presence { .. } => &[],
        }
    }
}

/// A broadcast message that a gateway hands on as it was on the air.
impl From<&remote_id::Message> for Message {
    fn from(m: &remote_id::Message) -> Self {
        let flags: Flags = m.flags().words().collect();
        match m {
            remote_id::Message::BasicId(b) => Self::BasicId(BasicId {
                id_type: Some(b.id_type),
                ua_type: Some(b.ua_type),
                id: b.text().map_or_else(|| b.id.to_vec(), <[u8]>::to_vec),
                flags,
            }),
            remote_id::Message::Location(l) => Self::Location(Box::new(Location {
                status: Some(l.status),
                height_ref: Some(l.height_type),
                direction_deg: l.direction_deg().map(f64::from),
                speed_h_mps: l.speed_h_mps(),
                speed_v_mps: l.speed_v_mps(),
                position: l.position(),
                alt_baro_m: l.alt_baro_m(),
                alt_geo_m: l.alt_geo_m(),
                alt_m: None,
                height_m: l.height_m(),
                horiz_acc: code(Some(l.horiz_acc)),
                vert_acc: code(Some(l.vert_acc)),
                baro_acc: code(Some(l.baro_acc)),
                speed_acc: code(Some(l.speed_acc)),
                ts_after_hour_s: l.ts_after_hour_s(),
                ts_acc: code(Some(l.ts_acc)),
                at: None,
                flags,
            })),
            remote_id::Message::Authentication(a) => Self::Authentication(Authentication {
                auth_type: Some(a.auth_type),
                page: a.page,
                first: a.first.map(|f| (f.last_page_index, f.length, f.timestamp_2019_s)),
                data: a.data().to_vec(),
                flags,
            }),
            remote_id::Message::SelfId(s) => {
                Self::SelfId(SelfId { desc_type: Some(s.desc_type), desc: s.text().to_vec(), flags })
            }
            remote_id::Message::System(s) => Self::System(Box::new(System {
                operator_location_type: Some(s.operator_location_type),
                classification_type: Some(s.classification_type),
                operator: s.operator_position(),
                home: None,
                area_count: Some(u32::from(s.area_count)),
                area_radius_m: Some(f64::from(s.area_radius_m())),
                area_ceiling_m: s.area_ceiling_m(),
                area_floor_m: s.area_floor_m(),
                category_eu: Some(s.category_eu),
                class_eu: Some(s.class_eu),
                operator_alt_geo_m: s.operator_alt_geo_m(),
                timestamp_2019_s: Some(s.timestamp_2019_s).filter(|t| *t != 0),
                flags,
            })),
            remote_id::Message::OperatorId(o) => Self::OperatorId(OperatorId {
                operator_id_type: Some(o.operator_id_type),
                id: o.text().to_vec(),
                flags,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sentinel_is_unknown_without_a_flag() {
        let l = Location {
            direction_deg: Some(361.0),
            speed_h_mps: Some(255.0),
            speed_v_mps: Some(63.0),
            position: Some((0.0, -0.0)),
            alt_baro_m: Some(-1000.0),
            alt_geo_m: Some(-1000.0),
            height_m: Some(-1000.0),
            ts_after_hour_s: Some(65_535.0),
            horiz_acc: Some(0),
            ..Location::default()
        };
        assert_eq!(l.checked(), Location::default());
        let s = System {
            operator: Some((0.0, 0.0)),
            operator_alt_geo_m: Some(-1000.0),
            timestamp_2019_s: Some(0),
            ..System::default()
        };
        assert_eq!(s.checked(), System::default());
    }

    #[test]
    fn what_cannot_be_is_unknown_with_its_flag() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
            let l = Location {
                direction_deg: Some(bad),
                speed_h_mps: Some(bad),
                speed_v_mps: Some(bad),
                position: Some((bad, 8.0)),
                alt_baro_m: Some(bad),
                alt_geo_m: Some(bad),
                height_m: Some(bad),
                ts_after_hour_s: Some(bad),
                ..Location::default()
            }
            .checked();
            assert_eq!(
                l.flags,
                [
                    "direction_out_of_range",
                    "lat_out_of_range",
                    "speed_h_out_of_range",
                    "speed_v_out_of_range",
                    "alt_baro_out_of_range",
                    "alt_geo_out_of_range",
                    "height_out_of_range",
                    "ts_out_of_range"
                ],
                "{bad}"
            );
            assert_eq!(Location { flags: vec![], ..l }, Location::default(), "{bad}");
        }
        // A wrapped 16-bit integer is no altitude.
        let l = Location { alt_geo_m: Some(65_531.0), direction_deg: Some(360.0), ..Location::default() }.checked();
        assert_eq!(l.flags, ["direction_out_of_range", "alt_geo_out_of_range"]);
    }

    #[test]
    fn one_axis_at_zero_is_a_place() {
        let mut flags = Flags::new();
        assert_eq!(position(Some((0.0, 8.0)), &mut flags), Some((0.0, 8.0)));
        assert_eq!(position(Some((91.0, 8.0)), &mut flags), None);
        assert_eq!(flags, ["lat_out_of_range"]);
    }

    #[test]
    fn a_broadcast_message_is_relayed_with_the_same_values() {
        let l = remote_id::Location::UNKNOWN
            .with_position(31.75, -106.5)
            .with_alt_geo_m(Some(1200.5))
            .with_ground_velocity(270.0, 12.25)
            .with_speed_v_mps(-1.5)
            .with_accuracy_m(2.0, 4.0);
        let m = remote_id::Message::Location(remote_id::Location::decode(&l.encode()));
        let Message::Location(r) = Message::from(&m) else { panic!() };
        assert_eq!(*r, r.clone().checked(), "what was range-checked stays as it is");
        let (mut relayed, mut air) = (Message::Location(r).to_json(), m.to_json());
        // The version of the air is not relayed, and a direction is a number either way.
        for o in [&mut relayed, &mut air] {
            o.as_object_mut().unwrap().retain(|k, _| k != "proto_version" && k != "direction_deg");
        }
        assert_eq!(relayed, air);
    }
}
