//! [`Queue`]: what waits for a channel, what goes next, and whether the channel is up. Pure: time is an argument.

use super::{
    Breaker,
    carrier::{Outgoing, Sent, Trouble, Why},
    rate::{Bucket, LEVELS, Share, rank},
    view::{Counts, Line, View},
};
use skypicket_model::{DeliveryId, Level, Time};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::{Duration, Instant},
};

/// How a courier is set.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Its channel's word, as people see it: `mail`, `sms`, or a configured name.
    pub name: String,
    /// Most messages that wait; at least 3. Each level leaves an eighth of it for each level above.
    pub room: usize,
    /// Most messages under way at a time; at least 3, shared in the same way.
    pub at_once: usize,
    /// Messages a second, over time; `None`: as many as the channel takes.
    pub per_s: Option<f64>,
    /// Messages at once before the rate counts; at least 3, shared in the same way.
    pub burst: usize,
    /// A rest that the other side asks for is waited for up to this long; for a longer one the channel is down.
    pub patience: Duration,
}

impl Settings {
    /// With defaults: 20,000 wait, 8 under way, no rate, 5 s of patience.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            room: 20_000,
            at_once: 8,
            per_s: None,
            burst: 16,
            patience: Duration::from_secs(5),
        }
    }
}

/// Why a message is not taken at the door. All but [`Refused::Already`] are sure failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// One of the same delivery waits or is under way: its report comes. Not a failure.
    #[error("this delivery waits or is under way already")]
    Already,
    /// All the room that its level may use is full.
    #[error("too many messages wait for this channel")]
    Full,
    /// Its time is over.
    #[error("its time is over")]
    Expired,
    /// The channel is down.
    #[error("the channel is down")]
    Down,
    /// The centre goes down.
    #[error("the channel is being shut down")]
    Closed,
}

impl Refused {
    /// What became of the attempt; `None` when another one decides that.
    pub fn sent(self) -> Option<Sent> {
        let why = match self {
            Self::Already => return None,
            Self::Full => Why::QueueFull,
            Self::Expired => Why::Expired,
            Self::Down => Why::ChannelDown,
            Self::Closed => Why::ShutDown,
        };
        Some(Sent::Failed(if why == Why::Expired { Trouble::of_message(why) } else { Trouble::of_channel(why) }))
    }
}

/// What became of an attempt that was taken: one for each, always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The delivery.
    pub delivery: DeliveryId,
    /// The attempt.
    pub attempt: u32,
    /// What became of it.
    pub sent: Sent,
}

/// What a courier tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// What became of an attempt.
    Report(Report),
    /// The channel is down; what waited has failed.
    Down(Why),
    /// The channel takes messages again.
    Up,
}

/// One that waits.
struct Waiting<L> {
    message: Outgoing<L>,
    taken: Instant,
    /// The centre's time when it was taken.
    wall: Time,
    expires: Option<Instant>,
}

/// One that goes now.
pub(super) struct Going<L> {
    pub(super) message: Outgoing<L>,
    /// The centre's time.
    pub(super) now: Time,
}

/// What is to be done now.
pub(super) enum Next<L> {
    /// Send it.
    Send(Going<L>),
    /// See whether the other side is there again, and tell.
    Probe,
    /// Nothing before this moment, unless something happens; `None`: until something happens.
    Wait(Option<Instant>),
    /// Nothing any more: closed, and all is told.
    Done,
}

#[derive(Clone, Copy)]
enum Place {
    Waits(Level, u64),
    UnderWay(u32),
}

/// What waits for a channel.
pub(super) struct Queue<L> {
    settings: Settings,
    room: Share,
    at_once: Share,
    bucket: Option<Bucket>,
    breaker: Breaker,
    line: Line,
    probing: bool,
    /// Waiting ones by level, each by the order of their coming.
    waiting: [BTreeMap<u64, Waiting<L>>; 3],
    places: HashMap<DeliveryId, Place>,
    expiries: BTreeSet<(Instant, Level, u64)>,
    under_way: usize,
    /// Not yet told to the owner.
    news: VecDeque<News>,
    untold: usize,
    next_seq: u64,
    closed: bool,
    counts: Counts,
    last: Option<(Why, Instant)>,
}

