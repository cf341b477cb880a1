//! [`FeedConnector`]: a receiver, gateway or aircraft whose bytes come over some bearer, in some format.
//!
//! Bearer and format are apart: any format of [`skypicket_wire::feed`] comes over MQTT, ZeroMQ, UDP, TCP, a serial line,
//! HTTP or a file. One task for each feed moves its bytes, connects again with growing pauses when the other side is gone,
//! and says in its [`Health`] how it does. What is behind a gateway and has a name of its own can be a source of its own.

mod ear;
mod file;
mod http;
mod mqtt;
mod pause;
mod serial;
mod tcp;
mod udp;
mod zmq;

pub use file::FileBearer;
pub use http::HttpBearer;
pub use mqtt::MqttBearer;
pub use serial::SerialBearer;
pub use tcp::TcpBearer;
pub use udp::UdpBearer;
pub use zmq::ZmqBearer;

use crate::{
    Health, Intake, ListenError,
    listen::Shutdown,
    post::{PosterError, is_this_machine},
};
use ear::Ear;
use serde::Deserialize;
use skypicket_model::{
    Place, SourceId,
    observation::{IdClaim, IdKind},
};
use skypicket_wire::feed::{FeedFormat, OwnAircraft};
use std::{collections::BTreeMap, sync::Arc};

/// Most receivers with settings of their own, a feed.
const MOST_RECEIVERS: usize = 256;
/// Largest message, bytes: a busy airport's aircraft.json has some hundred kilobytes.
const MOST_MESSAGE: usize = 4 << 20;

/// Settings of one feed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedConfig {
    /// Source of what comes, unless its receiver is a source of its own.
    pub id: SourceId,
    /// In what format.
    pub format: FeedFormat,
    /// Over what it comes.
    pub from: Bearer,
    /// Where the receiver stands. Default: where it says that it stands, else unknown.
    #[serde(default)]
    pub receiver_at: Option<Place>,
    /// Silence longer than this is an alarm, seconds. Default none.
    #[serde(default)]
    pub expected_interval_s: Option<f64>,
    /// Aircraft of our own whose telemetry this is (MAVLink). Default none.
    #[serde(default)]
    pub own: Vec<OwnConfig>,
    /// Receivers behind this feed that are sources of their own, by the name that they have there. Default none.
    #[serde(default)]
    pub receivers: BTreeMap<String, ReceiverConfig>,
}

/// An aircraft of our own.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnConfig {
    /// Serial number, as its filed flight has it.
    pub serial: String,
    /// MAVLink system id, 1 to 255. Default: every aircraft of the link.
    #[serde(default)]
    pub system: Option<u8>,
}

impl OwnConfig {
    fn known(self) -> OwnAircraft {
        OwnAircraft { system: self.system, id: IdClaim { kind: IdKind::Serial, value: self.serial } }
    }
}

impl FeedConfig {
    /// What is wrong with it, as far as that can be told without listening or connecting: files that it names are read.
    pub fn check(&self) -> Result<(), FeedError> {
        let bearer = || match self.from.clone() {
            Bearer::Mqtt(m) => m.ready(&self.id).map(drop),
            Bearer::Zmq(z) => z.ready().map(drop),
            Bearer::Udp(u) => u.check(),
            Bearer::Tcp(t) => t.ready().map(drop),
            Bearer::Serial(s) => s.ready().map(drop),
            Bearer::Http(h) => h.ready().map(drop),
            Bearer::File(f) => f.ready().map(drop),
        };
        check(self).and_then(|()| bearer()).map_err(|unfit| unfit.of(&self.id))
    }
}

/// A receiver behind a gateway.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiverConfig {
    /// Source of what it hears.
    pub id: SourceId,
    /// Where it stands. Default: where it says that it stands, else unknown.
    #[serde(default)]
    pub at: Option<Place>,
    /// Silence longer than this is an alarm, seconds. Default none.
    #[serde(default)]
    pub expected_interval_s: Option<f64>,
}

/// What moves a feed's bytes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// Messages of an MQTT broker.
    Mqtt(MqttBearer),
    /// Messages of a ZeroMQ publisher.
    Zmq(ZmqBearer),
    /// Datagrams sent to us.
    Udp(UdpBearer),
    /// A stream of a TCP server.
    Tcp(TcpBearer),
    /// A serial line.
    Serial(SerialBearer),
    /// A document of an HTTP server, asked for again and again.
    Http(HttpBearer),
    /// A file that another program writes anew again and again.
    File(FileBearer),
}

