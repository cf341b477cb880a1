//! [`Sky`]: what may be in the air of a scene, from scans, claims and bearings.
//!
//! Every thing is a Bernoulli component: a state under several models of flight, and the chance that it is there at
//! all (track-oriented Poisson multi-Bernoulli, Williams 2015). A scan is joined as a whole: who is who is solved over
//! clusters of tracks and plots that could belong together. What nobody has noticed yet has a density, so a plot that is
//! of no track starts one with a chance that is small where false plots are many and things are few.
//!
//! Late reports are joined at their own time: each track keeps its last steps, and is worked on again from there.

pub mod assign;
pub mod gauss;
pub mod motion;
pub mod sensor;
pub mod settings;

use assign::{Assignment, Pair};
use gauss::{Gauss, V3, minus};
use motion::{MODELS, Motion};
pub use sensor::{Measured, Sense, Sensor};
use sensor::{Component, height};
pub use settings::Settings;

/// A name that something claims: an index into whoever keeps the names.
pub type Name = u32;

/// One plot of a scan.
#[derive(Debug, Clone, Copy)]
pub struct Plot {
    /// What was measured.
    pub m: Measured,
    /// What it claims to be.
    pub name: Option<Name>,
}

/// How far a track is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belief {
    /// Started.
    Tentative,
    /// Believed.
    Confirmed,
    /// Gone.
    Deleted,
}

/// A track as it is now.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// Its number.
    pub id: u64,
    /// The moment that the state is of, s.
    pub t: f64,
    /// Place and velocity.
    pub state: Gauss,
    /// How far it is believed.
    pub belief: Belief,
    /// Chance that it is there.
    pub existence: f64,
    /// What it claims to be.
    pub name: Option<Name>,
    /// Two kinds of evidence speak against its claim.
    pub suspect: bool,
}

/// A state at a time, and what was joined there.
#[derive(Debug, Clone, Copy)]
struct Step {
    t: f64,
    motion: Motion,
    by: Option<(u16, Measured)>,
    /// How well that fitted: natural logarithm of its likelihood.
    ln: f64,
}

/// One thing that may be there.
#[derive(Debug, Clone)]
struct Body {
    id: u64,
    /// Chance that it is there, at `as_of`.
    r: f64,
    as_of: f64,
    steps: Vec<Step>,
    confirmed: bool,
    /// Chance that it gives off what a radio finder, or an ear, can find.
    gives: [f64; 2],
    /// It began where bearings met.
    met: bool,
    shown: f64,
    claims: Claims,
}

/// What a track says of itself, and what speaks for and against it.
#[derive(Debug, Clone, Copy, Default)]
struct Claims {
    /// The names that it gave, and how often; the most frequent counts.
    names: [(Name, u32); 3],
    /// When it last said anything.
    heard: f64,
    /// Scans in which something that it did not say itself was seen of it.
    seen: u32,
    /// Bearings of emissions with its name that pointed at it, and that did not.
    fits: u32,
    misfits: u32,
    /// It said where it is at least once.
    any: bool,
}

impl Claims {
    fn name(&self) -> Option<Name> {
        let best = self.names.iter().fold((0, 0), |best, n| if n.1 > best.1 { *n } else { best });
        (best.1 > 0).then_some(best.0)
    }

    fn says(&mut self, name: Name) {
        if let Some(n) = self.names.iter_mut().find(|n| n.1 > 0 && n.0 == name) {
            n.1 += 1;
            return;
        }
        let mut least = 0;
        for k in 1..self.names.len() {
            if self.names[k].1 < self.names[least].1 {
                least = k;
            }
        }
        self.names[least] = (name, 1);
    }

    fn said(&self, name: Name) -> bool {
        self.names.iter().any(|n| n.1 > 0 && n.0 == name)
    }

    /// Rests on its own word alone.
    fn alone(&self) -> bool {
        self.any && self.seen == 0
    }
}

/// The air of a scene.
#[derive(Debug, Clone)]
pub struct Sky {
    settings: Settings,
    sensors: Vec<Sensor>,
    bodies: Vec<Body>,
    next: u64,
    now: f64,
    loose: Vec<Loose>,
    scratch: Scratch,
}

/// A bearing that no track explains.
#[derive(Debug, Clone, Copy)]
struct Loose {
    sensor: usize,
    t: f64,
    m: Measured,
    /// Chance that it is of no track.
    free: f64,
}

