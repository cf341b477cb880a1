//! Skypicket: from the first report of a drone to a warning that everyone in danger has acknowledged.
//!
//! Exit status: 0 all ok, 1 something was refused or a check failed, 2 bad usage or configuration, 3 could not run.

#![allow(unreachable_pub)] // a program has no outside: `pub` marks what a module offers the others

mod accounts;
mod audit;
mod audit_command;
mod backup;
mod board;
mod bulletin_command;
mod bulletins;
mod cap;
mod cap_command;
mod carriers;
mod centre;
mod checklists;
mod cli;
mod client;
mod clock;
mod clocks;
mod commit;
mod config;
mod decode;
mod dissemination;
mod doctor;
mod engines;
mod exercise;
mod export_command;
mod geoid;
mod host;
mod http;
mod hub;
mod inbox;
mod intelligence;
mod intelligence_command;
mod library;
mod library_command;
mod links;
mod log;
mod machines;
mod machines_command;
mod manual;
mod meters;
mod news;
mod notice_command;
mod people_command;
mod people_csv;
mod plot_command;
mod pulse;
mod push;
mod qr;
mod reads;
mod record_command;
mod replay;
mod score_command;
mod search_command;
mod searches;
mod serve;
mod simulate_command;
mod sources;
mod tak;
mod tls;
mod track_command;
mod upkeep;
mod upkeep_command;
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
