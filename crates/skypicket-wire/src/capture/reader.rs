//! [`Reader`]: frames of a capture as their bytes arrive; [`frames`]: those of a whole capture in memory.

use super::{
    counts::Counts,
    format::{Parser, Step},
};
use skypicket_model::Time;

/// One captured frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its number in the file, from 1; refused frames count too.
    pub number: u64,
    /// When the capturing machine took it; simple packet blocks do not say.
    pub time: Option<Time>,
    /// Link type, as registered for pcap.
    pub link_type: u32,
    /// Length on the air, which may be more than was captured.
    pub original_len: u32,
    /// Bytes of frame check sequence at its end, where the file says so.
    pub fcs_len: u8,
    /// Offset of its record or block in the file.
    pub offset: u64,
    /// The bytes captured.
    pub data: &'a [u8],
}

/// Position and counts, apart from where the bytes are kept.
#[derive(Debug, Clone)]
struct Cursor {
    parser: Parser,
    offset: u64,
    counts: Counts,
}

impl Cursor {
    fn new() -> Self {
        Self { parser: Parser::new(), offset: 0, counts: Counts::default() }
    }

    /// The next frame in `b` after `*at`; `None` when nothing more can be told from these bytes.
    fn next<'a>(&mut self, b: &'a [u8], at: &mut usize, end: bool) -> Option<Frame<'a>> {
        loop {
            let rest = b.get(*at..).unwrap_or(&[]);
            let offset = self.offset;
            let mut forward = |n: usize| {
                let n = n.min(rest.len());
                *at += n;
                self.offset += n as u64;
            };
            match self.parser.step(rest, end) {
                Step::More => return None,
                Step::Skip(n) => forward(n),
                Step::Refuse { used, reason, frame } => {
                    forward(used);
                    self.counts.frames += u64::from(frame);
                    self.counts.refuse(reason, offset, frame.then_some(self.counts.frames));
                }
                Step::Frame { used, about, data } => {
                    forward(used);
                    self.counts.frames += 1;
                    return Some(Frame {
                        number: self.counts.frames,
                        time: about.time,
                        link_type: about.link_type,
                        original_len: about.original_len,
                        fcs_len: about.fcs_len,
                        offset,
                        data: rest.get(data).unwrap_or(&[]),
                    });
                }
            }
        }
    }
}

/// Reads a capture piece by piece, as for a file that is still being written.
///
/// It keeps at most one unfinished block ([`MAX_BLOCK`](super::MAX_BLOCK)) and one piece; how the bytes are split into
/// pieces makes no difference to what comes out.
#[derive(Debug, Clone)]
pub struct Reader {
    cursor: Cursor,
    kept: Vec<u8>,
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

impl Reader {
    /// Bytes taken at once, so that what is kept stays bounded whatever is pushed.
    const PIECE: usize = 1 << 16;

    /// At the start of a file.
    pub fn new() -> Self {
        Self { cursor: Cursor::new(), kept: Vec::new() }
    }

    /// Takes the next bytes of the file and gives each frame that is whole by now to `sink`, in order.
    pub fn push(&mut self, bytes: &[u8], sink: &mut dyn FnMut(&Frame<'_>, &mut Counts)) {
        for piece in bytes.chunks(Self::PIECE) {
            if self.kept.is_empty() {
                let used = self.cursor.drain(piece, false, sink);
                self.kept.extend(piece.get(used..).unwrap_or(&[]));
            } else {
                self.kept.extend(piece);
                let used = self.cursor.drain(&self.kept, false, sink);
                self.kept.drain(..used);
            }
        }
    }

    /// There is no more: judges what is left, and gives the frames that can be told only now.
    pub fn finish(&mut self, sink: &mut dyn FnMut(&Frame<'_>, &mut Counts)) {
        let kept = std::mem::take(&mut self.kept);
        self.cursor.drain(&kept, true, sink);
    }

    /// The counts so far.
    pub fn counts(&self) -> &Counts {
        &self.cursor.counts
    }

    /// Bytes kept for a block that is not whole yet.
    pub fn kept(&self) -> usize {
        self.kept.len()
    }
}

impl Cursor {
    fn drain(&mut self, b: &[u8], end: bool, sink: &mut dyn FnMut(&Frame<'_>, &mut Counts)) -> usize {
        let mut at = 0;
        while let Some(frame) = self.next(b, &mut at, end) {
            sink(&frame, &mut self.counts);
        }
        at
    }
}

/// The frames of a whole capture.
pub fn frames(bytes: &[u8]) -> Frames<'_> {
    Frames { bytes, at: 0, cursor: Cursor::new() }
}

/// Iterator of [`frames`]; its counts are complete when it has ended.
#[derive(Debug, Clone)]
pub struct Frames<'a> {
    bytes: &'a [u8],
    at: usize,
    cursor: Cursor,
}

impl Frames<'_> {
    /// The counts so far.
    pub fn counts(&self) -> &Counts {
        &self.cursor.counts
    }

    pub(crate) fn counts_mut(&mut self) -> &mut Counts {
        &mut self.cursor.counts
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        self.cursor.next(self.bytes, &mut self.at, true)
    }
}
