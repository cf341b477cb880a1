//! The fuzz targets at full speed: `fuzz_fast TARGET EXECUTIONS [SEED [THREADS]]`.
//!
//! No counters of coverage, so it finds its way no better than chance from the checked-in corpus; but some hundred times
//! as many inputs a second. The same seed gives the same inputs. A broken input is written to `target/fuzz/artifacts`
//! and named, and the exit status is 1. Build it with `--profile bench` or `--release`: overflow checks stay on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::large_types_passed_by_value,
    unreachable_pub,
    reason = "a tool for developers; the checks are the fuzzer's"
)]

#[path = "../../../fuzz/src/lib.rs"]
#[allow(dead_code, reason = "what makes the corpora is of no use here")]
mod checks;

use std::{panic, path::Path, process::ExitCode, thread, time::Instant};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let target = args.first().map_or("", String::as_str);
    let number = |k: usize, default: u64| args.get(k).map_or(Some(default), |a| a.parse().ok());
    let known = checks::TARGETS.iter().find(|(name, _)| *name == target);
    let (Some((name, check)), Some(executions), Some(seed), Some(threads)) =
        (known, number(1, 1_000_000), number(2, 1), number(3, 1))
    else {
        let names: Vec<_> = checks::TARGETS.iter().map(|t| t.0).collect();
        println!("fuzz_fast TARGET EXECUTIONS [SEED [THREADS]], a target of: {}", names.join(", "));
        return ExitCode::from(2);
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut seeds: Vec<_> = std::fs::read_dir(root.join("fuzz/corpus").join(name))
        .expect("a corpus of the target")
        .map(|f| std::fs::read(f.unwrap().path()).unwrap())
        .collect();
    seeds.sort();
    // A panic is reported once, by the thread whose input it was.
    panic::set_hook(Box::new(|_| {}));
    let started = Instant::now();
    let workers: Vec<_> = (0..threads)
        .map(|k| {
            let (seeds, check) = (seeds.clone(), *check);
            let share = executions / threads + u64::from(k < executions % threads);
            thread::spawn(move || run(&seeds, check, share, seed ^ k << 48))
        })
        .collect();
    let broken: Vec<_> = workers.into_iter().filter_map(|w| w.join().expect("workers catch panics")).collect();
    let seconds = started.elapsed().as_secs_f64();
    for (n, bytes) in broken.iter().enumerate() {
        let folder = root.join("target/fuzz/artifacts").join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(format!("fast-{seed}-{n}"));
        std::fs::write(&file, bytes).unwrap();
        println!("{name} is broken by {}", file.display());
    }
    if !broken.is_empty() {
        return ExitCode::FAILURE;
    }
    println!("{name}: {executions} executions clean in {seconds:.0} s, {:.0} a second", executions as f64 / seconds);
    ExitCode::SUCCESS
}

/// Runs so many inputs; the first that breaks the check is given back.
fn run(seeds: &[Vec<u8>], check: checks::Check, executions: u64, seed: u64) -> Option<Vec<u8>> {
    let mut random = Random(seed);
    let mut input = Vec::with_capacity(8_192);
    let mut done = 0;
    while done < executions {
        // One guard around many: a guard for each input would cost more than the check.
        let batch = (executions - done).min(10_000);
        let held = panic::catch_unwind(panic::AssertUnwindSafe(|| {
            for _ in 0..batch {
                make(&mut input, seeds, &mut random);
                check(&input);
            }
        }));
        if held.is_err() {
            return Some(input);
        }
        done += batch;
    }
    None
}

/// A mutation of a seed: bytes changed, cut, doubled or taken from another seed.
fn make(input: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    /// Bytes at which something changes.
    const EDGES: [u8; 8] = [0, 1, 0x7F, 0x80, 0xFF, 25, 0xF2, 0xDD];
    // Every 64th begins anew from a seed; the others go on from the last.
    if input.is_empty() || random.below(64) == 0 {
        input.clear();
        input.extend(&seeds[random.below(seeds.len())]);
    }
    for _ in 0..=random.below(4) {
        let at = random.below(input.len().max(1));
        match random.below(16) {
            0 => input.truncate(at),
            1 => {
                let other = &seeds[random.below(seeds.len())];
                let from = random.below(other.len().max(1));
                let end = (from + 1 + random.below(64)).min(other.len());
                input.truncate(2_048);
                input.splice(at.min(input.len())..at.min(input.len()), other[from.min(end)..end].iter().copied());
            }
            2..=5 => {
                if let Some(b) = input.get_mut(at) {
                    *b = EDGES[random.below(EDGES.len())];
                }
            }
            6..=9 => {
                if let Some(b) = input.get_mut(at) {
                    *b ^= 1 << random.below(8);
                }
            }
            _ => {
                if let Some(b) = input.get_mut(at) {
                    *b = random.next().to_le_bytes()[0];
                }
            }
        }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }
}
