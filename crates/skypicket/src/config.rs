//! [`Config`]: what an administrator writes: TOML file, then environment (`SKYPICKET_…`), then flags, in that order.
//!
//! Unknown keys are refused with their line and the nearest known key. Every default is documented in the example
//! `docs/admin/skypicket.example.toml`, which a test parses.

use crate::{
    accounts::{OidcConfig, SignInPolicy},
    carriers::{ExerciseConfig, WatchdogConfig},
    engines::Policies,
    library::{Library, LibraryConfig},
    push::PushConfig,
};
use serde::Deserialize;
use skypicket_link::{
    CaptureConfig, FeedConfig, TakConfig, TcpLinesConfig, UdpLinesConfig, feed::Bearer, relay::RelayConfig,
    sms::SmsConfig, smtp::SmtpConfig, webhook::WebhookConfig,
};
use skypicket_model::{
    Agency, AgencyId, Directory, LatLon, Person, PersonId, Role, SourceId, Unit, UnitId, Zone, people::Site,
};
use skypicket_record::Retention;
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// The whole configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address of pages and API.
    pub listen: SocketAddr,
    /// Allows `listen` on an address that others can reach without TLS; shows a warning on every page.
    pub insecure: bool,
    /// TLS of pages and API.
    pub tls: TlsConfig,
    /// Where people reach the centre when a reverse proxy stands in front (`https://picket.example`): used in sign-in
    /// links, and with https the session cookie is sent over https only.
    pub public_url: Option<String>,
    /// Folder of the record, keys and attachments.
    pub data: PathBuf,
    /// The centre itself.
    pub centre: CentreConfig,
    /// Where the map opens.
    pub place: MapPlace,
    /// Agencies.
    pub agency: Vec<Agency>,
    /// Units.
    pub unit: Vec<Unit>,
    /// People.
    pub person: Vec<Person>,
    /// Fixed places to protect.
    pub site: Vec<Site>,
    /// Sources.
    pub source: Sources,
    /// TAK server.
    pub tak: Option<TakConfig>,
    /// Web Push.
    pub push: PushConfig,
    /// The server that mail is handed to.
    pub mail: Option<SmtpConfig>,
    /// The gateway for short messages.
    pub sms: Option<SmsConfig>,
    /// Systems of others that notices are posted to.
    pub webhook: Vec<WebhookConfig>,
    /// Sirens, lamps and horns.
    pub relay: Vec<RelayConfig>,
    /// Bulletins as alerts for systems of others.
    pub cap: CapConfig,
    /// How channels are watched.
    pub watchdog: WatchdogConfig,
    /// What an exercise may use of the world outside.
    pub exercise: ExerciseConfig,
    /// Policies of the engines.
    pub policy: Policies,
    /// The record.
    pub record: RecordConfig,
    /// What bulletins are written from.
    pub library: LibraryConfig,
    /// An own map.
    pub basemap: Option<Basemap>,
    /// How people sign in.
    pub sign_in: SignInPolicy,
    /// A provider of the house that people sign in through.
    pub oidc: Option<OidcConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            insecure: false,
            tls: TlsConfig::Off,
            public_url: None,
            data: PathBuf::from("data"),
            centre: CentreConfig::default(),
            place: MapPlace::default(),
            agency: Vec::new(),
            unit: Vec::new(),
            person: Vec::new(),
            site: Vec::new(),
            source: Sources::default(),
            tak: None,
            push: PushConfig::default(),
            mail: None,
            sms: None,
            webhook: Vec::new(),
            cap: CapConfig::default(),
            relay: Vec::new(),
            watchdog: WatchdogConfig::default(),
            exercise: ExerciseConfig::default(),
            policy: Policies::default(),
            record: RecordConfig::default(),
            library: LibraryConfig::default(),
            basemap: None,
            sign_in: SignInPolicy::default(),
            oidc: None,
        }
    }
}

/// TLS of pages and API: `tls = "auto"`, or a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum TlsConfig {
    /// None: on loopback only.
    #[default]
    Off,
    /// By the centre's own authority.
    Auto {
        /// Names and addresses besides those that the machine knows of.
        names: Vec<String>,
    },
    /// By certificates of somebody else's authority.
    Files {
        /// Chain, PEM, the server's own first.
        cert: PathBuf,
        /// Private key, PEM.
        key: PathBuf,
    },
}

