//! `skypicket bulletin`: bulletins from the command line of the centre's own machine, by the same acts as the pages.

use crate::{
    cli::{End, say},
    people_command::{Done, Stop, Where, end, escaped, known, list, new_id, read, table, text, words_of},
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// `bulletin`.
#[derive(Debug, Args)]
pub struct BulletinArgs {
    #[command(flatten)]
    at: Where,
    #[command(subcommand)]
    command: BulletinCommand,
}

#[derive(Debug, Subcommand)]
enum BulletinCommand {
    /// List bulletins: those that wait, drafts, in force, and not long over
    List,
    /// Show one bulletin, and what waits of it
    Show {
        /// Id
        bulletin: String,
    },
    /// Say whom a bulletin would go to, and whom it would not reach; nothing is sent
    Preview {
        /// File with its content as JSON; `-` is standard input
        file: PathBuf,
    },
    /// List what a bulletin can be written from: templates, what is filled in, measures, agencies' wording
    Templates,
    /// Print a template, filled in, as JSON for `preview` and `propose`; nothing is kept
    Draft {
        /// The template's id
        #[arg(long, value_name = "ID")]
        template: String,
        /// What is filled in: area=WORDS, in Spanish area.es=WORDS
        #[arg(long, value_name = "NAME=WORDS")]
        set: Vec<String>,
        /// In the words of an agency
        #[arg(long, value_name = "ID")]
        agency: Option<String>,
    },
    /// Propose a bulletin; another person approves it
    Propose {
        /// File with its content as JSON; `-` is standard input
        file: PathBuf,
    },
    /// Keep a draft: a new one, or what was written on at one
    DraftSave {
        /// File with its content as JSON; `-` is standard input
        file: PathBuf,
        /// Id of the draft that was written on at; a new one where it is left out
        #[arg(long, value_name = "ID", requires = "read")]
        id: Option<String>,
        /// `proposed_at` of what was written on at, as `show` says it: what another wrote since is not overwritten
        #[arg(long, value_name = "TIME", requires = "id")]
        read: Option<String>,
    },
    /// Ask a second person to issue a draft
    Submit {
        /// Id
        bulletin: String,
        /// `proposed_at` of what was read, as `show` says it: what was written since is not submitted
        #[arg(long, value_name = "TIME")]
        read: String,
    },
    /// Say something about a bulletin to the others at the centre
    Comment {
        /// Id
        bulletin: String,
        /// What
        text: String,
    },
    /// As a second person: send what waits back to its author
    Return {
        /// Id
        bulletin: String,
        /// Why
        #[arg(long)]
        why: String,
    },
    /// As a second person: issue what waits
    Approve {
        /// Id
        bulletin: String,
        /// `waiting.at` of what was read, as `show` says it: what was written since is not approved
        #[arg(long, value_name = "TIME")]
        read: String,
        /// How many things that it rests on you may not see, as `show` says: approve without them
        #[arg(long, value_name = "N", default_value_t = 0)]
        unseen: u32,
        /// How the strictest of those is marked, as `show` says: JSON
        #[arg(long, value_name = "MARKING", requires = "unseen", value_parser = marking)]
        unseen_marking: Option<Value>,
    },
    /// Issue what waits without a second person
    BreakGlass {
        /// Id
        bulletin: String,
        /// Why there is no time for one; everybody who gets it sees this
        #[arg(long)]
        why: String,
    },
    /// Propose a newer version of what is in force
    Correct {
        /// Id
        bulletin: String,
        /// File with its content as JSON; `-` is standard input
        file: PathBuf,
        /// When what it begins with was written, as `show` says it: what another wrote since is not overwritten
        #[arg(long, value_name = "TIME")]
        read: String,
        /// Why
        #[arg(long)]
        why: String,
    },
    /// Take back what waits
    Withdraw {
        /// Id
        bulletin: String,
        /// Why
        #[arg(long)]
        why: String,
    },
    /// Recall what is in force, everywhere, now
    Recall {
        /// Id
        bulletin: String,
        /// Why
        #[arg(long)]
        why: String,
    },
}

/// `skypicket bulletin`.
pub fn run(args: &BulletinArgs) -> End {
    end(args.at.bulletin(&args.command))
}

impl Where {
    fn bulletin(&self, command: &BulletinCommand) -> Done {
        match command {
            BulletinCommand::List => {
                let items = self.by_role("watch").all("/bulletins?limit=500")?;
                let heads = ["ID", "STEP", "VERSION", "LEVEL", "BY", "WAITS FOR A SECOND PERSON", "TITLE"];
                self.table(&items, &heads, row, "There are no bulletins that you may see.");
            }
            BulletinCommand::Show { bulletin } => {
                let b = self.by_role("watch").get(&path(bulletin, "")).map_err(|e| unknown(e, bulletin))?;
                if self.json() {
                    say(&b.to_string());
                } else {
                    say(&shown(&b));
                }
            }
            BulletinCommand::Preview { file } => {
                self.named()?;
                let p = self.ask("POST", "/bulletins/preview", Some(&json!({"content": content(file)?})))?;
                if self.json() {
                    say(&p.to_string());
                } else {
                    say(&preview(&p));
                }
            }
            BulletinCommand::Templates => self.templates()?,
            BulletinCommand::Draft { template, set, agency } => self.draft(template, set, agency.as_deref())?,
            BulletinCommand::Propose { file } => {
                let body = json!({"id": new_id(), "content": content(file)?});
                self.act("/bulletins", &body, |id| format!("Proposed {id}: another person approves it."))?;
            }
            BulletinCommand::DraftSave { file, id: None, .. } => {
                let body = json!({"id": new_id(), "content": content(file)?, "draft": true});
                self.act("/bulletins", &body, |id| format!("Kept {id} as a draft: nobody gets it yet."))?;
            }
            BulletinCommand::DraftSave { file, id: Some(bulletin), read } => {
                let body = json!({"id": new_id(), "content": content(file)?, "read": read});
                let said = |id: &str| format!("Kept draft {id}.");
                self.act(&path(bulletin, "/drafts"), &body, said).map_err(|e| unknown(e, bulletin))?;
            }
            BulletinCommand::Submit { bulletin, read } => {
                let body = json!({"id": new_id(), "read": read});
                let said = |id: &str| format!("Submitted {id}: another person approves it.");
                self.act(&path(bulletin, "/submissions"), &body, said).map_err(|e| unknown(e, bulletin))?;
            }
            BulletinCommand::Comment { bulletin, text } => {
                let body = json!({"id": new_id(), "text": text});
                let said = |id: &str| format!("Commented on {id}.");
                self.act(&path(bulletin, "/comments"), &body, said).map_err(|e| unknown(e, bulletin))?;
            }
            BulletinCommand::Return { bulletin, why } => self.why(bulletin, "/returns", why, "Sent back")?,
            BulletinCommand::Approve { bulletin, read, unseen, unseen_marking } => {
                let mut body = json!({"id": new_id(), "read": read, "unseen": unseen});
                if let (Some(o), Some(m)) = (body.as_object_mut(), unseen_marking) {
                    o.insert("unseen_marking".into(), m.clone());
                }
                let said = |id: &str| format!("Issued {id}.");
                self.act(&path(bulletin, "/approvals"), &body, said).map_err(|e| unknown(e, bulletin))?;
            }
            BulletinCommand::BreakGlass { bulletin, why } => {
                self.why(bulletin, "/break-glass", why, "Issued without a second person:")?;
            }
            BulletinCommand::Correct { bulletin, file, read, why } => {
                let body = json!({"id": new_id(), "read": read, "content": content(file)?, "why": why});
                let said = |id: &str| format!("Proposed a correction of {id}: another person approves it.");
                self.act(&path(bulletin, "/corrections"), &body, said).map_err(|e| unknown(e, bulletin))?;
            }
            BulletinCommand::Withdraw { bulletin, why } => self.why(bulletin, "/withdrawals", why, "Withdrew")?,
            BulletinCommand::Recall { bulletin, why } => self.why(bulletin, "/recalls", why, "Recalled")?,
        }
        Ok(())
    }

    fn why(&self, bulletin: &str, what: &str, why: &str, said: &str) -> Done {
        let body = json!({"id": new_id(), "why": why});
        self.act(&path(bulletin, what), &body, |id| format!("{said} {id}.")).map_err(|e| unknown(e, bulletin))
    }

    /// An act about a bulletin, under somebody's own name.
    fn act(&self, path: &str, body: &Value, said: impl Fn(&str) -> String) -> Done {
        self.named()?;
        let b = self.ask("POST", path, Some(body))?;
        self.done(&b, &said(&text(&b["notice"])));
        Ok(())
    }
}

/// A marking as `show` says it.
fn marking(text: &str) -> Result<Value, String> {
    let m: Value = serde_json::from_str(text).map_err(|e| format!("no JSON: {e}"))?;
    if m["tlp"].is_string() { Ok(m) } else { Err("it says no tlp".into()) }
}

fn path(bulletin: &str, what: &str) -> String {
    format!("/bulletins/{}{what}", escaped(bulletin))
}

fn unknown(e: Stop, bulletin: &str) -> Stop {
    known(e, || format!("there is no bulletin '{bulletin}' that you may see"))
}

fn content(file: &Path) -> Result<Value, Stop> {
    serde_json::from_str(&read(file)?).map_err(|e| Stop::Refused(format!("{}: no JSON: {e}", file.display())))
}

fn row(b: &Value) -> Vec<String> {
    let waits = match b["waiting"]["by_name"].as_str() {
        _ if b["correction"]["draft"] == true => "correction was sent back".into(),
        Some(_) => format!("written by {} at {}", text(&b["waiting"]["by_name"]), text(&b["waiting"]["at"])),
        None => "-".into(),
    };
    vec![
        text(&b["notice"]),
        text(&b["step"]),
        b["version"].to_string(),
        text(&b["content"]["level"]),
        text(&b["proposed_by_name"]),
        waits,
        text(&b["content"]["title"]),
    ]
}

/// A bulletin as people read it.
fn shown(b: &Value) -> String {
    let mut rows = vec![
        ("id", text(&b["notice"])),
        ("step", format!("{}, version {}", text(&b["step"]), b["version"])),
        ("proposed by", format!("{} at {}", text(&b["proposed_by_name"]), text(&b["proposed_at"]))),
    ];
    for (key, label) in [("issued_by_name", "written by"), ("approved_by_name", "approved by")] {
        rows.extend(b[key].as_str().map(|_| (label, text(&b[key]))));
    }
    if b["unseen"].is_object() {
        let strictest = b["unseen"]["marking"]["tlp"].as_str().map(|m| format!(", {m} at the strictest"));
        let unseen = format!("{} of what it rests on{}", b["unseen"]["count"], strictest.unwrap_or_default());
        rows.push(("not seen by them", unseen));
    }
    rows.extend(b["break_glass"].as_str().map(|_| ("no second person", text(&b["break_glass"]))));
    rows.extend(b["why"].as_str().filter(|w| !w.is_empty()).map(|_| ("why", text(&b["why"]))));
    rows.extend(b["number"].as_str().map(|_| ("number", text(&b["number"]))));
    rows.extend(said(&b["content"]));
    if b["step"] == "draft" {
        rows.push(("draft", format!("write on at it, or submit it, with --read {}", text(&b["proposed_at"]))));
    }
    if b["step"] == "issued" {
        let written = if b["correction"].is_object() { &b["correction"]["at"] } else { &b["at"] };
        rows.push(("correct", format!("correct it with --read {}", text(written))));
    }
    rows.extend(rests_on(&b["basis"]));
    for c in list(&b["comments"]) {
        let by = text(&b["names"][c["by"].as_str().unwrap_or_default()]);
        let deed = if c["returned"] == true { "sent it back" } else { "said" };
        rows.push(("comment", format!("{by} {deed} at {}: {}", text(&c["at"]), text(&c["text"]))));
    }
    if b["waiting"].is_object() {
        let w = &b["waiting"];
        rows.push(("", String::new()));
        let unseen = b["basis"]["hidden"].as_u64().filter(|n| *n > 0);
        let unseen = unseen.map(|n| {
            let marking = Some(&b["basis"]["hidden_marking"]).filter(|m| m.is_object());
            let marking = marking.map(|m| format!(" --unseen-marking '{m}'")).unwrap_or_default();
            format!(" --unseen {n}{marking}, without having seen so many")
        });
        let unseen = unseen.unwrap_or_default();
        let how = format!("written by {}; approve it with --read {}{unseen}", text(&w["by_name"]), text(&w["at"]));
        rows.push(("waits", how));
        rows.extend(w["why"].as_str().filter(|w| !w.is_empty()).map(|_| ("why", text(&w["why"]))));
        if w["content"] != b["content"] {
            rows.extend(said(&w["content"]));
        }
    }
    let rows: Vec<Vec<String>> = rows.into_iter().map(|(k, v)| vec![k.to_owned(), v]).collect();
    table(&[], &rows)
}

/// What it rests on, line by line.
fn rests_on(basis: &Value) -> Vec<(&'static str, String)> {
    let one = |i: &Value| {
        let graded = |g: &Value| format!(", {}{}", text(&g["reliability"]), g["credibility"]);
        let grade = if i["grade"].is_object() { graded(&i["grade"]) } else { String::new() };
        let marking = i["marking"]["tlp"].as_str().map(|m| format!(", {m}")).unwrap_or_default();
        format!("{} {}{grade}{marking}: {}", text(&i["link"]["to"]), text(&i["link"]["id"]), text(&i["title"]))
    };
    let mut rows: Vec<(&str, String)> = list(&basis["items"]).iter().map(|i| ("rests on", one(i))).collect();
    if basis["hidden"].as_u64().is_some_and(|n| n > 0) {
        let strictest = basis["hidden_marking"]["tlp"].as_str().map(|m| format!(", {m} at the strictest"));
        let words = format!("{} more that you may not see{}", basis["hidden"], strictest.unwrap_or_default());
        rows.push(("rests on", words));
    }
    if basis["wider"] == true {
        let strictest = text(&basis["marking"]["tlp"]);
        rows.push(("release", format!("it is marked less strictly than what it rests on ({strictest})")));
    }
    rows
}

/// What a content says, line by line.
fn said(c: &Value) -> Vec<(&'static str, String)> {
    let marking = format!("{} {}", text(&c["marking"]["tlp"]), words_of(&c["marking"]["releasable_to"]));
    let mut rows = vec![
        ("title", text(&c["title"])),
        ("level", text(&c["level"])),
        ("marking", marking.trim_end().to_owned()),
        ("valid until", text(&c["expires_at"])),
        ("for", list(&c["audience"]).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
    ];
    let why = c["sheet"]["release_why"].as_str().filter(|w| !w.is_empty());
    rows.extend(why.map(|w| ("released", text(&json!(w)))));
    // A table's line is one line: the text's own lines follow one another.
    let lines = c["text"].as_str().unwrap_or_default().lines().enumerate();
    rows.extend(lines.map(|(k, line)| (if k == 0 { "text" } else { "" }, text(&json!(line)))));
    rows
}

/// A preview as people read it.
fn preview(p: &Value) -> String {
    let mut out = vec![format!(
        "{} people; {} cannot be reached now; {} may not see it.",
        p["people"], p["unreachable"], p["not_releasable"]
    )];
    let counts = |items: &Value, name: &str| {
        let one = |i: &Value| format!("{} {}", text(&i[name]), i["people"]);
        list(items).iter().map(one).collect::<Vec<_>>().join(", ")
    };
    out.push(format!("By rule: {}.", counts(&p["rules"], "rule")));
    out.push(format!("By agency: {}.", counts(&p["agencies"], "name")));
    if !list(&p["left_out"]).is_empty() {
        out.push(format!("Not shown to you, since they tell where people are: {}.", words_of(&p["left_out"])));
    }
    let rows: Vec<Vec<String>> = list(&p["sample"])
        .iter()
        .map(|s| ["id", "name", "unit_name", "rule", "why_not"].map(|k| text(&s[k])).to_vec())
        .collect();
    if !rows.is_empty() {
        out.push(table(&["ID", "NAME", "UNIT", "RULE", "WHY NOT"], &rows));
    }
    out.join("\n")
}
