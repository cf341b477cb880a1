//! [`Authentication`]: one page of a signature (message type 2, spec section 4). [`Gatherer`](super::Gatherer) puts
//! pages together.

use super::{
    error::{DecodeError, ErrorKind},
    flags::Flags,
    header::{EPOCH_2019_UNIX_S, Header, Raw, bytes_at, put, u32_at},
};

/// One authentication page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authentication {
    /// Protocol version, 0 to 15.
    pub version: u8,
    /// 0 none, 1 UAS ID signature, 2 operator ID signature, 3 message set signature, 4 network Remote ID, 5 specific
    /// method, 6 to 9 reserved, above private.
    pub auth_type: u8,
    /// 0 to 15.
    pub page: u8,
    /// What only page 0 says.
    pub first: Option<FirstPage>,
    /// Data; page 0 has 17 bytes, the rest zero.
    pub data: [u8; 23],
    /// Findings.
    pub flags: Flags,
}

/// What only page 0 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstPage {
    /// 0 to 15.
    pub last_page_index: u8,
    /// Bytes of authentication data over all pages.
    pub length: u8,
    /// Seconds since 2019-01-01T00:00:00Z.
    pub timestamp_2019_s: u32,
}

impl Authentication {
    /// Message type.
    pub const TYPE: u8 = 2;

    /// From its bytes; refuses a page 0 whose length cannot be.
    #[allow(clippy::inline_always)] // as for `Message::decode_raw`
    #[inline(always)]
    pub fn decode(b: &Raw) -> Result<Self, DecodeError> {
        let (auth_type, page) = (b[1] >> 4, b[1] & 15);
        let mut flags = Flags::AUTH_TYPE_RESERVED.when((6..=9).contains(&auth_type));
        flags |= Flags::AUTH_TYPE_PRIVATE.when(auth_type > 9);
        if page != 0 {
            return Ok(Self { version: b[0] & 15, auth_type, page, first: None, data: bytes_at::<2, 23>(b), flags });
        }
        Self::check(b)?;
        let first = FirstPage { last_page_index: b[2], length: b[3], timestamp_2019_s: u32_at::<4>(b) };
        flags |= Flags::AUTH_TIMESTAMP_ZERO.when(first.timestamp_2019_s == 0);
        let mut data = [0; 23];
        data[..17].copy_from_slice(&bytes_at::<8, 17>(b));
        Ok(Self { version: b[0] & 15, auth_type, page, first: Some(first), data, flags })
    }

    /// Whether the lengths of a page 0 can be; every other page is one.
    #[inline]
    pub(crate) fn check(b: &Raw) -> Result<(), DecodeError> {
        let (page, last, length) = (b[1] & 15, b[2], b[3]);
        if page != 0 {
            return Ok(());
        }
        if last > 15 {
            return Err(ErrorKind::AuthLastPage(last).at(2));
        }
        let capacity = 17 + 23 * u16::from(last);
        if u16::from(length) > capacity {
            return Err(ErrorKind::AuthLength { length, capacity }.at(3));
        }
        Ok(())
    }

    /// To its bytes.
    pub fn encode(&self) -> Raw {
        let mut b = [0; 25];
        b[0] = Header { message_type: Self::TYPE, version: self.version }.encode();
        match self.first {
            None => {
                b[1] = self.auth_type << 4 | self.page & 15;
                put(&mut b, 2, self.data);
            }
            Some(f) => {
                b[1] = self.auth_type << 4;
                (b[2], b[3]) = (f.last_page_index, f.length);
                put(&mut b, 4, f.timestamp_2019_s.to_le_bytes());
                b[8..].copy_from_slice(&self.data[..17]);
            }
        }
        b
    }

    /// The data bytes of this page.
    pub fn data(&self) -> &[u8] {
        if self.first.is_some() { &self.data[..17] } else { &self.data }
    }
}

impl FirstPage {
    /// Its time, seconds since the Unix epoch.
    #[inline]
    pub fn timestamp_unix_s(self) -> i64 {
        EPOCH_2019_UNIX_S + i64::from(self.timestamp_2019_s)
    }
}
