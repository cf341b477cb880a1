//! What the desk does, seen from outside.

#![allow(clippy::unwrap_used, clippy::panic)] // tests: a wrong turn is meant to end here

mod alarms;
mod behaviour;
mod bulletins;
mod calls;
mod drafts;
mod intelligence;
mod properties;
mod world;
