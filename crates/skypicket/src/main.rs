//! Skypicket: from the first report of a drone to a warning that everyone in danger has acknowledged.
//!
//! Exit status: 0 all ok, 1 something was refused or a check failed, 2 bad usage or configuration, 3 could not run.

#![allow(unreachable_pub)] // a program has no outside: `pub` marks what a module offers the others

mod centre;
mod cli;
mod clock;
mod commit;
mod config;
mod decode;
mod engines;
mod exercise;
mod http;
mod hub;
mod inbox;
mod record_command;
mod replay;
mod serve;
mod sources;
mod tak;
mod views;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are what was asked for; anything else is bad usage.
            let _ = e.print();
            return if e.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let end = cli::run(cli);
    if let Some(message) = &end.message {
        eprintln!("skypicket: {message}");
    }
    ExitCode::from(end.status)
}
