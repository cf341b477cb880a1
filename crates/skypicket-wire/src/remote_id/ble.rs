//! Bluetooth advertising data (spec sections 9.1 and 9.2): the structures are walked, no fixed offsets.

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
    /// Whether a structure passed the end of the data, so that the walk ended there; nothing is taken from it.
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
            let Some(content) = rest.get(..usize::from(len)) else {
                self.clipped = true;
                self.at = self.data.len();
                return None;
            };
            let start = self.at + 1;
            self.at = start + content.len();
            if let Some((&counter, payload)) = content.strip_prefix(&START).and_then(|c| c.split_first())
                && !payload.is_empty()
            {
                return Some(Found { counter, payload, offset: start + START.len() + 1 });
            }
        }
    }
}
