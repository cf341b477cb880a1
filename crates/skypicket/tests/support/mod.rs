//! What the tests with the real binary share: a running [`Centre`] in a folder of its own, [`Client`]s that are signed
//! in, their [`Events`], [`Tak`] clients, and the [`Scene`] that the centre is configured with.
//!
//! Nothing here sleeps to synchronise: what is waited for is an event, a line, an answer or the end of a process, each
//! with a bound after which the test fails and says what it saw instead.

#![allow(dead_code)] // each integration binary uses its own part
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests: a failure is a failed test
#![allow(unreachable_pub)] // `pub` marks what the helpers offer the tests

pub mod bodies;
pub mod centre;
pub mod events;
pub mod http;
pub mod line;
pub mod mail;
pub mod post;
pub mod scene;
pub mod tak;
pub mod tunnel;

#[allow(unused_imports)] // each integration binary uses its own part
pub use {
    bodies::{position, sighting},
    centre::{Centre, Ended, Folder, program, run},
    events::{Event, Events},
    http::{Answer, Client},
    line::{Feed, Flight, at, drone_line, metres},
    mail::{Does, MailServer},
    post::{Answers, Post, PostServer},
    scene::Scene,
    tak::{Tak, attribute},
};

use serde_json::Value;
use std::time::{Duration, Instant};

/// How long a test waits for what should come at once; long, because test machines are slow at times.
pub const SOON: Duration = Duration::from_secs(10);

/// A new client-made id (UUIDv7).
pub fn id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// Unix seconds by this machine's clock.
#[allow(clippy::disallowed_methods)] // tests feed the centre with the present
pub fn now_s() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}

/// The present, so many seconds on, as RFC 3339 in UTC.
pub fn time_text(in_s: f64) -> String {
    let t = skypicket_model::Time::from_unix_s(now_s() + in_s).unwrap();
    serde_json::to_value(t).unwrap().as_str().unwrap().to_owned()
}

/// Asks again and again until there is an answer; fails with `what` after `within`.
///
/// For what has no event to wait for: a number in an answer, a file on the disk.
pub fn until<T>(what: &str, within: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + within;
    loop {
        if let Some(t) = ask() {
            return t;
        }
        assert!(Instant::now() < end, "waited {within:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A field as text, or a failure that shows the whole value.
pub fn text<'a>(v: &'a Value, pointer: &str) -> &'a str {
    v.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no text at {pointer} in {v}"))
}

/// A field as number, or a failure that shows the whole value.
pub fn number(v: &Value, pointer: &str) -> f64 {
    v.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {pointer} in {v}"))
}

/// The items of a list answer.
pub fn items(v: &Value) -> &[Value] {
    v.get("items").and_then(Value::as_array).unwrap_or_else(|| panic!("no items in {v}"))
}