#[derive(Debug, Clone, Default)]
struct Scratch {
    seen: Vec<Seen>,
    pairs: Vec<Pair>,
    joined: Vec<Motion>,
    fits: Vec<f64>,
    rivals: Vec<(u32, u32)>,
    tails: [Vec<Step>; 2],
    mates: Vec<(u32, Gauss, f64)>,
    places: Vec<(V3, [f64; 6], f64)>,
    against: Vec<f64>,
    births: Vec<f64>,
    taken: Vec<bool>,
    assignment: Assignment,
    pool: Vec<Vec<Step>>,
}

/// A track as a scan meets it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    body: u32,
    /// The moment at which it was seen.
    then: f64,
    motion: Motion,
    chance: f64,
    /// Its step that the motion comes from; none when it began later.
    from: Option<u32>,
}

const LN_2PI: f64 = 1.8378770664093453;

/// Joins a measurement to a motion. Gives the natural logarithm of its likelihood and the least squared distance over
/// the models.
fn join(motion: &mut Motion, sensor: &Sensor, m: &Measured, bias: f64) -> (f64, f64) {
    let mut parts = [Component::default(); 3];
    let mut ln = [0.0; MODELS];
    let mut least = f64::INFINITY;
    for (state, ln) in motion.states.iter_mut().zip(&mut ln) {
        let n = sensor.components(m, state, bias, &mut parts);
        let start = state.p;
        let mut d2 = 0.0;
        for c in &parts[..n] {
            let moved = gauss::dot(&c.h, &minus(&state.p, &start));
            let said = state.join(&c.h, c.nu - moved, c.r);
            d2 += said.d2;
            *ln -= 0.5 * (said.d2 + libm::log(said.s) + LN_2PI);
        }
        least = least.min(d2);
    }
    (motion.weigh(&ln), least)
}

impl Sky {
    /// Nothing known yet.
    pub fn new(settings: Settings, sensors: Vec<Sensor>) -> Self {
        Self { settings, sensors, bodies: Vec::new(), next: 1, now: f64::NEG_INFINITY, loose: Vec::new(), scratch: Scratch::default() }
    }

    /// Takes a whole scan of a sensor that was made at `t`, also when it comes late and when it is empty. Reports of
    /// the tracks that it changed are added to `out`.
    pub fn scan(&mut self, sensor: usize, t: f64, plots: &[Plot], out: &mut Vec<Report>) {
        self.now = self.now.max(t);
        let Some(kind) = self.sensors.get(sensor).map(|s| s.sense) else { return };
        match kind {
            Sense::Radar | Sense::Bearing => self.whole(sensor, t, plots, out),
            Sense::Claim => {
                for plot in plots {
                    self.hear(sensor, t, plot, out);
                }
            }
            Sense::Person => {}
        }
    }

    /// A second passed: every track that was not shown for as long, as it is by now.
    pub fn tick(&mut self, now: f64, out: &mut Vec<Report>) {
        self.now = self.now.max(now);
        for body in &mut self.bodies {
            if now > body.as_of {
                body.r *= libm::exp(-(now - body.as_of) / self.settings.stay);
                body.as_of = now;
            }
        }
        for k in 0..self.bodies.len() {
            if now - self.bodies[k].shown >= 0.999 {
                self.show(k, now, out);
            }
        }
        self.bury(out);
    }

