//! [`View`]: a courier for people to look at: no addresses, no words of a notice.

use super::carrier::Why;
use serde::Serialize;

/// Whether messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// They go.
    Up,
    /// It answers again after a rest: one goes alone, and what becomes of it decides.
    Trial,
    /// It rests after failures; nothing is taken for it.
    Down,
}

/// What became of messages since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Taken by a provider.
    pub accepted: u64,
    /// Taken by the recipient's own machine.
    pub delivered: u64,
    /// Surely not taken, whether tried or not.
    pub failed: u64,
    /// Nobody can tell.
    pub ambiguous: u64,
    /// Their time was over before they went.
    pub expired: u64,
    /// Taken back before they went.
    pub cancelled: u64,
    /// Refused at the door.
    pub refused: u64,
}

/// A courier as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    /// The channel.
    pub name: String,
    /// Whether messages go.
    pub line: Line,
    /// How long it still rests, seconds.
    pub rests_s: Option<f64>,
    /// Waiting urgent ones.
    pub urgent: usize,
    /// Waiting cautions.
    pub caution: usize,
    /// Waiting advisories.
    pub advisory: usize,
    /// Most that may wait.
    pub room: usize,
    /// How long the oldest waits, seconds.
    pub oldest_s: Option<f64>,
    /// Under way now.
    pub under_way: usize,
    /// What became of the others.
    #[serde(flatten)]
    pub counts: Counts,
    /// The last thing that went wrong.
    pub last_trouble: Option<Why>,
    /// How long ago, seconds.
    pub last_trouble_s: Option<f64>,
}
