//! [`follow`]: makes the track file of a measurement file.
//!
//! In the order of arrival and without looking ahead: what is written at a `ta` rests on nothing that came later. A look
//! counts when its end arrives. In every second of arrivals each track is written at least once.

use crate::scene::{
    Arrival, Cov, Header, Meas, MeasurementFile, Reading, Scan, SceneError, SensorKind, State, TrackLine, TrackWriter,
};
use skypicket_model::{Place, geo::Enu};
use skypicket_track::sky::{
    Belief, MOST_PLOTS, Measured, Name, Plot, Refused, Registration, Report, Sense, Sensor, Settings, Sky, Unfit,
};
use std::{
    collections::HashMap,
    io::{BufRead, Write},
};

/// Least clutter that is believed of a sensor, per metre and radian and radian, or per radian: where a scene says that
/// there is none, one plot would otherwise be a thing for certain.
const LEAST_CLUTTER: [f64; 2] = [1e-6, 1e-3];
/// Most plots that wait for the end of their look, of all sensors; then nothing waits any longer.
const MOST_WAITING: usize = 100_000;
/// Most names known at a time. More than tracks and waiting plots can hold, so that there is always one to forget.
const MOST_NAMES: usize = 300_000;

/// What came of following.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Followed {
    /// Measurements read.
    pub measurements: u64,
    /// Lines that could not be read.
    pub bad_lines: u64,
    /// Plots and scans that were read and left out, and why.
    pub left_out: Refused,
    /// Reports of tracks written.
    pub reports: u64,
    /// Sensors that are known to be off, and how far.
    pub off: Vec<(Box<str>, Registration)>,
}

/// Why nothing more could be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The head names a sensor that cannot be.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Plots of a look whose end has not arrived.
#[derive(Debug, Clone, Default)]
struct Look {
    number: u64,
    t: f64,
    plots: Vec<Plot>,
}

/// Reads all that arrives and writes what is made of it. A bad line is handed to `bad`, and the rest is done all the
/// same.
pub fn follow<R: BufRead, W: Write>(
    mut file: MeasurementFile<R>,
    settings: Settings,
    out: W,
    mut bad: impl FnMut(&SceneError),
) -> Result<Followed, FollowError> {
    let mut out = TrackWriter::new(out);
    let mut follower = Follower::new(file.header(), settings, |ta, report: &Report, name: Option<&str>| {
        as_io(out.write(&line(ta, report, name)))
    })?;
    for arrival in &mut file {
        match arrival {
            Ok(arrival) => follower.take(&arrival)?,
            Err(SceneError::Io(e)) => return Err(e.into()),
            Err(e) => {
                follower.done.bad_lines += 1;
                bad(&e);
            }
        }
    }
    let done = follower.finish()?;
    as_io(out.finish())?;
    Ok(done)
}

fn as_io<T>(written: Result<T, SceneError>) -> std::io::Result<T> {
    written.map_err(|e| match e {
        SceneError::Io(e) => e,
        e @ SceneError::Line { .. } => std::io::Error::other(e),
    })
}

fn line(ta: f64, r: &Report, name: Option<&str>) -> TrackLine {
    let [xx, xy, xz, yy, yz, zz] = r.state.pp;
    TrackLine {
        id: r.id.to_string().into(),
        t: r.t,
        ta,
        p: Some(r.state.p),
        v: r.state.v,
        cov: Some(Cov::Position([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])),
        state: match r.belief {
            Belief::Tentative => State::Tentative,
            Belief::Confirmed => State::Confirmed,
            Belief::Deleted => State::Deleted,
        },
        uas_id: name.map(Into::into),
        suspect: r.suspect,
    }
}

/// Names that are claimed, and their numbers.
struct Names {
    known: HashMap<Box<str>, Name>,
    texts: Vec<Box<str>>,
    /// Numbers that stand for nothing any more.
    spare: Vec<Name>,
    most: usize,
}

impl Names {
    fn new(most: usize) -> Self {
        Self { known: HashMap::new(), texts: Vec::new(), spare: Vec::new(), most }
    }

    fn get(&self, text: &str) -> Option<Name> {
        self.known.get(text).copied()
    }

    fn text(&self, name: Name) -> Option<&str> {
        self.texts.get(name as usize).map(|t| &**t)
    }

    fn is_full(&self) -> bool {
        self.known.len() >= self.most
    }

    /// A name that is not known yet.
    fn add(&mut self, text: &str) -> Name {
        let name = self.spare.pop().unwrap_or_else(|| {
            self.texts.push(Box::default());
            // There are never as many as a u32 counts.
            Name::try_from(self.texts.len() - 1).unwrap_or(Name::MAX)
        });
        self.texts[name as usize] = text.into();
        self.known.insert(text.into(), name);
        name
    }

