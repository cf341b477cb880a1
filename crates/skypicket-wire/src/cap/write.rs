//! [`Alert::to_xml`]: an alert as CAP 1.2, its elements in the order of the schema.
//!
//! Total: every alert has its text. Blank optional texts and empty lists are not written, a reference that would break the
//! list is left out, characters that XML does not know become U+FFFD. Whether the result is a *good* alert is for
//! [`super::check::alert`] to say, before.

use super::{
    alert::{Alert, Info, NamedValue, Resource, write_list},
    area::Area,
    c14n::escape_text,
    read::CAP_12,
};
use crate::cot::xml::is_xml_char;

/// Where the signature goes: the end of the root.
pub(super) const END: &str = "</alert>\n";

impl Alert {
    /// Its XML, with a declaration.
    pub fn to_xml(&self) -> String {
        let mut w = Writer { out: String::new(), depth: 0 };
        w.out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert xmlns=\"");
        w.out.push_str(CAP_12);
        w.out.push_str("\">\n");
        w.depth = 1;
        w.text("identifier", self.identifier.as_str());
        w.text("sender", self.sender.as_str());
        w.text("sent", &self.sent.to_string());
        w.text("status", self.status.as_str());
        w.text("msgType", self.msg_type.as_str());
        w.some("source", self.source.as_deref());
        w.text("scope", self.scope.as_str());
        w.some("restriction", self.restriction.as_deref());
        w.some("addresses", Some(&write_list(&self.addresses)));
        for code in &self.code {
            w.text("code", code);
        }
        w.some("note", self.note.as_deref());
        let sound = self.references.iter().filter(|r| r.is_sound());
        w.some("references", Some(&sound.map(ToString::to_string).collect::<Vec<_>>().join(" ")));
        w.some("incidents", Some(&write_list(&self.incidents)));
        for info in &self.info {
            w.within("info", |w| w.info(info));
        }
        w.out.push_str(END);
        w.out
    }
}

struct Writer {
    out: String,
    depth: usize,
}

impl Writer {
    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn text(&mut self, name: &str, text: &str) {
        self.indent();
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
        if text.chars().all(is_xml_char) {
            escape_text(text, &mut self.out);
        } else {
            let known: String = text.chars().map(|c| if is_xml_char(c) { c } else { '\u{FFFD}' }).collect();
            escape_text(&known, &mut self.out);
        }
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push_str(">\n");
    }

    fn some(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|t| !t.trim_ascii().is_empty()) {
            self.text(name, text);
        }
    }

    fn within(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.indent();
        self.out.push('<');
        self.out.push_str(name);
        self.out.push_str(">\n");
        self.depth += 1;
        inside(self);
        self.depth -= 1;
        self.indent();
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push_str(">\n");
    }

    fn info(&mut self, i: &Info) {
        self.some("language", i.language.as_deref());
        for c in &i.category {
            self.text("category", c.as_str());
        }
        self.text("event", &i.event);
        for r in &i.response_type {
            self.text("responseType", r.as_str());
        }
        self.text("urgency", i.urgency.as_str());
        self.text("severity", i.severity.as_str());
        self.text("certainty", i.certainty.as_str());
        self.some("audience", i.audience.as_deref());
        self.named("eventCode", &i.event_code);
        for (name, time) in [("effective", i.effective), ("onset", i.onset), ("expires", i.expires)] {
            self.some(name, time.map(|t| t.to_string()).as_deref());
        }
        self.some("senderName", i.sender_name.as_deref());
        self.some("headline", i.headline.as_deref());
        self.some("description", i.description.as_deref());
        self.some("instruction", i.instruction.as_deref());
        self.some("web", i.web.as_deref());
        self.some("contact", i.contact.as_deref());
        self.named("parameter", &i.parameter);
        for r in &i.resource {
            self.within("resource", |w| w.resource(r));
        }
        for a in &i.area {
            self.within("area", |w| w.area(a));
        }
    }

    fn named(&mut self, name: &str, values: &[NamedValue]) {
        for v in values {
            self.within(name, |w| {
                w.text("valueName", &v.value_name);
                w.text("value", &v.value);
            });
        }
    }

    fn resource(&mut self, r: &Resource) {
        self.text("resourceDesc", &r.resource_desc);
        self.text("mimeType", &r.mime_type);
        self.some("size", r.size.map(|s| s.to_string()).as_deref());
        self.some("uri", r.uri.as_deref());
        self.some("derefUri", r.deref_uri.as_deref());
        self.some("digest", r.digest.as_deref());
    }

    fn area(&mut self, a: &Area) {
        self.text("areaDesc", &a.area_desc);
        for p in &a.polygon {
            self.text("polygon", &p.to_string());
        }
        for c in &a.circle {
            self.text("circle", &c.to_string());
        }
        self.named("geocode", &a.geocode);
        for (name, feet) in [("altitude", a.altitude), ("ceiling", a.ceiling)] {
            self.some(name, feet.filter(|f| f.is_finite()).map(|f| f.to_string()).as_deref());
        }
    }
}