impl std::str::FromStr for TlsConfig {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(',') {
            None if text == "auto" => Ok(Self::Auto { names: Vec::new() }),
            None if text == "off" => Ok(Self::Off),
            Some((cert, key)) if !cert.is_empty() && !key.is_empty() => {
                Ok(Self::Files { cert: cert.into(), key: key.into() })
            }
            _ => Err(format!("'{text}': give auto, off, or the files CERT,KEY")),
        }
    }
}

/// The table of [`TlsConfig`].
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TlsTable {
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    names: Vec<String>,
}

impl<'de> Deserialize<'de> for TlsConfig {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> serde::de::Visitor<'de> for Either {
            type Value = TlsConfig;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"auto\", \"off\", \"CERT,KEY\", or a table with cert and key, or names")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TlsConfig, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<TlsConfig, A::Error> {
                let t = TlsTable::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                match (t.cert, t.key) {
                    (None, None) => Ok(TlsConfig::Auto { names: t.names }),
                    (Some(cert), Some(key)) if t.names.is_empty() => Ok(TlsConfig::Files { cert, key }),
                    (Some(_), Some(_)) => Err(serde::de::Error::custom(
                        "tls: names are for the own authority; files bring their names with them: give one or the other",
                    )),
                    _ => Err(serde::de::Error::custom("tls: give cert and key together")),
                }
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Where the map opens.
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct MapPlace {
    /// Name shown in the header.
    pub name: String,
    /// Latitude, degrees.
    pub lat_deg: f64,
    /// Longitude, degrees.
    pub lon_deg: f64,
    /// Zoom, 0 (the world) to 20.
    pub zoom: f64,
}

impl Default for MapPlace {
    fn default() -> Self {
        Self { name: "No place set".into(), lat_deg: 31.76, lon_deg: -106.49, zoom: 4.0 }
    }
}

/// Tables of sources.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sources {
    /// Newline JSON over UDP.
    pub udp: Vec<UdpLinesConfig>,
    /// Newline JSON over TCP.
    pub tcp: Vec<TcpLinesConfig>,
    /// Capture files that other programs write.
    pub capture: Vec<CaptureConfig>,
    /// Receivers, gateways and aircraft.
    pub feed: Vec<FeedConfig>,
}

impl Sources {
    fn ids(&self) -> impl Iterator<Item = &SourceId> {
        let udp = self.udp.iter().map(|s| &s.id);
        let feeds = self.feed.iter().flat_map(|f| std::iter::once(&f.id).chain(f.receivers.values().map(|r| &r.id)));
        udp.chain(self.tcp.iter().map(|s| &s.id)).chain(self.capture.iter().map(|s| &s.id)).chain(feeds)
    }
}

/// The record.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordConfig {
    /// Disk space kept back for warnings and people's acts, MiB.
    pub reserve_mib: u64,
    /// Time between snapshots of the engines, seconds.
    pub snapshot_s: f64,
    /// Time between signed checkpoints, seconds.
    pub checkpoint_s: f64,
    /// How long content is kept.
    pub retention: RetentionConfig,
}

impl Default for RecordConfig {
    fn default() -> Self {
        Self { reserve_mib: 64, snapshot_s: 300.0, checkpoint_s: 60.0, retention: RetentionConfig::default() }
    }
}

/// How long content is kept, days; at most five years.
#[allow(clippy::struct_field_names)] // each says its unit
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionConfig {
    /// Raw observations of sensors.
    pub observations_days: f64,
    /// People's own positions, and snapshots of the engines, which hold them.
    pub positions_days: f64,
    /// Tracks.
    pub tracks_days: f64,
    /// What people did.
    pub acts_days: f64,
    /// Warnings and what became of them.
    pub notices_days: f64,
    /// Who read what.
    pub access_days: f64,
}

impl Default for RetentionConfig {
    fn default() -> Self {
        let r = Retention::default();
        Self {
            observations_days: r.observations,
            positions_days: r.positions,
            tracks_days: r.tracks,
            acts_days: r.acts,
            notices_days: r.notices,
            access_days: r.access,
        }
    }
}

