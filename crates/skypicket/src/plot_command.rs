//! `skypicket plot`: pictures of evaluation scenes and of benches, as SVG.

use crate::{
    cli::{End, PlotCommand, PlotCourseArgs, PlotGrowthArgs, PlotSceneArgs, say},
    decode::open,
    score_command::refused,
    simulate_command::whole,
};
use skypicket_sim::{
    plot::{Detail, Growth, Level, course_plot, growth_plot, scene_plot},
    scene::{Arrival, Header, MeasurementFile, SceneError, Tracks, Truth, read_tracks, read_truth},
    score::{Rules, score},
};
use std::{
    io::{BufRead, Read},
    path::Path,
};

/// Longest table of a bench, bytes.
const MOST_TABLE: u64 = 1 << 20;
/// Dearest measurement that is drawn, nanoseconds: a quarter of an hour.
const MOST_NS: f64 = 1e12;

/// Runs the command.
pub fn run(command: &PlotCommand) -> End {
    let (drawn, out) = match command {
        PlotCommand::Scene(args) => (scene(args), &args.out),
        PlotCommand::Course(args) => (course(args), &args.out),
        PlotCommand::Growth(args) => (growth(args), &args.out),
    };
    let picture = match drawn {
        Ok(picture) => picture,
        Err(end) => return end,
    };
    match whole(out, |to| Ok(to.write_all(picture.as_bytes())?)) {
        Ok(()) => {
            say(&serde_json::json!({ "svg": out.display().to_string(), "bytes": picture.len() }).to_string());
            End::OK
        }
        Err(e) => End::could_not(format!("{}: {e}", out.display())),
    }
}

/// Reads a file, or says how the command ends.
fn read<T>(file: &Path, with: impl FnOnce(Box<dyn BufRead>) -> Result<T, SceneError>) -> Result<T, End> {
    open(Some(file)).map_err(SceneError::from).and_then(with).map_err(|e| refused(file, &e))
}

/// A whole measurement file; one bad line refuses it, since a picture cannot say what is not in it.
pub(crate) fn measurements(file: &Path) -> Result<(Header, Vec<Arrival>), End> {
    read(file, |input| {
        let mut file = MeasurementFile::open(input)?;
        let header = file.header().clone();
        let arrivals = file.by_ref().collect::<Result<Vec<Arrival>, SceneError>>()?;
        Ok((header, arrivals))
    })
}

fn pair(truth: &Path, tracks: &Path) -> Result<(Truth, Tracks), End> {
    let truth = read(truth, |input| read_truth(input, false))?;
    let tracks = read(tracks, |input| read_tracks(input, truth.header.origin))?;
    Ok((truth, tracks))
}

/// A number that a picture can be made with.
fn fit(name: &str, value: Option<f64>, low: f64, high: f64) -> Result<(), End> {
    match value {
        Some(x) if !(x >= low && x <= high) => Err(End::usage(format!("{name} {x}: give {low} to {high}"))),
        _ => Ok(()),
    }
}

fn scene(args: &PlotSceneArgs) -> Result<String, End> {
    fit("--at", args.at, -1e9, 1e9)?;
    fit("--side", args.side, 10.0, 1e6)?;
    fit("--span", args.span, 0.5, 3_600.0)?;
    let (header, arrivals) = measurements(&args.measurements)?;
    let (truth, tracks) = pair(&args.truth, &args.tracks)?;
    let title = args.title.clone().unwrap_or_else(|| named(&truth));
    let detail = Detail { at_s: args.at, side_m: args.side, span_s: args.span };
    Ok(scene_plot(&title, &header, &arrivals, &truth, &tracks, &detail))
}

fn named(truth: &Truth) -> String {
    let known = |x: Option<u64>| x.map_or_else(|| "-".to_owned(), |x| x.to_string());
    format!("Family {}, seed {}", known(truth.header.family.map(u64::from)), known(truth.header.seed))
}

fn course(args: &PlotCourseArgs) -> Result<String, End> {
    let level = match args.level.as_deref().map(|l| l.split_once(',').map(|(m, name)| (m.parse::<f64>(), name))) {
        None => None,
        Some(Some((Ok(gospa), name))) if (0.0..=1e6).contains(&gospa) => Some(Level { gospa, name: name.to_owned() }),
        Some(_) => return Err(End::usage("--level: give metres and a name, as in 12.8,reference".to_owned())),
    };
    let mut runs = Vec::new();
    let mut title = None;
    // clap gives an even number: two for each `--run`.
    for files in args.run.chunks_exact(2) {
        let [truth, tracks] = files else { continue };
        let (truth, tracks) = pair(truth, tracks)?;
        let name = truth.header.seed.map_or_else(|| format!("run {}", runs.len() + 1), |seed| format!("seed {seed}"));
        title.get_or_insert_with(|| named(&truth));
        runs.push((name, score(&truth, &tracks, &Rules::default()).steps));
    }
    Ok(course_plot(&args.title.clone().or(title).unwrap_or_default(), &runs, level.as_ref()))
}

fn growth(args: &PlotGrowthArgs) -> Result<String, End> {
    fit("--within", Some(args.within), 1.0, 100.0)?;
    let text = read(&args.table, |input| {
        let mut text = String::new();
        input.take(MOST_TABLE + 1).read_to_string(&mut text)?;
        Ok(text)
    })?;
    let wrong = |why: &dyn std::fmt::Display| End::refused(format!("{}: {why}", args.table.display()));
    if text.len() as u64 > MOST_TABLE {
        return Err(wrong(&format_args!("more than {MOST_TABLE} bytes")));
    }
    let rows: Result<Vec<Growth>, _> = text.lines().map(serde_json::from_str).collect();
    let rows = rows.map_err(|e| wrong(&e))?;
    if rows.is_empty() {
        return Err(wrong(&"no line in it"));
    }
    if let Some(row) = rows.iter().find(|r| !(r.ns > 0.0 && r.ns <= MOST_NS)) {
        return Err(wrong(&format_args!("ns {}: above 0, at most {MOST_NS}", row.ns)));
    }
    Ok(growth_plot(args.title.as_deref().unwrap_or("What a measurement costs as the line grows"), &rows, args.within))
}
