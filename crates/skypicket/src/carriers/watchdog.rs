//! [`Watchdog`]: sends a test message round each channel every so often. A channel that takes messages which do not arrive
//! is worse than one that says that it is down: nobody looks for another way. So what does not come round in its time is
//! told to the engines ([`skypicket_model::entry::ChannelState::Deaf`]), and the centre gets an alarm.
//!
//! | channel | how |
//! |---|---|
//! | web | the program reads its own event stream, through its own listener and TLS, and must see a test event |
//! | tak | a client of the program's own connects to the TAK server and must get a test event |
//! | mail, sms | a message to an address or number that comes back to the centre, where one is configured (`loop`) |
//! | webhook, relay | each must answer a signed test with 2xx |
//! | push | no test: nobody's phone is to ring. Many messages accepted in an hour and not one receipt: it does not work |

use super::{Carriers, Round, TakLoop, Tested, WatchdogConfig, WebLoop, web_loop};
use crate::{centre::Centre, clock, tls::Tls};
use futures_util::future::{BoxFuture, join_all};
use skypicket_model::Channel;
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// The first round comes so soon after the start.
const FIRST: Duration = Duration::from_secs(20);
/// While a channel does not work it is tried again at least so often.
const AGAIN: Duration = Duration::from_mins(1);
/// What the engines were not told is told again so often.
const SETTLE: Duration = Duration::from_secs(1);

/// What goes round.
pub struct Watchdog {
    /// The centre.
    pub centre: Centre,
    /// Its channels over others' machines, and how all stand.
    pub carriers: Arc<Carriers>,
    /// How often.
    pub config: WatchdogConfig,
    /// Our own reader of the event stream.
    pub web: Arc<WebLoop>,
    /// Where pages and API listen.
    pub address: SocketAddr,
    /// Their TLS.
    pub tls: Option<Arc<Tls>>,
    /// Our own client of the TAK server.
    pub tak: Option<TakLoop>,
}

fn nonce() -> String {
    let mut bytes = [0; 8];
    // Without randomness an older test could be taken for this one: no worse than not testing.
    let _ = getrandom::fill(&mut bytes);
    web_loop::hex(&bytes)
}

impl Watchdog {
    /// Until `stopped`.
    pub async fn run(self, mut stopped: watch::Receiver<bool>) {
        let board = &self.carriers.board;
        board.open(Channel::Web, clock::now());
        if self.tak.is_some() {
            board.open(Channel::Tak, clock::now());
        }
        if self.centre.push.get().is_some_and(|p| p.enabled()) {
            board.open(Channel::Push, clock::now());
        }
        let every = (self.config.every_min > 0.0).then(|| Duration::from_secs_f64(self.config.every_min * 60.0));
        let mut next = every.map(|e| Instant::now() + e.min(FIRST));
        let mut settle = tokio::time::interval(SETTLE);
        loop {
            tokio::select! {
                _ = stopped.wait_for(|s| *s) => return,
                _ = settle.tick() => board.settle(clock::now()),
            }
            if let (Some(at), Some(every)) = (next, every)
                && at <= Instant::now()
            {
                tokio::select! {
                    _ = stopped.wait_for(|s| *s) => return,
                    () = self.round() => {}
                }
                let wait = if board.warnings().is_empty() { every } else { every.min(AGAIN) };
                next = Some(Instant::now() + wait);
            }
        }
    }

    /// A test round every channel, side by side.
    async fn round(&self) {
        let wait = Duration::from_secs_f64(self.config.wait_s);
        let tests = self.carriers.board.all().into_keys().filter_map(|c| Some((c, self.test(c)?)));
        let rounds = tests.map(|(channel, test)| async move {
            let (at, began) = (clock::now(), Instant::now());
            let found = tokio::time::timeout(wait, test).await.unwrap_or_else(|_| Err("timed_out".into()));
            let came = found.map(|came| came.then(|| Round { at, took_s: began.elapsed().as_secs_f64() }));
            self.carriers.board.tested(channel, came, clock::now());
        });
        join_all(rounds).await;
    }

    /// Whether a test message came round (`false`: none was sent, and nothing speaks against the channel); `None` where
    /// nothing can be said.
    fn test(&self, channel: Channel) -> Option<BoxFuture<'_, Result<bool, String>>> {
        let nonce = nonce();
        Some(match channel {
            Channel::Web => Box::pin(async move {
                self.web.round(self.address, self.tls.as_deref(), &self.centre.hub, &nonce).await.map(|()| true)
            }),
            Channel::Tak => {
                let tak = self.tak.as_ref()?;
                Box::pin(async move { tak.round(&nonce, clock::now()).await.map(|()| true) })
            }
            Channel::Push => {
                let push = self.centre.push.get()?;
                let silent = push.is_silent(self.config.push_accepted, Duration::from_secs_f64(self.config.wait_s));
                Box::pin(async move { if silent { Err("no_receipt".into()) } else { Ok(false) } })
            }
            Channel::Mail | Channel::Sms => {
                if !self.carriers.has_loop(channel) {
                    return None;
                }
                Box::pin(async move {
                    let _forget = Forget(&self.carriers, &nonce);
                    let waits = self.carriers.send_test(channel, &nonce, clock::now());
                    match waits.ok_or("not_set_up")?.await {
                        Ok(Tested::Back) => Ok(true),
                        Ok(Tested::NotTaken(trouble)) => Err(trouble.to_string()),
                        Err(_) => Err("fault".into()),
                    }
                })
            }
            Channel::Webhook | Channel::Relay => Box::pin(async move {
                self.carriers.ask_all(channel, &format!("test-{nonce}"), clock::now()).await.map(|()| true)
            }),
            Channel::Voice => return None,
        })
    }
}

/// Nobody waits for a test any more when this is dropped.
struct Forget<'a>(&'a Carriers, &'a str);

impl Drop for Forget<'_> {
    fn drop(&mut self) {
        self.0.forget(self.1);
    }
}