impl RetentionConfig {
    /// As the record takes it.
    pub fn policy(self) -> Retention {
        Retention {
            observations: self.observations_days,
            positions: self.positions_days,
            tracks: self.tracks_days,
            acts: self.acts_days,
            notices: self.notices_days,
            access: self.access_days,
        }
    }
}

/// Bulletins as alerts for systems of others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CapConfig {
    /// Who sends, in every alert: unique in the world, and the same for ever. Without it `skypicket.` and the record's id.
    pub sender: Option<String>,
}

/// The centre itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CentreConfig {
    /// Its time zone, by its name in the IANA database: what goes out for people to read has its time beside UTC.
    pub time_zone: String,
}

impl Default for CentreConfig {
    fn default() -> Self {
        Self { time_zone: "UTC".into() }
    }
}

/// An own map.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basemap {
    /// PMTiles file.
    pub pmtiles: PathBuf,
}

/// Longest sender of alerts, characters: it stands in every reference.
const MOST_SENDER: usize = 200;

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// File.
        path: PathBuf,
        /// Cause.
        error: std::io::Error,
    },
    /// The file does not parse.
    #[error("{path}:{line}: {message}")]
    Parse {
        /// File.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What, and what to do.
        message: String,
    },
    /// An environment variable.
    #[error("environment variable {name}: {message}")]
    Env {
        /// Its name.
        name: &'static str,
        /// What.
        message: String,
    },
    /// It does not fit together.
    #[error("{}", .0.join("\n"))]
    Unfit(Vec<String>),
}

impl Config {
    /// From a file, or the defaults, then the environment.
    pub fn load(path: Option<&Path>) -> Result<Self, ConfigError> {
        let mut config = match path {
            None => Self::default(),
            Some(p) => {
                let text =
                    std::fs::read_to_string(p).map_err(|error| ConfigError::Read { path: p.to_owned(), error })?;
                Self::parse(&text, p)?
            }
        };
        if let Ok(v) = std::env::var("SKYPICKET_LISTEN") {
            config.listen =
                v.parse().map_err(|e| ConfigError::Env { name: "SKYPICKET_LISTEN", message: format!("'{v}': {e}") })?;
        }
        if let Some(v) = std::env::var_os("SKYPICKET_DATA") {
            config.data = PathBuf::from(v);
        }
        Ok(config)
    }

