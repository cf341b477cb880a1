//! [`Chains`]: extended advertisements that are spread over several packets.
//!
//! An advertisement may begin with an address on one channel, go on elsewhere (AuxPtr) and end in further packets that
//! have no address (AUX_CHAIN_IND): the advertising data identifier and the channel pointed to join them. What is kept
//! is bounded; an advertisement that does not go on within seconds is forgotten.

use super::ble_link::Packet;
use skypicket_model::Time;
use std::{borrow::Cow, collections::VecDeque};

/// Most advertisements waited for.
const MOST: usize = 64;
/// Most advertising data of one advertisement, bytes (Core specification, volume 6, part B, 4.4.2.5).
const MOST_DATA: usize = 1_650;
/// A pointer reaches 2.46 s ahead; in a capture without times so many frames.
const REACH_S: f64 = 2.5;
const REACH_FRAMES: u64 = 2_000;

/// Advertisements of which more is to come.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chains {
    waiting: VecDeque<Begun>,
}

#[derive(Debug, Clone)]
struct Begun {
    adi: u16,
    channel: u8,
    advertiser: Option<[u8; 6]>,
    data: Vec<u8>,
    frame: u64,
    time: Option<Time>,
}

/// An advertisement as far as it was heard.
pub(crate) struct Joined<'a> {
    pub(crate) advertiser: Option<[u8; 6]>,
    pub(crate) data: Cow<'a, [u8]>,
    /// So many bytes at its start came in earlier packets.
    pub(crate) before: usize,
    /// More of it is to come.
    pub(crate) goes_on: bool,
}

impl Chains {
    /// Joins a packet to what it continues, and keeps it when it is continued itself.
    pub(crate) fn join<'a>(&mut self, p: &Packet<'a>, frame: u64, time: Option<Time>) -> Joined<'a> {
        let begun = self.begun(p, frame, time);
        let mut joined =
            Joined { advertiser: p.advertiser, data: p.data.into(), before: 0, goes_on: p.more_on.is_some() };
        if let Some(b) = begun {
            joined.advertiser = b.advertiser;
            joined.before = b.data.len();
            if joined.before > 0 {
                joined.data = [b.data.as_slice(), p.data].concat().into();
            }
        }
        if let (Some(adi), Some(channel)) = (p.adi, p.more_on)
            && joined.data.len() <= MOST_DATA
            && !p.clipped
        {
            if self.waiting.len() >= MOST {
                self.waiting.pop_front();
            }
            let (advertiser, data) = (joined.advertiser, joined.data.to_vec());
            self.waiting.push_back(Begun { adi, channel, advertiser, data, frame, time });
        }
        joined
    }

    /// Advertisements waited for now.
    pub(crate) fn kept(&self) -> usize {
        self.waiting.len()
    }

    /// Takes out what a packet without an address of its own continues.
    fn begun(&mut self, p: &Packet<'_>, frame: u64, time: Option<Time>) -> Option<Begun> {
        let adi = p.adi.filter(|_| p.extended && p.advertiser.is_none())?;
        let in_reach = |b: &Begun| match (b.time, time) {
            (Some(then), Some(now)) => (0.0..=REACH_S).contains(&now.since_s(then)),
            _ => frame.saturating_sub(b.frame) <= REACH_FRAMES,
        };
        self.waiting.retain(in_reach);
        let fits = |b: &Begun| b.adi == adi && p.channel.is_none_or(|c| c == b.channel);
        let at = self.waiting.iter().rposition(fits)?;
        self.waiting.remove(at)
    }
}
