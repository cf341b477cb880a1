//! [`Relay`]: switches a siren, a lamp or a horn of the centre's own: on while a notice stands, off when it ends.
//!
//! **Alarm devices only.** It says that an alarm is on or off and nothing else: no position, no track, no aim. Nothing
//! that acts on a drone may hang behind it; see `docs/defensive.md`.
//!
//! A signed POST as a [`crate::webhook::Webhook`]'s, with the body
//!
//! ```json
//! {"type":"alarm","notice":"0199…","version":2,"on":true,"level":"urgent","until":"2026-11-23T06:24:00Z","exercise":null}
//! ```
//!
//! It states how things are, so it may be repeated: the device keeps a state by `notice`, takes the highest `version`,
//! sounds while any notice is on, and falls silent by itself at `until`, should the centre be gone by then. Versions of
//! one notice are sent one after another, and an older one than was sent is not sent any more: an "off" can not be
//! overtaken by its "on".

use crate::{
    courier::{Carrier, Outgoing, Sent, Trouble, Why},
    post::PosterError,
    webhook::SignedPost,
};
use serde::{Deserialize, Serialize};
use skypicket_model::{Level, NoticeId, SourceId, Time, Tlp};
use skypicket_wire::render::{MOST_BY_STRANGERS, releases};
use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Notices whose state is remembered; beyond, the one that was looked at longest ago is forgotten.
const MOST_NOTICES: usize = 4_096;

/// Settings of a [`Relay`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelayConfig {
    /// Its name, by which the addresses of devices mean it.
    pub id: SourceId,
    /// Where to post.
    pub url: String,
    /// File with the signing key, or with two while it is being changed, the present one first.
    pub secret_file: PathBuf,
    /// http although the address is not this machine. Default false.
    #[serde(default)]
    pub insecure: bool,
    /// Trust only the certificates of this PEM file. Default: what browsers trust.
    #[serde(default)]
    pub roots: Option<PathBuf>,
    /// Sounds in exercises too. Default false: a siren is heard by people who know of no exercise.
    #[serde(default)]
    pub in_exercises: bool,
    /// Falls silent by itself so long after the newest version of what it sounds for, should the centre be gone by then,
    /// seconds, 10 to 86,400. Default 600.
    #[serde(default = "RelayConfig::default_most_on_s")]
    pub most_on_s: f64,
}

impl RelayConfig {
    fn default_most_on_s() -> f64 {
        600.0
    }
}

/// What a relay carries: how things are with a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayLetter {
    /// The notice.
    pub notice: NoticeId,
    /// Its version: of two states the higher one holds.
    pub version: u32,
    /// Whether the alarm is on.
    pub on: bool,
    /// When the device falls silent by itself.
    pub until: Option<Time>,
    /// Label of the notice: above TLP:GREEN the level is not told.
    pub tlp: Tlp,
    /// Name of the exercise; `None` is live.
    pub exercise: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    notice: NoticeId,
    version: u32,
    on: bool,
    level: Option<Level>,
    until: Option<Time>,
    exercise: Option<&'a str>,
}

/// One notice: the highest state that was begun to be sent. Held while one is under way.
type State = Arc<tokio::sync::Mutex<Option<(u32, bool)>>>;

#[derive(Default)]
struct States {
    by_notice: HashMap<NoticeId, (u64, State)>,
    /// By when they were looked at.
    order: BTreeMap<u64, NoticeId>,
    next: u64,
}

/// Switches an alarm device.
pub struct Relay {
    signed: SignedPost,
    in_exercises: bool,
    states: Mutex<States>,
}

impl Relay {
    /// Reads the key and sets up.
    pub fn new(config: &RelayConfig) -> Result<Self, PosterError> {
        if !(10.0..=86_400.0).contains(&config.most_on_s) {
            return Err(PosterError::Setting { key: "most_on_s", problem: "must be 10 to 86400 seconds".into() });
        }
        let signed = SignedPost::new(&config.url, config.insecure, config.roots.as_deref(), &config.secret_file)?;
        Ok(Self { signed, in_exercises: config.in_exercises, states: Mutex::default() })
    }

    /// The host, for people to look at.
    pub fn host(&self) -> &str {
        self.signed.host()
    }

    /// Sees whether a signed test, at which nothing sounds, is answered 2xx.
    pub async fn test(&self, id: &str, exercise: Option<&str>, now: Time) -> Result<(), Trouble> {
        self.signed.test(id, exercise, now).await
    }

    fn state(&self, notice: NoticeId) -> State {
        // Each change under this lock is whole by itself.
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = states.next;
        states.next += 1;
        states.order.insert(turn, notice);
        if let Some((before, state)) = states.by_notice.get_mut(&notice) {
            let before = std::mem::replace(before, turn);
            let state = Arc::clone(state);
            states.order.remove(&before);
            return state;
        }
        if states.by_notice.len() >= MOST_NOTICES
            && let Some((_, oldest)) = states.order.pop_first()
        {
            states.by_notice.remove(&oldest);
        }
        let state = State::default();
        states.by_notice.insert(notice, (turn, Arc::clone(&state)));
        state
    }
}

impl Carrier for Relay {
    type Letter = RelayLetter;

    // One may wait for the one before it.
    const LONGEST: Duration = crate::post::LONGEST.saturating_mul(2);

    async fn send(&self, message: &Outgoing<RelayLetter>, now: Time) -> Sent {
        let letter = &message.letter;
        if letter.exercise.is_some() && !self.in_exercises {
            return Sent::Failed(Trouble::of_message(Why::Refused));
        }
        let state = self.state(letter.notice);
        let mut state = state.lock().await;
        // Within one version off is later than on: a warning that is cleared keeps no version of its own here.
        if state.is_some_and(|sent| sent > (letter.version, !letter.on)) {
            return Sent::Failed(Trouble::of_message(Why::Superseded));
        }
        let body = Body {
            r#type: "alarm",
            notice: letter.notice,
            version: letter.version,
            on: letter.on,
            level: releases(letter.tlp, MOST_BY_STRANGERS).then_some(message.level),
            until: letter.until,
            exercise: letter.exercise.as_deref(),
        };
        let Ok(body) = serde_json::to_vec(&body) else {
            return Sent::Failed(Trouble::of_message(Why::Fault));
        };
        *state = Some((letter.version, !letter.on));
        match self.signed.post(&message.key(), body, now).await {
            // The device is the recipient.
            Ok(_) => Sent::Delivered,
            Err(sent) => sent,
        }
    }

    async fn probe(&self) -> Result<(), Trouble> {
        self.signed.poster.probe().await
    }
}
