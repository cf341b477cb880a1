//! `skypicket track`: follows a measurement file and writes what tracks it makes of it.

use crate::{
    cli::{End, TrackArgs},
    decode::open,
};
use skypicket_sim::{
    follow::{FollowError, Followed, follow},
    scene::{MeasurementFile, SceneError},
};
use skypicket_track::sky::Settings;
use std::io::{self, BufWriter};

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

fn said(name: &str, done: &Followed) -> End {
    if done.sightings > 0 {
        eprintln!(
            "skypicket: {name}: {} sightings of people were passed over: tracks do not use them yet",
            done.sightings
        );
    }
    if done.left_out.all() > 0 {
        eprintln!(
            "skypicket: {name}: {} scans and plots were left out: too late, too many, or with numbers that nothing measures",
            done.left_out.all()
        );
    }
    match done.bad_lines {
        0 => End::OK,
        1 => End::refused(Some(format!("{name}: 1 line could not be read; the rest was followed"))),
        n => End::refused(Some(format!("{name}: {n} lines could not be read; the rest was followed"))),
    }
}