impl<L> Queue<L> {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            room: Share::of(settings.room),
            at_once: Share::of(settings.at_once),
            bucket: settings.per_s.map(|per_s| Bucket::new(per_s, settings.burst)),
            breaker: Breaker::default(),
            line: Line::Up,
            probing: false,
            waiting: [BTreeMap::new(), BTreeMap::new(), BTreeMap::new()],
            places: HashMap::new(),
            expiries: BTreeSet::new(),
            under_way: 0,
            news: VecDeque::new(),
            untold: 0,
            next_seq: 0,
            closed: false,
            counts: Counts::default(),
            last: None,
            settings,
        }
    }

    fn of(&mut self, level: Level) -> &mut BTreeMap<u64, Waiting<L>> {
        let [advisory, caution, urgent] = &mut self.waiting;
        match level {
            Level::Advisory => advisory,
            Level::Caution => caution,
            Level::Urgent => urgent,
        }
    }

    fn count(&self) -> usize {
        self.waiting.iter().map(BTreeMap::len).sum()
    }

    /// Takes a message, or says at the door why not. What is taken is reported exactly once.
    pub(super) fn take(&mut self, message: Outgoing<L>, wall: Time, now: Instant) -> Result<(), Refused> {
        let refused = self.admit(&message, wall);
        if let Err(why) = refused {
            if why != Refused::Already {
                self.counts.refused += 1;
            }
            return Err(why);
        }
        let (level, delivery) = (message.level, message.delivery);
        let expires = message.expires_at.map(|at| now + Duration::from_secs_f64(at.since_s(wall).clamp(0.0, 1e8)));
        let seq = self.next_seq;
        self.next_seq += 1;
        self.places.insert(delivery, Place::Waits(level, seq));
        if let Some(at) = expires {
            self.expiries.insert((at, level, seq));
        }
        self.of(level).insert(seq, Waiting { message, taken: now, wall, expires });
        Ok(())
    }

    fn admit(&self, message: &Outgoing<L>, wall: Time) -> Result<(), Refused> {
        if self.places.contains_key(&message.delivery) {
            return Err(Refused::Already);
        }
        if self.closed {
            return Err(Refused::Closed);
        }
        if message.expires_at.is_some_and(|at| at <= wall) {
            return Err(Refused::Expired);
        }
        if self.line == Line::Down {
            return Err(Refused::Down);
        }
        // What is not told yet takes room too: an owner that does not listen must not make this grow.
        if self.count() + self.untold >= self.room.below(message.level) {
            return Err(Refused::Full);
        }
        Ok(())
    }

    /// What is to be done now.
    pub(super) fn next(&mut self, now: Instant) -> Next<L> {
        self.expire(now);
        let expiry = self.expiries.first().map(|(at, _, _)| *at);
        let or_expiry = |at: Instant| Next::Wait(Some(expiry.map_or(at, |e| e.min(at))));
        if self.closed && self.count() == 0 && self.under_way == 0 {
            return Next::Done;
        }
        if self.line == Line::Down {
            return match self.breaker.rests(now) {
                _ if self.probing || self.closed => Next::Wait(None),
                Some(rest) => Next::Wait(Some(now + rest)),
                None => {
                    self.probing = true;
                    Next::Probe
                }
            };
        }
        let Some(level) = LEVELS.into_iter().find(|l| self.waiting.get(rank(*l)).is_some_and(|w| !w.is_empty())) else {
            return Next::Wait(None);
        };
        if let Some(rest) = self.breaker.rests(now) {
            return or_expiry(now + rest);
        }
        // On trial one goes alone. Whoever may not go while a higher level waits is looked at only after it: what a
        // lower level may use, a higher one may use too, so none is held behind a lower one.
        if (self.line == Line::Trial && self.under_way > 0) || self.under_way >= self.at_once.below(level) {
            return Next::Wait(expiry);
        }
        if let Some(bucket) = &mut self.bucket
            && let Err(at) = bucket.take(level, now)
        {
            return or_expiry(at);
        }
        let Some((seq, w)) = self.of(level).pop_first() else { return Next::Wait(expiry) };
        if let Some(at) = w.expires {
            self.expiries.remove(&(at, level, seq));
        }
        self.places.insert(w.message.delivery, Place::UnderWay(w.message.attempt));
        self.under_way += 1;
        let now = w.wall.plus_s(now.saturating_duration_since(w.taken).as_secs_f64());
        Next::Send(Going { message: w.message, now })
    }

    /// What became of one that was sent.
    pub(super) fn done(&mut self, delivery: DeliveryId, sent: Sent, now: Instant) {
        let Some(Place::UnderWay(attempt)) = self.places.get(&delivery).copied() else { return };
        self.places.remove(&delivery);
        self.under_way -= 1;
        match &sent {
            Sent::Accepted { .. } => self.counts.accepted += 1,
            Sent::Delivered => self.counts.delivered += 1,
            Sent::Failed(_) => self.counts.failed += 1,
            Sent::Ambiguous(_) => self.counts.ambiguous += 1,
        }
        let against = sent.against_channel().cloned();
        if let Sent::Failed(t) | Sent::Ambiguous(t) = &sent {
            self.last = Some((t.why, now));
        }
        self.tell(delivery, attempt, sent);
        match against {
            None => {
                self.breaker.good();
                if self.line == Line::Trial {
                    self.line = Line::Up;
                }
            }
            Some(t) => self.struck(&t, now),
        }
    }

    /// Something spoke against the channel.
    fn struck(&mut self, t: &Trouble, now: Instant) {
        // One that only asks for a pause works.
        if t.why != Why::Busy || t.rest.is_none() {
            self.breaker.bad(now);
        }
        if let Some(rest) = t.rest {
            self.breaker.asked(now, rest);
        }
        let long = self.breaker.rests(now).is_some_and(|r| r > self.settings.patience);
        if self.line != Line::Down && (self.breaker.is_open() || long) {
            self.line = Line::Down;
            self.news.push_back(News::Down(t.why));
            self.fail_waiting(Why::ChannelDown, now);
        }
    }

    /// What a probe found.
    pub(super) fn probed(&mut self, found: &Result<(), Trouble>, now: Instant) {
        self.probing = false;
        match found {
            Ok(()) if self.line == Line::Down => {
                self.breaker.half_open();
                self.line = Line::Trial;
                self.news.push_back(News::Up);
            }
            Ok(()) => {}
            Err(t) => {
                self.last = Some((t.why, now));
                // However it failed, it is not asked again at once.
                self.breaker.half_open();
                self.breaker.bad(now);
                if let Some(rest) = t.rest {
                    self.breaker.asked(now, rest);
                }
            }
        }
    }

    /// Takes back what waits of these deliveries; each is reported as cancelled. How many there were. One that is under
    /// way goes on, and its report says what became of it.
    pub(super) fn cancel(&mut self, deliveries: &[DeliveryId], now: Instant) -> usize {
        let mut taken_back = 0;
        for delivery in deliveries {
            if let Some(Place::Waits(level, seq)) = self.places.get(delivery).copied() {
                self.fail_one(level, seq, Why::Cancelled, now);
                taken_back += 1;
            }
        }
        taken_back
    }

    fn expire(&mut self, now: Instant) {
        while let Some(&(at, level, seq)) = self.expiries.first()
            && at <= now
        {
            self.fail_one(level, seq, Why::Expired, now);
        }
    }

    fn fail_one(&mut self, level: Level, seq: u64, why: Why, now: Instant) {
        let Some(w) = self.of(level).remove(&seq) else { return };
        if let Some(at) = w.expires {
            self.expiries.remove(&(at, level, seq));
        }
        self.places.remove(&w.message.delivery);
        match why {
            Why::Expired => self.counts.expired += 1,
            Why::Cancelled => self.counts.cancelled += 1,
            _ => self.counts.failed += 1,
        }
        if why == Why::Expired {
            self.last = Some((why, now));
        }
        self.tell(w.message.delivery, w.message.attempt, Sent::Failed(Trouble::of_message(why)));
    }

    fn fail_waiting(&mut self, why: Why, now: Instant) {
        for level in LEVELS {
            while let Some(&seq) = self.of(level).keys().next() {
                self.fail_one(level, seq, why, now);
            }
        }
    }

    /// Takes nothing more.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Sends nothing more: what waits has surely failed.
    pub(super) fn give_up(&mut self, now: Instant) {
        self.closed = true;
        self.fail_waiting(Why::ShutDown, now);
    }

    fn tell(&mut self, delivery: DeliveryId, attempt: u32, sent: Sent) {
        self.untold += 1;
        self.news.push_back(News::Report(Report { delivery, attempt, sent }));
    }

    /// The next that the owner is to be told, in the order in which it happened.
    pub(super) fn news(&mut self) -> Option<News> {
        let news = self.news.pop_front();
        if matches!(news, Some(News::Report(_))) {
            self.untold -= 1;
        }
        news
    }

    /// Whether the owner knows all.
    pub(super) fn is_told(&self) -> bool {
        self.news.is_empty()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// For people to look at.
    pub(super) fn view(&self, now: Instant) -> View {
        let [advisory, caution, urgent] = &self.waiting;
        let oldest = self.waiting.iter().filter_map(|w| w.first_key_value().map(|(_, w)| w.taken)).min();
        let age = |at: Instant| now.saturating_duration_since(at).as_secs_f64();
        View {
            name: self.settings.name.clone(),
            line: self.line,
            rests_s: self.breaker.rests(now).map(|r| r.as_secs_f64()),
            urgent: urgent.len(),
            caution: caution.len(),
            advisory: advisory.len(),
            room: self.room.total(),
            oldest_s: oldest.map(age),
            under_way: self.under_way,
            counts: self.counts,
            last_trouble: self.last.map(|(why, _)| why),
            last_trouble_s: self.last.map(|(_, at)| age(at)),
        }
    }
}

#[cfg(test)]
mod tests;
