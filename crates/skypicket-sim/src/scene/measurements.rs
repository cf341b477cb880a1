//! [`MeasurementFile`]: reads what sensors report, in the order of arrival; [`MeasurementWriter`] writes it.

use super::{
    Header, Meas, Reading, Scan, Sensor, SensorKind,
    lines::{self, Got, Lines, MOST_LINE, Problem, SceneError},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    f64::consts::{FRAC_PI_2, TAU},
    io::{BufRead, Write},
};

/// Most sensors of a scene.
const MOST_SENSORS: usize = 100_000;
/// Farthest of anything, metres.
const FARTHEST_M: f64 = 1e7;

/// What arrives.
#[derive(Debug, Clone, PartialEq)]
pub enum Arrival {
    /// A measurement.
    Meas(Meas),
    /// The end of a look.
    Scan(Scan),
}

impl Arrival {
    /// When it arrived, seconds.
    pub fn ta(&self) -> f64 {
        match self {
            Self::Meas(m) => m.ta,
            Self::Scan(s) => s.ta,
        }
    }
}

/// A measurement file, read line by line. A bad line is an error item, and the next one is read all the same: whoever
/// reads decides how many are too many. After an I/O error there is nothing more.
pub struct MeasurementFile<R> {
    lines: Lines<R>,
    header: Header,
    by_id: HashMap<String, usize>,
    arrived: f64,
    broken: bool,
}

impl<R: BufRead> MeasurementFile<R> {
    /// Reads the head.
    pub fn open(input: R) -> Result<Self, SceneError> {
        let mut lines = Lines::new(input);
        let header: Header = lines::head(&mut lines, "header")?;
        check(&header).map_err(|p| lines.refuse(p))?;
        let by_id = header.sensors.iter().enumerate().map(|(k, s)| (s.id.clone(), k)).collect();
        Ok(Self { lines, header, by_id, arrived: f64::NEG_INFINITY, broken: false })
    }

    /// The head.
    pub fn header(&self) -> &Header {
        &self.header
    }

    fn arrival(&mut self) -> Result<Arrival, SceneError> {
        let kind = self.lines.kind()?;
        let arrival = match &*kind {
            "meas" => {
                let raw: RawMeas = self.lines.parse()?;
                raw.check(&self.header, &self.by_id).map(Arrival::Meas)
            }
            "scan" => {
                let raw: RawScan = self.lines.parse()?;
                raw.check(&self.header, &self.by_id).map(Arrival::Scan)
            }
            found => Err(Problem::Type { found: found.chars().take(40).collect(), wanted: "meas or scan" }),
        };
        let arrival = arrival.map_err(|p| self.lines.refuse(p))?;
        if arrival.ta() < self.arrived {
            let why = format!("{} is before the line above, {}", arrival.ta(), self.arrived);
            return Err(self.lines.refuse(Problem::value("ta", why)));
        }
        self.arrived = arrival.ta();
        Ok(arrival)
    }
}

impl<R: BufRead> Iterator for MeasurementFile<R> {
    type Item = Result<Arrival, SceneError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken {
            return None;
        }
        match self.lines.next(MOST_LINE) {
            Ok(Got::End) => None,
            Ok(Got::Line) => Some(self.arrival()),
            Ok(Got::TooLong) => {
                let refused = self.lines.refuse(Problem::TooLong(MOST_LINE));
                Some(Err(match self.lines.skip() {
                    Ok(()) => refused,
                    Err(e) => {
                        self.broken = true;
                        e.into()
                    }
                }))
            }
            Err(e) => {
                self.broken = true;
                Some(Err(e.into()))
            }
        }
    }
}

/// Whether a head can be.
fn check(h: &Header) -> Result<(), Problem> {
    lines::place(h.origin.lat, h.origin.lon, h.origin.h)?;
    lines::time("t0", h.t0)?;
    lines::time("t1", h.t1)?;
    if h.t1 < h.t0 {
        return Err(Problem::value("t1", "before t0"));
    }
    if !(2..=3).contains(&h.score_dims) {
        return Err(Problem::value("score_dims", format!("{} is not 2 or 3", h.score_dims)));
    }
    if h.sensors.len() > MOST_SENSORS || h.sites.len() > MOST_SENSORS {
        return Err(Problem::value("sensors", format!("more than {MOST_SENSORS} sensors or sites")));
    }
    let mut seen = std::collections::HashSet::new();
    for s in &h.sensors {
        sensor(s).map_err(|p| match p {
            Problem::Value { field, why } => Problem::value(format!("sensor {}: {field}", s.id), why),
            other => other,
        })?;
        if !seen.insert(&s.id) {
            return Err(Problem::value("sensors", format!("two are called {}", s.id)));
        }
    }
    h.sites.iter().try_for_each(|s| {
        lines::name("site", &s.id)?;
        lines::vector("site", &s.enu)?;
        lines::within("radius", s.radius, 0.0, FARTHEST_M)
    })
}

