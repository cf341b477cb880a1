//! Common Alerting Protocol (CAP): alerts between warning systems, as XML.
//!
//! OASIS CAP 1.2; 1.1 is read too, never written. [`alert`] has the types in the standard's words, [`time`] its dateTime,
//! [`area`] its shapes, [`read`] makes an alert of bytes and keeps what is good of a bad one, [`write`] makes bytes of an
//! alert, [`check`] knows the rules that no schema knows, [`signature`] verifies and makes XML signatures over
//! [`c14n`], [`tree`] is the XML under all of them, [`inbox`] says what a received alert does to those before it, and
//! [`decode`] shows a file.
//!
//! What an alert says is a claim, also when its signature is good: the signature says who claims it.
//!
//! # A bulletin as an alert
//! ```
//! use skypicket_wire::cap::{
//!     Alert, Area, Category, Certainty, Circle, DateTime, Info, MsgType, Name, Scope, Severity, Status, Urgency, check,
//! };
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sent = DateTime::utc("2026-11-26T18:00:00Z".parse()?);
//! let mut alert = Alert::new(Name::new("OSA-2026-014.1")?, Name::new("centre@example.org")?, sent);
//! (alert.status, alert.msg_type, alert.scope) = (Status::Exercise, MsgType::Alert, Scope::Restricted);
//! alert.restriction = Some("TLP:AMBER; releasable to: agency-a".into());
//! alert.note = Some("Exercise FIRST LIGHT".into());
//! let mut info = Info::new(Category::Security, "Drone threat");
//! (info.urgency, info.severity, info.certainty) = (Urgency::Expected, Severity::Severe, Certainty::Likely);
//! info.parameter("TLP", "AMBER").parameter("BulletinNo", "2026-014");
//! let mut area = Area::new("Crossing west of the bridge");
//! area.circle.push(Circle::new(31.76, -106.49, 5.0)?);
//! info.area.push(area);
//! alert.info.push(info);
//! assert!(check::alert(&alert).is_empty());
//! assert!(alert.to_xml().contains("<sent>2026-11-26T18:00:00-00:00</sent>"));
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod alert;
pub mod area;
pub mod c14n;
pub mod check;
pub mod decode;
pub mod inbox;
pub mod read;
pub mod signature;
pub mod time;
pub mod tree;
pub mod write;

pub use alert::{
    Alert, Category, Certainty, Info, MsgType, Name, NamedValue, Reference, Resource, ResponseType, Scope, Severity,
    Status, Urgency,
};
pub use area::{Area, Circle, Polygon};
pub use check::Problem;
pub use read::{Received, Version};
pub use time::DateTime;
pub use tree::Document;
