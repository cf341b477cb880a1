//! Measurements to tracks.
//!
//! A pure engine: `(state, observation, now) -> tracks`. No clock, no I/O, no thread, no randomness; ids come from the
//! entry that is worked on, transcendental functions from `libm`, and no result depends on the order of a hash. So the
//! same observations give the same tracks, bit for bit, from the start or from a snapshot.
//!
//! One module a role, each behind a trait where another may stand in its place:
//! [`predictor`] (a state later), [`updater`] (state and measurement joined), [`gater`] (can it be), [`associator`]
//! (which is it), [`initiator`] (the first state), [`deleter`] (existence, and its end); [`measurement`] is the door,
//! [`identity`] and [`trust`] are what is known and doubted of claims, [`tracker`] composes them all.
//!
//! It is not for deciding who is in danger or whom to tell, and it hides nothing: a suspect track is a track.

pub mod associator;
pub mod deleter;
pub mod gater;
pub mod identity;
mod index;
pub mod initiator;
mod matrix;
pub mod measurement;
pub mod predictor;
pub mod settings;
pub mod sky;
pub mod state;
mod track;
pub mod tracker;
pub mod trust;
pub mod updater;

pub use settings::{Settings, SettingsProblem};
pub use tracker::Tracker;
