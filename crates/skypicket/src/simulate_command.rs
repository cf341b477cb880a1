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
        .and_then(|f| {
            let mut out = BufWriter::with_capacity(1 << 20, f);
            write(&mut out)?;
            // Dropped, it would not say that the disk is full.
            Ok(out.flush()?)
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_written_to_the_end_is_not_there() {
        let dir = std::env::temp_dir().join(format!("skypicket-whole-{}", uuid::Uuid::now_v7()));
        fs::create_dir(&dir).unwrap();
        let file = dir.join("p.svg");
        // A disk without room.
        std::os::unix::fs::symlink("/dev/full", dir.join("p.svg.part")).unwrap();
        let written = whole(&file, |out| Ok(out.write_all(b"a few bytes, which wait in memory for more")?));
        assert!(matches!(written, Err(SceneError::Io(_))), "{written:?}");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0, "nothing is left of it");
        whole(&file, |out| Ok(out.write_all(b"all of it")?)).unwrap();
        assert_eq!((fs::read(&file).unwrap(), fs::read_dir(&dir).unwrap().count()), (b"all of it".to_vec(), 1));
        fs::remove_dir_all(&dir).unwrap();
    }
}
