//! Ids that connectors make.

use sha2::{Digest, Sha256};
use skypicket_model::{DeliveryId, ObservationId, PersonId, SightingId, Time};
use uuid::{NoContext, Timestamp, Uuid};

fn v7(now: Time) -> Uuid {
    let us = u64::try_from(now.as_micros()).unwrap_or(0);
    let nanos = u32::try_from(us % 1_000_000 * 1_000).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(NoContext, us / 1_000_000, nanos))
}

/// A new observation: UUIDv7 of the centre's clock.
pub(crate) fn observation(now: Time) -> ObservationId {
    ObservationId(v7(now))
}

/// A new message to a client that is no delivery, in the same form.
pub(crate) fn message(now: Time) -> DeliveryId {
    DeliveryId(v7(now))
}

/// The sighting that a marker on a person's map is: UUIDv8 of who and what, so that the same marker sent again, even
/// over another connection, is the same sighting.
pub(crate) fn sighting(person: &PersonId, content: &str) -> SightingId {
    let mut h = Sha256::new();
    h.update(b"skypicket tak marker\n");
    h.update(person.as_str().as_bytes());
    h.update(b"\n");
    h.update(content.as_bytes());
    let mut bytes = [0u8; 16];
    for (to, from) in bytes.iter_mut().zip(h.finalize()) {
        *to = from;
    }
    SightingId(Uuid::new_v8(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_their_version_and_a_marker_is_the_same_sighting_again() {
        let now = Time::from_unix_s(1.7e9).unwrap();
        assert_eq!(observation(now).0.get_version_num(), 7);
        assert_ne!(observation(now), observation(now));
        assert_eq!(observation(Time::from_micros(-5)).0.get_version_num(), 7);
        let [a, b] = ["a", "b"].map(|p| PersonId::new(p).unwrap());
        assert_eq!(sighting(&a, "x"), sighting(&a, "x"));
        assert_ne!(sighting(&a, "x"), sighting(&b, "x"));
        assert_eq!(sighting(&a, "x").0.get_version_num(), 8);
    }
}
