//! `skypicket user`, `unit`, `agency` and `roster`: the directory from the command line of the centre's own machine, by
//! the same acts as the office's pages.

use crate::{
    cli::{End, say},
    client::{Answer, Client, ClientError},
    http::Problem,
    people_csv,
};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};
use std::{
    fmt::Write as _,
    io::{self, BufRead, IsTerminal, Read, Write},
    path::{Path, PathBuf},
};

/// Which centre, and who acts.
#[derive(Debug, Clone, Args)]
pub struct Where {
    /// Folder of the record and keys, as given to `serve`
    #[arg(long, value_name = "DIR", default_value = "data", global = true)]
    data: PathBuf,
    /// The centre that runs this exercise, instead of the live one
    #[arg(long, value_name = "NAME", global = true)]
    exercise: Option<String>,
    /// Who acts, by their id [default: the first administrator]
    #[arg(long = "as", value_name = "PERSON", global = true)]
    acting: Option<String>,
    /// Lines of JSON, for programs
    #[arg(long, global = true)]
    json: bool,
}

/// `user`.
#[derive(Debug, Args)]
pub struct UserArgs {
    #[command(flatten)]
    at: Where,
    #[command(subcommand)]
    command: UserCommand,
}

/// `unit`.
#[derive(Debug, Args)]
pub struct UnitArgs {
    #[command(flatten)]
    at: Where,
    #[command(subcommand)]
    command: UnitCommand,
}

/// `agency`.
#[derive(Debug, Args)]
pub struct AgencyArgs {
    #[command(flatten)]
    at: Where,
    #[command(subcommand)]
    command: AgencyCommand,
}

