//! Faults that the real binary must survive: one module for each.
//!
//! Each test prints what it counted, past the capture of the test harness, so that `make test` shows it. Random moments
//! come from a seed (`SKYPICKET_SEED`, default 1). Faults are run one after the other: they measure delays and load the
//! machine.

#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests: a failure is a failed test

#[path = "../support/mod.rs"]
mod support;

mod full;
mod hostile;
mod kill;
mod load;
mod power;
mod seed;
mod slow;
mod stuck;
mod trace;

use std::{
    io::Write,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Only one fault at a time.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Prints a line past the capture of the test harness.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
}

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|e| panic!("{name}={text}: {e}")))
}
