//! [`Received`]: an alert out of bytes, with what is wrong with it.
//!
//! CAP 1.1 and 1.2. The rules are those of the two schemas, in our words: which elements, how many, in which order, and what
//! may stand in them. Nothing is dropped for a fault elsewhere: a bad polygon costs the polygon, a bad `urgency` becomes
//! Unknown, an unknown element is passed over; each is a [`Problem`]. Only without a sound envelope (identifier, sender,
//! sent, status, msgType, scope) is there no alert: nobody may guess whether it is a test.

use super::{
    alert::{
        Alert, Category, Certainty, Info, MsgType, Name, NamedValue, Reference, Resource, ResponseType, Scope,
        Severity, Status, Urgency, read_list,
    },
    area::{Area, BadShape, Circle, Polygon, decimal},
    check::{self, Problem},
    signature::XMLDSIG,
    time::DateTime,
    tree::{Document, Element, Node},
};
use crate::cot::xml::{XmlError, cut};
use std::collections::BTreeMap;

/// The namespace of CAP 1.2.
pub const CAP_12: &str = "urn:oasis:names:tc:emergency:cap:1.2";
/// The namespace of CAP 1.1.
pub const CAP_11: &str = "urn:oasis:names:tc:emergency:cap:1.1";
const XMLENC: &str = "http://www.w3.org/2001/04/xmlenc#";
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// Most problems kept of one message.
const MAX_PROBLEMS: usize = 100;

/// Which CAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 1.1.
    V1_1,
    /// 1.2.
    V1_2,
}

impl Version {
    /// `1.1` or `1.2`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }
}

/// What came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Which CAP it says it is.
    pub version: Version,
    /// The alert; nothing when its envelope is not sound.
    pub alert: Option<Alert>,
    /// What is wrong, refused ones first, else in the order of the message.
    pub problems: Vec<Problem>,
    /// The document, for its signatures.
    pub document: Document,
}

impl Received {
    /// Whether a schema would take it.
    pub fn is_valid(&self) -> bool {
        !self.problems.iter().any(|p| p.refused)
    }

    /// Whether there is a problem just there.
    pub fn is_refused_at(&self, path: &str) -> bool {
        self.problems.iter().any(|p| p.refused && p.path == path)
    }
}

/// One CAP message, all of `bytes`.
pub fn read(bytes: &[u8]) -> Result<Received, XmlError> {
    let document = Document::read(bytes)?;
    let root = &document.root;
    let version = match &*root.namespace {
        CAP_12 if root.local == "alert" => Version::V1_2,
        CAP_11 if root.local == "alert" => Version::V1_1,
        other => {
            let message = format!("<{}> of '{}' is no alert of CAP 1.1 or 1.2", cut(&root.local), cut(other));
            return Err(XmlError::new("cap_root", root.offset, message));
        }
    };
    let mut reader = Reader { version, problems: Vec::new() };
    let alert = reader.alert(root);
    let mut problems = reader.problems;
    if let Some(a) = &alert {
        let mut more = check::alert(a);
        if a.code.iter().any(|c| c == check::IPAWS) {
            more.extend(check::ipaws(a));
        }
        // What reading has said already, in other words.
        more.retain(|m| !problems.iter().any(|p| p.path == m.path));
        problems.extend(more);
    }
    problems.sort_by_key(|p| !p.refused);
    problems.truncate(MAX_PROBLEMS);
    Ok(Received { version, alert, problems, document })
}

