//! [`parse`]: JSON from outside, read strictly; [`canonical`]: one text for one value.
//!
//! RFC 8259 leaves doors open that a safety system must close: duplicate keys (each reader picks another one), numbers
//! that no `f64` holds, and unbounded nesting or size. All are refused here with a fixed word and a byte offset.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::{cell::Cell, fmt};

/// How much of one document is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes.
    pub bytes: usize,
    /// Most arrays and objects inside one another.
    pub depth: usize,
    /// Most values, object members included.
    pub elements: usize,
}

impl Limits {
    /// A request body: 1 MiB, 32 deep, 100,000 values.
    pub const BODY: Self = Self { bytes: 1 << 20, depth: 32, elements: 100_000 };
    /// A line of a feed: 64 KiB, 32 deep, 4,096 values.
    pub const LINE: Self = Self { bytes: 64 * 1024, depth: 32, elements: 4_096 };
}

impl Default for Limits {
    /// [`Limits::BODY`].
    fn default() -> Self {
        Self::BODY
    }
}

/// What was wrong: a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JsonErrorKind {
    /// More bytes than the limit.
    TooLarge,
    /// Not UTF-8.
    Utf8,
    /// Not JSON (`NaN`, `Infinity`, comments and trailing commas among it).
    Syntax,
    /// Ends too early.
    Truncated,
    /// The same key twice in one object.
    DuplicateKey,
    /// A number that no finite `f64` holds.
    Number,
    /// Nested deeper than the limit.
    TooDeep,
    /// More values than the limit.
    TooMany,
}

impl JsonErrorKind {
    /// The fixed word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "json_too_large",
            Self::Utf8 => "json_utf8",
            Self::Syntax => "json_syntax",
            Self::Truncated => "json_truncated",
            Self::DuplicateKey => "json_duplicate_key",
            Self::Number => "json_number",
            Self::TooDeep => "json_too_deep",
            Self::TooMany => "json_too_many",
        }
    }
}

/// Why a document was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (byte {offset})")]
pub struct JsonError {
    /// What was wrong.
    pub kind: JsonErrorKind,
    /// Where, in bytes from the start.
    pub offset: usize,
    /// The same in a sentence.
    pub message: String,
}

/// A document, or the first thing that is wrong with it.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Value, JsonError> {
    if bytes.len() > limits.bytes {
        let message = format!("{} bytes are more than the {} taken", bytes.len(), limits.bytes);
        return Err(JsonError { kind: JsonErrorKind::TooLarge, offset: limits.bytes, message });
    }
    let text = std::str::from_utf8(bytes).map_err(|e| JsonError {
        kind: JsonErrorKind::Utf8,
        offset: e.valid_up_to(),
        message: "not UTF-8".into(),
    })?;
    let state = State { limits, left: Cell::new(limits.elements), found: Cell::new(None) };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let result = Strict { state: &state, depth: 0 }.deserialize(&mut deserializer);
    result.and_then(|v| deserializer.end().map(|()| v)).map_err(|e| {
        // serde_json counts lines and columns (in bytes) from 1, and column 0 stands for the end of the line before.
        let line_start: usize = text.split_inclusive('\n').take(e.line().saturating_sub(1)).map(str::len).sum();
        let kind = state.found.get().unwrap_or(match e.classify() {
            serde_json::error::Category::Eof => JsonErrorKind::Truncated,
            // serde_json knows this only as a sentence; a test holds it.
            _ if e.to_string().starts_with("number out of range") => JsonErrorKind::Number,
            // Its own bound of 128 lies behind ours unless a caller asks for more.
            _ if e.to_string().starts_with("recursion limit") => JsonErrorKind::TooDeep,
            _ => JsonErrorKind::Syntax,
        });
        let offset = (line_start + e.column().saturating_sub(1)).min(bytes.len());
        JsonError { kind, offset, message: sentence(&e) }
    })
}