    fn whole(&mut self, sensor: usize, t: f64, plots: &[Plot], out: &mut Vec<Report>) {
        let mut s = std::mem::take(&mut self.scratch);
        let from = self.sensors[sensor].clone();
        let ear = usize::from(from.sound.is_some());
        let bearing = from.sense == Sense::Bearing;
        // A bearing whose emission says its name is of the tracks of that name, or speaks against them.
        s.taken.clear();
        s.taken.resize(plots.len(), false);
        if bearing {
            for (j, plot) in plots.iter().enumerate() {
                s.taken[j] = self.name_heard(sensor, &from, t, plot, out);
            }
        }
        // Where plots are in the scene, for a first look.
        s.places.clear();
        s.against.clear();
        s.births.clear();
        for plot in plots {
            if bearing {
                s.against.push(from.clutter);
                s.births.push(0.0);
                continue;
            }
            let (p, cov) = from.place_of(&plot.m, 0.0);
            let spread = (cov[0] + cov[3] + cov[5]).sqrt();
            let birth = self.settings.unnoticed_at(height(&p)) * from.pd
                * plot.m.z[0] * plot.m.z[0] * libm::cos(plot.m.z[2]);
            s.places.push((p, cov, spread));
            s.against.push(from.clutter + birth);
            s.births.push(birth);
        }
        // Tracks that it could see.
        s.seen.clear();
        for (k, body) in self.bodies.iter_mut().enumerate() {
            let near = minus(&body.steps[body.steps.len() - 1].motion.states[0].p, &from.at);
            let far = from.range[1] + 500.0;
            if near[0] * near[0] + near[1] * near[1] > far * far {
                continue;
            }
            // What is heard now was given off some time ago, when the thing was elsewhere.
            let mut then = t;
            if let Some(speed) = from.sound {
                for _ in 0..2 {
                    let d = minus(&at_time(body, then, &self.settings).1.place(), &from.at);
                    then = t - gauss::dot(&d, &d).sqrt() / speed;
                }
            }
            let (at, motion) = at_time(body, then, &self.settings);
            let g = motion.merged();
            let mut chance = from.chance(&g);
            if bearing {
                chance *= body.gives[ear];
            }
            if chance < 1e-3 {
                continue;
            }
            if t > body.as_of {
                body.r *= libm::exp(-(t - body.as_of) / self.settings.stay);
                body.as_of = t;
            }
            s.seen.push(Seen { body: k as u32, then, motion, chance, from: at.map(|x| x as u32) });
        }
        // Who could be who.
        s.pairs.clear();
        s.joined.clear();
        s.fits.clear();
        for (i, seen) in s.seen.iter().enumerate() {
            let body = &self.bodies[seen.body as usize];
            let g = seen.motion.merged();
            let spread = g.spread();
            let unseen = (1.0 - body.r * seen.chance).max(1e-12);
            for (j, plot) in plots.iter().enumerate() {
                if s.taken[j] {
                    continue;
                }
                if !bearing {
                    let (p, _, own) = &s.places[j];
                    let d = minus(p, &g.p);
                    let reach = 4.5 * (spread + own);
                    if gauss::dot(&d, &d) > reach * reach {
                        continue;
                    }
                }
                let mut joined = seen.motion;
                let (ln, d2) = join(&mut joined, &from, &plot.m, 0.0);
                if d2 > self.settings.gate {
                    continue;
                }
                let odds = body.r * seen.chance * libm::exp(ln) / s.against[j] / unseen;
                if odds < 1e-6 {
                    continue;
                }
                s.pairs.push(Pair { track: i as u32, plot: j as u32, odds, chance: 0.0, best: false });
                s.joined.push(joined);
                s.fits.push(ln);
            }
        }
        s.assignment.solve(&mut s.pairs, s.seen.len(), plots.len());
        // What that makes of each track.
        let mut k = 0;
        for (i, seen) in s.seen.iter().enumerate() {
            let mut any = 0.0;
            let mut best: Option<usize> = None;
            let start = k;
            while k < s.pairs.len() && s.pairs[k].track as usize == i {
                any += s.pairs[k].chance;
                if s.pairs[k].best {
                    best = Some(k);
                }
                k += 1;
            }
            let any = any.min(1.0);
            let body = &mut self.bodies[seen.body as usize];
            let unseen = (1.0 - body.r * seen.chance).max(1e-12);
            let there = body.r * (1.0 - seen.chance) / unseen;
            body.r = (any + (1.0 - any) * there).clamp(0.0, 1.0 - 1e-9);
            if bearing {
                let pd = from.pd;
                let e = body.gives[ear];
                let quiet = e * (1.0 - pd) / (1.0 - e * pd);
                // What was found by its sound and radio goes on giving both; else its misses would mean nothing.
                let least = if body.met { self.settings.gives } else { 0.02 };
                body.gives[ear] = (any + (1.0 - any) * quiet).clamp(least, 0.999);
            }
            if best.is_some() && !bearing {
                body.claims.seen += 1;
            }
            if bearing {
                // Bearings that could be this track's are joined as one, each as far as it could: with a choice made
                // for good, the first mistake would lead to the next.
                if let Some(base) = seen.from
                    && let Some(m) = blend(&s.pairs[start..k], plots, any)
                {
                    let mut motion = seen.motion;
                    let (ln, _) = join(&mut motion, &from, &m, 0.0);
                    let by = Some((sensor as u16, m));
                    insert(body, base as usize, Step { t: seen.then, motion, by, ln }, &self.sensors, &self.settings);
                }
            } else if let (Some(best), Some(base)) = (best, seen.from) {
                let by = Some((sensor as u16, plots[s.pairs[best].plot as usize].m));
                insert(body, base as usize, Step { t: seen.then, motion: s.joined[best], by, ln: s.fits[best] }, &self.sensors, &self.settings);
            }
        }
        if !bearing {
            if self.settings.untangle < 90.0 {
                self.untangle(&mut s);
            }
            self.flock(&mut s, t);
        }
        // What is of no track may be new.
        if !bearing {
            for (j, _) in plots.iter().enumerate() {
                let r = s.assignment.free[j] * s.births[j] / s.against[j];
                if r < self.settings.over * 2.0 {
                    continue;
                }
                let (p, cov, _) = s.places[j];
                let [over_ground, up] = self.settings.unknown_speed;
                let state = Gauss::standing(p, cov, over_ground, up);
                let motion = Motion::of(state, &self.settings.flight);
                self.scratch.pool = std::mem::take(&mut s.pool);
                let k = self.begin(t, motion, Some((sensor as u16, plots[j].m)), r);
                s.pool = std::mem::take(&mut self.scratch.pool);
                self.bodies[k].claims.seen = 1;
            }
        }
        if bearing {
            self.scratch.pool = std::mem::take(&mut s.pool);
            self.cross(sensor, t, plots, &s.assignment.free, &s.taken);
            s.pool = std::mem::take(&mut self.scratch.pool);
        }
        for seen in &s.seen {
            self.show(seen.body as usize, t, out);
        }
        self.scratch = s;
        self.bury(out);
    }

