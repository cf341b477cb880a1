//! [`Document`]: an XML document with its namespaces, kept so exactly that a signature over it can be checked.
//!
//! Read with quick-xml. Layout, comments and processing instructions are kept, for canonical XML needs them. Refused, as
//! in CoT: document type declarations and every entity but the five predefined, characters that XML 1.0 does not know, and
//! whatever passes a limit. Encodings: UTF-8, US-ASCII, ISO-8859-1. Names are compared by namespace, never by prefix.

use crate::cot::xml::{XmlError, checked_name, cut, is_xml_char};
use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event as Xml},
    name::PrefixDeclaration,
};
use std::sync::Arc;

/// Most bytes of one document: room for audio inside, and no more.
pub const MAX_BYTES: usize = 4 << 20;
/// Most elements inside one another.
pub const MAX_DEPTH: usize = 32;
/// Most elements of one document.
pub const MAX_ELEMENTS: usize = 20_000;
/// Most attributes of one element, namespace declarations among them.
pub const MAX_ATTRIBUTES: usize = 64;
/// Most namespaces in scope in one place: looking one up walks them.
const MAX_SCOPE: usize = 64;
/// Most processing instructions and comments around the root element.
const MAX_AROUND: usize = 64;

/// The namespace of the prefix `xml`.
pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";
const XMLNS_NAMESPACE: &str = "http://www.w3.org/2000/xmlns/";

/// A document.
#[derive(Debug, Clone)]
pub struct Document {
    /// Comments and processing instructions before the root.
    pub before: Vec<Node>,
    /// The root element.
    pub root: Element,
    /// Comments and processing instructions after it.
    pub after: Vec<Node>,
}

/// One element.
#[derive(Debug, Clone)]
pub struct Element {
    /// Its prefix as written; empty without one.
    pub prefix: String,
    /// Its name without the prefix.
    pub local: String,
    /// Its namespace; empty when it is in none.
    pub namespace: Arc<str>,
    /// The namespaces declared on it: prefix (empty: the default) and URI (empty: none again).
    pub declared: Vec<(String, Arc<str>)>,
    /// Its other attributes, in order.
    pub attributes: Vec<Attribute>,
    /// What is inside.
    pub nodes: Vec<Node>,
    /// Where its tag begins, bytes from the start of the document as it came.
    pub offset: u64,
}

/// An attribute that declares no namespace.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Its prefix as written; empty without one.
    pub prefix: String,
    /// Its name without the prefix.
    pub local: String,
    /// Its namespace; empty without a prefix.
    pub namespace: Arc<str>,
    /// Its value, normalised as XML 1.0 section 3.3.3 says for CDATA.
    pub value: String,
}

/// Something in a document.
#[derive(Debug, Clone)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text, unescaped, line ends normalised.
    Text(String),
    /// A comment.
    Comment(String),
    /// A processing instruction: its target and what follows it.
    Instruction(String, String),
}

impl Element {
    /// Whether it is that element of that namespace.
    pub fn is(&self, namespace: &str, local: &str) -> bool {
        *self.namespace == *namespace && self.local == local
    }

    /// The elements directly inside.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        self.nodes.iter().filter_map(|n| match n {
            Node::Element(e) => Some(e),
            _ => None,
        })
    }

    /// The first element of a name, in the same namespace, directly inside.
    pub fn child(&self, local: &str) -> Option<&Self> {
        self.children().find(|e| e.is(&self.namespace, local))
    }

    /// An attribute without a prefix.
    pub fn attribute(&self, local: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.prefix.is_empty() && a.local == local).map(|a| a.value.as_str())
    }

    /// The text directly inside, joined over comments and processing instructions.
    pub fn text(&self) -> String {
        let parts = self.nodes.iter().filter_map(|n| match n {
            Node::Text(t) => Some(t.as_str()),
            _ => None,
        });
        parts.collect()
    }
}

