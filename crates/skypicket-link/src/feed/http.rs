//! [`HttpBearer`]: a document of an HTTP server, asked for again and again.

use super::{Ear, MOST_MESSAGE, Unfit, file::check_every};
use crate::{
    listen::{Shutdown, stopped},
    post::{Poster, Target},
};
use serde::Deserialize;
use skypicket_wire::feed::Piece;
use std::{path::PathBuf, time::Duration};
use tokio::time::{MissedTickBehavior, interval};

/// Settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpBearer {
    /// Its address.
    pub url: String,
    /// How often to ask, milliseconds, 100 to 60,000. Default 1,000.
    #[serde(default = "HttpBearer::default_every_ms")]
    pub every_ms: u32,
    /// Trust only the certificates of this PEM file. Default what browsers trust.
    #[serde(default)]
    pub roots: Option<PathBuf>,
    /// Ask another machine without TLS although nothing proves who answers. Default false.
    #[serde(default)]
    pub insecure: bool,
}

/// Checked.
pub(super) struct Ready {
    poster: Poster,
    every: Duration,
}

impl HttpBearer {
    fn default_every_ms() -> u32 {
        1_000
    }

    pub(super) fn is_insecure(&self) -> bool {
        Target::parse(&self.url, true).is_ok_and(|t| t.is_insecure())
    }

    pub(super) fn ready(self) -> Result<Ready, Unfit> {
        check_every(self.every_ms)?;
        let target = Target::parse(&self.url, self.insecure)?;
        let poster = Poster::new(target, self.roots.as_deref())?;
        Ok(Ready { poster, every: Duration::from_millis(self.every_ms.into()) })
    }
}

impl Ready {
    pub(super) async fn run(self, mut ear: Ear, mut shutdown: Shutdown) {
        let mut tick = interval(self.every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut answers = false;
        let mut last = None;
        loop {
            let answer = tokio::select! {
                biased;
                () = stopped(&mut shutdown) => return,
                answer = async {
                    tick.tick().await;
                    self.poster.get(MOST_MESSAGE).await
                } => answer,
            };
            match answer {
                Ok(body) => {
                    if !answers {
                        ear.connected();
                        answers = true;
                    }
                    if last.as_ref() == Some(&body) {
                        ear.same_again();
                    } else {
                        ear.hear(&body, Piece::Whole, "", false);
                        last = Some(body);
                    }
                }
                Err(why) => {
                    answers = false;
                    ear.disconnected(&why);
                }
            }
        }
    }
}
