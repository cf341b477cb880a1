//! Delivery under faults: one centre, its people and its channels, for days, in seconds.
//!
//! A [`Plan`] says what happens to the world; [`play`] plays it on a virtual clock and holds the world's own books (the
//! ledger) against what the centre says. The engines are the real ones; the record, the channels, the phones and the
//! people are made up. Everything comes from the seed: the same plan gives the same run, and a run that went wrong can be
//! made smaller ([`shrink`]) until what is left explains it.
//!
//! # What must hold
//! | word | promise |
//! |---|---|
//! | `delivered or visibly not` | everybody on the list of a committed version has it, or trouble, silence or what is due next is shown (promise 4) |
//! | `delivered means there` | what counts as delivered is on a machine of theirs, unless a provider lied |
//! | `one duplicate a fault`, `marked` | repeats of a delivery: at most one for each crash or lost connection, and marked |
//! | `list`, `release` | the list is the one that the rule means; nothing goes to whom the marking does not let see it (promise 5) |
//! | `newest only`, `older after newer`, `late` | nothing older leaves after something newer, nothing after its time |
//! | `corrected at once` | whoever has what it corrects on a channel that is up is handed it in the same commit |
//! | `corrected where it was` | a correction or recall goes over each channel that the older version went over |
//! | `acknowledgement lost`, `decision lost` | what somebody heard "received" for is there after any crash (promise 1) |
//! | `own acknowledgement`, `forged` | nobody's acknowledgement is another's |
//! | `own measures` | a measure counts as done for whoever ticked it and for nobody else, whatever they acknowledge |
//! | `ticks lost`, `ticks as said` | what somebody ticked and heard "received" for is there after any crash, as they said it last |
//! | `silent and not asked`, `silence climbs` | who is asked and silent owes it, and their leaders are told to the end |
//! | `only forward` | lists, attempts and how far a delivery is never go back |
//! | `one id, one notice` | two notices never have one id |
//! | `same record, same result` | the record read again gives the state, and decided again the decisions (promise 2) |
//! | `no mass re-alarm` | a restore by itself sends nothing |
//! | `queue` | what a client kept while it was away is delivered when everything works |
//! | `server time` | acknowledgements are timed by the record, whatever a device's clock says |
//!
//! Two centres, the line between them cut, are a world of their own ([`play_pair`]).
//!
//! # What is not here
//! Bytes: each channel's own protocol is tested where it lives, against scripted servers.

mod cast;
mod centre;
mod engines;
mod ledger;
mod pair;
mod planted;
mod script;
mod shrink;
mod world;

pub use ledger::Breach;
pub use pair::{BadLine, PairStats, play_pair};
pub use planted::Planted;
pub use script::{CrashAt, Doing, Manner, Plan, Point, Step};
pub use shrink::shrink;

/// What was counted in a run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Stats {
    /// Seconds of the virtual clock.
    pub simulated_s: f64,
    /// Things that happened.
    pub events: u64,
    /// Steps of the plan that were taken.
    pub steps: u64,
    /// Entries in the record at the end.
    pub entries: u64,
    /// Entries made, those that a crash lost included.
    pub entries_made: u64,
    /// Commits that became durable.
    pub commits: u64,
    /// Crashes.
    pub crashes: u64,
    /// Restores from a backup.
    pub restores: u64,
    /// Messages that left the centre.
    pub messages: u64,
    /// Of those, before they were durable.
    pub early: u64,
    /// Messages that came to a machine.
    pub arrivals: u64,
    /// Of those, such as made a person look.
    pub alarms: u64,
    /// Acts that a client heard "received" for.
    pub received: u64,
}

impl Stats {
    /// Both together.
    pub fn add(&mut self, o: &Self) {
        self.simulated_s += o.simulated_s;
        self.events += o.events;
        self.steps += o.steps;
        self.entries += o.entries;
        self.entries_made += o.entries_made;
        self.commits += o.commits;
        self.crashes += o.crashes;
        self.restores += o.restores;
        self.messages += o.messages;
        self.early += o.early;
        self.arrivals += o.arrivals;
        self.alarms += o.alarms;
        self.received += o.received;
    }
}

/// Plays a plan: what did not hold, and what was counted.
pub fn play(plan: &Plan) -> (Vec<Breach>, Stats) {
    world::play(plan)
}

/// The record that a plan leaves, to look at a run entry by entry.
pub fn record(plan: &Plan) -> Vec<skypicket_model::Entry> {
    world::record(plan)
}
