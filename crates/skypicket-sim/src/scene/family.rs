//! [`Family`]: six kinds of scenes, each hard in its own way, as the sensors and targets of a [`Stage`].

use super::{
    Dropout, Origin, Sensor, SensorKind, Sigma, Site,
    motion::{Craft, Flown, Plan, STEP_S, fly, lift},
};
use crate::rng::{Rng, whole};
use skypicket_model::{Place, geo::Enu};
use std::{
    f64::consts::{FRAC_PI_2, PI, TAU},
    str::FromStr,
};

const DEG: f64 = PI / 180.0;
/// Where all scenes are.
pub(super) const ORIGIN: Origin = Origin { lat: 31.76, lon: -106.49, h: 1140.0 };
/// Most targets of a scene.
pub const MOST_TARGETS: usize = 20_000;
/// Longest scene, seconds.
pub const LONGEST_S: f64 = 3_600.0;

/// A kind of scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// 1: one drone pops up and comes straight; radar and Remote ID.
    PopUp,
    /// 2: ten drones cross in clutter; one radar.
    Crossing,
    /// 3: a swarm that splits; two radars.
    Swarm,
    /// 4: bearings alone, of radio and of sound.
    Bearings,
    /// 5: everything at once, late, biased and spoofed.
    Mixed,
    /// 6: 200 km of border, 60 sensors, 300 targets.
    BorderLine,
}

impl Family {
    /// All of them, in order.
    pub const ALL: [Self; 6] =
        [Self::PopUp, Self::Crossing, Self::Swarm, Self::Bearings, Self::Mixed, Self::BorderLine];

    /// From 1.
    pub fn number(self) -> u32 {
        match self {
            Self::PopUp => 1,
            Self::Crossing => 2,
            Self::Swarm => 3,
            Self::Bearings => 4,
            Self::Mixed => 5,
            Self::BorderLine => 6,
        }
    }

    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::PopUp => "pop-up",
            Self::Crossing => "crossing",
            Self::Swarm => "swarm",
            Self::Bearings => "bearings",
            Self::Mixed => "mixed",
            Self::BorderLine => "border-line",
        }
    }

    /// Seconds, unless said otherwise.
    pub fn duration_s(self) -> f64 {
        match self {
            Self::PopUp | Self::Mixed => 180.0,
            Self::Crossing | Self::BorderLine => 120.0,
            Self::Swarm | Self::Bearings => 150.0,
        }
    }

    /// Targets, unless said otherwise; `None` where their number cannot be chosen.
    pub fn targets(self) -> Option<usize> {
        match self {
            Self::PopUp | Self::Mixed => None,
            Self::Crossing => Some(10),
            Self::Swarm => Some(40),
            Self::Bearings => Some(3),
            Self::BorderLine => Some(300),
        }
    }

    fn notes(self) -> &'static str {
        match self {
            Self::PopUp => "single pop-up drone, direct approach; radar + Remote ID with bursts of drop-out",
            Self::Crossing => {
                "crossing drones, one 360 degree radar, P_d 0.9, 40 clutter plots a scan; all meet within about 150 m near \
                 t = 60 s"
            }
            Self::Swarm => "swarm on a ~28 m grid, splits into four groups; two radars, 10 clutter plots a scan each",
            Self::Bearings => {
                "bearing only; horizontal score. Acoustic bearings point where the drone WAS: delay = range/343 s; the time \
                 field is the time of reception"
            }
            Self::Mixed => {
                "mixed sensors, latency, out-of-order, R2 has an unknown 1 degree azimuth bias (not in the header), two \
                 Remote-ID spoofers (fixed emitters on the ground), three birds (ignored by the score). DF bearings of \
                 Remote-ID frames carry the decoded id: the emitter is where the bearing points, not where the message claims"
            }
            Self::BorderLine => {
                "border line: radars, direction finders, Remote ID, ADS-B, crewed and uncrewed targets; throughput"
            }
        }
    }
}

