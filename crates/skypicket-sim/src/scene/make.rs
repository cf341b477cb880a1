//! [`Scene`]: a made-up scene, whole: what its sensors report and what was true.

use super::{
    Arrival, FirstDetection, Header, Meas, MeasurementWriter, Reading, Scan, SceneError, Sensor, SensorKind, Spoofer,
    TruthHeader, TruthSample, TruthWriter, VERSION,
    family::{Actor, Class, Device, NoSuchScene, ORIGIN, Purpose, Request, Stage, rng, stage},
    motion::STEP_S,
};
use crate::rng::Rng;
use skypicket_model::geo::Enu;
use std::{
    collections::BTreeMap,
    f64::consts::{PI, TAU},
    io::Write,
};

const DEG: f64 = PI / 180.0;
/// A person gives directions in steps of this.
const SAID_AZ: f64 = 5.0 * DEG;
/// And ranges in steps of this, metres.
const SAID_RANGE_M: f64 = 50.0;

/// A made-up scene.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Head of the measurement file.
    pub header: Header,
    /// What arrives, in order.
    pub arrivals: Vec<Arrival>,
    /// Head of the truth file.
    pub truth_header: TruthHeader,
    /// When each target is first detected, by name.
    pub first: Vec<FirstDetection>,
    stage: Stage,
    /// Which actor each arrival came from.
    origins: Vec<Option<usize>>,
}

/// Makes a scene: the same for the same request, byte for byte.
pub fn make(request: &Request) -> Result<Scene, NoSuchScene> {
    request.check()?;
    let stage = stage(request);
    let mut heard = Vec::new();
    for (k, device) in stage.devices.iter().enumerate() {
        Watch::new(&stage, k, device).run(&mut rng(request, Purpose::Sensor, k), &mut heard);
    }
    heard.sort_by(|a: &Heard, b| a.arrival.ta().total_cmp(&b.arrival.ta()));

    let mut first: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for h in &heard {
        if let (Some(actor), Arrival::Meas(m)) = (h.origin, &h.arrival) {
            first.entry(&stage.actors[actor].id).or_insert((m.t, m.ta));
        }
    }
    let first = first.into_iter().map(|(id, (t, ta))| FirstDetection { id: id.into(), t, ta }).collect();

    let (mut arrivals, mut origins) = (Vec::with_capacity(heard.len()), Vec::with_capacity(heard.len()));
    for (seq, mut h) in heard.into_iter().enumerate() {
        match &mut h.arrival {
            Arrival::Meas(m) => m.seq = seq as u64,
            Arrival::Scan(s) => s.seq = seq as u64,
        }
        arrivals.push(h.arrival);
        origins.push(h.origin);
    }
    let header = Header {
        version: VERSION.into(),
        family: Some(request.family.number()),
        seed: Some(request.seed),
        notes: stage.notes.into(),
        origin: ORIGIN,
        t0: 0.0,
        t1: stage.end,
        score_dims: stage.score_dims,
        sites: stage.sites.clone(),
        sensors: stage
            .devices
            .iter()
            .map(|d| Sensor { enu: d.sensor.enu.map(|x| round(x, 4)), ..d.sensor.clone() })
            .collect(),
    };
    let spoofers = stage
        .actors
        .iter()
        .filter_map(|a| {
            let emitter = a.emitter?.map(|x| round(x, 2));
            Some(Spoofer { id: a.id.clone(), claimed: a.remote_id.clone(), emitter })
        })
        .collect();
    let truth_header = TruthHeader {
        version: VERSION.into(),
        family: header.family,
        seed: header.seed,
        origin: ORIGIN,
        t0: header.t0,
        t1: header.t1,
        score_dims: header.score_dims,
        spoofers,
    };
    Ok(Scene { header, arrivals, truth_header, first, stage, origins })
}

impl Scene {
    /// From which target an arrival came, by its place in [`Scene::arrivals`]; `None` is clutter, or the end of a look.
    pub fn origin(&self, seq: usize) -> Option<&str> {
        self.origins.get(seq).copied().flatten().map(|k| self.stage.actors[k].id.as_str())
    }

    /// How many targets there are in truth.
    pub fn targets(&self) -> usize {
        self.stage.actors.iter().filter(|a| a.class != Class::Spoof).count()
    }

