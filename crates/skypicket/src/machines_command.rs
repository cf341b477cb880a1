//! `skypicket source …` and `skypicket tak …`: the same acts as the office's page of machines, over the control socket.

use crate::{
    cli::{End, say},
    client::{Answer, Client, ClientError},
};
use base64::{Engine, engine::general_purpose::STANDARD as B64};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::{
    fs::File,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Which centre, and who acts.
#[derive(Debug, Args)]
pub struct At {
    /// Folder of the record and keys of the centre that runs here
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Who acts, by id [default: the first administrator]
    #[arg(long = "as", value_name = "PERSON")]
    acting: Option<String>,
}

/// What a source may bring.
#[derive(Debug, Args)]
pub struct Allowed {
    /// What it is for, as it is listed
    #[arg(long, value_name = "NAME", default_value = "made by command")]
    name: String,
    /// Only observations within so many metres of a place: LAT,LON,METRES
    #[arg(long, value_name = "LAT,LON,METRES", allow_hyphen_values = true)]
    area: Option<String>,
    /// Another source that it may name; may be given more than once
    #[arg(long, value_name = "SOURCE")]
    also: Vec<String>,
    /// Silence longer than this is an alarm, seconds
    #[arg(long, value_name = "S")]
    every: Option<f64>,
    /// Most lines a second
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
}

/// `source`.
#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    /// Sources with their health, tokens and certificates
    List {
        #[command(flatten)]
        at: At,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Make an API token; it is printed once
    Token {
        /// The source
        source: String,
        #[command(flatten)]
        allowed: Allowed,
        /// It ends after so many days [default: never]
        #[arg(long, value_name = "N")]
        days: Option<f64>,
        #[command(flatten)]
        at: At,
    },
    /// Make a client certificate; key, certificate and authority go into one new file
    Certificate {
        /// The source
        source: String,
        /// The file, PEM; must not be there yet
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        allowed: Allowed,
        /// It ends after so many days
        #[arg(long, value_name = "N", default_value_t = 365.0)]
        days: f64,
        #[command(flatten)]
        at: At,
    },
    /// Revoke a token by its id, or a certificate by its serial number
    Revoke {
        /// Id or serial number
        id: String,
        #[command(flatten)]
        at: At,
    },
}

/// Which TAK client.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum TakClient {
    /// ATAK or WinTAK
    Atak,
    /// iTAK
    Itak,
}

/// `tak`.
#[derive(Debug, Subcommand)]
pub enum TakCommand {
    /// Make a data package that sets up a person's TAK client
    Package {
        /// The person
        person: String,
        /// The file, zip; must not be there yet
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Which device it is for, as it is listed
        #[arg(long, value_name = "NAME", default_value = "made by command")]
        name: String,
        /// By which name or address the client reaches the centre [default: where it listens]
        #[arg(long, value_name = "HOST")]
        host: Option<String>,
        /// Which client it is for
        #[arg(long, value_enum, default_value = "atak")]
        client: TakClient,
        /// It ends after so many days
        #[arg(long, value_name = "N", default_value_t = 365.0)]
        days: f64,
        #[command(flatten)]
        at: At,
    },
    /// TAK clients' certificates
    List {
        #[command(flatten)]
        at: At,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a certificate by its serial number, or all of a person's
    Revoke {
        /// Serial number
        #[arg(required_unless_present = "person", conflicts_with = "person")]
        serial: Option<String>,
        /// All certificates of this person
        #[arg(long, value_name = "PERSON")]
        person: Option<String>,
        #[command(flatten)]
        at: At,
    },
}

/// Why a command did not end well.
pub enum Fault {
    /// It was called wrongly.
    Usage(String),
    /// The centre said no.
    Refused(String),
    /// It could not be done.
    CouldNot(String),
}

impl From<ClientError> for Fault {
    fn from(e: ClientError) -> Self {
        Self::CouldNot(e.to_string())
    }
}

impl From<Fault> for End {
    fn from(f: Fault) -> Self {
        match f {
            Fault::Usage(m) => Self::usage(m),
            Fault::Refused(m) => Self::refused(m),
            Fault::CouldNot(m) => Self::could_not(m),
        }
    }
}

/// How the command ends.
pub fn ended(done: Result<(), Fault>) -> End {
    done.map_or_else(End::from, |()| End::OK)
}

impl At {
    /// Asks the centre that runs here.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer, Fault> {
        let client = Client::new(&self.data.join("live"), self.acting.clone());
        let answer = client.ask(method, path, body)?;
        match answer.problem() {
            None => Ok(answer),
            Some(problem) if answer.status >= 500 => Err(Fault::CouldNot(problem)),
            Some(problem) => Err(Fault::Refused(problem)),
        }
    }
}

