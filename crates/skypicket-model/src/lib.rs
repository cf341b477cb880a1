//! The vocabulary of Skypicket: what every room means by a word.
//!
//! Ids, time, geodesy, observations, sightings, tracks, dangers, notices, people, markings and the closed set of
//! record entries; and the few pure rules that several rooms share (`may_see`, class kinematic limits, how a
//! person's sighting measures a drone). It is not for I/O, clocks, formats of the outside world or decisions.

pub mod access;
pub mod audience;
pub mod bulletin;
pub mod codes;
pub mod danger;
pub mod delivery;
pub mod desk;
pub mod directory;
pub mod entry;
pub mod geo;
pub mod ids;
pub mod intelligence;
pub mod kinematics;
pub mod lineage;
pub mod marking;
pub mod notice;
pub mod observation;
pub mod people;
pub mod refusal;
pub mod search;
pub mod sighting;
pub mod time;
pub mod track;
pub mod zone;

pub use access::{Access, Deed};
pub use audience::{Area, Audience, Subscription};
pub use bulletin::{BulletinAct, BulletinContent, BulletinState, BulletinStep, Phrase, Sheet};
pub use codes::Codes;
pub use danger::{Danger, Within};
pub use delivery::{CallStatus, Channel, Delivery, DispatchEvent, ProviderResult, Reached};
pub use desk::{
    Action, AlarmCall, AlarmChange, AlarmId, AlarmState, CallHow, CallReason, DeskEvent, FloodChange, Incident,
    ShelfChange, ShelfEnd, Shelved, ShiftChange, SightingState, Triage, Verdict,
};
pub use entry::{Act, Body, Entry, Request};
pub use geo::{Enu, LatLon, Place};
pub use ids::{
    AgencyId, DeliveryId, IdMaker, LogId, NoticeId, ObservationId, PersonId, ReportId, RequestId, SearchId, SightingId,
    SourceId, TrackId, UnitId,
};
pub use intelligence::{Credibility, Grade, Link, Reliability, ReportAct, ReportContent, ReportState};
pub use lineage::{TrackAct, TrackChange, TrackClass, TrackEvent, TrackPart};
pub use marking::{Marking, Reader, Tlp, may_see};
pub use notice::{About, Bulletin, Level, Notice, NoticeState, Warning};
pub use observation::{Claims, Measurement, Observation, Signal};
pub use people::{
    Agency, Directory, DirectoryChange, Duty, OwnFlight, Person, Position, Protected, ProtectedId, Role, Roster, Unit,
};
pub use refusal::Refusal;
pub use search::{SavedSearch, Search, SearchChange, SearchKind, SearchPlace};
pub use sighting::Sighting;
pub use time::Time;
pub use track::{Track, TrackState};
pub use zone::Zone;