    /// Moments of the targets in the order of time, five a second (of the border line one).
    pub fn truth(&self) -> impl Iterator<Item = TruthSample> + '_ {
        let every = if self.header.family == Some(6) { 10 } else { 2 };
        let mut order = Vec::new();
        let mut cover = Vec::new();
        for (k, actor) in self.stage.actors.iter().enumerate() {
            if actor.class == Class::Spoof {
                cover.push(Vec::new());
                continue;
            }
            let samples: Vec<usize> = (0..actor.flown.p.len()).step_by(every).collect();
            order.extend(samples.iter().map(|i| (actor.flown.t0 + *i as f64 * STEP_S, k, *i)));
            cover.push(coverage(&self.stage, actor, &samples));
        }
        let id = |k: usize| &self.stage.actors[k].id;
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| id(a.1).cmp(id(b.1))));
        order.into_iter().map(move |(t, k, i)| {
            let a = &self.stage.actors[k];
            let place = self.stage.frame.to_place(a.flown.p[i]);
            TruthSample {
                id: a.id.as_str().into(),
                t: round(t, 3),
                p: a.flown.p[i].map(|x| round(x, 3)),
                v: a.flown.v[i].map(|x| round(x, 3)),
                lla: Some([
                    round(place.lat_deg, 8),
                    round(place.lon_deg, 8),
                    round(place.alt_hae_m.unwrap_or_default(), 3),
                ]),
                cls: a.class.word().into(),
                uas_id: a.remote_id.as_deref().or(a.adsb.as_deref()).map(Into::into),
                cov: cover[k][i / every],
                ignore: a.ignore,
            }
        })
    }

    /// Writes what a tracker may read.
    pub fn write_measurements<W: Write>(&self, out: W) -> Result<W, SceneError> {
        let mut file = MeasurementWriter::new(out, &self.header)?;
        for arrival in &self.arrivals {
            file.write(arrival)?;
        }
        file.finish()
    }

    /// Writes what only the score may read.
    pub fn write_truth<W: Write>(&self, out: W) -> Result<W, SceneError> {
        let mut file = TruthWriter::new(out, &self.truth_header, &self.first)?;
        for sample in self.truth() {
            file.write(&sample)?;
        }
        file.finish((0..self.arrivals.len()).map(|k| self.origin(k)))
    }
}

/// Decimal places, as the files have them.
fn round(x: f64, places: i32) -> f64 {
    let scale = libm::pow(10.0, f64::from(places));
    // Adding zero makes a negative zero positive.
    (x * scale).round() / scale + 0.0
}

/// The angle in -π to π, π left out.
fn wrap(a: f64) -> f64 {
    let turned = libm::fmod(a + PI, TAU);
    (if turned < 0.0 { turned + TAU } else { turned }) - PI
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    let d: [f64; 3] = std::array::from_fn(|k| a[k] - b[k]);
    libm::sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
}

/// A point as a sensor has it.
#[derive(Debug, Clone, Copy)]
struct Polar {
    range: f64,
    az: f64,
    el: f64,
}

/// A sensor's own axes and field of view.
struct View<'a> {
    sensor: &'a Sensor,
    own: Enu,
    scene: &'a Enu,
}

impl<'a> View<'a> {
    fn new(sensor: &'a Sensor, scene: &'a Enu) -> Self {
        Self { sensor, own: Enu::at(sensor.place()), scene }
    }

    fn polar(&self, p: [f64; 3]) -> Polar {
        let q = self.own.carry(self.scene, p);
        let range = distance(q, [0.0; 3]);
        Polar { range, az: libm::atan2(q[0], q[1]), el: libm::asin((q[2] / range.max(1e-9)).clamp(-1.0, 1.0)) }
    }

    /// The point, if it is in the field of view.
    fn sees(&self, p: [f64; 3]) -> Option<Polar> {
        let (s, q) = (self.sensor, self.polar(p));
        let seen = q.range >= s.rmin
            && q.range <= s.rmax
            && wrap(q.az - s.az0).abs() <= s.az_width / 2.0 + 1e-9
            && q.el >= s.el_min
            && q.el <= s.el_max;
        seen.then_some(q)
    }

    /// Whether it is above the sensor's blind floor.
    fn above_floor(&self, p: [f64; 3]) -> bool {
        let Some(floor) = self.sensor.min_height else { return true };
        let height = |e: &Enu| e.origin().alt_hae_m.unwrap_or_default();
        self.scene.to_place(p).alt_hae_m.unwrap_or_default() - height(self.scene) >= floor
    }
}

