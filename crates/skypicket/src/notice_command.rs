//! `skypicket notice`: notices from the command line of the centre's own machine: who has one and who has not, and what
//! came of a call.

use crate::{
    cli::{End, say},
    people_command::{Done, Stop, Where, end, escaped, known, list, new_id, table, text},
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::{
    io::{self, Write},
    path::PathBuf,
};

/// `notice`.
#[derive(Debug, Args)]
pub struct NoticeArgs {
    #[command(flatten)]
    at: Where,
    #[command(subcommand)]
    command: NoticeCommand,
}

#[derive(Debug, Subcommand)]
enum NoticeCommand {
    /// List notices, newest first
    List {
        /// Only those that are open
        #[arg(long)]
        open: bool,
        /// How many at most, 1 to 200
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
        limit: u16,
    },
    /// Show one notice with its versions
    Show {
        /// Id
        notice: String,
    },
    /// Who has it and who has not, by agency and unit
    Board {
        /// Id
        notice: String,
    },
    /// The same person by person, who needs somebody first
    Recipients {
        /// Id
        notice: String,
        /// Only who stands so: queued, sent, delivered, shown, acknowledged, owing, escalated, silent, unreachable, excused or trouble
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// Only of this agency
        #[arg(long, value_name = "AGENCY")]
        agency: Option<String>,
        /// Only of this unit
        #[arg(long, value_name = "UNIT")]
        unit: Option<String>,
        /// Only who has done this measure of the checklist
        #[arg(long, value_name = "MEASURE")]
        done: Option<String>,
        /// Only who has not done it
        #[arg(long, value_name = "MEASURE")]
        not_done: Option<String>,
    },
    /// Write the dissemination log: who, which version, what was tried, what came of it, what they did
    Export {
        /// Id
        notice: String,
        /// csv or jsonl
        #[arg(long, default_value = "jsonl", value_parser = ["csv", "jsonl"])]
        format: String,
        /// Write it to this file instead of the standard output
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Say for somebody what came of a call, under your own name
    Call {
        /// Id
        notice: String,
        /// Who was called
        person: String,
        /// acknowledged, no_answer or unavailable
        #[arg(long)]
        status: String,
        /// What they said
        #[arg(long, default_value = "")]
        note: String,
    },
}

/// `skypicket notice`.
pub fn run(args: &NoticeArgs) -> End {
    end(args.at.notice(&args.command))
}

impl Where {
    fn notice(&self, command: &NoticeCommand) -> Done {
        let centre = self.by_role("watch");
        let look = |notice: &str, what: &str| {
            centre.get(&format!("/notices/{}{what}", escaped(notice))).map_err(|e| unknown(e, notice))
        };
        match command {
            NoticeCommand::List { open, limit } => {
                let page = centre.get(&format!("/notices?limit={limit}{}", if *open { "&open=true" } else { "" }))?;
                let heads = ["ID", "VERSION", "STATE", "LEVEL", "AT", "ABOUT"];
                self.table(list(&page["items"]), &heads, row, "There are no notices that you may see.");
            }
            NoticeCommand::Show { notice } => {
                let n = look(notice, "")?;
                if self.json() {
                    say(&n.to_string());
                } else {
                    let versions: Vec<Vec<String>> = list(&n["versions"])
                        .iter()
                        .map(|v| {
                            let [state, level, at, said] = ["state", "level", "at", "text"].map(|k| text(&v[k]));
                            vec![v["version"].to_string(), state, level, at, said]
                        })
                        .collect();
                    say(&table(&["VERSION", "STATE", "LEVEL", "AT", "TEXT"], &versions));
                }
            }
            NoticeCommand::Board { notice } => {
                let b = look(notice, "/board")?;
                if self.json() {
                    say(&b.to_string());
                } else {
                    say(&board(&b));
                }
            }
            NoticeCommand::Recipients { notice, state, agency, unit, done, not_done } => {
                let mut path = format!("/notices/{}/recipients?limit=500", escaped(notice));
                let narrow =
                    [("state", state), ("agency", agency), ("unit", unit), ("done", done), ("not_done", not_done)];
                for (key, value) in narrow {
                    path.extend(value.iter().map(|v| format!("&{key}={}", escaped(v))));
                }
                let items = centre.all(&path).map_err(|e| unknown(e, notice))?;
                let heads = ["PERSON", "NAME", "UNIT", "RULE", "REACHED", "HOW THEY STAND", "NEXT"];
                self.table(&items, &heads, recipient, "Nobody stands so.");
            }
            NoticeCommand::Export { notice, format, to } => {
                let text = match look(notice, &format!("/export?format={format}"))? {
                    Value::String(text) => text,
                    // What is one line is a value by itself.
                    one => format!("{one}\n"),
                };
                match to {
                    None => io::stdout().write_all(text.as_bytes()),
                    Some(file) => std::fs::write(file, text),
                }
                .map_err(|e| Stop::CouldNot(format!("the file could not be written: {e}")))?;
            }
            NoticeCommand::Call { notice, person, status, note } => {
                self.named()?;
                let version = self.get(&format!("/notices/{}/board", escaped(notice)));
                let version = version.map_err(|e| unknown(e, notice))?["notice"]["version"].clone();
                let body = json!({"id": new_id(), "person": person, "status": status, "note": note});
                let path = format!("/notices/{}/versions/{version}/calls", escaped(notice));
                let r = self.ask("POST", &path, Some(&body)).map_err(|e| {
                    known(e, || format!("'{person}' is on no list of notice '{notice}' that you may see"))
                })?;
                self.done(&r, &format!("{person}: {}.", text(&r["why"])));
            }
        }
        Ok(())
    }
}

fn unknown(e: Stop, notice: &str) -> Stop {
    known(e, || format!("there is no notice '{notice}' that you may see"))
}

fn row(view: &Value) -> Vec<String> {
    let n = &view["notice"];
    let about = if n["title"].is_string() { text(&n["title"]) } else { text(&n["protected_name"]) };
    let [id, state, level, at] = ["id", "state", "level", "at"].map(|k| text(&n[k]));
    vec![id, n["version"].to_string(), state, level, at, about]
}

fn recipient(r: &Value) -> Vec<String> {
    let next = match r["next"]["what"].as_str() {
        Some(_) => format!("{} at {}", text(&r["next"]["what"]), text(&r["next"]["at"])),
        None => "-".into(),
    };
    let [person, name, unit, rule, reached, why] =
        ["person", "name", "unit_name", "rule", "reached", "why"].map(|k| text(&r[k]));
    vec![person, name, unit, rule, reached, why, next]
}

/// A board as people read it.
fn board(b: &Value) -> String {
    const COUNTS: [&str; 8] =
        ["recipients", "sent", "delivered", "shown", "acknowledged", "owing", "silent", "unreachable"];
    let n = &b["notice"];
    let line = |name: String, counts: &Value| {
        let mut cells = vec![name];
        cells.extend(COUNTS.iter().map(|c| counts[*c].to_string()));
        cells
    };
    let mut rows = vec![line("ALL".into(), &b["counts"])];
    for a in list(&b["agencies"]) {
        rows.push(line(text(&a["name"]), &a["counts"]));
        rows.extend(list(&a["units"]).iter().map(|u| line(format!("  {}", text(&u["name"])), &u["counts"])));
    }
    let heads: Vec<String> = std::iter::once(String::new()).chain(COUNTS.map(str::to_uppercase)).collect();
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    let [kind, state, level, title] = ["kind", "state", "level", "title"].map(|k| text(&n[k]));
    let mut out = vec![format!("{title}: {kind}, version {}, {state}, {level}", n["version"]), table(&heads, &rows)];
    for m in list(&b["measures"]) {
        out.push(format!(
            "{} of {} have done {}: {}",
            m["done"],
            b["counts"]["recipients"],
            text(&m["id"]),
            text(&m["text"]["en"])
        ));
    }
    if b["next"].is_object() {
        out.push(format!("Next: {} at {}", text(&b["next"]["what"]), text(&b["next"]["at"])));
    }
    out.join("\n")
}