impl FromStr for Family {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        let number = s.strip_prefix('f').and_then(|n| n.parse::<u32>().ok());
        Self::ALL.into_iter().find(|f| Some(f.number()) == number || f.name() == s).ok_or(())
    }
}

/// Which scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Request {
    /// Its kind.
    pub family: Family,
    /// The same for the same seed, byte for byte.
    pub seed: u64,
    /// Another number of targets, where the family has a choice.
    pub targets: Option<usize>,
    /// Another length, seconds.
    pub duration_s: Option<f64>,
    /// [`Family::BorderLine`] alone: the line and its sensors grow with the targets, so that their density stays.
    pub grow: bool,
}

impl Request {
    /// The family as it is.
    pub fn new(family: Family, seed: u64) -> Self {
        Self { family, seed, targets: None, duration_s: None, grow: false }
    }

    /// What the files are called, without their endings.
    pub fn file_stem(&self) -> String {
        let targets = self.targets.map_or_else(String::new, |n| format!("_n{n}"));
        format!("f{}_s{}{targets}", self.family.number(), self.seed)
    }

    /// Whether there is such a scene.
    pub fn check(&self) -> Result<(), NoSuchScene> {
        if let Some(n) = self.targets {
            if self.family.targets().is_none() {
                return Err(NoSuchScene::FixedTargets(self.family.number()));
            }
            if !(1..=MOST_TARGETS).contains(&n) {
                return Err(NoSuchScene::Targets(n));
            }
        }
        if let Some(d) = self.duration_s
            && !(1.0..=LONGEST_S).contains(&d)
        {
            return Err(NoSuchScene::Duration(d));
        }
        if self.grow && self.family != Family::BorderLine {
            return Err(NoSuchScene::Grows);
        }
        Ok(())
    }
}

/// Why there is no such scene.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum NoSuchScene {
    /// Not to be chosen.
    #[error("the number of targets of family {0} is part of it; families 2, 3, 4 and 6 have a choice")]
    FixedTargets(u32),
    /// Too few or too many.
    #[error("{0} targets: give 1 to {MOST_TARGETS}")]
    Targets(usize),
    /// Too short or too long.
    #[error("{0} seconds: give 1 to {LONGEST_S}")]
    Duration(f64),
    /// Only the border line grows.
    #[error("only family 6 grows with its targets")]
    Grows,
}

/// A sensor with what is wrong with it, which its header does not say.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) sensor: Sensor,
    /// Radians, added to every true azimuth.
    pub(super) az_bias: f64,
}

/// What a target is to the sensors and to the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Drone,
    Fpv,
    Crewed,
    Bird,
    /// Not there at all: a claim from a sender elsewhere.
    Spoof,
}

impl Class {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Drone => "drone",
            Self::Fpv => "fpv",
            Self::Crewed => "crewed",
            Self::Bird => "bird",
            Self::Spoof => "spoof",
        }
    }
}

/// A target of a scene.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) id: String,
    pub(super) class: Class,
    pub(super) flown: Flown,
    /// Broadcast over Remote ID.
    pub(super) remote_id: Option<String>,
    /// Broadcast over ADS-B.
    pub(super) adsb: Option<String>,
    /// Where a spoof's sender stands.
    pub(super) emitter: Option<[f64; 3]>,
    pub(super) ignore: bool,
}

/// All that a scene is made of.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) frame: Enu,
    pub(super) devices: Vec<Device>,
    pub(super) actors: Vec<Actor>,
    pub(super) sites: Vec<Site>,
    pub(super) notes: &'static str,
    pub(super) score_dims: usize,
    /// Direction finders decode the identity of what they hear.
    pub(super) decodes: bool,
    pub(super) end: f64,
}

/// The purposes of random numbers: what one needs does not change what another gets.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Layout,
    Target,
    Sensor,
}

pub(super) fn rng(request: &Request, purpose: Purpose, step: usize) -> Rng {
    let purpose = match purpose {
        Purpose::Layout => 0,
        Purpose::Target => 1,
        Purpose::Sensor => 2,
    };
    // "scene", family, purpose
    Rng::at(request.seed, 0x73_6365_6e65_0000 + u64::from(request.family.number()) * 16 + purpose, step as u64)
}

