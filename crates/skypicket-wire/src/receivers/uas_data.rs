//! UASdata: the structure in which DroneScout keeps all that it heard of one drone.
//!
//! It is `ODID_UAS_Data` of the Open Drone ID core C library as it lies in the memory of a little-endian machine: 920
//! bytes, with a NUL after it 921 (all known receivers send so). A block counts only when its flag is exactly 1.

use crate::relayed::{Authentication, BasicId, Flags, Location, Message, OperatorId, SelfId, System, add};

/// Bytes of the structure.
pub const SIZE: usize = 920;

/// Offsets of the flags that say which blocks are filled.
const BASIC_ID_VALID: [usize; 2] = [892, 893];
const LOCATION_VALID: usize = 894;
const AUTH_VALID: usize = 895;
const SELF_ID_VALID: usize = 911;
const SYSTEM_VALID: usize = 912;
const OPERATOR_ID_VALID: usize = 913;
/// Pages of authentication.
const PAGES: usize = 16;

/// The structure's bytes, read at fixed places.
struct Bytes<'a>(&'a [u8; SIZE]);

impl Bytes<'_> {
    fn at<const N: usize>(&self, offset: usize) -> [u8; N] {
        self.0.get(offset..).and_then(|b| b.first_chunk()).copied().unwrap_or([0; N])
    }
    fn u8(&self, offset: usize) -> u8 {
        self.at::<1>(offset)[0]
    }
    fn f32(&self, offset: usize) -> f64 {
        f64::from(f32::from_le_bytes(self.at(offset)))
    }
    fn f64(&self, offset: usize) -> f64 {
        f64::from_le_bytes(self.at(offset))
    }
    /// An enumeration: what no byte holds is unknown, with a flag.
    fn code(&self, offset: usize, flags: &mut Flags) -> Option<u8> {
        let c = u8::try_from(i32::from_le_bytes(self.at(offset))).ok();
        if c.is_none() {
            add(flags, "code_out_of_range");
        }
        c
    }
    fn valid(&self, offset: usize) -> bool {
        self.u8(offset) == 1
    }
}

/// The messages of a structure; `None` where the bytes are not one.
pub fn decode(bytes: &[u8]) -> Option<Vec<Message>> {
    let (body, rest) = bytes.split_first_chunk::<SIZE>()?;
    if rest.len() > 1 || rest.iter().any(|b| *b != 0) {
        return None;
    }
    let b = Bytes(body);
    let mut out = Vec::new();
    for (k, valid) in BASIC_ID_VALID.into_iter().enumerate() {
        if b.valid(valid) {
            out.push(Message::BasicId(basic_id(&b, 32 * k)));
        }
    }
    if b.valid(LOCATION_VALID) {
        out.push(Message::Location(Box::new(location(&b))));
    }
    for page in 0..PAGES {
        if b.valid(AUTH_VALID + page) {
            out.push(Message::Authentication(authentication(&b, 136 + 40 * page)));
        }
    }
    if b.valid(SELF_ID_VALID) {
        let mut flags = Flags::new();
        let desc_type = b.code(776, &mut flags);
        out.push(Message::SelfId(SelfId { desc_type, desc: unpadded(&b.at::<24>(780)), flags }.checked()));
    }
    if b.valid(SYSTEM_VALID) {
        out.push(Message::System(Box::new(system(&b))));
    }
    if b.valid(OPERATOR_ID_VALID) {
        let mut flags = Flags::new();
        let operator_id_type = b.code(864, &mut flags);
        out.push(Message::OperatorId(OperatorId { operator_id_type, id: unpadded(&b.at::<21>(868)), flags }.checked()));
    }
    Some(out)
}

/// The bytes without the NULs at their end.
fn unpadded(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |k| k + 1);
    bytes.get(..end).unwrap_or_default().to_vec()
}

fn basic_id(b: &Bytes<'_>, at: usize) -> BasicId {
    let mut flags = Flags::new();
    let (ua_type, id_type) = (b.code(at, &mut flags), b.code(at + 4, &mut flags));
    let id: [u8; 20] = b.at(at + 8);
    let text = matches!(id_type, Some(1 | 2));
    BasicId { id_type, ua_type, id: if text { unpadded(&id) } else { id.to_vec() }, flags }.checked()
}

fn location(b: &Bytes<'_>) -> Location {
    let mut flags = Flags::new();
    let mut code = |offset| b.code(offset, &mut flags);
    let (status, height_ref) = (code(64), code(104));
    let (horiz_acc, vert_acc, baro_acc) = (code(112), code(116), code(120));
    let (speed_acc, ts_acc) = (code(124), code(128));
    Location {
        status,
        height_ref,
        direction_deg: Some(b.f32(68)),
        speed_h_mps: Some(b.f32(72)),
        speed_v_mps: Some(b.f32(76)),
        position: Some((b.f64(80), b.f64(88))),
        alt_baro_m: Some(b.f32(96)),
        alt_geo_m: Some(b.f32(100)),
        alt_m: None,
        height_m: Some(b.f32(108)),
        horiz_acc,
        vert_acc,
        baro_acc,
        speed_acc,
        // The air has tenths; a 32-bit float adds digits that nobody sent.
        ts_after_hour_s: Some(libm::round(b.f32(132) * 10.0) / 10.0),
        ts_acc,
        at: None,
        flags,
    }
    .checked()
}