impl Allowed {
    fn body(&self) -> Result<Value, Fault> {
        let mut grant = json!({"also": self.also, "expected_interval_s": self.every, "rate_per_s": self.rate});
        if let Some(text) = &self.area {
            let numbers: Option<Vec<f64>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
            let Some([lat_deg, lon_deg, radius_m]) = numbers.as_deref() else {
                return Err(Fault::Usage(format!("--area '{text}': give LAT,LON,METRES, such as 31.76,-106.49,5000")));
            };
            let at = json!({"lat_deg": lat_deg, "lon_deg": lon_deg});
            grant["area"] = json!({"circle": {"at": at, "radius_m": radius_m}});
        }
        Ok(json!({"id": uuid::Uuid::now_v7(), "name": self.name, "grant": grant}))
    }
}

/// One part of a path: ids have only letters, digits, '-', '_' and '.'; anything else would name another endpoint.
pub fn part(text: &str) -> Result<&str, Fault> {
    let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if fits && text != "." && text != ".." { Ok(text) } else { Err(Fault::Usage(format!("'{text}' is no id"))) }
}

/// A new file that only its owner reads.
fn new_file(path: &Path) -> Result<File, Fault> {
    let file = File::options().write(true).create_new(true).mode(0o600).open(path);
    file.map_err(|e| Fault::CouldNot(format!("{}: {e}", path.display())))
}

/// A text in an answer; `-` where there is none.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("-")
}

/// A list in an answer.
pub fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// `source`.
pub fn source(command: &SourceCommand) -> End {
    ended(match command {
        SourceCommand::List { at, json } => list_sources(at, *json),
        SourceCommand::Token { source, allowed, days, at } => token(source, allowed, *days, at),
        SourceCommand::Certificate { source, out, allowed, days, at } => certificate(source, out, allowed, *days, at),
        SourceCommand::Revoke { id, at } => revoke(id, at),
    })
}

/// `tak`.
pub fn tak(command: &TakCommand) -> End {
    ended(match command {
        TakCommand::Package { person, out, name, host, client, days, at } => {
            let client = match client {
                TakClient::Atak => "atak",
                TakClient::Itak => "itak",
            };
            let id = uuid::Uuid::now_v7();
            let body = json!({"id": id, "name": name, "client": client, "host": host, "days": days});
            package(person, out, &body, at)
        }
        TakCommand::List { at, json } => list_clients(at, *json),
        TakCommand::Revoke { serial: Some(serial), at, .. } => {
            part(serial).and_then(|s| at.ask("DELETE", &format!("/api/v1/certificates/{s}"), None).map(|_| ()))
        }
        TakCommand::Revoke { person, at, .. } => revoke_person(person.as_deref().unwrap_or_default(), at),
    })
}

fn list_sources(at: &At, as_json: bool) -> Result<(), Fault> {
    let answer = at.ask("GET", "/api/v1/machines", None)?;
    if as_json {
        say(&answer.body.to_string());
        return Ok(());
    }
    for m in list(&answer.body, "items") {
        let Some(s) = m.get("source") else { continue };
        let count = |key: &str| s.get(key).and_then(Value::as_u64).unwrap_or(0);
        let refused: u64 =
            s.get("refused").and_then(Value::as_object).map_or(0, |r| r.values().filter_map(Value::as_u64).sum());
        let silent = if s.get("silent").and_then(Value::as_bool) == Some(true) { "  SILENT" } else { "" };
        say(&format!(
            "{}  {}  heard {}  received {}  refused {refused}  shed {}{silent}",
            text(s, "id"),
            text(s, "kind"),
            text(s, "last_heard"),
            count("received"),
            count("shed"),
        ));
        for t in list(m, "tokens") {
            say(&credential("token", text(t, "id"), t));
        }
        for c in list(m, "certificates") {
            say(&credential("certificate", text(c, "serial"), c));
        }
    }
    Ok(())
}

