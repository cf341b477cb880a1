//! The command line, and how a command ends ([`End`]).

use crate::{
    audit_command,
    bulletin_command::{self, BulletinArgs},
    cap_command::{self, CapCommand},
    carriers::CarriersConfig,
    config::{Config, TlsConfig},
    decode, doctor, export_command,
    intelligence_command::{self, IntelligenceArgs},
    machines_command::{self, SourceCommand, TakCommand},
    manual,
    notice_command::{self, NoticeArgs},
    people_command::{self, AgencyArgs, RosterArgs, UnitArgs, UserArgs},
    plot_command, record_command, replay, score_command,
    search_command::{self, SearchArgs},
    serve, simulate_command, track_command,
};
use clap::{Args, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf};

/// From the first report of a drone to a warning that everyone in danger has acknowledged.
#[derive(Debug, Parser)]
#[command(name = "skypicket", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the centre: pages, API, sources, record
    Serve(ServeArgs),
    /// Run captures or JSON lines through the whole pipeline and print what comes of them
    Replay(ReplayArgs),
    /// Decode one format: a JSON line for each input
    Decode(DecodeArgs),
    /// Back up, restore, verify, purge or export a record
    #[command(subcommand)]
    Record(RecordCommand),
    /// Look at a configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print who read what and what was done about who may, newest first (CSV); asks the running centre as an auditor
    Audit(AuditArgs),
    /// Sources: what they do, their tokens and certificates
    #[command(subcommand)]
    Source(SourceCommand),
    /// TAK clients: packages that set them up, their certificates
    #[command(subcommand)]
    Tak(TakCommand),
    /// The feed of alerts: partners that read it, and what they check it by
    #[command(subcommand)]
    Cap(CapCommand),
    /// Follow the measurement file of an evaluation scene: tracks on standard output
    Track(TrackArgs),
    /// Make an evaluation scene: what its sensors report, and the truth
    Simulate(SimulateArgs),
    /// Score tracks against the truth: JSON on standard output, a table on standard error
    Score(ScoreArgs),
    /// Draw an evaluation scene, its score over time, or a bench (SVG)
    #[command(subcommand)]
    Plot(PlotCommand),
    /// Write what a record holds of the sky in a format for other programs
    #[command(subcommand)]
    Export(ExportCommand),
    /// Report a sighting over the API (not built yet: use the field page)
    Report(Later),
    /// Bulletins: propose, approve, correct, recall
    Bulletin(BulletinArgs),
    /// Find sightings, reports, bulletins and warnings
    Search(SearchArgs),
    /// Intelligence reports: file, grade, vet, review, purge
    Intelligence(IntelligenceArgs),
    /// Notices: who has one and who has not; say what came of a call
    Notice(NoticeArgs),
    /// People of a running centre: list, add, change, import
    User(UserArgs),
    /// Units and their leadership
    Unit(UnitArgs),
    /// Agencies
    Agency(AgencyArgs),
    /// Duty rosters
    Roster(RosterArgs),
    /// Look for what is wrong, and say what to do
    Doctor(DoctorArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Write the man pages into a folder
    #[command(hide = true)]
    Man {
        /// The folder
        folder: PathBuf,
    },
}

/// Anything after a command that is not built yet.
#[derive(Debug, Args)]
struct Later {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<String>,
}

/// `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Folder of the record and keys [default: data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Configuration file (TOML)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Address of pages and API [default: 127.0.0.1:8080]; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// TLS: auto (an own authority, which phones are told to trust), CERT,KEY (PEM files), or off
    #[arg(long, value_name = "auto|CERT,KEY")]
    pub tls: Option<TlsConfig>,
    /// Run an exercise by name: first-light
    #[arg(long, value_name = "NAME")]
    pub exercise: Option<String>,
    /// Seed of the exercise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Only for the test that shows why the record syncs: never use this.
    #[arg(long, hide = true)]
    pub unsafe_no_sync: bool,
    /// Only for tests of a slow disk: every commit takes so much longer.
    #[arg(long, hide = true, value_name = "MS")]
    pub test_commit_delay_ms: Option<u64>,
    /// Only for tests of clocks: a file with the seconds by which the clock is set wrong, read again and again.
    #[arg(long, hide = true, value_name = "FILE")]
    pub test_clock_offset_file: Option<PathBuf>,
    /// Only for tests of a centre that is up and does not work: the engines stand still while this file is there.
    #[arg(long, hide = true, value_name = "FILE")]
    pub test_stall_file: Option<PathBuf>,
    /// Only for tests of a full disk: most pages of the database.
    #[arg(long, hide = true, value_name = "PAGES")]
    pub test_max_pages: Option<u32>,
    /// Only for tests of push: makers' servers may stand on this machine, without TLS.
    #[arg(long, hide = true)]
    pub test_push_loopback: bool,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Folder of the record and keys [default: as configured, else data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Configuration file (TOML) [default: the installed one, unless there is a folder data here]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// bash, zsh, fish, elvish or powershell
    pub shell: clap_complete::Shell,
}