/// `roster`.
#[derive(Debug, Args)]
pub struct RosterArgs {
    #[command(flatten)]
    at: Where,
    #[command(subcommand)]
    command: RosterCommand,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// List people
    List {
        /// Only those in whose id, name, unit or TAK uid these words stand
        words: Vec<String>,
        /// Only of this unit
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// Only of this agency
        #[arg(long, value_name = "AGENCY")]
        agency: Option<String>,
        /// Only with this role
        #[arg(long, value_name = "ROLE")]
        role: Option<String>,
        /// Only those who are disabled
        #[arg(long)]
        disabled: bool,
        /// Only those whom nothing would reach now
        #[arg(long)]
        unreachable: bool,
    },
    /// Show one person
    Show {
        /// Id
        person: String,
    },
    /// Add a person
    Add {
        /// Id: a-z, 0-9, '-', '_', '.'
        person: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Change a person; what is not named stays
    Change {
        /// Id
        person: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Shut a person out: no sign-in, no warnings; they stay in the directory for what they did
    Disable {
        /// Id
        person: String,
    },
    /// Let a person in again
    Enable {
        /// Id
        person: String,
    },
    /// Take a person out of the directory
    Remove {
        /// Id
        person: String,
    },
    /// Reset somebody's sign-in without a second person, and print a link: on the machine of the centre only
    Reset {
        /// Id
        person: String,
    },
    /// Add and change people from a CSV file, all of it or nothing
    Import {
        /// File; `-` is standard input
        file: PathBuf,
        /// Only say what it would do
        #[arg(long)]
        dry_run: bool,
        /// Do it without asking
        #[arg(long)]
        yes: bool,
        /// Make agencies and units that are not known
        #[arg(long)]
        create: bool,
    },
    /// Write everybody as CSV
    Export {
        /// File; standard output when left out
        file: Option<PathBuf>,
    },
    /// Make a one-time sign-in link
    Link {
        /// Id
        person: String,
    },
    /// Make a one-time sign-in link for a phone, as a QR code to point its camera at
    Enrol {
        /// Id
        person: String,
    },
}

/// The fields of a person.
#[derive(Debug, Args)]
struct Fields {
    /// Call-sign or role as shown
    #[arg(long)]
    name: Option<String>,
    /// Unit
    #[arg(long)]
    unit: Option<String>,
    /// Role; may be given more than once
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Channel, in the order in which they are tried: web, push, tak, mail, sms, webhook, relay; may be given more than once
    #[arg(long = "channel", value_name = "CHANNEL")]
    channels: Vec<String>,
    /// Language of texts to them: en or es
    #[arg(long)]
    language: Option<String>,
    /// Uid of their TAK client; empty for none
    #[arg(long, value_name = "UID")]
    tak_uid: Option<String>,
    /// Mail address; empty for none
    #[arg(long, value_name = "ADDRESS")]
    mail: Option<String>,
    /// Telephone number for short messages, as +19155550123; empty for none
    #[arg(long, value_name = "NUMBER")]
    sms: Option<String>,
    /// Id of a webhook of the configuration; empty for none
    #[arg(long, value_name = "ID")]
    webhook: Option<String>,
    /// Id of a relay of the configuration; empty for none
    #[arg(long, value_name = "ID")]
    relay: Option<String>,
}

#[derive(Debug, Subcommand)]
enum UnitCommand {
    /// List units with their leadership
    List,
    /// Add a unit
    Add {
        /// Id
        unit: String,
        /// Name as shown
        #[arg(long)]
        name: String,
        /// Agency
        #[arg(long)]
        agency: String,
        /// Who leads it, unit leader first; may be given more than once
        #[arg(long = "leader", value_name = "PERSON")]
        leaders: Vec<String>,
    },
    /// Change a unit; what is not named stays
    Change {
        /// Id
        unit: String,
        /// Name as shown
        #[arg(long)]
        name: Option<String>,
        /// Agency
        #[arg(long)]
        agency: Option<String>,
    },
    /// Say who leads a unit, unit leader first; nobody when no person is named
    Lead {
        /// Id
        unit: String,
        /// People in their order
        people: Vec<String>,
    },
    /// Take a unit out of the directory
    Remove {
        /// Id
        unit: String,
    },
}

#[derive(Debug, Subcommand)]
enum AgencyCommand {
    /// List agencies
    List,
    /// Add an agency, or change its name
    #[command(visible_alias = "change")]
    Add {
        /// Id
        agency: String,
        /// Name as shown
        #[arg(long)]
        name: String,
    },
    /// Take an agency out of the directory
    Remove {
        /// Id
        agency: String,
    },
}

#[derive(Debug, Subcommand)]
enum RosterCommand {
    /// List rosters and who is on duty now
    List,
    /// Show every duty of a roster
    Show {
        /// Id
        roster: String,
    },
    /// Add a roster, or change its name or unit
    #[command(visible_alias = "change")]
    Add {
        /// Id
        roster: String,
        /// Name as shown
        #[arg(long)]
        name: String,
        /// The unit whose post it is
        #[arg(long)]
        unit: String,
    },
    /// Put a person on duty
    Duty {
        /// Id of the roster
        roster: String,
        /// Who
        #[arg(long)]
        person: String,
        /// From when (2026-11-26T20:00:00Z)
        #[arg(long, value_name = "TIME")]
        from: String,
        /// Until when
        #[arg(long, value_name = "TIME")]
        until: String,
    },
    /// Take a person's duty off again
    OffDuty {
        /// Id of the roster
        roster: String,
        /// Who
        #[arg(long)]
        person: String,
        /// The duty that begins then
        #[arg(long, value_name = "TIME")]
        from: String,
    },
    /// Take a roster away
    Remove {
        /// Id
        roster: String,
    },
}

/// Why a command ended early.
pub enum Stop {
    /// The centre refused, or there is no such thing.
    Refused(String),
    /// It could not run.
    CouldNot(String),
}

impl From<ClientError> for Stop {
    fn from(e: ClientError) -> Self {
        Self::CouldNot(e.to_string())
    }
}

impl From<Stop> for End {
    fn from(s: Stop) -> Self {
        match s {
            Stop::Refused(message) => Self::refused(message),
            Stop::CouldNot(message) => Self::could_not(message),
        }
    }
}

pub type Done = Result<(), Stop>;

/// How a command ends.
pub fn end(done: Done) -> End {
    done.map_or_else(End::from, |()| End::OK)
}

/// `skypicket user`.
pub fn user(args: &UserArgs) -> End {
    end(args.at.user(&args.command))
}

/// `skypicket unit`.
pub fn unit(args: &UnitArgs) -> End {
    end(args.at.unit(&args.command))
}

/// `skypicket agency`.
pub fn agency(args: &AgencyArgs) -> End {
    end(args.at.agency(&args.command))
}

/// `skypicket roster`.
pub fn roster(args: &RosterArgs) -> End {
    end(args.at.roster(&args.command))
}

/// A new client-made id.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// As a part of a path or query.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => out.push(char::from(b)),
            _ => {
                let _ = write!(out, "%{b:02X}");
            }
        }
    }
    out
}

