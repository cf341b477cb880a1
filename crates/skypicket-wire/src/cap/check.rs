//! [`Problem`]: what is wrong with an alert; [`alert`] and [`ipaws`] find what a schema cannot.
//!
//! A *refused* problem breaks the schema. The others are flags: the standard's prose, a profile, or a slip of real files
//! that does no harm to the reader.

use super::{
    alert::{Alert, Info, MsgType, Reference, Scope},
    time::DateTime,
};

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Fixed word, as `value_unknown`.
    pub word: &'static str,
    /// Where: elements from the root down, repeated ones counted from 1, as `info[1]/area[2]/polygon[1]`; the root is `alert`.
    pub path: String,
    /// Where in the bytes, when it was read.
    pub offset: Option<u64>,
    /// The same in a sentence.
    pub message: String,
    /// Breaks the schema.
    pub refused: bool,
}

impl Problem {
    fn flag(word: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { word, path: path.into(), offset: None, message: message.into(), refused: false }
    }
}

/// A headline longer than this is cut by some receivers, characters.
pub const HEADLINE: usize = 160;

/// What the prose of the standard asks for, and what only we could have made wrong (a missing category). Empty for an alert
/// that may be sent.
pub fn alert(a: &Alert) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut flag = |word, path: &str, message: &str| found.push(Problem::flag(word, path, message));
    for (path, name) in [("identifier", &a.identifier), ("sender", &a.sender)] {
        if !name.is_sound() {
            flag(
                "name_characters",
                path,
                "empty, too long, or holds a space, comma, < or &: no other message can refer to it",
            );
        }
    }
    let blank = |text: &Option<String>| text.as_deref().is_none_or(|t| t.trim_ascii().is_empty());
    if a.scope == Scope::Restricted && blank(&a.restriction) {
        flag("restriction_missing", "restriction", "scope Restricted needs a restriction");
    }
    if a.scope == Scope::Private && a.addresses.iter().all(|i| i.trim_ascii().is_empty()) {
        flag("addresses_missing", "addresses", "scope Private needs addresses");
    }
    if a.msg_type != MsgType::Alert && a.references.is_empty() {
        flag("references_missing", "references", &format!("msgType {} needs references", a.msg_type));
    }
    if a.references.iter().any(|r| !r.is_sound()) {
        flag("references_syntax", "references", "a part is empty or holds a space or comma");
    }
    if a.references.iter().any(|r| *r == a.reference()) {
        flag("references_itself", "references", "a message cannot replace itself");
    }
    if a.msg_type == MsgType::Error && blank(&a.note) {
        flag("note_missing", "note", "msgType Error needs a note that says why");
    }
    if a.info.is_empty() && matches!(a.msg_type, MsgType::Alert | MsgType::Update) {
        flag("info_missing", "info", "it says nothing");
    }
    for (k, info) in a.info.iter().enumerate() {
        check_info(info, a.sent, &format!("info[{}]", k + 1), &mut found);
    }
    found
}

fn check_info(i: &Info, sent: DateTime, path: &str, found: &mut Vec<Problem>) {
    let mut flag = |word, field: &str, message: String| {
        found.push(Problem::flag(word, format!("{path}/{field}"), message));
    };
    if i.category.is_empty() {
        flag("category_missing", "category", "at least one category is needed".into());
    }
    if i.event.trim_ascii().is_empty() {
        flag("event_empty", "event", "empty".into());
    }
    if let Some(expires) = i.expires.filter(|e| e.at() <= i.effective.unwrap_or(sent).at()) {
        flag("expires_not_after_start", "expires", format!("{expires} is not after it begins"));
    }
    if let Some(long) = i.headline.as_ref().map(|h| h.chars().count()).filter(|n| *n > HEADLINE) {
        flag("headline_long", "headline", format!("{long} characters; some receivers cut at {HEADLINE}"));
    }
    for (k, area) in i.area.iter().enumerate() {
        if area.area_desc.trim_ascii().is_empty() {
            flag("area_desc_empty", &format!("area[{}]/areaDesc", k + 1), "empty".into());
        }
        if area.ceiling.is_some() && area.altitude.is_none() {
            flag("ceiling_without_altitude", &format!("area[{}]/ceiling", k + 1), "a ceiling needs an altitude".into());
        }
    }
    for (k, r) in i.resource.iter().enumerate() {
        if r.resource_desc.trim_ascii().is_empty() {
            flag("resource_desc_empty", &format!("resource[{}]/resourceDesc", k + 1), "empty".into());
        }
    }
}