/// `audit`.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// Folder of the record of the running centre
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Only what this person did
    #[arg(long, value_name = "ID")]
    pub person: Option<String>,
    /// Only what is about this person; what showed everybody is about them too
    #[arg(long, value_name = "ID")]
    pub about: Option<String>,
    /// Only of this kind, for instance read_positions or sign_in_refused
    #[arg(long, value_name = "KIND")]
    pub deed: Option<String>,
    /// From this time on (RFC 3339, for instance 2026-11-26T22:00:00Z)
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Until this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// JSON lines instead of CSV
    #[arg(long)]
    pub json: bool,
    /// Who asks; the first person with the role auditor when left out
    #[arg(long = "as", value_name = "PERSON")]
    pub acting: Option<String>,
}

/// `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Capture (pcap, pcapng) or JSON lines; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A place to protect: LAT,LON,[HAE],[NAME]; may be given more than once
    #[arg(long, value_name = "LAT,LON,[HAE],[NAME]", allow_hyphen_values = true)]
    pub protect: Vec<String>,
    /// Stand-off radius, metres
    #[arg(long, value_name = "M")]
    pub standoff: Option<f64>,
    /// Times real speed, or max
    #[arg(long, value_name = "X|max", default_value = "max")]
    pub speed: String,
    /// Keep the record in this new folder
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// f1 to f6, or by name: pop-up, crossing, swarm, bearings, mixed, border-line
    pub scene: String,
    /// The same seed gives the same files
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Folder to write into; it is made where it is missing
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
    /// Another number of targets (f2, f3, f4, f6)
    #[arg(long, value_name = "N")]
    pub targets: Option<usize>,
    /// Another length, seconds
    #[arg(long, value_name = "S")]
    pub duration: Option<f64>,
    /// f6: line and sensors grow with the targets, so that there are as many a kilometre
    #[arg(long)]
    pub grow: bool,
    /// Write over files that are there
    #[arg(long)]
    pub force: bool,
}

/// `track`.
#[derive(Debug, Args)]
#[command(after_help = TRACK_HELP)]
pub struct TrackArgs {
    /// Measurement file of the scene; `-` is standard input
    #[arg(value_name = "MEAS")]
    pub measurements: PathBuf,
}

const TRACK_HELP: &str = "\
Reads what arrives in order, never ahead, and writes each track whenever it changes and in every second. A line that
cannot be read is named, the rest is followed, and the command ends with 1. So it does where anything had to be left out:
too late, too many at a time, or with numbers that nothing measures. It says how many and why.

This is the engine of `skypicket serve` and `skypicket replay`, given whole scans: what a scan does not see counts too.";

/// `score`.
#[derive(Debug, Args)]
pub struct ScoreArgs {
    /// Truth file of the scene; `-` is standard input
    pub truth: PathBuf,
    /// Track file that a tracker made of its measurements; `-` is standard input
    pub tracks: PathBuf,
    /// Only the JSON, no table
    #[arg(long)]
    pub json: bool,
    /// All digits instead of four decimal places
    #[arg(long)]
    pub exact: bool,
    /// Farther from a target than this a track does not track it, metres
    #[arg(long, value_name = "M", default_value_t = 50.0)]
    pub cutoff: f64,
    /// A track counts for so long after its last report, seconds
    #[arg(long, value_name = "S", default_value_t = 3.0)]
    pub hold: f64,
    /// Before the scores, a JSON line for each second that is compared
    #[arg(long)]
    pub over_time: bool,
    /// Measurement file of the scene: also say how soon tracks of drones that are only claimed are shown as suspect
    #[arg(long, value_name = "MEAS")]
    pub meas: Option<PathBuf>,
}

/// `export`.
#[derive(Debug, Subcommand)]
pub enum ExportCommand {
    /// For trials of counter-drone systems: the COURAGEOUS interchange format (schema 0.4.1, JSON)
    Courageous(CourageousArgs),
}

