//! [`Flags`]: what a decoder found doubtful but did not refuse, as a set of fixed words.

use std::fmt;

/// A set of findings. The words are those of the reference vectors where these have one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Flags(u64);

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)] // only numbers the flags; never named outside
        enum Bit { $($name,)* }

        impl Flags {
            $($(#[$doc])* pub const $name: Self = Self(1 << Bit::$name as u64);)*
            const WORDS: &'static [&'static str] = &[$($word,)*];
        }
    };
}

flags! {
    // ---- of a message ----
    /// A reserved bit or byte is not zero.
    RESERVED_NONZERO = "reserved_nonzero",
    /// ID type 1 or 2 without any text.
    EMPTY_ID = "empty_id",
    /// A byte that is not zero after the first NUL of a text.
    DATA_AFTER_NUL = "data_after_nul",
    /// A byte of a text outside 0x20 to 0x7E.
    NON_PRINTABLE_ASCII = "non_printable_ascii",
    /// ID type 0.
    ID_TYPE_NONE = "id_type_none",
    /// ID type 5 to 15.
    ID_TYPE_RESERVED = "id_type_reserved",
    /// Location status 5 to 15.
    STATUS_RESERVED = "status_reserved",
    /// Direction 360 and above, but not 361, which says unknown.
    DIRECTION_OUT_OF_RANGE = "direction_out_of_range",
    /// Direction 180 and above without the east/west bit.
    DIRECTION_NONCANONICAL = "direction_noncanonical",
    /// Vertical speed beyond ±62 m/s, but not 63, which says unknown.
    SPEED_V_OUT_OF_RANGE = "speed_v_out_of_range",
    /// Latitude beyond ±90°.
    LAT_OUT_OF_RANGE = "lat_out_of_range",
    /// Longitude beyond ±180°.
    LON_OUT_OF_RANGE = "lon_out_of_range",
    /// Location time above 3600 s, but not the sentinel.
    TS_OUT_OF_RANGE = "ts_out_of_range",
    /// One of the four accuracy codes is reserved.
    ACCURACY_RESERVED = "accuracy_reserved",
    /// Classification type above 1.
    CLASSIFICATION_RESERVED = "classification_reserved",
    /// Operator location type 3.
    OPERATOR_LOCATION_TYPE_RESERVED = "operator_location_type_reserved",
    /// EU category above 3 or EU class above 7.
    EU_CLASS_RESERVED = "eu_class_reserved",
    /// A System timestamp before protocol version 2.
    TIMESTAMP_IN_OLD_VERSION = "timestamp_in_old_version",
    /// The area's floor is above its ceiling.
    FLOOR_ABOVE_CEILING = "floor_above_ceiling",
    /// Authentication type 6 to 9.
    AUTH_TYPE_RESERVED = "auth_type_reserved",
    /// Authentication type 10 to 15.
    AUTH_TYPE_PRIVATE = "auth_type_private",
    /// Authentication time 0: not given in practice.
    AUTH_TIMESTAMP_ZERO = "auth_timestamp_zero",
    /// Description type 3 to 200.
    DESC_TYPE_RESERVED = "desc_type_reserved",
    /// Description type 201 and above.
    DESC_TYPE_PRIVATE = "desc_type_private",
    /// Operator ID type 1 to 200.
    OPERATOR_ID_TYPE_RESERVED = "operator_id_type_reserved",
    /// Operator ID type 201 and above.
    OPERATOR_ID_TYPE_PRIVATE = "operator_id_type_private",
    // ---- of a line, that is of a payload with its bearer ----
    /// The pack ends before its count.
    PACK_CLIPPED = "pack_clipped",
    /// A pack of no messages: an emitter is there.
    PACK_COUNT_ZERO = "pack_count_zero",
    /// A member of a reserved message type was skipped.
    MEMBER_RESERVED = "member_reserved",
    /// A member was itself a pack and was skipped.
    MEMBER_IS_PACK = "member_is_pack",
    /// More than one Location.
    CONFLICT_LOCATION = "conflict_location",
    /// More than one System.
    CONFLICT_SYSTEM = "conflict_system",
    /// More than two Basic IDs, or two of one ID type that differ.
    CONFLICT_BASIC_ID = "conflict_basic_id",
    /// More than one Self-ID.
    CONFLICT_SELF_ID = "conflict_self_id",
    /// More than one Operator ID.
    CONFLICT_OPERATOR_ID = "conflict_operator_id",
    /// An authentication page that belongs to no page 0 of this pack.
    AUTH_ORPHAN_PAGE = "auth_orphan_page",
    /// An authentication page 0 whose lengths cannot be, skipped.
    AUTH_PAGE_REFUSED = "auth_page_refused",
    /// Plain messages one after the other, without a pack header (older senders).
    NO_PACK_HEADER = "no_pack_header",
    /// Bytes after a lone message.
    TRAILING_BYTES = "trailing_bytes",
    /// An information element, advertising structure or attribute passes the end of its frame.
    ELEMENT_CLIPPED = "element_clipped",
    /// A NAN frame to another address than the NAN multicast group.
    NAN_DA_FOREIGN = "nan_da_foreign",
    /// A NAN service instance other than 1.
    NAN_INSTANCE = "nan_instance",
    /// A NAN frame without the service descriptor extension.
    NAN_NO_EXTENSION = "nan_no_extension",
    /// A part of a chain of extended advertising that was not heard whole.
    CHAIN_INCOMPLETE = "chain_incomplete",
    // ---- of the French scheme and of DJI DroneID ----
    /// A scheme version that is not assigned; decoded all the same.
    VERSION_UNASSIGNED = "version_unassigned",
    /// A field whose length is not that of its type.
    FIELD_LENGTH = "field_length",
    /// A field that comes twice; the first counts.
    FIELD_REPEATED = "field_repeated",
    /// A field of a type that is not assigned.
    FIELD_UNKNOWN = "field_unknown",
    /// The take-off point lies beyond ±90°, ±180°.
    TAKEOFF_OUT_OF_RANGE = "takeoff_out_of_range",
    /// The home point lies beyond ±90°, ±180°.
    HOME_OUT_OF_RANGE = "home_out_of_range",
    /// The position of the app lies beyond ±90°, ±180°.
    APP_OUT_OF_RANGE = "app_out_of_range",
    /// A text that is said to be longer than its place.
    TEXT_LENGTH = "text_length",
}

impl Flags {
    /// No finding.
    pub const NONE: Self = Self(0);

    /// `self` when `condition` holds, else none.
    #[inline]
    #[must_use]
    pub const fn when(self, condition: bool) -> Self {
        Self(self.0 * condition as u64)
    }

    /// Both sets.
    #[inline]
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every finding of `other` is in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is no finding.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The words, in the order of declaration.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        Self::WORDS.iter().enumerate().filter(move |(i, _)| self.0 >> i & 1 == 1).map(|(_, w)| *w)
    }
}

impl std::ops::BitOrAssign for Flags {
    #[inline]
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.words()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_its_own_and_there_is_room() {
        let mut words = Flags::WORDS.to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Flags::WORDS.len());
        assert!(words.len() <= 64);
    }

    #[test]
    fn words_come_back_in_order() {
        let f = Flags::NAN_INSTANCE.with(Flags::EMPTY_ID).with(Flags::PACK_CLIPPED.when(false));
        assert_eq!(f.words().collect::<Vec<_>>(), ["empty_id", "nan_instance"]);
    }
}