    /// From TOML text; `path` is only for messages.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|e| {
            let line = e.span().map_or(1, |s| text.bytes().take(s.start).filter(|b| *b == b'\n').count() + 1);
            ConfigError::Parse { path: path.to_owned(), line, message: with_suggestion(e.message()) }
        })
    }

    /// The library: what comes with the program, and what stands in the configured folder.
    pub fn library(&self) -> Result<Library, ConfigError> {
        let loaded = Library::load(self.library.path.as_deref());
        loaded.map_err(|problems| ConfigError::Unfit(problems.iter().map(ToString::to_string).collect()))
    }

    /// The policies that the engines run by: they keep nobody's position longer than the record does.
    pub fn policies(&self) -> Policies {
        let mut policies = self.policy.clone();
        let position = &mut policies.warn.position;
        position.keep_s = position.keep_s.min((self.record.retention.positions_days * 86_400.0).max(60.0));
        policies
    }

    /// Everybody and every place of the configuration; with nobody in it, one administrator who can do all.
    pub fn directory(&self) -> Result<Directory, ConfigError> {
        let mut problems = Vec::new();
        let mut directory = Directory::default();
        macro_rules! take {
            ($from:expr, $into:ident, $word:literal) => {
                for x in $from {
                    if directory.$into.insert(x.id.clone(), x.clone()).is_some() {
                        problems.push(format!("two {}s have the id '{}'", $word, x.id));
                    }
                }
            };
        }
        take!(&self.agency, agencies, "agencie");
        take!(&self.unit, units, "unit");
        take!(&self.person, people, "person");
        take!(&self.site, sites, "site");
        if directory.people.is_empty() {
            add_first_administrator(&mut directory);
        }
        problems.extend(directory.problems());
        if !directory.people.values().any(|p| p.roles.contains(&Role::Administrator)) {
            problems.push("nobody has the role 'administrator': give it to at least one person".into());
        }
        if let Err(e) = LatLon::new(self.place.lat_deg, self.place.lon_deg) {
            problems.push(format!("place: {e}"));
        }
        if let Some(u) = &self.public_url
            && !((u.starts_with("https://") || u.starts_with("http://")) && !u.ends_with('/') && u.is_ascii())
        {
            problems.push(format!("public_url '{u}': give http:// or https:// and a host, without a '/' at the end"));
        }
        if let Err(e) = Zone::new(&self.centre.time_zone) {
            problems.push(format!("[centre] time_zone: {e}"));
        }
        if let Some(s) = &self.cap.sender
            && (s.chars().count() > MOST_SENDER || skypicket_wire::cap::Name::new(s).is_err())
        {
            problems.push(format!(
                "[cap] sender '{s}': 1 to {MOST_SENDER} characters, without spaces, commas, '<' and '&', such as alerts@picket.example"
            ));
        }
        let mut sources = BTreeSet::new();
        for id in self.source.ids() {
            if !sources.insert(id.as_str()) {
                problems.push(format!("two sources have the id '{id}'"));
            }
            if id.as_str().starts_with("person.") {
                problems.push(format!("source '{id}': names that start with 'person.' are for people"));
            }
        }
        for s in &self.source.capture {
            if let Some(Err(e)) = s.receiver_at.map(skypicket_model::Place::check) {
                problems.push(format!("source.capture '{}': receiver_at: {e}", s.id));
            }
        }
        problems.extend(self.source.feed.iter().filter_map(|f| f.check().err()).map(|e| format!("source.feed: {e}")));
        if let TlsConfig::Auto { names } = &self.tls {
            for n in names.iter().filter(|n| skypicket_link::tls::ServerName::parse(n).is_none()) {
                problems.push(format!("tls: '{n}' is neither an address nor a name of a machine"));
            }
        }
        for (what, addr, insecure) in self.listeners() {
            if !addr.ip().is_loopback() && !insecure {
                problems.push(format!(
                    "{what} listens on {addr}, which others can reach, without TLS: {}use a loopback address, or say insecure = true in its table and see the warning on every page",
                    if addr == self.listen { "give tls = \"auto\" (or --tls auto), " } else { "" }
                ));
            }
        }
        problems.extend(self.push.check().err().map(|e| format!("push: {e}")));
        problems.extend(self.watchdog.check().err().map(|e| format!("watchdog: {e}")));
        problems.extend(self.exercise.check().err().map(|e| format!("exercise: {e}")));
        problems.extend(twice("webhook", self.webhook.iter().map(|w| &w.id)));
        problems.extend(twice("relay", self.relay.iter().map(|r| &r.id)));
        let p = &self.policy;
        problems.extend(p.track.check().err().map(|e| format!("policy.track: {e}")));
        problems.extend(p.warn.check().err().map(|e| format!("policy.warn: {e}")));
        problems.extend(self.sign_in.check().err().map(|e| format!("sign_in: {e}")));
        problems.extend(self.oidc.as_ref().and_then(|o| o.check().err()).map(|e| format!("oidc: {e}")));
        problems.extend(p.dispatch.check().err().map(|e| format!("policy.dispatch: {e}")));
        problems.extend(p.desk.check().err().map(|e| format!("policy.desk: {e}")));
        problems.extend(self.record.retention.policy().problem().map(|e| format!("record.retention: {e}")));
        if problems.is_empty() { Ok(directory) } else { Err(ConfigError::Unfit(problems)) }
    }

    /// What the listener of pages and API is called.
    pub const PAGES: &str = "the page and API";

    /// Some listener has TLS: there must be an authority.
    pub fn wants_authority(&self) -> bool {
        self.tak.as_ref().is_some_and(|t| t.tls) || self.source.tcp.iter().any(|s| s.tls)
    }

    /// The host that people reach the centre under.
    pub fn public_host(&self) -> Option<&str> {
        let rest = self.public_url.as_deref()?.split_once("://")?.1;
        let host = rest.split('/').next()?;
        match host.strip_prefix('[') {
            Some(v6) => v6.split(']').next(),
            None => host.split(':').next(),
        }
    }

    /// Feeds over a network where nothing proves who sends.
    pub fn open_feeds(&self) -> impl Iterator<Item = &FeedConfig> {
        self.source.feed.iter().filter(|f| f.from.is_insecure())
    }

    /// Every listener where nothing proves who connects: what it is, its address, whether its table says insecure. Those
    /// over TLS where a client must have a certificate are not among them, nor the pages over TLS.
    pub fn listeners(&self) -> Vec<(String, SocketAddr, bool)> {
        let mut out = Vec::new();
        if self.tls == TlsConfig::Off {
            out.push((Self::PAGES.to_owned(), self.listen, self.insecure));
        }
        if let Some(t) = self.tak.as_ref().filter(|t| !t.protected()) {
            out.push(("tak".into(), t.listen, t.insecure));
        }
        for s in &self.source.udp {
            out.push((format!("source.udp '{}'", s.id), s.listen, s.insecure));
        }
        for s in self.source.tcp.iter().filter(|s| !s.protected()) {
            out.push((format!("source.tcp '{}'", s.id), s.listen, s.insecure));
        }
        for f in &self.source.feed {
            if let Bearer::Udp(u) = &f.from {
                out.push((format!("source.feed '{}'", f.id), u.listen, u.insecure));
            }
        }
        out
    }
}

