//! [`Truth`]: what a scene really was, for the score and for nobody else; [`TruthWriter`] writes it.

use super::{
    Origin,
    lines::{self, Got, Lines, MOST_LINE, Problem, SceneError},
    measurements::write,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    io::{BufRead, Write},
};

/// Longest line of origins, bytes: some forty million measurements.
const MOST_ORIGINS: u64 = 256 << 20;
/// Most samples of a scene.
const MOST_SAMPLES: u64 = 50_000_000;

/// Head of a truth file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TruthHeader {
    /// Of the format.
    #[serde(default)]
    pub version: String,
    /// Of scenes.
    #[serde(default)]
    pub family: Option<u32>,
    /// That it was made from.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Of local metres.
    pub origin: Origin,
    /// Begin, seconds.
    pub t0: f64,
    /// End, seconds.
    pub t1: f64,
    /// 3, or 2 where heights do not count.
    #[serde(default = "three")]
    pub score_dims: usize,
    /// Senders of drones that are not there.
    #[serde(default)]
    pub spoofers: Vec<Spoofer>,
}

fn three() -> usize {
    3
}

/// A sender on the ground that claims to be a drone elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spoofer {
    /// As the origins name it.
    pub id: String,
    /// What it claims to be.
    pub claimed: Option<String>,
    /// Where it really stands, metres.
    pub emitter: [f64; 3],
}

/// When a target could first be known of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FirstDetection {
    /// The target.
    pub id: String,
    /// Seconds.
    pub t: f64,
    /// When that arrived, seconds.
    pub ta: f64,
}

/// Where a target is at a moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TruthSample {
    /// The target.
    pub id: Box<str>,
    /// Seconds.
    pub t: f64,
    /// Metres.
    pub p: [f64; 3],
    /// Metres a second.
    pub v: [f64; 3],
    /// Degrees, degrees, metres above the ellipsoid; not needed for the score.
    #[serde(default)]
    pub lla: Option<[f64; 3]>,
    /// drone, fpv, crewed, bird.
    pub cls: Box<str>,
    /// What it truly broadcasts, where it does.
    #[serde(default)]
    pub uas_id: Option<Box<str>>,
    /// How many sensors could fix it here.
    pub cov: u32,
    /// Neither to be found nor to be counted as false.
    #[serde(default)]
    pub ignore: bool,
}

/// One target's way.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Its name.
    pub id: Box<str>,
    /// drone, fpv, crewed, bird.
    pub cls: Box<str>,
    /// What it truly broadcasts.
    pub uas_id: Option<Box<str>>,
    /// Not scored.
    pub ignore: bool,
    /// Times, rising.
    pub t: Vec<f64>,
    /// Metres, at those times.
    pub p: Vec<[f64; 3]>,
    /// Metres a second.
    pub v: Vec<[f64; 3]>,
    /// Sensors that could fix it.
    pub cov: Vec<u32>,
}

/// Where a target is at some moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct At {
    /// Metres.
    pub p: [f64; 3],
    /// Metres a second.
    pub v: [f64; 3],
    /// At least one sensor could fix it.
    pub covered: bool,
}

impl Target {
    /// Between the samples by straight lines; covered as the sample before says. `None` outside its life.
    pub fn at(&self, t: f64) -> Option<At> {
        let (first, last) = (*self.t.first()?, *self.t.last()?);
        if t < first - 1e-9 || t > last + 1e-9 {
            return None;
        }
        let most = self.t.len().saturating_sub(2);
        let i = self.t.partition_point(|x| *x <= t).saturating_sub(1).min(most);
        let (p, v, covered) = (*self.p.get(i)?, *self.v.get(i)?, *self.cov.get(i)? > 0);
        let Some(((q, w), next)) = self.p.get(i + 1).zip(self.v.get(i + 1)).zip(self.t.get(i + 1)) else {
            return Some(At { p, v, covered });
        };
        let f = (t - self.t.get(i)?) / (next - self.t.get(i)?).max(1e-9);
        let mix = |a: [f64; 3], b: [f64; 3]| std::array::from_fn(|k| a[k] * (1.0 - f) + b[k] * f);
        Some(At { p: mix(p, *q), v: mix(v, *w), covered })
    }
}

/// From which target each measurement came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    /// By the measurement's `seq`; `None` is clutter, or the end of a look.
    pub by_seq: Vec<Option<Box<str>>>,
}

/// A whole truth file.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// The head.
    pub header: TruthHeader,
    /// When each target could first be known of.
    pub first: Vec<FirstDetection>,
    /// The targets, as they appear.
    pub targets: Vec<Target>,
    /// Only where it was asked for, and is in the file.
    pub origins: Option<Origins>,
}