/// The code that says that a message keeps the IPAWS profile.
pub const IPAWS: &str = "IPAWSv1.0";
/// Most characters of the parameters with the texts for phones.
pub const CMAM_LIMITS: [(&str, usize); 2] = [("CMAMtext", 90), ("CMAMlongtext", 360)];

/// What the profile of the United States' IPAWS asks beyond the standard. Real Cancels have no info, and are not flagged.
pub fn ipaws(a: &Alert) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut flag = |word, path: String, message: String| found.push(Problem::flag(word, path, message));
    if !a.code.iter().any(|c| c == IPAWS) {
        flag("ipaws_code", "code".into(), format!("no code {IPAWS}"));
    }
    if a.info.is_empty() && matches!(a.msg_type, MsgType::Alert | MsgType::Update) {
        flag("ipaws_info", "info".into(), "no info".into());
    }
    for (k, i) in a.info.iter().enumerate() {
        let path = |field: &str| format!("info[{}]/{field}", k + 1);
        if i.event_code.is_empty() {
            flag("ipaws_event_code", path("eventCode"), "no eventCode".into());
        }
        if i.expires.is_none() {
            flag("ipaws_expires", path("expires"), "no expires".into());
        }
        if i.area.is_empty() {
            flag("ipaws_area", path("area"), "no area".into());
        }
        for (name, most) in CMAM_LIMITS {
            if let Some(long) = i.parameter_of(name).map(|t| t.chars().count()).filter(|n| *n > most) {
                flag("ipaws_text_long", path("parameter"), format!("{name} has {long} characters of {most}"));
            }
        }
    }
    found
}