fn polar(radius: f64, bearing: f64) -> [f64; 2] {
    [radius * libm::sin(bearing), radius * libm::cos(bearing)]
}

/// Builds a stage.
struct Builder {
    request: Request,
    frame: Enu,
    end: f64,
    devices: Vec<Device>,
    actors: Vec<Actor>,
}

/// Who a target is, besides how it flies.
struct Identity {
    id: String,
    class: Class,
    remote_id: Option<String>,
    adsb: Option<String>,
    ignore: bool,
}

impl Identity {
    fn new(id: String, class: Class) -> Self {
        Self { id, class, remote_id: None, adsb: None, ignore: false }
    }
}

impl Builder {
    fn sensor(&mut self, id: impl Into<String>, kind: SensorKind, ground: &Enu, at: [f64; 2]) -> &mut Sensor {
        let enu = lift(ground, &self.frame, [at[0], at[1], 5.0]);
        let Place { lat_deg, lon_deg, alt_hae_m } = self.frame.to_place(enu);
        let sensor = Sensor {
            id: id.into(),
            kind,
            lat: lat_deg,
            lon: lon_deg,
            h: alt_hae_m.unwrap_or_default(),
            enu,
            period: 1.0,
            phase: 0.0,
            pd: 0.9,
            clutter: 0.0,
            rmin: 0.0,
            rmax: 4_000.0,
            az0: 0.0,
            az_width: TAU,
            el_min: -FRAC_PI_2,
            el_max: FRAC_PI_2,
            sigma: Sigma::default(),
            latency: [0.05, 0.05],
            min_height: None,
            dropout: None,
            acoustic: false,
            speed_of_sound: None,
            clutter_density: None,
        };
        let k = self.devices.len();
        self.devices.push(Device { sensor, az_bias: 0.0 });
        &mut self.devices[k].sensor
    }

    fn radar(&mut self, id: impl Into<String>, ground: &Enu, at: [f64; 2], rmax: f64, clutter: f64) -> &mut Sensor {
        let s = self.sensor(id, SensorKind::Radar, ground, at);
        s.sigma = Sigma { range: Some(5.0), az: Some(0.5 * DEG), el: Some(0.8 * DEG), ..Sigma::default() };
        s.min_height = Some(8.0);
        s.latency = [0.1, 0.1];
        (s.rmin, s.rmax, s.clutter) = (30.0, rmax, clutter);
        (s.el_min, s.el_max) = (-DEG, 40.0 * DEG);
        s
    }

    /// A direction finder of radio.
    fn finder(&mut self, id: impl Into<String>, ground: &Enu, at: [f64; 2], rmax: f64) -> &mut Sensor {
        let s = self.sensor(id, SensorKind::Bearing, ground, at);
        s.sigma.az = Some(2.0 * DEG);
        (s.pd, s.clutter, s.rmax, s.latency) = (0.8, 0.3, rmax, [0.2, 0.4]);
        s
    }

    fn microphones(&mut self, id: impl Into<String>, ground: &Enu, at: [f64; 2], rmax: f64) -> &mut Sensor {
        let s = self.finder(id, ground, at, rmax);
        s.sigma.az = Some(3.0 * DEG);
        (s.acoustic, s.speed_of_sound) = (true, Some(343.0));
        s
    }

    fn remote_id(&mut self, id: impl Into<String>, ground: &Enu, at: [f64; 2], rmax: f64, pd: f64) -> &mut Sensor {
        let s = self.sensor(id, SensorKind::RemoteId, ground, at);
        s.sigma = Sigma { h: Some(10.0), v: Some(15.0), ..Sigma::default() };
        s.dropout = Some(Dropout { mean_up: 20.0, mean_down: 6.0 });
        (s.rmax, s.pd) = (rmax, pd);
        s
    }

