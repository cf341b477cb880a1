//! [`Alert`]: one CAP message, in the standard's words.
//!
//! Text fields hold what is between the tags, unescaped. An optional text that is blank counts as absent: it is not
//! written, and read as absent.

use super::{area::Area, time::DateTime};
use std::fmt;

/// A closed set of words of the standard.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All of them, in the order of the standard.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            /// The value of a word, exactly as it is written.
            pub fn of(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a message is for. All but `Actual` must never take the way of a real alert.
    Status {
        /// To be acted on.
        Actual = "Actual",
        /// To be acted on by those in the exercise that the note names.
        Exercise = "Exercise",
        /// Between systems.
        System = "System",
        /// A test; nobody acts.
        Test = "Test",
        /// A draft; not to be acted on.
        Draft = "Draft",
    }
}

words! {
    /// What a message does.
    MsgType {
        /// Says something new.
        Alert = "Alert",
        /// Replaces what it references.
        Update = "Update",
        /// Takes back what it references.
        Cancel = "Cancel",
        /// Says that what it references was received.
        Ack = "Ack",
        /// Says that what it references was refused; the note says why.
        Error = "Error",
    }
}

words! {
    /// Who may read.
    Scope {
        /// Everybody.
        Public = "Public",
        /// Those whom the restriction allows.
        Restricted = "Restricted",
        /// The addresses.
        Private = "Private",
    }
}

words! {
    /// What kind of event.
    Category {
        /// Ground: earthquake, landslide.
        Geo = "Geo",
        /// Weather, floods.
        Met = "Met",
        /// Public safety.
        Safety = "Safety",
        /// Law enforcement, military, homeland and private security.
        Security = "Security",
        /// Rescue.
        Rescue = "Rescue",
        /// Fire.
        Fire = "Fire",
        /// Health.
        Health = "Health",
        /// Pollution.
        Env = "Env",
        /// Transport.
        Transport = "Transport",
        /// Utilities, telecommunication.
        Infra = "Infra",
        /// Chemical, biological, radiological, nuclear, explosive.
        Cbrne = "CBRNE",
        /// Another one.
        Other = "Other",
    }
}

words! {
    /// What to do, in a word.
    ResponseType {
        /// Take shelter.
        Shelter = "Shelter",
        /// Leave.
        Evacuate = "Evacuate",
        /// Make ready.
        Prepare = "Prepare",
        /// Do what was planned.
        Execute = "Execute",
        /// Keep away (not in CAP 1.1).
        Avoid = "Avoid",
        /// Watch for news.
        Monitor = "Monitor",
        /// Weigh the information; for systems, not people.
        Assess = "Assess",
        /// The danger is over (not in CAP 1.1).
        AllClear = "AllClear",
        /// Nothing.
        Nothing = "None",
    }
}

words! {
    /// When to act.
    Urgency {
        /// Now.
        Immediate = "Immediate",
        /// Within the hour.
        Expected = "Expected",
        /// Later.
        Future = "Future",
        /// It is over.
        Past = "Past",
        /// Not known.
        Unknown = "Unknown",
    }
}

words! {
    /// How bad for life and property.
    Severity {
        /// Extraordinary.
        Extreme = "Extreme",
        /// Significant.
        Severe = "Severe",
        /// Possible.
        Moderate = "Moderate",
        /// Minimal to none.
        Minor = "Minor",
        /// Not known.
        Unknown = "Unknown",
    }
}

words! {
    /// How sure.
    Certainty {
        /// It has happened or goes on.
        Observed = "Observed",
        /// More than about 50 %.
        Likely = "Likely",
        /// At most about 50 %.
        Possible = "Possible",
        /// About 0 %.
        Unlikely = "Unlikely",
        /// Not known.
        Unknown = "Unknown",
    }
}

/// An identifier or sender: text that can stand in another message's `references`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String);

/// Text that is no [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' must be 1 to {max} bytes without space, comma, < and &", max = Name::MAX)]
pub struct BadName(String);

impl Name {
    /// Most bytes of a name that we write.
    pub const MAX: usize = 512;

    /// A name without space, comma, `<` and `&`.
    pub fn new(text: &str) -> Result<Self, BadName> {
        let name = Self::as_read(text);
        if name.is_sound() { Ok(name) } else { Err(BadName(text.chars().take(64).collect())) }
    }

