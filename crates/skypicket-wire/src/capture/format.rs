//! The file formats: pcap (either byte order, microseconds and nanoseconds) and pcapng, one step at a time.
//!
//! A [`Parser`] is shown the unread bytes and says what to do with them. It never asks for more than [`MAX_BLOCK`]
//! bytes, believes no length that two places do not agree on, and after a length that cannot be it looks for the next
//! record or block that makes sense, so that one bad record does not cost the good ones after it.

use super::counts::Reason;
use skypicket_model::Time;
use std::ops::Range;

/// Most bytes of a block or record.
pub const MAX_BLOCK: usize = 1 << 20;
/// Most bytes of a frame: the snapshot length that capture programs use for "whole".
pub const MAX_FRAME: u32 = 262_144;
/// Most interfaces of a section.
const MAX_INTERFACES: usize = 1_024;
/// After a broken pcap record, a record makes sense within so many seconds of the last good one.
const RESYNC_S: u32 = 3_600;

/// What to do with the bytes shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Show more.
    More,
    /// Go on after so many bytes.
    Skip(usize),
    /// A frame; go on after `used` bytes.
    Frame { used: usize, about: About, data: Range<usize> },
    /// Something refused; go on after `used` bytes. `frame`: it counts as a frame.
    Refuse { used: usize, reason: Reason, frame: bool },
}

/// Where reading can go on.
enum Find {
    /// After so many bytes.
    At(usize),
    /// Not within so many bytes; the rest needs more to tell.
    Not(usize),
}

/// What the file says about a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) time: Option<Time>,
    pub(crate) link_type: u32,
    pub(crate) original_len: u32,
    pub(crate) fcs_len: u8,
}

/// Where in a file we are.
#[derive(Debug, Clone)]
pub(crate) struct Parser {
    state: State,
    /// After a length that cannot be.
    lost: bool,
}

#[derive(Debug, Clone)]
enum State {
    Start,
    Pcap(Pcap),
    PcapNg(PcapNg),
    Stopped,
}

/// Byte order of a file or section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, b: [u8; 2]) -> u16 {
        if self == Self::Little { u16::from_le_bytes(b) } else { u16::from_be_bytes(b) }
    }

    fn u32(self, b: [u8; 4]) -> u32 {
        if self == Self::Little { u32::from_le_bytes(b) } else { u32::from_be_bytes(b) }
    }

    fn u16_at(self, b: &[u8], at: usize) -> Option<u16> {
        b.get(at..)?.first_chunk().map(|c| self.u16(*c))
    }

    fn u32_at(self, b: &[u8], at: usize) -> Option<u32> {
        b.get(at..)?.first_chunk().map(|c| self.u32(*c))
    }
}

#[derive(Debug, Clone, Copy)]
struct Pcap {
    order: Order,
    nanoseconds: bool,
    link_type: u32,
    fcs_len: u8,
    /// When the last record was, as far as it is believed: by it the next good one is known after a broken one.
    last_s: Option<u32>,
    /// What the record before said, believed or not.
    said_s: Option<u32>,
}

#[derive(Debug, Clone)]
struct PcapNg {
    order: Order,
    interfaces: Vec<Interface>,
}

#[derive(Debug, Clone, Copy)]
struct Interface {
    link_type: u32,
    snap_len: u32,
    /// `if_tsresol`: a power of ten, or of two with bit 7; default microseconds.
    resolution: u8,
    /// `if_tsoffset`, seconds.
    offset_s: i64,
    fcs_len: u8,
}

const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

impl Parser {
    pub(crate) fn new() -> Self {
        Self { state: State::Start, lost: false }
    }

    /// Looks at the unread bytes; `end`: there will be no more.
    pub(crate) fn step(&mut self, b: &[u8], end: bool) -> Step {
        if let State::Start = self.state {
            return self.start(b, end);
        }
        if self.lost {
            let found = match &self.state {
                State::Pcap(p) => p.find(b, end),
                State::PcapNg(p) => p.find(b, end),
                State::Start | State::Stopped => Find::At(0),
            };
            match found {
                Find::At(0) => self.lost = false,
                Find::At(n) => {
                    self.lost = false;
                    return Step::Skip(n);
                }
                Find::Not(0) => return Step::More,
                Find::Not(n) => return Step::Skip(n),
            }
        }
        let step = match &mut self.state {
            State::Pcap(p) => p.step(b, end),
            State::PcapNg(p) => p.step(b, end),
            State::Start | State::Stopped if b.is_empty() => Step::More,
            State::Start | State::Stopped => Step::Skip(b.len()),
        };
        if let Step::Refuse { reason: Reason::RecordLength | Reason::BlockLength | Reason::Truncated, .. } = step {
            self.lost = true;
        }
        step
    }

