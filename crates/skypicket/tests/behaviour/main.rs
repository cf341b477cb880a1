//! Behaviour of the real binary on loopback: one module for each promise to the people who use it.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests: a failure is a failed test

#[path = "../support/mod.rs"]
mod support;

mod captures;
mod permissions;
mod refusals;
mod reports;
mod schema;
mod slow_disk;
mod start_and_stop;
mod tak;
mod warning;
