//! Behaviour of the simulated world.
#![allow(clippy::print_stdout, clippy::panic, clippy::unwrap_used)] // tests say what they found

mod delivery;