/// Ids that are there twice.
fn twice<'a>(what: &str, ids: impl Iterator<Item = &'a SourceId>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    ids.filter(|id| !seen.insert((*id).clone())).map(|id| format!("two {what}s have the id '{id}'")).collect()
}

/// One agency, one unit, one person with every role: enough to sign in and write the real configuration.
#[allow(clippy::expect_used)] // constant names, tested
fn add_first_administrator(directory: &mut Directory) {
    let agency = Agency { id: AgencyId::new("centre").expect("constant"), name: "Centre".into() };
    let person = Person {
        id: PersonId::new("admin").expect("constant"),
        name: "Administrator".into(),
        unit: UnitId::new("centre").expect("constant"),
        roles: [
            Role::Field,
            Role::Watch,
            Role::Analyst,
            Role::Supervisor,
            Role::Integrator,
            Role::Auditor,
            Role::Administrator,
        ]
        .into(),
        channels: vec![skypicket_model::Channel::Web],
        addresses: skypicket_model::people::Addresses::default(),
        subscriptions: Vec::new(),
        tak_uid: None,
        language: skypicket_model::people::Language::En,
        disabled: false,
    };
    let unit =
        Unit { id: person.unit.clone(), name: "Centre".into(), agency: agency.id.clone(), leadership: Vec::new() };
    directory.agencies.insert(agency.id.clone(), agency);
    directory.units.insert(unit.id.clone(), unit);
    directory.people.insert(person.id.clone(), person);
}