    fn start(&mut self, b: &[u8], end: bool) -> Step {
        let Some(magic) = b.first_chunk::<4>() else { return self.short_start(b, end) };
        let (order, nanoseconds) = match magic {
            [0xD4, 0xC3, 0xB2, 0xA1] => (Order::Little, false),
            [0xA1, 0xB2, 0xC3, 0xD4] => (Order::Big, false),
            [0x4D, 0x3C, 0xB2, 0xA1] => (Order::Little, true),
            [0xA1, 0xB2, 0x3C, 0x4D] => (Order::Big, true),
            [0x0A, 0x0D, 0x0D, 0x0A] => {
                self.state = State::PcapNg(PcapNg { order: Order::Little, interfaces: Vec::new() });
                return self.step(b, end);
            }
            [0x34, 0xCD, 0xB2, 0xA1] | [0xA1, 0xB2, 0xCD, 0x34] => return self.stop(b, Reason::ModifiedPcap),
            _ => return self.stop(b, Reason::NotACapture),
        };
        let (Some(version), Some(network)) = (order.u16_at(b, 4), order.u32_at(b, 20)) else {
            return self.short_start(b, end);
        };
        if version != 2 {
            return self.stop(b, Reason::Version);
        }
        // Bit 26 says that bits 28..31 give the length of the frame check sequence in 16-bit units.
        let fcs_len = if network & 1 << 26 == 0 { 0 } else { (network >> 28).to_le_bytes()[0] * 2 };
        let link_type = network & 0x03FF_FFFF;
        self.state = State::Pcap(Pcap { order, nanoseconds, link_type, fcs_len, last_s: None, said_s: None });
        Step::Skip(24)
    }

    fn short_start(&mut self, b: &[u8], end: bool) -> Step {
        if end && !b.is_empty() { self.stop(b, Reason::NotACapture) } else { Step::More }
    }

    fn stop(&mut self, b: &[u8], reason: Reason) -> Step {
        self.state = State::Stopped;
        Step::Refuse { used: b.len(), reason, frame: false }
    }
}

/// A pcap record header.
struct Record {
    s: u32,
    fraction: u32,
    captured: u32,
    original: u32,
}

impl Record {
    const SIZE: usize = 16;

    /// Its lengths can be.
    fn has_possible_lengths(&self) -> bool {
        self.captured <= MAX_FRAME && self.captured <= self.original
    }
}

impl Pcap {
    fn record(&self, b: &[u8], at: usize) -> Option<Record> {
        let n = |k| self.order.u32_at(b, at + k);
        Some(Record { s: n(0)?, fraction: n(4)?, captured: n(8)?, original: n(12)? })
    }

    fn step(&mut self, b: &[u8], end: bool) -> Step {
        let Some(r) = self.record(b, 0) else { return short(b, end) };
        if !r.has_possible_lengths() {
            return Step::Refuse { used: 1, reason: Reason::RecordLength, frame: true };
        }
        let data = Record::SIZE..Record::SIZE + r.captured as usize;
        if b.len() < data.end {
            return if end { Step::Refuse { used: 1, reason: Reason::Truncated, frame: true } } else { Step::More };
        }
        // A time far off is damage, unless two records in a row agree on it (a capture that paused).
        let agrees = |with: Option<u32>| with.is_some_and(|s| s.abs_diff(r.s) <= RESYNC_S);
        if self.last_s.is_none() || agrees(self.last_s) || agrees(self.said_s) {
            self.last_s = Some(r.s);
        }
        self.said_s = Some(r.s);
        let micros = if self.nanoseconds { r.fraction / 1_000 } else { r.fraction };
        let time = instant(i128::from(r.s) * 1_000_000 + i128::from(micros));
        let about = About { time, link_type: self.link_type, original_len: r.original, fcs_len: self.fcs_len };
        Step::Frame { used: data.end, about, data }
    }

