//! `skypicket intelligence`: intelligence reports from the command line of the centre's own machine, by the same acts as
//! the pages.

use crate::{
    cli::{End, say},
    people_command::{Done, Stop, Where, end, escaped, known, list, new_id, read, table, text, words_of},
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// `intelligence`.
#[derive(Debug, Args)]
pub struct IntelligenceArgs {
    #[command(flatten)]
    at: Where,
    #[command(subcommand)]
    command: IntelligenceCommand,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Step {
    Raw,
    Vetted,
    Purged,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Due {
    Review,
    Purge,
}

#[derive(Debug, Subcommand)]
enum IntelligenceCommand {
    /// List reports, the newest first
    List {
        /// Only those so far
        #[arg(long)]
        step: Option<Step>,
        /// Only those that are due, what is due longest first
        #[arg(long)]
        due: Option<Due>,
    },
    /// Show one report, its history and what it links
    Show {
        /// Id
        report: String,
    },
    /// File a report; another person vets it
    File {
        /// File with its content as JSON; `-` is standard input
        file: PathBuf,
    },
    /// Change what a report says, or its grade
    Change {
        /// Id
        report: String,
        /// File with its whole content as JSON; `-` is standard input
        file: PathBuf,
        /// The version that was read, as `show` says it
        #[arg(long, value_name = "VERSION")]
        read: u32,
        /// Why
        #[arg(long)]
        why: String,
    },
    /// As a second person: it fits what may be kept
    Vet {
        /// Id
        report: String,
        /// The version that was read, as `show` says it
        #[arg(long, value_name = "VERSION")]
        read: u32,
    },
    /// As the supervisor who is named: what it says about an individual may be kept
    ApproveIndividual {
        /// Id
        report: String,
        /// The version that was read, as `show` says it
        #[arg(long, value_name = "VERSION")]
        read: u32,
    },
    /// It was looked at again and is still needed: new dates
    Review {
        /// Id
        report: String,
        /// Looked at again by then
        #[arg(long, value_name = "TIME")]
        review_by: String,
        /// Gone by then; at most five years ahead
        #[arg(long, value_name = "TIME")]
        purge_by: String,
        /// Why it is still needed
        #[arg(long)]
        why: String,
    },
    /// Ask that a report be purged; an auditor or administrator decides it
    AskPurge {
        /// Id
        report: String,
        /// Why, in words that say nothing of what it says: this stays
        #[arg(long)]
        why: String,
    },
    /// As a second person: purge a report, or let it go because its time is over
    Purge {
        /// Id
        report: String,
        /// Why, in words that say nothing of what it says: this stays
        #[arg(long)]
        why: String,
    },
}

/// `skypicket intelligence`.
pub fn run(args: &IntelligenceArgs) -> End {
    end(args.at.intelligence(&args.command))
}

impl Where {
    fn intelligence(&self, command: &IntelligenceCommand) -> Done {
        match command {
            IntelligenceCommand::List { step, due } => {
                let word = |v: clap::builder::PossibleValue| v.get_name().to_owned();
                let step = step.and_then(|s| s.to_possible_value()).map(|v| format!("&step={}", word(v)));
                let due = due.and_then(|d| d.to_possible_value()).map(|v| format!("&due={}", word(v)));
                let path = format!("/intelligence?limit=500{}{}", step.unwrap_or_default(), due.unwrap_or_default());
                let items = self.by_role("analyst").all(&path)?;
                let heads =
                    ["ID", "STEP", "VERSION", "GRADE", "MARKING", "BY", "REVIEW BY", "PURGE BY", "DUE", "TITLE"];
                self.table(&items, &heads, row, "There are no reports that you may see.");
            }
            IntelligenceCommand::Show { report } => {
                let r = self.by_role("analyst").get(&path(report, "")).map_err(|e| unknown(e, report))?;
                if self.json() {
                    say(&r.to_string());
                } else {
                    say(&shown(&r));
                }
            }
            IntelligenceCommand::File { file } => {
                let body = json!({"id": new_id(), "content": content(file)?});
                self.report_act("/intelligence", &body, |id| format!("Filed {id}: another person vets it."))?;
            }
            IntelligenceCommand::Change { report, file, read, why } => {
                let body = json!({"id": new_id(), "read": read, "content": content(file)?, "why": why});
                self.about(report, "/versions", &body, "Changed")?;
            }
            IntelligenceCommand::Vet { report, read } => {
                self.about(report, "/vettings", &json!({"id": new_id(), "read": read}), "Vetted")?;
            }
            IntelligenceCommand::ApproveIndividual { report, read } => {
                let body = json!({"id": new_id(), "read": read});
                self.about(report, "/individual-approvals", &body, "Approved what is said about an individual in")?;
            }
            IntelligenceCommand::Review { report, review_by, purge_by, why } => {
                let body = json!({"id": new_id(), "review_by": review_by, "purge_by": purge_by, "why": why});
                self.about(report, "/reviews", &body, "Reviewed")?;
            }
            IntelligenceCommand::AskPurge { report, why } => {
                let body = json!({"id": new_id(), "why": why});
                self.about(report, "/purge-requests", &body, "Asked for the purge of")?;
            }
            IntelligenceCommand::Purge { report, why } => {
                self.about(report, "/purges", &json!({"id": new_id(), "why": why}), "Purged")?;
            }
        }
        Ok(())
    }

    fn about(&self, report: &str, what: &str, body: &Value, said: &str) -> Done {
        self.report_act(&path(report, what), body, |id| format!("{said} {id}.")).map_err(|e| unknown(e, report))
    }

    /// An act about a report, under somebody's own name.
    fn report_act(&self, path: &str, body: &Value, said: impl Fn(&str) -> String) -> Done {
        self.named()?;
        let r = self.ask("POST", path, Some(body))?;
        self.done(&r, &said(&text(&r["report"])));
        Ok(())
    }
}

fn path(report: &str, what: &str) -> String {
    format!("/intelligence/{}{what}", escaped(report))
}

fn unknown(e: Stop, report: &str) -> Stop {
    known(e, || format!("there is no report '{report}' that you may see"))
}

fn content(file: &Path) -> Result<Value, Stop> {
    serde_json::from_str(&read(file)?).map_err(|e| Stop::Refused(format!("{}: no JSON: {e}", file.display())))
}

fn grade(g: &Value) -> String {
    match g["reliability"].as_str() {
        Some(reliability) => format!("{reliability}{}", g["credibility"]),
        None => "-".into(),
    }
}

fn marking(m: &Value) -> String {
    if m.is_object() {
        format!("{} {}", text(&m["tlp"]), words_of(&m["releasable_to"])).trim_end().to_owned()
    } else {
        "-".into()
    }
}

fn row(r: &Value) -> Vec<String> {
    vec![
        text(&r["report"]),
        text(&r["step"]),
        r["version"].to_string(),
        grade(&r["grade"]),
        marking(&r["marking"]),
        text(&r["filed_by_name"]),
        text(&r["review_by"]),
        text(&r["purge_by"]),
        text(&r["due"]),
        text(&r["title"]),
    ]
}

/// A report as people read it.
fn shown(r: &Value) -> String {
    let mut rows = vec![
        ("id", text(&r["report"])),
        ("step", format!("{}, version {}", text(&r["step"]), r["version"])),
        ("filed by", format!("{} at {}", text(&r["filed_by_name"]), text(&r["filed_at"]))),
    ];
    let c = &r["content"];
    if c.is_object() {
        let p = &c["provenance"];
        rows.push(("title", text(&c["title"])));
        rows.push(("grade", grade(&c["grade"])));
        rows.extend(r["no_longer_confirmed"].as_str().map(|_| ("", text(&r["no_longer_confirmed"]))));
        rows.push(("marking", marking(&c["marking"])));
        rows.push(("about", words_of(&c["about"])));
        rows.push((
            "source",
            format!("{} ({}, {}) at {}", text(&p["source"]), text(&p["kind"]), text(&p["obtained"]), text(&p["at"])),
        ));
        rows.extend(p["origin"].as_str().filter(|o| !o.is_empty()).map(|_| ("origin", text(&p["origin"]))));
        // A table's line is one line: the text's own lines follow one another.
        let lines = c["text"].as_str().unwrap_or_default().lines().enumerate();
        rows.extend(lines.map(|(k, line)| (if k == 0 { "text" } else { "" }, text(&json!(line)))));
        if c["individual"].is_object() {
            rows.push(("individual", text(&c["individual"]["text"])));
            rows.push(("basis", text(&c["individual"]["basis"])));
        }
    }
    if r["individual"] != "none" {
        rows.push(("approver", format!("{} ({})", text(&r["individual_approver"]["name"]), text(&r["individual"]))));
    }
    if !r["purge_by"].is_null() {
        rows.push(("review by", text(&r["review_by"])));
        rows.push(("purge by", text(&r["purge_by"])));
    }
    let ask = &r["purge_request"];
    if ask.is_object() {
        rows.push((
            "purge asked",
            format!("by {} at {}: {}", text(&ask["by"]["name"]), text(&ask["at"]), text(&ask["why"])),
        ));
    }
    let t = &r["tombstone"];
    if t.is_object() {
        rows.push((
            "purged",
            format!("by {} at {}: {}", text(&t["approved_by"]["name"]), text(&t["at"]), text(&t["why"])),
        ));
        rows.push(("sha256", text(&t["sha256"])));
    }
    for (key, label) in [("links", "links"), ("linked_by", "linked by")] {
        for l in list(&r[key]) {
            rows.push((
                label,
                format!("{} {} {} {}", text(&l["to"]), text(&l["id"]), grade(&l["grade"]), text(&l["title"])),
            ));
        }
    }
    for b in list(&r["cited_by"]) {
        rows.push(("cited by", format!("{} {} {}", text(&b["notice"]), text(&b["number"]), text(&b["title"]))));
    }
    for h in list(&r["history"]) {
        let mut said = format!("{} {} by {}", text(&h["at"]), text(&h["what"]), text(&h["by"]["name"]));
        if h["grade_to"].is_object() {
            let _ = write!(said, ", {} to {}", grade(&h["grade_from"]), grade(&h["grade_to"]));
        }
        if h["why"].as_str().is_some_and(|w| !w.is_empty()) {
            let _ = write!(said, ": {}", text(&h["why"]));
        }
        rows.push(("history", said));
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(k, v)| vec![k.to_owned(), v]).collect();
    table(&[], &rows)
}
