//! Wi-Fi NAN service discovery frames (spec section 9.4): attributes are walked, no fixed offsets.

use super::{
    beacon::MANAGEMENT_HEADER,
    error::{DecodeError, ErrorKind},
    flags::Flags,
};

/// Frame control, first byte: action.
pub const ACTION: u8 = 0xD0;
/// Public action, vendor specific, Wi-Fi Alliance, NAN.
const START: [u8; 6] = [0x04, 0x09, 0x50, 0x6F, 0x9A, 0x13];
/// The NAN multicast group that discovery frames go to.
const GROUP: [u8; 6] = [0x51, 0x6F, 0x9A, 0x01, 0x00, 0x00];
/// First six bytes of SHA-256("org.opendroneid.remoteid").
const SERVICE: [u8; 6] = [0x88, 0x69, 0x19, 0x9D, 0x92, 0x09];
const SERVICE_DESCRIPTOR: u8 = 0x03;
const DESCRIPTOR_EXTENSION: u8 = 0x0E;

/// What a discovery frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// Message counter.
    pub counter: u8,
    /// What follows the counter.
    pub payload: &'a [u8],
    /// Offset of `payload` in the frame.
    pub offset: usize,
    /// The attribute says more bytes than the frame has.
    pub clipped: bool,
    /// Findings about the frame.
    pub flags: Flags,
}

/// Whether a frame is a NAN action frame at all.
pub fn is_nan(frame: &[u8]) -> bool {
    frame.first() == Some(&ACTION) && frame.get(body_at(frame)..).is_some_and(|b| b.starts_with(&START))
}

/// The +HTC/order bit adds a four-byte HT control field to the header.
fn body_at(frame: &[u8]) -> usize {
    MANAGEMENT_HEADER + if frame.get(1).is_some_and(|b| b & 0x80 != 0) { 4 } else { 0 }
}

/// Finds the Remote ID service in a frame that begins at the 802.11 header and has no frame check sequence; `None` when
/// it is a NAN frame of other services.
pub fn find(frame: &[u8]) -> Result<Option<Found<'_>>, DecodeError> {
    if frame.first().is_some_and(|b| *b != ACTION) {
        return Err(ErrorKind::NotA("an action frame").at(0));
    }
    let start = body_at(frame);
    let Some(body) = frame.get(start..).filter(|b| b.len() >= START.len()) else {
        return Err(ErrorKind::Short { need: start + START.len(), have: frame.len() }.at(frame.len()));
    };
    if !body.starts_with(&START) {
        return Err(ErrorKind::NotA("a NAN frame").at(start));
    }
    let mut flags = Flags::NAN_DA_FOREIGN.when(frame.get(4..10) != Some(&GROUP)).with(Flags::NAN_NO_EXTENSION);
    let mut found = None;
    let mut at = start + START.len();
    while let Some((&[id, lo, hi], rest)) = frame.get(at..).and_then(|r| r.split_first_chunk::<3>()) {
        let length = usize::from(u16::from_le_bytes([lo, hi]));
        let content = rest.get(..length).unwrap_or(rest);
        at += 3;
        if id == SERVICE_DESCRIPTOR && found.is_none() && content.starts_with(&SERVICE) {
            found = Some(descriptor(content, length, at)?);
        }
        if id == DESCRIPTOR_EXTENSION && content.len() == length {
            flags = Flags::NAN_DA_FOREIGN.when(flags.has(Flags::NAN_DA_FOREIGN));
        }
        at += content.len();
    }
    Ok(found.map(|f| Found { flags: f.flags.with(flags), ..f }))
}

/// Whether a synchronisation beacon, from the OUI of its element on, lists the Remote ID service among those that its
/// sender offers (attribute 2: ids of six bytes).
pub fn sync_names_remote_id(element: &[u8]) -> bool {
    const SERVICE_LIST: u8 = 0x02;
    let mut rest = element.get(4..).unwrap_or(&[]);
    while let Some((&[id, lo, hi], after)) = rest.split_first_chunk::<3>() {
        let Some((content, next)) = after.split_at_checked(usize::from(u16::from_le_bytes([lo, hi]))) else { break };
        if id == SERVICE_LIST && content.as_chunks::<6>().0.contains(&SERVICE) {
            return true;
        }
        rest = next;
    }
    false
}

/// Reads a service descriptor of which `content` is there and `length` is said.
fn descriptor(content: &[u8], length: usize, at: usize) -> Result<Found<'_>, DecodeError> {
    let bad = |k: usize| ErrorKind::BadLength("the service descriptor").at(at + k.min(content.len()));
    let (Some(&instance), Some(&control)) = (content.get(6), content.get(8)) else { return Err(bad(6)) };
    if control & 0x10 == 0 {
        return Err(ErrorKind::NotA("a descriptor with service info").at(at + 8));
    }
    let mut k = 9;
    k += if control & 0x40 == 0 { 0 } else { 2 };
    for filter in [0x04, 0x08] {
        if control & filter != 0 {
            k += 1 + usize::from(*content.get(k).ok_or(bad(k))?);
        }
    }
    let info = usize::from(*content.get(k).ok_or(bad(k))?);
    if info == 0 || k + 1 + info != length {
        return Err(bad(k));
    }
    let (Some(&counter), Some(payload)) = (content.get(k + 1), content.get(k + 2..)) else { return Err(bad(k + 1)) };
    let clipped = content.len() < length;
    Ok(Found { counter, payload, offset: at + k + 2, clipped, flags: Flags::NAN_INSTANCE.when(instance != 1) })
}
