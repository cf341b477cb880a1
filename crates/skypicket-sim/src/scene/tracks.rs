//! [`TrackLine`]: what a tracker says of one of its tracks, and when it said so.

use super::{
    Origin,
    lines::{self, Got, Lines, MOST_LINE, Problem, SceneError},
};
use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use std::{
    collections::HashMap,
    io::{BufRead, Write},
};

/// Most lines of a track file.
const MOST_LINES: u64 = 50_000_000;

/// How far a track is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It may be nothing.
    Tentative,
    /// There is something.
    #[default]
    Confirmed,
    /// It is over.
    Deleted,
}

/// One report of a track.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackLine {
    /// The track.
    pub id: Box<str>,
    /// When the state is so, seconds.
    pub t: f64,
    /// Arrival of what caused the report, and any waiting after it, seconds.
    pub ta: f64,
    /// Metres; may be unknown only where the track is deleted or tentative.
    pub p: Option<[f64; 3]>,
    /// Metres a second.
    pub v: [f64; 3],
    /// Position first: 3 × 3 or 6 × 6, row by row.
    pub cov: Option<Cov>,
    /// How far it is.
    pub state: State,
    /// Identity that it is thought to be.
    pub uas_id: Option<Box<str>>,
    /// Thought to be a spoof.
    pub suspect: bool,
}

/// A covariance.
#[derive(Debug, Clone, PartialEq)]
pub enum Cov {
    /// Of the position, m².
    Position([[f64; 3]; 3]),
    /// Of position and velocity.
    State(Box<[[f64; 6]; 6]>),
}

impl Cov {
    /// Of the position, m².
    pub fn position(&self) -> [[f64; 3]; 3] {
        match self {
            Self::Position(p) => *p,
            Self::State(s) => std::array::from_fn(|i| std::array::from_fn(|j| s[i][j])),
        }
    }
}

impl Serialize for Cov {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Position(p) => p.serialize(to),
            Self::State(s) => s.serialize(to),
        }
    }
}

impl Serialize for TrackLine {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(9))?;
        map.serialize_entry("t", &self.t)?;
        map.serialize_entry("ta", &self.ta)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("p", &self.p)?;
        map.serialize_entry("v", &self.v)?;
        map.serialize_entry("P", &self.cov)?;
        map.serialize_entry("state", &self.state)?;
        map.serialize_entry("uas_id", &self.uas_id)?;
        map.serialize_entry("suspect", &self.suspect)?;
        map.end()
    }
}

/// Writes a track file.
pub struct TrackWriter<W> {
    out: W,
}

impl<W: Write> TrackWriter<W> {
    /// Nothing is written yet: a track file has no head.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Writes a report.
    pub fn write(&mut self, line: &TrackLine) -> Result<(), SceneError> {
        serde_json::to_writer(&mut self.out, line).map_err(std::io::Error::from)?;
        self.out.write_all(b"\n")?;
        Ok(())
    }

