//! [`Method`]: canonical XML, the one text of a document that a signature is made over.
//!
//! Canonical XML 1.0 (inclusive) and Exclusive XML Canonicalization 1.0, with and without comments, of a whole document less
//! some of its signatures, or of one element where it stands. Not here: arbitrary node sets, Canonical XML 1.1.

use super::tree::{Attribute, Document, Element, Node, XML_NAMESPACE};
use std::sync::Arc;

/// How to write.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Method {
    /// Only the namespaces that an element uses itself.
    pub exclusive: bool,
    /// Comments are written.
    pub comments: bool,
    /// Exclusive only: prefixes written wherever they are in scope (`#default` is the empty one).
    pub prefixes: Vec<String>,
}

/// What the algorithms are called.
pub const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";
/// Exclusive, without comments.
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const WITH_COMMENTS: &str = "WithComments";
/// Most prefixes of a list.
const MAX_PREFIXES: usize = 16;

impl Method {
    /// Exclusive, without comments: what we sign with.
    pub fn exclusive() -> Self {
        Self { exclusive: true, ..Self::default() }
    }

    /// The method that a `CanonicalizationMethod` or `Transform` element names; `None` for another algorithm.
    pub fn of(element: &Element) -> Option<Self> {
        let name = element.attribute("Algorithm")?;
        let (base, comments) = match name {
            INCLUSIVE | EXCLUSIVE => (name, false),
            _ if name.strip_suffix("#WithComments") == Some(INCLUSIVE) => (INCLUSIVE, true),
            _ if name.strip_suffix(WITH_COMMENTS) == Some(EXCLUSIVE) => (EXCLUSIVE, true),
            _ => return None,
        };
        let exclusive = base == EXCLUSIVE;
        let list = element.children().find(|e| e.is(EXCLUSIVE, "InclusiveNamespaces"));
        let prefixes = list.filter(|_| exclusive).and_then(|e| e.attribute("PrefixList")).unwrap_or_default();
        let prefixes: Vec<String> = prefixes
            .split_ascii_whitespace()
            .map(|p| if p == "#default" { String::new() } else { p.to_owned() })
            .take(MAX_PREFIXES + 1)
            .collect();
        (prefixes.len() <= MAX_PREFIXES).then_some(Self { exclusive, comments, prefixes })
    }

    /// The whole document, without those children of its root that `leave_out` names by their place among its nodes.
    pub fn document(&self, doc: &Document, leave_out: &[usize]) -> String {
        let mut w = Writer::new(self);
        for node in &doc.before {
            let from = w.out.len();
            w.node(node);
            if w.out.len() > from {
                w.out.push('\n');
            }
        }
        w.element(&doc.root, leave_out);
        for node in &doc.after {
            let from = w.out.len();
            w.out.push('\n');
            w.node(node);
            if w.out.len() == from + 1 {
                w.out.truncate(from);
            }
        }
        w.out
    }

    /// One element, whose ancestors are given from the root down.
    pub fn element(&self, ancestors: &[&Element], apex: &Element) -> String {
        let mut w = Writer::new(self);
        for a in ancestors {
            w.scope.extend(a.declared.iter().cloned());
        }
        if !self.exclusive {
            // Canonical XML 1.0 section 2.4: attributes of the prefix xml come down from what is left out.
            for a in ancestors.iter().flat_map(|a| &a.attributes).filter(|a| *a.namespace == *XML_NAMESPACE) {
                w.inherited.retain(|i| i.local != a.local);
                w.inherited.push(a);
            }
            w.inherited.retain(|i| !apex.attributes.iter().any(|a| a.namespace == i.namespace && a.local == i.local));
        }
        w.element(apex, &[]);
        w.out
    }
}

struct Writer<'a> {
    method: &'a Method,
    out: String,
    /// Namespaces in scope, the nearest last.
    scope: Vec<(String, Arc<str>)>,
    /// Namespaces written on elements that are open, the nearest last.
    written: Vec<(String, Arc<str>)>,
    /// Attributes of left-out ancestors that the first element takes.
    inherited: Vec<&'a Attribute>,
}

impl<'a> Writer<'a> {
    fn new(method: &'a Method) -> Self {
        Self { method, out: String::new(), scope: Vec::new(), written: Vec::new(), inherited: Vec::new() }
    }

    fn node(&mut self, node: &'a Node) {
        match node {
            Node::Element(e) => self.element(e, &[]),
            Node::Text(t) => escape_text(t, &mut self.out),
            Node::Comment(c) if self.method.comments => {
                self.out.push_str("<!--");
                // A carriage return can be here only by a reference, and none is read inside comments.
                self.out.push_str(c);
                self.out.push_str("-->");
            }
            Node::Comment(_) => {}
            Node::Instruction(target, data) => {
                self.out.push_str("<?");
                self.out.push_str(target);
                if !data.is_empty() {
                    self.out.push(' ');
                    self.out.push_str(data);
                }
                self.out.push_str("?>");
            }
        }
    }

