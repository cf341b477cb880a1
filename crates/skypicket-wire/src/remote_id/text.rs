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

/// The findings about a text field. Without branches, so that its time does not depend on what a sender puts there.
#[inline]
#[allow(clippy::needless_bitwise_bool)] // a branch per byte would cost more than it saves
pub fn findings<const N: usize>(bytes: &[u8; N]) -> Flags {
    let (mut ended, mut after, mut odd) = (false, false, false);
    for &b in bytes {
        ended |= b == 0;
        after |= ended & (b != 0);
        odd |= !ended & !(0x20..=0x7E).contains(&b);
    }
    Flags::DATA_AFTER_NUL.when(after).with(Flags::NON_PRINTABLE_ASCII.when(odd))
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

    /// Hostile input 14.
    #[test]
    fn hostile_text_shows_as_escaped_ascii() {
        assert_eq!(printable(b"a\"b\\c\n<\x1b>\x80"), "a\"b\\x5cc\\x0a<\\x1b>\\x80");
        assert_eq!(hex(&[0, 0xAB, 0xFF]), "00abff");
    }
}