    /// A bearing to an emission that says its name. Whether a track of that name is known.
    fn name_heard(&mut self, sensor: usize, from: &Sensor, t: f64, plot: &Plot, out: &mut Vec<Report>) -> bool {
        let Some(name) = plot.name else { return false };
        let mut known = false;
        for k in 0..self.bodies.len() {
            let body = &mut self.bodies[k];
            if body.claims.name() != Some(name) {
                continue;
            }
            known = true;
            let Some(at) = body.steps.iter().rposition(|x| x.t <= t) else { continue };
            let step = &body.steps[at];
            let mut motion = step.motion.predict(t - step.t, &self.settings.flight);
            let (_, d2) = join(&mut motion, from, &plot.m, 0.0);
            if d2 < 12.0 {
                body.claims.fits += 1;
                let by = Some((sensor as u16, plot.m));
                insert(body, at, Step { t, motion, by, ln: 0.0 }, &self.sensors, &self.settings);
            } else {
                body.claims.misfits += 1;
            }
            self.show(k, t, out);
        }
        known
    }

    /// Something says where it is.
    fn hear(&mut self, sensor: usize, t: f64, plot: &Plot, out: &mut Vec<Report>) {
        let from = self.sensors[sensor].clone();
        let p = plot.m.z;
        let new = self.settings.unnoticed_at(height(&p)) + self.settings.untrue;
        let own = (plot.m.r[0] + plot.m.r[1] + plot.m.r[2]).sqrt();
        let mut best: Option<(f64, usize, usize, Motion)> = None;
        for (k, body) in self.bodies.iter().enumerate() {
            let Some(at) = body.steps.iter().rposition(|x| x.t <= t) else { continue };
            let step = &body.steps[at];
            let d = minus(&p, &step.motion.states[0].p);
            let reach = 60.0 * (t - step.t) + 5.0 * (own + step.motion.states[1].spread()) + 100.0;
            if gauss::dot(&d, &d) > reach * reach {
                continue;
            }
            let mut motion = step.motion.predict(t - step.t, &self.settings.flight);
            let (ln, d2) = join(&mut motion, &from, &plot.m, 0.0);
            if d2 > self.settings.gate {
                continue;
            }
            let tie = match (plot.name, body.claims.name()) {
                (Some(n), Some(_)) if body.claims.said(n) => 1.0,
                (Some(_), Some(_)) => 1e-4,
                _ => 0.1,
            };
            let odds = body.r * tie * libm::exp(ln) / new;
            if odds > 1.0 && best.as_ref().is_none_or(|b| odds > b.0) {
                best = Some((odds, k, at, motion));
            }
        }
        // One that rests on its word alone goes where it says it is, however far.
        let again = plot.name.and_then(|n| {
            self.bodies.iter().position(|b| {
                b.claims.alone() && b.claims.name() == Some(n) && t >= b.steps[b.steps.len() - 1].t && t - b.claims.heard < 30.0
            })
        });
        let k = match best {
            None if again.is_some() => {
                let k = again.unwrap_or(0);
                let [over_ground, up] = self.settings.unknown_speed;
                let cov = [plot.m.r[0], 0.0, 0.0, plot.m.r[1], 0.0, plot.m.r[2]];
                let motion = Motion::of(Gauss::standing(p, cov, over_ground, up), &self.settings.flight);
                let body = &mut self.bodies[k];
                body.steps.clear();
                body.steps.push(Step { t, motion, by: Some((sensor as u16, plot.m)), ln: 0.0 });
                k
            }
            Some((odds, k, at, motion)) => {
                let by = Some((sensor as u16, plot.m));
                let body = &mut self.bodies[k];
                insert(body, at, Step { t, motion, by, ln: 0.0 }, &self.sensors, &self.settings);
                if !body.claims.alone() {
                    body.r = odds / (1.0 + odds);
                }
                k
            }
            None => {
                let [over_ground, up] = self.settings.unknown_speed;
                let cov = [plot.m.r[0], 0.0, 0.0, plot.m.r[1], 0.0, plot.m.r[2]];
                let state = Gauss::standing(p, cov, over_ground, up);
                let motion = Motion::of(state, &self.settings.flight);
                let by = Some((sensor as u16, plot.m));
                self.begin(t, motion, by, self.settings.word)
            }
        };
        let body = &mut self.bodies[k];
        body.as_of = body.as_of.max(t);
        body.claims.any = true;
        body.claims.heard = body.claims.heard.max(t);
        if let Some(name) = plot.name {
            body.claims.says(name);
        }
        self.show(k, t, out);
    }