impl Document {
    /// A document out of all of `bytes`.
    pub fn read(bytes: &[u8]) -> Result<Self, XmlError> {
        if bytes.len() > MAX_BYTES {
            let message = format!("{} bytes are more than the {MAX_BYTES} taken", bytes.len());
            return Err(XmlError::new("xml_too_large", MAX_BYTES as u64, message));
        }
        let bytes_at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let bytes = bytes.get(bytes_at..).unwrap_or_default();
        let encoding = declared_encoding(bytes).map_err(|name| {
            let message = format!("encoding '{}' is not taken: UTF-8 or ISO-8859-1", cut(&name));
            XmlError::new("xml_encoding", bytes_at as u64, message)
        })?;
        let wide;
        let text = match encoding {
            Encoding::Utf8 => std::str::from_utf8(bytes)
                .map_err(|e| XmlError::new("xml_utf8", (bytes_at + e.valid_up_to()) as u64, "not UTF-8"))?,
            Encoding::Latin1 => {
                wide = bytes.iter().map(|&b| char::from(b)).collect::<String>();
                &wide
            }
        };
        let mut place = Place { text, encoding, at: 0, given: bytes_at as u64 };
        if let Some((at, c)) = text.char_indices().find(|(_, c)| !is_xml_char(*c)) {
            let message = format!("U+{:04X} is no XML character", c as u32);
            return Err(XmlError::new("xml_char", place.of(at as u64), message));
        }
        read_tree(text, &mut place)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Encoding {
    Utf8,
    Latin1,
}

/// What the declaration names, or UTF-8. Only the declaration is looked at, which is ASCII in every encoding taken.
fn declared_encoding(bytes: &[u8]) -> Result<Encoding, String> {
    if matches!(bytes.get(..2), Some([0xfe, 0xff] | [0xff, 0xfe] | [0, _] | [_, 0])) {
        return Err("UTF-16 or UTF-32".to_owned());
    }
    let head = bytes.get(..256).unwrap_or(bytes);
    let end = head.iter().position(|&b| b == b'>').map_or(head.len(), |k| k + 1);
    let head = String::from_utf8_lossy(head.get(..end).unwrap_or_default());
    let name = match Reader::from_str(&head).read_event() {
        Ok(Xml::Decl(d)) => match d.encoding() {
            Some(Ok(name)) => name.into_owned(),
            _ => return Ok(Encoding::Utf8),
        },
        _ => return Ok(Encoding::Utf8),
    };
    match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" => Ok(Encoding::Utf8),
        "iso-8859-1" | "iso8859-1" | "latin1" | "latin-1" => Ok(Encoding::Latin1),
        _ => Err(name),
    }
}

/// Where a byte of the text was in the bytes that came. Asked in rising order, so that the whole costs one pass.
struct Place<'a> {
    text: &'a str,
    encoding: Encoding,
    at: u64,
    given: u64,
}

impl Place<'_> {
    fn of(&mut self, at: u64) -> u64 {
        if at > self.at {
            let range = usize::try_from(self.at).unwrap_or(0)..usize::try_from(at).unwrap_or(usize::MAX);
            let passed = self.text.as_bytes().get(range).unwrap_or_default();
            self.given += match self.encoding {
                Encoding::Utf8 => passed.len() as u64,
                // One byte each: those that continue a character are not counted.
                Encoding::Latin1 => passed.iter().filter(|&&b| b & 0xc0 != 0x80).count() as u64,
            };
            self.at = at;
        }
        self.given
    }
}

/// The document as far as it was read.
struct Growing {
    before: Vec<Node>,
    open: Vec<Element>,
    root: Option<Element>,
    after: Vec<Node>,
    elements: usize,
    /// Every namespace in scope, the nearest last.
    scope: Vec<(String, Arc<str>)>,
    /// How long `scope` was before each open element.
    marks: Vec<usize>,
}

