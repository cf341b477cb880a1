//! [`Frame`]: MAVLink 1 and 2 on the wire (mavlink.io, "Packet Serialization").
//!
//! The checksum takes in a byte of each message's own definition (CRC_EXTRA), so only known messages can be checked.
//! MAVLink 2 leaves out the zeros at the end of a payload; [`Frame::payload`] gives them back. A signature is passed over:
//! its key is not ours.

/// First byte of a MAVLink 1 frame.
pub const MAGIC_V1: u8 = 0xFE;
/// First byte of a MAVLink 2 frame.
pub const MAGIC_V2: u8 = 0xFD;
/// Longest frame: 10 bytes of header, 255 of payload, checksum, signature.
pub const MAX_FRAME: usize = 10 + 255 + 2 + 13;
/// The only flag of MAVLink 2 that a reader must know: a signature follows.
const SIGNED: u8 = 0x01;
const SIGNATURE: usize = 13;

/// The messages that are read: id, CRC_EXTRA, bytes of the whole payload (`common.xml`).
const KNOWN: [(u32, u8, usize); 11] = [
    (super::HEARTBEAT, 50, 9),
    (super::GLOBAL_POSITION_INT, 104, 28),
    (super::BASIC_ID, 114, 44),
    (super::LOCATION, 254, 59),
    (super::AUTHENTICATION, 140, 53),
    (super::SELF_ID, 249, 46),
    (super::SYSTEM, 77, 54),
    (super::OPERATOR_ID, 49, 43),
    (super::MESSAGE_PACK, 94, 249),
    (super::ARM_STATUS, 139, 51),
    (super::SYSTEM_UPDATE, 7, 18),
];

/// CRC_EXTRA and payload bytes of a message; `None` for one that is not read.
pub fn known(message: u32) -> Option<(u8, usize)> {
    KNOWN.iter().find(|(id, _, _)| *id == message).map(|(_, extra, size)| (*extra, *size))
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// 1 or 2.
    pub version: u8,
    /// Counts the frames of a sender.
    pub sequence: u8,
    /// Sender's system id, 1 to 255.
    pub system: u8,
    /// Sender's component id.
    pub component: u8,
    /// Message id, 24 bits.
    pub message: u32,
    /// A signature followed; it was not checked.
    pub signed: bool,
    /// The checksum was right; `false` where the message is not known and so cannot be checked.
    pub checked: bool,
    /// The payload; of a known message with the zeros that were left out.
    pub payload: Vec<u8>,
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoFrame {
    /// More bytes must come: how many the frame has in all, as far as it can be told.
    Short(usize),
    /// The first byte begins no frame.
    Magic,
    /// A flag that a reader must know and this one does not.
    Incompatible,
    /// The checksum is wrong.
    Checksum,
    /// A payload longer than the message's.
    Length,
}

impl NoFrame {
    /// The fixed word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Short(_) => "short",
            Self::Magic => "mavlink_magic",
            Self::Incompatible => "mavlink_incompatible",
            Self::Checksum => "mavlink_checksum",
            Self::Length => "mavlink_length",
        }
    }
}

/// X.25 checksum: CRC-16/MCRF4XX.
pub fn crc(bytes: impl IntoIterator<Item = u8>) -> u16 {
    bytes.into_iter().fold(0xFFFF, |crc, b| {
        let t = b ^ crc.to_le_bytes()[0];
        let t = u16::from(t ^ (t << 4));
        (crc >> 8) ^ (t << 8) ^ (t << 3) ^ (t >> 4)
    })
}

impl Frame {
    /// The frame that the bytes begin with, and how many it has.
    pub fn decode(b: &[u8]) -> Result<(Self, usize), NoFrame> {
        let (header, signed) = match b.first() {
            None => return Err(NoFrame::Short(8)),
            Some(&MAGIC_V1) => (6, false),
            Some(&MAGIC_V2) => match b.get(2) {
                None => return Err(NoFrame::Short(12)),
                Some(flags) if flags & !SIGNED != 0 => return Err(NoFrame::Incompatible),
                Some(flags) => (10, flags & SIGNED != 0),
            },
            Some(_) => return Err(NoFrame::Magic),
        };
        let length = usize::from(*b.get(1).ok_or(NoFrame::Short(header + 2))?);
        let total = header + length + 2 + if signed { SIGNATURE } else { 0 };
        let whole = b.get(..total).ok_or(NoFrame::Short(total))?;
        let at = |k: usize| whole.get(k).copied().unwrap_or(0);
        let (version, sequence, system, component, message) = if header == 6 {
            (1, at(2), at(3), at(4), u32::from(at(5)))
        } else {
            (2, at(4), at(5), at(6), u32::from_le_bytes([at(7), at(8), at(9), 0]))
        };
        let mut payload = whole.get(header..header + length).unwrap_or_default().to_vec();
        let said = u16::from_le_bytes([at(header + length), at(header + length + 1)]);
        let known = known(message);
        if let Some((extra, size)) = known {
            let covered = whole.get(1..header + length).unwrap_or_default().iter().copied();
            if crc(covered.chain([extra])) != said {
                return Err(NoFrame::Checksum);
            }
            // Extension fields of a newer definition would be longer; none of these messages has any.
            if length > size || (version == 1 && length != size) {
                return Err(NoFrame::Length);
            }
            payload.resize(size, 0);
        }
        let checked = known.is_some();
        Ok((Self { version, sequence, system, component, message, signed, checked, payload }, total))
    }