/// Adds "did you mean" to serde's "unknown field `x`, expected one of `a`, `b`".
pub fn with_suggestion(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if !message.starts_with("unknown field") {
        return message.to_owned();
    }
    let Some((unknown, known)) = quoted.split_first() else { return message.to_owned() };
    if let Some((_, why)) = skypicket_track::settings::RETIRED.iter().find(|(retired, _)| retired == unknown) {
        return format!("`{unknown}` is gone: {why}. Leave it out");
    }
    let nearest = known.iter().max_by(|a, b| strsim::jaro(unknown, a).total_cmp(&strsim::jaro(unknown, b)));
    match nearest {
        Some(k) if strsim::jaro(unknown, k) > 0.6 => format!("unknown key `{unknown}`: did you mean `{k}`?"),
        _ => format!("unknown key `{unknown}`; known here: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("skypicket.toml"))
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_the_nearest_key() {
        let e = parse("listen = \"127.0.0.1:1\"\n[place]\nname = \"x\"\nlat_dge = 1.0\n").unwrap_err().to_string();
        assert_eq!(e, "skypicket.toml:4: unknown key `lat_dge`: did you mean `lat_deg`?");
    }

    #[test]
    fn a_key_that_there_was_is_refused_with_why_it_is_gone() {
        for key in ["q_horizontal", "q_vertical", "recentre_m"] {
            let e = parse(&format!("[policy.track]\n{key} = 4.0\n")).unwrap_err().to_string();
            assert!(e.starts_with(&format!("skypicket.toml:2: `{key}` is gone: ")), "{e}");
        }
    }

    #[test]
    fn an_empty_configuration_has_one_administrator_and_listens_on_loopback() {
        let c = parse("").unwrap();
        assert!(c.listen.ip().is_loopback());
        assert_eq!(c.directory().unwrap().people.len(), 1);
    }

    #[test]
    fn an_open_listener_is_refused_unless_its_table_says_insecure() {
        let open = "[tak]\nlisten = \"0.0.0.0:8087\"\n";
        let e = parse(open).unwrap().directory().unwrap_err().to_string();
        assert!(e.contains("tak listens on 0.0.0.0:8087"), "{e}");
        assert!(parse(&format!("{open}insecure = true\n")).unwrap().directory().is_ok());
    }

    #[test]
    fn tls_is_a_word_or_two_files_or_a_table() {
        let auto = |names: &[&str]| TlsConfig::Auto { names: names.iter().map(|n| (*n).to_owned()).collect() };
        let files = TlsConfig::Files { cert: "c.pem".into(), key: "k.pem".into() };
        for (text, expect) in [
            ("", TlsConfig::Off),
            ("tls = \"off\"", TlsConfig::Off),
            ("tls = \"auto\"", auto(&[])),
            ("tls = \"c.pem,k.pem\"", files.clone()),
            ("[tls]\ncert = \"c.pem\"\nkey = \"k.pem\"", files),
            ("[tls]\nnames = [\"picket.lan\", \"192.0.2.7\"]", auto(&["picket.lan", "192.0.2.7"])),
        ] {
            let c = parse(text).unwrap();
            c.directory().unwrap();
            assert_eq!(c.tls, expect, "{text}");
        }
        for (text, expect) in [
            ("tls = \"yes\"", "give auto, off, or the files CERT,KEY"),
            ("tls = \",\"", "give auto, off, or the files CERT,KEY"),
            ("tls = 1", "expected \"auto\""),
            ("[tls]\ncert = \"c.pem\"", "give cert and key together"),
            ("[tls]\ncert = \"c\"\nkey = \"k\"\nnames = [\"x\"]", "give one or the other"),
            ("[tls]\nkeys = \"k\"", "did you mean `key`?"),
        ] {
            let e = parse(text).unwrap_err().to_string();
            assert!(e.contains(expect), "{text}: {e}");
        }
        let e = parse("[tls]\nnames = [\"a b\"]").unwrap().directory().unwrap_err().to_string();
        assert!(e.contains("'a b' is neither an address nor a name"), "{e}");
    }

    #[test]
    fn with_tls_others_may_reach_the_pages() {
        let open = "listen = \"0.0.0.0:8443\"\n";
        let e = parse(open).unwrap().directory().unwrap_err().to_string();
        assert!(e.contains("give tls = \"auto\""), "{e}");
        assert!(parse(&format!("{open}tls = \"auto\"\n")).unwrap().directory().is_ok());
    }

    #[test]
    fn people_who_do_not_fit_together_are_named() {
        let text = "[[person]]\nid = \"a\"\nname = \"A\"\nunit = \"nowhere\"\nroles = [\"field\"]\n";
        let e = parse(text).unwrap().directory().unwrap_err().to_string();
        assert!(e.contains("person 'a' is in unit 'nowhere'"), "{e}");
        assert!(e.contains("nobody has the role 'administrator'"), "{e}");
    }

    #[test]
    fn the_engines_keep_no_position_longer_than_the_record() {
        let read = |text: &str| parse(text).unwrap().policies().warn.position.keep_s;
        for (text, keep_s) in [
            ("", 86_400.0),
            ("[record.retention]\npositions_days = 0.5\n", 43_200.0),
            ("[record.retention]\npositions_days = 7.0\n", 86_400.0),
            ("[policy.warn.position]\nkeep_s = 3600.0\n", 3_600.0),
        ] {
            assert_eq!(read(text).to_bits(), f64::to_bits(keep_s), "{text}");
        }
    }

    #[test]
    fn a_policy_out_of_its_range_is_refused_by_name() {
        for (text, expect) in [
            ("[policy.warn]\nstandoff_m = 9999999.0\n", "policy.warn: standoff_m is 9999999"),
            ("[policy.dispatch]\nretry_s = 0.0\n", "retry_s must be over 0"),
            ("[policy.track]\nconfirm = nan\n", "confirm = NaN"),
        ] {
            let e = parse(text).unwrap().directory().unwrap_err().to_string();
            assert!(e.contains(expect), "{e}");
        }
    }

    #[test]
    fn feeds_that_do_not_fit_are_named_without_a_start() {
        let feed = |from: &str| format!("[[source.feed]]\nid = \"f\"\nformat = \"lines\"\n[source.feed.from.{from}\n");
        let login = "login = \"x\"\npassword_file = \"/nowhere/x\"";
        for (from, expect) in [
            ("mqtt]\nhost = \"broker.example\"\ntopics = [\"#\"]".to_owned(), "insecure = true"),
            (format!("mqtt]\nhost = \"127.0.0.1\"\ntopics = [\"#\"]\n{login}"), "/nowhere/x"),
            ("tcp]\nconnect = \"here\"".to_owned(), "HOST:PORT"),
        ] {
            let e = parse(&feed(&from)).unwrap().directory().unwrap_err().to_string();
            assert!(e.contains("feed 'f'") && e.contains(expect), "{e}");
        }
        let open = parse(&feed("tcp]\nconnect = \"kit.example:1\"\ninsecure = true")).unwrap();
        assert!(open.directory().is_ok());
        assert_eq!(open.open_feeds().count(), 1, "it is said on every page");
    }

    #[test]
    fn ids_that_are_there_twice_and_values_out_of_range_are_named() {
        let hook = "[[webhook]]\nid = \"a\"\nurl = \"https://a.example/\"\nsecret_file = \"a\"\n";
        for (text, expect) in [
            (format!("{hook}{hook}"), "two webhooks have the id 'a'"),
            ("[watchdog]\nevery_min = -1.0\n".into(), "watchdog: every_min is -1"),
            ("[exercise]\nchannels = [\"web\"]\n".into(), "exercise: channels: 'web'"),
            ("[cap]\nsender = \"a b\"\n".into(), "[cap] sender 'a b'"),
            ("[push]\nbulletin_ttl_s = 0\n".into(), "push: bulletin_ttl_s is 0"),
            (
                "[centre]\ntime_zone = \"Mars/Olympus\"\n".into(),
                "[centre] time_zone: 'Mars/Olympus' is no time zone of the IANA database, such as America/Denver or UTC",
            ),
        ] {
            let e = parse(&text).unwrap().directory().unwrap_err().to_string();
            assert!(e.contains(expect), "{e}");
        }
    }

    const EXAMPLE: &str = include_str!("../../../docs/admin/skypicket.example.toml");

    #[test]
    fn the_example_is_fit_and_what_it_says_of_defaults_is_so() {
        let c = parse(EXAMPLE).unwrap();
        c.directory().unwrap();
        let d = Config::default();
        assert_eq!((c.listen, c.insecure, &c.data, &c.place), (d.listen, d.insecure, &d.data, &d.place));
        assert_eq!((c.tls, c.public_url, &c.centre), (d.tls, d.public_url, &d.centre));
        assert_eq!(format!("{:?}", c.record), format!("{:?}", d.record));
        assert_eq!(c.policy, d.policy);
        assert_eq!((c.sign_in, c.library), (d.sign_in, d.library));
        assert_eq!(c.push, PushConfig { contact: c.push.contact.clone(), ..d.push });
        assert_eq!((c.watchdog, &c.exercise, &c.cap), (d.watchdog, &d.exercise, &d.cap));
        let bare = parse(
            "[[source.udp]]\nid = \"radar-1\"\nlisten = \"127.0.0.1:7001\"\n\
             [[source.tcp]]\nid = \"gateway-1\"\nlisten = \"127.0.0.1:7002\"\n\
             [[source.capture]]\nid = \"wifi-1\"\npath = \"wifi.pcap\"\n\
             [[source.feed]]\nid = \"dronescout\"\nformat = \"dronescout\"\n\
             [source.feed.from.mqtt]\nhost = \"127.0.0.1\"\ntopics = [\"/sensor/+/upload\"]\n\
             [source.feed.receivers.SNSTAC-CUAS-0002]\nid = \"rid-north\"\n\
             [[source.feed]]\nid = \"dragonsync\"\nformat = \"dragonsync\"\n\
             [source.feed.from.zmq]\nconnect = \"127.0.0.1:4224\"\n\
             [[source.feed]]\nid = \"own-7\"\nformat = \"mavlink\"\nown = [{ serial = \"1581F5FKD229400012AB\", system = 7 }]\n\
             [source.feed.from.udp]\nlisten = \"127.0.0.1:14550\"\n\
             [[source.feed]]\nid = \"ads-b\"\nformat = \"beast\"\n\
             [source.feed.from.tcp]\nconnect = \"127.0.0.1:30005\"\n\
             [[source.feed]]\nid = \"mesh\"\nformat = \"meshmapper\"\n\
             [source.feed.from.serial]\npath = \"/dev/ttyUSB0\"\n\
             [[source.feed]]\nid = \"ads-b-2\"\nformat = \"aircraftjson\"\n\
             [source.feed.from.http]\nurl = \"http://127.0.0.1:8078/data/aircraft.json\"\n\
             [[source.feed]]\nid = \"ads-b-3\"\nformat = \"aircraftjson\"\n\
             [source.feed.from.file]\npath = \"/run/readsb/aircraft.json\"\n\
             [tak]\nlisten = \"127.0.0.1:8087\"\n\
             [mail]\nhost = \"mail.example.org\"\nfrom = \"Sector Watch <watch@centre.example>\"\n\
             [sms]\nurl = \"https://sms.example.org/send\"\n\
             [[webhook]]\nid = \"county-cad\"\nurl = \"https://cad.example.org/skypicket\"\nsecret_file = \"/etc/skypicket/county-cad.key\"\n\
             [[relay]]\nid = \"gate-siren\"\nurl = \"https://siren.example.org/alarm\"\nsecret_file = \"/etc/skypicket/gate-siren.key\"\n\
             [[person]]\nid = \"watch-1\"\nname = \"Watch officer\"\nunit = \"desk\"\nroles = [\"watch\", \"administrator\"]\n",
        )
        .unwrap();
        assert_eq!(c.source.udp, bare.source.udp);
        assert_eq!(c.source.tcp, bare.source.tcp);
        assert_eq!(c.source.capture, bare.source.capture);
        assert_eq!(c.source.feed, bare.source.feed);
        assert_eq!(c.tak, bare.tak);
        assert_eq!((c.mail, c.sms), (bare.mail, bare.sms));
        assert_eq!((c.webhook, c.relay), (bare.webhook, bare.relay));
        assert_eq!(c.person.first(), bare.person.first());
    }

    #[test]
    fn the_example_names_every_key() {
        let tables = " [tls] [centre] [place] [[agency]] [[unit]] [[person]] [[site]] [source] [[source.udp]] [[source.tcp]] \
             [[source.capture]] [[source.feed]] [source.feed.from.mqtt] [source.feed.from.zmq] [source.feed.from.udp] \
             [source.feed.from.tcp] [source.feed.from.serial] [source.feed.from.http] [source.feed.from.file] [source.feed.receivers.x] [tak] [push] [mail] [sms] [[webhook]] [[relay]] [cap] [watchdog] [exercise] [record] [library] [basemap] [sign_in] [oidc] [policy] [policy.warn] [policy.warn.urgent] \
             [policy.warn.wander] [policy.warn.position] [policy.dispatch] [policy.dispatch.receipt_s] \
             [policy.dispatch.acknowledge_s] [policy.track] [policy.track.kinds] \
             [policy.track.kinds.radar] [policy.track.sources.x] [policy.track.trust]";
        for table in tables.split(' ') {
            let within = if table.starts_with("[source.feed.") {
                "[[source.feed]]\nid = \"x\"\nformat = \"lines\"\n"
            } else {
                ""
            };
            let e = parse(&format!("{within}{table}\nzzzz = 1\n")).unwrap_err().to_string();
            let (_, known) = e.split_once("known here: ").unwrap_or_else(|| panic!("{table}: {e}"));
            for key in known.split(", ") {
                let named = [
                    format!("{key} = "),
                    format!("[{key}]"),
                    format!("[{key}."),
                    format!(".{key}]"),
                    format!(".{key}."),
                ];
                assert!(named.iter().any(|n| EXAMPLE.contains(n)), "the example does not name '{key}' of {table}");
            }
        }
    }
}
