//! [`Feed`]: the bytes of one receiver, gateway or aircraft to what they say.
//!
//! A feed decodes; it moves no bytes and knows no time but the one it is given. What it hears comes out as [`Heard`], in
//! order: observations, signs of life of a receiver, and refusals, which cost only themselves. The same feed takes whole
//! messages (a datagram, an MQTT payload, an HTTP body) and pieces of a stream (TCP, a serial line), and keeps a bounded
//! rest of an unfinished one.

use serde::{Deserialize, Serialize};
use skypicket_model::{Observation, Place, SourceId, Time};
use uuid::Uuid;

/// In what format a receiver speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeedFormat {}

/// What a feed needs to know of the moment at which bytes came.
pub struct Moment<'a> {
    /// Whose the observations are, until their receiver's own name says more.
    pub source: &'a SourceId,
    /// When the bytes came.
    pub received_at: Time,
    /// Where the receiver stands, where that is configured or was learned.
    pub receiver_at: Option<Place>,
    /// Topic that a message came under; empty where the bearer has none.
    pub topic: &'a str,
    /// Makes ids of observations.
    pub new_id: &'a mut dyn FnMut() -> Uuid,
}

/// One thing that came out of a feed.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Something was seen or heard in the air.
    Observation {
        /// The receiver's own name, where the message gives one: several may stand behind one gateway.
        receiver: Option<String>,
        /// What it said. Affiliation is never taken from a gateway; there is no place for it here.
        observation: Box<Observation>,
    },
    /// A receiver says that it is there.
    Alive {
        /// Its own name, where it gives one.
        receiver: Option<String>,
        /// Where it says that it stands.
        at: Option<Place>,
    },
    /// Something could not be read. What was sound beside it comes out as well.
    Refused {
        /// The fixed word for why.
        reason: &'static str,
        /// Where, in bytes from the start of the message, or of the stream.
        offset: u64,
    },
}

/// Where bytes end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// The bytes are a message by themselves.
    Whole,
    /// The bytes are the next piece of a stream.
    Stream,
}

/// Bytes of one receiver to what they say. Takes any bytes at all without a panic.
pub trait Feed: Send {
    /// Takes the next bytes and gives what is whole by now to `out`, in order.
    fn hear(&mut self, bytes: &[u8], piece: Piece, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard));
}

/// A feed of a format, at its start.
pub fn open(format: FeedFormat) -> Box<dyn Feed> {
    match format {}
}
