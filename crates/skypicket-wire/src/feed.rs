//! [`Feed`]: the bytes of one receiver, gateway or aircraft to what they say.
//!
//! A feed decodes; it moves no bytes and knows no time but the one it is given. What it hears comes out as [`Heard`], in
//! order: observations, signs of life of a receiver, and refusals, which cost only themselves. The same feed takes whole
//! messages (a datagram, an MQTT payload, an HTTP body) and pieces of a stream (TCP, a serial line), and keeps a bounded
//! rest of an unfinished one.

use crate::{
    adsb, mavlink, netrid,
    observation_line::{self, Context, Sources},
    receivers,
    relayed::STALE_S,
};
use serde::{Deserialize, Serialize};
use skypicket_model::{Observation, ObservationId, Place, SourceId, Time, observation::IdClaim};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// In what format a receiver speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FeedFormat {
    /// Observations as JSON lines ([`observation_line`]).
    Lines,
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
    pub const ALL: [Self; 13] = [
        Self::Lines,
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
            Self::Lines => "lines",
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
        FeedFormat::Lines => Box::<LineFeed>::default(),
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

/// Cuts a stream into lines, or takes those of a whole message; the rest of an unfinished one is bounded.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    kept: Vec<u8>,
    /// Bytes of the stream before `kept`.
    before: u64,
    /// The line at hand is over the bound: it is passed over to its end.
    passing: bool,
}

impl Lines {
    /// Most bytes of a line.
    pub const MOST: usize = 64 * 1024;

    /// Gives each line that is whole by now, with where it began; a line over the bound comes once, as nothing.
    pub fn cut(&mut self, bytes: &[u8], piece: Piece, line: &mut dyn FnMut(Option<&[u8]>, u64)) {
        if piece == Piece::Whole {
            let mut at = 0;
            for l in bytes.split(|b| *b == b'\n') {
                line((l.len() <= Self::MOST).then_some(l), at);
                at += l.len() as u64 + 1;
            }
            return;
        }
        let mut pieces = bytes.split(|b| *b == b'\n').peekable();
        while let Some(p) = pieces.next() {
            let is_end = pieces.peek().is_some();
            if !self.passing && self.kept.len() + p.len() > Self::MOST {
                line(None, self.before);
                self.before += self.kept.len() as u64;
                self.kept = Vec::new();
                self.passing = true;
            }
            if self.passing {
                self.before += p.len() as u64;
            } else if !is_end {
                self.kept.extend_from_slice(p);
            } else if self.kept.is_empty() {
                line(Some(p), self.before);
                self.before += p.len() as u64;
            } else {
                self.kept.extend_from_slice(p);
                line(Some(&self.kept), self.before);
                self.before += self.kept.len() as u64;
                self.kept.clear();
            }
            if is_end {
                self.before += 1;
                self.passing = false;
            }
        }
    }
}

/// [`FeedFormat::Lines`]. What a line names as its source is taken for the receiver's name.
#[derive(Debug, Default)]
struct LineFeed {
    lines: Lines,
}

impl Feed for LineFeed {
    fn hear(&mut self, bytes: &[u8], piece: Piece, at: &mut Moment<'_>, out: &mut dyn FnMut(Heard)) {
        let Moment { source, received_at, retained, new_id, .. } = at;
        let now = *received_at;
        self.lines.cut(bytes, piece, &mut |line, began| {
            let Some(line) = line else { return out(Heard::Refused { reason: "line_too_long", offset: began }) };
            if line.trim_ascii().is_empty() {
                return;
            }
            let mut make_id = || ObservationId(new_id());
            let (sources, received_at) = (Sources::Any, Some(*received_at));
            let mut context = Context { source, sources, received_at, make_id: &mut make_id, ahead_s: None };
            match observation_line::decode(line, &mut context) {
                // What a broker kept may be hours old.
                Ok(o) if *retained && now.since_s(o.observed_at) > STALE_S => {
                    out(Heard::Refused { reason: "retained", offset: began });
                }
                Ok(mut o) => {
                    let receiver = (o.source != **source).then(|| o.source.as_str().to_owned());
                    o.source = (*source).clone();
                    out(Heard::Observation { receiver, observation: Box::new(o) });
                }
                Err(e) => out(Heard::Refused { reason: e.reason(), offset: began + e.offset().unwrap_or(0) }),
            }
        });
    }

    fn restart(&mut self) {
        self.lines = Lines::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(feed: &mut dyn Feed, pieces: &[&[u8]], piece: Piece) -> Vec<Heard> {
        let source = SourceId::new("gate").unwrap();
        let received_at = Time::from_unix_s(1_700_000_000.5).unwrap();
        let mut heard = Vec::new();
        let mut n = 0u128;
        for p in pieces {
            let mut new_id = || {
                n += 1;
                Uuid::from_u128(n)
            };
            let mut at = Moment::new(&source, received_at, &mut new_id);
            feed.hear(p, piece, &mut at, &mut |h| heard.push(h));
        }
        heard
    }

    const GOOD: &str = r#"{"t":1700000000.25,"source":"mast-2","lla":[31.76,-106.49,null],"claims":{"serial":"1ABC"}}"#;

    #[test]
    fn a_line_is_an_observation_of_the_receiver_that_it_names() {
        let text = format!("{GOOD}\n\nnot json\n{}", GOOD.replace("mast-2", "gate"));
        let heard = all(&mut *open(FeedFormat::Lines), &[text.as_bytes()], Piece::Whole);
        let [
            Heard::Observation { receiver: Some(name), observation },
            Heard::Refused { reason, offset },
            Heard::Observation { receiver: None, .. },
        ] = heard.as_slice()
        else {
            panic!("{heard:?}")
        };
        assert_eq!((name.as_str(), observation.source.as_str()), ("mast-2", "gate"));
        assert_eq!((*reason, *offset), ("json_syntax", GOOD.len() as u64 + 2 + 1));
    }

    #[test]
    fn a_line_over_the_bound_is_refused_once_and_costs_only_itself() {
        let long = "x".repeat(3 * Lines::MOST);
        let text = format!("{GOOD}\n{long}\n{GOOD}\n");
        for size in [1_000, Lines::MOST, text.len()] {
            let pieces: Vec<_> = text.as_bytes().chunks(size).collect();
            let heard = all(&mut *open(FeedFormat::Lines), &pieces, Piece::Stream);
            assert!(
                matches!(
                    heard.as_slice(),
                    [
                        Heard::Observation { .. },
                        Heard::Refused { reason: "line_too_long", .. },
                        Heard::Observation { .. }
                    ]
                ),
                "in pieces of {size}: {} heard",
                heard.len()
            );
        }
    }

    proptest! {
        #[test]
        fn however_a_stream_is_cut_the_same_lines_come_out(text in "[ab\n]{0,80}", cut in 1_usize..20) {
            let whole: Vec<_> = {
                let mut lines = Vec::new();
                Lines::default().cut(format!("{text}\n").as_bytes(), Piece::Stream, &mut |l, at| lines.push((l.map(<[u8]>::to_vec), at)));
                lines
            };
            let mut lines = Vec::new();
            let mut cutter = Lines::default();
            for piece in format!("{text}\n").as_bytes().chunks(cut) {
                cutter.cut(piece, Piece::Stream, &mut |l, at| lines.push((l.map(<[u8]>::to_vec), at)));
            }
            prop_assert_eq!(&lines, &whole);
            let mut at = 0;
            for (line, l) in text.split('\n').zip(&lines) {
                prop_assert_eq!(l, &(Some(line.as_bytes().to_vec()), at));
                at += line.len() as u64 + 1;
            }
        }
    }
}
