//! [`Detail`]: what an event says beyond place and time. Its elements are kept whole, in order; the parts that we know
//! are read out of them and made into them by types named as the elements are.

use super::xml::{Element, Node};

/// The `detail` element's children.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detail {
    /// All of them, known and unknown, in order.
    pub elements: Vec<Element>,
}

/// The names of the parts read by type; [`Detail::rest`] is what is left.
pub const KNOWN: [&str; 10] =
    ["contact", "__chat", "__chatreceipt", "link", "remarks", "track", "sensor", "emergency", "takv", "__group"];

impl Detail {
    /// With one more part.
    #[must_use]
    pub fn with(mut self, part: impl Into<Element>) -> Self {
        self.elements.push(part.into());
        self
    }

    fn first(&self, name: &str) -> Option<&Element> {
        self.elements.iter().find(|e| e.name == name)
    }

    /// Call-sign and endpoint.
    pub fn contact(&self) -> Option<Contact> {
        let e = self.first("contact")?;
        Some(Contact { callsign: text(e, "callsign"), endpoint: text(e, "endpoint") })
    }

    /// Chat.
    pub fn chat(&self) -> Option<Chat> {
        self.first("__chat").map(Chat::of)
    }

    /// Receipt of a chat message.
    pub fn chat_receipt(&self) -> Option<Chat> {
        self.first("__chatreceipt").map(Chat::of)
    }

    /// Links to other events.
    pub fn links(&self) -> impl Iterator<Item = Link> {
        self.elements.iter().filter(|e| e.name == "link").filter_map(|e| {
            let uid = text(e, "uid")?;
            Some(Link { uid, kind: text(e, "type"), relation: text(e, "relation") })
        })
    }

    /// Words.
    pub fn remarks(&self) -> Option<Remarks> {
        let e = self.first("remarks")?;
        Some(Remarks { source: text(e, "source"), to: text(e, "to"), time: text(e, "time"), text: e.text() })
    }

    /// Motion.
    pub fn track(&self) -> Option<Motion> {
        let e = self.first("track")?;
        Some(Motion { speed_mps: number(e, "speed", 0.0, 1e6), course_deg: number(e, "course", 0.0, 360.0) })
    }

    /// Field of view.
    pub fn sensor(&self) -> Option<Sensor> {
        let e = self.first("sensor")?;
        Some(Sensor {
            azimuth_deg: number(e, "azimuth", 0.0, 360.0).map(|a| if a >= 360.0 { 0.0 } else { a }),
            fov_deg: number(e, "fov", 0.0, 360.0),
            range_m: number(e, "range", 0.0, 1e6),
            elevation_deg: number(e, "elevation", -90.0, 90.0),
            model: text(e, "model"),
        })
    }

    /// Emergency beacon.
    pub fn emergency(&self) -> Option<Emergency> {
        let e = self.first("emergency")?;
        let cancel = e.attribute("cancel").is_some_and(|c| c.eq_ignore_ascii_case("true"));
        Some(Emergency { kind: text(e, "type"), cancel, text: e.text() })
    }

    /// The client's software.
    pub fn takv(&self) -> Option<Takv> {
        let e = self.first("takv")?;
        Some(Takv {
            device: text(e, "device"),
            platform: text(e, "platform"),
            os: text(e, "os"),
            version: text(e, "version"),
        })
    }

    /// Team and role.
    pub fn group(&self) -> Option<Group> {
        let e = self.first("__group")?;
        Some(Group { name: text(e, "name"), role: text(e, "role") })
    }

    /// The XML of every part that no type here reads.
    pub fn rest(&self) -> String {
        let mut out = String::new();
        for e in self.elements.iter().filter(|e| !KNOWN.contains(&e.name.as_str())) {
            e.write(&mut out);
        }
        out
    }
}

fn text(e: &Element, name: &str) -> Option<String> {
    e.attribute(name).filter(|v| !v.is_empty()).map(str::to_owned)
}

/// A number within its range; anything else is unknown.
fn number(e: &Element, name: &str, least: f64, most: f64) -> Option<f64> {
    let v: f64 = e.attribute(name)?.trim().parse().ok()?;
    (least..=most).contains(&v).then_some(v)
}

/// `<contact>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// Name as shown.
    pub callsign: Option<String>,
    /// Where to reach it, as `ip:port:protocol`.
    pub endpoint: Option<String>,
}

impl From<Contact> for Element {
    fn from(c: Contact) -> Self {
        Self::new("contact").with_some("callsign", c.callsign).with_some("endpoint", c.endpoint)
    }
}

