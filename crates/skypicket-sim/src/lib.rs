//! Made-up skies and people, the same for the same seed: exercises for people, loads for benches,
//! a world that does its worst to a notice on its way ([`delivery`]), evaluation scenes for trackers ([`scene`]), a tracker
//! that follows one ([`follow`]) and how well it did ([`score`]).
//!
//! Pure: no clock and no I/O. It makes what the outside world would send (observations, positions, acts) and is told
//! what the centre sent back. It is never part of a live centre, and it decides nothing about dangers itself.

pub mod delivery;
pub mod exercise;
pub mod follow;
pub mod load;
pub mod plot;
mod rng;
pub mod scene;
pub mod score;
