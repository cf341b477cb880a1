//! Behaviour of the simulated world, and of the scores of its scenes.
#![allow(clippy::print_stdout, clippy::panic, clippy::unwrap_used)] // tests say what they found

mod delivery;
mod follow;
mod moved;
mod regression;
mod score;
mod toy;