    fn adsb(&mut self, id: impl Into<String>, ground: &Enu, at: [f64; 2], rmax: f64) -> &mut Sensor {
        let s = self.sensor(id, SensorKind::Adsb, ground, at);
        s.sigma = Sigma { h: Some(8.0), v: Some(15.0), ..Sigma::default() };
        (s.rmax, s.pd) = (rmax, 0.95);
        s
    }

    /// Flies a plan; nothing where the scene ends before it begins.
    fn target(&mut self, who: Identity, ground: &Enu, t0: f64, plan: &Plan, rng: &mut Rng) {
        let way = fly(rng, t0, self.end, plan);
        self.flown(who, ground, t0, &way);
    }

    fn flown(&mut self, who: Identity, ground: &Enu, t0: f64, way: &[[f64; 3]]) {
        if let Some(flown) = Flown::new(ground, &self.frame, t0, way) {
            let Identity { id, class, remote_id, adsb, ignore } = who;
            self.actors.push(Actor { id, class, flown, remote_id, adsb, emitter: None, ignore });
        }
    }

    fn rng(&self, purpose: Purpose, step: usize) -> Rng {
        rng(&self.request, purpose, step)
    }
}

/// Builds the stage of a scene that was checked.
pub(super) fn stage(request: &Request) -> Stage {
    let frame = ORIGIN.frame();
    let end = request.duration_s.unwrap_or_else(|| request.family.duration_s());
    let mut b = Builder { request: *request, frame, end, devices: Vec::new(), actors: Vec::new() };
    let count = request.targets.or(request.family.targets()).unwrap_or_default();
    let mut sites = vec![Site { id: "SITE".into(), enu: [0.0; 3], radius: 300.0 }];
    match request.family {
        Family::PopUp => pop_up(&mut b),
        Family::Crossing => crossing(&mut b, count),
        Family::Swarm => sites = swarm(&mut b, count),
        Family::Bearings => bearings(&mut b, count),
        Family::Mixed => mixed(&mut b),
        Family::BorderLine => sites = border_line(&mut b, count, request.grow),
    }
    for Device { sensor: s, .. } in &mut b.devices {
        s.clutter_density = match s.kind {
            SensorKind::Radar => Some(s.clutter / ((s.rmax - s.rmin) * s.az_width * (s.el_max - s.el_min))),
            SensorKind::Bearing => Some(s.clutter / s.az_width),
            _ => None,
        };
    }
    let score_dims = if request.family == Family::Bearings { 2 } else { 3 };
    let (notes, decodes) = (request.family.notes(), request.family == Family::Mixed);
    Stage { frame, devices: b.devices, actors: b.actors, sites, notes, score_dims, decodes, end }
}

fn pop_up(b: &mut Builder) {
    let ground = b.frame;
    b.radar("R1", &ground, [0.0; 2], 4_000.0, 5.0).az_width = 120.0 * DEG;
    b.remote_id("RID1", &ground, [0.0; 2], 5_000.0, 0.95).latency = [0.2, 0.6];
    let mut rng = b.rng(Purpose::Target, 0);
    let bearing = rng.between(-40.0, 40.0) * DEG;
    let [e, n] = polar(rng.between(2_600.0, 3_200.0), bearing);
    let plan =
        Plan { goals: vec![[0.0; 3]], speed: [12.0, 24.0], pops_up: true, ..Plan::new(Craft::Multirotor, [e, n, 0.0]) };
    let who = Identity { remote_id: Some("UAS-1001".into()), ..Identity::new("T1".into(), Class::Drone) };
    b.target(who, &ground, 5.0, &plan, &mut rng);
}