/// A row of a sequence: element, least, most.
type Row = (&'static str, usize, usize);
const MANY: usize = usize::MAX;

const ALERT: &[Row] = &[
    ("identifier", 1, 1),
    ("sender", 1, 1),
    ("sent", 1, 1),
    ("status", 1, 1),
    ("msgType", 1, 1),
    ("source", 0, 1),
    ("scope", 1, 1),
    ("restriction", 0, 1),
    ("addresses", 0, 1),
    ("code", 0, MANY),
    ("note", 0, 1),
    ("references", 0, 1),
    ("incidents", 0, 1),
    ("info", 0, MANY),
];
const INFO: &[Row] = &[
    ("language", 0, 1),
    ("category", 1, MANY),
    ("event", 1, 1),
    ("responseType", 0, MANY),
    ("urgency", 1, 1),
    ("severity", 1, 1),
    ("certainty", 1, 1),
    ("audience", 0, 1),
    ("eventCode", 0, MANY),
    ("effective", 0, 1),
    ("onset", 0, 1),
    ("expires", 0, 1),
    ("senderName", 0, 1),
    ("headline", 0, 1),
    ("description", 0, 1),
    ("instruction", 0, 1),
    ("web", 0, 1),
    ("contact", 0, 1),
    ("parameter", 0, MANY),
    ("resource", 0, MANY),
    ("area", 0, MANY),
];
const RESOURCE_12: &[Row] =
    &[("resourceDesc", 1, 1), ("mimeType", 1, 1), ("size", 0, 1), ("uri", 0, 1), ("derefUri", 0, 1), ("digest", 0, 1)];
const RESOURCE_11: &[Row] =
    &[("resourceDesc", 1, 1), ("mimeType", 0, 1), ("size", 0, 1), ("uri", 0, 1), ("derefUri", 0, 1), ("digest", 0, 1)];
const AREA: &[Row] = &[
    ("areaDesc", 1, 1),
    ("polygon", 0, MANY),
    ("circle", 0, MANY),
    ("geocode", 0, MANY),
    ("altitude", 0, 1),
    ("ceiling", 0, 1),
];
const NAMED: &[Row] = &[("valueName", 1, 1), ("value", 1, 1)];

/// The elements in one, by name, and where it stands.
struct Inside<'a> {
    of: &'a Element,
    path: String,
    by_name: BTreeMap<&'static str, Vec<&'a Element>>,
}

impl<'a> Inside<'a> {
    fn all(&self, name: &str) -> &[&'a Element] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    fn one(&self, name: &str) -> Option<&'a Element> {
        self.all(name).first().copied()
    }

    fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) }
    }

    fn nth(&self, name: &str, k: usize) -> String {
        self.path(&format!("{name}[{}]", k + 1))
    }
}

struct Reader {
    version: Version,
    problems: Vec<Problem>,
}

impl Reader {
    fn say(&mut self, refused: bool, word: &'static str, path: String, offset: u64, message: String) {
        // Twice the bound, so that refused ones still come first when it is cut.
        if self.problems.iter().filter(|p| p.refused == refused).count() < MAX_PROBLEMS {
            self.problems.push(Problem { word, path, offset: Some(offset), message, refused });
        }
    }

    fn refuse(&mut self, word: &'static str, path: String, offset: u64, message: impl Into<String>) {
        self.say(true, word, path, offset, message.into());
    }

    fn flag(&mut self, word: &'static str, path: String, offset: u64, message: impl Into<String>) {
        self.say(false, word, path, offset, message.into());
    }