/// How many sensors could fix a target at some of its moments.
fn coverage(stage: &Stage, actor: &Actor, samples: &[usize]) -> Vec<u32> {
    let mut cover = vec![0; samples.len()];
    let centre = actor.flown.centre;
    for Device { sensor, .. } in &stage.devices {
        let counts = match sensor.kind {
            SensorKind::Radar => true,
            SensorKind::RemoteId => actor.remote_id.is_some(),
            SensorKind::Adsb => actor.adsb.is_some(),
            SensorKind::Sighting => false,
            // One bearing alone gives no position in three dimensions.
            SensorKind::Bearing => stage.score_dims == 2 && !matches!(actor.class, Class::Crewed | Class::Bird),
        };
        if !counts || distance(centre, sensor.enu) > sensor.rmax + 15_000.0 {
            continue;
        }
        let view = View::new(sensor, &stage.frame);
        for (count, i) in cover.iter_mut().zip(samples) {
            let p = actor.flown.p[*i];
            *count += u32::from(view.sees(p).is_some() && view.above_floor(p));
        }
    }
    cover
}

/// Something that arrives, and from whom.
struct Heard {
    arrival: Arrival,
    origin: Option<usize>,
}

/// A sensor at work.
struct Watch<'a> {
    stage: &'a Stage,
    index: usize,
    az_bias: f64,
    view: View<'a>,
    /// Actors that ever come near.
    near: Vec<usize>,
}

/// Whether a broadcast speaks, and until when.
#[derive(Clone, Copy)]
struct Speech {
    up: bool,
    until: f64,
}

impl<'a> Watch<'a> {
    fn new(stage: &'a Stage, index: usize, device: &'a Device) -> Self {
        let near = |a: &Actor| distance(a.flown.centre, device.sensor.enu) < device.sensor.rmax + 8_000.0;
        Self {
            stage,
            index,
            az_bias: device.az_bias,
            view: View::new(&device.sensor, &stage.frame),
            near: stage.actors.iter().enumerate().filter(|(_, a)| near(a)).map(|(k, _)| k).collect(),
        }
    }

