//! [`SelfId`]: what it says it does (message type 3, spec section 5).

use super::{
    flags::Flags,
    header::{Header, Raw, bytes_at, put},
    text,
};

/// Free text of the sender, attacker-controlled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelfId {
    /// Protocol version, 0 to 15.
    pub version: u8,
    /// 0 text, 1 emergency, 2 extended status, 3 to 200 reserved, above private.
    pub desc_type: u8,
    /// The text as sent, NUL-padded.
    pub desc: [u8; 23],
    /// Findings.
    pub flags: Flags,
}

impl SelfId {
    /// Message type.
    pub const TYPE: u8 = 3;

    /// A text; what is over 23 bytes is cut.
    pub fn of_text(desc: &str) -> Self {
        Self { version: 2, desc_type: 0, desc: text::padded(desc), flags: Flags::NONE }
    }

    /// From its bytes; any bytes are a Self-ID.
    #[allow(clippy::inline_always)] // as for `Message::decode_raw`
    #[inline(always)]
    pub fn decode(b: &Raw) -> Self {
        let (desc_type, desc) = (b[1], bytes_at::<2, 23>(b));
        let mut flags = text::findings(&desc);
        flags |= Flags::DESC_TYPE_RESERVED.when((3..=200).contains(&desc_type));
        flags |= Flags::DESC_TYPE_PRIVATE.when(desc_type > 200);
        Self { version: b[0] & 15, desc_type, desc, flags }
    }

    /// To its bytes.
    pub fn encode(&self) -> Raw {
        let mut b = [0; 25];
        b[0] = Header { message_type: Self::TYPE, version: self.version }.encode();
        b[1] = self.desc_type;
        put(&mut b, 2, self.desc);
        b
    }

    /// The text up to its first NUL.
    pub fn text(&self) -> &[u8] {
        text::cut(&self.desc)
    }
}