    fn element(&mut self, e: &'a Element, leave_out: &[usize]) {
        let (scope_mark, written_mark) = (self.scope.len(), self.written.len());
        self.scope.extend(e.declared.iter().cloned());
        self.out.push('<');
        let name = self.out.len();
        push_name(&e.prefix, &e.local, &mut self.out);
        let name = name..self.out.len();
        self.namespaces(e, written_mark);
        let mut attributes: Vec<&Attribute> = e.attributes.iter().chain(self.inherited.drain(..)).collect();
        attributes.sort_by(|a, b| (&*a.namespace, &a.local).cmp(&(&*b.namespace, &b.local)));
        for a in attributes {
            self.out.push(' ');
            push_name(&a.prefix, &a.local, &mut self.out);
            self.out.push_str("=\"");
            escape_attribute(&a.value, &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
        for (_, node) in e.nodes.iter().enumerate().filter(|(k, _)| !leave_out.contains(k)) {
            self.node(node);
        }
        self.out.push_str("</");
        self.out.extend_from_within(name);
        self.out.push('>');
        self.scope.truncate(scope_mark);
        self.written.truncate(written_mark);
    }

    /// The namespace declarations of an element.
    fn namespaces(&mut self, e: &Element, first_of_all: usize) {
        let mut prefixes: Vec<&str> = Vec::new();
        if self.method.exclusive {
            prefixes.push(&e.prefix);
            prefixes.extend(e.attributes.iter().map(|a| a.prefix.as_str()).filter(|p| !p.is_empty()));
            let listed = self.method.prefixes.iter().map(String::as_str);
            prefixes.extend(listed.filter(|p| p.is_empty() || lookup(&self.scope, p).is_some()));
        } else if first_of_all == 0 {
            // Nothing is written yet, or nothing was to be: all that is in scope.
            prefixes.extend(self.scope.iter().map(|(p, _)| p.as_str()));
        } else {
            prefixes.extend(e.declared.iter().map(|(p, _)| p.as_str()));
        }
        prefixes.sort_unstable();
        prefixes.dedup();
        let mut fresh = Vec::new();
        for prefix in prefixes.into_iter().filter(|p| *p != "xml") {
            let uri = lookup(&self.scope, prefix).cloned().unwrap_or_else(|| "".into());
            let before = lookup(&self.written, prefix).map_or("", |u| u);
            // What no ancestor has written counts as empty, which for the default namespace says the same.
            if *uri != *before {
                fresh.push((prefix.to_owned(), uri));
            }
        }
        for (prefix, uri) in &fresh {
            self.out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            self.out.push_str(prefix);
            self.out.push_str("=\"");
            escape_attribute(uri, &mut self.out);
            self.out.push('"');
        }
        self.written.extend(fresh);
    }
}

fn lookup<'s>(list: &'s [(String, Arc<str>)], prefix: &str) -> Option<&'s Arc<str>> {
    list.iter().rev().find(|(p, _)| p == prefix).map(|(_, uri)| uri)
}

fn push_name(prefix: &str, local: &str, out: &mut String) {
    if !prefix.is_empty() {
        out.push_str(prefix);
        out.push(':');
    }
    out.push_str(local);
}

/// Text of an element.
pub fn escape_text(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
}

