//! Open Drone ID over MAVLink: messages 12900 to 12905, 12915, 12918 and 12919 (`common.xml`).
//!
//! The content is that of the broadcast in other units: centidegrees, cm/s, metres as 32-bit floats. A pack holds the
//! bytes of the air. `id_or_mac` names the aircraft that was heard where the sender is a receiver; all zero is its own.

use crate::{
    relayed::{Authentication, BasicId, Flags, Location, Message, OperatorId, SelfId, System, add},
    remote_id::{self, DecodeError, ErrorKind, pack},
};

/// Fields of a payload at fixed places; a known message's payload has its whole size.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    pub(super) fn at<const N: usize>(&self, offset: usize) -> [u8; N] {
        self.0.get(offset..).and_then(|b| b.first_chunk()).copied().unwrap_or([0; N])
    }
    pub(super) fn u8(&self, offset: usize) -> u8 {
        self.at::<1>(offset)[0]
    }
    pub(super) fn u16(&self, offset: usize) -> u16 {
        u16::from_le_bytes(self.at(offset))
    }
    pub(super) fn i16(&self, offset: usize) -> i16 {
        i16::from_le_bytes(self.at(offset))
    }
    pub(super) fn u32(&self, offset: usize) -> u32 {
        u32::from_le_bytes(self.at(offset))
    }
    pub(super) fn i32(&self, offset: usize) -> i32 {
        i32::from_le_bytes(self.at(offset))
    }
    fn f32(&self, offset: usize) -> f64 {
        f64::from(f32::from_le_bytes(self.at(offset)))
    }
    /// A pair of 1e-7 degrees.
    pub(super) fn degrees(&self, lat: usize, lon: usize) -> (f64, f64) {
        (f64::from(self.i32(lat)) / 1e7, f64::from(self.i32(lon)) / 1e7)
    }
}

/// 2021-01-01 in seconds since 2019-01-01: before that nobody broadcast, so an earlier time is no time (some autopilots
/// put their time since boot there).
const FIRST_BROADCAST_2019_S: u32 = 63_158_400;

/// Offset of `id_or_mac` in a message that has it.
pub(super) fn id_or_mac_at(message: u32) -> Option<usize> {
    match message {
        super::BASIC_ID | super::SELF_ID | super::OPERATOR_ID | super::MESSAGE_PACK => Some(2),
        super::LOCATION => Some(32),
        super::AUTHENTICATION => Some(6),
        super::SYSTEM => Some(30),
        _ => None,
    }
}

/// The bytes without the NULs at their end.
fn unpadded(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |k| k + 1);
    bytes.get(..end).unwrap_or_default().to_vec()
}

/// The relayed message of a plain one; `None` for a message that is none.
pub(super) fn plain(message: u32, payload: &[u8]) -> Option<Message> {
    let f = Fields(payload);
    Some(match message {
        super::BASIC_ID => {
            let id: [u8; 20] = f.at(24);
            let id_type = f.u8(22);
            let text = matches!(id_type, 1 | 2);
            let id = if text { unpadded(&id) } else { id.to_vec() };
            Message::BasicId(BasicId { id_type: Some(id_type), ua_type: Some(f.u8(23)), id, flags: vec![] }.checked())
        }
        super::LOCATION => Message::Location(Box::new(
            Location {
                status: Some(f.u8(52)),
                height_ref: Some(f.u8(53)),
                direction_deg: Some(f64::from(f.u16(24)) / 100.0),
                speed_h_mps: Some(f64::from(f.u16(26)) / 100.0),
                speed_v_mps: Some(f64::from(f.i16(28)) / 100.0),
                position: Some(f.degrees(0, 4)),
                alt_baro_m: Some(f.f32(8)),
                alt_geo_m: Some(f.f32(12)),
                alt_m: None,
                height_m: Some(f.f32(16)),
                horiz_acc: Some(f.u8(54)),
                vert_acc: Some(f.u8(55)),
                baro_acc: Some(f.u8(56)),
                speed_acc: Some(f.u8(57)),
                // The air has tenths; a 32-bit float adds digits that nobody sent.
                ts_after_hour_s: Some(libm::round(f.f32(20) * 10.0) / 10.0),
                ts_acc: Some(f.u8(58)),
                at: None,
                flags: vec![],
            }
            .checked(),
        )),
        super::AUTHENTICATION => Message::Authentication(authentication(&f)),
        super::SELF_ID => Message::SelfId(
            SelfId { desc_type: Some(f.u8(22)), desc: unpadded(&f.at::<23>(23)), flags: vec![] }.checked(),
        ),
        super::SYSTEM => {
            let mut flags = Flags::new();
            let time = f.u32(20);
            if time != 0 && time < FIRST_BROADCAST_2019_S {
                add(&mut flags, "timestamp_implausible");
            }
            Message::System(Box::new(
                System {
                    operator_location_type: Some(f.u8(50)),
                    classification_type: Some(f.u8(51)),
                    operator: Some(f.degrees(0, 4)),
                    home: None,
                    area_count: Some(u32::from(f.u16(24))),
                    area_radius_m: Some(f64::from(f.u16(26))),
                    area_ceiling_m: Some(f.f32(8)),
                    area_floor_m: Some(f.f32(12)),
                    category_eu: Some(f.u8(52)),
                    class_eu: Some(f.u8(53)),
                    operator_alt_geo_m: Some(f.f32(16)),
                    timestamp_2019_s: Some(time),
                    flags,
                }
                .checked(),
            ))
        }
        super::OPERATOR_ID => Message::OperatorId(
            OperatorId { operator_id_type: Some(f.u8(22)), id: unpadded(&f.at::<20>(23)), flags: vec![] }.checked(),
        ),
        _ => return None,
    })
}

