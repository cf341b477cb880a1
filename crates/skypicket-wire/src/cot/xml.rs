//! [`Element`]: a small XML tree, read with limits and written back as it was.
//!
//! Read with quick-xml. Taken: elements, attributes, text, CDATA, comments (dropped), the five predefined entities and
//! character references. Refused: document type declarations and every other entity (so nothing can expand), characters
//! that XML 1.0 does not know, other encodings than UTF-8, and whatever passes a limit.

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event as Xml},
};

/// Most bytes of one event.
pub const MAX_BYTES: usize = 64 * 1024;
/// Most elements inside one another.
pub const MAX_DEPTH: usize = 32;
/// Most elements of one event.
pub const MAX_ELEMENTS: usize = 2_048;
/// Most attributes of one element.
pub const MAX_ATTRIBUTES: usize = 64;

/// Why XML was refused, or an event in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (byte {offset})")]
pub struct XmlError {
    /// Fixed word: `xml_too_large`, `xml_utf8`, `xml_syntax`, `xml_truncated`, `xml_dtd`, `xml_entity`, `xml_char`,
    /// `xml_encoding`, `xml_too_deep`, `xml_too_many`, `xml_namespace`, `cot_root`, `cot_field`, `cap_root`, `cap_invalid`.
    pub kind: &'static str,
    /// Where, in bytes from the start of the event; for a field the start of its tag.
    pub offset: u64,
    /// The same in a sentence.
    pub message: String,
}

impl XmlError {
    pub(crate) fn new(kind: &'static str, offset: u64, message: impl Into<String>) -> Self {
        Self { kind, offset, message: message.into() }
    }
}

/// One element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Its name, with its prefix where it has one.
    pub name: String,
    /// Its attributes in order.
    pub attributes: Vec<(String, String)>,
    /// What is inside.
    pub nodes: Vec<Node>,
    /// Where its tag begins, bytes; 0 for an element made here.
    pub offset: Offset,
}

/// A byte offset that does not count when elements are compared.
#[derive(Debug, Clone, Copy, Default, Eq)]
pub struct Offset(pub u64);

impl PartialEq for Offset {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Something inside an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, unescaped.
    Text(String),
}

impl Element {
    /// An empty element.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// With an attribute.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    /// With an attribute where there is a value.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(v) => self.with(name, v),
            None => self,
        }
    }

    /// With an element inside.
    #[must_use]
    pub fn with_child(mut self, child: Self) -> Self {
        self.nodes.push(Node::Element(child));
        self
    }

    /// With text inside.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.nodes.push(Node::Text(text));
        }
        self
    }

    /// An attribute's value.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The elements directly inside.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        self.nodes.iter().filter_map(|n| match n {
            Node::Element(e) => Some(e),
            Node::Text(_) => None,
        })
    }

    /// The first element of a name directly inside.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children().find(|e| e.name == name)
    }

    /// The text directly inside, joined.
    pub fn text(&self) -> String {
        let parts = self.nodes.iter().filter_map(|n| match n {
            Node::Text(t) => Some(t.as_str()),
            Node::Element(_) => None,
        });
        parts.collect()
    }

    /// The tree of a document with one root, all of `bytes`.
    pub fn read(bytes: &[u8]) -> Result<Self, XmlError> {
        if bytes.len() > MAX_BYTES {
            let message = format!("{} bytes are more than the {MAX_BYTES} taken", bytes.len());
            return Err(XmlError::new("xml_too_large", MAX_BYTES as u64, message));
        }
        let text =
            std::str::from_utf8(bytes).map_err(|e| XmlError::new("xml_utf8", e.valid_up_to() as u64, "not UTF-8"))?;
        if let Some((at, c)) = text.char_indices().find(|(_, c)| !is_xml_char(*c)) {
            return Err(XmlError::new("xml_char", at as u64, format!("U+{:04X} is no XML character", c as u32)));
        }
        read_tree(text)
    }

    /// Appends its XML.
    pub fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            escape(value, true, out);
            out.push('"');
        }
        if self.nodes.is_empty() {
            out.push_str("/>");
            return;
        }
        out.push('>');
        for node in &self.nodes {
            match node {
                Node::Element(e) => e.write(out),
                Node::Text(t) => escape(t, false, out),
            }
        }
        out.push_str("</");
        out.push_str(&self.name);
        out.push('>');
    }
}

