//! Broadcast Remote ID: ASTM F3411 and ASD-STAN 4709-002, a module per message in the standard's own name.
//!
//! Decoding keeps the raw integers of the air; methods turn them into quantities, `None` where a sentinel or an
//! impossible value stands, and [`Flags`] say what was doubtful. No allocation, no panic, any bytes. [`observe()`] turns
//! what was decoded into an observation, [`decode_line`] into the JSON line of `skypicket decode remote-id`. The
//! encoders serve exercises and tests: nothing here transmits.

#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

pub mod authentication;
pub mod basic_id;
pub mod beacon;
pub mod ble;
pub mod error;
pub mod flags;
pub mod gatherer;
pub mod header;
mod line;
pub mod location;
mod message;
pub mod nan;
pub mod observe;
pub mod operator_id;
pub mod pack;
mod quantity;
pub mod render;
pub mod self_id;
pub mod system;
pub mod text;

pub use authentication::Authentication;
pub use basic_id::BasicId;
pub use error::{DecodeError, ErrorKind};
pub use flags::Flags;
pub use gatherer::{AuthenticationSet, Gatherer};
pub use header::{Header, MESSAGE_SIZE, Raw};
pub use line::{As, NotAForm, decode_line};
pub use location::Location;
pub use message::Message;
pub use observe::observe;
pub use operator_id::OperatorId;
pub use pack::{Decoded, decode_advertised, decode_payload};
pub use self_id::SelfId;
pub use system::System;
