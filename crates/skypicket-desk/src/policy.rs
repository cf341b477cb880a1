//! [`Policy`]: what the desk decides by.

use serde::{Deserialize, Serialize};
use skypicket_model::Level;

/// What the desk decides by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// A watch officer without an open page for so long has nothing in hand any more, seconds. Default 120.
    pub away_s: f64,
    /// Advisory alarms wait while there were so many interruptions in the last 10 minutes. Default 2
    /// (the target for the peak of one officer).
    pub most_in_10_min: u32,
    /// Advisory alarms wait while there were so many interruptions in the last hour. Default 6: one in 10 minutes
    /// (Bransby and Jenkinson 1998; EEMUA 191).
    pub most_in_hour: u32,
    /// More calls than this in 10 minutes are a flood. Default 10 (EEMUA 191, ISA-18.2).
    pub flood_over: u32,
    /// A flood is over at so many calls in 10 minutes, or fewer. Default 5.
    pub flood_end: u32,
    /// Longest time for which an urgent alarm may be shelved, seconds. Default 300.
    pub shelve_urgent_s: u32,
    /// The same for a caution. Default 1,800.
    pub shelve_caution_s: u32,
    /// The same for an advisory and for a report. Default 1,800.
    pub shelve_advisory_s: u32,
    /// An alarm that nobody has taken for so long is standing, seconds. Default 600.
    pub standing_s: f64,
    /// An alarm that is open for so long is stale, seconds. Default 86,400.
    pub stale_s: f64,
    /// An intelligence report that nobody has vetted is kept for at most so long, days. Default 90.
    pub tips_days: u32,
    /// A channel to people that takes no messages for so long is an alarm, seconds. Default 120: four rests of a host that
    /// does not answer, so that one which only starts anew is none.
    pub channel_down_s: f64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            away_s: 120.0,
            most_in_10_min: 2,
            most_in_hour: 6,
            flood_over: 10,
            flood_end: 5,
            shelve_urgent_s: 300,
            shelve_caution_s: 1_800,
            shelve_advisory_s: 1_800,
            standing_s: 600.0,
            stale_s: 86_400.0,
            tips_days: 90,
            channel_down_s: 120.0,
        }
    }
}

impl Policy {
    /// Shortest time for which an alarm may be shelved, seconds: below it the page and the clock would race.
    pub const SHELVE_LEAST_S: u32 = 10;

    /// Longest time for which an alarm of this level may be shelved, seconds.
    pub fn shelve_most_s(&self, level: Level) -> u32 {
        match level {
            Level::Urgent => self.shelve_urgent_s,
            Level::Caution => self.shelve_caution_s,
            Level::Advisory => self.shelve_advisory_s,
        }
    }

    /// What is out of its range, as a sentence.
    pub fn check(&self) -> Result<(), String> {
        for (name, value) in [
            ("away_s", self.away_s),
            ("standing_s", self.standing_s),
            ("stale_s", self.stale_s),
            ("channel_down_s", self.channel_down_s),
        ] {
            let most = if name == "stale_s" { 2_592_000.0 } else { 86_400.0 };
            if !(1.0..=most).contains(&value) {
                return Err(format!("{name} is {value}: it must be from 1 to {most}"));
            }
        }
        for (name, value, least, most) in [
            ("most_in_10_min", self.most_in_10_min, 1, 100),
            ("most_in_hour", self.most_in_hour, 1, 600),
            ("flood_over", self.flood_over, 2, 1_000),
            ("flood_end", self.flood_end, 1, self.flood_over),
            ("shelve_urgent_s", self.shelve_urgent_s, Self::SHELVE_LEAST_S, 86_400),
            ("shelve_caution_s", self.shelve_caution_s, Self::SHELVE_LEAST_S, 86_400),
            ("shelve_advisory_s", self.shelve_advisory_s, Self::SHELVE_LEAST_S, 86_400),
            ("tips_days", self.tips_days, 1, 366),
        ] {
            if value < least || value > most {
                return Err(format!("{name} is {value}: it must be from {least} to {most}"));
            }
        }
        Ok(())
    }
}