fn read_tree(text: &str) -> Result<Element, XmlError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    let mut elements = 0usize;
    loop {
        let at = reader.buffer_position();
        let event = reader.read_event().map_err(|e| {
            let kind = match &e {
                quick_xml::Error::Syntax(_) => "xml_truncated",
                _ => "xml_syntax",
            };
            XmlError::new(kind, reader.error_position(), e.to_string())
        })?;
        match event {
            Xml::Start(tag) | Xml::Empty(tag) if root.is_some() => {
                return Err(XmlError::new("xml_syntax", at, format!("<{}> after the end", cut(tag.name().as_ref()))));
            }
            Xml::Start(tag) => {
                if open.len() >= MAX_DEPTH {
                    return Err(XmlError::new("xml_too_deep", at, format!("nested deeper than {MAX_DEPTH}")));
                }
                open.push(element(&tag, at, &mut elements)?);
            }
            Xml::Empty(tag) => {
                let done = element(&tag, at, &mut elements)?;
                close(done, &mut open, &mut root);
            }
            Xml::End(_) => {
                if let Some(mut done) = open.pop() {
                    // Space between elements is layout; alone in an element it is text.
                    if done.nodes.iter().any(|n| matches!(n, Node::Element(_))) {
                        done.nodes.retain(|n| !matches!(n, Node::Text(t) if t.trim_ascii().is_empty()));
                    }
                    close(done, &mut open, &mut root);
                }
            }
            Xml::Text(t) => push_text(&t.xml10_content(), at, &mut open)?,
            Xml::CData(t) => push_text(&t.xml10_content(), at, &mut open)?,
            Xml::GeneralRef(r) => {
                let known = quick_xml::escape::resolve_predefined_entity(&r);
                let resolved = match known {
                    Some(text) => text.to_owned(),
                    None => match r.resolve_char_ref() {
                        Ok(Some(c)) if is_xml_char(c) => c.to_string(),
                        Ok(Some(_)) | Err(_) => {
                            return Err(XmlError::new("xml_char", at, "a reference to no XML character"));
                        }
                        Ok(None) => {
                            return Err(XmlError::new("xml_entity", at, format!("entity '{}' is not taken", cut(&r))));
                        }
                    },
                };
                push_text(&resolved, at, &mut open)?;
            }
            Xml::DocType(_) => return Err(XmlError::new("xml_dtd", at, "a document type declaration is not taken")),
            Xml::Decl(d) => {
                if at != 0 {
                    return Err(XmlError::new("xml_syntax", at, "an XML declaration inside the document"));
                }
                if let Some(Ok(name)) = d.encoding()
                    && !["utf-8", "utf8", "us-ascii"].contains(&name.to_ascii_lowercase().as_str())
                {
                    return Err(XmlError::new("xml_encoding", at, format!("encoding '{}' is not taken", cut(&name))));
                }
            }
            Xml::Comment(_) | Xml::PI(_) => {}
            Xml::Eof => break,
        }
    }
    let end = text.len() as u64;
    if let Some(unclosed) = open.last() {
        return Err(XmlError::new("xml_truncated", end, format!("<{}> is not closed", cut(&unclosed.name))));
    }
    root.ok_or_else(|| XmlError::new("xml_truncated", end, "no element"))
}

fn close(done: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.nodes.push(Node::Element(done)),
        None => *root = Some(done),
    }
}

fn push_text(text: &str, at: u64, open: &mut [Element]) -> Result<(), XmlError> {
    let Some(parent) = open.last_mut() else {
        let blank = text.trim_ascii().is_empty();
        return if blank { Ok(()) } else { Err(XmlError::new("xml_syntax", at, "text outside the element")) };
    };
    match parent.nodes.last_mut() {
        // Text comes in pieces, cut at references, comments and CDATA.
        Some(Node::Text(t)) => t.push_str(text),
        _ if text.is_empty() => {}
        _ => parent.nodes.push(Node::Text(text.to_owned())),
    }
    Ok(())
}

fn element(tag: &BytesStart<'_>, at: u64, elements: &mut usize) -> Result<Element, XmlError> {
    *elements += 1;
    if *elements > MAX_ELEMENTS {
        return Err(XmlError::new("xml_too_many", at, format!("more than {MAX_ELEMENTS} elements")));
    }
    let name = tag.name();
    let name = checked_name(name.as_ref(), at)?;
    let mut attributes = Vec::new();
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|e| XmlError::new("xml_syntax", at, e.to_string()))?;
        if attributes.len() >= MAX_ATTRIBUTES {
            return Err(XmlError::new("xml_too_many", at, format!("more than {MAX_ATTRIBUTES} attributes")));
        }
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|e| {
            let kind = if matches!(e, quick_xml::Error::Escape(_)) { "xml_entity" } else { "xml_syntax" };
            XmlError::new(kind, at, e.to_string())
        })?;
        if let Some(c) = value.chars().find(|c| !is_xml_char(*c)) {
            return Err(XmlError::new("xml_char", at, format!("a reference to U+{:04X}, no XML character", c as u32)));
        }
        attributes.push((checked_name(attribute.key.as_ref(), at)?, value.into_owned()));
    }
    Ok(Element { name, attributes, nodes: Vec::new(), offset: Offset(at) })
}

/// Names are copied into what we write, so they must be names.
pub(crate) fn checked_name(name: &str, at: u64) -> Result<String, XmlError> {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':' || !c.is_ascii();
    let rest = |c: char| start(c) || c.is_ascii_digit() || c == '-' || c == '.';
    if name.chars().next().is_some_and(start) && name.chars().all(rest) {
        Ok(name.to_owned())
    } else {
        Err(XmlError::new("xml_syntax", at, format!("'{}' is no name", cut(name))))
    }
}

