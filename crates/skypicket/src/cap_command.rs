//! `skypicket cap …`: partners that read the feed of alerts, and what they check it by, over the control socket.

use crate::{
    cli::{End, say},
    machines_command::{At, Fault, credential, ended, list, part, text},
};
use clap::Subcommand;
use serde_json::json;

/// `cap`.
#[derive(Debug, Subcommand)]
pub enum CapCommand {
    /// Print the certificates that alerts are signed with (PEM), the one in use first, for partners to pin
    Certificate {
        #[command(flatten)]
        at: At,
        /// As JSON, with fingerprints and dates
        #[arg(long)]
        json: bool,
    },
    /// Make a token for a system of another agency; it is printed once. To rotate: make another, move it over, revoke the first
    Token {
        /// The agency
        agency: String,
        /// What it is for, as it is listed
        #[arg(long, value_name = "NAME", default_value = "made by command")]
        name: String,
        /// It ends after so many days [default: never]
        #[arg(long, value_name = "N")]
        days: Option<f64>,
        #[command(flatten)]
        at: At,
    },
    /// Tokens of partners
    Partners {
        #[command(flatten)]
        at: At,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a partner's token by its id
    Revoke {
        /// Its id
        id: String,
        #[command(flatten)]
        at: At,
    },
}

/// `cap`.
pub fn run(command: &CapCommand) -> End {
    ended(match command {
        CapCommand::Certificate { at, json } => certificate(at, *json),
        CapCommand::Token { agency, name, days, at } => token(at, agency, name, *days),
        CapCommand::Partners { at, json } => partners(at, *json),
        CapCommand::Revoke { id, at } => revoke(at, id),
    })
}

fn certificate(at: &At, as_json: bool) -> Result<(), Fault> {
    let answer = at.ask("GET", "/api/v1/cap/certificates", None)?;
    if as_json {
        say(&answer.body.to_string());
        return Ok(());
    }
    for c in list(&answer.body, "items") {
        say(text(c, "pem").trim_end());
    }
    Ok(())
}

fn token(at: &At, agency: &str, name: &str, days: Option<f64>) -> Result<(), Fault> {
    let mut body = json!({"id": uuid::Uuid::now_v7(), "name": name, "agency": agency});
    if let Some(days) = days {
        body["until"] = json!(crate::clock::now().plus_s(days * 86_400.0));
    }
    let answer = at.ask("POST", "/api/v1/partners", Some(&body))?;
    say(text(&answer.body, "secret"));
    Ok(())
}

fn partners(at: &At, as_json: bool) -> Result<(), Fault> {
    let answer = at.ask("GET", "/api/v1/partners", None)?;
    if as_json {
        say(&answer.body.to_string());
        return Ok(());
    }
    for t in list(&answer.body, "items") {
        say(&format!("{}{}", text(t, "agency"), credential("token", text(t, "id"), t)));
    }
    Ok(())
}

fn revoke(at: &At, id: &str) -> Result<(), Fault> {
    at.ask("DELETE", &format!("/api/v1/partners/{}", part(id)?), None).map(|_| ())
}
