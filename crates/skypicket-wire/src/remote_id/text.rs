//! Text of senders: fixed, NUL-padded, attacker-controlled; kept as bytes and shown only as escaped ASCII.

use super::flags::Flags;
use std::fmt::Write as _;

/// The bytes before the first NUL.
pub fn cut(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or(bytes)
}

/// A copy with everything after the first NUL zeroed.
pub fn zero_after_nul<const N: usize>(bytes: [u8; N]) -> [u8; N] {
    let mut seen = false;
    bytes.map(|b| {
        seen |= b == 0;
        if seen { 0 } else { b }
    })
}

/// The high bit of each byte, which the masks below use as "this byte is so".
const HIGH: u64 = 0x8080_8080_8080_8080;
const LOW7: u64 = !HIGH;
const EACH: u64 = 0x0101_0101_0101_0101;

/// The findings about a text field of at most 24 bytes.
///
/// Eight bytes at a time and without branches: it is the greater part of decoding a text message, and its time does not
/// depend on what a sender puts there.
#[inline]
pub fn findings<const N: usize>(bytes: &[u8; N]) -> Flags {
    const { assert!(N <= 24) };
    let mut padded = [0; 24];
    for (slot, b) in padded.iter_mut().zip(bytes) {
        *slot = *b;
    }
    let (mut ended, mut after, mut odd) = (0u64, 0u64, 0u64);
    for word in padded.as_chunks::<8>().0 {
        let w = u64::from_le_bytes(*word);
        let x = w & LOW7;
        let nul = !((x + LOW7) | w) & HIGH;
        let above_7e = (x + EACH) | w;
        let below_20 = !((x + 0x60 * EACH) | w);
        // Every bit below the first NUL of this word; all of them without one, none after one in an earlier word.
        let before = (nul & nul.wrapping_neg()).wrapping_sub(1) & !ended;
        odd |= (above_7e | below_20) & HIGH & before;
        after |= !nul & HIGH & !before;
        ended |= 0u64.wrapping_sub(u64::from(nul != 0));
    }
    Flags::DATA_AFTER_NUL.when(after != 0).with(Flags::NON_PRINTABLE_ASCII.when(odd != 0))
}

/// The findings about a text of any length, byte by byte.
pub fn findings_in(bytes: &[u8]) -> Flags {
    let before = cut(bytes);
    let after = bytes.get(before.len()..).unwrap_or(&[]);
    Flags::DATA_AFTER_NUL
        .when(after.iter().any(|b| *b != 0))
        .with(Flags::NON_PRINTABLE_ASCII.when(before.iter().any(|b| !(0x20..=0x7E).contains(b))))
}

/// Each byte as the character of the same number, as the reference vectors write text.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(b)).collect()
}

/// Printable ASCII as it is; every other byte, and the backslash, as `\xNN`, so that no two texts look alike.
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &b in bytes {
        if (0x20..=0x7E).contains(&b) && b != b'\\' {
            out.push(char::from(b));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{b:02x}");
        }
    }
    out
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(bytes.len() * 2);
    for &b in bytes {
        for n in [b >> 4, b & 15] {
            out.push(char::from(DIGITS.get(usize::from(n)).copied().unwrap_or(b'?')));
        }
    }
    out
}

/// A text of at most `N` bytes, NUL-padded; what is longer is cut.
pub(crate) fn padded<const N: usize>(text: &str) -> [u8; N] {
    let mut out = [0; N];
    for (slot, b) in out.iter_mut().zip(text.bytes()) {
        *slot = b;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_ends_at_the_first_nul_and_the_rest_is_a_finding() {
        assert_eq!(cut(b"AB\0CD"), b"AB");
        assert_eq!(zero_after_nul(*b"AB\0CD"), *b"AB\0\0\0");
        assert_eq!(findings(b"AB\0CD"), Flags::DATA_AFTER_NUL);
        assert_eq!(findings(b"A\x1bB\0\0"), Flags::NON_PRINTABLE_ASCII);
        assert_eq!(findings(b"A B~ "), Flags::NONE);
        assert_eq!(findings(b"A\0\x80\0\0"), Flags::DATA_AFTER_NUL);
    }

    #[test]
    fn findings_are_those_of_the_plain_rule() {
        // Every byte at every place, before and after a NUL at every place.
        for at in 0..20 {
            for byte in 0..=255u8 {
                for nul in 0..=20 {
                    let mut b = [b'A'; 20];
                    b[at] = byte;
                    if let Some(slot) = b.get_mut(nul) {
                        *slot = 0;
                    }
                    let end = b.iter().position(|c| *c == 0).unwrap_or(20);
                    let after = b[end..].iter().any(|c| *c != 0);
                    let odd = b[..end].iter().any(|c| !(0x20..=0x7E).contains(c));
                    let want = Flags::DATA_AFTER_NUL.when(after).with(Flags::NON_PRINTABLE_ASCII.when(odd));
                    assert_eq!((findings(&b), findings_in(&b)), (want, want), "{b:?}");
                }
            }
        }
    }

    /// Hostile input 14.
    #[test]
    fn hostile_text_shows_as_escaped_ascii() {
        assert_eq!(printable(b"a\"b\\c\n<\x1b>\x80"), "a\"b\\x5cc\\x0a<\\x1b>\\x80");
        assert_eq!(hex(&[0, 0xAB, 0xFF]), "00abff");
    }
}