    /// Forgets all names but these.
    fn keep(&mut self, held: impl Iterator<Item = Name>) {
        let mut gone = vec![true; self.texts.len()];
        held.for_each(|n| gone[n as usize] = false);
        self.known.retain(|_, n| !gone[*n as usize]);
        self.spare.clear();
        self.spare.extend((0..).zip(&gone).filter(|(_, gone)| **gone).map(|(n, _)| n));
    }
}

/// What follows a scene: arrivals in, and each report of a track out, with the arrival that it rests on and its name.
pub struct Follower<F> {
    frame: Enu,
    sky: Sky,
    looks: Vec<Look>,
    /// Plots in all of these.
    waiting: usize,
    kinds: Vec<Sense>,
    ids: Vec<Box<str>>,
    names: Names,
    reports: Vec<Report>,
    ticked: f64,
    arrived: f64,
    each: F,
    done: Followed,
}

impl<F: FnMut(f64, &Report, Option<&str>) -> std::io::Result<()>> Follower<F> {
    /// Nothing has arrived yet.
    pub fn new(header: &Header, settings: Settings, each: F) -> Result<Self, FollowError> {
        let frame = header.origin.frame();
        let sensors: Vec<Sensor> = header.sensors.iter().map(|s| sensor(s, &frame)).collect();
        Ok(Self {
            ids: header.sensors.iter().map(|s| s.id.as_str().into()).collect(),
            kinds: sensors.iter().map(|s| s.sense).collect(),
            looks: vec![Look::default(); sensors.len()],
            waiting: 0,
            sky: Sky::new(settings, sensors)?,
            frame,
            names: Names::new(MOST_NAMES),
            reports: Vec::new(),
            ticked: header.t0,
            arrived: header.t0,
            each,
            done: Followed::default(),
        })
    }

    /// Something arrives.
    pub fn take(&mut self, arrival: &Arrival) -> Result<(), FollowError> {
        let ta = arrival.ta();
        // Whatever the head says of its begin: what arrives before it has its seconds too.
        self.ticked = self.ticked.min(ta);
        while self.ticked + 1.0 <= ta {
            // Over a silence in which nothing is followed there is nothing to say. So a gap of years is as many steps as the
            // oldest track lasts. A second at least, since the difference of two times may be rounded to less.
            self.ticked += if self.sky.is_empty() { (ta - self.ticked).floor().max(1.0) } else { 1.0 };
            self.sky.tick(self.ticked, &mut self.reports);
            self.write(self.ticked)?;
        }
        self.arrived = ta;
        match arrival {
            Arrival::Meas(m) => self.measurement(m),
            Arrival::Scan(s) => self.end_of_look(s),
        }
        self.write(ta)
    }

    fn measurement(&mut self, m: &Meas) {
        self.done.measurements += 1;
        let plot = Plot { m: measured(&m.reading, &self.frame), name: m.id.as_deref().map(|text| self.name(text)) };
        match self.kinds[m.sensor] {
            Sense::Radar | Sense::Bearing => {
                if self.looks[m.sensor].number != m.scan {
                    // The line that ended the look before was lost.
                    self.look(m.sensor);
                    self.looks[m.sensor].number = m.scan;
                }
                if self.waiting >= MOST_WAITING {
                    // Of looks that never end, and of many sensors.
                    (0..self.looks.len()).for_each(|sensor| self.look(sensor));
                }
                let look = &mut self.looks[m.sensor];
                if look.plots.len() >= MOST_PLOTS {
                    self.done.left_out.many += 1;
                    return;
                }
                look.t = m.t;
                look.plots.push(plot);
                self.waiting += 1;
            }
            Sense::Person | Sense::Claim | Sense::Fix | Sense::Sight => {
                self.sky.scan(m.sensor, m.t, &[plot], &mut self.reports);
            }
        }
    }

    fn end_of_look(&mut self, scan: &Scan) {
        if self.looks[scan.sensor].number != scan.scan {
            self.look(scan.sensor);
        }
        let look = &mut self.looks[scan.sensor];
        look.number = scan.scan;
        self.sky.scan(scan.sensor, scan.t, &look.plots, &mut self.reports);
        self.waiting -= look.plots.len();
        look.plots.clear();
    }

    /// Takes what waits of a look whose end did not come.
    fn look(&mut self, sensor: usize) {
        let look = &mut self.looks[sensor];
        if !look.plots.is_empty() {
            self.sky.scan(sensor, look.t, &look.plots, &mut self.reports);
            self.waiting -= look.plots.len();
            look.plots.clear();
        }
    }

