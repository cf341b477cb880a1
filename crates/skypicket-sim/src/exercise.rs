//! Exercises: an hour that a stranger can walk into.
//!
//! What happens is made here; that it is an exercise is said by the program, which marks everything of it.

mod cast;
mod first_light;
mod sky;

pub use crate::load::border_load;
pub use first_light::FirstLight;
use skypicket_model::{Act, Channel, Observation, PersonId, Position, Time};

/// Something that happens.
#[derive(Debug, Clone, PartialEq)]
pub struct SimEvent {
    /// When: it reaches the centre then.
    pub at: Time,
    /// What.
    pub what: Happening,
}

/// What happens.
#[allow(clippy::large_enum_variant)] // most are observations, and each lives for one call: a box would cost more
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// A sensor says something.
    Observation(Observation),
    /// A phone says where it is.
    Position(Position),
    /// A simulated person does something.
    Act {
        /// Who.
        by: PersonId,
        /// What.
        act: Act,
    },
    /// A simulated person's channel comes up or goes down.
    Reach {
        /// Who.
        person: PersonId,
        /// Which channel.
        channel: Channel,
        /// Up or down.
        up: bool,
    },
}
