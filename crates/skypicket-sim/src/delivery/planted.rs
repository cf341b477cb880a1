//! [`Planted`]: faults that others have, put on purpose into the wiring of the simulated centre, to see that the ledger
//! finds them. The engines themselves are never touched.

/// A fault of the wiring around the engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// What was marked as sent when it was committed is not sent again after a crash in between, and counts as there
    /// (GoAlert: a kill between commit and send loses the message).
    LosesBetweenCommitAndSend,
    /// What cannot be handed to a TAK client that is away waits for it; a recall of what waits there is dropped as one of
    /// something unknown (OpenTAKServer).
    DropsRecallThatOvertakes,
    /// One person's acknowledgement closes the notice for everybody (GoAlert: closing an alert cancels what is pending for
    /// the others).
    OneSilencesAll,
    /// What is older than a minute when its channel is ready is dropped without a word (GoAlert: status updates expire).
    UpdatesExpire,
    /// A client hears "received" before the disk has it.
    ReceivedTooSoon,
    /// Whoever acknowledges a bulletin counts as having done what is on its checklist.
    AcknowledgedIsDone,
    /// What somebody ticked is written down for another one on the list, too.
    TicksForAnother,
}

impl Planted {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::LosesBetweenCommitAndSend,
        Self::DropsRecallThatOvertakes,
        Self::OneSilencesAll,
        Self::UpdatesExpire,
        Self::ReceivedTooSoon,
        Self::AcknowledgedIsDone,
        Self::TicksForAnother,
    ];
}
