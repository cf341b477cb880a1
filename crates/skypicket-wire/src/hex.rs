//! Lines of hexadecimal.

use crate::remote_id::{DecodeError, ErrorKind};

/// The bytes of hexadecimal digits, at most `most` bytes.
pub fn decode(text: &[u8], most: usize) -> Result<Vec<u8>, DecodeError> {
    if text.len() > most.saturating_mul(2) {
        let limit = most.saturating_mul(2);
        return Err(ErrorKind::TooLong { limit }.at(limit));
    }
    let digit =
        |i: usize, c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok()).ok_or(ErrorKind::BadHex.at(i));
    let (pairs, odd) = text.as_chunks::<2>();
    let mut out = Vec::with_capacity(pairs.len());
    for (i, &[hi, lo]) in pairs.iter().enumerate() {
        out.push(digit(2 * i, hi)? << 4 | digit(2 * i + 1, lo)?);
    }
    match odd.first() {
        Some(&c) => digit(text.len() - 1, c).and(Err(ErrorKind::OddHex.at(text.len() - 1))),
        None => Ok(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_become_bytes_and_what_is_none_is_named_with_its_place() {
        assert_eq!(decode(b"00fFa1", 8), Ok(vec![0, 255, 0xA1]));
        assert_eq!(decode(b"0g", 8), Err(ErrorKind::BadHex.at(1)));
        assert_eq!(decode(b"000", 8), Err(ErrorKind::OddHex.at(2)));
        assert_eq!(decode(b"000000", 2), Err(ErrorKind::TooLong { limit: 4 }.at(4)));
    }
}
