//! Measurements to tracks.
//!
//! A pure engine: `(state, observation, now) -> tracks`. No clock, no I/O, no thread, no randomness; ids come from the
//! entry that is worked on, transcendental functions from `libm`, and no result depends on the order of a hash. So the
//! same observations give the same tracks, bit for bit, from the start or from a snapshot.
//!
//! [`sky`] is the engine: what may be in the air, where and how surely, from scans and from reports that come by
//! themselves. [`measurement`] is the door; [`identity`], [`trust`] and [`unresolved`] are what is known of names, doubted of
//! claims, and not yet placed; [`tracker`] keeps the sky and that book together, and is what a centre runs.
//!
//! It is not for deciding who is in danger or whom to tell, and it hides nothing: a suspect track is a track.

pub mod identity;
pub mod measurement;
pub mod settings;
pub mod sky;
mod track;
pub mod tracker;
pub mod trust;
pub mod unresolved;

pub use settings::{Settings, SettingsProblem};
pub use tracker::Tracker;
pub use trust::Flood;
