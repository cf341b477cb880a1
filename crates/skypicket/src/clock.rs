//! The clock: the only place of the program that reads the time of day. Everything else takes time as an argument.

use skypicket_model::Time;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, UTC.
#[allow(clippy::disallowed_methods)] // this is the one place
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
