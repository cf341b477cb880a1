//! The [`Header`]: byte 0 of every message (spec section 1).

/// Bytes of every plain message.
pub const MESSAGE_SIZE: usize = 25;

/// A plain message as it stands on the air.
pub type Raw = [u8; MESSAGE_SIZE];

/// Seconds from the Unix epoch to 2019-01-01T00:00:00Z, from which System and Authentication count.
pub const EPOCH_2019_UNIX_S: i64 = 1_546_300_800;

/// Message type and protocol version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// 0 to 5 plain messages, 6 to 14 reserved, 15 a pack.
    pub message_type: u8,
    /// 0 = F3411-19, 1 = prEN 4709-002 P1, 2 = F3411-22; decoding does not depend on it.
    pub version: u8,
}

impl Header {
    /// Type of a pack.
    pub const PACK: u8 = 15;

    /// From byte 0.
    #[inline]
    pub const fn decode(byte: u8) -> Self {
        Self { message_type: byte >> 4, version: byte & 0x0F }
    }

    /// To byte 0; the upper bits of either value do not get in.
    #[inline]
    pub const fn encode(self) -> u8 {
        self.message_type << 4 | self.version & 0x0F
    }
}

/// Little-endian integers at fixed places: the arrays make every range known to the compiler.
#[inline]
#[allow(clippy::indexing_slicing)] // the assertion above the reads holds when compiled, or does not compile
pub(crate) const fn u16_at<const I: usize>(b: &Raw) -> u16 {
    const { assert!(I + 2 <= MESSAGE_SIZE) };
    u16::from_le_bytes([b[I], b[I + 1]])
}

#[inline]
#[allow(clippy::indexing_slicing)] // the assertion above the reads holds when compiled, or does not compile
pub(crate) const fn u32_at<const I: usize>(b: &Raw) -> u32 {
    const { assert!(I + 4 <= MESSAGE_SIZE) };
    u32::from_le_bytes([b[I], b[I + 1], b[I + 2], b[I + 3]])
}

#[inline]
pub(crate) const fn i32_at<const I: usize>(b: &Raw) -> i32 {
    u32_at::<I>(b).cast_signed()
}

/// `N` bytes from place `I`.
#[inline]
#[allow(clippy::indexing_slicing)] // the assertion above the reads holds when compiled, or does not compile
pub(crate) const fn bytes_at<const I: usize, const N: usize>(b: &Raw) -> [u8; N] {
    const { assert!(I + N <= MESSAGE_SIZE) };
    let mut out = [0; N];
    let mut k = 0;
    while k < N {
        out[k] = b[I + k];
        k += 1;
    }
    out
}

/// Writes `value` from place `at`; what does not fit is left out (all callers pass constant places that do).
#[inline]
pub(crate) fn put<const N: usize>(b: &mut Raw, at: usize, value: [u8; N]) {
    if let Some(slot) = b.get_mut(at..).and_then(|s| s.first_chunk_mut::<N>()) {
        *slot = value;
    }
}
