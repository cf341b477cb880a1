//! `skypicket simulate`: writes an evaluation scene, as a measurement file for a tracker and a truth file for the score.

use crate::cli::{End, SimulateArgs, say};
use skypicket_sim::scene::{Arrival, Family, Request, Scene, SceneError, make};
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

/// Runs the command.
pub fn run(args: &SimulateArgs) -> End {
    let Ok(family) = args.scene.parse::<Family>() else {
        let known: Vec<String> = Family::ALL.iter().map(|f| format!("f{} ({})", f.number(), f.name())).collect();
        return End::usage(format!("there is no scene '{}': give {}", args.scene, known.join(", ")));
    };
    let request =
        Request { family, seed: args.seed, targets: args.targets, duration_s: args.duration, grow: args.grow };
    if let Err(e) = request.check() {
        return End::usage(e.to_string());
    }
    let stem = request.file_stem();
    let [measurements, truth] = ["meas", "truth"].map(|part| args.out.join(format!("{stem}.{part}.jsonl")));
    if !args.force {
        for file in [&measurements, &truth] {
            if file.exists() {
                return End::refused(Some(format!("{} is there already; --force writes it anew", file.display())));
            }
        }
    }
    let scene = match make(&request) {
        Ok(scene) => scene,
        Err(e) => return End::usage(e.to_string()),
    };
    let written = fs::create_dir_all(&args.out)
        .map_err(SceneError::from)
        .and_then(|()| whole(&measurements, |out| scene.write_measurements(out).map(drop)))
        .and_then(|()| whole(&truth, |out| scene.write_truth(out).map(drop)));
    if let Err(e) = written {
        return End::could_not(format!("{}: {e}", args.out.display()));
    }
    say(&summary(&scene, &measurements, &truth).to_string());
    End::OK
}

/// Writes a file under another name first: whoever reads it finds all of it or nothing.
pub(crate) fn whole(
    file: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<(), SceneError>,
) -> Result<(), SceneError> {
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let done = File::create(&part)
        .map_err(SceneError::from)
        .and_then(|f| write(&mut BufWriter::with_capacity(1 << 20, f)))
        .and_then(|()| fs::rename(&part, file).map_err(SceneError::from));
    if done.is_err() {
        let _ = fs::remove_file(&part);
    }
    done
}

fn summary(scene: &Scene, measurements: &Path, truth: &Path) -> serde_json::Value {
    let scans = scene.arrivals.iter().filter(|a| matches!(a, Arrival::Scan(_))).count();
    serde_json::json!({
        "meas": measurements.display().to_string(),
        "truth": truth.display().to_string(),
        "measurements": scene.arrivals.len() - scans,
        "scans": scans,
        "targets": scene.targets(),
        "sensors": scene.header.sensors.len(),
        "duration_s": scene.header.t1,
    })
}