    /// The next record that makes sense together with the one after it (or the end of the file).
    fn find(&self, b: &[u8], end: bool) -> Find {
        for at in 0..b.len() {
            let Some(r) = self.record(b, at) else {
                return Find::Not(if end { b.len() } else { at });
            };
            if !self.makes_sense(&r) {
                continue;
            }
            let next = at + Record::SIZE + r.captured as usize;
            match self.record(b, next) {
                Some(after) if self.makes_sense(&after) => return Find::At(at),
                None if end && next == b.len() => return Find::At(at),
                None if !end => return Find::Not(at),
                _ => {}
            }
        }
        Find::Not(b.len())
    }

    fn makes_sense(&self, r: &Record) -> bool {
        let fraction_limit = if self.nanoseconds { 1_000_000_000 } else { 1_000_000 };
        r.has_possible_lengths()
            && r.captured > 0
            && r.original <= MAX_FRAME
            && r.fraction < fraction_limit
            && self.last_s.is_none_or(|s| s.abs_diff(r.s) <= RESYNC_S)
    }
}

/// Less than a header is left.
fn short(b: &[u8], end: bool) -> Step {
    if end && !b.is_empty() {
        Step::Refuse { used: b.len(), reason: Reason::Truncated, frame: false }
    } else {
        Step::More
    }
}

impl PcapNg {
    /// Type and byte order of the block at `at`; a section header tells its own order.
    fn kind(&self, b: &[u8], at: usize) -> Option<(u32, Order)> {
        let kind = self.order.u32_at(b, at)?;
        if kind != SECTION {
            return Some((kind, self.order));
        }
        let magic: &[u8; 4] = b.get(at + 8..)?.first_chunk()?;
        Some(match magic {
            [0x1A, 0x2B, 0x3C, 0x4D] => (kind, Order::Big),
            _ => (kind, Order::Little),
        })
    }

    fn is_possible_length(kind: u32, length: u32) -> bool {
        let least = match kind {
            SECTION => 28,
            INTERFACE => 20,
            OLD_PACKET | ENHANCED_PACKET => 32,
            SIMPLE_PACKET => 16,
            _ => 12,
        };
        length >= least && length.is_multiple_of(4) && length as usize <= MAX_BLOCK
    }

    fn step(&mut self, b: &[u8], end: bool) -> Step {
        let Some(((kind, order), length)) = self.kind(b, 0).and_then(|k| Some((k, k.1.u32_at(b, 4)?))) else {
            return short(b, end);
        };
        let frame = matches!(kind, OLD_PACKET | SIMPLE_PACKET | ENHANCED_PACKET);
        let lost = |reason| Step::Refuse { used: 4, reason, frame };
        if !Self::is_possible_length(kind, length) {
            return lost(Reason::BlockLength);
        }
        let used = length as usize;
        let Some(block) = b.get(..used) else {
            return if end { lost(Reason::Truncated) } else { Step::More };
        };
        if order.u32_at(block, used - 4) != Some(length) {
            return lost(Reason::BlockLength);
        }
        let refuse = |reason| Step::Refuse { used, reason, frame };
        match kind {
            SECTION => {
                *self = Self { order, interfaces: Vec::new() };
                if order.u16_at(block, 12) == Some(1) { Step::Skip(used) } else { refuse(Reason::Version) }
            }
            INTERFACE if self.interfaces.len() >= MAX_INTERFACES => refuse(Reason::TooManyInterfaces),
            INTERFACE => {
                self.interfaces.extend(Interface::read(order, block));
                Step::Skip(used)
            }
            OLD_PACKET | SIMPLE_PACKET | ENHANCED_PACKET => match self.packet(kind, block) {
                Ok((about, data)) => Step::Frame { used, about, data },
                Err(reason) => refuse(reason),
            },
            _ => Step::Skip(used),
        }
    }