    /// A name as somebody else wrote it, sound or not.
    pub(super) fn as_read(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether it can stand in `references`.
    pub fn is_sound(&self) -> bool {
        let barred = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | '<' | '&');
        !self.0.is_empty() && self.0.len() <= Self::MAX && !self.0.contains(barred)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name for an earlier message: its three parts as they were written there, for other readers compare the texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Its sender.
    pub sender: String,
    /// Its identifier.
    pub identifier: String,
    /// When it says that it was sent, as written.
    pub sent: String,
}

impl Reference {
    /// `sender,identifier,sent`.
    pub fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let (Some(sender), Some(identifier), Some(sent), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let whole = !(sender.is_empty() || identifier.is_empty() || sent.is_empty());
        whole.then(|| Self { sender: sender.to_owned(), identifier: identifier.to_owned(), sent: sent.to_owned() })
    }

    /// Whether it can be written without breaking the list that it stands in.
    pub fn is_sound(&self) -> bool {
        let part = |s: &str| !s.is_empty() && !s.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',');
        part(&self.sender) && part(&self.identifier) && part(&self.sent)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", self.sender, self.identifier, self.sent)
    }
}

/// A value under a name that the standard does not fix: eventCode, parameter, geocode.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NamedValue {
    /// What kind of value.
    pub value_name: String,
    /// The value; may be empty.
    pub value: String,
}

impl NamedValue {
    /// A value and its name.
    pub fn new(value_name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { value_name: value_name.into(), value: value.into() }
    }
}

/// A file that belongs to an alert.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// What it is, in words.
    pub resource_desc: String,
    /// Its MIME type; empty only in CAP 1.1.
    pub mime_type: String,
    /// Its size, bytes.
    pub size: Option<u64>,
    /// Where it is.
    pub uri: Option<String>,
    /// The file itself, base64.
    pub deref_uri: Option<String>,
    /// SHA-1 of it, hex, as the standard has it.
    pub digest: Option<String>,
}

impl Resource {
    /// A file of a type.
    pub fn new(resource_desc: impl Into<String>, mime_type: impl Into<String>) -> Self {
        Self { resource_desc: resource_desc.into(), mime_type: mime_type.into(), ..Self::default() }
    }
}

/// What an alert says, in one language.
#[derive(Debug, Clone, PartialEq)]
pub struct Info {
    /// RFC 3066 code; absent means `en-US`.
    pub language: Option<String>,
    /// At least one.
    pub category: Vec<Category>,
    /// The kind of event, in words.
    pub event: String,
    /// What to do.
    pub response_type: Vec<ResponseType>,
    /// When to act.
    pub urgency: Urgency,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub certainty: Certainty,
    /// For whom, in words.
    pub audience: Option<String>,
    /// Codes of the event, as `SAME` = `CEM`.
    pub event_code: Vec<NamedValue>,
    /// From when it holds; absent means when it was sent.
    pub effective: Option<DateTime>,
    /// When the event is expected.
    pub onset: Option<DateTime>,
    /// Until when it holds; absent leaves it to the reader.
    pub expires: Option<DateTime>,
    /// The sender's name for people.
    pub sender_name: Option<String>,
    /// A headline; at most 160 characters reach everybody.
    pub headline: Option<String>,
    /// What is known.
    pub description: Option<String>,
    /// What to do.
    pub instruction: Option<String>,
    /// More about it, a whole URI.
    pub web: Option<String>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// Values under names of the sender's choice.
    pub parameter: Vec<NamedValue>,
    /// Files.
    pub resource: Vec<Resource>,
    /// Where.
    pub area: Vec<Area>,
}

impl Info {
    /// An event of a category of which nothing else is known yet.
    pub fn new(category: Category, event: impl Into<String>) -> Self {
        Self {
            language: None,
            category: vec![category],
            event: event.into(),
            response_type: Vec::new(),
            urgency: Urgency::Unknown,
            severity: Severity::Unknown,
            certainty: Certainty::Unknown,
            audience: None,
            event_code: Vec::new(),
            effective: None,
            onset: None,
            expires: None,
            sender_name: None,
            headline: None,
            description: None,
            instruction: None,
            web: None,
            contact: None,
            parameter: Vec::new(),
            resource: Vec::new(),
            area: Vec::new(),
        }
    }

    /// The language of its texts.
    pub fn language(&self) -> &str {
        self.language.as_deref().unwrap_or("en-US")
    }

    /// Adds a parameter.
    pub fn parameter(&mut self, value_name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.parameter.push(NamedValue::new(value_name, value));
        self
    }

    /// The value of the first parameter of a name.
    pub fn parameter_of(&self, value_name: &str) -> Option<&str> {
        self.parameter.iter().find(|p| p.value_name == value_name).map(|p| p.value.as_str())
    }
}