/// A line about a token or certificate.
pub fn credential(what: &str, id: &str, c: &Value) -> String {
    format!(
        "  {what} {id}  {}  '{}'  made {}  ends {}  last used {}",
        text(c, "standing"),
        text(c, "name"),
        text(c, "made_at"),
        text(c, "until"),
        text(c, "last_used"),
    )
}

fn token(source: &str, allowed: &Allowed, days: Option<f64>, at: &At) -> Result<(), Fault> {
    let mut body = allowed.body()?;
    body["source"] = json!(source);
    if let Some(days) = days {
        body["until"] = json!(crate::clock::now().plus_s(days * 86_400.0));
    }
    let answer = at.ask("POST", "/api/v1/tokens", Some(&body))?;
    say(text(&answer.body, "secret"));
    Ok(())
}

fn certificate(source: &str, out: &Path, allowed: &Allowed, days: f64, at: &At) -> Result<(), Fault> {
    let mut body = allowed.body()?;
    body["days"] = json!(days);
    let path = format!("/api/v1/sources/{}/certificates", part(source)?);
    // The file first: a certificate that nobody can be given is one that somebody must revoke.
    let file = new_file(out)?;
    write(file, out, || {
        let answer = at.ask("POST", &path, Some(&body))?;
        Ok((text(&answer.body, "pem").as_bytes().to_vec(), made(&answer.body, "certificate")))
    })
}

fn package(person: &str, out: &Path, body: &Value, at: &At) -> Result<(), Fault> {
    let path = format!("/api/v1/people/{}/tak-packages", part(person)?);
    let file = new_file(out)?;
    write(file, out, || {
        let answer = at.ask("POST", &path, Some(body))?;
        let zip = B64.decode(text(&answer.body, "zip")).map_err(|e| Fault::CouldNot(e.to_string()))?;
        Ok((zip, made(&answer.body, "package with certificate")))
    })
}

fn made(body: &Value, what: &str) -> String {
    let certificate = body.get("certificate").cloned().unwrap_or_default();
    format!("{what} {}, ends {}", text(&certificate, "serial"), text(&certificate, "until"))
}

/// Fills a new file, or takes it away again.
fn write(mut file: File, path: &Path, make: impl FnOnce() -> Result<(Vec<u8>, String), Fault>) -> Result<(), Fault> {
    let done = make().and_then(|(bytes, said)| {
        file.write_all(&bytes)
            .and_then(|()| file.sync_all())
            .map_err(|e| Fault::CouldNot(format!("{}: {e}; revoke the {said}", path.display())))?;
        say(&format!("{}: {said}; whoever has the file is let in as its holder", path.display()));
        Ok(())
    });
    if done.is_err() {
        let _ = std::fs::remove_file(path);
    }
    done
}

fn revoke(id: &str, at: &At) -> Result<(), Fault> {
    let id = part(id)?;
    // A token's id is half as long as a serial number.
    let kind = if id.len() == 16 { "tokens" } else { "certificates" };
    at.ask("DELETE", &format!("/api/v1/{kind}/{id}"), None).map(|_| ())
}

fn revoke_person(person: &str, at: &At) -> Result<(), Fault> {
    let answer = at.ask("DELETE", &format!("/api/v1/people/{}/certificates", part(person)?), None)?;
    say(&format!("{} revoked", answer.body.get("revoked").and_then(Value::as_u64).unwrap_or(0)));
    Ok(())
}

fn list_clients(at: &At, as_json: bool) -> Result<(), Fault> {
    let answer = at.ask("GET", "/api/v1/machines", None)?;
    let Some(clients) = answer.body.get("clients").filter(|c| !c.is_null()) else {
        return Err(Fault::Refused("TAK clients are listed for administrators and auditors".into()));
    };
    if as_json {
        say(&clients.to_string());
        return Ok(());
    }
    for c in list(&answer.body, "clients") {
        let person = c.pointer("/holder/person").and_then(Value::as_str).unwrap_or("-");
        say(&format!("{person}{}", credential("", text(c, "serial"), c)));
    }
    Ok(())
}