fn authentication(f: &Fields<'_>) -> Authentication {
    let mut flags = Flags::new();
    let (auth_type, page) = (f.u8(26), f.u8(27));
    let (last, length, time) = (f.u8(28), f.u8(29), f.u32(0));
    let data: [u8; 23] = f.at(30);
    match auth_type {
        6..=9 => add(&mut flags, "auth_type_reserved"),
        10.. => add(&mut flags, "auth_type_private"),
        _ => {}
    }
    if page > 15 {
        add(&mut flags, "auth_page_refused");
    }
    if page != 0 {
        return Authentication { auth_type: Some(auth_type), page: page & 15, first: None, data: data.to_vec(), flags };
    }
    if last > 15 || u16::from(length) > 17 + 23 * u16::from(last.min(15)) {
        add(&mut flags, "auth_page_refused");
    } else if time == 0 {
        add(&mut flags, "auth_timestamp_zero");
    }
    let first = Some((last, length, time));
    Authentication { auth_type: Some(auth_type), page, first, data: data[..17].to_vec(), flags }
}

/// The messages of a pack (12915), with what was wrong at which byte of the payload.
pub(super) fn message_pack(payload: &[u8]) -> (Vec<Message>, Flags, Option<DecodeError>) {
    const MESSAGES: usize = 24;
    let f = Fields(payload);
    let (size, count) = (f.u8(22), f.u8(23));
    // A pack on the air may be empty; here a count outside 1 to 9 is an error of the sender.
    if count == 0 || usize::from(count) > pack::MAX_MEMBERS {
        return (vec![], vec![], Some(ErrorKind::PackCount(count).at(23)));
    }
    let mut air = vec![0xF2, size, count];
    air.extend(payload.get(MESSAGES..).unwrap_or_default());
    let decoded = pack::decode(&air);
    let error = decoded.error.map(|e| match e.offset {
        // The header that the air has and MAVLink has in fields of its own.
        1 => e.kind.at(22),
        2 => e.kind.at(23),
        k => e.kind.at(k.saturating_sub(pack::HEADER_SIZE) + MESSAGES),
    });
    (decoded.messages.iter().map(|m| Message::from(&m)).collect(), decoded.flags.words().collect(), error)
}