impl Where {
    /// Whether lines of JSON are asked for.
    pub fn json(&self) -> bool {
        self.json
    }

    /// The same centre, asked by whoever has this role first, unless somebody is named.
    pub fn by_role(&self, role: &str) -> Self {
        let named = self.acting.clone();
        Self { acting: named.or_else(|| Some(format!("{}{role}", crate::http::control::ROLE))), ..self.clone() }
    }

    /// Refuses an act for which nobody is named: what is decided carries a person's own name.
    pub fn named(&self) -> Done {
        if self.acting.is_some() {
            return Ok(());
        }
        Err(Stop::Refused("say who acts: --as PERSON (it stands with their name)".into()))
    }

    /// Asks the centre; what it refuses ends the command.
    pub fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Stop> {
        let folder = crate::serve::folder(&self.data, self.exercise.as_deref());
        let answer: Answer = Client::new(&folder, self.acting.clone()).ask(method, &format!("/api/v1{path}"), body)?;
        match answer.problem() {
            None => Ok(answer.body),
            Some(problem) if answer.status >= 500 => Err(Stop::CouldNot(problem)),
            Some(problem) => Err(Stop::Refused(problem)),
        }
    }

    /// The same for what only looks.
    pub fn get(&self, path: &str) -> Result<Value, Stop> {
        self.ask("GET", path, None)
    }

