//! `skypicket score`: how well a track file fits the truth; JSON on standard output, a table for people on standard error.

use crate::{
    cli::{End, ScoreArgs, say},
    decode::open,
    plot_command::measurements,
};
use serde::Serialize;
use skypicket_sim::{
    scene::{SceneError, read_tracks, read_truth},
    score::{Rules, Scores, Spoofs, score, spoofs},
};
use std::path::Path;

/// What is said: the scores, and beside them what is no part of the evaluation kit's.
#[derive(Serialize)]
struct Said {
    #[serde(flatten)]
    scores: Scores,
    #[serde(skip_serializing_if = "Option::is_none")]
    spoofs: Option<Spoofs>,
}

/// Runs the command.
pub fn run(args: &ScoreArgs) -> End {
    if args.truth == Path::new("-") && args.tracks == Path::new("-") {
        return End::usage("only one of the two files can be standard input");
    }
    for (name, value) in [("--cutoff", args.cutoff), ("--hold", args.hold)] {
        if !(value > 0.0 && value <= 1e6) {
            return End::usage(format!("{name} {value}: give a number above 0, at most 1000000"));
        }
    }
    let truth = match open(Some(&args.truth)).map_err(SceneError::from).and_then(|r| read_truth(r, args.meas.is_some()))
    {
        Ok(truth) => truth,
        Err(e) => return refused(&args.truth, &e),
    };
    let tracks = open(Some(&args.tracks)).map_err(SceneError::from);
    let tracks = match tracks.and_then(|r| read_tracks(r, truth.header.origin)) {
        Ok(tracks) => tracks,
        Err(e) => return refused(&args.tracks, &e),
    };
    if tracks.passed_over > 0 {
        eprintln!("skypicket: {} lines of {} are no track reports", tracks.passed_over, args.tracks.display());
    }
    let rules = Rules { cutoff_m: args.cutoff, hold_s: args.hold, ..Rules::default() };
    let spoofs = match args.meas.as_deref().map(measurements).transpose() {
        Ok(read) => read.and_then(|(header, arrivals)| spoofs(&header, &arrivals, &truth, &tracks, &rules)),
        Err(end) => return end,
    };
    let scored = score(&truth, &tracks, &rules);
    if !args.json {
        eprintln!("{}", scored.scores);
    }
    let steps = if args.over_time { scored.steps.iter().map(serde_json::to_string).collect() } else { Ok(Vec::new()) };
    let scores = if args.exact { scored.scores } else { scored.scores.rounded() };
    match steps.and_then(|steps| Ok((steps, serde_json::to_string(&Said { scores, spoofs })?))) {
        Ok((steps, line)) => {
            for step in &steps {
                say(step);
            }
            say(&line);
            End::OK
        }
        Err(e) => End::could_not(e),
    }
}

/// A file that cannot be read is another matter than one that says something wrong.
pub(crate) fn refused(file: &Path, e: &SceneError) -> End {
    match e {
        SceneError::Line { .. } => End::refused(Some(format!("{}: {e}", file.display()))),
        SceneError::Io(_) => End::could_not(e),
    }
}