impl Bearer {
    /// Its word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Mqtt(_) => "mqtt",
            Self::Zmq(_) => "zmq",
            Self::Udp(_) => "udp",
            Self::Tcp(_) => "tcp",
            Self::Serial(_) => "serial",
            Self::Http(_) => "http",
            Self::File(_) => "file",
        }
    }

    /// Whether others can read and forge what passes.
    pub fn is_insecure(&self) -> bool {
        match self {
            Self::Mqtt(m) => !m.tls && !is_this_machine(&m.host),
            Self::Zmq(z) => !is_local(&z.connect),
            Self::Udp(u) => !u.listen.ip().to_canonical().is_loopback(),
            Self::Tcp(t) => !t.tls && !is_local(&t.connect),
            Self::Http(h) => h.is_insecure(),
            Self::Serial(_) | Self::File(_) => false,
        }
    }
}

/// Why a feed cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A setting.
    #[error("feed '{id}': {key}: {problem}")]
    Setting {
        /// Which feed.
        id: SourceId,
        /// Which setting.
        key: &'static str,
        /// What is wrong with it, and what to write.
        problem: String,
    },
    /// TLS, a secret or an address.
    #[error("feed '{id}': {error}")]
    Post {
        /// Which feed.
        id: SourceId,
        /// What.
        error: PosterError,
    },
    /// It listens, and cannot.
    #[error("feed '{id}': {error}")]
    Listen {
        /// Which feed.
        id: SourceId,
        /// What.
        error: ListenError,
    },
}

/// What is wrong with a bearer, before it is known whose.
pub(crate) enum Unfit {
    Setting(&'static str, String),
    Post(PosterError),
    Listen(ListenError),
}

impl Unfit {
    fn of(self, id: &SourceId) -> FeedError {
        let id = id.clone();
        match self {
            Self::Setting(key, problem) => FeedError::Setting { id, key, problem },
            Self::Post(error) => FeedError::Post { id, error },
            Self::Listen(error) => FeedError::Listen { id, error },
        }
    }
}

impl<E: Into<PosterError>> From<E> for Unfit {
    fn from(error: E) -> Self {
        Self::Post(error.into())
    }
}

/// The host of `HOST:PORT`, with its brackets where it is an IPv6 address.
fn host_of(connect: &str) -> Option<&str> {
    let (host, port) = connect.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    let fits = !bare.is_empty() && (bare.len() < host.len() || !host.contains(':')) && !bare.contains(['/', '@', ' ']);
    (fits && port.parse::<u16>().is_ok_and(|p| p > 0)).then_some(host)
}

fn is_local(connect: &str) -> bool {
    host_of(connect).is_some_and(is_this_machine)
}

/// An address to connect to: another machine's only with TLS, or where the table says that it is wanted so.
fn check_connect(connect: &str, tls: bool, insecure: bool) -> Result<&str, Unfit> {
    let Some(host) = host_of(connect) else {
        return Err(Unfit::Setting("connect", format!("'{connect}': give HOST:PORT")));
    };
    check_plain(host, tls, insecure)?;
    Ok(host)
}

fn check_plain(host: &str, tls: bool, insecure: bool) -> Result<(), Unfit> {
    if tls || insecure || is_this_machine(host) {
        return Ok(());
    }
    let problem = format!(
        "'{host}' is not this machine and this connection has no TLS, so that others could forge what comes; say insecure = true in its table to open it anyway"
    );
    Err(Unfit::Setting("insecure", problem))
}

/// A feed that is set up, ready to run.
pub struct FeedConnector {
    ear: Ear,
    bearer: Opened,
    word: &'static str,
    insecure: bool,
    expected_interval_s: Option<f64>,
    receivers: Vec<(SourceId, Option<f64>)>,
}

enum Opened {
    Mqtt(Box<mqtt::Ready>),
    Zmq(zmq::Ready),
    Udp(udp::Bound),
    Tcp(tcp::Ready),
    Serial(serial::Ready),
    Http(Box<http::Ready>),
    File(file::Ready),
}

impl FeedConnector {
    /// Checks the settings, reads secrets, and binds what listens. Nothing is connected to yet: a broker that is not
    /// there at the start is waited for.
    pub async fn open(config: FeedConfig) -> Result<Self, FeedError> {
        let id = config.id.clone();
        let of = |unfit: Unfit| unfit.of(&id);
        check(&config).map_err(of)?;
        let (word, insecure) = (config.from.word(), config.from.is_insecure());
        let bearer = match config.from.clone() {
            Bearer::Mqtt(m) => Opened::Mqtt(Box::new(m.ready(&config.id).map_err(of)?)),
            Bearer::Zmq(z) => Opened::Zmq(z.ready().map_err(of)?),
            Bearer::Udp(u) => Opened::Udp(u.bind().await.map_err(of)?),
            Bearer::Tcp(t) => Opened::Tcp(t.ready().map_err(of)?),
            Bearer::Serial(s) => Opened::Serial(s.ready().map_err(of)?),
            Bearer::Http(h) => Opened::Http(Box::new(h.ready().map_err(of)?)),
            Bearer::File(f) => Opened::File(f.ready().map_err(of)?),
        };
        let receivers = config.receivers.values().map(|r| (r.id.clone(), r.expected_interval_s)).collect();
        let expected_interval_s = config.expected_interval_s;
        Ok(Self { ear: Ear::new(config), bearer, word, insecure, expected_interval_s, receivers })
    }

