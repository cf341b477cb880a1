//! `skypicket doctor`: what is wrong with a centre and what to do about it, in plain words, while it runs or not.
//!
//! [`facts`] are gathered, [`findings`] are what they say; the page *Health* and the command show the same.

mod facts;
mod findings;

pub use facts::{Facts, Listener, Standing};
pub use findings::{Finding, State, findings, worst};

use crate::{
    cli::{DoctorArgs, End, say},
    client::{Client, ClientError},
    config::Config,
    http::control::SOCKET,
};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Where the package puts the configuration.
const INSTALLED: &str = "/etc/skypicket/skypicket.toml";

/// Runs the command: 0 when nothing is bad, 1 when something is.
pub fn run(args: &DoctorArgs) -> End {
    let installed = Path::new(INSTALLED);
    // Without a word about where: the installed centre, unless there is a data folder here.
    let meant = args.data.is_none() && !Path::new("data").is_dir() && installed.exists();
    let file = args.config.as_deref().or(meant.then_some(installed));
    let (mut config, fault) = match Config::load(file) {
        Ok(c) => {
            let fault = c.directory().err().map(|e| e.to_string());
            (c, fault)
        }
        Err(e) => (Config::default(), Some(e.to_string())),
    };
    if let Some(d) = &args.data {
        config.data.clone_from(d);
    }
    let folder = folder(&config.data);
    let report = match from_centre(&folder) {
        Ok(Some(mut report)) => {
            if let Some(fault) = fault {
                prepend(&mut report, &configuration(&fault));
            }
            report
        }
        Ok(None) => match from_outside(&folder, &config, fault) {
            Ok(report) => report,
            Err(e) => return End::could_not(e),
        },
        Err(e) => return End::could_not(e),
    };
    if args.json {
        say(&report.to_string());
    } else {
        tell(&report);
    }
    let bad = items(&report).iter().any(|i| i["state"] == "bad");
    if bad { End::refused(None) } else { End::OK }
}

/// The folder of the centre that is meant: one that answers, else one that has a record, else the live one's.
fn folder(data: &Path) -> PathBuf {
    let mut all = vec![data.to_owned(), data.join("live")];
    let exercises = std::fs::read_dir(data).into_iter().flatten().flatten().map(|e| e.path());
    all.extend(exercises.filter(|p| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("exercise-"))));
    let answers = all.iter().find(|f| std::os::unix::net::UnixStream::connect(f.join(SOCKET)).is_ok());
    let has = all.iter().find(|f| f.join(skypicket_record::FILE_NAME).is_file());
    answers.or(has).cloned().unwrap_or_else(|| data.join("live"))
}

/// What a running centre says of itself; `None` when none runs here.
fn from_centre(folder: &Path) -> Result<Option<Value>, String> {
    let answer = match Client::new(folder, None).ask("GET", "/api/v1/doctor", None) {
        Ok(a) => a,
        Err(ClientError::NoCentre { error, .. }) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return Err(format!(
                "{}: {error}: run this as root, or as the user of the service (`sudo -u skypicket …`)",
                folder.display()
            ));
        }
        Err(ClientError::NoCentre { .. }) => return Ok(None),
        Err(e) => return Err(e.to_string()),
    };
    if let Some(problem) = answer.problem() {
        return Err(problem);
    }
    let mut report = answer.body;
    let running = report["software"].as_str().unwrap_or_default().to_owned();
    let mine = env!("CARGO_PKG_VERSION");
    if running != mine {
        prepend(
            &mut report,
            &Finding {
                check: "centre",
                state: State::Warn,
                says: format!("The running centre is Skypicket {running}, and this program is {mine}."),
                todo: Some("Start the centre again, so that what is installed is what runs.".into()),
            },
        );
    }
    Ok(Some(report))
}

fn from_outside(folder: &Path, config: &Config, fault: Option<String>) -> Result<Value, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let mut facts = runtime.map_err(|e| e.to_string())?.block_on(Facts::stopped(folder, config));
    facts.config = fault;
    Ok(report(&facts))
}

/// The answer of `GET /api/v1/doctor`, and of `--json`.
pub fn report(facts: &Facts) -> Value {
    let items = findings(facts);
    json!({
        "now": facts.now, "software": facts.software, "running": facts.running.is_some(), "worst": worst(&items),
        "items": items,
    })
}

fn configuration(fault: &str) -> Finding {
    Finding {
        check: "configuration",
        state: State::Bad,
        says: format!("The configuration is not fit: {fault}"),
        todo: Some("The centre runs with what it read at its start. Mend the file: the next start refuses it.".into()),
    }
}

/// Puts a line of this program's own in front of the centre's.
fn prepend(report: &mut Value, finding: &Finding) {
    let Ok(line) = serde_json::to_value(finding) else { return };
    if let Some(items) = report["items"].as_array_mut() {
        items.insert(0, line);
    }
    let worse = match (report["worst"].as_str(), finding.state) {
        (_, State::Bad) => "bad",
        (Some("ok"), State::Warn) => "warn",
        _ => return,
    };
    report["worst"] = worse.into();
}

fn items(report: &Value) -> &[Value] {
    report["items"].as_array().map_or(&[], Vec::as_slice)
}

/// For people: a line each, and what to do under it.
fn tell(report: &Value) {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let mut counts = [0; 3];
    for i in items(report) {
        let (k, mark) = match i["state"].as_str() {
            Some("ok") => (0, "ok  "),
            Some("warn") => (1, "warn"),
            _ => (2, "BAD "),
        };
        if let Some(c) = counts.get_mut(k) {
            *c += 1;
        }
        say(&format!("{mark}  {:<15} {}", text(&i["check"]).replace('_', " "), text(&i["says"])));
        if let Some(todo) = i["todo"].as_str() {
            say(&format!("{:21} -> {todo}", ""));
        }
    }
    let [ok, warn, bad] = counts;
    say(&format!("{bad} bad, {warn} to look at, {ok} ok"));
}
