//! What dispatch does, seen from outside.

#![allow(clippy::unwrap_used, clippy::panic)] // tests: a wrong turn is meant to end here

mod behaviour;
mod properties;
mod rules;
mod world;