/// `<__chat>` and `<__chatreceipt>`, which have the same attributes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chat {
    /// The conversation: the other's uid, or a room.
    pub id: Option<String>,
    /// The message.
    pub message_id: Option<String>,
    /// Room as shown.
    pub chatroom: Option<String>,
    /// Name of the sender.
    pub sender_callsign: Option<String>,
    /// Parent in the contact tree.
    pub parent: Option<String>,
    /// Whether the sender owns the group.
    pub group_owner: Option<String>,
    /// `uid0`, `uid1` … of the `chatgrp`: the sender first.
    pub members: Vec<String>,
}

impl Chat {
    fn of(e: &Element) -> Self {
        let group = e.child("chatgrp");
        let members = (0..64).map_while(|k| group.and_then(|g| text(g, &format!("uid{k}"))));
        Self {
            id: text(e, "id"),
            message_id: text(e, "messageId"),
            chatroom: text(e, "chatroom"),
            sender_callsign: text(e, "senderCallsign"),
            parent: text(e, "parent"),
            group_owner: text(e, "groupOwner"),
            members: members.collect(),
        }
    }

    /// As an element of the given name.
    pub fn element(self, name: &str) -> Element {
        let mut group = Element::new("chatgrp").with_some("id", self.id.clone());
        for (k, uid) in self.members.into_iter().enumerate() {
            group = group.with(&format!("uid{k}"), uid);
        }
        Element::new(name)
            .with_some("id", self.id)
            .with_some("messageId", self.message_id)
            .with_some("chatroom", self.chatroom)
            .with_some("senderCallsign", self.sender_callsign)
            .with_some("parent", self.parent)
            .with_some("groupOwner", self.group_owner)
            .with_child(group)
    }
}

/// `<link>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// The other event.
    pub uid: String,
    /// Its type.
    pub kind: Option<String>,
    /// How they belong together; `p-p` is parent.
    pub relation: Option<String>,
}

impl From<Link> for Element {
    fn from(l: Link) -> Self {
        Self::new("link").with("uid", l.uid).with_some("type", l.kind).with_some("relation", l.relation)
    }
}

/// `<remarks>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remarks {
    /// Who wrote them.
    pub source: Option<String>,
    /// To whom.
    pub to: Option<String>,
    /// When, as written.
    pub time: Option<String>,
    /// The words.
    pub text: String,
}

impl From<Remarks> for Element {
    fn from(r: Remarks) -> Self {
        let e = Self::new("remarks").with_some("source", r.source).with_some("to", r.to).with_some("time", r.time);
        e.with_text(r.text)
    }
}

/// `<track>`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Motion {
    /// Speed, m/s.
    pub speed_mps: Option<f64>,
    /// Course from true north, degrees, 0 to 360.
    pub course_deg: Option<f64>,
}

impl From<Motion> for Element {
    fn from(m: Motion) -> Self {
        let show = |v: f64| format!("{v:.2}");
        Self::new("track").with_some("speed", m.speed_mps.map(show)).with_some("course", m.course_deg.map(show))
    }
}

/// `<sensor>`: a wedge from the event's point.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sensor {
    /// Direction from true north, degrees, 0 ≤ a < 360.
    pub azimuth_deg: Option<f64>,
    /// Width, degrees.
    pub fov_deg: Option<f64>,
    /// Reach, metres.
    pub range_m: Option<f64>,
    /// Above the horizon, degrees.
    pub elevation_deg: Option<f64>,
    /// What it is.
    pub model: Option<String>,
}

impl From<Sensor> for Element {
    fn from(s: Sensor) -> Self {
        let show = |v: f64| v.to_string();
        Self::new("sensor")
            .with_some("azimuth", s.azimuth_deg.map(show))
            .with_some("fov", s.fov_deg.map(show))
            .with_some("range", s.range_m.map(show))
            .with_some("elevation", s.elevation_deg.map(show))
            .with_some("model", s.model)
    }
}

/// `<emergency>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Emergency {
    /// Which (`911 Alert`, `In Contact` …).
    pub kind: Option<String>,
    /// Takes an earlier one back.
    pub cancel: bool,
    /// The call-sign.
    pub text: String,
}

/// `<takv>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Takv {
    /// Device.
    pub device: Option<String>,
    /// Client.
    pub platform: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// Version.
    pub version: Option<String>,
}

/// `<__group>`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// Team colour.
    pub name: Option<String>,
    /// Role.
    pub role: Option<String>,
}

impl From<&Detail> for Element {
    fn from(d: &Detail) -> Self {
        let nodes = d.elements.iter().cloned().map(Node::Element).collect();
        Self { nodes, ..Self::new("detail") }
    }
}