    /// Bearings of three places that meet may be of something new: one alone says nothing of where, and two meet
    /// nearly always.
    fn cross(&mut self, sensor: usize, t: f64, plots: &[Plot], free: &[f64], taken: &[bool]) {
        let window = self.settings.crossing;
        self.loose.retain(|l| t - l.t < window && l.t - t < window);
        for (j, plot) in plots.iter().enumerate() {
            if taken[j] {
                continue;
            }
            let new = Loose { sensor, t, m: plot.m, free: free[j] };
            let mut best: Option<(f64, Gauss, f64)> = None;
            for (k, one) in self.loose.iter().enumerate() {
                for two in &self.loose[k + 1..] {
                    if one.sensor == sensor || two.sensor == sensor || one.sensor == two.sensor {
                        continue;
                    }
                    if let Some((d2, g)) = self.meet(&[&new, one, two])
                        && best.as_ref().is_none_or(|b| d2 < b.0)
                    {
                        best = Some((d2, g, new.free.min(one.free).min(two.free)));
                    }
                }
            }
            self.loose.push(new);
            let Some((d2, g, free)) = best else { continue };
            if d2 > self.settings.meets {
                continue;
            }
            let close = self.bodies.iter().any(|b| {
                let d = minus(&b.steps[b.steps.len() - 1].motion.place(), &g.p);
                (d[0] * d[0] + d[1] * d[1]).sqrt() < self.settings.apart
            });
            if close {
                continue;
            }
            let motion = Motion::of(g, &self.settings.flight);
            let k = self.begin(t, motion, None, self.settings.met * free.max(self.settings.taken));
            self.bodies[k].gives = [0.95; 2];
            self.bodies[k].met = true;
            self.bodies[k].claims.seen = 2;
        }
    }

