//! [`Board`]: of each channel, whether it takes messages and whether they arrive: what the engines are told of it, and
//! what people see.

use crate::inbox::{Inbox, Job};
use serde::Serialize;
use skypicket_model::{Channel, Time, entry::ChannelState};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The last test message that came round.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Round {
    /// When it was sent.
    pub at: Time,
    /// How long it took, seconds.
    pub took_s: f64,
}

/// How one channel stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// As the engines know it.
    pub state: ChannelState,
    /// Since when it is so.
    pub since: Time,
    /// When it was last tested.
    pub tested_at: Option<Time>,
    /// The last test that came round.
    pub round: Option<Round>,
    down: Option<String>,
    deaf: Option<String>,
    told: Option<ChannelState>,
}

impl Standing {
    fn now(&self) -> ChannelState {
        match (&self.down, &self.deaf) {
            (Some(why), _) => ChannelState::Down { why: why.clone() },
            (None, Some(why)) => ChannelState::Deaf { why: why.clone() },
            (None, None) => ChannelState::Up,
        }
    }
}

/// Every channel that is set up.
pub struct Board {
    inbox: Arc<Inbox>,
    channels: Mutex<BTreeMap<Channel, Standing>>,
}

impl Board {
    /// With no channel.
    pub fn new(inbox: Arc<Inbox>) -> Self {
        Self { inbox, channels: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Channel, Standing>> {
        // Each change under this lock is whole by itself.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A channel is set up. That one to providers takes messages is news to the engines at each start; the others are up
    /// for each person apart.
    pub fn open(&self, channel: Channel, now: Time) {
        let told = channel.is_personal().then_some(ChannelState::Up);
        let (state, since) = (ChannelState::Up, now);
        let standing = Standing { state, since, tested_at: None, round: None, down: None, deaf: None, told };
        self.lock().insert(channel, standing);
        self.settle(now);
    }

    /// It takes messages, or none for this reason.
    pub fn takes(&self, channel: Channel, down: Option<String>, now: Time) {
        if let Some(s) = self.lock().get_mut(&channel) {
            s.down = down;
        }
        self.settle(now);
    }

    /// A test message came round, or did not for this reason; `None`: nothing speaks against the channel.
    pub fn tested(&self, channel: Channel, found: Result<Option<Round>, String>, now: Time) {
        if let Some(s) = self.lock().get_mut(&channel) {
            s.tested_at = Some(now);
            match found {
                Ok(round) => {
                    s.round = round.or(s.round);
                    s.deaf = None;
                }
                Err(why) => s.deaf = Some(why),
            }
        }
        self.settle(now);
    }

    /// Tells the engines what changed, and again what they did not take.
    pub fn settle(&self, now: Time) {
        for (channel, s) in self.lock().iter_mut() {
            let state = s.now();
            if s.state != state {
                s.state = state.clone();
                s.since = now;
            }
            if s.told.as_ref() == Some(&state) {
                continue;
            }
            match self.inbox.push(Job::Channel(*channel, state.clone())) {
                Ok(()) => {
                    match &state {
                        ChannelState::Up => tracing::info!(channel = channel.word(), "a channel is up"),
                        ChannelState::Down { why } => {
                            tracing::warn!(channel = channel.word(), why, "a channel is down");
                        }
                        ChannelState::Deaf { why } => {
                            tracing::warn!(channel = channel.word(), why, "a channel takes messages but does not work");
                        }
                    }
                    s.told = Some(state);
                }
                Err(error) => tracing::warn!(%error, channel = channel.word(), "a channel's change was not taken"),
            }
        }
    }

    /// Each channel that is set up, as it stands.
    pub fn all(&self) -> BTreeMap<Channel, Standing> {
        self.lock().clone()
    }

    /// What every page must say of channels that do not work.
    pub fn warnings(&self) -> Vec<String> {
        let say = |(channel, s): (&Channel, &Standing)| match &s.state {
            ChannelState::Up => None,
            ChannelState::Down { why } => Some(format!("Channel {} is down: {why}.", channel.word())),
            ChannelState::Deaf { why } => {
                Some(format!("Channel {} takes messages, but a test did not come round: {why}.", channel.word()))
            }
        };
        self.lock().iter().filter_map(say).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    const NOW: Time = Time::from_micros(1_790_000_000_000_000);

    fn told(inbox: &Inbox) -> Vec<(Channel, ChannelState)> {
        let jobs = inbox.take(Instant::now(), || true).jobs;
        jobs.into_iter()
            .map(|j| match j {
                Job::Channel(c, s) => (c, s),
                _ => panic!("only channels are told"),
            })
            .collect()
    }

    #[test]
    fn the_engines_are_told_each_change_once_and_a_channel_that_is_down_is_not_called_deaf() {
        let inbox = Arc::new(Inbox::default());
        let board = Board::new(Arc::clone(&inbox));
        board.open(Channel::Mail, NOW);
        board.open(Channel::Web, NOW);
        assert_eq!(told(&inbox), [(Channel::Mail, ChannelState::Up)], "a page is up for each person apart");
        let failed = || Err("timed_out".to_owned());
        board.tested(Channel::Mail, failed(), NOW);
        board.tested(Channel::Mail, failed(), NOW.plus_s(1.0));
        let deaf = ChannelState::Deaf { why: "timed_out".into() };
        assert_eq!(told(&inbox), [(Channel::Mail, deaf.clone())]);
        assert_eq!(board.all()[&Channel::Mail].since, NOW);
        board.takes(Channel::Mail, Some("no_connection".into()), NOW);
        assert_eq!(told(&inbox), [(Channel::Mail, ChannelState::Down { why: "no_connection".into() })]);
        board.takes(Channel::Mail, None, NOW);
        assert_eq!(told(&inbox), [(Channel::Mail, deaf)], "no test came round since");
        board.tested(Channel::Mail, Ok(Some(Round { at: NOW, took_s: 1.0 })), NOW);
        assert_eq!(told(&inbox), [(Channel::Mail, ChannelState::Up)]);
        assert_eq!(board.warnings(), Vec::<String>::new());
        board.tested(Channel::Sms, failed(), NOW);
        assert_eq!(told(&inbox), [], "what is not set up is not spoken of");
    }

    #[test]
    fn what_the_engines_did_not_take_is_told_again() {
        let inbox = Arc::new(Inbox::default());
        for _ in 0..crate::inbox::MAX_JOBS {
            inbox.push(Job::Ask(Box::new(|_| ()))).unwrap();
        }
        let board = Board::new(Arc::clone(&inbox));
        board.open(Channel::Sms, NOW);
        inbox.take(Instant::now(), || true);
        board.settle(NOW.plus_s(1.0));
        assert_eq!(told(&inbox), [(Channel::Sms, ChannelState::Up)]);
    }
}
