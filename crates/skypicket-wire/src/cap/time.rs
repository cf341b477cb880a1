//! [`DateTime`]: an instant as CAP writes it, with the offset of the place that it speaks of.

use crate::cot::event::read_time;
use skypicket_model::Time;

/// Whole seconds and an offset from UTC. CAP 1.2 knows no fraction and no `Z`: UTC is written `-00:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DateTime {
    at: Time,
    offset_min: i16,
}

/// Largest offset of an xs:dateTime, minutes.
const MOST_OFFSET_MIN: i16 = 14 * 60;
/// 0001-01-02 and 9999-12-30, seconds since 1970: with any offset the year has four digits.
const FIRST_S: i64 = -62_135_510_400;
const LAST_S: i64 = 253_402_127_999;

/// What is unusual about a dateTime that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Form {
    /// It has parts of a second, which are dropped.
    pub fraction: bool,
    /// Its zone is `Z`.
    pub z: bool,
    /// It names no zone; taken as UTC.
    pub no_zone: bool,
}

impl DateTime {
    /// An instant in UTC, whole seconds (rounded down), held within the years 1 to 9999.
    pub fn utc(at: Time) -> Self {
        Self::with_offset(at, 0)
    }

    /// The same with an offset from UTC, minutes, east positive, held within ±14 hours.
    pub fn with_offset(at: Time, offset_min: i16) -> Self {
        let s = at.as_micros().div_euclid(1_000_000).clamp(FIRST_S, LAST_S);
        let offset_min = offset_min.clamp(-MOST_OFFSET_MIN, MOST_OFFSET_MIN);
        Self { at: Time::from_micros(s * 1_000_000), offset_min }
    }

    /// The instant.
    pub fn at(self) -> Time {
        self.at
    }

    /// Minutes east of UTC, -840 to 840.
    pub fn offset_min(self) -> i16 {
        self.offset_min
    }

    /// An xs:dateTime (space around it is dropped), and what is unusual about it; `None` when it is none.
    pub fn read(text: &str) -> Option<(Self, Form)> {
        let text = text.trim_ascii();
        let (at, zoned) = read_time(text)?;
        let form = Form { fraction: text.contains('.'), z: text.ends_with('Z'), no_zone: !zoned };
        let offset_min = if zoned && !form.z { offset(text)? } else { 0 };
        let within = (FIRST_S..=LAST_S).contains(&at.as_micros().div_euclid(1_000_000));
        within.then(|| (Self::with_offset(at, offset_min), form))
    }
}

/// The `±hh:mm` at the end.
fn offset(text: &str) -> Option<i16> {
    let zone = text.get(text.len().checked_sub(6)?..)?;
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes): (i16, i16) = (hours.parse().ok()?, minutes.parse().ok()?);
    let total = hours * 60 + minutes;
    if minutes > 59 || total > MOST_OFFSET_MIN {
        return None;
    }
    match zone.as_bytes().first() {
        Some(b'+') => Some(total),
        Some(b'-') => Some(-total),
        _ => None,
    }
}

impl std::fmt::Display for DateTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let local = Time::from_micros(self.at.as_micros() + i64::from(self.offset_min) * 60_000_000).to_string();
        let local = local.strip_suffix('Z').unwrap_or(&local);
        let sign = if self.offset_min > 0 { '+' } else { '-' };
        let minutes = self.offset_min.unsigned_abs();
        write!(f, "{local}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<(String, String, Form)> {
        DateTime::read(text).map(|(d, form)| (d.to_string(), d.at().to_string(), form))
    }

    #[test]
    fn instants_are_read_with_their_offset_and_what_is_unusual() {
        let plain = Form::default();
        for (text, written, at, form) in [
            ("2010-08-30T04:07:00-06:00", "2010-08-30T04:07:00-06:00", "2010-08-30T10:07:00Z", plain),
            (" 2010-08-30T04:07:00+05:30\n", "2010-08-30T04:07:00+05:30", "2010-08-29T22:37:00Z", plain),
            ("2013-01-05T10:58:23-00:00", "2013-01-05T10:58:23-00:00", "2013-01-05T10:58:23Z", plain),
            ("2013-01-05T10:58:23+00:00", "2013-01-05T10:58:23-00:00", "2013-01-05T10:58:23Z", plain),
            ("2013-01-05T10:58:23Z", "2013-01-05T10:58:23-00:00", "2013-01-05T10:58:23Z", Form { z: true, ..plain }),
            (
                "2013-01-05T10:58:23.75-01:00",
                "2013-01-05T10:58:23-01:00",
                "2013-01-05T11:58:23Z",
                Form { fraction: true, ..plain },
            ),
            (
                "2013-01-05T10:58:23",
                "2013-01-05T10:58:23-00:00",
                "2013-01-05T10:58:23Z",
                Form { no_zone: true, ..plain },
            ),
        ] {
            assert_eq!(read(text), Some((written.into(), at.into(), form)), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_time_is_none() {
        for text in [
            "",
            "2013-01-05",
            "2013-01-05T10:58",
            "2013-13-05T10:58:23-00:00",
            "2013-02-30T10:58:23-00:00",
            // The comma that the pattern of the schema lets pass.
            "2013-01-05T10:58:23,05:00",
            "2013-01-05T10:58:23+14:01",
            "2013-01-05T10:58:23+01:60",
            "2013-01-05T10:58:23+0100",
            "2013-01-05 10:58:23Z",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "2013-01-05T25:00:00Z",
            "2013-01-05T10:58:23-00:00x",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(us in any::<i64>(), offset in any::<i16>()) {
            let d = DateTime::with_offset(Time::from_micros(us), offset);
            prop_assert_eq!(DateTime::read(&d.to_string()), Some((d, Form::default())));
        }
    }
}