/// `export courageous`.
#[derive(Debug, Args)]
pub struct CourageousArgs {
    /// Folder of the record
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Of an exercise, not live
    #[arg(long, value_name = "NAME")]
    pub exercise: Option<String>,
    /// Where the system stands: degrees and metres above the ellipsoid
    #[arg(long, value_name = "LAT,LON,HAE", allow_hyphen_values = true)]
    pub at: String,
    /// Only from this time on (RFC 3339, for instance 2026-11-26T22:00:00Z)
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// Only until this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// With what this agency may see of people's reports; without it only what everybody may
    #[arg(long, value_name = "ID")]
    pub agency: Option<String>,
    /// Who makes the system
    #[arg(long, value_name = "NAME", default_value = "Skypicket")]
    pub vendor: String,
    /// The system
    #[arg(long, value_name = "NAME", default_value = concat!("skypicket ", env!("CARGO_PKG_VERSION")))]
    pub system: String,
    /// The file; must not be there yet; standard output when left out
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

/// `plot`.
#[derive(Debug, Subcommand)]
pub enum PlotCommand {
    /// A scene from above: targets, measurements, tracks with their 95 % ellipses
    Scene(PlotSceneArgs),
    /// The score over time of one or more runs
    Course(PlotCourseArgs),
    /// What a measurement costs as scenes grow: the table of the bench `line`
    Growth(PlotGrowthArgs),
}

/// `plot scene`.
#[derive(Debug, Args)]
pub struct PlotSceneArgs {
    /// Measurement file of the scene
    #[arg(value_name = "MEAS")]
    pub measurements: PathBuf,
    /// Truth file of the scene
    pub truth: PathBuf,
    /// Track file that a tracker made of its measurements
    pub tracks: PathBuf,
    /// The picture (SVG); written over where it is there
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Heading
    #[arg(long)]
    pub title: Option<String>,
    /// Moment of the closer view, seconds [default: when most targets are near one another]
    #[arg(long, value_name = "S", allow_hyphen_values = true)]
    pub at: Option<f64>,
    /// Side of the closer view, metres [default: what those targets need]
    #[arg(long, value_name = "M")]
    pub side: Option<f64>,
    /// The closer view shows so many seconds before and after its moment [default: 10]
    #[arg(long, value_name = "S")]
    pub span: Option<f64>,
}

/// `plot course`.
#[derive(Debug, Args)]
pub struct PlotCourseArgs {
    /// Truth and track file of a run; again for more runs
    #[arg(long, num_args = 2, value_names = ["TRUTH", "TRACKS"], required = true)]
    pub run: Vec<PathBuf>,
    /// The picture (SVG); written over where it is there
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Heading
    #[arg(long)]
    pub title: Option<String>,
    /// A level to hold the curves against: metres, and what it is
    #[arg(long, value_name = "M,NAME")]
    pub level: Option<String>,
}

/// `plot growth`.
#[derive(Debug, Args)]
pub struct PlotGrowthArgs {
    /// JSON lines: targets, measurements, ns, p99_us, worst_us
    pub table: PathBuf,
    /// The picture (SVG); written over where it is there
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Heading
    #[arg(long)]
    pub title: Option<String>,
    /// A band so many times the cheapest
    #[arg(long, value_name = "X", default_value_t = 1.5)]
    pub within: f64,
}

/// `decode`.
#[derive(Debug, Args)]
pub struct DecodeArgs {
    /// remote-id, capture, cot, cap, receivers, mavlink, adsb or netrid
    pub format: String,
    /// File; standard input when left out
    pub file: Option<PathBuf>,
    /// What the hex lines of remote-id are: message, pack, beacon, nan, ble-legacy, ble-extended, auto; or whose JSON
    /// that of receivers is: dronescout, dragonsync, dronecot, meshmapper, antsdr (hex lines or the stream), auto
    #[arg(long = "as", value_name = "FORM")]
    pub form: Option<String>,
    /// For cap: certificates (PEM) of senders, or of those who issue theirs, whose signatures count as known; again for more
    #[arg(long, value_name = "PEM")]
    pub issuer: Vec<PathBuf>,
}

/// `record`.
#[derive(Debug, Subcommand)]
pub enum RecordCommand {
    /// Check every commitment, the tree, its checkpoints and the views
    Verify {
        /// Folder of the record
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
        /// Also run the engines over the recorded inputs and compare what they decide
        #[arg(long)]
        recompute: bool,
    },
    /// Sign a checkpoint of the tree now
    Checkpoint {
        /// Folder of the record
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
    },
    /// Write every entry as a JSON line
    Export {
        /// Folder of the record
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
    },
    /// Make the views again from the entries
    RebuildViews {
        /// Folder of the record
        #[arg(long, value_name = "DIR", default_value = "data")]
        data: PathBuf,
    },
    /// Back up record and keys into one encrypted file (age format), also beside a running centre
    Backup(BackupArgs),
    /// Make a record of a backup again, in an empty folder; alarms nobody
    Restore(RestoreArgs),
    /// Purge what is older than it may be
    Purge(PurgeArgs),
}

/// `record backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The new file
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Who may open it: an age public key; may be given more than once
    #[arg(long, value_name = "age1…")]
    pub recipient: Vec<String>,
    /// The same from a file, one a line
    #[arg(long, value_name = "FILE")]
    pub recipients_file: Option<PathBuf>,
    /// Or a passphrase, on the first line of this file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Folder of the record
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Of an exercise, not live
    #[arg(long, value_name = "NAME")]
    pub exercise: Option<String>,
}

