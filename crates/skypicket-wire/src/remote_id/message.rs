//! [`Message`]: any of the six plain messages.

use super::{
    authentication::Authentication,
    basic_id::BasicId,
    error::{DecodeError, ErrorKind},
    flags::Flags,
    header::{Header, MESSAGE_SIZE, Raw},
    location::Location,
    operator_id::OperatorId,
    self_id::SelfId,
    system::System,
};

/// One plain message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// Type 0.
    BasicId(BasicId),
    /// Type 1.
    Location(Location),
    /// Type 2.
    Authentication(Authentication),
    /// Type 3.
    SelfId(SelfId),
    /// Type 4.
    System(System),
    /// Type 5.
    OperatorId(OperatorId),
}

impl Message {
    /// From exactly one message.
    // Left to itself the compiler builds the message in memory byte by byte and reads it back in words, which waits for
    // the stores: half of the time of reading a pack.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub fn decode_raw(b: &Raw) -> Result<Self, DecodeError> {
        Ok(match Header::decode(b[0]).message_type {
            BasicId::TYPE => Self::BasicId(BasicId::decode(b)),
            Location::TYPE => Self::Location(Location::decode(b)),
            Authentication::TYPE => Self::Authentication(Authentication::decode(b)?),
            SelfId::TYPE => Self::SelfId(SelfId::decode(b)),
            System::TYPE => Self::System(System::decode(b)),
            OperatorId::TYPE => Self::OperatorId(OperatorId::decode(b)),
            Header::PACK => return Err(ErrorKind::NestedPack.at(0)),
            reserved => return Err(ErrorKind::ReservedType(reserved).at(0)),
        })
    }

    /// Whether [`Message::decode_raw`] takes these bytes, and if not, why.
    #[inline]
    pub fn check(b: &Raw) -> Result<(), DecodeError> {
        match Header::decode(b[0]).message_type {
            Authentication::TYPE => Authentication::check(b),
            BasicId::TYPE | Location::TYPE | SelfId::TYPE | System::TYPE | OperatorId::TYPE => Ok(()),
            Header::PACK => Err(ErrorKind::NestedPack.at(0)),
            reserved => Err(ErrorKind::ReservedType(reserved).at(0)),
        }
    }

    /// From the first 25 bytes; what follows is not looked at.
    pub fn decode(b: &[u8]) -> Result<Self, DecodeError> {
        match b.first_chunk() {
            Some(raw) => Self::decode_raw(raw),
            None => Err(ErrorKind::Short { need: MESSAGE_SIZE, have: b.len() }.at(b.len())),
        }
    }

    /// To its bytes.
    pub fn encode(&self) -> Raw {
        match self {
            Self::BasicId(m) => m.encode(),
            Self::Location(m) => m.encode(),
            Self::Authentication(m) => m.encode(),
            Self::SelfId(m) => m.encode(),
            Self::System(m) => m.encode(),
            Self::OperatorId(m) => m.encode(),
        }
    }

    /// Its findings.
    #[inline]
    pub fn flags(&self) -> Flags {
        match self {
            Self::BasicId(m) => m.flags,
            Self::Location(m) => m.flags,
            Self::Authentication(m) => m.flags,
            Self::SelfId(m) => m.flags,
            Self::System(m) => m.flags,
            Self::OperatorId(m) => m.flags,
        }
    }
}

macro_rules! from {
    ($($name:ident),*) => {$(
        impl From<$name> for Message {
            fn from(m: $name) -> Self { Self::$name(m) }
        }
    )*};
}
from!(BasicId, Location, Authentication, SelfId, System, OperatorId);
