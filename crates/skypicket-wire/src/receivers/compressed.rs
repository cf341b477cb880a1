//! [`unpack`]: a payload as it was before LZMA (.xz or the older .lzma), within bounds.

use lzma_rust2::{LzmaReader, XzReader};
use std::io::{self, Read};

/// Most bytes that come out.
pub const MAX_OUTPUT: usize = 1 << 20;
/// Most bytes out per byte in, past [`RATIO_FREE`]: text with a structure in base64 packs 20 to 100 times.
const MAX_RATIO: usize = 300;
/// So much may come out whatever went in.
const RATIO_FREE: usize = 64 * 1024;
/// Most memory of a decoder, KiB: the dictionary of the strongest preset is 64 MiB.
const MEMORY_KIB: u32 = 70 * 1024;

const XZ: &[u8] = b"\xFD7zXZ\0";

/// Whether a payload is compressed, by its first bytes.
pub fn is_compressed(bytes: &[u8]) -> bool {
    kind(bytes).is_some()
}

/// How the bytes are compressed; `None` is not at all.
fn kind(bytes: &[u8]) -> Option<Kind> {
    if bytes.starts_with(XZ) {
        return Some(Kind::Xz);
    }
    // The older form has no magic: properties below 9·5·5, then a dictionary of 2ⁿ or 2ⁿ + 2ⁿ⁻¹ bytes, then 8 bytes of
    // length (or all ones). No JSON begins so: its first bytes are all printable.
    let (&[properties, d0, d1, d2, d3], rest) = bytes.split_first_chunk::<5>()?;
    let length = u64::from_le_bytes(*rest.first_chunk::<8>()?);
    let dictionary = u32::from_le_bytes([d0, d1, d2, d3]);
    let plausible = dictionary.count_ones() <= 2 || dictionary == u32::MAX;
    let sized = length == u64::MAX || length < 1 << 38;
    (properties < 225 && dictionary >= 4096 && plausible && sized).then_some(Kind::Lzma)
}

#[derive(Clone, Copy)]
enum Kind {
    Xz,
    Lzma,
}

/// What the payload holds: itself where it is not compressed; the reason where it is and cannot be taken.
pub fn unpack(bytes: &[u8]) -> Result<Option<Vec<u8>>, &'static str> {
    let Some(kind) = kind(bytes) else { return Ok(None) };
    let most = MAX_OUTPUT.min(RATIO_FREE.max(bytes.len().saturating_mul(MAX_RATIO)));
    let out = match kind {
        Kind::Xz => read(XzReader::new_mem_limit(bytes, false, MEMORY_KIB), most),
        Kind::Lzma => LzmaReader::new_mem_limit(bytes, MEMORY_KIB, None).and_then(|r| read(r, most)),
    };
    match out {
        Ok(out) if out.len() > most => Err("lzma_too_large"),
        Ok(out) => Ok(Some(out)),
        Err(e) if e.kind() == io::ErrorKind::OutOfMemory => Err("lzma_too_large"),
        Err(_) => Err("lzma_broken"),
    }
}

/// At most one byte more than `most`.
fn read(from: impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    #[allow(clippy::disallowed_methods)] // bounded by `take`
    from.take(most as u64 + 1).read_to_end(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lzma_rust2::{LzmaOptions, LzmaWriter, XzOptions, XzWriter};
    use proptest::prelude::*;
    use std::io::Write;

    pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut w = XzWriter::new(Vec::new(), XzOptions::with_preset(6)).unwrap();
        w.write_all(bytes).unwrap();
        w.finish().unwrap()
    }

    pub(crate) fn lzma(bytes: &[u8]) -> Vec<u8> {
        let mut w = LzmaWriter::new_use_header(Vec::new(), &LzmaOptions::with_preset(6), None).unwrap();
        w.write_all(bytes).unwrap();
        w.finish().unwrap()
    }

    #[test]
    fn both_forms_come_back_and_plain_text_is_left_alone() {
        let text = b"{\"protocol\":1.0}\0".repeat(50);
        assert_eq!(unpack(&xz(&text)).unwrap().unwrap(), text);
        assert_eq!(unpack(&lzma(&text)).unwrap().unwrap(), text);
        assert_eq!(unpack(&text), Ok(None));
        assert_eq!(unpack(b""), Ok(None));
    }

    #[test]
    fn a_bomb_is_refused_by_size_and_by_ratio_and_a_broken_one_by_name() {
        let bomb = vec![b' '; 8 << 20];
        assert_eq!(unpack(&xz(&bomb)), Err("lzma_too_large"));
        assert_eq!(unpack(&lzma(&bomb)), Err("lzma_too_large"));
        // Within the size, but from next to nothing.
        assert_eq!(unpack(&xz(&bomb[..512 * 1024])), Err("lzma_too_large"));
        let mut broken = xz(b"{\"protocol\":1.0}");
        broken.truncate(broken.len() / 2);
        assert_eq!(unpack(&broken), Err("lzma_broken"));
        // A dictionary of 4 GiB is not allocated.
        let mut hungry = lzma(b"{}");
        hungry[1..5].copy_from_slice(&0x8000_0000u32.to_le_bytes());
        assert_eq!(unpack(&hungry), Err("lzma_too_large"));
    }

    proptest! {
        #[test]
        fn any_bytes_after_a_good_beginning_never_panic(
            legacy in any::<bool>(),
            flips in proptest::collection::vec((0..400usize, any::<u8>()), 0..12),
            cut in 0..400usize,
        ) {
            let text = b"{\"protocol\":1.0,\"data\":{\"sensor ID\":\"x\"}}".repeat(20);
            let mut bytes = if legacy { lzma(&text) } else { xz(&text) };
            for (k, b) in flips {
                let n = bytes.len();
                bytes[k % n] = b;
            }
            bytes.truncate(cut.max(6));
            let _ = unpack(&bytes);
        }
    }
}
