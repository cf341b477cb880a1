//! [`Cutter`]: cuts a legacy TAK stream (CoT XML over TCP, "version 0") into events.
//!
//! The legacy rule, "cut after the token `</event>`", breaks on that text inside CDATA, comments and attributes, and
//! has no bound. This cutter follows the XML itself, byte by byte: it knows tags, quotes, CDATA, comments and processing
//! instructions, counts depth, and ends an event where the root element ends. What it cuts is then read as XML. On a
//! breach (too large, a document type declaration, text between events …) the place where the next event begins can no
//! longer be known: the connection must be dropped.

use super::xml::MAX_BYTES;

/// The stream cannot be followed any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {offset} of the stream")]
pub struct Breach {
    /// Fixed word: `stream_too_large`, `stream_dtd`, `stream_text`, `stream_syntax`.
    pub kind: &'static str,
    /// Where, in bytes from the start of the stream.
    pub offset: u64,
}

/// One event cut from a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Where it began, in bytes from the start of the stream.
    pub offset: u64,
    /// Its XML, with the declaration before it where there was one.
    pub xml: Vec<u8>,
}

/// Where in the XML the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Between tags.
    Text,
    /// After `<`.
    Open,
    /// In a start tag; whether the last byte was `/`.
    Tag { slash: bool },
    /// In a quoted attribute value.
    Quote(u8),
    /// In an end tag.
    End,
    /// After `<!`, so many bytes of `--` or `[CDATA[` read.
    Bang { comment: u8, cdata: u8 },
    /// In a comment, so many `-` just read.
    Comment(u8),
    /// In CDATA, so many `]` just read.
    Cdata(u8),
    /// In a processing instruction, so many bytes of `xml` matched, and whether the last byte was `?`.
    Instruction { declaration: u8, question: bool },
}

/// Cuts a stream; memory stays under the limit and one chunk.
#[derive(Debug)]
pub struct Cutter {
    limit: usize,
    buffer: Vec<u8>,
    at: At,
    depth: u32,
    /// Bytes of the stream before `buffer`.
    before: u64,
    dead: Option<Breach>,
}

impl Default for Cutter {
    fn default() -> Self {
        Self::new(MAX_BYTES)
    }
}

