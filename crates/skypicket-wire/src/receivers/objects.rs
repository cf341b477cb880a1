//! [`Objects`]: bytes to the JSON values that stand in them, one after the other.
//!
//! Receivers end a message with a newline, a NUL, the next `{`, or nothing. This only finds where a value ends (strings,
//! brackets, depth); reading it is [`crate::json::parse`]'s. What is broken costs itself: reading goes on after the next
//! line end, or at a `{` that cannot belong to what was begun.

/// Most bytes of one value, unless said otherwise.
pub const MAX_VALUE: usize = 1 << 20;
/// Most brackets inside one another.
const MAX_DEPTH: u32 = 32;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// An object or array, whole.
    Value {
        /// Its bytes.
        bytes: &'a [u8],
        /// Of its first byte, from the start of the stream.
        offset: u64,
    },
    /// Bytes that are no value.
    Bad {
        /// The fixed word for why.
        reason: &'static str,
        /// Of the first bad byte.
        offset: u64,
    },
}

/// Finds values in a stream that comes in pieces.
#[derive(Debug)]
pub struct Objects {
    /// Most bytes of one value.
    most: usize,
    /// What there is of an unfinished value.
    held: Vec<u8>,
    /// Bytes of the stream so far.
    read: u64,
    /// Of the first byte held.
    began: u64,
    /// Open brackets, innermost in bit 0: set for `[`.
    open: u32,
    depth: u32,
    in_string: bool,
    escaped: bool,
    /// The last byte outside strings that is no space.
    last: u8,
    /// Passing over the rest of a line.
    skipping: bool,
}

impl Default for Objects {
    fn default() -> Self {
        Self::with_limit(MAX_VALUE)
    }
}

impl Objects {
    /// With values of at most so many bytes.
    pub fn with_limit(most: usize) -> Self {
        Self {
            most,
            held: Vec::new(),
            read: 0,
            began: 0,
            open: 0,
            depth: 0,
            in_string: false,
            escaped: false,
            last: 0,
            skipping: false,
        }
    }

