//! `skypicket search`: find sightings, reports, bulletins and warnings from the command line of the centre's own machine.

use crate::{
    cli::End,
    people_command::{Done, Where, end, escaped, text},
};
use clap::Args;
use serde_json::Value;
use std::fmt::Write as _;

/// `search`.
#[derive(Debug, Args)]
pub struct SearchArgs {
    #[command(flatten)]
    at: Where,
    /// Words: all of them must be there; `"so and so"` is a phrase; after `--`, `-so` must not be there
    words: Vec<String>,
    /// Only of these kinds: sighting, report, bulletin, warning
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<String>,
    /// Near this place, degrees
    #[arg(long, value_name = "LAT,LON", requires = "within", allow_hyphen_values = true)]
    near: Option<String>,
    /// So far from it at most, metres
    #[arg(long, value_name = "METRES", requires = "near")]
    within: Option<f64>,
    /// What goes on at or after this time (UTC, RFC 3339)
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// What goes on at or before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only reports whose source is at least so reliable: A to F
    #[arg(long, value_name = "LETTER")]
    reliability: Option<String>,
    /// Only reports at least so credible: 1 to 6
    #[arg(long, value_name = "NUMBER")]
    credibility: Option<u8>,
    /// Those first that say the words most, instead of the newest
    #[arg(long)]
    best: bool,
    /// How many at most
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
}

/// `skypicket search`.
pub fn run(args: &SearchArgs) -> End {
    end(args.find())
}

impl SearchArgs {
    fn find(&self) -> Done {
        let mut path = format!("/search?q={}&limit={}", escaped(&self.words.join(" ")), self.limit.clamp(1, 200));
        let mut add = |key: &str, value: &str| {
            let _ = write!(path, "&{key}={}", escaped(value));
        };
        if !self.kind.is_empty() {
            add("kind", &self.kind.join(","));
        }
        for (key, value) in [
            ("near", &self.near),
            ("within_m", &self.within.map(|m| m.to_string())),
            ("from", &self.from),
            ("until", &self.until),
            ("reliability", &self.reliability),
            ("credibility", &self.credibility.map(|c| c.to_string())),
        ] {
            if let Some(value) = value {
                add(key, value);
            }
        }
        if self.best {
            add("order", "best");
        }
        let found = self.at.by_role("watch").get(&path)?;
        let items = found["items"].as_array().cloned().unwrap_or_default();
        let heads = ["KIND", "ID", "STATE", "GRADE", "MARKING", "FROM", "WHAT"];
        self.at.table(&items, &heads, row, "Nothing that you may see fits.");
        Ok(())
    }
}

fn row(hit: &Value) -> Vec<String> {
    let grade = match &hit["grade"] {
        Value::Object(g) => format!("{}{}", text(&g["reliability"]), g["credibility"]),
        _ => "-".into(),
    };
    let number = hit["number"].as_str().map(|n| format!("{n} ")).unwrap_or_default();
    let head = match hit["kind"].as_str() {
        Some("sighting") => text(&hit["person_name"]),
        _ => text(&hit["title"]),
    };
    vec![
        text(&hit["kind"]),
        text(&hit["id"]),
        text(&hit["state"]),
        grade,
        text(&hit["marking"]["tlp"]),
        text(&hit["from"]),
        format!("{number}{head}: {}", text(&hit["snippet"])),
    ]
}
