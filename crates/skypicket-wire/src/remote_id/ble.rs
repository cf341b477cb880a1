//! Bluetooth advertising data (spec sections 9.1 and 9.2): the structures are walked, no fixed offsets.

use super::header::Header;

/// Service data, 16-bit UUID 0xFFFA little-endian, application code 0D.
const START: [u8; 4] = [0x16, 0xFA, 0xFF, 0x0D];

/// A Remote ID structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// Message counter.
    pub counter: u8,
    /// What follows the counter: one message in legacy advertising, a pack in extended.
    pub payload: &'a [u8],
    /// Offset of `payload` in the advertising data.
    pub offset: usize,
    /// The structure says more bytes than the data has: a pack that was cut.
    pub clipped: bool,
}

/// Walks the structures of advertising data.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    data: &'a [u8],
    at: usize,
    clipped: bool,
}

/// Starts the walk.
pub fn walk(data: &[u8]) -> Walk<'_> {
    Walk { data, at: 0, clipped: false }
}

impl Walk<'_> {
    /// Whether a structure passed the end of the data, so that the walk ended there; nothing is taken from it but the
    /// beginning of a pack, whose members are each whole or not.
    pub fn clipped(&self) -> bool {
        self.clipped
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Found<'a>;

    fn next(&mut self) -> Option<Found<'a>> {
        loop {
            let (&len, rest) = self.data.get(self.at..)?.split_first()?;
            if len == 0 {
                self.at = self.data.len();
                return None;
            }
            let whole = rest.get(..usize::from(len));
            let content = whole.unwrap_or(rest);
            let start = self.at + 1;
            self.at = start + content.len();
            self.clipped |= whole.is_none();
            let Some((&counter, payload)) = content.strip_prefix(&START).and_then(|c| c.split_first()) else {
                continue;
            };
            let Some(&first) = payload.first() else { continue };
            if whole.is_some() || Header::decode(first).message_type == Header::PACK {
                let offset = start + START.len() + 1;
                return Some(Found { counter, payload, offset, clipped: whole.is_none() });
            }
        }
    }
}

/// Makes the structure that carries a message or a pack, without what may stand before it; what is over 250 bytes is
/// cut.
pub fn encode(counter: u8, payload: &[u8]) -> Vec<u8> {
    let payload = payload.get(..250).unwrap_or(payload);
    let mut out = vec![u8::try_from(payload.len() + 5).unwrap_or(u8::MAX)];
    out.extend(START);
    out.push(counter);
    out.extend(payload);
    out
}