    /// Where three bearings meet, and how well.
    fn meet(&self, three: &[&Loose; 3]) -> Option<(f64, Gauss)> {
        let mut p = [0.0; 2];
        let mut a = [0.0; 3];
        let mut first = true;
        for _ in 0..3 {
            a = [0.0; 3];
            let mut b = [0.0; 2];
            for l in three {
                let s = &self.sensors[l.sensor];
                let n = [libm::cos(l.m.z[1]), -libm::sin(l.m.z[1])];
                let d = [p[0] - s.at[0], p[1] - s.at[1]];
                let r = if first { 1000.0 } else { (d[0] * d[0] + d[1] * d[1]).sqrt().max(50.0) };
                let moved = s.sound.map_or(0.0, |c| r / c) + 0.5;
                let var = l.m.r[1] * r * r + (6.0 * moved) * (6.0 * moved);
                let c = n[0] * s.at[0] + n[1] * s.at[1];
                a[0] += n[0] * n[0] / var;
                a[1] += n[0] * n[1] / var;
                a[2] += n[1] * n[1] / var;
                b[0] += n[0] * c / var;
                b[1] += n[1] * c / var;
            }
            let det = a[0] * a[2] - a[1] * a[1];
            if !(det > 1e-12) {
                return None;
            }
            p = [(a[2] * b[0] - a[1] * b[1]) / det, (a[0] * b[1] - a[1] * b[0]) / det];
            first = false;
        }
        let mut d2 = 0.0;
        for l in three {
            let s = &self.sensors[l.sensor];
            let d = [p[0] - s.at[0], p[1] - s.at[1]];
            let r = (d[0] * d[0] + d[1] * d[1]).sqrt().max(50.0);
            // Ahead, not behind, and within hearing.
            if d[0] * libm::sin(l.m.z[1]) + d[1] * libm::cos(l.m.z[1]) < 0.0 || r > s.range[1] * 1.1 {
                return None;
            }
            let moved = s.sound.map_or(0.0, |c| r / c) + 0.5;
            let var = l.m.r[1] * r * r + (6.0 * moved) * (6.0 * moved);
            let off = d[0] * libm::cos(l.m.z[1]) - d[1] * libm::sin(l.m.z[1]);
            d2 += off * off / var;
        }
        let det = a[0] * a[2] - a[1] * a[1];
        let pp = [a[2] / det, -a[1] / det, 0.0, a[0] / det, 0.0, 30.0 * 30.0];
        if pp[0] + pp[3] > 200.0 * 200.0 {
            return None;
        }
        Some((d2, Gauss::standing([p[0], p[1], 60.0], pp, self.settings.unknown_speed[0], 1.0)))
    }

    /// Things that fly close together fly alike: in a flock each knows its velocity from its neighbours, as far as these
    /// agree.
    fn flock(&mut self, s: &mut Scratch, t: f64) {
        s.mates.clear();
        for seen in &s.seen {
            let body = &self.bodies[seen.body as usize];
            let last = &body.steps[body.steps.len() - 1];
            if body.r < 0.5 || (last.t - t).abs() > 1e-6 {
                continue;
            }
            s.mates.push((seen.body, last.motion.merged(), last.motion.mu[1]));
        }
        for k in 0..s.mates.len() {
            let me = s.mates[k];
            let (mut n, mut sum, mut square, mut own, mut stir) = (0.0, [0.0; 3], [0.0; 3], [0.0; 3], 0.0);
            for (o, g, mu) in &s.mates {
                let d = minus(&g.p, &me.1.p);
                if *o == me.0 || gauss::dot(&d, &d) > self.settings.flock * self.settings.flock {
                    continue;
                }
                n += 1.0;
                stir += mu;
                for i in 0..3 {
                    sum[i] += g.v[i];
                    square[i] += g.v[i] * g.v[i];
                    own[i] += g.vv[gauss::AT[i][i]];
                }
            }
            if n < self.settings.mates {
                continue;
            }
            let mean: V3 = std::array::from_fn(|i| sum[i] / n);
            let var: V3 = std::array::from_fn(|i| {
                let spread = (square[i] / n - mean[i] * mean[i]).max(0.0) * n / (n - 1.0);
                (spread - own[i] / n).max(0.0) + own[i] / (n * n) + self.settings.alike * self.settings.alike
            });
            let body = &mut self.bodies[me.0 as usize];
            let last = body.steps.len() - 1;
            let share = self.settings.together;
            let mu = (1.0 - share) * me.2 + share * stir / n;
            body.steps[last].motion.mu = [1.0 - mu, mu];
            for state in &mut body.steps[last].motion.states {
                state.believe_velocity(&mean, &var);
            }
        }
    }

    /// Two tracks that could have had each other's plots may have been mistaken for one another some scans ago: where
    /// their last steps fit better exchanged, they are exchanged.
    fn untangle(&mut self, s: &mut Scratch) {
        s.rivals.clear();
        for (k, p) in s.pairs.iter().enumerate() {
            for q in &s.pairs[k + 1..] {
                if p.plot == q.plot && p.track != q.track && p.chance + q.chance > 0.0 {
                    let (pc, qc) = (p.chance.max(f64::from(u8::from(p.best))), q.chance.max(f64::from(u8::from(q.best))));
                    if pc.min(qc) < self.settings.rival {
                        continue;
                    }
                    let (a, b) = (s.seen[p.track as usize].body, s.seen[q.track as usize].body);
                    s.rivals.push((a.min(b), a.max(b)));
                }
            }
        }
        s.rivals.sort_unstable();
        s.rivals.dedup();
        for k in 0..s.rivals.len() {
            let (a, b) = (s.rivals[k].0 as usize, s.rivals[k].1 as usize);
            if self.bodies[a].claims.any || self.bodies[b].claims.any || self.bodies[a].r < 0.9 || self.bodies[b].r < 0.9 {
                continue;
            }
            self.untangle_two(a, b, &mut s.tails);
        }
    }

