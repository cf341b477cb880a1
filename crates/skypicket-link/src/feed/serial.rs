//! [`SerialBearer`]: a serial line, as of a telemetry radio or a receiver on USB.

use super::{Ear, Unfit, pause::Pause, tcp::read_stream};
use crate::listen::{Shutdown, stopped};
use serde::Deserialize;
use serial2_tokio::SerialPort;
use std::{path::PathBuf, time::Duration};

/// Settings. Eight data bits, no parity, one stop bit, no flow control.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SerialBearer {
    /// The device; a name under `/dev/serial/by-id/` stays the same when it is plugged in elsewhere.
    pub path: PathBuf,
    /// Bits a second. Default 115,200.
    #[serde(default = "SerialBearer::default_baud")]
    pub baud: u32,
}

impl SerialBearer {
    fn default_baud() -> u32 {
        115_200
    }

    pub(super) fn ready(self) -> Result<Ready, Unfit> {
        if (300..=4_000_000).contains(&self.baud) {
            return Ok(Ready(self));
        }
        Err(Unfit::Setting("baud", format!("{}: give 300 to 4000000", self.baud)))
    }
}

/// Checked.
pub(super) struct Ready(SerialBearer);

impl Ready {
    /// One that was pulled out is opened again when it is back.
    pub(super) async fn run(self, mut ear: Ear, mut shutdown: Shutdown) {
        let mut pause = Pause::new();
        loop {
            let done = match SerialPort::open(&self.0.path, self.0.baud) {
                Ok(mut port) => {
                    ear.connected();
                    tokio::select! {
                        biased;
                        () = stopped(&mut shutdown) => return,
                        done = read_stream(&mut port, &mut ear, Duration::MAX, &mut pause) => done,
                    }
                }
                Err(e) => Err(e),
            };
            ear.disconnected(&done.map_or_else(|e| e.to_string(), |()| "the line was closed".into()));
            tokio::select! {
                biased;
                () = stopped(&mut shutdown) => return,
                () = tokio::time::sleep(pause.next()) => {}
            }
        }
    }
}