    /// Every page of a list.
    pub fn all(&self, path: &str) -> Result<Vec<Value>, Stop> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self.get(&format!("{path}{cursor}"))?;
            if let Some(Value::Array(mut more)) = page.get_mut("items").map(Value::take) {
                items.append(&mut more);
            }
            let Some(next) = page["next"].as_str() else { return Ok(items) };
            cursor = format!("&cursor={}", escaped(next));
        }
    }

    fn change(&self, changes: &Value, said: &str) -> Done {
        let done = self.ask("POST", "/directory", Some(&json!({"id": new_id(), "changes": changes})))?;
        self.done(&done, said);
        Ok(())
    }

    /// The answer for programs, or a sentence for people.
    pub fn done(&self, answer: &Value, said: &str) {
        if self.json {
            say(&answer.to_string());
        } else {
            say(said);
        }
    }

    /// Lines for programs, or a table for people.
    pub fn table(&self, items: &[Value], heads: &[&str], row: impl Fn(&Value) -> Vec<String>, nothing: &str) {
        if self.json {
            for i in items {
                say(&i.to_string());
            }
        } else if items.is_empty() {
            say(nothing);
        } else {
            let rows: Vec<Vec<String>> = items.iter().map(row).collect();
            say(&table(heads, &rows));
        }
    }

    fn person(&self, person: &str) -> Result<Value, Stop> {
        self.get(&format!("/directory/people/{}", escaped(person)))
            .map_err(|e| known(e, || format!("there is no person '{person}'")))
    }

    /// The reset of somebody's sign-in on the machine of the centre itself, where no second person is asked: for a centre
    /// whose only administrator is locked out. Over the same API as the pages, and in the audit.
    fn reset(&self, person: &str) -> Done {
        // An id is made of letters, digits, '.', '_' and '-': anything else is nobody's, and no path.
        if skypicket_model::PersonId::new(person).is_err() {
            return Err(Stop::Refused(format!("'{person}' is no id of a person")));
        }
        let body = serde_json::json!({"id": uuid::Uuid::now_v7()});
        let answer = self.ask("POST", &format!("/people/{person}/resets"), Some(&body))?;
        let link = &answer["link"];
        if link.is_null() {
            return Err(Stop::CouldNot("the centre answered without a link".into()));
        }
        eprintln!(
            "skypicket: the sign-in of '{person}' is void: password, second factors, sessions. This link works once, \
             within 24 hours; whoever opens it is '{person}'. The reset stands in the audit."
        );
        let said = serde_json::json!({
            "person": person, "url": link["url"], "field_url": link["field_url"], "expires_at": link["expires_at"],
        });
        say(&said.to_string());
        Ok(())
    }

    fn user(&self, command: &UserCommand) -> Done {
        match command {
            UserCommand::List { words, unit, agency, role, disabled, unreachable } => {
                let mut path = String::from("/directory/people?limit=1000");
                let words = words.join(" ");
                for (key, value) in [("unit", unit), ("agency", agency), ("role", role)] {
                    path.extend(value.iter().map(|v| format!("&{key}={}", escaped(v))));
                }
                if !words.is_empty() {
                    path.push_str("&q=");
                    path.push_str(&escaped(&words));
                }
                if *disabled {
                    path.push_str("&disabled=true");
                }
                let mut items = self.all(&path)?;
                items.retain(|p| !unreachable || p["unreachable"] == true);
                let heads = ["ID", "NAME", "UNIT", "ROLES", "REACHABLE"];
                self.table(&items, &heads, person_row, "Nobody fits.");
            }
            UserCommand::Show { person } => {
                let p = self.person(person)?;
                if self.json {
                    say(&p.to_string());
                } else {
                    let leads: Vec<String> =
                        list(&p["leads"]).iter().map(|l| format!("{}:{}", text(&l["unit"]), l["place"])).collect();
                    let rows = [
                        ("id", text(&p["id"])),
                        ("name", text(&p["name"])),
                        (
                            "unit",
                            format!("{} ({}, agency {})", text(&p["unit"]), text(&p["unit_name"]), text(&p["agency"])),
                        ),
                        ("roles", words_of(&p["roles"])),
                        ("leads", leads.join(" ")),
                        ("channels", words_of(&p["channels"])),
                        ("language", text(&p["language"])),
                        ("tak uid", text(&p["tak_uid"])),
                        ("mail", text(&p["addresses"]["mail"])),
                        ("sms", text(&p["addresses"]["sms"])),
                        ("webhook", text(&p["addresses"]["webhook"])),
                        ("relay", text(&p["addresses"]["relay"])),
                        ("reachable", reachable(&p)),
                    ];
                    let rows: Vec<Vec<String>> = rows.into_iter().map(|(k, v)| vec![k.to_owned(), v]).collect();
                    say(&table(&[], &rows));
                }
            }
            UserCommand::Add { person, fields } => {
                if self.person(person).is_ok() {
                    return Err(Stop::Refused(format!("person '{person}' is there already: use `user change`")));
                }
                let mut p = json!({"id": person, "name": person});
                fields.put(&mut p);
                if p.get("unit").is_none() || fields.roles.is_empty() {
                    return Err(Stop::Refused("a new person needs --unit and at least one --role".into()));
                }
                self.change(&json!([{"change": "put_person", "person": p}]), &format!("Added {person}."))?;
            }
            UserCommand::Change { person, fields } => {
                let mut p = entry(&self.person(person)?);
                fields.put(&mut p);
                self.change(&json!([{"change": "put_person", "person": p}]), &format!("Changed {person}."))?;
            }
            UserCommand::Disable { person } | UserCommand::Enable { person } => {
                let disable = matches!(command, UserCommand::Disable { .. });
                let mut p = entry(&self.person(person)?);
                p["disabled"] = json!(disable);
                let said = if disable {
                    format!("Disabled {person}: no sign-in, no warnings.")
                } else {
                    format!("Enabled {person}.")
                };
                self.change(&json!([{"change": "put_person", "person": p}]), &said)?;
            }
            UserCommand::Remove { person } => {
                self.change(&json!([{"change": "remove_person", "person": person}]), &format!("Removed {person}."))?;
            }
            UserCommand::Reset { person } => self.reset(person)?,
            UserCommand::Import { file, dry_run, yes, create } => self.import(file, *dry_run, *yes, *create)?,
            UserCommand::Export { file } => {
                let csv = self.get("/directory.csv")?;
                let csv = csv.as_str().unwrap_or_default();
                match file {
                    None => io::stdout().write_all(csv.as_bytes()),
                    Some(file) => std::fs::write(file, csv),
                }
                .map_err(|e| Stop::CouldNot(format!("the file could not be written: {e}")))?;
            }
            UserCommand::Link { person } => {
                let made = self.link(person)?;
                if self.json {
                    say(&made.to_string());
                } else {
                    say(&format!("{}\nGood once, until {}.", text(&made["url"]), text(&made["expires_at"])));
                }
            }
            UserCommand::Enrol { person } => {
                let made = self.link(person)?;
                if self.json {
                    say(&made.to_string());
                } else {
                    let url = text(&made["field_url"]);
                    let code = qrcode::QrCode::new(url.as_bytes()).map_err(|e| Stop::CouldNot(e.to_string()))?;
                    say(&code.render::<qrcode::render::unicode::Dense1x2>().quiet_zone(true).build());
                    say(&format!("{url}\nGood once, until {}.", text(&made["expires_at"])));
                }
            }
        }
        Ok(())
    }

    fn link(&self, person: &str) -> Result<Value, Stop> {
        let path = format!("/people/{}/sign-in-links", escaped(person));
        self.ask("POST", &path, Some(&json!({"id": new_id()})))
            .map_err(|e| known(e, || format!("there is no person '{person}' who may sign in")))
    }

    fn import(&self, file: &Path, dry_run: bool, yes: bool, create: bool) -> Done {
        let csv = read(file)?;
        let body = |preview: bool| json!({"id": new_id(), "csv": csv, "preview": preview, "create": create});
        let plan = self.ask("POST", "/directory/imports", Some(&body(true)))?;
        let count = |what: &str| plan["counts"][what].as_u64().unwrap_or_default();
        if self.json && dry_run {
            say(&plan.to_string());
        } else if !self.json {
            say(&preview(&plan));
        }
        if count("refused") > 0 || !list(&plan["problems"]).is_empty() {
            return Err(Stop::Refused("nothing was imported: put right what is refused, and import again".into()));
        }
        if dry_run {
            return Ok(());
        }
        if count("new") + count("changed") == 0 && list(&plan["new_units"]).is_empty() {
            self.done(&plan, "Nothing to change.");
            return Ok(());
        }
        if !yes && !agreed()? {
            return Err(Stop::Refused("nothing was imported: say --yes to import without being asked".into()));
        }
        let done = self.ask("POST", "/directory/imports", Some(&body(false)))?;
        let count = |what: &str| done["counts"][what].as_u64().unwrap_or_default();
        self.done(&done, &format!("Imported: {} new, {} changed.", count("new"), count("changed")));
        Ok(())
    }

    fn unit(&self, command: &UnitCommand) -> Done {
        let find = |id: &str| -> Result<Value, Stop> {
            let d = self.get("/directory")?;
            let unit = list(&d["units"]).iter().find(|u| u["id"] == id);
            let unit = unit.ok_or_else(|| Stop::Refused(format!("there is no unit '{id}'")))?;
            let leaders: Vec<&Value> = list(&unit["leadership"]).iter().map(|l| &l["id"]).collect();
            Ok(json!({"id": unit["id"], "name": unit["name"], "agency": unit["agency"], "leadership": leaders}))
        };
        match command {
            UnitCommand::List => {
                let d = self.get("/directory")?;
                let row = |u: &Value| {
                    let leaders: Vec<String> = list(&u["leadership"]).iter().map(|l| text(&l["id"])).collect();
                    let [id, name, agency] = ["id", "name", "agency"].map(|k| text(&u[k]));
                    vec![id, name, agency, u["people"].to_string(), leaders.join(" > ")]
                };
                let heads = ["ID", "NAME", "AGENCY", "PEOPLE", "LEADERSHIP"];
                self.table(list(&d["units"]), &heads, row, "There are no units.");
            }
            UnitCommand::Add { unit, name, agency, leaders } => {
                if find(unit).is_ok() {
                    return Err(Stop::Refused(format!("unit '{unit}' is there already: use `unit change`")));
                }
                let put = json!({"id": unit, "name": name, "agency": agency, "leadership": leaders});
                self.change(&json!([{"change": "put_unit", "unit": put}]), &format!("Added unit {unit}."))?;
            }
            UnitCommand::Change { unit, name, agency } => {
                let mut put = find(unit)?;
                for (key, value) in [("name", name), ("agency", agency)] {
                    if let Some(v) = value {
                        put[key] = json!(v);
                    }
                }
                self.change(&json!([{"change": "put_unit", "unit": put}]), &format!("Changed unit {unit}."))?;
            }
            UnitCommand::Lead { unit, people } => {
                let mut put = find(unit)?;
                put["leadership"] = json!(people);
                self.change(&json!([{"change": "put_unit", "unit": put}]), &format!("Changed who leads unit {unit}."))?;
            }
            UnitCommand::Remove { unit } => {
                self.change(&json!([{"change": "remove_unit", "unit": unit}]), &format!("Removed unit {unit}."))?;
            }
        }
        Ok(())
    }

    fn agency(&self, command: &AgencyCommand) -> Done {
        match command {
            AgencyCommand::List => {
                let d = self.get("/directory")?;
                let row = |a: &Value| vec![text(&a["id"]), text(&a["name"])];
                self.table(list(&d["agencies"]), &["ID", "NAME"], row, "There are no agencies.");
            }
            AgencyCommand::Add { agency, name } => {
                let put = json!([{"change": "put_agency", "agency": {"id": agency, "name": name}}]);
                self.change(&put, &format!("Agency {agency} is there."))?;
            }
            AgencyCommand::Remove { agency } => {
                let gone = json!([{"change": "remove_agency", "agency": agency}]);
                self.change(&gone, &format!("Removed agency {agency}."))?;
            }
        }
        Ok(())
    }

    fn roster(&self, command: &RosterCommand) -> Done {
        let all = || -> Result<Vec<Value>, Stop> { Ok(list(&self.get("/rosters")?["items"]).to_vec()) };
        let find = |id: &str| -> Result<Value, Stop> {
            let found = all()?.into_iter().find(|r| r["roster"]["id"] == id);
            found.ok_or_else(|| Stop::Refused(format!("there is no roster '{id}' that you may see")))
        };
        let put = |roster: &Value, said: &str| -> Done {
            let done = self.ask("POST", "/rosters", Some(&json!({"id": new_id(), "roster": roster})))?;
            self.done(&done, said);
            Ok(())
        };
        match command {
            RosterCommand::List => {
                let now = serde_json::to_value(crate::clock::now()).unwrap_or_default();
                let now = text(&now);
                let row = |r: &Value| {
                    let of = &r["roster"];
                    let on: Vec<String> = list(&of["duties"])
                        .iter()
                        .filter(|d| is_now(d, &now))
                        .map(|d| {
                            let p = &r["people"][text(&d["person"])];
                            let here = if p["here"] == true { "here" } else { "no page open" };
                            format!("{} ({here})", text(&p["name"]))
                        })
                        .collect();
                    let on = if on.is_empty() { "nobody".to_owned() } else { on.join(", ") };
                    vec![text(&of["id"]), text(&of["name"]), text(&of["unit"]), on]
                };
                self.table(&all()?, &["ID", "NAME", "UNIT", "ON DUTY"], row, "There are no rosters that you may see.");
            }
            RosterCommand::Show { roster } => {
                let r = find(roster)?;
                let row = |d: &Value| {
                    let p = &r["people"][text(&d["person"])];
                    vec![text(&d["from"]), text(&d["until"]), text(&d["person"]), text(&p["name"])]
                };
                let heads = ["FROM", "UNTIL", "PERSON", "NAME"];
                self.table(list(&r["roster"]["duties"]), &heads, row, "Nobody is on it.");
            }
            RosterCommand::Add { roster, name, unit } => {
                let duties = find(roster).map_or(json!([]), |r| r["roster"]["duties"].clone());
                let new = json!({"id": roster, "name": name, "unit": unit, "duties": duties});
                put(&new, &format!("Roster {roster} is there."))?;
            }
            RosterCommand::Duty { roster, person, from, until } => {
                let mut r = find(roster)?["roster"].take();
                if let Some(duties) = r["duties"].as_array_mut() {
                    duties.push(json!({"person": person, "from": from, "until": until}));
                }
                put(&r, &format!("{person} is on duty from {from} until {until}."))?;
            }
            RosterCommand::OffDuty { roster, person, from } => {
                let mut r = find(roster)?["roster"].take();
                let before = list(&r["duties"]).len();
                let at = |d: &Value| d["person"] == *person && same_time(&text(&d["from"]), from);
                if let Some(duties) = r["duties"].as_array_mut() {
                    duties.retain(|d| !at(d));
                }
                if list(&r["duties"]).len() == before {
                    return Err(Stop::Refused(format!("'{person}' has no duty there that begins at {from}")));
                }
                put(&r, &format!("{person} is off that duty."))?;
            }
            RosterCommand::Remove { roster } => {
                let done = self.ask("POST", "/rosters", Some(&json!({"id": new_id(), "remove": roster})))?;
                self.done(&done, &format!("Removed roster {roster}."));
            }
        }
        Ok(())
    }
}

