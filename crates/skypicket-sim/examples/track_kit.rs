//! What `skypicket track` does, without the rest of the program: measurements on standard input, tracks on standard
//! output. For trying changes of the tracker quickly.

use skypicket_sim::{follow::follow, scene::MeasurementFile};
use skypicket_track::sky::Settings;
use std::io::{BufWriter, stdin, stdout};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = MeasurementFile::open(stdin().lock())?;
    let done = follow(file, Settings::default(), BufWriter::new(stdout().lock()), |e| eprintln!("{e}"))?;
    eprintln!("{done:?}");
    Ok(())
}