/// `record restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The backup
    pub file: PathBuf,
    /// The new folder, for `serve --data`
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// File with the age secret key that opens it
    #[arg(long, value_name = "FILE")]
    pub identity_file: Option<PathBuf>,
    /// Or the passphrase, on the first line of this file
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Of an exercise, not live
    #[arg(long, value_name = "NAME")]
    pub exercise: Option<String>,
}

/// `record purge`.
#[derive(Debug, Args)]
pub struct PurgeArgs {
    /// Only say what is due
    #[arg(long)]
    pub dry_run: bool,
    /// Folder of the record
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data: PathBuf,
    /// Configuration with [record.retention]; a running centre goes by its own
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Of an exercise, not live
    #[arg(long, value_name = "NAME")]
    pub exercise: Option<String>,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Say whether a configuration is fit, and where it is not
    Check {
        /// Configuration file (TOML)
        file: PathBuf,
    },
}

/// How a command ended.
#[derive(Debug)]
pub struct End {
    /// Exit status.
    pub status: u8,
    /// For standard error.
    pub message: Option<String>,
}

impl End {
    /// All ok.
    pub const OK: Self = Self { status: 0, message: None };
    /// Something was refused, or a check failed.
    pub fn refused(message: impl Into<Option<String>>) -> Self {
        Self { status: 1, message: message.into() }
    }
    /// Bad usage or configuration.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { status: 2, message: Some(message.into()) }
    }
    /// Could not run.
    pub fn could_not(message: impl std::fmt::Display) -> Self {
        Self { status: 3, message: Some(message.to_string()) }
    }
    /// By name, for what is not built yet.
    pub fn not_built(what: &str) -> Self {
        Self::usage(format!("{what} is not built yet"))
    }
}

/// A line on standard output: what a command was asked for.
#[allow(clippy::print_stdout)]
pub fn say(line: &str) {
    println!("{line}");
}

/// Runs a command.
pub fn run(cli: Cli) -> End {
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Decode(args) => decode::run(&args),
        Command::Record(command) => record_command::run(&command),
        Command::Config(ConfigCommand::Check { file }) => {
            let fit = Config::load(Some(&file)).and_then(|c| {
                let (d, l) = (c.directory()?, c.library()?);
                Ok((c, d, l))
            });
            match fit {
                Ok((c, d, l)) => {
                    say(&format!(
                        "{}: fit: {} people in {} units of {} agencies, {} sites, {} listeners",
                        file.display(),
                        d.people.len(),
                        d.units.len(),
                        d.agencies.len(),
                        d.sites.len(),
                        c.listeners().len()
                    ));
                    let (templates, measures, agencies, areas) = l.counts();
                    say(&format!(
                        "library: {templates} templates, {measures} measures, wording of {agencies} agencies, {areas} named areas"
                    ));
                    if let Some(note) = people_command::kept_in_record(&c.data) {
                        say(&note);
                    }
                    let carriers = CarriersConfig::of(&c, false);
                    for note in carriers.nowhere(&d) {
                        say(&format!("note: {note}"));
                    }
                    let problems = carriers.problems();
                    if !problems.is_empty() {
                        return End::usage(problems.join("\n"));
                    }
                    End::OK
                }
                Err(e) => End::usage(e.to_string()),
            }
        }
        Command::Audit(args) => audit_command::run(&args),
        Command::Source(command) => machines_command::source(&command),
        Command::Tak(command) => machines_command::tak(&command),
        Command::Cap(command) => cap_command::run(&command),
        Command::Track(args) => track_command::run(&args),
        Command::Simulate(args) => simulate_command::run(&args),
        Command::Score(args) => score_command::run(&args),
        Command::Plot(command) => plot_command::run(&command),
        Command::Export(command) => export_command::run(&command),
        Command::Report(_) => End::not_built("report"),
        Command::Bulletin(args) => bulletin_command::run(&args),
        Command::Search(args) => search_command::run(&args),
        Command::Intelligence(args) => intelligence_command::run(&args),
        Command::Notice(args) => notice_command::run(&args),
        Command::User(args) => people_command::user(&args),
        Command::Unit(args) => people_command::unit(&args),
        Command::Agency(args) => people_command::agency(&args),
        Command::Roster(args) => people_command::roster(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => manual::completions(args.shell),
        Command::Man { folder } => manual::man(&folder),
    }
}