    /// All is written.
    pub fn finish(mut self) -> Result<W, SceneError> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A whole track file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tracks {
    /// The reports of each track by the time they were made; the tracks as they appear.
    pub tracks: Vec<Vec<TrackLine>>,
    /// Lines that are not reports of tracks (another `type`, or no `id`), which may stand there.
    pub passed_over: u64,
}

/// A report as it stands in the file.
#[derive(Debug, Deserialize)]
struct Raw {
    #[serde(default)]
    id: Option<Value>,
    #[serde(default)]
    t: Option<f64>,
    #[serde(default)]
    ta: Option<f64>,
    #[serde(default)]
    p: Option<[f64; 3]>,
    #[serde(default)]
    lla: Option<[f64; 3]>,
    #[serde(default)]
    v: Option<[f64; 3]>,
    #[serde(default, rename = "P")]
    cov: Option<RawCov>,
    #[serde(default)]
    state: State,
    #[serde(default)]
    uas_id: Option<Box<str>>,
    #[serde(default)]
    suspect: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum RawCov {
    Flat(Vec<f64>),
    Rows(Vec<Vec<f64>>),
}

/// Reads a track file, all of it or nothing. Positions in degrees become metres of `origin`.
pub fn read_tracks(input: impl BufRead, origin: Origin) -> Result<Tracks, SceneError> {
    let frame = origin.frame();
    let mut lines = Lines::new(input);
    let mut tracks = Tracks::default();
    let mut by_id: HashMap<Box<str>, usize> = HashMap::new();
    let mut count = 0;
    loop {
        match lines.next(MOST_LINE)? {
            Got::End => break,
            Got::TooLong => return Err(lines.refuse(Problem::TooLong(MOST_LINE))),
            Got::Line => {}
        }
        count += 1;
        if count > MOST_LINES {
            return Err(lines.refuse(Problem::TooMany(MOST_LINES)));
        }
        let kind = lines.kind()?;
        if !matches!(&*kind, "" | "track") {
            tracks.passed_over += 1;
            continue;
        }
        let raw: Raw = lines.parse()?;
        let Some(line) = raw.check(&frame).map_err(|p| lines.refuse(p))? else {
            tracks.passed_over += 1;
            continue;
        };
        let k = *by_id.entry(line.id.clone()).or_insert_with(|| {
            tracks.tracks.push(Vec::new());
            tracks.tracks.len() - 1
        });
        if let Some(track) = tracks.tracks.get_mut(k) {
            track.push(line);
        }
    }
    for track in &mut tracks.tracks {
        track.sort_by(|a, b| a.ta.total_cmp(&b.ta));
    }
    Ok(tracks)
}

impl Raw {
    fn check(self, frame: &skypicket_model::geo::Enu) -> Result<Option<TrackLine>, Problem> {
        let id: Box<str> = match self.id {
            None => return Ok(None),
            Some(Value::String(s)) => s.into(),
            Some(Value::Number(n)) => n.to_string().into(),
            Some(_) => return Err(Problem::value("id", "neither text nor a number")),
        };
        lines::name("id", &id)?;
        let t = self.t.ok_or_else(|| Problem::value("t", "missing"))?;
        let ta = self.ta.unwrap_or(t);
        lines::time("t", t)?;
        lines::time("ta", ta)?;
        let p = match (self.p, self.lla) {
            (Some(p), _) => Some(p),
            (None, Some([lat, lon, h])) => {
                lines::place(lat, lon, h)?;
                Some(frame.from_place(skypicket_model::Place { lat_deg: lat, lon_deg: lon, alt_hae_m: Some(h) }))
            }
            (None, None) => None,
        };
        let v = self.v.unwrap_or_default();
        lines::vector("p", p.as_ref().map_or(&[], |p| p.as_slice()))?;
        lines::vector("v", &v)?;
        let cov = self.cov.map(RawCov::check).transpose()?;
        let suspect = self.suspect.unwrap_or(false);
        Ok(Some(TrackLine { id, t, ta, p, v, cov, state: self.state, uas_id: self.uas_id, suspect }))
    }
}

impl RawCov {
    fn check(self) -> Result<Cov, Problem> {
        let (rows, flat) = match self {
            Self::Flat(flat) => (None, flat),
            Self::Rows(rows) => (Some(rows.iter().map(Vec::len).collect::<Vec<_>>()), rows.concat()),
        };
        let square = |n: usize| flat.len() == n * n && rows.as_ref().is_none_or(|r| r.iter().all(|len| *len == n));
        flat.iter().try_for_each(|x| lines::within("P", *x, -1e18, 1e18))?;
        let at = |n: usize, i: usize, j: usize| flat.get(i * n + j).copied().unwrap_or_default();
        if square(3) {
            Ok(Cov::Position(std::array::from_fn(|i| std::array::from_fn(|j| at(3, i, j)))))
        } else if square(6) {
            Ok(Cov::State(Box::new(std::array::from_fn(|i| std::array::from_fn(|j| at(6, i, j))))))
        } else {
            Err(Problem::value("P", "neither 3 × 3 nor 6 × 6"))
        }
    }
}
