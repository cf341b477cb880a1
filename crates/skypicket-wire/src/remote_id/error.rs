//! [`DecodeError`]: what could not be decoded, and at which byte.

/// Why bytes are refused, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} (byte {offset})")]
pub struct DecodeError {
    /// What is wrong.
    pub kind: ErrorKind,
    /// Offset of the offending byte, from the start of what was given.
    pub offset: usize,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// There are fewer bytes than the header needs.
    #[error("needs {need} bytes and has {have}")]
    Short {
        /// Bytes needed.
        need: usize,
        /// Bytes there.
        have: usize,
    },
    /// Message type 6 to 14.
    #[error("message type {0} is reserved")]
    ReservedType(u8),
    /// A pack where a single message must be.
    #[error("a pack cannot stand here")]
    NestedPack,
    /// A message where a pack must be.
    #[error("message type {0} is not a pack")]
    NotAPack(u8),
    /// A pack whose messages are not of 25 bytes.
    #[error("message size {0} is not 25")]
    PackSize(u8),
    /// A pack of more than 9 messages.
    #[error("message count {0} is over 9")]
    PackCount(u8),
    /// A pack that ends before its count.
    #[error("only {whole} of {said} messages are whole")]
    Clipped {
        /// Messages that are whole.
        whole: u8,
        /// Messages that the header says.
        said: u8,
    },
    /// A pack with more of one message than the standard allows.
    #[error("more than {allowed} {what} messages")]
    Conflict {
        /// Which message.
        what: &'static str,
        /// How many there may be.
        allowed: u8,
    },
    /// Authentication page 0 with a last page index over 15.
    #[error("last authentication page {0} is over 15")]
    AuthLastPage(u8),
    /// Authentication data longer than its pages.
    #[error("authentication length {length} is over the {capacity} bytes of its pages")]
    AuthLength {
        /// Length said.
        length: u8,
        /// Bytes that the pages hold.
        capacity: u16,
    },
    /// Not a frame of the kind that was asked for.
    #[error("not {0}")]
    NotA(&'static str),
    /// Lengths inside a frame that do not add up.
    #[error("the lengths of {0} do not add up")]
    BadLength(&'static str),
    /// A version of DJI DroneID whose layout is not known.
    #[error("DroneID version {0} is neither 1 nor 2")]
    DroneIdVersion(u8),
    /// A DJI DroneID element that is neither flight information nor flight purpose.
    #[error("DroneID element {0:#04x} is neither 0x10 nor 0x11")]
    DroneIdElement(u8),
    /// A character that is no hexadecimal digit.
    #[error("not a hexadecimal digit")]
    BadHex,
    /// An odd number of hexadecimal digits.
    #[error("an odd number of hexadecimal digits")]
    OddHex,
    /// More input than is ever taken.
    #[error("longer than {limit} characters")]
    TooLong {
        /// The limit.
        limit: usize,
    },
}

impl ErrorKind {
    /// The fixed word of the kind, for output and counting.
    pub fn word(self) -> &'static str {
        match self {
            Self::Short { .. } => "short",
            Self::ReservedType(_) => "reserved_type",
            Self::NestedPack => "nested_pack",
            Self::NotAPack(_) => "not_a_pack",
            Self::PackSize(_) => "pack_size",
            Self::PackCount(_) => "pack_count",
            Self::Clipped { .. } => "pack_clipped",
            Self::Conflict { .. } => "conflict",
            Self::AuthLastPage(_) => "auth_last_page",
            Self::AuthLength { .. } => "auth_length",
            Self::NotA(_) => "wrong_frame",
            Self::BadLength(_) => "bad_length",
            Self::DroneIdVersion(_) => "droneid_version",
            Self::DroneIdElement(_) => "droneid_element",
            Self::BadHex => "bad_hex",
            Self::OddHex => "odd_hex",
            Self::TooLong { .. } => "too_long",
        }
    }

    /// This kind at a byte.
    pub const fn at(self, offset: usize) -> DecodeError {
        DecodeError { kind: self, offset }
    }
}

impl DecodeError {
    /// The same error, seen from `by` bytes further out.
    #[must_use]
    pub const fn moved(self, by: usize) -> Self {
        Self { kind: self.kind, offset: self.offset + by }
    }
}