    /// Takes the next bytes and gives what is whole by now to `out`.
    pub fn push(&mut self, bytes: &[u8], out: &mut dyn FnMut(Found<'_>)) {
        for &b in bytes {
            self.take(b, out);
            self.read += 1;
        }
    }

    /// Nothing is begun: the next value may start with the next byte.
    pub fn is_idle(&self) -> bool {
        self.depth == 0 && !self.skipping
    }

    /// The end: what is unfinished is bad.
    pub fn finish(&mut self, out: &mut dyn FnMut(Found<'_>)) {
        if self.depth > 0 {
            out(Found::Bad { reason: "json_truncated", offset: self.read });
        }
        *self = Self::with_limit(self.most);
    }

    fn take(&mut self, b: u8, out: &mut dyn FnMut(Found<'_>)) {
        if self.skipping {
            self.skipping = !matches!(b, b'\n' | 0);
            return;
        }
        if self.depth == 0 {
            match b {
                b'{' | b'[' => self.begin(b),
                // A comma between values is the dust of an array that was cut up.
                b' ' | b'\t' | b'\r' | b'\n' | b',' | 0 => {}
                _ => {
                    out(Found::Bad { reason: "json_syntax", offset: self.read });
                    self.skipping = true;
                }
            }
            return;
        }
        if self.in_string {
            self.held.push(b);
            match b {
                // JSON has no line ends in strings: this one was never closed.
                b'\n' | 0 => self.drop_held("json_syntax", false, out),
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => {
                    self.in_string = false;
                    self.last = b'"';
                }
                _ => {}
            }
        } else {
            match b {
                b'{' | b'[' if !matches!(self.last, b':' | b',' | b'[') => {
                    self.drop_held("json_truncated", false, out);
                    self.begin(b);
                    return;
                }
                b'{' | b'[' if self.depth >= MAX_DEPTH => {
                    self.drop_held("json_too_deep", true, out);
                    return;
                }
                b'{' | b'[' => self.deeper(b),
                b'}' | b']' => {
                    if (self.open & 1 == 1) != (b == b']') {
                        self.drop_held("json_syntax", true, out);
                        return;
                    }
                    self.open >>= 1;
                    self.depth -= 1;
                    if self.depth == 0 {
                        self.held.push(b);
                        out(Found::Value { bytes: &self.held, offset: self.began });
                        self.held.clear();
                        return;
                    }
                }
                b'"' => self.in_string = true,
                0 => {
                    self.drop_held("json_truncated", false, out);
                    return;
                }
                _ => {}
            }
            self.held.push(b);
            if !b.is_ascii_whitespace() {
                self.last = b;
            }
        }
        if self.held.len() > self.most {
            self.drop_held("json_too_large", true, out);
        }
    }

    fn begin(&mut self, b: u8) {
        (self.open, self.depth, self.in_string, self.escaped) = (0, 0, false, false);
        self.held.clear();
        self.held.push(b);
        self.began = self.read;
        self.deeper(b);
        self.last = b;
    }

    fn deeper(&mut self, b: u8) {
        self.open = self.open << 1 | u32::from(b == b'[');
        self.depth += 1;
    }

    fn drop_held(&mut self, reason: &'static str, skip: bool, out: &mut dyn FnMut(Found<'_>)) {
        out(Found::Bad { reason, offset: self.read });
        (self.depth, self.in_string, self.escaped, self.skipping) = (0, false, false, skip);
        self.held = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(bytes: &[u8]) -> Vec<String> {
        let (mut o, mut all) = (Objects::default(), Vec::new());
        let mut keep = |f: Found<'_>| {
            all.push(match f {
                Found::Value { bytes, offset } => format!("{offset}:{}", String::from_utf8_lossy(bytes)),
                Found::Bad { reason, offset } => format!("{offset}!{reason}"),
            });
        };
        o.push(bytes, &mut keep);
        o.finish(&mut keep);
        all
    }

    #[test]
    fn values_end_where_they_end_whatever_stands_between() {
        assert_eq!(
            found(b"{\"a\":1}{\"b\":\"}{\\\"\"}\0\n [1,{}]\n"),
            ["0:{\"a\":1}", "7:{\"b\":\"}{\\\"\"}", "22:[1,{}]"]
        );
        assert_eq!(found(b" \n\0"), Vec::<String>::new());
    }

    #[test]
    fn what_is_broken_costs_itself() {
        assert_eq!(found(b"{\"a\":\"x\n{\"b\":1}"), ["7!json_syntax", "8:{\"b\":1}"]);
        assert_eq!(found(b"{\"a\":1\n{\"b\":1}"), ["7!json_truncated", "7:{\"b\":1}"]);
        assert_eq!(found(b"{\"a\":[1}\n{\"b\":1}"), ["7!json_syntax", "9:{\"b\":1}"]);
        assert_eq!(found(b"nonsense\n{\"b\":1}"), ["0!json_syntax", "9:{\"b\":1}"]);
        assert_eq!(found(b"{\"a\":1"), ["6!json_truncated"]);
        assert_eq!(found(b"{\"a\":\0{}"), ["5!json_truncated", "6:{}"]);
        let deep = [&b"["[..]; 40].concat();
        assert_eq!(found(&[&deep[..], b"\n{}"].concat()), ["32!json_too_deep", "41:{}"]);
    }

    #[test]
    fn a_value_without_end_is_not_kept() {
        let mut o = Objects::default();
        let (mut bad, chunk) = (Vec::new(), vec![b'x'; 1 << 16]);
        o.push(b"{\"a\":\"", &mut |_| panic!());
        for _ in 0..64 {
            o.push(&chunk, &mut |f| bad.push(format!("{f:?}")));
            assert!(o.held.capacity() <= 2 * MAX_VALUE + 16);
        }
        assert_eq!(bad.len(), 1, "{bad:?}");
        let mut after = 0;
        o.push(b"\n{}", &mut |f| after += usize::from(matches!(f, Found::Value { .. })));
        assert_eq!(after, 1);
    }

    proptest! {
        #[test]
        fn split_anywhere_is_the_same(
            bytes in proptest::collection::vec(prop::sample::select(b"{}[]\":,\\1a \n\0".to_vec()), 0..60),
            cuts in proptest::collection::vec(0..60usize, 0..5),
        ) {
            let whole = found(&bytes);
            let (mut o, mut all) = (Objects::default(), Vec::new());
            let mut keep = |f: Found<'_>| all.push(match f {
                Found::Value { bytes, offset } => format!("{offset}:{}", String::from_utf8_lossy(bytes)),
                Found::Bad { reason, offset } => format!("{offset}!{reason}"),
            });
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut from = 0;
            for c in cuts.into_iter().chain([bytes.len()]) {
                o.push(&bytes[from..c], &mut keep);
                from = c;
            }
            o.finish(&mut keep);
            prop_assert_eq!(all, whole);
        }

        #[test]
        fn every_value_of_a_good_stream_comes_out(values in proptest::collection::vec("[a-z{}\\[\\]]{0,8}", 0..6), between in "[ \n\0,]{0,3}") {
            let texts: Vec<String> = values.iter().map(|v| serde_json::json!({"k": [v, {"n": v}]}).to_string()).collect();
            let joined = texts.join(&between);
            let got: Vec<String> = found(joined.as_bytes()).into_iter().map(|s| s.split_once(':').unwrap().1.to_owned()).collect();
            prop_assert_eq!(got, texts);
        }
    }
}
