//! Web Push (RFC 8030): a short message to a person's phone by way of the maker of its browser.
//!
//! The maker's server is a stranger in between: it sees when a phone is written to, never what ([`seal`], RFC 8291), and
//! its "201 Created" means that it took the message, never that the phone got it. [`WebPush`] sends to one subscription
//! at a time, says what became of it ([`Sent`]), and rests a host that does not answer. Who is sent what, and when again,
//! is not decided here.
//!
//! A subscription's endpoint is an address that a phone named: [`Endpoint`] takes only https to a host that the public
//! internet knows, so that nobody can have the centre knock on doors of its own network.

mod endpoint;
mod seal;
mod sender;
mod vapid;

pub use endpoint::{Endpoint, EndpointError};
pub use seal::{Keys, MOST_TEXT, SealError, seal};
pub use sender::{Message, Sent, Settings, WebPush};
pub use vapid::{KeyError, VapidKey};