/// One message. Once sent it is never changed: what changes is said by another one that references it.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// Unique for its sender.
    pub identifier: Name,
    /// Who issues it; unique in the world.
    pub sender: Name,
    /// When.
    pub sent: DateTime,
    /// Actual, or what else.
    pub status: Status,
    /// What it does.
    pub msg_type: MsgType,
    /// Where in the sender's house it comes from.
    pub source: Option<String>,
    /// Who may read it.
    pub scope: Scope,
    /// What rule keeps it; needed when Restricted.
    pub restriction: Option<String>,
    /// For whom it is; needed when Private.
    pub addresses: Vec<String>,
    /// Codes for its handling.
    pub code: Vec<String>,
    /// The exercise's name, or why a message was refused.
    pub note: Option<String>,
    /// The messages that it replaces, takes back or answers.
    pub references: Vec<Reference>,
    /// The incidents that it belongs to.
    pub incidents: Vec<String>,
    /// What it says, per language or part.
    pub info: Vec<Info>,
}

impl Alert {
    /// A draft for nobody yet: status `Draft`, scope `Private`, so that what is forgotten does no harm.
    pub fn new(identifier: Name, sender: Name, sent: DateTime) -> Self {
        Self {
            identifier,
            sender,
            sent,
            status: Status::Draft,
            msg_type: MsgType::Alert,
            source: None,
            scope: Scope::Private,
            restriction: None,
            addresses: Vec::new(),
            code: Vec::new(),
            note: None,
            references: Vec::new(),
            incidents: Vec::new(),
            info: Vec::new(),
        }
    }

    /// What another message calls this one.
    pub fn reference(&self) -> Reference {
        Reference {
            sender: self.sender.as_str().to_owned(),
            identifier: self.identifier.as_str().to_owned(),
            sent: self.sent.to_string(),
        }
    }

    /// Says that it replaces (`Update`), takes back (`Cancel`) or answers (`Ack`, `Error`) those messages: name all that are
    /// still valid, not only the last.
    #[must_use]
    pub fn about(mut self, msg_type: MsgType, earlier: impl IntoIterator<Item = Reference>) -> Self {
        self.msg_type = msg_type;
        self.references.extend(earlier);
        self
    }

    /// Whether it may be treated as a real alert.
    pub fn is_actual(&self) -> bool {
        self.status == Status::Actual
    }
}

/// The items of `addresses` or `incidents`, and whether its quotes were whole.
pub(super) fn read_list(text: &str) -> (Vec<String>, bool) {
    let mut items = Vec::new();
    let mut rest = text.trim_ascii_start();
    let mut whole = true;
    while !rest.is_empty() {
        let (item, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or_else(|| {
                whole = false;
                (quoted, "")
            }),
            None => rest.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((rest, "")),
        };
        let item = item.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        if !item.is_empty() {
            items.push(item);
        }
        rest = after.trim_ascii_start();
    }
    (items, whole)
}

/// The text of a list. A quotation mark inside an item cannot be written and becomes an apostrophe.
pub(super) fn write_list(items: &[String]) -> String {
    let mut out = String::new();
    for item in items.iter().filter(|i| !i.trim_ascii().is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        let item = item.replace('"', "'");
        if item.contains(|c: char| c.is_ascii_whitespace()) {
            out.push('"');
            out.push_str(&item);
            out.push('"');
        } else {
            out.push_str(&item);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_holds_nothing_that_breaks_references() {
        for bad in ["", "a b", "a,b", "a<b", "a&b", "a\nb", "a\u{a0}b", &"x".repeat(513)] {
            assert!(Name::new(bad).is_err(), "{bad}");
        }
        assert_eq!(Name::new("urn:oid:2.49.0.1.124.30.2019").unwrap().as_str(), "urn:oid:2.49.0.1.124.30.2019");
    }

    #[test]
    fn lists_keep_items_with_spaces_together() {
        let list = |t: &str| read_list(t);
        let items = |v: &[&str]| v.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        assert_eq!(list("  a \"b  c\"\n d "), (items(&["a", "b c", "d"]), true));
        assert_eq!(list("a \"b c"), (items(&["a", "b c"]), false));
        assert_eq!(list("\"\" "), (vec![], true));
        assert_eq!(write_list(&items(&["a", "b c", " ", "d\"e"])), "a \"b c\" d'e");
    }

    #[test]
    fn a_reference_has_three_parts() {
        assert_eq!(Reference::read("s,i,t").unwrap().to_string(), "s,i,t");
        for bad in ["", "s,i", "s,,t", "s,i,t,x", ",i,t"] {
            assert_eq!(Reference::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_new_alert_is_no_real_one() {
        let name = || Name::new("x").unwrap();
        let a = Alert::new(name(), name(), DateTime::utc(skypicket_model::Time::from_micros(0)));
        assert!(!a.is_actual());
        assert_eq!(a.scope, Scope::Private);
    }
}
