//! [`PcapWriter`]: makes pcap files, for exercises and tests.

use super::elements::LINK_IEEE802_11_RADIOTAP;
use skypicket_model::Time;

/// Builds a pcap of 802.11 frames with radiotap headers, in memory.
#[derive(Debug, Clone)]
pub struct PcapWriter {
    bytes: Vec<u8>,
}

impl Default for PcapWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl PcapWriter {
    /// An empty capture: little-endian, microseconds.
    pub fn new() -> Self {
        let mut bytes = vec![0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(super::format::MAX_FRAME.to_le_bytes());
        bytes.extend(LINK_IEEE802_11_RADIOTAP.to_le_bytes());
        Self { bytes }
    }

    /// Adds a frame as heard at `time` with a signal strength; a time before 1970 or after 2106 is written as 0.
    pub fn frame(&mut self, time: Time, signal_dbm: i8, frame: &[u8]) {
        const RADIOTAP: [u8; 8] = [0, 0, 10, 0, 0b10_0010, 0, 0, 0];
        let us = time.as_micros();
        let s = u32::try_from(us.div_euclid(1_000_000)).unwrap_or(0);
        let fraction = u32::try_from(us.rem_euclid(1_000_000)).unwrap_or(0);
        let len = u32::try_from(RADIOTAP.len() + 2 + frame.len()).unwrap_or(u32::MAX);
        for word in [s, fraction, len, len] {
            self.bytes.extend(word.to_le_bytes());
        }
        self.bytes.extend(RADIOTAP);
        self.bytes.extend([0, signal_dbm.cast_unsigned()]);
        self.bytes.extend(frame);
    }

    /// The file so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}