/// serde_json's sentence without its "at line …" tail, which would repeat the offset.
fn sentence(e: &serde_json::Error) -> String {
    let whole = e.to_string();
    let tail = format!(" at line {} column {}", e.line(), e.column());
    whole.strip_suffix(&tail).unwrap_or(&whole).to_owned()
}

struct State<'a> {
    limits: &'a Limits,
    left: Cell<usize>,
    found: Cell<Option<JsonErrorKind>>,
}

impl State<'_> {
    fn refuse<E: de::Error>(&self, kind: JsonErrorKind, message: impl fmt::Display) -> E {
        self.found.set(Some(kind));
        E::custom(message)
    }
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    state: &'a State<'a>,
    depth: usize,
}

impl Strict<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        if depth > self.state.limits.depth {
            let limit = self.state.limits.depth;
            return Err(self.state.refuse(JsonErrorKind::TooDeep, format_args!("nested deeper than {limit}")));
        }
        Ok(Strict { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: de::Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        let Some(left) = self.state.left.get().checked_sub(1) else {
            let limit = self.state.limits.elements;
            return Err(self.state.refuse(JsonErrorKind::TooMany, format_args!("more than {limit} values")));
        };
        self.state.left.set(left);
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }
    fn visit_f64<E: de::Error>(self, v: f64) -> Result<Value, E> {
        let refuse = || self.state.refuse(JsonErrorKind::Number, "number out of range");
        Number::from_f64(v).map(Value::Number).ok_or_else(refuse)
    }
    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }
    fn visit_string<E>(self, v: String) -> Result<Value, E> {
        Ok(Value::String(v))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut out = Vec::new();
        while let Some(v) = seq.next_element_seed(inner)? {
            out.push(v);
        }
        Ok(Value::Array(out))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut out = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if out.contains_key(&key) {
                let short: String = key.chars().take(64).collect();
                return Err(self
                    .state
                    .refuse(JsonErrorKind::DuplicateKey, format_args!("key {short:?} is there twice")));
            }
            let value = map.next_value_seed(inner)?;
            out.insert(key, value);
        }
        Ok(Value::Object(out))
    }
}

/// One text for one value: keys sorted by their UTF-8 bytes, no spaces, numbers as serde_json prints them. For hashing
/// what was asked; not RFC 8785 (its numbers are ECMAScript's).
pub fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(value, &mut out);
    out
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (k, v) in items.iter().enumerate() {
                if k > 0 {
                    out.push(',');
                }
                write_canonical(v, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            // Sorted here, so that no build feature of serde_json (`preserve_order`) can change a hash.
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(b.0));
            out.push('{');
            for (k, (key, v)) in sorted.into_iter().enumerate() {
                if k > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_canonical(v, out);
            }
            out.push('}');
        }
        leaf => out.push_str(&leaf.to_string()),
    }
}

/// A value that does not fit a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct FieldError {
    /// Where, as `from.lat_deg` or `items[3].id`; `.` is the whole.
    pub path: String,
    /// What is wrong there.
    pub message: String,
}