    fn sensor(&self) -> &'a Sensor {
        self.view.sensor
    }

    fn run(&self, rng: &mut Rng, heard: &mut Vec<Heard>) {
        let s = self.sensor();
        let mut speech: BTreeMap<usize, Speech> = BTreeMap::new();
        let mut look = Vec::new();
        for scan in 0u64.. {
            let t = s.phase + scan as f64 * s.period;
            if t > self.stage.end + 1e-9 {
                break;
            }
            // A look arrives as one; broadcasts arrive each for itself.
            let ta = t + rng.between(s.latency[0], s.latency[1]);
            for &k in &self.near {
                let found = match s.kind {
                    SensorKind::RemoteId | SensorKind::Adsb => self.broadcast(rng, k, t, &mut speech),
                    _ => self.detection(rng, k, t).map(|(reading, id)| (t, ta, reading, id)),
                };
                look.extend(found.map(|f| (f, Some(k))));
            }
            for _ in 0..if s.clutter > 0.0 { rng.poisson(s.clutter) } else { 0 } {
                look.push(((t, ta, self.clutter(rng), None), None));
            }
            rng.shuffle(&mut look);
            let n = look.len() as u64;
            for ((t, ta, reading, id), origin) in look.drain(..) {
                let (t, ta) = (round(t, 4), round(ta, 4));
                let m = Meas { seq: 0, sensor: self.index, scan, t, ta, reading, id };
                heard.push(Heard { arrival: Arrival::Meas(m), origin });
            }
            if matches!(s.kind, SensorKind::Radar | SensorKind::Bearing) {
                let scan = Scan { seq: 0, sensor: self.index, scan, t: round(t, 4), ta: round(ta, 4), n };
                heard.push(Heard { arrival: Arrival::Scan(scan), origin: None });
            }
        }
    }

    /// What a target broadcasts about now, if that is heard.
    fn broadcast(
        &self,
        rng: &mut Rng,
        k: usize,
        t: f64,
        speech: &mut BTreeMap<usize, Speech>,
    ) -> Option<(f64, f64, Reading, Option<Box<str>>)> {
        let (s, actor) = (self.sensor(), &self.stage.actors[k]);
        let ((p, _), alive) = actor.flown.at(t);
        let claimed = if s.kind == SensorKind::RemoteId { &actor.remote_id } else { &actor.adsb }.as_deref()?;
        if !alive {
            return None;
        }
        self.view.sees(actor.emitter.unwrap_or(p))?;
        if let Some(d) = s.dropout {
            let now = speech.entry(k).or_insert_with(|| Speech { up: true, until: t + rng.exponential(d.mean_up) });
            while t >= now.until {
                now.up = !now.up;
                now.until += rng.exponential(if now.up { d.mean_up } else { d.mean_down });
            }
            if !now.up {
                return None;
            }
        }
        if !rng.chance(s.pd) {
            return None;
        }
        let t = if s.kind == SensorKind::RemoteId { t + rng.between(0.0, 0.2) } else { t };
        let (h, v) = (s.sigma.h.unwrap_or_default(), s.sigma.v.unwrap_or_default());
        let ((p, _), _) = actor.flown.at(t);
        let place =
            self.stage.frame.to_place([p[0] + rng.normal() * h, p[1] + rng.normal() * h, p[2] + rng.normal() * v]);
        let lla = [round(place.lat_deg, 8), round(place.lon_deg, 8), round(place.alt_hae_m.unwrap_or_default(), 2)];
        let ta = t + rng.between(s.latency[0], s.latency[1]);
        Some((t, ta, Reading::Position { lla, var: [h * h, h * h, v * v] }, Some(claimed.into())))
    }

    /// What a look sees of a target.
    fn detection(&self, rng: &mut Rng, k: usize, t: f64) -> Option<(Reading, Option<Box<str>>)> {
        let (s, actor) = (self.sensor(), &self.stage.actors[k]);
        let ((mut p, _), alive) = actor.flown.at(t);
        if !alive {
            return None;
        }
        if actor.class == Class::Spoof {
            // Only its sender is there, and only radio hears it.
            p = actor.emitter.filter(|_| s.kind == SensorKind::Bearing && !s.acoustic)?;
        }
        if s.kind == SensorKind::Bearing && matches!(actor.class, Class::Crewed | Class::Bird) {
            return None;
        }
        if let Some(speed) = s.speed_of_sound.filter(|_| s.acoustic) {
            p = actor.flown.at(t - distance(p, s.enu) / speed).0.0;
        }
        let q = self.view.sees(p)?;
        if !self.view.above_floor(p) || !rng.chance(s.pd) {
            return None;
        }
        let sigma_az = s.sigma.az.unwrap_or_default();
        let az = q.az + self.az_bias + rng.normal() * sigma_az;
        let reading = match s.kind {
            SensorKind::Radar => {
                let range = q.range + rng.normal() * s.sigma.range.unwrap_or_default();
                let el = q.el + rng.normal() * s.sigma.el.unwrap_or_default();
                self.plot(range.max(1.0), az, el)
            }
            SensorKind::Sighting => {
                let guess = q.range * libm::exp(rng.normal() * s.sigma.range_frac.unwrap_or_default());
                self.said(guess, az)
            }
            _ => Reading::Bearing { az: round(wrap(az), 7), var: sigma_az * sigma_az },
        };
        // A direction finder that decodes what it hears knows whose it is; in the mixed scene they do.
        let decodes = s.kind == SensorKind::Bearing && !s.acoustic && self.stage.decodes;
        Some((reading, actor.remote_id.as_deref().filter(|_| decodes).map(Into::into)))
    }

    fn clutter(&self, rng: &mut Rng) -> Reading {
        let s = self.sensor();
        let az = s.az0 + rng.between(-0.5, 0.5) * s.az_width;
        match s.kind {
            SensorKind::Radar => {
                let range = rng.between(s.rmin, s.rmax);
                self.plot(range, az, rng.between(s.el_min, s.el_max))
            }
            SensorKind::Sighting => self.said(rng.between(100.0, s.rmax), az),
            _ => {
                let sigma = s.sigma.az.unwrap_or_default();
                Reading::Bearing { az: round(wrap(az), 7), var: sigma * sigma }
            }
        }
    }

    fn plot(&self, range: f64, az: f64, el: f64) -> Reading {
        let g = self.sensor().sigma;
        let var = [g.range, g.az, g.el].map(|x| x.unwrap_or_default() * x.unwrap_or_default());
        Reading::Radar { range: round(range, 3), az: round(wrap(az), 7), el: round(el, 7), var }
    }

    /// What a person says of a direction and a distance: round numbers, whose rounding is part of the error.
    fn said(&self, range: f64, az: f64) -> Reading {
        let g = self.sensor().sigma;
        let range = ((range / SAID_RANGE_M).round() * SAID_RANGE_M).max(SAID_RANGE_M);
        let az = round(wrap((az / SAID_AZ).round() * SAID_AZ), 7);
        let (of_range, of_az) = (g.range_frac.unwrap_or_default() * range, g.az.unwrap_or_default());
        let var = [of_range * of_range + SAID_RANGE_M * SAID_RANGE_M / 12.0, of_az * of_az + SAID_AZ * SAID_AZ / 12.0];
        Reading::Sighting { range, az, var }
    }
}
