//! [`Radiotap`]: how a receiver heard an 802.11 frame (radiotap.org; link type 127). Always little-endian.

/// What is used of a radiotap header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Radiotap {
    /// Length of the header: the 802.11 frame follows it.
    pub len: usize,
    /// The frame ends in its four-byte check sequence.
    pub fcs: bool,
    /// The check sequence was wrong.
    pub bad_fcs: bool,
    /// Signal of the first antenna that says one, dBm.
    pub signal_dbm: Option<i8>,
}

/// Alignment and size of the fields of bits 0 to 27; a field that is not listed ends the reading.
const FIELDS: [(usize, usize); 28] = [
    (8, 8),  // 0 TSFT
    (1, 1),  // 1 flags
    (1, 1),  // 2 rate
    (2, 4),  // 3 channel
    (2, 2),  // 4 FHSS
    (1, 1),  // 5 antenna signal, dBm
    (1, 1),  // 6 antenna noise, dBm
    (2, 2),  // 7 lock quality
    (2, 2),  // 8 TX attenuation
    (2, 2),  // 9 TX attenuation, dB
    (1, 1),  // 10 TX power
    (1, 1),  // 11 antenna
    (1, 1),  // 12 antenna signal, dB
    (1, 1),  // 13 antenna noise, dB
    (2, 2),  // 14 RX flags
    (2, 2),  // 15 TX flags
    (1, 1),  // 16 RTS retries
    (1, 1),  // 17 data retries
    (4, 8),  // 18 extended channel
    (1, 3),  // 19 MCS
    (4, 8),  // 20 A-MPDU status
    (2, 12), // 21 VHT
    (8, 12), // 22 timestamp
    (2, 12), // 23 HE
    (2, 12), // 24 HE-MU
    (2, 6),  // 25 HE-MU other user
    (1, 1),  // 26 zero-length PSDU
    (2, 4),  // 27 L-SIG
];
const FLAGS: usize = 1;
const SIGNAL: usize = 5;
/// Presence bits that say what the next word is.
const VENDOR_NAMESPACE: u32 = 1 << 30;
const MORE_WORDS: u32 = 1 << 31;
/// Most presence words read.
const MAX_WORDS: usize = 32;

impl Radiotap {
    /// Reads the header at the start of a captured frame; `None` when it cannot be one.
    pub fn decode(b: &[u8]) -> Option<Self> {
        let &[version, _, len_lo, len_hi] = b.first_chunk()?;
        let len = usize::from(u16::from_le_bytes([len_lo, len_hi]));
        if version != 0 || len < 8 {
            return None;
        }
        let header = b.get(..len)?;
        let word = |k: usize| header.get(4 + 4 * k..)?.first_chunk().map(|c| u32::from_le_bytes(*c));
        let mut words = 0;
        while word(words)? & MORE_WORDS != 0 {
            words += 1;
            if words >= MAX_WORDS {
                return None;
            }
        }
        words += 1;
        let mut r = Self { len, ..Self::default() };
        let mut at = 4 + 4 * words;
        let mut flags_seen = false;
        for present in (0..words).filter_map(word) {
            for bit in 0..29 {
                if present >> bit & 1 == 0 {
                    continue;
                }
                let Some(&(align, size)) = FIELDS.get(bit) else { return Some(r) };
                at = at.next_multiple_of(align);
                let Some(field) = header.get(at..at + size) else { return Some(r) };
                match (bit, field) {
                    (FLAGS, [f]) if !flags_seen => {
                        flags_seen = true;
                        r.fcs = f & 0x10 != 0;
                        r.bad_fcs = f & 0x40 != 0;
                    }
                    (SIGNAL, [s]) if r.signal_dbm.is_none() => r.signal_dbm = Some(s.cast_signed()),
                    _ => {}
                }
                at += size;
            }
            if present & VENDOR_NAMESPACE != 0 {
                break;
            }
        }
        Some(r)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_aligned_and_extended_words_are_passed() {
        // Two words: TSFT, flags, rate, channel, signal and "more"; then the second antenna's signal and number.
        let mut h = vec![0, 0, 0, 0];
        h.extend((1u32 | 2 | 4 | 8 | 32 | MORE_WORDS).to_le_bytes());
        h.extend((1u32 << 5 | 1 << 11).to_le_bytes());
        h.extend([0; 4]); // TSFT aligns to 16
        h.extend([9; 8]);
        h.extend([0x10, 0x02]);
        h.extend([0x6C, 0x09, 0xA0, 0x00]);
        h.push((-57i8).cast_unsigned());
        h.extend([(-60i8).cast_unsigned(), 1]);
        h[2] = u8::try_from(h.len()).unwrap();
        let r = Radiotap::decode(&h).unwrap();
        assert_eq!(r, Radiotap { len: h.len(), fcs: true, bad_fcs: false, signal_dbm: Some(-57) });
    }

    #[test]
    fn a_header_that_cannot_be_is_none() {
        assert_eq!(Radiotap::decode(&[]), None);
        assert_eq!(Radiotap::decode(&[1, 0, 8, 0, 0, 0, 0, 0]), None);
        assert_eq!(Radiotap::decode(&[0, 0, 9, 0, 0, 0, 0, 0]), None);
        assert_eq!(Radiotap::decode(&[0, 0, 8, 0, 0, 0, 0, 0x80]), None);
    }
}
