//! `skypicket track`: follows a measurement file and writes what tracks it makes of it.

use crate::{
    cli::{End, TrackArgs},
    decode::open,
};
use skypicket_sim::{
    follow::{FollowError, Followed, follow},
    scene::{MeasurementFile, SceneError},
};
use skypicket_track::sky::{Refused, Registration, Settings};
use std::{
    f64::consts::PI,
    io::{self, BufWriter},
};

/// Bad lines that are named one by one; beyond these they are counted.
const MOST_NAMED: u64 = 100;

/// Runs the command.
pub fn run(args: &TrackArgs) -> End {
    let name = if args.measurements.as_os_str() == "-" {
        "standard input".to_owned()
    } else {
        args.measurements.display().to_string()
    };
    let file = match open(Some(&args.measurements)).map_err(SceneError::from).and_then(MeasurementFile::open) {
        Ok(file) => file,
        Err(e @ SceneError::Line { .. }) => return End::refused(Some(format!("{name}: {e}"))),
        Err(SceneError::Io(e)) => return End::could_not(e),
    };
    let mut named = 0;
    let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let done = follow(file, Settings::default(), out, |e| {
        if named < MOST_NAMED {
            eprintln!("skypicket: {name}: {e}");
        } else if named == MOST_NAMED {
            eprintln!("skypicket: {name}: more bad lines follow");
        }
        named += 1;
    });
    match done {
        Ok(done) => said(&name, &done),
        Err(FollowError::Unfit(e)) => End::refused(Some(format!("{name}: {e}"))),
        // Whoever reads has seen enough.
        Err(FollowError::Io(e)) if e.kind() == io::ErrorKind::BrokenPipe => End::OK,
        Err(FollowError::Io(e)) => End::could_not(format!("{name}: {e}")),
    }
}

/// How far a sensor is off, in words.
fn off(sensor: &str, known: &Registration) -> String {
    let parts = [
        ("range", 1.0, " m", 1),
        ("azimuth", 180.0 / PI, "°", 2),
        ("elevation", 180.0 / PI, "°", 2),
        ("clock", 1.0, " s", 2),
    ];
    let said: Vec<String> = parts
        .iter()
        .enumerate()
        .filter_map(|(k, (what, unit, sign, digits))| {
            let (off, var) = known.sure(k);
            let sigma = var.sqrt() * unit;
            (var > 0.0).then(|| format!("{what} {:+.digits$}{sign} ± {sigma:.digits$}{sign}", off * unit))
        })
        .collect();
    let what = if known.is_applied() { "this was put right" } else { "too much to be put right: see to it" };
    format!(
        "{sensor} is off by {} (from {} looks at things that say where they are): {what}",
        said.join(", "),
        known.rests_on
    )
}

fn said(name: &str, done: &Followed) -> End {
    for (sensor, known) in &done.off {
        eprintln!("skypicket: {name}: {}", off(sensor, known));
    }
    let mut wrong = Vec::new();
    match done.bad_lines {
        0 => {}
        1 => wrong.push("1 line could not be read".to_owned()),
        n => wrong.push(format!("{n} lines could not be read")),
    }
    let Refused { unknown, late, unfit, many } = done.left_out;
    if done.left_out.all() > 0 {
        let why: Vec<String> = [
            (late, "too late"),
            (many, "too many at a time"),
            (unfit, "with numbers that nothing measures"),
            (unknown, "of no sensor or time that can be"),
        ]
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, why)| format!("{n} {why}"))
        .collect();
        wrong.push(format!("{} looks and measurements were left out: {}", done.left_out.all(), why.join(", ")));
    }
    if wrong.is_empty() {
        End::OK
    } else {
        End::refused(Some(format!("{name}: {}; the rest was followed", wrong.join("; "))))
    }
}
