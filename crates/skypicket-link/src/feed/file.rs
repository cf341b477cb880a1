//! [`FileBearer`]: a file that another program on this machine writes anew again and again, as decoders of aircraft do.

use super::{Ear, MOST_MESSAGE, Unfit};
use crate::listen::{Shutdown, stopped};
use serde::Deserialize;
use skypicket_wire::feed::Piece;
use std::{
    io,
    path::PathBuf,
    time::{Duration, SystemTime},
};
use tokio::{
    fs::File,
    io::AsyncReadExt,
    time::{MissedTickBehavior, interval},
};

/// Settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileBearer {
    /// The file.
    pub path: PathBuf,
    /// How often to look, milliseconds, 100 to 60,000. Default 1,000.
    #[serde(default = "FileBearer::default_every_ms")]
    pub every_ms: u32,
}

impl FileBearer {
    fn default_every_ms() -> u32 {
        1_000
    }

    pub(super) fn ready(self) -> Result<Ready, Unfit> {
        check_every(self.every_ms)?;
        Ok(Ready { path: self.path, every: Duration::from_millis(self.every_ms.into()) })
    }
}

/// Checked.
pub(super) struct Ready {
    path: PathBuf,
    every: Duration,
}

impl Ready {
    pub(super) async fn run(self, mut ear: Ear, mut shutdown: Shutdown) {
        let mut tick = interval(self.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut seen, mut is_there) = (None, false);
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut shutdown) => return,
                _ = tick.tick() => {}
            }
            match self.read(&mut seen).await {
                Ok(new) => {
                    if !is_there {
                        ear.connected();
                        is_there = true;
                    }
                    match new {
                        Some(bytes) if bytes.len() > MOST_MESSAGE => ear.refuse("too_long", &bytes),
                        Some(bytes) => ear.hear(&bytes, Piece::Whole, "", false),
                        None => {}
                    }
                }
                Err(e) => {
                    is_there = false;
                    ear.disconnected(&e.to_string());
                }
            }
        }
    }

    /// All of it, where it is another than was seen last.
    async fn read(&self, seen: &mut Option<(SystemTime, u64)>) -> io::Result<Option<Vec<u8>>> {
        let file = File::open(&self.path).await?;
        let meta = file.metadata().await?;
        let is = (meta.modified()?, meta.len());
        if *seen == Some(is) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(MOST_MESSAGE as u64 + 1).read_to_end(&mut bytes).await?;
        *seen = Some(is);
        Ok(Some(bytes))
    }
}

/// How often to look or ask.
pub(super) fn check_every(every_ms: u32) -> Result<(), Unfit> {
    if (100..=60_000).contains(&every_ms) {
        return Ok(());
    }
    Err(Unfit::Setting("every_ms", format!("{every_ms}: give 100 to 60000 milliseconds")))
}
