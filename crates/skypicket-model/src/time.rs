//! [`Time`]: an instant in UTC.
//!
//! A fact about the sky has three times, never one: `observed_at` (when the source says it was so), `received_at`
//! (when its bytes reached us) and `recorded_at` (when it entered the record; never decreasing within a log).

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// An instant in UTC, in whole microseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX).
///
/// Text and JSON form is RFC 3339 with a `Z`; binary form (CBOR) is eight bytes, big-endian two's complement. Bytes and
/// not an integer, because serde reads tagged enums through a buffer that calls itself human-readable: a byte string is
/// told from text there, and JSON can never hold one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(i64);

/// The text is not an RFC 3339 instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an RFC 3339 instant such as 2026-11-23T06:14:00Z")]
pub struct NotAnInstant(String);

impl Time {
    /// Largest magnitude taken: the years 0001 to 9999, so that every value prints.
    const LIMIT_S: f64 = 60_000_000_000.0;

    /// The beginning of the year 0001.
    const YEAR_1_S: i64 = -62_135_596_800;

    /// From microseconds since the Unix epoch.
    pub const fn from_micros(us: i64) -> Self {
        Self(us)
    }

    /// Microseconds since the Unix epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// From seconds since the Unix epoch; `None` when not finite or out of range.
    #[allow(clippy::cast_possible_truncation)] // range checked first
    pub fn from_unix_s(s: f64) -> Option<Self> {
        (s.is_finite() && s.abs() < Self::LIMIT_S).then(|| Self(libm::round(s * 1e6) as i64))
    }

    /// Seconds since the Unix epoch (microseconds are exact until the year 2255).
    pub fn unix_s(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Seconds from `earlier` to `self`; negative when `earlier` is later.
    pub fn since_s(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / 1e6
    }

    /// This instant moved by `s` seconds (saturating; a value that is not finite moves nothing).
    #[allow(clippy::cast_possible_truncation)] // saturating float-to-int is what is meant
    #[must_use]
    pub fn plus_s(self, s: f64) -> Self {
        if s.is_finite() { Self(self.0.saturating_add(libm::round(s * 1e6) as i64)) } else { self }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(t) => write!(f, "{t}"),
            Err(_) => write!(f, "@{}us", self.0),
        }
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Time {
    type Err = NotAnInstant;
    fn from_str(s: &str) -> Result<Self, NotAnInstant> {
        // RFC 3339 section 5.6 has years of four digits; ISO 8601's extended ones would not print as RFC 3339 again.
        let year = s.bytes().take_while(u8::is_ascii_digit).count() == 4;
        let instant = s.parse::<jiff::Timestamp>().ok().filter(|t| year && t.as_second() >= Self::YEAR_1_S);
        instant.map(|t| Self(t.as_microsecond())).ok_or_else(|| NotAnInstant(s.chars().take(64).collect()))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if s.is_human_readable() { s.collect_str(self) } else { s.serialize_bytes(&self.0.to_be_bytes()) }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Either;
        impl de::Visitor<'_> for Either {
            type Value = Time;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 instant")
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Time, E> {
                v.parse().map_err(E::custom)
            }
            fn visit_bytes<E: de::Error>(self, v: &[u8]) -> Result<Time, E> {
                let eight = v.try_into().map_err(|_| E::invalid_length(v.len(), &"eight bytes"))?;
                Ok(Time(i64::from_be_bytes(eight)))
            }
        }
        if d.is_human_readable() { d.deserialize_str(Either) } else { d.deserialize_bytes(Either) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_rfc3339_and_reads_back() {
        let t = Time::from_unix_s(1_680_365_730.415_058).unwrap();
        assert_eq!(t.to_string(), "2023-04-01T16:15:30.415058Z");
        assert_eq!(t.to_string().parse::<Time>().unwrap(), t);
        assert_eq!(serde_json::to_string(&t).unwrap(), "\"2023-04-01T16:15:30.415058Z\"");
    }

    #[test]
    fn what_is_not_finite_or_far_away_is_refused() {
        assert_eq!(Time::from_unix_s(f64::NAN), None);
        assert_eq!(Time::from_unix_s(1e300), None);
        assert!("yesterday".parse::<Time>().is_err());
        for far in ["-000556-07-16T18:27:39.727302Z", "+012026-01-01T00:00:00Z", "0000-01-01T00:00:00Z"] {
            assert!(far.parse::<Time>().is_err(), "{far}");
        }
        assert_eq!("0001-01-01T00:00:00Z".parse::<Time>().unwrap().to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(Time::from_micros(5).plus_s(f64::NAN), Time::from_micros(5));
    }

    #[test]
    fn binary_form_reads_back_also_inside_tagged_enums() {
        use crate::{Body, Channel, DispatchEvent, NoticeId, PersonId};
        let at = Time::from_unix_s(1_680_365_730.415_058).unwrap();
        let event = DispatchEvent::Acknowledged {
            notice: NoticeId(uuid::Uuid::from_u128(9)),
            version: 1,
            person: PersonId::new("p").unwrap(),
            at,
            via: Channel::Web,
            by: None,
        };
        let body = Body::Dispatch(event);
        let mut bytes = Vec::new();
        ciborium::into_writer(&body, &mut bytes).unwrap();
        assert_eq!(ciborium::from_reader::<Body, _>(&bytes[..]).unwrap(), body);
        assert_eq!(serde_json::from_str::<Body>(&serde_json::to_string(&body).unwrap()).unwrap(), body);
        assert!(serde_json::from_str::<Time>("5").is_err());
    }
}
