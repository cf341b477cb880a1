//! [`Reasons`]: the fixed words that say why a danger has its level, as a small set.

use serde::{Deserialize, Serialize};

/// A set of the fixed words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reasons(u32);

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $bit:literal => $word:literal),* $(,)?) => {
        impl Reasons {
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*
            /// Every word with its bit, in the order in which they are told.
            const ALL: &[(Self, &str)] = &[$((Self::$name, $word)),*];
        }
    };
}

words! {
    /// Inside the stand-off radius now, with the urgent rule's probability.
    INSIDE = 0 => "inside_standoff",
    /// The urgent rule is met.
    URGENT = 1 => "within_30_s",
    /// The caution rule is met.
    CAUTION = 2 => "within_120_s",
    /// The advisory rule is met.
    ADVISORY = 3 => "within_300_s",
    /// Near enough to a report by people only.
    REPORTED_NEAR = 4 => "reported_near",
    /// The level is kept from before: the drone is still near, or still comes nearly this way.
    LINGERS = 19 => "lingers_near",
    /// The level is kept from before: it has not been lower for long enough.
    HELD = 5 => "held",
    /// No level: an own flight.
    OWN_FLIGHT = 6 => "own_flight",
    /// No level: a person decided that it is harmless.
    NEUTRAL = 7 => "neutral",
    /// No level: a crewed aircraft.
    CREWED = 8 => "crewed",
    /// No level: one of a flood of new names, heard once.
    IN_FLOOD = 20 => "in_flood",
    /// No level: the track is gone (deleted, or not estimated for too long).
    TRACK_LOST = 9 => "track_lost",
    /// No level: the person's position is too old to say anything.
    POSITION_TOO_OLD = 10 => "position_too_old",
    /// One height or both are unknown: distances are horizontal.
    HEIGHT_UNKNOWN = 11 => "height_unknown",
    /// Only people saw it so far.
    BY_PEOPLE_ONLY = 12 => "by_people_only",
    /// The track is tentative.
    NOT_CONFIRMED = 13 => "not_confirmed",
    /// The person's position is old.
    POSITION_OLD = 14 => "position_old",
    /// The person's position is less sure than the stand-off radius.
    POSITION_COARSE = 15 => "position_coarse",
    /// Evidence speaks against what the drone claims of itself.
    SUSPECT = 16 => "suspect",
    /// The warning's track was merged into another that has a warning of its own.
    MERGED = 17 => "merged",
    /// The person or place is no longer in the directory.
    NOT_PROTECTED = 18 => "not_protected",
}

impl Reasons {
    /// Those by which there is no level at all, so that one held from before ends after one hold.
    pub const NO_LEVEL: Self = Self(
        Self::OWN_FLIGHT.0
            | Self::NEUTRAL.0
            | Self::CREWED.0
            | Self::IN_FLOOD.0
            | Self::TRACK_LOST.0
            | Self::POSITION_TOO_OLD.0,
    );

    /// Adds those of `other` when `yes`.
    #[must_use]
    pub fn with(self, other: Self, yes: bool) -> Self {
        if yes { Self(self.0 | other.0) } else { self }
    }

    /// Whether any of `other` is in it.
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The words.
    pub fn words(self) -> Vec<String> {
        Self::ALL.iter().filter(|(r, _)| self.has(*r)).map(|(_, w)| (*w).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_a_bit_of_its_own() {
        let all = Reasons::ALL.iter().fold(Reasons::default(), |a, (r, _)| a.with(*r, true));
        assert_eq!(all.0.count_ones() as usize, Reasons::ALL.len());
        assert_eq!(Reasons::INSIDE.with(Reasons::SUSPECT, true).words(), ["inside_standoff", "suspect"]);
    }
}