/// A typed value out of JSON, naming the field that does not fit.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(value)
        .map_err(|e| FieldError { path: e.path().to_string(), message: e.into_inner().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(text: &[u8]) -> (JsonErrorKind, usize) {
        let small = Limits { bytes: 200, depth: 4, elements: 10 };
        let e = parse(text, &small).unwrap_err();
        (e.kind, e.offset)
    }

    #[test]
    fn each_open_door_is_closed_with_its_own_word() {
        use JsonErrorKind as K;
        for (text, expect) in [
            (&b"{\"a\":1,\"a\":2}"[..], K::DuplicateKey),
            (b"{\"x\":[{\"a\":1,\"b\":2,\"\\u0061\":2}]}", K::DuplicateKey),
            (b"NaN", K::Syntax),
            (b"[Infinity]", K::Syntax),
            (b"[-Infinity]", K::Syntax),
            (b"1e400", K::Number),
            (b"[-1e400]", K::Number),
            (b"[1,]", K::Syntax),
            (b"{} {}", K::Syntax),
            (b"", K::Truncated),
            (b"{\"a\":", K::Truncated),
            (b"[[[[[1]]]]]", K::TooDeep),
            (b"{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}", K::TooDeep),
            (b"[1,2,3,4,5,6,7,8,9,10]", K::TooMany),
            (b"\"\xff\"", K::Utf8),
            (b"\"\\ud800\"", K::Syntax),
            (b"\"a\x01\"", K::Syntax),
            (b"\xef\xbb\xbf{}", K::Syntax),
            (&[b' '; 201], K::TooLarge),
        ] {
            assert_eq!(kind(text).0, expect, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn the_offset_points_into_the_line() {
        assert_eq!(kind(b"{\n \"a\": 1,\n \"b\": nope\n}"), (JsonErrorKind::Syntax, 18));
        assert_eq!(kind(b"\"ab\xff\"").1, 3);
    }

    #[test]
    fn deep_input_is_refused_without_deep_recursion() {
        let bomb = "[".repeat(1 << 20);
        let deep = Limits { depth: usize::MAX, ..Limits::BODY };
        assert_eq!(parse(bomb.as_bytes(), &deep).unwrap_err().kind, JsonErrorKind::TooDeep);
        assert_eq!(parse(bomb.as_bytes(), &Limits::BODY).unwrap_err().kind, JsonErrorKind::TooDeep);
    }

    #[test]
    fn a_field_that_does_not_fit_is_named() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Inner {
            #[allow(dead_code)] // only its type is looked at
            lat: f64,
        }
        #[derive(Debug, serde::Deserialize)]
        struct Outer {
            #[allow(dead_code)] // only its type is looked at
            items: Vec<Inner>,
        }
        let e = from_value::<Outer>(serde_json::json!({"items": [{"lat": 1}, {"lat": "x"}]})).unwrap_err();
        assert_eq!(e.path, "items[1].lat");
        let e = from_value::<Outer>(serde_json::json!({"items": [{"lat": 1, "lon": 2}]})).unwrap_err();
        assert!(e.to_string().contains("lon"), "{e}");
    }

    #[test]
    fn canonical_text_is_sorted_and_tight() {
        let v =
            parse(br#" { "b" : [1, 2.50, 1e2, null], "a": {"z": "\u00e9\n", "A": true} } "#, &Limits::BODY).unwrap();
        assert_eq!(canonical(&v), "{\"a\":{\"A\":true,\"z\":\"é\\n\"},\"b\":[1,2.5,100.0,null]}");
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e300..1e300f64).prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                proptest::collection::btree_map(".{0,6}", inner, 0..6)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_and_canonical_is_a_fixed_point(v in any_json()) {
            let back = parse(serde_json::to_string_pretty(&v).unwrap().as_bytes(), &Limits::BODY).unwrap();
            let text = canonical(&back);
            let again = parse(text.as_bytes(), &Limits::BODY).unwrap();
            prop_assert_eq!(&canonical(&again), &text);
            prop_assert_eq!(back, again);
        }

        #[test]
        fn what_strict_reading_takes_serde_json_reads_alike(bytes in proptest::collection::vec(
            prop::sample::select(b"{}[]\":, 0123456789eE+-.truefalsn\\u\n\xc3\xa9".to_vec()), 0..40)
        ) {
            match parse(&bytes, &Limits::BODY) {
                Ok(v) => prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), v),
                Err(e) => prop_assert!(e.offset <= bytes.len()),
            }
        }

        #[test]
        fn a_doubled_key_is_found_wherever_it_hides(v in any_json(), key in "[a-z]{1,4}") {
            let k = Value::from(key.as_str());
            let text = format!("[{v},{{{k}:1,\"~\":[],{k}:{v}}}]");
            prop_assert_eq!(parse(text.as_bytes(), &Limits::BODY).unwrap_err().kind, JsonErrorKind::DuplicateKey);
        }
    }
}
