//! [`OperatorId`]: the registration of whoever flies it (message type 5, spec section 7).

use super::{
    flags::Flags,
    header::{Header, Raw, bytes_at, put},
    text,
};

/// A claimed operator registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OperatorId {
    /// Protocol version, 0 to 15.
    pub version: u8,
    /// 0 operator or CAA id, 1 to 200 reserved, above private.
    pub operator_id_type: u8,
    /// The text as sent, NUL-padded.
    pub id: [u8; 20],
    /// Findings.
    pub flags: Flags,
}

impl OperatorId {
    /// Message type.
    pub const TYPE: u8 = 5;

    /// A registration; what is over 20 bytes is cut.
    pub fn of_text(id: &str) -> Self {
        Self { version: 2, operator_id_type: 0, id: text::padded(id), flags: Flags::NONE }
    }

    /// From its bytes; any bytes are an Operator ID.
    #[allow(clippy::inline_always)] // as for `Message::decode_raw`
    #[inline(always)]
    pub fn decode(b: &Raw) -> Self {
        let (operator_id_type, id) = (b[1], bytes_at::<2, 20>(b));
        let mut flags = Flags::RESERVED_NONZERO.when(b[22] | b[23] | b[24] != 0).with(text::findings(&id));
        flags |= Flags::OPERATOR_ID_TYPE_RESERVED.when((1..=200).contains(&operator_id_type));
        flags |= Flags::OPERATOR_ID_TYPE_PRIVATE.when(operator_id_type > 200);
        Self { version: b[0] & 15, operator_id_type, id, flags }
    }

    /// To its bytes.
    pub fn encode(&self) -> Raw {
        let mut b = [0; 25];
        b[0] = Header { message_type: Self::TYPE, version: self.version }.encode();
        b[1] = self.operator_id_type;
        put(&mut b, 2, self.id);
        b
    }

    /// The text up to its first NUL.
    pub fn text(&self) -> &[u8] {
        text::cut(&self.id)
    }
}
