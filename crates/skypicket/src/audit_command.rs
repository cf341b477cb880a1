//! `skypicket audit`: who read what, as CSV or JSON lines, from the running centre.

use crate::{
    cli::{AuditArgs, End},
    client::Client,
    http::control::{ROLE, SOCKET},
};
use serde_json::Value;
use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// The columns of the CSV.
const COLUMNS: [&str; 12] = [
    "first",
    "last",
    "times",
    "by",
    "by_name",
    "deed",
    "what",
    "about",
    "everybody",
    "session",
    "recorded_at",
    "entry",
];

/// Runs the command.
pub fn run(args: &AuditArgs) -> End {
    let Some(folder) = folder(&args.data) else {
        return End::could_not(format!("no centre runs with the data folder {}", args.data.display()));
    };
    // No more than needed: an auditor, unless somebody is named.
    let acting = args.acting.clone().unwrap_or_else(|| format!("{ROLE}auditor"));
    let client = Client::new(&folder, Some(acting));
    let mut out = BufWriter::new(io::stdout().lock());
    match export(args, &client, &mut out) {
        Ok(()) => match out.flush() {
            Ok(()) => End::OK,
            Err(e) => broken(&e),
        },
        Err(Failure::Refused(why)) => End::refused(why),
        Err(Failure::Write(e)) => broken(&e),
        Err(Failure::NoAnswer(e)) => End::could_not(e),
    }
}

/// Whoever reads our output may stop reading: no fault.
fn broken(e: &io::Error) -> End {
    if e.kind() == io::ErrorKind::BrokenPipe { End::OK } else { End::could_not(e) }
}

/// Where a centre listens for commands: the folder itself, its live record, or the only exercise in it.
fn folder(data: &Path) -> Option<PathBuf> {
    let listens = |d: &PathBuf| d.join(SOCKET).exists();
    let live = [data.to_owned(), data.join("live")].into_iter().find(listens);
    live.or_else(|| {
        let mut found: Vec<PathBuf> =
            std::fs::read_dir(data).ok()?.filter_map(|e| Some(e.ok()?.path())).filter(listens).collect();
        if found.len() == 1 { found.pop() } else { None }
    })
}

enum Failure {
    Refused(String),
    NoAnswer(String),
    Write(io::Error),
}

fn export(args: &AuditArgs, client: &Client, out: &mut impl Write) -> Result<(), Failure> {
    let mut csv = (!args.json).then(|| csv::Writer::from_writer(Vec::new()));
    if let Some(w) = &mut csv {
        w.write_record(COLUMNS).map_err(|e| Failure::Write(e.into()))?;
    }
    let mut cursor: Option<String> = None;
    loop {
        let mut asked = vec![("limit", "500".to_owned())];
        let given = [
            ("person", &args.person),
            ("about", &args.about),
            ("deed", &args.deed),
            ("from", &args.from),
            ("until", &args.until),
            ("cursor", &cursor),
        ];
        asked.extend(given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))));
        let query: Vec<String> = asked.iter().map(|(n, v)| format!("{n}={}", encoded(v))).collect();
        let answer = client
            .ask("GET", &format!("/api/v1/audit?{}", query.join("&")), None)
            .map_err(|e| Failure::NoAnswer(e.to_string()))?;
        if let Some(problem) = answer.problem() {
            return Err(Failure::Refused(problem));
        }
        for row in answer.body["items"].as_array().into_iter().flatten() {
            match &mut csv {
                None => writeln!(out, "{row}").map_err(Failure::Write)?,
                Some(w) => w.write_record(columns(row)).map_err(|e| Failure::Write(e.into()))?,
            }
        }
        // Page by page, so that any length goes through.
        if let Some(w) = &mut csv {
            w.flush().map_err(Failure::Write)?;
            out.write_all(w.get_ref()).map_err(Failure::Write)?;
            *w = csv::Writer::from_writer(Vec::new());
        }
        cursor = answer.body["next"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// Percent-encoded for a query (RFC 3986, section 2.3: all but the unreserved).
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect()
}

fn columns(row: &Value) -> [String; COLUMNS.len()] {
    let text = |v: &Value| match v {
        Value::Null => String::new(),
        Value::String(s) => guarded(s),
        other => other.to_string(),
    };
    let about = row["about"].as_array().into_iter().flatten().filter_map(|p| p["id"].as_str()).collect::<Vec<_>>();
    COLUMNS.map(|name| match name {
        "by" => text(&row["by"]["id"]),
        "by_name" => text(&row["by"]["name"]),
        "about" => about.join(" "),
        name => text(&row[name]),
    })
}

/// A spreadsheet takes what begins like a formula for one: names that people choose must not.
fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_of_csv_has_each_column_and_no_formula() {
        let row = json!({
            "entry": 7, "recorded_at": "r", "by": {"id": "a", "name": "=cmd|x"}, "deed": "read_positions",
            "what": "GET /api/v1/people", "about": [{"id": "b", "name": "B"}, {"id": "c", "name": "C"}], "everybody": false,
            "session": null, "first": "f", "last": "l", "times": 3,
        });
        let expected =
            ["f", "l", "3", "a", "'=cmd|x", "read_positions", "GET /api/v1/people", "b c", "false", "", "r", "7"];
        assert_eq!(columns(&row), expected.map(str::to_owned));
        assert_eq!(encoded("2026-11-26T15:00:00+02:00"), "2026-11-26T15%3A00%3A00%2B02%3A00");
    }
}