    /// To its bytes, without a signature; a payload of a known message is cut or filled to its size, and MAVLink 2 leaves
    /// out the zeros at its end. Of a message that is not known the checksum is of no use.
    pub fn encode(&self) -> Vec<u8> {
        let (extra, size) = known(self.message).unwrap_or((0, self.payload.len().min(255)));
        let mut payload = self.payload.clone();
        payload.resize(size, 0);
        let mut out = if self.version == 1 {
            vec![MAGIC_V1, 0, self.sequence, self.system, self.component, self.message.to_le_bytes()[0]]
        } else {
            // One byte stays, even of nothing but zeros.
            let end = payload.iter().rposition(|b| *b != 0).map_or(1, |k| k + 1);
            payload.truncate(end);
            let [a, b, c, _] = self.message.to_le_bytes();
            vec![MAGIC_V2, 0, 0, 0, self.sequence, self.system, self.component, a, b, c]
        };
        if let Some(length) = out.get_mut(1) {
            *length = u8::try_from(payload.len()).unwrap_or(u8::MAX);
        }
        out.extend(payload);
        let sum = crc(out.iter().skip(1).copied().chain([extra]));
        out.extend(sum.to_le_bytes());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(version: u8, message: u32, payload: Vec<u8>) -> Frame {
        Frame { version, sequence: 7, system: 1, component: 1, message, signed: false, checked: true, payload }
    }

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // CRC-16/MCRF4XX of the catalogue's check input.
        assert_eq!(crc(*b"123456789"), 0x6F91);
    }

    #[test]
    fn trimmed_zeros_come_back() {
        for n in 0..=44 {
            let mut payload = vec![0; 44];
            payload[..n].fill(9);
            let f = frame(2, super::super::BASIC_ID, payload.clone());
            let bytes = f.encode();
            assert_eq!(bytes.len(), 12 + n.max(1), "{n}");
            assert_eq!(Frame::decode(&bytes), Ok((f, bytes.len())));
        }
    }

    #[test]
    fn a_signature_is_passed_over_and_said() {
        let mut bytes = frame(2, super::super::HEARTBEAT, vec![1, 0, 0, 0, 2, 3, 0, 4, 3]).encode();
        bytes[2] = SIGNED;
        let n = bytes.len();
        let sum = crc(bytes[1..n - 2].iter().copied().chain([50]));
        bytes[n - 2..].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(Frame::decode(&bytes), Err(NoFrame::Short(n + 13)));
        bytes.extend([0xAA; 13]);
        let (f, used) = Frame::decode(&bytes).unwrap();
        assert!(f.signed && f.checked && used == n + 13);
        bytes[2] = 0x03;
        assert_eq!(Frame::decode(&bytes), Err(NoFrame::Incompatible));
    }

    #[test]
    fn version_1_has_no_room_for_a_short_payload() {
        let mut bytes = frame(1, 0, vec![1, 0, 0, 0, 2, 3, 0, 4, 3]).encode();
        assert_eq!(Frame::decode(&bytes).unwrap().1, 17);
        bytes[10] ^= 1;
        assert_eq!(Frame::decode(&bytes), Err(NoFrame::Checksum));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..320), v2 in any::<bool>()) {
            if let Some(b) = bytes.first_mut() {
                *b = if v2 { MAGIC_V2 } else { MAGIC_V1 };
            }
            if let Some(b) = bytes.get_mut(2).filter(|_| v2) {
                *b &= 1;
            }
            if let Ok((f, used)) = Frame::decode(&bytes) {
                prop_assert!(used <= bytes.len() && !f.checked || known(f.message).is_some());
            }
        }

        #[test]
        fn written_frames_read_back(v2 in any::<bool>(), which in 0..KNOWN.len(), seed in proptest::collection::vec(any::<u8>(), 255), s in any::<u8>()) {
            let (message, _, size) = KNOWN[which];
            prop_assume!(v2 || message < 256);
            let f = Frame { sequence: s, ..frame(if v2 { 2 } else { 1 }, message, seed[..size].to_vec()) };
            let bytes = f.encode();
            prop_assert_eq!(Frame::decode(&bytes), Ok((f, bytes.len())));
        }
    }
}
