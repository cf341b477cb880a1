//! [`Pulse`]: whether the centre is alive, asked again and again: the engines answer and the committer goes round. The
//! service manager is told so (`sd_notify`), and restarts a centre that stays silent; jumps of the clock are seen here.

use crate::{centre::Centre, clock, clocks::Clocks, inbox::Job};
use metrics_exporter_prometheus::PrometheusHandle;
use sd_notify::NotifyState;
use skypicket_record::{Record, RecordState};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// How often, where no watchdog asks for more.
const EVERY: Duration = Duration::from_secs(5);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells the service manager; without one nothing happens.
fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}

/// Ready: pages and API answer from now on.
pub fn ready(listening: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("Answers at {listening}"))]);
}

/// Stopping: what waits is finished first.
pub fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("Finishing what waits")]);
}

/// Why the centre cannot take anything now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unready {
    /// It is shutting down.
    Draining,
    /// The engines do not answer.
    Engines,
    /// Nothing goes from the engines to the disk.
    Committer,
    /// A heartbeat does not come round.
    Round,
    /// The record is full.
    Full,
}

impl Unready {
    /// For whoever asked.
    pub fn why(self) -> &'static str {
        match self {
            Self::Draining => "The centre is shutting down and finishes what waits; try again in a few seconds.",
            Self::Engines => "The engines do not answer within a second.",
            Self::Committer => "Nothing has gone from the engines to the disk for ten seconds.",
            Self::Round => {
                "The centre is up but does not work: nothing has gone from its inbox over the engines to the pages for fifteen seconds. Start it again; call people by other means meanwhile."
            }
            Self::Full => {
                "The record has no space left. Warnings still go out; reports and acknowledgements are refused until there is room."
            }
        }
    }
}

/// Whether the engines answer and the committer goes round.
async fn alive(centre: &Centre) -> Result<(), Unready> {
    match tokio::time::timeout(PATIENCE, centre.ask(|_| ())).await {
        // So many acts wait that one more was refused: overload, not death, while the turns go on.
        Ok(Ok(()) | Err(crate::inbox::NotTaken::Busy)) => {}
        _ => return Err(Unready::Engines),
    }
    // It goes round each second, whatever the disk does.
    if centre.flags.committer_silent_for() > Duration::from_secs(10) { Err(Unready::Committer) } else { Ok(()) }
}

/// A heartbeat that did not come round for so long means that the centre does not work: three beats.
const ROUND: Duration = Duration::from_secs(15);

/// Whether heartbeats come round: from the inbox over the engines and the committer to the pages' streams. Waits for
/// nothing.
pub fn working(centre: &Centre) -> Result<(), Unready> {
    let up_s = clock::now().since_s(centre.started_at);
    match centre.flags.round_ago() {
        Some(ago) if ago > ROUND => Err(Unready::Round),
        None if up_s > ROUND.as_secs_f64() => Err(Unready::Round),
        _ => Ok(()),
    }
}

/// Whether the centre takes what comes.
pub async fn ready_now(centre: &Centre) -> Result<(), Unready> {
    if centre.flags.draining() {
        return Err(Unready::Draining);
    }
    alive(centre).await?;
    working(centre)?;
    if centre.flags.full() || centre.record.state() == RecordState::Full { Err(Unready::Full) } else { Ok(()) }
}

/// Asks until the end.
pub struct Pulse {
    /// The centre.
    pub centre: Centre,
    /// The clocks.
    pub clocks: Arc<Clocks>,
    /// Whose histograms must be folded now and then.
    pub metrics: Option<PrometheusHandle>,
    /// Where pages and API are.
    pub listening: String,
}

impl Pulse {
    /// Until `stopped`. At least three beats in the time that the watchdog gives.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        let watchdog = sd_notify::watchdog_enabled();
        let every = watchdog.map_or(EVERY, |w| (w / 3).min(EVERY)).max(Duration::from_millis(50));
        let mut beat = tokio::time::interval(every);
        let mut last = (Instant::now(), clock::machine());
        let mut beats = 0;
        loop {
            tokio::select! {
                _ = beat.tick() => {}
                _ = stopped.wait_for(|s| *s) => return,
            }
            if let Some(m) = &self.metrics {
                m.run_upkeep();
            }
            beats += 1;
            // One that is not taken is as one that does not come round.
            let _ = self.centre.inbox.push(Job::Heartbeat(beats));
            let now = (Instant::now(), clock::machine());
            if let Some(jump_s) = self.clocks.tick(last, now) {
                tracing::warn!(jump_s, "the clock of this machine jumped, or the machine slept");
            }
            last = now;
            let all = match alive(&self.centre).await {
                Ok(()) => working(&self.centre),
                Err(why) => Err(why),
            };
            match all {
                Ok(()) if watchdog.is_some() => {
                    tell(&[NotifyState::Watchdog, NotifyState::Status(&self.status())]);
                }
                Ok(()) => {}
                Err(why) => tracing::error!(why = why.why(), "the centre does not answer itself"),
            }
        }
    }

    fn status(&self) -> String {
        let (pages, _) = self.centre.hub.counts();
        let tracks = self.centre.picture.borrow().tracks.len();
        let record = match self.centre.record.state() {
            RecordState::Ok if self.centre.flags.unrecorded() => "slow",
            other => other.word(),
        };
        format!("Answers at {}: {pages} pages open, {tracks} tracks, record {record}", self.listening)
    }
}