/// Value of an attribute.
fn escape_attribute(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn inclusive() -> Method {
        Method::default()
    }

    fn of(xml: &str, method: &Method) -> String {
        method.document(&Document::read(xml.as_bytes()).unwrap(), &[])
    }

    // The documents are our own, each made to need one rule of the recommendations; the order of rules is theirs.
    #[test]
    fn each_rule_of_canonical_xml_is_kept() {
        let commented = Method { comments: true, ..inclusive() };
        for (xml, method, expect) in [
            // Around the root: declaration gone, instructions on lines of their own, comments only where asked for.
            (
                "<?xml version='1.0'?>\n<?a  b ?>\n<!-- c -->\n<e/>\n<?z?>\n<!-- d -->",
                &inclusive(),
                "<?a b ?>\n<e></e>\n<?z?>",
            ),
            ("<!--c--><e><!--i--></e><!--d-->", &commented, "<!--c-->\n<e><!--i--></e>\n<!--d-->"),
            // Layout inside is kept; line ends are one character.
            ("<e>\r\n <a />\t</e>", &inclusive(), "<e>\n <a></a>\t</e>"),
            // Namespaces by prefix, attributes by namespace and name, those in none first.
            (
                "<e xmlns:z='1' xmlns:a='2' xmlns='3' z:b='' a:c='' y='' x=''/>",
                &inclusive(),
                "<e xmlns=\"3\" xmlns:a=\"2\" xmlns:z=\"1\" x=\"\" y=\"\" z:b=\"\" a:c=\"\"></e>",
            ),
            // Said once; said again where it changes; undone only where there is something to undo.
            (
                "<e xmlns='1' xmlns:p='2'><f xmlns='1' xmlns:p='2'><g xmlns=''><h xmlns=''/></g></f></e>",
                &inclusive(),
                "<e xmlns=\"1\" xmlns:p=\"2\"><f><g xmlns=\"\"><h></h></g></f></e>",
            ),
            ("<e xmlns=''><f xmlns=''/></e>", &inclusive(), "<e><f></f></e>"),
            (
                "<e><f xmlns:p='1'><g xmlns:p='2'/></f></e>",
                &inclusive(),
                "<e><f xmlns:p=\"1\"><g xmlns:p=\"2\"></g></f></e>",
            ),
            // Exclusive: only what is used, where it is used; a list makes exceptions.
            (
                "<e xmlns='1' xmlns:p='2' xmlns:q='3'><p:f q:a='x'/><p:g/></e>",
                &Method::exclusive(),
                "<e xmlns=\"1\"><p:f xmlns:p=\"2\" xmlns:q=\"3\" q:a=\"x\"></p:f><p:g xmlns:p=\"2\"></p:g></e>",
            ),
            (
                "<e xmlns='1' xmlns:p='2' xmlns:q='3'><p:f xmlns=''/></e>",
                &Method { prefixes: vec!["q".into(), String::new()], ..Method::exclusive() },
                "<e xmlns=\"1\" xmlns:q=\"3\"><p:f xmlns=\"\" xmlns:p=\"2\"></p:f></e>",
            ),
            (
                "<p:e xmlns:p='1' xmlns='2'><f/></p:e>",
                &Method::exclusive(),
                "<p:e xmlns:p=\"1\"><f xmlns=\"2\"></f></p:e>",
            ),
            // Characters.
            (
                "<e a='&lt;&amp;>&quot;&apos;&#9;&#10;&#13;\n'>&lt;&gt;&amp;\"'&#13;<![CDATA[<&]]></e>",
                &inclusive(),
                "<e a=\"&lt;&amp;>&quot;'&#x9;&#xA;&#xD; \">&lt;&gt;&amp;\"'&#xD;&lt;&amp;</e>",
            ),
        ] {
            assert_eq!(of(xml, method), expect, "{xml}");
        }
    }

    #[test]
    fn one_element_takes_from_its_ancestors_what_the_method_says() {
        let xml = "<e xmlns='1' xmlns:p='2' xml:lang='en' xml:space='default'><f xmlns:q='3' xml:lang='es'><g p:a='' xml:space='preserve'/></f></e>";
        let d = Document::read(xml.as_bytes()).unwrap();
        let f = d.root.child("f").unwrap();
        let g = f.child("g").unwrap();
        assert_eq!(
            inclusive().element(&[&d.root, f], g),
            "<g xmlns=\"1\" xmlns:p=\"2\" xmlns:q=\"3\" p:a=\"\" xml:lang=\"es\" xml:space=\"preserve\"></g>"
        );
        assert_eq!(
            Method::exclusive().element(&[&d.root, f], g),
            "<g xmlns=\"1\" xmlns:p=\"2\" p:a=\"\" xml:space=\"preserve\"></g>"
        );
    }

    #[test]
    fn the_method_is_known_by_its_name_and_no_other() {
        let of = |xml: &str| Method::of(&Document::read(xml.as_bytes()).unwrap().root);
        assert_eq!(of("<m Algorithm='http://www.w3.org/TR/2001/REC-xml-c14n-20010315'/>"), Some(inclusive()));
        let with = of("<m Algorithm='http://www.w3.org/2001/10/xml-exc-c14n#WithComments'><i:InclusiveNamespaces \
                       xmlns:i='http://www.w3.org/2001/10/xml-exc-c14n#' PrefixList='a #default'/></m>");
        let prefixes = vec!["a".to_owned(), String::new()];
        assert_eq!(with, Some(Method { exclusive: true, comments: true, prefixes }));
        assert_eq!(of("<m Algorithm='http://www.w3.org/2006/12/xml-c14n11'/>"), None);
        assert_eq!(of("<m/>"), None);
    }

    proptest! {
        // Canonical text is a document, and its own canonical text.
        #[test]
        fn canonical_text_is_a_fixed_point(
            texts in proptest::collection::vec("[a-z<>&\"'\r\n\t \u{e9}]{0,8}", 1..6),
            exclusive in any::<bool>(),
        ) {
            let mut xml = String::from("<?pi x?><p:e xmlns:p='u' xmlns='v'>");
            for t in &texts {
                xml.push_str("<a k=\"");
                escape_attribute(t, &mut xml);
                xml.push_str("\" p:k='1'>");
                escape_text(t, &mut xml);
                xml.push_str("</a>");
            }
            xml.push_str("</p:e>");
            let method = Method { exclusive, ..Method::default() };
            let once = of(&xml, &method);
            prop_assert_eq!(of(&once, &method), once.clone());
            let back = Document::read(once.as_bytes()).unwrap();
            let read: Vec<_> = back.root.children().map(Element::text).collect();
            prop_assert_eq!(read, texts);
        }
    }
}