/// What `config check` says of a configuration whose folder has a record already.
pub fn kept_in_record(data: &Path) -> Option<String> {
    let live = crate::serve::folder(data, None);
    if !live.join(skypicket_record::FILE_NAME).is_file() {
        return None;
    }
    let said = format!(
        "{} has a record: agencies, units and people are kept in it since the first start, and those of this file are \
         not read any more (sites are). `skypicket user list` shows who is in it.",
        live.display()
    );
    let at = Where { data: data.to_owned(), exercise: None, acting: None, json: false };
    // The running centre compared them at its start.
    let notes = at.get("/directory").map(|d| list(&d["notes"]).iter().map(text).collect::<Vec<_>>());
    Some(std::iter::once(said).chain(notes.unwrap_or_default()).collect::<Vec<_>>().join("\n"))
}

/// In better words, when the centre said only that there is nothing.
pub fn known(e: Stop, words: impl FnOnce() -> String) -> Stop {
    let nothing = Problem::not_found().detail;
    match e {
        Stop::Refused(text) if text == nothing => Stop::Refused(words()),
        other => other,
    }
}

impl Fields {
    fn put(&self, p: &mut Value) {
        for (key, value) in [("name", &self.name), ("unit", &self.unit), ("language", &self.language)] {
            if let Some(v) = value {
                p[key] = json!(v);
            }
        }
        if let Some(uid) = &self.tak_uid {
            p["tak_uid"] = if uid.is_empty() { Value::Null } else { json!(uid) };
        }
        let ways = [("mail", &self.mail), ("sms", &self.sms), ("webhook", &self.webhook), ("relay", &self.relay)];
        for (key, value) in ways.into_iter().filter_map(|(k, v)| Some((k, v.as_ref()?))) {
            if !p["addresses"].is_object() {
                p["addresses"] = json!({});
            }
            if let Some(addresses) = p["addresses"].as_object_mut() {
                if value.is_empty() {
                    addresses.remove(key);
                } else {
                    addresses.insert(key.into(), json!(value));
                }
            }
        }
        for (key, values) in [("roles", &self.roles), ("channels", &self.channels)] {
            if !values.is_empty() {
                p[key] = json!(values);
            }
        }
    }
}

