//! The command line, and how a command ends ([`End`]).

use crate::{config::Config, decode, record_command, replay, serve};
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
    /// Verify, sign or export a record
    #[command(subcommand)]
    Record(RecordCommand),
    /// Look at a configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Follow an evaluation-kit measurement file (not built yet)
    Track(Later),
    /// Make an evaluation scene (not built yet)
    Simulate(Later),
    /// Score tracks against the truth (not built yet)
    Score(Later),
    /// Report a sighting over the API (not built yet: use the field page)
    Report(Later),
    /// Bulletins (not built yet)
    Bulletin(Later),
    /// Notices over the API (not built yet)
    Notice(Later),
    /// People (not built yet: write them in the configuration)
    User(Later),
    /// Look for what is wrong (not built yet)
    Doctor(Later),
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
    /// TLS: auto, or CERT,KEY (not built yet)
    #[arg(long, value_name = "auto|CERT,KEY")]
    pub tls: Option<String>,
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
    /// Only for tests of a full disk: most pages of the database.
    #[arg(long, hide = true, value_name = "PAGES")]
    pub test_max_pages: Option<u32>,
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

/// `decode`.
#[derive(Debug, Args)]
pub struct DecodeArgs {
    /// remote-id, capture or cot
    pub format: String,
    /// File; standard input when left out
    pub file: Option<PathBuf>,
    /// What the hex lines of remote-id are: message, pack, beacon, nan, ble-legacy, ble-extended, auto
    #[arg(long = "as", value_name = "FORM")]
    pub form: Option<String>,
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
    /// Back up (not built yet)
    #[command(hide = true)]
    Backup,
    /// Restore (not built yet)
    #[command(hide = true)]
    Restore,
    /// Purge (not built yet)
    #[command(hide = true)]
    Purge,
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
            match Config::load(Some(&file)).and_then(|c| c.directory().map(|d| (c, d))) {
                Ok((c, d)) => {
                    say(&format!(
                        "{}: fit: {} people in {} units of {} agencies, {} sites, {} listeners",
                        file.display(),
                        d.people.len(),
                        d.units.len(),
                        d.agencies.len(),
                        d.sites.len(),
                        c.listeners().len()
                    ));
                    End::OK
                }
                Err(e) => End::usage(e.to_string()),
            }
        }
        Command::Track(_) => End::not_built("track"),
        Command::Simulate(_) => End::not_built("simulate"),
        Command::Score(_) => End::not_built("score"),
        Command::Report(_) => End::not_built("report"),
        Command::Bulletin(_) => End::not_built("bulletin"),
        Command::Notice(_) => End::not_built("notice"),
        Command::User(_) => End::not_built("user"),
        Command::Doctor(_) => End::not_built("doctor"),
    }
}
