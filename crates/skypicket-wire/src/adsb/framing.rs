//! [`Frames`]: Mode S frames out of a Beast stream or out of lines of hexadecimal (AVR).

/// How frames stand in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Binary: escape `1A`, type, 6 bytes of time, 1 of signal level, frame; a `1A` in it doubled.
    Beast,
    /// Lines: `*8D…;`, or `@` with 12 digits of time before it.
    Avr,
}

/// Bytes after the type: time, signal, and 2, 7 or 14 of frame.
fn beast_length(kind: u8) -> Option<usize> {
    Some(match kind {
        // Mode A and C, and the receiver's own `E4`.
        b'1' | 0xE4 => 9,
        b'2' => 14,
        // The long squitter; `4` and `5` are the receiver about itself.
        b'3' | b'4' | b'5' => 21,
        0xE3 => 8,
        _ => return None,
    })
}

/// Longest line that is kept.
const MAX_LINE: usize = 64;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// A Mode S frame of 7 or 14 bytes (or what claims to be one), with the offset of its first byte in the stream.
    Frame(&'a [u8], u64),
    /// Bytes that are none.
    Bad(&'static str, u64),
}

/// Finds frames in a stream that comes in pieces.
#[derive(Debug)]
pub struct Frames {
    framing: Framing,
    held: Vec<u8>,
    read: u64,
    began: u64,
    /// Beast: how many bytes the message has; 0 outside of one.
    want: usize,
    /// Beast: its type.
    kind: u8,
    /// Beast: the last byte was an escape.
    escape: bool,
    /// Bytes were already refused and no frame has come since.
    lost: bool,
}

impl Frames {
    /// Of a framing.
    pub fn new(framing: Framing) -> Self {
        Self { framing, held: Vec::new(), read: 0, began: 0, want: 0, kind: 0, escape: false, lost: false }
    }

    /// Takes the next bytes and gives what is whole by now.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(Found<'_>)) {
        for &b in bytes {
            match self.framing {
                Framing::Beast => self.beast(b, out),
                Framing::Avr => self.avr(b, out),
            }
            self.read += 1;
        }
    }

    /// The end of a message by itself: the last line may lack its end.
    pub fn finish(&mut self, out: &mut dyn FnMut(Found<'_>)) {
        if self.framing == Framing::Avr {
            self.avr(b'\n', out);
        } else if self.want > 0 {
            self.lose("beast_truncated", out);
        }
        *self = Self::new(self.framing);
    }

    fn lose(&mut self, reason: &'static str, out: &mut dyn FnMut(Found<'_>)) {
        if !self.lost {
            self.lost = true;
            out(Found::Bad(reason, self.read));
        }
        self.want = 0;
    }

    fn beast(&mut self, b: u8, out: &mut dyn FnMut(Found<'_>)) {
        const ESCAPE: u8 = 0x1A;
        if self.escape {
            self.escape = false;
            if b != ESCAPE {
                // A message begins; one that was not whole is lost.
                if self.want > 0 {
                    self.lose("beast_truncated", out);
                }
                match beast_length(b) {
                    Some(n) => {
                        (self.want, self.kind, self.began) = (n, b, self.read.saturating_sub(1));
                        self.held.clear();
                    }
                    None => self.lose("beast_type", out),
                }
                return;
            }
            if self.want == 0 {
                return self.lose("beast_sync", out);
            }
        } else if b == ESCAPE {
            self.escape = true;
            return;
        } else if self.want == 0 {
            return self.lose("beast_sync", out);
        }
        self.held.push(b);
        if self.held.len() == self.want {
            self.want = 0;
            self.lost = false;
            if matches!(self.kind, b'2' | b'3') {
                out(Found::Frame(self.held.get(7..).unwrap_or_default(), self.began));
            }
        }
    }

    fn avr(&mut self, b: u8, out: &mut dyn FnMut(Found<'_>)) {
        if !matches!(b, b'\n' | b';') {
            if self.held.is_empty() {
                self.began = self.read;
            }
            if self.held.len() <= MAX_LINE && !(self.held.is_empty() && b.is_ascii_whitespace()) {
                self.held.push(b);
            }
            return;
        }
        let line = std::mem::take(&mut self.held);
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        match avr_digits(line).and_then(|d| crate::hex::decode(d, 14).ok()) {
            Some(frame) => out(Found::Frame(&frame, self.began)),
            None => out(Found::Bad("avr_line", self.began)),
        }
    }
}

/// The digits of a frame in a line of AVR: `*` and digits, `@` and 12 digits of time before them, or the digits alone.
pub fn avr_digits(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b";").unwrap_or(line);
    match line.split_first() {
        Some((b'*' | b':', digits)) => Some(digits),
        Some((b'@' | b'%', digits)) => digits.get(12..),
        _ => Some(line),
    }
}

/// A Beast message of a frame of 7 or 14 bytes, for tests and exercises. `ticks` are those of a 12 MHz clock.
pub fn encode_beast(frame: &[u8], ticks: u64, signal: u8) -> Vec<u8> {
    let mut out = vec![0x1A, if frame.len() == 7 { b'2' } else { b'3' }];
    let time = ticks.to_be_bytes();
    for &b in time.iter().skip(2).chain([&signal]).chain(frame) {
        out.push(b);
        if b == 0x1A {
            out.push(b);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(framing: Framing, pieces: &[&[u8]]) -> Vec<String> {
        let (mut f, mut all) = (Frames::new(framing), Vec::new());
        let mut keep = |x: Found<'_>| {
            all.push(match x {
                Found::Frame(b, o) => format!("{o}:{}", crate::remote_id::text::hex(b)),
                Found::Bad(r, o) => format!("{o}!{r}"),
            });
        };
        for p in pieces {
            f.push(p, &mut keep);
        }
        f.finish(&mut keep);
        all
    }

    #[test]
    fn escapes_in_a_beast_message_are_undone() {
        let frame = [0x1A, 0x1A, 3, 4, 5, 6, 0x1A];
        let bytes = encode_beast(&frame, 0x1A1A_1A00_1A1A, 0x1A);
        assert_eq!(found(Framing::Beast, &[&bytes]), ["0:1a1a030405061a"]);
    }

    #[test]
    fn a_beast_message_that_is_cut_costs_itself() {
        let good = encode_beast(&[7; 14], 5, 6);
        let bytes = [&good[..10], &good[..], b"garbage", &good[..]].concat();
        assert_eq!(
            found(Framing::Beast, &[&bytes]),
            [
                "11!beast_truncated",
                "10:0707070707070707070707070707",
                "33!beast_sync",
                "40:0707070707070707070707070707"
            ]
        );
    }

    #[test]
    fn lines_of_every_shape() {
        let text = b"*8D4840D6202CC371C32CE0576098;\r\n@0123456789AB8D4840D6202CC371C32CE0576098;\n8D4840D6202CC371C32CE0576098\nhello\n";
        let got = found(Framing::Avr, &[text]);
        assert_eq!(got.len(), 4, "{got:?}");
        assert!(got[..3].iter().all(|g| g.ends_with(":8d4840d6202cc371c32ce0576098")), "{got:?}");
        assert!(got[3].ends_with("!avr_line"));
    }

    proptest! {
        #[test]
        fn split_anywhere_is_the_same(
            beast in any::<bool>(),
            frames in proptest::collection::vec((proptest::collection::vec(prop::sample::select(vec![0x1Au8, b'3', 0, 9]), 14), any::<u64>()), 0..4),
            noise in proptest::collection::vec(prop::sample::select(b"\x1a23*;\nA0".to_vec()), 0..12),
            cut in 0..200usize,
        ) {
            let framing = if beast { Framing::Beast } else { Framing::Avr };
            let mut bytes = Vec::new();
            for (f, t) in &frames {
                if beast {
                    bytes.extend(encode_beast(f, *t, 9));
                } else {
                    bytes.extend(format!("*{};\n", crate::remote_id::text::hex(f)).bytes());
                }
            }
            let clean = found(framing, &[&bytes]);
            prop_assert_eq!(clean.len(), frames.len());
            bytes.extend(&noise);
            let cut = cut.min(bytes.len());
            prop_assert_eq!(found(framing, &[&bytes[..cut], &bytes[cut..]]), found(framing, &[&bytes]));
        }
    }
}