fn read_tree(text: &str, place: &mut Place<'_>) -> Result<Document, XmlError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut doc = Growing {
        before: Vec::new(),
        open: Vec::new(),
        root: None,
        after: Vec::new(),
        elements: 0,
        scope: vec![("xml".to_owned(), XML_NAMESPACE.into())],
        marks: Vec::new(),
    };
    loop {
        let from = reader.buffer_position();
        let event = reader.read_event().map_err(|e| {
            let kind = if matches!(e, quick_xml::Error::Syntax(_)) { "xml_truncated" } else { "xml_syntax" };
            XmlError::new(kind, place.of(reader.error_position()), e.to_string())
        })?;
        let at = place.of(from);
        match event {
            Xml::Start(tag) => {
                if doc.open.len() >= MAX_DEPTH {
                    return Err(XmlError::new("xml_too_deep", at, format!("nested deeper than {MAX_DEPTH}")));
                }
                let element = doc.element(&tag, at)?;
                doc.open.push(element);
            }
            Xml::Empty(tag) => {
                let element = doc.element(&tag, at)?;
                doc.open.push(element);
                doc.close();
            }
            Xml::End(_) => doc.close(),
            Xml::Text(t) => {
                let content = t.xml10_content();
                if content.contains("]]>") {
                    return Err(XmlError::new("xml_syntax", at, "']]>' in text"));
                }
                doc.text(&content, at)?;
            }
            Xml::CData(_) if doc.open.is_empty() => {
                return Err(XmlError::new("xml_syntax", at, "text outside the element"));
            }
            Xml::CData(t) => doc.text(&t.xml10_content(), at)?,
            Xml::GeneralRef(r) => {
                if doc.open.is_empty() {
                    return Err(XmlError::new("xml_syntax", at, "text outside the element"));
                }
                let resolved = match quick_xml::escape::resolve_predefined_entity(&r) {
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
                doc.text(&resolved, at)?;
            }
            Xml::DocType(_) => return Err(XmlError::new("xml_dtd", at, "a document type declaration is not taken")),
            Xml::Decl(_) if from != 0 => {
                return Err(XmlError::new("xml_syntax", at, "an XML declaration inside the document"));
            }
            Xml::Decl(_) => {}
            Xml::Comment(c) => {
                if c.contains("--") || c.ends_with('-') {
                    return Err(XmlError::new("xml_syntax", at, "'--' in a comment"));
                }
                doc.push(Node::Comment(line_ends(&c)), at)?;
            }
            Xml::PI(p) => {
                let target = checked_name(p.target(), at)?;
                if target.eq_ignore_ascii_case("xml") {
                    return Err(XmlError::new("xml_syntax", at, "an XML declaration inside the document"));
                }
                let data = p.content().trim_start_matches([' ', '\t', '\r', '\n']);
                doc.push(Node::Instruction(target, line_ends(data)), at)?;
            }
            Xml::Eof => break,
        }
    }
    let end = place.of(text.len() as u64);
    if let Some(unclosed) = doc.open.last() {
        return Err(XmlError::new("xml_truncated", end, format!("<{}> is not closed", cut(&unclosed.local))));
    }
    let root = doc.root.ok_or_else(|| XmlError::new("xml_truncated", end, "no element"))?;
    Ok(Document { before: doc.before, root, after: doc.after })
}

fn line_ends(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

impl Growing {
    fn close(&mut self) {
        let Some(done) = self.open.pop() else { return };
        self.scope.truncate(self.marks.pop().unwrap_or_default());
        match self.open.last_mut() {
            Some(parent) => parent.nodes.push(Node::Element(done)),
            None => self.root = Some(done),
        }
    }

    /// A comment or processing instruction where we are.
    fn push(&mut self, node: Node, at: u64) -> Result<(), XmlError> {
        if let Some(parent) = self.open.last_mut() {
            // They are no elements but cost as much.
            self.elements += 1;
            if self.elements > MAX_ELEMENTS {
                return Err(XmlError::new("xml_too_many", at, format!("more than {MAX_ELEMENTS} nodes")));
            }
            parent.nodes.push(node);
            return Ok(());
        }
        let around = if self.root.is_some() { &mut self.after } else { &mut self.before };
        if around.len() >= MAX_AROUND {
            return Err(XmlError::new("xml_too_many", at, format!("more than {MAX_AROUND} nodes around the root")));
        }
        around.push(node);
        Ok(())
    }

    fn text(&mut self, text: &str, at: u64) -> Result<(), XmlError> {
        let Some(parent) = self.open.last_mut() else {
            let blank = text.trim_ascii().is_empty();
            return if blank { Ok(()) } else { Err(XmlError::new("xml_syntax", at, "text outside the element")) };
        };
        match parent.nodes.last_mut() {
            // Text comes in pieces, cut at references and CDATA.
            Some(Node::Text(t)) => t.push_str(text),
            _ if text.is_empty() => {}
            _ => parent.nodes.push(Node::Text(text.to_owned())),
        }
        Ok(())
    }

    /// The element of a tag, its namespaces now in scope until it is closed.
    fn element(&mut self, tag: &BytesStart<'_>, at: u64) -> Result<Element, XmlError> {
        if self.root.is_some() {
            return Err(XmlError::new("xml_syntax", at, format!("<{}> after the end", cut(tag.name().as_ref()))));
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(XmlError::new("xml_too_many", at, format!("more than {MAX_ELEMENTS} nodes")));
        }
        self.marks.push(self.scope.len());
        let mut declared = Vec::new();
        let mut plain = Vec::new();
        for (k, attribute) in tag.attributes().enumerate() {
            let attribute = attribute.map_err(|e| XmlError::new("xml_syntax", at, e.to_string()))?;
            if k >= MAX_ATTRIBUTES {
                return Err(XmlError::new("xml_too_many", at, format!("more than {MAX_ATTRIBUTES} attributes")));
            }
            if attribute.value.contains('<') {
                return Err(XmlError::new("xml_syntax", at, "'<' in an attribute"));
            }
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|e| {
                let kind = if matches!(e, quick_xml::Error::Escape(_)) { "xml_entity" } else { "xml_syntax" };
                XmlError::new(kind, at, e.to_string())
            })?;
            if let Some(c) = value.chars().find(|c| !is_xml_char(*c)) {
                let message = format!("a reference to U+{:04X}, no XML character", c as u32);
                return Err(XmlError::new("xml_char", at, message));
            }
            match attribute.key.as_namespace_binding() {
                Some(PrefixDeclaration::Default) => declared.push((String::new(), declarable("", &value, at)?)),
                Some(PrefixDeclaration::Named(p)) => {
                    let (outer, prefix) = split_name(p, at)?;
                    if !outer.is_empty() {
                        return Err(XmlError::new("xml_namespace", at, "a prefix with a colon"));
                    }
                    let uri = declarable(&prefix, &value, at)?;
                    declared.push((prefix, uri));
                }
                None => plain.push((split_name(attribute.key.as_ref(), at)?, value.into_owned())),
            }
        }
        self.scope.extend(declared.iter().cloned());
        if self.scope.len() > MAX_SCOPE {
            return Err(XmlError::new("xml_too_many", at, format!("more than {MAX_SCOPE} namespaces in scope")));
        }
        let (prefix, local) = split_name(tag.name().as_ref(), at)?;
        let namespace = self.namespace(&prefix, at)?;
        let mut attributes: Vec<Attribute> = Vec::with_capacity(plain.len());
        for ((prefix, local), value) in plain {
            let namespace = if prefix.is_empty() { Arc::from("") } else { self.namespace(&prefix, at)? };
            if attributes.iter().any(|a| a.local == local && a.namespace == namespace) {
                return Err(XmlError::new("xml_namespace", at, format!("attribute '{}' is there twice", cut(&local))));
            }
            attributes.push(Attribute { prefix, local, namespace, value });
        }
        Ok(Element { prefix, local, namespace, declared, attributes, nodes: Vec::new(), offset: at })
    }

    fn namespace(&self, prefix: &str, at: u64) -> Result<Arc<str>, XmlError> {
        match self.scope.iter().rev().find(|(p, _)| p == prefix) {
            Some((_, uri)) => Ok(uri.clone()),
            None if prefix.is_empty() => Ok(Arc::from("")),
            None => Err(XmlError::new("xml_namespace", at, format!("prefix '{}' is not declared", cut(prefix)))),
        }
    }
}