fn crossing(b: &mut Builder, count: usize) {
    let ground = b.frame;
    b.radar("R1", &ground, [0.0; 2], 3_500.0, 40.0);
    for i in 0..count {
        let mut rng = b.rng(Purpose::Target, i);
        let bearing = TAU * i as f64 / count as f64 + rng.between(-0.2, 0.2);
        let middle = [rng.between(-80.0, 80.0), 1_200.0 + rng.between(-80.0, 80.0)];
        let meets = rng.between(54.0, 66.0);
        let d = polar(1.0, bearing);
        let speed = rng.between(10.0, 20.0);
        let from: [f64; 2] = std::array::from_fn(|k| middle[k] - d[k] * speed * meets);
        let goal: [f64; 2] = std::array::from_fn(|k| middle[k] + d[k] * 3_000.0);
        let t0 = if i < 7 { 0.0 } else { rng.between(0.0, 15.0) };
        let plan = Plan {
            velocity: [d[0] * speed, d[1] * speed, 0.0],
            goals: vec![[goal[0], goal[1], 0.0]],
            speed: [speed - 3.0, speed + 3.0],
            height: [60.0, 100.0],
            jinks: i % 2 == 1,
            loiters: false,
            ..Plan::new(Craft::Multirotor, [from[0], from[1], rng.between(60.0, 100.0)])
        };
        b.target(Identity::new(format!("T{}", i + 1), Class::Drone), &ground, t0, &plan, &mut rng);
    }
}

fn swarm(b: &mut Builder, count: usize) -> Vec<Site> {
    let ground = b.frame;
    for (id, at, phase) in [("R1", [-500.0, 0.0], 0.0), ("R2", [600.0, 100.0], 0.5)] {
        let r = b.radar(id, &ground, at, 3_500.0, 10.0);
        r.sigma = Sigma { range: Some(4.0), az: Some(0.3 * DEG), el: Some(0.5 * DEG), ..Sigma::default() };
        r.phase = phase;
    }
    let goals = [[-900.0, 600.0], [-300.0, -200.0], [400.0, -200.0], [1_000.0, 700.0]];
    let mut rng = b.rng(Purpose::Layout, 0);
    let [e, n] = polar(2_400.0, rng.between(-25.0, 25.0) * DEG);
    let plan = Plan {
        goals: vec![[0.0, 300.0, 0.0]],
        speed: [11.0, 14.0],
        height: [70.0, 90.0],
        loiters: false,
        ..Plan::new(Craft::Multirotor, [e, n, 80.0])
    };
    let lead = fly(&mut rng, 0.0, b.end, &plan);
    let split = usize::try_from(whole(rng.between(60.0, 75.0) / STEP_S)).unwrap_or(0);
    let splits = split + 2 < lead.len();
    let last = if splits { split } else { lead.len() - 1 };
    let side = whole(libm::ceil(libm::sqrt(count as f64)));
    let side = usize::try_from(side).unwrap_or(1).max(1);
    for i in 0..count {
        let mut rng = b.rng(Purpose::Target, i);
        let place = |k: usize| (k as f64 - (side as f64 - 1.0) / 2.0) * 28.0;
        let slot = [place(i % side) + rng.normal() * 3.0, place(i / side) + rng.normal() * 3.0, rng.normal() * 6.0];
        // A random walk that ends where it began, so that the split begins in place.
        let mut wobble = vec![[0.0; 3]; last + 1];
        let mut sum = [0.0; 3];
        for w in &mut wobble {
            sum = sum.map(|x| x + rng.normal() * 0.03);
            *w = sum;
        }
        let mut way: Vec<[f64; 3]> = (0..=last)
            .map(|k| {
                let f = k as f64 / (last as f64).max(1.0);
                std::array::from_fn(|x| lead[k][x] + slot[x] + wobble[k][x] - f * sum[x])
            })
            .collect();
        if let (true, Some([.., before, end])) = (splits, way.last_chunk::<2>().copied()) {
            let site = goals[i * 4 / count];
            let plan = Plan {
                velocity: std::array::from_fn(|x| (end[x] - before[x]) / STEP_S),
                goals: vec![[site[0] + rng.between(-60.0, 60.0), site[1] + rng.between(-60.0, 60.0), 0.0]],
                speed: [10.0, 20.0],
                height: [40.0, 100.0],
                loiters: false,
                ..Plan::new(Craft::Multirotor, end)
            };
            way.pop();
            way.extend(fly(&mut rng, last as f64 * STEP_S, b.end, &plan));
        }
        b.flown(Identity::new(format!("T{}", i + 1), Class::Drone), &ground, 0.0, &way);
    }
    let site = |(k, [e, n]): (usize, [f64; 2])| Site { id: format!("SITE{k}"), enu: [e, n, 0.0], radius: 150.0 };
    goals.into_iter().enumerate().map(site).collect()
}

