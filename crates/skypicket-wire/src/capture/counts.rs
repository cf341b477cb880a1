//! [`Counts`]: how many frames there were and which were refused, why and where; bounded whatever a capture holds.

use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt};

/// Why a frame, or a stretch of the file, gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The file starts with no magic number of pcap or pcapng.
    NotACapture,
    /// A pcap with the longer record headers of a patched library.
    ModifiedPcap,
    /// A file header of a version that does not exist.
    Version,
    /// A pcap record whose lengths cannot be; reading goes on at the next record that makes sense.
    RecordLength,
    /// A pcapng block whose length cannot be, or differs at its two ends; reading goes on at the next block.
    BlockLength,
    /// The file ends within a record or block.
    Truncated,
    /// A frame longer than its block.
    FrameLength,
    /// A frame on an interface that was not described.
    UnknownInterface,
    /// More interfaces than are kept.
    TooManyInterfaces,
    /// A link type that is not built.
    LinkType(u32),
    /// A radiotap header that cannot be.
    Radiotap,
    /// A frame shorter than its fixed part.
    FrameShort,
    /// A NAN frame of the Remote ID service whose lengths do not add up.
    NanFrame,
    /// A Bluetooth packet that the capture did not undo the whitening of.
    Whitened,
    /// A frame of the nRF Sniffer in a version that is not known.
    NordicVersion,
    /// More different reasons than are kept apart.
    Other,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotACapture => "not_a_capture",
            Self::ModifiedPcap => "modified_pcap",
            Self::Version => "version",
            Self::RecordLength => "record_length",
            Self::BlockLength => "block_length",
            Self::Truncated => "truncated",
            Self::FrameLength => "frame_length",
            Self::UnknownInterface => "unknown_interface",
            Self::TooManyInterfaces => "too_many_interfaces",
            Self::LinkType(n) => return write!(f, "link_type_{n}"),
            Self::Radiotap => "radiotap",
            Self::FrameShort => "frame_short",
            Self::NanFrame => "nan_frame",
            Self::Whitened => "whitened",
            Self::NordicVersion => "nordic_version",
            Self::Other => "other",
        })
    }
}

/// One thing refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// Offset of the record, block or frame in the file.
    pub offset: u64,
    /// The frame, from 1; `None` when it was no frame.
    pub frame: Option<u64>,
}

/// What a capture held.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Frames, refused ones included.
    pub frames: u64,
    /// Identification elements found.
    pub elements: u64,
    /// Frames that the capture marks as received with a bad checksum; never decoded.
    pub crc_bad: u64,
    /// Refusals by reason.
    pub refused: BTreeMap<Reason, u64>,
    /// The first refusals, at most [`Counts::FIRST`].
    pub first_refused: Vec<Refused>,
}

impl Counts {
    /// Most single refusals kept.
    pub const FIRST: usize = 100;
    /// Most reasons kept apart.
    const REASONS: usize = 64;

    /// Counts one refusal.
    pub(crate) fn refuse(&mut self, reason: Reason, offset: u64, frame: Option<u64>) {
        let known = self.refused.len() < Self::REASONS || self.refused.contains_key(&reason);
        *self.refused.entry(if known { reason } else { Reason::Other }).or_default() += 1;
        if self.first_refused.len() < Self::FIRST {
            self.first_refused.push(Refused { reason, offset, frame });
        }
    }

    /// The last line of `decode capture`: `{"type":"summary","frames","elements","crc_bad","refused":{reason:n}}` and
    /// the first refusals with their offsets.
    pub fn to_json(&self) -> Value {
        let refused: serde_json::Map<_, _> =
            self.refused.iter().map(|(r, n)| (r.to_string(), Value::from(*n))).collect();
        let first: Vec<_> = self
            .first_refused
            .iter()
            .map(|r| json!({"reason": r.reason.to_string(), "offset": r.offset, "frame": r.frame}))
            .collect();
        json!({
            "type": "summary", "frames": self.frames, "elements": self.elements, "crc_bad": self.crc_bad,
            "refused": refused, "first_refused": first,
        })
    }
}