    fn packet(&self, kind: u32, block: &[u8]) -> Result<(About, Range<usize>), Reason> {
        let n = |at| self.order.u32_at(block, at).unwrap_or(0);
        let interface = match kind {
            SIMPLE_PACKET => 0,
            OLD_PACKET => self.order.u16_at(block, 8).map_or(usize::MAX, usize::from),
            _ => n(8) as usize,
        };
        let i = self.interfaces.get(interface).ok_or(Reason::UnknownInterface)?;
        let (start, captured, original, time): (usize, _, _, _) = if kind == SIMPLE_PACKET {
            // It does not say how much was captured: the least of the original length, the snapshot length and the room.
            let room = u32::try_from(block.len().saturating_sub(16)).unwrap_or(0);
            let snap = if i.snap_len == 0 { u32::MAX } else { i.snap_len };
            (12, n(8).min(snap).min(room), n(8), None)
        } else {
            (28, n(20), n(24), i.instant(u64::from(n(12)) << 32 | u64::from(n(16))))
        };
        let data = start..start.saturating_add(captured as usize);
        if data.end > block.len().saturating_sub(4) || captured > MAX_FRAME {
            return Err(Reason::FrameLength);
        }
        Ok((About { time, link_type: i.link_type, original_len: original, fcs_len: i.fcs_len }, data))
    }

    /// The next block of a kind we know whose length stands at both its ends.
    fn find(&self, b: &[u8], end: bool) -> Find {
        for at in 0..b.len() {
            let Some(((kind, order), length)) = self.kind(b, at).and_then(|k| Some((k, k.1.u32_at(b, at + 4)?))) else {
                return Find::Not(if end { b.len() } else { at });
            };
            let known = matches!(kind, SECTION | INTERFACE | OLD_PACKET | SIMPLE_PACKET | ENHANCED_PACKET);
            if !known || !Self::is_possible_length(kind, length) {
                continue;
            }
            match order.u32_at(b, at + length as usize - 4) {
                Some(trailer) if trailer == length => return Find::At(at),
                None if !end => return Find::Not(at),
                _ => {}
            }
        }
        Find::Not(b.len())
    }
}

impl Interface {
    const FCS_LENGTH: u16 = 13;
    const RESOLUTION: u16 = 9;
    const OFFSET: u16 = 14;

    fn read(order: Order, block: &[u8]) -> Option<Self> {
        let (link_type, snap_len) = (u32::from(order.u16_at(block, 8)?), order.u32_at(block, 12)?);
        let mut i = Self { link_type, snap_len, resolution: 6, offset_s: 0, fcs_len: 0 };
        let mut options = block.get(16..block.len().saturating_sub(4)).unwrap_or(&[]);
        while let (Some(code), Some(length)) = (order.u16_at(options, 0), order.u16_at(options, 2)) {
            let length = usize::from(length);
            let Some(value) = options.get(4..4 + length) else { break };
            match (code, value) {
                (0, _) => break,
                (Self::RESOLUTION, [r, ..]) => i.resolution = *r,
                (Self::FCS_LENGTH, [n, ..]) => i.fcs_len = *n,
                (Self::OFFSET, v) => {
                    if let Some(c) = v.first_chunk::<8>() {
                        i.offset_s =
                            if order == Order::Little { i64::from_le_bytes(*c) } else { i64::from_be_bytes(*c) };
                    }
                }
                _ => {}
            }
            options = options.get(4 + length.next_multiple_of(4)..).unwrap_or(&[]);
        }
        Some(i)
    }

    fn instant(&self, units: u64) -> Option<Time> {
        let exponent = u32::from(self.resolution & 0x7F);
        let per_s =
            if self.resolution & 0x80 == 0 { 10u128.checked_pow(exponent) } else { 2u128.checked_pow(exponent) };
        let since = i128::try_from(u128::from(units) * 1_000_000 / per_s?).ok()?;
        instant(since + i128::from(self.offset_s) * 1_000_000)
    }
}

/// Microseconds since the Unix epoch as an instant, in the years 1900 to 9999.
fn instant(micros: i128) -> Option<Time> {
    const YEARS: Range<i128> = -2_208_988_800_000_000..253_402_300_800_000_000;
    YEARS.contains(&micros).then(|| i64::try_from(micros).ok().map(Time::from_micros)).flatten()
}
