//! [`Ear`]: what every bearer gives its bytes to: decodes them, says whose they are, counts, hands on.

use super::{FeedConfig, OwnConfig, ReceiverConfig};
use crate::{Health, Intake, ids, intake};
use skypicket_model::{Measurement, Observation, Place, SourceId, Time};
use skypicket_wire::feed::{self, Feed, FeedFormat, Heard, Moment, OwnAircraft, Piece};
use std::{collections::BTreeMap, sync::Arc};

/// Most bytes of a refused input given as a sample.
const SAMPLE: usize = 256;
/// Most receivers whose place is learned.
const MOST_LEARNED: usize = 256;
/// Longest name of a receiver that is looked at, bytes.
const MOST_NAME: usize = 128;

/// One feed's.
pub(super) struct Ear {
    format: FeedFormat,
    feed: Box<dyn Feed>,
    id: SourceId,
    receiver_at: Option<Place>,
    own: Vec<OwnAircraft>,
    receivers: BTreeMap<String, (ReceiverConfig, Arc<Health>)>,
    /// Where receivers said that they stand.
    learned: BTreeMap<String, Place>,
    health: Arc<Health>,
    intake: Option<Arc<dyn Intake>>,
}

impl Ear {
    pub(super) fn new(config: FeedConfig) -> Self {
        let receivers = config.receivers.into_iter().map(|(name, r)| (name, (r, Arc::default()))).collect();
        Self {
            format: config.format,
            feed: feed::open(config.format),
            id: config.id,
            receiver_at: config.receiver_at,
            own: config.own.into_iter().map(OwnConfig::known).collect(),
            receivers,
            learned: BTreeMap::new(),
            health: Arc::default(),
            intake: None,
        }
    }

    pub(super) fn give_to(&mut self, intake: Arc<dyn Intake>) {
        self.intake = Some(intake);
    }

    pub(super) fn id(&self) -> &SourceId {
        &self.id
    }

    pub(super) fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    pub(super) fn health_of(&self, id: &SourceId) -> Option<Arc<Health>> {
        self.receivers.values().find(|(r, _)| r.id == *id).map(|(_, h)| Arc::clone(h))
    }

    /// A connection stands: a stream begins at its start.
    pub(super) fn connected(&mut self) {
        self.feed.restart();
        self.health.connections(1);
        self.health.trouble(None);
        tracing::info!(source = %self.id, "feed connected");
    }

    /// It stands no longer, or never did. Said once in the log until it is another trouble.
    pub(super) fn disconnected(&self, why: &str) {
        self.health.connections(0);
        if self.health.trouble(Some(why)) {
            tracing::warn!(source = %self.id, why, "feed not connected");
        }
    }

    /// Something that is no format's matter was wrong.
    pub(super) fn refuse(&self, reason: &str, sample: &[u8]) {
        self.refuse_at(reason, None, sample);
    }

    fn refuse_at(&self, reason: &str, offset: Option<u64>, sample: &[u8]) {
        self.health.refused(reason, 1);
        if let Some(intake) = &self.intake {
            intake.refused(&self.id, reason, offset, sample.get(..SAMPLE).unwrap_or(sample));
        }
    }

    /// Takes a message, or the next bytes of a stream. `kept`: a broker kept it, so it may be of any age: that the source lives
    /// is only said by what comes of it with a fresh time of its own.
    pub(super) fn hear(&mut self, bytes: &[u8], piece: Piece, topic: &str, kept: bool) {
        let Some(intake) = self.intake.clone() else { return };
        let now = intake.now();
        if kept {
            self.health.received(1);
        } else {
            self.health.heard(now, 1);
        }
        let mut heard = Vec::new();
        let mut new_id = || ids::observation(now).0;
        let mut moment = Moment {
            receiver_at: self.receiver_at,
            topic,
            retained: kept,
            own: &self.own,
            ..Moment::new(&self.id, now, &mut new_id)
        };
        self.feed.hear(bytes, piece, &mut moment, &mut |h| heard.push(h));
        let mut batch = Vec::new();
        for h in heard {
            match h {
                Heard::Observation { receiver, observation } => {
                    let o = self.known(receiver.as_deref(), *observation, now);
                    batch.push(o);
                }
                Heard::Alive { receiver, at } => self.alive(receiver, at, now, kept),
                Heard::Gone { receiver } => self.gone(receiver.as_deref()),
                Heard::Refused { reason, offset } => self.refuse_at(reason, Some(offset), bytes),
            }
        }
        if !batch.is_empty() {
            self.health.decoded(batch.len() as u64);
            intake::hand_on(&*intake, batch);
        }
    }

    /// A document came again as it was: nothing new was heard. The server is there, unless its document has a clock of its own,
    /// which then stands still: a server goes on giving out what a decoder wrote last that has died.
    pub(super) fn same_again(&self) {
        let Some(intake) = &self.intake else { return };
        match self.format {
            FeedFormat::AircraftJson => self.health.received(1),
            _ => self.health.heard(intake.now(), 1),
        }
    }

    /// A receiver said that it is there.
    fn alive(&mut self, receiver: Option<String>, at: Option<Place>, now: Time, kept: bool) {
        let name = receiver.unwrap_or_default();
        if let Some((_, health)) = self.receivers.get(&name) {
            if kept {
                health.received(1);
            } else {
                health.heard(now, 1);
            }
            health.decoded(1);
        }
        self.receivers.get(&name).map_or(&self.health, |(_, own)| own).trouble(None);
        let room = self.learned.len() < MOST_LEARNED || self.learned.contains_key(&name);
        if let Some(at) = at.filter(|_| room && name.len() <= MOST_NAME) {
            self.learned.insert(name, at);
        }
    }

    /// A receiver said, or its broker said for it, that it is not there.
    fn gone(&self, receiver: Option<&str>) {
        let health = receiver.and_then(|name| self.receivers.get(name)).map_or(&self.health, |(_, own)| own);
        health.trouble(Some("it says itself that it is not there"));
    }

    /// An observation with whose it is and where its receiver stands: what is configured goes before what was said.
    fn known(&self, receiver: Option<&str>, mut o: Observation, now: Time) -> Observation {
        let name = receiver.unwrap_or_default();
        let own = self.receivers.get(name);
        if let Some((r, health)) = own {
            o.source = r.id.clone();
            health.heard(now, 1);
            health.decoded(1);
            health.lag(o.received_at.since_s(o.observed_at), now);
            // Whatever it said of itself before, it is there.
            health.trouble(None);
        } else {
            self.health.trouble(None);
        }
        self.health.lag(o.received_at.since_s(o.observed_at), now);
        let configured = own.and_then(|(r, _)| r.at).or(self.receiver_at);
        let said = o.signal.receiver_at;
        let at = configured.or(said).or_else(|| self.learned.get(name).copied());
        o.signal.receiver_at = at;
        if let Measurement::Presence { from, .. } = &mut o.measurement
            && (from.is_none() || *from == said)
        {
            *from = at;
        }
        o
    }
}