fn bearings(b: &mut Builder, count: usize) {
    let (ground, q) = (b.frame, 900.0);
    b.finder("DF1", &ground, [-q, -q], 3_000.0).pd = 0.85;
    let second = b.finder("DF2", &ground, [q, -q], 3_000.0);
    (second.pd, second.phase) = (0.85, 0.25);
    for (id, at, phase) in [("AC1", [q, q], 0.5), ("AC2", [-q, q], 0.75)] {
        let s = b.microphones(id, &ground, at, 2_000.0);
        (s.pd, s.phase) = (0.75, phase);
    }
    for i in 0..count {
        let mut rng = b.rng(Purpose::Target, i);
        let bearing = rng.between(-PI, PI);
        let [e, n] = polar(rng.between(500.0, 800.0), bearing);
        let goals = [0.0, 40.0, 80.0, 120.0].map(|from| {
            let [e, n] = polar(rng.between(200.0, 700.0), rng.between(-PI, PI));
            [e, n, from]
        });
        let plan = Plan {
            goals: goals.to_vec(),
            speed: [6.0, 16.0],
            height: [30.0, 90.0],
            ..Plan::new(Craft::Multirotor, [e, n, 40.0])
        };
        // Four seconds apart, or closer, so that all are there for half of the scene.
        let t0 = i as f64 * (b.end / 2.0 / count as f64).min(4.0);
        b.target(Identity::new(format!("T{}", i + 1), Class::Drone), &ground, t0, &plan, &mut rng);
    }
}