    fn untangle_two(&mut self, a: usize, b: usize, tails: &mut [Vec<Step>; 2]) {
        let (one, two) = (&self.bodies[a].steps, &self.bodies[b].steps);
        let start = one[0].t.max(two[0].t);
        let mut best: Option<(f64, f64, f64)> = None;
        let mut times: Vec<f64> = one.iter().chain(two).map(|x| x.t).filter(|t| *t > start).collect();
        times.sort_unstable_by(f64::total_cmp);
        times.dedup();
        for (k, &cut) in times.iter().enumerate() {
            // All from the cut on, and the cut's own alone.
            for end in [f64::INFINITY, cut] {
                if end.is_finite() && k + 1 == times.len() {
                    continue;
                }
                let mut gain = 0.0;
                for (x, y) in [(one, two), (two, one)] {
                    gain += self.refit(x, y, cut, end, None) - x.iter().filter(|s| s.t >= cut).map(|s| s.ln).sum::<f64>();
                }
                if gain > self.settings.untangle && best.is_none_or(|b| gain > b.0) {
                    best = Some((gain, cut, end));
                }
            }
        }
        let Some((_, cut, end)) = best else { return };
        for (t, (x, y)) in tails.iter_mut().zip([(one, two), (two, one)]) {
            t.clear();
            self.refit(x, y, cut, end, Some(t));
        }
        std::mem::swap(&mut self.bodies[a].steps, &mut tails[0]);
        std::mem::swap(&mut self.bodies[b].steps, &mut tails[1]);
    }

    /// How well a track fits that is `x` but has the steps of `y` from `cut` to `end`.
    fn refit(&self, x: &[Step], y: &[Step], cut: f64, end: f64, mut out: Option<&mut Vec<Step>>) -> f64 {
        let keep = x.iter().take_while(|s| s.t < cut).count();
        let Some(last) = x[..keep].last() else { return f64::NEG_INFINITY };
        if let Some(out) = out.as_deref_mut() {
            out.extend_from_slice(&x[..keep]);
        }
        let mut at = *last;
        let mut ln = 0.0;
        let taken = y.iter().filter(|s| s.t >= cut && s.t <= end);
        let own = x.iter().filter(|s| s.t > end);
        for step in taken.chain(own) {
            let mut motion = at.motion.predict(step.t - at.t, &self.settings.flight);
            let Some((sensor, m)) = &step.by else { continue };
            let fit = join(&mut motion, &self.sensors[*sensor as usize], m, 0.0).0;
            ln += fit;
            at = Step { t: step.t, motion, by: step.by, ln: fit };
            if let Some(out) = out.as_deref_mut() {
                out.push(at);
            }
        }
        ln
    }

    fn begin(&mut self, t: f64, motion: Motion, by: Option<(u16, Measured)>, r: f64) -> usize {
        let mut steps = self.scratch.pool.pop().unwrap_or_else(|| Vec::with_capacity(self.settings.steps + 1));
        steps.clear();
        steps.push(Step { t, motion, by, ln: 0.0 });
        self.bodies.push(Body {
            id: self.next,
            r,
            as_of: t,
            steps,
            confirmed: false,
            gives: [0.5; 2],
            met: false,
            shown: f64::NEG_INFINITY,
            claims: Claims::default(),
        });
        self.next += 1;
        self.bodies.len() - 1
    }

    /// Two kinds of evidence against what a track says of itself: radars that should see it do not, emissions with its
    /// name come from elsewhere, another has its name and is seen.
    fn doubted(&self, k: usize) -> bool {
        let body = &self.bodies[k];
        if !body.claims.alone() {
            return false;
        }
        let silent = body.r < 0.05;
        let elsewhere = body.claims.misfits >= 2 && body.claims.fits == 0;
        let twice = body.claims.name().is_some_and(|n| {
            self.bodies.iter().enumerate().any(|(o, b)| {
                o != k && b.claims.seen > 2 && b.claims.name() == Some(n) && (b.claims.heard - body.claims.heard).abs() < 10.0
            })
        });
        u8::from(silent) + u8::from(elsewhere) + u8::from(twice) >= 2
    }

