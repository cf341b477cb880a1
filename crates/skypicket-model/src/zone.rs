//! [`Zone`]: the time of a place, which stands beside UTC where people read times.
//!
//! The zones are those of the IANA database that is built into the program, never of the machine: so the same instant
//! reads the same everywhere, and no machine lacks them. Rules that governments change come with a newer program.

use crate::Time;
use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneDatabase},
};

/// A time zone of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    tz: TimeZone,
}

/// There is no such time zone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no time zone of the IANA database, such as America/Denver or UTC")]
pub struct NoSuchZone(String);

impl Default for Zone {
    fn default() -> Self {
        Self { tz: TimeZone::UTC }
    }
}

impl Zone {
    /// By its name, such as `America/Denver`.
    pub fn new(name: &str) -> Result<Self, NoSuchZone> {
        if name == "UTC" {
            return Ok(Self::default());
        }
        let none = || NoSuchZone(name.chars().take(64).collect());
        // The database takes any case; a configuration says it as the database does.
        let tz = TimeZoneDatabase::bundled().get(name).map_err(|_| none())?;
        if tz.iana_name() == Some(name) { Ok(Self { tz }) } else { Err(none()) }
    }

    /// Whether it is UTC itself: then there is no other time to show.
    pub fn is_utc(&self) -> bool {
        self.tz == TimeZone::UTC
    }

    /// An instant as people read it, to the minute: `2026-11-26 18:00 UTC (11:00 MST)`, with the day where it is another
    /// there. What stands after the time tells summer from winter also in the hour that comes twice.
    pub fn words(&self, at: Time) -> String {
        let Ok(instant) = Timestamp::from_microsecond(at.as_micros()) else { return at.to_string() };
        let utc = instant.to_zoned(TimeZone::UTC).datetime();
        let said = format!("{} UTC", utc.strftime("%Y-%m-%d %H:%M"));
        if self.is_utc() {
            return said;
        }
        let local = instant.to_zoned(self.tz.clone());
        let there = local.datetime();
        let form = if there.date() == utc.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        let info = self.tz.to_offset_info(instant);
        // Where people have no letters for it the database has the offset: `-03`.
        let letters = info.abbreviation();
        let utc = if letters.starts_with(['+', '-']) { "UTC" } else { "" };
        format!("{said} ({} {utc}{letters})", there.strftime(form))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(zone: &str, at: &str) -> String {
        Zone::new(zone).unwrap().words(at.parse().unwrap())
    }

    #[test]
    fn an_instant_reads_in_utc_and_in_the_time_of_the_place() {
        for (zone, at, expect) in [
            ("UTC", "2026-11-26T18:00:59.5Z", "2026-11-26 18:00 UTC"),
            ("America/Denver", "2026-11-26T18:00:59.5Z", "2026-11-26 18:00 UTC (11:00 MST)"),
            ("America/Denver", "2026-07-01T18:00:00Z", "2026-07-01 18:00 UTC (12:00 MDT)"),
            // The day there is another one: of yesterday, of tomorrow, of another year.
            ("America/Denver", "2026-11-26T02:00:00Z", "2026-11-26 02:00 UTC (2026-11-25 19:00 MST)"),
            ("Asia/Kathmandu", "2026-12-31T20:00:00Z", "2026-12-31 20:00 UTC (2027-01-01 01:45 UTC+0545)"),
            // No letters: the offset.
            ("America/Sao_Paulo", "2026-11-26T18:00:00Z", "2026-11-26 18:00 UTC (15:00 UTC-03)"),
            ("Europe/London", "2026-11-26T18:00:00Z", "2026-11-26 18:00 UTC (18:00 GMT)"),
        ] {
            assert_eq!(said(zone, at), expect);
        }
    }

    #[test]
    fn the_hour_that_comes_twice_and_the_one_that_does_not_come_are_told_apart() {
        // In autumn 01:30 comes twice.
        assert_eq!(said("America/Denver", "2026-11-01T07:30:00Z"), "2026-11-01 07:30 UTC (01:30 MDT)");
        assert_eq!(said("America/Denver", "2026-11-01T08:30:00Z"), "2026-11-01 08:30 UTC (01:30 MST)");
        // In spring 02:00 is followed by 03:00.
        assert_eq!(said("America/Denver", "2026-03-08T08:59:00Z"), "2026-03-08 08:59 UTC (01:59 MST)");
        assert_eq!(said("America/Denver", "2026-03-08T09:00:00Z"), "2026-03-08 09:00 UTC (03:00 MDT)");
    }

    #[test]
    fn a_name_that_is_none_is_refused() {
        for name in ["", "Mars/Olympus", "america/denver", "MST7MDT2", "/etc/localtime", "../zoneinfo/UTC", "+07:00"] {
            assert!(Zone::new(name).is_err(), "{name}");
        }
        assert!(Zone::new("UTC").unwrap().is_utc() && !Zone::new("America/Denver").unwrap().is_utc());
    }
}