fn mixed(b: &mut Builder) {
    let ground = b.frame;
    b.radar("R1", &ground, [0.0; 2], 4_000.0, 8.0);
    let r2 = b.radar("R2", &ground, [1_500.0, -600.0], 4_000.0, 8.0);
    (r2.period, r2.phase, r2.latency, r2.sigma.range) = (2.0, 0.3, [1.0, 2.0], Some(6.0));
    b.devices[1].az_bias = DEG;
    b.remote_id("RID1", &ground, [0.0; 2], 6_000.0, 0.9).latency = [0.3, 2.5];
    b.adsb("ADSB1", &ground, [0.0; 2], 30_000.0).latency = [0.2, 3.0];
    b.finder("DF1", &ground, [-1_200.0, -800.0], 3_000.0).latency = [0.3, 1.5];
    let df2 = b.finder("DF2", &ground, [1_200.0, 1_300.0], 3_000.0);
    (df2.phase, df2.latency) = (0.5, [0.3, 1.5]);
    let eye = b.sensor("EYE1", SensorKind::Sighting, &ground, [-400.0, 900.0]);
    eye.sigma = Sigma { az: Some(8.0 * DEG), range_frac: Some(0.3), ..Sigma::default() };
    (eye.pd, eye.period, eye.rmin, eye.rmax) = (0.5, 15.0, 50.0, 1_200.0);
    (eye.latency, eye.clutter) = ([8.0, 40.0], 0.02);

    let somewhere = |rng: &mut Rng, least: f64, most: f64| {
        let bearing = rng.between(-PI, PI);
        polar(rng.between(least, most), bearing)
    };
    for i in 0..4 {
        let mut rng = b.rng(Purpose::Target, i);
        let [e, n] = somewhere(&mut rng, 1_500.0, 3_000.0);
        let t0 = rng.between(0.0, 20.0);
        let (near, far) = (somewhere(&mut rng, 0.0, 800.0), somewhere(&mut rng, 500.0, 2_000.0));
        let plan = Plan {
            goals: vec![[near[0], near[1], 0.0], [far[0], far[1], 90.0]],
            pops_up: true,
            ..Plan::new(Craft::Multirotor, [e, n, 0.0])
        };
        let remote_id = (i < 2).then(|| format!("UAS-{}", 1_000 + i));
        let who = Identity { remote_id, ..Identity::new(format!("T{}", i + 1), Class::Drone) };
        b.target(who, &ground, t0, &plan, &mut rng);
    }
    let mut rng = b.rng(Purpose::Target, 4);
    let [e, n] = polar(3_300.0, rng.between(-PI, PI));
    let plan = Plan {
        goals: vec![[0.0; 3]],
        speed: [28.0, 40.0],
        height: [15.0, 60.0],
        pops_up: true,
        loiters: false,
        ..Plan::new(Craft::Fpv, [e, n, 0.0])
    };
    b.target(Identity::new("T5".into(), Class::Fpv), &ground, 60.0, &plan, &mut rng);

    let mut rng = b.rng(Purpose::Target, 5);
    let bearing = rng.between(-PI, PI);
    let ([e, n], back) = (polar(3_500.0, bearing), polar(-60.0, bearing));
    let plan = Plan {
        velocity: [back[0], back[1], 0.0],
        goals: vec![[-e, -n, 0.0]],
        speed: [55.0, 65.0],
        height: [450.0, 550.0],
        ..Plan::new(Craft::Crewed, [e, n, 500.0])
    };
    let who = Identity { adsb: Some("A1B2C3".into()), ..Identity::new("T6".into(), Class::Crewed) };
    b.target(who, &ground, 0.0, &plan, &mut rng);

    for i in 0..3 {
        let mut rng = b.rng(Purpose::Target, 6 + i);
        let [e, n] = somewhere(&mut rng, 300.0, 1_500.0);
        let goals = [0.0, 50.0, 100.0, 150.0].map(|from| {
            let [e, n] = somewhere(&mut rng, 200.0, 1_500.0);
            [e, n, from]
        });
        let plan = Plan {
            velocity: [5.0, 5.0, 0.0],
            goals: goals.to_vec(),
            speed: [5.0, 13.0],
            height: [20.0, 90.0],
            ..Plan::new(Craft::Bird, [e, n, 60.0])
        };
        let who = Identity { ignore: true, ..Identity::new(format!("B{}", i + 1), Class::Bird) };
        b.target(who, &ground, 0.0, &plan, &mut rng);
    }

    // X1 invents a drone with an id of its own, X2 clones the first drone's id elsewhere.
    for (j, claimed) in [(1usize, "UAS-6666"), (2, "UAS-1000")] {
        let mut rng = b.rng(Purpose::Target, 8 + j);
        let [e, n] = somewhere(&mut rng, 1_000.0, 2_000.0);
        let goal = somewhere(&mut rng, 0.0, 600.0);
        let plan = Plan {
            goals: vec![[goal[0], goal[1], 0.0]],
            speed: [8.0, 18.0],
            ..Plan::new(Craft::Multirotor, [e, n, 60.0])
        };
        let sender = somewhere(&mut rng, 600.0, 1_500.0);
        let emitter = lift(&ground, &b.frame, [sender[0], sender[1], 2.0]);
        let before = b.actors.len();
        let who = Identity { remote_id: Some(claimed.into()), ..Identity::new(format!("X{j}"), Class::Spoof) };
        b.target(who, &ground, 30.0 * j as f64, &plan, &mut rng);
        if let Some(x) = b.actors.get_mut(before) {
            x.emitter = Some(emitter);
        }
    }
}