fn sensor(s: &Sensor) -> Result<(), Problem> {
    let sigma = |field: &str, x: Option<f64>| match x {
        None => Err(Problem::value(format!("sigma.{field}"), "missing")),
        Some(x) => lines::within(&format!("sigma.{field}"), x, 1e-9, FARTHEST_M),
    };
    lines::name("id", &s.id)?;
    lines::place(s.lat, s.lon, s.h)?;
    lines::vector("enu", &s.enu)?;
    lines::within("period", s.period, 1e-3, 1e6)?;
    lines::within("phase", s.phase, -1e10, 1e10)?;
    lines::within("pd", s.pd, 0.0, 1.0)?;
    lines::within("clutter", s.clutter, 0.0, 1e6)?;
    lines::within("rmin", s.rmin, 0.0, FARTHEST_M)?;
    lines::within("rmax", s.rmax, s.rmin, FARTHEST_M)?;
    lines::within("az0", s.az0, -TAU, TAU)?;
    lines::within("az_width", s.az_width, 0.0, TAU)?;
    lines::within("el_min", s.el_min, -FRAC_PI_2, FRAC_PI_2)?;
    lines::within("el_max", s.el_max, s.el_min, FRAC_PI_2)?;
    lines::within("latency", s.latency[0], 0.0, 1e6)?;
    lines::within("latency", s.latency[1], s.latency[0], 1e6)?;
    if let Some(x) = s.clutter_density {
        lines::within("clutter_density", x, 0.0, 1e12)?;
    }
    if let Some(d) = s.dropout {
        lines::within("dropout", d.mean_up, 1e-3, 1e6)?;
        lines::within("dropout", d.mean_down, 1e-3, 1e6)?;
    }
    if s.acoustic {
        let speed = s.speed_of_sound.ok_or_else(|| Problem::value("speed_of_sound", "missing"))?;
        lines::within("speed_of_sound", speed, 1.0, 1e5)?;
    }
    match s.kind {
        SensorKind::Radar => {
            sigma("range", s.sigma.range)?;
            sigma("az", s.sigma.az)?;
            sigma("el", s.sigma.el)
        }
        SensorKind::Bearing => sigma("az", s.sigma.az),
        SensorKind::Sighting => {
            sigma("az", s.sigma.az)?;
            sigma("range_frac", s.sigma.range_frac)
        }
        SensorKind::RemoteId | SensorKind::Adsb => {
            sigma("h", s.sigma.h)?;
            sigma("v", s.sigma.v)
        }
    }
}

/// When something was so, and when that arrived: not before. Both are rounded, to a tenth of a millisecond at worst.
fn times(t: f64, ta: f64) -> Result<(), Problem> {
    lines::time("t", t)?;
    lines::time("ta", ta)?;
    if t > ta + 1e-3 {
        return Err(Problem::value("t", format!("{t} is after it arrived, {ta}")));
    }
    Ok(())
}

/// A measurement as it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
struct RawMeas {
    sensor: Box<str>,
    kind: SensorKind,
    scan: u64,
    t: f64,
    ta: f64,
    z: Z,
    #[serde(rename = "R")]
    var: Vec<f64>,
    #[serde(default)]
    id: Option<Box<str>>,
    seq: u64,
}

/// The values of any kind.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Z {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    az: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    el: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lat: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lon: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    h: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RawScan {
    sensor: Box<str>,
    scan: u64,
    t: f64,
    ta: f64,
    n: u64,
    seq: u64,
}

fn whose(header: &Header, by_id: &HashMap<String, usize>, id: &str) -> Result<(usize, SensorKind), Problem> {
    by_id
        .get(id)
        .and_then(|k| Some((*k, header.sensors.get(*k)?.kind)))
        .ok_or_else(|| Problem::value("sensor", "not in the header"))
}