/// Message id and payload of a relayed message, for tests and exercises. `id_or_mac` all zero is the sender's own
/// aircraft. `None` for what is no message of Open Drone ID.
pub fn encode(m: &Message, id_or_mac: [u8; 20]) -> Option<(u32, Vec<u8>)> {
    let mut out = vec![0u8; 59];
    let mut put = |offset: usize, bytes: &[u8]| {
        if let Some(slot) = out.get_mut(offset..offset + bytes.len()) {
            slot.copy_from_slice(bytes);
        }
    };
    #[allow(clippy::cast_possible_truncation)] // the wire has 32-bit floats
    let float = |v: Option<f64>, unknown: f32| v.map_or(unknown, |v| v as f32).to_le_bytes();
    #[allow(clippy::cast_possible_truncation)] // saturating is what is meant
    let whole = |v: f64| libm::round(v) as i32;
    let text = |bytes: &[u8], most: usize| bytes.get(..bytes.len().min(most)).unwrap_or_default().to_vec();
    let code = |c: Option<u8>| [c.unwrap_or(0)];
    let id = match m {
        Message::BasicId(m) => {
            put(22, &code(m.id_type));
            put(23, &code(m.ua_type));
            put(24, &text(&m.id, 20));
            super::BASIC_ID
        }
        Message::Location(m) => {
            let (lat, lon) = m.position.unwrap_or((0.0, 0.0));
            put(0, &whole(lat * 1e7).to_le_bytes());
            put(4, &whole(lon * 1e7).to_le_bytes());
            put(8, &float(m.alt_baro_m, -1000.0));
            put(12, &float(m.alt_geo_m, -1000.0));
            put(16, &float(m.height_m, -1000.0));
            put(20, &float(m.ts_after_hour_s, 65_535.0));
            let unsigned = |v: Option<f64>, unknown: u16| {
                v.map_or(unknown, |v| u16::try_from(whole(v * 100.0)).unwrap_or(unknown)).to_le_bytes()
            };
            put(24, &unsigned(m.direction_deg, 36_100));
            put(26, &unsigned(m.speed_h_mps, 25_500));
            let up = m.speed_v_mps.map_or(6_300, |v| i16::try_from(whole(v * 100.0)).unwrap_or(6_300));
            put(28, &up.to_le_bytes());
            let codes = [m.status, m.height_ref, m.horiz_acc, m.vert_acc, m.baro_acc, m.speed_acc, m.ts_acc];
            for (k, c) in codes.into_iter().enumerate() {
                put(52 + k, &code(c));
            }
            super::LOCATION
        }
        Message::Authentication(m) => {
            let (last, length, time) = m.first.unwrap_or((0, 0, 0));
            put(0, &time.to_le_bytes());
            put(26, &code(m.auth_type));
            put(27, &[m.page, last, length]);
            put(30, &text(&m.data, 23));
            super::AUTHENTICATION
        }
        Message::SelfId(m) => {
            put(22, &code(m.desc_type));
            put(23, &text(&m.desc, 23));
            super::SELF_ID
        }
        Message::System(m) => {
            let (lat, lon) = m.operator.unwrap_or((0.0, 0.0));
            put(0, &whole(lat * 1e7).to_le_bytes());
            put(4, &whole(lon * 1e7).to_le_bytes());
            put(8, &float(m.area_ceiling_m, -1000.0));
            put(12, &float(m.area_floor_m, -1000.0));
            put(16, &float(m.operator_alt_geo_m, -1000.0));
            put(20, &m.timestamp_2019_s.unwrap_or(0).to_le_bytes());
            put(24, &u16::try_from(m.area_count.unwrap_or(1)).unwrap_or(u16::MAX).to_le_bytes());
            put(26, &u16::try_from(whole(m.area_radius_m.unwrap_or(0.0))).unwrap_or(0).to_le_bytes());
            for (k, c) in
                [m.operator_location_type, m.classification_type, m.category_eu, m.class_eu].into_iter().enumerate()
            {
                put(50 + k, &code(c));
            }
            super::SYSTEM
        }
        Message::OperatorId(m) => {
            put(22, &code(m.operator_id_type));
            put(23, &text(&m.id, 20));
            super::OPERATOR_ID
        }
        Message::Presence { .. } | Message::RadioSignal(_) | Message::Aircraft(_) | Message::Status(_) => return None,
    };
    put(id_or_mac_at(id)?, &id_or_mac);
    out.truncate(super::frame::known(id)?.1);
    Some((id, out))
}

/// Message id and payload of a pack, for tests and exercises: one to nine messages of the air.
pub fn encode_pack(messages: &[remote_id::Message], id_or_mac: [u8; 20]) -> Result<(u32, Vec<u8>), DecodeError> {
    let air = pack::encode(2, messages)?;
    let mut out = vec![0, 0];
    out.extend(id_or_mac);
    out.extend(air.iter().skip(1));
    out.resize(249, 0);
    Ok((super::MESSAGE_PACK, out))
}