/// The fields of a listed person that are entered, not seen.
fn entry(listed: &Value) -> Value {
    let keys =
        ["id", "name", "unit", "roles", "channels", "addresses", "subscriptions", "tak_uid", "language", "disabled"];
    let kept: Map<String, Value> =
        keys.into_iter().filter_map(|k| Some((k.to_owned(), listed.get(k)?.clone()))).collect();
    Value::Object(kept)
}

fn person_row(p: &Value) -> Vec<String> {
    let [id, name, unit] = ["id", "name", "unit"].map(|k| text(&p[k]));
    vec![id, name, unit, words_of(&p["roles"]), reachable(p)]
}

fn reachable(p: &Value) -> String {
    match (p["unreachable"].as_bool(), p["why"].as_str(), p["since"].as_str()) {
        (Some(true), why, since) => {
            let since = since.map(|s| format!(", since {s}")).unwrap_or_default();
            format!("no: {}{since}", why.unwrap_or("nothing would reach them"))
        }
        (_, Some(why), _) => format!("yes, but {why}"),
        _ => "yes".into(),
    }
}

fn is_now(duty: &Value, now: &str) -> bool {
    let time = |t: &str| serde_json::from_value::<skypicket_model::Time>(json!(t)).ok();
    let (Some(from), Some(until), Some(now)) = (time(&text(&duty["from"])), time(&text(&duty["until"])), time(now))
    else {
        return false;
    };
    from <= now && now < until
}

