//! Wi-Fi beacons and probe responses: the vendor elements that carry identification (spec sections 9.3 to 9.6).

use super::error::{DecodeError, ErrorKind};

/// Frame control, first byte: beacon.
pub const BEACON: u8 = 0x80;
/// Frame control, first byte: probe response.
pub const PROBE_RESPONSE: u8 = 0x50;
/// Element id of a vendor-specific element.
const VENDOR: u8 = 0xDD;
/// The 802.11 management header: frame control, duration, three addresses, sequence control.
pub(crate) const MANAGEMENT_HEADER: usize = 24;
/// Timestamp, interval and capability before the first element.
const FIXED: usize = 12;

/// A vendor element that identifies aircraft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Whose.
    pub kind: ElementKind,
    /// What the bearer carries: for Remote ID after the counter, else from the OUI on.
    pub payload: &'a [u8],
    /// Offset of `payload` in the frame.
    pub offset: usize,
    /// The element says more bytes than the frame has.
    pub clipped: bool,
}

/// The scheme of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementKind {
    /// ASTM F3411 and ASD-STAN 4709-002 (OUI FA:0B:BC, type 0D), with its counter.
    RemoteId {
        /// Message counter.
        counter: u8,
    },
    /// The French national scheme (OUI 6A:5C:35, type 01).
    French,
    /// DJI DroneID of older Wi-Fi models (OUI 26:37:12).
    DjiDroneId,
    /// A NAN synchronisation beacon (50:6F:9A type 13): presence, no content.
    NanSync,
}

/// Walks the elements of a beacon or probe response.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    frame: &'a [u8],
    at: usize,
    clipped: bool,
}

/// Starts the walk. `frame` begins at the 802.11 header and has no frame check sequence.
pub fn walk(frame: &[u8]) -> Result<Walk<'_>, DecodeError> {
    let Some(&[control, bits]) = frame.first_chunk::<2>() else {
        return Err(ErrorKind::Short { need: MANAGEMENT_HEADER + FIXED, have: frame.len() }.at(frame.len()));
    };
    if control != BEACON && control != PROBE_RESPONSE {
        return Err(ErrorKind::NotA("a beacon or probe response").at(0));
    }
    // The +HTC/order bit adds a four-byte HT control field to the header.
    let start = MANAGEMENT_HEADER + FIXED + if bits & 0x80 == 0 { 0 } else { 4 };
    if frame.len() < start {
        return Err(ErrorKind::Short { need: start, have: frame.len() }.at(frame.len()));
    }
    Ok(Walk { frame, at: start, clipped: false })
}

impl Walk<'_> {
    /// Whether an element passed the end of the frame, so that the walk ended there.
    pub fn clipped(&self) -> bool {
        self.clipped
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            let Some((&[id, len], rest)) = self.frame.get(self.at..).and_then(|r| r.split_first_chunk::<2>()) else {
                // One left-over byte is the start of an element that is not there.
                self.clipped |= self.at < self.frame.len();
                self.at = self.frame.len();
                return None;
            };
            let (start, len) = (self.at + 2, usize::from(len));
            let clipped = rest.len() < len;
            let content = rest.get(..len).unwrap_or(rest);
            self.clipped |= clipped;
            self.at = start + content.len();
            if id == VENDOR
                && let Some((kind, skip)) = recognise(content)
                && let Some(payload) = content.get(skip..)
            {
                return Some(Element { kind, payload, offset: start + skip, clipped });
            }
        }
    }
}

/// The scheme of a vendor element's content, and how many of its bytes come before the payload.
fn recognise(content: &[u8]) -> Option<(ElementKind, usize)> {
    Some(match content {
        [0xFA, 0x0B, 0xBC, 0x0D, counter, ..] => (ElementKind::RemoteId { counter: *counter }, 5),
        [0x6A, 0x5C, 0x35, 0x01, ..] => (ElementKind::French, 0),
        [0x26, 0x37, 0x12, 0x58, 0x62, 0x13, ..] => (ElementKind::DjiDroneId, 0),
        [0x50, 0x6F, 0x9A, 0x13, ..] => (ElementKind::NanSync, 0),
        _ => return None,
    })
}

/// Makes a beacon frame as a drone sends it, without a frame check sequence: `payload` is cut to the 250 bytes that an
/// element holds, `ssid` to its 32.
pub fn encode(src: [u8; 6], ssid: &str, counter: u8, payload: &[u8]) -> Vec<u8> {
    let mut content = vec![0xFA, 0x0B, 0xBC, 0x0D, counter];
    content.extend(payload);
    encode_element(src, ssid, &content)
}

/// Makes a beacon frame with one vendor element, whose content begins at the OUI and is cut to 255 bytes.
pub fn encode_element(src: [u8; 6], ssid: &str, content: &[u8]) -> Vec<u8> {
    let ssid: Vec<u8> = ssid.bytes().take(32).collect();
    let content = content.get(..255).unwrap_or(content);
    let byte = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
    let mut f = vec![BEACON, 0, 0, 0];
    f.extend([0xFF; 6]);
    f.extend(src);
    f.extend(src);
    f.extend([0; 2]);
    f.extend([0; 8]);
    // Interval of 0.1 s in units of 1024 µs; capability: short preamble.
    f.extend([0x64, 0x00, 0x20, 0x04]);
    f.extend([0, byte(ssid.len())]);
    f.extend(&ssid);
    f.extend([1, 1, 0x8C]);
    f.extend([VENDOR, byte(content.len())]);
    f.extend(content);
    f
}