fn authentication(b: &Bytes<'_>, at: usize) -> Authentication {
    let mut flags = Flags::new();
    let page = b.u8(at) & 15;
    let auth_type = b.code(at + 4, &mut flags);
    let time = u32::from_le_bytes(b.at(at + 12));
    let (last, length) = (b.u8(at + 8), b.u8(at + 9));
    let data: [u8; 23] = b.at(at + 16);
    if page != 0 {
        return Authentication { auth_type, page, first: None, data: data.to_vec(), flags };
    }
    if last > 15 || u16::from(length) > 17 + 23 * u16::from(last) {
        add(&mut flags, "auth_page_refused");
    } else if time == 0 {
        add(&mut flags, "auth_timestamp_zero");
    }
    Authentication { auth_type, page, first: Some((last, length, time)), data: data[..17].to_vec(), flags }
}

fn system(b: &Bytes<'_>) -> System {
    let mut flags = Flags::new();
    let mut code = |offset| b.code(offset, &mut flags);
    let (operator_location_type, classification_type) = (code(808), code(812));
    let (category_eu, class_eu) = (code(844), code(848));
    System {
        operator_location_type,
        classification_type,
        operator: Some((b.f64(816), b.f64(824))),
        home: None,
        area_count: Some(u32::from(u16::from_le_bytes(b.at(832)))),
        area_radius_m: Some(f64::from(u16::from_le_bytes(b.at(834)))),
        area_ceiling_m: Some(b.f32(836)),
        area_floor_m: Some(b.f32(840)),
        category_eu,
        class_eu,
        operator_alt_geo_m: Some(b.f32(852)),
        timestamp_2019_s: Some(u32::from_le_bytes(b.at(856))),
        flags,
    }
    .checked()
}

