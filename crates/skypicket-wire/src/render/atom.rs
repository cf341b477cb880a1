//! [`Feed`]: a list of CAP alerts as Atom 1.0 (RFC 4287), which systems of others read again and again.
//!
//! Pure: the same entries give the same bytes, so that a reader is told "nothing new" by their hash.

use skypicket_model::Time;
use std::fmt::Write as _;

/// The media type.
pub const MEDIA_TYPE: &str = "application/atom+xml; charset=utf-8";
/// The media type of an alert.
pub const CAP: &str = "application/cap+xml";

/// A feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Unique, and the same for ever: an IRI.
    pub id: String,
    /// What it is a feed of.
    pub title: String,
    /// When the newest entry was made.
    pub updated: Time,
    /// Who speaks.
    pub author: String,
    /// Its own address.
    pub own: String,
    /// The newest first.
    pub entries: Vec<Entry>,
}

/// An alert of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Unique, and the same for ever: an IRI.
    pub id: String,
    /// The alert's headline.
    pub title: String,
    /// When the alert was sent. It never changes: what changes is another alert.
    pub updated: Time,
    /// Where the alert is.
    pub link: String,
    /// The alert's status and kind, for readers that sort by them: `Actual`, `Update` …
    pub categories: Vec<String>,
}

impl Feed {
    /// As XML.
    pub fn to_xml(&self) -> String {
        let mut out =
            String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n");
        line(&mut out, 1, "id", &self.id);
        line(&mut out, 1, "title", &self.title);
        line(&mut out, 1, "updated", &self.updated.to_string());
        let _ = writeln!(out, "  <author>\n    <name>{}</name>\n  </author>", escaped(&self.author));
        let _ = writeln!(out, "  <link rel=\"self\" type=\"application/atom+xml\" href=\"{}\"/>", escaped(&self.own));
        for e in &self.entries {
            out.push_str("  <entry>\n");
            line(&mut out, 2, "id", &e.id);
            line(&mut out, 2, "title", &e.title);
            line(&mut out, 2, "published", &e.updated.to_string());
            line(&mut out, 2, "updated", &e.updated.to_string());
            for c in &e.categories {
                let _ = writeln!(out, "    <category term=\"{}\"/>", escaped(c));
            }
            let _ = writeln!(out, "    <link rel=\"alternate\" type=\"{CAP}\" href=\"{}\"/>", escaped(&e.link));
            out.push_str("  </entry>\n");
        }
        out.push_str("</feed>\n");
        out
    }
}

fn line(out: &mut String, depth: usize, name: &str, text: &str) {
    let _ = writeln!(out, "{:1$}<{name}>{2}</{name}>", "", depth * 2, escaped(text));
}

/// As text or in an attribute; what no XML can hold becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cap::tree::Document;

    #[test]
    fn a_feed_is_read_back_as_it_was_whatever_its_texts_hold() {
        let at: Time = "2026-11-26T18:00:00.25Z".parse().unwrap();
        let title = "EXERCISE <x> & \"quoted\" \u{1}";
        let entry = |n: u8| Entry {
            id: format!("urn:uuid:{n}"),
            title: title.into(),
            updated: at,
            link: format!("https://picket.example/cap/alerts/{n}.xml?a=1&b=2"),
            categories: vec!["Exercise".into(), "Update".into()],
        };
        let feed = Feed {
            id: "urn:uuid:0".into(),
            title: "Bulletins".into(),
            updated: at,
            author: "Centre".into(),
            own: "https://picket.example/cap/feed.atom".into(),
            entries: vec![entry(2), entry(1)],
        };
        let xml = feed.to_xml();
        assert_eq!(xml, feed.to_xml());
        let read = Document::read(xml.as_bytes()).unwrap();
        assert!(read.root.is("http://www.w3.org/2005/Atom", "feed"));
        assert_eq!(read.root.children().filter(|e| e.is("http://www.w3.org/2005/Atom", "entry")).count(), 2);
        assert!(xml.contains("<title>EXERCISE &lt;x&gt; &amp; &quot;quoted&quot; \u{FFFD}</title>"), "{xml}");
        assert!(xml.contains("<updated>2026-11-26T18:00:00.25"), "{xml}");
        assert!(xml.contains("href=\"https://picket.example/cap/alerts/2.xml?a=1&amp;b=2\""), "{xml}");
    }
}