fn same_time(a: &str, b: &str) -> bool {
    let time = |t: &str| serde_json::from_value::<skypicket_model::Time>(json!(t)).ok();
    time(a).is_some_and(|a| time(b) == Some(a))
}

/// A preview as people read it.
fn preview(plan: &Value) -> String {
    let mut out = Vec::new();
    let rows: Vec<Vec<String>> = list(&plan["rows"])
        .iter()
        .filter(|r| r["does"] != "unchanged")
        .map(|r| {
            let fields: Vec<String> = list(&r["fields"])
                .iter()
                .map(|f| format!("{}: '{}' > '{}'", text(&f["field"]), text(&f["from"]), text(&f["to"])))
                .collect();
            let what = r["why"].as_str().map_or_else(|| fields.join(", "), clean);
            vec![r["line"].to_string(), text(&r["does"]), text(&r["id"]), text(&r["name"]), what]
        })
        .collect();
    if !rows.is_empty() {
        out.push(table(&["LINE", "", "ID", "NAME", "WHAT"], &rows));
    }
    if let Some(more) = plan["more"].as_u64().filter(|m| *m > 0) {
        out.push(format!("and {more} more rows"));
    }
    for (what, key) in [("New agencies", "new_agencies"), ("New units", "new_units")] {
        if !list(&plan[key]).is_empty() {
            out.push(format!("{what}: {}", words_of(&plan[key])));
        }
    }
    out.extend(list(&plan["problems"]).iter().map(|p| format!("Refused: {}", text(p))));
    let count = |what: &str| plan["counts"][what].as_u64().unwrap_or_default();
    let [new, changed, same, refused] = ["new", "changed", "unchanged", "refused"].map(count);
    out.push(format!("{new} new, {changed} changed, {same} unchanged, {refused} refused"));
    out.join("\n")
}