    /// How a track stands now.
    fn show(&mut self, k: usize, now: f64, out: &mut Vec<Report>) {
        let suspect = self.doubted(k);
        let body = &mut self.bodies[k];
        let last = &body.steps[body.steps.len() - 1];
        let t = last.t.max(now);
        let state = last.motion.predict(t - last.t, &self.settings.flight).merged();
        let enough = if body.claims.alone() { self.settings.word * 0.95 } else { self.settings.confirm };
        // Where it is has to be known, too: nobody can look for a thing that may be anywhere.
        let lost = (state.pp[0] + state.pp[3]).sqrt() > self.settings.lost;
        if suspect || (body.r >= enough && !lost && (body.claims.any || body.claims.seen >= 2)) {
            body.confirmed = true;
        } else if body.r < self.settings.doubt || lost {
            body.confirmed = false;
        }
        body.shown = body.shown.max(now);
        out.push(Report {
            id: body.id,
            t,
            state,
            belief: if body.confirmed { Belief::Confirmed } else { Belief::Tentative },
            existence: body.r,
            name: body.claims.name(),
            suspect,
        });
    }

    /// Ends what is hardly there any more.
    fn bury(&mut self, out: &mut Vec<Report>) {
        let over = self.settings.over;
        let pool = &mut self.scratch.pool;
        let now = self.now;
        self.bodies.retain_mut(|b| {
            // What is said is shown, whatever is thought of it.
            if b.r >= over || (b.claims.any && now - b.claims.heard < if b.claims.alone() { 30.0 } else { 8.0 }) {
                return true;
            }
            if b.shown > f64::NEG_INFINITY {
                let last = &b.steps[b.steps.len() - 1];
                out.push(Report {
                    id: b.id,
                    t: last.t.max(now),
                    state: last.motion.merged(),
                    belief: Belief::Deleted,
                    existence: b.r,
                    name: None,
                    suspect: false,
                });
            }
            pool.push(std::mem::take(&mut b.steps));
            false
        });
    }
}

/// Several bearings as one: their mean by chance, less sure for their spread and for the chance that none is it.
fn blend(pairs: &[Pair], plots: &[Plot], any: f64) -> Option<Measured> {
    if any < 0.02 {
        return None;
    }
    let first = plots[pairs.first()?.plot as usize].m;
    let (mut mean, mut square, mut r) = (0.0, 0.0, 0.0);
    for p in pairs {
        let m = &plots[p.plot as usize].m;
        let off = sensor::wrap(m.z[1] - first.z[1]);
        mean += p.chance * off;
        square += p.chance * off * off;
        r += p.chance * m.r[1];
    }
    let (mean, square, r) = (mean / any, square / any, r / any);
    let mut m = first;
    m.z[1] = sensor::wrap(first.z[1] + mean);
    m.r[1] = (r + (square - mean * mean).max(0.0)) / any.min(1.0);
    Some(m)
}

/// A track as it was at a time, and its step that this comes from; none when it began later.
fn at_time(body: &Body, t: f64, settings: &Settings) -> (Option<usize>, Motion) {
    let at = body.steps.iter().rposition(|x| x.t <= t);
    let step = &body.steps[at.unwrap_or(0)];
    (at, step.motion.predict(t - step.t, &settings.flight))
}

/// Puts a step behind the one that it came from and works through what came after it again.
fn insert(body: &mut Body, base: usize, step: Step, sensors: &[Sensor], settings: &Settings) {
    body.steps.insert(base + 1, step);
    for k in base + 2..body.steps.len() {
        let before = body.steps[k - 1];
        let it = &mut body.steps[k];
        it.motion = before.motion.predict(it.t - before.t, &settings.flight);
        if let Some((sensor, m)) = &it.by {
            it.ln = join(&mut it.motion, &sensors[*sensor as usize], m, 0.0).0;
        }
    }
    let newest = body.steps[body.steps.len() - 1].t;
    let old = body.steps.iter().take_while(|s| newest - s.t > settings.rewind).count();
    let spare = body.steps.len().saturating_sub(settings.steps);
    let drop = old.max(spare).min(body.steps.len() - 1);
    body.steps.drain(..drop);
}
