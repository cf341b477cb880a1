//! `toy_tracks TRUTH SEED`: bad tracks of a scene on standard output, for a comparison of scores.
#![allow(clippy::unwrap_used)] // a tool of the tests: it may say what it found

use skypicket_sim::scene::{TrackWriter, read_truth};
use std::{env, fs::File, io::BufReader};

#[path = "../tests/it/toy.rs"]
mod toy;

fn main() {
    let args: Vec<String> = env::args().collect();
    let [_, truth, seed] = &args[..] else {
        eprintln!("toy_tracks TRUTH SEED");
        std::process::exit(2);
    };
    let truth = read_truth(BufReader::new(File::open(truth).unwrap()), false).unwrap();
    let mut out = TrackWriter::new(std::io::stdout().lock());
    for line in toy::tracks(&truth, seed.parse().unwrap()) {
        out.write(&line).unwrap();
    }
    drop(out.finish().unwrap());
}