    /// Sorts what is in an element, and says what does not belong there.
    fn inside<'a>(&mut self, of: &'a Element, path: String, rows: &[Row]) -> Inside<'a> {
        let mut inside = Inside { of, path, by_name: BTreeMap::new() };
        let here = if inside.path.is_empty() { "alert".to_owned() } else { inside.path.clone() };
        self.attributes(of, &here);
        let mut reached = 0;
        let mut in_order = true;
        for node in &of.nodes {
            let child = match node {
                Node::Element(e) => e,
                Node::Text(t) if !t.trim_ascii().is_empty() => {
                    self.refuse(
                        "text_unexpected",
                        here.clone(),
                        of.offset,
                        format!("text '{}' between elements", cut(t.trim_ascii())),
                    );
                    continue;
                }
                _ => continue,
            };
            let row = rows.iter().position(|(name, ..)| child.is(&of.namespace, name));
            let Some((place, (name, _, most))) = row.and_then(|k| rows.get(k).map(|r| (k, *r))) else {
                if inside.path.is_empty() && [XMLDSIG, XMLENC].contains(&&*child.namespace) {
                    reached = rows.len();
                } else {
                    let path = inside.path(&cut(&child.local));
                    self.refuse(
                        "element_unknown",
                        path,
                        child.offset,
                        format!("<{}> does not belong here", cut(&child.local)),
                    );
                }
                continue;
            };
            if place < reached && in_order {
                in_order = false;
                self.refuse("element_order", inside.path(name), child.offset, format!("<{name}> comes too late"));
            }
            reached = reached.max(place);
            let same = inside.by_name.entry(name).or_default();
            if same.len() < most {
                same.push(child);
            } else {
                self.refuse(
                    "element_repeated",
                    inside.path(name),
                    child.offset,
                    format!("<{name}> is there again; the first counts"),
                );
            }
        }
        for (name, least, _) in rows {
            if inside.all(name).len() < *least {
                self.refuse("element_missing", inside.path(name), of.offset, format!("<{name}> is missing"));
            }
        }
        inside
    }

    fn attributes(&mut self, e: &Element, path: &str) {
        if let Some(a) = e.attributes.iter().find(|a| *a.namespace != *XSI) {
            let message = format!("attribute '{}' does not belong here", cut(&a.local));
            self.refuse("attribute_unknown", path.to_owned(), e.offset, message);
        }
    }

    /// The text of an element that holds nothing else.
    fn text(&mut self, e: &Element, path: &str) -> String {
        self.attributes(e, path);
        if let Some(child) = e.children().next() {
            let message = format!("<{}> does not belong here", cut(&child.local));
            self.refuse("element_unknown", path.to_owned(), child.offset, message);
        }
        e.text()
    }

    fn some(&mut self, inside: &Inside<'_>, name: &str) -> Option<String> {
        let text = self.text(inside.one(name)?, &inside.path(name));
        (!text.trim_ascii().is_empty()).then_some(text)
    }

    /// A text that has to be there, empty or not.
    fn string(&mut self, inside: &Inside<'_>, name: &str) -> String {
        inside.one(name).map(|e| self.text(e, &inside.path(name))).unwrap_or_default()
    }

    fn word<T>(&mut self, e: &Element, path: String, of: fn(&str) -> Option<T>) -> Option<T> {
        let text = self.text(e, &path);
        let word = text.trim_ascii();
        let value = of(word);
        if value.is_none() {
            self.refuse("value_unknown", path, e.offset, format!("'{}' is none of the standard's words", cut(word)));
        } else if word != text {
            self.flag("value_space", path, e.offset, "space around the word");
        }
        value
    }

    fn one_word<T>(&mut self, inside: &Inside<'_>, name: &str, of: fn(&str) -> Option<T>) -> Option<T> {
        self.word(inside.one(name)?, inside.path(name), of)
    }

    fn words<T>(&mut self, inside: &Inside<'_>, name: &str, of: fn(&str) -> Option<T>) -> Vec<T> {
        let each = inside.all(name).iter().enumerate();
        each.filter_map(|(k, e)| self.word(e, inside.nth(name, k), of)).collect()
    }

    fn time(&mut self, inside: &Inside<'_>, name: &str) -> Option<DateTime> {
        let e = inside.one(name)?;
        let path = inside.path(name);
        let text = self.text(e, &path);
        let Some((time, form)) = DateTime::read(&text) else {
            self.refuse("time_syntax", path, e.offset, format!("'{}' is no dateTime", cut(text.trim_ascii())));
            return None;
        };
        if form.no_zone {
            let word = "time_zone_missing";
            let message = format!("'{}' names no zone; taken as UTC", cut(text.trim_ascii()));
            self.say(self.version == Version::V1_2, word, path, e.offset, message);
        } else if self.version == Version::V1_2 && (form.z || form.fraction) {
            let message = format!("'{}': CAP 1.2 writes whole seconds and -00:00", cut(text.trim_ascii()));
            self.flag("time_form", path, e.offset, message);
        }
        Some(time)
    }

    fn list(&mut self, inside: &Inside<'_>, name: &str) -> Vec<String> {
        let Some(text) = self.some(inside, name) else { return Vec::new() };
        let (items, whole) = read_list(&text);
        if !whole {
            self.flag("list_quotes", inside.path(name), inside.of.offset, "a quotation mark is not closed");
        }
        items
    }

    fn alert(&mut self, root: &Element) -> Option<Alert> {
        let i = self.inside(root, String::new(), ALERT);
        if self.version == Version::V1_1
            && let Some(s) = root.children().find(|e| *e.namespace == *XMLDSIG)
        {
            self.flag("signature_unexpected", "Signature".into(), s.offset, "CAP 1.1 knows no signature");
        }
        let identifier = self.some(&i, "identifier");
        let sender = self.some(&i, "sender");
        for (name, value) in [("identifier", &identifier), ("sender", &sender)] {
            if let (None, Some(e)) = (value, i.one(name)) {
                self.refuse("value_empty", name.into(), e.offset, "empty");
            }
        }
        let name = |text: String| Name::as_read(text.trim_ascii());
        let sent = self.time(&i, "sent");
        let status = self.one_word(&i, "status", Status::of);
        let msg_type = self.one_word(&i, "msgType", MsgType::of);
        let scope = self.one_word(&i, "scope", Scope::of);
        let source = self.some(&i, "source");
        let restriction = self.some(&i, "restriction");
        let addresses = self.list(&i, "addresses");
        let code = i.all("code").iter().enumerate().map(|(k, e)| self.text(e, &i.nth("code", k))).collect();
        let note = self.some(&i, "note");
        let references = self.references(&i);
        let incidents = self.list(&i, "incidents");
        let infos = i.all("info").iter().enumerate().map(|(k, e)| self.info(e, i.nth("info", k)));
        let info = infos.collect();
        Some(Alert {
            identifier: identifier.map(name)?,
            sender: sender.map(name)?,
            sent: sent?,
            status: status?,
            msg_type: msg_type?,
            source,
            scope: scope?,
            restriction,
            addresses,
            code,
            note,
            references,
            incidents,
            info,
        })
    }

    fn references(&mut self, i: &Inside<'_>) -> Vec<Reference> {
        let Some(e) = i.one("references") else { return Vec::new() };
        let text = self.text(e, "references");
        if text.trim_ascii().is_empty() {
            self.flag("references_empty", "references".into(), e.offset, "empty; leave it out instead");
        }
        let mut good = Vec::new();
        for part in text.split_ascii_whitespace() {
            if let Some(reference) = Reference::read(part) {
                good.push(reference);
            } else {
                let message = format!("'{}' is not sender,identifier,sent", cut(part));
                self.flag("references_syntax", "references".into(), e.offset, message);
            }
        }
        good
    }

    fn info(&mut self, e: &Element, path: String) -> Info {
        let i = self.inside(e, path, INFO);
        let language = self.some(&i, "language").map(|l| l.trim_ascii().to_owned()).filter(|l| {
            let good = is_language(l);
            if !good {
                self.refuse(
                    "language_syntax",
                    i.path("language"),
                    e.offset,
                    format!("'{}' is no language code", cut(l)),
                );
            }
            good
        });
        let response_type = self.words(&i, "responseType", ResponseType::of);
        if self.version == Version::V1_1
            && response_type.iter().any(|r| [ResponseType::Avoid, ResponseType::AllClear].contains(r))
        {
            self.refuse("value_unknown", i.path("responseType"), e.offset, "CAP 1.1 knows neither Avoid nor AllClear");
        }
        Info {
            language,
            category: self.words(&i, "category", Category::of),
            event: self.string(&i, "event"),
            response_type,
            urgency: self.one_word(&i, "urgency", Urgency::of).unwrap_or(Urgency::Unknown),
            severity: self.one_word(&i, "severity", Severity::of).unwrap_or(Severity::Unknown),
            certainty: self.one_word(&i, "certainty", Certainty::of).unwrap_or_else(|| old_certainty(&i)),
            audience: self.some(&i, "audience"),
            event_code: self.named(&i, "eventCode"),
            effective: self.time(&i, "effective"),
            onset: self.time(&i, "onset"),
            expires: self.time(&i, "expires"),
            sender_name: self.some(&i, "senderName"),
            headline: self.some(&i, "headline"),
            description: self.some(&i, "description"),
            instruction: self.some(&i, "instruction"),
            web: self.some(&i, "web"),
            contact: self.some(&i, "contact"),
            parameter: self.named(&i, "parameter"),
            resource: i
                .all("resource")
                .iter()
                .enumerate()
                .map(|(k, e)| self.resource(e, i.nth("resource", k)))
                .collect(),
            area: i.all("area").iter().enumerate().map(|(k, e)| self.area(e, i.nth("area", k))).collect(),
        }
    }

    fn named(&mut self, inside: &Inside<'_>, name: &str) -> Vec<NamedValue> {
        let mut values = Vec::new();
        for (k, e) in inside.all(name).iter().enumerate() {
            let i = self.inside(e, inside.nth(name, k), NAMED);
            let value = NamedValue::new(self.string(&i, "valueName"), self.string(&i, "value"));
            if i.one("valueName").is_some() {
                values.push(value);
            }
        }
        values
    }

    fn resource(&mut self, e: &Element, path: String) -> Resource {
        let rows = if self.version == Version::V1_2 { RESOURCE_12 } else { RESOURCE_11 };
        let i = self.inside(e, path, rows);
        let size = self.some(&i, "size").and_then(|text| {
            let size = text.trim_ascii().parse().ok();
            if size.is_none() {
                self.refuse("number_syntax", i.path("size"), e.offset, format!("'{}' is no size in bytes", cut(&text)));
            }
            size
        });
        Resource {
            resource_desc: self.string(&i, "resourceDesc"),
            mime_type: self.string(&i, "mimeType"),
            size,
            uri: self.some(&i, "uri"),
            deref_uri: self.some(&i, "derefUri"),
            digest: self.some(&i, "digest"),
        }
    }

    fn area(&mut self, e: &Element, path: String) -> Area {
        let i = self.inside(e, path, AREA);
        Area {
            area_desc: self.string(&i, "areaDesc"),
            polygon: self.shapes(&i, "polygon", Polygon::read),
            circle: self.shapes(&i, "circle", Circle::read),
            geocode: self.named(&i, "geocode"),
            altitude: self.feet(&i, "altitude"),
            ceiling: self.feet(&i, "ceiling"),
        }
    }

    /// The shapes that are some; an empty one is none and no fault. No schema looks into them, so none is refused.
    fn shapes<T>(&mut self, inside: &Inside<'_>, name: &str, read: fn(&str) -> Result<T, BadShape>) -> Vec<T> {
        let mut shapes = Vec::new();
        for (k, e) in inside.all(name).iter().enumerate() {
            let path = inside.nth(name, k);
            let text = self.text(e, &path);
            if text.trim_ascii().is_empty() {
                continue;
            }
            match read(&text) {
                Ok(shape) => shapes.push(shape),
                Err(bad) => self.flag(bad.word(), path, e.offset, bad.to_string()),
            }
        }
        shapes
    }

    fn feet(&mut self, inside: &Inside<'_>, name: &str) -> Option<f64> {
        let text = self.some(inside, name)?;
        let feet = decimal(&text);
        if feet.is_none() {
            // A string in the schema of 1.1.
            let message = format!("'{}' is no number of feet", cut(&text));
            self.say(self.version == Version::V1_2, "number_syntax", inside.path(name), inside.of.offset, message);
        }
        feet
    }
}

/// CAP 1.0 had `Very Likely`: refused, but no reason to know less than was said.
fn old_certainty(i: &Inside<'_>) -> Certainty {
    let old = i.one("certainty").is_some_and(|e| e.text().trim_ascii() == "Very Likely");
    if old { Certainty::Likely } else { Certainty::Unknown }
}

/// An xs:language.
fn is_language(text: &str) -> bool {
    text.split('-').enumerate().all(|(k, part)| {
        let known = |b: u8| b.is_ascii_alphabetic() || (k > 0 && b.is_ascii_digit());
        (1..=8).contains(&part.len()) && part.bytes().all(known)
    })
}