    /// The sources that it brings: its own first, then those of its receivers, with what silence is an alarm, seconds.
    pub fn sources(&self) -> Vec<(SourceId, Option<f64>, Arc<Health>)> {
        let own = (self.ear.id().clone(), self.expected_interval_s, self.ear.health());
        let others = self.receivers.iter().filter_map(|(id, s)| Some((id.clone(), *s, self.ear.health_of(id)?)));
        std::iter::once(own).chain(others).collect()
    }

    /// The word of its bearer.
    pub fn bearer(&self) -> &'static str {
        self.word
    }

    /// Whether others can read and forge what passes.
    pub fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// Where it listens, where it does.
    pub fn local_addr(&self) -> Option<std::net::SocketAddr> {
        if let Opened::Udp(u) = &self.bearer { Some(u.local_addr()) } else { None }
    }

    /// Runs until the shutdown.
    pub async fn run(self, intake: Arc<dyn Intake>, shutdown: Shutdown) {
        let mut ear = self.ear;
        ear.give_to(intake);
        match self.bearer {
            Opened::Mqtt(m) => m.run(ear, shutdown).await,
            Opened::Zmq(z) => z.run(ear, shutdown).await,
            Opened::Udp(u) => u.run(ear, shutdown).await,
            Opened::Tcp(t) => t.run(ear, shutdown).await,
            Opened::Serial(s) => s.run(ear, shutdown).await,
            Opened::Http(h) => h.run(ear, shutdown).await,
            Opened::File(f) => f.run(ear, shutdown).await,
        }
    }
}

/// What concerns no bearer.
fn check(config: &FeedConfig) -> Result<(), Unfit> {
    let setting = |key, problem: String| Err(Unfit::Setting(key, problem));
    if config.receivers.len() > MOST_RECEIVERS {
        return setting("receivers", format!("at most {MOST_RECEIVERS}"));
    }
    let places = config.receivers.iter().map(|(name, r)| (name.as_str(), r.at));
    for (name, at) in places.chain([("receiver_at", config.receiver_at)]) {
        if let Some(Err(e)) = at.map(Place::check) {
            return setting("receivers", format!("{name}: {e}"));
        }
    }
    let intervals = config.receivers.values().map(|r| r.expected_interval_s).chain([config.expected_interval_s]);
    if intervals.flatten().any(|s| !(1.0..=604_800.0).contains(&s)) {
        return setting("expected_interval_s", "1 to 604800 seconds".into());
    }
    let fits = |s: &str| (1..=20).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_graphic());
    if config.own.len() > 255 || !config.own.iter().all(|o| fits(&o.serial) && o.system != Some(0)) {
        return setting("own", "a serial of 1 to 20 letters and digits each, and a system of 1 to 255".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_to_connect_to_has_a_host_and_a_port() {
        for (text, host) in [
            ("127.0.0.1:1883", Some("127.0.0.1")),
            ("kit-7.example:30005", Some("kit-7.example")),
            ("[::1]:9", Some("[::1]")),
            ("::1:9", None),
            ("host", None),
            ("host:0", None),
            ("host:70000", None),
            (":80", None),
            ("tcp://host:80", None),
            ("u@host:80", None),
        ] {
            assert_eq!(host_of(text), host, "{text}");
        }
        assert!(check_connect("127.0.0.1:1", false, false).is_ok());
        assert!(check_connect("[::1]:1", false, false).is_ok());
        assert!(check_connect("10.0.0.1:1", false, false).is_err());
        assert!(check_connect("10.0.0.1:1", true, false).is_ok());
        assert!(check_connect("10.0.0.1:1", false, true).is_ok());
    }
}
