//! [`Feed`]: the bytes of one receiver, gateway or aircraft to what they say.
//!
//! A feed decodes; it moves no bytes and knows no time but the one it is given. What it hears comes out as [`Heard`], in
//! order: observations, signs of life of a receiver, and refusals, which cost only themselves. The same feed takes whole
//! messages (a datagram, an MQTT payload, an HTTP body) and pieces of a stream (TCP, a serial line), and keeps a bounded
//! rest of an unfinished one.

use crate::{adsb, mavlink, netrid, receivers};
use serde::{Deserialize, Serialize};
use skypicket_model::{Observation, Place, SourceId, Time, observation::IdClaim};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// In what format a receiver speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedFormat {
    /// JSON of any receiver below but AntSDR, told apart by its content.
    Receivers,
    /// DroneScout: MQTT, JSON with a Remote ID structure inside, plain or LZMA.
    DroneScout,
    /// DragonSync and WarDragon: ZMQ, MQTT or HTTP, JSON.
    DragonSync,
    /// dronecot and the nodes it listens to: UDP, a JSON line each.
    DroneCot,
    /// mesh-mapper and its ESP32 nodes: serial or HTTP, a JSON line each.
    MeshMapper,
    /// AntSDR with the DJI firmware: TCP, binary frames.
    AntSdr,
    /// MAVLink 1 and 2: UDP, TCP or serial, binary frames.
    Mavlink,
    /// readsb and dump1090 `aircraft.json`: HTTP or a file, JSON.
    AircraftJson,
    /// Mode S Beast: TCP, binary frames.
    Beast,
    /// Raw Mode S in hexadecimal (`*8D…;`): TCP, a line each.
    Avr,
    /// BaseStation (SBS-1): TCP, comma-separated lines.
    Sbs,
    /// Network Remote ID, ASTM F3411-19 and F3411-22a: HTTP, JSON.
    NetRid,
}

impl FeedFormat {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Receivers,
        Self::DroneScout,
        Self::DragonSync,
        Self::DroneCot,
        Self::MeshMapper,
        Self::AntSdr,
        Self::Mavlink,
        Self::AircraftJson,
        Self::Beast,
        Self::Avr,
        Self::Sbs,
        Self::NetRid,
    ];

    /// Its word in a configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Receivers => "receivers",
            Self::DroneScout => "dronescout",
            Self::DragonSync => "dragonsync",
            Self::DroneCot => "dronecot",
            Self::MeshMapper => "meshmapper",
            Self::AntSdr => "antsdr",
            Self::Mavlink => "mavlink",
            Self::AircraftJson => "aircraftjson",
            Self::Beast => "beast",
            Self::Avr => "avr",
            Self::Sbs => "sbs",
            Self::NetRid => "netrid",
        }
    }
}

impl fmt::Display for FeedFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no format of a receiver")]
pub struct NotAFormat(String);

impl FromStr for FeedFormat {
    type Err = NotAFormat;
    fn from_str(s: &str) -> Result<Self, NotAFormat> {
        Self::ALL.into_iter().find(|f| f.as_str() == s).ok_or_else(|| NotAFormat(s.chars().take(40).collect()))
    }
}

/// An aircraft of one's own, by configuration: what its link says of its identity is not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnAircraft {
    /// MAVLink system id, 1 to 255; `None` is every aircraft of the link.
    pub system: Option<u8>,
    /// The identity that its observations get.
    pub id: IdClaim,
}

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
    /// The broker kept the message for whoever comes later: it may be of any age.
    pub retained: bool,
    /// Aircraft of one's own on this link.
    pub own: &'a [OwnAircraft],
    /// Makes ids of observations.
    pub new_id: &'a mut dyn FnMut() -> Uuid,
}

impl<'a> Moment<'a> {
    /// A moment of a source, with nothing else known.
    pub fn new(source: &'a SourceId, received_at: Time, new_id: &'a mut dyn FnMut() -> Uuid) -> Self {
        Self { source, received_at, receiver_at: None, topic: "", retained: false, own: &[], new_id }
    }
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
    /// A receiver, or its broker for it, says that it is no longer there.
    Gone {
        /// Its own name, where it gives one.
        receiver: Option<String>,
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

    /// A stream begins anew: what was unfinished belongs to the connection that broke.
    fn restart(&mut self);
}

/// A feed of a format, at its start.
pub fn open(format: FeedFormat) -> Box<dyn Feed> {
    use receivers::{As, Gateway};
    match format {
        FeedFormat::Receivers => Box::new(Gateway::new(As::Auto)),
        FeedFormat::DroneScout => Box::new(Gateway::new(As::DroneScout)),
        FeedFormat::DragonSync => Box::new(Gateway::new(As::DragonSync)),
        FeedFormat::DroneCot => Box::new(Gateway::new(As::DroneCot)),
        FeedFormat::MeshMapper => Box::new(Gateway::new(As::MeshMapper)),
        FeedFormat::AntSdr => Box::new(receivers::antsdr::AntSdr::default()),
        FeedFormat::Mavlink => Box::new(mavlink::Link::default()),
        FeedFormat::AircraftJson => Box::new(adsb::aircraft_json::Poll::default()),
        FeedFormat::Beast => Box::new(adsb::Receiver::new(adsb::Framing::Beast)),
        FeedFormat::Avr => Box::new(adsb::Receiver::new(adsb::Framing::Avr)),
        FeedFormat::Sbs => Box::new(adsb::sbs::Sbs::default()),
        FeedFormat::NetRid => Box::new(netrid::Provider::default()),
    }
}