pub(crate) fn cut(s: &str) -> String {
    s.chars().take(64).collect()
}

/// XML 1.0, production 2 (Char).
pub(crate) fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// Appends text so that it reads back the same; characters unknown to XML become U+FFFD.
pub(super) fn escape(text: &str, in_attribute: bool, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if in_attribute => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            '\n' if in_attribute => out.push_str("&#10;"),
            '\t' if in_attribute => out.push_str("&#9;"),
            c if is_xml_char(c) => out.push(c),
            _ => out.push('\u{FFFD}'),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kind(xml: &str) -> &'static str {
        Element::read(xml.as_bytes()).unwrap_err().kind
    }

    #[test]
    fn hostile_documents_are_refused_each_by_its_word() {
        let laughs = "<!DOCTYPE e [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><e>&b;</e>";
        let outside = "<!DOCTYPE e [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><e>&a;</e>";
        let deep = format!("{}{}", "<e>".repeat(40), "</e>".repeat(40));
        let many = format!("<e>{}</e>", "<a/>".repeat(3_000));
        let wide = format!("<e {}/>", (0..100).map(|k| format!("a{k}=\"\"")).collect::<Vec<_>>().join(" "));
        for (xml, expect) in [
            (laughs, "xml_dtd"),
            (outside, "xml_dtd"),
            ("<e>&a;</e>", "xml_entity"),
            ("<e a=\"&a;\"/>", "xml_entity"),
            ("<e>&#0;</e>", "xml_char"),
            ("<e>&#x1F;</e>", "xml_char"),
            ("<e a='&#1;'/>", "xml_char"),
            ("<e>\u{1}</e>", "xml_char"),
            (&deep, "xml_too_deep"),
            (&many, "xml_too_many"),
            (&wide, "xml_too_many"),
            ("<e a='1' a='2'/>", "xml_syntax"),
            ("<e><a></e>", "xml_syntax"),
            ("<e>", "xml_truncated"),
            ("<e a='", "xml_truncated"),
            ("", "xml_truncated"),
            ("<e/><e/>", "xml_syntax"),
            ("<e/>x", "xml_syntax"),
            ("<1/>", "xml_syntax"),
            ("<e <a/>/>", "xml_syntax"),
            ("<?xml version='1.0' encoding='UTF-16'?><e/>", "xml_encoding"),
            (" <?xml version='1.0'?><e/>", "xml_syntax"),
        ] {
            assert_eq!(kind(xml), expect, "{}", cut(xml));
        }
        assert_eq!(Element::read(&vec![b' '; MAX_BYTES + 1]).unwrap_err().kind, "xml_too_large");
        assert_eq!(Element::read(b"<e>\xff</e>").unwrap_err(), XmlError::new("xml_utf8", 3, "not UTF-8"));
    }

    #[test]
    fn text_is_joined_over_references_cdata_and_comments() {
        let e = Element::read(b"<e>a &amp; <![CDATA[<b>]]><!-- x -->&#233;\r\n</e>").unwrap();
        assert_eq!(e.text(), "a & <b>é\n");
    }

    #[test]
    fn the_error_points_at_the_tag() {
        let e = Element::read(b"<e>\n  <a b='&no;'/></e>").unwrap_err();
        assert_eq!((e.kind, e.offset), ("xml_entity", 6));
    }

    pub(crate) fn any_element() -> impl Strategy<Value = Element> {
        let name = "[a-zA-Z_][a-zA-Z0-9_.-]{0,8}";
        let text = "[ -~\t\n\ré\u{1F6F8}]{0,12}";
        let attributes = proptest::collection::btree_map(name, text, 0..4);
        let leaf = (name, attributes.clone(), proptest::option::of(text)).prop_map(|(name, attributes, text)| {
            let e = Element { name, attributes: attributes.into_iter().collect(), ..Element::default() };
            e.with_text(text.unwrap_or_default())
        });
        leaf.prop_recursive(4, 16, 4, move |inner| {
            (name, attributes.clone(), proptest::collection::vec(inner, 1..4), "[a-z]{0,3}").prop_map(
                |(name, attributes, children, text)| {
                    let mut e = Element { name, attributes: attributes.into_iter().collect(), ..Element::default() };
                    e.nodes = children.into_iter().map(Node::Element).collect();
                    e.with_text(text)
                },
            )
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(e in any_element()) {
            let mut xml = String::new();
            e.write(&mut xml);
            prop_assert_eq!(Element::read(xml.as_bytes()).unwrap(), e, "{}", xml);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(
            prop::sample::select(b"<>/!?[]-&;#x1'\" =aeDOCTYPE\xc3\xa9".to_vec()), 0..60)
        ) {
            let _ = Element::read(&bytes);
        }
    }
}
