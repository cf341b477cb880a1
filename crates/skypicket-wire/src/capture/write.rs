//! [`PcapWriter`]: makes pcap files, for exercises and tests.

use super::elements::LINK_IEEE802_11_RADIOTAP;
use skypicket_model::Time;

/// Builds a pcap in memory: of 802.11 frames with radiotap headers, or of records of any link type.
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
    /// An empty capture of 802.11 frames behind radiotap headers: little-endian, microseconds.
    pub fn new() -> Self {
        Self::of_link_type(LINK_IEEE802_11_RADIOTAP)
    }

    /// An empty capture of another link type, for [`PcapWriter::record`].
    pub fn of_link_type(link_type: u32) -> Self {
        let mut bytes = vec![0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend(super::format::MAX_FRAME.to_le_bytes());
        bytes.extend(link_type.to_le_bytes());
        Self { bytes }
    }

    /// Adds an 802.11 frame as heard at `time` with a signal strength.
    pub fn frame(&mut self, time: Time, signal_dbm: i8, frame: &[u8]) {
        const RADIOTAP: [u8; 8] = [0, 0, 10, 0, 0b10_0010, 0, 0, 0];
        let header = [RADIOTAP.as_slice(), &[0, signal_dbm.cast_unsigned()]].concat();
        self.record(time, &[&header, frame].concat());
    }

    /// Adds a record as it is; a time before 1970 or after 2106 is written as 0.
    pub fn record(&mut self, time: Time, data: &[u8]) {
        let us = time.as_micros();
        let s = u32::try_from(us.div_euclid(1_000_000)).unwrap_or(0);
        let fraction = u32::try_from(us.rem_euclid(1_000_000)).unwrap_or(0);
        let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
        for word in [s, fraction, len, len] {
            self.bytes.extend(word.to_le_bytes());
        }
        self.bytes.extend(data);
    }

    /// The file so far.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}