/// The references to name in an update or cancel: those messages' own, and all that they replaced and that is not said yet.
pub fn references_of<'a>(earlier: impl IntoIterator<Item = &'a Alert>) -> Vec<Reference> {
    let mut all: Vec<Reference> = Vec::new();
    for a in earlier {
        for r in a.references.iter().cloned().chain([a.reference()]) {
            if !all.contains(&r) {
                all.push(r);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cap::{Area, Category, Name, NamedValue, Resource, Status};
    use skypicket_model::Time;

    type Spoil = fn(&mut Alert);

    fn sound() -> Alert {
        let sent = DateTime::utc(Time::from_micros(1_700_000_000_000_000));
        let mut a = Alert::new(Name::new("1").unwrap(), Name::new("s").unwrap(), sent);
        (a.status, a.scope) = (Status::Actual, Scope::Public);
        a.code.push(IPAWS.into());
        let mut i = Info::new(Category::Security, "Drone threat");
        i.expires = Some(DateTime::utc(sent.at().plus_s(3600.0)));
        i.event_code.push(NamedValue::new("SAME", "LEW"));
        i.area.push(Area::new("here"));
        i.resource.push(Resource::new("map", "image/png"));
        a.info.push(i);
        a
    }

    #[test]
    fn each_rule_of_the_prose_has_its_word() {
        assert_eq!(alert(&sound()), []);
        let cases: &[(&str, &str, Spoil)] = &[
            ("name_characters", "identifier", |a| a.identifier = Name::as_read("a b")),
            ("name_characters", "sender", |a| a.sender = Name::as_read("")),
            ("restriction_missing", "restriction", |a| {
                (a.scope, a.restriction) = (Scope::Restricted, Some(" ".into()));
            }),
            ("addresses_missing", "addresses", |a| a.scope = Scope::Private),
            ("references_missing", "references", |a| a.msg_type = MsgType::Update),
            ("references_missing", "references", |a| a.msg_type = MsgType::Ack),
            ("references_syntax", "references", |a| {
                a.references.push(Reference { sender: "a b".into(), identifier: "i".into(), sent: "t".into() });
            }),
            ("references_itself", "references", |a| a.references.push(a.reference())),
            ("note_missing", "note", |a| {
                *a = a.clone().about(MsgType::Error, Reference::read("s,0,t"));
            }),
            ("info_missing", "info", |a| a.info.clear()),
            ("category_missing", "info[1]/category", |a| a.info[0].category.clear()),
            ("event_empty", "info[1]/event", |a| a.info[0].event = " ".into()),
            ("expires_not_after_start", "info[1]/expires", |a| a.info[0].expires = Some(a.sent)),
            ("expires_not_after_start", "info[1]/expires", |a| a.info[0].effective = a.info[0].expires),
            ("headline_long", "info[1]/headline", |a| a.info[0].headline = Some("\u{e9}".repeat(161))),
            ("area_desc_empty", "info[1]/area[1]/areaDesc", |a| a.info[0].area[0].area_desc.clear()),
            ("ceiling_without_altitude", "info[1]/area[1]/ceiling", |a| a.info[0].area[0].ceiling = Some(400.0)),
            ("resource_desc_empty", "info[1]/resource[1]/resourceDesc", |a| {
                a.info[0].resource[0].resource_desc.clear();
            }),
        ];
        for (word, path, spoil) in cases {
            let mut a = sound();
            spoil(&mut a);
            let found = alert(&a);
            assert_eq!(found.len(), 1, "{word} {found:?}");
            assert_eq!((found[0].word, found[0].path.as_str()), (*word, *path));
            assert!(!found[0].refused);
        }
    }

    #[test]
    fn a_headline_of_160_characters_and_a_cancel_without_info_are_good() {
        let mut a = sound();
        a.info[0].headline = Some("\u{e9}".repeat(160));
        assert_eq!(alert(&a), []);
        let mut a = sound().about(MsgType::Cancel, Reference::read("s,0,t"));
        a.info.clear();
        assert_eq!((alert(&a), ipaws(&a)), (vec![], vec![]));
    }

    #[test]
    fn each_rule_of_the_ipaws_profile_has_its_word() {
        assert_eq!(ipaws(&sound()), []);
        let cases: &[(&str, Spoil)] = &[
            ("ipaws_code", |a| a.code.clear()),
            ("ipaws_info", |a| a.info.clear()),
            ("ipaws_event_code", |a| a.info[0].event_code.clear()),
            ("ipaws_expires", |a| a.info[0].expires = None),
            ("ipaws_area", |a| a.info[0].area.clear()),
            ("ipaws_text_long", |a| {
                a.info[0].parameter("CMAMtext", "x".repeat(91));
            }),
            ("ipaws_text_long", |a| {
                a.info[0].parameter("CMAMlongtext", "x".repeat(361));
            }),
        ];
        for (word, spoil) in cases {
            let mut a = sound();
            spoil(&mut a);
            let words: Vec<_> = ipaws(&a).iter().map(|p| p.word).collect();
            assert_eq!(words, [*word]);
        }
        let mut a = sound();
        a.info[0].parameter("CMAMtext", "x".repeat(90)).parameter("CMAMlongtext", "x".repeat(360));
        assert_eq!(ipaws(&a), []);
    }

    #[test]
    fn an_update_names_all_that_came_before_once() {
        let first = sound();
        let mut second = sound().about(MsgType::Update, references_of([&first]));
        second.identifier = Name::new("2").unwrap();
        let names = |v: Vec<Reference>| v.into_iter().map(|r| r.identifier).collect::<Vec<_>>();
        assert_eq!(names(references_of([&first, &second])), ["1", "2"]);
        assert_eq!(names(references_of([&second])), ["1", "2"]);
    }
}