/// A structure with these messages, for tests and exercises: 920 bytes and a NUL, as receivers send it. What is unknown
/// is written as the library's sentinel; of a kind that has no room left nothing is written.
pub fn encode(messages: &[Message]) -> Vec<u8> {
    let mut out = vec![0u8; SIZE + 1];
    let mut put = |offset: usize, bytes: &[u8]| {
        if let Some(slot) = out.get_mut(offset..offset + bytes.len()) {
            slot.copy_from_slice(bytes);
        }
    };
    let code = |c: Option<u8>| i32::from(c.unwrap_or(0)).to_le_bytes();
    #[allow(clippy::cast_possible_truncation)] // the structure holds 32-bit floats
    let f32 = |v: Option<f64>, unknown: f32| v.map_or(unknown, |v| v as f32).to_le_bytes();
    let text = |bytes: &[u8], most: usize| bytes.get(..bytes.len().min(most)).unwrap_or_default().to_vec();
    let mut ids = 0;
    for m in messages {
        match m {
            Message::BasicId(m) => {
                let (at, valid) = if ids == 0 { (0, BASIC_ID_VALID[0]) } else { (32, BASIC_ID_VALID[1]) };
                if ids > 1 {
                    continue;
                }
                ids += 1;
                put(at, &code(m.ua_type));
                put(at + 4, &code(m.id_type));
                put(at + 8, &text(&m.id, 20));
                put(valid, &[1]);
            }
            Message::Location(m) => {
                let (lat, lon) = m.position.unwrap_or((0.0, 0.0));
                put(64, &code(m.status));
                put(68, &f32(m.direction_deg, 361.0));
                put(72, &f32(m.speed_h_mps, 255.0));
                put(76, &f32(m.speed_v_mps, 63.0));
                put(80, &lat.to_le_bytes());
                put(88, &lon.to_le_bytes());
                put(96, &f32(m.alt_baro_m, -1000.0));
                put(100, &f32(m.alt_geo_m, -1000.0));
                put(104, &code(m.height_ref));
                put(108, &f32(m.height_m, -1000.0));
                for (k, c) in [m.horiz_acc, m.vert_acc, m.baro_acc, m.speed_acc, m.ts_acc].into_iter().enumerate() {
                    put(112 + 4 * k, &code(c));
                }
                put(132, &f32(m.ts_after_hour_s, 65_535.0));
                put(LOCATION_VALID, &[1]);
            }
            Message::Authentication(m) => {
                let page = usize::from(m.page & 15);
                let at = 136 + 40 * page;
                put(at, &[m.page & 15]);
                put(at + 4, &code(m.auth_type));
                if let Some((last, length, time)) = m.first {
                    put(at + 8, &[last, length]);
                    put(at + 12, &time.to_le_bytes());
                }
                put(at + 16, &text(&m.data, 23));
                put(AUTH_VALID + page, &[1]);
            }
            Message::SelfId(m) => {
                put(776, &code(m.desc_type));
                put(780, &text(&m.desc, 23));
                put(SELF_ID_VALID, &[1]);
            }
            Message::System(m) => {
                let (lat, lon) = m.operator.unwrap_or((0.0, 0.0));
                put(808, &code(m.operator_location_type));
                put(812, &code(m.classification_type));
                put(816, &lat.to_le_bytes());
                put(824, &lon.to_le_bytes());
                put(832, &u16::try_from(m.area_count.unwrap_or(1)).unwrap_or(u16::MAX).to_le_bytes());
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturating is what is meant
                put(834, &(m.area_radius_m.unwrap_or(0.0) as u16).to_le_bytes());
                put(836, &f32(m.area_ceiling_m, -1000.0));
                put(840, &f32(m.area_floor_m, -1000.0));
                put(844, &code(m.category_eu));
                put(848, &code(m.class_eu));
                put(852, &f32(m.operator_alt_geo_m, -1000.0));
                put(856, &m.timestamp_2019_s.unwrap_or(0).to_le_bytes());
                put(SYSTEM_VALID, &[1]);
            }
            Message::OperatorId(m) => {
                put(864, &code(m.operator_id_type));
                put(868, &text(&m.id, 20));
                put(OPERATOR_ID_VALID, &[1]);
            }
            Message::Presence { .. } | Message::RadioSignal(_) | Message::Aircraft(_) | Message::Status(_) => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn full() -> Vec<Message> {
        vec![
            Message::BasicId(BasicId {
                id_type: Some(1),
                ua_type: Some(2),
                id: b"SKYP1RST0GHTH0001".to_vec(),
                flags: vec![],
            }),
            Message::BasicId(BasicId { id_type: Some(4), ua_type: Some(2), id: vec![7; 20], flags: vec![] }),
            Message::Location(Box::new(Location {
                status: Some(2),
                height_ref: Some(0),
                direction_deg: Some(270.0),
                speed_h_mps: Some(12.25),
                speed_v_mps: Some(-1.5),
                position: Some((31.751_841_6, -106.489_577_9)),
                alt_geo_m: Some(1200.5),
                alt_m: None,
                height_m: Some(60.0),
                horiz_acc: Some(11),
                vert_acc: Some(5),
                ts_after_hour_s: Some(3599.9),
                ts_acc: Some(2),
                ..Location::default()
            })),
            Message::Authentication(Authentication {
                auth_type: Some(1),
                page: 0,
                first: Some((1, 40, 200_000_000)),
                data: vec![9; 17],
                flags: vec![],
            }),
            Message::Authentication(Authentication {
                auth_type: Some(1),
                page: 1,
                first: None,
                data: vec![8; 23],
                flags: vec![],
            }),
            Message::SelfId(SelfId { desc_type: Some(0), desc: b"survey".to_vec(), flags: vec![] }),
            Message::System(Box::new(System {
                operator_location_type: Some(1),
                classification_type: Some(1),
                operator: Some((31.75, -106.5)),
                area_count: Some(1),
                area_radius_m: Some(20.0),
                category_eu: Some(1),
                class_eu: Some(2),
                operator_alt_geo_m: Some(1140.5),
                timestamp_2019_s: Some(200_000_001),
                ..System::default()
            })),
            Message::OperatorId(OperatorId {
                operator_id_type: Some(0),
                id: b"FIN87astrdge12k8".to_vec(),
                flags: vec![],
            }),
        ]
    }

    #[test]
    fn what_is_written_reads_back() {
        let bytes = encode(&full());
        assert_eq!(bytes.len(), SIZE + 1);
        assert_eq!(decode(&bytes).unwrap(), full());
        assert_eq!(decode(&bytes[..SIZE]).unwrap(), full(), "without the NUL");
        assert_eq!(decode(&encode(&[])).unwrap(), []);
    }

    #[test]
    fn a_block_whose_flag_is_not_one_is_not_there() {
        let mut bytes = encode(&full());
        for flag in [0, 2, 255] {
            bytes[LOCATION_VALID] = flag;
            assert!(!decode(&bytes).unwrap().iter().any(|m| matches!(m, Message::Location(_))));
        }
    }

    #[test]
    fn other_lengths_are_no_structure() {
        let bytes = encode(&full());
        for n in [0, 25, 919, 922] {
            let mut b = bytes.clone();
            b.resize(n, 0);
            assert_eq!(decode(&b), None, "{n}");
        }
        let mut b = bytes;
        b[SIZE] = 1;
        assert_eq!(decode(&b), None, "something else follows");
    }

    proptest! {
        #[test]
        fn any_structure_decodes_to_finite_values(mut bytes in proptest::collection::vec(any::<u8>(), SIZE), flags in any::<bool>()) {
            if flags {
                bytes[892..914].fill(1);
            }
            for m in decode(&bytes).unwrap() {
                if let Message::Location(l) = &m {
                    for v in [l.direction_deg, l.speed_h_mps, l.speed_v_mps, l.alt_geo_m, l.height_m, l.position.map(|p| p.0)] {
                        prop_assert!(v.is_none_or(f64::is_finite));
                    }
                }
                prop_assert!(m.to_json().is_object());
            }
        }
    }
}
