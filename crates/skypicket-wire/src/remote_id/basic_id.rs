//! [`BasicId`]: who it says it is (message type 0, spec section 2).

use super::{
    flags::Flags,
    header::{Header, Raw, bytes_at, put},
    text,
};

/// A claimed identity and the kind of aircraft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicId {
    /// Protocol version, 0 to 15.
    pub version: u8,
    /// 0 none, 1 serial number, 2 CAA registration, 3 UTM UUID, 4 specific session id, 5 to 15 reserved.
    pub id_type: u8,
    /// Kind of aircraft, 0 to 15 (2 is helicopter or multirotor).
    pub ua_type: u8,
    /// The id as sent: text for ID types 1 and 2, else binary.
    pub id: [u8; 20],
    /// Findings.
    pub flags: Flags,
}

impl BasicId {
    /// Message type.
    pub const TYPE: u8 = 0;
    /// ID type of an ANSI/CTA-2063-A serial number.
    pub const SERIAL: u8 = 1;
    /// ID type of a registration with a civil aviation authority.
    pub const CAA: u8 = 2;
    /// ID type of a UTM-assigned UUID.
    pub const UTM: u8 = 3;
    /// ID type of a specific session id.
    pub const SESSION: u8 = 4;

    /// A text id, of ID type 1 or 2; what is over 20 bytes is cut.
    pub fn of_text(id_type: u8, ua_type: u8, id: &str) -> Self {
        Self { version: 2, id_type, ua_type, id: text::padded(id), flags: Flags::NONE }
    }

    /// From its bytes; any bytes are a Basic ID.
    #[allow(clippy::inline_always)] // as for `Message::decode_raw`
    #[inline(always)]
    pub fn decode(b: &Raw) -> Self {
        let (id_type, id) = (b[1] >> 4, bytes_at::<2, 20>(b));
        let is_text = id_type == Self::SERIAL || id_type == Self::CAA;
        let mut flags = Flags::RESERVED_NONZERO.when(b[22] | b[23] | b[24] != 0);
        flags |= Flags::ID_TYPE_NONE.when(id_type == 0).with(Flags::ID_TYPE_RESERVED.when(id_type > 4));
        if is_text {
            flags |= text::findings(&id).with(Flags::EMPTY_ID.when(id[0] == 0));
        }
        Self { version: b[0] & 15, id_type, ua_type: b[1] & 15, id, flags }
    }

    /// Whether two messages as they stand on the air are Basic IDs of one ID type that differ.
    #[inline]
    pub(crate) fn contradict(a: &Raw, b: &Raw) -> bool {
        let is_basic_id = |r: &Raw| Header::decode(r[0]).message_type == Self::TYPE;
        is_basic_id(a) && is_basic_id(b) && a[1] >> 4 == b[1] >> 4 && bytes_at::<2, 20>(a) != bytes_at::<2, 20>(b)
    }

    /// To its bytes.
    pub fn encode(&self) -> Raw {
        let mut b = [0; 25];
        b[0] = Header { message_type: Self::TYPE, version: self.version }.encode();
        b[1] = self.id_type << 4 | self.ua_type & 15;
        put(&mut b, 2, self.id);
        b
    }

    /// The text of ID types 1 and 2, up to its first NUL; the others are binary.
    pub fn text(&self) -> Option<&[u8]> {
        matches!(self.id_type, Self::SERIAL | Self::CAA).then(|| text::cut(&self.id))
    }
}
