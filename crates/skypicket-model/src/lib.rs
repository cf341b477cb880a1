//! The vocabulary of Skypicket: what every room means by a word.
//!
//! Ids, time, geodesy, observations, sightings, tracks, dangers, notices, people, markings and the closed set of
//! record entries; and the few pure rules that several rooms share (`may_see`, class kinematic limits, how a
//! person's sighting measures a drone). It is not for I/O, clocks, formats of the outside world or decisions.

pub mod danger;
pub mod delivery;
pub mod desk;
pub mod entry;
pub mod geo;
pub mod ids;
pub mod kinematics;
pub mod marking;
pub mod notice;
pub mod observation;
pub mod people;
pub mod refusal;
pub mod sighting;
pub mod time;
pub mod track;

pub use danger::{Danger, Within};
pub use delivery::{Channel, Delivery, DispatchEvent, ProviderResult, Reached};
pub use desk::{DeskEvent, SightingState, Triage, Verdict};
pub use entry::{Act, Body, Entry, Request};
pub use geo::{Enu, LatLon, Place};
pub use ids::{
    AgencyId, DeliveryId, IdMaker, LogId, NoticeId, ObservationId, PersonId, RequestId, SightingId, SourceId, TrackId,
    UnitId,
};
pub use marking::{Marking, Reader, Tlp, may_see};
pub use notice::{Level, Notice, NoticeState};
pub use observation::{Claims, Measurement, Observation, Signal};
pub use people::{Agency, Directory, OwnFlight, Person, Position, Protected, ProtectedId, Role, Unit};
pub use refusal::Refusal;
pub use sighting::Sighting;
pub use time::Time;
pub use track::{Track, TrackState};
