//! Tracks × people and places → dangers → warnings, with level, reasons and time to reach.
//!
//! A pure engine: no clock, no I/O, no randomness. [`Warner`] takes positions and tracks ([`Warner::absorb_position`],
//! [`Warner::absorb_tracks`], [`Warner::tick`]), says what should now be told ([`Warner::decide`]) and remembers what
//! was told ([`Warner::apply`]). How near and how likely is in [`danger`], the numbers behind it in [`policy`], the
//! sentences in `words`. It is not for deciding who gets a warning or how: that is dispatch.

pub mod danger;
mod level;
mod near;
mod nodes;
pub mod policy;
mod reasons;
mod warner;
mod words;

pub use danger::{Assessment, assess, earliest_s};
pub use policy::{BadPolicy, Policy};
pub use reasons::Reasons;
pub use warner::{Counts, Warner};