/// A file's text, bounded and UTF-8.
#[allow(clippy::disallowed_methods)] // both readers are bounded by `take`
pub fn read(file: &Path) -> Result<String, Stop> {
    let could_not = |e: io::Error| Stop::CouldNot(format!("{} could not be read: {e}", file.display()));
    let most = people_csv::MOST_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes).map_err(could_not)?;
    } else {
        std::fs::File::open(file).map_err(could_not)?.take(most).read_to_end(&mut bytes).map_err(could_not)?;
    }
    if bytes.len() > people_csv::MOST_BYTES {
        return Err(Stop::Refused(format!("{}: at most {} bytes are taken", file.display(), people_csv::MOST_BYTES)));
    }
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        Stop::Refused(format!("{}: byte {at} is not UTF-8: save the file as 'CSV UTF-8'", file.display()))
    })
}

/// Whether whoever sits at the terminal agrees.
fn agreed() -> Result<bool, Stop> {
    if !io::stdin().is_terminal() {
        return Ok(false);
    }
    let mut err = io::stderr();
    let mut line = String::new();
    let asked = write!(err, "Import this? [y/N] ").and_then(|()| err.flush());
    asked.and_then(|()| io::stdin().lock().read_line(&mut line)).map_err(|e| Stop::CouldNot(e.to_string()))?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// The items of a list; none where it is no list.
pub fn list(v: &Value) -> &[Value] {
    v.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A list of words in one line.
pub fn words_of(v: &Value) -> String {
    list(v).iter().map(text).collect::<Vec<_>>().join(" ")
}

/// A text that a terminal can show.
pub fn text(v: &Value) -> String {
    v.as_str().map(clean).unwrap_or_default()
}

/// Nothing that a terminal would obey.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Columns as wide as their widest cell; the last one as it is.
pub fn table(heads: &[&str], rows: &[Vec<String>]) -> String {
    let heads: Vec<String> = heads.iter().map(|h| (*h).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&heads).filter(|h| !h.is_empty()).chain(rows).collect();
    let columns = all.iter().map(|r| r.len()).max().unwrap_or_default();
    let width = |k: usize| all.iter().filter_map(|r| r.get(k)).map(|c| c.chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |r: &&Vec<String>| {
        let cells: Vec<String> = r.iter().zip(&widths).map(|(c, w)| format!("{c:w$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}