/// Reads a truth file, all of it or nothing. The origins are long and no score needs them.
pub fn read_truth(input: impl BufRead, with_origins: bool) -> Result<Truth, SceneError> {
    let mut lines = Lines::new(input);
    let header: TruthHeader = lines::head(&mut lines, "truth_header")?;
    check_head(&header).map_err(|p| lines.refuse(p))?;
    let mut truth = Truth { header, first: Vec::new(), targets: Vec::new(), origins: None };
    let mut by_id: HashMap<Box<str>, usize> = HashMap::new();
    let mut samples = 0;
    loop {
        match lines.next(MOST_LINE)? {
            Got::End => break,
            Got::TooLong if lines.bytes().starts_with(br#"{"type":"origin""#) => {
                if !with_origins {
                    lines.skip()?;
                    continue;
                }
                if lines.more(MOST_ORIGINS)? == Got::TooLong {
                    return Err(lines.refuse(Problem::TooLong(MOST_ORIGINS)));
                }
                truth.origins = Some(origins(&lines)?);
            }
            Got::TooLong => return Err(lines.refuse(Problem::TooLong(MOST_LINE))),
            Got::Line => match &*lines.kind()? {
                "truth" => {
                    samples += 1;
                    if samples > MOST_SAMPLES {
                        return Err(lines.refuse(Problem::TooMany(MOST_SAMPLES)));
                    }
                    let s: TruthSample = lines.parse()?;
                    check_sample(&s).map_err(|p| lines.refuse(p))?;
                    add(&mut truth.targets, &mut by_id, s);
                }
                "first_det" => {
                    let f: FirstDetection = lines.parse()?;
                    lines::name("id", &f.id)
                        .and_then(|()| lines::time("t", f.t))
                        .and_then(|()| lines::time("ta", f.ta))
                        .map_err(|p| lines.refuse(p))?;
                    truth.first.push(f);
                }
                "origin" => {
                    if with_origins {
                        truth.origins = Some(origins(&lines)?);
                    }
                }
                found => {
                    let found = found.chars().take(40).collect();
                    return Err(lines.refuse(Problem::Type { found, wanted: "truth, first_det or origin" }));
                }
            },
        }
    }
    for target in &mut truth.targets {
        sort(target);
    }
    Ok(truth)
}

fn check_head(h: &TruthHeader) -> Result<(), Problem> {
    lines::place(h.origin.lat, h.origin.lon, h.origin.h)?;
    lines::time("t0", h.t0)?;
    lines::time("t1", h.t1)?;
    // One step of the score a second: a day of it is a scene, a year is a slip of the pen.
    lines::within("t1 - t0", h.t1 - h.t0, 0.0, 1e6)?;
    if (2..=3).contains(&h.score_dims) {
        Ok(())
    } else {
        Err(Problem::value("score_dims", format!("{} is not 2 or 3", h.score_dims)))
    }
}

fn check_sample(s: &TruthSample) -> Result<(), Problem> {
    lines::name("id", &s.id)?;
    lines::time("t", s.t)?;
    lines::vector("p", &s.p)?;
    lines::vector("v", &s.v)
}

fn origins<R: BufRead>(lines: &Lines<R>) -> Result<Origins, SceneError> {
    #[derive(Deserialize)]
    struct Raw {
        by_seq: Vec<Option<Box<str>>>,
    }
    lines.parse::<Raw>().map(|raw| Origins { by_seq: raw.by_seq })
}

fn add(targets: &mut Vec<Target>, by_id: &mut HashMap<Box<str>, usize>, s: TruthSample) {
    let k = *by_id.entry(s.id.clone()).or_insert_with(|| {
        targets.push(Target {
            id: s.id,
            cls: s.cls,
            uas_id: s.uas_id,
            ignore: s.ignore,
            t: Vec::new(),
            p: Vec::new(),
            v: Vec::new(),
            cov: Vec::new(),
        });
        targets.len() - 1
    });
    if let Some(t) = targets.get_mut(k) {
        t.t.push(s.t);
        t.p.push(s.p);
        t.v.push(s.v);
        t.cov.push(s.cov);
    }
}

fn sort(target: &mut Target) {
    if target.t.is_sorted() {
        return;
    }
    let mut order: Vec<usize> = (0..target.t.len()).collect();
    order.sort_by(|a, b| target.t[*a].total_cmp(&target.t[*b]));
    target.t = order.iter().map(|k| target.t[*k]).collect();
    target.p = order.iter().map(|k| target.p[*k]).collect();
    target.v = order.iter().map(|k| target.v[*k]).collect();
    target.cov = order.iter().map(|k| target.cov[*k]).collect();
}

/// Writes a truth file.
pub struct TruthWriter<W> {
    out: W,
}

impl<W: Write> TruthWriter<W> {
    /// Writes the head and the first detections.
    pub fn new(mut out: W, header: &TruthHeader, first: &[FirstDetection]) -> Result<Self, SceneError> {
        write(&mut out, "truth_header", header)?;
        for f in first {
            write(&mut out, "first_det", f)?;
        }
        Ok(Self { out })
    }

    /// Writes a moment of a target. In the order of time.
    pub fn write(&mut self, sample: &TruthSample) -> Result<(), SceneError> {
        write(&mut self.out, "truth", sample)
    }

    /// Writes the origins; all is written.
    pub fn finish<'a>(mut self, by_seq: impl Iterator<Item = Option<&'a str>>) -> Result<W, SceneError> {
        let io = |e: serde_json::Error| SceneError::Io(e.into());
        self.out.write_all(br#"{"type":"origin","by_seq":["#)?;
        for (k, origin) in by_seq.enumerate() {
            if k > 0 {
                self.out.write_all(b",")?;
            }
            serde_json::to_writer(&mut self.out, &origin).map_err(io)?;
        }
        self.out.write_all(b"]}\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}
