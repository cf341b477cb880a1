//! The 24-bit parity of Mode S (ICAO Annex 10 volume IV, 3.1.2.3.3; generator 0x1FFF409).

/// The remainder of a frame over its first bytes without the last three.
pub fn remainder(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |crc, b| {
        let mut c = crc ^ u32::from(*b) << 16;
        for _ in 0..8 {
            c <<= 1;
            if c & 0x0100_0000 != 0 {
                c ^= 0x01FF_F409;
            }
        }
        c & 0x00FF_FFFF
    })
}

/// The last three bytes of a frame combined with its parity: zero for an extended squitter that is sound, an interrogator
/// code for an all-call reply, the address for a reply to an interrogation.
pub fn syndrome(frame: &[u8]) -> Option<u32> {
    let (body, &[a, b, c]) = frame.split_last_chunk::<3>()?;
    Some(remainder(body) ^ u32::from_be_bytes([0, a, b, c]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_frames_are_sound_and_a_flipped_bit_is_not() {
        for hex in ["8D4840D6202CC371C32CE0576098", "8D40621D58C382D690C8AC2863A7", "8D485020994409940838175B284F"] {
            let mut frame = crate::hex::decode(hex.as_bytes(), 14).unwrap();
            assert_eq!(syndrome(&frame), Some(0), "{hex}");
            for bit in 0..112 {
                frame[bit / 8] ^= 0x80 >> (bit % 8);
                assert_ne!(syndrome(&frame), Some(0), "{hex} {bit}");
                frame[bit / 8] ^= 0x80 >> (bit % 8);
            }
        }
        assert_eq!(syndrome(&[1, 2]), None);
    }
}