impl RawMeas {
    fn check(self, header: &Header, by_id: &HashMap<String, usize>) -> Result<Meas, Problem> {
        let (sensor, kind) = whose(header, by_id, &self.sensor)?;
        if kind != self.kind {
            return Err(Problem::value("kind", "not the one that the header gives this sensor"));
        }
        times(self.t, self.ta)?;
        if let Some(id) = &self.id {
            lines::name("id", id)?;
        }
        let given = |field: &str, x: Option<f64>, least: f64, most: f64| {
            let x = x.ok_or_else(|| Problem::value(field, "missing"))?;
            lines::within(field, x, least, most)?;
            Ok(x)
        };
        self.var.iter().try_for_each(|x| lines::within("R", *x, 1e-18, 1e14))?;
        let z = &self.z;
        // The order of the covariance is that of the values.
        let reading = match kind {
            SensorKind::Radar => Reading::Radar {
                range: given("z.range", z.range, 0.0, FARTHEST_M)?,
                az: given("z.az", z.az, -TAU, TAU)?,
                el: given("z.el", z.el, -FRAC_PI_2, FRAC_PI_2)?,
                var: fixed(&self.var)?,
            },
            SensorKind::Bearing => {
                let [var] = fixed(&self.var)?;
                Reading::Bearing { az: given("z.az", z.az, -TAU, TAU)?, var }
            }
            SensorKind::Sighting => Reading::Sighting {
                range: given("z.range", z.range, 0.0, FARTHEST_M)?,
                az: given("z.az", z.az, -TAU, TAU)?,
                var: fixed(&self.var)?,
            },
            SensorKind::RemoteId | SensorKind::Adsb => Reading::Position {
                lla: [
                    given("z.lat", z.lat, -90.0, 90.0)?,
                    given("z.lon", z.lon, -180.0, 180.0)?,
                    given("z.h", z.h, -1e5, 1e5)?,
                ],
                var: fixed(&self.var)?,
            },
        };
        Ok(Meas { seq: self.seq, sensor, scan: self.scan, t: self.t, ta: self.ta, reading, id: self.id })
    }
}

impl RawScan {
    fn check(self, header: &Header, by_id: &HashMap<String, usize>) -> Result<Scan, Problem> {
        let (sensor, kind) = whose(header, by_id, &self.sensor)?;
        if !matches!(kind, SensorKind::Radar | SensorKind::Bearing) {
            return Err(Problem::value("sensor", "only radars and bearings have scans"));
        }
        times(self.t, self.ta)?;
        Ok(Scan { seq: self.seq, sensor, scan: self.scan, t: self.t, ta: self.ta, n: self.n })
    }
}

fn fixed<const N: usize>(var: &[f64]) -> Result<[f64; N], Problem> {
    var.try_into().map_err(|_| Problem::value("R", format!("{} numbers, not {N}", var.len())))
}

/// Writes a measurement file.
pub struct MeasurementWriter<W> {
    out: W,
    ids: Vec<(Box<str>, SensorKind)>,
}

/// A line with its type before its other fields.
#[derive(Serialize)]
pub(super) struct Typed<'a, T> {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    #[serde(flatten)]
    pub(super) body: &'a T,
}

pub(super) fn write<T: Serialize>(out: &mut impl Write, kind: &'static str, body: &T) -> Result<(), SceneError> {
    serde_json::to_writer(&mut *out, &Typed { kind, body }).map_err(std::io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(())
}

impl<W: Write> MeasurementWriter<W> {
    /// Writes the head.
    pub fn new(mut out: W, header: &Header) -> Result<Self, SceneError> {
        write(&mut out, "header", header)?;
        Ok(Self { out, ids: header.sensors.iter().map(|s| (s.id.as_str().into(), s.kind)).collect() })
    }

    fn whose(&self, sensor: usize) -> Result<(Box<str>, SensorKind), SceneError> {
        self.ids.get(sensor).cloned().ok_or_else(|| {
            SceneError::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, "no such sensor in the header"))
        })
    }

    /// Writes what arrives.
    pub fn write(&mut self, arrival: &Arrival) -> Result<(), SceneError> {
        match arrival {
            Arrival::Meas(m) => {
                let (sensor, kind) = self.whose(m.sensor)?;
                let (z, var) = match m.reading {
                    Reading::Radar { range, az, el, var } => {
                        (Z { range: Some(range), az: Some(az), el: Some(el), ..Z::default() }, var.to_vec())
                    }
                    Reading::Bearing { az, var } => (Z { az: Some(az), ..Z::default() }, vec![var]),
                    Reading::Sighting { range, az, var } => {
                        (Z { range: Some(range), az: Some(az), ..Z::default() }, var.to_vec())
                    }
                    Reading::Position { lla: [lat, lon, h], var } => {
                        (Z { lat: Some(lat), lon: Some(lon), h: Some(h), ..Z::default() }, var.to_vec())
                    }
                };
                let raw =
                    RawMeas { sensor, kind, scan: m.scan, t: m.t, ta: m.ta, z, var, id: m.id.clone(), seq: m.seq };
                write(&mut self.out, "meas", &raw)
            }
            Arrival::Scan(s) => {
                let (sensor, _) = self.whose(s.sensor)?;
                write(&mut self.out, "scan", &RawScan { sensor, scan: s.scan, t: s.t, ta: s.ta, n: s.n, seq: s.seq })
            }
        }
    }

    /// All is written.
    pub fn finish(mut self) -> Result<W, SceneError> {
        self.out.flush()?;
        Ok(self.out)
    }
}