/// A namespace that may be bound to a prefix (Namespaces in XML 1.0, section 3).
fn declarable(prefix: &str, uri: &str, at: u64) -> Result<Arc<str>, XmlError> {
    let refuse = |why: &str| Err(XmlError::new("xml_namespace", at, format!("xmlns:{}: {why}", cut(prefix))));
    match (prefix, uri) {
        ("xmlns", _) => refuse("this prefix cannot be declared"),
        ("xml", XML_NAMESPACE) => Ok(uri.into()),
        ("xml", _) => refuse("the prefix has its own namespace"),
        (_, XML_NAMESPACE | XMLNS_NAMESPACE) => refuse("a reserved namespace"),
        (p, "") if !p.is_empty() => refuse("empty"),
        _ => Ok(uri.into()),
    }
}

/// A name's prefix and local part, both checked.
fn split_name(name: &str, at: u64) -> Result<(String, String), XmlError> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let local = checked_name(local, at)?;
    let prefix = if name.contains(':') { checked_name(prefix, at)? } else { String::new() };
    if local.contains(':') {
        return Err(XmlError::new("xml_namespace", at, format!("'{}' has two colons", cut(name))));
    }
    Ok((prefix, local))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(xml: &[u8]) -> (&'static str, u64) {
        let e = Document::read(xml).unwrap_err();
        (e.kind, e.offset)
    }

    #[test]
    fn hostile_documents_are_refused_each_by_its_word() {
        let laughs = "<!DOCTYPE e [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><e>&b;</e>";
        let outside = "<!DOCTYPE e SYSTEM \"file:///etc/passwd\"><e/>";
        let deep = format!("{}{}", "<e>".repeat(40), "</e>".repeat(40));
        let many = format!("<e>{}</e>", "<a/>".repeat(MAX_ELEMENTS));
        let remarks = format!("<e>{}</e>", "<!--x-->".repeat(MAX_ELEMENTS));
        let around = format!("{}<e/>", "<?a?>".repeat(100));
        let wide = format!("<e {}/>", (0..100).map(|k| format!("a{k}=\"\"")).collect::<Vec<_>>().join(" "));
        let declared = |n: usize| (0..n).map(|k| format!(" xmlns:a{k}='u'")).collect::<Vec<_>>().concat();
        let scopes = format!("<e{}><e{}/></e>", declared(40), declared(40));
        for (xml, expect) in [
            (laughs, "xml_dtd"),
            (outside, "xml_dtd"),
            ("<e>&a;</e>", "xml_entity"),
            ("<e a=\"&a;\"/>", "xml_entity"),
            ("<e>&#0;</e>", "xml_char"),
            ("<e a='&#1;'/>", "xml_char"),
            ("<e>\u{1}</e>", "xml_char"),
            (&deep, "xml_too_deep"),
            (&many, "xml_too_many"),
            (&remarks, "xml_too_many"),
            (&around, "xml_too_many"),
            (&wide, "xml_too_many"),
            (&scopes, "xml_too_many"),
            ("<e a='1' a='2'/>", "xml_syntax"),
            ("<e a='<'/>", "xml_syntax"),
            ("<e>]]></e>", "xml_syntax"),
            ("<e><!-- a -- b --></e>", "xml_syntax"),
            ("<e><?xml version='1.0'?></e>", "xml_syntax"),
            ("<e><a></e>", "xml_syntax"),
            ("<e>", "xml_truncated"),
            ("", "xml_truncated"),
            ("<e/><e/>", "xml_syntax"),
            ("<e/>x", "xml_syntax"),
            ("<e/>&amp;", "xml_syntax"),
            ("<![CDATA[ ]]><e/>", "xml_syntax"),
            ("<1/>", "xml_syntax"),
            ("<a:e/>", "xml_namespace"),
            ("<e a:b='1'/>", "xml_namespace"),
            ("<a:b:c xmlns:a='u'/>", "xml_namespace"),
            ("<e xmlns:a=''/>", "xml_namespace"),
            ("<e xmlns:xmlns='u'/>", "xml_namespace"),
            ("<e xmlns:xml='u'/>", "xml_namespace"),
            ("<e xmlns:a='u' xmlns:b='u' a:x='1' b:x='2'/>", "xml_namespace"),
            ("<?xml version='1.0' encoding='UTF-16'?><e/>", "xml_encoding"),
            ("<?xml version='1.0' encoding='windows-1252'?><e/>", "xml_encoding"),
            (" <?xml version='1.0'?><e/>", "xml_syntax"),
        ] {
            assert_eq!(kind(xml.as_bytes()).0, expect, "{}", cut(xml));
        }
        assert_eq!(kind(&vec![b' '; MAX_BYTES + 1]).0, "xml_too_large");
        assert_eq!(kind(b"<e>\xff</e>"), ("xml_utf8", 3));
        assert_eq!(kind(b"\xff\xfe<\0e\0/\0>\0").0, "xml_encoding");
    }

    #[test]
    fn names_have_the_namespace_of_their_prefix() {
        let d = Document::read(
            b"<a:e xmlns:a='u' xmlns='v'><e/><a:e xmlns:a='w'/><a:e xmlns=''><e a:k='1' k='2'/></a:e></a:e>",
        )
        .unwrap();
        assert!(d.root.is("u", "e"));
        let inside: Vec<_> = d.root.children().map(|e| &*e.namespace).collect();
        assert_eq!(inside, ["v", "w", "u"]);
        let last = d.root.children().nth(2).unwrap().children().next().unwrap();
        assert!(last.is("", "e"));
        assert_eq!(last.attribute("k"), Some("2"));
    }

    #[test]
    fn text_is_joined_over_references_cdata_comments_and_instructions() {
        let d = Document::read(b"<e>a &amp; <![CDATA[<b>]]><!-- x -->&#233;\r\n<?p  q?>c</e>").unwrap();
        assert_eq!(d.root.text(), "a & <b>\u{e9}\nc");
    }

    #[test]
    fn latin_1_is_read_and_its_offsets_are_those_of_the_bytes() {
        let d = Document::read(b"<?xml version='1.0' encoding='ISO-8859-1'?><e>\xe9\xe9<a/></e>").unwrap();
        assert_eq!(d.root.text(), "\u{e9}\u{e9}");
        assert_eq!(d.root.children().next().unwrap().offset, 48);
        assert_eq!(kind(b"<?xml version='1.0' encoding='ISO-8859-1'?><e>\xe9\xe9<a>&x;</a></e>"), ("xml_entity", 51));
        let marked = Document::read(b"\xef\xbb\xbf<e>\xc3\xa9<a/></e>").unwrap();
        assert_eq!(marked.root.children().next().unwrap().offset, 8);
    }
}