    fn name(&mut self, text: &str) -> Name {
        if let Some(name) = self.names.get(text) {
            return name;
        }
        if self.names.is_full() {
            // What is still to be written says names too.
            let waiting = self.looks.iter().flat_map(|l| &l.plots).filter_map(|p| p.name);
            let written = self.reports.iter().filter_map(|r| r.name);
            self.names.keep(self.sky.names().chain(waiting).chain(written));
        }
        self.names.add(text)
    }

    fn write(&mut self, ta: f64) -> Result<(), FollowError> {
        for r in self.reports.drain(..) {
            self.done.reports += 1;
            (self.each)(ta, &r, r.name.and_then(|n| self.names.text(n)))?;
        }
        Ok(())
    }

    /// Nothing more arrives.
    pub fn finish(mut self) -> Result<Followed, FollowError> {
        for sensor in 0..self.looks.len() {
            self.look(sensor);
        }
        self.write(self.arrived)?;
        for (sensor, id) in self.ids.iter().enumerate() {
            let known = self.sky.registration(sensor).filter(|r| (0..r.off.len()).any(|k| r.sure(k).1 > 0.0));
            self.done.off.extend(known.filter(|r| r.is_known()).map(|r| (id.clone(), *r)));
        }
        let Refused { unknown, late, unfit, many } = self.sky.refused();
        let left_out = &mut self.done.left_out;
        left_out.unknown += unknown;
        left_out.late += late;
        left_out.unfit += unfit;
        left_out.many += many;
        Ok(self.done)
    }
}

/// A sensor of a scene, as the tracker has it.
fn sensor(s: &crate::scene::Sensor, frame: &Enu) -> Sensor {
    let own = Enu::at(s.place());
    let height = |e: &Enu| e.origin().alt_hae_m.unwrap_or_default();
    let sense = match s.kind {
        SensorKind::Radar => Sense::Radar,
        SensorKind::Bearing => Sense::Bearing,
        SensorKind::Sighting => Sense::Person,
        SensorKind::RemoteId | SensorKind::Adsb => Sense::Claim,
    };
    Sensor {
        sense,
        at: frame.from_place(own.origin()),
        axes: own.turn_from(frame),
        over: height(&own) - height(frame),
        pd: s.pd,
        clutter: match sense {
            // Of people only the mean number of false reports is given: anywhere that they can see.
            Sense::Person => (s.clutter / ((s.rmax - s.rmin).max(1.0) * s.az_width.max(0.1))).max(LEAST_CLUTTER[0]),
            Sense::Radar => s.clutter_density.unwrap_or(0.0).max(LEAST_CLUTTER[0]),
            Sense::Bearing | Sense::Claim | Sense::Fix | Sense::Sight => {
                s.clutter_density.unwrap_or(0.0).max(LEAST_CLUTTER[1])
            }
        },
        range: [s.rmin, s.rmax],
        sector: [s.az0, s.az_width / 2.0],
        elevation: [s.el_min, s.el_max],
        floor: s.min_height.unwrap_or(f64::NEG_INFINITY),
        sound: s.speed_of_sound.filter(|_| s.acoustic),
        sight: None,
    }
}

/// A reading, as the tracker has it. What a sensor does not measure is nought with variance 1.
fn measured(reading: &Reading, frame: &Enu) -> Measured {
    match *reading {
        Reading::Radar { range, az, el, var } => Measured { z: [range, az, el], r: var },
        Reading::Bearing { az, var } => Measured { z: [0.0, az, 0.0], r: [1.0, var, 1.0] },
        Reading::Sighting { range, az, var } => Measured { z: [range, az, 0.0], r: [var[0], var[1], 1.0] },
        Reading::Position { lla: [lat_deg, lon_deg, h], var } => {
            Measured { z: frame.from_place(Place { lat_deg, lon_deg, alt_hae_m: Some(h) }), r: var }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_has_any_more_make_room_for_others() {
        let mut names = Names::new(3);
        let [a, b, c] = ["a", "b", "c"].map(|x| names.add(x));
        assert!(names.is_full());
        names.keep([a, c, a].into_iter());
        assert_eq!((names.get("a"), names.get("b"), names.is_full()), (Some(a), None, false));
        assert_eq!(names.add("d"), b, "numbers do not grow");
        assert_eq!([a, b, c].map(|n| names.text(n)), [Some("a"), Some("d"), Some("c")]);
        assert!(names.is_full());
    }
}