impl Cutter {
    /// A cutter that takes events of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, buffer: Vec::new(), at: At::Text, depth: 0, before: 0, dead: None }
    }

    /// Takes bytes and appends the events that end in them. After a breach every call fails alike.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Cut>) -> Result<(), Breach> {
        if let Some(breach) = self.dead {
            return Err(breach);
        }
        for &byte in bytes {
            if self.buffer.is_empty() && self.depth == 0 && byte.is_ascii_whitespace() {
                self.before += 1;
                continue;
            }
            self.buffer.push(byte);
            match self.step(byte) {
                Ok(false) if self.buffer.len() > self.limit => return Err(self.die("stream_too_large")),
                Ok(false) => {}
                Ok(true) => {
                    let xml = std::mem::take(&mut self.buffer);
                    let offset = self.before;
                    self.before += xml.len() as u64;
                    out.push(Cut { offset, xml });
                }
                Err(kind) => return Err(self.die(kind)),
            }
        }
        Ok(())
    }

    /// Whether an event has begun and not ended.
    pub fn is_midway(&self) -> bool {
        self.dead.is_none() && !self.buffer.is_empty()
    }

    /// Bytes of the stream taken so far.
    pub fn position(&self) -> u64 {
        self.before + self.buffer.len() as u64
    }

    fn die(&mut self, kind: &'static str) -> Breach {
        let breach = Breach { kind, offset: self.position().saturating_sub(1) };
        self.buffer = Vec::new();
        self.dead = Some(breach);
        breach
    }

    /// One byte further; true when the root element ended with it.
    fn step(&mut self, byte: u8) -> Result<bool, &'static str> {
        self.at = match self.at {
            At::Text => match byte {
                b'<' => At::Open,
                _ if self.depth == 0 && !byte.is_ascii_whitespace() => return Err("stream_text"),
                _ => At::Text,
            },
            At::Open => match byte {
                b'!' => At::Bang { comment: 0, cdata: 0 },
                b'?' => At::Instruction { declaration: 0, question: false },
                b'/' if self.depth == 0 => return Err("stream_syntax"),
                b'/' => At::End,
                _ if byte.is_ascii_alphabetic() || byte == b'_' || byte == b':' || byte >= 0x80 => {
                    At::Tag { slash: false }
                }
                _ => return Err("stream_syntax"),
            },
            At::Tag { slash } => match byte {
                b'"' | b'\'' => At::Quote(byte),
                b'<' => return Err("stream_syntax"),
                b'>' if slash => return Ok(self.ended_at_depth(self.depth)),
                b'>' => {
                    self.depth += 1;
                    At::Text
                }
                _ => At::Tag { slash: byte == b'/' },
            },
            At::Quote(q) if byte == q => At::Tag { slash: false },
            At::End => match byte {
                b'>' => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(self.ended_at_depth(self.depth));
                }
                b'<' | b'"' | b'\'' => return Err("stream_syntax"),
                _ => At::End,
            },
            At::Bang { comment, cdata } => match (byte, comment, cdata) {
                (b'-', 0, 0) => At::Bang { comment: 1, cdata: 0 },
                (b'-', 1, 0) => At::Comment(0),
                (_, 0, n) if self.depth > 0 && b"[CDATA[".get(usize::from(n)) == Some(&byte) => {
                    if n == 6 {
                        At::Cdata(0)
                    } else {
                        At::Bang { comment: 0, cdata: n + 1 }
                    }
                }
                (b'D', 0, 0) => return Err("stream_dtd"),
                _ => return Err("stream_syntax"),
            },
            At::Comment(dashes) => match byte {
                b'-' => At::Comment((dashes + 1).min(2)),
                b'>' if dashes == 2 => At::Text,
                _ => At::Comment(0),
            },
            At::Cdata(brackets) => match byte {
                b']' => At::Cdata((brackets + 1).min(2)),
                b'>' if brackets == 2 => At::Text,
                _ => At::Cdata(0),
            },
            At::Instruction { declaration, question } => {
                if byte == b'>' && question {
                    At::Text
                } else {
                    // "<?xml " inside an element: the event before never ended, so the count of depth is worthless.
                    if declaration == 3 && byte.is_ascii_whitespace() && self.depth > 0 {
                        return Err("stream_syntax");
                    }
                    let matches = declaration < 3 && b"xml".get(usize::from(declaration)) == Some(&byte);
                    At::Instruction { declaration: if matches { declaration + 1 } else { 9 }, question: byte == b'?' }
                }
            }
            At::Quote(_) => self.at,
        };
        Ok(false)
    }

    fn ended_at_depth(&mut self, depth: u32) -> bool {
        self.at = At::Text;
        depth == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut_all(bytes: &[u8], chunk: usize) -> (Vec<Cut>, Result<(), Breach>) {
        let (mut cutter, mut out) = (Cutter::default(), Vec::new());
        for piece in bytes.chunks(chunk.max(1)) {
            if let Err(e) = cutter.push(piece, &mut out) {
                return (out, Err(e));
            }
        }
        (out, Ok(()))
    }

    const TRICKS: [&str; 8] = [
        "<event><detail><![CDATA[</event>]]></detail></event>",
        "<event a=\"</event>\" b='\"</event>'><point/></event>",
        "<event><!-- </event> -- ></event> --><point/></event>",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<event><?x </event> ?></event>",
        "<event/>",
        "<event a='/'><a/><b></b></event >",
        "<event><remarks>]]> > \"quoted' text</remarks></event>",
        "<event><![CDATA[]]]]><![CDATA[>]]></event>",
    ];

    #[test]
    fn each_event_is_cut_where_its_root_ends() {
        let stream = TRICKS.join("\n");
        for chunk in [1, 2, 7, 1000] {
            let (cuts, end) = cut_all(stream.as_bytes(), chunk);
            assert_eq!(end, Ok(()));
            let got: Vec<_> = cuts.iter().map(|c| std::str::from_utf8(&c.xml).unwrap()).collect();
            assert_eq!(got, TRICKS);
            for c in cuts {
                let start = usize::try_from(c.offset).unwrap();
                assert_eq!(&stream.as_bytes()[start..start + c.xml.len()], c.xml);
            }
        }
    }

    #[test]
    fn a_breach_ends_the_stream_in_bounded_memory() {
        for (bytes, kind, offset) in [
            (&b"<event/>junk"[..], "stream_text", 8),
            (b"<!DOCTYPE a><event/>", "stream_dtd", 2),
            (b"<event><!ELEMENT></event>", "stream_syntax", 9),
            (b"</event>", "stream_syntax", 1),
            (b"<event><point><?xml version='1.0'?>", "stream_syntax", 19),
            (b"<event <a/>", "stream_syntax", 7),
            (b"<![CDATA[x]]>", "stream_syntax", 2),
            (b"GET / HTTP/1.1\r\n", "stream_text", 0),
            (b"\xbf\x01\xbf", "stream_text", 0),
        ] {
            assert_eq!(cut_all(bytes, 3).1, Err(Breach { kind, offset }), "{}", String::from_utf8_lossy(bytes));
        }
        let (mut cutter, mut out) = (Cutter::default(), Vec::new());
        assert_eq!(cutter.push(b"<event a='", &mut out), Ok(()));
        let chunk = vec![b'x'; 1 << 20];
        let mut sent = 10;
        let breach = loop {
            match cutter.push(&chunk, &mut out) {
                Ok(()) => sent += chunk.len(),
                Err(e) => break e,
            }
            assert!(sent < 100 << 20, "100 MB without an end");
        };
        assert_eq!(breach, Breach { kind: "stream_too_large", offset: MAX_BYTES as u64 });
        assert_eq!(cutter.buffer.capacity(), 0);
        assert_eq!(cutter.push(b"<event/>", &mut out), Err(breach));
        assert!(out.is_empty());
    }

    #[test]
    fn space_without_end_costs_nothing() {
        let (mut cutter, mut out) = (Cutter::default(), Vec::new());
        for _ in 0..100 {
            cutter.push(&[b'\n'; 1000], &mut out).unwrap();
        }
        assert!(!cutter.is_midway());
        cutter.push(b"<event/>", &mut out).unwrap();
        assert_eq!(out[0].offset, 100_000);
    }

    proptest! {
        /// Whatever tree is written is cut exactly there, in any chunks.
        #[test]
        fn any_written_element_is_cut_whole(
            elements in proptest::collection::vec(super::super::xml::tests::any_element(), 1..4), chunk in 1..50usize,
        ) {
            let texts: Vec<String> = elements.iter().map(|e| { let mut s = String::new(); e.write(&mut s); s }).collect();
            let (cuts, end) = cut_all(texts.join(" \r\n").as_bytes(), chunk);
            prop_assert_eq!(end, Ok(()));
            let got: Vec<_> = cuts.into_iter().map(|c| String::from_utf8(c.xml).unwrap()).collect();
            prop_assert_eq!(got, texts);
        }

        #[test]
        fn chunking_changes_nothing(bytes in proptest::collection::vec(
            prop::sample::select(b"<>/!?[]-&;#x'\" =aeCDAT".to_vec()), 0..80), chunk in 1..20usize)
        {
            prop_assert_eq!(cut_all(&bytes, chunk), cut_all(&bytes, 1000));
        }
    }
}
