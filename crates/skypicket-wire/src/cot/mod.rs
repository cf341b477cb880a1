//! Cursor on Target (CoT), as XML: the language of TAK clients.
//!
//! Base event: MITRE "Cursor on Target Message Router" schema 2.0 (public release 11-3895); details, chat, receipts and
//! the legacy stream: as ATAK CIV writes and reads them. [`xml`] reads a small tree with limits, [`event`] the event in
//! it, [`detail`] its known parts, [`stream`] cuts a TCP stream into events, [`session`] is the server's side of one
//! connection without I/O, [`render`] makes events of our tracks and warnings, [`decode_lines`] shows a file's events.
//!
//! What an event says is a claim: its affiliation above all is kept as text and never believed.
//!
//! The accuracy `ce` and `le`: the schema calls them one sigma where they are errors, ATAK names them CE90 and LE90. We
//! write 90 % values (2.146 σ circular, 1.645 σ linear) and keep what we read as the number it was.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

mod decode;
pub mod detail;
pub mod event;
pub mod render;
pub mod session;
pub mod stream;
pub mod xml;

pub use decode::decode_lines;
pub use event::{Event, Point};
pub use session::{Output, Session};
pub use stream::{Breach, Cutter};
pub use xml::{Element, XmlError};