fn border_line(b: &mut Builder, count: usize, grow: bool) -> Vec<Site> {
    let share = if grow { count as f64 / 300.0 } else { 1.0 };
    let line = 200_000.0 * share;
    // At least one of each, so that the smallest line has every kind.
    let some = |of: f64| usize::try_from(whole((of * share).round())).unwrap_or(1).max(1);
    // A ground of its own for everything: the line follows the Earth however long it is, and "up" is up everywhere.
    let scene = b.frame;
    let ground = |along: f64| {
        let radius = 6_384_000.0;
        Enu::at(Place {
            alt_hae_m: scene.origin().alt_hae_m,
            ..scene.to_place([radius * libm::tan(along / radius), 0.0, 0.0])
        })
    };
    let spaced = |k: usize, n: usize| -line / 2.0 + (k as f64 + 0.5) * line / n as f64;
    let mut rng = b.rng(Purpose::Layout, 0);
    let radars = some(20.0);
    for k in 0..radars {
        let along = spaced(k, radars);
        let (offset, phase) = (rng.between(-300.0, 300.0), rng.unit());
        b.radar(format!("R{}", k + 1), &ground(along), [0.0, offset], 7_000.0, 25.0).phase = phase;
        let (offset, phase) = (rng.between(-500.0, 500.0), rng.unit());
        b.finder(format!("DF{}", k + 1), &ground(along + 3_000.0), [0.0, offset], 5_000.0).phase = phase;
    }
    let receivers = some(12.0);
    for k in 0..receivers {
        let at = ground(spaced(k, receivers));
        b.remote_id(format!("RID{}", k + 1), &at, [0.0; 2], 9_000.0, 0.9).latency = [0.2, 1.5];
    }
    let receivers = some(4.0);
    for k in 0..receivers {
        b.adsb(format!("ADSB{}", k + 1), &ground(spaced(k, receivers)), [0.0; 2], 60_000.0).latency = [0.2, 2.0];
    }
    for k in 0..some(4.0) {
        let (along, offset, phase) = (rng.between(-line / 2.0, line / 2.0), rng.between(-200.0, 200.0), rng.unit());
        b.microphones(format!("AC{}", k + 1), &ground(along), [0.0, offset], 1_500.0).phase = phase;
    }
    for i in 0..count {
        let mut rng = b.rng(Purpose::Target, i);
        let (along, y) = (rng.between(-line / 2.0, line / 2.0), rng.between(-4_000.0, 4_000.0));
        let part = i as f64 / count as f64;
        let third = i % 3 == 0;
        let t0 = if third { rng.between(0.0, 40.0) } else { 0.0 };
        let id = format!("T{}", i + 1);
        let (who, plan) = if part < 0.2 {
            let d = polar(1.0, rng.between(-PI, PI));
            let plan = Plan {
                velocity: [60.0 * d[0], 60.0 * d[1], 0.0],
                goals: vec![[d[0] * 2e4, y + d[1] * 2e4, 0.0]],
                speed: [45.0, 70.0],
                height: [300.0, 900.0],
                ..Plan::new(Craft::Crewed, [0.0, y, rng.between(300.0, 900.0)])
            };
            let adsb = Some(format!("{:06X}", 0xA0_0000 + i));
            (Identity { adsb, ..Identity::new(id, Class::Crewed) }, plan)
        } else if part < 0.87 {
            let height = if third { 0.0 } else { rng.between(30.0, 100.0) };
            let plan = Plan {
                goals: vec![[rng.between(-3_000.0, 3_000.0), rng.between(-3_000.0, 3_000.0), 0.0]],
                pops_up: third,
                ..Plan::new(Craft::Multirotor, [0.0, y, height])
            };
            let remote_id = (i % 2 == 1).then(|| format!("UAS-{}", 2_000 + i));
            (Identity { remote_id, ..Identity::new(id, Class::Drone) }, plan)
        } else {
            let plan = Plan {
                goals: vec![[rng.between(-3_000.0, 3_000.0), -3_000.0 * y.signum(), 0.0]],
                speed: [25.0, 40.0],
                height: [15.0, 80.0],
                loiters: false,
                ..Plan::new(Craft::Fpv, [0.0, y, 20.0])
            };
            (Identity::new(id, Class::Fpv), plan)
        };
        b.target(who, &ground(along), t0, &plan, &mut rng);
    }
    (0..8)
        .map(|k| {
            let enu = lift(&ground(spaced(k, 8)), &scene, [0.0, 1_500.0, 0.0]).map(|x| (x * 1e4).round() / 1e4);
            Site { id: format!("SITE{k}"), enu, radius: 400.0 }
        })
        .collect()
}
