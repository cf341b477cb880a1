//! [`Intake`]: what a connector asks of the centre.

use skypicket_model::{Act, Channel, DeliveryId, NoticeId, Observation, PersonId, Position, SourceId, Time};
use std::{future::Future, pin::Pin};

/// A boxed future, so that [`Intake`] can be a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The centre did not take a thing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// Fixed word (`overloaded`, `record_full` …).
    pub code: &'static str,
    /// What to tell the person.
    pub message: String,
}

/// The centre, as connectors see it. The program implements it; tests stand in for it.
pub trait Intake: Send + Sync + 'static {
    /// Takes sensor observations. Never blocks: under overload the centre sheds the oldest and counts them.
    fn observe(&self, source: &SourceId, batch: Vec<Observation>);

    /// Takes where a person says they are; resolves when it is taken or refused.
    fn position(&self, position: Position) -> BoxFuture<'_, Result<(), Refused>>;

    /// Takes what a person did on purpose. Resolves with `Ok` only after it is durable. A sighting whose id is already
    /// recorded with the same content is a repeat: `Ok`.
    fn act(&self, by: PersonId, via: &'static str, act: Act) -> BoxFuture<'_, Result<(), Refused>>;

    /// Something of a source was refused: to be counted, and sampled into quarantine. `offset` is in bytes from the
    /// start of the stream, file, line or datagram, where known; `sample` is its first bytes.
    fn refused(&self, source: &SourceId, reason: &str, offset: Option<u64>, sample: &[u8]);

    /// A channel to a person came up or went down.
    fn reach(&self, person: PersonId, channel: Channel, up: bool);

    /// The notice version that a code typed in chat by this person acknowledges.
    fn resolve_code(&self, person: &PersonId, code: &str) -> Option<(NoticeId, u32)>;

    /// Whose delivery of which notice version this is.
    fn resolve_delivery(&self, delivery: DeliveryId) -> Option<(PersonId, NoticeId, u32)>;

    /// The centre's clock.
    fn now(&self) -> Time;
}

/// Hands a batch on, each source's observations in order.
pub(crate) fn hand_on(intake: &dyn Intake, batch: Vec<Observation>) {
    let mut rest = batch.into_iter().peekable();
    while let Some(first) = rest.next() {
        let source = first.source.clone();
        let mut same = vec![first];
        while let Some(next) = rest.next_if(|o| o.source == source) {
            same.push(next);
        }
        intake.observe(&source, same);
    }
}
