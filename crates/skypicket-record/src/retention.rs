//! Retention: until when each kind of content may be kept, set when it is written.
//!
//! Nothing acts on these dates yet. The job that will must keep the newest snapshot and the newest configuration
//! whatever their age, since a start needs them.

use skypicket_model::{Body, Time};

const DAY_US: i64 = 86_400_000_000;

/// When the items of a body may be purged; `None` for what says nothing of anybody (starts, ticks, counts).
///
/// Raw observations 7 days, people's own positions 24 hours, tracks 90 days, what people did and what was sent to them
/// 5 years. Snapshots hold people's positions, so they are kept as long as those.
pub fn purge_after(body: &Body, recorded_at: Time) -> Option<Time> {
    let days = match body {
        Body::Observations { .. } => 7,
        Body::Positions { .. } | Body::Snapshot(_) => 1,
        Body::Tracks { .. } => 90,
        Body::Configured(_)
        | Body::Act(_)
        | Body::Provider(_)
        | Body::Reach { .. }
        | Body::Notice(_)
        | Body::Dispatch(_)
        | Body::Desk(_) => 5 * 365,
        Body::Started(_) | Body::Shed { .. } | Body::Unrecorded { .. } | Body::Tick => return None,
    };
    Some(Time::from_micros(recorded_at.as_micros().saturating_add(days * DAY_US)))
}
