//! [`Config`]: what an administrator writes: TOML file, then environment (`SKYPICKET_…`), then flags, in that order.
//!
//! Unknown keys are refused with their line and the nearest known key. Every default is documented in the example
//! `docs/admin/skypicket.example.toml`, which a test parses.

use crate::engines::Policies;
use serde::Deserialize;
use skypicket_link::{CaptureConfig, TakConfig, TcpLinesConfig, UdpLinesConfig};
use skypicket_model::{
    Agency, AgencyId, Directory, LatLon, Person, PersonId, Role, SourceId, Unit, UnitId, people::Site,
};
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
    /// Where people reach the centre when a reverse proxy stands in front (`https://picket.example`): used in sign-in
    /// links, and with https the session cookie is sent over https only.
    pub public_url: Option<String>,
    /// Folder of the record, keys and attachments.
    pub data: PathBuf,
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
    /// Policies of the engines.
    pub policy: Policies,
    /// The record.
    pub record: RecordConfig,
    /// An own map.
    pub basemap: Option<Basemap>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            insecure: false,
            public_url: None,
            data: PathBuf::from("data"),
            place: MapPlace::default(),
            agency: Vec::new(),
            unit: Vec::new(),
            person: Vec::new(),
            site: Vec::new(),
            source: Sources::default(),
            tak: None,
            policy: Policies::default(),
            record: RecordConfig::default(),
            basemap: None,
        }
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
}

impl Sources {
    fn ids(&self) -> impl Iterator<Item = &SourceId> {
        let udp = self.udp.iter().map(|s| &s.id);
        udp.chain(self.tcp.iter().map(|s| &s.id)).chain(self.capture.iter().map(|s| &s.id))
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
}

impl Default for RecordConfig {
    fn default() -> Self {
        Self { reserve_mib: 64, snapshot_s: 300.0, checkpoint_s: 60.0 }
    }
}

/// An own map.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basemap {
    /// PMTiles file.
    pub pmtiles: PathBuf,
}

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
        for (what, addr, insecure) in self.listeners() {
            if !addr.ip().is_loopback() && !insecure {
                problems.push(format!(
                    "{what} listens on {addr}, which others can reach, without TLS: use a loopback address, or say insecure = true in its table and see the warning on every page"
                ));
            }
        }
        let p = &self.policy;
        problems.extend(p.track.check().err().map(|e| format!("policy.track: {e}")));
        problems.extend(p.warn.check().err().map(|e| format!("policy.warn: {e}")));
        problems.extend(p.dispatch.check().err().map(|e| format!("policy.dispatch: {e}")));
        if problems.is_empty() { Ok(directory) } else { Err(ConfigError::Unfit(problems)) }
    }

    /// Every listener: what it is, its address, whether its table says insecure.
    pub fn listeners(&self) -> Vec<(String, SocketAddr, bool)> {
        let mut out = vec![("the page and API".to_owned(), self.listen, self.insecure)];
        if let Some(t) = &self.tak {
            out.push(("tak".into(), t.listen, t.insecure));
        }
        for s in &self.source.udp {
            out.push((format!("source.udp '{}'", s.id), s.listen, s.insecure));
        }
        for s in &self.source.tcp {
            out.push((format!("source.tcp '{}'", s.id), s.listen, s.insecure));
        }
        out
    }
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
        tak_uid: None,
        language: skypicket_model::people::Language::En,
    };
    let unit =
        Unit { id: person.unit.clone(), name: "Centre".into(), agency: agency.id.clone(), leadership: Vec::new() };
    directory.agencies.insert(agency.id.clone(), agency);
    directory.units.insert(unit.id.clone(), unit);
    directory.people.insert(person.id.clone(), person);
}

/// Adds "did you mean" to serde's "unknown field `x`, expected one of `a`, `b`".
fn with_suggestion(message: &str) -> String {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if !message.starts_with("unknown field") {
        return message.to_owned();
    }
    let Some((unknown, known)) = quoted.split_first() else { return message.to_owned() };
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
    fn people_who_do_not_fit_together_are_named() {
        let text = "[[person]]\nid = \"a\"\nname = \"A\"\nunit = \"nowhere\"\nroles = [\"field\"]\n";
        let e = parse(text).unwrap().directory().unwrap_err().to_string();
        assert!(e.contains("person 'a' is in unit 'nowhere'"), "{e}");
        assert!(e.contains("nobody has the role 'administrator'"), "{e}");
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

    const EXAMPLE: &str = include_str!("../../../docs/admin/skypicket.example.toml");

    #[test]
    fn the_example_is_fit_and_what_it_says_of_defaults_is_so() {
        let c = parse(EXAMPLE).unwrap();
        c.directory().unwrap();
        let d = Config::default();
        assert_eq!((c.listen, c.insecure, &c.data, &c.place), (d.listen, d.insecure, &d.data, &d.place));
        assert_eq!(format!("{:?}", c.record), format!("{:?}", d.record));
        assert_eq!(c.policy, d.policy);
        let bare = parse(
            "[[source.udp]]\nid = \"radar-1\"\nlisten = \"127.0.0.1:7001\"\n\
             [[source.tcp]]\nid = \"gateway-1\"\nlisten = \"127.0.0.1:7002\"\n\
             [[source.capture]]\nid = \"wifi-1\"\npath = \"wifi.pcap\"\n\
             [tak]\nlisten = \"127.0.0.1:8087\"\n\
             [[person]]\nid = \"watch-1\"\nname = \"Watch officer\"\nunit = \"desk\"\nroles = [\"watch\", \"administrator\"]\n",
        )
        .unwrap();
        assert_eq!(c.source.udp, bare.source.udp);
        assert_eq!(c.source.tcp, bare.source.tcp);
        assert_eq!(c.source.capture, bare.source.capture);
        assert_eq!(c.tak, bare.tak);
        assert_eq!(c.person.first(), bare.person.first());
    }

    #[test]
    fn the_example_names_every_key() {
        let tables = " [place] [[agency]] [[unit]] [[person]] [[site]] [source] [[source.udp]] [[source.tcp]] \
             [[source.capture]] [tak] [record] [basemap] [policy] [policy.warn] [policy.warn.urgent] \
             [policy.warn.wander] [policy.warn.position] [policy.dispatch] [policy.dispatch.receipt_s] \
             [policy.dispatch.acknowledge_s] [policy.track] [policy.track.kinds] \
             [policy.track.kinds.radar] [policy.track.sources.x] [policy.track.trust]";
        for table in tables.split(' ') {
            let e = parse(&format!("{table}\nzzzz = 1\n")).unwrap_err().to_string();
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
